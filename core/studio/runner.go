package studio

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/relay"
)

// Runner takes jobs from the queue and runs them at their providers, each on its own person's account. It implements
// relay.Worker.
type Runner struct {
	Runs      core.JobRuns
	Providers []core.Provider
	People    core.People
	Projects  core.Projects
	Accounts  core.Accounts
	Vault     core.Vault // nil where no provider needs a credential
	Receiver  core.Receiver
	Blobs     core.Blobs
	Imaging   core.Imaging
	Desk      *Desk
	Clock     core.Clock
	Log       *slog.Logger
	Telemetry core.Telemetry
	// Slots bounds how many jobs run in this process at once.
	Slots chan struct{}
	// Translator tells what went wrong in the language of the project and of whose account it was; nil speaks English.
	Translator core.Translator

	mu       sync.Mutex
	wakes    map[chan struct{}]bool
	running  map[core.Partition]map[core.JobID]*run
	stopping bool
	all      sync.WaitGroup

	limits sync.Once
	limit  map[core.ProviderName]int // by provider; see perAccount
}

var _ relay.Worker = (*Runner)(nil)

// run is one job at its provider.
type run struct {
	job    core.Job
	lease  core.Lease
	free   bool
	cancel context.CancelCauseFunc
	number int         // of the credential that it runs on
	noted  atomic.Bool // the provider gave a handle by which somebody else can wait for it
}

// Why a run ends before its provider is done.
var (
	errStopping  = errors.New("atelier stops")
	errMoved     = errors.New("the partition went to another process")
	errCancelled = errors.New("somebody cancelled the job")
)

const (
	// pollEvery finds jobs that another replica put into a queue held here.
	pollEvery = time.Second
	// holdEvery renews the holds of running jobs and finds those that were cancelled; well within core.JobHold.
	holdEvery = time.Second
	// strandedEvery is after how many looks at the queue what is stranded is looked for again.
	strandedEvery = 20
	// claimOnce bounds how many jobs one look at a partition takes, so that all partitions of a process get slots.
	claimOnce = 8
	// retries of a run that cost nothing, and the longest wait before one.
	retries      = 4
	longestRetry = 2 * time.Minute
	// lastWords bounds what is still told after a run was stopped.
	lastWords = 5 * time.Second
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

// Work runs a person partition's jobs while it is held. Runs that may cost something outlive it: they are held by
// themselves, and whoever holds the partition next leaves them alone.
func (r *Runner) Work(ctx context.Context, p core.Partition, l core.Lease) {
	if p[0] != 'u' {
		return
	}
	wake, cancel := r.subscribe()
	defer cancel()
	defer r.release(p)
	settled := false
	t := time.NewTicker(pollEvery)
	defer t.Stop()
	for round := 0; ctx.Err() == nil; round++ {
		// Again now and then: the answer to a claim may have been lost on its way, and its jobs wait among the running ones.
		if !settled || round%strandedEvery == 0 {
			settled = r.settleStranded(ctx, p, l)
		}
		for more := true; more; {
			var err error
			more, err = r.claim(ctx, p, l)
			settled = settled && err == nil
		}
		select {
		case <-ctx.Done():
		case <-wake:
		case <-t.C:
		}
	}
}

// release stops a partition's free runs: they start again elsewhere.
func (r *Runner) release(p core.Partition) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, x := range r.running[p] {
		if x.free {
			x.cancel(errMoved)
		}
	}
}

// Drain lets what runs go on for d and stops the rest. No further job is claimed. It returns when nothing runs.
func (r *Runner) Drain(ctx context.Context, d time.Duration) {
	r.mu.Lock()
	r.stopping = true
	r.mu.Unlock()
	done := make(chan struct{})
	go func() { defer close(done); r.all.Wait() }()
	r.stop(true)
	timeout, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_ = r.Clock.Sleep(timeout, d)
		r.stop(false)
	}()
	<-done
}

