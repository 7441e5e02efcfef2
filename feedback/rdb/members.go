package rdb

import (
	"context"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
)

// Members implements core.Members: the processes that share the work, by when they were last heard of.
type Members struct {
	DB     *DB
	Holder string
}

var _ core.Members = (*Members)(nil)

// joinScript announces a process and counts the living. Redis's own time is used, so that clocks need not agree.
//
//	KEYS[1] members
//	ARGV[1] holder  ARGV[2] ttl in ms
//
// Returns {place, number}: the place among all names in order, from 0.
var joinScript = redis.NewScript(`
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
redis.call('ZADD', KEYS[1], string.format('%.0f', now + tonumber(ARGV[2])), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - 1))
local all = redis.call('ZRANGE', KEYS[1], 0, -1)
local place = 0
for _, name in ipairs(all) do
  if name < ARGV[1] then place = place + 1 end
end
return {place, #all}
`)

// Join announces this process for ttl.
func (m *Members) Join(ctx context.Context, ttl time.Duration) (place, all int, err error) {
	got, err := joinScript.Run(ctx, m.DB.Client, []string{m.DB.Keys.Members()}, m.Holder, ttl.Milliseconds()).Int64Slice()
	if err != nil {
		return 0, 0, Fault(err)
	}
	return int(got[0]), int(got[1]), nil
}

// Leave takes this process out at once.
func (m *Members) Leave(ctx context.Context) error {
	return Fault(m.DB.Client.ZRem(ctx, m.DB.Keys.Members(), m.Holder).Err())
}

// Gaps implements core.Gaps with one small hash, and a sorted set of who listens per platform.
type Gaps struct {
	DB     *DB
	Holder string
}

var _ core.Gaps = (*Gaps)(nil)

// noteScript raises a platform's gap number.
//
//	KEYS[1] gaps
//	ARGV[1] platform  ARGV[2] the caller's number
//
// Returns the number that holds now: the caller's if it is the largest yet, else the stored one.
var noteScript = redis.NewScript(`
local have = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0')
local want = tonumber(ARGV[2])
if want <= have then return string.format('%.0f', have) end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return ARGV[2]
`)

// Note records a gap.
func (g *Gaps) Note(ctx context.Context, p core.PlatformName, gap core.Gap) (core.Gap, error) {
	n, err := noteScript.Run(ctx, g.DB.Client, []string{g.DB.Keys.Gaps()}, string(p), int64(gap)).Int64()
	return core.Gap(n), Fault(err)
}

// Newest returns the newest gaps.
func (g *Gaps) Newest(ctx context.Context) (map[core.PlatformName]core.Gap, error) {
	rows, err := g.DB.Client.HGetAll(ctx, g.DB.Keys.Gaps()).Result()
	if err != nil {
		return nil, Fault(err)
	}
	out := make(map[core.PlatformName]core.Gap, len(rows))
	for p, s := range rows {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return nil, core.Wrap(core.CodeInternal, err)
		}
		out[core.PlatformName(p)] = core.Gap(n)
	}
	return out, nil
}

// listenFor is how long a note of listening holds, in milliseconds.
const listenFor = 3000

// listenScript notes who listens.
//
//	KEYS[1] listeners
//	ARGV[1] holder  ARGV[2] "1" while it listens  ARGV[3] how long the note holds, in ms
//
// Returns how many others listen.
var listenScript = redis.NewScript(`
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - 1))
redis.call('ZREM', KEYS[1], ARGV[1])
local others = redis.call('ZCARD', KEYS[1])
if ARGV[2] == '1' then redis.call('ZADD', KEYS[1], string.format('%.0f', now + tonumber(ARGV[3])), ARGV[1]) end
return others
`)

// Listening notes whether this process is told of a platform's events.
func (g *Gaps) Listening(ctx context.Context, p core.PlatformName, now bool) (int, error) {
	on := "0"
	if now {
		on = "1"
	}
	n, err := listenScript.Run(ctx, g.DB.Client, []string{g.DB.Keys.Listeners(p)}, g.Holder, on, listenFor).Int()
	return n, Fault(err)
}
