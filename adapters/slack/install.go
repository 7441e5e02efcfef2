package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// OAuth is an app that teams install by themselves. Such an app counts as distributed: its histories are read slowly,
// see Options.SlowHistory.
type OAuth struct {
	ClientID     string
	ClientSecret core.Secret
	// PublicURL returns where people reach us; Slack sends them back there.
	PublicURL func() string
	Installs  core.Installs
	Tickets   core.Tickets
	Vault     core.Vault
}

func (o *OAuth) check(signing core.Secret) error {
	if o.ClientID == "" || o.ClientSecret.IsZero() || signing.IsZero() || o.PublicURL == nil || o.Installs == nil || o.Tickets == nil || o.Vault == nil {
		return core.Errorf(core.CodeInvalid, "An app that teams install by themselves needs a client id, a client secret and a signing secret.")
	}
	return nil
}

const (
	// installPoll is how soon every replica knows of an install, a new token or a removal.
	installPoll = 2 * time.Second
	// rotateBefore is how long before its end a token is replaced. Slack's live twelve hours.
	// https://docs.slack.dev/authentication/using-token-rotation
	rotateBefore = time.Hour
	// rotateAgain is how long a replica leaves a team alone whose token could not be replaced.
	rotateAgain = time.Minute
	rotateLease = time.Minute
	// knownAgain is how often an unknown team makes us look whether it has just been installed.
	knownAgain = 250 * time.Millisecond
)

// directory is what a replica knows of the installs.
type directory struct {
	mu       sync.Mutex // one look at a time
	revision int64
	looked   time.Time
	records  map[string]core.Install
	tried    map[string]time.Time // last try to replace a team's token
}

// keepInstalls follows the installs until the context ends, and replaces their tokens in time.
func (a *Adapter) keepInstalls(ctx context.Context, p *app) {
	for {
		if err := a.syncInstalls(ctx, p, true); err != nil && ctx.Err() == nil {
			a.o.Log.WarnContext(ctx, "slack installs not read", "error", err)
		}
		a.rotate(ctx, p)
		if a.o.Clock.Sleep(ctx, a.tune.installs) != nil {
			return
		}
	}
}

// syncInstalls takes over what changed among the installs. Without force it looks only now and then.
func (a *Adapter) syncInstalls(ctx context.Context, p *app, force bool) error {
	d := &a.teams
	d.mu.Lock()
	defer d.mu.Unlock()
	if now := a.o.Clock.Now(); !force && now.Sub(d.looked) < knownAgain {
		return nil
	}
	d.looked = a.o.Clock.Now()
	rev, err := a.o.OAuth.Installs.InstallRevision(ctx, core.Slack)
	if err != nil || rev == d.revision {
		return err
	}
	list, rev, err := a.o.OAuth.Installs.Installs(ctx, core.Slack)
	if err != nil {
		return err
	}
	have := map[string]*installation{}
	var next []*installation
	for _, i := range a.all() {
		if i.app != p {
			next = append(next, i)
			continue
		}
		id, _ := i.identity()
		have[id.Team] = i
	}
	records := map[string]core.Install{}
	var failed []error
	for _, r := range list {
		i, old := have[r.Team], d.records[r.Team]
		if i == nil || !bytes.Equal(old.Token.Text, r.Token.Text) {
			fresh, err := a.opened(ctx, p, r)
			if err != nil {
				failed = append(failed, fmt.Errorf("team %s: %w", r.Team, err))
				if i != nil { // the former token may still be good
					records[r.Team], next = old, append(next, i)
				}
				continue // the next look tries again
			}
			i = fresh
		}
		records[r.Team] = r
		next = append(next, i)
	}
	a.mu.Lock()
	a.installs = next
	a.mu.Unlock()
	d.records = records
	if len(failed) == 0 {
		d.revision = rev
	}
	return errors.Join(failed...)
}

