package app

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/kelseyhightower/envconfig"

	"github.com/atelier-bridge/atelier/adapters/slack"
	"github.com/atelier-bridge/atelier/core"
)

// SlackTeam is the Slack app of one further team.
type SlackTeam struct {
	Name                              string
	BotToken, AppToken, SigningSecret core.Secret
}

// rawTeam is what the environment says of one further team, in ATELIER_SLACK_NAME_BOT_TOKEN and so on.
type rawTeam struct {
	BotToken      string `split_words:"true"`
	AppToken      string `split_words:"true"`
	SigningSecret string `split_words:"true"`
}

var (
	teamName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,19}$`)
	// teamVariable finds what is set for a team that nobody named.
	teamVariable = regexp.MustCompile(`^ATELIER_SLACK_([A-Z][A-Z0-9_]*)_(?:BOT_TOKEN|APP_TOKEN|SIGNING_SECRET)=`)
)

// teamVariables reads the variables of the teams that ATELIER_SLACK_TEAMS names.
func teamVariables(list string) (map[string]rawTeam, error) {
	out := map[string]rawTeam{}
	var errs []error
	for _, name := range strings.FieldsFunc(list, separator) {
		if name = strings.ToLower(name); !teamName.MatchString(name) {
			continue // named by check
		}
		var t rawTeam
		errs = append(errs, envconfig.Process(prefix+"_SLACK_"+strings.TrimSuffix(slack.Infix(name), "_"), &t))
		out[name] = t
	}
	return out, errors.Join(errs...)
}

// checkSlack reads everything about Slack.
func (r raw) checkSlack(c *Config, bad *faults, environ []string) {
	c.Slack = SlackConfig{BotToken: core.NewSecret(r.SlackBotToken), AppToken: core.NewSecret(r.SlackAppToken), SigningSecret: core.NewSecret(r.SlackSigningSecret),
		APIURL: withSlash(r.SlackApiUrl), SlowHistory: r.SlackHistory == "slow",
		ClientID: r.SlackClientId, ClientSecret: core.NewSecret(r.SlackClientSecret)}
	if r.SlackHistory != "normal" && r.SlackHistory != "slow" {
		bad.add("ATELIER_SLACK_HISTORY=%q: use normal or slow", r.SlackHistory)
	}
	checkURL(bad, "ATELIER_SLACK_API_URL", c.Slack.APIURL, false, "http", "https")
	installable := r.SlackClientId != "" || r.SlackClientSecret != ""
	if installable {
		r.checkInstallable(c, bad)
	}
	if !installable && c.Slack.Enabled() && r.SlackAppToken == "" && r.SlackSigningSecret == "" {
		bad.add("Slack needs ATELIER_SLACK_APP_TOKEN (Socket Mode) or ATELIER_SLACK_SIGNING_SECRET (HTTP) beside the bot token")
	}
	if !installable && !c.Slack.Enabled() && (r.SlackAppToken != "" || r.SlackSigningSecret != "") {
		bad.add("ATELIER_SLACK_BOT_TOKEN is missing")
	}
	r.checkTeams(c, bad, environ)
}

// checkInstallable looks at what an app needs that teams install by themselves.
func (r raw) checkInstallable(c *Config, bad *faults) {
	const why = ": teams install the app of ATELIER_SLACK_CLIENT_ID by themselves"
	for name, value := range map[string]string{"ATELIER_SLACK_CLIENT_ID": r.SlackClientId, "ATELIER_SLACK_CLIENT_SECRET": r.SlackClientSecret,
		"ATELIER_SLACK_SIGNING_SECRET": r.SlackSigningSecret, "ATELIER_PUBLIC_URL": c.PublicURL} {
		if value == "" {
			bad.add("%s is missing%s", name, why)
		}
	}
	if r.SlackBotToken != "" {
		bad.add("ATELIER_SLACK_BOT_TOKEN is set, but its app gets its tokens by itself%s; an app of one team goes into ATELIER_SLACK_TEAMS", why)
	}
}

func (r raw) checkTeams(c *Config, bad *faults, environ []string) {
	// Two apps with one secret would be one app: what is verified by it must belong to one of them only.
	used := map[string]string{}
	once := func(variable, value string) {
		if value == "" {
			return
		}
		if other := used[value]; other != "" {
			bad.add("%s is the same as %s: each team has a Slack app of its own", variable, other)
		}
		used[value] = variable
	}
	once("ATELIER_SLACK_BOT_TOKEN", r.SlackBotToken)
	once("ATELIER_SLACK_APP_TOKEN", r.SlackAppToken)
	once("ATELIER_SLACK_SIGNING_SECRET", r.SlackSigningSecret)
	var names []string
	for _, name := range strings.FieldsFunc(r.SlackTeams, separator) {
		name = strings.ToLower(name)
		switch {
		case !teamName.MatchString(name):
			bad.add("ATELIER_SLACK_TEAMS: %q is no name: write at most 20 letters, digits and underscores, beginning with a letter", name)
			continue
		case slices.Contains(names, name):
			bad.add("ATELIER_SLACK_TEAMS names %s twice", name)
			continue
		}
		names = append(names, name)
		t, v := r.teams[name], prefix+"_SLACK_"+slack.Infix(name)
		if t.BotToken == "" {
			bad.add("%sBOT_TOKEN is missing: ATELIER_SLACK_TEAMS names the team %s", v, name)
		}
		if t.AppToken == "" && t.SigningSecret == "" {
			bad.add("%sAPP_TOKEN (Socket Mode) or %sSIGNING_SECRET (HTTP) is missing: ATELIER_SLACK_TEAMS names the team %s", v, v, name)
		}
		once(v+"BOT_TOKEN", t.BotToken)
		once(v+"APP_TOKEN", t.AppToken)
		once(v+"SIGNING_SECRET", t.SigningSecret)
		c.Slack.More = append(c.Slack.More, SlackTeam{name, core.NewSecret(t.BotToken), core.NewSecret(t.AppToken), core.NewSecret(t.SigningSecret)})
	}
	if len(names) > 0 && r.SlackBotToken == "" && !c.Slack.Installable() {
		bad.add("ATELIER_SLACK_BOT_TOKEN is missing: it is the first team's, and ATELIER_SLACK_TEAMS names further ones")
	}
	for _, e := range environ {
		m := teamVariable.FindStringSubmatch(e)
		if m == nil || slices.Contains(names, strings.ToLower(m[1])) {
			continue
		}
		variable, value, _ := strings.Cut(e, "=")
		if value != "" {
			bad.add("%s is set, but ATELIER_SLACK_TEAMS does not name the team %s", variable, strings.ToLower(m[1]))
		}
	}
}

// options are the adapter's options that come from the configuration.
func (c SlackConfig) options() slack.Options {
	o := slack.Options{BotToken: c.BotToken, AppToken: c.AppToken, SigningSecret: c.SigningSecret, APIURL: c.APIURL, SlowHistory: c.SlowHistory}
	for _, t := range c.More {
		o.More = append(o.More, slack.App{Name: t.Name, BotToken: t.BotToken, AppToken: t.AppToken, SigningSecret: t.SigningSecret})
	}
	return o
}

// Sockets reports whether any team's app uses Socket Mode.
func (c SlackConfig) Sockets() bool {
	return !c.AppToken.IsZero() || slices.ContainsFunc(c.More, func(t SlackTeam) bool { return !t.AppToken.IsZero() })
}
