package review

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

// stored is how a comment's record is written. There are more comments than of anything else: what follows from its key
// or from another field is left out, names are short and times are numbers.
type stored struct {
	V         int             `json:"v"`
	Source    []string        `json:"s,omitempty"` // room, thread, message
	No        int             `json:"no,omitempty"`
	On        core.ImageRef   `json:"on,omitzero"`
	Spot      *core.Area      `json:"sp,omitempty"`
	Author    *core.PersonID  `json:"a,omitempty"` // unless it is the person made of the identity
	Identity  string          `json:"i,omitempty"` // from its slash on if it begins like the source's room
	Name      string          `json:"n,omitempty"`
	Avatar    string          `json:"p,omitempty"`
	Plain     string          `json:"x,omitempty"` // the text, if it has no formatting
	Rich      core.RichText   `json:"r,omitempty"` // the text, if it has
	Files     []core.Attached `json:"f,omitempty"`
	ReplyTo   core.CommentID  `json:"re,omitempty"`
	At        instant         `json:"t,omitempty"`
	EditedAt  instant         `json:"et,omitempty"`
	EditTold  instant         `json:"ett,omitempty"`
	Edits     int             `json:"e,omitempty"`
	Deleted   bool            `json:"d,omitempty"`
	Resolved  bool            `json:"ok,omitempty"`
	By        string          `json:"okb,omitempty"`
	Was       []core.Former   `json:"w,omitempty"`
	Late      bool            `json:"l,omitempty"`
	Found     bool            `json:"h,omitempty"`
	Reactions core.Reactions  `json:"rx,omitempty"`
}

// instant is a time in nanoseconds since 1970; 0 is no time.
type instant int64

func instantOf(t time.Time) instant {
	if t.IsZero() {
		return 0
	}
	return instant(t.UnixNano())
}

func (i instant) time() time.Time {
	if i == 0 {
		return time.Time{}
	}
	return time.Unix(0, int64(i)).UTC()
}

// encodeComment writes a comment's record without newlines.
func encodeComment(m *core.Comment) ([]byte, error) {
	s := stored{
		V: m.V, No: m.No, On: m.On, Spot: m.Spot, Identity: shorten(m.Identity, m.Source.Room), Name: m.Name, Avatar: m.Avatar, Files: m.Files, ReplyTo: m.ReplyTo,
		At: instantOf(m.At), EditedAt: instantOf(m.EditedAt), EditTold: instantOf(m.EditTold), Edits: m.Edits,
		Deleted: m.Deleted, Resolved: m.Resolved, By: m.ResolvedBy, Was: m.Was, Late: m.Late, Found: m.Found, Reactions: m.Reactions,
	}
	if m.Source != (core.MessageRef{}) {
		s.Source = []string{string(m.Source.Room), string(m.Source.Thread), string(m.Source.ID)}
	}
	if m.Author != core.MakePersonID(m.Identity) {
		s.Author = &m.Author
	}
	if plain, ok := plainText(m.Text); ok {
		s.Plain = plain
	} else {
		s.Rich = m.Text
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // it is never part of a page as it is, and addresses are full of ampersands
	if err := enc.Encode(s); err != nil {
		return nil, core.Wrap(core.CodeInternal, fmt.Errorf("encode comment: %w", err))
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// decodeComment reads a comment from its sheet.
func decodeComment(data string, task core.TaskID, id core.CommentID) (*core.Comment, error) {
	sheet, err := rdb.ParseSheet(data)
	if err != nil {
		return nil, err
	}
	s, err := decodeStored(sheet)
	if err != nil {
		return nil, err
	}
	m := &core.Comment{
		V: s.V, Rev: sheet.Rev, ID: id, Task: task, No: s.No, On: s.On, Spot: s.Spot, Source: s.source(), Name: s.Name, Avatar: s.Avatar, Text: s.Rich, Files: s.Files,
		ReplyTo: s.ReplyTo, At: s.At.time(), EditedAt: s.EditedAt.time(), EditTold: s.EditTold.time(), Edits: s.Edits,
		Deleted: s.Deleted, Resolved: s.Resolved, ResolvedBy: s.By, Was: s.Was, Late: s.Late, Found: s.Found, Reactions: s.Reactions,
	}
	m.Identity = lengthen(s.Identity, m.Source.Room)
	if m.Author = core.MakePersonID(m.Identity); s.Author != nil {
		m.Author = *s.Author
	}
	if s.Plain != "" {
		m.Text = core.Plain(s.Plain)
	}
	return m, nil
}

func (s stored) source() (m core.MessageRef) {
	if len(s.Source) == 3 {
		m = core.MessageRef{Room: core.RoomID(s.Source[0]), Thread: core.ThreadID(s.Source[1]), ID: core.MessageID(s.Source[2])}
	}
	return m
}

// sourceOf reads where a comment came from.
func sourceOf(sheet rdb.Sheet) (core.MessageRef, error) {
	s, err := decodeStored(sheet)
	return s.source(), err
}

// decodeStored reads a record at one go. What it cannot read so it reads again as every record, version first.
func decodeStored(sheet rdb.Sheet) (s stored, err error) {
	if json.Unmarshal(sheet.Record, &s) == nil && s.V <= core.RecordVersion && sheet.Rev > 0 {
		return s, nil
	}
	return s, sheet.Decode(&s)
}

// newSource returns where a comment came from that is among new ones.
func newSource(all []*core.Comment, obj core.ObjectID) core.MessageRef {
	for _, m := range all {
		if m.Rev == 0 && core.CommentObject(m.Task, m.ID) == obj {
			return m.Source
		}
	}
	return core.MessageRef{}
}

// plainText returns a text as one string, if that says all of it.
func plainText(t core.RichText) (string, bool) {
	if len(t) != 1 || t[0].Kind != core.NodeParagraph {
		return "", len(t) == 0
	}
	s := t.String()
	return s, reflect.DeepEqual(t, core.Plain(s))
}

// shorten leaves out of an identity what the room begins with too, up to its slash: a Slack team.
func shorten(id core.IdentityID, room core.RoomID) string {
	if team, _, ok := strings.Cut(string(room), "/"); ok {
		if rest, ok := strings.CutPrefix(string(id), team+"/"); ok {
			return "/" + rest
		}
	}
	return string(id)
}

func lengthen(id string, room core.RoomID) core.IdentityID {
	if strings.HasPrefix(id, "/") {
		team, _, _ := strings.Cut(string(room), "/")
		id = team + id
	}
	return core.IdentityID(id)
}
