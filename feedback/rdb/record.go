package rdb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
)

var errFenced = errors.New("the lease has a newer holder")

// PutRecord adds a record's write: its hash gets the next revision, and the change fails when the stored revision is
// not the one the caller read (0: must not exist).
func (b *Batch) PutRecord(key string, rev int64, record any) error {
	data, err := json.Marshal(record)
	if err != nil {
		return core.Wrap(core.CodeInternal, fmt.Errorf("encode %T: %w", record, err))
	}
	b.ExpectRevision(key, rev)
	b.Do("HSET", key, "v", rev+1, "d", data)
	return nil
}

// ExpectRevision makes the change fail with CodeConflict unless the record has this revision; 0: must not exist.
func (b *Batch) ExpectRevision(key string, rev int64) {
	want := ""
	if rev > 0 {
		want = strconv.FormatInt(rev, 10)
	}
	b.Expect(key, "v", want)
}

// GetRecord reads a record into out and returns its revision. CodeNotFound when there is none, ErrNewerRecord when a
// newer Atelier wrote it.
func (db *DB) GetRecord(ctx context.Context, key string, out any) (int64, error) {
	return AskRecord(ctx, db.Client, key)(out)
}

// AskRecord is GetRecord in two halves, so that several questions may share a round trip: what it returns reads the answer
// once that is there.
func AskRecord(ctx context.Context, c redis.Cmdable, key string) func(out any) (int64, error) {
	asked := c.HMGet(ctx, key, "v", "d")
	return func(out any) (int64, error) {
		vals, err := asked.Result()
		if err != nil {
			return 0, Fault(err)
		}
		return Decode(vals, out)
	}
}

// Decode reads what HMGET v d returned.
func Decode(vals []any, out any) (int64, error) {
	v, ok1 := vals[0].(string)
	d, ok2 := vals[1].(string)
	if !ok1 || !ok2 {
		return 0, core.Wrap(core.CodeNotFound, redis.Nil)
	}
	rev, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		return 0, core.Wrap(core.CodeInternal, err)
	}
	return rev, DecodeJSON([]byte(d), out)
}

// DecodeJSON reads a versioned JSON record.
func DecodeJSON(data []byte, out any) error {
	if !ofThisVersion(data) {
		var head struct {
			V int `json:"v"`
		}
		if err := json.Unmarshal(data, &head); err != nil {
			return core.Wrap(core.CodeInternal, fmt.Errorf("decode %T: %w", out, err))
		}
		if head.V > core.RecordVersion {
			return core.ErrNewerRecord
		}
	}
	if err := json.Unmarshal(data, out); err != nil {
		return core.Wrap(core.CodeInternal, fmt.Errorf("decode %T: %w", out, err))
	}
	return nil
}

// ofThisVersion tells from its first bytes that a record is of the present version, as records that we write begin; false
// says nothing. It spares nearly every record a second reading, which for a reply's ten is a tenth of its way.
func ofThisVersion(data []byte) bool {
	rest, ok := bytes.CutPrefix(data, []byte(`{"v":`))
	if !ok {
		return false
	}
	v, _, ok := bytes.Cut(rest[:min(len(rest), 12)], []byte(","))
	return ok && string(v) == strconv.Itoa(core.RecordVersion)
}
