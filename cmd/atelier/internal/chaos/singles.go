package main

// The eight faults of the table.

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/adapters/discord/discordsim"
	"github.com/atelier-bridge/atelier/adapters/slack/slacksim"
	"github.com/atelier-bridge/atelier/core"
)

// What counts as best, beside nothing lost, doubled or out of order. Each stands near what the platform itself allows.
const (
	bestQuiet   = time.Second      // a room that nothing is wrong with
	bestLimited = 8 * time.Second  // 6 s of 429, and what gathered meanwhile
	bestBurst   = 70 * time.Second // 40 posts at 30 a minute take a minute
	bestDrawn   = 3                // answers 429 that 40 posts draw
	bestDown    = 45 * time.Second // 25 posts a channel at one a second, and the start
	bestChanges = 15 * time.Second
	bestOld     = 2 * time.Second
	bestErrors  = 10 * time.Second // 250 ms doubling to 5 s, five times
	bestKilled  = 15 * time.Second
)

func roomLimited(ctx context.Context, s *stage) (string, bool, error) {
	var parts []string
	best := true
	for _, fromSlack := range []bool{true, false} {
		project := s.w.projects[0]
		target := project.rooms[slices.IndexFunc(project.rooms, func(x side) bool { return x.slack != fromSlack })]
		name := "Slack"
		if fromSlack {
			name = "Discord"
			if err := s.w.discord.Fault(discordsim.Fault{Kind: "ratelimited", Path: "/webhooks/", Channel: target.channel, Times: -1, RetryAfter: 1}); err != nil {
				return "", false, err
			}
		} else if err := s.w.slack.Fault(slacksim.Fault{Kind: "ratelimited", Method: "chat.postMessage", Channel: target.channel, Times: -1, RetryAfter: 1}); err != nil {
			return "", false, err
		}
		first := s.w.book.pick(1, 0, func(*said) bool { return true }).no
		for range 6 {
			for i := range s.w.projects {
				s.speak(ctx, i, fromSlack)
			}
			if !rest(ctx, time.Second) {
				return "", false, context.Cause(ctx)
			}
		}
		s.w.slack.ClearFaults()
		s.w.discord.ClearFaults()
		if err := s.shown(ctx, time.Minute); err != nil {
			return "", false, err
		}
		limited, _, err := s.waits(ctx, func(m *said) bool { return m.no > first && m.task.Project() == project.key })
		if err != nil {
			return "", false, err
		}
		quiet, _, err := s.waits(ctx, func(m *said) bool { return m.no > first && m.task.Project() != project.key })
		if err != nil {
			return "", false, err
		}
		best = best && limited <= bestLimited && quiet <= bestQuiet
		parts = append(parts, fmt.Sprintf("%s: worst lag %s there, %s beside it", name, seconds(limited), seconds(quiet)))
	}
	return strings.Join(parts, "; "), best, nil
}

func manyAtOnce(ctx context.Context, s *stage) (string, bool, error) {
	// The minute before the burst is empty: all of the platform's thirty posts are there to be used.
	if !rest(ctx, time.Minute) {
		return "", false, context.Cause(ctx)
	}
	drawn, began := s.w.tally.limited("discord"), time.Now()
	for range 40 {
		s.speak(ctx, 0, true)
	}
	if err := s.shown(ctx, 3*time.Minute); err != nil {
		return "", false, err
	}
	_, end, err := s.waits(ctx, func(m *said) bool { return m.when.After(began) })
	drawn = s.w.tally.limited("discord") - drawn
	return fmt.Sprintf("all after %s; %d answers 429", seconds(end.Sub(began)), drawn), end.Sub(began) <= bestBurst && drawn <= bestDrawn, err
}

