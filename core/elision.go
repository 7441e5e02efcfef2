package core

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// filled matches where an argument stands in a sentence.
var filled = regexp.MustCompile(`%(\[\d+\])?[+#]?[0-9.]*[a-zA-Z%]`)

// elide shortens the words that a language shortens before a vowel, where an argument that begins with one follows: « de %s »
// becomes « d’%s » for Ada. It looks at nothing but sentences of the catalogue, so what people wrote stays as it is.
func (l Lang) elide(sentence string, args []any) string {
	words := strings.Fields(strings.TrimPrefix(l.T("elide:"), "elide:"))
	if len(words) == 0 {
		return sentence
	}
	var b strings.Builder
	from, next := 0, 0
	for _, at := range filled.FindAllStringSubmatchIndex(sentence, -1) {
		if sentence[at[1]-1] == '%' {
			continue
		}
		if at[2] >= 0 {
			n, _ := strconv.Atoi(sentence[at[2]+1 : at[3]-1])
			next = n - 1
		}
		before := sentence[from:at[0]]
		if verb := sentence[at[1]-1]; (verb == 's' || verb == 'v') && next >= 0 && next < len(args) && strings.HasSuffix(before, " ") && soft(fmt.Sprint(args[next])) {
			text := strings.TrimSuffix(before, " ")
			parts := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) })
			if len(parts) > 0 && strings.HasSuffix(text, parts[len(parts)-1]) && slices.Contains(words, strings.ToLower(parts[len(parts)-1])) {
				before = text[:len(text)-1] + "’"
			}
		}
		b.WriteString(before)
		b.WriteString(sentence[at[0]:at[1]])
		from, next = at[1], next+1
	}
	b.WriteString(sentence[from:])
	return b.String()
}

// soft reports whether a word begins with a vowel's sound. An h may be mute or not, and only a dictionary knows: it counts as a
// consonant, and so does a y before a vowel, as in Yann.
func soft(word string) bool {
	r, n := utf8.DecodeRuneInString(word)
	vowel := func(r rune) bool {
		return strings.ContainsRune("aàâäæeéèêëiîïoôöœuùûü", unicode.ToLower(r))
	}
	if unicode.ToLower(r) == 'y' {
		second, _ := utf8.DecodeRuneInString(word[n:])
		return unicode.IsLetter(second) && !vowel(second)
	}
	return vowel(r)
}
