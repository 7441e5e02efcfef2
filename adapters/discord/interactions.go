package discord

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
)

// Interaction types and types of answers. https://docs.discord.com/developers/interactions/receiving-and-responding
const (
	interPing         = 1
	interCommand      = 2
	interComponent    = 3
	interAutocomplete = 4
	interModal        = 5

	answerPong     = 1
	answerMessage  = 4
	answerDefer    = 5
	answerUpdate   = 6
	answerChoices  = 8
	answerModal    = 9
	commandChat    = 1
	commandMessage = 3

	// tokenLife is how long an interaction's token answers.
	tokenLife = 15 * time.Minute
	// ackWithin leaves room inside Discord's three seconds.
	ackWithin = 2500 * time.Millisecond
)

const busyText = "Atelier cannot take this right now, try again in a moment."

// lang is how to speak to whoever acted, before anything is stored.
func (a *Adapter) lang(locale string) core.Lang {
	return core.Lang{Translator: a.o.Translator, Locale: core.Locale(locale)}
}

// reply is the first answer to an interaction, in Discord's form.
type reply struct {
	Type int `json:"type"`
	Data any `json:"data,omitempty"`
}

type replyData struct {
	Flags      int       `json:"flags,omitempty"`
	Content    string    `json:"content,omitempty"`
	Components any       `json:"components,omitempty"`
	Mentions   *mentions `json:"allowed_mentions,omitempty"`
	Choices    *[]choice `json:"choices,omitempty"`
	CustomID   string    `json:"custom_id,omitempty"`
	Title      string    `json:"title,omitempty"`
}

type choice struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func privately(text string) reply {
	return reply{Type: answerMessage, Data: replyData{Flags: flagEphemeral, Content: clip(text, maxContent), Mentions: silent()}}
}

// interactionEvent answers an interaction that came over the gateway through the callback endpoint.
func (a *Adapter) interactionEvent(ctx context.Context, r core.Receiver, data json.RawMessage) {
	actx, cancel := context.WithTimeout(ctx, ackWithin)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			a.log.ErrorContext(ctx, "interaction handler panicked", "panic", p)
		}
	}()
	var in wireInteraction
	if err := json.Unmarshal(data, &in); err != nil || !isSnowflake(in.ID) || in.Token == "" {
		a.storeUnreadable(actx, r, data, err)
		return
	}
	if in.Type == interPing {
		return
	}
	first, stored := a.react(actx, r, &in)
	c := call{method: http.MethodPost, route: "POST interactions/callback", path: "interactions/" + in.ID + "/" + in.Token + "/callback", body: first, exempt: true, eff: repeatable}
	if err := a.rest.do(actx, c, nil); err != nil {
		a.log.WarnContext(ctx, "interaction not acknowledged", "interaction", in.ID, "type", in.Type, "error", err)
		return
	}
	a.acknowledged(ctx, r, stored)
}

func (a *Adapter) acknowledged(ctx context.Context, r core.Receiver, stored *core.Inbound) {
	if stored == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ackWithin)
	defer cancel()
	r.Acknowledged(ctx, stored.ID, stored.Room, stored.Actor.Identity)
}

func (a *Adapter) storeUnreadable(ctx context.Context, r core.Receiver, data []byte, err error) {
	if err == nil {
		err = errors.New("interaction without id or token")
	}
	in := unreadableInbound("discord-unreadable-"+core.Digest(24, string(data)), a.now(), data, err)
	if err := r.Receive(ctx, in); err != nil {
		a.log.WarnContext(ctx, "unreadable interaction not stored", "error", err)
	}
}

