package slacksim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Action is something that a person does.
type Action struct {
	As string `json:"as"` // who
	// Do is one of: say, edit, delete, react, unreact, command, press, select, submit, close, shortcut, home, join.
	Do        string `json:"do"`
	Channel   string `json:"channel,omitempty"`
	ThreadTS  string `json:"thread_ts,omitempty"`
	TS        string `json:"ts,omitempty"` // the message that is edited, deleted, reacted to or pressed on
	Text      string `json:"text,omitempty"`
	Broadcast bool   `json:"broadcast,omitempty"`
	Emoji     string `json:"emoji,omitempty"`
	Command   string `json:"command,omitempty"` // with its slash; Text is what follows
	BlockID   string `json:"block_id,omitempty"`
	ActionID  string `json:"action_id,omitempty"`
	// Value is the chosen option for select; several are separated by commas. For close, "all" clears the stack.
	Value  string `json:"value,omitempty"`
	ViewID string `json:"view_id,omitempty"` // "" is the topmost modal
	// Values are a modal's entries by block id and action id: a string, a list of strings, or a whole state object.
	Values     map[string]map[string]any `json:"values,omitempty"`
	CallbackID string                    `json:"callback_id,omitempty"`
	Files      []FileUpload              `json:"files,omitempty"`
}

// ActResult is what the person sees come of it. OK is false when Slack showed an error, which Error names.
type ActResult struct {
	OK      bool     `json:"ok"`
	Error   string   `json:"error,omitempty"`
	Channel string   `json:"channel,omitempty"`
	TS      string   `json:"ts,omitempty"`
	FileIDs []string `json:"file_ids,omitempty"`
	ViewID  string   `json:"view_id,omitempty"` // the modal that is open afterwards
	// ViewErrors are the complaints below a modal's inputs, by block id.
	ViewErrors map[string]string `json:"view_errors,omitempty"`
	// Response is the payload of the app's acknowledgement, if it had one.
	Response json.RawMessage `json:"response,omitempty"`
}

// ErrAction is in the chain of every error of [Server.Act]: the action itself made no sense. What Slack would
// refuse or what fails at the app is not an error but an [ActResult] that is not OK.
var ErrAction = errors.New("slacksim: impossible action")

func impossible(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrAction}, args...)...)
}

// Act lets a person do something. Commands, buttons, modals and shortcuts return when the app has acknowledged or
// three seconds have passed.
func (s *Server) Act(ctx context.Context, a Action) (ActResult, error) {
	s.mu.Lock()
	u := s.st.userByID[a.As]
	s.mu.Unlock()
	if u == nil || u.Deleted {
		return ActResult{}, impossible("no person %q", a.As)
	}
	switch a.Do {
	case "say":
		return s.locked(func() (ActResult, error) { return s.say(u, a) })
	case "edit", "delete", "react", "unreact":
		return s.locked(func() (ActResult, error) { return s.touch(u, a) })
	case "home":
		return s.locked(func() (ActResult, error) { return s.openHome(u) })
	case "join":
		return s.locked(func() (ActResult, error) {
			c := s.st.byID[a.Channel]
			if c == nil || c.kind() != "channel" {
				return ActResult{}, impossible("no public channel %q", a.Channel)
			}
			s.join(c, u.ID)
			return ActResult{OK: true, Channel: c.ID}, nil
		})
	case "command":
		return s.command(ctx, u, a)
	case "press", "select":
		return s.press(ctx, u, a)
	case "submit":
		return s.submit(ctx, u, a)
	case "close":
		return s.closeView(ctx, u, a)
	case "shortcut":
		return s.shortcut(ctx, u, a)
	}
	return ActResult{}, impossible("unknown deed %q", a.Do)
}

func (s *Server) locked(f func() (ActResult, error)) (ActResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := f()
	if err == nil && s.storeErr() != nil {
		return ActResult{}, s.storeErr()
	}
	return r, err
}

// room finds a conversation that a person is in; the id of the bot's user means the direct message with it.
func (s *Server) room(u *User, id string) (*channel, error) {
	if id == s.opt.BotUserID {
		c, _ := s.direct([]string{u.ID})
		return c, nil
	}
	c := s.st.byID[id]
	if c == nil || !c.has(u.ID) {
		return nil, impossible("%s is not in channel %q", u.ID, id)
	}
	return c, nil
}

