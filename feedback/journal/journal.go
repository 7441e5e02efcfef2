// Package journal keeps inbounds and outgoings in Redis Streams, one pair per partition, until they are settled.
package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

// Journal implements core.Journal.
type Journal struct {
	db *rdb.DB
	// Ahead asks, together with a read, what the handling of the first inbound will ask; what it returns reads the answers.
	// It may be nil, and is set before the journal is used.
	Ahead func(ctx context.Context, c redis.Cmdable, p core.Partition, in core.Inbound) func() (core.Spoken, error)

	mu      sync.Mutex
	readers map[core.Partition]*reader
	carries map[core.Partition]*carry
	ahead   map[core.Partition]foreseen
	intakes map[core.Partition]*intake
}

var _ core.Journal = (*Journal)(nil)

// reader is where a lease stands in its partition. A reader of an older lease is replaced, never shared.
type reader struct {
	fence         int64
	lastIn        string // newest ids in hand
	lastOut       string
	groupsCreated bool
	// idle says that there was nothing more when it was last asked: it waits before it asks again.
	idle bool
}

// New returns the journal of a store.
func New(db *rdb.DB) *Journal {
	return &Journal{db: db, readers: map[core.Partition]*reader{}, carries: map[core.Partition]*carry{}, ahead: map[core.Partition]foreseen{}, intakes: map[core.Partition]*intake{}}
}

const (
	group    = "w"
	consumer = "w" // one name for all holders: what one leaves pending the next one reads, in order
	field    = "e"
	// seenFor is how long an inbound is known at least: it outlives every redelivery. Slack repeats for minutes, and older
	// events are matched by message.
	seenFor = 48 * time.Hour
	// ackTTL bounds the note that an acknowledgement went out; a replay after a longer outage asks again.
	ackTTL = 24 * time.Hour
	// maxDead bounds the dead letters kept per partition.
	maxDead = 10_000
)

// readScript hands out entries to the holder of the lease only, so that a late holder cannot take entries that the
// new one would never see.
//
//	KEYS[1] journal  KEYS[2] outbox  KEYS[3] fence
//	ARGV[1] fence  ARGV[2] count  ARGV[3] newest id in hand of the journal  ARGV[4] the same of the outbox
//
// What is pending behind the newest id in hand comes first: entries of earlier holders, and those of an answer that was
// lost on its way. Only then come new ones. Returns 0 when the lease was lost, else the entries in order:
// {{"in"|"out", id, entry, "old"|"new"}, ...}.
var readScript = redis.NewScript(`
if redis.call('GET', KEYS[3]) ~= ARGV[1] then return 0 end
local out = {}
for n = 1, 2 do
  local name = n == 1 and 'in' or 'out'
  local seen = false
  for _, from in ipairs({ARGV[2+n], '>'}) do
    if not seen then
      local got = redis.call('XREADGROUP', 'GROUP', 'w', 'w', 'COUNT', ARGV[2], 'STREAMS', KEYS[n], from)
      if got then
        for _, s in ipairs(got) do
          for _, e in ipairs(s[2]) do
            seen = true
            local v = ''
            if e[2] then v = e[2][2] end
            out[#out+1] = {name, e[1], v, from == '>' and 'new' or 'old'}
          end
        end
      end
    end
  end
end
return out
`)

