package relay

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// clockSlack covers clocks of processes and the store that differ.
const clockSlack = 2000 // milliseconds

// before reports whether an entry was stored before a lease began. Both carry milliseconds: the store's clock in the
// entry, the holder's in the fence.
func before(id core.EntryID, l core.Lease) bool {
	at, ok := storedAt(id)
	return ok && l.Fence > 0 && at.UnixMilli() < l.Fence+clockSlack
}

// storedAt returns when an entry was stored, by the store's clock.
func storedAt(id core.EntryID) (time.Time, bool) {
	ms, _, _ := strings.Cut(string(id), "-")
	at, err := strconv.ParseInt(ms, 10, 64)
	return time.UnixMilli(at), err == nil
}

// maxSettled bounds the memory of what was settled.
const maxSettled = 4096

// settledLog remembers what this process settled lately. A store that fails over to a replica may bring entries back
// that were settled in its last second.
type settledLog struct {
	mu    sync.Mutex
	done  map[settledKey]*core.PlaceWrite
	order []settledKey
}

// settledKey names an outgoing by its place and what it is: a store that lost its end may give a place again.
type settledKey struct {
	entry core.EntryID
	id    core.DeliveryID
}

func (s *settledLog) put(e core.EntryID, id core.DeliveryID, p *core.PlaceWrite) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done == nil {
		s.done = map[settledKey]*core.PlaceWrite{}
	}
	if len(s.order) >= maxSettled {
		delete(s.done, s.order[0])
		s.order = s.order[1:]
	}
	k := settledKey{e, id}
	s.done[k] = p
	s.order = append(s.order, k)
}

func (s *settledLog) get(e core.EntryID, id core.DeliveryID) (*core.PlaceWrite, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.done[settledKey{e, id}]
	return p, ok
}
