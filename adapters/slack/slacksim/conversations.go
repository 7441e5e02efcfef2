package slacksim

import (
	"slices"
	"strings"
)

// visible finds a conversation that the bot may know of: private ones only as a member.
func (s *Server) visible(id string) (*channel, error) {
	c := s.st.byID[id]
	if c == nil && strings.TrimPrefix(id, "#") != "" {
		name := strings.TrimPrefix(id, "#")
		for _, x := range s.st.channels {
			if x.Name == name && !x.IsIM {
				c = x
			}
		}
	}
	if c == nil || (c.IsPrivate || c.IsIM || c.IsMPIM) && !c.has(s.opt.BotUserID) {
		return nil, fail("channel_not_found")
	}
	return c, nil
}

// readable finds a conversation whose messages the bot may read.
func (s *Server) readable(id string) (*channel, error) {
	c, err := s.visible(id)
	if err != nil {
		return nil, err
	}
	if !c.has(s.opt.BotUserID) {
		return nil, fail("not_in_channel")
	}
	scope := map[string]string{"channel": "channels:history", "group": "groups:history", "im": "im:history", "mpim": "mpim:history"}[c.kind()]
	if !s.granted(scope) {
		return nil, s.missingScope(scope)
	}
	return c, nil
}

func (s *Server) channelJSON(c *channel) obj {
	if c.IsIM {
		other := ""
		for _, m := range c.Members {
			if m != s.opt.BotUserID {
				other = m
			}
		}
		return obj{"id": c.ID, "created": c.Created, "is_archived": false, "is_im": true, "is_org_shared": false, "user": other, "is_user_deleted": false,
			"priority": 0, "context_team_id": s.opt.Team.ID, "updated": c.Created * 1000}
	}
	text := func(v string) obj { return obj{"value": v, "creator": c.Creator, "last_set": c.Created} }
	return obj{"id": c.ID, "name": c.Name, "name_normalized": c.Name, "is_channel": !c.IsPrivate && !c.IsMPIM, "is_group": c.IsPrivate, "is_im": false, "is_mpim": c.IsMPIM,
		"is_private": c.IsPrivate || c.IsMPIM, "created": c.Created, "updated": c.Created * 1000, "is_archived": c.Archived, "is_general": c.Name == "general", "unlinked": 0,
		"is_shared": false, "is_ext_shared": false, "is_org_shared": false, "is_pending_ext_shared": false, "pending_shared": []any{}, "pending_connected_team_ids": []any{},
		"shared_team_ids": []string{s.opt.Team.ID}, "context_team_id": s.opt.Team.ID, "creator": c.Creator, "is_member": c.has(s.opt.BotUserID),
		"parent_conversation": nil, "topic": text(c.Topic), "purpose": text(c.Purpose), "previous_names": []any{}, "last_read": "0000000000.000000"}
}

func (s *Server) conversationsInfo(q *request) (obj, error) {
	c, err := s.visible(q.str("channel"))
	if err != nil {
		return nil, err
	}
	out := s.channelJSON(c)
	if q.flag("include_num_members", false) {
		out["num_members"] = len(c.Members)
	}
	return obj{"channel": out}, nil
}

// channelPage lists channels; without names the fields that this method leaves out.
func (s *Server) channelPage(q *request, keep func(*channel) bool, without ...string) (obj, error) {
	types := q.list("types")
	if len(types) == 0 {
		types = []string{"public_channel"}
	}
	word := map[string]string{"channel": "public_channel", "group": "private_channel", "im": "im", "mpim": "mpim"}
	for _, t := range types {
		if !slices.Contains([]string{"public_channel", "private_channel", "im", "mpim"}, t) {
			return nil, fail("invalid_types")
		}
	}
	var list []*channel
	for _, c := range s.st.channels {
		if slices.Contains(types, word[c.kind()]) && keep(c) && !(c.Archived && q.flag("exclude_archived", false)) {
			list = append(list, c)
		}
	}
	cs, next, err := page(q, list, 100, 1000)
	if err != nil {
		return nil, err
	}
	out := make([]obj, len(cs))
	for i, c := range cs {
		out[i] = s.channelJSON(c)
		if !c.IsIM {
			out[i]["num_members"] = len(c.Members)
		}
		for _, k := range without {
			delete(out[i], k)
		}
	}
	return obj{"channels": out, "response_metadata": obj{"next_cursor": next}}, nil
}

