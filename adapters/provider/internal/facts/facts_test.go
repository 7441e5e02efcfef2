package facts

import (
	"strings"
	"testing"

	"github.com/atelier-bridge/atelier/core"
)

const good = `{"checked":"2026-11-22","images":4,"perAccount":2,"ops":{"generate":{"support":"native"},"vary":{"support":"native","unconfirmed":true},
"upscale":{"support":"native"},"upscale:creative":{"support":"native","unconfirmed":true}},"params":{"seed":{"fidelity":"exact","unconfirmed":true},"ar":{"fidelity":"exact"}},
"models":[{"id":"a","maxPrompt":10,"perCall":1,"ratios":["1:1"],"size":{"side":64,"hdSide":64,"step":1,"minSide":1,"maxSide":64,"maxPixels":4096}},{"id":"b","maxPrompt":10,"perCall":1,"ratios":["1:1"],"size":{"side":64,"hdSide":64,"step":1,"minSide":1,"maxSide":64,"maxPixels":4096},"ops":{"generate":{"support":"none"}}}]}`

func TestWhatIsUnconfirmedIsOff(t *testing.T) {
	f, err := Load("x", []byte(good), nil)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := f.Model("")
	b, _ := f.Model("b")
	for _, c := range []struct {
		m        *Model
		op       core.Op
		strength string
		want     core.Support
	}{{a, core.OpGenerate, "", "native"}, {b, core.OpGenerate, "", "none"}, {a, core.OpVary, "strong", "none"}, {a, core.OpUpscale, "subtle", "native"}, {a, core.OpUpscale, "creative", "none"}, {a, core.OpPan, "", "none"}} {
		if o, _ := f.Op(c.m, c.op, c.strength); o.Support != c.want {
			t.Errorf("%s %s of %s is %s, want %s", c.op, c.strength, c.m.ID, o.Support, c.want)
		}
	}
	if f.Param(a, "seed") != core.FidelityDropped || f.Param(a, "ar") != core.FidelityExact || f.Param(a, "chaos") != core.FidelityDropped {
		t.Error("parameters")
	}
	f, err = Load("x", []byte(good), []byte(`{"ops":{"vary":{"unconfirmed":false}},"params":{"seed":{"unconfirmed":false},"ar":null}}`))
	if err != nil {
		t.Fatal(err)
	}
	a, _ = f.Model("")
	if o, ok := f.Op(a, core.OpVary, "strong"); o.Support != core.SupportNative || !ok {
		t.Errorf("switched on, vary is %s", o.Support)
	}
	if f.Param(a, "seed") != core.FidelityExact || f.Param(a, "ar") != core.FidelityDropped {
		t.Error("parameters after the override")
	}
}

func TestAllFaultsAreReported(t *testing.T) {
	_, err := Load("x", []byte(good), []byte(`{"checked":"yesterday","activity":"javascript:alert(1)","images":0,"ops":{"fly":{"support":"native"},"vary":{"support":"emulated"}},
"paths":{"fill":"../x"},"models":[{"id":"","maxPrompt":0,"perCall":1}]}`))
	if err == nil {
		t.Fatal("it was taken")
	}
	for _, want := range []string{"checked", "activity", "images", "fly", "say how", "paths.fill", "models[0].id", "maxPrompt", "size"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no word of %q in: %v", want, err)
		}
	}
	for _, bad := range []string{``, `[]`, `{"unheard":1}`, `{} {}`, `{"models":[]}`, `{"models":null}`} {
		if _, err := Load("x", []byte(good), []byte(bad)); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}
