package rdb

import (
	"context"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// Embedded is an in-process Redis for the demo and for tests. Its data lives until Close.
type Embedded struct {
	srv    *miniredis.Miniredis
	stop   context.CancelFunc
	ticked chan struct{}
}

// StartEmbedded starts a server on a free loopback port. Time stands still in it by itself: the server's clock is
// driven from the wall clock, so that leases and idempotency keys run out as they do on a real one.
func StartEmbedded() (*Embedded, error) {
	srv := miniredis.NewMiniRedis()
	if err := srv.Start(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	e := &Embedded{srv: srv, stop: cancel, ticked: make(chan struct{})}
	go e.tick(ctx)
	return e, nil
}

const embeddedTick = 250 * time.Millisecond

func (e *Embedded) tick(ctx context.Context) {
	defer close(e.ticked)
	t := time.NewTicker(embeddedTick)
	defer t.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			e.srv.FastForward(now.Sub(last))
			last = now
		}
	}
}

// URL is what Dial takes.
func (e *Embedded) URL() string { return "redis://" + e.srv.Addr() }

// Client returns a client of this server.
func (e *Embedded) Client() redis.UniversalClient {
	return redis.NewClient(&redis.Options{Addr: e.srv.Addr(), PoolSize: poolSize, ContextTimeoutEnabled: true, DisableIdentity: true, ReadTimeout: readTimeout})
}

// Close stops the server and forgets everything.
func (e *Embedded) Close() {
	e.stop()
	<-e.ticked
	e.srv.Close()
}
