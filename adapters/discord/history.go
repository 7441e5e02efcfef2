package discord

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// pageSize is the most that Discord gives at once.
const pageSize = 100

// rawMessage is a message of a page: its id is there even when the rest could not be read.
type rawMessage struct {
	message wireMessage
	err     error
}

// rawPage reads messages after an id, oldest first. Discord gives them newest first. One message that cannot be read
// does not cost the others.
func (a *Adapter) rawPage(ctx context.Context, channel, after string, limit int) ([]rawMessage, error) {
	q := url.Values{"limit": {strconv.Itoa(limit)}, "after": {after}}
	var raw []json.RawMessage
	c := call{method: http.MethodGet, route: "GET channels/messages", major: channel, path: "channels/" + channel + "/messages?" + q.Encode()}
	if err := a.rest.do(ctx, c, &raw); err != nil {
		return nil, err
	}
	out := make([]rawMessage, 0, len(raw))
	for _, r := range raw {
		var m rawMessage
		if m.err = json.Unmarshal(r, &m.message); m.err != nil {
			var id struct {
				ID string `json:"id"`
			}
			_ = json.Unmarshal(r, &id)
			m.message = wireMessage{ID: id.ID, ChannelID: channel}
		}
		out = append(out, m)
	}
	slices.SortFunc(out, func(x, y rawMessage) int {
		switch {
		case newer(y.message.ID, x.message.ID):
			return -1
		case newer(x.message.ID, y.message.ID):
			return 1
		}
		return 0
	})
	return out, nil
}

// Since reads what was said after the cursor. Messages of ours and of the platform itself are left out but move the
// cursor.
func (a *Adapter) Since(ctx context.Context, room core.RoomID, thread core.ThreadID, cursor core.MessageID, since time.Time, limit int) (events []core.Inbound, next core.MessageID, complete bool, err error) {
	guild, channel, err := parseRoom(room)
	if err != nil {
		return nil, cursor, false, err
	}
	if thread != "" {
		channel = string(thread)
	}
	if _, err := a.me(ctx); err != nil {
		return nil, cursor, false, err
	}
	after := string(cursor)
	if after == "" {
		after = snowflakeAt(since)
	}
	if !isSnowflake(channel) || !isSnowflake(after) {
		return nil, cursor, false, core.Errorf(core.CodeInvalid, "That is no place in Discord's history.")
	}
	next = cursor
	for limit > 0 {
		want := min(limit, pageSize)
		page, err := a.rawPage(ctx, channel, after, want)
		if err != nil {
			return events, next, false, err
		}
		for _, m := range page {
			if m.message.ID == "" {
				continue
			}
			after, next = m.message.ID, core.MessageID(m.message.ID)
			if m.err != nil {
				a.log.WarnContext(ctx, "message of the history not readable", "room", room, "message", m.message.ID, "error", m.err)
				continue
			}
			m.message.GuildID = guild
			in, err := a.messageInbound(ctx, m.message, false, true)
			if err != nil {
				return events, next, false, err
			}
			if in != nil {
				in.CatchUp = true
				events = append(events, *in)
			}
		}
		limit -= len(page)
		if len(page) < want {
			return events, next, true, nil
		}
	}
	return events, next, false, nil
}
