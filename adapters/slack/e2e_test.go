package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/adapters/slack/slacksim"
	"github.com/atelier-bridge/atelier/core"
)

// both runs a test over Socket Mode and over signed HTTP.
func both(t *testing.T, f func(t *testing.T, r *rig)) {
	t.Run("socket", func(t *testing.T) { f(t, newRig(t, rigOptions{})) })
	t.Run("http", func(t *testing.T) { f(t, newRig(t, rigOptions{http: true})) })
}

func TestCommandAndAnswer(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		if res := r.act(slacksim.Action{As: ada, Do: "command", Channel: acme, Command: "/atelier", Text: "role grant @ben admin"}); !res.OK {
			t.Fatal(res)
		}
		in := r.in.wait(t, core.InboundCommand, nil)
		if in.Command.Text != "role grant <@"+ben+"> admin" || in.Command.Mentions["<@"+ben+">"] != identityID(team, ben) || in.Command.Mentions["@ben"] != identityID(team, ben) {
			t.Fatalf("%+v", in.Command)
		}
		if in.Room != acmeRoom || in.RoomName != "acme-launch" || in.Private || in.Actor.Name != "Ada" || in.Actor.Avatar == "" || in.Reply.Kind != core.ReplyDeferred || in.V != core.InboundVersion {
			t.Fatalf("%+v", in)
		}
		r.in.until(t, "acknowledged", func() bool { return len(r.in.acked) == 1 && r.in.acked[0] == in.ID })
		r.deliver(core.Delivery{ID: "d-1", Op: core.OpAnswer, Room: in.Room, Reply: in.Reply, To: in.Actor.Identity, Card: &core.Card{Title: "Done", Body: core.Plain("Ben is admin")}})
		if e := r.Ephemerals(ada); len(e) != 1 || !strings.Contains(e[0].Text, "Ben is admin") {
			t.Fatalf("%+v", e)
		}
		if res := r.act(slacksim.Action{As: ada, Do: "command", Channel: secretRoom, Command: "/imagine", Text: "a <b> & hot::dog:: —ar 3:2"}); !res.OK {
			t.Fatal(res)
		}
		in = r.in.wait(t, core.InboundCommand, func(in core.Inbound) bool { return in.Command.Alias == "/imagine" })
		if in.Command.Text != "a <b> & hot::dog:: —ar 3:2" || !in.Private || in.RoomName != "" {
			t.Fatalf("%+v", in)
		}
		in.Reply.Token += "x"
		_, err := r.a.Deliver(r.ctx, core.Delivery{ID: "d-2", Op: core.OpAnswer, Reply: in.Reply, Text: core.Plain("x")})
		if core.ErrorCode(err) != core.CodeGone || strings.Contains(err.Error(), "hooks") {
			t.Fatal(err)
		}
	})
}

func TestTalkInAThread(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		root := r.card("d-root")
		ts := r.say(ben, acme, root, "*colder* light, <@"+ada+"> :+1: see <https://example.org/a>")
		in := r.in.wait(t, core.InboundMessage, nil)
		if in.ID != messageKey(team, acme, ts) || in.Thread != core.ThreadID(root) || in.Message.ID != core.MessageID(ts) || in.Actor.Name != "Ben" || in.Actor.Bot {
			t.Fatalf("%+v", in)
		}
		if got := in.Message.Text.String(); got != "colder light, @Ada 👍 see https://example.org/a" || in.Message.Text[0].Children[0].Kind != core.NodeBold {
			t.Fatalf("%q %+v", got, in.Message.Text)
		}
		for n, text := range []string{"first edit", "second edit"} { // both in one second, mostly
			r.act(slacksim.Action{As: ben, Do: "edit", Channel: acme, TS: ts, Text: text})
			in = r.in.wait(t, core.InboundEdit, func(in core.Inbound) bool { return in.Message.Text.String() == text })
			if in.Message.EditedAt.IsZero() || in.Thread != core.ThreadID(root) {
				t.Fatal(n, in)
			}
		}
		r.act(slacksim.Action{As: ada, Do: "react", Channel: acme, TS: ts, Emoji: "heart"})
		in = r.in.wait(t, core.InboundReact, nil)
		if in.Emoji.Key() != "❤" || in.Message.ID != core.MessageID(ts) {
			t.Fatalf("%+v", in)
		}
		r.act(slacksim.Action{As: ada, Do: "unreact", Channel: acme, TS: ts, Emoji: "heart"})
		r.in.wait(t, core.InboundUnreact, nil)
		r.act(slacksim.Action{As: ben, Do: "delete", Channel: acme, TS: ts})
		if in = r.in.wait(t, core.InboundDelete, nil); in.Message.ID != core.MessageID(ts) || in.Thread != core.ThreadID(root) {
			t.Fatalf("%+v", in)
		}
		// The card's own events, its replies' changes of it and unfurls said nothing.
		if n := r.in.count(); n != 6 {
			t.Fatalf("%d inbounds: %+v", n, r.in.list)
		}
	})
}

