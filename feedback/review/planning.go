package review

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

var (
	_ core.Planning = (*Store)(nil)
	_ core.Alarms   = (*Store)(nil)
	_ core.Moving   = (*Store)(nil)
)

// timed keeps the orders of a project's tasks by time.
func (s *Store) timed(b *rdb.Batch, p core.Partition, t *core.Task) {
	k, no := s.db.Keys, t.ID.Number()
	b.Do("ZADD", k.Touched(p, t.ID.Project()), t.UpdatedAt.UnixMilli(), no)
	switch due := k.Due(p, t.ID.Project()); {
	case !t.Due.IsZero() && !t.Gone():
		b.Do("ZADD", due, t.Due.UnixMilli(), no)
	case t.Rev > 0 && !s.former.without(t.ID, t.Rev, hasDue): // a new one was not in it
		b.Do("ZREM", due, no)
	}
}

// planning adds to a change's batch its bookings, digests, alarms and what is told later.
func (s *Store) planning(b *rdb.Batch, c core.Change) error {
	k, p := s.db.Keys, c.Partition
	if x := c.Calendar; x != nil {
		x.V = core.RecordVersion
		if err := b.PutRecord(k.Calendar(p, x.Project), x.Rev, x); err != nil {
			return err
		}
	}
	for _, x := range c.Bookings {
		x.V = core.RecordVersion
		if err := b.PutRecord(k.Booking(p, x.Project, x.No), x.Rev, x); err != nil {
			return err
		}
		if x.Cancelled {
			b.Do("ZREM", k.Bookings(p, x.Project), x.No)
		} else {
			b.Do("ZADD", k.Bookings(p, x.Project), x.Start.UnixMilli(), x.No)
		}
	}
	for _, x := range c.Digests {
		x.V = core.RecordVersion
		if err := b.PutRecord(k.Digest(p, x.Project, x.Room), x.Rev, x); err != nil {
			return err
		}
	}
	for _, x := range c.Alarms {
		if !x.Was.IsZero() {
			b.ExpectScore(k.Alarms(p), string(x.ID), x.Was.UnixMilli())
		}
		if x.At.IsZero() {
			b.Do("ZREM", k.Alarms(p), string(x.ID))
		} else {
			b.Do("ZADD", k.Alarms(p), x.At.UnixMilli(), string(x.ID))
		}
	}
	for _, x := range c.Untold {
		key := k.Untold(p, x.Person)
		switch {
		case x.Told && x.At.IsZero():
			b.Do("HDEL", key, string(x.ID))
			continue
		case x.Told:
			b.Do("HSET", key, string(x.ID), x.At.UnixMilli())
			continue
		}
		data, err := json.Marshal(x)
		if err != nil {
			return core.Wrap(core.CodeInternal, err)
		}
		b.Do("HSETNX", key, string(x.ID), data)
	}
	return nil
}

// Calendar returns what a project's bookings share.
func (s *Store) Calendar(ctx context.Context, key core.ProjectKey) (*core.Calendar, error) {
	out := &core.Calendar{}
	rev, err := s.db.GetRecord(ctx, s.db.Keys.Calendar(s.db.Parts.OfProject(key), key), out)
	if core.ErrorCode(err) == core.CodeNotFound {
		return &core.Calendar{Project: key}, nil
	}
	out.Rev = rev
	return out, err
}

// Booking returns one booking.
func (s *Store) Booking(ctx context.Context, key core.ProjectKey, no int) (*core.Booking, error) {
	out := &core.Booking{}
	rev, err := s.db.GetRecord(ctx, s.db.Keys.Booking(s.db.Parts.OfProject(key), key, no), out)
	out.Rev = rev
	return out, notFound(err, "There is no session %d.", no)
}

// between are the bounds of a range of scores from one moment to before another.
func between(from, to time.Time, limit int) *redis.ZRangeBy {
	return &redis.ZRangeBy{Min: strconv.FormatInt(from.UnixMilli(), 10), Max: "(" + strconv.FormatInt(to.UnixMilli(), 10), Count: int64(limit)}
}

