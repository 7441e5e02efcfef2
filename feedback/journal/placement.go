package journal

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

// atSource is the name of the line that says that a comment shows where its record says it came from.
const atSource = "="

// rest is what few placements have.
type rest struct {
	Rev     int64                   `json:"r,omitempty"`
	Handles map[core.BlobKey]string `json:"h,omitempty"`
	Source  bool                    `json:"s,omitempty"`
	Failed  bool                    `json:"f,omitempty"`
}

// putPlacement adds where an object shows in a room to a batch. A comment's placements are lines beside its record;
// those of what there is less of have a hash.
func putPlacement(b *rdb.Batch, k rdb.Keys, p core.Partition, w core.PlaceWrite, source core.MessageRef) error {
	data, err := encodePlacement(w.Placement)
	if err != nil {
		return core.Wrap(core.CodeInternal, fmt.Errorf("encode placement: %w", err))
	}
	kind, task, id := w.Object.Parts()
	if kind != "comment" {
		b.Do("HSET", k.Placed(p, w.Object), string(w.Room), data)
		return nil
	}
	name := string(w.Room)
	if own, err := encodePlacement(sourcePlacement(source)); err == nil && w.Room == source.Room && string(own) == string(data) {
		name, data = atSource, nil
	}
	b.PutLine(k.Comment(p, task, core.CommentID(id)), name, string(data))
	return nil
}

// sourcePlacement is where a comment shows because it was written there.
func sourcePlacement(m core.MessageRef) core.Placement {
	return core.Placement{Thread: m.Thread, Parts: []core.MessageID{m.ID}, Source: true}
}

// encodePlacement writes a list: the thread, the messages, and the rest if there is any.
func encodePlacement(pl core.Placement) ([]byte, error) {
	list := []any{pl.Thread}
	for _, m := range pl.Parts {
		list = append(list, m)
	}
	if more := (rest{pl.Rev, pl.Handles, pl.Source, pl.Failed}); more.Rev != 0 || len(more.Handles) > 0 || more.Source || more.Failed {
		list = append(list, more)
	}
	return json.Marshal(list)
}

func decodePlacement(data string) (pl core.Placement, err error) {
	var list []json.RawMessage
	if err := json.Unmarshal([]byte(data), &list); err != nil || len(list) == 0 {
		return pl, errors.Join(errors.New("a placement cannot be read"), err)
	}
	if err := json.Unmarshal(list[0], &pl.Thread); err != nil {
		return pl, err
	}
	for _, cell := range list[1:] {
		if cell[0] == '{' {
			var more rest
			if err := json.Unmarshal(cell, &more); err != nil {
				return pl, err
			}
			pl.Rev, pl.Handles, pl.Source, pl.Failed = more.Rev, more.Handles, more.Source, more.Failed
			continue
		}
		var m core.MessageID
		if err := json.Unmarshal(cell, &m); err != nil {
			return pl, err
		}
		pl.Parts = append(pl.Parts, m)
	}
	return pl, nil
}

// Placements reads where an object shows, by room, from its hash or from a comment's lines; source tells where the
// comment's record says it came from.
func Placements(lines map[string]string, source func() (core.MessageRef, error)) (map[core.RoomID]core.Placement, error) {
	out := make(map[core.RoomID]core.Placement, len(lines))
	for room, data := range lines {
		if room == atSource {
			continue
		}
		pl, err := decodePlacement(data)
		if err != nil {
			return nil, core.Wrap(core.CodeInternal, err)
		}
		out[core.RoomID(room)] = pl
	}
	if _, ok := lines[atSource]; ok {
		m, err := source()
		if err != nil {
			return nil, err
		}
		if _, newer := out[m.Room]; !newer { // what was written of this room later counts
			out[m.Room] = sourcePlacement(m)
		}
	}
	return out, nil
}
