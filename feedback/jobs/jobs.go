// Package jobs is the fair queue of runs. Jobs wait per account (one person at one provider); accounts take turns,
// whatever anyone queues.
package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

// Queue implements core.Jobs and core.JobRuns.
type Queue struct {
	db    *rdb.DB
	clock core.Clock
}

var (
	_ core.Jobs    = (*Queue)(nil)
	_ core.JobRuns = (*Queue)(nil)
)

// New returns the queue of a store.
func New(db *rdb.DB, clock core.Clock) *Queue { return &Queue{db: db, clock: clock} }

const (
	// relaxWeight pushes relaxed jobs behind all fast ones of the same account; larger than any time in ms.
	relaxWeight = 1e14
	// doneTTL keeps a finished job for questions about it; the version holds the lasting record.
	doneTTL = 7 * 24 * time.Hour
	// maxListed bounds what Queue returns.
	maxListed = 100
)

func score(j core.Job) float64 {
	s := float64(j.CreatedAt.UnixMilli())
	if j.Relax {
		s += relaxWeight
	}
	return s
}

// fields of a job's hash: its JSON, and beside it what changes while it runs.
var fields = []string{"d", "s", "f", "h", "v", "b"}

func decode(vals []any) (core.Job, error) {
	var j core.Job
	text := func(i int) string { s, _ := vals[i].(string); return s }
	if vals[0] == nil {
		return j, core.Wrap(core.CodeNotFound, redis.Nil)
	}
	if err := rdb.DecodeJSON([]byte(text(0)), &j); err != nil {
		return j, err
	}
	j.State, j.Handle = core.JobState(text(1)), text(3)
	j.Fence, _ = strconv.ParseInt(text(2), 10, 64)
	j.Rev, _ = strconv.ParseInt(text(4), 10, 64)
	if ms, err := strconv.ParseInt(text(5), 10, 64); err == nil {
		j.Begun = time.UnixMilli(ms).UTC()
	}
	return j, nil
}

// base is what the scripts build a partition's keys from.
func (q *Queue) base(p core.Partition) string {
	return strings.TrimSuffix(q.db.Keys.Accounts(p), "accounts")
}

// enter is the part of the scripts that puts a job into its account's queue and the account among those to be served.
// An account waits for its turn from when it came or was served last; turns are counted, not timed.
const enter = `
local function enter(base, id, acct, score)
  redis.call('ZADD', base .. 'queue:' .. acct, score, id)
  local last = redis.call('HGET', base .. 'served', acct)
  if not last then last = redis.call('HGET', base .. 'served', '') or '0' end
  redis.call('ZADD', base .. 'accounts', 'NX', last, acct)
end
-- counts says how many jobs of each provider wait, run or were handed off: what changes a state changes it with it.
local function live(s)
  if s == 'submitted' then return 'running' end
  if s == 'handed off' then return 'handed_off' end
  return s
end
local function count(base, acct, was, now)
  local name = string.match(acct, '/(.*)$') or acct
  was, now = live(was), live(now)
  if was == now then return end
  if was then redis.call('HINCRBY', base .. 'counts', name .. '/' .. was, -1) end
  if now then redis.call('HINCRBY', base .. 'counts', name .. '/' .. now, 1) end
end
local function final(s) return s == 'done' or s == 'refused' or s == 'failed' or s == 'unknown' or s == 'cancelled' end
`

// submitScript puts a job into its queue, once.
//
//	KEYS[1] the partition's accounts; the other keys are built from its prefix and lie in the same slot
//	ARGV prefix, id, account, person, JSON, state, score, created in ms, not before in ms (0: now), now in ms
//
// Returns its place in the account's queue, 0 first, or -1 when it does not wait there.
var submitScript = redis.NewScript(enter + `
local base, id, acct, person = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local job = base .. 'job:' .. id
if redis.call('EXISTS', job) == 0 then
  redis.call('HSET', job, 'd', ARGV[5], 's', ARGV[6], 'a', acct, 'o', person, 'r', ARGV[7], 'v', 1)
  redis.call('ZADD', base .. 'jobs:' .. person, ARGV[8], id)
  count(base, acct, nil, ARGV[6])
  if ARGV[6] == 'queued' then
    if tonumber(ARGV[9]) > tonumber(ARGV[10]) then redis.call('ZADD', base .. 'later', ARGV[9], id)
    else enter(base, id, acct, ARGV[7]) end
  end
end
local rank = redis.call('ZRANK', base .. 'queue:' .. acct, id)
if rank then return rank end
return -1
`)

