package slack

import (
	"strconv"
	"strings"
	"unicode/utf8"

	slackgo "github.com/slack-go/slack"

	"github.com/atelier-bridge/atelier/core"
)

// escape makes text safe for mrkdwn: a mirrored <!channel> must not ping.
func escape(s string) string {
	return escaper.Replace(s)
}

func unescape(s string) string { return unescaper.Replace(s) }

var (
	escaper   = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	unescaper = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")
)

func mentionKey(user string) string { return "<@" + user + ">" }

// linkable reports whether Slack takes a URL as a link.
func linkable(u string) bool {
	return (strings.HasPrefix(u, "https://") || strings.HasPrefix(u, "http://") || strings.HasPrefix(u, "mailto:")) && !strings.ContainsAny(u, " <>|\n") && len(u) <= 3000
}

// userIn returns the Slack user that a mention means in this team.
func userIn(n core.Node, team string) (string, bool) {
	t, user, err := parseIdentity(n.Identity)
	return user, err == nil && (team == "" || t == team)
}

// inlineStyle is what surrounds a leaf.
type inlineStyle struct{ bold, italic, strike, code bool }

func (s inlineStyle) slack() *slackgo.RichTextSectionTextStyle {
	if s == (inlineStyle{}) {
		return nil
	}
	return &slackgo.RichTextSectionTextStyle{Bold: s.bold, Italic: s.italic, Strike: s.strike, Code: s.code}
}

// richElements prints a tree as the elements of a rich_text block.
func richElements(r core.RichText, team string) []slackgo.RichTextElement {
	var out []slackgo.RichTextElement
	p := printer{team: team}
	for _, n := range r {
		switch n.Kind {
		case core.NodePre:
			if n.Text != "" {
				out = append(out, &slackgo.RichTextPreformatted{Type: slackgo.RTEPreformatted, Elements: []slackgo.RichTextSectionElement{slackgo.NewRichTextSectionTextElement(n.Text, nil)}})
			}
		case core.NodeQuote:
			if el := p.inline(n.Children, inlineStyle{}); len(el) > 0 {
				out = append(out, &slackgo.RichTextQuote{Type: slackgo.RTEQuote, Elements: el})
			}
		case core.NodeList:
			out = append(out, p.list(n)...)
		case core.NodeHeading:
			if el := p.inline(n.Children, inlineStyle{bold: true}); len(el) > 0 {
				out = append(out, slackgo.NewRichTextSection(el...))
			}
		case core.NodeParagraph:
			if el := p.inline(n.Children, inlineStyle{}); len(el) > 0 {
				out = append(out, slackgo.NewRichTextSection(el...))
			}
		default:
			if el := p.inline([]core.Node{n}, inlineStyle{}); len(el) > 0 {
				out = append(out, slackgo.NewRichTextSection(el...))
			}
		}
	}
	return out
}

type printer struct{ team string }

// list prints a run of items per depth: Slack keeps one list for each indentation.
func (p printer) list(n core.Node) []slackgo.RichTextElement {
	style := slackgo.RTEListBullet
	if n.Ordered {
		style = slackgo.RTEListOrdered
	}
	var out []slackgo.RichTextElement
	var cur *slackgo.RichTextList
	for _, item := range n.Children {
		indent := min(max(item.Indent, 0), 8)
		if cur == nil || cur.Indent != indent {
			cur = slackgo.NewRichTextList(style, indent)
			out = append(out, cur)
		}
		cur.Elements = append(cur.Elements, slackgo.NewRichTextSection(p.inline(item.Children, inlineStyle{})...))
	}
	return out
}

