package bench

import (
	"context"
	"crypto/hmac"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/atelier-bridge/atelier/adapters/discord/discordsim"
	"github.com/atelier-bridge/atelier/cmd/atelier/internal/demo"
	"github.com/atelier-bridge/atelier/core"
)

const (
	bareStream = "bench:{floor}:relay"
	bareGroup  = "w"
	bareBatch  = 100 // entries of one read, as ours
	bareQueue  = 5000
	sayers     = 16 // clients that speak at once, on each side
)

// bareRelay is the floor of everything that brings a message from one platform to the other and may be killed at any
// moment: a signed event by POST, XADD, XREADGROUP, the very call with which the program posts such a message, XACK. It
// knows nothing of threads, people, edits, repetitions or limits. It runs beside the program on the same Redis and posts
// to the same simulators, with as much in flight: one message per thread and direction.
type bareRelay struct {
	srv    *httptest.Server
	redis  *redis.Client
	secret string
	client *http.Client
	lanes  map[string]chan redis.XMessage
}

// bareEvent is what the floor reads of an event.
type bareEvent struct {
	Event struct {
		BotID  string `json:"bot_id"`
		Text   string `json:"text"`
		Thread string `json:"thread_ts"`
	} `json:"event"`
}

// startBare begins to relay between the threads of a world whose threads were written in from both sides.
func startBare(b *testing.B, w *world) *bareRelay {
	b.Helper()
	opt, err := redis.ParseURL(w.redis.url)
	if err != nil {
		b.Fatal(err)
	}
	f := &bareRelay{redis: redis.NewClient(opt), secret: w.seed.SigningSecret, lanes: map[string]chan redis.XMessage{},
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2 * len(w.pairs)}, Timeout: patience}}
	if err := f.redis.XGroupCreateMkStream(b.Context(), bareStream, bareGroup, "$").Err(); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	lane := func(thread, target string, t *tap) {
		p := t.last(target)
		if p.path == "" || p.word == "" {
			b.Fatalf("nothing was posted in %s", target)
		}
		in := make(chan redis.XMessage, bareQueue)
		f.lanes[thread] = in
		wg.Go(func() { f.post(ctx, in, t.srv.URL+tapPrefix, p) })
	}
	for _, p := range w.pairs {
		lane(p.slackThread, p.discThread, w.tap)
		lane(p.discThread, p.slackThread, w.slackTap)
	}
	wg.Go(func() { f.read(ctx) })
	f.srv = httptest.NewServer(f)
	b.Cleanup(func() {
		f.srv.Close()
		cancel()
		wg.Wait()
		_ = f.redis.Close()
	})
	return f
}

// ServeHTTP stores an event. Slack's are verified as Slack says; what we posted ourselves comes back and is dropped, as
// any bridge must. Discord's come over a connection that is authenticated already.
func (f *bareRelay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		http.Error(w, "unreadable", http.StatusBadRequest)
		return
	}
	if r.URL.Path == "/slack" {
		ts := r.Header.Get("X-Slack-Request-Timestamp")
		at, err := strconv.ParseInt(ts, 10, 64)
		if err != nil || time.Since(time.Unix(at, 0)).Abs() > 5*time.Minute || !hmac.Equal([]byte(signature(f.secret, ts, body)), []byte(r.Header.Get("X-Slack-Signature"))) {
			http.Error(w, "bad signature", http.StatusUnauthorized)
			return
		}
		var e bareEvent
		if json.Unmarshal(body, &e) != nil || e.Event.BotID != "" {
			return
		}
	}
	if err := f.redis.Do(r.Context(), "XADD", bareStream, "*", "e", body).Err(); err != nil {
		http.Error(w, "not stored", http.StatusServiceUnavailable)
	}
}

// read hands entries out to the lanes.
func (f *bareRelay) read(ctx context.Context) {
	for ctx.Err() == nil {
		got, err := f.redis.XReadGroup(ctx, &redis.XReadGroupArgs{Group: bareGroup, Consumer: "w", Streams: []string{bareStream, ">"}, Count: bareBatch, Block: time.Second}).Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return // the benchmark waits in vain and says so
		}
		for _, s := range got {
			for _, m := range s.Messages {
				if lane := f.lanes[bareRead(m).Event.Thread]; lane != nil {
					lane <- m
				}
			}
		}
	}
}

func bareRead(m redis.XMessage) (e bareEvent) {
	data, _ := m.Values["e"].(string)
	_ = json.Unmarshal([]byte(data), &e) // what cannot be read goes to no lane
	return e
}

// post sends one entry after the other by the same call that the program made, with another text.
func (f *bareRelay) post(ctx context.Context, in <-chan redis.XMessage, base string, p posted) {
	for {
		select {
		case m := <-in:
			word, _, _ := strings.Cut(bareRead(m).Event.Text, " ")
			if f.send(ctx, base, p, word) == nil {
				f.redis.XAck(ctx, bareStream, bareGroup, m.ID)
			}
		case <-ctx.Done():
			return
		}
	}
}

func (f *bareRelay) send(ctx context.Context, base string, p posted, word string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+p.path, strings.NewReader(strings.ReplaceAll(p.body, p.word, word)))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", p.contentType)
	if p.auth != "" {
		req.Header.Set("Authorization", p.auth)
	}
	res, err := f.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err = io.Copy(io.Discard, res.Body); err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", res.StatusCode)
	}
	return err
}

