package discordsim

import (
	"encoding/base64"
	"net/http"
	"slices"
	"time"
)

// Interaction types and the types of their answers.
const (
	interPing = iota + 1
	interCommand
	interComponent
	interAutocomplete
	interModal
)

const (
	replyPong           = 1
	replyMessage        = 4
	replyDeferred       = 5
	replyDeferredUpdate = 6
	replyUpdate         = 7
	replyChoices        = 8
	replyModal          = 9
)

func (s *Server) interactionRoutes(rt *router) {
	rt.open("POST /interactions/:interaction/:token/callback", s.callback)
}

func (s *Server) newInteraction(typ int, user string, ch *channel) *interaction {
	id := s.newID()
	in := &interaction{ID: id, Type: typ, UserID: user, ChannelID: ch.ID, At: s.now(), done: make(chan struct{})}
	in.Token = base64.RawURLEncoding.EncodeToString([]byte("interaction:" + id + ":" + randomToken(48)))
	s.interactions[id] = in
	s.byToken[in.Token] = id
	s.interOrder = append(s.interOrder, id)
	for len(s.interOrder) > maxInteractions {
		old := s.interactions[s.interOrder[0]]
		delete(s.byToken, old.Token)
		delete(s.interactions, old.ID)
		s.interOrder = s.interOrder[1:]
	}
	return in
}

// interactionOf is the interaction whose token a webhook path carries.
func (s *Server) interactionOf(c *call) *interaction {
	if c.p["webhook"] != s.o.ApplicationID {
		return nil
	}
	return s.interactions[s.byToken[c.p["token"]]]
}

// live says whether the token of an interaction still opens its webhook.
func (s *Server) live(in *interaction) error {
	if in == nil {
		return errInvalidWebhookToken()
	}
	if s.now().Sub(in.At) >= tokenLife {
		return errInvalidWebhookToken()
	}
	if !in.Acked {
		return errUnknownWebhook()
	}
	return nil
}

func (s *Server) interactionSender(in *interaction) sender {
	return sender{user: s.o.BotUserID, inter: in, perms: PermAttachFiles | PermEmbedLinks, canUseUI: true, ephemeral: true}
}

func (s *Server) interactionMessage(c *call, in *interaction) (*message, error) {
	if err := s.live(in); err != nil {
		return nil, err
	}
	id := c.p["message"]
	if id == "@original" {
		id = in.OriginalID
	}
	m := s.messages[id]
	if m == nil || id != in.OriginalID && !slices.Contains(in.Own, id) {
		return nil, errUnknownMessage()
	}
	return m, nil
}

// answerable is the rule of three seconds and of one answer.
func (s *Server) answerable(in *interaction, token string) error {
	if in == nil || in.Token != token {
		return errUnknownInteraction()
	}
	if in.Acked {
		return fail(http.StatusBadRequest, 40060, "Interaction has already been acknowledged.")
	}
	if s.now().Sub(in.At) > s.o.AckWindow || in.failure != "" {
		return errUnknownInteraction()
	}
	return nil
}

func (s *Server) callback(t *tx, c *call) (int, any, error) {
	in := s.interactions[c.p["interaction"]]
	if err := s.answerable(in, c.p["token"]); err != nil {
		return 0, nil, err
	}
	m, err := t.respond(in, c)
	if err != nil {
		return 0, nil, err
	}
	if c.query("with_response") != "true" {
		return http.StatusNoContent, nil, nil
	}
	info := obj{"id": in.ID, "type": in.Type, "channel_id": in.ChannelID, "guild_id": s.home(s.channels[in.ChannelID]).ID}
	if ch := s.channels[in.ChannelID]; ch != nil && ch.isDM() {
		delete(info, "guild_id")
	}
	out := obj{"interaction": info}
	if m != nil {
		info["response_message_id"], info["response_message_loading"], info["response_message_ephemeral"] = m.ID, m.Flags&flagLoading != 0, m.Ephemeral != ""
		if in.Response == replyMessage || in.Response == replyUpdate {
			out["resource"] = obj{"type": in.Response, "message": s.messageJSON(m, s.o.BotUserID)}
		}
	}
	return http.StatusOK, out, nil
}

// respond carries out the answer to an interaction, whichever way it came.
func (t *tx) respond(in *interaction, c *call) (*message, error) {
	s := t.s
	typ := 0
	if !c.body.get("type", &typ) {
		return nil, invalid("BASE_TYPE_REQUIRED", "This field is required", "type")
	}
	allowed := map[int][]int{
		interCommand:      {replyMessage, replyDeferred, replyModal},
		interComponent:    {replyMessage, replyDeferred, replyDeferredUpdate, replyUpdate, replyModal},
		interAutocomplete: {replyChoices},
		interModal:        {replyMessage, replyDeferred},
	}[in.Type]
	if in.Type == interModal && in.MessageID != "" {
		allowed = append(allowed, replyDeferredUpdate, replyUpdate)
	}
	if !slices.Contains(allowed, typ) {
		return nil, invalid("INTERACTION_CALLBACK_TYPE_INVALID", "This callback type is not valid for this interaction", "type")
	}
	data := fields{}
	c.body.get("data", &data)
	inner := &call{r: c.r, version: c.version, body: data, files: c.files}
	var m *message
	var err error
	switch typ {
	case replyMessage:
		m, err = t.answerMessage(in, inner, true)
	case replyDeferred:
		m = t.deferMessage(in, data)
	case replyDeferredUpdate:
		in.OriginalID = in.MessageID
		m = s.messages[in.MessageID]
	case replyUpdate:
		if m = s.messages[in.MessageID]; m == nil {
			return nil, errUnknownMessage()
		}
		in.OriginalID = m.ID
		if err = t.revise(m, s.interactionSender(in), inner); err == nil {
			t.edited(m, true)
		}
	case replyChoices:
		err = readChoices(in, data)
	case replyModal:
		err = t.openModal(in, data)
	}
	if err != nil {
		return nil, err
	}
	if open := s.modals[in.UserID]; in.Type == interModal && open != nil && in.Trigger != nil && open.InteractionID == in.Trigger.ID {
		// A form stays open until the app has taken it.
		delete(s.modals, in.UserID)
		t.del(kindModal, in.UserID)
	}
	in.Acked, in.Response = true, typ
	t.put(kindInteraction, in.ID, in)
	t.touched = true
	t.after = append(t.after, func() { close(in.done) })
	return m, nil
}

