// Command chaos runs the whole program, as several replicas with a real Redis, between the two simulated platforms,
// while people talk and everything that can break breaks, and then compares what was said with what shows.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// config is what the flags say.
type config struct {
	seed      uint64
	duration  time.Duration
	rate      float64
	rooms     int
	replicas  int
	kills     int
	redis     string
	slackHTTP bool
	fsync     string
	calm      bool
	keep      string
	faults    bool
	only      int
	bin       string // the program, where it is built already
	rollout   bool
	old       string // what is replaced: a binary, or a tag of this repository
}

// flags reads the command line.
func flags(args []string, out io.Writer) (config, error) {
	var c config
	var slack string
	f := flag.NewFlagSet("chaos", flag.ContinueOnError)
	f.SetOutput(out)
	f.Uint64Var(&c.seed, "seed", 0, "what people do and what breaks when; 0 picks one and prints it")
	f.DurationVar(&c.duration, "duration", 2*time.Minute, "how long people talk and things break; settling comes on top")
	f.Float64Var(&c.rate, "rate", 5, "people's actions per second")
	f.IntVar(&c.rooms, "rooms", 6, "pairs of a Slack and a Discord room; the last two of four or more share a project")
	f.IntVar(&c.replicas, "replicas", 3, "processes of the program that run beside each other")
	f.IntVar(&c.kills, "kills", -1, "kill -9 of a replica, spread over the duration; below 0 means one per 5 s")
	f.StringVar(&c.redis, "redis", "single", "single, or cluster of three masters")
	f.StringVar(&slack, "slack", "socket", "how Slack sends: socket, or http through a round robin over the living replicas")
	f.StringVar(&c.fsync, "fsync", "always", "Redis's appendfsync: always or everysec")
	f.BoolVar(&c.calm, "calm", false, "nothing breaks but for -kills: people only talk")
	f.StringVar(&c.keep, "keep", "", "a folder for the logs of all processes; without one they are kept on failure only")
	f.BoolVar(&c.faults, "faults", false, "instead, run the table of eight single faults, each in a fresh small world")
	f.BoolVar(&c.rollout, "rollout", false, "nothing breaks; instead every replica is replaced by a new one, one after the other, after a quarter of the time")
	f.StringVar(&c.old, "old", "", "with -rollout: what is replaced, a binary or a tag such as v0.1.0; the present program when empty")
	f.IntVar(&c.only, "only", 0, "with -faults: only this row of the table, 1 to 8")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	c.slackHTTP = slack == "http"
	switch {
	case c.redis != "single" && c.redis != "cluster":
		return c, fmt.Errorf("-redis %q: use single or cluster", c.redis)
	case slack != "socket" && slack != "http":
		return c, fmt.Errorf("-slack %q: use socket or http", slack)
	case c.rooms < 1 || c.rooms > 90 || c.replicas < 1 || c.rate <= 0:
		return c, errors.New("-rooms is 1 to 90, -replicas at least 1, -rate above 0")
	}
	if c.rollout {
		c.calm, c.kills = true, max(c.kills, 0)
	}
	if c.kills < 0 {
		c.kills = int(c.duration / (5 * time.Second))
	}
	if c.seed == 0 {
		c.seed = rand.Uint64N(1<<32) + 1
	}
	return c, nil
}

func main() { os.Exit(status(os.Args[1:], os.Stdout)) }

// status runs what the arguments ask for and returns the exit status.
func status(args []string, out io.Writer) int {
	c, err := flags(args, out)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(out, "chaos: "+err.Error())
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	run := chaos
	if c.faults {
		run = faultTable
	}
	good, err := run(ctx, c, out)
	if err != nil {
		fmt.Fprintln(out, "chaos: "+err.Error())
		return 1
	}
	if !good {
		return 1
	}
	return 0
}
