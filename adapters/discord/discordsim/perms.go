package discordsim

import "slices"

// The permissions that the simulator looks at.
const (
	PermAdministrator         uint64 = 1 << 3
	PermManageChannels        uint64 = 1 << 4
	PermAddReactions          uint64 = 1 << 6
	PermViewChannel           uint64 = 1 << 10
	PermSendMessages          uint64 = 1 << 11
	PermManageMessages        uint64 = 1 << 13
	PermEmbedLinks            uint64 = 1 << 14
	PermAttachFiles           uint64 = 1 << 15
	PermReadHistory           uint64 = 1 << 16
	PermMentionEveryone       uint64 = 1 << 17
	PermManageRoles           uint64 = 1 << 28
	PermManageWebhooks        uint64 = 1 << 29
	PermUseCommands           uint64 = 1 << 31
	PermManageThreads         uint64 = 1 << 34
	PermCreatePublicThreads   uint64 = 1 << 35
	PermCreatePrivateThreads  uint64 = 1 << 36
	PermSendMessagesInThreads uint64 = 1 << 38
	PermPinMessages           uint64 = 1 << 51

	permAll uint64 = 1<<53 - 1
)

// PermsMember is what @everyone may do in the demo.
const PermsMember = PermAddReactions | PermViewChannel | PermSendMessages | PermEmbedLinks | PermAttachFiles | PermReadHistory |
	PermUseCommands | PermCreatePublicThreads | PermSendMessagesInThreads

// PermsBot is what the app's own role grants in the demo.
const PermsBot = PermsMember | PermManageMessages | PermManageWebhooks | PermManageThreads | PermCreatePrivateThreads | PermPinMessages

// permissions computes what a user may do in a channel; a thread asks its parent.
func (s *Server) permissions(userID string, c *channel) uint64 {
	if c != nil && c.isDM() {
		if slices.Contains(c.Recipients, userID) || userID == s.o.BotUserID {
			return permAll &^ PermManageThreads
		}
		return 0
	}
	u, g := s.users[userID], s.home(c)
	if u == nil || u.Outsider {
		return 0
	}
	p := s.serverPermissions(userID, g)
	if c == nil || p == permAll {
		return p
	}
	if c.isThread() {
		parent := s.channels[c.ParentID]
		if parent == nil {
			return 0
		}
		p = s.permissions(userID, parent)
		if _, in := c.Members[userID]; c.Type == ChannelPrivateThread && !in && p&PermManageThreads == 0 {
			return 0
		}
		return p
	}
	var roleAllow, roleDeny uint64
	var member *Overwrite
	for i, o := range c.Overwrites {
		switch {
		case o.Type == 0 && o.ID == g.ID:
			p = p&^o.Deny | o.Allow
		case o.Type == 0 && slices.Contains(u.Roles, o.ID):
			roleAllow |= o.Allow
			roleDeny |= o.Deny
		case o.Type == 1 && o.ID == userID:
			member = &c.Overwrites[i]
		}
	}
	p = p&^roleDeny | roleAllow
	if member != nil {
		p = p&^member.Deny | member.Allow
	}
	if p&PermViewChannel == 0 {
		return 0
	}
	return p
}

// serverPermissions computes what a user's roles grant in a server, before any channel's own rules.
func (s *Server) serverPermissions(userID string, g *Guild) uint64 {
	u := s.users[userID]
	if u == nil || u.Outsider {
		return 0
	}
	if userID == g.OwnerID {
		return permAll
	}
	var p uint64
	for _, r := range g.Roles {
		if r.ID == g.ID || slices.Contains(u.Roles, r.ID) {
			p |= r.Permissions
		}
	}
	if p&PermAdministrator != 0 {
		return permAll
	}
	return p
}

func (s *Server) canSee(userID string, c *channel) bool {
	return s.permissions(userID, c)&PermViewChannel != 0
}

// sees returns the channel if the user may see it, with the errors that the platform uses.
func (s *Server) sees(userID, channelID string) (*channel, error) {
	c := s.channels[channelID]
	if c == nil {
		return nil, errUnknownChannel()
	}
	if !s.canSee(userID, c) {
		return nil, errAccess()
	}
	return c, nil
}

// allowed is sees plus further permissions.
func (s *Server) allowed(userID, channelID string, need uint64) (*channel, error) {
	c, err := s.sees(userID, channelID)
	if err != nil {
		return nil, err
	}
	if s.permissions(userID, c)&need != need {
		return nil, errPermission()
	}
	return c, nil
}

// sendPermission is the one that posting needs in that kind of channel.
func sendPermission(c *channel) uint64 {
	if c.isThread() {
		return PermSendMessagesInThreads
	}
	return PermSendMessages
}

// Deny takes permissions from the app in a channel, for tests of what it cannot do.
func (s *Server) Deny(channel string, perms uint64) error {
	return s.update(func(t *tx) error {
		ch := s.channels[channel]
		if ch == nil {
			return errUnknownChannel()
		}
		t.setOverwrite(ch, Overwrite{ID: s.o.BotUserID, Type: 1, Deny: perms}, false)
		return nil
	})
}
