package studio

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/relay"
)

// Organiser does a project partition's work in the background: bulk actions step by step, telling of what saved searches
// newly find, and building the search index where it is missing. It implements relay.Worker.
type Organiser struct {
	Studio   *Studio
	Watching core.Watching
	Index    core.Reindexing
	Clock    core.Clock
	Log      *slog.Logger
}

var _ relay.Worker = (*Organiser)(nil)

const (
	// organiseEvery is how often a partition is looked through.
	organiseEvery = time.Second
	// bulkStep is how many tasks one step of a bulk action changes: few enough that a comment does not wait for it.
	bulkStep = 20
	// bulkRest is how long a bulk action rests between two steps.
	bulkRest = 20 * time.Millisecond
	// showStep is how many tasks' cards are brought up to date at once, showBelow how few outgoings must wait for that.
	showStep, showBelow = 4, 4
	// bulkTries bounds how often a step is tried at once whose tasks others change.
	bulkTries = 5
)

// Work looks after a partition until the context ends.
func (o *Organiser) Work(ctx context.Context, p core.Partition, l core.Lease) {
	if p[0] != 'p' {
		return
	}
	indexed := make(chan struct{})
	go func() {
		defer close(indexed)
		o.build(ctx, p)
	}()
	defer func() { <-indexed }()
	for o.Clock.Sleep(ctx, organiseEvery) == nil {
		if err := o.round(ctx, p, l); err != nil && ctx.Err() == nil {
			if core.ErrorCode(err) == core.CodeGone {
				return
			}
			o.Log.WarnContext(ctx, "background work of a partition failed", "partition", p, "error", err)
		}
	}
}

// round does what there is to do.
func (o *Organiser) round(ctx context.Context, p core.Partition, l core.Lease) error {
	bulks, savers, err := o.Watching.Active(ctx, p)
	if err != nil {
		return err
	}
	var errs []error
	for _, id := range bulks {
		errs = append(errs, o.bulk(ctx, p, l, id))
	}
	if len(savers) > 0 {
		errs = append(errs, o.watch(ctx, p, l, savers))
	}
	return errors.Join(errs...)
}

// build builds the index of a partition that has none of the present format.
func (o *Organiser) build(ctx context.Context, p core.Partition) {
	whole, err := o.Index.Indexed(ctx, p)
	if err == nil && !whole {
		err = ReindexPartition(ctx, o.Studio.Projects, o.Studio.Tasks, o.Index, o.Studio.Parts, p, nil)
	}
	if err != nil && ctx.Err() == nil {
		o.Log.WarnContext(ctx, "search index not built; atelier reindex builds it", "partition", p, "error", err)
	}
}

// reindexPage is how many tasks are listed at once.
const reindexPage = 200

// ReindexPartition builds the search index of a partition's projects anew while it is used. told may be nil; it gets the
// number of tasks that are done.
func ReindexPartition(ctx context.Context, projects core.Projects, tasks core.Tasks, index core.Reindexing, parts core.Partitions, p core.Partition, told func(done int)) error {
	keys, err := projects.Projects(ctx)
	if err != nil {
		return err
	}
	done := 0
	for _, key := range keys {
		if parts.OfProject(key) != p {
			continue
		}
		if err := ReindexProject(ctx, tasks, index, key, func(int) {
			if done++; told != nil {
				told(done)
			}
		}); err != nil {
			return err
		}
	}
	return index.SetIndexed(ctx, p)
}

// ReindexProject builds the search index of one project anew while it is used; told gets the number of tasks done. Until
// then searches say that something may be missing; the caller notes when the partition's index is whole again.
func ReindexProject(ctx context.Context, tasks core.Tasks, index core.Reindexing, key core.ProjectKey, told func(done int)) error {
	if err := index.Restart(ctx, key); err != nil {
		return err
	}
	done := 0
	// From the newest on: whoever is made meanwhile indexes itself and moves the others down, which are then done again.
	for offset := 0; ; offset += reindexPage {
		page, err := tasks.List(ctx, key, offset, reindexPage)
		if err != nil {
			return err
		}
		for _, t := range page {
			if err := index.Reindex(ctx, t.ID); err != nil {
				return err
			}
			done++
			told(done)
		}
		if len(page) == 0 {
			return nil
		}
	}
}

// bulk does steps of a bulk action until it ends, or until its cards must wait.
func (o *Organiser) bulk(ctx context.Context, p core.Partition, l core.Lease, id core.BulkID) error {
	for tries := 0; ; {
		more, err := o.step(ctx, p, l, id)
		if core.ErrorCode(err) == core.CodeConflict && tries < bulkTries {
			tries++
			continue
		}
		if err != nil || !more {
			return err
		}
		tries = 0
		if err := o.Clock.Sleep(ctx, bulkRest); err != nil {
			return err
		}
	}
}