func (s *Server) conversationsList(q *request) (obj, error) {
	return s.channelPage(q, func(c *channel) bool { return c.kind() == "channel" || c.has(s.opt.BotUserID) }, "last_read", "parent_conversation")
}

func (s *Server) usersConversations(q *request) (obj, error) {
	user := q.str("user")
	if user == "" {
		user = s.opt.BotUserID
	} else if s.st.userByID[user] == nil {
		return nil, fail("user_not_found")
	}
	return s.channelPage(q, func(c *channel) bool {
		return c.has(user) && (c.kind() == "channel" || c.has(s.opt.BotUserID))
	}, "is_member", "num_members")
}

func (s *Server) conversationsMembers(q *request) (obj, error) {
	c, err := s.visible(q.str("channel"))
	if err != nil {
		return nil, err
	}
	ms, next, err := page(q, c.Members, 100, 1000)
	if err != nil {
		return nil, err
	}
	return obj{"members": append([]string{}, ms...), "response_metadata": obj{"next_cursor": next}}, nil
}

// direct finds or opens the direct message between the bot and some people.
func (s *Server) direct(users []string) (*channel, bool) {
	want := append([]string{s.opt.BotUserID}, users...)
	slices.Sort(want)
	for _, c := range s.st.channels {
		have := slices.Sorted(slices.Values(c.Members))
		if (c.IsIM || c.IsMPIM) && slices.Equal(have, want) {
			return c, false
		}
	}
	ch := &Channel{ID: newID("D"), IsIM: len(users) == 1, Members: want, Created: s.opt.Now().Unix()}
	if len(users) > 1 {
		ch.ID, ch.IsMPIM, ch.Name = newID("G"), true, "mpdm-"+strings.ToLower(strings.Join(users, "--"))
	}
	c := s.st.putChannel(ch)
	s.save("channel", c.Channel)
	return c, true
}

func (s *Server) conversationsOpen(q *request) (obj, error) {
	var c *channel
	created := false
	switch users := q.list("users"); {
	case q.str("channel") != "":
		var err error
		if c, err = s.visible(q.str("channel")); err != nil {
			return nil, err
		}
	case len(users) == 0:
		return nil, fail("users_list_not_supplied")
	case len(users) > 8:
		return nil, fail("too_many_users")
	default:
		for _, u := range users {
			switch {
			case s.st.userByID[u] == nil:
				return nil, fail("user_not_found")
			case s.st.userByID[u].Deleted:
				return nil, fail("user_disabled")
			case u == s.opt.BotUserID:
				return nil, fail("cannot_dm_bot")
			}
		}
		slices.Sort(users)
		c, created = s.direct(slices.Compact(users))
	}
	out := obj{"channel": obj{"id": c.ID}}
	if q.flag("return_im", false) {
		out["channel"] = s.channelJSON(c)
	}
	if !created {
		out["no_op"], out["already_open"] = true, true
	}
	return out, nil
}

func (s *Server) conversationsJoin(q *request) (obj, error) {
	c, err := s.visible(q.str("channel"))
	switch {
	case err != nil:
		return nil, err
	case c.kind() != "channel":
		return nil, fail("method_not_supported_for_channel_type")
	case c.Archived:
		return nil, fail("is_archived")
	}
	out := obj{}
	if !s.join(c, s.opt.BotUserID) {
		out["warning"] = "already_in_channel"
		out["response_metadata"] = obj{"warnings": []string{"already_in_channel"}}
	}
	out["channel"] = s.channelJSON(c)
	return out, nil
}

// join adds a member, tells the channel, and reports whether anything changed.
func (s *Server) join(c *channel, user string) bool {
	if c.has(user) {
		return false
	}
	c.Members = append(c.Members, user)
	s.save("channel", c.Channel)
	m := &Message{Channel: c.ID, Subtype: "channel_join", TS: s.st.nextTS(), User: user, Text: "<@" + user + "> has joined the channel"}
	s.st.putMessage(m)
	s.save("message", m)
	s.emitIn(c, "member_joined_channel", obj{"type": "member_joined_channel", "user": user, "channel": c.ID, "channel_type": strings.ToUpper(c.ID[:1]),
		"team": s.opt.Team.ID, "event_ts": s.st.nextTS()})
	s.emitMessage(c, m)
	return true
}

