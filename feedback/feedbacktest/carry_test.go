package feedbacktest

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback"
)

// blocking tells when a blocked read begins.
type blocking chan struct{}

func (blocking) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (b blocking) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "xread" {
			b <- struct{}{}
		}
		return next(ctx, cmd)
	}
}

func (blocking) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// waiting is a store whose partition has a holder, and what tells when that waits for inbounds.
type waiting struct {
	s     *feedback.Store
	p     core.Partition
	l     core.Lease
	waits blocking
}

func newWaiting(t *testing.T) *waiting {
	t.Helper()
	s := Open(t)
	w := &waiting{s: s, p: s.DB.Parts.OfProject("ACME"), waits: make(blocking, 16)}
	arrange(t, s, w.p)
	w.l = Lease(t, s, w.p)
	w.say(t, 0) // a new server does not know the scripts
	ins, _, err := s.Journal.Read(t.Context(), w.p, w.l, 10, 0)
	zero := w.got(t, readOf{ins, err}, 0)
	if err := s.Review.Apply(t.Context(), core.Change{Partition: w.p, Lease: w.l, Handled: zero.ID}); err != nil {
		t.Fatal(err)
	}
	s.DB.Client.AddHook(w.waits)
	return w
}

type readOf struct {
	ins []core.Entry[core.Inbound]
	err error
}

// read reads in the background and returns once that waits.
func (w *waiting) read(ctx context.Context) <-chan readOf {
	out := make(chan readOf, 1)
	go func() {
		ins, _, err := w.s.Journal.Read(ctx, w.p, w.l, 10, time.Minute)
		out <- readOf{ins, err}
	}()
	<-w.waits
	return out
}

func (w *waiting) say(t *testing.T, n int) (added bool) {
	t.Helper()
	id := core.MessageID(fmt.Sprint("m", n))
	in := core.Inbound{ID: core.InboundID("in-" + id), Kind: core.InboundMessage, At: time.Now(), Room: slackRoom, Thread: threadIn(slackRoom),
		Actor: core.Actor{Identity: "slack:T1/U1", Name: "Ana"}, Message: &core.Message{ID: id, Text: core.Plain("hello")}}
	added, err := w.s.Journal.Append(t.Context(), w.p, in)
	if err != nil {
		t.Fatal(err)
	}
	return added
}

func (w *waiting) got(t *testing.T, r readOf, n int) core.Entry[core.Inbound] {
	t.Helper()
	if r.err != nil || len(r.ins) != 1 || r.ins[0].Item.ID != core.InboundID(fmt.Sprint("in-m", n)) || r.ins[0].Replayed || r.ins[0].Err != nil {
		t.Fatalf("read %+v, %v, want m%d as a new one", r.ins, r.err, n)
	}
	return r.ins[0]
}

// TestReadTravelsWithTheAppend: whoever stores an inbound in a process whose reader waits brings it what it waits for, with
// what the handling will ask, and no round trip more.
func TestReadTravelsWithTheAppend(t *testing.T) {
	w := newWaiting(t)
	read := w.read(t.Context())
	count := &asks{}
	w.s.DB.Client.AddHook(count)
	w.say(t, 1)
	first := w.got(t, <-read, 1)
	if _, err := w.s.Glances.Spoken(t.Context(), w.p, first.Item); err != nil {
		t.Fatal(err)
	}
	want := int64(1)
	if _, ok := w.s.DB.Client.(*redis.ClusterClient); ok {
		want = 2 // what the handling asks lies on other nodes, too
	}
	if n := count.n.Load(); n != want {
		t.Errorf("%d round trips, want %d", n, want)
	}

	// What is known already is nothing to be woken for, and the next one is handed out.
	read = w.read(t.Context())
	if w.say(t, 1) {
		t.Error("stored twice")
	}
	if !w.say(t, 2) {
		t.Error("not stored")
	}
	w.got(t, <-read, 2)
}

// TestReadThatWasGivenUp: what comes while nobody waits any more is handed out by the next read, as new.
func TestReadThatWasGivenUp(t *testing.T) {
	w := newWaiting(t)
	ctx, cancel := context.WithCancel(t.Context())
	read := w.read(ctx)
	cancel()
	if r := <-read; r.err == nil {
		t.Fatalf("read %+v", r.ins)
	}
	w.say(t, 1)
	ins, _, err := w.s.Journal.Read(t.Context(), w.p, w.l, 10, 0)
	w.got(t, readOf{ins, err}, 1)
}

// TestReadOfALostLease: a holder that was replaced while it waited is handed nothing.
func TestReadOfALostLease(t *testing.T) {
	w := newWaiting(t)
	read := w.read(t.Context())
	now := Steal(t, w.s, w.l)
	w.say(t, 1)
	r := <-read
	want(t, r.err, core.CodeGone)
	ins, _, err := w.s.Journal.Read(t.Context(), w.p, now, 10, 0)
	w.got(t, readOf{ins, err}, 1)
}

// TestManyAppendsOneReader: entries of appends that come at the same moment are handed out once each, in order.
func TestManyAppendsOneReader(t *testing.T) {
	const sayers, each = 8, 40
	w := newWaiting(t)
	go func() {
		for {
			select {
			case <-w.waits:
			case <-t.Context().Done():
				return
			}
		}
	}()
	var wg sync.WaitGroup
	defer wg.Wait()
	for i := range sayers {
		wg.Go(func() {
			for n := range each {
				in := core.Inbound{ID: core.InboundID(fmt.Sprintf("in-%d-%d", i, n)), Kind: core.InboundJob, Actor: core.Actor{Name: fmt.Sprint(i)}}
				if _, err := w.s.Journal.Append(t.Context(), w.p, in); err != nil {
					t.Error(err)
				}
			}
		})
	}
	next := map[string]int{}
	for got := 0; got < sayers*each; {
		ins, _, err := w.s.Journal.Read(t.Context(), w.p, w.l, 10, 5*time.Second)
		if err != nil || len(ins) == 0 {
			t.Fatalf("after %d: %v", got, err)
		}
		for _, in := range ins {
			who := in.Item.Actor.Name
			if want := core.InboundID(fmt.Sprintf("in-%s-%d", who, next[who])); in.Item.ID != want || in.Replayed {
				t.Fatalf("read %s (again: %v), want %s", in.Item.ID, in.Replayed, want)
			}
			next[who]++
			got++
		}
	}
}
