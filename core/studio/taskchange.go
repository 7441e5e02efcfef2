package studio

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/atelier-bridge/atelier/core"
)

// changed is the change of a task that everybody sees on its cards, and reads in one line.
func (s *Studio) changed(c *call, line []core.Node, answer string) (core.Change, error) {
	t := c.task
	t.UpdatedAt = s.Clock.Now().UTC()
	change := core.Change{Tasks: []*core.Task{t}}
	if len(line) > 0 {
		change.Out = notices(t, "task-"+core.Digest(12, string(c.In.ID)), c, core.RichText{core.Para(line...)})
	}
	change.Out = append(change.Out, cardsIn(t, c, "task/"+string(c.In.ID), 0)...)
	change.Out = append(change.Out, c.answer(text(answer)))
	return change, nil
}

// by is a line that begins with who did it.
func (c *call) by(mark, what string) []core.Node {
	return []core.Node{core.Text(mark + " "), core.Bold(c.name()), core.Text(" " + what)}
}

// taskAssign says who is to do a task.
func (s *Studio) taskAssign(ctx context.Context, c *call) (core.Change, error) {
	if err := s.findTask(ctx, c); err != nil {
		return core.Change{}, err
	}
	t, l := c.task, s.shared(c.Project)
	remove, who := c.inv.Arg("remove") == "true", c.inv.Arg("person")
	if who == "" && !remove {
		if len(t.Assigned) == 0 {
			return c.say(text(c.T("Nobody is assigned to %s. Type for example: assign @ana", t.ID)))
		}
		return c.say(text(c.T("%s is assigned to %s.", t.ID, names(t.Assigned))))
	}
	if who == "" || strings.EqualFold(who, "nobody") || strings.EqualFold(who, c.T("nobody")) {
		if len(t.Assigned) == 0 {
			return core.Change{}, core.Errorf(core.CodeConflict, "Nobody is assigned to %s.", t.ID)
		}
		t.Assigned = nil
		return s.changed(c, c.by("👤", l.T("took everybody off this task")), c.T("Nobody is assigned to %s any more.", t.ID))
	}
	p, err := s.findPerson(ctx, c, who)
	if err != nil {
		return core.Change{}, err
	}
	person, err := s.whole(ctx, p)
	if err != nil {
		return core.Change{}, err
	}
	has := assigned(t, person)
	if remove {
		if !has {
			return core.Change{}, core.Errorf(core.CodeConflict, "%s is not assigned to %s.", p.Name, t.ID)
		}
		t.Assigned = slices.DeleteFunc(t.Assigned, func(n core.Named) bool { return person.Is(n.ID) })
		return s.changed(c, c.by("👤", l.T("took %s off this task", p.Name)), c.T("%s is not assigned to %s any more.", p.Name, t.ID))
	}
	if has {
		return core.Change{}, core.Errorf(core.CodeConflict, "%s is assigned to %s already.", p.Name, t.ID)
	}
	if len(t.Assigned) >= maxAssigned {
		return core.Change{}, core.Errorf(core.CodeInvalid, "At most %d people do one task.", maxAssigned)
	}
	t.Assigned = append(t.Assigned, p)
	line := c.by("👤", l.T("assigned this to"))
	line = append(line, core.Text(" "), core.Bold(p.Name)) // what pings them is theirs to choose: notify
	if c.Person.Is(p.ID) {
		line = c.by("👤", l.T("took this on"))
	}
	pings, err := s.assignedTo(ctx, c, t, p.ID)
	if err != nil {
		return core.Change{}, err
	}
	change, err := s.changed(c, line, c.T("%s is assigned to %s.", t.ID, names(t.Assigned)))
	change.Out = append(change.Out, pings...)
	return change, err
}

const (
	maxAssigned  = 10
	maxChecklist = 50
)

