package bench

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/cmd/atelier/internal/app"
)

const (
	durableRooms  = 20
	durableWanted = 0.4
	// durableRound is how many replies one round says in each direction: fewer than the simulated gateway queues.
	durableRound = 500
)

// BenchmarkDurable relays replies in both directions at once in many rooms, with every limit off, and compares the rate
// with that of bare paths (see bareRelay) on the same Redis and the same simulators, in alternating rounds.
func BenchmarkDurable(b *testing.B) {
	w := startWorld(b, durableRooms, true, func(c *app.Config) { c.Unpaced = true })
	w.answerDiscord(b)
	bare := startBare(b, w)
	ours, floor := w.paths(bare)
	said := 0
	round := func(p path, n int) time.Duration {
		w.take(p)
		said += n
		return w.both(b, p, said-n, n)
	}
	round(floor, durableRound/5)
	round(ours, durableRound/5)
	var ourTime, floorTime time.Duration
	count := 0
	for b.Loop() {
		for i := range size(40_000) / (2 * durableRound) {
			if i%2 == 0 {
				floorTime += round(floor, durableRound)
				ourTime += round(ours, durableRound)
			} else {
				ourTime += round(ours, durableRound)
				floorTime += round(floor, durableRound)
			}
			count += 2 * durableRound
		}
	}
	b.StopTimer()
	w.once(b, "durable", 2*said)
	ourRate, floorRate := float64(count)/ourTime.Seconds(), float64(count)/floorTime.Seconds()
	ratio := ourRate / floorRate
	b.ReportMetric(ourRate, "replies/s")
	b.ReportMetric(floorRate, "floor/s")
	b.ReportMetric(ratio, "ratio")
	b.ReportMetric(0, "ns/op")
	b.Logf("%d replies in %d rooms, both directions at once, without limits, with %s: %.0f/s, bare paths %.0f/s: ratio %.2f (wanted: at least %.1f)",
		count, durableRooms, w.redis.kind, ourRate, floorRate, ratio, durableWanted)
	if ratio < durableWanted {
		b.Errorf("ratio %.2f is below %.1f", ratio, durableWanted)
	}
}

// both says n replies in each direction over a path and returns how long it took until the platforms had accepted all.
func (w *world) both(b *testing.B, p path, first, n int) time.Duration {
	b.Helper()
	begin := time.Now()
	events := make([]signedCommand, n)
	toDiscord, toSlack := map[string]time.Time{}, map[string]time.Time{}
	text := func(to string, i int) string {
		return fmt.Sprintf("durable%s%s%07d the light is too cold and the horizon tilts", p.name, to, first+i)
	}
	word := func(s string) string { word, _, _ := strings.Cut(s, " "); return word }
	for i := range n {
		room := w.pairs[i%len(w.pairs)]
		events[i] = w.signedEvent(room, text("d", i), begin.Add(time.Duration(i)*time.Microsecond))
		toDiscord[word(text("d", i))], toSlack[word(text("s", i))] = begin, begin
	}
	began := time.Now()
	var wg sync.WaitGroup
	wg.Go(func() {
		sayAll(b, n, func(c *http.Client, i int) error { return postOne(b.Context(), c, p.slack, events[i]) })
	})
	wg.Go(func() {
		sayAll(b, n, func(c *http.Client, i int) error {
			return w.sayOnDiscord(b.Context(), c, p, w.pairs[i%len(w.pairs)], text("s", i))
		})
	})
	w.tap.collect(b, toDiscord)
	w.slackTap.collect(b, toSlack)
	took := time.Since(began)
	wg.Wait()
	w.settle(b)
	return took
}

// once fails unless every message that begins with a word stands once in its thread on the other side. What the
// simulated Slack took by a call that it then refused would show here.
func (w *world) once(b *testing.B, prefix string, want int) {
	b.Helper()
	seen := map[string]int{}
	note := func(text string) {
		if word, _, _ := strings.Cut(text, " "); strings.HasPrefix(word, prefix) {
			seen[word]++
		}
	}
	for _, p := range w.pairs {
		for _, m := range w.Slack.Thread(p.slack, p.slackThread) {
			if m.BotID != "" {
				note(m.Text)
			}
		}
		for _, m := range w.Discord.Messages(p.discThread) {
			if m.WebhookID != "" {
				note(m.Content)
			}
		}
	}
	for word, n := range seen {
		if n != 1 {
			b.Fatalf("%s stands there %d times", word, n)
		}
	}
	if len(seen) != want {
		byKind := map[string]int{}
		for word := range seen {
			byKind[strings.TrimRight(word, "0123456789")]++
		}
		b.Fatalf("%d of %d messages stand there: %v", len(seen), want, byKind)
	}
}
