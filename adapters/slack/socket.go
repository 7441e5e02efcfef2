package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	slackgo "github.com/slack-go/slack"

	"github.com/atelier-bridge/atelier/core"
)

const (
	dialTimeout  = 10 * time.Second
	writeTimeout = 2 * time.Second
	// maxFrame bounds an envelope; Slack's are far below.
	maxFrame = 4 << 20
	// crowded is the wait after Slack said that the app has too many connections.
	crowded = 30 * time.Second
	// maxModals bounds the modals that one connection opens at a time.
	maxModals = 16
)

// meet learns who we are, however long that takes.
func (a *Adapter) meet(ctx context.Context, i *installation) error {
	for n := 0; ; n++ {
		_, err := i.identify(ctx)
		if err == nil || ctx.Err() != nil || core.ErrorCode(err) == core.CodeFatal {
			return err
		}
		a.o.Log.WarnContext(ctx, "slack identity not known yet", "error", err)
		if a.o.Clock.Sleep(ctx, max(a.backoff(n), core.RetryAfter(err))) != nil {
			return nil
		}
	}
}

func (a *Adapter) backoff(n int) time.Duration {
	d := min(a.tune.retryMin<<min(n, 10), a.tune.retryMax)
	return d/2 + rand.N(d/2+1)
}

// serveSlot connects again and again. When Slack announces the end of a connection, the next one is opened first.
func (a *Adapter) serveSlot(ctx context.Context, p *app, r core.Receiver, n int) error {
	var old *link
	defer func() { old.retire() }()
	taken := a.o.Leases != nil // from another process, as far as we know
	for failed := 0; ctx.Err() == nil; {
		l, err := a.connect(ctx, p, r)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			if core.ErrorCode(err) == core.CodeFatal {
				return err
			}
			a.o.Log.WarnContext(ctx, "slack connection failed", "app", p.Name, "slot", n, "error", err)
			wait := max(a.backoff(failed), core.RetryAfter(err))
			failed++
			if a.o.Clock.Sleep(ctx, wait) != nil {
				return nil
			}
			continue
		}
		a.o.Log.InfoContext(ctx, "slack connected", "app", p.Name, "slot", n)
		if l.up() == 1 || taken {
			// There was no connection until now, or its holder may have died with what it was told.
			core.TellGap(r, core.Slack)
		}
		taken = false
		old.retire()
		old = nil
		began := a.o.Clock.Now()
		select {
		case <-l.done:
		case <-l.leaving:
			old = l
		case <-ctx.Done():
			l.retire()
			return nil
		}
		if reason := l.reason(); reason == "link_disabled" {
			l.retire()
			return core.Errorf(core.CodeFatal, "Socket Mode is switched off in Atelier's Slack app.").WithNext("Switch it on in the app's settings.")
		} else if reason == "too_many_websockets" {
			failed++
			if a.o.Clock.Sleep(ctx, crowded) != nil {
				return nil
			}
		}
		a.o.Log.InfoContext(ctx, "slack connection ends", "app", p.Name, "slot", n, "reason", l.reason())
		if failed++; a.o.Clock.Now().Sub(began) > 10*time.Second || old != nil {
			failed = 0
		} else if a.o.Clock.Sleep(ctx, a.backoff(failed-1)) != nil {
			return nil
		}
	}
	return nil
}

// link is one open connection with its one reader.
type link struct {
	a       *Adapter
	app     *app
	r       core.Receiver
	ws      *websocket.Conn
	writes  sync.Mutex
	hello   chan struct{}
	leaving chan struct{} // closed when Slack asks to reconnect
	done    chan struct{} // closed when the reader has ended
	retired atomic.Bool
	why     atomic.Value
	modals  chan struct{}
	busy    sync.WaitGroup
	id      int64
	state   atomic.Int32 // 1 while it counts as open, 2 afterwards
}

// up counts the link as open and returns how many there are.
func (l *link) up() int32 {
	if l.state.CompareAndSwap(0, 1) {
		l.a.o.Telemetry.Add(core.MetricLinkUp, 1, string(core.Slack), "socket")
		l.a.o.Telemetry.Count(core.MetricLinkChanges, string(core.Slack), "up")
		return l.app.open.Add(1)
	}
	return 1 + l.app.open.Load()
}

