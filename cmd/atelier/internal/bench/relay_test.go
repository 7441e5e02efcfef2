package bench

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/cmd/atelier/internal/demo"
	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

const (
	relayRooms = 20
	// relayGap keeps one message at a time below Discord's fifty requests per second: what is measured is the bridge,
	// not the wait for the platform's limit.
	relayGap = 40 * time.Millisecond
	// relayWanted is the bound of the median over its own round trips.
	relayWanted = 3 * time.Millisecond
)

// BenchmarkRelay measures how long a reply takes from Slack to the moment at which Discord has accepted it, one at a
// time, and takes off the time of the Redis round trips on its way: the rest is ours and the loopback's.
func BenchmarkRelay(b *testing.B) {
	w := startWorld(b, relayRooms, false)
	trips := &rdb.Trips{Counts: w.counted()}
	w.App().Store().DB.Client.AddHook(trips)

	// At most thirty messages a minute and channel, and one was said already.
	n := min(size(5800), relayRooms*28)
	var whole, rest []time.Duration
	var counts []int
	gap := time.NewTicker(relayGap)
	defer gap.Stop()
	for b.Loop() {
		for i := range n {
			<-gap.C
			text := fmt.Sprintf("note %04d: the light is too cold", i)
			var count int
			var took time.Duration
			w.tap.told = func() { count, took = trips.Stop() }
			trips.Start()
			began := time.Now()
			w.reply(b, w.pairs[i%len(w.pairs)], text)
			got := w.tap.next(b)
			if !strings.HasPrefix(got.text, text) { // behind it stands an invisible mark
				b.Fatalf("Discord got %q, want %q", got.text, text)
			}
			whole = append(whole, got.at.Sub(began))
			rest = append(rest, got.at.Sub(began)-took)
			counts = append(counts, count)
		}
	}
	slices.Sort(counts)
	p50, p99, r50, r99 := quantile(whole, .5), quantile(whole, .99), quantile(rest, .5), quantile(rest, .99)
	median := counts[len(counts)/2]
	b.ReportMetric(ms(p50), "p50-ms")
	b.ReportMetric(ms(p99), "p99-ms")
	b.ReportMetric(ms(r50), "p50-ms-without-redis")
	b.ReportMetric(ms(r99), "p99-ms-without-redis")
	b.ReportMetric(float64(median), "trips/msg")
	b.ReportMetric(0, "ns/op")
	b.Logf("%d replies from Slack to Discord with %s: p50 %.2f ms, p99 %.2f ms; without their %d Redis round trips p50 %.2f ms (wanted: at most %.0f), p99 %.2f ms",
		len(whole), w.redis.kind, ms(p50), ms(p99), median, ms(r50), ms(relayWanted), ms(r99))
	if r50 > relayWanted {
		b.Errorf("the median over its own round trips is %.2f ms, above %.0f", ms(r50), ms(relayWanted))
	}
}

// partitions names the hash tags of everything that a reply touches.
func (w *world) partitions() map[string]bool {
	parts := w.App().Store().DB.Parts
	own := map[string]bool{}
	for _, p := range w.pairs {
		own[string(parts.OfProject(p.project))] = true
		own[string(parts.OfKey(string(p.project)))] = true
		own[string(parts.OfKey(string(demo.SlackRoomID(p.slack))))] = true
		own[string(parts.OfKey(string(demo.DiscordRoomID(p.discord))))] = true
	}
	for _, p := range demo.Personas() {
		id := core.IdentityID("slack:" + demo.SlackTeam + "/" + p.Slack)
		own[string(parts.OfKey(string(id)))] = true
		own[string(parts.OfPerson(core.MakePersonID(id)))] = true
	}
	return own
}
