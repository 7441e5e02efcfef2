package studio

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/when"
)

// taskNew starts a task that no picture made yet: a brief, with reference files as its first comment.
func (s *Studio) taskNew(ctx context.Context, c *call) (core.Change, error) {
	title, brief, _ := strings.Cut(strings.TrimSpace(c.inv.Arg("title")), "\n")
	if b := c.inv.Arg("brief"); b != "" {
		brief = b
	}
	if c.Room == nil {
		return core.Change{}, core.Errorf(core.CodeInvalid, "A task begins in a room.").WithNext("Go to the project's room and try it there.")
	}
	n, err := s.Changes.NextTask(ctx, c.Partition, c.Project.Key)
	if err != nil {
		return core.Change{}, err
	}
	rooms, private, err := s.roomsFor(ctx, c)
	if err != nil {
		return core.Change{}, err
	}
	now := s.Clock.Now().UTC()
	task := &core.Task{ID: core.MakeTaskID(c.Project.Key, n), Title: clip(title, 80), Brief: clip(strings.TrimSpace(brief), maxBrief), Owner: c.Person.ID, OwnerName: c.name(),
		Status: s.statuses(c.Project)[0].name, Private: private, Rooms: rooms, CreatedAt: now, UpdatedAt: now}
	c.task = task
	if who := c.inv.Arg("person"); who != "" {
		p, err := s.findPerson(ctx, c, who)
		if err != nil {
			return core.Change{}, err
		}
		task.Assigned = []core.Named{p}
	}
	if due := c.inv.Arg("due"); due != "" {
		if task.Due, err = s.dueIn(c, due); err != nil {
			return core.Change{}, err
		}
	}
	change := core.Change{NewTask: task}
	if !task.Due.IsZero() {
		change.Alarms = []core.Alarm{dueAlarm(task, now)}
	}
	for _, n := range task.Assigned {
		if change.Out, err = s.assignedTo(ctx, c, task, n.ID); err != nil {
			return core.Change{}, err
		}
	}
	change.Out = append(change.Out, c.answer(text(c.T("%s is there: %s. Make pictures for it with \"imagine\" in its thread.", task.ID, task.Title))))
	change.Out = append(change.Out, cardsIn(task, c, "new", 0)...)
	if len(c.In.Command.Files) > 0 {
		m := s.newComment(c, core.Plain(c.T("Reference files")))
		m.Source = core.MessageRef{Room: c.Room.ID} // where the files lie
		for _, f := range c.In.Command.Files {
			m.Files = append(m.Files, core.Attached{Ref: f})
		}
		change.Comments = append(change.Comments, m)
		change.Out = append(change.Out, commentIn(task, m, c)...)
	}
	return change, nil
}

// maxBrief bounds a brief, in characters: it stands on a card.
const maxBrief = 1500

// newComment makes a comment of the person who calls and counts it.
func (s *Studio) newComment(c *call, words core.RichText) *core.Comment {
	m := &core.Comment{ID: core.CommentID("c-" + core.Digest(16, string(c.In.ID))), Task: c.task.ID, Author: c.Person.ID, Identity: c.In.Actor.Identity, Name: c.name(),
		Avatar: c.In.Actor.Avatar, Text: words, At: s.Clock.Now().UTC()}
	if m.Avatar == "" {
		m.Avatar = c.Person.Avatar
	}
	c.task.Count(m)
	c.task.UpdatedAt = m.At
	return m
}

// commentIn makes the outgoings that show a comment in all rooms of its task.
func commentIn(t *core.Task, m *core.Comment, c *call) []core.Outgoing {
	var out []core.Outgoing
	obj := core.CommentObject(t.ID, m.ID)
	for _, room := range t.Rooms {
		out = append(out, core.Outgoing{ID: core.MakeDeliveryID(obj, room, fmt.Sprintf("comment/%d", m.Edits)), Kind: core.OutComment, Room: room, Task: t.ID, Object: obj, At: c.In.At})
	}
	return out
}

// dueIn reads a due date; one in the past is refused.
func (s *Studio) dueIn(c *call, words string) (time.Time, error) {
	l := c.clock()
	m, err := when.Parse(words, s.Clock.Now(), l)
	if err != nil {
		return time.Time{}, err
	}
	if m.Time.Before(s.Clock.Now()) {
		return time.Time{}, core.Errorf(core.CodeInvalid, "%s is over.", l.Time(m.Time, s.Clock.Now())).WithNext("Write a time that is still to come, such as tomorrow 17:00.")
	}
	return m.Time.UTC(), nil
}

