package slack

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
)

// The manifest's shape; https://docs.slack.dev/reference/app-manifest
type manifest struct {
	Metadata manifestVersion  `yaml:"_metadata"`
	Display  manifestDisplay  `yaml:"display_information"`
	Features manifestFeatures `yaml:"features"`
	OAuth    struct {
		Redirects []string `yaml:"redirect_urls,omitempty"`
		Scopes    struct {
			Bot []string `yaml:"bot"`
		} `yaml:"scopes"`
	} `yaml:"oauth_config"`
	Settings manifestSettings `yaml:"settings"`
}

type manifestVersion struct {
	Major int `yaml:"major_version"`
	Minor int `yaml:"minor_version"`
}

type manifestDisplay struct {
	Name        string `yaml:"name"`
	Description string `yaml:"description"`
	Long        string `yaml:"long_description"`
	Color       string `yaml:"background_color"`
}

type manifestFeatures struct {
	Home struct {
		HomeTab  bool `yaml:"home_tab_enabled"`
		Messages bool `yaml:"messages_tab_enabled"`
		ReadOnly bool `yaml:"messages_tab_read_only_enabled"`
	} `yaml:"app_home"`
	Bot struct {
		Name   string `yaml:"display_name"`
		Online bool   `yaml:"always_online"`
	} `yaml:"bot_user"`
	Shortcuts []manifestShortcut `yaml:"shortcuts,omitempty"`
	Commands  []manifestCommand  `yaml:"slash_commands"`
}

type manifestShortcut struct {
	Name        string `yaml:"name"`
	Type        string `yaml:"type"`
	CallbackID  string `yaml:"callback_id"`
	Description string `yaml:"description"`
}

type manifestCommand struct {
	Command     string `yaml:"command"`
	URL         string `yaml:"url,omitempty"`
	Description string `yaml:"description"`
	Hint        string `yaml:"usage_hint"`
	Escape      bool   `yaml:"should_escape"`
}

type manifestSettings struct {
	Events struct {
		URL string   `yaml:"request_url,omitempty"`
		Bot []string `yaml:"bot_events"`
	} `yaml:"event_subscriptions"`
	Interactivity struct {
		Enabled bool   `yaml:"is_enabled"`
		URL     string `yaml:"request_url,omitempty"`
	} `yaml:"interactivity"`
	OrgDeploy bool `yaml:"org_deploy_enabled"`
	Socket    bool `yaml:"socket_mode_enabled"`
	Rotation  bool `yaml:"token_rotation_enabled"`
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

// Manifest prints the app manifest for a table of commands. With socket, Slack needs no addresses of ours; without it
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
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(m); err != nil {
		return nil, fmt.Errorf("slack: manifest: %w", err)
	}
	if err := enc.Close(); err != nil {
		return nil, fmt.Errorf("slack: manifest: %w", err)
	}
	return b.Bytes(), nil
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
