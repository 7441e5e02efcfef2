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
		full := l.Clock.Now().Before(ln.until) || l.Clock.Now().Before(l.tight[b])
		l.mu.Unlock()
		if full {
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
		if err == nil && len(got) == 3 {
			l.noteTight(buckets[i], time.Duration(got[0])*time.Microsecond)
		}
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

const (
	// tightFor is how long a bucket without a free place is taken to have none again. Where calls wait for one bucket, to ask
	// for all would book places in the others that come back too late to be taken.
	tightFor = 3 * time.Second
	// maxTight bounds the buckets that are remembered for it.
	maxTight = 10_000
)

// noteTight remembers that a bucket had no place.
func (l *Limiter) noteTight(bucket string, wait time.Duration) {
	if wait <= 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tight == nil || len(l.tight) >= maxTight {
		l.tight = map[string]time.Time{}
	}
	l.tight[bucket] = l.Clock.Now().Add(min(wait, tightFor) + tightFor)
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
