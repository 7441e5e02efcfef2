package discord

import (
	"context"
	"net/http"
	"strconv"
	"sync"

	"github.com/atelier-bridge/atelier/core"
)

const (
	// maxChannels bounds what is remembered of channels and threads; what falls out is asked for again.
	maxChannels = 20_000
	maxGuilds   = 5_000
	permView    = 1 << 10
)

// place is what is remembered of a channel or thread.
type place struct {
	ID, Guild, Parent, Name string
	Type                    int
	allow, deny             uint64 // for everybody in the server
	exact                   bool   // allow and deny are known
}

func (p place) isThread() bool { return p.Type >= channelNewsThread && p.Type <= channelPrivateThread }
func (p place) isForum() bool  { return p.Type == channelForum || p.Type == channelMedia }

// guild is what is remembered of a server.
type guild struct {
	everyone uint64            // permissions of its default role
	emojis   map[string]string // name -> id
}

// world is a bounded memory of which channel is where and who may see it, fed by the gateway.
type world struct {
	mu       sync.Mutex
	channels map[string]place
	guilds   map[string]guild
}

func newWorld() *world {
	return &world{channels: map[string]place{}, guilds: map[string]guild{}}
}

func (w *world) put(c wireChannel) (old, now place, known bool) {
	p := place{ID: c.ID, Guild: c.GuildID, Parent: c.ParentID, Name: c.Name, Type: c.Type, exact: true}
	for _, o := range c.Overwrites {
		if o.ID == c.GuildID {
			p.allow, _ = strconv.ParseUint(o.Allow, 10, 64)
			p.deny, _ = strconv.ParseUint(o.Deny, 10, 64)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	old, known = w.channels[c.ID]
	if p.Guild == "" {
		p.Guild = old.Guild
	}
	if !known && len(w.channels) >= maxChannels {
		for id := range w.channels {
			delete(w.channels, id)
			if len(w.channels) < maxChannels*9/10 {
				break
			}
		}
	}
	w.channels[c.ID] = p
	return old, p, known
}

func (w *world) drop(channel string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.channels, channel)
}

func (w *world) get(channel string) (place, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, ok := w.channels[channel]
	return p, ok
}

func (w *world) putRoles(g wireGuild) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.guilds) >= maxGuilds {
		clear(w.guilds)
	}
	have := w.guilds[g.ID]
	for _, r := range g.Roles {
		if r.ID == g.ID {
			have.everyone, _ = strconv.ParseUint(r.Permissions, 10, 64)
		}
	}
	if g.Emojis != nil {
		have.emojis = map[string]string{}
		for _, e := range g.Emojis {
			have.emojis[e.Name] = e.ID
		}
	}
	w.guilds[g.ID] = have
}

func (w *world) putGuild(g wireGuild) {
	w.putRoles(g)
	for _, list := range [][]wireChannel{g.Channels, g.Threads} {
		for _, c := range list {
			c.GuildID = g.ID
			w.put(c)
		}
	}
}

func (w *world) hasGuild(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, ok := w.guilds[id]
	return ok
}

func (w *world) emojiID(guildID, name string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.guilds[guildID].emojis[name]
}

// private reports whether not everybody in the server sees the channel. What is not known counts as private.
func (w *world) private(channel string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, ok := w.channels[channel]
	if !ok || p.Type == channelPrivateThread {
		return true
	}
	if p.isThread() {
		if p, ok = w.channels[p.Parent]; !ok {
			return true
		}
	}
	g, ok := w.guilds[p.Guild]
	if !ok {
		return true
	}
	return g.everyone&^p.deny&permView == 0 && p.allow&permView == 0
}

// where finds a channel, asking Discord when it is not remembered.
func (a *Adapter) where(ctx context.Context, channel string) (place, error) {
	if p, ok := a.world.get(channel); ok {
		return p, nil
	}
	return a.fetchChannel(ctx, channel)
}

// fetchChannel asks Discord for a channel and, for a thread, sees to it that its parent is known too.
func (a *Adapter) fetchChannel(ctx context.Context, channel string) (place, error) {
	if !isSnowflake(channel) {
		return place{}, core.Errorf(core.CodeInvalid, "That is no Discord channel.")
	}
	var c wireChannel
	if err := a.rest.do(ctx, call{method: http.MethodGet, route: "GET channels", major: channel, path: "channels/" + channel}, &c); err != nil {
		return place{}, err
	}
	_, p, _ := a.world.put(c)
	if p.isThread() {
		if _, ok := a.world.get(p.Parent); !ok {
			if _, err := a.fetchChannel(ctx, p.Parent); err != nil && core.ErrorCode(err) == core.CodeRetry {
				return place{}, err
			}
		}
	}
	return p, nil
}

// WhoIs asks Discord who a user is whom no event told of: somebody who was mentioned before they ever wrote.
func (a *Adapter) WhoIs(ctx context.Context, id core.IdentityID) (core.Actor, error) {
	user, err := parseIdentity(id)
	if err != nil {
		return core.Actor{}, err
	}
	var u wireUser
	if err := a.rest.do(ctx, call{method: http.MethodGet, route: "GET users", major: user, path: "users/" + user}, &u); err != nil {
		return core.Actor{}, err
	}
	return a.actor(&u, nil, ""), nil
}

// learnGuild sees to it that a server's default permissions are known; the gateway tells them as soon as it is up.
func (a *Adapter) learnGuild(ctx context.Context, id string) error {
	if a.world.hasGuild(id) || !isSnowflake(id) {
		return nil
	}
	var g wireGuild
	if err := a.rest.do(ctx, call{method: http.MethodGet, route: "GET guilds", major: id, path: "guilds/" + id}, &g); err != nil {
		return err
	}
	a.world.putRoles(g)
	return nil
}

// locate splits a channel id into room and thread. A direct message has neither.
func (a *Adapter) locate(ctx context.Context, channel, guildID string) (room core.RoomID, thread core.ThreadID, p place, err error) {
	if guildID == "" {
		return "", "", place{ID: channel, Type: channelDM}, nil
	}
	p, err = a.where(ctx, channel)
	if err == nil {
		err = a.learnGuild(ctx, guildID)
	}
	if err != nil {
		return "", "", place{}, err
	}
	if p.isThread() {
		parent, _ := a.world.get(p.Parent)
		if parent.ID == "" {
			parent = place{ID: p.Parent, Guild: guildID}
		}
		return roomID(guildID, p.Parent), core.ThreadID(channel), parent, nil
	}
	return roomID(guildID, channel), "", p, nil
}
