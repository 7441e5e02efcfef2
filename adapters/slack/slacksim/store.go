package slacksim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// store is the data file: one JSON line per changed entity, the last line of each entity wins.
type store struct {
	f   *os.File
	err error
}

type record struct {
	Kind  string          `json:"k"`
	Value json.RawMessage `json:"v"`
}

type goneRecord struct {
	Channel string `json:"channel"`
	TS      string `json:"ts"`
}

type fileDataRecord struct {
	ID   string `json:"id"`
	Data []byte `json:"data"`
}

type viewsRecord struct {
	User  string       `json:"user"`
	Stack []*ModalView `json:"stack"`
}

type clockRecord struct {
	Micros int64 `json:"micros"`
}

func openStore(path string, st *state) (*store, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("slacksim: open data file: %w", err)
	}
	good, err := replay(f, st)
	if err == nil {
		// A line that a kill cut short was never answered: it is dropped, and the next one starts clean.
		err = f.Truncate(good)
	}
	if err == nil {
		_, err = f.Seek(good, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("slacksim: replay data file: %w", err)
	}
	return &store{f: f}, nil
}

// replay applies every whole line and returns the offset behind the last one.
func replay(r io.Reader, st *state) (int64, error) {
	var good int64
	var line []byte
	buf := make([]byte, 256<<10)
	apply := func(b []byte) error {
		if len(bytes.TrimSpace(b)) == 0 {
			return nil
		}
		var rec record
		if err := json.Unmarshal(b, &rec); err != nil {
			return err
		}
		return st.apply(rec)
	}
	for {
		n, err := r.Read(buf)
		chunk := buf[:n]
		for {
			i := bytes.IndexByte(chunk, '\n')
			if i < 0 {
				line = append(line, chunk...)
				break
			}
			line = append(line, chunk[:i]...)
			if e := apply(line); e != nil {
				return good, fmt.Errorf("at byte %d: %w", good, e)
			}
			good += int64(len(line)) + 1
			line, chunk = line[:0], chunk[i+1:]
		}
		if errors.Is(err, io.EOF) {
			return good, nil
		}
		if err != nil {
			return good, err
		}
	}
}

func (s *store) append(kind string, v any) {
	if s.err != nil {
		return
	}
	raw, err := json.Marshal(v)
	if err == nil {
		raw, err = json.Marshal(record{Kind: kind, Value: raw})
	}
	if err == nil {
		_, err = s.f.Write(append(raw, '\n'))
	}
	if err != nil {
		s.err = fmt.Errorf("%w: %w", errData, err)
	}
}

func (s *store) close() error {
	if err := errors.Join(s.f.Sync(), s.f.Close()); err != nil {
		return fmt.Errorf("slacksim: close data file: %w", err)
	}
	return nil
}

// apply puts one replayed record into the state.
func (st *state) apply(rec record) error {
	decode := func(v any) error { return json.Unmarshal(rec.Value, v) }
	switch rec.Kind {
	case "message":
		var m Message
		if err := decode(&m); err != nil {
			return err
		}
		st.putMessage(&m)
		st.seenTS(m.TS)
	case "gone":
		var g goneRecord
		if err := decode(&g); err != nil {
			return err
		}
		st.dropMessage(g.Channel, g.TS)
	case "ephemeral":
		var m Message
		if err := decode(&m); err != nil {
			return err
		}
		st.putEphemeral(&m)
		st.seenTS(m.TS)
	case "ephemeral_gone":
		var g goneRecord
		if err := decode(&g); err != nil {
			return err
		}
		st.dropEphemeral(g.Channel, g.TS)
	case "channel":
		var c Channel
		if err := decode(&c); err != nil {
			return err
		}
		st.putChannel(&c)
	case "file":
		var f File
		if err := decode(&f); err != nil {
			return err
		}
		st.files[f.ID] = &f
	case "file_data":
		var d fileDataRecord
		if err := decode(&d); err != nil {
			return err
		}
		st.data[d.ID] = d.Data
	case "views":
		var v viewsRecord
		if err := decode(&v); err != nil {
			return err
		}
		st.stacks[v.User] = v.Stack
	case "home":
		var v ModalView
		if err := decode(&v); err != nil {
			return err
		}
		st.homes[v.User] = &v
	case "hook":
		var h hook
		if err := decode(&h); err != nil {
			return err
		}
		st.hooks[h.ID] = &h
	case "clock":
		var c clockRecord
		if err := decode(&c); err != nil {
			return err
		}
		st.lastTS = max(st.lastTS, c.Micros)
	default:
		return fmt.Errorf("unknown record %q", rec.Kind)
	}
	return nil
}
