package discordsim

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

func (s *Server) guildRoutes(rt *router) {
	rt.open("GET /gateway", func(*tx, *call) (int, any, error) { return http.StatusOK, obj{"url": s.gatewayURL()}, nil })
	rt.add("GET /gateway/bot", s.gatewayBot)
	rt.add("GET /users/@me", s.me)
	rt.add("GET /users/@me/guilds", s.myGuilds)
	rt.add("POST /users/@me/channels", s.openDM)
	rt.add("GET /users/:user", s.getUser)
	rt.add("GET /applications/@me", s.application)
	rt.add("GET /oauth2/applications/@me", s.application)
	rt.add("GET /guilds/:guild", s.inGuild(func(g *Guild, c *call) (int, any, error) {
		o := guildJSON(g)
		if c.query("with_counts") == "true" {
			o["approximate_member_count"], o["approximate_presence_count"] = len(s.members()), len(s.members())
		}
		return http.StatusOK, o, nil
	}))
	rt.add("GET /guilds/:guild/members", s.inGuild(s.listMembers))
	rt.add("GET /guilds/:guild/members/search", s.inGuild(s.searchMembers))
	rt.add("GET /guilds/:guild/members/:user", s.inGuild(s.getMember))
	rt.add("GET /guilds/:guild/roles", s.inGuild(func(g *Guild, _ *call) (int, any, error) { return http.StatusOK, rolesJSON(g), nil }))
	rt.add("GET /guilds/:guild/emojis", s.inGuild(func(g *Guild, _ *call) (int, any, error) { return http.StatusOK, guildJSON(g)["emojis"], nil }))
	rt.add("GET /guilds/:guild/channels", s.inGuild(func(g *Guild, _ *call) (int, any, error) {
		out := []obj{}
		for _, id := range s.chanOrder {
			if c := s.channels[id]; !c.isThread() && !c.isDM() && s.home(c) == g {
				out = append(out, s.channelJSON(c, s.o.BotUserID))
			}
		}
		return http.StatusOK, out, nil
	}))
	rt.add("GET /channels/:channel", s.getChannel)
	rt.add("PATCH /channels/:channel", s.patchChannel)
	rt.add("DELETE /channels/:channel", s.deleteChannel)
	rt.add("PUT /channels/:channel/permissions/:overwrite", s.putOverwrite)
	rt.add("DELETE /channels/:channel/permissions/:overwrite", s.dropOverwrite)
}

func (s *Server) inGuild(h func(*Guild, *call) (int, any, error)) handler {
	return func(_ *tx, c *call) (int, any, error) {
		g := s.byGuildID(c.p["guild"])
		if g == nil {
			return 0, nil, errUnknown(10004, "Guild")
		}
		return h(g, c)
	}
}

func (s *Server) members() []string {
	return slices.DeleteFunc(slices.Clone(s.userOrder), func(id string) bool { return s.users[id].Outsider })
}

func (s *Server) gatewayBot(*tx, *call) (int, any, error) {
	return http.StatusOK, obj{"url": s.gatewayURL(), "shards": s.o.Shards, "session_start_limit": s.sessionLimit()}, nil
}

func (s *Server) me(*tx, *call) (int, any, error) {
	o := s.userJSON(s.o.BotUserID)
	o["mfa_enabled"], o["locale"], o["verified"], o["email"], o["premium_type"], o["bio"] = true, "en-US", true, nil, 0, ""
	return http.StatusOK, o, nil
}

func (s *Server) myGuilds(*tx, *call) (int, any, error) {
	out := []obj{}
	for _, g := range s.guildsAll() {
		out = append(out, obj{
			"id": g.ID, "name": g.Name, "icon": nil, "banner": nil, "owner": false, "features": []string{},
			"permissions": strconv.FormatUint(s.serverPermissions(s.o.BotUserID, g), 10),
		})
	}
	return http.StatusOK, out, nil
}

