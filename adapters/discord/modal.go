package discord

import (
	"encoding/json"

	"github.com/atelier-bridge/atelier/core"
)

// Limits of modals. https://docs.discord.com/developers/components/reference
const (
	maxModalTitle  = 45
	maxInputs      = 5
	maxInputText   = 4000
	maxInputLabel  = 45
	maxInputHint   = 100
	maxPlaceholder = 100
	maxChoices     = 25

	compSelect = 3
	compInput  = 4
	compLabel  = 18
)

type label struct {
	Type        int    `json:"type"`
	Label       string `json:"label"`
	Description string `json:"description,omitempty"`
	Component   any    `json:"component"`
}

type textInput struct {
	Type        int    `json:"type"`
	CustomID    string `json:"custom_id"`
	Style       int    `json:"style"`
	Required    bool   `json:"required"` // Discord's default is true: it has to be said
	Value       string `json:"value,omitempty"`
	Placeholder string `json:"placeholder,omitempty"`
	MaxLength   int    `json:"max_length,omitempty"`
}

type selectInput struct {
	Type        int            `json:"type"`
	CustomID    string         `json:"custom_id"`
	Required    bool           `json:"required"`
	Placeholder string         `json:"placeholder,omitempty"`
	Options     []selectOption `json:"options"`
}

type selectOption struct {
	Label   string `json:"label"`
	Value   string `json:"value"`
	Default bool   `json:"default,omitempty"`
}

// renderModal is a pure function of the card.
func renderModal(c core.Card) replyData {
	out := replyData{CustomID: c.Action.Encode(), Title: clip(c.Title, maxModalTitle)}
	if out.Title == "" {
		out.Title = "Atelier"
	}
	rows := []label{}
	for _, in := range c.Inputs {
		if len(rows) == maxInputs {
			break
		}
		l := label{Type: compLabel, Label: clip(in.Label, maxInputLabel), Description: clip(in.Hint, maxInputHint)}
		if l.Label == "" {
			l.Label = clip(in.ID, maxInputLabel)
		}
		if in.Kind == core.InputSelect && len(in.Choices) > 0 {
			l.Component = renderSelect(in)
		} else {
			l.Component = renderInput(in)
		}
		rows = append(rows, l)
	}
	out.Components = rows
	return out
}

func renderInput(in core.Input) textInput {
	style := 1
	if in.Kind == core.InputText {
		style = 2
	}
	limit := maxInputText
	if in.Max > 0 && in.Max < limit {
		limit = in.Max
	}
	return textInput{Type: compInput, CustomID: clip(in.ID, core.MaxActionLength), Style: style, Required: in.Required, Value: clip(in.Value, limit),
		Placeholder: clip(in.Placeholder, maxPlaceholder), MaxLength: limit}
}

func renderSelect(in core.Input) selectInput {
	s := selectInput{Type: compSelect, CustomID: clip(in.ID, core.MaxActionLength), Required: in.Required, Placeholder: clip(in.Placeholder, maxPlaceholder)}
	for _, c := range in.Choices {
		if len(s.Options) == maxChoices {
			break
		}
		if c.Value == "" || c.Label == "" {
			continue
		}
		s.Options = append(s.Options, selectOption{Label: clip(c.Label, 100), Value: clip(c.Value, 100), Default: c.Value == in.Value})
	}
	return s
}

// formValues reads what was filled in, by custom id, from whatever nesting Discord uses.
func formValues(raw json.RawMessage) map[string]string {
	out := map[string]string{}
	var tree any
	if json.Unmarshal(raw, &tree) != nil {
		return out
	}
	var walk func(v any, depth int)
	walk = func(v any, depth int) {
		if depth > 6 {
			return
		}
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e, depth+1)
			}
		case map[string]any:
			if id, ok := v["custom_id"].(string); ok {
				if s, ok := v["value"].(string); ok {
					out[id] = s
				}
				if list, ok := v["values"].([]any); ok && len(list) > 0 {
					out[id], _ = list[0].(string)
				}
			}
			walk(v["components"], depth+1)
			walk(v["component"], depth+1)
		}
	}
	walk(tree, 0)
	return out
}
