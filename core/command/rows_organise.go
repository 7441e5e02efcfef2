package command

// organiseRows are the verbs that organise projects.
func organiseRows() []Row {
	return []Row{
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
				{Name: "mirror", Kind: KindChoice, Help: "What shows in the other rooms: tasks only, or all that is said", Choices: []string{"tasks", "all"}}, {Name: "ask_above", Kind: KindText, Help: "Ask before anything that costs more than so many dollars"},
				{Name: "approvals", Kind: KindInt, Help: "How many people must approve a version"}, {Name: "approve_role", Kind: KindChoice, Help: "Which role decides on versions", Choices: []string{"admin", "editor", "viewer"}},
				{Name: "approve_own", Kind: KindChoice, Help: "Whether people may approve what they made", Choices: []string{"yes", "no"}}, {Name: "votes", Kind: KindChoice, Help: "Whether a 👍 on a card counts as a vote; it never approves", Choices: []string{"on", "off"}},
				{Name: "statuses", Kind: KindText, Help: "The statuses in order, with the role that may set one: open, retouch:admin, ..."},
				{Name: "capacity", Kind: KindText, Help: "How many sessions at once at a provider, such as midjourney=3; 0 for any number"}, {Name: "remind", Kind: KindInt, Help: "How many minutes before a session it is called out; 0 for never"},
				language("The language of cards and notices in the rooms"), timezone("The time zone of the rooms, such as Europe/Paris")},
			Examples: []string{"project settings --default_role viewer", "project settings mirror=all"}},
	}
}
