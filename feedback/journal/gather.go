package journal

import (
	"context"
	"sync"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// gather lets callers that come at the same moment share one round trip: alone each goes at once, under load one trip
// carries what came during the one before. Every caller returns when its own item is settled.
type gather[T any] struct {
	mu   sync.Mutex
	next *batch[T]  // what the next trip carries
	turn sync.Mutex // held for a trip
}

// batch is bounded by how many events are taken at once: each caller waits with one item.
type batch[T any] struct {
	items []T
	sent  bool // guarded by turn, as are errs
	errs  []error
}

// tripTimeout bounds a shared trip. It is not the caller's: nobody's trip fails because somebody else gave up.
const tripTimeout = 2 * time.Second

// put settles an item through send, which gets all items of a trip in the order they came and returns one error each.
func (g *gather[T]) put(ctx context.Context, item T, send func(context.Context, []T) []error) error {
	g.mu.Lock()
	if g.next == nil {
		g.next = &batch[T]{}
	}
	b, at := g.next, len(g.next.items)
	b.items = append(b.items, item)
	g.mu.Unlock()

	g.turn.Lock()
	defer g.turn.Unlock()
	if !b.sent {
		g.mu.Lock()
		g.next = nil
		g.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tripTimeout)
		defer cancel()
		b.sent, b.errs = true, send(ctx, b.items)
	}
	return b.errs[at]
}

// intake is what a partition takes from the platforms. Each has its own, so that a slow node of a cluster holds up only
// the partitions that lie there.
type intake struct {
	inbounds gather[*arrival]
	acks     gather[core.InboundID]
}

func (j *Journal) intake(p core.Partition) *intake {
	j.mu.Lock()
	defer j.mu.Unlock()
	in := j.intakes[p]
	if in == nil {
		in = &intake{}
		j.intakes[p] = in
	}
	return in
}
