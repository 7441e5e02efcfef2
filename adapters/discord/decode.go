package discord

import (
	"encoding/json"
	"time"
)

// Structs of our own for what others wrote. Parts whose shape Discord may extend at any time (components, embeds) stay
// raw and are read apart, so that something new in them costs only itself.

type wireUser struct {
	ID         string `json:"id"`
	Username   string `json:"username"`
	GlobalName string `json:"global_name"`
	Avatar     string `json:"avatar"`
	Bot        bool   `json:"bot"`
}

type wireMember struct {
	User   *wireUser `json:"user"`
	Nick   string    `json:"nick"`
	Avatar string    `json:"avatar"`
	Roles  []string  `json:"roles"`
}

type wireMention struct {
	wireUser
	Member *wireMember `json:"member"`
}

type wireAttachment struct {
	ID          string `json:"id"`
	Filename    string `json:"filename"`
	Description string `json:"description"`
	ContentType string `json:"content_type"`
	Size        int64  `json:"size"`
	URL         string `json:"url"`
}

type wireReference struct {
	Type      int    `json:"type"`
	MessageID string `json:"message_id"`
	ChannelID string `json:"channel_id"`
}

type wireMessage struct {
	ID            string           `json:"id"`
	ChannelID     string           `json:"channel_id"`
	GuildID       string           `json:"guild_id"`
	Type          int              `json:"type"`
	Content       string           `json:"content"`
	Timestamp     string           `json:"timestamp"`
	Edited        string           `json:"edited_timestamp"`
	Author        *wireUser        `json:"author"`
	Member        *wireMember      `json:"member"`
	WebhookID     string           `json:"webhook_id"`
	ApplicationID string           `json:"application_id"`
	Flags         int              `json:"flags"`
	Mentions      []wireMention    `json:"mentions"`
	Attachments   []wireAttachment `json:"attachments"`
	Reference     *wireReference   `json:"message_reference"`
	Components    json.RawMessage  `json:"components"`
	Embeds        json.RawMessage  `json:"embeds"`
	Nonce         json.RawMessage  `json:"nonce"`
	Reactions     []wireCount      `json:"reactions"`
	Thread        *wireChannel     `json:"thread"`
}

// wireCount is an emoji on a message of a history.
type wireCount struct {
	Count int       `json:"count"`
	Me    bool      `json:"me"`
	Emoji wireEmoji `json:"emoji"`
}

const (
	flagEphemeral = 1 << 6

	messageDefault     = 0
	messageReply       = 19
	messageSlash       = 20
	messageContextMenu = 23
)

// spoken reports whether somebody wrote the message, rather than the platform itself.
func (m *wireMessage) spoken() bool {
	switch m.Type {
	case messageDefault, messageReply, messageSlash, messageContextMenu:
		return true
	}
	return false
}

type wireEmbed struct {
	Title       string `json:"title"`
	Description string `json:"description"`
	Image       struct {
		URL         string `json:"url"`
		ContentType string `json:"content_type"`
	} `json:"image"`
}

func (m *wireMessage) embeds() []wireEmbed {
	var raw []json.RawMessage
	if json.Unmarshal(m.Embeds, &raw) != nil {
		return nil
	}
	out := make([]wireEmbed, 0, len(raw))
	for _, r := range raw {
		var e wireEmbed
		if json.Unmarshal(r, &e) == nil {
			out = append(out, e)
		}
	}
	return out
}

// allFiles lists the attachments and the pictures that embeds show: those leave the list of attachments.
func (m *wireMessage) allFiles() []wireAttachment {
	out := append([]wireAttachment(nil), m.Attachments...)
	for _, e := range m.embeds() {
		if id, name := attachmentID(e.Image.URL); id != "" {
			out = append(out, wireAttachment{ID: id, Filename: name, ContentType: e.Image.ContentType, URL: e.Image.URL})
		}
	}
	return out
}

