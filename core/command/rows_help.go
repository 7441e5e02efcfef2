package command

import "github.com/atelier-bridge/atelier/core"

// helpRows are the verbs that help.
func helpRows() []Row {
	return []Row{
		{Verb: "home", Aliases: []string{"mine", "my tasks"}, Group: GroupHelp, Role: vi, Ack: AckPrivate, Personal: true, Anywhere: true,
			Help: "What is yours to do in all projects, and what waits for you", Examples: []string{"home"}},
		{Verb: "help", Group: GroupHelp, Role: core.RoleNone, Ack: AckPrivate, Anywhere: true,
			Help: "What you can do here", Options: []Option{tail("verb", "One command to explain", false)}, Examples: []string{"help", "help vary"}},
		{Verb: "status", Group: GroupHelp, Role: core.RoleNone, Ack: AckPrivate, Anywhere: true,
			Help: "What this room is bound to, and your role here", Examples: []string{"status"}},
	}
}
