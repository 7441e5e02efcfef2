package relay

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// onePerson keeps one record and counts how often it is written.
type onePerson struct {
	core.People
	is     core.Person
	writes int
}

func (o *onePerson) UpdatePerson(_ context.Context, _ core.PersonID, f func(*core.Person) error) (*core.Person, error) {
	o.writes++
	err := f(&o.is)
	now := o.is
	return &now, err
}

type stopped struct {
	core.Clock
	now time.Time
}

func (s *stopped) Now() time.Time { return s.now }

// TestWhereSomebodyIs: who talks on both platforms at once has it noted once in a second.
func TestWhereSomebodyIs(t *testing.T) {
	const there, elsewhere = core.IdentityID("slack:T1/U1"), core.IdentityID("discord:2")
	store := &onePerson{is: core.Person{ID: "p-1", Identities: []core.IdentityID{there, elsewhere}}}
	clock := &stopped{now: time.Now()}
	r := &Router{People: store, Clock: clock, Log: slog.New(slog.DiscardHandler)}
	say := func(as core.IdentityID) core.IdentityID {
		p := store.is
		return r.heard(t.Context(), &p, core.Inbound{Actor: core.Actor{Identity: as}}).Active
	}
	if got := say(there); got != there || store.writes != 1 {
		t.Errorf("at first %q, %d writes", got, store.writes)
	}
	for range 5 {
		say(elsewhere)
		say(there)
	}
	if store.writes != 1 || store.is.Active != there {
		t.Errorf("at once %q, %d writes", store.is.Active, store.writes)
	}
	clock.now = clock.now.Add(notedFor)
	if got := say(elsewhere); got != elsewhere || store.writes != 2 {
		t.Errorf("a second later %q, %d writes", got, store.writes)
	}
	clock.now = clock.now.Add(notedFor)
	if say(elsewhere); store.writes != 2 {
		t.Error("noted although nothing changed")
	}
}
