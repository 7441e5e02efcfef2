package slacksim

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Sign returns the value of X-Slack-Signature for a body sent at a time, under the workspace's signing secret.
func (s *Server) Sign(ts string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(s.opt.SigningSecret))
	fmt.Fprintf(mac, "v0:%s:", ts)
	mac.Write(body)
	return "v0=" + hex.EncodeToString(mac.Sum(nil))
}

// httpAnswer is what an endpoint of the app said.
type httpAnswer struct {
	status      int
	contentType string
	noRetry     bool
	body        []byte
}

// call sends one signed request and waits as long as Slack does.
func (s *Server) call(ctx context.Context, target, contentType string, body []byte, extra map[string]string) (*httpAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, s.opt.AckTimeout)
	defer cancel()
	stop := context.AfterFunc(s.ctx, cancel)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("slacksim: request: %w", err)
	}
	ts := strconv.FormatInt(s.opt.Now().Unix(), 10)
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
	req.Header.Set("Accept", "*/*")
	req.Header.Set("X-Slack-Request-Timestamp", ts)
	req.Header.Set("X-Slack-Signature", s.Sign(ts, body))
	for k, v := range extra {
		req.Header.Set(k, v)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("slacksim: call the app: %w", err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("slacksim: read the app's answer: %w", err)
	}
	return &httpAnswer{status: resp.StatusCode, contentType: resp.Header.Get("Content-Type"), noRetry: resp.Header.Get("X-Slack-No-Retry") == "1", body: b}, nil
}

// postEvent makes one HTTP attempt of an event. It returns "" on success, else the reason and whether to try again.
func (s *Server) postEvent(target string, d *delivery) (string, bool) {
	extra := map[string]string{}
	if d.attempt > 0 {
		extra["X-Slack-Retry-Num"], extra["X-Slack-Retry-Reason"] = itoa(d.attempt), d.reason
	}
	a, err := s.call(s.ctx, target, "application/json", d.body, extra)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "http_timeout", true
	case err != nil:
		return "connection_failed", true
	case a.status/100 == 2:
		return "", false
	case a.status/100 == 3:
		return "too_many_redirects", !a.noRetry
	}
	return "http_error", !a.noRetry
}

// VerifyURL sends url_verification to the events URL and reports whether the challenge came back.
func (s *Server) VerifyURL(ctx context.Context) error {
	s.mu.Lock()
	target := s.opt.EventsURL
	token := s.verificationToken()
	s.mu.Unlock()
	challenge := randomString(32)
	body, err := json.Marshal(obj{"token": token, "challenge": challenge, "type": "url_verification"})
	if err != nil {
		return fmt.Errorf("slacksim: challenge: %w", err)
	}
	a, err := s.call(ctx, target, "application/json", body, nil)
	if err != nil {
		return err
	}
	got := strings.TrimSpace(string(a.body))
	var j struct {
		Challenge string `json:"challenge"`
	}
	if json.Unmarshal(a.body, &j) == nil && j.Challenge != "" {
		got = j.Challenge
	}
	if a.status != http.StatusOK || got != challenge {
		return fmt.Errorf("slacksim: the events URL answered %d without the challenge", a.status)
	}
	return nil
}

// ask sends a command or interaction and waits for its acknowledgement. There is no second attempt.
func (s *Server) ask(ctx context.Context, d *delivery, target string) reply {
	d.answer = make(chan reply, 1)
	d.created = time.Now()
	if target == "" {
		if !s.hub.deliver(d, d.created) {
			return reply{err: "dispatch_failed"}
		}
		select {
		case r := <-d.answer:
			return r
		case <-ctx.Done():
			return reply{err: "cancelled"}
		case <-s.ctx.Done():
			return reply{err: "dispatch_failed"}
		}
	}
	a, err := s.call(ctx, target, "application/x-www-form-urlencoded", []byte(d.form.Encode()), nil)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return reply{err: "operation_timeout"}
	case err != nil:
		return reply{err: "dispatch_failed"}
	case a.status != http.StatusOK:
		return reply{err: fmt.Sprintf("http_status_%d", a.status)}
	}
	body := bytes.TrimSpace(a.body)
	if len(body) == 0 {
		return reply{}
	}
	if json.Valid(body) && body[0] == '{' {
		return reply{payload: body}
	}
	return reply{text: string(body)}
}

// interact delivers an interaction payload.
func (s *Server) interact(ctx context.Context, payload obj, accepts bool) reply {
	body, err := json.Marshal(payload)
	if err != nil {
		return reply{err: "internal_error"}
	}
	s.mu.Lock()
	target := s.opt.InteractionsURL
	s.mu.Unlock()
	return s.ask(ctx, &delivery{kind: kindAction, order: "interact", body: body, form: url.Values{"payload": {string(body)}}, accepts: accepts}, target)
}
