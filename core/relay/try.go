package relay

import (
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// try is the state of one entry over its tries.
type try struct {
	p       core.Partition
	l       core.Lease
	out     core.Outgoing
	since   time.Time
	unknown int
	left    bool             // an earlier holder had it, or an earlier try was given up
	gone    int              // times that what an earlier try posted was found, and was gone when it was to be changed
	heir    bool             // an earlier holder had it, and this process has not tried it yet
	posting bool             // the present operation makes a new message
	tried   int64            // revision that the first post would have shown, plus one; 0 when an earlier holder made it
	done    []core.MessageID // parts posted by an earlier try
	opened  func()           // to be called when the thread that this opens is recorded
	place   *core.PlaceWrite
	placed  map[core.RoomID]core.Placement // where the object showed before
	mark    *core.Mark
	shown   *core.Shown  // what came with the entry
	thread  *core.Thread // the task's thread there, where it was found with the content
	joins   bool         // the conversation has no record in this room yet
}

// sees remembers where the object shows.
func (t *try) sees(placed map[core.RoomID]core.Placement) (at core.Placement, exists bool) {
	t.placed = placed
	at = placed[t.out.Room]
	return at, len(at.Parts) > 0
}

// shows records where the object shows now. If people were told that it does not, they are told that it does.
func (t *try) shows(p core.Placement) {
	t.place = &core.PlaceWrite{Object: t.out.Object, Room: t.out.Room, Placement: p, Posted: t.posting}
	if t.placed[t.out.Room].Failed {
		t.mark = t.marked("")
	}
}

// gaveUp tells people elsewhere that something of their task does not show in this room.
func (t *try) gaveUp(reason string) {
	if kind, _, _ := t.out.Object.Parts(); t.placed == nil || kind == "undelivered" || len(t.placed[t.out.Room].Parts) > 0 {
		return
	}
	t.place = &core.PlaceWrite{Object: t.out.Object, Room: t.out.Room, Placement: core.Placement{Failed: true, Parts: t.done, Rev: -1}}
	t.mark = t.marked(reason)
}

func (t *try) marked(reason string) *core.Mark {
	m := &core.Mark{Task: t.out.Task, Room: t.out.Room, Object: t.out.Object, Reason: reason, At: t.out.At}
	for room, at := range t.placed {
		if room != t.out.Room && len(at.Parts) > 0 {
			m.Tell = append(m.Tell, room)
		}
	}
	return m
}

// deadDelivery keeps an outgoing that was given up, without its tokens.
func deadDelivery(o core.Outgoing, err error, tries int, now time.Time) *core.DeadLetter {
	d := &core.DeadLetter{ID: string(o.ID), Kind: core.DeadDelivery, Reason: string(core.ErrorCode(err)) + ": " + core.SafeMessage(err), Room: o.Room, At: now, Attempts: tries}
	if o.Reply.Kind != core.ReplyNone {
		o.Reply = core.ReplyHandle{} // it has died long before anybody looks
	}
	keep(d, o)
	return d
}
