package discord

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/adapters/discord/discordsim"
	"github.com/atelier-bridge/atelier/core"
)

func said(text string) func(core.Inbound) bool {
	return func(in core.Inbound) bool {
		return in.Message != nil && in.Message.Text.String() == text || in.Command != nil && in.Command.Text == text
	}
}

func (r *recorder) told(f func(core.Inbound) bool) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, in := range r.in {
		if f(in) {
			n++
		}
	}
	return n
}

// TestShardsAreSpread: two replicas share two shards, the second takes one over when it comes, and the first takes all
// when the second goes. Each event comes to its shard only.
func TestShardsAreSpread(t *testing.T) {
	t.Parallel()
	var replicas atomic.Int64
	replicas.Store(1)
	leases := newDesk()
	r := newRig(t, rigOptions{idle: true, sim: discordsim.Options{Shards: 2, MaxConcurrency: 2}, opts: func(o *Options) {
		o.Leases, o.Replicas = leases, func() int { return int(replicas.Load()) }
	}})
	clock := newStopped()
	first, _ := r.replica(func(o *Options) { o.Clock = clock })
	r.until("both shards", func(s *discordsim.Snapshot) bool { return s.Sessions == 2 })
	say := func(text string) {
		r.act(discordsim.Action{As: discordsim.DemoMaya, Do: "say", Channel: discordsim.DemoStudio, Text: text})
	}
	say("alone")
	first.wait(t, "alone", said("alone"))
	dm := r.act(discordsim.Action{As: discordsim.DemoMaya, Do: "dm"})
	r.act(discordsim.Action{As: discordsim.DemoMaya, Do: "say", Channel: dm.Channel, Text: "jobs"})
	first.wait(t, "a direct message", said("jobs"))
	if first.told(said("alone")) != 1 || first.told(said("jobs")) != 1 {
		t.Error("told by both shards")
	}
	replicas.Store(2)
	second, stop := r.replica(nil)
	gaps := first.gapCount()
	clock.pass(shardRenew)
	r.poll("the second has its share", func() bool { return second.gapCount() == 1 })
	r.until("both shards", func(s *discordsim.Snapshot) bool { return s.Sessions == 2 })
	say("together")
	both := func() int { return first.told(said("together")) + second.told(said("together")) }
	r.poll("the message is told", func() bool { return both() > 0 })
	if both() != 1 || first.gapCount() != gaps {
		t.Errorf("told %d times", both())
	}
	stop()
	replicas.Store(1)
	r.poll("the first has all again", func() bool { clock.pass(shardRetry); return first.gapCount() == gaps+1 })
	r.until("both shards", func(s *discordsim.Snapshot) bool { return s.Sessions == 2 })
	say("alone again")
	first.wait(t, "alone again", said("alone again"))
}

// TestFrozenHolderStoresNothing: a process that was stopped until its lease had passed on notices with the first event
// that it reads, closes, and leaves the event to the new holder.
func TestFrozenHolderStoresNothing(t *testing.T) {
	t.Parallel()
	leases := newDesk()
	r := newRig(t, rigOptions{idle: true, opts: func(o *Options) { o.Leases = leases }})
	clock := newStopped()
	frozen, _ := r.replica(func(o *Options) { o.Clock = clock })
	r.until("the first session", func(s *discordsim.Snapshot) bool { return s.Sessions == 1 })
	say := func(text string) {
		r.act(discordsim.Action{As: discordsim.DemoMaya, Do: "say", Channel: discordsim.DemoStudio, Text: text})
	}
	say("before")
	frozen.wait(t, "before", said("before"))
	// While it stands still, its lease runs out and somebody else takes it.
	leases.expire()
	fresh, _ := r.replica(nil)
	r.poll("the new holder", func() bool { return fresh.gapCount() == 1 })
	r.until("two sessions", func(s *discordsim.Snapshot) bool { return s.Sessions == 2 })
	clock.jump(shardTTL)
	say("meanwhile")
	fresh.wait(t, "meanwhile", said("meanwhile"))
	r.until("the old session is closed", func(s *discordsim.Snapshot) bool { return s.Sessions == 1 })
	if n := frozen.told(said("meanwhile")); n != 0 {
		t.Error("stored by the old holder too")
	}
	if !strings.Contains(r.logs.String(), "gateway lease lost") {
		t.Error("not logged")
	}
}

