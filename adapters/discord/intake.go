package discord

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"strconv"
	"sync"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

const (
	lanes     = 8    // events of one channel share a lane and keep their order
	laneDepth = 1024 // waiting events per lane; beyond them the gateway is not read
	// maxInteractions bounds how many interactions are answered at the same time.
	maxInteractions = 64
)

// event is one dispatch of the gateway.
type event struct {
	kind string
	key  string // session and sequence: the same dispatch sent again has the same key
	at   time.Time
	data json.RawMessage
}

// intake takes events from the gateway in their order and hands them on: what tells of channels at once, messages by
// lane, interactions beside each other, since people wait for them.
type intake struct {
	a        *Adapter
	receiver core.Receiver
	lane     [lanes]chan *event
	slots    chan struct{}
	work     sync.WaitGroup

	ctx  context.Context
	stop context.CancelFunc
}

func newIntake(a *Adapter, r core.Receiver) *intake {
	in := &intake{a: a, receiver: r, slots: make(chan struct{}, maxInteractions)}
	for i := range in.lane {
		in.lane[i] = make(chan *event, laneDepth)
	}
	return in
}

func (in *intake) start(ctx context.Context) {
	in.ctx, in.stop = context.WithCancel(ctx)
	for i := range in.lane {
		in.work.Go(func() { in.serve(in.ctx, in.lane[i]) })
	}
}

// close waits for what is being handled. Events that still wait come back by catch-up.
func (in *intake) close() {
	in.stop()
	in.work.Wait()
}

// event is called by the gateway's reader for every dispatch, in order. It never panics.
func (in *intake) event(kind, key string, data json.RawMessage) {
	defer func() {
		if r := recover(); r != nil {
			in.a.log.Error("event handler panicked", "event", kind, "panic", r)
		}
	}()
	if in.ctx.Err() != nil {
		return
	}
	e := &event{kind: kind, key: key, at: in.a.now(), data: data}
	switch kind {
	case "INTERACTION_CREATE":
		select {
		case in.slots <- struct{}{}:
			in.work.Go(func() {
				defer func() { <-in.slots }()
				in.a.interactionEvent(in.ctx, in.receiver, data)
			})
		case <-in.ctx.Done():
		}
	case "MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE", "MESSAGE_DELETE_BULK", "MESSAGE_REACTION_ADD", "MESSAGE_REACTION_REMOVE", "CHANNEL_UPDATE", "CHANNEL_DELETE":
		if kind == "CHANNEL_UPDATE" || kind == "CHANNEL_DELETE" {
			if kind = in.roomChanged(kind, data); kind == "" {
				return
			}
		}
		select {
		case in.lane[laneOf(data)] <- e:
		case <-in.ctx.Done():
		}
	default:
		in.a.learnWorld(kind, data)
	}
}

// ready takes note of a new session and returns a name for it.
func (in *intake) ready(data json.RawMessage, shard int) string {
	var r struct {
		SessionID string   `json:"session_id"`
		User      wireUser `json:"user"`
	}
	if json.Unmarshal(data, &r) != nil || r.SessionID == "" {
		r.SessionID = strconv.Itoa(shard) + "/" + strconv.FormatInt(in.a.now().UnixNano(), 36)
	}
	in.a.know(r.User.ID)
	// A new session, not a resumed one: what happened before it was told to nobody.
	core.TellGap(in.receiver, core.Discord)
	return core.Digest(12, r.SessionID)
}

