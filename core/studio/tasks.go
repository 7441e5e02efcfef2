package studio

import (
	"cmp"
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
	case strings.EqualFold(strings.TrimPrefix(who, "@"), "me") || strings.EqualFold(strings.TrimPrefix(who, "@"), c.T("me")):
		return core.Named{ID: c.Person.ID, Name: c.name()}, nil
	case id.Platform() == core.Slack || id.Platform() == core.Discord:
		p, err := s.meet(ctx, id)
		if err != nil {
			return core.Named{}, err
		}
		return core.Named{ID: p.ID, Name: cmp.Or(p.Name, string(id))}, nil
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

// namesFor is how long an answer waits for a platform to tell somebody's name.
const namesFor = 2 * time.Second

// meet returns the person whom somebody mentioned, asking the platform for their name if they never wrote.
func (s *Studio) meet(ctx context.Context, id core.IdentityID) (*core.Person, error) {
	p, err := s.People.Meet(ctx, core.Actor{Identity: id})
	if err != nil || p.Name != "" || s.Namers[id.Platform()] == nil {
		return p, err
	}
	asking, done := context.WithTimeout(ctx, namesFor)
	defer done()
	who, err := s.Namers[id.Platform()].WhoIs(asking, id)
	if err != nil || who.Name == "" {
		s.Log.InfoContext(ctx, "name not told", "identity", id, "error", err)
		return p, nil
	}
	who.Identity = id
	return s.People.Meet(ctx, who)
}

// whole returns the record of somebody who was named, with the ids that they had before; somebody who is gone has none but
// this one.
func (s *Studio) whole(ctx context.Context, n core.Named) (*core.Person, error) {
	p, err := s.People.Person(ctx, n.ID)
	if core.ErrorCode(err) == core.CodeNotFound {
		return &core.Person{ID: n.ID, Name: n.Name}, nil
	}
	return p, err
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

// taskShow shows a task with links to its threads.
func (s *Studio) taskShow(ctx context.Context, c *call) (core.Change, error) {
	if err := s.findTask(ctx, c); err != nil {
		return core.Change{}, err
	}
	t := c.task
	card := core.Card{Title: c.T("%s: %s", t.ID, t.Title), Fields: s.taskFields(c.clock(), t)}
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
