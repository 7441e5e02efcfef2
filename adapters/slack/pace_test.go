package slack

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/adapters/slack/slacksim"
	"github.com/atelier-bridge/atelier/core"
)

// minutes is a limiter and a clock: a bucket with a rate of one a minute gives its place when the test says that a
// minute is over, and tells everybody else to come back.
type minutes struct {
	mu     sync.Mutex
	now    time.Time
	rate   map[string]int
	next   map[string]time.Time // the first free place
	closed map[string]time.Time
}

func newMinutes() *minutes {
	return &minutes{now: time.Now(), rate: map[string]int{}, next: map[string]time.Time{}, closed: map[string]time.Time{}}
}

func (m *minutes) Now() time.Time { m.mu.Lock(); defer m.mu.Unlock(); return m.now }

func (m *minutes) Sleep(ctx context.Context, d time.Duration) error {
	m.pass(d)
	return context.Cause(ctx)
}

func (m *minutes) pass(d time.Duration) { m.mu.Lock(); m.now = m.now.Add(d); m.mu.Unlock() }

func (m *minutes) Wait(ctx context.Context, all ...string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range all {
		wait := max(m.next[b].Sub(m.now), m.closed[b].Sub(m.now))
		if wait > 0 {
			return &core.Error{Code: core.CodeRetry, RetryAfter: wait}
		}
		if m.rate[b] == 1 {
			m.next[b] = m.now.Add(time.Minute)
		}
	}
	return ctx.Err()
}

func (m *minutes) Limited(_ context.Context, b string, d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed[b] = m.now.Add(d)
}

func (m *minutes) Learn(_ context.Context, b string, n int, _ time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rate[b] = n
}

// TestSlowHistory reads under Slack's harshest limit, which the workspace enforces: nothing is ever refused, a look-up
// goes before catch-up, and one that needs several pages goes on where it was.
func TestSlowHistory(t *testing.T) {
	m := newMinutes()
	r := newRig(t, rigOptions{idle: true, change: func(o *slacksim.Options) { o.Limits.HarshHistory, o.Now = true, m.Now },
		mine: func(o *Options) { o.SlowHistory, o.Limiter, o.Clock = true, m, m }})
	root := r.card("d-root")
	d := core.Delivery{ID: "d-it", Op: core.OpPost, Room: acmeRoom, Thread: core.ThreadID(root), Text: core.Plain("ok"), Since: m.Now()}
	for n := range 20 {
		r.say(ben, acme, root, fmt.Sprint("before ", n))
	}
	r.fault(slacksim.Fault{Kind: "drop_after", Method: "chat.postMessage"})
	if _, err := r.a.Deliver(r.ctx, d); core.ErrorCode(err) != core.CodeUnknown {
		t.Fatal(err)
	}
	for n := range 4 {
		r.say(ben, acme, root, fmt.Sprint("after ", n))
	}
	// Catch-up takes the first minute's call.
	page, err := r.a.Since(r.ctx, acmeRoom, core.ThreadID(root), core.MessageID(root), time.Time{}, 100)
	if err != nil || page.Complete || len(page.Messages) == 0 || len(page.Messages) >= harshPage {
		t.Fatal(len(page.Messages), err)
	}
	d.Attempt = 1
	var got core.Receipt
	tries := 0
	for ; tries < 10; tries++ {
		if got, err = r.a.Deliver(r.ctx, d); err == nil {
			break
		}
		if core.ErrorCode(err) != core.CodeRetry || core.RetryAfter(err) <= 0 {
			t.Fatal(err)
		}
		// Whoever catches up comes back each minute too, and leaves the call to the delivery.
		m.pass(core.RetryAfter(err))
		if _, err := r.a.Since(r.ctx, acmeRoom, core.ThreadID(root), page.Next, time.Time{}, 100); core.ErrorCode(err) != core.CodeRetry {
			t.Fatal("catch-up went first:", err)
		}
	}
	if len(got.Parts) != 1 || len(r.Thread(acme, root)) != 1+20+1+4 || tries > 3 {
		t.Fatalf("%+v after %d tries, %d messages", got, tries, len(r.Thread(acme, root)))
	}
	// Catch-up goes on from its cursor and reads everything in the end.
	said := len(page.Messages)
	for n := 0; !page.Complete && n < 10; n++ {
		m.pass(2 * time.Minute)
		if page, err = r.a.Since(r.ctx, acmeRoom, core.ThreadID(root), page.Next, time.Time{}, 100); err != nil {
			t.Fatal(err)
		}
		said += len(page.Messages)
	}
	if said != 25 {
		t.Errorf("%d messages read", said)
	}
	for _, c := range r.Calls("conversations.replies") {
		if c.Status != 200 {
			t.Errorf("refused: %+v", c)
		}
	}
}

