package studio

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/atelier-bridge/atelier/core"
)

// keepHolding holds a partition's running jobs until there are none.
func (r *Runner) keepHolding(ctx context.Context, p core.Partition) {
	for {
		r.mu.Lock()
		ids := slices.Collect(maps.Keys(r.running[p]))
		if len(ids) == 0 {
			delete(r.running, p)
			r.mu.Unlock()
			return
		}
		r.mu.Unlock()
		ended, err := r.Runs.Hold(ctx, p, ids)
		if err != nil {
			r.Log.WarnContext(ctx, "running jobs not held", "partition", p, "error", err)
		}
		r.mu.Lock()
		for _, id := range ended {
			if x := r.running[p][id]; x != nil {
				x.cancel(errCancelled)
			}
		}
		r.mu.Unlock()
		if r.Clock.Sleep(ctx, holdEvery) != nil {
			return
		}
	}
}

// settleStranded looks at what a former holder left: runs that cost nothing run again, those whose provider gave a
// handle are waited for, others may have been billed and are never silently repeated.
func (r *Runner) settleStranded(ctx context.Context, p core.Partition, l core.Lease) (done bool) {
	list, held, err := r.Runs.Stranded(ctx, p, l)
	if err != nil {
		if ctx.Err() == nil {
			r.Log.WarnContext(ctx, "stranded jobs not read", "partition", p, "error", err)
		}
		return false
	}
	done = !held
	for _, j := range list {
		if r.runs(p, j.ID) {
			continue
		}
		if j.Fence == l.Fence {
			// Claimed here, and the answer was lost on its way: nobody ever started it.
			if err := r.Runs.Return(ctx, p, j); err != nil {
				r.Log.WarnContext(ctx, "job not queued again", "job", j.ID, "error", err)
				done = false
			}
			continue
		}
		if !r.settle(ctx, p, l, j) {
			done = false
		}
	}
	return done
}

// runs reports whether this process runs a job.
func (r *Runner) runs(p core.Partition, id core.JobID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running[p][id] != nil
}

func (r *Runner) settle(ctx context.Context, p core.Partition, l core.Lease, j core.Job) bool {
	pr := r.provider(j.Provider)
	if j.State == core.JobQueued || pr != nil && pr.Capabilities("").Free {
		err := r.Runs.Return(ctx, p, j)
		if err != nil {
			r.Log.WarnContext(ctx, "job not queued again", "job", j.ID, "error", err)
		}
		return err == nil
	}
	if _, ok := pr.(core.Resumer); ok && j.Handle != "" {
		select {
		case r.Slots <- struct{}{}:
		default:
			return false
		}
		ok, err := r.Runs.Adopt(ctx, p, l, j)
		if err != nil {
			r.Log.WarnContext(ctx, "job not taken over", "job", j.ID, "error", err)
		}
		if err != nil || !ok || !r.start(ctx, p, l, j, true) {
			<-r.Slots
			return err == nil && !ok
		}
		return true
	}
	return r.finish(ctx, j, r.ended(ctx, j, core.JobUnknown, unknown()), nil)
}

// unknown is what people read of a run whose end nobody saw.
func unknown() *core.Error {
	return core.Errorf(core.CodeUnknown, "Atelier stopped while it ran. It may have been billed, so it was not started again.")
}

// stopped settles a run that was ended from outside.
func (r *Runner) stopped(ctx context.Context, p core.Partition, x *run, cause error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	j := x.job
	switch {
	case errors.Is(cause, errCancelled):
		// The card says so, and it is counted already.
	case x.free:
		if err := r.Runs.Return(ctx, p, j); err != nil {
			r.Log.WarnContext(ctx, "job not queued again", "job", j.ID, "error", err)
		}
	case j.Handle != "" || x.noted.Load():
		// Somebody else goes on waiting for it.
	default:
		r.finish(ctx, j, r.ended(ctx, j, core.JobUnknown, unknown()), nil)
	}
}