// taskDue says until when a task is to be done.
func (s *Studio) taskDue(ctx context.Context, c *call) (core.Change, error) {
	if err := s.findTask(ctx, c); err != nil {
		return core.Change{}, err
	}
	t, l, words := c.task, s.shared(c.Project), strings.TrimSpace(c.inv.Arg("when"))
	now := s.Clock.Now()
	none := isNone(c, words) || strings.EqualFold(words, c.T("no date"))
	switch {
	case words == "" && t.Due.IsZero():
		return c.say(text(c.T("%s has no due date. Type for example: due friday 17:00", t.ID)))
	case words == "":
		return c.say(text(c.T("%s is due %s.", t.ID, c.clock().Time(t.Due, now))))
	case none && t.Due.IsZero():
		return c.say(text(c.T("%s has no due date.", t.ID)))
	case none:
		t.Due = core.Task{}.Due
		return s.dueChanged(c, l.T("took the due date away"), c.T("%s has no due date any more.", t.ID))
	}
	due, err := s.dueIn(c, words)
	if err != nil {
		return core.Change{}, err
	}
	t.Due = due
	return s.dueChanged(c, l.T("set the due date: %s", l.Time(due, now)), c.T("%s is due %s.", t.ID, c.clock().Time(due, now)))
}

// isNone reports whether somebody typed that there shall be none, in English or in their own language.
func isNone(c *call, words string) bool {
	return strings.EqualFold(words, "none") || strings.EqualFold(words, c.T("none"))
}

// dueChanged is changed, and sets when people are reminded.
func (s *Studio) dueChanged(c *call, line, answer string) (core.Change, error) {
	change, err := s.changed(c, c.by("📅", line), answer)
	change.Alarms = []core.Alarm{dueAlarm(c.task, s.Clock.Now())}
	return change, err
}

// taskStatus moves a task to another status of its project's set.
func (s *Studio) taskStatus(ctx context.Context, c *call) (core.Change, error) {
	if err := s.findTask(ctx, c); err != nil {
		return core.Change{}, err
	}
	t, want := c.task, strings.TrimSpace(c.inv.Arg("status"))
	if want == "" {
		return c.say(text(c.T("%s is %s. It can be moved to: %s.", t.ID, word(t.Status).In(c.Lang), s.statusNames(c))))
	}
	st, err := s.findStatus(c, want)
	if err != nil {
		return core.Change{}, err
	}
	if !c.role.Allows(st.role) {
		return core.Change{}, core.Errorf(core.CodeForbidden, "Moving a task to %q needs the role %s here.", word(st.name), word(st.role)).WithNext("%s", s.whomToAsk(ctx, c.Project))
	}
	switch {
	case st.name == t.Status:
		return core.Change{}, core.Errorf(core.CodeConflict, "%s is %s already.", t.ID, word(st.name))
	case st.name == core.StatusApproved:
		return core.Change{}, core.Errorf(core.CodeInvalid, "A task is approved by approving one of its versions.").WithNext("Type for example: approve v%d", max(1, t.Latest))
	case st.name == core.StatusChanges:
		return core.Change{}, core.Errorf(core.CodeInvalid, "Changes are requested on a version.").WithNext("Type for example: changes v%d less contrast", max(1, t.Latest))
	case t.Status == core.StatusClosed:
		return core.Change{}, core.Errorf(core.CodeInvalid, "%s is closed.", t.ID).WithNext("\"task reopen %s\" opens it again.", t.ID)
	}
	t.Status = st.name
	l := s.shared(c.Project)
	return s.changed(c, c.by("➡️", l.T("moved this to %s", word(st.name).In(l))), c.T("%s has the status %s now.", t.ID, word(st.name)))
}

// taskRename gives a task another title.
func (s *Studio) taskRename(ctx context.Context, c *call) (core.Change, error) {
	if err := s.findTask(ctx, c); err != nil {
		return core.Change{}, err
	}
	title := strings.Join(strings.Fields(c.inv.Arg("title")), " ")
	if title == "" {
		return core.Change{}, core.Errorf(core.CodeInvalid, "Which title?").WithNext("Type for example: rename Poster, final round")
	}
	c.task.Title = clip(title, 80)
	return s.changed(c, c.by("✏️", s.shared(c.Project).T("renamed this to “%s”", c.task.Title)), c.T("%s is called “%s” now.", c.task.ID, c.task.Title))
}

