package prompt

import (
	"slices"
	"strconv"
	"strings"

	"github.com/atelier-bridge/atelier/core"
)

// Prompt is a parsed prompt.
type Prompt struct {
	Words   string // without parameters, spacing made plain
	Params  []Set  // in the order typed, by their full names
	Unknown []string
	Version string // by --v or --niji; the table's default when not given
	Given   bool   // the version was typed
}

// Set is a parameter with its value; empty for a flag.
type Set struct {
	Name  string
	Value string
}

// Get returns a parameter's value; ok tells whether it was given.
func (p Prompt) Get(name string) (string, bool) {
	for _, s := range p.Params {
		if s.Name == name {
			return s.Value, true
		}
	}
	return "", false
}

// Map returns the parameters by full name; flags are "true".
func (p Prompt) Map() map[string]string {
	m := make(map[string]string, len(p.Params))
	for _, s := range p.Params {
		m[s.Name] = s.Value
		if s.Value == "" {
			m[s.Name] = "true"
		}
	}
	return m
}

// Parse reads a prompt and checks the form and range of every parameter that it knows. A parameter that it does not
// know may be somebody's own: it is kept and named in Unknown. Errors are CodeInvalid with a sentence for the person.
func (t *Table) Parse(text string) (Prompt, error) {
	p := Prompt{Version: t.Default}
	if n := len([]rune(text)); n > t.MaxLength {
		return p, core.Errorf(core.CodeInvalid, "The prompt has %d characters.", n).WithNext("At most %d fit; please shorten it.", t.MaxLength)
	}
	fields := strings.Fields(text)
	first := slices.IndexFunc(fields, isParam)
	if first < 0 {
		first = len(fields)
	}
	words := fields[:first]
	for i := first; i < len(fields); {
		name, inline, hasInline := strings.Cut(strings.TrimPrefix(fields[i], "--"), "=")
		name = strings.ToLower(name)
		i++
		end := i
		for end < len(fields) && !isParam(fields[end]) {
			end++
		}
		values := fields[i:end]
		i = end
		if hasInline && (inline == "" || isParam(inline)) {
			return p, core.Errorf(core.CodeInvalid, "--%s needs a value behind its equals sign.", clip(name))
		}
		if hasInline {
			values = append([]string{inline}, values...)
		}
		def, ok := t.by[name]
		if !ok {
			p.Unknown = append(p.Unknown, name)
			p.Params = append(p.Params, Set{Name: name, Value: strings.Join(values, " ")})
			continue
		}
		take := 1
		switch {
		case def.Kind == "flag":
			take = 0
		case def.Greedy:
			take = len(values)
		}
		if take > len(values) {
			take = len(values)
		}
		value := strings.Join(values[:take], " ")
		if value == "" && def.Kind != "flag" && !def.Optional {
			return p, core.Errorf(core.CodeInvalid, "--%s needs a value.", name).WithNext("Give %s.", core.Say(def.Help))
		}
		if err := def.check(name, value); err != nil {
			return p, err
		}
		if def.Kind == "version" {
			v, err := t.version(def.Name, value)
			if err != nil {
				return p, err
			}
			p.Version, p.Given = v, true
		} else {
			p.Params = append(p.Params, Set{Name: def.Name, Value: value})
		}
		// Words after a parameter's value still belong to the prompt; Midjourney refuses them, people type them.
		words = append(words, values[take:]...)
	}
	p.Words = strings.Join(words, " ")
	return p, nil
}

func isParam(s string) bool {
	if len(s) < 3 || !strings.HasPrefix(s, "--") {
		return false
	}
	c := s[2] | 0x20 // lower case
	return c >= 'a' && c <= 'z'
}

func (t *Table) version(param, value string) (string, error) {
	v := value
	if param == "niji" {
		v = "niji " + value
	}
	if !slices.Contains(t.Versions, v) {
		return "", core.Errorf(core.CodeInvalid, "--%s %s is no version that can be chosen.", param, value).WithNext("There are %s.", strings.Join(t.Versions, ", "))
	}
	return v, nil
}

func (p *Param) check(name, value string) error {
	bad := func() error {
		return core.Errorf(core.CodeInvalid, "--%s cannot be %q.", name, clip(value)).WithNext("Give %s.", core.Say(p.Help))
	}
	switch p.Kind {
	case "int":
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || float64(n) < p.Min || float64(n) > p.Max {
			return bad()
		}
	case "float":
		n, err := strconv.ParseFloat(value, 64)
		if err != nil || !(n >= p.Min && n <= p.Max) {
			return bad()
		}
	case "ratio":
		w, h, err := ParseRatio(value)
		if err != nil || max(w, h)/min(w, h) > p.Max {
			return bad()
		}
	case "choice":
		if !slices.Contains(p.Choices, value) {
			return bad()
		}
	}
	return nil
}

// ParseRatio reads "3:2".
func ParseRatio(s string) (w, h float64, err error) {
	a, b, ok := strings.Cut(s, ":")
	wi, err1 := strconv.Atoi(a)
	hi, err2 := strconv.Atoi(b)
	if !ok || err1 != nil || err2 != nil || wi < 1 || hi < 1 || wi > 10000 || hi > 10000 {
		return 0, 0, core.Errorf(core.CodeInvalid, "%q is no aspect ratio.", clip(s)).WithNext("Write it as 3:2.")
	}
	return float64(wi), float64(hi), nil
}

