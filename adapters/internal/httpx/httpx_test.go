package httpx

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

const key = "sk-secret-0123456789abcdefghij"

func client(t *testing.T, h http.HandlerFunc, change func(*Options)) (*Client, *httptest.Server) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	o := Options{Name: "Example", BaseURL: srv.URL + "/api", Hosts: []string{"*.example.com", "cdn.example.net"}, Timeout: 5 * time.Second}
	if change != nil {
		change(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c, srv
}

func TestAddresses(t *testing.T) {
	c, srv := client(t, func(http.ResponseWriter, *http.Request) {}, nil)
	for address, want := range map[string]bool{
		srv.URL + "/x": true, "https://a.example.com/x": true, "https://a.b.example.com": true, "https://cdn.example.net:443/": true,
		"https://example.com/": false, "http://a.example.com/": false, "https://a.example.com:8443/": false, "https://cdn.example.net.evil.org/": false, "https://evilexample.com/": false,
		"https://user@a.example.com/": false, "http://169.254.169.254/": false, "http://127.0.0.1:1/": false, "file:///etc/passwd": false, "": false, "//a.example.com/": false, "https://A.EXAMPLE.COM/": true,
	} {
		if got := c.Allowed(address) && address != ""; got != want {
			t.Errorf("%q: %v, want %v", address, got, want)
		}
	}
	for _, base := range []string{"", "ftp://x", "https://", "https://u:p@x.example", "https://x.example?q=1", "https://x.example#f", "::"} {
		if _, err := New(Options{Name: "Example", BaseURL: base}); err == nil {
			t.Errorf("%q was taken as a base URL", base)
		}
	}
	for _, host := range []string{"", "*", "*.*.x.org", "https://x.org", "x.org:80", "localhost"} {
		if _, err := New(Options{Name: "Example", BaseURL: "https://x.example", Hosts: []string{host}}); err == nil {
			t.Errorf("%q was taken as a host", host)
		}
	}
}

func TestPublic(t *testing.T) {
	for a, want := range map[string]bool{
		"8.8.8.8": true, "2606:4700::1111": true, "127.0.0.1": false, "10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.169.254": false, "100.100.100.200": false,
		"168.63.129.16": false, "0.0.0.0": false, "255.255.255.255": false, "224.0.0.1": false, "240.0.0.1": false, "192.0.0.192": false, "198.18.0.1": false, "::1": false, "::": false,
		"fe80::1": false, "fe80::1%eth0": false, "fd00:ec2::254": false, "ff02::1": false, "::ffff:127.0.0.1": false, "::ffff:8.8.8.8": true, "64:ff9b::7f00:1": false, "2002:7f00:1::": false, "::7f00:1": false,
	} {
		if got := public(netip.MustParseAddr(a)); got != want {
			t.Errorf("%s: %v, want %v", a, got, want)
		}
	}
}

// TestNoPrivateAddressIsDialled uses a listed name that leads to this machine: nothing may connect.
func TestNoPrivateAddressIsDialled(t *testing.T) {
	var hits atomic.Int32
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			hits.Add(1)
			_ = c.Close()
		}
	}()
	c, _ := client(t, func(http.ResponseWriter, *http.Request) {}, nil)
	tr, _ := c.kept.Transport.(*http.Transport)
	_, err = tr.DialContext(t.Context(), "tcp", l.Addr().String())
	if !errors.Is(err, errPrivate) || hits.Load() > 0 {
		t.Fatalf("%v after %d connections", err, hits.Load())
	}
}

