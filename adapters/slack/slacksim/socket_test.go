package slacksim

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

func TestEventsOverSocketMode(t *testing.T) {
	r := newRig(t, nil)
	c := r.connect(nil)
	text := func(want string) func(obj) bool { return func(e obj) bool { return str(e, "text") == want } }

	root := r.say(ada, acme, "", "hello *bold*")
	if e := c.event("message", "", text("hello *bold*")); e["client_msg_id"] == nil || e["channel_type"] != "channel" || e["blocks"] == nil || e["event_ts"] != root {
		t.Fatal(e)
	}
	r.say(ada, acme, root, "<@U0BOTATEL1> approve")
	m := c.event("app_mention", "", nil)
	if twin := c.event("message", "", text("<@U0BOTATEL1> approve")); twin["ts"] != m["ts"] || m["thread_ts"] != root || twin["parent_user_id"] != ada {
		t.Fatal(m, twin)
	}
	grew := c.event("message", "message_changed", func(e obj) bool { return e["message"].(obj)["ts"] == root })
	if msg := grew["message"].(obj); msg["reply_count"] != 1.0 || msg["edited"] != nil || grew["user"] != nil {
		t.Fatal("a reply changes its root, without an edited mark", grew)
	}
	r.act(Action{As: ada, Do: "edit", Channel: acme, TS: root, Text: "hello again"})
	edit := c.event("message", "message_changed", func(e obj) bool { return e["message"].(obj)["edited"] != nil })
	if edit["previous_message"].(obj)["text"] != "hello *bold*" || edit["ts"] == root {
		t.Fatal(edit)
	}
	own := r.must("chat.postMessage", obj{"channel": acme, "text": "mine", "metadata": obj{"event_type": "op", "event_payload": obj{"id": "7"}}})["ts"].(string)
	echo := c.event("message", "", text("mine"))
	if echo["bot_id"] != r.opt.BotID || echo["app_id"] != r.opt.AppID || echo["bot_profile"].(obj)["app_id"] != r.opt.AppID || echo["metadata"].(obj)["event_type"] != "op" {
		t.Fatal(echo)
	}
	r.act(Action{As: ben, Do: "react", Channel: acme, TS: own, Emoji: "eyes"})
	if e := c.event("reaction_added", "", nil); e["item_user"] != r.opt.BotUserID || e["item"].(obj)["ts"] != own {
		t.Fatal(e)
	}
	r.act(Action{As: ben, Do: "unreact", Channel: acme, TS: own, Emoji: "eyes"})
	c.event("reaction_removed", "", nil)
	r.act(Action{As: ben, Do: "say", Channel: acme, Text: "file", Files: []FileUpload{{Name: "a.png", Data: picture(t)}}})
	if e := c.event("message", "file_share", nil); len(e["files"].([]any)) != 1 || e["user"] != ben {
		t.Fatal(e)
	}
	c.event("file_shared", "", nil)
	r.act(Action{As: ada, Do: "delete", Channel: acme, TS: root})
	c.event("message", "message_changed", func(e obj) bool { return e["message"].(obj)["subtype"] == "tombstone" })
	r.must("chat.delete", obj{"channel": acme, "ts": own})
	if e := c.event("message", "message_deleted", nil); e["deleted_ts"] != own || e["previous_message"] == nil {
		t.Fatal(e)
	}
	r.act(Action{As: ada, Do: "say", Channel: acme, ThreadTS: r.say(ada, acme, "", "new"), Text: "wide", Broadcast: true})
	if e := c.event("message", "thread_broadcast", nil); e["root"] == nil {
		t.Fatal(e)
	}
	r.act(Action{As: ada, Do: "home"})
	c.event("app_home_opened", "", nil)
	r.say(ada, nobot, "", "unheard")
	r.say(ada, r.opt.BotUserID, "", "direct")
	if e := c.event("message", "", text("direct")); e["channel_type"] != "im" {
		t.Fatal(e)
	}
	if c.count(func(e obj) bool { return str(event(e), "text") == "unheard" }) != 0 {
		t.Fatal("the bot heard a channel it is not in")
	}
	r.must("conversations.join", obj{"channel": nobot})
	c.event("member_joined_channel", "", nil)
}

