package discord

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/adapters/discord/discordsim"
	"github.com/atelier-bridge/atelier/core"
)

func testSlash(t *testing.T, overHTTP bool) {
	r := newRig(t, rigOptions{http: overHTTP})
	r.register()
	res := r.act(discordsim.Action{As: discordsim.DemoLeo, Do: "command", Channel: discordsim.DemoStudio, Command: "atelier imagine", Options: map[string]any{"prompt": "a lighthouse --ar 3:2"}})
	if res.Response != answerDefer {
		t.Fatalf("response type %d", res.Response)
	}
	in := r.rec.wait(t, "command", ofKind(core.InboundCommand))
	c := in.Command
	if c.Surface != core.SurfaceSlash || c.Verb != "imagine" || c.Options["prompt"] != "a lighthouse --ar 3:2" || in.Room != studio || in.Private || in.RoomName != "studio" {
		t.Fatalf("inbound %+v, command %+v", in, c)
	}
	if in.Actor.Name != "Leo (design)" || in.Actor.Identity != identityID(discordsim.DemoLeo) || len(in.Actor.Roles) != 1 || in.Actor.Roles[0] != "discord:@"+discordsim.DemoEditors {
		t.Fatalf("actor %+v", in.Actor)
	}
	if in.Reply.Kind != core.ReplyDeferred || in.Reply.Token == "" {
		t.Fatalf("reply %v", in.Reply)
	}
	r.poll("acknowledgement noted", func() bool { r.rec.mu.Lock(); defer r.rec.mu.Unlock(); return r.rec.acked[in.ID] })
	card := core.Card{Body: core.Plain("On it.")}
	r.deliver(core.Delivery{ID: "d-answer", Op: core.OpAnswer, Room: studio, Reply: in.Reply, Card: &card})
	e := r.sim.Ephemerals(discordsim.DemoLeo)
	if len(e) != 1 || e[0].Content != "On it." || e[0].Thinking {
		t.Fatalf("ephemerals %+v", e)
	}
	if strings.Contains(r.logs.String(), in.Reply.Token) {
		t.Error("interaction token in the log")
	}
}

func TestSlashOverGateway(t *testing.T) { t.Parallel(); testSlash(t, false) }
func TestSlashOverHTTP(t *testing.T)    { t.Parallel(); testSlash(t, true) }

func TestPing(t *testing.T) {
	r := newRig(t, rigOptions{http: true, idle: true})
	if err := r.sim.Ping(r.ctx()); err != nil {
		t.Fatal(err)
	}
}

func TestStoreAwayIsTold(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	r.register()
	r.rec.mu.Lock()
	r.rec.fail = errStore
	r.rec.mu.Unlock()
	res := r.act(discordsim.Action{As: discordsim.DemoMaya, Do: "command", Channel: discordsim.DemoStudio, Command: "atelier status"})
	e := r.sim.Ephemerals(discordsim.DemoMaya)
	if res.Response != answerMessage || len(e) != 1 || e[0].Content != busyText {
		t.Fatalf("%+v %+v", res, e)
	}
}

func TestOptionsAndGroups(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	r.register()
	r.act(discordsim.Action{As: discordsim.DemoOwner, Do: "command", Channel: discordsim.DemoStudio, Command: "atelier-admin role grant", Options: map[string]any{"person": discordsim.DemoIris, "role": "editor"}})
	in := r.rec.wait(t, "role grant", ofKind(core.InboundCommand))
	if in.Command.Verb != "role grant" || in.Command.Options["person"] != "discord:"+discordsim.DemoIris {
		t.Fatalf("%+v", in.Command)
	}
	r.act(discordsim.Action{As: discordsim.DemoMaya, Do: "command", Channel: discordsim.DemoStudio, Command: "atelier attach", Files: []discordsim.FileUpload{{Name: "p.png", Field: "file", Data: pngBytes()}}})
	in = r.rec.wait(t, "attach", func(in core.Inbound) bool { return in.Command != nil && in.Command.Verb == "attach" })
	if len(in.Command.Files) != 1 || in.Command.Files[0].Name != "p.png" {
		t.Fatalf("files %+v", in.Command.Files)
	}
	r.checkFile(in.Command.Files[0], pngBytes())
	r.act(discordsim.Action{As: discordsim.DemoMaya, Do: "command", Channel: discordsim.DemoStudio, Command: "atelier-task show"})
	r.rec.wait(t, "task show", func(in core.Inbound) bool { return in.Command != nil && in.Command.Verb == "task show" })
}

