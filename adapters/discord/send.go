package discord

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"

	"github.com/atelier-bridge/atelier/core"
)

// mentions says whom a message may notify. Its list of kinds is always there and empty: left out, everybody named in
// the text would be.
type mentions struct {
	Parse       []string `json:"parse"`
	Users       []string `json:"users,omitempty"`
	RepliedUser bool     `json:"replied_user"`
}

func silent() *mentions { return &mentions{Parse: []string{}} }

func allow(users []string) *mentions {
	m := silent()
	for _, u := range users {
		if !slices.Contains(m.Users, u) && len(m.Users) < 100 {
			m.Users = append(m.Users, u)
		}
	}
	return m
}

// payload is the body of a message, new or changed. Pointers tell what is left as it is from what is emptied.
type payload struct {
	Content      *string          `json:"content,omitempty"`
	Embeds       *[]embed         `json:"embeds,omitempty"`
	Components   *[]actionRow     `json:"components,omitempty"`
	Attachments  *[]attachmentRef `json:"attachments,omitempty"`
	Mentions     *mentions        `json:"allowed_mentions"`
	Flags        int              `json:"flags,omitempty"`
	Nonce        string           `json:"nonce,omitempty"`
	EnforceNonce bool             `json:"enforce_nonce,omitempty"`
	Reference    *replyTo         `json:"message_reference,omitempty"`
	Username     string           `json:"username,omitempty"`
	AvatarURL    string           `json:"avatar_url,omitempty"`
	ThreadName   string           `json:"thread_name,omitempty"`
}

type replyTo struct {
	MessageID string `json:"message_id"`
	FailIfNot bool   `json:"fail_if_not_exists"`
}

// part is one message of a delivery.
type part struct {
	content    string
	embeds     []embed
	components []actionRow
	users      []string
	files      []outFile
	keep       []string // ids of attachments that stay
	replyTo    string   // the message that it answers; Discord shows that of bots only
}

func (p part) payload() payload {
	refs := []attachmentRef{}
	for _, id := range p.keep {
		refs = append(refs, attachmentRef{ID: id})
	}
	for i, f := range p.files {
		refs = append(refs, attachmentRef{ID: i, Filename: f.name, Description: f.alt})
	}
	if p.embeds == nil {
		p.embeds = []embed{}
	}
	if p.components == nil {
		p.components = []actionRow{}
	}
	return payload{Content: &p.content, Embeds: &p.embeds, Components: &p.components, Attachments: &refs, Mentions: allow(p.users)}
}

// Deliver makes one delivery happen.
func (a *Adapter) Deliver(ctx context.Context, d core.Delivery) (core.Receipt, error) {
	switch d.Op {
	case core.OpAnswer:
		return a.answer(ctx, d)
	case core.OpDirect:
		return a.direct(ctx, d)
	}
	guild, channel, err := parseRoom(d.Room)
	if err != nil {
		return core.Receipt{Parts: d.Target}, err
	}
	at := spot{guild: guild, parent: channel, thread: string(d.Thread)}
	if at.thread != "" && !isSnowflake(at.thread) {
		return core.Receipt{Parts: d.Target}, core.Errorf(core.CodeInvalid, "That is no Discord thread.")
	}
	for _, t := range d.Target {
		if !isSnowflake(string(t)) {
			return core.Receipt{Parts: d.Target}, core.Errorf(core.CodeInvalid, "That is no Discord message.")
		}
	}
	switch d.Op {
	case core.OpPost, core.OpEdit:
		act := a.post
		if d.Op == core.OpEdit {
			act = a.edit
		}
		r, err := act(ctx, d, at)
		var none *noHook
		if d.Author != nil && errors.As(err, &none) {
			a.log.WarnContext(ctx, "no webhook here, so the author's name stands in the text", "room", d.Room, "error", err)
			return act(ctx, named(d), at)
		}
		return r, err
	case core.OpDelete:
		return core.Receipt{}, a.remove(ctx, d, at)
	case core.OpReact, core.OpUnreact:
		return core.Receipt{Parts: d.Target}, a.emote(ctx, d, at)
	}
	return core.Receipt{}, core.Errorf(core.CodeUnsupp, "Discord cannot do that.")
}

