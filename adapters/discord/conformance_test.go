package discord

import (
	"testing"

	"github.com/atelier-bridge/atelier/adapters/discord/discordsim"
	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/coretest"
)

func TestConformance(t *testing.T) {
	coretest.RunPlatform(t, func(t *testing.T) coretest.PlatformRig {
		r := newRig(t, rigOptions{idle: true})
		return coretest.PlatformRig{Platform: r.a, Room: studio, Secret: discordsim.DemoBotToken,
			Thread: func(id core.ThreadID) []coretest.Seen {
				var out []coretest.Seen
				for _, m := range r.thread(id) {
					if m.Type != 0 && m.Type != 19 {
						continue
					}
					n := 0
					for _, x := range m.Reactions {
						n += len(x.Users)
					}
					text := m.Content
					if m.MentionEveryone || len(m.Mentions)+len(m.MentionRoles) > 0 {
						text = "PING " + text
					}
					out = append(out, coretest.Seen{ID: core.MessageID(m.ID), Author: m.Author, Text: text, Reactions: n})
				}
				return out
			}}
	})
}
