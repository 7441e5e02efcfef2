package slacksim

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"unicode/utf8"
)

const (
	maxPostText   = 40000
	maxUpdateText = 4000
	emptyText     = "This content can't be displayed."
)

// content is what the chat methods and response URLs can put into a message.
type content struct {
	text        string
	hasText     bool
	blocks      json.RawMessage
	hasBlocks   bool
	attachments json.RawMessage
	hasAttach   bool
	metadata    *Metadata
	hasMetadata bool
}

func isEmptyJSON(raw json.RawMessage) bool {
	t := string(bytes.TrimSpace(raw))
	return t == "" || t == "null" || t == "[]"
}

// readContent checks the arguments that make up a message.
func (s *Server) readContent(q *request) (*content, error) {
	c := &content{text: q.str("text"), hasText: q.str("text") != ""}
	if q.has("markdown_text") && q.str("markdown_text") != "" {
		if c.hasText || q.has("blocks") {
			return nil, fail("markdown_text_conflict")
		}
		c.text, c.hasText = q.str("markdown_text"), true
		if utf8.RuneCountInString(c.text) > 12000 {
			return nil, fail("msg_too_long")
		}
	}
	if raw := q.raw("blocks"); raw != nil && len(bytes.TrimSpace(raw)) > 0 {
		c.hasBlocks = true
		checked, err := s.checkBlocks(raw, "message")
		if err != nil {
			return nil, err
		}
		c.blocks = checked
	}
	if raw := q.raw("attachments"); raw != nil && len(bytes.TrimSpace(raw)) > 0 {
		c.hasAttach = true
		checked, err := s.checkAttachments(raw)
		if err != nil {
			return nil, err
		}
		c.attachments = checked
	}
	if raw := q.raw("metadata"); raw != nil && len(bytes.TrimSpace(raw)) > 0 {
		c.hasMetadata = true
		m, err := readMetadata(raw)
		if err != nil {
			return nil, err
		}
		c.metadata = m
	}
	return c, nil
}

func readMetadata(raw json.RawMessage) (*Metadata, error) {
	var m Metadata
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fail("invalid_metadata_format")
	}
	if isEmptyJSON(m.EventPayload) {
		m.EventPayload = nil
	}
	if m.EventType == "" && m.EventPayload == nil {
		return nil, nil // {} clears
	}
	if m.EventType == "" || len(m.EventType) > 255 || m.EventPayload == nil {
		return nil, fail("invalid_metadata_format")
	}
	if len(m.EventPayload) > 16<<10 {
		return nil, fail("metadata_too_large")
	}
	var fields map[string]any
	if err := json.Unmarshal(m.EventPayload, &fields); err != nil {
		return nil, fail("invalid_metadata_schema")
	}
	for k, v := range fields {
		if depth(v) > 2 {
			return nil, fail("invalid_metadata_schema", "[ERROR] too deeply nested: "+k)
		}
	}
	return &m, nil
}

func depth(v any) int {
	deepest := -1
	switch x := v.(type) {
	case map[string]any:
		for _, e := range x {
			deepest = max(deepest, depth(e))
		}
	case []any:
		for _, e := range x {
			deepest = max(deepest, depth(e))
		}
	default:
		return 0
	}
	return max(deepest, 0) + 1
}

func (c *content) nothing() bool {
	return strings.TrimSpace(c.text) == "" && isEmptyJSON(c.blocks) && isEmptyJSON(c.attachments)
}

func (c *content) shownText() string {
	if strings.TrimSpace(c.text) == "" && !isEmptyJSON(c.blocks) {
		return emptyText
	}
	return normaliseText(c.text)
}

func cutRunes(t string, n int) string {
	if utf8.RuneCountInString(t) <= n {
		return t
	}
	return string([]rune(t)[:n])
}

// postable finds where a message goes: a channel id or name, or a person.
func (s *Server) postable(id string) (*channel, error) {
	if u := s.st.userByID[id]; u != nil && id != s.opt.BotUserID {
		c, _ := s.direct([]string{id})
		return c, nil
	}
	c, err := s.visible(id)
	if err != nil {
		return nil, err
	}
	if c.Archived {
		return nil, fail("is_archived")
	}
	if !c.has(s.opt.BotUserID) && !s.granted("chat:write.public") {
		return nil, fail("not_in_channel")
	}
	return c, nil
}

