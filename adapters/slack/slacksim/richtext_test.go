package slacksim

import (
	"encoding/json"
	"testing"
)

func TestTypedText(t *testing.T) {
	r := newRig(t, nil)
	txt := func(s string) obj { return obj{"type": "text", "text": s} }
	with := func(s string, marks ...string) obj {
		st := obj{}
		for _, m := range marks {
			st[m] = true
		}
		return obj{"type": "text", "text": s, "style": st}
	}
	section := func(el ...obj) []obj { return []obj{{"type": "rich_text_section", "elements": el}} }
	for _, c := range []struct {
		in, text string
		want     []obj
	}{
		{"plain & <b>", "plain &amp; &lt;b&gt;", section(txt("plain & <b>"))},
		{"a *bold* b", "a *bold* b", section(txt("a "), with("bold", "bold"), txt(" b"))},
		{"*_both_*", "*_both_*", section(with("both", "bold", "italic"))},
		{"~no~ `co*d*e`", "~no~ `co*d*e`", section(with("no", "strike"), txt(" "), with("co*d*e", "code"))},
		{"2*3*4 snake_case_name", "2*3*4 snake_case_name", section(txt("2*3*4 snake_case_name"))},
		{"hi @ben and <@U0ADA00001>!", "hi <@U0BEN00002> and <@U0ADA00001>!", section(txt("hi "), obj{"type": "user", "user_id": ben}, txt(" and "), obj{"type": "user", "user_id": ada}, txt("!"))},
		{"@channel #general @nobody", "<!channel> <#C0GENERAL1|general> @nobody", section(obj{"type": "broadcast", "range": "channel"}, txt(" "), obj{"type": "channel", "channel_id": general}, txt(" @nobody"))},
		{"see https://x.example/a?b=1&c=2.", "see <https://x.example/a?b=1&amp;c=2>.", section(txt("see "), obj{"type": "link", "url": "https://x.example/a?b=1&c=2"}, txt("."))},
		{"<https://x.example|label>", "<https://x.example|label>", section(obj{"type": "link", "url": "https://x.example", "text": "label"})},
		{":tada: 👍", ":tada: :+1:", section(obj{"type": "emoji", "name": "tada", "unicode": "1f389"}, txt(" "), obj{"type": "emoji", "name": "+1", "unicode": "1f44d"})},
		{"> quoted\nafter", "&gt; quoted\nafter", []obj{{"type": "rich_text_quote", "elements": []obj{txt("quoted")}}, {"type": "rich_text_section", "elements": []obj{txt("after")}}}},
		{"- one\n- two", "• one\n• two", []obj{{"type": "rich_text_list", "style": "bullet", "indent": 0, "border": 0, "elements": []obj{section(txt("one"))[0], section(txt("two"))[0]}}}},
		{"1. one", "1. one", []obj{{"type": "rich_text_list", "style": "ordered", "indent": 0, "border": 0, "elements": section(txt("one"))}}},
		{"```a\n*b*```", "```a\n*b*```", []obj{{"type": "rich_text_preformatted", "border": 0, "elements": []obj{txt("a\n*b*")}}}},
		{"line\nbreak", "line\nbreak", section(txt("line\nbreak"))},
		{"日本語 *太字*", "日本語 *太字*", section(txt("日本語 "), with("太字", "bold"))},
		{"lone * _ ` ~ <", "lone * _ ` ~ &lt;", section(txt("lone * _ ` ~ <"))},
	} {
		text, raw := r.typed(c.in)
		var got []obj
		if err := json.Unmarshal(raw, &got); err != nil {
			t.Fatal(err)
		}
		have, _ := json.Marshal(got[0]["elements"])
		want, _ := json.Marshal(c.want)
		if text != c.text || string(have) != string(want) {
			t.Errorf("%q\n text %q\n want %q\n have %s\n want %s", c.in, text, c.text, have, want)
		}
	}
}

func FuzzTyped(f *testing.F) {
	for _, s := range []string{"*a _b_*", "```", "> *\n>", "<<@U>|", "`", "\xff*\xff*", "- \n1. "} {
		f.Add(s)
	}
	s, err := New(DemoSeed())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, in string) {
		_, raw := s.typed(in)
		if !json.Valid(raw) {
			t.Fatal(in)
		}
		normaliseText(in)
	})
}