func (r *rig) checkFile(f core.FileRef, want []byte) {
	r.t.Helper()
	body, err := r.a.Fetch(r.ctx(), studio, f)
	if err != nil {
		r.t.Fatal(err)
	}
	defer body.Close()
	got, err := io.ReadAll(body)
	if err != nil || !bytes.Equal(got, want) {
		r.t.Fatalf("fetched %d bytes, %v", len(got), err)
	}
}

func TestAutocomplete(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	r.register()
	var got core.Query
	r.rec.answers(func(q core.Query) (core.Card, error) {
		got = q
		return core.Card{Choices: []core.Choice{{Label: "Sketch", Value: "sketch"}}}, nil
	})
	res := r.act(discordsim.Action{As: discordsim.DemoMaya, Do: "autocomplete", Channel: discordsim.DemoStudio, Command: "atelier account link", Focused: "provider", Options: map[string]any{"provider": "sk"}})
	if len(res.Choices) != 1 || got.Verb != "account link" || got.Option != "provider" || got.Text != "sk" || got.Kind != core.QueryAutocomplete {
		t.Fatalf("%+v, query %+v", res, got)
	}
	if n := len(r.rec.kinds(core.InboundCommand)); n != 0 {
		t.Fatalf("%d inbounds stored", n)
	}
}

