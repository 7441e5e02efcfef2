package discordsim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Action is one thing that a person does in their client.
type Action struct {
	// As is the user id of who acts.
	As string `json:"as"`
	// Do is say, edit, delete, react, unreact, typing, command, autocomplete, menu, press, select, submit, close, thread, archive, unarchive,
	// dm, post_as_app or edit_as_app.
	Do      string `json:"do"`
	Channel string `json:"channel,omitempty"`
	Message string `json:"message,omitempty"`
	Text    string `json:"text,omitempty"`
	ReplyTo string `json:"reply_to,omitempty"`
	Emoji   string `json:"emoji,omitempty"`
	// Command is the whole path, such as "atelier imagine", or the name of a context menu entry.
	Command string         `json:"command,omitempty"`
	Options map[string]any `json:"options,omitempty"`
	// Focused names the option that autocomplete asks about.
	Focused  string   `json:"focused,omitempty"`
	CustomID string   `json:"custom_id,omitempty"`
	Values   []string `json:"values,omitempty"`
	// Fields fill a form, by custom id; FieldValues do for selects and checkbox groups.
	Fields      map[string]string   `json:"fields,omitempty"`
	FieldValues map[string][]string `json:"field_values,omitempty"`
	Files       []FileUpload        `json:"files,omitempty"`
	// Raw is the message that post_as_app and edit_as_app set, as the platform would show it; nothing in it is checked.
	Raw json.RawMessage `json:"raw,omitempty"`
	// NoWait returns from an interaction at once instead of when it was acknowledged or failed.
	NoWait bool `json:"no_wait,omitempty"`
}

// FileUpload is a file that a person attaches. Field names the option or form field that it belongs to.
type FileUpload struct {
	Name  string `json:"name"`
	Field string `json:"field,omitempty"`
	Data  []byte `json:"data"`
}

// ActResult says what came of an Action.
type ActResult struct {
	// Message, Thread and Channel are ids of what was made.
	Message string `json:"message,omitempty"`
	Thread  string `json:"thread,omitempty"`
	Channel string `json:"channel,omitempty"`
	// Interaction is the id of the interaction, Response the type of its first answer, 0 when there was none in time; Failed is then what the
	// client shows.
	Interaction string     `json:"interaction,omitempty"`
	Response    int        `json:"response,omitempty"`
	Failed      string     `json:"failed,omitempty"`
	Choices     []Choice   `json:"choices,omitempty"`
	Modal       *ModalView `json:"modal,omitempty"`
}

// ErrAction wraps what makes an Action impossible in a client, as opposed to what the app answers.
var ErrAction = errors.New("the client does not offer this")

func cannot(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrAction, fmt.Sprintf(format, args...))
}