func TestOutcomes(t *testing.T) {
	at := time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat)
	for _, c := range []struct {
		name           string
		status         int
		header, body   string
		billable, free core.Code
		wait           time.Duration
	}{
		{"bad request", 400, "", `{"error":{"message":"size is wrong"}}`, core.CodeInvalid, core.CodeInvalid, 0},
		{"key", 401, "", `{"error":{"message":"Incorrect key sk-secr****ghij"}}`, core.CodeForbidden, core.CodeForbidden, 0},
		{"forbidden", 403, "", "", core.CodeInvalid, core.CodeForbidden, 0},
		{"no credit", 402, "", "", core.CodeInvalid, core.CodeInvalid, 0},
		{"gone", 404, "", "", core.CodeInvalid, core.CodeNotFound, 0},
		{"busy", 429, "", "", core.CodeRetry, core.CodeRetry, 0},
		{"busy for seconds", 429, "2.5", "", core.CodeRetry, core.CodeRetry, 2500 * time.Millisecond},
		{"busy for ever", 429, "1e300", "", core.CodeRetry, core.CodeRetry, maxWait},
		{"busy for NaN", 429, "NaN", "", core.CodeRetry, core.CodeRetry, 0},
		{"busy until a date", 429, at, "", core.CodeRetry, core.CodeRetry, 90 * time.Second},
		{"away with a time", 503, "3", "", core.CodeRetry, core.CodeRetry, 3 * time.Second},
		{"away", 503, "", "", core.CodeUnknown, core.CodeRetry, 0},
		{"broken", 500, "", "<html>", core.CodeUnknown, core.CodeRetry, 0},
		{"moved", 302, "", "", core.CodeUnknown, core.CodeRetry, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			cl, _ := client(t, func(w http.ResponseWriter, _ *http.Request) {
				if c.header != "" {
					w.Header().Set("Retry-After", c.header)
				}
				w.Header().Set("Location", "http://169.254.169.254/")
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}, nil)
			_, err := cl.Do(t.Context(), Call{Method: "POST", Path: "/x", Billable: true, Key: core.NewSecret(key), Header: "Authorization"})
			if core.ErrorCode(err) != c.billable || Status(err) != c.status {
				t.Errorf("billable: %v", err)
			}
			if got := core.RetryAfter(err); got > c.wait || got < c.wait-5*time.Second || c.wait < 10*time.Second && got != c.wait {
				t.Errorf("wait %s, want %s", got, c.wait)
			}
			if _, err = cl.Do(t.Context(), Call{Path: "/x"}); core.ErrorCode(err) != c.free {
				t.Errorf("not billable: %v", err)
			}
		})
	}
}

func TestLostAnswers(t *testing.T) {
	var calls atomic.Int32
	abort := func(http.ResponseWriter, *http.Request) { calls.Add(1); panic(http.ErrAbortHandler) }
	cl, srv := client(t, abort, nil)
	if _, err := cl.Do(t.Context(), Call{Method: "POST", Path: "/x", Body: []byte("{}"), Billable: true}); core.ErrorCode(err) != core.CodeUnknown || calls.Load() != 1 {
		t.Errorf("a lost answer: %v after %d calls", err, calls.Load())
	}
	if _, err := cl.Do(t.Context(), Call{Path: "/x"}); core.ErrorCode(err) != core.CodeRetry {
		t.Errorf("a lost answer to a GET: %v", err)
	}
	srv.Close()
	_, err := cl.Do(t.Context(), Call{Method: "POST", Path: "/x", Body: []byte("{}"), Billable: true, Key: core.NewSecret(key), Header: "Authorization"})
	if core.ErrorCode(err) != core.CodeRetry {
		t.Errorf("nobody listens: %v", err)
	}
	if strings.Contains(err.Error(), key) || strings.Contains(err.Error(), "http") {
		t.Errorf("the error tells too much: %v", err)
	}
}

