package discord

import (
	"fmt"
	"slices"
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

// again is what the relay says of a delivery that is tried again: After is our newest recorded message there.
func again(d core.Delivery, after core.MessageID) core.Delivery {
	d.Attempt, d.After, d.Tried = 1, after, time.Now()
	return d
}

// TestUnknownOutcomesAreLookedUp breaks every call that makes something, with a recorded twin of the message before it,
// and has another replica go on: with the same content, and with one that was changed meanwhile.
func TestUnknownOutcomesAreLookedUp(t *testing.T) {
	long := strings.TrimSpace(strings.Repeat("a long remark about the light ", 100))
	ana := &core.Author{Name: "Ana", From: "slack"}
	old := time.Now().Add(-time.Hour)
	for _, c := range []struct {
		name string
		path string
		skip bool // the first part passes
		d    core.Delivery
		want int
		text string // what it says when it is tried again; empty for the same
	}{
		{name: "bot", path: "/channels/", d: core.Delivery{Text: core.Plain("ok")}, want: 1},
		{name: "bot, long after", path: "/channels/", d: core.Delivery{Text: core.Plain("ok"), Since: old}, want: 1},
		{name: "card in a thread, long after", path: "/channels/", d: core.Delivery{Card: sampleCard(), Files: []core.File{pngFile("blob1", "ACME-1-v1.png")}, Since: old}, want: 1},
		{name: "webhook", path: "/webhooks/", d: core.Delivery{Text: core.Plain("ok"), Author: ana}, want: 1},
		{name: "webhook, with a link", path: "/webhooks/", d: core.Delivery{Text: core.Plain("see https://example.org/x"), Author: ana}, want: 1},
		{name: "webhook, with joined signs", path: "/webhooks/", d: core.Delivery{Text: core.Plain("👩\u200d🎨 zero\u200bwidth *stars*"), Author: ana}, want: 1},
		{name: "webhook, files only", path: "/webhooks/", d: core.Delivery{Author: ana, Files: []core.File{pngFile("b", "a.png")}}, want: 1},
		{name: "second part", path: "/webhooks/", skip: true, d: core.Delivery{Text: core.Plain(long), Author: ana}, want: 2},
		{name: "second part of the bot", path: "/channels/", skip: true, d: core.Delivery{Text: core.Plain(long), Since: old}, want: 2},
		{name: "changed since", path: "/webhooks/", d: core.Delivery{Text: core.Plain("ok"), Author: ana}, want: 1, text: "said otherwise"},
		{name: "second part, changed since", path: "/webhooks/", skip: true, d: core.Delivery{Text: core.Plain(long), Author: ana}, want: 2, text: "now " + long},
		{name: "bot, changed since, long after", path: "/channels/", d: core.Delivery{Text: core.Plain("ok"), Since: old}, want: 1, text: "said otherwise"},
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
				if c.skip { // the first part is there, and was told to nobody
					parts, _, err := r.a.compose(r.ctx(), d, spot{guild: discordsim.DemoGuildID, parent: discordsim.DemoStudio, thread: string(thread)})
					if err != nil {
						t.Fatal(err)
					}
					if _, err := r.a.postPart(r.ctx(), d, spot{guild: discordsim.DemoGuildID, parent: discordsim.DemoStudio, thread: string(thread)}, parts[0], 0); err != nil {
						t.Fatal(err)
					}
				}
				r.fault(f)
				if _, err := r.a.Deliver(r.ctx(), d); core.ErrorCode(err) != core.CodeUnknown {
					t.Fatalf("first try: %v", err)
				}
				for _, m := range r.thread(thread) {
					if c.d.Card == nil && len(c.d.Files) == 0 && c.want == 1 && m.Content != newPrinter(nil).print(c.d.Text) {
						t.Errorf("shown as %q", m.Content)
					}
				}
				d = again(d, first.Parts[len(first.Parts)-1])
				if c.text != "" {
					d.Text, d.Changed = core.Plain(c.text), true
				}
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

// TestWhatIsOursBehindTheNewest tries a comment again in threads that hold something: what an earlier try may be, and
// what not.
func TestWhatIsOursBehindTheNewest(t *testing.T) {
	ana, ben := &core.Author{Name: "Ana", From: "slack"}, &core.Author{Name: "Ben", From: "slack"}
	say := func(id core.DeliveryID, au *core.Author, text string) core.Delivery {
		return core.Delivery{ID: id, Author: au, Text: core.Plain(text)}
	}
	for _, c := range []struct {
		name    string
		there   []core.Delivery // posted by the dead replica, in order
		known   int             // how many of them are recorded
		changed bool
		d       core.Delivery
		want    int // which of them it is; -1 for none
	}{
		{name: "the same words, recorded", there: []core.Delivery{say("d-1", ana, "ok")}, known: 1, d: say("d-2", ana, "ok"), want: -1},
		{name: "the same words twice, the second unrecorded", there: []core.Delivery{say("d-1", ana, "ok"), say("d-2", ana, "ok")}, known: 1, d: say("d-2", ana, "ok"), want: 1},
		{name: "the same words of somebody else", there: []core.Delivery{say("d-1", ben, "ok")}, d: say("d-2", ana, "ok"), want: -1},
		{name: "a frozen replica said the previous comment again", there: []core.Delivery{say("d-1", ana, "first"), say("d-1b", ana, "first")}, known: 1, d: say("d-2", ana, "second"), want: -1},
		{name: "a frozen replica said it behind the earlier try", there: []core.Delivery{say("d-1", ana, "first"), say("d-1b", ben, "first"), say("d-2", ana, "before")}, known: 1, changed: true, d: say("d-2", ana, "after"), want: 2},
		{name: "the words of now come first", there: []core.Delivery{say("d-1", ana, "first"), say("d-1b", ana, "first"), say("d-2", ana, "second")}, known: 1, changed: true, d: say("d-2", ana, "second"), want: 2},
		{name: "changed", there: []core.Delivery{say("d-1", ana, "first"), say("d-2", ana, "before")}, known: 1, changed: true, d: say("d-2", ana, "after"), want: 1},
		{name: "changed, and its author's name too", there: []core.Delivery{say("d-1", ana, "first"), say("d-2", ana, "before")}, known: 1, changed: true, d: say("d-2", &core.Author{Name: "Ana"}, "after"), want: 1},
		{name: "changed, and earlier holders tried", there: []core.Delivery{say("d-2", ana, "before")}, changed: true, d: say("d-2", ana, "after"), want: 0},
		{name: "changed, earlier holders tried, and somebody else spoke", there: []core.Delivery{say("d-3", ben, "before")}, changed: true, d: say("d-2", ana, "after"), want: -1},
		{name: "the bot said it for its author", there: []core.Delivery{say("d-1", ana, "first"), named(say("d-2", ana, "hello"))}, known: 1, d: say("d-2", ana, "hello"), want: 1},
		{name: "the bot said it for its author, changed", there: []core.Delivery{say("d-1", ana, "first"), named(say("d-2", ana, "hello"))}, known: 1, changed: true, d: say("d-2", ana, "after"), want: 1},
		{name: "the bot said something else", there: []core.Delivery{say("d-1", ana, "first"), say("d-x", nil, "a notice")}, known: 1, changed: true, d: say("d-2", ana, "after"), want: -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			echo := &recorded{}
			r := newRig(t, rigOptions{idle: true, opts: func(o *Options) { o.Echo = echo }})
			_, thread := r.task()
			place := func(d core.Delivery) core.Delivery {
				d.Op, d.Room, d.Thread, d.Since = core.OpPost, studio, thread, time.Now()
				return d
			}
			var there []core.MessageID
			for _, d := range c.there {
				there = append(there, r.deliver(place(d)).Parts...)
			}
			after := core.MessageID("")
			if c.known > 0 {
				after = there[c.known-1]
				echo.add(there[:c.known])
			}
			d := again(place(c.d), after)
			d.Changed = c.changed
			got, err := r.other().Deliver(r.ctx(), d)
			if err != nil || len(got.Parts) != 1 {
				t.Fatalf("%+v, %v", got, err)
			}
			if is := slices.Index(there, got.Parts[0]); is != c.want {
				t.Errorf("it is %d of %v: %v", is, there, got.Parts)
			}
		})
	}
}

// TestSurplusOfAnEarlierTry: the text was long when it was tried and is short now. What is too much is named in the
// receipt, so that the relay's edit takes it back.
func TestSurplusOfAnEarlierTry(t *testing.T) {
	r := newRig(t, rigOptions{idle: true})
	_, thread := r.task()
	ana := &core.Author{Name: "Ana", From: "slack"}
	d := core.Delivery{ID: "d-0", Op: core.OpPost, Room: studio, Thread: thread, Author: ana, Text: core.Plain("before"), Since: time.Now()}
	newest := r.deliver(d).Parts[0]
	d.ID, d.Text = "d-1", core.Plain(strings.TrimSpace(strings.Repeat("a long remark about the light ", 150)))
	first := r.deliver(d)
	d = again(d, newest)
	d.Text, d.Changed = core.Plain("short"), true
	a := r.other()
	got, err := a.Deliver(r.ctx(), d)
	if err != nil || !slices.Equal(got.Parts, first.Parts) || len(got.Parts) != 3 {
		t.Fatalf("%+v after %+v: %v", got, first, err)
	}
	d.Op, d.Target = core.OpEdit, got.Parts
	if got, err = a.Deliver(r.ctx(), d); err != nil || len(got.Parts) != 1 {
		t.Fatalf("%+v: %v", got, err)
	}
	if m := r.thread(thread); len(m) != 2 || m[1].Content != "short" {
		t.Fatalf("%+v", m)
	}
}

// TestOneReadingServesMany: a replica takes over what waited in a thread; some of it is there already.
func TestOneReadingServesMany(t *testing.T) {
	forum := roomID(discordsim.DemoGuildID, discordsim.DemoForum)
	for _, room := range []core.RoomID{studio, forum} {
		echo := &recorded{}
		r := newRig(t, rigOptions{idle: true, opts: func(o *Options) { o.Echo = echo }})
		var thread core.ThreadID
		if room == studio {
			_, thread = r.task()
		}
		ana := &core.Author{Name: "Ana", From: "slack"}
		of := func(n int) core.Delivery {
			d := core.Delivery{ID: core.DeliveryID(fmt.Sprint("d-", n)), Op: core.OpPost, Room: room, Thread: thread, Author: ana, Text: core.Plain("ok"), Since: time.Now()}
			if room == forum {
				d.Topic = "ok"
			}
			return d
		}
		newest := r.deliver(of(-1)).Parts[0]
		echo.add([]core.MessageID{newest})
		there := r.deliver(of(0)).Parts[0] // and nobody recorded it
		tried := time.Now()
		a := r.other()
		reads := func() int {
			n := 0
			for _, c := range r.sim.Calls("") {
				if c.Method == "GET" && (strings.Contains(c.Path, "/messages") || strings.HasSuffix(c.Path, "/threads/active")) {
					n++
				}
			}
			return n
		}
		before := reads()
		for n := range 50 {
			d := again(of(n), newest)
			d.Tried = tried
			got, err := a.Deliver(r.ctx(), d)
			if err != nil || len(got.Parts) != 1 || n == 0 && got.Parts[0] != there {
				t.Fatalf("%d: %+v, %v", n, got, err)
			}
			newest = got.Parts[0]
			echo.add(got.Parts)
		}
		if n := reads() - before; n > 4 {
			t.Errorf("%d reads in %s", n, room)
		}
		if thread != "" && len(r.thread(thread)) != 51 {
			t.Errorf("%d messages", len(r.thread(thread)))
		}
		// What this process tried since is not in that reading.
		r.fault(discordsim.Fault{Kind: "drop_after", Method: "POST", Path: "/webhooks/"})
		d := again(of(50), newest)
		d.Tried = tried
		if _, err := a.Deliver(r.ctx(), d); core.ErrorCode(err) != core.CodeUnknown {
			t.Fatal(err)
		}
		posts := r.posts("/webhooks/")
		got, err := a.Deliver(r.ctx(), again(of(50), newest))
		if err != nil || len(got.Parts) != 1 || r.posts("/webhooks/") != posts {
			t.Fatalf("%+v, %v", got, err)
		}
		echo.add(got.Parts)
		// Nor is what another one tried.
		there = r.deliver(of(51)).Parts[0]
		if got, err = a.Deliver(r.ctx(), again(of(51), got.Parts[0])); err != nil || !slices.Equal(got.Parts, []core.MessageID{there}) {
			t.Fatalf("%+v, %v", got, err)
		}
	}
}

// TestUnknownRoots does the same to root cards: threads on them, and forum posts, beside the card of another task.
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
				card := func(task string) core.Delivery {
					shown := *sampleCard()
					shown.Title = task + " · a lighthouse"
					d := core.Delivery{ID: core.DeliveryID("d-" + task), Op: core.OpPost, Room: c.room, Card: &shown, Files: []core.File{pngFile("blob1", "a.png")}, ThreadName: task + " fog", Since: time.Now()}
					if c.old {
						d.Since = time.Now().Add(-time.Hour)
					}
					return d
				}
				twin := r.deliver(card("ACME-11"))
				r.fault(discordsim.Fault{Kind: kind, Method: "POST", Path: c.path})
				d := card("ACME-1")
				if _, err := r.a.Deliver(r.ctx(), d); core.ErrorCode(err) != core.CodeUnknown && core.ErrorCode(err) != core.CodeRetry {
					t.Fatalf("first try: %v", err)
				}
				d = again(d, "")
				changed := *d.Card // the card has moved on since
				changed.Title = "ACME-1 · half done"
				d.Card, d.Changed = &changed, true
				got, err := r.other().Deliver(r.ctx(), d)
				if err != nil || len(got.Parts) != 1 || got.Thread == "" || got.Thread == twin.Thread {
					t.Fatalf("%+v beside %+v: %v", got, twin, err)
				}
				for _, th := range r.sim.Snapshot("", 100).Threads {
					if th.ID != string(got.Thread) && th.Name == "ACME-1 fog" {
						t.Errorf("a second thread: %s", th.ID)
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
