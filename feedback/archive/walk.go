package archive

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

const (
	// page is how many values of a key are read at once, and how many a key may have to be read with others.
	page = 1000
	// weight bounds what one answer holds: values, and a value more for each so many bytes of a string.
	weight       = 4 * page
	bytesPerUnit = 1 << 10
	// remembered is how many names are kept to know those that a scan tells twice: at most some sixty megabytes.
	remembered = 1 << 20
)

// visitor is told what a walk finds: a key, then its values.
type visitor interface {
	Key(k Key) error
	Part(values []string) error
	Group(name, last string) error
}

// walker reads everything that is worth keeping of a store, in no order, each key and each value of it once.
type walker struct {
	db    *rdb.DB
	to    visitor
	index rdb.FamilyIndex
	// tell is called after each group of keys with how many were looked at.
	tell func(done int64)
	// page and remembered are smaller in tests.
	page, remembered int64
	// strange are keys that belong to no family: how many, and one of them.
	strange int64
	example string
	done    int64
}

func newWalker(db *rdb.DB, to visitor, tell func(done int64)) *walker {
	return &walker{db: db, to: to, index: rdb.NewFamilyIndex(), tell: tell, page: page, remembered: remembered}
}

// names tells those apart that a scan tells more than once. So that what it remembers stays small, a scan of very many
// is done in passes, each of which takes its share.
type names struct {
	passes, pass uint64
	seen         map[[16]byte]struct{}
}

func newNames(about, most int64) *names { return &names{passes: uint64(about/most) + 1} }

// next begins the next pass; false after the last.
func (n *names) next() bool {
	if n.seen != nil {
		n.pass++
	}
	n.seen = map[[16]byte]struct{}{}
	return n.pass < n.passes
}

func (n *names) first(name string) bool {
	h := sha256.Sum256([]byte(name))
	if binary.BigEndian.Uint64(h[16:])%n.passes != n.pass {
		return false
	}
	k := [16]byte(h[:])
	if _, ok := n.seen[k]; ok {
		return false
	}
	n.seen[k] = struct{}{}
	return true
}

