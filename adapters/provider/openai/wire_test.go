package openai

import (
	"strings"
	"testing"

	"github.com/atelier-bridge/atelier/adapters/internal/httpx"
	"github.com/atelier-bridge/atelier/core"
)

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"created":1,"data":[{"b64_json":"iVBORw0KGgo="}],"usage":{"input_tokens":1,"output_tokens":2,"input_tokens_details":{"text_tokens":1}}}`))
	f.Add([]byte(`{"output":[{"type":"message","content":[{"type":"output_text","text":"x"},{"type":"refusal"}]}]}`))
	f.Add([]byte(`{"error":{"code":"moderation_blocked","message":"safety_violations=[violence]","moderation_details":{"moderation_stage":"output","categories":["a\nb"]}}}`))
	p, err := New(Options{})
	if err != nil {
		f.Fatal(err)
	}
	j, err := p.Start(core.Account{}, false, core.Request{Op: core.OpGenerate, Prompt: "x"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var a answer
		if httpx.Decode(body, &a) == nil {
			_ = a.pictures()
			if c := p.billed(j, a.Usage); c.Micros < 0 {
				t.Fatalf("a cost of %d", c.Micros)
			}
		}
		var s said
		if httpx.Decode(body, &s) == nil {
			_, _ = s.text()
		}
		if e := classify(400, body); e != nil && (e.Message == "" || strings.ContainsAny(e.Message, "\n\r\x00")) {
			t.Fatalf("%q", e.Message)
		}
	})
}
