package slack

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/adapters/slack/slacksim"
	"github.com/atelier-bridge/atelier/core"
)

// replica runs the adapter of another process until the test ends or stop is called.
func (r *rig) replica(change func(*Options)) (in *inbox, stop func()) {
	r.t.Helper()
	o := r.a.o
	if change != nil {
		change(&o)
	}
	a, err := New(o)
	if err != nil {
		r.t.Fatal(err)
	}
	a.tune = r.a.tune
	ctx, cancel := context.WithCancel(r.ctx)
	in, done := newInbox(), make(chan error, 1)
	go func() { done <- a.Run(ctx, in) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				r.t.Error(err)
			}
			a.Close()
		})
	}
	r.t.Cleanup(stop)
	return in, stop
}

func (b *inbox) told(text string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, in := range b.list {
		if in.Message != nil && in.Message.Text.String() == text {
			n++
		}
	}
	return n
}

func (b *inbox) gapCount() int { b.mu.Lock(); defer b.mu.Unlock(); return b.gaps }

// TestSlotsAreSpread: a replica that comes gets a connection of the one that holds both, and nothing is missed while it
// moves; when one goes, the other has both again, and says that there was a gap.
func TestSlotsAreSpread(t *testing.T) {
	var replicas atomic.Int64
	replicas.Store(1)
	store := &leases{held: map[string]core.Lease{}}
	r := newRig(t, rigOptions{idle: true, mine: func(o *Options) {
		o.Leases, o.Replicas = store, func() int { return int(replicas.Load()) }
	}})
	first, _ := r.replica(nil)
	r.until("both connections, and that nobody listened before", func(*slacksim.Snapshot) bool { return r.Connections() == 2 && first.gapCount() == 2 })
	gaps, fewest := first.gapCount(), atomic.Int64{}
	fewest.Store(100)
	watching, stopWatching := context.WithCancel(r.ctx)
	var watch sync.WaitGroup
	watch.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for watching.Err() == nil {
			fewest.Store(min(fewest.Load(), int64(r.Connections())))
			<-tick.C
		}
	})
	replicas.Store(2)
	second, stop := r.replica(nil)
	r.until("the second holds one", func(*slacksim.Snapshot) bool { return second.gapCount() == 1 })
	for n := range 20 {
		r.say(ben, acme, "", "move "+string(rune('a'+n)))
	}
	r.until("two connections", func(*slacksim.Snapshot) bool { return r.Connections() == 2 })
	stopWatching()
	watch.Wait()
	if fewest.Load() < 2 {
		t.Errorf("%d connections in between", fewest.Load())
	}
	for n := range 20 {
		text := "move " + string(rune('a'+n))
		r.until(text, func(*slacksim.Snapshot) bool { return first.told(text)+second.told(text) > 0 })
	}
	stop()
	replicas.Store(1)
	r.until("the first holds both again", func(*slacksim.Snapshot) bool { return first.gapCount() == gaps+1 && r.Connections() == 2 })
}

// TestRotationTellsNoGap: Slack asks to reconnect every few hours.
func TestRotationTellsNoGap(t *testing.T) {
	r := newRig(t, rigOptions{mine: func(o *Options) { o.Leases = &leases{held: map[string]core.Lease{}} }})
	r.until("both connections", func(*slacksim.Snapshot) bool { return r.Connections() == 2 && r.in.gapCount() == 2 })
	r.fault(slacksim.Fault{Kind: "socket_disconnect", Mode: "warning"})
	r.say(ben, acme, "", "while it rotates")
	r.in.wait(t, core.InboundMessage, nil)
	r.until("rotated", func(*slacksim.Snapshot) bool {
		return len(r.Calls("apps.connections.open")) == 4 && r.Connections() == 2
	})
	if n := r.in.gapCount(); n != 2 {
		t.Errorf("%d gaps", n)
	}
}

// TestFrozenHolderHangsUp: a process that was stopped until its leases had passed on closes its connections with the
// first renewal; what both are told is stored once.
func TestFrozenHolderHangsUp(t *testing.T) {
	clock := newMinutes()
	store := &leases{held: map[string]core.Lease{}}
	r := newRig(t, rigOptions{idle: true, mine: func(o *Options) { o.Leases = store }})
	still := &held{minutes: clock, moved: make(chan struct{})}
	frozen, _ := r.replica(func(o *Options) { o.Clock = still })
	r.until("its connections", func(*slacksim.Snapshot) bool { return r.Connections() == 2 })
	store.mu.Lock()
	clear(store.held)
	store.mu.Unlock()
	fresh, _ := r.replica(nil)
	r.until("all connections", func(*slacksim.Snapshot) bool { return r.Connections() == 4 })
	still.pass(time.Minute)
	r.until("the old ones are closed", func(*slacksim.Snapshot) bool { return r.Connections() == 2 })
	r.say(ben, acme, "", "afterwards")
	fresh.until(t, "afterwards", func() bool { return len(fresh.list) > 0 })
	if frozen.told("afterwards") != 0 {
		t.Error("the old holder still listens")
	}
}

// held is a clock on which everybody sleeps until the test lets time pass.
type held struct {
	*minutes
	lock  sync.Mutex
	moved chan struct{}
}

func (h *held) Sleep(ctx context.Context, d time.Duration) error {
	until := h.Now().Add(d)
	for {
		h.lock.Lock()
		moved := h.moved
		h.lock.Unlock()
		if !h.Now().Before(until) {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (h *held) pass(d time.Duration) {
	h.minutes.pass(d)
	h.lock.Lock()
	defer h.lock.Unlock()
	close(h.moved)
	h.moved = make(chan struct{})
}
