// Package demo runs the whole of Atelier against the two simulators in one process: to try it, and to test it.
package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/adapters/discord/discordsim"
	"github.com/atelier-bridge/atelier/adapters/provider/providersim"
	"github.com/atelier-bridge/atelier/adapters/slack/slacksim"
	"github.com/atelier-bridge/atelier/adapters/vault"
	"github.com/atelier-bridge/atelier/cmd/atelier/internal/app"
	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

// Options say how the demo runs.
type Options struct {
	Addr     string // of the page; ":0" picks a port
	RedisURL string // empty: embedded, everything lives until exit
	Data     string // folder of the simulators' and the pictures' files; empty: memory
	// SketchDelay makes the sketcher take its time, so that progress shows.
	SketchDelay time.Duration
	// SlackHTTP and DiscordHTTP deliver by signed HTTP instead of sockets.
	SlackHTTP, DiscordHTTP bool
	// Standins are the image providers to stand in for: they are offered, and know a key of each persona.
	Standins []string
	// Second adds a second Slack team with an app of its own, and a second Discord server, each with a room of ACME.
	Second bool
	// Installable lets the Slack team install the app by itself, over signed HTTP.
	Installable bool
	// Unlinked leaves each persona two people, one on either platform.
	Unlinked bool
	Prefix   string // of the keys in Redis
	Log      *slog.Logger
	// Tune changes the simulators' options before they start; for tests.
	Tune func(*slacksim.Options, *discordsim.Options)
	// Configure changes the configuration before Atelier starts; for tests.
	Configure func(*app.Config)
}

// World is a running demo.
type World struct {
	Slack   *slacksim.Server
	Slack2  *slacksim.Server // nil without Options.Second
	Discord *discordsim.Server
	// Providers stands in for image providers; nobody asks it unless Options.Standins names some.
	Providers *providersim.Sim

	o      Options
	app    *app.App
	cfg    app.Config
	ln     net.Listener
	srv    *http.Server
	served chan struct{}
}

// Ids of the demo's world. The people are the same on both sides.
const (
	SlackTeam      = "T0ATELIER1"
	SlackRoom      = "C0ACME0002"
	SlackOther     = "C0GENERAL1"
	SlackPrivate   = "C0SECRET03"
	SlackEditors   = "S0EDITORS1" // a user group with Ben in it
	DiscordRoom    = "1100000000000000201"
	DiscordOther   = "1100000000000000204"
	DiscordPrivate = "1100000000000000203"
)

// Persona is somebody who can be played on both platforms.
type Persona struct {
	Key     string `json:"key"`
	Name    string `json:"name"`
	Title   string `json:"title"`
	Slack   string `json:"slack"`
	Discord string `json:"discord"`
}

// Personas are the demo's three people.
func Personas() []Persona {
	return []Persona{
		{"ada", "Ada Okafor", "Art director", "U0ADA00001", "1100000000000000101"},
		{"ben", "Ben Ruiz", "Illustrator", "U0BEN00002", "1100000000000000102"},
		{"cleo", "Cleo Laurent", "Producer", "U0CLEO0003", "1100000000000000103"},
	}
}

func slackOptions() slacksim.Options {
	o := slacksim.DemoSeed()
	o.Users = nil
	var all []string
	for _, p := range Personas() {
		first, _, _ := strings.Cut(p.Name, " ")
		o.Users = append(o.Users, slacksim.User{ID: p.Slack, Name: p.Key, RealName: p.Name, DisplayName: first, Email: p.Key + "@northlight.example", Title: p.Title, TZ: "Europe/London"})
		all = append(all, p.Slack)
	}
	all = append(all, o.BotUserID)
	o.Channels = []slacksim.Channel{
		{ID: SlackRoom, Name: "acme", Purpose: "Pictures for the Acme launch", Members: all},
		{ID: SlackOther, Name: "general", Purpose: "Everything else", Members: all},
		{ID: SlackPrivate, Name: "acme-secret", IsPrivate: true, Members: all},
	}
	o.UserGroups = []slacksim.UserGroup{{ID: SlackEditors, Name: "Editors", Handle: "editors", Users: []string{Personas()[1].Slack}}}
	o.Shortcuts = nil
	for _, r := range command.New().Menus() {
		o.Shortcuts = append(o.Shortcuts, slacksim.Shortcut{Name: r.Menu, CallbackID: r.Verb})
	}
	return o
}