// clock is how to read and write times for the person: their own zone, else the project's.
func (c *call) clock() core.Lang {
	l := c.Lang
	if l.Zone == nil && c.Project != nil {
		l.Zone = c.Project.Lang(nil).Zone
	}
	return l
}

// findPerson resolves who is meant: a mention, "me", or the name of somebody who is known in the project.
func (s *Studio) findPerson(ctx context.Context, c *call, who string) (core.Named, error) {
	id := core.IdentityID(who)
	switch {
	case strings.EqualFold(who, "me") || strings.EqualFold(who, "@me") || strings.EqualFold(who, c.T("me")):
		return core.Named{ID: c.Person.ID, Name: c.name()}, nil
	case id.Platform() == core.Slack || id.Platform() == core.Discord:
		p, err := s.People.Meet(ctx, core.Actor{Identity: id})
		if err != nil {
			return core.Named{}, err
		}
		name := p.Name
		if name == "" {
			name = string(id)
		}
		return core.Named{ID: p.ID, Name: name}, nil
	}
	want := strings.ToLower(strings.TrimPrefix(who, "@"))
	var exact, near []core.Named
	for _, p := range s.knownPeople(c) {
		switch name := strings.ToLower(p.Name); {
		case name == want:
			exact = append(exact, p)
		case strings.HasPrefix(name, want) || strings.Contains(name, " "+want):
			near = append(near, p)
		}
	}
	if len(exact) == 0 {
		exact = near
	}
	switch len(exact) {
	case 1:
		return exact[0], nil
	case 0:
		return core.Named{}, core.Errorf(core.CodeInvalid, "I do not know anybody called %q here.", clip(who, 40)).WithNext("Mention the person, such as @ana.")
	}
	var names []string
	for _, p := range exact {
		names = append(names, p.Name)
	}
	return core.Named{}, core.Errorf(core.CodeInvalid, "%q may be any of: %s.", clip(who, 40), strings.Join(names, ", ")).WithNext("Mention the person, such as @ana.")
}

// knownPeople lists who has a name in the call's project or task.
func (s *Studio) knownPeople(c *call) []core.Named {
	var out []core.Named
	add := func(n core.Named) {
		if n.Name != "" && n.ID != "" && !slices.ContainsFunc(out, func(o core.Named) bool { return o.ID == n.ID }) {
			out = append(out, n)
		}
	}
	add(core.Named{ID: c.Person.ID, Name: c.name()})
	if c.task != nil {
		add(core.Named{ID: c.task.Owner, Name: c.task.OwnerName})
		for _, n := range c.task.Assigned {
			add(n)
		}
	}
	for id, name := range c.Project.Names {
		add(core.Named{ID: core.PersonID(id), Name: name})
	}
	return out
}

// pageSize is how many tasks one answer lists; maxScanned how many a list looks through.
const (
	pageSize   = 15
	maxScanned = 5000
)

