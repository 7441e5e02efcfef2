package balance

import (
	"context"
	"testing"
	"time"
)

type hand struct{ now time.Time }

func (h *hand) Now() time.Time                                 { return h.now }
func (h *hand) Sleep(_ context.Context, d time.Duration) error { h.now = h.now.Add(d); return nil }

func TestShares(t *testing.T) {
	clock := &hand{time.Unix(1_800_000_000, 0)}
	replicas := 1
	s := &Spread{Total: 5, Replicas: func() int { return replicas }, Clock: clock}
	take := func() bool {
		ok := s.Reserve(clock.now)
		if ok {
			s.Took()
		}
		return ok
	}
	for range 5 {
		if !take() {
			t.Fatal("alone it may hold all")
		}
	}
	replicas = 2 // a second one comes: ceil(5/2) stay
	given := 0
	for s.Surplus() {
		given++
	}
	if given != 2 || take() {
		t.Fatalf("gave %d", given)
	}
	if !s.Reserve(clock.now.Add(-Patience)) {
		t.Fatal("nobody took it, so somebody must")
	}
	s.Took()
	if s.Surplus() {
		t.Fatal("given away at once again")
	}
	clock.now = clock.now.Add(keep)
	if !s.Surplus() {
		t.Fatal("kept for ever")
	}
	replicas = 0
	if s.Share() != 5 {
		t.Error(s.Share())
	}
	s.Replicas = nil
	if s.Share() != 5 {
		t.Error(s.Share())
	}
}
