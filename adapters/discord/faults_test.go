package discord

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/adapters/discord/discordsim"
	"github.com/atelier-bridge/atelier/core"
)

// insist delivers as the relay does: again after CodeRetry, with one more attempt after CodeUnknown.
func (r *rig) insist(d core.Delivery) core.Receipt {
	r.t.Helper()
	d.Since = time.Now()
	for range 10 {
		d.Tried = time.Now()
		got, err := r.a.Deliver(r.ctx(), d)
		switch core.ErrorCode(err) {
		case "":
			return got
		case core.CodeUnknown:
			d.Attempt++
		case core.CodeRetry:
		default:
			r.t.Fatalf("%v", err)
		}
		if d.Op == core.OpPost {
			d.Target = got.Parts
		}
	}
	r.t.Fatal("never delivered")
	return core.Receipt{}
}

func TestPostedOnce(t *testing.T) {
	kinds := []string{"error_after", "drop_after", "undecodable", "error_before", "drop_before"}
	for _, kind := range kinds {
		for _, who := range []string{"bot", "webhook", "old bot", "forgetful webhook"} {
			t.Run(kind+" "+who, func(t *testing.T) {
				r := newRig(t, rigOptions{idle: true})
				_, thread := r.task()
				d := core.Delivery{ID: core.DeliveryID("d-" + kind + who), Op: core.OpPost, Room: studio, Thread: thread, Text: core.Plain("hello *there*")}
				path := "/channels/" + string(thread) + "/messages"
				if strings.Contains(who, "webhook") {
					d.Author = &core.Author{Name: "Ana", From: "slack"}
					path = "/webhooks/"
				}
				r.fault(discordsim.Fault{Kind: kind, Method: "POST", Path: path})
				if who == "old bot" {
					// Later than the nonce is trusted for.
					d.Since = time.Now().Add(-time.Hour)
					_, err := r.a.Deliver(r.ctx(), d)
					if core.ErrorCode(err) != core.CodeUnknown {
						t.Fatalf("%v", err)
					}
					d.Attempt = 1
					r.deliver(d)
				} else {
					got := r.insist(d)
					if len(got.Parts) != 1 {
						t.Fatalf("%+v", got)
					}
				}
				if n := len(r.thread(thread)); n != 1 {
					t.Fatalf("%d messages", n)
				}
				// The same words again are another message.
				d.ID += "-2"
				d.Attempt, d.Target = 0, nil
				r.insist(d)
				if n := len(r.thread(thread)); n != 2 {
					t.Fatalf("%d messages after the second delivery", n)
				}
			})
		}
	}
}

func TestThreadOutcomeUnknown(t *testing.T) {
	for _, kind := range []string{"error_after", "drop_after", "ratelimited"} {
		r := newRig(t, rigOptions{idle: true})
		r.fault(discordsim.Fault{Kind: kind, Method: "POST", Path: "/channels/*/messages/*/threads", RetryAfter: 0.05})
		got := r.insist(core.Delivery{ID: "d-root", Op: core.OpPost, Room: studio, Card: sampleCard(), Files: []core.File{pngFile("blob1", "a.png")}, ThreadName: "x"})
		if got.Thread == "" || len(got.Parts) != 1 || len(r.sim.Messages(discordsim.DemoStudio)) != 1 {
			t.Fatalf("%s: %+v", kind, got)
		}
	}
}

// paces is a limiter that only notes what it is told.
type paces struct {
	mu      sync.Mutex
	limited map[string]time.Duration
	learned map[string]int
	waited  map[string]int
}

func (p *paces) Wait(ctx context.Context, all ...string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range all {
		p.waited[b]++
	}
	return ctx.Err()
}
func (p *paces) Limited(_ context.Context, b string, d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limited[b] = d
}
func (p *paces) Learn(_ context.Context, b string, n int, _ time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.learned[b] = n
}