// taskList lists tasks, by filters.
func (s *Studio) taskList(ctx context.Context, c *call) (core.Change, error) {
	keep, err := s.taskFilter(ctx, c)
	if err != nil {
		return core.Change{}, err
	}
	page := max(1, number(c.inv.Arg("page")))
	var shown []*core.Task
	more := false
	skip := (page - 1) * pageSize
	for at := 0; at < maxScanned && !more; at += 200 {
		list, err := s.Tasks.List(ctx, c.Project.Key, at, 200)
		if err != nil {
			return core.Change{}, err
		}
		for _, t := range list {
			switch {
			case !keep(t):
			case skip > 0:
				skip--
			case len(shown) == pageSize:
				more = true
			default:
				shown = append(shown, t)
			}
		}
		if len(list) < 200 {
			break
		}
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

// taskFilter says which tasks a list shows.
func (s *Studio) taskFilter(ctx context.Context, c *call) (func(*core.Task) bool, error) {
	var who core.Named
	status := core.TaskStatus("")
	if v := c.inv.Arg("person"); v != "" {
		var err error
		if who, err = s.findPerson(ctx, c, v); err != nil {
			return nil, err
		}
	}
	if v := c.inv.Arg("status"); v != "" {
		st, err := s.findStatus(c, v)
		if err != nil {
			return nil, err
		}
		status = st.name
	}
	now := c.clock().In(s.Clock.Now())
	midnight := time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 0, 0, now.Location())
	until := map[string]time.Time{"overdue": now, "today": midnight, "week": midnight.AddDate(0, 0, 6)}[c.inv.Arg("due")]
	tag, folder := strings.ToLower(c.inv.Arg("tag")), c.inv.Arg("folder")
	all, deleted := c.inv.Arg("all") == "true", c.inv.Arg("deleted") == "true"
	return func(t *core.Task) bool {
		switch {
		case t.Gone() != deleted, t.Private && c.Room != nil && !slices.Contains(t.Rooms, c.Room.ID):
			return false
		case status == "" && t.Status == core.StatusClosed && !all && !deleted, status != "" && t.Status != status:
			return false
		case who.ID != "" && !assigned(t, who.ID), tag != "" && !slices.Contains(t.Tags, tag), folder != "" && !strings.EqualFold(t.Folder, folder):
			return false
		}
		return until.IsZero() || !t.Due.IsZero() && t.Due.Before(until)
	}, nil
}

func assigned(t *core.Task, id core.PersonID) bool {
	return slices.ContainsFunc(t.Assigned, func(n core.Named) bool { return n.ID == id })
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

// taskShow shows a task with links to its threads.
func (s *Studio) taskShow(ctx context.Context, c *call) (core.Change, error) {
	if err := s.findTask(ctx, c); err != nil {
		return core.Change{}, err
	}
	t := c.task
	card := core.Card{Title: fmt.Sprintf("%s: %s", t.ID, t.Title), Fields: s.taskFields(c.clock(), t)}
	if t.Brief != "" {
		card.Body = core.Plain(t.Brief)
	}
	card.Fields = append(card.Fields, core.Field{Label: c.T("Owner"), Value: core.Plain(t.OwnerName)}, core.Field{Label: c.T("Versions"), Value: core.Plain(fmt.Sprint(t.Latest))},
		core.Field{Label: c.T("Comments"), Value: core.Plain(c.T("%d, %d open", t.Comments, t.Open))})
	if t.Gone() {
		card.Tone, card.Footer = core.ToneWarn, c.T("%s deleted it on %s. \"task restore %s\" brings it back.", t.DeletedBy, c.clock().Day(t.Deleted, s.Clock.Now()), t.ID)
	}
	if row := s.threadLinks(ctx, c.Lang, t); len(row) > 0 {
		card.Buttons = [][]core.Button{row}
	}
	return c.say(card)
}

// threadLinks are buttons that open a task's threads.
func (s *Studio) threadLinks(ctx context.Context, l core.Lang, t *core.Task) []core.Button {
	var row []core.Button
	for _, room := range t.Rooms {
		th, err := s.Refs.TaskThread(ctx, t.ID, room)
		dir := s.Links[room.Platform()]
		if err != nil || dir == nil {
			continue
		}
		if url := dir.Link(room, th.ID, th.Root); url != "" && len(row) < 5 {
			row = append(row, core.Button{Label: l.T("Open in %s", room.Platform().Title()), URL: url})
		}
	}
	return row
}

// taskFields are what is known of a task, but for its versions.
func (s *Studio) taskFields(l core.Lang, t *core.Task) []core.Field {
	now := s.Clock.Now()
	status := word(t.Status).In(l)
	if t.Picked.Version > 0 {
		status = l.T("%s, picked %s", status, t.Picked)
	}
	out := []core.Field{{Label: l.T("Status"), Value: core.Plain(status)}}
	if len(t.Assigned) > 0 {
		out = append(out, core.Field{Label: l.T("Assigned to"), Value: core.Plain(names(t.Assigned))})
	}
	if !t.Due.IsZero() {
		due := l.Time(t.Due, now)
		if t.Due.Before(now) && !ended(t) {
			due = "⏰ " + due
		}
		out = append(out, core.Field{Label: l.T("Due"), Value: core.Plain(due)})
	}
	if len(t.Tags) > 0 {
		out = append(out, core.Field{Label: l.T("Tags"), Value: core.Plain(strings.Join(t.Tags, ", "))})
	}
	if t.Folder != "" {
		out = append(out, core.Field{Label: l.T("Folder"), Value: core.Plain(t.Folder)})
	}
	if len(t.Checklist) > 0 {
		out = append(out, core.Field{Label: l.T("Checklist"), Value: checklist(t)})
	}
	return out
}
