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
	// catchUpPage is how many messages one read asks for.
	catchUpPage = 100
)

// catchUpForever reads what was said in task threads while nobody listened: at start, then now and then.
func (a *App) catchUpForever(ctx context.Context) {
	for {
		if l, ok, err := a.store.Leases.Acquire(ctx, "catch-up", catchUpEvery); err == nil && ok {
			a.catchUp(ctx)
			_ = a.store.Leases.Release(context.WithoutCancel(ctx), l) // it runs out by itself
		}
		if a.clock.Sleep(ctx, catchUpEvery) != nil {
			return
		}
	}
}

func (a *App) catchUp(ctx context.Context) {
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
			if err := a.catchUpThread(ctx, t, since); err != nil && ctx.Err() == nil {
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
		events, next, complete, err := h.Since(ctx, t.Room, t.ID, cursor, since, catchUpPage)
		if err != nil {
			return err
		}
		for _, in := range events {
			in.CatchUp = true
			if err := a.accept.Receive(ctx, in); err != nil {
				return err
			}
		}
		if complete || next == cursor {
			return nil
		}
		cursor = next
	}
}