// Read returns the next entries in order.
func (j *Journal) Read(ctx context.Context, p core.Partition, l core.Lease, max int, wait time.Duration) ([]core.Entry[core.Inbound], []core.Entry[core.Outgoing], error) {
	r := j.reader(p, l)
	inKey, outKey := j.db.Keys.Journal(p), j.db.Keys.Outbox(p)
	if !r.groupsCreated {
		for _, k := range []string{inKey, outKey} {
			if err := j.db.Client.XGroupCreateMkStream(ctx, k, group, "0").Err(); err != nil && !isBusyGroup(err) {
				return nil, nil, rdb.Fault(err)
			}
		}
		r.groupsCreated = true
	}
	read := carry{keys: []string{inKey, outKey, j.db.Keys.Fence(l.Name)}, args: []any{l.Fence, max, r.lastIn, r.lastOut}}
	for asked := false; ; asked = true {
		var w woken
		if wait > 0 && (asked || r.idle) {
			r.idle = false
			var err error
			if w, err = j.await(ctx, p, read, r, wait); err != nil {
				return nil, nil, err
			}
			wait = 0
		}
		if w.rows == nil {
			var err error
			if w.carried, err = j.read(ctx, p, w.next, read); err != nil {
				r.groupsCreated = false // the stream may have been lost with its group
				return nil, nil, rdb.Fault(err)
			}
		}
		j.foresee(p, w.seen)
		list, ok := w.rows.([]any)
		if !ok {
			return nil, nil, core.Wrap(core.CodeGone, fmt.Errorf("partition %s has a newer holder", p))
		}
		ins, outs := decode(list, w.next)
		r.note(ins, outs)
		// One at a time is a quiet partition. In a busy one the next is there already, and to wait for it would be a question
		// more.
		r.idle = len(ins)+len(outs) <= 1
		if len(ins)+len(outs) > 0 || wait <= 0 {
			return ins, outs, nil
		}
	}
}

// read hands entries out. If it is known which inbound comes first, what its handling asks is asked on the same way.
func (j *Journal) read(ctx context.Context, p core.Partition, next *core.Entry[core.Inbound], read carry) (carried, error) {
	if next != nil {
		pipe := j.db.Client.Pipeline()
		asked := readScript.EvalSha(ctx, pipe, read.keys, read.args...)
		answer := j.askAhead(ctx, pipe, p, next.Item)
		_, _ = pipe.Exec(ctx) // each command has its own error
		rows, err := asked.Result()
		if !redis.HasErrorPrefix(err, "NOSCRIPT") { // the server forgot it
			return carried{rows: rows, seen: foreseen{id: next.Item.ID, answer: answer}}, err
		}
	}
	rows, err := readScript.Run(ctx, j.db.Client, read.keys, read.args...).Result()
	return carried{rows: rows}, err
}

// askAhead asks what the handling of an inbound will ask; nil when nothing is to be asked.
func (j *Journal) askAhead(ctx context.Context, c redis.Cmdable, p core.Partition, in core.Inbound) func() (core.Spoken, error) {
	if j.Ahead == nil || in.Kind != core.InboundMessage {
		return nil
	}
	return j.Ahead(ctx, c, p, in)
}

// foreseen is what was asked for an inbound together with the read that handed it out. It is of use only to the handling
// that follows at once.
type foreseen struct {
	id     core.InboundID
	answer func() (core.Spoken, error)
}

func (j *Journal) foresee(p core.Partition, f foreseen) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ahead[p] = f
}

// Foreseen returns what was asked ahead for an inbound. It is told once, and only while nothing else of the partition was
// asked for, read or written since.
func (j *Journal) Foreseen(p core.Partition, id core.InboundID) (core.Spoken, bool) {
	j.mu.Lock()
	f := j.ahead[p]
	j.ahead[p] = foreseen{}
	j.mu.Unlock()
	if f.answer == nil || f.id != id {
		return core.Spoken{}, false
	}
	s, err := f.answer()
	return s, err == nil
}

func (j *Journal) reader(p core.Partition, l core.Lease) *reader {
	j.mu.Lock()
	defer j.mu.Unlock()
	r := j.readers[p]
	if r == nil || r.fence != l.Fence {
		r = &reader{fence: l.Fence, lastIn: "0", lastOut: "0"}
		j.readers[p] = r
	}
	return r
}

// maxTaken bounds what one change hands out; the next read gets what is left.
const maxTaken = 100

