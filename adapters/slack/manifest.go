package slack

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
)

// The manifest's shape; https://docs.slack.dev/reference/app-manifest
type manifest struct {
	Metadata manifestVersion  `json:"_metadata"`
	Display  manifestDisplay  `json:"display_information"`
	Features manifestFeatures `json:"features"`
	OAuth    struct {
		Redirects []string `json:"redirect_urls,omitempty"`
		Scopes    struct {
			Bot []string `json:"bot"`
		} `json:"scopes"`
	} `json:"oauth_config"`
	Settings manifestSettings `json:"settings"`
}

type manifestVersion struct {
	Major int `json:"major_version"`
	Minor int `json:"minor_version"`
}

type manifestDisplay struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Long        string `json:"long_description"`
	Color       string `json:"background_color"`
}

type manifestFeatures struct {
	Home struct {
		HomeTab  bool `json:"home_tab_enabled"`
		Messages bool `json:"messages_tab_enabled"`
		ReadOnly bool `json:"messages_tab_read_only_enabled"`
	} `json:"app_home"`
	Bot struct {
		Name   string `json:"display_name"`
		Online bool   `json:"always_online"`
	} `json:"bot_user"`
	Shortcuts []manifestShortcut `json:"shortcuts,omitempty"`
	Commands  []manifestCommand  `json:"slash_commands"`
}

type manifestShortcut struct {
	Name        string `json:"name"`
	Type        string `json:"type"`
	CallbackID  string `json:"callback_id"`
	Description string `json:"description"`
}

type manifestCommand struct {
	Command     string `json:"command"`
	URL         string `json:"url,omitempty"`
	Description string `json:"description"`
	Hint        string `json:"usage_hint"`
	Escape      bool   `json:"should_escape"`
}

type manifestSettings struct {
	Events struct {
		URL string   `json:"request_url,omitempty"`
		Bot []string `json:"bot_events"`
	} `json:"event_subscriptions"`
	Interactivity struct {
		Enabled bool   `json:"is_enabled"`
		URL     string `json:"request_url,omitempty"`
	} `json:"interactivity"`
	OrgDeploy bool `json:"org_deploy_enabled"`
	Socket    bool `json:"socket_mode_enabled"`
	Rotation  bool `json:"token_rotation_enabled"`
}

// botScopes are what the bot token needs; the second list is missed only in part.
func botScopes() []string {
	return []string{"app_mentions:read", "channels:history", "channels:read", "chat:write", "chat:write.customize", "commands", "files:read", "files:write",
		"groups:history", "groups:read", "im:history", "im:read", "im:write", "metadata.message:read", "reactions:read", "reactions:write", "usergroups:read", "users:read"}
}

// botEvents are the subscriptions.
func botEvents() []string {
	return []string{"app_home_opened", "app_mention", "channel_archive", "channel_deleted", "channel_rename", "channel_unarchive", "group_archive", "group_deleted", "group_rename", "group_unarchive",
		"member_joined_channel", "message.channels", "message.groups", "message.im", "reaction_added", "reaction_removed"}
}

const longDescription = "Atelier lets a creative team generate images and review them together. Each person generates on their own account; every result becomes a version of a task, and every reply in the " +
	"task's thread is a comment on it. The same thread may live on Discord too: comments, edits, files and reactions cross over under their authors' names."

// Manifest is the app manifest for a table of commands, as JSON; YAML prints it for people. With socket, Slack needs no addresses of ours; without it
// publicURL is where people and Slack reach us. It fails when the table breaks one of Slack's limits.
func Manifest(t *command.Table, publicURL string, socket bool) ([]byte, error) {
	return printManifest(t, publicURL, socket, false)
}

// InstallableManifest is Manifest for an app that teams install by themselves: by signed HTTP, with tokens that are
// replaced, and told when a team removes it.
func InstallableManifest(t *command.Table, publicURL string) ([]byte, error) {
	return printManifest(t, publicURL, false, true)
}

