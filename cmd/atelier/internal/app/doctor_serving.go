package app

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback"
)

// greeting is what ATELIER_ADDR answers at its root: doctor looks for it behind the public URL.
const greeting = "Atelier is running. People use it from Slack and Discord.\n"

// checkServing says who works on this store at this moment.
func checkServing(ctx context.Context, cfg Config, s *feedback.Store) []core.Finding {
	h, err := s.Holders(ctx)
	if err != nil {
		return []core.Finding{{Area: "leases", Warn: true, What: "could not be read: " + string(core.ErrorCode(err))}}
	}
	all := len(s.DB.Parts.All())
	if h.Processes == 0 {
		return []core.Finding{{Area: "leases", Warn: true, What: "nobody serves this store now", Fix: "start: atelier serve"}}
	}
	out := []core.Finding{{Area: "leases", OK: h.Partitions == all, Warn: true, What: fmt.Sprintf("%d of %d partitions are held, by %d process(es)", h.Partitions, all, h.Processes),
		Fix: "wait ten seconds and look again; if it stays, read the log for \"lease not acquired\""}}
	link := func(p core.PlatformName, enabled bool, what string) {
		if enabled {
			n := h.Links[p]
			out = append(out, core.Finding{Area: string(p), OK: n > 0, Warn: true, What: fmt.Sprintf("%d %s held by a process", n, what), Fix: "read the log of the processes that serve: they say why they are not connected"})
		}
	}
	link(core.Slack, cfg.Slack.Enabled() && cfg.Slack.Sockets(), "Socket Mode connection(s)")
	link(core.Discord, cfg.Discord.Enabled(), "gateway connection(s)")
	return out
}

// checkPublic asks the public URL for what ATELIER_ADDR answers. From inside a network it may not be reachable although
// it is from outside, so nothing of it is fatal.
func checkPublic(ctx context.Context, cfg Config) []core.Finding {
	if cfg.PublicURL == "" {
		return []core.Finding{{Area: "public", OK: true, What: "no public URL: keys are entered in a form of the platform, and large files stay where they are"}}
	}
	bad := func(what string) []core.Finding {
		return []core.Finding{{Area: "public", Warn: true, What: cfg.PublicURL + " " + what, Fix: "let it lead to ATELIER_ADDR; look from outside too"}}
	}
	ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, cfg.PublicURL+"/", nil)
	if err != nil {
		return bad("is no address")
	}
	resp, err := (&http.Client{Timeout: doctorTimeout}).Do(req)
	if err != nil {
		return bad("cannot be reached from here")
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(body), strings.TrimSpace(greeting)) {
		return bad(fmt.Sprintf("answers %d, and not as Atelier does", resp.StatusCode))
	}
	out := []core.Finding{{Area: "public", OK: true, What: cfg.PublicURL + " leads to Atelier"}}
	if !strings.HasPrefix(cfg.PublicURL, "https://") {
		out = append(out, core.Finding{Area: "public", Warn: true, What: "is not https: keys that people enter can be read on the way", Fix: "put a certificate in front of it"})
	}
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil && time.Since(at).Abs() > time.Minute {
		out = append(out, core.Finding{Area: "clock", Warn: true, What: fmt.Sprintf("is %s away from that of %s", time.Since(at).Abs().Round(time.Second), cfg.PublicURL), Fix: "let both set their clocks by NTP"})
	}
	return out
}

// maxRooms bounds the rooms of one platform that doctor looks at.
const maxRooms = 50

// checkRooms looks at the rooms of a platform that are bound, by configuration or by command.
func checkRooms(ctx context.Context, cfg Config, p core.PlatformName, c core.RoomChecker) []core.Finding {
	rooms := map[core.RoomID]bool{}
	for _, list := range cfg.Rooms {
		for _, id := range list {
			rooms[id] = id.Platform() == p
		}
	}
	if cfg.RedisURL != "" {
		if s, err := cfg.store(ctx); err == nil {
			keys, _ := s.People.Projects(ctx) // what is wrong with the store was said
			for _, k := range keys {
				if project, err := s.People.Project(ctx, k); err == nil {
					for _, id := range project.Rooms {
						rooms[id] = id.Platform() == p
					}
				}
			}
			defer s.Close()
		}
	}
	var out []core.Finding
	good := 0
	for _, id := range slices.Sorted(maps.Keys(rooms)) {
		if !rooms[id] {
			continue
		}
		if good+len(out) >= maxRooms {
			break
		}
		missing, err := c.CheckRoom(ctx, id)
		switch {
		case err != nil:
			out = append(out, core.Finding{Area: string(p), What: "room " + string(id) + ": " + core.SafeMessage(err), Fix: "check the id, and invite Atelier to the channel"})
		case len(missing) > 0:
			out = append(out, core.Finding{Area: string(p), What: "room " + string(id) + " lacks: " + strings.Join(missing, ", "), Fix: "give the app these permissions in that channel"})
		default:
			good++
		}
	}
	if good > 0 {
		out = append(out, core.Finding{Area: string(p), OK: true, What: fmt.Sprintf("%d bound room(s) can be used", good)})
	}
	return out
}
