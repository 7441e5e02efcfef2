package discordsim

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
)

// send puts an interaction on its way: over the gateway, or as a signed POST.
func (t *tx) send(in *interaction, data obj, m *message) {
	s := t.s
	payload := s.interactionJSON(in, data, m)
	t.put(kindInteraction, in.ID, in)
	t.touched = true
	t.after = append(t.after, func() { s.watch(in) })
	if s.takeFault(func(f *activeFault) bool { return f.Kind == "interaction_lost" }) != nil {
		return
	}
	if s.o.InteractionsURL == "" {
		t.events = append(t.events, event{name: "INTERACTION_CREATE", data: payload})
		return
	}
	body, err := json.Marshal(payload)
	if err != nil {
		s.log.Error("simulator could not encode an interaction", "err", err)
		return
	}
	t.after = append(t.after, func() { s.work.Go(func() { s.postInteraction(in, body) }) })
}

func (s *Server) interactionJSON(in *interaction, data obj, m *message) obj {
	ch := s.channels[in.ChannelID]
	u := s.users[in.UserID]
	locale := u.Locale
	if locale == "" {
		locale = "en-US"
	}
	shown := s.channelJSON(ch, in.UserID)
	shown["permissions"] = strconv.FormatUint(s.permissions(in.UserID, ch), 10)
	o := obj{
		"id": in.ID, "application_id": s.o.ApplicationID, "type": in.Type, "token": in.Token, "version": 1, "channel_id": ch.ID, "channel": shown,
		"locale": locale, "entitlements": []obj{}, "entitlement_sku_ids": []string{}, "authorizing_integration_owners": obj{"0": s.home(ch).ID},
		"context": 0, "attachment_size_limit": maxFile, "app_permissions": strconv.FormatUint(s.permissions(s.o.BotUserID, ch), 10), "data": data,
	}
	if ch.isDM() {
		o["user"], o["context"], o["authorizing_integration_owners"] = s.userJSON(u.ID), 1, obj{"0": "0"}
	} else {
		mem := s.memberJSON(u.ID)
		mem["permissions"] = strconv.FormatUint(s.permissions(u.ID, ch), 10)
		o["guild_id"], o["guild_locale"], o["member"] = s.home(ch).ID, "en-US", mem
		o["guild"] = obj{"id": s.home(ch).ID, "locale": "en-US", "features": []string{}}
	}
	if m != nil {
		o["message"] = s.messageJSON(m, s.o.BotUserID)
	}
	return o
}

// signedPost sends a body as Discord's servers do.
func (s *Server) signedPost(ctx context.Context, body []byte, bad bool) (*http.Response, error) {
	ts := strconv.FormatInt(s.now().Unix(), 10)
	sig := ed25519.Sign(s.o.PrivateKey, append([]byte(ts), body...))
	if bad {
		sig[0] ^= 0xff
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.o.InteractionsURL, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("interaction request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Discord-Interactions/1.0 (+https://discord.com)")
	req.Header.Set("X-Signature-Ed25519", hex.EncodeToString(sig))
	req.Header.Set("X-Signature-Timestamp", ts)
	return s.o.Client.Do(req)
}

func (s *Server) postInteraction(in *interaction, body []byte) {
	ctx, cancel := context.WithTimeout(s.ctx, s.o.AckWindow)
	defer cancel()
	res, err := s.signedPost(ctx, body, false)
	if err != nil {
		s.log.Warn("interaction could not be delivered", "interaction", in.ID, "err", err)
		return
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusAccepted || res.StatusCode == http.StatusNoContent {
		// The app will answer by the callback.
		return
	}
	c := &call{r: &http.Request{Method: http.MethodPost, Header: res.Header}, version: 10, body: fields{}}
	if err := readAnswer(c, res); err != nil {
		s.log.Warn("answer to an interaction could not be read", "interaction", in.ID, "status", res.StatusCode, "err", err)
		s.expire(in.ID)
		return
	}
	err = s.update(func(t *tx) error {
		if err := s.answerable(in, in.Token); err != nil {
			return err
		}
		_, err := t.respond(in, c)
		return err
	})
	var e *apiError
	if err != nil && !(errors.As(err, &e) && e.Code == 40060) {
		s.log.Warn("answer to an interaction was refused", "interaction", in.ID, "err", err)
		s.expire(in.ID)
	}
}

func readAnswer(c *call, res *http.Response) error {
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", res.StatusCode)
	}
	limited := io.LimitReader(res.Body, maxRequest)
	ct, params, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if ct == "multipart/form-data" {
		return readMultipart(c, multipart.NewReader(limited, params["boundary"]))
	}
	b, err := io.ReadAll(limited)
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if ct != "application/json" || len(b) == 0 {
		return fmt.Errorf("content type %q with %d bytes", ct, len(b))
	}
	return c.setJSON(b)
}

// Ping checks the interactions endpoint as the developer portal does before it accepts a URL: a signed PING must be answered by PONG, one with a
// bad signature by 401.
func (s *Server) Ping(ctx context.Context) error {
	body, err := json.Marshal(obj{"id": "1", "application_id": s.o.ApplicationID, "type": interPing, "token": "ping", "version": 1, "entitlements": []obj{}})
	if err != nil {
		return fmt.Errorf("encode ping: %w", err)
	}
	res, err := s.signedPost(ctx, body, false)
	if err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	defer res.Body.Close()
	c := &call{r: &http.Request{Method: http.MethodPost}, version: 10, body: fields{}}
	if err := readAnswer(c, res); err != nil {
		return fmt.Errorf("answer to ping: %w", err)
	}
	typ := 0
	if c.body.get("type", &typ); typ != replyPong {
		return fmt.Errorf("answer to ping has type %d", typ)
	}
	res, err = s.signedPost(ctx, body, true)
	if err != nil {
		return fmt.Errorf("ping with bad signature: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusUnauthorized {
		return fmt.Errorf("ping with bad signature was answered by %d", res.StatusCode)
	}
	return nil
}
