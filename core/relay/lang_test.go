package relay

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// french knows what this test says.
type french struct{}

func (french) Text(l core.Locale, sentence string) string {
	words := map[string]string{"(sent %[1]s %[2]s %[3]s)": "(envoyé le %[1]s %[2]s %[3]s)", "Apr": "avr.", "(%s is %s, too large for this room; the limit is %s)": "(%s fait %s, la limite est de %s)", "%.1f MB": "%.1f Mo"}
	if s := words[sentence]; s != "" && l == "fr" {
		return s
	}
	return sentence
}

func (french) Count(_ core.Locale, _ int, _, other string) string { return other }

func (french) Languages() []core.Locale { return []core.Locale{"en", "fr"} }

// oneProject is a store with one project, which counts how often it is asked.
type projects = core.Projects

type oneProject struct {
	projects
	asked int
}

func (o *oneProject) Project(context.Context, core.ProjectKey) (*core.Project, error) {
	o.asked++
	return &core.Project{Key: "ACME", Settings: map[string]string{core.SettingLanguage: "fr", core.SettingTimezone: "Europe/Paris"}}, nil
}

func TestRoomsReadTheirProjectsLanguage(t *testing.T) {
	store := &oneProject{}
	d := &Deliverer{Projects: store, Translator: french{}}
	o := core.Outgoing{Kind: core.OutComment, Task: core.MakeTaskID("ACME", 1), Room: "slack:T1/C1"}
	m := &core.Comment{Text: core.Plain("hello"), At: time.Date(2026, 4, 3, 15, 0, 0, 0, time.UTC)}
	if got := d.commentText(t.Context(), m, o, nil).String(); got != "hello" || store.asked != 0 {
		t.Errorf("%q, and the project was asked for %d times although nothing is said", got, store.asked)
	}
	m.Late = true
	if got := d.commentText(t.Context(), m, o, nil).String(); !strings.Contains(got, "(envoyé le 3 avr. 17:00 CEST)") {
		t.Errorf("late: %q", got)
	}
	m.Files = []core.Attached{{Ref: core.FileRef{Name: "boat.psd"}, Size: 30 << 20}}
	_, notes := d.commentFiles(t.Context(), o, m, core.Capabilities{MaxFile: 10 << 20})
	if len(notes) != 1 || notes[0] != "(boat.psd fait 30.0 Mo, la limite est de 10.0 Mo)" {
		t.Errorf("notes %q", notes)
	}
	d.Translator = nil
	if got := d.commentText(t.Context(), m, o, nil).String(); !strings.Contains(got, "(sent 3 Apr 15:00 UTC)") {
		t.Errorf("without languages: %q", got)
	}
}
