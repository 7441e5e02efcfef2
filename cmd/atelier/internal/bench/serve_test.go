package bench

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/adapters/discord/discordsim"
	"github.com/atelier-bridge/atelier/adapters/slack/slacksim"
	"github.com/atelier-bridge/atelier/cmd/atelier/internal/demo"
	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback"
)

// built is the program's binary without symbols, made once for all benchmarks that run it.
var built struct {
	once sync.Once
	dir  string
	err  error
}

func TestMain(m *testing.M) {
	if os.Getenv(busyChild) != "" {
		os.Exit(serveUnpaced())
	}
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// program returns the path of the program, built without symbols.
func program(b *testing.B) string {
	b.Helper()
	if _, err := os.Stat("/proc/self/status"); err != nil {
		b.Skip("the program is watched through /proc, which this system has not")
	}
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "atelier-bench"); built.err != nil {
			return
		}
		build := exec.CommandContext(b.Context(), "go", "build", "-ldflags", "-s -w", "-o", filepath.Join(built.dir, "atelier"), "github.com/atelier-bridge/atelier/cmd/atelier")
		if out, err := build.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("build: %w\n%s", err, out)
		}
	})
	if built.err != nil {
		b.Fatal(built.err)
	}
	return filepath.Join(built.dir, "atelier")
}

// platforms are both simulators on one address, and how the program is told of them.
type platforms struct {
	redis   server
	slack   *slacksim.Server
	discord *discordsim.Server
	seed    slacksim.Options
	pairs   []pair
	env     []string
}

const programPrefix = "atelier" // the program's own; there is no variable for it

// startPlatforms starts the simulators with one pair of rooms of a project ACME, and as many further pairs as wanted.
func startPlatforms(b *testing.B, more int) *platforms {
	b.Helper()
	w := &platforms{redis: startRedis(b), seed: slacksim.DemoSeed()}
	var mux atomic.Pointer[http.ServeMux]
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { mux.Load().ServeHTTP(rw, r) }))
	w.seed.RetryIntervals = []time.Duration{} // what nobody heard is not told again: it must be read
	so, do := w.seed, discordsim.DemoSeed()
	so.BaseURL, do.BaseURL = srv.URL+"/slack", srv.URL+"/discord"
	rooms := "ATELIER_ROOMS=ACME=" + string(w.slackRoom()) + "," + string(w.discordRoom())
	for i := range more {
		p := pair{project: core.ProjectKey(fmt.Sprintf("R%02d", i)), slack: fmt.Sprintf("C0BENCH%03d", i), discord: fmt.Sprintf("1100000000000007%03d", i)}
		w.pairs = append(w.pairs, p)
		so.Channels = append(so.Channels, slacksim.Channel{ID: p.slack, Name: strings.ToLower(string(p.project)), Members: so.Channels[0].Members})
		do.Channels = append(do.Channels, discordsim.Channel{ID: p.discord, Type: discordsim.ChannelText, Name: strings.ToLower(string(p.project))})
		rooms += ";" + string(p.project) + "=" + string(demo.SlackRoomID(p.slack)) + "," + string(demo.DiscordRoomID(p.discord))
	}
	var err error
	if w.slack, err = slacksim.New(so); err != nil {
		b.Fatal(err)
	}
	if w.discord, err = discordsim.New(do); err != nil {
		b.Fatal(err)
	}
	m := http.NewServeMux()
	m.Handle("/slack/", http.StripPrefix("/slack", w.slack))
	m.Handle("/discord/", http.StripPrefix("/discord", w.discord))
	mux.Store(m)
	b.Cleanup(func() {
		_ = w.slack.Close() // first, since they end the sockets that the listener waits for
		_ = w.discord.Close()
		srv.Close()
	})
	w.env = []string{"ATELIER_REDIS_URL=" + w.redis.url, "ATELIER_KEYS=" + demo.NewKey(), "ATELIER_BLOB_URL=mem://", "ATELIER_LOG_LEVEL=error",
		"ATELIER_SLACK_BOT_TOKEN=" + so.BotToken, "ATELIER_SLACK_APP_TOKEN=" + so.AppToken, "ATELIER_SLACK_API_URL=" + so.BaseURL + "/api/",
		"ATELIER_DISCORD_BOT_TOKEN=" + do.BotToken, "ATELIER_DISCORD_APPLICATION_ID=" + do.ApplicationID, "ATELIER_DISCORD_API_URL=" + do.BaseURL + "/api/v10",
		rooms, "HOME=" + b.TempDir(), "PATH=" + os.Getenv("PATH")}
	return w
}

