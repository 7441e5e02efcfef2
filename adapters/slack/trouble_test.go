package slack

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/adapters/slack/slacksim"
	"github.com/atelier-bridge/atelier/core"
)

// buckets is a core.Limiter that remembers what it was told.
type buckets struct {
	mu     sync.Mutex
	waited []string
	closed map[string]time.Duration
	rates  map[string]int
}

func (b *buckets) Wait(ctx context.Context, names ...string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waited = append(b.waited, names...)
	return ctx.Err()
}

func (b *buckets) Limited(_ context.Context, name string, d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed[name] = d
}

func (b *buckets) Learn(_ context.Context, name string, n int, _ time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rates[name] = n
}

func TestRateLimits(t *testing.T) {
	lim := &buckets{closed: map[string]time.Duration{}, rates: map[string]int{}}
	r := newRig(t, rigOptions{idle: true, mine: func(o *Options) { o.Limiter = lim }})
	post := func(channel string) error {
		_, err := r.a.Deliver(r.ctx, core.Delivery{ID: "d", Op: core.OpPost, Room: roomID(team, channel), Text: core.Plain("x")})
		return err
	}
	if err := r.Fault(slacksim.Fault{Kind: "ratelimited", Method: "chat.postMessage", RetryAfter: 7, Times: 2}); err != nil {
		t.Fatal(err)
	}
	const teamBucket = "slack/" + team + "/chat.postMessage"
	err := post(acme)
	if core.ErrorCode(err) != core.CodeRetry || core.RetryAfter(err) != 7*time.Second || lim.closed[teamBucket+"/"+acme] != 7*time.Second || lim.closed[teamBucket] != 0 {
		t.Fatal(err, lim.closed)
	}
	if err := post(secretRoom); core.ErrorCode(err) != core.CodeRetry || lim.closed[teamBucket] != 7*time.Second {
		t.Fatal(err, lim.closed)
	}
	if err := post(acme); err != nil || lim.rates[teamBucket+"/"+acme] != 3 {
		t.Fatal(err, lim.rates)
	}
	if err := r.Fault(slacksim.Fault{Kind: "ratelimited", Method: "chat.update"}); err != nil {
		t.Fatal(err)
	}
	_, err = r.a.Deliver(r.ctx, core.Delivery{ID: "e", Op: core.OpEdit, Room: acmeRoom, Text: core.Plain("y"), Target: []core.MessageID{core.MessageID(r.Messages(acme)[0].TS)}})
	if core.ErrorCode(err) != core.CodeRetry || lim.closed["slack/"+team+"/chat.update"] != time.Second || lim.rates["slack/"+team+"/chat.update"] != 50 {
		t.Fatal(err, lim.closed)
	}
}

func TestPicturesThatWereSlowOrLost(t *testing.T) {
	r := newRig(t, rigOptions{idle: true})
	if err := r.Fault(slacksim.Fault{Kind: "slow_files", Times: 3}); err != nil {
		t.Fatal(err)
	}
	card := sampleCard()
	card.Images = []core.Image{{Blob: "b1", Name: "a.png", Alt: "a", MIME: "image/png"}}
	files := []core.File{fileOf("b1", "a.png", "image/png", picture(t), 0)}
	rec := r.deliver(core.Delivery{ID: "d1", Op: core.OpPost, Room: acmeRoom, Card: card, Files: files})
	// A handle that Slack does not know any more is replaced, once.
	got := r.deliver(core.Delivery{ID: "d2", Op: core.OpEdit, Room: acmeRoom, Card: card, Files: files, Target: rec.Parts, Handles: map[core.BlobKey]string{"b1": "F0NOTTHERE"}})
	if got.Handles["b1"] == "F0NOTTHERE" || !strings.Contains(string(r.Messages(acme)[0].Blocks), got.Handles["b1"]) {
		t.Fatal(got)
	}
}

func TestWithoutCustomNames(t *testing.T) {
	r := newRig(t, rigOptions{idle: true, change: func(o *slacksim.Options) {
		o.Scopes = []string{"chat:write", "channels:history", "users:read", "channels:read"}
	}})
	rec := r.deliver(core.Delivery{ID: "d1", Op: core.OpPost, Room: acmeRoom, Text: core.Plain("hello"), Author: &core.Author{Name: "Zoë", From: "discord"}})
	m := r.Messages(acme)
	if len(rec.Parts) != 1 || len(m) != 1 || m[0].Username != "" || m[0].Text != "Zoë (Discord): hello" {
		t.Fatalf("%+v", m)
	}
	_, err := r.a.Deliver(r.ctx, core.Delivery{ID: "d2", Op: core.OpReact, Room: acmeRoom, Target: rec.Parts, Emoji: core.Emoji{Unicode: "👍"}})
	if core.ErrorCode(err) != core.CodeForbidden || !strings.Contains(core.SafeMessage(err), "reactions:write") {
		t.Fatal(err)
	}
	_, err = r.a.Deliver(r.ctx, core.Delivery{ID: "d3", Op: core.OpPost, Room: roomID(team, "C0NOBOT004"), Text: core.Plain("x")})
	if core.ErrorCode(err) != core.CodeForbidden {
		t.Fatal(err)
	}
	_, err = r.a.Deliver(r.ctx, core.Delivery{ID: "d4", Op: core.OpPost, Room: "slack:T9/C1", Text: core.Plain("x")})
	if core.ErrorCode(err) != core.CodeGone {
		t.Fatal(err)
	}
}
