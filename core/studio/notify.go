package studio

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/relay"
)

var _ relay.Holder = (*Studio)(nil)

// Settings of a person on what they are told.
const (
	settingNotify = "notify"       // words of what; absent for the default
	settingWhere  = "notify_where" // slack, discord or both; absent for where they were last
	settingQuiet  = "quiet"        // "20:00-08:00" on their clock
)

// What a person may be told. A mention is the platforms' own: it pings whatever is chosen.
const (
	aboutMentions    = "mentions"
	aboutAssignments = "assignments" // given to you, and due dates of what was
	aboutVerdicts    = "verdicts"
	aboutComments    = "comments"  // only with all
	aboutReminders   = "reminders" // of what you booked yourself: with everything but nothing
	aboutAll         = "all"
	aboutNothing     = "nothing"
)

// wants reports whether a person is told of something.
func wants(p *core.Person, about string) bool {
	chosen := strings.Fields(p.Settings[settingNotify])
	switch {
	case slices.Contains(chosen, aboutNothing):
		return false
	case slices.Contains(chosen, aboutAll), about == aboutReminders:
		return true
	case len(chosen) == 0:
		return about == aboutAssignments || about == aboutVerdicts
	}
	return slices.Contains(chosen, about)
}

// told says as whom a person is written to: where they chose, else where they were heard of last.
func told(p *core.Person) []core.IdentityID {
	if len(p.Identities) == 0 {
		return nil
	}
	first := p.Identities[0]
	if slices.Contains(p.Identities, p.Active) {
		first = p.Active
	}
	on := func(plat core.PlatformName) (core.IdentityID, bool) {
		if first.Platform() == plat {
			return first, true
		}
		i := slices.IndexFunc(p.Identities, func(id core.IdentityID) bool { return id.Platform() == plat })
		if i < 0 {
			return "", false
		}
		return p.Identities[i], true
	}
	var out []core.IdentityID
	switch where := p.Settings[settingWhere]; where {
	case "both":
		for _, plat := range []core.PlatformName{core.Slack, core.Discord} {
			if id, ok := on(plat); ok {
				out = append(out, id)
			}
		}
	case string(core.Slack), string(core.Discord):
		if id, ok := on(core.PlatformName(where)); ok {
			out = append(out, id)
		}
	}
	if len(out) == 0 {
		return []core.IdentityID{first} // a user that is gone is no reason to say nothing
	}
	return out
}

// quietUntil returns when a person's quiet hours end; zero when it is not quiet.
func quietUntil(p *core.Person, l core.Lang, now time.Time) time.Time {
	from, to, ok := quietHours(p.Settings[settingQuiet])
	if !ok {
		return time.Time{}
	}
	t := l.In(now)
	at := t.Hour()*60 + t.Minute()
	days := 0
	switch {
	case from < to && at >= from && at < to, from > to && at < to:
	case from > to && at >= from:
		days = 1
	default:
		return time.Time{}
	}
	end := time.Date(t.Year(), t.Month(), t.Day()+days, to/60, to%60, 0, 0, t.Location())
	if !end.After(now) {
		return time.Time{} // the clocks were put forward over it
	}
	return end.UTC()
}

// quietHours reads "20:00-8:00" as minutes of the day.
func quietHours(v string) (from, to int, ok bool) {
	a, b, cut := strings.Cut(strings.NewReplacer("–", "-", " ", "").Replace(v), "-")
	from, ok1 := minutesOf(a)
	to, ok2 := minutesOf(b)
	return from, to, cut && ok1 && ok2 && from != to
}

func minutesOf(v string) (int, bool) {
	h, m, has := strings.Cut(strings.NewReplacer("h", ":", ".", ":").Replace(v), ":")
	if !has || m == "" {
		m = "0"
	}
	hours, err1 := strconv.Atoi(h)
	minutes, err2 := strconv.Atoi(m)
	return hours*60 + minutes, err1 == nil && err2 == nil && hours >= 0 && hours < 24 && minutes >= 0 && minutes < 60
}

// ping tells a person something once, if they want to know: now, or after their quiet hours. The id says what happened; say
// says it in their language.
func (s *Studio) ping(ctx context.Context, who core.PersonID, about, id string, t *core.Task, say func(core.Lang) string) ([]core.Outgoing, error) {
	p, err := s.People.Person(ctx, who)
	if core.ErrorCode(err) == core.CodeNotFound {
		return nil, nil
	}
	if err != nil || !wants(p, about) {
		return nil, err
	}
	if t != nil {
		if project, err := s.Projects.Project(ctx, t.ID.Project()); err != nil || !s.mayHear(p, project) {
			return nil, ignoreMissing(err)
		}
	}
	now := s.Clock.Now().UTC()
	l := p.Lang(s.Translator)
	line, until := say(l), quietUntil(p, l, now)
	if about == aboutReminders {
		until = time.Time{} // they chose the hour
	}
	var out []core.Outgoing
	for _, to := range told(p) {
		url := ""
		if t != nil {
			url = s.threadFor(ctx, t, to)
		}
		o := core.Outgoing{ID: core.MakeDeliveryID("", "", "ping/"+id+"/"+string(to)), At: now}
		if !until.IsZero() {
			o.Kind, o.At = core.OutHold, until
			o.Untold = &core.Untold{ID: o.ID, Person: p.ID, To: to, Text: line, URL: url, At: now}
			out = append(out, o)
			continue
		}
		card := core.Card{Body: core.Plain(line)}
		if url != "" {
			card.Buttons = [][]core.Button{{{Label: l.T("Open %s", t.ID), URL: url}}}
		}
		o.Kind, o.To, o.Card = core.OutDirect, to, &card
		out = append(out, o)
	}
	return out, nil
}

