// Package when reads moments as people type them: "friday 17:00", "tomorrow 9am", "in 3 days", "2026-12-24", "24.12. 18h".
package when

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// Moment is what was meant.
type Moment struct {
	Time time.Time
	// Clock says that a time of day was given, not only a day.
	Clock bool
	// Day says that a day was given.
	Day bool
	// Twice says that the clocks are put back that day and that the hour comes twice: the first one is meant.
	Twice bool
}

// endOfDay is when a day without a time of day ends, for whoever has to be done by then.
const endOfDay = 18

// Parse reads a moment in the zone and the language of whoever typed it, English being understood everywhere. A day
// without a time means 18:00. A time without a day is the next such time. Errors are CodeInvalid.
func Parse(text string, now time.Time, l core.Lang) (Moment, error) {
	p := parser{lang: l, now: l.In(now)}
	words := strings.Fields(strings.ToLower(strings.TrimSpace(text)))
	if len(words) == 0 || len(words) > 12 {
		return Moment{}, p.unclear(text)
	}
	for len(words) > 0 {
		n := p.take(words)
		if n == 0 {
			if p.is(words[0], "in", l.T("in")) {
				return Moment{}, p.unclear(strings.Join(words, " "))
			}
			return Moment{}, p.unclear(words[0])
		}
		words = words[n:]
	}
	if p.err != nil {
		return Moment{}, p.err
	}
	return p.moment()
}

// Prefix reads the moment with which some words begin, and says how many words that took: "tomorrow 14:00 posters" are two.
// Otherwise it is Parse.
func Prefix(text string, now time.Time, l core.Lang) (m Moment, used int, err error) {
	p := parser{lang: l, now: l.In(now)}
	words := strings.Fields(strings.ToLower(text))
	words = words[:min(len(words), 12)]
	for at := 0; at < len(words) && p.after == 0; {
		before := p
		n := p.take(words[at:])
		if n == 0 {
			break
		}
		if at += n; p.told != before.told || p.err != nil {
			used = at // "the" alone belongs to what follows
		}
	}
	if used == 0 && p.err == nil {
		return Moment{}, 0, p.unclear(text)
	}
	if p.err != nil {
		return Moment{}, used, p.err
	}
	m, err = p.moment()
	return m, used, err
}

type parser struct {
	lang core.Lang
	now  time.Time
	err  error
	told
}

// told is what the words said so far.
type told struct {
	day      time.Time // its date counts
	hasDay   bool
	week     bool // the day is a weekday: one week later when it is over
	h, m     int
	hasClock bool
	part     part          // of the day
	after    time.Duration // "in two hours"
}

func (p *parser) unclear(word string) error {
	return core.Errorf(core.CodeInvalid, "I do not understand the time %q.", clip(word)).WithNext("Write for example: tomorrow 14:00, friday 17:00, in 3 days, 2026-12-24 18:00.")
}

func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

var (
	clock    = regexp.MustCompile(`^(\d{1,2})(?:[:.h](\d{2}))?\s?(am|pm|h|uhr)?$`)
	isoDay   = regexp.MustCompile(`^(\d{4})-(\d{1,2})-(\d{1,2})(?:t(\d{1,2}:\d{2}))?$`)
	shortDay = regexp.MustCompile(`^(\d{1,2})[./](\d{1,2})[./]?(\d{4})?$`)
	number   = regexp.MustCompile(`^(\d{1,4})(st|nd|rd|th|er)?$`)
	year     = regexp.MustCompile(`^2[01]\d{2}$`)
	minutes  = regexp.MustCompile(`^[0-5]\d$`)
	span     = regexp.MustCompile(`^(\d{1,4})(min|m|h|d|w|j)$`)
)

