package slacksim

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Slack keeps what people type twice: as a rich_text block with the exact structure, and as mrkdwn text.

type style struct{ bold, italic, strike, code bool }

func (st style) json() obj {
	out := obj{}
	for k, v := range map[string]bool{"bold": st.bold, "italic": st.italic, "strike": st.strike, "code": st.code} {
		if v {
			out[k] = true
		}
	}
	return out
}

// typed turns what a person types into Slack's text and its rich_text block.
func (s *Server) typed(text string) (string, json.RawMessage) {
	p := &typist{s: s}
	p.blocks(strings.ReplaceAll(text, "\r\n", "\n"))
	raw, _ := json.Marshal([]obj{{"type": "rich_text", "block_id": strings.ToLower(randomString(5)), "elements": p.out}}) // plain maps cannot fail
	return strings.TrimSuffix(p.text.String(), "\n"), raw
}

type typist struct {
	s    *Server
	out  []obj
	text strings.Builder
}

var (
	bulletLine  = regexp.MustCompile(`^\s*[-•*]\s+(.+)$`)
	orderedLine = regexp.MustCompile(`^\s*\d{1,3}[.)]\s+(.+)$`)
)

func (p *typist) blocks(text string) {
	lines := strings.Split(text, "\n")
	var para []string
	flush := func() {
		if len(para) > 0 {
			el, txt := p.inline(strings.Join(para, "\n"), style{})
			p.out = append(p.out, obj{"type": "rich_text_section", "elements": el})
			p.text.WriteString(txt + "\n")
			para = nil
		}
	}
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		switch {
		case strings.HasPrefix(line, "```"):
			flush()
			i = p.fence(lines, i)
		case strings.HasPrefix(line, ">"):
			flush()
			i = p.quote(lines, i)
		case bulletLine.MatchString(line):
			flush()
			i = p.list(lines, i, bulletLine, "bullet")
		case orderedLine.MatchString(line):
			flush()
			i = p.list(lines, i, orderedLine, "ordered")
		default:
			para = append(para, line)
		}
	}
	flush()
	if len(p.out) == 0 {
		p.out = []obj{}
	}
}

func (p *typist) fence(lines []string, i int) int {
	first := strings.TrimPrefix(lines[i], "```")
	var body []string
	if before, ok := strings.CutSuffix(first, "```"); ok && first != "" {
		body = []string{before}
	} else {
		if first != "" {
			body = append(body, first)
		}
		for i++; i < len(lines); i++ {
			if before, ok := strings.CutSuffix(lines[i], "```"); ok {
				if before != "" {
					body = append(body, before)
				}
				break
			}
			body = append(body, lines[i])
		}
	}
	code := strings.Join(body, "\n")
	p.out = append(p.out, obj{"type": "rich_text_preformatted", "border": 0, "elements": []obj{{"type": "text", "text": code}}})
	p.text.WriteString("```" + escape(code) + "```\n")
	return i
}

func (p *typist) quote(lines []string, i int) int {
	var body []string
	for ; i < len(lines) && strings.HasPrefix(lines[i], ">"); i++ {
		body = append(body, strings.TrimPrefix(strings.TrimPrefix(lines[i], ">"), " "))
	}
	el, txt := p.inline(strings.Join(body, "\n"), style{})
	p.out = append(p.out, obj{"type": "rich_text_quote", "elements": el})
	p.text.WriteString("&gt; " + strings.ReplaceAll(txt, "\n", "\n&gt; ") + "\n")
	return i - 1
}

func (p *typist) list(lines []string, i int, re *regexp.Regexp, kind string) int {
	var items []obj
	for n := 1; i < len(lines); i, n = i+1, n+1 {
		m := re.FindStringSubmatch(lines[i])
		if m == nil {
			break
		}
		el, txt := p.inline(m[1], style{})
		items = append(items, obj{"type": "rich_text_section", "elements": el})
		mark := "• "
		if kind == "ordered" {
			mark = itoa(n) + ". "
		}
		p.text.WriteString(mark + txt + "\n")
	}
	p.out = append(p.out, obj{"type": "rich_text_list", "elements": items, "style": kind, "indent": 0, "border": 0})
	return i - 1
}

