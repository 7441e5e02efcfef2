package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback"
	"github.com/atelier-bridge/atelier/feedback/feedbacktest"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

// shelf is a blob store in memory.
type shelf map[core.BlobKey]string

func (s shelf) put(data string) core.BlobKey {
	sum := sha256.Sum256([]byte(data))
	k := KeyOf(sum[:])
	s[k] = data
	return k
}

func (s shelf) EachBlob(_ context.Context, f func(k core.BlobKey, size int64) error) error {
	for _, k := range slices.Sorted(maps.Keys(s)) {
		if err := f(k, int64(len(s[k]))); err != nil {
			return err
		}
	}
	return nil
}

func (s shelf) OpenBlob(_ context.Context, k core.BlobKey) (io.ReadCloser, string, error) {
	data, ok := s[k]
	if !ok {
		return nil, "", core.Errorf(core.CodeNotFound, "There is no such file.")
	}
	return io.NopCloser(strings.NewReader(data)), "image/png", nil
}

func (s shelf) RestoreBlob(_ context.Context, k core.BlobKey, _ string, r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(data); KeyOf(sum[:]) != k {
		return core.Errorf(core.CodeInvalid, "damaged")
	}
	s[k] = string(data)
	return nil
}

// rig is an identity and what it opened.
type rig struct {
	t  *testing.T
	id *age.X25519Identity
}

func newRig(t *testing.T) rig {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return rig{t, id}
}

func (g rig) export(s *feedback.Store, blobs shelf) ([]byte, Result) {
	g.t.Helper()
	var out bytes.Buffer
	r, err := Export(g.t.Context(), &out, Source{DB: s.DB, Blobs: blobs, Version: "test"}, g.id.Recipient())
	if err != nil {
		g.t.Fatal(err)
	}
	return out.Bytes(), r
}

// empty returns a client of an empty embedded server.
func empty(t *testing.T) redis.UniversalClient {
	t.Helper()
	e, err := rdb.StartEmbedded()
	if err != nil {
		t.Fatal(err)
	}
	c := e.Client()
	t.Cleanup(func() { _ = c.Close(); e.Close() })
	return c
}

func (g rig) into(c redis.UniversalClient, prefix string, data []byte, force bool) (Result, shelf, error) {
	blobs := shelf{}
	r, err := Import(g.t.Context(), bytes.NewReader(data), Target{Client: c, Prefix: prefix, Blobs: blobs, Force: force}, g.id)
	return r, blobs, err
}

// fill writes a key of every family, some that run out, and keys with many values.
func fill(t *testing.T, s *feedback.Store, large int) {
	t.Helper()
	ctx, c := t.Context(), s.DB.Client
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	// What lists name is written by who writes it: the names of keys in it must move with the prefix.
	_, err := s.People.Reserve(ctx, core.Reservation{ID: "r1", Project: "ACME", Person: "slack:T1/U1", Amount: core.Amount{Pictures: 2, Micros: 9}, At: time.Now()})
	check(err)
	for i, f := range rdb.Families() {
		if f.Word == "meta" || f.Names {
			continue
		}
		key := fmt.Sprintf("%s:{p%02d}:%s:sample %d", s.DB.Keys.Prefix, i%16, f.Word, i)
		switch f.Type {
		case rdb.String:
			check(c.Set(ctx, key, "a\nstring\x00\xff", 0).Err())
		case rdb.Hash:
			check(c.HSet(ctx, key, "v", 1, "", "empty name", "d", `{"v":1}`, "empty value", "").Err())
		case rdb.Set:
			check(c.SAdd(ctx, key, 1, -5, "text").Err())
		case rdb.SortedSet:
			check(c.ZAdd(ctx, key, redis.Z{Score: 1.7e12, Member: "a"}, redis.Z{Score: -0.1, Member: ""}, redis.Z{Score: 1e14 + 1.7e12 + 1, Member: "c"}).Err())
		case rdb.Stream:
			check(c.XAdd(ctx, &redis.XAddArgs{Stream: key, ID: "5-1", Values: []string{"e", "one"}}).Err())
			check(c.XAdd(ctx, &redis.XAddArgs{Stream: key, ID: "5-2", Values: []string{"z", "two", "a", "in this order"}}).Err())
		}
		switch i % 3 {
		case 0:
			check(c.PExpire(ctx, key, 1000*time.Hour).Err())
		case 1:
			check(c.PExpire(ctx, key, time.Hour).Err())
		}
	}
	pipe := c.Pipeline()
	base := s.DB.Keys.Prefix + ":{p01}:"
	for i := range large {
		pipe.ZAdd(ctx, base+"tasks:MANY", redis.Z{Score: float64(i), Member: fmt.Sprint("task ", i)})
		pipe.HSet(ctx, base+"ref:many", fmt.Sprint("field ", i), i)
		pipe.SAdd(ctx, base+"projects", fmt.Sprint("project ", i))
		pipe.XAdd(ctx, &redis.XAddArgs{Stream: base + "in", ID: fmt.Sprint("7-", i+1), Values: []string{"e", strings.Repeat("x", 300)}})
		pipe.Set(ctx, fmt.Sprint(base, "seq:", i), i, 0)
	}
	_, err = pipe.Exec(ctx)
	check(err)
	// Some were handed out and are not settled yet.
	check(c.XGroupCreate(ctx, base+"in", "w", "0").Err())
	check(c.XReadGroup(ctx, &redis.XReadGroupArgs{Group: "w", Consumer: "w", Streams: []string{base + "in", ">"}, Count: int64(large / 2), Block: -1}).Err())
}

