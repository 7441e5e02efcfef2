package discord

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// recorded is a core.Echo of what was recorded as ours.
type recorded struct {
	mu  sync.Mutex
	ids []core.MessageID
}

func (e *recorded) add(ids []core.MessageID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ids = append(e.ids, ids...)
}

func (e *recorded) Ours(_ context.Context, _ core.RoomID, _ core.ThreadID, m core.MessageID) (bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Contains(e.ids, m), nil
}

// task2 posts another root card.
func (r *rig) task2(id core.DeliveryID) (core.MessageID, core.ThreadID) {
	r.t.Helper()
	got := r.deliver(core.Delivery{ID: id, Op: core.OpPost, Room: studio, Card: sampleCard(), Files: []core.File{pngFile("blob1", "ACME-1-v1.png")}, ThreadName: "ACME-2 a boat"})
	return got.Parts[0], got.Thread
}

// handClock is moved by the test, and by whoever sleeps.
type handClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *handClock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }

func (c *handClock) Sleep(ctx context.Context, d time.Duration) error {
	c.move(d)
	return context.Cause(ctx)
}

func (c *handClock) move(d time.Duration) { c.mu.Lock(); c.now = c.now.Add(d); c.mu.Unlock() }

// desk is a store of leases that run out only when the test says so.
type desk struct {
	mu    sync.Mutex
	held  map[string]int64
	fence int64
}

func newDesk() *desk { return &desk{held: map[string]int64{}} }

func (d *desk) Acquire(_ context.Context, name string, _ time.Duration) (core.Lease, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.held[name] != 0 {
		return core.Lease{}, false, nil
	}
	d.fence++
	d.held[name] = d.fence
	return core.Lease{Name: name, Fence: d.fence}, true, nil
}

func (d *desk) Renew(_ context.Context, l core.Lease, _ time.Duration) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.held[l.Name] != l.Fence {
		return core.Errorf(core.CodeConflict, "lost")
	}
	return nil
}

func (d *desk) Release(_ context.Context, l core.Lease) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.held[l.Name] == l.Fence {
		delete(d.held, l.Name)
	}
	return nil
}

// expire ends all leases.
func (d *desk) expire() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.held)
}

// stopped is a clock on which sleepers stand until the test lets time pass; it can also jump over them, as a process does
// that was stopped and continued.
type stopped struct {
	mu    sync.Mutex
	now   time.Time
	ahead time.Duration // jumped over the sleepers
	moved chan struct{}
}

func newStopped() *stopped { return &stopped{now: time.Now(), moved: make(chan struct{})} }

func (c *stopped) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now.Add(c.ahead) }

func (c *stopped) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	until := c.now.Add(d)
	for c.now.Before(until) {
		moved := c.moved
		c.mu.Unlock()
		select {
		case <-moved:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		c.mu.Lock()
	}
	c.mu.Unlock()
	return nil
}

func (c *stopped) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	close(c.moved)
	c.moved = make(chan struct{})
}

func (c *stopped) jump(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.ahead += d }

// replica runs the adapter of another process until the test ends or stop is called.
func (r *rig) replica(change func(*Options)) (rec *recorder, stop func()) {
	r.t.Helper()
	o := r.a.o
	if change != nil {
		change(&o)
	}
	a, err := New(o)
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	rec, done := newRecorder(), make(chan error, 1)
	go func() { done <- a.Run(ctx, rec) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				r.t.Error(err)
			}
		})
	}
	r.t.Cleanup(stop)
	return rec, stop
}
