package rdb

import (
	"context"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Trips is a hook for benchmarks: between Start and Stop it counts round trips to the server and adds up how long they
// took, so that a measured time can be told apart from the server's share of it. Add it with Client.AddHook. Commands
// that block until something happens are no round trips and are left out.
type Trips struct {
	// Counts says whether a command belongs to what is measured, by its first key; nil counts every command. Leases are
	// renewed all the time, whatever is measured, so a benchmark leaves at least those out.
	Counts func(key string) bool

	mu    sync.Mutex
	on    bool
	n     int
	total time.Duration
}

var _ redis.Hook = (*Trips)(nil)

// Start begins anew at zero.
func (t *Trips) Start() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.on, t.n, t.total = true, 0, 0
}

// Stop ends the count and returns it. A round trip that is still under way does not count.
func (t *Trips) Stop() (n int, total time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.on = false
	return t.n, t.total
}

func (t *Trips) add(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.on {
		t.n++
		t.total += d
	}
}

// DialHook passes through.
func (*Trips) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

// ProcessHook times one command.
func (t *Trips) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if !t.wants(cmd) {
			return next(ctx, cmd)
		}
		began := time.Now()
		err := next(ctx, cmd)
		t.add(time.Since(began))
		return err
	}
}

// ProcessPipelineHook times a pipeline, which is one round trip on a single node.
func (t *Trips) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		counts := false
		for _, cmd := range cmds {
			counts = counts || t.wants(cmd)
		}
		if !counts {
			return next(ctx, cmds)
		}
		began := time.Now()
		err := next(ctx, cmds)
		t.add(time.Since(began))
		return err
	}
}

func (t *Trips) wants(cmd redis.Cmder) bool {
	if blocks(cmd) {
		return false
	}
	if t.Counts == nil {
		return true
	}
	keys := keysOf(cmd)
	return len(keys) > 0 && t.Counts(keys[0])
}

// blocks reports whether a command waits in the server for something to happen.
func blocks(cmd redis.Cmder) bool {
	switch name := strings.ToLower(cmd.Name()); name {
	case "xread", "xreadgroup":
		for _, a := range cmd.Args() {
			if s, ok := a.(string); ok && strings.EqualFold(s, "block") {
				return true
			}
		}
	case "blpop", "brpop", "blmove", "bzpopmin", "bzpopmax", "wait":
		return true
	}
	return false
}
