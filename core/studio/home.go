package studio

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/atelier-bridge/atelier/core"
)

const (
	homeProjects = 20  // that a home looks at
	homeLines    = 15  // that each part lists
	homeWaiting  = 500 // that are counted among those that wait for a verdict
)

// home shows what is a person's to do in all their projects: as Slack's App Home, elsewhere as a private answer.
func (s *Studio) home(ctx context.Context, c *call) (core.Change, error) {
	mine, waiting, projects, err := s.todo(ctx, c)
	if err != nil {
		return core.Change{}, err
	}
	l := c.clock()
	card := core.Card{Title: l.T("Hello %s", c.name())}
	if len(projects) == 0 {
		card.Body = core.Plain(l.T("You are in no project yet. Say something in a project's room, or ask an admin to add you."))
	}
	part := func(title string, list []*core.Task, none string) {
		card.Body = append(card.Body, core.Para(core.Bold(title)))
		if len(list) == 0 {
			card.Body = append(card.Body, core.Para(italic(none)))
			return
		}
		items := core.Node{Kind: core.NodeList}
		for _, t := range list[:min(len(list), homeLines)] {
			items.Children = append(items.Children, core.Node{Kind: core.NodeItem, Children: s.taskLink(ctx, c, t)})
		}
		card.Body = append(card.Body, items)
		if more := len(list) - homeLines; more > 0 {
			card.Body = append(card.Body, core.Para(italic(l.N(more, "and one more", "and %d more", more))))
		}
	}
	if len(projects) > 0 {
		part(l.T("Assigned to you"), mine, l.T("Nothing at the moment."))
		part(l.T("Waiting for a verdict"), waiting, l.T("Nothing at the moment."))
	}
	runs, err := s.jobsOf(ctx, c.Person)
	if err != nil {
		return core.Change{}, err
	}
	if len(runs) > 0 {
		hand := 0
		for _, j := range runs {
			if j.State == core.JobHandedOff {
				hand++
			}
		}
		card.Body = append(card.Body, core.Para(core.Bold(l.T("Your runs"))), core.Para(core.Text(l.T("%d waiting or running, %d to be run by hand.", len(runs)-hand, hand))))
	}
	button := func(label, verb string) core.Button {
		return core.Button{Label: label, Action: core.Action{Verb: verb}}
	}
	card.Buttons = [][]core.Button{{button(l.T("Refresh"), "home"), button(l.T("Runs"), "jobs"), button(l.T("Usage"), "usage"), button(l.T("Accounts"), "account list"), button(l.T("Help"), "help")}}
	card.Footer = l.T("Your default is %s.", s.defaultOf(c.Person).Title())
	if len(projects) > 0 {
		card.Footer += " " + l.T("Projects: %s.", strings.Join(projects, ", "))
	}
	return c.say(card)
}

