package app

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/adapters/discord"
	"github.com/atelier-bridge/atelier/adapters/media"
	"github.com/atelier-bridge/atelier/adapters/slack"
	"github.com/atelier-bridge/atelier/adapters/vault"
	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
)

// doctorTimeout bounds each of doctor's checks.
const doctorTimeout = 10 * time.Second

// Doctor checks everything that serve needs, without changing anything, and says how to mend what is missing.
func Doctor(ctx context.Context) []core.Finding {
	cfg, err := LoadConfig()
	var out []core.Finding
	if err != nil {
		for _, line := range strings.Split(err.Error(), "\n") {
			out = append(out, core.Finding{Area: "config", What: line, Fix: "set the variable named here; atelier serve -h lists all"})
		}
	} else {
		out = append(out, core.Finding{Area: "config", OK: true, What: "complete"})
	}
	for _, what := range cfg.Unread {
		out = append(out, core.Finding{Area: "config", Warn: true, What: what, Fix: "atelier serve -h lists all variables"})
	}
	out = append(out, checkStore(ctx, cfg)...)
	out = append(out, checkBlobs(ctx, cfg))
	out = append(out, checkKeys(ctx, cfg)...)
	out = append(out, checkAccounts(ctx, cfg)...)
	out = append(out, checkPublic(ctx, cfg)...)
	return append(out, checkPlatforms(ctx, cfg)...)
}

func checkStore(ctx context.Context, cfg Config) []core.Finding {
	if cfg.RedisURL == "" {
		return []core.Finding{{Area: "redis", What: "no server is configured", Fix: "start one with: redis-server --appendonly yes; then set ATELIER_REDIS_URL=redis://127.0.0.1:6379"}}
	}
	ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	s, err := cfg.store(ctx)
	if err != nil {
		return []core.Finding{{Area: "redis", What: "cannot be used: " + plain(err).Error(), Fix: "check ATELIER_REDIS_URL, ATELIER_REDIS_MODE, the network and the password"}}
	}
	defer s.Close()
	out := []core.Finding{{Area: "redis", OK: true, What: "answers and takes writes"}}
	if servers, err := s.Servers(ctx); err != nil {
		out = append(out, core.Finding{Area: "redis", Warn: true, What: "does not tell how it is set: " + string(core.ErrorCode(err))})
	} else {
		for _, v := range servers {
			refused, warnings := v.Verdict()
			out = append(append(out, refused...), warnings...)
			if len(refused)+len(warnings) == 0 {
				out = append(out, core.Finding{Area: "redis", OK: true, What: "version " + v.Version + ", logs every write, evicts nothing"})
			}
		}
	}
	if have, all, err := s.Schema(ctx); err == nil && have < all {
		out = append(out, core.Finding{Area: "schema", Warn: true, What: fmt.Sprintf("%d of %d migrations are done", have, all), Fix: "run: atelier migrate; serve does it at its next start"})
	}
	if t, err := s.DB.Client.Time(ctx).Result(); err == nil {
		f := core.Finding{Area: "clock", OK: true, What: "agrees with Redis"}
		if d := time.Since(t).Abs(); d > time.Minute {
			f = core.Finding{Area: "clock", What: fmt.Sprintf("is %s away from Redis's", d.Round(time.Second)), Fix: "let both machines set their clocks by NTP: signatures older than five minutes are refused"}
		}
		out = append(out, f)
	}
	out = append(append(out, checkIndex(ctx, s)), checkServing(ctx, cfg, s)...)
	var waiting, dead int64
	for _, p := range s.DB.Parts.All() {
		in, o, d, err := s.Journal.Backlog(ctx, p)
		if err != nil {
			continue
		}
		waiting, dead = waiting+in+o, dead+d
	}
	out = append(out, core.Finding{Area: "queue", OK: true, What: fmt.Sprintf("%d waiting", waiting)})
	if dead > 0 {
		out = append(out, core.Finding{Area: "queue", Warn: true, What: fmt.Sprintf("%d could not be handled or delivered and are kept", dead), Fix: "look with: atelier deadletters list"})
	}
	return out
}

func checkBlobs(ctx context.Context, cfg Config) core.Finding {
	ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	b, err := media.OpenBlobs(ctx, cfg.BlobURL)
	if err == nil {
		defer b.Close()
		err = b.Check(ctx)
	}
	if err != nil {
		return core.Finding{Area: "blobs", What: "cannot be written: " + err.Error(), Fix: "check ATELIER_BLOB_URL and the folder's or bucket's permissions"}
	}
	return core.Finding{Area: "blobs", OK: true, What: "can be written and read"}
}

