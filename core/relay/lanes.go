package relay

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/atelier-bridge/atelier/core"
)

// lanes runs the outgoings of one partition: in order within a lane (one task in one room), lanes beside each other,
// so that a room that must wait holds up nobody else.
type lanes struct {
	h   *holding
	wg  *sync.WaitGroup
	out *Deliverer

	mu      sync.Mutex
	queues  map[string][]core.Entry[core.Outgoing]
	waiting int
	space   chan struct{} // signalled when the number of waiting entries falls below the bound
}

// maxWaiting bounds the entries that one partition holds in memory; beyond it reading pauses, nothing is dropped.
const maxWaiting = 5000

func newLanes(h *holding, wg *sync.WaitGroup, out *Deliverer) *lanes {
	return &lanes{h: h, wg: wg, out: out, queues: map[string][]core.Entry[core.Outgoing]{}, space: make(chan struct{}, 1)}
}

// laneOf says what must stay in order with what.
func laneOf(e core.Entry[core.Outgoing]) string {
	o := e.Item
	switch o.Kind {
	case core.OutCard, core.OutComment, core.OutReact, core.OutNotice, core.OutPost:
		task := string(o.Task)
		if o.Task.IsTalk() {
			task = string(core.TalkTask(o.Task.Project())) // a conversation's replies come after what it hangs on
		}
		return "t/" + string(o.Room) + "/" + task
	case core.OutJob:
		return "j/" + o.Job.AccountKey()
	default:
		return "x/" + string(e.ID)
	}
}

// putAll adds entries in their order; false when the context ended before all were added. They stay in the outbox.
func (s *lanes) putAll(ctx context.Context, outs []core.Entry[core.Outgoing]) bool {
	for _, o := range outs {
		if s.put(ctx, o) != nil {
			return false
		}
	}
	return true
}

// put adds an entry to its lane and starts the lane if it sleeps. It blocks when too much waits.
func (s *lanes) put(ctx context.Context, e core.Entry[core.Outgoing]) error {
	for {
		s.mu.Lock()
		if s.waiting < maxWaiting {
			break
		}
		s.mu.Unlock()
		e.Shown = nil
		select {
		case <-s.space:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	defer s.mu.Unlock()
	lane := laneOf(e)
	q, running := s.queues[lane]
	if running {
		e.Shown = nil // content is read when it is sent, and that is later
	}
	s.queues[lane] = insert(q, e)
	s.waiting++
	if !running {
		s.wg.Go(func() { s.run(lane) }) //nolint:contextcheck // a holding has its own
	}
	return nil
}

// free reports whether nothing is sent or waits in an outgoing's lane.
func (s *lanes) free(o core.Outgoing) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, running := s.queues[laneOf(core.Entry[core.Outgoing]{Item: o})]
	return !running
}

// insert puts an entry at the end of a lane; a comment goes before the comments that wait there and were said later. What
// is said quickly reaches us over several connections at once, and one of them may be ahead of another.
func insert(q []core.Entry[core.Outgoing], e core.Entry[core.Outgoing]) []core.Entry[core.Outgoing] {
	i := len(q)
	if e.Item.Kind == core.OutComment {
		// What an earlier holder had in hand stays in front, in the order in which that one had it: it may be there already.
		for i > 0 && (!q[i-1].Replayed || e.Replayed) && q[i-1].Item.Kind == core.OutComment && q[i-1].Item.At.After(e.Item.At) {
			i--
		}
	}
	return slices.Insert(q, i, e)
}

// run works a lane off and ends when it is empty.
func (s *lanes) run(lane string) {
	for {
		s.mu.Lock()
		q := s.queues[lane]
		if len(q) == 0 || s.h.taking.Err() != nil {
			delete(s.queues, lane)
			s.mu.Unlock()
			return
		}
		e := q[0]
		s.queues[lane] = q[1:]
		s.mu.Unlock()

		ok := s.out.settle(s.h, e)

		s.mu.Lock()
		s.waiting--
		s.mu.Unlock()
		select {
		case s.space <- struct{}{}:
		default:
		}
		if !ok {
			s.mu.Lock()
			delete(s.queues, lane)
			s.mu.Unlock()
			return
		}
	}
}

func panicError(r any) error {
	return fmt.Errorf("panic: %v\n%s", r, debug.Stack())
}
