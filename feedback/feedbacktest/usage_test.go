package feedbacktest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

func reservation(id string, person core.PersonID, pictures int, micros int64, limits ...core.Limit) core.Reservation {
	return core.Reservation{ID: id, Project: project, Person: person, Amount: core.Amount{Pictures: pictures, Micros: micros}, Limits: limits, At: time.Now()}
}

func TestQuotasAreExactUnderParallelUse(t *testing.T) {
	s := Open(t)
	month := core.Limit{Per: core.PeriodMonth, Pictures: 40}
	var wg sync.WaitGroup
	var held, refused atomic.Int32
	for i := range 30 {
		wg.Go(func() {
			got, err := s.People.Reserve(t.Context(), reservation(fmt.Sprint("r", i), core.PersonID(fmt.Sprint("p-", i%3)), 4, 100, month))
			switch {
			case err != nil:
				t.Error(err)
			case got.Over != nil:
				refused.Add(1)
			default:
				held.Add(1)
			}
		})
	}
	wg.Wait()
	if held.Load() != 10 || refused.Load() != 20 {
		t.Fatalf("%d reserved, %d refused; want 10 of 4 pictures each in 40", held.Load(), refused.Load())
	}
	used, holds, err := s.People.Used(t.Context(), project, "", core.PeriodMonth, time.Now())
	if err != nil || used != (core.Amount{}) || holds != (core.Amount{Pictures: 40, Micros: 1000}) {
		t.Fatal(used, holds, err)
	}
}

func TestReservationsSettleOnce(t *testing.T) {
	s := Open(t)
	ctx := t.Context()
	day := core.Limit{Who: "p-ana", Per: core.PeriodDay, Pictures: 10}
	for range 2 {
		got, err := s.People.Reserve(ctx, reservation("r1", "p-ana", 8, 800, day))
		if err != nil || got.Over != nil {
			t.Fatal(got, err)
		}
	}
	got, err := s.People.Reserve(ctx, reservation("r2", "p-ana", 4, 400, day))
	if err != nil || got.Over == nil || got.Left.Pictures != 2 {
		t.Fatal(got, err)
	}
	// The first run made three of four, the second one failed: its share is free again.
	now := time.Now()
	for range 2 {
		for _, e := range []core.UsageEntry{
			{Job: "j1", Reservation: "r1", Share: core.Amount{Pictures: 4, Micros: 400}, Project: project, Person: "p-ana", Provider: "openai", Amount: core.Amount{Pictures: 3, Micros: 300}, At: now},
			{Job: "j2", Reservation: "r1", Share: core.Amount{Pictures: 4, Micros: 400}, Project: project, Person: "p-ana", Provider: "openai", At: now},
		} {
			if err := s.People.Record(ctx, e); err != nil {
				t.Fatal(err)
			}
		}
	}
	used, held, err := s.People.Used(ctx, project, "p-ana", core.PeriodDay, now)
	if err != nil || used != (core.Amount{Pictures: 3, Micros: 300}) || held != (core.Amount{}) {
		t.Fatal(used, held, err)
	}
	for _, read := range []func() ([]core.UsageDay, error){
		func() ([]core.UsageDay, error) { return s.People.OfProject(ctx, project, now.AddDate(0, 0, -1), now) },
		func() ([]core.UsageDay, error) { return s.People.OfPerson(ctx, "p-ana", now.AddDate(0, 0, -1), now) },
	} {
		days, err := read()
		if err != nil || len(days) != 2 || len(days[1].Rows) != 1 || days[1].Rows[0].Amount.Pictures != 3 || days[1].Rows[0].Provider != "openai" {
			t.Fatal(days, err)
		}
	}
}

func TestLimitsTellOnceWhenTheyAreReached(t *testing.T) {
	s := Open(t)
	l := core.Limit{Who: "p-ana", Per: core.PeriodWeek, Micros: 1000, Soft: true}
	var told []int
	for i := range 5 {
		got, err := s.People.Reserve(t.Context(), reservation(fmt.Sprint("r", i), "p-ana", 1, 300, l))
		if err != nil || got.Over != nil {
			t.Fatal(got, err)
		}
		for _, r := range got.Reached {
			told = append(told, i, r.Percent)
		}
	}
	if fmt.Sprint(told) != "[2 80 3 100]" {
		t.Fatalf("told %v, want 80 %% with the third and 100 %% with the fourth", told)
	}
}

// A run that used nothing takes back what was told for it: when the limit is really reached, that is told.
func TestLimitsTellAgainAfterARefusal(t *testing.T) {
	s := Open(t)
	l := core.Limit{Per: core.PeriodWeek, Pictures: 5}
	for i, want := range []int{80, 80, 100} { // the first run is refused
		n := []int{4, 4, 1}[i]
		id := fmt.Sprint("r", i)
		got, err := s.People.Reserve(t.Context(), reservation(id, "p-ana", n, 0, l))
		if err != nil || len(got.Reached) != 1 || got.Reached[0].Percent != want {
			t.Fatal(i, got, err)
		}
		e := core.UsageEntry{Job: core.JobID(id), Reservation: id, Share: core.Amount{Pictures: n}, Project: project, Person: "p-ana", Provider: "openai", At: time.Now()}
		if i > 0 {
			e.Amount.Pictures = n
		}
		if err := s.People.Record(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
}

// What was reserved for a request that was never stored is free again; what was kept is not.
func TestReservationsLapse(t *testing.T) {
	clock := &handClock{now: time.Now()}
	s := OpenWith(t, clock)
	ctx := t.Context()
	l := core.Limit{Per: core.PeriodMonth, Pictures: 8}
	for _, id := range []string{"lost", "kept"} {
		if got, err := s.People.Reserve(ctx, reservation(id, "p-ana", 4, 0, l)); err != nil || got.Over != nil {
			t.Fatal(got, err)
		}
	}
	if err := s.People.Keep(ctx, project, "kept"); err != nil {
		t.Fatal(err)
	}
	clock.now = clock.now.Add(2 * time.Hour)
	if got, err := s.People.Reserve(ctx, reservation("third", "p-ana", 4, 0, l)); err != nil || got.Over != nil {
		t.Fatal("what lapsed is still held", got, err)
	}
	if got, err := s.People.Reserve(ctx, reservation("fourth", "p-ana", 4, 0, l)); err != nil || got.Over == nil {
		t.Fatal("what was kept lapsed", got, err)
	}
}
