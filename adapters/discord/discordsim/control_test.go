package discordsim_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atelier-bridge/atelier/adapters/discord/discordsim"
)

func TestControl(t *testing.T) {
	s, base := start(t, discordsim.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", base+"/control/events?as="+discordsim.DemoMaya, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	event := func() string {
		for lines.Scan() {
			if d, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return d
			}
		}
		t.Fatal("events ended")
		return ""
	}
	first := event()
	control := &client{t: t, base: base + "/control"}
	a := control.ok("POST", "/act", obj{"as": discordsim.DemoMaya, "do": "say", "channel": discordsim.DemoStudio, "text": "hi"})
	if a.body["message"] == nil {
		t.Errorf("act: %s", a.raw)
	}
	if second := event(); second == first {
		t.Errorf("revision stayed %s", second)
	}
	var b bytes.Buffer
	mw := multipart.NewWriter(&b)
	_ = mw.WriteField("action", `{"as":"`+discordsim.DemoMaya+`","do":"say","channel":"`+discordsim.DemoStudio+`","text":"look"}`)
	w, _ := mw.CreateFormFile("file", "a.png")
	_, _ = w.Write(pngOf(5, 6))
	_ = mw.Close()
	if a, err := control.raw("POST", "/upload", mw.FormDataContentType(), &b); err != nil || a.status != 200 {
		t.Fatalf("upload: %v %s", err, a.raw)
	}
	state := control.ok("GET", "/state?as="+discordsim.DemoMaya, nil)
	var snap discordsim.Snapshot
	if err := json.Unmarshal(state.raw, &snap); err != nil {
		t.Fatal(err)
	}
	var seen []discordsim.MessageView
	for _, ch := range snap.Channels {
		if ch.ID == discordsim.DemoStudio {
			seen = ch.Messages
		}
	}
	if len(seen) != 2 || seen[1].Author != "Maya Lindt" || len(seen[1].Attachments) != 1 {
		t.Fatalf("state: %+v", seen)
	}
	file, err := http.Get(seen[1].Attachments[0].URL)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Body.Close()
	if got, _ := io.ReadAll(file.Body); !bytes.Equal(got, pngOf(5, 6)) {
		t.Error("the file differs")
	}
	bot(t, base).ok("GET", "/users/@me", nil)
	if l := control.ok("GET", "/log?since=0", nil); len(l.list) != 1 || strings.Contains(string(l.raw), discordsim.DemoBotToken) {
		t.Errorf("log: %s", l.raw)
	}
	if a := control.do("POST", "/faults", obj{"kind": "nonsense"}); a.status != 400 {
		t.Errorf("nonsense fault: %d", a.status)
	}
	control.ok("POST", "/faults", obj{"kind": "error_before", "times": -1})
	if a := bot(t, base).do("GET", "/users/@me", nil); a.status != 502 {
		t.Errorf("fault: %d", a.status)
	}
	control.ok("DELETE", "/faults", nil)
	bot(t, base).ok("GET", "/users/@me", nil)
	for _, h := range []struct{ host, origin string }{{"evil.example", ""}, {"", "https://evil.example"}} {
		req, _ := http.NewRequestWithContext(ctx, "GET", base+"/control/state", nil)
		if h.host != "" {
			req.Host = h.host
		}
		if h.origin != "" {
			req.Header.Set("Origin", h.origin)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusForbidden {
			t.Errorf("%+v was let in: %d", h, res.StatusCode)
		}
	}
	if err := s.WaitFor(short(t), func(x *discordsim.Snapshot) bool { return len(x.Users) > 0 }); err != nil {
		t.Error(err)
	}
}

func TestPersistence(t *testing.T) {
	data := filepath.Join(t.TempDir(), "discord.jsonl")
	s, base := start(t, discordsim.Options{DataFile: data})
	c := bot(t, base)
	register(c)
	m := c.upload("POST", studio+"/messages", obj{"content": "kept", "nonce": "n", "enforce_nonce": true, "components": []obj{{"type": 1, "components": []obj{{"type": 2, "style": 1, "label": "Go", "custom_id": "go"}}}}},
		file{"a.png", pngOf(2, 2)})
	th := c.ok("POST", studio+"/messages/"+m.id()+"/threads", obj{"name": "T"}).id()
	h := c.ok("POST", studio+"/webhooks", obj{"name": "w"})
	c.ok("PUT", studio+"/messages/"+m.id()+"/reactions/%F0%9F%91%8D/@me", nil)
	gone := c.ok("POST", studio+"/messages", obj{"content": "gone"}).id()
	c.ok("DELETE", studio+"/messages/"+gone, nil)
	// Killed, not closed: the second one reads what the first one left, with a torn record at the end.
	b, err := os.ReadFile(data)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy.jsonl")
	if err := os.WriteFile(copied, append(b, `{"k":"message","id":"9`...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(data+".files", copied+".files"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, base2 := start(t, discordsim.Options{DataFile: copied})
	c2 := bot(t, base2)
	got := c2.ok("GET", studio+"/messages/"+m.id(), nil)
	if got.body["content"] != "kept" || get(got.body, "thread", "id") != th || get(got.body, "reactions", 0, "count") != 1.0 {
		t.Errorf("message: %s", got.raw)
	}
	res, err := http.Get(strings.Replace(get(got.body, "attachments", 0, "url").(string), base, base2, 1))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 200 {
		t.Errorf("file: %d", res.StatusCode)
	}
	if a := c2.ok("POST", studio+"/messages", obj{"content": "again", "nonce": "n", "enforce_nonce": true}); a.id() != m.id() {
		t.Errorf("nonce: %s", a.raw)
	}
	if a := c2.do("GET", studio+"/messages/"+gone, nil); a.code() != 10008 {
		t.Errorf("deleted: %s", a.raw)
	}
	if a := c2.do("POST", "/webhooks/"+h.id()+"/"+h.body["token"].(string)+"?wait=true&thread_id="+th, obj{"content": "x"}); a.status != 200 {
		t.Errorf("webhook: %s", a.raw)
	}
	if len(again.Commands()) != 2 {
		t.Errorf("commands: %v", again.Commands())
	}
	g := identify(t, base2, 0)
	maya(t, again, discordsim.Action{Do: "press", Message: m.id(), CustomID: "go"})
	g.until("INTERACTION_CREATE")
}
