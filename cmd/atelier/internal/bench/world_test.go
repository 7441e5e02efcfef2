package bench

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/atelier-bridge/atelier/adapters/discord/discordsim"
	"github.com/atelier-bridge/atelier/adapters/slack/slacksim"
	"github.com/atelier-bridge/atelier/cmd/atelier/internal/app"
	"github.com/atelier-bridge/atelier/cmd/atelier/internal/demo"
	"github.com/atelier-bridge/atelier/core"
)

// pair is a Slack channel and a Discord channel bound to one project, with the thread of one task in both.
type pair struct {
	project                 core.ProjectKey
	slack, discord          string
	slackThread, discThread string
}

func (p pair) task() core.TaskID { return core.MakeTaskID(p.project, 1) }

// world is the demo with many rooms, and a tap on what reaches either platform.
type world struct {
	*demo.World
	redis    server
	pairs    []pair
	tap      *tap // on Discord
	slackTap *tap
	seed     slacksim.Options // of Slack, for signing as it does
}

// hiddenRoom is a channel on Discord that the app does not see.
const hiddenRoom = "1100000000000008000"

// startWorld runs Atelier between both simulators, with n pairs of rooms that have a thread each. Slack sends over
// Socket Mode, or by signed HTTP. configure, if any, changes the program's configuration.
func startWorld(b *testing.B, n int, overHTTP bool, configure ...func(*app.Config)) *world {
	b.Helper()
	w := &world{redis: startRedis(b), tap: newTap(b, discordPost), slackTap: newTap(b, slackPost)}
	for i := range n {
		w.pairs = append(w.pairs, pair{project: core.ProjectKey(fmt.Sprintf("R%02d", i)), slack: fmt.Sprintf("C0BENCH%03d", i), discord: fmt.Sprintf("1100000000000007%03d", i)})
	}
	o := demo.Options{Addr: "127.0.0.1:0", RedisURL: w.redis.url, SlackHTTP: overHTTP, Prefix: "bench", Log: slog.New(slog.DiscardHandler)}
	if os.Getenv("ATELIER_TEST_LOG") != "" {
		o.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	o.Tune = func(so *slacksim.Options, do *discordsim.Options) {
		so.FileDelay, so.UnfurlDelay = -1, -1
		for _, p := range w.pairs {
			so.Channels = append(so.Channels, slacksim.Channel{ID: p.slack, Name: strings.ToLower(string(p.project)), Members: so.Channels[0].Members})
			do.Channels = append(do.Channels, discordsim.Channel{ID: p.discord, Type: discordsim.ChannelText, Name: strings.ToLower(string(p.project))})
		}
		do.Channels = append(do.Channels, discordsim.Channel{ID: hiddenRoom, Type: discordsim.ChannelText, Name: "elsewhere", Overwrites: []discordsim.Overwrite{
			{ID: discordsim.DemoBotRole, Deny: discordsim.PermViewChannel}, {ID: discordsim.DemoGuildID, Deny: discordsim.PermViewChannel}, {ID: discordsim.DemoEditors, Allow: discordsim.PermViewChannel}}})
		so.BaseURL, do.BaseURL = w.slackTap.srv.URL+tapPrefix, w.tap.srv.URL+tapPrefix
		w.seed = *so
	}
	o.Configure = func(c *app.Config) {
		for _, p := range w.pairs {
			c.Rooms[p.project] = []core.RoomID{demo.SlackRoomID(p.slack), demo.DiscordRoomID(p.discord)}
		}
		for _, f := range configure {
			f(c)
		}
	}
	dw, err := demo.Start(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	w.World = dw
	w.tap.open(dw.Discord)
	w.slackTap.open(dw.Slack)
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := dw.Stop(ctx); err != nil {
			b.Logf("stop: %v", err)
		}
	})
	until(b, "both platforms are connected", func() bool {
		return (overHTTP || dw.Slack.Connections() >= 2) && dw.Discord.Snapshot("", 1).Sessions > 0 && len(dw.Discord.Commands()) > 0
	})
	w.openThreads(b)
	return w
}

// openThreads asks for a picture in every room, to be made by hand so that none is painted, says one thing in each
// thread, so that webhooks and names are known, and waits until all is quiet.
func (w *world) openThreads(b *testing.B) {
	b.Helper()
	ada := demo.Personas()[0].Slack
	for _, p := range w.pairs {
		if r, err := w.Slack.Act(b.Context(), slacksim.Action{As: ada, Do: "command", Channel: p.slack, Command: "/imagine", Text: "a lighthouse in the fog --provider midjourney"}); err != nil || !r.OK {
			b.Fatalf("command in %s: %v %s", p.slack, err, r.Error)
		}
	}
	refs := w.App().Store().Review
	for i := range w.pairs {
		p := &w.pairs[i]
		until(b, fmt.Sprintf("%s has its threads", p.task()), func() bool {
			s, err1 := refs.TaskThread(b.Context(), p.task(), demo.SlackRoomID(p.slack))
			d, err2 := refs.TaskThread(b.Context(), p.task(), demo.DiscordRoomID(p.discord))
			if err1 != nil || err2 != nil {
				return false
			}
			p.slackThread, p.discThread = string(s.ID), string(d.ID)
			return true
		})
	}
	for i, p := range w.pairs {
		w.reply(b, p, fmt.Sprintf("warmup%03d the light is too cold", i))
	}
	for range w.pairs {
		w.tap.next(b)
	}
	w.settle(b)
}

// reply says something in a pair's thread on Slack.
func (w *world) reply(b *testing.B, p pair, text string) {
	b.Helper()
	who := demo.Personas()[len(text)%3].Slack
	if r, err := w.Slack.Act(b.Context(), slacksim.Action{As: who, Do: "say", Channel: p.slack, ThreadTS: p.slackThread, Text: text}); err != nil || !r.OK {
		b.Errorf("say in %s: %v %s", p.slack, err, r.Error)
	}
}

// settle waits until nothing lies in any journal or outbox.
func (w *world) settle(b *testing.B) {
	b.Helper()
	settled(b, w.App().Store())
}
