package studio

import (
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

func TestOutlook(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	job := func(id string, state core.JobState, age time.Duration) core.Job {
		return core.Job{ID: core.JobID(id), Person: "p-ada", Provider: "openai", State: state, CreatedAt: now.Add(-age), Took: 20 * time.Second}
	}
	running := job("a", core.JobRunning, time.Minute)
	running.Begun = now.Add(-5 * time.Second)
	late := job("b", core.JobRunning, time.Minute)
	late.Begun = now.Add(-3 * time.Minute)
	relaxed := job("c", core.JobQueued, 50*time.Second)
	relaxed.Relax = true
	fast, last := job("d", core.JobQueued, 40*time.Second), job("e", core.JobQueued, 30*time.Second)
	at := job("f", core.JobQueued, 0)
	at.NotBefore = now.Add(2 * time.Hour)
	elsewhere := job("g", core.JobQueued, time.Hour)
	elsewhere.Provider = "bfl"
	fresh := job("h", core.JobQueued, 0)
	fresh.Provider, fresh.Took = "gemini", 0
	all := []core.Job{running, late, relaxed, fast, last, elsewhere, fresh, job("i", core.JobHandedOff, 0)}
	for _, c := range []struct {
		j      core.Job
		atOnce int
		want   string
	}{
		{running, 2, " for 5 seconds, about 15 seconds left"},
		{late, 2, " for 3 minutes"},
		{fast, 2, ", place 1 of your queue there, ready in about 40 seconds"},
		{last, 2, ", place 2 of your queue there, ready in about 40 seconds"},
		{relaxed, 2, ", place 3 of your queue there, ready in about 60 seconds"},
		{relaxed, 1, ", place 3 of your queue there, ready in about 2 minutes"},
		{elsewhere, 3, ", place 1 of your queue there, ready in about 20 seconds"},
		{fresh, 1, ", place 1 of your queue there"},
		{at, 1, ", place 3 of your queue there, not before Sun 1 Nov 14:00 UTC"},
		{all[7], 1, ""},
	} {
		if got := outlook(core.Lang{}, c.j, all, c.atOnce, now); got != c.want {
			t.Errorf("%s at %d: %q, should be %q", c.j.ID, c.atOnce, got, c.want)
		}
	}
}
