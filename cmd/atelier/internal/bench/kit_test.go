package bench

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/feedback/rdb"
)

// patience bounds every wait for something that must happen; what works waits far less.
const patience = 60 * time.Second

// long reports whether the stated sizes are wanted instead of a tenth of them.
func long() bool { return os.Getenv("ATELIER_BENCH_LONG") != "" }

// size is n in a long run and a tenth of it otherwise.
func size(n int) int {
	if long() {
		return n
	}
	return n / 10
}

// server is the Redis of one benchmark.
type server struct {
	url  string
	kind string // for people: what was measured
}

// startRedis starts a redis-server of its own on a free loopback port, or the embedded one where there is none.
func startRedis(b *testing.B) server {
	b.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		e, err := rdb.StartEmbedded()
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(e.Close)
		return server{url: e.URL(), kind: "the embedded Redis"}
	}
	addr := freeAddr(b)
	_, port, _ := net.SplitHostPort(addr)
	cmd := exec.Command(path, "--port", port, "--bind", "127.0.0.1", "--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--dir", b.TempDir())
	if err := cmd.Start(); err != nil {
		b.Fatalf("start redis-server: %v", err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Kill() // nobody needs its data any more
		_ = cmd.Wait()
	})
	until(b, "redis-server answers", func() bool { return pong(addr) })
	return server{url: "redis://" + addr, kind: "redis-server (AOF, fsync every second)"}
}

func pong(addr string) bool {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return false
	}
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	line, _, err := bufio.NewReader(c).ReadLine()
	return err == nil && bytes.Equal(line, []byte("+PONG"))
}

// freeAddr returns a loopback address that nobody listened on a moment ago.
func freeAddr(b *testing.B) string {
	b.Helper()
	ln, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// until polls for a condition and ends the benchmark when it never comes.
func until(b *testing.B, what string, ok func() bool) { untilFor(b, patience, what, ok) }

func untilFor(b *testing.B, limit time.Duration, what string, ok func() bool) {
	b.Helper()
	deadline := time.After(limit)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			b.Fatalf("waited in vain until %s", what)
		}
	}
}

// quantile returns the value that a share q of all values does not exceed.
func quantile(all []time.Duration, q float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
