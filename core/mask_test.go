package core

import (
	"strings"
	"testing"
)

func TestMaskLinkedKeys(t *testing.T) {
	const uuid = "0b3f7a52-64e1-4c2e-9b1f-3d1c5a7e9f00"
	for _, c := range []struct{ in, out string }{
		{"nothing here", "nothing here"},
		{"use sk-proj-abcdefghijklmnopqrstuvwxyz please", "use [key-removed] please"},
		{"account link bfl " + uuid, "account link bfl [key-removed]"},
		{"<@U1> Account Link bfl --key " + uuid + " thanks", "<@U1> Account Link bfl --key [key-removed] thanks"},
		{"account link bfl --key=" + uuid, "account link bfl --key=[key-removed]"},
		{"account link openai sk-proj-abcdefghijklmnopqrstuvwxyz", "account link openai [key-removed]"},
		{"compte lier bfl " + uuid, "compte lier bfl [key-removed]"},
		{"account link midjourney standard", "account link midjourney standard"},
		{"imagine a lighthouse " + uuid, "imagine a lighthouse " + uuid},
	} {
		got, found := MaskCredentials(c.in)
		if got != c.out || found != (c.in != c.out) {
			t.Errorf("%q: got %q, %v", c.in, got, found)
		}
		if again, _ := MaskCredentials(got); again != got {
			t.Errorf("%q is masked twice: %q", got, again)
		}
	}
	if got := MaskOption("account link", uuid); strings.Contains(got, uuid) {
		t.Errorf("option: %q", got)
	}
	if got := MaskOption("imagine", uuid); got != uuid {
		t.Errorf("option of another command: %q", got)
	}
}
