package discordsim_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/atelier-bridge/atelier/adapters/discord/discordsim"
)

const studio = "/channels/" + discordsim.DemoStudio

func TestErrors(t *testing.T) {
	s, base := start(t, discordsim.Options{})
	c := bot(t, base)
	m := c.ok("POST", studio+"/messages", obj{"content": "root"}).id()
	theirs := act(t, s, discordsim.Action{As: discordsim.DemoMaya, Do: "say", Channel: discordsim.DemoStudio, Text: "mine"}).Message
	c.ok("POST", studio+"/messages/"+m+"/threads", obj{"name": "T"})
	act(t, s, discordsim.Action{As: discordsim.DemoOwner, Do: "thread", Channel: discordsim.DemoStudio, Text: "hush", Fields: map[string]string{"private": "true"}})
	embed := func(n int) obj { return obj{"description": strings.Repeat("x", n)} }
	rows := func(n int) []obj {
		var out []obj
		for i := range n {
			out = append(out, obj{"type": 1, "components": []obj{{"type": 2, "style": 1, "label": "x", "custom_id": fmt.Sprint(i)}}})
		}
		return out
	}
	texts := func(n int) []obj {
		var out []obj
		for range n {
			out = append(out, obj{"type": 10, "content": "x"})
		}
		return out
	}
	tests := []struct {
		name, method, path string
		body               any
		status, code       int
		at                 []any // where the errors tree must have something
	}{
		{"unknown route", "GET", "/nothing", nil, 404, 0, nil},
		{"method", "DELETE", "/gateway", nil, 405, 0, nil},
		{"unknown channel", "GET", "/channels/12345", nil, 404, 10003, nil},
		{"unknown message", "GET", studio + "/messages/12345", nil, 404, 10008, nil},
		{"unknown webhook", "GET", "/webhooks/123/abc", nil, 404, 10015, nil},
		{"unknown member", "GET", "/guilds/" + discordsim.DemoGuildID + "/members/123", nil, 404, 10013, nil},
		{"empty", "POST", studio + "/messages", obj{"content": "  \n"}, 400, 50006, nil},
		{"long", "POST", studio + "/messages", obj{"content": strings.Repeat("é", 2001)}, 400, 50035, []any{"content"}},
		{"long nonce", "POST", studio + "/messages", obj{"content": "x", "nonce": strings.Repeat("n", 26)}, 400, 50035, []any{"nonce"}},
		{"eleven embeds", "POST", studio + "/messages", obj{"embeds": []obj{embed(1), embed(1), embed(1), embed(1), embed(1), embed(1), embed(1), embed(1), embed(1), embed(1), embed(1)}}, 400, 50035, []any{"embeds"}},
		{"embed total", "POST", studio + "/messages", obj{"embeds": []obj{embed(4000), embed(2001)}}, 400, 50035, []any{"embeds"}},
		{"embed description", "POST", studio + "/messages", obj{"embeds": []obj{embed(4097)}}, 400, 50035, []any{"embeds", "0", "description"}},
		{"embed url", "POST", studio + "/messages", obj{"embeds": []obj{{"title": "x", "url": "javascript:1"}}}, 400, 50035, []any{"embeds", "0", "url"}},
		{"six rows", "POST", studio + "/messages", obj{"content": "x", "components": rows(6)}, 400, 50035, []any{"components"}},
		{"long label", "POST", studio + "/messages", obj{"content": "x", "components": []obj{{"type": 1, "components": []obj{{"type": 2, "style": 1, "custom_id": "a", "label": strings.Repeat("l", 81)}}}}}, 400, 50035, []any{"components", "0", "components", "0", "label"}},
		{"same custom id", "POST", studio + "/messages", obj{"content": "x", "components": []obj{rows(1)[0], rows(1)[0]}}, 400, 50035, []any{"components", "1", "components", "0", "custom_id"}},
		{"v2 without flag", "POST", studio + "/messages", obj{"components": texts(1)}, 400, 50035, []any{"components", "0", "type"}},
		{"v2 with content", "POST", studio + "/messages", obj{"flags": 32768, "content": "x", "components": texts(1)}, 400, 50035, []any{"content"}},
		{"v2 too many", "POST", studio + "/messages", obj{"flags": 32768, "components": texts(41)}, 400, 50035, []any{"components"}},
		{"v2 long", "POST", studio + "/messages", obj{"flags": 32768, "components": []obj{{"type": 10, "content": strings.Repeat("x", 4001)}}}, 400, 50035, []any{"components"}},
		{"v2 file missing", "POST", studio + "/messages", obj{"flags": 32768, "components": []obj{{"type": 13, "file": obj{"url": "attachment://a.png"}}}}, 400, 50035, []any{"components", "0", "file"}},
		{"reply to nothing", "POST", studio + "/messages", obj{"content": "x", "message_reference": obj{"message_id": "1"}}, 400, 50035, []any{"message_reference"}},
		{"parse and list", "POST", studio + "/messages", obj{"content": "x", "allowed_mentions": obj{"parse": []string{"users"}, "users": []string{"1"}}}, 400, 50035, []any{"allowed_mentions"}},
		{"edit of others", "PATCH", studio + "/messages/" + theirs, obj{"content": "x"}, 403, 50005, nil},
		{"emptied", "PATCH", studio + "/messages/" + m, obj{"content": ""}, 400, 50006, nil},
		{"limit", "GET", studio + "/messages?limit=101", nil, 400, 50035, []any{"limit"}},
		{"bulk of one", "POST", studio + "/messages/bulk-delete", obj{"messages": []string{m}}, 400, 50035, []any{"messages"}},
		{"unknown emoji", "PUT", studio + "/messages/" + m + "/reactions/abc/@me", nil, 400, 10014, nil},
		{"second thread", "POST", studio + "/messages/" + m + "/threads", obj{"name": "again"}, 400, 160004, nil},
		{"thread name", "POST", studio + "/threads", obj{"name": strings.Repeat("x", 101), "type": 11}, 400, 50035, []any{"name"}},
		{"archive duration", "POST", studio + "/threads", obj{"name": "x", "type": 11, "auto_archive_duration": 61}, 400, 50035, []any{"auto_archive_duration"}},
		{"forum without message", "POST", "/channels/" + discordsim.DemoForum + "/threads", obj{"name": "x"}, 400, 50035, []any{"message"}},
		{"forum as text", "POST", "/channels/" + discordsim.DemoForum + "/messages", obj{"content": "x"}, 400, 50008, nil},
		{"webhook name", "POST", studio + "/webhooks", obj{"name": "My Discord bridge"}, 400, 50035, []any{"name"}},
		{"webhook empty name", "POST", studio + "/webhooks", obj{"name": ""}, 400, 50035, []any{"name"}},
		{"no permission", "PATCH", studio, obj{"name": "other"}, 403, 50013, nil},
		{"foreign guild", "GET", "/guilds/1", nil, 404, 10004, nil},
		{"ping to bots", "POST", "/users/@me/channels", obj{"recipient_id": discordsim.DemoBotID}, 400, 50007, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &client{t: t, base: c.base, token: c.token}
			a := c.do(tt.method, tt.path, tt.body)
			if a.status != tt.status || a.code() != tt.code {
				t.Fatalf("got %d %s, want %d with code %d", a.status, a.raw, tt.status, tt.code)
			}
			if tt.at != nil && get(a.body, append([]any{"errors"}, tt.at...)...) == nil {
				t.Errorf("nothing at %v in %s", tt.at, a.raw)
			}
		})
	}
	anonymous := &client{t: t, base: c.base}
	if a := anonymous.do("GET", "/users/@me", nil); a.status != 401 || a.body["message"] != "401: Unauthorized" {
		t.Errorf("without token: %d %s", a.status, a.raw)
	}
	if a, err := c.raw("POST", studio+"/messages", "application/json", strings.NewReader("{")); err != nil || a.code() != 50109 {
		t.Errorf("broken JSON: %v %s", err, a.raw)
	}
	if a := c.upload("POST", studio+"/messages", obj{}, file{"big.bin", make([]byte, 10<<20+1)}); a.status != 413 || a.code() != 40005 {
		t.Errorf("big file: %d %s", a.status, a.raw)
	}
}

