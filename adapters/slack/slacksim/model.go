package slacksim

import (
	"encoding/json"
	"slices"
)

// Metadata is what an app hides in a message.
type Metadata struct {
	EventType    string          `json:"event_type"`
	EventPayload json.RawMessage `json:"event_payload,omitempty"`
}

// Edited marks a message that its author changed.
type Edited struct {
	User string `json:"user"`
	TS   string `json:"ts"`
}

// Reaction is one emoji on a message and who put it there, in order.
type Reaction struct {
	Name  string   `json:"name"`
	Users []string `json:"users"`
	Count int      `json:"count"`
}

// Message is one message as the workspace keeps it. Copies handed out by the helpers are the caller's own.
type Message struct {
	Channel      string          `json:"channel"`
	Subtype      string          `json:"subtype,omitempty"`
	TS           string          `json:"ts"`
	ThreadTS     string          `json:"thread_ts,omitempty"`
	ParentUserID string          `json:"parent_user_id,omitempty"`
	User         string          `json:"user,omitempty"`
	BotID        string          `json:"bot_id,omitempty"`
	AppID        string          `json:"app_id,omitempty"`
	Username     string          `json:"username,omitempty"`
	IconURL      string          `json:"icon_url,omitempty"`
	IconEmoji    string          `json:"icon_emoji,omitempty"`
	ClientMsgID  string          `json:"client_msg_id,omitempty"`
	Text         string          `json:"text"`
	Blocks       json.RawMessage `json:"blocks,omitempty"`
	Attachments  json.RawMessage `json:"attachments,omitempty"`
	FileIDs      []string        `json:"file_ids,omitempty"`
	Files        []File          `json:"files,omitempty"` // filled in for copies only
	Metadata     *Metadata       `json:"metadata,omitempty"`
	Edited       *Edited         `json:"edited,omitempty"`
	Reactions    []Reaction      `json:"reactions,omitempty"`
	ReplyCount   int             `json:"reply_count,omitempty"`
	ReplyUsers   []string        `json:"reply_users,omitempty"`
	LatestReply  string          `json:"latest_reply,omitempty"`
	Inviter      string          `json:"inviter,omitempty"`
	// For names the only person who sees an ephemeral message.
	For string `json:"for,omitempty"`
}

// Broadcast reports whether a thread reply also shows in the channel.
func (m *Message) Broadcast() bool { return m.Subtype == "thread_broadcast" }

// IsReply reports whether the message lies inside a thread, below its root.
func (m *Message) IsReply() bool { return m.ThreadTS != "" && m.ThreadTS != m.TS }

func (m *Message) clone() *Message {
	c := *m
	c.Blocks = slices.Clone(m.Blocks)
	c.Attachments = slices.Clone(m.Attachments)
	c.FileIDs = slices.Clone(m.FileIDs)
	c.ReplyUsers = slices.Clone(m.ReplyUsers)
	c.Reactions = make([]Reaction, len(m.Reactions))
	for i, r := range m.Reactions {
		c.Reactions[i] = Reaction{Name: r.Name, Users: slices.Clone(r.Users), Count: len(r.Users)}
	}
	return &c
}

// File is an uploaded file.
type File struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Title    string `json:"title"`
	MIME     string `json:"mimetype"`
	AltText  string `json:"alt_txt,omitempty"`
	Size     int64  `json:"size"`
	User     string `json:"user"`
	Created  int64  `json:"created"`
	Width    int    `json:"original_w,omitempty"`
	Height   int    `json:"original_h,omitempty"`
	Deleted  bool   `json:"deleted,omitempty"`
	Uploaded bool   `json:"uploaded,omitempty"`
	Complete bool   `json:"complete,omitempty"` // completeUploadExternal was called
	Ready    bool   `json:"ready,omitempty"`    // processed: type known, usable in blocks
	Granted  bool   `json:"granted,omitempty"`  // handed to the app in a modal
	// Shares lists channel id and message ts of every place the file was shared to.
	Shares []Share `json:"shares,omitempty"`

	ticket string
}

// Share is one place a file was shared to.
type Share struct {
	Channel  string `json:"channel"`
	TS       string `json:"ts"`
	ThreadTS string `json:"thread_ts,omitempty"`
}

// FileUpload is a file that a person attaches to a message.
type FileUpload struct {
	Name string `json:"name"`
	MIME string `json:"mime,omitempty"`
	Data []byte `json:"data"`
}

// ModalView is an open modal or a home tab.
type ModalView struct {
	ID         string          `json:"id"`
	Type       string          `json:"type"`
	User       string          `json:"user"`
	CallbackID string          `json:"callback_id"`
	ExternalID string          `json:"external_id,omitempty"`
	Hash       string          `json:"hash"`
	RootID     string          `json:"root_view_id"`
	PreviousID string          `json:"previous_view_id,omitempty"`
	Def        json.RawMessage `json:"def"` // as the app sent it, block ids filled in
	// State holds what the person has entered: block id, action id, value.
	State map[string]map[string]any `json:"state,omitempty"`
	// Errors are the messages of the last response_action "errors", by block id.
	Errors map[string]string `json:"errors,omitempty"`
}
