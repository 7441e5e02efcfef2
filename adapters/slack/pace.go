package slack

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

const (
	// harshFor is how long the slow way is kept after Slack showed its harshest limit.
	harshFor = 15 * time.Minute
	// harshSign is a wait that no other limit of these methods asks for: 50 a minute never closes for so long.
	harshSign = 20 * time.Second
	// lookupFirst is how long catch-up leaves the next call to a delivery that waits for its look-up.
	lookupFirst = 75 * time.Second
)

// perMinute are Slack's tiers; https://docs.slack.dev/apis/web-api/rate-limits
func (i *installation) perMinute(method string) int {
	switch method {
	case "conversations.history", "conversations.replies":
		if i.harsh() {
			return 1
		}
		return 50
	case "reactions.remove":
		return 20
	case "chat.update", "chat.delete", "reactions.add", "reactions.get", "conversations.info", "conversations.open", "bots.info", "files.list":
		return 50
	}
	return 100
}

func history(method string) bool {
	return method == "conversations.history" || method == "conversations.replies"
}

// harsh reports whether histories are read at one call a minute: because the operator said so, or because Slack did.
func (i *installation) harsh() bool {
	if i.alwaysSlow() {
		return true
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.a.o.Clock.Now().Before(i.slowUntil)
}

// alwaysSlow reports whether Slack is known to set its harshest limit: said by the operator, or because the app is
// distributed. https://docs.slack.dev/changelog/2025/05/29/rate-limit-changes-for-non-marketplace-apps
func (i *installation) alwaysSlow() bool { return i.a.o.SlowHistory || i.slow }

// historyPage is how many messages to ask for at once.
func (i *installation) historyPage() int {
	if i.harsh() {
		return harshPage
	}
	return pageSize
}

// giveWay lets a delivery's look-up go before catch-up, in every replica, while there is but one call a minute.
func (i *installation) giveWay(ctx context.Context, method string, lookup bool) error {
	if !i.harsh() {
		return nil
	}
	later := i.bucket(method) + "/later"
	if lookup {
		i.a.o.Limiter.Limited(ctx, later, lookupFirst)
		return nil
	}
	return waited(i.a.o.Limiter.Wait(ctx, later))
}

func (i *installation) bucket(method string) string {
	id, _ := i.identity()
	return "slack/" + id.Team + "/" + method
}

// waited says that a call did not start; how long to wait is the limiter's to tell.
func waited(err error) error {
	if err == nil {
		return nil
	}
	return &core.Error{Code: core.CodeRetry, RetryAfter: core.RetryAfter(err), Err: err}
}

// do paces a call, makes it, and classifies what went wrong. channel is set for posts, which have a limit of their own.
func (i *installation) do(ctx context.Context, method, channel string, creating bool, f func(ctx context.Context) error) error {
	bucket := i.bucket(method)
	lim := i.a.o.Limiter
	waits := []string{bucket}
	if channel == "" {
		i.learn(ctx, bucket, i.perMinute(method), time.Minute)
	} else {
		// The channel's own limit first: a place in the team's bucket is not kept from others while it is waited for.
		own := bucket + "/" + channel
		i.learn(ctx, own, 3, 3*time.Second)
		waits = []string{own, bucket}
	}
	for _, b := range waits {
		if err := lim.Wait(ctx, b); err != nil {
			return waited(err)
		}
	}
	if ctx.Err() != nil {
		return core.Wrap(core.CodeRetry, context.Cause(ctx)) // nothing was sent
	}
	if creating {
		if err := core.MayPost(ctx); err != nil {
			return err
		}
	}
	err := f(ctx)
	out := classify(err, creating)
	after, refused := refusedFor(err)
	if !refused {
		return out
	}
	if history(method) && after > harshSign && !i.alwaysSlow() {
		i.slowDown(ctx, method)
	}
	global := channel == "" || i.pressure(channel)
	lim.Limited(ctx, waits[0], after)
	if global && channel != "" {
		lim.Limited(ctx, bucket, after)
	}
	return &core.Error{Code: core.CodeRetry, RetryAfter: after, Global: global, Err: err}
}

// refusedFor reads how long Slack wants no more calls: from HTTP 429, or from the answers that stand for it.
func refusedFor(err error) (time.Duration, bool) {
	var l *limited
	switch {
	case errors.As(err, &l):
		return l.after, true
	case strings.ReplaceAll(code(err), "_", "") == "ratelimited":
		return time.Second, true
	}
	return 0, false
}

// slowDown keeps to the harshest limit for a while, and tells the other replicas' bucket.
func (i *installation) slowDown(ctx context.Context, method string) {
	i.mu.Lock()
	fresh := !i.a.o.Clock.Now().Before(i.slowUntil)
	i.slowUntil = i.a.o.Clock.Now().Add(harshFor)
	i.mu.Unlock()
	if fresh {
		i.a.o.Log.WarnContext(ctx, "slack lets histories be read once a minute only; catch-up goes slowly", "method", method)
	}
	i.learned.drop(i.bucket(method))
	i.learn(ctx, i.bucket(method), 1, time.Minute)
}

func (i *installation) learn(ctx context.Context, bucket string, n int, window time.Duration) {
	if _, ok := i.learned.get(bucket, i.a.o.Clock.Now()); ok {
		return
	}
	i.a.o.Limiter.Learn(ctx, bucket, n, window)
	i.learned.put(bucket, true, i.a.o.Clock.Now())
}

// pressure notes a refused post and reports whether another channel was refused within a second: then it is the
// team's limit that was hit, not the channel's.
func (i *installation) pressure(channel string) bool {
	now := i.a.o.Clock.Now()
	i.mu.Lock()
	defer i.mu.Unlock()
	team := false
	for c, at := range i.refused {
		if now.Sub(at) > time.Second {
			delete(i.refused, c)
		} else if c != channel {
			team = true
		}
	}
	i.refused[channel] = now
	return team
}
