package slacksim

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestErrorsHaveSlacksNames(t *testing.T) {
	r := newRig(t, nil)
	theirs := r.say(ada, acme, "", "mine")
	ours := r.must("chat.postMessage", obj{"channel": acme, "text": "ours"})["ts"].(string)
	r.must("reactions.add", obj{"channel": acme, "timestamp": ours, "name": "eyes"})
	section := func(n int) []obj {
		return []obj{{"type": "section", "text": obj{"type": "mrkdwn", "text": strings.Repeat("x", n)}}}
	}
	for _, c := range []struct {
		name, token, method string
		args                obj
		want                string
	}{
		{"unknown method", "bot", "chat.shout", nil, "unknown_method"},
		{"no token", "", "auth.test", nil, "not_authed"},
		{"bad token", "xoxb-no", "auth.test", nil, "invalid_auth"},
		{"app token", "app", "chat.postMessage", obj{"channel": acme, "text": "x"}, "not_allowed_token_type"},
		{"bot token for sockets", "bot", "apps.connections.open", nil, "not_allowed_token_type"},
		{"no channel", "bot", "chat.postMessage", obj{"text": "x"}, "invalid_arguments"},
		{"wrong channel", "bot", "chat.postMessage", obj{"channel": "C404", "text": "x"}, "channel_not_found"},
		{"nothing to say", "bot", "chat.postMessage", obj{"channel": acme}, "no_text"},
		{"blocks no JSON", "bot", "chat.postMessage", obj{"channel": acme, "blocks": "{"}, "invalid_blocks_format"},
		{"section too long", "bot", "chat.postMessage", obj{"channel": acme, "blocks": section(3001)}, "invalid_blocks"},
		{"too many blocks", "bot", "chat.postMessage", obj{"channel": acme, "blocks": slices.Repeat([]obj{{"type": "divider"}}, 51)}, "invalid_blocks"},
		{"unknown block", "bot", "chat.postMessage", obj{"channel": acme, "blocks": []obj{{"type": "hologram"}}}, "invalid_blocks"},
		{"long button", "bot", "chat.postMessage", obj{"channel": acme, "blocks": []obj{{"type": "actions", "elements": []obj{{"type": "button", "action_id": "a", "text": obj{"type": "plain_text", "text": strings.Repeat("x", 76)}}}}}}, "invalid_blocks"},
		{"unready file", "bot", "chat.postMessage", obj{"channel": acme, "blocks": []obj{{"type": "image", "alt_text": "a", "slack_file": obj{"id": "F012345678"}}}}, "invalid_blocks"},
		{"long header", "bot", "blocks.validate", obj{"blocks": []obj{{"type": "header", "text": obj{"type": "plain_text", "text": strings.Repeat("x", 151)}}}}, "invalid_blocks"},
		{"markdown and text", "bot", "chat.postMessage", obj{"channel": acme, "text": "x", "markdown_text": "y"}, "markdown_text_conflict"},
		{"metadata", "bot", "chat.postMessage", obj{"channel": acme, "text": "x", "metadata": obj{"event_type": "a"}}, "invalid_metadata_format"},
		{"update theirs", "bot", "chat.update", obj{"channel": acme, "ts": theirs, "text": "x"}, "cant_update_message"},
		{"update long", "bot", "chat.update", obj{"channel": acme, "ts": ours, "text": strings.Repeat("x", 4001)}, "msg_too_long"},
		{"update missing", "bot", "chat.update", obj{"channel": acme, "ts": "1.000001", "text": "x"}, "message_not_found"},
		{"update with nothing", "bot", "chat.update", obj{"channel": acme, "ts": ours}, "no_text"},
		{"delete theirs", "bot", "chat.delete", obj{"channel": acme, "ts": theirs}, "cant_delete_message"},
		{"react twice", "bot", "reactions.add", obj{"channel": acme, "timestamp": ours, "name": "eyes"}, "already_reacted"},
		{"no reaction", "bot", "reactions.remove", obj{"channel": acme, "timestamp": ours, "name": "tada"}, "no_reaction"},
		{"history elsewhere", "bot", "conversations.history", obj{"channel": nobot}, "not_in_channel"},
		{"no thread", "bot", "conversations.replies", obj{"channel": acme, "ts": "1.000001"}, "thread_not_found"},
		{"bad cursor", "bot", "conversations.history", obj{"channel": acme, "cursor": "zzz"}, "invalid_cursor"},
		{"no user", "bot", "users.info", obj{"user": "U404"}, "user_not_found"},
		{"ephemeral to a stranger", "bot", "chat.postEphemeral", obj{"channel": private, "user": ben, "text": "x"}, "user_not_in_channel"},
		{"trigger", "bot", "views.open", obj{"trigger_id": "1.2.3", "view": modal("t")}, "invalid_trigger_id"},
		{"file", "bot", "files.info", obj{"file": "F404"}, "file_not_found"},
		{"types", "bot", "conversations.list", obj{"types": "secret"}, "invalid_types"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tok := map[string]string{"bot": r.opt.BotToken, "app": r.opt.AppToken}[c.token]
			if tok == "" {
				tok = c.token
			}
			status, h, out := r.raw(tok, c.method, c.args)
			if status != 200 || out["ok"] != false || out["error"] != c.want {
				t.Fatalf("%d %v, want %s", status, out, c.want)
			}
			if c.want == "invalid_blocks" && out["response_metadata"] == nil {
				t.Error("no response_metadata")
			}
			if c.token == "bot" && c.want != "unknown_method" && h.Get("X-OAuth-Scopes") == "" {
				t.Error("no scopes header")
			}
		})
	}
}

