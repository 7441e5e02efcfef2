package bench

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/adapters/discord/discordsim"
	"github.com/atelier-bridge/atelier/adapters/slack/slacksim"
	"github.com/atelier-bridge/atelier/core"
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
	bin := program(b)
	info, err := os.Stat(bin)
	if err != nil {
		b.Fatal(err)
	}
	binary := float64(info.Size()) / (1 << 20)
	w := startPlatforms(b, 0)
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

// weigh runs the program until it is ready, connected, has done what it must and is at rest, and returns its resident
// memory in MiB.
func (w *platforms) weigh(b *testing.B, bin string, done func() bool) float64 {
	b.Helper()
	c := w.serve(b, bin)
	defer c.stop(b)
	until(b, "serve has looked at the active threads", done)
	return c.rest(b, 20)
}

// fill writes what three hundred tasks leave behind straight into the store. Some have threads on both platforms in
// which somebody wrote three days ago, so that they are looked at again after a start.
func (w *platforms) fill(b *testing.B) {
	b.Helper()
	st := w.store(b)
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
