package relay

import (
	"slices"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

const (
	// parkFor is how long what is said live waits for its thread to be caught up.
	parkFor = 10 * time.Second
	// maxParked bounds what one partition holds back; beyond it nothing more waits.
	maxParked = 2000
)

// parking holds back what is said live in threads whose history must be read first, so that it shows in order. The
// entries stay unsettled in the journal: a crash loses none of them.
type parking struct {
	clock   core.Clock
	threads map[string]*parked
	count   int
}

type parked struct {
	entries []core.Entry[core.Inbound]
	until   time.Time
}

func newParking(c core.Clock) *parking { return &parking{clock: c, threads: map[string]*parked{}} }

func threadKey(room core.RoomID, thread core.ThreadID) string {
	return string(room) + "/" + string(thread)
}

// waits reports whether an inbound is talk that was told live; everything else goes at once.
func waits(in core.Inbound) bool { return isTalk(in) && !in.CatchUp }

// isTalk reports whether an inbound is something said, changed or felt about it.
func isTalk(in core.Inbound) bool {
	switch in.Kind {
	case core.InboundMessage, core.InboundEdit, core.InboundDelete, core.InboundReact, core.InboundUnreact:
		return true
	}
	return false
}

// early says that an inbound came before something that the history of a thread will tell: the inbound's own, or the
// room's talk (empty).
type early struct{ thread core.ThreadID }

// Error describes it for logs.
func (early) Error() string { return "the thread is not caught up yet" }

// behind parks an entry whose thread has others waiting; what the history tells meanwhile takes its place among them.
func (k *parking) behind(in core.Entry[core.Inbound]) bool {
	if k.count == 0 || in.Err != nil || !isTalk(in.Item) || k.threads[threadKey(in.Item.Room, in.Item.Thread)] == nil {
		return false
	}
	k.add(in, in.Item.Thread)
	return true
}

// add parks an entry behind a thread of its room.
func (k *parking) add(in core.Entry[core.Inbound], thread core.ThreadID) {
	key := threadKey(in.Item.Room, thread)
	t := k.threads[key]
	if t == nil {
		t = &parked{until: k.clock.Now().Add(parkFor)}
		k.threads[key] = t
	}
	t.entries = append(t.entries, in)
	k.count++
}

// release hands out what waited for a thread.
func (k *parking) release(in core.Inbound) []core.Entry[core.Inbound] {
	return k.take(threadKey(in.Room, in.Thread))
}

func (k *parking) take(key string) []core.Entry[core.Inbound] {
	t := k.threads[key]
	if t == nil {
		return nil
	}
	delete(k.threads, key)
	k.count -= len(t.entries)
	return t.entries
}

// due hands out what has waited long enough; everything, when too much waits.
func (k *parking) due() []core.Entry[core.Inbound] {
	if k.count == 0 {
		return nil
	}
	var out []core.Entry[core.Inbound]
	now, full := k.clock.Now(), k.count > maxParked
	for key, t := range k.threads {
		if full || now.After(t.until) {
			out = append(out, asSaid(k.take(key))...)
		}
	}
	// Threads come in any order here; what belongs together has stayed together.
	return slices.Clip(out)
}
