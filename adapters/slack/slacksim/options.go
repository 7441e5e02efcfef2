package slacksim

import (
	"log/slog"
	"time"
)

// Team is the simulated workspace.
type Team struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Domain string `json:"domain"`
}

// User is a member of the workspace. The bot's own user is added by [New] and need not be seeded.
type User struct {
	ID          string `json:"id"`
	Name        string `json:"name"` // the handle, lower case
	RealName    string `json:"real_name"`
	DisplayName string `json:"display_name"`
	Email       string `json:"email,omitempty"`
	TZ          string `json:"tz,omitempty"`
	Locale      string `json:"locale,omitempty"`
	Avatar      string `json:"avatar,omitempty"` // an absolute image URL; empty means a generated picture
	Title       string `json:"title,omitempty"`
	IsBot       bool   `json:"is_bot,omitempty"`
	IsAdmin     bool   `json:"is_admin,omitempty"`
	Deleted     bool   `json:"deleted,omitempty"`
}

// Channel is a conversation. The bot sees messages only where BotUserID is among the members.
type Channel struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	IsPrivate bool     `json:"is_private,omitempty"`
	IsIM      bool     `json:"is_im,omitempty"`
	IsMPIM    bool     `json:"is_mpim,omitempty"`
	Archived  bool     `json:"is_archived,omitempty"`
	Topic     string   `json:"topic,omitempty"`
	Purpose   string   `json:"purpose,omitempty"`
	Creator   string   `json:"creator,omitempty"`
	Created   int64    `json:"created,omitempty"`
	Members   []string `json:"members"`
}

// UserGroup is a group of members, such as @editors.
type UserGroup struct {
	ID     string   `json:"id"`
	Name   string   `json:"name"`
	Handle string   `json:"handle"`
	Users  []string `json:"users"`
}

// Command is a slash command that the app has registered.
type Command struct {
	Name        string `json:"name"` // with its slash
	UsageHint   string `json:"usage_hint,omitempty"`
	Description string `json:"description,omitempty"`
	// Escape mirrors should_escape of the manifest: mentions reach the app as <@U1|name>.
	Escape bool `json:"should_escape,omitempty"`
}

// Shortcut is a message shortcut that the app has registered.
type Shortcut struct {
	Name       string `json:"name"`
	CallbackID string `json:"callback_id"`
}

// Limits are Slack's own rate limits; a zero field leaves that limit off.
type Limits struct {
	PostPerChannelPerSecond float64 `json:"post_per_channel_per_second,omitempty"`
	PostBurst               int     `json:"post_burst,omitempty"` // default 3
	PostPerTeamPerMinute    int     `json:"post_per_team_per_minute,omitempty"`
	Tier1PerMinute          int     `json:"tier1_per_minute,omitempty"`
	Tier2PerMinute          int     `json:"tier2_per_minute,omitempty"`
	Tier3PerMinute          int     `json:"tier3_per_minute,omitempty"`
	Tier4PerMinute          int     `json:"tier4_per_minute,omitempty"`
	// HarshHistory is the rule for apps sold outside the Marketplace: history and replies once a minute, 15 a page.
	HarshHistory bool `json:"harsh_history,omitempty"`
}

// RealLimits returns the limits as Slack documents them.
func RealLimits() Limits {
	return Limits{PostPerChannelPerSecond: 1, PostBurst: 3, PostPerTeamPerMinute: 600, Tier1PerMinute: 1, Tier2PerMinute: 20, Tier3PerMinute: 50, Tier4PerMinute: 100}
}

// Options configure a [Server]. Only BaseURL must be set before clients arrive; [Server.SetBaseURL] may do it later.
type Options struct {
	// BaseURL is the external root where the handler is mounted, without a trailing slash.
	BaseURL string

	Team       Team
	UserGroups []UserGroup
	Users      []User
	Channels   []Channel
	Commands   []Command
	Shortcuts  []Shortcut

	BotToken, AppToken, SigningSecret string
	AppID, BotID, BotUserID           string
	BotName                           string // default "atelier"

	// EventsURL, CommandsURL and InteractionsURL switch each kind of traffic to signed HTTP; empty means Socket Mode.
	EventsURL, CommandsURL, InteractionsURL string

	// Scopes granted to the bot token; nil grants everything the simulator knows.
	Scopes []string
	// BotEvents subscribed to (message.channels, app_mention ...); nil subscribes to all.
	BotEvents []string
	// MetadataSubscriptions lists event types whose payload readers see without include_all_metadata; "*" is all.
	MetadataSubscriptions []string

	// ClientID and ClientSecret make the app one that the workspace installs by OAuth: it has no token and hears nothing
	// until then. TokenLife is how long its tokens work; zero means for good. None of it is kept in DataFile.
	ClientID, ClientSecret string
	TokenLife              time.Duration

	// DataFile, when set, receives every change as a JSON line before it is answered, and is replayed by [New].
	DataFile string

	Limits Limits
	Log    *slog.Logger
	Now    func() time.Time

	// Tuning. Zero means the real thing; tests shorten these.
	PingInterval   time.Duration   // WebSocket PINGs; default 3 s
	ConnectionLife time.Duration   // before a socket is asked to reconnect; default about five hours
	AckTimeout     time.Duration   // for every acknowledgement; default 3 s
	RetryIntervals []time.Duration // before each redelivery of an event; default 0, 1 min, 5 min
	TriggerLife    time.Duration   // default 3 s
	FileDelay      time.Duration   // until an upload is processed and shared; default 200 ms, negative none
	UnfurlDelay    time.Duration   // until a link is unfurled; default 300 ms, negative never
	MaxFileBytes   int64           // default 64 MiB

	// AllowedHosts may address /control/ beside loopback and the host of BaseURL.
	AllowedHosts []string
}

