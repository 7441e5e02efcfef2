package relay

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// CatchUp reads what was said in threads while nobody listened. Each holder of a partition reads that partition's
// threads, one at a time per platform, so that a slow platform holds up only itself; how fast is the platform
// adapters' pacing.
type CatchUp struct {
	Platforms map[core.PlatformName]core.Platform
	Refs      core.Refs
	Comments  core.Comments
	Receiver  core.Receiver
	Gaps      core.Gaps
	// Age bounds how far back is read; Messages bounds how many messages of one thread are read again for edits,
	// deletions and reactions. Zero means the defaults: 7 days and 1,000.
	Age      time.Duration
	Messages int
	// Limiter paces the reading of what may have changed in known threads, so that it does not take the platforms' limits
	// from what people wait for. It may be nil.
	Limiter core.Limiter
	// Listens tells of a platform that gives what it could not deliver to another process (Slack's sockets) whether this
	// process hears it now: while another one does, a new connection is no gap.
	Listens map[core.PlatformName]func() bool
	// Posts tells what we posted last in a thread; it may be nil.
	Posts core.Posts
	// Vanished is told of more messages of one thread being gone than anybody believes without asking. It may be nil.
	Vanished  func(ctx context.Context, t *core.Thread, count int)
	Clock     core.Clock
	Log       *slog.Logger
	Telemetry core.Telemetry

	mu      sync.Mutex
	newest  map[core.PlatformName]core.Gap
	noted   map[core.PlatformName]core.Gap // what the store knows of
	alone   bool
	began   core.Gap                       // when Hearing was first asked
	told    map[core.PlatformName]core.Gap // told of by a platform that another process may hear
	changed chan struct{}                  // closed when newest grows
	hurried map[core.Partition]map[core.PlatformName]*urgent
}

const (
	defaultAge      = 7 * 24 * time.Hour
	defaultMessages = 1000
	// gapPoll is how often other processes' gaps are looked up.
	gapPoll = time.Second
	// aloneWait gives the platforms a moment to connect at start, so that each thread is read once.
	aloneWait = 2 * time.Second
	// sweepEvery is how often active threads are read without any known gap.
	sweepEvery = 10 * time.Minute
	// catchUpRetry is how long a thread rests whose reading failed.
	catchUpRetry = 5 * time.Second
	// maxThreads bounds the threads of one partition in one pass, the most recent first.
	maxThreads = 2000
	// catchUpPage is how many messages one read asks for.
	catchUpPage = 100
	// maxHurried bounds the threads that wait to be read first.
	maxHurried = 1000
)

// urgent are threads that somebody speaks in right now.
type urgent struct {
	threads []want
	wake    chan struct{}
}

type want struct {
	thread *core.Thread
	gap    core.Gap
}

// Gap tells that events of a platform may have been missed up to now. It returns at once.
func (c *CatchUp) Gap(p core.PlatformName) {
	gap := core.Gap(c.Clock.Now().UnixMilli())
	if c.Listens[p] == nil {
		c.raise(p, gap)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.prepare()
	c.told[p] = gap
	close(c.changed)
	c.changed = make(chan struct{})
}

// Refused tells that events of a platform could not be stored for a while. It returns at once.
func (c *CatchUp) Refused(p core.PlatformName) { c.raise(p, core.Gap(c.Clock.Now().UnixMilli())) }

// listen notes who hears the platforms that have several listeners, and turns what was told of them into gaps where
// nobody else heard.
func (c *CatchUp) listen(ctx context.Context) {
	for p, hears := range c.Listens {
		others, err := c.Gaps.Listening(ctx, p, hears())
		c.mu.Lock()
		gap := c.told[p]
		delete(c.told, p)
		c.mu.Unlock()
		switch {
		case gap == 0:
		case err != nil || others == 0:
			c.raise(p, gap)
		default:
			c.raise(hint(p), gap)
		}
	}
}

// Alone tells that no other process was there at start: everything since the last one stopped may have been missed.
func (c *CatchUp) Alone() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.alone = true
}

