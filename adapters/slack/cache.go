package slack

import (
	"sync"
	"time"
)

// cache is a small map whose entries expire; when it is full it starts anew.
type cache[T any] struct {
	mu   sync.Mutex
	max  int
	ttl  time.Duration
	data map[string]cached[T]
}

type cached[T any] struct {
	value T
	until time.Time
}

func newCache[T any](max int, ttl time.Duration) *cache[T] {
	return &cache[T]{max: max, ttl: ttl, data: map[string]cached[T]{}}
}

func (c *cache[T]) get(key string, now time.Time) (T, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.data[key]
	if !ok || !now.Before(e.until) {
		var zero T
		return zero, false
	}
	return e.value, true
}

func (c *cache[T]) put(key string, v T, now time.Time) { c.putFor(key, v, now, c.ttl) }

func (c *cache[T]) putFor(key string, v T, now time.Time, ttl time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.data) >= c.max {
		clear(c.data)
	}
	c.data[key] = cached[T]{v, now.Add(ttl)}
}

func (c *cache[T]) drop(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.data, key)
}
