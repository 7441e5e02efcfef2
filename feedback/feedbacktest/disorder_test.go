package feedbacktest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/relay"
	"github.com/atelier-bridge/atelier/feedback"
)

// TestDisorder tells the same events in many orders, some of them twice: an edit before its message, a deletion before
// the edit, a reaction on a message that is still being posted, a reply before its parent. What shows at last must
// always be the same.
func TestDisorder(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 7))
	shuffles := 12
	if testing.Short() {
		shuffles = 4
	}
	for round := range 3 {
		log := eventLog(rng)
		var want, got map[string]string
		t.Run(fmt.Sprintf("log %d in order", round), func(t *testing.T) { want = settle(t, log) })
		if len(want) < 4 {
			t.Fatalf("the log shows only %v", want)
		}
		for n := range shuffles {
			mixed := slices.Clone(log)
			for range len(log) / 4 {
				mixed = append(mixed, log[rng.IntN(len(log))])
			}
			rng.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
			t.Run(fmt.Sprintf("log %d, shuffle %d", round, n), func(t *testing.T) { got = settle(t, mixed) })
			if !maps.Equal(got, want) {
				var order []string
				for _, in := range mixed {
					order = append(order, string(in.ID))
				}
				t.Fatalf("round %d, shuffle %d:\ngot  %v\nwant %v\norder %v", round, n, got, want, order)
			}
		}
	}
}

const (
	slackRoom   core.RoomID = "slack:T1/C1"
	discordRoom core.RoomID = "discord:G1/C1"
	theTask     core.TaskID = "ACME-1"
)

func threadIn(room core.RoomID) core.ThreadID { return core.ThreadID(room.Platform()) + "-thread" }

// eventLog makes what a few people say and do in one task's two threads.
func eventLog(rng *rand.Rand) []core.Inbound {
	var log []core.Inbound
	at := time.Now().UTC().Truncate(time.Second) // what history shows late is marked, which is not meant here
	var said []core.Inbound
	event := func(kind core.InboundKind, room core.RoomID, who, name string, msg core.Message) core.Inbound {
		at = at.Add(time.Duration(1+rng.IntN(900)) * time.Millisecond)
		in := core.Inbound{ID: core.InboundID(fmt.Sprintf("%03d-%s-%s", len(log), kind, msg.ID)), Kind: kind, At: at, Room: room, Thread: threadIn(room),
			Actor: core.Actor{Identity: core.IdentityID(string(room.Platform()) + ":" + who), Name: name}, Message: &msg}
		log = append(log, in)
		return in
	}
	for n := range 7 {
		room := []core.RoomID{slackRoom, discordRoom}[n%2]
		msg := core.Message{ID: core.MessageID(fmt.Sprintf("%s-m%02d", room.Platform(), n)), Text: core.Plain(fmt.Sprintf("m%02d as said", n))}
		if len(said) > 1 && n%3 == 0 {
			if parent := said[rng.IntN(len(said))]; parent.Room == room {
				msg.ReplyTo = parent.Message.ID
			}
		}
		in := event(core.InboundMessage, room, fmt.Sprint("U", n%3), fmt.Sprint("Person ", n%3), msg)
		said = append(said, in)
		last := in
		for e := range rng.IntN(3) {
			edit := *in.Message
			edit.Text = core.Plain(fmt.Sprintf("m%02d edited %d", n, e))
			// Slack's edits are dated in whole seconds: two may bear the same date.
			edit.EditedAt = at.Truncate(time.Second)
			last = event(core.InboundEdit, room, in.Actor.Identity.Local(), in.Actor.Name, edit)
		}
		if last.Kind == core.InboundEdit && rng.IntN(2) == 0 {
			// Its history was read some time later; the same edit has the same id however it comes to us.
			last.CatchUp, last.Read = true, last.At.Add(time.Minute)
			log = append(log, last)
		}
		if rng.IntN(4) == 0 {
			event(core.InboundDelete, room, in.Actor.Identity.Local(), in.Actor.Name, core.Message{ID: msg.ID})
		}
		for range rng.IntN(3) {
			on := said[rng.IntN(len(said))]
			react := event(core.InboundReact, on.Room, "U9", "Niner", core.Message{ID: on.Message.ID})
			log[len(log)-1].Emoji = core.Emoji{Name: "eyes", Unicode: "👀"}
			if rng.IntN(2) == 0 {
				event(core.InboundUnreact, on.Room, react.Actor.Identity.Local(), react.Actor.Name, core.Message{ID: on.Message.ID})
				log[len(log)-1].Emoji = core.Emoji{Name: "eyes", Unicode: "👀"}
			}
		}
	}
	// Somebody reacts on a copy of ours: its id follows from what it shows.
	for _, in := range said[:3] {
		other := slackRoom
		if in.Room == slackRoom {
			other = discordRoom
		}
		event(core.InboundReact, other, "U8", "Eight", core.Message{ID: copyOf(other, core.MakeCommentID(in.Room, in.Message.ID))})
		log[len(log)-1].Emoji = core.Emoji{Name: "tada", Unicode: "🎉"}
	}
	return log
}

