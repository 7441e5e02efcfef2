package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// Kinds of envelopes, in Socket Mode's words.
const (
	kindEvents   = "events_api"
	kindCommands = "slash_commands"
	kindActions  = "interactive"
)

// taken is what a payload asks for: an inbound to store, a modal to open, or nothing.
type taken struct {
	in    *core.Inbound
	modal *modalAsk
	ack   any // payload of the acknowledgement
}

// handle stores what a payload says, or opens the modal that it asks for. After a nil error the caller acknowledges
// with ack and then calls done; after an error it must not acknowledge.
func (a *Adapter) handle(ctx context.Context, p *app, r core.Receiver, kind string, payload []byte) (ack any, done func(), err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), receiveDeadline)
	defer cancel()
	t, err := a.understand(ctx, p, kind, payload)
	if errors.Is(err, errNotMet) || errors.Is(err, errForeign) {
		return nil, nil, err
	}
	if err != nil {
		a.o.Log.WarnContext(ctx, "slack payload not understood", "kind", kind, "error", err)
		t = taken{in: a.unreadable(payload, err)}
	}
	if t.modal != nil {
		a.openModal(ctx, r, t.modal)
		return t.ack, func() {}, nil
	}
	if t.in == nil {
		return t.ack, func() {}, nil
	}
	in := *t.in
	in.V = core.InboundVersion
	if err := r.Receive(ctx, in); err != nil {
		if ack, ok := a.away(ctx, kind, in, payload); ok {
			a.o.Log.WarnContext(ctx, "not stored, and told so", "kind", in.Kind, "error", err)
			return ack, func() {}, nil
		}
		return nil, nil, err
	}
	return t.ack, func() {
		switch in.Kind {
		case core.InboundCommand, core.InboundPress, core.InboundSubmit:
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), receiveDeadline)
			defer cancel()
			r.Acknowledged(ctx, in.ID, in.Room, in.Actor.Identity)
		}
	}, nil
}

func (a *Adapter) understand(ctx context.Context, p *app, kind string, payload []byte) (taken, error) {
	ctx, cancel := a.briefly(ctx)
	defer cancel()
	switch kind {
	case kindEvents:
		var env eventEnvelope
		if err := decode(payload, &env); err != nil {
			return taken{}, err
		}
		in, err := a.fromEvent(ctx, p, &env)
		return taken{in: in}, err
	case kindCommands:
		var c slashCommand
		if err := decode(payload, &c); err != nil {
			return taken{}, err
		}
		in, err := a.fromCommand(ctx, p, c)
		return taken{in: in}, err
	case kindActions:
		var it interaction
		if err := decode(payload, &it); err != nil {
			return taken{}, err
		}
		return a.fromInteraction(ctx, p, &it)
	}
	return taken{}, fmt.Errorf("slack: unknown envelope type %q", clip(kind, 40))
}

var secretFields = regexp.MustCompile(`("(?:token|response_url|trigger_id)"\s*:\s*")[^"]*|((?:^|&)(?:token|response_url|trigger_id)=)[^&]*|https?(?::|%3A)(?:/|%2F){2}hooks\.[^"\s&]*`)

const maxRaw = 4 << 10

// unreadable keeps what was signed or authenticated but not understood, without tokens.
func (a *Adapter) unreadable(payload []byte, cause error) *core.Inbound {
	raw := secretFields.ReplaceAllString(strings.ToValidUTF8(string(payload), "?"), "${1}${2}")
	raw, _ = core.MaskCredentials(raw)
	if len(raw) > maxRaw {
		raw = strings.ToValidUTF8(raw[:maxRaw], "")
	}
	return &core.Inbound{ID: core.InboundID("slack-raw-" + core.Digest(24, string(payload))), Kind: core.InboundUnreadable, At: a.o.Clock.Now().UTC(), Raw: raw, Reason: cause.Error()}
}

