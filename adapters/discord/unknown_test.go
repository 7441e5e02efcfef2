package discord

import (
	"strings"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/adapters/discord/discordsim"
	"github.com/atelier-bridge/atelier/core"
)

// other is the adapter of another replica: the same options, no memory.
func (r *rig) other() *Adapter {
	r.t.Helper()
	a, err := New(r.a.o)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		a.rest.client.CloseIdleConnections()
		a.files.CloseIdleConnections()
	})
	return a
}

// posts counts the calls that made something, however they were answered.
func (r *rig) posts(prefix string) int {
	n := 0
	for _, c := range r.sim.Calls(prefix) {
		if c.Method == "POST" {
			n++
		}
	}
	return n
}

func outcomes() []string {
	return []string{"error_after", "drop_after", "undecodable", "error_before", "drop_before"}
}

// TestUnknownOutcomesAreLookedUp breaks every call that makes something, with a twin of the message beside it, and has
// another replica go on.
func TestUnknownOutcomesAreLookedUp(t *testing.T) {
	long := strings.TrimSpace(strings.Repeat("a long remark about the light ", 100))
	ana := &core.Author{Name: "Ana", From: "slack"}
	for _, c := range []struct {
		name string
		path string
		skip bool // the first part passes
		d    core.Delivery
		want int
	}{
		{name: "bot", path: "/channels/", d: core.Delivery{Text: core.Plain("ok")}, want: 1},
		{name: "bot, long after", path: "/channels/", d: core.Delivery{Text: core.Plain("ok"), Since: time.Now().Add(-time.Hour)}, want: 1},
		{name: "webhook", path: "/webhooks/", d: core.Delivery{Text: core.Plain("ok"), Author: ana}, want: 1},
		{name: "webhook, with a link", path: "/webhooks/", d: core.Delivery{Text: core.Plain("see https://example.org/x"), Author: ana}, want: 1},
		{name: "webhook, files only", path: "/webhooks/", d: core.Delivery{Author: ana, Files: []core.File{pngFile("b", "a.png")}}, want: 1},
		{name: "second part", path: "/webhooks/", skip: true, d: core.Delivery{Text: core.Plain(long), Author: ana}, want: 2},
		{name: "second part of the bot", path: "/channels/", skip: true, d: core.Delivery{Text: core.Plain(long), Since: time.Now().Add(-time.Hour)}, want: 2},
	} {
		for _, kind := range outcomes() {
			t.Run(c.name+" "+kind, func(t *testing.T) {
				t.Parallel()
				echo := &recorded{}
				r := newRig(t, rigOptions{idle: true, opts: func(o *Options) { o.Echo = echo }})
				_, thread := r.task()
				d := c.d
				d.Op, d.Room, d.Thread = core.OpPost, studio, thread
				if d.Since.IsZero() {
					d.Since = time.Now()
				}
				twin := d
				twin.ID, d.ID = "d-twin", "d-it"
				first := r.deliver(twin)
				echo.add(first.Parts)
				f := discordsim.Fault{Kind: kind, Method: "POST", Path: c.path}
				if !c.skip {
					r.fault(f)
				}
				if c.skip { // the first part is there, and was told to nobody
					one := d
					parts, _, err := r.a.compose(r.ctx(), one, spot{guild: discordsim.DemoGuildID, parent: discordsim.DemoStudio, thread: string(thread)})
					if err != nil {
						t.Fatal(err)
					}
					if _, err := r.a.postPart(r.ctx(), one, spot{guild: discordsim.DemoGuildID, parent: discordsim.DemoStudio, thread: string(thread)}, parts[0], 0); err != nil {
						t.Fatal(err)
					}
					r.fault(f)
				}
				if _, err := r.a.Deliver(r.ctx(), d); core.ErrorCode(err) != core.CodeUnknown {
					t.Fatalf("first try: %v", err)
				}
				d.Attempt = 1
				a := r.other()
				lookups := d.Author != nil || time.Since(d.Since) > nonceSafe
				if lookups {
					// A look-up that fails is no answer: nothing is posted.
					r.fault(discordsim.Fault{Kind: "error_before", Method: "GET", Path: "/channels/" + string(thread) + "/messages"})
					before := r.posts("/webhooks/") + r.posts("/channels/"+string(thread))
					if _, err := a.Deliver(r.ctx(), d); core.ErrorCode(err) != core.CodeRetry || r.posts("/webhooks/")+r.posts("/channels/"+string(thread)) != before {
						t.Fatalf("with a failing look-up: %v", err)
					}
				}
				got, err := a.Deliver(r.ctx(), d)
				if err != nil || len(got.Parts) != c.want || got.Parts[0] == first.Parts[0] {
					t.Fatalf("%+v beside %v: %v", got, first.Parts, err)
				}
				if n := len(r.thread(thread)); n != 2*c.want {
					t.Fatalf("%d messages: %+v", n, r.thread(thread))
				}
			})
		}
	}
}

