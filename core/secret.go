package core

import (
	"encoding/json"
	"fmt"
	"log/slog"
)

// Secret is a string that prints as "<secret>" however it is printed: fmt, JSON, text and slog. Only Reveal gives the
// value, so that every use can be found.
type Secret struct{ value string }

// NewSecret wraps a value.
func NewSecret(v string) Secret { return Secret{value: v} }

// Reveal returns the value; for the one place that sends it.
func (s Secret) Reveal() string { return s.value }

// IsZero reports whether there is no value.
func (s Secret) IsZero() bool { return s.value == "" }

const masked = "<secret>"

func (s Secret) shown() string {
	if s.value == "" {
		return ""
	}
	return masked
}

// String returns "<secret>", or nothing when empty.
func (s Secret) String() string { return s.shown() }

// GoString is what %#v prints.
func (s Secret) GoString() string { return s.shown() }

// Format covers every verb, %x and %q among them.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.shown())) }

// LogValue is what slog prints.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.shown()) }

// MarshalText covers encoders that ask for text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.shown()), nil }

// MarshalJSON never writes the value: a secret is stored sealed or not at all.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.shown()) }
