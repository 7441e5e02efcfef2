package slack

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/adapters/slack/slacksim"
	"github.com/atelier-bridge/atelier/core"
)

// other is the adapter of another replica: the same options, no memory.
func (r *rig) other() *Adapter {
	r.t.Helper()
	a, err := New(r.a.o)
	if err != nil {
		r.t.Fatal(err)
	}
	a.tune = r.a.tune
	r.t.Cleanup(a.Close)
	return a
}

func (r *rig) fault(f slacksim.Fault) {
	r.t.Helper()
	if err := r.Fault(f); err != nil {
		r.t.Fatal(err)
	}
}

func outcomes() []slacksim.Fault {
	return []slacksim.Fault{{Kind: "error_after"}, {Kind: "drop_after"}, {Kind: "undecodable", Mode: "cut"}, {Kind: "error_before"}, {Kind: "drop_before"}}
}

// TestUnknownOutcomesAreLookedUp breaks every call that makes something, with a twin of the message beside it, and has
// another replica go on.
func TestUnknownOutcomesAreLookedUp(t *testing.T) {
	long := core.RichText{core.Para(core.Text(strings.Repeat("one two ", 700))), core.Para(core.Text("end"))}
	ana := &core.Author{Name: "Ana", From: "discord"}
	pdf := fileOf("b9", "x.pdf", "application/pdf", []byte("%PDF-1.4"), 8)
	for _, c := range []struct {
		name, method string
		skip         int
		d            core.Delivery
		want         int
	}{
		{name: "root card", method: "chat.postMessage", d: core.Delivery{ThreadName: "ACME-1", Card: sampleCard()}, want: 1},
		{name: "comment", method: "chat.postMessage", d: core.Delivery{Text: core.Plain("ok"), Author: ana}, want: 1},
		{name: "second part", method: "chat.postMessage", skip: 1, d: core.Delivery{Text: long, Author: ana}, want: 2},
		{name: "file", method: "files.completeUploadExternal", d: core.Delivery{Text: core.Plain("ok"), Author: ana, Files: []core.File{pdf}}, want: 2},
		{name: "file alone", method: "files.completeUploadExternal", d: core.Delivery{Author: ana, Files: []core.File{pdf}}, want: 2},
		{name: "second file", method: "files.completeUploadExternal", skip: 1, d: core.Delivery{Text: core.Plain("ok"), Files: []core.File{pdf, fileOf("b8", "x.pdf", "application/pdf", []byte("%PDF-1.5"), 8)}}, want: 3},
		{name: "direct message", method: "chat.postMessage", d: core.Delivery{Op: core.OpDirect, To: identityID(team, ada), Text: core.Plain("ok")}, want: 1},
	} {
		for _, f := range outcomes() {
			t.Run(c.name+" "+f.Kind, func(t *testing.T) {
				t.Parallel()
				r := newRig(t, rigOptions{idle: true, change: func(o *slacksim.Options) { o.FileDelay = 150 * time.Millisecond }})
				d := c.d
				if d.Op == "" {
					d.Op, d.Room = core.OpPost, acmeRoom
				}
				if d.ThreadName == "" && d.Op == core.OpPost {
					d.Thread = core.ThreadID(r.card("d-root"))
				}
				d.Since = time.Now()
				twin := d
				twin.ID, d.ID = "d-twin", "d-it"
				first := r.deliver(twin)
				f.Method, f.Skip = c.method, c.skip
				r.fault(f)
				if _, err := r.a.Deliver(r.ctx, d); core.ErrorCode(err) != core.CodeUnknown {
					t.Fatal("first try:", err)
				}
				d.Attempt = 1
				a := r.other()
				method := "conversations.replies"
				if d.Thread == "" {
					method = "conversations.history"
				}
				// A look-up that fails is no answer: nothing is posted.
				for _, trouble := range []slacksim.Fault{{Kind: "error_before", Method: method}, {Kind: "undecodable", Method: method}, {Kind: "drop_after", Method: method}} {
					r.fault(trouble)
					if _, err := a.Deliver(r.ctx, d); core.ErrorCode(err) != core.CodeRetry {
						t.Fatal("with a failing look-up:", err)
					}
				}
				var got core.Receipt
				for range 5 { // a share that is still on its way is waited for
					var err error
					if got, err = a.Deliver(r.ctx, d); err == nil {
						break
					} else if core.ErrorCode(err) != core.CodeUnknown {
						t.Fatal(err)
					}
				}
				if len(got.Parts) != c.want {
					t.Fatalf("%+v beside %+v", got, first)
				}
				for n := range got.Parts {
					if got.Parts[n] == first.Parts[n] {
						t.Errorf("part %d is the twin's", n)
					}
				}
				if n := r.shownIn(d, got); n != 2*c.want {
					t.Errorf("%d messages, want %d", n, 2*c.want)
				}
			})
		}
	}
}

