package app

import (
	"context"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

const (
	// catchUpAge bounds how far back threads are read.
	catchUpAge = 7 * 24 * time.Hour
	// catchUpEvery is how often active threads are swept.
	catchUpEvery = 10 * time.Minute
	// catchUpThreads bounds the threads of one partition in one sweep.
	catchUpThreads = 200
	// recheckAge bounds how old messages are whose edits and deletions are looked for after a start.
	recheckAge = 48 * time.Hour
	// recheckLimit bounds the messages of one thread that are read again.
	recheckLimit = 200
	// maxVanished is how many messages of one thread may be gone before nobody believes it without asking.
	maxVanished = 20
	// catchUpPage is how many messages one read asks for.
	catchUpPage = 100
)

// missed asks for a catch-up of a platform; several asks before it begins are one.
func (a *App) missed(p core.PlatformName) {
	select {
	case a.gaps <- p:
	default:
	}
}

// fillGaps catches up whenever a platform says that events may have been missed.
func (a *App) fillGaps(ctx context.Context) {
	for {
		select {
		case p := <-a.gaps:
			a.catchUp(ctx, true, p)
		case <-ctx.Done():
			return
		}
	}
}

// catchUpForever reads what was said in task threads while nobody listened: at start, then now and then.
func (a *App) catchUpForever(ctx context.Context) {
	for first := true; ; first = false {
		if l, ok, err := a.store.Leases.Acquire(ctx, "catch-up", catchUpEvery); err == nil && ok {
			a.catchUp(ctx, first, "")
			_ = a.store.Leases.Release(context.WithoutCancel(ctx), l) // it runs out by itself
		}
		if a.clock.Sleep(ctx, catchUpEvery) != nil {
			return
		}
	}
}

// catchUp reads the new messages of all active threads, or of one platform's; a full one also looks for edits and deletions of known ones.
func (a *App) catchUp(ctx context.Context, full bool, only core.PlatformName) {
	since := a.clock.Now().Add(-catchUpAge)
	for _, p := range a.store.DB.Parts.All() {
		if p[0] != 'p' || ctx.Err() != nil {
			continue
		}
		threads, err := a.store.Review.ActiveThreads(ctx, p, since, catchUpThreads)
		if err != nil {
			a.log.WarnContext(ctx, "active threads not read", "partition", p, "error", err)
			continue
		}
		for _, t := range threads {
			if only != "" && t.Room.Platform() != only {
				continue
			}
			err := a.catchUpThread(ctx, t, since)
			if err == nil && full {
				err = a.recheckThread(ctx, t)
			}
			if err != nil && ctx.Err() == nil {
				a.log.WarnContext(ctx, "thread not caught up", "room", t.Room, "thread", t.ID, "error", err)
			}
		}
	}
}

// catchUpThread stores what came after the thread's cursor. What was stored live has the same inbound id or is known
// by its message, so it is not there twice.
func (a *App) catchUpThread(ctx context.Context, t *core.Thread, since time.Time) error {
	h, ok := a.platforms()[t.Room.Platform()].(core.History)
	if !ok {
		return nil
	}
	cursor := t.Cursor
	for {
		page, err := h.Since(ctx, t.Room, t.ID, cursor, since, catchUpPage)
		if err != nil {
			return err
		}
		for _, m := range page.Messages {
			if m.Inbound == nil {
				continue
			}
			if err := a.accept.Receive(ctx, *m.Inbound); err != nil {
				return err
			}
		}
		if page.Complete || page.Next == cursor {
			return nil
		}
		cursor = page.Next
	}
}

// recheckThread reads the recent part of a thread again: what was said or edited is stored if it is not known, and
// messages that are gone were deleted. One counts as deleted only when the read was complete and others of the thread
// were seen; the known ones are listed first, so that nothing said meanwhile is taken for gone.
func (a *App) recheckThread(ctx context.Context, t *core.Thread) error {
	h, ok := a.platforms()[t.Room.Platform()].(core.History)
	if !ok {
		return nil
	}
	since := a.clock.Now().Add(-recheckAge)
	_, total, err := a.store.Review.Comments(ctx, t.Task, 0, 1)
	if err != nil {
		return err
	}
	known, _, err := a.store.Review.Comments(ctx, t.Task, max(0, total-recheckLimit), recheckLimit)
	if err != nil {
		return err
	}
	page, err := h.Since(ctx, t.Room, t.ID, "", since, recheckLimit)
	if err != nil {
		return err
	}
	seen := map[core.MessageID]bool{}
	for _, m := range page.Messages {
		seen[m.ID] = true
		if m.Inbound == nil {
			continue
		}
		if err := a.accept.Receive(ctx, *m.Inbound); err != nil {
			return err
		}
	}
	if !page.Complete || len(seen) == 0 {
		return nil
	}
	return a.vanished(ctx, t, known, seen, since)
}

// vanished tells of known messages that a complete read did not show.
func (a *App) vanished(ctx context.Context, t *core.Thread, known []*core.Comment, seen map[core.MessageID]bool, since time.Time) error {
	var gone []core.MessageRef
	for _, c := range known {
		if !c.Deleted && c.Source.Room == t.Room && c.Source.Thread == t.ID && c.At.After(since) && !seen[c.Source.ID] {
			gone = append(gone, c.Source)
		}
	}
	if len(gone) > maxVanished {
		a.log.WarnContext(ctx, "many messages are gone; not taken as deleted", "room", t.Room, "thread", t.ID, "count", len(gone))
		return nil
	}
	for _, m := range gone {
		in := core.Inbound{ID: core.InboundID("gone-" + string(m.Room) + "/" + string(m.ID)), Kind: core.InboundDelete, At: a.clock.Now(), Room: m.Room, Thread: m.Thread,
			Message: &core.Message{ID: m.ID}, CatchUp: true}
		if err := a.accept.Receive(ctx, in); err != nil {
			return err
		}
	}
	return nil
}
