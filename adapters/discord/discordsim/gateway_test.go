package discordsim_test

import (
	"compress/zlib"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/atelier-bridge/atelier/adapters/discord/discordsim"
)

const everything = 1<<0 | 1<<1 | 1<<5 | 1<<9 | 1<<10 | 1<<11 | 1<<12 | 1<<15

type packet struct {
	Op int    `json:"op"`
	T  string `json:"t"`
	S  int    `json:"s"`
	D  any    `json:"d"`
}

type gateway struct {
	t    *testing.T
	ws   *websocket.Conn
	seq  int
	sess string
}

func dial(t *testing.T, base string) *gateway {
	t.Helper()
	ws, res, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(base, "http")+"/gateway?v=10&encoding=json", nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	g := &gateway{t: t, ws: ws}
	t.Cleanup(func() { ws.Close() })
	if p := g.read(); p.Op != 10 || get(p.D, "heartbeat_interval") == nil {
		t.Fatalf("hello: %+v", p)
	}
	return g
}

func (g *gateway) next() (packet, error) {
	_ = g.ws.SetReadDeadline(time.Now().Add(5 * time.Second))
	var p packet
	_, b, err := g.ws.ReadMessage()
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(b, &p); err != nil {
		return p, err
	}
	if p.S > 0 {
		g.seq = p.S
	}
	return p, nil
}

func (g *gateway) read() packet {
	g.t.Helper()
	p, err := g.next()
	if err != nil {
		g.t.Fatal(err)
	}
	return p
}

func (g *gateway) send(op int, d any) {
	g.t.Helper()
	if err := g.ws.WriteJSON(obj{"op": op, "d": d}); err != nil {
		g.t.Fatal(err)
	}
}

// until reads on to the next dispatch of that name.
func (g *gateway) until(name string) obj {
	g.t.Helper()
	for {
		if p := g.read(); p.T == name {
			return p.D.(obj)
		}
	}
}

func (g *gateway) closeCode() int {
	g.t.Helper()
	for {
		_, err := g.next()
		var ce *websocket.CloseError
		if errors.As(err, &ce) {
			return ce.Code
		}
		if err != nil {
			return -1
		}
	}
}

func identify(t *testing.T, base string, intents int) *gateway {
	t.Helper()
	g := dial(t, base)
	g.send(2, obj{"token": discordsim.DemoBotToken, "intents": intents, "properties": obj{"os": "x", "browser": "x", "device": "x"}})
	p := g.read()
	if p.T != "READY" || get(p.D, "guilds", 0, "unavailable") != true || get(p.D, "resume_gateway_url") == nil {
		t.Fatalf("ready: %+v", p)
	}
	g.sess = get(p.D, "session_id").(string)
	if intents&1 != 0 {
		if c := g.until("GUILD_CREATE"); len(c["channels"].([]any)) != 4 {
			t.Fatalf("guild: %v", c)
		}
	}
	return g
}

func (g *gateway) resume(base string) *gateway {
	g.t.Helper()
	n := dial(g.t, base)
	n.seq, n.sess = g.seq, g.sess
	n.send(6, obj{"token": discordsim.DemoBotToken, "session_id": g.sess, "seq": g.seq})
	return n
}

func say(t *testing.T, s *discordsim.Server, text string) string {
	t.Helper()
	return act(t, s, discordsim.Action{As: discordsim.DemoMaya, Do: "say", Channel: discordsim.DemoStudio, Text: text}).Message
}

