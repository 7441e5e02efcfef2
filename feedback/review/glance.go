package review

import (
	"context"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

// AskSpoken asks what is known of a message and of where it was said. What it returns reads the answers once they are
// there.
func (s *Store) AskSpoken(ctx context.Context, c redis.Cmdable, p core.Partition, at core.MessageRef) func() (core.Spoken, error) {
	thread := s.askThread(ctx, c, p, at.Room, at.Thread)
	object := s.askObject(ctx, c, p, at.Room, at.ID)
	var task func() (*core.Task, error)
	guess := s.LikelyTask(p, at.Room, at.Thread)
	if guess != "" {
		task = s.askTask(ctx, c, guess)
	}
	return func() (core.Spoken, error) {
		var out core.Spoken
		var err error
		if out.Object, out.Tomb, err = object(); err == nil {
			out.Known = true
		} else if core.ErrorCode(err) != core.CodeNotFound {
			return core.Spoken{}, err
		}
		if out.Thread, err = thread(); core.ErrorCode(err) == core.CodeNotFound {
			out.Thread = nil
			return out, nil
		} else if err != nil {
			return core.Spoken{}, err
		}
		if task == nil || out.Thread.Task != guess {
			s.likely.put(likelyKey{p, at.Room, at.Thread}, out.Thread.Task)
			return out, nil
		}
		if out.Task, err = task(); err != nil {
			out.Task = nil // whoever needs it asks again and learns why
		}
		return out, nil
	}
}

// AskShown asks for a comment, where it shows, and its task's thread in a room.
func (s *Store) AskShown(ctx context.Context, c redis.Cmdable, p core.Partition, obj core.ObjectID, room core.RoomID) func() (core.Shown, error) {
	_, task, id := obj.Parts()
	asked := c.Get(ctx, s.db.Keys.Comment(p, task, core.CommentID(id))) // a comment and where it shows are one string
	thread := s.askTaskThread(ctx, c, task, room)
	return func() (out core.Shown, err error) {
		if out.Comment, err = commentIn(asked, task, core.CommentID(id)); err != nil {
			return core.Shown{}, err
		}
		if out.Placed, err = placedIn(asked); err != nil {
			return core.Shown{}, err
		}
		if out.Thread, err = thread(); core.ErrorCode(err) == core.CodeNotFound {
			out.Thread, err = nil, nil
		}
		return out, err
	}
}

// LikelyTask is the task that a thread belonged to when it was last asked for; "" when it was not.
func (s *Store) LikelyTask(p core.Partition, room core.RoomID, thread core.ThreadID) core.TaskID {
	return s.likely.get(likelyKey{p, room, thread})
}

// maxLikely bounds the threads whose task is remembered.
const maxLikely = 10_000

// likely remembers which task a thread belongs to. It only says what to ask for: the answer tells whether it was right, so
// it may be of any age.
type likely struct {
	mu    sync.Mutex
	tasks map[likelyKey]core.TaskID
}

type likelyKey struct {
	p      core.Partition
	room   core.RoomID
	thread core.ThreadID
}

func (l *likely) get(k likelyKey) core.TaskID {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tasks[k]
}

func (l *likely) put(k likelyKey, t core.TaskID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tasks == nil || len(l.tasks) >= maxLikely {
		l.tasks = map[likelyKey]core.TaskID{}
	}
	l.tasks[k] = t
}

// maxGlances bounds what is looked at behind one change.
const maxGlances = 4

// take commits a change and hands on what it handed out. How the comments that it sends stand is asked behind it, so that
// what can be sent at once needs no further question.
func (s *Store) take(ctx context.Context, b *rdb.Batch, c core.Change) error {
	seen := map[core.DeliveryID]func() (core.Shown, error){}
	var soon []core.Outgoing
	for _, o := range c.Out {
		if o.Kind == core.OutComment && len(soon) < maxGlances && c.AtOnce != nil && c.AtOnce(o) {
			soon = append(soon, o)
		}
	}
	var also func(redis.Cmdable)
	if len(soon) > 0 {
		also = func(pipe redis.Cmdable) {
			for _, o := range soon {
				seen[o.ID] = s.AskShown(ctx, pipe, c.Partition, o.Object, o.Room)
			}
		}
	}
	outs, answered, err := s.journal.CommitAndTake(ctx, b, c.Partition, c.Lease, also)
	if err != nil || len(outs) == 0 {
		return err
	}
	for i := range outs {
		if see := seen[outs[i].Item.ID]; answered && see != nil && !outs[i].Replayed {
			if shown, err := see(); err == nil {
				outs[i].Shown = &shown
			}
		}
	}
	c.Took(outs)
	return nil
}
