package feedbacktest

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/relay"
	"github.com/atelier-bridge/atelier/feedback"
)

// slowSide is a platform on which a post takes as long as the test wants.
type slowSide struct {
	core.Platform
	// waiting is told when a post waits for its limit, sending when it is on its way; both then wait for the test.
	waiting, sending chan paused
	mu               sync.Mutex
	posted, removed  []core.MessageID
}

func (s *slowSide) Name() core.PlatformName         { return core.Discord }
func (s *slowSide) Capabilities() core.Capabilities { return core.Capabilities{MaxText: 2000} }

// paused is a post that the test holds up.
type paused struct {
	ctx  context.Context //nolint:containedctx // the test asks what the adapter could ask
	goOn chan struct{}
}

func (s *slowSide) pause(ctx context.Context, at chan paused) error {
	if at == nil {
		return nil
	}
	p := paused{ctx, make(chan struct{})}
	at <- p
	select {
	case <-p.goOn:
		return nil
	case <-ctx.Done():
		return core.Wrap(core.CodeUnknown, context.Cause(ctx))
	}
}

func (s *slowSide) Deliver(ctx context.Context, d core.Delivery) (core.Receipt, error) {
	if d.Op == core.OpDelete {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.removed = append(s.removed, d.Target...)
		return core.Receipt{}, nil
	}
	if err := s.pause(ctx, s.waiting); err != nil {
		return core.Receipt{}, err
	}
	if err := core.MayPost(ctx); err != nil {
		return core.Receipt{}, err
	}
	if err := s.pause(ctx, s.sending); err != nil {
		return core.Receipt{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := core.MessageID("late-copy")
	s.posted = append(s.posted, id)
	return core.Receipt{Parts: []core.MessageID{id}}, nil
}

func (s *slowSide) seen() (posted, removed int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.posted), len(s.removed)
}

// late runs an engine with a comment to be posted on a slow side, and returns when stolen has been called and the engine
// has noticed that somebody else holds the partition.
func late(t *testing.T, slow *slowSide, stolen func(s *feedback.Store, p core.Partition)) {
	t.Helper()
	s := Open(t)
	p := s.DB.Parts.OfProject("ACME")
	arrange(t, s, p)
	quiet := slog.New(slog.DiscardHandler)
	out := &relay.Deliverer{Platforms: map[core.PlatformName]core.Platform{core.Discord: slow}, Journal: s.Journal, Changes: s.Review, Comments: s.Review, Refs: s.Review, Glances: s.Glances,
		Posts: s.Review, People: s.People, Clock: core.SystemClock{}, Log: quiet}
	engine := &relay.Engine{Parts: s.DB.Parts, Leases: s.Leases, Journal: s.Journal, Handler: nobody{}, Out: out, Clock: core.SystemClock{}, Log: quiet}
	c := &core.Comment{ID: "c-1", Task: theTask, Source: core.MessageRef{Room: slackRoom, Thread: threadIn(slackRoom), ID: "m1"}, Text: core.Plain("hello")}
	obj := core.CommentObject(theTask, c.ID)
	if err := s.Review.Apply(t.Context(), core.Change{Partition: p, Comments: []*core.Comment{c}, Out: []core.Outgoing{{ID: "d-1", Kind: core.OutComment, Object: obj, Task: theTask, Room: discordRoom}}}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var wg sync.WaitGroup
	wg.Go(func() { _ = engine.Run(ctx) })
	defer wg.Wait()
	defer cancel()
	stolen(s, p)
}

// steal gives the partition to another process, as when this one was frozen.
func steal(t *testing.T, s *feedback.Store, p core.Partition) {
	t.Helper()
	if err := s.DB.Client.Set(t.Context(), s.DB.Keys.Lease(string(p)), "other 9999999999999", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := s.DB.Client.Set(t.Context(), s.DB.Keys.Fence(string(p)), "9999999999999", 0).Err(); err != nil {
		t.Fatal(err)
	}
}

// TestLatePosts takes the partition away at two moments of a post: while it waits for its limit it is not made any more,
// and when it is on its way its answer is waited for and the message taken back.
func TestLatePosts(t *testing.T) {
	lost := func(t *testing.T, post paused) {
		t.Helper()
		eventually(t, "the holder finds out", func() bool { return core.MayPost(post.ctx) != nil })
		if post.ctx.Err() != nil {
			t.Error("what is on its way was cut off")
		}
		close(post.goOn)
	}
	t.Run("before it is sent", func(t *testing.T) {
		slow := &slowSide{waiting: make(chan paused)}
		late(t, slow, func(s *feedback.Store, p core.Partition) {
			post := <-slow.waiting
			steal(t, s, p)
			lost(t, post)
		})
		if posted, _ := slow.seen(); posted != 0 {
			t.Fatal("it was posted although somebody else holds the partition")
		}
	})
	t.Run("while it is sent", func(t *testing.T) {
		slow := &slowSide{sending: make(chan paused)}
		late(t, slow, func(s *feedback.Store, p core.Partition) {
			post := <-slow.sending
			steal(t, s, p)
			lost(t, post)
			eventually(t, "the late message is taken back", func() bool { _, removed := slow.seen(); return removed == 1 })
		})
	})
}

// foundSide says that an earlier try posted.
type foundSide struct {
	slowSide
	looked int
}

func (s *foundSide) Deliver(ctx context.Context, d core.Delivery) (core.Receipt, error) {
	if d.Op == core.OpPost {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !d.Find || d.Attempt == 0 {
			s.posted = append(s.posted, "new")
			return core.Receipt{Parts: []core.MessageID{"new"}}, nil
		}
		s.looked++
		return core.Receipt{Parts: []core.MessageID{"earlier"}}, nil
	}
	return s.slowSide.Deliver(ctx, d)
}

// TestDeletedMeanwhile delivers a comment that a dead process may have posted and that its author has deleted since:
// what is there is removed, and nothing is posted.
func TestDeletedMeanwhile(t *testing.T) {
	s := Open(t)
	p := s.DB.Parts.OfProject("ACME")
	arrange(t, s, p)
	found := &foundSide{}
	quiet := slog.New(slog.DiscardHandler)
	out := &relay.Deliverer{Platforms: map[core.PlatformName]core.Platform{core.Discord: found}, Journal: s.Journal, Changes: s.Review, Comments: s.Review, Refs: s.Review, Glances: s.Glances,
		Posts: s.Review, People: s.People, Clock: core.SystemClock{}, Log: quiet}
	engine := &relay.Engine{Parts: s.DB.Parts, Leases: s.Leases, Journal: s.Journal, Handler: nobody{}, Out: out, Clock: core.SystemClock{}, Log: quiet}
	c := &core.Comment{ID: "c-1", Task: theTask, Source: core.MessageRef{Room: slackRoom, Thread: threadIn(slackRoom), ID: "m1"}, Text: core.Plain("hello"), Deleted: true, Edits: 1}
	o := core.Outgoing{ID: "d-1", Kind: core.OutComment, Object: core.CommentObject(theTask, c.ID), Task: theTask, Room: discordRoom, Again: true}
	if err := s.Review.Apply(t.Context(), core.Change{Partition: p, Comments: []*core.Comment{c}, Out: []core.Outgoing{o}}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var wg sync.WaitGroup
	wg.Go(func() { _ = engine.Run(ctx) })
	defer wg.Wait()
	defer cancel()
	eventually(t, "what the dead process posted is removed", func() bool {
		_, outs, _, err := s.Journal.Backlog(t.Context(), p)
		return err == nil && outs == 0
	})
	found.mu.Lock()
	defer found.mu.Unlock()
	if found.looked != 1 || len(found.posted) != 0 || len(found.removed) != 1 || found.removed[0] != "earlier" {
		t.Fatalf("looked %d times, posted %v, removed %v", found.looked, found.posted, found.removed)
	}
}

// eventually polls what another goroutine brings about.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("waited in vain: " + what)
		}
	}
}
