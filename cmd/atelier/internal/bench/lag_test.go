package bench

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/adapters/discord/discordsim"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

const (
	lagRooms  = 20
	lagGap    = 50 * time.Millisecond // twenty replies a second
	lagRound  = 40                    // replies of one path before the other one has its turn
	lagWanted = 2.5

	shortTalk = "the light is too cold and the horizon tilts"

	quietRooms  = 20 // more than there are partitions, so that two rooms share one
	quietGap    = 100 * time.Millisecond
	quietWanted = 1.5
)

// BenchmarkLag measures how long a reply takes from the POST of its signed event until Discord has accepted it, at twenty
// a second in twenty rooms and with all limits kept, against the bare path at the same pace, in alternating rounds.
func BenchmarkLag(b *testing.B) {
	w := startWorld(b, lagRooms, true)
	w.answerDiscord(b)
	ours, floor := w.paths(startBare(b, w))
	trips := &rdb.Trips{Counts: w.counted()}
	w.App().Store().DB.Client.AddHook(trips)
	said, tripCount, counted := 0, 0, 0
	round := func(p path, n int) []time.Duration {
		w.take(p)
		trips.Start()
		lags := w.paced(b, p, fmt.Sprintf("lag%s%05d", p.name, said), shortTalk, lagGap, func(i int) pair { return w.pairs[(said+i)%lagRooms] }, n)
		said += n
		w.settle(b)
		if got, _ := trips.Stop(); p == ours {
			tripCount += got
			counted += n
		}
		return lags
	}
	round(floor, lagRooms)
	round(ours, lagRooms)
	var our, bare []time.Duration
	for b.Loop() {
		for i := range min(size(2000), 480) / lagRound { // thirty messages a minute and channel are Discord's
			if i%2 == 0 {
				bare = append(bare, round(floor, lagRound)...)
				our = append(our, round(ours, lagRound)...)
			} else {
				our = append(our, round(ours, lagRound)...)
				bare = append(bare, round(floor, lagRound)...)
			}
		}
	}
	b.StopTimer()
	tripCount /= counted
	p50, p99, floor50, floor99 := quantile(our, .5), quantile(our, .99), quantile(bare, .5), quantile(bare, .99)
	ratio := float64(p50) / float64(floor50)
	b.ReportMetric(ms(p50), "p50-ms")
	b.ReportMetric(ms(floor50), "floor-p50-ms")
	b.ReportMetric(ratio, "ratio")
	b.ReportMetric(float64(tripCount), "trips/msg")
	b.ReportMetric(0, "ns/op")
	b.Logf("%d replies at 20/s in %d rooms with %s: p50 %.2f ms, p99 %.2f ms, %d Redis round trips each until settled; bare path p50 %.2f ms, p99 %.2f ms: ratio %.2f (wanted: below %.1f)",
		len(our), lagRooms, w.redis.kind, ms(p50), ms(p99), tripCount, ms(floor50), ms(floor99), ratio, lagWanted)
	if ratio >= lagWanted {
		b.Errorf("ratio %.2f is not below %.1f", ratio, lagWanted)
	}
}

// counted tells the keys of round trips that a reply makes from those that are made anyway.
func (w *world) counted() func(string) bool {
	own := w.partitions()
	return func(key string) bool {
		_, rest, _ := strings.Cut(key, "{")
		tag, _, _ := strings.Cut(rest, "}")
		return (own[tag] || strings.HasPrefix(tag, "limit:")) && !strings.HasSuffix(key, ":lease")
	}
}

// paced says n replies on Slack at a steady pace, each whether or not the one before has arrived, and returns how long
// each took from its POST until Discord had accepted it.
func (w *world) paced(b *testing.B, p path, prefix, talk string, gap time.Duration, room func(i int) pair, n int) []time.Duration {
	b.Helper()
	var mu sync.Mutex
	began, words := map[string]time.Time{}, map[string]time.Time{}
	for i := range n {
		words[fmt.Sprintf("%sx%05d", prefix, i)] = time.Time{}
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: sayers}, Timeout: patience}
	defer client.CloseIdleConnections()
	var wg sync.WaitGroup
	wg.Go(func() {
		pace := time.NewTicker(gap)
		defer pace.Stop()
		for i := range n {
			<-pace.C
			word := fmt.Sprintf("%sx%05d", prefix, i)
			event := w.signedEvent(room(i), word+" "+talk, time.Now())
			wg.Go(func() {
				mu.Lock()
				began[word] = time.Now()
				mu.Unlock()
				if err := postOne(b.Context(), client, p.slack, event); err != nil {
					b.Errorf("say: %v", err)
				}
			})
		}
	})
	at := w.tap.collect(b, words)
	wg.Wait()
	lags := make([]time.Duration, 0, n)
	for word, t := range at {
		lags = append(lags, t.Sub(began[word]))
	}
	return lags
}

