package feedbacktest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

func apply(t *testing.T, s *feedback.Store, c core.Change) {
	t.Helper()
	if err := s.Review.Apply(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

// TestPlacementsStandBesideTheComment writes a comment and its placements in every order: neither may touch the other.
func TestPlacementsStandBesideTheComment(t *testing.T) {
	s := Open(t)
	p, task := newTask(s, 1)
	apply(t, s, core.Change{Partition: p, NewTask: task})
	source := core.MessageRef{Room: "slack:T1/C1", Thread: "1.1", ID: "1.2"}
	c := &core.Comment{ID: "c-1", Task: task.ID, Source: source, Identity: "slack:T1/U1", Author: core.MakePersonID("slack:T1/U1"), Text: core.Plain("what a\nlight"), At: time.Now().UTC()}
	obj := core.CommentObject(task.ID, c.ID)
	place := func(room core.RoomID, pl core.Placement) core.PlaceWrite {
		return core.PlaceWrite{Object: obj, Room: room, Placement: pl}
	}
	check := func(what string, want map[core.RoomID]core.Placement) {
		t.Helper()
		got, err := s.Review.Placed(t.Context(), p, obj)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", what, err, diff)
		}
		back, err := s.Review.Comment(t.Context(), task.ID, c.ID)
		if c.Rev == 0 {
			if core.ErrorCode(err) != core.CodeNotFound {
				t.Errorf("%s: the comment is %v %v", what, back, err)
			}
			return
		}
		if diff := cmp.Diff(c, back); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", what, err, diff)
		}
	}
	check("nothing", map[core.RoomID]core.Placement{})
	early := core.Placement{Thread: "2.1", Failed: true}
	apply(t, s, core.Change{Partition: p, Place: []core.PlaceWrite{place("discord:1/2", early)}})
	check("a placement without a comment", map[core.RoomID]core.Placement{"discord:1/2": early})

	own := core.Placement{Thread: source.Thread, Parts: []core.MessageID{source.ID}, Source: true}
	apply(t, s, core.Change{Partition: p, Comments: []*core.Comment{c}, Place: []core.PlaceWrite{place(source.Room, own)}})
	want(t, s.Review.Apply(t.Context(), core.Change{Partition: p, Comments: []*core.Comment{c}}), core.CodeConflict)
	c.Rev = 1
	check("the comment where it was said", map[core.RoomID]core.Placement{"discord:1/2": early, source.Room: own})

	shown := core.Placement{Thread: "2.1", Parts: []core.MessageID{"2.2", "2.3"}, Rev: 3, Handles: map[core.BlobKey]string{"b": "F1"}}
	apply(t, s, core.Change{Partition: p, Place: []core.PlaceWrite{place("discord:1/2", shown), place("discord:1/22", early), place("discord:1/2", shown)}})
	c.Edits = 1
	apply(t, s, core.Change{Partition: p, Comments: []*core.Comment{c}})
	c.Rev = 2
	check("after an edit", map[core.RoomID]core.Placement{"discord:1/2": shown, "discord:1/22": early, source.Room: own})
	want(t, s.Review.Apply(t.Context(), core.Change{Partition: p, Comments: []*core.Comment{{ID: c.ID, Task: c.Task, Rev: 1}}}), core.CodeConflict)

	moved := core.Placement{Thread: "1.1", Parts: []core.MessageID{"1.9"}}
	apply(t, s, core.Change{Partition: p, Place: []core.PlaceWrite{place(source.Room, moved), place("discord:1/22", shown)}})
	check("placed anew", map[core.RoomID]core.Placement{"discord:1/2": shown, "discord:1/22": shown, source.Room: moved})
	if page, n, err := s.Review.Comments(t.Context(), task.ID, 0, 10); err != nil || n != 1 || cmp.Diff([]*core.Comment{c}, page) != "" {
		t.Errorf("the page holds %d of %d: %v", len(page), n, err)
	}
}

