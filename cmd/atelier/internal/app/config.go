// Package app is the composition root: it reads the configuration, builds every part and starts and stops them. It is
// the only package that imports everything.
package app

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/kelseyhightower/envconfig"

	"github.com/atelier-bridge/atelier/adapters/discord"
	"github.com/atelier-bridge/atelier/adapters/vault"
	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/query"
	"github.com/atelier-bridge/atelier/feedback/rdb"
)

// raw is what the environment says, as text: envconfig would stop at the first fault, and we name them all.
// Field names are spelled so that split_words makes the documented variables.
type raw struct {
	Addr      string `split_words:"true" default:":8080" desc:"platform callbacks, board"`
	OpsAddr   string `split_words:"true" default:":9090" desc:"/healthz /readyz /metrics"`
	PublicUrl string `split_words:"true" desc:"how people reach ATELIER_ADDR"`

	RedisUrl  string `split_words:"true" desc:"redis://, rediss://"`
	RedisMode string `split_words:"true" default:"single" desc:"single, sentinel or cluster"`
	RedisWait string `split_words:"true" default:"0" desc:"replicas that must have an event before it is acknowledged"`
	BlobUrl   string `split_words:"true" default:"file:///var/lib/atelier/blobs?create_dir=1&no_tmp_dir=1" desc:"gocloud.dev/blob URL"`
	Keys      string `split_words:"true" desc:"keeper URLs, the first seals; make one with: atelier keys new"`

	SlackBotToken      string `split_words:"true" desc:"xoxb-..."`
	SlackAppToken      string `split_words:"true" desc:"xapp-...: Socket Mode"`
	SlackSigningSecret string `split_words:"true" desc:"signed HTTP at /slack/events /slack/commands /slack/interactions"`
	SlackClientId      string `split_words:"true" desc:"client id of an app that teams install by themselves, instead of a bot token"`
	SlackClientSecret  string `split_words:"true" desc:"its client secret; it needs the signing secret and the public URL too"`
	SlackTeams         string `split_words:"true" desc:"names of further teams, such as beta,gamma; each has ATELIER_SLACK_BETA_BOT_TOKEN, _APP_TOKEN, _SIGNING_SECRET"`
	SlackApiUrl        string `split_words:"true" default:"https://slack.com/api/" desc:"Slack's API"`
	SlackHistory       string `split_words:"true" default:"normal" desc:"normal, or slow: histories once a minute, as Slack limits apps sold outside its Marketplace"`

	DiscordBotToken      string `split_words:"true" desc:"bot token"`
	DiscordApplicationId string `split_words:"true" desc:"application id"`
	DiscordPublicKey     string `split_words:"true" desc:"interactions over HTTP at /discord/interactions; otherwise the gateway"`
	DiscordApiUrl        string `split_words:"true" default:"https://discord.com/api/v10" desc:"Discord's API"`
	DiscordShards        string `split_words:"true" default:"0" desc:"gateway connections in all; 0 is what Discord recommends"`

	OpenaiUrl       string `split_words:"true" default:"https://api.openai.com/v1" desc:"OpenAI's API"`
	OpenrouterUrl   string `split_words:"true" default:"https://openrouter.ai" desc:"OpenRouter"`
	GeminiUrl       string `split_words:"true" default:"https://generativelanguage.googleapis.com" desc:"Gemini's API"`
	StabilityUrl    string `split_words:"true" default:"https://api.stability.ai" desc:"Stability AI's API"`
	BflUrl          string `split_words:"true" default:"https://api.bfl.ai" desc:"Black Forest Labs' API"`
	SelfhostedUrl   string `split_words:"true" desc:"a server of your own, needed for the provider selfhosted"`
	SelfhostedShape string `split_words:"true" default:"sdserver" desc:"what it speaks: openai, a1111 or sdserver"`
	ProviderData    string `split_words:"true" desc:"folder of PROVIDER.json files that replace the built-in models, prices and terms"`

	Providers       string `split_words:"true" default:"midjourney,sketch" desc:"which are offered"`
	DefaultProvider string `split_words:"true" default:"sketch" desc:"for people who chose none"`
	Rooms           string `split_words:"true" desc:"ACME=slack:T01/C01,discord:G01/C02;... bound at start"`
	Admins          string `split_words:"true" desc:"slack:T01/U01,discord:123 first admins"`

	LogLevel string `split_words:"true" default:"info" desc:"debug, info, warn or error"`
	Drain    string `split_words:"true" default:"10s" desc:"how long a run that may bill goes on after SIGTERM"`

	CatchUpAge      string `split_words:"true" default:"168h" desc:"how far back threads are read again after a gap"`
	CatchUpMessages string `split_words:"true" default:"1000" desc:"messages of one thread read again for edits, deletions and reactions"`

	SketchDelay string `split_words:"true" default:"0s" desc:"how long the sketcher pretends to work"`

	teams map[string]rawTeam // by name; envconfig leaves it alone
}

