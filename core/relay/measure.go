package relay

import (
	"errors"

	"github.com/atelier-bridge/atelier/core"
)

// handled is what came of handling an inbound, as the metric has it.
func handled(err error) string {
	var soon early
	switch code := core.ErrorCode(err); {
	case err == nil:
		return "ok"
	case errors.As(err, &soon):
		return "early"
	case code == core.CodeRetry, code == core.CodeConflict:
		return "waits"
	case code == core.CodeGone:
		return "gone"
	}
	return "dead"
}

// measure counts an ended delivery.
func (d *Deliverer) measure(o core.Outgoing, err error, dead bool) {
	platform, outcome := string(o.Platform()), "sent"
	switch {
	case dead:
		outcome = "dead"
	case err != nil:
		outcome = "skipped"
	}
	class := "none"
	switch o.Kind {
	case core.OutCard:
		class = "room"
	case core.OutComment, core.OutReact, core.OutNotice, core.OutPost, core.OutRemove:
		class = "thread"
	case core.OutAnswer:
		class = "answer"
	case core.OutDirect:
		class = "direct"
	}
	d.Telemetry.Count(core.MetricDeliveries, platform, class, outcome)
	if class != "none" {
		d.Telemetry.Observe(core.MetricRelayLag, d.Clock.Now().Sub(o.At), platform)
	}
}

// waits tells how many threads of this partition and platform wait to be read.
func (r *rereader) waits(n int) {
	n = max(n, 0)
	r.c.Telemetry.Add(core.MetricCatchUpThreads, float64(n-r.pending), string(r.plat))
	r.pending = n
}

// behind counts the threads whose history was not read up to a gap.
func (r *rereader) behind(all []*core.Thread, gap core.Gap) int {
	n := 0
	for _, t := range all {
		if t.Caught < gap && r.done[threadKey(t.Room, t.ID)] < gap {
			n++
		}
	}
	return n
}
