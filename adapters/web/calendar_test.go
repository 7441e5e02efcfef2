package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	ics "github.com/arran4/golang-ical"

	"github.com/atelier-bridge/atelier/core"
)

// links are calendars by token.
type links map[string]core.CalendarPage

func (l links) CalendarPage(_ context.Context, token string) (core.CalendarPage, error) {
	if token == "BUSY" {
		e := core.Errorf(core.CodeRetry, "Too often.")
		e.RetryAfter = time.Minute
		return core.CalendarPage{}, e
	}
	p, ok := l[token]
	if !ok {
		return p, core.Errorf(core.CodeNotFound, "This link does not work.")
	}
	return p, nil
}

func getCalendar(t *testing.T, h http.Handler, path, tag string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	if tag != "" {
		r.Header.Set("If-None-Match", tag)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestACalendarIsWellFormed(t *testing.T) {
	at := time.Date(2027, 3, 10, 14, 0, 0, 0, time.FixedZone("CET", 3600))
	title := strings.Repeat("Ánimo; más, más\\ y más 🎨 ", 8) + "\nend"
	page := core.CalendarPage{Name: "Atelier ACME", Zone: "Europe/Paris", Events: []core.CalendarEvent{
		{UID: "session-ACME-1@atelier", Title: title, Description: "Session 1 of ACME", URL: "https://example.test/a?b=c", Start: at, End: at.Add(2 * time.Hour), Changed: at.Add(-time.Hour), Mine: true},
		{UID: "due-ACME-2@atelier", Title: "ACME-2 is due", Start: at, End: at, Changed: at.Add(-2 * time.Hour)},
	}}
	all := links{"TOKEN": page}
	h := NewCalendars(all, nil, slog.New(slog.DiscardHandler)).Handler()
	w := getCalendar(t, h, "/calendar/TOKEN.ics", "")
	body := w.Body.String()
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/calendar") || w.Header().Get("Last-Modified") != "Wed, 10 Mar 2027 12:00:00 GMT" {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	if !strings.HasSuffix(body, "END:VCALENDAR\r\n") || strings.Count(body, "\n") != strings.Count(body, "\r\n") {
		t.Error("lines do not end with CR LF")
	}
	for line := range strings.SplitSeq(body, "\r\n") {
		if len(line) > 75 {
			t.Errorf("a line of %d octets: %q", len(line), line)
		}
	}
	unfolded := strings.ReplaceAll(body, "\r\n ", "")
	for _, want := range []string{"DTSTART:20270310T130000Z\r\n", "DTEND:20270310T150000Z\r\n", "UID:session-ACME-1@atelier\r\n", `Ánimo\; más\, más\\ y más 🎨`, `\nend`, "TRANSP:OPAQUE\r\n", "TRANSP:TRANSPARENT\r\n", "VERSION:2.0\r\n"} {
		if !strings.Contains(unfolded, want) {
			t.Errorf("%q is missing in\n%s", want, unfolded)
		}
	}
	back, err := ics.ParseCalendar(strings.NewReader(body))
	if err != nil || len(back.Events()) != 2 || back.Events()[0].Id() != "session-ACME-1@atelier" {
		t.Errorf("read back: %v", err)
	}
	// Nothing new.
	tag := w.Header().Get("ETag")
	if w := getCalendar(t, h, "/calendar/TOKEN.ics", tag); w.Code != http.StatusNotModified || w.Body.Len() > 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	page.Events = page.Events[1:]
	all["TOKEN"] = page
	if w := getCalendar(t, h, "/calendar/TOKEN.ics", tag); w.Code != http.StatusOK || strings.Contains(w.Body.String(), "session-ACME-1") {
		t.Errorf("what is gone still shows: %d", w.Code)
	}
}

func TestACalendarThatDoesNotShow(t *testing.T) {
	h := NewCalendars(links{}, nil, slog.New(slog.DiscardHandler)).Handler()
	for path, want := range map[string]int{"/calendar/NOTHING.ics": 404, "/calendar/NOTHING": 404, "/calendar/.ics": 404, "/calendar/" + strings.Repeat("A", 200) + ".ics": 404, "/calendar/BUSY.ics": 429} {
		w := getCalendar(t, h, path, "")
		if w.Code != want || w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("ETag") != "" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
		if w.Code == 429 && w.Header().Get("Retry-After") != "60" {
			t.Errorf("%v", w.Header())
		}
	}
}
