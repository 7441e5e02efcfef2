package selfhosted

import (
	"strings"
	"testing"

	"github.com/atelier-bridge/atelier/adapters/internal/httpx"
	"github.com/atelier-bridge/atelier/core"
)

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"status":"completed","result":{"images":[{"b64_json":"iVBORw0KGgo="}]}}`))
	f.Add([]byte(`{"status":"failed","error":{"message":"a\nb"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var j job
		if httpx.Decode(body, &j) != nil {
			return
		}
		_ = j.pictures()
		if _, err := j.done(); err != nil && strings.ContainsAny(core.SafeMessage(err), "\n\r\x00") {
			t.Fatal(err)
		}
	})
}

func TestShapes(t *testing.T) {
	if _, err := New(Options{}, "comfy"); err == nil {
		t.Error("an unknown shape was taken")
	}
	for _, s := range []Shape{ShapeOpenAI, ShapeA1111, ShapeSDServer, ""} {
		p, err := New(Options{}, s)
		if err != nil {
			t.Fatal(err)
		}
		if c := p.Capabilities(""); !c.Free || c.Ops[core.OpGenerate] != core.SupportNative {
			t.Errorf("%s: %+v", s, c)
		}
		if plan := p.Plan(core.Request{Op: core.OpGenerate, Prompt: "x", N: 4}); plan.Cost != (core.Cost{}) || plan.Calls != 1 {
			t.Errorf("%s: %+v", s, plan)
		}
	}
}
