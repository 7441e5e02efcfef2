package feedbacktest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback"
)

// people of one partition, so that one claim sees them all.
func samePartition(s *feedback.Store, n int) (core.Partition, []core.PersonID) {
	byPart := map[core.Partition][]core.PersonID{}
	for i := 0; ; i++ {
		id := core.PersonID(fmt.Sprintf("p-%d", i))
		p := s.DB.Parts.OfPerson(id)
		if byPart[p] = append(byPart[p], id); len(byPart[p]) == n {
			return p, byPart[p]
		}
	}
}

func job(person core.PersonID, n int, at time.Time) core.Job {
	v := core.VersionID{Task: core.MakeTaskID(project, n), No: 1}
	return core.Job{ID: core.JobID(fmt.Sprintf("j-%s-%d", person, n)), Version: v, Person: person, Provider: "sketch", State: core.JobQueued, CreatedAt: at}
}

func submit(t *testing.T, s *feedback.Store, jobs ...core.Job) {
	t.Helper()
	for _, j := range jobs {
		if _, err := s.Jobs.Submit(t.Context(), j); err != nil {
			t.Fatal(err)
		}
	}
}

func claim(t *testing.T, s *feedback.Store, p core.Partition, l core.Lease, at time.Time, most, each int) []core.Job {
	t.Helper()
	list, err := s.Jobs.Claim(t.Context(), p, l, at, most, map[core.ProviderName]int{"sketch": each})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestJobsAreFairBetweenAccounts(t *testing.T) {
	s := Open(t)
	p, who := samePartition(s, 2)
	base := time.Now().Add(-time.Hour)
	for i := range 5 {
		submit(t, s, job(who[0], i, base.Add(time.Duration(i)*time.Second)))
	}
	late := job(who[1], 100, base.Add(time.Minute))
	for range 2 {
		if pos, err := s.Jobs.Submit(t.Context(), late); err != nil || pos != 1 {
			t.Fatal(pos, err)
		}
	}
	l := Lease(t, s, p)
	var got []core.PersonID
	for _, j := range claim(t, s, p, l, time.Now(), 10, 2) {
		if j.State != core.JobSubmitted {
			t.Fatalf("claimed in state %s", j.State)
		}
		got = append(got, j.Person)
	}
	slices.Sort(got)
	if want := []core.PersonID{who[0], who[0], who[1]}; !slices.Equal(got, want) {
		t.Fatalf("claimed for %v, want %v: two at once for each", got, want)
	}
	if was, err := s.Jobs.Move(t.Context(), job(who[0], 0, base).ID, who[0], core.JobDone); err != nil || was != core.JobSubmitted {
		t.Fatal(was, err)
	}
	if list := claim(t, s, p, l, time.Now(), 10, 2); len(list) != 1 || list[0].Person != who[0] {
		t.Fatal("a run that ended did not make room for the next", list)
	}
}

// An account that is full leaves the turn to others, however many of them are full.
func TestFullAccountsHideNobody(t *testing.T) {
	s := Open(t)
	const n = 300
	p, who := samePartition(s, n)
	base := time.Now().Add(-time.Hour)
	for i, id := range who {
		submit(t, s, job(id, 1000+i, base), job(id, 2000+i, base))
	}
	l := Lease(t, s, p)
	if list := claim(t, s, p, l, time.Now(), 2*n, 1); len(list) != n {
		t.Fatalf("%d claimed, want one of each of %d accounts", len(list), n)
	}
	if _, err := s.Jobs.Move(t.Context(), job(who[n-1], 1000+n-1, base).ID, who[n-1], core.JobDone); err != nil {
		t.Fatal(err)
	}
	if list := claim(t, s, p, l, time.Now(), 10, 1); len(list) != 1 || list[0].Person != who[n-1] {
		t.Fatal(list)
	}
}

func TestOneLongQueueDelaysNobody(t *testing.T) {
	s := Open(t)
	p, who := samePartition(s, 21)
	base := time.Now().Add(-time.Hour)
	for i := range 100 {
		submit(t, s, job(who[0], i, base))
	}
	for i, id := range who[1:] {
		submit(t, s, job(id, 500+i, base.Add(time.Minute)))
	}
	l := Lease(t, s, p)
	var order []core.PersonID
	for len(order) < 120 {
		list := claim(t, s, p, l, time.Now(), 3, 1)
		if len(list) == 0 {
			t.Fatalf("nothing to claim after %d", len(order))
		}
		for _, j := range list {
			order = append(order, j.Person)
			if _, err := s.Jobs.Move(t.Context(), j.ID, j.Person, core.JobDone); err != nil {
				t.Fatal(err)
			}
		}
	}
	own := 0
	for i, id := range order {
		if id == who[0] {
			own++
		} else if own > 20 {
			t.Fatalf("somebody with one job waited for %d of another account (place %d)", own, i)
		}
	}
}

func TestFastJobsGoBeforeRelaxedOnes(t *testing.T) {
	s := Open(t)
	p, who := samePartition(s, 1)
	base := time.Now().Add(-time.Hour)
	slow, fast := job(who[0], 1, base), job(who[0], 2, base.Add(time.Second))
	slow.Relax = true
	submit(t, s, slow, fast)
	list := claim(t, s, p, Lease(t, s, p), time.Now(), 1, 1)
	if len(list) != 1 || list[0].ID != fast.ID {
		t.Fatal(list)
	}
	all, err := s.Jobs.Queue(t.Context(), who[0])
	if err != nil || len(all) != 2 {
		t.Fatal(all, err)
	}
	next, err := s.Jobs.Next(t.Context(), slow, 5)
	if err != nil || len(next) != 1 || next[0].ID != slow.ID {
		t.Fatal(next, err)
	}
}

func TestJobsWaitForTheirTime(t *testing.T) {
	s := Open(t)
	p, who := samePartition(s, 1)
	now := time.Now()
	j := job(who[0], 1, now)
	j.NotBefore = now.Add(time.Hour)
	submit(t, s, j)
	l := Lease(t, s, p)
	if list := claim(t, s, p, l, now, 1, 1); len(list) != 0 {
		t.Fatal("claimed before its time", list)
	}
	if list := claim(t, s, p, l, now.Add(2*time.Hour), 1, 1); len(list) != 1 {
		t.Fatal("not claimed at its time")
	}
}

func TestPeopleMayAllowFewerRunsAtOnce(t *testing.T) {
	s := Open(t)
	p, who := samePartition(s, 1)
	now := time.Now()
	if err := s.People.PutAccount(t.Context(), &core.AccountRecord{Person: who[0], Provider: "sketch", AtOnce: 1, LinkedAt: now}); err != nil {
		t.Fatal(err)
	}
	submit(t, s, job(who[0], 1, now), job(who[0], 2, now))
	if list := claim(t, s, p, Lease(t, s, p), now, 5, 4); len(list) != 1 {
		t.Fatalf("%d at once, want 1", len(list))
	}
}

// What a dead holder left is found once its hold runs out; what a living one still runs is left alone.
func TestStrandedJobs(t *testing.T) {
	s := Open(t)
	p, who := samePartition(s, 1)
	now := time.Now()
	free, billed := job(who[0], 1, now), job(who[0], 2, now)
	submit(t, s, free, billed)
	l := Lease(t, s, p)
	list := claim(t, s, p, l, now, 5, 5)
	if err := s.Jobs.Note(t.Context(), billed, "https://provider.example/poll/1"); err != nil {
		t.Fatal(err)
	}
	l2 := Steal(t, s, l)
	if left, held, err := s.Jobs.Stranded(t.Context(), p, l2); err != nil || len(left) != 0 || !held {
		t.Fatal("a job that is still held counts as stranded", left, held, err)
	}
	for _, j := range list {
		if err := s.DB.Client.Del(t.Context(), s.DB.Keys.Held(p, j.ID)).Err(); err != nil {
			t.Fatal(err)
		}
	}
	left, held, err := s.Jobs.Stranded(t.Context(), p, l2)
	if err != nil || len(left) != 2 || held {
		t.Fatal(left, held, err)
	}
	for _, j := range left {
		if j.ID == free.ID {
			if err := s.Jobs.Return(t.Context(), p, j); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if j.Handle != "https://provider.example/poll/1" {
			t.Fatal("the handle is gone", j)
		}
		if ok, err := s.Jobs.Adopt(t.Context(), p, l2, j); err != nil || !ok {
			t.Fatal(ok, err)
		}
		if ok, err := s.Jobs.Adopt(t.Context(), p, l2, j); err != nil || ok {
			t.Fatal("adopted twice", err)
		}
	}
	if again := claim(t, s, p, l2, now, 5, 5); len(again) != 1 || again[0].ID != free.ID {
		t.Fatal(again)
	}
	_, err = s.Jobs.Claim(t.Context(), p, l, now, 1, nil)
	want(t, err, core.CodeGone)
}

func TestEndedJobsAreToldToWhoeverRunsThem(t *testing.T) {
	s := Open(t)
	p, who := samePartition(s, 1)
	now := time.Now()
	submit(t, s, job(who[0], 1, now), job(who[0], 2, now))
	list := claim(t, s, p, Lease(t, s, p), now, 2, 2)
	if _, err := s.Jobs.Move(t.Context(), list[0].ID, who[0], core.JobCancelled); err != nil {
		t.Fatal(err)
	}
	ended, err := s.Jobs.Hold(t.Context(), p, []core.JobID{list[0].ID, list[1].ID})
	if err != nil || !slices.Equal(ended, []core.JobID{list[0].ID}) {
		t.Fatal(ended, err)
	}
	if was, err := s.Jobs.Move(t.Context(), list[0].ID, who[0], core.JobDone); err != nil || was != core.JobCancelled {
		t.Fatal("a cancelled job was done", was, err)
	}
	if _, err := s.Jobs.Move(t.Context(), list[1].ID, who[0], core.JobUnknown); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Jobs.Move(t.Context(), list[1].ID, who[0], core.JobDone); err != nil {
		t.Fatal(err)
	}
	if j, err := s.Jobs.Job(t.Context(), list[1].ID, who[0]); err != nil || j.State != core.JobDone {
		t.Fatal("what was unknown did not turn out to be done", j.State, err)
	}
}

func TestHowLongRunsTookIsExpectedOfTheNext(t *testing.T) {
	s := Open(t)
	p, who := samePartition(s, 1)
	now := time.Now()
	first, second, third := job(who[0], 1, now.Add(-time.Hour)), job(who[0], 2, now.Add(-time.Hour)), job(who[0], 3, now.Add(-time.Hour))
	submit(t, s, first, second, third)
	l := Lease(t, s, p)
	queued := func() core.Job {
		t.Helper()
		list, err := s.Jobs.Queue(t.Context(), who[0])
		if err != nil || len(list) == 0 {
			t.Fatal(list, err)
		}
		return list[len(list)-1]
	}
	if j := queued(); j.Took != 0 || !j.Begun.IsZero() {
		t.Fatalf("known before anything ran: took %v, begun %v", j.Took, j.Begun)
	}
	// Claims say when they were; the store's clock says when a run ended.
	end := func(took time.Duration, state core.JobState) {
		t.Helper()
		list := claim(t, s, p, l, time.Now().Add(-took), 1, 1)
		if len(list) != 1 || list[0].Begun.IsZero() {
			t.Fatal(list)
		}
		if _, err := s.Jobs.Move(t.Context(), list[0].ID, who[0], state); err != nil {
			t.Fatal(err)
		}
	}
	near := func(want time.Duration) {
		t.Helper()
		if got := queued().Took; got < want || got > want+5*time.Second {
			t.Fatalf("expects %v, should be about %v", got, want)
		}
	}
	end(10*time.Second, core.JobDone)
	near(10 * time.Second)
	end(110*time.Second, core.JobFailed) // says nothing of how long a picture takes
	near(10 * time.Second)
	submit(t, s, job(who[0], 4, now))
	end(110*time.Second, core.JobDone)
	near(40 * time.Second)
}
