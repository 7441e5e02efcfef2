package journal

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

// carry is a read that a waiting reader leaves to whoever stores an inbound in its partition: it goes behind that inbound
// in the same round trip, which spares the reader the one it would make once it is woken.
type carry struct {
	keys  []string
	args  []any
	taken bool         // guarded by the journal
	back  chan carried // takes one answer, which may find nobody there
}

// carried is the answer to a read, and what was asked behind it for the inbound that was stored.
type carried struct {
	rows any // nil when there is none
	seen foreseen
}

// empty reports that nothing was handed out. A lost lease is something.
func (c carried) empty() bool {
	rows, ok := c.rows.([]any)
	return c.rows == nil || ok && len(rows) == 0
}

// leave offers a read to whoever comes with an inbound.
func (j *Journal) leave(p core.Partition, read carry) *carry {
	c := &carry{keys: read.keys, args: read.args, back: make(chan carried, 1)}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.carries[p] = c
	return c
}

// takeBack ends an offer; false: somebody is on the way with it already.
func (j *Journal) takeBack(p core.Partition, c *carry) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.carries[p] == c {
		delete(j.carries, p)
	}
	return !c.taken
}

// pick takes the read that a reader of the partition left, if any. Where replicas are waited for there is none to take: the
// answer would wait for them too.
func (j *Journal) pick(p core.Partition) *carry {
	if j.db.Wait > 0 {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	c := j.carries[p]
	if c != nil {
		c.taken = true
		delete(j.carries, p)
	}
	return c
}

// ask adds the read to a round trip whose first inbound is in. What it returns must be called once the trip is over, however
// it ended: the reader waits for it.
func (j *Journal) ask(ctx context.Context, c *carry, pipe redis.Pipeliner, p core.Partition, in core.Inbound) (done func()) {
	asked := readScript.EvalSha(ctx, pipe, c.keys, c.args...)
	var answer func() (core.Spoken, error)
	if _, ok := j.db.Client.(*redis.ClusterClient); !ok {
		// On a Cluster what is asked ahead lies on other nodes, too: one that hangs would keep this one's inbound from being
		// acknowledged.
		answer = j.askAhead(ctx, pipe, p, in)
	}
	return func() {
		rows, err := asked.Result()
		if err != nil {
			rows = nil // the reader reads by itself
		}
		c.back <- carried{rows: rows, seen: foreseen{id: in.ID, answer: answer}}
	}
}

// woken is what a reader finds when it has waited: nothing, the first inbound that lies there, or the answer to its read.
type woken struct {
	next *core.Entry[core.Inbound]
	carried
}

// await blocks until something newer than what was seen lies in either stream, or the context ends. By itself it takes
// nothing, and tells the first inbound that lies there, if it can be read; whoever stores an inbound in this process brings
// the answer to the read that comes next. A blocked read cannot be called back: it is left to run out by itself.
func (j *Journal) await(ctx context.Context, p core.Partition, read carry, r *reader, wait time.Duration) (woken, error) {
	args := &redis.XReadArgs{Streams: []string{read.keys[0], read.keys[1], r.lastIn, r.lastOut}, Count: 1, Block: wait}
	done := make(chan *redis.XStreamSliceCmd, 1)
	c := j.leave(p, read)
	go func() { done <- j.db.Client.XRead(ctx, args) }()
	for {
		select {
		case got := <-c.back:
			if !got.empty() {
				return woken{carried: got}, nil
			}
			// What was stored was known, or the answer was lost: the blocked read tells if something is there.
			c = j.leave(p, read)
		case got := <-done:
			if !j.takeBack(p, c) {
				select {
				case got := <-c.back:
					if !got.empty() {
						return woken{carried: got}, nil
					}
				case <-ctx.Done():
					return woken{}, rdb.Fault(context.Cause(ctx))
				}
			}
			next, err := firstIn(got, read.keys[0])
			return woken{next: next}, err
		case <-ctx.Done():
			// What somebody is bringing stays pending, for the next read or the next holder.
			j.takeBack(p, c)
			return woken{}, rdb.Fault(context.Cause(ctx))
		}
	}
}

// firstIn returns the first inbound that a blocked read saw in a stream, if it can be read.
func firstIn(got *redis.XStreamSliceCmd, stream string) (*core.Entry[core.Inbound], error) {
	if err := got.Err(); err != nil && !errors.Is(err, redis.Nil) {
		return nil, rdb.Fault(err)
	}
	for _, s := range got.Val() {
		if s.Stream != stream || len(s.Messages) == 0 {
			continue
		}
		first := &core.Entry[core.Inbound]{ID: core.EntryID(s.Messages[0].ID)}
		if data, _ := s.Messages[0].Values[field].(string); rdb.DecodeJSON([]byte(data), &first.Item) == nil {
			return first, nil
		}
	}
	return nil, nil
}
