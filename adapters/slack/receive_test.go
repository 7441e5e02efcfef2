package slack

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
)

func quiet(t *testing.T, change func(*Options)) *Adapter {
	t.Helper()
	o := Options{BotToken: core.NewSecret(botToken), SigningSecret: core.NewSecret(signing), APIURL: "http://127.0.0.1:1/api/", Table: command.New()}
	if change != nil {
		change(&o)
	}
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	a.installs[0].self, a.installs[0].known = identity{Team: team, BotUser: bot, BotID: "B0ATELIER1", AppID: "A0ATELIER1", URL: "https://n.slack.com/"}, true
	return a
}

func event(inner string) []byte {
	return []byte(`{"type":"event_callback","team_id":"` + team + `","api_app_id":"A0ATELIER1","event_id":"Ev1","event_time":1700000000,"event":` + inner +
		`,"authorizations":[{"team_id":"` + team + `","user_id":"` + bot + `","is_bot":true}]}`)
}

func TestEvents(t *testing.T) {
	a := quiet(t, nil)
	const at = `"channel":"C1","channel_type":"channel","ts":"1700000001.000200","event_ts":"1700000001.000200"`
	const nested = `"ts":"1700000000.000100","user":"U1","thread_ts":"1600000000.000100"`
	for name, row := range map[string]struct {
		event string
		kind  core.InboundKind // "" for nothing
		check func(core.Inbound) bool
	}{
		"message":          {`{"type":"message","user":"U1","text":"hi &amp; <@U2>",` + at + `}`, core.InboundMessage, func(in core.Inbound) bool { return in.Message.Text.String() == "hi & @U2" && in.Thread == "" }},
		"numeric ts":       {`{"type":"message","user":"U1","text":"hi","channel":"C1","ts":1700000001.5,"event_ts":1700000001.5,"display_as_bot":"false"}`, core.InboundMessage, func(in core.Inbound) bool { return in.Message.ID == "1700000001.5" }},
		"unknown block":    {`{"type":"message","user":"U1","text":"hi","blocks":[{"type":"actions","elements":[{"type":"hologram"}]},7],` + at + `}`, core.InboundMessage, nil},
		"private":          {`{"type":"message","user":"U1","text":"hi","channel":"G1","channel_type":"group","ts":"1700000001.0"}`, core.InboundMessage, func(in core.Inbound) bool { return in.Private }},
		"other app":        {`{"type":"message","subtype":"bot_message","bot_id":"B9","username":"CI","text":"built",` + at + `}`, core.InboundMessage, func(in core.Inbound) bool { return in.Actor.Bot && in.Actor.Name == "CI" }},
		"broadcast reply":  {`{"type":"message","subtype":"thread_broadcast","user":"U1","text":"x","thread_ts":"1600000000.000100",` + at + `}`, core.InboundMessage, func(in core.Inbound) bool { return in.Thread == "1600000000.000100" }},
		"echo by bot id":   {`{"type":"message","bot_id":"B0ATELIER1","text":"x",` + at + `}`, "", nil},
		"echo by app id":   {`{"type":"message","bot_id":"B7","app_id":"A0ATELIER1","text":"x",` + at + `}`, "", nil},
		"echo by profile":  {`{"type":"message","bot_id":"B7","bot_profile":{"app_id":"A0ATELIER1"},"text":"x",` + at + `}`, "", nil},
		"echo by user":     {`{"type":"message","subtype":"file_share","user":"` + bot + `","text":"x",` + at + `}`, "", nil},
		"echo by metadata": {`{"type":"message","bot_id":"B8","metadata":{"event_type":"atelier_delivery"},"text":"x",` + at + `}`, "", nil},
		"join":             {`{"type":"message","subtype":"channel_join","user":"U1","text":"joined",` + at + `}`, "", nil},
		"app mention":      {`{"type":"app_mention","user":"U1","text":"<@` + bot + `> approve",` + at + `}`, "", nil},
		"mention command":  {`{"type":"message","user":"U1","text":"hey <@` + bot + `> approve v1","thread_ts":"1600000000.000100",` + at + `}`, core.InboundCommand, func(in core.Inbound) bool { return in.Command.Text == "approve v1" && in.Thread == "1600000000.000100" }},
		"mention talk":     {`{"type":"message","user":"U1","text":"<@` + bot + `> thanks",` + at + `}`, core.InboundMessage, nil},
		"bot mentions us":  {`{"type":"message","bot_id":"B9","text":"<@` + bot + `> approve",` + at + `}`, core.InboundMessage, nil},
		"direct":           {`{"type":"message","user":"U1","text":"<@` + bot + `> jobs","channel":"D1","channel_type":"im","ts":"1700000001.0"}`, core.InboundCommand, func(in core.Inbound) bool { return in.Room == "" && in.Command.Text == "jobs" }},
		"edit": {`{"type":"message","subtype":"message_changed","message":{` + nested + `,"text":"b","edited":{"user":"U1","ts":"1700000001.000000"}},"previous_message":{` + nested + `,"text":"a"},` + at + `}`, core.InboundEdit, func(in core.Inbound) bool {
			return in.Message.EditedAt.Unix() == 1700000001 && in.Thread == "1600000000.000100" && in.Message.ID == "1700000000.000100"
		}},
		"unfurl":           {`{"type":"message","subtype":"message_changed","message":{` + nested + `,"text":"a","attachments":[{}]},"previous_message":{` + nested + `,"text":"a"},` + at + `}`, "", nil},
		"reply count":      {`{"type":"message","subtype":"message_changed","hidden":true,"message":{"ts":"1700000000.000100","user":"U1","text":"a","reply_count":2,"latest_reply":"1700000002.0"},"previous_message":{"ts":"1700000000.000100","user":"U1","text":"a","reply_count":1},` + at + `}`, "", nil},
		"replied":          {`{"type":"message","subtype":"message_replied","hidden":true,"message":{"ts":"1700000000.000100","user":"U1","text":"a"},` + at + `}`, "", nil},
		"broadcast":        {`{"type":"message","subtype":"thread_broadcast","user":"U1","text":"to all","thread_ts":"1600000000.000100","root":{"text":"root"},` + at + `}`, core.InboundMessage, func(in core.Inbound) bool { return in.Thread == "1600000000.000100" }},
		"root tombstone":   {`{"type":"message","subtype":"message_changed","hidden":true,"message":{"type":"message","subtype":"tombstone","text":"This message was deleted.","user":"USLACKBOT","hidden":true,"ts":"1700000000.000100","thread_ts":"1700000000.000100","reply_count":1},"previous_message":{"type":"message","user":"U1","text":"a","ts":"1700000000.000100","thread_ts":"1700000000.000100"},` + at + `}`, "", nil},
		"unfurl of edited": {`{"type":"message","subtype":"message_changed","message":{` + nested + `,"text":"a","edited":{"ts":"1.0"}},"previous_message":{` + nested + `,"text":"a","edited":{"ts":"1.0"}},` + at + `}`, "", nil},
		"same second":      {`{"type":"message","subtype":"message_changed","message":{` + nested + `,"text":"b","edited":{"ts":"1.0"}},"previous_message":{` + nested + `,"text":"a","edited":{"ts":"1.0"}},` + at + `}`, core.InboundEdit, nil},
		"file removed":     {`{"type":"message","subtype":"message_changed","message":{` + nested + `,"text":"a"},"previous_message":{` + nested + `,"text":"a","files":[{"id":"F1"}]},` + at + `}`, core.InboundEdit, func(in core.Inbound) bool { return !in.Message.EditedAt.IsZero() }},
		"tombstone":        {`{"type":"message","subtype":"message_changed","message":{"subtype":"tombstone","ts":"1700000000.000100","text":"This message was deleted."},"previous_message":{` + nested + `},` + at + `}`, "", nil},
		"own edit":         {`{"type":"message","subtype":"message_changed","message":{"ts":"1.0","bot_id":"B0ATELIER1","text":"b","edited":{"ts":"2.0"}},"previous_message":{"ts":"1.0","text":"a"},` + at + `}`, "", nil},
		"edited command":   {`{"type":"message","subtype":"message_changed","message":{` + nested + `,"text":"<@` + bot + `> approve v2","edited":{"ts":"2.0"}},"previous_message":{` + nested + `,"text":"a"},` + at + `}`, "", nil},
		"delete": {`{"type":"message","subtype":"message_deleted","deleted_ts":"1700000000.000100","previous_message":{` + nested + `},` + at + `}`, core.InboundDelete, func(in core.Inbound) bool {
			return in.Message.ID == "1700000000.000100" && in.Thread == "1600000000.000100"
		}},
		"own delete":            {`{"type":"message","subtype":"message_deleted","deleted_ts":"1.0","previous_message":{"bot_id":"B0ATELIER1"},` + at + `}`, "", nil},
		"reaction":              {`{"type":"reaction_added","user":"U1","reaction":"+1","item":{"type":"message","channel":"C1","ts":"1.0"},"event_ts":"1700000001.0"}`, core.InboundReact, func(in core.Inbound) bool { return in.ID == "slack-msg-T0ATELIER1/C1/1.0/react-U1-+1-1700000001.0" }},
		"numeric event_ts":      {`{"type":"reaction_removed","user":"U1","reaction":"+1","item":{"type":"message","channel":"C1","ts":"1.0"},"event_ts":1700000001}`, core.InboundUnreact, nil},
		"own reaction":          {`{"type":"reaction_added","user":"` + bot + `","reaction":"+1","item":{"type":"message","channel":"C1","ts":"1.0"},"event_ts":"1700000001.0"}`, "", nil},
		"reaction to a file":    {`{"type":"reaction_added","user":"U1","reaction":"+1","item":{"type":"file"},"event_ts":"1.0"}`, "", nil},
		"rename":                {`{"type":"channel_rename","channel":{"id":"C1","name":"new"}}`, core.InboundRoom, func(in core.Inbound) bool { return in.RoomName == "new" && in.Room == "slack:T0ATELIER1/C1" }},
		"somebody joins":        {`{"type":"member_joined_channel","user":"U1","channel":"C1"}`, "", nil},
		"we join":               {`{"type":"member_joined_channel","user":"` + bot + `","channel":"C1"}`, core.InboundRoom, nil},
		"unknown type":          {`{"type":"brand_new_thing","x":{}}`, "", nil},
		"no type":               {`{}`, core.InboundUnreadable, nil},
		"message without place": {`{"type":"message","user":"U1","text":"x","ts":"1700000001.0"}`, core.InboundUnreadable, nil},
		"a key": {`{"type":"message","user":"U1","text":"AIzaabcdefghijklmnopqrstuvwxyz0123456",` + at + `}`, core.InboundMessage, func(in core.Inbound) bool {
			return in.Message.Masked && in.Message.Text.String() == core.MaskedCredential
		}},
		"files": {`{"type":"message","subtype":"file_share","user":"U1","text":"","files":[{"id":"F1","name":"a.png","mimetype":"image/png","size":5,"url_private":"https://files.slack.com/a","url_private_download":"https://files.slack.com/d"},{"id":"F2","mode":"tombstone"},{"id":"F3","file_access":"check_file_info"}],` + at + `}`, core.InboundMessage, func(in core.Inbound) bool {
			f := in.Message.Files
			return len(f) == 3 && f[0].URL == "https://files.slack.com/d" && f[1].Skip != "" && f[2].ID == "F3" && f[2].URL == ""
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newInbox()
			if _, _, err := a.handle(t.Context(), a.apps[0], b, kindEvents, event(row.event)); err != nil {
				t.Fatal(err)
			}
			switch {
			case row.kind == "" && len(b.list) == 0:
			case len(b.list) != 1 || b.list[0].Kind != row.kind:
				t.Fatalf("got %+v", b.list)
			case row.check != nil && !row.check(b.list[0]):
				t.Fatalf("%+v %+v", b.list[0], b.list[0].Message)
			}
		})
	}
}

