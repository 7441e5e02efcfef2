package main

// The comparison: given what was said, what shows and what is stored, it finds what is lost, doubled or out of order.
// It is a function of its input and knows neither platforms nor Redis.

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// shown is one message as a platform shows it.
type shown struct {
	at     place
	thread core.ThreadID // empty in the room itself
	author string
	text   string
	raw    string // everything in it, cards included
	when   time.Time
	app    bool     // the app posted it
	marks  []string // the app's own reactions, sorted
	known  bool     // the store knows what it shows
}

// stored is one comment record.
type stored struct {
	at      place
	task    core.TaskID
	text    string
	deleted bool
	found   bool // by catch-up, not told live
}

// hand is one handing of an event to a replica over one connection.
type hand struct {
	link  int64
	seq   int64 // grows with each handing
	at    time.Time
	acked time.Time // zero: not, or not known
}

// picture is everything that can be seen in the end.
type picture struct {
	shown  []shown
	stored []stored
	tasks  map[core.TaskID]string        // and their titles
	rooms  map[core.TaskID][]core.RoomID // where each task shows
	thread map[core.TaskID]map[core.RoomID]core.ThreadID
	hands  map[place][]hand
	left   int // inbounds and outgoings that nobody settled
	dead   []core.DeadLetter
}

// Kinds of badness.
const (
	kindLost    = "lost"
	kindDoubled = "doubled"
	kindOrder   = "out of order"
	kindLate    = "late" // inverted, but not told live in order
)

// bad is one thing that is not as it should be.
type bad struct {
	kind string
	why  string
	said *said
	what string // when it is no message: a task, an entry
	room core.RoomID
	than *said // for inversions: what was said later and shows earlier
}

// verdict is what a comparison finds.
type verdict struct {
	bad  []bad
	lags []lag
}

// lag is how long a message took from one room to another.
type lag struct {
	said *said
	room core.RoomID
	took time.Duration
}

// count returns how many different messages or things are bad in one way.
func (v verdict) count(kind string) int {
	seen := map[string]bool{}
	for _, b := range v.bad {
		if b.kind == kind {
			seen[b.key()] = true
		}
	}
	return len(seen)
}

func (b bad) key() string {
	if b.said != nil {
		return b.said.token
	}
	return b.what
}

var (
	tokenIn  = regexp.MustCompile(`\bm\d{5}\b`)
	lateNote = regexp.MustCompile(`^[_*]*\(sent [^)]*\)[_*]* `)
	replyTo  = regexp.MustCompile(`^(-# )?↩[^\n]*\n`)
)

// words is a mirrored message without what the program sets before it.
func words(text string) string {
	return lateNote.ReplaceAllString(replyTo.ReplaceAllString(text, ""), "")
}

// compare judges. The ledger must not change meanwhile.
func compare(l *ledger, p *picture) verdict {
	c := &comparison{p: p, copies: map[string]map[core.RoomID][]shown{}, records: map[place][]stored{}}
	for _, s := range p.shown {
		if t := tokenIn.FindString(words(s.text)); t != "" {
			if c.copies[t] == nil {
				c.copies[t] = map[core.RoomID][]shown{}
			}
			c.copies[t][s.at.room] = append(c.copies[t][s.at.room], s)
		}
	}
	for _, s := range p.stored {
		c.records[s.at] = append(c.records[s.at], s)
	}
	for _, m := range l.said {
		c.message(m)
		c.record(m)
	}
	c.order(l.said)
	for _, a := range l.asked {
		c.command(a)
	}
	c.threads()
	c.rest()
	return c.v
}

type comparison struct {
	p       *picture
	copies  map[string]map[core.RoomID][]shown // by token and room
	records map[place][]stored
	v       verdict
}

func (c *comparison) add(kind string, m *said, room core.RoomID, format string, args ...any) {
	c.v.bad = append(c.v.bad, bad{kind: kind, said: m, room: room, why: fmt.Sprintf(format, args...)})
}

func (c *comparison) thing(kind, what string, room core.RoomID, format string, args ...any) {
	c.v.bad = append(c.v.bad, bad{kind: kind, what: what, room: room, why: fmt.Sprintf(format, args...)})
}

