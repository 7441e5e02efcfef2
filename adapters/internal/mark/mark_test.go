package mark

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
			m := Of(id, part)
			if seen[m] || utf8.RuneCountInString(m) != Units || m != Of(id, part) {
				t.Fatalf("%s/%d: %q", id, part, m)
			}
			seen[m] = true
			for _, text := range []string{"ok", "", "see https://example.org/x", "👩‍🎨 zero\u200bwidth", "```\ncode\n```"} {
				if plain, found := Cut(text + m); plain != text || found != m {
					t.Errorf("%q: %q %q", text, plain, found)
				}
				if plain, found := Cut(strings.TrimSpace(text + m)); found != m || plain != strings.TrimSpace(text) {
					t.Errorf("trimmed %q: %q %q", text, plain, found)
				}
			}
		}
	}
	if plain, found := Cut("no\u2060mark \u200b"); found != "" || plain != "no\u2060mark \u200b" {
		t.Errorf("%q %q", plain, found)
	}
	if plain, found := Cut("quoted" + Of("a", 0) + " and more" + Of("b", 0)); plain != "quoted and more" || found != Of("b", 0) {
		t.Errorf("%q %q", plain, found)
	}
}
