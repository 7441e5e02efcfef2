package studio

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/query"
)

const (
	// pageSize is how many tasks one answer lists.
	pageSize = 15
	// listStep is how many tasks are read at once, maxListed how many of those that the index names are looked through.
	listStep, maxListed = 200, 5000
)

// eachTask visits the tasks of a project for which a search's clauses hold, newest first, until visit returns false. It
// goes by the index; for deleted tasks, which the index does not have, and while it is being built, by all tasks, among
// which visit must choose in any case.
func (s *Studio) eachTask(ctx context.Context, f core.Find, deleted bool, visit func(*core.Task) bool) error {
	f.Limit = listStep
	for indexed := !deleted; f.Offset < maxListed; f.Offset += listStep {
		var list []*core.Task
		var err error
		more := false
		if indexed {
			var found core.Found
			if found, err = s.Search.Search(ctx, f); err != nil {
				return err
			}
			if found.Partial && f.Offset == 0 {
				indexed = false
			} else {
				f.Top, more = found.Top, f.Offset+len(found.Tasks) < found.Total
				list, err = s.Tasks.Some(ctx, f.Project, found.Tasks)
			}
		}
		if !indexed {
			list, err = s.Tasks.List(ctx, f.Project, f.Offset, listStep)
			more = len(list) == listStep
		}
		if err != nil {
			return err
		}
		for _, t := range list {
			if !visit(t) {
				return nil
			}
		}
		if !more {
			return nil
		}
	}
	return nil
}

// assignedClause is the search for what is assigned to a person.
func assignedClause(p *core.Person) core.Clause {
	var c core.Clause
	for _, id := range p.IDs() {
		c.Any = append(c.Any, query.ID(string(query.Assigned), string(id)))
	}
	return c
}

// statusClause is the search for tasks in one of some statuses, or in none of them.
func statusClause(not bool, list ...core.TaskStatus) core.Clause {
	c := core.Clause{Not: not}
	for _, st := range list {
		c.Any = append(c.Any, query.Key("status", string(st)))
	}
	return c
}

// taskList lists tasks, by filters.
func (s *Studio) taskList(ctx context.Context, c *call) (core.Change, error) {
	find, keep, err := s.taskFilter(ctx, c)
	if err != nil {
		return core.Change{}, err
	}
	page := max(1, number(c.inv.Arg("page")))
	var shown []*core.Task
	more := false
	skip := (page - 1) * pageSize
	err = s.eachTask(ctx, find, c.inv.Arg("deleted") == "true", func(t *core.Task) bool {
		switch {
		case !keep(t):
		case skip > 0:
			skip--
		case len(shown) == pageSize:
			more = true
		default:
			shown = append(shown, t)
		}
		return !more
	})
	if err != nil {
		return core.Change{}, err
	}
	if len(shown) == 0 {
		if page > 1 {
			return c.say(text(c.T("There is no page %d.", page)))
		}
		if len(c.inv.Args) > 0 {
			return c.say(text(c.T("No task is like that. \"task list\" shows them all.")))
		}
		return c.say(text(c.T("There are no tasks yet. Try: imagine a lighthouse in the fog")))
	}
	var lines []string
	for _, t := range shown {
		lines = append(lines, s.taskLine(c, t))
	}
	card := core.Card{Title: c.T("Tasks of %s", c.Project.Key), Body: bullets(lines)}
	if page > 1 || more {
		card.Footer = c.T("Page %d", page)
		var row []core.Button
		if page > 1 {
			row = append(row, core.Button{Label: c.T("Previous"), Action: c.paged(page - 1)})
		}
		if more {
			row = append(row, core.Button{Label: c.T("Next"), Action: c.paged(page + 1)})
		}
		card.Buttons = [][]core.Button{row}
	}
	return c.say(card)
}

