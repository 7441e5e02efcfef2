// Package discord connects Atelier to Discord: events and interactions in, messages, cards and answers out. It speaks
// REST by its own bounded client and the gateway through discordgo.
package discord

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/atelier-bridge/atelier/adapters/internal/reading"
	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
)

// Options configure an Adapter. Without a PublicKey interactions come over the gateway; with one they are awaited at
// Handler, and the gateway still runs for messages.
type Options struct {
	BotToken      core.Secret
	ApplicationID string
	PublicKey     string // hexadecimal, as the developer portal shows it
	APIURL        string // default https://discord.com/api/v10; its origin is trusted for files, avatars and the gateway
	Table         *command.Table
	Limiter       core.Limiter
	Leases        core.Leases // nil: this process is the only one
	Echo          core.Echo   // may be nil
	Clock         core.Clock
	// Translator speaks to people in the language of their Discord; nil speaks English.
	Translator core.Translator
	Log        *slog.Logger
	// Telemetry is told when connections come up and go down.
	Telemetry core.Telemetry
	// Shards is how many gateway connections the installation has in all; 0 means as many as Discord recommends, at most
	// MaxShards. Discord needs more than one above 2,500 servers. Every replica must be told the same number.
	Shards int
	// Replicas tells how many processes of the installation live, this one included: the shards are spread over them.
	// nil means one.
	Replicas func() int
}

const defaultAPI = "https://discord.com/api/v10"

// Adapter is Discord as core.Platform, core.History and core.Directory. Make one with New; all methods may be called
// from several goroutines, Run once.
type Adapter struct {
	o        Options
	api      *url.URL
	override bool // the API is not Discord's own
	cdn      string
	key      ed25519.PublicKey
	verbs    *verbs
	log      *slog.Logger
	clock    core.Clock

	rest  *rest
	files *http.Client
	world *world
	hooks *hooks
	sent  *sentLog
	looks *reading.Cache[*wireMessage] // by channel

	mu    sync.Mutex
	self  string            // our bot's user id, once known
	dms   map[string]string // user -> direct message channel
	emoji *emojiTable
	// identified is when the last session of each identify bucket began, in this process.
	identified map[int]time.Time
}

var (
	_ core.Platform  = (*Adapter)(nil)
	_ core.History   = (*Adapter)(nil)
	_ core.Namer     = (*Adapter)(nil)
	_ core.Directory = (*Adapter)(nil)
)

// New checks the options and makes an Adapter. It does no I/O.
func New(o Options) (*Adapter, error) {
	if o.BotToken.IsZero() {
		return nil, core.Errorf(core.CodeInvalid, "Discord needs a bot token.")
	}
	if !isSnowflake(o.ApplicationID) {
		return nil, core.Errorf(core.CodeInvalid, "Discord needs the application id, a long number.")
	}
	if o.Table == nil {
		return nil, core.Errorf(core.CodeInternal, "discord: no command table")
	}
	if o.APIURL == "" {
		o.APIURL = defaultAPI
	}
	api, err := url.Parse(strings.TrimRight(o.APIURL, "/"))
	if err != nil || api.Host == "" || api.Scheme != "http" && api.Scheme != "https" {
		return nil, core.Errorf(core.CodeInvalid, "Discord's API URL is no http(s) URL.")
	}
	a := &Adapter{o: o, api: api, override: api.String() != defaultAPI, clock: o.Clock, log: o.Log, emoji: newEmojiTable(),
		dms: map[string]string{}, sent: newSentLog(), identified: map[int]time.Time{}}
	if a.clock == nil {
		a.clock = core.SystemClock{}
	}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	a.log = a.log.With("platform", core.Discord)
	if o.PublicKey != "" {
		a.key, err = hex.DecodeString(o.PublicKey)
		if err != nil || len(a.key) != ed25519.PublicKeySize {
			return nil, core.Errorf(core.CodeInvalid, "Discord's public key is 64 hexadecimal digits.")
		}
	}
	if a.verbs, err = newVerbs(o.Table); err != nil {
		return nil, err
	}
	a.cdn = "https://" + cdnHost
	if a.override {
		a.cdn = strings.TrimSuffix(strings.TrimSuffix(api.String(), "/v10"), "/api") + "/cdn"
	}
	limiter := o.Limiter
	if limiter == nil {
		limiter = freely{}
	}
	a.rest = newREST(api.String(), o.BotToken, limiter, newClient(0), a.clock, a.log)
	a.files = newClient(3)
	a.files.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if len(via) > 3 || !a.trustedFile(req.URL) {
			return http.ErrUseLastResponse
		}
		return nil
	}
	a.looks = reading.New[*wireMessage](a.clock)
	a.world = newWorld()
	a.hooks = newHooks()
	return a, nil
}

