package discordsim

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

type identify struct {
	Token      string `json:"token"`
	Intents    *int   `json:"intents"`
	Compress   bool   `json:"compress"`
	Shard      []int  `json:"shard"`
	Properties obj    `json:"properties"`
}

// packet handles one packet of a client; the state is locked.
func (s *Server) packet(c *conn, p packet) {
	switch p.Op {
	case 1:
		c.lastBeat = time.Now()
		if !c.silent {
			c.op(11, nil)
		}
	case 2:
		s.identify(c, p.D)
	case 6:
		s.resume(c, p.D)
	case 3, 4, 31, 43:
		if c.session == nil {
			c.end(4003, "Not authenticated.")
		}
	case 8:
		s.requestMembers(c, p.D)
	default:
		c.end(4001, "Unknown opcode.")
	}
}

func (s *Server) badToken(token string) bool {
	return strings.TrimPrefix(token, "Bot ") != s.o.BotToken || s.tokenReset
}

func (s *Server) identify(c *conn, d json.RawMessage) {
	var in identify
	if json.Unmarshal(d, &in) != nil {
		c.end(4002, "Error while decoding payload.")
		return
	}
	if c.session != nil {
		c.end(4005, "Already authenticated.")
		return
	}
	if s.badToken(in.Token) {
		c.end(4004, "Authentication failed.")
		return
	}
	if code, reason := s.intentFault(in.Intents); code != 0 {
		c.end(code, reason)
		return
	}
	if len(in.Shard) != 0 && (len(in.Shard) != 2 || in.Shard[0] < 0 || in.Shard[0] >= in.Shard[1]) {
		c.end(4010, "Invalid shard.")
		return
	}
	s.gw.prune(s.now())
	shard := [2]int{0, 1}
	if len(in.Shard) == 2 {
		shard = [2]int(in.Shard)
	}
	bucket := shard[0] % s.o.MaxConcurrency
	if last, ok := s.gw.lately[bucket]; s.o.Limits && ok && s.now().Sub(last) < 5*time.Second {
		c.op(9, false)
		return
	}
	s.gw.lately[bucket] = s.now()
	s.gw.identified = append(s.gw.identified, s.now())
	if len(s.gw.identified) > identifies {
		// Going over the daily budget costs the token.
		s.tokenReset = true
		for x := range s.gw.conns {
			x.end(4004, "Authentication failed.")
		}
		return
	}
	ss := &session{id: randomToken(16), shard: shard, intents: *in.Intents, version: c.version, conn: c}
	c.session, c.packets = ss, in.Compress && !c.stream
	s.gw.sessions[ss.id] = ss
	for len(s.gw.sessions) > maxSessions {
		s.gw.evict()
	}
	me := s.userJSON(s.o.BotUserID)
	me["verified"], me["mfa_enabled"], me["email"] = true, true, nil
	guilds := []obj{}
	var mine []*Guild
	for _, g := range s.guildsAll() {
		if shardOf(g.ID, shard[1]) == shard[0] {
			mine = append(mine, g)
			guilds = append(guilds, obj{"id": g.ID, "unavailable": true})
		}
	}
	s.push(ss, "READY", obj{
		"v": max(c.version, 9), "user_settings": obj{}, "user": me, "session_type": "normal", "session_id": ss.id, "resume_gateway_url": s.gatewayURL(),
		"relationships": []obj{}, "private_channels": []obj{}, "presences": []obj{}, "guilds": guilds, "guild_join_requests": []string{},
		"geo_ordered_rtc_regions": []string{}, "game_relationships": []string{}, "auth": obj{}, "application": obj{"id": s.o.ApplicationID, "flags": s.appFlags()},
		"shard": shard, "_trace": []string{"discordsim"},
	})
	if ss.intents&intentGuilds != 0 {
		for _, g := range mine {
			s.push(ss, "GUILD_CREATE", s.guildCreate(g, ss.intents))
		}
	}
	s.gatewayFaultsOn(c)
	s.bump()
}

// shardOf is the shard that is told of a server; direct messages go to shard 0.
func shardOf(guild string, total int) int { return int(snow(guild) >> 22 % uint64(max(total, 1))) }

// tells reports whether a session's shard is told of an event.
func (s *Server) tells(ss *session, e event) bool {
	if ss.shard[1] <= 1 || e.name == "USER_UPDATE" {
		return true
	}
	guild, in := e.data["guild_id"].(string)
	if !in && strings.HasPrefix(e.name, "GUILD_") {
		guild, in = e.data["id"].(string)
	}
	if in {
		return shardOf(guild, ss.shard[1]) == ss.shard[0]
	}
	return ss.shard[0] == 0
}

