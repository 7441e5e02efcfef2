package main

// A run: the world is made, people talk while things break, everything settles, and what shows is judged.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// settleWithin bounds the wait for everything to be delivered once nothing breaks any more. A channel of Discord takes
// thirty webhook posts a minute, so a hole of minutes takes minutes to fill.
const settleWithin = 6 * time.Minute

// chaos runs once and reports whether nothing was lost, doubled or out of order.
func chaos(ctx context.Context, c config, out io.Writer) (good bool, err error) {
	n := newNotes(out)
	n.plain("chaos -seed %d -duration %s -rate %g -rooms %d -replicas %d -kills %d -redis %s", c.seed, c.duration, c.rate, c.rooms, c.replicas, c.kills, c.redis)
	dir, err := os.MkdirTemp("", "chaos-")
	if err != nil {
		return false, err
	}
	if c.keep != "" {
		if err := os.MkdirAll(c.keep, 0o755); err != nil {
			return false, err
		}
	}
	defer func() {
		if good && c.keep == "" {
			_ = os.RemoveAll(dir) // what stays behind hurts nobody
			return
		}
		kept := keepLogs(dir, c.keep)
		n.say("logs are kept in %s", kept)
		if err == nil {
			n.plain("%s", n.last)
		}
	}()
	w, err := newWorld(ctx, c, n, dir)
	if err != nil {
		return false, err
	}
	defer w.close()
	crowd := newCrowd(w)
	if err := crowd.openThreads(ctx); err != nil {
		return false, err
	}
	n.say("%d rooms on each side, %d replicas, Redis %s; people begin to talk", c.rooms, c.replicas, c.redis)
	w.perform(ctx, crowd)
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	v, p, err := w.conclude(ctx)
	if err != nil {
		return false, err
	}
	return w.report(v, p), nil
}

// perform lets people act and things break as the script says, and returns when all that ended.
func (w *world) perform(ctx context.Context, crowd *crowd) {
	deeds, troubles := script(w.c)
	began := time.Now()
	watch, stop := context.WithCancel(ctx)
	defer stop()
	go crowd.look(watch)
	b := &breaker{w: w}
	progress := time.Now()
	for len(deeds)+len(troubles) > 0 {
		var next time.Duration
		isDeed := len(troubles) == 0 || len(deeds) > 0 && deeds[0].at <= troubles[0].at
		if isDeed {
			next = deeds[0].at
		} else {
			next = troubles[0].at
		}
		if !rest(ctx, max(0, next-time.Since(began))) {
			break
		}
		if isDeed {
			crowd.do(ctx, deeds[0])
			deeds = deeds[1:]
		} else {
			b.strike(ctx, troubles[0])
			troubles = troubles[1:]
		}
		if time.Since(progress) > 10*time.Second {
			progress = time.Now()
			w.book.mu.Lock()
			w.n.say("%d actions so far, %d messages", w.book.actions, len(w.book.said))
			w.book.mu.Unlock()
		}
	}
	rest(ctx, max(0, w.c.duration-time.Since(began)))
	b.wg.Wait()
	crowd.busy.Wait()
}

// conclude ends all trouble, waits and compares. What is missing then gets one more chance: the sweep of a start, which
// else would come some minutes later.
func (w *world) conclude(ctx context.Context) (verdict, *picture, error) {
	w.slack.ClearFaults()
	w.discord.ClearFaults()
	if err := w.fleet.await(ctx); err != nil {
		return verdict{}, nil, err
	}
	w.n.say("nothing breaks any more, all replicas run; waiting until everything is settled")
	v, p, err := w.judge(ctx)
	if err != nil || v.count(kindLost) == 0 {
		return v, p, err
	}
	w.n.say("%d lost so far; one replica starts again, and with it a sweep", v.count(kindLost))
	for _, b := range v.bad {
		if b.kind == kindLost {
			w.n.say("   before the sweep: %s %s %s", b.key(), trimRoom(b.room), b.why)
		}
	}
	x := w.fleet.all()[0]
	x.turn.Lock()
	err = x.end(term)
	w.fleet.start(ctx, x)
	x.turn.Unlock()
	if err := errors.Join(err, w.fleet.await(ctx)); err != nil {
		return v, p, err
	}
	if !rest(ctx, 3*time.Second) {
		return v, p, context.Cause(ctx)
	}
	before := v.count(kindLost)
	if v, p, err = w.judge(ctx); err == nil {
		w.n.say("the sweep of a start healed %d of %d", before-v.count(kindLost), before)
	}
	return v, p, err
}

func (w *world) judge(ctx context.Context) (verdict, *picture, error) {
	began := time.Now()
	if !w.settle(ctx, settleWithin) {
		w.n.say("still not settled after %s", settleWithin)
	} else {
		w.n.say("settled after %.0fs", time.Since(began).Seconds())
	}
	p, err := w.gather(ctx)
	if err != nil {
		return verdict{}, nil, fmt.Errorf("look at everything: %w", err)
	}
	w.book.mu.Lock()
	defer w.book.mu.Unlock()
	return compare(w.book, p), p, nil
}

// keepLogs moves the logs where they are wanted and returns where they lie.
func keepLogs(dir, keep string) string {
	_ = os.Remove(filepath.Join(dir, "atelier")) // it can be built again
	_ = os.RemoveAll(filepath.Join(dir, "blobs"))
	if keep == "" {
		return dir
	}
	logs, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil {
		return dir
	}
	for _, l := range logs {
		data, err := os.ReadFile(l)
		if err != nil || os.WriteFile(filepath.Join(keep, filepath.Base(l)), data, 0o644) != nil {
			return dir
		}
	}
	_ = os.RemoveAll(dir) // copied
	return keep
}