func discordOptions() discordsim.Options {
	o := discordsim.DemoSeed()
	bot := o.Users[len(o.Users)-1]
	o.Users = nil
	for _, p := range Personas() {
		first, _, _ := strings.Cut(p.Name, " ")
		o.Users = append(o.Users, discordsim.User{ID: p.Discord, Username: p.Key, GlobalName: first, Roles: []string{discordsim.DemoEditors}})
	}
	o.Users = append(o.Users, bot)
	o.Guild.Name, o.Guild.OwnerID = "Northlight", Personas()[0].Discord
	private := []discordsim.Overwrite{{ID: discordsim.DemoGuildID, Deny: discordsim.PermViewChannel}, {ID: discordsim.DemoEditors, Allow: discordsim.PermViewChannel}, {ID: discordsim.DemoBotRole, Allow: discordsim.PermViewChannel}}
	o.Channels = []discordsim.Channel{
		{ID: DiscordRoom, Type: discordsim.ChannelText, Name: "acme", Topic: "Pictures for the Acme launch"},
		{ID: DiscordOther, Type: discordsim.ChannelText, Name: "general", Topic: "Everything else", Position: 1},
		{ID: DiscordPrivate, Type: discordsim.ChannelText, Name: "acme-secret", Position: 2, Overwrites: private},
	}
	return o
}

// SlackRoomID and DiscordRoomID name the demo's rooms as Atelier does.
func SlackRoomID(channel string) core.RoomID {
	return core.RoomID("slack:" + SlackTeam + "/" + channel)
}

// DiscordRoomID names a channel of the demo's server as Atelier does.
func DiscordRoomID(channel string) core.RoomID {
	return core.RoomID("discord:" + discordsim.DemoGuildID + "/" + channel)
}

// NewKey makes a keeper URL.
func NewKey() string { return vault.NewKeyURL() }

// key returns the demo's keeper: kept in the folder where accounts must survive a restart.
func (w *World) key() (string, error) {
	if !w.persistent() {
		return NewKey(), nil
	}
	name := filepath.Join(w.o.Data, "keys")
	if have, err := os.ReadFile(name); err == nil {
		return strings.TrimSpace(string(have)), nil
	} else if !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	key := NewKey()
	return key, os.WriteFile(name, []byte(key+"\n"), 0o600)
}

// Start makes the simulators, serves the page and starts Atelier against them.
func Start(ctx context.Context, o Options) (w *World, err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	w = &World{o: o, served: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.Stop(ctx))
		}
	}()
	if w.ln, err = (&net.ListenConfig{}).Listen(ctx, "tcp", o.Addr); err != nil {
		return w, err
	}
	if err := w.simulators(); err != nil {
		return w, err
	}
	mux := http.NewServeMux()
	teams := []*slacksim.Server{w.Slack}
	if w.Slack2 != nil {
		teams = append(teams, w.Slack2)
		mux.Handle("/sim/slack2/", http.StripPrefix("/sim/slack2", w.Slack2))
	}
	mux.Handle("/sim/slack/", http.StripPrefix("/sim/slack", slacksim.Together(teams...)))
	mux.Handle("/sim/discord/", http.StripPrefix("/sim/discord", w.Discord))
	mux.Handle("/sim/providers/", http.StripPrefix("/sim/providers", w.Providers.Handler()))
	mux.HandleFunc("GET /demo/info", w.info)
	mux.Handle("/", pages())
	w.srv = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(w.served)
		_ = w.srv.Serve(w.ln) // ends with Stop
	}()
	if err := w.StartApp(ctx); err != nil {
		return w, err
	}
	return w, nil
}