var (
	angleRef   = regexp.MustCompile(`^<([^<>\n]+)>`)
	bareURL    = regexp.MustCompile(`^https?://[^\s<>|"]*[^\s<>|".,;:!?)\]*_~]`)
	emojiShort = regexp.MustCompile(`^:([a-z0-9_+'\-]+(?:::skin-tone-[2-6])?):`)
	atName     = regexp.MustCompile(`^@([A-Za-z0-9][A-Za-z0-9._\-]*)`)
	hashName   = regexp.MustCompile(`^#([a-z0-9][a-z0-9_\-]*)`)
)

// inline parses one run of text and returns its elements and its mrkdwn.
func (p *typist) inline(t string, st style) ([]obj, string) {
	out := []obj{}
	var plain, txt strings.Builder
	add := func(e obj, mrkdwn string) {
		if plain.Len() > 0 {
			out = append(out, styled(obj{"type": "text", "text": plain.String()}, st))
			plain.Reset()
		}
		if e != nil {
			out = append(out, styled(e, st))
		}
		txt.WriteString(mrkdwn)
	}
	boundary := true // a style may open here
	for len(t) > 0 {
		if el, md, n := p.token(t, boundary); n > 0 {
			add(el, md)
			t, boundary = t[n:], false
			continue
		}
		if n, inner, next := span(t, st, boundary); n > 0 {
			el, md := []obj{{"type": "text", "text": inner}}, escape(inner)
			if !next.code || st.code {
				el, md = p.inline(inner, next)
			} else {
				el[0] = styled(el[0], next)
			}
			mark := t[:1]
			add(nil, mark+md+mark)
			out = append(out, el...)
			t, boundary = t[n:], false
			continue
		}
		r, n := utf8.DecodeRuneInString(t)
		plain.WriteString(t[:n])
		txt.WriteString(escape(t[:n]))
		boundary = strings.ContainsRune(" \n\t([{\"'*_~-", r)
		t = t[n:]
	}
	add(nil, "")
	return out, txt.String()
}

func styled(e obj, st style) obj {
	if j := st.json(); len(j) > 0 {
		e["style"] = j
	}
	return e
}

// span finds *bold*, _italic_, ~strike~ or `code` at the start of t.
func span(t string, st style, boundary bool) (int, string, style) {
	next := st
	switch {
	case t[0] == '`':
		next.code = true
	case !boundary:
		return 0, "", st
	case t[0] == '*' && !st.bold:
		next.bold = true
	case t[0] == '_' && !st.italic:
		next.italic = true
	case t[0] == '~' && !st.strike:
		next.strike = true
	default:
		return 0, "", st
	}
	for end := 1; ; end++ {
		i := strings.IndexByte(t[end:], t[0])
		if i < 0 || strings.Contains(t[1:end+i], "\n") {
			return 0, "", st
		}
		end += i
		inner := t[1:end]
		closes := end+1 == len(t) || !isWord(t[end+1])
		if inner != "" && closes && (next.code || inner[0] != ' ' && inner[len(inner)-1] != ' ') {
			return end + 1, inner, next
		}
	}
}

func isWord(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
}

