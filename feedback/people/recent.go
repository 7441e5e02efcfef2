package people

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

const (
	// recentFor is how old a record may be that is read for showing and judging. What this process changes is seen at
	// once; another process's change, such as a role taken away, within this time.
	recentFor = time.Second
	// maxRecent bounds the records that are remembered.
	maxRecent = 10_000
)

// recent remembers records as they were stored. Every message needs its person, its room and its project: asking for
// them anew each time would be a third of the way of a reply.
type recent struct {
	mu   sync.Mutex
	rows map[string]row
}

type row struct {
	vals  []any
	until time.Time
}

func (r *recent) get(key string, now time.Time) ([]any, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	x, ok := r.rows[key]
	return x.vals, ok && now.Before(x.until)
}

func (r *recent) put(key string, vals []any, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rows == nil || len(r.rows) >= maxRecent {
		r.rows = map[string]row{}
	}
	r.rows[key] = row{vals: vals, until: now.Add(recentFor)}
}

func (r *recent) drop(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.rows, key)
}

// AskAhead asks for those of an identity's person, a room and a project that are not remembered, so that the questions that
// follow need no way of their own. What it returns remembers the answers once they are there. It promises nothing: what was
// not read ahead is asked for when it is needed.
func (s *Store) AskAhead(ctx context.Context, c redis.Cmdable, id core.IdentityID, room core.RoomID, project core.ProjectKey) (remember func()) {
	now := s.clock.Now()
	var asked []func()
	record := func(key string) {
		if _, fresh := s.recent.get(key, now); fresh {
			return
		}
		cmd := c.HMGet(ctx, key, "v", "d")
		asked = append(asked, func() {
			if vals, err := cmd.Result(); err == nil && vals[0] != nil && vals[1] != nil {
				s.recent.put(key, vals, now)
			}
		})
	}
	if id != "" {
		key := s.identityKey(id)
		old, fresh := s.recent.get(key, now)
		person := core.MakePersonID(id) // as long as it was not joined to another
		if len(old) == 1 {
			if known, _ := old[0].(string); known != "" {
				person = core.PersonID(known)
			}
		}
		if !fresh {
			cmd := c.Get(ctx, key)
			asked = append(asked, func() {
				if known, err := cmd.Result(); err == nil {
					s.recent.put(key, []any{known}, now)
				}
			})
		}
		record(s.personKey(person))
	}
	record(s.roomKey(room))
	if project != "" {
		record(s.projectKey(project))
	}
	return func() {
		for _, remember := range asked {
			remember()
		}
	}
}

// read reads a record that may be recentFor old. Missing ones are asked for each time.
func (s *Store) read(ctx context.Context, key string, out any) (int64, error) {
	now := s.clock.Now()
	vals, ok := s.recent.get(key, now)
	if !ok {
		var err error
		if vals, err = s.db.Client.HMGet(ctx, key, "v", "d").Result(); err != nil {
			return 0, rdb.Fault(err)
		}
	}
	rev, err := rdb.Decode(vals, out)
	if err == nil && !ok {
		s.recent.put(key, vals, now)
	}
	return rev, err
}

// readID reads whose an identity is; that changes only when it is joined to another.
func (s *Store) readID(ctx context.Context, key string) (core.PersonID, error) {
	now := s.clock.Now()
	if vals, ok := s.recent.get(key, now); ok {
		id, _ := vals[0].(string)
		return core.PersonID(id), nil
	}
	id, err := s.db.Client.Get(ctx, key).Result()
	if err != nil {
		return "", rdb.Fault(err) // none is CodeNotFound
	}
	s.recent.put(key, []any{id}, now)
	return core.PersonID(id), nil
}