func TestMentionsAndDirectMessages(t *testing.T) {
	r := newRig(t, rigOptions{})
	root := r.card("d-root")
	r.say(ada, acme, root, "<@"+bot+"> role grant @ben admin")
	in := r.in.wait(t, core.InboundCommand, nil)
	if in.Command.Surface != core.SurfaceMention || in.Command.Text != "role grant <@"+ben+"> admin" || in.Command.Mentions["<@"+ben+">"] == "" || in.Reply.Kind != core.ReplyMention || in.Thread != core.ThreadID(root) {
		t.Fatalf("%+v %+v", in, in.Command)
	}
	r.deliver(core.Delivery{ID: "d-a", Op: core.OpAnswer, Room: in.Room, Thread: in.Thread, Reply: in.Reply, To: in.Actor.Identity, Text: core.Plain("only you")})
	if e := r.Ephemerals(ada); len(e) != 1 || e[0].ThreadTS != root {
		t.Fatalf("%+v", e)
	}
	r.say(ada, acme, root, "hello <@"+bot+"> you are great")
	in = r.in.wait(t, core.InboundMessage, nil)
	if !strings.HasPrefix(in.Message.Text.String(), "hello @") {
		t.Fatal(in.Message.Text)
	}
	r.say(ada, bot, "", "jobs")
	in = r.in.wait(t, core.InboundCommand, func(in core.Inbound) bool { return in.Command.Surface == core.SurfaceDirect })
	if in.Room != "" || in.Command.Text != "jobs" || in.Reply.Kind != core.ReplyInMessage {
		t.Fatalf("%+v", in)
	}
	rec := r.deliver(core.Delivery{ID: "d-b", Op: core.OpAnswer, Reply: in.Reply, To: in.Actor.Identity, Card: &core.Card{Body: core.Plain("no jobs"), Tone: core.ToneWarn}})
	r.deliver(core.Delivery{ID: "d-c", Op: core.OpDirect, To: in.Actor.Identity, Text: core.Plain("by the way")})
	if len(rec.Parts) != 1 {
		t.Fatal(rec)
	}
	r.say(ada, acme, root, "my key is sk-abcdefghijklmnopqrstuvwxyz123456")
	in = r.in.wait(t, core.InboundMessage, func(in core.Inbound) bool { return in.Message.Masked })
	if strings.Contains(in.Message.Text.String(), "sk-abc") {
		t.Fatal(in.Message.Text)
	}
}

