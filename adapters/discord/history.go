package discord

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// pageSize is the most that Discord gives at once.
const pageSize = 100

// rawMessage is a message of a page: its id is there even when the rest could not be read.
type rawMessage struct {
	message wireMessage
	err     error
}

// rawPage reads messages after an id, oldest first. Discord gives them newest first. One message that cannot be read
// does not cost the others.
func (a *Adapter) rawPage(ctx context.Context, channel, after string, limit int) ([]rawMessage, error) {
	q := url.Values{"limit": {strconv.Itoa(limit)}, "after": {after}}
	var raw []json.RawMessage
	c := call{method: http.MethodGet, route: "GET channels/messages", major: channel, path: "channels/" + channel + "/messages?" + q.Encode()}
	if err := a.rest.do(ctx, c, &raw); err != nil {
		return nil, err
	}
	out := make([]rawMessage, 0, len(raw))
	for _, r := range raw {
		var m rawMessage
		if m.err = json.Unmarshal(r, &m.message); m.err != nil {
			var id struct {
				ID string `json:"id"`
			}
			_ = json.Unmarshal(r, &id)
			m.message = wireMessage{ID: id.ID, ChannelID: channel}
		}
		out = append(out, m)
	}
	slices.SortFunc(out, func(x, y rawMessage) int {
		switch {
		case newer(y.message.ID, x.message.ID):
			return -1
		case newer(x.message.ID, y.message.ID):
			return 1
		}
		return 0
	})
	return out, nil
}

// Since reads what a channel or thread holds after the cursor.
func (a *Adapter) Since(ctx context.Context, room core.RoomID, thread core.ThreadID, cursor core.MessageID, since time.Time, limit int) (core.Page, error) {
	out := core.Page{Next: cursor}
	guild, channel, err := parseRoom(room)
	if err != nil {
		return out, err
	}
	if thread != "" {
		channel = string(thread)
	}
	if _, err := a.me(ctx); err != nil {
		return out, err
	}
	after := string(cursor)
	if after == "" {
		after = snowflakeAt(since)
	}
	if !isSnowflake(channel) || !isSnowflake(after) {
		return out, core.Errorf(core.CodeInvalid, "That is no place in Discord's history.")
	}
	if thread == "" && a.isForum(ctx, channel) {
		return a.forumSince(ctx, guild, channel, after)
	}
	for limit > 0 {
		want := min(limit, pageSize)
		page, err := a.rawPage(ctx, channel, after, want)
		if err != nil {
			return out, err
		}
		for _, m := range page {
			if m.message.ID == "" {
				continue
			}
			after, out.Next = m.message.ID, core.MessageID(m.message.ID)
			past := core.Past{ID: core.MessageID(m.message.ID)}
			if m.err != nil {
				a.log.WarnContext(ctx, "message of the history not readable", "room", room, "message", m.message.ID, "error", m.err)
				out.Messages = append(out.Messages, past)
				continue
			}
			m.message.GuildID = guild
			if past.Inbound, err = a.messageInbound(ctx, m.message, false, true); err != nil {
				return out, err
			}
			if past.Inbound != nil {
				past.Inbound.CatchUp = true
			}
			past.Reactions = a.reactionsOf(&m.message)
			if m.message.Thread != nil {
				past.Thread = core.ThreadID(m.message.Thread.ID)
			}
			out.Messages = append(out.Messages, past)
		}
		limit -= len(page)
		if len(page) < want {
			out.Complete = true
			return out, nil
		}
	}
	return out, nil
}

// reactionsOf counts a message's reactions; Discord's history does not say whose they are.
func (a *Adapter) reactionsOf(m *wireMessage) []core.Reaction {
	var out []core.Reaction
	for _, r := range m.Reactions {
		if r.Me {
			r.Count--
		}
		if r.Count > 0 {
			out = append(out, core.Reaction{Emoji: a.emoji.inbound(r.Emoji), Count: r.Count})
		}
	}
	return out
}

// maxReactors bounds the people of one reaction.
const maxReactors = 1000

// Reactors asks who reacts to a message with an emoji.
func (a *Adapter) Reactors(ctx context.Context, room core.RoomID, thread core.ThreadID, msg core.MessageID, e core.Emoji) ([]core.IdentityID, error) {
	guild, channel, err := parseRoom(room)
	if err != nil {
		return nil, err
	}
	if thread != "" {
		channel = string(thread)
	}
	name, err := a.reactionPath(guild, e)
	if err != nil {
		return nil, err
	}
	if _, err := a.me(ctx); err != nil {
		return nil, err
	}
	var out []core.IdentityID
	for after := "0"; len(out) < maxReactors; {
		var page []wireUser
		q := url.Values{"limit": {strconv.Itoa(pageSize)}, "after": {after}}
		c := call{method: http.MethodGet, route: "GET channels/messages/reactions", major: channel, path: "channels/" + channel + "/messages/" + string(msg) + "/reactions/" + name + "?" + q.Encode()}
		if err := a.rest.do(ctx, c, &page); err != nil {
			return nil, err
		}
		for _, u := range page {
			if after = u.ID; !a.isSelf(u.ID) {
				out = append(out, identityID(u.ID))
			}
		}
		if len(page) < pageSize {
			break
		}
	}
	return out, nil
}

// Latest returns the newest message of a room's active threads.
func (a *Adapter) Latest(ctx context.Context, room core.RoomID, _ time.Time) (map[core.ThreadID]core.MessageID, error) {
	guild, channel, err := parseRoom(room)
	if err != nil {
		return nil, err
	}
	var active struct {
		Threads []wireChannel `json:"threads"`
	}
	if err := a.rest.do(ctx, call{method: http.MethodGet, route: "GET guilds/threads/active", major: guild, path: "guilds/" + guild + "/threads/active"}, &active); err != nil {
		return nil, err
	}
	out := map[core.ThreadID]core.MessageID{}
	for _, t := range active.Threads {
		if t.ParentID == channel && t.LastID != "" {
			out[core.ThreadID(t.ID)] = core.MessageID(t.LastID)
		}
	}
	return out, nil
}

// forumSince reads the active posts of a forum that are newer than an id: their first messages.
func (a *Adapter) forumSince(ctx context.Context, guild, forum, after string) (core.Page, error) {
	out := core.Page{Next: core.MessageID(after), Complete: true}
	var active struct {
		Threads []wireChannel `json:"threads"`
	}
	if err := a.rest.do(ctx, call{method: http.MethodGet, route: "GET guilds/threads/active", major: guild, path: "guilds/" + guild + "/threads/active"}, &active); err != nil {
		return out, err
	}
	slices.SortFunc(active.Threads, func(x, y wireChannel) int {
		if newer(y.ID, x.ID) {
			return -1
		}
		return 1
	})
	for _, t := range active.Threads {
		if t.ParentID != forum || !newer(t.ID, after) {
			continue
		}
		t.GuildID = guild
		a.world.put(t)
		m, err := a.getMessage(ctx, t.ID, t.ID)
		if core.ErrorCode(err) == core.CodeGone {
			continue // what it began with was deleted
		}
		if err != nil {
			return out, err
		}
		m.GuildID = guild
		past := core.Past{ID: core.MessageID(t.ID), Thread: core.ThreadID(t.ID), Reactions: a.reactionsOf(m)}
		if past.Inbound, err = a.messageInbound(ctx, *m, false, true); err != nil {
			return out, err
		}
		if past.Inbound != nil {
			past.Inbound.CatchUp = true
		}
		out.Next = past.ID
		out.Messages = append(out.Messages, past)
	}
	return out, nil
}
