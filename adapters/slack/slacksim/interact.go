package slacksim

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// slackbot tells a person that something failed, as Slack does.
func (s *Server) slackbot(c *channel, user, text string) {
	m := &Message{Channel: c.ID, TS: s.st.nextTS(), User: "USLACKBOT", For: user, Text: text}
	s.st.putEphemeral(m)
	s.save("ephemeral", m)
}

func (s *Server) userPayload(u *User) obj {
	return obj{"id": u.ID, "username": u.Name, "name": u.Name, "team_id": s.opt.Team.ID}
}

// interaction starts the payload that all interactions share.
func (s *Server) interaction(typ string, u *User, viewID string) obj {
	return obj{"type": typ, "user": s.userPayload(u), "api_app_id": s.opt.AppID, "token": s.verificationToken(), "trigger_id": s.newTrigger(u.ID, viewID),
		"team": obj{"id": s.opt.Team.ID, "domain": s.opt.Team.Domain}, "enterprise": nil, "is_enterprise_install": false}
}

var typedMention = regexp.MustCompile(`(^|\s)([@#])([A-Za-z0-9][A-Za-z0-9._\-]*)`)

// escapeMentions is what should_escape does to the text of a command.
func (s *Server) escapeMentions(text string) string {
	return typedMention.ReplaceAllStringFunc(text, func(hit string) string {
		m := typedMention.FindStringSubmatch(hit)
		if m[2] == "@" {
			for _, u := range s.st.users {
				if strings.EqualFold(u.Name, m[3]) || strings.EqualFold(u.DisplayName, m[3]) {
					return m[1] + "<@" + u.ID + "|" + u.Name + ">"
				}
			}
		}
		for _, c := range s.st.channels {
			if m[2] == "#" && c.Name == m[3] && !c.IsIM {
				return m[1] + "<#" + c.ID + "|" + c.Name + ">"
			}
		}
		return hit
	})
}

func (s *Server) command(ctx context.Context, u *User, a Action) (ActResult, error) {
	s.mu.Lock()
	c, err := s.room(u, a.Channel)
	if err != nil {
		s.mu.Unlock()
		return ActResult{}, err
	}
	i := slices.IndexFunc(s.opt.Commands, func(x Command) bool { return x.Name == a.Command })
	switch {
	case a.ThreadTS != "":
		s.slackbot(c, u.ID, "`"+a.Command+"` is not supported in threads. Sorry!")
		s.mu.Unlock()
		return ActResult{Error: "not_supported_in_threads", Channel: c.ID}, nil
	case i < 0:
		s.slackbot(c, u.ID, "`"+a.Command+"` is not a valid command. In Slack, all messages that start with the \"/\" character are interpreted as commands.")
		s.mu.Unlock()
		return ActResult{Error: "unknown_command", Channel: c.ID}, nil
	}
	text := strings.TrimSpace(a.Text)
	if s.opt.Commands[i].Escape {
		text = s.escapeMentions(text)
	}
	link := s.newHook("commands", u.ID, c.ID, "")
	fields := map[string]string{"token": s.verificationToken(), "team_id": s.opt.Team.ID, "team_domain": s.opt.Team.Domain, "channel_id": c.ID, "channel_name": c.payloadName(),
		"user_id": u.ID, "user_name": u.Name, "command": a.Command, "text": text, "api_app_id": s.opt.AppID, "is_enterprise_install": "false",
		"response_url": link, "trigger_id": s.newTrigger(u.ID, "")}
	target := s.opt.CommandsURL
	s.mu.Unlock()

	form := url.Values{}
	for k, v := range fields {
		form.Set(k, v)
	}
	body, err := json.Marshal(fields)
	if err != nil {
		return ActResult{}, impossible("command cannot be encoded: %v", err)
	}
	r := s.ask(ctx, &delivery{kind: kindCommand, order: "command", body: body, form: form, accepts: true}, target)
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.err != "" {
		s.slackbot(c, u.ID, "`"+a.Command+"` failed with the error \""+r.err+"\"")
		return ActResult{Error: r.err, Channel: c.ID}, nil
	}
	if code := s.respondNow(&hook{User: u.ID, Channel: c.ID}, r); code != "" {
		s.slackbot(c, u.ID, "`"+a.Command+"` failed with the error \""+code+"\"")
		return ActResult{Error: code, Channel: c.ID, Response: r.payload}, nil
	}
	return ActResult{OK: true, Channel: c.ID, Response: r.payload, ViewID: s.topView(u.ID)}, nil
}