func (r *Runner) stop(onlyFree bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, runs := range r.running {
		for _, x := range runs {
			if x.free || !onlyFree {
				x.cancel(errStopping)
			}
		}
	}
}

// claim starts the next jobs, if there are any and slots are free.
func (r *Runner) claim(ctx context.Context, p core.Partition, l core.Lease) (more bool, err error) {
	n := 0
	for range claimOnce {
		select {
		case r.Slots <- struct{}{}:
			n++
			continue
		default:
		}
		break
	}
	if n == 0 {
		return false, nil
	}
	list, err := r.Runs.Claim(ctx, p, l, r.Clock.Now(), n, r.perAccount())
	if err != nil && ctx.Err() == nil {
		r.Log.WarnContext(ctx, "no job claimed", "partition", p, "error", err)
	}
	for range n - len(list) {
		<-r.Slots
	}
	for _, j := range list {
		if r.start(ctx, p, l, j, false) {
			continue
		}
		<-r.Slots
		if err := r.Runs.Return(ctx, p, j); err != nil { // nothing was sent yet
			r.Log.WarnContext(ctx, "job not queued again", "job", j.ID, "error", err)
		}
	}
	return err == nil && len(list) == n, err
}

// start begins a run that outlives ctx when it may cost something. It takes over one slot.
func (r *Runner) start(ctx context.Context, p core.Partition, l core.Lease, j core.Job, resumed bool) bool {
	pr, _ := r.provider(j.Provider).(core.Automatic)
	rctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	x := &run{job: j, lease: l, free: pr == nil || pr.Capabilities("").Free, cancel: cancel}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopping {
		cancel(errStopping)
		return false // held for a moment; the next holder finds it
	}
	if r.running == nil {
		r.running = map[core.Partition]map[core.JobID]*run{}
	}
	if r.running[p] == nil {
		r.running[p] = map[core.JobID]*run{}
		r.all.Go(func() { r.keepHolding(context.WithoutCancel(ctx), p) })
	}
	r.running[p][j.ID] = x
	if !resumed {
		r.Telemetry.Observe(core.MetricJobWait, r.Clock.Now().Sub(j.CreatedAt), string(j.Provider))
	}
	r.all.Go(func() {
		r.run(core.WithLog(r.Telemetry.Continue(rctx, j.Trace), slog.String("request", string(j.ID))), p, x, pr, resumed)
		cancel(nil)
		r.mu.Lock()
		delete(r.running[p], j.ID)
		r.mu.Unlock()
		<-r.Slots
		r.Wake()
	})
	return true
}

func (r *Runner) provider(name core.ProviderName) core.Provider { return named(r.Providers, name) }

// perAccount is how many jobs each provider runs at a time for one account. Every partition asks each second.
func (r *Runner) perAccount() map[core.ProviderName]int {
	r.limits.Do(func() {
		r.limit = map[core.ProviderName]int{}
		for _, p := range r.Providers {
			r.limit[p.Name()] = max(1, p.Capabilities("").PerAccount)
		}
	})
	return r.limit
}