func printManifest(t *command.Table, publicURL string, socket, installable bool) ([]byte, error) {
	base := strings.TrimRight(publicURL, "/")
	if !socket && !strings.HasPrefix(base, "https://") && !strings.HasPrefix(base, "http://") {
		return nil, core.Errorf(core.CodeInvalid, "Without Socket Mode the manifest needs the public URL.")
	}
	address := func(path string) string {
		if socket {
			return ""
		}
		return base + path
	}
	m := manifest{Metadata: manifestVersion{1, 1}, Display: manifestDisplay{Name: "Atelier", Description: "Generate images and review them together, in threads", Long: longDescription, Color: "#2b2d42"}}
	m.Features.Home.Messages, m.Features.Home.HomeTab = true, true
	m.Features.Bot.Name, m.Features.Bot.Online = "atelier", true
	m.Features.Commands = []manifestCommand{{Command: "/atelier", URL: address("/slack/commands"), Description: "Generate and review images", Hint: "[verb] [options], or help", Escape: true}}
	for _, r := range t.Offered() {
		if r.Slash {
			hint := "[options]"
			if len(r.Examples) > 0 {
				_, hint, _ = strings.Cut(r.Examples[0], " ")
			}
			m.Features.Commands = append(m.Features.Commands, manifestCommand{Command: "/" + strings.ReplaceAll(r.Verb, " ", "-"), URL: address("/slack/commands"), Description: r.Help, Hint: hint, Escape: true})
		}
	}
	for _, r := range t.Menus() {
		m.Features.Shortcuts = append(m.Features.Shortcuts, manifestShortcut{Name: r.Menu, Type: "message", CallbackID: r.Verb, Description: r.Help})
	}
	m.OAuth.Scopes.Bot = botScopes()
	m.Settings.Events.URL, m.Settings.Events.Bot = address("/slack/events"), botEvents()
	m.Settings.Interactivity.Enabled, m.Settings.Interactivity.URL = true, address("/slack/interactions")
	m.Settings.Socket = socket
	if installable {
		m.OAuth.Redirects, m.Settings.Rotation = []string{base + "/slack/oauth"}, true
		m.Settings.Events.Bot = append([]string{"app_uninstalled", "tokens_revoked"}, m.Settings.Events.Bot...)
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	data, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("slack: manifest: %w", err)
	}
	return data, nil
}

// check holds the manifest to Slack's published schema.
func (m manifest) check() error {
	var faults []string
	length := func(what, s string, least, most int) {
		if n := utf8.RuneCountInString(s); n < least || n > most {
			faults = append(faults, fmt.Sprintf("%s has %d characters, wanted %d to %d", what, n, least, most))
		}
	}
	length("name", m.Display.Name, 1, 35)
	length("description", m.Display.Description, 1, 140)
	length("long description", m.Display.Long, 175, 4000)
	length("bot name", m.Features.Bot.Name, 1, 80)
	if n := len(m.Features.Shortcuts); n > 10 {
		faults = append(faults, fmt.Sprintf("%d shortcuts, at most 10", n))
	}
	if n := len(m.Features.Commands); n > 50 {
		faults = append(faults, fmt.Sprintf("%d slash commands, at most 50", n))
	}
	for _, s := range m.Features.Shortcuts {
		length("shortcut "+s.CallbackID, s.Name, 1, 24)
		length("description of shortcut "+s.CallbackID, s.Description, 1, 150)
		length("callback id "+s.CallbackID, s.CallbackID, 1, 255)
	}
	for _, c := range m.Features.Commands {
		length("command "+c.Command, c.Command, 2, 32)
		length("description of "+c.Command, c.Description, 1, 2000)
		length("hint of "+c.Command, c.Hint, 0, 1000)
		length("address of "+c.Command, c.URL, 0, 3000)
	}
	if len(faults) > 0 {
		return core.Errorf(core.CodeInvalid, "The Slack manifest breaks Slack's limits: %s.", strings.Join(faults, "; "))
	}
	return nil
}
