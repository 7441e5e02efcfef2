package studio

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/relay"
)

// Timekeeper does what a partition has to do at a moment: it calls sessions out, reminds of due dates, posts digests and
// tells what was held back over quiet hours. What it does and that it was done are one change under the partition's lease,
// so that it is done once, whoever holds the partition. It implements relay.Worker.
type Timekeeper struct {
	Studio *Studio
	Alarms core.Alarms
	Clock  core.Clock
	Log    *slog.Logger
}

var _ relay.Worker = (*Timekeeper)(nil)

const (
	// ringEvery is how often a partition's alarms are looked at, ringAtOnce how many are done then.
	ringEvery  = time.Second
	ringAtOnce = 50
	// snooze is when an alarm is tried again that failed.
	snooze = time.Minute
	// lateSession, lateDue and lateDigest are how late each is still of use, when nobody was there in time.
	lateSession = 15 * time.Minute
	lateDue     = 24 * time.Hour
	lateDigest  = 6 * time.Hour
	// forgetTold is how long it is remembered what somebody was told late.
	forgetTold = 7 * 24 * time.Hour
	// untoldLines is how many things one message about what was held back names.
	untoldLines = 20
	// untoldRoom is how long their texts and links may be together, in bytes, and untoldMarkup what is reckoned around each:
	// the smaller of the platforms' messages, an embed of Discord, takes 4,096 letters.
	untoldRoom   = 3500
	untoldMarkup = 24
	// nearDue is how long before its due date a task is called near.
	nearDue = 24 * time.Hour
)

// Work looks after a partition until the context ends.
func (k *Timekeeper) Work(ctx context.Context, p core.Partition, l core.Lease) {
	for k.Clock.Sleep(ctx, ringEvery) == nil {
		if err := k.Round(ctx, p, l); err != nil && ctx.Err() == nil {
			if core.ErrorCode(err) == core.CodeGone {
				return
			}
			k.Log.WarnContext(ctx, "alarms of a partition not done", "partition", p, "error", err)
		}
	}
}

// Round does what is due in a partition. CodeGone: the lease was lost.
func (k *Timekeeper) Round(ctx context.Context, p core.Partition, l core.Lease) error {
	list, err := k.Alarms.Ringing(ctx, p, k.Clock.Now(), ringAtOnce)
	if err != nil {
		return err
	}
	for _, a := range list {
		err := k.ring(ctx, p, l, a)
		switch code := core.ErrorCode(err); {
		case err == nil, code == core.CodeConflict: // somebody moved it meanwhile: it is looked at anew
		case code == core.CodeGone || ctx.Err() != nil:
			return err
		default:
			// One that cannot be done must not keep the others from being done.
			k.Log.WarnContext(ctx, "alarm not done", "alarm", a.ID, "error", err)
			if a.At = millis(k.Clock.Now().Add(snooze)); code == core.CodeNotFound {
				a.At = time.Time{} // what it was for is gone, and with it the alarm
			}
			if err := k.Studio.Changes.Apply(ctx, core.Change{Partition: p, Lease: l, Alarms: []core.Alarm{a}}); err != nil && core.ErrorCode(err) != core.CodeConflict {
				return err
			}
		}
	}
	return nil
}

// ring does what one alarm is for.
func (k *Timekeeper) ring(ctx context.Context, p core.Partition, l core.Lease, a core.Alarm) error {
	var change core.Change
	var err error
	kind, rest := a.ID.Parts()
	switch kind {
	case core.AlarmBooking:
		change, err = k.callOut(ctx, a, rest)
	case core.AlarmDue:
		change, err = k.due(ctx, a, core.TaskID(rest))
	case core.AlarmDigest:
		change, err = k.digest(ctx, a, rest)
	case core.AlarmUntold:
		change, err = k.untold(ctx, a, core.PersonID(rest))
	default:
		change.Alarms = []core.Alarm{{ID: a.ID, Was: a.Was}} // of a newer Atelier that went again
	}
	if err != nil {
		return err
	}
	change.Partition, change.Lease = p, l
	return k.Studio.Changes.Apply(ctx, change)
}

// done is the change that takes an alarm away.
func done(a core.Alarm) core.Change {
	return core.Change{Alarms: []core.Alarm{{ID: a.ID, Was: a.Was}}}
}

