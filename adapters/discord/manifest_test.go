package discord

import (
	"net/url"
	"strconv"
	"strings"
	"testing"
)

func TestManifest(t *testing.T) {
	m, err := NewManifest("1100000000000000010")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(m.Invite)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	asked, err := strconv.ParseUint(q.Get("permissions"), 10, 64)
	if err != nil || u.Host != "discord.com" || q.Get("client_id") != "1100000000000000010" || q.Get("scope") != strings.Join(m.Scopes, " ") {
		t.Fatal(m.Invite, err)
	}
	for _, n := range needed {
		if asked&n.bit == 0 {
			t.Error("not asked for: " + n.name)
		}
	}
	if asked&permAdmin != 0 || len(m.Grants) != len(needed) {
		t.Error("more than what is needed", m.Grants)
	}
	for _, bad := range []string{"", "x", "1&permissions=8"} {
		if _, err := NewManifest(bad); err == nil {
			t.Error(bad)
		}
	}
}
