package discordsim

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Gateway intents.
const (
	intentGuilds         = 1 << 0
	intentGuildMembers   = 1 << 1
	intentWebhooks       = 1 << 5
	intentMessages       = 1 << 9
	intentReactions      = 1 << 10
	intentTyping         = 1 << 11
	intentDirect         = 1 << 12
	intentDirectReaction = 1 << 13
	intentDirectTyping   = 1 << 14
	intentMessageContent = 1 << 15
	allIntents           = 1<<22 - 1 | 1<<24 | 1<<25
)

const (
	maxBacklog  = 2000
	maxSessions = 50
	identifies  = 1000
	resumeGrace = 5 * time.Minute
)

type gatewayState struct {
	sessions   map[string]*session
	conns      map[*conn]bool
	identified []time.Time
	lately     map[int]time.Time // by identify bucket
	held       *event
}

func (g *gatewayState) init() {
	g.sessions, g.conns, g.lately = map[string]*session{}, map[*conn]bool{}, map[int]time.Time{}
}

func (g *gatewayState) closeAll() {
	for c := range g.conns {
		_ = c.ws.Close()
	}
}

// session outlives its connections until the client ends it or stays away too long.
type session struct {
	id      string
	shard   [2]int
	seq     int
	intents int
	version int
	backlog []frame
	conn    *conn
	left    time.Time
}

type frame struct {
	seq  int
	data []byte
}

// conn is one WebSocket. Writing happens in its own goroutine, so that nobody waits for a slow client.
type conn struct {
	ws       *websocket.Conn
	out      chan []byte
	done     chan struct{}
	once     sync.Once
	version  int
	stream   bool
	packets  bool
	session  *session
	silent   bool
	lastBeat time.Time
	code     int
	reason   string
}

type packet struct {
	Op int             `json:"op"`
	D  json.RawMessage `json:"d"`
	S  *int            `json:"s,omitempty"`
	T  string          `json:"t,omitempty"`
}

func (s *Server) gatewayURL() string {
	return "ws" + strings.TrimPrefix(s.o.BaseURL, "http") + "/gateway"
}

func (s *Server) sessionLimit() obj {
	s.gw.prune(s.now())
	reset := 0
	if len(s.gw.identified) > 0 {
		reset = int(s.gw.identified[0].Add(24 * time.Hour).Sub(s.now()).Milliseconds())
	}
	remaining := max(identifies-len(s.gw.identified), 0)
	if s.o.StaleSessionLimit {
		remaining = identifies
	}
	return obj{"total": identifies, "remaining": remaining, "reset_after": reset, "max_concurrency": s.o.MaxConcurrency}
}

func (g *gatewayState) prune(now time.Time) {
	for len(g.identified) > 0 && now.Sub(g.identified[0]) >= 24*time.Hour {
		g.identified = g.identified[1:]
	}
	for id, ss := range g.sessions {
		if ss.conn == nil && now.Sub(ss.left) > resumeGrace {
			delete(g.sessions, id)
		}
	}
}

// serveGateway is the WebSocket side.
func (s *Server) serveGateway(w http.ResponseWriter, r *http.Request) {
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }, ReadBufferSize: 4096, WriteBufferSize: 4096}
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	ws.SetReadLimit(1 << 16)
	q := r.URL.Query()
	version, _ := strconv.Atoi(q.Get("v"))
	c := &conn{ws: ws, out: make(chan []byte, maxBacklog+256), done: make(chan struct{}), version: version, stream: q.Get("compress") == "zlib-stream", lastBeat: time.Now()}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		_ = ws.Close()
		return
	}
	s.gw.conns[c] = true
	s.work.Go(func() { s.writer(c) })
	switch {
	case version != 0 && version < 9 || version > 10:
		c.end(4012, "Invalid API version.")
	case q.Get("encoding") != "" && q.Get("encoding") != "json":
		c.end(4002, "Error while decoding payload.")
	default:
		c.op(10, obj{"heartbeat_interval": s.o.HeartbeatInterval.Milliseconds(), "_trace": []string{"discordsim"}})
	}
	s.mu.Unlock()
	s.reader(c)
}

