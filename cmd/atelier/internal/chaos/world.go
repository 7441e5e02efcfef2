package main

// The world of a run: people and rooms on both platforms, the simulators behind one loopback port, Redis, the replicas.

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/atelier-bridge/atelier/adapters/discord/discordsim"
	"github.com/atelier-bridge/atelier/adapters/slack/slacksim"
	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/feedback"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

// persona is somebody on both platforms, under the same name.
type persona struct{ name, slack, discord string }

// side is one room: a channel of a platform.
type side struct {
	room    core.RoomID
	channel string
	slack   bool
}

// project is a project with its rooms.
type project struct {
	key   core.ProjectKey
	rooms []side
}

// world is everything that a run needs.
type world struct {
	c        config
	n        *notes
	dir      string
	people   []persona
	projects []project
	slack    *slacksim.Server
	discord  *discordsim.Server
	taps     *taps
	tally    tally
	redis    *redises
	fleet    *fleet
	store    *feedback.Store
	book     *ledger
	next     string // the program that replaces the present one

	url    string
	srv    *http.Server
	served chan struct{}
	so     slacksim.Options
	do     discordsim.Options

	mu      sync.Mutex
	parents map[string]core.RoomID // Discord threads
}

const (
	slackTeam = "T0CHAOS001"
)

// cast is who talks.
func cast() []persona {
	var out []persona
	for i, name := range []string{"Ada", "Ben", "Cleo", "Dov", "Eve"} {
		out = append(out, persona{name, fmt.Sprintf("U0CHAOS%03d", i+1), fmt.Sprintf("1100000000000000%03d", 501+i)})
	}
	return out
}

// plan of rooms: a project for each pair of rooms, but the last two of four or more pairs share one.
func layout(pairs int) []project {
	var out []project
	for i := range pairs {
		s, d := fmt.Sprintf("C0CHAOS%03d", i), fmt.Sprintf("1100000000000007%03d", i)
		rooms := []side{{core.RoomID("slack:" + slackTeam + "/" + s), s, true}, {core.RoomID("discord:" + discordsim.DemoGuildID + "/" + d), d, false}}
		if i > 0 && i == pairs-1 && pairs >= 4 {
			out[len(out)-1].rooms = append(out[len(out)-1].rooms, rooms...)
			continue
		}
		out = append(out, project{core.ProjectKey(fmt.Sprintf("R%02d", i)), rooms})
	}
	return out
}

// newWorld starts everything but the replicas' talk: when it returns, they serve and both platforms are connected.
func newWorld(ctx context.Context, c config, n *notes, dir string) (w *world, err error) {
	w = &world{c: c, n: n, dir: dir, people: cast(), projects: layout(c.rooms), taps: newTaps(), book: &ledger{}, served: make(chan struct{}), parents: map[string]core.RoomID{}}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	bin := c.bin
	if bin == "" {
		if bin, err = build(ctx, dir); err != nil {
			return w, err
		}
	}
	w.next = bin
	if c.old != "" {
		if bin = c.old; !strings.ContainsRune(bin, filepath.Separator) {
			if bin, err = buildTag(ctx, dir, c.old); err != nil {
				return w, err
			}
		}
	}
	if w.redis, err = startRedis(ctx, dir, c.redis == "cluster", c.fsync); err != nil {
		return w, err
	}
	if err := w.simulate(ctx); err != nil {
		return w, err
	}
	if w.store, err = feedback.Open(ctx, feedback.Options{URL: w.redis.url(), Mode: rdb.Mode(c.redis)}); err != nil {
		return w, fmt.Errorf("open store: %w", err)
	}
	for _, p := range w.people {
		if _, err := w.store.People.Join(ctx, w.slackIdentity(p), core.IdentityID("discord:"+p.discord)); err != nil {
			return w, fmt.Errorf("join identities: %w", err)
		}
	}
	w.fleet = &fleet{bin: bin, env: w.env(), dir: dir, n: n}
	for range c.replicas {
		w.fleet.add(ctx)
	}
	if err := w.fleet.await(ctx); err != nil {
		return w, err
	}
	return w, w.until(ctx, readyWithin, "both platforms are connected", func() bool {
		return (c.slackHTTP || w.slack.Connections() >= 2) && w.discord.Snapshot("", 1).Sessions > 0 && len(w.discord.Commands()) > 0
	})
}

func (w *world) slackIdentity(p persona) core.IdentityID {
	return core.IdentityID("slack:" + slackTeam + "/" + p.slack)
}

// until polls for a condition.
func (w *world) until(ctx context.Context, limit time.Duration, what string, ok func() bool) error {
	for deadline := time.Now().Add(limit); !ok(); {
		if time.Now().After(deadline) {
			return fmt.Errorf("waited %s in vain until %s", limit, what)
		}
		if !rest(ctx, 25*time.Millisecond) {
			return context.Cause(ctx)
		}
	}
	return nil
}

