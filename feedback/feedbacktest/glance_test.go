package feedbacktest

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback"
)

// asks counts round trips.
type asks struct{ n atomic.Int64 }

func (*asks) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (a *asks) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		a.n.Add(1)
		return next(ctx, cmd)
	}
}

func (a *asks) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		a.n.Add(1)
		return next(ctx, cmds)
	}
}

// heard lets a partition's holder wait for a message, say it, and returns it as it was read.
func heard(t *testing.T, s *feedback.Store, p core.Partition, l core.Lease, id core.MessageID) core.Entry[core.Inbound] {
	t.Helper()
	in := core.Inbound{ID: core.InboundID("in-" + id), Kind: core.InboundMessage, At: time.Now(), Room: slackRoom, Thread: threadIn(slackRoom),
		Actor: core.Actor{Identity: "slack:T1/U1", Name: "Ana"}, Message: &core.Message{ID: id, Text: core.Plain("hello")}}
	if _, err := s.Journal.Append(t.Context(), p, in); err != nil {
		t.Fatal(err)
	}
	ins, _, err := s.Journal.Read(t.Context(), p, l, 10, time.Second)
	if err != nil || len(ins) != 1 || ins[0].Item.ID != in.ID || ins[0].Replayed || ins[0].Err != nil {
		t.Fatalf("read %v %v", ins, err)
	}
	return ins[0]
}

// TestSpokenTravelsWithTheRead: what the handling of a message asks is there when it was waited for; once, and not when
// something was written since.
func TestSpokenTravelsWithTheRead(t *testing.T) {
	s := Open(t)
	p := s.DB.Parts.OfProject("ACME")
	arrange(t, s, p)
	l := Lease(t, s, p)
	if _, _, err := s.Journal.Read(t.Context(), p, l, 10, 0); err != nil {
		t.Fatal(err)
	}
	count := &asks{}
	s.DB.Client.AddHook(count)
	look := func(in core.Inbound) (core.Spoken, int64) {
		t.Helper()
		before := count.n.Load()
		seen, err := s.Glances.Spoken(t.Context(), p, in)
		if err != nil || seen.Thread == nil || seen.Thread.Task != theTask || seen.Task != nil && seen.Task.ID != theTask {
			t.Fatalf("saw %+v %v", seen, err)
		}
		return seen, count.n.Load() - before
	}
	settle := func(e core.Entry[core.Inbound], c core.Change) {
		t.Helper()
		c.Partition, c.Lease, c.Handled, c.Took = p, l, e.ID, func([]core.Entry[core.Outgoing]) {}
		if err := s.Review.Apply(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}

	first := heard(t, s, p, l, "m1")
	if seen, n := look(first.Item); n != 0 || seen.Known {
		t.Errorf("%d questions, saw %+v", n, seen)
	}
	if seen, n := look(first.Item); n != 1 || seen.Task == nil {
		t.Errorf("at the second look %d questions, saw %+v", n, seen) // now it knows which task to ask for
	}
	settle(first, core.Change{})

	second := heard(t, s, p, l, "m2")
	settle(second, core.Change{Tombs: []core.MessageRef{{Room: slackRoom, Thread: threadIn(slackRoom), ID: "m2"}}})
	if seen, n := look(second.Item); n != 1 || !seen.Tomb || !seen.Known {
		t.Errorf("after a change %d questions, saw %+v", n, seen)
	}
}

// TestShownTravelsWithTheChange: how a comment stands is told with the entry that sends it, as it is behind the change.
func TestShownTravelsWithTheChange(t *testing.T) {
	s := Open(t)
	p := s.DB.Parts.OfProject("ACME")
	arrange(t, s, p)
	l := Lease(t, s, p)
	if _, _, err := s.Journal.Read(t.Context(), p, l, 10, 0); err != nil {
		t.Fatal(err)
	}
	c := &core.Comment{ID: "c-1", Task: theTask, Text: core.Plain("hello")}
	obj := core.CommentObject(theTask, c.ID)
	var got []core.Entry[core.Outgoing]
	if err := s.Review.Apply(t.Context(), core.Change{Partition: p, Lease: l, Comments: []*core.Comment{c},
		Place: []core.PlaceWrite{{Object: obj, Room: slackRoom, Placement: core.Placement{Parts: []core.MessageID{"m1"}, Source: true}}},
		Out:   []core.Outgoing{{ID: "d-1", Kind: core.OutComment, Object: obj, Task: theTask, Room: discordRoom}},
		Took:  func(outs []core.Entry[core.Outgoing]) { got = outs }, AtOnce: func(core.Outgoing) bool { return true }}); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].Shown == nil {
		t.Fatalf("handed out %+v", got)
	}
	sh := got[0].Shown
	if sh.Comment.Text.String() != "hello" || sh.Comment.Rev != 1 || !sh.Placed[slackRoom].Source || sh.Thread == nil || sh.Thread.ID != threadIn(discordRoom) {
		t.Errorf("shown %+v", sh)
	}
}
