package discord

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

const (
	globalBucket = "discord/global"
	// globalCalls in globalWindow are 40 a second and never more than 48 in any second; Discord allows 50.
	// https://docs.discord.com/developers/topics/rate-limits#global-rate-limit
	globalCalls  = 8
	globalWindow = 200 * time.Millisecond
	// teachAgain is when the limiter is told a rate again: it forgets what is not used.
	teachAgain = 5 * time.Minute
	maxBuckets = 10_000

	// Discord bans an address that has 10,000 calls refused (401, 403, 429) within ten minutes. Between invalidCalls/4 and
	// half of that we slow down, at 8,000 at the latest we stop. A bucket of n allows 2n in its worst window.
	// https://docs.discord.com/developers/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans
	invalidCalls  = 10_000
	invalidWindow = 10 * time.Minute
	invalidSoft   = "discord/invalid"
	invalidHard   = "discord/invalid-last"
	// slowly is how long nothing is sent after each refused call, once many were.
	slowly = 2 * time.Second
)

type learned struct {
	n      int
	window time.Duration
	at     time.Time
}

// bucketOf names a call's bucket: Discord's own name once a header told it.
func (r *rest) bucketOf(c call) string {
	key := c.route + " " + c.major
	r.mu.Lock()
	defer r.mu.Unlock()
	if b, ok := r.buckets[key]; ok {
		return b
	}
	return "discord/" + strings.ReplaceAll(c.route, " ", "-") + "/" + c.major
}

// teach tells the limiter a rate that no header tells, now and then.
func (r *rest) teach(ctx context.Context, bucket string, n int, window time.Duration) {
	now := r.clock.Now()
	r.mu.Lock()
	old, known := r.learned[bucket]
	known = known && old.n == n && old.window == window && now.Sub(old.at) < teachAgain
	if !known {
		r.learned[bucket] = learned{n: n, window: window, at: now}
	}
	r.mu.Unlock()
	if !known {
		r.limiter.Learn(ctx, bucket, n, window)
	}
}

// wait asks the shared limiter for leave in what the caller named and in the route's bucket, and then in those given. The
// global bucket comes last: a place in it is not kept from other rooms while one room waits. So a call that has more to
// wait for asks for it in waitGlobal.
func (r *rest) wait(ctx context.Context, c call, then ...string) error {
	if c.exempt {
		return nil
	}
	buckets := make([]string, 0, 3)
	if c.extra != "" {
		buckets = append(buckets, c.extra)
	}
	buckets = append(buckets, r.bucketOf(c))
	return waited(ctx, r.limiter.Wait(ctx, append(buckets, then...)...))
}

// waitAll is wait and waitGlobal in one.
func (r *rest) waitAll(ctx context.Context, c call) error {
	if c.exempt {
		return nil
	}
	r.teach(ctx, globalBucket, globalCalls, globalWindow)
	return r.wait(ctx, c, globalBucket)
}

func (r *rest) waitGlobal(ctx context.Context, c call) error {
	if c.exempt {
		return nil
	}
	r.teach(ctx, globalBucket, globalCalls, globalWindow)
	return waited(ctx, r.limiter.Wait(ctx, globalBucket))
}

// waited says that a call did not start; how long to wait is the limiter's to tell.
func waited(ctx context.Context, err error) error {
	if err == nil {
		err = context.Cause(ctx)
	}
	if err == nil {
		return nil
	}
	return &core.Error{Code: core.CodeRetry, RetryAfter: core.RetryAfter(err), Err: err}
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
	known := r.learned[bucket]
	r.mu.Unlock()
	// Only the first call of a window shows how long the window is.
	if window := after.Round(50 * time.Millisecond); limit > 0 && err == nil && left == limit-1 && window > 0 {
		if known.n == limit {
			window = max(window, known.window)
		}
		known.n, known.window = limit, window
	}
	if known.n > 0 {
		r.teach(ctx, bucket, known.n, known.window)
	}
	if err == nil && left == 0 && after > 0 && res.StatusCode != http.StatusTooManyRequests {
		r.limiter.Limited(ctx, bucket, after)
	}
}

// limit notes that Discord refused a call for its rate.
func (r *rest) limit(ctx context.Context, c call, global bool, wait time.Duration) {
	switch {
	case global:
		r.limiter.Limited(ctx, globalBucket, wait)
	case !c.exempt:
		r.limiter.Limited(ctx, r.bucketOf(c), wait)
		if c.extra != "" {
			// The hidden limit of a channel's webhooks, reported by Discord's staff in 2017, shows only like this.
			r.teach(ctx, c.extra, hookPosts, hookWindow)
			if wait > hookPace {
				// The limit that headers show never asks for so long. Other webhooks of the channel wait too.
				r.limiter.Limited(ctx, c.extra, wait)
			}
		}
	}
}

// invalid counts a refused call with those of all replicas, and slows everything down long before Discord bans us.
func (r *rest) invalid(ctx context.Context, status int, scope string) {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
	case http.StatusTooManyRequests:
		if scope == "shared" {
			return // not counted
		}
	default:
		return
	}
	r.teach(ctx, invalidSoft, invalidCalls/4, invalidWindow)
	r.teach(ctx, invalidHard, invalidCalls*2/5, invalidWindow)
	if r.spent(ctx, invalidHard) {
		r.limiter.Limited(ctx, globalBucket, invalidWindow)
		r.alarm(ctx, "discord refused nearly as many calls as it takes to ban this address; nothing is sent to it for a while", invalidWindow)
		return
	}
	if r.spent(ctx, invalidSoft) {
		r.limiter.Limited(ctx, globalBucket, slowly)
		r.alarm(ctx, "discord refuses many calls; slowing down", slowly)
	}
}

// spent counts one more call and reports whether its bucket was empty. A limiter that does not answer counts nothing.
func (r *rest) spent(ctx context.Context, bucket string) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 200*time.Millisecond)
	defer cancel()
	return core.RetryAfter(r.limiter.Wait(ctx, bucket)) > 0
}

// alarm logs at most once a minute.
func (r *rest) alarm(ctx context.Context, what string, pause time.Duration) {
	now := r.clock.Now()
	r.mu.Lock()
	again := now.Sub(r.alarmed[what]) >= time.Minute
	if again {
		r.alarmed[what] = now
	}
	r.mu.Unlock()
	if again {
		r.log.ErrorContext(ctx, "discord calls are held back", "why", what, "pause", pause)
	}
}
