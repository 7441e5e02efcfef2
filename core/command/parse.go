package command

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/atelier-bridge/atelier/core"
)

// MaxText is the longest command text that is looked at, in bytes. Longer ones are refused, not cut.
const MaxText = 16 << 10

// Invocation is a parsed command: the row and its arguments, checked for form but not for rights.
type Invocation struct {
	Row     Row
	Args    map[string]string // by option name; absent when not given
	Task    core.TaskID       // from option, text or button; empty means "the thread's"
	Ref     core.ImageRef     // likewise
	Surface core.Surface
	Files   []core.FileRef
	Target  *core.MenuTarget
	Confirm bool // the person pressed Confirm on a question of ours
}

// Arg returns an argument, "" when not given.
func (i Invocation) Arg(name string) string { return i.Args[name] }

// Parse turns any form of a command into an Invocation. Errors are CodeInvalid with a sentence for the person.
func (t *Table) Parse(c core.Command) (Invocation, error) {
	switch {
	case !c.Action.IsZero():
		return t.parseAction(c)
	case c.Verb != "":
		return t.parseOptions(c)
	default:
		return t.parseText(c)
	}
}

// ConfirmArg is the argument of a button that answers a question of ours with yes.
const ConfirmArg = "confirm"

func (t *Table) parseAction(c core.Command) (Invocation, error) {
	row, ok := t.Row(c.Action.Verb)
	if !ok {
		return Invocation{}, core.Errorf(core.CodeInvalid, "This button is from another version of Atelier.").WithNext("Use the buttons on the newest card.")
	}
	inv := Invocation{Row: row, Args: map[string]string{}, Surface: c.Surface, Task: c.Action.Task, Ref: c.Action.Ref, Files: c.Files}
	if err := inv.fill(c.Options, nil); err != nil {
		return Invocation{}, err
	}
	for _, part := range strings.Split(c.Action.Arg, ",") {
		switch part {
		case "":
		case ConfirmArg:
			inv.Confirm = true
		default:
			if name, value, ok := strings.Cut(part, "="); ok {
				if err := inv.fill(map[string]string{name: value}, nil); err == nil {
					continue
				}
			}
			inv.takeWord(part)
		}
	}
	return inv, nil
}

func (t *Table) parseOptions(c core.Command) (Invocation, error) {
	row, ok := t.Row(c.Verb)
	if !ok {
		return Invocation{}, t.unknown(c.Verb)
	}
	inv := Invocation{Row: row, Args: map[string]string{}, Surface: c.Surface, Files: c.Files, Target: c.Target}
	if err := inv.fill(c.Options, c.Mentions); err != nil {
		return Invocation{}, err
	}
	// A prompt given as an option may still carry --provider or --area typed out of habit.
	if o, ok := tailOf(row); ok && inv.Args[o.Name] != "" {
		if row.Prompt {
			rest, named := inv.takeNamed(strings.Fields(inv.Args[o.Name]))
			if len(named) > 0 {
				inv.Args[o.Name] = strings.Join(rest, " ")
				if err := inv.fill(named, c.Mentions); err != nil {
					return Invocation{}, err
				}
			}
		}
		inv.Args[o.Name] = o.in(row, inv.Args[o.Name])
	}
	return inv, inv.require()
}

func (t *Table) parseText(c core.Command) (Invocation, error) {
	if len(c.Text) > MaxText {
		return Invocation{}, core.Errorf(core.CodeInvalid, "That is too long: %d characters, at most %d.", len(c.Text), MaxText)
	}
	text := strings.TrimSpace(c.Text)
	if c.Alias != "" {
		text = strings.TrimPrefix(c.Alias, "/") + " " + text
	}
	if text == "" {
		text = "help"
	}
	row, rest, ok := t.cutVerb(text)
	if !ok {
		first, _, _ := strings.Cut(text, " ")
		return Invocation{}, t.unknown(first)
	}
	inv := Invocation{Row: row, Args: map[string]string{}, Surface: c.Surface, Files: c.Files, Target: c.Target}
	return inv, inv.takeText(rest, c.Mentions)
}

func (t *Table) cutVerb(text string) (row Row, rest string, ok bool) {
	first, after := cutWord(text)
	second, after2 := cutWord(after)
	if row, ok = t.Row(first + " " + second); ok && second != "" {
		return row, after2, true
	}
	row, ok = t.Row(first)
	return row, after, ok
}

