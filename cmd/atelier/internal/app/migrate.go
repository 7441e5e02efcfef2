package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback"
)

// ready refuses a server that would lose what is kept there, warns of one that may, and brings the store to this
// version's schema.
func (a *App) ready(ctx context.Context) error {
	servers, err := a.store.Servers(ctx)
	if err != nil {
		return fmt.Errorf("ask the store what it is: %w", err)
	}
	var bad []error
	for _, v := range servers {
		refused, warnings := v.Verdict()
		for _, f := range refused {
			bad = append(bad, fmt.Errorf("redis %s: %s", f.What, f.Fix))
		}
		for _, f := range warnings {
			a.log.WarnContext(ctx, "redis is not set as it should be", "what", f.What, "fix", f.Fix)
		}
	}
	if len(bad) > 0 {
		return errors.Join(bad...)
	}
	done, err := a.store.Migrate(ctx, nil)
	for _, s := range done {
		a.log.InfoContext(ctx, "store migrated", "step", s.No, "what", s.What)
	}
	return err
}

// Migrate brings the store that the environment names to this version's schema. Processes may go on serving.
func Migrate(ctx context.Context, progress func(s feedback.Step, done, all int)) ([]feedback.Step, error) {
	s, _, err := openForTool(ctx)
	if err != nil {
		return nil, err
	}
	done, err := s.Migrate(ctx, progress)
	return done, errors.Join(err, s.Close())
}

// store opens the store that a configuration names, for a tool. The caller closes it.
func (cfg Config) store(ctx context.Context) (*feedback.Store, error) {
	return feedback.Open(ctx, feedback.Options{URL: cfg.RedisURL, Mode: cfg.RedisMode, Prefix: cfg.RedisPrefix})
}

// openForTool opens the store that the environment names. Other faults of the configuration do not matter to a tool.
func openForTool(ctx context.Context) (*feedback.Store, Config, error) {
	cfg, err := LoadConfig()
	if cfg.RedisURL == "" {
		return nil, cfg, err
	}
	s, err := cfg.store(ctx)
	if err != nil {
		return nil, cfg, fmt.Errorf("open store: %w", plain(err))
	}
	return s, cfg, nil
}

// plain is an error for an operator: what it says to people and what to do next, where it says that, else its cause.
func plain(err error) error {
	var e *core.Error
	switch {
	case errors.As(err, &e) && e.Message != "":
		return errors.New(core.SafeMessage(err))
	case e != nil && e.Code == core.CodeRetry && e.Err != nil:
		return fmt.Errorf("%w; is Redis running at the host and port of ATELIER_REDIS_URL?", e.Err)
	}
	return err
}
