package discord

import (
	"net/url"
	"strconv"

	"github.com/atelier-bridge/atelier/core"
)

// Manifest is what Discord's developer portal and whoever invites the bot need to know. Discord takes no file of it.
type Manifest struct {
	// Invite is the address on which a server's admin lets the bot in; it may be used for any number of servers.
	Invite      string   `json:"invite"`
	Scopes      []string `json:"scopes"`
	Permissions string   `json:"permissions"` // as the portal and the invite count them
	Grants      []string `json:"grants"`      // the permissions by name
	Settings    []string `json:"settings"`    // what is switched on in the portal
}

// inviteScopes let the bot join a server and offer its commands there; https://docs.discord.com/developers/topics/oauth2
func inviteScopes() []string { return []string{"bot", "applications.commands"} }

// permissions are all that Atelier needs, and no more.
func permissions() uint64 {
	var sum uint64
	for _, n := range needed {
		sum |= n.bit
	}
	return sum
}

// InviteURL returns the address on which an admin lets the bot into a server, with the permissions that it needs.
func InviteURL(applicationID string) string {
	q := url.Values{"client_id": {applicationID}, "permissions": {strconv.FormatUint(permissions(), 10)}, "scope": {"bot applications.commands"}}
	return "https://discord.com/oauth2/authorize?" + q.Encode()
}

// NewManifest tells how an application is set up and invited.
func NewManifest(applicationID string) (Manifest, error) {
	if !isSnowflake(applicationID) {
		return Manifest{}, core.Errorf(core.CodeInvalid, "The application id is a number; it stands on the application's page under General Information.")
	}
	m := Manifest{Invite: InviteURL(applicationID), Scopes: inviteScopes(), Permissions: strconv.FormatUint(permissions(), 10),
		Settings: []string{
			"Bot, Privileged Gateway Intents: switch Message Content Intent on; Presence and Server Members stay off",
			"Bot, Public Bot: switch it on if others than the application's owner are to invite it",
			"Installation, Install Contexts: Guild Install",
		}}
	for _, n := range needed {
		m.Grants = append(m.Grants, n.name)
	}
	return m, nil
}