// BenchmarkQuietRoom measures how long replies of a quiet room take while a room of the same partition is talked in and
// Discord refuses everything for that one, against how long they take while it is talked in and all is well.
func BenchmarkQuietRoom(b *testing.B) {
	w := startWorld(b, quietRooms, true)
	w.answerDiscord(b)
	ours := path{name: "quiet", slack: "http://" + w.App().Addr() + "/slack/events"}
	w.take(ours)
	quiet, noisy := w.neighbours(b)
	n := size(600)
	noise := 0
	measure := func(what string, n int) []time.Duration {
		ctx, cancel := context.WithCancel(b.Context())
		var wg sync.WaitGroup
		wg.Go(func() { noise += w.chatter(ctx, b, ours, noisy, noise) })
		lags := w.paced(b, ours, "quiet"+what, shortTalk, quietGap, func(int) pair { return quiet }, n)
		cancel()
		wg.Wait()
		return lags
	}
	var before, during []time.Duration
	refused := 0
	for b.Loop() {
		measure("warm", 10)
		before = append(before, measure("before", n)...)
		w.settle(b)
		if err := w.Discord.Fault(discordsim.Fault{Kind: "ratelimited", Channel: noisy.discord, Times: -1, RetryAfter: 0.2}); err != nil {
			b.Fatal(err)
		}
		during = append(during, measure("during", n)...)
		for _, c := range w.Discord.Calls("/webhooks/") {
			if c.Status == http.StatusTooManyRequests {
				refused++
			}
		}
		w.Discord.ClearFaults()
	}
	b.StopTimer()
	was, is := quantile(before, .5), quantile(during, .5)
	ratio := float64(is) / float64(was)
	b.ReportMetric(ms(was), "p50-before-ms")
	b.ReportMetric(ms(is), "p50-during-ms")
	b.ReportMetric(ratio, "ratio")
	b.ReportMetric(float64(refused), "refused")
	b.ReportMetric(0, "ns/op")
	b.Logf("%d replies of a quiet room at 10/s while a neighbour of its partition was refused %d times, with %s: p50 %.2f ms, p99 %.2f ms; before p50 %.2f ms, p99 %.2f ms: ratio %.2f (wanted: at most %.1f)",
		len(during), refused, w.redis.kind, ms(is), ms(quantile(during, .99)), ms(was), ms(quantile(before, .99)), ratio, quietWanted)
	if refused == 0 {
		b.Error("the noisy room was not refused")
	}
	if ratio > quietWanted {
		b.Errorf("ratio %.2f is above %.1f", ratio, quietWanted)
	}
}

// neighbours returns two pairs whose projects share a partition: what is close can be held up most.
func (w *world) neighbours(b *testing.B) (quiet, noisy pair) {
	b.Helper()
	parts := w.App().Store().DB.Parts
	for i, p := range w.pairs {
		if j := slices.IndexFunc(w.pairs[:i], func(q pair) bool { return parts.OfProject(q.project) == parts.OfProject(p.project) }); j >= 0 {
			return p, w.pairs[j]
		}
	}
	b.Fatal("no two projects share a partition")
	return pair{}, pair{}
}

// chatter talks in a room at the quiet room's pace until the context ends, and returns how much was said.
func (w *world) chatter(ctx context.Context, b *testing.B, p path, room pair, first int) int {
	pace := time.NewTicker(quietGap)
	defer pace.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return n
		case <-pace.C:
		}
		event := w.signedEvent(room, fmt.Sprintf("noise%06d is said all the time", first+n), time.Now())
		if err := postOne(b.Context(), http.DefaultClient, p.slack, event); err != nil {
			b.Errorf("say: %v", err)
		}
	}
}