// CommitAndTake commits a change of a lease's reader and hands out in the same step what Read would hand out next of the
// outbox, the change's own outgoings among it. It must not run beside a Read of the same lease. An entry is handed out by
// either of them, once: both go on behind the newest one in hand, and what an answer carried that was lost is read again.
// What also asks is answered behind the change, in the same round trip, unless answered is false.
func (j *Journal) CommitAndTake(ctx context.Context, b *rdb.Batch, p core.Partition, l core.Lease, also func(redis.Cmdable)) (outs []core.Entry[core.Outgoing], answered bool, err error) {
	j.mu.Lock()
	r := j.readers[p]
	j.ahead[p] = foreseen{}
	j.mu.Unlock()
	if r == nil || r.fence != l.Fence {
		return nil, false, b.Commit(ctx) // it never read, or this process holds the partition anew
	}
	b.HandsOut(j.db.Keys.Outbox(p), maxTaken, r.lastOut)
	rows, answered, err := b.CommitAndTake(ctx, also)
	for _, row := range rows {
		e := core.Entry[core.Outgoing]{ID: core.EntryID(row.ID), Replayed: row.Old}
		e.Err = rdb.DecodeJSON([]byte(row.Entry), &e.Item)
		outs = append(outs, e)
	}
	r.note(nil, outs)
	r.idle = r.idle && err == nil && len(outs) < maxTaken
	return outs, answered, err
}

func (r *reader) note(ins []core.Entry[core.Inbound], outs []core.Entry[core.Outgoing]) {
	if n := len(ins); n > 0 {
		r.lastIn = string(ins[n-1].ID)
	}
	if n := len(outs); n > 0 {
		r.lastOut = string(outs[n-1].ID)
	}
}

func isBusyGroup(err error) bool {
	return len(err.Error()) >= 9 && err.Error()[:9] == "BUSYGROUP"
}

// decode reads the script's answer. An entry that was seen already is not read again.
func decode(list []any, seen *core.Entry[core.Inbound]) (ins []core.Entry[core.Inbound], outs []core.Entry[core.Outgoing]) {
	for _, row := range list {
		cells, ok := row.([]any)
		if !ok || len(cells) != 4 {
			continue
		}
		name, _ := cells[0].(string)
		id, _ := cells[1].(string)
		data, _ := cells[2].(string)
		replayed := cells[3] == "old"
		if name == "in" {
			e := core.Entry[core.Inbound]{ID: core.EntryID(id), Replayed: replayed}
			if seen != nil && seen.ID == e.ID {
				e.Item = seen.Item
			} else {
				e.Err = rdb.DecodeJSON([]byte(data), &e.Item)
			}
			ins = append(ins, e)
			continue
		}
		e := core.Entry[core.Outgoing]{ID: core.EntryID(id), Replayed: replayed}
		e.Err = rdb.DecodeJSON([]byte(data), &e.Item)
		outs = append(outs, e)
	}
	return ins, outs
}

// Finish adds to a batch that an entry of the journal is settled: acknowledged and removed in the same step as what
// it led to.
func Finish(b *rdb.Batch, k rdb.Keys, p core.Partition, id core.EntryID) {
	b.Settles(k.Journal(p), string(id))
	b.Do("XACK", k.Journal(p), group, string(id))
	b.Do("XDEL", k.Journal(p), string(id))
}

// Enqueue adds outgoings to a batch.
func Enqueue(b *rdb.Batch, k rdb.Keys, p core.Partition, outs []core.Outgoing) error {
	for _, o := range outs {
		o.V = core.RecordVersion
		data, err := json.Marshal(o)
		if err != nil {
			return core.Wrap(core.CodeInternal, fmt.Errorf("encode outgoing: %w", err))
		}
		b.Do("XADD", k.Outbox(p), "*", field, data)
	}
	return nil
}

// Bury adds a dead letter to a batch.
func Bury(b *rdb.Batch, k rdb.Keys, p core.Partition, d core.DeadLetter) error {
	data, err := json.Marshal(d)
	if err != nil {
		return core.Wrap(core.CodeInternal, fmt.Errorf("encode dead letter: %w", err))
	}
	b.Do("XADD", k.Dead(p), "MAXLEN", "~", maxDead, "*", field, data)
	return nil
}

