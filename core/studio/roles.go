package studio

import (
	"cmp"
	"context"
	"slices"
	"sort"
	"strings"

	"github.com/atelier-bridge/atelier/core"
)

// offer is an error's way to put buttons under its sentence: what the person can do about it.
type offer [][]core.Button

// Error is for the log.
func (offer) Error() string { return "the person was offered a way out" }

// Offer returns the buttons.
func (o offer) Offer() [][]core.Button { return o }

func (s *Studio) workspaceAdmin(p *core.Person) bool {
	if p == nil {
		return false
	}
	return p.Admin || slices.ContainsFunc(p.Identities, func(id core.IdentityID) bool { return slices.Contains(s.Admins, id) })
}

// granted returns the most that was given by name to any of a person's ids.
func granted(project *core.Project, p *core.Person) (best core.Role, ok bool) {
	for _, id := range p.IDs() {
		if r, has := project.Grants[id]; has && (!ok || r.Allows(best)) {
			best, ok = r, true
		}
	}
	return best, ok
}

// roleOf is a person's role in a project: workspace admins are admins everywhere; then what was given by name; then the
// best of their platform groups; then the project's default for whoever sees a bound room.
func (s *Studio) roleOf(p *core.Person, project *core.Project, groups []string) core.Role {
	if s.workspaceAdmin(p) {
		return core.RoleAdmin
	}
	if project == nil || p == nil {
		return core.RoleNone
	}
	if r, ok := granted(project, p); ok {
		return r
	}
	best, mapped := core.RoleNone, false
	for _, g := range groups {
		if r, ok := project.Mapped[g]; ok {
			mapped = true
			if r.Allows(best) {
				best = r
			}
		}
	}
	if mapped && best.Allows(project.Default) {
		return best
	}
	return project.Default
}

func (s *Studio) roleList(_ context.Context, c *call) (core.Change, error) {
	p := c.Project
	var lines []string
	for id, r := range p.Grants {
		lines = append(lines, c.T("%s: %s", p.Names[string(id)], word(r)))
	}
	for g, r := range p.Mapped {
		lines = append(lines, c.T("everybody in %s: %s", g, word(r)))
	}
	sort.Strings(lines)
	lines = append(lines, c.T("whoever else sees a bound room: %s", word(p.Default)))
	return c.say(core.Card{Title: c.T("Roles in %s", p.Key), Body: bullets(lines), Footer: c.T("You are %s here.", article(c.role))})
}

func (s *Studio) roleGrant(ctx context.Context, c *call) (core.Change, error) {
	id := core.IdentityID(c.inv.Arg("person"))
	if id.Platform() != core.Slack && id.Platform() != core.Discord {
		return core.Change{}, core.Errorf(core.CodeInvalid, "I do not know %q.", c.inv.Arg("person")).WithNext("Mention the person, such as \"role grant @ana editor\".")
	}
	p, err := s.meet(ctx, id)
	if err != nil {
		return core.Change{}, err
	}
	name := cmp.Or(p.Name, string(id))
	role := core.Role("")
	if c.inv.Row.Verb == "role grant" {
		if role, err = core.ParseRole(c.inv.Arg("role")); err != nil {
			return core.Change{}, err
		}
	}
	if p.ID == c.Person.ID && role != core.RoleAdmin && !s.workspaceAdmin(p) {
		return core.Change{}, core.Errorf(core.CodeInvalid, "You cannot take your own admin role away.").WithNext("Another admin can.")
	}
	_, err = s.Projects.UpdateProject(ctx, c.Project.Key, func(pr *core.Project) error {
		for _, old := range p.IDs() {
			delete(pr.Grants, old) // what a former id was given does not outlive this
		}
		if role == "" {
			return nil
		}
		pr.Grants[p.ID], pr.Names[string(p.ID)] = role, name
		return nil
	})
	if err != nil {
		return core.Change{}, err
	}
	if role == "" {
		return c.say(text(c.T("%s has no role of their own in %s any more; the default holds: %s.", name, c.Project.Key, word(c.Project.Default))))
	}
	return c.say(text(c.T("%s is now %s in %s.", name, article(role), c.Project.Key)))
}

func (s *Studio) roleMap(ctx context.Context, c *call) (core.Change, error) {
	group := c.inv.Arg("group")
	if !strings.HasPrefix(group, "discord:@") && !strings.HasPrefix(group, "slack:") {
		return core.Change{}, core.Errorf(core.CodeInvalid, "%q is no group.", group).WithNext("Write discord:@ROLE_ID or slack:GROUP_ID.")
	}
	role, err := core.ParseRole(c.inv.Arg("role"))
	if err != nil {
		return core.Change{}, err
	}
	_, err = s.Projects.UpdateProject(ctx, c.Project.Key, func(p *core.Project) error {
		if role == core.RoleNone {
			delete(p.Mapped, group)
		} else {
			p.Mapped[group] = role
		}
		return nil
	})
	if err != nil {
		return core.Change{}, err
	}
	if role == core.RoleNone {
		return c.say(text(c.T("%s gives no role any more.", group)))
	}
	return c.say(text(c.T("Everybody in %s is now %s in %s.", group, article(role), c.Project.Key)))
}

func bullets(lines []string) core.RichText {
	list := core.Node{Kind: core.NodeList}
	for _, l := range lines {
		list.Children = append(list.Children, core.Node{Kind: core.NodeItem, Children: core.TextNodes(l)})
	}
	return core.RichText{list}
}
