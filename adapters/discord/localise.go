package discord

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
)

// localised is a text by Discord's locale; English is the text itself.
type localised map[string]string

// locales are Discord's names for a language. It takes no others.
// https://docs.discord.com/developers/reference#locales
func locales(l core.Locale) []string {
	switch l {
	case "es":
		return []string{"es-ES", "es-419"}
	case "pt":
		return []string{"pt-BR"}
	case "sv":
		return []string{"sv-SE"}
	case "zh":
		return []string{"zh-CN"}
	case "nb":
		return []string{"no"}
	}
	if slices.Contains([]string{"id", "da", "de", "fr", "hr", "it", "lt", "hu", "nl", "no", "pl", "ro", "fi", "vi", "tr", "cs", "el", "bg", "ru", "uk", "hi", "th", "ja", "ko",
		"es-ES", "es-419", "pt-BR", "sv-SE", "zh-CN", "zh-TW"}, string(l)) {
		return []string{string(l)}
	}
	return nil
}

func localise(tr core.Translator, english string, say func(core.Lang) string) localised {
	if tr == nil {
		return nil
	}
	var out localised
	for _, l := range tr.Languages() {
		text := say(core.Lang{Translator: tr, Locale: l})
		if text == "" || text == english {
			continue
		}
		for _, name := range locales(l) {
			if out == nil {
				out = localised{}
			}
			out[name] = text
		}
	}
	return out
}

// texts are the translations of a sentence.
func texts(tr core.Translator, sentence string) localised {
	return localise(tr, sentence, func(l core.Lang) string { return l.T(sentence) })
}

// namesIn are the names that something has in other languages. Discord takes no spaces in them.
func namesIn(tr core.Translator, of command.NameOf, english string) localised {
	return localise(tr, english, func(l core.Lang) string {
		return strings.ReplaceAll(command.Localised(l, of, english), " ", "-")
	})
}

// verbNames are a verb's names; of a verb of two words that lies in a group, only the last one's.
func verbNames(tr core.Translator, verb string, two bool) localised {
	return localise(tr, verb, func(l core.Lang) string {
		name := command.Localised(l, command.NameOfVerb, verb)
		if _, last, ok := strings.Cut(name, " "); two && ok {
			return last
		}
		return strings.ReplaceAll(name, " ", "-")
	})
}

// longest is what a text counts against Discord's limit of a command: its longest translation.
func longest(text string, in localised) int {
	n := utf8.RuneCountInString(text)
	for _, t := range in {
		n = max(n, utf8.RuneCountInString(t))
	}
	return n
}

func checkLocalised(here string, o appOption) error {
	for l, name := range o.Names {
		if n := utf8.RuneCountInString(name); n > maxName || name != strings.ToLower(name) || strings.ContainsAny(name, " /:@#'’.,") {
			return fmt.Errorf("%s: %q in %s is not a name for an option", here, name, l)
		}
	}
	for l, text := range o.Descriptions {
		if n := utf8.RuneCountInString(text); n > maxDescription {
			return fmt.Errorf("%s: description in %s has %d characters, at most %d", here, l, n, maxDescription)
		}
	}
	return nil
}

// checkSiblings finds two options of one place that a language calls the same: people could not tell them apart.
func checkSiblings(path string, opts []appOption) error {
	taken := localised{}
	for _, o := range opts {
		for l, name := range o.Names {
			if taken[l+" "+name] != "" {
				return fmt.Errorf("%s: %q in %s is both %s and %s", path, name, l, taken[l+" "+name], o.Name)
			}
			taken[l+" "+name] = o.Name
		}
	}
	return nil
}

// aboutGroup describes the verbs that begin with the same word.
func aboutGroup(first string) string { return "About " + first + "s" }