func TestRateLimits(t *testing.T) {
	for _, kind := range []string{"ratelimited", "ratelimited_global", "cloudflare429"} {
		t.Run(kind, func(t *testing.T) {
			p := &paces{limited: map[string]time.Duration{}, learned: map[string]int{}, waited: map[string]int{}}
			r := newRig(t, rigOptions{idle: true, opts: func(o *Options) { o.Limiter = p }})
			_, thread := r.task()
			d := core.Delivery{ID: "d-1", Op: core.OpPost, Room: studio, Thread: thread, Text: core.Plain("hello")}
			r.fault(discordsim.Fault{Kind: kind, Method: "POST", Path: "/channels/" + string(thread) + "/messages", RetryAfter: 3})
			_, err := r.a.Deliver(r.ctx(), d)
			var e *core.Error
			if !errors.As(err, &e) || e.Code != core.CodeRetry || e.RetryAfter != 3*time.Second || e.Global != (kind != "ratelimited") {
				t.Fatalf("%v %+v", err, e)
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.learned[globalBucket] != globalCalls || len(p.limited) != 1 || (p.limited[globalBucket] == 3*time.Second) != (kind != "ratelimited") {
				t.Fatalf("limited %v learned %v", p.limited, p.learned)
			}
		})
	}
}

func TestErrorsHoldNoSecrets(t *testing.T) {
	r := newRig(t, rigOptions{idle: true})
	_, thread := r.task()
	au := &core.Author{Name: "Ana", From: "slack"}
	r.deliver(core.Delivery{ID: "d-0", Op: core.OpPost, Room: studio, Thread: thread, Author: au, Text: core.Plain("first")})
	h, err := r.a.hookOf(r.ctx(), discordsim.DemoStudio)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"drop_before", "drop_after", "error_after", "ratelimited", "cloudflare429", "undecodable"} {
		r.fault(discordsim.Fault{Kind: kind, Method: "POST", Path: "/webhooks/"})
		_, err := r.a.Deliver(r.ctx(), core.Delivery{ID: core.DeliveryID("d-" + kind), Op: core.OpPost, Room: studio, Thread: thread, Author: au, Text: core.Plain(kind)})
		if err == nil || strings.Contains(err.Error(), h.token.Reveal()) || strings.Contains(err.Error(), discordsim.DemoBotToken) {
			t.Errorf("%s: %v", kind, err)
		}
	}
	reply := core.ReplyHandle{Kind: core.ReplyDeferred, Token: "interaction-token-value", Expires: time.Now().Add(time.Minute)}
	_, err = r.a.Deliver(r.ctx(), core.Delivery{ID: "d-i", Op: core.OpAnswer, Room: studio, Reply: reply, Text: core.Plain("x")})
	if core.ErrorCode(err) != core.CodeGone || strings.Contains(err.Error(), reply.Token) {
		t.Errorf("%v", err)
	}
	if strings.Contains(r.logs.String(), h.token.Reveal()) {
		t.Error("webhook token in the log")
	}
}

func TestDeadWebhookIsMadeAnew(t *testing.T) {
	r := newRig(t, rigOptions{idle: true})
	_, thread := r.task()
	d := core.Delivery{ID: "d-0", Op: core.OpPost, Room: studio, Thread: thread, Author: &core.Author{Name: "Ana", From: "slack"}, Text: core.Plain("first")}
	r.deliver(d)
	h, _ := r.a.hookOf(r.ctx(), discordsim.DemoStudio)
	c := call{method: "DELETE", route: "DELETE webhooks", major: h.id, path: "webhooks/" + h.id}
	if err := r.a.rest.do(r.ctx(), c, nil); err != nil {
		t.Fatal(err)
	}
	d.ID = "d-1"
	r.deliver(d)
	if n := len(r.thread(thread)); n != 2 {
		t.Fatalf("%d messages", n)
	}
}

