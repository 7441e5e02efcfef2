package slack

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/atelier-bridge/atelier/core"
)

// parseMessage reads what somebody wrote: the rich_text blocks, which say it exactly, else the mrkdwn text.
func parseMessage(m *message, team string) core.RichText {
	if r, ok := parseBlocks(m.Blocks, team, channelNames(m.Text)); ok {
		return r
	}
	return parseMrkdwn(m.Text, team)
}

var channelRef = regexp.MustCompile(`<#([A-Z0-9]+)\|([^<>]+)>`)

// channelNames collects the names that the text gives to channels; rich_text blocks carry ids only.
func channelNames(text string) map[string]string {
	out := map[string]string{}
	for _, m := range channelRef.FindAllStringSubmatch(text, 50) {
		out[m[1]] = m[2]
	}
	return out
}

// element is any part of a rich_text block.
type element struct {
	Type      string          `json:"type"`
	Text      string          `json:"text"`
	URL       string          `json:"url"`
	UserID    string          `json:"user_id"`
	ChannelID string          `json:"channel_id"`
	GroupID   string          `json:"usergroup_id"`
	Name      string          `json:"name"`
	Unicode   string          `json:"unicode"`
	SkinTone  int             `json:"skin_tone"`
	Range     string          `json:"range"`
	Fallback  string          `json:"fallback"`
	Value     string          `json:"value"`
	Language  string          `json:"language"`
	Indent    int             `json:"indent"`
	Elements  []element       `json:"elements"`
	Style     json.RawMessage `json:"style"` // an object for text, a word for lists
}

func (e element) inline() inlineStyle {
	var s struct {
		Bold   bool `json:"bold"`
		Italic bool `json:"italic"`
		Strike bool `json:"strike"`
		Code   bool `json:"code"`
	}
	if len(e.Style) > 0 && e.Style[0] == '{' && decode(e.Style, &s) != nil {
		return inlineStyle{}
	}
	return inlineStyle{s.Bold, s.Italic, s.Strike, s.Code}
}

// parseBlocks reads rich_text blocks; ok is false when there is none.
func parseBlocks(raw json.RawMessage, team string, channels map[string]string) (core.RichText, bool) {
	var blocks []json.RawMessage
	if len(raw) == 0 || json.Unmarshal(raw, &blocks) != nil {
		return nil, false
	}
	var out core.RichText
	found := false
	for _, b := range blocks {
		var e element
		if decode(b, &e) != nil || e.Type != "rich_text" {
			continue
		}
		found = true
		p := blockParser{team: team, channels: channels}
		for _, part := range e.Elements {
			p.block(part)
		}
		out = append(out, p.out...)
	}
	return out, found
}

type blockParser struct {
	team     string
	channels map[string]string
	out      core.RichText
}

func (p *blockParser) block(e element) {
	switch e.Type {
	case "rich_text_preformatted":
		var b strings.Builder
		for _, c := range e.Elements {
			b.WriteString(firstOf(c.Text, c.URL))
		}
		if s := strings.Trim(b.String(), "\n"); s != "" {
			p.out = append(p.out, core.Node{Kind: core.NodePre, Text: s, Lang: e.Language})
		}
	case "rich_text_quote":
		if c := trimBreaks(p.inline(e.Elements)); len(c) > 0 {
			p.out = append(p.out, core.Node{Kind: core.NodeQuote, Children: c})
		}
	case "rich_text_list":
		p.list(e)
	default:
		els := e.Elements
		if len(els) == 0 && e.Text != "" {
			els = []element{e}
		}
		if c := trimBreaks(p.inline(els)); len(c) > 0 {
			p.out = append(p.out, core.Para(c...))
		}
	}
}

// list reads one depth of a list; the next depth is another element and joins the same list.
func (p *blockParser) list(e element) {
	var kind string
	_ = json.Unmarshal(e.Style, &kind) // any other form is a bullet list
	ordered := kind == "ordered"
	indent := min(max(e.Indent, 0), 8)
	var items []core.Node
	for _, item := range e.Elements {
		items = append(items, core.Node{Kind: core.NodeItem, Indent: indent, Children: trimBreaks(p.inline(item.Elements))})
	}
	if len(items) == 0 {
		return
	}
	if n := len(p.out) - 1; n >= 0 && p.out[n].Kind == core.NodeList && p.out[n].Ordered == ordered {
		last := p.out[n].Children
		if indent > 0 || last[len(last)-1].Indent > 0 {
			p.out[n].Children = slices.Concat(last, items)
			return
		}
	}
	p.out = append(p.out, core.Node{Kind: core.NodeList, Ordered: ordered, Children: items})
}

// leaf is a node without children and the styles around it.
type leaf struct {
	node core.Node
	st   inlineStyle
}

