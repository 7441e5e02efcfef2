package slacksim

import (
	"encoding/json"
	"slices"
	"time"
)

// trigger is the right to open one modal, for three seconds.
type trigger struct {
	user    string
	viewID  string // the modal it was pressed in, if any
	expires time.Time
	used    bool
}

const maxViewStack = 3

// newTrigger hands out a trigger id. Old ones are forgotten a minute after they expired.
func (s *Server) newTrigger(user, viewID string) string {
	now := s.opt.Now()
	for id, t := range s.triggers {
		if now.Sub(t.expires) > time.Minute {
			delete(s.triggers, id)
		}
	}
	id := itoa(int(now.Unix())) + "." + itoa(int(now.UnixMicro()%1e9)) + "." + randomHex(16)
	s.triggers[id] = &trigger{user: user, viewID: viewID, expires: now.Add(s.opt.TriggerLife)}
	return id
}

func (s *Server) takeTrigger(q *request) (*trigger, error) {
	id := q.str("trigger_id")
	if id == "" {
		id = q.str("interactivity_pointer")
	}
	t := s.triggers[id]
	switch {
	case id == "":
		return nil, fail("invalid_arguments", "[ERROR] missing required field: trigger_id")
	case t == nil:
		return nil, fail("invalid_trigger_id")
	case t.used:
		return nil, fail("exchanged_trigger_id")
	case s.opt.Now().After(t.expires):
		return nil, fail("expired_trigger_id")
	}
	return t, nil
}

// readView checks a view definition and gives it back with ids filled in.
func (s *Server) readView(raw json.RawMessage, want string) (*ModalView, error) {
	var def obj
	if err := json.Unmarshal(raw, &def); err != nil || def == nil {
		return nil, fail("invalid_arguments", "[ERROR] must provide an object [json-pointer:/view]")
	}
	if len(raw) > 250<<10 {
		return nil, fail("view_too_large")
	}
	c := &checker{s: s, where: want}
	typ := str(def, "type")
	if typ != want {
		c.bad("/view/type", "must be %s", want)
	}
	list, _ := def["blocks"].([]any)
	if def["blocks"] == nil {
		c.bad("/view", "missing required field: blocks")
	}
	if typ == "modal" {
		c.text(def, "/view", "title", 24, true, true)
		c.text(def, "/view", "submit", 24, true, false)
		c.text(def, "/view", "close", 24, true, false)
		if hasInput(list) && def["submit"] == nil {
			c.bad("/view", "missing required field: submit")
		}
	}
	c.optional(def, "/view", "callback_id", 255)
	c.optional(def, "/view", "external_id", 255)
	c.optional(def, "/view", "private_metadata", 3000)
	if c.errs != nil {
		return nil, fail("invalid_arguments", c.errs...)
	}
	blocks, err := json.Marshal(list)
	if err != nil {
		return nil, fail("invalid_arguments")
	}
	checked, err := s.checkBlocks(blocks, want)
	if err != nil {
		if e, ok := err.(*apiError); ok {
			e.code = "invalid_arguments"
			for i, m := range e.messages {
				e.messages[i] = replaceOnce(m, "json-pointer:/blocks", "json-pointer:/view/blocks")
			}
		}
		return nil, err
	}
	if checked == nil {
		checked = json.RawMessage("[]")
	}
	def["blocks"] = checked
	out, err := json.Marshal(def)
	if err != nil {
		return nil, fail("invalid_arguments")
	}
	return &ModalView{Type: typ, CallbackID: str(def, "callback_id"), ExternalID: str(def, "external_id"), Def: out, State: map[string]map[string]any{},
		Hash: itoa(int(s.opt.Now().Unix())) + "." + randomString(8)}, nil
}

func replaceOnce(t, old, with string) string {
	for i := 0; i+len(old) <= len(t); i++ {
		if t[i:i+len(old)] == old {
			return t[:i] + with + t[i+len(old):]
		}
	}
	return t
}