// named is a delivery as the bot itself, with the author's name in the text.
func named(d core.Delivery) core.Delivery {
	lead := signature(*d.Author)
	if len(d.Text) > 0 && d.Text[0].Kind == core.NodeParagraph {
		d.Text = append(core.RichText{core.Para(append(lead, d.Text[0].Children...)...)}, d.Text[1:]...)
	} else {
		d.Text = append(core.RichText{core.Para(lead...)}, d.Text...)
	}
	d.Author, d.Changed = nil, false // what an earlier try left with other words was looked for before
	return d
}

// signature is how a message begins that the bot says for its author.
func signature(au core.Author) []core.Node {
	return []core.Node{core.Bold(shownName(au)), core.Text(": ")}
}

// spot is where a delivery goes.
type spot struct{ guild, parent, thread string }

// channel is the id that messages there are addressed by.
func (s spot) channel() string {
	if s.thread != "" {
		return s.thread
	}
	return s.parent
}

// post brings the missing parts of a new message into the world, then opens its thread.
func (a *Adapter) post(ctx context.Context, d core.Delivery, at spot) (core.Receipt, error) {
	r := core.Receipt{Parts: slices.Clone(d.Target), Handles: map[core.BlobKey]string{}}
	if d.OpenOn != "" && d.Thread == "" {
		th, err := a.openThread(ctx, at.parent, string(d.OpenOn), d.ThreadName)
		if err != nil {
			return r, err
		}
		d.Thread, at.thread, r.Thread = th, string(th), th
	}
	parts, notes, err := a.compose(ctx, d, at)
	if err != nil {
		return r, err
	}
	r.Notes = notes
	if d.Thread == "" && d.ThreadName+d.Topic != "" && a.isForum(ctx, at.parent) {
		if d.ThreadName == "" {
			d.ThreadName = d.Topic
		}
		return a.forumPost(ctx, d, at, parts, r)
	}
	for i := len(r.Parts); i < len(parts); i++ {
		m, err := a.postPart(ctx, d, at, parts[i], i)
		if err != nil {
			return r, err
		}
		if m == nil {
			return r, nil // it was only looked for
		}
		r.Parts = append(r.Parts, core.MessageID(m.ID))
		d.Target = r.Parts // the next one lies behind it
		handles(r.Handles, parts[i].files, m)
	}
	more, err := a.surplus(ctx, d, at)
	if err != nil {
		return r, err
	}
	r.Parts = append(r.Parts, more...)
	if d.Thread == "" && d.ThreadName != "" && len(r.Parts) > 0 {
		if r.Thread, err = a.openThread(ctx, at.parent, string(r.Parts[0]), d.ThreadName); err != nil {
			return r, err
		}
	}
	return r, nil
}

// postPart sends one part, unless it is there already.
func (a *Adapter) postPart(ctx context.Context, d core.Delivery, at spot, p part, i int) (*wireMessage, error) {
	if id := a.sent.get(d.ID, i); id != "" {
		return &wireMessage{ID: id}, nil
	}
	if i == 0 && d.Author == nil && isSnowflake(string(d.ReplyTo)) {
		p.replyTo = string(d.ReplyTo)
	}
	found, err := a.already(ctx, d, at, p, i)
	if err != nil || found != nil || d.Find {
		return found, err
	}
	var m wireMessage
	if d.Author != nil {
		err = a.viaHook(ctx, at.parent, func(h hook) error {
			body := p.payload()
			body.Username, body.AvatarURL = shownName(*d.Author), a.shownAvatar(d.Author.Avatar)
			c := a.hookCall(ctx, h, at.parent, at.thread, http.MethodPost, "")
			c.body, c.upload = body, &upload{files: p.files}
			return a.rest.do(ctx, c, &m)
		})
	} else {
		body := p.payload()
		body.Nonce, body.EnforceNonce = nonce(d.ID, i), true
		if p.replyTo != "" {
			body.Reference = &replyTo{MessageID: p.replyTo}
		}
		m, err = a.create(ctx, at.channel(), body, p.files)
	}
	if err == nil && !isSnowflake(m.ID) {
		err = core.Wrap(core.CodeUnknown, errNoMessage)
	}
	if err != nil {
		a.looks.Drop(at.channel()) // what was read there may have become old
		return nil, err
	}
	a.sent.put(d.ID, i, m.ID)
	if d.Attempt > 0 && d.Author == nil && stale(&m, p) {
		// The nonce led to what an earlier try posted, which shows what was true then.
		if err := a.patch(ctx, d, at, m.ID, part{content: p.content, embeds: p.embeds, components: p.components, users: p.users, keep: attachmentIDs(&m)}, &m); err != nil {
			a.log.WarnContext(ctx, "earlier try not brought up to date", "delivery", d.ID, "error", err)
		}
	}
	return &m, nil
}

