package relay

import (
	"context"
	"sync"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

const (
	// notedFor is how long it is not noted again where somebody is: whoever talks on both platforms at once would have their
	// record written with every message, and every one of their messages would wait for that.
	notedFor = time.Second
	// maxNoted bounds the people that are remembered for it.
	maxNoted = 10_000
)

// heard notes as which of several identities somebody was heard of last, at most once in a second: who changes over and falls
// silent within it is taken to be where they were. It only says where they are written to, so that a failure changes nothing.
func (r *Router) heard(ctx context.Context, p *core.Person, in core.Inbound) *core.Person {
	if len(p.Identities) < 2 || p.Active == in.Actor.Identity || in.CatchUp || !r.noted.due(p.ID, r.Clock.Now()) {
		return p
	}
	now, err := r.People.UpdatePerson(ctx, p.ID, func(p *core.Person) error { p.Active = in.Actor.Identity; return nil })
	if err != nil {
		r.Log.DebugContext(ctx, "not noted where somebody is", "error", err)
		return p
	}
	return now
}

// noted remembers when it was last noted where people are.
type noted struct {
	mu sync.Mutex
	at map[core.PersonID]time.Time
}

// due reports whether it may be noted now, and takes it that it is.
func (n *noted) due(id core.PersonID, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if at, ok := n.at[id]; ok && now.Sub(at) < notedFor {
		return false
	}
	if n.at == nil || len(n.at) >= maxNoted {
		n.at = map[core.PersonID]time.Time{}
	}
	n.at[id] = now
	return true
}
