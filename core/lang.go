package core

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Locale is a language as platforms name it: "fr", "en-US", "pt-BR". Empty means that nobody said.
type Locale string

// Translator puts sentences for people into their language. The English sentence, with the verbs of package fmt, is its
// own id; where a language has no translation, the English one is used.
type Translator interface {
	// Text returns the format of a sentence in a language, with the same arguments.
	Text(l Locale, sentence string) string
	// Count returns the format that a language uses for a number of things; English has one and other.
	Count(l Locale, n int, one, other string) string
	// Languages lists what there is, English first.
	Languages() []Locale
}

// Lang speaks one language. The zero value speaks English.
type Lang struct {
	Translator Translator
	Locale     Locale
	// Zone is where its reader's clocks are; nil is UTC.
	Zone *time.Location
}

// T returns a sentence. Its first argument is a constant: it is looked up, and collected by the test that finds what a
// language lacks.
func (l Lang) T(sentence string, args ...any) string {
	if l.Translator != nil {
		sentence = l.Translator.Text(l.Locale, sentence)
	}
	if len(args) == 0 {
		return sentence
	}
	return l.fill(sentence, args)
}

// N returns the sentence for a number of things: N(n, "%d picture", "%d pictures", n). Both are constants.
func (l Lang) N(n int, one, other string, args ...any) string {
	form := other
	switch {
	case l.Translator != nil:
		form = l.Translator.Count(l.Locale, n, one, other)
	case n == 1:
		form = one
	}
	if !strings.Contains(form, "%") {
		return form // "a comment": it says the number itself
	}
	return l.fill(form, args)
}

// fill puts arguments into a sentence. One that ends with an abbreviation, such as a month of French, has one full stop.
func (l Lang) fill(sentence string, args []any) string {
	args = l.spoken(args)
	text := fmt.Sprintf(l.elide(sentence, args), args...)
	if strings.HasSuffix(sentence, ".") && strings.HasSuffix(text, "..") && !strings.HasSuffix(text, "...") {
		text = text[:len(text)-1]
	}
	return text
}

// spoken puts those arguments that are sentences themselves, or figures, into the language.
func (l Lang) spoken(args []any) []any {
	out := args
	for i, a := range args {
		switch x := a.(type) {
		case Saying:
			a = x.In(l)
		case error:
			a = l.Error(x)
		case Money:
			a = x.In(l)
		case Figure:
			a = x.In(l)
		case float64:
			a = fraction{x, l.decimalSign()}
		default:
			continue
		}
		if &out[0] == &args[0] {
			out = slices.Clone(args)
		}
		out[i] = a
	}
	return out
}

// Saying is a sentence, or a part of one, that is said later in the language of whoever reads it: as an argument of Lang.T,
// of Lang.N and of errors.
type Saying struct {
	one, other string // one is empty where no things are counted
	n          int
	args       []any
}

// Say makes a Saying. Its first argument is a constant, as that of Lang.T.
func Say(sentence string, args ...any) Saying { return Saying{other: sentence, args: args} }

// SayN makes a Saying about a number of things, as Lang.N.
func SayN(n int, one, other string, args ...any) Saying {
	return Saying{one: one, other: other, n: n, args: args}
}

// IsZero reports whether it says nothing.
func (s Saying) IsZero() bool { return s.other == "" }

// In says it in a language.
func (s Saying) In(l Lang) string {
	if s.one != "" {
		return l.N(s.n, s.one, s.other, s.args...)
	}
	return l.T(s.other, s.args...)
}

// String says it in English.
func (s Saying) String() string { return s.In(Lang{}) }

// In returns the time on the reader's clock.
func (l Lang) In(t time.Time) time.Time {
	if l.Zone == nil {
		return t.UTC()
	}
	return t.In(l.Zone)
}

// Day returns a day as people write it: "Fri 3 Apr", with the year where it is not this one.
func (l Lang) Day(t, now time.Time) string {
	t, now = l.In(t), l.In(now)
	weekday, month := l.T(t.Format("Mon")), l.T(t.Format("Jan"))
	if t.Year() != now.Year() {
		return l.T("%[1]s %[2]s %[3]s %[4]d", weekday, l.DayOfMonth(t), month, t.Year())
	}
	return l.T("%[1]s %[2]s %[3]s", weekday, l.DayOfMonth(t), month)
}

// Time returns a moment as people write it: "Fri 3 Apr 17:00", with the zone where it is not known to the reader.
func (l Lang) Time(t, now time.Time) string {
	s := l.T("%[1]s %[2]s", l.Day(t, now), l.In(t).Format("15:04"))
	if l.Zone == nil {
		s += " UTC"
	}
	return s
}

// Error returns what a person may read of an error, in their language.
func (l Lang) Error(err error) string { return safeMessage(l, err) }