func TestGatewayRefusals(t *testing.T) {
	_, base := start(t, discordsim.Options{DisallowedIntents: 1 << 15})
	tests := []struct {
		name string
		send []obj
		want int
	}{
		{"bad token", []obj{{"op": 2, "d": obj{"token": "x", "intents": 1}}}, 4004},
		{"no intents", []obj{{"op": 2, "d": obj{"token": discordsim.DemoBotToken}}}, 4013},
		{"odd intents", []obj{{"op": 2, "d": obj{"token": discordsim.DemoBotToken, "intents": 1 << 30}}}, 4013},
		{"disallowed", []obj{{"op": 2, "d": obj{"token": discordsim.DemoBotToken, "intents": 1 << 15}}}, 4014},
		{"bad shard", []obj{{"op": 2, "d": obj{"token": discordsim.DemoBotToken, "intents": 1, "shard": []int{2, 2}}}}, 4010},
		{"twice", []obj{{"op": 2, "d": obj{"token": discordsim.DemoBotToken, "intents": 1}}, {"op": 2, "d": obj{"token": discordsim.DemoBotToken, "intents": 1}}}, 4005},
		{"not yet", []obj{{"op": 3, "d": obj{}}}, 4003},
		{"unknown op", []obj{{"op": 77, "d": nil}}, 4001},
		{"too big", []obj{{"op": 1, "d": strings.Repeat("x", 5000)}}, 4002},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := dial(t, base)
			for _, p := range tt.send {
				if err := g.ws.WriteJSON(p); err != nil {
					t.Fatal(err)
				}
			}
			if got := g.closeCode(); got != tt.want {
				t.Errorf("closed with %d, want %d", got, tt.want)
			}
		})
	}
}

func TestGatewayEvents(t *testing.T) {
	s, base := start(t, discordsim.Options{})
	c := bot(t, base)
	g := identify(t, base, everything)
	g.send(1, nil)
	if p := g.read(); p.Op != 11 {
		t.Fatalf("ack: %+v", p)
	}
	id := say(t, s, "see https://example.com/page")
	m := g.until("MESSAGE_CREATE")
	if m["id"] != id || m["guild_id"] != discordsim.DemoGuildID || get(m, "member", "roles") == nil || get(m, "author", "global_name") != "Maya Lindt" {
		t.Errorf("message: %v", m)
	}
	if u := g.until("MESSAGE_UPDATE"); u["edited_timestamp"] != nil || len(u["embeds"].([]any)) != 1 {
		t.Errorf("unfurl: %v", u)
	}
	act(t, s, discordsim.Action{As: discordsim.DemoMaya, Do: "edit", Channel: discordsim.DemoStudio, Message: id, Text: "changed"})
	if u := g.until("MESSAGE_UPDATE"); u["edited_timestamp"] == nil || u["content"] != "changed" {
		t.Errorf("edit: %v", u)
	}
	act(t, s, discordsim.Action{As: discordsim.DemoLeo, Do: "react", Channel: discordsim.DemoStudio, Message: id, Emoji: "👍"})
	if r := g.until("MESSAGE_REACTION_ADD"); get(r, "member", "nick") != "Leo (design)" || get(r, "emoji", "name") != "👍" {
		t.Errorf("reaction: %v", r)
	}
	act(t, s, discordsim.Action{As: discordsim.DemoMaya, Do: "thread", Channel: discordsim.DemoStudio, Message: id, Text: "T"})
	if th := g.until("THREAD_CREATE"); th["id"] != id || th["newly_created"] != true {
		t.Errorf("thread: %v", th)
	}
	if m := g.until("MESSAGE_CREATE"); m["type"] != 21.0 {
		t.Errorf("starter: %v", m)
	}
	c.ok("POST", studio+"/webhooks", obj{"name": "w"})
	g.until("WEBHOOKS_UPDATE")
	act(t, s, discordsim.Action{As: discordsim.DemoMaya, Do: "delete", Channel: discordsim.DemoStudio, Message: id})
	if d := g.until("MESSAGE_DELETE"); d["id"] != id || len(d) != 3 {
		t.Errorf("delete: %v", d)
	}
}

func TestGatewayIntents(t *testing.T) {
	s, base := start(t, discordsim.Options{})
	g := identify(t, base, 1<<0|1<<9)
	say(t, s, "secret")
	if m := g.until("MESSAGE_CREATE"); m["content"] != "" {
		t.Errorf("content without the intent: %v", m)
	}
	say(t, s, "hey <@"+discordsim.DemoBotID+">")
	if m := g.until("MESSAGE_CREATE"); m["content"] == "" {
		t.Error("a mention must carry its content")
	}
	only := identify(t, base, 1<<10)
	id := say(t, s, "x")
	act(t, s, discordsim.Action{As: discordsim.DemoLeo, Do: "react", Channel: discordsim.DemoStudio, Message: id, Emoji: "👍"})
	if p := only.read(); p.T != "MESSAGE_REACTION_ADD" {
		t.Errorf("got %s", p.T)
	}
}

