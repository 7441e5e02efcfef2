package discordsim

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

func (s *Server) threadRoutes(rt *router) {
	rt.add("POST /channels/:channel/messages/:message/threads", s.threadFromMessage)
	rt.add("POST /channels/:channel/threads", s.startThread)
	rt.add("GET /channels/:channel/thread-members", s.listThreadMembers)
	rt.add("GET /channels/:channel/thread-members/:user", s.getThreadMember)
	rt.add("PUT /channels/:channel/thread-members/:user", s.putThreadMember)
	rt.add("DELETE /channels/:channel/thread-members/:user", s.deleteThreadMember)
	rt.add("GET /channels/:channel/threads/archived/:kind", s.archivedThreads)
	rt.add("GET /guilds/:guild/threads/active", s.activeThreads)
}

// threadName checks a name as both ways to start a thread do.
func threadName(tree errTree, b fields) string {
	name := strings.TrimSpace(b.str("name"))
	if n := utf8.RuneCountInString(name); !b.has("name") {
		tree.required([]any{"name"})
	} else if n < 1 || n > 100 {
		tree.badLength([]any{"name"}, 1, 100)
	}
	return name
}

func autoArchive(tree errTree, b fields, def int) int {
	if def == 0 {
		def = 4320
	}
	n := def
	if b.get("auto_archive_duration", &n) && !slices.Contains([]int{60, 1440, 4320, 10080}, n) {
		tree.choice([]any{"auto_archive_duration"}, "60, 1440, 4320, 10080")
	}
	return n
}

// newThread puts a thread into the world, with its owner as the first member.
func (t *tx) newThread(parent *channel, id, owner, name string, typ, archive int) *channel {
	now := t.s.now()
	th := &channel{Channel: Channel{ID: id, Type: typ, Name: name, ParentID: parent.ID}, OwnerID: owner, AutoArchive: archive,
		ArchivedAt: now, CreatedAt: now, Members: map[string]threadMember{owner: {Joined: now}}, Invitable: true}
	t.s.channels[id] = th
	t.s.chanOrder = append(t.s.chanOrder, id)
	t.put(kindChannel, id, th)
	return th
}

func (t *tx) announce(th *channel) {
	o := t.s.channelJSON(th, t.s.o.BotUserID)
	o["newly_created"] = true
	t.emit("THREAD_CREATE", o, th)
}

// threadOn starts a thread on a message: it takes the id of its message.
func (t *tx) threadOn(ch *channel, m *message, owner string, c *call) (*channel, error) {
	s := t.s
	if ch.Type != ChannelText {
		return nil, fail(http.StatusBadRequest, 50024, "Cannot execute action on this channel type")
	}
	if s.permissions(owner, ch)&PermCreatePublicThreads == 0 {
		return nil, errPermission()
	}
	tree := errTree{}
	name, archive := threadName(tree, c.body), autoArchive(tree, c.body, ch.AutoArchive)
	if err := tree.err(); err != nil {
		return nil, err
	}
	if s.channels[m.ID] != nil || m.Flags&flagHasThread != 0 {
		return nil, fail(http.StatusBadRequest, 160004, "A thread has already been created for this message")
	}
	if slices.Contains([]int{typeNameChange, typePinned, typeThreadCreated, typeThreadStarter}, m.Type) {
		return nil, fail(http.StatusBadRequest, 50068, "Invalid message type")
	}
	if err := s.threadRoom(); err != nil {
		return nil, err
	}
	th := t.newThread(ch, m.ID, owner, name, ChannelPublicThread, archive)
	m.Flags |= flagHasThread
	t.put(kindMessage, m.ID, m)
	t.announce(th)
	t.emitMessage("MESSAGE_UPDATE", m)
	t.post(th, &message{Type: typeThreadStarter, AuthorID: m.AuthorID, Username: m.Username, WebhookID: m.WebhookID, Avatar: m.Avatar, AvatarURL: m.AvatarURL,
		Reference: &reference{MessageID: m.ID, ChannelID: ch.ID, GuildID: t.guildOf(ch)}})
	return th, nil
}

func (s *Server) threadRoom() error {
	active := 0
	for _, c := range s.channels {
		if c.isThread() && !c.Archived {
			active++
		}
	}
	if active >= 1000 {
		return fail(http.StatusBadRequest, 160006, "Maximum number of active threads reached")
	}
	return nil
}

func (s *Server) threadFromMessage(t *tx, c *call) (int, any, error) {
	ch, m, err := s.message(c)
	if err != nil {
		return 0, nil, err
	}
	th, err := t.threadOn(ch, m, s.o.BotUserID, c)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusCreated, s.channelJSON(th, s.o.BotUserID), nil
}

