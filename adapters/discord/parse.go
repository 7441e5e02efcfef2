package discord

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/atelier-bridge/atelier/core"
)

// names resolves what markup refers to by id.
type names struct {
	user    func(id string) string
	channel func(id string) string
}

func (a *Adapter) namesIn(m *wireMessage) names {
	return names{
		user: func(id string) string {
			for _, u := range m.Mentions {
				if u.ID == id {
					return a.actor(&u.wireUser, u.Member, "").Name
				}
			}
			return ""
		},
		channel: func(id string) string {
			p, _ := a.world.get(id)
			return p.Name
		},
	}
}

const (
	// maxMarkup bounds what is parsed; Discord's own limit is 4,000 characters.
	maxMarkup = 16 << 10
	maxDepth  = 10
)

// parseMarkup reads Discord's markdown. It takes any text; what is no markup is text.
func parseMarkup(s string, n names) core.RichText {
	s = strings.ReplaceAll(clipBytes(strings.ToValidUTF8(s, "\uFFFD"), maxMarkup), "\r\n", "\n")
	p := &parser{names: n}
	lines := strings.Split(s, "\n")
	var out core.RichText
	for i := 0; i < len(lines); {
		var n core.Node
		n, i = p.blockAt(lines, i)
		if n.Kind != "" {
			out = append(out, n)
		}
	}
	return out
}

type parser struct{ names names }

// blockAt reads the block that begins at line i and returns the line after it.
func (p *parser) blockAt(lines []string, i int) (core.Node, int) {
	line := lines[i]
	switch {
	case strings.TrimSpace(line) == "":
		return core.Node{}, i + 1
	case strings.HasPrefix(line, "```"):
		if n, next, ok := fenced(lines, i); ok {
			return n, next
		}
	case strings.HasPrefix(line, ">>> "):
		rest := append([]string{line[4:]}, lines[i+1:]...)
		return core.Node{Kind: core.NodeQuote, Children: p.lines(rest)}, len(lines)
	case quoted(line):
		var in []string
		for ; i < len(lines) && quoted(lines[i]); i++ {
			in = append(in, strings.TrimPrefix(strings.TrimPrefix(lines[i], ">"), " "))
		}
		return core.Node{Kind: core.NodeQuote, Children: p.lines(in)}, i
	case headingText(line) != "":
		return core.Node{Kind: core.NodeHeading, Children: p.inline(headingText(line), 0)}, i + 1
	}
	if _, ordered, _, ok := listItem(line); ok {
		return p.list(lines, i, ordered)
	}
	var in []string
	for start := i; i < len(lines) && (i == start || p.continues(lines, i)); i++ {
		in = append(in, strings.TrimPrefix(lines[i], "-# "))
	}
	return core.Node{Kind: core.NodeParagraph, Children: p.lines(in)}, i
}

// continues says whether a line goes on with the paragraph before it.
func (p *parser) continues(lines []string, i int) bool {
	line := lines[i]
	_, _, _, item := listItem(line)
	_, _, fence := fenced(lines, i)
	return strings.TrimSpace(line) != "" && !item && !fence && !quoted(line) && !strings.HasPrefix(line, ">>> ") && headingText(line) == ""
}

func quoted(line string) bool { return strings.HasPrefix(line, "> ") || line == ">" }

