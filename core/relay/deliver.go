package relay

import (
	"context"
	"log/slog"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// Desk takes jobs in and out of the queue.
type Desk interface {
	// Submit queues a job, once, and returns its place in its account's queue, 1 first, 0 when it does not wait there.
	Submit(ctx context.Context, j core.Job) (position int, err error)
	// End ends a job in a final state; a job that is not there has ended.
	End(ctx context.Context, j core.Job, s core.JobState) error
	// Link tests and links the credential that an outgoing names, and tells its person.
	Link(ctx context.Context, o core.Outgoing) error
}

// Holder keeps what people are told later.
type Holder interface {
	// Hold keeps what an outgoing of kind OutHold holds until its At, once.
	Hold(ctx context.Context, o core.Outgoing) error
}

// Deliverer brings outgoings to the platforms and settles them.
type Deliverer struct {
	Platforms map[core.PlatformName]core.Platform
	Journal   core.Journal
	Changes   core.Changes
	Comments  core.Comments
	Refs      core.Refs
	Glances   core.Glances
	Posts     core.Posts
	People    core.People
	Projects  core.Projects
	Desk      Desk
	Holder    Holder
	Blobs     core.Blobs
	Imaging   core.Imaging
	Charts    core.Charts
	Annotator core.Annotator
	Receiver  core.Receiver
	Cards     Cards
	// Evidence finds a provider's job id and prompt in a message that a person pointed at and in a picture's bytes.
	Evidence func(t *core.MenuTarget, picture []byte) (id, prompt string)
	// Forgetful says that the store may lose its last second: it has replicas that take over.
	Forgetful bool
	// Translator writes lines in rooms in their project's language, and answers in their reader's; nil writes English.
	Translator core.Translator
	Clock      core.Clock
	Log        *slog.Logger
	Telemetry  core.Telemetry

	opening opening
	files   onceByKey
	settled settledLog
}

const (
	// sendTimeout bounds one call of Platform.Deliver, uploads included.
	sendTimeout = 60 * time.Second
	// cutAfter bounds how long a post goes on after the lease was lost.
	cutAfter = 20 * time.Second
	// lastWords bounds the recording of a delivery after the partition's work has ended.
	lastWords = 2 * time.Second
	// maxUnknown bounds how often a delivery whose outcome is unknown is looked up and tried again.
	maxUnknown = 8
	// maxGone bounds how often what was found of an earlier try may vanish before it counts as deleted by somebody.
	maxGone = 2
)

// settle delivers one entry until it is done, given up or the partition is passed on; false in the last case.
func (d *Deliverer) settle(h *holding, e core.Entry[core.Outgoing]) bool {
	// A lost lease does not cut off what is being posted: its answer tells what must be taken back.
	ctx, release := h.outlive(cutAfter)
	defer release()
	ctx = core.WithMayPost(d.Telemetry.Continue(ctx, e.Item.Trace), h.sure)
	ctx, traced := d.Telemetry.Start(core.WithLog(ctx, slog.String("delivery", string(e.Item.ID))), "deliver", slog.String("kind", string(e.Item.Kind)))
	var last error
	defer func() { traced(last) }()
	log := d.Log.With("partition", h.p, "kind", e.Item.Kind, "room", e.Item.Room)
	t := &try{p: h.p, l: h.l, out: e.Item, since: e.Item.At, heir: e.Replayed && !e.Item.Again, shown: e.Shown}
	if e.Replayed || e.Item.Again || d.Forgetful && before(e.ID, h.l) {
		// An earlier holder, or an earlier try that was given up, may have sent it. What lay there before the lease began is
		// looked for too where the store may have failed over and forgotten that it was handed out.
		t.unknown = 1
		t.left = true
		if at, ok := storedAt(e.ID); ok && !e.Item.Again {
			t.since = at.Add(-clockSlack * time.Millisecond) // nobody tried it before it was stored
		}
	}
	if done, ok := d.settled.get(e.ID, e.Item.ID); ok {
		// The store failed over and forgot what this process did.
		t.place = done
		return d.finish(ctx, t, e.ID, nil)
	}
	defer func() {
		if t.opened != nil {
			t.opened()
		}
	}()
	for n := 1; ; n++ {
		err := e.Err
		if err == nil {
			err = h.sure(ctx)
		}
		if err == nil {
			err = d.once(ctx, t)
		}
		if h.ctx.Err() != nil && err != nil {
			return false
		}
		code := core.ErrorCode(err)
		last = err
		if code == core.CodeGone && t.posting && t.unknown > 0 && t.gone < maxGone {
			// A holder that was late took back what it had posted, after this one had found it there.
			t.gone, t.done, code = t.gone+1, nil, core.CodeUnknown
		}
		wait := backoff(n)
		var dead *core.DeadLetter
		switch {
		case err == nil, code == core.CodeGone && t.out.Kind != core.OutNotice && t.place == nil && !t.posting:
		case code == core.CodeRetry, code == core.CodeFatal:
			// A platform that refuses the token has had its alarm; what is for it waits until it takes us again.
			log.InfoContext(ctx, "delivery waits", "error", err, "tries", n)
			if after := core.RetryAfter(err); after > 0 {
				wait = after // the platform knows best
			}
		case code == core.CodeUnknown && t.unknown < maxUnknown:
			log.WarnContext(ctx, "delivery's outcome unknown", "error", err, "tries", n)
			t.unknown++
		default:
			log.ErrorContext(ctx, "delivery given up", "error", err, "tries", n)
			dead = deadDelivery(t.out, err, n, d.Clock.Now())
			t.gaveUp(d.room(ctx, t.out).Error(err))
		}
		if err == nil || dead != nil || code == core.CodeGone {
			d.measure(t.out, err, dead != nil)
			return d.finish(ctx, t, e.ID, dead)
		}
		d.Telemetry.Count(core.MetricRetries, string(t.out.Platform()), string(code))
		if d.Clock.Sleep(h.taking, wait) != nil {
			return false
		}
	}
}

// finish records the outcome. Redis being away only delays it: what was sent is known here.
func (d *Deliverer) finish(ctx context.Context, t *try, id core.EntryID, dead *core.DeadLetter) bool {
	if ctx.Err() != nil {
		// It was sent while the partition was being given up: recorded now, or taken back if somebody else has it.
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), lastWords)
		defer cancel()
	}
	for n := 1; ; n++ {
		err := d.Journal.Settle(ctx, t.p, t.l, id, core.Settled{Place: t.place, Dead: dead, Mark: t.mark})
		switch {
		case err == nil:
			d.settled.put(id, t.out.ID, t.place)
			return true
		case core.ErrorCode(err) == core.CodeGone:
			d.undo(ctx, t)
			return false
		case ctx.Err() != nil:
			return false
		}
		d.Log.WarnContext(ctx, "delivery not settled", "error", err)
		if d.Clock.Sleep(ctx, backoff(n)) != nil {
			return false
		}
	}
}

