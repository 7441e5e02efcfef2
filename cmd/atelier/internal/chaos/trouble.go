package main

// What breaks: replicas, Redis, and the platforms themselves.

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/atelier-bridge/atelier/adapters/discord/discordsim"
	"github.com/atelier-bridge/atelier/adapters/slack/slacksim"
)

// breaker carries out planned faults, each beside the others.
type breaker struct {
	w     *world
	redis sync.Mutex // one restart at a time
	away  sync.Mutex // one absence of all at a time
	wg    sync.WaitGroup
}

// strike begins a fault and returns at once.
func (b *breaker) strike(ctx context.Context, t trouble) {
	b.wg.Go(func() {
		switch t.kind {
		case breakKill:
			b.kill(ctx, t.roll)
		case breakStop:
			b.stop(ctx, t.roll)
		case breakFreeze:
			b.freeze(ctx, t.roll)
		case breakAway:
			b.allAway(ctx, t.roll)
		case breakScale:
			b.scale(ctx, t.roll)
		case breakRedis:
			b.restartRedis(ctx, t.roll)
		case breakSlack:
			b.slack(t.roll)
		case breakDiscord:
			b.discord(t.roll)
		case breakRollout:
			b.rollout(ctx)
		}
	})
}

// taken waits for a replica that nobody else is at, and takes its turn; nil when there is none for a while.
func (b *breaker) taken(ctx context.Context, r *rand.Rand) *replica {
	for range 60 {
		all := b.w.fleet.all()
		for i, start := 0, r.IntN(len(all)+1); i < len(all); i++ {
			if x := all[(start+i)%len(all)]; x.turn.TryLock() {
				if x.removed {
					x.turn.Unlock()
					continue
				}
				return x
			}
		}
		if !rest(ctx, 100*time.Millisecond) {
			return nil
		}
	}
	return nil
}

func (b *breaker) kill(ctx context.Context, r *rand.Rand) {
	down := between(r, 100*time.Millisecond, 3500*time.Millisecond)
	x := b.taken(ctx, r)
	if x == nil {
		return
	}
	defer x.turn.Unlock()
	b.w.n.fault("kill -9 %s, back after %s", x.name, down.Round(time.Millisecond))
	b.note(x, x.end(kill))
	rest(ctx, down)
	b.w.fleet.start(ctx, x)
}

func (b *breaker) note(x *replica, err error) {
	if err != nil {
		b.w.n.say("   %s: %v", x.name, err)
	}
}

func (b *breaker) stop(ctx context.Context, r *rand.Rand) {
	down := between(r, 100*time.Millisecond, 3*time.Second)
	x := b.taken(ctx, r)
	if x == nil {
		return
	}
	defer x.turn.Unlock()
	b.w.n.fault("SIGTERM %s, back %s after its end", x.name, down.Round(time.Millisecond))
	began := time.Now()
	b.note(x, x.end(term))
	b.w.n.change("%s ended %.1fs after SIGTERM", x.name, time.Since(began).Seconds())
	rest(ctx, down)
	b.w.fleet.start(ctx, x)
}

// freeze stops a process for longer than its leases live; then it goes on as if nothing had happened.
func (b *breaker) freeze(ctx context.Context, r *rand.Rand) {
	long := between(r, 4*time.Second, 8*time.Second)
	x := b.taken(ctx, r)
	if x == nil {
		return
	}
	defer x.turn.Unlock()
	b.w.n.fault("SIGSTOP %s for %s", x.name, long.Round(time.Millisecond))
	b.note(x, x.signal(freeze))
	rest(ctx, long)
	b.note(x, x.signal(thaw))
	b.w.n.change("SIGCONT %s", x.name)
}

func (b *breaker) allAway(ctx context.Context, r *rand.Rand) {
	down, how, name := between(r, 2*time.Second, 12*time.Second), kill, "kill -9"
	if r.IntN(2) == 0 {
		how, name = term, "SIGTERM"
	}
	b.away.Lock()
	defer b.away.Unlock()
	all := b.w.fleet.all()
	for _, x := range all {
		x.turn.Lock()
	}
	b.w.n.fault("all %d replicas away for %s (%s)", len(all), down.Round(time.Millisecond), name)
	var wg sync.WaitGroup
	for _, x := range all {
		wg.Go(func() { b.note(x, x.end(how)) })
	}
	wg.Wait()
	rest(ctx, down)
	for _, x := range all {
		b.w.fleet.start(ctx, x)
		x.turn.Unlock()
	}
	b.w.n.change("all are started again")
}

// scale adds a replica for a while, or takes one away for a while.
func (b *breaker) scale(ctx context.Context, r *rand.Rand) {
	long := between(r, 5*time.Second, 15*time.Second)
	if r.IntN(2) == 0 {
		x := b.w.fleet.add(ctx)
		b.w.n.fault("%s added for %s", x.name, long.Round(time.Millisecond))
		rest(ctx, long)
		x.turn.Lock()
		defer x.turn.Unlock()
		b.note(x, x.end(term))
		b.w.fleet.remove(x)
		b.w.n.change("%s taken away", x.name)
		return
	}
	x := b.taken(ctx, r)
	if x == nil {
		return
	}
	b.w.n.fault("%s taken away for good, another one after %s", x.name, long.Round(time.Millisecond))
	b.note(x, x.end(term))
	b.w.fleet.remove(x)
	x.turn.Unlock()
	rest(ctx, long)
	y := b.w.fleet.add(ctx)
	b.w.n.change("%s added in its place", y.name)
}

