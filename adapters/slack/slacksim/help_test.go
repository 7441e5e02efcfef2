package slacksim

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

const (
	ada, ben, cleo = "U0ADA00001", "U0BEN00002", "U0CLEO0003"
	acme, general  = "C0ACME0002", "C0GENERAL1"
	private, nobot = "C0SECRET03", "C0NOBOT004"
)

type rig struct {
	*Server
	t   *testing.T
	url string
	ctx context.Context
}

func newRig(t *testing.T, change func(*Options)) *rig {
	t.Helper()
	o := DemoSeed()
	o.UnfurlDelay, o.FileDelay = -1, -1
	if change != nil {
		change(&o)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s)
	s.SetBaseURL(h.URL)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(func() {
		cancel()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		h.Close()
	})
	return &rig{Server: s, t: t, url: h.URL, ctx: ctx}
}

func (r *rig) raw(token, method string, args obj) (int, http.Header, obj) {
	r.t.Helper()
	form := url.Values{}
	for k, v := range args {
		if t, ok := v.(string); ok {
			form.Set(k, t)
			continue
		}
		b, err := json.Marshal(v)
		if err != nil {
			r.t.Fatal(err)
		}
		form.Set(k, string(b))
	}
	req, err := http.NewRequestWithContext(r.ctx, http.MethodPost, r.url+"/api/"+method, strings.NewReader(form.Encode()))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, nil
	}
	defer resp.Body.Close()
	out := obj{}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp.StatusCode, resp.Header, nil
	}
	json.Unmarshal(b, &out) // faults answer with HTML
	return resp.StatusCode, resp.Header, out
}

func (r *rig) api(method string, args obj) obj {
	r.t.Helper()
	_, _, out := r.raw(r.opt.BotToken, method, args)
	return out
}

// must calls a method that has to work.
func (r *rig) must(method string, args obj) obj {
	r.t.Helper()
	out := r.api(method, args)
	if out["ok"] != true {
		r.t.Fatalf("%s: %v", method, out)
	}
	return out
}

func (r *rig) act(a Action) ActResult {
	r.t.Helper()
	res, err := r.Act(r.ctx, a)
	if err != nil {
		r.t.Fatal(err)
	}
	return res
}

func (r *rig) say(as, channel, thread, text string) string {
	r.t.Helper()
	res := r.act(Action{As: as, Do: "say", Channel: channel, ThreadTS: thread, Text: text})
	if !res.OK {
		r.t.Fatal(res.Error)
	}
	return res.TS
}

func (r *rig) post(url, contentType, body string) (int, string) {
	r.t.Helper()
	resp, err := http.Post(url, contentType, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// client is a raw Socket Mode client that acknowledges everything through a function.
type client struct {
	t     *testing.T
	ws    *websocket.Conn
	mu    sync.Mutex
	seen  []obj
	pings int
	more  chan struct{}
	done  chan struct{}
}

// connect opens a socket. answer returns the payload of the acknowledgement and whether to send one; nil acks all.
func (r *rig) connect(answer func(env obj) (any, bool)) *client {
	r.t.Helper()
	_, _, out := r.raw(r.opt.AppToken, "apps.connections.open", nil)
	u, _ := out["url"].(string)
	ws, _, err := websocket.DefaultDialer.DialContext(r.ctx, u, nil)
	if err != nil {
		r.t.Fatalf("dial %s: %v", u, err)
	}
	c := &client{t: r.t, ws: ws, more: make(chan struct{}, 1), done: make(chan struct{})}
	pong := ws.PingHandler()
	ws.SetPingHandler(func(d string) error { c.mu.Lock(); c.pings++; c.mu.Unlock(); c.poke(); return pong(d) })
	go func() {
		defer close(c.done)
		for {
			var env obj
			if ws.ReadJSON(&env) != nil {
				return
			}
			if id, ok := env["envelope_id"].(string); ok {
				var payload any
				send := true
				if answer != nil {
					payload, send = answer(env)
				}
				if send {
					ack := obj{"envelope_id": id}
					if payload != nil {
						ack["payload"] = payload
					}
					ws.WriteJSON(ack)
				}
			}
			c.mu.Lock()
			c.seen = append(c.seen, env)
			c.mu.Unlock()
			c.poke()
		}
	}()
	r.t.Cleanup(func() { ws.Close(); <-c.done })
	c.wait("hello", func(e obj) bool { return e["type"] == "hello" })
	return c
}

func (c *client) poke() {
	select {
	case c.more <- struct{}{}:
	default:
	}
}

func (c *client) until(what string, cond func() bool) {
	c.t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		c.mu.Lock()
		ok := cond()
		c.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-c.more:
		case <-deadline:
			c.t.Fatalf("never saw %s; saw %v", what, brief(c.seen))
		}
	}
}

func brief(list []obj) string {
	var b bytes.Buffer
	for _, e := range list {
		ev := event(e)
		b.WriteString(strings.Join([]string{"[", str(e, "type"), str(ev, "type"), str(ev, "subtype"), str(ev, "text"), "]"}, " "))
	}
	return b.String()
}

func event(env obj) obj {
	p, _ := env["payload"].(obj)
	ev, _ := p["event"].(obj)
	return ev
}

// wait returns the first frame that fits.
func (c *client) wait(what string, fits func(obj) bool) obj {
	c.t.Helper()
	var hit obj
	c.until(what, func() bool {
		for _, e := range c.seen {
			if fits(e) {
				hit = e
				return true
			}
		}
		return false
	})
	return hit
}

func (c *client) event(typ, subtype string, fits func(obj) bool) obj {
	c.t.Helper()
	return event(c.wait(typ+" "+subtype, func(e obj) bool {
		ev := event(e)
		return str(ev, "type") == typ && str(ev, "subtype") == subtype && (fits == nil || fits(ev))
	}))
}

func (c *client) count(fits func(obj) bool) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, e := range c.seen {
		if fits(e) {
			n++
		}
	}
	return n
}

func picture(t *testing.T) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 40, 30))
	img.Set(3, 3, color.RGBA{200, 20, 20, 255})
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (r *rig) upload(name string, data []byte, extra obj) string {
	r.t.Helper()
	got := r.must("files.getUploadURLExternal", obj{"filename": name, "length": itoa(len(data))})
	if code, body := r.post(got["upload_url"].(string), "application/octet-stream", string(data)); code != 200 {
		r.t.Fatal(code, body)
	}
	id := got["file_id"].(string)
	args := obj{"files": []obj{{"id": id, "title": name}}}
	for k, v := range extra {
		args[k] = v
	}
	r.must("files.completeUploadExternal", args)
	return id
}
