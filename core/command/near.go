package command

import (
	"strings"
	"unicode/utf8"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/query"
)

// IsCommand reports whether what follows a mention is meant as a command: it begins with a verb of the table, or with what
// is almost one, so that who mistyped is told. Anything else is just talk.
func (t *Table) IsCommand(text string) bool {
	text = strings.TrimSpace(text)
	if _, _, ok := t.cutVerb(text); ok {
		return true
	}
	word, rest := cutWord(text)
	return t.mistyped(word, rest)
}

// Words of at least so many letters are mistyped verbs when they are close enough to one, and with so many one more letter
// may be wrong. Many short words of talk are close to a verb ("very", "hope", "fine"): those count only where what follows
// is no talk.
const (
	shortWord, tellingWord, longWord = 4, 6, 8
)

func (t *Table) mistyped(word, rest string) bool {
	folded := query.Fold(word)
	letters := utf8.RuneCountInString(folded)
	if letters < shortWord || letters > 40 || letters < tellingWord && !isArgument(rest) {
		return false
	}
	far := 1
	if letters >= longWord {
		far = 2
	}
	first, _ := utf8.DecodeRuneInString(folded)
	for name, i := range t.by {
		if t.rows[i].Hidden {
			continue
		}
		if name = query.Fold(name); strings.HasPrefix(name, string(first)) && query.Distance(folded, name) <= far {
			return true
		}
	}
	return false
}

// isArgument reports whether what follows a word can only be meant for a command: a version, a task, an option, a person,
// or nothing at all.
func isArgument(rest string) bool {
	next, _ := cutWord(dashed(rest))
	if next == "" || strings.HasPrefix(next, "--") || strings.HasPrefix(next, "@") || strings.HasPrefix(next, "<@") {
		return true
	}
	_, version := core.ParseImageRef(next)
	_, err := core.ParseTaskID(next)
	return version || err == nil
}

func (t *Table) unknown(verb string) error {
	e := core.Errorf(core.CodeInvalid, "I do not know %q.", clip(verb))
	if near := t.nearest(verb); near != "" {
		return e.WithNext("Did you mean %q? Type help for all commands.", near)
	}
	return e.WithNext("Type help for all commands.")
}

func (t *Table) nearest(word string) string {
	best, dist := "", 3
	if len(word) > 40 {
		return ""
	}
	for name := range t.by {
		if d := query.Distance(query.Fold(word), query.Fold(name)); d < dist || d == dist && best != "" && name < best {
			best, dist = name, d
		}
	}
	return best
}
