package bench

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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

const (
	idleLimit   = 40.0 // MiB resident
	binaryLimit = 40.0 // MiB
	// growthLimit is what two starts of the same program differ by anyway.
	growthLimit = 3.0
	idleTasks   = 300
	idleActive  = 30 // of them, with threads that are looked at again after a start
	idleTalk    = 20 // comments per task
)

// BenchmarkIdle weighs the program: its binary without symbols, what an idle process holds in memory once it has
// settled, and what it holds after a restart with three hundred tasks in the store. What is stored must not be loaded.
func BenchmarkIdle(b *testing.B) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		b.Skip("resident memory is read from /proc, which this system has not")
	}
	bin := filepath.Join(b.TempDir(), "atelier")
	build := exec.CommandContext(b.Context(), "go", "build", "-ldflags", "-s -w", "-o", bin, "github.com/atelier-bridge/atelier/cmd/atelier")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, out)
	}
	info, err := os.Stat(bin)
	if err != nil {
		b.Fatal(err)
	}
	binary := float64(info.Size()) / (1 << 20)
	w := startPlatforms(b)
	var empty, full float64
	for b.Loop() {
		empty = w.weigh(b, bin, func() bool { return true })
		w.fill(b)
		full = w.weigh(b, bin, func() bool { return len(w.slack.Calls("conversations.replies")) >= idleActive })
	}
	b.ReportMetric(empty, "rss-MiB")
	b.ReportMetric(full, "rss-300-tasks-MiB")
	b.ReportMetric(binary, "binary-MiB")
	b.ReportMetric(0, "ns/op")
	b.Logf("idle with %s: %.1f MiB resident, %.1f MiB with %d tasks and %d comments in the store (limit %.0f, growth at most %.0f); binary %.1f MiB (limit %.0f)",
		w.redis.kind, empty, full, idleTasks, idleTasks*idleTalk, idleLimit, growthLimit, binary, binaryLimit)
	if empty > idleLimit || full > idleLimit || binary > binaryLimit || full-empty > growthLimit {
		b.Errorf("over a limit: %.1f and %.1f MiB resident, binary %.1f MiB", empty, full, binary)
	}
}

// platforms are both simulators on one address.
type platforms struct {
	redis   server
	slack   *slacksim.Server
	discord *discordsim.Server
	seed    slacksim.Options
	env     []string
}

const idlePrefix = "atelier" // the program's own; there is no variable for it

func startPlatforms(b *testing.B) *platforms {
	b.Helper()
	w := &platforms{redis: startRedis(b), seed: slacksim.DemoSeed()}
	var mux atomic.Pointer[http.ServeMux]
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { mux.Load().ServeHTTP(rw, r) }))
	so, do := w.seed, discordsim.DemoSeed()
	so.BaseURL, do.BaseURL = srv.URL+"/slack", srv.URL+"/discord"
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
		"ATELIER_ROOMS=ACME=" + string(w.slackRoom()) + "," + string(w.discordRoom()), "HOME=" + b.TempDir(), "PATH=" + os.Getenv("PATH")}
	return w
}

func (w *platforms) slackRoom() core.RoomID {
	return core.RoomID("slack:" + w.seed.Team.ID + "/" + w.seed.Channels[1].ID)
}

func (w *platforms) discordRoom() core.RoomID {
	return core.RoomID("discord:" + discordsim.DemoGuildID + "/" + discordsim.DemoStudio)
}