// path is one of the two ways that a message takes in a benchmark.
type path struct {
	name    string
	slack   string // where Slack's signed events go
	discord string // where Discord's go; empty: people say it on Discord, and the gateway brings it
}

// paths returns the program's way and the bare one.
func (w *world) paths(f *bareRelay) (ours, floor path) {
	return path{name: "ours", slack: "http://" + w.App().Addr() + "/slack/events"}, path{name: "floor", slack: f.srv.URL + "/slack", discord: f.srv.URL + "/discord"}
}

// take sends what the simulated Slack tells from now on, which is what was posted there, to a path too.
func (w *world) take(p path) {
	base := "http://" + w.App().Addr()
	w.Slack.SetRequestURLs(p.slack, base+"/slack/commands", base+"/slack/interactions")
}

// signedEvent is a message in a pair's thread as Slack tells of it.
func (w *world) signedEvent(p pair, text string, at time.Time) signedCommand {
	who := demo.Personas()[len(text)%3].Slack
	ts := fmt.Sprintf("%d.%06d", at.Unix(), at.Nanosecond()/1000)
	event := map[string]any{"type": "message", "ts": ts, "event_ts": ts, "thread_ts": p.slackThread, "text": text, "user": who, "team": demo.SlackTeam, "channel": p.slack,
		"channel_type": "channel", "client_msg_id": "c7c1b1a0-0000-4000-8000-" + strings.ReplaceAll(ts, ".", "")[4:], "parent_user_id": w.seed.BotUserID,
		"blocks": []any{map[string]any{"type": "rich_text", "block_id": "b", "elements": []any{map[string]any{"type": "rich_text_section",
			"elements": []any{map[string]any{"type": "text", "text": text}}}}}}}
	body, _ := json.Marshal(map[string]any{"token": "unused", "team_id": demo.SlackTeam, "context_team_id": demo.SlackTeam, "context_enterprise_id": nil, "api_app_id": w.seed.AppID,
		"type": "event_callback", "event_id": "Ev" + strings.ReplaceAll(ts, ".", ""), "event_time": at.Unix(), "is_ext_shared_channel": false, "event": event,
		"authorizations": []any{map[string]any{"enterprise_id": nil, "team_id": demo.SlackTeam, "user_id": w.seed.BotUserID, "is_bot": true, "is_enterprise_install": false}},
		"event_context":  "4-unused"}) // plain maps cannot fail
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	return signedCommand{ts: stamp, body: string(body), signature: signature(w.seed.SigningSecret, stamp, body)}
}

// sayOnDiscord lets somebody say something in a pair's thread. For the bare path it is said where the program does not
// see it, and handed over as a gateway's event would be.
func (w *world) sayOnDiscord(ctx context.Context, client *http.Client, to path, p pair, text string) error {
	where := p.discThread
	if to.discord != "" {
		where = hiddenRoom
	}
	who := demo.Personas()[len(text)%3].Discord
	if _, err := w.Discord.Act(ctx, discordsim.Action{As: who, Do: "say", Channel: where, Text: text}); err != nil || to.discord == "" {
		return err
	}
	e := bareEvent{}
	e.Event.Text, e.Event.Thread = text, p.discThread
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return postOne(ctx, client, to.discord, signedCommand{body: string(body)})
}

// sayAll does n things through as many clients as speak at once.
func sayAll(b *testing.B, n int, say func(client *http.Client, i int) error) {
	transport := &http.Transport{MaxIdleConnsPerHost: sayers}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: patience}
	next := make(chan int, n)
	for i := range n {
		next <- i
	}
	close(next)
	var wg sync.WaitGroup
	for range sayers {
		wg.Go(func() {
			for i := range next {
				if err := say(client, i); err != nil {
					b.Errorf("say: %v", err)
				}
			}
		})
	}
	wg.Wait()
}

// answerDiscord says something in every thread on Discord and waits until it is on Slack, so that the calls of that
// direction are known too.
func (w *world) answerDiscord(b *testing.B) {
	b.Helper()
	words := map[string]time.Time{}
	for i, p := range w.pairs {
		text := fmt.Sprintf("warmth%03d the light is too cold", i)
		word, _, _ := strings.Cut(text, " ")
		words[word] = time.Time{}
		if err := w.sayOnDiscord(b.Context(), nil, path{}, p, text); err != nil {
			b.Fatal(err)
		}
	}
	w.slackTap.collect(b, words)
	w.settle(b)
	w.readAgain(b)
}

// readAgain waits until every thread was read again after the start. Later on, events are posted of messages that the
// simulated Slack does not have: to read it then would say that they were deleted.
func (w *world) readAgain(b *testing.B) {
	b.Helper()
	st := w.App().Store()
	until(b, "all threads were read after the start", func() bool {
		gaps, err := st.Gaps.Newest(b.Context())
		if err != nil || gaps[core.Slack] == 0 || gaps[core.Discord] == 0 {
			return false
		}
		for _, p := range w.pairs {
			for _, room := range []core.RoomID{demo.SlackRoomID(p.slack), demo.DiscordRoomID(p.discord)} {
				if t, err := st.Review.TaskThread(b.Context(), p.task(), room); err != nil || t.Checked < gaps[room.Platform()] {
					return false
				}
			}
		}
		return true
	})
	w.settle(b)
}