// simulate starts both platforms behind one port, with their own rate limits.
func (w *world) simulate(ctx context.Context) error {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	w.url = "http://" + ln.Addr().String()
	w.so, w.do = slacksim.DemoSeed(), discordsim.DemoSeed()
	bot := w.do.Users[len(w.do.Users)-1]
	w.so.Users, w.do.Users, w.so.Channels, w.do.Channels = nil, nil, nil, nil
	w.so.Team.ID = slackTeam
	w.so.Limits, w.do.Limits = slacksim.RealLimits(), true
	w.so.UnfurlDelay = -1
	w.so.BaseURL, w.do.BaseURL = w.url+"/sim/slack", w.url+"/sim/discord"
	members := []string{w.so.BotUserID}
	for _, p := range w.people {
		handle := strings.ToLower(p.name)
		w.so.Users = append(w.so.Users, slacksim.User{ID: p.slack, Name: handle, RealName: p.name, DisplayName: p.name})
		w.do.Users = append(w.do.Users, discordsim.User{ID: p.discord, Username: handle, GlobalName: p.name, Roles: []string{discordsim.DemoEditors}})
		members = append(members, p.slack)
	}
	w.do.Users = append(w.do.Users, bot)
	w.do.Guild.OwnerID = w.people[0].discord
	for _, p := range w.projects {
		for _, s := range p.rooms {
			if s.slack {
				w.so.Channels = append(w.so.Channels, slacksim.Channel{ID: s.channel, Name: "room-" + strings.ToLower(s.channel[len(s.channel)-3:]), Members: members})
			} else {
				w.do.Channels = append(w.do.Channels, discordsim.Channel{ID: s.channel, Type: discordsim.ChannelText, Name: "room-" + s.channel[len(s.channel)-3:]})
			}
		}
	}
	if w.slack, err = slacksim.New(w.so); err != nil {
		return errors.Join(fmt.Errorf("slack simulator: %w", err), ln.Close())
	}
	if w.discord, err = discordsim.New(w.do); err != nil {
		return errors.Join(fmt.Errorf("discord simulator: %w", err), ln.Close())
	}
	w.taps.slack = func(ch string) core.RoomID { return core.RoomID("slack:" + slackTeam + "/" + ch) }
	w.taps.parent = w.parentOf
	mux := http.NewServeMux()
	slack := w.tally.counted(http.StripPrefix("/sim/slack", w.slack), "slack", "/sim/slack/api/")
	discord := w.tally.counted(http.StripPrefix("/sim/discord", w.discord), "discord", "/sim/discord/api/v10")
	mux.Handle("/sim/slack/", slack)
	mux.Handle("/sim/slack/link/", w.taps.socket(slack))
	mux.Handle("/sim/discord/", discord)
	mux.Handle("/sim/discord/gateway", w.taps.gateway(discord))
	mux.Handle("/sim/discord/gateway/", w.taps.gateway(discord))
	if w.c.slackHTTP {
		mux.Handle("/slack/", w.balance())
		w.slack.SetRequestURLs(w.url+"/slack/events", w.url+"/slack/commands", w.url+"/slack/interactions")
	}
	w.srv = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(w.served)
		_ = w.srv.Serve(ln) // ends with close
	}()
	return nil
}

// parentOf returns the room that a Discord thread lies in; a thread has its root message's id, or that of a room.
func (w *world) parentOf(channel string) core.RoomID {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.parents[channel]
}

// env is what a replica is started with.
func (w *world) env() []string {
	var bound []string
	for _, p := range w.projects {
		var rooms []string
		for _, s := range p.rooms {
			rooms = append(rooms, string(s.room))
		}
		bound = append(bound, string(p.key)+"="+strings.Join(rooms, ","))
	}
	var key [32]byte
	_, _ = rand.Read(key[:]) // it never fails
	env := []string{
		"ATELIER_ADDR=127.0.0.1:0", "ATELIER_OPS_ADDR=127.0.0.1:0", "ATELIER_REDIS_URL=" + w.redis.url(), "ATELIER_REDIS_MODE=" + w.c.redis,
		"ATELIER_BLOB_URL=file://" + filepath.ToSlash(filepath.Join(w.dir, "blobs")) + "?create_dir=1&no_tmp_dir=1",
		"ATELIER_KEYS=base64key://" + base64.URLEncoding.EncodeToString(key[:]),
		"ATELIER_SLACK_BOT_TOKEN=" + w.so.BotToken, "ATELIER_SLACK_SIGNING_SECRET=" + w.so.SigningSecret, "ATELIER_SLACK_API_URL=" + w.so.BaseURL + "/api/",
		"ATELIER_DISCORD_BOT_TOKEN=" + w.do.BotToken, "ATELIER_DISCORD_APPLICATION_ID=" + w.do.ApplicationID, "ATELIER_DISCORD_API_URL=" + w.do.BaseURL + "/api/v10",
		"ATELIER_ROOMS=" + strings.Join(bound, ";"),
		"ATELIER_ADMINS=" + string(w.slackIdentity(w.people[0])) + ",discord:" + w.people[0].discord,
	}
	if !w.c.slackHTTP {
		env = append(env, "ATELIER_SLACK_APP_TOKEN="+w.so.AppToken)
	}
	for _, keep := range []string{"PATH", "HOME", "TMPDIR", "GORACE"} {
		if v, ok := os.LookupEnv(keep); ok {
			env = append(env, keep+"="+v)
		}
	}
	return env
}

// close ends everything.
func (w *world) close() {
	if w.fleet != nil {
		w.fleet.close()
	}
	if w.store != nil {
		_ = w.store.Close() // nothing was written that anybody needs
	}
	if w.redis != nil {
		w.redis.close()
	}
	if w.slack != nil {
		_ = w.slack.Close()
	}
	if w.discord != nil {
		_ = w.discord.Close()
	}
	if w.srv != nil {
		_ = w.srv.Close()
		<-w.served
	}
}
