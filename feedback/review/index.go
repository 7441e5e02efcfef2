package review

import (
	"context"
	"slices"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

// maxFormer bounds the tasks whose terms are remembered.
const maxFormer = 500

// former remembers by which terms tasks were found at a revision, so that a comment, which writes its task too, need not
// ask for them. A revision that is not remembered is read again.
type former struct {
	mu    sync.Mutex
	tasks map[core.TaskID]formerTask
}

type formerTask struct {
	rev   int64
	terms []string
}

func (f *former) get(id core.TaskID, rev int64) ([]string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t, ok := f.tasks[id]
	return t.terms, ok && t.rev == rev
}

// without reports that a task was not found by a term at a revision; false also when that is not remembered.
func (f *former) without(id core.TaskID, rev int64, term string) bool {
	terms, ok := f.get(id, rev)
	_, found := slices.BinarySearch(terms, term)
	return ok && !found
}

func (f *former) put(id core.TaskID, rev int64, terms []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tasks == nil || len(f.tasks) >= maxFormer {
		f.tasks = map[core.TaskID]formerTask{}
	}
	f.tasks[id] = formerTask{rev, terms}
}

// reindexed is a task of a change with its new terms.
type reindexed struct {
	id    core.TaskID
	rev   int64
	terms []string
}

// indexing adds to a change's batch what becomes of the search index. What its records said before is read again where it
// is not remembered; when somebody changed it meanwhile, the batch's own checks fail. remember is called once it is written.
func (s *Store) indexing(ctx context.Context, b *rdb.Batch, c core.Change) (remember func(), err error) {
	pipe := s.db.Client.Pipeline()
	var ops []func() error
	write := func(task core.TaskID, was, is []string) {
		if add, remove := less(is, was), less(was, is); len(add)+len(remove) > 0 {
			b.Index(c.Partition, task, add, remove)
		}
	}
	var tasks []reindexed
	for _, t := range c.Tasks {
		if t.ID.IsTalk() {
			continue
		}
		x := reindexed{t.ID, t.Rev, taskTerms(t)}
		tasks = append(tasks, x)
		if was, ok := s.former.get(x.id, x.rev); ok || x.rev == 0 {
			write(x.id, was, x.terms)
			continue
		}
		asked := s.askTask(ctx, pipe, x.id)
		ops = append(ops, func() error {
			old, err := asked()
			if err != nil {
				return err
			}
			write(x.id, taskTerms(old), x.terms)
			return nil
		})
	}
	for _, v := range c.Versions {
		if v.Rev == 0 {
			write(v.ID.Task, nil, versionTerms(v))
			continue
		}
		asked := rdb.AskRecord(ctx, pipe, s.db.Keys.Version(c.Partition, v.ID))
		ops = append(ops, func() error {
			old := &core.Version{}
			if _, err := asked(old); err != nil {
				return err
			}
			write(v.ID.Task, versionTerms(old), versionTerms(v))
			return nil
		})
	}
	for _, m := range c.Comments {
		switch {
		case m.Task.IsTalk():
		case m.Rev == 0:
			write(m.Task, nil, commentTerms(m))
		default:
			asked := s.askComment(ctx, pipe, m.Task, m.ID)
			ops = append(ops, func() error {
				old, err := asked()
				if err != nil {
					return err
				}
				write(m.Task, commentTerms(old), commentTerms(m))
				return nil
			})
		}
	}
	if err := s.readFormer(ctx, pipe, ops); err != nil {
		return nil, err
	}
	return func() {
		for _, x := range tasks {
			s.former.put(x.id, x.rev+1, x.terms)
		}
	}, nil
}

func (s *Store) readFormer(ctx context.Context, pipe redis.Pipeliner, ops []func() error) error {
	if len(ops) == 0 {
		return nil
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	for _, op := range ops {
		// A record that is not there has no revision that the change could have read: its own check fails.
		if err := op(); err != nil && core.ErrorCode(err) != core.CodeNotFound {
			return err
		}
	}
	return nil
}

// Indexed reports whether the index of a partition is whole and of the present format.
func (s *Store) Indexed(ctx context.Context, p core.Partition) (bool, error) {
	have, err := s.db.Client.Get(ctx, s.db.Keys.Indexed(p)).Result()
	if err = rdb.Fault(err); core.ErrorCode(err) == core.CodeNotFound {
		return false, nil
	}
	return have == rdb.IndexFormat, err
}

// SetIndexed notes that every task of a partition is indexed in the present format.
func (s *Store) SetIndexed(ctx context.Context, p core.Partition) error {
	return rdb.Fault(s.db.Client.Set(ctx, s.db.Keys.Indexed(p), rdb.IndexFormat, 0).Err())
}

// Restart empties the index of a project. What others change meanwhile counts itself.
func (s *Store) Restart(ctx context.Context, key core.ProjectKey) error {
	p := s.db.Parts.OfProject(key)
	pipe := s.db.Client.TxPipeline()
	pipe.Del(ctx, s.db.Keys.Indexed(p))
	pipe.Unlink(ctx, s.db.Keys.Words(p, key), s.db.Keys.Names(p, key))
	_, err := pipe.Exec(ctx)
	return rdb.Fault(err)
}

const (
	// reindexPage is how many records are read at once while a task is indexed anew.
	reindexPage = 500
	// reindexTries bounds how often a task is read that others change meanwhile.
	reindexTries = 50
)

// Reindex builds the index of a task anew from its records. Whatever others change meanwhile counts itself: then the
// records are read again. CodeConflict: they change it all the time.
func (s *Store) Reindex(ctx context.Context, id core.TaskID) error {
	for try := 1; ; try++ {
		err := s.reindex(ctx, id)
		if core.ErrorCode(err) != core.CodeConflict || try == reindexTries {
			return err
		}
	}
}

func (s *Store) reindex(ctx context.Context, id core.TaskID) error {
	p := s.partition(id)
	key := s.db.Keys.Terms(p, id)
	had, err := s.db.Client.HKeys(ctx, key).Result()
	if err != nil {
		return rdb.Fault(err)
	}
	rev := ""
	if slices.Contains(had, rdb.IndexRevision) {
		if rev, err = s.db.Client.HGet(ctx, key, rdb.IndexRevision).Result(); err != nil {
			return rdb.Fault(err)
		}
		// Read again behind the number: what came between the two counted it up before.
		if had, err = s.db.Client.HKeys(ctx, key).Result(); err != nil {
			return rdb.Fault(err)
		}
	}
	terms, err := s.allTerms(ctx, p, id)
	if core.ErrorCode(err) == core.CodeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	b := s.db.NewBatch(core.Lease{})
	b.Expect(key, rdb.IndexRevision, rev)
	b.IndexAnew(p, id, had, terms)
	return b.Commit(ctx)
}

// allTerms counts the terms of everything that a task holds.
func (s *Store) allTerms(ctx context.Context, p core.Partition, id core.TaskID) (map[string]int, error) {
	terms := map[string]int{}
	count := func(list []string) {
		for _, t := range list {
			terms[t]++
		}
	}
	t, err := s.Task(ctx, id)
	if err != nil {
		return nil, err
	}
	count(taskTerms(t))
	for from := 1; from <= t.Latest; from += reindexPage {
		var keys []string
		for n := from; n < from+reindexPage && n <= t.Latest; n++ {
			keys = append(keys, s.db.Keys.Version(p, core.VersionID{Task: id, No: n}))
		}
		page, err := readMany(ctx, s.db, keys, func(v *core.Version, rev int64) { v.Rev = rev })
		if err != nil {
			return nil, err
		}
		for _, v := range page {
			count(versionTerms(v))
		}
	}
	for from := 0; ; from += reindexPage {
		page, total, err := s.Comments(ctx, id, from, reindexPage)
		if err != nil {
			return nil, err
		}
		for _, m := range page {
			count(commentTerms(m))
		}
		if from+reindexPage >= total {
			return terms, nil
		}
	}
}
