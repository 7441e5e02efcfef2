package archive

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/feedbacktest"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

// TestWhatIsCutOffOrChangedIsRefused cuts and changes an archive everywhere.
func TestWhatIsCutOffOrChangedIsRefused(t *testing.T) {
	g, from := newRig(t), feedbacktest.Open(t)
	fill(t, from, 300)
	blobs := shelf{}
	noise := make([]byte, 200_000)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(noise)
	blobs.put(string(noise))
	data, wrote := g.export(from, blobs)
	check := func(data []byte) error {
		_, err := Check(t.Context(), bytes.NewReader(data), g.id)
		return err
	}
	if r, err := Check(t.Context(), bytes.NewReader(data), g.id); err != nil || r.Content != wrote.Content || r.Header != wrote.Header {
		t.Fatalf("checked %+v: %v", r, err)
	}
	for n := 0; n < len(data); n += 1000 {
		if err := check(data[:n]); !errors.Is(err, ErrDamaged) {
			t.Errorf("cut off at %d of %d: %v", n, len(data), err)
		}
	}
	if err := check(data[:len(data)-1]); !errors.Is(err, ErrDamaged) {
		t.Errorf("cut off by one byte: %v", err)
	}
	if err := check(append(bytes.Clone(data), 0)); !errors.Is(err, ErrDamaged) {
		t.Errorf("longer by one byte: %v", err)
	}
	for n := 0; n < len(data); n += 997 {
		changed := bytes.Clone(data)
		changed[n] ^= 4
		if err := check(changed); err == nil {
			t.Errorf("changed at %d: nobody noticed", n)
		}
	}
	other := newRig(t)
	if _, err := Check(t.Context(), bytes.NewReader(data), other.id); core.ErrorCode(err) != core.CodeForbidden {
		t.Errorf("somebody else's identity: %v", err)
	}
}

// TestUnfinishedImport: a store whose import broke off opens for nobody, and begins anew by force only.
func TestUnfinishedImport(t *testing.T) {
	g, from := newRig(t), feedbacktest.Open(t)
	fill(t, from, 300)
	blobs := shelf{}
	noise := make([]byte, 400_000) // more than is read before the store is touched
	_, _ = rand.NewChaCha8([32]byte{1}).Read(noise)
	blobs.put(string(noise))
	data, _ := g.export(from, blobs)
	c, prefix := from.DB.Client, from.DB.Keys.Prefix+"x"
	if _, _, err := g.into(c, prefix, data[:len(data)*2/3], false); !errors.Is(err, ErrDamaged) {
		t.Fatal(err)
	}
	closed := func(when string) {
		t.Helper()
		if _, err := rdb.Init(t.Context(), c, prefix, core.DefaultPartitions); core.ErrorCode(err) != core.CodeConflict || !strings.Contains(core.SafeMessage(err), "--force") {
			t.Errorf("%s the store opens: %v", when, err)
		}
	}
	closed("after a broken import")
	if _, _, err := g.into(c, prefix, data, false); core.ErrorCode(err) != core.CodeConflict {
		t.Errorf("a second import without force: %v", err)
	}
	closed("after a refused import")
	if r, _, err := g.into(c, prefix, data, true); err != nil || !r.Verified {
		t.Fatalf("by force: %v", err)
	}
	same(t, from, reopen(t, c, prefix))
	// What an import finished is a store like any other, which force does not touch.
	if _, _, err := g.into(c, prefix, data, true); core.ErrorCode(err) != core.CodeConflict || !strings.Contains(core.SafeMessage(err), "not empty") {
		t.Errorf("by force into a store that is in use: %v", err)
	}
	same(t, from, reopen(t, c, prefix))
}

