package discord

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// maxKeptContent bounds what is kept of a message's own markup in a menu target.
const maxKeptContent = 8 << 10

// inbounds turns one event into what the journal keeps. Errors with CodeRetry may be tried again.
func (a *Adapter) inbounds(ctx context.Context, e *event) ([]core.Inbound, error) {
	switch e.kind {
	case "MESSAGE_CREATE", "MESSAGE_UPDATE":
		var m wireMessage
		if err := json.Unmarshal(e.data, &m); err != nil {
			return a.unreadable(e, err), nil
		}
		return a.one(a.messageInbound(ctx, m, e.kind == "MESSAGE_UPDATE", false))
	case "MESSAGE_DELETE", "MESSAGE_DELETE_BULK":
		return a.deleteInbounds(ctx, e)
	case "MESSAGE_REACTION_ADD", "MESSAGE_REACTION_REMOVE":
		return a.one(a.reactionInbound(ctx, e))
	case "CHANNEL_UPDATE", "CHANNEL_DELETE":
		return a.roomInbound(e), nil
	}
	return nil, nil
}

func (a *Adapter) one(in *core.Inbound, err error) ([]core.Inbound, error) {
	if in == nil || err != nil {
		return nil, err
	}
	return []core.Inbound{*in}, nil
}

func (a *Adapter) unreadable(e *event, err error) []core.Inbound {
	return []core.Inbound{unreadableInbound("discord-event-"+e.key, e.at, e.data, err)}
}

func unreadableInbound(id string, at time.Time, raw []byte, cause error) core.Inbound {
	const keep = 4 << 10
	text, _ := core.MaskCredentials(maskToken(string(raw[:min(len(raw), keep)])))
	return core.Inbound{V: core.InboundVersion, ID: core.InboundID(id), Kind: core.InboundUnreadable, At: at.UTC(), Raw: text, Reason: "discord: " + cause.Error()}
}

// maskToken cuts the value of a "token" field, as interactions carry one, out of raw JSON that is not understood.
func maskToken(raw string) string {
	const field = `"token"`
	for from := 0; ; {
		i := strings.Index(raw[from:], field)
		if i < 0 {
			return raw
		}
		i += from + len(field)
		j := i
		for j < len(raw) && raw[j] != ',' && raw[j] != '}' {
			j++
		}
		raw = raw[:i] + `:"***"` + raw[j:]
		from = i
	}
}

// ours reports whether we posted a message: as the bot, through an interaction, or through our webhook.
func (a *Adapter) ours(ctx context.Context, m *wireMessage, room core.RoomID, thread core.ThreadID) (bool, error) {
	switch {
	case m.ApplicationID == a.o.ApplicationID, m.WebhookID == a.o.ApplicationID && m.WebhookID != "":
		return true, nil
	case m.Author != nil && m.WebhookID == "" && a.isSelf(m.Author.ID):
		return true, nil
	case m.WebhookID != "" && (a.hooks.known(m.WebhookID) || a.sent.has(m.ID)):
		return true, nil
	case m.WebhookID != "" && m.ApplicationID == "" && a.o.Echo != nil && room != "":
		return a.o.Echo.Ours(ctx, room, thread, core.MessageID(m.ID))
	}
	return false, nil
}

// messageInbound describes a message or an edit; nil when it is nothing that people said.
func (a *Adapter) messageInbound(ctx context.Context, m wireMessage, update, history bool) (*core.Inbound, error) {
	if m.ID == "" || m.ChannelID == "" || !m.spoken() || m.Flags&flagEphemeral != 0 || update && m.Edited == "" {
		return nil, nil
	}
	if m.Author == nil {
		guild := m.GuildID
		full, err := a.getMessage(ctx, m.ChannelID, m.ID)
		if err != nil {
			return nil, err
		}
		if m = *full; m.Author == nil {
			return nil, nil
		}
		m.GuildID = guild
	}
	room, thread, p, err := a.locate(ctx, m.ChannelID, m.GuildID)
	if err != nil {
		return nil, err
	}
	mine, err := a.ours(ctx, &m, room, thread)
	if err != nil || mine {
		return nil, err
	}
	in := &core.Inbound{V: core.InboundVersion, ID: messageKey(m.ChannelID, m.ID, m.Edited), Kind: core.InboundMessage, At: parseTime(m.Timestamp), Room: room, RoomName: p.Name,
		Private: a.world.private(m.ChannelID), Thread: thread, Actor: a.actor(m.Author, m.Member, m.GuildID)}
	in.Actor.Bot = m.Author.Bot || m.WebhookID != ""
	if in.At.IsZero() {
		in.At = snowflakeTime(m.ID)
	}
	msg := a.message(&m)
	msg.Author = in.Actor
	if m.ID == m.ChannelID && p.isForum() {
		if post, ok := a.world.get(m.ChannelID); ok {
			msg.Title = post.Name
		}
	}
	in.Message = &msg
	if m.Edited != "" {
		in.Kind = core.InboundEdit
		if !history {
			msg.SaidAt, in.At = in.At, msg.EditedAt
		}
	}
	command := a.asCommand(&m, in)
	switch {
	case command == nil:
		if room == "" {
			return nil, nil
		}
		return in, nil
	case history, in.Kind == core.InboundEdit, in.Actor.Bot:
		// Old commands are not run late, and a changed command is no comment either.
		return nil, nil
	}
	in.Kind, in.Command, in.Message = core.InboundCommand, command, nil
	in.Reply = core.ReplyHandle{Kind: core.ReplyMention, Message: core.MessageID(m.ID)}
	if room == "" {
		in.Reply.Kind = core.ReplyInMessage
	}
	return in, nil
}

