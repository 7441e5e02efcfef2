package main

// The script of a run: what people do and what breaks, when. It comes from one seeded generator; only the moments at
// which processes and connections get to it differ from run to run.

import (
	"math/rand/v2"
	"slices"
	"time"
)

// deed is one planned action of a person. What it acts on depends on what is there then; its own generator chooses.
type deed struct {
	at   time.Duration
	kind string
	roll *rand.Rand
}

// trouble is one planned fault.
type trouble struct {
	at   time.Duration
	kind string
	roll *rand.Rand
}

// What people do, with how often out of a thousand.
const (
	doSay     = "say"
	doBurst   = "burst" // several messages as fast as one can
	doReply   = "reply"
	doEdit    = "edit"
	doDelete  = "delete"
	doReact   = "react"
	doUnreact = "unreact"
	doApprove = "approve"
	doImagine = "imagine"
)

type share struct {
	kind string
	part int
}

func shares() []share {
	return []share{{doSay, 560}, {doBurst, 20}, {doReply, 60}, {doEdit, 130}, {doDelete, 40}, {doReact, 120}, {doUnreact, 45}, {doApprove, 10}, {doImagine, 15}}
}

// What breaks, with the mean time between two of a kind. Kills are counted by their flag.
const (
	breakKill    = "kill"
	breakStop    = "stop"
	breakFreeze  = "freeze"
	breakAway    = "away"
	breakScale   = "scale"
	breakRedis   = "redis"
	breakSlack   = "slack"
	breakDiscord = "discord"
)

func often() map[string]time.Duration {
	return map[string]time.Duration{breakStop: 23 * time.Second, breakFreeze: 27 * time.Second, breakAway: 50 * time.Second, breakScale: 40 * time.Second,
		breakRedis: 31 * time.Second, breakSlack: 3500 * time.Millisecond, breakDiscord: 3500 * time.Millisecond}
}

// dice makes a generator of its own for one item, so that what happens in between does not move the others.
func dice(r *rand.Rand) *rand.Rand { return rand.New(rand.NewPCG(r.Uint64(), r.Uint64())) }

// script plans a run.
func script(c config) (deeds []deed, troubles []trouble) {
	r := rand.New(rand.NewPCG(c.seed, 1))
	total := 0
	for _, s := range shares() {
		total += s.part
	}
	for at := time.Duration(0); ; {
		at += time.Duration(r.ExpFloat64() / c.rate * float64(time.Second))
		if at > c.duration {
			break
		}
		n, kind := r.IntN(total), ""
		for _, s := range shares() {
			if n -= s.part; n < 0 {
				kind = s.kind
				break
			}
		}
		deeds = append(deeds, deed{at, kind, dice(r)})
	}
	r = rand.New(rand.NewPCG(c.seed, 2))
	plan := func(kind string, n int) {
		for range n {
			at := c.duration/40 + time.Duration(r.Float64()*0.95*float64(c.duration))
			troubles = append(troubles, trouble{at, kind, dice(r)})
		}
	}
	plan(breakKill, c.kills)
	kinds := often()
	for _, kind := range []string{breakStop, breakFreeze, breakAway, breakScale, breakRedis, breakSlack, breakDiscord} {
		if !c.calm {
			plan(kind, max(1, int(c.duration/kinds[kind])))
		}
	}
	if c.rollout {
		troubles = append(troubles, trouble{c.duration / 4, breakRollout, dice(r)})
	}
	slices.SortStableFunc(troubles, func(a, b trouble) int { return int(a.at - b.at) })
	return deeds, troubles
}

// oneOf picks from a list.
func oneOf[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// between picks a time.
func between(r *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(r.Int64N(int64(high-low)+1))
}
