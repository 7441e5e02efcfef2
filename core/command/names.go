package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/atelier-bridge/atelier/core"
)

// NameOf says what a name in another language belongs to: in a catalogue it stands under "verb:approve".
type NameOf string

// What has names in other languages. The English one always works, too.
const (
	NameOfVerb    NameOf = "verb"   // short forms of verbs, too
	NameOfGroup   NameOf = "group"  // the first word of verbs of two words
	NameOfOption  NameOf = "option" // as Discord shows it; typed in text, options keep their English names
	NameOfChoice  NameOf = "choice" // likewise
	NameOfCommand NameOf = "command"
)

// Localised returns the name that something has in a language; "" where it has none of its own.
func Localised(l core.Lang, of NameOf, english string) string {
	id := string(of) + ":" + english
	if name := l.T(id); name != id {
		return name
	}
	return ""
}

// In returns the table with the verbs of all languages, and with what they have for the short forms, as aliases of the
// rows. It fails when one of them would be another verb's.
func (t *Table) In(tr core.Translator) (*Table, error) {
	rows := t.Rows()
	for i, r := range rows {
		if r.Hidden {
			continue
		}
		for _, l := range tr.Languages() {
			for _, english := range slices.Concat([]string{r.Verb}, r.Aliases) {
				name := Localised(core.Lang{Translator: tr, Locale: l}, NameOfVerb, english)
				if name == "" || name == r.Verb || slices.Contains(r.Aliases, name) || slices.Contains(r.Foreign, name) {
					continue
				}
				if words := strings.Fields(name); len(words) > 2 || name != strings.ToLower(name) {
					return nil, fmt.Errorf("%s: %q cannot be typed as a verb", l, name)
				}
				r.Foreign = append(slices.Clone(r.Foreign), name)
			}
		}
		rows[i] = r
	}
	return NewTable(rows)
}
