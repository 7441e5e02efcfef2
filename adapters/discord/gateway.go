package discord

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"

	"github.com/atelier-bridge/atelier/core"
)

const (
	// openTimeout bounds one attempt to open or resume.
	openTimeout = 15 * time.Second
	// stuckAfter is how long the library's lock may be held before its session is given up.
	stuckAfter = 10 * time.Second
	// identifyEvery is the least time between two new sessions of one bucket: five seconds, and what clocks and networks
	// may differ by. https://docs.discord.com/developers/events/gateway#rate-limiting
	identifyEvery = 5500 * time.Millisecond
	// identifyReserve is what is left untouched of the day's new sessions: going over the budget resets the token.
	identifyReserve = 100
	// identifyDay new sessions may begin in a row and as many more spread over a day, by our own count, whatever Discord's
	// number says: 900 of its 1,000 at the most.
	identifyDay    = 450
	identifyBudget = "discord/identifies"
	// shortLived is a session whose end makes the next one wait longer each time, up to maxPause.
	shortLived = time.Minute
	maxPause   = 5 * time.Minute
	// maxResumes is how often in a row a resume may fail before a new session is made.
	maxResumes = 6

	intents = discordgo.IntentsGuilds | discordgo.IntentsGuildMessages | discordgo.IntentMessageContent | discordgo.IntentsGuildMessageReactions |
		discordgo.IntentGuildWebhooks | discordgo.IntentsDirectMessages
)

var errStuck = errors.New("gateway library is stuck")

// fatalCloses are the codes after which trying again cannot help.
// https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes
func fatalClose(code int) *core.Error {
	switch code {
	case 4004:
		return core.Errorf(core.CodeFatal, "Discord refuses the bot token.").WithNext("Set a valid bot token and restart.")
	case 4014:
		return core.Errorf(core.CodeFatal, "Discord refuses the message content intent.").WithNext("Switch it on under Bot in the developer portal and restart.")
	case 4010, 4011, 4012, 4013:
		return core.Errorf(core.CodeFatal, "Discord refuses the gateway connection (close code %d).", code)
	}
	return nil
}

// freshClose says that a session cannot be resumed after this code.
func freshClose(code int) bool { return code == 4003 || code == 4007 || code == 4009 }

// session is one discordgo session with its present connection.
type session struct {
	dg   *discordgo.Session
	gone chan struct{} // the library said that it is disconnected
	seq  atomic.Int64
	name string // of the session, for the keys of its events; only its reader knows it

	mu   sync.Mutex
	link *link
}

func (s *session) current() *link {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.link
}

func (s *session) drop() {
	if l := s.current(); l != nil {
		_ = l.Close()
	}
}

// supervisor opens, resumes and replaces the sessions of one shard.
type supervisor struct {
	a            *Adapter
	in           *intake
	shard, total int
	h            *holding
}

// run serves until the context ends or Discord refuses for good.
func (g *supervisor) run(ctx context.Context) error {
	for n := 0; ctx.Err() == nil; n++ {
		s, err := g.prepare(ctx)
		if err == nil {
			began := g.a.now()
			err = g.serve(ctx, s)
			if g.a.now().Sub(began) >= shortLived {
				n = 0
			}
		}
		switch {
		case core.ErrorCode(err) == core.CodeFatal:
			return err
		case ctx.Err() != nil:
			return nil
		}
		g.a.log.WarnContext(ctx, "gateway needs a new session", "shard", g.shard, "error", err)
		wait := time.Second + rand.N(time.Second) + min(time.Second<<min(n, 10)-time.Second, maxPause)
		_ = g.a.clock.Sleep(ctx, max(wait, core.RetryAfter(err)))
	}
	return nil
}

// prepare makes a session once the budget of new ones allows it. Discord counts the budget itself, for all replicas; we
// count too, in case its number is old.
func (g *supervisor) prepare(ctx context.Context) (*session, error) {
	info, err := g.a.gatewayInfo(ctx)
	if err != nil {
		return nil, err
	}
	if err := g.a.trustedGateway(info.URL); err != nil {
		return nil, err
	}
	if info.Limit.Remaining <= identifyReserve {
		g.a.log.ErrorContext(ctx, "gateway sessions of the day are used up", "remaining", info.Limit.Remaining, "reset_ms", info.Limit.ResetAfter)
		wait := min(time.Duration(info.Limit.ResetAfter)*time.Millisecond, time.Hour)
		return nil, &core.Error{Code: core.CodeRetry, RetryAfter: max(wait, time.Minute), Err: errors.New("gateway session budget used up")}
	}
	if err := g.a.mayIdentify(ctx, g.shard%max(info.Limit.Concurrency, 1)); err != nil {
		return nil, err
	}
	return g.newSession(info.URL)
}

