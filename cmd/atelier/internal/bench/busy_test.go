package bench

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/adapters/ops"
	"github.com/atelier-bridge/atelier/cmd/atelier/internal/app"
)

const (
	busyRooms = 20
	busyLimit = 150.0 // MiB resident at the highest
	// busyChild makes this test binary run the program with every limit off, which no variable of the program does.
	busyChild = "ATELIER_BENCH_SERVE"
)

// serveUnpaced is serve without limits, for a child of a benchmark.
func serveUnpaced() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cfg, err := app.LoadConfig()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	cfg.Unpaced = true
	a := app.New(cfg, slog.New(ops.LogHandler{Handler: slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})}))
	if err := a.Start(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	<-ctx.Done()
	sctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := a.Stop(sctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// BenchmarkBusy has people talk as fast as the program relays, in a process of its own with every limit off, and weighs
// that process at its highest.
func BenchmarkBusy(b *testing.B) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		b.Skip("the program is watched through /proc, which this system has not")
	}
	bin, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	w := startPlatforms(b, busyRooms)
	w.env = append(w.env, busyChild+"=1")
	st := w.store(b)
	n := size(40_000)
	var peak, rate float64
	for b.Loop() {
		c := w.serve(b, bin)
		w.openTasks(b, st, 1)
		settled(b, st)
		began := time.Now()
		var wg sync.WaitGroup
		for r, p := range w.pairs {
			wg.Go(func() {
				for i := range n / busyRooms / 2 {
					w.sayOnSlack(b, p, fmt.Sprintf("away%02ds%05dx %s", r, i, longTalk))
					w.sayOnDiscord(b, p, fmt.Sprintf("away%02dd%05dx %s", r, i, longTalk))
				}
			})
		}
		wg.Wait()
		untilFor(b, awayLimit, "all of it stands on the other side", func() bool { return w.arrived(nil) >= n })
		rate = float64(n) / time.Since(began).Seconds()
		peak = highest(b, c.cmd)
		c.stop(b)
	}
	b.ReportMetric(rate, "replies/s")
	b.ReportMetric(peak, "peak-rss-MiB")
	b.ReportMetric(0, "ns/op")
	b.Logf("%d replies in %d rooms in both directions, without limits, with %s: %.0f/s, %.1f MiB resident at the highest (limit %.0f), in a binary that holds both simulators, too", n, busyRooms, w.redis.kind, rate, peak, busyLimit)
	if peak > busyLimit {
		b.Errorf("%.1f MiB resident", peak)
	}
}

// highest returns the most that a process ever held in memory, in MiB.
func highest(b *testing.B, cmd *exec.Cmd) float64 {
	b.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		var kb float64
		if n, _ := fmt.Sscanf(line, "VmHWM: %f kB", &kb); n == 1 {
			return kb / 1024
		}
	}
	b.Fatal("no VmHWM")
	return 0
}
