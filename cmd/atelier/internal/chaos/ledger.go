package main

// The harness's own record of what people did and the platforms took.

import (
	"slices"
	"sync"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// place names a message on a platform.
type place struct {
	room core.RoomID
	id   core.MessageID
}

// said is one message of a person in a task's thread. Its platform acknowledged it.
type said struct {
	no      int
	token   string // "m00042": the first word of its text, in no other message
	task    core.TaskID
	at      place
	thread  core.ThreadID
	by      string
	when    time.Time
	texts   []string // newest last
	touched []time.Time
	deleted bool
	// marks holds who reacts where: room, emoji's characters, person.
	marks map[core.RoomID]map[string]map[string]bool
}

// newest is the text as its author left it.
func (s *said) newest() string { return s.texts[len(s.texts)-1] }

// wants returns the emojis that the app must show on this message in a room: those used in any other room.
func (s *said) wants(room core.RoomID) []string {
	var out []string
	for r, byEmoji := range s.marks {
		if r == room {
			continue
		}
		for e, people := range byEmoji {
			if len(people) > 0 && !slices.Contains(out, e) {
				out = append(out, e)
			}
		}
	}
	slices.Sort(out)
	return out
}

// asked is one command for a new task.
type asked struct {
	token   string // "p00007": the first word of its prompt
	project core.ProjectKey
	where   core.RoomID
	by      string
	when    time.Time
	acked   bool // the person saw it taken
}

// ledger is everything that people did.
type ledger struct {
	mu      sync.Mutex
	said    []*said
	asked   []*asked
	actions int
	refused int
}

// did counts an action that its platform took, and runs f with the ledger locked.
func (l *ledger) did(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.actions++
	if f != nil {
		f()
	}
}

// refuse counts an action that its platform did not offer or refused.
func (l *ledger) refuse() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused++
}

// pick returns one of the newest n messages that fit, chosen by roll; nil when none does.
func (l *ledger) pick(n int, roll uint64, fits func(*said) bool) *said {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []*said
	for _, s := range slices.Backward(l.said) {
		if !s.deleted && fits(s) {
			if list = append(list, s); len(list) == n {
				break
			}
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list[roll%uint64(len(list))]
}

// mark notes or forgets a person's reaction.
func (s *said) mark(room core.RoomID, emoji, who string, on bool) {
	if s.marks == nil {
		s.marks = map[core.RoomID]map[string]map[string]bool{}
	}
	if s.marks[room] == nil {
		s.marks[room] = map[string]map[string]bool{}
	}
	if s.marks[room][emoji] == nil {
		s.marks[room][emoji] = map[string]bool{}
	}
	if on {
		s.marks[room][emoji][who] = true
	} else {
		delete(s.marks[room][emoji], who)
	}
}