func TestPressModalShortcut(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		root := r.card("d-root")
		press := func(label core.Action) slacksim.ActResult {
			return r.act(slacksim.Action{As: ada, Do: "press", Channel: acme, TS: root, ActionID: label.Encode()})
		}
		pick := core.Action{Verb: "pick", Task: "ACME-1", Ref: core.ImageRef{Version: 1, Image: 1}}
		if res := press(pick); !res.OK {
			t.Fatal(res)
		}
		in := r.in.wait(t, core.InboundPress, nil)
		if in.Command.Action != pick || in.Thread != core.ThreadID(root) || in.Reply.Kind != core.ReplyFollowup || in.Room != acmeRoom {
			t.Fatalf("%+v %+v", in, in.Command)
		}
		r.in.until(t, "acknowledged", func() bool { return len(r.in.acked) == 1 })
		again := core.Action{Verb: "approve", Task: "ACME-1", Arg: "confirm"}
		r.deliver(core.Delivery{ID: "d-q", Op: core.OpAnswer, Room: in.Room, Thread: in.Thread, Reply: in.Reply, To: in.Actor.Identity,
			Card: &core.Card{Body: core.Plain("Sure?"), Buttons: [][]core.Button{{{Label: "Confirm", Action: again}}}}})
		e := r.Ephemerals(ada)
		if len(e) != 1 {
			t.Fatal(e)
		}
		if res := r.act(slacksim.Action{As: ada, Do: "press", Channel: acme, TS: e[0].TS, ActionID: again.Encode()}); !res.OK {
			t.Fatal(res)
		}
		in = r.in.wait(t, core.InboundPress, func(in core.Inbound) bool { return in.Command.Action == again })
		if in.Reply.Kind != core.ReplyReplace {
			t.Fatal(in.Reply)
		}
		r.deliver(core.Delivery{ID: "d-r", Op: core.OpAnswer, Room: in.Room, Thread: in.Thread, Reply: in.Reply, To: in.Actor.Identity, Text: core.Plain("approved")})
		if e := r.Ephemerals(ada); len(e) != 1 || e[0].Text != "approved" {
			t.Fatalf("%+v", e)
		}
		if res := r.act(slacksim.Action{As: ada, Do: "press", Channel: acme, TS: root, ActionID: "link:1"}); !res.OK {
			t.Fatal(res)
		}

		r.in.mu.Lock()
		r.in.modal = core.Card{Title: "Changes v1", Submit: "Send", Action: core.Action{Verb: "changes", Task: "ACME-1", Ref: core.ImageRef{Version: 1}},
			Inputs: []core.Input{{ID: "reason", Label: "What should change", Kind: core.InputText, Max: 1000}, {ID: "how", Label: "How", Kind: core.InputSelect, Value: "b", Choices: []core.Choice{{Label: "A", Value: "a"}, {Label: "B", Value: "b"}}}}}
		r.in.mu.Unlock()
		before := r.in.count()
		res := press(core.Action{Verb: "changes", Task: "ACME-1", Ref: core.ImageRef{Version: 1}, Modal: true})
		if !res.OK || res.ViewID == "" || r.in.count() != before {
			t.Fatal(res, r.logs)
		}
		res = r.act(slacksim.Action{As: ada, Do: "submit", Values: map[string]map[string]any{"reason": {"v": "less fog"}}})
		if !res.OK || res.ViewID != "" {
			t.Fatal(res)
		}
		in = r.in.wait(t, core.InboundSubmit, nil)
		if in.Command.Options["reason"] != "less fog" || in.Command.Options["how"] != "b" || in.Command.Action.Verb != "changes" || in.Thread != core.ThreadID(root) || in.Room != acmeRoom || in.Reply.Kind != core.ReplyFollowup {
			t.Fatalf("%+v %+v", in, in.Command)
		}

		r.in.mu.Lock()
		r.in.answer = core.Errorf(core.CodeInvalid, "no such form")
		r.in.mu.Unlock()
		if res := press(core.Action{Verb: "changes", Task: "ACME-1", Ref: core.ImageRef{Version: 1}, Modal: true}); !res.OK || res.ViewID != "" {
			t.Fatal(res)
		}
		if e := r.Ephemerals(ada); len(e) != 2 || e[1].Text != "no such form" {
			t.Fatalf("%+v", e)
		}

		said := r.act(slacksim.Action{As: ben, Do: "say", Channel: acme, Text: "from outside", Files: []slacksim.FileUpload{{Name: "a.png", Data: picture(t)}}})
		if res := r.act(slacksim.Action{As: ada, Do: "shortcut", Channel: acme, TS: said.TS, CallbackID: "attach"}); !res.OK {
			t.Fatal(res)
		}
		in = r.in.wait(t, core.InboundCommand, nil)
		tg := in.Command.Target
		if in.Command.Verb != "attach" || in.Command.Surface != core.SurfaceMenu || tg == nil || len(tg.Message.Files) != 1 || tg.Message.Text.String() != "from outside" || tg.Author.Identity != identityID(team, ben) || in.Thread != "" {
			t.Fatalf("%+v", in)
		}
	})
}