func TestCardThreadAndTalk(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	root, thread := r.task()
	var card discordsim.MessageView
	for _, m := range r.sim.Messages(discordsim.DemoStudio) {
		if m.ID == string(root) {
			card = m
		}
	}
	if !strings.Contains(card.Content, "ACME-1") || !strings.Contains(card.Content, "v1") || len(card.Embeds) != 1 || len(card.Components) != 2 || card.ThreadID != string(thread) {
		t.Fatalf("card %+v", card)
	}
	if d := card.Embeds[0]["description"]; d != "a lighthouse in the fog, snake_case stays --ar 3:2" {
		t.Fatalf("prompt %q", d)
	}
	// In: a reply with a mention and a file.
	said := r.act(discordsim.Action{As: discordsim.DemoMaya, Do: "say", Channel: string(thread), Text: "**love** it <@" + discordsim.DemoIris + ">", Files: []discordsim.FileUpload{{Name: "ref.png", Data: pngBytes()}}})
	in := r.rec.wait(t, "comment", ofKind(core.InboundMessage))
	if in.Room != studio || in.Thread != thread || in.ID != messageKey(string(thread), said.Message, "") || in.Message.Text.String() != "love it @Iris Amaro" {
		t.Fatalf("%+v %q", in, in.Message.Text.String())
	}
	if !strings.HasPrefix(in.Actor.Avatar, r.url+"/cdn/avatars/") || len(in.Message.Files) != 1 {
		t.Fatalf("actor %+v files %+v", in.Actor, in.Message.Files)
	}
	res, err := http.Get(in.Actor.Avatar)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("avatar: %v %v", res, err)
	}
	res.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	r.fault(discordsim.Fault{Kind: "expired_cdn"})
	r.checkFile(in.Message.Files[0], pngBytes())

	// Out: as somebody from Slack, with a file and alt text, mentioning one person and pretending to ping all.
	out := r.deliver(core.Delivery{ID: "d-c1", Op: core.OpPost, Room: studio, Thread: thread, Author: &core.Author{Name: "Ana", From: "slack", Avatar: r.url + "/cdn/avatars/1/x.png"},
		Text: core.RichText{core.Para(core.Text("@everyone see "), core.MentionNode(identityID(discordsim.DemoLeo), "Leo"))}, Files: []core.File{pngFile("b2", "in.png")}, ReplyTo: core.MessageID(said.Message)})
	msgs := r.thread(thread)
	m := msgs[len(msgs)-1]
	if m.Author != "Ana (Slack)" || m.WebhookID == "" || m.MentionEveryone || len(m.Mentions) != 1 || m.Mentions[0] != discordsim.DemoLeo || m.Avatar != r.url+"/cdn/avatars/1/x.png" {
		t.Fatalf("mirrored %+v", m)
	}
	if len(m.Attachments) != 1 || m.Attachments[0].Description != "a grey square" || out.Handles["b2"] != m.Attachments[0].ID {
		t.Fatalf("files %+v handles %v", m.Attachments, out.Handles)
	}
	if !strings.Contains(m.Content, "/"+said.Message+")") {
		t.Fatalf("no link to the answered message: %q", m.Content)
	}
	// Edit keeps the file, reaction comes and goes, deletion removes it.
	au := &core.Author{Name: "Ana", From: "slack"}
	r.deliver(core.Delivery{ID: "d-e1", Op: core.OpEdit, Room: studio, Thread: thread, Target: out.Parts, Author: au, Text: core.Plain("changed"), Files: []core.File{pngFile("b2", "in.png")}, Handles: out.Handles})
	msgs = r.thread(thread)
	if m = msgs[len(msgs)-1]; m.Content != "changed" || len(m.Attachments) != 1 || m.Attachments[0].ID != out.Handles["b2"] {
		t.Fatalf("edited %+v", m)
	}
	heart := core.Emoji{Unicode: "❤"}
	for range 2 {
		r.deliver(core.Delivery{ID: "d-r", Op: core.OpReact, Room: studio, Thread: thread, Target: out.Parts, Emoji: heart})
	}
	msgs = r.thread(thread)
	if m = msgs[len(msgs)-1]; len(m.Reactions) != 1 || m.Reactions[0].Emoji != "❤️" {
		t.Fatalf("reactions %+v", m.Reactions)
	}
	for range 2 {
		r.deliver(core.Delivery{ID: "d-u", Op: core.OpUnreact, Room: studio, Thread: thread, Target: out.Parts, Emoji: heart})
		r.deliver(core.Delivery{ID: "d-d", Op: core.OpDelete, Room: studio, Thread: thread, Target: out.Parts, Author: au})
	}
	if n := len(r.thread(thread)); n != 1 {
		t.Fatalf("%d messages left", n)
	}
	// In: edit, reaction, its removal, deletion. Nothing of ours came back as a comment.
	r.act(discordsim.Action{As: discordsim.DemoMaya, Do: "edit", Channel: string(thread), Message: said.Message, Text: "really love it"})
	if in := r.rec.wait(t, "edit", ofKind(core.InboundEdit)); in.Message.Text.String() != "really love it" || in.Message.EditedAt.IsZero() {
		t.Fatalf("%+v", in)
	}
	r.act(discordsim.Action{As: discordsim.DemoLeo, Do: "react", Channel: string(thread), Message: said.Message, Emoji: "👍"})
	if in := r.rec.wait(t, "reaction", ofKind(core.InboundReact)); in.Emoji.Unicode != "👍" || in.Emoji.Name != "+1" || in.Actor.Name != "Leo (design)" {
		t.Fatalf("%+v", in)
	}
	r.act(discordsim.Action{As: discordsim.DemoLeo, Do: "unreact", Channel: string(thread), Message: said.Message, Emoji: "👍"})
	r.rec.wait(t, "unreaction", ofKind(core.InboundUnreact))
	r.act(discordsim.Action{As: discordsim.DemoLeo, Do: "react", Channel: string(thread), Message: said.Message, Emoji: "👍"})
	r.poll("second reaction", func() bool { return len(r.rec.kinds(core.InboundReact)) == 2 })
	r.act(discordsim.Action{As: discordsim.DemoMaya, Do: "delete", Channel: string(thread), Message: said.Message})
	r.rec.wait(t, "deletion", func(in core.Inbound) bool {
		return in.Kind == core.InboundDelete && in.Message.ID == core.MessageID(said.Message)
	})
	if n := len(r.rec.kinds(core.InboundMessage)); n != 1 {
		t.Fatalf("%d messages came in, wanted 1", n)
	}
	for _, c := range r.sim.Calls("/") {
		if (c.Method == http.MethodPost || c.Method == http.MethodPatch) && strings.Contains(c.Path, "messages") && !strings.Contains(c.Path, "threads") && !strings.Contains(c.Body, `"allowed_mentions":{"parse":[]`) {
			t.Errorf("%s %s without allowed_mentions: %s", c.Method, c.Path, c.Body)
		}
	}
}

