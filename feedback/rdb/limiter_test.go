package rdb

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
)

// counted counts the questions that reach Redis.
type counted struct {
	mu sync.Mutex
	n  int
}

func (c *counted) DialHook(next redis.DialHook) redis.DialHook { return next }
func (c *counted) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
func (c *counted) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.mu.Lock()
		c.n++
		c.mu.Unlock()
		return next(ctx, cmd)
	}
}

func (c *counted) take() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.n
	c.n = 0
	return n
}

// gate is a clock on which sleepers stand until the test moves it.
type gate struct {
	mu       sync.Mutex
	now      time.Time
	sleepers []*sleeper
	changed  chan struct{}
}

type sleeper struct {
	until time.Time
	wake  chan struct{}
}

func newGate() *gate {
	return &gate{now: time.Unix(1_800_000_000, 0), changed: make(chan struct{}, 1000)}
}

func (g *gate) Now() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.now
}

func (g *gate) Sleep(ctx context.Context, d time.Duration) error {
	g.mu.Lock()
	s := &sleeper{until: g.now.Add(d), wake: make(chan struct{})}
	g.sleepers = append(g.sleepers, s)
	g.mu.Unlock()
	g.changed <- struct{}{}
	select {
	case <-s.wake:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// next waits until somebody sleeps and moves the clock to the first who wakes.
func (g *gate) next() {
	for {
		g.mu.Lock()
		if len(g.sleepers) > 0 {
			slices.SortFunc(g.sleepers, func(a, b *sleeper) int { return a.until.Compare(b.until) })
			s := g.sleepers[0]
			g.sleepers = g.sleepers[1:]
			g.now = s.until
			g.mu.Unlock()
			close(s.wake)
			return
		}
		g.mu.Unlock()
		<-g.changed
	}
}

func open(t *testing.T) (*DB, *counted) {
	t.Helper()
	e, err := StartEmbedded()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	c, err := Dial(e.URL(), Single)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	count := &counted{}
	c.AddHook(count)
	db, err := Init(t.Context(), c, "t", core.Partitions{Projects: 1, People: 1})
	if err != nil {
		t.Fatal(err)
	}
	return db, count
}

// TestOneAsksForAll: of fifty who wait for one bucket only the first asks Redis, and each gets its place in the order of
// coming.
func TestOneAsksForAll(t *testing.T) {
	db, count := open(t)
	clock := newGate()
	l := &Limiter{DB: db, Clock: clock}
	l.Learn(t.Context(), "b", 1, time.Second)
	if err := l.Wait(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	count.take()
	const many = 50
	began := clock.Now()
	order := make(chan int, many)
	for n := range many {
		go func() {
			if err := l.Wait(t.Context(), "b"); err != nil {
				t.Error(err)
			}
			order <- n
		}()
		for standing(l, "b") != n+1 { // stands in the queue before the next one comes
			runtime.Gosched()
		}
	}
	for n := range many {
		if n == 0 {
			if asked := count.take(); asked > 1 {
				t.Errorf("%d questions while all wait", asked)
			}
		}
		clock.next()
		<-order
	}
	if took := clock.Now().Sub(began); took != many*time.Second {
		t.Errorf("%d calls at one a second took %s", many, took)
	}
	if asked := count.take(); asked > 2*many {
		t.Errorf("%d questions for %d places", asked, many)
	}
}

func standing(l *Limiter, bucket string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ln := l.lines[bucket]; ln != nil {
		return ln.count
	}
	return 0
}

// TestReplicasTakeTurns: of two processes that always want a place neither starves the other; who is woken first is the
// scheduler's choice.
func TestReplicasTakeTurns(t *testing.T) {
	db, _ := open(t)
	clock := newGate()
	first := &Limiter{DB: db, Clock: clock}
	first.Learn(t.Context(), "b", 1, time.Second)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var mu sync.Mutex
	got := map[string]int{}
	for _, who := range []string{"a", "b"} {
		l := &Limiter{DB: db, Clock: clock}
		for range 3 {
			wg.Go(func() {
				for l.Wait(ctx, "b") == nil {
					mu.Lock()
					got[who]++
					mu.Unlock()
				}
			})
		}
	}
	for range 40 {
		clock.next()
	}
	stop()
	wg.Wait()
	if got["a"]+got["b"] < 38 || min(got["a"], got["b"]) < 10 {
		t.Errorf("%v", got)
	}
}

func TestTooLongAWaitIsToldAtOnce(t *testing.T) {
	db, count := open(t)
	l := &Limiter{DB: db, Clock: core.SystemClock{}}
	l.Limited(t.Context(), "b", time.Hour)
	l.Limited(t.Context(), "b", time.Second) // does not open it earlier
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	began := time.Now()
	err := l.Wait(ctx, "b")
	if core.ErrorCode(err) != core.CodeRetry || core.RetryAfter(err) < 59*time.Minute || time.Since(began) > 5*time.Second {
		t.Fatalf("%v after %s", err, time.Since(began))
	}
	// Nobody's place was booked by it.
	l.Learn(t.Context(), "c", 1, time.Minute)
	for range 3 {
		short, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		err = l.Wait(short, "c")
		cancel()
	}
	if w := core.RetryAfter(err); w > time.Minute {
		t.Errorf("places were booked for nobody: %s", w)
	}
	count.take()
	// A bucket that is taught again stays closed.
	l.Learn(t.Context(), "b", 50, time.Second)
	if ttl := db.Client.PTTL(t.Context(), db.Keys.Bucket("b")).Val(); ttl < time.Hour {
		t.Errorf("the closed bucket is forgotten after %s", ttl)
	}
}

func TestRedisAwayIsToldQuickly(t *testing.T) {
	e, err := StartEmbedded()
	if err != nil {
		t.Fatal(err)
	}
	c, err := Dial(e.URL(), Single)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	l := &Limiter{DB: &DB{Client: c, Keys: Keys{Prefix: "t"}}, Clock: core.SystemClock{}}
	if err := l.Wait(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	e.Close()
	began := time.Now()
	var wg sync.WaitGroup
	for n := range 100 {
		wg.Go(func() {
			if err := l.Wait(t.Context(), fmt.Sprint("b", n%3)); core.ErrorCode(err) != core.CodeRetry || core.RetryAfter(err) != 0 {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	l.Limited(t.Context(), "b", time.Second)
	if took := time.Since(began); took > 4*askTimeout {
		t.Errorf("took %s", took)
	}
}

func TestAWaitEndsWithItsContext(t *testing.T) {
	db, _ := open(t)
	clock := newGate()
	l := &Limiter{DB: db, Clock: clock}
	l.Limited(t.Context(), "b", time.Minute)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if err := l.Wait(ctx, "b"); core.ErrorCode(err) != core.CodeRetry {
				t.Error(err)
			}
		})
	}
	<-clock.changed
	stop()
	wg.Wait()
	if standing(l, "b") != 0 {
		t.Error("somebody still stands in the queue")
	}
}