func TestUnfurlIsNoEdit(t *testing.T) {
	r := newRig(t, func(o *Options) { o.UnfurlDelay = time.Millisecond })
	c := r.connect(nil)
	r.say(ada, acme, "", "see https://example.com/page")
	e := c.event("message", "message_changed", nil)["message"].(obj)
	if e["edited"] != nil || e["attachments"] == nil {
		t.Fatal(e)
	}
}

func TestEnvelopesGoToOneConnectionAndComeAgain(t *testing.T) {
	r := newRig(t, func(o *Options) {
		o.AckTimeout = 50 * time.Millisecond
		o.RetryIntervals = []time.Duration{0, time.Millisecond, time.Millisecond}
	})
	deaf := r.connect(func(obj) (any, bool) { return nil, false })
	r.say(ada, acme, "", "once")
	deaf.until("four attempts", func() bool { return len(deaf.seen) == 5 })
	for i, e := range deaf.seen[1:] {
		if e["retry_attempt"] != float64(i) || i > 0 && e["retry_reason"] != "timeout" || e["accepts_response_payload"] != false {
			t.Fatal(i, e)
		}
	}
	if deaf.seen[1]["envelope_id"] == deaf.seen[2]["envelope_id"] || deaf.seen[1]["payload"].(obj)["event_id"] != deaf.seen[2]["payload"].(obj)["event_id"] {
		t.Fatal("envelope ids are per delivery, event ids are not")
	}
}

func TestLostConnectionHandsOver(t *testing.T) {
	r := newRig(t, nil)
	deaf := r.connect(func(obj) (any, bool) { return nil, false })
	r.say(ada, acme, "", "held")
	deaf.event("message", "", nil)
	good := r.connect(nil)
	deaf.ws.Close()
	e := good.wait("handed over", func(e obj) bool { return str(event(e), "text") == "held" })
	if e["retry_attempt"] != 1.0 {
		t.Fatal(e)
	}
}

func TestEventsWaitForAConnection(t *testing.T) {
	r := newRig(t, nil)
	r.say(ada, acme, "", "early")
	r.connect(nil).event("message", "", nil)
}

