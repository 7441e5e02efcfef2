package app

import (
	"testing"

	"github.com/atelier-bridge/atelier/adapters/discord"
)

// TestCommandsFitInAllLanguages: Discord counts the longest translation of each text against a command's 8,000 characters.
func TestCommandsFitInAllLanguages(t *testing.T) {
	tr := languages()
	if _, err := discord.Registration(table(tr), tr); err != nil {
		t.Error(err)
	}
}
