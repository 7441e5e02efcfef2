package main

// What people do: each deed is tried on its platform, and noted once the platform took it.

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/atelier-bridge/atelier/adapters/discord/discordsim"
	"github.com/atelier-bridge/atelier/adapters/slack/slacksim"
	"github.com/atelier-bridge/atelier/core"
)

// talk is a task's thread in one room, as people see it there.
type talk struct {
	project int
	room    side
	task    core.TaskID
	thread  core.ThreadID
}

// crowd is the people of a world and what they see.
type crowd struct {
	w *world

	mu       sync.Mutex
	talks    map[core.RoomID][]talk // newest last
	number   int
	approved map[string]bool
	busy     sync.WaitGroup // commands under way
}

func newCrowd(w *world) *crowd {
	return &crowd{w: w, talks: map[core.RoomID][]talk{}, approved: map[string]bool{}}
}

// recent is how many of a room's newest threads people talk in.
const recent = 3

func (c *crowd) next() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.number++
	return c.number
}

// somewhere picks a project, each pair of rooms alike, and one of its rooms.
func (c *crowd) somewhere(r *rand.Rand) (int, side) {
	type spot struct {
		project int
		room    side
	}
	var all []spot
	for i, p := range c.w.projects {
		for _, s := range p.rooms {
			all = append(all, spot{i, s})
		}
	}
	x := all[r.IntN(len(all))]
	return x.project, x.room
}

// thread picks one of a room's newest threads.
func (c *crowd) thread(r *rand.Rand, room core.RoomID) (talk, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.talks[room]
	list = list[max(0, len(list)-recent):]
	if len(list) == 0 {
		return talk{}, false
	}
	return list[r.IntN(len(list))], true
}

// do tries a deed.
func (c *crowd) do(ctx context.Context, d deed) {
	r := d.roll
	who := c.w.people[r.IntN(len(c.w.people))]
	switch d.kind {
	case doSay, doReply, doBurst, doApprove:
		_, room := c.somewhere(r)
		t, ok := c.thread(r, room.room)
		if !ok {
			c.w.book.refuse()
			return
		}
		n := 1
		if d.kind == doBurst {
			n = 3 + r.IntN(6)
		}
		if d.kind == doApprove {
			c.approve(ctx, t, who)
			return
		}
		var to *said
		if d.kind == doReply {
			to = c.w.book.pick(8, r.Uint64(), func(s *said) bool { return s.at.room == room.room && s.thread == t.thread })
		}
		for range n {
			c.say(ctx, t, who, to, r)
		}
	case doEdit, doDelete:
		depth := 25
		if r.IntN(6) == 0 {
			depth = 1000
		}
		if s := c.w.book.pick(depth, r.Uint64(), func(*said) bool { return true }); s == nil {
			c.w.book.refuse()
		} else if d.kind == doEdit {
			c.edit(ctx, s, r)
		} else {
			c.remove(ctx, s)
		}
	case doReact, doUnreact:
		c.react(ctx, who, d.kind == doReact, r)
	case doImagine:
		i, room := c.somewhere(r)
		c.busy.Go(func() { c.imagine(ctx, i, room, who, true) })
	}
}

func phrase(r *rand.Rand) string {
	return oneOf(r, "the", "this", "that", "your", "our") + " " + oneOf(r, "light", "sea", "beam", "fog", "sky", "red", "crop", "line", "face") + " is " +
		oneOf(r, "cold", "warm", "lovely", "too dark", "a bit flat", "just right", "still noisy") + oneOf(r, "", " to me", " on the left", " in v1", " again")
}

// say says something new.
func (c *crowd) say(ctx context.Context, t talk, who persona, to *said, r *rand.Rand) *said {
	no := c.next()
	token := fmt.Sprintf("m%05d", no)
	text := token + " " + phrase(r)
	id, err := c.post(ctx, t, who, to, text)
	if err != nil {
		c.w.book.refuse()
		return nil
	}
	m := &said{no: no, token: token, task: t.task, at: place{t.room.room, id}, thread: t.thread, by: who.name, when: whenOf(t.room.slack, id), texts: []string{text}}
	c.w.book.did(func() { c.w.book.said = append(c.w.book.said, m) })
	return m
}