// paged is the action that shows another page of the same list, as far as its filters fit into a button.
func (c *call) paged(page int) core.Action {
	arg := fmt.Sprintf("page=%d", page)
	for _, name := range []string{"status", "person", "due", "tag", "folder", "all", "deleted"} {
		if v := c.inv.Arg(name); v != "" && len(arg)+len(name)+len(v) < 38 && !strings.ContainsAny(v, ",:") {
			arg += "," + name + "=" + v
		}
	}
	return core.Action{Verb: c.inv.Row.Verb, Arg: arg}
}

// taskFilter says which tasks a list shows, and what the index may be asked for them.
func (s *Studio) taskFilter(ctx context.Context, c *call) (core.Find, func(*core.Task) bool, error) {
	find := core.Find{Project: c.Project.Key, Whole: c.Room == nil}
	if c.Room != nil {
		find.Room = c.Room.ID
	}
	var who *core.Person
	status := core.TaskStatus("")
	if v := c.inv.Arg("person"); v != "" {
		n, err := s.findPerson(ctx, c, v)
		if err != nil {
			return find, nil, err
		}
		if who, err = s.whole(ctx, n); err != nil {
			return find, nil, err
		}
		find.All = append(find.All, assignedClause(who))
	}
	if v := c.inv.Arg("status"); v != "" {
		st, err := s.findStatus(c, v)
		if err != nil {
			return find, nil, err
		}
		status = st.name
		find.All = append(find.All, statusClause(false, status))
	}
	now := c.clock().In(s.Clock.Now())
	midnight := time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 0, 0, now.Location())
	until := map[string]time.Time{"overdue": now, "today": midnight, "week": midnight.AddDate(0, 0, 6)}[c.inv.Arg("due")]
	tag, folder := strings.ToLower(c.inv.Arg("tag")), c.inv.Arg("folder")
	all, deleted := c.inv.Arg("all") == "true", c.inv.Arg("deleted") == "true"
	if tag != "" {
		find.All = append(find.All, core.Clause{Any: []string{query.Key("tag", tag)}})
	}
	if folder != "" {
		find.All = append(find.All, core.Clause{Any: []string{query.Key("folder", folder)}})
	}
	return find, func(t *core.Task) bool {
		switch {
		case t.Gone() != deleted, t.Private && c.Room != nil && !slices.Contains(t.Rooms, c.Room.ID):
			return false
		case status == "" && t.Status == core.StatusClosed && !all && !deleted, status != "" && t.Status != status:
			return false
		case who != nil && !assigned(t, who), tag != "" && !slices.Contains(t.Tags, tag), folder != "" && !strings.EqualFold(t.Folder, folder):
			return false
		}
		return until.IsZero() || !t.Due.IsZero() && t.Due.Before(until)
	}, nil
}

func assigned(t *core.Task, p *core.Person) bool {
	return slices.ContainsFunc(t.Assigned, func(n core.Named) bool { return p.Is(n.ID) })
}

// taskLine is a task in one line of a list.
func (s *Studio) taskLine(c *call, t *core.Task) string {
	now := s.Clock.Now()
	parts := []string{word(t.Status).In(c.Lang)}
	if t.Latest > 0 {
		parts = append(parts, fmt.Sprintf("v%d", t.Latest))
	}
	if t.Comments > 0 {
		parts = append(parts, c.N(t.Comments, "%d comment", "%d comments", t.Comments))
	}
	if len(t.Assigned) > 0 {
		parts = append(parts, names(t.Assigned))
	}
	if !t.Due.IsZero() {
		due := c.T("due %s", c.clock().Time(t.Due, now))
		if t.Due.Before(now) && !ended(t) {
			due = "⏰ " + due
		}
		parts = append(parts, due)
	}
	if t.Private {
		parts = append(parts, "🔒")
	}
	return fmt.Sprintf("%s %s (%s)", t.ID, t.Title, strings.Join(parts, ", "))
}

// ended reports whether nothing is expected of a task any more.
func ended(t *core.Task) bool {
	return t.Gone() || t.Status == core.StatusClosed || t.Status == core.StatusDelivered || t.Status == core.StatusApproved
}

func names(list []core.Named) string {
	out := make([]string, len(list))
	for i, n := range list {
		out[i] = n.Name
	}
	return strings.Join(out, ", ")
}