// mayHear reports whether a person may be told of a project's tasks. Their platform groups are not known here: whoever may
// be in one counts as in it.
func (s *Studio) mayHear(p *core.Person, project *core.Project) bool {
	return s.roleOf(p, project, slices.Collect(maps.Keys(project.Mapped))).Allows(core.RoleViewer)
}

// threadFor is a link to a task's thread where an identity may open it; empty when there is none.
func (s *Studio) threadFor(ctx context.Context, t *core.Task, id core.IdentityID) string {
	dir := s.Links[id.Platform()]
	for _, room := range t.Rooms {
		if dir == nil || !sameTeam(id, room) {
			continue
		}
		if th, err := s.Refs.TaskThread(ctx, t.ID, room); err == nil {
			return dir.Link(room, th.ID, th.Root)
		}
	}
	return ""
}

// called is a task as a direct message names it: what is private is not named outside of its rooms.
func called(t *core.Task) core.Saying {
	if t.Private {
		return core.Say("%s", t.ID)
	}
	return core.Say("%s “%s”", t.ID, t.Title)
}

// assignedTo tells somebody that a task was given to them.
func (s *Studio) assignedTo(ctx context.Context, c *call, t *core.Task, who core.PersonID) ([]core.Outgoing, error) {
	if c.Person.Is(who) {
		return nil, nil
	}
	return s.ping(ctx, who, aboutAssignments, "assigned/"+string(c.In.ID), t, func(l core.Lang) string {
		if t.Due.IsZero() {
			return l.T("%s assigned %s to you.", c.name(), called(t))
		}
		return l.T("%s assigned %s to you. It is due %s.", c.name(), called(t), l.Time(t.Due, s.Clock.Now()))
	})
}

// decidedOn tells whoever made a version what was decided on it.
func (s *Studio) decidedOn(ctx context.Context, c *call, approved bool, reason string) ([]core.Outgoing, error) {
	t, v := c.task, c.version
	if c.Person.Is(v.Person) {
		return nil, nil
	}
	return s.ping(ctx, v.Person, aboutVerdicts, "verdict/"+string(c.In.ID), t, func(l core.Lang) string {
		said := l.T("%s requested changes on your v%d of %s.", c.name(), v.ID.No, called(t))
		if approved {
			said = l.T("%s approved your v%d of %s.", c.name(), v.ID.No, called(t))
		}
		if reason != "" && !t.Private {
			said += " " + clip(reason, 300)
		}
		return said
	})
}

// commentedOn tells of a comment whose the version that it is on is, else the task, and those who are to do the task.
func (s *Studio) commentedOn(ctx context.Context, by *core.Person, t *core.Task, m *core.Comment, whose core.PersonID) ([]core.Outgoing, error) {
	out, err := s.commentPing(ctx, by, t, m, whose)
	for _, n := range t.Assigned {
		if err != nil || n.ID == whose {
			continue
		}
		var more []core.Outgoing
		more, err = s.commentPing(ctx, by, t, m, n.ID)
		out = append(out, more...)
	}
	return out, err
}

func (s *Studio) commentPing(ctx context.Context, by *core.Person, t *core.Task, m *core.Comment, whose core.PersonID) ([]core.Outgoing, error) {
	if whose == "" || by.Is(whose) {
		return nil, nil
	}
	return s.ping(ctx, whose, aboutComments, "comment/"+string(t.ID)+"/"+string(m.ID), t, func(l core.Lang) string {
		if t.Private {
			return l.T("%s commented on %s.", m.Name, called(t))
		}
		return l.T("%s commented on %s: %s", m.Name, called(t), clip(m.Text.String(), 300))
	})
}

// Commented tells whose task it is, and who is to do it, of what was said in its thread.
func (s *Studio) Commented(ctx context.Context, sc relay.Scope, t *core.Task, m *core.Comment) ([]core.Outgoing, error) {
	return s.commentedOn(ctx, sc.Person, t, m, t.Owner)
}

// Hold keeps what a person is told later in their own partition. It may be repeated.
func (s *Studio) Hold(ctx context.Context, o core.Outgoing) error {
	x := *o.Untold
	return s.Changes.Apply(ctx, core.Change{Partition: s.Parts.OfPerson(x.Person), Untold: []core.Untold{x},
		Alarms: []core.Alarm{{ID: core.MakeAlarm(core.AlarmUntold, string(x.Person)), At: o.At}}})
}

