package demo

import "strings"

// Environ is the configuration of this world's Atelier as variables, for a program of its own beside the platforms.
func (w *World) Environ() []string {
	c := w.cfg
	var rooms []string
	for key, list := range c.Rooms {
		var ids []string
		for _, id := range list {
			ids = append(ids, string(id))
		}
		rooms = append(rooms, string(key)+"="+strings.Join(ids, ","))
	}
	names := make([]string, 0, len(c.Providers))
	for _, n := range c.Providers {
		names = append(names, string(n))
	}
	admins := make([]string, 0, len(c.Admins))
	for _, id := range c.Admins {
		admins = append(admins, string(id))
	}
	out := []string{
		"ATELIER_ADDR=127.0.0.1:0", "ATELIER_OPS_ADDR=127.0.0.1:0", "ATELIER_REDIS_URL=" + c.RedisURL, "ATELIER_BLOB_URL=" + c.BlobURL, "ATELIER_KEYS=" + strings.Join(c.Keys, ","),
		"ATELIER_SLACK_BOT_TOKEN=" + c.Slack.BotToken.Reveal(), "ATELIER_SLACK_APP_TOKEN=" + c.Slack.AppToken.Reveal(), "ATELIER_SLACK_API_URL=" + c.Slack.APIURL,
		"ATELIER_DISCORD_BOT_TOKEN=" + c.Discord.BotToken.Reveal(), "ATELIER_DISCORD_APPLICATION_ID=" + c.Discord.ApplicationID, "ATELIER_DISCORD_API_URL=" + c.Discord.APIURL,
		"ATELIER_ROOMS=" + strings.Join(rooms, ";"), "ATELIER_PROVIDERS=" + strings.Join(names, ","), "ATELIER_ADMINS=" + strings.Join(admins, ","), "ATELIER_DRAIN=" + c.Drain.String(),
	}
	var teams []string
	for _, t := range c.Slack.More {
		teams = append(teams, t.Name)
		v := "ATELIER_SLACK_" + strings.ToUpper(t.Name)
		out = append(out, v+"_BOT_TOKEN="+t.BotToken.Reveal(), v+"_APP_TOKEN="+t.AppToken.Reveal(), v+"_SIGNING_SECRET="+t.SigningSecret.Reveal())
	}
	out = append(out, "ATELIER_SLACK_TEAMS="+strings.Join(teams, ","))
	if c.Slack.Installable() {
		out = append(out, "ATELIER_SLACK_CLIENT_ID="+c.Slack.ClientID, "ATELIER_SLACK_CLIENT_SECRET="+c.Slack.ClientSecret.Reveal(), "ATELIER_SLACK_SIGNING_SECRET="+c.Slack.SigningSecret.Reveal())
	}
	for name, url := range c.ProviderURLs {
		if url != "" {
			out = append(out, "ATELIER_"+strings.ToUpper(string(name))+"_URL="+url)
		}
	}
	return out
}