// run runs one job and tells every step.
func (r *Runner) run(ctx context.Context, p core.Partition, x *run, pr core.Automatic, resumed bool) {
	j := x.job
	if pr == nil {
		r.finish(ctx, j, r.ended(ctx, j, core.JobFailed, core.Errorf(core.CodeGone, "That provider is not offered any more.")), nil)
		return
	}
	if !resumed {
		r.mention(ctx, j, 0)
		r.movedUp(ctx, j)
	}
	began := r.Clock.Now()
	tctx, traced := r.Telemetry.Start(ctx, "run", slog.String("provider", string(j.Provider)))
	res, err := r.call(tctx, x, pr, resumed)
	traced(err)
	r.Telemetry.Observe(core.MetricJobTime, r.Clock.Now().Sub(began), string(j.Provider))
	if err == nil {
		// It is paid for: what stops the run now must not throw it away, and must not be held up by it for long.
		ctx, done := r.outlast(ctx, lastWords)
		defer done()
		out, err := r.keepPaid(ctx, j, res)
		if err != nil {
			r.Log.ErrorContext(ctx, "result not kept", "job", j.ID, "provider", j.Provider, "error", err)
			r.finish(ctx, j, r.ended(ctx, j, core.JobUnknown, core.Errorf(core.CodeUnknown, "The provider made it, and it could not be stored. %s", err)), nil)
			return
		}
		r.finish(ctx, j, core.JobEvent{State: core.JobDone, Outcome: out}, &res)
		return
	}
	if cause := context.Cause(ctx); cause != nil {
		r.stopped(ctx, p, x, cause)
		return
	}
	if resumed && core.ErrorCode(err) != core.CodeRefused {
		err = unknown().Because(err) // it was accepted, whatever is wrong now
	}
	state := core.JobFailed
	switch core.ErrorCode(err) {
	case core.CodeRefused:
		state = core.JobRefused
	case core.CodeUnknown:
		state = core.JobUnknown
	case core.CodeForbidden:
		r.broken(ctx, x, core.SafeMessage(err))
	}
	r.Log.WarnContext(ctx, "job failed", "job", j.ID, "provider", j.Provider, "error", err)
	r.finish(ctx, j, r.ended(ctx, j, state, err), nil)
}

// call runs the job on its person's account, again when nothing happened and nothing was billed.
func (r *Runner) call(ctx context.Context, x *run, pr core.Automatic, resumed bool) (core.Result, error) {
	j := x.job
	acct, err := r.account(ctx, x, pr)
	for try := 1; core.ErrorCode(err) == core.CodeRetry && try <= retries && ctx.Err() == nil; try++ {
		if err := r.Clock.Sleep(ctx, time.Second<<try); err != nil {
			return core.Result{}, err
		}
		acct, err = r.account(ctx, x, pr)
	}
	if err != nil {
		return core.Result{}, err
	}
	req := j.Request
	req.Open = r.Blobs.Open
	progress := r.progress(ctx, x)
	for try := 1; ; try++ {
		var res core.Result
		if res, err = r.once(ctx, j, pr, acct, req, progress, resumed); core.ErrorCode(err) != core.CodeRetry || try > retries || ctx.Err() != nil {
			return res, err
		}
		wait := core.RetryAfter(err)
		if wait == 0 {
			wait = time.Second << try
		}
		if wait > longestRetry {
			return res, err
		}
		r.Log.InfoContext(ctx, "provider is busy", "job", j.ID, "provider", j.Provider, "try", try, "wait", wait)
		if err := r.Clock.Sleep(ctx, wait); err != nil {
			return res, err
		}
	}
}

func (r *Runner) once(ctx context.Context, j core.Job, pr core.Automatic, acct core.Account, req core.Request, progress core.Progress, resumed bool) (core.Result, error) {
	if !resumed {
		return pr.Run(ctx, acct, req, progress)
	}
	re, ok := pr.(core.Resumer)
	if !ok {
		return core.Result{}, unknown()
	}
	res, err := re.Resume(ctx, acct, req, j.Handle, progress)
	if core.ErrorCode(err) == core.CodeNotFound {
		err = unknown().WithNext("The provider does not know it any more.").Because(err)
	}
	return res, err
}

