package command

// shareRows are the verbs that show pictures elsewhere and take them home.
func shareRows() []Row {
	room := Option{Name: "room", Kind: KindText, Help: "Which room, such as #launch, discord:#launch or all; this one if left out", Complete: true}
	token := Option{Name: "token", Kind: KindText, Help: "Which search", Hidden: true}
	return []Row{
		{Verb: "publish", Group: GroupReview, Role: ed, Ack: AckPrivate,
			Help:     "Post chosen pictures in a room of the project, outside of the thread",
			Options:  []Option{{Name: "images", Kind: KindText, Help: "One to ten, such as v2.3,v1.2; what is picked if left out", Positional: true}, tail("text", "What to say with them", false), task(), room},
			Examples: []string{"publish v2.3 v1.2 --room #launch the two finalists", "publish v2.3 --room all"}},
		{Verb: "download", Group: GroupReview, Role: vi, Ack: AckPrivate, Personal: true,
			Help:     "A link to originals of a task, with all that is written in them",
			Options:  []Option{version("Such as v2 or v2.3; what is picked, or the newest, if left out"), {Name: "what", Kind: KindChoice, Help: "Every picture of the task", Choices: []string{"all"}, Positional: true}, task()},
			Examples: []string{"download v2.3", "download ACME-42 all"}},
		{Verb: "export", Group: GroupFind, Role: vi, Ack: AckPrivate, Personal: true,
			Help: "A link to originals with a manifest and a contact sheet: of a task, a search or the project",
			Options: []Option{tail("query", "What to find, as in search; everything if left out", false), task(), {Name: "folder", Kind: KindText, Help: "All of a folder", Complete: true},
				{Name: "tag", Kind: KindText, Help: "All with a tag", Complete: true}, token},
			Examples: []string{"export ACME-42", "export --folder spring", "export status:approved after:30d"}},
		{Verb: "bulk publish", Group: GroupFind, Role: ed, Ack: AckPrivate,
			Help: "Post a picture of each task that a search finds in a room", Options: []Option{tail("query", "What to find, such as: lighthouse by:@me status:approved after:7d --ar 3:2", false), token, room}, Examples: []string{"bulk publish status:approved after:7d --room #launch"}},
	}
}