// undo removes a message that was posted after the partition had passed to another holder, unless the new holder
// recorded that very message.
func (d *Deliverer) undo(ctx context.Context, t *try) {
	if t.place == nil || len(t.done) == 0 || !t.posting {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout)
	defer cancel()
	placed, err := d.Refs.Placed(ctx, t.p, t.place.Object)
	if err != nil {
		return
	}
	for _, m := range placed[t.out.Room].Parts {
		if m == t.done[0] {
			return
		}
	}
	_, err = d.Platforms[t.out.Room.Platform()].Deliver(ctx, core.Delivery{ID: t.out.ID + "-undo", Op: core.OpDelete, Room: t.out.Room, Thread: t.place.Thread, Target: t.done})
	d.Log.WarnContext(ctx, "late delivery removed", "delivery", t.out.ID, "error", err)
}

// once makes one try.
func (d *Deliverer) once(ctx context.Context, t *try) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = core.Wrap(core.CodeInternal, panicError(r))
		}
	}()
	ctx, cancel := context.WithTimeoutCause(ctx, sendTimeout, core.Wrap(core.CodeUnknown, context.DeadlineExceeded))
	defer cancel()
	switch t.out.Kind {
	case core.OutCard:
		return d.card(ctx, t)
	case core.OutComment:
		return d.comment(ctx, t)
	case core.OutReact:
		return d.react(ctx, t)
	case core.OutNotice, core.OutPost:
		return d.notice(ctx, t)
	case core.OutAnswer:
		return d.answer(ctx, t)
	case core.OutDirect:
		return d.direct(ctx, t)
	case core.OutJob:
		return d.job(ctx, t)
	case core.OutHold:
		return d.Holder.Hold(ctx, t.out)
	case core.OutImport:
		return d.importPicture(ctx, t)
	case core.OutFetch:
		return d.fetchFor(ctx, t)
	case core.OutLink:
		return d.Desk.Link(ctx, t.out)
	case core.OutRemove:
		return d.remove(ctx, t)
	}
	return core.Errorf(core.CodeInternal, "unknown outgoing kind %s", t.out.Kind)
}

