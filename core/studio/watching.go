package studio

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/atelier-bridge/atelier/core"
)

// hitsTold is how many tasks one message about a saved search names.
const hitsTold = 10

// watched is a saved search that tells of new hits, ready to be held against tasks.
type watched struct {
	core.SavedSearch
	find  core.Find
	owner *core.Person
	fresh []int
}

// watch tells of what saved searches newly find among the tasks that changed. How far the changes were looked through is
// written with what is told.
func (o *Organiser) watch(ctx context.Context, p core.Partition, l core.Lease, savers []core.ProjectKey) error {
	for more := true; more; {
		tasks, upTo, left, lost, err := o.Watching.Changed(ctx, p)
		if err != nil || upTo == "" {
			return err
		}
		more = left
		// Read behind the changes, for each page of them: one that is saved meanwhile finds what comes after it.
		var all []*watched
		for _, key := range savers {
			list, err := o.notifying(ctx, key)
			if err != nil {
				return err
			}
			all = append(all, list...)
		}
		if len(all) == 0 {
			return nil
		}
		if lost {
			err = o.findAll(ctx, all)
		} else {
			err = o.findAmong(ctx, all, tasks)
		}
		if err != nil {
			return err
		}
		change := core.Change{Partition: p, Lease: l, Watched: upTo}
		for _, w := range all {
			if len(w.fresh) == 0 {
				continue
			}
			change.Told = append(change.Told, core.Told{Project: w.find.Project, Search: w.ID, Tasks: w.fresh})
			out, err := o.tell(ctx, w)
			if err != nil {
				return err
			}
			change.Out = append(change.Out, out...)
		}
		if err := o.Studio.Changes.Apply(ctx, change); err != nil {
			return err
		}
	}
	return nil
}

// notifying reads the saved searches of a project that tell of new hits. One that cannot be read any more, because its
// folder is gone or its owner may not look, tells nothing.
func (o *Organiser) notifying(ctx context.Context, key core.ProjectKey) ([]*watched, error) {
	s := o.Studio
	saved, err := s.Organising.Saved(ctx, key)
	if err != nil {
		return nil, err
	}
	var out []*watched
	var project *core.Project
	for _, x := range saved.List {
		if !x.Notify {
			continue
		}
		if project == nil {
			if project, err = s.Projects.Project(ctx, key); err != nil {
				return nil, err
			}
		}
		owner, err := s.People.Person(ctx, x.Person)
		if core.ErrorCode(err) == core.CodeNotFound || err == nil && !s.mayHear(owner, project) {
			continue
		}
		if err != nil {
			return nil, err
		}
		mentions := x.Mentions
		find, err := s.compile(ctx, x.Query, asking{project: project, person: owner, lang: owner.Lang(s.Translator), room: x.Room, platform: x.Identity.Platform(), mentions: mentions})
		if core.ErrorCode(err) == core.CodeRetry || core.ErrorCode(err) == core.CodeInternal {
			return nil, err
		}
		if err == nil {
			out = append(out, &watched{SavedSearch: x, find: find, owner: owner})
		}
	}
	return out, nil
}

// findAll looks everything up: it is not known what changed.
func (o *Organiser) findAll(ctx context.Context, all []*watched) error {
	for _, w := range all {
		f := w.find
		f.Limit = maxKnown
		found, err := o.Studio.Search.Search(ctx, f)
		if err != nil {
			return err
		}
		if w.fresh, err = o.Watching.Untold(ctx, f.Project, w.ID, numbers(found.Tasks)); err != nil {
			return err
		}
	}
	return nil
}

