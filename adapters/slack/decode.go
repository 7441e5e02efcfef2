package slack

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/atelier-bridge/atelier/core"
)

// The structs here read what others wrote. They name only what is used, take any scalar where Slack has been seen to
// vary, and skip a field of the wrong type instead of refusing the whole payload, as slack-go's decoders do.

// scalar is a string that may arrive as a number or a boolean.
type scalar string

// UnmarshalJSON takes any scalar; anything else reads as empty.
func (s *scalar) UnmarshalJSON(b []byte) error {
	b = bytes.TrimSpace(b)
	if len(b) > 0 && b[0] == '"' {
		var v string
		if err := json.Unmarshal(b, &v); err != nil {
			return err
		}
		*s = scalar(v)
		return nil
	}
	if len(b) == 0 || b[0] == '{' || b[0] == '[' || string(b) == "null" {
		*s = ""
		return nil
	}
	*s = scalar(b)
	return nil
}

// decode reads JSON and forgives fields of an unexpected type. Broken JSON is an error.
func decode(data []byte, v any) error {
	err := json.Unmarshal(data, v)
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) && wrongType.Field != "" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("slack: decode: %w", err)
	}
	return nil
}

// eventEnvelope is an Events API callback.
type eventEnvelope struct {
	Type           string          `json:"type"`
	Challenge      string          `json:"challenge"`
	TeamID         string          `json:"team_id"`
	APIAppID       string          `json:"api_app_id"`
	EventID        string          `json:"event_id"`
	EventTime      int64           `json:"event_time"`
	Event          json.RawMessage `json:"event"`
	Authorizations []struct {
		TeamID string `json:"team_id"`
		UserID string `json:"user_id"`
		IsBot  bool   `json:"is_bot"`
	} `json:"authorizations"`
}

// message is a message wherever it appears: as an event, nested in one, in an interaction, in a history.
type message struct {
	Type        string          `json:"type"`
	Subtype     string          `json:"subtype"`
	TS          scalar          `json:"ts"`
	ThreadTS    scalar          `json:"thread_ts"`
	EventTS     scalar          `json:"event_ts"`
	DeletedTS   scalar          `json:"deleted_ts"`
	Channel     json.RawMessage `json:"channel"`
	ChannelType string          `json:"channel_type"`
	User        string          `json:"user"`
	BotID       string          `json:"bot_id"`
	AppID       string          `json:"app_id"`
	Username    string          `json:"username"`
	Text        string          `json:"text"`
	Blocks      json.RawMessage `json:"blocks"`
	Files       []file          `json:"files"`
	Edited      *edited         `json:"edited"`
	Metadata    *metadata       `json:"metadata"`
	BotProfile  struct {
		AppID string `json:"app_id"`
		Name  string `json:"name"`
	} `json:"bot_profile"`
	Message  *message `json:"message"`
	Previous *message `json:"previous_message"`

	// These stand in histories only.
	ReplyCount  int    `json:"reply_count"`
	LatestReply scalar `json:"latest_reply"`
	Reactions   []struct {
		Name  string   `json:"name"`
		Count int      `json:"count"`
		Users []string `json:"users"`
	} `json:"reactions"`

	// Of reaction events.
	Reaction string `json:"reaction"`
	Item     struct {
		Type    string `json:"type"`
		Channel string `json:"channel"`
		TS      scalar `json:"ts"`
	} `json:"item"`
}

type edited struct {
	User string `json:"user"`
	TS   scalar `json:"ts"`
}

type metadata struct {
	EventType    string          `json:"event_type"`
	EventPayload json.RawMessage `json:"event_payload"`
}

// delivery reads our own mark; ok is false for anything else.
func (m *metadata) delivery() (id core.DeliveryID, part int, ok bool) {
	if m == nil || m.EventType != deliveryEvent {
		return "", 0, false
	}
	var p deliveryMark
	if len(m.EventPayload) == 0 || decode(m.EventPayload, &p) != nil {
		return "", 0, false
	}
	return core.DeliveryID(p.ID), p.Part, p.ID != ""
}

type file struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Title    string `json:"title"`
	MIME     string `json:"mimetype"`
	Size     int64  `json:"size"`
	Mode     string `json:"mode"`
	Access   string `json:"file_access"`
	External bool   `json:"is_external"`
	AltText  string `json:"alt_txt"`
	URL      string `json:"url_private"`
	Download string `json:"url_private_download"`
	Shares   shares `json:"shares"`
	User     string `json:"user"`
}

type share struct {
	TS       scalar `json:"ts"`
	ThreadTS scalar `json:"thread_ts"`
}

type shares struct {
	Public  map[string][]share `json:"public"`
	Private map[string][]share `json:"private"`
}

