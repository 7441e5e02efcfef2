package providersim_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/adapters/provider/providersim"
	"github.com/atelier-bridge/atelier/core"
)

func TestOpenRouterLinksWithoutAKey(t *testing.T) {
	k := newKit(t, find(t, providersim.OpenRouter), "")
	p, ok := k.p.(core.Authorizer)
	if !ok {
		t.Fatal("it is no authorizer")
	}
	verifier := "a-verifier-of-forty-three-characters-or-more-0123"
	sum := sha256.Sum256([]byte(verifier))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	page := p.Authorize("https://atelier.example/oauth/openrouter/tok?state=1", challenge)
	if !strings.HasPrefix(page, k.url+"/auth?") {
		t.Fatalf("the page is %s", page)
	}
	code := press(t, page)
	if _, err := p.Exchange(t.Context(), code, "another verifier"); core.ErrorCode(err) != core.CodeInvalid {
		t.Errorf("another verifier: %v", err)
	}
	code = press(t, page)
	key, err := p.Exchange(t.Context(), code, verifier)
	if err != nil || key.IsZero() {
		t.Fatal(err)
	}
	if _, err := p.Exchange(t.Context(), code, verifier); core.ErrorCode(err) != core.CodeInvalid {
		t.Errorf("the same code again: %v", err)
	}
	a := core.Account{Person: "p", Key: key}
	f, err := p.Verify(t.Context(), a)
	if err != nil || !strings.Contains(f.Balance, "$10.00") || f.Plan != "paid" || strings.Contains(f.Scope, "sk-") {
		t.Errorf("%+v %v", f, err)
	}
	res, err := p.Run(t.Context(), a, k.request(core.OpGenerate), func(core.Step) {})
	if err != nil || res.Cost.Micros != 160_000 || res.Cost.Estimated {
		t.Errorf("%+v %v", res.Cost, err)
	}
	if owner := k.last().Owner; owner != "Bela" {
		t.Errorf("it was made on the account of %q", owner)
	}
}

// press opens the stand-in's page and presses its button; it returns the code.
func press(t *testing.T, page string) string {
	t.Helper()
	resp, err := http.Get(page)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK || !strings.Contains(string(text), "<form") {
		t.Fatalf("the page: %d %s", resp.StatusCode, text)
	}
	u, _ := url.Parse(page)
	form := url.Values{"callback_url": {u.Query().Get("callback_url")}, "code_challenge": {u.Query().Get("code_challenge")}, "owner": {"Bela"}}
	u.RawQuery = ""
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err = client.PostForm(u.String(), form)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	back, err := resp.Location()
	if err != nil || back.Query().Get("state") != "1" || back.Host != "atelier.example" {
		t.Fatalf("sent back to %v: %v", back, err)
	}
	return back.Query().Get("code")
}

func TestSomeOfSeveralCallsFail(t *testing.T) {
	for _, name := range []string{providersim.OpenRouter, providersim.Gemini, providersim.Stability} {
		t.Run(name, func(t *testing.T) {
			k := newKit(t, find(t, name), "")
			k.Fault(providersim.Fault{Kind: providersim.ErrorAfter, Skip: 1, Times: 2})
			res := k.must(k.request(core.OpGenerate))
			if len(res.Images) != 2 || !strings.Contains(res.Note.String(), "2 of 4") || !res.Cost.Estimated || len(k.made()) != 4 {
				t.Errorf("%d pictures, note %q, cost %+v, %d calls", len(res.Images), res.Note, res.Cost, len(k.made()))
			}
			k.Clear()
			k.Fault(providersim.Fault{Kind: providersim.Refusal, Times: 1})
			res = k.must(k.request(core.OpGenerate))
			if len(res.Images) != 3 || !strings.Contains(res.Note.String(), "refused") {
				t.Errorf("%d pictures, note %q", len(res.Images), res.Note)
			}
			// One lost answer among refusals counts: it may have been billed.
			k.Clear()
			k.Fault(providersim.Fault{Kind: providersim.HangUp, Times: 1})
			k.Fault(providersim.Fault{Kind: providersim.Busy})
			if _, err := k.run(k.request(core.OpGenerate)); core.ErrorCode(err) != core.CodeUnknown {
				t.Errorf("one lost, three too busy: %v", err)
			}
		})
	}
}

func TestGeminiWithoutAPictureIsNoRefusal(t *testing.T) {
	k := newKit(t, find(t, providersim.Gemini), "")
	r := k.request(core.OpGenerate)
	r.Prompt = "no-image please"
	_, err := k.run(r)
	if core.ErrorCode(err) != core.CodeInvalid || !strings.Contains(core.SafeMessage(err), "Reroll") {
		t.Errorf("%v says %q", err, core.SafeMessage(err))
	}
}

