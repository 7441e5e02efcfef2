package slacksim

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// subscription names the entry of bot_events that an event belongs to.
func subscription(typ, kind string) string {
	if typ != "message" {
		return typ
	}
	return map[string]string{"channel": "message.channels", "group": "message.groups", "im": "message.im", "mpim": "message.mpim"}[kind]
}

// emitIn sends an event about a conversation, if the bot is in it.
func (s *Server) emitIn(c *channel, typ string, event obj) {
	if c.has(s.opt.BotUserID) {
		s.emitTo(c.ID, subscription(typ, c.kind()), event)
	}
}

// emit sends an event that belongs to no conversation.
func (s *Server) emit(typ, order string, event obj) { s.emitTo(order, typ, event) }

func (s *Server) emitTo(order, sub string, event obj) {
	if !s.installed() {
		return // nobody to tell
	}
	if s.opt.BotEvents != nil && !slices.Contains(s.opt.BotEvents, sub) {
		return
	}
	s.out.event(order, s.envelope(event))
}

// envelope wraps an event as the Events API delivers it.
func (s *Server) envelope(event obj) obj {
	id := newID("Ev0")
	return obj{"token": s.verificationToken(), "team_id": s.opt.Team.ID, "context_team_id": s.opt.Team.ID, "context_enterprise_id": nil, "api_app_id": s.opt.AppID, "event": event,
		"type": "event_callback", "event_id": id, "event_time": s.opt.Now().Unix(), "is_ext_shared_channel": false,
		"authorizations": []obj{{"enterprise_id": nil, "team_id": s.opt.Team.ID, "user_id": s.opt.BotUserID, "is_bot": true, "is_enterprise_install": false}},
		"event_context":  "4-" + strings.ToLower(randomString(24))}
}

// verificationToken is the deprecated token field, which real payloads still carry.
func (s *Server) verificationToken() string { return "sim" + avatarHash(s.opt.AppID) }

// emitMessage announces a new message, and its app_mention twin when it names the bot.
func (s *Server) emitMessage(c *channel, m *Message) {
	ev := s.messageEvent(c, m)
	if m.BotID == "" && s.takeFault("unknown_block", "", c.ID) != nil {
		ev["blocks"] = withUnknownBlock(ev["blocks"])
	}
	mentioned := m.BotID == "" && m.Subtype != "channel_join" && !c.IsIM && strings.Contains(m.Text, "<@"+s.opt.BotUserID+">")
	if mentioned {
		twin := maps.Clone(ev)
		twin["type"] = "app_mention"
		delete(twin, "channel_type")
		delete(twin, "subtype")
		s.emitIn(c, "app_mention", twin)
	}
	s.emitIn(c, "message", ev)
}

func (s *Server) messageEvent(c *channel, m *Message) obj {
	ev := s.render(m, s.metadataFor(m, nil))
	ev["channel"], ev["channel_type"], ev["event_ts"] = c.ID, c.kind(), m.TS
	delete(ev, "reactions")
	return ev
}

// emitChanged announces a changed message; whether a person changed it shows only in its edited mark.
func (s *Server) emitChanged(c *channel, m *Message, before obj) {
	ts := s.st.nextTS()
	s.emitIn(c, "message", obj{"type": "message", "subtype": "message_changed", "message": s.nested(m), "previous_message": before, "channel": c.ID, "hidden": true,
		"ts": ts, "event_ts": ts, "channel_type": c.kind()})
}

func (s *Server) nested(m *Message) obj {
	out := s.render(m, s.metadataFor(m, nil))
	out["source_team"], out["user_team"] = s.opt.Team.ID, s.opt.Team.ID
	return out
}

func (s *Server) emitDeleted(c *channel, m *Message, before obj) {
	ts := s.st.nextTS()
	s.emitIn(c, "message", obj{"type": "message", "subtype": "message_deleted", "previous_message": before, "channel": c.ID, "hidden": true, "deleted_ts": m.TS,
		"ts": ts, "event_ts": ts, "channel_type": c.kind()})
}

var (
	textLink  = regexp.MustCompile(`<(https?://[^>|\s]+)(?:\|[^>]*)?>`)
	mediaLink = regexp.MustCompile(`(?i)\.(png|jpe?g|gif|webp)(\?|$)`)
	farHost   = regexp.MustCompile(`^https?://[a-zA-Z0-9\-]+(\.[a-zA-Z0-9\-]+)*\.[a-zA-Z]{2,}([/:?]|$)`)
)

// unfurlLater adds previews of the links in a message a moment after it was posted. Nobody edited anything then,
// so the change carries no edited mark.
func (s *Server) unfurlLater(c *channel, m *Message, links, media bool) {
	if s.opt.UnfurlDelay < 0 || len(m.Blocks) > 0 && m.BotID != "" {
		return
	}
	var previews []any
	for _, hit := range textLink.FindAllStringSubmatch(m.Text, 5) {
		u := strings.ReplaceAll(hit[1], "&amp;", "&")
		isMedia := mediaLink.MatchString(u)
		if !farHost.MatchString(u) || isMedia && !media || !isMedia && !links {
			continue
		}
		host := strings.SplitN(strings.SplitN(u, "://", 2)[1], "/", 2)[0]
		p := obj{"id": len(previews) + 1, "from_url": u, "original_url": u, "fallback": host, "service_name": host, "title": host, "title_link": u, "text": "A page at " + host}
		if isMedia {
			p = obj{"id": len(previews) + 1, "from_url": u, "original_url": u, "fallback": host, "image_url": u, "image_width": 640, "image_height": 480, "image_bytes": 65536}
		}
		previews = append(previews, p)
	}
	if previews == nil {
		return
	}
	ch, ts := c.ID, m.TS
	s.later(s.opt.UnfurlDelay, func() {
		c, m := s.st.byID[ch], s.st.message(ch, ts)
		if c == nil || m == nil || m.Subtype == "tombstone" {
			return
		}
		before := s.render(m, s.metadataFor(m, nil))
		var list []any
		if len(m.Attachments) > 0 {
			json.Unmarshal(m.Attachments, &list) // our own marshalling: it parses
		}
		raw, err := json.Marshal(append(list, previews...))
		if err != nil {
			return
		}
		m.Attachments = raw
		s.save("message", m)
		s.emitChanged(c, m, before)
	})
}
