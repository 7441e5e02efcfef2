package command

// reviewRows are the verbs that review what was made.
func reviewRows() []Row {
	return []Row{
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
	}
}