func TestBFLIsResumed(t *testing.T) {
	k := newKit(t, find(t, providersim.BFL), "")
	re, ok := k.p.(core.Resumer)
	if !ok {
		t.Fatal("it cannot resume")
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var handle string
	_, err := k.p.Run(ctx, k.account(), k.request(core.OpGenerate), func(s core.Step) {
		if s.Handle == "" {
			return
		}
		for _, c := range k.Calls() {
			if c.Step == providersim.StepPoll {
				t.Error("it asked before the handle was told")
			}
		}
		if handle = s.Handle; len(k.made()) == 4 {
			cancel(errors.New("the process stops"))
		}
	})
	if core.ErrorCode(err) != core.CodeUnknown || handle == "" || strings.Contains(handle, goodKey) {
		t.Fatalf("%v with the handle %q", err, handle)
	}
	res, err := re.Resume(t.Context(), k.account(), k.request(core.OpGenerate), handle, func(core.Step) {})
	if err != nil || len(res.Images) != 4 || len(k.made()) != 4 || !res.Note.IsZero() || res.Cost.Micros != 160_000 {
		t.Fatalf("%v: %d pictures, %d calls, note %q, %+v", err, len(res.Images), len(k.made()), res.Note, res.Cost)
	}
	for _, c := range k.Calls() {
		if c.Step == providersim.StepFetch && c.Key != "" {
			t.Error("the key went to where results are")
		}
	}
	k.Forget(providersim.BFL)
	for _, h := range []string{handle, "", "{}", `{"jobs":[{"url":"https://evil.example/x"}]}`, `{"jobs":[{"url":"http://169.254.169.254/"}]}`} {
		if _, err := re.Resume(t.Context(), k.account(), k.request(core.OpGenerate), h, func(core.Step) {}); core.ErrorCode(err) != core.CodeNotFound {
			t.Errorf("the handle %q: %v", h, err)
		}
	}
}

func TestBFLTrustsNoForeignAddress(t *testing.T) {
	k := newKit(t, find(t, providersim.BFL), "")
	k.Fault(providersim.Fault{Kind: providersim.ForeignURL})
	if _, err := k.run(k.request(core.OpGenerate)); core.ErrorCode(err) != core.CodeUnknown {
		t.Error(err)
	}
	if len(k.made()) != 1 {
		t.Errorf("%d calls were made after an answer that cannot be trusted", len(k.made()))
	}
}

func TestBFLWaitsThroughTrouble(t *testing.T) {
	k := newKit(t, find(t, providersim.BFL), "")
	k.Fault(providersim.Fault{Kind: providersim.ErrorBefore, Step: providersim.StepPoll, Times: 5})
	k.Fault(providersim.Fault{Kind: providersim.HangUp, Step: providersim.StepFetch, Times: 2})
	if res := k.must(k.request(core.OpGenerate)); len(res.Images) != 4 {
		t.Errorf("%d pictures", len(res.Images))
	}
	k.Fault(providersim.Fault{Kind: providersim.ErrorBefore, Step: providersim.StepPoll})
	if _, err := k.run(k.request(core.OpGenerate)); core.ErrorCode(err) != core.CodeUnknown {
		t.Errorf("trouble without an end: %v", err)
	}
}

func TestBFLLiesOnTheGrid(t *testing.T) {
	k := newKit(t, find(t, providersim.BFL), "")
	k.must(k.request(core.OpPan))
	c := k.last()
	for _, name := range []string{"width", "height", "reference_offset_x", "reference_offset_y"} {
		if v, _ := c.JSON[name].(float64); int(v)%16 != 0 {
			t.Errorf("%s is %v", name, v)
		}
	}
	if c.Path != "/v1/flux-tools/outpainting-v1" || c.JSON["seed"] == nil {
		t.Errorf("%s %v", c.Path, c.JSON["seed"])
	}
}

func TestStabilityKeepsTheUnconfirmedOff(t *testing.T) {
	su := find(t, providersim.Stability)
	k := newKit(t, su, "")
	caps := k.p.Capabilities("")
	for _, op := range []core.Op{core.OpVary, core.OpEditRegion, core.OpEditWords, core.OpBlend, core.OpDescribe} {
		if caps.Ops[op] != core.SupportNone {
			t.Errorf("%s is %s", op, caps.Ops[op])
		}
	}
	r := k.request(core.OpUpscale)
	r.Strength = "creative"
	if p := k.p.Plan(r); len(p.Blockers) == 0 || !strings.Contains(p.Blockers[0].String(), "--strength") {
		t.Errorf("a creative upscale: %+v", p)
	}
	r = k.request(core.OpGenerate)
	r.Params = map[string]string{"ar": "3:2", "seed": "5", "no": "cars"}
	k.must(r)
	if f := k.last().Fields; f["seed"] != nil || f["negative_prompt"] != nil || f["aspect_ratio"] != nil || !strings.Contains(f["prompt"][0], "Without cars.") {
		t.Errorf("sent %v", f)
	}
	k = newKit(t, su, su.facts)
	k.must(r)
	if f := k.last().Fields; f["seed"] == nil || f["negative_prompt"][0] != "cars" || f["aspect_ratio"][0] != "3:2" || strings.Contains(f["prompt"][0], "Without") {
		t.Errorf("switched on, sent %v", f)
	}
}

func TestStabilityCreativeUpscaleIsResumed(t *testing.T) {
	su := find(t, providersim.Stability)
	k := newKit(t, su, su.facts)
	r := k.request(core.OpUpscale)
	r.Strength = "creative"
	var handle string
	res, err := k.p.Run(t.Context(), k.account(), r, func(s core.Step) {
		if s.Handle != "" {
			handle = s.Handle
		}
	})
	if err != nil || len(res.Images) != 1 || handle == "" {
		t.Fatal(err, handle)
	}
	re, _ := k.p.(core.Resumer)
	if res, err := re.Resume(t.Context(), k.account(), r, handle, nil); err != nil || len(res.Images) != 1 || len(k.made()) != 1 {
		t.Errorf("%v after %d calls", err, len(k.made()))
	}
	for _, h := range []string{"", "../v1/user/balance", "a b", "gone"} {
		if _, err := re.Resume(t.Context(), k.account(), r, h, nil); core.ErrorCode(err) != core.CodeNotFound {
			t.Errorf("the handle %q: %v", h, err)
		}
	}
}

func TestASelfHostedServerIsToldToStop(t *testing.T) {
	for name, path := range map[string]string{"selfhosted/sdserver": "/cancel", "selfhosted/a1111": "/sdapi/v1/interrupt"} {
		t.Run(name, func(t *testing.T) {
			su := find(t, name)
			k := newKit(t, su, su.facts)
			if name == "selfhosted/a1111" {
				k.Fault(providersim.Fault{Kind: providersim.Slow})
			} else {
				k.Fault(providersim.Fault{Kind: providersim.Slow, Step: providersim.StepPoll})
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			done := make(chan error, 1)
			go func() {
				_, err := k.p.Run(ctx, k.account(), k.request(core.OpGenerate), func(core.Step) {})
				done <- err
			}()
			for c := range k.Arrived() {
				if c.Step == providersim.StepPoll || name == "selfhosted/a1111" {
					break
				}
			}
			cancel(errors.New("somebody cancelled"))
			if err := <-done; core.ErrorCode(err) != core.CodeRetry {
				t.Error(err)
			}
			calls := k.Calls()
			if last := calls[len(calls)-1]; !strings.HasSuffix(last.Path, path) {
				t.Errorf("the last call is %s", last.Path)
			}
			if !k.p.Capabilities("").Stops {
				t.Error("it does not say that it stops")
			}
		})
	}
}

func TestSlowProvidersAreGivenUp(t *testing.T) {
	su := find(t, providersim.OpenAI)
	k := newKit(t, su, "")
	p, err := su.make(k.url, nil, k.clock, 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	k.Fault(providersim.Fault{Kind: providersim.Slow})
	if _, err := p.Run(t.Context(), k.account(), k.request(core.OpGenerate), func(core.Step) {}); core.ErrorCode(err) != core.CodeUnknown {
		t.Error(err)
	}
}

func TestConstructors(t *testing.T) {
	for _, su := range setups() {
		for name, facts := range map[string]string{"no JSON": "x", "an unknown field": `{"unheard":1}`, "no models": `{"models":[]}`} {
			if _, err := su.make("https://example.com", []byte(facts), nil, 0); err == nil {
				t.Errorf("%s takes facts with %s", su.name, name)
			}
		}
		if _, err := su.make("ftp://example.com", nil, nil, 0); err == nil {
			t.Errorf("%s takes any base URL", su.name)
		}
		p, err := su.make("", nil, nil, 0)
		if err != nil {
			t.Fatalf("%s: %v", su.name, err)
		}
		if _, keyed := p.(core.Keyed); keyed {
			terms := p.Terms()
			if terms.Version == "" || terms.Source == "" || terms.Checked == "" || !terms.Automation || len(terms.Rules) == 0 || p.Capabilities("").Activity == "" {
				t.Errorf("%s: terms %+v", su.name, terms)
			}
		}
		for _, m := range p.Capabilities("").Models {
			for op, support := range p.Capabilities(m).Ops {
				if support != core.SupportNative && support != core.SupportEmulated && support != core.SupportNone {
					t.Errorf("%s %s: %s is %s", su.name, m, op, support)
				}
			}
		}
	}
}
