package discordsim

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

func (s *Server) messageRoutes(rt *router) {
	rt.add("GET /channels/:channel/messages", s.listMessages)
	rt.add("POST /channels/:channel/messages", s.postMessage)
	rt.add("POST /channels/:channel/messages/bulk-delete", s.bulkDelete)
	rt.add("GET /channels/:channel/messages/:message", s.getMessage)
	rt.add("PATCH /channels/:channel/messages/:message", s.editMessage)
	rt.add("DELETE /channels/:channel/messages/:message", s.deleteMessage)
	rt.add("POST /channels/:channel/typing", s.typing)
	rt.add("GET /channels/:channel/pins", s.listPinsOld)
	rt.add("PUT /channels/:channel/pins/:message", s.pin)
	rt.add("DELETE /channels/:channel/pins/:message", s.unpin)
	rt.add("GET /channels/:channel/messages/pins", s.listPins)
	rt.add("PUT /channels/:channel/messages/pins/:message", s.pin)
	rt.add("DELETE /channels/:channel/messages/pins/:message", s.unpin)
	rt.add("POST /attachments/refresh-urls", s.refreshURLs)
}

// limitParam reads ?limit= with the platform's complaints.
func limitParam(c *call, def, lo, hi int) (int, error) {
	v := c.query("limit")
	if v == "" {
		return def, nil
	}
	n, err := strconv.Atoi(v)
	switch {
	case err != nil:
		return 0, invalid("NUMBER_TYPE_COERCE", fmt.Sprintf("Value %q is not int.", v), "limit")
	case n < lo:
		return 0, invalid("NUMBER_TYPE_MIN", fmt.Sprintf("int value should be greater than or equal to %d.", lo), "limit")
	case n > hi:
		return 0, invalid("NUMBER_TYPE_MAX", fmt.Sprintf("int value should be less than or equal to %d.", hi), "limit")
	}
	return n, nil
}

func (s *Server) listMessages(_ *tx, c *call) (int, any, error) {
	ch, err := s.sees(s.o.BotUserID, c.p["channel"])
	if err != nil {
		return 0, nil, err
	}
	limit, err := limitParam(c, 50, 1, 100)
	if err != nil {
		return 0, nil, err
	}
	if ch.Type == ChannelForum || ch.Type == ChannelCategory {
		return 0, nil, fail(http.StatusBadRequest, 50024, "Cannot execute action on this channel type")
	}
	for _, k := range []string{"before", "after", "around"} {
		if v := c.query(k); v != "" {
			if _, err := strconv.ParseUint(v, 10, 64); err != nil {
				return 0, nil, invalid("NUMBER_TYPE_COERCE", fmt.Sprintf("Value %q is not snowflake.", v), k)
			}
		}
	}
	if s.permissions(s.o.BotUserID, ch)&PermReadHistory == 0 {
		return http.StatusOK, []obj{}, nil
	}
	var ids []string
	for _, id := range s.byChannel[ch.ID] {
		if s.messages[id].Ephemeral == "" {
			ids = append(ids, id)
		}
	}
	ids = window(ids, c.query("before"), c.query("after"), c.query("around"), limit)
	out := []obj{}
	for _, id := range slices.Backward(ids) {
		out = append(out, s.botView(s.messages[id]))
	}
	return http.StatusOK, out, nil
}

// window cuts the page that the query asks for out of ids in ascending order.
func window(ids []string, before, after, around string, limit int) []string {
	cut := func(at string) int {
		i, _ := slices.BinarySearchFunc(ids, at, func(a, b string) int {
			if snow(a) < snow(b) {
				return -1
			}
			if snow(a) > snow(b) {
				return 1
			}
			return 0
		})
		return i
	}
	switch {
	case around != "":
		i := cut(around)
		lo := max(i-limit/2, 0)
		return ids[lo:min(lo+limit, len(ids))]
	case before != "":
		i := cut(before)
		return ids[max(i-limit, 0):i]
	case after != "":
		i := cut(after)
		if i < len(ids) && ids[i] == after {
			i++
		}
		// The page that follows immediately, not the newest.
		return ids[i:min(i+limit, len(ids))]
	}
	return ids[max(len(ids)-limit, 0):]
}

// botView is a message as a history gives it to the app: without its nonce, which Discord does not keep, and blank where
// the app lacks the message content intent.
func (s *Server) botView(m *message) obj {
	o := s.messageJSON(m, s.o.BotUserID)
	delete(o, "nonce")
	if s.o.DisallowedIntents&intentMessageContent != 0 && s.private(m) {
		blank(o)
	}
	return o
}