// send hands a delivery to its platform and records what came of a post.
func (d *Deliverer) send(ctx context.Context, t *try, v core.Delivery) (core.Receipt, error) {
	plat := d.Platforms[v.Room.Platform()]
	if v.Room == "" {
		plat = d.Platforms[v.To.Platform()]
	}
	if plat == nil {
		return core.Receipt{}, core.Errorf(core.CodeUnsupp, "That platform is not connected.")
	}
	v.Lang = func() core.Lang { return d.speak(ctx, t.out) }
	v.ID, v.Attempt, v.Since, v.Tried = t.out.ID, t.unknown, t.since, d.Clock.Now()
	if t.heir {
		v.Tried, t.heir = time.UnixMilli(t.l.Fence+clockSlack), false // earlier holders had their say before
	}
	t.posting = v.Op == core.OpPost
	if t.posting {
		v.Target = t.done
		// What this holder tried lies behind all that is recorded: one delivery is under way in a thread. What earlier ones
		// left may not: one of them may have tried it and died, the next have posted others first, and died too.
		if t.unknown > 0 && !t.left && d.Posts != nil && t.out.Task != "" {
			var err error
			if v.After, err = d.Posts.Newest(ctx, t.out.Task, v.Room); err != nil {
				return core.Receipt{}, err
			}
		}
	}
	began := d.Clock.Now()
	r, err := plat.Deliver(ctx, v)
	d.Telemetry.Observe(core.MetricDeliveryTime, d.Clock.Now().Sub(began), string(plat.Name()))
	if t.posting {
		t.done = r.Parts
	}
	if err == nil && len(r.Notes) > 0 {
		d.Log.WarnContext(ctx, "not everything could be shown", "delivery", v.ID, "room", v.Room, "notes", r.Notes)
	}
	return r, err
}

// threadOf returns a task's thread in a room.
func (d *Deliverer) threadOf(ctx context.Context, t *try) (core.ThreadID, error) {
	th, err := t.thread, error(nil)
	if th == nil {
		th, err = d.Refs.TaskThread(ctx, t.out.Task, t.out.Room)
	}
	if core.ErrorCode(err) == core.CodeNotFound {
		return "", core.Errorf(core.CodeNotFound, "%s has no thread in this room.", t.out.Task)
	}
	if err != nil {
		return "", err
	}
	return th.ID, nil
}

