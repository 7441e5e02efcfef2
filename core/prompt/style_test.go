package prompt

import (
	"strings"
	"testing"

	"github.com/atelier-bridge/atelier/core"
)

func TestStyled(t *testing.T) {
	table := Builtin()
	for _, c := range []struct{ text, prefix, suffix, want string }{
		{"a crane", "", "", "a crane"},
		{"a crane", "linocut of", "", "linocut of a crane"},
		{"a crane", "", "film grain --ar 3:2", "a crane, film grain --ar 3:2"},
		{"a crane --ar 1:1", "", "film grain --ar 3:2 --raw", "a crane, film grain --ar 1:1 --raw"},
		{"a crane,", "", ", film grain", "a crane, film grain"},
		{"a crane --v 6.1", "", "--v 7 --stylize 50", "a crane --v 6.1 --stylize 50"},
		{"a crane", "--tile", "--v 7", "a crane --v 7 --tile"},
	} {
		if got, err := table.Styled(c.text, c.prefix, c.suffix); err != nil || got != c.want {
			t.Errorf("%q in %q and %q is %q (%v), want %q", c.text, c.prefix, c.suffix, got, err, c.want)
		}
	}
	if _, err := table.Styled("a crane", "", "--ar big"); core.ErrorCode(err) != core.CodeInvalid {
		t.Error(err)
	}
	if _, err := table.Styled("a crane", "", strings.Repeat("grain ", 2000)); core.ErrorCode(err) != core.CodeInvalid {
		t.Error(err)
	}
}