// dm finds or opens the conversation of the app with a person.
func (t *tx) dm(user string) *channel {
	for _, c := range t.s.channels {
		if c.isDM() && slices.Contains(c.Recipients, user) {
			return c
		}
	}
	c := &channel{Channel: Channel{ID: t.s.newID(), Type: ChannelDM}, Recipients: []string{user}}
	t.s.channels[c.ID] = c
	t.s.chanOrder = append(t.s.chanOrder, c.ID)
	t.put(kindChannel, c.ID, c)
	return c
}

func (s *Server) openDM(t *tx, c *call) (int, any, error) {
	id := c.body.str("recipient_id")
	u := s.users[id]
	if u == nil {
		return 0, nil, errUnknownUser()
	}
	if u.Bot {
		return 0, nil, fail(http.StatusBadRequest, 50007, "Cannot send messages to this user")
	}
	return http.StatusOK, s.channelJSON(t.dm(id), s.o.BotUserID), nil
}

func (s *Server) getUser(_ *tx, c *call) (int, any, error) {
	if s.users[c.p["user"]] == nil {
		return 0, nil, errUnknownUser()
	}
	return http.StatusOK, s.userJSON(c.p["user"]), nil
}

func (s *Server) appFlags() int {
	flags := 1<<15 | 1<<19 | 1<<23
	if s.o.DisallowedIntents&intentMessageContent != 0 {
		flags &^= 1 << 19
	}
	if s.o.DisallowedIntents&intentGuildMembers != 0 {
		flags &^= 1 << 15
	}
	return flags
}

func (s *Server) application(*tx, *call) (int, any, error) {
	flags := s.appFlags()
	return http.StatusOK, obj{
		"id": s.o.ApplicationID, "name": s.users[s.o.BotUserID].Username, "icon": nil, "description": "", "type": nil, "verify_key": s.PublicKey(),
		"bot": s.userJSON(s.o.BotUserID), "bot_public": true, "bot_require_code_grant": false, "flags": flags, "flags_new": strconv.Itoa(flags),
		"redirect_uris": []string{}, "interactions_endpoint_url": orNil(s.o.InteractionsURL), "role_connections_verification_url": nil,
		"owner": s.userJSON(s.guild.OwnerID), "approximate_guild_count": len(s.guildsAll()), "approximate_user_install_count": 0,
		"approximate_user_authorization_count": 0, "explicit_content_filter": 0, "team": nil, "eligible_oauth2_scopes": []string{},
		"summary": "", "hook": true, "event_webhooks_url": nil, "event_webhooks_status": 1, "event_webhooks_types": []string{},
		"integration_types_config": obj{"0": obj{}}, "tags": []string{},
	}, nil
}

func (s *Server) listMembers(_ *Guild, c *call) (int, any, error) {
	if s.o.DisallowedIntents&intentGuildMembers != 0 {
		return 0, nil, errAccess()
	}
	limit, err := limitParam(c, 1, 1, 1000)
	if err != nil {
		return 0, nil, err
	}
	ids := s.members()
	slices.SortFunc(ids, func(a, b string) int { return int(min(max(int64(snow(a))-int64(snow(b)), -1), 1)) })
	out := []obj{}
	for _, id := range ids {
		if snow(id) > snow(c.query("after")) && len(out) < limit {
			out = append(out, s.memberJSON(id))
		}
	}
	return http.StatusOK, out, nil
}

func (s *Server) searchMembers(_ *Guild, c *call) (int, any, error) {
	q := strings.ToLower(c.query("query"))
	out := []obj{}
	for _, id := range s.members() {
		u := s.users[id]
		if strings.HasPrefix(strings.ToLower(u.Username), q) || strings.HasPrefix(strings.ToLower(u.Nick), q) {
			out = append(out, s.memberJSON(id))
		}
	}
	return http.StatusOK, out, nil
}

func (s *Server) getMember(_ *Guild, c *call) (int, any, error) {
	id := s.memberParam(c)
	if s.users[id] == nil {
		return 0, nil, errUnknownUser()
	}
	m := s.memberJSON(id)
	if m == nil {
		return 0, nil, errUnknown(10007, "Member")
	}
	return http.StatusOK, m, nil
}

