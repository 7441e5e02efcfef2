package studio

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/when"
)

// digest says when a room's digest comes, or posts one now.
func (s *Studio) digest(ctx context.Context, c *call) (core.Change, error) {
	if c.Room == nil || c.Room.Project != c.Project.Key {
		return core.Change{}, core.Errorf(core.CodeInvalid, "This room is not bound to %s any more.", c.Project.Key).WithNext("Say it in the room itself, not in an old thread.")
	}
	d, err := s.Planning.Digest(ctx, c.Project.Key, c.Room.ID)
	if err != nil {
		return core.Change{}, err
	}
	now := s.Clock.Now().UTC()
	switch every := c.inv.Arg("every"); every {
	case "":
		if words := c.inv.Arg("when"); words != "" {
			return core.Change{}, core.Errorf(core.CodeInvalid, "A digest comes daily or weekly, not %q.", clip(words, 40)).WithNext("Type for example: digest daily 9:00")
		}
		return c.say(text(s.digestText(c, d, now)))
	case "now":
		return s.digestNow(ctx, c, d, now)
	case "off":
		if d.Every == "" {
			return core.Change{}, core.Errorf(core.CodeConflict, "This room has no digest.").WithNext("Type for example: digest daily 9:00")
		}
		d.Every = ""
		return core.Change{Digests: []*core.DigestPlan{d}, Alarms: []core.Alarm{{ID: digestAlarm(d)}}, Out: []core.Outgoing{c.answer(text(c.T("No more digests come here.")))}}, nil
	default:
		if err := s.planDigest(c, d, core.Every(every), now); err != nil {
			return core.Change{}, err
		}
	}
	at := nextDigest(d, s.digestLang(c.Project, d), now)
	return core.Change{Digests: []*core.DigestPlan{d}, Alarms: []core.Alarm{{ID: digestAlarm(d), At: at}}, Out: []core.Outgoing{c.answer(text(s.digestText(c, d, now)))}}, nil
}

// planDigest reads when a digest is to come.
func (s *Studio) planDigest(c *call, d *core.DigestPlan, every core.Every, now time.Time) error {
	chosen, err := s.speech(c)
	if err != nil {
		return err
	}
	if d.Every == "" || d.Since.IsZero() {
		d.Since = now
	}
	d.Zone = chosen[core.SettingTimezone]
	l := c.Lang
	l.Zone = s.digestLang(c.Project, d).Zone
	d.Every, d.Weekday, d.Hour, d.Minute = every, time.Monday, 9, 0
	if words := c.inv.Arg("when"); words != "" {
		m, err := when.Parse(words, now, l)
		if err != nil {
			return err
		}
		at := l.In(m.Time)
		switch {
		case every == core.Daily && m.Day:
			return core.Errorf(core.CodeInvalid, "A daily digest comes every day.").WithNext("Type for example: digest daily 9:00")
		case m.Day:
			d.Weekday = at.Weekday()
		}
		if m.Clock {
			d.Hour, d.Minute = at.Hour(), at.Minute()
		}
	}
	return nil
}

func digestAlarm(d *core.DigestPlan) core.AlarmID {
	return core.MakeAlarm(core.AlarmDigest, string(d.Project), string(d.Room))
}

// digestLang is how a digest speaks: as its project, on the clock that was chosen for it.
func (s *Studio) digestLang(p *core.Project, d *core.DigestPlan) core.Lang {
	l := s.shared(p)
	if d.Zone != "" {
		if loc, err := time.LoadLocation(d.Zone); err == nil {
			l.Zone = loc
		}
	}
	return l
}

