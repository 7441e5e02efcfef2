// Package command holds the one table of verbs. Text, mentions, Discord options, buttons and modals all parse to the
// same Invocation; Discord's registration, Slack's manifest, help, autocomplete and docs/commands.md are generated
// from the same rows.
package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/query"
)

// Group is a section of the help.
type Group string

// Groups, in the order in which help shows them.
const (
	GroupMake     Group = "make"
	GroupReview   Group = "review"
	GroupTasks    Group = "tasks"
	GroupFind     Group = "find"
	GroupStyle    Group = "style"
	GroupOrganise Group = "organise"
	GroupAccounts Group = "accounts"
	GroupGovern   Group = "govern"
	GroupHelp     Group = "help"
)

// Groups lists the groups in help's order.
func Groups() []Group {
	return []Group{GroupMake, GroupReview, GroupTasks, GroupFind, GroupStyle, GroupOrganise, GroupAccounts, GroupGovern, GroupHelp}
}

// Ack says how an adapter acknowledges a row before the work is done.
type Ack string

// Acknowledgements.
const (
	AckPrivate Ack = "private" // a private "working on it" that the answer fills
	AckModal   Ack = "modal"   // a modal, from Receiver.Answer
)

// Kind is an option's type.
type Kind string

// Option types. All travel as text; Discord shows the native kinds.
const (
	KindText    Kind = "text"
	KindInt     Kind = "int"
	KindBool    Kind = "bool"
	KindChoice  Kind = "choice"
	KindPerson  Kind = "person"  // an identity
	KindVersion Kind = "version" // v3 or v3.2
	KindTask    Kind = "task"    // ACME-42
	KindFile    Kind = "file"
	KindArea    Kind = "area" // x,y,w,h
)

// Option is one named argument of a row.
type Option struct {
	Name     string   // lower case, at most 32 characters
	Foreign  []string // its names in other languages, which Table.In adds; people may type them, too
	Kind     Kind
	Help     string // at most 100 characters
	Required bool
	Choices  []string          // for KindChoice, at most 25
	Words    map[string]string // leads from the names of choices in other languages to the choices; Table.In adds them
	Complete bool              // choices come from Receiver.Answer while typing
	// Positional options are taken from plain words: the tail takes all the rest, the others one word of their kind.
	Positional bool
	Tail       bool
	Typed      Typed // of a tail: how its text is understood
	// Hidden keeps the option out of help and of what platforms offer: only our own buttons and forms fill it.
	Hidden bool
	// Form options are what the form asks for that a button opens; where a row has none, it asks for the tail.
	Form bool
}

// Row is one verb.
type Row struct {
	Verb     string   // one or two words: "task new"
	Aliases  []string // other spellings of the whole verb
	Foreign  []string // its names in other languages, which Table.In adds; people may type them, too
	Group    Group
	Help     string // at most 100 characters
	Options  []Option
	Role     core.Role // needed in the project
	Ack      Ack
	Anywhere bool     // works in rooms that are bound to no project
	Billable bool     // may cost the person something: not replayed after a crash without an acknowledgement note
	Prompt   bool     // the tail is a prompt: unknown --parameters belong to it
	Menu     string   // label of a message context menu entry, at most 24 characters; empty for none
	Examples []string // as typed after the command name
	Hidden   bool     // only our own buttons name it: not in help and not offered by platforms
	Personal bool     // answered to who asks alone, also where everybody else gets a public answer: a mention on Discord
	Slash    bool     // has a slash command of its own on Slack ("/imagine")
}

// Option returns the option with this name, in English or in another language, there also without accents.
func (r Row) Option(name string) (Option, bool) {
	for _, o := range r.Options {
		if o.Name == name {
			return o, true
		}
	}
	for _, o := range r.Options {
		if slices.ContainsFunc(o.Foreign, func(own string) bool { return query.Fold(own) == query.Fold(name) }) {
			return o, true
		}
	}
	return Option{}, false
}

