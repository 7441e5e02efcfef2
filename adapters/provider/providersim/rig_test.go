package providersim_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/adapters/provider/bfl"
	"github.com/atelier-bridge/atelier/adapters/provider/gemini"
	"github.com/atelier-bridge/atelier/adapters/provider/openai"
	"github.com/atelier-bridge/atelier/adapters/provider/openrouter"
	"github.com/atelier-bridge/atelier/adapters/provider/providersim"
	"github.com/atelier-bridge/atelier/adapters/provider/selfhosted"
	"github.com/atelier-bridge/atelier/adapters/provider/stability"
	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/coretest"
)

// goodKey is the credential of the person in all tests.
const goodKey = "sk-test-0123456789abcdefghijklmnop"

// jumpClock is a clock whose sleeps are over at once.
type jumpClock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *jumpClock { return &jumpClock{now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)} }

func (c *jumpClock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }

func (c *jumpClock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	c.now = c.now.Add(d)
	c.mu.Unlock()
	return context.Cause(ctx)
}

// kit is a stand-in with a provider in front of it.
type kit struct {
	*providersim.Sim
	t     *testing.T
	name  string
	p     core.Automatic
	blobs map[core.BlobKey][]byte
	clock *jumpClock
	url   string
}

// setup tells how to make a provider at an address.
type setup struct {
	name string
	make func(url string, facts []byte, clock core.Clock, timeout time.Duration) (core.Automatic, error)
	// facts switch on what is off by default, so that it is tested as well.
	facts string
	env   []string
	// cannot lists faults that do not exist there.
	cannot []coretest.ProviderFault
	// at says in which step a fault strikes, where that is not the one that bills.
	at map[coretest.ProviderFault]providersim.Step
}

func setups() []setup {
	return []setup{
		{name: providersim.OpenAI, env: []string{"OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_BASE_URL"},
			make: func(url string, facts []byte, clock core.Clock, d time.Duration) (core.Automatic, error) {
				return openai.New(openai.Options{BaseURL: url, Facts: facts, Clock: clock, Timeout: d})
			}},
		{name: providersim.OpenRouter, env: []string{"OPENROUTER_API_KEY", "OPENAI_API_KEY"},
			make: func(url string, facts []byte, clock core.Clock, d time.Duration) (core.Automatic, error) {
				return openrouter.New(openrouter.Options{BaseURL: url, Facts: facts, Clock: clock, Timeout: d})
			}},
		{name: providersim.Gemini, env: []string{"GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI"},
			make: func(url string, facts []byte, clock core.Clock, d time.Duration) (core.Automatic, error) {
				return gemini.New(gemini.Options{BaseURL: url, Facts: facts, Clock: clock, Timeout: d})
			}},
		{name: providersim.BFL, env: []string{"BFL_API_KEY", "FLUX_API_KEY"},
			make: func(url string, facts []byte, clock core.Clock, d time.Duration) (core.Automatic, error) {
				return bfl.New(bfl.Options{BaseURL: url, Facts: facts, Clock: clock, Timeout: d})
			},
			at: map[coretest.ProviderFault]providersim.Step{coretest.FaultEndless: providersim.StepFetch, coretest.FaultRedirect: providersim.StepFetch}},
		{name: providersim.Stability, env: []string{"STABILITY_API_KEY"},
			make: func(url string, facts []byte, clock core.Clock, d time.Duration) (core.Automatic, error) {
				return stability.New(stability.Options{BaseURL: url, Facts: facts, Clock: clock, Timeout: d})
			},
			facts: `{"ops":{"vary":{"unconfirmed":false},"upscale:creative":{"unconfirmed":false},"edit-region":{"unconfirmed":false},"edit-words":{"unconfirmed":false}},
				"params":{"ar":{"unconfirmed":false},"seed":{"unconfirmed":false}},"fields":{"negative_prompt":{"unconfirmed":false}}}`},
		selfHosted(selfhosted.ShapeOpenAI, `{"ops":{"edit-region":{"unconfirmed":false}}}`),
		selfHosted(selfhosted.ShapeA1111, `{"ops":{"upscale":{"unconfirmed":false},"describe":{"unconfirmed":false}},"params":{"tile":{"unconfirmed":false}},"fields":{"interrupt":{"unconfirmed":false}}}`),
		selfHosted(selfhosted.ShapeSDServer, ""),
	}
}