// TestUnknownRoots does the same to root cards: threads on them, and forum posts.
func TestUnknownRoots(t *testing.T) {
	forum := roomID(discordsim.DemoGuildID, discordsim.DemoForum)
	for _, c := range []struct {
		name, path string
		room       core.RoomID
		old        bool
	}{
		{"card", "/channels/*/messages", studio, false},
		{"card, long after", "/channels/*/messages", studio, true},
		{"thread on a card", "/channels/*/messages/*/threads", studio, false},
		{"thread on a card, long after", "/channels/*/messages/*/threads", studio, true},
		{"forum post", "/channels/*/threads", forum, false},
		{"forum post, long after", "/channels/*/threads", forum, true},
	} {
		for _, kind := range outcomes() {
			t.Run(c.name+" "+kind, func(t *testing.T) {
				t.Parallel()
				r := newRig(t, rigOptions{idle: true})
				card := func(n string) core.Delivery {
					d := core.Delivery{ID: core.DeliveryID("d-" + n), Op: core.OpPost, Room: c.room, Card: sampleCard(), Files: []core.File{pngFile("blob1", "a.png")}, ThreadName: "ACME-1 fog", Since: time.Now()}
					if c.old {
						d.Since = time.Now().Add(-time.Hour)
					}
					return d
				}
				twin := r.deliver(card("twin"))
				r.fault(discordsim.Fault{Kind: kind, Method: "POST", Path: c.path})
				d := card("it")
				if _, err := r.a.Deliver(r.ctx(), d); core.ErrorCode(err) != core.CodeUnknown && core.ErrorCode(err) != core.CodeRetry {
					t.Fatalf("first try: %v", err)
				}
				d.Attempt = 1
				changed := *d.Card // the card has moved on since
				changed.Title = "ACME-1 · half done"
				d.Card = &changed
				got, err := r.other().Deliver(r.ctx(), d)
				if err != nil || len(got.Parts) != 1 || got.Thread == "" || got.Thread == twin.Thread {
					t.Fatalf("%+v beside %+v: %v", got, twin, err)
				}
				for _, th := range r.sim.Snapshot("", 100).Threads {
					if th.ID != string(got.Thread) && th.ID != string(twin.Thread) && th.Name == "ACME-1 fog" {
						t.Errorf("a third thread: %s", th.ID)
					}
				}
				cards := 0
				for _, m := range r.sim.Messages(discordsim.DemoStudio) {
					if strings.Contains(m.Content, "ACME-1") {
						cards++
					}
				}
				if c.room == studio && cards != 2 {
					t.Errorf("%d cards", cards)
				}
			})
		}
	}
}

