package relay

import (
	"context"
	"sync"

	"github.com/atelier-bridge/atelier/core"
)

// onceByKey lets one goroutine per key in at a time.
type onceByKey struct {
	mu   sync.Mutex
	busy map[string]*keyed
}

type keyed struct {
	mu    sync.Mutex
	users int
}

func (o *onceByKey) lock(key string) (unlock func()) {
	o.mu.Lock()
	if o.busy == nil {
		o.busy = map[string]*keyed{}
	}
	k := o.busy[key]
	if k == nil {
		k = &keyed{}
		o.busy[key] = k
	}
	k.users++
	o.mu.Unlock()
	k.mu.Lock()
	return func() {
		k.mu.Unlock()
		o.mu.Lock()
		defer o.mu.Unlock()
		if k.users--; k.users == 0 {
			delete(o.busy, key)
		}
	}
}

// opening counts the threads being opened per room: a message in a thread that is not known yet may belong to one.
type opening struct {
	mu    sync.Mutex
	rooms map[core.RoomID]int
	done  chan struct{}
}

func (o *opening) begin(room core.RoomID) (done func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.rooms == nil {
		o.rooms = map[core.RoomID]int{}
		o.done = make(chan struct{})
	}
	o.rooms[room]++
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.rooms[room]--; o.rooms[room] <= 0 {
			delete(o.rooms, room)
		}
		close(o.done)
		o.done = make(chan struct{})
	}
}

// wait returns when a card of this room was settled; false at once when none is being posted.
func (o *opening) wait(ctx context.Context, room core.RoomID) bool {
	o.mu.Lock()
	busy, done := o.rooms[room] > 0, o.done
	o.mu.Unlock()
	if !busy {
		return false
	}
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}
