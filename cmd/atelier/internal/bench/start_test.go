package bench

import (
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/adapters/slack/slacksim"
)

const (
	startLimit    = 300 * time.Millisecond
	handoverLimit = time.Second
	scrapeLimit   = 5 * time.Millisecond
	startRounds   = 9
	scrapes       = 100
)

// BenchmarkStart measures what an operator waits for: from the start of a process until it is ready, from SIGTERM until
// the last of its partitions is free for others, and an answer of /metrics once people have talked.
func BenchmarkStart(b *testing.B) {
	bin := program(b)
	w := startPlatforms(b, 8)
	st := w.store(b)
	all := len(st.DB.Parts.All())
	var starts, handovers, scraped []time.Duration
	series := 0
	for b.Loop() {
		for round := range startRounds {
			ops := freeAddr(b)
			cmd := exec.Command(bin, "serve")
			cmd.Env = append([]string{"ATELIER_ADDR=" + freeAddr(b), "ATELIER_OPS_ADDR=" + ops}, w.env...)
			began := time.Now()
			if err := cmd.Start(); err != nil {
				b.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			until(b, "serve is ready", func() bool { return ready(b.Context(), "http://"+ops+"/readyz") })
			starts = append(starts, time.Since(began))
			until(b, "it holds every partition", func() bool {
				h, err := st.Holders(b.Context())
				return err == nil && h.Partitions == all
			})
			if round == 0 {
				until(b, "serve is connected", func() bool { return w.slack.Connections() >= 2 && w.discord.Snapshot("", 1).Sessions > 0 })
				w.chat(b)
				until(b, "nothing waits any more", func() bool {
					v, err := st.Survey(b.Context())
					return err == nil && v.Inbounds+v.Outgoings == 0
				})
				for range scrapes {
					took, n := scrape(b, "http://"+ops+"/metrics")
					scraped, series = append(scraped, took), n
				}
			}
			at := time.Now()
			_ = cmd.Process.Signal(syscall.SIGTERM) // it runs: its lease was just read
			until(b, "its partitions are free", func() bool {
				h, err := st.Holders(b.Context())
				return err == nil && h.Partitions == 0
			})
			handovers = append(handovers, time.Since(at))
			select {
			case <-ended:
			case <-time.After(patience):
				_ = cmd.Process.Kill()
				b.Fatal("serve did not stop on SIGTERM")
			}
		}
	}
	start, handover, scrape := quantile(starts, 0.5), quantile(handovers, 1), quantile(scraped, 0.5)
	b.ReportMetric(float64(start.Milliseconds()), "start-ms")
	b.ReportMetric(float64(handover.Milliseconds()), "handover-ms")
	b.ReportMetric(float64(scrape.Microseconds())/1000, "scrape-ms")
	b.ReportMetric(0, "ns/op")
	b.Logf("%d starts with %s: ready after %s (middle), %s at worst, polled every 10 ms (limit %s); partitions free %s after SIGTERM at worst (limit %s); /metrics with %d series in %s (middle), %s at p99 (limit %s)",
		startRounds, w.redis.kind, start, quantile(starts, 1), startLimit, handover, handoverLimit, series, scrape, quantile(scraped, 0.99), scrapeLimit)
	if start > startLimit || handover > handoverLimit || scrape > scrapeLimit {
		b.Errorf("over a limit: start %s, handover %s, scrape %s", start, handover, scrape)
	}
}

// chat has somebody make a picture in some rooms, so that there is something to measure of everything.
func (w *platforms) chat(b *testing.B) {
	b.Helper()
	for i, p := range w.pairs {
		if _, err := w.slack.Act(b.Context(), slacksim.Action{As: w.seed.Users[0].ID, Do: "command", Channel: p.slack, Command: "/imagine", Text: fmt.Sprintf("a lighthouse %d", i)}); err != nil {
			b.Fatal(err)
		}
	}
	until(b, "the pictures are there", func() bool { return len(w.slack.Calls("chat.update")) >= len(w.pairs) })
}

func scrape(b *testing.B, url string) (took time.Duration, series int) {
	b.Helper()
	began := time.Now()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	took = time.Since(began)
	if err != nil || res.StatusCode != http.StatusOK {
		b.Fatalf("metrics: %d %v", res.StatusCode, err)
	}
	for line := range strings.Lines(string(body)) {
		if !strings.HasPrefix(line, "#") {
			series++
		}
	}
	return took, series
}
