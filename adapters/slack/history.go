package slack

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

const (
	pageSize = 200
	maxPages = 50
	// harshPage is the most that Slack gives at once under its harshest limit, a call a minute.
	// https://docs.slack.dev/changelog/2025/05/29/rate-limit-changes-for-non-marketplace-apps
	harshPage = 15
)

// window is a part of a thread or, with an empty thread, of a channel.
type window struct {
	channel, thread string
	oldest, latest  string // exclusive; empty for open
	lookup          bool   // a delivery waits for it
}

// pages reads a thread (oldest first) or a channel (newest first), and hands each message over until visit returns
// false. complete is false when the reading was stopped or cut.
func (i *installation) pages(ctx context.Context, w window, visit func(*message) bool) (complete bool, err error) {
	method := "conversations.history"
	form := url.Values{"channel": {w.channel}, "include_all_metadata": {"true"}}
	if w.oldest != "" {
		form.Set("oldest", w.oldest)
	}
	if w.latest != "" {
		form.Set("latest", w.latest)
	}
	if w.thread != "" {
		method = "conversations.replies"
		form.Set("ts", w.thread)
	}
	for range maxPages {
		form.Set("limit", strconv.Itoa(i.historyPage()))
		var page struct {
			Messages []json.RawMessage `json:"messages"`
			Metadata struct {
				Next string `json:"next_cursor"`
			} `json:"response_metadata"`
		}
		if err := i.giveWay(ctx, method, w.lookup); err != nil {
			return false, err
		}
		err := i.do(ctx, method, "", false, func(ctx context.Context) error { return i.call(ctx, method, form, &page) })
		if err != nil {
			return false, err
		}
		for _, raw := range page.Messages {
			var m message
			if decode(raw, &m) != nil || m.TS == "" {
				// One odd message does not hide the others.
				var bare struct {
					TS scalar `json:"ts"`
				}
				if decode(raw, &bare) != nil || bare.TS == "" {
					continue
				}
				m = message{TS: bare.TS, Subtype: unreadableSubtype}
			}
			if w.thread != "" && string(m.TS) == w.thread {
				continue // the root opens every page
			}
			if !visit(&m) {
				return false, nil
			}
		}
		if page.Metadata.Next == "" {
			return true, nil
		}
		form.Set("cursor", page.Metadata.Next)
	}
	return false, nil
}

// unreadableSubtype marks a message of which only the ts could be read.
const unreadableSubtype = "atelier_unreadable"

// Since returns what a thread, or a channel, holds after the cursor; oldest first.
func (a *Adapter) Since(ctx context.Context, room core.RoomID, thread core.ThreadID, cursor core.MessageID, since time.Time, limit int) (core.Page, error) {
	page := core.Page{Next: cursor}
	team, channel, err := parseRoom(room)
	if err != nil {
		return page, err
	}
	i, err := a.in(ctx, team)
	if err != nil {
		return page, err
	}
	if limit <= 0 {
		limit = pageSize
	}
	oldest := string(cursor)
	if oldest == "" {
		oldest = formatTS(since)
	}
	var list []*message
	page.Complete, err = i.pages(ctx, window{channel: channel, thread: string(thread), oldest: oldest}, func(m *message) bool {
		if thread != "" && len(list) == limit {
			return false
		}
		list = append(list, m)
		return true
	})
	if err != nil && (thread == "" || len(list) == 0 || core.ErrorCode(err) != core.CodeRetry) {
		return page, err // of a thread, what was read is good: the next call goes on behind it
	}
	if thread == "" {
		slices.Reverse(list) // Slack reads channels backwards: what was read is given whole
	}
	s := scope{a: a, i: i, team: team}
	s.self, _ = i.identity()
	for _, m := range list {
		page.Next = core.MessageID(m.TS)
		past := core.Past{ID: core.MessageID(m.TS), Inbound: s.remembered(ctx, channel, m), Reactions: s.reactionsOf(m)}
		if m.ReplyCount > 0 && thread == "" {
			past.Thread = core.ThreadID(m.TS)
		}
		page.Messages = append(page.Messages, past)
	}
	return page, nil
}