// token reads a reference, link, emoji or typed mention at the start of t.
func (p *typist) token(t string, boundary bool) (obj, string, int) {
	if m := angleRef.FindStringSubmatch(t); m != nil {
		if el, md := p.reference(m[1]); el != nil {
			return el, md, len(m[0])
		}
	}
	if m := bareURL.FindString(t); m != "" && boundary {
		return obj{"type": "link", "url": m}, "<" + escape(m) + ">", len(m)
	}
	if m := emojiShort.FindStringSubmatch(t); m != nil {
		el := obj{"type": "emoji", "name": m[1]}
		if u := emojiCode(m[1]); u != "" {
			el["unicode"] = u
		}
		return el, m[0], len(m[0])
	}
	if name, n := emojiAt(t); n > 0 {
		return obj{"type": "emoji", "name": name, "unicode": emojiCode(name)}, ":" + name + ":", n
	}
	if m := atName.FindStringSubmatch(t); m != nil && boundary {
		name := strings.TrimRight(m[1], ".-_")
		switch name {
		case "here", "channel", "everyone":
			return obj{"type": "broadcast", "range": name}, "<!" + name + ">", 1 + len(name)
		}
		for _, u := range p.s.st.users {
			if strings.EqualFold(u.Name, name) || strings.EqualFold(u.DisplayName, name) {
				return obj{"type": "user", "user_id": u.ID}, "<@" + u.ID + ">", 1 + len(name)
			}
		}
	}
	if m := hashName.FindStringSubmatch(t); m != nil && boundary {
		for _, c := range p.s.st.channels {
			if c.Name == m[1] && !c.IsIM {
				return obj{"type": "channel", "channel_id": c.ID}, "<#" + c.ID + "|" + c.Name + ">", len(m[0])
			}
		}
	}
	return nil, "", 0
}

func (p *typist) reference(ref string) (obj, string) {
	target, label, _ := strings.Cut(ref, "|")
	switch {
	case strings.HasPrefix(target, "@") && p.s.st.userByID[target[1:]] != nil:
		return obj{"type": "user", "user_id": target[1:]}, "<" + target + ">"
	case strings.HasPrefix(target, "#") && p.s.st.byID[target[1:]] != nil:
		return obj{"type": "channel", "channel_id": target[1:]}, "<" + target + "|" + p.s.st.byID[target[1:]].Name + ">"
	case target == "!here" || target == "!channel" || target == "!everyone":
		return obj{"type": "broadcast", "range": target[1:]}, "<" + target + ">"
	case strings.HasPrefix(target, "http://") || strings.HasPrefix(target, "https://") || strings.HasPrefix(target, "mailto:"):
		el, md := obj{"type": "link", "url": target}, "<"+escape(target)+">"
		if label != "" {
			el["text"], md = label, "<"+escape(target)+"|"+escape(label)+">"
		}
		return el, md
	}
	return nil, ""
}

func escape(t string) string {
	return controls.Replace(t)
}

var controls = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

var (
	knownEntity = regexp.MustCompile(`^&(amp|lt|gt);`)
	knownAngle  = regexp.MustCompile(`^<(?:@[UW][A-Z0-9]+|#[CGD][A-Z0-9]+|!(?:here|channel|everyone|subteam\^[A-Z0-9]+|date\^[^<>]+)|(?:https?|mailto|tel):[^<>\s|]+)(?:\|[^<>]*)?>`)
)

// normaliseText does to an app's text what Slack does: stray & < > are escaped, bare links are bracketed, and
// emoji characters become their names.
func normaliseText(t string) string {
	var b strings.Builder
	boundary := true
	for len(t) > 0 {
		if m := knownAngle.FindString(t); m != "" {
			b.WriteString(m)
			t, boundary = t[len(m):], false
			continue
		}
		if m := knownEntity.FindString(t); m != "" {
			b.WriteString(m)
			t, boundary = t[len(m):], false
			continue
		}
		if m := bareURL.FindString(t); m != "" && boundary {
			b.WriteString("<" + strings.ReplaceAll(strings.ReplaceAll(m, "&amp;", "&"), "&", "&amp;") + ">")
			t, boundary = t[len(m):], false
			continue
		}
		if name, n := emojiAt(t); n > 0 {
			b.WriteString(":" + name + ":")
			t, boundary = t[n:], false
			continue
		}
		r, n := utf8.DecodeRuneInString(t)
		b.WriteString(escape(t[:n]))
		boundary = strings.ContainsRune(" \n\t([{\"'*_~", r)
		t = t[n:]
	}
	return b.String()
}