// findAmong holds saved searches against tasks that changed.
func (o *Organiser) findAmong(ctx context.Context, all []*watched, tasks []core.TaskID) error {
	hits := map[*watched][]int{}
	for _, id := range tasks {
		terms, asked := map[string]bool{}, false
		for _, w := range all {
			if w.find.Project == id.Project() {
				asked = true
				for _, c := range w.find.All {
					for _, t := range c.Any {
						terms[t] = true
					}
				}
			}
		}
		if !asked {
			continue
		}
		t, err := o.Studio.Tasks.Task(ctx, id)
		if core.ErrorCode(err) == core.CodeNotFound || err == nil && t.Gone() {
			continue
		}
		if err != nil {
			return err
		}
		has, err := o.Studio.Search.Holds(ctx, id, slices.Sorted(maps.Keys(terms)))
		if err != nil {
			return err
		}
		for _, w := range all {
			if w.find.Project == id.Project() && holds(w.find, t, has) {
				hits[w] = append(hits[w], id.Number())
			}
		}
	}
	for w, list := range hits {
		var err error
		if w.fresh, err = o.Watching.Untold(ctx, w.find.Project, w.ID, list); err != nil {
			return err
		}
	}
	return nil
}

// holds reports whether a task is found, given which of the search's terms it has.
func holds(f core.Find, t *core.Task, has map[string]bool) bool {
	if t.Private && !slices.Contains(t.Rooms, f.Room) || !f.After.IsZero() && t.CreatedAt.Before(f.After) || !f.Before.IsZero() && !t.CreatedAt.Before(f.Before) {
		return false
	}
	for _, c := range f.All {
		if slices.ContainsFunc(c.Any, func(term string) bool { return has[term] }) == c.Not {
			return false
		}
	}
	return true
}

// tell writes to a saved search's owner what it newly finds: to where it was saved, or to where they chose to be told, and
// after their quiet hours. Whoever is told nothing at all is not told of this either.
func (o *Organiser) tell(ctx context.Context, w *watched) ([]core.Outgoing, error) {
	s := o.Studio
	if !wants(w.owner, aboutReminders) {
		return nil, nil
	}
	lang, now := w.owner.Lang(s.Translator), o.Clock.Now().UTC()
	title := lang.N(len(w.fresh), "%[1]d new task for your saved search %[2]s", "%[1]d new tasks for your saved search %[2]s", len(w.fresh), w.Name)
	until := quietUntil(w.owner, lang, now)
	slices.Sort(w.fresh)
	tasks, err := s.Tasks.Some(ctx, w.find.Project, ids(w.find.Project, w.fresh[:min(len(w.fresh), hitsTold)]))
	if err != nil {
		return nil, err
	}
	to := []core.IdentityID{w.Identity}
	if w.owner.Settings[settingWhere] != "" {
		to = told(w.owner)
	}
	digest := "saved/" + w.ID + "/" + core.Digest(16, fmt.Sprint(w.fresh))
	var out []core.Outgoing
	for _, id := range to {
		var lines, names []string
		var open []core.Button
		for _, t := range tasks {
			lines, names = append(lines, clip(called(t).In(lang), 90)), append(names, string(t.ID))
			if url := s.linkTo(ctx, t, id.Platform(), w.Room); url != "" && len(open) < 5 {
				open = append(open, core.Button{Label: lang.T("Open %s", t.ID), URL: url})
			}
		}
		x := core.Outgoing{ID: core.MakeDeliveryID("", "", digest+"/"+string(id)), Kind: core.OutDirect, To: id, At: now}
		if !until.IsZero() {
			x.Kind, x.To, x.At = core.OutHold, "", until
			x.Untold = &core.Untold{ID: x.ID, Person: w.owner.ID, To: id, Text: lang.T("%[1]s: %[2]s", title, strings.Join(names, ", ")), At: now}
			if len(open) > 0 {
				x.Untold.URL = open[0].URL
			}
			out = append(out, x)
			continue
		}
		x.Card = &core.Card{Title: title, Body: bullets(lines), Footer: clip(w.Query, 200)}
		if len(open) > 0 {
			x.Card.Buttons = [][]core.Button{open}
		}
		out = append(out, x)
	}
	return out, nil
}

// ids are tasks of a project by their numbers.
func ids(key core.ProjectKey, numbers []int) []core.TaskID {
	out := make([]core.TaskID, len(numbers))
	for i, n := range numbers {
		out[i] = core.MakeTaskID(key, n)
	}
	return out
}
