package studio

import (
	"context"
	"fmt"
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
		return c.say(explain(row))
	}
	card := core.Card{Title: "What you can do"}
	for _, g := range command.Groups() {
		var lines []string
		for _, r := range s.Table.Rows() {
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
	card.Footer = "help VERB explains one. In a thread, mention me: @atelier approve v2. On Slack type /atelier VERB or /imagine; on Discord /atelier, /atelier-review, /atelier-task and /atelier-admin."
	return c.say(card)
}

func explain(r command.Row) core.Card {
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
	if len(r.Examples) > 0 {
		card.Body = append(card.Body, core.Node{Kind: core.NodePre, Text: strings.Join(r.Examples, "\n")})
	}
	if r.Role != core.RoleNone {
		card.Footer = "Needs the role " + string(r.Role) + "."
	}
	return card
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

func (s *Studio) settings(ctx context.Context, c *call) (core.Change, error) {
	name := c.inv.Arg("provider")
	if name == "" {
		return c.say(core.Card{Title: "Your settings", Fields: []core.Field{{Label: "provider", Value: core.Plain(string(s.defaultOf(c.Person)))}}})
	}
	pr, err := s.provider(nil, name)
	if err != nil {
		return core.Change{}, err
	}
	if _, err := s.People.UpdatePerson(ctx, c.Person.ID, func(p *core.Person) error { p.Provider = pr.Name(); return nil }); err != nil {
		return core.Change{}, err
	}
	return c.say(text(fmt.Sprintf("Your pictures are made with %s from now on, unless you say otherwise.", pr.Name())))
}

func (s *Studio) accountList(_ context.Context, c *call) (core.Change, error) {
	var lines []string
	for _, p := range s.Providers {
		caps := p.Capabilities("")
		how := "needs your own account"
		switch _, hand := p.(core.Handoff); {
		case hand:
			how = "by hand on your own account; Atelier prepares the prompt"
		case !caps.NeedsLink:
			how = "needs no account"
		}
		lines = append(lines, fmt.Sprintf("%s: %s", p.Name(), how))
	}
	return c.say(core.Card{Title: "Providers", Body: bullets(lines)})
}

func (s *Studio) accountLink(_ context.Context, c *call) (core.Change, error) {
	p, err := s.provider(nil, c.inv.Arg("provider"))
	if err != nil {
		return core.Change{}, err
	}
	if _, hand := p.(core.Handoff); hand {
		return c.say(text(fmt.Sprintf("%s forbids automation, so there is nothing to link: no password and no token of it is ever stored. Use \"imagine … --provider %s\": you get the exact prompt, run it by hand on your own account and bring the picture back.", title(string(p.Name())), p.Name())))
	}
	return c.say(text(fmt.Sprintf("%s needs no account. Just use it.", title(string(p.Name())))))
}