// DemoSeed returns options with a small creative team, two public rooms, a private one, and tokens. The caller sets
// BaseURL and whatever else it wants changed.
func DemoSeed() Options {
	return Options{
		Team: Team{ID: "T0ATELIER1", Name: "Northlight Studio", Domain: "northlight"},
		Users: []User{
			{ID: "U0ADA00001", Name: "ada", RealName: "Ada Okafor", DisplayName: "Ada", Email: "ada@northlight.example", TZ: "Europe/London", Title: "Art director", IsAdmin: true},
			{ID: "U0BEN00002", Name: "ben", RealName: "Ben Ruiz", DisplayName: "Ben", Email: "ben@northlight.example", TZ: "America/New_York", Title: "Illustrator"},
			{ID: "U0CLEO0003", Name: "cleo", RealName: "Cleo Laurent", DisplayName: "Cleo", Email: "cleo@northlight.example", TZ: "Europe/Paris", Title: "Producer"},
		},
		Channels: []Channel{
			{ID: "C0GENERAL1", Name: "general", Purpose: "Company-wide talk", Members: []string{"U0ADA00001", "U0BEN00002", "U0CLEO0003", "U0BOTATEL1"}},
			{ID: "C0ACME0002", Name: "acme-launch", Purpose: "Key visuals for the Acme launch", Members: []string{"U0ADA00001", "U0BEN00002", "U0CLEO0003", "U0BOTATEL1"}},
			{ID: "C0SECRET03", Name: "acme-private", IsPrivate: true, Members: []string{"U0ADA00001", "U0CLEO0003", "U0BOTATEL1"}},
			{ID: "C0NOBOT004", Name: "random", Members: []string{"U0ADA00001", "U0BEN00002", "U0CLEO0003"}},
		},
		Commands: []Command{
			{Name: "/atelier", UsageHint: "[verb] [options]", Description: "Generate and review images", Escape: true},
			{Name: "/imagine", UsageHint: "[prompt]", Description: "Generate images from a prompt", Escape: true},
		},
		BotToken: "xoxb-sim-bot-token", AppToken: "xapp-sim-app-token", SigningSecret: "sim-signing-secret",
		AppID: "A0ATELIER1", BotID: "B0ATELIER1", BotUserID: "U0BOTATEL1", BotName: "atelier",
	}
}

func (o *Options) fill() {
	d := DemoSeed()
	setDefault(&o.Team.ID, d.Team.ID)
	setDefault(&o.Team.Name, d.Team.Name)
	setDefault(&o.Team.Domain, d.Team.Domain)
	setDefault(&o.BotToken, d.BotToken)
	setDefault(&o.AppToken, d.AppToken)
	setDefault(&o.SigningSecret, d.SigningSecret)
	setDefault(&o.AppID, d.AppID)
	setDefault(&o.BotID, d.BotID)
	setDefault(&o.BotUserID, d.BotUserID)
	setDefault(&o.BotName, d.BotName)
	setDefault(&o.PingInterval, 3*time.Second)
	setDefault(&o.ConnectionLife, 18060*time.Second)
	setDefault(&o.AckTimeout, 3*time.Second)
	setDefault(&o.TriggerLife, 3*time.Second)
	setDefault(&o.FileDelay, 200*time.Millisecond)
	setDefault(&o.UnfurlDelay, 300*time.Millisecond)
	setDefault(&o.MaxFileBytes, 64<<20)
	if o.RetryIntervals == nil {
		o.RetryIntervals = []time.Duration{0, time.Minute, 5 * time.Minute}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

func setDefault[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}
