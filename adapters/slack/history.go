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
)

// pages reads a thread (oldest first) or a channel (newest first), messages after oldest only, and hands each over
// until visit returns false. complete is false when the reading was stopped or cut.
func (i *installation) pages(ctx context.Context, channel, thread, oldest string, visit func(*message) bool) (complete bool, err error) {
	method := "conversations.history"
	form := url.Values{"channel": {channel}, "limit": {strconv.Itoa(pageSize)}, "include_all_metadata": {"true"}}
	if oldest != "" {
		form.Set("oldest", oldest)
	}
	if thread != "" {
		method = "conversations.replies"
		form.Set("ts", thread)
	}
	for range maxPages {
		var page struct {
			Messages []json.RawMessage `json:"messages"`
			HasMore  bool              `json:"has_more"`
			Metadata struct {
				Next string `json:"next_cursor"`
			} `json:"response_metadata"`
		}
		err := i.do(ctx, method, "", false, func(ctx context.Context) error { return i.call(ctx, method, form, &page) })
		if err != nil {
			return false, err
		}
		for _, raw := range page.Messages {
			var m message
			if decode(raw, &m) != nil || m.TS == "" {
				continue // one odd message does not hide the others
			}
			if thread != "" && string(m.TS) == thread {
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

// lookup collects our messages since this delivery was first tried.
func (s *sending) lookup(ctx context.Context) error {
	since := s.d.Since
	if since.IsZero() {
		since = s.i.a.o.Clock.Now().Add(-time.Hour)
	}
	oldest := formatTS(since.Add(-lookupSlack))
	if s.d.After != "" && string(s.d.After) > oldest {
		oldest = string(s.d.After)
	}
	self, err := s.i.identify(ctx)
	if err != nil {
		return err
	}
	s.found = nil
	_, err = s.i.pages(ctx, s.channel, string(s.d.Thread), oldest, func(m *message) bool {
		if self.ours(m) {
			s.found = append(s.found, m)
		}
		return true
	})
	if core.ErrorCode(err) == core.CodeInvalid {
		return core.Wrap(core.CodeRetry, err) // without a look nothing may be posted again
	}
	return err
}

// posted returns the ts under which a part of this delivery already stands.
func (s *sending) posted(part int) string {
	for _, m := range s.found {
		if id, n, ok := m.Metadata.delivery(); ok && id == s.d.ID && n == part {
			return string(m.TS)
		}
	}
	return ""
}

// sharedBefore finds a file of this delivery among our messages: shares carry no metadata, so name and size decide.
// One delivery at a time is under way in a thread, and what is older belongs to earlier ones.
func (s *sending) sharedBefore(f core.File) (id, ts string) {
	since := formatTS(s.d.Since)
	for _, m := range s.found {
		if len(m.Files) == 1 && m.Metadata == nil && m.Files[0].Name == f.Name && (f.Size == 0 || m.Files[0].Size == f.Size) && string(m.TS) >= since && !s.taken(m) {
			return m.Files[0].ID, string(m.TS)
		}
	}
	return "", ""
}

// taken reports whether a message already stands for another part.
func (s *sending) taken(m *message) bool {
	for _, h := range s.handles {
		if _, ts := splitHandle(h); ts == string(m.TS) {
			return true
		}
	}
	return slices.Contains(s.d.Target, core.MessageID(m.TS))
}

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
	page.Complete, err = i.pages(ctx, channel, string(thread), oldest, func(m *message) bool {
		if thread != "" && len(list) == limit {
			return false
		}
		list = append(list, m)
		return true
	})
	if err != nil {
		return page, err
	}
	if thread == "" {
		slices.Reverse(list)
		if len(list) > limit {
			list, page.Complete = list[:limit], false
		}
	}
	s := scope{a: a, i: i, team: team}
	s.self, _ = i.identity()
	for _, m := range list {
		page.Next = core.MessageID(m.TS)
		page.Messages = append(page.Messages, core.Past{ID: core.MessageID(m.TS), Inbound: s.remembered(ctx, channel, m), Reactions: s.reactionsOf(m)})
	}
	return page, nil
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
	if !ok || s.self.ours(m) {
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
