package relay

import (
	"context"

	"github.com/atelier-bridge/atelier/core"
)

// Cards renders cards when they are sent, so that a queue of progress edits is one edit.
type Cards interface {
	// Card returns what a card object shows in a room now.
	Card(ctx context.Context, obj core.ObjectID, room core.RoomID) (Shown, error)
}

// Shown is a rendered card.
type Shown struct {
	Card core.Card
	// Rev grows with the content; a placement with the same or a higher one is up to date.
	Rev int64
	// Thread names the thread to open on the card; empty for cards that stand inside a thread.
	Thread string
	// Gone says that there is nothing to show any more.
	Gone bool
}
