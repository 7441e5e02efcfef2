package slack

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/adapters/slack/slacksim"
	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
)

// TestHistoryOfOddMessages reads a page in which one message cannot be read and another has more reactions than names.
func TestHistoryOfOddMessages(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/auth.test", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"ok":true,"team_id":%q,"user_id":%q,"bot_id":"B0ATELIER1","url":"https://n.slack.com/"}`, team, bot)
	})
	mux.HandleFunc("/api/conversations.replies", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"ok":true,"messages":[{"ts":"1.0","user":"U1","text":"root"},
			{"ts":"2.0","user":"U1","text":"first","reactions":[{"name":"eyes","count":60,"users":["U1",%[1]q]},{"name":"tada","count":1,"users":[%[1]q]}]},
			{"ts":"3.0","user":{"new":"shape"},"text":7,"files":"none"},
			{"ts":"4.0","user":"U2","text":"last","blocks":[{"type":"actions","elements":[{"type":"hologram"}]}]}],"has_more":false}`, bot)
	})
	mux.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"ok":false,"error":"unknown_method"}`) })
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	a, err := New(Options{BotToken: core.NewSecret(botToken), AppToken: core.NewSecret(appToken), APIURL: srv.URL + "/api/", Table: command.New()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	page, err := a.Since(t.Context(), acmeRoom, "1.0", "1.0", time.Time{}, 10)
	if err != nil || !page.Complete || len(page.Messages) != 3 || page.Next != "4.0" {
		t.Fatalf("%+v %v", page, err)
	}
	first, odd, last := page.Messages[0], page.Messages[1], page.Messages[2]
	if first.Inbound == nil || len(first.Reactions) != 1 || first.Reactions[0].Count != 59 || len(first.Reactions[0].By) != 1 || first.Reactions[0].By[0] != identityID(team, "U1") {
		t.Errorf("%+v", first)
	}
	if odd.ID != "3.0" || odd.Inbound != nil {
		t.Errorf("%+v", odd)
	}
	if last.Inbound == nil || last.Inbound.Message.Text.String() != "last" {
		t.Errorf("%+v", last)
	}
}

func TestHistoryReactionsAndDeletedThreads(t *testing.T) {
	r := newRig(t, rigOptions{idle: true})
	root := r.card("d-root")
	thread := core.ThreadID(root)
	said := core.MessageID(r.say(ada, acme, root, "nice"))
	eyes := core.Emoji{Name: "eyes", Unicode: "👀"}
	read := func() []core.Reaction {
		page, err := r.a.Since(r.ctx, acmeRoom, thread, core.MessageID(root), time.Time{}, 10)
		if err != nil || len(page.Messages) != 1 {
			t.Fatal(page, err)
		}
		return page.Messages[0].Reactions
	}
	r.deliver(core.Delivery{ID: "d-r", Op: core.OpReact, Room: acmeRoom, Thread: thread, Target: []core.MessageID{said}, Emoji: eyes})
	if got := read(); len(got) != 0 {
		t.Errorf("our own reaction counts: %+v", got)
	}
	if who, err := r.a.Reactors(r.ctx, acmeRoom, thread, said, eyes); err != nil || len(who) != 0 {
		t.Error(who, err)
	}
	for _, u := range []string{ada, ben} {
		r.act(slacksim.Action{As: u, Do: "react", Channel: acme, TS: string(said), Emoji: "eyes"})
	}
	if got := read(); len(got) != 1 || got[0].Count != 2 || len(got[0].By) != 2 || got[0].Emoji.Key() != eyes.Key() {
		t.Errorf("%+v", got)
	}
	if who, err := r.a.Reactors(r.ctx, acmeRoom, thread, said, eyes); err != nil || len(who) != 2 {
		t.Error(who, err)
	}
	gone := r.deliver(core.Delivery{ID: "d-2", Op: core.OpPost, Room: acmeRoom, ThreadName: "t", Card: sampleCard()})
	r.deliver(core.Delivery{ID: "d-3", Op: core.OpDelete, Room: acmeRoom, Target: gone.Parts})
	if _, err := r.a.Since(r.ctx, acmeRoom, gone.Thread, "", time.Now().Add(-time.Hour), 10); core.ErrorCode(err) != core.CodeGone {
		t.Error("a deleted thread:", err)
	}
	if _, err := r.a.Reactors(r.ctx, acmeRoom, gone.Thread, gone.Parts[0], eyes); core.ErrorCode(err) != core.CodeGone {
		t.Error("a deleted message:", err)
	}
}