// message finds a message of a channel that the app may read.
func (s *Server) message(c *call) (*channel, *message, error) {
	ch, err := s.sees(s.o.BotUserID, c.p["channel"])
	if err != nil {
		return nil, nil, err
	}
	m := s.messages[c.p["message"]]
	if m == nil || m.ChannelID != ch.ID || m.Ephemeral != "" {
		return nil, nil, errUnknownMessage()
	}
	return ch, m, nil
}

func (s *Server) getMessage(_ *tx, c *call) (int, any, error) {
	ch, m, err := s.message(c)
	if err != nil {
		return 0, nil, err
	}
	if s.permissions(s.o.BotUserID, ch)&PermReadHistory == 0 {
		return 0, nil, errPermission()
	}
	return http.StatusOK, s.botView(m), nil
}

func (s *Server) postMessage(t *tx, c *call) (int, any, error) {
	ch, err := s.sees(s.o.BotUserID, c.p["channel"])
	if err != nil {
		return 0, nil, err
	}
	if s.permissions(s.o.BotUserID, ch)&sendPermission(ch) == 0 {
		return 0, nil, errPermission()
	}
	m, err := t.createMessage(ch, s.appSender(ch), c)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, s.messageJSON(m, s.o.BotUserID), nil
}

func (s *Server) editMessage(t *tx, c *call) (int, any, error) {
	ch, m, err := s.message(c)
	if err != nil {
		return 0, nil, err
	}
	if ch.isThread() && ch.Archived {
		return 0, nil, errArchived()
	}
	if m.AuthorID != s.o.BotUserID || m.Username != "" {
		onlyFlags := len(c.body) == 1 && c.body.has("flags")
		if !onlyFlags || s.permissions(s.o.BotUserID, ch)&PermManageMessages == 0 {
			return 0, nil, fail(http.StatusForbidden, 50005, "Cannot edit a message authored by another user")
		}
	}
	switch m.Type {
	case typeNameChange, typePinned, typeThreadCreated, typeThreadStarter:
		return 0, nil, fail(http.StatusForbidden, 50021, "Cannot execute action on a system message")
	}
	moved := len(c.files) > 0
	for k := range c.body {
		moved = moved || k != "flags" && k != "allowed_mentions"
	}
	if err := t.revise(m, s.appSender(ch), c); err != nil {
		return 0, nil, err
	}
	t.edited(m, moved)
	return http.StatusOK, s.messageJSON(m, s.o.BotUserID), nil
}

func (s *Server) deleteMessage(t *tx, c *call) (int, any, error) {
	ch, m, err := s.message(c)
	if err != nil {
		return 0, nil, err
	}
	if m.AuthorID != s.o.BotUserID && s.permissions(s.o.BotUserID, ch)&PermManageMessages == 0 {
		return 0, nil, errPermission()
	}
	if m.Type == typeThreadStarter {
		return 0, nil, fail(http.StatusForbidden, 50021, "Cannot execute action on a system message")
	}
	t.remove(m)
	return http.StatusNoContent, nil, nil
}

func (s *Server) bulkDelete(t *tx, c *call) (int, any, error) {
	ch, err := s.allowed(s.o.BotUserID, c.p["channel"], PermManageMessages)
	if err != nil {
		return 0, nil, err
	}
	var ids []string
	if !c.body.get("messages", &ids) {
		return 0, nil, invalid("BASE_TYPE_REQUIRED", "This field is required", "messages")
	}
	if len(ids) < 2 || len(ids) > 100 {
		return 0, nil, invalid("BASE_TYPE_BAD_LENGTH", "Must be between 2 and 100 in length.", "messages")
	}
	floor := uint64(s.now().Add(-twoWeeks).UnixMilli()-epoch) << 22
	gone := []string{}
	for _, id := range ids {
		if snow(id) < floor {
			return 0, nil, fail(http.StatusBadRequest, 50034, "You can only bulk delete messages that are under 14 days old.")
		}
	}
	for _, id := range ids {
		if m := s.messages[id]; m != nil && m.ChannelID == ch.ID && m.Ephemeral == "" {
			t.forget(m)
			gone = append(gone, id)
		}
	}
	if len(gone) > 0 {
		t.emit("MESSAGE_DELETE_BULK", t.where(ch, obj{"ids": gone, "channel_id": ch.ID}), ch)
	}
	return http.StatusNoContent, nil, nil
}

