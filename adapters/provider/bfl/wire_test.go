package bfl

import (
	"testing"

	"github.com/atelier-bridge/atelier/adapters/internal/httpx"
	"github.com/atelier-bridge/atelier/core"
)

func TestStates(t *testing.T) {
	for body, want := range map[string]core.Code{
		`{"status":"Pending"}`: "", `{"status":"Queued"}`: "", `{"status":"Ready","result":{"sample":"https://x"}}`: "", `{"status":"Ready"}`: core.CodeUnknown,
		`{"status":"Request Moderated"}`: core.CodeRefused, `{"status":"Content Moderated"}`: core.CodeRefused, `{"status":"Error"}`: core.CodeUnknown, `{"status":"Task not found"}`: core.CodeNotFound,
	} {
		var s state
		if err := httpx.Decode([]byte(body), &s); err != nil {
			t.Fatal(err)
		}
		if _, err := s.done(); core.ErrorCode(err) != want {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"id":"a","polling_url":"https://api.bfl.ai/x","cost":3,"status":"Ready","result":{"sample":"x"}}`))
	f.Add([]byte(`{"jobs":[{"url":"x","seed":1}]}`))
	f.Add([]byte(`{"detail":[{"msg":"x"}],"cost":1e999}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var a accepted
		if httpx.Decode(body, &a) == nil && a.cost(10_000) < 0 {
			t.Fatal("a cost below nothing")
		}
		var s state
		if httpx.Decode(body, &s) == nil {
			_, _ = s.done()
		}
		if h, err := readHandle(string(body)); err == nil && len(h.Jobs) > maxJobs {
			t.Fatal("too many jobs")
		}
		_ = classify(403, body)
	})
}
