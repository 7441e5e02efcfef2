package discord

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/atelier-bridge/atelier/core"
)

// printer writes rich text as Discord's markdown. https://support.discord.com/hc/articles/210298617
type printer struct {
	custom func(string) string // an emoji's form by its name, "" when the server has none
	people []string
}

func newPrinter(custom func(string) string) *printer {
	if custom == nil {
		custom = func(string) string { return "" }
	}
	return &printer{custom: custom}
}

// mentions are the users that were mentioned, at most 100 as Discord takes them.
func (p *printer) mentions() []string { return p.people[:min(len(p.people), 100)] }

// print writes blocks: a blank line between paragraphs, a line break between others.
func (p *printer) print(r core.RichText) string {
	var b strings.Builder
	var before core.NodeKind
	for _, n := range r {
		s := strings.TrimRight(p.block(n), "\n")
		if s == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
			if n.Kind == before && (n.Kind == core.NodeParagraph || n.Kind == core.NodeQuote || n.Kind == core.NodeList) {
				b.WriteByte('\n')
			}
		}
		before = n.Kind
		b.WriteString(s)
	}
	return b.String()
}

func (p *printer) block(n core.Node) string {
	switch n.Kind {
	case core.NodeHeading:
		return "### " + strings.ReplaceAll(p.inline(n.Children, true), "\n", " ")
	case core.NodeQuote:
		return "> " + strings.ReplaceAll(p.inline(n.Children, true), "\n", "\n> ")
	case core.NodePre:
		lang := n.Lang
		if !plainWord(lang) {
			lang = ""
		}
		// A zero-width space keeps the text's own fences from ending the block.
		return "```" + lang + "\n" + strings.ReplaceAll(n.Text, "```", "`\u200b``") + "\n```"
	case core.NodeList:
		var b strings.Builder
		count := map[int]int{}
		for _, it := range n.Children {
			indent := min(max(it.Indent, 0), 5)
			count[indent]++
			mark := "- "
			if n.Ordered {
				mark = strconv.Itoa(count[indent]) + ". "
			}
			pad := strings.Repeat("  ", indent)
			b.WriteString(pad + mark + strings.ReplaceAll(p.inline(it.Children, false), "\n", "\n"+pad+"  ") + "\n")
		}
		return b.String()
	case core.NodeParagraph, core.NodeItem:
		return p.inline(n.Children, true)
	}
	return p.inline([]core.Node{n}, true)
}

// inline writes inline nodes; start says that they begin a line, where more signs have a meaning.
func (p *printer) inline(nodes []core.Node, start bool) string {
	var b strings.Builder
	for _, n := range nodes {
		atStart := start && b.Len() == 0 || strings.HasSuffix(b.String(), "\n")
		b.WriteString(p.one(n, atStart))
	}
	return b.String()
}

func (p *printer) one(n core.Node, start bool) string {
	switch n.Kind {
	case core.NodeText:
		return escape(n.Text, start)
	case core.NodeBold:
		return p.around("**", n)
	case core.NodeItalic:
		return p.around("*", n)
	case core.NodeStrike:
		return p.around("~~", n)
	case core.NodeUnderline:
		return p.around("__", n)
	case core.NodeSpoiler:
		return p.around("||", n)
	case core.NodeCode:
		return code(n.Text)
	case core.NodeLink:
		return p.link(n)
	case core.NodeMention:
		if user, err := parseIdentity(n.Identity); err == nil {
			p.people = append(p.people, user)
			return "<@" + user + ">"
		}
		return escape("@"+n.Name, start)
	case core.NodeChannel:
		return escape(n.Text, start)
	case core.NodeEmoji:
		if n.Text != "" {
			return n.Text
		}
		if s := p.custom(n.Name); s != "" {
			return s
		}
		return ":" + n.Name + ":"
	case core.NodeBreak:
		return "\n"
	}
	return p.inline(n.Children, start)
}

// around puts marks around content; they have to touch it, so that outer spaces stay outside.
func (p *printer) around(mark string, n core.Node) string {
	s := p.inline(n.Children, false)
	core := strings.TrimSpace(s)
	if core == "" {
		return s
	}
	i := strings.Index(s, core)
	return s[:i] + mark + core + mark + s[i+len(core):]
}

