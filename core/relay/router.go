package relay

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// Scope is where and by whom an inbound happened, as far as it is known before a use case looks at it.
type Scope struct {
	Partition core.Partition
	In        core.Inbound
	Replayed  bool // handed out before; a billable command needs its acknowledgement note
	Person    *core.Person
	Room      *core.Room // nil in direct messages; an empty Project when unbound
	Project   *core.Project
	Thread    *core.Thread // nil outside task threads
	Lang      core.Lang    // how to speak to whoever did it
	Talk      *core.Thread // the room's own talk or a thread of it, where that is mirrored

	glance *core.Spoken // what was seen of a message at the beginning; nil when it was not looked for, or is of no use any more
}

// spoken is the thread that talk belongs to, of a task or not; nil when there is none.
func (s Scope) spoken() *core.Thread {
	if s.Thread != nil {
		return s.Thread
	}
	return s.Talk
}

// Commands are the use cases that the router calls, one method for each kind of inbound that is none of talk, which is why
// there are more than five. Each returns the change that the inbound leads to; an error with a
// safe message is told to the person who asked.
type Commands interface {
	// Command handles a command, a press or a submitted modal.
	Command(ctx context.Context, s Scope) (core.Change, error)
	// Job handles a step of a job.
	Job(ctx context.Context, s Scope) (core.Change, error)
	// Imported handles a picture that a person brought.
	Imported(ctx context.Context, s Scope) (core.Change, error)
	// Linked handles the outcome of linking an account.
	Linked(ctx context.Context, s Scope) (core.Change, error)
	// Ticked settles a comment that somebody ticked with a reaction, or opens it again, if they may: task and comment are
	// changed then, and settled is true.
	Ticked(ctx context.Context, s Scope, t *core.Task, m *core.Comment, on bool) (out []core.Outgoing, settled bool)
	// Voted handles a reaction to a card.
	Voted(ctx context.Context, s Scope, card core.ObjectID) (core.Change, error)
	// Uploaded says whether a comment's file may be a result brought back, and what to fetch then.
	Uploaded(ctx context.Context, s Scope, c *core.Comment) ([]core.Outgoing, error)
	// Commented returns what is written to whoever wants to know of a comment that was said in a task's thread.
	Commented(ctx context.Context, s Scope, t *core.Task, c *core.Comment) ([]core.Outgoing, error)
}

// Router implements Handler: it finds an inbound's scope and hands it to the talk or to the commands.
type Router struct {
	Parts    core.Partitions
	People   core.People
	Projects core.Projects
	Tasks    core.Tasks
	Comments core.Comments
	Refs     core.Refs
	Glances  core.Glances
	Changes  core.Changes
	Journal  core.Journal
	Commands Commands
	// Opening waits for a thread that is being opened in a room; Deliverer.Opening.
	Opening func(ctx context.Context, room core.RoomID) bool
	// Hurry asks for a thread's history; CatchUp.Hurry. Without it nothing waits for history.
	Hurry func(p core.Partition, t *core.Thread, gap core.Gap)
	// Translator speaks to people in their language; nil speaks English.
	Translator core.Translator
	Clock      core.Clock
	Log        *slog.Logger

	noted noted
}

var _ Handler = (*Router)(nil)

// Opening waits until a thread being opened in the room is recorded; false at once when there is none.
func (d *Deliverer) Opening(ctx context.Context, room core.RoomID) bool {
	return d.opening.wait(ctx, room)
}

// Handle settles one inbound.
func (r *Router) Handle(ctx context.Context, t Turn) error {
	s := Scope{Partition: t.Partition, In: t.Entry.Item, Replayed: t.Entry.Replayed}
	if err := r.fill(ctx, &s); err != nil {
		return err
	}
	if !t.Must {
		if err := r.early(ctx, s); err != nil {
			return err
		}
	}
	var c core.Change
	moved, err := r.forward(ctx, s)
	if err == nil && !moved {
		c, err = r.dispatch(ctx, s)
	}
	var told *core.Error
	switch code := core.ErrorCode(err); {
	case err == nil:
	case code == core.CodeConflict && errors.As(err, &told) && told.Message != "":
		// "You approved v1 already": a conflict of people, not of records.
		c = r.explain(ctx, s, err)
	case code == core.CodeRetry, code == core.CodeConflict, code == core.CodeGone:
		return err
	default:
		c = r.explain(ctx, s, err)
	}
	c.Partition, c.Lease, c.Handled, c.Inbound = t.Partition, t.Lease, t.Entry.ID, s.In.ID
	c.Took, c.AtOnce = t.Took, t.AtOnce
	for i := range c.Out {
		c.Out[i].Trace = s.In.Trace
		if c.Out[i].Job != nil {
			c.Out[i].Job.Trace = s.In.Trace
		}
	}
	return r.Changes.Apply(ctx, c)
}