func TestGatewayResume(t *testing.T) {
	s, base := start(t, discordsim.Options{})
	g := identify(t, base, everything)
	say(t, s, "one")
	g.until("MESSAGE_CREATE")
	if err := s.Fault(discordsim.Fault{Kind: "gateway_drop"}); err != nil {
		t.Fatal(err)
	}
	if code := g.closeCode(); code == 1000 {
		t.Errorf("drop closed with %d", code)
	}
	say(t, s, "two")
	say(t, s, "three")
	r := g.resume(base)
	if m := r.until("MESSAGE_CREATE"); m["content"] != "two" {
		t.Errorf("replay: %v", m)
	}
	if m := r.until("MESSAGE_CREATE"); m["content"] != "three" {
		t.Errorf("replay: %v", m)
	}
	r.until("RESUMED")
	// Saying goodbye with 1000 ends the session.
	if err := r.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""), time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if err := s.WaitFor(short(t), func(x *discordsim.Snapshot) bool { return x.Sessions == 0 }); err != nil {
		t.Fatal(err)
	}
	if p := r.resume(base).read(); p.Op != 9 || p.D != false {
		t.Errorf("resume after goodbye: %+v", p)
	}
	f := identify(t, base, 1)
	f.seq += 100
	if code := f.resume(base).closeCode(); code != 4007 {
		t.Errorf("bad seq: %d", code)
	}
}

func TestGatewayFaults(t *testing.T) {
	s, base := start(t, discordsim.Options{})
	fault := func(f discordsim.Fault) {
		t.Helper()
		if err := s.Fault(f); err != nil {
			t.Fatal(err)
		}
	}
	g := identify(t, base, everything)
	fault(discordsim.Fault{Kind: "op7"})
	if p := g.read(); p.Op != 7 {
		t.Errorf("op 7: %+v", p)
	}
	fault(discordsim.Fault{Kind: "op1"})
	if p := g.read(); p.Op != 1 {
		t.Errorf("op 1: %+v", p)
	}
	fault(discordsim.Fault{Kind: "op7_first"})
	if p := g.resume(base).read(); p.Op != 7 {
		t.Errorf("op 7 first: %+v", p)
	}
	g = g.resume(base)
	g.until("RESUMED")
	fault(discordsim.Fault{Kind: "duplicate", Event: "MESSAGE_CREATE"})
	say(t, s, "twin")
	if a, b := g.until("MESSAGE_CREATE"), g.until("MESSAGE_CREATE"); a["id"] != b["id"] {
		t.Error("no twin")
	}
	fault(discordsim.Fault{Kind: "reorder"})
	say(t, s, "first")
	say(t, s, "second")
	if a, b := g.until("MESSAGE_CREATE"), g.until("MESSAGE_CREATE"); a["content"] != "second" || b["content"] != "first" {
		t.Errorf("order: %v %v", a["content"], b["content"])
	}
	fault(discordsim.Fault{Kind: "unknown_component", Channel: discordsim.DemoStudio})
	if m := g.until("MESSAGE_CREATE"); get(m, "components", 1, "type") != 98.0 {
		t.Errorf("component: %v", m)
	}
	fault(discordsim.Fault{Kind: "op9"})
	if p := g.read(); p.Op != 9 || p.D != false {
		t.Errorf("op 9: %+v", p)
	}
	g = identify(t, base, everything)
	fault(discordsim.Fault{Kind: "gateway_silent"})
	say(t, s, "unheard")
	g.send(1, nil)
	s.ClearFaults()
	if p, err := g.next(); err == nil {
		t.Errorf("a silent connection said %+v", p)
	}
	if m := g.resume(base).until("MESSAGE_CREATE"); m["content"] != "unheard" {
		t.Errorf("after silence: %v", m)
	}
	fault(discordsim.Fault{Kind: "close_code", Code: 4014})
	g = identify(t, base, everything)
	fault(discordsim.Fault{Kind: "close_code", Code: 4014})
	if code := g.closeCode(); code != 4014 {
		t.Errorf("close code %d", code)
	}
}