// Act makes a person do something. For interactions it returns once they are acknowledged or have failed.
func (s *Server) Act(ctx context.Context, a Action) (ActResult, error) {
	var res ActResult
	var in *interaction
	err := s.update(func(t *tx) error {
		if s.users[a.As] == nil {
			return cannot("no user %q", a.As)
		}
		var err error
		switch a.Do {
		case "command", "autocomplete", "menu", "press", "select", "submit":
			in, err = t.interact(a)
		default:
			res, err = t.act(a)
		}
		return err
	})
	if err != nil || in == nil {
		return res, err
	}
	res.Interaction = in.ID
	if a.NoWait {
		return res, nil
	}
	select {
	case <-in.done:
	case <-ctx.Done():
		return res, fmt.Errorf("wait for the app: %w", ctx.Err())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	res.Response, res.Failed, res.Choices = in.Response, in.failure, in.choices
	if in.Response == replyMessage || in.Response == replyDeferred {
		res.Message = in.OriginalID
	}
	if in.modal != nil {
		res.Modal = s.modalView(in.modal)
	}
	return res, nil
}

func (t *tx) act(a Action) (ActResult, error) {
	s := t.s
	switch a.Do {
	case "close":
		delete(s.modals, a.As)
		t.del(kindModal, a.As)
		delete(s.failures, a.As)
		t.touched = true
		return ActResult{}, nil
	case "dm":
		return ActResult{Channel: t.dm(a.As).ID}, nil
	case "post_as_app":
		return t.postAsApp(a)
	case "edit_as_app":
		return t.editAsApp(a)
	}
	ch, err := s.sees(a.As, a.Channel)
	if err != nil && a.Message != "" && a.Channel == "" {
		if m := s.messages[a.Message]; m != nil {
			ch, err = s.sees(a.As, m.ChannelID)
		}
	}
	if err != nil {
		return ActResult{}, err
	}
	switch a.Do {
	case "say":
		return t.say(a, ch)
	case "typing":
		t.emitTyping(ch, a.As)
		return ActResult{}, nil
	case "thread":
		return t.personThread(a, ch)
	case "archive", "unarchive":
		return ActResult{}, t.personArchive(a, ch)
	}
	m := s.messages[a.Message]
	if m == nil || m.ChannelID != ch.ID || m.Ephemeral != "" && m.Ephemeral != a.As {
		return ActResult{}, errUnknownMessage()
	}
	res := ActResult{Message: m.ID}
	switch a.Do {
	case "edit":
		if m.AuthorID != a.As {
			return res, fail(403, 50005, "Cannot edit a message authored by another user")
		}
		if ch.isThread() && ch.Archived {
			return res, errArchived()
		}
		c := &call{version: 10, body: fields{"content": quote(a.Text)}}
		if err := t.revise(m, sender{user: a.As, perms: s.permissions(a.As, ch)}, c); err != nil {
			return res, err
		}
		// A changed text grows its previews anew.
		m.Embeds = slices.DeleteFunc(slices.Clone(m.Embeds), func(e obj) bool { return e["type"] == "link" })
		t.edited(m, true)
	case "delete":
		if m.Ephemeral == "" && m.AuthorID != a.As && s.permissions(a.As, ch)&PermManageMessages == 0 {
			return res, errPermission()
		}
		t.remove(m)
	case "react", "unreact":
		e, err := s.parseEmoji(a.Emoji)
		if err != nil {
			return res, err
		}
		if a.Do == "react" {
			return res, t.react(ch, m, a.As, e)
		}
		t.unreact(ch, m, a.As, e)
	default:
		return res, cannot("unknown action %q", a.Do)
	}
	return res, nil
}

func quote(v string) json.RawMessage {
	b, _ := json.Marshal(v)
	return b
}

func uploads(files []FileUpload) []upload {
	var out []upload
	for i, f := range files {
		out = append(out, upload{Index: i, Name: f.Name, Data: f.Data})
	}
	return out
}

func (t *tx) say(a Action, ch *channel) (ActResult, error) {
	s := t.s
	p := s.permissions(a.As, ch)
	if p&sendPermission(ch) == 0 {
		return ActResult{}, errPermission()
	}
	body := fields{"content": quote(a.Text), "nonce": quote(s.newID())}
	if a.ReplyTo != "" {
		body["message_reference"] = json.RawMessage(`{"message_id":` + string(quote(a.ReplyTo)) + `}`)
	}
	c := &call{version: 10, body: body, files: uploads(a.Files)}
	m, err := t.createMessage(ch, sender{user: a.As, perms: p}, c)
	if err != nil {
		return ActResult{}, err
	}
	return ActResult{Message: m.ID, Channel: ch.ID}, nil
}

// personThread starts a thread on a message, beside none, or as a forum post named by Fields["name"].
func (t *tx) personThread(a Action, ch *channel) (ActResult, error) {
	name := a.Fields["name"]
	if name == "" {
		name = a.Text
	}
	c := &call{version: 10, body: fields{"name": quote(name), "type": json.RawMessage("11")}}
	if a.Fields["private"] == "true" {
		c.body["type"] = json.RawMessage("12")
	}
	from := sender{user: a.As, perms: t.s.permissions(a.As, ch)}
	if ch.Type == ChannelForum {
		if from.perms&PermSendMessages == 0 {
			return ActResult{}, errPermission()
		}
		inner := &call{version: 10, body: fields{"content": quote(a.Text)}, files: uploads(a.Files)}
		th, m, err := t.forumPost(ch, from, name, 4320, a.Values, func(th *channel) (*message, error) {
			d, err := t.compose(th, from, inner)
			if err != nil {
				return nil, err
			}
			m := &message{AuthorID: a.As}
			d.fill(m)
			return m, nil
		})
		if err != nil {
			return ActResult{}, err
		}
		return ActResult{Thread: th.ID, Message: m.ID}, nil
	}
	var th *channel
	var err error
	if a.Message != "" {
		m := t.s.messages[a.Message]
		if m == nil || m.ChannelID != ch.ID {
			return ActResult{}, errUnknownMessage()
		}
		th, err = t.threadOn(ch, m, a.As, c)
	} else {
		th, err = t.looseThread(ch, a.As, c)
	}
	if err != nil {
		return ActResult{}, err
	}
	return ActResult{Thread: th.ID}, nil
}

func (t *tx) personArchive(a Action, th *channel) error {
	if !th.isThread() {
		return cannot("only threads are archived")
	}
	if th.OwnerID != a.As && t.s.permissions(a.As, th)&PermManageThreads == 0 {
		return errPermission()
	}
	th.Archived, th.ArchivedAt = a.Do == "archive", t.s.now()
	if a.Fields["locked"] != "" {
		th.Locked = a.Fields["locked"] == "true"
	}
	t.put(kindChannel, th.ID, th)
	t.emit("THREAD_UPDATE", t.s.channelJSON(th, t.s.o.BotUserID), th)
	return nil
}

// rawMessage lays given JSON over a message, unchecked: other apps may use what this simulator does not know.
func rawMessage(m *message, raw json.RawMessage) error {
	if len(raw) == 0 {
		return nil
	}
	var in struct {
		Content    *string `json:"content"`
		Embeds     []obj   `json:"embeds"`
		Components []obj   `json:"components"`
		Flags      int     `json:"flags"`
		Type       *int    `json:"type"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return fmt.Errorf("raw message: %w", err)
	}
	if in.Content != nil {
		m.Content = *in.Content
	}
	if in.Embeds != nil {
		m.Embeds = in.Embeds
	}
	if in.Components != nil {
		m.Components = in.Components
	}
	if in.Type != nil {
		m.Type = *in.Type
	}
	m.Flags |= in.Flags
	return nil
}

func (t *tx) postAsApp(a Action) (ActResult, error) {
	s := t.s
	ch := s.channels[a.Channel]
	if ch == nil {
		return ActResult{}, errUnknownChannel()
	}
	m := &message{AuthorID: a.As, WebhookID: a.As, ApplicationID: a.As, Content: a.Text}
	if err := rawMessage(m, a.Raw); err != nil {
		return ActResult{}, err
	}
	for _, f := range a.Files {
		at, err := s.keepFile(f.Name, f.Data, ch.ID)
		if err != nil {
			return ActResult{}, err
		}
		m.Attachments = append(m.Attachments, at)
	}
	got := s.resolveMentions(m.Content, allowedMentions{Parse: []string{"users"}}, 0)
	m.Mentions = got.users
	t.post(ch, m)
	return ActResult{Message: m.ID}, nil
}

func (t *tx) editAsApp(a Action) (ActResult, error) {
	m := t.s.messages[a.Message]
	if m == nil || m.AuthorID != a.As {
		return ActResult{}, errUnknownMessage()
	}
	if a.Text != "" {
		m.Content = a.Text
	}
	if err := rawMessage(m, a.Raw); err != nil {
		return ActResult{}, err
	}
	if len(a.Files) > 0 {
		m.Attachments = nil
		for _, f := range a.Files {
			at, err := t.s.keepFile(f.Name, f.Data, m.ChannelID)
			if err != nil {
				return ActResult{}, err
			}
			m.Attachments = append(m.Attachments, at)
		}
	}
	t.edited(m, true)
	return ActResult{Message: m.ID}, nil
}
