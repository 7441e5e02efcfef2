package ops

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// Leases counts what happens to the leases of another core.Leases.
type Leases struct {
	core.Leases
	Telemetry core.Telemetry

	mu   sync.Mutex
	held map[string]int64 // fence by name
}

// Acquire tries once, and counts a lease that was taken.
func (l *Leases) Acquire(ctx context.Context, name string, ttl time.Duration) (core.Lease, bool, error) {
	got, ok, err := l.Leases.Acquire(ctx, name, ttl)
	if ok && err == nil {
		l.mu.Lock()
		if l.held == nil {
			l.held = map[string]int64{}
		}
		_, had := l.held[name]
		l.held[name] = got.Fence
		l.mu.Unlock()
		if !had {
			l.Telemetry.Add(core.MetricLeases, 1, leaseKind(name))
		}
		l.Telemetry.Count(core.MetricLeaseChanges, leaseKind(name), "taken")
	}
	return got, ok, err
}

// Renew extends a lease, and counts one that turns out to be lost.
func (l *Leases) Renew(ctx context.Context, lease core.Lease, ttl time.Duration) error {
	err := l.Leases.Renew(ctx, lease, ttl)
	if core.ErrorCode(err) == core.CodeConflict {
		l.gone(lease, "lost")
	}
	return err
}

// Release gives a lease up, and counts it.
func (l *Leases) Release(ctx context.Context, lease core.Lease) error {
	err := l.Leases.Release(ctx, lease)
	if err == nil {
		l.gone(lease, "handed_over")
	}
	return err
}

func (l *Leases) gone(lease core.Lease, how string) {
	l.mu.Lock()
	had := l.held[lease.Name] == lease.Fence
	if had {
		delete(l.held, lease.Name)
	}
	l.mu.Unlock()
	if had {
		l.Telemetry.Add(core.MetricLeases, -1, leaseKind(lease.Name))
		l.Telemetry.Count(core.MetricLeaseChanges, leaseKind(lease.Name), how)
	}
}

// leaseKind says what a lease is for, by its name.
func leaseKind(name string) string {
	switch {
	case strings.HasPrefix(name, "slack/socket/"):
		return "socket"
	case strings.HasPrefix(name, "discord-gateway-"):
		return "gateway"
	case len(name) == 3 && (name[0] == 'p' || name[0] == 'u'):
		return "partition"
	}
	return "singleton"
}

// Limiter counts what the calls to one platform wait for.
type Limiter struct {
	core.Limiter
	Platform  core.PlatformName
	Clock     core.Clock
	Telemetry core.Telemetry
}

// Wait waits for places in buckets and measures how long.
func (l Limiter) Wait(ctx context.Context, buckets ...string) error {
	began := l.Clock.Now()
	err := l.Limiter.Wait(ctx, buckets...)
	l.Telemetry.Observe(core.MetricLimitWait, l.Clock.Now().Sub(began), string(l.Platform))
	return err
}

// Limited passes on that a platform found us too fast, and counts it.
func (l Limiter) Limited(ctx context.Context, bucket string, d time.Duration) {
	l.Telemetry.Count(core.MetricLimited, string(l.Platform))
	l.Limiter.Limited(ctx, bucket, d)
}