func TestIdentifyBudget(t *testing.T) {
	_, base := start(t, discordsim.Options{})
	c := bot(t, base)
	identify(t, base, 1)
	if a := c.ok("GET", "/gateway/bot", nil); get(a.body, "session_start_limit", "remaining") != 999.0 {
		t.Errorf("budget: %s", a.raw)
	}
	for range 999 {
		g := dial(t, base)
		g.send(2, obj{"token": discordsim.DemoBotToken, "intents": 0})
		g.read()
		g.ws.Close()
	}
	g := dial(t, base)
	g.send(2, obj{"token": discordsim.DemoBotToken, "intents": 0})
	if code := g.closeCode(); code != 4004 {
		t.Errorf("over budget: %d", code)
	}
	if a := c.do("GET", "/users/@me", nil); a.status != 401 {
		t.Errorf("the token survived: %d", a.status)
	}
}

func TestRESTFaults(t *testing.T) {
	s, base := start(t, discordsim.Options{})
	tests := []struct {
		fault  discordsim.Fault
		status int // 0 for a cut connection
		posted bool
		check  func(answer) error
	}{
		{discordsim.Fault{Kind: "ratelimited", RetryAfter: 0.3}, 429, false, func(a answer) error {
			if a.body["retry_after"] != 0.3 || a.body["global"] != false || a.header.Get("Retry-After") != "1" || a.header.Get("X-RateLimit-Bucket") == "" {
				return fmt.Errorf("%v %s", a.header, a.raw)
			}
			return nil
		}},
		{discordsim.Fault{Kind: "ratelimited_global"}, 429, false, func(a answer) error {
			if a.body["global"] != true || a.header.Get("X-RateLimit-Scope") != "global" || a.header.Get("X-RateLimit-Bucket") != "" {
				return fmt.Errorf("%v %s", a.header, a.raw)
			}
			return nil
		}},
		{discordsim.Fault{Kind: "cloudflare429", RetryAfter: 7}, 429, false, func(a answer) error {
			if a.body != nil || a.header.Get("Retry-After") != "7" {
				return fmt.Errorf("%v %s", a.header, a.raw)
			}
			return nil
		}},
		{discordsim.Fault{Kind: "error_before"}, 502, false, nil},
		{discordsim.Fault{Kind: "error_before", Status: 500}, 500, false, nil},
		{discordsim.Fault{Kind: "error_before", Status: 429, Code: 30046}, 429, false, nil},
		{discordsim.Fault{Kind: "error_after"}, 502, true, nil},
		{discordsim.Fault{Kind: "drop_before"}, 0, false, nil},
		{discordsim.Fault{Kind: "drop_after"}, 0, true, nil},
		{discordsim.Fault{Kind: "undecodable"}, 200, true, nil},
		{discordsim.Fault{Kind: "slow", DelayMS: 5}, 200, true, nil},
	}
	for _, tt := range tests {
		t.Run(tt.fault.Kind, func(t *testing.T) {
			c := bot(t, base)
			before := len(s.Messages(discordsim.DemoStudio))
			tt.fault.Method, tt.fault.Channel = "POST", discordsim.DemoStudio
			if err := s.Fault(tt.fault); err != nil {
				t.Fatal(err)
			}
			c.ok("POST", "/channels/"+discordsim.DemoGeneral+"/messages", obj{"content": "elsewhere"})
			a, err := c.raw("POST", studio+"/messages", "application/json", strings.NewReader(`{"content":"x"}`))
			if (err != nil) != (tt.status == 0) || err == nil && a.status != tt.status {
				t.Errorf("got %d %v", a.status, err)
			}
			if got := len(s.Messages(discordsim.DemoStudio)) > before; got != tt.posted {
				t.Errorf("posted: %v", got)
			}
			if tt.check != nil {
				if err := tt.check(a); err != nil {
					t.Error(err)
				}
			}
			c.ok("POST", studio+"/messages", obj{"content": "over"})
		})
	}
}