// TestSameThingSameID: Slack tells again under other event ids, and with counters of its tries; it is the same inbound.
func TestSameThingSameID(t *testing.T) {
	a := quiet(t, nil)
	const nested = `"ts":"1700000000.000100","thread_ts":"1600000000.000100","user":"U1"`
	const at = `"channel":"C1","channel_type":"channel","ts":"1700000001.000000","event_ts":"1700000001.000000"`
	for name, inner := range map[string]string{
		"message":   `{"type":"message","user":"U1","text":"x",` + at + `}`,
		"edit":      `{"type":"message","subtype":"message_changed","message":{` + nested + `,"text":"b","edited":{"user":"U1","ts":"1700000001.000000"}},"previous_message":{` + nested + `,"text":"a"},` + at + `}`,
		"delete":    `{"type":"message","subtype":"message_deleted","deleted_ts":"1700000000.000100","previous_message":{` + nested + `},` + at + `}`,
		"reaction":  `{"type":"reaction_added","user":"U1","reaction":"+1","item":{"type":"message","channel":"C1","ts":"1.0"},"event_ts":"1700000001.0"}`,
		"command":   `{"type":"message","user":"U1","text":"<@` + bot + `> approve v1",` + at + `}`,
		"broadcast": `{"type":"message","subtype":"thread_broadcast","user":"U1","text":"x","thread_ts":"1600000000.000100",` + at + `}`,
	} {
		b := newInbox()
		for n := range 3 {
			again := fmt.Sprintf(`{"type":"event_callback","team_id":%q,"api_app_id":"A0ATELIER1","event_id":"Ev%d","event_time":%d,"authorizations":[{"user_id":%q,"is_bot":true}],"event":%s}`, team, n, 1700000001+n, bot, inner)
			if _, _, err := a.handle(t.Context(), a.apps[0], b, kindEvents, []byte(again)); err != nil {
				t.Fatal(name, err)
			}
		}
		if len(b.list) != 1 || b.twice != 2 {
			t.Errorf("%s: stored %d times: %+v", name, len(b.list), b.list)
		}
	}
}