// looseThread starts a thread without a message; a public one is announced in the parent.
func (t *tx) looseThread(ch *channel, owner string, c *call) (*channel, error) {
	tree := errTree{}
	name, archive := threadName(tree, c.body), autoArchive(tree, c.body, ch.AutoArchive)
	typ := ChannelPrivateThread
	c.body.get("type", &typ)
	if typ != ChannelPublicThread && typ != ChannelPrivateThread {
		tree.choice([]any{"type"}, "11, 12")
	}
	if err := tree.err(); err != nil {
		return nil, err
	}
	need := PermCreatePublicThreads
	if typ == ChannelPrivateThread {
		need = PermCreatePrivateThreads
	}
	if t.s.permissions(owner, ch)&need == 0 {
		return nil, errPermission()
	}
	if err := t.s.threadRoom(); err != nil {
		return nil, err
	}
	th := t.newThread(ch, t.s.newID(), owner, name, typ, archive)
	c.body.get("invitable", &th.Invitable)
	t.put(kindChannel, th.ID, th)
	t.announce(th)
	if typ == ChannelPublicThread {
		t.post(ch, &message{Type: typeThreadCreated, AuthorID: owner, Content: name, Flags: flagHasThread,
			Reference: &reference{ChannelID: th.ID, GuildID: t.guildOf(th)}})
	}
	return th, nil
}

// forumPost starts a thread in a forum together with its first message; both have one id.
func (t *tx) forumPost(ch *channel, from sender, name string, archive int, tags []string, post func(th *channel) (*message, error)) (*channel, *message, error) {
	if len(tags) > 5 {
		return nil, nil, invalid("BASE_TYPE_MAX_LENGTH", "Must be 5 or fewer in length.", "applied_tags")
	}
	for _, id := range tags {
		if !slices.ContainsFunc(ch.Tags, func(g Tag) bool { return g.ID == id }) {
			return nil, nil, fail(http.StatusNotFound, 10087, "Unknown tag")
		}
	}
	if ch.RequireTag && len(tags) == 0 {
		return nil, nil, fail(http.StatusBadRequest, 40067, "A tag is required to create a forum post in this channel")
	}
	if err := t.s.threadRoom(); err != nil {
		return nil, nil, err
	}
	id := t.s.newID()
	probe := &channel{Channel: Channel{ID: id, Type: ChannelPublicThread, Name: name, ParentID: ch.ID}}
	m, err := post(probe)
	if err != nil {
		return nil, nil, err
	}
	m.ID = id
	th := t.newThread(ch, id, from.user, name, ChannelPublicThread, archive)
	th.Applied = tags
	t.announce(th)
	t.post(th, m)
	ch.LastMessageID = id
	t.put(kindChannel, ch.ID, ch)
	return th, m, nil
}

func (s *Server) startThread(t *tx, c *call) (int, any, error) {
	ch, err := s.sees(s.o.BotUserID, c.p["channel"])
	if err != nil {
		return 0, nil, err
	}
	if ch.Type == ChannelText {
		th, err := t.looseThread(ch, s.o.BotUserID, c)
		if err != nil {
			return 0, nil, err
		}
		return http.StatusCreated, s.channelJSON(th, s.o.BotUserID), nil
	}
	if ch.Type != ChannelForum {
		return 0, nil, fail(http.StatusBadRequest, 50024, "Cannot execute action on this channel type")
	}
	if s.permissions(s.o.BotUserID, ch)&PermSendMessages == 0 {
		return 0, nil, errPermission()
	}
	tree := errTree{}
	name, archive := threadName(tree, c.body), autoArchive(tree, c.body, ch.AutoArchive)
	if !c.body.has("message") {
		tree.required([]any{"message"})
	}
	if err := tree.err(); err != nil {
		return 0, nil, err
	}
	inner := fields{}
	c.body.get("message", &inner)
	if c.body.has("attachments") && !inner.has("attachments") {
		inner["attachments"] = c.body["attachments"]
	}
	var tags []string
	c.body.get("applied_tags", &tags)
	from := s.appSender(ch)
	th, m, err := t.forumPost(ch, from, name, archive, tags, func(th *channel) (*message, error) {
		d, err := t.compose(th, from, &call{r: c.r, version: c.version, body: inner, files: c.files})
		if err != nil {
			return nil, err
		}
		m := &message{AuthorID: s.o.BotUserID}
		d.fill(m)
		return m, nil
	})
	if err != nil {
		return 0, nil, err
	}
	o := s.channelJSON(th, s.o.BotUserID)
	o["message"] = s.messageJSON(m, s.o.BotUserID)
	return http.StatusCreated, o, nil
}

func (s *Server) thread(c *call) (*channel, error) {
	ch, err := s.sees(s.o.BotUserID, c.p["channel"])
	if err != nil {
		return nil, err
	}
	if !ch.isThread() {
		return nil, fail(http.StatusBadRequest, 50024, "Cannot execute action on this channel type")
	}
	return ch, nil
}