// take reads what the first words say and returns how many they were; 0 when they say nothing.
func (p *parser) take(words []string) int {
	w := strings.Trim(words[0], ",;")
	next := ""
	if len(words) > 1 {
		next = strings.Trim(words[1], ",;")
	}
	l := p.lang
	if n := p.named(words); n != 0 || p.err != nil {
		return n
	}
	switch {
	case p.is(w, "at", l.T("at")), p.is(w, "on", l.T("on")), p.is(w, "by", l.T("by")), p.is(w, "the", l.T("the")), p.is(w, "next", l.T("next")):
		return 1
	case p.is(w, "now", l.T("now")):
		p.after = time.Nanosecond
		return 1
	case p.is(w, "in", l.T("in")):
		return p.in(words)
	}
	if d, ok := p.weekday(w); ok {
		p.week = true
		return p.onDay(d)
	}
	if m := isoDay.FindStringSubmatch(w); m != nil {
		if !p.date(atoi(m[1]), atoi(m[2]), atoi(m[3])) {
			return 0
		}
		if m[4] != "" {
			hm := strings.Split(m[4], ":")
			return p.atClock(atoi(hm[0]), atoi(hm[1]), "")
		}
		return 1
	}
	if m := shortDay.FindStringSubmatch(w); m != nil && (strings.Contains(w, "/") || strings.Count(w, ".") == 2 || len(m[2]) < 2 || atoi(m[1]) > 23) {
		return p.dayMonth(atoi(m[1]), atoi(m[2]), atoi(m[3]))
	}
	if m := number.FindStringSubmatch(w); m != nil && next != "" {
		if month, ok := p.month(next); ok {
			year, used := yearOf(words[2:])
			return (2 + used) * p.dayMonth(atoi(m[1]), month, year)
		}
	}
	if month, ok := p.month(w); ok && number.MatchString(next) {
		year, used := yearOf(words[2:])
		return (2 + used) * p.dayMonth(atoi(number.FindStringSubmatch(next)[1]), month, year)
	}
	if w == "utc" && p.hasClock && p.now.Location() == time.UTC {
		return 1 // as we write times where nobody's zone is known
	}
	if m := clock.FindStringSubmatch(w); m != nil && !p.hasClock {
		suffix := m[3]
		used := 1
		if suffix == "" && (next == "am" || next == "pm" || next == "h" || next == "uhr") {
			suffix, used = next, 2
			if next == "h" && m[2] == "" && len(words) > 2 && minutes.MatchString(strings.Trim(words[2], ",;")) && !(len(words) > 3 && p.isMinutes(words[3])) {
				m[2], used = strings.Trim(words[2], ",;"), 3
			}
		}
		if suffix == "" && m[2] == "" && !p.hasDay && len(words) == 1 {
			return 0 // "5": a day, an hour?
		}
		return used * p.atClock(atoi(m[1]), atoi(m[2]), suffix)
	}
	return 0
}

// yearOf reads the year with which some words begin.
func yearOf(words []string) (y, used int) {
	if len(words) == 0 || !year.MatchString(strings.Trim(words[0], ",;")) {
		return 0, 0
	}
	return atoi(strings.Trim(words[0], ",;")), 1
}

func (p *parser) isMinutes(word string) bool {
	l, unit := p.lang, strings.Trim(word, ",;")
	return p.is(unit, "minutes", l.T("minutes")) || p.is(unit, "minute", l.T("minute")) || unit == "min"
}

func (p *parser) onDay(d time.Time) int {
	if p.hasDay {
		return 0
	}
	p.day, p.hasDay = d, true
	return 1
}

func (p *parser) date(y, m, d int) bool {
	t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, p.now.Location())
	if t.Day() != d || int(t.Month()) != m || y < 2000 || y > 2200 {
		p.err = core.Errorf(core.CodeInvalid, "There is no such day: %d-%02d-%02d.", y, m, d)
		return true
	}
	if p.hasDay && p.week { // "friday 27 november": the date says which friday
		if p.day.Weekday() != t.Weekday() {
			p.err = core.Errorf(core.CodeInvalid, "%s is another day of the week.", p.lang.Day(t, p.now)).WithNext("Write for example: tomorrow 14:00, friday 17:00, in 3 days, 2026-12-24 18:00.")
		}
		p.day, p.week = t, false
		return true
	}
	return p.onDay(t) == 1
}

// dayMonth is a day of this year, or of the next one when it is over.
func (p *parser) dayMonth(d, m, y int) int {
	given := y
	if y == 0 {
		y = p.now.Year()
	}
	if !p.date(y, m, d) {
		return 0
	}
	if given == 0 && p.err == nil && p.day.AddDate(0, 0, 1).Before(p.now) {
		p.hasDay = false
		if !p.date(y+1, m, d) {
			return 0
		}
	}
	return 1
}

func (p *parser) atClock(h, m int, suffix string) int {
	switch {
	case suffix == "pm" && h < 12:
		h += 12
	case suffix == "am" && h == 12:
		h = 0
	}
	if h > 24 || m > 59 || h == 24 && m > 0 {
		p.err = core.Errorf(core.CodeInvalid, "There is no such time: %d:%02d.", h, m)
	}
	p.h, p.m, p.hasClock = h, m, true
	return 1
}

