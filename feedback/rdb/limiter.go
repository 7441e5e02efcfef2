package rdb

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
)

// Limiter implements core.Limiter with one small hash per bucket, shared by all replicas. A bucket that was never
// taught a rate passes at once, unless a platform said to wait.
type Limiter struct {
	DB    *DB
	Clock core.Clock
}

var _ core.Limiter = (*Limiter)(nil)

// bucketTTL forgets a bucket that was not used for this long.
const bucketTTL = 10 * time.Minute

// waitScript takes a place in a bucket (generic cell rate algorithm).
//
//	KEYS[1] bucket
//	ARGV[1] now in microseconds  ARGV[2] ttl in ms
//
// Returns microseconds to wait before asking again; 0: go.
var waitScript = redis.NewScript(`
local b = redis.call('HMGET', KEYS[1], 'closed', 'step', 'burst', 'tat')
local now = tonumber(ARGV[1])
local closed = tonumber(b[1] or '0')
if closed > now then return string.format('%.0f', closed - now) end
local step = tonumber(b[2] or '0')
if step == 0 then return '0' end
local tat = tonumber(b[4] or '0')
if tat < now then tat = now end
local ahead = tat - now
local room = step * (tonumber(b[3]) - 1)
if ahead > room then return string.format('%.0f', ahead - room) end
redis.call('HSET', KEYS[1], 'tat', string.format('%.0f', tat + step))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return '0'
`)

// Wait blocks until the bucket has a place, or the context ends.
func (l *Limiter) Wait(ctx context.Context, bucket string) error {
	for {
		us, err := waitScript.Run(ctx, l.DB.Client, []string{l.DB.Keys.Bucket(bucket)}, l.Clock.Now().UnixMicro(), bucketTTL.Milliseconds()).Int64()
		if err != nil {
			return Fault(err)
		}
		if us <= 0 {
			return nil
		}
		if err := l.Clock.Sleep(ctx, min(time.Duration(us)*time.Microsecond, time.Minute)); err != nil {
			return core.Wrap(core.CodeRetry, err)
		}
	}
}

// Limited closes a bucket for d.
func (l *Limiter) Limited(ctx context.Context, bucket string, d time.Duration) {
	key := l.DB.Keys.Bucket(bucket)
	pipe := l.DB.Client.TxPipeline()
	pipe.HSet(ctx, key, "closed", l.Clock.Now().Add(d).UnixMicro())
	pipe.PExpire(ctx, key, max(bucketTTL, 2*d))
	_, _ = pipe.Exec(ctx) // a lost note costs one more refused call, nothing else
}

// Learn sets a bucket's rate.
func (l *Limiter) Learn(ctx context.Context, bucket string, n int, window time.Duration) {
	key := l.DB.Keys.Bucket(bucket)
	if n <= 0 {
		_ = l.DB.Client.HDel(ctx, key, "step", "burst").Err()
		return
	}
	pipe := l.DB.Client.TxPipeline()
	pipe.HSet(ctx, key, "step", (window / time.Duration(n)).Microseconds(), "burst", n)
	pipe.PExpire(ctx, key, bucketTTL)
	_, _ = pipe.Exec(ctx)
}
