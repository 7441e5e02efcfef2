package when

import (
	"strings"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

func paris(t testing.TB) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestParse(t *testing.T) {
	loc := paris(t)
	now := time.Date(2026, 11, 18, 15, 30, 0, 0, loc) // a Wednesday
	for text, want := range map[string]string{
		"friday 17:00":                "2026-11-20 17:00",
		"fri 5pm":                     "2026-11-20 17:00",
		"friday 5 pm":                 "2026-11-20 17:00",
		"friday":                      "2026-11-20 18:00",
		"wednesday 9:00":              "2026-11-25 09:00",
		"wednesday 17:00":             "2026-11-18 17:00",
		"tomorrow 14:00":              "2026-11-19 14:00",
		"tomorrow at 14h30":           "2026-11-19 14:30",
		"tomorrow noon":               "2026-11-19 12:00",
		"tonight":                     "2026-11-18 20:00",
		"18:30":                       "2026-11-18 18:30",
		"9:15":                        "2026-11-19 09:15",
		"in 3 days":                   "2026-11-21 18:00",
		"in 3 days 10:00":             "2026-11-21 10:00",
		"in 90 minutes":               "2026-11-18 17:00",
		"in 2h":                       "2026-11-18 17:30",
		"in three days":               "2026-11-21 18:00",
		"in two weeks 9:00":           "2026-12-02 09:00",
		"in one hour":                 "2026-11-18 16:30",
		"yesterday":                   "2026-11-17 18:00",
		"in a week":                   "2026-11-25 18:00",
		"2026-12-24":                  "2026-12-24 18:00",
		"2026-12-24 18:00":            "2026-12-24 18:00",
		"2026-12-24T08:15":            "2026-12-24 08:15",
		"24.12.":                      "2026-12-24 18:00",
		"24/12 9h":                    "2026-12-24 09:00",
		"1 march":                     "2027-03-01 18:00",
		"march 1st 10am":              "2027-03-01 10:00",
		"on the 5 jan 2:00pm":         "2027-01-05 14:00",
		"24:00":                       "2026-11-19 00:00",
		"tonight 21:00":               "2026-11-18 21:00",
		"tonight at 9":                "2026-11-18 21:00",
		"tomorrow morning":            "2026-11-19 09:00",
		"tomorrow evening":            "2026-11-19 20:00",
		"friday midnight":             "2026-11-21 00:00",
		"the day after tomorrow 9:00": "2026-11-20 09:00",
		"friday 27 november 17:00":    "2026-11-27 17:00",
		"Fri 27 Nov 17:00":            "2026-11-27 17:00",
		"Thu 1 Apr 2027 17:00":        "2027-04-01 17:00",
		"in a month":                  "2026-12-18 18:00",
	} {
		m, err := Parse(text, now, core.Lang{Zone: loc})
		if got := m.Time.Format("2006-01-02 15:04"); err != nil || got != want {
			t.Errorf("%q is %s (%v), want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "soon", "friday monday", "25:00", "2026-02-30", "5", "in", "in umpteen days", "in two", strings.Repeat("friday ", 40), "17:00 18:00", "friday 26 november", "morning evening", "tonight tomorrow"} {
		if m, err := Parse(text, now, core.Lang{Zone: loc}); core.ErrorCode(err) != core.CodeInvalid {
			t.Errorf("%q is %v (%v)", text, m.Time, err)
		}
	}
}

func TestClocksChange(t *testing.T) {
	loc := paris(t)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, loc)
	if _, err := Parse("2026-03-29 02:30", now, core.Lang{Zone: loc}); !strings.Contains(core.SafeMessage(err), "does not exist") {
		t.Error(err)
	}
	m, err := Parse("2026-10-25 02:30", now, core.Lang{Zone: loc})
	if _, offset := m.Time.Zone(); err != nil || !m.Twice || offset != 2*3600 {
		t.Errorf("%v %v %v", m.Time, m.Twice, err)
	}
}

func TestPrefix(t *testing.T) {
	loc := paris(t)
	now := time.Date(2026, 11, 18, 15, 30, 0, 0, loc) // a Wednesday
	for words, want := range map[string]struct {
		at   string
		used int
		day  bool
	}{
		"tomorrow 14:00 2h hero shots": {"2026-11-19 14:00", 2, true},
		"tomorrow 14:00 the posters":   {"2026-11-19 14:00", 2, true},
		"friday 2 pm for 2h":           {"2026-11-20 14:00", 3, true},
		"in 2h 90min":                  {"2026-11-18 17:30", 2, false},
		"17:00 retouching":             {"2026-11-18 17:00", 1, false},
		"2026-12-24 18:00":             {"2026-12-24 18:00", 2, true},
	} {
		m, used, err := Prefix(words, now, core.Lang{Zone: loc})
		if err != nil || used != want.used || m.Day != want.day || m.Time.Format("2006-01-02 15:04") != want.at {
			t.Errorf("%q: %v %d %v", words, m, used, err)
		}
	}
	if _, used, err := Prefix("sometime 14:00", now, core.Lang{Zone: loc}); used != 0 || core.ErrorCode(err) != core.CodeInvalid {
		t.Errorf("%d %v", used, err)
	}
	if _, _, err := Prefix("2026-03-29 02:30 2h", time.Date(2026, 3, 1, 12, 0, 0, 0, loc), core.Lang{Zone: loc}); !strings.Contains(core.SafeMessage(err), "does not exist") {
		t.Error(err)
	}
}

func TestSpan(t *testing.T) {
	for s, want := range map[string]time.Duration{"2h": 2 * time.Hour, "90min": 90 * time.Minute, "1h30": 90 * time.Minute, "3d": 72 * time.Hour, "1w": 168 * time.Hour} {
		if d, ok := Span(s); !ok || d != want {
			t.Errorf("%s is %v %v", s, d, ok)
		}
	}
	for _, s := range []string{"", "h", "2x", "1h99", "-2h", "h30"} {
		if d, ok := Span(s); ok {
			t.Errorf("%s is %v", s, d)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"friday 17:00", "in 3 days", "24.12.", "1h30", "à 17h"} {
		f.Add(s)
	}
	now := time.Date(2026, 11, 18, 15, 30, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, s string) {
		if _, err := Parse(s, now, core.Lang{}); err != nil && core.ErrorCode(err) != core.CodeInvalid {
			t.Fatalf("%q: %v", s, err)
		}
		Span(s)
	})
}
