package discordsim

import (
	"net/http"
	"slices"
	"strings"
	"unicode"
)

func (s *Server) reactionRoutes(rt *router) {
	const base = "/channels/:channel/messages/:message/reactions"
	rt.add("PUT "+base+"/:emoji/@me", s.putReaction)
	rt.add("DELETE "+base+"/:emoji/@me", s.dropReaction)
	rt.add("DELETE "+base+"/:emoji/:user", s.dropReaction)
	rt.add("GET "+base+"/:emoji", s.listReaction)
	rt.add("DELETE "+base+"/:emoji", s.dropEmoji)
	rt.add("DELETE "+base, s.dropReactions)
}

// parseEmoji reads "name:id" of a custom emoji, or a Unicode one.
func (s *Server) parseEmoji(v string) (reaction, error) {
	unknown := fail(http.StatusBadRequest, 10014, "Unknown Emoji")
	v = strings.TrimPrefix(strings.Trim(v, "<>"), "a:")
	v = strings.TrimPrefix(v, ":")
	if _, id, ok := strings.Cut(v, ":"); ok {
		if snow(id) == 0 {
			return reaction{}, unknown
		}
		for _, g := range s.guildsAll() {
			for _, e := range g.Emojis {
				if e.ID == id {
					return reaction{ID: id, Name: e.Name, Animated: e.Animated}, nil
				}
			}
		}
		return reaction{}, unknown
	}
	keycap := strings.ContainsRune(v, '\u20e3')
	for _, r := range v {
		if r < 0x80 && !keycap || unicode.IsLetter(r) && r < 0x2100 {
			return reaction{}, unknown
		}
	}
	if v == "" || len([]rune(v)) > 12 {
		return reaction{}, unknown
	}
	return reaction{Name: v}, nil
}

// same compares emojis without the variation selector, which clients write or leave out as they like.
func (r *reaction) same(o reaction) bool {
	if r.ID != "" || o.ID != "" {
		return r.ID == o.ID
	}
	bare := func(v string) string { return strings.ReplaceAll(v, "\ufe0f", "") }
	return bare(r.Name) == bare(o.Name)
}

func (t *tx) react(ch *channel, m *message, user string, e reaction) error {
	if ch.isThread() && ch.Archived {
		return errArchived()
	}
	i := slices.IndexFunc(m.Reactions, func(r reaction) bool { return r.same(e) })
	p := t.s.permissions(user, ch)
	if p&PermReadHistory == 0 || i < 0 && p&PermAddReactions == 0 {
		return errPermission()
	}
	// Renderers may still hold the old slices.
	rs := slices.Clone(m.Reactions)
	if i < 0 {
		if len(rs) >= 20 {
			return fail(http.StatusBadRequest, 30010, "Maximum number of reactions reached (20)")
		}
		rs = append(rs, e)
		i = len(rs) - 1
	}
	if slices.Contains(rs[i].Users, user) {
		return nil
	}
	rs[i].Users = append(slices.Clone(rs[i].Users), user)
	m.Reactions = rs
	t.put(kindMessage, m.ID, m)
	o := t.where(ch, obj{
		"user_id": user, "channel_id": ch.ID, "message_id": m.ID, "emoji": rs[i].emojiJSON(), "message_author_id": m.AuthorID, "burst": false, "type": 0,
	})
	if !ch.isDM() {
		o["member"] = t.s.memberJSON(user)
	}
	t.emit("MESSAGE_REACTION_ADD", o, ch)
	return nil
}