// react decides on the first answer. stored is the inbound that was kept, nil for what only reads.
func (a *Adapter) react(ctx context.Context, r core.Receiver, in *wireInteraction) (first reply, stored *core.Inbound) {
	base, err := a.base(ctx, in)
	if err != nil {
		a.log.WarnContext(ctx, "interaction's channel unknown", "interaction", in.ID, "error", err)
		return privately(a.lang(in.Locale).T(busyText)), nil
	}
	switch in.Type {
	case interAutocomplete:
		return a.complete(ctx, r, in, base), nil
	case interCommand:
		return a.command(ctx, r, in, base)
	case interComponent:
		return a.press(ctx, r, in, base)
	case interModal:
		return a.submit(ctx, r, in, base)
	}
	a.storeUnreadable(ctx, r, []byte(`{"type":`+string(rune('0'+min(in.Type, 9)))+`}`), errors.New("interaction of an unknown type"))
	return privately(a.lang(in.Locale).T("This Discord feature is not known to Atelier yet.")), nil
}

// base is what all inbounds of interactions share.
func (a *Adapter) base(ctx context.Context, in *wireInteraction) (core.Inbound, error) {
	out := core.Inbound{V: core.InboundVersion, ID: core.InboundID("discord-int-" + in.ID), At: snowflakeTime(in.ID)}
	out.Actor = a.actor(in.who(), in.Member, in.GuildID)
	out.Actor.Locale = core.Locale(in.Locale)
	out.Reply = core.ReplyHandle{Token: in.Token, Expires: out.At.Add(tokenLife)}
	if in.Message != nil {
		out.Reply.Message = core.MessageID(in.Message.ID)
	}
	if in.GuildID == "" {
		return out, nil
	}
	if c := in.Channel; c != nil && c.ID != "" {
		// The event describes its channel: no need to ask, except for what it leaves out.
		if _, known := a.world.get(c.ID); !known && c.isThread() && c.ParentID != "" {
			c.GuildID = in.GuildID
			a.world.put(*c)
		}
	}
	room, thread, p, err := a.locate(ctx, in.ChannelID, in.GuildID)
	if err != nil {
		return out, err
	}
	out.Room, out.Thread, out.RoomName, out.Private = room, thread, p.Name, a.world.private(in.ChannelID)
	return out, nil
}

// keep stores an inbound before it is acknowledged; when that fails the person is told to try again.
func (a *Adapter) keep(ctx context.Context, r core.Receiver, in core.Inbound, ok reply) (reply, *core.Inbound) {
	if err := r.Receive(ctx, in); err != nil {
		a.log.WarnContext(ctx, "interaction not stored", "inbound", in.ID, "error", err)
		return privately(a.lang(string(in.Actor.Locale)).T(busyText)), nil
	}
	return ok, &in
}

var deferPrivately = reply{Type: answerDefer, Data: replyData{Flags: flagEphemeral}}

func (a *Adapter) command(ctx context.Context, r core.Receiver, in *wireInteraction, base core.Inbound) (reply, *core.Inbound) {
	row, c, ok := a.parseCommand(in)
	if !ok {
		return privately(a.lang(in.Locale).T("This command is from another version of Atelier. Try again in a minute; Discord may still show the old ones.")), nil
	}
	if row.Ack == command.AckModal {
		return a.modal(ctx, r, core.Query{Kind: core.QueryModal, Actor: base.Actor, Room: base.Room, Thread: base.Thread, Verb: row.Verb,
			Action: core.Action{Verb: row.Verb, Modal: true}, Target: c.Target, Options: c.Options}), nil
	}
	base.Kind, base.Command, base.Reply.Kind = core.InboundCommand, &c, core.ReplyDeferred
	return a.keep(ctx, r, base, deferPrivately)
}

func (a *Adapter) parseCommand(in *wireInteraction) (command.Row, core.Command, bool) {
	if in.Data.Type == commandMessage {
		row, ok := a.verbs.menu(in.Data.Name)
		c := core.Command{Surface: core.SurfaceMenu, Verb: row.Verb, Options: map[string]string{}}
		if ok {
			c.Target = a.target(in.Data.Resolved.Messages[in.Data.TargetID], in.GuildID)
		}
		return row, c, ok && c.Target != nil
	}
	row, opts, ok := a.verbs.find(in.Data.Name, in.Data.Options)
	c := core.Command{Surface: core.SurfaceSlash, Verb: row.Verb, Options: map[string]string{}}
	for _, o := range opts {
		v := optionText(o.Value)
		switch o.Type {
		case optionFile:
			if f, ok := in.Data.Resolved.Attachments[v]; ok {
				c.Files = append(c.Files, fileRef("", "", f))
			}
			continue
		case optionUser:
			v = string(identityID(v))
		}
		c.Options[o.Name] = core.MaskOption(row.Verb, v)
	}
	return row, c, ok
}

