package feedbacktest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/query"
	"github.com/atelier-bridge/atelier/feedback"
)

func put(t testing.TB, s *feedback.Store, c core.Change) {
	t.Helper()
	c.Partition = s.DB.Parts.OfProject(project)
	if err := s.Review.Apply(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

func words(list ...string) []core.Clause {
	var out []core.Clause
	for _, w := range list {
		c := core.Clause{Any: []string{strings.TrimPrefix(w, "-")}, Not: strings.HasPrefix(w, "-")}
		out = append(out, c)
	}
	return out
}

// hits searches and returns the numbers of what was found, in order, as text.
func hits(t testing.TB, s *feedback.Store, f core.Find) string {
	t.Helper()
	f.Project = project
	if f.Limit == 0 {
		f.Limit = 100
	}
	got, err := s.Review.Search(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, id := range got.Tasks {
		out = append(out, fmt.Sprint(id.Number()))
	}
	if f.Offset == 0 && f.Limit == 100 && got.Total != len(got.Tasks) {
		t.Fatalf("%d found, %d told", len(got.Tasks), got.Total)
	}
	return strings.Join(out, " ")
}

func expectHits(t testing.TB, s *feedback.Store, f core.Find, want string) {
	t.Helper()
	if got := hits(t, s, f); got != want {
		t.Errorf("%+v finds %q, want %q", f.All, got, want)
	}
}

func readTask(t testing.TB, s *feedback.Store, n int) *core.Task {
	t.Helper()
	got, err := s.Review.Task(t.Context(), core.MakeTaskID(project, n))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestTasksAreFoundByWhatIsInThem(t *testing.T) {
	s := Open(t)
	for n := 1; n <= 3; n++ {
		_, task := newTask(s, n)
		task.Title, task.Owner, task.OwnerName, task.Latest = fmt.Sprintf("task number%d", n), "p-1", "Ada Lovelace", 1
		v := &core.Version{ID: core.VersionID{Task: task.ID, No: 1}, Provider: "sketch", Person: "p-2", PersonName: "Bén",
			Request: core.Request{Op: core.OpGenerate, Prompt: "a Lighthouse in the fog", Params: map[string]string{"ar": "3:2"}}}
		put(t, s, core.Change{NewTask: task, Versions: []*core.Version{v}})
	}
	expectHits(t, s, core.Find{All: words("lighthouse", "fog")}, "3 2 1")
	expectHits(t, s, core.Find{All: words("lighthouse", "number2")}, "2")
	expectHits(t, s, core.Find{All: words("lighthouse", "-number2")}, "3 1")
	expectHits(t, s, core.Find{All: words("-number2")}, "3 1")
	expectHits(t, s, core.Find{All: words("nothing")}, "")
	for _, term := range []string{query.Key("--ar", "3:2"), query.Key("provider", "Sketch"), query.ID("by", "p-1"), query.ID("by", "p-2"), "by~ben", "by~lovelace", "op=generate"} {
		expectHits(t, s, core.Find{All: words(term)}, "3 2 1")
	}
	// Another field of the task: the former value finds it no more.
	task := readTask(t, s, 2)
	task.Status, task.Tags, task.Folder, task.Open, task.Comments = core.StatusChanges, []string{"poster", "spring"}, "Été", 1, 1
	put(t, s, core.Change{Tasks: []*core.Task{task}})
	expectHits(t, s, core.Find{All: words(query.Key("tag", "poster"), query.Key("folder", "ete"), query.Key("status", "changes requested"), "is=open")}, "2")
	task = readTask(t, s, 2)
	task.Status, task.Tags = core.StatusApproved, []string{"spring"}
	put(t, s, core.Change{Tasks: []*core.Task{task}})
	expectHits(t, s, core.Find{All: words(query.Key("tag", "poster"))}, "")
	expectHits(t, s, core.Find{All: words(query.Key("status", "changes requested"))}, "")
	// A verdict on a version; a term that two of its records have stays until neither has it.
	v, err := s.Review.Version(t.Context(), core.VersionID{Task: task.ID, No: 1})
	if err != nil {
		t.Fatal(err)
	}
	v.Verdicts, v.Request.Prompt = []core.Verdict{{Approved: true}}, "spring"
	put(t, s, core.Change{Versions: []*core.Version{v}})
	expectHits(t, s, core.Find{All: words("verdict=approved")}, "2")
	expectHits(t, s, core.Find{All: words("lighthouse")}, "3 1")
	expectHits(t, s, core.Find{All: []core.Clause{{Any: []string{"number1", "spring"}}}}, "2 1")
	// Best first: approved ones, then those with an approved version or a picked picture.
	task = readTask(t, s, 1)
	task.Picked = core.ImageRef{Version: 1, Image: 2}
	put(t, s, core.Change{Tasks: []*core.Task{task}})
	expectHits(t, s, core.Find{All: words("task"), Best: true}, "2 1 3")
	holds, err := s.Review.Holds(t.Context(), task.ID, []string{"lighthouse", "is=picked", "spring"})
	if err != nil || !holds["lighthouse"] || !holds["is=picked"] || holds["spring"] {
		t.Errorf("holds %v, %v", holds, err)
	}
}

func TestCommentsAreFoundAsTheyAreNow(t *testing.T) {
	s := Open(t)
	_, task := newTask(s, 1)
	put(t, s, core.Change{NewTask: task})
	say := func(id core.CommentID, text string) {
		put(t, s, core.Change{Comments: []*core.Comment{{ID: id, Task: task.ID, Author: "p-1", Name: "Ben", Identity: "slack:T1/U1", Text: core.Plain(text), At: time.Now()}}})
	}
	change := func(id core.CommentID, f func(*core.Comment)) {
		t.Helper()
		m, err := s.Review.Comment(t.Context(), task.ID, id)
		if err != nil {
			t.Fatal(err)
		}
		f(m)
		put(t, s, core.Change{Comments: []*core.Comment{m}})
	}
	say("c-1", "the Fog is too dark")
	say("c-2", "more fog please")
	expectHits(t, s, core.Find{All: words("fog", "dark", query.ID("from", "p-1"), "from~ben")}, "1")
	change("c-1", func(m *core.Comment) { m.Text = core.Plain("too bright") })
	expectHits(t, s, core.Find{All: words("dark")}, "")
	expectHits(t, s, core.Find{All: words("fog", "bright")}, "1")
	change("c-1", func(m *core.Comment) { m.Resolved = true })
	change("c-2", func(m *core.Comment) { m.Deleted = true })
	expectHits(t, s, core.Find{All: words("fog")}, "")
	expectHits(t, s, core.Find{All: words("bright", "lighthouse")}, "1")
	change("c-2", func(m *core.Comment) { m.Deleted = false })
	expectHits(t, s, core.Find{All: words("fog")}, "1")
	// What fails leaves no words.
	err := s.Review.Apply(t.Context(), core.Change{Partition: s.DB.Parts.OfProject(project), Tasks: []*core.Task{task},
		Comments: []*core.Comment{{ID: "c-3", Task: task.ID, Text: core.Plain("ghost"), At: time.Now()}}})
	want(t, err, core.CodeConflict)
	expectHits(t, s, core.Find{All: words("ghost")}, "")
	// Talk is no task.
	talk := &core.Task{ID: core.TalkTask(project), Title: "talk"}
	put(t, s, core.Change{Tasks: []*core.Task{talk}, Comments: []*core.Comment{{ID: "c-4", Task: talk.ID, Text: core.Plain("chatter"), At: time.Now()}}})
	expectHits(t, s, core.Find{All: words("chatter")}, "")
}

func TestDeletedAndPrivateTasksAreNotFoundElsewhere(t *testing.T) {
	s := Open(t)
	for n := 1; n <= 4; n++ {
		_, task := newTask(s, n)
		task.Tags = []string{"poster"}
		if task.Private = n == 2; task.Private {
			task.Rooms, task.Tags = []core.RoomID{"slack:T1/SECRET"}, []string{"poster", "secret"}
		}
		put(t, s, core.Change{NewTask: task})
	}
	expectHits(t, s, core.Find{All: words("lighthouse")}, "4 3 1")
	expectHits(t, s, core.Find{All: words("lighthouse"), Room: "slack:T1/C1"}, "4 3 1")
	expectHits(t, s, core.Find{All: words("lighthouse"), Room: "slack:T1/SECRET"}, "4 3 2 1")
	expectHits(t, s, core.Find{All: words("lighthouse"), Whole: true}, "4 3 2 1")
	some, err := s.Review.Some(t.Context(), project, []core.TaskID{core.MakeTaskID(project, 3), core.MakeTaskID(project, 99), core.MakeTaskID(project, 1)})
	if err != nil || len(some) != 2 || some[0].ID != core.MakeTaskID(project, 3) || some[1].ID != core.MakeTaskID(project, 1) {
		t.Errorf("some tasks: %v, %v", some, err)
	}
	task := readTask(t, s, 3)
	task.Deleted = time.Now()
	put(t, s, core.Change{Tasks: []*core.Task{task}})
	expectHits(t, s, core.Find{All: words("lighthouse")}, "4 1")
	tags := func(room core.RoomID) []core.Counted {
		got, err := s.Review.Values(t.Context(), project, "tag", room)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if diff := cmp.Diff([]core.Counted{{Value: "poster", Tasks: 2}}, tags("slack:T1/C1")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]core.Counted{{Value: "poster", Tasks: 3}, {Value: "secret", Tasks: 1}}, tags("slack:T1/SECRET")); diff != "" {
		t.Error(diff)
	}
	task = readTask(t, s, 3)
	task.Deleted = time.Time{}
	put(t, s, core.Change{Tasks: []*core.Task{task}})
	expectHits(t, s, core.Find{All: words("lighthouse")}, "4 3 1")
}

// TestManyTasksAreFound fills postings beyond where they become bits, and back.
func TestManyTasksAreFound(t *testing.T) {
	s := Open(t)
	const many = 1100
	base := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	var odd, all []string
	for n := 1; n <= many; n++ {
		_, task := newTask(s, n)
		task.CreatedAt = base.Add(time.Duration(n) * time.Hour)
		if n%2 == 1 {
			task.Title = "an odd boat"
			odd = append(odd, fmt.Sprint(n))
		}
		all = append(all, fmt.Sprint(n))
		put(t, s, core.Change{NewTask: task})
	}
	slices.Reverse(odd)
	slices.Reverse(all)
	f := core.Find{All: words("odd", "boat"), Limit: many}
	expectHits(t, s, f, strings.Join(odd, " "))
	expectHits(t, s, core.Find{Limit: many}, strings.Join(all, " "))
	// Pages stay what they were while tasks are added.
	f.Project, f.Limit = project, 7
	var got []string
	for {
		page, err := s.Review.Search(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		if page.Total != len(odd) {
			t.Fatalf("%d in all, want %d", page.Total, len(odd))
		}
		for _, id := range page.Tasks {
			got = append(got, fmt.Sprint(id.Number()))
		}
		if len(page.Tasks) < f.Limit {
			break
		}
		f.Offset, f.Top = f.Offset+f.Limit, page.Top
		if f.Offset == 70 {
			_, task := newTask(s, many+1)
			task.Title = "an odd boat"
			put(t, s, core.Change{NewTask: task})
		}
	}
	if strings.Join(got, " ") != strings.Join(odd, " ") {
		t.Errorf("pages hold %v", got)
	}
	for _, c := range []struct {
		after, before int // hours
		want          string
	}{{1098, 0, "1101 1100 1099 1098"}, {0, 3, "2 1"}, {500, 503, "502 501 500"}, {5000, 0, ""}, {0, 1, ""}, {3, 3, ""}} {
		f := core.Find{}
		if c.after > 0 {
			f.After = base.Add(time.Duration(c.after) * time.Hour)
		}
		if c.before > 0 {
			f.Before = base.Add(time.Duration(c.before) * time.Hour)
		}
		if c.after == 5000 {
			f.After = time.Now().Add(time.Hour)
		}
		expectHits(t, s, f, c.want)
	}
	// Take the word away again, from bits.
	for n := 1; n <= many; n += 2 {
		task := readTask(t, s, n)
		task.Title = "a lighthouse"
		put(t, s, core.Change{Tasks: []*core.Task{task}})
	}
	expectHits(t, s, core.Find{All: words("odd")}, fmt.Sprint(many+1))
}

// TestSearchesReadNoMoreThanTheyShow has tasks far apart, so that they lie in many parts of the index.
func TestSearchesReadNoMoreThanTheyShow(t *testing.T) {
	s := Open(t)
	const apart, many = 4096, 100
	var all, done []int
	change := core.Change{}
	for i := 1; i <= many; i++ {
		_, task := newTask(s, i*apart)
		all = append(all, i*apart)
		if task.Status = core.StatusOpen; i%10 == 0 {
			task.Status = core.StatusApproved
			done = append(done, i*apart)
		}
		change.Tasks = append(change.Tasks, task)
	}
	put(t, s, change)
	if err := s.DB.Client.Set(t.Context(), s.DB.Keys.Sequence(s.DB.Parts.OfProject(project), project), many*apart, 0).Err(); err != nil {
		t.Fatal(err)
	}
	slices.Reverse(all)
	slices.Reverse(done)
	best := slices.Concat(done, slices.DeleteFunc(slices.Clone(all), func(n int) bool { return slices.Contains(done, n) }))
	for _, c := range []struct {
		find  core.Find
		want  []int
		total int
		about bool
	}{
		{core.Find{Limit: 5}, all[:5], many, false},
		{core.Find{Limit: 5, Count: 10}, all[:5], many, true},
		{core.Find{Limit: 5, Offset: 30, Count: 10}, all[30:35], many, true},
		{core.Find{Limit: 5, Offset: 98, Count: 10}, all[98:], many, false},
		{core.Find{Limit: 5, Count: 10, Top: 20 * apart}, all[80:85], 20, true},
		{core.Find{Limit: 5, Count: 21, Top: 20 * apart}, all[80:85], 20, false},
		{core.Find{Limit: 5, Count: 10, Best: true}, best[:5], many, true},
		{core.Find{Limit: 8, Offset: 6, Count: 10, Best: true}, best[6:14], many, false},
		{core.Find{Limit: 5, Count: 10, All: words(query.Key("status", "approved"))}, done[:5], 10, false},
		{core.Find{Limit: 5, Count: 10, All: words("nothing")}, nil, 0, false},
	} {
		c.find.Project = project
		got, err := s.Review.Search(t.Context(), c.find)
		if err != nil {
			t.Fatal(err)
		}
		var numbers []int
		for _, id := range got.Tasks {
			numbers = append(numbers, id.Number())
		}
		if diff := cmp.Diff(c.want, numbers); diff != "" || got.About != c.about || got.Total < c.total*8/10 || got.Total > c.total*12/10 || !c.about && got.Total != c.total {
			t.Errorf("%+v finds %d (about: %t), want %d; tasks:\n%s", c.find, got.Total, got.About, c.total, diff)
		}
	}
}

// index is everything that a project's index holds, but for how often it changed.
func index(t testing.TB, s *feedback.Store, tasks int) map[string]map[string]string {
	t.Helper()
	p, k := s.DB.Parts.OfProject(project), s.DB.Keys
	out := map[string]map[string]string{}
	read := func(key string) {
		got, err := s.DB.Client.HGetAll(t.Context(), key).Result()
		if err != nil {
			t.Fatal(err)
		}
		delete(got, "@")
		out[key] = got
	}
	read(k.Words(p, project))
	for n := 1; n <= tasks; n++ {
		read(k.Terms(p, core.MakeTaskID(project, n)))
	}
	return out
}

func TestReindexMakesTheSameIndex(t *testing.T) {
	s := Open(t)
	const tasks = 5
	for n := 1; n <= tasks; n++ {
		_, task := newTask(s, n)
		task.Latest, task.Tags = 2, []string{"a", "b"}
		c := core.Change{NewTask: task}
		for v := 1; v <= 2; v++ {
			c.Versions = append(c.Versions, &core.Version{ID: core.VersionID{Task: task.ID, No: v}, Request: core.Request{Prompt: fmt.Sprintf("boat %d", v)}})
		}
		for m := range 3 {
			c.Comments = append(c.Comments, &core.Comment{ID: core.CommentID(fmt.Sprintf("c-%d", m)), Task: task.ID, Text: core.Plain(fmt.Sprintf("word%d boat", m)), At: time.Now()})
		}
		put(t, s, c)
	}
	before := index(t, s, tasks)
	again := func() {
		t.Helper()
		for n := 1; n <= tasks; n++ {
			if err := s.Review.Reindex(t.Context(), core.MakeTaskID(project, n)); err != nil {
				t.Fatal(err)
			}
		}
	}
	again()
	if diff := cmp.Diff(before, index(t, s, tasks)); diff != "" {
		t.Error(diff)
	}
	if err := s.Review.Restart(t.Context(), project); err != nil {
		t.Fatal(err)
	}
	expectHits(t, s, core.Find{All: words("boat")}, "")
	again()
	if diff := cmp.Diff(before, index(t, s, tasks)); diff != "" {
		t.Error(diff)
	}
	// From nothing, as after an import, and with words that nobody said.
	p, k := s.DB.Parts.OfProject(project), s.DB.Keys
	s.DB.Client.Del(t.Context(), k.Words(p, project))
	for n := 1; n < tasks; n++ {
		s.DB.Client.Del(t.Context(), k.Terms(p, core.MakeTaskID(project, n)))
	}
	s.DB.Client.HSet(t.Context(), k.Terms(p, core.MakeTaskID(project, tasks)), "nobody", 2)
	put(t, s, core.Change{Comments: []*core.Comment{{ID: "c-9", Task: core.MakeTaskID(project, 1), Text: core.Plain("late boat"), At: time.Now()}}})
	again()
	expectHits(t, s, core.Find{All: words("late", "boat", "word2")}, "1")
	expectHits(t, s, core.Find{All: words("nobody")}, "")
	expectHits(t, s, core.Find{All: words("boat", "tag=a")}, "5 4 3 2 1")
	if ok, err := s.Review.Indexed(t.Context(), p); ok || err != nil {
		t.Fatalf("indexed %v, %v", ok, err)
	}
	if err := s.Review.SetIndexed(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if ok, err := s.Review.Indexed(t.Context(), p); !ok || err != nil {
		t.Fatalf("indexed %v, %v", ok, err)
	}
}

func TestReindexBesideChanges(t *testing.T) {
	s := Open(t)
	_, task := newTask(s, 1)
	put(t, s, core.Change{NewTask: task})
	const said = 60
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		defer close(done)
		for i := range said {
			id := core.CommentID(fmt.Sprintf("c-%d", i))
			put(t, s, core.Change{Comments: []*core.Comment{{ID: id, Task: task.ID, Text: core.Plain(fmt.Sprintf("word%d all", i)), At: time.Now()}}})
			if i%3 == 0 {
				m, err := s.Review.Comment(t.Context(), task.ID, id)
				if err != nil {
					t.Error(err)
					return
				}
				m.Deleted = true
				put(t, s, core.Change{Comments: []*core.Comment{m}})
			}
		}
	})
	wg.Go(func() {
		for {
			if err := s.Review.Reindex(t.Context(), task.ID); err != nil && core.ErrorCode(err) != core.CodeConflict {
				t.Error(err)
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	wg.Wait()
	before := index(t, s, 1)
	if err := s.Review.Reindex(t.Context(), task.ID); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(index(t, s, 1), before); diff != "" {
		t.Errorf("the index beside changes (+) is not that of the records (-):\n%s", diff)
	}
}

// TestIndexAfterALostAnswer: what was not written, because the inbound was settled already, is not taken for what is indexed.
func TestIndexAfterALostAnswer(t *testing.T) {
	s := Open(t)
	p, task := newTask(s, 1)
	task.Title, task.Due = "an umbrella", time.Now().Add(time.Hour)
	if err := s.Review.Apply(t.Context(), core.Change{Partition: p, NewTask: task}); err != nil {
		t.Fatal(err)
	}
	l := Lease(t, s, p)
	if _, err := s.Journal.Append(t.Context(), p, core.Inbound{ID: "in-1", Kind: core.InboundJob}); err != nil {
		t.Fatal(err)
	}
	ins, _, err := s.Journal.Read(t.Context(), p, l, 10, 0)
	if err != nil || len(ins) != 1 {
		t.Fatal(ins, err)
	}
	write := func(rev int64, title string, due time.Time, handled core.EntryID) {
		t.Helper()
		x := *task
		x.Rev, x.Title, x.Due = rev, title, due
		if err := s.Review.Apply(t.Context(), core.Change{Partition: p, Lease: l, Tasks: []*core.Task{&x}, Handled: handled}); err != nil {
			t.Fatal(err)
		}
	}
	write(1, "a wet umbrella", task.Due, ins[0].ID)
	write(1, "a parasol", time.Time{}, ins[0].ID) // handled again, since its answer was lost
	write(2, "the sun", time.Time{}, "")
	has, err := s.Review.Holds(t.Context(), task.ID, []string{"umbrella", "wet", "parasol", "sun", "has=due"})
	if err != nil || has["umbrella"] || has["wet"] || has["parasol"] || has["has=due"] || !has["sun"] {
		t.Errorf("it is found by %v, %v", has, err)
	}
	if n, err := s.DB.Client.ZCard(t.Context(), s.DB.Keys.Due(p, task.ID.Project())).Result(); err != nil || n != 0 {
		t.Errorf("%d tasks are due, %v", n, err)
	}
}