func selfHosted(shape selfhosted.Shape, facts string) setup {
	su := setup{name: providersim.SelfHosted + "/" + string(shape), facts: facts,
		cannot: []coretest.ProviderFault{coretest.FaultUnauthorized, coretest.FaultNoCredit, coretest.FaultRefusal},
		make: func(url string, facts []byte, clock core.Clock, d time.Duration) (core.Automatic, error) {
			return selfhosted.New(selfhosted.Options{BaseURL: url, Facts: facts, Clock: clock, Timeout: d}, shape)
		}}
	return su
}

func newKit(t *testing.T, su setup, facts string) *kit {
	t.Helper()
	k := &kit{Sim: providersim.New(providersim.Options{Clock: newClock()}), t: t, name: su.name, blobs: map[core.BlobKey][]byte{}, clock: newClock()}
	srv := httptest.NewServer(k.Handler())
	t.Cleanup(srv.Close)
	t.Cleanup(k.Sim.Close)
	path, _, _ := strings.Cut(su.name, "/")
	k.url = srv.URL + "/" + path
	k.AddKey(path, goodKey, "Ana", 100_000_000)
	var data []byte
	if facts != "" {
		data = []byte(facts)
	}
	var err error
	if k.p, err = su.make(k.url, data, k.clock, 20*time.Second); err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		k.blobs[core.BlobKey(rune('a'+i))] = picture(i)
	}
	return k
}

// picture is a small test picture; the second one is a JPEG.
func picture(i int) []byte {
	img := image.NewRGBA(image.Rect(0, 0, 96, 64))
	for y := range 64 {
		for x := range 96 {
			img.SetRGBA(x, y, color.RGBA{uint8(x * 2), uint8(y * 3), uint8(60 * i), 255})
		}
	}
	var buf bytes.Buffer
	if i == 1 {
		_ = jpeg.Encode(&buf, img, nil)
	} else {
		_ = png.Encode(&buf, img)
	}
	return buf.Bytes()
}

func (k *kit) stored(key core.BlobKey) core.StoredImage {
	data := k.blobs[key]
	cfg, format, _ := image.DecodeConfig(bytes.NewReader(data))
	return core.StoredImage{Blob: key, MIME: "image/" + format, Width: cfg.Width, Height: cfg.Height, Size: int64(len(data))}
}

func (k *kit) account() core.Account {
	return core.Account{Person: "p-ana", Provider: k.p.Name(), Key: core.NewSecret(goodKey)}
}

func (k *kit) request(op core.Op) core.Request {
	r := core.Request{V: 1, Op: op, Prompt: "a lighthouse in the fog", Full: "a lighthouse in the fog", N: 4, Seed: 42,
		Open: func(_ context.Context, key core.BlobKey) (io.ReadCloser, error) {
			data, ok := k.blobs[key]
			if !ok {
				return nil, core.Errorf(core.CodeNotFound, "There is no such picture.")
			}
			return io.NopCloser(bytes.NewReader(data)), nil
		}}
	if op == core.OpBlend {
		r.Refs = []core.StoredImage{k.stored("a"), k.stored("b")}
		return r
	}
	if op != core.OpGenerate && op != core.OpReroll {
		src := k.stored("a")
		r.Source = &src
	}
	switch op {
	case core.OpVary:
		r.Strength = "strong"
	case core.OpUpscale:
		r.Strength, r.Factor, r.N = "subtle", 2, 1
	case core.OpZoom:
		r.Factor = 1.5
	case core.OpPan:
		r.Dir = "left"
	case core.OpEditRegion:
		r.Area, r.Prompt = &core.Area{X: .25, Y: .25, W: .5, H: .5}, "a red boat"
	case core.OpEditWords:
		r.Prompt = "make it night"
	}
	return r
}

func (k *kit) run(r core.Request) (core.Result, error) {
	return k.p.Run(k.t.Context(), k.account(), r, func(core.Step) {})
}