// opened makes an installation of a stored install.
func (a *Adapter) opened(ctx context.Context, p *app, r core.Install) (*installation, error) {
	token, err := a.o.OAuth.Vault.Unseal(ctx, core.InstallLabel(core.Slack, r.Team, core.InstallToken), r.Token)
	if err != nil {
		return nil, err
	}
	i := a.newInstallation(p, token)
	i.slow = true
	i.self, i.known = identity{Team: r.Team, BotUser: r.BotUser, BotID: r.BotID, AppID: r.AppID, URL: r.URL}, true
	return i, nil
}

// granted is what oauth.v2.access answers; https://docs.slack.dev/reference/methods/oauth.v2.access
type granted struct {
	Token     string `json:"access_token"`
	Kind      string `json:"token_type"`
	BotUser   string `json:"bot_user_id"`
	AppID     string `json:"app_id"`
	Refresh   string `json:"refresh_token"`
	ExpiresIn int64  `json:"expires_in"`
	Team      struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"team"`
	Enterprise bool `json:"is_enterprise_install"`
}

// access calls oauth.v2.access. What it sends and gets are secrets: neither is in any error.
func (a *Adapter) access(ctx context.Context, form url.Values) (granted, error) {
	var g struct {
		OK    bool   `json:"ok"`
		Error string `json:"error"`
		granted
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.o.APIURL+"oauth.v2.access", strings.NewReader(form.Encode()))
	if err != nil {
		return g.granted, core.Wrap(core.CodeInternal, err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(a.o.OAuth.ClientID), url.QueryEscape(a.o.OAuth.ClientSecret.Reveal()))
	resp, err := a.http.Do(req)
	if err != nil {
		return g.granted, core.Wrap(core.CodeRetry, transport(err))
	}
	defer drain(resp.Body)
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		return g.granted, classify(&limited{retryAfter(resp.Header)}, false)
	case resp.StatusCode != http.StatusOK:
		return g.granted, classify(&badStatus{resp.StatusCode}, false)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil || json.Unmarshal(body, &g) != nil {
		return g.granted, core.Wrap(core.CodeUnknown, errUndecodable)
	}
	if !g.OK {
		return g.granted, classify(&apiError{Method: "oauth.v2.access", Code: clip(g.Error, 60)}, false)
	}
	return g.granted, nil
}

// sealed puts what was granted into an install.
func (a *Adapter) sealed(ctx context.Context, team string, g granted, into *core.Install) error {
	v := a.o.OAuth.Vault
	token, err := v.Seal(ctx, core.InstallLabel(core.Slack, team, core.InstallToken), core.NewSecret(g.Token))
	if err != nil {
		return err
	}
	into.Token, into.Refresh, into.Expires = token, nil, time.Time{}
	if g.Refresh != "" && g.ExpiresIn > 0 {
		refresh, err := v.Seal(ctx, core.InstallLabel(core.Slack, team, core.InstallRefresh), core.NewSecret(g.Refresh))
		if err != nil {
			return err
		}
		into.Refresh, into.Expires = &refresh, a.o.Clock.Now().Add(time.Duration(g.ExpiresIn)*time.Second).UTC()
	}
	return nil
}

// rotate replaces the tokens that end soon; one replica does it for each team.
func (a *Adapter) rotate(ctx context.Context, p *app) {
	d := &a.teams
	d.mu.Lock()
	now := a.o.Clock.Now()
	var due []string
	for team, r := range d.records {
		if r.Refresh != nil && r.Expires.Sub(now) < a.tune.rotate && now.Sub(d.tried[team]) >= a.tune.rotateAgain {
			due = append(due, team)
			d.tried[team] = now
		}
	}
	d.mu.Unlock()
	for _, team := range due {
		if err := a.rotateOne(ctx, p, team); err != nil && ctx.Err() == nil {
			a.o.Log.ErrorContext(ctx, "slack token not replaced; when it has run out the team must install the app again", "team", team, "error", err)
		}
	}
}

// errMoved says that the install changed while its token was being replaced.
var errMoved = errors.New("slack: the install changed meanwhile")

func (a *Adapter) rotateOne(ctx context.Context, p *app, team string) error {
	if a.o.Leases != nil {
		l, ok, err := a.o.Leases.Acquire(ctx, "slack/rotate/"+team, rotateLease)
		if err != nil || !ok {
			return err // another replica does it
		}
		defer func() { _ = a.o.Leases.Release(context.WithoutCancel(ctx), l) }() // it runs out by itself
	}
	// Who had the lease before may have done it.
	if err := a.syncInstalls(ctx, p, true); err != nil {
		return err
	}
	a.teams.mu.Lock()
	r, ok := a.teams.records[team]
	a.teams.mu.Unlock()
	if !ok || r.Refresh == nil || r.Expires.Sub(a.o.Clock.Now()) >= a.tune.rotate {
		return nil
	}
	refresh, err := a.o.OAuth.Vault.Unseal(ctx, core.InstallLabel(core.Slack, team, core.InstallRefresh), *r.Refresh)
	if err != nil {
		return err
	}
	// From here on the answer must be kept, also when we are being stopped: a refresh token works once.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rotateLease/2)
	defer cancel()
	g, err := a.access(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh.Reveal()}})
	if err != nil {
		return err
	}
	next := r
	if err := a.sealed(ctx, team, g, &next); err != nil {
		return err
	}
	err = a.o.OAuth.Installs.ChangeInstall(ctx, core.Slack, team, func(i *core.Install) error {
		if i.Refresh == nil || !bytes.Equal(i.Refresh.Text, r.Refresh.Text) {
			return errMoved
		}
		i.Token, i.Refresh, i.Expires = next.Token, next.Refresh, next.Expires
		return nil
	})
	if errors.Is(err, errMoved) {
		return nil // removed, or installed anew with tokens of its own
	}
	if err != nil {
		return err
	}
	a.o.Log.InfoContext(ctx, "slack token replaced", "team", team)
	return a.syncInstalls(ctx, p, true)
}

// removed reads app_uninstalled and tokens_revoked: the install and its tokens are forgotten. Slack may tell of it late,
// after the team has installed the app anew: that install is newer than the event.
// https://docs.slack.dev/reference/events/app_uninstalled
func (a *Adapter) removed(ctx context.Context, p *app, env *eventEnvelope, kind string) error {
	if !p.oauth {
		return nil // of an app in the configuration: its refused token is told by whoever uses it
	}
	if kind == "tokens_revoked" {
		var ev struct {
			Tokens struct {
				Bot []string `json:"bot"`
			} `json:"tokens"`
		}
		if err := decode(env.Event, &ev); err != nil {
			return err
		}
		if len(ev.Tokens.Bot) == 0 {
			return nil
		}
	}
	if err := a.syncInstalls(ctx, p, true); err != nil {
		return fmt.Errorf("%w: %w", errNotMet, err) // not acknowledged: Slack tells again
	}
	a.teams.mu.Lock()
	r, ok := a.teams.records[env.TeamID]
	a.teams.mu.Unlock()
	told := time.Unix(env.EventTime, 0) // Slack tells whole seconds
	i := a.near(env.TeamID)
	if !ok || i == nil || r.At.After(told.Add(time.Second)) {
		return nil
	}
	if r.At.After(told.Add(-time.Second)) {
		// Both happened at nearly the same time: which was last, only Slack knows.
		switch err := classify(i.call(ctx, "auth.test", url.Values{}, nil), false); {
		case err == nil:
			return nil
		case core.ErrorCode(err) != core.CodeFatal:
			return fmt.Errorf("%w: %w", errNotMet, err)
		}
	}
	dropped, err := a.o.OAuth.Installs.DropInstall(ctx, core.Slack, env.TeamID, r.At)
	if err != nil {
		return fmt.Errorf("%w: %w", errNotMet, err) // not acknowledged: Slack tells again
	}
	if dropped {
		a.o.Log.InfoContext(ctx, "slack app removed by a team; its tokens are forgotten", "team", env.TeamID, "event", kind)
	}
	if err := a.syncInstalls(ctx, p, true); err != nil {
		a.o.Log.WarnContext(ctx, "slack installs not read", "error", err) // the next look is soon
	}
	return nil
}