// fromEvent reads an Events API callback. A nil inbound means that there is nothing to store.
func (a *Adapter) fromEvent(ctx context.Context, p *app, env *eventEnvelope) (*core.Inbound, error) {
	if env.Type != "event_callback" {
		if env.Type == "" {
			return nil, fmt.Errorf("slack: no event type")
		}
		return nil, nil // app_rate_limited and the like
	}
	if len(env.Event) == 0 {
		return nil, fmt.Errorf("slack: no event")
	}
	var ev message
	if err := decode(env.Event, &ev); err != nil {
		return nil, err
	}
	if ev.Type == "app_uninstalled" || ev.Type == "tokens_revoked" {
		return nil, a.removed(ctx, p, env, ev.Type)
	}
	i, err := a.within(ctx, p, env.TeamID)
	if err != nil {
		return nil, err
	}
	s := scope{a: a, i: i, team: env.TeamID, self: i.me(env)}
	switch ev.Type {
	case "message":
		return s.message(ctx, &ev)
	case "reaction_added", "reaction_removed":
		return s.reaction(ctx, &ev)
	case "channel_rename", "group_rename", "channel_archive", "group_archive", "channel_unarchive", "group_unarchive", "channel_deleted", "group_deleted",
		"channel_left", "group_left", "member_joined_channel", "member_left_channel":
		return s.roomChanged(&ev, env), nil
	case "app_home_opened":
		return s.home(ctx, env)
	case "":
		return nil, fmt.Errorf("slack: event without a type")
	}
	// app_mention has a message twin, file_shared a file_share message; the rest is of no use here.
	return nil, nil
}

// me is who we are, as far as Slack was asked, completed by what the event says.
func (i *installation) me(env *eventEnvelope) identity {
	id, _ := i.identity()
	if id.AppID == "" {
		id.AppID = env.APIAppID
	}
	for _, au := range env.Authorizations {
		if id.BotUser == "" && au.IsBot {
			id.BotUser = au.UserID
		}
	}
	return id
}

// ours is the echo rule.
func (id identity) ours(m *message) bool {
	if m == nil {
		return false
	}
	if _, _, marked := m.Metadata.delivery(); marked || m.Metadata != nil && m.Metadata.EventType == deliveryEvent && m.BotID != "" {
		return true
	}
	return id.BotID != "" && m.BotID == id.BotID || id.AppID != "" && m.appID() == id.AppID || id.BotUser != "" && m.User == id.BotUser
}

// scope is where an event of one team is read.
type scope struct {
	a    *Adapter
	i    *installation
	team string
	self identity
}

func (s scope) message(ctx context.Context, ev *message) (*core.Inbound, error) {
	channel, _ := ev.channelID()
	if channel == "" {
		return nil, fmt.Errorf("slack: message without a channel")
	}
	switch ev.Subtype {
	case "", "file_share", "thread_broadcast", "bot_message", "me_message":
		return s.posted(ctx, channel, ev)
	case "message_changed":
		return s.changed(ctx, channel, ev)
	case "message_deleted":
		return s.deleted(channel, ev)
	}
	return nil, nil // joins, topics, pins: nobody said anything
}

