package discord

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"
)

// deadAfter is how long what we sent may stay without any answer.
const deadAfter = 5 * time.Second

// maxFrame bounds one gateway message; the first ones of a large server have a few megabytes.
const maxFrame = 32 << 20

// inspected bounds the frames that are looked into: what the gateway says about the connection itself is small.
const inspected = 4 << 10

var (
	errReconnect = errors.New("gateway asked to reconnect")
	errInvalid   = errors.New("gateway ended the session")
	errFrame     = errors.New("gateway sent a broken frame")
)

// link is the connection below the library. It watches the frames that come in, because the library handles several of
// them badly: a request to reconnect or an early heartbeat answer deadlocks it, a heartbeat request during a reconnect
// crashes it, an ended session makes it identify at once. It knows the close code, which the library hides, and when
// the other side stopped answering. On any error the connection is closed at once: else the library would say goodbye
// on it, and that ends the session.
type link struct {
	net.Conn
	seq func() int64 // last sequence number, for answering a heartbeat request

	// Only Read touches these.
	in, out []byte
	framing bool // the HTTP upgrade is behind us
	partial bool // inside a fragmented message
	failure error

	mu       sync.Mutex
	reading  bool
	pending  time.Time // when the oldest unanswered write happened
	interval time.Duration
	opened   bool
	leaving  bool
	code     int
	verdict  error
	closed   sync.Once
}

func newLink(c net.Conn, seq func() int64) *link { return &link{Conn: c, seq: seq} }

// Close closes the connection without a word; the session stays.
func (l *link) Close() error {
	var err error
	l.closed.Do(func() { err = l.Conn.Close() })
	return err
}

// leave lets the library say goodbye, which ends the session.
func (l *link) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leaving = true
}

// Write sends and expects some answer within deadAfter. The library says goodbye on its own account when heartbeats
// stay unanswered; that would end a session which can still be resumed.
func (l *link) Write(p []byte) (int, error) {
	const goodbye = 0x88
	l.mu.Lock()
	if len(p) > 0 && p[0] == goodbye && !l.leaving {
		l.mu.Unlock()
		_ = l.Close()
		return 0, net.ErrClosed
	}
	if l.pending.IsZero() {
		l.pending = time.Now()
		if l.reading {
			_ = l.Conn.SetReadDeadline(l.pending.Add(deadAfter))
		}
	}
	l.mu.Unlock()
	_ = l.Conn.SetWriteDeadline(time.Now().Add(2 * deadAfter))
	n, err := l.Conn.Write(p)
	if err != nil {
		_ = l.Close()
	}
	return n, err
}

// SetReadDeadline and SetDeadline are ours to set.
func (l *link) SetReadDeadline(time.Time) error { return nil }

// SetDeadline is ours to set.
func (l *link) SetDeadline(time.Time) error { return nil }

// Read hands on whole frames, without those that would harm the library.
func (l *link) Read(p []byte) (int, error) {
	for len(l.out) == 0 {
		if l.failure == nil {
			l.failure = l.fill()
		}
		if l.failure != nil && len(l.out) == 0 {
			_ = l.Close()
			return 0, l.failure
		}
	}
	n := copy(p, l.out)
	l.out = l.out[n:]
	return n, nil
}

// deadline is until when the next bytes must come. Time in which nobody read does not count against the other side.
func (l *link) deadline(now time.Time) time.Time {
	switch {
	case !l.pending.IsZero():
		if d := l.pending.Add(deadAfter); d.After(now.Add(time.Second)) {
			return d
		}
		return now.Add(time.Second)
	case l.interval > 0:
		return now.Add(2*l.interval + deadAfter)
	}
	return now.Add(2 * deadAfter)
}

func (l *link) fill() error {
	l.mu.Lock()
	l.reading = true
	_ = l.Conn.SetReadDeadline(l.deadline(time.Now()))
	l.mu.Unlock()
	buf := make([]byte, 16<<10)
	n, err := l.Conn.Read(buf)
	l.mu.Lock()
	l.reading = false
	if n > 0 {
		l.pending = time.Time{}
	}
	l.mu.Unlock()
	l.in = append(l.in, buf[:n]...)
	if perr := l.parse(); perr != nil {
		return perr
	}
	return err
}

