package discordsim

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Snapshot is what one person sees, or everything when it is nobody's.
type Snapshot struct {
	Revision uint64        `json:"revision"`
	As       string        `json:"as,omitempty"`
	Guild    GuildView     `json:"guild"`
	Users    []UserView    `json:"users"`
	Roles    []Role        `json:"roles"`
	Channels []ChannelView `json:"channels"`
	Threads  []ChannelView `json:"threads"`
	// Modal is the form open in front of that person.
	Modal    *ModalView `json:"modal,omitempty"`
	Commands []obj      `json:"commands"`
	// Failure is what the client shows after an interaction that nobody answered in time.
	Failure string `json:"failure,omitempty"`
	// Sessions counts the gateway connections that are identified.
	Sessions int `json:"sessions"`
}

// GuildView is the server.
type GuildView struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	OwnerID string `json:"owner_id"`
}

// UserView is a person or an app.
type UserView struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Username string   `json:"username"`
	Avatar   string   `json:"avatar"`
	Bot      bool     `json:"bot,omitempty"`
	Roles    []string `json:"roles,omitempty"`
}

// ChannelView is a channel, a thread or a conversation with its messages, oldest first.
type ChannelView struct {
	ID         string        `json:"id"`
	Type       int           `json:"type"`
	Name       string        `json:"name"`
	Topic      string        `json:"topic,omitempty"`
	ParentID   string        `json:"parent_id,omitempty"`
	GuildID    string        `json:"guild_id,omitempty"` // of the server; empty for direct messages
	OwnerID    string        `json:"owner_id,omitempty"`
	Private    bool          `json:"private,omitempty"`
	CanSend    bool          `json:"can_send"`
	Archived   bool          `json:"archived,omitempty"`
	Locked     bool          `json:"locked,omitempty"`
	Members    []string      `json:"members,omitempty"`
	Recipients []string      `json:"recipients,omitempty"`
	Tags       []Tag         `json:"tags,omitempty"`
	Applied    []string      `json:"applied,omitempty"`
	Messages   []MessageView `json:"messages"`
}

// MessageView is a message as displayed.
type MessageView struct {
	ID            string `json:"id"`
	ChannelID     string `json:"channel_id"`
	Type          int    `json:"type"`
	AuthorID      string `json:"author_id"`
	Author        string `json:"author"`
	Avatar        string `json:"avatar"`
	Bot           bool   `json:"bot,omitempty"`
	WebhookID     string `json:"webhook_id,omitempty"`
	ApplicationID string `json:"application_id,omitempty"`
	Content       string `json:"content"`
	Embeds        []obj  `json:"embeds"`
	Components    []obj  `json:"components"`
	// Attachments leaves out what an embed shows.
	Attachments     []AttachmentView `json:"attachments"`
	Reactions       []ReactionView   `json:"reactions"`
	Timestamp       time.Time        `json:"timestamp"`
	Edited          *time.Time       `json:"edited,omitempty"`
	ReplyTo         *QuoteView       `json:"reply_to,omitempty"`
	Ephemeral       string           `json:"ephemeral,omitempty"`
	Thinking        bool             `json:"thinking,omitempty"`
	ThreadID        string           `json:"thread_id,omitempty"`
	Pinned          bool             `json:"pinned,omitempty"`
	Flags           int              `json:"flags,omitempty"`
	Mentions        []string         `json:"mentions,omitempty"`
	MentionRoles    []string         `json:"mention_roles,omitempty"`
	MentionEveryone bool             `json:"mention_everyone,omitempty"`
	// UsedBy and Command say whose interaction a message answers.
	UsedBy  string `json:"used_by,omitempty"`
	Command string `json:"command,omitempty"`
}

// AttachmentView is a file with a link that a browser can show without expiring.
type AttachmentView struct {
	ID          string `json:"id"`
	Filename    string `json:"filename"`
	Description string `json:"description,omitempty"`
	ContentType string `json:"content_type,omitempty"`
	Size        int    `json:"size"`
	Width       int    `json:"width,omitempty"`
	Height      int    `json:"height,omitempty"`
	Spoiler     bool   `json:"spoiler,omitempty"`
	URL         string `json:"url"`
}

// ReactionView is one emoji under a message.
type ReactionView struct {
	Emoji string   `json:"emoji"`
	ID    string   `json:"id,omitempty"`
	Users []string `json:"users"`
	Me    bool     `json:"me,omitempty"`
}

// QuoteView is the message that a reply refers to; Text is empty when it is gone.
type QuoteView struct {
	ID     string `json:"id"`
	Author string `json:"author,omitempty"`
	Text   string `json:"text,omitempty"`
}

