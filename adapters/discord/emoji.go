package discord

import (
	"net/url"
	"strings"
	"sync"

	"github.com/atelier-bridge/atelier/adapters/internal/emojis"
	"github.com/atelier-bridge/atelier/core"
)

// emojiTable translates between short names and Unicode. It is built when it is first needed.
type emojiTable struct {
	once sync.Once
	code map[string]string // name -> Unicode
	name map[string]string // Unicode without variation selectors -> shortest name
	full map[string]string // Unicode without variation selectors -> as Discord wants it
}

func newEmojiTable() *emojiTable { return &emojiTable{} }

func (t *emojiTable) load() {
	t.once.Do(func() {
		t.code, t.name, t.full = map[string]string{}, map[string]string{}, map[string]string{}
		for short, u := range emojis.Codes() {
			short, u = strings.Trim(short, ":"), strings.TrimSpace(u)
			t.code[short] = u
			b := bare(u)
			if old, ok := t.name[b]; !ok || len(short) < len(old) || len(short) == len(old) && short < old {
				t.name[b] = short
			}
			if len(u) > len(t.full[b]) {
				t.full[b] = u
			}
		}
		// Names that Slack uses and the table does not know.
		for slack, short := range map[string]string{"thumbsup": "+1", "thumbsdown": "-1", "simple_smile": "slightly_smiling_face", "white_tick": "white_check_mark"} {
			if t.code[slack] == "" {
				t.code[slack] = t.code[short]
			}
		}
	})
}

func bare(u string) string {
	return strings.Map(func(r rune) rune {
		if r == 0xFE0F || r == 0xFE0E {
			return -1
		}
		return r
	}, u)
}

// inbound describes a reaction's emoji.
func (t *emojiTable) inbound(e wireEmoji) core.Emoji {
	if e.ID != "" {
		return core.Emoji{Name: e.Name}
	}
	t.load()
	return core.Emoji{Name: t.name[bare(e.Name)], Unicode: e.Name}
}

// unicode returns an emoji's Unicode form, fully qualified, "" when it has none.
func (t *emojiTable) unicode(e core.Emoji) string {
	t.load()
	u := e.Unicode
	if u == "" {
		u = t.code[e.Name]
	}
	if full, ok := t.full[bare(u)]; ok {
		return full
	}
	return u
}

// reactionPath is an emoji as it stands in a URL: Unicode, or a custom one of that server.
func (a *Adapter) reactionPath(guild string, e core.Emoji) (string, error) {
	if u := a.emoji.unicode(e); u != "" {
		return url.PathEscape(u), nil
	}
	if id := a.world.emojiID(guild, e.Name); id != "" {
		return url.PathEscape(e.Name + ":" + id), nil
	}
	return "", core.Errorf(core.CodeUnsupp, "Discord has no emoji :%s:.", e.Name)
}

// custom looks up an emoji of a server for text.
func (a *Adapter) custom(guild string) func(string) string {
	return func(name string) string {
		if id := a.world.emojiID(guild, name); id != "" {
			return "<:" + name + ":" + id + ">"
		}
		return a.emoji.unicode(core.Emoji{Name: name})
	}
}
