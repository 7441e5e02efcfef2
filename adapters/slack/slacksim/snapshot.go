package slacksim

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
)

// maxShown bounds the roots of a channel, and the replies of a thread, in a snapshot.
const maxShown = 300

// Snapshot is what somebody sees at one moment; for nobody in particular, it is all there is.
type Snapshot struct {
	Revision    int64         `json:"revision"`
	Team        Team          `json:"team"`
	Me          *UserView     `json:"me,omitempty"`
	Users       []UserView    `json:"users"`
	Channels    []ChannelView `json:"channels"`
	Ephemerals  []MessageView `json:"ephemerals"`
	View        *ViewView     `json:"view,omitempty"` // the topmost modal
	ViewStack   []string      `json:"view_stack,omitempty"`
	Home        *ViewView     `json:"home,omitempty"`
	Commands    []Command     `json:"commands"`
	Shortcuts   []Shortcut    `json:"shortcuts"`
	Connections int           `json:"connections"`
	BotUserID   string        `json:"bot_user_id"`
}

// UserView is a member with a picture that a browser can load.
type UserView struct {
	User
	Image string `json:"image"`
}

// ChannelView is a conversation with its messages in order; replies lie inside their roots.
type ChannelView struct {
	Channel
	Kind     string        `json:"kind"`
	Title    string        `json:"title"` // the other person, for direct messages
	Messages []MessageView `json:"messages"`
}

// MessageView is a message as displayed.
type MessageView struct {
	Message
	AuthorName  string        `json:"author_name"`
	AuthorIcon  string        `json:"author_icon"`            // an image URL
	AuthorEmoji string        `json:"author_emoji,omitempty"` // instead of it
	IsApp       bool          `json:"is_app"`
	FileURLs    []string      `json:"file_urls,omitempty"` // openable without a token, in the order of Files
	Permalink   string        `json:"permalink"`
	Replies     []MessageView `json:"replies,omitempty"`
}

// ViewView is an open modal or home tab with its contents as JSON.
type ViewView struct {
	ModalView
	View json.RawMessage `json:"view"`
}

// Message finds a message or reply of a channel by its ts, or nil.
func (sn *Snapshot) Message(channel, ts string) *MessageView {
	for i := range sn.Channels {
		if sn.Channels[i].ID != channel {
			continue
		}
		for j := range sn.Channels[i].Messages {
			m := &sn.Channels[i].Messages[j]
			if m.TS == ts {
				return m
			}
			for k := range m.Replies {
				if m.Replies[k].TS == ts {
					return &m.Replies[k]
				}
			}
		}
	}
	return nil
}

// Snapshot returns what a person sees; "" sees every conversation and everybody's ephemeral messages.
func (s *Server) Snapshot(as string) *Snapshot {
	n := s.Connections()
	s.mu.Lock()
	defer s.mu.Unlock()
	sn := s.snapshot(as)
	sn.Connections = n
	return sn
}

func (s *Server) snapshot(as string) *Snapshot {
	sn := &Snapshot{Revision: s.revision, Team: s.opt.Team, Commands: slices.Clone(s.opt.Commands), Shortcuts: slices.Clone(s.opt.Shortcuts), BotUserID: s.opt.BotUserID,
		Users: []UserView{}, Channels: []ChannelView{}, Ephemerals: []MessageView{}}
	for _, u := range s.st.users {
		v := UserView{User: *u, Image: s.userImage(u, "72")}
		sn.Users = append(sn.Users, v)
		if u.ID == as {
			sn.Me = &v
		}
	}
	for _, c := range s.st.channels {
		if as != "" && !c.has(as) {
			continue
		}
		sn.Channels = append(sn.Channels, s.channelView(c, as))
	}
	for who, list := range s.st.ephemeral {
		for _, m := range list {
			if as == "" || who == as {
				sn.Ephemerals = append(sn.Ephemerals, s.messageView(m))
			}
		}
	}
	slices.SortFunc(sn.Ephemerals, func(a, b MessageView) int { return byTS(&a.Message, b.TS) })
	if stack := s.st.stacks[as]; len(stack) > 0 {
		sn.View = s.viewView(stack[len(stack)-1])
		for _, v := range stack {
			sn.ViewStack = append(sn.ViewStack, v.ID)
		}
	}
	if h := s.st.homes[as]; h != nil {
		sn.Home = s.viewView(h)
	}
	return sn
}

func (s *Server) viewView(v *ModalView) *ViewView {
	raw, err := json.Marshal(s.viewJSON(v))
	if err != nil {
		return nil
	}
	cp := *v
	// The entered values change in place later; the copy must not.
	state := map[string]map[string]any{}
	if b, err := json.Marshal(v.State); err == nil {
		json.Unmarshal(b, &state) // what was just marshalled parses
	}
	cp.State = state
	return &ViewView{ModalView: cp, View: raw}
}