// Bookings returns the bookings that begin within a span of time.
func (s *Store) Bookings(ctx context.Context, key core.ProjectKey, from, to time.Time, limit int) ([]*core.Booking, error) {
	p := s.db.Parts.OfProject(key)
	nos, err := s.db.Client.ZRangeByScore(ctx, s.db.Keys.Bookings(p, key), between(from, to, limit)).Result()
	if err != nil {
		return nil, rdb.Fault(err)
	}
	keys := make([]string, len(nos))
	for i, no := range nos {
		n, err := strconv.Atoi(no)
		if err != nil {
			return nil, core.Wrap(core.CodeInternal, err)
		}
		keys[i] = s.db.Keys.Booking(p, key, n)
	}
	return readMany(ctx, s.db, keys, func(b *core.Booking, rev int64) { b.Rev = rev })
}

// Digest returns a room's digest.
func (s *Store) Digest(ctx context.Context, key core.ProjectKey, room core.RoomID) (*core.DigestPlan, error) {
	out := &core.DigestPlan{}
	rev, err := s.db.GetRecord(ctx, s.db.Keys.Digest(s.db.Parts.OfProject(key), key, room), out)
	if core.ErrorCode(err) == core.CodeNotFound {
		return &core.DigestPlan{Project: key, Room: room}, nil
	}
	out.Rev = rev
	return out, err
}

// Ringing returns the alarms of a partition that are due.
func (s *Store) Ringing(ctx context.Context, p core.Partition, now time.Time, limit int) ([]core.Alarm, error) {
	found, err := s.db.Client.ZRangeByScoreWithScores(ctx, s.db.Keys.Alarms(p), &redis.ZRangeBy{Min: "-inf", Max: strconv.FormatInt(now.UnixMilli(), 10), Count: int64(limit)}).Result()
	if err != nil {
		return nil, rdb.Fault(err)
	}
	out := make([]core.Alarm, len(found))
	for i, z := range found {
		id, _ := z.Member.(string)
		out[i] = core.Alarm{ID: core.AlarmID(id), Was: time.UnixMilli(int64(z.Score)).UTC()}
	}
	return out, nil
}

// HeldBack returns what a person is still to be told, and what they were told late.
func (s *Store) HeldBack(ctx context.Context, id core.PersonID) ([]core.Untold, error) {
	all, err := s.db.Client.HGetAll(ctx, s.db.Keys.Untold(s.db.Parts.OfPerson(id), id)).Result()
	if err != nil {
		return nil, rdb.Fault(err)
	}
	var out []core.Untold
	for field, data := range all {
		x := core.Untold{Person: id}
		if ms, err := strconv.ParseInt(data, 10, 64); err == nil {
			x.ID, x.Told, x.At = core.DeliveryID(field), true, time.UnixMilli(ms).UTC()
			out = append(out, x)
			continue
		}
		if err := json.Unmarshal([]byte(data), &x); err != nil {
			return nil, core.Wrap(core.CodeInternal, err)
		}
		x.Person = id // they may have been somebody else when it was held back
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b core.Untold) int { return a.At.Compare(b.At) })
	return out, nil
}

// Touched returns the tasks of a project that changed lately.
func (s *Store) Touched(ctx context.Context, key core.ProjectKey, since time.Time, limit int) ([]*core.Task, error) {
	p := s.db.Parts.OfProject(key)
	by := &redis.ZRangeBy{Min: strconv.FormatInt(since.UnixMilli(), 10), Max: "+inf", Count: int64(limit)}
	nos, err := s.db.Client.ZRevRangeByScore(ctx, s.db.Keys.Touched(p, key), by).Result()
	return s.numbered(ctx, key, nos, err)
}

// Due returns the tasks that are due within a span of time.
func (s *Store) Due(ctx context.Context, key core.ProjectKey, from, to time.Time, limit int) ([]*core.Task, error) {
	p := s.db.Parts.OfProject(key)
	nos, err := s.db.Client.ZRangeByScore(ctx, s.db.Keys.Due(p, key), between(from, to, limit)).Result()
	return s.numbered(ctx, key, nos, err)
}

// numbered reads tasks by their numbers.
func (s *Store) numbered(ctx context.Context, key core.ProjectKey, nos []string, err error) ([]*core.Task, error) {
	if err != nil {
		return nil, rdb.Fault(err)
	}
	p := s.db.Parts.OfProject(key)
	keys := make([]string, len(nos))
	for i, no := range nos {
		keys[i] = s.db.Keys.Task(p, core.TaskID(string(key)+"-"+no))
	}
	return readMany(ctx, s.db, keys, func(t *core.Task, rev int64) { t.Rev = rev })
}
