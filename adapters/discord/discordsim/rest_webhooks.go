package discordsim

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

func (s *Server) webhookRoutes(rt *router) {
	rt.add("POST /channels/:channel/webhooks", s.createWebhook)
	rt.add("GET /channels/:channel/webhooks", s.channelWebhooks)
	rt.add("GET /guilds/:guild/webhooks", s.guildWebhooks)
	rt.add("GET /webhooks/:webhook", s.getWebhook)
	rt.add("PATCH /webhooks/:webhook", s.patchWebhook)
	rt.add("DELETE /webhooks/:webhook", s.deleteWebhook)
	rt.open("GET /webhooks/:webhook/:token", s.getWebhook)
	rt.open("PATCH /webhooks/:webhook/:token", s.patchWebhook)
	rt.open("DELETE /webhooks/:webhook/:token", s.deleteWebhook)
	rt.open("POST /webhooks/:webhook/:token", s.executeWebhook)
	rt.open("GET /webhooks/:webhook/:token/messages/:message", s.hookMessageCall((*tx).getHookMessage))
	rt.open("PATCH /webhooks/:webhook/:token/messages/:message", s.hookMessageCall((*tx).editHookMessage))
	rt.open("DELETE /webhooks/:webhook/:token/messages/:message", s.hookMessageCall((*tx).deleteHookMessage))
}

func webhookName(tree errTree, b fields) string {
	name := strings.TrimSpace(b.str("name"))
	if n := utf8.RuneCountInString(name); n < 1 || n > 80 {
		tree.badLength([]any{"name"}, 1, 80)
	}
	forbiddenName(tree, "name", name)
	return name
}

func forbiddenName(tree errTree, field, name string) {
	low := strings.ToLower(name)
	for _, bad := range []string{"discord", "clyde"} {
		if strings.Contains(low, bad) {
			tree.add([]any{field}, "USERNAME_INVALID_CONTAINS", `Username cannot contain "`+bad+`"`)
		}
	}
}

func (s *Server) createWebhook(t *tx, c *call) (int, any, error) {
	ch, err := s.allowed(s.o.BotUserID, c.p["channel"], PermManageWebhooks)
	if err != nil {
		return 0, nil, err
	}
	if ch.Type != ChannelText && ch.Type != ChannelForum {
		return 0, nil, fail(http.StatusBadRequest, 50024, "Cannot execute action on this channel type")
	}
	tree := errTree{}
	name := webhookName(tree, c.body)
	if err := tree.err(); err != nil {
		return 0, nil, err
	}
	if here := s.hooks(func(h *webhook) bool { return h.ChannelID == ch.ID }); len(here) >= 15 {
		return 0, nil, fail(http.StatusBadRequest, 30007, "Maximum number of webhooks reached (15)")
	}
	if len(s.webhooks) >= 1000 {
		return 0, nil, fail(http.StatusBadRequest, 30058, "Maximum number of webhooks per guild reached (1000)")
	}
	h := &webhook{ID: s.newID(), Token: randomToken(34), Name: name, ChannelID: ch.ID, UserID: s.o.BotUserID, ApplicationID: s.o.ApplicationID}
	if c.body.str("avatar") != "" {
		h.Avatar = avatarHash(h.ID)
	}
	s.webhooks[h.ID] = h
	t.put(kindWebhook, h.ID, h)
	t.emit("WEBHOOKS_UPDATE", obj{"guild_id": t.guildOf(ch), "channel_id": ch.ID}, ch)
	return http.StatusOK, s.webhookJSON(h, true), nil
}

func (s *Server) hooks(keep func(*webhook) bool) []*webhook {
	var out []*webhook
	for _, h := range s.webhooks {
		if keep(h) {
			out = append(out, h)
		}
	}
	slices.SortFunc(out, func(a, b *webhook) int { return int(min(max(int64(snow(a.ID))-int64(snow(b.ID)), -1), 1)) })
	return out
}

func (s *Server) hookList(keep func(*webhook) bool) []obj {
	out := []obj{}
	for _, h := range s.hooks(keep) {
		out = append(out, s.webhookJSON(h, true))
	}
	return out
}

func (s *Server) channelWebhooks(_ *tx, c *call) (int, any, error) {
	ch, err := s.allowed(s.o.BotUserID, c.p["channel"], PermManageWebhooks)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, s.hookList(func(h *webhook) bool { return h.ChannelID == ch.ID }), nil
}

