package discord

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"image"
	"image/png"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/atelier-bridge/atelier/adapters/discord/discordsim"
	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
)

// beside is how many tests run at once: they wait for sessions and timers, not for processors.
const beside = 8

func TestMain(m *testing.M) {
	flag.Parse()
	if n, err := strconv.Atoi(flag.Lookup("test.parallel").Value.String()); err == nil && n < beside {
		_ = flag.Set("test.parallel", strconv.Itoa(beside))
	}
	goleak.VerifyTestMain(m)
}

var studio = roomID(discordsim.DemoGuildID, discordsim.DemoStudio)

// swap lets a listener exist before what it serves.
type swap struct {
	mu sync.Mutex
	h  http.Handler
}

func (s *swap) set(h http.Handler) { s.mu.Lock(); s.h = h; s.mu.Unlock() }

func (s *swap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	h := s.h
	s.mu.Unlock()
	h.ServeHTTP(w, r)
}

// recorder is a Receiver that keeps what it gets.
type recorder struct {
	mu      sync.Mutex
	in      []core.Inbound
	seen    map[core.InboundID]bool
	acked   map[core.InboundID]bool
	fail    error
	changed chan struct{}
	answer  func(core.Query) (core.Card, error)
	stored  func(core.Inbound) // called once for each new inbound, before Receive returns
	gaps    int
}

func newRecorder() *recorder {
	return &recorder{seen: map[core.InboundID]bool{}, acked: map[core.InboundID]bool{}, changed: make(chan struct{})}
}

func (r *recorder) bump() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// Gap counts what the adapter says was missed.
func (r *recorder) Gap(core.PlatformName) { r.mu.Lock(); defer r.mu.Unlock(); r.gaps++; r.bump() }

func (r *recorder) gapCount() int { r.mu.Lock(); defer r.mu.Unlock(); return r.gaps }

func (r *recorder) Receive(_ context.Context, in core.Inbound) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		return r.fail
	}
	if !r.seen[in.ID] {
		r.seen[in.ID] = true
		r.in = append(r.in, in)
		if r.stored != nil {
			r.stored(in)
		}
	}
	r.bump()
	return nil
}

func (r *recorder) Acknowledged(_ context.Context, id core.InboundID, _ core.RoomID, _ core.IdentityID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.acked[id] = true
	r.bump()
}

func (r *recorder) Answer(_ context.Context, q core.Query) (core.Card, error) {
	r.mu.Lock()
	f := r.answer
	r.mu.Unlock()
	if f == nil {
		return core.Card{}, core.Errorf(core.CodeInvalid, "nothing to answer")
	}
	return f(q)
}

// answers sets what queries are answered with.
func (r *recorder) answers(f func(core.Query) (core.Card, error)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = f
}

// wait returns the first inbound that f accepts.
func (r *recorder) wait(t *testing.T, what string, f func(core.Inbound) bool) core.Inbound {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		r.mu.Lock()
		for _, in := range r.in {
			if f(in) {
				r.mu.Unlock()
				return in
			}
		}
		ch := r.changed
		r.mu.Unlock()
		select {
		case <-ch:
		case <-deadline:
			t.Fatalf("no inbound: %s", what)
		}
	}
}

func (r *recorder) kinds(k core.InboundKind) []core.Inbound {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []core.Inbound
	for _, in := range r.in {
		if in.Kind == k {
			out = append(out, in)
		}
	}
	return out
}

func ofKind(k core.InboundKind) func(core.Inbound) bool {
	return func(in core.Inbound) bool { return in.Kind == k }
}

type rig struct {
	t    *testing.T
	sim  *discordsim.Server
	a    *Adapter
	rec  *recorder
	logs *syncBuffer
	url  string
	done chan error
	stop context.CancelFunc
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}
func (b *syncBuffer) String() string { b.mu.Lock(); defer b.mu.Unlock(); return b.b.String() }

type rigOptions struct {
	sim  discordsim.Options
	http bool
	idle bool // do not run the gateway
	opts func(*Options)
}