// down tells that the link's reader has ended.
func (l *link) down() {
	if l.state.Swap(2) == 1 {
		l.a.o.Telemetry.Add(core.MetricLinkUp, -1, string(core.Slack), "socket")
		l.a.o.Telemetry.Count(core.MetricLinkChanges, string(core.Slack), "down")
		l.app.open.Add(-1)
	}
}

// connect opens a connection and returns when Slack has said hello.
func (a *Adapter) connect(ctx context.Context, p *app, r core.Receiver) (*link, error) {
	dctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	api := slackgo.New("", slackgo.OptionAPIURL(a.o.APIURL), slackgo.OptionHTTPClient(a.http), slackgo.OptionAppLevelToken(p.AppToken.Reveal()))
	_, target, err := api.StartSocketModeContext(dctx)
	if err != nil {
		return nil, socketError(fromLibrary("apps.connections.open", err))
	}
	if !a.trusted(target) {
		return nil, core.Errorf(core.CodeForbidden, "slack: the connection's address is not Slack's")
	}
	dialer := websocket.Dialer{HandshakeTimeout: dialTimeout, WriteBufferSize: 32 << 10}
	ws, resp, err := dialer.DialContext(dctx, target, nil)
	if resp != nil {
		_ = resp.Body.Close() // the handshake is over
	}
	if err != nil {
		if resp != nil {
			return nil, core.Wrap(core.CodeRetry, &badStatus{resp.StatusCode})
		}
		return nil, core.Wrap(core.CodeRetry, transport(err))
	}
	ws.SetReadLimit(maxFrame)
	l := &link{a: a, app: p, r: r, ws: ws, id: a.links.Add(1), hello: make(chan struct{}), leaving: make(chan struct{}), done: make(chan struct{}), modals: make(chan struct{}, maxModals)}
	alive := func() error { return ws.SetReadDeadline(time.Now().Add(a.tune.silent)) }
	ws.SetPongHandler(func(string) error { return l.alive(alive) })
	ws.SetPingHandler(func(data string) error {
		_ = ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(writeTimeout)) // a dead link shows in the next read
		return l.alive(alive)
	})
	go l.read(context.WithoutCancel(ctx))
	go l.ping()
	select {
	case <-l.hello:
		return l, nil
	case <-l.done:
		return nil, core.Errorf(core.CodeRetry, "slack: the connection closed before hello (%s)", l.reason())
	case <-dctx.Done():
		l.retire()
		return nil, core.Wrap(core.CodeRetry, fmt.Errorf("slack: no hello: %w", context.Cause(dctx)))
	}
}

func socketError(err error) error {
	var st *badStatus
	if slices.Contains(socketFatalCodes(), code(err)) || errors.As(err, &st) && st.code == 404 {
		return core.Errorf(core.CodeFatal, "Slack refuses the app token for Socket Mode.").WithNext("It needs the scope connections:write, and Socket Mode must be switched on.").Because(err)
	}
	if code(err) == "too_many_websockets" {
		return &core.Error{Code: core.CodeRetry, RetryAfter: crowded, Err: err}
	}
	return classify(err, false)
}

// alive moves the read deadline on, unless the link is being closed.
func (l *link) alive(extend func() error) error {
	if l.retired.Load() {
		return nil
	}
	err := extend()
	if l.retired.Load() {
		return l.ws.SetReadDeadline(time.Now()) // it was retired in between
	}
	return err
}

func (l *link) reason() string {
	s, _ := l.why.Load().(string)
	return s
}

// retire lets the reader finish what it is at and closes the connection. It may be called on nil and more than once.
func (l *link) retire() {
	if l == nil {
		return
	}
	if !l.retired.Swap(true) {
		_ = l.ws.SetReadDeadline(time.Now()) // wakes the reader; it closes the socket
	}
	<-l.done
}

// ping asks for a sign of life; a link that gives none within the deadline is dead, whatever TCP says.
func (l *link) ping() {
	t := time.NewTicker(l.a.tune.ping)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			_ = l.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeTimeout)) // a dead link shows in the reader
		case <-l.done:
			return
		}
	}
}