const prefix = "ATELIER"

// Config is the checked configuration.
type Config struct {
	Addr, OpsAddr string
	PublicURL     string

	RedisURL    string // empty: embedded, for demo and tests only
	RedisMode   rdb.Mode
	RedisPrefix string // for tests
	RedisWait   int    // replicas that must have an inbound before it is acknowledged
	BlobURL     string
	Keys        []string

	Slack   SlackConfig
	Discord DiscordConfig

	ProviderURLs    map[core.ProviderName]string
	SelfhostedShape string
	ProviderData    string // folder of files that replace what is built in
	Providers       []core.ProviderName
	DefaultProvider core.ProviderName
	Rooms           map[core.ProjectKey][]core.RoomID
	Admins          []core.IdentityID

	LogLevel string
	Drain    time.Duration

	CatchUpAge      time.Duration
	CatchUpMessages int

	// Unread are variables that look like ours and are not, each with what may be meant.
	Unread []string

	SketchDelay time.Duration
	SketchSide  int // pixels; 0 is the sketcher's own; for tests

	// Version and Commit are the build's, for metrics and traces.
	Version, Commit string

	HandoutLimits core.HandoutLimits // zero is core.DefaultHandoutLimits; for tests

	LocalPublic bool // pages are reached at the address that is listened on; for the demo and tests

	Unpaced bool // for benchmarks: no limit is kept
}

// SlackConfig is Slack; the zero value means that it is not connected.
type SlackConfig struct {
	BotToken, AppToken, SigningSecret core.Secret // of the first team's app
	More                              []SlackTeam
	APIURL                            string
	SlowHistory                       bool // Slack's harshest limit for histories
	// ClientID and ClientSecret are of an app that teams install by themselves.
	ClientID     string
	ClientSecret core.Secret
}

// Enabled reports whether Slack is configured.
func (c SlackConfig) Enabled() bool { return !c.BotToken.IsZero() || c.Installable() }

// Installable reports whether teams install the app by themselves.
func (c SlackConfig) Installable() bool { return c.ClientID != "" }

// DiscordConfig is one Discord application; the zero value means that Discord is not connected.
type DiscordConfig struct {
	BotToken      core.Secret
	ApplicationID string
	PublicKey     string
	APIURL        string
	Shards        int // gateway connections in all; 0: as many as Discord recommends
}

// Enabled reports whether Discord is configured.
func (c DiscordConfig) Enabled() bool { return !c.BotToken.IsZero() }

// known are the providers that can be offered.
func known() []core.ProviderName {
	return []core.ProviderName{"midjourney", "sketch", "openai", "openrouter", "gemini", "stability", "bfl", "selfhosted"}
}

// forbidden are variables that provider libraries would read by themselves: somebody's jobs would run on the server's
// account. The cloud credentials of blob stores and keepers are not among them.
func forbidden() []string {
	return []string{"OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_BASE_URL", "GOOGLE_API_KEY", "GEMINI_API_KEY"}
}

// LoadConfig reads the environment and reports all faults at once.
func LoadConfig() (Config, error) {
	var r raw
	if err := envconfig.Process(prefix, &r); err != nil {
		return Config{}, err
	}
	var err error
	if r.teams, err = teamVariables(r.SlackTeams); err != nil {
		return Config{}, err
	}
	c, err := r.check(os.Environ())
	c.Unread = unread(os.Environ())
	return c, err
}

// faults collects what is wrong.
type faults []error

// ConfigError is every fault of a configuration, one line each.
type ConfigError []error

// Error lists the faults.
func (e ConfigError) Error() string { return errors.Join(e...).Error() }

// Unwrap returns the faults.
func (e ConfigError) Unwrap() []error { return e }

func (f *faults) add(format string, args ...any) { *f = append(*f, fmt.Errorf(format, args...)) }

