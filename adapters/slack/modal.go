package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
)

// fromInteraction reads a press, a submitted modal or a message shortcut.
func (a *Adapter) fromInteraction(ctx context.Context, p *app, it *interaction) (taken, error) {
	team := firstOf(it.Team.ID, it.User.TeamID)
	if it.Type == "" || team == "" || it.User.ID == "" {
		return taken{}, fmt.Errorf("slack: incomplete interaction")
	}
	i, err := a.within(ctx, p, team)
	if err != nil {
		return taken{}, err
	}
	switch it.Type {
	case "block_actions":
		return a.press(ctx, i, team, it)
	case "view_submission":
		return a.submission(ctx, i, team, it)
	case "message_action":
		return a.shortcut(ctx, i, team, it)
	}
	return taken{}, nil // view_closed and whatever else asks for nothing
}

// modalAsk is a press that opens a modal.
type modalAsk struct {
	i       *installation
	trigger string
	query   core.Query
	reply   core.ReplyHandle
}

// linkPrefix begins the action ids of buttons that only open a URL.
const linkPrefix = "link:"

func (a *Adapter) press(ctx context.Context, i *installation, team string, it *interaction) (taken, error) {
	if len(it.Actions) == 0 || it.TriggerID == "" {
		return taken{}, fmt.Errorf("slack: press without an action")
	}
	act := it.Actions[0]
	if act.URL != "" || strings.HasPrefix(act.ActionID, linkPrefix) {
		return taken{}, nil
	}
	action, err := core.ParseAction(act.ActionID)
	if err != nil {
		// The person is told by whoever parses it: no verb has this name.
		action = core.Action{Verb: "unknown-button"}
	}
	ts := firstOf(string(it.Container.MessageTS), tsOf(it.Message))
	thread := string(it.Container.ThreadTS)
	if thread == "" && it.Message != nil {
		thread = string(it.Message.ThreadTS)
	}
	kind := core.ReplyFollowup
	if it.Container.IsEphemeral {
		kind = core.ReplyReplace
	}
	in := &core.Inbound{ID: core.InboundID("slack-press-" + it.TriggerID), Kind: core.InboundPress, At: a.o.Clock.Now().UTC(),
		Actor: i.actor(ctx, team, it.User.ID, firstOf(it.User.Username, it.User.Name)), Command: &core.Command{Surface: core.SurfaceButton, Action: action},
		Reply: a.replyVia(kind, it.ResponseURL, it.TriggerID, ts)}
	if it.Container.Type == "view" && it.ResponseURL == "" {
		// The App Home: it is filled anew, or answered beside it.
		in.Reply = core.ReplyHandle{Kind: core.ReplyInMessage}
		if action.Verb == homeVerb {
			in.Reply.Kind = core.ReplyHome
		}
	}
	a.placeByName(in, i, team, firstOf(it.Channel.ID, it.Container.ChannelID), it.Channel.Name)
	in.Thread = core.ThreadID(thread)
	if in.Thread == "" && !it.Container.IsEphemeral && in.Room != "" {
		in.Thread = core.ThreadID(ts) // a root without replies names no thread, but it is one
	}
	if action.Modal {
		q := core.Query{Kind: core.QueryModal, Actor: in.Actor, Room: in.Room, Thread: in.Thread, Action: action}
		return taken{modal: &modalAsk{i: i, trigger: it.TriggerID, query: q, reply: in.Reply}}, nil
	}
	return taken{in: in}, nil
}

