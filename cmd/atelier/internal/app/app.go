package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/atelier-bridge/atelier/adapters/discord"
	"github.com/atelier-bridge/atelier/adapters/media"
	"github.com/atelier-bridge/atelier/adapters/ops"
	"github.com/atelier-bridge/atelier/adapters/provider/midjourney"
	"github.com/atelier-bridge/atelier/adapters/provider/sketch"
	"github.com/atelier-bridge/atelier/adapters/slack"
	"github.com/atelier-bridge/atelier/adapters/vault"
	"github.com/atelier-bridge/atelier/adapters/web"
	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
	"github.com/atelier-bridge/atelier/core/prompt"
	"github.com/atelier-bridge/atelier/core/relay"
	"github.com/atelier-bridge/atelier/core/studio"
	"github.com/atelier-bridge/atelier/feedback"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

// App is one running Atelier.
type App struct {
	cfg   Config
	log   *slog.Logger
	clock core.Clock
	table *command.Table
	tr    core.Translator

	telemetry core.Telemetry

	store    *feedback.Store
	blobs    *media.Blobs
	imaging  *media.Imaging
	metrics  *ops.Metrics
	tracer   *ops.Tracer // nil: nobody asked for traces
	counted  *ops.Leases
	slack    *slack.Adapter
	discord  *discord.Adapter
	vault    *vault.Vault
	web      *web.Accounts
	studio   *studio.Studio
	runner   *studio.Runner
	accept   *relay.Accept
	engine   *relay.Engine
	catchUp  *relay.CatchUp
	deliver  *relay.Deliverer
	listener net.Listener
	opsLn    net.Listener

	cleanups []func(context.Context) error
	cancel   context.CancelCauseFunc
	done     sync.WaitGroup
	stop     sync.Once
	stopErr  error
}

// ErrStopping is the cause with which everything ends when Stop is called.
var ErrStopping = errors.New("atelier is stopping")

// slots bounds how many jobs run in this process at once. Most of them wait for a provider; pictures are decoded a few at
// a time, whatever runs.
const slots = 32

// New returns an App. It does no I/O; Start does.
func New(cfg Config, log *slog.Logger) *App {
	tr := languages()
	return &App{cfg: cfg, log: log, clock: core.SystemClock{}, tr: tr, table: table(tr)}
}

// Start opens the store, binds the listeners and begins to work. When it fails, everything it opened is closed again.
func (a *App) Start(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Stop(ctx))
		}
	}()
	if err := a.openTelemetry(ctx); err != nil {
		return err
	}
	if err := a.open(ctx); err != nil {
		return err
	}
	if err := a.build(); err != nil {
		return err
	}
	if err := a.bindRooms(ctx); err != nil {
		return err
	}
	if err := a.listen(ctx); err != nil {
		return err
	}
	rctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	a.cancel = cancel
	a.done.Go(func() {
		if err := a.engine.Run(rctx); err != nil {
			a.log.ErrorContext(rctx, "engine stopped", "error", err)
		}
	})
	for _, p := range a.platforms() {
		a.done.Go(func() { a.runPlatform(rctx, p) })
	}
	a.done.Go(func() { a.catchUp.Run(rctx) })
	a.done.Go(func() { a.survey(rctx) })
	return nil
}

func (a *App) cleanup(f func(context.Context) error) { a.cleanups = append(a.cleanups, f) }

func (a *App) open(ctx context.Context) error {
	store, err := a.openStore(ctx, feedback.Options{URL: a.cfg.RedisURL, Mode: a.cfg.RedisMode, Prefix: a.cfg.RedisPrefix, Wait: a.cfg.RedisWait, Clock: a.clock})
	if err != nil {
		return fmt.Errorf("open store: %w", plain(err))
	}
	a.store = store
	a.cleanup(func(context.Context) error { return store.Close() })
	if err := a.ready(ctx); err != nil {
		return err
	}
	a.blobs, err = media.OpenBlobs(ctx, a.cfg.BlobURL)
	if err != nil {
		return err
	}
	a.cleanup(func(context.Context) error { return a.blobs.Close() })
	if a.vault, err = vault.Open(ctx, a.cfg.Keys, store.DB.Workspace, store.People); err != nil {
		return err
	}
	a.cleanup(func(context.Context) error { return a.vault.Close() })
	return nil
}

