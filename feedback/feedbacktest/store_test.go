package feedbacktest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback"
)

const project = core.ProjectKey("ACME")

func want(t *testing.T, err error, code core.Code) {
	t.Helper()
	if got := core.ErrorCode(err); got != code {
		t.Fatalf("error %v has code %q, want %q", err, got, code)
	}
}

func newTask(s *feedback.Store, n int) (core.Partition, *core.Task) {
	p := s.DB.Parts.OfProject(project)
	return p, &core.Task{ID: core.MakeTaskID(project, n), Title: "a lighthouse", Rooms: []core.RoomID{"slack:T1/C1", "discord:G1/C2"}, CreatedAt: time.Now().UTC()}
}

func TestApplyIsAllOrNothing(t *testing.T) {
	s := Open(t)
	p, task := newTask(s, 1)
	if err := s.Review.Apply(t.Context(), core.Change{Partition: p, NewTask: task}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Review.Task(t.Context(), task.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got.Rev != 1 || got.Title != task.Title || got.Partition != p {
		t.Fatalf("read %+v", got)
	}
	// A change with a stale record writes nothing, its new comment included.
	stale := *got
	got.Title = "first"
	if err := s.Review.Apply(t.Context(), core.Change{Partition: p, Tasks: []*core.Task{got}}); err != nil {
		t.Fatal(err)
	}
	stale.Title = "second"
	c := &core.Comment{ID: "c-1", Task: task.ID, At: time.Now()}
	err = s.Review.Apply(t.Context(), core.Change{Partition: p, Tasks: []*core.Task{&stale}, Comments: []*core.Comment{c}})
	want(t, err, core.CodeConflict)
	_, err = s.Review.Comment(t.Context(), task.ID, "c-1")
	want(t, err, core.CodeNotFound)
	if again, err := s.Review.Task(t.Context(), task.ID); err != nil || again.Title != "first" {
		t.Fatalf("task is %+v, %v", again, err)
	}
}

func TestTaskNumbersHaveNoGapsAndNoTwins(t *testing.T) {
	s := Open(t)
	const people, each = 8, 5
	var wg sync.WaitGroup
	for range people {
		wg.Go(func() {
			for made := 0; made < each; {
				p := s.DB.Parts.OfProject(project)
				n, err := s.Review.NextTask(t.Context(), p, project)
				if err != nil {
					t.Error(err)
					return
				}
				_, task := newTask(s, n)
				switch err := s.Review.Apply(t.Context(), core.Change{Partition: p, NewTask: task}); core.ErrorCode(err) {
				case "":
					made++
				case core.CodeConflict:
				default:
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	list, err := s.Review.List(t.Context(), project, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != people*each || list[0].ID.Number() != people*each {
		t.Fatalf("%d tasks, newest %s", len(list), list[0].ID)
	}
}

func TestCommentsArePagedInOrder(t *testing.T) {
	s := Open(t)
	p, task := newTask(s, 1)
	change := core.Change{Partition: p, NewTask: task}
	base := time.Now().UTC().Truncate(time.Millisecond)
	for i := range 7 {
		change.Comments = append(change.Comments, &core.Comment{ID: core.CommentID(fmt.Sprintf("c-%d", i)), Task: task.ID, At: base.Add(time.Duration(i) * time.Second)})
	}
	if err := s.Review.Apply(t.Context(), change); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		offset, limit int
		want          string
	}{{2, 3, "c-2 c-3 c-4"}, {-3, 3, "c-4 c-5 c-6"}, {-3, 9, "c-4 c-5 c-6"}, {-9, 4, "c-0 c-1"}, {-9, 9, "c-0 c-1 c-2 c-3 c-4 c-5 c-6"}, {0, 0, ""}, {7, 3, ""}} {
		page, total, err := s.Review.Comments(t.Context(), task.ID, c.offset, c.limit)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, m := range page {
			ids = append(ids, string(m.ID))
		}
		if got := strings.Join(ids, " "); got != c.want || total != 7 {
			t.Errorf("%d from %d: %q of %d, want %q", c.limit, c.offset, got, total, c.want)
		}
	}
}

func TestReferencesLeadBothWays(t *testing.T) {
	s := Open(t)
	p, task := newTask(s, 1)
	obj := core.CommentObject(task.ID, "c-1")
	th := &core.Thread{Room: "slack:T1/C1", ID: "1.1", Task: task.ID, Root: "1.1", Active: time.Now().UTC().Truncate(time.Millisecond)}
	place := core.PlaceWrite{Object: obj, Room: "slack:T1/C1", Placement: core.Placement{Thread: "1.1", Parts: []core.MessageID{"1.2", "1.3"}, Source: true}}
	err := s.Review.Apply(t.Context(), core.Change{Partition: p, NewTask: task, Threads: []*core.Thread{th}, Place: []core.PlaceWrite{place}, Tombs: []core.MessageRef{{Room: "slack:T1/C1", ID: "9.9"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range place.Parts {
		got, tomb, err := s.Review.Object(t.Context(), p, "slack:T1/C1", m)
		if err != nil || tomb || got != obj {
			t.Errorf("%s shows %s %v %v", m, got, tomb, err)
		}
	}
	if _, tomb, err := s.Review.Object(t.Context(), p, "slack:T1/C1", "9.9"); err != nil || !tomb {
		t.Errorf("the deleted message is %v %v", tomb, err)
	}
	_, _, err = s.Review.Object(t.Context(), p, "slack:T1/C1", "5.5")
	want(t, err, core.CodeNotFound)
	placed, err := s.Review.Placed(t.Context(), p, obj)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(place.Placement, placed["slack:T1/C1"]); diff != "" {
		t.Error(diff)
	}
	back, err := s.Review.Thread(t.Context(), p, "slack:T1/C1", "1.1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(th, back); diff != "" {
		t.Error(diff)
	}
	active, err := s.Review.ActiveThreads(t.Context(), p, time.Now().Add(-time.Hour), 10)
	if err != nil || len(active) != 1 || active[0].ID != "1.1" {
		t.Errorf("active threads %v %v", active, err)
	}
}

func inbound(i int) core.Inbound {
	return core.Inbound{ID: core.InboundID(fmt.Sprintf("in-%d", i)), Kind: core.InboundMessage, At: time.Now()}
}

func TestJournalKeepsOrderOnceAndReplays(t *testing.T) {
	s := Open(t)
	p := core.Partition("p03")
	for i := range 5 {
		if added, err := s.Journal.Append(t.Context(), p, inbound(i)); err != nil || !added {
			t.Fatal(added, err)
		}
		if added, err := s.Journal.Append(t.Context(), p, inbound(i)); err != nil || added {
			t.Fatalf("the same inbound again: %v %v", added, err)
		}
	}
	l := Lease(t, s, p)
	ins, _, err := s.Journal.Read(t.Context(), p, l, 3, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := names(ins); !slices.Equal(got, []string{"in-0", "in-1", "in-2"}) || ins[0].Replayed {
		t.Fatalf("read %v", got)
	}
	// The first is settled, the others are not; a new holder gets those again, in order, before new ones.
	if err := s.Review.Apply(t.Context(), core.Change{Partition: p, Lease: l, Handled: ins[0].ID}); err != nil {
		t.Fatal(err)
	}
	l2 := Steal(t, s, l)
	if l2.Fence <= l.Fence {
		t.Fatalf("the fence went from %d to %d", l.Fence, l2.Fence)
	}
	again, _, err := s.Journal.Read(t.Context(), p, l2, 10, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := names(again); !slices.Equal(got, []string{"in-1", "in-2"}) || !again[0].Replayed {
		t.Fatalf("the new holder read %v", got)
	}
	fresh, _, err := s.Journal.Read(t.Context(), p, l2, 10, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := names(fresh); !slices.Equal(got, []string{"in-3", "in-4"}) || fresh[0].Replayed {
		t.Fatalf("then it read %v", got)
	}
	// The late holder can neither read nor write.
	_, _, err = s.Journal.Read(t.Context(), p, l, 10, 0)
	want(t, err, core.CodeGone)
	want(t, s.Review.Apply(t.Context(), core.Change{Partition: p, Lease: l, Handled: ins[1].ID}), core.CodeGone)
}

func names(es []core.Entry[core.Inbound]) []string {
	var out []string
	for _, e := range es {
		out = append(out, string(e.Item.ID))
	}
	return out
}

func TestReadWakesOnAppend(t *testing.T) {
	s := Open(t)
	p := core.Partition("p01")
	l := Lease(t, s, p)
	got := make(chan error, 1)
	go func() {
		for {
			ins, _, err := s.Journal.Read(t.Context(), p, l, 10, time.Second)
			if err != nil || len(ins) == 1 {
				got <- err
				return
			}
		}
	}()
	if _, err := s.Journal.Append(t.Context(), p, inbound(1)); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-got:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the reader slept on")
	}
}

func TestOutboxIsSettledWithItsPlacement(t *testing.T) {
	s := Open(t)
	p, task := newTask(s, 1)
	obj := core.CardObject(task.ID, 0)
	out := core.Outgoing{ID: "d-1", Kind: core.OutCard, Room: "slack:T1/C1", Task: task.ID, Object: obj, At: time.Now().UTC()}
	if err := s.Review.Apply(t.Context(), core.Change{Partition: p, NewTask: task, Out: []core.Outgoing{out}}); err != nil {
		t.Fatal(err)
	}
	l := Lease(t, s, p)
	_, outs, err := s.Journal.Read(t.Context(), p, l, 10, 0)
	if err != nil || len(outs) != 1 || outs[0].Item.ID != "d-1" {
		t.Fatal(outs, err)
	}
	place := &core.PlaceWrite{Object: obj, Room: "slack:T1/C1", Placement: core.Placement{Parts: []core.MessageID{"1.1"}, Rev: 3},
		Opens: &core.Thread{Room: "slack:T1/C1", ID: "1.1", Task: task.ID, Root: "1.1", Active: time.Now()}}
	if err := s.Journal.Settle(t.Context(), p, l, outs[0].ID, core.Settled{Place: place}); err != nil {
		t.Fatal(err)
	}
	if th, err := s.Review.TaskThread(t.Context(), task.ID, "slack:T1/C1"); err != nil || th.ID != "1.1" {
		t.Fatal(th, err)
	}
	in, waiting, dead, err := s.Journal.Backlog(t.Context(), p)
	if err != nil || in+waiting+dead != 0 {
		t.Fatal(in, waiting, dead, err)
	}
}

func TestMeetMakesOnePerson(t *testing.T) {
	s := Open(t)
	var wg sync.WaitGroup
	ids := make([]core.PersonID, 10)
	for i := range ids {
		wg.Go(func() {
			p, err := s.People.Meet(t.Context(), core.Actor{Identity: "slack:T1/U1", Name: "Ada"})
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = p.ID
		})
	}
	wg.Wait()
	if len(slices.Compact(ids)) != 1 {
		t.Fatalf("ids %v", ids)
	}
	if _, err := s.People.Join(t.Context(), "slack:T1/U1", "discord:7"); err != nil {
		t.Fatal(err)
	}
	p, err := s.People.ByIdentity(t.Context(), "discord:7")
	if err != nil || p.ID != ids[0] || p.Name != "Ada" {
		t.Fatal(p, err)
	}
	if _, err := s.People.Meet(t.Context(), core.Actor{Identity: "discord:8", Name: "Ben"}); err != nil {
		t.Fatal(err)
	}
	_, err = s.People.Join(t.Context(), "slack:T1/U1", "discord:8")
	want(t, err, core.CodeConflict)
}

func TestMeetKeepsLanguageAndClock(t *testing.T) {
	s := Open(t)
	meet := func(a core.Actor) *core.Person {
		t.Helper()
		p, err := s.People.Meet(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	const slack, discord = "slack:T1/U1", "discord:7"
	meet(core.Actor{Identity: slack, Name: "Ada", Locale: "fr-FR", Zone: "Europe/Paris"})
	p := meet(core.Actor{Identity: slack, Name: "Ada"})
	if p.Locale != "fr-FR" || p.Zone != "Europe/Paris" || p.Rev != 1 {
		t.Fatalf("an event that says nothing of it: %+v", p)
	}
	if p = meet(core.Actor{Identity: slack, Name: "Ada", Locale: "en-GB", Zone: "Europe/London"}); p.Locale != "en-GB" || p.Zone != "Europe/London" {
		t.Fatalf("%+v", p)
	}
	if _, err := s.People.Join(t.Context(), slack, discord); err != nil {
		t.Fatal(err)
	}
	rev := meet(core.Actor{Identity: discord, Name: "ada", Locale: "de"}).Rev
	if p = meet(core.Actor{Identity: discord, Name: "ada", Locale: "de"}); p.Locale != "en-GB" || p.Rev != rev {
		t.Fatalf("the app that names the person says how to speak to them, and nothing is written for the other: %+v", p)
	}
}

func TestProjectsAreChangedTogether(t *testing.T) {
	s := Open(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			_, err := s.People.UpdateProject(t.Context(), project, func(p *core.Project) error {
				p.Rooms = append(p.Rooms, core.RoomID(fmt.Sprintf("slack:T1/C%d", i)))
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	p, err := s.People.Project(t.Context(), project)
	if err != nil || len(p.Rooms) != 8 || p.Rev != 8 {
		t.Fatal(p, err)
	}
	keys, err := s.People.Projects(t.Context())
	if err != nil || !slices.Equal(keys, []core.ProjectKey{project}) {
		t.Fatal(keys, err)
	}
	boom := errors.New("boom")
	if _, err := s.People.UpdateProject(t.Context(), project, func(*core.Project) error { return boom }); !errors.Is(err, boom) {
		t.Fatal(err)
	}
}

func TestLeaseIsExclusive(t *testing.T) {
	s := Open(t)
	l := Lease(t, s, "gateway")
	if _, ok, err := s.Leases.Acquire(t.Context(), "gateway", time.Minute); err != nil || ok {
		t.Fatal("held twice", err)
	}
	if err := s.Leases.Renew(t.Context(), l, time.Minute); err != nil {
		t.Fatal(err)
	}
	l2 := Steal(t, s, l)
	want(t, s.Leases.Renew(t.Context(), l, time.Minute), core.CodeConflict)
	if err := s.Leases.Release(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if err := s.Leases.Renew(t.Context(), l2, time.Minute); err != nil {
		t.Fatalf("releasing a lost lease took the new one: %v", err)
	}
}