// in returns the ts of the newest share in a channel and thread.
func (s shares) in(channel, thread string) string {
	best := ""
	for _, group := range []map[string][]share{s.Public, s.Private} {
		for _, sh := range group[channel] {
			if (thread == "" || string(sh.ThreadTS) == thread) && string(sh.TS) > best {
				best = string(sh.TS)
			}
		}
	}
	return best
}

// channelID reads "channel", which is a string in message events and an object in channel events.
func (m *message) channelID() (id, name string) {
	var s string
	if json.Unmarshal(m.Channel, &s) == nil {
		return s, ""
	}
	var o struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	if len(m.Channel) > 0 && decode(m.Channel, &o) == nil {
		return o.ID, o.Name
	}
	return "", ""
}

func (m *message) editedTS() string {
	if m.Edited == nil {
		return ""
	}
	return string(m.Edited.TS)
}

func (m *message) appID() string {
	if m.AppID != "" {
		return m.AppID
	}
	return m.BotProfile.AppID
}

// fileRefs names a message's files for a later Fetch.
func (m *message) fileRefs() []core.FileRef {
	var out []core.FileRef
	for _, f := range m.Files {
		out = append(out, f.ref())
	}
	return out
}

func (f file) ref() core.FileRef {
	r := core.FileRef{ID: f.ID, Name: f.Name, MIME: f.MIME, Size: f.Size, Alt: f.AltText, URL: f.Download}
	if r.URL == "" {
		r.URL = f.URL
	}
	if r.Name == "" {
		r.Name = f.Title
	}
	if r.Name == "" {
		r.Name = f.ID
	}
	switch {
	case f.Mode == "tombstone":
		r.Skip = "the file was deleted"
	case f.Mode == "hidden_by_limit":
		r.Skip = "Slack hides the file: the workspace is over its storage limit"
	case f.External:
		r.Skip = "the file lies outside Slack"
	}
	if r.Skip != "" {
		r.URL = ""
	}
	return r
}

// slashCommand is a slash command: form fields over HTTP, a flat object over Socket Mode.
type slashCommand struct {
	TeamID      string `json:"team_id"`
	ChannelID   string `json:"channel_id"`
	ChannelName string `json:"channel_name"`
	UserID      string `json:"user_id"`
	UserName    string `json:"user_name"`
	Command     string `json:"command"`
	Text        string `json:"text"`
	ResponseURL string `json:"response_url"`
	TriggerID   string `json:"trigger_id"`
}

// interaction is a press, a submitted modal or a shortcut.
type interaction struct {
	Type       string `json:"type"`
	TriggerID  string `json:"trigger_id"`
	CallbackID string `json:"callback_id"`
	ActionTS   scalar `json:"action_ts"`
	MessageTS  scalar `json:"message_ts"`
	Team       struct {
		ID string `json:"id"`
	} `json:"team"`
	User struct {
		ID       string `json:"id"`
		Username string `json:"username"`
		Name     string `json:"name"`
		TeamID   string `json:"team_id"`
	} `json:"user"`
	Channel struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"channel"`
	Container struct {
		Type        string `json:"type"`
		MessageTS   scalar `json:"message_ts"`
		ThreadTS    scalar `json:"thread_ts"`
		ChannelID   string `json:"channel_id"`
		IsEphemeral bool   `json:"is_ephemeral"`
	} `json:"container"`
	Message     *message `json:"message"`
	ResponseURL string   `json:"response_url"`
	Actions     []struct {
		Type     string `json:"type"`
		ActionID string `json:"action_id"`
		URL      string `json:"url"`
		Value    string `json:"value"`
		ActionTS scalar `json:"action_ts"`
	} `json:"actions"`
	View struct {
		ID         string `json:"id"`
		Hash       string `json:"hash"`
		CallbackID string `json:"callback_id"`
		Metadata   string `json:"private_metadata"`
		State      struct {
			Values map[string]map[string]inputState `json:"values"`
		} `json:"state"`
	} `json:"view"`
}

type inputState struct {
	Value    string `json:"value"`
	Selected struct {
		Value string `json:"value"`
	} `json:"selected_option"`
}

// buttonIDs collects the action ids of a message's buttons, in any block.
func buttonIDs(blocks json.RawMessage) []string {
	var list []struct {
		Elements []struct {
			ActionID string `json:"action_id"`
		} `json:"elements"`
	}
	if len(blocks) == 0 || decode(blocks, &list) != nil {
		return nil
	}
	var out []string
	for _, b := range list {
		for _, e := range b.Elements {
			if e.ActionID != "" && len(out) < 25 {
				out = append(out, e.ActionID)
			}
		}
	}
	return out
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return strings.TrimRight(string(r[:max(0, n-1)]), " ") + "…"
	}
	return s
}
