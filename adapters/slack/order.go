package slack

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// Slack spreads a channel's events over the open connections, so what is said quickly is read by several loops at once
// and one of them may be ahead. The sequencer has a lane for each channel in which events are stored one after the other,
// by Slack's own times. Quiet traffic passes at once; only while two connections bring events of one channel within the
// same moment does each wait for a few milliseconds, so that an earlier one can overtake it.
type sequencer struct {
	clock core.Clock
	slots chan struct{} // bounds the events that were read and not stored
	mu    sync.Mutex
	lanes map[string]*lane
}

// lane is a channel's events that wait to be stored.
type lane struct {
	link    int64 // which connection brought the last one
	at      time.Time
	waiting []passage // by their times
	running bool
}

type passage struct {
	ts    string
	until time.Time // not before; zero for at once
	store func()
}

const (
	// together is how close events of two connections must be to count as the same moment.
	together = 50 * time.Millisecond
	// hold is how long an event then waits for an earlier one.
	hold = 10 * time.Millisecond
	// maxUnstored bounds the events in all lanes; beyond it the connections are not read.
	maxUnstored = 2000
	// maxLanes bounds the memory of quiet channels.
	maxLanes = 4096
)

func newSequencer(clock core.Clock) *sequencer {
	return &sequencer{clock: clock, slots: make(chan struct{}, maxUnstored), lanes: map[string]*lane{}}
}

// put has an event stored in its channel's turn. spawn runs the lane when it sleeps; put blocks when too much waits.
func (s *sequencer) put(ctx context.Context, link int64, channel, ts string, spawn func(func()), store func()) {
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return // not acknowledged, so Slack sends it again
	}
	now := s.clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lanes[channel]
	if l == nil {
		if len(s.lanes) >= maxLanes {
			s.forget(now)
		}
		l = &lane{link: link}
		s.lanes[channel] = l
	}
	p := passage{ts: ts, store: store}
	if l.link != link && now.Sub(l.at) < together {
		p.until = now.Add(hold)
	} else if n := len(l.waiting); n > 0 {
		p.until = l.waiting[n-1].until // behind what waits, no longer than that
	}
	l.link, l.at = link, now
	i := len(l.waiting)
	for i > 0 && l.waiting[i-1].ts > ts {
		i--
	}
	l.waiting = slices.Insert(l.waiting, i, p)
	if !l.running {
		l.running = true
		spawn(func() { s.run(ctx, l) })
	}
}

// run stores a lane's events until there are none.
func (s *sequencer) run(ctx context.Context, l *lane) {
	for {
		s.mu.Lock()
		if len(l.waiting) == 0 {
			l.running = false
			s.mu.Unlock()
			return
		}
		if d := l.waiting[0].until.Sub(s.clock.Now()); d > 0 && ctx.Err() == nil {
			s.mu.Unlock()
			_ = s.clock.Sleep(ctx, d) // when the context ends, what waits is tried at once
			continue
		}
		p := l.waiting[0]
		l.waiting = slices.Delete(l.waiting, 0, 1)
		s.mu.Unlock()
		p.store()
		<-s.slots
	}
}

// forget drops the lanes of quiet channels.
func (s *sequencer) forget(now time.Time) {
	for k, l := range s.lanes {
		if !l.running && now.Sub(l.at) > together {
			delete(s.lanes, k)
		}
	}
}

// turn reads in which channel and when an event happened; ok is false for what has no channel.
func turn(payload json.RawMessage) (channel, ts string, ok bool) {
	var p struct {
		Event struct {
			Channel json.RawMessage `json:"channel"`
			Item    struct {
				Channel string `json:"channel"`
			} `json:"item"`
			TS      string `json:"ts"`
			EventTS string `json:"event_ts"`
		} `json:"event"`
	}
	if json.Unmarshal(payload, &p) != nil {
		return "", "", false
	}
	if json.Unmarshal(p.Event.Channel, &channel) != nil || channel == "" {
		channel = p.Event.Item.Channel
	}
	if ts = p.Event.EventTS; ts == "" {
		ts = p.Event.TS
	}
	return channel, ts, channel != "" && ts != ""
}
