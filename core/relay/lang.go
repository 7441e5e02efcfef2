package relay

import (
	"context"

	"github.com/atelier-bridge/atelier/core"
)

// room is how to speak in the room that an outgoing goes to. The project is one of the records that the store remembers,
// so it is asked for only where there is something to say.
func (d *Deliverer) room(ctx context.Context, o core.Outgoing) core.Lang {
	l := core.Lang{Translator: d.Translator}
	if d.Projects == nil || d.Translator == nil || o.Task == "" {
		return l
	}
	if p, err := d.Projects.Project(ctx, o.Task.Project()); err == nil {
		return p.Lang(d.Translator)
	}
	return l
}

// speak is how to speak where an outgoing goes: to a room, or to one person.
func (d *Deliverer) speak(ctx context.Context, o core.Outgoing) core.Lang {
	if o.To != "" {
		return d.reader(ctx, core.Actor{Identity: o.To})
	}
	return d.room(ctx, o)
}

// reader is how to speak to somebody who reads an answer alone.
func (d *Deliverer) reader(ctx context.Context, a core.Actor) core.Lang {
	return LangOf(ctx, d.People, d.Translator, a)
}

// LangOf is how to speak to an actor: as the person chose or their platforms said before, else as the actor's event says.
func LangOf(ctx context.Context, people core.People, tr core.Translator, a core.Actor) core.Lang {
	l := core.Lang{Translator: tr}
	if tr == nil {
		return l
	}
	if p, err := people.ByIdentity(ctx, a.Identity); err == nil {
		l = p.Lang(tr)
	}
	if l.Locale == "" {
		l.Locale = a.Locale
	}
	return l
}
