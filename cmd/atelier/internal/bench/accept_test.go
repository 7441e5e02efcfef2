package bench

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/adapters/slack"
	"github.com/atelier-bridge/atelier/adapters/slack/slacksim"
	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
	"github.com/atelier-bridge/atelier/core/relay"
	"github.com/atelier-bridge/atelier/feedback"
)

const (
	acceptClients = 32
	acceptRounds  = 8
	acceptWanted  = 0.5
)

// BenchmarkAccept compares how many signed slash commands per second the real path accepts (Slack's handler, then
// relay.Accept: verified, stored in Redis, acknowledged) with a bare handler that verifies the same signature and adds
// one entry to a stream. Rounds alternate, so that whatever else the machine does falls on both.
func BenchmarkAccept(b *testing.B) {
	redis := startRedis(b)
	ctx := b.Context()
	store, err := feedback.Open(ctx, feedback.Options{URL: redis.url, Prefix: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	seed := slacksim.DemoSeed()
	sim := startSlack(b, &seed)
	room := core.RoomID("slack:" + seed.Team.ID + "/" + seed.Channels[1].ID)
	if _, err := store.People.UpdateRoom(ctx, room, func(r *core.Room) error { r.Project = "ACME"; return nil }); err != nil {
		b.Fatal(err)
	}
	secret := core.NewSecret(seed.SigningSecret)
	adapter, err := slack.New(slack.Options{BotToken: core.NewSecret(seed.BotToken), SigningSecret: secret, APIURL: sim + "/api/", Table: command.New(), Limiter: store.Limiter})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(adapter.Close)
	accept := &relay.Accept{Journal: store.Journal, Projects: store.People, Refs: store.Review, Parts: store.DB.Parts, Clock: core.SystemClock{}, Log: slog.New(slog.DiscardHandler)}
	ours := httptest.NewServer(adapter.Handler(accept))
	b.Cleanup(ours.Close)
	floor := httptest.NewServer(bare(store, seed.SigningSecret))
	b.Cleanup(floor.Close)

	perRound := size(20_000)
	var ourTime, floorTime time.Duration
	count := 0
	next := 0
	round := func(target string, n int) time.Duration {
		commands := signedCommands(seed, next, n)
		next += n
		return post(b, target+"/slack/commands", commands)
	}
	round(floor.URL, perRound/4)
	round(ours.URL, perRound/4)
	for b.Loop() {
		for i := range acceptRounds {
			if i%2 == 0 {
				floorTime += round(floor.URL, perRound)
				ourTime += round(ours.URL, perRound)
			} else {
				ourTime += round(ours.URL, perRound)
				floorTime += round(floor.URL, perRound)
			}
			count += perRound
		}
	}
	stored, _, _, err := store.Journal.Backlog(context.WithoutCancel(ctx), store.DB.Parts.OfProject("ACME"))
	if err != nil || stored != int64(count+perRound/4) {
		b.Fatalf("%d inbounds stored, want %d: %v", stored, count+perRound/4, err)
	}
	oursRate, floorRate := float64(count)/ourTime.Seconds(), float64(count)/floorTime.Seconds()
	ratio := oursRate / floorRate
	b.ReportMetric(oursRate, "accepted/s")
	b.ReportMetric(floorRate, "floor/s")
	b.ReportMetric(ratio, "ratio")
	b.ReportMetric(0, "ns/op")
	b.Logf("accepting slash commands with %s: %.0f/s, the bare handler %.0f/s: ratio %.2f (wanted: at least %.1f)", redis.kind, oursRate, floorRate, ratio, acceptWanted)
	if ratio < acceptWanted {
		b.Errorf("ratio %.2f is below %.1f", ratio, acceptWanted)
	}
}

// startSlack serves a simulated workspace, for the names of people, and returns its address.
func startSlack(b *testing.B, o *slacksim.Options) string {
	b.Helper()
	var sim atomic.Pointer[slacksim.Server]
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { sim.Load().ServeHTTP(w, r) }))
	o.BaseURL = srv.URL
	s, err := slacksim.New(*o)
	if err != nil {
		b.Fatal(err)
	}
	sim.Store(s)
	b.Cleanup(func() {
		_ = s.Close() // first, since it ends the sockets that the listener waits for
		srv.Close()
	})
	return srv.URL
}

// bare is the floor: it verifies the signature as Slack describes it, adds the body to a stream and answers.
func bare(store *feedback.Store, secret string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, "unreadable", http.StatusBadRequest)
			return
		}
		ts := r.Header.Get("X-Slack-Request-Timestamp")
		at, err := strconv.ParseInt(ts, 10, 64)
		if err != nil || time.Since(time.Unix(at, 0)).Abs() > 5*time.Minute || !hmac.Equal([]byte(signature(secret, ts, body)), []byte(r.Header.Get("X-Slack-Signature"))) {
			http.Error(w, "bad signature", http.StatusUnauthorized)
			return
		}
		if err := store.DB.Client.Do(r.Context(), "XADD", "bench:{floor}:in", "*", "e", body).Err(); err != nil {
			http.Error(w, "not stored", http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusOK)
	})
}

func signature(secret, ts string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "v0:%s:", ts)
	mac.Write(body)
	return "v0=" + hex.EncodeToString(mac.Sum(nil))
}

// signedCommand is one request, made before the clock runs.
type signedCommand struct{ ts, signature, body string }

func signedCommands(o slacksim.Options, first, n int) []signedCommand {
	ts := strconv.FormatInt(time.Now().Unix(), 10)
	out := make([]signedCommand, n)
	for i := range out {
		u := o.Users[i%len(o.Users)]
		form := url.Values{"token": {"unused"}, "team_id": {o.Team.ID}, "team_domain": {o.Team.Domain}, "channel_id": {o.Channels[1].ID}, "channel_name": {o.Channels[1].Name},
			"user_id": {u.ID}, "user_name": {u.Name}, "command": {"/imagine"}, "text": {"a lighthouse in the fog, long exposure --ar 3:2"}, "api_app_id": {o.AppID},
			"response_url": {"https://hooks.slack.com/commands/T0/1/abc"}, "trigger_id": {"13345224609.738474920." + strconv.Itoa(first+i)}}
		body := form.Encode()
		out[i] = signedCommand{ts: ts, body: body, signature: signature(o.SigningSecret, ts, []byte(body))}
	}
	return out
}

// post sends all requests through the same number of concurrent clients and returns how long that took.
func post(b *testing.B, target string, all []signedCommand) time.Duration {
	b.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: acceptClients}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: patience}
	var next, failed atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	for range acceptClients {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(all) {
					return
				}
				if err := postOne(b.Context(), client, target, all[i]); err != nil && failed.Add(1) == 1 {
					b.Errorf("request refused: %v", err)
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(began)
	if n := failed.Load(); n > 0 {
		b.Fatalf("%d of %d requests failed", n, len(all))
	}
	return took
}

func postOne(ctx context.Context, client *http.Client, target string, c signedCommand) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(c.body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Slack-Request-Timestamp", c.ts)
	req.Header.Set("X-Slack-Signature", c.signature)
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", res.StatusCode)
	}
	return nil
}
