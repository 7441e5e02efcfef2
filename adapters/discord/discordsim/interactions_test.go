package discordsim_test

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/adapters/discord/discordsim"
)

func register(c *client) {
	c.t.Helper()
	c.ok("PUT", commands, []obj{
		{"name": "atelier", "description": "d", "options": []obj{
			{"type": 1, "name": "imagine", "description": "d", "options": []obj{
				{"type": 3, "name": "prompt", "description": "d", "required": true, "autocomplete": true, "max_length": 100},
				{"type": 4, "name": "count", "description": "d", "min_value": 1, "max_value": 4},
				{"type": 6, "name": "who", "description": "d"},
				{"type": 11, "name": "picture", "description": "d"}}},
			{"type": 2, "name": "task", "description": "d", "options": []obj{{"type": 1, "name": "new", "description": "d"}}}}},
		{"name": "Attach to task", "type": 3},
	})
}

// maya starts an action without waiting; the app's side follows in the test.
func maya(t *testing.T, s *discordsim.Server, a discordsim.Action) discordsim.ActResult {
	t.Helper()
	a.As, a.NoWait = discordsim.DemoMaya, true
	if a.Channel == "" && a.Do != "submit" {
		a.Channel = discordsim.DemoStudio
	}
	return act(t, s, a)
}

func callback(c *client, in obj, query string, body obj) answer {
	return c.do("POST", "/interactions/"+in["id"].(string)+"/"+in["token"].(string)+"/callback"+query, body)
}

func TestInteractionsOverGateway(t *testing.T) {
	s, base := start(t, discordsim.Options{})
	c := bot(t, base)
	anonymous := &client{t: t, base: c.base}
	register(c)
	g := identify(t, base, 0)
	imagine := discordsim.Action{Do: "command", Command: "atelier imagine", Options: map[string]any{"prompt": "a fox", "count": 2, "who": discordsim.DemoLeo},
		Files: []discordsim.FileUpload{{Name: "in.png", Field: "picture", Data: pngOf(2, 2)}}}
	maya(t, s, imagine)
	in := g.until("INTERACTION_CREATE")
	opts := get(in, "data", "options", 0, "options")
	if get(in, "data", "options", 0, "name") != "imagine" || get(opts, 0, "value") != "a fox" || get(opts, 1, "value") != 2.0 || get(in, "member", "user", "id") != discordsim.DemoMaya || in["attachment_size_limit"] == nil {
		t.Fatalf("interaction: %v", in)
	}
	if att := get(opts, 3, "value").(string); get(in, "data", "resolved", "attachments", att, "width") != 2.0 || get(in, "data", "resolved", "users", discordsim.DemoLeo) == nil {
		t.Errorf("resolved: %v", get(in, "data", "resolved"))
	}
	hook := "/webhooks/" + discordsim.DemoBotID + "/" + in["token"].(string)
	if a := anonymous.do("PATCH", hook+"/messages/@original", obj{"content": "early"}); a.code() != 10015 {
		t.Errorf("edit before the answer: %s", a.raw)
	}
	if a := callback(anonymous, in, "", obj{"type": 7, "data": obj{}}); a.code() != 50035 {
		t.Errorf("update of a command: %s", a.raw)
	}
	a := callback(anonymous, in, "?with_response=true", obj{"type": 5, "data": obj{"flags": 64}})
	if a.status != 200 || get(a.body, "interaction", "response_message_loading") != true || get(a.body, "interaction", "response_message_ephemeral") != true {
		t.Errorf("deferral: %d %s", a.status, a.raw)
	}
	if a := callback(anonymous, in, "", obj{"type": 4, "data": obj{"content": "x"}}); a.code() != 40060 {
		t.Errorf("second answer: %s", a.raw)
	}
	if e := s.Ephemerals(discordsim.DemoMaya); len(e) != 1 || !e[0].Thinking {
		t.Errorf("thinking: %+v", e)
	}
	if a := anonymous.ok("POST", hook, obj{"content": "filled", "flags": 0}); int(a.body["flags"].(float64))&64 == 0 {
		t.Errorf("the first followup fills the deferral and stays private: %s", a.raw)
	}
	if a := c.do("GET", studio+"/messages/"+s.Ephemerals(discordsim.DemoMaya)[0].ID, nil); a.code() != 10008 {
		t.Errorf("a private answer was read: %s", a.raw)
	}
	f := anonymous.upload("POST", hook, obj{"content": "public"}, file{"o.png", pngOf(3, 3)})
	if f.status != 200 || f.body["webhook_id"] != discordsim.DemoBotID || get(f.body, "interaction_metadata", "user", "id") != discordsim.DemoMaya {
		t.Errorf("followup: %s", f.raw)
	}
	anonymous.ok("PATCH", hook+"/messages/"+f.id(), obj{"content": "changed"})
	anonymous.ok("DELETE", hook+"/messages/"+f.id(), nil)
	anonymous.ok("DELETE", hook+"/messages/@original", nil)

	maya(t, s, discordsim.Action{Do: "autocomplete", Command: "atelier imagine", Options: map[string]any{"prompt": "a f"}, Focused: "prompt"})
	in = g.until("INTERACTION_CREATE")
	if in["type"] != 4.0 || get(in, "data", "options", 0, "options", 0, "focused") != true {
		t.Errorf("autocomplete: %v", in)
	}
	var many []obj
	for range 26 {
		many = append(many, obj{"name": "n", "value": "v"})
	}
	if a := callback(anonymous, in, "", obj{"type": 8, "data": obj{"choices": many}}); a.code() != 50035 {
		t.Errorf("26 choices: %s", a.raw)
	}
	if a := callback(anonymous, in, "", obj{"type": 8, "data": obj{"choices": many[:25]}}); a.status != 204 {
		t.Errorf("choices: %s", a.raw)
	}
	for _, bad := range []discordsim.Action{
		{Do: "command", Command: "atelier imagine"},
		{Do: "command", Command: "atelier"},
		{Do: "command", Command: "nothing"},
		{Do: "command", Command: "atelier imagine", Options: map[string]any{"prompt": "x", "count": 9}},
		{Do: "command", Command: "atelier imagine", Options: map[string]any{"prompt": "x", "odd": 1}},
	} {
		bad.As, bad.Channel = discordsim.DemoMaya, discordsim.DemoStudio
		if _, err := s.Act(t.Context(), bad); err == nil {
			t.Errorf("%+v was possible", bad)
		}
	}
}

