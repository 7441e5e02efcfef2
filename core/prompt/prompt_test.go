package prompt

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-bridge/atelier/core"
)

func TestParse(t *testing.T) {
	table := Builtin()
	for _, c := range []struct {
		name, text, words string
		params            map[string]string
		version, wrong    string
	}{
		{"plain", "a lighthouse in the fog", "a lighthouse in the fog", map[string]string{}, "8.2", ""},
		{"ratio", "a lighthouse --ar 3:2", "a lighthouse", map[string]string{"ar": "3:2"}, "8.2", ""},
		{"aliases", "x --s 250 --c 10 --aspect 1:2", "x", map[string]string{"stylize": "250", "chaos": "10", "ar": "1:2"}, "8.2", ""},
		{"flags", "x --raw --tile", "x", map[string]string{"raw": "true", "tile": "true"}, "8.2", ""},
		{"list", "x --no red roses, thorns --s 1", "x", map[string]string{"no": "red roses, thorns", "stylize": "1"}, "8.2", ""},
		{"version", "x --v 7", "x", map[string]string{}, "7", ""},
		{"niji", "x --niji 7", "x", map[string]string{}, "niji 7", ""},
		{"own parameter", "x --mine 3", "x", map[string]string{"mine": "3"}, "8.2", ""},
		{"words behind a parameter", "x --ar 3:2 at night", "x at night", map[string]string{"ar": "3:2"}, "8.2", ""},
		{"inline", "x --ar=3:2 --sref=AbC", "x", map[string]string{"ar": "3:2", "sref": "AbC"}, "8.2", ""},
		{"dashes that are no parameter", "x --=--C -- y", "x --=--C -- y", map[string]string{}, "8.2", ""},
		{"a parameter as a value", "x --mine=--C", "", nil, "", "needs a value"},
		{"zero ratio", "x --ar 0:0", "", nil, "", "3:2"},
		{"too wide", "x --ar 100:1", "", nil, "", "3:2"},
		{"too much style", "x --s 99999", "", nil, "", "0 to 1000"},
		{"no number", "x --seed red", "", nil, "", "0 to 4294967295"},
		{"no value", "x --ar", "", nil, "", "needs a value"},
		{"no such version", "x --v 3", "", nil, "", "8.2"},
		{"too long", strings.Repeat("long ", 2000), "", nil, "", "At most"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := table.Parse(c.text)
			if c.wrong != "" {
				if !strings.Contains(core.SafeMessage(err), c.wrong) || core.ErrorCode(err) != core.CodeInvalid {
					t.Fatalf("error %v says %q, want %q in it", err, core.SafeMessage(err), c.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if p.Words != c.words || p.Version != c.version {
				t.Errorf("words %q version %q", p.Words, p.Version)
			}
			if diff := cmp.Diff(c.params, p.Map()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRuns(t *testing.T) {
	table := Builtin()
	for text, want := range map[string]int{
		"a cat": 1, "a {red, green, blue} cat": 3, "a {red, green} {cat, dog}": 4, "a {red, {light, dark} green} cat": 2,
		`a {red\, green, blue} cat`: 2, "a cat --r 5": 5, "a {red, green} cat --repeat 3": 6,
	} {
		p, err := table.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := Runs(p); got != want {
			t.Errorf("%q runs %d times, want %d", text, got, want)
		}
	}
}

func TestNormalise(t *testing.T) {
	a, b := Normalise("https://x.example/a.png  A  Lighthouse --ar 3:2 --v 7"), Normalise("a lighthouse --ar 3:2")
	if a != b {
		t.Errorf("%q and %q", a, b)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("a --ar 3:2 --no x, y --v 7")
	f.Add("{a, b} --r 40 --seed 4294967295")
	table := Builtin()
	f.Fuzz(func(t *testing.T, s string) {
		p, err := table.Parse(s)
		if err != nil {
			if core.ErrorCode(err) != core.CodeInvalid {
				t.Fatal(err)
			}
			return
		}
		text, _ := table.Compose(p)
		if _, err := table.Parse(text); err != nil && len([]rune(text)) <= table.MaxLength {
			t.Fatalf("%q was composed to %q, which does not parse: %v", s, text, err)
		}
	})
}

func TestExpand(t *testing.T) {
	table := Builtin()
	for text, want := range map[string][]string{
		"a boat":                            {"a boat"},
		"a {red, blue} {cat, dog} --ar 3:2": {"a red cat --ar 3:2", "a red dog --ar 3:2", "a blue cat --ar 3:2", "a blue dog --ar 3:2"},
		"a {b, {c, d}e}":                    {"a b", "a ce", "a de"},
		"a boat --repeat 2":                 {"a boat", "a boat"},
		`a \{red, blue\} boat`:              {`a \{red, blue\} boat`},
		"a {red, blue boat":                 {"a {red, blue boat"},
	} {
		p, err := table.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		all, err := Expand(p, 16)
		if err != nil {
			t.Fatal(text, err)
		}
		var got []string
		for _, q := range all {
			got = append(got, q.Text())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
	for _, text := range []string{"{1,2,3,4,5} {1,2,3,4,5}", strings.Repeat("{a,b}", 400), "{" + strings.Repeat("{a,b}", 400) + "}"} {
		p, err := table.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Expand(p, 16); core.ErrorCode(err) != core.CodeInvalid {
			t.Errorf("%.30q: %v", text, err)
		}
	}
}
