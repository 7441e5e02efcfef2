package core

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// Booking is a session that somebody means to hold at a provider, in their project's calendar.
type Booking struct {
	V          int          `json:"v"`
	Rev        int64        `json:"rev"`
	Project    ProjectKey   `json:"project"`
	No         int          `json:"no"` // in the project's calendar, from 1
	Provider   ProviderName `json:"provider"`
	Person     PersonID     `json:"person"`
	PersonName string       `json:"personName"`
	Identity   IdentityID   `json:"identity"` // as whom they booked it
	Room       RoomID       `json:"room"`     // where they booked it
	Private    bool         `json:"private,omitempty"`
	What       string       `json:"what,omitempty"` // of a private room: read there, and by its person
	Start      time.Time    `json:"start"`
	End        time.Time    `json:"end"`
	Cancelled  bool         `json:"cancelled,omitempty"`
	At         time.Time    `json:"at"`
}

// Overlaps reports whether the booking takes place at some moment from one to before another.
func (b *Booking) Overlaps(from, to time.Time) bool { return b.Start.Before(to) && b.End.After(from) }

// MaxBooking is how long a session may be: whoever looks for what overlaps a moment looks no further back.
const MaxBooking = 24 * time.Hour

// Calendar is what a project's bookings share. It is written with each of them, so that of two people who look at the same
// free slot only one takes it: the other one's change is a conflict and is done again.
type Calendar struct {
	V       int        `json:"v"`
	Rev     int64      `json:"rev"`
	Project ProjectKey `json:"project"`
	Last    int        `json:"last"` // number of the newest booking
}

// Every says how often a digest comes.
type Every string

// How often.
const (
	Daily  Every = "daily"
	Weekly Every = "weekly"
)

// DigestPlan is a room's digest: when it comes, and up to when the last one told. It lies in the partition of the room's
// project, so that what is told and that it was told are written together.
type DigestPlan struct {
	V       int          `json:"v"`
	Rev     int64        `json:"rev"`
	Project ProjectKey   `json:"project"`
	Room    RoomID       `json:"room"`
	Every   Every        `json:"every,omitempty"` // empty: off
	Weekday time.Weekday `json:"weekday"`
	Hour    int          `json:"hour"`
	Minute  int          `json:"minute"`
	Zone    string       `json:"zone,omitempty"` // where the hour is; empty: the project's
	Since   time.Time    `json:"since"`          // what came later was not told
}

// AlarmID names what a partition's timekeeper does at a moment: a kind and what it is about, "booking/ACME/3".
type AlarmID string

// Kinds of alarms.
const (
	AlarmBooking = "booking" // call a session out: project and number
	AlarmDue     = "due"     // a task's due date is near, or over: the task
	AlarmDigest  = "digest"  // post a room's digest: project and room
	AlarmUntold  = "untold"  // tell somebody what was held back: the person
)

// MakeAlarm names an alarm.
func MakeAlarm(kind string, of ...string) AlarmID {
	return AlarmID(kind + "/" + strings.Join(of, "/"))
}

// Parts returns the kind of an alarm, and the rest.
func (a AlarmID) Parts() (kind, rest string) {
	kind, rest, _ = strings.Cut(string(a), "/")
	return kind, rest
}

// BookingAlarm names the alarm of a booking.
func BookingAlarm(p ProjectKey, no int) AlarmID {
	return MakeAlarm(AlarmBooking, string(p), strconv.Itoa(no))
}

// Alarm sets what happens when, or with a zero At never. Where Was is set, the change is a conflict unless the alarm is set
// to that very moment: whoever acts on an alarm moves it in the same step, so that nobody acts on it again.
type Alarm struct {
	ID  AlarmID
	At  time.Time // in whole milliseconds
	Was time.Time
}

// Untold is something that a person is told later, in their partition.
type Untold struct {
	ID     DeliveryID `json:"id"` // the same one is told once
	Person PersonID   `json:"person"`
	To     IdentityID `json:"to"`
	Text   string     `json:"text"` // one line in the person's language
	URL    string     `json:"url,omitempty"`
	At     time.Time  `json:"at"`
	// Told says that it was told, at At: remembered so that it is not told again. In a change with a zero At it is forgotten.
	Told bool `json:"-"`
}

// Planning reads calendars and digests; Change writes them.
type Planning interface {
	// Calendar returns a project's calendar, an empty record when nothing was booked yet.
	Calendar(ctx context.Context, key ProjectKey) (*Calendar, error)
	// Booking returns one booking, a cancelled one too; CodeNotFound when there is none.
	Booking(ctx context.Context, key ProjectKey, no int) (*Booking, error)
	// Bookings returns those that begin from one moment to before another and were not cancelled, in order, at most
	// limit; 0 for all.
	Bookings(ctx context.Context, key ProjectKey, from, to time.Time, limit int) ([]*Booking, error)
	// Digest returns a room's digest in a project, an empty record that is off when it has none.
	Digest(ctx context.Context, key ProjectKey, room RoomID) (*DigestPlan, error)
}

// Alarms is what a partition's timekeeper reads.
type Alarms interface {
	// Ringing returns alarms that are due, the longest ago first, at most limit; Was says when each was due.
	Ringing(ctx context.Context, p Partition, now time.Time, limit int) ([]Alarm, error)
	// HeldBack returns what a person is still to be told, and what they were told late before, in order.
	HeldBack(ctx context.Context, id PersonID) ([]Untold, error)
}

// Moving reads tasks by time. Both cost the same however many tasks there are.
type Moving interface {
	// Touched returns the tasks of a project that changed since a moment, the newest change first, at most limit.
	Touched(ctx context.Context, key ProjectKey, since time.Time, limit int) ([]*Task, error)
	// Due returns the tasks that are due from one moment to before another, in order, at most limit.
	Due(ctx context.Context, key ProjectKey, from, to time.Time, limit int) ([]*Task, error)
}

// Feed is a private link to a project's calendar as one person sees it. It is part of the person's record; the link itself
// is kept nowhere.
type Feed struct {
	Digest string    `json:"digest"`          // of the token in the link
	Roles  []string  `json:"roles,omitempty"` // the person's platform groups when they asked
	By     InboundID `json:"by,omitempty"`    // what asked for it: handled again, it makes the link anew
	At     time.Time `json:"at"`
}

// Feeds finds whose a link to a calendar is.
type Feeds interface {
	// PutFeed notes by the digest of a token whose calendar it opens, and forgets an older digest.
	PutFeed(ctx context.Context, digest string, who PersonID, key ProjectKey, older string) error
	// Feed returns that; CodeNotFound when it opens none.
	Feed(ctx context.Context, digest string) (PersonID, ProjectKey, error)
}

// CalendarPage is a calendar as one person may see it at the moment.
type CalendarPage struct {
	Name   string
	Zone   string // of the time zone database; empty for UTC
	Events []CalendarEvent
}

// CalendarEvent is a session, or a task that is due.
type CalendarEvent struct {
	UID         string // the same for the same thing, forever
	Title       string
	Description string
	URL         string
	Start, End  time.Time // the same for what takes no time
	Changed     time.Time
	Mine        bool // the person's own
}