func hasInput(blocks []any) bool {
	return slices.ContainsFunc(blocks, func(b any) bool { o, ok := b.(obj); return ok && str(o, "type") == "input" })
}

// viewJSON prints a view as the Web API and the interactions show it.
func (s *Server) viewJSON(v *ModalView) obj {
	var out obj
	json.Unmarshal(v.Def, &out) // our own marshalling: it parses
	for k, def := range map[string]any{"private_metadata": "", "callback_id": "", "external_id": "", "clear_on_close": false, "notify_on_close": false, "submit": nil, "close": nil,
		"title": obj{"type": "plain_text", "text": "View Title", "emoji": true}} {
		if _, ok := out[k]; !ok {
			out[k] = def
		}
	}
	state := v.State
	if state == nil {
		state = map[string]map[string]any{}
	}
	out["id"], out["team_id"], out["type"], out["hash"], out["state"] = v.ID, s.opt.Team.ID, v.Type, v.Hash, obj{"values": state}
	out["root_view_id"], out["previous_view_id"] = v.RootID, nil
	if v.PreviousID != "" {
		out["previous_view_id"] = v.PreviousID
	}
	out["app_id"], out["app_installed_team_id"], out["bot_id"] = s.opt.AppID, s.opt.Team.ID, s.opt.BotID
	if v.Type == "modal" {
		out["submit_disabled"] = false
	}
	return out
}

func (s *Server) saveStack(user string) {
	s.save("views", viewsRecord{User: user, Stack: s.st.stacks[user]})
}

// findView finds an open modal by its id or external id, with its place in the person's stack.
func (s *Server) findView(id, external string) (*ModalView, int) {
	for _, stack := range s.st.stacks {
		for i, v := range stack {
			if id != "" && v.ID == id || id == "" && external != "" && v.ExternalID == external {
				return v, i
			}
		}
	}
	return nil, -1
}

func (s *Server) openView(user string, v *ModalView) {
	v.ID, v.User = newID("V0"), user
	v.RootID = v.ID
	s.seedState(v)
	s.st.stacks[user] = []*ModalView{v}
	s.saveStack(user)
}

func (s *Server) pushView(user string, v *ModalView) error {
	stack := s.st.stacks[user]
	if len(stack) == 0 {
		return fail("not_found")
	}
	if len(stack) >= maxViewStack {
		return fail("push_limit_reached")
	}
	v.ID, v.User, v.RootID, v.PreviousID = newID("V0"), user, stack[0].ID, stack[len(stack)-1].ID
	s.seedState(v)
	s.st.stacks[user] = append(stack, v)
	s.saveStack(user)
	return nil
}

// updateView puts new contents into an open view; entered values survive where block and action ids stay.
func (s *Server) updateView(old, v *ModalView) *ModalView {
	v.ID, v.User, v.RootID, v.PreviousID = old.ID, old.User, old.RootID, old.PreviousID
	s.seedState(v)
	for b, acts := range v.State {
		for a := range acts {
			if prev, ok := old.State[b][a]; ok {
				acts[a] = prev
			}
		}
	}
	stack := s.st.stacks[old.User]
	if i := slices.Index(stack, old); i >= 0 {
		stack[i] = v
	}
	s.saveStack(old.User)
	return v
}

func (s *Server) viewsOpen(q *request) (obj, error) {
	t, err := s.takeTrigger(q)
	if err != nil {
		return nil, err
	}
	v, err := s.readView(q.raw("view"), "modal")
	if err != nil {
		return nil, err
	}
	if old, _ := s.findView("", v.ExternalID); v.ExternalID != "" && old != nil {
		return nil, fail("duplicate_external_id")
	}
	t.used = true
	s.openView(t.user, v)
	return obj{"view": s.viewJSON(v)}, nil
}

