package slack

import (
	"context"
	"fmt"
	"sync"

	"github.com/atelier-bridge/atelier/adapters/internal/balance"
	"github.com/atelier-bridge/atelier/core"
)

// runSlot keeps one of an app's connections open, for as long as this process holds the slot's lease.
func (a *Adapter) runSlot(ctx context.Context, p *app, r core.Receiver, sp *balance.Spread, n int) error {
	name := fmt.Sprintf("slack/socket/%s/%d", core.Digest(12, p.AppToken.Reveal()), n)
	for ctx.Err() == nil {
		held, release := a.hold(ctx, sp, name)
		if held == nil {
			return nil
		}
		err := a.serveSlot(held, p, r, n)
		release()
		if core.ErrorCode(err) == core.CodeFatal {
			return err
		}
	}
	return nil
}

// slot is a held lease of a connection.
type slot struct {
	a     *Adapter
	sp    *balance.Spread
	lease core.Lease
	end   context.CancelFunc
	once  sync.Once
	given bool // only keep writes it, before it is done
}

// hold waits for a slot's lease and keeps it; the returned context ends when it is lost or was given away. nil: the
// context ended.
func (a *Adapter) hold(ctx context.Context, sp *balance.Spread, name string) (held context.Context, release func()) {
	if a.o.Leases == nil {
		held, cancel := context.WithCancel(ctx)
		return held, cancel
	}
	s := &slot{a: a, sp: sp}
	for wanted := a.o.Clock.Now(); s.lease.Name == ""; {
		if sp.Reserve(wanted) {
			began := a.o.Clock.Now()
			l, ok, err := a.o.Leases.Acquire(ctx, name, a.tune.leaseTTL)
			if err == nil && ok {
				s.lease = l
				sp.Took()
				break
			}
			sp.Release()
			if err != nil {
				a.o.Log.WarnContext(ctx, "slack connection lease not asked for", "lease", name, "error", err)
			}
			wanted = began
		}
		if a.o.Clock.Sleep(ctx, a.tune.leaseTTL/5) != nil {
			return nil, nil
		}
	}
	held, s.end = context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.keep(held)
	}()
	return held, func() {
		s.end()
		<-done
		s.giveUp(ctx)
		if !s.given {
			sp.Release()
		}
	}
}

// keep renews the lease until it is lost, or goes to a replica that holds fewer. Then the other one may connect before
// we hang up.
func (s *slot) keep(held context.Context) {
	for s.a.o.Clock.Sleep(held, s.a.tune.leaseTTL/3) == nil {
		// While the store is away nobody else can take the lease either: only a lost one counts.
		if err := s.a.o.Leases.Renew(held, s.lease, s.a.tune.leaseTTL); core.ErrorCode(err) == core.CodeConflict {
			s.a.o.Log.InfoContext(held, "slack connection lease lost", "lease", s.lease.Name)
			s.end()
			return
		}
		if s.sp.Surplus() {
			s.given = true
			s.a.o.Log.InfoContext(held, "slack connection goes to another replica", "lease", s.lease.Name)
			s.giveUp(held)
			_ = s.a.o.Clock.Sleep(held, s.a.tune.handover) // at the end of the process there is nothing to wait for
			s.end()
			return
		}
	}
}

func (s *slot) giveUp(ctx context.Context) {
	s.once.Do(func() {
		ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
		defer stop()
		if err := s.a.o.Leases.Release(ctx, s.lease); err != nil {
			s.a.o.Log.WarnContext(ctx, "slack connection lease not given up", "lease", s.lease.Name, "error", err)
		}
	})
}
