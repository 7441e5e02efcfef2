package discord

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
)

func TestIDs(t *testing.T) {
	for _, c := range []struct {
		in             core.RoomID
		guild, channel string
		ok             bool
	}{
		{"discord:1/2", "1", "2", true},
		{"discord:1", "", "", false},
		{"discord:1/x", "", "", false},
		{"slack:1/2", "", "", false},
		{"discord:1/2/3", "", "", false},
		{"discord:../2", "", "", false},
		{"discord:/", "", "", false},
	} {
		g, ch, err := parseRoom(c.in)
		if (err == nil) != c.ok || c.ok && (g != c.guild || ch != c.channel || roomID(g, ch) != c.in) {
			t.Errorf("%s: %q %q %v", c.in, g, ch, err)
		}
	}
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	if got := snowflakeTime(snowflakeAt(at)); !got.Equal(at) {
		t.Errorf("%v", got)
	}
	if !newer("100", "99") || newer("99", "100") || newer("5", "5") {
		t.Error("order of ids")
	}
	for id, ok := range map[core.IdentityID]bool{"discord:1": true, "discord:a": false, "slack:1": false, "discord:": false} {
		if _, err := parseIdentity(id); (err == nil) != ok {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func bold(n ...core.Node) core.Node   { return core.Node{Kind: core.NodeBold, Children: n} }
func italic(n ...core.Node) core.Node { return core.Node{Kind: core.NodeItalic, Children: n} }
func kind(k core.NodeKind, n ...core.Node) core.Node {
	return core.Node{Kind: k, Children: n}
}

var br = core.Node{Kind: core.NodeBreak}

func people(id string) string { return map[string]string{"42": "Ana"}[id] }

func TestMarkupRoundTrip(t *testing.T) {
	n := names{user: people, channel: func(string) string { return "" }}
	for _, c := range []struct {
		text string
		tree core.RichText
	}{
		{"plain", core.Plain("plain")},
		{"one\ntwo", core.RichText{core.Para(core.Text("one"), br, core.Text("two"))}},
		{"one\n\ntwo", core.RichText{core.Para(core.Text("one")), core.Para(core.Text("two"))}},
		{"**b** *i* ~~s~~ __u__ ||x||", core.RichText{core.Para(bold(core.Text("b")), core.Text(" "), italic(core.Text("i")), core.Text(" "),
			kind(core.NodeStrike, core.Text("s")), core.Text(" "), kind(core.NodeUnderline, core.Text("u")), core.Text(" "), kind(core.NodeSpoiler, core.Text("x")))}},
		{"***both***", core.RichText{core.Para(bold(italic(core.Text("both"))))}},
		{"*it **b** it*", core.RichText{core.Para(italic(core.Text("it "), bold(core.Text("b")), core.Text(" it")))}},
		{"`a*b*` end", core.RichText{core.Para(core.CodeNode("a*b*"), core.Text(" end"))}},
		{"```go\nx := 1\n```", core.RichText{{Kind: core.NodePre, Text: "x := 1", Lang: "go"}}},
		{"> said\n> more\nanswer", core.RichText{kind(core.NodeQuote, core.Text("said"), br, core.Text("more")), core.Para(core.Text("answer"))}},
		{"### Head\ntext", core.RichText{kind(core.NodeHeading, core.Text("Head")), core.Para(core.Text("text"))}},
		{"- a\n- b\n  - c", core.RichText{kind(core.NodeList, kind(core.NodeItem, core.Text("a")), kind(core.NodeItem, core.Text("b")),
			core.Node{Kind: core.NodeItem, Indent: 1, Children: []core.Node{core.Text("c")}})}},
		{"1. a\n2. b", core.RichText{{Kind: core.NodeList, Ordered: true, Children: []core.Node{kind(core.NodeItem, core.Text("a")), kind(core.NodeItem, core.Text("b"))}}}},
		{"see https://example.org/a_b_c?x=*1 now", core.RichText{core.Para(core.Text("see "), core.Link("https://example.org/a_b_c?x=*1", ""), core.Text(" now"))}},
		{"[docs](https://example.org/a)", core.RichText{core.Para(core.Link("https://example.org/a", "docs"))}},
		{"hi <@42>", core.RichText{core.Para(core.Text("hi "), core.MentionNode("discord:42", "Ana"))}},
		{`2 \* 3 \_x\_ \|\|y\|\| \<@42>`, core.RichText{core.Para(core.Text("2 * 3 _x_ ||y|| <@42>"))}},
		{`\# no head`, core.Plain("# no head")},
		{`1\. no list`, core.Plain("1. no list")},
		{"snake_case --ar 3:2 @everyone", core.Plain("snake_case --ar 3:2 @everyone")},
	} {
		if got := parseMarkup(c.text, n); !reflect.DeepEqual(got, c.tree) {
			t.Errorf("parse %q:\n got %s\nwant %s", c.text, js(got), js(c.tree))
		}
		want := strings.ReplaceAll(c.text, `2 \* 3`, "2 * 3")
		if got := newPrinter(nil).print(c.tree); got != want {
			t.Errorf("print:\n got %q\nwant %q", got, want)
		}
	}
}

func js(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

func TestMarkupIn(t *testing.T) {
	n := names{user: people, channel: func(id string) string { return "studio" }}
	for in, want := range map[string]string{
		"<@!42> <#7> <@&9>":                  "@Ana #studio @role",
		"<:party:123> <a:dance:124>":         ":party: :dance:",
		"</atelier imagine:55>":              "/atelier imagine",
		"<t:0:R>":                            "1 Jan 1970 00:00 UTC",
		"<https://example.org>":              "https://example.org",
		"a < b > c":                          "a < b > c",
		"**not closed":                       "**not closed",
		"`not closed":                        "`not closed",
		"* spaced * stars *":                 "spaced * stars *",
		">>> all\nof it":                     "all\nof it",
		"```never closed\ntext":              "```never closed\ntext",
		"-# small print":                     "small print",
		"(see https://example.org/a_(b)).":   "(see https://example.org/a_(b)).",
		"\\*plain\\*":                        "*plain*",
		"[x](javascript:alert(1))":           "[x](javascript:alert(1))",
		"__under__ and _it_ and snake_case_": "under and it and snake_case_",
	} {
		if got := parseMarkup(in, n).String(); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func FuzzMarkup(f *testing.F) {
	for _, s := range []string{"**a** _b_ `c`", "```go\nx\n```", "> q\n- l\n1. o", "[a](https://x.y)", "<@1> <t:1:R>", "\\", "***||__~~", "-# # > - 1. ", "`` ` ``"} {
		f.Add(s)
	}
	n := names{user: people, channel: func(string) string { return "c" }}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 4000 {
			return
		}
		tree := parseMarkup(s, n)
		out := newPrinter(nil).print(tree)
		for _, p := range split(out, 200) {
			if units(p) > 200 {
				t.Fatalf("part has %d units", units(p))
			}
		}
		parseMarkup(out, n)
		// Text printed as text stays that text.
		line := strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
		if line == "" || strings.Contains(line, "http") || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' }) {
			return
		}
		if got := parseMarkup(newPrinter(nil).print(core.Plain(line)), n).String(); got != line {
			t.Fatalf("text changed:\n got %q\nwant %q\n via %q", got, line, newPrinter(nil).print(core.Plain(line)))
		}
	})
}

func TestSplit(t *testing.T) {
	long := strings.Repeat("a", 1500) + "\n\n" + strings.Repeat("b", 1500)
	if got := split(long, 2000); len(got) != 2 || got[0] != strings.Repeat("a", 1500) || got[1] != strings.Repeat("b", 1500) {
		t.Errorf("%d parts", len(got))
	}
	code := "```go\n" + strings.Repeat("x := 1\n", 600) + "```"
	for i, p := range split(code, 2000) {
		if !strings.HasPrefix(p, "```go\n") || !strings.HasSuffix(p, "```") || units(p) > 2000 {
			t.Errorf("part %d: %q...", i, p[:20])
		}
	}
	family := strings.Repeat("👩‍👩‍👧", 500)
	for _, p := range split(family, 2000) {
		if strings.HasPrefix(p, "\u200d") || strings.HasSuffix(p, "\u200d") {
			t.Error("character torn")
		}
	}
	if split(" \n ", 10) != nil {
		t.Error("nothing became something")
	}
	if got := clip("abcdef", 4); got != "abc…" {
		t.Errorf("%q", got)
	}
}

var update = flag.Bool("update", false, "write golden files anew")

func golden(t *testing.T, name string, v any) {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, b.Bytes()) {
		t.Errorf("%s differs (run with -update to accept):\n%s", file, b.String())
	}
}

func TestCardsGolden(t *testing.T) {
	golden(t, "card", renderCard(*sampleCard(), nil))
	golden(t, "card-plain", renderCard(core.Card{Body: core.RichText{core.Para(core.Text("Done, "), core.MentionNode("discord:42", "Ana"))}, Tone: core.ToneWarn}, nil))
	big := core.Card{Title: strings.Repeat("t", 400), Body: core.Plain(strings.Repeat("b", 7000)), Footer: strings.Repeat("f", 3000)}
	for i := range 30 {
		big.Fields = append(big.Fields, core.Field{Label: strconv.Itoa(i), Value: core.Plain("x")})
		big.Buttons = append(big.Buttons, []core.Button{{Label: strings.Repeat("l", 100), Action: core.Action{Verb: "vary", Arg: strconv.Itoa(i / 2)}}})
	}
	e := renderCard(big, nil)
	total := units(e.Embeds[0].Title) + units(e.Embeds[0].Description) + units(e.Embeds[0].Footer.Text)
	for _, f := range e.Embeds[0].Fields {
		total += units(f.Name) + units(f.Value)
	}
	if len(e.Components) != 5 || len(e.Embeds[0].Fields) > 25 || total > maxEmbedTotal || units(e.Content) > maxContent {
		t.Errorf("limits: %d rows, %d fields, %d characters", len(e.Components), len(e.Embeds[0].Fields), total)
	}
	golden(t, "modal", renderModal(core.Card{Title: "Request changes", Action: core.Action{Verb: "changes", Task: "ACME-1", Ref: core.ImageRef{Version: 2}, Modal: true}, Inputs: []core.Input{
		{ID: "reason", Label: "What should change", Hint: "Everybody reads it", Kind: core.InputText, Value: "warmer", Max: 500, Required: true},
		{ID: "strength", Label: "How much", Kind: core.InputSelect, Value: "strong", Choices: []core.Choice{{Label: "A little", Value: "subtle"}, {Label: "A lot", Value: "strong"}}},
	}}))
}

func TestRegistration(t *testing.T) {
	got, err := Registration(command.New(), nil)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "registration", got)
	rows := func(n, choices int) []command.Row {
		var out []command.Row
		for i := range n {
			r := command.Row{Verb: "v" + strconv.Itoa(i), Group: command.GroupMake, Help: strings.Repeat("h", 100), Role: core.RoleNone, Ack: command.AckPrivate}
			for j := range choices {
				r.Options = append(r.Options, command.Option{Name: "o" + strconv.Itoa(j), Kind: command.KindText, Help: strings.Repeat("o", 100)})
			}
			out = append(out, r)
		}
		return out
	}
	for name, c := range map[string][]command.Row{"26 subcommands": rows(26, 0), "too many characters": rows(20, 10)} {
		table, err := command.NewTable(c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Registration(table, nil); err == nil {
			t.Errorf("%s: registered", name)
		}
	}
}

func TestSignatures(t *testing.T) {
	pub, priv, _ := ed25519.GenerateKey(nil)
	a, err := New(Options{BotToken: core.NewSecret("t"), ApplicationID: "1", PublicKey: hex.EncodeToString(pub), Table: command.New()})
	if err != nil {
		t.Fatal(err)
	}
	rec := newRecorder()
	h := a.Handler(rec)
	post := func(body []byte, at time.Time, spoil func(http.Header)) int {
		stamp := strconv.FormatInt(at.Unix(), 10)
		req := httptest.NewRequest(http.MethodPost, InteractionsPath, bytes.NewReader(body))
		req.Header.Set("X-Signature-Timestamp", stamp)
		req.Header.Set("X-Signature-Ed25519", hex.EncodeToString(ed25519.Sign(priv, append([]byte(stamp), body...))))
		if spoil != nil {
			spoil(req.Header)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		return w.Code
	}
	ping, now := []byte(`{"type":1}`), time.Now()
	for name, c := range map[string]struct {
		body  []byte
		at    time.Time
		spoil func(http.Header)
		want  int
	}{
		"good":            {ping, now, nil, 200},
		"no signature":    {ping, now, func(h http.Header) { h.Del("X-Signature-Ed25519") }, 401},
		"no timestamp":    {ping, now, func(h http.Header) { h.Del("X-Signature-Timestamp") }, 401},
		"other timestamp": {ping, now, func(h http.Header) { h.Set("X-Signature-Timestamp", strconv.FormatInt(now.Unix()+1, 10)) }, 401},
		"bad hex":         {ping, now, func(h http.Header) { h.Set("X-Signature-Ed25519", "zz") }, 401},
		"old":             {ping, now.Add(-6 * time.Minute), nil, 401},
		"early":           {ping, now.Add(6 * time.Minute), nil, 401},
		"too large":       {bytes.Repeat([]byte("x"), maxCallback+1), now, nil, 413},
		"unreadable":      {[]byte(`{"type":"two","token":"very-secret"}`), now, nil, 400},
		"without id":      {[]byte(`{"type":2}`), now, nil, 400},
	} {
		if got := post(c.body, c.at, c.spoil); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	kept := rec.kinds(core.InboundUnreadable)
	if len(kept) != 2 {
		t.Fatalf("%d kept", len(kept))
	}
	for _, in := range kept {
		if strings.Contains(in.Raw, "very-secret") {
			t.Errorf("token kept: %s", in.Raw)
		}
	}
}

func TestReceiveTable(t *testing.T) {
	a, err := New(Options{BotToken: core.NewSecret("t"), ApplicationID: "10", Table: command.New()})
	if err != nil {
		t.Fatal(err)
	}
	a.know("11")
	a.world.putGuild(wireGuild{ID: "1", Roles: []wireRole{{ID: "1", Permissions: "1024"}}, Channels: []wireChannel{{ID: "2", Name: "studio"}}, Threads: []wireChannel{{ID: "3", Type: channelPublicThread, ParentID: "2"}}})
	msg := func(extra string) string {
		return `{"id":"100","channel_id":"3","guild_id":"1","type":0,"content":"hi","timestamp":"2026-01-02T03:04:05.000000+00:00","author":{"id":"7","username":"ana","global_name":"Ana"}` + extra + `}`
	}
	for _, c := range []struct {
		name, kind, data string
		want             core.InboundKind
		id               core.InboundID
	}{
		{"message", "MESSAGE_CREATE", msg(""), core.InboundMessage, "discord-msg-3/100"},
		{"unfurled", "MESSAGE_UPDATE", msg(`,"edited_timestamp":null`), "", ""},
		{"edited", "MESSAGE_UPDATE", msg(`,"edited_timestamp":"2026-01-02T04:00:00+00:00"`), core.InboundEdit, "discord-msg-3/100@2026-01-02T04:00:00+00:00"},
		{"ours by application", "MESSAGE_CREATE", msg(`,"application_id":"10","webhook_id":"55"`), "", ""},
		{"ours by author", "MESSAGE_CREATE", strings.Replace(msg(""), `"id":"7"`, `"id":"11"`, 1), "", ""},
		{"another webhook", "MESSAGE_CREATE", msg(`,"application_id":"12","webhook_id":"56"`), core.InboundMessage, "discord-msg-3/100"},
		{"thread created", "MESSAGE_CREATE", strings.Replace(msg(""), `"type":0`, `"type":18`, 1), "", ""},
		{"thread starter", "MESSAGE_CREATE", strings.Replace(msg(""), `"type":0`, `"type":21`, 1), "", ""},
		{"renamed", "MESSAGE_CREATE", strings.Replace(msg(""), `"type":0`, `"type":4`, 1), "", ""},
		{"strange components", "MESSAGE_CREATE", msg(`,"components":[{"type":99,"x":{}}],"embeds":"none"`), core.InboundMessage, "discord-msg-3/100"},
		{"command", "MESSAGE_CREATE", strings.Replace(msg(""), `"hi"`, `"<@11> approve v1"`, 1), core.InboundCommand, "discord-msg-3/100"},
		{"talk to the bot", "MESSAGE_CREATE", strings.Replace(msg(""), `"hi"`, `"<@11> thanks"`, 1), core.InboundMessage, "discord-msg-3/100"},
		{"deleted", "MESSAGE_DELETE", `{"id":"100","channel_id":"3","guild_id":"1"}`, core.InboundDelete, "discord-del-3/100"},
		{"our reaction", "MESSAGE_REACTION_ADD", `{"user_id":"11","channel_id":"3","message_id":"100","guild_id":"1","emoji":{"name":"👍"}}`, "", ""},
		{"reaction", "MESSAGE_REACTION_ADD", `{"user_id":"7","channel_id":"3","message_id":"100","guild_id":"1","emoji":{"id":"9","name":"party"}}`, core.InboundReact, "discord-react-3/100/7/9party/s/1"},
		{"undecodable", "MESSAGE_CREATE", `{"id":[]}`, core.InboundUnreadable, "discord-event-s/1"},
	} {
		got, err := a.inbounds(t.Context(), &event{kind: c.kind, key: "s/1", at: time.Now(), data: []byte(c.data)})
		if err != nil || (c.want == "") != (len(got) == 0) {
			t.Errorf("%s: %+v %v", c.name, got, err)
			continue
		}
		if len(got) == 0 {
			continue
		}
		if in := got[0]; in.Kind != c.want || in.ID != c.id || in.Kind != core.InboundUnreadable && (in.Room != "discord:1/2" || in.Thread != "3" || in.Private) {
			t.Errorf("%s: %+v", c.name, in)
		}
	}
}

func TestShownNames(t *testing.T) {
	for _, c := range []struct {
		in   core.Author
		want string
	}{
		{core.Author{Name: "Ana", From: "slack"}, "Ana (Slack)"},
		{core.Author{Name: "Ana", From: "discord"}, "Ana"},
		{core.Author{Name: "Discord Dan", From: "slack"}, "Di·scord Dan (Slack)"},
		{core.Author{Name: "clyde"}, "cl·yde"},
		{core.Author{Name: "  "}, "Somebody"},
		{core.Author{Name: "everyone"}, "everyone."},
	} {
		if got := shownName(c.in); got != c.want {
			t.Errorf("%q: %q", c.in.Name, got)
		}
	}
	if got := shownName(core.Author{Name: strings.Repeat("ñ", 200), From: "slack"}); units(got) > maxUsername || !strings.HasSuffix(got, "… (Slack)") {
		t.Errorf("%q", got)
	}
	for link, ok := range map[string]bool{"https://example.org/a.png": true, "http://127.0.0.1/a": false, "https://10.0.0.1/a": false, "http://localhost/a": false, "file:///etc/passwd": false, "https://u:p@example.org/": false} {
		if publicURL(link) != ok {
			t.Errorf("%s", link)
		}
	}
}
