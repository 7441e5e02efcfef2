package discord

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// compose renders a delivery as one or more messages. Files and card stand in the first one, which always stays.
func (a *Adapter) compose(ctx context.Context, d core.Delivery, at spot) ([]part, []string, error) {
	p := newPrinter(a.custom(at.guild))
	text := p.print(d.Text)
	users := p.mentions()
	first := part{}
	if d.Card != nil {
		shown := renderCard(*d.Card, a.custom(at.guild))
		first.embeds, first.components = shown.Embeds, shown.Components
		users = append(users, shown.mentions...)
		if text == "" {
			text = shown.Content
		} else if len(shown.Embeds) == 0 && shown.Content != "" {
			text += "\n\n" + shown.Content
		}
	}
	files, notes, err := a.composeFiles(ctx, d, &first)
	if err != nil {
		return nil, nil, err
	}
	first.files = files
	if d.Author != nil {
		for _, n := range notes {
			text = strings.TrimSpace(text + "\n*" + escape(n, false) + "*")
		}
		if d.ReplyTo != "" && isSnowflake(string(d.ReplyTo)) {
			text = "-# ↩ [in reply to this message](" + a.Link(d.Room, d.Thread, d.ReplyTo) + ")\n" + text
		}
	}
	parts := []part{first}
	for i, s := range split(text, maxContent) {
		if i > 0 {
			parts = append(parts, part{})
		}
		parts[i].content, parts[i].users = s, users
	}
	if p := parts[0]; p.content == "" && len(p.embeds) == 0 && len(p.components) == 0 && len(p.files) == 0 && len(p.keep) == 0 {
		return nil, nil, core.Errorf(core.CodeInvalid, "There is nothing in that message that Discord could show.")
	}
	return parts, notes, nil
}

// composeFiles keeps what is uploaded already and loads the rest. A card shows only files that it names.
func (a *Adapter) composeFiles(ctx context.Context, d core.Delivery, first *part) ([]outFile, []string, error) {
	var missing []core.File
	for _, f := range d.Files {
		if h := d.Handles[f.Blob]; h != "" && d.Op == core.OpEdit && isSnowflake(h) {
			first.keep = append(first.keep, h)
			continue
		}
		missing = append(missing, f)
	}
	return load(ctx, missing)
}

// handles notes under which ids uploaded files lie: in the list of attachments, or in the embed that shows them.
func handles(into map[core.BlobKey]string, files []outFile, m *wireMessage) {
	have := m.allFiles()
	for _, f := range files {
		for _, h := range have {
			if h.Filename == f.name && f.blob != "" {
				into[f.blob] = h.ID
			}
		}
	}
}

const (
	// nonceSafe is how long after its first use a nonce is trusted to lead to the same message.
	nonceSafe = 2 * time.Minute
	// lookBack allows for clocks that differ between us and Discord.
	lookBack = time.Minute
	maxPages = 5
)

// already looks for a part that an earlier try may have posted: a message of ours, later than the last known one and
// than the first try, that shows the same. nil when there is none.
func (a *Adapter) already(ctx context.Context, d core.Delivery, at spot, p part, i int) (*wireMessage, error) {
	if d.Attempt == 0 || d.Author == nil && !d.Since.IsZero() && a.now().Sub(d.Since) < nonceSafe {
		return nil, nil
	}
	after := string(d.After)
	for _, t := range d.Target {
		if newer(string(t), after) {
			after = string(t)
		}
	}
	if !d.Since.IsZero() {
		if s := snowflakeAt(d.Since.Add(-lookBack)); newer(s, after) {
			after = s
		}
	}
	if after == "" {
		return nil, nil
	}
	self, err := a.me(ctx)
	if err != nil {
		return nil, err
	}
	for range maxPages {
		page, err := a.page(ctx, at.channel(), after, 100)
		if err != nil {
			return nil, err
		}
		for k := range page {
			m := &page[k]
			after = m.ID
			match := a.same(d, m, p, nonce(d.ID, i), self)
			if !match || a.sent.has(m.ID) || slices.Contains(d.Target, core.MessageID(m.ID)) {
				continue
			}
			if a.o.Echo != nil {
				taken, err := a.o.Echo.Ours(ctx, d.Room, d.Thread, core.MessageID(m.ID))
				if err != nil {
					return nil, core.Wrap(core.CodeRetry, err)
				}
				if taken {
					continue
				}
			}
			a.sent.put(d.ID, i, m.ID)
			return m, nil
		}
		if len(page) < 100 {
			break
		}
	}
	return nil, nil
}

func (a *Adapter) same(d core.Delivery, m *wireMessage, p part, nonce, self string) bool {
	if d.Author == nil {
		if m.WebhookID != "" || m.Author == nil || m.Author.ID != self {
			return false
		}
		if n := strings.Trim(string(m.Nonce), `"`); n != "" && n != "null" {
			return n == nonce
		}
		return !stale(m, p)
	}
	if m.WebhookID == "" || m.ApplicationID != a.o.ApplicationID && !a.hooks.known(m.WebhookID) {
		return false
	}
	return m.Author != nil && m.Author.Username == shownName(*d.Author) && m.Content == strings.TrimSpace(p.content) && len(m.Attachments) == len(p.files)
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

func (a *Adapter) isForum(ctx context.Context, channel string) bool {
	p, err := a.where(ctx, channel)
	return err == nil && p.isForum()
}

// channelOf is where a message lies: a forum's root messages lie in the threads that they opened.
func (a *Adapter) channelOf(_ context.Context, at spot, message string) string {
	if at.thread == "" {
		if p, ok := a.world.get(at.parent); ok && p.isForum() {
			return message
		}
	}
	return at.channel()
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
		found, err := a.findThread(ctx, at, threadName(d.ThreadName), d.Since)
		if err != nil {
			return r, err
		}
		id = found
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

func (a *Adapter) findThread(ctx context.Context, at spot, name string, since time.Time) (string, error) {
	var out struct {
		Threads []wireChannel `json:"threads"`
	}
	if err := a.rest.do(ctx, call{method: http.MethodGet, route: "GET guilds/threads/active", major: at.guild, path: "guilds/" + at.guild + "/threads/active"}, &out); err != nil {
		return "", err
	}
	for _, t := range out.Threads {
		if t.ParentID == at.parent && t.Name == name && (since.IsZero() || snowflakeTime(t.ID).After(since.Add(-lookBack))) {
			return t.ID, nil
		}
	}
	return "", nil
}