func (s *Server) getChannel(_ *tx, c *call) (int, any, error) {
	ch, err := s.sees(s.o.BotUserID, c.p["channel"])
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, s.channelJSON(ch, s.o.BotUserID), nil
}

func (s *Server) patchChannel(t *tx, c *call) (int, any, error) {
	ch, err := s.sees(s.o.BotUserID, c.p["channel"])
	if err != nil {
		return 0, nil, err
	}
	if ch.isThread() {
		return s.patchThread(t, c, ch)
	}
	if ch.isDM() {
		return 0, nil, fail(http.StatusForbidden, 50003, "Cannot execute action on a DM channel")
	}
	if s.permissions(s.o.BotUserID, ch)&PermManageChannels == 0 {
		return 0, nil, errPermission()
	}
	tree := errTree{}
	next := *ch
	if c.body.has("name") {
		next.Name = threadName(tree, c.body)
		if ch.Type == ChannelText {
			next.Name = strings.ToLower(strings.ReplaceAll(next.Name, " ", "-"))
		}
	}
	if c.body.has("topic") {
		next.Topic = c.body.str("topic")
		if limit := map[bool]int{true: 4096, false: 1024}[ch.Type == ChannelForum]; utf8.RuneCountInString(next.Topic) > limit {
			tree.tooLong([]any{"topic"}, limit)
		}
	}
	c.body.get("position", &next.Position)
	c.body.get("rate_limit_per_user", &next.RateLimit)
	c.body.get("nsfw", &next.NSFW)
	c.body.get("default_auto_archive_duration", &next.AutoArchive)
	if err := tree.err(); err != nil {
		return 0, nil, err
	}
	*ch = next
	t.put(kindChannel, ch.ID, ch)
	t.emit("CHANNEL_UPDATE", s.channelJSON(ch, s.o.BotUserID), ch)
	return http.StatusOK, s.channelJSON(ch, s.o.BotUserID), nil
}

func (s *Server) patchThread(t *tx, c *call, th *channel) (int, any, error) {
	p := s.permissions(s.o.BotUserID, th)
	manage := p&PermManageThreads != 0
	tree := errTree{}
	next := *th
	if c.body.has("name") {
		next.Name = threadName(tree, c.body)
	}
	c.body.get("archived", &next.Archived)
	c.body.get("locked", &next.Locked)
	c.body.get("invitable", &next.Invitable)
	c.body.get("rate_limit_per_user", &next.RateLimit)
	c.body.get("flags", &next.Flags)
	c.body.get("applied_tags", &next.Applied)
	next.AutoArchive = autoArchive(tree, c.body, th.AutoArchive)
	if err := tree.err(); err != nil {
		return 0, nil, err
	}
	onlyWaking := th.Archived && !next.Archived && !th.Locked && p&PermSendMessagesInThreads != 0 && len(c.body) == 1
	switch {
	case !manage && th.OwnerID != s.o.BotUserID && !onlyWaking:
		return 0, nil, errPermission()
	case !manage && next.Locked != th.Locked:
		return 0, nil, errPermission()
	case th.Archived && next.Archived && !(len(c.body) == 1 && (c.body.has("archived") || c.body.has("locked"))):
		return 0, nil, errArchived()
	}
	if next.Archived != th.Archived {
		next.ArchivedAt = s.now()
	}
	renamed := next.Name != th.Name
	*th = next
	t.put(kindChannel, th.ID, th)
	t.emit("THREAD_UPDATE", s.channelJSON(th, s.o.BotUserID), th)
	if renamed && !th.Archived {
		t.post(th, &message{Type: typeNameChange, AuthorID: s.o.BotUserID, Content: th.Name})
	}
	return http.StatusOK, s.channelJSON(th, s.o.BotUserID), nil
}

