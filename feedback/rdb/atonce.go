package rdb

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// giveBackScript gives a place back that nobody took: as long as nobody has booked one behind it.
//
//	KEYS[1] bucket
//	ARGV[1] what the bucket was booked up to by it
//
// Returns 1 when it was given back. A place that others stand behind stays booked: theirs do not move, and to let the next
// one in beside the last of them would be one call too many there.
var giveBackScript = redis.NewScript(`
local b = redis.call('HMGET', KEYS[1], 'tat', 'step')
if b[1] ~= ARGV[1] or not b[2] then return 0 end
redis.call('HSET', KEYS[1], 'tat', string.format('%.0f', tonumber(b[1]) - tonumber(b[2])))
return 1
`)

// atOnce takes a place in every one of the buckets in one round trip, if all have one now and nobody stands before us in
// any of them. If not, it keeps none. It cannot be one script: on a Cluster buckets lie on different nodes.
func (l *Limiter) atOnce(ctx context.Context, buckets []string) bool {
	for _, b := range buckets {
		ln := l.join(b)
		defer l.leave(b, ln)
		if l.hopeless(ctx, ln) != nil {
			return false
		}
		select {
		case ln.turn <- struct{}{}:
			defer func() { <-ln.turn }()
		default:
			return false
		}
		l.mu.Lock()
		closed := l.Clock.Now().Before(ln.until)
		l.mu.Unlock()
		if closed {
			return false
		}
	}
	actx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	pipe := l.DB.Client.Pipeline()
	asked := make([]*redis.Cmd, len(buckets))
	now := l.Clock.Now().UnixMicro()
	for i, b := range buckets {
		asked[i] = waitScript.EvalSha(actx, pipe, []string{l.DB.Keys.Bucket(b)}, now, bucketTTL.Milliseconds(), 0, 0)
	}
	_, _ = pipe.Exec(actx) // each command has its own error
	booked := map[string]int64{}
	all := true
	for i, c := range asked {
		// Whatever went wrong with one, such as a script that a new server does not know, asking for it alone will tell.
		got, err := c.Int64Slice()
		ok := err == nil && len(got) == 3 && got[1] == 1
		all = all && ok
		if ok && got[2] != 0 {
			booked[buckets[i]] = got[2]
		}
	}
	if !all {
		l.giveBack(ctx, booked)
	}
	return all
}

// giveBack gives places back. One that cannot be given back is a call less in its bucket, nothing else.
func (l *Limiter) giveBack(ctx context.Context, booked map[string]int64) {
	if len(booked) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBackTimeout)
	defer cancel()
	for b, upTo := range booked {
		_ = giveBackScript.Run(ctx, l.DB.Client, []string{l.DB.Keys.Bucket(b)}, upTo).Err()
	}
}

// giveBackTimeout bounds the giving back; others wait in line meanwhile.
const giveBackTimeout = 200 * time.Millisecond
