package feedbacktest

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/relay"
)

// TestReplyBeforeItsThread says something under a card whose posting is not recorded yet, as when the process that posted
// it died: the reply waits, and becomes a comment once the card is found.
func TestReplyBeforeItsThread(t *testing.T) {
	s := Open(t)
	p := s.DB.Parts.OfProject("ACME")
	arrange(t, s, p)
	quiet := slog.New(slog.DiscardHandler)
	router := &relay.Router{Commands: talkOnly{}, Parts: s.DB.Parts, People: s.People, Projects: s.People, Tasks: s.Review, Comments: s.Review, Refs: s.Review, Glances: s.Glances, Changes: s.Review, Journal: s.Journal,
		Clock: core.SystemClock{}, Log: quiet}
	w := &wall{shown: map[core.MessageID]string{}, reacted: map[string]bool{}}
	out := &relay.Deliverer{Platforms: map[core.PlatformName]core.Platform{core.Slack: &side{w, core.Slack}, core.Discord: &side{w, core.Discord}}, Journal: s.Journal,
		Changes: s.Review, Comments: s.Review, Refs: s.Review, Glances: s.Glances, People: s.People, Clock: core.SystemClock{}, Log: quiet}
	engine := &relay.Engine{Parts: s.DB.Parts, Leases: s.Leases, Journal: s.Journal, Handler: router, Out: out, Clock: core.SystemClock{}, Log: quiet}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var wg sync.WaitGroup
	wg.Go(func() { _ = engine.Run(ctx) })
	defer wg.Wait()
	defer cancel()

	const root = "late-root"
	in := core.Inbound{ID: "in-1", Kind: core.InboundMessage, At: time.Now(), Room: slackRoom, Thread: root, Actor: core.Actor{Identity: "slack:T1/U1", Name: "Ana"},
		Message: &core.Message{ID: "slack-m00", Text: core.Plain("m00 what a light")}}
	if _, err := s.Journal.Append(t.Context(), p, in); err != nil {
		t.Fatal(err)
	}
	settled := func() bool {
		waiting, outs, _, err := s.Journal.Backlog(t.Context(), p)
		return err == nil && waiting+outs == 0
	}
	eventually(t, "the reply is settled for now", settled)
	c := core.Change{Partition: p, NewTask: &core.Task{ID: "ACME-2", Rooms: []core.RoomID{slackRoom, discordRoom}}}
	for _, room := range []core.RoomID{slackRoom, discordRoom} {
		th := &core.Thread{Room: room, ID: root, Task: "ACME-2", Root: root, Active: time.Now()}
		c.Place = append(c.Place, core.PlaceWrite{Object: core.CardObject("ACME-2", 0), Room: room, Placement: core.Placement{Parts: []core.MessageID{root}}, Opens: th})
	}
	if err := s.Review.Apply(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the reply is a comment, and shows on the other side", func() bool {
		_, n, err := s.Review.Comments(t.Context(), "ACME-2", 0, 10)
		w.mu.Lock()
		defer w.mu.Unlock()
		return err == nil && n == 1 && len(w.shown) == 1
	})
}

// talkOnly are no commands; nobody wants to be told of comments.
type talkOnly struct{ relay.Commands }

func (talkOnly) Commented(context.Context, relay.Scope, *core.Task, *core.Comment) ([]core.Outgoing, error) {
	return nil, nil
}