// message is a message's content for the journal: parsed, with keys masked.
func (a *Adapter) message(m *wireMessage) core.Message {
	text := parseMarkup(m.Content, a.namesIn(m))
	out := core.Message{ID: core.MessageID(m.ID), EditedAt: parseTime(m.Edited)}
	out.Text, out.Masked = core.MaskRichText(text)
	for _, f := range m.Attachments {
		out.Files = append(out.Files, fileRef(m.ChannelID, m.ID, f))
	}
	if m.Type == messageReply && m.Reference != nil && m.Reference.Type == 0 && m.Reference.ChannelID == m.ChannelID {
		out.ReplyTo = core.MessageID(m.Reference.MessageID)
	}
	return out
}

// asCommand reads a message that is meant for the bot: a direct message, or one that begins with a mention of it
// followed by a command.
func (a *Adapter) asCommand(m *wireMessage, in *core.Inbound) *core.Command {
	text := strings.TrimSpace(m.Content)
	surface := core.SurfaceMention
	rest, mentioned := a.cutMention(text)
	if mentioned {
		text = rest
	}
	switch {
	case m.GuildID == "":
		surface = core.SurfaceDirect
	case !mentioned || !a.o.Table.IsCommand(text):
		return nil
	}
	c := &core.Command{Surface: surface, Mentions: map[string]core.IdentityID{}}
	c.Text, _ = core.MaskCredentials(text)
	for _, u := range m.Mentions {
		for _, form := range []string{"<@" + u.ID + ">", "<@!" + u.ID + ">"} {
			if strings.Contains(text, form) {
				c.Mentions[form] = identityID(u.ID)
			}
		}
	}
	if in.Message != nil {
		c.Files = in.Message.Files
	}
	return c
}

func (a *Adapter) cutMention(text string) (rest string, ok bool) {
	for _, open := range []string{"<@", "<@!"} {
		after, found := strings.CutPrefix(text, open)
		if !found {
			continue
		}
		id, rest, closed := strings.Cut(after, ">")
		if closed && (a.isSelf(id) || id == a.o.ApplicationID) {
			return strings.TrimLeft(rest, " \t\n,:"), true
		}
	}
	return text, false
}

// actor is a user with the name that people see there: nick, display name, user name.
func (a *Adapter) actor(u *wireUser, m *wireMember, guild string) core.Actor {
	if u == nil {
		return core.Actor{}
	}
	out := core.Actor{Identity: identityID(u.ID), Name: u.Username, Bot: u.Bot}
	if u.GlobalName != "" {
		out.Name = u.GlobalName
	}
	if u.Avatar != "" {
		out.Avatar = a.cdn + "/avatars/" + u.ID + "/" + u.Avatar + ".png?size=128"
	}
	if m != nil {
		if m.Nick != "" {
			out.Name = m.Nick
		}
		if m.Avatar != "" && guild != "" {
			out.Avatar = a.cdn + "/guilds/" + guild + "/users/" + u.ID + "/avatars/" + m.Avatar + ".png?size=128"
		}
		for _, r := range m.Roles {
			out.Roles = append(out.Roles, roleName(r))
		}
	}
	return out
}