// newClient makes a client with a transport of its own. Without redirects a token cannot be led elsewhere.
func newClient(redirects int) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = uploadTimeout
	t.MaxIdleConnsPerHost = 16
	t.MaxResponseHeaderBytes = 64 << 10
	c := &http.Client{Transport: t}
	if redirects == 0 {
		c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	return c
}

// Name returns "discord".
func (a *Adapter) Name() core.PlatformName { return core.Discord }

// Capabilities returns Discord's limits.
func (a *Adapter) Capabilities() core.Capabilities {
	return core.Capabilities{
		MaxText: maxContent, MaxFile: maxFile, MaxFiles: maxFiles, ButtonsPerRow: maxRowButtons, ButtonRows: maxRows,
		PrivateMention: false, Underline: true, Spoiler: true,
		Missing: []string{
			"A mirrored message cannot be a Discord reply; it begins with a link to the message it answers.",
			"A mention of the bot has no private answer on Discord; use the slash commands for that.",
			"Private answers end 15 minutes after the command; later ones come as a direct message.",
			"A reaction from elsewhere shows as the app's own, once per emoji.",
		},
	}
}

// Run receives until the context ends. It returns early only when Discord refuses the token or an intent for good.
func (a *Adapter) Run(ctx context.Context, r core.Receiver) error {
	defer a.rest.client.CloseIdleConnections()
	defer a.files.CloseIdleConnections()
	in := newIntake(a, r)
	defer in.close()
	in.start(ctx)
	return a.runGateway(ctx, in)
}

// me returns the bot's user id, asking once.
func (a *Adapter) me(ctx context.Context) (string, error) {
	a.mu.Lock()
	id := a.self
	a.mu.Unlock()
	if id != "" {
		return id, nil
	}
	var u wireUser
	if err := a.rest.do(ctx, call{method: http.MethodGet, route: "GET users/@me", path: "users/@me"}, &u); err != nil {
		return "", err
	}
	a.know(u.ID)
	return u.ID, nil
}

func (a *Adapter) know(self string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if isSnowflake(self) {
		a.self = self
	}
}

func (a *Adapter) isSelf(user string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return user != "" && user == a.self
}

// Room returns a channel's present name and visibility.
func (a *Adapter) Room(ctx context.Context, id core.RoomID) (core.RoomInfo, error) {
	guild, channel, err := parseRoom(id)
	if err != nil {
		return core.RoomInfo{}, err
	}
	c, err := a.fetchChannel(ctx, channel)
	if core.ErrorCode(err) == core.CodeGone {
		return core.RoomInfo{}, core.Errorf(core.CodeNotFound, "There is no such Discord channel.").Because(err)
	}
	if err != nil {
		return core.RoomInfo{}, err
	}
	if c.Guild != guild || c.isThread() {
		return core.RoomInfo{}, core.Errorf(core.CodeNotFound, "That is no channel of this Discord server.")
	}
	if err := a.learnGuild(ctx, guild); err != nil {
		return core.RoomInfo{}, err
	}
	return core.RoomInfo{Name: c.Name, Private: a.world.private(channel)}, nil
}

// Link returns the URL that opens a thread or message in Discord.
func (a *Adapter) Link(room core.RoomID, thread core.ThreadID, msg core.MessageID) string {
	guild, channel, err := parseRoom(room)
	if err != nil {
		return ""
	}
	if thread != "" {
		channel = string(thread)
	}
	link := fmt.Sprintf("https://discord.com/channels/%s/%s", guild, channel)
	if msg != "" {
		link += "/" + string(msg)
	}
	return link
}

// now is the clock's time; tests move it.
func (a *Adapter) now() time.Time { return a.clock.Now() }

func newVerbs(t *command.Table) (*verbs, error) {
	v, _, err := spread(t, nil)
	return v, err
}