// URL is the page's address.
func (w *World) URL() string {
	host, port, _ := net.SplitHostPort(w.ln.Addr().String())
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

func (w *World) simulators() error {
	so, do := slackOptions(), discordOptions()
	so.BaseURL, do.BaseURL = w.URL()+"/sim/slack", w.URL()+"/sim/discord"
	so.Log, do.Log = w.o.Log.With("simulator", "slack"), w.o.Log.With("simulator", "discord")
	if w.o.Installable {
		so.ClientID, so.ClientSecret, so.TokenLife = SlackClientID, slackClientSecret, slackTokenLife
	}
	if w.o.Second {
		addSecondGuild(&do)
	}
	if w.persistent() {
		if err := os.MkdirAll(w.o.Data, 0o755); err != nil {
			return err
		}
		so.DataFile, do.DataFile = filepath.Join(w.o.Data, "slack.jsonl"), filepath.Join(w.o.Data, "discord.jsonl")
	}
	if w.o.Tune != nil {
		w.o.Tune(&so, &do)
	}
	var err error
	if w.Slack, err = slacksim.New(so); err != nil {
		return fmt.Errorf("slack simulator: %w", err)
	}
	if w.Discord, err = discordsim.New(do); err != nil {
		return fmt.Errorf("discord simulator: %w", err)
	}
	rooms := map[core.ProjectKey][]core.RoomID{"ACME": {SlackRoomID(SlackRoom), DiscordRoomID(DiscordRoom)}}
	ada := Personas()[0]
	key, err := w.key()
	if err != nil {
		return fmt.Errorf("the demo's key: %w", err)
	}
	w.cfg = app.Config{
		Addr: "127.0.0.1:0", OpsAddr: "127.0.0.1:0", RedisURL: w.o.RedisURL, RedisMode: rdb.Single, RedisPrefix: w.o.Prefix, BlobURL: "mem://", Keys: []string{key}, LocalPublic: true,
		Slack:     app.SlackConfig{BotToken: core.NewSecret(so.BotToken), AppToken: core.NewSecret(so.AppToken), SigningSecret: core.NewSecret(so.SigningSecret), APIURL: so.BaseURL + "/api/"},
		Discord:   app.DiscordConfig{BotToken: core.NewSecret(do.BotToken), ApplicationID: do.ApplicationID, APIURL: do.BaseURL + "/api/v10"},
		Providers: []core.ProviderName{"midjourney", "sketch"}, DefaultProvider: "sketch", Rooms: rooms,
		Admins: []core.IdentityID{core.IdentityID("slack:" + SlackTeam + "/" + ada.Slack), core.IdentityID("discord:" + ada.Discord)},
		Drain:  10 * time.Second, SketchDelay: w.o.SketchDelay,
	}
	if w.cfg.RedisPrefix == "" {
		w.cfg.RedisPrefix = "atelier-demo"
	}
	if w.o.SlackHTTP {
		w.cfg.Slack.AppToken = core.Secret{}
	}
	if w.o.Installable {
		w.cfg.Slack.BotToken, w.cfg.Slack.AppToken = core.Secret{}, core.Secret{}
		w.cfg.Slack.ClientID, w.cfg.Slack.ClientSecret = so.ClientID, core.NewSecret(so.ClientSecret)
	}
	if w.o.DiscordHTTP {
		w.cfg.Discord.PublicKey = w.Discord.PublicKey()
	}
	if w.persistent() {
		w.cfg.BlobURL = "file://" + filepath.ToSlash(absolute(filepath.Join(w.o.Data, "blobs"))) + "?create_dir=1&no_tmp_dir=1"
	}
	if w.o.Second {
		if err := w.second(); err != nil {
			return err
		}
	}
	w.Providers = providersim.New(providersim.Options{Side: standinSide})
	w.standins()
	if w.o.Configure != nil {
		w.o.Configure(&w.cfg)
	}
	return nil
}

func absolute(p string) string {
	if a, err := filepath.Abs(p); err == nil {
		return a
	}
	return p
}

// persistent reports whether everything survives a restart: that takes a Redis and a folder.
func (w *World) persistent() bool { return w.o.RedisURL != "" && w.o.Data != "" }

// StartApp starts Atelier; tests stop and start it while the platforms go on.
func (w *World) StartApp(ctx context.Context) error {
	a := app.New(w.cfg, w.o.Log)
	if err := a.Start(ctx); err != nil {
		return err
	}
	w.app = a
	for _, p := range Personas() {
		if w.o.Unlinked {
			break
		}
		ids := []core.IdentityID{core.IdentityID("slack:" + SlackTeam + "/" + p.Slack), core.IdentityID("discord:" + p.Discord)}
		if w.o.Second {
			ids = append(ids, core.IdentityID("slack:"+SecondTeam+"/"+p.SlackIn(true)))
		}
		if _, err := a.Store().People.Join(ctx, ids...); err != nil {
			return fmt.Errorf("join identities of %s: %w", p.Name, err)
		}
	}
	if w.o.SlackHTTP {
		base := "http://" + a.Addr()
		w.Slack.SetRequestURLs(base+"/slack/events", base+"/slack/commands", base+"/slack/interactions")
		if w.Slack2 != nil {
			w.Slack2.SetRequestURLs(base+"/slack/events", base+"/slack/commands", base+"/slack/interactions")
		}
	}
	return nil
}

// StopApp stops Atelier and leaves the platforms running.
func (w *World) StopApp(ctx context.Context) error {
	if w.app == nil {
		return nil
	}
	err := w.app.Stop(ctx)
	w.app = nil
	return err
}

// App returns the running Atelier.
func (w *World) App() *app.App { return w.app }

// Stop ends everything.
func (w *World) Stop(ctx context.Context) error {
	errs := []error{w.StopApp(ctx)}
	if w.Slack != nil {
		errs = append(errs, w.Slack.Close())
	}
	if w.Slack2 != nil {
		errs = append(errs, w.Slack2.Close())
	}
	if w.Discord != nil {
		errs = append(errs, w.Discord.Close())
	}
	if w.srv != nil {
		errs = append(errs, w.srv.Close())
		<-w.served
	} else if w.ln != nil {
		errs = append(errs, w.ln.Close())
	}
	return errors.Join(errs...)
}

// Info is what the page and developers need to know.
type Info struct {
	Personas   []Persona         `json:"personas"`
	Persistent bool              `json:"persistent"`
	Slack      map[string]string `json:"slack"`
	Discord    map[string]string `json:"discord"`
	Verbs      []Verb            `json:"verbs"`
}

// Verb is one row of the command table, for completion where a platform offers none.
type Verb struct {
	Verb string `json:"verb"`
	Help string `json:"help"`
}

// Info tells the addresses and development tokens of the simulators.
func (w *World) Info() Info {
	var verbs []Verb
	for _, r := range command.New().Offered() {
		verbs = append(verbs, Verb{Verb: r.Verb, Help: r.Help})
	}
	return Info{Personas: Personas(), Persistent: w.persistent(), Verbs: verbs,
		Slack:   map[string]string{"base": "/sim/slack", "api": w.cfg.Slack.APIURL, "room": SlackRoom, "botToken": w.cfg.Slack.BotToken.Reveal(), "appToken": w.cfg.Slack.AppToken.Reveal(), "signingSecret": w.cfg.Slack.SigningSecret.Reveal()},
		Discord: map[string]string{"base": "/sim/discord", "api": w.cfg.Discord.APIURL, "room": DiscordRoom, "botToken": w.cfg.Discord.BotToken.Reveal(), "applicationId": w.cfg.Discord.ApplicationID, "publicKey": w.Discord.PublicKey()}}
}

func (w *World) info(rw http.ResponseWriter, _ *http.Request) {
	rw.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(rw).Encode(w.Info()) // the client may have gone
}