func (p printer) inline(nodes []core.Node, st inlineStyle) []slackgo.RichTextSectionElement {
	out := []slackgo.RichTextSectionElement{}
	text := func(s string, st inlineStyle) {
		if s != "" {
			out = append(out, slackgo.NewRichTextSectionTextElement(s, st.slack()))
		}
	}
	for _, n := range nodes {
		inner := st
		switch n.Kind {
		case core.NodeText, core.NodeChannel:
			text(n.Text, st)
		case core.NodeBreak:
			text("\n", st)
		case core.NodeCode, core.NodePre:
			inner.code = true
			text(n.Text, inner)
		case core.NodeMention:
			if user, ok := userIn(n, p.team); ok {
				out = append(out, slackgo.NewRichTextSectionUserElement(user, st.slack()))
			} else {
				text("@"+n.Name, st)
			}
		case core.NodeEmoji:
			names := slackEmoji(core.Emoji{Name: n.Name, Unicode: n.Text})
			if n.Text != "" && len(names) > 0 {
				out = append(out, slackgo.NewRichTextSectionEmojiElement(names[0], 0, st.slack()))
			} else {
				text(firstOf(n.Text, ":"+n.Name+":"), st)
			}
		case core.NodeLink:
			label := core.RichText(n.Children).String()
			if len(n.Children) > 0 {
				label = core.RichText{core.Para(n.Children...)}.String()
			}
			if linkable(n.URL) {
				out = append(out, slackgo.NewRichTextSectionLinkElement(n.URL, label, st.slack()))
			} else {
				text(firstOf(label, n.URL), st)
			}
		case core.NodeSpoiler:
			text("(spoiler: ", st)
			out = append(out, p.inline(n.Children, st)...)
			text(")", st)
		case core.NodeBold:
			inner.bold = true
			out = append(out, p.inline(n.Children, inner)...)
		case core.NodeItalic:
			inner.italic = true
			out = append(out, p.inline(n.Children, inner)...)
		case core.NodeStrike:
			inner.strike = true
			out = append(out, p.inline(n.Children, inner)...)
		default:
			out = append(out, p.inline(n.Children, st)...)
		}
	}
	return out
}

// mrkdwn prints a tree as escaped text: what notifications, searches and old clients show.
func mrkdwn(r core.RichText, team string) string {
	var b strings.Builder
	for i, n := range r {
		if i > 0 {
			b.WriteByte('\n')
		}
		mrkdwnBlock(&b, n, team)
	}
	return b.String()
}

func mrkdwnBlock(b *strings.Builder, n core.Node, team string) {
	switch n.Kind {
	case core.NodePre:
		b.WriteString("```\n" + escape(n.Text) + "\n```")
	case core.NodeQuote:
		var q strings.Builder
		mrkdwnInline(&q, n.Children, team)
		b.WriteString("&gt; " + strings.ReplaceAll(q.String(), "\n", "\n&gt; "))
	case core.NodeHeading:
		mrkdwnInline(b, []core.Node{{Kind: core.NodeBold, Children: n.Children}}, team)
	case core.NodeList:
		count := map[int]int{}
		for i, item := range n.Children {
			if i > 0 {
				b.WriteByte('\n')
			}
			b.WriteString(strings.Repeat("    ", min(max(item.Indent, 0), 8)))
			if count[item.Indent]++; n.Ordered {
				b.WriteString(strconv.Itoa(count[item.Indent]) + ". ")
			} else {
				b.WriteString("• ")
			}
			mrkdwnInline(b, item.Children, team)
		}
	case core.NodeParagraph:
		mrkdwnInline(b, n.Children, team)
	default:
		mrkdwnInline(b, []core.Node{n}, team)
	}
}

func mrkdwnInline(b *strings.Builder, nodes []core.Node, team string) {
	wrap := func(mark string, n core.Node) {
		var in strings.Builder
		mrkdwnInline(&in, n.Children, team)
		if s := in.String(); strings.TrimSpace(s) == "" || strings.Contains(s, "\n") {
			b.WriteString(s)
		} else {
			b.WriteString(mark + s + mark)
		}
	}
	for _, n := range nodes {
		switch n.Kind {
		case core.NodeText, core.NodeChannel:
			b.WriteString(escape(n.Text))
		case core.NodeBreak:
			b.WriteByte('\n')
		case core.NodeCode:
			b.WriteString("`" + escape(n.Text) + "`")
		case core.NodeMention:
			if user, ok := userIn(n, team); ok {
				b.WriteString(mentionKey(user))
			} else {
				b.WriteString(escape("@" + n.Name))
			}
		case core.NodeEmoji:
			b.WriteString(escape(firstOf(n.Text, ":"+n.Name+":")))
		case core.NodeLink:
			label := core.RichText{core.Para(n.Children...)}.String()
			switch {
			case !linkable(n.URL):
				b.WriteString(escape(firstOf(label, n.URL)))
			case label == "":
				b.WriteString("<" + escape(n.URL) + ">")
			default:
				b.WriteString("<" + escape(n.URL) + "|" + strings.ReplaceAll(escape(label), "|", "¦") + ">")
			}
		case core.NodeBold:
			wrap("*", n)
		case core.NodeItalic:
			wrap("_", n)
		case core.NodeStrike:
			wrap("~", n)
		case core.NodeSpoiler:
			b.WriteString("(spoiler: ")
			mrkdwnInline(b, n.Children, team)
			b.WriteString(")")
		default:
			mrkdwnInline(b, n.Children, team)
		}
	}
}

