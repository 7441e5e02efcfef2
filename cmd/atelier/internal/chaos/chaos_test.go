package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// ciSeed is fixed: a run in CI tells about a change, not about luck.
const ciSeed = 20

// TestChaos is a short run of everything. It takes a real Redis and a minute and a half, so it is asked for by name.
func TestChaos(t *testing.T) {
	if os.Getenv("ATELIER_CHAOS") != "1" {
		t.Skip("set ATELIER_CHAOS=1 to run it")
	}
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed")
	}
	c, err := flags(nil, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	c.seed, c.duration = ciSeed, 40*time.Second
	c.kills = int(c.duration / (5 * time.Second))
	good, err := chaos(t.Context(), c, t.Output())
	if err != nil || !good {
		t.Errorf("not all is as it was said: %v", err)
	}
}

// TestRollout replaces three replicas under talk: those of the newest tag before this code by those of this code, and
// where there is no tag yet this code by itself.
func TestRollout(t *testing.T) {
	if os.Getenv("ATELIER_CHAOS") != "1" {
		t.Skip("set ATELIER_CHAOS=1 to run it")
	}
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed")
	}
	c, err := flags([]string{"-rollout"}, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	c.seed, c.duration = ciSeed, 30*time.Second
	if tag, err := exec.CommandContext(t.Context(), "git", "describe", "--tags", "--abbrev=0", "--match", "v*", "HEAD^").Output(); err == nil {
		c.old = strings.TrimSpace(string(tag))
	}
	good, err := chaos(t.Context(), c, t.Output())
	if err != nil || !good {
		t.Errorf("not all is as it was said: %v", err)
	}
}