// notify shows and changes what a person is told, where, and when not.
func (s *Studio) notify(ctx context.Context, c *call) (core.Change, error) {
	set := map[string]string{}
	if words := strings.Fields(strings.NewReplacer(",", " ", ";", " ").Replace(strings.ToLower(c.inv.Arg("what")))); len(words) > 0 {
		chosen, err := aboutWhat(c.Lang, words)
		if err != nil {
			return core.Change{}, err
		}
		set[settingNotify] = chosen
	}
	switch v := c.inv.Arg("where"); v {
	case "":
	case auto:
		set[settingWhere] = ""
	default:
		plat := core.PlatformName(v)
		if v != "both" && !slices.ContainsFunc(c.Person.Identities, func(id core.IdentityID) bool { return id.Platform() == plat }) {
			return core.Change{}, core.Errorf(core.CodeInvalid, "I do not know you on %s.", plat.Title()).WithNext("Link your user there with \"identity link\".")
		}
		set[settingWhere] = v
	}
	if v := strings.ToLower(c.inv.Arg("quiet")); v == "off" || v == "none" || v == strings.ToLower(c.T("none")) {
		set[settingQuiet] = ""
	} else if v != "" {
		from, to, ok := quietHours(v)
		if !ok {
			return core.Change{}, core.Errorf(core.CodeInvalid, "%q are no quiet hours.", clip(v, 30)).WithNext("Write them as 20:00-8:00, or off.")
		}
		set[settingQuiet] = fmt.Sprintf("%02d:%02d-%02d:%02d", from/60, from%60, to/60, to%60)
	}
	p := c.Person
	if len(set) > 0 {
		var err error
		if p, err = s.People.UpdatePerson(ctx, p.ID, func(p *core.Person) error { p.Settings = with(p.Settings, set); return nil }); err != nil {
			return core.Change{}, err
		}
	}
	if _, changed := set[settingQuiet]; changed {
		// What was held back rings when the former hours end: now it is looked at anew.
		if err := s.Changes.Apply(ctx, core.Change{Partition: s.Parts.OfPerson(p.ID), Alarms: []core.Alarm{{ID: core.MakeAlarm(core.AlarmUntold, string(p.ID)), At: millis(s.Clock.Now())}}}); err != nil {
			return core.Change{}, err
		}
	}
	return c.say(s.notifyCard(c, p))
}

// aboutWhat reads what somebody wants to be told of.
func aboutWhat(l core.Lang, words []string) (string, error) {
	known := []struct{ name, own string }{{aboutMentions, l.T("mentions")}, {aboutAssignments, l.T("assignments")}, {aboutVerdicts, l.T("verdicts")}, {aboutAll, l.T("all")}, {aboutNothing, l.T("nothing")}}
	var out []string
	for _, w := range words {
		i := slices.IndexFunc(known, func(k struct{ name, own string }) bool { return w == k.name || w == strings.ToLower(k.own) })
		if i < 0 {
			return "", core.Errorf(core.CodeInvalid, "I cannot tell you about %q.", clip(w, 30)).WithNext("Use one or more of: mentions, assignments, verdicts, all, nothing.")
		}
		if !slices.Contains(out, known[i].name) {
			out = append(out, known[i].name)
		}
	}
	if len(out) > 1 && (slices.Contains(out, aboutNothing) || slices.Contains(out, aboutAll)) {
		return "", core.Errorf(core.CodeInvalid, "all and nothing stand alone.").WithNext("Type for example: notify assignments verdicts")
	}
	return strings.Join(out, " "), nil
}

// notifyCard says what a person is told.
func (s *Studio) notifyCard(c *call, p *core.Person) core.Card {
	var what []string
	for _, x := range []struct{ about, said string }{
		{aboutAssignments, c.T("tasks that are given to you, and their due dates")}, {aboutVerdicts, c.T("verdicts on your versions")},
		{aboutComments, c.T("comments on your versions and tasks")}, {aboutReminders, c.T("sessions that you booked")}} {
		if wants(p, x.about) {
			what = append(what, x.said)
		}
	}
	if len(what) == 0 {
		what = []string{c.T("nothing")}
	}
	where := c.T("where you were last")
	switch v := p.Settings[settingWhere]; v {
	case "both":
		where = c.T("Slack and Discord")
	case "":
	default:
		where = core.PlatformName(v).Title()
	}
	quiet := c.T("none set")
	if v := p.Settings[settingQuiet]; v != "" {
		quiet = c.T("%s (%s); what happens then I tell you afterwards, in one message", strings.ReplaceAll(v, "-", "–"), zoneName(p.Lang(s.Translator)))
	}
	return core.Card{Title: c.T("What I write to you about"), Body: bullets(what), Footer: c.T("A mention pings you in its room whatever you choose: the app itself does that."),
		Fields: []core.Field{{Label: c.T("Where"), Value: core.Plain(where)}, {Label: c.T("Quiet hours"), Value: core.Plain(quiet)}}}
}
