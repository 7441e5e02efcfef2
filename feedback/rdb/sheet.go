package rdb

import (
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
)

// Sheet is a record with its revision, and short lines beside it by name, kept together in one string: a key of its own
// for each would cost more than what is in them. The record and the lines are written independently of each other.
//
// It is stored as "revision record", and for each line a newline and "name line". A line may come before there is a
// record; the revision is 0 then. Neither record, names nor lines contain newlines, and names no spaces.
type Sheet struct {
	Rev    int64
	Record []byte
	Lines  map[string]string
}

// PutSheet adds the write of a sheet's record: it gets the next revision, its lines stay. The change fails when the
// stored revision is not the one the caller read (0: must not exist).
func (b *Batch) PutSheet(key string, rev int64, record []byte) {
	want := ""
	if rev > 0 {
		want = strconv.FormatInt(rev, 10)
	}
	b.Expect(key, "#", want)
	b.sheets = append(b.sheets, &sheetWrite{key: key, args: []any{rev + 1, record}})
}

// sheetWrite is a record on its way with the lines that are written beside it: together they are one write.
type sheetWrite struct {
	key  string
	args []any
}

// PutLine adds the write of a sheet's line, instead of what was there by this name.
func (b *Batch) PutLine(key, name, line string) {
	for _, w := range b.sheets {
		if w.key == key {
			w.args = append(w.args, name, line)
			return
		}
	}
	b.Do("line", key, name, line)
}

// ParseSheet reads a stored sheet.
func ParseSheet(data string) (Sheet, error) {
	head, rest, _ := strings.Cut(data, "\n")
	number, record, _ := strings.Cut(head, " ")
	rev, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return Sheet{}, core.Wrap(core.CodeInternal, err)
	}
	s := Sheet{Rev: rev, Record: []byte(record), Lines: map[string]string{}}
	for rest != "" {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		name, text, _ := strings.Cut(line, " ")
		s.Lines[name] = text
	}
	return s, nil
}

// Decode reads the sheet's record. CodeNotFound when there is none, ErrNewerRecord when a newer Atelier wrote it.
func (s Sheet) Decode(out any) error {
	if s.Rev == 0 {
		return core.Wrap(core.CodeNotFound, redis.Nil)
	}
	return DecodeJSON(s.Record, out)
}
