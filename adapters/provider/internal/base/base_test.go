package base

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/atelier-bridge/atelier/core"
)

const data = `{"checked":"2026-11-22","baseURL":"https://api.example.com","images":4,"perAccount":2,
"ops":{"generate":{"support":"native"},"vary":{"support":"emulated","how":"an edit"},"pan":{"support":"emulated","how":"padded"},"blend":{"support":"native"},
"upscale":{"support":"native"},"upscale:creative":{"support":"native","unconfirmed":true},"edit-region":{"support":"emulated","how":"by words"},"describe":{"support":"native","micros":100}},
"params":{"ar":{"fidelity":"exact"},"hd":{"fidelity":"exact"},"no":{"fidelity":"prompt-only"},"tile":{"fidelity":"prompt-only"},"stylize":{"fidelity":"prompt-only"},"sref":{"fidelity":"prompt-only"},"style":{"fidelity":"prompt-only"},"raw":{"fidelity":"prompt-only"},"seed":{"fidelity":"exact"}},
"models":[{"id":"a","maxPrompt":400,"perCall":3,"maxRefs":2,"hd":true,"size":{"side":1024,"hdSide":2048,"step":16,"minSide":64,"maxSide":4096,"maxPixels":4194304,"maxRatio":3},"price":{"image":10000,"hd":30000,"input":1000,"native":"credits","nativeUnit":10000}},
{"id":"b","maxPrompt":400,"perCall":1,"maxRefs":2,"ratios":["1:1","3:2"],"size":{"side":1024,"hdSide":1024,"step":1,"minSide":64,"maxSide":4096,"maxPixels":4194304},"price":{"image":20000}}]}`

func newBase(t *testing.T) *Base {
	t.Helper()
	b, err := New(Options{ID: "example", Title: "Example", Builtin: []byte(data)})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func stored(w, h int) *core.StoredImage { return &core.StoredImage{Blob: "x", Width: w, Height: h} }

func TestPlans(t *testing.T) {
	b := newBase(t)
	gen := func(change func(*core.Request)) core.Request {
		r := core.Request{Op: core.OpGenerate, Prompt: "a cat", N: 4, Params: map[string]string{}}
		change(&r)
		return r
	}
	for _, c := range []struct {
		name            string
		r               core.Request
		calls, images   int
		micros          int64
		dropped, approx []string
		blocked         string
	}{
		{"plain", gen(func(*core.Request) {}), 2, 4, 40_000, nil, nil, ""},
		{"large", gen(func(r *core.Request) { r.Params["hd"] = "true" }), 2, 4, 120_000, nil, nil, ""},
		{"large where there is none", gen(func(r *core.Request) { r.Params["hd"], r.Model = "true", "b" }), 4, 4, 80_000, []string{"hd"}, nil, ""},
		{"a ratio that is not listed", gen(func(r *core.Request) { r.Params["ar"], r.Model = "7:5", "b" }), 4, 4, 80_000, nil, []string{"ar"}, ""},
		{"a listed ratio", gen(func(r *core.Request) { r.Params["ar"], r.Model = "3:2", "b" }), 4, 4, 80_000, nil, nil, ""},
		{"too wide", gen(func(r *core.Request) { r.Params["ar"] = "10:1" }), 2, 4, 40_000, nil, nil, "3:1"},
		{"words for flags", gen(func(r *core.Request) { r.Params["no"], r.Params["stylize"], r.Params["repeat"] = "dogs", "900", "2" }), 2, 4, 40_000, nil, []string{"no", "stylize"}, ""},
		{"usual style", gen(func(r *core.Request) { r.Params["stylize"] = "100" }), 2, 4, 40_000, []string{"stylize"}, nil, ""},
		{"codes", gen(func(r *core.Request) { r.Params["sref"], r.Params["style"] = "123", "other" }), 2, 4, 40_000, []string{"sref", "style"}, nil, ""},
		{"weights", gen(func(r *core.Request) { r.Prompt = "cat::2 dog" }), 2, 4, 40_000, []string{"weights"}, nil, ""},
		{"a version of Midjourney", gen(func(r *core.Request) { r.Model = "niji 7" }), 2, 4, 40_000, []string{"v"}, nil, ""},
		{"too long", gen(func(r *core.Request) { r.Prompt = strings.Repeat("x", 401) }), 2, 4, 40_000, nil, nil, "401"},
		{"reroll", gen(func(r *core.Request) { r.Op = core.OpReroll }), 2, 4, 40_000, nil, nil, ""},
		{"vary", gen(func(r *core.Request) { r.Op, r.Source = core.OpVary, stored(100, 50) }), 2, 4, 42_000, nil, nil, ""},
		{"no source", gen(func(r *core.Request) { r.Op = core.OpVary }), 2, 4, 40_000, nil, nil, "no picture"},
		{"pan too far", gen(func(r *core.Request) { r.Op, r.Dir, r.Source = core.OpPan, "left", stored(290, 100) }), 2, 4, 42_000, nil, nil, "3:1"},
		{"vary keeps the source's ratio", gen(func(r *core.Request) {
			r.Op, r.Source, r.Params["ar"] = core.OpVary, stored(100, 50), "2:1"
		}), 2, 4, 42_000, nil, nil, ""},
		{"pan of a large picture", gen(func(r *core.Request) { r.Op, r.Dir, r.Source = core.OpPan, "up", stored(1024, 1024) }), 2, 4, 62_000, nil, nil, ""},
		{"flags of the picture that is upscaled", gen(func(r *core.Request) {
			r.Op, r.Strength, r.Source, r.Params["no"], r.Params["chaos"] = core.OpUpscale, "subtle", stored(64, 64), "rain", "5"
		}), 1, 1, 11_000, nil, nil, ""},
		{"upscale", gen(func(r *core.Request) { r.Op, r.Strength, r.Source = core.OpUpscale, "subtle", stored(64, 64) }), 1, 1, 11_000, nil, nil, ""},
		{"blend too many", gen(func(r *core.Request) { r.Op, r.Refs = core.OpBlend, make([]core.StoredImage, 3) }), 2, 4, 46_000, nil, nil, "at most 2"},
		{"region outside", gen(func(r *core.Request) {
			r.Op, r.Source, r.Area = core.OpEditRegion, stored(64, 64), &core.Area{X: 2, W: 1, H: 1}
		}), 2, 4, 42_000, nil, nil, "outside"},
		{"describe", gen(func(r *core.Request) { r.Op, r.Source = core.OpDescribe, stored(64, 64) }), 1, 0, 100, nil, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := b.Plan(c.r)
			if p.Calls != c.calls || p.Images != c.images || p.Cost.Micros != c.micros || !slices.Equal(p.Dropped, c.dropped) || !slices.Equal(p.Approx, c.approx) {
				t.Errorf("%+v", p)
			}
			if got := blocked(p.Blockers); (got != "") != (c.blocked != "") || !strings.Contains(got, c.blocked) {
				t.Errorf("blockers %q, want %q", got, c.blocked)
			}
		})
	}
	if p := b.Plan(gen(func(*core.Request) {})); p.Cost.Native != "4 credits" || !p.Cost.Estimated {
		t.Errorf("%+v", p.Cost)
	}
}