func TestPermissions(t *testing.T) {
	o := discordsim.DemoSeed()
	o.Channels = append(o.Channels,
		discordsim.Channel{ID: "1100000000000000901", Type: discordsim.ChannelText, Name: "hidden", Overwrites: []discordsim.Overwrite{{ID: discordsim.DemoGuildID, Deny: discordsim.PermViewChannel}}},
		discordsim.Channel{ID: "1100000000000000902", Type: discordsim.ChannelText, Name: "mute", Overwrites: []discordsim.Overwrite{{ID: discordsim.DemoBotID, Type: 1, Deny: discordsim.PermSendMessages | discordsim.PermManageWebhooks}}})
	s, base := start(t, o)
	c := bot(t, base)
	if a := c.do("GET", "/channels/1100000000000000901/messages", nil); a.status != 403 || a.code() != 50001 {
		t.Errorf("hidden: %d %s", a.status, a.raw)
	}
	for _, p := range []string{"/messages", "/webhooks"} {
		if a := c.do("POST", "/channels/1100000000000000902"+p, obj{"content": "x", "name": "x"}); a.status != 403 || a.code() != 50013 {
			t.Errorf("mute %s: %d %s", p, a.status, a.raw)
		}
	}
	for _, ch := range s.Snapshot(discordsim.DemoIris, 0).Channels {
		if ch.ID == discordsim.DemoPrivate {
			t.Error("an outsider of the editors sees their channel")
		}
	}
}