// Submit puts a job into its person's queue, once.
func (q *Queue) Submit(ctx context.Context, j core.Job) (int, error) {
	p := q.db.Parts.OfPerson(j.Person)
	j.V = core.RecordVersion
	data, err := json.Marshal(j)
	if err != nil {
		return 0, core.Wrap(core.CodeInternal, err)
	}
	notBefore := int64(0)
	if !j.NotBefore.IsZero() {
		notBefore = j.NotBefore.UnixMilli()
	}
	rank, err := submitScript.Run(ctx, q.db.Client, []string{q.db.Keys.Accounts(p)}, q.base(p), string(j.ID), j.AccountKey(), string(j.Person), data, string(j.State),
		score(j), j.CreatedAt.UnixMilli(), notBefore, q.clock.Now().UnixMilli()).Int()
	return rank + 1, rdb.Fault(err)
}

// claimScript takes the next jobs of the accounts that wait longest and have room.
//
//	KEYS[1] accounts  KEYS[2] fence; the other keys are built from the prefix and lie in the same slot
//	ARGV[1] prefix  ARGV[2] fence  ARGV[3] now in ms  ARGV[4] how many  ARGV[5] holds for so many ms  ARGV[6...] provider, runs at once
//
// Accounts that have no room leave the list, and come back when a run of theirs ends: what is looked at is always
// served. Returns "lost" when a newer holder exists, else the fields of each job.
var claimScript = redis.NewScript(enter + `
if redis.call('GET', KEYS[2]) ~= ARGV[2] then return 'lost' end
local base = ARGV[1]
for _, id in ipairs(redis.call('ZRANGEBYSCORE', base .. 'later', '-inf', ARGV[3], 'LIMIT', 0, 100)) do
  redis.call('ZREM', base .. 'later', id)
  local f = redis.call('HMGET', base .. 'job:' .. id, 'a', 'r')
  if f[1] then enter(base, id, f[1], f[2]) end
end
local limit = {}
for i = 6, #ARGV, 2 do limit[ARGV[i]] = tonumber(ARGV[i+1]) end
local out, want = {}, tonumber(ARGV[4])
while want > 0 do
  local next = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  local acct = next[1]
  if not acct then break end
  local running = base .. 'running:' .. acct
  local room = limit[string.match(acct, '/(.*)$')] or 1
  local own = tonumber(redis.call('HGET', base .. 'limits', acct) or '0')
  if own > 0 and own < room then room = own end
  if redis.call('SCARD', running) >= room then
    redis.call('ZREM', KEYS[1], acct)
    redis.call('HSET', base .. 'served', acct, next[2])
  else
    local popped = redis.call('ZPOPMIN', base .. 'queue:' .. acct)
    if #popped == 0 then
      redis.call('ZREM', KEYS[1], acct)
      if redis.call('SCARD', running) == 0 then redis.call('HDEL', base .. 'served', acct) end
    else
      local id = popped[1]
      local job = base .. 'job:' .. id
      local turn = redis.call('HINCRBY', base .. 'served', '', 1)
      redis.call('ZADD', KEYS[1], turn, acct)
      if redis.call('HGET', job, 's') == 'queued' then
        redis.call('HSET', job, 's', 'submitted', 'f', ARGV[2], 'b', ARGV[3])
        redis.call('HINCRBY', job, 'v', 1)
        count(base, acct, 'queued', 'submitted')
        redis.call('SADD', running, id)
        redis.call('SADD', base .. 'running', id)
        redis.call('SET', base .. 'held:' .. id, ARGV[2], 'PX', ARGV[5])
        redis.call('HSET', base .. 'served', acct, turn)
        for _, v in ipairs(redis.call('HMGET', job, 'd', 's', 'f', 'h', 'v', 'b')) do table.insert(out, v) end
        want = want - 1
      end
    end
  end
end
return out
`)

