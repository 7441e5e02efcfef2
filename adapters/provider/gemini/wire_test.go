package gemini

import (
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/adapters/internal/httpx"
	"github.com/atelier-bridge/atelier/core"
)

func TestWithout(t *testing.T) {
	for body, want := range map[string]core.Code{
		`{"promptFeedback":{"blockReason":"SAFETY"}}`: core.CodeRefused, `{"candidates":[{"finishReason":"IMAGE_SAFETY"}]}`: core.CodeRefused,
		`{"candidates":[{"finishReason":"IMAGE_OTHER"}]}`: core.CodeRefused, `{"candidates":[{"finishReason":"NO_IMAGE"}]}`: core.CodeInvalid,
		`{"candidates":[{"finishReason":"STOP","content":{"parts":[{"text":"I cannot"}]}}]}`: core.CodeInvalid, `{}`: core.CodeInvalid,
	} {
		var a answer
		if err := httpx.Decode([]byte(body), &a); err != nil {
			t.Fatal(err)
		}
		if err := a.without(); core.ErrorCode(err) != want {
			t.Errorf("%s: %v", body, err)
		}
	}
	e := classify(429, []byte(`{"error":{"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.5s"}]}}`))
	if e == nil || e.RetryAfter != 34500*time.Millisecond {
		t.Errorf("%+v", e)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"candidates":[{"content":{"parts":[{"inlineData":{"data":"iVBORw0KGgo="}},{"thought":true,"text":"x"}]}}]}`))
	f.Add([]byte(`{"error":{"details":[{"retryDelay":"-1s"},{"reason":"API_KEY_INVALID"}]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var a answer
		if httpx.Decode(body, &a) == nil {
			_, _ = a.pictures(), a.text()
			if a.without() == nil {
				t.Fatal("nothing, and no reason")
			}
		}
		if e := classify(429, body); e != nil && (e.RetryAfter < 0 || e.RetryAfter > time.Hour) {
			t.Fatal(e.RetryAfter)
		}
	})
}
