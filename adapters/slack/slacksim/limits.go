package slacksim

import (
	"math"
	"time"
)

// limiter counts calls as Slack does: a bucket per method and team, and one per channel for posts.
type limiter struct {
	l       Limits
	buckets map[string]*bucket
}

type bucket struct {
	tokens, rate, size float64
	at                 time.Time
}

func newLimiter(l Limits) *limiter { return &limiter{l: l, buckets: map[string]*bucket{}} }

// take returns the seconds to wait, or 0 when the call may pass.
func (l *limiter) take(key string, perSecond, burst float64, now time.Time) int {
	b := l.buckets[key]
	if b == nil {
		b = &bucket{tokens: burst, rate: perSecond, size: burst, at: now}
		l.buckets[key] = b
	}
	b.tokens = math.Min(b.size, b.tokens+now.Sub(b.at).Seconds()*b.rate)
	b.at = now
	if b.tokens >= 1 {
		b.tokens--
		return 0
	}
	return max(1, int(math.Ceil((1-b.tokens)/b.rate)))
}

// check applies the limits to one call and returns the Retry-After, or 0.
func (l *limiter) check(m *method, name, channel string, now time.Time) int {
	if name == "chat.postMessage" || name == "chat.postEphemeral" {
		if r := l.l.PostPerTeamPerMinute; r > 0 {
			if w := l.take("post", float64(r)/60, float64(r), now); w > 0 {
				return w
			}
		}
		if r := l.l.PostPerChannelPerSecond; r > 0 {
			burst := float64(max(l.l.PostBurst, 1))
			if l.l.PostBurst == 0 {
				burst = 3
			}
			return l.take("post "+channel, r, burst, now)
		}
		return 0
	}
	perMinute := 0
	switch m.tier {
	case 1:
		perMinute = l.l.Tier1PerMinute
	case 2:
		perMinute = l.l.Tier2PerMinute
	case 3:
		perMinute = l.l.Tier3PerMinute
	case 4:
		perMinute = l.l.Tier4PerMinute
	}
	if l.l.HarshHistory && (name == "conversations.history" || name == "conversations.replies") {
		perMinute = 1
	}
	if perMinute <= 0 {
		return 0
	}
	return l.take(name, float64(perMinute)/60, float64(perMinute), now)
}