// TestFreshHolderAsksBeforeItStores: a stop that nobody used to take the lease costs nothing.
func TestFreshHolderAsksBeforeItStores(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{idle: true, opts: func(o *Options) { o.Leases = newDesk() }})
	clock := newStopped()
	rec, _ := r.replica(func(o *Options) { o.Clock = clock })
	r.until("a session", func(s *discordsim.Snapshot) bool { return s.Sessions == 1 })
	clock.jump(2 * shardTTL)
	r.act(discordsim.Action{As: discordsim.DemoMaya, Do: "say", Channel: discordsim.DemoStudio, Text: "after all"})
	rec.wait(t, "after all", said("after all"))
}

// TestGapsAreTold: a new session means a gap, a resumed one none.
func TestGapsAreTold(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	if n := r.rec.gapCount(); n != 1 {
		t.Fatalf("%d gaps at the start", n)
	}
	for _, f := range []discordsim.Fault{{Kind: "gateway_drop"}, {Kind: "op7"}, {Kind: "op9", Resumable: true}} {
		r.fault(f)
		r.act(discordsim.Action{As: discordsim.DemoMaya, Do: "say", Channel: discordsim.DemoStudio, Text: f.Kind})
		r.rec.wait(t, f.Kind, said(f.Kind))
	}
	if n := r.rec.gapCount(); n != 1 {
		t.Fatalf("a resumed session told a gap: %d", n)
	}
	r.fault(discordsim.Fault{Kind: "op9"})
	r.poll("the gap is told", func() bool { return r.rec.gapCount() == 2 })
}

// TestIdentifyTurns: new sessions of one bucket begin at least five seconds apart, those of different buckets need not.
func TestIdentifyTurns(t *testing.T) {
	clock := &handClock{now: time.Now()}
	r := newRig(t, rigOptions{idle: true, opts: func(o *Options) { o.Clock = clock }})
	began := clock.Now()
	for n, want := range []time.Duration{0, 0, identifyEvery, identifyEvery, 2 * identifyEvery} {
		if err := r.a.mayIdentify(r.ctx(), n%2); err != nil || clock.Now().Sub(began) != want {
			t.Fatalf("session %d after %s, %v", n, clock.Now().Sub(began), err)
		}
	}
}

// TestIdentifyBudgetSurvivesACrashLoop: a process that crashes after each new session, with a Discord whose number of
// sessions left is old, does not come near the thousand that would cost the token.
func TestIdentifyBudgetSurvivesACrashLoop(t *testing.T) {
	t.Parallel()
	p := &places{n: map[string]int{identifyBudget: identifyDay}, closed: map[string]time.Duration{}}
	clock := &handClock{now: time.Now()}
	r := newRig(t, rigOptions{idle: true, sim: discordsim.Options{StaleSessionLimit: true}, opts: func(o *Options) { o.Limiter, o.Clock = p, clock }})
	made := 0
	for range 2 * identifyDay {
		a := r.other()
		_, err := (&supervisor{a: a, total: 1, h: &holding{a: a, always: true}}).prepare(r.ctx())
		switch {
		case err == nil:
			made++
		case core.ErrorCode(err) != core.CodeRetry || core.RetryAfter(err) <= 0:
			t.Fatal(err)
		}
		a.rest.client.CloseIdleConnections()
		if made == identifyDay && err != nil {
			break
		}
	}
	if made != identifyDay || !strings.Contains(r.logs.String(), "used up by our own count") {
		t.Fatalf("%d sessions", made)
	}
}

// TestShortSessionsSlowDown: a gateway that ends each session at once is not asked again and again.
func TestShortSessionsSlowDown(t *testing.T) {
	clock := &handClock{now: time.Now()}
	r := newRig(t, rigOptions{idle: true, opts: func(o *Options) { o.Clock = clock }})
	ctx, cancel := context.WithCancel(r.ctx())
	defer cancel()
	began := clock.Now()
	r.fault(discordsim.Fault{Kind: "error_before", Method: "GET", Path: "/gateway/bot", Times: 12})
	go func() { // the thirteenth answer is good
		defer cancel()
		_ = r.sim.WaitFor(ctx, func(s *discordsim.Snapshot) bool { return s.Sessions > 0 })
	}()
	err := (&supervisor{a: r.a, in: newIntakeFor(ctx, r), total: 1, h: &holding{a: r.a, ctx: ctx, always: true}}).run(ctx)
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if d := clock.Now().Sub(began); d < 10*time.Minute {
		t.Errorf("twelve tries within %s", d)
	}
}

func newIntakeFor(ctx context.Context, r *rig) *intake {
	in := newIntake(r.a, r.rec)
	in.start(ctx)
	r.t.Cleanup(in.close)
	return in
}