// Settle finishes an outgoing.
func (j *Journal) Settle(ctx context.Context, p core.Partition, l core.Lease, id core.EntryID, s core.Settled) error {
	b := j.db.NewBatch(l)
	if s.Place != nil {
		if err := Place(b, j.db.Keys, p, *s.Place, core.MessageRef{}); err != nil {
			return err
		}
	}
	if s.Dead != nil {
		if err := Bury(b, j.db.Keys, p, *s.Dead); err != nil {
			return err
		}
	}
	if s.Mark != nil {
		if err := mark(b, j.db.Keys, p, *s.Mark); err != nil {
			return err
		}
	}
	b.Settles(j.db.Keys.Outbox(p), string(id))
	b.Do("XACK", j.db.Keys.Outbox(p), group, string(id))
	b.Do("XDEL", j.db.Keys.Outbox(p), string(id))
	return b.Commit(ctx)
}

// mark adds to a batch that an object does not show in a room, or does after all, and that people are told.
func mark(b *rdb.Batch, k rdb.Keys, p core.Partition, m core.Mark) error {
	key, field := k.Undelivered(p, m.Task), string(m.Room)+" "+string(m.Object)
	if m.Reason == "" {
		b.Do("HDEL", key, field)
	} else {
		b.Do("HSET", key, field, m.Reason)
	}
	b.Do("HINCRBY", key, "rev", 1)
	obj := core.UndeliveredObject(m.Task, m.Room)
	var outs []core.Outgoing
	for _, room := range m.Tell {
		outs = append(outs, core.Outgoing{ID: core.MakeDeliveryID(obj, room, "mark/"+field+m.Reason), Kind: core.OutCard, Room: room, Task: m.Task, Object: obj, At: m.At})
	}
	return Enqueue(b, k, p, outs)
}

// Place adds where an object shows to a batch: the object's placements by room, and the way back from each message. The
// source is that of a comment which the same batch makes, zero otherwise.
func Place(b *rdb.Batch, k rdb.Keys, p core.Partition, w core.PlaceWrite, source core.MessageRef) error {
	if err := putPlacement(b, k, p, w, source); err != nil {
		return err
	}
	for _, m := range w.Parts {
		b.Claim(p, w.Room, m, w.Object)
	}
	if _, task, _ := w.Object.Parts(); w.Posted && len(w.Parts) > 0 {
		b.Do("HSET", k.Posted(p, task), string(w.Room), string(w.Parts[len(w.Parts)-1]))
	}
	if w.Opens != nil {
		return PutThread(b, k, p, w.Opens)
	}
	return nil
}

// Await adds to a batch that an inbound is handled again once its message is placed.
func Await(b *rdb.Batch, p core.Partition, in core.Inbound) error {
	data, err := json.Marshal(in)
	if err != nil {
		return core.Wrap(core.CodeInternal, fmt.Errorf("encode inbound: %w", err))
	}
	on := in.Message.ID
	if in.Kind == core.InboundMessage || in.Kind == core.InboundEdit {
		on = core.MessageID(in.Thread)
	}
	b.Await(p, in.Room, on, data)
	return nil
}

// PutThread adds a thread's record to a batch: by its id, by its task, and among the active ones.
func PutThread(b *rdb.Batch, k rdb.Keys, p core.Partition, t *core.Thread) error {
	t.V = core.RecordVersion
	data, err := json.Marshal(t)
	if err != nil {
		return core.Wrap(core.CodeInternal, fmt.Errorf("encode thread: %w", err))
	}
	b.Do("SET", k.Thread(p, t.Room, t.ID), data)
	b.Do("HSET", k.TaskThreads(p, t.Task), string(t.Room), data)
	b.Do("ZADD", k.ActiveThreads(p), t.Active.UnixMilli(), string(t.Task)+"|"+string(t.Room))
	return nil
}

// Backlog counts what is not settled in a partition.
func (j *Journal) Backlog(ctx context.Context, p core.Partition) (inbounds, outgoings, dead int64, err error) {
	pipe := j.db.Client.Pipeline()
	a, b, c := pipe.XLen(ctx, j.db.Keys.Journal(p)), pipe.XLen(ctx, j.db.Keys.Outbox(p)), pipe.XLen(ctx, j.db.Keys.Dead(p))
	if _, err := pipe.Exec(ctx); err != nil {
		return 0, 0, 0, rdb.Fault(err)
	}
	return a.Val(), b.Val(), c.Val(), nil
}
