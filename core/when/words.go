package when

import (
	"slices"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core/query"
)

// part is a part of a day: the time that it stands for where none is said, and the hours that are meant by smaller numbers.
type part struct{ std, from, to int }

var (
	morning   = part{std: 9}
	afternoon = part{std: 14, from: 1, to: 7}
	evening   = part{std: 20, from: 4, to: 11}
)

// is reports whether a word is this English one or its translation.
func (p *parser) is(word, english, translated string) bool {
	return word == english || plain(word) == plain(translated)
}

// says returns how many words it takes to say this in English or translated, when the first of some words say so; else 0.
func (p *parser) says(words []string, english, translated string) int {
	for _, name := range [2]string{english, translated} {
		of := strings.Fields(plain(name))
		if len(of) > 0 && len(words) >= len(of) && slices.EqualFunc(words[:len(of)], of, func(word, of string) bool { return plain(strings.Trim(word, ",;")) == of }) {
			return len(of)
		}
	}
	return 0
}

// plain makes words comparable: without accents, which some leave out, and with one kind of apostrophe.
func plain(s string) string { return query.Fold(strings.ReplaceAll(s, "’", "'")) }

// named reads days and times that have a name of one or more words.
func (p *parser) named(words []string) int {
	l := p.lang
	day := func(n, days int) int { return n * p.onDay(p.now.AddDate(0, 0, days)) }
	if n := p.says(words, "today", l.T("today")); n > 0 {
		return day(n, 0)
	}
	if n := p.says(words, "yesterday", l.T("yesterday")); n > 0 { // understood, so that whoever needs a time to come can say that it is over
		return day(n, -1)
	}
	if n := p.says(words, "tomorrow", l.T("tomorrow")); n > 0 {
		return day(n, 1)
	}
	if n := p.says(words, "day after tomorrow", l.T("day after tomorrow")); n > 0 {
		return day(n, 2)
	}
	if n := p.says(words, "noon", l.T("noon")); n > 0 {
		return n * p.atClock(12, 0, "")
	}
	if n := p.says(words, "midnight", l.T("midnight")); n > 0 {
		return n * p.atClock(24, 0, "") // the end of that day
	}
	for _, x := range []struct {
		part                part
		english, translated string
		today               bool
	}{
		{evening, "tonight", l.T("tonight"), true}, {morning, "this morning", l.T("this morning"), true}, {afternoon, "this afternoon", l.T("this afternoon"), true},
		{morning, "morning", l.T("morning"), false}, {afternoon, "afternoon", l.T("afternoon"), false}, {evening, "evening", l.T("evening"), false},
	} {
		n := p.says(words, x.english, x.translated)
		if n == 0 {
			continue
		}
		if p.part != (part{}) || x.today && day(1, 0) == 0 {
			return 0
		}
		p.part = x.part
		return n
	}
	return 0
}

// spelled is a number that is written as a word; 0 for none.
func (p *parser) spelled(w string) int {
	l := p.lang
	for i, names := range [10][2]string{{"one", l.T("one")}, {"two", l.T("two")}, {"three", l.T("three")}, {"four", l.T("four")}, {"five", l.T("five")},
		{"six", l.T("six")}, {"seven", l.T("seven")}, {"eight", l.T("eight")}, {"nine", l.T("nine")}, {"ten", l.T("ten")}} {
		if p.is(w, names[0], names[1]) {
			return i + 1
		}
	}
	switch {
	case p.is(w, "twelve", l.T("twelve")):
		return 12
	case p.is(w, "fifteen", l.T("fifteen")):
		return 15
	case p.is(w, "twenty", l.T("twenty")):
		return 20
	}
	return 0
}

// weekday and month read names and abbreviations; Lang has their translations under the English names.
func (p *parser) weekday(w string) (time.Time, bool) {
	l := p.lang
	i, ok := among(w, []string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"},
		[]string{l.T("Sunday"), l.T("Monday"), l.T("Tuesday"), l.T("Wednesday"), l.T("Thursday"), l.T("Friday"), l.T("Saturday")},
		[]string{l.T("Sun"), l.T("Mon"), l.T("Tue"), l.T("Wed"), l.T("Thu"), l.T("Fri"), l.T("Sat")}, 4)
	return p.now.AddDate(0, 0, (i-int(p.now.Weekday())+7)%7), ok
}

func (p *parser) month(w string) (int, bool) {
	l := p.lang
	i, ok := among(w, []string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
		[]string{l.T("January"), l.T("February"), l.T("March"), l.T("April"), l.T("May"), l.T("June"), l.T("July"), l.T("August"), l.T("September"), l.T("October"), l.T("November"), l.T("December")},
		[]string{l.T("Jan"), l.T("Feb"), l.T("Mar"), l.T("Apr"), l.T("May"), l.T("Jun"), l.T("Jul"), l.T("Aug"), l.T("Sep"), l.T("Oct"), l.T("Nov"), l.T("Dec")}, 3)
	return i + 1, ok
}

// among finds the name that a word is: whole, as we abbreviate it, or by the first letters, of which English takes three
// and at most so many. A person's own language goes first: "mar." is a Tuesday in French.
func among(w string, english, own, short []string, most int) (int, bool) {
	w = plain(strings.TrimSuffix(w, "."))
	for i := range own {
		if w == plain(own[i]) || w == plain(strings.TrimSuffix(short[i], ".")) {
			return i, true
		}
	}
	for i := range english {
		if name := plain(english[i]); w == name || len(w) >= 3 && len(w) <= most && strings.HasPrefix(name, w) {
			return i, true
		}
	}
	return 0, false
}