// card posts a card or brings it up to date.
func (d *Deliverer) card(ctx context.Context, t *try) error {
	shown, err := d.Cards.Card(ctx, t.out.Object, t.out.Room)
	if err != nil {
		return err
	}
	placed, err := d.Refs.Placed(ctx, t.p, t.out.Object)
	if err != nil {
		return err
	}
	at, exists := t.sees(placed)
	switch {
	case exists && at.Rev >= shown.Rev, !exists && shown.Gone:
		return nil
	case shown.Gone:
		v := core.Delivery{Op: core.OpDelete, Room: t.out.Room, Thread: at.Thread, Target: at.Parts}
		if _, err := d.send(ctx, t, v); err != nil && core.ErrorCode(err) != core.CodeGone {
			return err
		}
		t.shows(core.Placement{Thread: at.Thread, Rev: shown.Rev})
		return nil
	}
	if t.unknown == 0 && !exists {
		t.tried = shown.Rev + 1
	}
	if !exists && shown.Thread != "" && t.opened == nil {
		t.opened = d.opening.begin(t.out.Room)
	}
	// Asked before the thread is there: nothing in it can be older.
	gap := core.Gap(d.Clock.Now().UnixMilli())
	v := core.Delivery{Op: core.OpPost, Room: t.out.Room, Card: &shown.Card, Files: d.cardFiles(&shown.Card), ThreadName: shown.Thread, Handles: at.Handles, Changed: t.unknown > 0 && t.tried != shown.Rev+1}
	if shown.Thread == "" {
		if v.Thread, err = d.threadOf(ctx, t); err != nil {
			return err
		}
	}
	if exists {
		v.Op, v.Target, v.Thread, v.ThreadName = core.OpEdit, at.Parts, at.Thread, ""
	}
	r, err := d.send(ctx, t, v)
	if err != nil {
		return err
	}
	if v.Op == core.OpPost && t.unknown > 0 && t.tried != shown.Rev+1 {
		if r, err = d.refresh(ctx, t, v, r); err != nil {
			return err
		}
	}
	t.shows(core.Placement{Thread: v.Thread, Parts: r.Parts, Rev: shown.Rev, Handles: r.Handles})
	if exists {
		t.place.Parts = at.Parts
		if len(r.Parts) > 0 {
			t.place.Parts = r.Parts
		}
	}
	if v.ThreadName != "" && r.Thread != "" && len(r.Parts) > 0 {
		if t.unknown > 0 {
			gap = 0 // it may have been opened long ago
		}
		t.place.Opens = &core.Thread{Room: t.out.Room, ID: r.Thread, Task: t.out.Task, Root: r.Parts[0], Cursor: r.Parts[0], Active: d.Clock.Now().UTC(), Caught: gap, Checked: gap}
	}
	return nil
}

// refresh brings a message up to date that an earlier try may have posted with what was true then.
func (d *Deliverer) refresh(ctx context.Context, t *try, v core.Delivery, posted core.Receipt) (core.Receipt, error) {
	v.Op, v.Target, v.Handles, v.ThreadName = core.OpEdit, posted.Parts, posted.Handles, ""
	r, err := d.send(ctx, t, v)
	t.posting, t.done = true, posted.Parts
	if len(r.Parts) == 0 {
		r.Parts = posted.Parts
	}
	r.Thread = posted.Thread
	return r, err
}

// cardFiles makes the card's stored pictures openable.
func (d *Deliverer) cardFiles(c *core.Card) []core.File {
	var out []core.File
	for _, im := range c.Images {
		if im.Blob != "" {
			out = append(out, d.file(im.Blob, im.Name, im.MIME, 0, im.Alt))
		}
	}
	return out
}

// notice posts a line or a card in the task's thread, or in the room itself, once.
func (d *Deliverer) notice(ctx context.Context, t *try) error {
	placed, err := d.Refs.Placed(ctx, t.p, t.out.Object)
	if err != nil {
		return err
	}
	if _, exists := placed[t.out.Room]; exists {
		return nil
	}
	thread, topic := core.ThreadID(""), ""
	if t.out.Kind == core.OutPost {
		topic = topicOf(t.out)
	} else if thread, err = d.threadOf(ctx, t); err != nil {
		return err
	}
	if err := d.draw(ctx, t); err != nil {
		return err
	}
	v := core.Delivery{Op: core.OpPost, Room: t.out.Room, Thread: thread, Topic: topic, Text: d.localise(ctx, t.out.Text, t.out.Room), Card: t.out.Card}
	if t.out.Card != nil {
		v.Files = d.cardFiles(t.out.Card)
	}
	r, err := d.send(ctx, t, v)
	if err != nil {
		return err
	}
	if r.Thread != "" {
		thread = r.Thread // a forum post is its own thread
	}
	t.place = &core.PlaceWrite{Object: t.out.Object, Room: t.out.Room, Placement: core.Placement{Thread: thread, Parts: r.Parts, Handles: r.Handles}, Posted: true}
	return nil
}