func TestWords(t *testing.T) {
	b := newBase(t)
	j, err := b.Start(core.Account{}, false, core.Request{Op: core.OpGenerate, Prompt: "cat::2 dog ::-.5", Params: map[string]string{"no": "rain", "tile": "true", "style": "raw", "raw": "true"}})
	if err != nil {
		t.Fatal(err)
	}
	want := "cat dog\nWithout rain.\nLiteral and unembellished, without an added style.\nA seamless pattern that can be repeated on all sides without a visible edge."
	if j.Words != want {
		t.Errorf("%q", j.Words)
	}
}

func TestSeveralKeepsWhatIsPaid(t *testing.T) {
	one := core.Result{Images: []core.Picture{{Bytes: []byte("x")}}, Cost: core.Cost{Micros: 5}}
	run := func(errs ...error) (core.Result, error) {
		return Several(t.Context(), len(errs), func(core.Step) {}, func(_ context.Context, i int) (core.Result, error) {
			if errs[i] != nil {
				return core.Result{}, errs[i]
			}
			return one, nil
		})
	}
	busy, lost, refused := core.Errorf(core.CodeRetry, "Busy."), core.Errorf(core.CodeUnknown, "Lost."), core.Errorf(core.CodeRefused, "Refused.")
	res, err := run(nil, busy, nil, lost)
	if err != nil || len(res.Images) != 2 || res.Cost.Micros != 10 || !res.Cost.Estimated || !strings.Contains(res.Note.String(), "2 of 4") {
		t.Errorf("%+v %v", res, err)
	}
	for want, errs := range map[core.Code][]error{core.CodeUnknown: {busy, refused, lost}, core.CodeRefused: {busy, refused, busy}, core.CodeRetry: {busy, busy}} {
		if _, err := run(errs...); core.ErrorCode(err) != want {
			t.Errorf("%v: %v", errs, err)
		}
	}
}

func TestNames(t *testing.T) {
	for in, want := range map[string]string{"IMAGE_SAFETY": "image safety", "a\nb<script>": "a b script", "violence, self-harm": "violence, self-harm"} {
		if got := Category(in); got != want {
			t.Errorf("%q is %q", in, got)
		}
	}
	if ID("req_1-a.b:c") == "" || ID("a b") != "" || ID(strings.Repeat("x", 101)) != "" || ID("a/b") != "" {
		t.Error("request ids")
	}
	if _, err := Base64(strings.Repeat("A", 80<<20)); core.ErrorCode(err) != core.CodeTooLarge {
		t.Error(err)
	}
}

func blocked(list []core.Saying) (out string) {
	for _, s := range list {
		out += s.String()
	}
	return out
}