// posted reads a new message: a comment, or a command to us.
func (s scope) posted(ctx context.Context, channel string, m *message) (*core.Inbound, error) {
	at, ok := parseTS(string(m.TS))
	if !ok {
		return nil, fmt.Errorf("slack: message without a ts")
	}
	if s.self.ours(m) || s.recorded(ctx, channel, m) {
		return nil, nil
	}
	in := &core.Inbound{ID: messageKey(s.team, channel, string(m.TS)), Kind: core.InboundMessage, At: at, Actor: s.i.author(ctx, s.team, m)}
	text := parseMessage(m, s.team)
	if m.ChannelType == "im" {
		if in.Actor.Bot {
			return nil, nil
		}
		words, mentions, after := commandText(text, identityID(s.team, s.self.BotUser))
		if after >= 0 && strings.TrimSpace(words[:after]) == mentionKey(s.self.BotUser) {
			words = words[after:]
		}
		in.Kind, in.Reply = core.InboundCommand, core.ReplyHandle{Kind: core.ReplyInMessage, Message: core.MessageID(m.TS)}
		in.Command = &core.Command{Surface: core.SurfaceDirect, Text: masked(words), Mentions: mentions, Files: m.fileRefs()}
		return in, nil
	}
	s.place(in, channel, m.ChannelType)
	in.Thread = threadOf(string(m.TS), string(m.ThreadTS))
	if words, mentions, ok := s.command(text); ok && !in.Actor.Bot {
		in.Kind, in.Reply = core.InboundCommand, core.ReplyHandle{Kind: core.ReplyMention, Message: core.MessageID(m.TS)}
		in.Command = &core.Command{Surface: core.SurfaceMention, Text: masked(words), Mentions: mentions, Files: m.fileRefs()}
		return in, nil
	}
	in.Message = s.body(ctx, m, text)
	return in, nil
}

// recorded asks the store about a bot's message that says nothing of its app. Answers that do not come count as no.
func (s scope) recorded(ctx context.Context, channel string, m *message) bool {
	if s.a.o.Echo == nil || m.BotID == "" || m.appID() != "" {
		return false
	}
	ours, err := s.a.o.Echo.Ours(ctx, roomID(s.team, channel), threadOf(string(m.TS), string(m.ThreadTS)), core.MessageID(m.TS))
	return err == nil && ours
}

// command returns what follows a mention of the bot, if that is a command.
func (s scope) command(text core.RichText) (words string, mentions map[string]core.IdentityID, ok bool) {
	if s.self.BotUser == "" {
		return "", nil, false
	}
	words, mentions, after := commandText(text, identityID(s.team, s.self.BotUser))
	if after < 0 {
		return "", nil, false
	}
	words = strings.TrimSpace(words[after:])
	return words, mentions, s.a.o.Table.IsCommand(words)
}

func masked(s string) string {
	s, _ = core.MaskCredentials(strings.TrimSpace(s))
	return s
}

// place says where an inbound happened.
func (s scope) place(in *core.Inbound, channel, kind string) {
	in.Room = roomID(s.team, channel)
	in.Private = kind == "group" || kind == "mpim"
	if info, ok := s.i.rooms.get(channel, s.a.o.Clock.Now()); ok {
		in.RoomName = info.Name
		in.Private = in.Private || info.Private
	}
}

// body is a message as core has it, without keys and with names.
func (s scope) body(ctx context.Context, m *message, text core.RichText) *core.Message {
	text, hidden := core.MaskRichText(s.i.named(ctx, text))
	out := &core.Message{ID: core.MessageID(m.TS), Text: text, Files: m.fileRefs(), Masked: hidden}
	if m.Edited != nil {
		out.EditedAt, _ = parseTS(string(m.Edited.TS))
	}
	return out
}

// changed reads message_changed. Slack sends it for replies, unfurls and our own updates too: only a person's edit counts.
func (s scope) changed(ctx context.Context, channel string, ev *message) (*core.Inbound, error) {
	m, was := ev.Message, ev.Previous
	switch {
	case m == nil || m.TS == "":
		return nil, fmt.Errorf("slack: message_changed without a message")
	case m.Subtype == "tombstone" || ev.ChannelType == "im" || s.self.ours(m) || !m.differs(was):
		return nil, nil
	}
	at, ok := parseTS(firstOf(string(ev.EventTS), string(ev.TS)))
	if !ok {
		return nil, fmt.Errorf("slack: message_changed without a time")
	}
	text := parseMessage(m, s.team)
	if _, _, command := s.command(text); command {
		return nil, nil // it was carried out when it was written; it never was a comment
	}
	in := &core.Inbound{ID: editKey(s.team, channel, m), Kind: core.InboundEdit, At: at, Actor: s.i.author(ctx, s.team, m), Thread: threadOf(string(m.TS), string(m.ThreadTS))}
	s.place(in, channel, ev.ChannelType)
	in.Message = s.body(ctx, m, text)
	if in.Message.EditedAt.IsZero() {
		in.Message.EditedAt = at.Truncate(time.Second) // comparable with Slack's own, which has whole seconds
	}
	in.Message.Author = in.Actor
	in.Message.SaidAt, _ = parseTS(string(m.TS))
	return in, nil
}