func headingText(line string) string {
	for _, mark := range []string{"# ", "## ", "### "} {
		if rest, ok := strings.CutPrefix(line, mark); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

func fenced(lines []string, i int) (core.Node, int, bool) {
	open, ok := strings.CutPrefix(lines[i], "```")
	if !ok {
		return core.Node{}, i, false
	}
	if one, closed := strings.CutSuffix(open, "```"); closed && one != "" && !strings.Contains(one, "```") {
		return core.Node{Kind: core.NodePre, Text: one}, i + 1, true
	}
	n := core.Node{Kind: core.NodePre}
	var in []string
	if plainWord(open) {
		n.Lang = open
	} else if open != "" {
		in = append(in, open)
	}
	for j := i + 1; j < len(lines); j++ {
		if before, closed := strings.CutSuffix(strings.TrimRight(lines[j], " "), "```"); closed {
			if before != "" {
				in = append(in, before)
			}
			n.Text = strings.Join(in, "\n")
			return n, j + 1, true
		}
		in = append(in, lines[j])
	}
	return core.Node{}, i, false
}

func listItem(line string) (text string, ordered bool, indent int, ok bool) {
	t := strings.TrimLeft(line, " ")
	indent = min((len(line)-len(t))/2, 5)
	if rest, found := strings.CutPrefix(t, "- "); found {
		return rest, false, indent, true
	}
	if rest, found := strings.CutPrefix(t, "* "); found {
		return rest, false, indent, true
	}
	num, rest, found := strings.Cut(t, ". ")
	if _, err := strconv.ParseUint(num, 10, 32); found && err == nil && len(num) < 10 {
		return rest, true, indent, true
	}
	return "", false, 0, false
}

func (p *parser) list(lines []string, i int, ordered bool) (core.Node, int) {
	n := core.Node{Kind: core.NodeList, Ordered: ordered}
	for ; i < len(lines); i++ {
		text, ord, indent, ok := listItem(lines[i])
		if !ok || ord != ordered && indent == 0 {
			break
		}
		item := []string{text}
		for i+1 < len(lines) && strings.HasPrefix(lines[i+1], strings.Repeat("  ", indent+1)) {
			if _, _, _, next := listItem(lines[i+1]); next || strings.TrimSpace(lines[i+1]) == "" {
				break
			}
			i++
			item = append(item, strings.TrimSpace(lines[i]))
		}
		n.Children = append(n.Children, core.Node{Kind: core.NodeItem, Indent: indent, Children: p.lines(item)})
	}
	return n, i
}

// lines reads inline markup over several lines: marks may span them.
func (p *parser) lines(in []string) []core.Node { return p.inline(strings.Join(in, "\n"), 0) }

var pairs = []struct {
	mark string
	kind core.NodeKind
}{{"**", core.NodeBold}, {"__", core.NodeUnderline}, {"~~", core.NodeStrike}, {"||", core.NodeSpoiler}, {"*", core.NodeItalic}, {"_", core.NodeItalic}}

// inline reads inline markup. Depth is bounded, and so is the work: a mark that is not closed is looked for once.
func (p *parser) inline(s string, depth int) []core.Node {
	var out []core.Node
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			out = append(out, core.TextNodes(text.String())...)
			text.Reset()
		}
	}
	open := map[string]bool{}
	for i := 0; i < len(s); {
		if s[i] == '\\' && i+1 < len(s) && s[i+1] < 0x80 && (unicode.IsPunct(rune(s[i+1])) || unicode.IsSymbol(rune(s[i+1]))) {
			text.WriteByte(s[i+1])
			i += 2
			continue
		}
		n, size := p.token(s, i)
		if size == 0 && depth < maxDepth {
			n, size = p.pair(s, i, depth, open)
		}
		if size == 0 {
			text.WriteByte(s[i])
			i++
			continue
		}
		flush()
		out = append(out, n)
		i += size
	}
	flush()
	return out
}

func (p *parser) pair(s string, i, depth int, dead map[string]bool) (core.Node, int) {
	for _, pr := range pairs {
		if dead[pr.mark] || !strings.HasPrefix(s[i:], pr.mark) {
			continue
		}
		from := i + len(pr.mark)
		if pr.mark == "_" && i > 0 && isWordByte(s[i-1]) || from >= len(s) || len(pr.mark) == 1 && (s[from] == ' ' || s[from] == '\n') {
			continue
		}
		end := closing(s, from, pr.mark)
		if end < 0 {
			dead[pr.mark] = true
			continue
		}
		if end == from {
			continue
		}
		return core.Node{Kind: pr.kind, Children: p.inline(s[from:end], depth+1)}, end + len(pr.mark) - i
	}
	return core.Node{}, 0
}

// closing finds the mark that ends what began at from, skipping escapes, code and longer runs of the same sign.
func closing(s string, from int, mark string) int {
	for j := from; j < len(s); j++ {
		switch {
		case s[j] == '\\':
			j++
		case s[j] == '`':
			if n := codeSpan(s[j:]); n > 0 {
				j += n - 1
			}
		case strings.HasPrefix(s[j:], mark):
			run := j
			for run < len(s) && s[run] == mark[0] {
				run++
			}
			switch {
			case len(mark) == 1 && run-j == 2:
				// The marks of bold inside italic come in pairs.
				j = run - 1
			case mark == "_" && run < len(s) && isWordByte(s[run]):
				j = run - 1
			case len(mark) == 1 && (s[j-1] == ' ' || s[j-1] == '\n'):
				j = run - 1
			default:
				return run - len(mark)
			}
		}
	}
	return -1
}

func isWordByte(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= 0x80
}