func (c *conn) op(op int, d any) {
	b, err := json.Marshal(obj{"op": op, "d": d, "s": nil, "t": nil})
	if err == nil {
		c.write(b)
	}
}

// write queues one packet; a client that does not read for so long is cut off.
func (c *conn) write(b []byte) {
	if c.silent {
		return
	}
	select {
	case c.out <- b:
	default:
		c.end(4000, "Unknown error.")
	}
}

// end closes the connection after what is queued; code 0 cuts it without a word.
func (c *conn) end(code int, reason string) {
	c.once.Do(func() {
		c.code, c.reason = code, reason
		close(c.done)
	})
}

func (s *Server) writer(c *conn) {
	beat := time.NewTicker(s.o.HeartbeatInterval)
	defer beat.Stop()
	defer c.ws.Close()
	var z *zlib.Writer
	var buf bytes.Buffer
	if c.stream {
		z = zlib.NewWriter(&buf)
	}
	send := func(b []byte) bool {
		_ = c.ws.SetWriteDeadline(time.Now().Add(10 * time.Second))
		switch {
		case z != nil:
			_, _ = z.Write(b)
			_ = z.Flush()
			out := bytes.Clone(buf.Bytes())
			buf.Reset()
			return c.ws.WriteMessage(websocket.BinaryMessage, out) == nil
		case c.packets && len(b) > 1024:
			// Large packets come compressed when the client allowed it, small ones do not.
			var one bytes.Buffer
			zw := zlib.NewWriter(&one)
			_, _ = zw.Write(b)
			_ = zw.Close()
			return c.ws.WriteMessage(websocket.BinaryMessage, one.Bytes()) == nil
		}
		return c.ws.WriteMessage(websocket.TextMessage, b) == nil
	}
	for {
		select {
		case b := <-c.out:
			if !send(b) {
				return
			}
		case <-beat.C:
			s.mu.Lock()
			late := time.Since(c.lastBeat) > 2*s.o.HeartbeatInterval && !c.silent
			s.mu.Unlock()
			if late {
				c.end(4009, "Session timed out.")
			}
		case <-s.ctx.Done():
			return
		case <-c.done:
			for len(c.out) > 0 {
				if !send(<-c.out) {
					return
				}
			}
			if c.code != 0 {
				msg := websocket.FormatCloseMessage(c.code, c.reason)
				_ = c.ws.WriteControl(websocket.CloseMessage, msg, time.Now().Add(time.Second))
			}
			return
		}
	}
}

// reader takes packets until the connection ends, then decides what becomes of the session.
func (s *Server) reader(c *conn) {
	code := websocket.CloseAbnormalClosure
	var sent []time.Time
	for {
		kind, b, err := c.ws.ReadMessage()
		if err != nil {
			var ce *websocket.CloseError
			if errors.As(err, &ce) {
				code = ce.Code
			}
			break
		}
		if len(b) > 4096 || kind != websocket.TextMessage && kind != websocket.BinaryMessage {
			c.end(4002, "Error while decoding payload.")
			continue
		}
		now := time.Now()
		for len(sent) > 0 && now.Sub(sent[0]) > time.Minute {
			sent = sent[1:]
		}
		if sent = append(sent, now); len(sent) > 120 {
			c.end(4008, "You are being rate limited.")
			continue
		}
		var p packet
		if json.Unmarshal(b, &p) != nil {
			c.end(4002, "Error while decoding payload.")
			continue
		}
		s.mu.Lock()
		s.packet(c, p)
		s.mu.Unlock()
	}
	c.end(0, "")
	_ = c.ws.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.gw.conns, c)
	if ss := c.session; ss != nil && ss.conn == c {
		ss.conn, ss.left = nil, s.now()
		// A client that says goodbye with one of these has no session to come back to.
		if code == websocket.CloseNormalClosure || code == websocket.CloseGoingAway {
			delete(s.gw.sessions, ss.id)
		}
	}
	if !s.closed {
		s.bump()
	}
}
