package review

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

var (
	_ core.Organising = (*Store)(nil)
	_ core.Watching   = (*Store)(nil)
)

// hitBytes is what one number of a bulk action's tasks takes.
const hitBytes = 4

// organising adds to a change's batch its saved searches and bulk actions.
func (s *Store) organising(b *rdb.Batch, c core.Change) error {
	k, p := s.db.Keys, c.Partition
	if x := c.Saved; x != nil {
		x.V = core.RecordVersion
		if err := b.PutRecord(k.Saved(p, x.Project), x.Rev, x); err != nil {
			return err
		}
		b.Do("SADD", k.SavedProjects(p), string(x.Project))
	}
	for _, t := range c.Told {
		key := k.Told(p, t.Project, t.Search)
		if t.Drop {
			b.Do("DEL", key)
		}
		for page := range slices.Chunk(t.Tasks, 500) {
			args := make([]any, len(page))
			for i, n := range page {
				args[i] = n
			}
			b.Do("SADD", key, args...)
		}
	}
	if c.Watched != "" {
		b.Do("SET", k.Watched(p), string(c.Watched))
	}
	for _, x := range c.Bulks {
		x.V = core.RecordVersion
		if err := b.PutRecord(k.Bulk(p, string(x.ID)), x.Rev, x); err != nil {
			return err
		}
		if x.Rev == 0 {
			hits := make([]byte, 0, hitBytes*len(x.Hits))
			for _, n := range x.Hits {
				hits = binary.BigEndian.AppendUint32(hits, uint32(n)) //nolint:gosec // tasks are numbered from 1
			}
			b.Do("SET", k.BulkHits(p, string(x.ID)), hits)
			b.Do("ZADD", k.Bulks(p, x.ID.Project()), x.At.UnixMilli(), string(x.ID))
		}
		if x.Active() {
			b.Do("SADD", k.BulksActive(p), string(x.ID))
			continue
		}
		b.Do("SREM", k.BulksActive(p), string(x.ID))
		b.Do("DEL", k.BulkHits(p, string(x.ID)))
	}
	return nil
}

// Saved returns a project's saved searches.
func (s *Store) Saved(ctx context.Context, key core.ProjectKey) (*core.SavedSearches, error) {
	out := &core.SavedSearches{}
	rev, err := s.db.GetRecord(ctx, s.db.Keys.Saved(s.db.Parts.OfProject(key), key), out)
	if core.ErrorCode(err) == core.CodeNotFound {
		return &core.SavedSearches{Project: key}, nil
	}
	out.Rev = rev
	return out, err
}

// Bulk returns a bulk action.
func (s *Store) Bulk(ctx context.Context, id core.BulkID) (*core.Bulk, error) {
	out := &core.Bulk{}
	rev, err := s.db.GetRecord(ctx, s.db.Keys.Bulk(s.db.Parts.OfProject(id.Project()), string(id)), out)
	out.Rev = rev
	return out, notFound(err, "There is no bulk action %s.", id)
}

// Bulks returns a project's newest bulk actions.
func (s *Store) Bulks(ctx context.Context, key core.ProjectKey, limit int) ([]*core.Bulk, error) {
	p := s.db.Parts.OfProject(key)
	ids, err := s.db.Client.ZRevRange(ctx, s.db.Keys.Bulks(p, key), 0, int64(limit-1)).Result()
	if err != nil {
		return nil, rdb.Fault(err)
	}
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = s.db.Keys.Bulk(p, id)
	}
	return readMany(ctx, s.db, keys, func(b *core.Bulk, rev int64) { b.Rev = rev })
}

// BulkHits returns numbers of tasks of a bulk action.
func (s *Store) BulkHits(ctx context.Context, id core.BulkID, from, n int) ([]int, error) {
	key := s.db.Keys.BulkHits(s.db.Parts.OfProject(id.Project()), string(id))
	data, err := s.db.Client.GetRange(ctx, key, int64(hitBytes*from), int64(hitBytes*(from+n)-1)).Result()
	if err != nil {
		return nil, rdb.Fault(err)
	}
	var out []int
	for ; len(data) >= hitBytes; data = data[hitBytes:] {
		out = append(out, int(binary.BigEndian.Uint32([]byte(data[:hitBytes]))))
	}
	return out, nil
}