// ModalView is an open form; Components are as the app sent them, numbered.
type ModalView struct {
	InteractionID string `json:"interaction_id"`
	CustomID      string `json:"custom_id"`
	Title         string `json:"title"`
	ChannelID     string `json:"channel_id"`
	Components    []obj  `json:"components"`
}

func (s *Server) modalView(m *modal) *ModalView {
	return &ModalView{InteractionID: m.InteractionID, CustomID: m.CustomID, Title: m.Title, ChannelID: m.ChannelID, Components: m.Components}
}

// Snapshot shows what a person sees, with at most limit messages per channel (0 for all); as "" shows everything.
func (s *Server) Snapshot(as string, limit int) *Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.snapshot(as, limit)
}

func (s *Server) avatarURL(id string) string {
	return s.o.BaseURL + "/cdn/avatars/" + id + "/" + avatarHash(id) + ".png"
}

func (s *Server) snapshot(as string, limit int) *Snapshot {
	out := &Snapshot{Revision: s.revision, As: as, Guild: GuildView{s.guild.ID, s.guild.Name, s.guild.OwnerID}, Roles: s.guild.Roles, Commands: s.commandBodies(),
		Failure: s.failures[as], Users: []UserView{}, Channels: []ChannelView{}, Threads: []ChannelView{}}
	for _, id := range s.userOrder {
		u := s.users[id]
		out.Users = append(out.Users, UserView{ID: id, Name: u.displayName(), Username: u.Username, Avatar: s.avatarURL(id), Bot: u.Bot, Roles: u.Roles})
	}
	for _, id := range s.chanOrder {
		c := s.channels[id]
		if as != "" && !s.canSee(as, c) {
			continue
		}
		v := s.channelView(c, as, limit)
		if c.isThread() {
			out.Threads = append(out.Threads, v)
		} else {
			out.Channels = append(out.Channels, v)
		}
	}
	if m := s.modals[as]; m != nil {
		out.Modal = s.modalView(m)
	}
	for c := range s.gw.conns {
		if c.session != nil {
			out.Sessions++
		}
	}
	return out
}

func (s *Server) commandBodies() []obj {
	out := []obj{}
	for _, id := range s.commandOrder {
		out = append(out, s.commands[id].Body)
	}
	return out
}

func (s *Server) channelView(c *channel, as string, limit int) ChannelView {
	v := ChannelView{ID: c.ID, Type: c.Type, Name: c.Name, Topic: c.Topic, ParentID: c.ParentID, OwnerID: c.OwnerID, Archived: c.Archived, Locked: c.Locked,
		Recipients: c.Recipients, Tags: c.Tags, Applied: c.Applied, Messages: []MessageView{}}
	if !c.isDM() {
		v.GuildID = s.home(c).ID
	}
	v.CanSend = as == "" || s.permissions(as, c)&sendPermission(c) != 0
	for id := range c.Members {
		v.Members = append(v.Members, id)
	}
	slices.Sort(v.Members)
	for _, o := range c.Overwrites {
		v.Private = v.Private || o.ID == s.home(c).ID && o.Deny&PermViewChannel != 0
	}
	v.Private = v.Private || c.Type == ChannelPrivateThread || c.isDM()
	ids := s.byChannel[c.ID]
	if limit > 0 && len(ids) > limit {
		ids = ids[len(ids)-limit:]
	}
	for _, id := range ids {
		m := s.messages[id]
		if m.Ephemeral == "" || as == "" || m.Ephemeral == as {
			v.Messages = append(v.Messages, s.messageView(m, as))
		}
	}
	return v
}

func (s *Server) shownAuthor(m *message) (name, avatar string) {
	if m.WebhookID != "" && m.Username != "" {
		avatar = s.o.BaseURL + "/cdn/embed/avatars/0.png"
		if m.Avatar != "" {
			avatar = s.avatarURL(m.WebhookID)
		}
		if m.AvatarURL != "" {
			avatar = m.AvatarURL
		}
		return m.Username, avatar
	}
	if u := s.users[m.AuthorID]; u != nil {
		return u.displayName(), s.avatarURL(u.ID)
	}
	return "Deleted User", s.avatarURL(m.AuthorID)
}

