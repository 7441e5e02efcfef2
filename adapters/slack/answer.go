package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"

	slackgo "github.com/slack-go/slack"

	"github.com/atelier-bridge/atelier/core"
)

// answer sends a private answer to the interaction's response URL.
func (a *Adapter) answer(ctx context.Context, d core.Delivery) (core.Receipt, error) {
	i, err := a.some()
	if err != nil {
		return core.Receipt{}, err
	}
	team := ""
	if t, _, err := parseIdentity(d.To); err == nil {
		team = t
	} else if t, _, err := parseRoom(d.Room); err == nil {
		team = t
	}
	if team != "" {
		if i, err = a.in(ctx, team); err != nil {
			return core.Receipt{}, err
		}
	}
	s := &sending{i: i, d: d, team: team, handles: maps.Clone(d.Handles)}
	msgs, err := s.render(ctx)
	if err != nil {
		return core.Receipt{}, err
	}
	for n, c := range msgs {
		if n > 0 && d.Reply.Kind == core.ReplyReplace {
			d.Reply.Kind = core.ReplyFollowup
		}
		err := a.respond(ctx, d, c)
		if staleFile(err) && n == 0 {
			s.forget()
			if msgs, err = s.render(ctx); err == nil {
				err = a.respond(ctx, d, msgs[0])
			}
		}
		if err != nil {
			return s.receipt(nil), err
		}
	}
	return s.receipt(nil), nil
}

// respond posts to a response URL: exact JSON, no token, and no word of the URL in any error.
func (a *Adapter) respond(ctx context.Context, d core.Delivery, c content) error {
	if !a.trusted(d.Reply.Token) {
		return core.Errorf(core.CodeGone, "slack: the answer's address is not Slack's")
	}
	replace := d.Reply.Kind == core.ReplyReplace
	body := map[string]any{"response_type": "ephemeral", "replace_original": replace, "text": c.text}
	if len(c.blocks) > 0 {
		body["blocks"] = c.blocks
	}
	if d.Thread != "" && d.Reply.Message != "" && string(d.Thread) != string(d.Reply.Message) {
		body["thread_ts"] = string(d.Thread) // the pressed message lies in the thread; a root's answer stays in the channel
	}
	text, err := marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.Reply.Token, bytes.NewReader([]byte(text)))
	if err != nil {
		return core.Wrap(core.CodeGone, transport(err))
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	resp, err := a.http.Do(req)
	if err != nil {
		return classify(transport(err), !replace)
	}
	defer drain(resp.Body)
	switch {
	case resp.StatusCode == http.StatusOK:
		return nil
	case resp.StatusCode == http.StatusTooManyRequests:
		return classify(&limited{retryAfter(resp.Header)}, false)
	case resp.StatusCode >= http.StatusInternalServerError:
		return classify(&badStatus{resp.StatusCode}, !replace)
	}
	var e struct {
		Error    string `json:"error"`
		Metadata struct {
			Messages []string `json:"messages"`
		} `json:"response_metadata"`
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err == nil && json.Unmarshal(data, &e) == nil && e.Error != "" {
		return classify(&apiError{Method: "response_url", Code: e.Error, Messages: e.Metadata.Messages}, false)
	}
	return core.Wrap(core.CodeGone, &badStatus{resp.StatusCode})
}

// mention answers a mention so that only its author sees it.
func (s *sending) mention(ctx context.Context) (core.Receipt, error) {
	_, user, err := parseIdentity(s.d.To)
	if err != nil {
		return core.Receipt{}, err
	}
	if s.d.Reply.Kind != core.ReplyMention {
		return core.Receipt{}, core.Errorf(core.CodeUnsupp, "slack: no way to answer %s", s.d.Reply.Kind)
	}
	msgs, err := s.render(ctx)
	if err != nil {
		return core.Receipt{}, err
	}
	for _, c := range msgs {
		form, err := s.form(c)
		if err != nil {
			return core.Receipt{}, err
		}
		form.Set("user", user)
		if s.d.Thread != "" {
			form.Set("thread_ts", string(s.d.Thread))
		}
		err = s.i.do(ctx, "chat.postEphemeral", "", true, func(ctx context.Context) error { return s.i.call(ctx, "chat.postEphemeral", form, nil) })
		if err != nil {
			return core.Receipt{}, err
		}
	}
	return s.receipt(nil), nil
}

// direct writes to one person.
func (a *Adapter) direct(ctx context.Context, d core.Delivery) (core.Receipt, error) {
	team, user, err := parseIdentity(d.To)
	if err != nil {
		return core.Receipt{}, err
	}
	i, err := a.in(ctx, team)
	if err != nil {
		return core.Receipt{}, err
	}
	channel, ok := i.directs.get(user, a.o.Clock.Now())
	if !ok {
		err = i.do(ctx, "conversations.open", "", false, func(ctx context.Context) error {
			c, _, _, err := i.api.OpenConversationContext(ctx, &slackgo.OpenConversationParameters{Users: []string{user}})
			if err == nil {
				channel = c.ID
			}
			return fromLibrary("conversations.open", err)
		})
		if err != nil {
			return core.Receipt{}, err
		}
		i.directs.put(user, channel, a.o.Clock.Now())
	}
	d.Thread, d.ThreadName = "", ""
	s := &sending{i: i, d: d, team: team, channel: channel, handles: maps.Clone(d.Handles)}
	return s.post(ctx)
}
