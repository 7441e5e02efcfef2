package discord

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
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
	maxBuckets    = 10_000
	globalBucket  = "discord/global"
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
	uploads chan struct{} // how many bodies with files may be in memory at once

	mu      sync.Mutex
	buckets map[string]string // route + major -> Discord's bucket
	learned map[string]learned
}

type learned struct {
	n      int
	window time.Duration
}

func newREST(base string, token core.Secret, l core.Limiter, client *http.Client) *rest {
	return &rest{base: base, auth: token, client: client, limiter: l, uploads: make(chan struct{}, 3), buckets: map[string]string{}, learned: map[string]learned{}}
}

// do makes the call and decodes the answer into out, which may be nil. An answer that cannot be read after a success
// leaves a creating call's outcome unknown.
func (r *rest) do(ctx context.Context, c call, out any) error {
	timeout := callTimeout
	if c.upload != nil && len(c.upload.files) > 0 {
		timeout = uploadTimeout
		select {
		case r.uploads <- struct{}{}:
			defer func() { <-r.uploads }()
		case <-ctx.Done():
			return cut(ctx, ctx.Err(), false, c.eff)
		}
	}
	if err := r.wait(ctx, c); err != nil {
		return err
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

func (r *rest) bucketOf(c call) string {
	key := c.route + " " + c.major
	r.mu.Lock()
	defer r.mu.Unlock()
	if b, ok := r.buckets[key]; ok {
		return b
	}
	return "discord/" + strings.ReplaceAll(c.route, " ", "-") + "/" + c.major
}

// teach tells the limiter a rate that no header tells, once.
func (r *rest) teach(ctx context.Context, bucket string, n int, window time.Duration) {
	r.mu.Lock()
	_, known := r.learned[bucket]
	r.learned[bucket] = learned{n: n, window: window}
	r.mu.Unlock()
	if !known {
		r.limiter.Learn(ctx, bucket, n, window)
	}
}

// wait asks the shared limiter for leave: globally, for the bucket, and for what the caller named beside it.
func (r *rest) wait(ctx context.Context, c call) error {
	if c.exempt {
		return nil
	}
	r.teach(ctx, globalBucket, 50, time.Second)
	wanted := []string{r.bucketOf(c), globalBucket}
	if c.extra != "" {
		wanted = append(wanted, c.extra)
	}
	for _, b := range wanted {
		if err := r.limiter.Wait(ctx, b); err != nil {
			return cut(ctx, fmt.Errorf("waiting for the limit: %w", err), false, c.eff)
		}
	}
	return nil
}

// learn keeps what the headers say of this route's bucket.
func (r *rest) learn(ctx context.Context, c call, res *http.Response) {
	h := res.Header
	hash := h.Get("X-RateLimit-Bucket")
	if hash == "" || c.exempt {
		return
	}
	bucket := "discord/" + hash + "/" + c.major
	limit, _ := strconv.Atoi(h.Get("X-RateLimit-Limit"))
	left, err := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	after := seconds(h.Get("X-RateLimit-Reset-After"))
	r.mu.Lock()
	if len(r.buckets) >= maxBuckets {
		clear(r.buckets)
		clear(r.learned)
	}
	r.buckets[c.route+" "+c.major] = bucket
	teach := false
	// Only the first call of a window shows how long the window is.
	if window := after.Round(50 * time.Millisecond); limit > 0 && err == nil && left == limit-1 && window > 0 {
		old := r.learned[bucket]
		if teach = old.n != limit || window > old.window; teach {
			r.learned[bucket] = learned{n: limit, window: window}
		}
	}
	known := r.learned[bucket]
	r.mu.Unlock()
	if teach {
		r.limiter.Learn(ctx, bucket, known.n, known.window)
	}
	if err == nil && left == 0 && after > 0 && res.StatusCode != http.StatusTooManyRequests {
		r.limiter.Limited(ctx, bucket, after)
	}
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
		switch {
		case global:
			r.limiter.Limited(ctx, globalBucket, wait)
		case !c.exempt:
			r.limiter.Limited(ctx, r.bucketOf(c), wait)
			if c.extra != "" {
				// The hidden limit of a channel's webhooks, reported by Discord's staff in 2017, shows only like this.
				r.teach(ctx, c.extra, hookPosts, hookWindow)
			}
		}
	}
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

func (freely) Wait(ctx context.Context, _ string) error          { return context.Cause(ctx) }
func (freely) Limited(context.Context, string, time.Duration)    {}
func (freely) Learn(context.Context, string, int, time.Duration) {}