// TestWhatCameEarly lets inbounds wait for messages that are claimed, deleted or known already.
func TestWhatCameEarly(t *testing.T) {
	s := Open(t)
	p, task := newTask(s, 1)
	apply(t, s, core.Change{Partition: p, NewTask: task})
	const room = "slack:T1/C1"
	l := Lease(t, s, p)
	react := func(on core.MessageID, n int) core.Inbound {
		return core.Inbound{V: core.InboundVersion, ID: core.InboundID(fmt.Sprintf("%s-%d", on, n)), Kind: core.InboundReact, Room: room, Message: &core.Message{ID: on}}
	}
	claim := func(msg core.MessageID, obj core.ObjectID) core.Change {
		return core.Change{Partition: p, Place: []core.PlaceWrite{{Object: obj, Room: room, Placement: core.Placement{Parts: []core.MessageID{msg}}}}}
	}
	handed := func(what string, ids ...string) {
		t.Helper()
		ins, _, err := s.Journal.Read(t.Context(), p, l, 10, 0)
		if diff := cmp.Diff(ids, names(ins)); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", what, err, diff)
		}
	}
	shows := func(msg core.MessageID, obj core.ObjectID, tomb bool) {
		t.Helper()
		got, is, err := s.Review.Object(t.Context(), p, room, msg)
		if known := obj != "" || tomb; got != obj || is != tomb || known != (err == nil) || !known && core.ErrorCode(err) != core.CodeNotFound {
			t.Errorf("%s shows %q, tomb %v: %v", msg, got, is, err)
		}
	}
	const a, b, c = core.MessageID("1700000000.000001"), core.MessageID("1700000000.000002"), core.MessageID("1700000000.000003")
	comment, card := core.CommentObject(task.ID, "c-1"), core.CardObject(task.ID, 0)
	tomb := func(m core.MessageID) core.Change {
		return core.Change{Partition: p, Tombs: []core.MessageRef{{Room: room, ID: m}}}
	}

	apply(t, s, core.Change{Partition: p, Early: []core.Inbound{react(a, 1), react(b, 1)}})
	apply(t, s, core.Change{Partition: p, Early: []core.Inbound{react(a, 2)}})
	handed("nothing is claimed")
	shows(a, "", false)
	apply(t, s, claim(a, comment))
	handed("one is claimed", string(a)+"-1", string(a)+"-2")
	shows(a, comment, false)
	apply(t, s, claim(a, comment))
	handed("it is claimed again")
	apply(t, s, core.Change{Partition: p, Early: []core.Inbound{react(a, 3)}})
	handed("it is known", string(a)+"-3")

	apply(t, s, tomb(b))
	shows(b, "", true)
	apply(t, s, core.Change{Partition: p, Early: []core.Inbound{react(b, 2)}})
	apply(t, s, claim(b, card))
	handed("what waited for a deleted one is gone")
	shows(b, card, false)
	apply(t, s, tomb(b))
	shows(b, "", true)
	shows(a, comment, false)
	shows(c, "", false)
}

// TestInboundIsKnownForTwoDays reads how long the marks last, and puts one into each generation.
func TestInboundIsKnownForTwoDays(t *testing.T) {
	s := Open(t)
	p := core.Partition("p03")
	if added, err := s.Journal.Append(t.Context(), p, inbound(1)); err != nil || !added {
		t.Fatal(added, err)
	}
	part, mark := rdb.SeenMark(inbound(1).ID)
	var found int
	for g := range 2 {
		key := s.DB.Keys.Seen(p, g, part)
		if in, err := s.DB.Client.SIsMember(t.Context(), key, mark).Result(); err != nil || !in {
			continue
		}
		found++
		if ttl, err := s.DB.Client.TTL(t.Context(), key).Result(); err != nil || ttl <= 48*time.Hour-time.Minute || ttl > 96*time.Hour {
			t.Errorf("the mark lasts %s: %v", ttl, err)
		}
		if err := s.DB.Client.Del(t.Context(), key).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if found != 1 {
		t.Errorf("the mark lies in %d sets", found)
	}
	for g := range 2 {
		key := s.DB.Keys.Seen(p, g, part)
		s.DB.Client.SAdd(t.Context(), key, mark)
		if added, err := s.Journal.Append(t.Context(), p, inbound(1)); err != nil || added {
			t.Errorf("stored again with a mark in generation %d: %v", g, err)
		}
		s.DB.Client.Del(t.Context(), key)
	}
}