func TestCommentLifecycle(t *testing.T) {
	r := newRig(t, rigOptions{})
	root := r.card("d-root")
	author := &core.Author{Name: "Zoë", Avatar: r.http.URL + "/files/avatars/x.png", From: "discord"}
	text := core.RichText{core.Para(core.Text("hi <!channel> @everyone "), core.MentionNode(identityID(team, ben), "Ben")), {Kind: core.NodePre, Text: "a < b"}}
	rec := r.deliver(core.Delivery{ID: "d-c1", Op: core.OpPost, Room: acmeRoom, Thread: core.ThreadID(root), Author: author, Text: text})
	m := r.Snapshot("").Message(acme, string(rec.Parts[0]))
	if m == nil || m.AuthorName != "Zoë (Discord)" || m.IconURL != author.Avatar || m.ThreadTS != root || !strings.Contains(m.Text, "&lt;!channel&gt;") || !strings.Contains(m.Text, "<@"+ben+">") {
		t.Fatalf("%+v", m)
	}
	long := core.RichText{core.Para(core.Text(strings.Repeat("word & ", 1500)))}
	rec2 := r.deliver(core.Delivery{ID: "d-c2", Op: core.OpEdit, Room: acmeRoom, Thread: core.ThreadID(root), Author: author, Text: long, Target: rec.Parts})
	if len(rec2.Parts) < 3 || rec2.Parts[0] != rec.Parts[0] {
		t.Fatal(rec2.Parts)
	}
	rec3 := r.deliver(core.Delivery{ID: "d-c3", Op: core.OpEdit, Room: acmeRoom, Thread: core.ThreadID(root), Text: core.Plain("short"), Target: rec2.Parts})
	if len(rec3.Parts) != 1 || len(r.Thread(acme, root)) != 2 {
		t.Fatal(rec3.Parts)
	}
	heart := core.Emoji{Name: "heart", Unicode: "❤️"}
	for range 2 {
		r.deliver(core.Delivery{ID: "d-r", Op: core.OpReact, Room: acmeRoom, Target: rec3.Parts, Emoji: heart})
	}
	if m := r.Thread(acme, root)[1]; len(m.Reactions) != 1 || m.Reactions[0].Name != "heart" {
		t.Fatalf("%+v", m.Reactions)
	}
	for range 2 {
		r.deliver(core.Delivery{ID: "d-u", Op: core.OpUnreact, Room: acmeRoom, Target: rec3.Parts, Emoji: heart})
	}
	for range 2 {
		r.deliver(core.Delivery{ID: "d-d", Op: core.OpDelete, Room: acmeRoom, Target: rec3.Parts})
	}
	if n := len(r.Thread(acme, root)); n != 1 {
		t.Fatal(n)
	}
	_, err := r.a.Deliver(r.ctx, core.Delivery{ID: "d-e", Op: core.OpEdit, Room: acmeRoom, Text: core.Plain("x"), Target: rec3.Parts})
	if core.ErrorCode(err) != core.CodeGone {
		t.Fatal(err)
	}
	r.act(slacksim.Action{As: ada, Do: "delete", Channel: acme, TS: root})
	_, err = r.a.Deliver(r.ctx, core.Delivery{ID: "d-late", Op: core.OpPost, Room: acmeRoom, Thread: core.ThreadID(root), Text: core.Plain("too late")})
	if core.ErrorCode(err) != core.CodeGone || len(r.Messages(acme)) != 0 {
		t.Fatal(err, r.Messages(acme))
	}
	if n := r.in.count(); n != 0 {
		t.Fatalf("own messages came back: %+v", r.in.list)
	}
}

