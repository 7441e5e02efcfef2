package core

import (
	"cmp"
	"slices"
	"time"
)

// Role is what a person may do in a project.
type Role string

// Roles, from most to least.
const (
	RoleAdmin  Role = "admin"
	RoleEditor Role = "editor"
	RoleViewer Role = "viewer"
	RoleNone   Role = "none"
)

// Allows reports whether a person of role r may do what needs the other role.
func (r Role) Allows(need Role) bool { return r.rank() >= need.rank() }

func (r Role) rank() int {
	switch r {
	case RoleAdmin:
		return 3
	case RoleEditor:
		return 2
	case RoleViewer:
		return 1
	}
	return 0
}

// ParseRole accepts admin, editor, viewer and none.
func ParseRole(s string) (Role, error) {
	switch r := Role(s); r {
	case RoleAdmin, RoleEditor, RoleViewer, RoleNone:
		return r, nil
	}
	return "", Errorf(CodeInvalid, "%q is no role.", s).WithNext("Use admin, editor, viewer or none.")
}

// Person is a human member.
type Person struct {
	V          int          `json:"v"`
	Rev        int64        `json:"rev"`
	ID         PersonID     `json:"id"`
	Name       string       `json:"name"`
	Avatar     string       `json:"avatar,omitempty"`
	Identities []IdentityID `json:"identities"`
	Provider   ProviderName `json:"provider,omitempty"` // their default
	Admin      bool         `json:"admin,omitempty"`    // of the workspace
	// Terms are the versions of providers' terms that the person accepted.
	Terms map[ProviderName]string `json:"terms,omitempty"`
	// TermsBy names the former person who accepted terms, where this one did not: undoing the link takes those back.
	TermsBy map[ProviderName]PersonID `json:"termsBy,omitempty"`
	// AskAbove is what a request may cost without a question, in millionths of a dollar; nil is the project's or the default.
	AskAbove *int64 `json:"askAbove,omitempty"`
	// Former are people who turned out to be this one: what they made and linked is this person's. Merged is the other
	// direction; such a record stays, so that it can be undone.
	Former    []PersonID `json:"former,omitempty"`
	Merged    PersonID   `json:"merged,omitempty"`
	SplitBy   InboundID  `json:"splitBy,omitempty"` // what undid such a link last, and whose it was: handled again, it undoes no other
	SplitFrom PersonID   `json:"splitFrom,omitempty"`
	// Locale and Zone are what the person's platforms say of their language and their clock; Settings, by name, is what
	// they chose themselves.
	Locale   Locale            `json:"locale,omitempty"`
	Zone     string            `json:"zone,omitempty"`
	Settings map[string]string `json:"settings,omitempty"`
	Style    *Style            `json:"style,omitempty"`
	// Active is as which of several identities the person was heard of last.
	Active    IdentityID          `json:"active,omitempty"`
	Feeds     map[ProjectKey]Feed `json:"feeds,omitempty"`
	CreatedAt time.Time           `json:"createdAt"`
}

// Names of settings that people and projects share.
const (
	SettingLanguage = "language"
	SettingTimezone = "timezone"
)

// Lang is how to speak to the person.
func (p *Person) Lang(tr Translator) Lang {
	return Lang{Translator: tr, Locale: Locale(cmp.Or(p.Settings[SettingLanguage], string(p.Locale))), Zone: zone(tr, cmp.Or(p.Settings[SettingTimezone], p.Zone))}
}

// Lang is how to speak to everybody in a project's rooms.
func (p *Project) Lang(tr Translator) Lang {
	return Lang{Translator: tr, Locale: Locale(p.Settings[SettingLanguage]), Zone: zone(tr, p.Settings[SettingTimezone])}
}