// taskBrief writes what is wanted.
func (s *Studio) taskBrief(ctx context.Context, c *call) (core.Change, error) {
	if err := s.findTask(ctx, c); err != nil {
		return core.Change{}, err
	}
	brief := strings.TrimSpace(c.inv.Arg("text"))
	switch {
	case brief == "":
		if c.task.Brief == "" {
			return c.say(text(c.T("%s has no brief. Type for example: brief two people at a market, early light", c.task.ID)))
		}
		return c.say(text(c.task.Brief))
	case isNone(c, brief) && c.task.Brief == "":
		return c.say(text(c.T("%s has no brief.", c.task.ID)))
	case isNone(c, brief):
		c.task.Brief = ""
		return s.changed(c, c.by("📝", s.shared(c.Project).T("took the brief away")), c.T("%s has no brief any more.", c.task.ID))
	case len([]rune(brief)) > maxBrief:
		return core.Change{}, core.Errorf(core.CodeTooLarge, "A brief has at most %d characters; this one has %d.", maxBrief, len([]rune(brief))).WithNext("Put the rest into a file and attach it in the thread.")
	}
	c.task.Brief = brief
	return s.changed(c, c.by("📝", s.shared(c.Project).T("changed the brief")), c.T("The brief of %s is on its card.", c.task.ID))
}

// taskClose takes a task off the lists.
func (s *Studio) taskClose(ctx context.Context, c *call) (core.Change, error) {
	if err := s.findTask(ctx, c); err != nil {
		return core.Change{}, err
	}
	t := c.task
	if t.Status == core.StatusClosed {
		return core.Change{}, core.Errorf(core.CodeConflict, "%s is closed already.", t.ID)
	}
	t.Closed, t.Status = t.Status, core.StatusClosed
	return s.changed(c, c.by("📦", s.shared(c.Project).T("closed this task")), c.T("%s is closed. \"task reopen %s\" opens it again.", t.ID, t.ID))
}

// taskReopen opens a closed task as it was.
func (s *Studio) taskReopen(ctx context.Context, c *call) (core.Change, error) {
	if err := s.findTask(ctx, c); err != nil {
		return core.Change{}, err
	}
	t := c.task
	if t.Status != core.StatusClosed {
		return core.Change{}, core.Errorf(core.CodeConflict, "%s is not closed: it is %s.", t.ID, word(t.Status))
	}
	t.Status, t.Closed = t.Closed, ""
	if t.Status == "" {
		t.Status = core.StatusOpen
	}
	change, err := s.changed(c, c.by("📂", s.shared(c.Project).T("opened this task again")), c.T("%s is open again.", t.ID))
	change.Alarms = s.dueAgain(t)
	return change, err
}

// taskDelete takes a task out of everything that lists it. Its threads say so, and what was said stays.
func (s *Studio) taskDelete(ctx context.Context, c *call) (core.Change, error) {
	if err := s.findTask(ctx, c); err != nil {
		return core.Change{}, err
	}
	t := c.task
	if !c.Person.Is(t.Owner) && !c.role.Allows(core.RoleAdmin) {
		return core.Change{}, core.Errorf(core.CodeForbidden, "Only %s, who started %s, and admins can delete it.", t.OwnerName, t.ID).WithNext("\"task close %s\" takes it off the lists.", t.ID)
	}
	if !c.inv.Confirm {
		return c.say(core.Card{Tone: core.ToneWarn, Body: core.Plain(c.T("Delete %s “%s” with %s and %s? It can be restored.", t.ID, t.Title,
			c.N(t.Latest, "%d version", "%d versions", t.Latest), c.N(t.Comments, "%d comment", "%d comments", t.Comments))),
			Buttons: [][]core.Button{{{Label: c.T("Confirm: delete %s", t.ID), Style: core.StyleDanger, Action: core.Action{Verb: "task delete", Task: t.ID, Arg: "confirm"}}}}})
	}
	t.Deleted, t.DeletedBy = s.Clock.Now().UTC(), c.name()
	return s.changed(c, c.by("🗑️", s.shared(c.Project).T("deleted this task")), c.T("%s is deleted. \"task restore %s\" brings it back.", t.ID, t.ID))
}

