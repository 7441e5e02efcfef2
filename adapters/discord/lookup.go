package discord

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/adapters/internal/reading"
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

var errNoMessage = errors.New("answer names no message")

// look is what was read of a channel, thread or forum: what we posted there.
type look = reading.Reading[*wireMessage]

// already looks for a part that an earlier try, perhaps of another replica, may have posted. nil says that it is not
// there; when that cannot be known, the error says so and nothing may be posted.
func (a *Adapter) already(ctx context.Context, d core.Delivery, at spot, p part, i int) (*wireMessage, error) {
	if d.Attempt == 0 || !d.Find && d.Author == nil && !d.Since.IsZero() && a.now().Sub(d.Since) < nonceSafe {
		return nil, nil // a nonce does it
	}
	found, err := a.unclaimed(ctx, d, at, a.readPosts)
	if err != nil {
		return nil, err
	}
	m, err := a.pick(ctx, d, at, found, p, i)
	if m != nil {
		a.sent.put(d.ID, i, m.ID)
	}
	return m, err
}

// behind returns the id behind which everything lies that an earlier try may have posted.
func (a *Adapter) behind(d core.Delivery) string {
	since := d.Since
	if since.IsZero() {
		since = a.now().Add(-firstTry)
	}
	after := snowflakeAt(since.Add(-lookBack))
	for _, id := range append([]core.MessageID{d.After}, d.Target...) {
		if isSnowflake(string(id)) && newer(string(id), after) {
			after = string(id)
		}
	}
	return after
}

// unclaimed returns what we posted where an earlier try of a delivery lies, if there was one, oldest first. What other
// deliveries of this process became is left out. One reading serves all deliveries that nobody tried since.
func (a *Adapter) unclaimed(ctx context.Context, d core.Delivery, at spot, read func(context.Context, spot, *look) error) ([]*wireMessage, error) {
	after := a.behind(d)
	all, ok := a.looks.Get(at.channel(), after, d.Tried)
	if !ok {
		r := look{From: after}
		if err := read(ctx, at, &r); err != nil {
			return nil, err
		}
		a.looks.Put(at.channel(), r)
		all = r.Found
	}
	var out []*wireMessage
	for _, m := range all {
		if newer(m.ID, after) && !a.sent.has(m.ID) && !slices.Contains(d.Target, core.MessageID(m.ID)) {
			out = append(out, m)
		}
	}
	return out, nil
}

// readPosts reads a channel or thread up to now and keeps what is ours.
func (a *Adapter) readPosts(ctx context.Context, at spot, r *look) error {
	self, err := a.me(ctx)
	if err != nil {
		return err
	}
	seen, after := false, r.From
	for range maxPages {
		r.At = a.now()
		page, err := a.page(ctx, at.channel(), after, pageSize)
		if err != nil {
			return err
		}
		for k := range page {
			after, seen = page[k].ID, true
			if a.postedByUs(&page[k], self) {
				r.Found = append(r.Found, lean(page[k]))
			}
		}
		if len(page) < pageSize {
			if !seen {
				return a.canRead(ctx, at.channel())
			}
			return nil
		}
	}
	return core.Errorf(core.CodeUnknown, "Too much was said on Discord since to find out whether a message arrived.")
}

// readForum reads what the active posts of a forum begin with and keeps what is ours.
func (a *Adapter) readForum(ctx context.Context, at spot, r *look) error {
	self, err := a.me(ctx)
	if err != nil {
		return err
	}
	r.At = a.now()
	var out struct {
		Threads []wireChannel `json:"threads"`
	}
	if err := a.rest.do(ctx, call{method: http.MethodGet, route: "GET guilds/threads/active", major: at.guild, path: "guilds/" + at.guild + "/threads/active"}, &out); err != nil {
		return err
	}
	slices.SortFunc(out.Threads, func(x, y wireChannel) int {
		if newer(y.ID, x.ID) {
			return -1
		}
		return 1
	})
	for _, t := range out.Threads {
		if t.ParentID != at.parent || !newer(t.ID, r.From) {
			continue
		}
		m, err := a.getMessage(ctx, t.ID, t.ID)
		if core.ErrorCode(err) == core.CodeGone {
			continue // somebody deleted what it began with
		}
		if err != nil {
			return err
		}
		if a.postedByUs(m, self) {
			r.Found = append(r.Found, lean(*m))
		}
	}
	return nil
}

