package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/studio"
	"github.com/atelier-bridge/atelier/feedback"
)

// organiser does a project partition's background work.
func (a *App) organiser() *studio.Organiser {
	return &studio.Organiser{Studio: a.studio, Watching: a.store.Review, Index: a.store.Review, Clock: a.clock, Log: a.log}
}

// Reindexed says what a reindexing did.
type Reindexed struct {
	Projects []core.ProjectKey `json:"projects"`
	Tasks    int               `json:"tasks"`
}

// Reindex builds the search index of some projects anew, of all when none is named, for an operator. Processes may go on
// serving. progress gets the number of tasks that are done, and of all.
func Reindex(ctx context.Context, keys []string, progress func(done, total int64)) (out Reindexed, err error) {
	s, _, err := openForTool(ctx)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if len(keys) > 0 {
		return out, reindexNamed(ctx, s, keys, progress, &out)
	}
	if out.Projects, err = s.People.Projects(ctx); err != nil {
		return out, err
	}
	all, err := tasksOf(ctx, s, out.Projects)
	if err != nil {
		return out, err
	}
	for _, p := range s.DB.Parts.All() {
		if p[0] != 'p' {
			continue
		}
		before := out.Tasks
		err := studio.ReindexPartition(ctx, s.People, s.Review, s.Review, s.DB.Parts, p, func(done int) {
			out.Tasks = before + done
			progress(int64(out.Tasks), max(all, int64(out.Tasks)))
		})
		if err != nil {
			return out, plain(err)
		}
	}
	return out, nil
}

// tasksOf returns how many tasks some projects ever had.
func tasksOf(ctx context.Context, s *feedback.Store, keys []core.ProjectKey) (all int64, err error) {
	for _, key := range keys {
		next, err := s.Review.NextTask(ctx, s.DB.Parts.OfProject(key), key)
		if err != nil {
			return 0, plain(err)
		}
		all += int64(next - 1)
	}
	return all, nil
}

func reindexNamed(ctx context.Context, s *feedback.Store, keys []string, progress func(done, total int64), out *Reindexed) error {
	for _, k := range keys {
		key, err := core.ParseProjectKey(k)
		if err != nil {
			return plain(err)
		}
		if _, err := s.People.Project(ctx, key); err != nil {
			return plain(err)
		}
		out.Projects = append(out.Projects, key)
	}
	all, err := tasksOf(ctx, s, out.Projects)
	if err != nil {
		return err
	}
	for _, key := range out.Projects {
		before, p := out.Tasks, s.DB.Parts.OfProject(key)
		whole, err := s.Review.Indexed(ctx, p)
		if err != nil {
			return plain(err)
		}
		err = studio.ReindexProject(ctx, s.Review, s.Review, key, func(done int) {
			out.Tasks = before + done
			progress(int64(out.Tasks), max(all, int64(out.Tasks)))
		})
		if err == nil && whole { // the other projects of its partition are
			err = s.Review.SetIndexed(ctx, p)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, plain(err))
		}
	}
	return nil
}

// checkIndex says whether searches find everything.
func checkIndex(ctx context.Context, s *feedback.Store) core.Finding {
	for _, p := range s.DB.Parts.All() {
		if p[0] != 'p' {
			continue
		}
		whole, err := s.Review.Indexed(ctx, p)
		if err != nil {
			return core.Finding{Area: "search", Warn: true, What: "the index cannot be looked at: " + string(core.ErrorCode(err))}
		}
		if !whole {
			return core.Finding{Area: "search", Warn: true, What: "the index is not whole, or of an older format: something may not be found", Fix: "serve builds it by itself; or run atelier reindex, beside it or before"}
		}
	}
	return core.Finding{Area: "search", OK: true, What: "the index is whole"}
}