// openFor is how long a start waits for a store that does not answer yet: both may be starting.
const openFor = 5 * time.Second

func (a *App) openStore(ctx context.Context, o feedback.Options) (*feedback.Store, error) {
	for began := a.clock.Now(); ; {
		store, err := feedback.Open(ctx, o)
		if core.ErrorCode(err) != core.CodeRetry || a.clock.Now().Sub(began) > openFor {
			return store, err
		}
		a.log.WarnContext(ctx, "store does not answer yet", "error", err)
		if a.clock.Sleep(ctx, time.Second) != nil {
			return nil, err
		}
	}
}

// closeIdle gives the platforms' idle connections back once nobody uses them.
func (a *App) closeIdle() {
	for _, p := range a.platforms() {
		if c, ok := p.(interface{ Close() }); ok {
			c.Close()
		}
	}
}

func (a *App) build() error {
	a.accept = &relay.Accept{Journal: a.store.Journal, Projects: a.store.People, Refs: a.store.Review, Parts: a.store.DB.Parts, Clock: a.clock, Log: a.log}
	if err := a.buildPlatforms(); err != nil {
		return err
	}
	imaging := media.NewImaging(a.blobs)
	a.imaging = imaging
	prompts := prompt.Builtin()
	providers, err := a.providers(prompts)
	if err != nil {
		return err
	}
	links, namers, missing := map[core.PlatformName]core.Directory{}, map[core.PlatformName]core.Namer{}, map[core.PlatformName][]string{}
	for name, p := range a.platforms() {
		missing[name] = p.Capabilities().Missing
		if dir, ok := p.(core.Directory); ok {
			links[name] = dir
		}
		if n, ok := p.(core.Namer); ok {
			namers[name] = n
		}
	}
	a.studio = &studio.Studio{Table: a.table, Prompts: prompts, Parts: a.store.DB.Parts, People: a.store.People, Projects: a.store.People, Tasks: a.store.Review,
		Comments: a.store.Review, Refs: a.store.Review, Marks: a.store.Review, Search: a.store.Review, Organising: a.store.Review, Changes: a.store.Review, Journal: a.store.Journal, Jobs: a.store.Jobs, Providers: providers,
		Accounts: a.store.People, Tickets: a.store.People, Merges: a.store.People, Quotas: a.store.People, Usage: a.store.People, PublicURL: a.cfg.PublicURL,
		Default: a.cfg.DefaultProvider, Admins: a.cfg.Admins, Links: links, Namers: namers, Missing: missing, Clock: a.clock, Log: a.log}
	a.catchUp = &relay.CatchUp{Platforms: a.platforms(), Refs: a.store.Review, Comments: a.store.Review, Receiver: a.accept, Gaps: a.store.Gaps,
		Age: a.cfg.CatchUpAge, Messages: a.cfg.CatchUpMessages, Limiter: a.store.Limiter, Posts: a.store.Review, Listens: map[core.PlatformName]func() bool{}, Clock: a.clock, Log: a.log}
	a.catchUp.Vanished = a.vanished
	if a.slack != nil && a.cfg.Slack.Sockets() {
		a.catchUp.Listens[core.Slack] = a.slack.Connected
	}
	a.accept.Answers, a.accept.Missed, a.accept.Refused, a.accept.Newest = a.studio.Answer, a.catchUp.Gap, a.catchUp.Refused, a.catchUp.Hearing
	linker := &studio.Linker{Providers: providers, People: a.store.People, Accounts: a.store.People, Tickets: a.store.People, Vault: a.vault, Receiver: a.accept, Clock: a.clock, Log: a.log}
	a.accept.Conceal, a.web = linker.Conceal, web.NewAccounts(linker, a.tr, a.log)
	desk := &studio.Desk{Jobs: a.store.Jobs, Quotas: a.store.People, Providers: providers, Linker: linker, Clock: a.clock}
	a.runner = &studio.Runner{Runs: a.store.Jobs, Providers: providers, People: a.store.People, Projects: a.store.People, Accounts: a.store.People, Vault: a.vault, Receiver: a.accept, Blobs: a.blobs, Imaging: imaging,
		Desk: desk, Clock: a.clock, Log: a.log, Slots: make(chan struct{}, slots)}
	desk.Submitted = a.runner.Wake
	a.deliver = &relay.Deliverer{Platforms: a.platforms(), Journal: a.store.Journal, Changes: a.store.Review, Comments: a.store.Review, Refs: a.store.Review, Glances: a.store.Glances, Posts: a.store.Review,
		People: a.store.People, Projects: a.store.People, Desk: desk, Blobs: a.blobs, Imaging: imaging, Charts: imaging, Annotator: imaging, Receiver: a.accept, Cards: a.studio, Evidence: midjourney.Evidence,
		Forgetful: a.cfg.RedisMode != rdb.Single, Clock: a.clock, Log: a.log}
	router := &relay.Router{Parts: a.store.DB.Parts, People: a.store.People, Projects: a.store.People, Tasks: a.store.Review, Comments: a.store.Review,
		Refs: a.store.Review, Glances: a.store.Glances, Changes: a.store.Review, Journal: a.store.Journal, Commands: a.studio, Opening: a.deliver.Opening, Hurry: a.catchUp.Hurry, Clock: a.clock, Log: a.log}
	a.engine = &relay.Engine{Parts: a.store.DB.Parts, Leases: a.counted, Members: a.store.Members, Journal: a.store.Journal, Handler: router, Out: a.deliver,
		Workers: []relay.Worker{a.runner, a.catchUp, a.organiser(), a.timekeeper()}, Alone: a.catchUp.Alone, Clock: a.clock, Log: a.log}
	a.metrics.OnScrape = a.samplePool()
	a.accept.Telemetry, a.engine.Telemetry, a.deliver.Telemetry, a.catchUp.Telemetry = a.telemetry, a.telemetry, a.telemetry, a.telemetry
	desk.Telemetry, a.runner.Telemetry = a.telemetry, a.telemetry
	a.speak(linker, router)
	a.plan()
	return nil
}

