package bench

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/atelier-bridge/atelier/adapters/discord/discordsim"
	"github.com/atelier-bridge/atelier/adapters/slack/slacksim"
	"github.com/atelier-bridge/atelier/cmd/atelier/internal/demo"
	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback"
)

const (
	awayRooms = 20
	// The program posts 40 a second on Discord and one a second and channel on Slack, three at once at first. Of fifty
	// messages per room, 33 are said on Slack: then both directions take the same time.
	awayOnSlack   = 0.66
	discordPace   = 40.0
	slackPace     = 1.0
	slackAtOnce   = 3
	awayWanted    = 1.5  // of the time that the pace allows
	awayCPUWanted = 0.20 // of one core
	awayLimit     = 10 * time.Minute
)

// BenchmarkCatchUp says much in threads on both sides while the program is away and starts it again. All of it must be
// on the other side, once, in about the time that the program's own pace takes, at little cost. Nothing is told again by
// the platforms: what arrives was read from their histories.
func BenchmarkCatchUp(b *testing.B) {
	bin := program(b)
	w := startPlatforms(b, awayRooms)
	st := w.store(b)
	perRoom := size(10_000) / awayRooms
	onSlack := int(awayOnSlack * float64(perRoom))
	onDiscord := perRoom - onSlack
	var took, cpu time.Duration
	for b.Loop() {
		c := w.serve(b, bin)
		w.openTasks(b, st, 1)
		settled(b, st)
		c.stop(b)
		for r, p := range w.pairs {
			for i := range onSlack {
				w.sayOnSlack(b, p, fmt.Sprintf("away%02ds%05dx %s", r, i, longTalk))
			}
			for i := range onDiscord {
				w.sayOnDiscord(b, p, fmt.Sprintf("away%02dd%05dx %s", r, i, longTalk))
			}
		}
		began := time.Now()
		c = w.serve(b, bin)
		tick := time.NewTicker(100 * time.Millisecond)
		for arrived := 0; arrived < perRoom*awayRooms; arrived = w.arrived(nil) {
			if time.Since(began) > awayLimit {
				b.Fatalf("%d of %d messages after %s\n%s", arrived, perRoom*awayRooms, awayLimit, c.log.String())
			}
			<-tick.C
		}
		tick.Stop()
		took, cpu = time.Since(began), c.cpu(b)
		settled(b, st)
		c.stop(b)
	}
	b.StopTimer()
	seen := map[string]int{}
	if w.arrived(seen); len(seen) != perRoom*awayRooms {
		b.Errorf("%d of %d messages stand there", len(seen), perRoom*awayRooms)
	}
	for word, n := range seen {
		if n != 1 {
			b.Errorf("%s stands there %d times", word, n)
		}
	}
	total := perRoom * awayRooms
	expected := max(float64(onSlack*awayRooms)/discordPace, float64(onDiscord-slackAtOnce)/slackPace)
	ratio, share := took.Seconds()/expected, cpu.Seconds()/took.Seconds()
	b.ReportMetric(float64(total)/took.Seconds(), "msg/s")
	b.ReportMetric(ratio, "ratio")
	b.ReportMetric(share, "cores")
	b.ReportMetric(ms(cpu)/float64(total), "cpu-ms/msg")
	b.ReportMetric(0, "ns/op")
	b.Logf("%d messages in %d rooms, %d on Slack and %d on Discord each, said while away, with %s: all on the other side once, %.1f s after the start; the pace allows %.1f s: ratio %.2f (wanted: at most %.1f); %.1f s of CPU, %.0f %% of a core (wanted: below %.0f %%), %.1f ms a message",
		total, awayRooms, onSlack, onDiscord, w.redis.kind, took.Seconds(), expected, ratio, awayWanted, cpu.Seconds(), 100*share, 100*awayCPUWanted, ms(cpu)/float64(total))
	if ratio > awayWanted {
		b.Errorf("ratio %.2f is above %.1f", ratio, awayWanted)
	}
	if share >= awayCPUWanted {
		b.Errorf("%.0f %% of a core is not below %.0f %%", 100*share, 100*awayCPUWanted)
	}
}

// longTalk makes what is said about two hundred bytes long.
const longTalk = "the light is too cold and the horizon tilts, the lamp wants to be a little warmer and the sea a little darker, and there should be more room above the tower for the title of the whole campaign"

// openTasks asks for the n-th picture in every room and waits for its threads.
func (w *platforms) openTasks(b *testing.B, st *feedback.Store, n int) {
	b.Helper()
	for _, p := range w.pairs {
		a := slacksim.Action{As: w.seed.Users[0].ID, Do: "command", Channel: p.slack, Command: "/imagine", Text: "a lighthouse in the fog --provider midjourney"}
		if r, err := w.slack.Act(b.Context(), a); err != nil || !r.OK {
			b.Fatalf("command in %s: %v %s", p.slack, err, r.Error)
		}
	}
	for i := range w.pairs {
		p := &w.pairs[i]
		task := core.MakeTaskID(p.project, n)
		until(b, fmt.Sprintf("%s has its threads", task), func() bool {
			s, err1 := st.Review.TaskThread(b.Context(), task, demo.SlackRoomID(p.slack))
			d, err2 := st.Review.TaskThread(b.Context(), task, demo.DiscordRoomID(p.discord))
			if err1 != nil || err2 != nil {
				return false
			}
			p.slackThread, p.discThread = string(s.ID), string(d.ID)
			return true
		})
	}
}

func (w *platforms) sayOnSlack(b *testing.B, p pair, text string) {
	b.Helper()
	if r, err := w.slack.Act(b.Context(), slacksim.Action{As: w.seed.Users[0].ID, Do: "say", Channel: p.slack, ThreadTS: p.slackThread, Text: text}); err != nil || !r.OK {
		b.Fatalf("say in %s: %v %s", p.slack, err, r.Error)
	}
}

func (w *platforms) sayOnDiscord(b *testing.B, p pair, text string) {
	b.Helper()
	if _, err := w.discord.Act(b.Context(), discordsim.Action{As: discordsim.DemoMaya, Do: "say", Channel: p.discThread, Text: text}); err != nil {
		b.Fatalf("say in %s: %v", p.discThread, err)
	}
}

// arrived counts the messages in all threads that the program posted there for somebody who spoke elsewhere, by the word
// that names them.
func (w *platforms) arrived(seen map[string]int) int {
	if seen == nil {
		seen = map[string]int{}
	}
	note := func(text string) {
		if at := strings.Index(text, "away"); at >= 0 { // what is late has its time before it
			word, _, _ := strings.Cut(text[at:], " ")
			seen[word]++
		}
	}
	for _, p := range w.pairs {
		for _, m := range w.slack.Thread(p.slack, p.slackThread) {
			if m.BotID != "" {
				note(m.Text)
			}
		}
		for _, m := range w.discord.Messages(p.discThread) {
			if m.WebhookID != "" {
				note(m.Content)
			}
		}
	}
	return len(seen)
}

// settled waits until nothing lies in any journal or outbox.
func settled(b *testing.B, st *feedback.Store) {
	b.Helper()
	calm := 0
	until(b, "everything is settled", func() bool {
		for _, p := range st.DB.Parts.All() {
			if in, out, _, err := st.Journal.Backlog(b.Context(), p); err != nil || in+out > 0 {
				calm = 0
				return false
			}
		}
		calm++
		return calm > 5
	})
}