func cutWord(s string) (word, rest string) {
	s = strings.TrimLeftFunc(s, unicode.IsSpace)
	i := strings.IndexFunc(s, unicode.IsSpace)
	if i < 0 {
		return s, ""
	}
	return s[:i], strings.TrimLeftFunc(s[i:], unicode.IsSpace)
}

func tailOf(r Row) (Option, bool) {
	for _, o := range r.Options {
		if o.Tail {
			return o, true
		}
	}
	return Option{}, false
}

// takeText reads what follows the verb: named options anywhere, positional words at the front, the tail for the rest.
func (i *Invocation) takeText(text string, mentions map[string]core.IdentityID) error {
	words := strings.Fields(text)
	rest, named := i.takeNamed(words)
	if err := i.fill(named, mentions); err != nil {
		return err
	}
	o, tail := tailOf(i.Row)
	for words = rest; len(words) > 0; {
		value, used := quoted(words)
		// What is quoted before people's own words may be the first of them: "v2" is then no version.
		if !i.takePositional(value, mentions, value == words[0] || !tail || o.Typed != TypedText) {
			break
		}
		words = words[used:]
	}
	if tail {
		if len(words) > 0 && i.Args[o.Name] == "" {
			i.Args[o.Name] = strings.Join(words, " ")
			// Line breaks and spacing of what the person typed are kept where nothing was taken out of the middle.
			if at := strings.LastIndex(text, words[0]); len(named) == 0 && at >= 0 {
				if exact := text[at:]; slices.Equal(strings.Fields(exact), words) {
					i.Args[o.Name] = strings.TrimSpace(exact)
				} else if at = strings.Index(text, words[0]); slices.Equal(strings.Fields(text[at:]), words) {
					i.Args[o.Name] = strings.TrimSpace(text[at:])
				}
			}
			i.Args[o.Name] = o.in(i.Row, i.Args[o.Name])
		}
	} else if len(words) > 0 {
		return core.Errorf(core.CodeInvalid, "I do not understand %q in %q.", clip(words[0]), i.Row.Verb).WithNext("%s", i.usage())
	}
	return i.require()
}

// takeNamed cuts "--name value" pairs that the row knows out of the words; where no free text follows, "name=value" too.
func (i *Invocation) takeNamed(words []string) (rest []string, named map[string]string) {
	named = map[string]string{}
	_, free := tailOf(i.Row)
	for n := 0; n < len(words); n++ {
		name, ok := strings.CutPrefix(dashed(words[n]), "--")
		value, has := "", false
		if eq := strings.IndexByte(name, '='); eq > 0 {
			name, value, has = name[:eq], name[eq+1:], true
			ok = ok || !free
		}
		o, known := i.Row.Option(strings.ToLower(name))
		switch {
		case !ok || !known || o.Tail:
			rest = append(rest, words[n])
		case has:
			named[o.Name] = value
		case o.Kind == KindBool && (n+1 == len(words) || strings.HasPrefix(dashed(words[n+1]), "--")):
			named[o.Name] = "true"
		case n+1 < len(words):
			value, used := quoted(words[n+1:])
			named[o.Name] = value
			n += used
		default:
			named[o.Name] = ""
		}
	}
	return rest, named
}

// takePositional gives one word to the first free positional option that it fits; to versions and tasks only where it may
// be one.
func (i *Invocation) takePositional(word string, mentions map[string]core.IdentityID, named bool) bool {
	if ref, ok := core.ParseImageRef(word); ok && named && i.Ref.Version == 0 {
		if _, has := i.Row.Option("version"); has {
			i.Ref = ref
			i.Args["version"] = ref.String()
			return true
		}
	}
	if id, err := core.ParseTaskID(word); err == nil && named && i.Task == "" {
		if o, has := i.Row.Option("task"); has && o.Positional {
			i.Task = id
			i.Args["task"] = string(id)
			return true
		}
	}
	for _, o := range i.Row.Options {
		if !o.Positional || o.Tail || i.Args[o.Name] != "" || o.Kind == KindVersion || o.Kind == KindTask {
			continue
		}
		switch o.Kind {
		case KindPerson:
			if id, ok := mentions[word]; ok {
				word = string(id)
			}
			i.Args[o.Name] = word
			return true
		case KindChoice:
			if choice, ok := o.Choice(word); ok {
				i.Args[o.Name] = choice
				return true
			}
		default:
			if o.Name == "images" && !isImageList(word) {
				continue
			}
			i.Args[o.Name] = word
			return true
		}
	}
	return false
}

func isImageList(s string) bool {
	for _, part := range strings.Split(s, ",") {
		if _, ok := core.ParseImageRef(part); !ok {
			return false
		}
	}
	return true
}