func TestMessages(t *testing.T) {
	_, base := start(t, discordsim.Options{})
	c := bot(t, base)
	var ids []string
	for i := range 7 {
		ids = append(ids, c.ok("POST", studio+"/messages", obj{"content": fmt.Sprintf(" m%d ", i)}).id())
	}
	page := func(q string) string {
		var out []string
		for _, m := range c.ok("GET", studio+"/messages?"+q, nil).list {
			out = append(out, get(m, "content").(string))
		}
		return strings.Join(out, " ")
	}
	for q, want := range map[string]string{
		"limit=3":                      "m6 m5 m4",
		"limit=2&after=" + ids[1]:      "m3 m2",
		"limit=2&before=" + ids[4]:     "m3 m2",
		"limit=3&around=" + ids[3]:     "m4 m3 m2",
		"limit=100&after=0":            "m6 m5 m4 m3 m2 m1 m0",
		"limit=5&after=" + ids[6]:      "",
		"limit=2&after=" + ids[0][:10]: "m1 m0",
	} {
		if got := page(q); got != want {
			t.Errorf("%s: got %q, want %q", q, got, want)
		}
	}
	first := c.ok("POST", studio+"/messages", obj{"content": "once", "nonce": "n1", "enforce_nonce": true})
	second := c.ok("POST", studio+"/messages", obj{"content": "twice", "nonce": "n1", "enforce_nonce": true})
	if first.id() != second.id() || second.body["content"] != "once" || second.body["nonce"] != "n1" {
		t.Errorf("nonce: %s", second.raw)
	}
	c.ok("DELETE", studio+"/messages/"+first.id(), nil)
	if a := c.do("POST", studio+"/messages", obj{"content": "x", "nonce": "n1", "enforce_nonce": true}); a.code() != 10008 {
		t.Errorf("nonce of a deleted message: %s", a.raw)
	}
	ping := c.ok("POST", studio+"/messages", obj{"content": "<@" + discordsim.DemoMaya + "> `<@" + discordsim.DemoLeo + ">` @everyone"})
	if l := ping.body["mentions"].([]any); len(l) != 1 || ping.body["mention_everyone"] != false {
		t.Errorf("mentions: %s", ping.raw)
	}
	silent := c.ok("POST", studio+"/messages", obj{"content": "<@" + discordsim.DemoMaya + ">", "allowed_mentions": obj{"parse": []string{}}})
	if l := silent.body["mentions"].([]any); len(l) != 0 {
		t.Errorf("suppressed mentions: %s", silent.raw)
	}
	reply := c.ok("POST", studio+"/messages", obj{"content": "re", "message_reference": obj{"message_id": ids[0]}})
	if reply.body["type"] != 19.0 || get(reply.body, "referenced_message", "id") != ids[0] {
		t.Errorf("reply: %s", reply.raw)
	}
	c.ok("PUT", studio+"/messages/pins/"+ids[0], nil)
	if l := get(c.ok("GET", studio+"/messages/pins", nil).body, "items").([]any); len(l) != 1 {
		t.Error("not pinned")
	}
	c.ok("POST", studio+"/messages/bulk-delete", obj{"messages": ids[:2]})
	if a := c.do("GET", studio+"/messages/"+ids[1], nil); a.code() != 10008 {
		t.Error("bulk delete left a message")
	}
}