func TestLimits(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	_, base := start(t, discordsim.Options{Limits: true, Now: func() time.Time { return now }})
	c := bot(t, base)
	for i := range 5 {
		a := c.ok("POST", studio+"/messages", obj{"content": "x"})
		if want := fmt.Sprint(4 - i); a.header.Get("X-RateLimit-Remaining") != want || a.header.Get("X-RateLimit-Limit") != "5" {
			t.Errorf("remaining %s, want %s", a.header.Get("X-RateLimit-Remaining"), want)
		}
	}
	a := c.do("POST", studio+"/messages", obj{"content": "x"})
	if a.status != http.StatusTooManyRequests || a.body["retry_after"] != 5.0 || a.header.Get("X-RateLimit-Scope") != "user" {
		t.Errorf("sixth: %d %v %s", a.status, a.header, a.raw)
	}
	c.ok("POST", "/channels/"+discordsim.DemoGeneral+"/messages", obj{"content": "another channel"})
}

func TestGatewayCompression(t *testing.T) {
	_, base := start(t, discordsim.Options{})
	ws, res, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(base, "http")+"/gateway?v=10&encoding=json&compress=zlib-stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	res.Body.Close()
	if err := ws.WriteJSON(obj{"op": 2, "d": obj{"token": discordsim.DemoBotToken, "intents": 1}}); err != nil {
		t.Fatal(err)
	}
	// One stream over all frames, each ending in a flush.
	pr, pw := io.Pipe()
	go func() {
		for {
			_, b, err := ws.ReadMessage()
			if err != nil {
				pw.CloseWithError(err)
				return
			}
			if _, err := pw.Write(b); err != nil {
				return
			}
		}
	}()
	z, err := zlib.NewReader(pr)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(z)
	for _, want := range []string{"", "READY", "GUILD_CREATE"} {
		var p packet
		if err := dec.Decode(&p); err != nil || p.T != want {
			t.Fatalf("got %q %v, want %q", p.T, err, want)
		}
	}
	pr.Close()
}

func TestDirectMessagesAndMembership(t *testing.T) {
	s, base := start(t, discordsim.Options{})
	c := bot(t, base)
	register(c)
	g := identify(t, base, 1<<0|1<<1|1<<12)
	dm := act(t, s, discordsim.Action{As: discordsim.DemoMaya, Do: "dm"}).Channel
	act(t, s, discordsim.Action{As: discordsim.DemoMaya, Do: "say", Channel: dm, Text: "psst"})
	if m := g.until("MESSAGE_CREATE"); m["content"] != "psst" || m["guild_id"] != nil || m["channel_type"] != 1.0 {
		t.Errorf("direct message: %v", m)
	}
	maya(t, s, discordsim.Action{Do: "command", Command: "atelier task new", Channel: dm})
	in := g.until("INTERACTION_CREATE")
	if get(in, "user", "id") != discordsim.DemoMaya || in["member"] != nil || in["context"] != 1.0 {
		t.Errorf("direct interaction: %v", in)
	}
	if a := callback(c, in, "", obj{"type": 4, "data": obj{"content": "yes"}}); a.status != 204 {
		t.Errorf("answer: %s", a.raw)
	}
	if _, err := s.Act(t.Context(), discordsim.Action{As: discordsim.DemoLeo, Do: "say", Channel: dm, Text: "x"}); discordsim.ErrorCode(err) != 50001 {
		t.Errorf("a stranger in the conversation: %v", err)
	}
	th := c.ok("POST", studio+"/threads", obj{"name": "quiet", "type": 12}).id()
	c.ok("PUT", "/channels/"+th+"/thread-members/"+discordsim.DemoLeo, nil)
	if u := g.until("THREAD_MEMBERS_UPDATE"); get(u, "added_members", 0, "user_id") != discordsim.DemoLeo {
		t.Errorf("membership: %v", u)
	}
	act(t, s, discordsim.Action{As: discordsim.DemoLeo, Do: "say", Channel: th, Text: "here"})
	c.ok("PATCH", "/channels/"+th, obj{"name": "loud"})
	if u := g.until("THREAD_UPDATE"); u["name"] != "loud" {
		t.Errorf("update: %v", u)
	}
	c.ok("DELETE", "/channels/"+th, nil)
	if d := g.until("THREAD_DELETE"); len(d) != 4 {
		t.Errorf("delete: %v", d)
	}
}