// todo finds the tasks that are assigned to a person, by due date, and those on which they may decide, in the projects
// where they have a role.
func (s *Studio) todo(ctx context.Context, c *call) (mine, waiting []*core.Task, projects []string, err error) {
	keys, err := s.Projects.Projects(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	for _, key := range keys {
		p, err := s.Projects.Project(ctx, key)
		if err != nil {
			return nil, nil, nil, err
		}
		role := s.roleOf(c.Person, p, c.In.Actor.Roles)
		if len(projects) == homeProjects || !s.isMember(c, p, role) {
			continue
		}
		projects = append(projects, string(key))
		err = s.eachTask(ctx, core.Find{Project: key, Whole: true, All: []core.Clause{assignedClause(c.Person), statusClause(true, core.StatusClosed, core.StatusDelivered, core.StatusApproved)}}, false, func(t *core.Task) bool {
			if !ended(t) && assigned(t, c.Person) {
				mine = append(mine, t)
			}
			return true
		})
		if err != nil {
			return nil, nil, nil, err
		}
		if !role.Allows(approveRole(p)) {
			continue
		}
		several := approvalsNeeded(p) > 1
		err = s.eachTask(ctx, core.Find{Project: key, All: []core.Clause{statusClause(false, core.StatusReview)}}, false, func(t *core.Task) bool {
			if !t.Gone() && !t.Private && t.Status == core.StatusReview && !(several && s.decided(ctx, c, t)) {
				waiting = append(waiting, t)
			}
			return len(waiting) < homeWaiting
		})
		if err != nil {
			return nil, nil, nil, err
		}
	}
	slices.SortStableFunc(mine, func(a, b *core.Task) int {
		switch {
		case a.Due.IsZero() && b.Due.IsZero():
			return 0
		case a.Due.IsZero():
			return 1
		case b.Due.IsZero():
			return -1
		}
		return a.Due.Compare(b.Due)
	})
	return mine, waiting, projects, nil
}

// decidedWithin is how many of a task's versions are looked at for its newest one with pictures; what was described or failed
// comes after it.
const decidedWithin = 10

// decided reports whether a person approved a task's newest version with pictures, while others have yet to.
func (s *Studio) decided(ctx context.Context, c *call, t *core.Task) bool {
	from := max(1, t.Latest-decidedWithin+1)
	list, err := s.Tasks.VersionsFrom(ctx, t.ID, from, t.Latest-from+1)
	if err != nil {
		return false
	}
	for _, v := range slices.Backward(list) {
		if len(v.Images) > 0 {
			return slices.ContainsFunc(v.Verdicts, func(x core.Verdict) bool { return x.Approved && c.Person.Is(x.Person) })
		}
	}
	return false
}

// isMember reports whether a project is a person's: a role was given to them or to a group of theirs, or one of its rooms
// is on a platform where they are, in the same team or server as far as that is known.
func (s *Studio) isMember(c *call, p *core.Project, role core.Role) bool {
	if !role.Allows(core.RoleViewer) {
		return false
	}
	if _, named := granted(p, c.Person); named || c.Project != nil && c.Project.Key == p.Key {
		return true
	}
	for _, g := range c.In.Actor.Roles {
		if _, ok := p.Mapped[g]; ok {
			return true
		}
	}
	for _, room := range p.Rooms {
		switch {
		case room.Platform() == core.Discord:
			// An identity does not say which servers its person is in; where they speak now they are.
			if c.Room != nil && c.Room.ID.Platform() == core.Discord && core.TeamOf(c.Room.ID.Local()) == core.TeamOf(room.Local()) {
				return true
			}
		default:
			if slices.ContainsFunc(c.Person.Identities, func(id core.IdentityID) bool { return sameTeam(id, room) }) {
				return true
			}
		}
	}
	return false
}

// sameTeam reports whether an identity may look into a room as far as its team goes; on Discord nothing is known of that.
func sameTeam(id core.IdentityID, room core.RoomID) bool {
	return id.Platform() == room.Platform() && (room.Platform() == core.Discord || core.TeamOf(id.Local()) == core.TeamOf(room.Local()))
}

// taskLink is a task in one line, leading to its thread in the app where the person looks.
func (s *Studio) taskLink(ctx context.Context, c *call, t *core.Task) []core.Node {
	line := s.taskLine(c, t)
	plat := c.In.Actor.Identity.Platform()
	dir := s.Links[plat]
	for _, room := range t.Rooms {
		if room.Platform() != plat || dir == nil || !sameTeam(c.In.Actor.Identity, room) {
			continue
		}
		th, err := s.Refs.TaskThread(ctx, t.ID, room)
		if err != nil {
			continue
		}
		if url := dir.Link(room, th.ID, th.Root); url != "" {
			id := fmt.Sprintf("%s %s", t.ID, t.Title)
			return []core.Node{core.Link(url, id), core.Text(strings.TrimPrefix(line, id))}
		}
	}
	return core.TextNodes(line)
}