// mayIdentify counts a new session against the day and waits for its turn, in all replicas.
func (a *Adapter) mayIdentify(ctx context.Context, bucket int) error {
	const day = 24 * time.Hour
	a.rest.limiter.Learn(ctx, identifyBudget, identifyDay, day)
	soon, cancel := context.WithTimeout(ctx, time.Second)
	err := a.rest.limiter.Wait(soon, identifyBudget)
	cancel()
	if wait := core.RetryAfter(err); wait > 0 {
		a.log.ErrorContext(ctx, "gateway sessions of the day are used up by our own count", "wait", wait)
		return &core.Error{Code: core.CodeRetry, RetryAfter: wait, Err: errors.New("gateway session budget used up")}
	}
	if err != nil {
		return waited(ctx, err)
	}
	name := "discord/identify/" + strconv.Itoa(bucket)
	a.rest.limiter.Learn(ctx, name, 1, identifyEvery)
	if err := waited(ctx, a.rest.limiter.Wait(ctx, name)); err != nil {
		return err
	}
	for {
		a.mu.Lock()
		now := a.now()
		wait := identifyEvery - now.Sub(a.identified[bucket])
		if wait <= 0 {
			a.identified[bucket] = now
		}
		a.mu.Unlock()
		if wait <= 0 {
			return nil
		}
		if err := a.clock.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

func (a *Adapter) trustedGateway(link string) error {
	u, err := url.Parse(link)
	ok := err == nil && u.Scheme == "wss" && strings.HasSuffix(u.Hostname(), ".discord.gg")
	if err == nil && a.override {
		ok = (u.Scheme == "ws" || u.Scheme == "wss") && u.Host == a.api.Host
	}
	if !ok {
		return core.Errorf(core.CodeRetry, "Discord named a gateway that is not trusted.")
	}
	return nil
}

// newSession sets the library up so that it only speaks the protocol: no reconnects, no state, events in order.
func (g *supervisor) newSession(gateway string) (*session, error) {
	dg, err := discordgo.New("Bot " + g.a.o.BotToken.Reveal())
	if err != nil {
		return nil, fmt.Errorf("gateway session: %w", err)
	}
	s := &session{dg: dg, gone: make(chan struct{}, 1)}
	dg.ShouldReconnectOnError, dg.ShouldReconnectVoiceOnSessionError = false, false
	dg.SyncEvents, dg.StateEnabled = true, false
	dg.Compress, dg.Identify.Compress = false, false
	dg.ShouldRetryOnRateLimit, dg.MaxRestRetries = false, 0
	dg.LogLevel = -1 // its log names tokens
	dg.Identify.Intents = intents
	dg.ShardID, dg.ShardCount = g.shard, g.total
	dg.Client = &http.Client{Transport: fixedGateway(gateway)}
	dial := net.Dialer{Timeout: openTimeout, KeepAlive: 15 * time.Second}
	wrap := func(c net.Conn, err error) (net.Conn, error) {
		if err != nil {
			return nil, err
		}
		l := newLink(c, s.seq.Load)
		s.mu.Lock()
		s.link = l
		s.mu.Unlock()
		return l, nil
	}
	dg.Dialer = &websocket.Dialer{
		HandshakeTimeout: openTimeout,
		NetDialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return wrap(dial.DialContext(ctx, network, addr))
		},
		NetDialTLSContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			t := tls.Dialer{NetDialer: &dial, Config: &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}}
			return wrap(t.DialContext(ctx, network, addr))
		},
	}
	h := g.h
	dg.AddHandler(func(_ *discordgo.Session, e *discordgo.Event) {
		if !h.sure() {
			s.drop() // another holder is told what we would store now
			return
		}
		s.seq.Store(e.Sequence)
		if e.Type == "READY" {
			s.name = g.in.ready(e.RawData, g.shard)
		}
		g.in.event(e.Type, s.name+"/"+strconv.FormatInt(e.Sequence, 10), e.RawData)
	})
	dg.AddHandler(func(*discordgo.Session, *discordgo.Disconnect) {
		select {
		case s.gone <- struct{}{}:
		default:
		}
	})
	return s, nil
}