// TestUnknownRepeats breaks what may be done twice: the next try simply does it again.
func TestUnknownRepeats(t *testing.T) {
	ana := &core.Author{Name: "Ana", From: "slack"}
	for _, c := range []struct {
		name, method, path string
		d                  core.Delivery
	}{
		{"edit", "PATCH", "/channels/", core.Delivery{Op: core.OpEdit, Text: core.Plain("changed")}},
		{"edit by webhook", "PATCH", "/webhooks/", core.Delivery{Op: core.OpEdit, Text: core.Plain("changed"), Author: ana}},
		{"delete", "DELETE", "/channels/", core.Delivery{Op: core.OpDelete}},
		{"reaction", "PUT", "/channels/", core.Delivery{Op: core.OpReact, Emoji: core.Emoji{Unicode: "👍"}}},
		{"reaction taken back", "DELETE", "/channels/", core.Delivery{Op: core.OpUnreact, Emoji: core.Emoji{Unicode: "👍"}}},
		{"webhook made", "POST", "/channels/*/webhooks", core.Delivery{Op: core.OpPost, Text: core.Plain("changed"), Author: ana}},
	} {
		for _, kind := range outcomes() {
			t.Run(c.name+" "+kind, func(t *testing.T) {
				t.Parallel()
				r := newRig(t, rigOptions{idle: true})
				_, thread := r.task()
				post := core.Delivery{ID: "d-0", Op: core.OpPost, Room: studio, Thread: thread, Text: core.Plain("said"), Author: c.d.Author}
				d := c.d
				d.ID, d.Room, d.Thread = "d-1", studio, thread
				if d.Op != core.OpPost {
					d.Target = r.deliver(post).Parts
				}
				r.fault(discordsim.Fault{Kind: kind, Method: c.method, Path: c.path})
				_, err := r.a.Deliver(r.ctx(), d)
				if code := core.ErrorCode(err); code != core.CodeRetry && (code != "" || kind != "undecodable") {
					t.Fatalf("first try: %v", err)
				}
				d.Attempt = 1
				if _, err := r.other().Deliver(r.ctx(), d); err != nil {
					t.Fatal(err)
				}
				msgs := r.thread(thread)
				switch {
				case d.Op == core.OpDelete && len(msgs) == 0:
				case (d.Op == core.OpEdit || d.Op == core.OpPost) && len(msgs) == 1 && msgs[0].Content == "changed":
				case d.Op == core.OpReact && len(msgs) == 1 && len(msgs[0].Reactions) == 1 && len(msgs[0].Reactions[0].Users) == 1:
				case d.Op == core.OpUnreact && len(msgs) == 1 && len(msgs[0].Reactions) == 0:
				default:
					t.Errorf("%+v", msgs)
				}
				var hooks []wireWebhook
				if err := r.a.rest.do(r.ctx(), call{method: "GET", route: "GET channels/webhooks", path: "channels/" + discordsim.DemoStudio + "/webhooks"}, &hooks); err != nil || len(hooks) > 1 {
					t.Errorf("%d webhooks, %v", len(hooks), err)
				}
			})
		}
	}
}

// TestDirectMessagesAreLookedUp goes on long after a nonce was good.
func TestDirectMessagesAreLookedUp(t *testing.T) {
	r := newRig(t, rigOptions{idle: true})
	d := core.Delivery{ID: "d-dm", Op: core.OpDirect, To: identityID(discordsim.DemoMaya), Text: core.Plain("Nothing waits."), Since: time.Now().Add(-time.Hour)}
	first := r.deliver(d)
	posts := r.posts("/channels/")
	d.Attempt = 1
	a := r.other()
	if got, err := a.Deliver(r.ctx(), d); err != nil || got.Parts[0] != first.Parts[0] || r.posts("/channels/") != posts {
		t.Fatalf("%+v after %+v: %v", got, first, err)
	}
}

// TestHiddenHistoryIsNoAnswer: without the permission to read the history every page is empty, which is not the same as
// a message that is not there.
func TestHiddenHistoryIsNoAnswer(t *testing.T) {
	r := newRig(t, rigOptions{idle: true})
	_, thread := r.task()
	d := core.Delivery{ID: "d-1", Op: core.OpPost, Room: studio, Thread: thread, Text: core.Plain("ok"), Author: &core.Author{Name: "Ana"}, Since: time.Now()}
	r.deliver(d)
	if err := r.sim.Deny(discordsim.DemoStudio, discordsim.PermReadHistory); err != nil {
		t.Fatal(err)
	}
	d.Attempt = 1
	if _, err := r.other().Deliver(r.ctx(), d); core.ErrorCode(err) != core.CodeUnknown || !strings.Contains(core.SafeMessage(err), "history") {
		t.Fatalf("%v", err)
	}
	if n := len(r.thread(thread)); n != 1 {
		t.Fatalf("%d messages", n)
	}
}

// TestUndoneMessageIsPostedAgain: what was taken back stands for nothing, also in this process.
func TestUndoneMessageIsPostedAgain(t *testing.T) {
	r := newRig(t, rigOptions{idle: true})
	_, thread := r.task()
	d := core.Delivery{ID: "d-1", Op: core.OpPost, Room: studio, Thread: thread, Text: core.Plain("ok"), Author: &core.Author{Name: "Ana"}, Since: time.Now()}
	first := r.deliver(d)
	r.deliver(core.Delivery{ID: "d-1-undo", Op: core.OpDelete, Room: studio, Thread: thread, Target: first.Parts})
	d.Attempt = 1
	if got := r.deliver(d); got.Parts[0] == first.Parts[0] || len(r.thread(thread)) != 1 {
		t.Fatalf("%+v", got)
	}
}
