package slack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/adapters/slack/slacksim"
	"github.com/atelier-bridge/atelier/core"
)

// shelf is core.Installs, core.Tickets and core.Vault of a test.
type shelf struct {
	mu      sync.Mutex
	rev     int64
	teams   map[string]core.Install
	tickets map[string]core.Ticket
	sealed  int
}

func newShelf() *shelf {
	return &shelf{teams: map[string]core.Install{}, tickets: map[string]core.Ticket{}}
}

func (s *shelf) InstallRevision(context.Context, core.PlatformName) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rev, nil
}

func (s *shelf) Installs(context.Context, core.PlatformName) (out []core.Install, rev int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, i := range s.teams {
		out = append(out, i)
	}
	return out, s.rev, nil
}

func (s *shelf) ChangeInstall(_ context.Context, _ core.PlatformName, team string, f func(*core.Install) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.teams[team]
	if err := f(&i); err != nil {
		return err
	}
	i.Team = team
	s.teams[team] = i
	s.rev++
	return nil
}

func (s *shelf) DropInstall(_ context.Context, _ core.PlatformName, team string, until time.Time) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.teams[team]
	if !ok || i.At.After(until) {
		return false, nil
	}
	delete(s.teams, team)
	s.rev++
	return true, nil
}

func (s *shelf) Issue(_ context.Context, t core.Ticket, _ bool) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	token := fmt.Sprintf("%s%d", t.Kind, len(s.tickets))
	s.tickets[token] = t
	return token, nil
}

func (s *shelf) Look(_ context.Context, kind core.TicketKind, token string) (core.Ticket, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, ok := s.tickets[token]; ok && t.Kind == kind {
		return t, nil
	}
	return core.Ticket{}, core.Errorf(core.CodeNotFound, "no ticket")
}

func (s *shelf) Redeem(ctx context.Context, kind core.TicketKind, token string) (core.Ticket, error) {
	t, err := s.Look(ctx, kind, token)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.tickets[token] = core.Ticket{Kind: "used"}
	}
	return t, err
}

func (s *shelf) Change(context.Context, core.TicketKind, string, func(*core.Ticket) error) (core.Ticket, error) {
	return core.Ticket{}, errors.New("not asked for")
}
func (s *shelf) Attempt(context.Context, string, time.Duration) (int, error) { return 0, nil }

func (s *shelf) Seal(_ context.Context, l core.SealLabel, t core.Secret) (core.Sealed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sealed++
	return core.Sealed{Key: fmt.Appendf(nil, "%v", l), Text: fmt.Appendf(nil, "%d %s", s.sealed, t.Reveal())}, nil
}

func (s *shelf) Unseal(_ context.Context, l core.SealLabel, t core.Sealed) (core.Secret, error) {
	if !bytes.Equal(t.Key, fmt.Appendf(nil, "%v", l)) {
		return core.Secret{}, errors.New("another label")
	}
	_, text, _ := strings.Cut(string(t.Text), " ")
	return core.NewSecret(text), nil
}

func (s *shelf) Rewrap(_ context.Context, t core.Sealed) (core.Sealed, bool, error) {
	return t, false, nil
}
func (s *shelf) Fingerprint(context.Context, core.Secret) (string, error) { return "", nil }

// newInstallRig is a workspace whose app is installed by OAuth, over signed HTTP.
func newInstallRig(t *testing.T, life time.Duration) (*rig, *shelf) {
	t.Helper()
	s := newShelf()
	var r *rig
	r = newRig(t, rigOptions{http: true, idle: true,
		change: func(o *slacksim.Options) {
			o.ClientID, o.ClientSecret, o.TokenLife = "1.2", "client-secret", life
		},
		mine: func(o *Options) {
			o.BotToken = core.Secret{}
			o.OAuth = &OAuth{ClientID: "1.2", ClientSecret: core.NewSecret("client-secret"), PublicURL: func() string { return r.app.URL }, Installs: s, Tickets: s, Vault: s}
		}})
	r.a.tune.installs, r.a.tune.rotate, r.a.tune.rotateAgain = 20*time.Millisecond, life*3/4, 50*time.Millisecond
	ctx, stop := context.WithCancel(r.ctx)
	done := make(chan error, 1)
	go func() { done <- r.a.Run(ctx, r.in) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		for _, secret := range []string{"client-secret", "xoxb-", "xoxe"} {
			if strings.Contains(r.logs.String(), secret) {
				t.Errorf("the log holds %q", secret)
			}
		}
	})
	return r, s
}