// Newest returns the newest gap of a platform that this process knows of.
func (c *CatchUp) Newest(p core.PlatformName) core.Gap {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.newest[p]
}

// Hearing returns the newest gap that what is heard now may follow upon. The start of this process counts as one: events
// may come before their platform has told that it was not connected.
func (c *CatchUp) Hearing(p core.PlatformName) core.Gap {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.began == 0 {
		c.began = core.Gap(c.Clock.Now().UnixMilli())
	}
	return max(c.began, c.newest[p], c.told[p])
}

func (c *CatchUp) raise(p core.PlatformName, g core.Gap) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.prepare()
	if g > c.newest[p] {
		c.newest[p] = g
		close(c.changed)
		c.changed = make(chan struct{})
	}
}

// prepare makes the maps; the lock is held.
func (c *CatchUp) prepare() {
	if c.newest == nil {
		c.newest, c.noted = map[core.PlatformName]core.Gap{}, map[core.PlatformName]core.Gap{}
		c.told = map[core.PlatformName]core.Gap{}
		c.changed, c.hurried = make(chan struct{}), map[core.Partition]map[core.PlatformName]*urgent{}
	}
}

func (c *CatchUp) moved() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.prepare()
	return c.changed
}

// Run shares gaps with the other processes until the context ends.
func (c *CatchUp) Run(ctx context.Context) {
	began := c.Clock.Now()
	for ctx.Err() == nil {
		c.share(ctx, began)
		timer, cancel := context.WithTimeout(ctx, gapPoll)
		select {
		case <-timer.Done():
		case <-c.moved():
		}
		cancel()
	}
}

// share writes this process's gaps and reads the others'.
func (c *CatchUp) share(ctx context.Context, began time.Time) {
	c.listen(ctx)
	c.mu.Lock()
	c.prepare()
	ours := map[core.PlatformName]core.Gap{}
	for p, g := range c.newest {
		if g > c.noted[p] {
			ours[p] = g
		}
	}
	for p := range c.Platforms {
		if c.alone && c.newest[p] < core.Gap(began.UnixMilli()) && c.Clock.Now().Sub(began) >= aloneWait {
			ours[p] = core.Gap(c.Clock.Now().UnixMilli())
		}
	}
	c.mu.Unlock()
	for p, g := range ours {
		newest, err := c.Gaps.Note(ctx, p, g)
		if err != nil {
			c.Log.WarnContext(ctx, "gap not noted", "platform", p, "error", err)
			continue
		}
		c.Log.InfoContext(ctx, "events may have been missed; catching up", "platform", p)
		c.mu.Lock()
		c.noted[p] = newest
		c.mu.Unlock()
		c.raise(p, newest)
	}
	all, err := c.Gaps.Newest(ctx)
	if err != nil {
		if ctx.Err() == nil {
			c.Log.WarnContext(ctx, "gaps not read", "error", err)
		}
		return
	}
	for p, g := range all {
		c.mu.Lock()
		c.noted[p] = max(c.noted[p], g)
		c.mu.Unlock()
		c.raise(p, g)
	}
}

// Hurry asks for a thread's history before all others': somebody speaks there and waits for it.
func (c *CatchUp) Hurry(p core.Partition, t *core.Thread, gap core.Gap) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.prepare()
	u := c.urgency(p, t.Room.Platform())
	if len(u.threads) >= maxHurried {
		return
	}
	u.threads = append(u.threads, want{thread: t, gap: gap})
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

// urgency returns a partition's urgent threads; the lock is held.
func (c *CatchUp) urgency(p core.Partition, plat core.PlatformName) *urgent {
	if c.hurried[p] == nil {
		c.hurried[p] = map[core.PlatformName]*urgent{}
	}
	u := c.hurried[p][plat]
	if u == nil {
		u = &urgent{wake: make(chan struct{}, 1)}
		c.hurried[p][plat] = u
	}
	return u
}