// codeSpan returns the length of the inline code that s begins with, 0 when it begins with none.
func codeSpan(s string) int {
	n := 0
	for n < len(s) && s[n] == '`' {
		n++
	}
	end := strings.Index(s[n:], strings.Repeat("`", n))
	if n == 0 || end <= 0 {
		return 0
	}
	return n + end + n
}

// token reads what has a form of its own: code, links, mentions, emojis, times.
func (p *parser) token(s string, i int) (core.Node, int) {
	switch s[i] {
	case '`':
		n := codeSpan(s[i:])
		if n == 0 {
			return core.Node{}, 0
		}
		text := strings.Trim(s[i:i+n], "`")
		if len(text) > 2 && text[0] == ' ' && text[len(text)-1] == ' ' && strings.Contains(text, "`") {
			text = text[1 : len(text)-1]
		}
		return core.Node{Kind: core.NodeCode, Text: text}, n
	case '[':
		return p.masked(s[i:])
	case '<':
		end := strings.IndexByte(s[i:], '>')
		if end < 0 || end > 2000 {
			return core.Node{}, 0
		}
		n, ok := p.angle(s[i+1 : i+end])
		if !ok {
			return core.Node{}, 0
		}
		return n, end + 1
	case 'h':
		before := rune(' ')
		if i > 0 {
			before = rune(s[i-1])
		}
		if n := addressAt(s, i, before); n > len("https://") {
			link := trimAddress(s[i : i+n])
			return core.Node{Kind: core.NodeLink, URL: link}, len(link)
		}
	}
	return core.Node{}, 0
}

// trimAddress leaves closing signs of the sentence out of an address.
func trimAddress(s string) string {
	for len(s) > 0 {
		switch s[len(s)-1] {
		case '.', ',', ';', ':', '!', '?', '"', '\'', '*', '_', '~', '|', ']':
			s = s[:len(s)-1]
			continue
		case ')':
			if strings.Count(s, ")") > strings.Count(s, "(") {
				s = s[:len(s)-1]
				continue
			}
		}
		break
	}
	return s
}

// masked reads [label](address).
func (p *parser) masked(s string) (core.Node, int) {
	mid := strings.Index(s, "](")
	if mid < 2 || strings.ContainsAny(s[:mid], "\n") {
		return core.Node{}, 0
	}
	end := strings.IndexByte(s[mid:], ')')
	if end < 0 {
		return core.Node{}, 0
	}
	link, _, _ := strings.Cut(strings.TrimSpace(s[mid+2:mid+end]), " ")
	link = strings.Trim(link, "<>")
	if !strings.HasPrefix(link, "http://") && !strings.HasPrefix(link, "https://") {
		return core.Node{}, 0
	}
	return core.Node{Kind: core.NodeLink, URL: link, Children: p.inline(s[1:mid], maxDepth)}, mid + end + 1
}

// angle reads what stands between < and >.
func (p *parser) angle(in string) (core.Node, bool) {
	switch {
	case strings.HasPrefix(in, "@&") && isSnowflake(in[2:]):
		return core.Text("@role"), true
	case strings.HasPrefix(in, "@"):
		id := strings.TrimPrefix(in[1:], "!")
		if !isSnowflake(id) {
			return core.Node{}, false
		}
		return core.MentionNode(identityID(id), p.names.user(id)), true
	case strings.HasPrefix(in, "#") && isSnowflake(in[1:]):
		name := p.names.channel(in[1:])
		if name == "" {
			name = "channel"
		}
		return core.Node{Kind: core.NodeChannel, Text: "#" + name}, true
	case strings.HasPrefix(in, "http://"), strings.HasPrefix(in, "https://"):
		return core.Node{Kind: core.NodeLink, URL: in}, !strings.ContainsAny(in, " \n")
	case strings.HasPrefix(in, "/"):
		name, id, ok := strings.Cut(in, ":")
		return core.Text(name), ok && isSnowflake(id)
	}
	part := strings.Split(in, ":")
	switch {
	case len(part) == 3 && (part[0] == "" || part[0] == "a") && part[1] != "" && isSnowflake(part[2]):
		return core.Node{Kind: core.NodeEmoji, Name: part[1]}, true
	case len(part) >= 2 && len(part) <= 3 && part[0] == "t":
		unix, err := strconv.ParseInt(part[1], 10, 64)
		if err != nil || unix < -1e11 || unix > 1e11 {
			return core.Node{}, false
		}
		return core.Text(time.Unix(unix, 0).UTC().Format("2 Jan 2006 15:04 MST")), true
	}
	return core.Node{}, false
}
