package app

import (
	"testing"

	"github.com/atelier-bridge/atelier/adapters/vault"
	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback"
)

// TestKeysOfInstallsAreRotated seals a team's tokens anew: afterwards the old key is not needed for them.
func TestKeysOfInstallsAreRotated(t *testing.T) {
	ctx := t.Context()
	s, err := feedback.Open(ctx, feedback.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	older, newer := vault.NewKeyURL(), vault.NewKeyURL()
	open := func(keys ...string) *vault.Vault {
		v, err := vault.Open(ctx, keys, s.DB.Workspace, s.People)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = v.Close() })
		return v
	}
	label := core.InstallLabel(core.Slack, "T1", core.InstallToken)
	sealed, err := open(older).Seal(ctx, label, core.NewSecret("token"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.People.ChangeInstall(ctx, core.Slack, "T1", func(i *core.Install) error { i.Token, i.Refresh = sealed, &sealed; return nil }); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{1, 0} {
		if all, n, err := rewrapInstalls(ctx, open(newer, older), s.People); all != 1 || n != want || err != nil {
			t.Fatal(all, n, err)
		}
	}
	list, _, err := s.People.Installs(ctx, core.Slack)
	if err != nil {
		t.Fatal(err)
	}
	if token, err := open(newer).Unseal(ctx, label, list[0].Token); err != nil || token.Reveal() != "token" {
		t.Fatal(err)
	}
	if _, err := open(newer).Unseal(ctx, core.InstallLabel(core.Slack, "T2", core.InstallToken), list[0].Token); err == nil {
		t.Error("one team's token opens as another's")
	}
}