// Active returns what background work a partition may have.
func (s *Store) Active(ctx context.Context, p core.Partition) ([]core.BulkID, []core.ProjectKey, error) {
	pipe := s.db.Client.Pipeline()
	bulks, savers := pipe.SMembers(ctx, s.db.Keys.BulksActive(p)), pipe.SMembers(ctx, s.db.Keys.SavedProjects(p))
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, nil, rdb.Fault(err)
	}
	var ids []core.BulkID
	for _, id := range bulks.Val() {
		ids = append(ids, core.BulkID(id))
	}
	var keys []core.ProjectKey
	for _, key := range savers.Val() {
		keys = append(keys, core.ProjectKey(key))
	}
	slices.Sort(ids)
	slices.Sort(keys)
	return ids, keys, nil
}

// Waiting returns how many outgoings wait in a partition.
func (s *Store) Waiting(ctx context.Context, p core.Partition) (int, error) {
	n, err := s.db.Client.XLen(ctx, s.db.Keys.Outbox(p)).Result()
	return int(n), rdb.Fault(err)
}

// changesAtOnce is how many entries of the change feed are read together.
const changesAtOnce = 500

// Changed returns which tasks changed since saved searches were looked through last.
func (s *Store) Changed(ctx context.Context, p core.Partition) (tasks []core.TaskID, upTo core.EntryID, more, lost bool, err error) {
	feed := s.db.Keys.Feed(p)
	since, err := s.db.Client.Get(ctx, s.db.Keys.Watched(p)).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, "", false, false, rdb.Fault(err)
	}
	pipe := s.db.Client.Pipeline()
	newest, first := pipe.XRevRangeN(ctx, feed, "+", "-", 1), pipe.XRangeN(ctx, feed, "-", "+", 1)
	next := pipe.XRangeN(ctx, feed, "("+orFirst(since), "+", changesAtOnce)
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, "", false, false, rdb.Fault(err)
	}
	if len(newest.Val()) == 0 {
		return nil, "", false, false, nil
	}
	if since == "" || olderEntry(since, first.Val()[0].ID) {
		return nil, core.EntryID(newest.Val()[0].ID), false, true, nil
	}
	seen := map[core.TaskID]bool{}
	for _, e := range next.Val() {
		upTo = core.EntryID(e.ID)
		id, _ := e.Values["id"].(string)
		task, _, _ := strings.Cut(id, "/")
		if t := core.TaskID(task); !t.IsTalk() && !seen[t] {
			seen[t] = true
			tasks = append(tasks, t)
		}
	}
	return tasks, upTo, len(next.Val()) == changesAtOnce, false, nil
}

func orFirst(id string) string {
	if id == "" {
		return "0-0"
	}
	return id
}

// olderEntry reports whether a stream's entry came before another one.
func olderEntry(a, b string) bool {
	split := func(s string) (string, string) {
		ms, n, _ := strings.Cut(s, "-")
		return ms, n
	}
	less := func(x, y string) bool { return len(x) < len(y) || len(x) == len(y) && x < y }
	am, an := split(a)
	bm, bn := split(b)
	return less(am, bm) || am == bm && less(an, bn)
}

// Untold returns those of some tasks of which a saved search has not told.
func (s *Store) Untold(ctx context.Context, key core.ProjectKey, search string, tasks []int) ([]int, error) {
	told := s.db.Keys.Told(s.db.Parts.OfProject(key), key, search)
	var out []int
	for page := range slices.Chunk(tasks, changesAtOnce) {
		args := make([]any, len(page))
		for i, n := range page {
			args[i] = n
		}
		have, err := s.db.Client.SMIsMember(ctx, told, args...).Result()
		if err != nil {
			return nil, rdb.Fault(err)
		}
		for i, n := range page {
			if !have[i] {
				out = append(out, n)
			}
		}
	}
	return out, nil
}
