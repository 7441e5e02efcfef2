package demo

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/adapters/discord/discordsim"
	"github.com/atelier-bridge/atelier/adapters/slack/slacksim"
)

// week is a week's work of three people, line by line:
//
//	# Monday                                        told, nothing more
//	slack ada: /imagine a lighthouse => ACME-1      a command; then the text must show in both apps
//	discord ben: atelier vary version=v1.2 | task=ACME-1 -> Queued
//	                                                a command with its options; the text must show in that app
//	slack ada: /imagine a lighthouse ~> ACME-1 v1   then the pictures of that version must show in both
//	slack ada in ACME-1: the light is lovely => the light is lovely
//	                                                a reply in a task's thread, here on Slack
//	slack ada reacts thumbsup: the light is lovely  a reaction to the newest message with that text
//	slack ada opens home -> Hello                   the App Home
//
//go:embed week.txt
var week string

// stepTime bounds how long a step of the week waits for what it must show.
const stepTime = 60 * time.Second

// PlayWeek plays a week's work into the demo, one step after the other, and tells what it does.
func (w *World) PlayWeek(ctx context.Context, out io.Writer) error {
	// An app that nobody answers in would refuse the first command.
	if err := w.connected(ctx); err != nil {
		return err
	}
	for n, line := range strings.Split(week, "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if day, ok := strings.CutPrefix(line, "# "); ok {
			fmt.Fprintf(out, "  %s\n", day)
			continue
		}
		if err := w.playStep(ctx, line); err != nil {
			return fmt.Errorf("week.txt:%d: %s: %w", n+1, line, err)
		}
	}
	return nil
}

// connected waits until Atelier listens on both platforms and its commands are registered.
func (w *World) connected(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for w.Slack.Connections() == 0 || w.Discord.Snapshot("", 1).Sessions == 0 || len(w.Discord.Commands()) == 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("the simulated platforms are not connected: %w", ctx.Err())
		}
	}
	return nil
}

// step is a line of the week.
type step struct {
	platform, who, task, reacts, text string
	home, both, pictures              bool
	want                              string
}

func parseStep(line string) (step, error) {
	var s step
	rest := line
	for _, arrow := range []string{" => ", " -> ", " ~> "} {
		if before, want, ok := strings.Cut(line, arrow); ok {
			rest, s.want, s.both, s.pictures = before, strings.TrimSpace(want), arrow != " -> ", arrow == " ~> "
			break
		}
	}
	head, text, _ := strings.Cut(rest, ": ")
	s.text = strings.TrimSpace(text)
	words := strings.Fields(head)
	if len(words) < 2 || words[0] != "slack" && words[0] != "discord" {
		return s, fmt.Errorf("a step begins with an app and a person")
	}
	s.platform, s.who = words[0], words[1]
	switch {
	case len(words) == 2:
	case len(words) == 4 && words[2] == "in":
		s.task = words[3]
	case len(words) == 4 && words[2] == "reacts":
		s.reacts = words[3]
	case len(words) == 4 && words[2] == "opens":
		s.home = true
	default:
		return s, fmt.Errorf("nobody can %q", strings.Join(words[2:], " "))
	}
	return s, nil
}

func (w *World) playStep(ctx context.Context, line string) error {
	s, err := parseStep(line)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(Personas(), func(p Persona) bool { return p.Key == s.who })
	if i < 0 {
		return fmt.Errorf("there is no %s", s.who)
	}
	p := Personas()[i]
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	if s.platform == "slack" {
		err = w.onSlack(ctx, p, s)
	} else {
		err = w.onDiscord(ctx, p, s)
	}
	if err != nil || s.want == "" {
		return err
	}
	want, there := quotedText(s.want), quotedText(s.want)
	if s.pictures { // on Slack by what they show, on Discord by their file
		want, there = quotedText(" of "+s.want+": "), quotedText(strings.ReplaceAll(s.want, " ", "-")+".jpg")
	}
	if s.both || s.platform == "slack" {
		if err := w.Slack.WaitFor(ctx, func(*slacksim.Snapshot) bool { return holds(w.Slack.Snapshot(p.Slack), want) }); err != nil {
			return fmt.Errorf("Slack does not show it: %w", err)
		}
	}
	if s.both || s.platform == "discord" {
		if err := w.Discord.WaitFor(ctx, func(*discordsim.Snapshot) bool { return holds(w.Discord.Snapshot(p.Discord, 0), there) }); err != nil {
			return fmt.Errorf("Discord does not show it: %w", err)
		}
	}
	return nil
}