// create posts as the bot.
func (a *Adapter) create(ctx context.Context, channel string, body payload, files []outFile) (m wireMessage, err error) {
	c := call{method: http.MethodPost, route: "POST channels/messages", major: channel, path: "channels/" + channel + "/messages", body: body, upload: &upload{files: files}, eff: creating}
	err = a.rest.do(ctx, c, &m)
	return m, err
}

func stale(m *wireMessage, p part) bool {
	if !sameText(m.Content, p.content) {
		return true
	}
	have := m.embeds()
	return len(p.embeds) > 0 && (len(have) == 0 || have[0].Title != p.embeds[0].Title || have[0].Description != p.embeds[0].Description)
}

func attachmentIDs(m *wireMessage) []string {
	var out []string
	for _, f := range m.allFiles() {
		out = append(out, f.ID)
	}
	return out
}

// openThread starts the thread on a message; one that exists is that thread, whose id is the message's.
func (a *Adapter) openThread(ctx context.Context, channel, message, name string) (core.ThreadID, error) {
	c := call{method: http.MethodPost, route: "POST channels/messages/threads", major: channel, path: "channels/" + channel + "/messages/" + message + "/threads",
		body: map[string]any{"name": threadName(name), "auto_archive_duration": 10080}}
	var th wireChannel
	err := a.rest.do(ctx, c, &th)
	if apiCode(err) == codeThreadExists {
		return core.ThreadID(message), nil
	}
	if err != nil {
		return "", err
	}
	a.world.put(th)
	return core.ThreadID(th.ID), nil
}

func threadName(s string) string {
	if s = clip(s, 100); s == "" {
		s = "Atelier"
	}
	return s
}

// edit changes messages in place; parts that are new are added, parts too many removed.
func (a *Adapter) edit(ctx context.Context, d core.Delivery, at spot) (core.Receipt, error) {
	r := core.Receipt{Parts: slices.Clone(d.Target), Handles: map[core.BlobKey]string{}}
	parts, notes, err := a.compose(ctx, d, at)
	if err != nil {
		return r, err
	}
	r.Notes = notes
	gone := 0
	for i := range min(len(parts), len(d.Target)) {
		var m wireMessage
		err := a.awake(ctx, at, func() error { return a.patch(ctx, d, at, string(d.Target[i]), parts[i], &m) })
		if core.ErrorCode(err) == core.CodeGone {
			a.sent.drop(string(d.Target[i]))
			a.looks.Drop(at.channel())
			gone++
			continue
		}
		if err != nil {
			return r, err
		}
		if i == 0 {
			for _, f := range d.Files {
				if h := d.Handles[f.Blob]; h != "" {
					r.Handles[f.Blob] = h
				}
			}
			handles(r.Handles, parts[i].files, &m)
		}
	}
	if gone > 0 && gone >= min(len(parts), len(d.Target)) {
		return r, core.Errorf(core.CodeGone, "The Discord message is no longer there.")
	}
	for i := len(d.Target); i < len(parts); i++ {
		m, err := a.postPart(ctx, d, at, parts[i], i)
		if err != nil {
			return r, err
		}
		r.Parts = append(r.Parts, core.MessageID(m.ID))
	}
	if extra := len(d.Target) - max(len(parts), 1); extra > 0 {
		rest := d
		rest.Target = d.Target[len(d.Target)-extra:]
		if err := a.remove(ctx, rest, at); err != nil {
			return r, err
		}
		r.Parts = r.Parts[:len(d.Target)-extra]
	}
	return r, nil
}

// patch changes one message, as whoever posted it.
func (a *Adapter) patch(ctx context.Context, d core.Delivery, at spot, id string, p part, m *wireMessage) error {
	if d.Author != nil {
		return a.viaHook(ctx, at.parent, func(h hook) error {
			c := a.hookCall(ctx, h, at.parent, at.thread, http.MethodPatch, id)
			c.body, c.upload = p.payload(), &upload{files: p.files}
			return a.rest.do(ctx, c, m)
		})
	}
	channel := a.channelOf(ctx, at, id)
	c := call{method: http.MethodPatch, route: "PATCH channels/messages/id", major: channel, path: "channels/" + channel + "/messages/" + id, body: p.payload(), upload: &upload{files: p.files}}
	return a.rest.do(ctx, c, m)
}

