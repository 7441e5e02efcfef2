package discord

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/atelier-bridge/atelier/adapters/internal/balance"
	"github.com/atelier-bridge/atelier/core"
)

const (
	// MaxShards is the most gateway connections that an installation may have; Discord needs one per 2,500 servers.
	MaxShards = 64

	shardTTL   = 5 * time.Second
	shardRenew = 1500 * time.Millisecond
	shardRetry = time.Second
)

var (
	errLeaseLost = errors.New("gateway lease lost")
	errSurplus   = errors.New("gateway given to another replica")
)

// shardTotal is how many shards there are. https://docs.discord.com/developers/events/gateway#sharding
func (a *Adapter) shardTotal(ctx context.Context) (int, error) {
	for n := 1; a.o.Shards <= 0; n++ {
		info, err := a.gatewayInfo(ctx)
		if err == nil {
			return min(max(info.Shards, 1), MaxShards), nil
		}
		if core.ErrorCode(err) == core.CodeFatal || ctx.Err() != nil {
			return 0, err
		}
		a.log.WarnContext(ctx, "gateway not asked for its shards", "error", err)
		if err := a.clock.Sleep(ctx, max(min(time.Duration(n), 5)*time.Second, core.RetryAfter(err))); err != nil {
			return 0, err
		}
	}
	return min(a.o.Shards, MaxShards), nil
}

// gatewayInfo is Discord's answer about its gateway.
type gatewayInfo struct {
	URL    string `json:"url"`
	Shards int    `json:"shards"`
	Limit  struct {
		Remaining   int   `json:"remaining"`
		ResetAfter  int64 `json:"reset_after"`
		Concurrency int   `json:"max_concurrency"`
	} `json:"session_start_limit"`
}

func (a *Adapter) gatewayInfo(ctx context.Context) (info gatewayInfo, err error) {
	err = a.rest.do(ctx, call{method: http.MethodGet, route: "GET gateway/bot", path: "gateway/bot"}, &info)
	return info, err
}

// runGateway keeps this process's share of the shards connected.
func (a *Adapter) runGateway(ctx context.Context, in *intake) error {
	total, err := a.shardTotal(ctx)
	if err != nil {
		if core.ErrorCode(err) == core.CodeFatal {
			return err
		}
		return nil // the context ended
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	sp := &balance.Spread{Total: total, Replicas: a.o.Replicas, Clock: a.clock}
	fatal := make(chan error, total)
	var work sync.WaitGroup
	for n := range total {
		work.Go(func() {
			if err := a.runShard(ctx, in, sp, n); err != nil {
				fatal <- err
				cancel()
			}
		})
	}
	work.Wait()
	select {
	case err := <-fatal:
		return err
	default:
		return nil
	}
}

// runShard keeps one shard's session alive while this process holds its lease. The error is Discord's final word.
func (a *Adapter) runShard(ctx context.Context, in *intake, sp *balance.Spread, n int) error {
	g := &supervisor{a: a, in: in, shard: n, total: sp.Total}
	for ctx.Err() == nil {
		held, h, err := a.holdShard(ctx, sp, n)
		if err != nil {
			return nil //nolint:nilerr // the context ended
		}
		g.h = h
		err = g.run(held)
		why := context.Cause(held)
		h.release()
		if core.ErrorCode(err) == core.CodeFatal {
			return err
		}
		if ctx.Err() == nil {
			a.log.InfoContext(ctx, "gateway passes to another holder", "shard", n, "error", why)
		}
	}
	return nil
}

// holding is the lease of one shard.
type holding struct {
	a      *Adapter
	ctx    context.Context //nolint:containedctx // ends when the lease is lost or given away
	lost   context.CancelCauseFunc
	sp     *balance.Spread
	lease  core.Lease
	always bool // nobody else can hold it
	done   chan struct{}
	stop   func() bool
	once   sync.Once

	mu    sync.Mutex
	good  time.Time // when the last renewal that worked was begun
	over  bool
	given bool
}

// holdShard waits for a shard's lease. The context it returns ends when the lease is lost or given away. The error is
// non-nil only when the context ended.
func (a *Adapter) holdShard(ctx context.Context, sp *balance.Spread, n int) (context.Context, *holding, error) {
	if a.o.Leases == nil {
		held, cancel := context.WithCancelCause(ctx)
		return held, &holding{a: a, ctx: held, lost: cancel, always: true}, nil
	}
	name := fmt.Sprintf("discord-gateway-%d", n)
	for wanted := a.now(); ; {
		if sp.Reserve(wanted) {
			began := a.now()
			lease, ok, err := a.o.Leases.Acquire(ctx, name, shardTTL)
			if ok && err == nil {
				sp.Took()
				held, cancel := context.WithCancelCause(ctx)
				h := &holding{a: a, ctx: held, lost: cancel, sp: sp, lease: lease, done: make(chan struct{}), good: began}
				go h.keep()
				// At the end of the process the next holder need not wait for our goodbye: what both get is stored once.
				h.stop = context.AfterFunc(ctx, func() { h.giveUp(ctx) })
				return held, h, nil
			}
			sp.Release()
			if err != nil && ctx.Err() == nil {
				a.log.WarnContext(ctx, "gateway lease not asked for", "shard", n, "error", err)
			}
			wanted = began
		}
		if err := a.clock.Sleep(ctx, shardRetry); err != nil {
			return nil, nil, err
		}
	}
}

// keep renews the lease until it is lost, or offers the shard to a replica that holds fewer.
func (h *holding) keep() {
	defer close(h.done)
	for h.a.clock.Sleep(h.ctx, shardRenew) == nil {
		if !h.renew(h.ctx) {
			return
		}
		if h.sp.Surplus() {
			h.mu.Lock()
			h.given = true
			h.mu.Unlock()
			h.lost(errSurplus)
			return
		}
	}
}

// renew extends the lease and reports whether it is ours. A store that is away for longer than the lease lives means
// that somebody else may hold it.
func (h *holding) renew(ctx context.Context) bool {
	began := h.a.now()
	rctx, cancel := context.WithTimeout(ctx, shardRenew)
	err := h.a.o.Leases.Renew(rctx, h.lease, shardTTL)
	cancel()
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err == nil && !h.over:
		h.good = began
		return true
	case ctx.Err() != nil || h.over:
		return false
	case core.ErrorCode(err) == core.CodeConflict, h.a.now().Sub(h.good) > shardTTL-shardRenew:
		h.over = true
		h.a.log.WarnContext(ctx, "gateway lease lost", "lease", h.lease.Name, "error", err)
		h.lost(errLeaseLost)
		return false
	}
	return true
}

// sure reports whether the shard is still ours, asking when the lease may have run out: this process may have been
// stopped and continued, and what it reads now may have been told to another holder, and be old.
func (h *holding) sure() bool {
	if h.always {
		return h.ctx.Err() == nil
	}
	h.mu.Lock()
	fresh, over := h.a.now().Sub(h.good) < shardTTL, h.over
	h.mu.Unlock()
	return !over && (fresh || h.renew(h.ctx))
}

// release ends the holding and lets the next holder in.
func (h *holding) release() {
	h.lost(nil)
	if h.always {
		return
	}
	<-h.done
	h.stop()
	h.giveUp(h.ctx)
	if !h.given {
		h.sp.Release()
	}
}

// giveUp lets the next holder in at once, also while we are stopping.
func (h *holding) giveUp(ctx context.Context) {
	h.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if err := h.a.o.Leases.Release(ctx, h.lease); err != nil {
			h.a.log.WarnContext(ctx, "gateway lease not released", "lease", h.lease.Name, "error", err)
		}
	})
}
