package studio

import (
	"context"
	"slices"
	"strings"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/query"
)

const (
	// maxSaved bounds a project's saved searches, maxNotify those of them that tell of new hits: each is looked through
	// whenever a task changes.
	maxSaved, maxNotify = 200, 50
	// maxKnown is how many tasks a search may find that is to tell of new ones.
	maxKnown = 10_000
)

// seen lists the saved searches that a person may use: their own first, then the shared ones of others, by name.
func seen(all *core.SavedSearches, p *core.Person) []core.SavedSearch {
	var out []core.SavedSearch
	for _, x := range all.List {
		if x.Shared || p.Is(x.Person) {
			out = append(out, x)
		}
	}
	slices.SortStableFunc(out, func(a, b core.SavedSearch) int {
		if mine, yours := p.Is(a.Person), p.Is(b.Person); mine != yours {
			if mine {
				return -1
			}
			return 1
		}
		return strings.Compare(query.Fold(a.Name), query.Fold(b.Name))
	})
	return out
}

// savedCalled finds a saved search by its name among those that the caller may use.
func (s *Studio) savedCalled(ctx context.Context, c *call, name string) (*core.SavedSearches, core.SavedSearch, error) {
	all, err := s.Organising.Saved(ctx, c.Project.Key)
	if err != nil {
		return nil, core.SavedSearch{}, err
	}
	var names []string
	for _, x := range seen(all, c.Person) {
		if query.Fold(x.Name) == query.Fold(name) {
			return all, x, nil
		}
		names = append(names, x.Name)
	}
	e := core.Errorf(core.CodeNotFound, "There is no saved search %q.", clip(name, 40))
	if near := query.Near(name, names, 3); len(near) > 0 {
		return nil, core.SavedSearch{}, e.WithNext("Did you mean %s?", strings.Join(near, ", "))
	}
	return nil, core.SavedSearch{}, e.WithNext("\"saved list\" shows them; \"saved new\" makes one.")
}

// flag reads a switch; a word behind it that is no answer to it belongs to the search.
func flag(c *call, name string, words *string) bool {
	switch v := c.inv.Arg(name); strings.ToLower(v) {
	case "", "false", "no":
		return false
	case "true", "yes":
		return true
	default:
		*words = strings.TrimSpace(v + " " + *words)
		return true
	}
}

func (s *Studio) savedNew(ctx context.Context, c *call) (core.Change, error) {
	name, err := plainName(c.inv.Arg("name"))
	if err != nil {
		return core.Change{}, err
	}
	words := c.inv.Arg("query")
	x := core.SavedSearch{ID: "s-" + core.Digest(10, string(c.In.ID)), Name: name, Person: c.Person.ID, PersonName: c.name(), Identity: c.In.Actor.Identity,
		Shared: flag(c, "shared", &words), Notify: flag(c, "notify", &words), Room: c.from(), At: s.Clock.Now().UTC()}
	if x.Query = words; c.In.Command != nil {
		x.Mentions = c.In.Command.Mentions
	}
	if token := c.inv.Arg("token"); token != "" {
		from, err := s.searched(ctx, c, token)
		if err != nil {
			return core.Change{}, err
		}
		x.Query, x.Mentions, x.Room = from.Query, from.Mentions, from.Room
	}
	f, err := s.compile(ctx, x.Query, c.asking(x.Mentions))
	if err != nil {
		return core.Change{}, err
	}
	all, err := s.Organising.Saved(ctx, c.Project.Key)
	if err != nil {
		return core.Change{}, err
	}
	notifying := 0
	for _, old := range all.List {
		if query.Fold(old.Name) == query.Fold(name) && (c.Person.Is(old.Person) || old.Shared && x.Shared) {
			return core.Change{}, core.Errorf(core.CodeConflict, "There is a saved search %s already: %s", old.Name, old.Query).WithNext("Take another name, or remove that one with: saved remove %s", old.Name)
		}
		if old.Notify {
			notifying++
		}
	}
	if len(all.List) >= maxSaved || x.Notify && notifying >= maxNotify {
		return core.Change{}, core.Errorf(core.CodeInvalid, "A project keeps at most %d searches, of which %d tell of new hits.", maxSaved, maxNotify).WithNext("Remove one with \"saved remove\".")
	}
	all.List = append(all.List, x)
	change := core.Change{Saved: all}
	said := c.T("Saved. %q finds what is there whenever you type: saved run %s", x.Query, name)
	if x.Notify {
		f.Room, f.Limit = x.Room, maxKnown
		known, err := s.Search.Search(ctx, f)
		if err != nil {
			return core.Change{}, err
		}
		if known.Total > maxKnown {
			return core.Change{}, core.Errorf(core.CodeInvalid, "That finds %d tasks already: too many to tell of new ones.", known.Total).WithNext("Make it narrower, or save it without --notify.")
		}
		change.Told = []core.Told{{Project: all.Project, Search: x.ID, Tasks: numbers(known.Tasks)}}
		said = c.N(known.Total, "Saved. I tell you of each new task that %[1]q finds; %[2]d is there already.", "Saved. I tell you of each new task that %[1]q finds; %[2]d are there already.", x.Query, known.Total)
	}
	change.Out = []core.Outgoing{c.answer(text(said))}
	return change, nil
}

func numbers(ids []core.TaskID) []int {
	out := make([]int, len(ids))
	for i, id := range ids {
		out[i] = id.Number()
	}
	return out
}

func (s *Studio) savedList(ctx context.Context, c *call) (core.Change, error) {
	all, err := s.Organising.Saved(ctx, c.Project.Key)
	if err != nil {
		return core.Change{}, err
	}
	var lines []string
	for _, x := range seen(all, c.Person) {
		line := c.T("%s: %s", x.Name, x.Query)
		if x.Shared {
			line += " · " + c.T("shared by %s", x.PersonName)
		}
		if x.Notify {
			line += " · " + c.T("tells of new hits")
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return c.say(text(c.T("There are no saved searches yet. Try: saved new posters tag:poster is:open")))
	}
	return c.say(core.Card{Title: c.T("Saved searches"), Body: bullets(lines)})
}

func (s *Studio) savedRun(ctx context.Context, c *call) (core.Change, error) {
	_, x, err := s.savedCalled(ctx, c, c.inv.Arg("saved"))
	if err != nil {
		return core.Change{}, err
	}
	mentions := x.Mentions
	if mentions == nil {
		mentions = map[string]core.IdentityID{}
	}
	// Whoever runs a shared search is "@me" in it, and sees what may be seen from where they are.
	return s.page(ctx, c, searching{Project: c.Project.Key, Query: x.Query, Mentions: mentions, Room: c.from()}, "", 0)
}

func (s *Studio) savedRemove(ctx context.Context, c *call) (core.Change, error) {
	all, x, err := s.savedCalled(ctx, c, c.inv.Arg("saved"))
	if err != nil {
		return core.Change{}, err
	}
	if !c.Person.Is(x.Person) && !c.role.Allows(core.RoleAdmin) {
		return core.Change{}, core.Errorf(core.CodeForbidden, "%s is %s's.", x.Name, x.PersonName).WithNext("Only they and admins can remove it.")
	}
	all.List = slices.DeleteFunc(all.List, func(y core.SavedSearch) bool { return y.ID == x.ID })
	return core.Change{Saved: all, Told: []core.Told{{Project: all.Project, Search: x.ID, Drop: true}}, Out: []core.Outgoing{c.answer(text(c.T("The saved search %s is gone.", x.Name)))}}, nil
}
