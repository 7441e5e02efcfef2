package slack

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"

	slackgo "github.com/slack-go/slack"

	"github.com/atelier-bridge/atelier/core"
)

// eventScopes says which scope each subscription needs: without it Slack sends nothing and says nothing.
func eventScopes() map[string]string {
	return map[string]string{"channels:history": "messages in public channels", "groups:history": "messages in private channels", "im:history": "direct messages",
		"reactions:read": "reactions", "app_mentions:read": "mentions", "channels:read": "joined and renamed channels", "groups:read": "renamed private channels"}
}

// Diagnose looks at tokens and scopes and says what is missing and how to mend it. It posts nothing.
func (a *Adapter) Diagnose(ctx context.Context) []core.Finding {
	var out []core.Finding
	add := func(ok, warn bool, what, fix string) {
		if ok {
			fix = ""
		}
		out = append(out, core.Finding{Area: "slack", OK: ok, Warn: warn && !ok, What: what, Fix: fix})
	}
	scopes, err := a.scopes(ctx)
	switch {
	case err != nil:
		add(false, core.ErrorCode(err) == core.CodeRetry, "the bot token was not accepted: "+short(err), "Copy the Bot User OAuth Token (xoxb-) of the installed app into ATELIER_SLACK_BOT_TOKEN.")
	default:
		id, _ := a.installs[0].identity()
		add(true, false, "the bot token works in team "+id.Team, "")
		var missing, deaf []string
		for _, s := range botScopes() {
			if !slices.Contains(scopes, s) {
				missing = append(missing, s)
				if what := eventScopes()[s]; what != "" {
					deaf = append(deaf, what)
				}
			}
		}
		add(len(missing) == 0, true, scopeLine(missing), "Reinstall the app from the current manifest (atelier manifest slack).")
		if len(deaf) > 0 {
			add(false, true, "Slack will not tell of: "+strings.Join(deaf, ", "), "Add the scopes above, and their event subscriptions, by reinstalling the app.")
		}
	}
	switch {
	case !a.o.AppToken.IsZero():
		api := slackgo.New("", slackgo.OptionAPIURL(a.o.APIURL), slackgo.OptionHTTPClient(a.http), slackgo.OptionAppLevelToken(a.o.AppToken.Reveal()))
		_, _, err := api.StartSocketModeContext(ctx)
		if err != nil {
			err = socketError(fromLibrary("apps.connections.open", err))
		}
		what := "the app token opens Socket Mode connections"
		if err != nil {
			what = "Socket Mode does not open: " + short(err)
		}
		add(err == nil, core.ErrorCode(err) == core.CodeRetry, what, "Switch Socket Mode on and give the app-level token (xapp-) the scope connections:write.")
	case !a.o.SigningSecret.IsZero():
		add(true, false, "receives over signed HTTP at /slack/events, /slack/commands and /slack/interactions", "")
	default:
		add(false, false, "neither an app token nor a signing secret is set: nothing can be received", "Set ATELIER_SLACK_APP_TOKEN (Socket Mode) or ATELIER_SLACK_SIGNING_SECRET (HTTP).")
	}
	return out
}

func scopeLine(missing []string) string {
	if len(missing) == 0 {
		return "all scopes are granted"
	}
	return "scopes are missing: " + strings.Join(missing, ", ")
}

// short is an error for the operator: Slack's own code where there is one.
func short(err error) string {
	if c := code(err); c != "" {
		return c
	}
	return err.Error()
}

// scopes asks Slack what the bot token may do.
func (a *Adapter) scopes(ctx context.Context) ([]string, error) {
	var mu sync.Mutex
	var list []string
	api := slackgo.New(a.o.BotToken.Reveal(), slackgo.OptionAPIURL(a.o.APIURL), slackgo.OptionHTTPClient(a.http), slackgo.OptionOnResponseHeaders(func(_ string, h http.Header) {
		mu.Lock()
		defer mu.Unlock()
		for _, s := range strings.Split(h.Get("X-OAuth-Scopes"), ",") {
			if s = strings.TrimSpace(s); s != "" {
				list = append(list, s)
			}
		}
	}))
	if _, err := api.AuthTestContext(ctx); err != nil {
		return nil, classify(fromLibrary("auth.test", err), false)
	}
	if _, err := a.installs[0].identify(ctx); err != nil {
		return nil, err
	}
	mu.Lock()
	defer mu.Unlock()
	return list, nil
}

// CheckRoom says whether Atelier is a member of a channel: else it hears nothing there.
func (a *Adapter) CheckRoom(ctx context.Context, id core.RoomID) (missing []string, err error) {
	info, err := a.Room(ctx, id)
	if err == nil && info.Outside {
		missing = []string{"Atelier is no member; type /invite @Atelier there"}
	}
	return missing, err
}
