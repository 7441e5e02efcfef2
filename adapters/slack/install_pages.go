package slack

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

const (
	// InstallLinkLife is how long an install link works.
	InstallLinkLife = 24 * time.Hour
	stateLife       = 10 * time.Minute
	stateCookie     = "atelier_install"
	maxParameter    = 512
)

// InstallLink makes a link with which one team installs the app. Whoever has it may use it, once: give it to an admin of
// that team and to nobody else.
func InstallLink(ctx context.Context, t core.Tickets, c core.Clock, publicURL string) (string, error) {
	token, err := t.Issue(ctx, core.Ticket{Kind: core.TicketInstall, Expires: c.Now().Add(InstallLinkLife)}, false)
	if err != nil {
		return "", err
	}
	return publicURL + "/slack/install/" + token, nil
}

// installPage says how it went. It has no script and no form.
const installPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}} · Atelier</title>
<style>:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; } body { max-width: 34rem; margin: 3rem auto; padding: 0 1rem; }</style>
<main>
<h1>{{.Title}}</h1>
{{range .Lines}}<p>{{.}}</p>
{{end}}</main>
`

// slowSentence is what people should know of an app that was installed so.
const slowSentence = "Slack lets an app that is installed this way read histories once a minute, 15 messages at a time. What is said while Atelier runs arrives at once; " +
	"what was said while it was away comes back slowly."

func (a *Adapter) installRoutes(mux *http.ServeMux) {
	page := template.Must(template.New("install").Parse(installPage))
	show := func(w http.ResponseWriter, r *http.Request, status int, title string, lines ...string) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		if err := page.Execute(w, map[string]any{"Title": title, "Lines": lines}); err != nil {
			a.o.Log.InfoContext(r.Context(), "page not sent", "error", err)
		}
	}
	fail := func(w http.ResponseWriter, r *http.Request, err error) {
		status := http.StatusInternalServerError
		switch core.ErrorCode(err) {
		case core.CodeNotFound:
			status = http.StatusGone
		case core.CodeForbidden, core.CodeInvalid, core.CodeConflict, core.CodeFatal:
			status = http.StatusForbidden
		case core.CodeRetry, core.CodeUnknown:
			status = http.StatusServiceUnavailable
		}
		a.o.Log.WarnContext(r.Context(), "slack app not installed", "error", err)
		show(w, r, status, "Atelier was not installed", core.SafeMessage(err))
	}
	mux.Handle("GET /slack/install/{token}", alone(func(w http.ResponseWriter, r *http.Request) {
		target, cookie, err := a.beginInstall(r.Context(), r.PathValue("token"))
		if err != nil {
			fail(w, r, err)
			return
		}
		a.setCookie(w, cookie, int(stateLife/time.Second))
		http.Redirect(w, r, target, http.StatusSeeOther)
	}))
	mux.Handle("GET /slack/oauth", alone(func(w http.ResponseWriter, r *http.Request) {
		a.setCookie(w, "", -1)
		cookie, q := "", r.URL.Query()
		if c, err := r.Cookie(stateCookie); err == nil {
			cookie = c.Value
		}
		name, err := a.endInstall(r.Context(), q.Get("state"), q.Get("code"), q.Get("error"), cookie)
		if err != nil {
			fail(w, r, err)
			return
		}
		show(w, r, http.StatusOK, "Atelier is installed in "+name, "In a channel there: /invite @atelier, then /atelier project bind with the key of your project.", slowSentence)
	}))
}

// setCookie binds a state to a browser. Lax, since the browser comes back from Slack's site.
func (a *Adapter) setCookie(w http.ResponseWriter, value string, age int) {
	secure := strings.HasPrefix(a.o.OAuth.PublicURL(), "https://")
	http.SetCookie(w, &http.Cookie{Name: stateCookie, Value: value, Path: "/slack/oauth", MaxAge: age, HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode}) //nolint:gosec // without https there is only a test
}

// alone keeps a page to itself: no script, no frame, no cache, no referrer.
func alone(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'")
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Robots-Tag", "noindex")
		next(w, r)
	})
}

// installState is what a state remembers: whose browser began, by a digest of its cookie.
type installState struct {
	Cookie string `json:"cookie"`
}

func cookieDigest(cookie string) string { return core.Digest(32, "install-cookie", cookie) }

// beginInstall sends somebody with a link to Slack's own page. The link stays good until the app is installed: programs
// that preview links open it too.
func (a *Adapter) beginInstall(ctx context.Context, token string) (target, cookie string, err error) {
	if len(token) > 64 {
		return "", "", errLink()
	}
	if _, err := a.o.OAuth.Tickets.Look(ctx, core.TicketInstall, token); err != nil {
		if core.ErrorCode(err) == core.CodeNotFound {
			err = errLink()
		}
		return "", "", err
	}
	cookie = token + "." + rand.Text()
	data, err := json.Marshal(installState{cookieDigest(cookie)})
	if err != nil {
		return "", "", core.Wrap(core.CodeInternal, err)
	}
	state, err := a.o.OAuth.Tickets.Issue(ctx, core.Ticket{Kind: core.TicketState, Data: data, Expires: a.o.Clock.Now().Add(stateLife)}, false)
	if err != nil {
		return "", "", err
	}
	q := url.Values{"client_id": {a.o.OAuth.ClientID}, "scope": {strings.Join(botScopes(), ",")}, "redirect_uri": {a.redirect()}, "state": {state}}
	return strings.TrimSuffix(a.o.APIURL, "api/") + "oauth/v2/authorize?" + q.Encode(), cookie, nil
}

func (a *Adapter) redirect() string { return a.o.OAuth.PublicURL() + "/slack/oauth" }

func errLink() error {
	return core.Errorf(core.CodeNotFound, "This link was used already or has expired. Ask Atelier's admin for a new one.")
}

func errState() error {
	return core.Errorf(core.CodeForbidden, "This does not belong to an installation that was begun in this browser within the last ten minutes. Open your link again.")
}

// endInstall trades what Slack sent for tokens and keeps them.
func (a *Adapter) endInstall(ctx context.Context, state, code, refused, cookie string) (name string, err error) {
	if len(state) > 64 || len(code) > maxParameter || len(cookie) > maxParameter || state == "" || cookie == "" {
		return "", errState()
	}
	ticket, err := a.o.OAuth.Tickets.Redeem(ctx, core.TicketState, state)
	if core.ErrorCode(err) == core.CodeNotFound {
		return "", errState()
	}
	if err != nil {
		return "", err
	}
	var s installState
	if json.Unmarshal(ticket.Data, &s) != nil || subtle.ConstantTimeCompare([]byte(s.Cookie), []byte(cookieDigest(cookie))) != 1 {
		return "", errState()
	}
	if refused != "" || code == "" {
		return "", core.Errorf(core.CodeForbidden, "Slack did not permit it. Open your link again to retry.")
	}
	link, _, _ := strings.Cut(cookie, ".")
	if _, err := a.o.OAuth.Tickets.Look(ctx, core.TicketInstall, link); err != nil {
		return "", errLink()
	}
	g, err := a.access(ctx, url.Values{"code": {code}, "redirect_uri": {a.redirect()}})
	if err != nil {
		return "", err
	}
	switch {
	case g.Enterprise || g.Team.ID == "":
		return "", core.Errorf(core.CodeInvalid, "Install Atelier in a workspace, not in the whole organisation.")
	case g.Token == "" || g.Kind != "bot":
		return "", core.Errorf(core.CodeInvalid, "Slack gave no bot token for this app.")
	}
	if i, err := a.in(ctx, g.Team.ID); err == nil && !i.app.oauth {
		return "", core.Errorf(core.CodeConflict, "Atelier works in %s already, with an app of that team's own.", firstOf(g.Team.Name, g.Team.ID))
	}
	fresh := core.Install{Name: g.Team.Name, AppID: g.AppID, BotUser: g.BotUser, At: a.o.Clock.Now().UTC()}
	if id, err := a.newInstallation(a.oauth, core.NewSecret(g.Token)).identify(ctx); err != nil {
		return "", err
	} else if id.Team != g.Team.ID {
		return "", core.Errorf(core.CodeInvalid, "Slack gave a token of another team.")
	} else {
		fresh.BotUser, fresh.BotID, fresh.URL = id.BotUser, id.BotID, id.URL
	}
	if err := a.sealed(ctx, g.Team.ID, g, &fresh); err != nil {
		return "", err
	}
	if _, err := a.o.OAuth.Tickets.Redeem(ctx, core.TicketInstall, link); err != nil {
		return "", errLink()
	}
	if err := a.o.OAuth.Installs.ChangeInstall(ctx, core.Slack, g.Team.ID, func(i *core.Install) error { *i = fresh; return nil }); err != nil {
		return "", err
	}
	a.o.Log.InfoContext(ctx, "slack app installed by a team", "team", g.Team.ID)
	return firstOf(g.Team.Name, g.Team.ID), a.syncInstalls(ctx, a.oauth, true)
}
