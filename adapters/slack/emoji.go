package slack

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/atelier-bridge/atelier/adapters/internal/emojis"
	"github.com/atelier-bridge/atelier/core"
)

// slackNames are Slack's own names where the common table has none, or prefers another one.
func slackNames() map[string]string {
	return map[string]string{
		"thinking_face": "🤔", "heart": "❤️", "large_green_circle": "🟢", "large_yellow_circle": "🟡", "large_orange_circle": "🟠", "large_purple_circle": "🟣",
		"large_blue_circle": "🔵", "red_circle": "🔴", "fox_face": "🦊", "robot_face": "🤖", "hugging_face": "🤗", "face_with_rolling_eyes": "🙄", "slightly_smiling_face": "🙂",
		"upside_down_face": "🙃", "white_frowning_face": "☹️", "simple_smile": "🙂", "frame_with_picture": "🖼️", "lower_left_paintbrush": "🖌️", "lower_left_crayon": "🖍️",
		"the_horns": "🤘", "sign_of_the_horns": "🤘", "hand": "✋", "raised_hand": "✋", "raised_hand_with_fingers_splayed": "🖐️", "face_palm": "🤦", "shrug": "🤷",
		"partying_face": "🥳", "star-struck": "🤩", "exploding_head": "🤯", "face_with_monocle": "🧐", "zany_face": "🤪", "rolling_on_the_floor_laughing": "🤣",
		"nerd_face": "🤓", "money_mouth_face": "🤑", "zipper_mouth_face": "🤐", "face_with_thermometer": "🤒", "face_with_head_bandage": "🤕", "lying_face": "🤥",
		"nauseated_face": "🤢", "sneezing_face": "🤧", "face_vomiting": "🤮", "shushing_face": "🤫", "face_with_hand_over_mouth": "🤭", "warning": "⚠️", "heavy_check_mark": "✔️",
		"heavy_plus_sign": "➕", "heavy_minus_sign": "➖", "pencil": "📝", "memo": "📝", "pencil2": "✏️", "point_up": "☝️", "v": "✌️", "ok_hand": "👌", "fist": "✊",
		"facepunch": "👊", "punch": "👊", "hot_pepper": "🌶️", "camera_with_flash": "📸", "film_frames": "🎞️", "arrow_right": "➡️", "arrow_left": "⬅️", "arrow_up": "⬆️",
		"arrow_down": "⬇️", "rotating_light": "🚨", "eye": "👁️", "woman-shrugging": "🤷‍♀️", "man-shrugging": "🤷‍♂️", "woman-facepalming": "🤦‍♀️", "man-facepalming": "🤦‍♂️",
		"rainbow-flag": "🏳️‍🌈", "saluting_face": "🫡", "melting_face": "🫠", "heart_hands": "🫶", "collision": "💥", "boom": "💥", "satisfied": "😆", "laughing": "😆",
	}
}

var skinTone = regexp.MustCompile(`^(.+)::skin-tone-([2-6])$`)

// maxEmojiName is the longest name of an emoji that Slack takes.
const maxEmojiName = 100

// isEmojiName reports whether Slack could have an emoji of that name.
func isEmojiName(s string) bool {
	return s != "" && len(s) <= maxEmojiName && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_+'-") == ""
}

const (
	firstTone = '\U0001F3FB' // skin tone 2
	lastTone  = '\U0001F3FF' // skin tone 6
)

// unicodeOf returns the characters of a short name, "" for a custom emoji.
func unicodeOf(name string) string {
	tone := rune(0)
	if m := skinTone.FindStringSubmatch(name); m != nil {
		name = m[1]
		tone = firstTone + rune(m[2][0]-'2')
	}
	u := slackNames()[name]
	if u == "" {
		u = strings.TrimSpace(emojis.Codes()[":"+name+":"])
	}
	if u == "" && strings.HasPrefix(name, "flag-") {
		u = strings.TrimSpace(emojis.Codes()[":flag_"+name[len("flag-"):]+":"])
	}
	if u == "" || tone == 0 {
		return u
	}
	// The tone stands right behind the first character and takes the place of a variation selector.
	r := []rune(u)
	rest := r[1:]
	if len(rest) > 0 && rest[0] == 0xFE0F {
		rest = rest[1:]
	}
	return string(r[0]) + string(tone) + string(rest)
}

// emojiFromSlack reads a reaction's or rich text element's name.
func emojiFromSlack(name string) core.Emoji {
	return core.Emoji{Name: name, Unicode: unicodeOf(name)}
}

// maxCandidates bounds how many names are tried for one emoji.
const maxCandidates = 4

// slackEmoji returns Slack's possible short names of an emoji, the most likely one first.
func slackEmoji(e core.Emoji) []string {
	if e.Unicode == "" {
		if name := strings.ToLower(e.Name); isEmojiName(name) {
			return []string{name}
		}
		return nil
	}
	plain, tone := untone(e.Unicode)
	var own, common []string
	for name, u := range slackNames() {
		if bare(u) == bare(plain) {
			own = append(own, name)
		}
	}
	byCode := emojis.Names()
	for _, form := range []string{plain, bare(plain), bare(plain) + "\uFE0F"} {
		for _, c := range byCode[form] {
			common = append(common, strings.Trim(c, ":"))
		}
	}
	// Slack's names follow the older, shorter set.
	shorter := func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	}
	slices.SortFunc(own, strings.Compare)
	slices.SortStableFunc(common, shorter)
	var out []string
	for _, n := range append(own, common...) {
		if strings.HasPrefix(n, "flag_") {
			n = "flag-" + n[len("flag_"):]
		}
		if isEmojiName(n) && !slices.Contains(out, n) && len(out) < maxCandidates {
			out = append(out, n)
		}
	}
	if tone > 0 {
		for i := range out {
			out[i] += "::skin-tone-" + strconv.Itoa(tone)
		}
	}
	return out
}

// untone takes a skin tone out; tone is 2 to 6, 0 for none.
func untone(u string) (plain string, tone int) {
	var b strings.Builder
	for _, r := range u {
		if r >= firstTone && r <= lastTone {
			tone = int(r-firstTone) + 2
			continue
		}
		b.WriteRune(r)
	}
	return b.String(), tone
}

func bare(u string) string { return strings.ReplaceAll(u, "\uFE0F", "") }