func (s *Server) botMessage(c *channel) *Message {
	return &Message{Channel: c.ID, TS: s.st.nextTS(), User: s.opt.BotUserID, BotID: s.opt.BotID, AppID: s.opt.AppID}
}

func (s *Server) chatPostMessage(q *request) (obj, error) {
	c, err := s.postable(q.str("channel"))
	if err != nil {
		return nil, err
	}
	in, err := s.readContent(q)
	if err != nil {
		return nil, err
	}
	if in.nothing() {
		return nil, fail("no_text")
	}
	m := s.botMessage(c)
	if name, icon, emoji := q.str("username"), q.str("icon_url"), q.str("icon_emoji"); name != "" || icon != "" || emoji != "" {
		if !s.granted("chat:write.customize") {
			return nil, s.missingScope("chat:write.customize")
		}
		if name == "" {
			name = s.opt.BotName
		}
		m.Subtype, m.User, m.Username, m.IconURL, m.IconEmoji = "bot_message", "", cutRunes(name, 80), icon, emoji
	}
	m.Text = cutRunes(in.shownText(), maxPostText)
	m.Metadata = in.metadata
	if !isEmptyJSON(in.blocks) {
		m.Blocks = in.blocks
	}
	if !isEmptyJSON(in.attachments) {
		m.Attachments = in.attachments
	}
	s.place(c, m, q.str("thread_ts"), q.flag("reply_broadcast", false))
	s.unfurlLater(c, m, q.flag("unfurl_links", false), q.flag("unfurl_media", true))
	return obj{"channel": c.ID, "ts": m.TS, "message": s.render(m, metadataFull)}, nil
}

// place puts a new message where it belongs and tells the app. A thread whose root is not there any more, or that
// is no root at all, is ignored: the message lands in the channel itself.
func (s *Server) place(c *channel, m *Message, threadTS string, broadcast bool) {
	var root *Message
	if threadTS != "" {
		root = c.byTS[threadTS]
		if root != nil && (root.Subtype == "tombstone" || root.IsReply()) {
			root = nil
		}
	}
	if root == nil {
		s.st.putMessage(m)
		s.save("message", m)
		s.emitMessage(c, m)
		return
	}
	m.ThreadTS, m.ParentUserID = root.TS, root.User
	if broadcast {
		m.Subtype = "thread_broadcast"
	}
	s.st.putMessage(m)
	s.save("message", m)
	s.emitMessage(c, m)
	s.rootChanged(c, root)
}

// rootChanged refreshes a root's thread summary; Slack announces that as a change of the root.
func (s *Server) rootChanged(c *channel, root *Message) {
	before := s.render(root, s.metadataFor(root, nil))
	if !c.recount(root) {
		return
	}
	s.save("message", root)
	s.emitChanged(c, root, before)
}

func (s *Server) chatPostEphemeral(q *request) (obj, error) {
	c, err := s.postable(q.str("channel"))
	if err != nil {
		return nil, err
	}
	user := q.str("user")
	if s.st.userByID[user] == nil || !c.has(user) {
		return nil, fail("user_not_in_channel")
	}
	in, err := s.readContent(q)
	if err != nil {
		return nil, err
	}
	if in.nothing() {
		return nil, fail("no_text")
	}
	m := s.ephemeral(c, user, in, q.str("thread_ts"))
	return obj{"message_ts": m.TS}, nil
}

// ephemeral shows something to one person only, until their page is loaded again.
func (s *Server) ephemeral(c *channel, user string, in *content, threadTS string) *Message {
	m := s.botMessage(c)
	m.For, m.Text, m.ThreadTS = user, cutRunes(in.shownText(), maxPostText), threadTS
	if !isEmptyJSON(in.blocks) {
		m.Blocks = in.blocks
	}
	if !isEmptyJSON(in.attachments) {
		m.Attachments = in.attachments
	}
	s.st.putEphemeral(m)
	s.save("ephemeral", m)
	return m
}

