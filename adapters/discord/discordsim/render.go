package discordsim

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

const timeLayout = "2006-01-02T15:04:05.000000+00:00"

func stamp(t time.Time) string { return t.UTC().Format(timeLayout) }

func stampOrNil(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return stamp(t)
}

func orNil(v string) any {
	if v == "" {
		return nil
	}
	return v
}

func list[T any](v []T) []T {
	if v == nil {
		return []T{}
	}
	return v
}

func (s *Server) userJSON(id string) obj {
	u := s.users[id]
	if u == nil {
		u = &User{ID: id, Username: "Deleted User"}
	}
	o := obj{
		"id": u.ID, "username": u.Username, "global_name": orNil(u.GlobalName), "avatar": avatarHash(u.ID), "discriminator": "0",
		"public_flags": 0, "flags": 0, "banner": nil, "accent_color": nil, "avatar_decoration_data": nil, "collectibles": nil,
		"display_name_styles": nil, "banner_color": nil, "clan": nil, "primary_guild": nil,
	}
	if u.Bot {
		o["bot"] = true
		// Apps have kept their four digits.
		o["discriminator"] = "0042"
	}
	return o
}

func (s *Server) memberPart(id string) obj {
	u := s.users[id]
	if u == nil || u.Outsider {
		return nil
	}
	return obj{
		"roles": list(u.Roles), "nick": orNil(u.Nick), "avatar": nil, "banner": nil, "premium_since": nil, "joined_at": "2024-01-02T03:04:05.678000+00:00",
		"communication_disabled_until": nil, "flags": 0, "pending": false, "mute": false, "deaf": false, "unusual_dm_activity_until": nil,
	}
}

func (s *Server) memberJSON(id string) obj {
	m := s.memberPart(id)
	if m != nil {
		m["user"] = s.userJSON(id)
	}
	return m
}

func roleJSON(r Role) obj {
	o := obj{
		"id": r.ID, "name": r.Name, "permissions": strconv.FormatUint(r.Permissions, 10), "position": r.Position, "color": r.Color,
		"colors": obj{"primary_color": r.Color, "secondary_color": nil, "tertiary_color": nil}, "hoist": false, "managed": r.Managed,
		"mentionable": r.Mentionable, "icon": nil, "unicode_emoji": nil, "flags": 0, "description": nil,
	}
	return o
}

func rolesJSON(g *Guild) []obj {
	out := []obj{}
	for _, r := range g.Roles {
		out = append(out, roleJSON(r))
	}
	return out
}

func guildJSON(g *Guild) obj {
	emojis := []obj{}
	for _, e := range g.Emojis {
		emojis = append(emojis, obj{"id": e.ID, "name": e.Name, "roles": []string{}, "require_colons": true, "managed": false, "animated": e.Animated, "available": true})
	}
	return obj{
		"id": g.ID, "name": g.Name, "icon": nil, "description": nil, "home_header": nil, "splash": nil, "discovery_splash": nil,
		"features": []string{}, "banner": nil, "owner_id": g.OwnerID, "application_id": nil, "region": "deprecated", "afk_channel_id": nil,
		"afk_timeout": 300, "system_channel_id": nil, "system_channel_flags": 0, "widget_enabled": false, "widget_channel_id": nil,
		"verification_level": 0, "roles": rolesJSON(g), "default_message_notifications": 0, "mfa_level": 0, "explicit_content_filter": 0,
		"max_presences": nil, "max_members": 500000, "max_stage_video_channel_users": 50, "max_video_channel_users": 25, "vanity_url_code": nil,
		"premium_tier": 0, "premium_subscription_count": 0, "preferred_locale": "en-US", "rules_channel_id": nil, "safety_alerts_channel_id": nil,
		"public_updates_channel_id": nil, "premium_progress_bar_enabled": false, "nsfw": false, "nsfw_level": 0, "emojis": emojis, "stickers": []obj{},
		"incidents_data": nil, "hub_type": nil, "latest_onboarding_question_id": nil,
	}
}