// left tells a store's keys and contents that an export holds, and when they run out.
func left(t *testing.T, s *feedback.Store) (map[string]string, map[string]time.Time) {
	t.Helper()
	out, when, index := map[string]string{}, map[string]time.Time{}, rdb.NewFamilyIndex()
	feedbacktest.EachKey(t, s, func(key, content string) {
		name := strings.TrimPrefix(key, s.DB.Keys.Prefix+":")
		if f, _, ok := index.Of(name); !ok || !f.Kept {
			return
		}
		// Sets are told in any order.
		words := strings.FieldsFunc(strings.ReplaceAll(content, s.DB.Keys.Prefix, "PREFIX"), func(r rune) bool { return strings.ContainsRune(" []{}", r) })
		slices.Sort(words)
		out[name] = strings.Join(words, " ")
		if ttl := s.DB.Client.PTTL(t.Context(), key).Val(); ttl > 0 {
			when[name] = time.Now().Add(ttl)
		}
	})
	return out, when
}

func reopen(t *testing.T, c redis.UniversalClient, prefix string) *feedback.Store {
	t.Helper()
	db, err := rdb.Init(t.Context(), c, prefix, core.DefaultPartitions)
	if err != nil {
		t.Fatal(err)
	}
	return &feedback.Store{DB: db}
}

// TestRoundTrip moves a store of the kind under test to an embedded one, and from there back to the kind under test.
func TestRoundTrip(t *testing.T) {
	g, from := newRig(t), feedbacktest.Open(t)
	fill(t, from, 2500)
	blobs := shelf{}
	for i := range 5 {
		blobs.put(strings.Repeat("picture", i*100_000))
	}
	data, wrote := g.export(from, blobs)
	if len(wrote.Warnings) > 0 || wrote.Blobs != 5 || wrote.Families["task"] != 1 || wrote.Families["seq"] < 2500 || wrote.Families["lease"] != 0 || wrote.Workspace != from.DB.Workspace {
		t.Fatalf("exported %+v", wrote)
	}
	if bytes.Contains(data, []byte("picturepicture")) || bytes.Contains(data, []byte("in this order")) {
		t.Fatal("the archive can be read")
	}
	c := empty(t)
	got, pictures, err := g.into(c, "moved", data, false)
	if err != nil || !got.Verified || got.Content != wrote.Content || cmp.Diff(blobs, pictures) != "" {
		t.Fatalf("imported %+v: %v", got, err)
	}
	moved := reopen(t, c, "moved")
	if moved.DB.Workspace != from.DB.Workspace || moved.DB.Parts != from.DB.Parts {
		t.Errorf("the workspace is %+v, was %+v", moved.DB, from.DB)
	}
	same(t, from, moved)
	again, second := g.export(moved, pictures)
	if second.Content != wrote.Content || second.Values != wrote.Values {
		t.Errorf("a copy of the copy has %+v, want %+v", second, wrote)
	}
	// And back onto the kind of server under test, beside the first store.
	if _, _, err := g.into(from.DB.Client, from.DB.Keys.Prefix+"back", again, false); err != nil {
		t.Fatal(err)
	}
	back := reopen(t, from.DB.Client, from.DB.Keys.Prefix+"back")
	same(t, from, back)
	pending, err := back.DB.Client.XPending(t.Context(), back.DB.Keys.Journal("p01"), "w").Result()
	if err != nil || pending.Count != 1250 || pending.Lower != "7-1" || pending.Higher != "7-1250" || pending.Consumers["w"] != 1250 {
		t.Errorf("%+v is in hand: %v", pending, err)
	}
}

func same(t *testing.T, a, b *feedback.Store) {
	t.Helper()
	wantKeys, wantWhen := left(t, a)
	gotKeys, gotWhen := left(t, b)
	if diff := cmp.Diff(wantKeys, gotKeys); diff != "" {
		t.Error(diff[:min(len(diff), 2000)])
	}
	if len(wantWhen) == 0 || len(wantWhen) != len(gotWhen) {
		t.Errorf("%d keys run out, %d did", len(gotWhen), len(wantWhen))
	}
	for k, w := range wantWhen {
		if d := gotWhen[k].Sub(w); d.Abs() > 3*time.Second {
			t.Errorf("%s runs out %s later", k, d)
		}
	}
}

