package app

import (
	"context"
	"fmt"

	"github.com/atelier-bridge/atelier/core"
)

// vanished tells the admins of many messages that are gone at once: a permission that was taken away looks the same as
// somebody deleting them.
func (a *App) vanished(ctx context.Context, t *core.Thread, count int) {
	room := core.Say("%s", t.Room)
	if r, err := a.store.People.Room(ctx, t.Room); err == nil && r.Name != "" {
		room = core.Say("#%s on %s", r.Name, t.Room.Platform().Title())
	}
	text := core.Say("%d messages of %s are gone from %s. That is more than I take for deleted without asking, so their copies stay. Check that I may still read that room; if the messages were deleted on purpose, delete their copies too.", count, t.Task, room)
	c := core.Change{Partition: a.store.DB.Parts.OfProject(t.Task.Project())}
	for _, id := range a.cfg.Admins {
		c.Out = append(c.Out, core.Outgoing{ID: core.MakeDeliveryID(core.UndeliveredObject(t.Task, t.Room), t.Room, fmt.Sprint("vanished/", id, t.Checked)), Kind: core.OutDirect, To: id,
			Card: &core.Card{Tone: core.ToneWarn, Body: core.Plain(text.In(a.speaks(ctx, id)))}, At: a.clock.Now().UTC()})
	}
	if err := a.store.Review.Apply(ctx, c); err != nil {
		a.log.WarnContext(ctx, "admins not told of vanished messages", "error", err)
	}
}