// answer answers the interaction privately; when that is no longer possible, by direct message.
func (d *Deliverer) answer(ctx context.Context, t *try) error {
	if err := d.draw(ctx, t); err != nil {
		return err
	}
	v := core.Delivery{Op: core.OpAnswer, Room: t.out.Room, Thread: t.out.Thread, Card: t.out.Card, Text: t.out.Text, Reply: t.out.Reply, To: t.out.To}
	if v.Card != nil {
		v.Files = d.cardFiles(v.Card)
	}
	if t.out.Reply.Kind == core.ReplyNone {
		return d.direct(ctx, t)
	}
	expired := !t.out.Reply.Expires.IsZero() && d.Clock.Now().After(t.out.Reply.Expires)
	if !expired {
		_, err := d.send(ctx, t, v)
		if core.ErrorCode(err) != core.CodeGone {
			return err
		}
	}
	return d.direct(ctx, t)
}

// direct writes to a person. An identity that takes no direct messages is no fault: the work is in its thread anyway.
func (d *Deliverer) direct(ctx context.Context, t *try) error {
	if t.out.To == "" {
		return nil
	}
	if err := d.draw(ctx, t); err != nil {
		return err
	}
	v := core.Delivery{Op: core.OpDirect, Card: t.out.Card, Text: t.out.Text, To: t.out.To}
	if v.Card != nil {
		v.Files = d.cardFiles(v.Card)
	}
	_, err := d.send(ctx, t, v)
	switch core.ErrorCode(err) {
	case core.CodeForbidden, core.CodeGone, core.CodeUnsupp:
		d.Log.InfoContext(ctx, "direct message not possible", "to", t.out.To, "error", err)
		return nil
	}
	return err
}

// remove deletes somebody's message that holds a key, where the platform lets us; they were told to do it themselves.
func (d *Deliverer) remove(ctx context.Context, t *try) error {
	_, err := d.send(ctx, t, core.Delivery{Op: core.OpDelete, Room: t.out.Room, Thread: t.out.Thread, Target: []core.MessageID{t.out.Message}})
	switch core.ErrorCode(err) {
	case core.CodeForbidden, core.CodeGone, core.CodeUnsupp, core.CodeNotFound, core.CodeInvalid:
		d.Log.InfoContext(ctx, "message with a key not removed", "room", t.out.Room, "error", err)
		return nil
	}
	return err
}

// job puts a job into its person's queue, or takes it out.
func (d *Deliverer) job(ctx context.Context, t *try) error {
	j := *t.out.Job
	if t.out.Cancel {
		state := core.JobCancelled
		if j.State.Final() {
			state = j.State
		}
		return d.Desk.End(ctx, j, state)
	}
	pos, err := d.Desk.Submit(ctx, j)
	if err != nil || pos < 2 {
		return err
	}
	ev := core.JobEvent{Job: j.ID, Version: j.Version, State: core.JobQueued, Position: pos}
	return d.Receiver.Receive(ctx, JobInbound(ev, d.Clock.Now()))
}

// JobInbound wraps a job's step as an inbound; the same step twice is one inbound.
func JobInbound(ev core.JobEvent, at time.Time) core.Inbound {
	id := core.Digest(24, string(ev.Job), string(ev.State), itoa(ev.Progress), itoa(ev.Position))
	return core.Inbound{ID: core.InboundID("job-" + id), Kind: core.InboundJob, At: at, Job: &ev}
}