func TestComponentsAndForms(t *testing.T) {
	s, base := start(t, discordsim.Options{})
	c := bot(t, base)
	anonymous := &client{t: t, base: c.base}
	register(c)
	g := identify(t, base, 1)
	m := c.ok("POST", studio+"/messages", obj{"content": "card", "components": []obj{
		{"type": 1, "components": []obj{{"type": 2, "style": 1, "label": "Go", "custom_id": "go"}, {"type": 2, "style": 1, "label": "No", "custom_id": "no", "disabled": true}}},
		{"type": 1, "components": []obj{{"type": 3, "custom_id": "pick", "options": []obj{{"label": "A", "value": "a"}, {"label": "B", "value": "b"}}}}}}}).id()
	maya(t, s, discordsim.Action{Do: "press", Message: m, CustomID: "go"})
	in := g.until("INTERACTION_CREATE")
	if get(in, "data", "custom_id") != "go" || get(in, "message", "id") != m {
		t.Fatalf("press: %v", in)
	}
	form := obj{"type": 9, "data": obj{"custom_id": "f", "title": "Form", "components": []obj{
		{"type": 10, "content": "Fill this"},
		{"type": 18, "label": "Why", "component": obj{"type": 4, "style": 2, "custom_id": "why", "min_length": 2}},
		{"type": 18, "label": "Which", "component": obj{"type": 3, "custom_id": "which", "options": []obj{{"label": "A", "value": "a"}}}},
		{"type": 18, "label": "File", "component": obj{"type": 19, "custom_id": "file", "required": false}},
		{"type": 1, "components": []obj{{"type": 4, "style": 1, "custom_id": "old", "label": "Old", "required": false}}}}}}
	if a := callback(anonymous, in, "", form); a.status != 204 {
		t.Fatalf("form: %s", a.raw)
	}
	if v := s.Modal(discordsim.DemoMaya); v == nil || v.Title != "Form" || s.Modal(discordsim.DemoLeo) != nil {
		t.Fatalf("modal: %+v", v)
	}
	for _, fields := range []map[string]string{{"which": "a"}, {"why": "x", "which": "a"}, {"why": "xx", "which": "z"}, {"why": "xx", "which": "a", "odd": "x"}} {
		if _, err := s.Act(t.Context(), discordsim.Action{As: discordsim.DemoMaya, Do: "submit", Fields: fields}); err == nil {
			t.Errorf("%v was accepted", fields)
		}
	}
	maya(t, s, discordsim.Action{Do: "submit", Fields: map[string]string{"why": "because", "which": "a"}, Files: []discordsim.FileUpload{{Name: "a.png", Field: "file", Data: pngOf(2, 2)}}})
	in = g.until("INTERACTION_CREATE")
	if in["type"] != 5.0 || get(in, "data", "components", 1, "component", "value") != "because" || get(in, "data", "components", 2, "component", "values", 0) != "a" || get(in, "data", "resolved", "attachments") == nil || get(in, "message", "id") != m {
		t.Errorf("submit: %v", in)
	}
	if a := callback(anonymous, in, "", form); a.code() != 50035 {
		t.Errorf("form after form: %s", a.raw)
	}
	if a := callback(anonymous, in, "", obj{"type": 7, "data": obj{"content": "updated"}}); a.status != 204 || s.Modal(discordsim.DemoMaya) != nil {
		t.Errorf("update: %s", a.raw)
	}
	if _, err := s.Act(t.Context(), discordsim.Action{As: discordsim.DemoMaya, Do: "press", Channel: discordsim.DemoStudio, Message: m, CustomID: "no"}); err == nil {
		t.Error("a disabled button was pressed")
	}
	maya(t, s, discordsim.Action{Do: "select", Message: m, CustomID: "pick", Values: []string{"b"}})
	in = g.until("INTERACTION_CREATE")
	if get(in, "data", "values", 0) != "b" {
		t.Errorf("select: %v", in)
	}
	callback(anonymous, in, "", obj{"type": 6})
	mj := act(t, s, discordsim.Action{As: discordsim.MidjourneyApp, Do: "post_as_app", Channel: discordsim.DemoStudio, Files: []discordsim.FileUpload{{Name: "u_fox_1234.png", Data: pngOf(8, 8)}},
		Raw: json.RawMessage(`{"content":"**a fox** - <@` + discordsim.DemoMaya + `> (fast)","components":[{"type":1,"components":[{"type":2,"style":2,"label":"U1","custom_id":"MJ::JOB::upsample::1::x"}]}]}`)}).Message
	if _, err := s.Act(t.Context(), discordsim.Action{As: discordsim.DemoMaya, Do: "press", Channel: discordsim.DemoStudio, Message: mj, CustomID: "MJ::JOB::upsample::1::x"}); err == nil {
		t.Error("another app's button was pressed")
	}
	maya(t, s, discordsim.Action{Do: "menu", Command: "Attach to task", Message: mj})
	in = g.until("INTERACTION_CREATE")
	got := get(in, "data", "resolved", "messages", mj)
	if get(in, "data", "target_id") != mj || get(got, "attachments", 0, "width") != 8.0 || get(got, "application_id") != discordsim.MidjourneyApp || get(got, "components", 0) == nil {
		t.Errorf("menu: %v", in)
	}
}

