package demo

import (
	"fmt"
	"time"

	"github.com/atelier-bridge/atelier/adapters/discord/discordsim"
	"github.com/atelier-bridge/atelier/adapters/slack/slacksim"
	"github.com/atelier-bridge/atelier/cmd/atelier/internal/app"
	"github.com/atelier-bridge/atelier/core"
)

// Ids of the second Slack team and the second Discord server, which are there with Options.Second.
const (
	SecondTeam    = "T1STUDIO02"
	SecondRoom    = "C1ACME0002"
	SecondBot     = "U1BOTATEL1"
	SecondGuild   = "1100000000000000002"
	SecondChannel = "1100000000000000251"
	secondBotRole = "1100000000000000252"
)

// What the Slack app has with Options.Installable. Its tokens live so short that Atelier replaces them at once.
const (
	SlackClientID     = "111.222"
	slackClientSecret = "sim-client-secret"
	slackTokenLife    = 50 * time.Minute
)

// SlackIn returns a persona's user id in the first or the second team; "" stays nobody.
func (p Persona) SlackIn(second bool) string {
	if !second || p.Slack == "" {
		return p.Slack
	}
	return "U1" + p.Slack[2:]
}

// secondSlack is a team of its own: other ids, an app of its own, the same people.
func secondSlack() slacksim.Options {
	o := slackOptions()
	o.Team = slacksim.Team{ID: SecondTeam, Name: "Harbour Films", Domain: "harbour"}
	o.BotToken, o.AppToken, o.SigningSecret = "xoxb-sim-second-token", "xapp-sim-second-token", "sim-second-secret"
	o.AppID, o.BotID, o.BotUserID = "A1ATELIER1", "B1ATELIER1", SecondBot
	var all []string
	for i, p := range Personas() {
		o.Users[i].ID = p.SlackIn(true)
		all = append(all, p.SlackIn(true))
	}
	o.Channels = []slacksim.Channel{{ID: SecondRoom, Name: "acme-film", Purpose: "Pictures for the Acme film", Members: append(all, SecondBot)}}
	o.UserGroups = nil
	return o
}

// addSecondGuild lets the bot be in a second server, where the same people are.
func addSecondGuild(o *discordsim.Options) {
	o.More = []discordsim.Guild{{ID: SecondGuild, Name: "Harbour", OwnerID: Personas()[1].Discord,
		Roles: []discordsim.Role{{ID: secondBotRole, Name: "Atelier", Permissions: discordsim.PermsBot, Position: 1, Managed: true}}}}
	bot := &o.Users[len(o.Users)-1]
	bot.Roles = append(bot.Roles, secondBotRole)
	o.Channels = append(o.Channels, discordsim.Channel{ID: SecondChannel, GuildID: SecondGuild, Type: discordsim.ChannelText, Name: "acme-film"})
}

// second starts the second team's simulator and binds its room and the second server's.
func (w *World) second() error {
	o := secondSlack()
	o.BaseURL, o.Log = w.URL()+"/sim/slack2", w.o.Log.With("simulator", "slack2")
	o.FileDelay, o.UnfurlDelay = -1, -1
	var err error
	if w.Slack2, err = slacksim.New(o); err != nil {
		return fmt.Errorf("second slack simulator: %w", err)
	}
	t := app.SlackTeam{Name: "second", BotToken: core.NewSecret(o.BotToken), AppToken: core.NewSecret(o.AppToken), SigningSecret: core.NewSecret(o.SigningSecret)}
	if w.o.SlackHTTP {
		t.AppToken = core.Secret{}
	}
	w.cfg.Slack.More = []app.SlackTeam{t}
	w.cfg.Rooms["ACME"] = append(w.cfg.Rooms["ACME"], core.RoomID("slack:"+SecondTeam+"/"+SecondRoom), core.RoomID("discord:"+SecondGuild+"/"+SecondChannel))
	return nil
}
