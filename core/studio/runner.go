package studio

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/relay"
)

// Runner takes jobs from the queue and runs them at their providers. It implements relay.Worker.
type Runner struct {
	Jobs      core.Jobs
	Requeue   func(ctx context.Context, p core.Partition, j core.Job) error
	Providers []core.Provider
	Receiver  core.Receiver
	Blobs     core.Blobs
	Imaging   core.Imaging
	Clock     core.Clock
	Log       *slog.Logger
	// Slots bounds how many jobs run in this process at once.
	Slots chan struct{}

	mu    sync.Mutex
	wakes map[chan struct{}]bool
}

var _ relay.Worker = (*Runner)(nil)

const (
	// pollEvery finds jobs that another replica put into a queue held here.
	pollEvery = time.Second
	// progressEvery bounds how often a run tells its progress.
	progressEvery = time.Second
)

// Wake makes the workers of this process look for jobs now.
func (r *Runner) Wake() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for ch := range r.wakes {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

func (r *Runner) subscribe() (ch chan struct{}, cancel func()) {
	ch = make(chan struct{}, 1)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wakes == nil {
		r.wakes = map[chan struct{}]bool{}
	}
	r.wakes[ch] = true
	return ch, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.wakes, ch)
	}
}

// Work runs a person partition's jobs while it is held.
func (r *Runner) Work(ctx context.Context, p core.Partition, l core.Lease) {
	if p[0] != 'u' {
		return
	}
	wake, cancel := r.subscribe()
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	settled := false
	t := time.NewTicker(pollEvery)
	defer t.Stop()
	for ctx.Err() == nil {
		// Again after a claim that failed half-way: its job waits among the running ones.
		if !settled {
			settled = r.settleStranded(ctx, p, l)
		}
		for more := settled; more; {
			var err error
			more, err = r.claim(ctx, &wg, p, l)
			settled = err == nil
		}
		select {
		case <-ctx.Done():
		case <-wake:
		case <-t.C:
		}
	}
}

// claim starts the next job, if there is one and a slot is free.
func (r *Runner) claim(ctx context.Context, wg *sync.WaitGroup, p core.Partition, l core.Lease) (started bool, err error) {
	select {
	case r.Slots <- struct{}{}:
	default:
		return false, nil
	}
	j, ok, err := r.Jobs.Claim(ctx, p, l, r.Clock.Now(), r.perAccount)
	if err != nil || !ok {
		<-r.Slots
		if err != nil && ctx.Err() == nil {
			r.Log.WarnContext(ctx, "no job claimed", "partition", p, "error", err)
		}
		return false, err
	}
	wg.Go(func() {
		r.run(ctx, j)
		<-r.Slots
		r.Wake()
	})
	return true, nil
}

func (r *Runner) provider(name core.ProviderName) core.Provider {
	for _, p := range r.Providers {
		if p.Name() == name {
			return p
		}
	}
	return nil
}

func (r *Runner) perAccount(name core.ProviderName) int {
	if p := r.provider(name); p != nil {
		return max(1, p.Capabilities("").PerAccount)
	}
	return 1
}

// settleStranded looks at what a former holder left: runs that cost nothing run again, others may have been billed
// and are never silently repeated.
func (r *Runner) settleStranded(ctx context.Context, p core.Partition, l core.Lease) (done bool) {
	list, err := r.Jobs.Stranded(ctx, p, l)
	if err != nil {
		if ctx.Err() == nil {
			r.Log.WarnContext(ctx, "stranded jobs not read", "partition", p, "error", err)
		}
		return false
	}
	done = true
	for _, j := range list {
		pr := r.provider(j.Provider)
		if j.State == core.JobQueued || pr != nil && pr.Capabilities("").Free {
			if err := r.Requeue(ctx, p, j); err != nil {
				r.Log.WarnContext(ctx, "job not queued again", "job", j.ID, "error", err)
				done = false
			}
			continue
		}
		r.finish(ctx, j, core.JobEvent{State: core.JobUnknown, Message: "Atelier stopped while it ran. It may have been billed, so it was not started again; use reroll if you want it again."})
	}
	return done
}

