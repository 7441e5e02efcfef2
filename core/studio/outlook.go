package studio

import (
	"context"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// atOnce says how many runs each provider takes at once on a person's account.
func (s *Studio) atOnce(ctx context.Context, p *core.Person) (map[core.ProviderName]int, error) {
	out := map[core.ProviderName]int{}
	for _, pr := range s.Providers {
		out[pr.Name()] = max(1, pr.Capabilities("").PerAccount)
	}
	for _, id := range p.IDs() {
		list, err := s.Accounts.Accounts(ctx, id)
		if err != nil {
			return nil, err
		}
		for _, a := range list {
			if a.AtOnce > 0 {
				out[a.Provider] = min(max(1, out[a.Provider]), a.AtOnce)
			}
		}
	}
	return out, nil
}

// outlook says in words where a job stands among those of its account and when it may be ready, as far as that is known:
// "" for one that neither waits nor runs.
func outlook(l core.Lang, j core.Job, all []core.Job, atOnce int, now time.Time) string {
	switch j.State {
	case core.JobQueued:
		place, running := 1, 0
		for _, o := range all {
			switch {
			case o.AccountKey() != j.AccountKey():
			case o.State == core.JobSubmitted || o.State == core.JobRunning:
				running++
			case o.State == core.JobQueued && before(o, j):
				place++
			}
		}
		line := l.T(", place %d of your queue there", place)
		if wait := j.NotBefore.Sub(now); wait > 0 {
			return line + l.T(", not before %s", l.Time(j.NotBefore, now))
		}
		if j.Took > 0 {
			// Rounds of runs that come before it, and its own.
			rounds := (place-1+running)/max(1, atOnce) + 1
			line += l.T(", ready in about %s", roughly(time.Duration(rounds)*j.Took))
		}
		return line
	case core.JobSubmitted, core.JobRunning:
		if j.Begun.IsZero() {
			return ""
		}
		line := l.T(" for %s", roughly(now.Sub(j.Begun)))
		if left := j.Took - now.Sub(j.Begun); j.Took > 0 && left > 0 {
			line += l.T(", about %s left", roughly(left))
		}
		return line
	}
	return ""
}

// before reports whether a runs before b within an account: fast before relaxed, then the older one.
func before(a, b core.Job) bool {
	if a.Relax != b.Relax {
		return b.Relax
	}
	if !a.CreatedAt.Equal(b.CreatedAt) {
		return a.CreatedAt.Before(b.CreatedAt)
	}
	return a.ID < b.ID
}

// roughly is a duration as people say it: in seconds up to a minute and a half, then in minutes, then in hours.
func roughly(d time.Duration) core.Saying {
	switch {
	case d < time.Second:
		return core.Say("a second")
	case d < 90*time.Second:
		n := int(d.Round(time.Second).Seconds())
		return core.SayN(n, "%d second", "%d seconds", n)
	case d < 90*time.Minute:
		n := int(d.Round(time.Minute).Minutes())
		return core.SayN(n, "%d minute", "%d minutes", n)
	}
	n := int(d.Round(time.Hour).Hours())
	return core.SayN(n, "%d hour", "%d hours", n)
}
