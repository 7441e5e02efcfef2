package web

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"

	"github.com/atelier-bridge/atelier/core"
)

// CalendarReader reads what a private link to a calendar shows.
type CalendarReader interface {
	// CalendarPage returns it; CodeNotFound when the link shows nothing, CodeRetry when it is read too often.
	CalendarPage(ctx context.Context, token string) (core.CalendarPage, error)
}

// Calendars serves calendars by private links, as iCalendar files (RFC 5545).
type Calendars struct {
	reader CalendarReader
	tr     core.Translator
	log    *slog.Logger
}

// NewCalendars returns the handler's state; a translator may be nil.
func NewCalendars(r CalendarReader, tr core.Translator, log *slog.Logger) *Calendars {
	return &Calendars{reader: r, tr: tr, log: log}
}

// Handler serves GET /calendar/TOKEN.ics.
func (c *Calendars) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /calendar/{file}", c.serve)
	return guard(mux)
}

// calendarFor is how long a calendar program may keep what it read without asking again.
const calendarFor = 5 * time.Minute

func (c *Calendars) serve(w http.ResponseWriter, r *http.Request) {
	token, ok := strings.CutSuffix(r.PathValue("file"), ".ics")
	page, err := core.CalendarPage{}, error(core.Errorf(core.CodeNotFound, "There is nothing here."))
	if ok && token != "" && len(token) <= maxToken {
		page, err = c.reader.CalendarPage(r.Context(), token)
	}
	if err != nil {
		c.refuse(w, r, err)
		return
	}
	body := calendarOf(page)
	tag := `"` + core.Digest(32, body) + `"`
	h := w.Header()
	h.Set("Content-Type", "text/calendar; charset=utf-8")
	h.Set("Content-Disposition", `inline; filename="atelier.ics"`)
	h.Set("Cache-Control", "private, max-age="+strconv.Itoa(int(calendarFor.Seconds())))
	h.Set("ETag", tag)
	if last := lastChange(page); !last.IsZero() {
		h.Set("Last-Modified", last.UTC().Format(http.TimeFormat))
	}
	// What is not there any more changes the tag and no date: only the tag answers whether something is new.
	if strings.Contains(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write([]byte(body)) //nolint:gosec // no browser takes text/calendar for a page, and nosniff is set
}

// refuse says in plain words why there is no calendar.
func (c *Calendars) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusInternalServerError
	switch core.ErrorCode(err) {
	case core.CodeNotFound:
		status = http.StatusNotFound
	case core.CodeRetry:
		status = http.StatusServiceUnavailable
		if after := core.RetryAfter(err); after > 0 {
			status = http.StatusTooManyRequests
			w.Header().Set("Retry-After", strconv.Itoa(int(after.Seconds())))
		}
	default:
		c.log.ErrorContext(r.Context(), "calendar not served", "error", err)
	}
	l := core.Lang{Translator: c.tr, Locale: core.Locale(r.Header.Get("Accept-Language"))}
	http.Error(w, l.Error(err), status)
}

func lastChange(page core.CalendarPage) time.Time {
	var last time.Time
	for _, e := range page.Events {
		if e.Changed.After(last) {
			last = e.Changed
		}
	}
	return last
}

// calendarOf writes a calendar down. The same page is the same text, so that its tag says whether something is new.
func calendarOf(page core.CalendarPage) string {
	cal := ics.NewCalendarFor("Atelier")
	cal.SetMethod(ics.MethodPublish)
	cal.SetXWRCalName(page.Name)
	if page.Zone != "" {
		cal.SetXWRTimezone(page.Zone)
	}
	cal.SetRefreshInterval("PT15M")
	for _, x := range page.Events {
		e := cal.AddEvent(x.UID)
		e.SetDtStampTime(x.Changed.UTC())
		e.SetModifiedAt(x.Changed.UTC())
		e.SetStartAt(x.Start.UTC())
		if x.End.After(x.Start) {
			e.SetEndAt(x.End.UTC())
		}
		e.SetSummary(x.Title)
		if x.Description != "" {
			e.SetDescription(x.Description)
		}
		if x.URL != "" {
			e.SetURL(x.URL)
		}
		transparent := ics.TransparencyTransparent // others' time is not the reader's
		if x.Mine && x.End.After(x.Start) {
			transparent = ics.TransparencyOpaque
		}
		e.SetTimeTransparency(transparent)
	}
	return cal.Serialize(ics.WithNewLineWindows)
}
