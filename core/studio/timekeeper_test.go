package studio

import (
	"strings"
	"testing"

	"github.com/atelier-bridge/atelier/core"
)

// TestUntoldFit: one message names what it has room for, and at least one thing.
func TestUntoldFit(t *testing.T) {
	list := func(n, length int) (out []core.Untold) {
		for range n {
			out = append(out, core.Untold{Text: strings.Repeat("x", length)})
		}
		return out
	}
	for _, c := range []struct{ things, length, want int }{{1, 10, 1}, {20, 10, 20}, {21, 10, 20}, {20, 300, 10}, {3, 5000, 1}} {
		if got := untoldFit(list(c.things, c.length)); got != c.want {
			t.Errorf("%d of %d letters: %d, want %d", c.things, c.length, got, c.want)
		}
	}
}