// copyOf is the id under which wall posts a comment.
func copyOf(room core.RoomID, c core.CommentID) core.MessageID {
	return core.MessageID(string(room.Platform()) + "-copy-" + string(c))
}

// settle tells a log to a fresh store with both platforms and returns what shows in the end.
func settle(t *testing.T, log []core.Inbound) map[string]string {
	t.Helper()
	s := Open(t)
	ctx, cancel := context.WithCancel(t.Context())
	quiet := slog.New(slog.DiscardHandler)
	p := s.DB.Parts.OfProject("ACME")
	arrange(t, s, p)
	w := &wall{shown: map[core.MessageID]string{}, reacted: map[string]bool{}}
	out := &relay.Deliverer{Platforms: map[core.PlatformName]core.Platform{core.Slack: &side{w, core.Slack}, core.Discord: &side{w, core.Discord}}, Journal: s.Journal,
		Changes: s.Review, Comments: s.Review, Refs: s.Review, Glances: s.Glances, People: s.People, Clock: core.SystemClock{}, Log: quiet}
	router := &relay.Router{Commands: talkOnly{}, Parts: s.DB.Parts, People: s.People, Projects: s.People, Tasks: s.Review, Comments: s.Review, Refs: s.Review, Glances: s.Glances, Changes: s.Review, Journal: s.Journal,
		Opening: out.Opening, Clock: core.SystemClock{}, Log: quiet}
	engine := &relay.Engine{Parts: s.DB.Parts, Leases: s.Leases, Members: s.Members, Journal: s.Journal, Handler: router, Out: out, Clock: core.SystemClock{}, Log: quiet}
	for _, in := range log {
		if _, err := s.Journal.Append(ctx, p, in); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = engine.Run(ctx) })
	defer wg.Wait()
	defer cancel()
	for tick := time.NewTicker(5 * time.Millisecond); ; <-tick.C {
		in, outs, dead, err := s.Journal.Backlog(ctx, p)
		if err != nil {
			t.Fatal(err)
		}
		if dead > 0 {
			list, _ := s.Journal.Dead(ctx, p, 10)
			t.Fatalf("dead letters: %+v", list)
		}
		if in+outs == 0 {
			break
		}
	}
	return w.state(t, s)
}