func TestTicketsAndPings(t *testing.T) {
	r := newRig(t, func(o *Options) { o.PingInterval = 5 * time.Millisecond })
	_, _, out := r.raw(r.opt.AppToken, "apps.connections.open", nil)
	u := out["url"].(string)
	ws, _, err := websocket.DefaultDialer.Dial(u, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	if _, resp, err := websocket.DefaultDialer.Dial(u, nil); err == nil || resp.StatusCode != 403 {
		t.Fatal("a ticket opened two sockets")
	}
	var hello struct {
		Type           string `json:"type"`
		NumConnections int    `json:"num_connections"`
		DebugInfo      struct {
			Time int `json:"approximate_connection_time"`
		} `json:"debug_info"`
	}
	if err := ws.ReadJSON(&hello); err != nil || hello.Type != "hello" || hello.NumConnections != 1 || hello.DebugInfo.Time != 18060 {
		t.Fatal(err, hello)
	}
	c := r.connect(nil)
	c.until("pings", func() bool { return c.pings > 2 })
	for range 8 {
		r.connect(nil)
	}
	if _, _, out := r.raw(r.opt.AppToken, "apps.connections.open", nil); out["error"] != "too_many_websockets" {
		t.Fatal(out)
	}
}

func TestConnectionsAreRecycled(t *testing.T) {
	r := newRig(t, func(o *Options) { o.ConnectionLife = 20 * time.Millisecond })
	c := r.connect(nil)
	for _, reason := range []string{"warning", "refresh_requested"} {
		c.wait(reason, func(e obj) bool { return e["type"] == "disconnect" && e["reason"] == reason })
	}
}

func TestCommandsAndResponseURLs(t *testing.T) {
	r := newRig(t, nil)
	var payload obj
	c := r.connect(func(env obj) (any, bool) {
		if env["type"] == "slash_commands" {
			return obj{"text": "working"}, true
		}
		return nil, true
	})
	res := r.act(Action{As: ada, Do: "command", Channel: acme, Command: "/imagine", Text: "a fox for @ben"})
	if !res.OK {
		t.Fatal(res)
	}
	payload = c.wait("command", func(e obj) bool { return e["type"] == "slash_commands" })["payload"].(obj)
	if payload["text"] != "a fox for <@U0BEN00002|ben>" || payload["is_enterprise_install"] != "false" || payload["thread_ts"] != nil {
		t.Fatal(payload)
	}
	if e := r.Ephemerals(ada); len(e) != 1 || e[0].Text != "working" {
		t.Fatal(e)
	}
	link := payload["response_url"].(string)
	for i := range 6 {
		code, body := r.post(link, "application/json", `{"text":"public","response_type":"in_channel","blocks":null,"metadata":{"event_type":"","event_payload":null}}`)
		if want := i < 5; (code == 200 && body == "ok") != want || !want && !strings.Contains(body, "used_url") {
			t.Fatal(i, code, body)
		}
	}
	if len(r.Messages(acme)) != 5 {
		t.Fatal(r.Messages(acme))
	}
	for _, a := range []struct {
		a    Action
		want string
	}{
		{Action{Command: "/imagine", ThreadTS: "1.000001"}, "not_supported_in_threads"},
		{Action{Command: "/nope"}, "unknown_command"},
	} {
		a.a.As, a.a.Do, a.a.Channel = ada, "command", acme
		if res := r.act(a.a); res.OK || res.Error != a.want {
			t.Fatal(res)
		}
	}
	r.Reload(ada)
	if len(r.Ephemerals(ada)) != 0 {
		t.Fatal("ephemeral messages vanish on reload")
	}
}

func TestCommandWithoutAnswer(t *testing.T) {
	r := newRig(t, func(o *Options) { o.AckTimeout = 30 * time.Millisecond })
	a := Action{As: ada, Do: "command", Channel: acme, Command: "/atelier"}
	if res := r.act(a); res.Error != "dispatch_failed" {
		t.Fatal(res)
	}
	r.connect(func(obj) (any, bool) { return nil, false })
	if res := r.act(a); res.Error != "operation_timeout" {
		t.Fatal(res)
	}
	if e := r.Ephemerals(ada); len(e) != 2 || !strings.Contains(e[1].Text, "operation_timeout") {
		t.Fatal(e)
	}
	huge := newRig(t, func(o *Options) { o.AckTimeout = 30 * time.Millisecond })
	huge.connect(func(obj) (any, bool) { return obj{"text": strings.Repeat("x", 21000)}, true })
	if res := huge.act(a); res.Error != "operation_timeout" {
		t.Fatal("an acknowledgement of 20 kB is dropped", res)
	}
}

func TestButtonsAndModals(t *testing.T) {
	r := newRig(t, nil)
	var answer any
	c := r.connect(func(env obj) (any, bool) { return answer, true })
	button := []obj{{"type": "actions", "block_id": "b", "elements": []obj{{"type": "button", "action_id": "go", "value": "v1", "text": obj{"type": "plain_text", "text": "Go"}},
		{"type": "static_select", "action_id": "pick", "options": []obj{{"text": obj{"type": "plain_text", "text": "One"}, "value": "1"}}}}}}
	ts := r.must("chat.postMessage", obj{"channel": acme, "text": "card", "blocks": button})["ts"].(string)
	press := func(id, value string) obj {
		r.act(Action{As: ada, Do: "press", Channel: acme, TS: ts, ActionID: id, Value: value})
		return c.wait("action "+id, func(e obj) bool {
			p, _ := e["payload"].(obj)
			acts, _ := p["actions"].([]any)
			return p["type"] == "block_actions" && len(acts) == 1 && acts[0].(obj)["action_id"] == id
		})["payload"].(obj)
	}
	p := press("pick", "1")
	if p["actions"].([]any)[0].(obj)["selected_option"].(obj)["value"] != "1" || p["state"].(obj)["values"].(obj)["b"] == nil {
		t.Fatal(p)
	}
	p = press("go", "")
	if p["actions"].([]any)[0].(obj)["value"] != "v1" || p["message"].(obj)["ts"] != ts || p["container"].(obj)["message_ts"] != ts || p["response_url"] == nil {
		t.Fatal(p)
	}
	open := obj{"trigger_id": p["trigger_id"], "view": modal("Title", input("name"), input("more"))}
	r.must("views.open", open)
	if out := r.api("views.open", open); out["error"] != "exchanged_trigger_id" {
		t.Fatal(out)
	}
	values := func(a, b string) map[string]map[string]any {
		return map[string]map[string]any{"name": {"v": a}, "more": {"v": b}}
	}
	submit := func(a, b string) ActResult { return r.act(Action{As: ada, Do: "submit", Values: values(a, b)}) }
	if res := submit("x", ""); res.Error != "incomplete" || res.ViewErrors["more"] == "" {
		t.Fatal(res)
	}
	for _, step := range []struct {
		answer   any
		ok, open bool
		err      string
	}{
		{obj{"response_action": "errors", "errors": obj{"name": "no"}}, false, true, "view_errors"},
		{obj{"response_action": "errors", "errors": obj{"nowhere": "no"}}, false, true, "invalid_errors"},
		{obj{"response_action": "update", "view": modal(strings.Repeat("x", 25))}, false, true, "invalid_view"},
		{obj{"response_action": "update", "view": modal("Next", input("name"), input("more"))}, true, true, ""},
		{obj{"response_action": "push", "view": modal("Up", input("name"), input("more"))}, true, true, ""},
		{nil, true, true, ""},
		{obj{"response_action": "clear"}, true, false, ""},
	} {
		answer = step.answer
		if res := submit("a", "b"); res.OK != step.ok || res.Error != step.err || (res.ViewID != "") != step.open {
			t.Fatal(step, res)
		}
	}
	sub := c.wait("submission", func(e obj) bool { p, _ := e["payload"].(obj); return p["type"] == "view_submission" })["payload"].(obj)
	state := sub["view"].(obj)["state"].(obj)["values"].(obj)
	if state["name"].(obj)["v"].(obj)["value"] != "a" || sub["view"].(obj)["callback_id"] != "cb" {
		t.Fatal(state)
	}
	if out := r.api("views.update", obj{"view_id": "V404", "view": modal("x")}); out["error"] != "not_found" {
		t.Fatal(out)
	}
	r.act(Action{As: ada, Do: "shortcut", Channel: acme, TS: ts, CallbackID: "revise"})
	c.wait("shortcut", func(e obj) bool { p, _ := e["payload"].(obj); return p["type"] == "message_action" })
	r.must("views.publish", obj{"user_id": ada, "view": obj{"type": "home", "blocks": []obj{{"type": "divider"}}}})
	if !json.Valid(r.Home(ada)) || r.Home(ben) != nil {
		t.Fatal("home")
	}
}

func TestTriggersExpire(t *testing.T) {
	r := newRig(t, func(o *Options) { o.TriggerLife = time.Nanosecond })
	c := r.connect(nil)
	r.act(Action{As: ada, Do: "command", Channel: acme, Command: "/atelier"})
	p := c.wait("command", func(e obj) bool { return e["type"] == "slash_commands" })["payload"].(obj)
	if out := r.api("views.open", obj{"trigger_id": p["trigger_id"], "view": modal("x")}); out["error"] != "expired_trigger_id" {
		t.Fatal(out)
	}
}