func (s *Server) deleteChannel(t *tx, c *call) (int, any, error) {
	ch, err := s.sees(s.o.BotUserID, c.p["channel"])
	if err != nil {
		return 0, nil, err
	}
	need := PermManageChannels
	if ch.isThread() {
		need = PermManageThreads
	}
	if !ch.isDM() && s.permissions(s.o.BotUserID, ch)&need == 0 {
		return 0, nil, errPermission()
	}
	shown := s.channelJSON(ch, s.o.BotUserID)
	if ch.isDM() {
		return http.StatusOK, shown, nil
	}
	t.dropChannel(ch, shown)
	return http.StatusOK, shown, nil
}

func (t *tx) dropChannel(ch *channel, shown obj) {
	s := t.s
	if ch.isThread() {
		t.emit("THREAD_DELETE", obj{"id": ch.ID, "guild_id": t.guildOf(ch), "parent_id": ch.ParentID, "type": ch.Type}, ch)
		if root := s.messages[ch.ID]; root != nil && root.ChannelID == ch.ParentID {
			root.Flags &^= flagHasThread
			t.put(kindMessage, root.ID, root)
			defer t.emitMessage("MESSAGE_UPDATE", root)
		}
	} else {
		t.emit("CHANNEL_DELETE", shown, ch)
		for _, id := range slices.Clone(s.chanOrder) {
			if th := s.channels[id]; th != nil && th.isThread() && th.ParentID == ch.ID {
				t.dropChannel(th, nil)
			}
		}
		for id, h := range s.webhooks {
			if h.ChannelID == ch.ID {
				delete(s.webhooks, id)
				t.del(kindWebhook, id)
			}
		}
	}
	for _, id := range slices.Clone(s.byChannel[ch.ID]) {
		t.forget(s.messages[id])
	}
	delete(s.byChannel, ch.ID)
	delete(s.channels, ch.ID)
	s.chanOrder = slices.DeleteFunc(s.chanOrder, func(id string) bool { return id == ch.ID })
	t.del(kindChannel, ch.ID)
}

func (s *Server) putOverwrite(t *tx, c *call) (int, any, error) {
	ch, err := s.allowed(s.o.BotUserID, c.p["channel"], PermManageRoles)
	if err != nil {
		return 0, nil, err
	}
	o := Overwrite{ID: c.p["overwrite"]}
	c.body.get("type", &o.Type)
	o.Allow, o.Deny = snow(c.body.str("allow")), snow(c.body.str("deny"))
	t.setOverwrite(ch, o, false)
	return http.StatusNoContent, nil, nil
}

func (s *Server) dropOverwrite(t *tx, c *call) (int, any, error) {
	ch, err := s.allowed(s.o.BotUserID, c.p["channel"], PermManageRoles)
	if err != nil {
		return 0, nil, err
	}
	t.setOverwrite(ch, Overwrite{ID: c.p["overwrite"]}, true)
	return http.StatusNoContent, nil, nil
}

// setOverwrite changes who sees a channel; when the app comes to see it, its threads are listed to it.
func (t *tx) setOverwrite(ch *channel, o Overwrite, drop bool) {
	saw := t.s.canSee(t.s.o.BotUserID, ch)
	ch.Overwrites = slices.DeleteFunc(slices.Clone(ch.Overwrites), func(x Overwrite) bool { return x.ID == o.ID })
	if !drop {
		ch.Overwrites = append(ch.Overwrites, o)
	}
	t.put(kindChannel, ch.ID, ch)
	t.emitAlways("CHANNEL_UPDATE", t.s.channelJSON(ch, t.s.o.BotUserID))
	if !saw && t.s.canSee(t.s.o.BotUserID, ch) {
		sync := t.s.threadsAnswer(t.s.threadList(func(th *channel) bool { return th.ParentID == ch.ID && !th.Archived }))
		delete(sync, "has_more")
		sync["guild_id"], sync["channel_ids"] = t.guildOf(ch), []string{ch.ID}
		t.emitAlways("THREAD_LIST_SYNC", sync)
	}
}
