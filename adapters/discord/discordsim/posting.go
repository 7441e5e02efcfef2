package discordsim

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
)

// appSender is the app itself posting.
func (s *Server) appSender(ch *channel) sender {
	return sender{user: s.o.BotUserID, perms: s.permissions(s.o.BotUserID, ch), canUseUI: true}
}

// openThread checks that a thread takes messages and wakes it from the archive if need be.
func (t *tx) openThread(ch *channel, user string) error {
	if !ch.isThread() {
		return nil
	}
	if ch.Locked && (ch.Archived || t.s.permissions(user, ch)&PermManageThreads == 0) {
		return fail(http.StatusBadRequest, 160005, "This thread is locked")
	}
	if ch.Archived {
		ch.Archived, ch.ArchivedAt = false, t.s.now()
		t.put(kindChannel, ch.ID, ch)
		t.emit("THREAD_UPDATE", t.s.channelJSON(ch, t.s.o.BotUserID), ch)
	}
	return nil
}

// post puts a message into its channel: the last step of every way to send one.
func (t *tx) post(ch *channel, m *message) {
	s := t.s
	if m.ID == "" {
		m.ID = s.newID()
	}
	m.ChannelID, m.At = ch.ID, s.now()
	if ch.isThread() && m.Ephemeral == "" {
		m.Position = ch.Total
		if m.Type != typeThreadStarter && m.ID != ch.ID {
			ch.Count++
			ch.Total++
		}
		t.joinThread(ch, m)
	}
	s.messages[m.ID] = m
	s.byChannel[ch.ID] = append(s.byChannel[ch.ID], m.ID)
	if m.Ephemeral == "" {
		ch.LastMessageID = m.ID
		t.put(kindChannel, ch.ID, ch)
	}
	t.put(kindMessage, m.ID, m)
	t.trim()
	if m.Ephemeral != "" {
		return
	}
	t.emitMessage("MESSAGE_CREATE", m)
	t.grow(m)
}

// grow adds the previews of links: an update in which edited_timestamp stays as it was.
func (t *tx) grow(m *message) {
	if m.Flags&(flagSuppressEmbeds|flagComponentsV2|flagLoading) != 0 || m.Ephemeral != "" {
		return
	}
	if slices.ContainsFunc(m.Embeds, func(e obj) bool { return e["type"] == "link" }) {
		return
	}
	if add := unfurl(m.Content); len(add) > 0 {
		m.Embeds = append(slices.Clone(m.Embeds), add...)
		t.put(kindMessage, m.ID, m)
		t.emitMessage("MESSAGE_UPDATE", m)
	}
}

// joinThread makes whoever speaks in a thread its member; webhooks have no membership.
func (t *tx) joinThread(ch *channel, m *message) {
	if m.WebhookID != "" && m.WebhookID != t.s.o.ApplicationID {
		return
	}
	t.addMember(ch, m.AuthorID)
}

func (t *tx) addMember(ch *channel, user string) {
	if _, in := ch.Members[user]; in || t.s.users[user] == nil || t.s.users[user].Outsider {
		return
	}
	if ch.Members == nil {
		ch.Members = map[string]threadMember{}
	}
	member := threadMember{Joined: t.s.now()}
	ch.Members[user] = member
	t.put(kindChannel, ch.ID, ch)
	added := threadMemberJSON(ch.ID, user, member)
	added["member"], added["presence"] = t.s.memberJSON(user), nil
	t.emitFor("THREAD_MEMBERS_UPDATE", obj{"id": ch.ID, "guild_id": t.guildOf(ch), "member_count": min(len(ch.Members), 50), "added_members": []obj{added}}, ch, user)
}

func (t *tx) removeMember(ch *channel, user string) {
	if _, in := ch.Members[user]; !in {
		return
	}
	t.emitFor("THREAD_MEMBERS_UPDATE", obj{"id": ch.ID, "guild_id": t.guildOf(ch), "member_count": min(len(ch.Members)-1, 50), "removed_member_ids": []string{user}}, ch, user)
	delete(ch.Members, user)
	t.put(kindChannel, ch.ID, ch)
}

// trim forgets the oldest messages once there are too many in all.
func (t *tx) trim() {
	s := t.s
	for len(s.messages) > maxMessages {
		var oldest string
		for _, ids := range s.byChannel {
			if len(ids) > 0 && (oldest == "" || snow(ids[0]) < snow(oldest)) {
				oldest = ids[0]
			}
		}
		if oldest == "" {
			return
		}
		t.forget(s.messages[oldest])
	}
}

func (t *tx) forget(m *message) {
	ids := t.s.byChannel[m.ChannelID]
	if i := slices.Index(ids, m.ID); i >= 0 {
		t.s.byChannel[m.ChannelID] = slices.Delete(slices.Clone(ids), i, i+1)
	}
	delete(t.s.messages, m.ID)
	t.del(kindMessage, m.ID)
}

// remove deletes a message and tells; the event carries ids only.
func (t *tx) remove(m *message) {
	ch := t.s.channels[m.ChannelID]
	t.forget(m)
	if m.Ephemeral != "" {
		t.touched = true
		return
	}
	if ch == nil {
		return
	}
	if ch.isThread() && m.ID != ch.ID && m.Type != typeThreadStarter {
		ch.Count = max(ch.Count-1, 0)
		t.put(kindChannel, ch.ID, ch)
	}
	t.emit("MESSAGE_DELETE", t.where(ch, obj{"id": m.ID, "channel_id": ch.ID}), ch)
}

