package discordsim

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// record is one line of the data file: a value that replaces the former one of that kind and id, or its removal.
type record struct {
	Kind   string          `json:"k"`
	ID     string          `json:"id"`
	Value  json.RawMessage `json:"v,omitempty"`
	Delete bool            `json:"del,omitempty"`
}

// store appends records; without a file it only keeps attachments in memory.
type store struct {
	path  string
	f     *os.File
	files map[string]storedFile
	bytes int
	order []string
}

// maxFileBytes bounds what attachments may take in memory when there is no data file.
const maxFileBytes = 512 << 20

func openStore(path string) (*store, error) {
	st := &store{path: path, files: map[string]storedFile{}}
	if path == "" {
		return st, nil
	}
	if err := ensureDir(dataDir(path)); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open data file: %w", err)
	}
	st.f = f
	return st, nil
}

// replay feeds every whole line to apply; a line torn by a crash is cut off, since it was never answered.
func (st *store) replay(apply func(record) error) error {
	if st.f == nil {
		return nil
	}
	r := bufio.NewReaderSize(st.f, 1<<16)
	var good int64
	for {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read data file: %w", err)
		}
		var rec record
		if err := json.Unmarshal(line, &rec); err != nil {
			return fmt.Errorf("data file at byte %d: %w", good, err)
		}
		if err := apply(rec); err != nil {
			return fmt.Errorf("data file at byte %d: %w", good, err)
		}
		good += int64(len(line))
	}
	if err := st.f.Truncate(good); err != nil {
		return fmt.Errorf("cut torn record: %w", err)
	}
	if _, err := st.f.Seek(good, io.SeekStart); err != nil {
		return fmt.Errorf("seek data file: %w", err)
	}
	return nil
}

func (st *store) append(recs []record) error {
	if st.f == nil || len(recs) == 0 {
		return nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, r := range recs {
		if err := enc.Encode(r); err != nil {
			return fmt.Errorf("encode record: %w", err)
		}
	}
	if _, err := st.f.Write(b.Bytes()); err != nil {
		return fmt.Errorf("append records: %w", err)
	}
	return nil
}

func (st *store) close() error {
	if st.f == nil {
		return nil
	}
	f := st.f
	st.f = nil
	return f.Close()
}

// putFile keeps the bytes of an attachment; ids are numbers, so they are safe as file names.
func (st *store) putFile(id string, f storedFile) error {
	if st.path != "" {
		return os.WriteFile(filepath.Join(dataDir(st.path), filepath.Base(id)), f.Data, 0o600)
	}
	st.files[id] = f
	st.order = append(st.order, id)
	st.bytes += len(f.Data)
	for st.bytes > maxFileBytes && len(st.order) > 1 {
		st.bytes -= len(st.files[st.order[0]].Data)
		delete(st.files, st.order[0])
		st.order = st.order[1:]
	}
	return nil
}

func (st *store) file(id string) ([]byte, bool) {
	if st.path != "" {
		b, err := os.ReadFile(filepath.Join(dataDir(st.path), filepath.Base(id)))
		return b, err == nil
	}
	f, ok := st.files[id]
	return f.Data, ok
}

// The kinds of records.
const (
	kindChannel     = "channel"
	kindMessage     = "message"
	kindWebhook     = "webhook"
	kindCommand     = "command"
	kindInteraction = "interaction"
	kindModal       = "modal"
	kindNonce       = "nonce"
)

func (t *tx) put(kind, id string, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		t.s.log.Error("simulator could not encode a record", "kind", kind, "err", err)
		return
	}
	t.records = append(t.records, record{Kind: kind, ID: id, Value: b})
}

func (t *tx) del(kind, id string) {
	t.records = append(t.records, record{Kind: kind, ID: id, Delete: true})
}

// apply puts one record back into memory.
func (s *Server) apply(r record) error {
	s.sawID(r.ID)
	switch r.Kind {
	case kindChannel:
		return restore(r, s.channels)
	case kindMessage:
		return restore(r, s.messages)
	case kindWebhook:
		return restore(r, s.webhooks)
	case kindCommand:
		return restore(r, s.commands)
	case kindInteraction:
		return restore(r, s.interactions)
	case kindModal:
		return restore(r, s.modals)
	case kindNonce:
		var n nonceEntry
		if err := json.Unmarshal(r.Value, &n); err != nil {
			return fmt.Errorf("nonce record: %w", err)
		}
		s.nonces[r.ID] = n
	}
	return nil
}

func restore[T any](r record, into map[string]*T) error {
	if r.Delete {
		delete(into, r.ID)
		return nil
	}
	v := new(T)
	if err := json.Unmarshal(r.Value, v); err != nil {
		return fmt.Errorf("%s record: %w", r.Kind, err)
	}
	into[r.ID] = v
	return nil
}

// index rebuilds what is derived from the replayed records.
func (s *Server) index() {
	byAge := func(a, b string) int {
		if x, y := snow(a), snow(b); x < y {
			return -1
		} else if x > y {
			return 1
		}
		return 0
	}
	for id, m := range s.messages {
		s.byChannel[m.ChannelID] = append(s.byChannel[m.ChannelID], id)
	}
	for _, ids := range s.byChannel {
		slices.SortFunc(ids, byAge)
	}
	for id := range s.channels {
		if !slices.Contains(s.chanOrder, id) {
			s.chanOrder = append(s.chanOrder, id)
		}
	}
	s.chanOrder = slices.DeleteFunc(s.chanOrder, func(id string) bool { return s.channels[id] == nil })
	for id := range s.commands {
		s.commandOrder = append(s.commandOrder, id)
	}
	slices.SortFunc(s.commandOrder, byAge)
	for id, in := range s.interactions {
		in.done = make(chan struct{})
		close(in.done)
		s.byToken[in.Token] = id
		s.interOrder = append(s.interOrder, id)
	}
	slices.SortFunc(s.interOrder, byAge)
	for id := range s.users {
		if !slices.Contains(s.userOrder, id) {
			s.userOrder = append(s.userOrder, id)
		}
	}
}