// TestHistoryGoesSlowlyByItself: what Slack refuses for a minute was limited to one a minute.
func TestHistoryGoesSlowlyByItself(t *testing.T) {
	m := newMinutes()
	r := newRig(t, rigOptions{idle: true, mine: func(o *Options) { o.Limiter, o.Clock = m, m }})
	root := r.card("d-root")
	read := func() error {
		_, err := r.a.Since(r.ctx, acmeRoom, core.ThreadID(root), core.MessageID(root), time.Time{}, 100)
		return err
	}
	r.fault(slacksim.Fault{Kind: "ratelimited", Method: "conversations.replies", RetryAfter: 2})
	if err := read(); core.RetryAfter(err) != 2*time.Second || r.a.installs[0].harsh() {
		t.Fatal("a short wait is the ordinary limit:", err)
	}
	m.pass(3 * time.Second)
	r.fault(slacksim.Fault{Kind: "ratelimited", Method: "conversations.replies", RetryAfter: 55})
	if err := read(); core.RetryAfter(err) != 55*time.Second || !r.a.installs[0].harsh() || m.rate["slack/"+team+"/conversations.replies"] != 1 {
		t.Fatal(err, m.rate)
	}
	m.pass(time.Minute)
	if err := read(); err != nil {
		t.Fatal(err)
	}
	if err := read(); core.ErrorCode(err) != core.CodeRetry {
		t.Fatal("two calls in a minute:", err)
	}
	m.pass(harshFor)
	r.a.installs[0].learned.drop("slack/" + team + "/conversations.replies")
	if err := read(); err != nil || r.a.installs[0].harsh() || m.rate["slack/"+team+"/conversations.replies"] != 50 {
		t.Fatal("slow for ever:", err, m.rate)
	}
}

// TestANoisyRoomIsOnlyItself: which buckets a refusal closes.
func TestANoisyRoomIsOnlyItself(t *testing.T) {
	for method, want := range map[string][]string{
		"chat.postMessage": {"slack/" + team + "/chat.postMessage/" + acme},
		"chat.update":      {"slack/" + team + "/chat.update"},
		"reactions.add":    {"slack/" + team + "/reactions.add"},
		"chat.delete":      {"slack/" + team + "/chat.delete"},
		"files.info":       {"slack/" + team + "/files.info"},
	} {
		m := newMinutes()
		r := newRig(t, rigOptions{idle: true, mine: func(o *Options) { o.Limiter, o.Clock = m, m }})
		parts := r.deliver(core.Delivery{ID: "d-0", Op: core.OpPost, Room: acmeRoom, Text: core.Plain("x")}).Parts
		r.fault(slacksim.Fault{Kind: "ratelimited", Method: method, RetryAfter: 9})
		d := core.Delivery{ID: "d-1", Room: acmeRoom, Target: parts, Text: core.Plain("y"), Emoji: core.Emoji{Unicode: "👍"}}
		switch d.Op = core.OpEdit; method {
		case "chat.postMessage", "files.info":
			d.Op, d.Target = core.OpPost, nil
			if method == "files.info" {
				d.Files = []core.File{fileOf("b", "a.png", "image/png", picture(t), 0)}
			}
		case "reactions.add":
			d.Op = core.OpReact
		case "chat.delete":
			d.Op = core.OpDelete
		}
		if _, err := r.a.Deliver(r.ctx, d); core.RetryAfter(err) != 9*time.Second {
			t.Fatal(method, err)
		}
		var closed []string
		for b := range m.closed {
			closed = append(closed, b)
		}
		if !slices.Equal(closed, want) {
			t.Errorf("%s closes %v, want %v", method, closed, want)
		}
		// Posts elsewhere go on.
		r.deliver(core.Delivery{ID: "d-2", Op: core.OpPost, Room: roomID(team, secretRoom), Text: core.Plain("z")})
	}
}
