package discordsim

import (
	"encoding/json"
	"time"
)

// obj is one JSON object on its way out.
type obj = map[string]any

// Guild seeds a server.
type Guild struct {
	ID      string  `json:"id"`
	Name    string  `json:"name"`
	OwnerID string  `json:"owner_id"`
	Roles   []Role  `json:"roles,omitempty"`
	Emojis  []Emoji `json:"emojis,omitempty"`
}

// Role is one role of the guild. The role whose id is the guild's is @everyone.
type Role struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Permissions uint64 `json:"permissions,string"`
	Color       int    `json:"color,omitempty"`
	Position    int    `json:"position"`
	Mentionable bool   `json:"mentionable,omitempty"`
	// Managed marks the role that came with a bot.
	Managed bool `json:"managed,omitempty"`
}

// Emoji is one custom emoji of the guild.
type Emoji struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Animated bool   `json:"animated,omitempty"`
}

// User seeds one account and its membership of the guild.
type User struct {
	ID         string   `json:"id"`
	Username   string   `json:"username"`
	GlobalName string   `json:"global_name,omitempty"`
	Bot        bool     `json:"bot,omitempty"`
	Nick       string   `json:"nick,omitempty"`
	Roles      []string `json:"roles,omitempty"`
	// Outsider keeps the account out of the guild.
	Outsider bool `json:"outsider,omitempty"`
	// Locale is what the person's client is set to; "en-US" when empty.
	Locale string `json:"locale,omitempty"`
}

// Overwrite is one permission overwrite of a channel: Type 0 for a role, 1 for a member.
type Overwrite struct {
	ID    string `json:"id"`
	Type  int    `json:"type"`
	Allow uint64 `json:"allow,string"`
	Deny  uint64 `json:"deny,string"`
}

// Tag is one tag of a forum channel.
type Tag struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Moderated bool   `json:"moderated,omitempty"`
	EmojiName string `json:"emoji_name,omitempty"`
}

// The channel types that the simulator knows.
const (
	ChannelText          = 0
	ChannelDM            = 1
	ChannelCategory      = 4
	ChannelPublicThread  = 11
	ChannelPrivateThread = 12
	ChannelForum         = 15
)

// Channel seeds a channel; threads and direct messages come to be by calls.
type Channel struct {
	ID       string `json:"id"`
	Type     int    `json:"type"`
	Name     string `json:"name"`
	Topic    string `json:"topic,omitempty"`
	ParentID string `json:"parent_id,omitempty"`
	// GuildID is one of Options.More; empty is Options.Guild. A thread lies where its parent does.
	GuildID    string      `json:"guild_id,omitempty"`
	Position   int         `json:"position"`
	Overwrites []Overwrite `json:"overwrites,omitempty"`
	Tags       []Tag       `json:"tags,omitempty"`
	// RequireTag makes forum posts without a tag fail.
	RequireTag bool `json:"require_tag,omitempty"`
}

// channel is a channel, a thread or a direct message as held and as written to disk.
type channel struct {
	Channel
	LastMessageID string    `json:"last_message_id,omitempty"`
	LastPin       time.Time `json:"last_pin,omitzero"`
	RateLimit     int       `json:"rate_limit,omitempty"`
	NSFW          bool      `json:"nsfw,omitempty"`
	Flags         int       `json:"flags,omitempty"`
	AutoArchive   int       `json:"auto_archive,omitempty"`

	OwnerID    string                  `json:"owner_id,omitempty"`
	Archived   bool                    `json:"archived,omitempty"`
	Locked     bool                    `json:"locked,omitempty"`
	Invitable  bool                    `json:"invitable,omitempty"`
	ArchivedAt time.Time               `json:"archived_at,omitzero"`
	CreatedAt  time.Time               `json:"created_at,omitzero"`
	Members    map[string]threadMember `json:"members,omitempty"`
	Count      int                     `json:"count,omitempty"`
	Total      int                     `json:"total,omitempty"`
	Applied    []string                `json:"applied,omitempty"`
	Recipients []string                `json:"recipients,omitempty"`
}

type threadMember struct {
	Joined time.Time `json:"joined"`
}

func (c *channel) isThread() bool { return c.Type >= 10 && c.Type <= 12 }
func (c *channel) isDM() bool     { return c.Type == ChannelDM }

type reference struct {
	Type      int    `json:"type"`
	MessageID string `json:"message_id,omitempty"`
	ChannelID string `json:"channel_id"`
	GuildID   string `json:"guild_id,omitempty"`
}