// TestStoresThatAreRefused: only an empty one of the same shape is filled.
func TestStoresThatAreRefused(t *testing.T) {
	g, from := newRig(t), feedbacktest.Open(t)
	fill(t, from, 1)
	data, _ := g.export(from, shelf{})
	c := empty(t)
	if _, err := rdb.Init(t.Context(), c, "fresh", core.DefaultPartitions); err != nil {
		t.Fatal(err)
	}
	if r, _, err := g.into(c, "fresh", data, false); err != nil || reopen(t, c, "fresh").DB.Workspace != r.Workspace {
		t.Errorf("into a fresh store: %v", err)
	}
	if _, err := rdb.Init(t.Context(), c, "other", core.Partitions{Projects: 4, People: 16}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := g.into(c, "other", data, false); core.ErrorCode(err) != core.CodeConflict || !strings.Contains(core.SafeMessage(err), "partitions") {
		t.Errorf("into a store with other partitions: %v", err)
	}
	if err := c.Set(t.Context(), "used:{p01}:seq:A", 1, 0).Err(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := g.into(c, "used", data, true); core.ErrorCode(err) != core.CodeConflict || !strings.Contains(core.SafeMessage(err), "not empty") {
		t.Errorf("into a store with something in it: %v", err)
	}
	if n, err := c.Exists(t.Context(), "used:{meta}:meta").Result(); err != nil || n != 0 {
		t.Errorf("a refused import left its mark: %v", err)
	}
	// Another installation in the same database is none of our business, though its name begins alike.
	if _, _, err := g.into(c, "us", data, false); err != nil {
		t.Errorf("beside another installation: %v", err)
	}
}

// TestStoreThatChangesIsNotVerified: what something else wrote, and what the server lost, is noticed.
func TestStoreThatChangesIsNotVerified(t *testing.T) {
	g, from := newRig(t), feedbacktest.Open(t)
	fill(t, from, 10)
	data, _ := g.export(from, shelf{})
	for name, meddle := range map[string]func(c redis.UniversalClient) error{
		"lost":    func(c redis.UniversalClient) error { return c.Del(t.Context(), "x:{p01}:seq:5").Err() },
		"changed": func(c redis.UniversalClient) error { return c.Set(t.Context(), "x:{p01}:seq:5", "6", 0).Err() },
		"added":   func(c redis.UniversalClient) error { return c.Set(t.Context(), "x:{p01}:seq:NEW", "6", 0).Err() },
		"field":   func(c redis.UniversalClient) error { return c.HDel(t.Context(), "x:{p01}:ref:many", "field 3").Err() },
		"for good": func(c redis.UniversalClient) error {
			return c.PExpire(t.Context(), "x:{p01}:seq:5", 48*60*60*1e9).Err()
		},
	} {
		c := empty(t)
		_, err := Import(t.Context(), bytes.NewReader(data), Target{Client: c, Prefix: "x", Blobs: shelf{}, Tell: func(p Phase, _, _ int64) {
			if p != Comparing {
				t.Errorf("%s: told of %s", name, p)
			}
		}}, g.id)
		if err != nil {
			t.Fatal(err)
		}
		w := &restorer{db: &rdb.DB{Client: c, Keys: rdb.Keys{Prefix: "x"}}, index: rdb.NewFamilyIndex(), border: time.Now().Add(soon), lasting: wanted(t, g, data)}
		if err := w.compare(t.Context(), nil); err != nil {
			t.Fatalf("%s: before: %v", name, err)
		}
		if err := meddle(c); err != nil {
			t.Fatal(err)
		}
		if err := w.compare(t.Context(), nil); !errors.Is(err, errDiffers) {
			t.Errorf("%s: nobody noticed: %v", name, err)
		}
	}
}

// wanted is what must be in a store after an import.
func wanted(t *testing.T, g rig, data []byte) *tally {
	t.Helper()
	x, err := NewReader(bytes.NewReader(data), g.id)
	if err != nil {
		t.Fatal(err)
	}
	out := &found{tally: newTally(), border: time.Now().Add(soon)}
	for {
		item, err := x.Next()
		switch {
		case errors.Is(err, io.EOF):
			return out.tally
		case err != nil:
			t.Fatal(err)
		case item.Kind == KindKey:
			err = out.Key(item.Key)
		case item.Kind == KindPart:
			err = out.Part(item.Values)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestDamagedPicture: one picture that is not what its key says does not spoil the archive.
func TestDamagedPicture(t *testing.T) {
	g, from := newRig(t), feedbacktest.Open(t)
	fill(t, from, 1)
	blobs := shelf{}
	good, bad := blobs.put("good"), blobs.put("to be damaged")
	blobs[bad] = "something else"
	data, wrote := g.export(from, blobs)
	if len(wrote.Warnings) != 1 || !strings.Contains(wrote.Warnings[0], string(bad)) {
		t.Errorf("exported with %q", wrote.Warnings)
	}
	r, got, err := g.into(empty(t), "x", data, false)
	if err != nil || len(r.Warnings) != 1 || len(got) != 1 || got[good] != "good" {
		t.Errorf("imported %v with %q: %v", got, r.Warnings, err)
	}
	if r, err := Check(t.Context(), bytes.NewReader(data), g.id); err != nil || len(r.Warnings) != 1 {
		t.Errorf("checked with %q: %v", r.Warnings, err)
	}
}

// TestUnknownFormat: an archive of a newer Atelier is refused before anything is touched.
func TestUnknownFormat(t *testing.T) {
	head := func(h Header) io.Reader {
		data, err := json.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.NewReader(append([]byte(magic+"H"+string(rune(len(data)))), data...))
	}
	h := Header{Format: 2, Atelier: "v9", Workspace: "W", Parts: core.DefaultPartitions}
	if _, err := newPlainReader(head(h)); core.ErrorCode(err) != core.CodeInvalid || !strings.Contains(core.SafeMessage(err), "v9") {
		t.Errorf("format 2: %v", err)
	}
	h = Header{Format: 1, Atelier: "v1", Workspace: "W"}
	if _, err := newPlainReader(head(h)); !errors.Is(err, ErrDamaged) {
		t.Errorf("no partitions: %v", err)
	}
}

// FuzzReader reads anything: it ends with an error, or everything it read agrees with a trailer.
func FuzzReader(f *testing.F) {
	f.Add(plain(f, func(w *Writer) error { return nil }))
	f.Add(plain(f, func(w *Writer) error {
		for typ, values := range map[rdb.Type][]string{rdb.String: {"v"}, rdb.Hash: {"v", "1"}, rdb.SortedSet: {"a", "1"}, rdb.Set: {"a"}, rdb.Stream: {"1-1", "1", "e", "{}"}} {
			name := map[rdb.Type]string{rdb.String: "{p01}:seq:A", rdb.Hash: "{p01}:task:A", rdb.SortedSet: "{p01}:tasks:A", rdb.Set: "{u01}:projects", rdb.Stream: "{p01}:in"}[typ]
			if err := errors.Join(w.Key(Key{Name: name, Type: typ}), w.Part(values)); err != nil {
				return err
			}
			if typ == rdb.Stream {
				if err := w.Group("w", "1-1"); err != nil {
					return err
				}
			}
		}
		_, _, err := w.Blob(shelf{}.put("abc"), "image/png", strings.NewReader("abc"))
		return err
	}))
	f.Add([]byte(magic + "H\xff\xff\xff\xff\x0f"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := newPlainReader(bytes.NewReader(data))
		if err != nil {
			return
		}
		again := newTally()
		for {
			item, err := r.Next()
			if errors.Is(err, io.EOF) {
				if c := r.Trailer(); c.Content != again.sum.String() && c.Blobs == 0 {
					t.Errorf("accepted, though %s was read and %s told", again.sum.String(), c.Content)
				}
				return
			}
			if err != nil {
				return
			}
			switch item.Kind {
			case KindKey:
				again.key(item.Key)
			case KindPart:
				if err := again.part(item.Values); err != nil {
					t.Error(err)
				}
			}
		}
	})
}

// plain is an archive inside of its compression and encryption.
func plain(f *testing.F, fill func(w *Writer) error) []byte {
	f.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		f.Fatal(err)
	}
	var out bytes.Buffer
	w, err := NewWriter(io.Discard, Header{Workspace: "W", Parts: core.DefaultPartitions}, id.Recipient())
	if err != nil {
		f.Fatal(err)
	}
	w.out.Reset(io.MultiWriter(&out, w.digest))
	w.digest.Reset()
	out.WriteString(magic)
	_, _ = w.digest.Write([]byte(magic))
	if err := errors.Join(w.json(KindHeader, Header{Format: 1, Workspace: "W", Parts: core.DefaultPartitions}), fill(w)); err != nil {
		f.Fatal(err)
	}
	if err := w.out.Flush(); err != nil {
		f.Fatal(err)
	}
	if err := w.json(KindTrailer, Trailer{Counts: w.tally.Counts, Content: w.tally.sum.String(), Digest: hex.EncodeToString(w.digest.Sum(nil))}); err != nil {
		f.Fatal(err)
	}
	if err := w.out.Flush(); err != nil {
		f.Fatal(err)
	}
	r, err := newPlainReader(bytes.NewReader(out.Bytes()))
	for err == nil {
		_, err = r.Next()
	}
	if !errors.Is(err, io.EOF) {
		f.Fatalf("a seed cannot be read: %v", err)
	}
	return out.Bytes()
}
