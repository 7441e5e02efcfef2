package slacksim

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func (r *rig) get(path string, into any) int {
	r.t.Helper()
	resp, err := http.Get(r.url + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	if into != nil {
		if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
			r.t.Fatal(err)
		}
	}
	return resp.StatusCode
}

func TestControl(t *testing.T) {
	r := newRig(t, nil)
	if code, body := r.post(r.url+"/control/act", "application/json", `{"as":"`+ada+`","do":"say","channel":"`+acme+`","text":"hi"}`); code != 200 || !strings.Contains(body, `"ts"`) {
		t.Fatal(code, body)
	}
	if code, _ := r.post(r.url+"/control/act", "application/json", `{"as":"`+ada+`","do":"fly"}`); code != 400 {
		t.Fatal(code)
	}
	if code, _ := r.post(r.url+"/control/act", "text/plain", `{}`); code != 415 {
		t.Fatal(code)
	}
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	for k, v := range map[string]string{"as": ada, "channel": acme, "text": "pic"} {
		if err := w.WriteField(k, v); err != nil {
			t.Fatal(err)
		}
	}
	part, err := w.CreateFormFile("file", "a.png")
	if err != nil {
		t.Fatal(err)
	}
	part.Write(picture(t))
	w.Close()
	if code, body := r.post(r.url+"/control/upload", w.FormDataContentType(), form.String()); code != 200 {
		t.Fatal(code, body)
	}
	r.must("chat.postMessage", obj{"channel": acme, "text": "as ada", "username": "Ada (Discord)", "icon_url": "https://x.example/a.png"})
	r.must("chat.postEphemeral", obj{"channel": acme, "user": ada, "text": "psst"})

	var sn Snapshot
	r.get("/control/state?as="+ada, &sn)
	if len(sn.Channels) != 4 || len(sn.Ephemerals) != 1 || sn.Me == nil || sn.Me.Image == "" || len(sn.Commands) != 2 {
		t.Fatalf("%+v", sn)
	}
	ms := sn.Channels[1].Messages
	if len(ms) != 3 || ms[0].AuthorName != "Ada" || ms[2].AuthorName != "Ada (Discord)" || ms[2].AuthorIcon != "https://x.example/a.png" {
		t.Fatalf("%+v", ms)
	}
	resp, err := http.Get(ms[1].FileURLs[0])
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || !bytes.Equal(b, picture(t)) {
		t.Fatal("file for the browser", err)
	}
	var bens Snapshot
	r.get("/control/state?as="+ben, &bens)
	if len(bens.Channels) != 3 || len(bens.Ephemerals) != 0 {
		t.Fatal("ben sees too much")
	}
	r.get("/control/state?reload=1&as="+ada, &sn)
	if len(sn.Ephemerals) != 0 {
		t.Fatal("reload")
	}
	var calls []Call
	r.get("/control/log?since=1", &calls)
	if len(calls) != 1 || calls[0].Method != "chat.postEphemeral" || calls[0].Args["token"] != "" {
		t.Fatal(calls)
	}
	if code, _ := r.post(r.url+"/control/faults", "application/json", `{"kind":"ratelimited"}`); code != 200 || len(r.Faults()) != 1 {
		t.Fatal(code)
	}
	req, err := http.NewRequest("DELETE", r.url+"/control/faults", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := http.DefaultClient.Do(req); err != nil || len(r.Faults()) != 0 {
		t.Fatal(err)
	}
}

func TestControlGuard(t *testing.T) {
	r := newRig(t, func(o *Options) { o.AllowedHosts = []string{"sim.internal"} })
	for _, c := range []struct {
		host, origin string
		want         int
	}{
		{"", "", 200}, {"evil.example", "", 403}, {"", "https://evil.example", 403}, {"", "null", 403}, {"localhost:99", "http://127.0.0.1:5", 200},
		{"[::1]:80", "", 200}, {"sim.internal", "http://sim.internal", 200}, {"127.0.0.1.evil.example", "", 403},
	} {
		req, err := http.NewRequest("GET", r.url+"/control/log", nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.host != "" {
			req.Host = c.host
		}
		if c.origin != "" {
			req.Header.Set("Origin", c.origin)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%+v: %d", c, resp.StatusCode)
		}
	}
}

func TestChangeStream(t *testing.T) {
	r := newRig(t, nil)
	resp, err := http.Get(r.url + "/control/events?as=" + ada)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	next := func() (rev int64) {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				var v struct{ Revision int64 }
				if err := json.Unmarshal([]byte(data), &v); err != nil {
					t.Fatal(err)
				}
				return v.Revision
			}
		}
		t.Fatal("stream ended")
		return 0
	}
	first := next()
	r.say(ada, acme, "", "x")
	if second := next(); second <= first {
		t.Fatal(first, second)
	}
}

func TestMountedBelowAPrefix(t *testing.T) {
	r := newRig(t, nil)
	mux := http.NewServeMux()
	mux.Handle("/sim/slack/", http.StripPrefix("/sim/slack", r.Server))
	h := httptest.NewServer(mux)
	defer h.Close()
	r.url = h.URL + "/sim/slack"
	r.SetBaseURL(r.url + "/")
	c := r.connect(nil)
	r.say(ada, acme, "", "hi")
	c.event("message", "", nil)
	id := r.upload("a.png", picture(t), nil)
	f := r.must("files.info", obj{"file": id})["file"].(obj)
	if !strings.HasPrefix(f["url_private"].(string), r.url+"/files/") {
		t.Fatal(f["url_private"])
	}
	if code := r.get("/control/file/"+id, nil); code != 200 {
		t.Fatal(code)
	}
	c.ws.Close()
	<-c.done
}