// Latest returns the newest reply of the threads that began since a time, at most those of the newest pages.
func (a *Adapter) Latest(ctx context.Context, room core.RoomID, since time.Time) (map[core.ThreadID]core.MessageID, error) {
	team, channel, err := parseRoom(room)
	if err != nil {
		return nil, err
	}
	i, err := a.in(ctx, team)
	if err != nil {
		return nil, err
	}
	out := map[core.ThreadID]core.MessageID{}
	read := 0
	_, err = i.pages(ctx, window{channel: channel, oldest: formatTS(since)}, func(m *message) bool {
		if latest := core.MessageID(m.LatestReply); latest != "" {
			out[core.ThreadID(m.TS)] = latest
		} else {
			out[core.ThreadID(m.TS)] = core.MessageID(m.TS)
		}
		read++
		return read < 2*pageSize
	})
	return out, err
}

// reactionsOf reads a message's reactions. Slack names everybody up to some number that it does not tell.
func (s scope) reactionsOf(m *message) []core.Reaction {
	var out []core.Reaction
	for _, r := range m.Reactions {
		got := core.Reaction{Emoji: emojiFromSlack(r.Name), Count: r.Count}
		for _, u := range r.Users {
			if u == s.self.BotUser {
				got.Count--
				continue
			}
			got.By = append(got.By, identityID(s.team, u))
		}
		if got.Count = max(got.Count, len(got.By)); got.Count > 0 {
			out = append(out, got)
		}
	}
	return out
}

// maxReactors bounds the people of one reaction.
const maxReactors = 1000

// Reactors asks who reacts to a message with an emoji.
func (a *Adapter) Reactors(ctx context.Context, room core.RoomID, _ core.ThreadID, msg core.MessageID, e core.Emoji) ([]core.IdentityID, error) {
	team, channel, err := parseRoom(room)
	if err != nil {
		return nil, err
	}
	i, err := a.in(ctx, team)
	if err != nil {
		return nil, err
	}
	var out struct {
		Message message `json:"message"`
	}
	form := url.Values{"channel": {channel}, "timestamp": {string(msg)}, "full": {"true"}}
	if err := i.do(ctx, "reactions.get", "", false, func(ctx context.Context) error { return i.call(ctx, "reactions.get", form, &out) }); err != nil {
		return nil, err
	}
	s := scope{a: a, i: i, team: team}
	s.self, _ = i.identity()
	for _, r := range s.reactionsOf(&out.Message) {
		if r.Emoji.Key() == e.Key() {
			return r.By[:min(len(r.By), maxReactors)], nil
		}
	}
	return nil, nil
}

// remembered reads a message of a history. Commands in it were told live; they are not carried out late.
func (s scope) remembered(ctx context.Context, channel string, m *message) *core.Inbound {
	switch m.Subtype {
	case "", "file_share", "thread_broadcast", "bot_message", "me_message":
	default:
		return nil
	}
	at, ok := parseTS(string(m.TS))
	if !ok || s.self.ours(m) || m.User == "" && m.BotID == "" {
		return nil
	}
	text := parseMessage(m, s.team)
	if _, _, command := s.command(text); command {
		return nil
	}
	look, cancel := s.a.briefly(ctx)
	defer cancel()
	in := &core.Inbound{V: core.InboundVersion, ID: messageKey(s.team, channel, string(m.TS)), Kind: core.InboundMessage, At: at, CatchUp: true,
		Thread: threadOf(string(m.TS), string(m.ThreadTS)), Actor: s.i.author(look, s.team, m)}
	s.place(in, channel, "")
	in.Message = s.body(look, m, text)
	in.Message.Author = in.Actor
	if m.Edited != nil {
		in.ID, in.Kind = editKey(s.team, channel, m), core.InboundEdit
	}
	return in
}
