package slack

import (
	"context"
	"net/url"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// person is what we show of a Slack user.
type person struct {
	Name, Avatar string
	Locale, Zone string // as the person set their Slack
	Bot          bool
}

// unknownFor is how long a person who could not be looked up is left alone.
const unknownFor = 15 * time.Second

// lookup returns a user's name and picture: from the cache, else from Slack as long as the context allows. It stands
// in the way of acknowledgements, so it neither waits for a place in a rate limit nor tries twice.
func (i *installation) lookup(ctx context.Context, user string) person {
	now := i.a.o.Clock.Now()
	if user == "" {
		return person{}
	}
	if p, ok := i.people.get(user, now); ok {
		return p
	}
	if ctx.Err() != nil {
		return person{}
	}
	var out struct {
		User struct {
			Name     string `json:"name"`
			RealName string `json:"real_name"`
			IsBot    bool   `json:"is_bot"`
			Locale   string `json:"locale"`
			Zone     string `json:"tz"`
			Profile  struct {
				DisplayName string `json:"display_name"`
				RealName    string `json:"real_name"`
				Image192    string `json:"image_192"`
				Image72     string `json:"image_72"`
			} `json:"profile"`
		} `json:"user"`
	}
	if err := i.call(ctx, "users.info", url.Values{"user": {user}, "include_locale": {"true"}}, &out); err != nil {
		i.people.putFor(user, person{}, now, unknownFor)
		i.a.o.Log.DebugContext(ctx, "slack user not looked up", "user", user, "error", err)
		return person{}
	}
	u := out.User
	p := person{Name: firstOf(u.Profile.DisplayName, u.Profile.RealName, u.RealName, u.Name), Avatar: firstOf(u.Profile.Image192, u.Profile.Image72), Locale: u.Locale, Zone: u.Zone, Bot: u.IsBot}
	i.people.put(user, p, now)
	return p
}

// WhoIs returns the display name and picture of a user whom an event did not name.
func (a *Adapter) WhoIs(ctx context.Context, id core.IdentityID) (core.Actor, error) {
	team, user, err := parseIdentity(id)
	if err != nil {
		return core.Actor{}, err
	}
	i, err := a.in(ctx, team)
	if err != nil {
		return core.Actor{}, err
	}
	if p, ok := i.people.get(user, a.o.Clock.Now()); ok && p.Name == "" {
		i.people.drop(user) // it could not be asked a moment ago
	}
	p := i.lookup(ctx, user)
	if p.Name == "" {
		return core.Actor{}, core.Errorf(core.CodeRetry, "Slack does not tell who that is.")
	}
	return core.Actor{Identity: id, Name: p.Name, Avatar: p.Avatar, Locale: core.Locale(p.Locale), Zone: p.Zone, Bot: p.Bot}, nil
}

// briefly bounds the look-ups of one inbound.
func (a *Adapter) briefly(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, a.tune.lookup)
}

// actor describes a user of a team; fallback is the name that the event carries.
func (i *installation) actor(ctx context.Context, team, user, fallback string) core.Actor {
	if user == "" {
		return core.Actor{}
	}
	p := i.lookup(ctx, user)
	return core.Actor{Identity: identityID(team, user), Name: firstOf(p.Name, fallback), Avatar: p.Avatar, Locale: core.Locale(p.Locale), Zone: p.Zone, Bot: p.Bot, Roles: i.groupsOf(ctx, user)}
}

// noGroupsFor is how long user groups that could not be read are left alone: the scope is optional, and not every plan
// has them.
const noGroupsFor = 10 * time.Minute

// groupsOf returns the user groups that a person is in, as "slack:S01". All groups are read in one call, now and then.
func (i *installation) groupsOf(ctx context.Context, user string) []string {
	now := i.a.o.Clock.Now()
	by, ok := i.groups.get("", now)
	if ok || ctx.Err() != nil {
		return by[user]
	}
	var out struct {
		Groups []struct {
			ID    string   `json:"id"`
			Users []string `json:"users"`
		} `json:"usergroups"`
	}
	if err := i.call(ctx, "usergroups.list", url.Values{"include_users": {"true"}}, &out); err != nil {
		i.groups.putFor("", nil, now, noGroupsFor)
		i.a.o.Log.DebugContext(ctx, "slack user groups not read", "error", err)
		return nil
	}
	by = map[string][]string{}
	for _, g := range out.Groups {
		for _, u := range g.Users {
			by[u] = append(by[u], string(core.Slack)+":"+g.ID)
		}
	}
	i.groups.put("", by, now)
	return by[user]
}

// author describes who wrote a message; other apps count as bots.
func (i *installation) author(ctx context.Context, team string, m *message) core.Actor {
	if m.BotID == "" && m.Subtype != "bot_message" {
		return i.actor(ctx, team, m.User, m.Username)
	}
	return core.Actor{Identity: identityID(team, firstOf(m.User, m.BotID)), Name: firstOf(m.Username, m.BotProfile.Name), Bot: true}
}

// named fills in the names of mentioned people and rooms, which Slack leaves out.
func (i *installation) named(ctx context.Context, r core.RichText) core.RichText {
	return r.Map(func(n core.Node) core.Node {
		switch {
		case n.Kind == core.NodeMention && n.Name == "" && n.Identity != "":
			if _, user, err := parseIdentity(n.Identity); err == nil {
				n.Name = firstOf(i.lookup(ctx, user).Name, user)
			}
		case n.Kind == core.NodeChannel && n.Text == "#" && n.Name != "":
			n.Text = "#channel"
			if info, ok := i.rooms.get(n.Name, i.a.o.Clock.Now()); ok {
				n.Text = "#" + info.Name
			}
			n.Name = ""
		}
		return n
	})
}

// Room returns a channel's present name and visibility.
func (a *Adapter) Room(ctx context.Context, id core.RoomID) (core.RoomInfo, error) {
	team, channel, err := parseRoom(id)
	if err != nil {
		return core.RoomInfo{}, err
	}
	i, err := a.in(ctx, team)
	if err != nil {
		return core.RoomInfo{}, err
	}
	var out struct {
		Channel struct {
			Name      string `json:"name"`
			IsPrivate bool   `json:"is_private"`
			IsIM      bool   `json:"is_im"`
			IsMPIM    bool   `json:"is_mpim"`
			IsMember  *bool  `json:"is_member"`
		} `json:"channel"`
	}
	err = i.do(ctx, "conversations.info", "", false, func(ctx context.Context) error {
		return i.call(ctx, "conversations.info", url.Values{"channel": {channel}}, &out)
	})
	if code(err) == "channel_not_found" {
		return core.RoomInfo{}, core.Errorf(core.CodeNotFound, "Slack knows no such channel, or Atelier is not in it.").Because(err)
	}
	if err != nil {
		return core.RoomInfo{}, err
	}
	info := core.RoomInfo{Name: out.Channel.Name, Private: out.Channel.IsPrivate || out.Channel.IsIM || out.Channel.IsMPIM, Outside: out.Channel.IsMember != nil && !*out.Channel.IsMember}
	i.rooms.put(channel, info, a.o.Clock.Now())
	return info, nil
}

// Link returns the address of a message or thread in Slack; empty until the team's address is known.
func (a *Adapter) Link(room core.RoomID, thread core.ThreadID, msg core.MessageID) string {
	team, channel, err := parseRoom(room)
	if err != nil {
		return ""
	}
	i := a.near(team)
	if i == nil {
		return ""
	}
	id, ok := i.identity()
	if !ok || id.Team != team || id.URL == "" {
		return ""
	}
	return permalink(id.URL, channel, string(thread), string(msg))
}
