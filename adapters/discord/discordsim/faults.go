package discordsim

import (
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault switches a misbehaviour on. Kinds for REST calls: ratelimited, ratelimited_global, cloudflare429, error_before, error_after, drop_before,
// drop_after, undecodable, slow. For the gateway: gateway_drop, gateway_silent, op1, op7, op7_first, op9, close_code, duplicate, reorder. Others:
// unknown_component, expired_cdn (links made so far die), cdn_error, interaction_lost.
type Fault struct {
	Kind string `json:"kind"`
	// Method and Path narrow a REST fault; Path is a prefix below /api/vN, or a pattern as path.Match takes it.
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`
	// Channel narrows a REST fault to calls about that channel, and says where unknown_component posts.
	Channel string `json:"channel,omitempty"`
	// Event narrows duplicate and reorder to one kind of dispatch.
	Event string `json:"event,omitempty"`
	// Times is how often it strikes: 0 means once, below 0 until it is cleared.
	Times int `json:"times,omitempty"`
	// RetryAfter, in seconds, is what rate limits announce.
	RetryAfter float64 `json:"retry_after,omitempty"`
	// DelayMS is how long slow takes.
	DelayMS int `json:"delay_ms,omitempty"`
	// Status and Code override the HTTP status of errors and the JSON error code; Code is the close code of close_code.
	Status int `json:"status,omitempty"`
	Code   int `json:"code,omitempty"`
	// Resumable is the payload of op9.
	Resumable bool `json:"resumable,omitempty"`
}

type activeFault struct {
	Fault
	left int
}

// Fault switches f on. Those of the gateway that need no later moment (drops, op 1, 7, 9, close codes) strike the connections there are, or the
// next one when there is none.
func (s *Server) Fault(f Fault) error {
	return s.update(func(t *tx) error {
		left := f.Times
		if left == 0 {
			left = 1
		}
		a := &activeFault{Fault: f, left: left}
		t.touched = true
		switch f.Kind {
		case "ratelimited", "ratelimited_global", "cloudflare429", "error_before", "error_after", "drop_before", "drop_after", "undecodable", "slow",
			"duplicate", "reorder", "op7_first", "interaction_lost", "cdn_error":
			s.faults = append(s.faults, a)
		case "expired_cdn":
			s.cdnFloor = s.now()
		case "unknown_component":
			return t.unknownComponent(f.Channel)
		case "gateway_drop", "gateway_silent", "op1", "op7", "op9", "close_code":
			struck := false
			for c := range s.gw.conns {
				if c.session != nil && !c.silent {
					s.strike(c, f)
					struck = true
				}
			}
			if struck && a.left > 0 {
				a.left--
			}
			if a.left != 0 {
				s.faults = append(s.faults, a)
			}
		default:
			return invalid("BASE_TYPE_CHOICES", "Unknown kind of fault", "kind")
		}
		for len(s.faults) > 200 {
			s.faults = s.faults[1:]
		}
		return nil
	})
}

// ClearFaults switches everything off, also silent connections (which are dropped).
func (s *Server) ClearFaults() {
	_ = s.update(func(t *tx) error {
		s.faults = nil
		for c := range s.gw.conns {
			if c.silent {
				c.end(0, "")
			}
		}
		if h := s.gw.held; h != nil {
			s.gw.held = nil
			s.deliver(*h)
		}
		t.touched = true
		return nil
	})
}

// SetLimits switches the platform's rate limits on or off.
func (s *Server) SetLimits(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.o.Limits = on
}

func (s *Server) strike(c *conn, f Fault) {
	switch f.Kind {
	case "gateway_drop":
		c.end(0, "")
		_ = c.ws.Close()
	case "gateway_silent":
		c.silent = true
	case "op1":
		c.op(1, nil)
	case "op7":
		c.op(7, nil)
	case "op9":
		if ss := c.session; ss != nil && !f.Resumable {
			delete(s.gw.sessions, ss.id)
			ss.conn, c.session = nil, nil
		}
		c.op(9, f.Resumable)
	case "close_code":
		code := f.Code
		if code == 0 {
			code = 4000
		}
		if ss := c.session; ss != nil && code != 4000 && code != 4008 {
			delete(s.gw.sessions, ss.id)
		}
		c.end(code, "Simulated.")
	}
}

// take finds a fault of the given kind that holds for the moment, and uses it up.
func (s *Server) takeFault(match func(*activeFault) bool) *activeFault {
	i := slices.IndexFunc(s.faults, match)
	if i < 0 {
		return nil
	}
	f := s.faults[i]
	if f.left > 0 {
		if f.left--; f.left == 0 {
			s.faults = slices.Delete(slices.Clone(s.faults), i, i+1)
		}
	}
	return f
}

func (s *Server) gatewayFault(kind string) *activeFault {
	return s.takeFault(func(f *activeFault) bool { return f.Kind == kind })
}

func (s *Server) gatewayFaultFor(kind, event string) bool {
	return s.takeFault(func(f *activeFault) bool { return f.Kind == kind && (f.Event == "" || f.Event == event) }) != nil
}

// gatewayFaultsOn lets waiting faults strike a connection that just came up.
func (s *Server) gatewayFaultsOn(c *conn) {
	kinds := []string{"gateway_drop", "gateway_silent", "op1", "op7", "op9", "close_code"}
	if f := s.takeFault(func(f *activeFault) bool { return slices.Contains(kinds, f.Kind) }); f != nil {
		s.strike(c, f.Fault)
	}
}

func (s *Server) restFault(method, p string, params map[string]string) *activeFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	kinds := []string{"ratelimited", "ratelimited_global", "cloudflare429", "error_before", "error_after", "drop_before", "drop_after", "undecodable", "slow"}
	channel := params["channel"]
	if h := s.webhooks[params["webhook"]]; h != nil {
		channel = h.ChannelID
	}
	return s.takeFault(func(f *activeFault) bool {
		if !slices.Contains(kinds, f.Kind) || f.Method != "" && f.Method != method || f.Channel != "" && f.Channel != channel {
			return false
		}
		if ok, _ := path.Match(f.Path, p); ok {
			return true
		}
		return strings.HasPrefix(p, f.Path)
	})
}

func (f *activeFault) retry() float64 {
	if f.RetryAfter > 0 {
		return f.RetryAfter
	}
	return 1
}

// before strikes before the call is carried out; true means that the answer is given.
func (f *activeFault) before(s *Server, w http.ResponseWriter, r *http.Request, c *call) bool {
	switch f.Kind {
	case "ratelimited":
		s.answer429(w, r, c, f.retry(), "user")
	case "ratelimited_global":
		s.answer429(w, r, c, f.retry(), "global")
	case "cloudflare429":
		w.Header().Set("Content-Type", "text/html; charset=UTF-8")
		w.Header().Set("Retry-After", strconv.Itoa(int(f.retry()+0.999)))
		w.Header().Set("Server", "cloudflare")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = w.Write([]byte("<!doctype html><title>Access denied</title><h1>Error 1015</h1><p>You are being rate limited</p>"))
		s.record(r, c, http.StatusTooManyRequests)
	case "error_before":
		f.errorAnswer(s, w, r, c)
	case "drop_before":
		s.record(r, c, 0)
		cut(w)
	case "slow":
		timer := time.NewTimer(time.Duration(f.DelayMS) * time.Millisecond)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
		case <-s.ctx.Done():
		}
		return false
	default:
		return false
	}
	return true
}

// after strikes once the call is carried out; true means that the true answer is lost.
func (f *activeFault) after(s *Server, w http.ResponseWriter, r *http.Request, c *call) bool {
	switch f.Kind {
	case "error_after":
		f.errorAnswer(s, w, r, c)
	case "drop_after":
		s.record(r, c, 0)
		cut(w)
	case "undecodable":
		s.record(r, c, http.StatusOK)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write([]byte(`{"id": 12, "content": ["cut sh`))
	default:
		return false
	}
	return true
}

func (f *activeFault) errorAnswer(s *Server, w http.ResponseWriter, r *http.Request, c *call) {
	status := f.Status
	if status == 0 {
		status = http.StatusBadGateway
	}
	if f.Code != 0 || status == http.StatusInternalServerError {
		s.answer(w, r, c, status, obj{"message": strconv.Itoa(status) + ": " + http.StatusText(status), "code": f.Code})
		return
	}
	s.record(r, c, status)
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte("<html><head><title>" + http.StatusText(status) + "</title></head></html>"))
}

// cut ends the connection in the middle of the exchange.
func cut(w http.ResponseWriter) {
	if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = c.Close()
		return
	}
	panic(http.ErrAbortHandler)
}

func (s *Server) cdnFault(w http.ResponseWriter, _ *http.Request) bool {
	s.mu.Lock()
	f := s.takeFault(func(f *activeFault) bool { return f.Kind == "cdn_error" })
	s.mu.Unlock()
	if f == nil {
		return false
	}
	w.WriteHeader(http.StatusBadGateway)
	return true
}

// unknownComponent posts, as another app, a message with a component type that no client knows yet.
func (t *tx) unknownComponent(channelID string) error {
	ch := t.s.channels[channelID]
	if ch == nil {
		return errUnknownChannel()
	}
	t.post(ch, &message{AuthorID: MidjourneyApp, WebhookID: MidjourneyApp, ApplicationID: MidjourneyApp, Content: "A message with something new",
		Components: []obj{{"type": 1, "id": 1, "components": []obj{{"type": 99, "id": 2, "custom_id": "new", "novelty": obj{"of": "tomorrow"}}}}, {"type": 98, "id": 3}}})
	return nil
}