func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// Compose writes the prompt for Midjourney with an explicit version, because defaults change without notice, and says
// what to know before it is run.
func (t *Table) Compose(p Prompt) (text string, warnings []core.Saying) {
	var b strings.Builder
	b.WriteString(p.Words)
	for _, s := range p.Params {
		if slices.Contains(p.Unknown, s.Name) {
			warnings = append(warnings, core.Say("--%s is not known here; it may be an option of your own.", s.Name))
		} else if known, sure := t.by[s.Name].knows(p.Version); !known {
			warnings = append(warnings, core.Say("--%s was left out: version %s does not know it.", s.Name, p.Version))
			continue
		} else if !sure {
			warnings = append(warnings, core.Say("--%s may not work with version %s: the documentation contradicts itself.", s.Name, p.Version))
		}
		b.WriteString(" --" + s.Name)
		if s.Value != "" {
			b.WriteString(" " + s.Value)
		}
	}
	if niji, ok := strings.CutPrefix(p.Version, "niji "); ok {
		b.WriteString(" --niji " + niji)
	} else {
		b.WriteString(" --v " + p.Version)
	}
	if hasWeights(p.Words) && !slices.Contains([]string{"6.1", "6", "niji 6"}, p.Version) {
		warnings = append(warnings, core.Say("Weights with :: work only in version 6.1 and older."))
	}
	if n := Runs(p); n > 1 {
		warnings = append(warnings, core.SayN(n, "This makes %d run, and each is billed.", "This makes %d runs, and each is billed.", n))
	}
	return strings.TrimSpace(b.String()), warnings
}

func hasWeights(words string) bool {
	for i := range len(words) - 1 {
		if words[i] == ':' && words[i+1] == ':' {
			return true
		}
	}
	return false
}

// maxRuns stops the count of permutations from running away.
const maxRuns = 10_000

// Runs counts how often a prompt runs: permutations in braces times --repeat.
func Runs(p Prompt) int {
	n := 1
	depth, parts := 0, 0
	escaped := false
	for _, r := range p.Words {
		switch {
		case escaped:
			escaped = false
		case r == '\\':
			escaped = true
		case r == '{':
			if depth == 0 {
				parts = 1
			}
			depth++
		case r == ',' && depth == 1:
			parts++
		case r == '}' && depth > 0:
			if depth--; depth == 0 {
				n = min(n*parts, maxRuns)
			}
		}
	}
	if v, ok := p.Get("repeat"); ok {
		r, _ := strconv.Atoi(v)
		n = min(n*max(1, r), maxRuns)
	}
	return n
}

// Normalise makes two spellings of the same prompt comparable: lower case, plain spacing, no parameters, no links.
func Normalise(text string) string {
	fields := strings.Fields(strings.ToLower(text))
	var out []string
	for _, f := range fields {
		if isParam(f) {
			break
		}
		if strings.HasPrefix(f, "<http") || strings.HasPrefix(f, "http://") || strings.HasPrefix(f, "https://") {
			continue
		}
		out = append(out, f)
	}
	return strings.Join(out, " ")
}

// Expand writes out the permutations in braces and --repeat: one prompt for each run, without --repeat. A prompt without
// either is itself. More than limit runs are CodeInvalid.
func Expand(p Prompt, limit int) ([]Prompt, error) {
	repeat := 1
	if v, ok := p.Get("repeat"); ok {
		n, _ := strconv.Atoi(v)
		repeat = max(1, n)
	}
	base := p
	base.Params = slices.DeleteFunc(slices.Clone(p.Params), func(s Set) bool { return s.Name == "repeat" })
	all := permute(p.Words, limit)
	if n := max(Runs(p), len(all)*repeat); n > limit {
		return nil, core.Errorf(core.CodeInvalid, "That makes %d runs or more, and %d at once are allowed.", n, limit).WithNext("Ask for fewer of them at a time.")
	}
	var out []Prompt
	for _, words := range all {
		for range repeat {
			q := base
			q.Words = words
			out = append(out, q)
		}
	}
	return out, nil
}

// permute writes out the braces, the first ones varying slowest; inner ones are written out in turn. It stops beyond the
// limit: what is not wanted would be very much.
func permute(words string, limit int) []string {
	open, depth, start := -1, 0, 0
	var parts []string
	escaped := false
	for i, r := range words {
		switch {
		case escaped:
			escaped = false
		case r == '\\':
			escaped = true
		case r == '{':
			if depth == 0 {
				open, start = i, i+1
			}
			depth++
		case r == ',' && depth == 1:
			parts = append(parts, words[start:i])
			start = i + 1
		case r == '}' && depth > 0:
			if depth--; depth == 0 {
				return combine(words[:open], append(parts, words[start:i]), permute(words[i+1:], limit), limit)
			}
		}
	}
	return []string{words}
}

func combine(before string, parts, rests []string, limit int) (out []string) {
	for _, part := range parts {
		for _, inner := range permute(strings.TrimSpace(part), limit) {
			for _, rest := range rests {
				if out = append(out, before+inner+rest); len(out) > limit {
					return out
				}
			}
		}
	}
	return out
}

// Text writes a prompt as it is typed: the words, then the parameters.
func (p Prompt) Text() string {
	var b strings.Builder
	b.WriteString(p.Words)
	for _, s := range p.Params {
		b.WriteString(" --" + s.Name)
		if s.Value != "" && s.Value != "true" {
			b.WriteString(" " + s.Value)
		}
	}
	return b.String()
}
