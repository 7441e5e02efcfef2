package slacksim

import (
	"regexp"
	"slices"
	"strings"
)

// maxReactions is how many different emoji a message may carry.
const maxReactions = 23

var emojiName = regexp.MustCompile(`^[a-z0-9_+'\-]+(::skin-tone-[2-6])?$`)

func (s *Server) reactionTarget(q *request) (*channel, *Message, error) {
	if q.str("channel") == "" || q.str("timestamp") == "" {
		return nil, nil, fail("no_item_specified")
	}
	c, err := s.visible(q.str("channel"))
	if err != nil {
		return nil, nil, err
	}
	m := c.byTS[q.str("timestamp")]
	if m == nil || m.Subtype == "tombstone" {
		return nil, nil, fail("message_not_found")
	}
	return c, m, nil
}

func (s *Server) reactionsAdd(q *request) (obj, error) {
	c, m, err := s.reactionTarget(q)
	if err != nil {
		return nil, err
	}
	if !c.has(s.opt.BotUserID) && c.kind() != "channel" {
		return nil, fail("not_in_channel")
	}
	return obj{}, s.react(c, m, s.opt.BotUserID, q.str("name"))
}

func (s *Server) reactionsRemove(q *request) (obj, error) {
	c, m, err := s.reactionTarget(q)
	if err != nil {
		return nil, err
	}
	return obj{}, s.unreact(c, m, s.opt.BotUserID, q.str("name"))
}

func (s *Server) reactionsGet(q *request) (obj, error) {
	c, m, err := s.reactionTarget(q)
	if err != nil {
		return nil, err
	}
	return obj{"type": "message", "channel": c.ID, "message": s.render(m, s.metadataFor(m, q))}, nil
}

func (s *Server) react(c *channel, m *Message, user, emoji string) error {
	emoji = strings.Trim(emoji, ":")
	if !emojiName.MatchString(emoji) {
		return fail("invalid_name")
	}
	i := slices.IndexFunc(m.Reactions, func(r Reaction) bool { return r.Name == emoji })
	switch {
	case i >= 0 && slices.Contains(m.Reactions[i].Users, user):
		return fail("already_reacted")
	case i < 0 && len(m.Reactions) >= maxReactions:
		return fail("too_many_emoji")
	case i < 0:
		m.Reactions = append(m.Reactions, Reaction{Name: emoji})
		i = len(m.Reactions) - 1
	}
	m.Reactions[i].Users = append(m.Reactions[i].Users, user)
	m.Reactions[i].Count = len(m.Reactions[i].Users)
	s.save("message", m)
	s.emitReaction(c, m, "reaction_added", user, emoji)
	return nil
}

func (s *Server) unreact(c *channel, m *Message, user, emoji string) error {
	emoji = strings.Trim(emoji, ":")
	i := slices.IndexFunc(m.Reactions, func(r Reaction) bool { return r.Name == emoji })
	if i < 0 || !slices.Contains(m.Reactions[i].Users, user) {
		return fail("no_reaction")
	}
	m.Reactions[i].Users = slices.DeleteFunc(slices.Clone(m.Reactions[i].Users), func(u string) bool { return u == user })
	m.Reactions[i].Count = len(m.Reactions[i].Users)
	if m.Reactions[i].Count == 0 {
		m.Reactions = slices.Delete(m.Reactions, i, i+1)
	}
	s.save("message", m)
	s.emitReaction(c, m, "reaction_removed", user, emoji)
	return nil
}

func (s *Server) emitReaction(c *channel, m *Message, typ, user, emoji string) {
	author := m.User
	if author == "" && m.BotID != "" {
		author = s.opt.BotUserID
	}
	s.emitIn(c, typ, obj{"type": typ, "user": user, "reaction": emoji, "item": obj{"type": "message", "channel": c.ID, "ts": m.TS},
		"item_user": author, "event_ts": s.st.nextTS()})
}
