package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// The two rooms of the tests' small world.
const (
	left  = core.RoomID("slack:T1/C1")
	right = core.RoomID("discord:1/2")
	task  = core.TaskID("R00-1")
)

// scene is a ledger of n messages said in turn on the left, and what must then be seen.
func scene(n int) (*ledger, *picture) {
	began := time.Unix(1_700_000_000, 0)
	l := &ledger{}
	p := &picture{tasks: map[core.TaskID]string{task: "p00001 a boat"}, rooms: map[core.TaskID][]core.RoomID{task: {left, right}},
		thread: map[core.TaskID]map[core.RoomID]core.ThreadID{task: {left: "root", right: "100"}}, hands: map[place][]hand{}}
	for i := range n {
		m := &said{no: i, token: fmt.Sprintf("m%05d", i), task: task, at: place{left, core.MessageID(fmt.Sprintf("%d.000100", 1_700_000_000+i))}, thread: "root", by: "Ada",
			when: began.Add(time.Duration(i) * time.Second), texts: []string{fmt.Sprintf("m%05d the sea is cold", i)}}
		l.said = append(l.said, m)
		p.shown = append(p.shown,
			shown{at: m.at, thread: "root", text: m.newest(), when: m.when},
			shown{at: place{right, core.MessageID(fmt.Sprint(200 + i))}, thread: "100", author: "Ada", text: m.newest(), when: m.when.Add(time.Second), app: true, known: true})
		p.stored = append(p.stored, stored{at: m.at, task: task, text: m.newest()})
		p.hands[m.at] = []hand{{link: 1, seq: int64(i), at: m.when, acked: m.when.Add(time.Millisecond)}}
	}
	return l, p
}

// copyAt is where the copy of message i stands in the picture.
func copyAt(i int) int { return 2*i + 1 }

func TestCompare(t *testing.T) {
	late := func(p *picture, i int, d time.Duration) {
		h := p.hands[p.stored[i].at]
		h[0].at, h[0].acked = h[0].at.Add(d), h[0].acked.Add(d)
	}
	swap := func(p *picture) {
		p.shown[copyAt(1)].at, p.shown[copyAt(2)].at = p.shown[copyAt(2)].at, p.shown[copyAt(1)].at
	}
	for name, c := range map[string]struct {
		change func(*ledger, *picture)
		want   []string // kind and a part of the reason
	}{
		"all is well": {func(*ledger, *picture) {}, nil},
		"lost":        {func(_ *ledger, p *picture) { p.shown = slices.Delete(p.shown, copyAt(1), copyAt(1)+1) }, []string{"lost: does not show"}},
		"doubled": {func(_ *ledger, p *picture) {
			twin := p.shown[copyAt(1)]
			twin.at.id, twin.known = "999", false
			p.shown = append(p.shown, twin)
		}, []string{"doubled: shows 2 times"}},
		"came back": {func(l *ledger, p *picture) {
			p.shown = append(p.shown, shown{at: place{left, "1700000099.000100"}, thread: "root", author: "Ada", text: l.said[1].newest(), app: true})
		}, []string{"doubled: came back"}},
		"stale": {func(l *ledger, p *picture) {
			l.said[1].texts = append(l.said[1].texts, "m00001 the sea is warm e1")
			p.stored[1].text = l.said[1].newest()
		}, []string{"lost: shows \"m00001 the sea is cold\""}},
		"stale record": {func(_ *ledger, p *picture) { p.stored[1].text = "m00001 another" }, []string{"lost: its record says"}},
		"deleted and shown": {func(l *ledger, p *picture) {
			l.said[1].deleted, p.stored[1].deleted = true, true
		}, []string{"lost: deleted, and still shows"}},
		"deleted and gone": {func(l *ledger, p *picture) {
			l.said[1].deleted, p.stored[1].deleted = true, true
			p.shown = slices.Delete(p.shown, copyAt(1)-1, copyAt(1)+1)
		}, nil},
		"another name":   {func(_ *ledger, p *picture) { p.shown[copyAt(1)].author = "Ben" }, []string{"lost: shows under the name"}},
		"another thread": {func(_ *ledger, p *picture) { p.shown[copyAt(1)].thread = "101" }, []string{"lost: shows in thread"}},
		"late words": {func(_ *ledger, p *picture) {
			p.shown[copyAt(1)].text = "*(sent 14 Nov 22:13 UTC)* " + p.shown[copyAt(1)].text
		}, nil},
		"inverted": {func(_ *ledger, p *picture) { swap(p) }, []string{"out of order: shows behind m00002"}},
		"inverted and found": {func(_ *ledger, p *picture) {
			swap(p)
			p.stored[1].found = true
		}, []string{"late: shows behind m00002"}},
		"inverted as it was told": {func(_ *ledger, p *picture) {
			swap(p)
			late(p, 1, time.Minute)
		}, []string{"late: shows behind m00002"}},
		"inverted by an edit that overtook it": {func(_ *ledger, p *picture) {
			swap(p)
			late(p, 2, time.Minute) // it showed long before it was told
		}, []string{"late: shows behind m00002"}},
		"a reaction is missing": {func(l *ledger, p *picture) { l.said[1].mark(left, "🔥", "Ben", true) }, []string{"lost: the app reacts with [] instead of [🔥]"}},
		"a reaction stayed": {func(l *ledger, p *picture) {
			l.said[1].mark(right, "🔥", "Ben", true)
			l.said[1].mark(right, "🔥", "Ben", false)
			p.shown[copyAt(1)-1].marks = []string{"🔥"}
		}, []string{"lost: the app reacts with [🔥] instead of []"}},
		"two records":    {func(_ *ledger, p *picture) { p.stored = append(p.stored, p.stored[1]) }, []string{"doubled: has 2 comment records"}},
		"something left": {func(_ *ledger, p *picture) { p.left = 3 }, []string{"lost: 3 entries"}},
		"given up":       {func(_ *ledger, p *picture) { p.dead = []core.DeadLetter{{ID: "d-1", Kind: "delivery", Reason: "why"}} }, []string{"lost: delivery was given up"}},
		"a command lost": {func(l *ledger, _ *picture) { l.asked = []*asked{{token: "p00002", acked: true}} }, []string{"lost: was taken and led to no task"}},
		"a command twice": {func(l *ledger, p *picture) {
			l.asked = []*asked{{token: "p00001", acked: true}}
			p.tasks["R00-2"] = "p00001 a boat"
			p.shown = append(p.shown, shown{at: place{left, "1"}, app: true, raw: "p00001", known: true}, shown{at: place{right, "1"}, app: true, raw: "p00001", known: true})
		}, []string{"doubled: led to the tasks"}},
		"a card twice": {func(l *ledger, p *picture) {
			l.asked = []*asked{{token: "p00001", acked: true}}
			for _, at := range []place{{left, "1"}, {left, "2"}, {right, "1"}} {
				p.shown = append(p.shown, shown{at: at, app: true, raw: "p00001", known: true})
			}
		}, []string{"doubled: shows 2 times"}},
	} {
		t.Run(name, func(t *testing.T) {
			l, p := scene(4)
			c.change(l, p)
			var got []string
			for _, b := range compare(l, p).bad {
				got = append(got, b.kind+": "+b.why)
			}
			if len(got) != len(c.want) {
				t.Fatalf("found %q, want %q", got, c.want)
			}
			for i, w := range c.want {
				if !strings.HasPrefix(got[i], w) {
					t.Errorf("found %q, want %q", got[i], w)
				}
			}
		})
	}
}

