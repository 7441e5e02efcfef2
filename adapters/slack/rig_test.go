package slack

import (
	"bytes"
	"context"
	"flag"
	"image"
	"image/color"
	"image/png"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/atelier-bridge/atelier/adapters/slack/slacksim"
	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// golden compares with a file of testdata, or writes it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s differs; run with -update and look at the change\n%s", name, got)
	}
}

var _ = flag.Bool("update", false, "write the golden files")

const (
	team               = "T0ATELIER1"
	ada, ben           = "U0ADA00001", "U0BEN00002"
	acme, secretRoom   = "C0ACME0002", "C0SECRET03"
	bot                = "U0BOTATEL1"
	botToken, appToken = "xoxb-sim-bot-token", "xapp-sim-app-token"
	signing            = "sim-signing-secret"
)

var acmeRoom = roomID(team, acme)

// inbox is a core.Receiver that remembers.
type inbox struct {
	mu     sync.Mutex
	seen   map[core.InboundID]bool
	list   []core.Inbound
	acked  []core.InboundID
	fail   error
	modal  core.Card
	wake   chan struct{}
	twice  int
	asked  []core.Query
	answer error
	gaps   int
}

// Gap counts what the adapter says was missed.
func (b *inbox) Gap(core.PlatformName) { b.mu.Lock(); defer b.mu.Unlock(); b.gaps++; b.poke() }

func newInbox() *inbox { return &inbox{seen: map[core.InboundID]bool{}, wake: make(chan struct{})} }

func (b *inbox) poke() { close(b.wake); b.wake = make(chan struct{}) }

func (b *inbox) Receive(_ context.Context, in core.Inbound) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return b.fail
	}
	if b.seen[in.ID] {
		b.twice++
		return nil
	}
	b.seen[in.ID] = true
	b.list = append(b.list, in)
	b.poke()
	return nil
}

func (b *inbox) Acknowledged(_ context.Context, id core.InboundID, _ core.RoomID, _ core.IdentityID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.acked = append(b.acked, id)
	b.poke()
}

func (b *inbox) Answer(_ context.Context, q core.Query) (core.Card, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, q)
	return b.modal, b.answer
}

func (b *inbox) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.list)
}

// until waits for a condition on what has been received.
func (b *inbox) until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.After(15 * time.Second)
	for {
		b.mu.Lock()
		ok, wake := cond(), b.wake
		b.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-wake:
		case <-deadline:
			b.mu.Lock()
			defer b.mu.Unlock()
			t.Fatalf("never came: %s; have %+v", what, b.list)
		}
	}
}

// wait returns the first inbound of a kind that fits.
func (b *inbox) wait(t *testing.T, kind core.InboundKind, fits func(core.Inbound) bool) core.Inbound {
	t.Helper()
	var hit core.Inbound
	b.until(t, string(kind), func() bool {
		for _, in := range b.list {
			if in.Kind == kind && (fits == nil || fits(in)) {
				hit = in
				return true
			}
		}
		return false
	})
	return hit
}

// logs keeps what was logged, to look for secrets.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// rig is a simulated workspace with an adapter on it.
type rig struct {
	*slacksim.Server
	t    *testing.T
	a    *Adapter
	in   *inbox
	ctx  context.Context
	logs *logs
	http *httptest.Server
	app  *httptest.Server
}

type rigOptions struct {
	http   bool // signed HTTP instead of Socket Mode
	idle   bool // nobody receives
	change func(*slacksim.Options)
	mine   func(*Options)
}