func overwritesJSON(in []Overwrite) []obj {
	out := []obj{}
	for _, o := range in {
		out = append(out, obj{"id": o.ID, "type": o.Type, "allow": strconv.FormatUint(o.Allow, 10), "deny": strconv.FormatUint(o.Deny, 10)})
	}
	return out
}

// channelJSON renders a channel as viewer sees it; the viewer matters for a thread's own member object.
func (s *Server) channelJSON(c *channel, viewer string) obj {
	o := obj{"id": c.ID, "type": c.Type, "last_message_id": orNil(c.LastMessageID), "flags": c.Flags}
	if c.isDM() {
		rec := []obj{}
		for _, id := range c.Recipients {
			if id != viewer {
				rec = append(rec, s.userJSON(id))
			}
		}
		o["recipients"] = rec
		return o
	}
	o["guild_id"], o["name"], o["rate_limit_per_user"] = s.home(c).ID, c.Name, c.RateLimit
	o["parent_id"] = orNil(c.ParentID)
	if c.Type != ChannelCategory && c.Type != ChannelForum {
		o["last_pin_timestamp"] = stampOrNil(c.LastPin)
	}
	if c.isThread() {
		meta := obj{"archived": c.Archived, "locked": c.Locked, "auto_archive_duration": c.AutoArchive, "archive_timestamp": stamp(c.ArchivedAt), "create_timestamp": stamp(c.CreatedAt)}
		if c.Type == ChannelPrivateThread {
			meta["invitable"] = c.Invitable
		}
		o["thread_metadata"], o["owner_id"] = meta, c.OwnerID
		o["message_count"], o["total_message_sent"], o["member_count"] = c.Count, c.Total, min(len(c.Members), 50)
		o["bitrate"], o["user_limit"], o["rtc_region"] = 64000, 0, nil
		if m, in := c.Members[viewer]; in {
			o["member"] = threadMemberJSON(c.ID, viewer, m)
		}
		if p := s.channels[c.ParentID]; p != nil && p.Type == ChannelForum {
			o["applied_tags"] = list(c.Applied)
		}
		return o
	}
	o["topic"], o["position"], o["nsfw"], o["permission_overwrites"] = orNil(c.Topic), c.Position, c.NSFW, overwritesJSON(c.Overwrites)
	if c.AutoArchive > 0 {
		o["default_auto_archive_duration"] = c.AutoArchive
	}
	if c.Type == ChannelForum {
		tags := []obj{}
		for _, t := range c.Tags {
			tags = append(tags, obj{"id": t.ID, "name": t.Name, "moderated": t.Moderated, "emoji_id": nil, "emoji_name": orNil(t.EmojiName)})
		}
		o["available_tags"], o["default_reaction_emoji"], o["default_sort_order"], o["default_forum_layout"] = tags, nil, nil, 0
		if c.RequireTag {
			o["flags"] = c.Flags | 1<<4
		}
	}
	return o
}

func threadMemberJSON(thread, user string, m threadMember) obj {
	return obj{"id": thread, "user_id": user, "join_timestamp": stamp(m.Joined), "flags": 1}
}

// authorJSON is the user shown above a message: a webhook's messages carry a made-up one whose id is the webhook's.
func (s *Server) authorJSON(m *message) obj {
	if m.WebhookID == "" || m.Username == "" {
		return s.userJSON(m.AuthorID)
	}
	return obj{
		"id": m.WebhookID, "username": m.Username, "avatar": orNil(m.Avatar), "discriminator": "0000", "public_flags": 0, "flags": 0,
		"bot": true, "global_name": nil, "primary_guild": nil, "clan": nil,
	}
}

