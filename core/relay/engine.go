package relay

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// Handler settles one inbound of a partition: it applies the change that the inbound leads to, together with the mark
// that it is handled. A nil error means settled. CodeRetry and CodeConflict are tried again, CodeGone means that the
// partition has a newer holder; anything else buries the inbound.
type Handler interface {
	Handle(ctx context.Context, p core.Partition, l core.Lease, e core.Entry[core.Inbound]) error
	// Bury settles an inbound that cannot be handled, keeping it with its reason.
	Bury(ctx context.Context, p core.Partition, l core.Lease, e core.Entry[core.Inbound], cause error) error
}

// Worker does background work of a partition while it is held; it returns when the context ends.
type Worker interface {
	Work(ctx context.Context, p core.Partition, l core.Lease)
}

// Engine holds partitions by lease and works on them: inbounds in order, outgoings in lanes.
type Engine struct {
	Parts   core.Partitions
	Leases  core.Leases
	Journal core.Journal
	Handler Handler
	Out     *Deliverer
	Worker  Worker
	Clock   core.Clock
	Log     *slog.Logger

	mu   sync.Mutex
	held map[core.Partition]context.CancelCauseFunc
}

const (
	leaseTTL     = 3 * time.Second
	renewEvery   = time.Second
	acquireEvery = 500 * time.Millisecond
	readBatch    = 100
	readBlock    = 2 * time.Second
	// maxTries bounds how often an inbound is tried before it is buried, when the fault is not Redis being away.
	maxTries = 5
)

// ErrLost is the cause with which a partition's work ends when its lease is gone.
var ErrLost = errors.New("the partition's lease was lost")

// Run takes every free partition and works until the context ends; then it hands all leases over at once.
func (e *Engine) Run(ctx context.Context) error {
	e.held = map[core.Partition]context.CancelCauseFunc{}
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		for _, p := range e.Parts.All() {
			e.mu.Lock()
			_, have := e.held[p]
			e.mu.Unlock()
			if have {
				continue
			}
			l, ok, err := e.Leases.Acquire(ctx, string(p), leaseTTL)
			if err != nil {
				if ctx.Err() == nil {
					e.Log.WarnContext(ctx, "lease not acquired", "partition", p, "error", err)
				}
				break
			}
			if ok {
				e.take(ctx, &wg, p, l)
			}
		}
		if err := e.Clock.Sleep(ctx, acquireEvery); err != nil {
			return nil
		}
	}
}

// Held returns the partitions held now.
func (e *Engine) Held() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.held)
}

func (e *Engine) take(ctx context.Context, wg *sync.WaitGroup, p core.Partition, l core.Lease) {
	pctx, cancel := context.WithCancelCause(ctx)
	e.mu.Lock()
	e.held[p] = cancel
	e.mu.Unlock()
	wg.Go(func() { e.keep(pctx, cancel, l) })
	wg.Go(func() {
		e.work(pctx, p, l)
		cancel(ErrLost)
		// The lease goes over at once, even when the process is stopping.
		rctx, done := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer done()
		if err := e.Leases.Release(rctx, l); err != nil {
			e.Log.WarnContext(rctx, "lease not released", "partition", p, "error", err)
		}
		e.mu.Lock()
		delete(e.held, p)
		e.mu.Unlock()
	})
}

// keep renews a lease until it is lost. Redis being away for longer than the lease counts as lost.
func (e *Engine) keep(ctx context.Context, cancel context.CancelCauseFunc, l core.Lease) {
	last := e.Clock.Now()
	for e.Clock.Sleep(ctx, renewEvery) == nil {
		rctx, done := context.WithTimeout(ctx, renewEvery)
		err := e.Leases.Renew(rctx, l, leaseTTL)
		done()
		switch {
		case err == nil:
			last = e.Clock.Now()
		case ctx.Err() != nil:
			return
		case core.ErrorCode(err) == core.CodeConflict || e.Clock.Now().Sub(last) > leaseTTL:
			e.Log.WarnContext(ctx, "lease lost", "partition", l.Name, "error", err)
			cancel(ErrLost)
			return
		}
	}
}