func (s *Server) messageView(m *message, as string) MessageView {
	v := MessageView{ID: m.ID, ChannelID: m.ChannelID, Type: m.Type, AuthorID: m.AuthorID, WebhookID: m.WebhookID, ApplicationID: m.ApplicationID, Content: m.Content,
		Embeds: s.browserMedia(m.Embeds), Components: s.browserMedia(m.Components), Attachments: []AttachmentView{}, Reactions: []ReactionView{}, Timestamp: m.At,
		Edited: m.Edited, Ephemeral: m.Ephemeral, Thinking: m.Flags&flagLoading != 0, Pinned: m.Pinned, Flags: m.Flags, Mentions: m.Mentions,
		MentionRoles: m.MentionRoles, MentionEveryone: m.MentionEveryone}
	v.Author, v.Avatar = s.shownAuthor(m)
	v.Bot = m.WebhookID != "" || s.users[m.AuthorID] != nil && s.users[m.AuthorID].Bot
	for _, a := range m.Attachments {
		if !a.Embedded {
			v.Attachments = append(v.Attachments, AttachmentView{a.ID, a.Filename, a.Description, a.ContentType, a.Size, a.Width, a.Height, a.Flags&(1<<3) != 0, s.fileURL(a.ID, a.Filename)})
		}
	}
	for _, r := range m.Reactions {
		v.Reactions = append(v.Reactions, ReactionView{Emoji: r.Name, ID: r.ID, Users: r.Users, Me: slices.Contains(r.Users, as)})
	}
	if m.Reference != nil && m.Type == typeReply {
		v.ReplyTo = &QuoteView{ID: m.Reference.MessageID}
		if r := s.messages[m.Reference.MessageID]; r != nil && (r.Ephemeral == "" || as == "" || r.Ephemeral == as) {
			v.ReplyTo.Author, _ = s.shownAuthor(r)
			v.ReplyTo.Text = r.Content
		}
	}
	if th := s.channels[m.ID]; th != nil && th.isThread() && th.ParentID == m.ChannelID {
		v.ThreadID = th.ID
	}
	if m.Type == typeThreadCreated && m.Reference != nil {
		v.ThreadID = m.Reference.ChannelID
	}
	if m.Interaction != nil {
		v.UsedBy, v.Command = m.Interaction.UserID, m.Interaction.Name
	}
	return v
}

func (s *Server) fileURL(id, name string) string {
	return s.o.BaseURL + "/control/file/" + id + "/" + name
}

// browserMedia turns CDN links into ones that do not expire, so that a page left open keeps its pictures.
func (s *Server) browserMedia(in []obj) []obj {
	out := s.freshMedia(in)
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case obj:
			for k, e := range v {
				if str, ok := e.(string); ok {
					if rest, cut := strings.CutPrefix(str, s.o.BaseURL+"/cdn/attachments/"); cut {
						rest, _, _ = strings.Cut(rest, "?")
						if part := strings.SplitN(rest, "/", 3); len(part) == 3 {
							v[k] = s.o.BaseURL + "/control/file/" + part[1] + "/" + part[2]
						}
					}
					continue
				}
				walk(e)
			}
		case []obj:
			for _, e := range v {
				walk(e)
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(out)
	return out
}

// Messages are those of a channel or thread, oldest first, ephemeral ones included.
func (s *Server) Messages(channel string) []MessageView {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channels[channel]
	if c == nil {
		return nil
	}
	return s.channelView(c, "", 0).Messages
}

// Thread is a thread with its messages; false when there is none of that id.
func (s *Server) Thread(id string) (ChannelView, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channels[id]
	if c == nil || !c.isThread() {
		return ChannelView{}, false
	}
	return s.channelView(c, "", 0), true
}

// Ephemerals are the private answers that a person still sees.
func (s *Server) Ephemerals(user string) []MessageView {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for id, m := range s.messages {
		if m.Ephemeral == user {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b string) int { return int(min(max(int64(snow(a))-int64(snow(b)), -1), 1)) })
	out := []MessageView{}
	for _, id := range ids {
		out = append(out, s.messageView(s.messages[id], user))
	}
	return out
}

// Modal is the form open in front of a person, or nil.
func (s *Server) Modal(user string) *ModalView {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.modals[user]; m != nil {
		return s.modalView(m)
	}
	return nil
}

// Commands are the registered application commands in full, as the REST interface lists them.
func (s *Server) Commands() []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.commandBodies()
}

// WaitFor returns once ok holds for the whole state; it is asked again after every change.
func (s *Server) WaitFor(ctx context.Context, ok func(*Snapshot) bool) error {
	for {
		s.mu.Lock()
		snap, changed := s.snapshot("", 0), s.changed
		s.mu.Unlock()
		if ok(snap) {
			return nil
		}
		select {
		case <-changed:
		case <-s.ctx.Done():
			return fmt.Errorf("wait for the simulator: %w", context.Canceled)
		case <-ctx.Done():
			return fmt.Errorf("wait for the simulator: %w", ctx.Err())
		}
	}
}