// learnWorld keeps the memory of servers, channels and webhooks right.
func (a *Adapter) learnWorld(kind string, data json.RawMessage) {
	switch kind {
	case "GUILD_CREATE", "GUILD_UPDATE":
		var g wireGuild
		if json.Unmarshal(data, &g) == nil && g.ID != "" && g.Roles != nil {
			a.world.putGuild(g)
		}
	case "GUILD_ROLE_UPDATE":
		var r struct {
			Guild string   `json:"guild_id"`
			Role  wireRole `json:"role"`
		}
		if json.Unmarshal(data, &r) == nil {
			a.world.putRoles(wireGuild{ID: r.Guild, Roles: []wireRole{r.Role}})
		}
	case "GUILD_EMOJIS_UPDATE":
		var g struct {
			ID     string      `json:"guild_id"`
			Emojis []wireEmoji `json:"emojis"`
		}
		if json.Unmarshal(data, &g) == nil {
			a.world.putRoles(wireGuild{ID: g.ID, Emojis: g.Emojis})
		}
	case "CHANNEL_CREATE", "THREAD_CREATE", "THREAD_UPDATE":
		var c wireChannel
		if json.Unmarshal(data, &c) == nil && c.ID != "" {
			a.world.put(c)
		}
	case "THREAD_DELETE":
		var c wireChannel
		if json.Unmarshal(data, &c) == nil {
			a.world.drop(c.ID)
		}
	case "THREAD_LIST_SYNC":
		var l struct {
			Guild   string        `json:"guild_id"`
			Threads []wireChannel `json:"threads"`
		}
		if json.Unmarshal(data, &l) == nil {
			for _, c := range l.Threads {
				c.GuildID = l.Guild
				a.world.put(c)
			}
		}
	case "WEBHOOKS_UPDATE":
		var w struct {
			Channel string `json:"channel_id"`
		}
		if json.Unmarshal(data, &w) == nil {
			a.hooks.forget(w.Channel)
		}
	}
}

// roomChanged notes a channel's new state and returns the event's kind if a room needs to hear of it.
func (in *intake) roomChanged(kind string, data json.RawMessage) string {
	var c wireChannel
	if json.Unmarshal(data, &c) != nil || c.ID == "" {
		return ""
	}
	if kind == "CHANNEL_DELETE" {
		in.a.world.drop(c.ID)
		return kind
	}
	before := in.a.world.private(c.ID)
	old, now, known := in.a.world.put(c)
	if known && old.Name == now.Name && before == in.a.world.private(c.ID) {
		return ""
	}
	return kind
}

func laneOf(data json.RawMessage) int {
	var c struct {
		ID      string `json:"id"`
		Channel string `json:"channel_id"`
	}
	_ = json.Unmarshal(data, &c)
	if c.Channel == "" {
		c.Channel = c.ID
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(c.Channel))
	return int(h.Sum32() % lanes)
}

// serve handles one lane. While the store is away an event waits, and those behind it.
func (in *intake) serve(ctx context.Context, events <-chan *event) {
	for {
		select {
		case e := <-events:
			in.handle(ctx, e)
		case <-ctx.Done():
			return
		}
	}
}

func (in *intake) handle(ctx context.Context, e *event) {
	defer func() {
		if r := recover(); r != nil {
			in.a.log.ErrorContext(ctx, "event handler panicked", "event", e.kind, "panic", r)
		}
	}()
	var found []core.Inbound
	for n := 1; ; n++ {
		var err error
		if found, err = in.a.inbounds(ctx, e); err == nil {
			break
		}
		if core.ErrorCode(err) != core.CodeRetry || n == 5 {
			in.a.log.WarnContext(ctx, "event dropped", "event", e.kind, "error", err)
			return
		}
		if in.a.clock.Sleep(ctx, max(time.Duration(n)*250*time.Millisecond, core.RetryAfter(err))) != nil {
			return
		}
	}
	for _, i := range found {
		in.store(ctx, i)
	}
}

// store hands an inbound over until the receiver has it: there is no acknowledgement to hold back on the gateway.
func (in *intake) store(ctx context.Context, i core.Inbound) {
	for n := 1; ; n++ {
		err := in.receiver.Receive(ctx, i)
		if err == nil || ctx.Err() != nil {
			return
		}
		in.a.log.WarnContext(ctx, "inbound not stored", "inbound", i.ID, "error", err, "tries", n)
		if in.a.clock.Sleep(ctx, min(time.Duration(n)*200*time.Millisecond, 2*time.Second)) != nil {
			return
		}
	}
}
