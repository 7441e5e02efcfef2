package feedback

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/journal"
	"github.com/atelier-bridge/atelier/feedback/people"
	"github.com/atelier-bridge/atelier/feedback/rdb"
	"github.com/atelier-bridge/atelier/feedback/review"
)

// Glances implements core.Glances with one pipeline for each. The keys may lie in several slots: nothing here needs to be
// of one moment, since what is written afterwards checks what it was read at.
type Glances struct {
	db      *rdb.DB
	review  *review.Store
	people  *people.Store
	journal *journal.Journal
}

var _ core.Glances = (*Glances)(nil)

// Spoken returns what is known of a message that somebody wrote in a thread.
func (g *Glances) Spoken(ctx context.Context, p core.Partition, in core.Inbound) (core.Spoken, error) {
	if in.Message == nil {
		return core.Spoken{}, core.Errorf(core.CodeInternal, "An inbound without a message.")
	}
	if seen, ok := g.journal.Foreseen(p, in.ID); ok {
		return seen, nil
	}
	pipe := g.db.Client.Pipeline()
	spoken := g.ask(ctx, pipe, p, in)
	_, _ = pipe.Exec(ctx) // each answer has its own error
	return spoken()
}

// ask asks what Spoken tells.
func (g *Glances) ask(ctx context.Context, c redis.Cmdable, p core.Partition, in core.Inbound) func() (core.Spoken, error) {
	spoken := g.review.AskSpoken(ctx, c, p, core.MessageRef{Room: in.Room, Thread: in.Thread, ID: in.Message.ID})
	met := g.people.AskAhead(ctx, c, in.Actor.Identity, in.Room, g.review.LikelyTask(p, in.Room, in.Thread).Project())
	return func() (core.Spoken, error) {
		met()
		return spoken()
	}
}

// ahead is ask for an inbound that is about to be handled; nil when nothing will be asked for it.
func (g *Glances) ahead(ctx context.Context, c redis.Cmdable, p core.Partition, in core.Inbound) func() (core.Spoken, error) {
	if in.Message == nil || in.Thread == "" || in.Actor.Bot || p[0] != 'p' {
		return nil
	}
	return g.ask(ctx, c, p, in)
}

// Shown returns a comment, where it shows, and its task's thread in a room.
func (g *Glances) Shown(ctx context.Context, p core.Partition, obj core.ObjectID, room core.RoomID) (core.Shown, error) {
	pipe := g.db.Client.Pipeline()
	shown := g.review.AskShown(ctx, pipe, p, obj, room)
	_, _ = pipe.Exec(ctx) // each answer has its own error
	return shown()
}
