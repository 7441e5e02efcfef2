package app

import (
	"github.com/google/go-cmp/cmp"
	"strings"
	"testing"

	"github.com/atelier-bridge/atelier/adapters/vault"
)

func TestSlackTeamsOfTheEnvironment(t *testing.T) {
	for k, v := range map[string]string{
		"ATELIER_SLACK_BOT_TOKEN": "one", "ATELIER_SLACK_APP_TOKEN": "two",
		"ATELIER_SLACK_TEAMS":          "beta, gamma Beta 9lives",
		"ATELIER_SLACK_BETA_BOT_TOKEN": "one", "ATELIER_SLACK_BETA_SIGNING_SECRET": "three",
		"ATELIER_SLACK_DELTA_APP_TOKEN": "four",
	} {
		t.Setenv(k, v)
	}
	_, err := LoadConfig()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"ATELIER_SLACK_GAMMA_BOT_TOKEN is missing", "ATELIER_SLACK_GAMMA_APP_TOKEN (Socket Mode) or ATELIER_SLACK_GAMMA_SIGNING_SECRET (HTTP) is missing",
		"names beta twice", `"9lives" is no name`, "ATELIER_SLACK_BETA_BOT_TOKEN is the same as ATELIER_SLACK_BOT_TOKEN",
		"ATELIER_SLACK_DELTA_APP_TOKEN is set, but ATELIER_SLACK_TEAMS does not name the team delta", "ATELIER_KEYS is missing",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("not named: %s\n%v", want, err)
		}
	}
	for _, secret := range []string{"three", "four"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error shows %q", secret)
		}
	}
}

func TestSlackTeamsInOrder(t *testing.T) {
	for k, v := range map[string]string{
		"ATELIER_REDIS_URL": "redis://127.0.0.1:6379", "ATELIER_KEYS": vault.NewKeyURL(),
		"ATELIER_SLACK_BOT_TOKEN": "one", "ATELIER_SLACK_APP_TOKEN": "two",
		"ATELIER_SLACK_TEAMS":          "beta,gamma_2",
		"ATELIER_SLACK_BETA_BOT_TOKEN": "three", "ATELIER_SLACK_BETA_SIGNING_SECRET": "four",
		"ATELIER_SLACK_GAMMA_2_BOT_TOKEN": "five", "ATELIER_SLACK_GAMMA_2_APP_TOKEN": "six",
	} {
		t.Setenv(k, v)
	}
	c, err := LoadConfig()
	if err != nil {
		t.Fatal(err)
	}
	o := c.Slack.options()
	if len(o.More) != 2 || o.More[0].Name != "beta" || o.More[0].SigningSecret.Reveal() != "four" || o.More[1].AppToken.Reveal() != "six" || !c.Slack.Sockets() {
		t.Errorf("%+v", o.More)
	}
}

func TestInstallableSlackApp(t *testing.T) {
	t.Setenv("ATELIER_SLACK_CLIENT_ID", "1.2")
	t.Setenv("ATELIER_SLACK_BOT_TOKEN", "one")
	_, err := LoadConfig()
	for _, want := range []string{"ATELIER_SLACK_CLIENT_SECRET is missing", "ATELIER_SLACK_SIGNING_SECRET is missing", "ATELIER_PUBLIC_URL is missing", "ATELIER_SLACK_BOT_TOKEN is set"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("not named: %s\n%v", want, err)
		}
	}
	for k, v := range map[string]string{"ATELIER_REDIS_URL": "redis://127.0.0.1:6379", "ATELIER_KEYS": vault.NewKeyURL(), "ATELIER_SLACK_BOT_TOKEN": "", "ATELIER_SLACK_CLIENT_SECRET": "two",
		"ATELIER_SLACK_SIGNING_SECRET": "three", "ATELIER_PUBLIC_URL": "https://atelier.example"} {
		t.Setenv(k, v)
	}
	if c, err := LoadConfig(); err != nil || !c.Slack.Enabled() || !c.Slack.Installable() {
		t.Error(err)
	}
}

func TestUnreadVariables(t *testing.T) {
	got := unread([]string{"ATELIER_REDIS_URL=redis://a", "ATELIER_REDIS_URI=redis://a", "ATELIER_SLACK_BOT_TOEKN=xoxb-1", "ATELIER_SERVICE_HOST=10.0.0.1",
		"ATELIER_PORT_8080_TCP=tcp://10.0.0.1", "ATELIER_SLACK_BETA_APP_TOKEN=xapp-1", "ATELIER_COFFEE=yes", "ATELIER_TEA=", "HOME=/"})
	want := []string{"ATELIER_COFFEE is not read by anything", "ATELIER_REDIS_URI is not read by anything: is ATELIER_REDIS_URL meant?",
		"ATELIER_SLACK_BOT_TOEKN is not read by anything: is ATELIER_SLACK_BOT_TOKEN meant?"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