// differs reports whether a person changed something. Without the former state, the edited mark decides.
func (m *message) differs(was *message) bool {
	if was == nil {
		return m.Edited != nil
	}
	return m.Edited != nil && m.editedTS() != was.editedTS() || m.Text != was.Text || filesOf(m) != filesOf(was)
}

func filesOf(m *message) string {
	var b strings.Builder
	for _, f := range m.Files {
		b.WriteString(f.ID + " " + f.Mode + "\n")
	}
	return b.String()
}

func (s scope) deleted(channel string, ev *message) (*core.Inbound, error) {
	ts := firstOf(string(ev.DeletedTS), tsOf(ev.Previous))
	at, ok := parseTS(firstOf(string(ev.EventTS), string(ev.TS)))
	if ts == "" || !ok {
		return nil, fmt.Errorf("slack: message_deleted without a ts")
	}
	if ev.ChannelType == "im" || s.self.ours(ev.Previous) {
		return nil, nil
	}
	in := &core.Inbound{ID: messageKey(s.team, channel, ts) + "/delete", Kind: core.InboundDelete, At: at, Message: &core.Message{ID: core.MessageID(ts)}}
	if ev.Previous != nil {
		in.Thread = threadOf(ts, string(ev.Previous.ThreadTS))
		in.Message.Author = core.Actor{Identity: identityID(s.team, firstOf(ev.Previous.User, ev.Previous.BotID)), Bot: ev.Previous.BotID != ""}
	}
	s.place(in, channel, ev.ChannelType)
	return in, nil
}

func tsOf(m *message) string {
	if m == nil {
		return ""
	}
	return string(m.TS)
}

func (s scope) reaction(ctx context.Context, ev *message) (*core.Inbound, error) {
	if ev.Item.Type != "message" || ev.User == s.self.BotUser && ev.User != "" {
		return nil, nil
	}
	at, ok := parseTS(string(ev.EventTS))
	if !ok || ev.Item.Channel == "" || ev.Item.TS == "" || ev.User == "" || ev.Reaction == "" {
		return nil, fmt.Errorf("slack: incomplete reaction")
	}
	if strings.HasPrefix(ev.Item.Channel, "D") {
		return nil, nil
	}
	kind, mark := core.InboundReact, "/react-"
	if ev.Type == "reaction_removed" {
		kind, mark = core.InboundUnreact, "/unreact-"
	}
	in := &core.Inbound{ID: messageKey(s.team, ev.Item.Channel, string(ev.Item.TS)) + core.InboundID(mark+ev.User+"-"+ev.Reaction+"-"+string(ev.EventTS)), Kind: kind, At: at,
		Actor: s.i.actor(ctx, s.team, ev.User, ""), Emoji: emojiFromSlack(ev.Reaction), Message: &core.Message{ID: core.MessageID(ev.Item.TS)}}
	s.place(in, ev.Item.Channel, "")
	return in, nil
}

func (s scope) roomChanged(ev *message, env *eventEnvelope) *core.Inbound {
	channel, name := ev.channelID()
	if channel == "" || strings.HasPrefix(ev.Type, "member_") && ev.User != s.self.BotUser {
		return nil
	}
	s.i.rooms.drop(channel)
	in := &core.Inbound{ID: core.InboundID("slack-event-" + env.EventID), Kind: core.InboundRoom, At: time.Unix(env.EventTime, 0).UTC(), Reason: ev.Type}
	s.place(in, channel, "")
	in.Private = strings.HasPrefix(ev.Type, "group_")
	in.RoomName = firstOf(name, in.RoomName)
	return in
}

