package journal

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

var _ core.DeadLetters = (*Journal)(nil)

// Dead returns the newest dead letters of a partition, at most limit.
func (j *Journal) Dead(ctx context.Context, p core.Partition, limit int) ([]core.DeadLetter, error) {
	rows, err := j.db.Client.XRevRangeN(ctx, j.db.Keys.Dead(p), "+", "-", int64(limit)).Result()
	if err != nil {
		return nil, rdb.Fault(err)
	}
	out := make([]core.DeadLetter, 0, len(rows))
	for _, r := range rows {
		if d, ok := decodeDead(r); ok {
			out = append(out, d)
		}
	}
	return out, nil
}

func decodeDead(r redis.XMessage) (core.DeadLetter, bool) {
	var d core.DeadLetter
	s, _ := r.Values[field].(string)
	ok := json.Unmarshal([]byte(s), &d) == nil
	d.Entry = core.EntryID(r.ID)
	return d, ok
}

// retryScript puts a dead letter back into the stream that it came from.
//
//	KEYS[1] dead letters  KEYS[2] journal or outbox
//	ARGV[1] its entry  ARGV[2] the inbound or outgoing
//
// Returns 1, or 0 when it is not there any more.
var retryScript = redis.NewScript(`
if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('XADD', KEYS[2], '*', 'e', ARGV[2])
return 1
`)

// Retry puts a dead letter back to be handled or delivered again.
func (j *Journal) Retry(ctx context.Context, p core.Partition, id core.EntryID) error {
	rows, err := j.db.Client.XRange(ctx, j.db.Keys.Dead(p), string(id), string(id)).Result()
	if err != nil {
		return rdb.Fault(err)
	}
	if len(rows) == 0 {
		return noDead(id)
	}
	d, ok := decodeDead(rows[0])
	if !ok || d.Cut || d.Payload == "" {
		return core.Errorf(core.CodeInvalid, "%s was not kept whole and cannot be tried again.", id)
	}
	stream, data, err := j.revive(p, d)
	if err != nil {
		return err
	}
	n, err := retryScript.Run(ctx, j.db.Client, []string{j.db.Keys.Dead(p), stream}, string(id), data).Int()
	if err != nil {
		return rdb.Fault(err)
	}
	if n == 0 {
		return noDead(id)
	}
	return nil
}

// revive makes of a dead letter what it was, and says where that belongs.
func (j *Journal) revive(p core.Partition, d core.DeadLetter) (stream string, data []byte, err error) {
	if d.Kind == core.DeadInbound {
		var in core.Inbound
		if err := json.Unmarshal([]byte(d.Payload), &in); err != nil {
			return "", nil, core.Errorf(core.CodeInvalid, "%s cannot be read.", d.Entry).Because(err)
		}
		if in.Kind == core.InboundUnreadable {
			return "", nil, core.Errorf(core.CodeInvalid, "%s was not understood; trying again would not change that.", d.Entry)
		}
		data, err = json.Marshal(in)
		return j.db.Keys.Journal(p), data, err
	}
	var out core.Outgoing
	if err := json.Unmarshal([]byte(d.Payload), &out); err != nil || out.Kind == "" {
		return "", nil, core.Errorf(core.CodeInvalid, "%s cannot be read.", d.Entry).Because(err)
	}
	out.Again = true
	data, err = json.Marshal(out)
	return j.db.Keys.Outbox(p), data, err
}

// Drop forgets a dead letter.
func (j *Journal) Drop(ctx context.Context, p core.Partition, id core.EntryID) error {
	n, err := j.db.Client.XDel(ctx, j.db.Keys.Dead(p), string(id)).Result()
	if err != nil {
		return rdb.Fault(err)
	}
	if n == 0 {
		return noDead(id)
	}
	return nil
}

func noDead(id core.EntryID) error {
	return core.Errorf(core.CodeNotFound, "There is no dead letter %s.", id).Because(errors.New("not among the dead letters"))
}