func (r raw) check(environ []string) (Config, error) {
	var bad faults
	c := Config{Addr: r.Addr, OpsAddr: r.OpsAddr, PublicURL: strings.TrimSuffix(r.PublicUrl, "/"), RedisURL: r.RedisUrl, RedisMode: rdb.Mode(r.RedisMode), BlobURL: r.BlobUrl, LogLevel: r.LogLevel}
	for _, e := range environ {
		name, _, _ := strings.Cut(e, "=")
		if slices.Contains(forbidden(), name) || strings.HasPrefix(name, "GOOGLE_GENAI_") {
			bad.add("%s is set: a server-wide key would pay for other people's pictures; unset it", name)
		}
	}
	for name, addr := range map[string]string{"ATELIER_ADDR": r.Addr, "ATELIER_OPS_ADDR": r.OpsAddr} {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			bad.add("%s=%q is no address: write :8080 or 127.0.0.1:8080", name, addr)
		}
	}
	checkURL(&bad, "ATELIER_PUBLIC_URL", c.PublicURL, true, "http", "https")
	if r.RedisUrl == "" {
		bad.add("ATELIER_REDIS_URL is missing: start a Redis with \"redis-server --appendonly yes\" and set redis://127.0.0.1:6379")
	} else if _, err := rdb.Dial(r.RedisUrl, c.RedisMode); err != nil {
		bad.add("ATELIER_REDIS_URL or ATELIER_REDIS_MODE: %w", err)
	}
	c.Keys = strings.FieldsFunc(r.Keys, separator)
	if len(c.Keys) == 0 {
		bad.add("ATELIER_KEYS is missing: make one with \"atelier keys new\" and keep it safe, without it sealed accounts cannot be opened")
	}
	for i, k := range c.Keys {
		if err := vault.Check(k); err != nil {
			bad.add("ATELIER_KEYS: key %d %w", i+1, err)
		}
	}
	r.checkSlack(&c, &bad, environ)
	c.Discord = DiscordConfig{core.NewSecret(strings.TrimPrefix(r.DiscordBotToken, "Bot ")), r.DiscordApplicationId, r.DiscordPublicKey, strings.TrimSuffix(r.DiscordApiUrl, "/"), 0}
	var err error
	if c.Discord.Shards, err = strconv.Atoi(r.DiscordShards); err != nil || c.Discord.Shards < 0 || c.Discord.Shards > discord.MaxShards {
		bad.add("ATELIER_DISCORD_SHARDS=%q: write a number from 0 to %d", r.DiscordShards, discord.MaxShards)
	}
	checkURL(&bad, "ATELIER_DISCORD_API_URL", c.Discord.APIURL, false, "http", "https")
	if c.Discord.Enabled() && c.Discord.ApplicationID == "" {
		bad.add("ATELIER_DISCORD_APPLICATION_ID is missing: it stands on the application's page under General Information")
	}
	if !c.Slack.Enabled() && !c.Discord.Enabled() {
		bad.add("neither ATELIER_SLACK_BOT_TOKEN nor ATELIER_DISCORD_BOT_TOKEN is set: there is nobody to talk to; \"atelier demo\" needs neither")
	}
	r.checkProviders(&c, &bad)
	c.Rooms = parseRooms(&bad, r.Rooms)
	for _, s := range strings.FieldsFunc(r.Admins, separator) {
		id := core.IdentityID(s)
		if id.Local() == "" || id.Platform() != core.Slack && id.Platform() != core.Discord {
			bad.add("ATELIER_ADMINS: %q is no person: write slack:T01/U01 or discord:123", s)
		}
		c.Admins = append(c.Admins, id)
	}
	c.Drain = duration(&bad, "ATELIER_DRAIN", r.Drain)
	if n, err := strconv.Atoi(r.RedisWait); err != nil || n < 0 || n > 10 {
		bad.add("ATELIER_REDIS_WAIT=%q: write a number from 0 to 10", r.RedisWait)
	} else {
		c.RedisWait = n
	}
	c.CatchUpAge = duration(&bad, "ATELIER_CATCH_UP_AGE", r.CatchUpAge)
	if c.CatchUpMessages, _ = strconv.Atoi(r.CatchUpMessages); c.CatchUpMessages < 1 || c.CatchUpMessages > 100_000 {
		bad.add("ATELIER_CATCH_UP_MESSAGES=%q: write a number from 1 to 100000", r.CatchUpMessages)
	}
	c.SketchDelay = duration(&bad, "ATELIER_SKETCH_DELAY", r.SketchDelay)
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, r.LogLevel) {
		bad.add("ATELIER_LOG_LEVEL=%q: use debug, info, warn or error", r.LogLevel)
	}
	if len(bad) > 0 {
		return c, ConfigError(bad)
	}
	return c, nil
}

func separator(r rune) bool { return r == ',' || r == ' ' || r == '\n' }