func (s *Server) chatUpdate(q *request) (obj, error) {
	c, err := s.visible(q.str("channel"))
	if err != nil {
		return nil, err
	}
	if utf8.RuneCountInString(q.str("text")) > maxUpdateText {
		return nil, fail("msg_too_long")
	}
	in, err := s.readContent(q)
	if err != nil {
		return nil, err
	}
	m := c.byTS[q.str("ts")]
	switch {
	case m == nil || m.Subtype == "tombstone":
		return nil, fail("message_not_found")
	case m.BotID != s.opt.BotID:
		return nil, fail("cant_update_message")
	case in.nothing() && !in.hasBlocks && !in.hasAttach && !q.has("file_ids"):
		return nil, fail("no_text")
	}
	ids := q.list("file_ids")
	for _, id := range ids {
		if f := s.st.files[id]; f == nil || f.Deleted {
			return nil, fail("file_not_found")
		}
	}
	before := s.render(m, s.metadataFor(m, nil))
	s.replaceContent(m, in)
	for _, id := range ids {
		m.FileIDs = appendNew(m.FileIDs, id)
	}
	s.save("message", m)
	s.emitChanged(c, m, before)
	return obj{"channel": c.ID, "ts": m.TS, "text": m.Text, "message": s.render(m, metadataFull)}, nil
}

// replaceContent changes a bot's message by the rules of chat.update: text alone removes the blocks and shows as
// edited, attachments and metadata stay unless given, name and picture never change.
func (s *Server) replaceContent(m *Message, in *content) {
	if in.hasText || in.hasBlocks {
		m.Text = in.shownText()
		m.Blocks = nil
		if !isEmptyJSON(in.blocks) {
			m.Blocks = in.blocks
		}
	}
	if in.hasAttach {
		m.Attachments = nil
		if !isEmptyJSON(in.attachments) {
			m.Attachments = in.attachments
		}
	}
	if in.hasMetadata {
		m.Metadata = in.metadata
	}
	if m.Blocks == nil {
		m.Edited = &Edited{User: s.opt.BotUserID, TS: formatTS(s.opt.Now().Unix() * 1e6)}
	}
}

func appendNew(list []string, v string) []string {
	for _, x := range list {
		if x == v {
			return list
		}
	}
	return append(list, v)
}

func (s *Server) chatDelete(q *request) (obj, error) {
	c, err := s.visible(q.str("channel"))
	if err != nil {
		return nil, err
	}
	m := c.byTS[q.str("ts")]
	switch {
	case m == nil || m.Subtype == "tombstone":
		return nil, fail("message_not_found")
	case m.BotID != s.opt.BotID:
		return nil, fail("cant_delete_message")
	}
	s.erase(c, m)
	return obj{"channel": c.ID, "ts": q.str("ts")}, nil
}

// erase deletes a message. A root with replies stays as a tombstone, so that its thread stays too.
func (s *Server) erase(c *channel, m *Message) {
	before := s.render(m, s.metadataFor(m, nil))
	if !m.IsReply() && len(c.threads[m.TS]) > 0 {
		t := &Message{Channel: m.Channel, TS: m.TS, ThreadTS: m.TS, Subtype: "tombstone", User: "USLACKBOT", Text: "This message was deleted.",
			ReplyCount: m.ReplyCount, ReplyUsers: m.ReplyUsers, LatestReply: m.LatestReply}
		s.st.putMessage(t)
		s.save("message", t)
		s.emitChanged(c, t, before)
		return
	}
	s.st.dropMessage(c.ID, m.TS)
	s.save("gone", goneRecord{Channel: c.ID, TS: m.TS})
	s.emitDeleted(c, m, before)
	if !m.IsReply() {
		return
	}
	root := c.byTS[m.ThreadTS]
	switch {
	case root == nil:
	case root.Subtype == "tombstone" && len(c.threads[root.TS]) == 0:
		s.erase(c, root)
	default:
		s.rootChanged(c, root)
	}
}

func (s *Server) chatGetPermalink(q *request) (obj, error) {
	c, err := s.visible(q.str("channel"))
	if err != nil {
		return nil, err
	}
	m := c.byTS[q.str("message_ts")]
	if m == nil {
		return nil, fail("message_not_found")
	}
	return obj{"channel": c.ID, "permalink": s.permalink(m)}, nil
}

func (s *Server) permalink(m *Message) string {
	u := "https://" + s.opt.Team.Domain + ".slack.com/archives/" + m.Channel + "/p" + strings.ReplaceAll(m.TS, ".", "")
	if m.IsReply() {
		u += "?" + url.Values{"thread_ts": {m.ThreadTS}, "cid": {m.Channel}}.Encode()
	}
	return u
}
