package command

// taskRows are the verbs that look after tasks.
func taskRows() []Row {
	who := Option{Name: "person", Kind: KindPerson, Help: "Who; yourself if you write me", Positional: true}
	statuses := Option{Name: "status", Kind: KindText, Help: "Such as in progress; the project says which there are", Complete: true}
	return []Row{
		{Verb: "task new", Group: GroupTasks, Role: ed, Ack: AckPrivate,
			Help: "Start a task without a picture: a brief, with files if you like", Options: []Option{tail("title", "What is to be made", true), {Name: "brief", Kind: KindText, Help: "The brief: more lines about it"},
				{Name: "person", Kind: KindPerson, Help: "Who is to do it"}, {Name: "due", Kind: KindText, Help: "Until when, such as friday 17:00"}, {Name: "file", Kind: KindFile, Help: "A reference"}, {Name: "file2", Kind: KindFile, Help: "Another one"}, {Name: "file3", Kind: KindFile, Help: "Another one"}},
			Examples: []string{"task new A poster for the spring fair", "task new A poster --due \"friday 17:00\""}},
		{Verb: "task show", Aliases: []string{"show"}, Group: GroupTasks, Role: vi, Ack: AckPrivate,
			Help: "Show a task, with links to its threads", Options: []Option{task()}, Examples: []string{"task show ACME-42"}},
		{Verb: "task list", Aliases: []string{"tasks"}, Group: GroupTasks, Role: vi, Ack: AckPrivate,
			Help: "The project's tasks, newest first; closed ones are left out", Options: []Option{statuses, {Name: "person", Kind: KindPerson, Help: "Assigned to whom, or me", Positional: true},
				{Name: "due", Kind: KindChoice, Help: "By when they are due", Choices: []string{"overdue", "today", "week"}}, {Name: "tag", Kind: KindText, Help: "With this tag", Complete: true},
				{Name: "folder", Kind: KindText, Help: "In this folder", Complete: true}, {Name: "all", Kind: KindBool, Help: "Closed ones, too"}, {Name: "deleted", Kind: KindBool, Help: "Only deleted ones"}, {Name: "page", Kind: KindInt, Help: "Which page"}},
			Examples: []string{"task list", "task list me --due week", "task list --status \"in review\" --page 2"}},
		{Verb: "task assign", Aliases: []string{"assign"}, Group: GroupTasks, Role: ed, Ack: AckPrivate,
			Help: "Say who is to do a task", Options: []Option{task(), who, {Name: "remove", Kind: KindBool, Help: "Take them off it; nobody named: everybody"}},
			Examples: []string{"task assign ACME-42 @ana", "assign me", "assign @ana --remove"}},
		{Verb: "task due", Aliases: []string{"due"}, Group: GroupTasks, Role: ed, Ack: AckPrivate,
			Help: "Say until when a task is to be done", Options: []Option{task(), tail("when", "Such as friday 17:00, in 3 days, 2026-12-24; none takes it away", false)},
			Examples: []string{"due friday 17:00", "task due ACME-42 tomorrow", "due none"}},
		{Verb: "task status", Group: GroupTasks, Role: vi, Ack: AckPrivate,
			Help: "Move a task to another status", Options: []Option{task(), {Name: "status", Kind: KindText, Help: "Such as in progress; the project says which there are", Positional: true, Tail: true, Typed: TypedValue, Complete: true}},
			Examples: []string{"task status in progress", "task status ACME-42 delivered"}},
		{Verb: "task rename", Aliases: []string{"rename"}, Group: GroupTasks, Role: ed, Ack: AckPrivate,
			Help: "Give a task another title", Options: []Option{task(), tail("title", "The new title", false)}, Examples: []string{"rename Poster, final round"}},
		{Verb: "task brief", Aliases: []string{"brief"}, Group: GroupTasks, Role: ed, Ack: AckPrivate,
			Help: "Write what is wanted, on the task's card", Options: []Option{task(), tail("text", "The brief; none takes it away", false)}, Examples: []string{"brief Two people at a market, early light, no text"}},
		{Verb: "task close", Aliases: []string{"close"}, Group: GroupTasks, Role: ed, Ack: AckPrivate,
			Help: "Close a task: it leaves the lists, its threads stay", Options: []Option{task()}, Examples: []string{"task close ACME-42"}},
		{Verb: "task reopen", Aliases: []string{"reopen task"}, Group: GroupTasks, Role: ed, Ack: AckPrivate,
			Help: "Open a closed task again", Options: []Option{task()}, Examples: []string{"task reopen ACME-42"}},
		{Verb: "task delete", Group: GroupTasks, Role: ed, Ack: AckPrivate,
			Help: "Delete a task; its owner or an admin may, and can restore it", Options: []Option{task()}, Examples: []string{"task delete ACME-42"}},
		{Verb: "task restore", Aliases: []string{"restore"}, Group: GroupTasks, Role: ed, Ack: AckPrivate,
			Help: "Bring a deleted task back", Options: []Option{task()}, Examples: []string{"task restore ACME-42"}},
		{Verb: "checklist add", Aliases: []string{"todo"}, Group: GroupTasks, Role: ed, Ack: AckPrivate,
			Help: "Add an item to a task's checklist", Options: []Option{task(), tail("text", "What is to be done", false)}, Examples: []string{"checklist add Check the small print"}},
		{Verb: "checklist tick", Aliases: []string{"tick"}, Group: GroupTasks, Role: ed, Ack: AckPrivate,
			Help: "Tick an item of the checklist off, or take the tick back", Options: []Option{task(), {Name: "item", Kind: KindText, Help: "Its number", Positional: true}}, Examples: []string{"tick 2"}},
		{Verb: "checklist remove", Group: GroupTasks, Role: ed, Ack: AckPrivate,
			Help: "Take an item off the checklist", Options: []Option{task(), {Name: "item", Kind: KindText, Help: "Its number", Positional: true}}, Examples: []string{"checklist remove 2"}},
	}
}