// weigh runs the program until it is ready, connected, has done what it must and is at rest, and returns its resident
// memory in MiB.
func (w *platforms) weigh(b *testing.B, bin string, done func() bool) float64 {
	b.Helper()
	ops := freeAddr(b)
	cmd := exec.Command(bin, "serve")
	cmd.Env = append([]string{"ATELIER_ADDR=" + freeAddr(b), "ATELIER_OPS_ADDR=" + ops}, w.env...)
	var log strings.Builder
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		b.Fatalf("serve: %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
		select {
		case <-ended:
		case <-time.After(patience):
			_ = cmd.Process.Kill()
			b.Error("serve did not stop on SIGTERM")
		}
	}()
	until(b, "serve is ready", func() bool { return ready(b.Context(), "http://"+ops+"/readyz") })
	until(b, "serve is connected", func() bool {
		return w.slack.Connections() >= 2 && w.discord.Snapshot("", 1).Sessions > 0
	})
	until(b, "serve has looked at the active threads", done)
	return w.rest(b, cmd.Process.Pid, &log)
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

// rest waits until the resident memory has moved by less than a quarter of a MiB over ten seconds.
func (w *platforms) rest(b *testing.B, pid int, log *strings.Builder) float64 {
	b.Helper()
	const still, moved = 20, 0.25
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
		if now, err = resident(pid); err != nil {
			b.Fatalf("serve is gone: %v\n%s", err, log.String())
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

// fill writes what three hundred tasks leave behind straight into the store. Some have threads on both platforms in
// which somebody wrote three days ago, so that they are looked at again after a start.
func (w *platforms) fill(b *testing.B) {
	b.Helper()
	st, err := feedback.Open(b.Context(), feedback.Options{URL: w.redis.url, Prefix: idlePrefix})
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	p := st.DB.Parts.OfProject("ACME")
	for n := 1; n <= idleTasks; n++ {
		if err := st.Review.Apply(b.Context(), w.leftovers(b, p, n)); err != nil {
			b.Fatalf("task %d: %v", n, err)
		}
	}
}

func (w *platforms) leftovers(b *testing.B, p core.Partition, n int) core.Change {
	b.Helper()
	at := time.Now().Add(-72 * time.Hour).UTC()
	slackThread, discordThread := fmt.Sprintf("1600000000.%06d", n), fmt.Sprintf("1090000000000%06d", n)
	active := at.Add(-30 * 24 * time.Hour)
	if n <= idleActive {
		slackThread, discordThread = w.threads(b, n)
		active = at
	}
	id := core.MakeTaskID("ACME", n)
	v := core.VersionID{Task: id, No: 1}
	words := strings.Repeat("a lighthouse in the fog, long exposure, muted colours ", 4)
	c := core.Change{Partition: p,
		NewTask: &core.Task{ID: id, Title: "A lighthouse in the fog", Owner: "p-ada", OwnerName: "Ada", Status: core.StatusApproved, Latest: 1, Rooms: []core.RoomID{w.slackRoom(), w.discordRoom()}, Comments: idleTalk, CreatedAt: at, UpdatedAt: at},
		Versions: []*core.Version{{ID: v, Provider: "sketch", Person: "p-ada", PersonName: "Ada", State: core.JobDone, CreatedAt: at, DoneAt: at,
			Request: core.Request{V: core.RecordVersion, Prompt: words, Full: words + "--ar 3:2", N: 4}, Verdicts: []core.Verdict{{Person: "p-ada", Name: "Ada", Approved: true, At: at}}}},
		Threads: []*core.Thread{
			{Room: w.slackRoom(), ID: core.ThreadID(slackThread), Task: id, Root: core.MessageID(slackThread), Cursor: core.MessageID(slackThread), Active: active},
			{Room: w.discordRoom(), ID: core.ThreadID(discordThread), Task: id, Root: core.MessageID(discordThread), Cursor: core.MessageID(discordThread), Active: active},
		}}
	for i := range idleTalk {
		m := core.MessageID(fmt.Sprintf("1600000000.%06d", n*100+i))
		c.Comments = append(c.Comments, &core.Comment{ID: core.MakeCommentID(w.slackRoom(), m), Task: id, Source: core.MessageRef{Room: w.slackRoom(), Thread: core.ThreadID(slackThread), ID: m},
			Author: "p-ada", Identity: core.IdentityID("slack:" + w.seed.Team.ID + "/" + w.seed.Users[0].ID), Name: "Ada", Text: core.Plain("The light is too cold and the horizon tilts; " + words), At: at.Add(time.Duration(i) * time.Minute)})
	}
	return c
}

// threads opens the threads of a task on both platforms.
func (w *platforms) threads(b *testing.B, n int) (slackThread, discordThread string) {
	b.Helper()
	s, err := w.slack.Act(b.Context(), slacksim.Action{As: w.seed.Users[0].ID, Do: "say", Channel: w.seed.Channels[1].ID, Text: fmt.Sprintf("root of task %d", n)})
	if err != nil || !s.OK {
		b.Fatalf("root on Slack: %v %s", err, s.Error)
	}
	m, err := w.discord.Act(b.Context(), discordsim.Action{As: discordsim.DemoMaya, Do: "say", Channel: discordsim.DemoStudio, Text: fmt.Sprintf("root of task %d", n)})
	if err != nil {
		b.Fatalf("root on Discord: %v", err)
	}
	th, err := w.discord.Act(b.Context(), discordsim.Action{As: discordsim.DemoMaya, Do: "thread", Channel: discordsim.DemoStudio, Message: m.Message, Text: fmt.Sprintf("Task %d", n)})
	if err != nil || th.Thread == "" {
		b.Fatalf("thread on Discord: %v", err)
	}
	return s.TS, th.Thread
}
