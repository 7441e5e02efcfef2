package query

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func options() Options {
	paris := time.FixedZone("UTC+2", 2*3600)
	return Options{Now: time.Date(2026, 10, 8, 15, 0, 0, 0, paris), Statuses: []string{"open", "in progress", "in review", "changes requested", "approved"},
		Flag: func(n string) bool { return n == "tile" }}
}

func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		"A Lighthouse, in the FOG!":           "a lighthouse in the fog",
		"Éléphant naïve Straße Ångström Łódź": "elephant naive strasse angstrom lodz",
		"e\u0301te\u0301":                     "ete",
		"同じ海":                                 "同 じ 海",
		"fog fog Fog":                         "fog",
		"v2.3 --ar 3:2":                       "v2 3 ar 2",
		"":                                    "",
		strings.Repeat("x", 100):              strings.Repeat("x", MaxWord),
	} {
		if got := strings.Join(Words(text), " "); got != want {
			t.Errorf("Words(%q) is %q, want %q", text, got, want)
		}
	}
	var many strings.Builder
	for i := range 500 {
		many.WriteString(strings.Repeat("y", i%30) + " " + string(rune('a'+i%26)) + string(rune('a'+i/26)) + " ")
	}
	if n := len(Words(many.String())); n != MaxWords {
		t.Errorf("%d words, want %d", n, MaxWords)
	}
}

func TestParse(t *testing.T) {
	q, err := Parse(`lighthouse "in the fog" by:@me status:approved after:2026-10-01 before:today tag:poster folder:"spring sale" provider:sketch is:open has:comments assigned:@ana -word -tag:old --ar 3:2 --tile --s=250 sort:best`, options())
	if err != nil {
		t.Fatal(err)
	}
	if !q.Best || len(q.Terms) != 17 {
		t.Fatalf("%d terms, best %v: %+v", len(q.Terms), q.Best, q.Terms)
	}
	find := func(f Field, v string) Term {
		t.Helper()
		for _, x := range q.Terms {
			if x.Field == f && (x.Value == v || x.Name == v) {
				return x
			}
		}
		t.Fatalf("no %s:%s", f, v)
		return Term{}
	}
	if w := find(Word, "in the fog").Words; !slices.Equal(w, []string{"in", "the", "fog"}) {
		t.Errorf("words %v", w)
	}
	if !find(Word, "word").Not || !find(Tag, "old").Not || find(Tag, "poster").Not {
		t.Error("a minus counts for its own word only")
	}
	if p := find(Param, "ar"); p.Value != "3:2" {
		t.Errorf("parameter %+v", p)
	}
	if p := find(Param, "tile"); p.Value != "" {
		t.Errorf("flag %+v", p)
	}
	find(Param, "s")
	find(Folder, "spring sale")
	find(By, "@me")
	if at := find(After, "2026-10-01").At; !at.Equal(time.Date(2026, 9, 30, 22, 0, 0, 0, time.UTC)) {
		t.Errorf("a day begins at %v", at)
	}
	if at := find(Before, "today").At; !at.Equal(time.Date(2026, 10, 7, 22, 0, 0, 0, time.UTC)) {
		t.Errorf("today begins at %v", at)
	}
	for _, s := range []string{"status:progress", "status:in-progress", `status:"In Progress"`, "status:IN_PROGRESS"} {
		if q, err := Parse(s, options()); err != nil || q.Terms[0].Value != "in progress" {
			t.Errorf("%s: %+v %v", s, q, err)
		}
	}
	for _, s := range []string{"https://example.org/x", "3:2", "12:30", `"status:nothing"`} {
		if q, err := Parse(s, options()); err != nil || q.Terms[0].Field != Word {
			t.Errorf("%s: %+v %v", s, q, err)
		}
	}
}

