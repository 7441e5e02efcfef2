package slacksim

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

const (
	maxSockets = 10
	// maxAck is where Slack silently drops an acknowledgement.
	maxAck     = 20 << 10
	ticketLife = 30 * time.Second
)

// hub keeps the Socket Mode connections of the app.
type hub struct {
	s       *Server
	mu      sync.Mutex
	conns   []*socket
	next    int
	tickets map[string]time.Time
	pending map[string]*pendingAck
	arrived chan struct{} // closed and replaced when a connection is ready
}

type pendingAck struct {
	d     *delivery
	c     *socket
	timer *time.Timer
}

type socket struct {
	ws       *websocket.Conn
	send     chan []byte
	gone     chan struct{}
	once     sync.Once
	silent   atomic.Bool
	retiring atomic.Bool
}

func newHub(s *Server) *hub {
	return &hub{s: s, tickets: map[string]time.Time{}, pending: map[string]*pendingAck{}, arrived: make(chan struct{})}
}

func (c *socket) close() { c.once.Do(func() { close(c.gone); c.ws.Close() }) }

func (s *Server) connectionsOpen(*request) (obj, error) {
	t, err := s.hub.ticket(s.opt.Now())
	if err != nil {
		return nil, err
	}
	base := strings.Replace(s.opt.BaseURL, "http", "ws", 1)
	return obj{"url": base + "/link/?ticket=" + t + "&app_id=" + s.opt.AppID}, nil
}

func (h *hub) ticket(now time.Time) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.conns) >= maxSockets {
		return "", fail("too_many_websockets")
	}
	for t, exp := range h.tickets {
		if now.After(exp) {
			delete(h.tickets, t)
		}
	}
	t := randomHex(16)
	h.tickets[t] = now.Add(ticketLife)
	return t, nil
}

// serve upgrades one connection. A ticket opens one socket, once.
func (h *hub) serve(w http.ResponseWriter, r *http.Request) {
	t := r.URL.Query().Get("ticket")
	h.mu.Lock()
	exp, ok := h.tickets[t]
	delete(h.tickets, t)
	full := len(h.conns) >= maxSockets
	h.mu.Unlock()
	if !ok || h.s.opt.Now().After(exp) {
		http.Error(w, "invalid ticket", http.StatusForbidden)
		return
	}
	up := websocket.Upgrader{WriteBufferSize: 32 << 10, CheckOrigin: func(*http.Request) bool { return true }}
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	c := &socket{ws: ws, send: make(chan []byte, 1024), gone: make(chan struct{})}
	if full {
		ws.WriteJSON(h.disconnectFrame("too_many_websockets")) // best effort: the socket closes anyway
		c.close()
		return
	}
	ws.SetReadLimit(1 << 20)
	life := h.s.opt.ConnectionLife
	if r.URL.Query().Get("debug_reconnects") == "true" {
		life = min(life, 360*time.Second)
	}
	h.mu.Lock()
	h.conns = append(h.conns, c)
	n := len(h.conns)
	hello, err := json.Marshal(obj{"type": "hello", "num_connections": n, "connection_info": obj{"app_id": h.s.opt.AppID},
		"debug_info": obj{"host": "applink-sim", "build_number": 1, "approximate_connection_time": int(life.Seconds())}})
	if err == nil {
		c.send <- hello // the channel is new: it has room
	}
	close(h.arrived)
	h.arrived = make(chan struct{})
	h.mu.Unlock()
	h.s.goRun(func() { h.write(c, life) })
	if h.s.ctx.Err() != nil {
		c.close()
	}
	h.read(c)
	h.drop(c)
}

func (h *hub) disconnectFrame(reason string) obj {
	return obj{"type": "disconnect", "reason": reason, "debug_info": obj{"host": "applink-sim"}}
}

// write is the only writer of frames: envelopes, pings, and the farewell at the end of a connection's life.
func (h *hub) write(c *socket, life time.Duration) {
	ping := time.NewTicker(h.s.opt.PingInterval)
	defer ping.Stop()
	warn := time.NewTimer(max(life-10*time.Second, life/2))
	defer warn.Stop()
	end := time.NewTimer(life)
	defer end.Stop()
	defer c.close()
	for {
		var err error
		select {
		case <-h.s.ctx.Done():
			return
		case <-c.gone:
			return
		case b := <-c.send:
			if !c.silent.Load() {
				c.ws.SetWriteDeadline(time.Now().Add(5 * time.Second))
				err = c.ws.WriteMessage(websocket.TextMessage, b)
			}
		case <-ping.C:
			if !c.silent.Load() {
				err = c.ws.WriteControl(websocket.PingMessage, []byte("Ping from applink-sim"), time.Now().Add(5*time.Second))
			}
		case <-warn.C:
			h.farewell(c, "warning")
		case <-end.C:
			h.farewell(c, "refresh_requested")
		}
		if err != nil {
			return
		}
	}
}