// message judges how a message shows in every room of its task.
func (c *comparison) message(m *said) {
	for _, room := range c.p.rooms[m.task] {
		all := slices.DeleteFunc(slices.Clone(c.copies[m.token][room]), func(s shown) bool { return s.at == m.at })
		if room == m.at.room {
			if len(all) > 0 {
				c.add(kindDoubled, m, room, "came back to its own room, as %s", all[0].at.id)
			}
			if own := c.find(m); own != nil && !m.deleted {
				c.reactions(m, *own)
			}
			continue
		}
		switch {
		case m.deleted && len(all) > 0:
			c.add(kindLost, m, room, "deleted, and still shows as %s", all[0].at.id)
			continue
		case m.deleted:
			continue
		case len(all) == 0:
			c.add(kindLost, m, room, "does not show")
			continue
		case len(all) > 1:
			var ids []string
			for _, s := range all {
				ids = append(ids, string(s.at.id))
			}
			c.add(kindDoubled, m, room, "shows %d times: %s", len(all), strings.Join(ids, ", "))
		}
		s := all[0]
		if want := c.p.thread[m.task][room]; want != "" && s.thread != want {
			c.add(kindLost, m, room, "shows in thread %q instead of %q", s.thread, want)
		}
		if got := words(s.text); got != m.newest() {
			c.add(kindLost, m, room, "shows %q instead of %q", got, m.newest())
		}
		if s.author != m.by {
			c.add(kindLost, m, room, "shows under the name %q instead of %q", s.author, m.by)
		}
		c.reactions(m, s)
		c.v.lags = append(c.v.lags, lag{m, room, s.when.Sub(m.when)})
	}
}

// find returns the message itself, where it was said.
func (c *comparison) find(m *said) *shown {
	for _, s := range c.copies[m.token][m.at.room] {
		if s.at == m.at {
			return &s
		}
	}
	return nil
}

func (c *comparison) reactions(m *said, s shown) {
	if want := m.wants(s.at.room); !slices.Equal(want, s.marks) {
		c.add(kindLost, m, s.at.room, "the app reacts with %v instead of %v", s.marks, want)
	}
}

// record judges the comment record of a message.
func (c *comparison) record(m *said) {
	list := c.records[m.at]
	switch {
	case len(list) == 0 && !m.deleted:
		c.add(kindLost, m, m.at.room, "has no comment record")
	case len(list) > 1:
		c.add(kindDoubled, m, m.at.room, "has %d comment records", len(list))
	case len(list) == 1 && list[0].deleted != m.deleted:
		c.add(kindLost, m, m.at.room, "its record says deleted=%t", list[0].deleted)
	case len(list) == 1 && !m.deleted && list[0].text != m.newest():
		c.add(kindLost, m, m.at.room, "its record says %q instead of %q", list[0].text, m.newest())
	}
}

// order judges, per thread and room, whether messages of one other room show in the order in which they were said.
func (c *comparison) order(all []*said) {
	type lane struct {
		from, to core.RoomID
		thread   core.ThreadID
	}
	lanes := map[lane][]*said{}
	first := map[*said]map[core.RoomID]shown{}
	for _, m := range all {
		for _, room := range c.p.rooms[m.task] {
			for _, s := range c.copies[m.token][room] {
				if room == m.at.room || s.at == m.at {
					continue
				}
				if first[m] == nil {
					first[m] = map[core.RoomID]shown{}
				}
				if _, known := first[m][room]; !known {
					first[m][room] = s
					l := lane{m.at.room, room, s.thread}
					lanes[l] = append(lanes[l], m)
				}
			}
		}
	}
	for l, list := range lanes {
		slices.SortFunc(list, func(a, b *said) int { return byID(first[a][l.to].at.id, first[b][l.to].at.id) })
		for i, m := range list {
			var worst *said
			kind := kindLate
			for _, x := range list[:i] {
				if byID(x.at.id, m.at.id) <= 0 {
					continue
				}
				if worst == nil {
					worst = x
				}
				if c.live(m, first[m][l.to]) && c.live(x, first[x][l.to]) && c.inTurn(m, x) {
					worst, kind = x, kindOrder
					break
				}
			}
			if worst != nil {
				c.v.bad = append(c.v.bad, bad{kind: kind, said: m, room: l.to, than: worst, why: fmt.Sprintf("shows behind %s, which was said later", worst.token)})
			}
		}
	}
}