func (s *Server) metaOf(in *interaction) *interactionMeta {
	m := &interactionMeta{ID: in.ID, Type: in.Type, UserID: in.UserID, Name: in.Command, Trigger: in.Trigger}
	if in.Type == interComponent {
		m.InteractedWith = in.MessageID
	}
	if in.Menu {
		m.TargetMessage = in.Target
	}
	return m
}

func (t *tx) answerType(in *interaction) (int, *reference) {
	switch {
	case in.Type == interCommand && in.Menu:
		return typeContextMenu, nil
	case in.Type == interCommand:
		return typeChatCommand, nil
	case in.MessageID != "":
		return typeReply, &reference{MessageID: in.MessageID, ChannelID: in.ChannelID, GuildID: t.guildOf(t.s.channels[in.ChannelID])}
	}
	return typeDefault, nil
}

// answerMessage posts a message through an interaction: its first answer, or a further one.
func (t *tx) answerMessage(in *interaction, c *call, first bool) (*message, error) {
	s := t.s
	ch := s.channels[in.ChannelID]
	if ch == nil {
		return nil, errUnknownChannel()
	}
	delete(c.body, "message_reference")
	delete(c.body, "nonce")
	d, err := t.compose(ch, s.interactionSender(in), c)
	if err != nil {
		return nil, err
	}
	m := &message{AuthorID: s.o.BotUserID, WebhookID: s.o.ApplicationID, ApplicationID: s.o.ApplicationID, Interaction: s.metaOf(in)}
	m.Type, m.Reference = t.answerType(in)
	if !first {
		m.Interaction.OriginalID = in.OriginalID
		m.Type = typeDefault
		if in.OriginalID != "" {
			m.Type, m.Reference = typeReply, &reference{MessageID: in.OriginalID, ChannelID: ch.ID, GuildID: t.guildOf(ch)}
		}
	}
	d.fill(m)
	if m.Flags&flagEphemeral != 0 {
		m.Ephemeral = in.UserID
	} else if err := t.openThread(ch, s.home(ch).OwnerID); err != nil {
		return nil, err
	}
	t.post(ch, m)
	in.Own = append(in.Own, m.ID)
	if first {
		in.OriginalID = m.ID
	}
	return m, nil
}

// deferMessage shows "is thinking". Of flags it knows the private one only.
func (t *tx) deferMessage(in *interaction, data fields) *message {
	s := t.s
	m := &message{AuthorID: s.o.BotUserID, WebhookID: s.o.ApplicationID, ApplicationID: s.o.ApplicationID, Interaction: s.metaOf(in), Flags: flagLoading}
	m.Type, m.Reference = t.answerType(in)
	var flags int
	if data.get("flags", &flags) && flags&flagEphemeral != 0 {
		m.Flags |= flagEphemeral
		m.Ephemeral = in.UserID
	}
	if ch := s.channels[in.ChannelID]; ch != nil {
		t.post(ch, m)
	}
	in.OriginalID = m.ID
	in.Own = append(in.Own, m.ID)
	return m
}

// followup is POST on an interaction's webhook. The first one after a deferral fills the deferral, whatever its flags say.
func (s *Server) followup(t *tx, c *call, in *interaction) (int, any, error) {
	if err := s.live(in); err != nil {
		return 0, nil, err
	}
	if o := s.messages[in.OriginalID]; o != nil && o.Flags&flagLoading != 0 {
		if err := t.revise(o, s.interactionSender(in), c); err != nil {
			return 0, nil, err
		}
		t.edited(o, false)
		return http.StatusOK, s.messageJSON(o, s.o.BotUserID), nil
	}
	if in.Response == replyChoices {
		return 0, nil, errUnknownWebhook()
	}
	m, err := t.answerMessage(in, c, false)
	if err != nil {
		return 0, nil, err
	}
	if in.OriginalID == "" {
		// After a modal the first further message is what @original means.
		in.OriginalID = m.ID
	}
	t.put(kindInteraction, in.ID, in)
	return http.StatusOK, s.messageJSON(m, s.o.BotUserID), nil
}

// expire shows a person that nothing answered in time.
func (s *Server) expire(id string) {
	_ = s.update(func(t *tx) error {
		if in := s.interactions[id]; in != nil && !in.Acked && in.failure == "" {
			in.failure = "The application did not respond"
			s.failures[in.UserID] = in.failure
			t.touched = true
			close(in.done)
		}
		return nil
	})
}

// watch gives an interaction its three seconds.
func (s *Server) watch(in *interaction) {
	s.work.Go(func() {
		timer := time.NewTimer(s.o.AckWindow)
		defer timer.Stop()
		select {
		case <-in.done:
		case <-timer.C:
			s.expire(in.ID)
		case <-s.ctx.Done():
		}
	})
}
