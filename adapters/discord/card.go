package discord

import (
	"net/url"
	"strings"

	"github.com/atelier-bridge/atelier/core"
)

// Discord's limits for embeds and components. https://docs.discord.com/developers/resources/message
const (
	maxContent     = 2000
	maxEmbedTitle  = 256
	maxEmbedText   = 4096
	maxEmbedFields = 25
	maxFieldName   = 256
	maxFieldValue  = 1024
	maxFooter      = 2048
	maxEmbedTotal  = 6000
	maxEmbeds      = 10
	maxRows        = 5
	maxRowButtons  = 5
	maxLabel       = 80
	maxButtonURL   = 512
	maxHeadline    = 200
)

type embed struct {
	Title       string       `json:"title,omitempty"`
	Description string       `json:"description,omitempty"`
	Color       int          `json:"color,omitempty"`
	Fields      []embedField `json:"fields,omitempty"`
	Image       *embedImage  `json:"image,omitempty"`
	Footer      *embedFooter `json:"footer,omitempty"`
}

type embedField struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Inline bool   `json:"inline,omitempty"`
}

type embedImage struct {
	URL string `json:"url"`
}

type embedFooter struct {
	Text string `json:"text"`
}

type actionRow struct {
	Type       int      `json:"type"`
	Components []button `json:"components"`
}

type button struct {
	Type     int    `json:"type"`
	Style    int    `json:"style"`
	Label    string `json:"label"`
	CustomID string `json:"custom_id,omitempty"`
	URL      string `json:"url,omitempty"`
	Disabled bool   `json:"disabled,omitempty"`
}

// shownCard is a card in Discord's form.
type shownCard struct {
	Content    string      `json:"content"`
	Embeds     []embed     `json:"embeds"`
	Components []actionRow `json:"components"`
	mentions   []string
}

// renderCard is a pure function of the card; emojis of the server are looked up in custom, which may be nil. A card of
// nothing but text is plain content, which may be longer than one message.
func renderCard(c core.Card, custom func(name string) string) shownCard {
	p := newPrinter(custom)
	out := shownCard{Embeds: []embed{}, Components: renderButtons(c.Buttons)}
	body := p.print(c.Body)
	if c.Title == "" && len(c.Fields) == 0 && len(c.Images) == 0 && c.Footer == "" {
		out.Content, out.mentions = body, p.mentions()
		return out
	}
	e := embed{Title: clip(c.Title, maxEmbedTitle), Color: colour(c.Tone)}
	left := maxEmbedTotal - units(e.Title)
	e.Description = clip(body, min(maxEmbedText, left))
	left -= units(e.Description)
	for _, f := range c.Fields {
		name, value := clip(f.Label, maxFieldName), clip(p.print(f.Value), maxFieldValue)
		if len(e.Fields) == maxEmbedFields || left < units(name)+units(value) {
			break
		}
		if name == "" || strings.TrimSpace(value) == "" {
			continue
		}
		left -= units(name) + units(value)
		e.Fields = append(e.Fields, embedField{Name: name, Value: value, Inline: true})
	}
	if footer := clip(c.Footer, min(maxFooter, left)); footer != "" {
		e.Footer = &embedFooter{Text: footer}
	}
	out.Embeds = append(out.Embeds, e)
	for i, name := range imageLinks(c.Images) {
		if i == 0 {
			out.Embeds[0].Image = &embedImage{URL: name}
		} else if len(out.Embeds) < maxEmbeds {
			out.Embeds = append(out.Embeds, embed{Image: &embedImage{URL: name}})
		}
	}
	out.Content, out.mentions = headline(c), p.mentions()
	return out
}

// headline is what notifications and plain clients show of a card: its title, and its version where the title has none.
func headline(c core.Card) string {
	text := c.Title
	for _, f := range c.Fields {
		value := strings.TrimSpace(f.Value.String())
		first, _, _ := strings.Cut(value, " ")
		if f.Label == "Version" && first != "" && !strings.Contains(" "+c.Title+" ", " "+first+" ") {
			text = strings.TrimPrefix(text+" · "+value, " · ")
		}
	}
	if text == "" {
		text = firstLine(c)
	}
	return escape(clip(text, maxHeadline), true)
}

// firstLine is a card in one short line.
func firstLine(c core.Card) string {
	if c.Title != "" {
		return clip(c.Title, maxHeadline)
	}
	line, _, _ := strings.Cut(strings.TrimSpace(c.Body.String()), "\n")
	return clip(line, maxHeadline)
}

// imageLinks names the pictures as embeds refer to them: uploaded ones by file name.
func imageLinks(images []core.Image) []string {
	files := make([]outFile, 0, len(images))
	for _, im := range images {
		if im.Blob != "" {
			files = append(files, outFile{name: cleanFileName(im.Name)})
		}
	}
	unique(files)
	var out []string
	for _, im := range images {
		switch {
		case im.Blob != "":
			out = append(out, "attachment://"+files[0].name)
			files = files[1:]
		case publicURL(im.URL):
			out = append(out, im.URL)
		}
	}
	return out
}

func colour(t core.Tone) int {
	switch t {
	case core.ToneBusy:
		return 0x5865f2
	case core.ToneGood:
		return 0x3ba55d
	case core.ToneWarn:
		return 0xf0b132
	case core.ToneBad:
		return 0xed4245
	}
	return 0
}

// renderButtons keeps to five rows of five; rows that are too long go on in the next one. Discord refuses a message in
// which two buttons have the same custom id, so the second one is left out.
func renderButtons(rows [][]core.Button) []actionRow {
	out := []actionRow{}
	seen := map[string]bool{}
	for _, row := range rows {
		var line []button
		for _, b := range row {
			w, ok := renderButton(b)
			if !ok || w.CustomID != "" && seen[w.CustomID] {
				continue
			}
			seen[w.CustomID] = true
			if len(line) == maxRowButtons {
				out = append(out, actionRow{Type: 1, Components: line})
				line = nil
			}
			line = append(line, w)
		}
		if len(line) > 0 {
			out = append(out, actionRow{Type: 1, Components: line})
		}
	}
	return out[:min(len(out), maxRows)]
}

func renderButton(b core.Button) (button, bool) {
	w := button{Type: 2, Style: 2, Label: clip(b.Label, maxLabel), Disabled: b.Disabled}
	if b.URL != "" {
		u, err := url.Parse(b.URL)
		ok := err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && len(b.URL) <= maxButtonURL
		w.Style, w.URL = 5, b.URL
		return w, ok && w.Label != ""
	}
	switch b.Style {
	case core.StylePrimary:
		w.Style = 1
	case core.StyleDanger:
		w.Style = 4
	}
	w.CustomID = b.Action.Encode()
	return w, w.Label != "" && !b.Action.IsZero()
}