func TestAttachments(t *testing.T) {
	s, base := start(t, discordsim.Options{})
	c := bot(t, base)
	a := c.upload("POST", studio+"/messages", obj{"content": "two", "attachments": []obj{{"id": 0, "description": "grey"}, {"id": 1, "filename": "b c.png"}}},
		file{"a.png", pngOf(4, 5)}, file{"b.png", pngOf(6, 7)})
	att := get(a.body, "attachments", 0).(obj)
	if att["width"] != 4.0 || att["height"] != 5.0 || att["content_type"] != "image/png" || att["description"] != "grey" || get(a.body, "attachments", 1, "filename") != "b_c.png" {
		t.Fatalf("attachment: %s", a.raw)
	}
	link := att["url"].(string)
	status := func(link string) int {
		res, err := http.Get(link)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	u, _ := url.Parse(link)
	if got := status(link); got != 200 {
		t.Errorf("link: %d", got)
	}
	if got := status(base + u.Path); got != 404 {
		t.Errorf("unsigned link: %d", got)
	}
	first, second := att["id"].(string), get(a.body, "attachments", 1, "id").(string)
	keep := c.ok("PATCH", studio+"/messages/"+a.id(), obj{"attachments": []obj{{"id": second}}})
	if l := keep.body["attachments"].([]any); len(l) != 1 || get(l, 0, "id") != second {
		t.Errorf("kept: %s, dropped should be %s", keep.raw, first)
	}
	if a := c.ok("PATCH", studio+"/messages/"+a.id(), obj{"content": "three"}); len(a.body["attachments"].([]any)) != 1 || a.body["edited_timestamp"] == nil {
		t.Errorf("edit of the text: %s", a.raw)
	}
	if got := c.v9().upload("PATCH", studio+"/messages/"+a.id(), obj{}, file{"c.png", pngOf(1, 1)}); len(got.body["attachments"].([]any)) != 2 {
		t.Errorf("v9 adds: %s", got.raw)
	}
	if got := c.upload("PATCH", studio+"/messages/"+a.id(), obj{"attachments": []obj{{"id": 0}}}, file{"d.png", pngOf(1, 1)}); len(got.body["attachments"].([]any)) != 1 {
		t.Errorf("v10 replaces: %s", got.raw)
	}
	e := c.upload("POST", studio+"/messages", obj{"embeds": []obj{{"image": obj{"url": "attachment://e.png"}}}}, file{"e.png", pngOf(9, 9)})
	if len(e.body["attachments"].([]any)) != 0 || get(e.body, "embeds", 0, "image", "width") != 9.0 {
		t.Errorf("file in an embed: %s", e.raw)
	}
	v2 := c.upload("POST", studio+"/messages", obj{"flags": 32768, "components": []obj{{"type": 17, "components": []obj{{"type": 10, "content": "hi"}, {"type": 12, "items": []obj{{"media": obj{"url": "attachment://g.png"}}}}}}}},
		file{"g.png", pngOf(3, 3)})
	if get(v2.body, "components", 0, "components", 1, "items", 0, "media", "width") != 3.0 || get(v2.body, "components", 0, "id") != 1.0 {
		t.Errorf("v2: %s", v2.raw)
	}
	if a := c.do("PATCH", studio+"/messages/"+v2.id(), obj{"flags": 0, "content": "x"}); a.code() != 50035 {
		t.Errorf("v2 flag went away: %s", a.raw)
	}
	if err := s.Fault(discordsim.Fault{Kind: "expired_cdn"}); err != nil {
		t.Fatal(err)
	}
	if got := status(link); got != 404 {
		t.Errorf("expired link: %d", got)
	}
	fresh := c.upload("POST", studio+"/messages", obj{}, file{"a.png", pngOf(4, 5)})
	if got := status(get(fresh.body, "attachments", 0, "url").(string)); got != 200 {
		t.Errorf("fresh link: %d", got)
	}
	again := c.ok("POST", "/attachments/refresh-urls", obj{"attachment_urls": []string{link}})
	if got := get(again.body, "refreshed_urls", 0, "refreshed").(string); got == link {
		t.Error("link was not refreshed")
	}
}

func TestThreads(t *testing.T) {
	s, base := start(t, discordsim.Options{})
	c := bot(t, base)
	root := c.ok("POST", studio+"/messages", obj{"content": "root"}).id()
	th := c.ok("POST", studio+"/messages/"+root+"/threads", obj{"name": "Talk"})
	if th.status != 201 || th.id() != root {
		t.Fatalf("thread: %d %s", th.status, th.raw)
	}
	if m := c.ok("GET", studio+"/messages/"+root, nil); get(m.body, "thread", "id") != root || int(m.body["flags"].(float64))&32 == 0 {
		t.Errorf("root: %s", m.raw)
	}
	in := "/channels/" + root
	first := c.ok("GET", in+"/messages", nil).list
	if len(first) != 1 || get(first, 0, "type") != 21.0 || get(first, 0, "referenced_message", "id") != root {
		t.Errorf("starter: %v", first)
	}
	m := c.ok("POST", in+"/messages", obj{"content": "a"}).id()
	c.ok("PATCH", in, obj{"archived": true})
	for what, a := range map[string]answer{
		"edit":  c.do("PATCH", in+"/messages/"+m, obj{"content": "b"}),
		"react": c.do("PUT", in+"/messages/"+m+"/reactions/%F0%9F%91%8D/@me", nil),
		"join":  c.do("PUT", in+"/thread-members/@me", nil),
	} {
		if a.code() != 50083 {
			t.Errorf("%s in the archive: %s", what, a.raw)
		}
	}
	c.ok("POST", in+"/messages", obj{"content": "wakes"})
	if get(c.ok("GET", in, nil).body, "thread_metadata", "archived") != false {
		t.Error("still archived")
	}
	c.ok("PATCH", in, obj{"archived": true, "locked": true})
	if a := c.do("POST", in+"/messages", obj{"content": "x"}); a.code() != 160005 {
		t.Errorf("locked: %s", a.raw)
	}
	loose := c.ok("POST", studio+"/threads", obj{"name": "Loose", "type": 11}).id()
	if l := c.ok("GET", studio+"/messages?limit=1", nil).list; get(l, 0, "type") != 18.0 || get(l, 0, "message_reference", "channel_id") != loose {
		t.Errorf("no announcement: %v", l)
	}
	post := c.ok("POST", "/channels/"+discordsim.DemoForum+"/threads", obj{"name": "Brief", "message": obj{"content": "do it"}, "applied_tags": []string{"1100000000000000401"}})
	if get(post.body, "message", "id") != post.id() {
		t.Errorf("forum post: %s", post.raw)
	}
	private := act(t, s, discordsim.Action{As: discordsim.DemoOwner, Do: "thread", Channel: discordsim.DemoStudio, Text: "hush", Fields: map[string]string{"private": "true"}}).Thread
	if _, err := s.Act(t.Context(), discordsim.Action{As: discordsim.DemoIris, Do: "say", Channel: private, Text: "x"}); err == nil {
		t.Error("a private thread let a stranger in")
	}
	if l := get(c.ok("GET", "/guilds/"+discordsim.DemoGuildID+"/threads/active", nil).body, "threads").([]any); len(l) != 3 {
		t.Errorf("%d active threads", len(l))
	}
	if l := get(c.ok("GET", studio+"/threads/archived/public", nil).body, "threads").([]any); len(l) != 1 {
		t.Errorf("%d archived threads", len(l))
	}
}

func TestWebhooks(t *testing.T) {
	_, base := start(t, discordsim.Options{})
	c := bot(t, base)
	anonymous := &client{t: t, base: c.base}
	h := c.ok("POST", studio+"/webhooks", obj{"name": "Bridge"})
	hook := "/webhooks/" + h.id() + "/" + h.body["token"].(string)
	root := c.ok("POST", studio+"/messages", obj{"content": "root"}).id()
	th := c.ok("POST", studio+"/messages/"+root+"/threads", obj{"name": "T"}).id()
	if a := anonymous.do("POST", hook, obj{"content": "x"}); a.status != 204 {
		t.Errorf("without wait: %d", a.status)
	}
	body := obj{"content": "hi", "username": "Ana (Slack)", "avatar_url": "https://example.com/a.png", "nonce": "n", "enforce_nonce": true,
		"components": []obj{{"type": 1, "components": []obj{{"type": 2, "style": 1, "label": "x", "custom_id": "x"}}}}}
	m := anonymous.ok("POST", hook+"?wait=true&thread_id="+th, body)
	again := anonymous.ok("POST", hook+"?wait=true&thread_id="+th, body)
	if m.id() == again.id() {
		t.Error("webhooks must not know nonces")
	}
	if get(m.body, "author", "id") != h.id() || get(m.body, "author", "username") != "Ana (Slack)" || m.body["webhook_id"] != h.id() || m.body["application_id"] != discordsim.DemoBotID || len(m.body["components"].([]any)) != 1 {
		t.Errorf("webhook message: %s", m.raw)
	}
	for _, method := range []string{"GET", "PATCH", "DELETE"} {
		var b any
		if method == "PATCH" {
			b = obj{"content": "new"}
		}
		if a := anonymous.do(method, hook+"/messages/"+m.id(), b); a.code() != 10008 {
			t.Errorf("%s without thread: %d %s", method, a.status, a.raw)
		}
		if a := anonymous.do(method, hook+"/messages/"+m.id()+"?thread_id="+th, b); a.status >= 300 {
			t.Errorf("%s with thread: %d %s", method, a.status, a.raw)
		}
	}
	if a := anonymous.do("POST", "/webhooks/"+h.id()+"/wrong", obj{"content": "x"}); a.status != 401 || a.code() != 50027 {
		t.Errorf("wrong token: %d %s", a.status, a.raw)
	}
	c.ok("DELETE", "/webhooks/"+h.id(), nil)
	if a := anonymous.do("POST", hook, obj{"content": "x"}); a.status != 404 || a.code() != 10015 {
		t.Errorf("dead webhook: %d %s", a.status, a.raw)
	}
	for range 15 {
		c.ok("POST", studio+"/webhooks", obj{"name": "one more"})
	}
	if a := c.do("POST", studio+"/webhooks", obj{"name": "too many"}); a.code() != 30007 {
		t.Errorf("sixteenth: %s", a.raw)
	}
	if l := c.ok("GET", studio+"/webhooks", nil).list; len(l) != 15 {
		t.Errorf("%d webhooks", len(l))
	}
}

func TestReactions(t *testing.T) {
	s, base := start(t, discordsim.Options{})
	c := bot(t, base)
	m := c.ok("POST", studio+"/messages", obj{"content": "x"}).id()
	on := studio + "/messages/" + m + "/reactions"
	heart := url.PathEscape("❤")
	c.ok("PUT", on+"/"+heart+"/@me", nil)
	act(t, s, discordsim.Action{As: discordsim.DemoMaya, Do: "react", Channel: discordsim.DemoStudio, Message: m, Emoji: "❤\ufe0f"})
	c.ok("PUT", on+"/atelier:1100000000000000301/@me", nil)
	got := c.ok("GET", studio+"/messages/"+m, nil)
	if get(got.body, "reactions", 0, "count") != 2.0 || get(got.body, "reactions", 0, "me") != true || get(got.body, "reactions", 1, "emoji", "id") == nil {
		t.Errorf("reactions: %s", got.raw)
	}
	if l := c.ok("GET", on+"/"+heart, nil).list; len(l) != 2 {
		t.Errorf("%d who reacted", len(l))
	}
	c.ok("DELETE", on+"/"+heart+"/"+discordsim.DemoMaya, nil)
	c.ok("DELETE", on+"/"+heart+"/@me", nil)
	c.ok("DELETE", on, nil)
	if v := c.ok("GET", studio+"/messages/"+m, nil).body["reactions"]; v != nil {
		t.Errorf("left: %v", v)
	}
}