// lean is a message without what a look-up does not compare: readings are kept for a while.
func lean(m wireMessage) *wireMessage {
	m.Components, m.Mentions, m.Reactions, m.Member, m.Thread = nil, nil, nil, nil, nil
	return &m
}

// postedByUs reports whether a message is one that we said, as the bot or through our webhook.
func (a *Adapter) postedByUs(m *wireMessage, self string) bool {
	if m.Type != messageDefault && m.Type != messageReply || m.Author == nil {
		return false // Discord writes in our name too: that a thread was opened
	}
	if m.WebhookID != "" {
		return m.ApplicationID == a.o.ApplicationID || a.hooks.known(m.WebhookID)
	}
	return m.Author.ID == self
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

// likeness says how sure we are that a message is an earlier try.
type likeness int

const (
	unlike likeness = iota
	perhaps
	likely
	same
)

// pick chooses the message that is part i of a delivery. Since one delivery is under way in a thread at a time, what is
// ours there and is not recorded was posted by an earlier try of this one, whatever it says, if its content may have
// changed; where earlier holders tried, it must at least be said by the same author. Else it must say what this part says: a
// process that was frozen may have posted an earlier comment again.
func (a *Adapter) pick(ctx context.Context, d core.Delivery, at spot, found []*wireMessage, p part, i int) (best *wireMessage, err error) {
	how := unlike
	for _, m := range found {
		like := a.like(ctx, d, at, m, p, i)
		if like <= how {
			continue
		}
		taken, err := a.taken(ctx, d, m)
		if err != nil {
			return nil, err
		}
		if !taken {
			best, how = m, like
		}
	}
	return best, nil
}

// taken reports whether a message is recorded as something else: what is being looked for is not recorded yet.
func (a *Adapter) taken(ctx context.Context, d core.Delivery, m *wireMessage) (bool, error) {
	if a.o.Echo == nil || d.Room == "" {
		return false, nil
	}
	taken, err := a.o.Echo.Ours(ctx, d.Room, d.Thread, core.MessageID(m.ID))
	if err != nil {
		return false, core.Wrap(core.CodeRetry, err)
	}
	return taken, nil
}

// like compares a message of ours with part i of a delivery.
func (a *Adapter) like(ctx context.Context, d core.Delivery, at spot, m *wireMessage, p part, i int) likeness {
	anything := d.Changed // whatever it says
	switch {
	case d.Author == nil && m.WebhookID == "":
		return a.likeBot(d, m, p, i, anything)
	case d.Author != nil && m.WebhookID != "":
		by := m.Author.Username == shownName(*d.Author)
		switch {
		case by && sameText(m.Content, p.content) && sameFiles(m.Attachments, p.files):
			return same
		case anything && by:
			return likely
		case anything && d.After != "":
			return perhaps
		}
	case d.Author != nil:
		// Where there was no webhook the bot said it.
		text, lead := a.unsigned(ctx, d, at, i)
		switch {
		case text != "" && sameText(m.Content, text) && sameFiles(m.Attachments, p.files):
			return same
		case anything && strings.HasPrefix(m.Content, lead):
			return likely
		}
	}
	return unlike
}

func (a *Adapter) likeBot(d core.Delivery, m *wireMessage, p part, i int, anything bool) likeness {
	if n := strings.Trim(string(m.Nonce), `"`); n != "" && n != "null" {
		if n == nonce(d.ID, i) {
			return same
		}
		return unlike
	}
	if m.Reference != nil && m.Reference.MessageID != "" && m.Reference.MessageID != p.replyTo {
		return unlike // the answer to somebody's mention
	}
	have := m.embeds()
	switch {
	case !stale(m, p) && len(m.allFiles()) == len(p.files)+len(p.keep):
		return same
	case d.Op == core.OpPost && d.Thread == "" && d.ThreadName != "" && len(have) > 0 && len(p.embeds) > 0 && aboutSame(have[0].Title, p.embeds[0].Title):
		return likely
	case anything && d.After != "" && (len(p.embeds) == 0 || len(have) > 0):
		return perhaps
	}
	return unlike
}

// aboutSame compares the titles of two root cards: they begin with the task's name.
func aboutSame(a, b string) bool {
	a, _, _ = strings.Cut(a, " ")
	b, _, _ = strings.Cut(b, " ")
	return a != "" && a == b
}

// unsigned returns what part i says where the bot says it for its author, and how the first part begins.
func (a *Adapter) unsigned(ctx context.Context, d core.Delivery, at spot, i int) (text, lead string) {
	lead = strings.TrimSpace(newPrinter(nil).print(core.RichText{core.Para(signature(*d.Author)...)}))
	d = named(d)
	d.Files = nil
	if parts, _, err := a.compose(ctx, d, at); err == nil && i < len(parts) {
		text = parts[i].content
	}
	return text, lead
}

func sameText(a, b string) bool { return strings.TrimSpace(a) == strings.TrimSpace(b) }

func sameFiles(have []wireAttachment, want []outFile) bool {
	return slices.EqualFunc(have, want, func(h wireAttachment, w outFile) bool { return h.Filename == w.name && h.Size == int64(len(w.data)) })
}

// surplus returns what is left of an earlier try: parts that the text had then and has not now. The receipt names them, so
// that they are taken back.
func (a *Adapter) surplus(ctx context.Context, d core.Delivery, at spot) ([]core.MessageID, error) {
	if d.Attempt == 0 || !d.Changed || d.After == "" || d.Author == nil {
		return nil, nil
	}
	found, err := a.unclaimed(ctx, d, at, a.readPosts)
	if err != nil {
		return nil, err
	}
	var out []core.MessageID
	for _, m := range found {
		if m.WebhookID == "" || m.Author.Username != shownName(*d.Author) {
			continue
		}
		taken, err := a.taken(ctx, d, m)
		if err != nil {
			return nil, err
		}
		if !taken {
			out = append(out, core.MessageID(m.ID))
		}
	}
	return out, nil
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
func (a *Adapter) forumPost(ctx context.Context, d core.Delivery, at spot, parts []part, r core.Receipt) (_ core.Receipt, err error) {
	defer func() {
		if err != nil {
			a.looks.Drop(at.parent)
		}
	}()
	if len(r.Parts) > 0 {
		return a.forumRest(ctx, d, at, parts, r)
	}
	id := a.sent.get(d.ID, 0)
	if id == "" && d.Attempt > 0 {
		found, err := a.unclaimed(ctx, d, at, a.readForum)
		if err != nil {
			return r, err
		}
		m, err := a.pick(ctx, d, at, found, parts[0], 0)
		if err != nil {
			return r, err
		}
		if m != nil {
			id = m.ID
			handles(r.Handles, parts[0].files, m)
		}
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
			return r, core.Wrap(core.CodeUnknown, errNoMessage)
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
	r.Parts = append(r.Parts, core.MessageID(id))
	return a.forumRest(ctx, d, at, parts, r)
}

// forumRest posts what is longer than one message into the thread that the first one began.
func (a *Adapter) forumRest(ctx context.Context, d core.Delivery, at spot, parts []part, r core.Receipt) (core.Receipt, error) {
	r.Thread = core.ThreadID(r.Parts[0])
	d.Thread, at.thread = r.Thread, string(r.Thread)
	for i := len(r.Parts); i < len(parts); i++ {
		m, err := a.postPart(ctx, d, at, parts[i], i)
		if err != nil {
			return r, err
		}
		r.Parts = append(r.Parts, core.MessageID(m.ID))
		handles(r.Handles, parts[i].files, m)
	}
	return r, nil
}
