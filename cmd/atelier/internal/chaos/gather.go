package main

// What can be seen in the end: what both platforms show, and what Redis holds.

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// told puts what narrows a fault behind its name.
func told(kind string, times int, more string) string {
	out := kind
	if times > 0 {
		out += fmt.Sprintf(" ×%d", times)
	}
	if m := strings.Join(strings.Fields(more), " "); m != "" {
		out += " (" + m + ")"
	}
	return out
}

// gather reads everything that the comparison needs.
func (w *world) gather(ctx context.Context) (*picture, error) {
	p := &picture{tasks: map[core.TaskID]string{}, rooms: map[core.TaskID][]core.RoomID{}, thread: map[core.TaskID]map[core.RoomID]core.ThreadID{}, hands: w.taps.all()}
	for _, pr := range w.projects {
		for offset := 0; ; offset += 100 {
			tasks, err := w.store.Review.List(ctx, pr.key, offset, 100)
			if err != nil {
				return nil, fmt.Errorf("list tasks: %w", err)
			}
			for _, t := range tasks {
				p.tasks[t.ID], p.rooms[t.ID], p.thread[t.ID] = t.Title, t.Rooms, map[core.RoomID]core.ThreadID{}
				for _, r := range t.Rooms {
					th, err := w.store.Review.TaskThread(ctx, t.ID, r)
					if core.ErrorCode(err) == core.CodeNotFound {
						continue
					}
					if err != nil {
						return nil, fmt.Errorf("thread of %s: %w", t.ID, err)
					}
					p.thread[t.ID][r] = th.ID
				}
				if err := w.records(ctx, p, t.ID); err != nil {
					return nil, err
				}
			}
			if len(tasks) < 100 {
				break
			}
		}
	}
	for _, pr := range w.projects {
		for _, room := range pr.rooms {
			if room.slack {
				w.seeSlack(p, room)
			} else {
				w.seeDiscord(p, room)
			}
		}
	}
	for i := range p.shown {
		s := &p.shown[i]
		part := w.store.DB.Parts.OfProject(w.projectOf(s.at.room))
		if s.app {
			_, _, err := w.store.Review.Object(ctx, part, s.at.room, s.at.id)
			if err != nil && core.ErrorCode(err) != core.CodeNotFound {
				return nil, fmt.Errorf("object of a message: %w", err)
			}
			s.known = err == nil
		}
	}
	return p, w.leftovers(ctx, p)
}

func (w *world) projectOf(room core.RoomID) core.ProjectKey {
	for _, p := range w.projects {
		if slices.ContainsFunc(p.rooms, func(s side) bool { return s.room == room }) {
			return p.key
		}
	}
	return ""
}

// records reads the comments of a task.
func (w *world) records(ctx context.Context, p *picture, task core.TaskID) error {
	for offset := 0; ; offset += 500 {
		list, _, err := w.store.Review.Comments(ctx, task, offset, 500)
		if err != nil {
			return fmt.Errorf("comments of %s: %w", task, err)
		}
		for _, c := range list {
			p.stored = append(p.stored, stored{at: place{c.Source.Room, c.Source.ID}, task: task, text: c.Text.String(), deleted: c.Deleted, found: c.Found})
		}
		if len(list) < 500 {
			return nil
		}
	}
}

func (w *world) seeSlack(p *picture, room side) {
	for _, m := range w.slack.Messages(room.channel) {
		s := shown{at: place{room.room, core.MessageID(m.TS)}, author: m.Username, text: m.Text, raw: m.Text + "\n" + string(m.Blocks), app: m.BotID != "", when: whenOf(true, core.MessageID(m.TS))}
		if m.IsReply() {
			s.thread = core.ThreadID(m.ThreadTS)
		}
		for _, r := range m.Reactions {
			if slices.Contains(r.Users, w.so.BotUserID) {
				e := emojis()[r.Name]
				if e == "" {
					e = ":" + r.Name + ":"
				}
				s.marks = append(s.marks, bare(e))
			}
		}
		slices.Sort(s.marks)
		p.shown = append(p.shown, s)
	}
}

func (w *world) seeDiscord(p *picture, room side) {
	see := func(channel string, thread core.ThreadID) {
		for _, m := range w.discord.Messages(channel) {
			if m.Ephemeral != "" {
				continue
			}
			s := shown{at: place{room.room, core.MessageID(m.ID)}, thread: thread, author: m.Author, text: m.Content, raw: discordRaw(m), when: whenOf(false, core.MessageID(m.ID)),
				app: m.AuthorID == w.do.BotUserID || m.ApplicationID == w.do.ApplicationID}
			for _, r := range m.Reactions {
				if slices.Contains(r.Users, w.do.BotUserID) {
					s.marks = append(s.marks, bare(r.Emoji))
				}
			}
			slices.Sort(s.marks)
			p.shown = append(p.shown, s)
		}
	}
	see(room.channel, "")
	for _, th := range w.discord.Snapshot("", 1).Threads {
		if th.ParentID == room.channel {
			see(th.ID, core.ThreadID(th.ID))
		}
	}
}

// leftovers counts what lies in the streams and reads the dead letters.
func (w *world) leftovers(ctx context.Context, p *picture) error {
	for _, part := range w.store.DB.Parts.All() {
		in, out, dead, err := w.store.Journal.Backlog(ctx, part)
		if err != nil {
			return fmt.Errorf("backlog: %w", err)
		}
		p.left += int(in + out)
		if dead > 0 {
			list, err := w.store.Journal.Dead(ctx, part, 100)
			if err != nil {
				return fmt.Errorf("dead letters: %w", err)
			}
			p.dead = append(p.dead, list...)
		}
	}
	return nil
}

// quiet is how long nothing may change before everything counts as settled.
const quiet = 6 * time.Second

// settle waits until the streams are empty and nothing changes on either platform; false when that takes too long.
func (w *world) settle(ctx context.Context, limit time.Duration) bool {
	var last string
	calm, deadline := time.Now(), time.Now().Add(limit)
	for time.Since(calm) < quiet {
		if time.Now().After(deadline) {
			return false
		}
		now, err := w.moving(ctx)
		if err != nil || now != last {
			last, calm = now, time.Now()
		}
		if !rest(ctx, 300*time.Millisecond) {
			return false
		}
	}
	return true
}

// moving is what changes while anything is under way; a backlog counts as a change at each look.
func (w *world) moving(ctx context.Context) (string, error) {
	p := &picture{}
	if err := w.leftovers(ctx, p); err != nil {
		return "", err
	}
	if p.left > 0 {
		return time.Now().String(), nil
	}
	posts := 0
	for _, pr := range w.projects {
		for _, room := range pr.rooms {
			if room.slack {
				posts += len(w.slack.Messages(room.channel))
			}
		}
	}
	return fmt.Sprint(posts, w.slack.Connections(), w.discord.Snapshot("", 1).Revision), nil
}