func (a *Adapter) deleteInbounds(ctx context.Context, e *event) ([]core.Inbound, error) {
	var d wireDelete
	if err := json.Unmarshal(e.data, &d); err != nil {
		return a.unreadable(e, err), nil
	}
	if d.GuildID == "" {
		return nil, nil
	}
	room, thread, p, err := a.locate(ctx, d.ChannelID, d.GuildID)
	if err != nil {
		return nil, err
	}
	if d.ID != "" {
		d.IDs = append(d.IDs, d.ID)
	}
	var out []core.Inbound
	for _, id := range d.IDs {
		out = append(out, core.Inbound{V: core.InboundVersion, ID: core.InboundID("discord-del-" + d.ChannelID + "/" + id), Kind: core.InboundDelete, At: e.at.UTC(), Room: room,
			RoomName: p.Name, Private: a.world.private(d.ChannelID), Thread: thread, Message: &core.Message{ID: core.MessageID(id)}})
	}
	return out, nil
}

// reactionInbound describes a reaction. Its id names the dispatch: the same person may put the same emoji again later.
func (a *Adapter) reactionInbound(ctx context.Context, e *event) (*core.Inbound, error) {
	var r wireReaction
	if err := json.Unmarshal(e.data, &r); err != nil {
		return nil, err
	}
	if r.GuildID == "" || r.UserID == "" || a.isSelf(r.UserID) {
		return nil, nil
	}
	room, thread, p, err := a.locate(ctx, r.ChannelID, r.GuildID)
	if err != nil {
		return nil, err
	}
	kind, word := core.InboundReact, "react"
	if e.kind == "MESSAGE_REACTION_REMOVE" {
		kind, word = core.InboundUnreact, "unreact"
	}
	in := &core.Inbound{V: core.InboundVersion, Kind: kind, At: e.at.UTC(), Room: room, RoomName: p.Name, Private: a.world.private(r.ChannelID), Thread: thread,
		Emoji: a.emoji.inbound(r.Emoji), Actor: core.Actor{Identity: identityID(r.UserID)}, Message: &core.Message{ID: core.MessageID(r.MessageID)}}
	if r.Member != nil && r.Member.User != nil {
		in.Actor = a.actor(r.Member.User, r.Member, r.GuildID)
	}
	in.ID = core.InboundID(strings.Join([]string{"discord-" + word + "-" + r.ChannelID, r.MessageID, r.UserID, r.Emoji.ID + r.Emoji.Name, e.key}, "/"))
	return in, nil
}

func (a *Adapter) roomInbound(e *event) []core.Inbound {
	var c wireChannel
	if json.Unmarshal(e.data, &c) != nil || c.GuildID == "" {
		return nil
	}
	in := core.Inbound{V: core.InboundVersion, ID: core.InboundID("discord-room-" + c.ID + "/" + e.key), Kind: core.InboundRoom, At: e.at.UTC(), Room: roomID(c.GuildID, c.ID), RoomName: c.Name,
		Private: a.world.private(c.ID)}
	if e.kind == "CHANNEL_DELETE" {
		in.Reason = "deleted"
	}
	return []core.Inbound{in}
}

func (a *Adapter) getMessage(ctx context.Context, channel, id string) (*wireMessage, error) {
	var m wireMessage
	c := call{method: http.MethodGet, route: "GET channels/messages/id", major: channel, path: "channels/" + channel + "/messages/" + id}
	if err := a.rest.do(ctx, c, &m); err != nil {
		return nil, err
	}
	return &m, nil
}

// target describes the message that a menu was opened on, with what its author's app wrote.
func (a *Adapter) target(raw json.RawMessage, guild string) *core.MenuTarget {
	var m wireMessage
	if json.Unmarshal(raw, &m) != nil || m.ID == "" {
		return nil
	}
	t := &core.MenuTarget{Message: a.message(&m), AuthorApp: m.ApplicationID, Author: a.actor(m.Author, m.Member, guild), CustomIDs: m.customIDs()}
	t.Message.Author = t.Author
	t.Message.Files = nil
	for _, f := range m.allFiles() {
		t.Message.Files = append(t.Message.Files, fileRef(m.ChannelID, m.ID, f))
	}
	t.Content, _ = core.MaskCredentials(m.Content)
	t.Content = clipBytes(t.Content, maxKeptContent)
	if t.AuthorApp == "" && m.WebhookID != "" {
		t.AuthorApp = m.WebhookID
	}
	if t.AuthorApp == "" && m.Author != nil && m.Author.Bot {
		t.AuthorApp = m.Author.ID
	}
	return t
}
