package slack

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/adapters/slack/slacksim"
	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
)

const (
	beta       = "T1BETA0002"
	betaSecret = "another-signing-secret"
)

// twoTeams is an adapter with an app in each of two teams; only the first has met Slack where unmet is set.
func twoTeams(t *testing.T, unmet bool) *Adapter {
	t.Helper()
	a := quiet(t, func(o *Options) {
		o.More = []App{{Name: "beta", BotToken: core.NewSecret("xoxb-beta"), SigningSecret: core.NewSecret(betaSecret)}}
	})
	if !unmet {
		a.installs[1].self, a.installs[1].known = identity{Team: beta, BotUser: "U1BOT", BotID: "B1", AppID: "A1"}, true
	}
	return a
}

// TestSecretsOfSeveralTeams signs what is said of one team with the secret of another.
func TestSecretsOfSeveralTeams(t *testing.T) {
	const said = `{"type":"message","channel":"C1","channel_type":"channel","user":"U1","ts":"1700000000.000100","event_ts":"1700000000.000100","text":"hello"}`
	ofBeta := []byte(strings.ReplaceAll(string(event(said)), team, beta))
	for name, row := range map[string]struct {
		secret string
		body   []byte
		unmet  bool
		status int
		stored int
	}{
		"first":                       {signing, event(said), false, 200, 1},
		"second":                      {betaSecret, ofBeta, false, 200, 1},
		"the second's for the first":  {betaSecret, event(said), false, 401, 0},
		"the first's for the second":  {signing, ofBeta, false, 401, 0},
		"nobody's":                    {"guessed", event(said), false, 401, 0},
		"a team that is not met yet":  {betaSecret, ofBeta, true, 503, 0},
		"the first while it is unmet": {signing, event(said), true, 200, 1},
		"the second's while unmet":    {betaSecret, event(said), true, 503, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := newInbox()
			now := strconv.FormatInt(time.Now().Unix(), 10)
			req := httptest.NewRequest(http.MethodPost, "/slack/events", strings.NewReader(string(row.body)))
			req.Header.Set("X-Slack-Request-Timestamp", now)
			req.Header.Set("X-Slack-Signature", sign(row.secret, now, row.body))
			w := httptest.NewRecorder()
			if twoTeams(t, row.unmet).Handler(b).ServeHTTP(w, req); w.Code != row.status || b.count() != row.stored {
				t.Fatalf("%d %s, %d stored", w.Code, w.Body, b.count())
			}
		})
	}
}

// TestOneTeamRefused runs two apps of which Slack refuses one for good: the other goes on.
func TestOneTeamRefused(t *testing.T) {
	r := newRig(t, rigOptions{mine: func(o *Options) {
		o.More = []App{{Name: "gone", BotToken: core.NewSecret("xoxb-revoked"), AppToken: core.NewSecret("xapp-revoked")}}
	}})
	ts := r.say(ada, acme, "", "still heard")
	r.in.wait(t, core.InboundMessage, func(in core.Inbound) bool { return string(in.Message.ID) == ts })
	var bad int
	for _, f := range r.a.Diagnose(r.ctx) {
		if !f.OK && strings.HasPrefix(f.What, "team gone: ") {
			bad++
		}
	}
	if bad == 0 {
		t.Error("doctor does not name the team that is refused")
	}
}

// TestAllTeamsRefused ends when nothing is left to run.
func TestAllTeamsRefused(t *testing.T) {
	sim, err := slacksim.New(slacksim.DemoSeed())
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(sim)
	defer func() { h.Close(); _ = sim.Close() }()
	sim.SetBaseURL(h.URL)
	no := core.NewSecret("xoxb-no")
	a, err := New(Options{BotToken: no, AppToken: no, APIURL: sim.APIURL(), Table: command.New(), More: []App{{Name: "b", BotToken: core.NewSecret("xoxb-nor-this"), AppToken: no}}})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := a.Run(ctx, newInbox()); core.ErrorCode(err) != core.CodeFatal || ctx.Err() != nil {
		t.Fatal(err, ctx.Err())
	}
}

func TestTogether(t *testing.T) {
	first, err := slacksim.New(slacksim.DemoSeed())
	if err != nil {
		t.Fatal(err)
	}
	o := slacksim.DemoSeed()
	o.Team.ID, o.BotToken, o.AppToken = beta, "xoxb-beta", "xapp-beta"
	second, err := slacksim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(slacksim.Together(first, second))
	defer func() { h.Close(); _ = errors.Join(first.Close(), second.Close()) }()
	a, err := New(Options{BotToken: core.NewSecret(botToken), APIURL: h.URL + "/api/", Table: command.New(), More: []App{{Name: "beta", BotToken: core.NewSecret("xoxb-beta")}}})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for _, want := range []string{team, beta} {
		i, err := a.in(t.Context(), want)
		if err != nil {
			t.Fatal(want, err)
		}
		if id, _ := i.identity(); id.Team != want {
			t.Error(id.Team, want)
		}
	}
	if _, err := a.in(t.Context(), "T9NOBODY"); core.ErrorCode(err) != core.CodeGone {
		t.Error(err)
	}
}