// install goes through Slack's pages as an admin does.
func (r *rig) install(s *shelf) {
	r.t.Helper()
	link, err := InstallLink(r.ctx, s, core.SystemClock{}, r.app.URL)
	if err != nil {
		r.t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	c := &http.Client{Jar: jar}
	defer c.CloseIdleConnections()
	page, err := c.Get(link)
	if err != nil {
		r.t.Fatal(err)
	}
	_ = page.Body.Close()
	q := page.Request.URL.Query()
	end, err := c.PostForm(page.Request.URL.String(), url.Values{"decision": {"allow"}, "redirect_uri": q["redirect_uri"], "state": q["state"]})
	if err != nil {
		r.t.Fatal(err)
	}
	_ = end.Body.Close()
	if end.StatusCode != http.StatusOK {
		r.t.Fatal("not installed:", end.Status)
	}
}

// TestTokensAreReplaced lets tokens run out for good: calls go on, histories are slow, and what ran out works no more.
func TestTokensAreReplaced(t *testing.T) {
	r, s := newInstallRig(t, 2*time.Second)
	if _, err := r.a.in(r.ctx, team); core.ErrorCode(err) != core.CodeGone {
		t.Fatal("installed without anybody having done it:", err)
	}
	r.install(s)
	first, err := r.a.in(r.ctx, team)
	if err != nil || !first.harsh() {
		t.Fatal(err)
	}
	r.say(ada, acme, "", "heard")
	r.in.wait(t, core.InboundMessage, nil)
	r.until("a token that ran out", func(*slacksim.Snapshot) bool {
		return code(first.call(r.ctx, "auth.test", url.Values{}, nil)) == "token_expired"
	})
	second, err := r.a.in(r.ctx, team)
	if err != nil || second == first {
		t.Fatal("the token was not replaced", err)
	}
	if err := second.call(r.ctx, "auth.test", url.Values{}, nil); err != nil {
		t.Fatal(err)
	}
}

// TestRemovedAndInstalledAnew tells of a removal late: the install that came after it stays.
func TestRemovedAndInstalledAnew(t *testing.T) {
	r, s := newInstallRig(t, 0)
	r.install(s)
	removed := func(at time.Time) *eventEnvelope {
		return &eventEnvelope{Type: "event_callback", TeamID: team, EventTime: at.Unix(), Event: []byte(`{"type":"app_uninstalled"}`)}
	}
	if _, err := r.a.fromEvent(r.ctx, r.a.oauth, removed(time.Now().Add(-time.Minute))); err != nil {
		t.Fatal(err)
	}
	if _, err := r.a.in(r.ctx, team); err != nil {
		t.Fatal("a late event removed a newer install:", err)
	}
	r.Uninstall()
	r.until("forgotten", func(*slacksim.Snapshot) bool { return r.a.near(team) == nil })
	if all, _, _ := s.Installs(r.ctx, core.Slack); len(all) != 0 {
		t.Fatal("its tokens are still kept")
	}
	r.install(s)
	if _, err := r.a.in(r.ctx, team); err != nil {
		t.Fatal(err)
	}
	for _, f := range r.a.Diagnose(r.ctx) {
		if strings.Contains(f.What, "once a minute") {
			return
		}
	}
	t.Error("doctor does not say that histories are slow")
}

// TestInstallIsRefused answers what does not belong to a link and a browser.
func TestInstallIsRefused(t *testing.T) {
	r, s := newInstallRig(t, 0)
	data := `{"cookie":"` + cookieDigest("install0.X") + `"}`
	for name, row := range map[string]struct{ state, code, cookie string }{
		"nothing": {}, "a guessed state": {"state9", "c", "install0.X"}, "no cookie": {"state1", "c", ""}, "another's cookie": {"state1", "c", "install0.Y"},
		"a code that Slack did not give": {"state1", "c", "install0.X"}, "no code": {"state1", "", "install0.X"}, "too long": {"state1", strings.Repeat("c", 600), "install0.X"},
	} {
		t.Run(name, func(t *testing.T) {
			s.mu.Lock()
			s.tickets = map[string]core.Ticket{"install0": {Kind: core.TicketInstall}, "state1": {Kind: core.TicketState, Data: []byte(data)}}
			s.mu.Unlock()
			req := httptest.NewRequest(http.MethodGet, "/slack/oauth?"+url.Values{"state": {row.state}, "code": {row.code}}.Encode(), nil)
			if row.cookie != "" {
				req.AddCookie(&http.Cookie{Name: stateCookie, Value: row.cookie})
			}
			w := httptest.NewRecorder()
			r.a.Handler(r.in).ServeHTTP(w, req)
			if w.Code == http.StatusOK || r.Installed() || len(s.teams) > 0 {
				t.Fatal(w.Code, w.Body)
			}
			if w.Header().Get("Cache-Control") != "no-store" {
				t.Error("the page may be kept")
			}
		})
	}
}