func (c *crowd) post(ctx context.Context, t talk, who persona, to *said, text string) (core.MessageID, error) {
	if t.room.slack {
		res, err := c.w.slack.Act(ctx, slacksim.Action{As: who.slack, Do: "say", Channel: t.room.channel, ThreadTS: string(t.thread), Text: text})
		return core.MessageID(res.TS), taken(res, err)
	}
	a := discordsim.Action{As: who.discord, Do: "say", Channel: string(t.thread), Text: text}
	if to != nil {
		a.ReplyTo = string(to.at.id)
	}
	res, err := c.w.discord.Act(ctx, a)
	return core.MessageID(res.Message), err
}

func taken(res slacksim.ActResult, err error) error {
	if err == nil && !res.OK {
		err = fmt.Errorf("slack refused: %s", res.Error)
	}
	return err
}

// whenOf reads the platform's own time off an id.
func whenOf(slack bool, id core.MessageID) time.Time {
	if slack {
		sec, micro, _ := strings.Cut(string(id), ".")
		s, _ := strconv.ParseInt(sec, 10, 64)
		m, _ := strconv.ParseInt(micro, 10, 64)
		return time.Unix(s, m*1000)
	}
	const epoch = 1420070400000
	n, _ := strconv.ParseInt(string(id), 10, 64)
	return time.UnixMilli(n>>22 + epoch)
}

// on finds the room of a message.
func (w *world) on(room core.RoomID) side {
	for _, p := range w.projects {
		for _, s := range p.rooms {
			if s.room == room {
				return s
			}
		}
	}
	return side{}
}

func (w *world) person(name string) persona {
	i := slices.IndexFunc(w.people, func(p persona) bool { return p.name == name })
	return w.people[max(i, 0)]
}

func (c *crowd) edit(ctx context.Context, s *said, r *rand.Rand) {
	room, who := c.w.on(s.at.room), c.w.person(s.by)
	text := fmt.Sprintf("%s %s e%d", s.token, phrase(r), len(s.texts))
	if c.touch(ctx, room, s, who, "edit", text, "") != nil {
		c.w.book.refuse()
		return
	}
	c.w.book.did(func() {
		s.texts = append(s.texts, text)
		s.touched = append(s.touched, time.Now())
	})
}

func (c *crowd) remove(ctx context.Context, s *said) {
	room, who := c.w.on(s.at.room), c.w.person(s.by)
	if c.touch(ctx, room, s, who, "delete", "", "") != nil {
		c.w.book.refuse()
		return
	}
	c.w.book.did(func() {
		s.deleted = true
		s.touched = append(s.touched, time.Now())
	})
}

// touch changes a message where it was said.
func (c *crowd) touch(ctx context.Context, room side, s *said, who persona, do, text, emoji string) error {
	return c.touchAt(ctx, room, s.at.id, s.thread, who, do, text, emoji)
}

func (c *crowd) touchAt(ctx context.Context, room side, id core.MessageID, thread core.ThreadID, who persona, do, text, emoji string) error {
	if room.slack {
		if e := slackName(emoji); e != "" {
			emoji = e
		}
		return taken(c.w.slack.Act(ctx, slacksim.Action{As: who.slack, Do: do, Channel: room.channel, TS: string(id), Text: text, Emoji: emoji}))
	}
	_, err := c.w.discord.Act(ctx, discordsim.Action{As: who.discord, Do: do, Channel: string(thread), Message: string(id), Text: text, Emoji: emoji})
	return err
}

// emojis are the reactions that people use, by Slack's name.
func emojis() map[string]string {
	return map[string]string{"+1": "👍", "tada": "🎉", "eyes": "👀", "heart": "❤️", "fire": "🔥", "rocket": "🚀"}
}

func slackName(emoji string) string {
	for name, e := range emojis() {
		if bare(e) == bare(emoji) {
			return name
		}
	}
	return ""
}