func (s *Server) topView(user string) string {
	if stack := s.st.stacks[user]; len(stack) > 0 {
		return stack[len(stack)-1].ID
	}
	return ""
}

// press is a click on a button, or a choice in a menu, of a message, an ephemeral message, a modal or the home tab.
func (s *Server) press(ctx context.Context, u *User, a Action) (ActResult, error) {
	s.mu.Lock()
	payload, err := s.pressPayload(u, a)
	s.mu.Unlock()
	if err != nil {
		return ActResult{}, err
	}
	r := s.interact(ctx, payload, false)
	s.mu.Lock()
	defer s.mu.Unlock()
	return ActResult{OK: r.err == "", Error: r.err, Channel: a.Channel, TS: a.TS, ViewID: s.topView(u.ID), Response: r.payload}, nil
}

func (s *Server) pressPayload(u *User, a Action) (obj, error) {
	if a.Channel == "" || a.TS == "" {
		return s.pressInView(u, a)
	}
	c, err := s.room(u, a.Channel)
	if err != nil {
		return nil, err
	}
	m, ephemeral := c.byTS[a.TS], false
	if m == nil {
		m, ephemeral = s.st.findEphemeral(c.ID, a.TS), true
	}
	if m == nil || m.For != "" && m.For != u.ID || m.BotID == "" {
		return nil, impossible("no app message %s in %s", a.TS, a.Channel)
	}
	hit := findElement(allBlocks(m), a.BlockID, a.ActionID)
	if hit == nil {
		return nil, impossible("no element %q in message %s", a.ActionID, a.TS)
	}
	act, err := s.actionOf(hit, a)
	if err != nil {
		return nil, err
	}
	p := s.interaction("block_actions", u, "")
	box := obj{"type": "message", "message_ts": m.TS, "channel_id": c.ID, "is_ephemeral": ephemeral}
	if m.ThreadTS != "" {
		box["thread_ts"] = m.ThreadTS
	}
	values := obj{}
	if str(hit.el, "type") != "button" {
		values[str(hit.block, "block_id")] = obj{a.ActionID: stateOf(act)}
	}
	p["container"], p["channel"], p["state"], p["actions"] = box, obj{"id": c.ID, "name": c.payloadName()}, obj{"values": values}, []obj{act}
	p["response_url"] = s.newHook("actions", u.ID, c.ID, m.TS)
	if !ephemeral {
		// An ephemeral message is not sent back: the app knows only its container.
		p["message"] = s.render(m, s.metadataFor(m, nil))
	}
	return p, nil
}

// allBlocks are a message's blocks and those inside its attachments.
func allBlocks(m *Message) []any {
	var blocks []any
	var attachments []struct {
		Blocks []any `json:"blocks"`
	}
	if len(m.Blocks) > 0 {
		json.Unmarshal(m.Blocks, &blocks) // our own marshalling: it parses
	}
	if len(m.Attachments) > 0 {
		json.Unmarshal(m.Attachments, &attachments) // likewise
	}
	for _, a := range attachments {
		blocks = append(blocks, a.Blocks...)
	}
	return blocks
}

