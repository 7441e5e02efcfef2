package main

import (
	"os"
	"os/exec"
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
