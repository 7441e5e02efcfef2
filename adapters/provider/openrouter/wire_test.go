package openrouter

import (
	"strings"
	"testing"

	"github.com/atelier-bridge/atelier/adapters/internal/httpx"
	"github.com/atelier-bridge/atelier/core"
)

func TestErrorsWithinASuccess(t *testing.T) {
	for body, want := range map[string]core.Code{
		`{"data":[]}`: "", `{"error":{"code":502,"message":"upstream"}}`: core.CodeUnknown, `{"error":{"code":402}}`: core.CodeInvalid, `{"error":{"code":429}}`: core.CodeRetry,
		`{"error":{"code":403,"metadata":{"reasons":["violence"]}}}`: core.CodeRefused,
	} {
		var a answer
		if err := httpx.Decode([]byte(body), &a); err != nil {
			t.Fatal(err)
		}
		if err := a.failed(); core.ErrorCode(err) != want {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"data":[{"b64_json":"iVBORw0KGgo="}],"usage":{"cost":0.04}}`))
	f.Add([]byte(`{"choices":[{"message":{"content":"x"}}],"usage":{"cost":1e308}}`))
	f.Add([]byte(`{"error":{"code":403,"metadata":{"reasons":["a\nb"]}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var a answer
		if httpx.Decode(body, &a) == nil {
			_ = a.pictures()
			if c := a.cost(); c.Micros < 0 {
				t.Fatalf("a cost of %d", c.Micros)
			}
			_ = a.failed()
		}
		var c chat
		if httpx.Decode(body, &c) == nil {
			_ = c.text()
		}
		if e := classify(403, body); e != nil && strings.ContainsAny(e.Message, "\n\r\x00") {
			t.Fatalf("%q", e.Message)
		}
	})
}