// remove deletes messages; those that are gone already count as deleted.
func (a *Adapter) remove(ctx context.Context, d core.Delivery, at spot) error {
	for _, t := range d.Target {
		id := string(t)
		channel := a.channelOf(ctx, at, id)
		c := call{method: http.MethodDelete, route: "DELETE channels/messages/id", major: channel, path: "channels/" + channel + "/messages/" + id}
		err := a.awake(ctx, at, func() error { return a.rest.do(ctx, c, nil) })
		if core.ErrorCode(err) == core.CodeForbidden && apiCode(err) != codeMissingAccess {
			// Without the permission to manage messages the webhook can still take back its own.
			err = a.viaHook(ctx, at.parent, func(h hook) error {
				return a.rest.do(ctx, a.hookCall(ctx, h, at.parent, at.thread, http.MethodDelete, id), nil)
			})
		}
		if err != nil && core.ErrorCode(err) != core.CodeGone {
			return err
		}
		a.sent.drop(id)
	}
	return nil
}

// emote puts the app's reaction on a message or takes it back.
func (a *Adapter) emote(ctx context.Context, d core.Delivery, at spot) error {
	if len(d.Target) == 0 {
		return nil
	}
	emoji, err := a.reactionPath(at.guild, d.Emoji)
	if err != nil {
		return err
	}
	id := string(d.Target[0])
	channel := a.channelOf(ctx, at, id)
	c := call{method: http.MethodPut, route: "PUT channels/messages/reactions", major: channel, path: "channels/" + channel + "/messages/" + id + "/reactions/" + emoji + "/@me"}
	if d.Op == core.OpUnreact {
		c.method, c.route = http.MethodDelete, "DELETE channels/messages/reactions"
	}
	err = a.awake(ctx, at, func() error { return a.rest.do(ctx, c, nil) })
	if d.Op == core.OpUnreact && (core.ErrorCode(err) == core.CodeGone || apiCode(err) == codeUnknownEmoji) {
		return nil
	}
	return err
}

// awake runs a call that an archived thread refuses, waking the thread once.
func (a *Adapter) awake(ctx context.Context, at spot, do func() error) error {
	err := do()
	if at.thread == "" || apiCode(err) != codeArchived {
		return err
	}
	c := call{method: http.MethodPatch, route: "PATCH channels", major: at.thread, path: "channels/" + at.thread, body: map[string]bool{"archived": false}}
	if err := a.rest.do(ctx, c, nil); err != nil {
		return err
	}
	return do()
}

// nonce is the same for each try of a part. Discord takes 25 characters.
func nonce(id core.DeliveryID, part int) string {
	return core.Digest(24, string(id), string(rune('0'+part%64)))
}

// maxSent bounds the memory of what this process posted.
const maxSent = 8192

// sentLog remembers which message a part of a delivery became: it spares this process a look-up. Nothing depends on
// it, since the next try may be another replica's.
type sentLog struct {
	mu    sync.Mutex
	by    map[string]string
	order []string
	ids   map[string]bool
}

func newSentLog() *sentLog { return &sentLog{by: map[string]string{}, ids: map[string]bool{}} }

func (l *sentLog) put(d core.DeliveryID, part int, id string) {
	key := nonce(d, part)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.order) >= maxSent {
		old := l.order[0]
		l.order = l.order[1:]
		delete(l.ids, l.by[old])
		delete(l.by, old)
	}
	if _, known := l.by[key]; !known {
		l.order = append(l.order, key)
	}
	l.by[key] = id
	l.ids[id] = true
}

func (l *sentLog) get(d core.DeliveryID, part int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.by[nonce(d, part)]
}

// drop forgets a message that was deleted: it stands for nothing any more.
func (l *sentLog) drop(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ids[id] {
		return
	}
	delete(l.ids, id)
	for key, have := range l.by {
		if have == id {
			delete(l.by, key)
			l.order = slices.DeleteFunc(l.order, func(k string) bool { return k == key })
		}
	}
}

func (l *sentLog) has(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ids[id]
}
