package slack

import (
	"context"
	"maps"
	"slices"

	"github.com/atelier-bridge/atelier/core"
)

// maxTelling bounds the answers to presses that are under way at once; who presses beyond it hears nothing.
const maxTelling = 32

const busyText = "Atelier cannot take this right now, please try again in a moment."

// lang is how to speak to whoever acted, before anything is stored.
func (a *Adapter) lang(who core.Actor) core.Lang {
	return core.Lang{Translator: a.o.Translator, Locale: who.Locale}
}

// reader is how to speak to whoever asked for a card: as it says, else as Slack does.
func (a *Adapter) reader(who core.Actor, card core.Card) core.Lang {
	l := a.lang(who)
	if card.Locale != "" {
		l.Locale = card.Locale
	}
	return l
}

// away answers somebody whose command, press or form could not be stored: Slack tells of those only once. ok is false
// for events, which Slack tells again when they are refused.
func (a *Adapter) away(ctx context.Context, kind string, in core.Inbound, payload []byte) (ack any, ok bool) {
	busy := a.lang(in.Actor).T(busyText)
	switch {
	case kind == kindCommands && in.Kind == core.InboundCommand:
		return map[string]string{"response_type": "ephemeral", "text": busy}, true
	case kind == kindActions && in.Kind == core.InboundSubmit:
		var it interaction
		if decode(payload, &it) != nil || len(it.View.State.Values) == 0 {
			return nil, false
		}
		first := slices.Min(slices.Collect(maps.Keys(it.View.State.Values)))
		return map[string]any{"response_action": "errors", "errors": map[string]string{first: busy}}, true
	case kind == kindActions && in.Reply.Token != "":
		select {
		case a.telling <- struct{}{}:
		default:
			return nil, true
		}
		a.told.Go(func() {
			defer func() { <-a.telling }()
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), receiveDeadline)
			defer cancel()
			if err := a.respond(ctx, core.Delivery{Thread: in.Thread, Reply: in.Reply}, content{text: busy}); err != nil {
				a.o.Log.WarnContext(ctx, "press not answered", "error", err)
			}
		})
		return nil, true
	}
	return nil, false
}