func (s *Server) pressInView(u *User, a Action) (obj, error) {
	v, err := s.viewOf(u, a.ViewID)
	if err != nil {
		return nil, err
	}
	def := s.viewJSON(v)
	blocks, _ := def["blocks"].([]any)
	hit := findElement(blocks, a.BlockID, a.ActionID)
	if hit == nil {
		return nil, impossible("no element %q in view %s", a.ActionID, v.ID)
	}
	act, err := s.actionOf(hit, a)
	if err != nil {
		return nil, err
	}
	if err := s.enter(v, blocks, a.Values); err != nil {
		return nil, err
	}
	if block := str(hit.block, "block_id"); v.State[block] != nil && str(hit.el, "type") != "button" {
		v.State[block][a.ActionID] = stateOf(act)
	}
	s.saveStack(u.ID)
	p := s.interaction("block_actions", u, v.ID)
	if v.Type == "home" {
		p = s.interaction("block_actions", u, "")
	}
	p["container"], p["view"], p["actions"] = obj{"type": "view", "view_id": v.ID}, s.viewJSON(v), []obj{act}
	return p, nil
}

// viewOf finds the view that a person looks at: by id, else the topmost modal, else the home tab.
func (s *Server) viewOf(u *User, id string) (*ModalView, error) {
	id = cmp.Or(id, s.topView(u.ID))
	if v := s.st.homes[u.ID]; v != nil && (id == "" || id == v.ID) {
		return v, nil
	}
	for _, v := range s.st.stacks[u.ID] {
		if v.ID == id {
			return v, nil
		}
	}
	return nil, impossible("%s has no view %q open", u.ID, id)
}

// stateOf keeps of an action what counts as an entered value.
func stateOf(act obj) obj {
	out := obj{"type": act["type"]}
	for k, v := range act {
		if strings.HasPrefix(k, "selected_") || k == "value" && act["type"] != "button" {
			out[k] = v
		}
	}
	return out
}

// actionOf is the entry of "actions" for one element.
func (s *Server) actionOf(hit *found, a Action) (obj, error) {
	typ := str(hit.el, "type")
	act := obj{"type": typ, "action_id": a.ActionID, "block_id": str(hit.block, "block_id"), "action_ts": s.st.nextTS()}
	if typ == "button" {
		act["text"] = hit.el["text"]
		for _, k := range []string{"value", "style", "url"} {
			if v := str(hit.el, k); v != "" {
				act[k] = v
			}
		}
		return act, nil
	}
	if ph := hit.el["placeholder"]; ph != nil {
		act["placeholder"] = ph
	}
	v, err := enteredValue(hit.el, a.Value)
	if err != nil {
		return nil, err
	}
	for k, x := range v {
		act[k] = x
	}
	return act, nil
}

func (s *Server) shortcut(ctx context.Context, u *User, a Action) (ActResult, error) {
	s.mu.Lock()
	c, err := s.room(u, a.Channel)
	if err != nil {
		s.mu.Unlock()
		return ActResult{}, err
	}
	m := c.byTS[a.TS]
	known := len(s.opt.Shortcuts) == 0 || slices.ContainsFunc(s.opt.Shortcuts, func(x Shortcut) bool { return x.CallbackID == a.CallbackID })
	if m == nil || m.Subtype == "tombstone" || !known {
		s.mu.Unlock()
		return ActResult{}, impossible("no message %s in %s, or no shortcut %q", a.TS, a.Channel, a.CallbackID)
	}
	p := s.interaction("message_action", u, "")
	p["callback_id"], p["message_ts"], p["action_ts"] = a.CallbackID, m.TS, s.st.nextTS()
	p["channel"], p["message"] = obj{"id": c.ID, "name": c.payloadName()}, s.render(m, s.metadataFor(m, nil))
	p["response_url"] = s.newHook("app", u.ID, c.ID, m.TS)
	s.mu.Unlock()
	r := s.interact(ctx, p, false)
	s.mu.Lock()
	defer s.mu.Unlock()
	return ActResult{OK: r.err == "", Error: r.err, Channel: c.ID, TS: m.TS, ViewID: s.topView(u.ID), Response: r.payload}, nil
}