func downWhileSaid(ctx context.Context, s *stage) (string, bool, error) {
	if err := s.pause(); err != nil {
		return "", false, err
	}
	for i := range 100 {
		s.speak(ctx, i%2, i/2%2 == 0)
		if !rest(ctx, 20*time.Millisecond) {
			return "", false, context.Cause(ctx)
		}
	}
	began := time.Now()
	if err := s.resume(ctx); err != nil {
		return "", false, err
	}
	if err := s.shown(ctx, 4*time.Minute); err != nil {
		return "", false, err
	}
	_, end, err := s.waits(ctx, func(*said) bool { return true })
	return fmt.Sprintf("all after %s from the start", seconds(end.Sub(began))), end.Sub(began) <= bestDown, err
}

func changedWhileDown(ctx context.Context, s *stage) (string, bool, error) {
	var before []*said
	for i := range 12 {
		before = append(before, s.speak(ctx, 0, i%2 == 0))
	}
	if err := s.shown(ctx, time.Minute); err != nil {
		return "", false, err
	}
	change := func(list []*said) {
		for i, m := range list {
			switch i / 2 {
			case 0:
				s.edit(ctx, m, s.roll)
			case 1:
				s.remove(ctx, m)
			default:
				s.reply(ctx, m)
			}
		}
	}
	if err := s.pause(); err != nil {
		return "", false, err
	}
	change(before[:6])
	began := time.Now()
	if err := s.resume(ctx); err != nil {
		return "", false, err
	}
	if err := s.shown(ctx, 2*time.Minute); err != nil {
		return "", false, err
	}
	down := time.Since(began)
	began = time.Now()
	change(before[6:])
	if err := s.shown(ctx, time.Minute); err != nil {
		return "", false, err
	}
	after := time.Since(began)
	return fmt.Sprintf("made while down: right %s after the start; made after it: right in %s", seconds(down), seconds(after)), down <= bestChanges && after <= bestChanges, nil
}

// reply answers a message where it was said.
func (s *stage) reply(ctx context.Context, m *said) {
	s.mu.Lock()
	i := slices.IndexFunc(s.talks[m.at.room], func(t talk) bool { return t.task == m.task })
	t := s.talks[m.at.room][i]
	s.mu.Unlock()
	s.say(ctx, t, oneOf(s.roll, s.w.people...), m, s.roll)
}

// later is how many messages follow the one that is edited.
const later = 5000

// oldEdit edits a message that many follow. They are said in the simulator and recorded in Redis as the program records
// them, and none of them is mirrored: at the platforms' pace that would take hours.
func oldEdit(ctx context.Context, s *stage) (string, bool, error) {
	old := s.speak(ctx, 0, true)
	if err := s.shown(ctx, time.Minute); err != nil {
		return "", false, err
	}
	if err := s.pause(); err != nil {
		return "", false, err
	}
	room := s.w.on(old.at.room)
	part := s.w.store.DB.Parts.OfProject(old.task.Project())
	th, err := s.w.store.Review.TaskThread(ctx, old.task, old.at.room)
	if err != nil {
		return "", false, err
	}
	for i := range later {
		who := s.w.people[i%len(s.w.people)]
		text := fmt.Sprintf("one of many, number %d", i)
		id, err := s.post(ctx, talk{room: room, thread: old.thread}, who, nil, text)
		if err != nil {
			return "", false, err
		}
		identity := s.w.slackIdentity(who)
		c := &core.Comment{ID: core.MakeCommentID(room.room, id), Task: old.task, Source: core.MessageRef{Room: room.room, Thread: old.thread, ID: id},
			Author: core.MakePersonID(identity), Identity: identity, Name: who.name, Text: core.Plain(text), At: whenOf(true, id).UTC()}
		th.Cursor, th.Active = id, c.At
		change := core.Change{Partition: part, Comments: []*core.Comment{c}, Threads: []*core.Thread{th},
			Place: []core.PlaceWrite{{Object: core.CommentObject(old.task, c.ID), Room: room.room, Placement: core.Placement{Thread: old.thread, Parts: []core.MessageID{id}, Source: true}}}}
		if err := s.w.store.Review.Apply(ctx, change); err != nil {
			return "", false, err
		}
	}
	if err := s.resume(ctx); err != nil {
		return "", false, err
	}
	if !s.w.settle(ctx, 5*time.Minute) {
		return "", false, fmt.Errorf("not quiet after %d messages", later)
	}
	began := time.Now()
	s.edit(ctx, old, s.roll)
	copies := 0
	err = s.w.until(ctx, time.Minute, "the edit shows", func() bool {
		copies = 0
		for _, t := range s.talks[s.w.projects[0].rooms[1].room] {
			for _, m := range s.w.discord.Messages(string(t.thread)) {
				if m.Content == old.newest() {
					copies++
				}
			}
		}
		return copies > 0
	})
	took := time.Since(began)
	return fmt.Sprintf("changed after %s, behind %d messages that were said in the simulator and recorded straight in Redis", seconds(took), later), took <= bestOld && copies == 1, err
}