func (s *Server) threadMemberView(th *channel, user string, full bool) obj {
	o := threadMemberJSON(th.ID, user, th.Members[user])
	if full {
		o["member"] = s.memberJSON(user)
	}
	return o
}

func (s *Server) listThreadMembers(_ *tx, c *call) (int, any, error) {
	th, err := s.thread(c)
	if err != nil {
		return 0, nil, err
	}
	out := []obj{}
	for _, id := range s.userOrder {
		if _, in := th.Members[id]; in {
			out = append(out, s.threadMemberView(th, id, c.query("with_member") == "true"))
		}
	}
	return http.StatusOK, out, nil
}

func (s *Server) memberParam(c *call) string {
	if c.p["user"] == "@me" {
		return s.o.BotUserID
	}
	return c.p["user"]
}

func (s *Server) getThreadMember(_ *tx, c *call) (int, any, error) {
	th, err := s.thread(c)
	if err != nil {
		return 0, nil, err
	}
	id := s.memberParam(c)
	if _, in := th.Members[id]; !in {
		return 0, nil, errUnknown(10007, "Member")
	}
	return http.StatusOK, s.threadMemberView(th, id, c.query("with_member") == "true"), nil
}

func (s *Server) putThreadMember(t *tx, c *call) (int, any, error) {
	th, err := s.thread(c)
	if err != nil {
		return 0, nil, err
	}
	if th.Archived {
		return 0, nil, errArchived()
	}
	id := s.memberParam(c)
	if u := s.users[id]; u == nil || u.Outsider {
		return 0, nil, errUnknownUser()
	}
	if parent := s.channels[th.ParentID]; parent != nil && !s.canSee(id, parent) {
		return 0, nil, errAccess()
	}
	if len(th.Members) >= 1000 {
		return 0, nil, fail(http.StatusBadRequest, 30033, "Maximum number of thread participants has been reached (1000)")
	}
	t.addMember(th, id)
	return http.StatusNoContent, nil, nil
}

func (s *Server) deleteThreadMember(t *tx, c *call) (int, any, error) {
	th, err := s.thread(c)
	if err != nil {
		return 0, nil, err
	}
	if th.Archived {
		return 0, nil, errArchived()
	}
	id := s.memberParam(c)
	if id != s.o.BotUserID && s.permissions(s.o.BotUserID, th)&PermManageThreads == 0 && th.OwnerID != s.o.BotUserID {
		return 0, nil, errPermission()
	}
	t.removeMember(th, id)
	return http.StatusNoContent, nil, nil
}

func (s *Server) threadList(keep func(*channel) bool) []*channel {
	var out []*channel
	for _, id := range s.chanOrder {
		c := s.channels[id]
		if c.isThread() && s.canSee(s.o.BotUserID, c) && keep(c) {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b *channel) int { return int(min(max(int64(snow(b.ID))-int64(snow(a.ID)), -1), 1)) })
	return out
}

func (s *Server) threadsAnswer(list []*channel) obj {
	threads, members := []obj{}, []obj{}
	for _, th := range list {
		threads = append(threads, s.channelJSON(th, s.o.BotUserID))
		if m, in := th.Members[s.o.BotUserID]; in {
			members = append(members, threadMemberJSON(th.ID, s.o.BotUserID, m))
		}
	}
	return obj{"threads": threads, "members": members, "has_more": false}
}

func (s *Server) activeThreads(_ *tx, c *call) (int, any, error) {
	g := s.byGuildID(c.p["guild"])
	if g == nil {
		return 0, nil, errAccess()
	}
	return http.StatusOK, s.threadsAnswer(s.threadList(func(c *channel) bool { return !c.Archived && s.home(c) == g })), nil
}

func (s *Server) archivedThreads(_ *tx, c *call) (int, any, error) {
	ch, err := s.allowed(s.o.BotUserID, c.p["channel"], PermReadHistory)
	if err != nil {
		return 0, nil, err
	}
	typ := ChannelPublicThread
	switch c.p["kind"] {
	case "public":
	case "private":
		if s.permissions(s.o.BotUserID, ch)&PermManageThreads == 0 {
			return 0, nil, errPermission()
		}
		typ = ChannelPrivateThread
	default:
		return 0, nil, errNotFound()
	}
	limit, err := limitParam(c, 50, 2, 100)
	if err != nil {
		return 0, nil, err
	}
	list := s.threadList(func(th *channel) bool { return th.Archived && th.ParentID == ch.ID && th.Type == typ })
	slices.SortStableFunc(list, func(a, b *channel) int { return b.ArchivedAt.Compare(a.ArchivedAt) })
	if before := c.query("before"); before != "" {
		list = slices.DeleteFunc(list, func(th *channel) bool { return stamp(th.ArchivedAt) >= before })
	}
	more := len(list) > limit
	if more {
		list = list[:limit]
	}
	o := s.threadsAnswer(list)
	o["has_more"] = more
	return http.StatusOK, o, nil
}
