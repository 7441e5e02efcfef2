package studio

import (
	"context"

	"github.com/atelier-bridge/atelier/core"
)

// Desk takes jobs in and out of the queue together with what quotas hold for them. It implements relay.Desk.
type Desk struct {
	Jobs      core.Jobs
	Quotas    core.Quotas
	Providers []core.Provider
	Clock     core.Clock
	// Submitted wakes the scheduler of this process; it may be nil.
	Submitted func()
	Linker    *Linker
	Telemetry core.Telemetry
}

// Link tests and links the credential that an outgoing names.
func (d *Desk) Link(ctx context.Context, o core.Outgoing) error { return d.Linker.Link(ctx, o) }

// Submit queues a job and returns its place, 1 first, 0 when it does not wait.
func (d *Desk) Submit(ctx context.Context, j core.Job) (int, error) {
	if j.Reservation != "" {
		if err := d.Quotas.Keep(ctx, j.Version.Task.Project(), j.Reservation); err != nil {
			return 0, err
		}
	}
	pos, err := d.Jobs.Submit(ctx, j)
	if err == nil && d.Submitted != nil {
		d.Submitted()
	}
	return pos, err
}

// End ends a job that somebody cancelled or brought back by hand. A run that was cancelled may still be billed, where the
// provider cannot be stopped: it counts as used.
func (d *Desk) End(ctx context.Context, j core.Job, s core.JobState) error {
	known, err := d.Jobs.Job(ctx, j.ID, j.Person)
	if core.ErrorCode(err) == core.CodeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	// Counted first: a crash in between only counts it again, which is the same.
	switch running := known.State == core.JobSubmitted || known.State == core.JobRunning; {
	case known.State.Final():
	case running && s == core.JobCancelled && !d.stops(j.Provider):
		err = d.count(ctx, known, known.Share, true)
	default:
		err = d.settle(ctx, known, s, nil)
	}
	if err != nil {
		return err
	}
	_, err = d.move(ctx, known, s)
	if core.ErrorCode(err) == core.CodeNotFound {
		return nil
	}
	return err
}

// move changes a job's state and counts the job when it ends by that.
func (d *Desk) move(ctx context.Context, j core.Job, s core.JobState) (was core.JobState, err error) {
	was, err = d.Jobs.Move(ctx, j.ID, j.Person, s)
	if err == nil && s.Final() && !was.Final() {
		d.Telemetry.Count(core.MetricJobsEnded, string(j.Provider), string(s))
	}
	return was, err
}

// stops reports whether a cancelled run really ends at its provider.
func (d *Desk) stops(name core.ProviderName) bool {
	p := named(d.Providers, name)
	return p != nil && p.Capabilities("").Stops
}

// settle counts what a job used when it ends in a state.
func (d *Desk) settle(ctx context.Context, j core.Job, s core.JobState, res *core.Result) error {
	switch s {
	case core.JobDone:
		used, estimated := core.Amount{Pictures: j.Share.Pictures, Micros: j.Share.Micros}, true
		if res != nil {
			used.Pictures = len(res.Images)
			if res.Cost.Micros > 0 {
				used.Micros, estimated = res.Cost.Micros, res.Cost.Estimated
			}
		}
		return d.count(ctx, j, used, estimated)
	case core.JobUnknown:
		return d.count(ctx, j, j.Share, true)
	}
	return d.count(ctx, j, core.Amount{}, false)
}

// count records what a job used and lets go of what was held for it.
func (d *Desk) count(ctx context.Context, j core.Job, used core.Amount, estimated bool) error {
	e := core.UsageEntry{Job: j.ID, Reservation: j.Reservation, Share: j.Share, Project: j.Version.Task.Project(), Person: j.Person, Asker: j.AskedBy(), Provider: j.Provider,
		Amount: used, Estimated: estimated && used.Micros > 0, At: d.Clock.Now()}
	if h, ok := named(d.Providers, j.Provider).(core.Handoff); ok && used.Pictures > 0 {
		e.Minutes, e.Estimated = h.Minutes(j.Request), true
	}
	return d.Quotas.Record(ctx, e)
}