func (s *Server) typing(t *tx, c *call) (int, any, error) {
	ch, err := s.sees(s.o.BotUserID, c.p["channel"])
	if err != nil {
		return 0, nil, err
	}
	if s.permissions(s.o.BotUserID, ch)&sendPermission(ch) == 0 {
		return 0, nil, errPermission()
	}
	t.emitTyping(ch, s.o.BotUserID)
	return http.StatusNoContent, nil, nil
}

func (t *tx) emitTyping(ch *channel, user string) {
	o := t.where(ch, obj{"channel_id": ch.ID, "user_id": user, "timestamp": t.s.now().Unix()})
	if !ch.isDM() {
		o["member"] = t.s.memberJSON(user)
	}
	t.emit("TYPING_START", o, ch)
}

func (s *Server) pinned(ch *channel) []*message {
	var out []*message
	for _, id := range s.byChannel[ch.ID] {
		if m := s.messages[id]; m.Pinned {
			out = append(out, m)
		}
	}
	slices.SortStableFunc(out, func(a, b *message) int { return b.PinnedAt.Compare(a.PinnedAt) })
	return out
}

func (s *Server) listPinsOld(_ *tx, c *call) (int, any, error) {
	ch, err := s.sees(s.o.BotUserID, c.p["channel"])
	if err != nil {
		return 0, nil, err
	}
	out := []obj{}
	for _, m := range s.pinned(ch) {
		out = append(out, s.botView(m))
	}
	return http.StatusOK, out, nil
}

func (s *Server) listPins(_ *tx, c *call) (int, any, error) {
	ch, err := s.sees(s.o.BotUserID, c.p["channel"])
	if err != nil {
		return 0, nil, err
	}
	limit, err := limitParam(c, 50, 1, 50)
	if err != nil {
		return 0, nil, err
	}
	items, more := []obj{}, false
	for _, m := range s.pinned(ch) {
		if b := c.query("before"); b != "" && stamp(m.PinnedAt) >= b {
			continue
		}
		if more = len(items) == limit; more {
			break
		}
		items = append(items, obj{"pinned_at": stamp(m.PinnedAt), "message": s.botView(m)})
	}
	return http.StatusOK, obj{"items": items, "has_more": more}, nil
}

func (s *Server) pin(t *tx, c *call) (int, any, error)   { return s.setPin(t, c, true) }
func (s *Server) unpin(t *tx, c *call) (int, any, error) { return s.setPin(t, c, false) }

func (s *Server) setPin(t *tx, c *call, on bool) (int, any, error) {
	ch, m, err := s.message(c)
	if err != nil {
		return 0, nil, err
	}
	if s.permissions(s.o.BotUserID, ch)&PermPinMessages == 0 {
		return 0, nil, errPermission()
	}
	if ch.isThread() && ch.Archived {
		return 0, nil, errArchived()
	}
	if m.Pinned == on {
		return http.StatusNoContent, nil, nil
	}
	if on && len(s.pinned(ch)) >= 250 {
		return 0, nil, fail(http.StatusBadRequest, 30003, "Maximum number of pins reached for the channel (250)")
	}
	m.Pinned, m.PinnedAt = on, s.now()
	if on {
		ch.LastPin = m.PinnedAt
	}
	t.put(kindChannel, ch.ID, ch)
	t.edited(m, false)
	t.emit("CHANNEL_PINS_UPDATE", t.where(ch, obj{"channel_id": ch.ID, "last_pin_timestamp": stampOrNil(ch.LastPin)}), ch)
	if on {
		t.post(ch, &message{Type: typePinned, AuthorID: s.o.BotUserID, Reference: &reference{MessageID: m.ID, ChannelID: ch.ID, GuildID: t.guildOf(ch)}})
	}
	return http.StatusNoContent, nil, nil
}

func (s *Server) refreshURLs(_ *tx, c *call) (int, any, error) {
	var links []string
	if !c.body.get("attachment_urls", &links) || len(links) < 1 || len(links) > 50 {
		return 0, nil, invalid("BASE_TYPE_BAD_LENGTH", "Must be between 1 and 50 in length.", "attachment_urls")
	}
	out := []obj{}
	for _, l := range links {
		out = append(out, obj{"original": l, "refreshed": s.resign(l)})
	}
	return http.StatusOK, obj{"refreshed_urls": out}, nil
}