// run runs one job and tells every step.
func (r *Runner) run(ctx context.Context, j core.Job) {
	pr := r.provider(j.Provider)
	if pr == nil {
		r.finish(ctx, j, core.JobEvent{State: core.JobFailed, Message: "That provider is not offered any more."})
		return
	}
	r.mention(ctx, j, 0)
	r.movedUp(ctx, j)
	req := j.Request
	req.Open = r.Blobs.Open
	last := r.Clock.Now()
	res, err := pr.Run(ctx, core.Account{Person: j.Person, Provider: j.Provider}, req, func(percent int) {
		if now := r.Clock.Now(); now.Sub(last) >= progressEvery && percent > 0 && percent < 100 {
			last = now
			r.mention(ctx, j, percent)
		}
	})
	if ctx.Err() != nil {
		return // the next holder of the partition settles it
	}
	if err == nil {
		var out *core.JobOutcome
		if out, err = r.keep(ctx, res); err == nil {
			r.finish(ctx, j, core.JobEvent{State: core.JobDone, Outcome: out})
			return
		}
	}
	ev := core.JobEvent{State: core.JobFailed, Message: core.SafeMessage(err)}
	switch core.ErrorCode(err) {
	case core.CodeRefused:
		ev.State = core.JobRefused
	case core.CodeUnknown:
		ev.State = core.JobUnknown
	}
	r.Log.WarnContext(ctx, "job failed", "job", j.ID, "provider", j.Provider, "error", err)
	r.finish(ctx, j, ev)
}

// keep stores a result's pictures with their own bytes and makes the grid.
func (r *Runner) keep(ctx context.Context, res core.Result) (*core.JobOutcome, error) {
	out := &core.JobOutcome{Text: res.Text, Seed: res.Seed, Model: res.Model, RequestID: res.RequestID, Dropped: res.Dropped}
	for _, pic := range res.Images {
		im, err := r.Imaging.Import(ctx, bytes.NewReader(pic.Bytes), "")
		if err != nil {
			return nil, err
		}
		out.Images = append(out.Images, im)
	}
	if len(out.Images) == 0 {
		return out, nil
	}
	grid, err := r.Imaging.Grid(ctx, out.Images)
	if err != nil {
		return nil, err
	}
	out.Grid = &grid
	return out, nil
}

// finish tells the last step and takes the job out of the queue; the telling comes first, so that a crash between the
// two only tells it again.
func (r *Runner) finish(ctx context.Context, j core.Job, ev core.JobEvent) {
	for try := 0; ctx.Err() == nil; try++ {
		err := r.tell(ctx, j, ev)
		if err == nil {
			_, err = r.Jobs.Move(ctx, j.ID, j.Person, ev.State)
		}
		if err == nil || core.ErrorCode(err) == core.CodeNotFound {
			return
		}
		r.Log.WarnContext(ctx, "job not settled", "job", j.ID, "error", err)
		if r.Clock.Sleep(ctx, time.Second) != nil {
			return
		}
	}
}

// mention tells that a job runs. Nothing depends on it, so a failure is only logged.
func (r *Runner) mention(ctx context.Context, j core.Job, percent int) {
	if err := r.tell(ctx, j, core.JobEvent{State: core.JobRunning, Progress: percent}); err != nil {
		r.Log.WarnContext(ctx, "progress not told", "job", j.ID, "error", err)
	}
}

// movedUp tells the jobs that wait behind one in its account which place they have now.
func (r *Runner) movedUp(ctx context.Context, j core.Job) {
	list, err := r.Jobs.Queue(ctx, j.Person)
	if err != nil {
		r.Log.WarnContext(ctx, "queue not read", "job", j.ID, "error", err)
		return
	}
	place := 0
	for _, w := range list {
		if w.State != core.JobQueued || w.Provider != j.Provider {
			continue
		}
		place++
		if err := r.tell(ctx, w, core.JobEvent{State: core.JobQueued, Position: place}); err != nil {
			r.Log.WarnContext(ctx, "place not told", "job", w.ID, "error", err)
			return
		}
	}
}

func (r *Runner) tell(ctx context.Context, j core.Job, ev core.JobEvent) error {
	ev.Job, ev.Version = j.ID, j.Version
	return r.Receiver.Receive(ctx, relay.JobInbound(ev, r.Clock.Now()))
}