// Work keeps the threads of a partition caught up while it is held; it implements Worker.
func (c *CatchUp) Work(ctx context.Context, p core.Partition, _ core.Lease) {
	if p[0] != 'p' {
		return
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	for name, plat := range c.Platforms {
		if h, ok := plat.(core.History); ok {
			r := &rereader{c: c, p: p, plat: name, history: h, done: map[string]core.Gap{}, whole: map[string]core.Gap{}}
			wg.Go(func() { r.run(ctx) })
		}
	}
}

// rereader reads one platform's threads of one partition.
type rereader struct {
	c       *CatchUp
	p       core.Partition
	plat    core.PlatformName
	history core.History
	// What was read, until the threads' records say so too.
	done, whole map[string]core.Gap
	taught      bool
	pending     int // threads that wait to be read, as the gauge has them
}

func (r *rereader) run(ctx context.Context) {
	c := r.c
	defer r.waits(0)
	swept, hinted := c.Clock.Now(), c.Newest(hint(r.plat))
	for ctx.Err() == nil {
		moved := c.moved()
		ok := r.urgent(ctx)
		gap := c.Newest(r.plat)
		if gap > 0 {
			ok = r.pass(ctx, gap) && ok
		}
		if h := c.Newest(hint(r.plat)); h > hinted || c.Clock.Now().Sub(swept) >= sweepEvery {
			swept, hinted = c.Clock.Now(), h
			ok = r.sweep(ctx) && ok
		}
		wait := sweepEvery - c.Clock.Now().Sub(swept)
		if !ok {
			wait = catchUpRetry
		}
		timer, cancel := context.WithTimeout(ctx, max(wait, time.Second))
		select {
		case <-timer.Done():
		case <-moved:
		case <-r.waiting():
		}
		cancel()
	}
}

// waiting is signalled when a thread becomes urgent.
func (r *rereader) waiting() <-chan struct{} {
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	r.c.prepare()
	return r.c.urgency(r.p, r.plat).wake
}

// urgent reads the threads that somebody waits for; false when one failed.
func (r *rereader) urgent(ctx context.Context) bool {
	ok := true
	for ctx.Err() == nil {
		r.c.mu.Lock()
		r.c.prepare()
		u := r.c.urgency(r.p, r.plat)
		if len(u.threads) == 0 {
			r.c.mu.Unlock()
			return ok
		}
		next := u.threads[0]
		u.threads = u.threads[1:]
		r.c.mu.Unlock()
		key := threadKey(next.thread.Room, next.thread.ID)
		if r.done[key] >= next.gap {
			continue
		}
		ok = r.read(ctx, next.thread, max(next.gap, r.c.Newest(r.plat))) && ok
	}
	return ok
}

// threads lists what is active, newest first.
func (r *rereader) threads(ctx context.Context) ([]*core.Thread, bool) {
	all, err := r.c.Refs.ActiveThreads(ctx, r.p, r.since(), maxThreads)
	if err != nil {
		if ctx.Err() == nil {
			r.c.Log.WarnContext(ctx, "active threads not read", "partition", r.p, "error", err)
		}
		return nil, false
	}
	var out []*core.Thread
	for _, t := range all {
		if t.Room.Platform() == r.plat {
			out = append(out, t)
		}
	}
	return out, true
}

func (r *rereader) since() time.Time {
	age := r.c.Age
	if age <= 0 {
		age = defaultAge
	}
	return r.c.Clock.Now().Add(-age)
}

// pass brings every active thread up to a gap: first what was said, then what was changed. False when one failed.
func (r *rereader) pass(ctx context.Context, gap core.Gap) bool {
	all, ok := r.threads(ctx)
	if !ok {
		return false
	}
	clearOld(r.done, all)
	clearOld(r.whole, all)
	news := &news{r: r}
	r.waits(r.behind(all, gap))
	for _, t := range all {
		if ctx.Err() != nil {
			return false
		}
		if key := threadKey(t.Room, t.ID); t.Caught < gap && r.done[key] < gap {
			ok = r.urgent(ctx) && ok
			if news.none(ctx, t) {
				ok = r.judge(ctx, t, gap, r.tell(ctx, t, gap, "", false)) && ok
			} else {
				ok = r.read(ctx, t, gap) && ok
			}
			r.waits(r.pending - 1)
		}
	}
	for _, t := range all {
		if ctx.Err() != nil || r.c.Newest(r.plat) > gap {
			return ok // what was said since the newer gap comes first
		}
		if key := threadKey(t.Room, t.ID); t.Checked < gap && r.whole[key] < gap {
			ok = r.urgent(ctx) && ok
			if r.pace(ctx) != nil {
				return false
			}
			ok = r.check(ctx, t, gap) && ok
		}
	}
	return ok
}

// clearOld forgets threads that are active no more.
func clearOld(seen map[string]core.Gap, all []*core.Thread) {
	if len(seen) <= maxThreads {
		return
	}
	active := map[string]bool{}
	for _, t := range all {
		active[threadKey(t.Room, t.ID)] = true
	}
	for k := range seen {
		if !active[k] {
			delete(seen, k)
		}
	}
}

// sweep reads the active threads that have news from their cursors: what no platform told of is found too.
func (r *rereader) sweep(ctx context.Context) bool {
	all, ok := r.threads(ctx)
	news := &news{r: r}
	for _, t := range all {
		if ctx.Err() != nil {
			return false
		}
		ok = r.urgent(ctx) && ok
		if news.none(ctx, t) {
			continue
		}
		_, _, err := r.tellSince(ctx, t, t.Cursor, nil)
		ok = r.judge(ctx, t, r.c.Newest(r.plat), err) && ok
	}
	return ok
}

// read tells what was said in a thread since its cursor; a short thread is read whole at once. False when it failed
// and should be tried again.
func (r *rereader) read(ctx context.Context, t *core.Thread, gap core.Gap) bool {
	_, total, err := r.c.Comments.Comments(ctx, t.Task, 0, 0)
	if err != nil {
		return r.judge(ctx, t, gap, err)
	}
	if total < catchUpPage && t.Checked < gap && r.whole[threadKey(t.Room, t.ID)] < gap {
		return r.check(ctx, t, gap)
	}
	last, _, err := r.tellSince(ctx, t, t.Cursor, nil)
	if err == nil {
		err = r.tell(ctx, t, gap, last, false)
	}
	return r.judge(ctx, t, gap, err)
}

// tell notes in the journal, behind everything that was found, how far a thread was read.
func (r *rereader) tell(ctx context.Context, t *core.Thread, gap core.Gap, last core.MessageID, whole bool) error {
	in := core.Inbound{ID: core.InboundID("caughtup-" + core.Digest(24, string(t.Room), string(t.ID), itoa(int(gap)), boolWord(whole))), Kind: core.InboundCaughtUp,
		At: r.c.Clock.Now().UTC(), Room: t.Room, Thread: t.ID, CatchUp: true, Gap: gap, Whole: whole}
	if last != "" {
		in.Message = &core.Message{ID: last}
	}
	if err := r.c.Receiver.Receive(ctx, in); err != nil {
		return err
	}
	key := threadKey(t.Room, t.ID)
	r.done[key] = max(r.done[key], gap)
	if whole {
		r.whole[key] = max(r.whole[key], gap)
	}
	return nil
}

func boolWord(b bool) string {
	if b {
		return "whole"
	}
	return "new"
}

// judge logs a failed reading and says whether the thread is settled anyway: one that is no longer there is.
func (r *rereader) judge(ctx context.Context, t *core.Thread, gap core.Gap, err error) bool {
	switch core.ErrorCode(err) {
	case "":
		return true
	case core.CodeGone, core.CodeNotFound, core.CodeForbidden, core.CodeInvalid, core.CodeUnsupp:
		r.c.Log.InfoContext(ctx, "thread cannot be caught up", "room", t.Room, "thread", t.ID, "error", err)
		// Nobody need wait for a history that cannot be read.
		return r.tell(ctx, t, gap, "", true) == nil
	}
	if ctx.Err() == nil {
		r.c.Log.WarnContext(ctx, "thread not caught up", "room", t.Room, "thread", t.ID, "error", err)
	}
	return false
}