func modal(title string, blocks ...obj) obj {
	if blocks == nil {
		blocks = []obj{{"type": "section", "text": obj{"type": "mrkdwn", "text": "hello"}}}
	}
	return obj{"type": "modal", "callback_id": "cb", "title": obj{"type": "plain_text", "text": title}, "submit": obj{"type": "plain_text", "text": "Go"}, "blocks": blocks}
}

func input(id string) obj {
	return obj{"type": "input", "block_id": id, "label": obj{"type": "plain_text", "text": id}, "element": obj{"type": "plain_text_input", "action_id": "v"}}
}

func TestJSONBodies(t *testing.T) {
	r := newRig(t, nil)
	req, err := http.NewRequest("POST", r.url+"/api/chat.postMessage", strings.NewReader(`{"channel":"`+acme+`","text":"json","blocks":[{"type":"divider"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+r.opt.BotToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || !strings.Contains(string(b), `"ok":true`) || !strings.Contains(string(b), "missing_charset") {
		t.Fatal(err, string(b))
	}
}

func TestEmptyJSONBody(t *testing.T) {
	r := newRig(t, nil)
	req, err := http.NewRequest("POST", r.url+"/api/apps.connections.open", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+r.opt.AppToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(b), `"ok":true`) {
		t.Fatal(err, string(b))
	}
}

func TestThreadRules(t *testing.T) {
	r := newRig(t, nil)
	root := r.say(ada, acme, "", "root")
	reply := r.must("chat.postMessage", obj{"channel": acme, "text": "reply", "thread_ts": root})
	if m := reply["message"].(obj); m["thread_ts"] != root || m["parent_user_id"] != ada {
		t.Fatal(m)
	}
	wide := r.must("chat.postMessage", obj{"channel": acme, "text": "wide", "thread_ts": root, "reply_broadcast": "true"})
	if m := wide["message"].(obj); m["subtype"] != "thread_broadcast" || m["root"] == nil {
		t.Fatal(m)
	}
	lost := r.must("chat.postMessage", obj{"channel": acme, "text": "lost", "thread_ts": "1111.000001"})
	if m := lost["message"].(obj); m["thread_ts"] != nil {
		t.Fatal("a reply to nothing must be posted un-threaded", m)
	}
	page := r.must("conversations.replies", obj{"channel": acme, "ts": root})["messages"].([]any)
	if len(page) != 3 || page[0].(obj)["reply_count"] != 2.0 || page[0].(obj)["latest_reply"] != wide["ts"] {
		t.Fatal(page)
	}
	hist := r.must("conversations.history", obj{"channel": acme})["messages"].([]any)
	if len(hist) != 3 { // lost, wide, root: newest first, replies only when broadcast
		t.Fatal(len(hist), hist)
	}
	if !r.act(Action{As: ada, Do: "delete", Channel: acme, TS: root}).OK {
		t.Fatal("delete")
	}
	if th := r.Thread(acme, root); len(th) != 3 || th[0].Subtype != "tombstone" {
		t.Fatal(th)
	}
	late := r.must("chat.postMessage", obj{"channel": acme, "text": "late", "thread_ts": root})
	if late["message"].(obj)["thread_ts"] != nil {
		t.Fatal("a reply to a deleted root must be posted un-threaded")
	}
}

func TestUpdateRules(t *testing.T) {
	r := newRig(t, nil)
	blocks := []obj{{"type": "section", "text": obj{"type": "mrkdwn", "text": "b"}}}
	ts := r.must("chat.postMessage", obj{"channel": acme, "text": "a", "blocks": blocks, "username": "Ada", "icon_url": "https://x.example/a.png", "metadata": obj{"event_type": "op", "event_payload": obj{"id": "1"}}})["ts"].(string)
	get := func() Message { return r.Thread(acme, ts)[0] }
	if m := get(); m.Username != "Ada" || m.Subtype != "bot_message" || m.User != "" || m.Metadata == nil {
		t.Fatal(m)
	}
	r.must("chat.update", obj{"channel": acme, "ts": ts, "text": "a2", "blocks": blocks, "username": "Eve"})
	if m := get(); m.Username != "Ada" || m.Edited != nil || m.Metadata == nil || len(m.Blocks) == 0 {
		t.Fatal("with blocks: no edited mark, same name, metadata kept", m)
	}
	r.must("chat.update", obj{"channel": acme, "ts": ts, "text": "a3", "metadata": "{}"})
	if m := get(); m.Edited == nil || len(m.Blocks) != 0 || m.Metadata != nil || m.Text != "a3" {
		t.Fatal("text alone removes blocks, {} clears metadata", m)
	}
}

func TestMetadataVisibility(t *testing.T) {
	r := newRig(t, nil)
	r.must("chat.postMessage", obj{"channel": acme, "text": "a", "metadata": obj{"event_type": "op", "event_payload": obj{"id": "1"}}})
	meta := func(args obj) obj {
		args["channel"] = acme
		return r.must("conversations.history", args)["messages"].([]any)[0].(obj)["metadata"].(obj)
	}
	if m := meta(obj{}); m["event_type"] != "op" || m["event_payload"] != nil {
		t.Fatal(m)
	}
	if m := meta(obj{"include_all_metadata": "true"}); m["event_payload"].(obj)["id"] != "1" {
		t.Fatal(m)
	}
}

func TestTextIsNormalised(t *testing.T) {
	for in, want := range map[string]string{
		"a & b <c>":               "a &amp; b &lt;c&gt;",
		"&lt;!channel&gt;":        "&lt;!channel&gt;",
		"see https://x.example/a": "see <https://x.example/a>",
		"<@U0ADA00001> hi":        "<@U0ADA00001> hi",
		"<https://x.example|x>.":  "<https://x.example|x>.",
		"good 👍":                  "good :+1:",
		"<!channel>":              "<!channel>",
	} {
		if got := normaliseText(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestFiles(t *testing.T) {
	r := newRig(t, nil)
	data := picture(t)
	id := r.upload("a.png", data, obj{"channel_id": acme, "initial_comment": "look"})
	f := r.must("files.info", obj{"file": id})["file"].(obj)
	if f["mimetype"] != "image/png" || f["original_w"] != 40.0 || f["shares"].(obj)["public"].(obj)[acme] == nil {
		t.Fatal(f)
	}
	fetch := func(token string) (string, string) {
		req, err := http.NewRequest("GET", f["url_private_download"].(string), nil)
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != 200 {
			t.Fatal(resp.Status, err)
		}
		return resp.Header.Get("Content-Type"), string(b)
	}
	if ct, b := fetch(r.opt.BotToken); ct != "image/png" || b != string(data) {
		t.Fatal(ct, len(b))
	}
	if ct, b := fetch(""); !strings.HasPrefix(ct, "text/html") || !strings.HasPrefix(b, "<!DOCTYPE html>") {
		t.Fatal(ct, b)
	}
	r.must("chat.postMessage", obj{"channel": acme, "text": "x", "blocks": []obj{{"type": "image", "alt_text": "a", "slack_file": obj{"id": id}}}})
	r.must("files.delete", obj{"file": id})
	if out := r.api("files.info", obj{"file": id}); out["error"] != "file_deleted" {
		t.Fatal(out)
	}
	if resp, err := http.Get(r.url + "/files/avatars/" + ada + "_72.png"); err != nil || resp.Header.Get("Content-Type") != "image/png" {
		t.Fatal("avatar", err)
	}
}

func TestFileIsReadyLater(t *testing.T) {
	r := newRig(t, func(o *Options) { o.FileDelay = time.Hour })
	id := r.upload("a.png", picture(t), nil)
	if f := r.must("files.info", obj{"file": id})["file"].(obj); f["mimetype"] != "" {
		t.Fatal(f)
	}
	if out := r.api("chat.postMessage", obj{"channel": acme, "text": "x", "blocks": []obj{{"type": "image", "alt_text": "a", "slack_file": obj{"id": id}}}}); out["error"] != "invalid_blocks" {
		t.Fatal(out)
	}
}

func TestPaging(t *testing.T) {
	r := newRig(t, nil)
	root := r.say(ada, acme, "", "root")
	for range 7 {
		r.say(ben, acme, root, "r")
		r.say(ben, acme, "", "c")
	}
	walk := func(method string, args obj) (n, pages int) {
		for {
			out := r.must(method, args)
			n += len(out["messages"].([]any))
			pages++
			meta, _ := out["response_metadata"].(obj)
			next := str(meta, "next_cursor")
			if (next != "") != (out["has_more"] == true) {
				t.Fatal(out)
			}
			if next == "" {
				return n, pages
			}
			args["cursor"] = next
		}
	}
	if n, pages := walk("conversations.history", obj{"channel": acme, "limit": "3"}); n != 8 || pages != 3 {
		t.Fatal(n, pages)
	}
	if n, pages := walk("conversations.replies", obj{"channel": acme, "ts": root, "limit": "4"}); n != 7+pages || pages != 3 {
		t.Fatal(n, pages)
	}
	r.SetLimits(Limits{HarshHistory: true})
	if out := r.must("conversations.history", obj{"channel": acme, "limit": "500"}); len(out["messages"].([]any)) != 8 {
		t.Fatal(out)
	}
	if status, h, _ := r.raw(r.opt.BotToken, "conversations.history", obj{"channel": acme}); status != 429 || h.Get("Retry-After") == "" {
		t.Fatal(status, h)
	}
}

func TestScopes(t *testing.T) {
	r := newRig(t, nil)
	r.SetScopes([]string{"users:read"})
	out := r.api("chat.postMessage", obj{"channel": acme, "text": "x"})
	if out["error"] != "missing_scope" || out["needed"] != "chat:write" || out["provided"] != "users:read" {
		t.Fatal(out)
	}
}

func TestPostLimit(t *testing.T) {
	now := time.Unix(1800000000, 0)
	r := newRig(t, func(o *Options) { o.Now = func() time.Time { return now }; o.Limits = RealLimits() })
	var last int
	for range 4 {
		last, _, _ = r.raw(r.opt.BotToken, "chat.postMessage", obj{"channel": acme, "text": "x"})
	}
	if last != 429 {
		t.Fatal(last)
	}
	r.must("chat.postMessage", obj{"channel": general, "text": "another channel"})
	ts := r.Messages(acme)
	if ts[0].TS >= ts[1].TS || ts[1].TS >= ts[2].TS {
		t.Fatal("timestamps must grow with a standing clock", ts)
	}
}
