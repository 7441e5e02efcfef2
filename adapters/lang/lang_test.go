package lang

import (
	"fmt"
	"maps"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
)

func TestLocalesLeadToTheNearestLanguage(t *testing.T) {
	tr := New()
	for l, want := range map[core.Locale]string{"": "Which task?", "en-US": "Which task?", "fr": "Quelle tâche\u00a0?", "fr-FR": "Quelle tâche\u00a0?", "fr-CA": "Quelle tâche\u00a0?", "fr_FR": "Quelle tâche\u00a0?",
		"ja": "Which task?", "xx-no-language": "Which task?", "\x00": "Which task?", "fr-CA,fr;q=0.8,en;q=0.5": "Quelle tâche\u00a0?", "de-DE,fr;q=0.8": "Quelle tâche\u00a0?", "en,fr;q=0.9": "Which task?"} {
		if got := tr.Text(l, "Which task?"); got != want {
			t.Errorf("%q: %q, want %q", l, got, want)
		}
	}
}

func TestNumbersTakeTheirLanguagesForms(t *testing.T) {
	tr := New()
	for _, c := range []struct {
		l    core.Locale
		n    int
		want string
	}{{"en", 0, "0 pictures"}, {"en", 1, "1 picture"}, {"en", 2, "2 pictures"}, {"fr", 0, "0 image"}, {"fr", 1, "1 image"}, {"fr", 2, "2 images"}} {
		l := core.Lang{Translator: tr, Locale: c.l}
		if got := l.N(c.n, "%d picture", "%d pictures", c.n); got != c.want {
			t.Errorf("%s %d: %q, want %q", c.l, c.n, got, c.want)
		}
	}
}

// TestOneFileIsALanguage adds one with more forms than English has.
func TestOneFileIsALanguage(t *testing.T) {
	tr, err := Read(fstest.MapFS{"pl.json": {Data: []byte(`{"Which task?": "Które zadanie?", "%d pictures": {"one": "%d obraz", "few": "%d obrazy", "many": "%d obrazów", "other": "%d obrazu"}}`)}})
	if err != nil {
		t.Fatal(err)
	}
	l := core.Lang{Translator: tr, Locale: "pl-PL"}
	got := fmt.Sprint(l.T("Which task?"), "|", l.N(1, "%d picture", "%d pictures", 1), "|", l.N(3, "%d picture", "%d pictures", 3), "|", l.N(5, "%d picture", "%d pictures", 5), "|", l.T("Which one is it?"))
	if want := "Które zadanie?|1 obraz|3 obrazy|5 obrazów|Which one is it?"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for name, data := range map[string]string{"fr.json": `{`, "no such language.json": `{}`} {
		if _, err := Read(fstest.MapFS{name: {Data: []byte(data)}}); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestErrorsAndDatesAreSaidAgain(t *testing.T) {
	fr := core.Lang{Translator: New(), Locale: "fr", Zone: time.UTC}
	err := core.Errorf(core.CodeForbidden, "You are %s in %s, and %s needs the role %s.", core.Say("a viewer"), "ACME", "approve", core.Say("editor")).WithNext("%s", core.Say("Ask %s.", core.Say("%s or %s", "Ana", "Ben")))
	if got, want := fr.Error(fmt.Errorf("wrapped: %w", err)), "Vous êtes lecteur dans ACME, et approve demande le rôle éditeur. Demandez à Ana ou Ben."; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := core.SafeMessage(err), "You are a viewer in ACME, and approve needs the role editor. Ask Ana or Ben."; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	at := time.Date(2026, 4, 3, 17, 0, 0, 0, time.UTC)
	if got, want := fr.Time(at, at), "ven. 3 avr. à 17:00"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestVerbsOfAllLanguagesAreTyped(t *testing.T) {
	table, err := command.New().In(New())
	if err != nil {
		t.Fatal(err) // a name that two verbs share, too
	}
	for typed, want := range map[string]string{"approuver v2": "approve", "approve v2": "approve", "compte lier openai": "account link", "aide": "help", "RÉGLAGES": "settings",
		"échéance vendredi": "task due", "confier moi": "task assign", "tâches": "task list", "étiquettes": "tag list", "fermer": "task close", "renommer x": "task rename", "cocher 2": "checklist tick",
		"agenda": "schedule list", "agenda réserver demain": "schedule book", "dossiers": "folder list", "comptes": "account list", "mes tâches": "home", "à faire relire": "checklist add", "favori affiches": "saved run"} {
		inv, err := table.Parse(core.Command{Text: typed})
		if err != nil || inv.Row.Verb != want {
			t.Errorf("%s is %q, %v", typed, inv.Row.Verb, err)
		}
	}
}

func TestOptionsAndChoicesOfAllLanguagesAreTyped(t *testing.T) {
	table, err := command.New().In(New())
	if err != nil {
		t.Fatal(err)
	}
	for typed, want := range map[string]map[string]string{
		"commenter v1.3 --zone 0.2,0.1,0.6,0.5 trop sombre":   {"version": "v1.3", "area": "0.2,0.1,0.6,0.5", "text": "trop sombre"},
		"commenter trop sombre —ZONE 0.2,0.1,0.6,0.5":         {"area": "0.2,0.1,0.6,0.5", "text": "trop sombre"},
		"varier v1.2 --intensite fort":                        {"version": "v1.2", "strength": "strong"},
		"rôle donner @ben Lecteur":                            {"person": "@ben", "role": "viewer"},
		"role grant @ben aucun":                               {"person": "@ben", "role": "none"},
		"rôle donner @ben --rôle editeur":                     {"person": "@ben", "role": "editor"},
		"prolonger v1.1 gauche":                               {"version": "v1.1", "direction": "left"},
		"projet réglages langue=fr":                           {"language": "fr"},
		"imaginer un phare --fournisseur midjourney --ar 3:2": {"prompt": "un phare --ar 3:2", "provider": "midjourney"},
	} {
		inv, err := table.Parse(core.Command{Text: typed})
		if err != nil || !maps.Equal(inv.Args, want) {
			t.Errorf("%s is %v, %v", typed, inv.Args, err)
		}
	}
}

func TestZonesAreRead(t *testing.T) {
	tr := New()
	p := &core.Person{Zone: "Europe/Paris"}
	for range 2 {
		if l := p.Lang(tr); l.Zone == nil || l.Zone.String() != "Europe/Paris" {
			t.Fatal(l.Zone)
		}
	}
	if p.Zone = "Mars/Olympus"; p.Lang(tr).Zone != nil {
		t.Error("a zone that there is not")
	}
}

func TestManyAskAtOnce(t *testing.T) {
	tr := New()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 2 * maxKnown {
				_ = tr.Text(core.Locale(fmt.Sprintf("fr-x-%d-%d", i, n)), "Which task?")
			}
		})
	}
	all.Wait()
	if len(tr.known) > maxKnown {
		t.Errorf("%d locales are remembered", len(tr.known))
	}
}

func BenchmarkText(b *testing.B) {
	l := core.Lang{Translator: New(), Locale: "fr-FR"}
	for b.Loop() {
		_ = l.T("Which task?")
	}
}

func BenchmarkCount(b *testing.B) {
	l := core.Lang{Translator: New(), Locale: "fr-FR"}
	for b.Loop() {
		_ = l.N(3, "%d picture", "%d pictures", 3)
	}
}