func TestCardEditKeepsPicture(t *testing.T) {
	r := newRig(t, rigOptions{idle: true})
	got := r.deliver(core.Delivery{ID: "d-root", Op: core.OpPost, Room: studio, Card: sampleCard(), Files: []core.File{pngFile("blob1", "ACME-1-v1.png")}, ThreadName: "x"})
	if got.Handles["blob1"] == "" {
		t.Fatalf("no handle: %+v", got)
	}
	card := sampleCard()
	card.Footer = "other"
	again := r.deliver(core.Delivery{ID: "d-edit", Op: core.OpEdit, Room: studio, Card: card, Files: []core.File{pngFile("blob1", "ACME-1-v1.png")}, Target: got.Parts, Handles: got.Handles})
	if again.Handles["blob1"] != got.Handles["blob1"] {
		t.Fatalf("handles %v", again.Handles)
	}
	m := r.sim.Messages(discordsim.DemoStudio)[0]
	img, _ := m.Embeds[0]["image"].(map[string]any)
	if link, _ := img["url"].(string); !strings.Contains(link, got.Handles["blob1"]) || len(m.Attachments) != 0 {
		t.Fatalf("embed %+v attachments %+v", m.Embeds, m.Attachments)
	}
	card.Images[0] = core.Image{Blob: "blob3", Name: "ACME-1-v2.png", Alt: "new", MIME: "image/png"}
	third := r.deliver(core.Delivery{ID: "d-edit2", Op: core.OpEdit, Room: studio, Card: card, Files: []core.File{pngFile("blob3", "ACME-1-v2.png")}, Target: got.Parts, Handles: again.Handles})
	if third.Handles["blob3"] == "" || third.Handles["blob1"] != "" {
		t.Fatalf("handles %v", third.Handles)
	}
}

func TestLongTextBecomesParts(t *testing.T) {
	r := newRig(t, rigOptions{idle: true})
	_, thread := r.task()
	au := &core.Author{Name: "Ana", From: "slack"}
	long := core.RichText{core.Para(core.Text(strings.Repeat("word ", 500))), core.Para(core.Text(strings.Repeat("more ", 300)))}
	d := core.Delivery{ID: "d-long", Op: core.OpPost, Room: studio, Thread: thread, Author: au, Text: long}
	got := r.deliver(d)
	if len(got.Parts) != 3 {
		t.Fatalf("%d parts", len(got.Parts))
	}
	e := core.Delivery{ID: "d-short", Op: core.OpEdit, Room: studio, Thread: thread, Author: au, Target: got.Parts, Text: core.Plain("short")}
	if got = r.deliver(e); len(got.Parts) != 1 || len(r.thread(thread)) != 1 {
		t.Fatalf("%+v, %d messages", got, len(r.thread(thread)))
	}
	e.ID, e.Target, e.Text = "d-longer", got.Parts, long
	if got = r.deliver(e); len(got.Parts) != 3 || len(r.thread(thread)) != 3 {
		t.Fatalf("%+v, %d messages", got, len(r.thread(thread)))
	}
}

