// Package review keeps tasks, versions, comments, threads and message references.
package review

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/journal"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

// Store implements core.Changes, core.Tasks, core.Comments, core.Refs, core.Marks, core.Posts, core.Search, core.Reindexing,
// core.Organising, core.Planning, core.Alarms and core.Moving.
type Store struct {
	db      *rdb.DB
	journal *journal.Journal
	likely  likely
	former  former
}

var (
	_ core.Changes  = (*Store)(nil)
	_ core.Tasks    = (*Store)(nil)
	_ core.Comments = (*Store)(nil)
	_ core.Refs     = (*Store)(nil)
	_ core.Marks    = (*Store)(nil)
	_ core.Posts    = (*Store)(nil)
)

// New returns the review store; the journal is that of the same store.
func New(db *rdb.DB, j *journal.Journal) *Store { return &Store{db: db, journal: j} }

const (
	// tombTTL is how long a deletion that came before its message is remembered.
	tombTTL = 8 * 24 * time.Hour
	// maxFeed bounds the change feed of a partition.
	maxFeed = 10_000
)

// Apply writes a change, all or nothing.
func (s *Store) Apply(ctx context.Context, c core.Change) error {
	b := s.db.NewBatch(c.Lease)
	k, p := s.db.Keys, c.Partition
	if c.NewTask != nil {
		s.newTask(b, p, c.NewTask)
		c.Tasks = append(c.Tasks, c.NewTask)
	}
	for _, t := range c.Tasks {
		t.V, t.Partition = core.RecordVersion, p
		if err := b.PutRecord(k.Task(p, t.ID), t.Rev, t); err != nil {
			return err
		}
		if !t.ID.IsTalk() { // people list tasks only
			if t.Rev == 0 {
				b.Do("ZADD", k.TaskList(p, t.ID.Project()), t.ID.Number(), string(t.ID))
			}
			s.timed(b, p, t)
		}
		s.feed(b, p, "task", string(t.ID))
	}
	for _, v := range c.Versions {
		v.V = core.RecordVersion
		if err := b.PutRecord(k.Version(p, v.ID), v.Rev, v); err != nil {
			return err
		}
		s.feed(b, p, "version", v.ID.String())
	}
	for _, m := range c.Comments {
		m.V = core.RecordVersion
		data, err := encodeComment(m)
		if err != nil {
			return err
		}
		b.PutSheet(k.Comment(p, m.Task, m.ID), m.Rev, data)
		b.Do("ZADD", k.CommentList(p, m.Task), m.At.UnixMilli(), string(m.ID))
		s.feed(b, p, "comment", string(m.Task)+"/"+string(m.ID))
	}
	remember, err := s.indexing(ctx, b, c)
	if err != nil {
		return err
	}
	if err := s.organising(b, c); err != nil {
		return err
	}
	if err := s.planning(b, c); err != nil {
		return err
	}
	for _, t := range c.Threads {
		if err := journal.PutThread(b, k, p, t); err != nil {
			return err
		}
	}
	for _, w := range c.Place {
		if err := journal.Place(b, k, p, w, newSource(c.Comments, w.Object)); err != nil {
			return err
		}
	}
	for _, in := range c.Early {
		if err := journal.Await(b, p, in); err != nil {
			return err
		}
	}
	for _, m := range c.Tombs {
		b.Tomb(p, m.Room, m.ID, tombTTL)
	}
	if err := journal.Enqueue(b, k, p, c.Out); err != nil {
		return err
	}
	if c.Dead != nil {
		if err := journal.Bury(b, k, p, *c.Dead); err != nil {
			return err
		}
	}
	if c.Handled != "" {
		journal.Finish(b, k, p, c.Handled)
	}
	if c.Took == nil {
		err = b.Commit(ctx)
	} else {
		err = s.take(ctx, b, c)
	}
	if err == nil && !b.Settled() {
		remember()
	}
	return err
}

// newTask takes the next number; the change fails when somebody took it first.
func (s *Store) newTask(b *rdb.Batch, p core.Partition, t *core.Task) {
	key := s.db.Keys.Sequence(p, t.ID.Project())
	want := ""
	if n := t.ID.Number(); n > 1 {
		want = strconv.Itoa(n - 1)
	}
	b.ExpectValue(key, want)
	b.Do("SET", key, t.ID.Number())
}

func (s *Store) feed(b *rdb.Batch, p core.Partition, kind, id string) {
	b.Do("XADD", s.db.Keys.Feed(p), "MAXLEN", "~", maxFeed, "*", "kind", kind, "id", id)
}

// NextTask returns the number that the project's next task will have.
func (s *Store) NextTask(ctx context.Context, p core.Partition, key core.ProjectKey) (int, error) {
	n, err := s.db.Client.Get(ctx, s.db.Keys.Sequence(p, key)).Int()
	if err != nil && !errors.Is(err, redis.Nil) {
		return 0, rdb.Fault(err)
	}
	return n + 1, nil
}

func (s *Store) partition(id core.TaskID) core.Partition { return s.db.Parts.OfProject(id.Project()) }

// Task returns a task.
func (s *Store) Task(ctx context.Context, id core.TaskID) (*core.Task, error) {
	return s.askTask(ctx, s.db.Client, id)()
}

func (s *Store) askTask(ctx context.Context, c redis.Cmdable, id core.TaskID) func() (*core.Task, error) {
	asked := rdb.AskRecord(ctx, c, s.db.Keys.Task(s.partition(id), id))
	return func() (*core.Task, error) {
		t := &core.Task{}
		rev, err := asked(t)
		if err != nil {
			return nil, notFound(err, "There is no task %s.", id)
		}
		t.Rev = rev
		if !id.IsTalk() {
			s.former.put(id, rev, taskTerms(t)) // anew: a failover may have lost what this process wrote by that number
		}
		return t, nil
	}
}