func (a *App) buildPlatforms() (err error) {
	a.counted = &ops.Leases{Leases: a.store.Leases, Telemetry: a.telemetry}
	if a.cfg.Slack.Enabled() {
		o := a.cfg.Slack.options()
		o.Table, o.Translator, o.Limiter, o.Leases, o.Echo, o.Replicas = a.table, a.tr, a.limiter(core.Slack), a.counted, relay.Echo{Accept: a.accept}, a.replicas
		o.Clock, o.Log, o.Telemetry = a.clock, a.log.With("platform", "slack"), a.telemetry
		o.OAuth = a.cfg.Slack.oauth(a.store, a.vault, func() string { return a.studio.PublicURL })
		a.slack, err = slack.New(o)
		if err != nil {
			return fmt.Errorf("slack: %w", err)
		}
	}
	if a.cfg.Discord.Enabled() {
		a.discord, err = discord.New(discord.Options{BotToken: a.cfg.Discord.BotToken, ApplicationID: a.cfg.Discord.ApplicationID, PublicKey: a.cfg.Discord.PublicKey, APIURL: a.cfg.Discord.APIURL,
			Table: a.table, Translator: a.tr, Limiter: a.limiter(core.Discord), Leases: a.counted, Echo: relay.Echo{Accept: a.accept}, Clock: a.clock, Log: a.log, Telemetry: a.telemetry,
			Shards: a.cfg.Discord.Shards, Replicas: a.replicas})
		if err != nil {
			return fmt.Errorf("discord: %w", err)
		}
	}
	return nil
}

// replicas tells the platforms how many processes share their connections. They are built before the engine, which knows.
func (a *App) replicas() int {
	if a.engine == nil {
		return 1
	}
	return a.engine.Replicas()
}

