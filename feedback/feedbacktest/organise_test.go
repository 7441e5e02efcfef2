package feedbacktest

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
	"github.com/atelier-bridge/atelier/core/prompt"
	"github.com/atelier-bridge/atelier/core/query"
	"github.com/atelier-bridge/atelier/core/studio"
	"github.com/atelier-bridge/atelier/feedback"
)

func TestSavedSearchesAreOneRecord(t *testing.T) {
	s := Open(t)
	none, err := s.Review.Saved(t.Context(), project)
	if err != nil || none.Rev != 0 || none.Project != project {
		t.Fatalf("%+v, %v", none, err)
	}
	x := core.SavedSearch{ID: "s-1", Name: "posters", Query: "tag:poster", Notify: true, At: time.Now().UTC().Truncate(time.Second)}
	none.List = []core.SavedSearch{x}
	put(t, s, core.Change{Saved: none, Told: []core.Told{{Project: project, Search: "s-1", Tasks: []int{1, 5}}}})
	got, err := s.Review.Saved(t.Context(), project)
	if err != nil || got.Rev != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	if diff := cmp.Diff([]core.SavedSearch{x}, got.List); diff != "" {
		t.Error(diff)
	}
	// Somebody who read it before loses.
	err = s.Review.Apply(t.Context(), core.Change{Partition: s.DB.Parts.OfProject(project), Saved: none})
	want(t, err, core.CodeConflict)
	if _, keys, err := s.Review.Active(t.Context(), s.DB.Parts.OfProject(project)); err != nil || !slices.Equal(keys, []core.ProjectKey{project}) {
		t.Errorf("%v, %v", keys, err)
	}
	if left, err := s.Review.Untold(t.Context(), project, "s-1", []int{1, 2, 5, 7}); err != nil || !slices.Equal(left, []int{2, 7}) {
		t.Errorf("%v, %v", left, err)
	}
	put(t, s, core.Change{Told: []core.Told{{Project: project, Search: "s-1", Drop: true}}})
	if left, err := s.Review.Untold(t.Context(), project, "s-1", []int{1}); err != nil || !slices.Equal(left, []int{1}) {
		t.Errorf("%v, %v", left, err)
	}
}

func TestChangedTellsWhatChanged(t *testing.T) {
	s := Open(t)
	p, first := newTask(s, 1)
	changed := func() (tasks []core.TaskID, lost bool) {
		t.Helper()
		tasks, upTo, more, lost, err := s.Review.Changed(t.Context(), p)
		if err != nil || more {
			t.Fatal(more, err)
		}
		if upTo != "" {
			put(t, s, core.Change{Watched: upTo})
		}
		return tasks, lost
	}
	if tasks, lost := changed(); len(tasks) > 0 || lost {
		t.Fatal(tasks, lost)
	}
	put(t, s, core.Change{NewTask: first})
	if _, lost := changed(); !lost {
		t.Fatal("what was before the first look is not lost")
	}
	_, second := newTask(s, 2)
	talk := &core.Task{ID: core.TalkTask(project), Title: "talk"}
	put(t, s, core.Change{NewTask: second, Tasks: []*core.Task{talk}, Comments: []*core.Comment{{ID: "c-1", Task: first.ID, At: time.Now()}, {ID: "c-2", Task: talk.ID, At: time.Now()}}})
	tasks, lost := changed()
	slices.Sort(tasks)
	if lost || !slices.Equal(tasks, []core.TaskID{first.ID, second.ID}) {
		t.Fatal(tasks, lost)
	}
	if tasks, lost := changed(); len(tasks) > 0 || lost {
		t.Fatal(tasks, lost)
	}
	// The feed forgets.
	put(t, s, core.Change{Comments: []*core.Comment{{ID: "c-3", Task: first.ID, At: time.Now()}}})
	put(t, s, core.Change{Comments: []*core.Comment{{ID: "c-4", Task: first.ID, At: time.Now()}}})
	s.DB.Client.XTrimMaxLen(t.Context(), s.DB.Keys.Feed(p), 1)
	if _, lost := changed(); !lost {
		t.Fatal("a feed that was cut is not lost")
	}
}

// organiser is what does a partition's background work over a store, without platforms.
func organiser(s *feedback.Store, changes core.Changes) *studio.Organiser {
	st := &studio.Studio{Table: command.New(), Prompts: prompt.Builtin(), Parts: s.DB.Parts, People: s.People, Projects: s.People, Tasks: s.Review, Comments: s.Review, Refs: s.Review,
		Search: s.Review, Organising: s.Review, Changes: changes, Journal: s.Journal, Clock: core.SystemClock{}, Log: slog.New(slog.DiscardHandler)}
	return &studio.Organiser{Studio: st, Watching: s.Review, Index: s.Review, Clock: hurried{}, Log: st.Log}
}

// hurried is a clock on which nobody waits.
type hurried struct{ core.SystemClock }

func (hurried) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// dying writes changes until it dies: then every other one is written without anybody being told.
type dying struct {
	core.Changes
	left  int
	after func()
	seen  map[core.TaskID]int
}

func (d *dying) Apply(ctx context.Context, c core.Change) error {
	if d.left--; d.left < 0 {
		return core.Errorf(core.CodeGone, "dead")
	}
	err := d.Changes.Apply(ctx, c)
	if err == nil {
		for _, x := range c.Tasks {
			d.seen[x.ID]++
		}
	}
	if d.left == 0 {
		d.after()
		return core.Errorf(core.CodeGone, "dead")
	}
	return err
}