// millis is a time as alarms keep it.
func millis(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// callOut says in its room, and to its person, that a session begins.
func (k *Timekeeper) callOut(ctx context.Context, a core.Alarm, rest string) (core.Change, error) {
	s, change := k.Studio, done(a)
	key, no, _ := strings.Cut(rest, "/")
	b, err := s.Planning.Booking(ctx, core.ProjectKey(key), number(no))
	if core.ErrorCode(err) == core.CodeNotFound {
		return change, nil
	}
	if err != nil {
		return change, err
	}
	now := k.Clock.Now().UTC()
	if b.Cancelled || now.Sub(b.Start) > lateSession || !b.End.After(now) {
		return change, nil
	}
	project, err := s.Projects.Project(ctx, b.Project)
	if err != nil {
		return change, err
	}
	if len(project.Rooms) > 0 {
		l := s.shared(project)
		line := []core.Node{core.Text("⏰ "), core.Bold(b.PersonName), core.Text(" " + l.T("has a session at %s: %s", b.Provider.Title(), spanText(l, b.Start, b.End, now)))}
		if b.What != "" {
			line = append(line, core.Text(" · "+b.What))
		}
		change.Out = append(change.Out, sessionPosts(project, b, "session-", core.RichText{core.Para(line...)}, now)...)
	}
	out, err := s.ping(ctx, b.Person, aboutReminders, "session/"+rest, nil, func(l core.Lang) string {
		said := l.T("Your session at %s: %s.", b.Provider.Title(), spanText(l, b.Start, b.End, now))
		if b.What != "" {
			said += " " + b.What
		}
		return said
	})
	change.Out = append(change.Out, out...)
	return change, err
}

// dueAlarm is when people are reminded of a task's due date next.
func dueAlarm(t *core.Task, now time.Time) core.Alarm {
	a := core.Alarm{ID: core.MakeAlarm(core.AlarmDue, string(t.ID))}
	if !t.Due.IsZero() {
		if a.At = millis(t.Due.Add(-nearDue)); a.At.Before(now) {
			a.At = millis(t.Due)
		}
	}
	return a
}

// due tells those who are to do a task that its due date is near, or over.
func (k *Timekeeper) due(ctx context.Context, a core.Alarm, id core.TaskID) (core.Change, error) {
	s, change := k.Studio, done(a)
	t, err := s.Tasks.Task(ctx, id)
	if core.ErrorCode(err) == core.CodeNotFound {
		return change, nil
	}
	if err != nil {
		return change, err
	}
	now := k.Clock.Now().UTC()
	over := !millis(t.Due).After(now)
	if t.Due.IsZero() || over && now.Sub(t.Due) > lateDue {
		return change, nil
	}
	if ended(t) {
		if !over && !t.Gone() {
			change.Alarms[0].At = millis(t.Due) // it may be open again by then
		}
		return change, nil
	}
	what := "near"
	if over {
		what = "over"
	} else {
		change.Alarms[0].At = millis(t.Due)
	}
	for _, n := range t.Assigned {
		out, err := s.ping(ctx, n.ID, aboutAssignments, what+"/"+string(id)+"/"+t.Due.UTC().Format(time.RFC3339), t, func(l core.Lang) string {
			if over {
				return l.T("%s was due %s.", called(t), l.Time(t.Due, now))
			}
			return l.T("%s is due %s.", called(t), l.Time(t.Due, now))
		})
		if err != nil {
			return change, err
		}
		change.Out = append(change.Out, out...)
	}
	return change, nil
}

// untold tells a person what was held back over their quiet hours, in one message.
func (k *Timekeeper) untold(ctx context.Context, a core.Alarm, id core.PersonID) (core.Change, error) {
	s, change := k.Studio, done(a)
	p, err := s.People.Person(ctx, id)
	if err != nil {
		return change, err
	}
	all, err := k.Alarms.HeldBack(ctx, id)
	if err != nil {
		return change, err
	}
	now, l := millis(k.Clock.Now()), p.Lang(s.Translator)
	if until := quietUntil(p, l, now); !until.IsZero() {
		change.Alarms[0].At = until // they made the night longer
		return change, nil
	}
	lists := map[core.IdentityID][]core.Untold{}
	var order []core.IdentityID
	for _, x := range all {
		switch {
		case !x.Told:
			if len(lists[x.To]) == 0 {
				order = append(order, x.To)
			}
			lists[x.To] = append(lists[x.To], x)
			// What is added from now on, and what one message has no room for, is told when the alarm rings again; it is taken
			// away when it finds nothing.
			change.Alarms[0].At = now.Add(snooze)
		case now.Sub(x.At) > forgetTold:
			change.Untold = append(change.Untold, core.Untold{ID: x.ID, Person: id, Told: true})
		}
	}
	for _, to := range order {
		list := lists[to]
		card := core.Card{Title: l.N(len(list), "While you had your quiet: %d thing", "While you had your quiet: %d things", len(list))}
		items := core.Node{Kind: core.NodeList}
		var ids []string
		for _, x := range list[:untoldFit(list)] {
			ids = append(ids, string(x.ID))
			change.Untold = append(change.Untold, core.Untold{ID: x.ID, Person: id, Told: true, At: now})
			line := core.TextNodes(l.In(x.At).Format("15:04") + " " + x.Text)
			if x.URL != "" {
				line = append(line, core.Text(" "), core.Link(x.URL, l.T("Open")))
			}
			items.Children = append(items.Children, core.Node{Kind: core.NodeItem, Children: line})
		}
		card.Body = core.RichText{items}
		if more := len(list) - len(ids); more > 0 {
			card.Footer = l.N(more, "and one more", "and %d more", more)
		}
		change.Out = append(change.Out, core.Outgoing{ID: core.MakeDeliveryID("", "", "untold/"+core.Digest(24, ids...)), Kind: core.OutDirect, To: to, Card: &card, At: now})
	}
	return change, nil
}

// untoldFit is how many lines of a list one message has room for, at least one.
func untoldFit(list []core.Untold) int {
	room := untoldRoom
	for i, x := range list {
		if room -= len(x.Text) + len(x.URL) + untoldMarkup; room < 0 || i == untoldLines {
			return max(i, 1)
		}
	}
	return len(list)
}
