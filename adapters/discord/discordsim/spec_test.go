package discordsim_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/atelier-bridge/atelier/adapters/discord/discordsim"
)

// spec validates answers against schemas of the platform's own OpenAPI document.
type spec struct {
	t        *testing.T
	compiler *jsonschema.Compiler
}

func openSpec(t *testing.T) *spec {
	t.Helper()
	dir := os.Getenv("ATELIER_SPECS")
	if dir == "" {
		t.Skip("ATELIER_SPECS names no folder with discord-openapi.json")
	}
	f, err := os.Open(filepath.Join(dir, "discord-openapi.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	doc, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource("discord.json", doc); err != nil {
		t.Fatal(err)
	}
	return &spec{t, c}
}

func (s *spec) check(what, schema string, v any) {
	s.t.Helper()
	sch, err := s.compiler.Compile("discord.json#/components/schemas/" + schema)
	if err != nil {
		s.t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		s.t.Fatal(err)
	}
	var plain any
	if err := json.Unmarshal(b, &plain); err != nil {
		s.t.Fatal(err)
	}
	if plain == nil {
		s.t.Errorf("%s: there is nothing to check", what)
		return
	}
	if err := sch.Validate(plain); err != nil {
		s.t.Errorf("%s: %v\n%s", what, err, b)
	}
}

func (s *spec) each(what, schema string, list []any) {
	s.t.Helper()
	if len(list) == 0 {
		s.t.Errorf("%s: empty", what)
	}
	for _, v := range list {
		s.check(what, schema, v)
	}
}

func TestSpecREST(t *testing.T) {
	spec := openSpec(t)
	_, base := start(t, discordsim.Options{})
	c := bot(t, base)
	spec.check("me", "UserPIIResponse", c.ok("GET", "/users/@me", nil).body)
	spec.check("user", "UserResponse", c.ok("GET", "/users/"+discordsim.DemoMaya, nil).body)
	spec.check("application", "PrivateApplicationResponse", c.ok("GET", "/applications/@me", nil).body)
	spec.check("gateway", "GatewayBotResponse", c.ok("GET", "/gateway/bot", nil).body)
	guild := "/guilds/" + discordsim.DemoGuildID
	spec.check("guild", "GuildResponse", c.ok("GET", guild, nil).body)
	spec.each("channels", "GuildChannelResponse", c.ok("GET", guild+"/channels", nil).list)
	spec.each("roles", "GuildRoleResponse", c.ok("GET", guild+"/roles", nil).list)
	spec.each("members", "GuildMemberResponse", c.ok("GET", guild+"/members?limit=10", nil).list)
	dm := c.ok("POST", "/users/@me/channels", obj{"recipient_id": discordsim.DemoMaya})
	spec.check("direct", "PrivateChannelResponse", dm.body)
	spec.check("direct message", "MessageResponse", c.ok("POST", "/channels/"+dm.id()+"/messages", obj{"content": "x"}).body)

	m := c.upload("POST", studio+"/messages", obj{"content": "x <@" + discordsim.DemoMaya + ">", "nonce": "n", "embeds": []obj{
		{"title": "t", "description": "d", "url": "https://example.com", "color": 1, "timestamp": "2026-01-02T03:04:05Z", "footer": obj{"text": "f"}, "author": obj{"name": "a"},
			"fields": []obj{{"name": "n", "value": "v"}}, "image": obj{"url": "attachment://a.png"}, "thumbnail": obj{"url": "https://example.com/t.png"}}},
		"components": []obj{{"type": 1, "components": []obj{{"type": 2, "style": 1, "label": "x", "custom_id": "x", "emoji": obj{"name": "🔥"}}, {"type": 2, "style": 5, "label": "l", "url": "https://example.com"}}},
			{"type": 1, "components": []obj{{"type": 3, "custom_id": "s", "options": []obj{{"label": "l", "value": "v", "description": "d"}}}}}}},
		file{"a.png", pngOf(2, 2)}, file{"b.txt", []byte("text")})
	spec.check("message", "MessageResponse", m.body)
	on := studio + "/messages/" + m.id()
	c.ok("PUT", on+"/reactions/%F0%9F%91%8D/@me", nil)
	spec.each("who reacted", "UserResponse", c.ok("GET", on+"/reactions/%F0%9F%91%8D", nil).list)
	spec.check("reply", "MessageResponse", c.ok("POST", studio+"/messages", obj{"content": "r", "message_reference": obj{"message_id": m.id()}}).body)
	v2 := c.upload("POST", studio+"/messages", obj{"flags": 32768, "components": []obj{
		{"type": 17, "accent_color": 5, "components": []obj{{"type": 10, "content": "x"}, {"type": 14}, {"type": 9, "components": []obj{{"type": 10, "content": "y"}}, "accessory": obj{"type": 11, "media": obj{"url": "attachment://a.png"}}},
			{"type": 12, "items": []obj{{"media": obj{"url": "https://example.com/x.png"}, "description": "d"}}}}}, {"type": 13, "file": obj{"url": "attachment://b.txt"}}}},
		file{"a.png", pngOf(2, 2)}, file{"b.txt", []byte("text")})
	spec.check("components V2", "MessageResponse", v2.body)
	spec.check("edit", "MessageResponse", c.ok("PATCH", on, obj{"content": "y"}).body)
	th := c.ok("POST", on+"/threads", obj{"name": "T"})
	spec.check("thread", "ThreadResponse", th.body)
	spec.check("loose thread", "CreatedThreadResponse", c.ok("POST", studio+"/threads", obj{"name": "L", "type": 12}).body)
	spec.check("forum post", "CreatedThreadResponse", c.ok("POST", "/channels/"+discordsim.DemoForum+"/threads", obj{"name": "F", "message": obj{"content": "x"}}).body)
	spec.check("active threads", "ThreadsResponse", c.ok("GET", guild+"/threads/active", nil).body)
	spec.each("thread members", "ThreadMemberResponse", c.ok("GET", "/channels/"+th.id()+"/thread-members?with_member=true", nil).list)
	c.ok("PUT", studio+"/messages/pins/"+m.id(), nil)
	spec.check("pins", "PinnedMessagesResponse", c.ok("GET", studio+"/messages/pins", nil).body)
	h := c.ok("POST", studio+"/webhooks", obj{"name": "w"})
	spec.check("webhook", "GuildIncomingWebhookResponse", h.body)
	spec.each("webhooks", "GuildIncomingWebhookResponse", c.ok("GET", studio+"/webhooks", nil).list)
	w := c.ok("POST", "/webhooks/"+h.id()+"/"+h.body["token"].(string)+"?wait=true&thread_id="+th.id(), obj{"content": "x", "username": "Ana"})
	spec.check("webhook message", "MessageResponse", w.body)
	spec.each("history", "MessageResponse", c.ok("GET", studio+"/messages?limit=100", nil).list)
	spec.each("thread history", "MessageResponse", c.ok("GET", "/channels/"+th.id()+"/messages?limit=100", nil).list)
	register(c)
	spec.each("commands", "ApplicationCommandResponse", c.ok("GET", commands+"?with_localizations=true", nil).list)
	bad := c.do("POST", studio+"/messages", obj{})
	spec.check("error", "ErrorResponse", bad.body)
}

func TestSpecInteractions(t *testing.T) {
	spec := openSpec(t)
	s, base := start(t, discordsim.Options{})
	c := bot(t, base)
	register(c)
	g := identify(t, base, 0)
	maya(t, s, discordsim.Action{Do: "command", Command: "atelier task new"})
	in := g.until("INTERACTION_CREATE")
	button := []obj{{"type": 1, "components": []obj{{"type": 2, "style": 1, "label": "x", "custom_id": "x"}}}}
	a := callback(c, in, "?with_response=true", obj{"type": 4, "data": obj{"content": "x", "components": button}})
	spec.check("message callback", "InteractionCallbackResponse", a.body)
	hook := "/webhooks/" + discordsim.DemoBotID + "/" + in["token"].(string)
	orig := c.ok("GET", hook+"/messages/@original", nil)
	spec.check("original", "MessageResponse", orig.body)
	spec.check("followup", "MessageResponse", c.ok("POST", hook, obj{"content": "x", "flags": 64}).body)
	press := func() obj {
		maya(t, s, discordsim.Action{Do: "press", Message: orig.id(), CustomID: "x"})
		return g.until("INTERACTION_CREATE")
	}
	spec.check("deferred callback", "InteractionCallbackResponse", callback(c, press(), "?with_response=true", obj{"type": 5}).body)
	spec.check("update callback", "InteractionCallbackResponse", callback(c, press(), "?with_response=true", obj{"type": 7, "data": obj{"content": "y"}}).body)
	spec.check("silent callback", "InteractionCallbackResponse", callback(c, press(), "?with_response=true", obj{"type": 6}).body)
	form := obj{"type": 9, "data": obj{"custom_id": "f", "title": "F", "components": []obj{{"type": 1, "components": []obj{{"type": 4, "style": 1, "custom_id": "a", "label": "A"}}}}}}
	spec.check("form callback", "InteractionCallbackResponse", callback(c, press(), "?with_response=true", form).body)
	maya(t, s, discordsim.Action{Do: "submit", Fields: map[string]string{"a": "b"}})
	in = g.until("INTERACTION_CREATE")
	a = callback(c, in, "?with_response=true", obj{"type": 4, "data": obj{"content": "z"}})
	spec.check("answer to a form", "InteractionCallbackResponse", a.body)
	spec.each("history", "MessageResponse", c.ok("GET", studio+"/messages?limit=100", nil).list)
}