func (w *platforms) slackRoom() core.RoomID {
	return core.RoomID("slack:" + w.seed.Team.ID + "/" + w.seed.Channels[1].ID)
}

func (w *platforms) discordRoom() core.RoomID {
	return core.RoomID("discord:" + discordsim.DemoGuildID + "/" + discordsim.DemoStudio)
}

// store opens what the program keeps.
func (w *platforms) store(b *testing.B) *feedback.Store {
	b.Helper()
	st, err := feedback.Open(b.Context(), feedback.Options{URL: w.redis.url, Prefix: programPrefix})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = st.Close() })
	return st
}

// child is a running program.
type child struct {
	cmd   *exec.Cmd
	log   strings.Builder
	ended chan error
}

// serve runs the program until it is ready and connected.
func (w *platforms) serve(b *testing.B, bin string) *child {
	b.Helper()
	ops := freeAddr(b)
	c := &child{cmd: exec.Command(bin, "serve"), ended: make(chan error, 1)}
	c.cmd.Env = append([]string{"ATELIER_ADDR=" + freeAddr(b), "ATELIER_OPS_ADDR=" + ops}, w.env...)
	c.cmd.Stderr = &c.log
	if err := c.cmd.Start(); err != nil {
		b.Fatalf("serve: %v", err)
	}
	b.Cleanup(func() { _ = c.cmd.Process.Kill() }) // it has ended, unless the benchmark failed
	go func() { c.ended <- c.cmd.Wait() }()
	until(b, "serve is ready", func() bool { return ready(b.Context(), "http://"+ops+"/readyz") })
	until(b, "serve is connected", func() bool {
		return w.slack.Connections() >= 2 && w.discord.Snapshot("", 1).Sessions > 0
	})
	return c
}

// stop ends the program as an operator does.
func (c *child) stop(b *testing.B) {
	_ = c.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	select {
	case <-c.ended:
	case <-time.After(patience):
		_ = c.cmd.Process.Kill()
		b.Error("serve did not stop on SIGTERM")
	}
}

func ready(ctx context.Context, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// rest waits until the resident memory has moved by less than three quarters of a MiB over so many half seconds, and returns
// it in MiB.
func (c *child) rest(b *testing.B, still int) float64 {
	b.Helper()
	const moved = 0.75 // MiB: an idle process gives memory back every five seconds
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	limit := time.NewTimer(2 * patience)
	defer limit.Stop()
	low, high, calm, now := 0.0, 0.0, 0, 0.0
	for calm < still {
		select {
		case <-tick.C:
		case <-limit.C:
			b.Logf("resident memory never came to rest; taking what it is now")
			return now
		}
		var err error
		if now, err = resident(c.cmd.Process.Pid); err != nil {
			b.Fatalf("serve is gone: %v\n%s", err, c.log.String())
		}
		if low, high = min(low, now), max(high, now); high-low > moved {
			low, high, calm = now, now, 0
		}
		calm++
	}
	return now
}

func resident(pid int) (float64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(data)) {
		var kb float64
		if n, _ := fmt.Sscanf(line, "VmRSS: %f kB", &kb); n == 1 {
			return kb / 1024, nil
		}
	}
	return 0, fmt.Errorf("no VmRSS in %d bytes of status", len(data))
}

// ticks is the unit of CPU time in /proc; Linux shows it as a hundredth of a second on every machine.
const ticks = 100

// cpu returns the CPU time that the program has used, user and system.
func (c *child) cpu(b *testing.B) time.Duration {
	b.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.cmd.Process.Pid))
	if err != nil {
		b.Fatalf("serve is gone: %v\n%s", err, c.log.String())
	}
	// The name of the program, in parentheses, may hold blanks: the fields are counted behind it.
	_, rest, _ := strings.Cut(string(data), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		b.Fatalf("%d fields of stat", len(fields))
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	if err1 != nil || err2 != nil {
		b.Fatalf("stat: %v %v", err1, err2)
	}
	return time.Duration(user+system) * time.Second / ticks
}
