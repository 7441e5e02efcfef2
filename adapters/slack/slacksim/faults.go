package slacksim

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"
)

// Fault is trouble to make. Times is how often (0 means once, -1 for ever; for the socket kinds, on how many
// connections, 0 meaning all); Method and Channel narrow it, Probability below 1 makes it random.
type Fault struct {
	// Kind is one of: ratelimited, error_before, error_after, drop_before, drop_after, undecodable, slow,
	// invalid_auth, token_revoked, missing_scope (Web API calls); slow_files (files.info); duplicate, reorder,
	// unknown_block (events); socket_drop, socket_silent, socket_disconnect (at once, on open connections).
	Kind    string `json:"kind"`
	Method  string `json:"method,omitempty"`
	Channel string `json:"channel,omitempty"`
	Times   int    `json:"times,omitempty"`
	// Skip lets that many fitting calls pass first.
	Skip        int           `json:"skip,omitempty"`
	RetryAfter  int           `json:"retry_after,omitempty"` // seconds, for ratelimited; default 1
	DelayMillis int           `json:"delay_ms,omitempty"`    // for slow; default 1000
	Delay       time.Duration `json:"-"`                     // the same for callers in Go
	Status      int           `json:"status,omitempty"`      // for error_after; default 502
	Probability float64       `json:"probability,omitempty"`
	// Mode refines a kind: "new_event_id" for duplicate, "warning" for socket_disconnect, "cut" for undecodable: an
	// answer that is no JSON instead of one with an element that is new.
	Mode string `json:"mode,omitempty"`
}

// FaultKinds lists every kind that [Server.Fault] knows.
func FaultKinds() []string {
	return []string{"ratelimited", "error_before", "error_after", "drop_before", "drop_after", "undecodable", "slow", "invalid_auth", "token_revoked", "missing_scope",
		"slow_files", "duplicate", "reorder", "unknown_block", "socket_drop", "socket_silent", "socket_disconnect"}
}

// Fault switches trouble on; socket kinds act at once. An unknown kind is an error.
func (s *Server) Fault(f Fault) error {
	if !slices.Contains(FaultKinds(), f.Kind) {
		return fail("unknown_fault")
	}
	switch f.Kind {
	case "socket_drop":
		for _, c := range s.hub.pick(f.Times) {
			c.close()
		}
		return nil
	case "socket_silent":
		for _, c := range s.hub.pick(f.Times) {
			c.silent.Store(true)
		}
		return nil
	case "socket_disconnect":
		reason := "refresh_requested"
		if f.Mode != "" {
			reason = f.Mode
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, c := range s.hub.pick(f.Times) {
			s.hub.farewell(c, reason)
		}
		return nil
	}
	if f.Times == 0 {
		f.Times = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
	return nil
}

// ClearFaults switches all trouble off, silent connections included.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	s.faults = nil
	s.mu.Unlock()
	for _, c := range s.hub.pick(0) {
		c.silent.Store(false)
	}
}

// Faults lists what is still switched on.
func (s *Server) Faults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Fault, len(s.faults))
	for i, f := range s.faults {
		out[i] = *f
	}
	return out
}

// takeFault uses up one occurrence of a kind, if one fits. The server's lock is held.
func (s *Server) takeFault(kind, method, channel string) *Fault {
	for i, f := range s.faults {
		if f.Kind != kind || f.Method != "" && f.Method != method || f.Channel != "" && f.Channel != channel {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		if f.Probability > 0 && f.Probability < 1 && rand.Float64() >= f.Probability {
			continue
		}
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				s.faults = slices.Delete(s.faults, i, i+1)
			}
		}
		return f
	}
	return nil
}

// plan is the trouble that one Web API call meets.
type plan struct {
	delay       time.Duration
	retryAfter  int
	errorBefore bool
	errorAfter  int
	dropBefore  bool
	dropAfter   bool
	undecodable bool
	cut         bool
	fails       string
}

func (s *Server) faultsFor(method, channel string) plan {
	var p plan
	take := func(kind string) *Fault { return s.takeFault(kind, method, channel) }
	if f := take("slow"); f != nil {
		p.delay = cmp.Or(f.Delay, time.Duration(f.DelayMillis)*time.Millisecond, time.Second)
	}
	// One call meets one failure.
	for _, kind := range []string{"ratelimited", "error_before", "drop_before", "invalid_auth", "token_revoked", "missing_scope", "error_after", "drop_after", "undecodable"} {
		f := take(kind)
		if f == nil {
			continue
		}
		switch kind {
		case "ratelimited":
			p.retryAfter = max(f.RetryAfter, 1)
		case "error_before":
			p.errorBefore = true
		case "drop_before":
			p.dropBefore = true
		case "error_after":
			setDefault(&f.Status, 502)
			p.errorAfter = f.Status
		case "drop_after":
			p.dropAfter = true
		case "undecodable":
			// Only posts and updates echo a message; other answers can only be cut.
			p.undecodable, p.cut = true, f.Mode == "cut" || method != "chat.postMessage" && method != "chat.update"
		default:
			p.fails = kind
		}
		break
	}
	return p
}
