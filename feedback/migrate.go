package feedback

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

// migration is one step of a store's schema. Steps only add: what they write, the version before reads past, so that old
// and new processes work side by side while one replaces the other. A step may be run again after a crash.
type migration struct {
	what string
	run  func(ctx context.Context, s *Store, progress func(done, all int)) error
}

// migrations are all steps in their order; a store's schema is how many of them it has. A change that older versions
// cannot read past is no migration: it needs a new format, which they refuse.
func migrations() []migration {
	return []migration{
		{"count the jobs of each provider", countJobs},
	}
}

const (
	schemaField = "schema"
	// migrateLease is the name under which one process at a time migrates, for at most migrateTTL without a word.
	migrateLease = "migrate"
	migrateTTL   = 30 * time.Second
	// migrateWait is how often somebody who waits for another process to migrate looks again.
	migrateWait = 500 * time.Millisecond
)

// Step is a migration that was done or is to be done.
type Step struct {
	No   int    `json:"no"`
	What string `json:"what"`
}

// Schema returns how many migrations the store has, and how many there are.
func (s *Store) Schema(ctx context.Context) (have, all int, err error) {
	n, err := s.DB.Client.HGet(ctx, s.DB.Keys.Meta(), schemaField).Int()
	if err != nil && core.ErrorCode(rdb.Fault(err)) != core.CodeNotFound {
		return 0, 0, rdb.Fault(err)
	}
	return n, len(migrations()), nil
}

// Migrate brings the store to this version's schema, one process at a time; others wait. It returns what it did. A store
// that has more migrations than this version knows is left as it is: they only add. progress may be nil.
func (s *Store) Migrate(ctx context.Context, progress func(step Step, done, all int)) ([]Step, error) {
	for {
		have, all, err := s.Schema(ctx)
		if err != nil || have >= all {
			return nil, err
		}
		l, ok, err := s.Leases.Acquire(ctx, migrateLease, migrateTTL)
		if err != nil {
			return nil, err
		}
		if ok {
			done, err := s.migrate(ctx, l, progress)
			if rerr := s.Leases.Release(context.WithoutCancel(ctx), l); err == nil {
				err = rerr
			}
			return done, err
		}
		if err := s.Leases.Clock.Sleep(ctx, migrateWait); err != nil {
			return nil, core.Wrap(core.CodeRetry, err)
		}
	}
}

func (s *Store) migrate(ctx context.Context, l core.Lease, progress func(Step, int, int)) (done []Step, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for s.Leases.Clock.Sleep(ctx, migrateTTL/3) == nil {
			if err := s.Leases.Renew(ctx, l, migrateTTL); core.ErrorCode(err) == core.CodeConflict {
				cancel(core.Wrap(core.CodeConflict, err)) // somebody else goes on with it
				return
			}
		}
	}()
	have, all, err := s.Schema(ctx) // another process may have just ended
	if err != nil {
		return nil, err
	}
	for no := have + 1; no <= all; no++ {
		m := migrations()[no-1]
		step := Step{No: no, What: m.what}
		tell := func(done, all int) {
			if progress != nil {
				progress(step, done, all)
			}
		}
		if err := m.run(ctx, s, tell); err != nil {
			return done, fmt.Errorf("migration %d (%s): %w", no, m.what, err)
		}
		if err := s.DB.Client.HSet(ctx, s.DB.Keys.Meta(), schemaField, no).Err(); err != nil {
			return done, rdb.Fault(err)
		}
		done = append(done, step)
	}
	return done, nil
}

// countScript counts the jobs of a partition anew from a list of them.
//
//	KEYS[1] the counts; the job keys are built from the prefix and lie in the same slot
//	ARGV[1] prefix  ARGV[2...] job ids
var countScript = redis.NewScript(`
redis.call('DEL', KEYS[1])
for i = 2, #ARGV do
  local f = redis.call('HMGET', ARGV[1] .. 'job:' .. ARGV[i], 's', 'a')
  local s = f[1]
  if s == 'submitted' then s = 'running' elseif s == 'handed off' then s = 'handed_off' end
  if s == 'queued' or s == 'running' or s == 'handed_off' then
    redis.call('HINCRBY', KEYS[1], string.match(f[2], '/(.*)$') .. '/' .. s, 1)
  end
end
return #ARGV - 1
`)

// countJobs writes how many jobs there are of each provider and state, which every change of a job's state keeps up
// from then on.
func countJobs(ctx context.Context, s *Store, progress func(done, all int)) error {
	parts := s.DB.Parts.All()
	for i, p := range parts {
		progress(i, len(parts))
		if p[0] != 'u' {
			continue
		}
		base := strings.TrimSuffix(s.DB.Keys.Accounts(p), "accounts")
		ids, err := s.unended(ctx, p, base)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			continue
		}
		argv := []any{base}
		for _, id := range ids {
			argv = append(argv, id)
		}
		if err := countScript.Run(ctx, s.DB.Client, []string{s.DB.Keys.Counts(p)}, argv...).Err(); err != nil {
			return rdb.Fault(err)
		}
	}
	progress(len(parts), len(parts))
	return nil
}

// unended lists the jobs of a partition that have not ended.
func (s *Store) unended(ctx context.Context, p core.Partition, base string) (ids []string, err error) {
	var people []string
	err = s.DB.EachKey(ctx, base+"jobs:*", func(key string) error {
		people = append(people, strings.TrimPrefix(key, base+"jobs:"))
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, id := range people {
		list, err := s.DB.Client.ZRange(ctx, s.DB.Keys.PersonJobs(p, core.PersonID(id)), 0, -1).Result()
		if err != nil {
			return nil, rdb.Fault(err)
		}
		ids = append(ids, list...)
	}
	return ids, nil
}
