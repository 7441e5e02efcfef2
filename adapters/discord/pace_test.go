package discord

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/adapters/discord/discordsim"
	"github.com/atelier-bridge/atelier/core"
)

// places is a limiter whose buckets hold as many calls as they were taught, and are never filled again.
type places struct {
	mu     sync.Mutex
	n      map[string]int
	closed map[string]time.Duration
	shut   string // a bucket in which everybody waits
	stands chan struct{}
}

func (p *places) Wait(ctx context.Context, all ...string) error {
	for _, b := range all {
		if err := p.wait(ctx, b); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (p *places) wait(ctx context.Context, b string) error {
	if b == p.shut {
		p.stands <- struct{}{}
		<-ctx.Done()
		return core.Wrap(core.CodeRetry, context.Cause(ctx))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if left, known := p.n[b]; known {
		if left == 0 {
			return &core.Error{Code: core.CodeRetry, RetryAfter: time.Minute}
		}
		p.n[b]--
	}
	return ctx.Err()
}

func (p *places) Limited(_ context.Context, b string, d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed[b] = d
}

func (p *places) Learn(_ context.Context, b string, n int, _ time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.n[b]; !known && strings.HasPrefix(b, invalidSoft) {
		p.n[b] = n
	}
}

// TestRefusedCallsAreCounted: many refusals slow all calls down, and nearly too many stop them with an alarm.
func TestRefusedCallsAreCounted(t *testing.T) {
	p := &places{n: map[string]int{}, closed: map[string]time.Duration{}}
	r := newRig(t, rigOptions{idle: true, opts: func(o *Options) { o.Limiter = p }})
	refuse := func(status int, scope string) { r.a.rest.invalid(r.ctx(), status, scope) }
	for range invalidCalls / 4 {
		refuse(http.StatusForbidden, "")
		refuse(http.StatusTooManyRequests, "shared") // not counted
		refuse(http.StatusNotFound, "")
	}
	if len(p.closed) != 0 {
		t.Fatalf("slowed down too early: %v", p.closed)
	}
	for range 3 {
		refuse(http.StatusTooManyRequests, "user")
	}
	if p.closed[globalBucket] != slowly || strings.Count(r.logs.String(), "calls are held back") != 1 {
		t.Fatalf("%v", p.closed)
	}
	for range invalidCalls * 2 / 5 {
		refuse(http.StatusUnauthorized, "")
	}
	if p.closed[globalBucket] != invalidWindow || !strings.Contains(r.logs.String(), "ban this address") {
		t.Fatalf("%v", p.closed)
	}
}

// TestAWaitingRoomHoldsNothing: files of rooms that must wait do not keep other rooms' files from going.
func TestAWaitingRoomHoldsNothing(t *testing.T) {
	p := &places{n: map[string]int{}, closed: map[string]time.Duration{}, stands: make(chan struct{}, 10)}
	r := newRig(t, rigOptions{idle: true, opts: func(o *Options) { o.Limiter = p }})
	_, thread := r.task()
	_, other := r.task2("d-other")
	file := core.Delivery{Op: core.OpPost, Room: studio, Thread: thread, Text: core.Plain("x"), Files: []core.File{pngFile("b", "a.png")}}
	file.ID = "d-first"
	r.deliver(file) // now the bucket has Discord's name
	p.shut = r.a.rest.bucketOf(call{route: "POST channels/messages", major: string(thread)})
	ctx, stop := context.WithCancel(r.ctx())
	var wg sync.WaitGroup
	for n := range 2 * cap(r.a.rest.uploads) {
		wg.Go(func() {
			d := file
			d.ID = core.DeliveryID("d-wait" + string(rune('a'+n)))
			if _, err := r.a.Deliver(ctx, d); core.ErrorCode(err) != core.CodeRetry {
				t.Error(err)
			}
		})
	}
	for range 2 * cap(r.a.rest.uploads) {
		<-p.stands
	}
	file.ID, file.Thread = "d-free", other
	r.deliver(file)
	stop()
	wg.Wait()
}

// TestRatesAreTaughtAgain: the limiter forgets what nobody used for ten minutes.
func TestRatesAreTaughtAgain(t *testing.T) {
	clock := &handClock{now: time.Now()}
	p := &paces{limited: map[string]time.Duration{}, learned: map[string]int{}, waited: map[string]int{}}
	r := newRig(t, rigOptions{idle: true, opts: func(o *Options) { o.Limiter, o.Clock = p, clock }})
	for range 2 {
		p.learned = map[string]int{}
		if _, err := r.a.fetchChannel(r.ctx(), discordsim.DemoStudio); err != nil {
			t.Fatal(err)
		}
		if p.learned[globalBucket] != globalCalls || len(p.learned) < 2 {
			t.Fatalf("taught %v", p.learned)
		}
		clock.move(teachAgain)
	}
}

// TestHiddenWebhookLimit: a refusal that no header announced closes the channel's webhooks, not other channels'.
func TestHiddenWebhookLimit(t *testing.T) {
	p := &paces{limited: map[string]time.Duration{}, learned: map[string]int{}, waited: map[string]int{}}
	r := newRig(t, rigOptions{idle: true, opts: func(o *Options) { o.Limiter = p }})
	_, thread := r.task()
	r.fault(discordsim.Fault{Kind: "ratelimited", Method: "POST", Path: "/webhooks/", RetryAfter: 42})
	_, err := r.a.Deliver(r.ctx(), core.Delivery{ID: "d-1", Op: core.OpPost, Room: studio, Thread: thread, Author: &core.Author{Name: "Ana"}, Text: core.Plain("x")})
	hidden := hookPerChannel + discordsim.DemoStudio
	if core.RetryAfter(err) != 42*time.Second || p.learned[hidden] != hookPosts || p.limited[hidden] != 42*time.Second || p.limited[globalBucket] != 0 {
		t.Fatalf("%v: limited %v", err, p.limited)
	}
}
