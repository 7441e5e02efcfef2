package main

// The table of eight faults: each one alone, in a fresh small world, with what people see of it and a measured figure.

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"
)

// single is one row of the table.
type single struct {
	fault, seen string
	replicas    int
	run         func(ctx context.Context, s *stage) (figure string, best bool, err error)
}

func singles() []single {
	return []single{
		{"one room is answered 429 for 6 s", "that room waits and then shows everything in order; the room beside it does not notice", 1, roomLimited},
		{"40 messages at once against Discord's 5 per 2 s and 30 per minute", "all of them, in order, at the platform's pace", 1, manyAtOnce},
		{"the bridge is down while 100 are said", "all 100 after the start, in order, once", 1, downWhileSaid},
		{"edit, deletion and reply while down and after a restart", "each is right, nothing shows a second time", 1, changedWhileDown},
		{"edit of a message after 5,000 later ones", "the right one changes", 1, oldEdit},
		{"five 500s in a row on the post", "the message is there once", 1, fiveErrors},
		{"each event is told twice, with another event id", "everything is there once", 1, toldTwice},
		{"two replicas, one is killed with -9 in the midst of talk", "everything is there once, in order", 2, oneKilled},
	}
}

// stage is the small world of one row.
type stage struct {
	*crowd
	w    *world
	roll *rand.Rand
}

// faultTable runs every row and reports whether all are at their best.
func faultTable(ctx context.Context, c config, out io.Writer) (bool, error) {
	n := newNotes(out)
	dir, err := os.MkdirTemp("", "chaos-faults-")
	if err != nil {
		return false, err
	}
	kept := false
	defer func() {
		if !kept {
			_ = os.RemoveAll(dir) // what stays behind hurts nobody
		}
	}()
	if c.bin, err = build(ctx, dir); err != nil {
		return false, err
	}
	lines := []string{"| fault | what people see | figure |", "|---|---|---|"}
	best := 0
	all := singles()
	if c.only > 0 && c.only <= len(all) {
		all = all[c.only-1 : c.only]
	}
	for i, s := range all {
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		figure, good, err := oneFault(ctx, c, n, fmt.Sprintf("%s/%d", dir, i+1), s)
		if err != nil {
			figure, good = "failed: "+err.Error(), false
		}
		if good {
			best++
		} else {
			kept = true
			figure += " (not at its best)"
		}
		n.say("%s: %s", s.fault, figure)
		lines = append(lines, fmt.Sprintf("| %s | %s | %s |", s.fault, s.seen, figure))
	}
	if kept {
		n.say("logs are kept in %s", dir)
	}
	n.plain("")
	for _, l := range lines {
		n.plain("%s", l)
	}
	n.plain("")
	n.plain("%d faults, %d at their best", len(all), best)
	return best == len(all), nil
}

// oneFault runs a row in a world of its own.
func oneFault(ctx context.Context, c config, n *notes, dir string, s single) (figure string, best bool, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", false, err
	}
	c.rooms, c.replicas, c.calm = 2, s.replicas, true
	w, err := newWorld(ctx, c, n, dir)
	if err != nil {
		return "", false, err
	}
	defer w.close()
	st := &stage{crowd: newCrowd(w), w: w, roll: rand.New(rand.NewPCG(c.seed, 3))}
	if err := st.openThreads(ctx); err != nil {
		return "", false, err
	}
	// One message each way, so that names and webhooks are known, as they are in a running bridge.
	for i := range w.projects {
		for _, slack := range []bool{true, false} {
			st.speak(ctx, i, slack)
		}
	}
	if err := st.shown(ctx, time.Minute); err != nil {
		return "", false, err
	}
	if !w.settle(ctx, time.Minute) {
		return "", false, fmt.Errorf("not quiet before the fault")
	}
	figure, best, err = s.run(ctx, st)
	if err != nil {
		return figure, false, err
	}
	v, p, err := w.judge(ctx)
	if err != nil {
		return figure, false, err
	}
	for _, b := range v.bad {
		w.account(b, p)
	}
	lost, doubled, order := v.count(kindLost), v.count(kindDoubled), v.count(kindOrder)+v.count(kindLate)
	panics := len(w.fleet.panicked())
	figure += fmt.Sprintf("; %d lost, %d twice, %d out of order", lost, doubled, order)
	return figure, best && lost+doubled+order+panics == 0, nil
}

// speak says something in a project's first thread, on one side.
func (s *stage) speak(ctx context.Context, project int, slack bool) *said {
	for _, room := range s.w.projects[project].rooms {
		if room.slack != slack {
			continue
		}
		s.mu.Lock()
		t := s.talks[room.room][0]
		s.mu.Unlock()
		return s.say(ctx, t, oneOf(s.roll, s.w.people...), nil, s.roll)
	}
	return nil
}

// now compares what shows now.
func (s *stage) now(ctx context.Context) (verdict, error) {
	p, err := s.w.gather(ctx)
	if err != nil {
		return verdict{}, err
	}
	s.w.book.mu.Lock()
	defer s.w.book.mu.Unlock()
	return compare(s.w.book, p), nil
}

// shown waits until nothing is missing or stale.
func (s *stage) shown(ctx context.Context, limit time.Duration) error {
	var last verdict
	err := s.w.until(ctx, limit, "everything shows", func() bool {
		v, err := s.now(ctx)
		last = v
		return err == nil && v.count(kindLost) == 0
	})
	if err != nil {
		for i, b := range last.bad {
			if i < 5 {
				s.w.n.say("   %s %s: %s", b.key(), trimRoom(b.room), b.why)
			}
		}
	}
	return err
}

// waits returns the longest way of the messages that fit, and of all of them the moment at which the last one showed.
func (s *stage) waits(ctx context.Context, fits func(*said) bool) (worst time.Duration, end time.Time, err error) {
	v, err := s.now(ctx)
	if err != nil {
		return 0, end, err
	}
	for _, l := range v.lags {
		if fits(l.said) {
			worst = max(worst, l.took)
			if at := l.said.when.Add(l.took); at.After(end) {
				end = at
			}
		}
	}
	return worst, end, nil
}

// pause and resume take the only replica away and bring it back.
func (s *stage) pause() error {
	r := s.w.fleet.all()[0]
	r.turn.Lock()
	defer r.turn.Unlock()
	return r.end(term)
}

func (s *stage) resume(ctx context.Context) error {
	r := s.w.fleet.all()[0]
	r.turn.Lock()
	s.w.fleet.start(ctx, r)
	r.turn.Unlock()
	return s.w.fleet.await(ctx)
}

func seconds(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