// in reads "in 3 days", "in 90 min", "in 2h".
func (p *parser) in(words []string) int {
	if len(words) < 2 {
		return 0
	}
	if d, ok := Span(words[1]); ok {
		p.after = d
		return 2
	}
	m := number.FindStringSubmatch(words[1])
	var n int
	switch {
	case m != nil:
		n = atoi(m[1])
	case p.is(words[1], "a", p.lang.T("a")), words[1] == "an", words[1] == "une":
		n = 1
	default:
		n = p.spelled(words[1])
	}
	if n == 0 || len(words) < 3 {
		return 0
	}
	unit := strings.Trim(words[2], ",;")
	l := p.lang
	switch {
	case p.isMinutes(unit):
		p.after = time.Duration(n) * time.Minute
	case p.is(unit, "hours", l.T("hours")), p.is(unit, "hour", l.T("hour")), unit == "h":
		p.after = time.Duration(n) * time.Hour
	case p.is(unit, "days", l.T("days")), p.is(unit, "day", l.T("day")):
		return 3 * p.onDay(p.now.AddDate(0, 0, n))
	case p.is(unit, "weeks", l.T("weeks")), p.is(unit, "week", l.T("week")):
		return 3 * p.onDay(p.now.AddDate(0, 0, 7*n))
	case p.is(unit, "months", l.T("months")), p.is(unit, "month", l.T("month")):
		return 3 * p.onDay(monthsOn(p.now, n))
	default:
		return 0
	}
	return 3
}

// monthsOn is the same day some months later, or the last one of that month where it is shorter.
func monthsOn(t time.Time, n int) time.Time {
	y, m, d := t.Date()
	last := time.Date(y, m+time.Month(n)+1, 0, 0, 0, 0, 0, t.Location())
	return time.Date(last.Year(), last.Month(), min(d, last.Day()), 0, 0, 0, 0, t.Location())
}

// Span reads a length of time such as "2h", "90min" or "1h30".
func Span(s string) (time.Duration, bool) {
	if h, m, ok := strings.Cut(s, "h"); ok && h != "" && m != "" {
		hours, err1 := strconv.Atoi(h)
		minutes, err2 := strconv.Atoi(strings.TrimSuffix(strings.TrimSuffix(m, "in"), "m"))
		if err1 != nil || err2 != nil || minutes > 59 || hours > 1000 {
			return 0, false
		}
		return time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute, true
	}
	m := span.FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	n := time.Duration(atoi(m[1]))
	switch m[2] {
	case "min", "m":
		return n * time.Minute, true
	case "h":
		return n * time.Hour, true
	case "w":
		return n * 7 * 24 * time.Hour, true
	}
	return n * 24 * time.Hour, true
}

func (p *parser) moment() (Moment, error) {
	if p.after != 0 {
		if p.hasDay || p.hasClock || p.part != (part{}) {
			return Moment{}, p.unclear(p.lang.T("in"))
		}
		return Moment{Time: p.now.Add(p.after), Clock: true}, nil
	}
	day := p.day
	if !p.hasDay {
		day = p.now
	}
	h, m := p.h, p.m
	switch {
	case !p.hasClock && p.part != (part{}):
		h, m = p.part.std, 0
	case !p.hasClock:
		h, m = endOfDay, 0
	case p.part.to > 0 && p.part.from <= h && h <= p.part.to:
		h += 12
	}
	t, twice, err := at(day, h, m, p.lang)
	if err != nil {
		return Moment{}, err
	}
	if !t.After(p.now) && (p.week || !p.hasDay) {
		days := 1
		if p.week {
			days = 7
		}
		if t, twice, err = at(day.AddDate(0, 0, days), h, m, p.lang); err != nil {
			return Moment{}, err
		}
	}
	return Moment{Time: t, Clock: p.hasClock || p.part != (part{}), Day: p.hasDay, Twice: twice}, nil
}

// at is a time of day on a day. Where the clocks are put forward some times do not exist; where they are put back, some
// exist twice.
func at(day time.Time, h, m int, l core.Lang) (t time.Time, twice bool, err error) {
	loc := day.Location()
	t = time.Date(day.Year(), day.Month(), day.Day(), h, m, 0, 0, loc)
	if h < 24 && (t.Hour() != h || t.Minute() != m) {
		return t, false, core.Errorf(core.CodeInvalid, "%02d:%02d does not exist on %s in %s: the clocks are put forward.", h, m, l.Day(t, t), loc).WithNext("Choose a time before or after that hour.")
	}
	for _, d := range []time.Duration{-time.Hour, time.Hour} {
		if o := t.Add(d); o.Hour() == h && o.Minute() == m && o.Day() == t.Day() {
			if d < 0 {
				t = o
			}
			twice = true
		}
	}
	return t, twice, nil
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}
