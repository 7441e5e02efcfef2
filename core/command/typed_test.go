package command

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-bridge/atelier/core"
)

func TestTextsStayAsTyped(t *testing.T) {
	table := New()
	for typed, want := range map[string]map[string]string{
		"imagine un phare – la nuit":                      {"prompt": "un phare – la nuit"},
		"imagine l’île — “bleue” —ar 3:2 –style raw":      {"prompt": "l’île — “bleue” --ar 3:2 --style raw"},
		"imagine un phare —provider “open ai” la nuit":    {"prompt": "un phare la nuit", "provider": "open ai"},
		"imagine 9—5 —2 well—known":                       {"prompt": "9—5 —2 well—known"},
		"task new L’affiche – “printemps”":                {"title": "L’affiche – “printemps”"},
		"task new L’affiche —due « vendredi 17 h »":       {"title": "L’affiche", "due": "vendredi 17 h"},
		"comment v1.3 l’horizon — trop “bas” —non":        {"version": "v1.3", "text": "l’horizon — trop “bas” —non"},
		"comment \"v1.3\" est mieux":                      {"text": "\"v1.3\" est mieux"},
		"comment \"tout\" est bien":                       {"text": "\"tout\" est bien"},
		"brief “Deux personnes” – au marché":              {"text": "“Deux personnes” – au marché"},
		"search “night sky” —ar 3:2 by:@me":               {"query": "\"night sky\" --ar 3:2 by:@me"},
		"due \"friday 17:00\"":                            {"when": "friday 17:00"},
		"due ACME-1 “friday 17:00”":                       {"task": "ACME-1", "when": "friday 17:00"},
		"task status ACME-1 \"in review\"":                {"task": "ACME-1", "status": "in review"},
		"schedule book \"friday 9:30 90min\"":             {"when": "friday 9:30 90min"},
		"schedule book \"friday 9:30\" 90min the \"sea\"": {"when": "friday 9:30 90min the \"sea\""},
		"digest weekly \"monday 9:00\"":                   {"every": "weekly", "when": "monday 9:00"},
		"digest \"weekly\" monday 9:00":                   {"every": "weekly", "when": "monday 9:00"},
		"task assign \"ACME-1\" \"Ana Maria\"":            {"task": "ACME-1", "person": "Ana Maria"},
		"role grant \"@ben\" \"viewer\"":                  {"person": "@ben", "role": "viewer"},
		"preset save \"noir\" film grain":                 {"name": "noir", "suffix": "film grain"},
		"due \"friday":                                    {"when": "\"friday"},
	} {
		inv, err := table.Parse(core.Command{Text: typed})
		if err != nil {
			t.Errorf("%s: %v", typed, err)
			continue
		}
		if diff := cmp.Diff(want, inv.Args); diff != "" {
			t.Errorf("%s: %s", typed, diff)
		}
	}
}

func TestOptionsFromAppsStayAsTyped(t *testing.T) {
	for _, c := range []struct{ verb, option, typed, want string }{
		{"imagine", "prompt", "un phare – l’île —ar 3:2", "un phare – l’île --ar 3:2"},
		{"imagine", "prompt", "un phare – l’île\nla nuit", "un phare – l’île\nla nuit"},
		{"comment", "text", "trop “bas” – non", "trop “bas” – non"},
		{"search", "query", "“night sky” —ar 3:2", "\"night sky\" --ar 3:2"},
		{"task due", "when", "“friday 17:00”", "friday 17:00"},
	} {
		inv, err := New().Parse(core.Command{Verb: c.verb, Options: map[string]string{c.option: c.typed}})
		if err != nil || inv.Args[c.option] != c.want {
			t.Errorf("%s %s: %q, %v", c.verb, c.typed, inv.Args[c.option], err)
		}
	}
}
