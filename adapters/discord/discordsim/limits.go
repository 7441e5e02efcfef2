package discordsim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// limiter counts calls per bucket. Its own lock keeps it apart from the state.
type limiter struct {
	mu      sync.Mutex
	windows map[string]*bucketWindow
}

type bucketWindow struct {
	start time.Time
	used  int
	limit int
	per   time.Duration
}

func (l *limiter) init() { l.windows = map[string]*bucketWindow{} }

// bucketOf names the route's bucket as the header gives it, the major parameter, and its limit.
func (s *Server) bucketOf(c *call) (hash, major string, limit int, per time.Duration) {
	sum := sha256.Sum256([]byte(c.route.method + " " + c.route.pattern()))
	hash = hex.EncodeToString(sum[:16])
	for _, k := range []string{"channel", "guild", "webhook"} {
		if v := c.p[k]; v != "" {
			major = v
			if k == "webhook" {
				major += "/" + c.p["token"]
			}
			break
		}
	}
	limit, per = 50, time.Second
	switch p := c.route.method + " " + c.route.pattern(); {
	case p == "POST /channels/:channel/messages", p == "PATCH /channels/:channel/messages/:message":
		limit, per = 5, 5*time.Second
	case p == "DELETE /channels/:channel/messages/:message":
		limit, per = 5, time.Second
	case strings.Contains(p, "/reactions/"):
		limit, per = 1, 250*time.Millisecond
	case p == "PATCH /channels/:channel":
		limit, per = 2, 10*time.Minute
	case strings.HasPrefix(c.route.pattern(), "/webhooks/:webhook/:token"):
		limit, per = 5, 2*time.Second
	}
	return hash, major, limit, per
}

func (l *limiter) hit(key string, limit int, per time.Duration, now time.Time) (retry float64) {
	w := l.windows[key]
	if w == nil || now.Sub(w.start) >= per {
		if len(l.windows) > 5000 {
			for k, x := range l.windows {
				if now.Sub(x.start) >= x.per {
					delete(l.windows, k)
				}
			}
		}
		w = &bucketWindow{start: now, limit: limit, per: per}
		l.windows[key] = w
	}
	if w.used >= limit {
		return max(w.per.Seconds()-now.Sub(w.start).Seconds(), 0.001)
	}
	w.used++
	return 0
}

// take counts a call against the global limit, its bucket, and for webhooks the channel's own 30 per minute.
func (l *limiter) take(s *Server, c *call) (retry float64, scope string) {
	s.mu.Lock()
	on, now := s.o.Limits, s.now()
	channel := ""
	if h := s.webhooks[c.p["webhook"]]; h != nil {
		channel = h.ChannelID
	}
	s.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !on {
		return 0, ""
	}
	inter := strings.HasPrefix(c.route.pattern(), "/interactions") || c.p["webhook"] == s.o.ApplicationID
	if c.bot && !inter {
		if r := l.hit("global", 50, time.Second, now); r > 0 {
			return r, "global"
		}
	}
	hash, major, limit, per := s.bucketOf(c)
	if r := l.hit(hash+":"+major, limit, per, now); r > 0 {
		return r, "user"
	}
	if c.route.method == http.MethodPost && channel != "" {
		// Only the faster of the two limits shows in the headers.
		if r := l.hit("hooks:"+channel, 30, time.Minute, now); r > 0 {
			return r, "shared"
		}
	}
	return 0, ""
}

func (l *limiter) headers(s *Server, c *call, h http.Header) {
	if c == nil || c.route == nil || h.Get("X-RateLimit-Global") != "" {
		return
	}
	hash, major, limit, per := s.bucketOf(c)
	s.mu.Lock()
	on, now := s.o.Limits, s.now()
	s.mu.Unlock()
	left, after := limit-1, per
	if on {
		l.mu.Lock()
		if w := l.windows[hash+":"+major]; w != nil {
			left, after = max(w.limit-w.used, 0), w.per-now.Sub(w.start)
		}
		l.mu.Unlock()
	} else {
		// Nothing is limited: headers must not make a client wait.
		limit, left, after = 50, 49, time.Second
	}
	h.Set("X-RateLimit-Bucket", hash)
	h.Set("X-RateLimit-Limit", strconv.Itoa(limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(left))
	h.Set("X-RateLimit-Reset", fmt.Sprintf("%.3f", float64(now.Add(after).UnixMilli())/1000))
	h.Set("X-RateLimit-Reset-After", fmt.Sprintf("%.3f", max(after.Seconds(), 0)))
}

// answer429 is the JSON kind of rate limit. A global one carries no bucket.
func (s *Server) answer429(w http.ResponseWriter, r *http.Request, c *call, retry float64, scope string) {
	h := w.Header()
	h.Set("Retry-After", strconv.Itoa(int(math.Ceil(retry))))
	h.Set("X-RateLimit-Scope", scope)
	if scope == "global" {
		h.Set("X-RateLimit-Global", "true")
	}
	s.answer(w, r, c, http.StatusTooManyRequests, obj{"message": "You are being rate limited.", "retry_after": retry, "global": scope == "global"})
}
