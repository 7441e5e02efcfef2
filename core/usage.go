package core

import (
	"context"
	"fmt"
	"time"
)

// Cost is what something costs or did cost, in millionths of a US dollar, and in the provider's own unit.
type Cost struct {
	Micros    int64  `json:"micros,omitempty"`
	Native    string `json:"native,omitempty"` // "8 credits", "about 4 fast minutes"
	Estimated bool   `json:"estimated,omitempty"`
}

// String returns what people read; empty when nothing is known.
func (c Cost) String() string {
	s := ""
	if c.Micros > 0 {
		s = Dollars(c.Micros)
		if c.Estimated {
			s = "about " + s
		}
	}
	switch {
	case c.Native == "":
		return s
	case s == "":
		return c.Native
	}
	return s + " (" + c.Native + ")"
}

// Dollars prints millionths of a dollar with as many digits as they need, at least two: "$0.04", "$0.0336".
func Dollars(micros int64) string {
	sign := ""
	if micros < 0 {
		sign, micros = "-", -micros
	}
	s := fmt.Sprintf("%06d", micros%1_000_000)
	for len(s) > 2 && s[len(s)-1] == '0' {
		s = s[:len(s)-1]
	}
	return fmt.Sprintf("%s$%d.%s", sign, micros/1_000_000, s)
}

// Period is the span of time for which a quota holds. Periods begin at midnight UTC; weeks on Monday.
type Period string

// Periods.
const (
	PeriodDay   Period = "day"
	PeriodWeek  Period = "week"
	PeriodMonth Period = "month"
)

// Periods lists all periods, the shortest first.
func Periods() []Period { return []Period{PeriodDay, PeriodWeek, PeriodMonth} }

// Key names the period that a time lies in: "2026-11-22", "2026-W47", "2026-11".
func (p Period) Key(t time.Time) string {
	t = t.UTC()
	switch p {
	case PeriodDay:
		return t.Format(time.DateOnly)
	case PeriodWeek:
		y, w := t.ISOWeek()
		return fmt.Sprintf("%d-W%02d", y, w)
	}
	return t.Format("2006-01")
}

// Ends returns when the period that a time lies in ends.
func (p Period) Ends(t time.Time) time.Time {
	t = t.UTC()
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	switch p {
	case PeriodDay:
		return day.AddDate(0, 0, 1)
	case PeriodWeek:
		return day.AddDate(0, 0, 7-(int(day.Weekday())+6)%7)
	}
	return time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, time.UTC)
}

// Quota is a limit of a project: for all of it, for each person in it, or for one person.
type Quota struct {
	Who      PersonID `json:"who,omitempty"` // "" for the project, EachPerson, or one person
	Per      Period   `json:"per"`
	Pictures int      `json:"pictures,omitempty"` // 0: not limited
	Micros   int64    `json:"micros,omitempty"`   // millionths of a US dollar; 0: not limited
	Soft     bool     `json:"soft,omitempty"`     // tells, and does not stop
}

// EachPerson is the quota of everybody who has none of their own.
const EachPerson PersonID = "*"

// Grant is what an admin adds to a person's or the project's limits for one period.
type Grant struct {
	ID       InboundID `json:"id,omitempty"` // of what granted it: the same one grants once
	Who      PersonID  `json:"who,omitempty"`
	Period   string    `json:"period"` // Period.Key
	Pictures int       `json:"pictures,omitempty"`
	Micros   int64     `json:"micros,omitempty"`
}

// Amount is pictures and money.
type Amount struct {
	Pictures int   `json:"pictures"`
	Micros   int64 `json:"micros"` // millionths of a US dollar
}

// Limit is a quota with the grants of the moment, as a reservation meets it.
type Limit struct {
	Who      PersonID // "" for the project, else one person
	Per      Period
	Pictures int
	Micros   int64
	Soft     bool
}

// Reservation holds what a request may use until that is known. Its id is derived from what asked for it, so that the
// same request reserves once.
type Reservation struct {
	ID      string
	Project ProjectKey
	Person  PersonID
	Amount  Amount
	Limits  []Limit
	At      time.Time
}

// Reserved says what became of a reservation.
type Reserved struct {
	// Over is the hard limit that has no room for it: nothing was reserved.
	Over *Limit
	Left Amount // what that limit still has
	// Reached are limits of which 80 or 100 percent were reached with it, for the first time in their period.
	Reached []Reached
}

// Reached is a limit of which a part is used.
type Reached struct {
	Limit   Limit
	Percent int // 80 or 100
}

// UsageEntry is what one run used, for good.
type UsageEntry struct {
	Job         JobID
	Reservation string // empty when nothing was reserved
	Share       Amount // of the reservation, that this run held
	Project     ProjectKey
	Person      PersonID // under which id it counts in a person's own days
	Asker       PersonID // whose limits it counts against; Person when empty
	Provider    ProviderName
	Amount      Amount // what it used; zero releases its share
	Estimated   bool
	Minutes     float64 // at hand-off providers, estimated
	At          time.Time
}

// UsageDay is what was used on one day.
type UsageDay struct {
	Day  string // 2026-11-22
	Rows []UsageRow
}

// UsageRow is what a person used at a provider.
type UsageRow struct {
	Person    PersonID
	Provider  ProviderName
	Amount    Amount
	Minutes   float64
	Estimated bool
}

// Quotas count what is used against limits, exactly, whoever counts at the same time.
type Quotas interface {
	// Reserve holds an amount against all limits, or against none. The same id twice is once. What is not kept within
	// an hour lapses.
	Reserve(ctx context.Context, r Reservation) (Reserved, error)
	// Keep makes a reservation last until its runs are recorded, at most 35 days.
	Keep(ctx context.Context, p ProjectKey, id string) error
	// Record takes a run's share out of its reservation and counts what it used; the same job twice is once.
	Record(ctx context.Context, e UsageEntry) error
	// Used returns what was used and is held in the period of a time, of a project ("" for who) or of a person in it.
	Used(ctx context.Context, p ProjectKey, who PersonID, per Period, at time.Time) (used, held Amount, err error)
}

// Usage reads what was used.
type Usage interface {
	// OfProject and OfPerson return the days from the first to the last one, at most 366.
	OfProject(ctx context.Context, p ProjectKey, from, to time.Time) ([]UsageDay, error)
	OfPerson(ctx context.Context, id PersonID, from, to time.Time) ([]UsageDay, error)
}
