package slack

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/atelier-bridge/atelier/core"
)

func TestMarks(t *testing.T) {
	seen := map[string]bool{}
	for _, id := range []core.DeliveryID{"d-1", "d-2"} {
		for part := range 3 {
			m := markOf(id, part)
			if seen[m] || utf8.RuneCountInString(m) != 2+markDigits || m != markOf(id, part) {
				t.Fatalf("%s/%d: %q", id, part, m)
			}
			seen[m] = true
			for _, text := range []string{"ok", "", "see https://example.org/x", "👩‍🎨 zero\u200bwidth", "```\ncode\n```"} {
				if plain, found := cutMark(text + m); plain != text || found != m {
					t.Errorf("%q: %q %q", text, plain, found)
				}
				if plain, found := cutMark(strings.TrimSpace(text + m)); found != m || plain != strings.TrimSpace(text) {
					t.Errorf("trimmed %q: %q %q", text, plain, found)
				}
			}
		}
	}
	if plain, found := cutMark("no\u2060mark \u200b"); found != "" || plain != "no\u2060mark \u200b" {
		t.Errorf("%q %q", plain, found)
	}
	if plain, found := cutMark("quoted" + markOf("a", 0) + " and more" + markOf("b", 0)); plain != "quoted and more" || found != markOf("b", 0) {
		t.Errorf("%q %q", plain, found)
	}
}