// window reads oldest, latest and inclusive.
func window(q *request) (keep func(ts string) bool, err error) {
	lo, hi := int64(0), int64(1)<<62
	if v := q.str("oldest"); v != "" {
		n, ok := parseTS(v)
		if !ok {
			return nil, fail("invalid_ts_oldest")
		}
		lo = n
	}
	if v := q.str("latest"); v != "" && v != "now" {
		n, ok := parseTS(v)
		if !ok {
			return nil, fail("invalid_ts_latest")
		}
		hi = n
	}
	inclusive := q.flag("inclusive", false)
	return func(ts string) bool {
		n, _ := parseTS(ts)
		if inclusive {
			return n >= lo && n <= hi
		}
		return n > lo && n < hi
	}, nil
}

// historyLimit is the size of a page under the limits in force.
func (s *Server) historyLimit(q *request, def int) (int, error) {
	top := 999
	if s.limits.l.HarshHistory {
		def, top = 15, 15
	}
	n := q.num("limit", def)
	if n <= 0 || q.has("limit") && n > 1000 {
		return 0, fail("invalid_limit")
	}
	return min(n, top), nil
}

func (s *Server) conversationsHistory(q *request) (obj, error) {
	c, err := s.readable(q.str("channel"))
	if err != nil {
		return nil, err
	}
	keep, err := window(q)
	if err != nil {
		return nil, err
	}
	limit, err := s.historyLimit(q, 100)
	if err != nil {
		return nil, err
	}
	before := ""
	if cur := q.str("cursor"); cur != "" {
		var ok bool
		if before, ok = strings.CutPrefix(decodeCursor(cur), "next_ts:"); !ok {
			return nil, fail("invalid_cursor")
		}
	}
	msgs, more := []obj{}, false
	last := ""
	for _, m := range slices.Backward(c.msgs) {
		if m.IsReply() && !m.Broadcast() || !keep(m.TS) || before != "" && m.TS >= before {
			continue
		}
		if len(msgs) == limit {
			more = true
			break
		}
		msgs = append(msgs, s.render(m, s.metadataFor(m, q)))
		last = m.TS
	}
	out := obj{"messages": msgs, "has_more": more, "pin_count": 0, "channel_actions_ts": nil, "channel_actions_count": 0}
	if v := q.str("latest"); v != "" {
		out["latest"] = v
	}
	if more {
		out["response_metadata"] = obj{"next_cursor": encodeCursor("next_ts:" + last)}
	}
	return out, nil
}

func (s *Server) conversationsReplies(q *request) (obj, error) {
	c, err := s.readable(q.str("channel"))
	if err != nil {
		return nil, err
	}
	keep, err := window(q)
	if err != nil {
		return nil, err
	}
	limit, err := s.historyLimit(q, 999)
	if err != nil {
		return nil, err
	}
	root := c.byTS[q.str("ts")]
	if root == nil {
		return nil, fail("thread_not_found")
	}
	// The root opens every page, whatever the window says.
	msgs, more := []obj{s.render(root, s.metadataFor(root, q))}, false
	after := ""
	if cur := q.str("cursor"); cur != "" {
		var ok bool
		if after, ok = strings.CutPrefix(decodeCursor(cur), "next_ts:"); !ok {
			return nil, fail("invalid_cursor")
		}
	}
	last := ""
	if !root.IsReply() {
		for _, m := range c.threads[root.TS] {
			if !keep(m.TS) || after != "" && m.TS <= after {
				continue
			}
			if len(msgs) >= max(limit, 2) {
				more = true
				break
			}
			msgs = append(msgs, s.render(m, s.metadataFor(m, q)))
			last = m.TS
		}
	}
	out := obj{"messages": msgs, "has_more": more}
	if more {
		out["response_metadata"] = obj{"next_cursor": encodeCursor("next_ts:" + last)}
	}
	return out, nil
}