// taskRestore brings a deleted task back.
func (s *Studio) taskRestore(ctx context.Context, c *call) (core.Change, error) {
	if err := s.findTask(ctx, c); err != nil {
		return core.Change{}, err
	}
	t := c.task
	if !t.Gone() {
		return core.Change{}, core.Errorf(core.CodeConflict, "%s is not deleted.", t.ID)
	}
	if !c.Person.Is(t.Owner) && !c.role.Allows(core.RoleAdmin) {
		return core.Change{}, core.Errorf(core.CodeForbidden, "Only %s, who started %s, and admins can restore it.", t.OwnerName, t.ID).WithNext("%s", s.whomToAsk(ctx, c.Project))
	}
	t.Deleted, t.DeletedBy = core.Task{}.Deleted, ""
	change, err := s.changed(c, c.by("♻️", s.shared(c.Project).T("restored this task")), c.T("%s is back.", t.ID))
	change.Alarms = s.dueAgain(t)
	return change, err
}

// dueAgain reminds of the due date of a task that is back, unless that is over.
func (s *Studio) dueAgain(t *core.Task) []core.Alarm {
	if now := s.Clock.Now(); t.Due.After(now) {
		return []core.Alarm{dueAlarm(t, now)}
	}
	return nil
}

// checklist is a task's checklist as its card shows it.
func checklist(t *core.Task) core.RichText {
	lines := make([]string, len(t.Checklist))
	for i, x := range t.Checklist {
		box := "⬜"
		if x.Done {
			box = "☑️"
		}
		lines[i] = fmt.Sprintf("%s %d. %s", box, i+1, x.Text)
	}
	return core.Plain(strings.Join(lines, "\n"))
}

// checklistAdd adds an item.
func (s *Studio) checklistAdd(ctx context.Context, c *call) (core.Change, error) {
	if err := s.findTask(ctx, c); err != nil {
		return core.Change{}, err
	}
	item := strings.Join(strings.Fields(c.inv.Arg("text")), " ")
	switch {
	case item == "":
		return core.Change{}, core.Errorf(core.CodeInvalid, "What is to be done?").WithNext("Type for example: checklist add check the small print")
	case len(c.task.Checklist) >= maxChecklist:
		return core.Change{}, core.Errorf(core.CodeInvalid, "A checklist has at most %d items.", maxChecklist)
	}
	c.task.Checklist = append(c.task.Checklist, core.Check{Text: clip(item, 120)})
	return s.changed(c, nil, c.T("Item %d is on the checklist of %s.", len(c.task.Checklist), c.task.ID))
}

// checklistTick ticks an item off, or takes the tick back.
func (s *Studio) checklistTick(ctx context.Context, c *call) (core.Change, error) {
	i, err := s.item(ctx, c)
	if err != nil {
		return core.Change{}, err
	}
	x := &c.task.Checklist[i]
	if x.Done {
		x.Done, x.By = false, ""
		return s.changed(c, nil, c.T("Item %d is to be done again.", i+1))
	}
	x.Done, x.By, x.At = true, c.name(), s.Clock.Now().UTC()
	return s.changed(c, nil, c.T("Item %d is done.", i+1))
}

// checklistRemove takes an item off the list.
func (s *Studio) checklistRemove(ctx context.Context, c *call) (core.Change, error) {
	i, err := s.item(ctx, c)
	if err != nil {
		return core.Change{}, err
	}
	c.task.Checklist = slices.Delete(c.task.Checklist, i, i+1)
	return s.changed(c, nil, c.T("Item %d is off the checklist.", i+1))
}

// item finds the item that a number names.
func (s *Studio) item(ctx context.Context, c *call) (int, error) {
	if err := s.findTask(ctx, c); err != nil {
		return 0, err
	}
	n := number(c.inv.Arg("item"))
	switch {
	case len(c.task.Checklist) == 0:
		return 0, core.Errorf(core.CodeInvalid, "%s has no checklist.", c.task.ID).WithNext("Type for example: checklist add check the small print")
	case n < 1 || n > len(c.task.Checklist):
		return 0, core.Errorf(core.CodeInvalid, "Which item?").WithNext("Its number, 1 to %d, stands on the card.", len(c.task.Checklist))
	}
	return n - 1, nil
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}