// Claim takes up to max jobs that may run now.
func (q *Queue) Claim(ctx context.Context, p core.Partition, l core.Lease, now time.Time, most int, perAccount map[core.ProviderName]int) ([]core.Job, error) {
	argv := []any{q.base(p), l.Fence, now.UnixMilli(), most, core.JobHold.Milliseconds()}
	for name, n := range perAccount {
		argv = append(argv, string(name), n)
	}
	got, err := claimScript.Run(ctx, q.db.Client, []string{q.db.Keys.Accounts(p), q.db.Keys.Fence(l.Name)}, argv...).Result()
	if err != nil {
		return nil, rdb.Fault(err)
	}
	vals, ok := got.([]any)
	if !ok {
		return nil, core.Wrap(core.CodeGone, errors.New("the partition has a newer holder"))
	}
	var out []core.Job
	for ; len(vals) >= len(fields); vals = vals[len(fields):] {
		j, err := decode(vals[:len(fields)])
		if err != nil {
			return out, err
		}
		out = append(out, j)
	}
	return out, nil
}

// moveScript changes a job's state. A final one leaves the queue, and its account has room again.
//
//	KEYS[1] accounts; the other keys are built from the prefix and lie in the same slot
//	ARGV prefix, id, state, TTL of a final job in ms, now in ms
//
// Returns the state it had, or "" when there is no such job. A final state stays, but what is unknown may turn out. How
// long a run took that got there counts for three tenths of what is expected of the next at its provider.
var moveScript = redis.NewScript(enter + `
local base, id, state = ARGV[1], ARGV[2], ARGV[3]
local job = base .. 'job:' .. id
local f = redis.call('HMGET', job, 's', 'a', 'o', 'b')
if not f[1] then return '' end
if final(f[1]) and not (f[1] == 'unknown' and state == 'done') then return f[1] end
redis.call('HSET', job, 's', state)
redis.call('HINCRBY', job, 'v', 1)
local acct = f[2]
count(base, acct, not final(f[1]) and f[1] or nil, not final(state) and state or nil)
if state == 'done' and f[1] ~= 'unknown' and f[4] and f[4] ~= '' then
  local name = string.match(acct, '/(.*)$')
  local took = math.max(0, tonumber(ARGV[5]) - tonumber(f[4]))
  local was = tonumber(redis.call('HGET', base .. 'pace', name) or took)
  redis.call('HSET', base .. 'pace', name, math.floor(was * 0.7 + took * 0.3))
end
if final(state) or state == 'handed off' then
  redis.call('ZREM', base .. 'queue:' .. acct, id)
  redis.call('ZREM', base .. 'later', id)
  redis.call('SREM', base .. 'running:' .. acct, id)
  redis.call('SREM', base .. 'running', id)
  redis.call('DEL', base .. 'held:' .. id)
  if redis.call('EXISTS', base .. 'queue:' .. acct) == 1 then
    redis.call('ZADD', base .. 'accounts', 'NX', redis.call('HGET', base .. 'served', acct) or '0', acct)
  elseif redis.call('EXISTS', base .. 'running:' .. acct) == 0 then
    redis.call('HDEL', base .. 'served', acct)
    redis.call('ZREM', base .. 'accounts', acct)
  end
end
if final(state) then
  redis.call('ZREM', base .. 'jobs:' .. f[3], id)
  redis.call('PEXPIRE', job, ARGV[4])
end
return f[1]
`)

// Move changes a job's state; a final one leaves the queue.
func (q *Queue) Move(ctx context.Context, id core.JobID, person core.PersonID, s core.JobState) (core.JobState, error) {
	p := q.db.Parts.OfPerson(person)
	was, err := moveScript.Run(ctx, q.db.Client, []string{q.db.Keys.Accounts(p)}, q.base(p), string(id), string(s), doneTTL.Milliseconds(), q.clock.Now().UnixMilli()).Text()
	if err == nil && was == "" {
		err = core.Wrap(core.CodeNotFound, redis.Nil)
	}
	return core.JobState(was), rdb.Fault(err)
}

