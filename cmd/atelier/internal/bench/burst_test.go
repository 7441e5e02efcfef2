package bench

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	burstRooms = 20
	burstLimit = 20 * time.Minute // the stated size takes about eight at Discord's thirty messages a minute and channel
)

// BenchmarkBurst says very much at once in twenty rooms on Slack, as fast as the simulator takes it, and counts what
// arrives on Discord: all of it, each once, in order within its thread. The pace that is left is Discord's own: fifty
// requests a second. Over signed HTTP the platform sends one event of a channel after the other, and any inversion is
// ours. Over Socket Mode it deals the events of one channel out to two connections without waiting for either, so that
// messages of the same few milliseconds may reach us in another order than they were said: there, inversions are
// reported and not fatal.
func BenchmarkBurst(b *testing.B) {
	for _, mode := range []struct {
		name string
		http bool
	}{{"socket", false}, {"http", true}} {
		b.Run(mode.name, func(b *testing.B) { burst(b, mode.http) })
	}
}

func burst(b *testing.B, overHTTP bool) {
	w := startWorld(b, burstRooms, overHTTP)
	perRoom := size(5000) / burstRooms
	total := perRoom * burstRooms
	var said, took time.Duration
	for b.Loop() {
		began := time.Now()
		var wg sync.WaitGroup
		for r, p := range w.pairs {
			wg.Go(func() {
				for i := range perRoom {
					w.reply(b, p, fmt.Sprintf("burst %02d %05d", r, i))
				}
			})
		}
		wg.Wait()
		said = time.Since(began)
		last, ok := w.await(b, total)
		if !ok {
			break // what is missing is counted below
		}
		took = last.Sub(began)
	}
	b.StopTimer()
	w.settle(b)
	losses, duplicates, inversions := w.judge(perRoom)
	rate := float64(total) / took.Seconds()
	b.ReportMetric(rate, "msg/s")
	b.ReportMetric(float64(losses), "lost")
	b.ReportMetric(float64(duplicates), "twice")
	b.ReportMetric(float64(inversions), "out-of-order")
	b.ReportMetric(0, "ns/op")
	b.Logf("%d replies in %d rooms, said within %.2f s, with %s: all on Discord after %.1f s, %.0f/s; %d lost, %d twice, %d out of order",
		total, burstRooms, said.Seconds(), w.redis.kind, took.Seconds(), rate, losses, duplicates, inversions)
	if losses+duplicates > 0 || overHTTP && inversions > 0 {
		b.Fatalf("%d lost, %d twice, %d out of order", losses, duplicates, inversions)
	}
}

// await waits until so many messages were accepted and returns when the last one was.
func (w *world) await(b *testing.B, total int) (last time.Time, ok bool) {
	b.Helper()
	limit := time.NewTimer(burstLimit)
	defer limit.Stop()
	for range total {
		select {
		case a := <-w.tap.got:
			last = a.at
		case <-limit.C:
			return last, false
		}
	}
	return last, true
}

// judge reads what the threads on Discord show in the end.
func (w *world) judge(perRoom int) (losses, duplicates, inversions int) {
	shown := map[string][]string{}
	for _, th := range w.Discord.Snapshot("", 0).Threads {
		for _, m := range th.Messages {
			shown[th.ID] = append(shown[th.ID], m.Content)
		}
	}
	for r, p := range w.pairs {
		seen, newest := map[int]int{}, -1
		for _, text := range shown[p.discThread] {
			rest, ok := strings.CutPrefix(text, fmt.Sprintf("burst %02d ", r))
			var i int
			if !ok {
				continue
			}
			if _, err := fmt.Sscanf(rest, "%d", &i); err != nil {
				continue
			}
			if seen[i]++; seen[i] > 1 {
				duplicates++
				continue
			}
			if i < newest {
				inversions++
			}
			newest = max(newest, i)
		}
		losses += perRoom - len(seen)
	}
	return losses, duplicates, inversions
}
