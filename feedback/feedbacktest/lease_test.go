package feedbacktest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

func TestLimiterPacesAndCloses(t *testing.T) {
	s := Open(t)
	ctx := t.Context()
	clock := &handClock{now: time.Unix(1_700_000_000, 0)}
	limiter := &rdb.Limiter{DB: s.DB, Clock: clock}
	limiter.Learn(ctx, "b", 2, 100*time.Millisecond)
	for n, want := range []time.Duration{0, 0, 50 * time.Millisecond, 100 * time.Millisecond} {
		if err := limiter.Wait(ctx, "b"); err != nil || clock.slept != want {
			t.Errorf("call %d after %s, want %s: %v", n+1, clock.slept, want, err)
		}
	}
	limiter.Limited(ctx, "c", 80*time.Millisecond)
	clock.slept = 0
	if err := limiter.Wait(ctx, "c"); err != nil || clock.slept != 80*time.Millisecond {
		t.Errorf("a closed bucket let a call through after %s: %v", clock.slept, err)
	}
}

// handClock moves only when somebody sleeps.
type handClock struct {
	now   time.Time
	slept time.Duration
}

func (c *handClock) Now() time.Time { return c.now }

func (c *handClock) Sleep(_ context.Context, d time.Duration) error {
	c.now, c.slept = c.now.Add(d), c.slept+d
	return nil
}

func TestGuardRefusesTwoPartitions(t *testing.T) {
	s := Open(t)
	b := s.DB.NewBatch(core.Lease{})
	b.Do("SET", s.DB.Keys.Task("p01", "ACME-1"), "x")
	b.Do("SET", s.DB.Keys.Task("p02", "ACME-2"), "x")
	if err := b.Commit(t.Context()); err == nil {
		t.Fatal("a change across partitions was written")
	}
}

func TestAnAnswerLostOnItsWayLosesNothing(t *testing.T) {
	s := Open(t)
	p := s.DB.Parts.OfProject(project)
	l := Lease(t, s, p)
	if _, err := s.Journal.Append(t.Context(), p, inbound(0)); err != nil {
		t.Fatal(err)
	}
	first, _, err := s.Journal.Read(t.Context(), p, l, 10, 0)
	if err != nil || len(first) != 1 {
		t.Fatal(first, err)
	}
	// The next entries were handed out, but the answer did not arrive.
	for i := 1; i < 3; i++ {
		if _, err := s.Journal.Append(t.Context(), p, inbound(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.DB.Client.Do(t.Context(), "XREADGROUP", "GROUP", "w", "w", "COUNT", 10, "STREAMS", s.DB.Keys.Journal(p), ">").Err(); err != nil {
		t.Fatal(err)
	}
	again, _, err := s.Journal.Read(t.Context(), p, l, 10, 0)
	if err != nil || !slices.Equal(names(again), []string{"in-1", "in-2"}) {
		t.Fatal(names(again), err)
	}
	if more, _, err := s.Journal.Read(t.Context(), p, l, 10, 0); err != nil || len(more) != 0 {
		t.Fatal(names(more), err)
	}
	// A change was written and its answer lost: handling the inbound again writes nothing.
	_, one := newTask(s, 1)
	if err := s.Review.Apply(t.Context(), core.Change{Partition: p, Lease: l, Handled: first[0].ID, NewTask: one}); err != nil {
		t.Fatal(err)
	}
	_, two := newTask(s, 2)
	if err := s.Review.Apply(t.Context(), core.Change{Partition: p, Lease: l, Handled: first[0].ID, NewTask: two}); err != nil {
		t.Fatal(err)
	}
	_, err = s.Review.Task(t.Context(), two.ID)
	want(t, err, core.CodeNotFound)
}
