// Package relay is the bridge: it takes inbounds from the platforms, turns what is said in threads into comments, and
// brings every comment, card, notice and answer to where it belongs. Commands it hands to the use cases.
package relay

import (
	"context"
	"sync"
	"time"

	"log/slog"

	"github.com/atelier-bridge/atelier/core"
)

// Accept implements core.Receiver: it finds the partition of an inbound and stores it there. It is what stands between
// a platform's event and its acknowledgement, so it reads as little as possible.
type Accept struct {
	Journal  core.Journal
	Projects core.Projects
	Refs     core.Refs
	Parts    core.Partitions
	Clock    core.Clock
	Log      *slog.Logger
	// Conceal seals what was typed into a secret option, before its inbound is stored. Without it such an inbound is refused.
	Conceal func(ctx context.Context, in *core.Inbound) error
	// Answers answers queries inside the acknowledgement.
	Answers func(ctx context.Context, q core.Query) (core.Card, error)
	// Missed is told that events of a platform may have been missed. It returns at once and may be nil.
	Missed func(core.PlatformName)
	// Refused is told that a platform's events were refused for a while: whoever hears it, nobody stored them. It may be
	// nil.
	Refused func(core.PlatformName)
	// Newest tells the newest gap of a platform; it may be nil.
	Newest    func(core.PlatformName) core.Gap
	Telemetry core.Telemetry

	mu     sync.Mutex
	rooms  map[core.RoomID]cachedRoom
	failed map[core.PlatformName]bool // the last event of the platform could not be stored
}

var (
	_ core.Receiver    = (*Accept)(nil)
	_ core.GapReceiver = (*Accept)(nil)
)

type cachedRoom struct {
	room  *core.Room
	until time.Time
}

const (
	// roomTTL is how long a binding may be stale here. A stale answer only means that the inbound is handled in the
	// room's former partition, where the router looks the binding up again.
	roomTTL = 5 * time.Second
	// maxRooms bounds the cache.
	maxRooms = 10_000
)

// Receive stores an inbound in its partition.
func (a *Accept) Receive(ctx context.Context, in core.Inbound) (err error) {
	began, platform := a.Clock.Now(), string(in.Room.Platform())
	if platform == "" {
		platform = string(in.Actor.Identity.Platform())
	}
	ctx, done := a.Telemetry.Start(core.WithLog(ctx, slog.String("request", string(in.ID))), "accept", slog.String("kind", string(in.Kind)), slog.String("platform", platform))
	outcome := "failed"
	defer func() {
		done(err)
		a.Telemetry.Count(core.MetricAccepts, platform, string(in.Kind), outcome)
		a.Telemetry.Observe(core.MetricAcceptTime, a.Clock.Now().Sub(began), platform)
	}()
	if in.Trace == "" {
		in.Trace = a.Telemetry.Carry(ctx)
	}
	if in.Command != nil && !in.Command.Secret.IsZero() {
		if a.Conceal == nil {
			return core.Errorf(core.CodeUnsupp, "No key can be entered here.")
		}
		if err := a.Conceal(ctx, &in); err != nil {
			return err
		}
	}
	plat := in.Room.Platform()
	if a.Newest != nil && in.Room != "" && in.Kind != core.InboundCaughtUp {
		in.Gap = a.Newest(plat)
	}
	p, err := a.partition(ctx, in)
	added := false
	if err == nil {
		added, err = a.Journal.Append(ctx, p, in)
	}
	if !in.CatchUp && (err == nil || ctx.Err() == nil) {
		a.refused(plat, err != nil)
	}
	if err != nil {
		return err
	}
	switch {
	case !added:
		outcome = "repeated"
	case in.Kind == core.InboundUnreadable:
		outcome = "unreadable"
	default:
		outcome = "accepted"
	}
	return nil
}

// refused remembers that a platform's event could not be stored. Platforms tell again only for a while: once storing
// works again, what was refused is looked for in the history.
func (a *Accept) refused(p core.PlatformName, failed bool) {
	if p == "" {
		return
	}
	a.mu.Lock()
	was := a.failed[p]
	if was != failed {
		if a.failed == nil {
			a.failed = map[core.PlatformName]bool{}
		}
		a.failed[p] = failed
	}
	a.mu.Unlock()
	if was && !failed && a.Refused != nil {
		a.Refused(p)
	}
}

// Acknowledged notes that the platform took the acknowledgement.
func (a *Accept) Acknowledged(ctx context.Context, id core.InboundID, room core.RoomID, actor core.IdentityID) {
	p, err := a.partition(ctx, core.Inbound{Room: room, Actor: core.Actor{Identity: actor}})
	if err == nil {
		err = a.Journal.Acknowledged(ctx, p, id)
	}
	if err != nil {
		a.Log.WarnContext(ctx, "acknowledgement not noted", "inbound", id, "error", err)
	}
}

// Gap passes on that events of a platform may have been missed.
func (a *Accept) Gap(p core.PlatformName) {
	if a.Missed != nil {
		a.Missed(p)
	}
}

// Answer answers a query; it only reads.
func (a *Accept) Answer(ctx context.Context, q core.Query) (core.Card, error) {
	return a.Answers(ctx, q)
}

func (a *Accept) partition(ctx context.Context, in core.Inbound) (core.Partition, error) {
	own := a.Parts.OfKey(string(in.Actor.Identity))
	if in.Job != nil {
		return a.Parts.OfProject(in.Job.Version.Task.Project()), nil
	}
	if in.Import != nil {
		return a.Parts.OfProject(in.Import.Import.Task.Project()), nil
	}
	if in.Room == "" {
		return own, nil
	}
	room, err := a.room(ctx, in.Room)
	if err != nil {
		return "", err
	}
	if in.Thread != "" {
		for _, former := range room.Former {
			_, err := a.Refs.Thread(ctx, a.Parts.OfProject(former), in.Room, in.Thread)
			if err == nil {
				return a.Parts.OfProject(former), nil
			}
			if core.ErrorCode(err) != core.CodeNotFound {
				return "", err
			}
		}
	}
	if in.Thread == "" && in.Message != nil && len(room.Former) > 0 {
		// Slack's reactions do not say in which thread they are.
		for _, former := range room.Former {
			_, _, err := a.Refs.Object(ctx, a.Parts.OfProject(former), in.Room, in.Message.ID)
			if err == nil {
				return a.Parts.OfProject(former), nil
			}
			if core.ErrorCode(err) != core.CodeNotFound {
				return "", err
			}
		}
	}
	if room.Project == "" {
		return own, nil
	}
	return a.Parts.OfProject(room.Project), nil
}

// room returns a binding, at most roomTTL old; an unbound room is an empty record.
func (a *Accept) room(ctx context.Context, id core.RoomID) (*core.Room, error) {
	now := a.Clock.Now()
	a.mu.Lock()
	c, ok := a.rooms[id]
	a.mu.Unlock()
	if ok && now.Before(c.until) {
		return c.room, nil
	}
	room, err := a.Projects.Room(ctx, id)
	if core.ErrorCode(err) == core.CodeNotFound {
		room, err = &core.Room{ID: id}, nil
	}
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.rooms == nil || len(a.rooms) >= maxRooms {
		a.rooms = map[core.RoomID]cachedRoom{}
	}
	a.rooms[id] = cachedRoom{room: room, until: now.Add(roomTTL)}
	return room, nil
}
