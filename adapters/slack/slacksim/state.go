package slacksim

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxEphemerals bounds what one person keeps on screen.
const maxEphemerals = 200

// state is everything the workspace knows. The server's lock guards it.
type state struct {
	opt       *Options
	users     []*User
	userByID  map[string]*User
	channels  []*channel
	byID      map[string]*channel
	files     map[string]*File
	data      map[string][]byte
	ephemeral map[string][]*Message
	stacks    map[string][]*ModalView
	homes     map[string]*ModalView
	hooks     map[string]*hook
	lastTS    int64
}

// channel is a conversation with its messages in ts order and its threads.
type channel struct {
	Channel
	msgs    []*Message
	byTS    map[string]*Message
	threads map[string][]*Message
}

func newState(o *Options) *state {
	st := &state{opt: o, userByID: map[string]*User{}, byID: map[string]*channel{}, files: map[string]*File{}, data: map[string][]byte{},
		ephemeral: map[string][]*Message{}, stacks: map[string][]*ModalView{}, homes: map[string]*ModalView{}, hooks: map[string]*hook{}}
	for _, u := range o.Users {
		st.putUser(&u)
	}
	if st.userByID[o.BotUserID] == nil {
		st.putUser(&User{ID: o.BotUserID, Name: o.BotName, RealName: o.BotName, DisplayName: o.BotName, IsBot: true})
	}
	for _, c := range o.Channels {
		st.putChannel(&c)
	}
	return st
}

func (st *state) putUser(u *User) {
	c := *u
	setDefault(&c.RealName, c.Name)
	setDefault(&c.TZ, "UTC")
	setDefault(&c.Locale, "en-US")
	st.users = append(st.users, &c)
	st.userByID[c.ID] = &c
}

func (st *state) putChannel(c *Channel) *channel {
	cp := *c
	cp.Members = slices.Clone(c.Members)
	setDefault(&cp.Created, st.opt.Now().Unix())
	if old := st.byID[c.ID]; old != nil {
		old.Channel = cp
		return old
	}
	ch := &channel{Channel: cp, byTS: map[string]*Message{}, threads: map[string][]*Message{}}
	st.channels = append(st.channels, ch)
	st.byID[cp.ID] = ch
	return ch
}

func (c *channel) has(user string) bool { return slices.Contains(c.Members, user) }

// kind is the channel_type of events.
func (c *channel) kind() string {
	switch {
	case c.IsIM:
		return "im"
	case c.IsMPIM:
		return "mpim"
	case c.IsPrivate:
		return "group"
	}
	return "channel"
}

// payloadName is how interactions and commands name a conversation: private ones are not named.
func (c *channel) payloadName() string {
	switch {
	case c.IsIM:
		return "directmessage"
	case c.IsPrivate || c.IsMPIM:
		return "privategroup"
	}
	return c.Name
}

func byTS(m *Message, ts string) int { return cmp.Compare(m.TS, ts) }

func insert(list []*Message, m *Message) []*Message {
	i, found := slices.BinarySearchFunc(list, m.TS, byTS)
	if found {
		list[i] = m
		return list
	}
	return slices.Insert(list, i, m)
}

func remove(list []*Message, ts string) []*Message {
	if i, found := slices.BinarySearchFunc(list, ts, byTS); found {
		return slices.Delete(list, i, i+1)
	}
	return list
}

func (st *state) putMessage(m *Message) {
	c := st.byID[m.Channel]
	if c == nil {
		return
	}
	c.msgs = insert(c.msgs, m)
	c.byTS[m.TS] = m
	if m.IsReply() {
		c.threads[m.ThreadTS] = insert(c.threads[m.ThreadTS], m)
	}
}

func (st *state) dropMessage(ch, ts string) {
	c := st.byID[ch]
	if c == nil || c.byTS[ts] == nil {
		return
	}
	if m := c.byTS[ts]; m.IsReply() {
		c.threads[m.ThreadTS] = remove(c.threads[m.ThreadTS], ts)
	}
	c.msgs = remove(c.msgs, ts)
	delete(c.byTS, ts)
}

func (st *state) message(ch, ts string) *Message {
	if c := st.byID[ch]; c != nil {
		return c.byTS[ts]
	}
	return nil
}

func (st *state) putEphemeral(m *Message) {
	list := st.ephemeral[m.For]
	for i, old := range list {
		if old.Channel == m.Channel && old.TS == m.TS {
			list[i] = m
			return
		}
	}
	list = append(list, m)
	if len(list) > maxEphemerals {
		list = list[len(list)-maxEphemerals:]
	}
	st.ephemeral[m.For] = list
}

func (st *state) findEphemeral(ch, ts string) *Message {
	for _, list := range st.ephemeral {
		for _, m := range list {
			if m.Channel == ch && m.TS == ts {
				return m
			}
		}
	}
	return nil
}

func (st *state) dropEphemeral(ch, ts string) {
	for u, list := range st.ephemeral {
		st.ephemeral[u] = slices.DeleteFunc(list, func(m *Message) bool { return m.Channel == ch && m.TS == ts })
	}
}

// nextTS gives the next timestamp of the workspace: unique and growing, whatever the clock does.
func (st *state) nextTS() string {
	st.lastTS = max(st.lastTS+1, st.opt.Now().UnixMicro())
	return formatTS(st.lastTS)
}

func (st *state) seenTS(ts string) {
	if v, ok := parseTS(ts); ok {
		st.lastTS = max(st.lastTS, v)
	}
}

func formatTS(micros int64) string { return fmt.Sprintf("%d.%06d", micros/1e6, micros%1e6) }

// parseTS reads "seconds.micros"; it also takes whole seconds, as the history methods do.
func parseTS(ts string) (int64, bool) {
	sec, frac, _ := strings.Cut(ts, ".")
	s, err := strconv.ParseInt(sec, 10, 64)
	if err != nil || s < 0 || s > 1<<40 || len(frac) > 6 {
		return 0, false
	}
	frac += strings.Repeat("0", 6-len(frac))
	f, err := strconv.ParseInt(frac, 10, 64)
	if err != nil || f < 0 {
		return 0, false
	}
	return s*1e6 + f, true
}

// recount brings a root's thread summary up to date and reports whether anything changed.
func (c *channel) recount(root *Message) bool {
	replies := c.threads[root.TS]
	count, latest := len(replies), ""
	var users []string
	for _, r := range replies {
		u := cmp.Or(r.User, r.BotID)
		if !slices.Contains(users, u) && len(users) < 5 {
			users = append(users, u)
		}
		latest = r.TS
	}
	changed := root.ReplyCount != count || root.LatestReply != latest
	root.ReplyCount, root.ReplyUsers, root.LatestReply = count, users, latest
	root.ThreadTS = ""
	if count > 0 {
		root.ThreadTS = root.TS
	}
	return changed
}

const idAlphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"

func newID(prefix string) string { return prefix + randomString(10) }

func randomString(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	for i := range b {
		b[i] = idAlphabet[int(b[i])%len(idAlphabet)]
	}
	return string(b)
}

func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// newUUID is the shape of client_msg_id and envelope_id.
func newUUID() string {
	h := randomHex(16)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
}