// early asks for the history of a thread that live talk came to before it was caught up.
func (r *Router) early(ctx context.Context, s Scope) error {
	if r.Hurry == nil || !waits(s.In) {
		return nil
	}
	th := s.spoken()
	if th == nil && s.In.Thread != "" && r.mirrors(s) {
		// What this thread hangs on may be news of the room itself.
		var err error
		if th, err = r.Refs.Thread(ctx, s.Partition, s.In.Room, ""); core.ErrorCode(err) == core.CodeNotFound {
			return nil
		} else if err != nil {
			return err
		}
	}
	if th == nil {
		return nil
	}
	gap := s.In.Gap
	if s.In.Kind == core.InboundEdit && s.In.Message != nil && !s.In.Actor.Bot {
		_, _, err := r.Refs.Object(ctx, s.Partition, s.In.Room, s.In.Message.ID)
		if core.ErrorCode(err) == core.CodeNotFound {
			gap++ // an edit of what we never heard: something is missing although no gap is known
		} else if err != nil {
			return err
		}
	}
	if th.Caught >= gap {
		return nil
	}
	r.Hurry(s.Partition, th, gap)
	return early{thread: th.ID}
}

// forward passes an inbound on that was stored before its room's binding changed: it belongs to another partition.
func (r *Router) forward(ctx context.Context, s Scope) (moved bool, err error) {
	if s.Project == nil || s.In.Room == "" {
		return false, nil
	}
	right := r.Parts.OfProject(s.Project.Key)
	if right == s.Partition {
		return false, nil
	}
	_, err = r.Journal.Append(ctx, right, s.In)
	return err == nil, err
}

// explain turns an error into a private answer. Faults of ours are also kept as dead letters.
func (r *Router) explain(ctx context.Context, s Scope, err error) core.Change {
	var c core.Change
	if core.ErrorCode(err) == core.CodeInternal {
		r.Log.ErrorContext(ctx, "inbound failed", "inbound", s.In.ID, "kind", s.In.Kind, "error", err)
		c.Dead = deadInbound(s.In, err, r.Clock.Now())
	}
	if s.In.Reply.Kind != core.ReplyNone {
		card := core.Card{Body: core.Plain(s.Lang.Error(err)), Tone: core.ToneWarn}
		var offer interface{ Offer() [][]core.Button }
		if errors.As(err, &offer) {
			card.Buttons = offer.Offer()
		}
		c.Out = append(c.Out, Answer(s.In, card))
	}
	return c
}

// Answer makes the private answer to an inbound.
func Answer(in core.Inbound, card core.Card) core.Outgoing {
	return core.Outgoing{ID: core.MakeDeliveryID("", in.Room, "answer/"+string(in.ID)), Kind: core.OutAnswer, Room: in.Room, Thread: in.Thread,
		Card: &card, Reply: in.Reply, To: in.Actor.Identity, At: in.At}
}

// Bury settles an inbound that cannot be handled.
func (r *Router) Bury(ctx context.Context, t Turn, cause error) error {
	in := t.Entry.Item
	c := core.Change{Partition: t.Partition, Lease: t.Lease, Handled: t.Entry.ID, Dead: deadInbound(in, cause, r.Clock.Now()), Took: t.Took}
	if in.Reply.Kind != core.ReplyNone {
		c.Out = append(c.Out, Answer(in, core.Card{Body: core.Plain(LangOf(ctx, r.People, r.Translator, in.Actor).Error(cause)), Tone: core.ToneBad}))
	}
	return r.Changes.Apply(ctx, c)
}

// deadInbound keeps an inbound without its tokens.
func deadInbound(in core.Inbound, cause error, now time.Time) *core.DeadLetter {
	reason := in.Reason
	if cause != nil {
		reason = cause.Error()
	}
	in.Reply = core.ReplyHandle{}
	if in.Import != nil {
		got := *in.Import
		got.Import.Reply, in.Import = core.ReplyHandle{}, &got
	}
	d := &core.DeadLetter{ID: string(in.ID), Kind: core.DeadInbound, Reason: reason, Room: in.Room, At: now}
	keep(d, in)
	return d
}

// keep puts what was given up into a dead letter, as far as there is room.
func keep(d *core.DeadLetter, v any) {
	data, err := json.Marshal(v)
	if d.Cut = err != nil || len(data) > core.MaxDeadPayload; d.Cut {
		data = data[:min(len(data), 4<<10)]
	}
	d.Payload = string(data)
}