// TestNoValueNamesItsPrefix: a prefix inside a value would lead into the old store after a move.
func TestNoValueNamesItsPrefix(t *testing.T) {
	from := feedbacktest.Open(t)
	fill(t, from, 1)
	w := newWalker(from.DB, &told{f: func(k Key, values []string) {
		for _, v := range values {
			if strings.Contains(v, from.DB.Keys.Prefix) {
				t.Errorf("%s holds %q", k.Name, v)
			}
		}
	}}, nil)
	if err := w.walk(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// told is a visitor that hands parts on.
type told struct {
	now   Key
	f     func(k Key, values []string)
	keys  map[string]int
	parts int
}

func (v *told) Key(k Key) error {
	if v.now = k; v.keys != nil {
		v.keys[k.Name]++
	}
	return nil
}

func (v *told) Part(values []string) error {
	v.parts++
	if v.f != nil {
		v.f(v.now, values)
	}
	return nil
}

func (v *told) Group(_, _ string) error { return nil }

// TestPagesAndPasses reads by small pages and in many passes: everything must be told once, as if it were read at once.
func TestPagesAndPasses(t *testing.T) {
	from := feedbacktest.Open(t)
	fill(t, from, 3000)
	read := func(page, remembered int64) (string, *told) {
		sum, seen := newTally(), &told{keys: map[string]int{}}
		w := newWalker(from.DB, both{&found{tally: sum, border: time.Now()}, seen}, nil)
		w.page, w.remembered = page, remembered
		if err := w.walk(t.Context()); err != nil {
			t.Fatal(err)
		}
		for name, n := range seen.keys {
			if n != 1 {
				t.Errorf("%s was told %d times", name, n)
			}
		}
		return sum.sum.String(), seen
	}
	whole, few := read(1<<20, 1<<20)
	paged, many := read(100, 700)
	if whole != paged || len(few.keys) != len(many.keys) {
		t.Errorf("%d keys at once and %d by pages, or other values", len(few.keys), len(many.keys))
	}
	if many.parts <= few.parts+20 {
		t.Errorf("%d parts by pages and %d at once", many.parts, few.parts)
	}
}

// both tells two visitors.
type both [2]visitor

func (b both) Key(k Key) error       { return errors.Join(b[0].Key(k), b[1].Key(k)) }
func (b both) Part(v []string) error { return errors.Join(b[0].Part(v), b[1].Part(v)) }
func (b both) Group(name, l string) error {
	return errors.Join(b[0].Group(name, l), b[1].Group(name, l))
}

// TestSaysWhoServes: an export beside a living process, and of keys that nobody knows, says so.
func TestSaysWhoServes(t *testing.T) {
	g, from := newRig(t), feedbacktest.Open(t)
	fill(t, from, 1)
	if err := from.DB.Client.Set(t.Context(), from.DB.Keys.Prefix+":{p01}:new kind:x", 1, 0).Err(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := from.Members.Join(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	data, r := g.export(from, shelf{})
	if len(r.Warnings) != 2 || !strings.Contains(r.Warnings[0], "{p01}:new kind:x") || !strings.Contains(r.Warnings[1], "1 process(es) served") {
		t.Errorf("it says %q", r.Warnings)
	}
	if r, _, err := g.into(empty(t), "x", data, false); err != nil || !r.Verified {
		t.Error(err)
	}
}

// TestFencesNeverRunBackwards: a lease of the copy has a larger number than any of the original, whatever the clock says.
func TestFencesNeverRunBackwards(t *testing.T) {
	g, from := newRig(t), feedbacktest.Open(t)
	slow := time.Now().Add(time.Hour).UnixMilli()
	if err := from.DB.Client.Set(t.Context(), from.DB.Keys.Fence("p01"), slow, 0).Err(); err != nil {
		t.Fatal(err)
	}
	feedbacktest.Lease(t, from, "p02")
	data, _ := g.export(from, shelf{})
	c := empty(t)
	if _, _, err := g.into(c, "x", data, false); err != nil {
		t.Fatal(err)
	}
	to := reopen(t, c, "x")
	to.Leases = &rdb.Leases{DB: to.DB, Holder: "new", Clock: core.SystemClock{}}
	if l := feedbacktest.Lease(t, to, "p01"); l.Fence <= slow {
		t.Errorf("the new fence is %d, the old one was %d", l.Fence, slow)
	}
	feedbacktest.Lease(t, to, "p02") // nobody holds it in the copy
}
