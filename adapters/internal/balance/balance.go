// Package balance shares a platform's connections among the replicas: each holds at most its share while others live.
package balance

import (
	"sync"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

const (
	// Patience is how long somebody else may leave a connection unheld before a replica takes more than its share.
	Patience = 15 * time.Second
	// keep is how long what was taken so is kept before it is offered again.
	keep = time.Minute
)

// Spread counts what this process holds of a number of connections.
type Spread struct {
	Total int
	// Replicas is how many processes live, this one included; nil or less than one means one.
	Replicas func() int
	Clock    core.Clock

	mu   sync.Mutex
	held int
	kept time.Time
}

// Share is the most that this process holds while the others do their part.
func (s *Spread) Share() int {
	n := 1
	if s.Replicas != nil {
		n = max(s.Replicas(), 1)
	}
	return (s.Total + n - 1) / n
}

// Reserve counts one more connection if it is within the share, or if it has been free since a time that is Patience
// ago. Whoever reserves takes it or gives the place back.
func (s *Spread) Reserve(wanted time.Time) bool {
	share, now := s.Share(), s.Clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held >= share && now.Sub(wanted) < Patience {
		return false
	}
	s.held++
	return true
}

// Took tells that the place was taken. What is beyond the share is kept for a while.
func (s *Spread) Took() {
	share, now := s.Share(), s.Clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held > share {
		s.kept = now.Add(keep)
	}
}

// Release gives a place back.
func (s *Spread) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held--
}

// Surplus reports whether one connection should go to another replica, and counts it as given: whoever asked gives it.
func (s *Spread) Surplus() bool {
	share, now := s.Share(), s.Clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held <= share || now.Before(s.kept) {
		return false
	}
	s.held--
	return true
}
