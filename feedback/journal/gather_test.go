package journal

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
)

// TestGather holds the first trip until many others wait: they must share the second, and each must get its own answer,
// although the one who started it gave up.
func TestGather(t *testing.T) {
	const others = 50
	var g gather[int]
	started, release := make(chan struct{}), make(chan struct{})
	var mu sync.Mutex
	var trips [][]int
	send := func(ctx context.Context, items []int) []error {
		mu.Lock()
		trips = append(trips, items)
		first := len(trips) == 1
		mu.Unlock()
		if first {
			close(started)
			<-release
		}
		errs := make([]error, len(items))
		for i, n := range items {
			if errs[i] = ctx.Err(); errs[i] == nil && n%2 == 1 {
				errs[i] = fmt.Errorf("item %d", n)
			}
		}
		return errs
	}
	var wg sync.WaitGroup
	check := func(ctx context.Context, n int) {
		err := g.put(ctx, n, send)
		if errors.Is(err, context.Canceled) || (err != nil) != (n%2 == 1) || err != nil && err.Error() != fmt.Sprintf("item %d", n) {
			t.Errorf("item %d got %v", n, err)
		}
	}
	wg.Go(func() { check(t.Context(), 0) })
	<-started
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for n := range others {
		wg.Go(func() { check(gone, n+1) })
	}
	for queued := 0; queued < others; runtime.Gosched() {
		g.mu.Lock()
		if g.next != nil {
			queued = len(g.next.items)
		}
		g.mu.Unlock()
	}
	close(release)
	wg.Wait()
	if len(trips) != 2 || len(trips[1]) != others {
		t.Errorf("%d trips, want one of 1 and one of %d", len(trips), others)
	}
}
