package slacksim

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// emojiTable names the emoji that people of this workspace type; Slack stores emoji by name.
var emojiTable = sync.OnceValue(func() map[string]string {
	return map[string]string{
		"👍": "+1", "👎": "-1", "❤️": "heart", "😀": "grinning", "😂": "joy", "😍": "heart_eyes", "😊": "blush", "😄": "smile", "😢": "cry", "😮": "open_mouth", "🤔": "thinking_face",
		"🎉": "tada", "🔥": "fire", "✨": "sparkles", "⭐": "star", "🚀": "rocket", "👀": "eyes", "🙏": "pray", "👏": "clap", "🙌": "raised_hands", "💯": "100", "✅": "white_check_mark",
		"❌": "x", "⚠️": "warning", "🎨": "art", "🖼️": "frame_with_picture", "🖌️": "lower_left_paintbrush", "📌": "pushpin", "📎": "paperclip", "🔁": "repeat", "🔍": "mag",
		"🕐": "clock1", "⏳": "hourglass_flowing_sand", "💬": "speech_balloon", "🆕": "new", "🔴": "red_circle", "🟢": "large_green_circle", "🟡": "large_yellow_circle", "🎲": "game_die",
		"🌱": "seedling", "🦊": "fox_face", "🐱": "cat", "🐶": "dog", "🌈": "rainbow", "🌟": "star2", "💡": "bulb", "🤖": "robot_face", "👋": "wave", "💙": "blue_heart",
	}
})

// emojiAt names the emoji at the start of t and says how many bytes it takes.
func emojiAt(t string) (string, int) {
	r, n := utf8.DecodeRuneInString(t)
	if r < 0x2300 {
		return "", 0
	}
	table := emojiTable()
	for _, tail := range []string{"\uFE0F", ""} {
		if strings.HasPrefix(t[n:], tail) {
			for _, key := range []string{t[:n] + "\uFE0F", t[:n]} {
				if name := table[key]; name != "" {
					return name, n + len(tail)
				}
			}
		}
	}
	return "", 0
}

// emojiCode gives the code points of a named emoji in Slack's spelling, or "".
func emojiCode(name string) string {
	for ch, n := range emojiTable() {
		if n == name {
			var parts []string
			for _, r := range ch {
				parts = append(parts, fmt.Sprintf("%x", r))
			}
			return strings.Join(parts, "-")
		}
	}
	return ""
}

func itoa(n int) string { return strconv.Itoa(n) }

func timeOf(unix int64) time.Time { return time.Unix(unix, 0) }