func newRig(t *testing.T, o rigOptions) *rig {
	t.Helper()
	so := slacksim.DemoSeed()
	so.FileDelay, so.UnfurlDelay, so.PingInterval = 20*time.Millisecond, 20*time.Millisecond, 100*time.Millisecond
	so.RetryIntervals = []time.Duration{50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond}
	if o.change != nil {
		o.change(&so)
	}
	sim, err := slacksim.New(so)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(sim)
	sim.SetBaseURL(h.URL)
	r := &rig{Server: sim, t: t, in: newInbox(), logs: &logs{}, http: h}
	ao := Options{BotToken: core.NewSecret(botToken), APIURL: sim.APIURL(), Table: command.New(), Log: slog.New(slog.NewJSONHandler(r.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	if o.http {
		ao.SigningSecret = core.NewSecret(signing)
	} else {
		ao.AppToken = core.NewSecret(appToken)
	}
	if o.mine != nil {
		o.mine(&ao)
	}
	if r.a, err = New(ao); err != nil {
		t.Fatal(err)
	}
	r.a.tune = tuning{ping: 50 * time.Millisecond, silent: 400 * time.Millisecond, leaseTTL: 300 * time.Millisecond, retryMin: 10 * time.Millisecond, retryMax: 100 * time.Millisecond,
		filePoll: 10 * time.Millisecond, fileWait: 5 * time.Second, shareWait: 300 * time.Millisecond, lookup: 700 * time.Millisecond, handover: 200 * time.Millisecond}
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	r.ctx = ctx
	run, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	if o.http {
		r.app = httptest.NewServer(r.a.Handler(r.in))
		sim.SetRequestURLs(r.app.URL+"/slack/events", r.app.URL+"/slack/commands", r.app.URL+"/slack/interactions")
	}
	if o.idle {
		done <- nil
	} else {
		go func() { done <- r.a.Run(run, r.in) }()
	}
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error("run:", err)
		}
		cancel()
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
		h.Close()
		if r.app != nil {
			r.app.Close()
		}
		r.a.Close()
		http.DefaultClient.CloseIdleConnections()
		for _, s := range []string{botToken, appToken, signing, "/hooks/", "ticket="} {
			if strings.Contains(r.logs.String(), s) {
				t.Errorf("the log contains %q:\n%s", s, r.logs)
			}
		}
	})
	if !o.http && !o.idle {
		r.until("connections", func(*slacksim.Snapshot) bool { return sim.Connections() == 2 })
	}
	return r
}

// until waits for something to be seen in the workspace; it also looks again now and then, for what is no message.
func (r *rig) until(what string, cond func(*slacksim.Snapshot) bool) {
	r.t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for !cond(r.Snapshot("")) {
		if time.Now().After(deadline) {
			r.t.Fatalf("never seen: %s", what)
		}
		wait, cancel := context.WithTimeout(r.ctx, 20*time.Millisecond)
		_ = r.WaitFor(wait, cond) // the loop looks again
		cancel()
	}
}

func (r *rig) act(a slacksim.Action) slacksim.ActResult {
	r.t.Helper()
	res, err := r.Act(r.ctx, a)
	if err != nil {
		r.t.Fatal(err)
	}
	return res
}

func (r *rig) say(as, channel, thread, text string) string {
	r.t.Helper()
	res := r.act(slacksim.Action{As: as, Do: "say", Channel: channel, ThreadTS: thread, Text: text})
	if !res.OK {
		r.t.Fatal(res.Error)
	}
	return res.TS
}

func (r *rig) deliver(d core.Delivery) core.Receipt {
	r.t.Helper()
	rec, err := r.a.Deliver(r.ctx, d)
	if err != nil {
		r.t.Fatalf("%s: %v", d.Op, err)
	}
	return rec
}

// card posts a root card and returns its ts.
func (r *rig) card(id core.DeliveryID) string {
	r.t.Helper()
	rec := r.deliver(core.Delivery{ID: id, Op: core.OpPost, Room: acmeRoom, ThreadName: "ACME-1 fog", Card: sampleCard()})
	if len(rec.Parts) != 1 || rec.Thread != core.ThreadID(rec.Parts[0]) {
		r.t.Fatalf("%+v", rec)
	}
	return string(rec.Parts[0])
}

func sampleCard() *core.Card {
	changes := core.Action{Verb: "changes", Task: "ACME-1", Ref: core.ImageRef{Version: 1}, Modal: true}
	return &core.Card{Title: "ACME-1 · a lighthouse", Body: core.RichText{core.Para(core.Text("a lighthouse in <fog> & rain --ar 3:2"))},
		Fields: []core.Field{{Label: "Status", Value: core.Plain("review")}, {Label: "Version", Value: core.Plain("v1 · imagine")}}, Tone: core.ToneGood, Footer: "--ar 3:2 · seed 7",
		Buttons: [][]core.Button{{{Label: "U1", Action: core.Action{Verb: "pick", Task: "ACME-1", Ref: core.ImageRef{Version: 1, Image: 1}}}, {Label: "Open", URL: "https://example.org/x"}},
			{{Label: "Approve", Style: core.StylePrimary, Action: core.Action{Verb: "approve", Task: "ACME-1", Ref: core.ImageRef{Version: 1}}}, {Label: "Request changes", Style: core.StyleDanger, Action: changes}}}}
}

func picture(t *testing.T) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 30, 20))
	img.Set(3, 3, color.RGBA{200, 20, 20, 255})
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func fileOf(blob, name, mime string, data []byte, size int64) core.File {
	return core.File{Blob: core.BlobKey(blob), Name: name, MIME: mime, Size: size, Alt: "alt of " + name,
		Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}
}
