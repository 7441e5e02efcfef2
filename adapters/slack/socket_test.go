package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
)

// badSlack is a Slack whose sockets send given frames, and that keeps the acknowledgements.
type badSlack struct {
	*httptest.Server
	mu     sync.Mutex
	acks   []string
	open   string // answer of apps.connections.open; empty opens
	opened int
	wake   chan struct{}
	frames []string
}

func newBadSlack(t *testing.T, frames ...string) *badSlack {
	t.Helper()
	b := &badSlack{frames: frames, wake: make(chan struct{}, 100)}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/auth.test", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"ok":true,"team_id":%q,"user_id":%q,"bot_id":"B0ATELIER1","url":"https://n.slack.com/"}`, team, bot)
	})
	mux.HandleFunc("/api/apps.connections.open", func(w http.ResponseWriter, _ *http.Request) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.opened++
		b.wake <- struct{}{}
		if b.open != "" {
			fmt.Fprintf(w, `{"ok":false,"error":%q}`, b.open)
			return
		}
		fmt.Fprintf(w, `{"ok":true,"url":%q}`, strings.Replace(b.URL, "http", "ws", 1)+"/link")
	})
	mux.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"ok":false,"error":"unknown_method"}`) })
	mux.HandleFunc("/link", func(w http.ResponseWriter, r *http.Request) {
		up := websocket.Upgrader{}
		ws, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer ws.Close()
		for _, f := range append([]string{`{"type":"hello","num_connections":1}`}, b.frames...) {
			if ws.WriteMessage(websocket.TextMessage, []byte(f)) != nil {
				return
			}
		}
		for {
			var ack struct {
				ID string `json:"envelope_id"`
			}
			_, data, err := ws.ReadMessage()
			if err != nil {
				return
			}
			if json.Unmarshal(data, &ack) == nil {
				b.mu.Lock()
				b.acks = append(b.acks, ack.ID)
				b.mu.Unlock()
				b.wake <- struct{}{}
			}
		}
	})
	b.Server = httptest.NewServer(mux)
	t.Cleanup(b.Close)
	return b
}

func (b *badSlack) adapter(t *testing.T, change func(*Options)) *Adapter {
	t.Helper()
	o := Options{BotToken: core.NewSecret(botToken), AppToken: core.NewSecret(appToken), APIURL: b.URL + "/api/", Table: command.New(), Connections: 1}
	if change != nil {
		change(&o)
	}
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	a.tune.retryMin, a.tune.retryMax, a.tune.leaseTTL = 5*time.Millisecond, 20*time.Millisecond, 60*time.Millisecond
	t.Cleanup(a.Close)
	return a
}

func (b *badSlack) until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		b.mu.Lock()
		ok := cond()
		b.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-b.wake:
		case <-deadline:
			t.Fatal("never: ", what)
		}
	}
}

func TestUnreadableEnvelopesAreKeptAndAcknowledged(t *testing.T) {
	b := newBadSlack(t,
		`{"envelope_id":"e1","type":"events_api","payload":{"type":"event_callback","team_id":"T0ATELIER1"}}`,
		`{"envelope_id":"e2","type":"slash_commands","payload":"what"}`,
		`{"envelope_id":"e3","type":"something_new","payload":{}}`,
		`{"envelope_id":"e4","type":"interactive","payload":{"type":"block_actions"}`,
		`not json at all`,
		`{"envelope_id":"e5","type":"events_api","payload":`+string(event(`{"type":"message","user":"U1","text":"fine","channel":"C1","ts":"1700000001.0"}`))+`}`)
	a := b.adapter(t, nil)
	in := newInbox()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx, in) }()
	b.until(t, "five acknowledgements", func() bool { return len(b.acks) == 5 })
	in.wait(t, core.InboundMessage, nil)
	if got := fmt.Sprint(b.acks); got != "[e1 e2 e3 e4 e5]" || in.count() != 6 {
		t.Fatal(got, in.list)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestRefusedTokensAreFatal(t *testing.T) {
	for _, refusal := range socketFatalCodes() {
		b := newBadSlack(t)
		b.open = refusal
		if err := b.adapter(t, nil).Run(t.Context(), newInbox()); core.ErrorCode(err) != core.CodeFatal || strings.Contains(err.Error(), appToken) {
			t.Fatal(refusal, err)
		}
	}
	b := newBadSlack(t, `{"type":"disconnect","reason":"link_disabled"}`)
	if err := b.adapter(t, nil).Run(t.Context(), newInbox()); core.ErrorCode(err) != core.CodeFatal {
		t.Fatal(err)
	}
}

// leases is a core.Leases with one holder per name.
type leases struct {
	mu   sync.Mutex
	held map[string]core.Lease
	n    int64
}

func (l *leases) Acquire(_ context.Context, name string, _ time.Duration) (core.Lease, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, taken := l.held[name]; taken {
		return core.Lease{}, false, nil
	}
	l.n++
	l.held[name] = core.Lease{Name: name, Fence: l.n}
	return l.held[name], true, nil
}

func (l *leases) Renew(_ context.Context, x core.Lease, _ time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[x.Name] != x {
		return core.Errorf(core.CodeConflict, "lost")
	}
	return nil
}

func (l *leases) Release(_ context.Context, x core.Lease) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[x.Name] == x {
		delete(l.held, x.Name)
	}
	return nil
}

func TestConnectionsAreHeldByLease(t *testing.T) {
	b := newBadSlack(t)
	l := &leases{held: map[string]core.Lease{}}
	use := func(o *Options) { o.Leases = l; o.Connections = 2 }
	ctx1, stop1 := context.WithCancel(t.Context())
	ctx2, stop2 := context.WithCancel(t.Context())
	defer stop2()
	one, two := make(chan error, 1), make(chan error, 1)
	go func() { one <- b.adapter(t, use).Run(ctx1, newInbox()) }()
	b.until(t, "both connections", func() bool { return b.opened == 2 })
	go func() { two <- b.adapter(t, use).Run(ctx2, newInbox()) }()
	stop1()
	if err := <-one; err != nil {
		t.Fatal(err)
	}
	b.until(t, "the other process takes over", func() bool { return b.opened == 4 })
	l.mu.Lock()
	if len(l.held) != 2 {
		t.Error(l.held)
	}
	for name, x := range l.held { // stolen: the holder reconnects only once it has it again
		x.Fence += 100
		l.held[name] = x
		delete(l.held, name)
		break
	}
	l.mu.Unlock()
	b.until(t, "a lost lease is taken again", func() bool { return b.opened == 5 })
	stop2()
	if err := <-two; err != nil {
		t.Fatal(err)
	}
}
