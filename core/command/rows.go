package command

import "github.com/atelier-bridge/atelier/core"

// New returns Atelier's table. It panics only on a mistake in the rows below, which a test would find first.
func New() *Table {
	t, err := NewTable(rows())
	if err != nil {
		panic(err)
	}
	return t
}

func version(help string) Option {
	return Option{Name: "version", Kind: KindVersion, Help: help, Positional: true, Complete: true}
}

func task() Option {
	return Option{Name: "task", Kind: KindTask, Help: "The task, such as ACME-42; in its thread it is understood", Positional: true, Complete: true}
}

func tail(name, help string, required bool) Option {
	return Option{Name: name, Kind: KindText, Help: help, Required: required, Positional: true, Tail: true, Typed: typedAs(name)}
}

// typedAs says what kind of text the tails of this name take.
func typedAs(name string) Typed {
	switch name {
	case "query":
		return TypedQuery
	case "when", "what", "verb", "tags":
		return TypedValue
	}
	return TypedText
}

func provider(help string) Option {
	return Option{Name: "provider", Kind: KindText, Help: help, Complete: true}
}

func language(help string) Option {
	return Option{Name: core.SettingLanguage, Kind: KindText, Help: help, Complete: true}
}

func timezone(help string) Option {
	return Option{Name: core.SettingTimezone, Kind: KindText, Help: help, Complete: true}
}

// whose are the options that say whose limit is meant.
func whose() []Option {
	return []Option{{Name: "person", Kind: KindPerson, Help: "One person's"}, {Name: "each", Kind: KindBool, Help: "Of each person who has none of their own"}}
}

func rows() []Row {
	var all []Row
	for _, group := range [][]Row{makeRows(), reviewRows(), taskRows(), findRows(), shareRows(), styleRows(), organiseRows(), planRows(), accountRows(), governRows(), helpRows()} {
		all = append(all, group...)
	}
	return all
}

// Roles, as the rows write them.
const (
	ed = core.RoleEditor
	vi = core.RoleViewer
	ad = core.RoleAdmin
)
