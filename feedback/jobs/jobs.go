// Package jobs is the fair queue of runs. Jobs wait per account (one person at one provider); accounts take turns,
// whatever anyone queues.
package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

// Queue implements core.Jobs.
type Queue struct{ db *rdb.DB }

var _ core.Jobs = (*Queue)(nil)

// New returns the queue of a store.
func New(db *rdb.DB) *Queue { return &Queue{db: db} }

const (
	// relaxWeight pushes relaxed jobs behind all fast ones of the same account; larger than any time in ms.
	relaxWeight = 1e14
	// doneTTL keeps a finished job for questions about it; the version holds the lasting record.
	doneTTL = 7 * 24 * time.Hour
	// maxScan bounds how many accounts one claim looks at.
	maxScan = 200
)

func score(j core.Job) float64 {
	s := float64(j.CreatedAt.UnixMilli())
	if j.Relax {
		s += relaxWeight
	}
	return s
}

// Submit puts a job into its person's queue, once.
func (q *Queue) Submit(ctx context.Context, j core.Job) (int, error) {
	p, k := q.db.Parts.OfPerson(j.Person), q.db.Keys
	acct := j.AccountKey()
	j.V = core.RecordVersion
	b := q.db.NewBatch(core.Lease{})
	if err := b.PutRecord(k.Job(p, j.ID), 0, j); err != nil {
		return 0, err
	}
	if j.State == core.JobQueued {
		b.Do("ZADD", k.Queue(p, acct), score(j), string(j.ID))
		b.Do("ZADD", k.Accounts(p), "NX", j.CreatedAt.UnixMilli(), acct)
	}
	b.Do("ZADD", k.PersonJobs(p, j.Person), j.CreatedAt.UnixMilli(), string(j.ID))
	if err := b.Commit(ctx); err != nil && core.ErrorCode(err) != core.CodeConflict {
		return 0, err
	}
	rank, err := q.db.Client.ZRank(ctx, k.Queue(p, acct), string(j.ID)).Result()
	if errors.Is(err, redis.Nil) {
		return 0, nil
	}
	return int(rank) + 1, rdb.Fault(err)
}

// claimScript takes the next job of the account that was served longest ago and has room.
//
//	KEYS[1] accounts  KEYS[2] fence  KEYS[3] all running
//	ARGV[1] fence  ARGV[2] now in ms  ARGV[3] how many accounts to look at  ARGV[4] key prefix of the partition
//	ARGV[5...] provider, runs at once
//
// The keys of queues and running sets are built from the prefix: they lie in the same slot. Returns "" when there is
// nothing to do, "lost" when a newer holder exists, else "job account".
var claimScript = redis.NewScript(`
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 'lost' end
local limit = {}
for i = 5, #ARGV, 2 do limit[ARGV[i]] = tonumber(ARGV[i+1]) end
local accounts = redis.call('ZRANGE', KEYS[1], 0, tonumber(ARGV[3]) - 1)
for _, acct in ipairs(accounts) do
  local queue = ARGV[4] .. 'queue:' .. acct
  local running = ARGV[4] .. 'running:' .. acct
  local provider = string.match(acct, '/(.*)$')
  local ids = redis.call('ZRANGE', queue, 0, 0)
  if #ids == 0 then
    redis.call('ZREM', KEYS[1], acct)
  elseif redis.call('SCARD', running) < (limit[provider] or 0) then
    redis.call('ZREM', queue, ids[1])
    redis.call('SADD', running, ids[1])
    redis.call('SADD', KEYS[3], ids[1] .. ' ' .. acct)
    redis.call('ZADD', KEYS[1], ARGV[2], acct)
    return ids[1] .. ' ' .. acct
  end
end
return ''
`)

// Claim takes the next job that may run.
func (q *Queue) Claim(ctx context.Context, p core.Partition, l core.Lease, now time.Time, perAccount func(core.ProviderName) int) (core.Job, bool, error) {
	k := q.db.Keys
	argv := []any{l.Fence, now.UnixMilli(), maxScan, strings.TrimSuffix(k.Queue(p, ""), "queue:")}
	accounts, err := q.db.Client.ZRange(ctx, k.Accounts(p), 0, maxScan-1).Result()
	if err != nil || len(accounts) == 0 {
		return core.Job{}, false, rdb.Fault(err)
	}
	known := map[string]bool{}
	for _, a := range accounts {
		_, name, _ := strings.Cut(a, "/")
		if !known[name] {
			known[name] = true
			argv = append(argv, name, perAccount(core.ProviderName(name)))
		}
	}
	got, err := claimScript.Run(ctx, q.db.Client, []string{k.Accounts(p), k.Fence(l.Name), k.AllRunning(p)}, argv...).Text()
	if err != nil {
		return core.Job{}, false, rdb.Fault(err)
	}
	if got == "lost" {
		return core.Job{}, false, core.Wrap(core.CodeGone, fmt.Errorf("partition %s has a newer holder", p))
	}
	id, _, ok := strings.Cut(got, " ")
	if !ok {
		return core.Job{}, false, nil
	}
	j, err := q.move(ctx, p, core.JobID(id), core.JobSubmitted, l.Fence)
	if err == nil && j.State.Final() { // cancelled in this very moment
		acct := j.AccountKey()
		b := q.db.NewBatch(core.Lease{})
		b.Do("SREM", k.Running(p, acct), id)
		b.Do("SREM", k.AllRunning(p), id+" "+acct)
		return j, false, b.Commit(ctx)
	}
	return j, err == nil, err
}