func (r raw) checkProviders(c *Config, bad *faults) {
	c.ProviderURLs, c.SelfhostedShape, c.ProviderData = map[core.ProviderName]string{}, r.SelfhostedShape, r.ProviderData
	for name, u := range map[core.ProviderName]string{"openai": r.OpenaiUrl, "openrouter": r.OpenrouterUrl, "gemini": r.GeminiUrl, "stability": r.StabilityUrl, "bfl": r.BflUrl, "selfhosted": r.SelfhostedUrl} {
		c.ProviderURLs[name] = strings.TrimSuffix(u, "/")
		checkURL(bad, "ATELIER_"+strings.ToUpper(string(name))+"_URL", u, name == "selfhosted", "http", "https")
	}
	if !slices.Contains([]string{"openai", "a1111", "sdserver"}, r.SelfhostedShape) {
		bad.add("ATELIER_SELFHOSTED_SHAPE=%q: use openai, a1111 or sdserver", r.SelfhostedShape)
	}
	if r.ProviderData != "" {
		if info, err := os.Stat(r.ProviderData); err != nil || !info.IsDir() {
			bad.add("ATELIER_PROVIDER_DATA=%q is no folder", r.ProviderData)
		}
	}
	for _, s := range strings.FieldsFunc(r.Providers, separator) {
		name := core.ProviderName(strings.ToLower(s))
		if !slices.Contains(known(), name) {
			bad.add("ATELIER_PROVIDERS: there is no provider %q; there are %v", s, known())
			continue
		}
		if name == "selfhosted" && r.SelfhostedUrl == "" {
			bad.add("ATELIER_SELFHOSTED_URL is missing: the provider selfhosted has no address of its own")
		}
		c.Providers = append(c.Providers, name)
	}
	c.DefaultProvider = core.ProviderName(strings.ToLower(r.DefaultProvider))
	if !slices.Contains(c.Providers, c.DefaultProvider) {
		bad.add("ATELIER_DEFAULT_PROVIDER=%q is not among ATELIER_PROVIDERS", r.DefaultProvider)
	}
}

func parseRooms(bad *faults, s string) map[core.ProjectKey][]core.RoomID {
	out := map[core.ProjectKey][]core.RoomID{}
	for _, part := range strings.Split(s, ";") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		key, list, _ := strings.Cut(part, "=")
		project, err := core.ParseProjectKey(key)
		if err != nil {
			bad.add("ATELIER_ROOMS: %q: %s Write ACME=slack:T01/C01,discord:G01/C02;...", part, core.SafeMessage(err))
			continue
		}
		for _, r := range strings.FieldsFunc(list, separator) {
			id := core.RoomID(r)
			if team, ch, ok := strings.Cut(id.Local(), "/"); !ok || team == "" || ch == "" || id.Platform() != core.Slack && id.Platform() != core.Discord {
				bad.add("ATELIER_ROOMS: %q is no room: write slack:T01/C01 or discord:G01/C02", r)
				continue
			}
			out[project] = append(out[project], id)
		}
	}
	return out
}

func duration(bad *faults, name, s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		bad.add("%s=%q is no duration: write 10s or 3m", name, s)
	}
	return d
}

func checkURL(bad *faults, name, s string, optional bool, schemes ...string) {
	if s == "" && optional {
		return
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || !slices.Contains(schemes, u.Scheme) {
		bad.add("%s is no URL of the form https://host", name)
	}
}

func withSlash(s string) string {
	if s == "" || strings.HasSuffix(s, "/") {
		return s
	}
	return s + "/"
}

// unread finds variables that begin as ours do and that nothing reads, most often because a letter is wrong, and says of
// each what may be meant. What Kubernetes and tests set is passed over.
func unread(environ []string) []string {
	var names, out []string
	for _, n := range strings.Fields(usage("{{range .}}{{usage_key .}}\n{{end}}")) {
		names = append(names, strings.TrimPrefix(n, prefix+"_"))
	}
	for _, e := range environ {
		name, value, _ := strings.Cut(e, "=")
		ours, found := strings.CutPrefix(name, prefix+"_")
		if !found || value == "" || slices.Contains(names, ours) || foreign.MatchString(name) || teamVariable.MatchString(e) {
			continue
		}
		what := name + " is not read by anything"
		if near := query.Near(ours, names, 1); len(near) > 0 {
			what += ": is " + prefix + "_" + near[0] + " meant?"
		}
		out = append(out, what)
	}
	slices.Sort(out)
	return out
}

// foreign are variables of services that Kubernetes describes to its pods, of tests, and of the commands that read their own.
var foreign = regexp.MustCompile(`_SERVICE_(?:HOST|PORT)(?:_|$)|_PORT(?:_|$)|^ATELIER_(?:TEST_.*|BROWSER|SPECS|CHAOS|BENCH_LONG|SHOW_DRAWN|EXPORT_PASSPHRASE|IMAGE)$`)

// Usage is the table of variables that "atelier serve -h" prints.
func Usage() string {
	return usage("{{range .}}{{usage_key .}}\t{{usage_default .}}\t{{usage_description .}}\n{{end}}")
}

// usage says something of each variable.
func usage(format string) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	if err := envconfig.Usagef(prefix, &raw{}, w, format); err != nil {
		return err.Error()
	}
	_ = w.Flush()
	return b.String()
}
