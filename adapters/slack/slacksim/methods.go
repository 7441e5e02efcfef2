package slacksim

import (
	"encoding/base64"
	"slices"
)

// methodTable lists what the Web API offers.
func methodTable() map[string]*method {
	return map[string]*method{
		"api.test":              {run: (*Server).apiTest, token: "none"},
		"oauth.v2.access":       {run: (*Server).oauthAccess, token: "none"},
		"auth.revoke":           {run: (*Server).authRevoke},
		"auth.test":             {run: (*Server).authTest, token: "any"},
		"apps.connections.open": {run: (*Server).connectionsOpen, token: "app"},
		"blocks.validate":       {run: (*Server).blocksValidate, token: "none", needed: "blocks"},
		"bots.info":             {run: (*Server).botsInfo, scope: "users:read", tier: 3},
		"emoji.list":            {run: (*Server).emojiList, scope: "emoji:read", tier: 2},
		"team.info":             {run: (*Server).teamInfo, scope: "team:read", tier: 3},
		"usergroups.list":       {run: (*Server).usergroupsList, scope: "usergroups:read", tier: 2},
		"users.info":            {run: (*Server).usersInfo, scope: "users:read", tier: 4, needed: "user"},
		"users.list":            {run: (*Server).usersList, scope: "users:read", tier: 2},
		"users.conversations":   {run: (*Server).usersConversations, scope: "channels:read|groups:read|im:read", tier: 3},

		"conversations.info":    {run: (*Server).conversationsInfo, scope: "channels:read|groups:read|im:read", tier: 3, needed: "channel"},
		"conversations.list":    {run: (*Server).conversationsList, scope: "channels:read|groups:read|im:read", tier: 2},
		"conversations.members": {run: (*Server).conversationsMembers, scope: "channels:read|groups:read|im:read", tier: 4, needed: "channel"},
		"conversations.open":    {run: (*Server).conversationsOpen, scope: "im:write|mpim:write|groups:write", tier: 3},
		"conversations.join":    {run: (*Server).conversationsJoin, scope: "channels:join", tier: 3, needed: "channel"},
		"conversations.history": {run: (*Server).conversationsHistory, scope: "channels:history|groups:history|im:history", tier: 3, needed: "channel"},
		"conversations.replies": {run: (*Server).conversationsReplies, scope: "channels:history|groups:history|im:history", tier: 3, needed: "channel ts"},

		"chat.postMessage":   {run: (*Server).chatPostMessage, scope: "chat:write", needed: "channel"},
		"chat.postEphemeral": {run: (*Server).chatPostEphemeral, scope: "chat:write", tier: 4, needed: "channel user"},
		"chat.update":        {run: (*Server).chatUpdate, scope: "chat:write", tier: 3, needed: "channel ts"},
		"chat.delete":        {run: (*Server).chatDelete, scope: "chat:write", tier: 3, needed: "channel ts"},
		"chat.getPermalink":  {run: (*Server).chatGetPermalink, token: "bot", needed: "channel message_ts"},

		"reactions.add":    {run: (*Server).reactionsAdd, scope: "reactions:write", tier: 3, needed: "channel timestamp name"},
		"reactions.remove": {run: (*Server).reactionsRemove, scope: "reactions:write", tier: 2, needed: "name"},
		"reactions.get":    {run: (*Server).reactionsGet, scope: "reactions:read", tier: 3},

		"files.getUploadURLExternal":   {run: (*Server).filesGetUploadURL, scope: "files:write", tier: 4, needed: "filename length"},
		"files.completeUploadExternal": {run: (*Server).filesComplete, scope: "files:write", tier: 4, needed: "files"},
		"files.info":                   {run: (*Server).filesInfo, scope: "files:read", tier: 4, needed: "file"},
		"files.list":                   {run: (*Server).filesList, scope: "files:read", tier: 3},
		"files.delete":                 {run: (*Server).filesDelete, scope: "files:write", tier: 3, needed: "file"},

		"views.open":    {run: (*Server).viewsOpen, tier: 4, needed: "view"},
		"views.push":    {run: (*Server).viewsPush, tier: 4, needed: "view"},
		"views.update":  {run: (*Server).viewsUpdate, tier: 4, needed: "view"},
		"views.publish": {run: (*Server).viewsPublish, tier: 4, needed: "user_id view"},
	}
}

func encodeCursor(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func decodeCursor(s string) string {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return ""
	}
	return string(b)
}

func (s *Server) apiTest(q *request) (obj, error) {
	if e := q.str("error"); e != "" {
		return nil, &apiError{code: e, extra: obj{"args": obj{"error": e}}}
	}
	args := obj{}
	for k := range q.args {
		args[k] = q.str(k)
	}
	return obj{"args": args}, nil
}

