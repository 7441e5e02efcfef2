package discordsim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/adapters/discord/discordsim"
)

type obj = map[string]any

// late lets the listener exist before the simulator that needs its address.
type late struct {
	mu sync.Mutex
	h  http.Handler
}

func (l *late) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	h := l.h
	l.mu.Unlock()
	h.ServeHTTP(w, r)
}

// start runs a simulator on a port of its own.
func start(t *testing.T, o discordsim.Options) (*discordsim.Server, string) {
	t.Helper()
	l := &late{h: http.NotFoundHandler()}
	srv := httptest.NewServer(l)
	o.BaseURL = srv.URL
	s, err := discordsim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	l.h = s
	l.mu.Unlock()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		srv.Close()
	})
	return s, srv.URL
}

type answer struct {
	status int
	header http.Header
	body   obj
	list   []any
	raw    []byte
}

func (a answer) code() int {
	n, _ := a.body["code"].(float64)
	return int(n)
}

func (a answer) id() string {
	id, _ := a.body["id"].(string)
	return id
}

type client struct {
	t     *testing.T
	base  string
	token string
}

func bot(t *testing.T, base string) *client {
	return &client{t: t, base: base + "/api/v10", token: "Bot " + discordsim.DemoBotToken}
}

func (c *client) v9() *client {
	return &client{t: c.t, base: strings.Replace(c.base, "/v10", "/v9", 1), token: c.token}
}

func (c *client) raw(method, path, ct string, body io.Reader) (answer, error) {
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, body)
	if err != nil {
		return answer{}, err
	}
	if c.token != "" {
		req.Header.Set("Authorization", c.token)
	}
	if ct != "" {
		req.Header.Set("Content-Type", ct)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	a := answer{status: res.StatusCode, header: res.Header}
	if a.raw, err = io.ReadAll(res.Body); err != nil {
		return a, err
	}
	_ = json.Unmarshal(a.raw, &a.body)
	_ = json.Unmarshal(a.raw, &a.list)
	return a, nil
}

func (c *client) do(method, path string, body any) answer {
	c.t.Helper()
	var r io.Reader
	ct := ""
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			c.t.Fatal(err)
		}
		r, ct = bytes.NewReader(b), "application/json"
	}
	a, err := c.raw(method, path, ct, r)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// ok is do for calls that must succeed.
func (c *client) ok(method, path string, body any) answer {
	c.t.Helper()
	a := c.do(method, path, body)
	if a.status >= 300 {
		c.t.Fatalf("%s %s: %d %s", method, path, a.status, a.raw)
	}
	return a
}

type file struct {
	name string
	data []byte
}

func (c *client) upload(method, path string, payload any, files ...file) answer {
	c.t.Helper()
	var b bytes.Buffer
	mw := multipart.NewWriter(&b)
	j, err := json.Marshal(payload)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := mw.WriteField("payload_json", string(j)); err != nil {
		c.t.Fatal(err)
	}
	for i, f := range files {
		w, err := mw.CreateFormFile(fmt.Sprintf("files[%d]", i), f.name)
		if err != nil {
			c.t.Fatal(err)
		}
		if _, err := w.Write(f.data); err != nil {
			c.t.Fatal(err)
		}
	}
	if err := mw.Close(); err != nil {
		c.t.Fatal(err)
	}
	a, err := c.raw(method, path, mw.FormDataContentType(), &b)
	if err != nil {
		c.t.Fatal(err)
	}
	return a
}

func pngOf(w, h int) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, w, h))); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func short(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func act(t *testing.T, s *discordsim.Server, a discordsim.Action) discordsim.ActResult {
	t.Helper()
	res, err := s.Act(short(t), a)
	if err != nil {
		t.Fatalf("%s: %v", a.Do, err)
	}
	return res
}

func get(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(obj)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}
