package core

import (
	"regexp"
	"strings"
)

// credentialPattern matches the known shapes of keys and tokens that people paste by mistake: OpenAI and OpenRouter,
// Google, Slack, Discord bot tokens, Stability, Replicate, fal, Hugging Face, GitHub, AWS.
var credentialPattern = regexp.MustCompile(`\b(?:sk-[A-Za-z0-9_-]{20,}|AIza[A-Za-z0-9_-]{30,}|xox[abeprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}|` +
	`[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}|hf_[A-Za-z0-9]{30,}|r8_[A-Za-z0-9]{30,}|gh[pousr]_[A-Za-z0-9]{30,}|AKIA[A-Z0-9]{16}|key-[A-Za-z0-9]{32,})`)

// linkedKey matches whatever is typed behind "account link NAME", in any language, and is too long for the name of a plan: keys of some
// providers, such as Black Forest Labs, have no shape of their own.
var linkedKey = regexp.MustCompile(`(?i)(\b(?:account\s+link|compte\s+lier)\s+[a-z]+\s+(?:--?[a-z]+[ =]\s*)?)[^\s<>]{16,}`)

// MaskedCredential stands where a credential was. It is one word, so that a command in which it stands is still read as it was
// typed.
const MaskedCredential = "[key-removed]"

// MaskCredentials replaces what looks like a key or token; found tells whether there was one. Adapters call it before
// an inbound leaves them, so that no key reaches the journal, the other platform or a log.
func MaskCredentials(s string) (masked string, found bool) {
	masked = credentialPattern.ReplaceAllString(s, MaskedCredential)
	masked = linkedKey.ReplaceAllStringFunc(masked, func(m string) string {
		if strings.HasSuffix(m, MaskedCredential) {
			return m
		}
		return linkedKey.ReplaceAllString(m, "${1}"+MaskedCredential)
	})
	return masked, masked != s
}

// MaskOption is MaskCredentials for the value of one option of a command that was typed in pieces.
func MaskOption(verb, value string) string {
	before := "account link x "
	if verb != "account link" {
		before = ""
	}
	masked, _ := MaskCredentials(before + value)
	return strings.TrimPrefix(masked, before)
}

// MaskRichText is MaskCredentials for a tree.
func MaskRichText(r RichText) (RichText, bool) {
	any := false
	out := r.Map(func(n Node) Node {
		var f1, f2 bool
		n.Text, f1 = MaskCredentials(n.Text)
		n.URL, f2 = MaskCredentials(n.URL)
		any = any || f1 || f2
		return n
	})
	return out, any
}
