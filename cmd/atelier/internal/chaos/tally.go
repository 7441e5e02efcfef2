package main

// Counts of the calls that the replicas make, so that a slow run shows what it waited for.

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// tally counts answers by call and status.
type tally struct {
	mu sync.Mutex
	by map[string]*[3]int // all, limited, failed
}

// longID is what makes calls of one kind differ.
var longID = regexp.MustCompile(`/([0-9]{15,}|[0-9a-zA-Z_-]{40,}|[^/]*%[0-9A-F]{2}[^/]*)`)

// counted counts the calls below a prefix of the path.
func (t *tally) counted(h http.Handler, platform, prefix string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rest, ok := strings.CutPrefix(r.URL.EscapedPath(), prefix)
		if !ok {
			h.ServeHTTP(w, r)
			return
		}
		if platform == "discord" {
			rest = r.Method + " " + longID.ReplaceAllString(rest, "/*")
		}
		c := &countedWriter{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			t.mu.Lock()
			defer t.mu.Unlock()
			if t.by == nil {
				t.by = map[string]*[3]int{}
			}
			n := t.by[platform+" "+rest]
			if n == nil {
				n = &[3]int{}
				t.by[platform+" "+rest] = n
			}
			n[0]++
			if c.status == http.StatusTooManyRequests {
				n[1]++
			} else if c.status >= http.StatusInternalServerError {
				n[2]++
			}
		}()
		h.ServeHTTP(c, r)
	})
}

type countedWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the status.
func (c *countedWriter) WriteHeader(status int) {
	c.status = status
	c.ResponseWriter.WriteHeader(status)
}

// Unwrap lets the simulators cut the connection.
func (c *countedWriter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// limited counts the answers 429 of a platform.
func (t *tally) limited(platform string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for k, v := range t.by {
		if strings.HasPrefix(k, platform+" ") {
			n += v[1]
		}
	}
	return n
}

// lines lists the most frequent calls.
func (t *tally) lines(limit int) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var names []string
	for k := range t.by {
		names = append(names, k)
	}
	slices.SortFunc(names, func(a, b string) int { return t.by[b][0] - t.by[a][0] })
	var out []string
	for _, k := range names[:min(limit, len(names))] {
		n := t.by[k]
		out = append(out, fmt.Sprintf("%s %d (%d limited, %d failed)", k, n[0], n[1], n[2]))
	}
	return out
}
