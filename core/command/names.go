package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/query"
)

// NameOf says what a name in another language belongs to: in a catalogue it stands under "verb:approve".
type NameOf string

// What has names in other languages. The English one always works, too.
const (
	NameOfVerb    NameOf = "verb"   // short forms of verbs, too
	NameOfGroup   NameOf = "group"  // the first word of verbs of two words
	NameOfOption  NameOf = "option" // as Discord shows it; it may be typed, too
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
// rows, and with the names that they have for options and choices. It fails when one of them would be another's.
func (t *Table) In(tr core.Translator) (*Table, error) {
	rows := t.Rows()
	for i, r := range rows {
		if r.Hidden {
			continue
		}
		r.Options = slices.Clone(r.Options)
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
		for n, o := range r.Options {
			own, err := optionIn(tr, r, o)
			if err != nil {
				return nil, err
			}
			r.Options[n] = own
		}
		rows[i] = r
	}
	return NewTable(rows)
}

// optionIn gives an option of a row the names that languages have for it and for its choices.
func optionIn(tr core.Translator, r Row, o Option) (Option, error) {
	o.Foreign, o.Words = nil, nil
	for _, locale := range tr.Languages() {
		l := core.Lang{Translator: tr, Locale: locale}
		if name := Localised(l, NameOfOption, o.Name); name != "" && name != o.Name {
			for _, other := range r.Options {
				if other.Name != o.Name && (query.Fold(name) == query.Fold(other.Name) || query.Fold(name) == query.Fold(Localised(l, NameOfOption, other.Name))) {
					return o, fmt.Errorf("%s: %q names both --%s and --%s of %q", locale, name, o.Name, other.Name, r.Verb)
				}
			}
			o.Foreign = append(o.Foreign, name)
		}
		for _, c := range o.Choices {
			name := query.Fold(Localised(l, NameOfChoice, c))
			if name == "" {
				continue
			}
			if other, taken := o.Words[name]; taken && other != c || name != c && slices.Contains(o.Choices, name) {
				return o, fmt.Errorf("%s: %q names several choices of --%s of %q", locale, name, o.Name, r.Verb)
			}
			if o.Words == nil {
				o.Words = map[string]string{}
			}
			o.Words[name] = c
		}
	}
	return o, nil
}