// Stranded returns jobs that are marked as running and that nobody holds: left by a former holder, or claimed by this one
// whose answer was lost. held tells that a former holder still holds others.
func (q *Queue) Stranded(ctx context.Context, p core.Partition, l core.Lease) (out []core.Job, held bool, err error) {
	ids, err := q.db.Client.SMembers(ctx, q.db.Keys.AllRunning(p)).Result()
	if err != nil {
		return nil, false, rdb.Fault(err)
	}
	for _, id := range ids {
		j, err := q.get(ctx, p, core.JobID(id))
		if core.ErrorCode(err) == core.CodeNotFound {
			continue
		}
		if err != nil {
			return nil, false, err
		}
		if j.Fence > l.Fence {
			continue
		}
		n, err := q.db.Client.Exists(ctx, q.db.Keys.Held(p, j.ID)).Result()
		if err != nil {
			return nil, false, rdb.Fault(err)
		}
		if n > 0 {
			held = held || j.Fence < l.Fence
			continue
		}
		out = append(out, j)
	}
	return out, held, nil
}

func (q *Queue) get(ctx context.Context, p core.Partition, id core.JobID) (core.Job, error) {
	vals, err := q.db.Client.HMGet(ctx, q.db.Keys.Job(p, id), fields...).Result()
	if err != nil {
		return core.Job{}, rdb.Fault(err)
	}
	return decode(vals)
}

// Job returns one job; finished ones are kept for a week.
func (q *Queue) Job(ctx context.Context, id core.JobID, person core.PersonID) (core.Job, error) {
	return q.get(ctx, q.db.Parts.OfPerson(person), id)
}

// returnScript puts a stranded job back into its account's queue.
//
//	KEYS[1] accounts; the other keys are built from the prefix and lie in the same slot
//	ARGV prefix, id, the fence that it was left with
var returnScript = redis.NewScript(enter + `
local base, id = ARGV[1], ARGV[2]
local job = base .. 'job:' .. id
local f = redis.call('HMGET', job, 's', 'a', 'f', 'r')
if not f[1] or final(f[1]) or f[3] ~= ARGV[3] then return 0 end
redis.call('HSET', job, 's', 'queued')
redis.call('HINCRBY', job, 'v', 1)
count(base, f[2], f[1], 'queued')
redis.call('SREM', base .. 'running:' .. f[2], id)
redis.call('SREM', base .. 'running', id)
enter(base, id, f[2], f[4])
return 1
`)

// Return puts a stranded job back into its account's queue; only for runs that cost nothing.
func (q *Queue) Return(ctx context.Context, p core.Partition, j core.Job) error {
	return rdb.Fault(returnScript.Run(ctx, q.db.Client, []string{q.db.Keys.Accounts(p)}, q.base(p), string(j.ID), j.Fence).Err())
}

// adoptScript gives a stranded job to a new holder, who goes on waiting for it.
//
//	KEYS[1] accounts; the other keys are built from the prefix and lie in the same slot
//	ARGV prefix, id, the fence that it was left with, the new one, holds for so many ms
var adoptScript = redis.NewScript(enter + `
local base, id = ARGV[1], ARGV[2]
local job = base .. 'job:' .. id
local f = redis.call('HMGET', job, 's', 'f')
if not f[1] or final(f[1]) or f[2] ~= ARGV[3] then return 0 end
redis.call('HSET', job, 'f', ARGV[4])
redis.call('SET', base .. 'held:' .. id, ARGV[4], 'PX', ARGV[5])
return 1
`)

// Adopt takes over the waiting for a job's result; ok is false when somebody else did or it ended.
func (q *Queue) Adopt(ctx context.Context, p core.Partition, l core.Lease, j core.Job) (ok bool, err error) {
	n, err := adoptScript.Run(ctx, q.db.Client, []string{q.db.Keys.Accounts(p)}, q.base(p), string(j.ID), j.Fence, l.Fence, core.JobHold.Milliseconds()).Int()
	return n == 1, rdb.Fault(err)
}