func (b *breaker) restartRedis(ctx context.Context, r *rand.Rand) {
	node := oneOf(r, b.w.redis.nodes...)
	down := between(r, 100*time.Millisecond, 3*time.Second)
	how, name := kill, "kill -9"
	if r.IntN(2) == 0 {
		how, name = term, "SIGTERM"
	}
	b.redis.Lock()
	defer b.redis.Unlock()
	b.w.n.fault("Redis %s: %s, back after %s", node.addr, name, down.Round(time.Millisecond))
	b.bounce(ctx, node, how, down)
}

func (b *breaker) bounce(ctx context.Context, node *redisNode, how func(*os.Process) error, down time.Duration) {
	if err := node.stop(how); err != nil {
		b.w.n.say("   Redis %s: %v", node.addr, err)
	}
	rest(ctx, down)
	if err := b.w.redis.start(context.WithoutCancel(ctx), node); err != nil {
		b.w.n.say("   Redis %s: %v", node.addr, err)
		return
	}
	b.w.n.change("Redis %s answers again", node.addr)
}

// slack switches a fault of Slack on. Those after which Slack would not talk to us any more are left out.
func (b *breaker) slack(r *rand.Rand) {
	kinds := []string{"ratelimited", "error_before", "error_after", "drop_before", "drop_after", "undecodable", "slow", "slow_files", "duplicate", "reorder", "unknown_block"}
	if !b.w.c.slackHTTP {
		kinds = append(kinds, "socket_drop", "socket_silent", "socket_disconnect")
	}
	f := slacksim.Fault{Kind: oneOf(r, kinds...)}
	channel := oneOf(r, b.w.so.Channels...).ID
	switch f.Kind {
	case "socket_drop", "socket_silent":
		f.Times = r.IntN(3)
	case "socket_disconnect":
		f.Times, f.Mode = r.IntN(3), oneOf(r, "", "warning", "refresh_requested")
	case "duplicate":
		f.Times, f.Mode, f.Channel = 1+r.IntN(4), oneOf(r, "", "new_event_id"), oneOf(r, "", channel)
	case "reorder", "unknown_block":
		f.Times, f.Channel = 1+r.IntN(2), oneOf(r, "", channel)
	case "slow_files":
		f.Times = 1 + r.IntN(3)
	default:
		f.Times = 1 + r.IntN(4)
		f.Method = oneOf(r, "", "chat.postMessage", "chat.postMessage", "chat.update", "chat.delete", "reactions.add", "conversations.replies", "apps.connections.open")
		f.RetryAfter, f.Status, f.DelayMillis = 1+r.IntN(5), oneOf(r, 500, 502, 503), 500+r.IntN(6000)
		if f.Method == "chat.postMessage" {
			f.Channel = oneOf(r, "", channel)
		}
	}
	b.w.n.fault("Slack: %s", told(f.Kind, f.Times, f.Method+" "+f.Channel+" "+f.Mode))
	if err := b.w.slack.Fault(f); err != nil {
		b.w.n.say("   Slack's fault %s: %v", f.Kind, err)
	}
}

// discord switches a fault of Discord on, likewise.
func (b *breaker) discord(r *rand.Rand) {
	f := discordsim.Fault{Kind: oneOf(r, "ratelimited", "ratelimited_global", "cloudflare429", "error_before", "error_after", "drop_before", "drop_after", "undecodable", "slow",
		"gateway_drop", "gateway_silent", "op1", "op7", "op7_first", "op9", "close_code", "duplicate", "reorder", "unknown_component", "cdn_error", "interaction_lost")}
	channel := oneOf(r, b.w.do.Channels...).ID
	switch f.Kind {
	case "gateway_drop", "gateway_silent", "op1", "op7", "op7_first", "cdn_error", "interaction_lost":
	case "op9":
		f.Resumable = r.IntN(2) == 0
	case "close_code":
		f.Code = oneOf(r, 4000, 4001, 4002, 4003, 4005, 4007, 4008, 4009)
	case "duplicate", "reorder":
		f.Times, f.Event = 1+r.IntN(3), oneOf(r, "", "MESSAGE_CREATE", "MESSAGE_UPDATE")
	case "unknown_component":
		f.Channel = channel
	default:
		f.Times = 1 + r.IntN(4)
		f.Method, f.Path = oneOf(r, "", "POST", "POST", "PATCH", "DELETE", "PUT", "GET"), oneOf(r, "", "/webhooks/", "/channels/")
		f.RetryAfter, f.Status, f.DelayMS = 0.3+4*r.Float64(), oneOf(r, 500, 502, 503), 500+r.IntN(6000)
		if f.Path != "" {
			f.Channel = oneOf(r, "", channel)
		}
	}
	b.w.n.fault("Discord: %s", told(f.Kind, f.Times, fmt.Sprintf("%s %s %s %s %s", f.Method, f.Path, f.Channel, f.Event, number(f.Code))))
	if err := b.w.discord.Fault(f); err != nil {
		b.w.n.say("   Discord's fault %s: %v", f.Kind, err)
	}
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}
