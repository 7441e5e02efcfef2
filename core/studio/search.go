package studio

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/query"
)

const (
	// searchPage is how many tasks one answer shows.
	searchPage = 5
	// searchCount is how many hits are counted; beyond that an answer says about how many there are.
	searchCount = 100
	// searchFor is how long the buttons of an answer turn its pages.
	searchFor = time.Hour
)

// asking is who asks and from where: what the words of a search mean depends on it.
type asking struct {
	project  *core.Project
	person   *core.Person
	lang     core.Lang
	room     core.RoomID
	platform core.PlatformName
	mentions map[string]core.IdentityID
}

func (c *call) asking(mentions map[string]core.IdentityID) asking {
	a := asking{project: c.Project, person: c.Person, lang: c.Lang, room: c.from(), platform: c.In.Actor.Identity.Platform(), mentions: mentions}
	if mentions == nil && c.In.Command != nil {
		a.mentions = c.In.Command.Mentions
	}
	return a
}

// searchable are the statuses that a project's tasks may have.
func (s *Studio) searchable(p *core.Project) []string {
	var out []string
	for _, st := range s.statuses(p) {
		out = append(out, string(st.name))
	}
	for _, st := range []core.TaskStatus{core.StatusProgress, core.StatusDelivered, core.StatusClosed} {
		if !slices.Contains(out, string(st)) {
			out = append(out, string(st))
		}
	}
	return out
}

// statusIn is the status that somebody calls so in their own language, or in another one that we speak: whoever runs a shared
// search may speak another one than its author. Empty where none is.
func (s *Studio) statusIn(a asking, typed string) string {
	var all []core.TaskStatus
	for _, name := range s.searchable(a.project) {
		all = append(all, core.TaskStatus(name))
	}
	for _, locale := range append([]core.Locale{a.lang.Locale}, s.languages()...) {
		if st, ok := nameStatus(core.Lang{Translator: s.Translator, Locale: locale}, all, typed); ok {
			return string(st)
		}
	}
	return ""
}

// dayIn finds the day that a name is in the language of whoever asks, or in another one, as statusIn does for statuses.
func (s *Studio) dayIn(a asking, typed string) string {
	for english, own := range map[string]func(core.Lang) string{
		"today": func(l core.Lang) string { return l.T("today") }, "yesterday": func(l core.Lang) string { return l.T("yesterday") }, "tomorrow": func(l core.Lang) string { return l.T("tomorrow") },
	} {
		if s.said(a, typed, english, own) {
			return english
		}
	}
	return ""
}

// said reports whether somebody typed a word in English or in a language, with either apostrophe, with accents or without.
func (s *Studio) said(a asking, typed, english string, own func(core.Lang) string) bool {
	plain := func(s string) string { return query.Fold(strings.ReplaceAll(s, "’", "'")) }
	if plain(typed) == english {
		return true
	}
	for _, locale := range append([]core.Locale{a.lang.Locale}, s.languages()...) {
		if plain(typed) == plain(own(core.Lang{Translator: s.Translator, Locale: locale})) {
			return true
		}
	}
	return false
}

// compile turns a typed search into what the store finds.
func (s *Studio) compile(ctx context.Context, text string, a asking) (core.Find, error) {
	o := query.Options{Now: a.lang.In(s.Clock.Now()), Statuses: s.searchable(a.project), Status: func(typed string) string { return s.statusIn(a, typed) }, Day: func(typed string) string { return s.dayIn(a, typed) }, Flag: func(name string) bool {
		p, ok := s.Prompts.Param(name)
		return ok && p.Kind == "flag"
	}}
	q, err := query.Parse(text, o)
	var bad *query.Error
	if errors.As(err, &bad) {
		return core.Find{}, unsearchable(text, bad)
	}
	if err != nil {
		return core.Find{}, err
	}
	f := core.Find{Project: a.project.Key, Best: q.Best, Room: a.room}
	for _, t := range q.Terms {
		add := func(any ...string) { f.All = append(f.All, core.Clause{Any: any, Not: t.Not}) }
		switch t.Field {
		case query.Word:
			for _, w := range t.Words {
				add(w)
			}
		case query.By, query.From, query.Assigned:
			terms, err := s.somebody(ctx, a, t)
			if err != nil {
				return core.Find{}, err
			}
			for _, any := range terms {
				add(any...)
			}
		case query.Folder:
			folder, err := findFolder(a.project, t.Value)
			if err != nil {
				return core.Find{}, err
			}
			var any []string
			for _, name := range inside(a.project, folder.Name) {
				any = append(any, query.Key("folder", name))
			}
			add(any...)
		case query.Tag:
			add(query.Key("tag", strings.TrimPrefix(t.Value, "#")))
		case query.Param:
			name, value := t.Name, t.Value
			if p, ok := s.Prompts.Param(name); ok {
				name = p.Name
			}
			if value == "" {
				value = "true"
			}
			add(query.Key("--"+name, value))
		case query.After:
			if t.At.After(f.After) {
				f.After = t.At
			}
		case query.Before:
			if f.Before.IsZero() || t.At.Before(f.Before) {
				f.Before = t.At
			}
		case query.Is:
			if t.Value == "open" {
				f.All = append(f.All, statusClause(!t.Not, core.StatusDelivered, core.StatusClosed))
				continue
			}
			add(query.Key("is", t.Value))
		case query.Has:
			if t.Value == "open" {
				add(query.Key("is", "open"))
				continue
			}
			add(query.Key("has", t.Value))
		default:
			add(query.Key(string(t.Field), t.Value))
		}
	}
	return f, nil
}

