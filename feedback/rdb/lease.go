package rdb

import (
	"context"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
)

// Leases implements core.Leases. Holder names the process.
type Leases struct {
	DB     *DB
	Holder string
	Clock  core.Clock
}

var _ core.Leases = (*Leases)(nil)

// acquireScript takes a lease if it is free or already ours.
//
//	KEYS[1] lease  KEYS[2] fence
//	ARGV[1] holder  ARGV[2] ttl in ms  ARGV[3] the caller's time in ms
//
// Returns the fencing number, or 0 when somebody else holds it. The number is one more than the larger of the stored
// one and the time, so that losing Redis's last second in a failover does not turn it back.
var acquireScript = redis.NewScript(`
if redis.call('EXISTS', KEYS[1]) == 1 then return '0' end
local f = tonumber(redis.call('GET', KEYS[2]) or '0')
local now = tonumber(ARGV[3])
if now > f then f = now end
f = f + 1
local s = string.format('%.0f', f)
redis.call('SET', KEYS[2], s)
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. s, 'PX', ARGV[2])
return s
`)

// renewScript extends a lease that is still ours.
//
//	KEYS[1] lease  KEYS[2] fence
//	ARGV[1] "holder fence"  ARGV[2] ttl in ms  ARGV[3] fence
//
// Returns 1 when extended, 0 when lost. A lease that ran out unnoticed and was taken by nobody is taken again.
var renewScript = redis.NewScript(`
local have = redis.call('GET', KEYS[1])
if have == ARGV[1] or (not have and redis.call('GET', KEYS[2]) == ARGV[3]) then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return 1
end
return 0
`)

// releaseScript gives a lease up if it is still ours.
//
//	KEYS[1] lease
//	ARGV[1] "holder fence"
var releaseScript = redis.NewScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
`)

// Acquire tries once to take a lease.
func (l *Leases) Acquire(ctx context.Context, name string, ttl time.Duration) (core.Lease, bool, error) {
	s, err := acquireScript.Run(ctx, l.DB.Client, []string{l.DB.Keys.Lease(name), l.DB.Keys.Fence(name)},
		l.Holder, ttl.Milliseconds(), l.Clock.Now().UnixMilli()).Text()
	if err != nil {
		return core.Lease{}, false, Fault(err)
	}
	fence, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return core.Lease{}, false, core.Wrap(core.CodeInternal, err)
	}
	return core.Lease{Name: name, Holder: l.Holder, Fence: fence}, fence > 0, nil
}

// Renew extends a lease; CodeConflict when it was lost.
func (l *Leases) Renew(ctx context.Context, lease core.Lease, ttl time.Duration) error {
	fence := strconv.FormatInt(lease.Fence, 10)
	n, err := renewScript.Run(ctx, l.DB.Client, []string{l.DB.Keys.Lease(lease.Name), l.DB.Keys.Fence(lease.Name)},
		lease.Holder+" "+fence, ttl.Milliseconds(), fence).Int()
	if err != nil {
		return Fault(err)
	}
	if n == 0 {
		return core.Wrap(core.CodeConflict, errFenced)
	}
	return nil
}

// Release gives a lease up at once.
func (l *Leases) Release(ctx context.Context, lease core.Lease) error {
	return Fault(releaseScript.Run(ctx, l.DB.Client, []string{l.DB.Keys.Lease(lease.Name)},
		lease.Holder+" "+strconv.FormatInt(lease.Fence, 10)).Err())
}
