package stability

import (
	"net/http"
	"testing"

	"github.com/atelier-bridge/atelier/adapters/internal/httpx"
	"github.com/atelier-bridge/atelier/core"
)

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"image":"iVBORw0KGgo=","seed":1,"finish_reason":"SUCCESS"}`), "application/json")
	f.Add([]byte(`{"image":"","finish_reason":"CONTENT_FILTERED"}`), "application/json")
	f.Add([]byte("\x89PNG"), "image/png")
	f.Add([]byte("<html>"), "text/html")
	p, err := New(Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte, kind string) {
		_, _, err := p.picture(httpx.Call{Billable: true}, httpx.Reply{Status: 200, Header: http.Header{"Content-Type": {kind}}, Body: body})
		if c := core.ErrorCode(err); c != "" && c != core.CodeUnknown && c != core.CodeRefused {
			t.Fatal(err)
		}
		_ = classify(403, body)
	})
}
