package relay

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// said handles a message or an edit in a task's thread: it becomes a comment, or changes one.
func (r *Router) said(ctx context.Context, s Scope) (core.Change, error) {
	m := s.In.Message
	if m == nil || s.In.Actor.Bot || s.Person == nil {
		return core.Change{}, nil
	}
	if s.spoken() == nil && !r.mirrors(s) {
		return r.inNoThread(ctx, s)
	}
	obj, tomb, err := r.object(ctx, s)
	switch {
	case tomb:
		return core.Change{}, nil // deleted before it was known; it stays deleted
	case err == nil:
		return r.edited(ctx, s, obj)
	case core.ErrorCode(err) != core.CodeNotFound:
		return core.Change{}, err
	}
	if m.Masked {
		return r.masked(s, s.In.Message.ID), nil
	}
	task, threads, err := r.talkOf(ctx, &s)
	if err != nil || task == nil {
		return core.Change{}, err
	}
	c := r.newComment(s, task)
	if m.ReplyTo != "" {
		parent, tomb, err := r.Refs.Object(ctx, s.Partition, s.In.Room, m.ReplyTo)
		kind, _, id := parent.Parts()
		switch {
		case err == nil && kind == "comment":
			c.ReplyTo = core.CommentID(id)
		case tomb, core.ErrorCode(err) == core.CodeNotFound:
			c.ReplyTo = core.MakeCommentID(s.In.Room, m.ReplyTo) // it may be on its way
		case err != nil:
			return core.Change{}, err
		}
	}
	out := core.Change{Comments: []*core.Comment{c}, Tasks: []*core.Task{task}, Threads: append(threads, seen(s))}
	task.Count(c)
	task.UpdatedAt = r.Clock.Now().UTC()
	obj = core.CommentObject(task.ID, c.ID)
	out.Place = append(out.Place, core.PlaceWrite{Object: obj, Room: s.In.Room,
		Placement: core.Placement{Thread: s.In.Thread, Parts: []core.MessageID{m.ID}, Source: true}})
	out.Out = spread(task.Rooms, s.In.Room, core.Outgoing{Kind: core.OutComment, Object: obj, Task: task.ID, At: c.At}, "0")
	if s.Thread != nil {
		pings, err := r.Commands.Commented(ctx, s, task, c)
		if err != nil {
			return core.Change{}, err
		}
		out.Out = append(out.Out, pings...)
	}
	if len(m.Files) > 0 && s.Thread != nil {
		more, err := r.Commands.Uploaded(ctx, s, c)
		if err != nil {
			return core.Change{}, err
		}
		out.Out = append(out.Out, more...)
	}
	return out, nil
}

// inNoThread keeps a message in a thread that nobody knows: it may hang on a card whose posting is not recorded yet.
func (r *Router) inNoThread(ctx context.Context, s Scope) (core.Change, error) {
	if s.In.Thread == "" || s.Project == nil || s.Partition[0] != 'p' || s.In.Kind != core.InboundMessage && s.In.Kind != core.InboundEdit {
		return core.Change{}, nil
	}
	_, _, err := r.Refs.Object(ctx, s.Partition, s.In.Room, core.MessageID(s.In.Thread))
	if core.ErrorCode(err) == core.CodeNotFound {
		return core.Change{Early: []core.Inbound{s.In}}, nil
	}
	return core.Change{}, err
}

// masked tells the author of a message with a key in it to revoke that key; the message goes nowhere.
func (r *Router) masked(s Scope, message core.MessageID) core.Change {
	gone := core.Outgoing{ID: core.MakeDeliveryID("", s.In.Room, "remove/"+string(s.In.ID)), Kind: core.OutRemove, Room: s.In.Room, Thread: s.In.Thread,
		Message: message, To: s.In.Actor.Identity, At: s.In.At}
	o := core.Outgoing{ID: core.MakeDeliveryID("", s.In.Room, "masked/"+string(s.In.ID)), Kind: core.OutDirect, To: s.In.Actor.Identity, At: s.In.At,
		Card: &core.Card{Tone: core.ToneWarn, Body: core.Plain(s.Lang.T("Your message looked as if it held a key or token. It was not passed on and the key was not kept. Revoke that key at its provider now, and delete the message."))}}
	return core.Change{Out: []core.Outgoing{o, gone}}
}

func (r *Router) newComment(s Scope, task *core.Task) *core.Comment {
	m := s.In.Message
	c := &core.Comment{
		ID: core.MakeCommentID(s.In.Room, m.ID), Task: task.ID,
		Source: core.MessageRef{Room: s.In.Room, Thread: s.In.Thread, ID: m.ID},
		Author: s.Person.ID, Identity: s.In.Actor.Identity, Name: s.In.Actor.Name, Avatar: s.In.Actor.Avatar,
		Text: titled(m), At: s.In.At.UTC(), EditedAt: m.EditedAt, EditTold: toldAt(s.In), Late: s.In.CatchUp && r.Clock.Now().Sub(s.In.At) > lateAfter, Found: s.In.CatchUp,
	}
	if !m.SaidAt.IsZero() {
		c.At = m.SaidAt.UTC() // its edit came first
	}
	if c.Name == "" || s.Person.Linked() {
		c.Name = s.Person.Name
	}
	if c.Avatar == "" || s.Person.Linked() && s.Person.Avatar != "" {
		c.Avatar = s.Person.Avatar
	}
	for _, f := range m.Files {
		c.Files = append(c.Files, core.Attached{Ref: f})
	}
	return c
}

