package relay

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// Handler settles one inbound of a partition: it applies the change that the inbound leads to, together with the mark
// that it is handled. A nil error means settled. CodeRetry and CodeConflict are tried again, CodeGone means that the
// partition has a newer holder; anything else buries the inbound.
type Handler interface {
	// Handle settles an inbound. It returns an early, and has done nothing, when the inbound's thread must be caught up
	// first.
	Handle(ctx context.Context, t Turn) error
	// Bury settles an inbound that cannot be handled, keeping it with its reason.
	Bury(ctx context.Context, t Turn, cause error) error
}

// Turn is an inbound whose turn it is in its partition.
type Turn struct {
	Partition core.Partition
	Lease     core.Lease
	Entry     core.Entry[core.Inbound]
	// Must says that it waits for no history.
	Must bool
	// Took gets what is to be sent next, where settling the inbound handed that out; see core.Change.
	Took func([]core.Entry[core.Outgoing])
	// AtOnce says whether an outgoing would be sent as soon as it is handed out.
	AtOnce func(core.Outgoing) bool
}

// Worker does background work of a partition while it is held; it returns when the context ends.
type Worker interface {
	Work(ctx context.Context, p core.Partition, l core.Lease)
}

// Engine holds partitions by lease and works on them: inbounds in order, outgoings in lanes. Processes that share a
// store share the partitions evenly.
type Engine struct {
	Parts  core.Partitions
	Leases core.Leases
	// Members counts the processes; nil: there is only this one.
	Members core.Members
	Journal core.Journal
	Handler Handler
	Out     *Deliverer
	Workers []Worker
	// Alone is called at start when no other process is there: nobody listened until now. It may be nil.
	Alone     func()
	Clock     core.Clock
	Log       *slog.Logger
	Telemetry core.Telemetry

	mu   sync.Mutex
	held map[core.Partition]*holding
	over map[byte]int // rounds that more than the share was held, by kind
	all  int

	began time.Time
	alone bool // nobody else was there at start
}

const (
	readBatch = 100
	readBlock = 2 * time.Second
	// parkBlock is how long a read waits while something is parked.
	parkBlock = 250 * time.Millisecond
	// maxTries bounds how often an inbound is tried before it is buried, when the fault is not Redis being away.
	maxTries = 5
)

// work reads and handles until nothing more may be taken, and finishes what is under way.
func (e *Engine) work(h *holding) {
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx := h.taking
	for _, w := range e.Workers {
		wg.Go(func() { w.Work(ctx, h.p, h.l) })
	}
	lanes := newLanes(h, &wg, e.Out)
	h.atOnce = lanes.free
	h.took = func(outs []core.Entry[core.Outgoing]) {
		lanes.putAll(ctx, outs)
		runtime.Gosched() // people wait for what is sent; what this loop does next is mostly to wait, too
	}
	park := newParking(e.Clock)
	for ctx.Err() == nil {
		wait := readBlock
		if park.count > 0 {
			wait = parkBlock
		}
		ins, outs, err := e.Journal.Read(ctx, h.p, h.l, readBatch, wait)
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			if core.ErrorCode(err) == core.CodeGone {
				e.Log.InfoContext(ctx, "partition has a newer holder", "partition", h.p)
				h.end(ErrLost)
				return
			}
			e.Log.WarnContext(ctx, "partition not read", "partition", h.p, "error", err)
			if e.Clock.Sleep(ctx, acquireEvery) != nil {
				return
			}
			continue
		}
		if !lanes.putAll(ctx, outs) {
			return
		}
		for _, in := range inThread(ins) {
			if !e.inbound(h, park, in) {
				return
			}
		}
		for _, in := range park.due() {
			if !e.handle(h, nil, in) {
				return
			}
		}
	}
}

