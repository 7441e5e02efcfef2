package studio

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
)

func (s *Studio) help(_ context.Context, c *call) (core.Change, error) {
	if name := strings.TrimSpace(c.inv.Arg("verb")); name != "" {
		row, ok := s.Table.Row(name)
		if !ok {
			return core.Change{}, core.Errorf(core.CodeInvalid, "I do not know %q.", clip(name, 40)).WithNext("Type help for all commands.")
		}
		return c.say(s.explain(row))
	}
	card := core.Card{Title: "What you can do"}
	for _, g := range command.Groups() {
		var lines []string
		for _, r := range s.Table.Offered() {
			if r.Group != g {
				continue
			}
			lines = append(lines, fmt.Sprintf("%s: %s", r.Verb, r.Help))
		}
		if len(lines) > 0 {
			card.Body = append(card.Body, core.Para(core.Bold(title(string(g)))), bullets(lines)[0])
		}
	}
	if missing := s.Missing[c.In.Actor.Identity.Platform()]; len(missing) > 0 {
		card.Body = append(card.Body, core.Para(core.Bold("What this app cannot do")), bullets(missing)[0])
	}
	card.Footer = "help VERB explains one. In a thread, mention me: @atelier approve v2. On Slack type /atelier VERB or /imagine; on Discord /atelier, /atelier-review, /atelier-task, /atelier-find and /atelier-admin."
	return c.say(card)
}

func (s *Studio) explain(r command.Row) core.Card {
	card := core.Card{Title: r.Verb, Body: core.RichText{core.Para(core.Text(r.Help + "."))}}
	var lines []string
	for _, o := range r.Options {
		line := o.Name + ": " + o.Help
		if len(o.Choices) > 0 {
			line += " (" + strings.Join(o.Choices, ", ") + ")"
		}
		lines = append(lines, line)
	}
	if len(lines) > 0 {
		card.Body = append(card.Body, bullets(lines)...)
	}
	if lines := s.support(r.Verb); len(lines) > 0 {
		card.Body = append(card.Body, core.Para(core.Bold("Where it works")))
		card.Body = append(card.Body, bullets(lines)...)
	}
	if len(r.Examples) > 0 {
		card.Body = append(card.Body, core.Node{Kind: core.NodePre, Text: strings.Join(r.Examples, "\n")})
	}
	if r.Role != core.RoleNone {
		card.Footer = "Needs the role " + string(r.Role) + "."
	}
	return card
}

// support says for each provider how it does what a verb asks for; nothing for verbs that no provider is asked for.
func (s *Studio) support(verb string) []string {
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
		line := string(p.Name()) + ": " + supportOf(p, op)
		if area := supportOf(p, core.OpEditRegion); op == core.OpEditWords && area != supportOf(p, op) {
			line += "; one area: " + area
		}
		out = append(out, line)
	}
	return out
}

func supportOf(p core.Provider, op core.Op) string {
	caps := p.Capabilities("")
	switch caps.Ops[op] {
	case core.SupportNative:
		return "native"
	case core.SupportEmulated:
		if how := caps.How[op]; how != "" {
			return "emulated, " + how
		}
		return "emulated"
	case core.SupportHandoff:
		return "by hand"
	}
	return "not there"
}

func (s *Studio) status(ctx context.Context, c *call) (core.Change, error) {
	if c.Project == nil {
		err := s.unbound(ctx, c)
		card := text(core.SafeMessage(err))
		if s.workspaceAdmin(c.Person) && c.Room != nil {
			card.Buttons = s.bindButtons(ctx)
		}
		return c.say(card)
	}
	return c.say(text(fmt.Sprintf("This room is bound to %s. You are %s here. Your pictures are made with %s unless you say otherwise.", c.Project.Key, article(c.role), s.defaultOf(c.Person))))
}

// bindButtons offers each project with one button.
func (s *Studio) bindButtons(ctx context.Context) [][]core.Button {
	keys, err := s.Projects.Projects(ctx)
	if err != nil || len(keys) == 0 {
		return nil
	}
	var row []core.Button
	for _, k := range keys {
		if len(row) < 5 {
			row = append(row, core.Button{Label: "Confirm: bind to " + string(k), Action: core.Action{Verb: "project bind", Arg: string(k)}})
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