func TestEditsOfOneSecondDiffer(t *testing.T) {
	a, b := &message{TS: "1.0", Text: "a", Edited: &edited{TS: "2.0"}}, &message{TS: "1.0", Text: "b", Edited: &edited{TS: "2.0"}}
	if editKey("T1", "C1", a) == editKey("T1", "C1", b) || editKey("T1", "C1", a) != editKey("T1", "C1", &message{TS: "1.0", Text: "a", Edited: &edited{TS: "2.0"}}) {
		t.Fatal(editKey("T1", "C1", a))
	}
}

func TestUnreadableKeepsNoSecret(t *testing.T) {
	a := quiet(t, nil)
	for _, raw := range []string{
		`{"token":"verysecret1","response_url":"https://hooks.slack.com/actions/verysecret2","trigger_id":"verysecret3","x":"xoxb-verysecret444444"`,
		`token=verysecret1&response_url=https%3A%2F%2Fhooks.slack.com%2Fverysecret2&trigger_id=verysecret3`,
	} {
		in := a.unreadable([]byte(raw+strings.Repeat(" ", 9000)), errors.New("why"))
		if strings.Contains(in.Raw, "verysecret") || len(in.Raw) > maxRaw || in.Reason != "why" {
			t.Fatal(in.Raw)
		}
	}
}