// where adds the guild to what happens in one.
func (t *tx) where(ch *channel, o obj) obj {
	if !ch.isDM() {
		o["guild_id"] = t.guildOf(ch)
	}
	return o
}

func readNonce(b fields) (json.RawMessage, error) {
	if !b.has("nonce") || b.null("nonce") {
		return nil, nil
	}
	raw := b["nonce"]
	if v, ok := rawString(raw); ok {
		if len(utf16.Encode([]rune(v))) > 25 {
			return nil, invalid("NONCE_TYPE_TOO_LONG", "The nonce must be 25 or fewer characters", "nonce")
		}
		return raw, nil
	}
	var n int64
	if json.Unmarshal(raw, &n) != nil {
		return nil, invalid("NONCE_TYPE_INVALID", "The nonce must be a string or an integer", "nonce")
	}
	return raw, nil
}

func nonceKey(author string, nonce json.RawMessage) string {
	return author + ":" + strings.Trim(string(nonce), `"`)
}

// known answers a repeated enforced nonce: the message that it made, or Unknown Message when that is gone.
func (t *tx) known(author string, nonce json.RawMessage, b fields) (*message, error) {
	var enforce bool
	b.get("enforce_nonce", &enforce)
	if !enforce || len(nonce) == 0 {
		return nil, nil
	}
	e, ok := t.s.nonces[nonceKey(author, nonce)]
	if !ok || t.s.now().Sub(e.At) > nonceWindow {
		return nil, nil
	}
	m := t.s.messages[e.Message]
	if m == nil {
		return nil, errUnknownMessage()
	}
	return m, nil
}

func (t *tx) remember(author string, nonce json.RawMessage, id string) {
	if len(nonce) == 0 {
		return
	}
	now := t.s.now()
	for k, e := range t.s.nonces {
		if now.Sub(e.At) > nonceWindow {
			delete(t.s.nonces, k)
		}
	}
	e := nonceEntry{Message: id, At: now}
	t.s.nonces[nonceKey(author, nonce)] = e
	t.put(kindNonce, nonceKey(author, nonce), e)
}

type referenceIn struct {
	Type      int    `json:"type"`
	MessageID string `json:"message_id"`
	ChannelID string `json:"channel_id"`
	GuildID   string `json:"guild_id"`
	FailIfNot *bool  `json:"fail_if_not_exists"`
}

// reply makes m an answer to what the body refers to.
func (t *tx) reply(m *message, ch *channel, b fields) error {
	var in referenceIn
	if !b.get("message_reference", &in) || in.MessageID == "" {
		return nil
	}
	if in.Type != 0 {
		return invalid("BASE_TYPE_CHOICES", "Forwarding is not simulated", "message_reference", "type")
	}
	r := t.s.messages[in.MessageID]
	if r == nil || r.ChannelID != ch.ID || r.Ephemeral != "" {
		if in.FailIfNot != nil && !*in.FailIfNot {
			return nil
		}
		return invalid("REPLIES_UNKNOWN_MESSAGE", "Unknown message", "message_reference")
	}
	if !slices.Contains([]int{typeDefault, typeReply, typeChatCommand, typeContextMenu}, r.Type) {
		return invalid("REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE", "Cannot reply to a system message", "message_reference")
	}
	m.Type = typeReply
	m.Reference = &reference{MessageID: r.ID, ChannelID: ch.ID, GuildID: t.guildOf(ch)}
	if am := readAllowed(errTree{}, b); am.RepliedUser && r.WebhookID == "" && !slices.Contains(m.Mentions, r.AuthorID) {
		m.Mentions = append(m.Mentions, r.AuthorID)
	}
	return nil
}

func (t *tx) guildOf(ch *channel) string {
	if ch.isDM() {
		return ""
	}
	return t.s.home(ch).ID
}

// createMessage is POST /channels/{id}/messages for the app, and what people's messages go through as well.
func (t *tx) createMessage(ch *channel, from sender, c *call) (*message, error) {
	if ch.Type == ChannelForum || ch.Type == ChannelCategory {
		return nil, fail(http.StatusBadRequest, 50008, "Cannot send messages in a non-text channel")
	}
	nonce, err := readNonce(c.body)
	if err != nil {
		return nil, err
	}
	if m, err := t.known(from.user, nonce, c.body); m != nil || err != nil {
		return m, err
	}
	d, err := t.compose(ch, from, c)
	if err != nil {
		return nil, err
	}
	m := &message{AuthorID: from.user, Nonce: nonce}
	d.fill(m)
	if err := t.reply(m, ch, c.body); err != nil {
		return nil, err
	}
	if err := t.openThread(ch, from.user); err != nil {
		return nil, err
	}
	t.post(ch, m)
	t.remember(from.user, nonce, m.ID)
	return m, nil
}

// edited marks a message as changed by its author and tells.
func (t *tx) edited(m *message, moved bool) {
	if moved {
		now := t.s.now()
		m.Edited = &now
	}
	t.put(kindMessage, m.ID, m)
	if m.Ephemeral == "" {
		t.emitMessage("MESSAGE_UPDATE", m)
		t.grow(m)
	}
}

const twoWeeks = 14 * 24 * time.Hour