func (r *Router) fill(ctx context.Context, s *Scope) error {
	in := s.In
	if err := r.look(ctx, s); err != nil {
		return err
	}
	if in.Actor.Identity != "" && !in.Actor.Bot {
		p, err := r.People.Meet(ctx, in.Actor)
		if err != nil {
			return err
		}
		p = r.heard(ctx, p, in)
		s.Person, s.Lang = p, p.Lang(r.Translator)
		if s.Lang.Locale == "" {
			s.Lang.Locale = in.Actor.Locale
		}
	}
	if in.Room == "" {
		return nil
	}
	room, err := r.Projects.Room(ctx, in.Room)
	if core.ErrorCode(err) == core.CodeNotFound {
		room, err = &core.Room{ID: in.Room, Name: in.RoomName, Private: in.Private}, nil
	}
	if err != nil {
		return err
	}
	room.Private = room.Private || in.Private // it may have become so since it was bound
	s.Room = room
	if in.Thread != "" {
		if err := r.thread(ctx, s); err != nil {
			return err
		}
	}
	key := room.Project
	if th := s.spoken(); th != nil {
		key = th.Task.Project()
	}
	if key == "" {
		return nil
	}
	s.Project, err = r.Projects.Project(ctx, key)
	if core.ErrorCode(err) == core.CodeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	return r.roomTalk(ctx, s)
}

// look reads in one round trip what the handling of a message in a thread asks for.
func (r *Router) look(ctx context.Context, s *Scope) error {
	if s.In.Kind != core.InboundMessage || s.In.Message == nil || s.In.Thread == "" || s.In.Actor.Bot || s.Partition[0] != 'p' {
		return nil
	}
	seen, err := r.Glances.Spoken(ctx, s.Partition, s.In)
	if err != nil {
		return err
	}
	s.glance = &seen
	return nil
}

// object is Refs.Object for the message itself.
func (r *Router) object(ctx context.Context, s Scope) (core.ObjectID, bool, error) {
	switch g := s.glance; {
	case g == nil:
		return r.Refs.Object(ctx, s.Partition, s.In.Room, s.In.Message.ID)
	case !g.Known:
		return "", false, core.Wrap(core.CodeNotFound, errUnknown)
	default:
		return g.Object, g.Tomb, nil
	}
}

var errUnknown = errors.New("the message is not known yet")

// place puts the inbound into a thread.
func (s *Scope) place(th *core.Thread) {
	if th.Task.IsTalk() {
		s.Talk = th
	} else {
		s.Thread = th
	}
}

// openWait bounds how long a message waits for the card whose thread it may be in.
const openWait = 10 * time.Second

// thread finds the task thread that an inbound is in. A thread may be answered before the record of its opening is
// written: then this waits for that record.
func (r *Router) thread(ctx context.Context, s *Scope) error {
	if s.Partition[0] != 'p' {
		return nil
	}
	if s.glance != nil && s.glance.Thread != nil {
		s.place(s.glance.Thread)
		return nil
	}
	s.glance = nil // what follows may take a while
	wctx, cancel := context.WithTimeout(ctx, openWait)
	defer cancel()
	for {
		waited := r.Opening != nil && s.In.Kind != core.InboundDelete
		th, err := r.Refs.Thread(ctx, s.Partition, s.In.Room, s.In.Thread)
		if err == nil {
			s.place(th)
			return nil
		}
		if core.ErrorCode(err) != core.CodeNotFound {
			return err
		}
		if !waited || !r.Opening(wctx, s.In.Room) {
			th, err := r.Refs.Thread(ctx, s.Partition, s.In.Room, s.In.Thread)
			if err == nil {
				s.place(th)
			} else if core.ErrorCode(err) != core.CodeNotFound {
				return err
			}
			return nil
		}
	}
}

func (r *Router) dispatch(ctx context.Context, s Scope) (core.Change, error) {
	switch s.In.Kind {
	case core.InboundMessage, core.InboundEdit:
		return r.said(ctx, s)
	case core.InboundDelete:
		return r.deleted(ctx, s)
	case core.InboundReact, core.InboundUnreact:
		return r.reacted(ctx, s)
	case core.InboundCommand, core.InboundPress, core.InboundSubmit:
		if s.In.Reply.Kind == core.ReplyMention && s.In.Command != nil && strings.Contains(s.In.Command.Text, core.MaskedCredential) {
			return r.masked(s, s.In.Reply.Message), nil
		}
		return r.Commands.Command(ctx, s)
	case core.InboundJob:
		return r.Commands.Job(ctx, s)
	case core.InboundImport:
		return r.Commands.Imported(ctx, s)
	case core.InboundAccount:
		return r.Commands.Linked(ctx, s)
	case core.InboundCaughtUp:
		return caughtUp(s), nil
	case core.InboundUnreadable:
		return core.Change{Dead: deadInbound(s.In, nil, r.Clock.Now())}, nil
	}
	return core.Change{}, nil
}