func (s *Server) guildWebhooks(_ *tx, c *call) (int, any, error) {
	g := s.byGuildID(c.p["guild"])
	if g == nil {
		return 0, nil, errUnknown(10004, "Guild")
	}
	if s.serverPermissions(s.o.BotUserID, g)&PermManageWebhooks == 0 {
		return 0, nil, errPermission()
	}
	return http.StatusOK, s.hookList(func(h *webhook) bool { return s.home(s.channels[h.ChannelID]) == g }), nil
}

// hook finds the webhook of a call, by token or by the app's permission.
func (s *Server) hook(c *call) (*webhook, error) {
	h := s.webhooks[c.p["webhook"]]
	if h == nil {
		return nil, errUnknownWebhook()
	}
	if tok, ok := c.p["token"]; ok {
		if tok != h.Token {
			return nil, errInvalidWebhookToken()
		}
		return h, nil
	}
	if _, err := s.allowed(s.o.BotUserID, h.ChannelID, PermManageWebhooks); err != nil {
		return nil, err
	}
	return h, nil
}

func (s *Server) getWebhook(_ *tx, c *call) (int, any, error) {
	h, err := s.hook(c)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, s.webhookJSON(h, c.p["token"] == ""), nil
}

func (s *Server) patchWebhook(t *tx, c *call) (int, any, error) {
	h, err := s.hook(c)
	if err != nil {
		return 0, nil, err
	}
	next := *h
	tree := errTree{}
	if c.body.has("name") {
		next.Name = webhookName(tree, c.body)
	}
	if c.body.has("avatar") {
		next.Avatar = ""
		if c.body.str("avatar") != "" {
			next.Avatar = avatarHash(h.ID + "2")
		}
	}
	if err := tree.err(); err != nil {
		return 0, nil, err
	}
	if id := c.body.str("channel_id"); id != "" && c.p["token"] == "" {
		ch, err := s.allowed(s.o.BotUserID, id, PermManageWebhooks)
		if err != nil {
			return 0, nil, err
		}
		next.ChannelID = ch.ID
	}
	*h = next
	t.put(kindWebhook, h.ID, h)
	t.emit("WEBHOOKS_UPDATE", obj{"guild_id": s.home(s.channels[h.ChannelID]).ID, "channel_id": h.ChannelID}, s.channels[h.ChannelID])
	return http.StatusOK, s.webhookJSON(h, c.p["token"] == ""), nil
}

func (s *Server) deleteWebhook(t *tx, c *call) (int, any, error) {
	h, err := s.hook(c)
	if err != nil {
		return 0, nil, err
	}
	delete(s.webhooks, h.ID)
	t.del(kindWebhook, h.ID)
	t.emit("WEBHOOKS_UPDATE", obj{"guild_id": s.home(s.channels[h.ChannelID]).ID, "channel_id": h.ChannelID}, s.channels[h.ChannelID])
	return http.StatusNoContent, nil, nil
}

// target is the channel or thread that a webhook call means.
func (s *Server) target(h *webhook, c *call) (*channel, error) {
	ch := s.channels[h.ChannelID]
	if ch == nil {
		return nil, errUnknownWebhook()
	}
	id := c.query("thread_id")
	if id == "" {
		return ch, nil
	}
	th := s.channels[id]
	if th == nil || !th.isThread() || th.ParentID != ch.ID {
		return nil, errUnknownChannel()
	}
	return th, nil
}

func (s *Server) hookSender(h *webhook) sender {
	everyone := sender{user: h.ID, hook: h, perms: PermAttachFiles | PermEmbedLinks | PermMentionEveryone}
	everyone.canUseUI = h.ApplicationID != ""
	return everyone
}

func (s *Server) executeWebhook(t *tx, c *call) (int, any, error) {
	if in := s.interactionOf(c); in != nil || c.p["webhook"] == s.o.ApplicationID {
		return s.followup(t, c, in)
	}
	h, err := s.hook(c)
	if err != nil {
		return 0, nil, err
	}
	ch, err := s.target(h, c)
	if err != nil {
		return 0, nil, err
	}
	m, err := t.hookMessage(h, ch, c)
	if err != nil {
		return 0, nil, err
	}
	if c.query("wait") != "true" {
		return http.StatusNoContent, nil, nil
	}
	return http.StatusOK, s.messageJSON(m, s.o.BotUserID), nil
}