// lateAfter is how old a message found by catch-up must be to be marked with its original time.
const lateAfter = time.Minute

// seen moves a thread's cursor forward. What came live while the thread was not caught up may have a hole before it:
// then the cursor stays.
func seen(s Scope) *core.Thread {
	c := *s.spoken()
	if (s.In.CatchUp || c.Caught >= s.In.Gap) && after(s.In.Message.ID, c.Cursor) {
		c.Cursor = s.In.Message.ID
	}
	if s.In.At.After(c.Active) {
		c.Active = s.In.At.UTC()
	}
	return &c
}

// caughtUp notes that a thread's history was read.
func caughtUp(s Scope) core.Change {
	if s.spoken() == nil {
		return core.Change{}
	}
	c := *s.spoken()
	c.Caught = max(c.Caught, s.In.Gap)
	if s.In.Whole {
		c.Checked = max(c.Checked, s.In.Gap)
	}
	if s.In.Message != nil && after(s.In.Message.ID, c.Cursor) {
		c.Cursor = s.In.Message.ID
	}
	return core.Change{Threads: []*core.Thread{&c}}
}

// after compares ids of one platform: by length, then by letters. Discord's ids and Slack's timestamps both grow so.
func after(a, b core.MessageID) bool {
	if len(a) != len(b) {
		return len(a) > len(b)
	}
	return a > b
}

// spread makes one outgoing for each room but one.
func spread(rooms []core.RoomID, except core.RoomID, o core.Outgoing, what string) []core.Outgoing {
	var out []core.Outgoing
	for _, room := range rooms {
		if room == except {
			continue
		}
		o.Room = room
		o.ID = core.MakeDeliveryID(o.Object, room, string(o.Kind)+"/"+what)
		out = append(out, o)
	}
	return out
}

// edited changes the comment that a message is.
func (r *Router) edited(ctx context.Context, s Scope, obj core.ObjectID) (core.Change, error) {
	kind, taskID, id := obj.Parts()
	m := s.In.Message
	if kind != "comment" || m.EditedAt.IsZero() {
		return core.Change{}, nil
	}
	c, err := r.Comments.Comment(ctx, taskID, core.CommentID(id))
	if err != nil {
		return core.Change{}, err
	}
	if c.Deleted || c.Source.Room != s.In.Room || !newerEdit(c, s.In) {
		return core.Change{}, nil
	}
	if m.Masked {
		return r.masked(s, s.In.Message.ID), nil
	}
	if taskID.IsTalk() && !r.mirrors(s) {
		return core.Change{}, nil // what is written here now is for this room only
	}
	task, err := r.Tasks.Task(ctx, taskID)
	if err != nil {
		return core.Change{}, err
	}
	c.Edit(titled(m), m.EditedAt)
	c.EditTold = toldAt(s.In)
	c.Files = keepFiles(c.Files, m.Files)
	return core.Change{Comments: []*core.Comment{c},
		Out: spread(task.Rooms, s.In.Room, core.Outgoing{Kind: core.OutComment, Object: obj, Task: taskID, At: s.In.At}, itoa(c.Edits))}, nil
}

// newerEdit reports whether an inbound tells a newer state of a comment. Slack dates edits in whole seconds: of two in one
// second the one told later is the newer, and history shows what is there now.
func newerEdit(c *core.Comment, in core.Inbound) bool {
	m := in.Message
	if !m.EditedAt.Equal(c.EditedAt) {
		return m.EditedAt.After(c.EditedAt)
	}
	return !sameContent(c, m) && (in.CatchUp || !in.At.Before(c.EditTold))
}

// toldAt is when a platform told of an edit. What history shows is as new as its reading: what was told of before, as far as
// our clock is right, is part of it, also when it comes later.
func toldAt(in core.Inbound) time.Time {
	switch {
	case in.Kind != core.InboundEdit, in.CatchUp && in.Read.IsZero():
		return time.Time{}
	case in.CatchUp:
		return in.Read.Add(-clockSlack * time.Millisecond)
	}
	return in.At.UTC()
}

func sameContent(c *core.Comment, m *core.Message) bool {
	return reflect.DeepEqual(c.Text, titled(m)) && slices.EqualFunc(c.Files, m.Files, func(a core.Attached, f core.FileRef) bool { return a.Ref.ID == f.ID })
}

// keepFiles keeps what was already fetched of the files that are still there.
func keepFiles(old []core.Attached, now []core.FileRef) []core.Attached {
	var out []core.Attached
	for _, f := range now {
		a := core.Attached{Ref: f}
		for _, o := range old {
			if o.Ref.ID == f.ID {
				a = o
			}
		}
		out = append(out, a)
	}
	return out
}

