package discord

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// units counts a text as Discord's clients do, in UTF-16 units. Whether the service counts code points instead is not
// documented; units are never fewer.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += unitsOf(r)
	}
	return n
}

func unitsOf(r rune) int { return max(utf16.RuneLen(r), 1) }

// head is the longest beginning of s with at most n units that does not tear a character from its modifiers.
func head(s string, n int) string {
	for i, r := range s {
		if n -= unitsOf(r); n < 0 {
			for i > 0 {
				before, size := utf8.DecodeLastRuneInString(s[:i])
				next, _ := utf8.DecodeRuneInString(s[i:])
				if before != 0x200D && !joins(next) {
					break
				}
				i -= size
			}
			return s[:i]
		}
	}
	return s
}

// joins reports whether a character belongs to the one before it.
func joins(r rune) bool {
	return r == 0x200D || r == 0xFE0F || r == 0xFE0E || r >= 0x1F3FB && r <= 0x1F3FF || r >= 0x0300 && r <= 0x036F || r == 0x20E3
}

// clip shortens a text to n units, the sign of the omission included.
func clip(s string, n int) string {
	if n <= 0 {
		return ""
	}
	if len(s) <= n || units(s) <= n {
		return s
	}
	return strings.TrimRight(head(s, n-1), " \n") + "…"
}

// clipBytes shortens a text to n bytes without breaking a character.
func clipBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// split cuts printed markup into parts of at most n units, at a paragraph, a line or a word where it can. A code block
// that is cut is closed and opened again.
func split(s string, n int) []string {
	s = strings.TrimSpace(s)
	if s == "" {
		return nil
	}
	const fence = "```"
	var out []string
	carry := ""
	for s != "" {
		if units(carry)+units(s) <= n {
			return append(out, carry+s)
		}
		room := n - units(carry) - len("\n"+fence)
		piece := head(s, room)
		if piece == "" {
			_, size := utf8.DecodeRuneInString(s)
			piece = s[:size]
		}
		piece = piece[:breakAt(piece)]
		s = strings.TrimLeft(s[len(piece):], "\n")
		part := carry + piece
		carry = ""
		if lang, open := openFence(part); open {
			part = strings.TrimRight(part, "\n") + "\n" + fence
			carry = fence + lang + "\n"
		} else {
			s = strings.TrimLeft(s, " ")
		}
		out = append(out, strings.TrimSpace(part))
	}
	return out
}

// breakAt finds a good place to cut: after a paragraph, a line or a word, if it is not in the first half.
func breakAt(s string) int {
	for _, sep := range []string{"\n\n", "\n", " "} {
		if i := strings.LastIndex(s, sep); i > len(s)/2 {
			return i + len(sep)
		}
	}
	return len(s)
}

// openFence reports whether a text ends inside a code block, and its language.
func openFence(s string) (lang string, open bool) {
	for _, line := range strings.Split(s, "\n") {
		t := strings.TrimSpace(line)
		if !strings.HasPrefix(t, "```") {
			continue
		}
		if open {
			open = false
			continue
		}
		if rest := t[3:]; !strings.Contains(rest, "```") {
			lang, open = rest, true
			if len(lang) > 20 || strings.ContainsAny(lang, " \t") {
				lang = ""
			}
		}
	}
	return lang, open
}
