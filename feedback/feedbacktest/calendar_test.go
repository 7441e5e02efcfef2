package feedbacktest

import (
	"slices"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

func TestABookingAndItsCalendarAreWrittenTogether(t *testing.T) {
	s := Open(t)
	key := project
	cal, err := s.Review.Calendar(t.Context(), key)
	if err != nil || cal.Rev != 0 || cal.Project != key {
		t.Fatalf("%+v, %v", cal, err)
	}
	start := time.Date(2027, 3, 10, 14, 0, 0, 0, time.UTC)
	book := func(no int, from time.Time) *core.Booking {
		return &core.Booking{Project: key, No: no, Provider: "sketch", Person: "p-1", Start: from, End: from.Add(time.Hour)}
	}
	first := *cal
	first.Last = 1
	put(t, s, core.Change{Calendar: &first, Bookings: []*core.Booking{book(1, start)}})
	other := *cal
	other.Last = 1
	want(t, s.Review.Apply(t.Context(), core.Change{Partition: s.DB.Parts.OfProject(key), Calendar: &other, Bookings: []*core.Booking{book(2, start)}}), core.CodeConflict)
	_, err = s.Review.Booking(t.Context(), key, 2)
	want(t, err, core.CodeNotFound)
	now, err := s.Review.Calendar(t.Context(), key)
	if err != nil || now.Rev != 1 || now.Last != 1 {
		t.Fatalf("%+v, %v", now, err)
	}
	put(t, s, core.Change{Bookings: []*core.Booking{book(3, start.Add(-2*time.Hour)), book(4, start.Add(2*time.Hour))}})
	list, err := s.Review.Bookings(t.Context(), key, start.Add(-2*time.Hour), start.Add(2*time.Hour), 10)
	if err != nil || len(list) != 2 || list[0].No != 3 || list[1].No != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	gone := list[0]
	gone.Cancelled = true
	put(t, s, core.Change{Bookings: []*core.Booking{gone}})
	if list, err = s.Review.Bookings(t.Context(), key, start.Add(-9*time.Hour), start.Add(9*time.Hour), 10); err != nil || len(list) != 2 || list[0].No != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	if b, err := s.Review.Booking(t.Context(), key, 3); err != nil || !b.Cancelled {
		t.Errorf("%+v, %v", b, err)
	}
}

func TestAnAlarmThatMovedIsNotDoneTwice(t *testing.T) {
	s := Open(t)
	p, at := s.DB.Parts.OfProject(project), time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	put(t, s, core.Change{Alarms: []core.Alarm{{ID: "digest/a", At: at}, {ID: "due/b", At: at.Add(-time.Hour)}, {ID: "due/c", At: at.Add(time.Millisecond)}}})
	list, err := s.Review.Ringing(t.Context(), p, at, 10)
	if err != nil || len(list) != 2 || list[0].ID != "due/b" || !list[1].Was.Equal(at) {
		t.Fatalf("%v, %v", list, err)
	}
	_, task := newTask(s, 1)
	put(t, s, core.Change{NewTask: task, Alarms: []core.Alarm{{ID: "digest/a", At: at.Add(time.Hour), Was: at}}})
	_, other := newTask(s, 2)
	want(t, s.Review.Apply(t.Context(), core.Change{Partition: p, NewTask: other, Alarms: []core.Alarm{{ID: "digest/a", Was: at}}}), core.CodeConflict)
	want(t, s.Review.Apply(t.Context(), core.Change{Partition: p, Alarms: []core.Alarm{{ID: "none", Was: at}}}), core.CodeConflict)
	_, err = s.Review.Task(t.Context(), other.ID)
	want(t, err, core.CodeNotFound)
	put(t, s, core.Change{Alarms: []core.Alarm{{ID: "due/b"}}})
	if list, err = s.Review.Ringing(t.Context(), p, at, 10); err != nil || len(list) != 0 {
		t.Fatalf("%v, %v", list, err)
	}
}

func TestTasksByTime(t *testing.T) {
	s := Open(t)
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	for n := 1; n <= 4; n++ {
		_, task := newTask(s, n)
		task.UpdatedAt = at.Add(time.Duration(n) * time.Hour)
		if n != 2 {
			task.Due = at.AddDate(0, 0, 5-n)
		}
		put(t, s, core.Change{NewTask: task})
	}
	nos := func(list []*core.Task, err error) (out []int) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range list {
			out = append(out, x.ID.Number())
		}
		return out
	}
	if got := nos(s.Review.Touched(t.Context(), project, at.Add(2*time.Hour), 2)); !slices.Equal(got, []int{4, 3}) {
		t.Errorf("touched: %v", got)
	}
	if got := nos(s.Review.Due(t.Context(), project, at, at.AddDate(0, 0, 4), 10)); !slices.Equal(got, []int{4, 3}) {
		t.Errorf("due: %v", got)
	}
	for n, change := range map[int]func(*core.Task){3: func(x *core.Task) { x.Due = time.Time{} }, 4: func(x *core.Task) { x.Deleted = at }} {
		x := readTask(t, s, n)
		change(x)
		put(t, s, core.Change{Tasks: []*core.Task{x}})
	}
	if got := nos(s.Review.Due(t.Context(), project, at, at.AddDate(1, 0, 0), 10)); !slices.Equal(got, []int{1}) {
		t.Errorf("due: %v", got)
	}
}
