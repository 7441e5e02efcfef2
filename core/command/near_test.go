package command

import (
	"strings"
	"testing"

	"github.com/atelier-bridge/atelier/core"
)

func TestMentionsAreCommandsOrTalk(t *testing.T) {
	table, err := New().In(oneWord{})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		"approve v2": true, "aprove v1": true, "aprove": true, "Aprove v1 love it": true, "taks": true, "assgn <@U1>": true, "vray v1.2 --strength subtle": true, "comemnt mind the horizon": true,
		"aprouver v1": true, "approuvr v1 parfait": true, "verfier": true, "Verifié": true,
		"is great": false, "you are great": false, "very nice": false, "hope you are well": false, "fine by me": false, "thanks": false, "thank you": false, "": false, "merci beaucoup": false,
		"pprove v2": false, "v2 is best": false, "lighthouse v2": false,
	} {
		if got := table.IsCommand(text); got != want {
			t.Errorf("%q is a command: %v", text, got)
		}
	}
	for text, want := range map[string]string{"aprove v1": `Did you mean "approve"?`, "aprouver v1": `Did you mean "approuver"?`, "Verifié": `Did you mean "vérifier"?`} {
		if _, err := table.Parse(core.Command{Text: text}); !strings.Contains(core.SafeMessage(err), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// oneWord has names for two verbs.
type oneWord struct{}

func (oneWord) Languages() []core.Locale { return []core.Locale{"en", "fr"} }

func (oneWord) Count(_ core.Locale, _ int, _, other string) string { return other }

func (oneWord) Text(l core.Locale, s string) string {
	if own := map[string]string{"verb:approve": "approuver", "verb:check": "vérifier"}[s]; own != "" && l == "fr" {
		return own
	}
	return s
}
