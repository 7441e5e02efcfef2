package slack

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// The formats below are a persisted contract: rooms are "slack:T01/C01", identities "slack:T01/U01"; a thread is the
// ts of its root, a message its own ts.

// maxID bounds an id of Slack's; theirs have some eleven characters.
const maxID = 40

// isID reports whether s could be an id of a team, a person or a channel.
func isID(s string) bool {
	return s != "" && len(s) <= maxID && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") == ""
}

func roomID(team, channel string) core.RoomID {
	if team == "" || channel == "" {
		return ""
	}
	return core.RoomID("slack:" + team + "/" + channel)
}

func identityID(team, user string) core.IdentityID {
	if team == "" || user == "" {
		return ""
	}
	return core.IdentityID("slack:" + team + "/" + user)
}

func splitID(platform core.PlatformName, local string) (team, rest string, err error) {
	team, rest, ok := strings.Cut(local, "/")
	if platform != core.Slack || !ok || !isID(team) || !isID(rest) {
		return "", "", core.Errorf(core.CodeInvalid, "That is no Slack id.").Because(fmt.Errorf("slack: bad id %q", local))
	}
	return team, rest, nil
}

func parseRoom(id core.RoomID) (team, channel string, err error) {
	return splitID(id.Platform(), id.Local())
}

func parseIdentity(id core.IdentityID) (team, user string, err error) {
	return splitID(id.Platform(), id.Local())
}

// parseTS reads a Slack timestamp, "1700000000.000100".
func parseTS(ts string) (time.Time, bool) {
	secs, frac, _ := strings.Cut(ts, ".")
	s, err := strconv.ParseInt(secs, 10, 64)
	if err != nil || s <= 0 || s > 1<<40 || len(frac) > 9 {
		return time.Time{}, false
	}
	n := int64(0)
	if frac != "" {
		u, err := strconv.ParseUint(frac+strings.Repeat("0", 9-len(frac)), 10, 32)
		if err != nil {
			return time.Time{}, false
		}
		n = int64(u)
	}
	return time.Unix(s, n).UTC(), true
}

// formatTS prints a time as a Slack timestamp, for the borders of a history read.
func formatTS(t time.Time) string {
	if t.IsZero() || t.Unix() < 0 {
		return ""
	}
	return fmt.Sprintf("%d.%06d", t.Unix(), t.Nanosecond()/1000)
}

// threadOf gives the thread that a message is in: empty for one that stands in the channel itself.
func threadOf(ts, threadTS string) core.ThreadID {
	if threadTS == "" || threadTS == ts {
		return ""
	}
	return core.ThreadID(threadTS)
}

// messageKey is the idempotency key of a message's creation; Slack's event_id differs between redeliveries of one
// message through two subscriptions, so it is not enough.
func messageKey(team, channel, ts string) core.InboundID {
	return core.InboundID("slack-msg-" + team + "/" + channel + "/" + ts)
}

// editKey adds a digest of the content: Slack dates edits in whole seconds, and two may fall into one.
func editKey(team, channel string, m *message) core.InboundID {
	parts := []string{m.Text}
	for _, f := range m.Files {
		parts = append(parts, f.ID, f.Mode)
	}
	return messageKey(team, channel, string(m.TS)) + core.InboundID("/edit-"+m.editedTS()+"-"+core.Digest(16, parts...))
}

// permalink builds the address of a channel, a thread or a message.
func permalink(base, channel, thread, msg string) string {
	link := strings.TrimSuffix(base, "/") + "/archives/" + channel
	if msg == "" {
		msg = thread
	}
	if msg == "" {
		return link
	}
	link += "/p" + strings.ReplaceAll(msg, ".", "")
	if thread != "" && thread != msg {
		link += "?thread_ts=" + thread + "&cid=" + channel
	}
	return link
}