// TestOneReadingServesMany: a replica takes over what waited in a thread; some of it is there already.
func TestOneReadingServesMany(t *testing.T) {
	r := newRig(t, rigOptions{idle: true})
	root := r.card("d-root")
	of := func(n int) core.Delivery {
		return core.Delivery{ID: core.DeliveryID(fmt.Sprint("d-", n)), Op: core.OpPost, Room: acmeRoom, Thread: core.ThreadID(root), Author: &core.Author{Name: "Ana"}, Text: core.Plain("ok"), Since: time.Now()}
	}
	newest := r.deliver(of(-1)).Parts[0]
	there := r.deliver(of(0)).Parts[0] // and nobody recorded it
	tried := time.Now()
	a := r.other()
	before := len(r.Calls("conversations.replies"))
	for n := range 50 {
		d := of(n)
		d.Attempt, d.After, d.Tried = 1, newest, tried
		got, err := a.Deliver(r.ctx, d)
		if err != nil || len(got.Parts) != 1 || n == 0 && got.Parts[0] != there {
			t.Fatalf("%d: %+v, %v", n, got, err)
		}
		newest = got.Parts[0]
	}
	if n := len(r.Calls("conversations.replies")) - before; n > 2 || len(r.Thread(acme, root)) != 1+1+50 {
		t.Errorf("%d reads, %d messages", n, len(r.Thread(acme, root)))
	}
	// What this process tried since is not in that reading.
	r.fault(slacksim.Fault{Kind: "drop_after", Method: "chat.postMessage"})
	d := of(50)
	d.Attempt, d.After, d.Tried = 1, newest, tried
	if _, err := a.Deliver(r.ctx, d); core.ErrorCode(err) != core.CodeUnknown {
		t.Fatal(err)
	}
	d.Attempt, d.Tried = 2, time.Now()
	if got, err := a.Deliver(r.ctx, d); err != nil || len(got.Parts) != 1 || len(r.Thread(acme, root)) != 1+1+51 {
		t.Fatalf("%+v, %v: %d messages", got, err, len(r.Thread(acme, root)))
	}
	// Nor is what another one tried.
	d = of(51)
	there = r.deliver(d).Parts[0]
	d.Attempt, d.After, d.Tried = 1, newest, time.Now()
	if got, err := a.Deliver(r.ctx, d); err != nil || len(got.Parts) != 1 || got.Parts[0] != there {
		t.Fatalf("%+v, %v", got, err)
	}
}

// shownIn counts the messages where a delivery went.
func (r *rig) shownIn(d core.Delivery, got core.Receipt) int {
	n := 0
	switch {
	case d.Op == core.OpDirect:
		for _, c := range r.Snapshot(ada).Channels {
			if c.IsIM {
				n += len(c.Messages)
			}
		}
	case d.Thread == "":
		n = len(r.Messages(acme))
	default:
		for _, m := range r.Thread(acme, string(d.Thread)) {
			if m.TS != string(d.Thread) {
				n++
			}
		}
	}
	return n
}

// TestUnknownRepeats breaks what may be done twice: the next try simply does it again.
func TestUnknownRepeats(t *testing.T) {
	for _, c := range []struct {
		method string
		d      core.Delivery
	}{
		{"chat.update", core.Delivery{Op: core.OpEdit, Text: core.Plain("changed")}},
		{"chat.delete", core.Delivery{Op: core.OpDelete}},
		{"reactions.add", core.Delivery{Op: core.OpReact, Emoji: core.Emoji{Unicode: "👍"}}},
		{"reactions.remove", core.Delivery{Op: core.OpUnreact, Emoji: core.Emoji{Unicode: "👍"}}},
	} {
		for _, f := range outcomes() {
			t.Run(c.method+" "+f.Kind, func(t *testing.T) {
				t.Parallel()
				r := newRig(t, rigOptions{idle: true})
				root := r.card("d-root")
				d := c.d
				d.ID, d.Room, d.Thread = "d-1", acmeRoom, core.ThreadID(root)
				d.Target = r.deliver(core.Delivery{ID: "d-0", Op: core.OpPost, Room: acmeRoom, Thread: d.Thread, Text: core.Plain("said")}).Parts
				if d.Op == core.OpUnreact {
					on := d
					on.Op = core.OpReact
					r.deliver(on)
				}
				f.Method = c.method
				r.fault(f)
				if _, err := r.a.Deliver(r.ctx, d); core.ErrorCode(err) != core.CodeRetry {
					t.Fatal("first try:", err)
				}
				if _, err := r.other().Deliver(r.ctx, d); err != nil {
					t.Fatal(err)
				}
				msgs := r.Thread(acme, root)
				last := msgs[len(msgs)-1]
				switch {
				case d.Op == core.OpDelete && last.TS == root:
				case d.Op == core.OpEdit && last.Text == "changed":
				case d.Op == core.OpReact && len(last.Reactions) == 1 && len(last.Reactions[0].Users) == 1:
				case d.Op == core.OpUnreact && len(last.Reactions) == 0 && last.Text == "said":
				default:
					t.Errorf("%+v", last)
				}
			})
		}
	}
}