// fixedGateway answers the library's only REST call, for the gateway's address, which is known already.
func fixedGateway(address string) http.RoundTripper {
	return roundTrip(func(req *http.Request) (*http.Response, error) {
		if req.Method != http.MethodGet || !strings.HasSuffix(req.URL.Path, "/gateway") {
			return nil, errors.New("not for the library to call")
		}
		body, err := json.Marshal(map[string]string{"url": address})
		if err != nil {
			return nil, err
		}
		return &http.Response{StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"Content-Type": {"application/json"}},
			Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: req}, nil
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// linkIs counts a gateway connection that came up (1) or went down (-1).
func (a *Adapter) linkIs(n float64) {
	a.o.Telemetry.Add(core.MetricLinkUp, n, string(core.Discord), "gateway")
	a.o.Telemetry.Count(core.MetricLinkChanges, string(core.Discord), map[bool]string{true: "up", false: "down"}[n > 0])
}

// serve opens a session and resumes it after each loss, until it cannot be resumed. The error says why.
func (g *supervisor) serve(ctx context.Context, s *session) error {
	defer g.stop(context.WithoutCancel(ctx), s)
	fails := 0
	for {
		err := g.open(ctx, s)
		if ctx.Err() != nil {
			return nil
		}
		if err == nil {
			fails = 0
			g.a.log.InfoContext(ctx, "gateway connected", "shard", g.shard)
			g.a.linkIs(1)
			err = g.watch(ctx, s)
			g.a.linkIs(-1)
			if ctx.Err() != nil {
				return nil
			}
		} else {
			fails++
		}
		if errors.Is(err, errStuck) {
			return err
		}
		code, verdict := 0, error(nil)
		if l := s.current(); l != nil {
			code, verdict = l.outcome()
		}
		var ce *websocket.CloseError
		if code == 0 && errors.As(err, &ce) {
			code = ce.Code
		}
		if fatal := fatalClose(code); fatal != nil {
			return fatal.Because(err)
		}
		if errors.Is(verdict, errInvalid) || freshClose(code) || fails >= maxResumes || s.seq.Load() == 0 {
			return fmt.Errorf("session ended, close code %d: %w", code, errors.Join(errInvalid, err))
		}
		g.a.log.InfoContext(ctx, "gateway lost, resuming", "code", code, "tries", fails)
		if fails > 0 {
			_ = g.a.clock.Sleep(ctx, time.Duration(fails)*500*time.Millisecond)
		}
	}
}

// open runs the library's Open, which may never return: then its session is given up.
func (g *supervisor) open(ctx context.Context, s *session) error {
	select {
	case <-s.gone:
	default:
	}
	s.mu.Lock()
	s.link = nil
	s.mu.Unlock()
	done := make(chan error, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				done <- fmt.Errorf("gateway library panicked: %v", r)
			}
		}()
		done <- s.dg.Open()
	}()
	timer := time.NewTimer(openTimeout)
	defer timer.Stop()
	select {
	case err := <-done:
		if l := s.current(); err == nil && l != nil {
			l.open()
		}
		return err
	case <-timer.C:
	case <-ctx.Done():
	}
	// With its connection gone, Open returns unless it is truly stuck.
	s.drop()
	timer.Reset(2 * time.Second)
	select {
	case err := <-done:
		return errors.Join(errors.New("gateway did not open in time"), err)
	case <-timer.C:
		return errStuck
	}
}

// watch returns when the connection is lost or the library stopped moving.
func (g *supervisor) watch(ctx context.Context, s *session) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	moving := time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.gone:
			return errors.New("connection lost")
		case <-tick.C:
			if s.dg.TryRLock() {
				s.dg.RUnlock()
				moving = time.Now()
			} else if time.Since(moving) > stuckAfter {
				s.drop()
				return errStuck
			}
		}
	}
}

// stop says goodbye if the library can still do so, which takes it a second. When it is closing by itself that is waited
// for, unless it is stuck.
func (g *supervisor) stop(ctx context.Context, s *session) {
	done := make(chan struct{})
	enough, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	go func() {
		defer close(done)
		defer func() { _ = recover() }()
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for !s.dg.TryRLock() {
			select {
			case <-tick.C:
			case <-enough.Done():
				return
			}
		}
		s.dg.RUnlock()
		if l := s.current(); l != nil {
			l.leave()
		}
		_ = s.dg.Close()
	}()
	select {
	case <-done:
	case <-enough.Done():
	}
	s.drop()
}
