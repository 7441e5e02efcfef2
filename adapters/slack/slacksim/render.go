package slacksim

import (
	"encoding/json"
	"slices"
)

// metadataMode says how much of a message's metadata a reader sees.
type metadataMode int

const (
	metadataType metadataMode = iota // the event type alone
	metadataFull
)

func (s *Server) metadataFor(m *Message, q *request) metadataMode {
	if m.Metadata == nil {
		return metadataType
	}
	if q != nil && q.flag("include_all_metadata", false) || s.subscribedMetadata(m.Metadata.EventType) {
		return metadataFull
	}
	return metadataType
}

func (s *Server) subscribedMetadata(eventType string) bool {
	return slices.Contains(s.opt.MetadataSubscriptions, "*") || slices.Contains(s.opt.MetadataSubscriptions, eventType)
}

func (s *Server) botProfile() obj {
	icons := obj{}
	for _, n := range []string{"36", "48", "72"} {
		icons["image_"+n] = s.avatarURL(s.opt.BotUserID, n)
	}
	return obj{"id": s.opt.BotID, "deleted": false, "name": s.opt.BotName, "updated": s.startedAt(), "app_id": s.opt.AppID, "icons": icons, "team_id": s.opt.Team.ID}
}

// render prints a message as the Web API and the events show it.
func (s *Server) render(m *Message, mode metadataMode) obj {
	out := obj{"type": "message", "ts": m.TS, "text": m.Text}
	set := func(k, v string) {
		if v != "" {
			out[k] = v
		}
	}
	set("subtype", m.Subtype)
	set("user", m.User)
	set("client_msg_id", m.ClientMsgID)
	set("inviter", m.Inviter)
	if m.Subtype == "tombstone" {
		out["hidden"] = true
	} else if m.Subtype != "channel_join" {
		out["team"] = s.opt.Team.ID
	}
	if m.BotID != "" {
		out["bot_id"], out["app_id"] = m.BotID, m.AppID
		if m.Username == "" && m.IconURL == "" && m.IconEmoji == "" {
			out["bot_profile"] = s.botProfile()
		} else {
			out["username"] = m.Username
			icons := obj{}
			if m.IconEmoji != "" {
				icons["emoji"] = m.IconEmoji
			} else if m.IconURL != "" {
				for _, n := range []string{"36", "48", "72"} {
					icons["image_"+n] = m.IconURL
				}
			}
			if len(icons) > 0 {
				out["icons"] = icons
			}
		}
	}
	if len(m.Blocks) > 0 {
		out["blocks"] = m.Blocks
	}
	if len(m.Attachments) > 0 {
		out["attachments"] = m.Attachments
	}
	if len(m.FileIDs) > 0 {
		files := make([]obj, 0, len(m.FileIDs))
		for _, id := range m.FileIDs {
			if f := s.st.files[id]; f != nil {
				files = append(files, s.fileJSON(f))
			}
		}
		out["files"], out["upload"], out["display_as_bot"] = files, m.BotID != "", false
	}
	if m.Metadata != nil {
		meta := obj{"event_type": m.Metadata.EventType}
		if mode == metadataFull {
			meta["event_payload"] = m.Metadata.EventPayload
		}
		out["metadata"] = meta
	}
	if m.Edited != nil {
		out["edited"] = m.Edited
	}
	if len(m.Reactions) > 0 {
		out["reactions"] = m.clone().Reactions
	}
	if m.ThreadTS != "" {
		out["thread_ts"] = m.ThreadTS
	}
	set("parent_user_id", m.ParentUserID)
	if m.ThreadTS == m.TS && m.ReplyCount > 0 {
		out["reply_count"], out["reply_users_count"], out["reply_users"], out["latest_reply"] = m.ReplyCount, len(m.ReplyUsers), m.ReplyUsers, m.LatestReply
		out["is_locked"], out["subscribed"] = false, false
	}
	if m.Broadcast() {
		if root := s.st.message(m.Channel, m.ThreadTS); root != nil {
			out["root"] = s.render(root, metadataType)
		}
	}
	return out
}

// copyOut is a message for the helpers and the page: a deep copy with its files.
func (s *Server) copyOut(m *Message) Message {
	c := m.clone()
	c.Files = make([]File, 0, len(m.FileIDs))
	for _, id := range m.FileIDs {
		if f := s.st.files[id]; f != nil {
			c.Files = append(c.Files, *f)
		}
	}
	return *c
}

// makeUndecodable plants an element that no SDK knows into the echoed message.
func makeUndecodable(out obj) {
	msg, ok := out["message"].(obj)
	if !ok {
		return
	}
	msg["blocks"] = withUnknownBlock(msg["blocks"])
}

func withUnknownBlock(blocks any) json.RawMessage {
	var list []any
	if raw, ok := blocks.(json.RawMessage); ok {
		json.Unmarshal(raw, &list) // our own blocks: they parse
	}
	list = append(list, obj{"type": "actions", "block_id": "sim_" + randomString(4),
		"elements": []any{obj{"type": "hologram_button", "action_id": "sim_hologram", "text": obj{"type": "plain_text", "text": "?", "emoji": true}}}})
	raw, _ := json.Marshal(list) // plain maps and strings cannot fail
	return raw
}