func TestParsePointsAtTheWord(t *testing.T) {
	for text, want := range map[string]struct {
		reason Reason
		marked string
		choice string
	}{
		"fog statsu:approved sea":      {NoField, "fog »statsu:approved« sea", "status"},
		"fog status:aproved":           {BadValue, "fog »status:aproved«", "approved"},
		"status:in":                    {BadValue, "»status:in«", "in review"},
		"tag:":                         {NoValue, "»tag:«", ""},
		"fog after:soon":               {BadDate, "fog »after:soon«", ""},
		"after:2026-02-30":             {BadDate, "»after:2026-02-30«", ""},
		`fog "in the`:                  {NoQuote, `fog »"in the«`, ""},
		"after:today before:yesterday": {Backward, "after:today »before:yesterday«", ""},
		"fog ... sea":                  {NoWord, "fog »...« sea", ""},
		"fog --ar":                     {NoValue, "fog »--ar«", ""},
		"":                             {Empty, "»«", ""},
		"sort:best":                    {Empty, "sort:best»«", ""},
		"sort:oldest fog":              {BadValue, "»sort:oldest« fog", "best"},
		"-after:today":                 {BadDate, "»-after:today«", ""},
		strings.Repeat("x", MaxText+1): {TooLong, strings.Repeat("x", MaxText) + "»x«", ""},
		"a b c d e f g h i j k l m n o p q r s t u v w x y": {TooLong, "a b c d e f g h i j k l m n o p q r s t u v w x »y«", ""},
	} {
		_, err := Parse(text, options())
		var e *Error
		if !errors.As(err, &e) || e.Reason != want.reason || e.Marked(text) != want.marked || want.choice != "" && !slices.Contains(e.Choices, want.choice) {
			t.Errorf("%q: %v, marked %q with %v", text, err, e.Marked(text), e.Choices)
		}
	}
}

func TestNear(t *testing.T) {
	names := []string{"spring", "Spring sale", "posters", "Été"}
	for word, want := range map[string]string{"sprnig": "spring", "spring": "spring Spring sale", "ete": "Été", "poster": "posters", "zzz": "", "sale": "Spring sale"} {
		if got := strings.Join(Near(word, names, 3), " "); got != want {
			t.Errorf("near %q is %q, want %q", word, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`a "b c" -d by:@me --ar 3:2`, `"`, "--", "-", ":", "a:b", "after:9d", "after:99999999999d", "é:", "--x= --=", "status:\"in ", "sort:best sort:newest"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := Parse(s, options())
		var e *Error
		if err != nil {
			if !errors.As(err, &e) || e.From < 0 || e.From > e.To || e.To > len(s) {
				t.Fatalf("%q: %#v", s, err)
			}
			if utf8.ValidString(s) && e.Reason != TooLong && !utf8.ValidString(e.Marked(s)) {
				t.Fatalf("%q is cut inside a letter", s)
			}
			return
		}
		if len(q.Terms) == 0 || len(q.Terms) > MaxTerms {
			t.Fatalf("%q has %d terms", s, len(q.Terms))
		}
		for _, x := range q.Terms {
			if x.From < 0 || x.To > len(s) || x.From >= x.To || x.Field == Word && len(x.Words) == 0 {
				t.Fatalf("%q: %+v", s, x)
			}
			for _, w := range x.Words {
				if len(w) == 0 || len(w) > MaxWord {
					t.Fatalf("%q: word %q", s, w)
				}
			}
		}
	})
}

func TestDaysOfOtherLanguages(t *testing.T) {
	o := options()
	o.Day = func(typed string) string { return map[string]string{"hier": "yesterday", "demain": "tomorrow"}[typed] }
	q, err := Parse("after:hier before:demain", o)
	if err != nil || q.Terms[0].At.Format("01-02") != "10-07" || q.Terms[1].At.Format("01-02") != "10-09" || q.Terms[0].Value != "hier" {
		t.Errorf("%+v %v", q, err)
	}
	if _, err := Parse("after:tomorrow", options()); err != nil {
		t.Error(err)
	}
	if _, err := Parse("after:jamais", o); err == nil {
		t.Error("never is no day")
	}
}
