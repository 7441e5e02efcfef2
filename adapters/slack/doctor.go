package slack

import (
	"context"
	"errors"
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

// Diagnose looks at every app's tokens and scopes and says what is missing and how to mend it. It posts nothing.
func (a *Adapter) Diagnose(ctx context.Context) []core.Finding {
	var out []core.Finding
	teams := map[string]string{}
	if a.oauth != nil {
		if err := a.syncInstalls(ctx, a.oauth, true); err != nil {
			out = append(out, core.Finding{Area: "slack", What: "the installed teams' tokens cannot be read: " + core.SafeMessage(err), Fix: "check ATELIER_REDIS_URL and ATELIER_KEYS"})
		}
		if n := len(a.all()); n == 0 {
			out = append(out, core.Finding{Area: "slack", Warn: true, What: "no team has installed the app", Fix: "give a team's admin the link that this prints: atelier slack install-link"})
		}
	}
	for _, i := range a.all() {
		out = append(out, a.diagnose(ctx, i)...)
		id, ok := i.identity()
		if !ok {
			continue
		}
		if other, twice := teams[id.Team]; twice {
			out = append(out, core.Finding{Area: "slack", What: i.app.called() + "works in team " + id.Team + ", where " + firstOf(other, "the first app") + " works already",
				Fix: "Make the app in the other team, and use that one's tokens."})
		}
		teams[id.Team] = i.app.Name
	}
	return out
}

// mend says what helps against a refused bot token.
func (i *installation) mend() string {
	if i.app.oauth {
		id, _ := i.identity()
		return "Let the admin of team " + id.Team + " install the app anew, with the link that this prints: atelier slack install-link"
	}
	return "Copy the Bot User OAuth Token (xoxb-) of the installed app into " + i.app.variable("BOT_TOKEN") + "."
}

// called begins what is said of an app; the first one goes without a name.
func (p *app) called() string {
	if p.Name == "" {
		return ""
	}
	return "team " + p.Name + ": "
}

func (a *Adapter) diagnose(ctx context.Context, i *installation) []core.Finding {
	p := i.app
	var out []core.Finding
	add := func(ok, warn bool, what, fix string) {
		if ok {
			fix = ""
		}
		out = append(out, core.Finding{Area: "slack", OK: ok, Warn: warn && !ok, What: p.called() + what, Fix: fix})
	}
	// What cannot be reached says nothing of the tokens.
	unreachable := func(err error) bool {
		if core.ErrorCode(err) != core.CodeRetry || code(err) != "" {
			return false
		}
		host := a.origin.Host
		add(false, false, host+" cannot be reached: "+root(err), "Let this machine reach "+host+": name resolution, proxy, network policy.")
		return true
	}
	scopes, err := a.scopes(ctx, i)
	switch {
	case err != nil && unreachable(err):
		return out
	case err != nil:
		add(false, core.ErrorCode(err) == core.CodeRetry, "the bot token was not accepted: "+short(err), i.mend())
	default:
		id, _ := i.identity()
		add(true, false, "the bot token works in team "+id.Team, "")
		if i.slow {
			add(true, false, "team "+id.Team+" installed the app by itself: Slack lets its histories be read once a minute, 15 messages at a time", "")
		}
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
	case !p.AppToken.IsZero():
		api := slackgo.New("", slackgo.OptionAPIURL(a.o.APIURL), slackgo.OptionHTTPClient(a.http), slackgo.OptionAppLevelToken(p.AppToken.Reveal()))
		_, _, err := api.StartSocketModeContext(ctx)
		if err != nil {
			err = socketError(fromLibrary("apps.connections.open", err))
		}
		what := "the app token opens Socket Mode connections"
		if err != nil {
			what = "Socket Mode does not open: " + short(err)
		}
		add(err == nil, core.ErrorCode(err) == core.CodeRetry, what, "Switch Socket Mode on and give the app-level token (xapp-) the scope connections:write.")
	case !p.SigningSecret.IsZero():
		add(true, false, "receives over signed HTTP at /slack/events, /slack/commands and /slack/interactions", "")
	default:
		add(false, false, "neither an app token nor a signing secret is set: nothing can be received", "Set "+p.variable("APP_TOKEN")+" (Socket Mode) or "+p.variable("SIGNING_SECRET")+" (HTTP).")
	}
	return out
}

// root is what lies at the bottom of an error.
func root(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}

// variable names an app's variable of the environment.
func (p *app) variable(what string) string { return "ATELIER_SLACK_" + Infix(p.Name) + what }

// Infix is what stands in the names of a team's variables between ATELIER_SLACK_ and the rest; nothing for the first app.
func Infix(name string) string {
	if name == "" {
		return ""
	}
	return strings.ToUpper(strings.ReplaceAll(name, "-", "_")) + "_"
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
func (a *Adapter) scopes(ctx context.Context, i *installation) ([]string, error) {
	var mu sync.Mutex
	var list []string
	api := slackgo.New(i.token.Reveal(), slackgo.OptionAPIURL(a.o.APIURL), slackgo.OptionHTTPClient(a.http), slackgo.OptionOnResponseHeaders(func(_ string, h http.Header) {
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
	if _, err := i.identify(ctx); err != nil {
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
