package discord

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/atelier-bridge/atelier/core"
)

// needed are the permissions that Atelier asks for, with the names that Discord's settings show.
var needed = []struct {
	bit  uint64
	name string
}{
	{1 << 6, "Add Reactions"}, {permView, "View Channels"}, {1 << 11, "Send Messages"}, {1 << 13, "Manage Messages"}, {1 << 14, "Embed Links"}, {1 << 15, "Attach Files"},
	{1 << 16, "Read Message History"}, {1 << 29, "Manage Webhooks"}, {1 << 35, "Create Public Threads"}, {1 << 38, "Send Messages in Threads"},
}

const (
	permAdmin           = 1 << 3
	flagContent         = 1 << 18
	flagContentLimited  = 1 << 19
	doctorArea          = string(core.Discord)
	maxDiagnosedServers = 50
)

// Diagnose looks at what Atelier needs of Discord: the token, the application, its intents, its permissions and its
// commands. It changes nothing.
func (a *Adapter) Diagnose(ctx context.Context) []core.Finding {
	var out []core.Finding
	good := func(what string) { out = append(out, core.Finding{Area: doctorArea, OK: true, What: what}) }
	bad := func(what, fix string) { out = append(out, core.Finding{Area: doctorArea, What: what, Fix: fix}) }
	warn := func(what, fix string) {
		out = append(out, core.Finding{Area: doctorArea, Warn: true, What: what, Fix: fix})
	}
	var u wireUser
	if err := a.rest.do(ctx, call{method: http.MethodGet, route: "GET users/@me", path: "users/@me"}, &u); err != nil {
		if core.ErrorCode(err) == core.CodeFatal {
			bad("Discord refuses the bot token.", "Copy the token again from Bot in the developer portal.")
		} else {
			bad("Discord cannot be reached: "+string(core.ErrorCode(err))+".", "Check the network, the proxy and the API URL.")
		}
		return out
	}
	good("The bot token is valid: " + u.Username + ".")
	a.diagnoseApp(ctx, good, bad, warn)
	a.diagnoseServers(ctx, good, bad)
	_, same, err := a.compareCommands(ctx)
	switch {
	case err != nil:
		warn("The registered commands cannot be read: "+core.SafeMessage(err), "Check the application id.")
	case same:
		good("The commands are registered.")
	default:
		warn("The registered commands are not those of this version.", "Run: atelier register discord")
	}
	return out
}

func (a *Adapter) diagnoseApp(ctx context.Context, good func(string), bad, warn func(string, string)) {
	var app struct {
		ID        string `json:"id"`
		Flags     int    `json:"flags"`
		VerifyKey string `json:"verify_key"`
		Endpoint  string `json:"interactions_endpoint_url"`
	}
	if err := a.rest.do(ctx, call{method: http.MethodGet, route: "GET applications/@me", path: "applications/@me"}, &app); err != nil {
		warn("The application cannot be read: "+core.SafeMessage(err), "Try again.")
		return
	}
	if app.ID != a.o.ApplicationID {
		bad("The application id does not belong to the bot token.", "Set the application id to "+app.ID+".")
	} else {
		good("The application id is right.")
	}
	if app.Flags&(flagContent|flagContentLimited) == 0 {
		bad("The message content intent is off: replies in threads would be empty.", "Switch on Message Content Intent under Bot in the developer portal.")
	} else {
		good("The message content intent is on.")
	}
	switch {
	case a.key != nil && app.VerifyKey != "" && !strings.EqualFold(app.VerifyKey, a.o.PublicKey):
		bad("The public key is not the application's.", "Copy it again from General Information in the developer portal.")
	case a.key != nil && app.Endpoint == "":
		warn("A public key is set, but Discord has no interactions endpoint URL: commands come over the gateway.", "Set the endpoint to your public URL followed by "+InteractionsPath+".")
	case a.key == nil && app.Endpoint != "":
		bad("Discord sends interactions to an endpoint URL, but no public key is set here.", "Set the public key, or clear the interactions endpoint URL.")
	}
}

func (a *Adapter) diagnoseServers(ctx context.Context, good func(string), bad func(string, string)) {
	var list []struct {
		ID          string `json:"id"`
		Name        string `json:"name"`
		Permissions string `json:"permissions"`
	}
	if err := a.rest.do(ctx, call{method: http.MethodGet, route: "GET users/@me/guilds", path: "users/@me/guilds"}, &list); err != nil {
		bad("The servers cannot be read: "+core.SafeMessage(err), "Try again.")
		return
	}
	if len(list) == 0 {
		bad("The bot is in no server.", "Open this and choose one: "+InviteURL(a.o.ApplicationID))
	}
	for _, g := range list[:min(len(list), maxDiagnosedServers)] {
		have, _ := strconv.ParseUint(g.Permissions, 10, 64)
		var missing []string
		for _, n := range needed {
			if have&n.bit == 0 && have&permAdmin == 0 {
				missing = append(missing, n.name)
			}
		}
		if len(missing) > 0 {
			bad("In "+g.Name+" the bot lacks: "+strings.Join(missing, ", ")+".", "Give these permissions to its role.")
		} else {
			good("In " + g.Name + " the bot has every permission it needs.")
		}
	}
}

// CheckRoom tries, without changing anything, what needs a channel's own permissions.
func (a *Adapter) CheckRoom(ctx context.Context, id core.RoomID) (missing []string, err error) {
	if _, err := a.Room(ctx, id); err != nil {
		return nil, err
	}
	_, channel, err := parseRoom(id)
	if err != nil {
		return nil, err
	}
	p, err := a.where(ctx, channel)
	if err != nil {
		return nil, err
	}
	try := map[string]call{"Manage Webhooks": {method: http.MethodGet, route: "GET channels/" + channel + "/webhooks", path: "channels/" + channel + "/webhooks"}}
	if !p.isForum() {
		try["Read Message History"] = call{method: http.MethodGet, route: "GET channels/" + channel + "/messages", path: "channels/" + channel + "/messages?limit=1"}
	}
	for name, c := range try {
		var any []json.RawMessage
		switch err := a.rest.do(ctx, c, &any); core.ErrorCode(err) {
		case "":
		case core.CodeForbidden:
			missing = append(missing, name)
		default:
			return nil, err
		}
	}
	slices.Sort(missing)
	return missing, nil
}