func TestSlowAndLongAnswers(t *testing.T) {
	hold := make(chan struct{})
	cl, _ := client(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "long") {
			_, _ = w.Write(make([]byte, 1000))
			return
		}
		select {
		case <-r.Context().Done():
		case <-hold:
		}
	}, func(o *Options) { o.Timeout = 50 * time.Millisecond })
	t.Cleanup(func() { close(hold) })
	if _, err := cl.Do(t.Context(), Call{Method: "POST", Path: "/slow", Billable: true}); core.ErrorCode(err) != core.CodeUnknown || !errors.Is(err, errTooSlow) {
		t.Errorf("slow: %v", err)
	}
	cl.o.Timeout = 5 * time.Second
	if _, err := cl.Do(t.Context(), Call{Method: "POST", Path: "/long", Billable: true, Max: 999}); core.ErrorCode(err) != core.CodeUnknown || !errors.Is(err, errTooLong) {
		t.Errorf("long: %v", err)
	}
	if _, err := cl.Do(t.Context(), Call{Path: "/long", Max: 999}); core.ErrorCode(err) != core.CodeTooLarge {
		t.Errorf("long, and free: %v", err)
	}
	if r, err := cl.Do(t.Context(), Call{Path: "/long", Max: 1000}); err != nil || len(r.Body) != 1000 {
		t.Errorf("as long as allowed: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("stopping"))
	if _, err := cl.Do(ctx, Call{Method: "POST", Path: "/long", Billable: true}); core.ErrorCode(err) != core.CodeRetry {
		t.Errorf("ended before: %v", err)
	}
}

func TestRedirects(t *testing.T) {
	var other atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { other.Add(1) }))
	defer elsewhere.Close()
	cl, _ := client(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/here":
			http.Redirect(w, r, "/api/there", http.StatusFound)
		case "/api/away":
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}
	}, nil)
	if _, err := cl.Do(t.Context(), Call{Path: "/here"}); err != nil {
		t.Errorf("on the same host: %v", err)
	}
	if _, err := cl.Do(t.Context(), Call{Path: "/away"}); err == nil {
		t.Error("to another host: it was followed")
	}
	if _, err := cl.Do(t.Context(), Call{Method: "POST", Path: "/here"}); err == nil {
		t.Error("a POST was redirected")
	}
	if other.Load() > 0 {
		t.Error("the other host was called")
	}
}

func TestTheKeyGoesToTheBaseOnly(t *testing.T) {
	var seen []string
	cl, srv := client(t, func(_ http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
	}, nil)
	for _, k := range []Call{{Path: "/x"}, {URL: srv.URL + "/elsewhere"}} {
		k.Key, k.Header, k.Prefix = core.NewSecret(key), "Authorization", "Bearer "
		if _, err := cl.Do(t.Context(), k); err != nil {
			t.Fatal(err)
		}
	}
	if len(seen) != 2 || seen[0] != "Bearer "+key || seen[1] != "Bearer "+key {
		t.Errorf("seen %q", seen)
	}
	cl.o.KeyHosts = []string{"eu.example.org"}
	for address, want := range map[string]bool{"https://a.example.com/x": false, "https://eu.example.org/x": true} {
		if _, keyed, err := cl.address(Call{URL: address}); err != nil || keyed != want {
			t.Errorf("the key goes to %s: %v, %v", address, keyed, err)
		}
	}
	if _, err := cl.Do(t.Context(), Call{Path: "/x", Key: core.NewSecret("a\r\nX: y"), Header: "Authorization"}); core.ErrorCode(err) != core.CodeForbidden {
		t.Errorf("a key of two lines: %v", err)
	}
}

func TestNoProxyFromTheEnvironment(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	cl, _ := client(t, func(http.ResponseWriter, *http.Request) {}, nil)
	if tr, _ := cl.once.Transport.(*http.Transport); tr.Proxy != nil {
		t.Error("a proxy of the environment is used")
	}
}

func TestSaid(t *testing.T) {
	c := &Client{}
	for body, want := range map[string]string{
		`{"error":{"message":"size is wrong"}}`: "size is wrong", `{"error":"no"}`: "no", `{"detail":"Not found"}`: "Not found", `{"detail":[{"msg":"field required"}]}`: "field required",
		`{"errors":["a","b"]}`: "a; b", `{"message":"hi"}`: "hi", `<html>`: "", `{"error":{"message":"key ` + key + ` is wrong"}}`: "key [key-removed] is wrong", `{"message":"two\nlines\u0000"}`: "two lines", ``: "",
	} {
		if got := c.Said(core.NewSecret(key), []byte(body)); got != want {
			t.Errorf("%s says %q, want %q", body, got, want)
		}
	}
}

func FuzzSaid(f *testing.F) {
	f.Add([]byte(`{"error":{"message":"x"}}`))
	f.Add([]byte(`{"detail":[{"msg":"x"}]}`))
	c := &Client{o: Options{Name: "Example", Clock: core.SystemClock{}}, base: &url.URL{}}
	f.Fuzz(func(t *testing.T, body []byte) {
		if s := c.Said(core.NewSecret(key), body); len([]rune(s)) > maxSaid || strings.Contains(s, key) || strings.ContainsAny(s, "\n\r\x00") {
			t.Fatalf("%q", s)
		}
	})
}
