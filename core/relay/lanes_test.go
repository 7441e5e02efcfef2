package relay

import (
	"slices"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

func TestInsert(t *testing.T) {
	entry := func(id string, kind core.OutgoingKind, second int64) core.Entry[core.Outgoing] {
		return core.Entry[core.Outgoing]{ID: core.EntryID(id), Item: core.Outgoing{Kind: kind, At: time.Unix(second, 0)}}
	}
	held := func(e core.Entry[core.Outgoing]) core.Entry[core.Outgoing] {
		e.Replayed = true
		return e
	}
	for name, c := range map[string]struct {
		in   []core.Entry[core.Outgoing]
		want []core.EntryID
	}{
		"in order":                                      {[]core.Entry[core.Outgoing]{entry("a", core.OutComment, 1), entry("b", core.OutComment, 2)}, []core.EntryID{"a", "b"}},
		"a late one goes before":                        {[]core.Entry[core.Outgoing]{entry("b", core.OutComment, 2), entry("c", core.OutComment, 3), entry("a", core.OutComment, 1)}, []core.EntryID{"a", "b", "c"}},
		"of one moment, as they came":                   {[]core.Entry[core.Outgoing]{entry("a", core.OutComment, 1), entry("b", core.OutComment, 1)}, []core.EntryID{"a", "b"}},
		"nothing passes a card":                         {[]core.Entry[core.Outgoing]{entry("b", core.OutComment, 2), entry("x", core.OutCard, 2), entry("a", core.OutComment, 1)}, []core.EntryID{"b", "x", "a"}},
		"a card passes nothing":                         {[]core.Entry[core.Outgoing]{entry("b", core.OutComment, 2), entry("x", core.OutCard, 1)}, []core.EntryID{"b", "x"}},
		"nothing new passes what an earlier holder had": {[]core.Entry[core.Outgoing]{held(entry("b", core.OutComment, 2)), entry("a", core.OutComment, 1)}, []core.EntryID{"b", "a"}},
		"that stands as the earlier holder had it":      {[]core.Entry[core.Outgoing]{held(entry("b", core.OutComment, 2)), held(entry("a", core.OutComment, 1))}, []core.EntryID{"a", "b"}},
		"a reaction stays behind its own":               {[]core.Entry[core.Outgoing]{entry("b", core.OutComment, 2), entry("r", core.OutReact, 1)}, []core.EntryID{"b", "r"}},
	} {
		t.Run(name, func(t *testing.T) {
			var q []core.Entry[core.Outgoing]
			for _, e := range c.in {
				q = insert(q, e)
			}
			var got []core.EntryID
			for _, e := range q {
				got = append(got, e.ID)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("order is %v, want %v", got, c.want)
			}
		})
	}
}

// TestContentIsReadWhenItIsSent: what was seen with an entry is of no use once the entry has to wait.
func TestContentIsReadWhenItIsSent(t *testing.T) {
	l := newLanes(nil, nil, nil)
	e := core.Entry[core.Outgoing]{ID: "1-1", Item: core.Outgoing{Kind: core.OutComment, Room: "r", Task: "T-1"}, Shown: &core.Shown{}}
	l.queues[laneOf(e)] = nil // its lane is sending something
	if l.free(e.Item) || !l.free(core.Outgoing{Kind: core.OutComment, Room: "r", Task: "T-2"}) {
		t.Error("one lane is busy, the other one is free")
	}
	if err := l.put(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if q := l.queues[laneOf(e)]; len(q) != 1 || q[0].Shown != nil {
		t.Errorf("it waits as %+v", q)
	}
}
