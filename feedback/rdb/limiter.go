package rdb

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
)

// Limiter implements core.Limiter with one small hash per bucket, shared by all replicas. A bucket that was never
// taught a rate passes at once, unless a platform said to wait.
//
// Places are given out in order: whoever asks books the next one and comes back when it is due, so nobody overtakes, and
// in one process only the first of a bucket's queue asks at all. While Redis is away every call is refused at once with
// CodeRetry: a platform that is not paced would refuse us for longer.
type Limiter struct {
	DB    *DB
	Clock core.Clock

	mu    sync.Mutex
	lines map[string]*line
	tight map[string]time.Time // buckets that had no place lately, until when that counts
	down  time.Time            // Redis did not answer; not asked again before this
}

var _ core.Limiter = (*Limiter)(nil)

const (
	// bucketTTL forgets a bucket that was not used for this long. Adapters teach rates again before.
	bucketTTL = 10 * time.Minute
	// askTimeout bounds one question to Redis.
	askTimeout = time.Second
	// downFor is how long nobody asks after Redis did not answer.
	downFor = 500 * time.Millisecond
)

// line is the queue of one bucket in this process. It exists while somebody stands in it.
type line struct {
	turn  chan struct{} // senders on a channel are served in order
	count int
	until time.Time // no place before this, as far as the first one was told
}

// waitScript takes or books a place in a bucket (generic cell rate algorithm).
//
//	KEYS[1] bucket
//	ARGV[1] now in microseconds  ARGV[2] ttl in ms  ARGV[3] the longest wait worth a place, in microseconds
//	ARGV[4] 1 when the caller holds a place already and asks whether the bucket was closed meanwhile
//
// Returns "microseconds to wait", "1" when the place is the caller's, "0" when the wait is too long for it, and what the
// bucket was booked up to by it, "0" when nothing was booked.
var waitScript = redis.NewScript(`
local b = redis.call('HMGET', KEYS[1], 'closed', 'step', 'burst', 'tat')
local now, longest = tonumber(ARGV[1]), tonumber(ARGV[3])
local start = math.max(now, tonumber(b[1] or '0'))
local wait = start - now
local step = tonumber(b[2] or '0')
if ARGV[4] == '1' or step == 0 then
  if wait > longest then return {string.format('%.0f', wait), '0', '0'} end
  return {string.format('%.0f', wait), '1', '0'}
end
local tat = math.max(tonumber(b[4] or '0'), start)
local over = tat - start - step * (tonumber(b[3]) - 1)
if over > 0 then wait = wait + over end
if wait > longest then return {string.format('%.0f', wait), '0', '0'} end
local booked = string.format('%.0f', tat + step)
redis.call('HSET', KEYS[1], 'tat', booked)
local ttl, due = tonumber(ARGV[2]), math.ceil((tat + step - now) / 1000)
if redis.call('PTTL', KEYS[1]) < math.max(ttl * 0.9, due) then redis.call('PEXPIRE', KEYS[1], math.max(ttl, due)) end
return {string.format('%.0f', wait), '1', booked}
`)

// bucketScript sets fields of a bucket. It neither opens one that is closed for longer nor shortens its life.
//
//	KEYS[1] bucket
//	ARGV[1] closed until, in microseconds; empty to leave  ARGV[2] step  ARGV[3] burst; empty to leave, 0 to forget
//	ARGV[4] ttl in ms
var bucketScript = redis.NewScript(`
if ARGV[1] ~= '' and tonumber(redis.call('HGET', KEYS[1], 'closed') or '0') < tonumber(ARGV[1]) then
  redis.call('HSET', KEYS[1], 'closed', ARGV[1])
end
if ARGV[2] == '0' then
  redis.call('HDEL', KEYS[1], 'step', 'burst')
elseif ARGV[2] ~= '' then
  redis.call('HSET', KEYS[1], 'step', ARGV[2], 'burst', ARGV[3])
end
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
return 1
`)