// hookMessage posts as a webhook. It knows no nonce and no replies: both are ignored, as on the platform.
func (t *tx) hookMessage(h *webhook, ch *channel, c *call) (*message, error) {
	delete(c.body, "nonce")
	delete(c.body, "enforce_nonce")
	delete(c.body, "message_reference")
	tree := errTree{}
	name, avatar, link := h.Name, h.Avatar, ""
	if v := strings.TrimSpace(c.body.str("username")); v != "" {
		name = v
		if n := utf8.RuneCountInString(v); n > 80 {
			tree.badLength([]any{"username"}, 1, 80)
		}
		forbiddenName(tree, "username", v)
	}
	if v := c.body.str("avatar_url"); v != "" {
		if !goodURL(v, false) || len(v) > 2048 {
			tree.add([]any{"avatar_url"}, "URL_TYPE_INVALID_URL", "Not a well formed URL.")
		}
		link, avatar = v, avatarHash(v)
	}
	if err := tree.err(); err != nil {
		return nil, err
	}
	if c.body.has("components") && h.ApplicationID == "" && c.query("with_components") != "true" {
		delete(c.body, "components")
	}
	from := t.s.hookSender(h)
	build := func(at *channel) (*message, error) {
		d, err := t.compose(at, from, c)
		if err != nil {
			return nil, err
		}
		m := &message{AuthorID: h.ID, WebhookID: h.ID, ApplicationID: h.ApplicationID, Username: name, Avatar: avatar, AvatarURL: link}
		d.fill(m)
		return m, nil
	}
	if ch.Type == ChannelForum {
		thread := c.body.str("thread_name")
		if thread == "" {
			return nil, fail(http.StatusBadRequest, 220001, "Webhooks posted to forum channels must have a thread_name or thread_id")
		}
		var tags []string
		c.body.get("applied_tags", &tags)
		_, m, err := t.forumPost(ch, from, thread, 4320, tags, build)
		return m, err
	}
	if c.body.str("thread_name") != "" {
		return nil, fail(http.StatusBadRequest, 220003, "Webhooks can only create threads in forum channels")
	}
	m, err := build(ch)
	if err != nil {
		return nil, err
	}
	if ch.isThread() && ch.Archived && ch.Locked {
		return nil, fail(http.StatusBadRequest, 160005, "This thread is locked")
	}
	if err := t.openThread(ch, t.s.home(ch).OwnerID); err != nil {
		return nil, err
	}
	t.post(ch, m)
	return m, nil
}

type hookMessageFunc func(t *tx, m *message, from sender, c *call) (int, any, error)

// hookMessageCall finds the message that a webhook or an interaction token may touch.
func (s *Server) hookMessageCall(do hookMessageFunc) handler {
	return func(t *tx, c *call) (int, any, error) {
		if in := s.interactionOf(c); in != nil || c.p["webhook"] == s.o.ApplicationID {
			m, err := s.interactionMessage(c, in)
			if err != nil {
				return 0, nil, err
			}
			from := s.interactionSender(in)
			return do(t, m, from, c)
		}
		h, err := s.hook(c)
		if err != nil {
			return 0, nil, err
		}
		ch, err := s.target(h, c)
		if err != nil {
			return 0, nil, err
		}
		m := s.messages[c.p["message"]]
		if m == nil || m.WebhookID != h.ID || m.ChannelID != ch.ID {
			return 0, nil, errUnknownMessage()
		}
		return do(t, m, s.hookSender(h), c)
	}
}

func (t *tx) getHookMessage(m *message, _ sender, _ *call) (int, any, error) {
	return http.StatusOK, t.s.messageJSON(m, t.s.o.BotUserID), nil
}

func (t *tx) editHookMessage(m *message, from sender, c *call) (int, any, error) {
	if ch := t.s.channels[m.ChannelID]; ch != nil && ch.isThread() && ch.Archived {
		return 0, nil, errArchived()
	}
	loading := m.Flags&flagLoading != 0
	if err := t.revise(m, from, c); err != nil {
		return 0, nil, err
	}
	// Filling in a deferred answer does not make it an edited one.
	t.edited(m, !loading)
	return http.StatusOK, t.s.messageJSON(m, t.s.o.BotUserID), nil
}

func (t *tx) deleteHookMessage(m *message, _ sender, _ *call) (int, any, error) {
	t.remove(m)
	return http.StatusNoContent, nil, nil
}
