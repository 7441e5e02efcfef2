// Package query holds the language of searches: how texts become words, and how a typed search becomes terms. It knows
// nothing of where tasks are kept.
package query

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxWord is the longest word that is told apart, in bytes; what is longer is cut.
	MaxWord = 32
	// MaxWords bounds the words that one text gives.
	MaxWords = 64
)

// Words returns the different words of a text in the order in which they come, at most MaxWords: letters and digits, in
// lower case, without accents. In scripts that put no spaces between words, each sign is one.
func Words(text string) []string {
	var out []string
	seen := map[string]bool{}
	add := func(w []byte) {
		for len(w) > MaxWord {
			_, n := utf8.DecodeLastRune(w)
			w = w[:len(w)-n]
		}
		if len(w) > 0 && !seen[string(w)] && len(out) < MaxWords {
			seen[string(w)] = true
			out = append(out, string(w))
		}
	}
	var word []byte
	for _, r := range text {
		switch {
		case 'a' <= r && r <= 'z' || '0' <= r && r <= '9': // most of what is written
			if len(word) <= MaxWord {
				word = append(word, byte(r))
			}
		case r < utf8.RuneSelf && !unicode.IsLetter(r):
			add(word)
			word = word[:0]
		case unicode.Is(unicode.Mn, r): // an accent that stands by itself
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana):
			add(word)
			word = word[:0]
			add(utf8.AppendRune(nil, r))
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if len(word) <= MaxWord {
				word = append(word, fold(r)...)
			}
		default:
			add(word)
			word = word[:0]
		}
	}
	add(word)
	return out
}

// plain lists letters and what stands for them without accents.
const plain = "a:àáâãäåāăąǎạảấầẩẫậắằẳẵặ c:çćĉċč d:ďđ e:èéêëēĕėęěẹẻẽếềểễệ g:ĝğġģǧ h:ĥħ i:ìíîïĩīĭįıǐịỉ j:ĵ k:ķ l:ĺļľŀł n:ñńņňŉ o:òóôõöøōŏőơǒọỏốồổỗộớờởỡợ " +
	"r:ŕŗř s:śŝşšș t:ţťŧț u:ùúûüũūŭůűųưǔụủứừửữự w:ŵ y:ýÿŷỳỵỷỹ z:źżž ae:æ oe:œ ss:ß th:þ d:ð е:ё и:й α:ά ε:έ η:ή ι:ίϊΐ ο:ό υ:ύϋΰ ω:ώ σ:ς"

// fold returns a letter in lower case without its accent.
func fold(r rune) string {
	r = unicode.ToLower(r)
	if r < utf8.RuneSelf {
		return string(r)
	}
	at := strings.IndexRune(plain, r)
	if at < 0 {
		return string(r)
	}
	begin := strings.LastIndexByte(plain[:at], ' ') + 1
	base, _, _ := strings.Cut(plain[begin:], ":")
	return base
}

// Fold returns a name in lower case without accents and outer spaces, for comparing names as people do.
func Fold(s string) string {
	var b strings.Builder
	for _, r := range strings.TrimSpace(s) {
		if !unicode.Is(unicode.Mn, r) {
			b.WriteString(fold(r))
		}
	}
	return b.String()
}

// Near returns those of some names that somebody may have meant by a word, the nearest first, at most limit: what begins
// with it or holds it, or differs by few letters.
func Near(word string, names []string, limit int) []string {
	word = Fold(word)
	type scored struct {
		name string
		far  int
	}
	var list []scored
	for _, n := range names {
		f := Fold(n)
		far := Distance(word, f)
		switch {
		case far <= max(1, min(len(word), len(f))/3):
		case word != "" && strings.HasPrefix(f, word):
			far = 4
		case len(word) > 2 && strings.Contains(f, word):
			far = 5
		default:
			continue
		}
		at := len(list)
		for at > 0 && list[at-1].far > far {
			at--
		}
		list = append(list[:at], append([]scored{{n, far}}, list[at:]...)...)
	}
	var out []string
	for _, s := range list[:min(limit, len(list))] {
		out = append(out, s.name)
	}
	return out
}

// Distance is the number of letters that must be added, taken away, changed or swapped with their neighbour to make one
// word of the other. Words of more than 64 letters are as far apart as they are long.
func Distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 64 || len(y) > 64 {
		return len(x) + len(y)
	}
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := range x {
		row[0] = i + 1
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(y)]
}
