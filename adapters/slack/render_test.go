package slack

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	slackgo "github.com/slack-go/slack"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
)

func pretty(t *testing.T, v any) []byte {
	t.Helper()
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return []byte(b.String())
}

func TestCards(t *testing.T) {
	full := sampleCard()
	full.Images = []core.Image{{Blob: "b1", Name: "a.png", Alt: "four pictures"}, {Name: "b.png", URL: "https://example.org/b.png", Alt: "public"}, {Blob: "b2", Name: "c.webp", Alt: "not uploaded"}}
	same := core.Action{Verb: "vary", Task: "ACME-1"}
	for name, card := range map[string]*core.Card{
		"card_full": full,
		"card_handoff": {Title: "Run ACME-1 v2 on your own account", Tone: core.ToneBusy, Body: core.RichText{core.Para(core.Bold("Discord")), {Kind: core.NodePre, Text: "a cat --ar 3:2"}},
			Buttons: [][]core.Button{{{Label: "Attach: I ran it", Style: core.StylePrimary, Action: core.Action{Verb: "attach", Task: "ACME-1", Arg: "ran"}}, {Label: "Open", URL: "https://example.org"}}}},
		"card_plain":    {Body: core.Plain("I do not know that."), Tone: core.ToneWarn},
		"card_repeated": {Title: "Twice", Buttons: [][]core.Button{{{Label: "A", Action: same}, {Label: "B", Action: same}, {Label: "C", Disabled: true, Action: same}}}},
		"card_long":     {Title: strings.Repeat("title ", 60), Body: core.Plain(strings.Repeat("& ", 3000)), Footer: strings.Repeat("f", 4000)},
	} {
		t.Run(name, func(t *testing.T) {
			c := renderCard(*card, team, map[core.BlobKey]string{"b1": "F0000000B1"}, "seed")
			golden(t, name+".json", pretty(t, map[string]any{"text": c.text, "blocks": c.blocks}))
			if utf8.RuneCountInString(c.text) > maxText {
				t.Fatal("fallback too long")
			}
		})
	}
	golden(t, "modal.json", pretty(t, modalView(core.Lang{}, core.Card{Title: "A title that is far too long for it", Body: core.Plain("why"), Action: same, Inputs: []core.Input{
		{ID: "prompt", Label: "Prompt", Kind: core.InputText, Value: "a cat", Required: true, Placeholder: "words", Hint: "be kind"},
		{ID: "strength", Label: "Strength", Kind: core.InputSelect, Value: "strong", Choices: []core.Choice{{Label: "Subtle", Value: "subtle"}, {Label: "Strong", Value: "strong"}}}}}, `{"v":1}`)))
}

func TestPromptIsOneRun(t *testing.T) {
	prompt := "a lighthouse in <fog> & *rain* :cat: --ar 3:2"
	c := renderCard(core.Card{Body: core.RichText{core.Para(core.Text(prompt))}}, team, nil, "s")
	sec := c.blocks[0].(*slackgo.RichTextBlock).Elements[0].(*slackgo.RichTextSection)
	if len(sec.Elements) != 1 || sec.Elements[0].(*slackgo.RichTextSectionTextElement).Text != prompt {
		t.Fatalf("%+v", sec.Elements)
	}
}

func bold(c ...core.Node) core.Node   { return core.Node{Kind: core.NodeBold, Children: c} }
func italic(c ...core.Node) core.Node { return core.Node{Kind: core.NodeItalic, Children: c} }
func strike(c ...core.Node) core.Node { return core.Node{Kind: core.NodeStrike, Children: c} }

func trees() map[string]core.RichText {
	item := func(depth int, s string) core.Node {
		return core.Node{Kind: core.NodeItem, Indent: depth, Children: []core.Node{core.Text(s)}}
	}
	return map[string]core.RichText{
		"plain":    core.Plain("one\ntwo\n\nthree"),
		"styles":   {core.Para(core.Text("a "), bold(core.Text("b "), italic(core.Text("c "), strike(core.Text("d")))), core.Text(" e "), core.CodeNode("x < y"))},
		"blocks":   {core.Para(core.Text("intro")), {Kind: core.NodeQuote, Children: core.TextNodes("q1\nq2")}, {Kind: core.NodePre, Text: "a\n  b & c"}, core.Para(core.Text("end"))},
		"list":     {{Kind: core.NodeList, Children: []core.Node{item(0, "a"), item(1, "b"), item(0, "c")}}, {Kind: core.NodeList, Ordered: true, Children: []core.Node{item(0, "1"), item(0, "2")}}},
		"links":    {core.Para(core.Link("https://example.org/?a=1&b=2", ""), core.Text(" "), core.Link("https://example.org", "here"))},
		"mentions": {core.Para(core.MentionNode(identityID(team, "U1"), ""), core.Text(" and "), core.Node{Kind: core.NodeEmoji, Name: "+1", Text: "👍"})},
		"escapes":  core.Plain("<!channel> & <@U1> *not bold* _x_ `y` :smile:"),
	}
}

func TestMarkupRoundTrips(t *testing.T) {
	for name, tree := range trees() {
		t.Run(name, func(t *testing.T) {
			raw, err := json.Marshal([]slackgo.Block{slackgo.NewRichTextBlock("b", richElements(tree, team)...)})
			if err != nil {
				t.Fatal(err)
			}
			got, ok := parseBlocks(raw, team, nil)
			if !ok || !reflect.DeepEqual(got, tree) {
				t.Fatalf("\ngot  %+v\nwant %+v\n%s", got, tree, raw)
			}
			if name == "escapes" {
				return // mrkdwn cannot say that a star is a star
			}
			if got := parseMrkdwn(mrkdwn(tree, team), team); got.String() != tree.String() {
				t.Fatalf("mrkdwn %q\ngot  %q\nwant %q", mrkdwn(tree, team), got, tree)
			}
		})
	}
}