func TestButtonModalMenu(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	r.register()
	root, thread := r.task()
	approve := core.Action{Verb: "approve", Task: "ACME-1", Ref: core.ImageRef{Version: 1}}
	res := r.act(discordsim.Action{As: discordsim.DemoMaya, Do: "press", Channel: discordsim.DemoStudio, Message: string(root), CustomID: approve.Encode()})
	if res.Response != answerUpdate {
		t.Fatalf("response %d", res.Response)
	}
	in := r.rec.wait(t, "press", ofKind(core.InboundPress))
	if in.Command.Action != approve || in.Reply.Kind != core.ReplyFollowup || in.Reply.Message != root {
		t.Fatalf("%+v", in)
	}
	next := core.Card{Body: core.Plain("Sure?"), Buttons: [][]core.Button{{{Label: "Confirm", Action: core.Action{Verb: "approve", Task: "ACME-1", Arg: "confirm"}}}}}
	r.deliver(core.Delivery{ID: "d-q", Op: core.OpAnswer, Room: studio, Reply: in.Reply, Card: &next})
	e := r.sim.Ephemerals(discordsim.DemoMaya)
	if len(e) != 1 || e[0].Content != "Sure?" {
		t.Fatalf("ephemerals %+v", e)
	}
	r.act(discordsim.Action{As: discordsim.DemoMaya, Do: "press", Channel: discordsim.DemoStudio, Message: e[0].ID, CustomID: next.Buttons[0][0].Action.Encode()})
	in = r.rec.wait(t, "private press", func(in core.Inbound) bool { return in.Kind == core.InboundPress && in.Reply.Kind == core.ReplyReplace })
	r.deliver(core.Delivery{ID: "d-a", Op: core.OpAnswer, Room: studio, Reply: in.Reply, Card: &core.Card{Body: core.Plain("Approved.")}})
	if e = r.sim.Ephemerals(discordsim.DemoMaya); len(e) != 1 || e[0].Content != "Approved." || len(e[0].Components) != 0 {
		t.Fatalf("replaced %+v", e)
	}

	changes := core.Action{Verb: "changes", Task: "ACME-1", Ref: core.ImageRef{Version: 1}, Modal: true}
	r.rec.answers(func(q core.Query) (core.Card, error) {
		return core.Card{Title: "Request changes", Action: q.Action, Inputs: []core.Input{
			{ID: "reason", Label: "What should change", Kind: core.InputText},
			{ID: "kind", Label: "Which", Kind: core.InputSelect, Value: "b", Choices: []core.Choice{{Label: "A", Value: "a"}, {Label: "B", Value: "b"}}}}}, nil
	})
	res = r.act(discordsim.Action{As: discordsim.DemoMaya, Do: "press", Channel: discordsim.DemoStudio, Message: string(root), CustomID: changes.Encode()})
	if res.Response != answerModal || res.Modal == nil || res.Modal.Title != "Request changes" {
		t.Fatalf("%+v", res)
	}
	res = r.act(discordsim.Action{As: discordsim.DemoMaya, Do: "submit", Fields: map[string]string{"reason": "warmer"}})
	in = r.rec.wait(t, "submit", ofKind(core.InboundSubmit))
	if res.Response != answerDefer || in.Command.Options["reason"] != "warmer" || in.Command.Options["kind"] != "b" || in.Command.Action.Verb != "changes" || in.Reply.Kind != core.ReplyDeferred {
		t.Fatalf("%+v %+v", res, in.Command)
	}

	grid := r.act(discordsim.Action{As: discordsim.MidjourneyApp, Do: "post_as_app", Channel: string(thread), Text: "**a boat** - <@" + discordsim.DemoMaya + "> (fast)",
		Files: []discordsim.FileUpload{{Name: "maya_a_boat_1f2e.png", Data: pngBytes()}}, Raw: []byte(`{"components":[{"type":1,"components":[{"type":2,"style":2,"label":"U1","custom_id":"MJ::JOB::upsample::1::1f2e"}]},{"type":99,"novelty":true}]}`)})
	r.act(discordsim.Action{As: discordsim.DemoMaya, Do: "menu", Channel: string(thread), Message: grid.Message, Command: "Attach to task"})
	in = r.rec.wait(t, "menu", func(in core.Inbound) bool { return in.Command != nil && in.Command.Surface == core.SurfaceMenu })
	tg := in.Command.Target
	if in.Command.Verb != "attach" || tg == nil || tg.AuthorApp != discordsim.MidjourneyApp || len(tg.CustomIDs) != 1 || !strings.HasPrefix(tg.Content, "**a boat**") || len(tg.Message.Files) != 1 || in.Thread != thread {
		t.Fatalf("%+v target %+v", in.Command, tg)
	}
	r.checkFile(tg.Message.Files[0], pngBytes())
	// A message with a component that nobody knows yet still arrives, marked as a bot's.
	bot := r.rec.wait(t, "bot's message", func(in core.Inbound) bool { return in.Kind == core.InboundMessage && in.Actor.Bot })
	if bot.Message.ID != core.MessageID(grid.Message) {
		t.Fatalf("%+v", bot)
	}
}