// Move changes a job's state; a final one leaves the queue.
func (q *Queue) Move(ctx context.Context, id core.JobID, person core.PersonID, s core.JobState) (core.Job, error) {
	return q.move(ctx, q.db.Parts.OfPerson(person), id, s, 0)
}

func (q *Queue) move(ctx context.Context, p core.Partition, id core.JobID, s core.JobState, fence int64) (core.Job, error) {
	k := q.db.Keys
	key := k.Job(p, id)
	for range 20 {
		var j core.Job
		rev, err := q.db.GetRecord(ctx, key, &j)
		if err != nil {
			return j, err
		}
		if j.State.Final() {
			return j, nil
		}
		j.State = s
		if fence > 0 {
			j.Fence = fence
		}
		b := q.db.NewBatch(core.Lease{})
		if err := b.PutRecord(key, rev, j); err != nil {
			return j, err
		}
		if s.Final() || s == core.JobHandedOff {
			acct := j.AccountKey()
			b.Do("ZREM", k.Queue(p, acct), string(id))
			b.Do("SREM", k.Running(p, acct), string(id))
			b.Do("SREM", k.AllRunning(p), string(id)+" "+acct)
		}
		if s.Final() {
			b.Do("ZREM", k.PersonJobs(p, j.Person), string(id))
			b.Do("PEXPIRE", key, doneTTL.Milliseconds())
		}
		if err = b.Commit(ctx); core.ErrorCode(err) != core.CodeConflict {
			j.Rev = rev + 1
			return j, err
		}
	}
	return core.Job{}, core.Errorf(core.CodeConflict, "The job kept changing.").WithNext("Please try again.")
}

// Stranded returns jobs that a former holder left submitted or running.
func (q *Queue) Stranded(ctx context.Context, p core.Partition, l core.Lease) ([]core.Job, error) {
	members, err := q.db.Client.SMembers(ctx, q.db.Keys.AllRunning(p)).Result()
	if err != nil {
		return nil, rdb.Fault(err)
	}
	var out []core.Job
	for _, m := range members {
		id, _, _ := strings.Cut(m, " ")
		var j core.Job
		rev, err := q.db.GetRecord(ctx, q.db.Keys.Job(p, core.JobID(id)), &j)
		if core.ErrorCode(err) == core.CodeNotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		j.Rev = rev
		if j.Fence < l.Fence {
			out = append(out, j)
		}
	}
	return out, nil
}

// Requeue puts a stranded job back in front of its account's queue; only for runs that cost nothing.
func (q *Queue) Requeue(ctx context.Context, p core.Partition, j core.Job) error {
	k, acct := q.db.Keys, j.AccountKey()
	rev := j.Rev
	j.State = core.JobQueued
	b := q.db.NewBatch(core.Lease{})
	if err := b.PutRecord(k.Job(p, j.ID), rev, j); err != nil {
		return err
	}
	b.Do("SREM", k.Running(p, acct), string(j.ID))
	b.Do("SREM", k.AllRunning(p), string(j.ID)+" "+acct)
	b.Do("ZADD", k.Queue(p, acct), score(j), string(j.ID))
	b.Do("ZADD", k.Accounts(p), "NX", j.CreatedAt.UnixMilli(), acct)
	return b.Commit(ctx)
}

// maxListed bounds what Queue returns.
const maxListed = 100

// Queue returns a person's waiting, running and handed-off jobs, in order.
func (q *Queue) Queue(ctx context.Context, person core.PersonID) ([]core.Job, error) {
	p := q.db.Parts.OfPerson(person)
	ids, err := q.db.Client.ZRange(ctx, q.db.Keys.PersonJobs(p, person), 0, maxListed-1).Result()
	if err != nil {
		return nil, rdb.Fault(err)
	}
	var out []core.Job
	for _, id := range ids {
		var j core.Job
		rev, err := q.db.GetRecord(ctx, q.db.Keys.Job(p, core.JobID(id)), &j)
		if core.ErrorCode(err) == core.CodeNotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		j.Rev = rev
		out = append(out, j)
	}
	return out, nil
}

// Waiting counts the accounts with waiting jobs in a partition; the scheduler skips empty ones.
func (q *Queue) Waiting(ctx context.Context, p core.Partition) (int, error) {
	n, err := q.db.Client.ZCard(ctx, q.db.Keys.Accounts(p)).Result()
	return int(n), rdb.Fault(err)
}