func sign(secret, ts string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "v0:%s:%s", ts, body)
	return "v0=" + hex.EncodeToString(mac.Sum(nil))
}

func TestSignatures(t *testing.T) {
	now := strconv.FormatInt(time.Now().Unix(), 10)
	old := strconv.FormatInt(time.Now().Add(-6*time.Minute).Unix(), 10)
	good := event(`{"type":"message","user":"U1","text":"hi","channel":"C1","ts":"1700000001.0"}`)
	challenge := []byte(`{"type":"url_verification","challenge":"abc"}`)
	for name, row := range map[string]struct {
		path, secret, ts, sig string
		body                  []byte
		fail                  error
		status, stored        int
	}{
		"good":            {path: "events", secret: signing, ts: now, body: good, status: 200, stored: 1},
		"not stored":      {path: "events", secret: signing, ts: now, body: good, fail: errors.New("away"), status: 503},
		"wrong secret":    {path: "events", secret: "other", ts: now, body: good, status: 401},
		"stale":           {path: "events", secret: signing, ts: old, body: good, status: 401},
		"no timestamp":    {path: "events", secret: signing, ts: "", body: good, status: 401},
		"bad timestamp":   {path: "events", secret: signing, ts: "soon", body: good, status: 401},
		"not hex":         {path: "commands", secret: signing, ts: now, sig: "v0=zz", body: good, status: 401},
		"version":         {path: "interactions", secret: signing, ts: now, sig: "v1=00", body: good, status: 401},
		"challenge":       {path: "events", secret: signing, ts: now, body: challenge, status: 200},
		"forged":          {path: "events", secret: "x", ts: now, body: challenge, status: 401},
		"no json":         {path: "events", secret: signing, ts: now, body: []byte("{"), status: 200, stored: 1},
		"empty":           {path: "interactions", secret: signing, ts: now, body: nil, status: 200, stored: 1},
		"bad form":        {path: "commands", secret: signing, ts: now, body: []byte("%zz"), status: 200, stored: 1},
		"no payload":      {path: "interactions", secret: signing, ts: now, body: []byte("a=b"), status: 200, stored: 1},
		"payload by form": {path: "interactions", secret: signing, ts: now, body: []byte(url.Values{"payload": {`{"type":"view_closed","team":{"id":"` + team + `"},"user":{"id":"U1"}}`}}.Encode()), status: 200},
		"too large":       {path: "events", secret: signing, ts: now, body: bytes.Repeat([]byte("x"), maxRequest+1), status: 413},
	} {
		t.Run(name, func(t *testing.T) {
			a := quiet(t, nil)
			b := newInbox()
			b.fail = row.fail
			req := httptest.NewRequest(http.MethodPost, "/slack/"+row.path, bytes.NewReader(row.body))
			if row.ts != "" {
				req.Header.Set("X-Slack-Request-Timestamp", row.ts)
			}
			if row.sig == "" {
				row.sig = sign(row.secret, row.ts, row.body)
			}
			req.Header.Set("X-Slack-Signature", row.sig)
			w := httptest.NewRecorder()
			a.Handler(b).ServeHTTP(w, req)
			if w.Code != row.status || len(b.list) != row.stored {
				t.Fatal(w.Code, w.Body, b.list)
			}
			if name == "challenge" && w.Body.String() != "abc" {
				t.Fatal(w.Body)
			}
		})
	}
	t.Run("people are told at once", func(t *testing.T) {
		b := newInbox()
		b.fail = errors.New("away")
		form := url.Values{"team_id": {team}, "user_id": {"U1"}, "channel_id": {"C1"}, "command": {"/atelier"}, "text": {"help"}, "trigger_id": {"1.2"}, "response_url": {"http://127.0.0.1/x"}}
		view := `{"type":"view_submission","trigger_id":"1.3","team":{"id":"` + team + `"},"user":{"id":"U1"},"view":{"id":"V1","hash":"h","callback_id":"a1:d|m:imagine:::",` +
			`"private_metadata":"{}","state":{"values":{"prompt":{"v":{"type":"plain_text_input","value":"x"}}}}}}`
		for path, body := range map[string]string{"commands": form.Encode(), "interactions": url.Values{"payload": {view}}.Encode()} {
			req := httptest.NewRequest(http.MethodPost, "/slack/"+path, strings.NewReader(body))
			req.Header.Set("X-Slack-Request-Timestamp", now)
			req.Header.Set("X-Slack-Signature", sign(signing, now, []byte(body)))
			w := httptest.NewRecorder()
			quiet(t, nil).Handler(b).ServeHTTP(w, req)
			if w.Code != 200 || !strings.Contains(w.Body.String(), "try again in a moment") {
				t.Error(path, w.Code, w.Body)
			}
		}
	})
	t.Run("no secret", func(t *testing.T) {
		a := quiet(t, func(o *Options) { o.SigningSecret = core.Secret{} })
		req := httptest.NewRequest(http.MethodPost, "/slack/events", bytes.NewReader(good))
		req.Header.Set("X-Slack-Request-Timestamp", now)
		req.Header.Set("X-Slack-Signature", sign("", now, good))
		w := httptest.NewRecorder()
		if a.Handler(newInbox()).ServeHTTP(w, req); w.Code != 401 {
			t.Fatal(w.Code)
		}
	})
}

