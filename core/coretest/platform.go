// Package coretest holds the suites that every implementation of a port must pass, whatever lies behind it.
package coretest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/atelier-bridge/atelier/core"
)

// PlatformRig is a platform under test with a way to look at it from the other side.
type PlatformRig struct {
	Platform core.Platform
	Room     core.RoomID
	// Thread lists what people see in a thread below its root, oldest first.
	Thread func(core.ThreadID) []Seen
	// Secret must never show in an error.
	Secret string
}

// Seen is a message as people see it.
type Seen struct {
	ID        core.MessageID
	Author    string
	Text      string
	Reactions int
}

// RunPlatform runs the suite of core.Platform; rig makes a fresh platform for each test.
func RunPlatform(t *testing.T, rig func(t *testing.T) PlatformRig) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, *suite){
		"a root card opens a thread":                     testRoot,
		"a comment shows once, under its author":         testComment,
		"a delivery tried again is the same message":     testAgain,
		"an edit changes what is shown, and keeps place": testEdit,
		"a long text becomes parts, and shrinks again":   testParts,
		"deleting twice is deleting":                     testDelete,
		"reactions come and go, and may repeat":          testReactions,
		"editing what is gone says so":                   testGone,
		"nobody is pinged through a text":                testNoPing,
		"an ended context leaks nothing":                 testCancelled,
	} {
		t.Run(name, func(t *testing.T) {
			s := &suite{PlatformRig: rig(t), t: t}
			test(t, s)
		})
	}
}

type suite struct {
	PlatformRig
	t *testing.T
}

func (s *suite) deliver(d core.Delivery) core.Receipt {
	s.t.Helper()
	d.Room = s.Room
	r, err := s.Platform.Deliver(s.t.Context(), d)
	if err != nil {
		s.t.Fatalf("%s: %v", d.Op, err)
	}
	return r
}

func (s *suite) root() core.ThreadID {
	s.t.Helper()
	r := s.deliver(core.Delivery{ID: "d-suite-root", Op: core.OpPost, ThreadName: "ACME-1 a lighthouse",
		Card: &core.Card{Title: "ACME-1", Body: core.Plain("a lighthouse in the fog"), Buttons: [][]core.Button{{{Label: "Approve", Action: core.Action{Verb: "approve", Task: "ACME-1"}}}}}})
	if len(r.Parts) != 1 || r.Thread == "" {
		s.t.Fatalf("the root card's receipt is %+v", r)
	}
	return r.Thread
}

func (s *suite) comment(thread core.ThreadID, id, text string) core.Delivery {
	return core.Delivery{ID: core.DeliveryID(id), Op: core.OpPost, Room: s.Room, Thread: thread, Text: core.Plain(text), Author: &core.Author{Name: "Ana Lima"}}
}

// only returns the messages that show a text.
func (s *suite) only(thread core.ThreadID, text string) []Seen {
	var out []Seen
	for _, m := range s.Thread(thread) {
		if strings.Contains(m.Text, text) {
			out = append(out, m)
		}
	}
	return out
}

func testRoot(_ *testing.T, s *suite) { s.root() }

func testComment(t *testing.T, s *suite) {
	th := s.root()
	r := s.deliver(s.comment(th, "d-c1", "the light is cold"))
	got := s.only(th, "the light is cold")
	if len(r.Parts) != 1 || len(got) != 1 || got[0].ID != r.Parts[0] || !strings.Contains(got[0].Author, "Ana Lima") {
		t.Fatalf("receipt %+v, shown %+v", r, got)
	}
}

func testAgain(t *testing.T, s *suite) {
	th := s.root()
	d := s.comment(th, "d-c2", "said once")
	first := s.deliver(d)
	d.Attempt = 1
	second := s.deliver(d)
	if len(second.Parts) != 1 || second.Parts[0] != first.Parts[0] || len(s.only(th, "said once")) != 1 {
		t.Fatalf("first %v, then %v; shown %+v", first.Parts, second.Parts, s.Thread(th))
	}
}

