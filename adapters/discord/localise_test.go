package discord

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
)

// dictionary is a translator with one language besides English.
type dictionary map[string]string

func (d dictionary) Text(l core.Locale, sentence string) string {
	if s := d[sentence]; s != "" && l == "fr" {
		return s
	}
	return sentence
}

func (d dictionary) Count(_ core.Locale, _ int, _, other string) string { return other }

func (d dictionary) Languages() []core.Locale { return []core.Locale{"en", "fr"} }

func TestCommandsHaveNamesInOtherLanguages(t *testing.T) {
	r := newRig(t, rigOptions{idle: true})
	r.register()
	words := dictionary{"verb:approve": "approuver", "verb:account link": "compte lier", "group:account": "compte", "option:provider": "fournisseur", "choice:subtle": "subtil",
		"Approve a version": "Approuver une version", "Attach to task": "Joindre à la tâche"}
	r.a.o.Translator = words
	for _, want := range []bool{true, false} {
		if changed, err := r.a.Register(r.ctx()); err != nil || changed != want {
			t.Fatalf("registered %v, want %v: %v", changed, want, err)
		}
	}
	words["Approve a version"] = "Approuver cette version"
	if changed, err := r.a.Register(r.ctx()); err != nil || !changed {
		t.Fatalf("another translation is not registered: %v", err)
	}
	got, err := Registration(command.New(), words)
	if err != nil {
		t.Fatal(err)
	}
	all := bytes.Join(func() (out [][]byte) {
		for _, c := range got {
			out = append(out, c)
		}
		return out
	}(), nil)
	for _, want := range []string{`"name":"approve","name_localizations":{"fr":"approuver"}`, `"name":"account","name_localizations":{"fr":"compte"}`, `"name":"link","name_localizations":{"fr":"lier"}`,
		`"name":"provider","name_localizations":{"fr":"fournisseur"}`, `"name":"subtle","name_localizations":{"fr":"subtil"}`, `"name":"Attach to task","name_localizations":{"fr":"Joindre à la tâche"}`} {
		if !bytes.Contains(all, []byte(want)) {
			t.Errorf("%s is not registered", want)
		}
	}
	for name, bad := range map[string]dictionary{"a capital": {"option:provider": "Fournisseur"}, "one name of two": {"verb:role grant": "rôle donner", "verb:role list": "rôle donner"}, "too long": {"Approve a version": strings.Repeat("é", 101)},
		"too many characters": {"Make pictures together, each on your own account": strings.Repeat("é", 7000)}} {
		if _, err := Registration(command.New(), bad); err == nil {
			t.Errorf("%s: registered", name)
		}
	}
	var first appCommand
	if err := json.Unmarshal(got[0], &first); err != nil || longest(first.Name, first.Names) == 0 {
		t.Fatal(err)
	}
}