// takeWord gives a button's argument to the first choice that knows it, or to a plain text option.
func (i *Invocation) takeWord(word string) {
	for _, o := range i.Row.Options {
		if o.Kind == KindChoice && slices.Contains(o.Choices, word) {
			i.Args[o.Name] = word
			return
		}
	}
	for _, o := range i.Row.Options {
		if o.Kind == KindText && !o.Tail && i.Args[o.Name] == "" {
			i.Args[o.Name] = word
			return
		}
	}
	if o, ok := tailOf(i.Row); ok && i.Args[o.Name] == "" {
		i.Args[o.Name] = word
	}
}

// fill takes named options and checks their form.
func (i *Invocation) fill(named map[string]string, mentions map[string]core.IdentityID) error {
	for name, value := range named {
		o, ok := i.Row.Option(strings.ToLower(name))
		if !ok {
			return core.Errorf(core.CodeInvalid, "%s has no option --%s.", i.Row.Verb, clip(name)).WithNext("%s", i.usage())
		}
		value = strings.TrimSpace(value)
		if value == "" {
			if o.Kind == KindText && !o.Required {
				continue
			}
			return core.Errorf(core.CodeInvalid, "--%s needs a value.", o.Name).WithNext("%s", i.usage())
		}
		switch o.Kind {
		case KindVersion:
			ref, ok := core.ParseImageRef(value)
			if !ok {
				if n, err := strconv.Atoi(value); err == nil && n > 0 {
					ref, ok = core.ImageRef{Version: n}, true
				}
			}
			if !ok {
				return core.Errorf(core.CodeInvalid, "%q is no version.", clip(value)).WithNext("Versions are written v2, their pictures v2.3.")
			}
			i.Ref, value = ref, ref.String()
		case KindTask:
			id, err := core.ParseTaskID(value)
			if err != nil {
				return core.Errorf(core.CodeInvalid, "%q is no task.", clip(value)).WithNext("Tasks are written like ACME-42.")
			}
			i.Task, value = id, string(id)
		case KindChoice:
			choice, ok := o.Choice(value)
			if !ok {
				value = strings.ToLower(value)
				return core.Errorf(core.CodeInvalid, "--%s cannot be %q.", o.Name, clip(value)).WithNext("Use one of: %s.", strings.Join(o.Choices, ", "))
			}
			value = choice
		case KindInt:
			if _, err := strconv.Atoi(value); err != nil {
				return core.Errorf(core.CodeInvalid, "--%s takes a whole number, not %q.", o.Name, clip(value))
			}
		case KindArea:
			if _, err := ParseArea(value); err != nil {
				return err
			}
		case KindPerson:
			if id, ok := mentions[value]; ok {
				value = string(id)
			}
		}
		i.Args[o.Name] = value
	}
	return nil
}

func (i *Invocation) require() error {
	for _, o := range i.Row.Options {
		if o.Required && i.Args[o.Name] == "" {
			if strings.HasSuffix(o.Name, "s") {
				return core.Errorf(core.CodeInvalid, "%s needs %s.", i.Row.Verb, o.Name).WithNext("%s", i.usage())
			}
			return core.Errorf(core.CodeInvalid, "%s needs a %s.", i.Row.Verb, o.Name).WithNext("%s", i.usage())
		}
	}
	return nil
}

func (i *Invocation) usage() core.Saying {
	if len(i.Row.Examples) == 0 {
		return core.Say("Type: %s", i.Row.Verb)
	}
	return core.Say("Type for example: %s", i.Row.Examples[0])
}

// ParseArea reads "x,y,w,h" in fractions of the picture.
func ParseArea(s string) (core.Area, error) {
	bad := core.Errorf(core.CodeInvalid, "%q is no area.", clip(s)).WithNext("An area is x,y,width,height as fractions of the picture, such as 0.2,0.1,0.6,0.5.")
	p := strings.Split(s, ",")
	if len(p) != 4 {
		return core.Area{}, bad
	}
	var f [4]float64
	for n := range p {
		v, err := strconv.ParseFloat(strings.TrimSpace(p[n]), 64)
		if err != nil || !(v >= 0 && v <= 1) {
			return core.Area{}, bad
		}
		f[n] = v
	}
	a := core.Area{X: f[0], Y: f[1], W: f[2], H: f[3]}
	if a.W <= 0 || a.H <= 0 || a.X+a.W > 1.0001 || a.Y+a.H > 1.0001 {
		return core.Area{}, bad
	}
	return a, nil
}

func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