func (g *gatewayState) evict() {
	var old *session
	for _, x := range g.sessions {
		if x.conn == nil && (old == nil || x.left.Before(old.left)) {
			old = x
		}
	}
	for _, x := range g.sessions {
		if old == nil {
			old = x
		}
	}
	delete(g.sessions, old.id)
}

func (s *Server) intentFault(in *int) (int, string) {
	switch {
	case in == nil || *in < 0 || *in&^allIntents != 0:
		return 4013, "Invalid intent(s)."
	case *in&s.o.DisallowedIntents != 0:
		return 4014, "Disallowed intent(s)."
	}
	return 0, ""
}

func (s *Server) guildCreate(g *Guild, intents int) obj {
	o := guildJSON(g)
	channels, threads, members := []obj{}, []obj{}, []obj{}
	for _, id := range s.chanOrder {
		c := s.channels[id]
		if c.isDM() || s.home(c) != g || !s.canSee(s.o.BotUserID, c) && c.isThread() {
			continue
		}
		switch {
		case !c.isThread():
			channels = append(channels, s.channelJSON(c, s.o.BotUserID))
		case !c.Archived:
			threads = append(threads, s.channelJSON(c, s.o.BotUserID))
		}
	}
	for _, id := range s.members() {
		// Without the member intent only the app itself is listed.
		if intents&intentGuildMembers != 0 || id == s.o.BotUserID {
			members = append(members, s.memberJSON(id))
		}
	}
	o["joined_at"], o["large"], o["unavailable"], o["member_count"] = "2024-01-02T03:04:05.678000+00:00", false, false, len(s.members())
	o["channels"], o["threads"], o["members"], o["voice_states"], o["presences"] = channels, threads, members, []obj{}, []obj{}
	o["stage_instances"], o["guild_scheduled_events"], o["soundboard_sounds"] = []obj{}, []obj{}, []obj{}
	return o
}

func (s *Server) resume(c *conn, d json.RawMessage) {
	var in struct {
		Token     string `json:"token"`
		SessionID string `json:"session_id"`
		Seq       *int   `json:"seq"`
	}
	if json.Unmarshal(d, &in) != nil || in.Seq == nil {
		c.end(4002, "Error while decoding payload.")
		return
	}
	if s.badToken(in.Token) {
		c.end(4004, "Authentication failed.")
		return
	}
	if f := s.gatewayFault("op7_first"); f != nil {
		c.op(7, nil)
		return
	}
	s.gw.prune(s.now())
	ss := s.gw.sessions[in.SessionID]
	if ss == nil {
		c.op(9, false)
		return
	}
	if *in.Seq > ss.seq {
		delete(s.gw.sessions, ss.id)
		c.end(4007, "Invalid seq.")
		return
	}
	if len(ss.backlog) > 0 && ss.backlog[0].seq > *in.Seq+1 {
		delete(s.gw.sessions, ss.id)
		c.op(9, false)
		return
	}
	if ss.conn != nil && ss.conn != c {
		ss.conn.end(0, "")
	}
	ss.conn, c.session = c, ss
	for _, f := range ss.backlog {
		if f.seq > *in.Seq {
			c.write(f.data)
		}
	}
	s.push(ss, "RESUMED", obj{"_trace": []string{"discordsim"}})
	s.gatewayFaultsOn(c)
	s.bump()
}

// push gives one dispatch to one session, remembering it for a resume.
func (s *Server) push(ss *session, name string, d any) {
	ss.seq++
	b, err := json.Marshal(obj{"op": 0, "t": name, "s": ss.seq, "d": d})
	if err != nil {
		s.log.Error("simulator could not encode an event", "event", name, "err", err)
		return
	}
	ss.backlog = append(ss.backlog, frame{ss.seq, b})
	if len(ss.backlog) > maxBacklog {
		ss.backlog = slices.Clone(ss.backlog[len(ss.backlog)-maxBacklog:])
	}
	if ss.conn != nil {
		ss.conn.write(b)
	}
}

func (s *Server) requestMembers(c *conn, d json.RawMessage) {
	if c.session == nil {
		c.end(4003, "Not authenticated.")
		return
	}
	var in struct {
		Query   *string         `json:"query"`
		UserIDs json.RawMessage `json:"user_ids"`
		Nonce   string          `json:"nonce"`
		GuildID string          `json:"guild_id"`
	}
	_ = json.Unmarshal(d, &in)
	var want []string
	if one, ok := rawString(in.UserIDs); ok {
		want = []string{one}
	} else {
		_ = json.Unmarshal(in.UserIDs, &want)
	}
	members, missing := []obj{}, []string{}
	for _, id := range s.members() {
		if slices.Contains(want, id) || in.Query != nil && strings.HasPrefix(strings.ToLower(s.users[id].Username), strings.ToLower(*in.Query)) {
			members = append(members, s.memberJSON(id))
		}
	}
	for _, id := range want {
		if s.memberJSON(id) == nil {
			missing = append(missing, id)
		}
	}
	guild := s.guild.ID
	if g := s.byGuildID(in.GuildID); g != nil {
		guild = g.ID
	}
	o := obj{"guild_id": guild, "members": members, "chunk_index": 0, "chunk_count": 1, "not_found": missing}
	if in.Nonce != "" {
		o["nonce"] = in.Nonce
	}
	s.push(c.session, "GUILD_MEMBERS_CHUNK", o)
}