func TestMentionAndDirect(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	_, thread := r.task()
	said := r.act(discordsim.Action{As: discordsim.DemoMaya, Do: "say", Channel: string(thread), Text: "<@" + discordsim.DemoBotID + "> approve v1"})
	in := r.rec.wait(t, "mention", ofKind(core.InboundCommand))
	if in.Command.Surface != core.SurfaceMention || in.Command.Text != "approve v1" || in.Reply.Kind != core.ReplyMention {
		t.Fatalf("%+v", in)
	}
	r.deliver(core.Delivery{ID: "d-m", Op: core.OpAnswer, Room: studio, Thread: thread, Reply: in.Reply, To: in.Actor.Identity, Card: &core.Card{Title: "Two tasks", Body: core.RichText{core.Para(core.MentionNode(in.Actor.Identity, "Maya"), core.Text(" made ACME-1"))},
		Buttons: [][]core.Button{{{Label: "Next", Action: core.Action{Verb: "search", Arg: "x,5"}}}}}})
	msgs := r.thread(thread)
	last := msgs[len(msgs)-1]
	if last.Content != "Two tasks" || len(last.Embeds) != 1 || !strings.Contains(fmt.Sprint(last.Embeds[0]), "made ACME-1") || len(last.Components) != 1 || len(last.Mentions) != 0 || last.ReplyTo == nil || last.ReplyTo.ID != said.Message {
		t.Fatalf("%+v", last)
	}
	for id, verb := range map[core.DeliveryID]string{"d-p1": "usage", "d-p2": "quota list", "d-p3": ""} {
		for range 2 {
			r.deliver(core.Delivery{ID: id, Op: core.OpAnswer, Room: studio, Thread: thread, Reply: in.Reply, To: in.Actor.Identity, Card: &core.Card{Title: "Spent $4", Private: true, Verb: verb, Body: core.Plain("secret")}})
		}
		msgs := r.thread(thread)
		want := map[string]string{"usage": "Only you may see that: type /atelier usage, or write to me directly.", "quota list": "Only you may see that: type /atelier-admin quota list, or write to me directly."}[verb]
		if last := msgs[len(msgs)-1]; len(last.Embeds) != 0 || len(last.Components) != 0 || strings.Contains(last.Content, "Spent") || want != "" && last.Content != want {
			t.Fatalf("%+v", last)
		}
	}
	r.act(discordsim.Action{As: discordsim.DemoMaya, Do: "say", Channel: string(thread), Text: "<@" + discordsim.DemoBotID + "> you are nice"})
	r.rec.wait(t, "talk to the bot", ofKind(core.InboundMessage))
	dm := r.act(discordsim.Action{As: discordsim.DemoMaya, Do: "dm"})
	r.act(discordsim.Action{As: discordsim.DemoMaya, Do: "say", Channel: dm.Channel, Text: "jobs"})
	in = r.rec.wait(t, "direct", func(in core.Inbound) bool { return in.Command != nil && in.Command.Surface == core.SurfaceDirect })
	if in.Room != "" || in.Command.Text != "jobs" || in.Reply.Kind != core.ReplyInMessage {
		t.Fatalf("%+v", in)
	}
	for range 2 {
		r.deliver(core.Delivery{ID: "d-dm", Op: core.OpDirect, To: in.Actor.Identity, Text: core.Plain("Nothing waits.")})
	}
	if m := r.sim.Messages(dm.Channel); len(m) != 2 || m[1].Content != "Nothing waits." {
		t.Fatalf("%+v", m)
	}
}

func TestMaskedKey(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	_, thread := r.task()
	r.act(discordsim.Action{As: discordsim.DemoMaya, Do: "say", Channel: string(thread), Text: "use sk-abcdefghijklmnopqrstuvwx"})
	in := r.rec.wait(t, "masked", ofKind(core.InboundMessage))
	if !in.Message.Masked || strings.Contains(in.Message.Text.String(), "sk-abc") {
		t.Fatalf("%+v", in.Message)
	}
}