// somebody are the terms of a person: those of their ids where it is known who is meant, else of each word of the name.
func (s *Studio) somebody(ctx context.Context, a asking, t query.Term) ([][]string, error) {
	field := string(t.Field)
	ids := func(p *core.Person) [][]string {
		var any []string
		for _, id := range p.IDs() {
			any = append(any, query.ID(field, string(id)))
		}
		return [][]string{any}
	}
	value := strings.TrimPrefix(t.Value, "@")
	if s.said(a, value, "me", func(l core.Lang) string { return l.T("me") }) {
		return ids(a.person), nil
	}
	identity, ok := a.mentions[t.Value]
	if token, mention := strings.CutPrefix(t.Value, "<@"); !ok && mention && a.platform == core.Discord {
		// What Discord's slash commands carry is not resolved: there the mention holds all of the identity.
		identity, ok = core.IdentityID(string(core.Discord)+":"+strings.Trim(token, "!>")), true
	}
	if ok {
		p, err := s.People.ByIdentity(ctx, identity)
		if core.ErrorCode(err) == core.CodeNotFound {
			return nil, core.Errorf(core.CodeNotFound, "I have not met the person in %q yet, so there is nothing of theirs.", clip(field+":"+t.Value, 60))
		}
		if err != nil {
			return nil, err
		}
		return ids(p), nil
	}
	var out [][]string
	for _, term := range query.Names(field, value) {
		out = append(out, []string{term})
	}
	if len(out) == 0 {
		return nil, core.Errorf(core.CodeInvalid, "Who is meant by %q?", clip(field+":"+t.Value, 60)).WithNext("Write @me, mention the person, or write the name.")
	}
	return out, nil
}

// unsearchable points at the word of a search that was not understood, and says what is possible.
func unsearchable(text string, e *query.Error) error {
	if e.Reason == query.Empty {
		return core.Errorf(core.CodeInvalid, "What are you looking for?").WithNext("Type for example: search lighthouse by:@me status:approved after:7d --ar 3:2")
	}
	if e.Reason == query.TooLong {
		return core.Errorf(core.CodeInvalid, "That search is too long.").WithNext("It may have %d words and %d letters.", query.MaxTerms, query.MaxText)
	}
	bad := core.Errorf(core.CodeInvalid, "I cannot read this search: %s", e.Marked(text))
	field, _, _ := strings.Cut(strings.TrimPrefix(e.Word, "-"), ":")
	switch e.Reason {
	case query.NoField:
		return bad.WithNext("Before a colon stands one of: %s. Put it in quotes to look for it as it is.", strings.Join(e.Choices, ", "))
	case query.BadValue:
		return bad.WithNext("Behind %s: stands one of: %s.", field, strings.Join(e.Choices, ", "))
	case query.BadDate:
		return bad.WithNext("A day is written 2026-10-01, today, yesterday, 7d or 2w; after and before take one each.")
	case query.NoQuote:
		return bad.WithNext("The quotation marks are not closed.")
	case query.Backward:
		return bad.WithNext("That is not later than the day behind after, so that no day would fit.")
	case query.NoValue:
		if len(e.Choices) > 0 {
			return bad.WithNext("Behind %s: stands one of: %s.", field, strings.Join(e.Choices, ", "))
		}
		return bad.WithNext("Something must stand behind it.")
	}
	return bad.WithNext("There is no word in it.")
}

// searching is a search whose pages somebody turns, as its ticket holds it.
type searching struct {
	Project  core.ProjectKey            `json:"project"`
	Query    string                     `json:"query"`
	Mentions map[string]core.IdentityID `json:"mentions,omitempty"`
	Room     core.RoomID                `json:"room,omitempty"`
	Top      int                        `json:"top"`
}

