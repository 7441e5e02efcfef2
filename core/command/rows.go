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
	return Option{Name: name, Kind: KindText, Help: help, Required: required, Positional: true, Tail: true}
}

func provider(help string) Option {
	return Option{Name: "provider", Kind: KindText, Help: help, Complete: true}
}

// whose are the options that say whose limit is meant.
func whose() []Option {
	return []Option{{Name: "person", Kind: KindPerson, Help: "One person's"}, {Name: "each", Kind: KindBool, Help: "Of each person who has none of their own"}}
}

func rows() []Row {
	const (
		ed = core.RoleEditor
		vi = core.RoleViewer
		ad = core.RoleAdmin
	)
	return []Row{
		{Verb: "imagine", Group: GroupMake, Role: ed, Ack: AckPrivate, Billable: true, Prompt: true, Slash: true,
			Help:     "Make pictures of what you describe, on your own account",
			Options:  []Option{tail("prompt", "What to draw, with parameters such as --ar 3:2", true), provider("Where to make it; your default if left out")},
			Examples: []string{"imagine a lighthouse in the fog --ar 3:2", "imagine a paper crane --provider midjourney"}},
		{Verb: "reroll", Aliases: []string{"rerun", "again"}, Group: GroupMake, Role: ed, Ack: AckPrivate, Billable: true,
			Help: "Run a version's prompt again with another seed", Options: []Option{version("The version to run again; the newest if left out"), task(), provider("Where to make it")},
			Examples: []string{"reroll v2"}},
		{Verb: "vary", Aliases: []string{"variation"}, Group: GroupMake, Role: ed, Ack: AckPrivate, Billable: true, Prompt: true,
			Help: "Make four variations of a picture", Options: []Option{version("The picture, such as v2.3"),
				{Name: "strength", Kind: KindChoice, Help: "How far from the original", Choices: []string{"subtle", "strong"}}, task(), tail("prompt", "Other words, if any", false), provider("Where to make it")},
			Examples: []string{"vary v2.3 --strength strong"}},
		{Verb: "upscale", Group: GroupMake, Role: ed, Ack: AckPrivate, Billable: true,
			Help: "Make one picture larger", Options: []Option{version("The picture, such as v2.3"),
				{Name: "strength", Kind: KindChoice, Help: "Keep every detail, or add some", Choices: []string{"subtle", "creative"}}, task(), provider("Where to make it")},
			Examples: []string{"upscale v2.3"}},
		{Verb: "zoom", Group: GroupMake, Role: ed, Ack: AckPrivate, Billable: true,
			Help: "Zoom out: the same picture with more around it", Options: []Option{version("The picture, such as v2.3"),
				{Name: "factor", Kind: KindText, Help: "How far, 1.1 to 2; 1.5 if left out"}, task(), provider("Where to make it")},
			Examples: []string{"zoom v2.1 --factor 2"}},
		{Verb: "pan", Group: GroupMake, Role: ed, Ack: AckPrivate, Billable: true,
			Help: "Extend a picture to one side", Options: []Option{version("The picture, such as v2.3"),
				{Name: "direction", Kind: KindChoice, Help: "Which side; right if left out", Choices: []string{"left", "right", "up", "down"}, Positional: true}, task(), provider("Where to make it")},
			Examples: []string{"pan v2.1 left"}},
		{Verb: "edit", Group: GroupMake, Role: ed, Ack: AckPrivate, Billable: true, Prompt: true,
			Help: "Change a picture in words, or only one area of it", Options: []Option{tail("prompt", "What to change", true), version("The picture, such as v2.3"),
				{Name: "area", Kind: KindArea, Help: "Only here: x,y,width,height as fractions, such as 0.2,0.1,0.6,0.5"}, task(), provider("Where to make it"),
				{Name: "mask", Kind: KindFile, Help: "Only where this picture is white"}},
			Examples: []string{"edit v2.3 make the sky darker", "edit v2.3 --area 0.2,0.1,0.6,0.5 a red boat"}},
		{Verb: "blend", Group: GroupMake, Role: ed, Ack: AckPrivate, Billable: true, Prompt: true,
			Help: "Mix two to five pictures into one", Options: []Option{{Name: "images", Kind: KindText, Help: "Pictures such as v1.2,v2.3; two to five", Positional: true}, task(), tail("prompt", "Words to go with them", false), provider("Where to make it"),
				{Name: "file", Kind: KindFile, Help: "A picture of your own"}, {Name: "file2", Kind: KindFile, Help: "Another one"}, {Name: "file3", Kind: KindFile, Help: "Another one"}},
			Examples: []string{"blend v1.2,v2.3"}},
		{Verb: "describe", Group: GroupMake, Role: ed, Ack: AckPrivate, Billable: true,
			Help: "Describe a picture in words that could make it", Options: []Option{version("The picture, such as v2.3"), task(), provider("Which one describes"), {Name: "file", Kind: KindFile, Help: "A picture of your own instead"}},
			Examples: []string{"describe v2.3"}},
		{Verb: "attach", Group: GroupMake, Role: ed, Ack: AckPrivate, Menu: "Attach to task",
			Help: "Bring a picture made elsewhere into a task as a version", Options: []Option{version("The open version it belongs to, if several wait"), task(), {Name: "file", Kind: KindFile, Help: "The picture"},
				{Name: "link", Kind: KindText, Help: "A link to it, kept as a link; nothing is downloaded"}},
			Examples: []string{"attach v3", "attach --link https://example.org/job"}},
		{Verb: "cancel", Group: GroupMake, Role: ed, Ack: AckPrivate,
			Help: "Stop a version that is waiting or running", Options: []Option{version("The version; the newest if left out"), task()},
			Examples: []string{"cancel v2"}},
		{Verb: "jobs", Aliases: []string{"queue"}, Group: GroupMake, Role: vi, Ack: AckPrivate, Anywhere: true,
			Help: "Your waiting and running jobs, and prompts to run by hand", Examples: []string{"jobs"}},

		{Verb: "comment", Aliases: []string{"note"}, Group: GroupReview, Role: vi, Ack: AckPrivate,
			Help: "Comment on a task or on one version or picture", Options: []Option{tail("text", "What you want to say", true), version("What it is about, such as v2.3"), task()},
			Examples: []string{"comment v2.3 the light is too cold"}},
		{Verb: "resolve", Aliases: []string{"done"}, Group: GroupReview, Role: ed, Ack: AckPrivate,
			Help: "Mark a comment as settled, or all of a task", Options: []Option{{Name: "comment", Kind: KindText, Help: "Its number as in \"versions\", or all", Positional: true}, task()},
			Examples: []string{"resolve 3", "resolve all"}},
		{Verb: "approve", Group: GroupReview, Role: ed, Ack: AckPrivate,
			Help: "Approve a version", Options: []Option{version("The version; the newest if left out"), tail("reason", "Why", false), task()},
			Examples: []string{"approve v2"}},
		{Verb: "changes", Aliases: []string{"request changes"}, Group: GroupReview, Role: ed, Ack: AckPrivate,
			Help: "Request changes on a version", Options: []Option{version("The version; the newest if left out"), tail("reason", "What should change", false), task()},
			Examples: []string{"changes v2 less contrast please"}},
		{Verb: "pick", Aliases: []string{"choose"}, Group: GroupReview, Role: ed, Ack: AckPrivate,
			Help: "Choose one picture of a version; free, nothing is made", Options: []Option{version("The picture, such as v2.3"), task()},
			Examples: []string{"pick v2.3"}},
		{Verb: "versions", Aliases: []string{"history"}, Group: GroupReview, Role: vi, Ack: AckPrivate,
			Help: "The tree of a task's versions and its open comments", Options: []Option{task()}, Examples: []string{"versions"}},

		{Verb: "task show", Aliases: []string{"show"}, Group: GroupTasks, Role: vi, Ack: AckPrivate,
			Help: "Show a task, with links to its threads", Options: []Option{task()}, Examples: []string{"task show ACME-42"}},
		{Verb: "task list", Aliases: []string{"tasks"}, Group: GroupTasks, Role: vi, Ack: AckPrivate,
			Help: "The project's newest tasks", Examples: []string{"task list"}},

		{Verb: "project new", Group: GroupOrganise, Role: ad, Ack: AckPrivate, Anywhere: true,
			Help: "Start a project and bind this room to it", Options: []Option{{Name: "key", Kind: KindText, Help: "A short name such as ACME", Required: true, Positional: true}, tail("name", "The full name", false)},
			Examples: []string{"project new ACME Acme spring campaign"}},
		{Verb: "project list", Aliases: []string{"projects"}, Group: GroupOrganise, Role: vi, Ack: AckPrivate, Anywhere: true,
			Help: "All projects that you may see", Examples: []string{"project list"}},
		{Verb: "project bind", Aliases: []string{"bind"}, Group: GroupOrganise, Role: ad, Ack: AckPrivate, Anywhere: true,
			Help: "Bind this room to a project", Options: []Option{{Name: "key", Kind: KindText, Help: "The project's short name", Required: true, Positional: true, Complete: true}},
			Examples: []string{"project bind ACME"}},
		{Verb: "project unbind", Aliases: []string{"unbind"}, Group: GroupOrganise, Role: ad, Ack: AckPrivate,
			Help: "Take this room out of its project; its threads stay", Examples: []string{"project unbind"}},
		{Verb: "project settings", Group: GroupOrganise, Role: ad, Ack: AckPrivate,
			Help: "Show or change a project's settings", Options: []Option{{Name: "default_role", Kind: KindChoice, Help: "The role of whoever sees a bound room", Choices: []string{"editor", "viewer", "none"}},
				{Name: "mirror", Kind: KindChoice, Help: "What shows in the other rooms: tasks only, or all that is said", Choices: []string{"tasks", "all"}}, {Name: "ask_above", Kind: KindText, Help: "Ask before anything that costs more than so many dollars"}},
			Examples: []string{"project settings --default_role viewer", "project settings mirror=all"}},

		{Verb: "account link", Group: GroupAccounts, Role: vi, Ack: AckPrivate, Anywhere: true,
			Help: "Link your own account at a provider", Options: []Option{{Name: "provider", Kind: KindText, Help: "The provider", Required: true, Positional: true, Complete: true},
				{Name: "plan", Kind: KindText, Help: "Your plan, at a provider that is run by hand", Positional: true}, {Name: core.SecretOption, Kind: KindText, Help: "From our own form only", Hidden: true}},
			Examples: []string{"account link openai", "account link midjourney standard"}},
		{Verb: "account unlink", Group: GroupAccounts, Role: vi, Ack: AckPrivate, Anywhere: true,
			Help: "Delete your account at a provider, with its key", Options: []Option{{Name: "provider", Kind: KindText, Help: "The provider", Required: true, Positional: true, Complete: true}},
			Examples: []string{"account unlink openai"}},
		{Verb: "account list", Aliases: []string{"accounts"}, Group: GroupAccounts, Role: vi, Ack: AckPrivate, Anywhere: true,
			Help: "Your accounts, and what each provider can do", Examples: []string{"account list"}},
		{Verb: "settings", Group: GroupAccounts, Role: vi, Ack: AckPrivate, Anywhere: true,
			Help: "Your own defaults", Options: []Option{provider("Where your pictures are made when you do not say"),
				{Name: "ask_above", Kind: KindText, Help: "Ask before anything that costs more than so many dollars"}, {Name: "at_once", Kind: KindText, Help: "How much runs at once on an account, such as openai=1"}},
			Examples: []string{"settings --provider midjourney", "settings --ask_above 0.20"}},
		{Verb: "identity link", Group: GroupAccounts, Role: core.RoleNone, Ack: AckPrivate, Anywhere: true,
			Help: "Be one person on Slack and Discord", Options: []Option{{Name: "code", Kind: KindText, Help: "The code that the other app gave you; leave it out to get one", Positional: true}},
			Examples: []string{"identity link", "identity link BCDF-GHJK"}},
		{Verb: "identity unlink", Group: GroupAccounts, Role: core.RoleNone, Ack: AckPrivate, Anywhere: true,
			Help: "Undo identity link", Examples: []string{"identity unlink"}},
		{Verb: "usage", Group: GroupAccounts, Role: vi, Ack: AckPrivate, Anywhere: true,
			Help: "What was made and what it cost, by person, provider and day", Options: []Option{{Name: "days", Kind: KindInt, Help: "How many days; 30 if left out"},
				{Name: "project", Kind: KindBool, Help: "Of everybody in this project; for admins"}, {Name: "person", Kind: KindPerson, Help: "Of somebody in this project; for admins", Positional: true}},
			Examples: []string{"usage", "usage --days 7", "usage --project"}},

		{Verb: "role list", Aliases: []string{"roles"}, Group: GroupGovern, Role: vi, Ack: AckPrivate,
			Help: "Who may do what in this project", Examples: []string{"role list"}},
		{Verb: "role grant", Group: GroupGovern, Role: ad, Ack: AckPrivate,
			Help: "Give a person a role in this project", Options: []Option{{Name: "person", Kind: KindPerson, Help: "Who", Required: true, Positional: true},
				{Name: "role", Kind: KindChoice, Help: "Which", Required: true, Choices: []string{"admin", "editor", "viewer", "none"}, Positional: true}},
			Examples: []string{"role grant @ana admin"}},
		{Verb: "role revoke", Group: GroupGovern, Role: ad, Ack: AckPrivate,
			Help: "Take a person's own role away; the default holds again", Options: []Option{{Name: "person", Kind: KindPerson, Help: "Who", Required: true, Positional: true}},
			Examples: []string{"role revoke @ana"}},
		{Verb: "role map", Group: GroupGovern, Role: ad, Ack: AckPrivate,
			Help: "Give everybody in a Discord role or Slack user group a role", Options: []Option{{Name: "group", Kind: KindText, Help: "discord:@ROLE_ID or slack:GROUP_ID", Required: true, Positional: true},
				{Name: "role", Kind: KindChoice, Help: "Which; none removes the mapping", Required: true, Choices: []string{"admin", "editor", "viewer", "none"}, Positional: true}},
			Examples: []string{"role map discord:@4711 editor"}},

		{Verb: "quota list", Aliases: []string{"quotas", "quota"}, Group: GroupGovern, Role: vi, Ack: AckPrivate,
			Help: "The project's limits and what is used of them", Examples: []string{"quota list"}},
		{Verb: "quota set", Group: GroupGovern, Role: ad, Ack: AckPrivate,
			Help: "Limit pictures or money, for the project, each person or one", Options: append([]Option{{Name: "pictures", Kind: KindInt, Help: "How many pictures", Positional: true},
				{Name: "money", Kind: KindText, Help: "How many US dollars"}, {Name: "per", Kind: KindChoice, Help: "Within what; a month if left out", Choices: []string{"day", "week", "month"}}}, append(whose(), Option{Name: "soft", Kind: KindBool, Help: "Only tell, do not stop"})...),
			Examples: []string{"quota set 500 --money 40", "quota set 50 --each --per week", "quota set 100 --person @ben"}},
		{Verb: "quota grant", Group: GroupGovern, Role: ad, Ack: AckPrivate,
			Help: "Add to a limit for the current period", Options: append([]Option{{Name: "pictures", Kind: KindInt, Help: "How many pictures more", Positional: true}, {Name: "money", Kind: KindText, Help: "How many US dollars more"}}, whose()[:1]...),
			Examples: []string{"quota grant 20 --person @ben"}},
		{Verb: "quota clear", Group: GroupGovern, Role: ad, Ack: AckPrivate,
			Help: "Take a limit away", Options: whose(), Examples: []string{"quota clear --person @ben"}},

		{Verb: "confirm", Group: GroupMake, Role: ed, Ack: AckPrivate, Billable: true, Hidden: true,
			Help: "Answer a question with yes", Options: []Option{{Name: "token", Kind: KindText, Help: "Which question", Positional: true, Required: true}}},
		{Verb: "check", Group: GroupMake, Role: vi, Ack: AckPrivate,
			Help: "What is known of a run whose outcome is unknown", Options: []Option{version("The version"), task()}, Examples: []string{"check v2"}},

		{Verb: "help", Group: GroupHelp, Role: core.RoleNone, Ack: AckPrivate, Anywhere: true,
			Help: "What you can do here", Options: []Option{tail("verb", "One command to explain", false)}, Examples: []string{"help", "help vary"}},
		{Verb: "status", Group: GroupHelp, Role: core.RoleNone, Ack: AckPrivate, Anywhere: true,
			Help: "What this room is bound to, and your role here", Examples: []string{"status"}},
	}
}