func (a *Adapter) shortcut(ctx context.Context, i *installation, team string, it *interaction) (taken, error) {
	if it.Message == nil || it.CallbackID == "" || it.TriggerID == "" {
		return taken{}, fmt.Errorf("slack: incomplete shortcut")
	}
	m := it.Message
	s := scope{a: a, i: i, team: team}
	s.self, _ = i.identity()
	ts := firstOf(string(m.TS), string(it.MessageTS))
	m.TS = scalar(ts)
	author := i.author(ctx, team, m)
	body := s.body(ctx, m, parseMessage(m, team))
	body.Author = author
	content, _ := core.MaskCredentials(m.Text)
	target := &core.MenuTarget{Message: *body, Author: author, AuthorApp: m.appID(), Content: content, CustomIDs: buttonIDs(m.Blocks)}
	in := &core.Inbound{ID: core.InboundID("slack-menu-" + it.TriggerID), Kind: core.InboundCommand, At: a.o.Clock.Now().UTC(),
		Actor:   i.actor(ctx, team, it.User.ID, firstOf(it.User.Username, it.User.Name)),
		Command: &core.Command{Surface: core.SurfaceMenu, Verb: it.CallbackID, Target: target}, Reply: a.replyVia(core.ReplyFollowup, it.ResponseURL, it.TriggerID, ts)}
	a.placeByName(in, i, team, it.Channel.ID, it.Channel.Name)
	in.Thread = core.ThreadID(m.ThreadTS)
	if in.Thread == "" && s.self.ours(m) {
		in.Thread = core.ThreadID(ts)
	}
	if row, ok := a.o.Table.Row(it.CallbackID); ok && row.Ack == command.AckModal {
		q := core.Query{Kind: core.QueryModal, Actor: in.Actor, Room: in.Room, Thread: in.Thread, Action: core.Action{Verb: row.Verb}, Verb: row.Verb, Target: target}
		return taken{modal: &modalAsk{i: i, trigger: it.TriggerID, query: q, reply: in.Reply}}, nil
	}
	return taken{in: in}, nil
}

// origin is what a modal carries of the press that opened it.
type origin struct {
	V       int            `json:"v"`
	Room    core.RoomID    `json:"room,omitempty"`
	Thread  core.ThreadID  `json:"thread,omitempty"`
	Kind    core.ReplyKind `json:"kind,omitempty"`
	URL     string         `json:"url,omitempty"`
	Until   int64          `json:"until,omitempty"`
	Message core.MessageID `json:"message,omitempty"`
}

func (a *Adapter) submission(ctx context.Context, i *installation, team string, it *interaction) (taken, error) {
	action, err := core.ParseAction(it.View.CallbackID)
	if err != nil {
		action = core.Action{Verb: "unknown-button"}
	}
	var from origin
	if it.View.Metadata != "" {
		if err := json.Unmarshal([]byte(it.View.Metadata), &from); err != nil {
			return taken{}, fmt.Errorf("slack: modal without its origin: %w", err)
		}
	}
	c := &core.Command{Surface: core.SurfaceModal, Action: action, Options: map[string]string{}}
	for block, inputs := range it.View.State.Values {
		for _, st := range inputs {
			if v := firstOf(st.Value, st.Selected.Value); v != "" {
				c.Option(block, strings.TrimSpace(v))
			}
		}
	}
	in := &core.Inbound{ID: core.InboundID("slack-submit-" + firstOf(it.TriggerID, it.View.ID+"-"+it.View.Hash)), Kind: core.InboundSubmit, At: a.o.Clock.Now().UTC(),
		Actor: i.actor(ctx, team, it.User.ID, firstOf(it.User.Username, it.User.Name)), Room: from.Room, Thread: from.Thread,
		Command: c}
	if from.URL != "" {
		in.Reply = core.ReplyHandle{Kind: from.Kind, Token: from.URL, Expires: time.Unix(from.Until, 0).UTC(), Message: from.Message, Trigger: it.TriggerID}
	}
	return taken{in: in, ack: map[string]string{"response_action": "clear"}}, nil
}

// modalTimeout keeps the opening inside the three seconds that a trigger lives.
const modalTimeout = 2 * time.Second

