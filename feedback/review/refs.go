package review

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/journal"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

// Thread returns the thread with this id in a room.
func (s *Store) Thread(ctx context.Context, p core.Partition, room core.RoomID, id core.ThreadID) (*core.Thread, error) {
	return s.askThread(ctx, s.db.Client, p, room, id)()
}

func (s *Store) askThread(ctx context.Context, c redis.Cmdable, p core.Partition, room core.RoomID, id core.ThreadID) func() (*core.Thread, error) {
	return threadFrom(c.Get(ctx, s.db.Keys.Thread(p, room, id)))
}

func threadFrom(asked *redis.StringCmd) func() (*core.Thread, error) {
	return func() (*core.Thread, error) {
		data, err := asked.Bytes()
		if err != nil {
			return nil, rdb.Fault(err)
		}
		t := &core.Thread{}
		return t, rdb.DecodeJSON(data, t)
	}
}

// TaskThread returns a task's thread in a room.
func (s *Store) TaskThread(ctx context.Context, task core.TaskID, room core.RoomID) (*core.Thread, error) {
	return s.askTaskThread(ctx, s.db.Client, task, room)()
}

func (s *Store) askTaskThread(ctx context.Context, c redis.Cmdable, task core.TaskID, room core.RoomID) func() (*core.Thread, error) {
	return threadFrom(c.HGet(ctx, s.db.Keys.TaskThreads(s.partition(task), task), string(room)))
}

// Object returns what a message shows.
func (s *Store) Object(ctx context.Context, p core.Partition, room core.RoomID, msg core.MessageID) (core.ObjectID, bool, error) {
	pipe := s.db.Client.Pipeline()
	object := s.askObject(ctx, pipe, p, room, msg)
	_, _ = pipe.Exec(ctx) // each answer has its own error
	return object()
}

func (s *Store) askObject(ctx context.Context, c redis.Cmdable, p core.Partition, room core.RoomID, msg core.MessageID) func() (core.ObjectID, bool, error) {
	return s.db.AskRef(ctx, c, p, room, msg)
}

// Placed returns where an object shows, by room.
func (s *Store) Placed(ctx context.Context, p core.Partition, obj core.ObjectID) (map[core.RoomID]core.Placement, error) {
	return s.askPlaced(ctx, s.db.Client, p, obj)()
}

func (s *Store) askPlaced(ctx context.Context, c redis.Cmdable, p core.Partition, obj core.ObjectID) func() (map[core.RoomID]core.Placement, error) {
	kind, task, id := obj.Parts()
	if kind != "comment" {
		asked := c.HGetAll(ctx, s.db.Keys.Placed(p, obj))
		return func() (map[core.RoomID]core.Placement, error) {
			lines, err := asked.Result()
			if err != nil {
				return nil, rdb.Fault(err)
			}
			return journal.Placements(lines, nil)
		}
	}
	asked := c.Get(ctx, s.db.Keys.Comment(p, task, core.CommentID(id)))
	return func() (map[core.RoomID]core.Placement, error) { return placedIn(asked) }
}

// placedIn reads from a comment's sheet that was asked for where it shows.
func placedIn(asked *redis.StringCmd) (map[core.RoomID]core.Placement, error) {
	data, err := asked.Result()
	if errors.Is(err, redis.Nil) {
		return map[core.RoomID]core.Placement{}, nil
	}
	if err != nil {
		return nil, rdb.Fault(err)
	}
	sheet, err := rdb.ParseSheet(data)
	if err != nil {
		return nil, err
	}
	return journal.Placements(sheet.Lines, func() (core.MessageRef, error) { return sourceOf(sheet) })
}

// ActiveThreads returns threads of a partition active since a time, newest first.
func (s *Store) ActiveThreads(ctx context.Context, p core.Partition, since time.Time, limit int) ([]*core.Thread, error) {
	names, err := s.db.Client.ZRevRangeByScore(ctx, s.db.Keys.ActiveThreads(p), &redis.ZRangeBy{
		Min: strconv.FormatInt(since.UnixMilli(), 10), Max: "+inf", Count: int64(limit)}).Result()
	if err != nil || len(names) == 0 {
		return nil, rdb.Fault(err)
	}
	pipe := s.db.Client.Pipeline()
	cmds := make([]*redis.StringCmd, len(names))
	for i, n := range names {
		task, room, _ := strings.Cut(n, "|")
		cmds[i] = pipe.HGet(ctx, s.db.Keys.TaskThreads(p, core.TaskID(task)), room)
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return nil, rdb.Fault(err)
	}
	out := make([]*core.Thread, 0, len(names))
	for _, c := range cmds {
		data, err := c.Bytes()
		if err != nil {
			continue
		}
		t := &core.Thread{}
		if err := rdb.DecodeJSON(data, t); err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// Newest returns our newest recorded message in a task's thread in a room.
func (s *Store) Newest(ctx context.Context, task core.TaskID, room core.RoomID) (core.MessageID, error) {
	v, err := s.db.Client.HGet(ctx, s.db.Keys.Posted(s.partition(task), task), string(room)).Result()
	if errors.Is(err, redis.Nil) {
		return "", nil
	}
	return core.MessageID(v), rdb.Fault(err)
}

// Undelivered returns why objects of a task do not show in a room.
func (s *Store) Undelivered(ctx context.Context, task core.TaskID, room core.RoomID) (map[core.ObjectID]string, int64, error) {
	all, err := s.db.Client.HGetAll(ctx, s.db.Keys.Undelivered(s.partition(task), task)).Result()
	if err != nil {
		return nil, 0, rdb.Fault(err)
	}
	out := map[core.ObjectID]string{}
	for field, reason := range all {
		if in, obj, ok := strings.Cut(field, " "); ok && in == string(room) {
			out[core.ObjectID(obj)] = reason
		}
	}
	rev, _ := strconv.ParseInt(all["rev"], 10, 64)
	return out, rev, nil
}