// search answers with a page of what was found.
func (s *Studio) search(ctx context.Context, c *call) (core.Change, error) {
	if token := c.inv.Arg("token"); token != "" {
		x, err := s.searched(ctx, c, token)
		if err != nil {
			return core.Change{}, err
		}
		offset, _ := strconv.Atoi(c.inv.Arg("page"))
		return s.page(ctx, c, x, token, max(0, offset))
	}
	return s.lookUp(ctx, c, c.inv.Arg("query"))
}

// lookUp begins a search.
func (s *Studio) lookUp(ctx context.Context, c *call, typed string) (core.Change, error) {
	return s.page(ctx, c, searching{Project: c.Project.Key, Query: typed, Mentions: c.asking(nil).mentions, Room: c.from()}, "", 0)
}

// searched finds the search that a button belongs to.
func (s *Studio) searched(ctx context.Context, c *call, token string) (searching, error) {
	var x searching
	t, err := s.Tickets.Look(ctx, core.TicketSearch, token)
	if core.ErrorCode(err) == core.CodeNotFound {
		return x, core.Errorf(core.CodeNotFound, "That search is too old to go on with.").WithNext("Please search again.")
	}
	if err != nil {
		return x, err
	}
	if err := json.Unmarshal(t.Data, &x); err != nil {
		return x, core.Wrap(core.CodeInternal, err)
	}
	if !c.Person.Is(t.Person) || x.Project != c.Project.Key {
		return x, core.Errorf(core.CodeForbidden, "That search was somebody else's.")
	}
	return x, nil
}

// keep stores a search for its buttons.
func (s *Studio) keep(ctx context.Context, c *call, x searching) (string, error) {
	data, err := json.Marshal(x)
	if err != nil {
		return "", core.Wrap(core.CodeInternal, err)
	}
	return s.Tickets.Issue(ctx, core.Ticket{Kind: core.TicketSearch, Person: c.Person.ID, Data: data, Expires: s.Clock.Now().Add(searchFor)}, false)
}

// page shows a page of a search from an offset on. token is empty for a new search.
func (s *Studio) page(ctx context.Context, c *call, x searching, token string, offset int) (core.Change, error) {
	a := c.asking(x.Mentions)
	f, err := s.compile(ctx, x.Query, a)
	if err != nil {
		return core.Change{}, err
	}
	f.Room = visible(x.Room, c.from())
	f.Top, f.Offset, f.Limit, f.Count = x.Top, offset, searchPage, searchCount
	found, err := s.Search.Search(ctx, f)
	if err != nil {
		return core.Change{}, err
	}
	if found.Total == 0 {
		card := text(c.T("Nothing was found for: %s", x.Query))
		card.Footer = cmp.Or(s.partly(c, found), hint(c, x.Query))
		return c.say(card)
	}
	if x.Top = found.Top; token == "" {
		if token, err = s.keep(ctx, c, x); err != nil {
			return core.Change{}, err
		}
	}
	card := core.Card{Title: c.N(found.Total, "%[1]d task: %[2]s", "%[1]d tasks: %[2]s", found.Total, clip(x.Query, 100))}
	if found.About {
		card.Title = c.T("About %d tasks: %s", found.Total, clip(x.Query, 100))
	}
	var open []core.Button
	list := core.Node{Kind: core.NodeList}
	tasks, err := s.Tasks.Some(ctx, f.Project, found.Tasks)
	if err != nil {
		return core.Change{}, err
	}
	for _, t := range tasks {
		line := []core.Node{core.Bold(string(t.ID)), core.Text(" " + clip(t.Title, 80) + " · " + word(t.Status).In(c.Lang))}
		if len(t.Tags) > 0 {
			line = append(line, core.Text(" · "+strings.Join(t.Tags, ", ")))
		}
		list.Children = append(list.Children, core.Node{Kind: core.NodeItem, Children: line})
		if im, ok, err := s.picture(ctx, c, t); err != nil {
			return core.Change{}, err
		} else if ok {
			card.Images = append(card.Images, im)
		}
		if url := s.linkTo(ctx, t, c.In.Actor.Identity.Platform(), c.from()); url != "" {
			open = append(open, core.Button{Label: c.T("Open %s", t.ID), URL: url})
		}
	}
	card.Body = core.RichText{list}
	card.Footer = s.footing(c, found, offset, f.Best)
	if len(open) > 0 {
		card.Buttons = append(card.Buttons, open)
	}
	card.Buttons = append(card.Buttons, s.turning(c, token, found, offset)...)
	return c.say(card)
}