// event is one dispatch on its way to the sessions that want it.
type event struct {
	name   string
	data   obj
	intent int
	// masked events lose their content for sessions without the message content intent.
	masked bool
	// user, for membership of threads: it is told to everybody with the member intent, and to the app about itself.
	user string
}

// emit queues an event about a channel, if the app may see that channel now.
func (t *tx) emit(name string, data obj, ch *channel) {
	t.touched = true
	if ch != nil && !t.s.canSee(t.s.o.BotUserID, ch) {
		return
	}
	t.events = append(t.events, event{name: name, data: data, intent: intentOf(name, ch)})
}

func (t *tx) emitAlways(name string, data obj) {
	t.events = append(t.events, event{name: name, data: data, intent: intentOf(name, nil)})
}

func (t *tx) emitFor(name string, data obj, ch *channel, user string) {
	if t.s.canSee(t.s.o.BotUserID, ch) || user == t.s.o.BotUserID {
		t.events = append(t.events, event{name: name, data: data, intent: intentOf(name, ch), user: user})
	}
}

func (t *tx) emitMessage(name string, m *message) {
	ch := t.s.channels[m.ChannelID]
	t.touched = true
	if ch == nil || !t.s.canSee(t.s.o.BotUserID, ch) {
		return
	}
	t.events = append(t.events, event{name: name, data: t.s.eventMessage(m), intent: intentOf(name, ch), masked: t.s.private(m)})
}

func intentOf(name string, ch *channel) int {
	dm := ch != nil && ch.isDM()
	pick := func(guild, direct int) int {
		if dm {
			return direct
		}
		return guild
	}
	switch {
	case name == "INTERACTION_CREATE":
		return 0
	case name == "THREAD_MEMBERS_UPDATE":
		return 0
	case strings.HasPrefix(name, "MESSAGE_REACTION"):
		return pick(intentReactions, intentDirectReaction)
	case strings.HasPrefix(name, "MESSAGE_"):
		return pick(intentMessages, intentDirect)
	case name == "TYPING_START":
		return pick(intentTyping, intentDirectTyping)
	case name == "WEBHOOKS_UPDATE":
		return intentWebhooks
	case strings.HasPrefix(name, "GUILD_MEMBER"):
		return intentGuildMembers
	}
	return pick(intentGuilds, intentDirect)
}

// private says whether a message's content is kept from an app without the message content intent.
func (s *Server) private(m *message) bool {
	ch := s.channels[m.ChannelID]
	return m.AuthorID != s.o.BotUserID && !slices.Contains(m.Mentions, s.o.BotUserID) && (ch == nil || !ch.isDM()) && m.ApplicationID != s.o.ApplicationID
}

func blank(o obj) {
	o["content"], o["embeds"], o["attachments"], o["components"] = "", []obj{}, []obj{}, []obj{}
	delete(o, "poll")
}

// dispatch hands an event to the sessions, through the faults that are switched on.
func (s *Server) dispatch(e event) {
	if s.gw.held == nil && s.gatewayFaultFor("reorder", e.name) {
		s.gw.held = &e
		return
	}
	s.deliver(e)
	if s.gatewayFaultFor("duplicate", e.name) {
		s.deliver(e)
	}
	if h := s.gw.held; h != nil {
		s.gw.held = nil
		s.deliver(*h)
	}
}

func (s *Server) deliver(e event) {
	for _, ss := range s.gw.sessions {
		if e.intent != 0 && ss.intents&e.intent == 0 || !s.tells(ss, e) {
			continue
		}
		if e.name == "THREAD_MEMBERS_UPDATE" {
			full := ss.intents&intentGuildMembers != 0
			if ss.intents&intentGuilds == 0 || !full && e.user != s.o.BotUserID {
				continue
			}
		}
		d := e.data
		if e.masked && ss.intents&intentMessageContent == 0 {
			d = obj{}
			for k, v := range e.data {
				d[k] = v
			}
			blank(d)
		}
		s.push(ss, e.name, d)
	}
}