// zone returns a zone of the time zone database; nil when it has none by that name.
func zone(tr Translator, name string) *time.Location {
	if name == "" {
		return nil
	}
	// Every message asks how to speak to its author: a translator that remembers zones spares reading a file each time.
	if z, ok := tr.(interface {
		Zone(name string) *time.Location
	}); ok {
		return z.Zone(name)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	return loc
}

// Is reports whether an id is this person's, now or formerly.
func (p *Person) Is(id PersonID) bool { return id == p.ID || slices.Contains(p.Former, id) }

// Linked reports whether the person has users of several platforms: then the name and the picture are the person's,
// wherever they write.
func (p *Person) Linked() bool { return len(p.Identities) > 1 && p.Name != "" }

// IDs lists the person's id and the former ones.
func (p *Person) IDs() []PersonID { return append([]PersonID{p.ID}, p.Former...) }

// IdentityOn returns the person's identity on a platform; for Slack in the room's team if there is one.
func (p Person) IdentityOn(room RoomID) (IdentityID, bool) {
	plat := room.Platform()
	team := TeamOf(room.Local())
	var other IdentityID
	for _, id := range p.Identities {
		switch {
		case id.Platform() != plat:
		case plat == Discord || TeamOf(id.Local()) == team:
			return id, true
		default:
			other = id
		}
	}
	return other, other != "" && plat == Discord
}

// TeamOf is the Slack team or the Discord server in the local part of a room's or a Slack user's id.
func TeamOf(local string) string {
	for i := range len(local) {
		if local[i] == '/' {
			return local[:i]
		}
	}
	return local
}

// Project is the unit of membership, settings and storage.
type Project struct {
	V          int               `json:"v"`
	Rev        int64             `json:"rev"`
	Key        ProjectKey        `json:"key"`
	Name       string            `json:"name"`
	Rooms      []RoomID          `json:"rooms"`
	Default    Role              `json:"default"`         // role of whoever sees a bound room
	Grants     map[PersonID]Role `json:"grants"`          // given by name
	Mapped     map[string]Role   `json:"mapped"`          // given by platform group: "discord:@123"
	Settings   map[string]string `json:"settings"`        // by name
	Names      map[string]string `json:"names,omitempty"` // people's names by id, for lists
	Quotas     []Quota           `json:"quotas,omitempty"`
	Extra      []Grant           `json:"extra,omitempty"` // of current periods; older ones are dropped when it is written
	Style      *Style            `json:"style,omitempty"`
	Presets    map[string]Style  `json:"presets,omitempty"` // by name, in lower case
	References []Reference       `json:"references,omitempty"`
	Folders    []Folder          `json:"folders,omitempty"`
	CreatedAt  time.Time         `json:"createdAt"`
}

// SettingMirror is the project's setting of what shows in its other rooms: "tasks" or "all".
const SettingMirror = "mirror"

// MirrorsAll reports whether everything said in the project's public rooms shows in its other public rooms.
func (p *Project) MirrorsAll() bool { return p.Settings[SettingMirror] == "all" }

// settingMirrorSince is when the mirroring of all was switched on.
const settingMirrorSince = "mirror_since"

// Mirror sets what shows in the project's other rooms: "tasks" or "all". What was said before it is switched on stays
// where it is.
func (p *Project) Mirror(what string, now time.Time) {
	if p.Settings == nil {
		p.Settings = map[string]string{}
	}
	if what == "all" && !p.MirrorsAll() {
		p.Settings[settingMirrorSince] = now.UTC().Format(time.RFC3339Nano)
	}
	p.Settings[SettingMirror] = what
}

// MirrorsSince returns when the mirroring of all was switched on.
func (p *Project) MirrorsSince() time.Time {
	t, err := time.Parse(time.RFC3339Nano, p.Settings[settingMirrorSince])
	if err != nil {
		return time.Time{}
	}
	return t
}

// Room binds a channel to a project.
type Room struct {
	V       int          `json:"v"`
	Rev     int64        `json:"rev"`
	ID      RoomID       `json:"id"`
	Project ProjectKey   `json:"project,omitempty"` // empty when unbound
	Former  []ProjectKey `json:"former,omitempty"`  // threads opened then stay there
	Name    string       `json:"name,omitempty"`
	Private bool         `json:"private,omitempty"`
	Style   *Style       `json:"style,omitempty"`
}