// Choice returns the choice that a word names, in English or in another language, there also without accents.
func (o Option) Choice(word string) (string, bool) {
	word = strings.ToLower(word)
	if slices.Contains(o.Choices, word) {
		return word, true
	}
	c, ok := o.Words[query.Fold(word)]
	return c, ok
}

// Words splits the verb: "task new" is ("task", "new"), "imagine" is ("imagine", "").
func (r Row) Words() (first, second string) {
	first, second, _ = strings.Cut(r.Verb, " ")
	return first, second
}

// Table is the rows with an index. Make one with New; it is never changed afterwards.
type Table struct {
	rows []Row
	by   map[string]int
}

// Rows returns all rows in the order of the help.
func (t *Table) Rows() []Row { return slices.Clone(t.rows) }

// Row finds a row by verb or alias.
func (t *Table) Row(verb string) (Row, bool) {
	i, ok := t.by[plainMarks(verb)]
	if !ok {
		return Row{}, false
	}
	return t.rows[i], true
}

// Offered returns the rows that people are offered, with the options that they may give.
func (t *Table) Offered() []Row {
	var out []Row
	for _, r := range t.rows {
		if !r.Hidden {
			r.Options = slices.DeleteFunc(slices.Clone(r.Options), func(o Option) bool { return o.Hidden })
			out = append(out, r)
		}
	}
	return out
}

// Menus returns the rows that are message context menu entries.
func (t *Table) Menus() []Row {
	var out []Row
	for _, r := range t.rows {
		if r.Menu != "" {
			out = append(out, r)
		}
	}
	return out
}

// NewTable indexes rows. It fails when two rows share a verb or an alias, or when a row breaks a limit of a platform.
func NewTable(rows []Row) (*Table, error) {
	t := &Table{rows: rows, by: map[string]int{}}
	for i, r := range rows {
		if err := check(r); err != nil {
			return nil, fmt.Errorf("verb %q: %w", r.Verb, err)
		}
		for _, name := range slices.Concat([]string{r.Verb}, r.Aliases, r.Foreign) {
			name = plainMarks(name)
			if j, taken := t.by[name]; taken {
				return nil, fmt.Errorf("%q names both %q and %q", name, rows[j].Verb, r.Verb)
			}
			t.by[name] = i
		}
	}
	return t, nil
}

// Limits of the platforms that a row has to keep to. https://docs.discord.com/developers/interactions/application-commands
const (
	maxHelp    = 100
	maxOptions = 25
	maxChoices = 25
	maxMenu    = 24 // Slack's limit for a shortcut's name, smaller than Discord's 32
)

func check(r Row) error {
	switch {
	case r.Help == "" || len(r.Help) > maxHelp:
		return fmt.Errorf("help has %d characters, wanted 1 to %d", len(r.Help), maxHelp)
	case len(r.Options) > maxOptions:
		return fmt.Errorf("%d options, at most %d", len(r.Options), maxOptions)
	case len(r.Menu) > maxMenu:
		return fmt.Errorf("menu label has %d characters, at most %d", len(r.Menu), maxMenu)
	case r.Role == "":
		return fmt.Errorf("no role")
	case r.Ack == "":
		return fmt.Errorf("no acknowledgement")
	}
	optional := false
	for _, o := range r.Options {
		switch {
		case o.Help == "" || len(o.Help) > maxHelp:
			return fmt.Errorf("option %s: help has %d characters, wanted 1 to %d", o.Name, len(o.Help), maxHelp)
		case len(o.Choices) > maxChoices:
			return fmt.Errorf("option %s: %d choices, at most %d", o.Name, len(o.Choices), maxChoices)
		case o.Required && optional:
			return fmt.Errorf("option %s: required after an optional one", o.Name)
		case o.Tail && o.Kind != KindText:
			return fmt.Errorf("option %s: a tail is text", o.Name)
		}
		optional = optional || !o.Required
	}
	return nil
}