func (t *tx) unreact(ch *channel, m *message, user string, e reaction) {
	i := slices.IndexFunc(m.Reactions, func(r reaction) bool { return r.same(e) })
	if i < 0 || !slices.Contains(m.Reactions[i].Users, user) {
		return
	}
	rs := slices.Clone(m.Reactions)
	shown := rs[i].emojiJSON()
	rs[i].Users = slices.DeleteFunc(slices.Clone(rs[i].Users), func(u string) bool { return u == user })
	if len(rs[i].Users) == 0 {
		rs = slices.Delete(rs, i, i+1)
	}
	m.Reactions = rs
	t.put(kindMessage, m.ID, m)
	t.emit("MESSAGE_REACTION_REMOVE", t.where(ch, obj{
		"user_id": user, "channel_id": ch.ID, "message_id": m.ID, "emoji": shown, "burst": false, "type": 0,
	}), ch)
}

func (s *Server) reactionCall(c *call) (*channel, *message, reaction, error) {
	ch, m, err := s.message(c)
	if err != nil {
		return nil, nil, reaction{}, err
	}
	e, err := s.parseEmoji(c.p["emoji"])
	return ch, m, e, err
}

func (s *Server) putReaction(t *tx, c *call) (int, any, error) {
	ch, m, e, err := s.reactionCall(c)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusNoContent, nil, t.react(ch, m, s.o.BotUserID, e)
}

func (s *Server) dropReaction(t *tx, c *call) (int, any, error) {
	ch, m, e, err := s.reactionCall(c)
	if err != nil {
		return 0, nil, err
	}
	user := c.p["user"]
	if user == "" {
		user = s.o.BotUserID
	}
	if user != s.o.BotUserID && s.permissions(s.o.BotUserID, ch)&PermManageMessages == 0 {
		return 0, nil, errPermission()
	}
	if ch.isThread() && ch.Archived {
		return 0, nil, errArchived()
	}
	t.unreact(ch, m, user, e)
	return http.StatusNoContent, nil, nil
}

func (s *Server) listReaction(_ *tx, c *call) (int, any, error) {
	_, m, e, err := s.reactionCall(c)
	if err != nil {
		return 0, nil, err
	}
	limit, err := limitParam(c, 25, 1, 100)
	if err != nil {
		return 0, nil, err
	}
	out := []obj{}
	for _, r := range m.Reactions {
		if !r.same(e) {
			continue
		}
		ids := slices.Clone(r.Users)
		slices.SortFunc(ids, func(a, b string) int { return int(min(max(int64(snow(a))-int64(snow(b)), -1), 1)) })
		for _, id := range ids {
			if snow(id) > snow(c.query("after")) && len(out) < limit {
				out = append(out, s.userJSON(id))
			}
		}
	}
	return http.StatusOK, out, nil
}

func (s *Server) manageReactions(c *call) (*channel, *message, error) {
	ch, m, err := s.message(c)
	if err != nil {
		return nil, nil, err
	}
	if s.permissions(s.o.BotUserID, ch)&PermManageMessages == 0 {
		return nil, nil, errPermission()
	}
	return ch, m, nil
}

func (s *Server) dropReactions(t *tx, c *call) (int, any, error) {
	ch, m, err := s.manageReactions(c)
	if err != nil {
		return 0, nil, err
	}
	m.Reactions = nil
	t.put(kindMessage, m.ID, m)
	t.emit("MESSAGE_REACTION_REMOVE_ALL", t.where(ch, obj{"channel_id": ch.ID, "message_id": m.ID}), ch)
	return http.StatusNoContent, nil, nil
}

func (s *Server) dropEmoji(t *tx, c *call) (int, any, error) {
	ch, m, err := s.manageReactions(c)
	if err != nil {
		return 0, nil, err
	}
	e, err := s.parseEmoji(c.p["emoji"])
	if err != nil {
		return 0, nil, err
	}
	m.Reactions = slices.DeleteFunc(slices.Clone(m.Reactions), func(r reaction) bool { return r.same(e) })
	t.put(kindMessage, m.ID, m)
	t.emit("MESSAGE_REACTION_REMOVE_EMOJI", t.where(ch, obj{"channel_id": ch.ID, "message_id": m.ID, "emoji": e.emojiJSON()}), ch)
	return http.StatusNoContent, nil, nil
}
