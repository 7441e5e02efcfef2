package discord

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

const (
	// maxAnswer bounds what is read of an answer; a page of 100 messages with embeds stays well below.
	maxAnswer = 16 << 20
	// callTimeout bounds a call without files.
	callTimeout = 20 * time.Second
	// uploadTimeout bounds a call with files.
	uploadTimeout = 50 * time.Second
	userAgent     = "DiscordBot (https://github.com/atelier-bridge/atelier, 1)"
)

// call is one REST call. Route is the path with ids of lesser resources and every token left out, as Discord's buckets
// do; it is what limits and logs may name.
type call struct {
	method string
	route  string // "POST channels/messages"; never holds a token
	major  string // the channel, guild or webhook that the limit is counted for
	path   string // below the API's root, may hold a token
	body   any
	upload *upload
	eff    effect
	// exempt marks interaction endpoints: they do not count globally, and their own limit is per token, so that one
	// bucket for all of them would hold people back who have nothing to do with each other.
	exempt bool
	extra  string // a further bucket that no header shows
}

// rest speaks to Discord's REST interface: one attempt per call, limits kept by the shared limiter.
type rest struct {
	base    string
	auth    core.Secret
	client  *http.Client
	limiter core.Limiter
	clock   core.Clock
	log     *slog.Logger
	uploads chan struct{} // how many bodies with files may be in memory at once

	mu      sync.Mutex
	buckets map[string]string // route + major -> Discord's bucket
	learned map[string]learned
	alarmed map[string]time.Time
}

func newREST(base string, token core.Secret, l core.Limiter, client *http.Client, clock core.Clock, log *slog.Logger) *rest {
	return &rest{base: base, auth: token, client: client, limiter: l, clock: clock, log: log, uploads: make(chan struct{}, 3),
		buckets: map[string]string{}, learned: map[string]learned{}, alarmed: map[string]time.Time{}}
}

// do makes the call and decodes the answer into out, which may be nil. An answer that cannot be read after a success
// leaves a creating call's outcome unknown.
func (r *rest) do(ctx context.Context, c call, out any) error {
	timeout := callTimeout
	if c.upload != nil && len(c.upload.files) > 0 {
		timeout = uploadTimeout
		// A room that must wait does so before it takes what rooms share.
		if err := r.wait(ctx, c); err != nil {
			return fmt.Errorf("%s: %w", c.route, err)
		}
		select {
		case r.uploads <- struct{}{}:
			defer func() { <-r.uploads }()
		case <-ctx.Done():
			return cut(ctx, ctx.Err(), false, c.eff)
		}
		if err := r.waitGlobal(ctx, c); err != nil {
			return fmt.Errorf("%s: %w", c.route, err)
		}
	} else if err := r.waitAll(ctx, c); err != nil {
		return fmt.Errorf("%s: %w", c.route, err)
	}
	if c.eff == creating {
		if err := core.MayPost(ctx); err != nil {
			return fmt.Errorf("%s: %w", c.route, err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	body, ctype, err := c.encode(ctx)
	if err != nil {
		return err
	}
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, c.method, r.base+"/"+c.path, bytes.NewReader(body))
	if err != nil {
		return core.Errorf(core.CodeInternal, "request for %s could not be built", c.route)
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Authorization", "Bot "+r.auth.Reveal())
	if ctype != "" {
		req.Header.Set("Content-Type", ctype)
	}
	res, err := r.client.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", c.route, cut(ctx, err, sent.Load(), c.eff))
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	r.learn(ctx, c, res)
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s: %w", c.route, r.refuse(ctx, c, res, data))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.route, cut(ctx, err, true, c.eff))
	}
	if out == nil || res.StatusCode == http.StatusNoContent {
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("%s: %w", c.route, cut(ctx, fmt.Errorf("answer could not be read: %w", err), true, c.eff))
	}
	return nil
}

func (c call) encode(ctx context.Context) (body []byte, ctype string, err error) {
	if c.upload != nil && len(c.upload.files) > 0 {
		return c.upload.encode(ctx, c.body)
	}
	if c.body == nil {
		return nil, "", nil
	}
	body, err = json.Marshal(c.body)
	if err != nil {
		return nil, "", fmt.Errorf("%s: encode: %w", c.route, err)
	}
	return body, "application/json", nil
}

// refuse reads an error answer. Cloudflare's are HTML; their status and headers still count.
func (r *rest) refuse(ctx context.Context, c call, res *http.Response, data []byte) error {
	var b struct {
		Message    string  `json:"message"`
		Code       int     `json:"code"`
		RetryAfter float64 `json:"retry_after"`
		Global     bool    `json:"global"`
	}
	if json.Unmarshal(data, &b) != nil {
		b.Message = http.StatusText(res.StatusCode)
	}
	if len(b.Message) > 200 {
		b.Message = b.Message[:200]
	}
	b.Message, _ = core.MaskCredentials(b.Message)
	e := &apiError{status: res.StatusCode, code: b.Code, what: b.Message}
	wait := seconds(strconv.FormatFloat(b.RetryAfter, 'f', -1, 64))
	if wait == 0 {
		wait = seconds(res.Header.Get("Retry-After"))
	}
	global := b.Global || res.Header.Get("X-RateLimit-Global") == "true" ||
		res.StatusCode == http.StatusTooManyRequests && res.Header.Get("Via") == "" && b.RetryAfter == 0
	if res.StatusCode == http.StatusTooManyRequests {
		if wait == 0 {
			wait = time.Second
		}
		r.limit(ctx, c, global, wait)
	}
	r.invalid(ctx, res.StatusCode, res.Header.Get("X-RateLimit-Scope"))
	return refused(e, wait, global, c.eff)
}

// seconds reads a header that counts seconds with a fraction, bounded to what can be meant.
func seconds(s string) time.Duration {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || f <= 0 {
		return 0
	}
	return time.Duration(min(f, 24*3600) * float64(time.Second))
}

// freely is the limiter of tools and tests that brought none.
type freely struct{}

func (freely) Wait(ctx context.Context, _ ...string) error       { return context.Cause(ctx) }
func (freely) Limited(context.Context, string, time.Duration)    {}
func (freely) Learn(context.Context, string, int, time.Duration) {}