// quotedText is a text as JSON has it, without its quotation marks.
func quotedText(s string) []byte {
	data, err := json.Marshal(s)
	if err != nil {
		return []byte(s)
	}
	return bytes.Trim(data, `"`)
}

// holds reports whether what somebody sees holds a text. Snapshots nest what the platforms send as JSON of its own.
func holds(snapshot any, want []byte) bool {
	data, err := json.Marshal(snapshot)
	return err == nil && bytes.Contains(data, want)
}

func (w *World) onSlack(ctx context.Context, p Persona, s step) error {
	act := slacksim.Action{As: p.Slack, Channel: SlackRoom, Do: "say", Text: s.text}
	switch {
	case s.home:
		act.Do = "home"
	case s.task != "":
		act.Text = strings.ReplaceAll(s.text, "@atelier", "<@"+slacksim.DemoSeed().BotUserID+">")
		if err := w.Slack.WaitFor(ctx, func(*slacksim.Snapshot) bool { act.ThreadTS = w.slackRoot(s.task); return act.ThreadTS != "" }); err != nil {
			return fmt.Errorf("no thread of %s on Slack: %w", s.task, err)
		}
	case s.reacts != "":
		act.Do, act.Text, act.Emoji = "react", "", s.reacts
		if act.TS = w.slackMessage(quotedText(s.text)); act.TS == "" {
			return fmt.Errorf("nobody said that on Slack")
		}
	case strings.HasPrefix(s.text, "/"):
		act.Do = "command"
		act.Command, act.Text, _ = strings.Cut(s.text, " ")
	}
	r, err := w.Slack.Act(ctx, act)
	if err == nil && !r.OK {
		err = fmt.Errorf("slack says %s", r.Error)
	}
	return err
}

// slackRoot is the message on which a task's thread hangs.
func (w *World) slackRoot(task string) string {
	for _, c := range w.Slack.Snapshot("").Channels {
		for _, m := range c.Messages {
			if holds(m.Blocks, []byte(task+" · ")) {
				return m.TS
			}
		}
	}
	return ""
}

// slackMessage is the newest message with a text.
func (w *World) slackMessage(want []byte) string {
	ts := ""
	for _, c := range w.Slack.Snapshot("").Channels {
		for _, m := range c.Messages {
			for _, x := range append(slices.Clone(m.Replies), m) {
				if holds(x.Blocks, want) || bytes.Contains(quotedText(x.Text), want) {
					ts = max(ts, x.TS)
				}
			}
		}
	}
	return ts
}

func (w *World) onDiscord(ctx context.Context, p Persona, s step) error {
	act := discordsim.Action{As: p.Discord, Channel: DiscordRoom, Do: "say", Text: s.text}
	switch {
	case s.task != "":
		err := w.Discord.WaitFor(ctx, func(*discordsim.Snapshot) bool {
			for _, c := range w.Discord.Snapshot("", 1).Threads {
				if strings.HasPrefix(c.Name, s.task+" ") {
					act.Channel = c.ID
				}
			}
			return act.Channel != DiscordRoom
		})
		if err != nil {
			return fmt.Errorf("no thread of %s on Discord: %w", s.task, err)
		}
	case strings.HasPrefix(s.text, "atelier"):
		act.Do, act.Text, act.Options = "command", "", map[string]any{}
		path, options, _ := strings.Cut(s.text, "=")
		if options != "" {
			at := strings.LastIndexByte(path, ' ')
			path, options = path[:at], s.text[at+1:]
			for _, o := range strings.Split(options, " | ") {
				k, v, _ := strings.Cut(o, "=")
				act.Options[strings.TrimSpace(k)] = strings.TrimSpace(v)
			}
		}
		act.Command = strings.TrimSpace(path)
	}
	r, err := w.Discord.Act(ctx, act)
	if err == nil && r.Failed != "" {
		err = fmt.Errorf("discord says %s", r.Failed)
	}
	return err
}
