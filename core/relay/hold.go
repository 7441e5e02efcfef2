package relay

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

const (
	leaseTTL     = 3 * time.Second
	renewEvery   = time.Second
	acquireEvery = 500 * time.Millisecond
	// leaseMargin is what must be left of a lease for a send to begin: a process that was frozen finds out before it
	// posts what somebody else has posted meanwhile.
	leaseMargin = 500 * time.Millisecond
	// drainFor bounds how long a partition that is given up finishes what is under way.
	drainFor = 2 * time.Second
	// patience is how many rounds in a row a process holds more than its share before it gives some up.
	patience = 2
)

// ErrLost is the cause with which a partition's work ends when its lease is gone.
var ErrLost = errors.New("the partition's lease was lost")

// errGiven is the cause with which a partition's work ends when it is given to somebody else.
var errGiven = errors.New("the partition is given up")

// holding is a partition in hand.
type holding struct {
	p core.Partition
	l core.Lease
	// ctx ends when the lease is lost or the time to finish is over; taking ends earlier, when nothing new may begin.
	ctx    context.Context //nolint:containedctx // a holding lives exactly as long as its lease
	taking context.Context //nolint:containedctx // likewise
	end    context.CancelCauseFunc
	give   context.CancelCauseFunc

	// took hands outgoings to the lanes, atOnce tells whether one's lane is free.
	took   func([]core.Entry[core.Outgoing])
	atOnce func(core.Outgoing) bool

	leases core.Leases
	clock  core.Clock
	mu     sync.Mutex
	good   time.Time // when the lease was last known to be ours
}

// turn gives an inbound its turn.
func (h *holding) turn(in core.Entry[core.Inbound], must bool) Turn {
	return Turn{Partition: h.p, Lease: h.l, Entry: in, Must: must, Took: h.took, AtOnce: h.atOnce}
}

// renew extends the lease. A lost one ends the work.
func (h *holding) renew(ctx context.Context) error {
	began := h.clock.Now()
	ctx, done := context.WithTimeout(ctx, renewEvery)
	defer done()
	err := h.leases.Renew(ctx, h.l, leaseTTL)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil {
		h.good = began
	} else if core.ErrorCode(err) == core.CodeConflict || h.clock.Now().Sub(h.good) > leaseTTL {
		h.end(ErrLost)
	}
	return err
}

// sure returns nil while the lease is certainly ours. A process that slept, or could not reach the store, asks first.
func (h *holding) sure(ctx context.Context) error {
	h.mu.Lock()
	left := leaseTTL - h.clock.Now().Sub(h.good)
	h.mu.Unlock()
	if left > leaseMargin {
		return nil
	}
	if err := h.renew(ctx); err != nil {
		if h.ctx.Err() != nil {
			return core.Wrap(core.CodeGone, ErrLost)
		}
		return core.Wrap(core.CodeRetry, err)
	}
	return nil
}

// outlive returns a context for sends. It ends when the time to finish is over; when the lease is lost, only a while
// later, so that the answer to what was just sent still arrives.
func (h *holding) outlive(d time.Duration) (ctx context.Context, release func()) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(h.ctx))
	stop := context.AfterFunc(h.ctx, func() {
		cause := context.Cause(h.ctx) //nolint:contextcheck // the holding's, which just ended
		if errors.Is(cause, ErrLost) {
			_ = h.clock.Sleep(ctx, d) // ends early when the send is done
		}
		cancel(cause)
	})
	return ctx, func() { stop(); cancel(nil) }
}

// keep renews the lease until ctx ends, which it does with the work, and ends it when finishing takes too long.
func (h *holding) keep(ctx context.Context) {
	stop := context.AfterFunc(h.taking, func() { //nolint:contextcheck // a holding has its own
		if h.clock.Sleep(h.ctx, drainFor) == nil {
			h.end(errGiven)
		}
	})
	defer stop()
	for h.clock.Sleep(ctx, renewEvery) == nil {
		_ = h.renew(ctx) // a lost lease ends the context
	}
}

// Run takes this process's share of the partitions and works until the context ends; then it finishes what is under
// way and hands everything over.
func (e *Engine) Run(ctx context.Context) error {
	e.mu.Lock()
	e.held, e.over = map[core.Partition]*holding{}, map[byte]int{}
	e.mu.Unlock()
	var wg sync.WaitGroup
	for {
		e.balance(ctx, &wg)
		if e.Clock.Sleep(ctx, acquireEvery) != nil {
			break
		}
	}
	if e.Members != nil {
		lctx, done := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer done()
		if err := e.Members.Leave(lctx); err != nil {
			e.Log.WarnContext(lctx, "not signed off", "error", err)
		}
	}
	began := e.Clock.Now()
	e.mu.Lock()
	for _, h := range e.held {
		h.give(errGiven)
	}
	e.mu.Unlock()
	wg.Wait()
	e.Log.InfoContext(ctx, "all partitions are handed over", "after_ms", e.Clock.Now().Sub(began).Milliseconds())
	return nil
}