// nextDigest is when a digest comes next after a moment: at its hour of a day, whatever the clocks do on that day. An hour
// that the clocks skip is the one after it; one that comes twice counts once.
func nextDigest(d *core.DigestPlan, l core.Lang, after time.Time) time.Time {
	day := l.In(after)
	for i := range 9 {
		t := time.Date(day.Year(), day.Month(), day.Day()+i, d.Hour, d.Minute, 0, 0, day.Location())
		if t.After(after) && (d.Every != core.Weekly || t.Weekday() == d.Weekday) {
			return t.UTC()
		}
	}
	return after.AddDate(0, 0, 7) // not reached: every weekday comes within eight days
}

// digestText says when a room's digest comes.
func (s *Studio) digestText(c *call, d *core.DigestPlan, now time.Time) string {
	l := s.digestLang(c.Project, d)
	clock, zone := fmt.Sprintf("%d:%02d", d.Hour, d.Minute), zoneName(l)
	next := core.Lang{Translator: s.Translator, Locale: c.Lang.Locale, Zone: l.Zone}
	switch d.Every {
	case core.Daily:
		return c.T("A digest comes here daily at %s (%s), next %s.", clock, zone, next.Day(nextDigest(d, l, now), now))
	case core.Weekly:
		return c.T("A digest comes here weekly at %s (%s), next %s.", clock, zone, next.Day(nextDigest(d, l, now), now))
	}
	return c.T("This room has no digest. Type for example: digest daily 9:00")
}

// digestNow posts what is new since the last digest; that one does not change when the next comes and what it tells.
func (s *Studio) digestNow(ctx context.Context, c *call, d *core.DigestPlan, now time.Time) (core.Change, error) {
	since := d.Since
	if d.Every == "" || since.IsZero() {
		since = now.AddDate(0, 0, -7)
	}
	card, any, err := s.digestCard(ctx, c.Project, d, since, now)
	if err != nil {
		return core.Change{}, err
	}
	if !any {
		return c.say(text(c.T("Nothing is new since %s.", c.clock().Time(since, now))))
	}
	post := roomPost(d.Project, d.Room, "digest-now-"+core.Digest(16, string(c.In.ID)), now)
	post.Card = &card
	return core.Change{Out: []core.Outgoing{post, c.answer(text(c.T("The digest is in the room.")))}}, nil
}

// digest posts a room's digest, unless it is too late for it, and sets when the next one comes.
func (k *Timekeeper) digest(ctx context.Context, a core.Alarm, rest string) (core.Change, error) {
	s, change := k.Studio, done(a)
	key, room, _ := strings.Cut(rest, "/")
	d, err := s.Planning.Digest(ctx, core.ProjectKey(key), core.RoomID(room))
	if err != nil {
		return change, err
	}
	bound, err := s.Projects.Room(ctx, d.Room)
	if err != nil && core.ErrorCode(err) != core.CodeNotFound {
		return change, err
	}
	if d.Every == "" || err != nil || bound.Project != d.Project {
		if d.Every != "" {
			d.Every, change.Digests = "", []*core.DigestPlan{d} // its room went to another project
		}
		return change, nil
	}
	project, err := s.Projects.Project(ctx, d.Project)
	if err != nil {
		return change, err
	}
	now, l := millis(k.Clock.Now()), s.digestLang(project, d)
	change.Alarms[0].At = nextDigest(d, l, now)
	if now.Sub(a.Was) > lateDigest {
		return change, nil // what it would have told stands in the next one
	}
	card, any, err := s.digestCard(ctx, project, d, d.Since, now)
	if err != nil {
		return change, err
	}
	// It is known by its moment: one that is moved within its day is another one.
	post := roomPost(d.Project, d.Room, "digest-"+a.Was.UTC().Format(time.RFC3339), now)
	switch {
	case any:
		post.Card = &card
	case d.Every == core.Weekly:
		post.Text = core.Plain("🗞️ " + l.T("Nothing happened in %s this week.", project.Key))
	}
	d.Since, change.Digests = now, []*core.DigestPlan{d}
	if any || d.Every == core.Weekly {
		change.Out = []core.Outgoing{post}
	}
	return change, nil
}