func (k *kit) must(r core.Request) core.Result {
	k.t.Helper()
	res, err := k.run(r)
	if err != nil {
		k.t.Fatal(err)
	}
	return res
}

// made returns the calls that may have billed.
func (k *kit) made() (out []providersim.Call) {
	for _, c := range k.Calls() {
		if c.Step == providersim.StepMake {
			out = append(out, c)
		}
	}
	return out
}

func (k *kit) last() providersim.Call {
	k.t.Helper()
	made := k.made()
	if len(made) == 0 {
		k.t.Fatal("no call was made")
	}
	return made[len(made)-1]
}

func kinds() map[coretest.ProviderFault]providersim.Kind {
	return map[coretest.ProviderFault]providersim.Kind{
		coretest.FaultBusy: providersim.Busy, coretest.FaultBusyDate: providersim.BusyDate, coretest.FaultBusyPlain: providersim.BusyPlain, coretest.FaultUnavailable: providersim.Unavailable,
		coretest.FaultAccepted: providersim.ErrorAfter, coretest.FaultHangUp: providersim.HangUp, coretest.FaultHTML: providersim.HTML, coretest.FaultCutOff: providersim.CutOff,
		coretest.FaultSlow: providersim.Slow, coretest.FaultTruncated: providersim.Truncated, coretest.FaultOneTruncated: providersim.OneTruncated, coretest.FaultHuge: providersim.Huge,
		coretest.FaultEndless: providersim.Endless, coretest.FaultRedirect: providersim.Redirect, coretest.FaultRefusal: providersim.Refusal,
		coretest.FaultUnauthorized: providersim.Unauthorized, coretest.FaultNoCredit: providersim.NoCredit,
	}
}

func TestConformance(t *testing.T) {
	for _, su := range setups() {
		for _, mode := range []string{"as built in", "with everything on"} {
			facts := ""
			if mode != "as built in" {
				if facts = su.facts; facts == "" {
					continue
				}
			}
			t.Run(su.name+" "+mode, func(t *testing.T) {
				coretest.RunProvider(t, func(t *testing.T) coretest.ProviderRig { return rig(newKit(t, su, facts), su) })
			})
		}
	}
}

func rig(k *kit, su setup) coretest.ProviderRig {
	acct := k.account()
	if _, keyed := k.p.(core.Keyed); !keyed {
		acct.Key = core.Secret{}
	}
	return coretest.ProviderRig{Provider: k.p, Account: acct, Request: k.request, Environment: su.env,
		Fault: func(f coretest.ProviderFault) bool {
			for _, c := range su.cannot {
				if c == f {
					return false
				}
			}
			fault := providersim.Fault{Kind: kinds()[f], Step: su.at[f]}
			if f == coretest.FaultOneTruncated {
				fault.Times = 1
			}
			k.Fault(fault)
			return true
		},
		Calls: func() int { return len(k.Calls()) },
		Made:  func() int { return len(k.made()) },
		Keys: func() (out []string) {
			for _, c := range k.Calls() {
				out = append(out, c.Key)
			}
			return out
		},
		Arrived: func(ctx context.Context) bool {
			select {
			case <-k.Sim.Arrived():
				return true
			case <-ctx.Done():
				return false
			}
		}}
}

func TestRefuseWord(t *testing.T) {
	for _, su := range setups() {
		if strings.HasPrefix(su.name, providersim.SelfHosted) {
			continue
		}
		t.Run(su.name, func(t *testing.T) {
			k := newKit(t, su, "")
			r := k.request(core.OpGenerate)
			r.Prompt += " " + providersim.RefuseWord
			if _, err := k.run(r); core.ErrorCode(err) != core.CodeRefused {
				t.Fatal(err)
			}
		})
	}
}

func find(t *testing.T, name string) setup {
	t.Helper()
	for _, su := range setups() {
		if su.name == name {
			return su
		}
	}
	t.Fatalf("no setup of %s", name)
	return setup{}
}

func unbase64(t *testing.T, s string) []byte {
	t.Helper()
	if _, after, ok := strings.Cut(s, ";base64,"); ok {
		s = after
	}
	data, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