func TestFilesOutAndIn(t *testing.T) {
	r := newRig(t, rigOptions{})
	data := picture(t)
	card := sampleCard()
	card.Images = []core.Image{{Blob: "b1", Name: "ACME-1-v1.png", Alt: "four pictures", MIME: "image/png"}}
	rec := r.deliver(core.Delivery{ID: "d-root", Op: core.OpPost, Room: acmeRoom, ThreadName: "x", Card: card, Files: []core.File{fileOf("b1", "ACME-1-v1.png", "image/png", data, 0)}})
	root := string(rec.Parts[0])
	if f, got, ok := r.FileData(rec.Handles["b1"]); !ok || string(got) != string(data) || f.AltText != "alt of ACME-1-v1.png" {
		t.Fatal(rec, f)
	}
	card.Footer = "changed"
	rec2 := r.deliver(core.Delivery{ID: "d-root2", Op: core.OpEdit, Room: acmeRoom, Card: card, Target: rec.Parts, Handles: rec.Handles, Files: []core.File{fileOf("b1", "ACME-1-v1.png", "image/png", data, 0)}})
	if rec2.Handles["b1"] != rec.Handles["b1"] || len(r.Calls("files.getUploadURLExternal")) != 1 {
		t.Fatal(rec2)
	}
	files := []core.File{fileOf("b1", "p.png", "image/png", data, int64(len(data))), fileOf("b2", "notes.pdf", "application/pdf", []byte("%PDF-1.4 x"), 10)}
	c := r.deliver(core.Delivery{ID: "d-c", Op: core.OpPost, Room: acmeRoom, Thread: core.ThreadID(root), Files: files, Author: &core.Author{Name: "Z", From: "discord"}})
	if len(c.Parts) != 2 {
		t.Fatal(c)
	}
	th := r.Thread(acme, root)
	if len(th) != 3 || !strings.Contains(string(th[1].Blocks), rec.Handles["b1"]) || len(th[2].FileIDs) != 1 || th[2].TS != string(c.Parts[1]) {
		t.Fatalf("%+v", th)
	}
	e := r.deliver(core.Delivery{ID: "d-c2", Op: core.OpEdit, Room: acmeRoom, Thread: core.ThreadID(root), Text: core.Plain("only words"), Target: c.Parts, Handles: c.Handles})
	if len(e.Parts) != 1 || len(r.Thread(acme, root)) != 2 {
		t.Fatal(e)
	}
	said := r.act(slacksim.Action{As: ben, Do: "say", Channel: acme, ThreadTS: root, Text: "mine", Files: []slacksim.FileUpload{{Name: "m.png", Data: data}}})
	in := r.in.wait(t, core.InboundMessage, nil)
	if in.Message.ID != core.MessageID(said.TS) || len(in.Message.Files) != 1 || in.Message.Files[0].MIME != "image/png" || in.Message.Files[0].Size != int64(len(data)) {
		t.Fatalf("%+v", in.Message)
	}
	for _, ref := range []core.FileRef{in.Message.Files[0], {ID: in.Message.Files[0].ID, Name: "m.png"}} {
		body, err := r.a.Fetch(r.ctx, acmeRoom, ref)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(body)
		body.Close()
		if err != nil || string(got) != string(data) {
			t.Fatal(err, len(got))
		}
	}
	if _, err := r.a.Fetch(r.ctx, acmeRoom, core.FileRef{ID: "F0", URL: "https://evil.example/x"}); core.ErrorCode(err) != core.CodeForbidden {
		t.Fatal(err)
	}
	r.SetScopes([]string{"chat:write"})
	short, cancel := context.WithTimeout(r.ctx, 5*time.Second)
	defer cancel()
	if _, err := r.a.Fetch(short, acmeRoom, in.Message.Files[0]); core.ErrorCode(err) != core.CodeForbidden {
		t.Fatal(err)
	}
}

func TestSocketTrouble(t *testing.T) {
	for _, f := range []slacksim.Fault{{Kind: "socket_drop"}, {Kind: "socket_silent"}, {Kind: "socket_disconnect"}, {Kind: "socket_disconnect", Mode: "warning"}} {
		t.Run(f.Kind+f.Mode, func(t *testing.T) {
			r := newRig(t, rigOptions{change: func(o *slacksim.Options) { o.AckTimeout = 300 * time.Millisecond }})
			opened := len(r.Calls("apps.connections.open"))
			if err := r.Fault(f); err != nil {
				t.Fatal(err)
			}
			var sent []string
			for n := range 20 {
				sent = append(sent, r.say(ada, acme, "", fmt.Sprint("message ", n)))
			}
			r.in.until(t, "all messages", func() bool {
				for _, ts := range sent {
					if !r.in.seen[messageKey(team, acme, ts)] {
						return false
					}
				}
				return true
			})
			r.until("new connections", func(*slacksim.Snapshot) bool {
				return len(r.Calls("apps.connections.open")) >= opened+2 && r.Connections() == 2
			})
		})
	}
}

func TestNotStoredIsNotAcknowledged(t *testing.T) {
	both(t, func(t *testing.T, r *rig) {
		r.in.mu.Lock()
		r.in.fail = errors.New("store away")
		r.in.mu.Unlock()
		short, cancel := context.WithTimeout(r.ctx, 10*time.Second)
		defer cancel()
		res, err := r.Act(short, slacksim.Action{As: ada, Do: "command", Channel: acme, Command: "/atelier", Text: "help"})
		if err != nil || !strings.Contains(string(res.Response), busyText) {
			t.Fatal(res, err) // people are told; Slack would not send it again
		}
		ts := r.say(ada, acme, "", "keep me")
		r.in.mu.Lock()
		r.in.fail = nil
		r.in.mu.Unlock()
		if r.app != nil {
			r.in.wait(t, core.InboundMessage, func(in core.Inbound) bool { return in.Message.ID == core.MessageID(ts) })
		}
		if len(r.in.acked) != 0 {
			t.Fatal(r.in.acked)
		}
	})
}