func checkKeys(ctx context.Context, cfg Config) []core.Finding {
	var out []core.Finding
	for i, k := range cfg.Keys {
		f := core.Finding{Area: "keys", OK: true, What: fmt.Sprintf("key %d opens what it seals", i+1)}
		if err := vault.Try(ctx, k); err != nil {
			f = core.Finding{Area: "keys", What: fmt.Sprintf("key %d does not work", i+1), Fix: "make one with: atelier keys new"}
		}
		out = append(out, f)
	}
	return out
}

// checkAccounts says whether the keys open every sealed account, without opening any.
func checkAccounts(ctx context.Context, cfg Config) []core.Finding {
	if cfg.RedisURL == "" || len(cfg.Keys) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	s, err := cfg.store(ctx)
	if err != nil {
		return nil // said by checkStore
	}
	defer s.Close()
	v, err := vault.Open(ctx, cfg.Keys, s.DB.Workspace, s.People)
	if err != nil {
		return nil // said by checkKeys
	}
	defer v.Close()
	all, shut, older := 0, 0, 0
	if err := s.People.EachAccount(ctx, func(a *core.AccountRecord) error {
		if a.Sealed == nil {
			return nil
		}
		all++
		newest, err := v.Opens(ctx, *a.Sealed)
		if err != nil {
			shut++
		} else if !newest {
			older++
		}
		return nil
	}); err != nil {
		return []core.Finding{{Area: "accounts", Warn: true, What: "could not all be looked at: " + string(core.ErrorCode(err))}}
	}
	out := []core.Finding{{Area: "accounts", OK: shut == 0, What: fmt.Sprintf("%d of %d sealed accounts can be opened", all-shut, all), Fix: "add the key that sealed them to the end of ATELIER_KEYS"}}
	if older > 0 {
		out = append(out, core.Finding{Area: "accounts", Warn: true, What: fmt.Sprintf("%d are sealed by an older key", older), Fix: "run: atelier keys rotate"})
	}
	return out
}

func checkPlatforms(ctx context.Context, cfg Config) []core.Finding {
	ctx, cancel := context.WithTimeout(ctx, 2*doctorTimeout)
	defer cancel()
	var out []core.Finding
	table, log := command.New(), slog.New(slog.DiscardHandler)
	if cfg.Slack.Enabled() {
		o := cfg.Slack.options()
		o.Table, o.Clock, o.Log, o.Limiter = table, core.SystemClock{}, log, unlimited{}
		release, err := withInstalls(ctx, cfg, &o)
		var a *slack.Adapter
		if err == nil {
			defer release()
			a, err = slack.New(o)
		}
		if err != nil {
			out = append(out, core.Finding{Area: "slack", What: err.Error()})
		} else {
			out = append(append(out, a.Diagnose(ctx)...), checkRooms(ctx, cfg, core.Slack, a)...)
		}
	}
	if cfg.Discord.Enabled() {
		a, err := newDiscord(cfg, table, log)
		if err != nil {
			out = append(out, core.Finding{Area: "discord", What: err.Error()})
		} else {
			out = append(append(out, a.Diagnose(ctx)...), checkRooms(ctx, cfg, core.Discord, a)...)
		}
	}
	return out
}

func newDiscord(cfg Config, table *command.Table, log *slog.Logger) (*discord.Adapter, error) {
	return discord.New(discord.Options{BotToken: cfg.Discord.BotToken, ApplicationID: cfg.Discord.ApplicationID, PublicKey: cfg.Discord.PublicKey, APIURL: cfg.Discord.APIURL, Table: table, Clock: core.SystemClock{}, Log: log, Limiter: unlimited{}})
}

// RegisterDiscord registers the commands with the configuration of the environment; only the Discord part must be
// complete.
func RegisterDiscord(ctx context.Context) (changed bool, err error) {
	cfg, err := LoadConfig()
	if !cfg.Discord.Enabled() || cfg.Discord.ApplicationID == "" {
		return false, fmt.Errorf("ATELIER_DISCORD_BOT_TOKEN and ATELIER_DISCORD_APPLICATION_ID are needed: %w", err)
	}
	a, err := newDiscord(cfg, command.New(), slog.New(slog.DiscardHandler))
	if err != nil {
		return false, err
	}
	return a.Register(ctx)
}

// unlimited paces nothing: tools make a handful of calls.
type unlimited struct{}

func (unlimited) Wait(context.Context, ...string) error             { return nil }
func (unlimited) Limited(context.Context, string, time.Duration)    {}
func (unlimited) Learn(context.Context, string, int, time.Duration) {}
