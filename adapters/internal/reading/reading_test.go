package reading

import (
	"context"
	"strconv"
	"testing"
	"time"
)

type hand struct{ now time.Time }

func (h *hand) Now() time.Time                             { return h.now }
func (h *hand) Sleep(context.Context, time.Duration) error { return nil }

func TestAReadingServesWhatItCovers(t *testing.T) {
	clock := &hand{time.Unix(1_700_000_000, 0)}
	c := New[string](clock)
	read := clock.now
	c.Put("c/t", Reading[string]{From: "90", At: read, Found: []string{"a", "b"}})
	before := read.Add(-time.Second)
	for _, x := range []struct {
		name, place, from string
		tried             time.Time
		want              bool
	}{
		{"the same", "c/t", "90", before, true},
		{"a later beginning", "c/t", "100", before, true},
		{"an earlier beginning", "c/t", "89", before, false},
		{"another thread", "c/u", "90", before, false},
		{"tried since", "c/t", "90", read.Add(time.Second), false},
		{"tried at that very moment", "c/t", "90", read, false},
		{"nobody knows when it was tried", "c/t", "90", time.Time{}, false},
	} {
		if got, ok := c.Get(x.place, x.from, x.tried); ok != x.want || ok && len(got) != 2 {
			t.Errorf("%s: %v %v", x.name, got, ok)
		}
	}
	c.Drop("c/t")
	if _, ok := c.Get("c/t", "90", before); ok {
		t.Error("dropped, and still there")
	}
	c.Put("c/t", Reading[string]{From: "90", At: read})
	clock.now = clock.now.Add(keepFor)
	if _, ok := c.Get("c/t", "90", before); ok {
		t.Error("a minute is over")
	}
}

func TestReadingsAreBounded(t *testing.T) {
	clock := &hand{time.Unix(1_700_000_000, 0)}
	c := New[int](clock)
	for n := range 3 * maxPlaces {
		c.Put(strconv.Itoa(n), Reading[int]{Found: make([]int, n%7)})
	}
	if len(c.by) > maxPlaces || len(c.by) == 0 {
		t.Errorf("%d places", len(c.by))
	}
	for n := range 3 {
		c.Put(strconv.Itoa(n), Reading[int]{Found: make([]int, maxFound/2+1)})
	}
	c.Put("huge", Reading[int]{Found: make([]int, maxFound+1)})
	sum := 0
	for _, r := range c.by {
		sum += len(r.Found)
	}
	if sum > maxFound || sum != c.found {
		t.Errorf("%d messages, %d counted", sum, c.found)
	}
	// What is too old goes before what is not.
	clock.now = clock.now.Add(keepFor - time.Second)
	c.Put("fresh", Reading[int]{})
	clock.now = clock.now.Add(time.Second)
	for n := range maxPlaces {
		c.Put("p"+strconv.Itoa(n), Reading[int]{})
		if _, ok := c.by["fresh"]; !ok && n < maxPlaces-2 {
			t.Fatalf("gone after %d", n)
		}
	}
}
