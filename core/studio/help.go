package studio

import (
	"context"
	"slices"
	"strings"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
)

func (s *Studio) help(_ context.Context, c *call) (core.Change, error) {
	if name := strings.TrimSpace(c.inv.Arg("verb")); name != "" {
		if card, ok := s.helpGroup(c, name); ok {
			return c.say(card)
		}
		row, ok := s.Table.Row(name)
		if !ok {
			return core.Change{}, core.Errorf(core.CodeInvalid, "I do not know %q.", clip(name, 40)).WithNext("Type help for all commands.")
		}
		return c.say(s.explain(c.Lang, row))
	}
	card := core.Card{Title: c.T("What you can do")}
	for _, g := range command.Groups() {
		if names := s.verbsOf(c.Lang, g); len(names) > 0 {
			card.Body = append(card.Body, core.Para(core.Bold(title(word(g).In(c.Lang))), core.Text(c.T(": %s", strings.Join(names, ", ")))))
		}
	}
	card.Body = append(card.Body, core.Para(italic(c.T("\"help make\" says what each of a group does, \"help vary\" explains one."))))
	if list := s.Missing[c.In.Actor.Identity.Platform()]; len(list) > 0 {
		var missing []string
		for _, m := range list {
			missing = append(missing, c.T(m))
		}
		card.Body = append(card.Body, core.Para(core.Bold(c.T("What this app cannot do"))), bullets(missing)[0])
	}
	card.Footer = c.T("In a thread, mention me: @atelier approve v2. On Slack type /atelier VERB or /imagine; on Discord /atelier, /atelier-review, /atelier-task, /atelier-find, /atelier-style and /atelier-admin.")
	return c.say(card)
}

// verbsOf names the verbs of a group: "task new, list, assign".
func (s *Studio) verbsOf(l core.Lang, g command.Group) []string {
	var out []string
	before := ""
	for _, r := range s.Table.Offered() {
		if r.Group != g {
			continue
		}
		name := verbName(l, r)
		first, rest, two := strings.Cut(name, " ")
		if two && first == before {
			name = rest // after "task new", "list" says enough
		}
		before = first
		out = append(out, name)
	}
	return out
}

// helpGroup says what each verb of a group does.
func (s *Studio) helpGroup(c *call, name string) (core.Card, bool) {
	for _, g := range command.Groups() {
		if !strings.EqualFold(name, string(g)) && !strings.EqualFold(name, word(g).In(c.Lang)) || g == command.GroupHelp {
			continue
		}
		var lines []string
		for _, r := range s.Table.Offered() {
			if r.Group == g {
				lines = append(lines, c.T("%s: %s", verbs(c.Lang, r), c.T(r.Help)))
			}
		}
		return core.Card{Title: title(word(g).In(c.Lang)), Body: bullets(lines), Footer: c.T("\"help vary\" explains one.")}, true
	}
	return core.Card{}, false
}

// verbs is a verb with its name in the reader's language, where that is another one.
func verbs(l core.Lang, r command.Row) string {
	if name := verbName(l, r); name != r.Verb {
		return r.Verb + " (" + name + ")"
	}
	return r.Verb
}

// bothNames is something of the table with its name in the reader's language, where that is another one: "area / zone".
func bothNames(l core.Lang, of command.NameOf, english string) string {
	if name := command.Localised(l, of, english); name != "" && name != english {
		return english + " / " + name
	}
	return english
}

func (s *Studio) explain(l core.Lang, r command.Row) core.Card {
	card := core.Card{Title: verbs(l, r), Body: core.RichText{core.Para(core.Text(l.T(r.Help) + "."))}}
	var lines []string
	for _, o := range r.Options {
		if o.Hidden {
			continue
		}
		line := l.T("%s: %s", bothNames(l, command.NameOfOption, o.Name), l.T(o.Help))
		var choices []string
		for _, c := range o.Choices {
			choices = append(choices, bothNames(l, command.NameOfChoice, c))
		}
		if len(choices) > 0 {
			line += " (" + strings.Join(choices, ", ") + ")"
		}
		lines = append(lines, line)
	}
	if len(lines) > 0 {
		card.Body = append(card.Body, bullets(lines)...)
	}
	if lines := s.support(l, r.Verb); len(lines) > 0 {
		card.Body = append(card.Body, core.Para(core.Bold(l.T("Where it works"))))
		card.Body = append(card.Body, bullets(lines)...)
	}
	if len(r.Examples) > 0 {
		card.Body = append(card.Body, core.Node{Kind: core.NodePre, Text: strings.Join(r.Examples, "\n")})
	}
	if r.Role != core.RoleNone {
		card.Footer = l.T("Needs the role %s.", word(r.Role))
	}
	return card
}

// support says for each provider how it does what a verb asks for; nothing for verbs that no provider is asked for.
func (s *Studio) support(l core.Lang, verb string) []string {
	op := core.Op(verb)
	switch verb {
	case "imagine":
		op = core.OpGenerate
	case "edit":
		op = core.OpEditWords
	}
	if !slices.Contains(ops(), op) {
		return nil
	}
	var out []string
	for _, p := range s.Providers {
		line := l.T("%s: %s", p.Name(), supportOf(l, p, op))
		if area := supportOf(l, p, core.OpEditRegion); op == core.OpEditWords && area != supportOf(l, p, op) {
			line = l.T("%s; one area: %s", line, area)
		}
		out = append(out, line)
	}
	return out
}

func supportOf(l core.Lang, p core.Provider, op core.Op) string {
	caps := p.Capabilities("")
	switch caps.Ops[op] {
	case core.SupportNative:
		return l.T("native")
	case core.SupportEmulated:
		if how := caps.How[op]; how != "" {
			return l.T("emulated, %s", l.T(how))
		}
		return l.T("emulated")
	case core.SupportHandoff:
		return l.T("by hand")
	}
	return l.T("not there")
}

func (s *Studio) status(ctx context.Context, c *call) (core.Change, error) {
	if c.Project == nil {
		err := s.unbound(ctx, c)
		card := text(c.Lang.Error(err))
		if s.workspaceAdmin(c.Person) && c.Room != nil {
			card.Buttons = s.bindButtons(ctx, c)
		}
		return c.say(card)
	}
	return c.say(text(c.T("This room is bound to %s. You are %s here. Your pictures are made with %s unless you say otherwise.", c.Project.Key, article(c.role), s.defaultOf(c.Person))))
}

// bindButtons offers each project with one button.
func (s *Studio) bindButtons(ctx context.Context, c *call) [][]core.Button {
	keys, err := s.Projects.Projects(ctx)
	if err != nil || len(keys) == 0 {
		return nil
	}
	var row []core.Button
	for _, k := range keys {
		if len(row) < 5 {
			row = append(row, core.Button{Label: c.T("Confirm: bind to %s", k), Action: core.Action{Verb: "project bind", Arg: string(k)}})
		}
	}
	return [][]core.Button{row}
}

func (s *Studio) defaultOf(p *core.Person) core.ProviderName {
	if p.Provider != "" {
		return p.Provider
	}
	return s.Default
}
