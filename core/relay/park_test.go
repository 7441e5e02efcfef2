package relay

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

type handClock struct{ now time.Time }

func (c *handClock) Now() time.Time                                   { return c.now }
func (c *handClock) Sleep(ctx context.Context, _ time.Duration) error { return context.Cause(ctx) }

func TestParking(t *testing.T) {
	clock := &handClock{now: time.Unix(1000, 0)}
	k := newParking(clock)
	said := func(id string, second int64, thread core.ThreadID) core.Entry[core.Inbound] {
		return core.Entry[core.Inbound]{ID: core.EntryID(id), Item: core.Inbound{Kind: core.InboundMessage, Room: "slack:T/C", Thread: thread, At: time.Unix(second, 0)}}
	}
	ids := func(list []core.Entry[core.Inbound]) (out []string) {
		for _, e := range list {
			out = append(out, string(e.ID))
		}
		return out
	}
	if k.behind(said("x", 1, "t1")) {
		t.Fatal("nothing waits, and yet somebody was held back")
	}
	k.add(said("b", 2, "t1"), "t1")
	found := said("f", 1, "t1")
	found.Item.CatchUp = true
	command := said("c", 3, "t1")
	command.Item.Kind = core.InboundCommand
	if !k.behind(said("a", 1, "t1")) || k.behind(said("o", 1, "t2")) || !k.behind(found) || k.behind(command) {
		t.Fatal("only talk of the same thread waits, told or found")
	}
	if got := ids(k.release(core.Inbound{Room: "slack:T/C", Thread: "t1"})); !slices.Equal(got, []string{"b", "a", "f"}) || k.count != 0 {
		t.Fatal(got, k.count)
	}
	k.add(said("d", 5, "t1"), "t1")
	k.add(said("c", 4, "t1"), "t1")
	clock.now = clock.now.Add(parkFor)
	if got := k.due(); len(got) != 0 {
		t.Fatal(ids(got))
	}
	clock.now = clock.now.Add(time.Millisecond)
	if got := ids(k.due()); !slices.Equal(got, []string{"c", "d"}) || k.count != 0 {
		t.Fatal(got)
	}
}

func TestFair(t *testing.T) {
	for n := range 20 {
		for all := 1; all < 9; all++ {
			sum, least, most := 0, n, 0
			for place := range all {
				s := fair(n, place, all)
				sum, least, most = sum+s, min(least, s), max(most, s)
			}
			if sum != n || most-least > 1 {
				t.Fatalf("%d among %d: %d in all, from %d to %d", n, all, sum, least, most)
			}
		}
	}
}
