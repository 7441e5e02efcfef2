package studio

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/when"
)

const (
	minSession  = 5 * time.Minute
	stdSession  = time.Hour
	maxAhead    = 14 // months: a year, and what is planned for its end
	slotFor     = time.Hour
	slotSearch  = 31 * 24 * time.Hour
	maxSessions = 1000 // that are looked at for one answer
	shownClash  = 5
)

// slot is what somebody asks for.
type slot struct {
	Provider core.ProviderName `json:"provider"`
	Start    time.Time         `json:"start"`
	Length   time.Duration     `json:"length"`
	What     string            `json:"what,omitempty"`
	// Room is where it was asked for.
	Room  core.RoomID `json:"room"`
	twice bool
}

func (x slot) end() time.Time { return x.Start.Add(x.Length) }

// scheduleBook books a session, or says who has taken what it needs.
func (s *Studio) scheduleBook(ctx context.Context, c *call) (core.Change, error) {
	if c.Room == nil {
		return core.Change{}, core.Errorf(core.CodeInvalid, "A session is booked in a room.").WithNext("Go to the project's room and try it there.")
	}
	x, err := s.slotOf(ctx, c)
	if err != nil {
		return core.Change{}, err
	}
	cal, err := s.Planning.Calendar(ctx, c.Project.Key)
	if err != nil {
		return core.Change{}, err
	}
	// What is read after the calendar's record cannot have changed when that is written.
	beside, err := s.beside(ctx, c.Project.Key, x.Provider, x.Start, x.end())
	if err != nil {
		return core.Change{}, err
	}
	if limit := capacityOf(c.Project, x.Provider); limit > 0 && busiest(beside, x.Start, x.end()) >= limit {
		return s.taken(ctx, c, x, limit, beside)
	}
	now := s.Clock.Now().UTC()
	cal.Last++
	b := &core.Booking{Project: c.Project.Key, No: cal.Last, Provider: x.Provider, Person: c.Person.ID, PersonName: c.name(), Identity: c.In.Actor.Identity,
		Room: c.Room.ID, Private: c.Room.Private, What: x.What, Start: x.Start, End: x.end(), At: now}
	l := c.clock()
	said := c.T("Session %d is booked: %s, %s.", b.No, spanText(l, b.Start, b.End, now), x.Provider.Title())
	if x.twice {
		said += " " + c.T("The clocks are put back then and %s comes twice: I took the first one.", l.In(b.Start).Format("15:04"))
	} else if _, a := l.In(b.Start).Zone(); offsetAt(l, b.End) != a {
		said += " " + c.T("The clocks change meanwhile; it takes %s all the same.", lengthText(l, x.Length))
	}
	if len(beside) > 0 {
		said += " " + c.T("At the same time: %s.", strings.Join(s.clashes(c, beside, now), "; "))
	}
	change := core.Change{Calendar: cal, Bookings: []*core.Booking{b}, Alarms: []core.Alarm{{ID: core.BookingAlarm(b.Project, b.No), At: callAt(c.Project, b, now)}}}
	room := s.shared(c.Project)
	line := []core.Node{core.Text("🗓️ "), core.Bold(c.name()), core.Text(" " + room.T("booked a session at %s: %s", x.Provider.Title(), spanText(room, b.Start, b.End, now)))}
	if b.What != "" {
		line = append(line, core.Text(" · "+b.What))
	}
	change.Out = append(sessionPosts(c.Project, b, "booking-", core.RichText{core.Para(line...)}, now), c.answer(text(said)))
	return change, nil
}

// sessionPosts tell of a session in all rooms of its project; of one that was booked in a private room only there.
func sessionPosts(p *core.Project, b *core.Booking, what string, line core.RichText, now time.Time) []core.Outgoing {
	var out []core.Outgoing
	for _, room := range p.Rooms {
		if b.Private && room != b.Room {
			continue
		}
		post := roomPost(b.Project, room, what+strconv.Itoa(b.No), now)
		post.Text = line
		out = append(out, post)
	}
	return out
}

// roomPost posts in a room itself, once for each id.
func roomPost(key core.ProjectKey, room core.RoomID, id string, at time.Time) core.Outgoing {
	talk := core.TalkTask(key)
	obj := core.NoticeObject(talk, id)
	return core.Outgoing{ID: core.MakeDeliveryID(obj, room, "post"), Kind: core.OutPost, Room: room, Task: talk, Object: obj, At: at}
}

