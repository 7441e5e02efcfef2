package discord

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/adapters/internal/mark"
	"github.com/atelier-bridge/atelier/core"
)

const (
	// nonceSafe is how long after its first use a nonce is trusted to lead to the same message. Discord says no more
	// than "the past few minutes": https://docs.discord.com/developers/resources/message#create-message
	nonceSafe = 2 * time.Minute
	// lookBack allows for clocks that differ between us and Discord.
	lookBack = time.Minute
	// firstTry is how old the first try may be when nobody knows when it was.
	firstTry = time.Hour
	// maxPages bounds one look-up: 5,000 messages.
	maxPages = 50
)

// already looks for a part that an earlier try, perhaps of another replica, may have posted. nil says that it is not
// there; when that cannot be known, the error says so and nothing may be posted.
func (a *Adapter) already(ctx context.Context, d core.Delivery, at spot, p part, i int) (*wireMessage, error) {
	if d.Attempt == 0 || d.Author == nil && !d.Since.IsZero() && a.now().Sub(d.Since) < nonceSafe {
		return nil, nil // a nonce does it
	}
	after := string(d.After)
	for _, t := range d.Target {
		if newer(string(t), after) {
			after = string(t)
		}
	}
	since := d.Since
	if since.IsZero() {
		since = a.now().Add(-firstTry)
	}
	if s := snowflakeAt(since.Add(-lookBack)); newer(s, after) {
		after = s
	}
	self, err := a.me(ctx)
	if err != nil {
		return nil, err
	}
	seen := false
	for range maxPages {
		page, err := a.page(ctx, at.channel(), after, pageSize)
		if err != nil {
			return nil, err
		}
		for k := range page {
			m := &page[k]
			after, seen = m.ID, true
			match, err := a.stands(ctx, d, m, p, i, self)
			if err != nil {
				return nil, err
			}
			if match {
				a.sent.put(d.ID, i, m.ID)
				return m, nil
			}
		}
		if len(page) < pageSize {
			if !seen {
				return nil, a.canRead(ctx, at.channel())
			}
			return nil, nil
		}
	}
	return nil, core.Errorf(core.CodeUnknown, "Too much was said on Discord since to find out whether a message arrived.")
}

// canRead tells a place in which nothing was said from one whose history Discord keeps from us: without the permission
// to read it every page is empty. https://docs.discord.com/developers/resources/message#get-channel-messages
func (a *Adapter) canRead(ctx context.Context, channel string) error {
	first, err := a.page(ctx, channel, "0", 1)
	if err != nil || len(first) > 0 {
		return err
	}
	var c wireChannel
	if err := a.rest.do(ctx, call{method: http.MethodGet, route: "GET channels", major: channel, path: "channels/" + channel}, &c); err != nil {
		return err
	}
	if c.LastID == "" {
		return nil
	}
	return core.Errorf(core.CodeUnknown, "Atelier may not read the message history of a Discord channel, so it cannot tell whether a message arrived.").
		WithNext("Give it the permission Read Message History.")
}

// stands reports whether a message is part i of a delivery. Its mark decides. Only where none is left do we compare
// what it shows, and then it must not be recorded as something else.
func (a *Adapter) stands(ctx context.Context, d core.Delivery, m *wireMessage, p part, i int, self string) (bool, error) {
	mine := m.WebhookID == "" && m.Author != nil && m.Author.ID == self ||
		m.WebhookID != "" && (m.ApplicationID == a.o.ApplicationID || a.hooks.known(m.WebhookID))
	if !mine || slices.Contains(d.Target, core.MessageID(m.ID)) {
		return false, nil
	}
	if _, found := mark.Cut(m.Content); found != "" {
		return found == mark.Of(d.ID, i), nil
	}
	if n := strings.Trim(string(m.Nonce), `"`); n != "" && n != "null" {
		return n == nonce(d.ID, i), nil
	}
	if !a.looksLike(d, m, p) || a.sent.has(m.ID) {
		return false, nil
	}
	if a.o.Echo == nil || d.Room == "" {
		return true, nil
	}
	taken, err := a.o.Echo.Ours(ctx, d.Room, d.Thread, core.MessageID(m.ID))
	if err != nil {
		return false, core.Wrap(core.CodeRetry, err)
	}
	return !taken, nil
}