func (a *Adapter) press(ctx context.Context, r core.Receiver, in *wireInteraction, base core.Inbound) (reply, *core.Inbound) {
	act, err := core.ParseAction(in.Data.CustomID)
	if err != nil {
		return privately(a.lang(in.Locale).Error(err)), nil
	}
	if act.Modal {
		return a.modal(ctx, r, core.Query{Kind: core.QueryModal, Actor: base.Actor, Room: base.Room, Thread: base.Thread, Action: act, Verb: act.Verb}), nil
	}
	base.Kind, base.Reply.Kind = core.InboundPress, core.ReplyFollowup
	if in.Message != nil && in.Message.Flags&flagEphemeral != 0 {
		base.Reply.Kind = core.ReplyReplace
	}
	base.Command = &core.Command{Surface: core.SurfaceButton, Action: act}
	return a.keep(ctx, r, base, reply{Type: answerUpdate})
}

func (a *Adapter) submit(ctx context.Context, r core.Receiver, in *wireInteraction, base core.Inbound) (reply, *core.Inbound) {
	act, err := core.ParseAction(in.Data.CustomID)
	if err != nil {
		return privately(a.lang(in.Locale).Error(err)), nil
	}
	act.Modal = false
	base.Kind, base.Reply.Kind = core.InboundSubmit, core.ReplyDeferred
	base.Command = &core.Command{Surface: core.SurfaceModal, Action: act, Options: map[string]string{}}
	for k, v := range formValues(in.Data.Components) {
		base.Command.Option(k, v)
	}
	ok := deferPrivately
	if in.Message != nil && in.Message.Flags&flagEphemeral != 0 {
		base.Reply.Kind, ok = core.ReplyReplace, reply{Type: answerUpdate}
	}
	return a.keep(ctx, r, base, ok)
}

func (a *Adapter) modal(ctx context.Context, r core.Receiver, q core.Query) reply {
	actx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	card, err := r.Answer(actx, q)
	if err != nil {
		a.log.InfoContext(ctx, "modal not answered", "verb", q.Verb, "error", err)
		return privately(a.lang(string(cmp.Or(card.Locale, q.Actor.Locale))).Error(err))
	}
	if len(card.Inputs) == 0 {
		return privately(firstLine(card))
	}
	return reply{Type: answerModal, Data: renderModal(card)}
}

func (a *Adapter) complete(ctx context.Context, r core.Receiver, in *wireInteraction, base core.Inbound) reply {
	none := reply{Type: answerChoices, Data: replyData{Choices: &[]choice{}}}
	row, opts, ok := a.verbs.find(in.Data.Name, in.Data.Options)
	if !ok {
		return none
	}
	q := core.Query{Kind: core.QueryAutocomplete, Actor: base.Actor, Room: base.Room, Thread: base.Thread, Verb: row.Verb, Options: map[string]string{}}
	for _, o := range opts {
		if q.Options[o.Name] = optionText(o.Value); o.Focused {
			q.Option, q.Text = o.Name, optionText(o.Value)
		}
	}
	actx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	card, err := r.Answer(actx, q)
	if err != nil {
		a.log.InfoContext(ctx, "autocomplete not answered", "verb", q.Verb, "option", q.Option, "error", err)
		return none
	}
	out := []choice{}
	for _, c := range card.Choices {
		if len(out) == maxChoices {
			break
		}
		if c.Value != "" && c.Label != "" && len([]rune(c.Value)) <= 100 {
			out = append(out, choice{Name: clip(c.Label, 100), Value: c.Value})
		}
	}
	return reply{Type: answerChoices, Data: replyData{Choices: &out}}
}

// optionText reads an option's value of whatever JSON type as text.
func optionText(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return strings.TrimSpace(string(raw))
}