func (l *link) parse() error {
	if !l.framing {
		i := bytes.Index(l.in, []byte("\r\n\r\n"))
		if i < 0 {
			if len(l.in) > 64<<10 {
				return errFrame
			}
			return nil
		}
		l.framing = true
		l.out, l.in = append(l.out, l.in[:i+4]...), l.in[i+4:]
	}
	for {
		head, size, err := frameSize(l.in)
		if err != nil {
			return err
		}
		if head == 0 || len(l.in) < head+size {
			return nil
		}
		frame := l.in[:head+size]
		pass, err := l.inspect(frame[0], frame[head:])
		if pass {
			l.out = append(l.out, frame...)
		}
		l.in = l.in[head+size:]
		if err != nil {
			return err
		}
	}
}

// frameSize reads a frame's header; head is 0 while it is not there whole. https://www.rfc-editor.org/rfc/rfc6455#section-5.2
func frameSize(b []byte) (head, size int, err error) {
	if len(b) < 2 {
		return 0, 0, nil
	}
	if b[1]&0x80 != 0 {
		return 0, 0, fmt.Errorf("%w: masked", errFrame)
	}
	switch n := int(b[1] & 0x7f); {
	case n < 126:
		return 2, n, nil
	case n == 126:
		if len(b) < 4 {
			return 0, 0, nil
		}
		return 4, int(binary.BigEndian.Uint16(b[2:])), nil
	}
	if len(b) < 10 {
		return 0, 0, nil
	}
	long := binary.BigEndian.Uint64(b[2:])
	if long > maxFrame {
		return 0, 0, fmt.Errorf("%w: too large", errFrame)
	}
	return 10, int(long), nil
}

// inspect decides about one frame: whether the library sees it, and whether the connection ends with it.
func (l *link) inspect(first byte, payload []byte) (pass bool, err error) {
	const text, closing, final = 1, 8, 0x80
	op := first & 0x0f
	if op == closing {
		l.mu.Lock()
		if len(payload) >= 2 {
			l.code = int(binary.BigEndian.Uint16(payload))
		}
		l.mu.Unlock()
		return true, fmt.Errorf("gateway closed the connection, code %d", l.closeCode())
	}
	whole := op == text && first&final != 0 && !l.partial
	if op < closing {
		l.partial = first&final == 0
	}
	if !whole || len(payload) > inspected {
		return true, nil
	}
	var p struct {
		Op *int            `json:"op"`
		D  json.RawMessage `json:"d"`
	}
	if json.Unmarshal(payload, &p) != nil || p.Op == nil {
		return false, nil
	}
	switch *p.Op {
	case 1:
		return false, l.beat()
	case 7:
		return false, l.end(errReconnect)
	case 9:
		if string(p.D) == "true" {
			return false, l.end(errReconnect)
		}
		return false, l.end(errInvalid)
	case 10:
		var hello struct {
			Interval float64 `json:"heartbeat_interval"`
		}
		if json.Unmarshal(p.D, &hello) == nil && hello.Interval > 0 && hello.Interval < 1e7 {
			l.mu.Lock()
			l.interval = time.Duration(hello.Interval) * time.Millisecond
			l.mu.Unlock()
		}
	case 11:
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.opened, nil
	}
	return true, nil
}

func (l *link) end(verdict error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.verdict = verdict
	return verdict
}

// beat answers a heartbeat request with a masked text frame.
func (l *link) beat() error {
	d := "null"
	if n := l.seq(); n > 0 {
		d = strconv.FormatInt(n, 10)
	}
	payload := []byte(`{"op":1,"d":` + d + `}`)
	frame := []byte{0x81, 0x80 | byte(len(payload)), 0, 0, 0, 0}
	if _, err := rand.Read(frame[2:6]); err != nil {
		return err
	}
	for i := range payload {
		payload[i] ^= frame[2+i%4]
	}
	_, err := l.Write(append(frame, payload...))
	return err
}

// open tells that the library has finished opening and takes heartbeat answers.
func (l *link) open() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.opened = true
}

func (l *link) closeCode() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.code
}

func (l *link) outcome() (code int, verdict error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.code, l.verdict
}
