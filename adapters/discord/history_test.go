package discord

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/adapters/discord/discordsim"
	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
)

// TestHistoryOfOddMessages reads a page in which one message cannot be read.
func TestHistoryOfOddMessages(t *testing.T) {
	mux := http.NewServeMux()
	answer := func(path, body string) {
		mux.HandleFunc("GET /api/v10/"+path, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) })
	}
	const by = `"channel_id":"3","type":0,"timestamp":"2026-01-02T03:04:05+00:00","author":{"id":"7","username":"ana"}`
	answer("users/@me", `{"id":"11","username":"atelier"}`)
	answer("guilds/1", `{"id":"1","roles":[{"id":"1","permissions":"1024"}]}`)
	answer("channels/2", `{"id":"2","type":0,"guild_id":"1","name":"studio"}`)
	answer("channels/3", `{"id":"3","type":11,"guild_id":"1","parent_id":"2","name":"a task"}`)
	answer("channels/3/messages", `[{"id":"103","content":"last","components":[{"type":99}],`+by+`},
		{"id":"102","content":{"new":"shape"},`+by+`},
		{"id":"101","content":"first",`+by+`,"reactions":[{"count":3,"me":true,"emoji":{"name":"👀"}},{"count":1,"me":true,"emoji":{"name":"🎉"}},{"count":1,"me":false,"emoji":{"id":"9","name":"party"}}]}]`)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	a, err := New(Options{BotToken: core.NewSecret("t"), ApplicationID: "10", APIURL: srv.URL + "/api/v10", Table: command.New()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.rest.client.CloseIdleConnections)
	page, err := a.Since(t.Context(), "discord:1/2", "3", "100", time.Time{}, 10)
	if err != nil || !page.Complete || len(page.Messages) != 3 || page.Next != "103" {
		t.Fatalf("%+v %v", page, err)
	}
	first, odd, last := page.Messages[0], page.Messages[1], page.Messages[2]
	if first.Inbound == nil || len(first.Reactions) != 2 || first.Reactions[0].Count != 2 || first.Reactions[1].Count != 1 || len(first.Reactions[0].By) != 0 {
		t.Errorf("%+v", first)
	}
	if odd.ID != "102" || odd.Inbound != nil {
		t.Errorf("%+v", odd)
	}
	if last.Inbound == nil || last.Inbound.Message.Text.String() != "last" {
		t.Errorf("%+v", last)
	}
}

func TestHistoryReactionsAndDeletedThreads(t *testing.T) {
	r := newRig(t, rigOptions{idle: true})
	_, thread := r.task()
	said := core.MessageID(r.act(discordsim.Action{As: discordsim.DemoMaya, Do: "say", Channel: string(thread), Text: "nice"}).Message)
	eyes := core.Emoji{Name: "eyes", Unicode: "👀"}
	read := func() []core.Reaction {
		page, err := r.a.Since(r.ctx(), studio, thread, "", time.Now().Add(-time.Hour), 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range page.Messages {
			if m.ID == said {
				return m.Reactions
			}
		}
		t.Fatalf("%+v", page)
		return nil
	}
	r.deliver(core.Delivery{ID: "d-r", Op: core.OpReact, Room: studio, Thread: thread, Target: []core.MessageID{said}, Emoji: eyes})
	if got := read(); len(got) != 0 {
		t.Errorf("our own reaction counts: %+v", got)
	}
	if who, err := r.a.Reactors(r.ctx(), studio, thread, said, eyes); err != nil || len(who) != 0 {
		t.Error(who, err)
	}
	for _, u := range []string{discordsim.DemoMaya, discordsim.DemoIris} {
		r.act(discordsim.Action{As: u, Do: "react", Message: string(said), Channel: string(thread), Emoji: "👀"})
	}
	if got := read(); len(got) != 1 || got[0].Count != 2 || got[0].Emoji.Key() != eyes.Key() {
		t.Errorf("%+v", got)
	}
	if who, err := r.a.Reactors(r.ctx(), studio, thread, said, eyes); err != nil || len(who) != 2 {
		t.Error(who, err)
	}
	if err := r.a.rest.do(r.ctx(), call{method: http.MethodDelete, route: "DELETE channels", path: "channels/" + string(thread)}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := r.a.Since(r.ctx(), studio, thread, "", time.Now().Add(-time.Hour), 10); core.ErrorCode(err) != core.CodeGone {
		t.Error("a deleted thread:", err)
	}
	if _, err := r.a.Reactors(r.ctx(), studio, thread, said, eyes); core.ErrorCode(err) != core.CodeGone {
		t.Error("a deleted thread:", err)
	}
}

// TestSameThingSameID: what a resumed session tells again, and what two sessions tell, is the same inbound.
func TestSameThingSameID(t *testing.T) {
	a, err := New(Options{BotToken: core.NewSecret("t"), ApplicationID: "10", Table: command.New()})
	if err != nil {
		t.Fatal(err)
	}
	a.world.putGuild(wireGuild{ID: "1", Roles: []wireRole{{ID: "1", Permissions: "1024"}}, Channels: []wireChannel{{ID: "2", Name: "studio"}}})
	const by = `"id":"100","channel_id":"2","guild_id":"1","type":0,"timestamp":"2026-01-02T03:04:05+00:00","author":{"id":"7","username":"ana"}`
	for _, c := range []struct{ kind, data string }{
		{"MESSAGE_CREATE", `{"content":"hi",` + by + `}`},
		{"MESSAGE_UPDATE", `{"content":"ho","edited_timestamp":"2026-01-02T04:00:00+00:00",` + by + `}`},
		{"MESSAGE_DELETE", `{"id":"100","channel_id":"2","guild_id":"1"}`},
	} {
		ids := map[core.InboundID]bool{}
		for _, key := range []string{"s/1", "s/1", "t/9"} {
			got, err := a.inbounds(t.Context(), &event{kind: c.kind, key: key, at: time.Now(), data: []byte(c.data)})
			if err != nil || len(got) != 1 {
				t.Fatal(c.kind, got, err)
			}
			ids[got[0].ID] = true
		}
		if len(ids) != 1 {
			t.Errorf("%s: %v", c.kind, ids)
		}
	}
	// Only the same dispatch of a reaction is the same: a person may take one back and put it again.
	reaction := &event{kind: "MESSAGE_REACTION_ADD", at: time.Now(), data: []byte(`{"user_id":"7","channel_id":"2","message_id":"100","guild_id":"1","emoji":{"name":"👍"}}`)}
	reaction.key = "s/1"
	first, _ := a.inbounds(t.Context(), reaction)
	again, _ := a.inbounds(t.Context(), reaction)
	reaction.key = "s/3"
	later, _ := a.inbounds(t.Context(), reaction)
	if first[0].ID != again[0].ID || first[0].ID == later[0].ID {
		t.Errorf("%s %s %s", first[0].ID, again[0].ID, later[0].ID)
	}
	for _, update := range []string{`,"edited_timestamp":null`, ``, `,"embeds":[{"type":"link"}]`, `,"flags":4`, `,"pinned":true`} {
		if got, err := a.inbounds(t.Context(), &event{kind: "MESSAGE_UPDATE", key: "s/1", at: time.Now(), data: []byte(`{"content":"hi",` + by + update + `}`)}); err != nil || len(got) != 0 {
			t.Errorf("%s: %+v %v", update, got, err)
		}
	}
}