type attachment struct {
	ID          string `json:"id"`
	Filename    string `json:"filename"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	ContentType string `json:"content_type,omitempty"`
	Size        int    `json:"size"`
	Width       int    `json:"width,omitempty"`
	Height      int    `json:"height,omitempty"`
	ChannelID   string `json:"channel_id"`
	Ephemeral   bool   `json:"ephemeral,omitempty"`
	Flags       int    `json:"flags,omitempty"`
	// Embedded attachments were claimed by an embed and no longer show in the list.
	Embedded bool `json:"embedded,omitempty"`
}

type reaction struct {
	ID       string   `json:"id,omitempty"`
	Name     string   `json:"name"`
	Animated bool     `json:"animated,omitempty"`
	Users    []string `json:"users"`
}

type message struct {
	ID              string           `json:"id"`
	ChannelID       string           `json:"channel_id"`
	Type            int              `json:"type"`
	AuthorID        string           `json:"author_id"`
	WebhookID       string           `json:"webhook_id,omitempty"`
	ApplicationID   string           `json:"application_id,omitempty"`
	Username        string           `json:"username,omitempty"`
	Avatar          string           `json:"avatar,omitempty"`
	AvatarURL       string           `json:"avatar_url,omitempty"`
	Content         string           `json:"content"`
	Embeds          []obj            `json:"embeds,omitempty"`
	Components      []obj            `json:"components,omitempty"`
	Attachments     []attachment     `json:"attachments,omitempty"`
	At              time.Time        `json:"at"`
	Edited          *time.Time       `json:"edited,omitempty"`
	Flags           int              `json:"flags,omitempty"`
	Nonce           json.RawMessage  `json:"nonce,omitempty"`
	Reactions       []reaction       `json:"reactions,omitempty"`
	Pinned          bool             `json:"pinned,omitempty"`
	PinnedAt        time.Time        `json:"pinned_at,omitzero"`
	Mentions        []string         `json:"mentions,omitempty"`
	MentionRoles    []string         `json:"mention_roles,omitempty"`
	MentionEveryone bool             `json:"mention_everyone,omitempty"`
	Reference       *reference       `json:"reference,omitempty"`
	Interaction     *interactionMeta `json:"interaction,omitempty"`
	Ephemeral       string           `json:"ephemeral,omitempty"`
	Position        int              `json:"position,omitempty"`
	TTS             bool             `json:"tts,omitempty"`
	Poll            obj              `json:"poll,omitempty"`
}

// interactionMeta is kept with a message that answers an interaction.
type interactionMeta struct {
	ID             string           `json:"id"`
	Type           int              `json:"type"`
	UserID         string           `json:"user_id"`
	Name           string           `json:"name,omitempty"`
	OriginalID     string           `json:"original_id,omitempty"`
	InteractedWith string           `json:"interacted_with,omitempty"`
	TargetMessage  string           `json:"target_message,omitempty"`
	TargetUser     string           `json:"target_user,omitempty"`
	Trigger        *interactionMeta `json:"trigger,omitempty"`
}

// Message flags.
const (
	flagSuppressEmbeds = 1 << 2
	flagHasThread      = 1 << 5
	flagEphemeral      = 1 << 6
	flagLoading        = 1 << 7
	flagSilent         = 1 << 12
	flagComponentsV2   = 1 << 15
)

// Message types.
const (
	typeDefault       = 0
	typeNameChange    = 4
	typePinned        = 6
	typeThreadCreated = 18
	typeReply         = 19
	typeChatCommand   = 20
	typeThreadStarter = 21
	typeContextMenu   = 23
)

type webhook struct {
	ID            string `json:"id"`
	Token         string `json:"token"`
	Name          string `json:"name"`
	Avatar        string `json:"avatar,omitempty"`
	ChannelID     string `json:"channel_id"`
	UserID        string `json:"user_id,omitempty"`
	ApplicationID string `json:"application_id,omitempty"`
}

// interaction is one interaction and what became of it.
type interaction struct {
	ID        string    `json:"id"`
	Token     string    `json:"token"`
	Type      int       `json:"type"`
	UserID    string    `json:"user_id"`
	ChannelID string    `json:"channel_id"`
	At        time.Time `json:"at"`
	Acked     bool      `json:"acked,omitempty"`
	Response  int       `json:"response,omitempty"`
	// OriginalID is what @original means: the answer, or the message whose component was used.
	OriginalID string           `json:"original_id,omitempty"`
	MessageID  string           `json:"message_id,omitempty"`
	Command    string           `json:"command,omitempty"`
	Target     string           `json:"target,omitempty"`
	Menu       bool             `json:"menu,omitempty"`
	Own        []string         `json:"own,omitempty"`
	Trigger    *interactionMeta `json:"trigger,omitempty"`

	choices []Choice
	modal   *modal
	failure string
	done    chan struct{}
}

// modal is a form that is open in front of one person.
type modal struct {
	InteractionID string           `json:"interaction_id"`
	UserID        string           `json:"user_id"`
	ChannelID     string           `json:"channel_id"`
	MessageID     string           `json:"message_id,omitempty"`
	CustomID      string           `json:"custom_id"`
	Title         string           `json:"title"`
	Components    []obj            `json:"components"`
	Trigger       *interactionMeta `json:"trigger,omitempty"`
}

// command is a registered application command as the platform answers it.
type command struct {
	ID      string `json:"id"`
	GuildID string `json:"guild_id,omitempty"`
	Type    int    `json:"type"`
	Name    string `json:"name"`
	Body    obj    `json:"body"`
}

type storedFile struct {
	Name string
	Type string
	Data []byte
}
