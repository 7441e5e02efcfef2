package relay

import (
	"context"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// news knows of a pass which threads have something new, by asking each room once where the platform can say so.
type news struct {
	r     *rereader
	rooms map[core.RoomID]map[core.ThreadID]core.MessageID
}

// none reports whether a thread certainly has nothing that was not seen.
func (n *news) none(ctx context.Context, t *core.Thread) bool {
	if t.ID == "" {
		return false
	}
	asks, ok := n.r.history.(core.Latest)
	if !ok {
		return false
	}
	latest, asked := n.rooms[t.Room]
	if !asked {
		var err error
		if latest, err = asks.Latest(ctx, t.Room, n.r.since()); err != nil && ctx.Err() == nil {
			n.r.c.Log.InfoContext(ctx, "a room does not tell which threads have news", "room", t.Room, "error", err)
		}
		if n.rooms == nil {
			n.rooms = map[core.RoomID]map[core.ThreadID]core.MessageID{}
		}
		n.rooms[t.Room] = latest
	}
	newest, known := latest[t.ID]
	if !known {
		return false
	}
	seen := t.Cursor
	if n.r.c.Posts != nil {
		// What we posted since the thread was last read may hide what was said before it.
		if ours, err := n.r.c.Posts.Newest(ctx, t.Task, t.Room); err == nil && after(ours, seen) && postedAt(t.Room.Platform(), ours) < t.Caught {
			seen = ours
		}
	}
	return !after(newest, seen)
}

// Rechecks take at most half of Slack's 50 readings a minute: https://docs.slack.dev/apis/web-api/rate-limits
const (
	rechecks      = 25
	recheckWindow = time.Minute
)

// pace waits until a thread may be read again for what may have changed in it.
func (r *rereader) pace(ctx context.Context) error {
	if r.c.Limiter == nil || r.plat != core.Slack {
		return context.Cause(ctx)
	}
	const bucket = "catch-up/slack"
	if !r.taught {
		r.c.Limiter.Learn(ctx, bucket, rechecks, recheckWindow)
		r.taught = true
	}
	for {
		err := r.c.Limiter.Wait(ctx, bucket)
		if err == nil || ctx.Err() != nil {
			return err
		}
		if err := r.c.Clock.Sleep(ctx, max(core.RetryAfter(err), time.Second)); err != nil {
			return err
		}
	}
}

// discordEpoch is where Discord's ids begin to count milliseconds.
// https://docs.discord.com/developers/reference#snowflakes
const discordEpoch = 1420070400000

// postedAt reads the time out of a message's id, in the milliseconds of gaps; the far future when it has none.
func postedAt(p core.PlatformName, id core.MessageID) core.Gap {
	whole, _, _ := strings.Cut(string(id), ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	switch {
	case err != nil:
		return math.MaxInt64
	case p == core.Discord:
		return core.Gap(n>>22 + discordEpoch)
	}
	return core.Gap(n * 1000)
}

// hint names what is less than a gap: somebody else heard a platform, but what was on its way to a process that died comes
// again only after a while. Threads with news are read for it.
func hint(p core.PlatformName) core.PlatformName { return p + "~" }