func arrange(t *testing.T, s *feedback.Store, p core.Partition) {
	t.Helper()
	ctx := t.Context()
	rooms := []core.RoomID{slackRoom, discordRoom}
	if _, err := s.People.UpdateProject(ctx, "ACME", func(pr *core.Project) error { pr.Key, pr.Rooms = "ACME", rooms; return nil }); err != nil {
		t.Fatal(err)
	}
	c := core.Change{Partition: p, NewTask: &core.Task{ID: theTask, Rooms: rooms}}
	for _, room := range rooms {
		if _, err := s.People.UpdateRoom(ctx, room, func(r *core.Room) error { r.ID, r.Project = room, "ACME"; return nil }); err != nil {
			t.Fatal(err)
		}
		c.Threads = append(c.Threads, &core.Thread{Room: room, ID: threadIn(room), Task: theTask, Root: core.MessageID(threadIn(room)), Active: time.Now()})
	}
	if err := s.Review.Apply(ctx, c); err != nil {
		t.Fatal(err)
	}
}

// wall is both platforms: what we posted there.
type wall struct {
	mu      sync.Mutex
	shown   map[core.MessageID]string
	reacted map[string]bool
}

// state is what people see of ours, and of the comments that are alive.
func (w *wall) state(t *testing.T, s *feedback.Store) map[string]string {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[string]string{}
	for id, text := range w.shown {
		out["shown "+string(id)] = text
	}
	for at := range w.reacted {
		if id, _, _ := strings.Cut(at, " "); !strings.Contains(id, "-copy-") || w.shown[core.MessageID(id)] != "" {
			out["reaction "+at] = "on"
		}
	}
	all, _, err := s.Review.Comments(t.Context(), theTask, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	live := 0
	for _, c := range all {
		if c.Deleted {
			for at := range w.reacted {
				if strings.HasPrefix(at, string(c.Source.ID)+" ") {
					delete(out, "reaction "+at) // on a message that is gone
				}
			}
			continue
		}
		live++
		out["comment "+string(c.Source.ID)] = c.Text.String() + " reply to " + string(c.ReplyTo)
	}
	task, err := s.Review.Task(t.Context(), theTask)
	if err != nil {
		t.Fatal(err)
	}
	if task.Comments != live || task.Open != live {
		t.Errorf("%d comments live, the task counts %d, %d open", live, task.Comments, task.Open)
	}
	return out
}

// side is one platform of the wall. Its posts have ids that follow from what they show.
type side struct {
	w    *wall
	name core.PlatformName
}

var _ core.Platform = (*side)(nil)

func (s *side) Name() core.PlatformName         { return s.name }
func (s *side) Capabilities() core.Capabilities { return core.Capabilities{MaxText: 2000} }
func (s *side) Run(ctx context.Context, _ core.Receiver) error {
	<-ctx.Done()
	return nil
}

func (s *side) Fetch(context.Context, core.RoomID, core.FileRef) (io.ReadCloser, error) {
	return nil, errors.New("no files here")
}

func (s *side) Deliver(_ context.Context, d core.Delivery) (core.Receipt, error) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	switch d.Op {
	case core.OpPost:
		name, _, _ := strings.Cut(d.Text.String(), " ")
		var n int
		if _, err := fmt.Sscanf(name, "m%d", &n); err != nil {
			return core.Receipt{}, err
		}
		from := slackRoom
		if n%2 == 1 {
			from = discordRoom
		}
		id := copyOf(d.Room, core.MakeCommentID(from, core.MessageID(fmt.Sprintf("%s-m%02d", from.Platform(), n))))
		if s.w.shown[id] != "" {
			return core.Receipt{}, fmt.Errorf("%s is posted twice", id)
		}
		s.w.shown[id] = d.Text.String()
		return core.Receipt{Parts: []core.MessageID{id}}, nil
	case core.OpEdit:
		s.w.shown[d.Target[0]] = d.Text.String()
		return core.Receipt{Parts: d.Target}, nil
	case core.OpDelete:
		delete(s.w.shown, d.Target[0])
	case core.OpReact:
		s.w.reacted[string(d.Target[0])+" "+d.Emoji.Key()] = true
	case core.OpUnreact:
		delete(s.w.reacted, string(d.Target[0])+" "+d.Emoji.Key())
	}
	return core.Receipt{}, nil
}