// openModal asks what to show and opens it. Nothing is stored: the submission is what counts. A failure is told to
// the person who pressed.
func (a *Adapter) openModal(ctx context.Context, r core.Receiver, m *modalAsk) {
	ctx, cancel := context.WithTimeout(ctx, modalTimeout)
	defer cancel()
	card, err := r.Answer(ctx, m.query)
	if err == nil {
		err = a.showModal(ctx, m, card)
	}
	if err == nil {
		return
	}
	a.o.Log.WarnContext(ctx, "slack modal not opened", "verb", m.query.Action.Verb, "error", err)
	if m.reply.Kind == core.ReplyNone {
		return
	}
	say, cancelSay := context.WithTimeout(context.WithoutCancel(ctx), modalTimeout)
	defer cancelSay()
	d := core.Delivery{Op: core.OpAnswer, Thread: m.query.Thread, Reply: core.ReplyHandle{Kind: core.ReplyFollowup, Token: m.reply.Token, Message: m.reply.Message}}
	if err := a.respond(say, d, content{text: a.reader(m.query.Actor, card).Error(err)}); err != nil {
		a.o.Log.WarnContext(say, "slack answer not sent", "error", err)
	}
}

func (a *Adapter) showModal(ctx context.Context, m *modalAsk, card core.Card) error {
	meta, err := marshal(origin{V: 1, Room: m.query.Room, Thread: m.query.Thread, Kind: m.reply.Kind, URL: m.reply.Token, Until: m.reply.Expires.Unix(), Message: m.reply.Message})
	if err != nil {
		return err
	}
	view := modalView(a.reader(m.query.Actor, card), card, meta)
	// No place in a rate limit is waited for: the trigger would be dead.
	_, err = m.i.api.OpenViewContext(ctx, m.trigger, view)
	return classify(fromLibrary("views.open", err), false)
}

// Limits of modals; https://docs.slack.dev/reference/views/modal-views
const (
	maxModalTitle = 24
	maxInputText  = 3000
	maxLabel      = 2000
	maxHint       = 150
	maxOptionText = 75
	maxOptions    = 100
	inputAction   = "v"
)

// modalView renders a card as a modal; each input's block id is the option's name.
func modalView(l core.Lang, card core.Card, meta string) slackgo.ModalViewRequest {
	blocks := []slackgo.Block{}
	if el := richElements(card.Body, ""); len(el) > 0 {
		blocks = append(blocks, slackgo.NewRichTextBlock("body", el...))
	}
	for _, in := range card.Inputs {
		b := slackgo.NewInputBlock(in.ID, plainText(clip(firstOf(in.Label, in.ID), maxLabel)), nil, inputElement(in))
		b.Optional = !in.Required
		if in.Hint != "" {
			b.Hint = plainText(clip(in.Hint, maxLabel))
		}
		blocks = append(blocks, b)
	}
	return slackgo.ModalViewRequest{Type: slackgo.VTModal, Title: plainText(clip(firstOf(card.Title, "Atelier"), maxModalTitle)), Submit: plainText(clip(firstOf(card.Submit, l.T("Send")), maxModalTitle)),
		Close: plainText(l.T("Cancel")), CallbackID: card.Action.Encode(), PrivateMetadata: meta, Blocks: slackgo.Blocks{BlockSet: blocks}}
}

func inputElement(in core.Input) slackgo.BlockElement {
	var hint *slackgo.TextBlockObject
	if in.Placeholder != "" {
		hint = plainText(clip(in.Placeholder, maxHint))
	}
	if in.Kind == core.InputSelect && len(in.Choices) > 0 {
		var options []*slackgo.OptionBlockObject
		sel := slackgo.NewOptionsSelectBlockElement(slackgo.OptTypeStatic, hint, inputAction)
		for _, c := range in.Choices[:min(len(in.Choices), maxOptions)] {
			o := slackgo.NewOptionBlockObject(c.Value, plainText(clip(firstOf(c.Label, c.Value), maxOptionText)), nil)
			options = append(options, o)
			if c.Value == in.Value {
				sel.InitialOption = o
			}
		}
		sel.Options = options
		return sel
	}
	t := slackgo.NewPlainTextInputBlockElement(hint, inputAction)
	t.Multiline, t.MaxLength, t.InitialValue = in.Kind == core.InputText, maxInputText, clip(in.Value, maxInputText)
	if in.Max > 0 {
		t.MaxLength = min(in.Max, maxInputText)
	}
	return t
}

func plainText(s string) *slackgo.TextBlockObject {
	return slackgo.NewTextBlockObject(slackgo.PlainTextType, s, true, false)
}
