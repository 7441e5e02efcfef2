package slack

import (
	"strings"
	"testing"

	"github.com/atelier-bridge/atelier/adapters/slack/slacksim"
	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/coretest"
)

func TestConformance(t *testing.T) {
	coretest.RunPlatform(t, func(t *testing.T) coretest.PlatformRig {
		r := newRig(t, rigOptions{idle: true})
		seed := slacksim.DemoSeed()
		team, channel := seed.Team.ID, seed.Channels[1].ID
		return coretest.PlatformRig{Platform: r.a, Room: core.RoomID("slack:" + team + "/" + channel), Secret: botToken,
			Thread: func(id core.ThreadID) []coretest.Seen {
				var out []coretest.Seen
				for _, m := range r.Thread(channel, string(id)) {
					if m.TS == string(id) {
						continue
					}
					n := 0
					for _, x := range m.Reactions {
						n += len(x.Users)
					}
					text := m.Text
					if strings.Contains(text, "<!channel>") || strings.Contains(string(m.Blocks), `"broadcast"`) {
						text = "PING " + text
					}
					out = append(out, coretest.Seen{ID: core.MessageID(m.TS), Author: m.Username, Text: text, Reactions: n})
				}
				return out
			}}
	})
}