// TestReplyWithoutItsRootIsTakenBack: Slack puts a reply to a deleted thread into the channel; when the answer to that
// was lost, the look-up finds it there.
func TestReplyWithoutItsRootIsTakenBack(t *testing.T) {
	r := newRig(t, rigOptions{idle: true})
	root := r.card("d-root")
	r.deliver(core.Delivery{ID: "d-gone", Op: core.OpDelete, Room: acmeRoom, Target: []core.MessageID{core.MessageID(root)}})
	d := core.Delivery{ID: "d-1", Op: core.OpPost, Room: acmeRoom, Thread: core.ThreadID(root), Text: core.Plain("too late"), Since: time.Now()}
	r.fault(slacksim.Fault{Kind: "drop_after", Method: "chat.postMessage"})
	if _, err := r.a.Deliver(r.ctx, d); core.ErrorCode(err) != core.CodeUnknown || len(r.Messages(acme)) != 1 {
		t.Fatal(err, r.Messages(acme))
	}
	d.Attempt = 1
	if _, err := r.other().Deliver(r.ctx, d); core.ErrorCode(err) != core.CodeGone || len(r.Messages(acme)) != 0 {
		t.Fatal(err, r.Messages(acme))
	}
}

// again delivers as the relay does, until it is done.
func (r *rig) again(d core.Delivery) core.Receipt {
	r.t.Helper()
	d.Since = time.Now()
	for range 10 {
		rec, err := r.a.Deliver(r.ctx, d)
		for _, s := range []string{botToken, appToken, r.http.URL} {
			if err != nil && strings.Contains(err.Error(), s) {
				r.t.Fatalf("the error tells %q: %v", s, err)
			}
		}
		switch core.ErrorCode(err) {
		case "":
			return rec
		case core.CodeUnknown:
			d.Attempt++
		case core.CodeRetry:
			if w := core.RetryAfter(err); w > 0 {
				if err := (core.SystemClock{}).Sleep(r.ctx, w); err != nil {
					r.t.Fatal(err)
				}
			}
		default:
			r.t.Fatal(err)
		}
		d.Target = rec.Parts
	}
	r.t.Fatal("never delivered")
	return core.Receipt{}
}

func TestPostedExactlyOnce(t *testing.T) {
	for _, kind := range []string{"error_before", "error_after", "drop_before", "drop_after", "undecodable", "ratelimited"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, rigOptions{idle: true})
			root := r.card("d-root")
			long := core.RichText{core.Para(core.Text(strings.Repeat("one two ", 700))), core.Para(core.Text("end"))}
			for n, method := range []string{"chat.postMessage", "files.completeUploadExternal"} {
				if err := r.Fault(slacksim.Fault{Kind: kind, Method: method, Times: 2}); err != nil {
					t.Fatal(err)
				}
				before := len(r.Thread(acme, root))
				d := core.Delivery{ID: core.DeliveryID(fmt.Sprint("d-", n)), Op: core.OpPost, Room: acmeRoom, Thread: core.ThreadID(root), Text: long}
				want := 2
				if n == 1 {
					d.Files = []core.File{fileOf("b9", "x.pdf", "application/pdf", []byte("%PDF-1.4"), 8)}
					want = 3
				}
				rec := r.again(d)
				if got := len(r.Thread(acme, root)) - before; got != want || len(rec.Parts) != want {
					t.Fatalf("%s: %d messages, parts %v", method, got, rec.Parts)
				}
				r.ClearFaults()
			}
			if err := r.Fault(slacksim.Fault{Kind: kind, Method: "chat.postMessage"}); err != nil {
				t.Fatal(err)
			}
			r.again(core.Delivery{ID: "d-root2", Op: core.OpPost, Room: acmeRoom, ThreadName: "t", Card: sampleCard()})
			roots := 0
			for _, m := range r.Messages(acme) {
				if !m.IsReply() {
					roots++
				}
			}
			if roots != 2 {
				t.Fatal(roots)
			}
		})
	}
}