func (s *Server) attachmentJSON(a attachment) obj {
	o := obj{"id": a.ID, "filename": a.Filename, "size": a.Size, "url": s.cdnURL(a), "proxy_url": s.cdnURL(a)}
	if a.ContentType != "" {
		o["content_type"] = a.ContentType
	}
	if a.Width > 0 {
		o["width"], o["height"], o["placeholder"], o["placeholder_version"] = a.Width, a.Height, "3/cNFYKHd4eAeHeFl4hw9IeQCA==", 1
	}
	if a.Description != "" {
		o["description"] = a.Description
	}
	if a.Title != "" {
		o["title"] = a.Title
	}
	if a.Ephemeral {
		o["ephemeral"] = true
	}
	if a.Flags != 0 {
		o["flags"] = a.Flags
	}
	return o
}

func (r *reaction) emojiJSON() obj {
	o := obj{"id": orNil(r.ID), "name": r.Name}
	if r.Animated {
		o["animated"] = true
	}
	return o
}

func (s *Server) metaJSON(m *interactionMeta, guild string) obj {
	o := obj{"id": m.ID, "type": m.Type, "user": s.userJSON(m.UserID), "authorizing_integration_owners": obj{"0": guild}}
	if m.OriginalID != "" {
		o["original_response_message_id"] = m.OriginalID
	}
	if m.InteractedWith != "" {
		o["interacted_message_id"] = m.InteractedWith
	}
	if m.TargetMessage != "" {
		o["target_message_id"] = m.TargetMessage
	}
	if m.TargetUser != "" {
		o["target_user"] = s.userJSON(m.TargetUser)
	}
	if m.Name != "" {
		o["name"] = m.Name
	}
	if m.Trigger != nil {
		o["triggering_interaction_metadata"] = s.metaJSON(m.Trigger, guild)
	}
	return o
}

// messageJSON renders a message in full, as viewer would get it by REST.
func (s *Server) messageJSON(m *message, viewer string) obj {
	return s.renderMessage(m, viewer, true)
}

func (s *Server) renderMessage(m *message, viewer string, deep bool) obj {
	o := obj{
		"id": m.ID, "channel_id": m.ChannelID, "type": m.Type, "content": m.Content, "author": s.authorJSON(m), "timestamp": stamp(m.At),
		"edited_timestamp": nil, "tts": m.TTS, "mention_everyone": m.MentionEveryone, "mention_roles": list(m.MentionRoles), "pinned": m.Pinned,
		"flags": m.Flags, "embeds": s.freshMedia(list(m.Embeds)), "components": s.freshMedia(list(m.Components)),
	}
	if m.Edited != nil {
		o["edited_timestamp"] = stamp(*m.Edited)
	}
	mentions := []obj{}
	for _, id := range m.Mentions {
		mentions = append(mentions, s.userJSON(id))
	}
	o["mentions"] = mentions
	atts := []obj{}
	for _, a := range m.Attachments {
		if !a.Embedded {
			atts = append(atts, s.attachmentJSON(a))
		}
	}
	o["attachments"] = atts
	if m.WebhookID != "" {
		o["webhook_id"] = m.WebhookID
	}
	if m.ApplicationID != "" {
		o["application_id"] = m.ApplicationID
	}
	if len(m.Nonce) > 0 {
		o["nonce"] = m.Nonce
	}
	if len(m.Reactions) > 0 {
		var rs []obj
		for i := range m.Reactions {
			r := &m.Reactions[i]
			rs = append(rs, obj{
				"emoji": r.emojiJSON(), "count": len(r.Users), "count_details": obj{"burst": 0, "normal": len(r.Users)}, "burst_colors": []string{},
				"me_burst": false, "burst_me": false, "burst_count": 0, "me": slices.Contains(r.Users, viewer),
			})
		}
		o["reactions"] = rs
	}
	if m.Interaction != nil {
		o["interaction_metadata"] = s.metaJSON(m.Interaction, s.home(s.channels[m.ChannelID]).ID)
		if m.Interaction.Type == 2 && m.Interaction.Name != "" {
			o["interaction"] = obj{"id": m.Interaction.ID, "type": 2, "name": m.Interaction.Name, "user": s.userJSON(m.Interaction.UserID)}
		}
	}
	if m.Poll != nil {
		o["poll"] = m.Poll
	}
	c := s.channels[m.ChannelID]
	if c != nil && c.isThread() {
		o["position"] = m.Position
	}
	if m.Reference != nil {
		ref := obj{"type": m.Reference.Type, "channel_id": m.Reference.ChannelID}
		if m.Reference.MessageID != "" {
			ref["message_id"] = m.Reference.MessageID
		}
		if m.Reference.GuildID != "" {
			ref["guild_id"] = m.Reference.GuildID
		}
		o["message_reference"] = ref
		if deep && (m.Type == typeReply || m.Type == typeThreadStarter || m.Type == typeContextMenu) {
			o["referenced_message"] = nil
			if r := s.messages[m.Reference.MessageID]; r != nil {
				o["referenced_message"] = s.renderMessage(r, viewer, false)
			}
		}
	}
	if th := s.channels[m.ID]; th != nil && th.isThread() && deep && th.ParentID == m.ChannelID {
		o["thread"] = s.channelJSON(th, viewer)
	}
	return o
}