// Held returns the number of partitions held now.
func (e *Engine) Held() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.held)
}

// Replicas returns how many processes share the work, this one included.
func (e *Engine) Replicas() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return max(e.all, 1)
}

// balance takes free partitions up to this process's share and gives up what lies above it.
func (e *Engine) balance(ctx context.Context, wg *sync.WaitGroup) {
	place, all := 0, 1
	if e.Members != nil {
		var err error
		if place, all, err = e.Members.Join(ctx, leaseTTL); err != nil {
			if ctx.Err() == nil {
				e.Log.WarnContext(ctx, "not signed on", "error", err)
			}
			return
		}
	}
	e.mu.Lock()
	if e.all == 0 {
		e.began = e.Clock.Now()
	}
	e.all = all
	// One that was killed a moment ago still counts until its announcement runs out.
	alone := all == 1 && !e.alone && e.Clock.Now().Sub(e.began) < 2*leaseTTL
	e.alone = e.alone || alone
	e.mu.Unlock()
	if alone && e.Alone != nil {
		e.Alone()
	}
	projects, people := kindOf(e.Parts.All(), 'p'), kindOf(e.Parts.All(), 'u')
	e.share(ctx, wg, projects, fair(len(projects), place, all), place)
	// Who gets one more of the projects gets one less of the people.
	e.share(ctx, wg, people, fair(len(people), all-1-place, all), place)
}

// fair is how many of n things the process at a place gets among all.
func fair(n, place, all int) int {
	share := n / all
	if place < n%all {
		share++
	}
	return share
}

// share brings what is held of some partitions to a number.
func (e *Engine) share(ctx context.Context, wg *sync.WaitGroup, parts []core.Partition, want, place int) {
	if len(parts) == 0 {
		return
	}
	kind := parts[0][0]
	e.mu.Lock()
	var mine []*holding
	busy := map[core.Partition]bool{}
	for _, p := range parts {
		if h := e.held[p]; h != nil {
			busy[p] = true
			if h.taking.Err() == nil {
				mine = append(mine, h)
			}
		}
	}
	if len(mine) > want {
		e.over[kind]++
	} else {
		e.over[kind] = 0
	}
	give := e.over[kind] >= patience
	e.mu.Unlock()
	if give {
		for _, h := range mine[want:] {
			e.Log.InfoContext(ctx, "partition given to another process", "partition", h.p)
			h.give(errGiven)
		}
		return
	}
	for i := range parts {
		if len(mine) >= want || ctx.Err() != nil {
			return
		}
		// Each process begins elsewhere, so that not all ask for the same ones.
		p := parts[(i+place*want)%len(parts)]
		if busy[p] {
			continue
		}
		began := e.Clock.Now()
		l, ok, err := e.Leases.Acquire(ctx, string(p), leaseTTL)
		if err != nil {
			if ctx.Err() == nil {
				e.Log.WarnContext(ctx, "lease not acquired", "partition", p, "error", err)
			}
			return
		}
		if ok {
			mine = append(mine, e.take(ctx, wg, p, l, began))
		}
	}
}

// take begins to work on a partition.
func (e *Engine) take(ctx context.Context, wg *sync.WaitGroup, p core.Partition, l core.Lease, since time.Time) *holding {
	h := &holding{p: p, l: l, leases: e.Leases, clock: e.Clock, good: since}
	own, end := context.WithCancelCause(context.WithoutCancel(ctx))
	h.ctx, h.end = own, end
	h.taking, h.give = context.WithCancelCause(h.ctx)
	e.mu.Lock()
	e.held[p] = h
	e.mu.Unlock()
	working, finished := context.WithCancel(own)
	wg.Go(func() { h.keep(working) })
	wg.Go(func() {
		e.work(h) //nolint:contextcheck // a holding has its own
		finished()
		lost := errors.Is(context.Cause(h.ctx), ErrLost) //nolint:contextcheck // likewise
		h.end(errGiven)
		if lost {
			e.Log.WarnContext(ctx, "lease lost", "partition", p)
		} else {
			// The lease goes over at once, even when the process is stopping.
			rctx, done := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer done()
			if err := e.Leases.Release(rctx, l); err != nil {
				e.Log.WarnContext(rctx, "lease not released", "partition", p, "error", err)
			}
		}
		e.mu.Lock()
		delete(e.held, p)
		e.mu.Unlock()
	})
	return h
}

// kindOf returns the partitions of one kind, project or person.
func kindOf(parts []core.Partition, kind byte) []core.Partition {
	return slices.DeleteFunc(slices.Clone(parts), func(p core.Partition) bool { return p[0] != kind })
}
