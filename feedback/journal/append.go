package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

// appendScript stores an inbound once. Its mark goes into the set of the server's present generation, which lasts until
// it is that generation's turn again; one whose time is nearly up then is what is left of the turn before.
//
//	KEYS[1] journal  KEYS[2..3] the two generations of seen marks
//	ARGV[1] mark  ARGV[2] entry  ARGV[3] how long a generation is the present one, in seconds
//
// Returns 1 when stored, 0 when it was known.
var appendScript = redis.NewScript(`
local span = tonumber(ARGV[3])
local now = math.floor(redis.call('TIME')[1] / span)
local seen, other = KEYS[2 + now % 2], KEYS[3 - now % 2]
if redis.call('SISMEMBER', other, ARGV[1]) == 1 or redis.call('SADD', seen, ARGV[1]) == 0 then return 0 end
if redis.call('TTL', seen) < span then redis.call('EXPIREAT', seen, (now + 2) * span) end
redis.call('XADD', KEYS[1], '*', 'e', ARGV[2])
return 1
`)

// waitFor bounds how long replicas are waited for; platforms want their acknowledgement within three seconds.
const waitFor = 500 * time.Millisecond

// arrival is an inbound on its way into the journal.
type arrival struct {
	in    core.Inbound
	data  []byte
	added bool
}

// Append stores an inbound unless its id is known.
func (j *Journal) Append(ctx context.Context, p core.Partition, in core.Inbound) (bool, error) {
	if in.V == 0 {
		in.V = core.InboundVersion
	}
	data, err := json.Marshal(in)
	if err != nil {
		return false, core.Wrap(core.CodeInternal, fmt.Errorf("encode inbound: %w", err))
	}
	if err := ctx.Err(); err != nil {
		return false, rdb.Fault(err)
	}
	a := &arrival{in: in, data: data}
	err = j.intake(p).inbounds.put(ctx, a, func(ctx context.Context, all []*arrival) []error { return j.append(ctx, p, all) })
	return a.added, err
}

// append stores arrivals of one partition in one round trip. Where replicas are waited for, it returns once they have
// them too; that holds for known ones as well, whose first storing may have failed to get there.
func (j *Journal) append(ctx context.Context, p core.Partition, all []*arrival) []error {
	errs := make([]error, len(all))
	fail := func(err error) []error {
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	node, err := j.db.Node(ctx, j.db.Keys.Journal(p))
	if err != nil {
		return fail(rdb.Fault(err))
	}
	pipe := node.Pipeline()
	cmds := make([]*redis.Cmd, len(all))
	for i, a := range all {
		keys, args := j.appendArgs(p, a)
		cmds[i] = appendScript.EvalSha(ctx, pipe, keys, args...)
	}
	read := func() {}
	if c := j.pick(p); c != nil {
		read = j.ask(ctx, c, pipe, p, all[0].in)
	}
	var wait *redis.Cmd
	if j.db.Wait > 0 {
		wait = pipe.Do(ctx, "WAIT", j.db.Wait, waitFor.Milliseconds())
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	read()
	for i, c := range cmds {
		if redis.HasErrorPrefix(c.Err(), "NOSCRIPT") { // the server forgot it
			keys, args := j.appendArgs(p, all[i])
			if c = appendScript.Run(ctx, j.db.Client, keys, args...); wait != nil && c.Err() == nil {
				wait = node.Do(ctx, "WAIT", j.db.Wait, waitFor.Milliseconds())
			}
		}
		n, err := c.Int()
		all[i].added, errs[i] = n == 1, rdb.Fault(err)
	}
	if wait != nil {
		if n, err := wait.Int(); err != nil {
			return fail(rdb.Fault(err))
		} else if n < j.db.Wait {
			return fail(core.Wrap(core.CodeRetry, fmt.Errorf("%d of %d replicas have it", n, j.db.Wait)))
		}
	}
	return errs
}

func (j *Journal) appendArgs(p core.Partition, a *arrival) (keys []string, args []any) {
	part, mark := rdb.SeenMark(a.in.ID)
	return []string{j.db.Keys.Journal(p), j.db.Keys.Seen(p, 0, part), j.db.Keys.Seen(p, 1, part)}, []any{mark, a.data, int(seenFor.Seconds())}
}

// Acknowledged notes that the platform took the acknowledgement.
func (j *Journal) Acknowledged(ctx context.Context, p core.Partition, id core.InboundID) error {
	return j.intake(p).acks.put(ctx, id, func(ctx context.Context, ids []core.InboundID) []error {
		pipe := j.db.Client.Pipeline()
		cmds := make([]*redis.StatusCmd, len(ids))
		for i, id := range ids {
			cmds[i] = pipe.Set(ctx, j.db.Keys.Acked(p, id), 1, ackTTL)
		}
		_, _ = pipe.Exec(ctx) // each command has its own error
		errs := make([]error, len(ids))
		for i, c := range cmds {
			errs[i] = rdb.Fault(c.Err())
		}
		return errs
	})
}

// WasAcknowledged reads the note.
func (j *Journal) WasAcknowledged(ctx context.Context, p core.Partition, id core.InboundID) (bool, error) {
	n, err := j.db.Client.Exists(ctx, j.db.Keys.Acked(p, id)).Result()
	return n > 0, rdb.Fault(err)
}