func TestIDs(t *testing.T) {
	for _, row := range []struct {
		room          core.RoomID
		team, channel string
		ok            bool
	}{
		{"slack:T01/C01", "T01", "C01", true}, {"discord:1/2", "", "", false}, {"slack:T01", "", "", false}, {"slack:T01/C01/x", "", "", false}, {"slack:/C01", "", "", false}, {"", "", "", false},
	} {
		tm, ch, err := parseRoom(row.room)
		if (err == nil) != row.ok || tm != row.team || ch != row.channel {
			t.Error(row.room, tm, ch, err)
		}
		if row.ok && roomID(tm, ch) != row.room {
			t.Error(roomID(tm, ch))
		}
	}
	if tm, u, err := parseIdentity(identityID("T01", "U01")); tm != "T01" || u != "U01" || err != nil {
		t.Error(tm, u, err)
	}
	for _, ts := range []string{"1700000000.000100", "1700000000"} {
		at, ok := parseTS(ts)
		if !ok || !strings.HasPrefix(formatTS(at), ts) {
			t.Error(ts, at)
		}
	}
	for _, ts := range []string{"", "x", "-1.0", "1.x", "99999999999999999999", "1.0000000000"} {
		if _, ok := parseTS(ts); ok {
			t.Error(ts)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for name, o := range map[string]Options{
		"no token": {Table: command.New()}, "no slash": {BotToken: core.NewSecret("x"), Table: command.New(), APIURL: "https://slack.com/api"},
		"no table": {BotToken: core.NewSecret("x")}, "no url": {BotToken: core.NewSecret("x"), Table: command.New(), APIURL: "/"},
	} {
		if _, err := New(o); err == nil {
			t.Error(name)
		}
	}
	a := quiet(t, func(o *Options) { o.APIURL = "" })
	for raw, want := range map[string]bool{"https://hooks.slack.com/x": true, "wss://wss-primary.slack.com/link": true, "https://files.slack.com/x": true, "http://hooks.slack.com/x": false,
		"https://slack.com.evil.example/": false, "https://evilslack.com/": false, "https://u@slack.com/": false, "": false, "https://x.slack-gov.com/": true} {
		if a.trusted(raw) != want {
			t.Error(raw)
		}
	}
}

// TestCancelledCallsTellNoSecret walks the calls with a context that has ended and an address that refuses.
func TestCancelledCallsTellNoSecret(t *testing.T) {
	a := quiet(t, func(o *Options) { o.AppToken = core.NewSecret(appToken) })
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, ctx := range []context.Context{ended, t.Context()} {
		for _, d := range []core.Delivery{
			{ID: "d", Op: core.OpPost, Room: acmeRoom, Text: core.Plain("x")}, {ID: "d", Op: core.OpEdit, Room: acmeRoom, Text: core.Plain("x"), Target: []core.MessageID{"1.0"}},
			{ID: "d", Op: core.OpDelete, Room: acmeRoom, Target: []core.MessageID{"1.0"}}, {ID: "d", Op: core.OpReact, Room: acmeRoom, Target: []core.MessageID{"1.0"}, Emoji: core.Emoji{Unicode: "👍"}},
			{ID: "d", Op: core.OpDirect, To: identityID(team, ada), Text: core.Plain("x")}, {ID: "d", Op: core.OpPost, Room: acmeRoom, Attempt: 1, Text: core.Plain("x")},
			{ID: "d", Op: core.OpAnswer, To: identityID(team, ada), Text: core.Plain("x"), Reply: core.ReplyHandle{Kind: core.ReplyDeferred, Token: "http://127.0.0.1:1/hooks/secret"}},
			{ID: "d", Op: core.OpAnswer, To: identityID(team, ada), Room: acmeRoom, Text: core.Plain("x"), Reply: core.ReplyHandle{Kind: core.ReplyMention}},
		} {
			_, err := a.Deliver(ctx, d)
			if err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), botToken) || strings.Contains(err.Error(), "127.0.0.1:1/") {
				t.Errorf("%s: %v", d.Op, err)
			}
			if c := core.ErrorCode(err); c != core.CodeRetry && (ctx != ended || d.Reply.Token == "") {
				t.Errorf("%s: %s, nothing was sent", d.Op, c)
			}
		}
		if _, err := a.connect(ctx, a.apps[0], newInbox()); err == nil || strings.Contains(err.Error(), appToken) {
			t.Error(err)
		}
	}
}
