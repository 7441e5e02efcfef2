package studio

import (
	"context"
	"fmt"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
	"github.com/atelier-bridge/atelier/core/relay"
)

func area(s string) (*core.Area, error) {
	a, err := command.ParseArea(s)
	return &a, err
}

// rank orders job states: a step that comes late changes nothing.
func rank(s core.JobState) int {
	switch s {
	case core.JobQueued:
		return 1
	case core.JobSubmitted:
		return 2
	case core.JobRunning:
		return 3
	}
	return 4
}

// Job writes a job's step into its version and brings the cards up to date.
func (s *Studio) Job(ctx context.Context, sc relay.Scope) (core.Change, error) {
	ev := sc.In.Job
	v, err := s.Tasks.Version(ctx, ev.Version)
	if core.ErrorCode(err) == core.CodeNotFound {
		return core.Change{}, nil
	}
	if err != nil {
		return core.Change{}, err
	}
	turnedOut := v.State == core.JobUnknown && ev.State == core.JobDone
	if v.State.Final() && !turnedOut || rank(ev.State) < rank(v.State) || ev.State == v.State && ev.Progress <= v.Progress && ev.Position == v.Position {
		return core.Change{}, nil
	}
	task, err := s.Tasks.Task(ctx, v.ID.Task)
	if err != nil {
		return core.Change{}, err
	}
	v.State, v.Position, v.Progress, v.Message = ev.State, ev.Position, ev.Progress, ev.Message
	change := core.Change{Versions: []*core.Version{v}}
	if ev.State.Final() {
		v.DoneAt, v.Position, v.Progress = s.Clock.Now().UTC(), 0, 0
		if o := ev.Outcome; o != nil {
			v.Images, v.Grid, v.Text, v.Seed, v.Model = o.Images, o.Grid, o.Text, o.Seed, o.Model
			v.Dropped, v.Note = append(v.Dropped, o.Dropped...), o.Note
			if o.Cost != (core.Cost{}) {
				v.Cost = o.Cost
			}
		}
		if task.Latest == v.ID.No && ev.State == core.JobDone && len(v.Images) > 0 && toReview(task.Status, v.Before) {
			task.Status = core.StatusReview
		}
		task.UpdatedAt = s.Clock.Now().UTC()
		change.Tasks = []*core.Task{task}
	}
	c := &call{Scope: sc}
	what := fmt.Sprintf("job/%s/%s/%d/%d", v.ID, ev.State, ev.Progress, ev.Position)
	show := []int{0}
	if v.ID.No > 1 {
		show = append(show, v.ID.No)
	}
	change.Out = cardsIn(task, c, what, show...)
	if ev.State.Final() && ev.State != core.JobDone && ev.State != core.JobCancelled {
		change.Out = append(change.Out, s.tellFailure(ctx, task, v, sc)...)
	}
	return change, nil
}

// toReview reports whether a task is to be looked at again because its newest version has pictures: unless it ended, or
// somebody decided on it after the version was asked for.
func toReview(now, before core.TaskStatus) bool {
	switch now {
	case core.StatusOpen, core.StatusProgress:
		return true
	case core.StatusApproved, core.StatusChanges:
		return now == before
	}
	return false
}

// tellFailure tells the person whose account it was, privately and in the app where they asked: a refusal is nobody
// else's business.
func (s *Studio) tellFailure(ctx context.Context, task *core.Task, v *core.Version, sc relay.Scope) []core.Outgoing {
	to := v.By
	if to == "" { // a version of before this was noted
		p, err := s.People.Person(ctx, v.Person)
		if err != nil || len(p.Identities) == 0 {
			return nil
		}
		to = p.Identities[0]
	}
	l := core.Lang{Translator: s.Translator}
	if p, err := s.People.ByIdentity(ctx, to); err == nil {
		l = p.Lang(s.Translator)
	}
	msg := sc.In.Job.Told
	if msg == "" {
		msg = v.Message
	}
	if msg == "" {
		msg = l.T("It did not work.")
	}
	card := core.Card{Title: l.T("%s v%d: %s", task.ID, v.ID.No, word(v.State)), Body: core.Plain(msg), Tone: core.ToneWarn}
	return []core.Outgoing{{ID: core.MakeDeliveryID("", "", "failed/"+v.ID.String()), Kind: core.OutDirect, To: to, Card: &card, At: sc.In.At}}
}

// cancel stops a version that waits or runs.
func (s *Studio) cancel(ctx context.Context, c *call) (core.Change, error) {
	if err := s.findVersion(ctx, c); err != nil {
		return core.Change{}, err
	}
	v := c.version
	if v.State.Final() {
		return core.Change{}, core.Errorf(core.CodeInvalid, "v%d is %s already; there is nothing to cancel.", v.ID.No, word(v.State))
	}
	if !c.Person.Is(v.Person) && !c.role.Allows(core.RoleAdmin) {
		return core.Change{}, core.Errorf(core.CodeForbidden, "v%d runs on %s's account.", v.ID.No, v.PersonName).WithNext("They or an admin can cancel it.")
	}
	was := v.State
	v.State, v.Message, v.DoneAt = core.JobCancelled, s.shared(c.Project).T("cancelled by %s", c.name()), s.Clock.Now().UTC()
	job := core.Job{ID: core.MakeJobID(v.ID), Version: v.ID, Person: v.Holder(), Provider: v.Provider}
	change := core.Change{Versions: []*core.Version{v}}
	show := []int{0}
	if v.ID.No > 1 {
		show = append(show, v.ID.No)
	}
	change.Out = cardsIn(c.task, c, "cancel/"+v.ID.String(), show...)
	change.Out = append(change.Out, core.Outgoing{ID: core.DeliveryID("d-cancel-" + string(job.ID)), Kind: core.OutJob, Job: &job, Cancel: true, Task: c.task.ID, At: c.In.At})
	note := c.T("Cancelled %s v%d.", c.task.ID, v.ID.No)
	if p, err := s.provider(nil, string(v.Provider)); err == nil && was != core.JobQueued && was != core.JobHandedOff && !p.Capabilities("").Stops {
		note = c.T("Cancelled %s v%d. We stop waiting, but the provider may still finish it and bill it.", c.task.ID, v.ID.No)
	}
	change.Out = append(change.Out, c.answer(text(note)))
	return change, nil
}

// jobs lists a person's waiting and running jobs, and the prompts that they have to run by hand.
func (s *Studio) jobs(ctx context.Context, c *call) (core.Change, error) {
	list, err := s.jobsOf(ctx, c.Person)
	if err != nil {
		return core.Change{}, err
	}
	if len(list) == 0 {
		return c.say(text(c.T("You have no waiting or running jobs, and no prompts to run by hand.")))
	}
	card := core.Card{Title: c.T("Your jobs")}
	atOnce, err := s.atOnce(ctx, c.Person)
	if err != nil {
		return core.Change{}, err
	}
	for _, j := range list {
		line := c.T("%s v%d with %s: %s", j.Version.Task, j.Version.No, j.Provider, word(j.State))
		line += outlook(c.clock(), j, list, atOnce[j.Provider], s.Clock.Now())
		card.Body = append(card.Body, core.Para(core.Text(line)))
		if j.State != core.JobHandedOff {
			continue
		}
		p, err := s.provider(nil, string(j.Provider))
		if err != nil {
			continue
		}
		if h, ok := p.(core.Handoff); ok {
			if over, err := h.Compose(j.Request); err == nil && len(over.Forms) > 0 {
				card.Body = append(card.Body, core.Node{Kind: core.NodePre, Text: over.Forms[0].Text})
			}
		}
	}
	return c.say(card)
}
