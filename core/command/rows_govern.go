package command

// governRows are the verbs that say who may do what, and how much.
func governRows() []Row {
	return []Row{
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
		{Verb: "quota list", Aliases: []string{"quotas", "quota"}, Group: GroupGovern, Role: vi, Ack: AckPrivate, Personal: true,
			Help: "The project's limits and what is used of them", Examples: []string{"quota list"}},
		{Verb: "quota set", Group: GroupGovern, Role: ad, Ack: AckPrivate, Personal: true,
			Help: "Limit pictures or money, for the project, each person or one", Options: append([]Option{{Name: "pictures", Kind: KindInt, Help: "How many pictures", Positional: true},
				{Name: "money", Kind: KindText, Help: "How many US dollars"}, {Name: "per", Kind: KindChoice, Help: "Within what; a month if left out", Choices: []string{"day", "week", "month"}}}, append(whose(), Option{Name: "soft", Kind: KindBool, Help: "Only tell, do not stop"})...),
			Examples: []string{"quota set 500 --money 40", "quota set 50 --each --per week", "quota set 100 --person @ben"}},
		{Verb: "quota grant", Group: GroupGovern, Role: ad, Ack: AckPrivate, Personal: true,
			Help: "Add to a limit for the current period", Options: append([]Option{{Name: "pictures", Kind: KindInt, Help: "How many pictures more", Positional: true}, {Name: "money", Kind: KindText, Help: "How many US dollars more"}}, whose()[:1]...),
			Examples: []string{"quota grant 20 --person @ben"}},
		{Verb: "quota clear", Group: GroupGovern, Role: ad, Ack: AckPrivate, Personal: true,
			Help: "Take a limit away", Options: whose(), Examples: []string{"quota clear --person @ben"}},
	}
}