// account opens the credential of the job's own person, who must still be the one who asked: two people who became one
// may be two again.
func (r *Runner) account(ctx context.Context, x *run, pr core.Provider) (core.Account, error) {
	j := x.job
	out := core.Account{Person: j.Person, Provider: j.Provider}
	if _, ok := pr.(core.Keyed); !ok {
		return out, nil
	}
	rec, err := r.Accounts.Account(ctx, j.Person, j.Provider)
	if core.ErrorCode(err) == core.CodeNotFound || err == nil && rec.Sealed == nil {
		return out, core.Errorf(core.CodeInvalid, "The account was unlinked before this ran.").WithNext("Nothing was billed.")
	}
	if err != nil {
		return out, err
	}
	if j.Asker != "" {
		now, err := r.People.Person(ctx, j.Person)
		if err != nil {
			return out, err
		}
		if asker, err := r.People.Person(ctx, j.Asker); err != nil || asker.ID != now.ID {
			return out, core.Errorf(core.CodeInvalid, "The account is not yours any more.").WithNext("Nothing was billed.").Because(err)
		}
	}
	x.number = rec.Number
	out.Key, err = r.Vault.Unseal(ctx, rec.Label(), *rec.Sealed)
	return out, err
}

// broken remembers that a provider does not accept an account's credential any more.
func (r *Runner) broken(ctx context.Context, x *run, why string) {
	j := x.job
	rec, err := r.Accounts.Account(ctx, j.Person, j.Provider)
	if err == nil && rec.Sealed != nil && rec.Number == x.number {
		rec.Broken = why
		err = r.Accounts.PutAccount(ctx, rec)
	}
	if err != nil && core.ErrorCode(err) != core.CodeNotFound {
		r.Log.WarnContext(ctx, "account not marked", "job", j.ID, "error", err)
	}
}

// keepFor bounds the keeping of a result that is paid for.
const keepFor = 2 * time.Minute

// outlast returns a context that ends d after the given one.
func (r *Runner) outlast(ctx context.Context, d time.Duration) (longer context.Context, done func()) {
	longer, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		_ = r.Clock.Sleep(longer, d) // it ends early when nobody needs it any more
		cancel(context.Cause(ctx))
	})
	return longer, func() { stop(); cancel(nil) }
}

// keepPaid is keep, again while the store does not answer.
func (r *Runner) keepPaid(ctx context.Context, j core.Job, res core.Result) (out *core.JobOutcome, err error) {
	ctx, cancel := context.WithTimeout(ctx, keepFor)
	defer cancel()
	for try := 0; ; try++ {
		if out, err = r.keep(ctx, j, res); core.ErrorCode(err) != core.CodeRetry || r.Clock.Sleep(ctx, time.Second<<min(try, 4)) != nil {
			return out, err
		}
	}
}

// keep stores a result's pictures with their own bytes and makes the grid.
func (r *Runner) keep(ctx context.Context, j core.Job, res core.Result) (*core.JobOutcome, error) {
	out := &core.JobOutcome{Text: res.Text, Seed: res.Seed, Model: res.Model, RequestID: res.RequestID, Dropped: res.Dropped, Cost: res.Cost}
	if !res.Note.IsZero() {
		out.Note = res.Note.In(r.roomLang(ctx, j))
	}
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
	if core.ErrorCode(err) == core.CodeRetry {
		return nil, err
	}
	if err != nil {
		r.Log.WarnContext(ctx, "no grid made", "error", err) // the pictures count
		return out, nil
	}
	out.Grid = &grid
	return out, nil
}

// finish counts and tells the last step and takes the job out of the queue, in this order, so that a crash in between
// only counts and tells it again, which is the same.
func (r *Runner) finish(ctx context.Context, j core.Job, ev core.JobEvent, res *core.Result) bool {
	for ctx.Err() == nil {
		err := r.Desk.settle(ctx, j, ev.State, res)
		if err == nil {
			err = r.tell(ctx, j, ev)
		}
		if err == nil {
			_, err = r.Desk.move(ctx, j, ev.State)
		}
		if err == nil || core.ErrorCode(err) == core.CodeNotFound {
			return true
		}
		r.Log.WarnContext(ctx, "job not settled", "job", j.ID, "error", err)
		if r.Clock.Sleep(ctx, time.Second) != nil {
			return false
		}
	}
	return false
}
