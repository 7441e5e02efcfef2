package discord

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

const (
	maxHooks       = 1000
	maxUsername    = 80
	maxAvatarURL   = 2048
	webhookName    = "Atelier"
	hookPerChannel = "discord/webhook-posts/"
	hookPosts      = 30
	hookWindow     = time.Minute
	// hookPace is the window of the limit that headers show, five posts in two seconds, with room for rounding.
	hookPace = 3 * time.Second
)

// hook is the app's webhook in a channel. Its token lives in memory only.
type hook struct {
	id    string
	token core.Secret
}

type hookSlot struct {
	mu  sync.Mutex
	now hook
}

// hooks remembers webhooks by channel, bounded.
type hooks struct {
	mu    sync.Mutex
	slots map[string]*hookSlot
	ids   map[string]bool // every webhook of ours that was seen
}

func newHooks() *hooks { return &hooks{slots: map[string]*hookSlot{}, ids: map[string]bool{}} }

func (h *hooks) slot(channel string) *hookSlot {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.slots[channel]
	if s == nil {
		if len(h.slots) >= maxHooks {
			clear(h.slots)
		}
		s = &hookSlot{}
		h.slots[channel] = s
	}
	return s
}

func (h *hooks) forget(channel string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.slots, channel)
}

func (h *hooks) note(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.ids) >= 10*maxHooks {
		clear(h.ids)
	}
	h.ids[id] = true
}

func (h *hooks) known(id string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ids[id]
}

type wireWebhook struct {
	ID            string `json:"id"`
	ApplicationID string `json:"application_id"`
	Token         string `json:"token"`
}

// hookOf finds the app's webhook in a channel, and makes it when there is none. One caller per channel asks.
func (a *Adapter) hookOf(ctx context.Context, channel string) (hook, error) {
	slot := a.hooks.slot(channel)
	slot.mu.Lock()
	defer slot.mu.Unlock()
	if slot.now.id != "" {
		return slot.now, nil
	}
	path := "channels/" + channel + "/webhooks"
	var list []wireWebhook
	if err := a.rest.do(ctx, call{method: http.MethodGet, route: "GET channels/webhooks", major: channel, path: path}, &list); err != nil {
		return hook{}, err
	}
	var found wireWebhook
	for _, w := range list {
		// The oldest of ours, so that two replicas that both made one agree afterwards.
		if w.ApplicationID == a.o.ApplicationID && w.Token != "" && isSnowflake(w.ID) && (found.ID == "" || newer(found.ID, w.ID)) {
			found = w
		}
	}
	if found.ID == "" {
		// A second webhook would do no harm: the list above finds the first one again.
		c := call{method: http.MethodPost, route: "POST channels/webhooks", major: channel, path: path, body: map[string]string{"name": webhookName}}
		if err := a.rest.do(ctx, c, &found); err != nil {
			return hook{}, err
		}
	}
	if !isSnowflake(found.ID) || found.Token == "" {
		return hook{}, core.Errorf(core.CodeRetry, "Discord gave no usable webhook.")
	}
	slot.now = hook{id: found.ID, token: core.NewSecret(found.Token)}
	a.hooks.note(found.ID)
	return slot.now, nil
}

// noHook says that there is no webhook to be had in a channel; the message can still go as the bot.
type noHook struct{ err error }

func (e *noHook) Error() string { return "no webhook: " + e.err.Error() }
func (e *noHook) Unwrap() error { return e.err }

// viaHook runs a call on the channel's webhook; one that Discord no longer knows is made anew, once.
func (a *Adapter) viaHook(ctx context.Context, channel string, do func(hook) error) error {
	for again := false; ; again = true {
		h, err := a.hookOf(ctx, channel)
		switch core.ErrorCode(err) {
		case "":
		case core.CodeForbidden, core.CodeNotFound, core.CodeGone, core.CodeUnsupp:
			return &noHook{err}
		default:
			return err
		}
		err = do(h)
		if code := apiCode(err); again || code != codeUnknownWebhook && code != codeInvalidToken {
			return err
		}
		a.log.InfoContext(ctx, "webhook is gone, looking for another", "channel", channel)
		a.hooks.forget(channel)
	}
}

// hookCall names a webhook's call. The limit is per webhook, whatever thread is meant; posts have a limit per channel
// beside it that no header shows.
func (a *Adapter) hookCall(ctx context.Context, h hook, channel, thread, method, message string) call {
	c := call{method: method, route: method + " webhooks", major: h.id, path: "webhooks/" + h.id + "/" + h.token.Reveal()}
	q := url.Values{}
	if message != "" {
		c.route += "/messages"
		c.path += "/messages/" + message
	} else {
		q.Set("wait", "true")
		c.eff = creating
		c.extra = hookPerChannel + channel
	}
	if thread != "" {
		q.Set("thread_id", thread)
	}
	if len(q) > 0 {
		c.path += "?" + q.Encode()
	}
	return c
}

// shownName is the name a mirrored message carries. Discord refuses names that contain its own.
func shownName(au core.Author) string {
	name := strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, au.Name))
	for _, bad := range []string{"discord", "clyde"} {
		for {
			i := strings.Index(strings.ToLower(name), bad)
			if i < 0 || i+2 > len(name) {
				break
			}
			name = name[:i+2] + "·" + name[i+2:]
		}
	}
	switch strings.ToLower(name) {
	case "":
		name = "Somebody"
	case "everyone", "here":
		name += "."
	}
	suffix := ""
	switch core.PlatformName(au.From) {
	case core.Discord, "":
	case core.Slack:
		suffix = " (Slack)"
	default:
		suffix = fmt.Sprintf(" (%s)", clip(au.From, 20))
	}
	return clip(name, maxUsername-units(suffix)) + suffix
}

// shownAvatar passes on pictures that Discord can fetch.
func (a *Adapter) shownAvatar(link string) string {
	if len(link) > maxAvatarURL {
		return ""
	}
	u, err := url.Parse(link)
	if err == nil && u.Scheme == a.api.Scheme && u.Host == a.api.Host || publicURL(link) {
		return link
	}
	return ""
}

// publicURL reports whether a link may lead anywhere but into a private network, as far as its text tells.
func publicURL(link string) bool {
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return false
	}
	host := u.Hostname()
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsGlobalUnicast() && !ip.IsPrivate()
	}
	return strings.Contains(host, ".") && !strings.HasSuffix(host, ".local") && !strings.HasSuffix(host, ".internal") && net.ParseIP(host) == nil
}
