package feedbacktest

import (
	"context"
	"log/slog"
	"sync"
	"testing"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/relay"
	"github.com/atelier-bridge/atelier/feedback"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

// replica is one process's engine on a shared store.
type replica struct {
	engine *relay.Engine
	stop   context.CancelFunc
	ended  sync.WaitGroup
	alone  chan struct{}
}

func startReplica(t *testing.T, s *feedback.Store, name string) *replica {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	r := &replica{alone: make(chan struct{}, 1)}
	r.engine = &relay.Engine{Parts: s.DB.Parts, Leases: &rdb.Leases{DB: s.DB, Holder: name, Clock: core.SystemClock{}}, Members: &rdb.Members{DB: s.DB, Holder: name},
		Journal: s.Journal, Handler: nobody{}, Out: &relay.Deliverer{}, Alone: func() { r.alone <- struct{}{} }, Clock: core.SystemClock{}, Log: quiet}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	r.stop = func() { cancel(); r.ended.Wait() }
	r.ended.Go(func() { _ = r.engine.Run(ctx) })
	t.Cleanup(r.stop)
	return r
}

type nobody struct{}

func (nobody) Handle(context.Context, relay.Turn) error {
	return nil
}

func (nobody) Bury(context.Context, relay.Turn, error) error {
	return nil
}

// TestShare starts and stops processes on one store: each gets its fair part, and what one leaves the others take.
func TestShare(t *testing.T) {
	s := Open(t)
	total := len(s.DB.Parts.All())
	wait := func(what string, ok func() bool) { t.Helper(); eventually(t, what, ok) }
	a := startReplica(t, s, "a")
	wait("the first takes all", func() bool { return a.engine.Held() == total })
	<-a.alone
	b := startReplica(t, s, "b")
	wait("two share", func() bool { return a.engine.Held() == total/2 && b.engine.Held() == total/2 })
	c := startReplica(t, s, "c")
	wait("three share", func() bool {
		x, y, z := a.engine.Held(), b.engine.Held(), c.engine.Held()
		return x+y+z == total && min(x, y, z) >= total/3-1 && max(x, y, z) <= total/3+2
	})
	if a.engine.Replicas() != 3 || len(b.alone)+len(c.alone) != 0 {
		t.Fatalf("%d processes are known", a.engine.Replicas())
	}
	a.stop()
	wait("two share what the third left", func() bool { return b.engine.Held() == total/2 && c.engine.Held() == total/2 })
	if a.engine.Held() != 0 {
		t.Fatalf("%d partitions are held by a process that ended", a.engine.Held())
	}
}

// TestGaps keeps the newest gap, whoever tells it.
func TestGaps(t *testing.T) {
	s := Open(t)
	for _, c := range []struct{ tell, want core.Gap }{{1_700_000_000_000, 1_700_000_000_000}, {1_699_999_999_999, 1_700_000_000_000}, {1_700_000_000_001, 1_700_000_000_001}} {
		if got, err := s.Gaps.Note(t.Context(), core.Slack, c.tell); err != nil || got != c.want {
			t.Fatal(got, err)
		}
	}
	all, err := s.Gaps.Newest(t.Context())
	if err != nil || all[core.Slack] != 1_700_000_000_001 || all[core.Discord] != 0 {
		t.Fatal(all, err)
	}
}

// TestAwait hands a reaction back once its message is known, and at once when it is.
func TestAwait(t *testing.T) {
	s := Open(t)
	ctx, p := t.Context(), s.DB.Parts.OfProject("ACME")
	in := core.Inbound{ID: "early", Kind: core.InboundReact, Room: slackRoom, Message: &core.Message{ID: "m1"}}
	early := func() {
		t.Helper()
		if err := s.Review.Apply(ctx, core.Change{Partition: p, Early: []core.Inbound{in}}); err != nil {
			t.Fatal(err)
		}
	}
	stored := func() int64 {
		t.Helper()
		n, _, _, err := s.Journal.Backlog(ctx, p)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	early()
	early()
	if _, _, err := s.Review.Object(ctx, p, slackRoom, "m1"); core.ErrorCode(err) != core.CodeNotFound || stored() != 0 {
		t.Fatal(err, stored())
	}
	place := core.PlaceWrite{Object: core.CommentObject(theTask, "c-1"), Room: slackRoom, Placement: core.Placement{Parts: []core.MessageID{"m1"}}}
	if err := s.Review.Apply(ctx, core.Change{Partition: p, Place: []core.PlaceWrite{place}}); err != nil {
		t.Fatal(err)
	}
	if obj, _, err := s.Review.Object(ctx, p, slackRoom, "m1"); err != nil || obj != place.Object || stored() != 2 {
		t.Fatal(obj, err, stored())
	}
	if early(); stored() != 3 {
		t.Fatal(stored())
	}
	if err := s.Review.Apply(ctx, core.Change{Partition: p, Tombs: []core.MessageRef{{Room: slackRoom, ID: "m1"}}}); err != nil {
		t.Fatal(err)
	}
	if early(); stored() != 3 {
		t.Fatal("a reaction on a deleted message came back")
	}
}
