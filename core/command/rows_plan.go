package command

import "github.com/atelier-bridge/atelier/core"

// planRows are the verbs of the calendar and of digests.
func planRows() []Row {
	return []Row{
		{Verb: "schedule book", Aliases: []string{"book"}, Group: GroupOrganise, Role: ed, Ack: AckPrivate,
			Help: "Book a session at a provider in the project's calendar", Options: []Option{tail("when", "When, how long and what for, such as: tomorrow 14:00 2h hero shots", false), provider("At which provider; your default if left out"),
				{Name: "length", Kind: KindText, Help: "How long, such as 2h or 90min; an hour if left out"}, {Name: "token", Kind: KindText, Help: "Which offer", Hidden: true}},
			Examples: []string{"schedule book tomorrow 14:00 2h hero shots", "schedule book friday 9:30 90min --provider midjourney"}},
		{Verb: "schedule list", Aliases: []string{"schedule", "sessions"}, Group: GroupOrganise, Role: vi, Ack: AckPrivate,
			Help: "The sessions that are booked in this project", Options: []Option{{Name: "week", Kind: KindBool, Help: "Only the next seven days"}, provider("Only at this provider"), {Name: "page", Kind: KindInt, Help: "Which page"}},
			Examples: []string{"schedule list", "schedule list --week --provider midjourney"}},
		{Verb: "schedule cancel", Group: GroupOrganise, Role: ed, Ack: AckPrivate,
			Help: "Give a booked session up", Options: []Option{{Name: "session", Kind: KindInt, Help: "Its number, as in \"schedule list\"", Required: true, Positional: true}}, Examples: []string{"schedule cancel 3"}},
		{Verb: "schedule feed", Group: GroupOrganise, Role: vi, Ack: AckPrivate, Personal: true,
			Help: "A private link to sessions and due dates for your own calendar", Options: []Option{{Name: "renew", Kind: KindBool, Help: "Make a new link; the old one stops"}}, Examples: []string{"schedule feed", "schedule feed --renew"}},
		{Verb: "digest", Group: GroupOrganise, Role: ed, Ack: AckPrivate,
			Help: "What is new and what waits, in this room every day or week", Options: []Option{{Name: "every", Kind: KindChoice, Help: "How often; now posts one at once", Choices: []string{"daily", "weekly", "off", "now"}, Positional: true},
				tail("when", "At what time, and for weekly on which day, such as: monday 9:00", false), timezone("Where that time is; the project's zone if left out")},
			Examples: []string{"digest daily 9:00", "digest weekly monday 9:00", "digest off", "digest now"}},
		{Verb: "notify", Aliases: []string{"notices"}, Group: GroupAccounts, Role: core.RoleNone, Ack: AckPrivate, Personal: true, Anywhere: true,
			Help: "What I write to you about, where, and when not", Options: []Option{tail("what", "mentions, assignments, verdicts, all or nothing; several with spaces", false),
				{Name: "where", Kind: KindChoice, Help: "In which app; auto is where you were last", Choices: []string{"auto", "slack", "discord", "both"}}, {Name: "quiet", Kind: KindText, Help: "Quiet hours on your clock, such as 20:00-8:00; off for none"}},
			Examples: []string{"notify assignments verdicts", "notify all --where slack --quiet 20:00-8:00", "notify nothing"}},
	}
}
