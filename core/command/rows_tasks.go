package command

// taskRows are the verbs that look after tasks.
func taskRows() []Row {
	return []Row{
		{Verb: "task show", Aliases: []string{"show"}, Group: GroupTasks, Role: vi, Ack: AckPrivate,
			Help: "Show a task, with links to its threads", Options: []Option{task()}, Examples: []string{"task show ACME-42"}},
		{Verb: "task list", Aliases: []string{"tasks"}, Group: GroupTasks, Role: vi, Ack: AckPrivate,
			Help: "The project's newest tasks", Examples: []string{"task list"}},
	}
}
