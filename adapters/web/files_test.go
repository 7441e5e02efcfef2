package web

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/atelier-bridge/atelier/core"
)

// handing hands out one file for the token T.
type handing struct {
	out core.Handout
	err error
}

func (h handing) Handout(_ context.Context, token string) (core.Handout, error) {
	if token != "T" {
		return core.Handout{}, core.Errorf(core.CodeNotFound, "This link has expired.")
	}
	return h.out, h.err
}

func serveFiles(t *testing.T, h handing) (*httptest.Server, *Files) {
	t.Helper()
	f := NewFiles(h, nil, slog.New(slog.DiscardHandler))
	s := httptest.NewServer(f.Handler())
	t.Cleanup(s.Close)
	t.Cleanup(f.Close)
	return s, f
}

func fetch(t *testing.T, method, url string) (*http.Response, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return resp, string(data), err
}

func TestFilesAreKeptUnderTheirName(t *testing.T) {
	s, _ := serveFiles(t, handing{out: core.Handout{Name: "ACME-1 été \"x\".png", MIME: "image/png", Size: 5, Write: func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, "bytes")
		return err
	}}})
	for range 2 { // a link works more than once
		resp, body, err := fetch(t, http.MethodGet, s.URL+"/files/T")
		if err != nil || resp.StatusCode != http.StatusOK || body != "bytes" || resp.ContentLength != 5 {
			t.Fatal(err, resp, body)
		}
		if d := resp.Header.Get("Content-Disposition"); d != "attachment; filename*=utf-8''ACME-1%20%C3%A9t%C3%A9%20-x-.png" {
			t.Error(d)
		}
		for name, want := range map[string]string{"Content-Type": "image/png", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s is %q", name, got)
			}
		}
	}
	resp, body, err := fetch(t, http.MethodHead, s.URL+"/files/T")
	if err != nil || resp.ContentLength != 5 || body != "" {
		t.Fatal(err, resp, body)
	}
}

func TestUnknownLinkIsAPage(t *testing.T) {
	s, _ := serveFiles(t, handing{err: core.Errorf(core.CodeForbidden, "Ben may not look at ACME any more.")})
	resp, body, err := fetch(t, http.MethodGet, s.URL+"/files/other")
	if err != nil || resp.StatusCode != http.StatusNotFound || !strings.Contains(body, "This link has expired.") {
		t.Fatal(err, resp, body)
	}
	resp, body, err = fetch(t, http.MethodGet, s.URL+"/files/T")
	if err != nil || resp.StatusCode != http.StatusForbidden || !strings.Contains(body, "may not look") {
		t.Fatal(err, resp, body)
	}
	resp, _, err = fetch(t, http.MethodPost, s.URL+"/files/T")
	if err != nil || resp.StatusCode != http.StatusMethodNotAllowed {
		t.Fatal(err, resp)
	}
}

// A fault in the middle breaks the connection: nobody takes half a file for a whole one. Before the first byte it is a page.
func TestBrokenDownloadIsNoWholeFile(t *testing.T) {
	s, _ := serveFiles(t, handing{out: core.Handout{Name: "a.zip", MIME: "application/zip", Write: func(_ context.Context, w io.Writer) error {
		_, _ = w.Write(make([]byte, 64<<10))
		return errors.New("the store went away")
	}}})
	if _, _, err := fetch(t, http.MethodGet, s.URL+"/files/T"); err == nil {
		t.Error("half an archive looks whole")
	}
	s, _ = serveFiles(t, handing{out: core.Handout{Name: "a.png", MIME: "image/png", Size: 9, Write: func(context.Context, io.Writer) error {
		return core.Errorf(core.CodeRetry, "The store is away.")
	}}})
	resp, body, err := fetch(t, http.MethodGet, s.URL+"/files/T")
	if err != nil || resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "The store is away.") || resp.Header.Get("Content-Disposition") != "" {
		t.Fatal(err, resp, body)
	}
}

// What is being sent ends when the process does, and whoever receives it sees that it is not whole.
func TestDownloadEndsWithTheProcess(t *testing.T) {
	begun := make(chan struct{}, 1)
	s, f := serveFiles(t, handing{out: core.Handout{Name: "a.zip", MIME: "application/zip", Write: func(ctx context.Context, w io.Writer) error {
		_, _ = io.WriteString(w, "first ")
		begun <- struct{}{}
		<-ctx.Done()
		_, err := io.WriteString(w, "last")
		return err
	}}})
	go func() { <-begun; f.Close() }()
	if _, body, err := fetch(t, http.MethodGet, s.URL+"/files/T"); err == nil {
		t.Errorf("half a file looks whole: %q", body)
	}
}

func TestTooManyAtOnceAreAskedToWait(t *testing.T) {
	inside, release := make(chan struct{}), make(chan struct{})
	s, _ := serveFiles(t, handing{out: core.Handout{Name: "a.zip", MIME: "application/zip", Write: func(context.Context, io.Writer) error {
		inside <- struct{}{}
		<-release
		return nil
	}}})
	done := make(chan error)
	for range filesAtOnce {
		go func() {
			resp, err := http.Get(s.URL + "/files/T")
			if err == nil {
				err = resp.Body.Close()
			}
			done <- err
		}()
		<-inside
	}
	resp, _, err := fetch(t, http.MethodGet, s.URL+"/files/T")
	if err != nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Fatal(err, resp)
	}
	close(release)
	for range filesAtOnce {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