func newRig(t *testing.T, ro rigOptions) *rig {
	t.Helper()
	sim, app := &swap{h: http.NotFoundHandler()}, &swap{h: http.NotFoundHandler()}
	simSrv, appSrv := httptest.NewServer(sim), httptest.NewServer(app)
	ro.sim.BaseURL = simSrv.URL
	hc := &http.Client{Transport: &http.Transport{}}
	ro.sim.Client = hc
	if ro.http {
		ro.sim.InteractionsURL = appSrv.URL + InteractionsPath
	}
	s, err := discordsim.New(ro.sim)
	if err != nil {
		t.Fatal(err)
	}
	sim.set(s)
	r := &rig{t: t, sim: s, rec: newRecorder(), url: simSrv.URL, logs: &syncBuffer{}, done: make(chan error, 1)}
	o := Options{BotToken: core.NewSecret(discordsim.DemoBotToken), ApplicationID: discordsim.DemoBotID, APIURL: simSrv.URL + "/api/v10", Table: command.New(),
		Clock: core.SystemClock{}, Log: slog.New(slog.NewTextHandler(r.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	if ro.http {
		o.PublicKey = s.PublicKey()
	}
	if ro.opts != nil {
		ro.opts(&o)
	}
	if r.a, err = New(o); err != nil {
		t.Fatal(err)
	}
	app.set(r.a.Handler(r.rec))
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	if ro.idle {
		r.done <- nil
	} else {
		go func() { r.done <- r.a.Run(ctx, r.rec) }()
	}
	t.Cleanup(func() {
		cancel()
		select {
		case <-r.done:
		case <-time.After(10 * time.Second):
			t.Error("Run did not end")
		}
		r.a.rest.client.CloseIdleConnections()
		r.a.files.CloseIdleConnections()
		hc.CloseIdleConnections()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		simSrv.Close()
		appSrv.Close()
		if strings.Contains(r.logs.String(), discordsim.DemoBotToken) {
			t.Error("the bot token is in the log")
		}
		if t.Failed() {
			t.Log(r.logs.String())
		}
	})
	if !ro.idle {
		r.until("gateway session", func(s *discordsim.Snapshot) bool { return s.Sessions == 1 })
		r.poll("guild known", func() bool { return r.a.world.hasGuild(discordsim.DemoGuildID) })
	}
	return r
}

func (r *rig) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	r.t.Cleanup(cancel)
	return ctx
}

func (r *rig) until(what string, ok func(*discordsim.Snapshot) bool) {
	r.t.Helper()
	if err := r.sim.WaitFor(r.ctx(), ok); err != nil {
		r.t.Fatalf("%s: %v", what, err)
	}
}

func (r *rig) poll(what string, ok func() bool) {
	r.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			r.t.Fatalf("never: %s", what)
		}
	}
}

func (r *rig) act(a discordsim.Action) discordsim.ActResult {
	r.t.Helper()
	res, err := r.sim.Act(r.ctx(), a)
	if err != nil {
		r.t.Fatalf("%s: %v", a.Do, err)
	}
	if res.Failed != "" {
		r.t.Fatalf("%s: client shows %q", a.Do, res.Failed)
	}
	return res
}

func (r *rig) deliver(d core.Delivery) core.Receipt {
	r.t.Helper()
	got, err := r.a.Deliver(r.ctx(), d)
	if err != nil {
		r.t.Fatalf("%s: %v", d.Op, err)
	}
	return got
}

func (r *rig) fault(f discordsim.Fault) {
	r.t.Helper()
	if err := r.sim.Fault(f); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) register() {
	r.t.Helper()
	if changed, err := r.a.Register(r.ctx()); err != nil || !changed {
		r.t.Fatalf("register: %v, %v", changed, err)
	}
}

// task posts a root card and returns its message and thread.
func (r *rig) task() (core.MessageID, core.ThreadID) {
	r.t.Helper()
	got := r.deliver(core.Delivery{ID: "d-root", Op: core.OpPost, Room: studio, Card: sampleCard(), Files: []core.File{pngFile("blob1", "ACME-1-v1.png")}, ThreadName: "ACME-1 a lighthouse"})
	if len(got.Parts) != 1 || got.Thread == "" {
		r.t.Fatalf("root card: %+v", got)
	}
	return got.Parts[0], got.Thread
}

func (r *rig) thread(id core.ThreadID) []discordsim.MessageView {
	r.t.Helper()
	th, ok := r.sim.Thread(string(id))
	if !ok {
		r.t.Fatalf("no thread %s", id)
	}
	var out []discordsim.MessageView
	for _, m := range th.Messages {
		if m.Type != 21 {
			out = append(out, m)
		}
	}
	return out
}

func pngBytes() []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 4, 3))); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func pngFile(blob core.BlobKey, name string) core.File {
	data := pngBytes()
	return core.File{Blob: blob, Name: name, MIME: "image/png", Size: int64(len(data)), Alt: "a grey square", Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data)), nil
	}}
}

func sampleCard() *core.Card {
	act := func(verb string, ref core.ImageRef) core.Action {
		return core.Action{Verb: verb, Task: "ACME-1", Ref: ref}
	}
	changes := act("changes", core.ImageRef{Version: 1})
	changes.Modal = true
	return &core.Card{
		Title:  "ACME-1 · a lighthouse",
		Body:   core.Plain("a lighthouse in the fog, snake_case stays --ar 3:2"),
		Fields: []core.Field{{Label: "Version", Value: core.Plain("v1 · imagine")}, {Label: "Account", Value: core.Plain("Maya · sketch")}},
		Images: []core.Image{{Blob: "blob1", Name: "ACME-1-v1.png", MIME: "image/png", Alt: "a grey square"}},
		Buttons: [][]core.Button{
			{{Label: "U1", Action: act("pick", core.ImageRef{Version: 1, Image: 1})}, {Label: "V1", Action: act("vary", core.ImageRef{Version: 1, Image: 1})}},
			{{Label: "Approve", Style: core.StylePrimary, Action: act("approve", core.ImageRef{Version: 1})}, {Label: "Request changes", Style: core.StyleDanger, Action: changes}, {Label: "Open", URL: "https://example.org/a"}},
		},
		Footer: "--ar 3:2 · seed 7", Tone: core.ToneGood,
	}
}

var errStore = errors.New("store is away")