func (w *walker) walk(ctx context.Context) error {
	about, err := w.db.Size(ctx)
	if err != nil {
		return err
	}
	for once := newNames(about, w.remembered); once.next(); {
		if err := w.db.ScanNames(ctx, func(found []string) error {
			var keys []*scanned
			for _, name := range found {
				if !once.first(name) {
					continue
				}
				w.done++
				f, _, ok := w.index.Of(name)
				if !ok {
					w.strange, w.example = w.strange+1, name
				} else if f.Kept {
					keys = append(keys, &scanned{name: name, family: f})
				}
			}
			err := w.read(ctx, keys)
			if w.tell != nil {
				w.tell(w.done)
			}
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// scanned is one key that a scan found.
type scanned struct {
	name   string
	family rdb.Family
	ttl    *redis.DurationCmd
	size   *redis.IntCmd
	got    redis.Cmder
}

func (k *scanned) key(prefix string) string { return prefix + ":" + k.name }

// read tells the visitor of keys: small ones many at a time, large ones page by page.
func (w *walker) read(ctx context.Context, keys []*scanned) error {
	if len(keys) == 0 {
		return nil
	}
	pipe := w.db.Client.Pipeline()
	for _, k := range keys {
		key := k.key(w.db.Keys.Prefix)
		k.ttl = pipe.PTTL(ctx, key)
		switch k.family.Type {
		case rdb.String:
			k.size = pipe.StrLen(ctx, key)
		case rdb.Hash:
			k.size = pipe.HLen(ctx, key)
		case rdb.Set:
			k.size = pipe.SCard(ctx, key)
		case rdb.SortedSet:
			k.size = pipe.ZCard(ctx, key)
		case rdb.Stream:
			k.size = pipe.XLen(ctx, key)
		}
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	var small []*scanned
	heavy := int64(0)
	for _, k := range keys {
		n, err := k.size.Result()
		if err = errors.Join(err, k.ttl.Err()); err != nil {
			return fmt.Errorf("read %s: %w", k.name, rdb.Fault(err))
		}
		if n == 0 { // an empty stream or string, or a key that is gone
			continue
		}
		unit := n
		if k.family.Type == rdb.String {
			unit = 1 + n/bytesPerUnit
		} else if k.family.Type == rdb.Stream || n > w.page {
			if err := w.large(ctx, k); err != nil {
				return fmt.Errorf("read %s: %w", k.name, err)
			}
			continue
		}
		if heavy+unit > weight && len(small) > 0 {
			if err := w.small(ctx, small); err != nil {
				return err
			}
			small, heavy = small[:0], 0
		}
		small, heavy = append(small, k), heavy+unit
	}
	return w.small(ctx, small)
}

func (w *walker) small(ctx context.Context, keys []*scanned) error {
	pipe := w.db.Client.Pipeline()
	for _, k := range keys {
		key := k.key(w.db.Keys.Prefix)
		switch k.family.Type {
		case rdb.Hash:
			k.got = pipe.HGetAll(ctx, key)
		case rdb.Set:
			k.got = pipe.SMembers(ctx, key)
		case rdb.SortedSet:
			k.got = pipe.ZRangeWithScores(ctx, key, 0, -1)
		default:
			k.got = pipe.Get(ctx, key)
		}
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	for _, k := range keys {
		if err := k.got.Err(); errors.Is(err, redis.Nil) {
			continue // it is gone
		} else if err != nil {
			return fmt.Errorf("read %s: %w", k.name, rdb.Fault(err))
		}
		var values []string
		switch got := k.got.(type) {
		case *redis.MapStringStringCmd:
			for f, v := range got.Val() {
				values = append(values, f, v)
			}
		case *redis.StringSliceCmd:
			values = got.Val()
		case *redis.ZSliceCmd:
			for _, z := range got.Val() {
				member, _ := z.Member.(string)
				values = append(values, member, score(z.Score))
			}
		case *redis.StringCmd:
			values = []string{got.Val()}
		}
		if len(values) == 0 {
			continue
		}
		if err := w.begin(k); err != nil {
			return err
		}
		if err := w.parts(k, values); err != nil {
			return err
		}
	}
	return nil
}

// score writes a score so that it reads back as the same.
func score(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

func (w *walker) begin(k *scanned) error {
	out := Key{Name: k.name, Type: k.family.Type}
	if left := k.ttl.Val(); left > 0 {
		out.Expires = time.Now().Add(left)
	}
	return w.to.Key(out)
}

// parts tells values in pieces that are not too long. It keeps a field with its value, a member with its score.
func (w *walker) parts(k *scanned, values []string) error {
	if k.family.Names {
		for i, v := range values {
			values[i] = rename(v, w.db.Keys.Prefix+":{", ":{")
		}
	}
	for from, bytes, i := 0, 0, 0; i < len(values); i++ {
		bytes += len(values[i])
		last := i == len(values)-1
		if !last && (bytes < chunk || (i-from)%2 == 0) {
			continue
		}
		if err := w.to.Part(values[from : i+1]); err != nil {
			return err
		}
		from, bytes = i+1, 0
	}
	return nil
}

// rename replaces how the names of keys begin, at the start of a value and of each line of it.
func rename(value, from, to string) string {
	lines := strings.Split(value, "\n")
	for i, l := range lines {
		if rest, ok := strings.CutPrefix(l, from); ok {
			lines[i] = to + rest
		}
	}
	return strings.Join(lines, "\n")
}

// large tells a key page by page.
func (w *walker) large(ctx context.Context, k *scanned) error {
	if k.family.Type == rdb.Stream {
		return w.stream(ctx, k)
	}
	began := false
	for once := newNames(k.size.Val(), w.remembered); once.next(); {
		for cursor := uint64(0); ; {
			values, next, err := w.scan(ctx, k, cursor)
			if err != nil {
				return rdb.Fault(err)
			}
			var fresh []string
			step := 2
			if k.family.Type == rdb.Set {
				step = 1
			}
			for i := 0; i+step <= len(values); i += step {
				if !once.first(values[i]) {
					continue
				}
				if k.family.Type == rdb.SortedSet {
					f, err := strconv.ParseFloat(values[i+1], 64)
					if err != nil {
						return core.Wrap(core.CodeInternal, err)
					}
					values[i+1] = score(f)
				}
				fresh = append(fresh, values[i:i+step]...)
			}
			if len(fresh) > 0 && !began {
				began = true
				if err := w.begin(k); err != nil {
					return err
				}
			}
			if err := w.parts(k, fresh); err != nil {
				return err
			}
			if cursor = next; cursor == 0 {
				break
			}
		}
	}
	return nil
}

func (w *walker) scan(ctx context.Context, k *scanned, cursor uint64) ([]string, uint64, error) {
	key := k.key(w.db.Keys.Prefix)
	switch k.family.Type {
	case rdb.Hash:
		return w.db.Client.HScan(ctx, key, cursor, "", w.page).Result()
	case rdb.Set:
		return w.db.Client.SScan(ctx, key, cursor, "", w.page).Result()
	default:
		return w.db.Client.ZScan(ctx, key, cursor, "", w.page).Result()
	}
}

func (w *walker) stream(ctx context.Context, k *scanned) error {
	key, from, began := k.key(w.db.Keys.Prefix), "-", false
	for {
		rows, err := w.entries(ctx, key, from)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			break
		}
		if !began {
			began = true
			if err := w.begin(k); err != nil {
				return err
			}
		}
		var values []string
		for i, r := range rows {
			values = append(values, r...)
			if size(values) < chunk && i < len(rows)-1 {
				continue
			}
			if err := w.to.Part(values); err != nil {
				return err
			}
			values = values[:0]
		}
		from = "(" + rows[len(rows)-1][0]
	}
	if !began {
		return nil
	}
	// Asked behind the entries: one that is handed out in between counts as handed out, and is looked for before it is sent
	// again.
	groups, err := w.db.Client.XInfoGroups(ctx, key).Result()
	if err != nil {
		return rdb.Fault(err)
	}
	for _, g := range groups {
		if err := w.to.Group(g.Name, g.LastDeliveredID); err != nil {
			return err
		}
	}
	return nil
}

func size(values []string) int {
	n := 0
	for _, v := range values {
		n += len(v)
	}
	return n
}

// entriesPage is how many entries of a stream are read at once: they are whole messages and dead letters.
const entriesPage = 200

// entries reads a page of a stream: for each its id, how many fields, and fields with values in the order that they have.
func (w *walker) entries(ctx context.Context, key, from string) ([][]string, error) {
	got, err := w.db.Client.Do(ctx, "XRANGE", key, from, "+", "COUNT", min(entriesPage, w.page)).Slice()
	if err != nil {
		return nil, rdb.Fault(err)
	}
	out := make([][]string, 0, len(got))
	for _, e := range got {
		row, _ := e.([]any)
		if len(row) != 2 {
			return nil, core.Errorf(core.CodeInternal, "An entry of %s cannot be read.", key)
		}
		id, _ := row[0].(string)
		pairs, _ := row[1].([]any)
		values := []string{id, strconv.Itoa(len(pairs) / 2)}
		for _, p := range pairs {
			s, _ := p.(string)
			values = append(values, s)
		}
		out = append(out, values)
	}
	return out, nil
}