func code(s string) string {
	if s == "" {
		return ""
	}
	if !strings.Contains(s, "`") {
		return "`" + s + "`"
	}
	return "`` " + strings.ReplaceAll(s, "``", "`\u200b`") + " ``"
}

func (p *printer) link(n core.Node) string {
	if !strings.HasPrefix(n.URL, "http://") && !strings.HasPrefix(n.URL, "https://") || strings.ContainsAny(n.URL, " \n<>") {
		label := core.RichText(n.Children).String()
		if label == "" || label == n.URL {
			return escape(n.URL, false)
		}
		return escape(label+" ("+n.URL+")", false)
	}
	if plain := strings.TrimSpace(core.RichText(n.Children).String()); plain == "" || plain == n.URL {
		return n.URL
	}
	label := strings.ReplaceAll(p.inline(n.Children, false), "\n", " ")
	label = strings.NewReplacer("[", "(", "]", ")").Replace(label)
	return "[" + label + "](" + strings.NewReplacer("(", "%28", ")", "%29").Replace(n.URL) + ")"
}

// escape keeps a plain text plain. It spares addresses and signs that have no meaning where they stand, so that a
// prompt stays readable in the message's source too.
func escape(s string, start bool) string {
	var b strings.Builder
	before := rune(' ')
	if start {
		before = '\n'
	}
	for i := 0; i < len(s); {
		if n := addressAt(s, i, before); n > 0 {
			b.WriteString(s[i : i+n])
			i += n
			before = '/'
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		next, _ := utf8.DecodeRuneInString(s[i+size:])
		if i+size == len(s) {
			next = ' '
		}
		if before == '\n' {
			if n := blockMark(s[i:]); n > 0 {
				b.WriteString(s[i:i+n-1] + `\` + s[i+n-1:i+n])
				i += n
				before = rune(s[i-1])
				continue
			}
		}
		if special(r, before, next) {
			b.WriteByte('\\')
		}
		b.WriteString(s[i : i+size])
		before = r
		i += size
	}
	return b.String()
}

func word(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// special says whether a sign would be taken for markup between its neighbours.
func special(r, before, next rune) bool {
	switch r {
	case '\\':
		return !word(next) && !unicode.IsSpace(next)
	case '`':
		return true
	case '*':
		return !(unicode.IsSpace(before) && unicode.IsSpace(next))
	case '_':
		return next == '_' || before == '_' || !(word(before) && word(next)) && !(unicode.IsSpace(before) && unicode.IsSpace(next))
	case '~', '|':
		return next == r || before == r
	case '<':
		return strings.ContainsRune("@#:at/i", next) || next == 'h'
	case ']':
		return next == '('
	}
	return false
}

// blockMark returns the length of what would open a heading, quote or list at the beginning of a line: up to and with
// the sign that has to be escaped.
func blockMark(s string) int {
	t := strings.TrimLeft(s, " ")
	pad := len(s) - len(t)
	digits := 0
	for digits < len(t) && t[digits] >= '0' && t[digits] <= '9' {
		digits++
	}
	switch {
	case t == "":
		return 0
	case t[0] == '#', t[0] == '>', strings.HasPrefix(t, "- "), strings.HasPrefix(t, "* "), strings.HasPrefix(t, "-# "):
		return pad + 1
	case digits > 0 && digits < 10 && strings.HasPrefix(t[digits:], ". "):
		return pad + digits + 1
	}
	return 0
}

// addressAt returns the length of a URL that begins here.
func addressAt(s string, i int, before rune) int {
	if word(before) || !strings.HasPrefix(s[i:], "http://") && !strings.HasPrefix(s[i:], "https://") {
		return 0
	}
	n := strings.IndexFunc(s[i:], func(r rune) bool { return unicode.IsSpace(r) || r == '<' || r == '>' })
	if n < 0 {
		n = len(s) - i
	}
	return n
}

func plainWord(s string) bool {
	if s == "" || len(s) > 20 {
		return false
	}
	for _, r := range s {
		if !word(r) && r != '+' && r != '-' && r != '#' {
			return false
		}
	}
	return true
}