// step does one step; more is false when nothing can be done now. Tasks and the place in the list are written together, so
// that whoever goes on after a crash does none of them twice.
func (o *Organiser) step(ctx context.Context, p core.Partition, l core.Lease, id core.BulkID) (more bool, err error) {
	s := o.Studio
	b, err := s.Organising.Bulk(ctx, id)
	if err != nil || !b.Active() {
		return false, err
	}
	project, err := s.Projects.Project(ctx, id.Project())
	if err != nil {
		return false, err
	}
	if b.State == core.BulkShowing {
		return o.show(ctx, p, l, b)
	}
	hits, err := s.Organising.BulkHits(ctx, id, b.Done, bulkStep)
	if err != nil {
		return false, err
	}
	change := core.Change{Partition: p, Lease: l, Bulks: []*core.Bulk{b}}
	if allowed, err := o.act(ctx, b, project, hits, &change); err != nil {
		return false, err
	} else if !allowed {
		b.State, b.EndedAt = core.BulkStopped, o.Clock.Now().UTC()
		return false, s.Changes.Apply(ctx, change)
	}
	b.Done += len(hits)
	b.Changed += len(change.Tasks)
	if b.Done >= b.Total || len(hits) == 0 {
		b.State, b.EndedAt = core.BulkShowing, o.Clock.Now().UTC()
		if b.Changed == 0 {
			b.State = core.BulkDone
		}
		change.Out = s.bulkEnded(ctx, b, project, b.EndedAt)
	}
	return b.Active(), s.Changes.Apply(ctx, change)
}

// act puts what becomes of some tasks into a change. allowed is false when the person may not do it any more.
func (o *Organiser) act(ctx context.Context, b *core.Bulk, project *core.Project, hits []int, change *core.Change) (allowed bool, err error) {
	s := o.Studio
	action, err := s.bulkAction(b.Action)
	if err != nil {
		return false, err
	}
	person, err := s.People.Person(ctx, b.Person)
	if err != nil {
		return false, err
	}
	role := s.roleOf(person, project, b.Roles)
	if row, ok := s.Table.Row(action.verb); !ok || !role.Allows(row.Role) {
		return false, nil
	}
	for _, n := range hits {
		id := core.MakeTaskID(project.Key, n)
		t, err := s.Tasks.Task(ctx, id)
		if code := core.ErrorCode(err); code == core.CodeNotFound || code == core.CodeInternal || err == nil && t.Gone() {
			o.skipped(ctx, b, id, err)
			continue
		}
		if err != nil {
			return false, err
		}
		now := o.Clock.Now().UTC()
		c := &call{role: role, task: t, Scope: relay.Scope{Partition: change.Partition, Person: person, Project: project, Lang: person.Lang(s.Translator),
			In: core.Inbound{ID: core.InboundID("bulk/" + string(b.ID) + "/" + string(id)), Kind: core.InboundCommand, At: now, Room: b.Room, Actor: core.Actor{Identity: b.Identity, Name: b.Name, Roles: b.Roles}}}}
		if b.Room != "" {
			c.Room = &core.Room{ID: b.Room, Project: project.Key}
		}
		made, err := action.do(ctx, s, c, b.Arg)
		switch code := core.ErrorCode(err); {
		case err == nil:
		case code == core.CodeRetry || code == core.CodeGone:
			return false, err
		default:
			o.skipped(ctx, b, id, err)
			continue
		}
		for _, t := range made.Tasks {
			t.UpdatedAt = now
		}
		change.Tasks, change.Versions = append(change.Tasks, made.Tasks...), append(change.Versions, made.Versions...)
	}
	return true, nil
}

// skipped says why something was not done to a task, where that is a fault of ours: one must not hold up the others for ever.
func (o *Organiser) skipped(ctx context.Context, b *core.Bulk, id core.TaskID, err error) {
	if core.ErrorCode(err) == core.CodeInternal {
		o.Log.ErrorContext(ctx, "task left out of a bulk action", "bulk", b.ID, "task", id, "error", err)
	}
}

// show brings the cards of a few tasks up to date when hardly anything else waits to be sent.
func (o *Organiser) show(ctx context.Context, p core.Partition, l core.Lease, b *core.Bulk) (more bool, err error) {
	s := o.Studio
	waiting, err := o.Watching.Waiting(ctx, p)
	if err != nil || waiting > showBelow {
		return false, err
	}
	hits, err := s.Organising.BulkHits(ctx, b.ID, b.Shown, showStep)
	if err != nil {
		return false, err
	}
	change := core.Change{Partition: p, Lease: l, Bulks: []*core.Bulk{b}}
	for _, n := range hits {
		t, err := s.Tasks.Task(ctx, core.MakeTaskID(b.ID.Project(), n))
		if core.ErrorCode(err) == core.CodeNotFound || err == nil && t.Gone() {
			continue
		}
		if err != nil {
			return false, err
		}
		show := []int{0}
		if v := t.Picked.Version; v > 0 && t.Latest > 1 {
			show = append(show, v)
		} else if t.Latest > 1 {
			show = append(show, t.Latest)
		}
		c := &call{Scope: relay.Scope{In: core.Inbound{At: o.Clock.Now().UTC()}}}
		change.Out = append(change.Out, cardsIn(t, c, "bulk/"+string(b.ID), show...)...)
	}
	b.Shown += len(hits)
	if b.Shown >= b.Total || len(hits) == 0 {
		b.State = core.BulkDone
	}
	return b.Active(), s.Changes.Apply(ctx, change)
}