// customIDs collects the custom ids of all components, however deep, at most 50.
func (m *wireMessage) customIDs() []string {
	var tree any
	if json.Unmarshal(m.Components, &tree) != nil {
		return nil
	}
	var out []string
	var walk func(v any, depth int)
	walk = func(v any, depth int) {
		if depth > 8 || len(out) >= 50 {
			return
		}
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e, depth+1)
			}
		case map[string]any:
			if id, ok := v["custom_id"].(string); ok {
				out = append(out, id)
			}
			for _, key := range []string{"components", "component", "accessory"} {
				walk(v[key], depth+1)
			}
		}
	}
	walk(tree, 0)
	return out
}

type wireOverwrite struct {
	ID    string `json:"id"`
	Type  int    `json:"type"`
	Deny  string `json:"deny"`
	Allow string `json:"allow"`
}

type wireChannel struct {
	ID         string          `json:"id"`
	Type       int             `json:"type"`
	GuildID    string          `json:"guild_id"`
	ParentID   string          `json:"parent_id"`
	Name       string          `json:"name"`
	OwnerID    string          `json:"owner_id"`
	LastID     string          `json:"last_message_id"`
	Overwrites []wireOverwrite `json:"permission_overwrites"`
}

const (
	channelDM            = 1
	channelGroupDM       = 3
	channelNewsThread    = 10
	channelPublicThread  = 11
	channelPrivateThread = 12
	channelForum         = 15
	channelMedia         = 16
)

func (c *wireChannel) isThread() bool {
	return c.Type >= channelNewsThread && c.Type <= channelPrivateThread
}

type wireRole struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Permissions string `json:"permissions"`
}

type wireEmoji struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Animated bool   `json:"animated"`
}

type wireGuild struct {
	ID       string        `json:"id"`
	Name     string        `json:"name"`
	Roles    []wireRole    `json:"roles"`
	Emojis   []wireEmoji   `json:"emojis"`
	Channels []wireChannel `json:"channels"`
	Threads  []wireChannel `json:"threads"`
}

type wireReaction struct {
	UserID    string      `json:"user_id"`
	ChannelID string      `json:"channel_id"`
	MessageID string      `json:"message_id"`
	GuildID   string      `json:"guild_id"`
	Member    *wireMember `json:"member"`
	Emoji     wireEmoji   `json:"emoji"`
}

type wireDelete struct {
	ID        string   `json:"id"`
	IDs       []string `json:"ids"`
	ChannelID string   `json:"channel_id"`
	GuildID   string   `json:"guild_id"`
}

type wireOption struct {
	Name    string          `json:"name"`
	Type    int             `json:"type"`
	Value   json.RawMessage `json:"value"`
	Focused bool            `json:"focused"`
	Options []wireOption    `json:"options"`
}

type wireInteraction struct {
	ID            string       `json:"id"`
	ApplicationID string       `json:"application_id"`
	Type          int          `json:"type"`
	Token         string       `json:"token"`
	GuildID       string       `json:"guild_id"`
	ChannelID     string       `json:"channel_id"`
	Channel       *wireChannel `json:"channel"`
	Locale        string       `json:"locale"`
	Member        *wireMember  `json:"member"`
	User          *wireUser    `json:"user"`
	Message       *wireMessage `json:"message"`
	Data          struct {
		Name       string          `json:"name"`
		Type       int             `json:"type"`
		TargetID   string          `json:"target_id"`
		CustomID   string          `json:"custom_id"`
		Options    []wireOption    `json:"options"`
		Components json.RawMessage `json:"components"`
		Values     []string        `json:"values"`
		Resolved   struct {
			Messages    map[string]json.RawMessage `json:"messages"`
			Attachments map[string]wireAttachment  `json:"attachments"`
		} `json:"resolved"`
	} `json:"data"`
}

// who is the person behind an interaction, in a server or in direct messages.
func (in *wireInteraction) who() *wireUser {
	if in.Member != nil && in.Member.User != nil {
		return in.Member.User
	}
	return in.User
}

func parseTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
