package core

import (
	"strings"
)

// Card is a platform-neutral message body, private answer or modal. Renderers in the adapters are pure functions of it.
type Card struct {
	Title   string     `json:"title,omitempty"` // one line, plain
	Body    RichText   `json:"body,omitempty"`
	Fields  []Field    `json:"fields,omitempty"`  // short facts beside each other
	Images  []Image    `json:"images,omitempty"`  // shown large, in order
	Buttons [][]Button `json:"buttons,omitempty"` // rows of at most five
	Inputs  []Input    `json:"inputs,omitempty"`  // only in modals
	Submit  string     `json:"submit,omitempty"`  // label of a modal's send button
	Action  Action     `json:"action,omitzero"`   // what a modal's submission invokes
	Footer  string     `json:"footer,omitempty"`  // one muted line
	Tone    Tone       `json:"tone,omitempty"`
	Private bool       `json:"private,omitempty"` // for who asked alone: a link, a code, accounts, figures of their own
	Verb    string     `json:"verb,omitempty"`    // of a private answer: the verb that asked for it
	Chart   *Chart     `json:"chart,omitempty"`   // drawn when it is sent, shown as the last image
	Compare *Compare   `json:"compare,omitempty"` // likewise
	Mosaic  *Mosaic    `json:"mosaic,omitempty"`  // likewise
	Locale  Locale     `json:"locale,omitempty"`  // of a modal: its reader's language, for what the platform adds
	Choices []Choice   `json:"choices,omitempty"` // only as the answer to an autocomplete query, at most 25
}

// Chart is figures to be drawn as stacked bars.
type Chart struct {
	Title  string   `json:"title"`
	Labels []string `json:"labels"` // one per bar
	Series []Series `json:"series"`
	Alt    string   `json:"alt"` // the same in words
}

// Series is one colour of a chart.
type Series struct {
	Name   string    `json:"name"`
	Values []float64 `json:"values"` // as many as there are labels
}

// Tone colours a card where the platform can: Discord's embed colour, Slack's leading mark.
type Tone string

// Tones.
const (
	ToneNeutral Tone = ""
	ToneBusy    Tone = "busy"
	ToneGood    Tone = "good"
	ToneWarn    Tone = "warn"
	ToneBad     Tone = "bad"
)

// Field is a short fact with a label.
type Field struct {
	Label string   `json:"label"`
	Value RichText `json:"value"`
}

// Image is a picture on a card. Blob is what Atelier holds; URL is only for pictures that are public anyway.
type Image struct {
	Blob   BlobKey `json:"blob,omitempty"`
	URL    string  `json:"url,omitempty"`
	Name   string  `json:"name"` // file name with extension
	Alt    string  `json:"alt"`  // never empty: what the picture shows, for people who cannot see it
	MIME   string  `json:"mime"`
	Width  int     `json:"width,omitempty"`
	Height int     `json:"height,omitempty"`
}

// ButtonStyle is how a button looks.
type ButtonStyle string

// Button styles; a platform without one falls back to the plain look.
const (
	StylePlain   ButtonStyle = ""
	StylePrimary ButtonStyle = "primary"
	StyleDanger  ButtonStyle = "danger"
)

// Button is pressed by people. Either Action or URL is set.
type Button struct {
	Label    string      `json:"label"` // at most 34 characters so that it fits everywhere
	Style    ButtonStyle `json:"style,omitempty"`
	Action   Action      `json:"action,omitzero"`
	URL      string      `json:"url,omitempty"`
	Disabled bool        `json:"disabled,omitempty"`
}

// InputKind says what a modal's input takes.
type InputKind string

// Input kinds.
const (
	InputLine   InputKind = "line"
	InputText   InputKind = "text" // several lines
	InputSelect InputKind = "select"
	InputSecret InputKind = "secret" // one line that is sealed before it is stored; platforms show it while it is typed
)

// Input is one field of a modal. A modal has at most five and is valid as it stands: Value is the default.
type Input struct {
	ID          string    `json:"id"` // the option's name in the command table
	Label       string    `json:"label"`
	Hint        string    `json:"hint,omitempty"`
	Kind        InputKind `json:"kind"`
	Value       string    `json:"value,omitempty"`
	Placeholder string    `json:"placeholder,omitempty"`
	Required    bool      `json:"required,omitempty"`
	Max         int       `json:"max,omitempty"` // characters; 0 means the platform's own limit
	Choices     []Choice  `json:"choices,omitempty"`
}

// Choice is one entry of a select or of an autocomplete answer.
type Choice struct {
	Label string `json:"label"`
	Value string `json:"value"`
}

// Action is what a button or modal invokes: a verb of the command table, on a task, with a reference and an argument.
// It travels through the platforms as text; see Encode.
type Action struct {
	Verb  string   `json:"verb,omitempty"`
	Task  TaskID   `json:"task,omitempty"`
	Ref   ImageRef `json:"ref,omitzero"`
	Arg   string   `json:"arg,omitempty"`   // at most 40 characters, no colon needed to be escaped
	Modal bool     `json:"modal,omitempty"` // pressing it opens a modal (Receiver.Answer) and does nothing else
}

// IsZero reports whether the action invokes nothing.
func (a Action) IsZero() bool { return a.Verb == "" }

const (
	actionFormat = "a1"
	// MaxActionLength is Discord's limit for a custom_id, the smaller one of the two platforms.
	// https://docs.discord.com/developers/components/reference
	MaxActionLength = 100
)

// Encode returns the text form, "a1:d:vary:ACME-1:v2.3:subtle", used as Discord custom_id and Slack action_id. The
// format number comes first so that old messages keep working when the form changes.
func (a Action) Encode() string {
	mode, ref := "d", ""
	if a.Modal {
		mode = "m"
	}
	if a.Ref.Version > 0 {
		ref = a.Ref.String()
	}
	s := strings.Join([]string{actionFormat, mode, a.Verb, string(a.Task), ref, a.Arg}, ":")
	if len(s) > MaxActionLength {
		s = s[:MaxActionLength]
	}
	return s
}

// ParseAction reads what Encode wrote. Anything else, a newer format included, is an error that the person may read.
func ParseAction(s string) (Action, error) {
	p := strings.SplitN(s, ":", 6)
	if len(p) != 6 || p[0] != actionFormat || p[2] == "" {
		return Action{}, Errorf(CodeInvalid, "This button is from another version of Atelier.").WithNext("Use the buttons on the newest card.")
	}
	a := Action{Verb: p[2], Task: TaskID(p[3]), Arg: p[5], Modal: p[1] == "m"}
	if p[4] != "" {
		ref, ok := ParseImageRef(p[4])
		if !ok {
			return Action{}, Errorf(CodeInvalid, "This button is damaged.").WithNext("Use the buttons on the newest card.")
		}
		a.Ref = ref
	}
	return a, nil
}