func TestLags(t *testing.T) {
	l, p := scene(3)
	for _, g := range compare(l, p).lags {
		if g.took != time.Second {
			t.Errorf("%s took %s, want 1s", g.said.token, g.took)
		}
	}
}

// TestScript checks that a seed means the same script every time, and another one another.
func TestScript(t *testing.T) {
	print := func(seed uint64) string {
		deeds, troubles := script(config{seed: seed, duration: time.Minute, rate: 5, kills: 10})
		var b strings.Builder
		for _, d := range deeds {
			fmt.Fprintln(&b, d.at, d.kind, d.roll.Uint64())
		}
		for _, x := range troubles {
			fmt.Fprintln(&b, x.at, x.kind, x.roll.Uint64())
		}
		return b.String()
	}
	first, again, other := print(7), print(7), print(8)
	if first != again || first == other {
		t.Error("the script does not follow from its seed")
	}
	if n := strings.Count(first, " kill "); n != 10 {
		t.Errorf("%d kills, want 10", n)
	}
}

// TestFrames cuts masked and plain frames into pieces of every size.
func TestFrames(t *testing.T) {
	long := strings.Repeat("x", 300)
	var stream []byte
	for _, text := range []string{"hello", "", long} {
		head := []byte{0x81, byte(len(text))}
		if len(text) > 125 {
			head = []byte{0x81, 126, byte(len(text) >> 8), byte(len(text))}
		}
		stream = append(append(stream, head...), text...)
		head[1] |= 0x80
		mask := []byte{1, 2, 3, 4}
		stream = append(append(stream, head...), mask...)
		for i := range text {
			stream = append(stream, text[i]^mask[i%4])
		}
	}
	for size := 1; size < 40; size++ {
		var got []string
		f := frames{greeting: true, told: func(b []byte) { got = append(got, string(b)) }}
		for piece := range slices.Chunk(append([]byte("HTTP/1.1 101\r\n\r\n"), stream...), size) {
			f.see(piece)
		}
		if want := []string{"hello", "hello", "", "", long, long}; !slices.Equal(got, want) {
			t.Fatalf("in pieces of %d: %q", size, got)
		}
	}
}