func (s *Server) say(u *User, a Action) (ActResult, error) {
	c, err := s.room(u, a.Channel)
	if err != nil {
		return ActResult{}, err
	}
	switch {
	case c.Archived:
		return ActResult{Error: "is_archived"}, nil
	case strings.TrimSpace(a.Text) == "" && len(a.Files) == 0:
		return ActResult{Error: "no_text"}, nil
	}
	for _, f := range a.Files {
		if int64(len(f.Data)) > s.opt.MaxFileBytes || f.Name == "" {
			return ActResult{Error: "file_upload_size_restricted"}, nil
		}
	}
	m := &Message{Channel: c.ID, TS: s.st.nextTS(), User: u.ID, ClientMsgID: newUUID()}
	if strings.TrimSpace(a.Text) != "" {
		m.Text, m.Blocks = s.typed(cutRunes(a.Text, 12000))
	}
	r := ActResult{OK: true, Channel: c.ID, TS: m.TS}
	if len(a.Files) == 0 {
		s.place(c, m, a.ThreadTS, a.Broadcast)
	} else {
		m.Subtype = "file_share"
		files := s.keepFiles(u.ID, a.Files)
		s.share(c, m, files, a.ThreadTS, a.Broadcast)
		for _, f := range files {
			r.FileIDs = append(r.FileIDs, f.ID)
		}
	}
	s.unfurlLater(c, m, true, true)
	return r, nil
}

func (s *Server) keepFiles(user string, uploads []FileUpload) []*File {
	var out []*File
	for _, up := range uploads {
		f := &File{ID: newID("F0"), Name: up.Name, Title: up.Name, User: user, Created: s.opt.Now().Unix(), Uploaded: true, Complete: true, Ready: true}
		data := slices.Clone(up.Data)
		learn(f, data)
		if up.MIME != "" && f.Width == 0 {
			f.MIME = up.MIME
		}
		s.st.files[f.ID], s.st.data[f.ID] = f, data
		s.save("file_data", fileDataRecord{ID: f.ID, Data: data})
		s.save("file", f)
		out = append(out, f)
	}
	return out
}

// touch changes, deletes or reacts to a message.
func (s *Server) touch(u *User, a Action) (ActResult, error) {
	c, err := s.room(u, a.Channel)
	if err != nil {
		return ActResult{}, err
	}
	m := c.byTS[a.TS]
	if m == nil || m.Subtype == "tombstone" {
		return ActResult{Error: "message_not_found"}, nil
	}
	r := ActResult{OK: true, Channel: c.ID, TS: m.TS}
	switch a.Do {
	case "react":
		err = s.react(c, m, u.ID, a.Emoji)
	case "unreact":
		err = s.unreact(c, m, u.ID, a.Emoji)
	case "edit":
		switch {
		case m.User != u.ID || m.BotID != "":
			return ActResult{Error: "cant_update_message"}, nil
		case strings.TrimSpace(a.Text) == "":
			return ActResult{Error: "no_text"}, nil
		}
		before := s.render(m, s.metadataFor(m, nil))
		m.Text, m.Blocks = s.typed(cutRunes(a.Text, 12000))
		m.Edited = &Edited{User: u.ID, TS: formatTS(s.opt.Now().Unix() * 1e6)}
		s.save("message", m)
		s.emitChanged(c, m, before)
	case "delete":
		if m.User != u.ID && !u.IsAdmin {
			return ActResult{Error: "cant_delete_message"}, nil
		}
		s.erase(c, m)
	}
	var e *apiError
	if errors.As(err, &e) {
		return ActResult{Error: e.code}, nil
	}
	return r, err
}

func (s *Server) openHome(u *User) (ActResult, error) {
	c, _ := s.direct([]string{u.ID})
	ev := obj{"type": "app_home_opened", "user": u.ID, "channel": c.ID, "tab": "home", "event_ts": s.st.nextTS()}
	if v := s.st.homes[u.ID]; v != nil {
		ev["view"] = s.viewJSON(v)
	}
	s.emit("app_home_opened", c.ID, ev)
	return ActResult{OK: true, Channel: c.ID}, nil
}