func TestInteractionTime(t *testing.T) {
	var offset atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }
	s, base := start(t, discordsim.Options{Now: now, AckWindow: time.Minute})
	c := bot(t, base)
	register(c)
	g := identify(t, base, 0)
	maya(t, s, discordsim.Action{Do: "command", Command: "atelier task new"})
	in := g.until("INTERACTION_CREATE")
	callback(c, in, "", obj{"type": 4, "data": obj{"content": "x"}})
	maya(t, s, discordsim.Action{Do: "command", Command: "atelier task new"})
	lateOne := g.until("INTERACTION_CREATE")
	offset.Store(int64(16 * time.Minute))
	if a := callback(c, lateOne, "", obj{"type": 5}); a.status != 404 || a.code() != 10062 {
		t.Errorf("late answer: %d %s", a.status, a.raw)
	}
	if a := c.do("POST", "/webhooks/"+discordsim.DemoBotID+"/"+in["token"].(string), obj{"content": "x"}); a.status != 401 || a.code() != 50027 {
		t.Errorf("old token: %d %s", a.status, a.raw)
	}
	quick, base2 := start(t, discordsim.Options{AckWindow: 20 * time.Millisecond})
	c2 := bot(t, base2)
	register(c2)
	if res := act(t, quick, discordsim.Action{As: discordsim.DemoMaya, Do: "command", Channel: discordsim.DemoStudio, Command: "atelier task new"}); res.Failed == "" || res.Response != 0 {
		t.Errorf("unanswered: %+v", res)
	}
}

func TestInteractionsOverHTTP(t *testing.T) {
	var key ed25519.PublicKey
	var mu sync.Mutex
	var body []byte
	status := http.StatusOK
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		sig, _ := hex.DecodeString(r.Header.Get("X-Signature-Ed25519"))
		if !ed25519.Verify(key, append([]byte(r.Header.Get("X-Signature-Timestamp")), b...), sig) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var in obj
		_ = json.Unmarshal(b, &in)
		w.Header().Set("Content-Type", "application/json")
		if in["type"] == 1.0 {
			_, _ = io.WriteString(w, `{"type":1}`)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}))
	defer app.Close()
	s, base := start(t, discordsim.Options{InteractionsURL: app.URL, AckWindow: 5 * time.Second})
	pub, err := hex.DecodeString(s.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	key = pub
	if err := s.Ping(short(t)); err != nil {
		t.Fatal(err)
	}
	register(bot(t, base))
	run := func(code int, b string) discordsim.ActResult {
		mu.Lock()
		status, body = code, []byte(b)
		mu.Unlock()
		return act(t, s, discordsim.Action{As: discordsim.DemoMaya, Do: "command", Channel: discordsim.DemoStudio, Command: "atelier task new"})
	}
	if res := run(200, `{"type":4,"data":{"content":"by HTTP"}}`); res.Response != 4 || s.Messages(discordsim.DemoStudio)[0].Content != "by HTTP" {
		t.Errorf("answer: %+v", res)
	}
	if res := run(500, ``); res.Failed == "" {
		t.Errorf("500: %+v", res)
	}
	if res := run(200, `{"type":4,"data":{}}`); res.Failed == "" {
		t.Errorf("empty message: %+v", res)
	}
}