func TestNothingPings(t *testing.T) {
	tree := core.RichText{core.Para(core.Text("<!channel> <!here> <@U1> @everyone"), core.MentionNode("discord:1", "Ana <!here>"), core.Link("javascript:x", "<!here>"))}
	if s := mrkdwn(tree, team); strings.ContainsAny(s, "<>") {
		t.Fatal(s)
	}
	other := core.RichText{core.Para(core.MentionNode(identityID("T2", "U1"), "Ana"))}
	if s := mrkdwn(other, team); s != "@Ana" {
		t.Fatal(s)
	}
}

func TestSplit(t *testing.T) {
	text := strings.Repeat("word & <b> ", 2000)
	for name, tree := range map[string]core.RichText{
		"text":   {core.Para(core.Text(text))},
		"bold":   {core.Para(bold(core.Text(text)))},
		"pre":    {{Kind: core.NodePre, Text: strings.ReplaceAll(text, " ", "\n")}},
		"solid":  {core.Para(core.Text(strings.Repeat("&", 9000)))},
		"quote":  {{Kind: core.NodeQuote, Children: core.TextNodes(strings.Repeat("line\n", 3000))}},
		"blocks": {core.Para(core.Text(text[:3000])), core.Para(core.Text(text[:3000])), core.Para(core.Text("end"))},
	} {
		t.Run(name, func(t *testing.T) {
			var joined strings.Builder
			parts := split(tree, team, maxText)
			for _, p := range parts {
				if n := length(p, team); n > maxText || n == 0 {
					t.Fatalf("part of %d", n)
				}
				joined.WriteString(p.String())
			}
			squash := strings.NewReplacer("\n", "", " ", "")
			if squash.Replace(joined.String()) != squash.Replace(tree.String()) || len(parts) < 2 || len(parts) > 40 {
				t.Fatalf("%d parts lose text", len(parts))
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add("*a* _b_ ~c~ `d` ```e``` <@U1|x> <https://x|y> &gt; q\n• i\n1. j", `[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"x","style":{"bold":true}}]}]}]`)
	f.Add("```", `[{"type":"rich_text","elements":[{"type":"rich_text_list","style":"ordered","elements":[{}]}]}]`)
	f.Fuzz(func(t *testing.T, text, blocks string) {
		tree := parseMrkdwn(text, team)
		if got, ok := parseBlocks(json.RawMessage(blocks), team, nil); ok {
			tree = append(tree, got...)
		}
		if len(text)+len(blocks) > 20_000 {
			return
		}
		for _, p := range split(tree, team, maxText) {
			if _, err := json.Marshal(richElements(p, team)); err != nil {
				t.Fatal(err)
			}
		}
		commandText(tree, identityID(team, bot))
	})
}

func TestEmoji(t *testing.T) {
	for _, row := range []struct{ name, unicode string }{
		{"+1", "👍"}, {"heart", "❤️"}, {"thinking_face", "🤔"}, {"large_green_circle", "🟢"}, {"fox_face", "🦊"}, {"+1::skin-tone-4", "👍🏽"}, {"tada", "🎉"}, {"eyes", "👀"},
		{"white_check_mark", "✅"}, {"fire", "🔥"}, {"rocket", "🚀"}, {"warning", "⚠️"}, {"raised_hands", "🙌"}, {"100", "💯"}, {"joy", "😂"}, {"partying_face", "🥳"},
	} {
		if got := emojiFromSlack(row.name).Unicode; got != row.unicode {
			t.Errorf("%s: %q, want %q", row.name, got, row.unicode)
		}
		if got := slackEmoji(core.Emoji{Unicode: row.unicode}); len(got) == 0 || got[0] != row.name {
			t.Errorf("%s: %v, want %s", row.unicode, got, row.name)
		}
	}
	if e := emojiFromSlack("acme_logo"); e.Unicode != "" || e.Key() != ":acme_logo:" {
		t.Error(e)
	}
	if got := slackEmoji(core.Emoji{Unicode: "❤"}); got[0] != "heart" {
		t.Error(got)
	}
	if got := slackEmoji(core.Emoji{Name: "No Such <name>"}); got != nil {
		t.Error(got)
	}
}

func TestManifest(t *testing.T) {
	for name, socket := range map[string]bool{"manifest_socket.yaml": true, "manifest_http.yaml": false} {
		got, err := Manifest(command.New(), "https://atelier.example.org/", socket)
		if err != nil {
			t.Fatal(err)
		}
		text, err := YAML(got)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name, text)
	}
	if _, err := Manifest(command.New(), "", false); core.ErrorCode(err) != core.CodeInvalid {
		t.Error(err)
	}
	var rows []command.Row
	for n := range 11 {
		rows = append(rows, command.Row{Verb: "v" + strings.Repeat("x", n), Help: "h", Role: core.RoleViewer, Ack: command.AckPrivate, Menu: "m"})
	}
	many, err := command.NewTable(rows)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Manifest(many, "", true); err == nil || !strings.Contains(err.Error(), "11 shortcuts") {
		t.Error(err)
	}
}

func TestReader(t *testing.T) {
	a := &Adapter{}
	who := core.Actor{Locale: "en-US"}
	if got := a.reader(who, core.Card{}).Locale; got != "en-US" {
		t.Error(got)
	}
	// Who chose a language reads it on all of a form, whatever Slack is set to.
	if got := a.reader(who, core.Card{Locale: "fr"}).Locale; got != "fr" {
		t.Error(got)
	}
}
