package slack

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/atelier-bridge/atelier/adapters/internal/balance"
	"github.com/atelier-bridge/atelier/core"
)

// App is a Slack app of one team: how it receives and how it speaks.
type App struct {
	// Name is what the operator calls it; it stands in findings and logs. The first app needs none.
	Name                              string
	BotToken, AppToken, SigningSecret core.Secret
}

// app is an App at work. Each receives for its own teams only: whoever holds the secrets of one can say nothing in the
// name of another's.
type app struct {
	App
	open  atomic.Int32 // Socket Mode connections of this process
	oauth bool         // teams install it by themselves
}

// errNotMet says that a payload's team may be one that Slack did not tell us about yet. Such a payload is not
// acknowledged: Slack sends events again.
var errNotMet = errors.New("slack: this team's identity is not known yet")

// errForeign says that a payload came with one app's secret and speaks of a team where that app is not.
var errForeign = errors.New("slack: this app is not installed in the team that the payload names")

// all returns the installations of this moment. The list is never changed, only replaced.
func (a *Adapter) all() []*installation {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.installs
}

// some is an installation for what belongs to no team, if there is any.
func (a *Adapter) some() (*installation, error) {
	if all := a.all(); len(all) > 0 {
		return all[0], nil
	}
	return nil, errNotInstalled()
}

func errNotInstalled() error {
	return core.Errorf(core.CodeGone, "Atelier is not installed in that Slack workspace.")
}

// within finds the installation that a payload of an app is about. Slack is asked who we are only where that is not
// known yet.
func (a *Adapter) within(ctx context.Context, p *app, team string) (*installation, error) {
	all := a.all()
	if len(all) == 1 && all[0].app == p && len(a.apps) == 1 && !p.oauth && team != "" {
		return all[0], nil // there is nothing to tell apart
	}
	var unmet []*installation
	for _, i := range all {
		if i.app != p {
			continue
		}
		id, ok := i.identity()
		if ok && id.Team == team {
			return i, nil
		}
		if !ok {
			unmet = append(unmet, i)
		}
	}
	for _, i := range unmet {
		id, err := i.identify(ctx)
		switch {
		case err == nil && id.Team == team:
			return i, nil
		case err != nil && core.ErrorCode(err) != core.CodeFatal:
			return nil, core.Wrap(core.CodeRetry, fmt.Errorf("%w: %w", errNotMet, err))
		}
	}
	if p.oauth {
		// It may have been installed a moment ago, through another replica.
		if err := a.syncInstalls(ctx, p, false); err != nil {
			return nil, fmt.Errorf("%w: %w", errNotMet, err)
		}
		if i := a.near(team); i != nil && i.app == p {
			return i, nil
		}
	}
	return nil, fmt.Errorf("%w: %q", errForeign, clip(team, 40))
}

// runApp receives for one app until the context ends. It returns early only when Slack refuses a token for good.
func (a *Adapter) runApp(ctx context.Context, p *app, r core.Receiver) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	fatal := make(chan error, 1+a.o.Connections)
	start := func(f func() error) {
		wg.Go(func() {
			if err := f(); core.ErrorCode(err) == core.CodeFatal {
				fatal <- err
				cancel()
			}
		})
	}
	if p.oauth {
		wg.Go(func() { a.keepInstalls(ctx, p) })
	}
	for _, i := range a.all() {
		if i.app == p && !p.oauth {
			start(func() error { return a.meet(ctx, i) })
		}
	}
	if !p.AppToken.IsZero() {
		sp := &balance.Spread{Total: a.o.Connections, Replicas: a.o.Replicas, Clock: a.o.Clock}
		for n := range a.o.Connections {
			start(func() error { return a.runSlot(ctx, p, r, sp, n) })
		}
	}
	<-ctx.Done()
	wg.Wait()
	select {
	case err := <-fatal:
		return err
	default:
		return nil
	}
}

// Run receives until the context ends. A refused token ends its own app; Run returns early only when Slack has refused
// every app for good.
func (a *Adapter) Run(ctx context.Context, r core.Receiver) error {
	errs := make([]error, len(a.apps))
	var wg sync.WaitGroup
	for n, p := range a.apps {
		wg.Go(func() {
			errs[n] = a.runApp(ctx, p, r)
			if errs[n] != nil && len(a.apps) > 1 {
				a.o.Telemetry.Set(core.MetricPlatformUp, 0, string(core.Slack)) // with one app only, whoever runs the adapter says so
				a.o.Log.ErrorContext(ctx, "slack refused one app, which is switched off until restart; run atelier doctor", "app", p.Name, "error", errs[n])
			}
		})
	}
	wg.Wait()
	if ctx.Err() == nil {
		return errors.Join(errs...)
	}
	return nil
}

// Connected reports whether a connection of every app that uses Socket Mode is open in this process.
func (a *Adapter) Connected() bool {
	for _, p := range a.apps {
		if !p.AppToken.IsZero() && p.open.Load() == 0 {
			return false
		}
	}
	return true
}
