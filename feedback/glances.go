package feedback

import (
	"context"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/people"
	"github.com/atelier-bridge/atelier/feedback/rdb"
	"github.com/atelier-bridge/atelier/feedback/review"
)

// Glances implements core.Glances with one pipeline for each. The keys may lie in several slots: nothing here needs to be
// of one moment, since what is written afterwards checks what it was read at.
type Glances struct {
	db     *rdb.DB
	review *review.Store
	people *people.Store
}

var _ core.Glances = (*Glances)(nil)

// Spoken returns what is known of a message that somebody wrote in a thread.
func (g *Glances) Spoken(ctx context.Context, p core.Partition, in core.Inbound) (core.Spoken, error) {
	if in.Message == nil {
		return core.Spoken{}, core.Errorf(core.CodeInternal, "An inbound without a message.")
	}
	pipe := g.db.Client.Pipeline()
	spoken := g.review.AskSpoken(ctx, pipe, p, core.MessageRef{Room: in.Room, Thread: in.Thread, ID: in.Message.ID})
	met := g.people.AskAhead(ctx, pipe, in.Actor.Identity, in.Room, g.review.LikelyTask(p, in.Room, in.Thread).Project())
	_, _ = pipe.Exec(ctx) // each answer has its own error
	met()
	return spoken()
}

// Shown returns a comment, where it shows, and its task's thread in a room.
func (g *Glances) Shown(ctx context.Context, p core.Partition, obj core.ObjectID, room core.RoomID) (core.Shown, error) {
	pipe := g.db.Client.Pipeline()
	shown := g.review.AskShown(ctx, pipe, p, obj, room)
	_, _ = pipe.Exec(ctx) // each answer has its own error
	return shown()
}