func (a *App) platforms() map[core.PlatformName]core.Platform {
	out := map[core.PlatformName]core.Platform{}
	if a.slack != nil {
		out[core.Slack] = a.slack
	}
	if a.discord != nil {
		out[core.Discord] = a.discord
	}
	return out
}

func (a *App) providers(prompts *prompt.Table) (out []core.Provider, err error) {
	for _, name := range a.cfg.Providers {
		switch name {
		case "sketch":
			out = append(out, sketch.New(sketch.Options{Delay: a.cfg.SketchDelay, Side: a.cfg.SketchSide, Clock: a.clock}))
		case "midjourney":
			data, err := a.facts(name)
			if err != nil {
				return nil, err
			}
			p, err := midjourney.New(prompts, data)
			if err != nil {
				return nil, err
			}
			out = append(out, p)
		default:
			p, err := a.automatic(name)
			if err != nil {
				return nil, fmt.Errorf("provider %s: %w", name, err)
			}
			out = append(out, p)
		}
	}
	return out, nil
}

// bindRooms binds the rooms of the configuration. Their names and visibility are asked of the platforms later.
func (a *App) bindRooms(ctx context.Context) error {
	for key, rooms := range a.cfg.Rooms {
		for _, id := range rooms {
			r, err := a.store.People.Room(ctx, id)
			if err == nil && r.Project == key {
				continue
			}
			info := core.RoomInfo{}
			if err == nil {
				info = core.RoomInfo{Name: r.Name, Private: r.Private}
			}
			if err := studio.Bind(ctx, a.store.People, id, key, info); err != nil {
				return fmt.Errorf("bind %s to %s: %w", id, key, err)
			}
		}
	}
	return nil
}

const (
	headerTimeout = 10 * time.Second
	bodyTimeout   = 30 * time.Second
)

func (a *App) listen(ctx context.Context) error {
	mux := http.NewServeMux()
	if a.slack != nil {
		mux.Handle("/slack/", a.slack.Handler(a.accept))
	}
	if a.discord != nil {
		mux.Handle("/discord/", a.discord.Handler(a.accept))
	}
	pages := a.web.Handler()
	mux.Handle("/account/", pages)
	mux.Handle("/oauth/", pages)
	endFiles := a.handOut(mux)
	mux.Handle("/calendar/", a.calendars())
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(greeting))
	})
	var err error
	if a.listener, err = a.serveOn(ctx, a.cfg.Addr, mux); err != nil {
		return err
	}
	a.cleanup(endFiles)
	if a.cfg.LocalPublic {
		a.studio.PublicURL = "http://" + a.Addr()
	}
	if a.cfg.OpsAddr != "" {
		a.opsLn, err = a.serveOn(ctx, a.cfg.OpsAddr, a.metrics.Handler(a.store.DB.Ping))
	}
	return err
}

func (a *App) serveOn(ctx context.Context, addr string, h http.Handler) (net.Listener, error) {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: bodyTimeout, IdleTimeout: time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug)}
	a.done.Go(func() {
		if err := srv.Serve(ln); err != nil && !errors.Is(err, http.ErrServerClosed) {
			a.log.Error("listener stopped", "error", err)
		}
	})
	a.cleanup(func(ctx context.Context) error { return srv.Shutdown(ctx) })
	return ln, nil
}

// Addr returns where callbacks are taken, for listeners on port 0.
func (a *App) Addr() string { return a.listener.Addr().String() }

// OpsAddr returns where health and metrics are served.
func (a *App) OpsAddr() string { return a.opsLn.Addr().String() }

// Store gives tools and the demo access to the open store.
func (a *App) Store() *feedback.Store { return a.store }

// platformRetry is how long a platform that ended by itself rests before it is run again.
const platformRetry = 5 * time.Second