var slackRef = regexp.MustCompile(`<([@#!])([^<>|\s]+)(?:\|([^<>]*))?>|<((?:https?|mailto):[^<>|\s]+)(?:\|[^<>]*)?>`)

// slashText turns the text of a slash command into plain words; mentions stay as tokens that the map resolves.
func slashText(team, text string) (string, map[string]core.IdentityID) {
	var mentions map[string]core.IdentityID
	out := slackRef.ReplaceAllStringFunc(text, func(hit string) string {
		m := slackRef.FindStringSubmatch(hit)
		switch m[1] {
		case "@":
			if mentions == nil {
				mentions = map[string]core.IdentityID{}
			}
			id := identityID(team, m[2])
			mentions[mentionKey(m[2])] = id
			if m[3] != "" && !strings.ContainsAny(m[3], " \t\n") {
				mentions["@"+m[3]] = id
			}
			return mentionKey(m[2])
		case "#":
			return "#" + firstOf(m[3], m[2])
		case "!":
			return "@" + strings.TrimPrefix(firstOf(m[3], m[2]), "@")
		}
		return m[4]
	})
	return unescape(out), mentions
}

func (a *Adapter) fromCommand(ctx context.Context, p *app, c slashCommand) (*core.Inbound, error) {
	if c.TeamID == "" || c.UserID == "" || c.ChannelID == "" || c.Command == "" || c.TriggerID == "" {
		return nil, fmt.Errorf("slack: incomplete slash command")
	}
	i, err := a.within(ctx, p, c.TeamID)
	if err != nil {
		return nil, err
	}
	now := a.o.Clock.Now().UTC()
	text, mentions := slashText(c.TeamID, c.Text)
	cmd := &core.Command{Surface: core.SurfaceSlash, Text: masked(text), Mentions: mentions}
	if c.Command != "/atelier" {
		cmd.Alias = c.Command
	}
	in := &core.Inbound{ID: core.InboundID("slack-cmd-" + c.TriggerID), Kind: core.InboundCommand, At: now, Actor: i.actor(ctx, c.TeamID, c.UserID, c.UserName), Command: cmd,
		Reply: a.replyVia(core.ReplyDeferred, c.ResponseURL, c.TriggerID, "")}
	a.placeByName(in, i, c.TeamID, c.ChannelID, c.ChannelName)
	return in, nil
}

// responseLife is how long Slack takes answers at a response URL.
const responseLife = 30 * time.Minute

func (a *Adapter) replyVia(kind core.ReplyKind, responseURL, trigger, msg string) core.ReplyHandle {
	if responseURL == "" {
		return core.ReplyHandle{}
	}
	return core.ReplyHandle{Kind: kind, Token: responseURL, Expires: a.o.Clock.Now().Add(responseLife).UTC(), Message: core.MessageID(msg), Trigger: trigger}
}

// placeByName says where an interaction happened; Slack hides the names of private rooms behind placeholders.
func (a *Adapter) placeByName(in *core.Inbound, i *installation, team, channel, name string) {
	if channel == "" || name == "directmessage" || strings.HasPrefix(channel, "D") {
		return
	}
	scope{a: a, i: i, team: team}.place(in, channel, "")
	switch {
	case name == "privategroup":
		in.Private = true
	case strings.HasPrefix(name, "mpdm-"):
		in.Private, in.RoomName = true, ""
	case name != "":
		in.RoomName = name
	}
}

// rawJSON is a payload that is acknowledged as it stands.
func rawJSON(v any) json.RawMessage {
	if v == nil {
		return nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return b
}

var envelopeID = regexp.MustCompile(`"envelope_id"\s*:\s*"([A-Za-z0-9._-]+)"`)