// farewell tells a client to reconnect. After "refresh_requested" the socket gets nothing new and closes soon.
func (h *hub) farewell(c *socket, reason string) {
	b, err := json.Marshal(h.disconnectFrame(reason))
	if err != nil {
		return
	}
	select {
	case c.send <- b:
	default:
	}
	if reason == "warning" {
		return
	}
	c.retiring.Store(true)
	h.s.goRun(func() {
		t := time.NewTimer(5 * time.Second)
		defer t.Stop()
		select {
		case <-t.C:
			c.close()
		case <-c.gone:
		case <-h.s.ctx.Done():
		}
	})
}

// read takes acknowledgements until the connection ends.
func (h *hub) read(c *socket) {
	c.ws.SetPingHandler(func(data string) error {
		if c.silent.Load() {
			return nil
		}
		c.ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(time.Second)) // a dead peer shows in the next read
		return nil
	})
	quiet := 30*time.Second + 2*h.s.opt.PingInterval
	alive := func(string) error { return c.ws.SetReadDeadline(time.Now().Add(quiet)) }
	alive("") // an open socket takes a deadline
	c.ws.SetPongHandler(alive)
	for {
		_, b, err := c.ws.ReadMessage()
		if err != nil {
			return
		}
		var ack struct {
			EnvelopeID string          `json:"envelope_id"`
			Payload    json.RawMessage `json:"payload"`
		}
		if c.silent.Load() || len(b) >= maxAck || json.Unmarshal(b, &ack) != nil || ack.EnvelopeID == "" {
			continue
		}
		h.mu.Lock()
		p := h.pending[ack.EnvelopeID]
		delete(h.pending, ack.EnvelopeID)
		h.mu.Unlock()
		if p == nil {
			continue
		}
		p.timer.Stop()
		r := reply{}
		if p.d.accepts {
			r.payload = ack.Payload
		}
		p.d.settle(r)
	}
}

// drop forgets a connection; what it had not acknowledged goes to another one at once.
func (h *hub) drop(c *socket) {
	c.close()
	h.mu.Lock()
	h.conns = slices.DeleteFunc(h.conns, func(x *socket) bool { return x == c })
	var lost []*delivery
	for id, p := range h.pending {
		if p.c == c {
			delete(h.pending, id)
			p.timer.Stop()
			lost = append(lost, p.d)
		}
	}
	h.mu.Unlock()
	slices.SortFunc(lost, func(a, b *delivery) int { return a.created.Compare(b.created) })
	for _, d := range lost {
		h.s.out.retry(d, "connection_closed")
	}
}

// deliver writes an envelope to one of the connections, in turn. Without any it waits for one until the deadline
// and then reports false.
func (h *hub) deliver(d *delivery, deadline time.Time) bool {
	for {
		h.mu.Lock()
		var live []*socket
		for _, c := range h.conns {
			if !c.retiring.Load() {
				live = append(live, c)
			}
		}
		arrived := h.arrived
		if len(live) > 0 {
			h.next++
			ok := h.put(live[h.next%len(live)], d)
			h.mu.Unlock()
			return ok
		}
		h.mu.Unlock()
		wait := time.Until(deadline)
		if wait <= 0 || d.kind != kindEvent {
			return false
		}
		t := time.NewTimer(wait)
		select {
		case <-arrived:
		case <-t.C:
		case <-h.s.ctx.Done():
			t.Stop()
			return false
		}
		t.Stop()
	}
}

// put registers an envelope and hands it to the writer. The hub's lock is held.
func (h *hub) put(c *socket, d *delivery) bool {
	id := newUUID()
	env := obj{"envelope_id": id, "type": d.kind, "payload": d.body, "accepts_response_payload": d.accepts}
	if d.kind == kindEvent {
		env["retry_attempt"], env["retry_reason"] = d.attempt, d.reason
	}
	b, err := json.Marshal(env)
	if err != nil {
		return false
	}
	select {
	case c.send <- b:
	default:
		return false
	}
	p := &pendingAck{d: d, c: c}
	p.timer = time.AfterFunc(h.s.opt.AckTimeout, func() {
		h.mu.Lock()
		live := h.pending[id] == p
		delete(h.pending, id)
		h.mu.Unlock()
		if live && h.s.ctx.Err() == nil {
			h.s.out.retry(d, "timeout")
		}
	})
	h.pending[id] = p
	return true
}

func (h *hub) closeAll() {
	h.mu.Lock()
	conns := slices.Clone(h.conns)
	for _, p := range h.pending {
		p.timer.Stop()
	}
	h.mu.Unlock()
	for _, c := range conns {
		c.close()
	}
}

// pick returns up to n connections, all of them for n == 0.
func (h *hub) pick(n int) []*socket {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n <= 0 || n > len(h.conns) {
		n = len(h.conns)
	}
	return slices.Clone(h.conns[:n])
}

// Connections is how many Socket Mode connections are open.
func (s *Server) Connections() int { return len(s.hub.pick(0)) }
