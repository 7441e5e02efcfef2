package discord

import (
	"strconv"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

const (
	idPrefix = string(core.Discord) + ":"
	// epochMillis is where Discord's ids begin to count time.
	epochMillis = 1420070400000
)

// roomID builds "discord:GUILD/CHANNEL".
func roomID(guild, channel string) core.RoomID { return core.RoomID(idPrefix + guild + "/" + channel) }

// identityID builds "discord:USER".
func identityID(user string) core.IdentityID { return core.IdentityID(idPrefix + user) }

// roleName is how a Discord role is written in role mappings: "discord:@ROLE".
func roleName(role string) string { return idPrefix + "@" + role }

// parseRoom splits what roomID built.
func parseRoom(id core.RoomID) (guild, channel string, err error) {
	guild, channel, ok := strings.Cut(id.Local(), "/")
	if id.Platform() != core.Discord || !ok || !isSnowflake(guild) || !isSnowflake(channel) {
		return "", "", core.Errorf(core.CodeInvalid, "A Discord room is named like discord:SERVER/CHANNEL.")
	}
	return guild, channel, nil
}

// parseIdentity returns the user id in an identity.
func parseIdentity(id core.IdentityID) (user string, err error) {
	if id.Platform() != core.Discord || !isSnowflake(id.Local()) {
		return "", core.Errorf(core.CodeInvalid, "A Discord person is named like discord:USER.")
	}
	return id.Local(), nil
}

// isSnowflake guards every place where an id becomes part of a URL.
func isSnowflake(s string) bool {
	if len(s) == 0 || len(s) > 20 {
		return false
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// newer compares ids by age without trusting them to fit a number.
func newer(a, b string) bool {
	if len(a) != len(b) {
		return len(a) > len(b)
	}
	return a > b
}

// snowflakeAt returns the smallest id of a moment, for asking what came after it.
func snowflakeAt(t time.Time) string {
	return strconv.FormatInt(max(t.UnixMilli()-epochMillis, 0)<<22, 10)
}

// snowflakeTime returns when an id was made; the zero time when it is none.
func snowflakeTime(id string) time.Time {
	n, err := strconv.ParseUint(id, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(int64(n>>22) + epochMillis).UTC()
}

// messageKey is the idempotency key of a message; an edit adds when it was edited.
func messageKey(channel, message, edited string) core.InboundID {
	key := "discord-msg-" + channel + "/" + message
	if edited != "" {
		key += "@" + edited
	}
	return core.InboundID(key)
}
