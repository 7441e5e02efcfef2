package studio

import (
	"context"
	"fmt"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/relay"
)

// progressEvery bounds how often a run tells its progress.
const progressEvery = time.Second

// progress tells how far a run is, and stores its handle before the run goes on.
func (r *Runner) progress(ctx context.Context, x *run) core.Progress {
	j := x.job
	last := r.Clock.Now()
	return func(s core.Step) {
		if s.Handle != "" {
			if err := r.Runs.Note(ctx, j, s.Handle); err != nil {
				r.Log.WarnContext(ctx, "handle not noted", "job", j.ID, "error", err)
			} else {
				x.noted.Store(true)
			}
		}
		if now := r.Clock.Now(); now.Sub(last) >= progressEvery && s.Percent > 0 && s.Percent < 100 {
			last = now
			r.mention(ctx, j, s.Percent)
		}
	}
}

// mention tells that a job runs. Nothing depends on it, so a failure is only logged.
func (r *Runner) mention(ctx context.Context, j core.Job, percent int) {
	if err := r.tell(ctx, j, core.JobEvent{State: core.JobRunning, Progress: percent}); err != nil {
		r.Log.WarnContext(ctx, "progress not told", "job", j.ID, "error", err)
	}
}

// placesTold is how many of those who wait are told that they moved up: nobody looks at place 300, and telling all
// would cost more the more wait.
const placesTold = 3

// movedUp tells the jobs that wait next behind one in its account which place they have now.
func (r *Runner) movedUp(ctx context.Context, j core.Job) {
	list, err := r.Desk.Jobs.Next(ctx, j, placesTold)
	if err != nil {
		r.Log.WarnContext(ctx, "queue not read", "job", j.ID, "error", err)
		return
	}
	for i, w := range list {
		if err := r.tell(ctx, w, core.JobEvent{State: core.JobQueued, Position: i + 1}); err != nil {
			r.Log.WarnContext(ctx, "place not told", "job", w.ID, "error", err)
			return
		}
	}
}

// roomLang is how to speak to everybody in the rooms of a job's project.
func (r *Runner) roomLang(ctx context.Context, j core.Job) core.Lang {
	if p, err := r.Projects.Project(ctx, j.Version.Task.Project()); err == nil {
		return p.Lang(r.Translator)
	}
	return core.Lang{Translator: r.Translator}
}

// ended is the step in which a job ends without a result. A card shows why in the project's language; whose account it was
// reads it in their own.
func (r *Runner) ended(ctx context.Context, j core.Job, state core.JobState, why error) core.JobEvent {
	room, own := r.roomLang(ctx, j), core.Lang{Translator: r.Translator}
	if p, err := r.People.Person(ctx, j.AskedBy()); err == nil {
		own = p.Lang(r.Translator)
	}
	ev := core.JobEvent{State: state, Message: room.Error(why)}
	if told := own.Error(why); told != ev.Message {
		ev.Told = told
	}
	return ev
}

func (r *Runner) tell(ctx context.Context, j core.Job, ev core.JobEvent) error {
	ev.Job, ev.Version = j.ID, j.Version
	if err := r.Receiver.Receive(ctx, relay.JobInbound(ev, r.Clock.Now())); err != nil {
		return fmt.Errorf("tell %s of %s: %w", ev.State, j.ID, err)
	}
	return nil
}