func TestGoneAndForbidden(t *testing.T) {
	r := newRig(t, rigOptions{idle: true})
	_, thread := r.task()
	for name, c := range map[string]struct {
		d    core.Delivery
		want core.Code
	}{
		"edit of a deleted message": {core.Delivery{Op: core.OpEdit, Room: studio, Thread: thread, Target: []core.MessageID{"123"}, Text: core.Plain("x")}, core.CodeGone},
		"post to a missing thread":  {core.Delivery{Op: core.OpPost, Room: studio, Thread: "123", Text: core.Plain("x")}, core.CodeGone},
		"reaction that is no emoji": {core.Delivery{Op: core.OpReact, Room: studio, Thread: thread, Target: []core.MessageID{"123"}, Emoji: core.Emoji{Name: "no_such_thing"}}, core.CodeUnsupp},
		"expired answer":            {core.Delivery{Op: core.OpAnswer, Room: studio, Reply: core.ReplyHandle{Kind: core.ReplyDeferred, Token: "t", Expires: time.Now().Add(-time.Minute)}, Text: core.Plain("x")}, core.CodeGone},
		"direct message to an app":  {core.Delivery{Op: core.OpDirect, To: identityID(discordsim.MidjourneyApp), Text: core.Plain("x")}, core.CodeForbidden},
		"room of another kind":      {core.Delivery{Op: core.OpPost, Room: "slack:T/C", Text: core.Plain("x")}, core.CodeInvalid},
		"nothing to say":            {core.Delivery{Op: core.OpPost, Room: studio, Thread: thread}, core.CodeInvalid},
	} {
		c.d.ID = core.DeliveryID("d-" + name)
		if _, err := r.a.Deliver(r.ctx(), c.d); core.ErrorCode(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestArchivedThreadWakes(t *testing.T) {
	r := newRig(t, rigOptions{idle: true})
	_, thread := r.task()
	got := r.deliver(core.Delivery{ID: "d-0", Op: core.OpPost, Room: studio, Thread: thread, Text: core.Plain("first")})
	r.act(discordsim.Action{As: discordsim.DemoOwner, Do: "archive", Channel: string(thread)})
	r.deliver(core.Delivery{ID: "d-1", Op: core.OpEdit, Room: studio, Thread: thread, Target: got.Parts, Text: core.Plain("second")})
	if m := r.thread(thread); m[0].Content != "second" {
		t.Fatalf("%+v", m)
	}
}

func TestForumRoom(t *testing.T) {
	r := newRig(t, rigOptions{idle: true})
	forum := roomID(discordsim.DemoGuildID, discordsim.DemoForum)
	got := r.insist(core.Delivery{ID: "d-f", Op: core.OpPost, Room: forum, Card: sampleCard(), Files: []core.File{pngFile("blob1", "ACME-1-v1.png")}, ThreadName: "ACME-1"})
	if got.Handles["blob1"] == "" {
		t.Errorf("no handle: %+v", got)
	}
	if got.Thread == "" || string(got.Thread) != string(got.Parts[0]) {
		t.Fatalf("%+v", got)
	}
	r.deliver(core.Delivery{ID: "d-fc", Op: core.OpPost, Room: forum, Thread: got.Thread, Author: &core.Author{Name: "Ana", From: "slack"}, Text: core.Plain("in a forum")})
	card := sampleCard()
	card.Title = "ACME-1 · renamed"
	r.deliver(core.Delivery{ID: "d-fe", Op: core.OpEdit, Room: forum, Card: card, Target: got.Parts})
	if m := r.thread(got.Thread); len(m) != 2 || !strings.Contains(m[0].Content, "renamed") {
		t.Fatalf("%+v", m)
	}
}

// TestUnderLimits delivers in a Discord that limits, with a limiter that never waits: refusals come back as CodeRetry.
func TestUnderLimits(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{idle: true, sim: discordsim.Options{Limits: true}})
	_, thread := r.task()
	refusals := 0
	for i := range 8 {
		d := core.Delivery{ID: core.DeliveryID("d-" + strings.Repeat("x", i+1)), Op: core.OpPost, Room: studio, Thread: thread, Author: &core.Author{Name: "Ana", From: "slack"}, Text: core.Plain(strings.Repeat("x", i+1))}
		for {
			_, err := r.a.Deliver(r.ctx(), d)
			if err == nil {
				break
			}
			if core.ErrorCode(err) != core.CodeRetry || core.RetryAfter(err) <= 0 || core.RetryAfter(err) > 3*time.Second {
				t.Fatalf("%v", err)
			}
			refusals++
			if err := r.a.clock.Sleep(r.ctx(), core.RetryAfter(err)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := len(r.thread(thread)); n != 8 || refusals == 0 {
		t.Fatalf("%d messages, %d refusals", n, refusals)
	}
}

func TestGatewayRecovers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		fault discordsim.Fault
		beat  time.Duration
		fresh bool // a new session, so that what was said meanwhile needs catch-up
	}{
		{name: "drop", fault: discordsim.Fault{Kind: "gateway_drop"}},
		{name: "op7", fault: discordsim.Fault{Kind: "op7"}},
		{name: "op7 again and again", fault: discordsim.Fault{Kind: "op7", Times: 3}},
		{name: "op1 again and again", fault: discordsim.Fault{Kind: "op1", Times: 3}},
		{name: "op9 twice", fault: discordsim.Fault{Kind: "op9", Times: 2}, fresh: true},
		{name: "op9 resumable", fault: discordsim.Fault{Kind: "op9", Resumable: true}},
		{name: "op9", fault: discordsim.Fault{Kind: "op9"}, fresh: true},
		{name: "op1", fault: discordsim.Fault{Kind: "op1"}},
		{name: "silent", fault: discordsim.Fault{Kind: "gateway_silent"}, beat: 300 * time.Millisecond},
		{name: "close 4000", fault: discordsim.Fault{Kind: "close_code", Code: 4000}},
		{name: "close 4009", fault: discordsim.Fault{Kind: "close_code", Code: 4009}, fresh: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, rigOptions{sim: discordsim.Options{HeartbeatInterval: c.beat}})
			r.act(discordsim.Action{As: discordsim.DemoMaya, Do: "say", Channel: discordsim.DemoStudio, Text: "before"})
			r.rec.wait(t, "before", ofKind(core.InboundMessage))
			began := time.Now()
			r.fault(c.fault)
			if c.name == "drop" {
				r.fault(discordsim.Fault{Kind: "op7_first"})
			}
			if !c.fresh {
				r.act(discordsim.Action{As: discordsim.DemoMaya, Do: "say", Channel: discordsim.DemoStudio, Text: "meanwhile"})
				r.rec.wait(t, "meanwhile", func(in core.Inbound) bool { return in.Message != nil && in.Message.Text.String() == "meanwhile" })
			} else {
				r.until("session lost", func(s *discordsim.Snapshot) bool { return s.Sessions == 0 })
				r.until("session again", func(s *discordsim.Snapshot) bool { return s.Sessions == 1 })
				r.act(discordsim.Action{As: discordsim.DemoMaya, Do: "say", Channel: discordsim.DemoStudio, Text: "after"})
				r.rec.wait(t, "after", func(in core.Inbound) bool { return in.Message != nil && in.Message.Text.String() == "after" })
			}
			if d := time.Since(began); d > 12*time.Second {
				t.Errorf("took %v", d)
			} else {
				t.Logf("took %v", d)
			}
		})
	}
}

func TestGatewayRefusedForGood(t *testing.T) {
	r := newRig(t, rigOptions{idle: true, sim: discordsim.Options{DisallowedIntents: 1 << 15}})
	if err := r.a.Run(r.ctx(), r.rec); core.ErrorCode(err) != core.CodeFatal || !strings.Contains(core.SafeMessage(err), "message content") {
		t.Fatalf("%v", err)
	}
	r = newRig(t, rigOptions{idle: true, opts: func(o *Options) { o.BotToken = core.NewSecret("wrong") }})
	if err := r.a.Run(r.ctx(), r.rec); core.ErrorCode(err) != core.CodeFatal {
		t.Fatalf("%v", err)
	}
}

func TestOneHolderPerShard(t *testing.T) {
	t.Parallel()
	leases := newDesk()
	r := newRig(t, rigOptions{opts: func(o *Options) { o.Leases = leases }})
	o := r.a.o
	second, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	rec, done := newRecorder(), make(chan error, 1)
	go func() { done <- second.Run(ctx, rec) }()
	r.act(discordsim.Action{As: discordsim.DemoMaya, Do: "say", Channel: discordsim.DemoStudio, Text: "to the first"})
	r.rec.wait(t, "first holder", ofKind(core.InboundMessage))
	r.stop()
	r.poll("second holder ready", func() bool { return second.world.hasGuild(discordsim.DemoGuildID) })
	r.act(discordsim.Action{As: discordsim.DemoMaya, Do: "say", Channel: discordsim.DemoStudio, Text: "to the second"})
	rec.wait(t, "second holder", func(in core.Inbound) bool { return in.Message != nil && in.Message.Text.String() == "to the second" })
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestWithoutWebhooksTheNameStandsInTheText(t *testing.T) {
	r := newRig(t, rigOptions{idle: true})
	_, thread := r.task()
	r.fault(discordsim.Fault{Kind: "error_before", Path: "/channels/", Method: "GET", Status: 403, Code: 50013, Times: 1})
	d := core.Delivery{ID: "d-nohook", Op: core.OpPost, Room: studio, Thread: thread, Text: core.Plain("hello"), Author: &core.Author{Name: "Ana"}}
	got := r.deliver(d)
	found := false
	for _, m := range r.thread(thread) {
		found = found || m.Content == "**Ana**: hello" && m.WebhookID == ""
	}
	if len(got.Parts) != 1 || !found {
		t.Fatalf("%+v %+v", got, r.thread(thread))
	}
}
