package feedback

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

// Survey is what waits in a whole installation at one moment.
type Survey struct {
	Inbounds, Outgoings, Dead int64
	// OldestInbound and OldestOutgoing are when what waits longest was stored; zero when nothing waits.
	OldestInbound, OldestOutgoing time.Time
	// Jobs counts jobs by provider and state: queued, running or handed_off.
	Jobs map[core.ProviderName]map[string]int
}

// Survey counts what waits in every partition. It reads a few small answers per partition, in one round trip to each
// server.
func (s *Store) Survey(ctx context.Context) (Survey, error) {
	type row struct {
		journal, outbox, dead *redis.IntCmd
		first                 [2]*redis.XMessageSliceCmd
	}
	parts := s.DB.Parts.All()
	pipe := s.DB.Client.Pipeline()
	rows := make([]row, len(parts))
	for i, p := range parts {
		k := s.DB.Keys
		rows[i] = row{journal: pipe.XLen(ctx, k.Journal(p)), outbox: pipe.XLen(ctx, k.Outbox(p)), dead: pipe.XLen(ctx, k.Dead(p)),
			first: [2]*redis.XMessageSliceCmd{pipe.XRangeN(ctx, k.Journal(p), "-", "+", 1), pipe.XRangeN(ctx, k.Outbox(p), "-", "+", 1)}}
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return Survey{}, rdb.Fault(err)
	}
	var out Survey
	for _, r := range rows {
		out.Inbounds, out.Outgoings, out.Dead = out.Inbounds+r.journal.Val(), out.Outgoings+r.outbox.Val(), out.Dead+r.dead.Val()
		out.OldestInbound = older(out.OldestInbound, r.first[0].Val())
		out.OldestOutgoing = older(out.OldestOutgoing, r.first[1].Val())
	}
	var err error
	out.Jobs, err = s.Jobs.Counts(ctx, parts)
	return out, err
}

// older returns the earlier of a time and that of a stream's first entry, whose id begins with it in milliseconds.
func older(have time.Time, first []redis.XMessage) time.Time {
	if len(first) == 0 {
		return have
	}
	ms, _, _ := strings.Cut(first[0].ID, "-")
	n, err := strconv.ParseInt(ms, 10, 64)
	if at := time.UnixMilli(n); err == nil && (have.IsZero() || at.Before(have)) {
		return at
	}
	return have
}

// Pool says how the connections to Redis are used.
type Pool struct {
	Idle, Stale, Total, Timeouts uint32
}

// Pool returns the state of the connections; it asks nobody.
func (s *Store) Pool() Pool {
	st := s.client.PoolStats()
	out := Pool{Idle: st.IdleConns, Stale: st.StaleConns, Total: st.TotalConns, Timeouts: st.Timeouts}
	if p := st.PipelineStats; p != nil { // what goes out together has connections of its own
		out.Idle, out.Stale, out.Total, out.Timeouts = out.Idle+p.IdleConns, out.Stale+p.StaleConns, out.Total+p.TotalConns, out.Timeouts+p.Timeouts
	}
	return out
}
