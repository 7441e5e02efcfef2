package core

import "strings"

// NodeKind says what a rich text node is.
type NodeKind string

// The small set of kinds that both platforms can show. Inline kinds stand inside paragraphs, quotes and list items.
const (
	NodeText      NodeKind = "text"      // Text
	NodeBold      NodeKind = "bold"      // Children
	NodeItalic    NodeKind = "italic"    // Children
	NodeStrike    NodeKind = "strike"    // Children
	NodeUnderline NodeKind = "underline" // Children; Slack has none and shows them plain
	NodeSpoiler   NodeKind = "spoiler"   // Children; Slack has none and shows "(spoiler: ...)"
	NodeCode      NodeKind = "code"      // Text
	NodeLink      NodeKind = "link"      // URL, Children as label (empty: the URL itself)
	NodeMention   NodeKind = "mention"   // Identity and Name: a person
	NodeChannel   NodeKind = "channel"   // Text: "#name"; never links across platforms
	NodeEmoji     NodeKind = "emoji"     // Text: the Unicode form if there is one, Name: the short name without colons
	NodeBreak     NodeKind = "break"     // a line break inside a paragraph

	NodeParagraph NodeKind = "paragraph" // Children, inline
	NodeHeading   NodeKind = "heading"   // Children, inline
	NodeQuote     NodeKind = "quote"     // Children, inline with breaks
	NodePre       NodeKind = "pre"       // Text, Lang
	NodeList      NodeKind = "list"      // Children of kind NodeItem; Ordered
	NodeItem      NodeKind = "item"      // Children, inline; Indent says how deep, 0 first
)

// Node is one node of the rich text tree. Which fields count depends on Kind; see the constants.
type Node struct {
	Kind     NodeKind   `json:"k"`
	Text     string     `json:"t,omitempty"`
	URL      string     `json:"u,omitempty"`
	Name     string     `json:"n,omitempty"`
	Lang     string     `json:"l,omitempty"`
	Identity IdentityID `json:"i,omitempty"`
	Ordered  bool       `json:"o,omitempty"`
	Indent   int        `json:"d,omitempty"`
	Children []Node     `json:"c,omitempty"`
}

// RichText is a list of block nodes: paragraphs, headings, quotes, preformatted blocks and lists.
type RichText []Node

// Plain makes rich text of a plain string: one paragraph, with its line breaks.
func Plain(s string) RichText {
	if s == "" {
		return nil
	}
	return RichText{Para(TextNodes(s)...)}
}

// Para makes a paragraph.
func Para(children ...Node) Node { return Node{Kind: NodeParagraph, Children: children} }

// Text makes a text node.
func Text(s string) Node { return Node{Kind: NodeText, Text: s} }

// Bold makes bold text.
func Bold(s string) Node { return Node{Kind: NodeBold, Children: []Node{Text(s)}} }

// CodeNode makes inline code.
func CodeNode(s string) Node { return Node{Kind: NodeCode, Text: s} }

// Link makes a link with a label.
func Link(url, label string) Node {
	n := Node{Kind: NodeLink, URL: url}
	if label != "" {
		n.Children = []Node{Text(label)}
	}
	return n
}

// MentionNode makes a mention of an identity; name is shown where the identity is unknown.
func MentionNode(id IdentityID, name string) Node {
	return Node{Kind: NodeMention, Identity: id, Name: name}
}

// TextNodes makes inline nodes of a plain string, a NodeBreak per newline.
func TextNodes(s string) []Node {
	var out []Node
	for i, line := range strings.Split(s, "\n") {
		if i > 0 {
			out = append(out, Node{Kind: NodeBreak})
		}
		if line != "" {
			out = append(out, Text(line))
		}
	}
	return out
}

// String returns the text without formatting: what a search index or a notification shows.
func (r RichText) String() string {
	var b strings.Builder
	for i, n := range r {
		if i > 0 {
			b.WriteByte('\n')
		}
		n.plain(&b)
	}
	return b.String()
}

// IsEmpty reports whether nothing would show.
func (r RichText) IsEmpty() bool { return strings.TrimSpace(r.String()) == "" }

func (n Node) plain(b *strings.Builder) {
	switch n.Kind {
	case NodeText, NodeCode, NodePre, NodeChannel:
		b.WriteString(n.Text)
	case NodeBreak:
		b.WriteByte('\n')
	case NodeMention:
		b.WriteString("@" + n.Name)
	case NodeEmoji:
		if n.Text != "" {
			b.WriteString(n.Text)
		} else {
			b.WriteString(":" + n.Name + ":")
		}
	case NodeLink:
		if len(n.Children) == 0 {
			b.WriteString(n.URL)
		}
	}
	for i, c := range n.Children {
		if n.Kind == NodeList && i > 0 {
			b.WriteByte('\n')
		}
		c.plain(b)
	}
}

// Walk calls f for each node, parents first.
func (r RichText) Walk(f func(Node)) {
	for _, n := range r {
		f(n)
		RichText(n.Children).Walk(f)
	}
}

// Map returns a copy in which each node was replaced by f's result, children first.
func (r RichText) Map(f func(Node) Node) RichText {
	if r == nil {
		return nil
	}
	out := make(RichText, len(r))
	for i, n := range r {
		n.Children = RichText(n.Children).Map(f)
		out[i] = f(n)
	}
	return out
}