// List returns a project's tasks, newest first.
func (s *Store) List(ctx context.Context, key core.ProjectKey, offset, limit int) ([]*core.Task, error) {
	list, err := s.db.Client.ZRevRange(ctx, s.db.Keys.TaskList(s.db.Parts.OfProject(key), key), int64(offset), int64(offset+limit-1)).Result()
	if err != nil {
		return nil, rdb.Fault(err)
	}
	ids := make([]core.TaskID, len(list))
	for i, id := range list {
		ids[i] = core.TaskID(id)
	}
	return s.Some(ctx, key, ids)
}

// Some returns those of some tasks of a project that exist.
func (s *Store) Some(ctx context.Context, key core.ProjectKey, ids []core.TaskID) ([]*core.Task, error) {
	p := s.db.Parts.OfProject(key)
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = s.db.Keys.Task(p, id)
	}
	return readMany(ctx, s.db, keys, func(t *core.Task, rev int64) { t.Rev = rev })
}

// Version returns one version.
func (s *Store) Version(ctx context.Context, id core.VersionID) (*core.Version, error) {
	v := &core.Version{}
	rev, err := s.db.GetRecord(ctx, s.db.Keys.Version(s.partition(id.Task), id), v)
	if err != nil {
		return nil, notFound(err, "%s has no v%d.", id.Task, id.No)
	}
	v.Rev = rev
	return v, nil
}

// maxVersions bounds what Versions reads.
const maxVersions = 500

// Versions returns a task's versions, oldest first.
func (s *Store) Versions(ctx context.Context, id core.TaskID) ([]*core.Version, error) {
	t, err := s.Task(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.VersionsFrom(ctx, id, max(1, t.Latest-maxVersions+1), min(t.Latest, maxVersions))
}

// VersionsFrom returns a page of a task's versions.
func (s *Store) VersionsFrom(ctx context.Context, id core.TaskID, from, limit int) ([]*core.Version, error) {
	p := s.partition(id)
	var keys []string
	for n := from; n < from+limit; n++ {
		keys = append(keys, s.db.Keys.Version(p, core.VersionID{Task: id, No: n}))
	}
	return readMany(ctx, s.db, keys, func(v *core.Version, rev int64) { v.Rev = rev })
}

// Comment returns one comment.
func (s *Store) Comment(ctx context.Context, task core.TaskID, id core.CommentID) (*core.Comment, error) {
	return s.askComment(ctx, s.db.Client, task, id)()
}

func (s *Store) askComment(ctx context.Context, c redis.Cmdable, task core.TaskID, id core.CommentID) func() (*core.Comment, error) {
	asked := c.Get(ctx, s.db.Keys.Comment(s.partition(task), task, id))
	return func() (*core.Comment, error) { return commentIn(asked, task, id) }
}

// commentIn reads the comment of a sheet that was asked for.
func commentIn(asked *redis.StringCmd, task core.TaskID, id core.CommentID) (*core.Comment, error) {
	data, err := asked.Result()
	if err != nil {
		return nil, notFound(rdb.Fault(err), "There is no such comment on %s.", task)
	}
	m, err := decodeComment(data, task, id)
	return m, notFound(err, "There is no such comment on %s.", task)
}

// Comments returns a page of a task's comments in order of time.
func (s *Store) Comments(ctx context.Context, task core.TaskID, offset, limit int) ([]*core.Comment, int, error) {
	p := s.partition(task)
	list := s.db.Keys.CommentList(p, task)
	pipe := s.db.Client.Pipeline()
	total := pipe.ZCard(ctx, list)
	ids := &redis.StringSliceCmd{}
	if last := offset + limit - 1; limit > 0 {
		if offset < 0 {
			last = min(last, -1)
		}
		ids = pipe.ZRange(ctx, list, int64(offset), int64(last))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, 0, rdb.Fault(err)
	}
	if len(ids.Val()) == 0 {
		return nil, int(total.Val()), nil
	}
	keys := make([]string, len(ids.Val()))
	for i, id := range ids.Val() {
		keys[i] = s.db.Keys.Comment(p, task, core.CommentID(id))
	}
	found, err := s.db.Client.MGet(ctx, keys...).Result()
	if err != nil {
		return nil, 0, rdb.Fault(err)
	}
	out := make([]*core.Comment, 0, len(found))
	for i, v := range found {
		data, ok := v.(string)
		if !ok {
			continue
		}
		m, err := decodeComment(data, task, core.CommentID(ids.Val()[i]))
		if err != nil {
			return nil, 0, err
		}
		out = append(out, m)
	}
	return out, int(total.Val()), nil
}

// readMany reads records of one partition in one round trip; missing ones are left out.
func readMany[T any](ctx context.Context, db *rdb.DB, keys []string, setRev func(*T, int64)) ([]*T, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	pipe := db.Client.Pipeline()
	cmds := make([]*redis.SliceCmd, len(keys))
	for i, k := range keys {
		cmds[i] = pipe.HMGet(ctx, k, "v", "d")
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, rdb.Fault(err)
	}
	out := make([]*T, 0, len(keys))
	for _, c := range cmds {
		item := new(T)
		rev, err := rdb.Decode(c.Val(), item)
		if core.ErrorCode(err) == core.CodeNotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		setRev(item, rev)
		out = append(out, item)
	}
	return out, nil
}

func notFound(err error, format string, args ...any) error {
	if core.ErrorCode(err) == core.CodeNotFound {
		return core.Errorf(core.CodeNotFound, format, args...).Because(err)
	}
	return err
}
