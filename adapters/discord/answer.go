package discord

import (
	"context"
	"net/http"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

const (
	// settling is how long an interaction's webhook may be unknown yet: its acknowledgement may still be on the way,
	// from this process or from another.
	settling  = 5 * time.Second
	maxDirect = 10_000
)

// answer tells one person something privately, through the handle of what they did.
func (a *Adapter) answer(ctx context.Context, d core.Delivery) (core.Receipt, error) {
	switch d.Reply.Kind {
	case core.ReplyInMessage:
		return a.direct(ctx, d)
	case core.ReplyMention:
		return a.answerMention(ctx, d)
	case core.ReplyDeferred, core.ReplyReplace, core.ReplyFollowup:
	default:
		return core.Receipt{}, core.Errorf(core.CodeUnsupp, "There is no way to answer that on Discord.")
	}
	if d.Reply.Token == "" || !d.Reply.Expires.IsZero() && a.now().After(d.Reply.Expires) {
		return core.Receipt{}, core.Errorf(core.CodeGone, "Discord no longer takes an answer to that.")
	}
	guild, _, _ := parseRoom(d.Room)
	parts, _, err := a.compose(ctx, d, spot{guild: guild})
	if err != nil {
		return core.Receipt{}, err
	}
	r := core.Receipt{}
	for i, p := range parts {
		// Filling the original twice shows the newest; only further messages could double.
		original := i == 0 && d.Reply.Kind != core.ReplyFollowup
		if id := a.sent.get(d.ID, i); id != "" && !original {
			r.Parts = append(r.Parts, core.MessageID(id))
			continue
		}
		var m wireMessage
		if err := a.answerPart(ctx, d, p, original, &m); err != nil {
			return r, err
		}
		a.sent.put(d.ID, i, m.ID)
		r.Parts = append(r.Parts, core.MessageID(m.ID))
	}
	return r, nil
}

// answerPart fills the interaction's own answer, or adds a private message to it.
func (a *Adapter) answerPart(ctx context.Context, d core.Delivery, p part, original bool, m *wireMessage) error {
	body := p.payload()
	c := call{method: http.MethodPost, route: "POST webhooks/app", path: "webhooks/" + a.o.ApplicationID + "/" + d.Reply.Token, upload: &upload{files: p.files}, exempt: true, eff: creating}
	if original {
		c.method, c.route, c.eff = http.MethodPatch, "PATCH webhooks/app/original", repeatable
		c.path += "/messages/@original"
	} else {
		body.Flags = flagEphemeral
	}
	c.body = body
	began := d.Reply.Expires.Add(-tokenLife)
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		err := a.rest.do(ctx, c, m)
		early := a.now().Sub(began) < settling && !d.Reply.Expires.IsZero()
		if core.ErrorCode(err) != core.CodeGone || !early {
			return err
		}
		if serr := a.clock.Sleep(ctx, wait); serr != nil {
			return err
		}
	}
}

// answerMention answers a mention where it was made, as a reply for all to read that notifies nobody: Discord has nothing
// private there. Each of its buttons asks whoever presses it who they are, and answers them alone. What is for who asked
// alone is not shown, but how to get it.
func (a *Adapter) answerMention(ctx context.Context, d core.Delivery) (core.Receipt, error) {
	guild, channel, err := parseRoom(d.Room)
	if err != nil {
		return core.Receipt{}, err
	}
	if d.Card != nil && d.Card.Private {
		d.Text, d.Files = core.Plain(a.elsewhere(d)), nil
		d.Card = nil
	}
	at := spot{guild: guild, parent: channel, thread: string(d.Thread)}
	d.Author, d.ReplyTo = nil, ""
	parts, _, err := a.compose(ctx, d, at)
	if err != nil {
		return core.Receipt{}, err
	}
	r := core.Receipt{}
	for i, p := range parts {
		p.users = nil
		if isSnowflake(string(d.Reply.Message)) {
			p.replyTo = string(d.Reply.Message) // every part: a look-up for something else tells by it that this is none of its
		}
		m, err := a.postPart(ctx, d, at, p, i)
		if err != nil {
			return r, err
		}
		r.Parts = append(r.Parts, core.MessageID(m.ID))
	}
	return r, nil
}

// elsewhere says how somebody gets an answer that nobody else may see.
func (a *Adapter) elsewhere(d core.Delivery) string {
	if path := a.verbs.path(d.Card.Verb); path != "" {
		return d.T("Only you may see that: type /%s, or write to me directly.", path)
	}
	return d.T("That answer is for you alone. Please use the command with a slash, or write to me directly.")
}

// direct writes to a person, opening the conversation where needed.
func (a *Adapter) direct(ctx context.Context, d core.Delivery) (core.Receipt, error) {
	user, err := parseIdentity(d.To)
	if err != nil {
		return core.Receipt{}, err
	}
	parts, _, err := a.compose(ctx, d, spot{})
	if err != nil {
		return core.Receipt{}, err
	}
	channel, err := a.conversation(ctx, user)
	if err != nil {
		return core.Receipt{}, err
	}
	r := core.Receipt{}
	d.Author, d.ReplyTo = nil, ""
	for i, p := range parts {
		m, err := a.postPart(ctx, d, spot{parent: channel}, p, i)
		if err != nil {
			return r, err
		}
		r.Parts = append(r.Parts, core.MessageID(m.ID))
	}
	return r, nil
}

func (a *Adapter) conversation(ctx context.Context, user string) (string, error) {
	a.mu.Lock()
	id := a.dms[user]
	a.mu.Unlock()
	if id != "" {
		return id, nil
	}
	var c wireChannel
	if err := a.rest.do(ctx, call{method: http.MethodPost, route: "POST users/@me/channels", path: "users/@me/channels", body: map[string]string{"recipient_id": user}}, &c); err != nil {
		return "", err
	}
	if !isSnowflake(c.ID) {
		return "", core.Errorf(core.CodeRetry, "Discord gave no conversation.")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.dms) >= maxDirect {
		clear(a.dms)
	}
	a.dms[user] = c.ID
	return c.ID, nil
}