// Texts longer than this become parts: chat.update refuses more. https://docs.slack.dev/reference/methods/chat.update
const maxText = 4000

func length(r core.RichText, team string) int { return utf8.RuneCountInString(mrkdwn(r, team)) }

// split cuts a tree into parts whose fallback text fits: between blocks where it can, else between lines or words.
// Code stays code in every part.
func split(r core.RichText, team string, most int) []core.RichText {
	if length(r, team) <= most {
		return []core.RichText{r}
	}
	var out []core.RichText
	var cur core.RichText
	flush := func() {
		if len(cur) > 0 {
			out = append(out, cur)
			cur = nil
		}
	}
	size := 0
	for _, n := range r {
		for _, piece := range splitBlock(n, team, most) {
			l := length(core.RichText{piece}, team) + 1
			if size+l > most {
				flush()
				size = 0
			}
			cur = append(cur, piece)
			size += l
		}
	}
	flush()
	return out
}

// splitBlock cuts one block that is too long by itself.
func splitBlock(n core.Node, team string, most int) []core.Node {
	if length(core.RichText{n}, team) < most {
		return []core.Node{n}
	}
	var out []core.Node
	if n.Kind == core.NodePre {
		// Escaping makes "&" five characters long: a fifth of the room is always enough for what is cut here.
		for _, s := range cutText(n.Text, most-10, func(s string) int { return utf8.RuneCountInString(escape(s)) }) {
			c := n
			c.Text = s
			out = append(out, c)
		}
		return out
	}
	empty := n
	empty.Children = nil
	cur, size := empty, 0
	add := func(c core.Node) {
		probe := empty
		probe.Children = []core.Node{c}
		l := length(core.RichText{probe}, team) + 1
		if size+l >= most && len(cur.Children) > 0 {
			out = append(out, cur)
			cur, size = empty, 0
		}
		cur.Children = append(cur.Children, c)
		size += l
	}
	for _, c := range n.Children {
		for _, piece := range splitInline(c, team, most-20) {
			add(piece)
		}
	}
	return append(out, cur)
}

func splitInline(n core.Node, team string, most int) []core.Node {
	one := core.RichText{core.Para(n)}
	if length(one, team) < most {
		return []core.Node{n}
	}
	if n.Text != "" && len(n.Children) == 0 {
		var out []core.Node
		for _, s := range cutText(n.Text, most-10, func(s string) int { return utf8.RuneCountInString(escape(s)) }) {
			c := n
			c.Text = s
			out = append(out, c)
		}
		return out
	}
	var out []core.Node
	for _, c := range n.Children {
		for _, piece := range splitInline(c, team, most-10) {
			w := n
			w.Children = []core.Node{piece}
			out = append(out, w)
		}
	}
	if len(out) == 0 {
		return []core.Node{core.Text(clip(firstOf(n.URL, n.Name, n.Text), 200))}
	}
	return out
}

// cutText cuts a string into pieces of at most that size, behind a line break or a space where there is one.
func cutText(s string, most int, size func(string) int) []string {
	most = max(most, 16)
	var out []string
	for size(s) > most {
		// The longest prefix that fits: sizes grow with the prefix.
		runes := []rune(s)
		lo, hi := 1, min(len(runes), most)
		for lo < hi {
			mid := (lo + hi + 1) / 2
			if size(string(runes[:mid])) <= most {
				lo = mid
			} else {
				hi = mid - 1
			}
		}
		piece := string(runes[:lo])
		if i := strings.LastIndexByte(piece, '\n'); i > len(piece)/2 {
			piece = piece[:i+1]
		} else if i := strings.LastIndexByte(piece, ' '); i > len(piece)/2 {
			piece = piece[:i+1]
		}
		out = append(out, piece)
		s = s[len(piece):]
	}
	if s != "" {
		out = append(out, s)
	}
	return out
}