func TestOddThingsAreStoredOnce(t *testing.T) {
	r := newRig(t, rigOptions{})
	for _, f := range []slacksim.Fault{{Kind: "unknown_block", Channel: acme}, {Kind: "duplicate", Channel: acme, Mode: "new_event_id"}} {
		if err := r.Fault(f); err != nil {
			t.Fatal(err)
		}
	}
	ts := r.say(ada, acme, "", "with a strange block")
	r.say(ada, acme, "", "second")
	r.in.wait(t, core.InboundMessage, func(in core.Inbound) bool { return in.Message.Text.String() == "second" })
	in := r.in.wait(t, core.InboundMessage, func(in core.Inbound) bool { return in.Message.ID == core.MessageID(ts) })
	if in.Message.Text.String() != "with a strange block" || r.in.count() != 2 {
		t.Fatal(in.Message.Text, r.in.count())
	}
}

func TestHistory(t *testing.T) {
	r := newRig(t, rigOptions{idle: true})
	root := r.card("d-root")
	var want []string
	for n := range 7 {
		want = append(want, r.say(ada, acme, root, fmt.Sprint("reply ", n)))
	}
	r.act(slacksim.Action{As: ada, Do: "edit", Channel: acme, TS: want[2], Text: "edited"})
	r.say(ada, acme, root, "<@"+bot+"> approve v1")
	r.deliver(core.Delivery{ID: "d-own", Op: core.OpPost, Room: acmeRoom, Thread: core.ThreadID(root), Text: core.Plain("ours")})
	r.act(slacksim.Action{As: ben, Do: "react", Channel: acme, TS: want[1], Emoji: "eyes"})
	var got []string
	cursor := core.MessageID(root)
	for complete := false; !complete; {
		page, err := r.a.Since(r.ctx, acmeRoom, core.ThreadID(root), cursor, time.Time{}, 3)
		if err != nil {
			t.Fatal(err)
		}
		cursor, complete = page.Next, page.Complete
		for _, m := range page.Messages {
			if (m.ID == core.MessageID(want[1])) != (len(m.Reactions) == 1 && len(m.Reactions[0].By) == 1) {
				t.Fatalf("%+v", m)
			}
			in := m.Inbound
			if in == nil {
				continue // ours, or a command
			}
			if !in.CatchUp || in.Actor.Name != "Ada" || in.Thread != core.ThreadID(root) || (in.Kind == core.InboundEdit) != (in.Message.Text.String() == "edited") {
				t.Fatalf("%+v", in)
			}
			got = append(got, string(in.Message.ID))
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatal(got, want)
	}
	who, err := r.a.Reactors(r.ctx, acmeRoom, core.ThreadID(root), core.MessageID(want[1]), core.Emoji{Name: "eyes", Unicode: "👀"})
	if err != nil || len(who) != 1 || who[0] != identityID(team, ben) {
		t.Fatal(who, err)
	}
	top := r.say(ben, acme, "", "in the channel")
	page, err := r.a.Since(r.ctx, acmeRoom, "", "", time.Now().Add(-time.Hour), 10)
	if err != nil || !page.Complete || len(page.Messages) != 2 || page.Next != core.MessageID(top) || page.Messages[1].Inbound == nil {
		t.Fatalf("%+v %v", page, err)
	}
	info, err := r.a.Room(r.ctx, roomID(team, secretRoom))
	if err != nil || info.Name != "acme-private" || !info.Private {
		t.Fatal(info, err)
	}
	if _, err := r.a.Room(r.ctx, roomID(team, "C404")); core.ErrorCode(err) != core.CodeNotFound {
		t.Fatal(err)
	}
	if got := r.a.Link(acmeRoom, core.ThreadID(root), core.MessageID(want[0])); !strings.HasPrefix(got, "https://northlight.slack.com/archives/"+acme+"/p") || !strings.Contains(got, "thread_ts="+root) {
		t.Fatal(got)
	}
}

func TestDiagnoseAndFatal(t *testing.T) {
	r := newRig(t, rigOptions{idle: true})
	for _, f := range r.a.Diagnose(r.ctx) {
		if !f.OK || f.Fix != "" {
			t.Fatalf("%+v", f)
		}
	}
	r.SetScopes([]string{"chat:write"})
	raw, _ := json.Marshal(r.a.Diagnose(r.ctx))
	if !strings.Contains(string(raw), "files:write") || !strings.Contains(string(raw), "direct messages") {
		t.Fatal(string(raw))
	}
	r.SetScopes(nil)
	if err := r.Fault(slacksim.Fault{Kind: "invalid_auth", Method: "apps.connections.open", Times: -1}); err != nil {
		t.Fatal(err)
	}
	if err := r.a.Run(r.ctx, r.in); core.ErrorCode(err) != core.CodeFatal {
		t.Fatal(err)
	}
}