// slotOf reads what is asked for: words, or the offer of a button.
func (s *Studio) slotOf(ctx context.Context, c *call) (slot, error) {
	now := s.Clock.Now()
	if token := c.inv.Arg("token"); token != "" {
		t, err := s.Tickets.Look(ctx, core.TicketSlot, token)
		if core.ErrorCode(err) == core.CodeNotFound || err == nil && !c.Person.Is(t.Person) {
			return slot{}, core.Errorf(core.CodeNotFound, "That offer has expired.").WithNext("Type for example: schedule book tomorrow 14:00 2h")
		}
		if err != nil {
			return slot{}, err
		}
		var x slot
		if err := json.Unmarshal(t.Data, &x); err != nil {
			return slot{}, core.Wrap(core.CodeInternal, err)
		}
		if x.Room != c.Room.ID {
			return slot{}, core.Errorf(core.CodeInvalid, "That was offered in another room.").WithNext("Book it there, or anew here.")
		}
		if err := s.checkSlot(c, x, now); err != nil {
			return slot{}, err
		}
		_, err = s.use(ctx, c, core.TicketSlot, token) // a second press books nothing
		return x, err
	}
	p, err := s.provider(c.Person, c.inv.Arg("provider"))
	if err != nil {
		return slot{}, err
	}
	words := c.inv.Arg("when")
	if words == "" {
		return slot{}, core.Errorf(core.CodeInvalid, "When?").WithNext("Type for example: schedule book tomorrow 14:00 2h hero shots")
	}
	m, used, err := when.Prefix(words, now, c.clock())
	if err != nil {
		return slot{}, err
	}
	if !m.Clock {
		return slot{}, core.Errorf(core.CodeInvalid, "At what time?").WithNext("Type for example: schedule book tomorrow 14:00 2h hero shots")
	}
	rest := strings.Fields(words)[used:]
	x := slot{Provider: p.Name(), Start: m.Time.UTC().Truncate(time.Minute), Length: stdSession, Room: c.Room.ID, twice: m.Twice}
	if v := c.inv.Arg("length"); v != "" {
		d, _, ok := lengthOf(c.Lang, strings.Fields(strings.ToLower(v)))
		if !ok {
			return slot{}, core.Errorf(core.CodeInvalid, "%q is no length of time.", clip(v, 20)).WithNext("Write for example 2h or 90min.")
		}
		x.Length = d
	} else if d, n, ok := lengthOf(c.Lang, rest); ok {
		x.Length, rest = d, rest[n:]
	}
	x.What = clip(strings.Join(rest, " "), 120)
	return x, s.checkSlot(c, x, now)
}

// lengthOf reads how long, at the beginning of some words: "2h", "90min", "2 hours", "for 2h".
func lengthOf(l core.Lang, words []string) (d time.Duration, used int, ok bool) {
	if len(words) > 0 && (strings.EqualFold(words[0], "for") || strings.EqualFold(words[0], l.T("for"))) {
		d, used, ok = lengthOf(l, words[1:])
		return d, used + 1, ok
	}
	if len(words) == 0 {
		return 0, 0, false
	}
	if d, ok := when.Span(strings.ToLower(strings.Trim(words[0], ",;"))); ok {
		return d, 1, true
	}
	n, err := strconv.Atoi(words[0])
	if err != nil || n < 1 || n > 10_000 || len(words) < 2 {
		return 0, 0, false
	}
	unit := strings.ToLower(strings.Trim(words[1], ",;"))
	for u, names := range map[time.Duration][]string{time.Minute: {"min", "minute", "minutes", l.T("minute"), l.T("minutes")}, time.Hour: {"h", "hour", "hours", l.T("hour"), l.T("hours")}} {
		if slices.Contains(names, unit) {
			return time.Duration(n) * u, 2, true
		}
	}
	return 0, 0, false
}

// checkSlot keeps sessions within bounds.
func (s *Studio) checkSlot(c *call, x slot, now time.Time) error {
	l := c.clock()
	switch {
	case x.Start.Before(now.Truncate(time.Minute)):
		return core.Errorf(core.CodeInvalid, "%s is over.", l.Time(x.Start, now)).WithNext("Write a time that is still to come, such as tomorrow 14:00.")
	case x.Start.After(now.AddDate(0, maxAhead, 0)):
		return core.Errorf(core.CodeInvalid, "%s is too far ahead: sessions are booked for the next %d months.", l.Time(x.Start, now), maxAhead)
	case x.Length < minSession || x.Length > core.MaxBooking:
		return core.Errorf(core.CodeInvalid, "A session takes from %d minutes to %d hours.", int(minSession.Minutes()), int(core.MaxBooking.Hours())).WithNext("Write for example 2h or 90min.")
	}
	return nil
}

// beside lists a provider's sessions that overlap a span of time.
func (s *Studio) beside(ctx context.Context, key core.ProjectKey, p core.ProviderName, from, to time.Time) ([]*core.Booking, error) {
	all, err := s.Planning.Bookings(ctx, key, from.Add(-core.MaxBooking), to, 0)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(b *core.Booking) bool { return b.Provider != p || !b.Overlaps(from, to) }), nil
}

