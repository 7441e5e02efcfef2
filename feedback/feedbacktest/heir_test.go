package feedbacktest

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/relay"
)

// heirSide notes behind what it was told to look, and lets what it found vanish a few times.
type heirSide struct {
	slowSide
	after  []core.MessageID
	vanish int
}

func (s *heirSide) Deliver(ctx context.Context, d core.Delivery) (core.Receipt, error) {
	if d.Op != core.OpPost {
		return s.slowSide.Deliver(ctx, d)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.after = append(s.after, d.After)
	if d.Attempt > 0 && s.vanish > 0 {
		s.vanish--
		return core.Receipt{}, core.Errorf(core.CodeGone, "What was found is no longer there.")
	}
	id := core.MessageID(fmt.Sprint("new", len(s.posted)))
	s.posted = append(s.posted, id)
	return core.Receipt{Parts: []core.MessageID{id}}, nil
}

// inherit lets an earlier holder take comments without delivering them, then runs an engine until all are delivered.
func inherit(t *testing.T, side *heirSide, ages ...time.Duration) (dead int64) {
	t.Helper()
	s := Open(t)
	p := s.DB.Parts.OfProject("ACME")
	arrange(t, s, p)
	quiet := slog.New(slog.DiscardHandler)
	at := time.Now().UTC()
	for i, age := range ages {
		c := &core.Comment{ID: core.CommentID(fmt.Sprint("c-", i)), Task: theTask, At: at.Add(-age), Text: core.Plain("hello"),
			Source: core.MessageRef{Room: slackRoom, Thread: threadIn(slackRoom), ID: core.MessageID(fmt.Sprint("m", i))}}
		o := core.Outgoing{ID: core.DeliveryID(fmt.Sprint("d-", i)), Kind: core.OutComment, Object: core.CommentObject(theTask, c.ID), Task: theTask, Room: discordRoom, At: c.At}
		if err := s.Review.Apply(t.Context(), core.Change{Partition: p, Comments: []*core.Comment{c}, Out: []core.Outgoing{o}}); err != nil {
			t.Fatal(err)
		}
	}
	former := Lease(t, s, p)
	if _, outs, err := s.Journal.Read(t.Context(), p, former, 10, 0); err != nil || len(outs) != len(ages) {
		t.Fatal(len(outs), err)
	}
	if err := s.Leases.Release(t.Context(), former); err != nil {
		t.Fatal(err)
	}
	out := &relay.Deliverer{Platforms: map[core.PlatformName]core.Platform{core.Discord: side}, Journal: s.Journal, Changes: s.Review, Comments: s.Review, Refs: s.Review, Glances: s.Glances,
		Posts: s.Review, People: s.People, Clock: core.SystemClock{}, Log: quiet}
	engine := &relay.Engine{Parts: s.DB.Parts, Leases: s.Leases, Journal: s.Journal, Handler: nobody{}, Out: out, Clock: core.SystemClock{}, Log: quiet}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var wg sync.WaitGroup
	wg.Go(func() { _ = engine.Run(ctx) })
	defer wg.Wait()
	defer cancel()
	eventually(t, "all is delivered", func() bool {
		_, outs, d, err := s.Journal.Backlog(t.Context(), p)
		dead = d
		return err == nil && outs == 0
	})
	return dead
}

// An earlier holder may have tried any of what it left, and holders in between may have posted others first. What was posted
// of the second one may lie before what is posted of the first one now: it is not looked for behind that.
func TestWhatWasLeftIsNotLookedForBehindWhatCameFirst(t *testing.T) {
	side := &heirSide{}
	if dead := inherit(t, side, time.Minute, 2*time.Minute, 3*time.Minute); dead != 0 {
		t.Fatalf("%d dead letters", dead)
	}
	if len(side.after) != 3 {
		t.Fatal(side.after)
	}
	for _, id := range side.after {
		if id != "" {
			t.Fatalf("looked behind %v: the later ones would miss what was posted of them before", side.after)
		}
	}
}

// A holder that was frozen takes back what it posted, after its heir has found that and goes on to change it: it is
// posted anew, not given up.
func TestWhatWasFoundAndVanishedIsPostedAnew(t *testing.T) {
	side := &heirSide{vanish: 1}
	if dead := inherit(t, side, time.Minute); dead != 0 || len(side.posted) != 1 {
		t.Fatalf("%d dead letters, posted %v", dead, side.posted)
	}
}