// inbound handles one entry, or parks it behind its thread's history. False means that the partition is given up.
func (e *Engine) inbound(h *holding, park *parking, in core.Entry[core.Inbound]) bool {
	if park.behind(in) {
		return true
	}
	if !e.handle(h, park, in) {
		return false
	}
	if in.Err == nil && in.Item.Kind == core.InboundCaughtUp {
		for _, in := range asSaid(park.release(in.Item)) {
			if !e.inbound(h, park, in) {
				return false
			}
		}
	}
	return true
}

// inThread puts the new messages of each thread, as far as they were read together, into the order in which they were
// said, and leaves everything else where it is. Several connections bring them, and one may be ahead of another.
func inThread(ins []core.Entry[core.Inbound]) []core.Entry[core.Inbound] {
	places := map[string][]int{}
	for i, in := range ins {
		if in.Err == nil && in.Item.Kind == core.InboundMessage && in.Item.Thread != "" {
			key := threadKey(in.Item.Room, in.Item.Thread)
			places[key] = append(places[key], i)
		}
	}
	for _, at := range places {
		sortAt(ins, at)
	}
	return ins
}

// sortAt puts the entries at some places, and no others, into the order of their times.
func sortAt(ins []core.Entry[core.Inbound], at []int) {
	said := make([]core.Entry[core.Inbound], len(at))
	for n, i := range at {
		said[n] = ins[i]
	}
	slices.SortStableFunc(said, func(a, b core.Entry[core.Inbound]) int { return a.Item.At.Compare(b.Item.At) })
	for n, i := range at {
		ins[i] = said[n]
	}
}

// asSaid puts what waited for one history into the order in which it was said: a message before what hangs on it.
func asSaid(ins []core.Entry[core.Inbound]) []core.Entry[core.Inbound] {
	var at []int
	for i, in := range ins {
		if in.Item.Kind == core.InboundMessage || in.Item.Kind == core.InboundEdit && in.Item.CatchUp {
			at = append(at, i)
		}
	}
	sortAt(ins, at)
	return ins
}

// handle settles one inbound, whatever it takes; false means that the partition is given up or lost. Without a parking
// the inbound waits for nobody.
func (e *Engine) handle(h *holding, park *parking, in core.Entry[core.Inbound]) bool {
	ctx := h.taking
	log := e.Log.With("partition", h.p, "inbound", in.Item.ID, "kind", in.Item.Kind)
	for try := 1; ; try++ {
		if ctx.Err() != nil {
			return false
		}
		err := in.Err
		if err == nil {
			err = e.safely(h, in, park == nil)
		}
		code := core.ErrorCode(err)
		var soon early
		switch {
		case err == nil:
			return true
		case errors.As(err, &soon):
			park.add(in, soon.thread)
			return true
		case ctx.Err() != nil || code == core.CodeGone:
			return false
		case code == core.CodeRetry:
			log.WarnContext(ctx, "inbound waits", "error", err)
		case code == core.CodeConflict && try < maxTries:
		default:
			log.ErrorContext(ctx, "inbound buried", "error", err, "tries", try)
			if err := e.Handler.Bury(h.ctx, h.turn(in, true), err); err == nil {
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
func (e *Engine) safely(h *holding, in core.Entry[core.Inbound], must bool) (err error) {
	ctx := core.WithLog(e.Telemetry.Continue(h.ctx, in.Item.Trace), slog.String("request", string(in.Item.ID)))
	ctx, done := e.Telemetry.Start(ctx, "handle", slog.String("kind", string(in.Item.Kind)))
	began := e.Clock.Now()
	defer func() {
		if r := recover(); r != nil {
			err = core.Wrap(core.CodeInternal, panicError(r))
		}
		done(err)
		e.Telemetry.Observe(core.MetricHandleTime, e.Clock.Now().Sub(began), string(in.Item.Kind), handled(err))
	}()
	return e.Handler.Handle(ctx, h.turn(in, must))
}

// backoff is 250 ms, doubling to 5 s.
func backoff(try int) time.Duration {
	d := 250 * time.Millisecond
	for ; try > 1 && d < 5*time.Second; try-- {
		d *= 2
	}
	return min(d, 5*time.Second)
}
