package web

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/atelier-bridge/atelier/core"
)

// linking is a core.Linking with one page of each kind.
type linking struct{ entered, code string }

var page = core.LinkPage{Provider: "openai", Person: "Ana <b>", Identity: "slack:T1/U1"}

func (l *linking) Page(_ context.Context, token string) (core.LinkPage, error) {
	if token != "T" || l.entered != "" {
		return core.LinkPage{}, core.Errorf(core.CodeNotFound, "This step was used already or has expired.")
	}
	return page, nil
}

func (l *linking) Returned(ctx context.Context, token string) (core.LinkPage, error) {
	return l.Page(ctx, token)
}

func (l *linking) Enter(_ context.Context, _ string, key core.Secret) (*core.AccountRecord, error) {
	if key.Reveal() == "wrong" {
		return nil, core.Errorf(core.CodeForbidden, "OpenAI does not accept this key.")
	}
	l.entered = key.Reveal()
	return &core.AccountRecord{Last4: "1234", Facts: core.AccountFacts{Balance: "$4.20 left"}}, nil
}

func (l *linking) Exchange(_ context.Context, _, code string) (*core.AccountRecord, error) {
	l.code = code
	return &core.AccountRecord{Last4: "9999"}, nil
}

func serve(t *testing.T, l *linking, r *http.Request) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	NewAccounts(l, nil, slog.New(slog.DiscardHandler)).Handler().ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"} {
		if got := w.Header().Get(name); got != want && w.Code != http.StatusForbidden {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	return w.Code, string(body)
}

func post(path string, form url.Values) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func TestKeyIsEnteredOnceAndNeverShown(t *testing.T) {
	l := &linking{}
	code, body := serve(t, l, httptest.NewRequest(http.MethodGet, "/account/T", nil))
	if code != http.StatusOK || !strings.Contains(body, "Ana &lt;b&gt;") || !strings.Contains(body, "Slack") {
		t.Fatal(code, body)
	}
	code, body = serve(t, l, post("/account/T", url.Values{"key": {"wrong"}}))
	if code != http.StatusUnprocessableEntity || !strings.Contains(body, "does not accept") || !strings.Contains(body, "<form") {
		t.Fatal(code, body)
	}
	code, body = serve(t, l, post("/account/T", url.Values{"key": {"sk-secret-1234"}}))
	if code != http.StatusOK || strings.Contains(body, "sk-secret") || !strings.Contains(body, "1234") || !strings.Contains(body, "$4.20") || l.entered != "sk-secret-1234" {
		t.Fatal(code, body)
	}
	if code, _ = serve(t, l, httptest.NewRequest(http.MethodGet, "/account/T", nil)); code != http.StatusGone {
		t.Fatal("a used page answers", code)
	}
}

func TestReturnAsksBeforeItTradesTheCode(t *testing.T) {
	l := &linking{}
	code, body := serve(t, l, httptest.NewRequest(http.MethodGet, "/oauth/openai/T?code=abc%22x", nil))
	if code != http.StatusOK || l.code != "" || !strings.Contains(body, "Yes, link it to") {
		t.Fatal(code, l.code, body)
	}
	if code, _ = serve(t, l, httptest.NewRequest(http.MethodGet, "/oauth/openai/T", nil)); code != http.StatusUnprocessableEntity {
		t.Fatal("no code", code)
	}
	if code, _ = serve(t, l, httptest.NewRequest(http.MethodGet, "/oauth/other/T?code=a", nil)); code != http.StatusUnprocessableEntity {
		t.Fatal("another provider's return", code)
	}
	if code, _ = serve(t, l, post("/oauth/openai/T", url.Values{"code": {"abc"}})); code != http.StatusOK || l.code != "abc" {
		t.Fatal(code, l.code)
	}
}

func TestOtherSitesMayNotPost(t *testing.T) {
	l := &linking{}
	r := post("/account/T", url.Values{"key": {"sk-attacker"}})
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if code, _ := serve(t, l, r); code != http.StatusForbidden || l.entered != "" {
		t.Fatal(code, l.entered)
	}
	if code, _ := serve(t, l, post("/account/T", url.Values{"key": {strings.Repeat("x", 10_000)}})); code != http.StatusUnprocessableEntity || l.entered != "" {
		t.Fatal("an endless key", code)
	}
}
