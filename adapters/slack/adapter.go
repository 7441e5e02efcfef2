// Package slack is the Slack adapter: it receives through Socket Mode or signed HTTP, and delivers through the Web API.
//
// slack-go authors what we send (Block Kit, views), checks signatures and makes the calls whose answers hold only our
// own data. What others wrote is read by the small structs of decode.go: one unknown block element makes slack-go
// refuse a whole message, a whole page of history, or the echo of a post that Slack had accepted.
//
// Socket Mode uses a small client of our own on gorilla/websocket instead of slack-go's socketmode package: that one
// closes the old socket before it opens the next, retries refused tokens for ever, can block in Ack while it is
// disconnected, leaves unreadable envelopes unacknowledged and cannot be asked whether a link is silent.
package slack

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/atelier-bridge/atelier/adapters/internal/reading"
	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
)

// DefaultAPIURL is Slack's own Web API.
const DefaultAPIURL = "https://slack.com/api/"

// Options configure an Adapter. BotToken, or OAuth, and Table are needed; so is AppToken or SigningSecret.
type Options struct {
	BotToken, AppToken, SigningSecret core.Secret
	// More are the apps of further teams.
	More []App
	// OAuth makes the first app one that teams install by themselves; it has no BotToken then.
	OAuth *OAuth
	// APIURL must end in "/"; empty means DefaultAPIURL. Its origin is trusted for files, sockets and response URLs.
	APIURL  string
	Table   *command.Table
	Limiter core.Limiter // nil paces nothing
	Leases  core.Leases  // nil holds no leases: one process only
	Echo    core.Echo    // may be nil
	// Translator speaks to people in the language of their Slack; nil speaks English.
	Translator core.Translator
	Clock      core.Clock
	Log        *slog.Logger
	// Telemetry is told when connections come up and go down.
	Telemetry core.Telemetry
	// Connections is how many Socket Mode connections the whole installation keeps; default 2.
	Connections int
	// SlowHistory keeps to Slack's harshest limit, which it sets for apps that are sold outside its Marketplace:
	// histories once a minute, 15 messages at a time.
	// https://docs.slack.dev/changelog/2025/05/29/rate-limit-changes-for-non-marketplace-apps
	SlowHistory bool
	// Replicas tells how many processes of the installation live, this one included: the connections are spread over
	// them. nil means one.
	Replicas func() int
}

// Adapter is Slack as the bridge sees it. All methods are safe for concurrent use.
type Adapter struct {
	order    *sequencer
	links    atomic.Int64 // Socket Mode connections so far
	o        Options
	origin   *url.URL
	http     *http.Client // calls: bounded in time
	stream   *http.Client // files: bounded by the context
	apps     []*app
	oauth    *app // the one that teams install by themselves, or nil
	teams    directory
	mu       sync.RWMutex
	installs []*installation // replaced as a whole
	tune     tuning
	telling  chan struct{} // bounds those who are being told that we are away
	told     sync.WaitGroup
}

// tuning holds the waits that tests shorten.
type tuning struct {
	ping, silent, leaseTTL, retryMin, retryMax, filePoll, fileWait, shareWait, lookup, handover,
	installs, rotate, rotateAgain time.Duration
}

var (
	_ core.Platform  = (*Adapter)(nil)
	_ core.History   = (*Adapter)(nil)
	_ core.Directory = (*Adapter)(nil)
)

const (
	callTimeout     = 20 * time.Second
	maxAnswer       = 16 << 20 // a page of history with all its blocks
	defaultSockets  = 2
	maxSockets      = 10 // https://docs.slack.dev/apis/events-api/using-socket-mode
	receiveDeadline = 2500 * time.Millisecond
)

