package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"filippo.io/age"
	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

// Target is what an import fills.
type Target struct {
	Client redis.UniversalClient
	Prefix string
	Blobs  core.BlobCopies
	// Force removes first what an import left that did not get to its end. It never removes anything else.
	Force bool
	// Tell may be nil.
	Tell Progress
}

// soon is within which time a key that runs out is not looked for again after an import: it may be gone by then.
const soon = 24 * time.Hour

// Import fills an empty store with an archive, reads everything back and compares it. Until it returned without an
// error the store is marked, and nothing else opens it. The archive is read once, from its beginning to its end.
func Import(ctx context.Context, in io.Reader, to Target, ids ...age.Identity) (Result, error) {
	x, err := NewReader(in, ids...)
	if err != nil {
		return Result{}, err
	}
	r := Result{Header: x.Header()}
	db, err := rdb.BeginImport(ctx, to.Client, to.Prefix, r.Workspace, r.Parts, to.Force)
	if err != nil {
		return r, err
	}
	w := &restorer{db: db, index: rdb.NewFamilyIndex(), border: time.Now().Add(soon), lasting: newTally()}
	if err := w.restore(ctx, x, to.Blobs, &r); err != nil {
		return r, unfinished(err)
	}
	r.Trailer, r.Expired = *x.Trailer(), w.expired
	if err := w.compare(ctx, to.Tell); err != nil {
		return r, unfinished(err)
	}
	r.Verified = true
	return r, db.EndImport(ctx)
}

// unfinished adds what to do next to why an import ended early.
func unfinished(err error) error {
	why := err.Error()
	var e *core.Error
	if errors.As(err, &e) && e.Message != "" {
		why = core.SafeMessage(err)
	}
	return core.Errorf(core.ErrorCode(err), "The import did not get to its end, and nothing opens this store until one does: %s", why).
		WithNext("Then run it again with --force.").Because(err)
}

const (
	// flushCommands and flushBytes bound what is sent to the store at once.
	flushCommands = 1000
	flushBytes    = 1 << 20
	// maxArgs bounds how many values one command carries.
	maxArgs = 1000
)

// restorer writes keys.
type restorer struct {
	db      *rdb.DB
	index   rdb.FamilyIndex
	border  time.Time
	lasting *tally // what must be there afterwards
	expired int64

	pipe  redis.Pipeliner
	bytes int

	now   Key
	names bool
	skip  bool // the key ran out already
	keep  bool // the key is looked for afterwards
}

func (w *restorer) restore(ctx context.Context, x *Reader, blobs core.BlobCopies, r *Result) error {
	w.pipe = w.db.Client.Pipeline()
	bad := 0
	for {
		item, err := x.Next()
		if err == nil {
			err = ctx.Err()
		}
		if err == io.EOF { //nolint:errorlint // Next returns it as it is, and only for a whole archive
			break
		}
		if err != nil {
			return err
		}
		switch item.Kind {
		case KindKey:
			w.end(ctx)
			w.begin(item.Key)
		case KindPart:
			err = w.part(ctx, item.Values)
		case KindGroup:
			err = w.group(ctx, item.Group, item.Last)
		case KindBlob:
			in := &blobReader{r: x}
			err = blobs.RestoreBlob(ctx, item.Blob, item.MIME, in)
			if err == nil && in.end == nil { // the store did not look whether there is more
				_, err = io.Copy(io.Discard, in)
			}
			if in.end != nil && in.end.Damaged && core.ErrorCode(err) == core.CodeInvalid {
				err = nil
				if bad++; bad <= maxNamed {
					r.warn("picture %s was damaged when it was exported and is left out", item.Blob)
				}
			}
		}
		if err != nil {
			return err
		}
	}
	w.end(ctx)
	return w.flush(ctx)
}

// begin takes note of a key. One that runs out at the border of what is compared lives two seconds longer: a clock that
// is read twice must not decide differently.
func (w *restorer) begin(k Key) {
	f, _, _ := w.index.Of(k.Name)
	if d := k.Expires.Sub(w.border); !k.Expires.IsZero() && d.Abs() <= time.Second {
		k.Expires = w.border.Add(2 * time.Second)
	}
	w.now, w.names = k, f.Names
	w.skip = !k.Expires.IsZero() && time.Until(k.Expires) <= 0
	w.keep = k.Expires.IsZero() || k.Expires.After(w.border)
	if w.skip {
		w.expired++
	}
	if w.keep {
		w.lasting.key(k)
	}
}

// end gives the key its time to live, counted from now, so that the clock of the server does not matter.
func (w *restorer) end(ctx context.Context) {
	if left := time.Until(w.now.Expires); !w.now.Expires.IsZero() && !w.skip {
		w.pipe.PExpire(ctx, w.key(), max(left, time.Millisecond))
	}
	w.now = Key{}
}

func (w *restorer) key() string { return w.db.Keys.Prefix + ":" + w.now.Name }