// Note stores by which handle a job's result can be waited for.
func (q *Queue) Note(ctx context.Context, j core.Job, handle string) error {
	return rdb.Fault(q.db.Client.HSet(ctx, q.db.Keys.Job(q.db.Parts.OfPerson(j.Person), j.ID), "h", handle).Err())
}

// Hold renews the holds of running jobs and returns those that were ended by somebody else.
func (q *Queue) Hold(ctx context.Context, p core.Partition, ids []core.JobID) (ended []core.JobID, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	pipe := q.db.Client.Pipeline()
	states := make([]*redis.StringCmd, len(ids))
	for i, id := range ids {
		pipe.PExpire(ctx, q.db.Keys.Held(p, id), core.JobHold)
		states[i] = pipe.HGet(ctx, q.db.Keys.Job(p, id), "s")
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
		return nil, rdb.Fault(err)
	}
	for i, id := range ids {
		if s := core.JobState(states[i].Val()); s.Final() {
			ended = append(ended, id)
		}
	}
	return ended, nil
}

// Queue returns a person's waiting, running and handed-off jobs, oldest first, at most a hundred.
func (q *Queue) Queue(ctx context.Context, person core.PersonID) ([]core.Job, error) {
	p := q.db.Parts.OfPerson(person)
	ids, err := q.db.Client.ZRange(ctx, q.db.Keys.PersonJobs(p, person), 0, maxListed-1).Result()
	if err != nil || len(ids) == 0 {
		return nil, rdb.Fault(err)
	}
	pipe := q.db.Client.Pipeline()
	cmds := make([]*redis.SliceCmd, len(ids))
	for i, id := range ids {
		cmds[i] = pipe.HMGet(ctx, q.db.Keys.Job(p, core.JobID(id)), fields...)
	}
	pace := pipe.HGetAll(ctx, q.db.Keys.Pace(p))
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, rdb.Fault(err)
	}
	var out []core.Job
	for _, c := range cmds {
		j, err := decode(c.Val())
		if core.ErrorCode(err) == core.CodeNotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		if ms, err := strconv.ParseInt(pace.Val()[string(j.Provider)], 10, 64); err == nil {
			j.Took = time.Duration(ms) * time.Millisecond
		}
		out = append(out, j)
	}
	return out, nil
}

// Next returns the first waiting jobs of a job's account, at most n, in the order in which they will run.
func (q *Queue) Next(ctx context.Context, j core.Job, n int) ([]core.Job, error) {
	p := q.db.Parts.OfPerson(j.Person)
	ids, err := q.db.Client.ZRange(ctx, q.db.Keys.Queue(p, j.AccountKey()), 0, int64(n)-1).Result()
	if err != nil {
		return nil, rdb.Fault(err)
	}
	var out []core.Job
	for _, id := range ids {
		w, err := q.get(ctx, p, core.JobID(id))
		if core.ErrorCode(err) == core.CodeNotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, w)
	}
	return out, nil
}

// Counts adds up how many jobs of each provider are queued, running or handed_off in some partitions.
func (q *Queue) Counts(ctx context.Context, parts []core.Partition) (map[core.ProviderName]map[string]int, error) {
	pipe := q.db.Client.Pipeline()
	cmds := make([]*redis.MapStringStringCmd, len(parts))
	for i, p := range parts {
		cmds[i] = pipe.HGetAll(ctx, q.db.Keys.Counts(p))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, rdb.Fault(err)
	}
	out := map[core.ProviderName]map[string]int{}
	for _, c := range cmds {
		for field, v := range c.Val() {
			name, state, _ := strings.Cut(field, "/")
			n, err := strconv.Atoi(v)
			if err != nil {
				return nil, core.Wrap(core.CodeInternal, err)
			}
			if out[core.ProviderName(name)] == nil {
				out[core.ProviderName(name)] = map[string]int{}
			}
			out[core.ProviderName(name)][state] += n
		}
	}
	return out, nil
}

// Waiting counts the accounts with waiting jobs in a partition that could be served now.
func (q *Queue) Waiting(ctx context.Context, p core.Partition) (int, error) {
	n, err := q.db.Client.ZCard(ctx, q.db.Keys.Accounts(p)).Result()
	return int(n), rdb.Fault(err)
}
