package command

// reviewRows are the verbs that review what was made.
func reviewRows() []Row {
	which := Option{Name: "comment", Kind: KindText, Help: "Its number as in \"comments\", or all", Positional: true}
	return []Row{
		{Verb: "comment", Aliases: []string{"note"}, Group: GroupReview, Role: vi, Ack: AckPrivate,
			Help: "Comment on a task, a version, a picture, a point or an area of it", Options: []Option{tail("text", "What you want to say; @0.4,0.6 in front is a point of the picture", true), version("What it is about, such as v2.3"), task(),
				{Name: "point", Kind: KindText, Help: "A point of the picture as fractions, such as 0.4,0.6"}, {Name: "area", Kind: KindArea, Help: "Only here: x,y,width,height as fractions, such as 0.2,0.1,0.6,0.5"}, {Name: "reply", Kind: KindInt, Help: "The number of the comment that this answers"}},
			Examples: []string{"comment v2.3 @0.4,0.6 too dark", "comment v2.3 --area 0.2,0.1,0.6,0.5 the sky is empty", "comment --reply 3 done in v4"}},
		{Verb: "comments", Group: GroupReview, Role: vi, Ack: AckPrivate,
			Help: "A task's comments, newest last", Options: []Option{task(), {Name: "open", Kind: KindBool, Help: "Only those that are not resolved"}, version("Only on this version or picture"), {Name: "page", Kind: KindInt, Help: "Which page; the last one if left out"}},
			Examples: []string{"comments", "comments --open", "comments v2"}},
		{Verb: "resolve", Aliases: []string{"done"}, Group: GroupReview, Role: ed, Ack: AckPrivate,
			Help: "Mark a comment as settled, or all of a task; a ✅ on it does the same", Options: []Option{which, task()},
			Examples: []string{"resolve 3", "resolve all"}},
		{Verb: "reopen", Aliases: []string{"unresolve"}, Group: GroupReview, Role: ed, Ack: AckPrivate,
			Help: "Take back that a comment is settled", Options: []Option{which, task()}, Examples: []string{"reopen 3"}},
		{Verb: "history", Group: GroupReview, Role: vi, Ack: AckPrivate,
			Help: "What a comment said before it was edited", Options: []Option{{Name: "comment", Kind: KindText, Help: "Its number as in \"comments\"", Positional: true}, task()}, Examples: []string{"history 3"}},
		{Verb: "approve", Group: GroupReview, Role: vi, Ack: AckPrivate,
			Help: "Approve a version", Options: []Option{version("The version; the newest if left out"), tail("reason", "Why", false), task()},
			Examples: []string{"approve v2"}},
		{Verb: "changes", Aliases: []string{"request changes"}, Group: GroupReview, Role: vi, Ack: AckPrivate,
			Help: "Request changes on a version", Options: []Option{version("The version; the newest if left out"), tail("reason", "What should change", false), task()},
			Examples: []string{"changes v2 less contrast please"}},
		{Verb: "pick", Aliases: []string{"choose"}, Group: GroupReview, Role: ed, Ack: AckPrivate,
			Help: "Choose one picture of a version; free, nothing is made", Options: []Option{version("The picture, such as v2.3"), task()},
			Examples: []string{"pick v2.3"}},
		{Verb: "versions", Aliases: []string{"tree"}, Group: GroupReview, Role: vi, Ack: AckPrivate,
			Help: "The tree of a task's versions and its open comments", Options: []Option{task(), {Name: "page", Kind: KindInt, Help: "Which page; the last one if left out"}}, Examples: []string{"versions"}},
		{Verb: "compare", Aliases: []string{"diff"}, Group: GroupReview, Role: vi, Ack: AckPrivate,
			Help: "Two versions side by side, and what differs in words", Options: []Option{version("One of them, such as v2 or v2.3"), {Name: "with", Kind: KindText, Help: "The other one; the newest if left out", Positional: true}, task(),
				{Name: "blink", Kind: KindBool, Help: "One after the other in one moving picture"}, {Name: "share", Kind: KindBool, Help: "Show it to everybody in the thread"}},
			Examples: []string{"compare v2 v5", "compare v2.1 v5.3 --blink"}},
		{Verb: "revert", Group: GroupReview, Role: ed, Ack: AckPrivate,
			Help: "Make an earlier version the newest one again; nothing is made anew", Options: []Option{version("The version to go back to"), task()},
			Examples: []string{"revert v2"}},
	}
}
