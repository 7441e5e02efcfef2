package command

import "github.com/atelier-bridge/atelier/core"

// accountRows are the verbs that are about a person's own accounts and settings.
func accountRows() []Row {
	return []Row{
		{Verb: "account link", Group: GroupAccounts, Role: vi, Ack: AckPrivate, Personal: true, Anywhere: true,
			Help: "Link your own account at a provider", Options: []Option{{Name: "provider", Kind: KindText, Help: "The provider", Required: true, Positional: true, Complete: true},
				{Name: "plan", Kind: KindText, Help: "Your plan, at a provider that is run by hand", Positional: true}, {Name: core.SecretOption, Kind: KindText, Help: "From our own form only", Hidden: true}},
			Examples: []string{"account link openai", "account link midjourney standard"}},
		{Verb: "account unlink", Group: GroupAccounts, Role: vi, Ack: AckPrivate, Personal: true, Anywhere: true,
			Help: "Delete your account at a provider, with its key", Options: []Option{{Name: "provider", Kind: KindText, Help: "The provider", Required: true, Positional: true, Complete: true}},
			Examples: []string{"account unlink openai"}},
		{Verb: "account list", Aliases: []string{"accounts"}, Group: GroupAccounts, Role: vi, Ack: AckPrivate, Personal: true, Anywhere: true,
			Help: "Your accounts, and what each provider can do", Examples: []string{"account list"}},
		{Verb: "settings", Group: GroupAccounts, Role: vi, Ack: AckPrivate, Personal: true, Anywhere: true,
			Help: "Your own defaults", Options: []Option{provider("Where your pictures are made when you do not say"),
				{Name: "ask_above", Kind: KindText, Help: "Ask before anything that costs more than so many dollars"}, {Name: "at_once", Kind: KindText, Help: "How much runs at once on an account, such as openai=1"}, language("The language in which I answer you"), timezone("Your time zone, such as Europe/Paris")},
			Examples: []string{"settings --provider midjourney", "settings --ask_above 0.20"}},
		{Verb: "identity link", Group: GroupAccounts, Role: core.RoleNone, Ack: AckPrivate, Personal: true, Anywhere: true,
			Help: "Be one person on Slack and Discord", Options: []Option{{Name: "code", Kind: KindText, Help: "The code that the other app gave you; leave it out to get one", Positional: true}},
			Examples: []string{"identity link", "identity link BCDF-GHJK"}},
		{Verb: "identity unlink", Group: GroupAccounts, Role: core.RoleNone, Ack: AckPrivate, Personal: true, Anywhere: true,
			Help: "Undo identity link", Examples: []string{"identity unlink"}},
		{Verb: "usage", Group: GroupAccounts, Role: vi, Ack: AckPrivate, Personal: true, Anywhere: true,
			Help: "What was made and what it cost, by person, provider and day", Options: []Option{{Name: "days", Kind: KindInt, Help: "How many days; 30 if left out"},
				{Name: "project", Kind: KindBool, Help: "Of everybody in this project; for admins"}, {Name: "person", Kind: KindPerson, Help: "Of somebody in this project; for admins", Positional: true}},
			Examples: []string{"usage", "usage --days 7", "usage --project"}},
	}
}
