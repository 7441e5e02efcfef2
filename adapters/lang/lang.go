// Package lang speaks the languages of its catalogues: one JSON file each, named by the language, that leads from the
// English sentence to the translated one, or to the forms that a number of things takes. English needs none.
package lang

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/nicksnyder/go-i18n/v2/i18n/template"
	"golang.org/x/text/language"

	"github.com/atelier-bridge/atelier/core"
)

//go:embed *.json
var catalogues embed.FS

// English is the language of the sentences themselves.
const English core.Locale = "en"

// Translator implements core.Translator. It may be used by many at once.
type Translator struct {
	locales []core.Locale // English first
	matcher language.Matcher
	speech  []speech // by the same index; that of English is empty

	mu    sync.RWMutex
	known map[core.Locale]int // what the locales that came before lead to
	zones map[string]*time.Location
}

// speech is one language.
type speech struct {
	texts  map[string]string // all sentences in their form for any number
	counts map[string]bool   // those that have several forms
	loc    *i18n.Localizer
}

var _ core.Translator = (*Translator)(nil)

// maxKnown bounds the locales that are remembered: browsers may name any.
const maxKnown = 1000

// New returns the languages that this program was built with. It panics only on a catalogue that cannot be read, which a
// test would find first.
func New() *Translator {
	t, err := Read(catalogues)
	if err != nil {
		panic(err)
	}
	return t
}

// Read returns the languages whose catalogues lie in a folder, such as fr.json.
func Read(dir fs.FS) (*Translator, error) {
	names, err := fs.Glob(dir, "*.json")
	if err != nil {
		return nil, fmt.Errorf("list catalogues: %w", err)
	}
	slices.Sort(names)
	bundle := i18n.NewBundle(language.English)
	t := &Translator{locales: []core.Locale{English}, speech: []speech{{}}, known: map[core.Locale]int{}, zones: map[string]*time.Location{}}
	tags := []language.Tag{language.English}
	for _, name := range names {
		data, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		tag, err := language.Parse(strings.TrimSuffix(name, ".json"))
		if err != nil || tag == language.Und {
			return nil, fmt.Errorf("%s: the name is no language", name)
		}
		if slices.Contains(tags, tag) {
			return nil, fmt.Errorf("%s: a second catalogue of %s", name, tag)
		}
		s, forms, err := sentences(data)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		if err := bundle.AddMessages(tag, forms...); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		s.loc = i18n.NewLocalizer(bundle, tag.String())
		tags, t.locales, t.speech = append(tags, tag), append(t.locales, core.Locale(tag.String())), append(t.speech, s)
	}
	t.matcher = language.NewMatcher(tags)
	return t, nil
}

// sentences reads a language's sentences. Those with several forms are the bundle's; it would keep half a kilobyte for each of
// the others, which are most.
func sentences(data []byte) (speech, []*i18n.Message, error) {
	s := speech{texts: map[string]string{}, counts: map[string]bool{}}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return s, nil, err
	}
	var forms []*i18n.Message
	for id, raw := range all {
		if len(raw) > 0 && raw[0] == '"' {
			var text string
			if err := json.Unmarshal(raw, &text); err != nil {
				return s, nil, err
			}
			s.texts[id] = text
			continue
		}
		m := &i18n.Message{ID: id}
		if err := json.Unmarshal(raw, &struct {
			Zero, One, Two, Few, Many, Other *string
		}{&m.Zero, &m.One, &m.Two, &m.Few, &m.Many, &m.Other}); err != nil {
			return s, nil, fmt.Errorf("%q: %w", id, err)
		}
		s.texts[id], s.counts[id] = m.Other, true
		forms = append(forms, m)
	}
	return s, forms, nil
}

// Languages lists what there is, English first.
func (t *Translator) Languages() []core.Locale { return slices.Clone(t.locales) }

// Text returns a sentence in a language, or as it is where the language lacks it.
func (t *Translator) Text(l core.Locale, sentence string) string {
	if s, ok := t.speech[t.index(l)].texts[sentence]; ok && s != "" {
		return s
	}
	return sentence
}

// Count returns the sentence for a number of things in a language, or the English one where the language lacks it.
func (t *Translator) Count(l core.Locale, n int, one, other string) string {
	s := t.speech[t.index(l)]
	if s.counts[other] {
		text, err := s.loc.Localize(&i18n.LocalizeConfig{MessageID: other, PluralCount: n, TemplateParser: template.IdentityParser{}})
		if err == nil && text != "" {
			return text
		}
	}
	if text := s.texts[other]; text != "" {
		return text
	}
	if n == 1 {
		return one
	}
	return other
}

// index finds the language that is nearest to a locale; unknown ones lead to English. Locales of browsers are lists, the
// best first: "fr-CA,fr;q=0.8,en;q=0.5".
func (t *Translator) index(l core.Locale) int {
	if l == "" {
		return 0
	}
	t.mu.RLock()
	i, ok := t.known[l]
	t.mu.RUnlock()
	if ok {
		return i
	}
	if tags, _, err := language.ParseAcceptLanguage(strings.ReplaceAll(string(l), "_", "-")); err == nil && len(tags) > 0 {
		_, best, sure := t.matcher.Match(tags...)
		if sure != language.No {
			i = best
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.known) < maxKnown {
		t.known[l] = i
	}
	return i
}

// Zone returns a zone of the time zone database, nil when it has none by that name. It reads each one once.
func (t *Translator) Zone(name string) *time.Location {
	t.mu.RLock()
	loc, ok := t.zones[name]
	t.mu.RUnlock()
	if ok {
		return loc
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		loc = nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.zones) < maxKnown {
		t.zones[name] = loc
	}
	return loc
}
