package app

import (
	"context"
	"time"

	"github.com/atelier-bridge/atelier/adapters/ops"
	"github.com/atelier-bridge/atelier/core"
)

const (
	// surveyEvery is how often what waits in the whole installation is counted.
	surveyEvery = 15 * time.Second
	// surveyTimeout bounds one such count.
	surveyTimeout = 5 * time.Second
)

// openTelemetry makes what the parts report to. Traces are sent only where the standard variables ask for it.
func (a *App) openTelemetry(ctx context.Context) error {
	a.metrics = ops.NewMetrics()
	a.telemetry = core.Telemetry{Meter: a.metrics}
	a.telemetry.Set(core.MetricBuild, 1, a.cfg.Version, a.cfg.Commit)
	if !ops.TracingWanted() {
		return nil
	}
	t, err := ops.NewTracer(ctx, a.cfg.Version)
	if err != nil {
		return err
	}
	a.tracer, a.telemetry.Tracer = t, t
	return nil
}

// limiter is the store's, measured for a platform.
func (a *App) limiter(p core.PlatformName) core.Limiter {
	if a.cfg.Unpaced {
		return unlimited{}
	}
	return ops.Limiter{Limiter: a.store.Limiter, Platform: p, Clock: a.clock, Telemetry: a.telemetry}
}

// samplePool sets the gauges that cost nothing to read; it is called on each scrape.
func (a *App) samplePool() func() {
	var before uint32
	return func() {
		p := a.store.Pool()
		for state, n := range map[string]uint32{"idle": p.Idle, "stale": p.Stale, "total": p.Total} {
			a.telemetry.Set(core.MetricPool, float64(n), state)
		}
		a.telemetry.Add(core.MetricPoolTimeouts, float64(p.Timeouts-before))
		before = p.Timeouts
	}
}

// survey counts what waits in the whole installation, now and then, until the context ends. Every replica does: what
// nobody works on would be counted by nobody otherwise.
func (a *App) survey(ctx context.Context) {
	known := map[[2]string]bool{} // gauges of jobs that were set: what is gone is set to 0
	for {
		a.surveyOnce(ctx, known)
		if a.clock.Sleep(ctx, surveyEvery) != nil {
			return
		}
	}
}

func (a *App) surveyOnce(ctx context.Context, known map[[2]string]bool) {
	sctx, cancel := context.WithTimeout(ctx, surveyTimeout)
	defer cancel()
	s, err := a.store.Survey(sctx)
	if err != nil {
		if ctx.Err() == nil {
			a.telemetry.Set(core.MetricRedisUp, 0)
			a.log.WarnContext(ctx, "what waits could not be counted", "error", err)
		}
		return
	}
	a.telemetry.Set(core.MetricRedisUp, 1)
	now, jobs := a.clock.Now(), 0
	age := func(at time.Time) float64 {
		if at.IsZero() {
			return 0
		}
		return max(0, now.Sub(at).Seconds())
	}
	for k := range known {
		known[k] = false
	}
	for provider, states := range s.Jobs {
		for state, n := range states {
			known[[2]string{string(provider), state}] = true
			a.telemetry.Set(core.MetricJobs, float64(n), string(provider), state)
			if state == "queued" {
				jobs += n
			}
		}
	}
	for k, there := range known {
		if !there {
			a.telemetry.Set(core.MetricJobs, 0, k[0], k[1])
		}
	}
	a.telemetry.Set(core.MetricQueue, float64(s.Inbounds), "inbound")
	a.telemetry.Set(core.MetricQueue, float64(s.Outgoings), "outbox")
	a.telemetry.Set(core.MetricQueue, float64(jobs), "jobs")
	a.telemetry.Set(core.MetricQueueAge, age(s.OldestInbound), "inbound")
	a.telemetry.Set(core.MetricQueueAge, age(s.OldestOutgoing), "outbox")
	a.telemetry.Set(core.MetricDead, float64(s.Dead))
}

// used shows a platform that this process is connected to, or waits to be: what is not there yet is 0, not missing.
func (a *App) used(p core.PlatformName) {
	a.telemetry.Set(core.MetricPlatformUp, 1, string(p))
	a.telemetry.Add(core.MetricCatchUpThreads, 0, string(p))
	switch {
	case p == core.Discord:
		a.telemetry.Add(core.MetricLinkUp, 0, string(p), "gateway")
	case !a.cfg.Slack.AppToken.IsZero():
		a.telemetry.Add(core.MetricLinkUp, 0, string(p), "socket")
	}
}
