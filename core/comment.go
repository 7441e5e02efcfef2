package core

import (
	"slices"
	"time"
)

// Comment is one message of feedback.
type Comment struct {
	V        int        `json:"v"`
	Rev      int64      `json:"rev"`
	ID       CommentID  `json:"id"`
	Task     TaskID     `json:"task"`
	No       int        `json:"no,omitempty"` // its number in the task, which never changes; 0 for those of the first releases
	On       ImageRef   `json:"on,omitzero"`
	Spot     *Area      `json:"spot,omitempty"`  // of the picture; a point has no width and no height
	Source   MessageRef `json:"source,omitzero"` // the message it came from; empty for a command's comment
	Author   PersonID   `json:"author"`
	Identity IdentityID `json:"identity"`
	Name     string     `json:"name"`
	Avatar   string     `json:"avatar,omitempty"`
	Text     RichText   `json:"text,omitempty"`
	Files    []Attached `json:"files,omitempty"`
	ReplyTo  CommentID  `json:"replyTo,omitempty"`
	At       time.Time  `json:"at"`
	EditedAt time.Time  `json:"editedAt,omitzero"`
	EditTold time.Time  `json:"editTold,omitzero"` // when the platform told of that edit, or its history was read; zero when that is not known
	Edits    int        `json:"edits,omitempty"`
	Deleted  bool       `json:"deleted,omitempty"`
	Resolved bool       `json:"resolved,omitempty"`
	// ResolvedBy is who settled it, by name. Was are what it said before its edits, oldest first, at most MaxFormer.
	ResolvedBy string    `json:"resolvedBy,omitempty"`
	Was        []Former  `json:"was,omitempty"`
	Late       bool      `json:"late,omitempty"`  // found by catch-up: shown with its original time
	Found      bool      `json:"found,omitempty"` // by reading history, not told live
	Reactions  Reactions `json:"reactions,omitempty"`
}

// Former is what a comment said until it was edited.
type Former struct {
	Text string    `json:"text"` // plain, at most MaxFormerText characters
	At   time.Time `json:"at"`   // when it was said so
}

// What is kept of a comment's former texts.
const (
	MaxFormer     = 10
	MaxFormerText = 1000
)

// Edit gives a comment another text and keeps the former one.
func (m *Comment) Edit(text RichText, at time.Time) {
	said := m.At
	if !m.EditedAt.IsZero() {
		said = m.EditedAt
	}
	if was := m.Text.String(); was != text.String() {
		if r := []rune(was); len(r) > MaxFormerText {
			was = string(r[:MaxFormerText]) + "…"
		}
		m.Was = append(m.Was, Former{Text: was, At: said})
		if len(m.Was) > MaxFormer {
			m.Was = m.Was[len(m.Was)-MaxFormer:]
		}
	}
	m.Text, m.EditedAt = text, at
	m.Edits++
}

// Reactions maps an emoji's key to those who reacted with it.
type Reactions map[string][]Reactor

// Reactor is somebody who reacted, and where.
type Reactor struct {
	Identity IdentityID `json:"id"`
	Room     RoomID     `json:"room"`
	Emoji    Emoji      `json:"emoji"` // as it was called there
	At       time.Time  `json:"at,omitzero"`
	// Off remembers for a while that it was taken back, so that an older event does not bring it again.
	Off bool `json:"off,omitempty"`
}

// offFor is how long a reaction that was taken back is remembered.
const offFor = 24 * time.Hour

// Put records that somebody reacted, or took it back, unless something newer is known of them. It reports whether that
// changed what shows.
func (r Reactions) Put(x Reactor) (changed, known bool) {
	key := x.Emoji.Key()
	list := r[key]
	i := slices.IndexFunc(list, func(y Reactor) bool { return y.Identity == x.Identity && y.Room == x.Room })
	switch {
	case i < 0:
		r[key] = append(slices.DeleteFunc(list, func(y Reactor) bool { return y.Off && x.At.Sub(y.At) > offFor }), x)
		return !x.Off, false
	case x.At.Before(list[i].At):
		return false, true
	}
	changed = list[i].Off != x.Off
	known = !changed && !x.At.After(list[i].At)
	list[i] = x
	return changed, known
}

// Live returns who reacts with an emoji.
func (r Reactions) Live(key string) []Reactor {
	var out []Reactor
	for _, x := range r[key] {
		if !x.Off {
			out = append(out, x)
		}
	}
	return out
}

// In returns who reacts in a room, by the emoji's key.
func (r Reactions) In(room RoomID) map[string][]Reactor {
	out := map[string][]Reactor{}
	for key := range r {
		for _, x := range r.Live(key) {
			if x.Room == room {
				out[key] = append(out[key], x)
			}
		}
	}
	return out
}

// Attached is a file of a comment: where it came from, and the stored bytes once they were fetched.
type Attached struct {
	Ref  FileRef `json:"ref"`
	Blob BlobKey `json:"blob,omitempty"`
	Size int64   `json:"size,omitempty"`
	MIME string  `json:"mime,omitempty"`
	Fail string  `json:"fail,omitempty"` // why it could not be fetched, for people
	// PinOn is the picture of which this shows a part, with the comment's number on its spot; drawn when it is posted first.
	PinOn BlobKey `json:"pinOn,omitempty"`
}

// MessageRef names a message on a platform.
type MessageRef struct {
	Room   RoomID    `json:"room"`
	Thread ThreadID  `json:"thread,omitempty"`
	ID     MessageID `json:"id"`
}

// IsZero reports whether it names nothing.
func (m MessageRef) IsZero() bool { return m.ID == "" }

// Thread is a task's conversation in one room.
type Thread struct {
	V      int       `json:"v"`
	Room   RoomID    `json:"room"`
	ID     ThreadID  `json:"id"`
	Task   TaskID    `json:"task"`
	Root   MessageID `json:"root"`
	Cursor MessageID `json:"cursor,omitempty"` // newest message seen there
	Active time.Time `json:"active"`
	// Since bounds how far back history is read; zero for threads, which are read whole.
	Since time.Time `json:"since,omitzero"`
	// Caught is the newest gap up to which what was said was read again, Checked the same for edits, deletions and
	// reactions. Cursor has nothing missing before it as far as Caught reaches.
	Caught  Gap `json:"caught,omitempty"`
	Checked Gap `json:"checked,omitempty"`
}

// Placement is where an object shows in a room.
type Placement struct {
	Thread  ThreadID           `json:"thread,omitempty"`
	Parts   []MessageID        `json:"parts"`
	Rev     int64              `json:"rev,omitempty"` // of the content that was delivered last
	Handles map[BlobKey]string `json:"handles,omitempty"`
	Source  bool               `json:"source,omitempty"` // written there by the author, not by us
	Failed  bool               `json:"failed,omitempty"` // given up: people see a mark elsewhere
}