func TestPrivateRoom(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{})
	r.act(discordsim.Action{As: discordsim.DemoMaya, Do: "say", Channel: discordsim.DemoPrivate, Text: "hush"})
	if in := r.rec.wait(t, "private", ofKind(core.InboundMessage)); !in.Private || in.RoomName != "editors-only" {
		t.Fatalf("%+v", in)
	}
	info, err := r.a.Room(r.ctx(), roomID(discordsim.DemoGuildID, discordsim.DemoGeneral))
	if err != nil || info.Private || info.Name != "general" {
		t.Fatalf("%+v %v", info, err)
	}
	if _, err := r.a.Room(r.ctx(), roomID(discordsim.DemoGuildID, "42")); core.ErrorCode(err) != core.CodeNotFound {
		t.Fatalf("%v", err)
	}
}

func TestHistory(t *testing.T) {
	r := newRig(t, rigOptions{idle: true})
	_, thread := r.task()
	began := time.Now().Add(-time.Minute)
	for _, text := range []string{"one", "two", "three"} {
		r.act(discordsim.Action{As: discordsim.DemoMaya, Do: "say", Channel: string(thread), Text: text})
	}
	r.fault(discordsim.Fault{Kind: "unknown_component", Channel: string(thread)})
	r.deliver(core.Delivery{ID: "d-h", Op: core.OpPost, Room: studio, Thread: thread, Author: &core.Author{Name: "Ana", From: "slack"}, Text: core.Plain("mine")})
	first, err := r.a.Since(r.ctx(), studio, thread, "", began, 2)
	if err != nil || first.Complete {
		t.Fatalf("%+v %v", first, err)
	}
	more, err := r.a.Since(r.ctx(), studio, thread, first.Next, began, 50)
	if err != nil || !more.Complete {
		t.Fatalf("%+v %v", more, err)
	}
	var texts []string
	for _, past := range append(first.Messages, more.Messages...) {
		in := past.Inbound
		if in == nil {
			continue // ours
		}
		if !in.CatchUp || in.Thread != thread || in.Room != studio {
			t.Errorf("%+v", in)
		}
		texts = append(texts, in.Message.Text.String())
	}
	if got := strings.Join(texts, ","); got != "one,two,three,A message with something new" {
		t.Fatalf("%s", got)
	}
}

func TestDoctorAndRegister(t *testing.T) {
	r := newRig(t, rigOptions{idle: true})
	r.register()
	if changed, err := r.a.Register(r.ctx()); err != nil || changed {
		t.Fatalf("second registration: %v %v", changed, err)
	}
	for _, f := range r.a.Diagnose(r.ctx()) {
		if !f.OK {
			t.Errorf("%+v", f)
		}
	}
	bad := newRig(t, rigOptions{idle: true, opts: func(o *Options) { o.BotToken = core.NewSecret("wrong-token-value") }})
	f := bad.a.Diagnose(bad.ctx())
	if len(f) != 1 || f[0].OK || f[0].Fix == "" {
		t.Fatalf("%+v", f)
	}
}

// TestAnswerBeforeAcknowledgement lets the answer be on its way before Discord has the acknowledgement.
func TestAnswerBeforeAcknowledgement(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigOptions{http: true})
	r.register()
	done := make(chan error, 1)
	first := make(chan struct{})
	r.rec.mu.Lock()
	r.rec.stored = func(in core.Inbound) {
		if in.Kind != core.InboundCommand {
			return
		}
		go func() {
			_, err := r.a.Deliver(context.Background(), core.Delivery{ID: "d-early", Op: core.OpAnswer, Room: studio, Reply: in.Reply, Text: core.Plain("early")})
			done <- err
		}()
		go func() {
			defer close(first)
			r.poll("a refused answer", func() bool { return len(r.sim.Calls("/webhooks/"+discordsim.DemoBotID)) > 0 })
		}()
		<-first
	}
	r.rec.mu.Unlock()
	r.act(discordsim.Action{As: discordsim.DemoMaya, Do: "command", Channel: discordsim.DemoStudio, Command: "atelier status"})
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if e := r.sim.Ephemerals(discordsim.DemoMaya); len(e) != 1 || e[0].Content != "early" {
		t.Fatalf("%+v", e)
	}
}