func (a *Adapter) looksLike(d core.Delivery, m *wireMessage, p part) bool {
	if d.Author == nil {
		return m.WebhookID == "" && !stale(m, p) && len(m.allFiles()) == len(p.files)
	}
	if m.WebhookID == "" || m.Author == nil || m.Author.Username != shownName(*d.Author) || len(m.Attachments) != len(p.files) {
		return false
	}
	for k, f := range p.files {
		if m.Attachments[k].Filename != f.name || m.Attachments[k].Size != int64(len(f.data)) {
			return false
		}
	}
	return strings.TrimSpace(m.Content) == strings.TrimSpace(unmarked(p.content))
}

func unmarked(s string) string {
	s, _ = mark.Cut(s)
	return s
}

// page reads messages after an id, oldest first.
func (a *Adapter) page(ctx context.Context, channel, after string, limit int) ([]wireMessage, error) {
	raw, err := a.rawPage(ctx, channel, after, limit)
	if err != nil {
		return nil, err
	}
	out := make([]wireMessage, 0, len(raw))
	for _, r := range raw {
		out = append(out, r.message)
	}
	return out, nil
}

// forumPost makes a forum's thread, whose first message is the card. It has no nonce: an unknown outcome is looked up
// among the server's active threads.
func (a *Adapter) forumPost(ctx context.Context, d core.Delivery, at spot, parts []part, r core.Receipt) (core.Receipt, error) {
	if len(r.Parts) > 0 {
		r.Thread = core.ThreadID(r.Parts[0])
		return r, nil
	}
	id := a.sent.get(d.ID, 0)
	if id == "" && d.Attempt > 0 {
		found, err := a.findThread(ctx, d, at, parts[0])
		if err != nil {
			return r, err
		}
		id = found
	}
	if id == "" && d.Author != nil {
		var m wireMessage
		err := a.viaHook(ctx, at.parent, func(h hook) error {
			body := parts[0].payload()
			body.Username, body.AvatarURL, body.ThreadName = shownName(*d.Author), a.shownAvatar(d.Author.Avatar), threadName(d.ThreadName)
			c := a.hookCall(ctx, h, at.parent, "", http.MethodPost, "")
			c.body, c.upload = body, &upload{files: parts[0].files}
			return a.rest.do(ctx, c, &m)
		})
		if err != nil {
			return r, err
		}
		if id = m.ID; !isSnowflake(id) {
			return r, core.Wrap(core.CodeUnknown, errors.New("answer names no message"))
		}
		a.world.put(wireChannel{ID: id, GuildID: at.guild, ParentID: at.parent, Type: channelPublicThread, Name: threadName(d.ThreadName)})
		handles(r.Handles, parts[0].files, &m)
	}
	if id == "" {
		var out struct {
			wireChannel
			Message wireMessage `json:"message"`
		}
		c := call{method: http.MethodPost, route: "POST channels/threads", major: at.parent, path: "channels/" + at.parent + "/threads", eff: creating,
			upload: &upload{files: parts[0].files}, body: map[string]any{"name": threadName(d.ThreadName), "auto_archive_duration": 10080, "message": parts[0].payload()}}
		if err := a.rest.do(ctx, c, &out); err != nil {
			return r, err
		}
		if id = out.ID; !isSnowflake(id) {
			return r, core.Wrap(core.CodeUnknown, errors.New("answer names no thread"))
		}
		a.world.put(out.wireChannel)
		handles(r.Handles, parts[0].files, &out.Message)
	}
	a.sent.put(d.ID, 0, id)
	r.Parts, r.Thread = append(r.Parts, core.MessageID(id)), core.ThreadID(id)
	return r, nil
}

// findThread finds the thread that an earlier try opened, by the message that it begins with.
func (a *Adapter) findThread(ctx context.Context, d core.Delivery, at spot, p part) (string, error) {
	self, err := a.me(ctx)
	if err != nil {
		return "", err
	}
	var out struct {
		Threads []wireChannel `json:"threads"`
	}
	if err := a.rest.do(ctx, call{method: http.MethodGet, route: "GET guilds/threads/active", major: at.guild, path: "guilds/" + at.guild + "/threads/active"}, &out); err != nil {
		return "", err
	}
	since := d.Since
	if since.IsZero() {
		since = a.now().Add(-firstTry)
	}
	for _, t := range out.Threads {
		if t.ParentID != at.parent || d.Author == nil && t.OwnerID != "" && t.OwnerID != self || snowflakeTime(t.ID).Before(since.Add(-lookBack)) {
			continue
		}
		m, err := a.getMessage(ctx, t.ID, t.ID)
		if core.ErrorCode(err) == core.CodeGone {
			continue // somebody deleted what it began with
		}
		if err != nil {
			return "", err
		}
		match, err := a.stands(ctx, d, m, p, 0, self)
		if err != nil || match {
			return t.ID, err
		}
	}
	return "", nil
}
