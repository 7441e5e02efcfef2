package studio

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

const (
	// feedPast and feedAhead are the span of time that a calendar's link shows; feedMost bounds each kind of entry.
	feedPast  = 60 * 24 * time.Hour
	feedAhead = 400 * 24 * time.Hour
	feedMost  = 500
	// feedRate is how often one link is read within feedWindow: calendars ask a few times an hour.
	feedRate   = 30
	feedWindow = time.Minute
)

// feedDigest is what is kept of a link's token.
func feedDigest(token string) string { return core.Digest(40, "calendar", token) }

// scheduleFeed makes a private link to the project's calendar as the person sees it.
func (s *Studio) scheduleFeed(ctx context.Context, c *call) (core.Change, error) {
	if s.PublicURL == "" {
		return core.Change{}, core.Errorf(core.CodeUnsupp, "This Atelier cannot be reached from outside, so that there are no links to its calendar.").WithNext("Whoever installed it can set ATELIER_PUBLIC_URL.")
	}
	key := c.Project.Key
	old, has := c.Person.Feeds[key]
	// Handled again after a crash, the one who asked has not seen the link that was made.
	if has && c.inv.Arg("renew") != "true" && old.By != c.In.ID {
		card := text(c.T("You have a link to the calendar of %s since %s. I keep only a trace of it, so that I cannot show it again.", key, date(c.clock(), old.At)))
		card.Buttons = [][]core.Button{{{Label: c.T("Make a new link"), Action: core.Action{Verb: "schedule feed", Arg: "renew=true"}}}}
		return c.say(card)
	}
	token := rand.Text()
	f := core.Feed{Digest: feedDigest(token), Roles: c.In.Actor.Roles, By: c.In.ID, At: s.Clock.Now().UTC()}
	if err := s.Feeds.PutFeed(ctx, f.Digest, c.Person.ID, key, old.Digest); err != nil {
		return core.Change{}, err
	}
	if _, err := s.People.UpdatePerson(ctx, c.Person.ID, func(p *core.Person) error {
		if p.Feeds == nil {
			p.Feeds = map[core.ProjectKey]core.Feed{}
		}
		p.Feeds[key] = f
		return nil
	}); err != nil {
		return core.Change{}, err
	}
	url := strings.TrimSuffix(s.PublicURL, "/") + "/calendar/" + token + ".ics"
	body := core.RichText{core.Para(core.Text(c.T("Sessions and due dates of %s, for your own calendar (subscribe by URL):", key))), core.Para(core.Link(url, url)),
		core.Para(core.Text(c.T("Whoever has this link sees what you may see: keep it to yourself. \"schedule feed --renew\" makes a new one, and this one stops.")))}
	return c.say(core.Card{Body: body, Private: true})
}

// errNoFeed is what whoever reads a link hears that opens nothing, for whatever reason.
func errNoFeed() *core.Error {
	return core.Errorf(core.CodeNotFound, "This link to a calendar does not work (any more).").WithNext("Type \"schedule feed\" in the project's room for a new one.")
}

// CalendarPage returns what a link shows now: what its person may see at this moment. CodeNotFound when it shows nothing,
// CodeRetry when it is read too often.
func (s *Studio) CalendarPage(ctx context.Context, token string) (core.CalendarPage, error) {
	var page core.CalendarPage
	digest := feedDigest(token)
	who, key, err := s.Feeds.Feed(ctx, digest)
	if core.ErrorCode(err) == core.CodeNotFound {
		return page, errNoFeed()
	}
	if err != nil {
		return page, err
	}
	n, err := s.Tickets.Attempt(ctx, "calendar/"+digest, feedWindow)
	if err != nil {
		return page, err
	}
	if n > feedRate {
		e := core.Errorf(core.CodeRetry, "This calendar is read too often.").WithNext("Try again in a minute.")
		e.RetryAfter = feedWindow
		return page, e
	}
	p, err := s.People.Person(ctx, who)
	if core.ErrorCode(err) == core.CodeNotFound {
		return page, errNoFeed()
	}
	if err != nil {
		return page, err
	}
	f, ok := p.Feeds[key]
	project, err := s.Projects.Project(ctx, key)
	if err != nil && core.ErrorCode(err) != core.CodeNotFound {
		return page, err
	}
	if !ok || f.Digest != digest || err != nil || !s.roleOf(p, project, f.Roles).Allows(core.RoleViewer) {
		return page, errNoFeed()
	}
	l := p.Lang(s.Translator)
	page.Name = fmt.Sprintf("Atelier %s", key)
	if l.Zone != nil {
		page.Zone = l.Zone.String()
	}
	return page, s.calendarEvents(ctx, l, p, project, &page)
}

// calendarEvents lists a project's sessions and due dates.
func (s *Studio) calendarEvents(ctx context.Context, l core.Lang, p *core.Person, project *core.Project, page *core.CalendarPage) error {
	now := s.Clock.Now()
	from, to := now.Add(-feedPast), now.Add(feedAhead)
	sessions, err := s.Planning.Bookings(ctx, project.Key, from, to, feedMost)
	if err != nil {
		return err
	}
	for _, b := range sessions {
		mine := p.Is(b.Person)
		e := core.CalendarEvent{UID: fmt.Sprintf("session-%s-%d@atelier", b.Project, b.No), Title: b.PersonName + " · " + b.Provider.Title(), Start: b.Start, End: b.End, Changed: b.At, Mine: mine}
		if b.What != "" && (mine || !b.Private) {
			e.Title += " · " + b.What
		}
		e.Description = l.T("Session %d of %s", b.No, b.Project)
		page.Events = append(page.Events, e)
	}
	tasks, err := s.Moving.Due(ctx, project.Key, from, to, feedMost)
	if err != nil {
		return err
	}
	for _, t := range tasks {
		if t.Private || t.Gone() || t.Status == core.StatusClosed {
			continue
		}
		e := core.CalendarEvent{UID: fmt.Sprintf("due-%s@atelier", t.ID), Title: l.T("%s is due: %s", t.ID, t.Title), Start: t.Due, End: t.Due, Changed: t.UpdatedAt,
			Mine: slices.ContainsFunc(t.Assigned, func(n core.Named) bool { return p.Is(n.ID) })}
		e.Description = l.T("Status: %s", word(t.Status).In(l))
		if len(t.Assigned) > 0 {
			e.Description += "\n" + l.T("Assigned to %s", names(t.Assigned))
		}
		for _, id := range p.Identities {
			if e.URL == "" {
				e.URL = s.threadFor(ctx, t, id)
			}
		}
		page.Events = append(page.Events, e)
	}
	return nil
}
