package command

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-bridge/atelier/core"
)

func TestParseText(t *testing.T) {
	table := New()
	for _, c := range []struct {
		name, alias, text string
		verb              string
		args              map[string]string
		wrong             string // part of the message
	}{
		{"imagine by alias", "/imagine", "a lighthouse in the fog --ar 3:2", "imagine", map[string]string{"prompt": "a lighthouse in the fog --ar 3:2"}, ""},
		{"provider is taken out of the prompt", "/imagine", "a crane --provider midjourney --ar 3:2", "imagine", map[string]string{"prompt": "a crane --ar 3:2", "provider": "midjourney"}, ""},
		{"an em dash is two dashes", "/imagine", "a crane —ar 3:2", "imagine", map[string]string{"prompt": "a crane --ar 3:2"}, ""},
		{"line breaks stay", "/imagine", "a crane\non a lake", "imagine", map[string]string{"prompt": "a crane\non a lake"}, ""},
		{"no prompt", "/imagine", "  ", "", nil, "needs a prompt"},
		{"two words", "", "task show ACME-3", "task show", map[string]string{"task": "ACME-3"}, ""},
		{"upper case", "", "Approve V2 looks good", "approve", map[string]string{"version": "v2", "reason": "looks good"}, ""},
		{"task and version", "", "vary acme-2 v1.3 --strength strong", "vary", map[string]string{"task": "ACME-2", "version": "v1.3", "strength": "strong"}, ""},
		{"choice by position", "", "pan v1.1 left", "pan", map[string]string{"version": "v1.1", "direction": "left"}, ""},
		{"wrong choice", "", "vary v1 --strength wild", "", nil, "subtle, strong"},
		{"area", "", "edit v2.3 --area 0.2,0.1,0.6,0.5 a boat", "edit", map[string]string{"version": "v2.3", "area": "0.2,0.1,0.6,0.5", "prompt": "a boat"}, ""},
		{"bad area", "", "edit v2.3 --area 0.9,0.1,0.6,0.5 a boat", "", nil, "no area"},
		{"images", "", "blend v1.2,v2.3 in oil", "blend", map[string]string{"images": "v1.2,v2.3", "prompt": "in oil"}, ""},
		{"unknown verb", "", "aprove v2", "", nil, `Did you mean "approve"`},
		{"unknown word", "", "versions please now", "", nil, "do not understand"},
		{"empty is help", "", "", "help", map[string]string{}, ""},
		{"roles", "", "role grant <@U1> admin", "role grant", map[string]string{"person": "slack:T1/U1", "role": "admin"}, ""},
		{"settings", "", "project settings --default_role viewer", "project settings", map[string]string{"default_role": "viewer"}, ""},
		{"bad version", "", "approve --version x", "", nil, "no version"},
		{"too long", "", "imagine " + strings.Repeat("x", MaxText), "", nil, "too long"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inv, err := table.Parse(core.Command{Surface: core.SurfaceSlash, Alias: c.alias, Text: c.text, Mentions: map[string]core.IdentityID{"<@U1>": "slack:T1/U1"}})
			if c.wrong != "" {
				if !strings.Contains(core.SafeMessage(err), c.wrong) || core.ErrorCode(err) != core.CodeInvalid {
					t.Fatalf("error %v says %q, want %q in it", err, core.SafeMessage(err), c.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if inv.Row.Verb != c.verb {
				t.Errorf("verb %q, want %q", inv.Row.Verb, c.verb)
			}
			if diff := cmp.Diff(c.args, inv.Args); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseActions(t *testing.T) {
	table := New()
	inv, err := table.Parse(core.Command{Surface: core.SurfaceButton, Action: core.Action{Verb: "vary", Task: "ACME-1", Ref: core.ImageRef{Version: 1, Image: 2}, Arg: "subtle"}})
	if err != nil || inv.Args["strength"] != "subtle" || inv.Task != "ACME-1" || inv.Ref.Image != 2 {
		t.Fatalf("%+v %v", inv, err)
	}
	inv, err = table.Parse(core.Command{Surface: core.SurfaceButton, Action: core.Action{Verb: "project bind", Arg: "confirm,ACME"}})
	if err != nil || !inv.Confirm || inv.Args["key"] != "ACME" {
		t.Fatalf("%+v %v", inv, err)
	}
	if _, err = table.Parse(core.Command{Action: core.Action{Verb: "fly"}}); core.ErrorCode(err) != core.CodeInvalid {
		t.Fatal(err)
	}
	inv, err = table.Parse(core.Command{Surface: core.SurfaceModal, Action: core.Action{Verb: "changes", Task: "ACME-1", Ref: core.ImageRef{Version: 2}}, Options: map[string]string{"reason": "less contrast"}})
	if err != nil || inv.Args["reason"] != "less contrast" || inv.Ref.Version != 2 {
		t.Fatalf("%+v %v", inv, err)
	}
}

func TestOptionsFromDiscord(t *testing.T) {
	inv, err := New().Parse(core.Command{Surface: core.SurfaceSlash, Verb: "imagine", Options: map[string]string{"prompt": "a crane --ar 3:2 --provider midjourney"}})
	if err != nil || inv.Args["prompt"] != "a crane --ar 3:2" || inv.Args["provider"] != "midjourney" {
		t.Fatalf("%+v %v", inv.Args, err)
	}
}

func TestWhatIsOnesOwnIsPersonal(t *testing.T) {
	own := map[string]bool{"home": true, "jobs": true, "export": true, "download": true, "schedule feed": true}
	for _, r := range New().Rows() {
		first, _ := r.Words()
		want := own[r.Verb] || r.Group == GroupAccounts || first == "quota" || first == "saved"
		if r.Personal != want {
			t.Errorf("%s: personal is %v", r.Verb, r.Personal)
		}
	}
}

func TestTableRefusesCollisions(t *testing.T) {
	row := Row{Verb: "a", Help: "h", Role: core.RoleNone, Ack: AckPrivate}
	other := row
	other.Verb, other.Aliases = "b", []string{"a"}
	if _, err := NewTable([]Row{row, other}); err == nil {
		t.Fatal("two rows share a name")
	}
	long := row
	long.Help = strings.Repeat("x", 101)
	if _, err := NewTable([]Row{long}); err == nil {
		t.Fatal("help is too long for Discord")
	}
}

func TestDocumentationIsCurrent(t *testing.T) {
	const path = "../../docs/commands.md"
	got := New().Markdown()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("docs/commands.md is not what the table says; run make golden:\n%s", diff)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"imagine a --ar 3:2", "role grant @x admin", "edit --area 1,2,3,4", "—", "--", "blend v1,v2"} {
		f.Add(s)
	}
	table := New()
	f.Fuzz(func(t *testing.T, s string) {
		_, err := table.Parse(core.Command{Text: s})
		if err != nil && core.ErrorCode(err) != core.CodeInvalid {
			t.Fatalf("%q: %v", s, err)
		}
	})
}