// Wait blocks until the buckets have a place, in their order. It returns CodeRetry when the context ends or Redis does not
// answer, and at once, with RetryAfter, when a place comes later than the context's deadline.
func (l *Limiter) Wait(ctx context.Context, buckets ...string) error {
	if len(buckets) > 1 && l.atOnce(ctx, buckets) {
		return nil
	}
	for _, b := range buckets {
		if err := l.wait(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

func (l *Limiter) wait(ctx context.Context, bucket string) error {
	ln := l.join(bucket)
	defer l.leave(bucket, ln)
	if err := l.hopeless(ctx, ln); err != nil {
		return err
	}
	select {
	case ln.turn <- struct{}{}:
		defer func() { <-ln.turn }()
	case <-ctx.Done():
		return core.Wrap(core.CodeRetry, context.Cause(ctx))
	}
	for mine := false; ; mine = true {
		if err := l.hopeless(ctx, ln); err != nil {
			return err
		}
		wait, ok, err := l.ask(ctx, bucket, mine)
		if err != nil {
			return err
		}
		if wait <= 0 {
			return nil
		}
		l.mu.Lock()
		ln.until = l.Clock.Now().Add(wait)
		l.mu.Unlock()
		if !ok {
			return &core.Error{Code: core.CodeRetry, RetryAfter: wait, Err: context.DeadlineExceeded}
		}
		if err := l.Clock.Sleep(ctx, wait); err != nil {
			return core.Wrap(core.CodeRetry, err)
		}
	}
}

func (l *Limiter) join(bucket string) *line {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lines == nil {
		l.lines = map[string]*line{}
	}
	ln := l.lines[bucket]
	if ln == nil {
		ln = &line{turn: make(chan struct{}, 1)}
		l.lines[bucket] = ln
	}
	ln.count++
	return ln
}

func (l *Limiter) leave(bucket string, ln *line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ln.count--; ln.count == 0 {
		delete(l.lines, bucket)
	}
}

// hopeless says without asking Redis that there will be no place in time.
func (l *Limiter) hopeless(ctx context.Context, ln *line) error {
	if ctx.Err() != nil {
		return core.Wrap(core.CodeRetry, context.Cause(ctx))
	}
	l.mu.Lock()
	until, down, now := ln.until, l.down, l.Clock.Now()
	l.mu.Unlock()
	if now.Before(down) {
		return core.Errorf(core.CodeRetry, "Redis does not answer.")
	}
	if wait := until.Sub(now); wait > patience(ctx) {
		return &core.Error{Code: core.CodeRetry, RetryAfter: wait, Err: context.DeadlineExceeded}
	}
	return nil
}

// patience is how long a caller can wait.
func patience(ctx context.Context) time.Duration {
	if end, ok := ctx.Deadline(); ok {
		return max(time.Until(end), 0)
	}
	return math.MaxInt64 / 2
}

func (l *Limiter) ask(ctx context.Context, bucket string, mine bool) (wait time.Duration, ok bool, err error) {
	actx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	held := 0
	if mine {
		held = 1
	}
	got, err := waitScript.Run(actx, l.DB.Client, []string{l.DB.Keys.Bucket(bucket)}, l.Clock.Now().UnixMicro(), bucketTTL.Milliseconds(),
		min(patience(ctx), 24*time.Hour).Microseconds(), held).Int64Slice()
	if err != nil || len(got) != 3 {
		if err = Fault(err); core.ErrorCode(err) == core.CodeRetry && ctx.Err() == nil {
			l.mu.Lock()
			l.down = l.Clock.Now().Add(downFor)
			l.mu.Unlock()
		}
		return 0, false, core.Wrap(core.CodeRetry, err)
	}
	wait = time.Duration(got[0]) * time.Microsecond
	l.noteTight(bucket, wait)
	return wait, got[1] == 1, nil
}

// Limited closes a bucket for d, or longer where it was closed for longer.
func (l *Limiter) Limited(ctx context.Context, bucket string, d time.Duration) {
	until := l.Clock.Now().Add(d)
	l.mu.Lock()
	if ln := l.lines[bucket]; ln != nil && until.After(ln.until) {
		ln.until = until
	}
	l.mu.Unlock()
	l.note(ctx, bucket, until.UnixMicro(), "", "", max(bucketTTL, 2*d))
}

// Learn sets a bucket's rate. It is forgotten when the bucket is not used for ten minutes.
func (l *Limiter) Learn(ctx context.Context, bucket string, n int, window time.Duration) {
	if n <= 0 {
		l.note(ctx, bucket, "", 0, "", bucketTTL)
		return
	}
	l.note(ctx, bucket, "", (window / time.Duration(n)).Microseconds(), n, bucketTTL)
}

// note writes to a bucket. A lost note costs one more refused call, nothing else; it is not waited for long.
func (l *Limiter) note(ctx context.Context, bucket string, closed, step, burst any, ttl time.Duration) {
	l.mu.Lock()
	down := l.Clock.Now().Before(l.down)
	l.mu.Unlock()
	if down {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
	defer cancel()
	_ = bucketScript.Run(ctx, l.DB.Client, []string{l.DB.Keys.Bucket(bucket)}, closed, step, burst, ttl.Milliseconds()).Err()
}