// bare is an emoji without variation selectors, which platforms write or leave out.
func bare(emoji string) string { return strings.ReplaceAll(emoji, "\uFE0F", "") }

// react puts a reaction on a message or on one of its copies, or takes one back.
func (c *crowd) react(ctx context.Context, who persona, on bool, r *rand.Rand) {
	s := c.w.book.pick(40, r.Uint64(), func(s *said) bool { return on || len(s.marks) > 0 })
	if s == nil {
		c.w.book.refuse()
		return
	}
	emoji, room := bare(oneOf(r, "👍", "🎉", "👀", "❤️", "🔥", "🚀")), s.at.room
	if !on {
		room, emoji, who = c.marked(s, r)
	} else if r.IntN(5) < 2 {
		rooms := c.w.roomsOf(s.task)
		room = rooms[r.IntN(len(rooms))]
	}
	at, thread := s.at.id, s.thread
	if room != s.at.room {
		var ok bool
		if at, thread, ok = c.copyOf(s, room); !ok {
			c.w.book.refuse()
			return
		}
	}
	do := "unreact"
	if on {
		do = "react"
	}
	typed := emoji
	if e := emojis()[slackName(emoji)]; e != "" {
		typed = e
	}
	c.w.book.mu.Lock()
	has := s.marks[room][emoji][who.name]
	c.w.book.mu.Unlock()
	if emoji == "" || has == on || c.touchAt(ctx, c.w.on(room), at, thread, who, do, "", typed) != nil {
		c.w.book.refuse()
		return
	}
	c.w.book.did(func() {
		s.mark(room, emoji, who.name, on)
		s.touched = append(s.touched, time.Now())
	})
}

// marked picks a reaction that somebody has on a message.
func (c *crowd) marked(s *said, r *rand.Rand) (core.RoomID, string, persona) {
	c.w.book.mu.Lock()
	defer c.w.book.mu.Unlock()
	var list []string
	for room, byEmoji := range s.marks {
		for e, people := range byEmoji {
			for p := range people {
				list = append(list, string(room)+" "+e+" "+p)
			}
		}
	}
	if len(list) == 0 {
		return s.at.room, "", c.w.people[0]
	}
	slices.Sort(list)
	f := strings.Fields(list[r.IntN(len(list))])
	return core.RoomID(f[0]), f[1], c.w.person(f[2])
}

// copyOf finds the mirrored message in a room.
func (c *crowd) copyOf(s *said, room core.RoomID) (core.MessageID, core.ThreadID, bool) {
	c.mu.Lock()
	i := slices.IndexFunc(c.talks[room], func(t talk) bool { return t.task == s.task })
	var t talk
	if i >= 0 {
		t = c.talks[room][i]
	}
	c.mu.Unlock()
	if i < 0 {
		return "", "", false
	}
	if t.room.slack {
		for _, m := range c.w.slack.Thread(t.room.channel, string(t.thread)) {
			if m.BotID != "" && strings.Contains(m.Text, s.token) {
				return core.MessageID(m.TS), t.thread, true
			}
		}
		return "", "", false
	}
	for _, m := range c.w.discord.Messages(string(t.thread)) {
		if m.Bot && strings.Contains(m.Content, s.token) {
			return core.MessageID(m.ID), t.thread, true
		}
	}
	return "", "", false
}

// approve gives a verdict by mentioning the app, once per person and task.
func (c *crowd) approve(ctx context.Context, t talk, who persona) {
	key := string(t.task) + who.name
	c.mu.Lock()
	again := c.approved[key]
	c.approved[key] = true
	c.mu.Unlock()
	bot := c.w.do.BotUserID
	if t.room.slack {
		bot = c.w.so.BotUserID
	}
	if again {
		c.w.book.refuse()
		return
	}
	if _, err := c.post(ctx, t, who, nil, "<@"+bot+"> approve v1"); err != nil {
		c.w.book.refuse()
		return
	}
	c.w.book.did(nil)
}