func (s *Server) viewsPush(q *request) (obj, error) {
	t, err := s.takeTrigger(q)
	if err != nil {
		return nil, err
	}
	v, err := s.readView(q.raw("view"), "modal")
	if err != nil {
		return nil, err
	}
	if t.viewID == "" {
		return nil, fail("invalid_trigger_id")
	}
	if err := s.pushView(t.user, v); err != nil {
		return nil, err
	}
	t.used = true
	return obj{"view": s.viewJSON(v)}, nil
}

func (s *Server) viewsUpdate(q *request) (obj, error) {
	if q.str("view_id") == "" && q.str("external_id") == "" {
		return nil, fail("invalid_arguments", "[ERROR] missing required field: view_id")
	}
	old, _ := s.findView(q.str("view_id"), q.str("external_id"))
	if old == nil {
		return nil, fail("not_found")
	}
	if h := q.str("hash"); h != "" && h != old.Hash {
		return nil, fail("hash_conflict")
	}
	v, err := s.readView(q.raw("view"), "modal")
	if err != nil {
		return nil, err
	}
	return obj{"view": s.viewJSON(s.updateView(old, v))}, nil
}

func (s *Server) viewsPublish(q *request) (obj, error) {
	u := s.st.userByID[q.str("user_id")]
	if u == nil || u.IsBot {
		return nil, fail("user_not_found")
	}
	v, err := s.readView(q.raw("view"), "home")
	if err != nil {
		return nil, err
	}
	old := s.st.homes[u.ID]
	if h := q.str("hash"); h != "" && old != nil && h != old.Hash {
		return nil, fail("hash_conflict")
	}
	v.ID, v.User = newID("V0"), u.ID
	if old != nil {
		v.ID = old.ID
	}
	v.RootID = v.ID
	s.seedState(v)
	s.st.homes[u.ID] = v
	s.save("home", v)
	return obj{"view": s.viewJSON(v)}, nil
}

// seedState fills in what the inputs start with.
func (s *Server) seedState(v *ModalView) {
	var def struct {
		Blocks []obj `json:"blocks"`
	}
	json.Unmarshal(v.Def, &def) // our own marshalling: it parses
	v.State = map[string]map[string]any{}
	for _, b := range def.Blocks {
		els := []any{b["element"], b["accessory"]}
		if list, ok := b["elements"].([]any); ok {
			els = append(els, list...)
		}
		for _, x := range els {
			e, ok := x.(obj)
			if !ok || str(e, "action_id") == "" || str(e, "type") == "button" || str(e, "type") == "overflow" {
				continue
			}
			block := str(b, "block_id")
			if v.State[block] == nil {
				v.State[block] = map[string]any{}
			}
			v.State[block][str(e, "action_id")] = initialValue(e)
		}
	}
}

// initialValue is the state of an element that nobody has touched.
func initialValue(e obj) obj {
	typ := str(e, "type")
	pick := func(key, from string) obj { return obj{"type": typ, key: e[from]} }
	list := func(key, from string) obj {
		v, _ := e[from].([]any)
		if v == nil {
			v = []any{}
		}
		return obj{"type": typ, key: v}
	}
	switch typ {
	case "static_select", "external_select", "radio_buttons":
		return pick("selected_option", "initial_option")
	case "multi_static_select", "multi_external_select", "checkboxes":
		return list("selected_options", "initial_options")
	case "users_select":
		return pick("selected_user", "initial_user")
	case "conversations_select":
		return pick("selected_conversation", "initial_conversation")
	case "channels_select":
		return pick("selected_channel", "initial_channel")
	case "multi_users_select":
		return list("selected_users", "initial_users")
	case "multi_conversations_select":
		return list("selected_conversations", "initial_conversations")
	case "multi_channels_select":
		return list("selected_channels", "initial_channels")
	case "datepicker":
		return pick("selected_date", "initial_date")
	case "timepicker":
		return pick("selected_time", "initial_time")
	case "datetimepicker":
		return pick("selected_date_time", "initial_date_time")
	case "file_input":
		return obj{"type": typ, "files": []any{}}
	case "rich_text_input":
		return pick("rich_text_value", "initial_value")
	}
	return pick("value", "initial_value")
}
