package core

// Style is how pictures look by default in a room, in a project or for a person; empty fields say nothing.
type Style struct {
	Provider ProviderName `json:"provider,omitempty"`
	Prefix   string       `json:"prefix,omitempty"` // before the words of a prompt
	Suffix   string       `json:"suffix,omitempty"` // behind them, with parameters
}

// IsZero reports whether the style says nothing.
func (s *Style) IsZero() bool { return s == nil || *s == Style{} }

// Limits of what a project keeps for its prompts.
const (
	MaxPresets    = 100
	MaxReferences = 100
	MaxStyle      = 500 // characters of a prefix, a suffix or a preset
)

// Reference is a picture that prompts name: "--ref logo".
type Reference struct {
	Name  string      `json:"name"` // in lower case
	Image StoredImage `json:"image"`
	By    string      `json:"by"`
	From  string      `json:"from,omitempty"` // "ACME-4 v2.3"
}