// busiest is how many sessions at most take place at once within a span of time.
func busiest(list []*core.Booking, from, to time.Time) int {
	most := 0
	at := []time.Time{from}
	for _, b := range list {
		if b.Start.After(from) && b.Start.Before(to) {
			at = append(at, b.Start)
		}
	}
	for _, t := range at {
		n := 0
		for _, b := range list {
			if !b.Start.After(t) && b.End.After(t) {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// taken names those who have what somebody wants, and offers the next free slot.
func (s *Studio) taken(ctx context.Context, c *call, x slot, limit int, beside []*core.Booking) (core.Change, error) {
	now, l := s.Clock.Now(), c.clock()
	card := core.Card{Tone: core.ToneWarn, Body: core.RichText{core.Para(core.Text(c.N(limit, "In %[2]s one session at once takes place at %[3]s, and %[4]s is taken:", "In %[2]s %[1]d sessions at once take place at %[3]s, and %[4]s is taken:", limit, c.Project.Key, x.Provider.Title(), spanText(l, x.Start, x.end(), now))))}}
	card.Body = append(card.Body, bullets(s.clashes(c, beside, now))...)
	free, ok, err := s.nextFree(ctx, c.Project, x, limit)
	if err != nil {
		return core.Change{}, err
	}
	if !ok {
		card.Body = append(card.Body, core.Para(core.Text(c.T("Nothing that long is free in the month after that."))))
		return c.say(card)
	}
	x.Start = free
	data, err := json.Marshal(x)
	if err != nil {
		return core.Change{}, core.Wrap(core.CodeInternal, err)
	}
	token, err := s.Tickets.Issue(ctx, core.Ticket{Kind: core.TicketSlot, Person: c.Person.ID, Data: data, Expires: now.Add(slotFor)}, false)
	if err != nil {
		return core.Change{}, err
	}
	card.Body = append(card.Body, core.Para(core.Text(c.T("Free next: %s.", spanText(l, free, x.end(), now)))))
	card.Buttons = [][]core.Button{{{Label: clip(c.T("Book %s", l.Time(free, now)), 34), Style: core.StylePrimary, Action: core.Action{Verb: "schedule book", Arg: "token=" + token}}}}
	return c.say(card)
}

// nextFree finds when a session may begin at the earliest, from when it was asked for.
func (s *Studio) nextFree(ctx context.Context, p *core.Project, x slot, limit int) (time.Time, bool, error) {
	until := x.Start.Add(slotSearch)
	all, err := s.beside(ctx, p.Key, x.Provider, x.Start, until.Add(x.Length))
	if err != nil {
		return time.Time{}, false, err
	}
	at := []time.Time{x.Start}
	for _, b := range all {
		at = append(at, b.End)
	}
	slices.SortFunc(at, time.Time.Compare)
	for _, t := range at {
		if !t.Before(x.Start) && t.Before(until) && busiest(all, t, t.Add(x.Length)) < limit {
			return t, true, nil
		}
	}
	return time.Time{}, false, nil
}

// clashes names sessions for somebody who wants the same time.
func (s *Studio) clashes(c *call, list []*core.Booking, now time.Time) []string {
	var out []string
	for i, b := range list {
		if i == shownClash {
			return append(out, c.N(len(list)-i, "and one more", "and %d more", len(list)-i))
		}
		line := c.T("%s, %s", b.PersonName, spanText(c.clock(), b.Start, b.End, now))
		if b.What != "" && s.seesWhat(c, b) {
			line += " · " + b.What
		}
		out = append(out, line)
	}
	return out
}

// seesWhat reports whether the caller reads there what a session is for.
func (s *Studio) seesWhat(c *call, b *core.Booking) bool {
	return !b.Private || c.Person.Is(b.Person) || c.Room != nil && c.Room.ID == b.Room
}

// scheduleList shows the sessions that are still to come, or take place now.
func (s *Studio) scheduleList(ctx context.Context, c *call) (core.Change, error) {
	now, only := s.Clock.Now(), core.ProviderName("")
	if v := c.inv.Arg("provider"); v != "" {
		p, err := s.provider(nil, v)
		if err != nil {
			return core.Change{}, err
		}
		only = p.Name()
	}
	to := now.AddDate(0, maxAhead, 1)
	if c.inv.Arg("week") == "true" {
		to = now.AddDate(0, 0, 7)
	}
	all, err := s.Planning.Bookings(ctx, c.Project.Key, now.Add(-core.MaxBooking), to, maxSessions)
	if err != nil {
		return core.Change{}, err
	}
	all = slices.DeleteFunc(all, func(b *core.Booking) bool { return !b.End.After(now) || only != "" && b.Provider != only })
	page := max(1, number(c.inv.Arg("page")))
	from := min((page-1)*pageSize, len(all))
	shown := all[from:min(from+pageSize, len(all))]
	if len(shown) == 0 {
		if page > 1 {
			return c.say(text(c.T("There is no page %d.", page)))
		}
		return c.say(text(c.T("No session is booked. Type for example: schedule book tomorrow 14:00 2h hero shots")))
	}
	var lines []string
	for _, b := range shown {
		line := fmt.Sprintf("%d. %s · %s · %s", b.No, spanText(c.clock(), b.Start, b.End, now), b.PersonName, b.Provider.Title())
		if b.What != "" && s.seesWhat(c, b) {
			line += " · " + b.What
		}
		if !b.Start.After(now) {
			line += " · " + c.T("now")
		}
		lines = append(lines, line)
	}
	card := core.Card{Title: c.T("Sessions of %s", c.Project.Key), Body: bullets(lines)}
	if page > 1 || from+pageSize < len(all) {
		card.Footer = c.T("Page %d", page)
		turn := func(label string, page int) core.Button {
			arg := fmt.Sprintf("page=%d", page)
			if only != "" {
				arg += ",provider=" + string(only)
			}
			if c.inv.Arg("week") == "true" {
				arg += ",week=true"
			}
			return core.Button{Label: label, Action: core.Action{Verb: "schedule list", Arg: arg}}
		}
		var row []core.Button
		if page > 1 {
			row = append(row, turn(c.T("Previous"), page-1))
		}
		if from+pageSize < len(all) {
			row = append(row, turn(c.T("Next"), page+1))
		}
		card.Buttons = [][]core.Button{row}
	}
	return c.say(card)
}

// scheduleCancel gives a session up.
func (s *Studio) scheduleCancel(ctx context.Context, c *call) (core.Change, error) {
	cal, err := s.Planning.Calendar(ctx, c.Project.Key)
	if err != nil {
		return core.Change{}, err
	}
	b, err := s.Planning.Booking(ctx, c.Project.Key, number(c.inv.Arg("session")))
	now := s.Clock.Now().UTC()
	switch {
	case core.ErrorCode(err) == core.CodeNotFound:
		return core.Change{}, core.Errorf(core.CodeNotFound, "There is no session %s.", clip(c.inv.Arg("session"), 20)).WithNext("\"schedule list\" shows them with their numbers.")
	case err != nil:
		return core.Change{}, err
	case b.Cancelled:
		return core.Change{}, core.Errorf(core.CodeConflict, "Session %d was cancelled already.", b.No)
	case !b.End.After(now):
		return core.Change{}, core.Errorf(core.CodeInvalid, "Session %d is over.", b.No)
	case !c.Person.Is(b.Person) && !c.role.Allows(core.RoleAdmin):
		return core.Change{}, core.Errorf(core.CodeForbidden, "Session %d is %s's.", b.No, b.PersonName).WithNext("Only they and admins can cancel it.")
	}
	b.Cancelled = true
	room := s.shared(c.Project)
	told := room.T("cancelled %s's session at %s: %s", b.PersonName, b.Provider.Title(), spanText(room, b.Start, b.End, now))
	if c.Person.Is(b.Person) {
		told = room.T("cancelled the session at %s: %s", b.Provider.Title(), spanText(room, b.Start, b.End, now))
	}
	posts := sessionPosts(c.Project, b, "cancelled-", core.RichText{core.Para(c.by("🗓️", told)...)}, now)
	return core.Change{Calendar: cal, Bookings: []*core.Booking{b}, Alarms: []core.Alarm{{ID: core.BookingAlarm(b.Project, b.No)}},
		Out: append(posts, c.answer(text(c.T("Session %d is cancelled.", b.No))))}, nil
}

// spanText is a span of time as people write it; its end has a day of its own only when that is another one.
func spanText(l core.Lang, from, to, now time.Time) string {
	a, b := l.In(from), l.In(to)
	if a.YearDay() == b.YearDay() && a.Year() == b.Year() {
		s := l.T("%[1]s %[2]s–%[3]s", l.Day(from, now), a.Format("15:04"), b.Format("15:04"))
		if l.Zone == nil {
			s += " UTC"
		}
		return s
	}
	return l.T("%[1]s to %[2]s", l.Time(from, now), l.Time(to, now))
}

func offsetAt(l core.Lang, t time.Time) int {
	_, offset := l.In(t).Zone()
	return offset
}

// lengthText is a length of time in hours and minutes.
func lengthText(l core.Lang, d time.Duration) string {
	h, m := int(d.Hours()), int(d.Minutes())%60
	switch {
	case h == 0:
		return l.N(m, "%d minute", "%d minutes", m)
	case m == 0:
		return l.N(h, "%d hour", "%d hours", h)
	}
	return l.T("%[1]d h %[2]d min", h, m)
}
