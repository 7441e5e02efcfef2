package slacksim

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// shape collects the keys of one or more samples, two levels deep.
type shape map[string]bool

func (sh shape) add(prefix string, v any, depth int) {
	switch x := v.(type) {
	case obj:
		for k, e := range x {
			sh[prefix+k] = true
			if depth > 0 {
				sh.add(prefix+k+".", e, depth-1)
			}
		}
	case []any:
		for _, e := range x {
			sh.add(prefix, e, depth)
		}
	}
}

// TestShapesOfRecordedPayloads compares our payloads with those that Slack's own SDK recorded. A recorded payload is
// the sum of every variant ever seen; so is ours here. What we leave out is named, with the reason.
func TestShapesOfRecordedPayloads(t *testing.T) {
	dir := os.Getenv("ATELIER_SPECS")
	folder := filepath.Join(dir, "slack", "events")
	if _, err := os.Stat(folder); dir == "" || err != nil {
		t.Skipf("no recorded payloads in %q (ATELIER_SPECS)", folder)
	}
	r := newRig(t, func(o *Options) { o.UnfurlDelay = 1 })
	var everything []obj
	c := r.connect(nil)

	root := r.say(ada, acme, "", "root https://example.com")
	r.say(ada, acme, root, "<@U0BOTATEL1> hi")
	r.act(Action{As: ada, Do: "say", Channel: acme, ThreadTS: root, Text: "wide https://example.com", Broadcast: true})
	r.act(Action{As: ada, Do: "edit", Channel: acme, TS: r.say(ada, acme, root, "typo"), Text: "fixed"})
	own := r.must("chat.postMessage", obj{"channel": acme, "text": "bot", "thread_ts": root, "metadata": obj{"event_type": "op", "event_payload": obj{"a": "1"}},
		"attachments": []obj{{"text": "a"}}, "blocks": []obj{{"type": "divider"}}})["ts"].(string)
	r.must("chat.postMessage", obj{"channel": acme, "text": "other", "thread_ts": root, "username": "Ada", "icon_url": "https://x.example/a.png", "blocks": []obj{{"type": "divider"}}, "attachments": []obj{{"text": "a"}}})
	r.must("chat.update", obj{"channel": acme, "ts": own, "text": "text alone"})
	r.act(Action{As: ada, Do: "react", Channel: acme, TS: own, Emoji: "eyes"})
	r.act(Action{As: ada, Do: "unreact", Channel: acme, TS: own, Emoji: "eyes"})
	r.must("chat.delete", obj{"channel": acme, "ts": own})
	r.act(Action{As: ada, Do: "delete", Channel: acme, TS: root})
	r.act(Action{As: ben, Do: "say", Channel: acme, ThreadTS: r.say(ada, acme, "", "r"), Text: "file", Files: []FileUpload{{Name: "a.png", Data: picture(t)}}})
	r.act(Action{As: ada, Do: "delete", Channel: acme, TS: r.say(ada, acme, "", "x")})
	r.must("files.delete", obj{"file": r.upload("a.png", picture(t), obj{"channel_id": acme})})
	r.must("conversations.join", obj{"channel": nobot})
	r.must("views.publish", obj{"user_id": ada, "view": obj{"type": "home", "blocks": []obj{{"type": "divider"}}}})
	r.act(Action{As: ada, Do: "home"})
	c.event("app_home_opened", "", nil)
	c.event("file_deleted", "", nil)
	c.event("message", "message_changed", func(e obj) bool { return e["message"].(obj)["attachments"] != nil })
	c.event("reaction_removed", "", nil)
	c.event("member_joined_channel", "", nil)
	for _, sub := range []string{"", "bot_message", "file_share", "channel_join", "message_deleted", "thread_broadcast"} {
		c.event("message", sub, nil)
	}
	c.event("file_shared", "", nil)
	c.event("app_mention", "", nil)
	c.mu.Lock()
	for _, e := range c.seen {
		if p, ok := e["payload"].(obj); ok {
			everything = append(everything, p)
		}
	}
	c.mu.Unlock()

	// Not ours anywhere: Enterprise Grid, Slack Connect, and fields that Slack has retired.
	never := []string{"enterprise_id", "authed_users", "authed_teams", "event.enterprise", "event.inviter"}
	for _, row := range []struct {
		file, typ, subtype string
		without            []string
	}{
		{"MessagePayload", "message", "", []string{"event.edited", "event.attachments"}},
		{"MessageBotPayload", "message", "bot_message", nil},
		{"MessageChangedPayload", "message", "message_changed", nil},
		{"MessageDeletedPayload", "message", "message_deleted", nil},
		{"MessageThreadBroadcastPayload", "message", "thread_broadcast", []string{"event.attachments"}},
		{"MessageFileSharePayload", "message", "file_share", []string{"event.attachments"}},
		{"MessageChannelJoinPayload", "message", "channel_join", []string{"event.team"}},
		{"AppMentionPayload", "app_mention", "", []string{"event.username", "event.app_id", "event.bot_id", "event.bot_profile", "event.subtype", "event.upload",
			"event.display_as_bot", "event.user_team", "event.source_team", "event.user_profile", "event.edited"}},
		{"AppHomeOpenedPayload", "app_home_opened", "", nil},
		{"ReactionAddedPayload", "reaction_added", "", nil},
		{"ReactionRemovedPayload", "reaction_removed", "", nil},
		{"FileSharedPayload", "file_shared", "", nil},
		{"FileDeletedPayload", "file_deleted", "", nil},
		{"MemberJoinedChannelPayload", "member_joined_channel", "", nil},
	} {
		t.Run(row.file, func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join(folder, row.file+".json"))
			if err != nil {
				t.Fatal(err)
			}
			var recorded obj
			if err := json.Unmarshal(raw, &recorded); err != nil {
				t.Fatal(err)
			}
			want, have := shape{}, shape{}
			want.add("", recorded, 1)
			for _, p := range everything {
				if ev, _ := p["event"].(obj); str(ev, "type") == row.typ && str(ev, "subtype") == row.subtype {
					have.add("", p, 1)
				}
			}
			for k := range want {
				if !have[k] && !slices.Contains(never, k) && !slices.Contains(row.without, k) && k != "authorizations.enterprise_id" {
					t.Errorf("missing %s", k)
				}
			}
		})
	}
}