func (s *Server) channelView(c *channel, as string) ChannelView {
	v := ChannelView{Channel: c.Channel, Kind: c.kind(), Title: c.Name, Messages: []MessageView{}}
	v.Members = slices.Clone(c.Members)
	if c.IsIM {
		for _, id := range c.Members {
			if u := s.st.userByID[id]; u != nil && id != as {
				v.Title = u.RealName
			}
		}
	}
	var shown []*Message
	for _, m := range slices.Backward(c.msgs) {
		if !m.IsReply() || m.Broadcast() {
			shown = append(shown, m)
		}
		if len(shown) == maxShown {
			break
		}
	}
	for _, m := range slices.Backward(shown) {
		mv := s.messageView(m)
		replies := c.threads[m.TS]
		if len(replies) > maxShown {
			replies = replies[len(replies)-maxShown:]
		}
		for _, r := range replies {
			mv.Replies = append(mv.Replies, s.messageView(r))
		}
		v.Messages = append(v.Messages, mv)
	}
	return v
}

func (s *Server) messageView(m *Message) MessageView {
	v := MessageView{Message: s.copyOut(m), IsApp: m.BotID != "", Permalink: s.permalink(m)}
	u := s.st.userByID[m.User]
	switch {
	case m.Username != "":
		v.AuthorName, v.AuthorIcon, v.AuthorEmoji = m.Username, m.IconURL, m.IconEmoji
		if v.AuthorIcon == "" && v.AuthorEmoji == "" {
			v.AuthorIcon = s.avatarURL(s.opt.BotUserID, "72")
		}
	case u != nil:
		v.AuthorName, v.AuthorIcon = u.RealName, s.userImage(u, "72")
		if u.DisplayName != "" {
			v.AuthorName = u.DisplayName
		}
	default:
		v.AuthorName, v.AuthorIcon = "Slackbot", s.avatarURL("USLACKBOT", "72")
	}
	for _, id := range m.FileIDs {
		v.FileURLs = append(v.FileURLs, s.opt.BaseURL+"/control/file/"+id)
	}
	return v
}

// Messages returns every message of a channel in order, replies included.
func (s *Server) Messages(channel string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.st.byID[channel]
	if c == nil {
		return nil
	}
	return s.copies(c.msgs)
}

// Thread returns a root and its replies in order.
func (s *Server) Thread(channel, ts string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.st.byID[channel]
	if c == nil || c.byTS[ts] == nil {
		return nil
	}
	return append(s.copies([]*Message{c.byTS[ts]}), s.copies(c.threads[ts])...)
}

// Ephemerals returns what only this person sees.
func (s *Server) Ephemerals(user string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.copies(s.st.ephemeral[user])
}

// Reload is the person loading Slack anew: their ephemeral messages are gone.
func (s *Server) Reload(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.st.ephemeral[user] {
		s.save("ephemeral_gone", goneRecord{Channel: m.Channel, TS: m.TS})
	}
	delete(s.st.ephemeral, user)
}

func (s *Server) copies(list []*Message) []Message {
	out := make([]Message, len(list))
	for i, m := range list {
		out[i] = s.copyOut(m)
	}
	return out
}

// View returns the topmost open modal of a person as the Web API shows it, or nil.
func (s *Server) View(user string) json.RawMessage {
	sn := s.Snapshot(user)
	if sn.View == nil {
		return nil
	}
	return sn.View.View
}

// Home returns a person's home tab as the Web API shows it, or nil.
func (s *Server) Home(user string) json.RawMessage {
	sn := s.Snapshot(user)
	if sn.Home == nil {
		return nil
	}
	return sn.Home.View
}

// FileData returns a file and its bytes.
func (s *Server) FileData(id string) (File, []byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.st.files[id]
	if f == nil || f.Deleted {
		return File{}, nil, false
	}
	return *f, slices.Clone(s.st.data[id]), true
}

// WaitFor returns nil as soon as the condition holds for a snapshot of everything. It looks again after each change
// and never sleeps; an ended context is an error.
func (s *Server) WaitFor(ctx context.Context, cond func(*Snapshot) bool) error {
	for {
		s.mu.Lock()
		wake := s.wake
		sn := s.snapshot("")
		s.mu.Unlock()
		if cond(sn) {
			return nil
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return fmt.Errorf("slacksim: condition not met: %w", ctx.Err())
		case <-s.ctx.Done():
			return fmt.Errorf("slacksim: closed: %w", s.ctx.Err())
		}
	}
}