func testEdit(t *testing.T, s *suite) {
	th := s.root()
	d := s.comment(th, "d-c3", "first words")
	posted := s.deliver(d)
	s.deliver(s.comment(th, "d-c4", "in between"))
	d.Op, d.Target, d.Text = core.OpEdit, posted.Parts, core.Plain("other words")
	s.deliver(d)
	all := s.Thread(th)
	if len(s.only(th, "first words")) != 0 || len(all) != 2 || !strings.Contains(all[0].Text, "other words") {
		t.Fatalf("shown %+v", all)
	}
}

func testParts(t *testing.T, s *suite) {
	th := s.root()
	limit := s.Platform.Capabilities().MaxText
	long := strings.TrimSpace(strings.Repeat("a long remark about the light ", limit/20))
	d := s.comment(th, "d-c5", long)
	posted := s.deliver(d)
	if len(posted.Parts) < 2 {
		t.Fatalf("%d characters became %d messages", len(long), len(posted.Parts))
	}
	d.Op, d.Target, d.Text = core.OpEdit, posted.Parts, core.Plain("short")
	r := s.deliver(d)
	if got := s.Thread(th); len(r.Parts) != 1 || len(got) != 1 || !strings.Contains(got[0].Text, "short") {
		t.Fatalf("receipt %v, shown %+v", r.Parts, got)
	}
}

func testDelete(t *testing.T, s *suite) {
	th := s.root()
	d := s.comment(th, "d-c6", "never mind")
	posted := s.deliver(d)
	d.Op, d.Target = core.OpDelete, posted.Parts
	s.deliver(d)
	s.deliver(d)
	if got := s.only(th, "never mind"); len(got) != 0 {
		t.Fatalf("still shown: %+v", got)
	}
}

func testReactions(t *testing.T, s *suite) {
	th := s.root()
	posted := s.deliver(s.comment(th, "d-c7", "nice"))
	d := core.Delivery{ID: "d-r", Op: core.OpReact, Thread: th, Target: posted.Parts, Emoji: core.Emoji{Name: "thumbsup", Unicode: "👍"}}
	s.deliver(d)
	s.deliver(d)
	if got := s.only(th, "nice"); got[0].Reactions != 1 {
		t.Fatalf("%+v", got)
	}
	d.Op = core.OpUnreact
	s.deliver(d)
	s.deliver(d)
	if got := s.only(th, "nice"); got[0].Reactions != 0 {
		t.Fatalf("%+v", got)
	}
}

func testGone(t *testing.T, s *suite) {
	th := s.root()
	d := s.comment(th, "d-c8", "soon gone")
	posted := s.deliver(d)
	del := d
	del.Op, del.Target = core.OpDelete, posted.Parts
	s.deliver(del)
	d.Op, d.Target, d.Text = core.OpEdit, posted.Parts, core.Plain("too late")
	if _, err := s.Platform.Deliver(t.Context(), d); core.ErrorCode(err) != core.CodeGone {
		t.Fatalf("the error is %v", err)
	}
}

func testNoPing(t *testing.T, s *suite) {
	th := s.root()
	s.deliver(s.comment(th, "d-c9", "hey @everyone, @here and <!channel> <!here>"))
	for _, m := range s.Thread(th) {
		if strings.Contains(m.Text, "PING") { // rigs mark what would notify everybody
			t.Fatalf("%+v", m)
		}
	}
	if len(s.only(th, "hey")) != 1 {
		t.Fatalf("shown %+v", s.Thread(th))
	}
}

func testCancelled(t *testing.T, s *suite) {
	th := s.root()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("stopping"))
	d := s.comment(th, "d-c10", "too late")
	_, err := s.Platform.Deliver(ctx, d)
	if err == nil {
		t.Fatal("it was delivered although nobody waited for it")
	}
	if s.Secret != "" && strings.Contains(err.Error(), s.Secret) {
		t.Fatalf("the error holds the token: %v", err)
	}
	if c := core.ErrorCode(err); c != core.CodeRetry && c != core.CodeUnknown {
		t.Fatalf("an ended context is no reason to give up: %s", c)
	}
}
