package query

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Field is what a term of a search looks at.
type Field string

// Fields.
const (
	Word     Field = "" // words anywhere in a task, its versions and its comments
	By       Field = "by"
	From     Field = "from"
	Assigned Field = "assigned"
	Status   Field = "status"
	Verdict  Field = "verdict"
	Tag      Field = "tag"
	Folder   Field = "folder"
	Provider Field = "provider"
	Model    Field = "model"
	Op       Field = "op"
	Is       Field = "is"
	Has      Field = "has"
	Param    Field = "--" // a parameter of a prompt: Name and Value
	After    Field = "after"
	Before   Field = "before"
	Sort     Field = "sort"
)

// Fields lists what may stand before a colon.
func Fields() []string {
	return []string{"by", "from", "assigned", "status", "verdict", "tag", "folder", "provider", "model", "op", "is", "has", "after", "before", "sort"}
}

// values are what fields with a closed set take.
func values(f Field) []string {
	switch f {
	case Verdict:
		return []string{"approved", "changes"}
	case Is:
		return []string{"open", "picked", "assigned"}
	case Has:
		return []string{"comments", "open", "pictures", "brief", "files", "due", "tags"}
	case Sort:
		return []string{"newest", "best"}
	}
	return nil
}

// Term is one condition; a task is found when each of them holds somewhere in it.
type Term struct {
	Field Field
	Not   bool
	// Value is what was typed, without quotes; of a parameter, its value, empty for a flag.
	Value string
	Name  string    // of a parameter, without dashes
	Words []string  // of Word
	At    time.Time // of After and Before: the beginning of that day
	// From and To say where it stands in the search, in bytes.
	From, To int
}

// Query is a search as it was understood.
type Query struct {
	Terms []Term
	Best  bool // best first, else newest first
}

// Options are what the meaning of some words depends on.
type Options struct {
	// Now is the moment of asking, in the zone of whoever asks.
	Now time.Time
	// Statuses are those that a task may have.
	Statuses []string
	// Status finds the status that has another name than in Statuses, "" for none; nil: none has.
	Status func(typed string) string
	// Day finds the English word for a day that was named in another language, "" for none; nil: there is none.
	Day func(typed string) string
	// Flag reports whether a parameter takes no value; nil: all take one.
	Flag func(name string) bool
}

// Reason says what is wrong with a search.
type Reason string

// What can be wrong.
const (
	Empty    Reason = "empty"    // nothing was asked for
	TooLong  Reason = "long"     // more than MaxText bytes or MaxTerms terms
	NoField  Reason = "field"    // no such word before a colon; Choices are the near ones, or all
	NoValue  Reason = "value"    // nothing behind the colon
	BadValue Reason = "choice"   // the field takes only Choices
	BadDate  Reason = "date"     // no day
	NoQuote  Reason = "quote"    // a quotation is not closed
	Backward Reason = "backward" // before is not behind after
	NoWord   Reason = "word"     // signs only
)

// Error points at the word of a search that cannot be understood.
type Error struct {
	Reason   Reason
	From, To int // the word's place in the search, in bytes
	Word     string
	Choices  []string
}

// Error is for logs; whoever talks to people makes a sentence of it.
func (e *Error) Error() string { return fmt.Sprintf("query: %s at %d: %q", e.Reason, e.From, e.Word) }

// Marked returns the search with the wrong word between marks.
func (e *Error) Marked(text string) string {
	from, to := min(e.From, len(text)), min(e.To, len(text))
	return text[:from] + "»" + text[from:to] + "«" + text[to:]
}

const (
	// MaxText is how long a search may be, in bytes.
	MaxText = 500
	// MaxTerms bounds its terms.
	MaxTerms = 24
)

type token struct {
	text     string // without quotes
	quoted   bool   // begins with a quotation mark
	from, to int
}

// Parse reads a search. Its error is an *Error.
func Parse(text string, o Options) (Query, error) {
	if len(text) > MaxText {
		return Query{}, &Error{Reason: TooLong, From: MaxText, To: len(text)}
	}
	tokens, err := split(text)
	if err != nil {
		return Query{}, err
	}
	var q Query
	for i := 0; i < len(tokens); i++ {
		t, more, err := o.term(tokens[i:])
		if err != nil {
			return Query{}, err
		}
		i += more
		if t.Field == Sort {
			q.Best = t.Value == "best"
			continue
		}
		q.Terms = append(q.Terms, t)
	}
	if len(q.Terms) > MaxTerms {
		last := q.Terms[MaxTerms]
		return Query{}, &Error{Reason: TooLong, From: last.From, To: last.To, Word: text[last.From:last.To]}
	}
	if len(q.Terms) == 0 {
		return Query{}, &Error{Reason: Empty, From: len(text), To: len(text)}
	}
	return q, q.forward(text)
}

// forward refuses a search that no day fits.
func (q Query) forward(text string) error {
	var after time.Time
	for _, t := range q.Terms {
		if t.Field == After && t.At.After(after) {
			after = t.At
		}
	}
	for _, t := range q.Terms {
		if t.Field == Before && !after.IsZero() && !t.At.After(after) {
			return &Error{Reason: Backward, From: t.From, To: t.To, Word: text[t.From:t.To]}
		}
	}
	return nil
}