func TestShapesOfRecordedInteractions(t *testing.T) {
	dir := os.Getenv("ATELIER_SPECS")
	folder := filepath.Join(dir, "slack", "app-backend")
	if _, err := os.Stat(folder); dir == "" || err != nil {
		t.Skipf("no recorded payloads in %q (ATELIER_SPECS)", folder)
	}
	r := newRig(t, nil)
	c := r.connect(nil)
	ts := r.must("chat.postMessage", obj{"channel": acme, "text": "c", "blocks": []obj{{"type": "actions", "elements": []obj{{"type": "button", "action_id": "go", "text": obj{"type": "plain_text", "text": "Go"}}}}}})["ts"].(string)
	r.act(Action{As: ada, Do: "press", Channel: acme, TS: ts, ActionID: "go"})
	r.act(Action{As: ada, Do: "shortcut", Channel: acme, TS: ts, CallbackID: "x"})
	r.act(Action{As: ada, Do: "command", Channel: acme, Command: "/atelier"})
	payload := func(typ string) obj {
		return c.wait(typ, func(e obj) bool { p, _ := e["payload"].(obj); return str(p, "type") == typ || str(p, "command") == typ })["payload"].(obj)
	}
	trigger := payload("/atelier")["trigger_id"]
	view := modal("m", input("a"))
	view["notify_on_close"] = true
	r.must("views.open", obj{"trigger_id": trigger, "view": view})
	r.act(Action{As: ada, Do: "submit", Values: map[string]map[string]any{"a": {"v": "x"}}})
	r.must("views.open", obj{"trigger_id": payload("message_action")["trigger_id"], "view": view})
	r.act(Action{As: ada, Do: "close"})

	// Workflow functions, unfurls and Enterprise Grid are not simulated; a message's button has no view.
	never := []string{"enterprise_id", "enterprise_name", "enterprise.id", "enterprise.name", "team.enterprise_id", "team.enterprise_name", "bot_access_token", "function_data", "function_data.execution_id",
		"function_data.function", "interactivity", "interactivity.interactivity_pointer", "interactivity.interactor", "app_unfurl", "view"}
	for _, row := range []struct{ file, typ string }{
		{"slash-commands/SlashCommandPayload", "/atelier"}, {"interactive-components/MessageShortcutPayload", "message_action"}, {"interactive-components/BlockActionPayload", "block_actions"},
		{"views/ViewSubmissionPayload", "view_submission"}, {"views/ViewClosedPayload", "view_closed"},
	} {
		t.Run(row.typ, func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join(folder, row.file+".json"))
			if err != nil {
				t.Fatal(err)
			}
			var recorded obj
			if err := json.Unmarshal(raw, &recorded); err != nil {
				t.Fatal(err)
			}
			want, have := shape{}, shape{}
			want.add("", recorded, 0)
			have.add("", payload(row.typ), 0)
			for k := range want {
				// The SDK gives view_submission the fields of view_closed; Slack does not send them.
				if !have[k] && !slices.Contains(never, k) && !(row.typ == "view_submission" && k == "is_cleared") {
					t.Errorf("missing %s", k)
				}
			}
		})
	}
}
