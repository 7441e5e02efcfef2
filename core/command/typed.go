package command

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Typed says how the text of a tail is understood.
type Typed string

// How tails are understood.
const (
	TypedText  Typed = ""      // people's own words: kept as they were typed
	TypedValue Typed = "value" // a value of several words, such as a moment: quotes around it, or around its beginning, are taken off
	TypedQuery Typed = "query" // read word by word: quotes and dashes count as the plain ones, whatever a keyboard made of them
)

// in returns a tail as it is understood. Of a text that people wrote nothing changes, except that a prompt's parameters
// get their dashes back.
func (o Option) in(r Row, text string) string {
	switch {
	case o.Typed == TypedValue:
		return unquoted(text)
	case o.Typed == TypedQuery:
		return dashed(strings.Map(plainQuote, text))
	case r.Prompt:
		return dashed(text)
	}
	return text
}

// Keyboards open and close quotations with any of these.
const (
	opening = `"“”„«`
	closing = `"”“»`
)

func plainQuote(r rune) rune {
	if strings.ContainsRune(opening+closing, r) {
		return '"'
	}
	return r
}

// plainMarks makes a word comparable with ours: in lower case, with the apostrophe of typewriters.
func plainMarks(s string) string {
	return strings.ReplaceAll(strings.ToLower(s), "’", "'")
}

// dashed undoes what keyboards make of two hyphens: a long dash that begins a word and is followed by a letter at once, as in
// "—ar 3:2". Any other dash is a person's own.
func dashed(s string) string {
	if !strings.ContainsAny(s, "—–") {
		return s
	}
	var b strings.Builder
	start := true
	for i, r := range s {
		next := ' '
		if r == '—' || r == '–' {
			next, _ = utf8.DecodeRuneInString(s[i+utf8.RuneLen(r):])
		}
		if start && unicode.IsLetter(next) {
			b.WriteString("--")
		} else {
			b.WriteRune(r)
		}
		start = unicode.IsSpace(r)
	}
	return b.String()
}

// quoted takes the first word, or the words in quotation marks that begin with it, and says how many they were.
func quoted(words []string) (value string, used int) {
	first, size := utf8.DecodeRuneInString(words[0])
	if !strings.ContainsRune(opening, first) {
		return words[0], 1
	}
	for i, w := range words {
		last, _ := utf8.DecodeLastRuneInString(w)
		if strings.ContainsRune(closing, last) && (i > 0 || len(w) > size) {
			all := strings.Join(words[:i+1], " ")
			return strings.TrimSpace(strings.TrimFunc(all, isQuote)), i + 1
		}
	}
	return words[0], 1
}

func isQuote(r rune) bool { return strings.ContainsRune(opening+closing, r) }

// unquoted takes the quotes off that stand around a value, or around its beginning.
func unquoted(s string) string {
	words := strings.Fields(s)
	if len(words) == 0 {
		return s
	}
	value, used := quoted(words)
	if value == words[0] {
		return s
	}
	return strings.TrimSpace(strings.Join(append([]string{value}, words[used:]...), " "))
}
