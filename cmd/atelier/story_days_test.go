package main

import (
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// storyDays are days that stories name, so that none is ever over: a winter day and those after it, and the days on which
// Europe's clocks change next; and quiet hours that are now, in all of western Europe.
func storyDays(now time.Time) []string {
	ahead := func(month time.Month, day func(year int) int) time.Time {
		for year := now.Year(); ; year++ {
			if t := time.Date(year, month, day(year), 0, 0, 0, 0, time.UTC); t.After(now.AddDate(0, 0, 1)) {
				return t
			}
		}
	}
	on := func(day int) func(int) int { return func(int) int { return day } }
	lastSunday := func(month time.Month) func(int) int {
		return func(year int) int {
			end := time.Date(year, month, 31, 0, 0, 0, 0, time.UTC)
			return 31 - int(end.Weekday())
		}
	}
	winter, other := ahead(time.January, on(20)), ahead(time.November, on(20))
	if other.Before(winter) {
		winter = other
	}
	spring, autumn := ahead(time.March, lastSunday(time.March)), ahead(time.October, lastSunday(time.October))
	iso := func(t time.Time) string { return t.Format(time.DateOnly) }
	return []string{
		"WINTER=" + iso(winter), "WINTERDAY=" + core.Lang{}.Day(winter, now), "WINTERZ=" + winter.Format("20060102"),
		"WINTER2=" + iso(winter.AddDate(0, 0, 2)), "WINTER2Z=" + winter.AddDate(0, 0, 2).Format("20060102"), "WINTER3=" + iso(winter.AddDate(0, 0, 3)),
		"SPRING=" + iso(spring), "SPRINGDAY=" + core.Lang{}.Day(spring, now), "AUTUMN=" + iso(autumn), "FAR=" + iso(now.AddDate(3, 0, 0)),
		"QUIET=" + now.UTC().Add(-2*time.Hour).Format("15:04") + "-" + now.UTC().Add(4*time.Hour).Format("15:04"),
	}
}
