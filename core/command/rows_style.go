package command

// styleRows are the verbs that say how pictures look by default.
func styleRows() []Row {
	return []Row{
		{Verb: "style show", Aliases: []string{"style"}, Group: GroupStyle, Role: vi, Ack: AckPrivate,
			Help: "What is added to prompts here, and where that was set", Examples: []string{"style show"}},
		{Verb: "style set", Group: GroupStyle, Role: vi, Ack: AckPrivate,
			Help: "Set the style of this room, of the project or your own", Options: []Option{tail("suffix", "What goes behind the words of each prompt, with parameters", false), {Name: "prefix", Kind: KindText, Help: "What goes before the words"},
				provider("Where pictures are made if nobody says"), {Name: "scope", Kind: KindChoice, Help: "Whose; this room's if left out", Choices: []string{"room", "project", "me"}}},
			Examples: []string{"style set film grain, muted colours --ar 3:2", "style set --scope me --prefix \"linocut of\""}},
		{Verb: "style clear", Group: GroupStyle, Role: vi, Ack: AckPrivate,
			Help: "Take a style away", Options: []Option{{Name: "scope", Kind: KindChoice, Help: "Whose; this room's if left out", Choices: []string{"room", "project", "me"}, Positional: true}}, Examples: []string{"style clear room"}},
		{Verb: "preset save", Group: GroupStyle, Role: ed, Ack: AckPrivate,
			Help: "Keep words and parameters under a name, for imagine --preset NAME", Options: []Option{{Name: "name", Kind: KindText, Help: "Its name", Required: true, Positional: true}, tail("suffix", "What goes behind the words, with parameters", false), {Name: "prefix", Kind: KindText, Help: "What goes before the words"}, provider("Where to make it")},
			Examples: []string{"preset save noir black and white, film grain --ar 3:2"}},
		{Verb: "preset list", Aliases: []string{"presets"}, Group: GroupStyle, Role: vi, Ack: AckPrivate, Help: "The project's presets", Examples: []string{"preset list"}},
		{Verb: "preset remove", Group: GroupStyle, Role: ed, Ack: AckPrivate,
			Help: "Forget a preset", Options: []Option{{Name: "preset", Kind: KindText, Help: "Its name", Required: true, Positional: true, Complete: true}}, Examples: []string{"preset remove noir"}},
		{Verb: "reference save", Group: GroupStyle, Role: ed, Ack: AckPrivate,
			Help: "Keep a picture under a name, for imagine --ref NAME", Options: []Option{{Name: "name", Kind: KindText, Help: "Its name", Required: true, Positional: true}, version("The picture, such as v2.3"), task(), {Name: "file", Kind: KindFile, Help: "A picture of your own"}},
			Examples: []string{"reference save logo ACME-4 v2.3"}},
		{Verb: "reference list", Aliases: []string{"references"}, Group: GroupStyle, Role: vi, Ack: AckPrivate, Help: "The project's reference pictures", Examples: []string{"reference list"}},
		{Verb: "reference remove", Group: GroupStyle, Role: ed, Ack: AckPrivate,
			Help: "Forget a reference picture", Options: []Option{{Name: "ref", Kind: KindText, Help: "Its name", Required: true, Positional: true, Complete: true}}, Examples: []string{"reference remove logo"}},
	}
}