// New checks the options and builds an adapter. It does no I/O.
func New(o Options) (*Adapter, error) {
	if o.APIURL == "" {
		o.APIURL = DefaultAPIURL
	}
	u, err := url.Parse(o.APIURL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || !strings.HasSuffix(o.APIURL, "/"):
		return nil, core.Errorf(core.CodeInvalid, "The Slack API URL must be an http(s) URL that ends in a slash.")
	case o.BotToken.IsZero() == (o.OAuth == nil):
		return nil, core.Errorf(core.CodeInvalid, "Either a Slack bot token or the ids of an app that teams install by themselves are needed.")
	case o.Table == nil:
		return nil, core.Errorf(core.CodeInternal, "slack: no command table")
	}
	if o.Limiter == nil {
		o.Limiter = noLimiter{}
	}
	if o.Clock == nil {
		o.Clock = core.SystemClock{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Connections <= 0 {
		o.Connections = defaultSockets
	}
	o.Connections = min(o.Connections, maxSockets)
	a := &Adapter{o: o, origin: u, telling: make(chan struct{}, maxTelling), order: newSequencer(o.Clock), tune: tuning{ping: 2 * time.Second, silent: 5 * time.Second, leaseTTL: 5 * time.Second, retryMin: 250 * time.Millisecond,
		retryMax: 5 * time.Second, filePoll: 100 * time.Millisecond, fileWait: 25 * time.Second, shareWait: 3 * time.Second, lookup: 700 * time.Millisecond,
		handover: 3 * time.Second, installs: installPoll, rotate: rotateBefore, rotateAgain: rotateAgain}}
	a.teams.tried = map[string]time.Time{}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout, t.MaxIdleConnsPerHost = callTimeout, 16
	stop := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	a.http = &http.Client{Transport: t, Timeout: callTimeout, CheckRedirect: stop}
	a.stream = &http.Client{Transport: t, CheckRedirect: stop}
	for _, one := range append([]App{{BotToken: o.BotToken, AppToken: o.AppToken, SigningSecret: o.SigningSecret}}, o.More...) {
		p := &app{App: one}
		a.apps = append(a.apps, p)
		if len(a.apps) == 1 && o.OAuth != nil {
			if err := o.OAuth.check(one.SigningSecret); err != nil {
				return nil, err
			}
			p.oauth, a.oauth = true, p
			continue
		}
		if one.BotToken.IsZero() {
			return nil, core.Errorf(core.CodeInvalid, "The bot token of the Slack app %s is missing.", one.Name)
		}
		a.installs = append(a.installs, a.newInstallation(p, one.BotToken))
	}
	return a, nil
}

// Name returns "slack".
func (a *Adapter) Name() core.PlatformName { return core.Slack }

// Capabilities returns Slack's limits.
func (a *Adapter) Capabilities() core.Capabilities {
	return core.Capabilities{MaxText: maxText, MaxFile: 1 << 30, MaxFiles: 10, ButtonsPerRow: 5, ButtonRows: 10, PrivateMention: true,
		Missing: []string{"Slack has no slash commands inside threads: mention Atelier there, or use the buttons and the message menu.",
			"Slack shows private answers until you reload; \"jobs\" brings open prompts back."}}
}

// Close waits for the last answers and gives idle connections back. Run, Deliver and Handler may not be in progress.
func (a *Adapter) Close() {
	a.told.Wait()
	a.http.CloseIdleConnections()
}

// noLimiter is used when nobody paces us.
type noLimiter struct{}

func (noLimiter) Wait(ctx context.Context, _ ...string) error       { return context.Cause(ctx) }
func (noLimiter) Limited(context.Context, string, time.Duration)    {}
func (noLimiter) Learn(context.Context, string, int, time.Duration) {}

// trusted reports whether a URL belongs to Slack or to the overridden API: only there go tokens and answers.
func (a *Adapter) trusted(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || u.User != nil {
		return false
	}
	scheme := u.Scheme
	if plain, ok := map[string]string{"ws": "http", "wss": "https"}[scheme]; ok {
		scheme = plain
	}
	if scheme == a.origin.Scheme && strings.EqualFold(u.Host, a.origin.Host) {
		return true
	}
	host := strings.ToLower(u.Hostname())
	for _, d := range []string{"slack.com", "slack-gov.com"} {
		if scheme == "https" && (host == d || strings.HasSuffix(host, "."+d)) {
			return true
		}
	}
	return false
}

// installation is the app in one team, with its token and what was learned about it.
type installation struct {
	a     *Adapter
	app   *app
	token core.Secret
	api   *slackgo.Client

	gate  chan struct{} // one auth.test at a time
	mu    sync.Mutex
	self  identity
	known bool
	slow  bool // histories are read at Slack's harshest limit, always

	people  *cache[person]
	rooms   *cache[core.RoomInfo]
	groups  *cache[map[string][]string] // one entry: user groups by user
	directs *cache[string]              // user -> channel of the direct message
	uploads *cache[string]              // blob -> uploaded file
	learned *cache[bool]                // buckets whose rate the limiter knows
	looking *cache[looked]              // look-ups that one try could not finish
	// readings are what look-ups read, by channel and thread.
	readings *reading.Cache[*message]
	refused  map[string]time.Time // channel -> last 429 on a post
	// slowUntil is until when histories are read at Slack's harshest limit.
	slowUntil time.Time
}

// identity is who we are in a team.
type identity struct {
	Team, BotUser, BotID, AppID, URL string
}

func (a *Adapter) newInstallation(p *app, token core.Secret) *installation {
	i := &installation{a: a, app: p, token: token, gate: make(chan struct{}, 1), refused: map[string]time.Time{},
		people: newCache[person](5000, 10*time.Minute), rooms: newCache[core.RoomInfo](2000, 10*time.Minute), groups: newCache[map[string][]string](1, 2*time.Minute),
		directs: newCache[string](5000, time.Hour),
		uploads: newCache[string](2000, time.Hour), learned: newCache[bool](5000, 5*time.Minute), looking: newCache[looked](200, firstTry), readings: reading.New[*message](a.o.Clock)}
	i.api = slackgo.New(token.Reveal(), slackgo.OptionAPIURL(a.o.APIURL), slackgo.OptionHTTPClient(a.http))
	return i
}

// identify asks Slack once who the token belongs to.
func (i *installation) identify(ctx context.Context) (identity, error) {
	if id, ok := i.identity(); ok {
		return id, nil
	}
	select {
	case i.gate <- struct{}{}:
		defer func() { <-i.gate }()
	case <-ctx.Done():
		return identity{}, core.Wrap(core.CodeRetry, context.Cause(ctx))
	}
	if id, ok := i.identity(); ok {
		return id, nil
	}
	r, err := i.api.AuthTestContext(ctx)
	if err != nil {
		return identity{}, classify(fromLibrary("auth.test", err), false)
	}
	id := identity{Team: r.TeamID, BotUser: r.UserID, BotID: r.BotID, URL: r.URL}
	var bot struct {
		Bot struct {
			AppID string `json:"app_id"`
		} `json:"bot"`
	}
	// The app id only sharpens the echo rule; the events carry it too.
	if err := i.call(ctx, "bots.info", url.Values{"bot": {id.BotID}}, &bot); err == nil {
		id.AppID = bot.Bot.AppID
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.self, i.known = id, true
	return id, nil
}

func (i *installation) identity() (identity, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.self, i.known
}

// in finds the installation of a team, asking Slack who we are where that is not known yet. Those that are known come
// first: a token that Slack does not answer for holds up nobody else.
func (a *Adapter) in(ctx context.Context, team string) (*installation, error) {
	if i := a.near(team); i != nil {
		return i, nil
	}
	var first error
	for _, i := range a.all() {
		id, err := i.identify(ctx)
		switch {
		case err == nil && id.Team == team:
			return i, nil
		case err != nil && first == nil:
			first = err
		}
	}
	if a.oauth != nil {
		if err := a.syncInstalls(ctx, a.oauth, false); err != nil {
			return nil, err
		}
		if i := a.near(team); i != nil {
			return i, nil
		}
	}
	if first != nil {
		return nil, first
	}
	return nil, errNotInstalled()
}

// near finds a team's installation without asking anybody.
func (a *Adapter) near(team string) *installation {
	for _, i := range a.all() {
		if id, ok := i.identity(); ok && id.Team == team {
			return i
		}
	}
	return nil
}

// call makes one Web API call and reads its answer tolerantly.
func (i *installation) call(ctx context.Context, method string, form url.Values, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, i.a.o.APIURL+method, strings.NewReader(form.Encode()))
	if err != nil {
		return &notSent{transport(err)}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Bearer "+i.token.Reveal())
	resp, err := i.a.http.Do(req)
	if err != nil {
		return transport(err)
	}
	defer drain(resp.Body)
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		return &limited{retryAfter(resp.Header)}
	case resp.StatusCode != http.StatusOK:
		return &badStatus{resp.StatusCode}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return transport(err)
	}
	var head struct {
		OK       bool   `json:"ok"`
		Error    string `json:"error"`
		Needed   string `json:"needed"`
		Metadata struct {
			Messages []string `json:"messages"`
		} `json:"response_metadata"`
	}
	if len(body) > maxAnswer || decode(body, &head) != nil {
		return errUndecodable
	}
	if !head.OK {
		if head.Error == "" {
			return errUndecodable
		}
		return &apiError{Method: method, Code: head.Error, Needed: head.Needed, Messages: head.Metadata.Messages}
	}
	if out != nil && decode(body, out) != nil {
		return errUndecodable
	}
	return nil
}

func retryAfter(h http.Header) time.Duration {
	if n, err := strconv.Atoi(h.Get("Retry-After")); err == nil && n > 0 && n < 3600 {
		return time.Duration(n) * time.Second
	}
	return time.Second
}

// drain lets the connection be used again.
func drain(b io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, b, 64<<10) // what is left unread only costs the connection
	_ = b.Close()
}

// marshal is json.Marshal without HTML escaping, which would count against Slack's limits.
func marshal(v any) (string, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "", core.Wrap(core.CodeInternal, err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}
