package studio

import (
	"slices"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// word is a state, a role or another word of a closed set: the words of these types are sentences of the catalogues.
func word[T ~string](w T) core.Saying { return core.Say(string(w)) }

// article is a role with what stands before it.
func article(r core.Role) core.Saying {
	switch r {
	case core.RoleAdmin:
		return core.Say("an admin")
	case core.RoleEditor:
		return core.Say("an editor")
	case core.RoleViewer:
		return core.Say("a viewer")
	}
	return core.Say("not a member")
}

// either joins names; there are one, two or three of them.
func either(names []string) core.Saying {
	if n := len(names); n > 1 {
		return core.Say("%s or %s", either(names[:n-1]), names[n-1])
	}
	return core.Say("%s", strings.Join(names, ""))
}

// manner says how an operation is done: a strength or a direction.
func manner(m string) core.Saying {
	switch m {
	case "subtle":
		return core.Say("subtle")
	case "strong":
		return core.Say("strong")
	case "creative":
		return core.Say("creative")
	case "left":
		return core.Say("left")
	case "right":
		return core.Say("right")
	case "up":
		return core.Say("up")
	case "down":
		return core.Say("down")
	}
	return core.Say("%s", m)
}

func pictures(n int) core.Saying { return core.SayN(n, "%d picture", "%d pictures", n) }

// facts says what a provider told of an account. Its words are the provider's, or those of its adapter.
func facts(l core.Lang, f core.AccountFacts) []string {
	var out []string
	for _, x := range []string{f.Scope, f.Plan, f.Balance} {
		if x != "" {
			out = append(out, inUnits(x).In(l))
		}
	}
	return out
}

// title is a text with a capital at its beginning.
func title(s string) string {
	if s == "" {
		return s
	}
	r := []rune(s)
	return strings.ToUpper(string(r[0])) + string(r[1:])
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// list joins sayings with commas.
func list(all []core.Saying) core.Saying {
	if n := len(all); n > 1 {
		return core.Say("%s, %s", list(all[:n-1]), all[n-1])
	}
	return all[0]
}

// zones are time zones that contain what was typed: one for each language of the world's business, and whichever exists by
// that very name.
func zones(typed string) []core.Choice {
	all := []string{"Europe/Paris", "Europe/London", "Europe/Berlin", "Europe/Brussels", "Europe/Zurich", "Europe/Madrid", "Europe/Rome", "Europe/Athens", "Europe/Kyiv", "Africa/Casablanca", "Africa/Dakar",
		"Africa/Lagos", "Africa/Johannesburg", "America/Montreal", "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Mexico_City", "America/Sao_Paulo", "America/Buenos_Aires",
		"Asia/Dubai", "Asia/Kolkata", "Asia/Singapore", "Asia/Shanghai", "Asia/Seoul", "Asia/Tokyo", "Australia/Sydney", "Pacific/Auckland", "Indian/Reunion", "UTC"}
	if loc, err := time.LoadLocation(typed); err == nil && typed != "" && loc != time.Local && !slices.Contains(all, typed) {
		all = append([]string{typed}, all...)
	}
	var out []core.Choice
	for _, z := range all {
		out = append(out, core.Choice{Label: z, Value: z})
	}
	return matching(out, typed)
}
