package main

// What the platforms hand to the replicas is read off the connections, so that it is known which messages were told
// live, in which order, and acknowledged. Nothing is changed on the way.

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// taps collects the handings of new messages.
type taps struct {
	mu     sync.Mutex
	hands  map[place][]hand
	open   map[string]opened // Slack's envelopes that wait for an acknowledgement
	links  int64
	seq    int64
	slack  func(channel string) core.RoomID
	parent func(thread string) core.RoomID // the Discord room that a thread lies in
}

type opened struct {
	at place
	n  int
}

func newTaps() *taps { return &taps{hands: map[place][]hand{}, open: map[string]opened{}} }

func (t *taps) link() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.links++
	return t.links
}

// handed notes that a message was handed over.
func (t *taps) handed(link int64, at place) opened {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seq++
	t.hands[at] = append(t.hands[at], hand{link: link, seq: t.seq, at: time.Now()})
	return opened{at, len(t.hands[at]) - 1}
}

// acked notes an acknowledgement.
func (t *taps) acked(o opened) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hands[o.at][o.n].acked = time.Now()
}

// all returns a copy of what was handed over.
func (t *taps) all() map[place][]hand {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make(map[place][]hand, len(t.hands))
	for k, v := range t.hands {
		out[k] = append([]hand(nil), v...)
	}
	return out
}

// slackEvent is as much of an event callback as says that somebody wrote a new message.
type slackEvent struct {
	Event struct {
		Type    string `json:"type"`
		Subtype string `json:"subtype"`
		Channel string `json:"channel"`
		TS      string `json:"ts"`
		BotID   string `json:"bot_id"`
	} `json:"event"`
}

// newMessage returns the message that an event announces.
func (t *taps) newMessage(body []byte) (place, bool) {
	var e slackEvent
	if json.Unmarshal(body, &e) != nil || e.Event.Type != "message" || e.Event.Subtype != "" || e.Event.BotID != "" {
		return place{}, false
	}
	return place{t.slack(e.Event.Channel), core.MessageID(e.Event.TS)}, true
}

// socket taps a Socket Mode connection.
func (t *taps) socket(h http.Handler) http.Handler {
	return tapped(h, func() (down, up func([]byte)) {
		link := t.link()
		down = func(b []byte) {
			var env struct {
				ID      string          `json:"envelope_id"`
				Payload json.RawMessage `json:"payload"`
			}
			if json.Unmarshal(b, &env) != nil || env.ID == "" {
				return
			}
			if at, ok := t.newMessage(env.Payload); ok {
				o := t.handed(link, at)
				t.mu.Lock()
				t.open[env.ID] = o
				t.mu.Unlock()
			}
		}
		up = func(b []byte) {
			var ack struct {
				ID string `json:"envelope_id"`
			}
			if json.Unmarshal(b, &ack) != nil {
				return
			}
			t.mu.Lock()
			o, ok := t.open[ack.ID]
			delete(t.open, ack.ID)
			t.mu.Unlock()
			if ok {
				t.acked(o)
			}
		}
		return down, up
	})
}

// gateway taps a gateway connection.
func (t *taps) gateway(h http.Handler) http.Handler {
	return tapped(h, func() (down, up func([]byte)) {
		link := t.link()
		return func(b []byte) {
			var p struct {
				T string `json:"t"`
				D struct {
					ID      string `json:"id"`
					Channel string `json:"channel_id"`
				} `json:"d"`
			}
			if json.Unmarshal(b, &p) == nil && p.T == "MESSAGE_CREATE" {
				t.handed(link, place{t.parent(p.D.Channel), core.MessageID(p.D.ID)})
			}
		}, nil
	})
}

// tapped lets h take a connection over with a tap on both directions.
func tapped(h http.Handler, tap func() (down, up func([]byte))) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(&tapWriter{w, tap}, r)
	})
}

type tapWriter struct {
	http.ResponseWriter
	tap func() (down, up func([]byte))
}

var errEarly = errors.New("the client sent before the upgrade")

// Hijack gives the connection with a tap on it.
func (w *tapWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	if rw.Reader.Buffered() > 0 {
		return nil, nil, errors.Join(errEarly, c.Close())
	}
	down, up := w.tap()
	t := &tapConn{Conn: c, down: frames{told: down, greeting: true}, up: frames{told: up}}
	return t, bufio.NewReadWriter(bufio.NewReader(t), bufio.NewWriter(t)), nil
}

// tapConn shows what passes to two readers of frames.
type tapConn struct {
	net.Conn
	down, up frames
}

// Write passes on what the platform sends. It is read first: an acknowledgement must not overtake its envelope.
func (c *tapConn) Write(b []byte) (int, error) {
	c.down.see(b)
	return c.Conn.Write(b)
}

// Read passes on what the client sends.
func (c *tapConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.up.see(b[:n])
	return n, err
}

// frames puts WebSocket messages together from the bytes of one direction. https://www.rfc-editor.org/rfc/rfc6455#section-5.2
type frames struct {
	told     func([]byte)
	greeting bool // the answer to the upgrade comes first

	mu  sync.Mutex
	buf []byte
}

func (f *frames) see(b []byte) {
	if f.told == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.buf = append(f.buf, b...)
	if f.greeting {
		_, rest, ok := bytes.Cut(f.buf, []byte("\r\n\r\n"))
		if !ok {
			return
		}
		f.greeting, f.buf = false, bytes.Clone(rest)
	}
	for {
		op, payload, used := frame(f.buf)
		if used == 0 {
			return
		}
		f.buf = f.buf[used:]
		if op == 1 {
			f.told(payload)
		}
	}
}

// frame reads one frame; used is 0 when it is not complete yet. The simulators do not fragment.
func frame(b []byte) (op byte, payload []byte, used int) {
	if len(b) < 2 {
		return 0, nil, 0
	}
	size, at := uint64(b[1]&0x7f), 2
	switch size {
	case 126:
		if len(b) < 4 {
			return 0, nil, 0
		}
		size, at = uint64(binary.BigEndian.Uint16(b[2:])), 4
	case 127:
		if len(b) < 10 {
			return 0, nil, 0
		}
		size, at = binary.BigEndian.Uint64(b[2:]), 10
	}
	var mask []byte
	if b[1]&0x80 != 0 {
		if len(b) < at+4 {
			return 0, nil, 0
		}
		mask = b[at : at+4]
		at += 4
	}
	if uint64(len(b)-at) < size {
		return 0, nil, 0
	}
	payload = bytes.Clone(b[at : at+int(size)])
	for i := range payload {
		if mask != nil {
			payload[i] ^= mask[i%4]
		}
	}
	return b[0] & 0x0f, payload, at + int(size)
}
