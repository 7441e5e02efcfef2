package slack

import (
	"fmt"
	"strings"

	slackgo "github.com/slack-go/slack"

	"github.com/atelier-bridge/atelier/core"
)

// Limits of blocks; https://docs.slack.dev/reference/block-kit/blocks
const (
	maxHeader      = 150
	maxFieldText   = 2000
	maxFields      = 10
	maxContext     = 3000
	maxAlt         = 2000
	maxButtonText  = 75
	maxRowButtons  = 25
	maxBlocks      = 50
	maxFallback    = 3900
	maxCardImages  = 10
	fallbackSpoken = "Atelier"
)

// content is one message: its blocks, and the text that stands for them in notifications.
type content struct {
	text   string
	blocks []slackgo.Block
}

// renderCard is a pure function of the card. files names the uploaded pictures; seed makes the block ids, which should
// be new at each update.
func renderCard(card core.Card, team string, files map[core.BlobKey]string, seed string) content {
	var c content
	id := func() string { return fmt.Sprintf("%s-%d", seed, len(c.blocks)) }
	mark := toneMark(card.Tone)
	if card.Title != "" {
		c.blocks = append(c.blocks, slackgo.NewHeaderBlock(plainText(clip(mark+card.Title, maxHeader)), slackgo.HeaderBlockOptionBlockID(id())))
	}
	if el := richElements(card.Body, team); len(el) > 0 {
		if card.Title == "" && mark != "" {
			if s, ok := el[0].(*slackgo.RichTextSection); ok {
				s.Elements = append([]slackgo.RichTextSectionElement{slackgo.NewRichTextSectionTextElement(mark, nil)}, s.Elements...)
			}
		}
		c.blocks = append(c.blocks, slackgo.NewRichTextBlock(id(), el...))
	}
	for i := 0; i < len(card.Fields); i += maxFields {
		var fields []*slackgo.TextBlockObject
		for _, f := range card.Fields[i:min(i+maxFields, len(card.Fields))] {
			fields = append(fields, slackgo.NewTextBlockObject(slackgo.MarkdownType, "*"+escape(f.Label)+"*\n"+clip(mrkdwn(f.Value, team), maxFieldText-200), false, false))
		}
		c.blocks = append(c.blocks, slackgo.NewSectionBlock(nil, fields, nil, slackgo.SectionBlockOptionBlockID(id())))
	}
	for _, im := range card.Images[:min(len(card.Images), maxCardImages)] {
		alt := clip(firstOf(im.Alt, im.Name, "picture"), maxAlt)
		switch {
		case files[im.Blob] != "":
			c.blocks = append(c.blocks, slackgo.NewImageBlockSlackFile(&slackgo.SlackFileObject{ID: files[im.Blob]}, alt, id(), nil))
		case im.Blob == "" && strings.HasPrefix(im.URL, "https://"):
			c.blocks = append(c.blocks, slackgo.NewImageBlock(im.URL, alt, id(), nil))
		default:
			c.blocks = append(c.blocks, slackgo.NewContextBlock(id(), plainText(alt)))
		}
	}
	for _, row := range actionRows(card.Buttons) {
		c.blocks = append(c.blocks, slackgo.NewActionBlock(id(), row...))
	}
	if card.Footer != "" {
		c.blocks = append(c.blocks, slackgo.NewContextBlock(id(), plainText(clip(card.Footer, maxContext))))
	}
	c.blocks = c.blocks[:min(len(c.blocks), maxBlocks)]
	c.text = cardText(card, team)
	return c
}

// cardText says the title, the prompt and the version.
func cardText(card core.Card, team string) string {
	var lines []string
	if card.Title != "" {
		lines = append(lines, escape(toneMark(card.Tone)+card.Title))
	}
	if s := mrkdwn(card.Body, team); s != "" {
		lines = append(lines, s)
	}
	for _, f := range card.Fields {
		lines = append(lines, escape(f.Label)+": "+mrkdwn(f.Value, team))
	}
	text := strings.Join(lines, "\n")
	if r := []rune(text); len(r) > maxFallback {
		// An entity cut in half would show as it stands.
		text = string(r[:maxFallback])
		if i := strings.LastIndexByte(text, '&'); i > len(text)-6 {
			text = text[:i]
		}
		text += "…"
	}
	return firstOf(text, fallbackSpoken)
}

func toneMark(t core.Tone) string {
	switch t {
	case core.ToneBusy:
		return "⏳ "
	case core.ToneGood:
		return "✅ "
	case core.ToneWarn:
		return "⚠️ "
	case core.ToneBad:
		return "🛑 "
	}
	return ""
}

// actionRows prints rows of buttons. An action id may stand only once in a block, so a repeated one starts a new row.
func actionRows(rows [][]core.Button) [][]slackgo.BlockElement {
	var out [][]slackgo.BlockElement
	links := 0
	for _, row := range rows {
		var els []slackgo.BlockElement
		seen := map[string]bool{}
		for _, b := range row {
			if b.Disabled || b.Action.IsZero() && b.URL == "" {
				continue // Slack has no greyed buttons
			}
			actionID := b.Action.Encode()
			if b.URL != "" {
				links++
				actionID = fmt.Sprintf("%s%d", linkPrefix, links)
			}
			if seen[actionID] || len(els) == maxRowButtons {
				out, els, seen = append(out, els), nil, map[string]bool{}
			}
			seen[actionID] = true
			el := slackgo.NewButtonBlockElement(actionID, "", plainText(clip(firstOf(b.Label, b.Action.Verb, "Open"), maxButtonText)))
			el.URL = b.URL
			switch b.Style {
			case core.StylePrimary:
				el.Style = slackgo.StylePrimary
			case core.StyleDanger:
				el.Style = slackgo.StyleDanger
			}
			els = append(els, el)
		}
		if len(els) > 0 {
			out = append(out, els)
		}
	}
	return out
}

// renderText makes the messages of a comment or notice: its text in parts, its pictures below the last one.
func renderText(r core.RichText, team string, pictures []slackgo.Block, spoken, seed string) []content {
	var out []content
	for n, part := range split(r, team, maxText) {
		c := content{text: mrkdwn(part, team)}
		if el := richElements(part, team); len(el) > 0 {
			c.blocks = []slackgo.Block{slackgo.NewRichTextBlock(fmt.Sprintf("%s-%d", seed, n), el...)}
		}
		if len(c.blocks) > 0 {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		out = []content{{text: escape(firstOf(spoken, fallbackSpoken))}}
		if len(pictures) == 0 {
			out[0].blocks = []slackgo.Block{slackgo.NewRichTextBlock(seed+"-0", slackgo.NewRichTextSection(
				slackgo.NewRichTextSectionTextElement(firstOf(spoken, fallbackSpoken), &slackgo.RichTextSectionTextStyle{Italic: true})))}
		}
	}
	last := &out[len(out)-1]
	last.blocks = append(last.blocks, pictures...)
	return out
}