// deleted removes the comment that a message was; a message not known yet is remembered as deleted.
func (r *Router) deleted(ctx context.Context, s Scope) (core.Change, error) {
	m := s.In.Message
	if m == nil || s.Partition[0] != 'p' {
		return core.Change{}, nil
	}
	obj, tomb, err := r.Refs.Object(ctx, s.Partition, s.In.Room, m.ID)
	if tomb {
		return core.Change{}, nil
	}
	if core.ErrorCode(err) == core.CodeNotFound {
		return core.Change{Tombs: []core.MessageRef{{Room: s.In.Room, Thread: s.In.Thread, ID: m.ID}}}, nil
	}
	if err != nil {
		return core.Change{}, err
	}
	kind, taskID, id := obj.Parts()
	if kind != "comment" {
		return core.Change{}, nil
	}
	c, err := r.Comments.Comment(ctx, taskID, core.CommentID(id))
	if err != nil {
		return core.Change{}, err
	}
	// Somebody who removes the mirrored copy removes that copy only; the comment is its author's.
	if c.Deleted || c.Source.Room != s.In.Room || c.Source.ID != m.ID {
		return core.Change{}, nil
	}
	task, err := r.Tasks.Task(ctx, taskID)
	if err != nil {
		return core.Change{}, err
	}
	rooms := task.Rooms
	if taskID.IsTalk() {
		// The rooms of talk change; its copies go wherever they are, and where one may be being posted at this moment.
		placed, err := r.Refs.Placed(ctx, s.Partition, obj)
		if err != nil {
			return core.Change{}, err
		}
		for _, room := range rooms {
			placed[room] = core.Placement{}
		}
		rooms = slices.Sorted(maps.Keys(placed))
	}
	c.Deleted = true
	c.Edits++
	task.Comments = max(0, task.Comments-1)
	if !c.Resolved {
		task.Open = max(0, task.Open-1)
	}
	return core.Change{Comments: []*core.Comment{c}, Tasks: []*core.Task{task},
		Out: spread(rooms, s.In.Room, core.Outgoing{Kind: core.OutComment, Object: obj, Task: taskID, At: s.In.At}, itoa(c.Edits))}, nil
}

// reacted adds or removes somebody's reaction.
func (r *Router) reacted(ctx context.Context, s Scope) (core.Change, error) {
	m := s.In.Message
	if m == nil || s.Partition[0] != 'p' || s.In.Actor.Bot {
		return core.Change{}, nil
	}
	obj, tomb, err := r.Refs.Object(ctx, s.Partition, s.In.Room, m.ID)
	if core.ErrorCode(err) == core.CodeNotFound {
		// The message may be on its way, or being posted at this moment.
		return core.Change{Early: []core.Inbound{s.In}}, nil
	}
	if tomb {
		return core.Change{}, nil
	}
	if err != nil {
		return core.Change{}, err
	}
	kind, taskID, id := obj.Parts()
	if kind == "card" {
		return r.Commands.Voted(ctx, s, obj)
	}
	if kind != "comment" {
		return core.Change{}, nil
	}
	c, err := r.Comments.Comment(ctx, taskID, core.CommentID(id))
	if err != nil {
		return core.Change{}, err
	}
	if c.Deleted {
		return core.Change{}, nil
	}
	if c.Reactions == nil {
		c.Reactions = core.Reactions{}
	}
	changed, known := c.Reactions.Put(core.Reactor{Identity: s.In.Actor.Identity, Room: s.In.Room, Emoji: s.In.Emoji, At: s.In.At.UTC(), Off: s.In.Kind == core.InboundUnreact})
	switch {
	case known:
		return core.Change{}, nil
	case !changed:
		return core.Change{Comments: []*core.Comment{c}}, nil
	}
	task, err := r.Tasks.Task(ctx, taskID)
	if err != nil {
		return core.Change{}, err
	}
	out := core.Change{Comments: []*core.Comment{c}, Out: spread(task.Rooms, s.In.Room,
		core.Outgoing{Kind: core.OutReact, Object: obj, Task: taskID, Emoji: s.In.Emoji, At: s.In.At}, s.In.Emoji.Key()+"/"+string(s.In.ID))}
	if isTick(s.In.Emoji) && !taskID.IsTalk() && (s.In.Kind == core.InboundReact || !ticked(c)) {
		if more, settled := r.Commands.Ticked(ctx, s, task, c, s.In.Kind == core.InboundReact); settled {
			out.Tasks, out.Out = []*core.Task{task}, append(out.Out, more...)
		}
	}
	return out, nil
}

// ticked reports whether somebody's tick stands on a comment.
func ticked(c *core.Comment) bool {
	for key := range c.Reactions {
		if isTick(core.Emoji{Unicode: key}) && len(c.Reactions.Live(key)) > 0 {
			return true
		}
	}
	return false
}

// isTick reports whether a reaction says that a comment is settled.
func isTick(e core.Emoji) bool {
	switch e.Key() {
	case "✅", "✔", "☑":
		return true
	}
	return false
}