// eventMessage is the form that the gateway sends: with guild and member, without what depends on the viewer.
func (s *Server) eventMessage(m *message) obj {
	o := s.messageJSON(m, s.o.BotUserID)
	if rs, ok := o["reactions"].([]obj); ok {
		for _, r := range rs {
			delete(r, "me")
		}
	}
	c := s.channels[m.ChannelID]
	if c == nil || c.isDM() {
		o["channel_type"] = ChannelDM
		return o
	}
	o["channel_type"], o["guild_id"] = c.Type, s.home(c).ID
	if m.WebhookID == "" {
		if mem := s.memberPart(m.AuthorID); mem != nil {
			o["member"] = mem
		}
	}
	mentions := o["mentions"].([]obj)
	for i, id := range m.Mentions {
		if mem := s.memberPart(id); mem != nil {
			mentions[i]["member"] = mem
		}
	}
	return o
}

// freshMedia copies embeds or components with each link into our CDN signed anew.
func (s *Server) freshMedia(in []obj) []obj {
	out := make([]obj, len(in))
	for i, o := range in {
		out[i] = s.freshValue(o).(obj)
	}
	return out
}

func (s *Server) freshValue(v any) any {
	switch v := v.(type) {
	case obj:
		c := maps.Clone(v)
		for k, e := range c {
			if str, ok := e.(string); ok {
				if (k == "url" || k == "proxy_url") && strings.HasPrefix(str, s.o.BaseURL+"/cdn/attachments/") {
					c[k] = s.resign(str)
				}
				continue
			}
			c[k] = s.freshValue(e)
		}
		return c
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = s.freshValue(e)
		}
		return out
	case []obj:
		return s.freshMedia(v)
	}
	return v
}

func (s *Server) webhookJSON(h *webhook, withUser bool) obj {
	o := obj{
		"id": h.ID, "type": 1, "name": h.Name, "avatar": orNil(h.Avatar), "channel_id": h.ChannelID, "guild_id": s.home(s.channels[h.ChannelID]).ID,
		"application_id": orNil(h.ApplicationID), "token": h.Token, "url": s.o.BaseURL + "/api/webhooks/" + h.ID + "/" + h.Token,
	}
	// A token belongs to whoever made the webhook; of others' webhooks only that they exist is told.
	if h.ApplicationID != "" && h.ApplicationID != s.o.ApplicationID {
		delete(o, "token")
		delete(o, "url")
	}
	if withUser && h.UserID != "" {
		o["user"] = s.userJSON(h.UserID)
	}
	return o
}

func rawString(b json.RawMessage) (string, bool) {
	var v string
	if json.Unmarshal(b, &v) != nil {
		return "", false
	}
	return v, true
}