// live reports whether a message was told live before it showed. One that shows earlier was learnt of otherwise: by
// catch-up, or by an edit that overtook it.
func (c *comparison) live(m *said, s shown) bool {
	if list := c.records[m.at]; len(list) > 0 && list[0].found {
		return false
	}
	const rounding = 2 * time.Millisecond // ids carry milliseconds
	for _, h := range c.p.hands[m.at] {
		if !h.at.After(s.when.Add(rounding)) {
			return true
		}
	}
	return false
}

// inTurn reports whether the first message was told before the second: over one connection in that order, or
// acknowledged in that order. One that was handed over before, to a process that died with the acknowledgement, may have
// been taken then.
func (c *comparison) inTurn(a, b *said) bool {
	if firstHand(c.p.hands[b.at]).Before(firstHand(c.p.hands[a.at])) {
		return false
	}
	ackedA, okA := firstAck(c.p.hands[a.at])
	ackedB, okB := firstAck(c.p.hands[b.at])
	if okA && okB {
		return ackedA.at.Before(ackedB.at) && ackedA.acked.Before(ackedB.acked)
	}
	same := false
	for _, x := range c.p.hands[a.at] {
		for _, y := range c.p.hands[b.at] {
			if x.link == y.link && y.seq < x.seq {
				return false
			}
			same = same || x.link == y.link
		}
	}
	return same
}

func firstHand(list []hand) (first time.Time) {
	for _, h := range list {
		if first.IsZero() || h.at.Before(first) {
			first = h.at
		}
	}
	return first
}

func firstAck(list []hand) (first hand, ok bool) {
	for _, h := range list {
		if !h.acked.IsZero() && (!ok || h.acked.Before(first.acked)) {
			first, ok = h, true
		}
	}
	return first, ok
}

// byID compares ids of one platform by age.
func byID(a, b core.MessageID) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(string(a), string(b))
}

// command judges what came of a command for a new task.
func (c *comparison) command(a *asked) {
	var made []core.TaskID
	for id, title := range c.p.tasks {
		if strings.Contains(title, a.token) {
			made = append(made, id)
		}
	}
	switch {
	case len(made) == 0 && a.acked:
		c.thing(kindLost, "command "+a.token, a.where, "was taken and led to no task")
	case len(made) > 1:
		c.thing(kindDoubled, "command "+a.token, a.where, "led to the tasks %v", made)
	}
	for _, id := range made {
		for _, room := range c.p.rooms[id] {
			roots := 0
			for _, s := range c.p.shown {
				if s.app && s.at.room == room && s.thread == "" && strings.Contains(s.raw, a.token) {
					roots++
				}
			}
			switch {
			case roots == 0:
				c.thing(kindLost, "card of "+string(id), room, "does not show")
			case roots > 1:
				c.thing(kindDoubled, "card of "+string(id), room, "shows %d times", roots)
			}
		}
	}
}

// threads judges that a task has one thread per room, and that the store knows each message of the app in it.
func (c *comparison) threads() {
	for id, rooms := range c.p.rooms {
		for _, room := range rooms {
			if c.p.thread[id][room] == "" {
				c.thing(kindLost, "thread of "+string(id), room, "is not recorded")
			}
		}
	}
	for _, s := range c.p.shown {
		if !s.app || s.known || tokenIn.MatchString(words(s.text)) {
			continue // a second copy of a message is found above
		}
		for _, other := range c.p.shown {
			if other.known && other.app && other.at.room == s.at.room && other.thread == s.thread && other.raw == s.raw {
				c.thing(kindDoubled, "message "+string(s.at.id), s.at.room, "shows the same as %s and nothing knows it: %.80q", other.at.id, s.text)
				break
			}
		}
	}
}

// rest judges what lies in Redis.
func (c *comparison) rest() {
	if c.p.left > 0 {
		c.thing(kindLost, "entries", "", "%d entries were never settled", c.p.left)
	}
	for _, d := range c.p.dead {
		c.thing(kindLost, "dead letter "+d.ID, d.Room, "%s was given up after %d tries: %s; %.300s", d.Kind, d.Attempts, d.Reason, d.Payload)
	}
}
