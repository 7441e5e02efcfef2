package relay

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// Where a project mirrors all, what is said in its public rooms outside of tasks shows in the others too. The rooms' own
// talk is one hidden task, and each thread on one of its messages another, so that everything that holds for comments
// holds here.

// mirrors reports whether what is said here is to be shown elsewhere although it is in no task's thread.
func (r *Router) mirrors(s Scope) bool {
	return s.Project != nil && s.Project.MirrorsAll() && s.Room != nil && s.Room.Project == s.Project.Key && !s.Room.Private && !s.In.Private && s.Partition[0] == 'p'
}

// roomTalk finds the record of a room's own talk, for what is said outside of threads.
func (r *Router) roomTalk(ctx context.Context, s *Scope) error {
	if s.spoken() != nil || s.In.Thread != "" || !r.mirrors(*s) {
		return nil
	}
	switch s.In.Kind {
	case core.InboundMessage, core.InboundEdit, core.InboundDelete, core.InboundReact, core.InboundUnreact, core.InboundCaughtUp:
	default:
		return nil
	}
	th, err := r.Refs.Thread(ctx, s.Partition, s.In.Room, "")
	switch {
	case core.ErrorCode(err) == core.CodeNotFound:
		return nil
	case err == nil && th.Task.IsTalk():
		s.Talk = th
	}
	return err
}

// talkOf returns the task whose conversation a message belongs to, and the records of threads that are new. It fills
// the scope's talk where that is not known yet. No task: nobody else is to see the message.
func (r *Router) talkOf(ctx context.Context, s *Scope) (*core.Task, []*core.Thread, error) {
	if s.Thread != nil {
		if g := s.glance; g != nil && g.Task != nil {
			return g.Task, nil, nil
		}
		task, err := r.Tasks.Task(ctx, s.Thread.Task)
		return task, nil, err
	}
	if !r.mirrors(*s) || s.In.At.Before(s.Project.MirrorsSince()) {
		return nil, nil, nil // it was switched off, now or then
	}
	key := s.Project.Key
	id := core.TalkTask(key)
	var threads []*core.Thread
	fresh := func(thread core.ThreadID, task core.TaskID) *core.Thread {
		return &core.Thread{Room: s.In.Room, ID: thread, Task: task, Root: core.MessageID(thread), Active: s.In.At.UTC(), Caught: s.In.Gap, Checked: s.In.Gap, Since: s.In.At.UTC().Add(-time.Millisecond)}
	}
	begins := s.In.Thread != "" && core.MessageID(s.In.Thread) == s.In.Message.ID // a forum post
	switch {
	case s.Talk != nil && !begins:
		id = s.Talk.Task
	case s.In.Thread == "":
		s.Talk = fresh("", id)
	default:
		root, err := r.hangsOn(ctx, *s, begins)
		if err != nil {
			return nil, nil, err
		}
		if root != "" {
			id = core.TalkThread(key, root)
			// All of it came after what it hangs on, and some of it may have been missed.
			s.Talk = &core.Thread{Room: s.In.Room, ID: s.In.Thread, Task: id, Root: core.MessageID(s.In.Thread), Active: s.In.At.UTC()}
			break
		}
		// Nobody else has seen what this thread hangs on: this message opens the conversation elsewhere.
		s.Talk = fresh(s.In.Thread, core.TalkThread(key, core.MakeCommentID(s.In.Room, s.In.Message.ID)))
	}
	task, err := r.Tasks.Task(ctx, id)
	if core.ErrorCode(err) == core.CodeNotFound {
		task, err = &core.Task{ID: id, Title: "talk", Status: core.StatusOpen, CreatedAt: s.In.At.UTC()}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	rooms, err := r.publicRooms(ctx, s.Project)
	if err != nil {
		return nil, nil, err
	}
	if id == core.TalkTask(key) {
		for _, room := range rooms {
			if !slices.Contains(task.Rooms, room) && (room != s.In.Room || s.Talk.ID != "") {
				threads = append(threads, &core.Thread{Room: room, Task: id, Active: s.In.At.UTC(), Since: s.In.At.UTC()})
			}
		}
	}
	task.Rooms = rooms
	return task, threads, nil
}

// hangsOn returns the comment on which an unknown thread hangs; "" when it is none of the talk.
func (r *Router) hangsOn(ctx context.Context, s Scope, begins bool) (core.CommentID, error) {
	if begins {
		return "", nil
	}
	obj, _, err := r.Refs.Object(ctx, s.Partition, s.In.Room, core.MessageID(s.In.Thread))
	if core.ErrorCode(err) == core.CodeNotFound {
		return "", nil
	}
	if kind, task, id := obj.Parts(); err == nil && kind == "comment" && task == core.TalkTask(s.Project.Key) {
		return core.CommentID(id), nil
	}
	return "", err
}

// publicRooms lists a project's rooms that everybody in their team or server may see.
func (r *Router) publicRooms(ctx context.Context, p *core.Project) ([]core.RoomID, error) {
	var out []core.RoomID
	for _, id := range p.Rooms {
		room, err := r.Projects.Room(ctx, id)
		if err != nil && core.ErrorCode(err) != core.CodeNotFound {
			return nil, err
		}
		if err == nil && !room.Private {
			out = append(out, id)
		}
	}
	return out, nil
}

// titled is a message's text with the title of the forum post that it begins.
func titled(m *core.Message) core.RichText {
	if m.Title == "" {
		return m.Text
	}
	return append(core.RichText{core.Para(core.Bold(m.Title))}, m.Text...)
}

// errNotShown says that a conversation hangs on something that a room never saw.
var errNotShown = errors.New("what this hangs on does not show in this room")

// talkThread finds where a comment of the rooms' talk goes in a room: the room itself, a thread that is there, or one to
// be opened on the message that the conversation hangs on.
func (d *Deliverer) talkThread(ctx context.Context, t *try, m *core.Comment, v *core.Delivery) error {
	name := clipText(m.Text.String(), 80)
	root := t.out.Task.TalkRoot()
	if root == "" {
		v.Topic = name
		return nil
	}
	th, err := d.Refs.TaskThread(ctx, t.out.Task, t.out.Room)
	if err == nil {
		v.Thread = th.ID
		return nil
	}
	if core.ErrorCode(err) != core.CodeNotFound {
		return err
	}
	talk := core.TalkTask(t.out.Task.Project())
	placed, err := d.Refs.Placed(ctx, t.p, core.CommentObject(talk, root))
	if err != nil {
		return err
	}
	at := placed[t.out.Room]
	if len(at.Parts) == 0 {
		return errNotShown // the room came later than what was said
	}
	t.joins = true
	if at.Thread != "" {
		v.Thread = at.Thread // a forum post is its own thread
		return nil
	}
	if c, err := d.Comments.Comment(ctx, talk, root); err == nil {
		name = clipText(c.Text.String(), 80)
	}
	v.OpenOn, v.ThreadName = at.Parts[0], name
	return nil
}

// clipText cuts a text to one line of at most n characters.
func clipText(s string, n int) string {
	out := []rune{}
	for _, r := range s {
		if r == '\n' || len(out) == n {
			break
		}
		out = append(out, r)
	}
	if len(out) == 0 {
		return "Talk"
	}
	return string(out)
}