func (s *Server) authTest(q *request) (obj, error) {
	if q.app {
		return obj{"app_name": s.opt.BotName, "app_id": s.opt.AppID}, nil
	}
	return obj{"url": "https://" + s.opt.Team.Domain + ".slack.com/", "team": s.opt.Team.Name, "user": s.opt.BotName, "team_id": s.opt.Team.ID,
		"user_id": s.opt.BotUserID, "bot_id": s.opt.BotID, "is_enterprise_install": false}, nil
}

func (s *Server) blocksValidate(q *request) (obj, error) {
	if _, err := s.checkBlocks(q.raw("blocks"), "message"); err != nil {
		return nil, err
	}
	return obj{}, nil
}

func (s *Server) botsInfo(q *request) (obj, error) {
	if b := q.str("bot"); b != "" && b != s.opt.BotID {
		return nil, fail("bot_not_found")
	}
	b := s.botProfile()
	delete(b, "team_id")
	b["user_id"] = s.opt.BotUserID
	return obj{"bot": b}, nil
}

func (s *Server) emojiList(*request) (obj, error) {
	return obj{"emoji": obj{}, "cache_ts": s.st.nextTS()}, nil
}

func (s *Server) usergroupsList(q *request) (obj, error) {
	list := []any{}
	for _, g := range s.opt.UserGroups {
		o := obj{"id": g.ID, "team_id": s.opt.Team.ID, "is_usergroup": true, "name": g.Name, "handle": g.Handle, "user_count": len(g.Users)}
		if q.str("include_users") == "true" || q.str("include_users") == "1" {
			o["users"] = slices.Clone(g.Users)
		}
		list = append(list, o)
	}
	return obj{"usergroups": list}, nil
}

func (s *Server) teamInfo(*request) (obj, error) {
	t := s.opt.Team
	icon := obj{"image_default": true}
	for _, n := range []string{"34", "44", "68", "88", "102", "132", "230"} {
		icon["image_"+n] = s.avatarURL(t.ID, n)
	}
	return obj{"team": obj{"id": t.ID, "name": t.Name, "domain": t.Domain, "email_domain": "", "icon": icon, "is_verified": false,
		"url": "https://" + t.Domain + ".slack.com/", "avatar_base_url": s.opt.BaseURL + "/files/avatars/"}}, nil
}

func (s *Server) usersInfo(q *request) (obj, error) {
	u := s.st.userByID[q.str("user")]
	if u == nil {
		return nil, fail("user_not_found")
	}
	return obj{"user": s.userJSON(u, q.flag("include_locale", false))}, nil
}

func (s *Server) usersList(q *request) (obj, error) {
	us, next, err := page(q, s.st.users, 1000, 1000)
	if err != nil {
		return nil, err
	}
	members := make([]obj, len(us))
	for i, u := range us {
		members[i] = s.userJSON(u, q.flag("include_locale", false))
	}
	return obj{"members": members, "cache_ts": s.opt.Now().Unix(), "response_metadata": obj{"next_cursor": next}}, nil
}

func (s *Server) userJSON(u *User, locale bool) obj {
	p := obj{"title": u.Title, "phone": "", "skype": "", "real_name": u.RealName, "real_name_normalized": u.RealName,
		"display_name": u.DisplayName, "display_name_normalized": u.DisplayName, "status_text": "", "status_emoji": "", "status_expiration": 0,
		"status_text_canonical": "", "status_emoji_display_info": []any{}, "avatar_hash": avatarHash(u.ID), "team": s.opt.Team.ID, "is_custom_image": u.Avatar != ""}
	for _, n := range []string{"24", "32", "48", "72", "192", "512"} {
		p["image_"+n] = s.userImage(u, n)
	}
	if u.Avatar != "" {
		p["image_original"], p["image_1024"] = u.Avatar, u.Avatar
	}
	if u.Email != "" && s.granted("users:read.email") {
		p["email"] = u.Email
	}
	if u.ID == s.opt.BotUserID {
		p["api_app_id"], p["bot_id"], p["always_active"] = s.opt.AppID, s.opt.BotID, true
	}
	out := obj{"id": u.ID, "team_id": s.opt.Team.ID, "name": u.Name, "deleted": u.Deleted, "color": "9f69e7", "real_name": u.RealName,
		"tz": u.TZ, "tz_label": u.TZ, "tz_offset": tzOffset(u.TZ, s.opt.Now()), "profile": p, "is_admin": u.IsAdmin, "is_owner": false, "is_primary_owner": false,
		"is_restricted": false, "is_ultra_restricted": false, "is_bot": u.IsBot, "is_app_user": false, "updated": s.startedAt(), "is_email_confirmed": true,
		"who_can_share_contact_card": "EVERYONE"}
	if locale {
		out["locale"] = u.Locale
	}
	return out
}