func (w *restorer) part(ctx context.Context, values []string) error {
	if w.skip {
		return nil
	}
	if w.keep {
		if err := w.lasting.part(values); err != nil {
			return err
		}
	}
	if w.names {
		for i, v := range values {
			values[i] = rename(v, ":{", w.db.Keys.Prefix+":{")
		}
	}
	if err := w.write(ctx, values); err != nil {
		return fmt.Errorf("write %s: %w", w.now.Name, err)
	}
	if w.bytes += size(values); w.bytes > flushBytes || w.pipe.Len() > flushCommands {
		return w.flush(ctx)
	}
	return nil
}

func (w *restorer) write(ctx context.Context, values []string) error {
	key := w.key()
	switch w.now.Type {
	case rdb.String:
		w.pipe.Set(ctx, key, values[0], 0)
	case rdb.Stream:
		return each(rdb.Stream, values, func(v []string) {
			w.pipe.XAdd(ctx, &redis.XAddArgs{Stream: key, ID: v[0], Values: v[2:]})
		})
	case rdb.Hash:
		for ; len(values) > 0; values = values[min(maxArgs, len(values)):] {
			w.pipe.HSet(ctx, key, values[:min(maxArgs, len(values))])
		}
	case rdb.Set:
		for ; len(values) > 0; values = values[min(maxArgs, len(values)):] {
			w.pipe.SAdd(ctx, key, values[:min(maxArgs, len(values))])
		}
	case rdb.SortedSet:
		var list []redis.Z
		for i := 0; i < len(values); i += 2 {
			f, err := strconv.ParseFloat(values[i+1], 64)
			if err != nil {
				return err
			}
			list = append(list, redis.Z{Score: f, Member: values[i]})
		}
		for ; len(list) > 0; list = list[min(maxArgs, len(list)):] {
			w.pipe.ZAdd(ctx, key, list[:min(maxArgs, len(list))]...)
		}
	}
	return nil
}

func (w *restorer) flush(ctx context.Context) error {
	if w.pipe.Len() == 0 {
		return nil
	}
	cmds, err := w.pipe.Exec(ctx)
	w.bytes = 0
	if err != nil {
		for _, c := range cmds {
			if c.Err() != nil && len(c.Args()) > 1 {
				return fmt.Errorf("%s %v: %w", c.Name(), c.Args()[1], rdb.Fault(c.Err()))
			}
		}
	}
	return rdb.Fault(err)
}

// handOut is how many entries are handed out at once.
const handOut = 100

// group makes a stream's group of readers, and hands out to it what was handed out before: whoever reads them next then
// looks whether they were done. The reader's name is that of all holders.
func (w *restorer) group(ctx context.Context, name, last string) error {
	if w.skip {
		return nil
	}
	if err := w.flush(ctx); err != nil {
		return err
	}
	key := w.key()
	if err := w.db.Client.XGroupCreate(ctx, key, name, "0").Err(); err != nil {
		return rdb.Fault(err)
	}
	for from := "-"; ; {
		rows, err := w.db.Client.XRangeN(ctx, key, from, last, handOut).Result()
		if err != nil {
			return rdb.Fault(err)
		}
		if len(rows) == 0 {
			return nil
		}
		if err := w.db.Client.XReadGroup(ctx, &redis.XReadGroupArgs{Group: name, Consumer: name, Streams: []string{key, ">"}, Count: int64(len(rows)), Block: -1}).Err(); err != nil {
			return rdb.Fault(err)
		}
		from = "(" + rows[len(rows)-1].ID
	}
}

// compare reads the store back. What runs out within a day is left aside on both sides.
func (w *restorer) compare(ctx context.Context, tell Progress) error {
	have := &found{tally: newTally(), border: w.border}
	walk := newWalker(w.db, have, func(done int64) {
		if tell != nil {
			tell(Comparing, done, w.lasting.Keys)
		}
	})
	if err := walk.walk(ctx); err != nil {
		return err
	}
	want, got := w.lasting, have.tally
	if want.sum.String() == got.sum.String() && want.Keys == got.Keys && want.Values == got.Values && walk.strange == 0 {
		return nil
	}
	return core.Errorf(core.CodeInternal, "The store does not hold what was written: %d of %d keys and %d of %d values were read back.", got.Keys, want.Keys, got.Values, want.Values).
		WithNext("Look whether something else writes into this database.").Because(errDiffers)
}

var errDiffers = errors.New("what was read back differs")

// found adds up what a walk finds of what lasts.
type found struct {
	tally  *tally
	border time.Time
	keep   bool
}

// Key notes a key.
func (f *found) Key(k Key) error {
	if f.keep = k.Expires.IsZero() || k.Expires.After(f.border); f.keep {
		f.tally.key(k)
	}
	return nil
}

// Part adds values.
func (f *found) Part(values []string) error {
	if !f.keep {
		return nil
	}
	return f.tally.part(values)
}

// Group is not compared: what was handed out last may have been settled since, and then cannot be handed out again.
func (f *found) Group(_, _ string) error { return nil }
