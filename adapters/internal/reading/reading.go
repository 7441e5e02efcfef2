// Package reading remembers what look-ups read of a thread, so that one reading serves the many deliveries that a
// process takes over there.
package reading

import (
	"sync"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

const (
	keepFor   = time.Minute
	maxPlaces = 256
	// maxFound bounds the messages of all readings together.
	maxFound = 10_000
)

// Reading is what was found in a place behind a message.
type Reading[M any] struct {
	// From is the id behind which was read, up to the newest message.
	From string
	// At is when its last call began: what was there before is found, or was none of ours.
	At    time.Time
	Found []M
}

// Cache keeps readings by place for a minute.
type Cache[M any] struct {
	clock core.Clock
	mu    sync.Mutex
	by    map[string]kept[M]
	found int
}

type kept[M any] struct {
	Reading[M]
	until time.Time
}

// New returns an empty cache.
func New[M any](clock core.Clock) *Cache[M] {
	return &Cache[M]{clock: clock, by: map[string]kept[M]{}}
}

// Get returns what lies in a place behind an id, and perhaps more before it, if that was read after the moment of the
// last try. Callers must not change it.
func (c *Cache[M]) Get(place, from string, tried time.Time) ([]M, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := c.by[place]
	if !ok || tried.IsZero() || !r.At.After(tried) || newer(r.From, from) || !c.clock.Now().Before(r.until) {
		return nil, false
	}
	return r.Found, true
}

// Put keeps a reading; it replaces an earlier one of the same place.
func (c *Cache[M]) Put(place string, r Reading[M]) {
	now := c.clock.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(place)
	if full := func() bool { return len(c.by) >= maxPlaces || c.found+len(r.Found) > maxFound }; full() {
		for name, old := range c.by {
			if !now.Before(old.until) {
				c.drop(name)
			}
		}
		if full() {
			clear(c.by)
			c.found = 0
		}
	}
	if len(r.Found) > maxFound {
		return
	}
	c.by[place] = kept[M]{r, now.Add(keepFor)}
	c.found += len(r.Found)
}

// Drop forgets a place: something may have been posted there that its reading does not show.
func (c *Cache[M]) Drop(place string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(place)
}

func (c *Cache[M]) drop(place string) {
	c.found -= len(c.by[place].Found)
	delete(c.by, place)
}

// newer compares ids of one platform: by length, then by letters.
func newer(a, b string) bool {
	if len(a) != len(b) {
		return len(a) > len(b)
	}
	return a > b
}