func (p *blockParser) inline(els []element) []core.Node {
	var leaves []leaf
	for _, e := range els {
		st := e.inline()
		switch e.Type {
		case "text":
			if st.code {
				st.code = false
				leaves = append(leaves, leaf{core.CodeNode(e.Text), st})
				continue
			}
			for _, n := range core.TextNodes(e.Text) {
				leaves = append(leaves, leaf{n, st})
			}
		case "link":
			st.code = false
			leaves = append(leaves, leaf{core.Link(e.URL, e.Text), st})
		case "user":
			leaves = append(leaves, leaf{core.MentionNode(identityID(p.team, e.UserID), ""), st})
		case "channel":
			leaves = append(leaves, leaf{channelNode(e.ChannelID, p.channels[e.ChannelID]), st})
		case "usergroup":
			leaves = append(leaves, leaf{core.Text("@" + firstOf(e.Text, e.GroupID)), st})
		case "emoji":
			leaves = append(leaves, leaf{emojiNode(e), st})
		case "broadcast":
			leaves = append(leaves, leaf{core.Text("@" + e.Range), st})
		default:
			if s := firstOf(e.Text, e.Fallback, e.URL, e.Value, e.Name); s != "" {
				leaves = append(leaves, leaf{core.Text(s), st})
			} else if len(e.Elements) > 0 {
				for _, n := range p.inline(e.Elements) {
					leaves = append(leaves, leaf{n, st})
				}
			}
		}
	}
	return nest(leaves, 0)
}

// channelNode keeps the id in Name until the room's name is looked up.
func channelNode(id, name string) core.Node {
	if name != "" {
		return core.Node{Kind: core.NodeChannel, Text: "#" + name}
	}
	return core.Node{Kind: core.NodeChannel, Text: "#", Name: id}
}

func emojiNode(e element) core.Node {
	name := e.Name
	if e.SkinTone >= 2 && e.SkinTone <= 6 && !strings.Contains(name, "::") {
		name += "::skin-tone-" + string(rune('0'+e.SkinTone))
	}
	em := emojiFromSlack(name)
	if em.Unicode == "" && e.Unicode != "" {
		em.Unicode = codePoints(e.Unicode)
	}
	return core.Node{Kind: core.NodeEmoji, Name: em.Name, Text: em.Unicode}
}

// codePoints reads Slack's "1f44d-1f3fd".
func codePoints(s string) string {
	var b strings.Builder
	for _, part := range strings.Split(s, "-") {
		n := rune(0)
		for _, c := range strings.ToLower(part) {
			d := strings.IndexRune("0123456789abcdef", c)
			if d < 0 || n > unicode.MaxRune {
				return ""
			}
			n = n<<4 | rune(d)
		}
		if n == 0 || !utf8.ValidRune(n) {
			return ""
		}
		b.WriteRune(n)
	}
	return b.String()
}

// nest turns styled leaves into the tree: bold outside, then italic, then strike; neighbours share their wrapper.
func nest(leaves []leaf, level int) []core.Node {
	kinds := []core.NodeKind{core.NodeBold, core.NodeItalic, core.NodeStrike}
	if level == len(kinds) {
		out := make([]core.Node, 0, len(leaves))
		for _, l := range leaves {
			out = append(out, l.node)
		}
		return out
	}
	has := func(l leaf) bool { return [...]bool{l.st.bold, l.st.italic, l.st.strike}[level] }
	out := []core.Node{}
	for i := 0; i < len(leaves); {
		j := i
		for j < len(leaves) && has(leaves[j]) == has(leaves[i]) {
			j++
		}
		inner := nest(leaves[i:j], level+1)
		if has(leaves[i]) {
			inner = []core.Node{{Kind: kinds[level], Children: inner}}
		}
		out = append(out, inner...)
		i = j
	}
	return out
}

// trimBreaks drops the line break with which Slack ends a section before a list or quote.
func trimBreaks(nodes []core.Node) []core.Node {
	for len(nodes) > 0 && nodes[len(nodes)-1].Kind == core.NodeBreak {
		nodes = nodes[:len(nodes)-1]
	}
	return nodes
}

// commandText prints a message as the words of a command. Mentions stay as tokens that the map resolves; after is where
// the first mention of the bot ends, -1 without one.
func commandText(r core.RichText, bot core.IdentityID) (words string, mentions map[string]core.IdentityID, after int) {
	var b strings.Builder
	mentions, after = map[string]core.IdentityID{}, -1
	var walk func(nodes []core.Node)
	walk = func(nodes []core.Node) {
		for _, n := range nodes {
			switch n.Kind {
			case core.NodeText, core.NodeCode, core.NodePre, core.NodeChannel:
				b.WriteString(n.Text)
			case core.NodeBreak:
				b.WriteByte('\n')
			case core.NodeEmoji:
				b.WriteString(firstOf(n.Text, ":"+n.Name+":"))
			case core.NodeMention:
				_, user, err := parseIdentity(n.Identity)
				if err != nil {
					b.WriteString("@" + n.Name)
					continue
				}
				b.WriteString(mentionKey(user))
				mentions[mentionKey(user)] = n.Identity
				if n.Identity == bot && after < 0 {
					after = b.Len()
				}
			case core.NodeLink:
				label := core.RichText{core.Para(n.Children...)}.String()
				if label != "" && strings.HasSuffix(n.URL, label) {
					b.WriteString(label) // Slack linked what was typed as plain words
				} else {
					b.WriteString(n.URL)
				}
			default:
				walk(n.Children)
				if n.Kind == core.NodeItem {
					b.WriteByte('\n')
				}
			}
		}
	}
	for i, n := range r {
		if i > 0 {
			b.WriteByte('\n')
		}
		walk([]core.Node{n})
	}
	if len(mentions) == 0 {
		mentions = nil
	}
	return b.String(), mentions, after
}