// hint says what may have been meant by a search that finds nothing.
func hint(c *call, asked string) string {
	words := strings.Fields(asked)
	for _, w := range words {
		if id, err := core.ParseTaskID(strings.ToUpper(w)); err == nil {
			return c.T("Tasks are not found by their number. Type: task show %s", id)
		}
	}
	if slices.Contains(words, "OR") {
		return c.T("All words must be there: there is no OR.")
	}
	return ""
}

// visible is from where a kept search looks: a private room's tasks show only where both its place and the present one are
// that room.
func visible(kept, now core.RoomID) core.RoomID {
	if kept == now {
		return now
	}
	return ""
}

func (s *Studio) footing(c *call, found core.Found, offset int, best bool) string {
	parts := []string{c.T("%d to %d of %d", offset+1, offset+len(found.Tasks), found.Total)}
	if found.About {
		parts[0] = c.T("%d to %d of about %d", offset+1, offset+len(found.Tasks), found.Total)
	}
	if best {
		parts = append(parts, c.T("best first: approved, then picked, then the newest"))
	} else {
		parts = append(parts, c.T("newest first"))
	}
	if note := s.partly(c, found); note != "" {
		parts = append(parts, note)
	}
	return strings.Join(parts, " · ")
}

func (s *Studio) partly(c *call, found core.Found) string {
	if !found.Partial {
		return ""
	}
	return c.T("The index is being built: something may be missing for some minutes.")
}

// turning are the buttons that turn pages, keep the search and act on all that it finds.
func (s *Studio) turning(c *call, token string, found core.Found, offset int) [][]core.Button {
	var turn []core.Button
	to := func(n int) core.Action {
		return core.Action{Verb: "search", Arg: token + "," + strconv.Itoa(n)}
	}
	if offset > 0 {
		turn = append(turn, core.Button{Label: c.T("Previous"), Action: to(max(0, offset-searchPage))})
	}
	if offset+searchPage < found.Total {
		turn = append(turn, core.Button{Label: c.T("Next"), Action: to(offset + searchPage)})
	}
	turn = append(turn, core.Button{Label: c.T("Save"), Action: core.Action{Verb: "saved new", Arg: token, Modal: true}})
	rows := [][]core.Button{turn}
	export := core.Button{Label: c.T("All: export"), Action: core.Action{Verb: "export", Arg: "token=" + token}}
	if !c.role.Allows(core.RoleEditor) {
		rows[0] = append(rows[0], export)
	}
	if c.role.Allows(core.RoleEditor) {
		var all []core.Button
		for _, b := range s.bulkActions() {
			all = append(all, core.Button{Label: b.label(c), Action: core.Action{Verb: b.verb, Arg: token, Modal: b.form}})
		}
		rows = append(rows, append(all, export))
	}
	return rows
}

// picture is what a task shows in a list: what was picked of it, else its newest pictures; ok is false when it has none.
func (s *Studio) picture(ctx context.Context, c *call, t *core.Task) (im core.Image, ok bool, err error) {
	no := t.Latest
	if t.Picked.Version > 0 {
		no = t.Picked.Version
	}
	for try := 0; no > 0 && try < 3; no, try = no-1, try+1 {
		v, err := s.Tasks.Version(ctx, core.VersionID{Task: t.ID, No: no})
		if err != nil {
			return im, false, ignoreMissing(err)
		}
		pic := v.Grid
		if n := t.Picked.Image; t.Picked.Version == no && n > 0 && n <= len(v.Images) {
			pic = &v.Images[n-1]
		}
		if pic == nil {
			continue
		}
		im = core.Image{Blob: pic.Blob, MIME: pic.MIME, Width: pic.Width, Height: pic.Height, Name: fmt.Sprintf("%s-v%d.jpg", t.ID, no), Alt: c.T("%s v%d: %s", t.ID, no, clip(v.Request.Prompt, 300))}
		if pic.Preview != "" {
			im.Blob, im.MIME = pic.Preview, "image/jpeg"
		}
		return im, true, nil
	}
	return im, false, nil
}

// linkTo is a link to a task's thread where somebody on a platform can open it; empty when there is none.
func (s *Studio) linkTo(ctx context.Context, t *core.Task, on core.PlatformName, here core.RoomID) string {
	rooms := slices.Clone(t.Rooms)
	if i := slices.Index(rooms, here); i > 0 {
		rooms[0], rooms[i] = rooms[i], rooms[0]
	}
	for _, room := range rooms {
		dir := s.Links[room.Platform()]
		if dir == nil || room.Platform() != on {
			continue
		}
		if th, err := s.Refs.TaskThread(ctx, t.ID, room); err == nil {
			return dir.Link(room, th.ID, th.Root)
		}
	}
	return ""
}