// runPlatform keeps a platform running. A fatal answer stops that platform with one clear alarm; the other goes on.
func (a *App) runPlatform(ctx context.Context, p core.Platform) {
	a.prepare(ctx, p)
	a.used(p.Name())
	for ctx.Err() == nil {
		err := p.Run(ctx, a.accept)
		if ctx.Err() != nil {
			return
		}
		if core.ErrorCode(err) == core.CodeFatal {
			a.telemetry.Set(core.MetricPlatformUp, 0, string(p.Name()))
			a.log.ErrorContext(ctx, "platform refused us and is switched off until restart; run atelier doctor", "platform", p.Name(), "error", err)
			return
		}
		a.log.WarnContext(ctx, "platform ended", "platform", p.Name(), "error", err)
		if a.clock.Sleep(ctx, platformRetry) != nil {
			return
		}
	}
}

// prepare does what must be done once per start: register commands, learn names and visibility of bound rooms.
func (a *App) prepare(ctx context.Context, p core.Platform) {
	if p.Name() == core.Discord {
		if l, ok, err := a.counted.Acquire(ctx, "discord-register", time.Minute); err == nil && ok {
			if _, err := a.discord.Register(ctx); err != nil {
				a.log.WarnContext(ctx, "commands not registered", "error", err)
			}
			_ = a.counted.Release(ctx, l) // it runs out by itself
		}
	}
	dir, ok := p.(core.Directory)
	if !ok {
		return
	}
	a.done.Go(func() { a.seeRooms(ctx, p.Name(), dir) })
}

// seeRooms learns the names and the visibility of a platform's bound rooms, however long that takes: what is not known
// to be private would count as public.
func (a *App) seeRooms(ctx context.Context, p core.PlatformName, dir core.Directory) {
	seen := map[core.RoomID]bool{}
	for wait := time.Second; ctx.Err() == nil; wait = min(2*wait, time.Minute) {
		if a.seeOnce(ctx, p, dir, seen) {
			return
		}
		if a.clock.Sleep(ctx, wait) != nil {
			return
		}
	}
}

// seeOnce asks for each room that was not seen yet; true when none is left that may be seen later.
func (a *App) seeOnce(ctx context.Context, p core.PlatformName, dir core.Directory, seen map[core.RoomID]bool) bool {
	keys, err := a.store.People.Projects(ctx)
	if err != nil {
		return false
	}
	all := true
	for _, k := range keys {
		project, err := a.store.People.Project(ctx, k)
		if err != nil {
			all = false
			continue
		}
		for _, id := range project.Rooms {
			if id.Platform() != p || seen[id] {
				continue
			}
			info, err := dir.Room(ctx, id)
			if err == nil {
				_, err = a.store.People.UpdateRoom(ctx, id, func(r *core.Room) error { r.Name, r.Private = info.Name, info.Private; return nil })
			}
			if err != nil {
				a.log.WarnContext(ctx, "bound room not seen", "room", id, "error", err)
			}
			switch core.ErrorCode(err) {
			case core.CodeRetry, core.CodeUnknown, core.CodeConflict, core.CodeInternal:
				all = false
			default:
				seen[id] = true
			}
		}
	}
	return all
}

// keepOpen is how many of the first things opened outlive everything that uses them: the store, the blobs, the vault.
const keepOpen = 3

// Stop ends everything, last opened first. It may be called more than once.
func (a *App) Stop(ctx context.Context) error {
	a.stop.Do(func() {
		if a.cancel != nil {
			a.cancel(ErrStopping)
		}
		var servers, rest []func(context.Context) error
		for i := len(a.cleanups) - 1; i >= 0; i-- {
			if i < keepOpen {
				rest = append(rest, a.cleanups[i]) // store and blobs: after everything that uses them
			} else {
				servers = append(servers, a.cleanups[i])
			}
		}
		var errs []error
		for _, f := range servers {
			errs = append(errs, f(ctx))
		}
		if a.runner != nil {
			a.runner.Drain(ctx, a.cfg.Drain)
		}
		a.done.Wait()
		a.closeIdle()
		for _, f := range rest {
			errs = append(errs, f(ctx))
		}
		if a.tracer != nil {
			errs = append(errs, a.tracer.Close(ctx))
		}
		a.stopErr = errors.Join(errs...)
	})
	return a.stopErr
}