// split cuts a search at spaces outside of quotation marks.
func split(text string) ([]token, error) {
	var out []token
	for i := 0; i < len(text); {
		r := rune(text[i])
		if r < 0x80 && unicode.IsSpace(r) {
			i++
			continue
		}
		t := token{from: i, quoted: text[i] == '"' || strings.HasPrefix(text[i:], `-"`)}
		var b strings.Builder
		in := -1
		for ; i < len(text); i++ {
			c := text[i]
			if c == '"' {
				if in < 0 {
					in = i
				} else {
					in = -1
				}
				continue
			}
			if in < 0 && c < 0x80 && unicode.IsSpace(rune(c)) {
				break
			}
			b.WriteByte(c)
		}
		if in >= 0 {
			return nil, &Error{Reason: NoQuote, From: in, To: len(text), Word: text[in:]}
		}
		t.text, t.to = b.String(), i
		out = append(out, t)
	}
	return out, nil
}

// term reads the first token, and how many more belong to it.
func (o Options) term(all []token) (t Term, more int, err error) {
	tok := all[0]
	rest := tok.text
	t = Term{From: tok.from, To: tok.to}
	fail := func(r Reason, choices ...string) (Term, int, error) {
		return t, 0, &Error{Reason: r, From: tok.from, To: tok.to, Word: tok.text, Choices: choices}
	}
	if name, ok := strings.CutPrefix(rest, "--"); ok && !tok.quoted && name != "" {
		return o.param(all, name)
	}
	if len(rest) > 1 && rest[0] == '-' {
		t.Not, rest = true, rest[1:]
	}
	name, value, colon := strings.Cut(rest, ":")
	f := Field(strings.ToLower(name))
	known := slices.Contains(Fields(), string(f))
	switch {
	case tok.quoted || !colon || !known && (!letters(name) || strings.HasPrefix(value, "//")):
		if t.Words = Words(rest); len(t.Words) == 0 {
			return fail(NoWord)
		}
		t.Value = rest
		return t, 0, nil
	case !known:
		near := Near(name, Fields(), 3)
		if len(near) == 0 {
			near = Fields()
		}
		return fail(NoField, near...)
	case strings.TrimSpace(value) == "":
		return fail(NoValue, o.choices(f)...)
	}
	t.Field, t.Value = f, strings.TrimSpace(value)
	if f == After || f == Before {
		if t.At, known = o.day(t.Value); !known || t.Not {
			return fail(BadDate)
		}
		return t, 0, nil
	}
	choices := o.choices(f)
	if choices == nil {
		return t, 0, nil
	}
	v, ok := choose(t.Value, choices)
	if !ok && f == Status && o.Status != nil {
		v = o.Status(t.Value)
		ok = v != ""
	}
	if !ok || f == Sort && t.Not {
		return fail(BadValue, choices...)
	}
	t.Value = v
	return t, 0, nil
}

// choices are what a field takes; nil when that is anything.
func (o Options) choices(f Field) []string {
	if f == Status {
		return o.Statuses
	}
	return values(f)
}

// choose finds the value that somebody means: itself, with other signs between its words, or one of its words that only
// it has.
func choose(value string, of []string) (string, bool) {
	same := func(s string) string { return strings.Join(Words(s), " ") }
	v := same(value)
	found := ""
	for _, c := range of {
		if same(c) == v {
			return c, true
		}
		if slices.Contains(strings.Fields(same(c)), v) {
			if found != "" {
				return "", false
			}
			found = c
		}
	}
	return found, found != ""
}

// param reads "--name value", "--name=value" and flags.
func (o Options) param(all []token, name string) (Term, int, error) {
	t := Term{Field: Param, From: all[0].from, To: all[0].to}
	name, value, has := strings.Cut(name, "=")
	t.Name = strings.ToLower(name)
	if !letters(t.Name) {
		return t, 0, &Error{Reason: NoWord, From: t.From, To: t.To, Word: all[0].text}
	}
	switch {
	case has && value == "":
		return t, 0, &Error{Reason: NoValue, From: t.From, To: t.To, Word: all[0].text}
	case has:
		t.Value = value
	case o.Flag != nil && o.Flag(t.Name):
	case len(all) < 2 || strings.HasPrefix(all[1].text, "--"):
		return t, 0, &Error{Reason: NoValue, From: t.From, To: t.To, Word: all[0].text}
	default:
		t.Value, t.To = all[1].text, all[1].to
		return t, 1, nil
	}
	return t, 0, nil
}

// day reads a day: 2026-10-01, 2026-10, today, yesterday, tomorrow, 7d or 2w. It begins at midnight where whoever asks is.
func (o Options) day(s string) (time.Time, bool) {
	zone := o.Now.Location()
	for _, form := range []string{"2006-01-02", "2006-1-2", "2006-01"} {
		if t, err := time.ParseInLocation(form, s, zone); err == nil {
			return t, true
		}
	}
	back := func(days int) (time.Time, bool) {
		y, m, d := o.Now.Date()
		return time.Date(y, m, d-days, 0, 0, 0, 0, zone), true
	}
	if o.Day != nil {
		if english := o.Day(s); english != "" {
			s = english
		}
	}
	switch s = strings.ToLower(s); s {
	case "tomorrow":
		return back(-1)
	case "today":
		return back(0)
	case "yesterday":
		return back(1)
	}
	if s == "" {
		return time.Time{}, false
	}
	n, err := strconv.Atoi(s[:len(s)-1])
	if err != nil || n < 0 || n > 10_000 {
		return time.Time{}, false
	}
	switch s[len(s)-1] {
	case 'd':
		return back(n)
	case 'w':
		return back(7 * n)
	}
	return time.Time{}, false
}

func letters(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '_' {
			return false
		}
	}
	return s != ""
}
