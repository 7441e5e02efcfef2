package discordsim

import (
	"bytes"
	"hash/fnv"
	"image"
	"image/color"
	"image/png"
	"slices"
	"strings"
)

// The ids of the demo's world.
const (
	DemoGuildID   = "1100000000000000001"
	DemoBotID     = "1100000000000000010"
	DemoMaya      = "1100000000000000021"
	DemoLeo       = "1100000000000000022"
	DemoIris      = "1100000000000000023"
	DemoOwner     = "1100000000000000020"
	DemoGeneral   = "1100000000000000101"
	DemoStudio    = "1100000000000000102"
	DemoForum     = "1100000000000000103"
	DemoPrivate   = "1100000000000000104"
	DemoBotRole   = "1100000000000000201"
	DemoEditors   = "1100000000000000202"
	DemoBotToken  = "MTEwMDAwMDAwMDAwMDAwMDAxMA.SimBot.0123456789abcdefghijklmnopqrstuvwxyz01"
	MidjourneyApp = "936929561302675456"
)

// DemoSeed is a small creative team: a guild with an owner, three people, the app, two open channels, a forum, and a channel hidden from
// @everyone. The caller sets BaseURL and whatever else it needs.
func DemoSeed() Options {
	private := []Overwrite{
		{ID: DemoGuildID, Deny: PermViewChannel},
		{ID: DemoEditors, Allow: PermViewChannel},
		{ID: DemoBotRole, Allow: PermViewChannel},
	}
	return Options{
		BotToken: DemoBotToken, ApplicationID: DemoBotID, BotUserID: DemoBotID,
		Guild: Guild{ID: DemoGuildID, Name: "Acme Creative", OwnerID: DemoOwner, Roles: []Role{
			{ID: DemoGuildID, Name: "@everyone", Permissions: PermsMember},
			{ID: DemoBotRole, Name: "Atelier", Permissions: PermsBot, Position: 2, Managed: true},
			{ID: DemoEditors, Name: "Editors", Position: 1, Color: 0x3498db, Mentionable: true, Permissions: PermsMember},
		}, Emojis: []Emoji{{ID: "1100000000000000301", Name: "atelier"}}},
		Users: []User{
			{ID: DemoOwner, Username: "olga", GlobalName: "Olga"},
			{ID: DemoMaya, Username: "maya", GlobalName: "Maya Lindt", Roles: []string{DemoEditors}},
			{ID: DemoLeo, Username: "leo.k", GlobalName: "Leo", Nick: "Leo (design)", Roles: []string{DemoEditors}},
			{ID: DemoIris, Username: "iris", GlobalName: "Iris Amaro", Locale: "de"},
			{ID: DemoBotID, Username: "Atelier", Bot: true, Roles: []string{DemoBotRole}},
		},
		Channels: []Channel{
			{ID: DemoGeneral, Type: ChannelText, Name: "general", Topic: "Everything"},
			{ID: DemoStudio, Type: ChannelText, Name: "studio", Topic: "Where images are made", Position: 1},
			{ID: DemoForum, Type: ChannelForum, Name: "briefs", Position: 2, Tags: []Tag{{ID: "1100000000000000401", Name: "open"}, {ID: "1100000000000000402", Name: "done"}}},
			{ID: DemoPrivate, Type: ChannelText, Name: "editors-only", Position: 3, Overwrites: private},
		},
	}
}

func (s *Server) seed() {
	s.guild = withEveryone(s.o.Guild)
	for _, g := range s.o.More {
		s.sawID(g.ID)
		s.more = append(s.more, withEveryone(g))
	}
	for _, u := range s.o.Users {
		s.addUser(u)
	}
	if s.users[s.o.BotUserID] == nil {
		role := s.newID()
		s.guild.Roles = append(s.guild.Roles, Role{ID: role, Name: "Atelier", Permissions: PermsBot, Position: len(s.guild.Roles), Managed: true})
		s.addUser(User{ID: s.o.BotUserID, Username: "Atelier", Bot: true, Roles: []string{role}})
	}
	s.addUser(User{ID: MidjourneyApp, Username: "Midjourney Bot", Bot: true})
	for _, c := range s.o.Channels {
		s.sawID(c.ID)
		c.Overwrites = slices.Clone(c.Overwrites)
		s.channels[c.ID] = &channel{Channel: c}
		s.chanOrder = append(s.chanOrder, c.ID)
	}
}

// withEveryone gives a server the role that everybody has.
func withEveryone(g Guild) Guild {
	g.Roles = slices.Clone(g.Roles)
	if !slices.ContainsFunc(g.Roles, func(r Role) bool { return r.ID == g.ID }) {
		g.Roles = append([]Role{{ID: g.ID, Name: "@everyone", Permissions: PermsMember}}, g.Roles...)
	}
	return g
}

// guildsAll are all servers that the app is in.
func (s *Server) guildsAll() []*Guild {
	out := []*Guild{&s.guild}
	for i := range s.more {
		out = append(out, &s.more[i])
	}
	return out
}

// byGuildID is the server with that id, or nil.
func (s *Server) byGuildID(id string) *Guild {
	for _, g := range s.guildsAll() {
		if g.ID == id {
			return g
		}
	}
	return nil
}

// home is the server that a channel lies in; the first one for what lies in none.
func (s *Server) home(c *channel) *Guild {
	if c != nil && c.isThread() {
		c = s.channels[c.ParentID]
	}
	if c != nil && c.GuildID != "" {
		if g := s.byGuildID(c.GuildID); g != nil {
			return g
		}
	}
	return &s.guild
}

// role finds a role of any server.
func (s *Server) role(id string) (Role, bool) {
	for _, g := range s.guildsAll() {
		if i := slices.IndexFunc(g.Roles, func(r Role) bool { return r.ID == id }); i >= 0 {
			return g.Roles[i], true
		}
	}
	return Role{}, false
}

func (s *Server) addUser(u User) {
	s.sawID(u.ID)
	if s.users[u.ID] == nil {
		s.userOrder = append(s.userOrder, u.ID)
	}
	s.users[u.ID] = &u
}

// displayName is what people see above a message.
func (u *User) displayName() string {
	for _, n := range []string{u.Nick, u.GlobalName, u.Username} {
		if n != "" {
			return n
		}
	}
	return u.ID
}

// avatarHash is stable per account, as the platform's hashes are per picture.
func avatarHash(id string) string {
	h := fnv.New128a()
	_, _ = h.Write([]byte("avatar:" + id))
	const digits = "0123456789abcdef"
	var b strings.Builder
	for _, c := range h.Sum(nil) {
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	return b.String()
}

// avatarPNG draws a mirrored pattern out of the id, so that people can be told apart.
func avatarPNG(id string) []byte {
	const cells, cell = 8, 16
	h := fnv.New64a()
	_, _ = h.Write([]byte(id))
	v := h.Sum64()
	fg := color.RGBA{uint8(64 + v%160), uint8(64 + v>>8%160), uint8(64 + v>>16%160), 255}
	img := image.NewPaletted(image.Rect(0, 0, cells*cell, cells*cell), color.Palette{color.RGBA{236, 238, 242, 255}, fg})
	for y := range cells {
		for x := range cells {
			mirrored := min(x, cells-1-x)
			if v>>(uint(y*cells/2+mirrored)%64)&1 == 0 {
				continue
			}
			for dy := range cell {
				for dx := range cell {
					img.SetColorIndex(x*cell+dx, y*cell+dy, 1)
				}
			}
		}
	}
	var b bytes.Buffer
	_ = png.Encode(&b, img)
	return b.Bytes()
}
