package slacksim

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"
)

type heard struct {
	path string
	h    http.Header
	body []byte
}

// app is an endpoint that keeps what it hears and answers by a function.
func app(t *testing.T, r *rig, answer func(http.ResponseWriter, heard)) (wait func(n int) []heard) {
	var mu sync.Mutex
	var list []heard
	more := make(chan struct{}, 100)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		b, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		x := heard{req.URL.Path, req.Header, b}
		ts := req.Header.Get("X-Slack-Request-Timestamp")
		if req.Header.Get("X-Slack-Signature") != r.Sign(ts, b) {
			t.Error("bad signature")
		}
		mu.Lock()
		list = append(list, x)
		mu.Unlock()
		if answer != nil {
			answer(w, x)
		}
		more <- struct{}{}
	}))
	t.Cleanup(srv.Close)
	r.SetRequestURLs(srv.URL+"/events", srv.URL+"/commands", srv.URL+"/interactions")
	return func(n int) []heard {
		t.Helper()
		for {
			mu.Lock()
			got := append([]heard(nil), list...)
			mu.Unlock()
			if len(got) >= n {
				return got
			}
			select {
			case <-more:
			case <-time.After(10 * time.Second):
				t.Fatalf("heard %d of %d", len(got), n)
			}
		}
	}
}

func TestSignedEventsAndRetries(t *testing.T) {
	r := newRig(t, func(o *Options) { o.RetryIntervals = []time.Duration{0, time.Millisecond, time.Millisecond} })
	wait := app(t, r, func(w http.ResponseWriter, x heard) { w.WriteHeader(500) })
	r.say(ada, acme, "", "hi")
	got := wait(4)
	for i, x := range got {
		num := x.h.Get("X-Slack-Retry-Num")
		if i == 0 && num != "" || i > 0 && (num != itoa(i) || x.h.Get("X-Slack-Retry-Reason") != "http_error") {
			t.Fatal(i, x.h)
		}
		if string(x.body) != string(got[0].body) {
			t.Fatal("a retry is the same bytes")
		}
	}
}

func TestNoRetryHeader(t *testing.T) {
	r := newRig(t, func(o *Options) { o.RetryIntervals = []time.Duration{0} })
	wait := app(t, r, func(w http.ResponseWriter, x heard) { w.Header().Set("X-Slack-No-Retry", "1"); w.WriteHeader(500) })
	first, second := r.say(ada, acme, "", "one"), r.say(ada, acme, "", "two")
	got := wait(2)
	for i, want := range []string{first, second} {
		var p struct {
			Event struct {
				TS string `json:"ts"`
			} `json:"event"`
		}
		if err := json.Unmarshal(got[i].body, &p); err != nil || p.Event.TS != want {
			t.Fatal(i, err, p)
		}
	}
}

func TestVerifyURL(t *testing.T) {
	r := newRig(t, nil)
	app(t, r, func(w http.ResponseWriter, x heard) {
		var p struct {
			Challenge string `json:"challenge"`
		}
		json.Unmarshal(x.body, &p) // a bad body fails the test below
		io.WriteString(w, p.Challenge)
	})
	if err := r.VerifyURL(r.ctx); err != nil {
		t.Fatal(err)
	}
}

func TestCommandsAndInteractionsOverHTTP(t *testing.T) {
	release := make(chan struct{})
	r := newRig(t, func(o *Options) { o.AckTimeout = 300 * time.Millisecond })
	wait := app(t, r, func(w http.ResponseWriter, x heard) {
		form, err := url.ParseQuery(string(x.body))
		if err != nil {
			return
		}
		switch {
		case form.Get("text") == "slow":
			<-release
		case form.Get("text") == "break":
			w.WriteHeader(502)
		case x.path == "/commands":
			io.WriteString(w, "plain answer")
		}
	})
	t.Cleanup(func() { close(release) })
	r.SetRequestURLs("", r.opt.CommandsURL, r.opt.InteractionsURL)
	run := func(text string) ActResult {
		return r.act(Action{As: ada, Do: "command", Channel: private, Command: "/atelier", Text: text})
	}
	if res := run("x"); !res.OK || r.Ephemerals(ada)[0].Text != "plain answer" {
		t.Fatal(res)
	}
	form, err := url.ParseQuery(string(wait(1)[0].body))
	if err != nil || form.Get("channel_name") != "privategroup" || form.Get("command") != "/atelier" {
		t.Fatal(form, err)
	}
	if res := run("slow"); res.Error != "operation_timeout" {
		t.Fatal(res)
	}
	if res := run("break"); res.Error != "http_status_502" {
		t.Fatal(res)
	}
	ts := r.must("chat.postMessage", obj{"channel": acme, "text": "c", "blocks": []obj{{"type": "actions", "elements": []obj{{"type": "button", "action_id": "go", "text": obj{"type": "plain_text", "text": "Go"}}}}}})["ts"].(string)
	if res := r.act(Action{As: ada, Do: "press", Channel: acme, TS: ts, ActionID: "go"}); !res.OK {
		t.Fatal(res)
	}
	all := wait(4)
	form, err = url.ParseQuery(string(all[3].body))
	if err != nil || !json.Valid([]byte(form.Get("payload"))) || all[3].path != "/interactions" {
		t.Fatal(err, form)
	}
}