// TestBulkGoesOnAfterACrash lets a bulk action die after each of its steps, with the last one written and nobody told.
func TestBulkGoesOnAfterACrash(t *testing.T) {
	s := Open(t)
	p := s.DB.Parts.OfProject(project)
	const tasks = 95
	for n := 1; n <= tasks; n++ {
		_, task := newTask(s, n)
		if n%10 == 0 {
			task.Tags = []string{"spring"}
		}
		put(t, s, core.Change{NewTask: task})
	}
	if _, err := s.People.UpdateProject(t.Context(), project, func(*core.Project) error { return nil }); err != nil {
		t.Fatal(err)
	}
	who, err := s.People.Meet(t.Context(), core.Actor{Identity: "slack:T1/U1", Name: "Ada"})
	if err != nil {
		t.Fatal(err)
	}
	b := &core.Bulk{ID: core.BulkID(string(project) + "-b1"), Action: "bulk tag", Arg: "spring", Person: who.ID, Name: "Ada", Identity: "slack:T1/U1", Room: "slack:T1/C1", Total: tasks - 1, State: core.BulkRunning, At: time.Now()}
	for n := tasks; n > 1; n-- {
		b.Hits = append(b.Hits, n)
	}
	put(t, s, core.Change{Bulks: []*core.Bulk{b}})
	if err := s.Review.SetIndexed(t.Context(), p); err != nil { // else it builds the index as well
		t.Fatal(err)
	}
	if hits, err := s.Review.BulkHits(t.Context(), b.ID, 92, 20); err != nil || !slices.Equal(hits, []int{3, 2}) {
		t.Fatalf("%v, %v", hits, err)
	}
	seen := map[core.TaskID]int{}
	lives := 0
	for ; lives < 100; lives++ {
		got, err := s.Review.Bulk(t.Context(), b.ID)
		if err != nil {
			t.Fatal(err)
		}
		if got.State != core.BulkRunning {
			break
		}
		ctx, cancel := context.WithCancel(t.Context())
		lease, _, err := s.Leases.Acquire(ctx, string(p), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		organiser(s, &dying{Changes: s.Review, left: 1 + lives%2, after: cancel, seen: seen}).Work(ctx, p, lease)
		cancel()
		if err := s.Leases.Release(t.Context(), lease); err != nil {
			t.Fatal(err)
		}
	}
	if lives < 3 {
		t.Errorf("it died %d times only", lives)
	}
	got, err := s.Review.Bulk(t.Context(), b.ID)
	if err != nil || got.Done != tasks-1 || got.Changed != tasks-1-tasks/10 {
		t.Fatalf("%+v, %v", got, err)
	}
	for n := 2; n <= tasks; n++ {
		times := 1
		if n%10 == 0 {
			times = 0
		}
		if id := core.MakeTaskID(project, n); seen[id] != times {
			t.Errorf("%s was changed %d times, want %d", id, seen[id], times)
		}
	}
	found, err := s.Review.Search(t.Context(), core.Find{Project: project, All: words(query.Key("tag", "spring"))})
	if err != nil || found.Total != tasks-1 {
		t.Errorf("%d are tagged, %v", found.Total, err)
	}
	outs, err := s.DB.Client.XRange(t.Context(), s.DB.Keys.Outbox(p), "-", "+").Result()
	if err != nil || len(outs) < 2 {
		t.Fatalf("%d outgoings, %v", len(outs), err)
	}
	told := 0
	for _, o := range outs {
		if text := fmt.Sprint(o.Values); strings.Contains(text, `"direct"`) || strings.Contains(text, `"post"`) {
			told++
		}
	}
	if told != 2 {
		t.Errorf("%d messages tell of the end, want one to Ada and one in the room", told)
	}
}

// TestBulkStopsWhereItsPersonMayNot takes the person's role away before anything is done.
func TestBulkStopsWhereItsPersonMayNot(t *testing.T) {
	s := Open(t)
	p, task := newTask(s, 1)
	put(t, s, core.Change{NewTask: task})
	if _, err := s.People.UpdateProject(t.Context(), project, func(p *core.Project) error { p.Default = core.RoleViewer; return nil }); err != nil {
		t.Fatal(err)
	}
	who, err := s.People.Meet(t.Context(), core.Actor{Identity: "slack:T1/U1", Name: "Ada"})
	if err != nil {
		t.Fatal(err)
	}
	b := &core.Bulk{ID: core.BulkID(string(project) + "-b2"), Action: "bulk tag", Arg: "spring", Person: who.ID, Identity: "slack:T1/U1", Total: 1, State: core.BulkRunning, At: time.Now(), Hits: []int{1}}
	put(t, s, core.Change{Bulks: []*core.Bulk{b}})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	lease, _, err := s.Leases.Acquire(ctx, string(p), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	organiser(s, &dying{Changes: s.Review, left: 1, after: cancel, seen: map[core.TaskID]int{}}).Work(ctx, p, lease)
	got, err := s.Review.Bulk(t.Context(), b.ID)
	if err != nil || got.State != core.BulkStopped || got.Done != 0 {
		t.Fatalf("%+v, %v", got, err)
	}
	if x := readTask(t, s, 1); len(x.Tags) > 0 {
		t.Errorf("tagged %v", x.Tags)
	}
}