// work reads and handles until the context ends.
func (e *Engine) work(ctx context.Context, p core.Partition, l core.Lease) {
	var wg sync.WaitGroup
	defer wg.Wait()
	if e.Worker != nil && p[0] == 'u' {
		wg.Go(func() { e.Worker.Work(ctx, p, l) })
	}
	lanes := newLanes(ctx, &wg, p, l, e.Out)
	for ctx.Err() == nil {
		ins, outs, err := e.Journal.Read(ctx, p, l, readBatch, readBlock)
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			if core.ErrorCode(err) == core.CodeGone {
				e.Log.InfoContext(ctx, "partition has a newer holder", "partition", p)
				return
			}
			e.Log.WarnContext(ctx, "partition not read", "partition", p, "error", err)
			if e.Clock.Sleep(ctx, acquireEvery) != nil {
				return
			}
			continue
		}
		for _, o := range outs {
			if err := lanes.put(ctx, o); err != nil {
				return
			}
		}
		for _, in := range inThread(ins) {
			if !e.handle(ctx, p, l, in) {
				return
			}
		}
	}
}

// inThread puts the new messages of each thread, as far as they were read together, into the order in which they were
// said, and leaves everything else where it is. Several connections bring them, and one may be ahead of another.
func inThread(ins []core.Entry[core.Inbound]) []core.Entry[core.Inbound] {
	places := map[string][]int{}
	for i, in := range ins {
		if in.Err == nil && in.Item.Kind == core.InboundMessage && in.Item.Thread != "" {
			key := string(in.Item.Room) + "/" + string(in.Item.Thread)
			places[key] = append(places[key], i)
		}
	}
	for _, at := range places {
		said := make([]core.Entry[core.Inbound], len(at))
		for n, i := range at {
			said[n] = ins[i]
		}
		slices.SortStableFunc(said, func(a, b core.Entry[core.Inbound]) int { return a.Item.At.Compare(b.Item.At) })
		for n, i := range at {
			ins[i] = said[n]
		}
	}
	return ins
}

// handle settles one inbound, whatever it takes; false means that the partition is lost or the process stops.
func (e *Engine) handle(ctx context.Context, p core.Partition, l core.Lease, in core.Entry[core.Inbound]) bool {
	log := e.Log.With("partition", p, "inbound", in.Item.ID, "kind", in.Item.Kind)
	for try := 1; ; try++ {
		err := in.Err
		if err == nil {
			err = e.safely(ctx, p, l, in)
		}
		code := core.ErrorCode(err)
		switch {
		case err == nil:
			return true
		case ctx.Err() != nil || code == core.CodeGone:
			return false
		case code == core.CodeRetry:
			log.WarnContext(ctx, "inbound waits", "error", err)
		case code == core.CodeConflict && try < maxTries:
		default:
			log.ErrorContext(ctx, "inbound buried", "error", err, "tries", try)
			if err := e.Handler.Bury(ctx, p, l, in, err); err == nil {
				return true
			} else if core.ErrorCode(err) == core.CodeGone {
				return false
			}
		}
		if e.Clock.Sleep(ctx, backoff(try)) != nil {
			return false
		}
	}
}

// safely turns a panic of a handler into an error: one strange event must not stop a partition.
func (e *Engine) safely(ctx context.Context, p core.Partition, l core.Lease, in core.Entry[core.Inbound]) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = core.Wrap(core.CodeInternal, panicError(r))
		}
	}()
	return e.Handler.Handle(ctx, p, l, in)
}

// backoff is 250 ms, doubling to 5 s.
func backoff(try int) time.Duration {
	d := 250 * time.Millisecond
	for ; try > 1 && d < 5*time.Second; try-- {
		d *= 2
	}
	return min(d, 5*time.Second)
}
