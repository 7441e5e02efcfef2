package main

// New tasks: people ask for a picture, and see the thread when the card shows.

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/adapters/discord/discordsim"
	"github.com/atelier-bridge/atelier/adapters/slack/slacksim"
	"github.com/atelier-bridge/atelier/core"
)

var taskName = regexp.MustCompile(`\bR\d\d-\d+\b`)

// imagine asks for a new task. painted makes the sketcher draw it; else it waits to be made by hand.
func (c *crowd) imagine(ctx context.Context, project int, room side, who persona, painted bool) *asked {
	a := &asked{token: fmt.Sprintf("p%05d", c.next()), project: c.w.projects[project].key, where: room.room, by: who.name, when: time.Now()}
	provider := "midjourney"
	if painted {
		provider = "sketch"
	}
	prompt := a.token + " a paper boat in the harbour"
	c.w.book.mu.Lock()
	c.w.book.asked = append(c.w.book.asked, a)
	c.w.book.mu.Unlock()
	var ok bool
	if room.slack {
		res, err := c.w.slack.Act(ctx, slacksim.Action{As: who.slack, Do: "command", Channel: room.channel, Command: "/imagine", Text: prompt + " --provider " + provider})
		// One that could not be stored is acknowledged with words to that effect.
		ok = err == nil && res.OK && !strings.Contains(string(res.Response), "try again")
	} else {
		res, err := c.w.discord.Act(ctx, discordsim.Action{As: who.discord, Do: "command", Channel: room.channel, Command: "/atelier imagine", Options: map[string]any{"prompt": prompt, "provider": provider}})
		ok = err == nil && res.Failed == "" && res.Response == deferred
	}
	if !ok {
		c.w.book.refuse()
		return a
	}
	c.w.book.did(func() { a.acked = true })
	return a
}

// deferred is Discord's answer of a command that was taken and is worked on.
// https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-response-object
const deferred = 5

// roomsOf returns the rooms of a task's project.
func (w *world) roomsOf(task core.TaskID) []core.RoomID {
	var out []core.RoomID
	for _, p := range w.projects {
		if p.key == task.Project() {
			for _, s := range p.rooms {
				out = append(out, s.room)
			}
		}
	}
	return out
}

// look keeps the people's view of the threads up to date until the context ends.
func (c *crowd) look(ctx context.Context) {
	for rest(ctx, 400*time.Millisecond) {
		c.glance()
	}
}

// glance finds the threads that show now. Rooms in which everything asked for shows already are not read.
func (c *crowd) glance() {
	c.w.book.mu.Lock()
	open := map[core.ProjectKey]int{}
	for _, a := range c.w.book.asked {
		open[a.project]++
	}
	c.w.book.mu.Unlock()
	for i, p := range c.w.projects {
		for _, room := range p.rooms {
			c.mu.Lock()
			have := len(c.talks[room.room])
			c.mu.Unlock()
			if have >= open[p.key] {
				continue
			}
			for _, t := range c.w.threadsIn(room) {
				t.project = i
				c.mu.Lock()
				if !slices.ContainsFunc(c.talks[room.room], func(x talk) bool { return x.task == t.task }) {
					c.talks[room.room] = append(c.talks[room.room], t)
				}
				c.mu.Unlock()
			}
		}
	}
}

// threadsIn reads a room's task threads off its platform.
func (w *world) threadsIn(room side) []talk {
	var out []talk
	if room.slack {
		for _, m := range w.slack.Messages(room.channel) {
			if m.BotID == "" || m.IsReply() {
				continue
			}
			if id := taskName.FindString(m.Text + string(m.Blocks)); id != "" {
				out = append(out, talk{room: room, task: core.TaskID(id), thread: core.ThreadID(m.TS)})
			}
		}
		return out
	}
	for _, m := range w.discord.Messages(room.channel) {
		if m.ThreadID == "" || m.AuthorID != w.do.BotUserID {
			continue
		}
		w.mu.Lock()
		w.parents[m.ThreadID] = room.room
		w.mu.Unlock()
		if id := taskName.FindString(discordRaw(m)); id != "" {
			out = append(out, talk{room: room, task: core.TaskID(id), thread: core.ThreadID(m.ThreadID)})
		}
	}
	return out
}

// discordRaw is everything in a message, for searching and for telling two apart.
func discordRaw(m discordsim.MessageView) string {
	b, err := json.Marshal(m.Embeds)
	if err != nil {
		return m.Content
	}
	return m.Content + "\n" + string(b)
}

// openThreads makes a first task in every project, and waits until it shows in all rooms.
func (c *crowd) openThreads(ctx context.Context) error {
	for i, p := range c.w.projects {
		for n := range 1 + len(p.rooms)/4 {
			if a := c.imagine(ctx, i, p.rooms[n%len(p.rooms)], c.w.people[n%len(c.w.people)], false); !a.acked {
				return fmt.Errorf("the first command in %s was not taken", p.rooms[n].room)
			}
		}
	}
	return c.w.until(ctx, time.Minute, "the first threads show", func() bool {
		c.glance()
		for _, p := range c.w.projects {
			for _, room := range p.rooms {
				c.mu.Lock()
				n := len(c.talks[room.room])
				c.mu.Unlock()
				if n < 1+len(p.rooms)/4 {
					return false
				}
			}
		}
		return true
	})
}

// trimRoom is a room as people would name it in a report.
func trimRoom(r core.RoomID) string {
	_, ch, _ := strings.Cut(r.Local(), "/")
	return string(r.Platform()) + " " + ch
}
