package discord

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

const (
	shardLease = "discord-gateway-0"
	shardTTL   = 10 * time.Second
	shardRenew = 3 * time.Second
	shardRetry = time.Second
)

var errLeaseLost = errors.New("gateway lease lost")

// holdShard waits for the lease of the gateway. The context it returns ends when the lease is lost; release gives the
// lease up. The error is non-nil only when the context ended.
func (a *Adapter) holdShard(ctx context.Context) (held context.Context, release func(), err error) {
	if a.o.Leases == nil {
		held, cancel := context.WithCancel(ctx)
		return held, cancel, nil
	}
	for {
		lease, ok, err := a.o.Leases.Acquire(ctx, shardLease, shardTTL)
		if err != nil && ctx.Err() == nil {
			a.log.WarnContext(ctx, "gateway lease not asked for", "error", err)
		}
		if ok && err == nil {
			held, cancel := context.WithCancelCause(ctx)
			done := make(chan struct{})
			go func() {
				defer close(done)
				a.renewShard(held, cancel, lease)
			}()
			var once sync.Once
			give := func() { once.Do(func() { a.releaseShard(ctx, lease) }) }
			// At the end of the process the next holder need not wait for our goodbye: what both get is stored once.
			stop := context.AfterFunc(ctx, give)
			return held, func() {
				cancel(nil)
				<-done
				stop()
				give()
			}, nil
		}
		if err := a.clock.Sleep(ctx, shardRetry); err != nil {
			return nil, nil, err
		}
	}
}

// renewShard keeps the lease until the context ends. A store that is away for longer than the lease lives means that
// somebody else may hold it.
func (a *Adapter) renewShard(ctx context.Context, lost context.CancelCauseFunc, l core.Lease) {
	good := a.now()
	for a.clock.Sleep(ctx, shardRenew) == nil {
		rctx, cancel := context.WithTimeout(ctx, shardRenew)
		err := a.o.Leases.Renew(rctx, l, shardTTL)
		cancel()
		switch {
		case err == nil:
			good = a.now()
		case ctx.Err() != nil:
			return
		case core.ErrorCode(err) == core.CodeConflict, a.now().Sub(good) > shardTTL-shardRenew:
			a.log.WarnContext(ctx, "gateway lease lost", "error", err)
			lost(errLeaseLost)
			return
		}
	}
}

// releaseShard lets the next holder in at once, also while we are stopping.
func (a *Adapter) releaseShard(ctx context.Context, l core.Lease) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := a.o.Leases.Release(ctx, l); err != nil {
		a.log.WarnContext(ctx, "gateway lease not released", "error", err)
	}
}