// frame is whatever Slack sends over a socket.
type frame struct {
	Type       string          `json:"type"`
	EnvelopeID string          `json:"envelope_id"`
	Reason     string          `json:"reason"`
	Payload    json.RawMessage `json:"payload"`
}

// read takes one frame after the other: stored, then acknowledged, then the next.
func (l *link) read(ctx context.Context) {
	defer close(l.done)
	defer l.down()
	defer l.ws.Close()
	defer l.busy.Wait()
	greeted, left := false, false
	for !l.retired.Load() {
		if err := l.ws.SetReadDeadline(time.Now().Add(l.a.tune.silent)); err != nil {
			return
		}
		if l.retired.Load() {
			return
		}
		_, data, err := l.ws.ReadMessage()
		if err != nil {
			if l.reason() == "" {
				l.why.Store(fmt.Sprintf("read: %v", transport(err)))
			}
			return
		}
		var f frame
		if err := json.Unmarshal(data, &f); err != nil {
			l.broken(ctx, data, err)
			continue
		}
		switch {
		case f.Type == "hello":
			if !greeted {
				greeted = true
				close(l.hello)
			}
		case f.Type == "disconnect":
			l.why.Store(f.Reason)
			if !left {
				left = true
				close(l.leaving)
			}
		case f.EnvelopeID != "":
			l.envelope(ctx, f)
		}
	}
}

// broken keeps a frame that is no JSON. If its envelope id can be seen, Slack is told not to send it again.
func (l *link) broken(ctx context.Context, data []byte, cause error) {
	_, _, err := l.a.handle(ctx, l.app, l.r, "broken", data)
	if m := envelopeID.FindSubmatch(data); err == nil && m != nil {
		l.ack(ctx, string(m[1]), nil)
	}
	l.a.o.Log.WarnContext(ctx, "slack frame unreadable", "error", cause, "size", len(data))
}

func (l *link) envelope(ctx context.Context, f frame) {
	if l.opensModal(ctx, f) {
		return
	}
	if f.Type == kindEvents {
		if channel, ts, ok := turn(f.Payload); ok {
			l.a.order.put(ctx, l.id, channel, ts, l.busy.Go, func() { l.store(ctx, f) })
			return
		}
	}
	l.store(ctx, f)
}

// store keeps an envelope and acknowledges it.
func (l *link) store(ctx context.Context, f frame) {
	ack, done, err := l.a.handle(ctx, l.app, l.r, f.Type, f.Payload)
	if err != nil {
		l.a.o.Log.WarnContext(ctx, "slack envelope not stored", "kind", f.Type, "error", err)
		if errors.Is(err, errForeign) {
			l.ack(ctx, f.EnvelopeID, nil) // Slack need not send again what nobody here will take
		}
		return
	}
	if l.ack(ctx, f.EnvelopeID, ack) {
		done()
	}
}

// opensModal moves a press that opens a modal beside the reader: it waits for Slack, and stores nothing.
func (l *link) opensModal(ctx context.Context, f frame) bool {
	if f.Type != kindActions {
		return false
	}
	var it interaction
	if decode(f.Payload, &it) != nil || it.Type != "block_actions" || len(it.Actions) == 0 {
		return false
	}
	if act, err := core.ParseAction(it.Actions[0].ActionID); err != nil || !act.Modal {
		return false
	}
	select {
	case l.modals <- struct{}{}:
	default:
		return false
	}
	l.busy.Go(func() {
		defer func() { <-l.modals }()
		if ack, _, err := l.a.handle(ctx, l.app, l.r, f.Type, f.Payload); err == nil {
			l.ack(ctx, f.EnvelopeID, ack)
		}
	})
	return true
}

func (l *link) ack(ctx context.Context, envelope string, payload any) bool {
	l.writes.Lock()
	defer l.writes.Unlock()
	body := map[string]any{"envelope_id": envelope}
	if payload != nil {
		body["payload"] = payload
	}
	err := l.ws.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err == nil {
		err = l.ws.WriteJSON(body)
	}
	if err != nil {
		l.a.o.Log.WarnContext(ctx, "slack acknowledgement not written", "error", transport(err))
	}
	return err == nil
}
