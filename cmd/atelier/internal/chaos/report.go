package main

// What a run says in the end: an account of everything bad, and one line.

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// maxAccounts bounds the accounts of one kind; beyond it they are only counted.
const maxAccounts = 25

// report prints the accounts and the last line, and reports whether all is well.
func (w *world) report(v verdict, p *picture) bool {
	n := w.n
	for _, kind := range []string{kindLost, kindDoubled, kindOrder, kindLate} {
		limit := maxAccounts
		if kind == kindLate {
			limit = 3
		}
		for i, b := range ofKind(v, kind) {
			if i == limit {
				n.plain("... and more that are %s", kind)
				break
			}
			w.account(b, p)
		}
	}
	panics := w.fleet.panicked()
	for _, l := range panics {
		n.plain("PANIC %.2000s", l)
	}
	slices.SortFunc(v.lags, func(a, b lag) int { return int(a.took - b.took) })
	worst := time.Duration(0)
	if k := len(v.lags); k > 0 {
		worst = v.lags[k-1].took
		n.plain("lag: p50 %s, p90 %s, p99 %s; slowest:", short(v.lags[k/2].took), short(v.lags[k*9/10].took), short(v.lags[k*99/100].took))
		for _, l := range v.lags[max(0, k-3):] {
			n.plain("  %s said at %s in %s, shown in %s after %s", l.said.token, n.since(l.said.when), trimRoom(l.said.at.room), trimRoom(l.room), short(l.took))
		}
	}
	n.plain("calls: %s", strings.Join(w.tally.lines(14), "; "))
	deleted, edited := 0, 0
	for _, m := range w.book.said {
		if m.deleted {
			deleted++
		}
		if len(m.texts) > 1 {
			edited++
		}
	}
	found := 0
	for _, s := range p.stored {
		if s.found {
			found++
		}
	}
	n.plain("%d messages (%d edited, %d deleted, %d found by catch-up), %d commands, %d deeds refused by the platforms; %d late inversions; %d panics",
		len(w.book.said), edited, deleted, found, len(w.book.asked), w.book.refused, v.count(kindLate), len(panics))
	good := v.count(kindLost)+v.count(kindDoubled)+v.count(kindOrder)+len(panics) == 0
	n.last = fmt.Sprintf("%d actions, %d faults, %d lost, %d duplicated, %d out of order, worst lag %s", w.book.actions, n.count(), v.count(kindLost), v.count(kindDoubled), v.count(kindOrder), short(worst))
	if good && w.c.keep == "" {
		n.plain("%s", n.last)
	}
	return good
}

func ofKind(v verdict, kind string) []bad {
	var out []bad
	for _, b := range v.bad {
		if b.kind == kind {
			out = append(out, b)
		}
	}
	return out
}

func short(d time.Duration) string { return d.Round(10 * time.Millisecond).String() }

func (f *fleet) panicked() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.panics)
}

// account tells everything about one bad thing.
func (w *world) account(b bad, p *picture) {
	n := w.n
	n.plain("%s: %s in %s: %s", strings.ToUpper(b.kind), b.key(), trimRoom(b.room), b.why)
	if b.said == nil {
		return
	}
	for _, m := range []*said{b.said, b.than} {
		if m != nil {
			w.story(m, b.room, p)
		}
	}
}

// story tells of one message: how it was said, handed over, shown and stored, and what broke around it.
func (w *world) story(m *said, target core.RoomID, p *picture) {
	n := w.n
	n.plain("    %s (%s in %s, thread %s of %s) by %s at %s: %q", m.token, m.at.id, trimRoom(m.at.room), m.thread, m.task, m.by, n.since(m.when), m.texts)
	moments := []time.Time{m.when}
	for _, t := range m.touched {
		moments = append(moments, t)
		n.plain("      touched at %s", n.since(t))
	}
	if m.deleted {
		n.plain("      deleted by its author")
	}
	for _, h := range p.hands[m.at] {
		ack := "not acknowledged"
		if !h.acked.IsZero() {
			ack = "acknowledged at " + n.since(h.acked)
		} else if m.at.room.Platform() == core.Discord {
			ack = "" // the gateway knows none
		}
		n.plain("      handed over at %s on connection %d %s", n.since(h.at), h.link, ack)
	}
	for _, s := range p.shown {
		if strings.Contains(s.text, m.token) {
			n.plain("      shows in %s thread %s as %s since %s: %q by %q, the app's reactions %v, known %t", trimRoom(s.at.room), s.thread, s.at.id, n.since(s.when), s.text, s.author, s.marks, s.known)
		}
	}
	for _, s := range p.stored {
		if s.at == m.at {
			n.plain("      Redis: comment %s, %q, deleted %t, found %t", core.MakeCommentID(m.at.room, m.at.id), s.text, s.deleted, s.found)
		}
	}
	for _, e := range n.near(10*time.Second, moments...) {
		n.plain("      near: %s", e)
	}
	for _, l := range w.logged(m, target) {
		n.plain("      log: %.500s", l)
	}
}

// maxLogged bounds the log lines of one message.
const maxLogged = 12

// logged finds what the replicas' logs say of a message's deliveries and inbound.
func (w *world) logged(m *said, target core.RoomID) []string {
	obj := core.CommentObject(m.task, core.MakeCommentID(m.at.room, m.at.id))
	want := []string{string(m.at.id)}
	for i := range len(m.texts) + 2 {
		for _, room := range []core.RoomID{target, m.at.room} {
			want = append(want, string(core.MakeDeliveryID(obj, room, fmt.Sprintf("comment/%d", i))))
		}
	}
	logs, err := filepath.Glob(filepath.Join(w.dir, "r*.log"))
	if err != nil {
		return nil
	}
	var out []string
	for _, name := range logs {
		f, err := os.Open(name)
		if err != nil {
			continue
		}
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if slices.ContainsFunc(want, func(s string) bool { return strings.Contains(lines.Text(), s) }) {
				out = append(out, strings.TrimSuffix(filepath.Base(name), ".log")+" "+lines.Text())
			}
		}
		_ = f.Close() // it was only read
	}
	return out[:min(len(out), maxLogged)]
}
