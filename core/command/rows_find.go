package command

// findRows are the verbs that put tasks in order and find them again.
func findRows() []Row {
	words := func(required bool) Option {
		return tail("query", "What to find, such as: lighthouse by:@me status:approved after:7d --ar 3:2", required)
	}
	token := Option{Name: "token", Kind: KindText, Help: "Which search", Hidden: true}
	folder := func(name, help string, required bool) Option {
		return Option{Name: name, Kind: KindText, Help: help, Required: required, Positional: true, Complete: true}
	}
	tags := func(help string) Option {
		o := tail("tags", help, true)
		o.Complete = true
		return o
	}
	asked := func(o Option) Option { o.Form = true; return o }
	return []Row{
		{Verb: "search", Aliases: []string{"find"}, Group: GroupFind, Role: vi, Ack: AckPrivate,
			Help: "Find tasks by words, people, dates, status, tags and parameters", Options: []Option{words(false), token, {Name: "page", Kind: KindText, Help: "From where on", Hidden: true}},
			Examples: []string{"search lighthouse by:@me status:approved after:7d --ar 3:2", "search tag:poster -draft sort:best"}},
		{Verb: "saved new", Group: GroupFind, Role: vi, Ack: AckPrivate, Personal: true,
			Help: "Keep a search by a name; it finds what is there each time", Options: []Option{asked(Option{Name: "name", Kind: KindText, Help: "A name without spaces", Required: true, Positional: true}), words(false),
				{Name: "shared", Kind: KindBool, Help: "For everybody in this project"}, {Name: "notify", Kind: KindBool, Help: "Tell you of new hits"}, token},
			Examples: []string{"saved new posters tag:poster is:open --notify", "saved new done status:approved --shared"}},
		{Verb: "saved list", Group: GroupFind, Role: vi, Ack: AckPrivate, Personal: true, Help: "Your saved searches and those of everybody", Examples: []string{"saved list"}},
		{Verb: "saved run", Aliases: []string{"saved"}, Group: GroupFind, Role: vi, Ack: AckPrivate, Personal: true,
			Help: "What a saved search finds now", Options: []Option{{Name: "saved", Kind: KindText, Help: "Its name", Required: true, Positional: true, Complete: true}}, Examples: []string{"saved run posters", "saved posters"}},
		{Verb: "saved remove", Group: GroupFind, Role: vi, Ack: AckPrivate, Personal: true,
			Help: "Forget a saved search", Options: []Option{{Name: "saved", Kind: KindText, Help: "Its name", Required: true, Positional: true, Complete: true}}, Examples: []string{"saved remove posters"}},
		{Verb: "tag add", Group: GroupFind, Role: ed, Ack: AckPrivate,
			Help: "Give a task tags", Options: []Option{tags("One or more, without spaces in them"), task()}, Examples: []string{"tag add ACME-42 poster spring"}},
		{Verb: "tag remove", Group: GroupFind, Role: ed, Ack: AckPrivate,
			Help: "Take tags from a task", Options: []Option{tags("Which ones"), task()}, Examples: []string{"tag remove ACME-42 spring"}},
		{Verb: "tag list", Aliases: []string{"tags"}, Group: GroupFind, Role: vi, Ack: AckPrivate, Help: "The project's tags, and how many tasks have each", Examples: []string{"tag list"}},
		{Verb: "folder new", Group: GroupFind, Role: ed, Ack: AckPrivate,
			Help: "Make a folder", Options: []Option{{Name: "name", Kind: KindText, Help: "A name without spaces", Required: true, Positional: true}, {Name: "in", Kind: KindText, Help: "The folder it lies in", Complete: true}},
			Examples: []string{"folder new spring", "folder new posters --in spring"}},
		{Verb: "folder list", Aliases: []string{"folders"}, Group: GroupFind, Role: vi, Ack: AckPrivate, Help: "The project's folders, and how many tasks lie in each", Examples: []string{"folder list"}},
		{Verb: "folder move", Group: GroupFind, Role: ed, Ack: AckPrivate,
			Help: "Put a folder into another one", Options: []Option{folder("folder", "Which folder", true), folder("into", "Into which one; top for none", true)}, Examples: []string{"folder move posters summer", "folder move posters top"}},
		{Verb: "folder put", Group: GroupFind, Role: ed, Ack: AckPrivate,
			Help: "Put a task into a folder", Options: []Option{folder("folder", "Which folder; none takes the task out", true), task()}, Examples: []string{"folder put ACME-42 posters", "folder put none"}},
		{Verb: "folder remove", Group: GroupFind, Role: ed, Ack: AckPrivate,
			Help: "Remove an empty folder", Options: []Option{folder("folder", "Which folder", true)}, Examples: []string{"folder remove posters"}},
		{Verb: "bulk approve", Group: GroupFind, Role: ed, Ack: AckPrivate,
			Help: "Approve all tasks that a search finds", Options: []Option{words(false), token}, Examples: []string{"bulk approve tag:poster status:review"}},
		{Verb: "bulk tag", Group: GroupFind, Role: ed, Ack: AckPrivate,
			Help:     "Give tags to all tasks that a search finds",
			Options:  []Option{asked(Option{Name: "tags", Kind: KindText, Help: "One, or several with commas", Required: true, Positional: true, Complete: true}), words(false), token},
			Examples: []string{"bulk tag spring lighthouse after:30d"}},
		{Verb: "bulk move", Group: GroupFind, Role: ed, Ack: AckPrivate,
			Help: "Put all tasks that a search finds into a folder", Options: []Option{asked(folder("folder", "Which folder", true)), words(false), token}, Examples: []string{"bulk move archive before:2026-01-01"}},
		{Verb: "bulk start", Group: GroupFind, Role: ed, Ack: AckPrivate, Hidden: true,
			Help: "Answer a question with yes", Options: []Option{{Name: "token", Kind: KindText, Help: "Which question", Positional: true, Required: true}}},
		{Verb: "bulk list", Group: GroupFind, Role: vi, Ack: AckPrivate, Help: "Bulk actions, and how far they are", Examples: []string{"bulk list"}},
		{Verb: "bulk cancel", Group: GroupFind, Role: ed, Ack: AckPrivate,
			Help: "Stop a bulk action; what it did stays", Options: []Option{{Name: "bulk", Kind: KindText, Help: "Which one, as in \"bulk list\"; the newest if left out", Positional: true}}, Examples: []string{"bulk cancel"}},
	}
}