func fiveErrors(ctx context.Context, s *stage) (string, bool, error) {
	err := s.w.discord.Fault(discordsim.Fault{Kind: "error_before", Method: "POST", Path: "/webhooks/", Status: 500, Times: 5})
	if err != nil {
		return "", false, err
	}
	if err := s.w.slack.Fault(slacksim.Fault{Kind: "error_before", Method: "chat.postMessage", Times: 5}); err != nil {
		return "", false, err
	}
	to, from := s.speak(ctx, 0, true), s.speak(ctx, 1, false)
	if err := s.shown(ctx, time.Minute); err != nil {
		return "", false, err
	}
	discord, _, err := s.waits(ctx, func(m *said) bool { return m == to })
	if err != nil {
		return "", false, err
	}
	slack, _, err := s.waits(ctx, func(m *said) bool { return m == from })
	return fmt.Sprintf("there once on Discord after %s, on Slack after %s", seconds(discord), seconds(slack)), max(discord, slack) <= bestErrors, err
}

func toldTwice(ctx context.Context, s *stage) (string, bool, error) {
	if err := s.w.slack.Fault(slacksim.Fault{Kind: "duplicate", Mode: "new_event_id", Times: -1}); err != nil {
		return "", false, err
	}
	if err := s.w.discord.Fault(discordsim.Fault{Kind: "duplicate", Times: -1}); err != nil {
		return "", false, err
	}
	began := time.Now()
	for i := range 20 {
		m := s.speak(ctx, i/2%2, i%2 == 0)
		if i%5 == 4 {
			s.edit(ctx, m, s.roll)
		}
		if !rest(ctx, 200*time.Millisecond) {
			return "", false, context.Cause(ctx)
		}
	}
	if err := s.shown(ctx, time.Minute); err != nil {
		return "", false, err
	}
	worst, _, err := s.waits(ctx, func(m *said) bool { return m.when.After(began) })
	return fmt.Sprintf("20 messages and 4 edits, each told twice: worst lag %s", seconds(worst)), true, err
}

func oneKilled(ctx context.Context, s *stage) (string, bool, error) {
	began := time.Now()
	for i := range 60 {
		s.speak(ctx, i/2%2, i%2 == 0)
		if i == 25 {
			r := s.w.fleet.all()[s.roll.IntN(2)]
			r.turn.Lock()
			err := r.end(kill)
			r.turn.Unlock()
			if err != nil {
				return "", false, err
			}
		}
		if !rest(ctx, 350*time.Millisecond) {
			return "", false, context.Cause(ctx)
		}
	}
	if err := s.shown(ctx, 2*time.Minute); err != nil {
		return "", false, err
	}
	worst, _, err := s.waits(ctx, func(m *said) bool { return m.when.After(began) })
	return fmt.Sprintf("60 messages, the other replica takes over: worst lag %s", seconds(worst)), worst <= bestKilled, err
}
