package slack

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/atelier-bridge/atelier/core"
)

// maxMrkdwn bounds the text that is parsed; Slack cuts at 40,000 characters itself.
const maxMrkdwn = 200_000

var (
	bulletLine  = regexp.MustCompile(`^(\s*)[•◦▪]\s+(.+)$`)
	orderedLine = regexp.MustCompile(`^(\s*)\d{1,3}\.\s+(.+)$`)
	angle       = regexp.MustCompile(`^<([^<>\n]+)>`)
	shortName   = regexp.MustCompile(`^:([a-z0-9_+'-]+(?:::skin-tone-[2-6])?):`)
)

// parseMrkdwn reads Slack's text form, for messages without rich_text blocks.
func parseMrkdwn(text, team string) core.RichText {
	if len(text) > maxMrkdwn {
		text = strings.ToValidUTF8(text[:maxMrkdwn], "")
	}
	var out core.RichText
	for text != "" {
		before, rest, fenced := strings.Cut(text, "```")
		out = append(out, parseLines(before, team)...)
		if !fenced {
			break
		}
		code, after, closed := strings.Cut(rest, "```")
		if !closed {
			out = append(out, parseLines("```"+rest, team)...)
			break
		}
		if code = strings.Trim(code, "\n"); code != "" {
			out = append(out, core.Node{Kind: core.NodePre, Text: unescape(stripAngles(code))})
		}
		text = strings.TrimPrefix(after, "\n")
	}
	return out
}

// stripAngles undoes Slack's linking inside code.
func stripAngles(s string) string {
	return slackRef.ReplaceAllStringFunc(s, func(hit string) string {
		m := slackRef.FindStringSubmatch(hit)
		if m[4] != "" {
			return m[4]
		}
		return hit
	})
}

func parseLines(text, team string) core.RichText {
	var out core.RichText
	var para []string
	flush := func() {
		if s := strings.Trim(strings.Join(para, "\n"), "\n"); s != "" {
			if c := parseInline(s, team, inlineStyle{}); len(c) > 0 {
				out = append(out, core.Para(c...))
			}
		}
		para = nil
	}
	add := func(kind core.Node, item core.Node) {
		if n := len(out) - 1; n >= 0 && len(para) == 0 && out[n].Kind == core.NodeList && out[n].Ordered == kind.Ordered {
			out[n].Children = append(out[n].Children, item)
			return
		}
		flush()
		kind.Children = []core.Node{item}
		out = append(out, kind)
	}
	var quote []string
	endQuote := func() {
		if c := parseInline(strings.Join(quote, "\n"), team, inlineStyle{}); len(quote) > 0 && len(c) > 0 {
			out = append(out, core.Node{Kind: core.NodeQuote, Children: c})
		}
		quote = nil
	}
	for _, line := range strings.Split(text, "\n") {
		if rest, ok := strings.CutPrefix(line, "&gt;"); ok {
			flush()
			quote = append(quote, strings.TrimPrefix(rest, " "))
			continue
		}
		endQuote()
		if m := bulletLine.FindStringSubmatch(line); m != nil {
			add(core.Node{Kind: core.NodeList}, core.Node{Kind: core.NodeItem, Indent: min(len(m[1])/4, 8), Children: parseInline(m[2], team, inlineStyle{})})
		} else if m := orderedLine.FindStringSubmatch(line); m != nil {
			add(core.Node{Kind: core.NodeList, Ordered: true}, core.Node{Kind: core.NodeItem, Indent: min(len(m[1])/4, 8), Children: parseInline(m[2], team, inlineStyle{})})
		} else {
			para = append(para, line)
		}
	}
	endQuote()
	flush()
	return out
}

// parseInline reads one run. Each style can open once, so the depth is bounded.
func parseInline(t, team string, st inlineStyle) []core.Node {
	out := []core.Node{}
	var plain strings.Builder
	flush := func() {
		out = append(out, core.TextNodes(unescape(plain.String()))...)
		plain.Reset()
	}
	boundary := true
	for t != "" {
		if m := angle.FindStringSubmatch(t); m != nil {
			if n, ok := reference(m[1], team); ok {
				flush()
				out = append(out, n)
				t, boundary = t[len(m[0]):], false
				continue
			}
		}
		if m := shortName.FindStringSubmatch(t); m != nil && boundary {
			if em := emojiFromSlack(m[1]); em.Unicode != "" {
				flush()
				out = append(out, core.Node{Kind: core.NodeEmoji, Name: em.Name, Text: em.Unicode})
				t = t[len(m[0]):]
				continue
			}
		}
		if n, size, ok := span(t, team, st, boundary); ok {
			flush()
			out = append(out, n)
			t, boundary = t[size:], false
			continue
		}
		r, size := utf8.DecodeRuneInString(t)
		plain.WriteString(t[:size])
		boundary = !unicode.IsLetter(r) && !unicode.IsDigit(r)
		t = t[size:]
	}
	flush()
	return out
}

// span reads *bold*, _italic_, ~strike~ or `code` at the start of t.
func span(t, team string, st inlineStyle, boundary bool) (core.Node, int, bool) {
	mark, kind, inner := t[0], core.NodeKind(""), st
	switch {
	case mark == '`':
		kind = core.NodeCode
	case !boundary:
	case mark == '*' && !st.bold:
		kind, inner.bold = core.NodeBold, true
	case mark == '_' && !st.italic:
		kind, inner.italic = core.NodeItalic, true
	case mark == '~' && !st.strike:
		kind, inner.strike = core.NodeStrike, true
	}
	if kind == "" {
		return core.Node{}, 0, false
	}
	line := t[1:]
	if i := strings.IndexByte(line, '\n'); i >= 0 {
		line = line[:i]
	}
	for from := 0; ; {
		i := strings.IndexByte(line[from:], mark)
		if i < 0 {
			return core.Node{}, 0, false
		}
		end := from + i
		body := line[:end]
		next, _ := utf8.DecodeRuneInString(line[end+1:])
		closes := kind == core.NodeCode || !unicode.IsLetter(next) && !unicode.IsDigit(next)
		if body != "" && closes && (kind == core.NodeCode || body[0] != ' ' && body[len(body)-1] != ' ') {
			if kind == core.NodeCode {
				return core.CodeNode(unescape(stripAngles(body))), end + 2, true
			}
			return core.Node{Kind: kind, Children: parseInline(body, team, inner)}, end + 2, true
		}
		from = end + 1
	}
}

// reference reads what stands between angle brackets.
func reference(ref, team string) (core.Node, bool) {
	target, label, _ := strings.Cut(ref, "|")
	label = unescape(label)
	switch {
	case strings.HasPrefix(target, "@") && isID(target[1:]):
		return core.MentionNode(identityID(team, target[1:]), strings.TrimPrefix(label, "@")), true
	case strings.HasPrefix(target, "#") && isID(target[1:]):
		return channelNode(target[1:], label), true
	case strings.HasPrefix(target, "!"):
		word, _, _ := strings.Cut(target[1:], "^")
		if strings.HasPrefix(target, "!subteam^") {
			word = strings.TrimPrefix(target, "!subteam^")
		}
		if strings.HasPrefix(target, "!date^") {
			return core.Text(label), label != ""
		}
		return core.Text("@" + strings.TrimPrefix(firstOf(label, word), "@")), true
	case linkable(unescape(target)):
		if label == unescape(target) {
			label = ""
		}
		return core.Link(unescape(target), label), true
	}
	return core.Node{}, false
}
