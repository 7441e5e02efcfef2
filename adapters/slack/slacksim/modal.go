package slacksim

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// enteredValue turns what a person enters into an element's state. in is a string (several choices separated by
// commas), a list, or a whole state object.
func enteredValue(e obj, in any) (obj, error) {
	typ := str(e, "type")
	if whole, ok := in.(obj); ok {
		whole["type"] = typ
		return whole, nil
	}
	var many []string
	one := ""
	switch x := in.(type) {
	case string:
		one = x
		if x != "" {
			many = strings.Split(x, ",")
		}
	case []string:
		many = x
	case []any:
		for _, v := range x {
			if t, ok := v.(string); ok {
				many = append(many, t)
			}
		}
	case nil:
	case float64:
		one = strconv.FormatFloat(x, 'f', -1, 64)
	default:
		return nil, impossible("value for %s has a strange type", typ)
	}
	if one == "" && len(many) > 0 {
		one = many[0]
	}
	orNil := func(v string) any {
		if v == "" {
			return nil
		}
		return v
	}
	list := make([]any, len(many))
	for i, v := range many {
		list[i] = v
	}
	out := obj{"type": typ}
	switch typ {
	case "static_select", "radio_buttons", "overflow":
		if one == "" {
			out["selected_option"] = nil
			break
		}
		o := findOption(e, one)
		if o == nil {
			return nil, impossible("%s has no option %q", typ, one)
		}
		out["selected_option"] = o
	case "multi_static_select", "checkboxes":
		opts := []any{}
		for _, v := range many {
			o := findOption(e, v)
			if o == nil {
				return nil, impossible("%s has no option %q", typ, v)
			}
			opts = append(opts, o)
		}
		out["selected_options"] = opts
	case "external_select":
		out["selected_option"] = obj{"text": obj{"type": "plain_text", "text": one, "emoji": true}, "value": one}
	case "users_select":
		out["selected_user"] = orNil(one)
	case "conversations_select":
		out["selected_conversation"] = orNil(one)
	case "channels_select":
		out["selected_channel"] = orNil(one)
	case "multi_users_select":
		out["selected_users"] = list
	case "multi_conversations_select":
		out["selected_conversations"] = list
	case "multi_channels_select":
		out["selected_channels"] = list
	case "datepicker":
		out["selected_date"] = orNil(one)
	case "timepicker":
		out["selected_time"] = orNil(one)
	case "datetimepicker":
		n, err := strconv.ParseInt(one, 10, 64)
		if err != nil && one != "" {
			return nil, impossible("datetimepicker wants seconds, not %q", one)
		}
		out["selected_date_time"] = n
	default:
		if t, ok := in.(string); ok {
			one = t
		}
		out["value"] = orNil(one)
	}
	return out, nil
}

func findOption(e obj, value string) obj {
	list, _ := e["options"].([]any)
	if groups, ok := e["option_groups"].([]any); ok {
		for _, g := range groups {
			if o, ok := g.(obj); ok {
				more, _ := o["options"].([]any)
				list = append(list, more...)
			}
		}
	}
	for _, x := range list {
		if o, ok := x.(obj); ok && str(o, "value") == value {
			return o
		}
	}
	return nil
}

// enter puts a person's values into a view.
func (s *Server) enter(v *ModalView, blocks []any, values map[string]map[string]any) error {
	for block, acts := range values {
		for action, in := range acts {
			hit := findElement(blocks, block, action)
			if hit == nil || v.State[block] == nil {
				return impossible("view has no input %q %q", block, action)
			}
			if str(hit.el, "type") == "file_input" {
				v.State[block][action] = s.fileState(in)
				continue
			}
			st, err := enteredValue(hit.el, in)
			if err != nil {
				return err
			}
			v.State[block][action] = st
		}
	}
	return nil
}

func (s *Server) fileState(in any) obj {
	files := []any{}
	add := func(id string) {
		if f := s.st.files[id]; f != nil {
			files = append(files, s.fileJSON(f))
		}
	}
	switch x := in.(type) {
	case string:
		for _, id := range strings.Split(x, ",") {
			add(id)
		}
	case []string:
		for _, id := range x {
			add(id)
		}
	case []any:
		for _, v := range x {
			if id, ok := v.(string); ok {
				add(id)
			}
		}
	}
	return obj{"type": "file_input", "files": files}
}

// complain is what Slack checks itself before an app hears of a submission.
func complain(v *ModalView, blocks []any) map[string]string {
	out := map[string]string{}
	for _, x := range blocks {
		b, ok := x.(obj)
		if !ok || str(b, "type") != "input" {
			continue
		}
		e, _ := b["element"].(obj)
		id := str(b, "block_id")
		state, _ := v.State[id][str(e, "action_id")].(obj)
		empty := true
		for k, val := range state {
			if k == "type" {
				continue
			}
			switch t := val.(type) {
			case nil:
			case []any:
				empty = empty && len(t) == 0
			case string:
				empty = empty && t == ""
			default:
				empty = false
			}
		}
		optional, _ := b["optional"].(bool)
		text := str(state, "value")
		most, hasMost := e["max_length"].(float64)
		least, hasLeast := e["min_length"].(float64)
		switch n := float64(utf8.RuneCountInString(text)); {
		case empty && !optional:
			out[id] = "Please complete this required field."
		case hasMost && n > most || n > 3000:
			out[id] = "This entry is too long."
		case hasLeast && !empty && n < least:
			out[id] = "This entry is too short."
		}
	}
	return out
}

const modalTrouble = "We had some trouble connecting. Try again?"

// submit sends a modal off and does what the app answers.
func (s *Server) submit(ctx context.Context, u *User, a Action) (ActResult, error) {
	s.mu.Lock()
	v, err := s.viewOf(u, a.ViewID)
	if err == nil && v.Type != "modal" {
		err = impossible("%s has no modal open", u.ID)
	}
	if err != nil {
		s.mu.Unlock()
		return ActResult{}, err
	}
	def := s.viewJSON(v)
	blocks, _ := def["blocks"].([]any)
	if len(a.Files) > 0 {
		s.attachFiles(u, v, blocks, a)
	}
	if err := s.enter(v, blocks, a.Values); err != nil {
		s.mu.Unlock()
		return ActResult{}, err
	}
	if errs := complain(v, blocks); len(errs) > 0 {
		v.Errors = errs
		s.saveStack(u.ID)
		s.mu.Unlock()
		return ActResult{Error: "incomplete", ViewErrors: errs, ViewID: v.ID}, nil
	}
	v.Errors = nil
	s.saveStack(u.ID)
	p := s.interaction("view_submission", u, v.ID)
	p["view"], p["response_urls"] = s.viewJSON(v), s.responseURLs(u, v, blocks)
	s.mu.Unlock()

	r := s.interact(ctx, p, true)
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.err != "" {
		v.Errors = map[string]string{"": modalTrouble}
		s.saveStack(u.ID)
		return ActResult{Error: r.err, ViewID: v.ID}, nil
	}
	res := s.submitted(u, v, blocks, r.payload)
	res.Response = r.payload
	return res, nil
}

// attachFiles uploads what the person chose in the first file input of a modal.
func (s *Server) attachFiles(u *User, v *ModalView, blocks []any, a Action) {
	for _, x := range blocks {
		b, _ := x.(obj)
		e, _ := b["element"].(obj)
		if str(e, "type") != "file_input" {
			continue
		}
		var ids []string
		for _, f := range s.keepFiles(u.ID, a.Files) {
			f.Granted = true
			s.save("file", f)
			ids = append(ids, f.ID)
		}
		v.State[str(b, "block_id")][str(e, "action_id")] = s.fileState(ids)
		return
	}
}

// responseURLs are given for conversation menus that asked for one.
func (s *Server) responseURLs(u *User, v *ModalView, blocks []any) []obj {
	out := []obj{}
	for _, x := range blocks {
		b, _ := x.(obj)
		e, _ := b["element"].(obj)
		if on, _ := e["response_url_enabled"].(bool); !on {
			continue
		}
		state, _ := v.State[str(b, "block_id")][str(e, "action_id")].(obj)
		for _, k := range []string{"selected_conversation", "selected_channel"} {
			if id := str(state, k); id != "" && s.st.byID[id] != nil {
				out = append(out, obj{"block_id": str(b, "block_id"), "action_id": str(e, "action_id"), "channel_id": id, "response_url": s.newHook("app", u.ID, id, "")})
			}
		}
	}
	return out
}

// submitted applies the answer to a submission; none closes the modal.
func (s *Server) submitted(u *User, v *ModalView, blocks []any, payload json.RawMessage) ActResult {
	var ans struct {
		Action string            `json:"response_action"`
		Errors map[string]string `json:"errors"`
		View   json.RawMessage   `json:"view"`
	}
	trouble := func(code string) ActResult {
		v.Errors = map[string]string{"": modalTrouble}
		s.saveStack(u.ID)
		return ActResult{Error: code, ViewID: v.ID}
	}
	if len(payload) > 0 && json.Unmarshal(payload, &ans) != nil {
		return trouble("invalid_response")
	}
	switch ans.Action {
	case "":
		s.pop(u.ID, v)
	case "clear":
		s.st.stacks[u.ID] = nil
		s.saveStack(u.ID)
	case "errors":
		if len(ans.Errors) == 0 {
			return trouble("invalid_errors")
		}
		for id := range ans.Errors {
			if !slices.ContainsFunc(blocks, func(x any) bool { b, _ := x.(obj); return str(b, "type") == "input" && str(b, "block_id") == id }) {
				return trouble("invalid_errors")
			}
		}
		v.Errors = ans.Errors
		s.saveStack(u.ID)
		return ActResult{Error: "view_errors", ViewErrors: ans.Errors, ViewID: v.ID}
	case "update", "push":
		nv, err := s.readView(ans.View, "modal")
		if err == nil && ans.Action == "update" {
			s.updateView(v, nv)
		} else if err == nil {
			err = s.pushView(u.ID, nv)
		}
		if err != nil {
			return trouble("invalid_view")
		}
	default:
		return trouble("invalid_response")
	}
	return ActResult{OK: true, ViewID: s.topView(u.ID)}
}

// pop closes one view and whatever lies above it.
func (s *Server) pop(user string, v *ModalView) {
	stack := s.st.stacks[user]
	if i := slices.IndexFunc(stack, func(x *ModalView) bool { return x.ID == v.ID }); i >= 0 {
		s.st.stacks[user] = stack[:i]
	}
	s.saveStack(user)
}

// closeView is the person closing a modal; the app hears of it only if it asked to.
func (s *Server) closeView(ctx context.Context, u *User, a Action) (ActResult, error) {
	s.mu.Lock()
	v, err := s.viewOf(u, a.ViewID)
	if err == nil && v.Type != "modal" {
		err = impossible("%s has no modal open", u.ID)
	}
	if err != nil {
		s.mu.Unlock()
		return ActResult{}, err
	}
	all := a.Value == "all"
	def := s.viewJSON(v)
	if clear, _ := def["clear_on_close"].(bool); clear {
		all = true
	}
	notify, _ := def["notify_on_close"].(bool)
	p := s.interaction("view_closed", u, "")
	delete(p, "trigger_id")
	p["view"], p["is_cleared"] = def, all
	if all {
		s.st.stacks[u.ID] = nil
		s.saveStack(u.ID)
	} else {
		s.pop(u.ID, v)
	}
	top := s.topView(u.ID)
	s.mu.Unlock()
	if notify {
		s.interact(ctx, p, false) // nobody is shown whether that worked
	}
	return ActResult{OK: true, ViewID: top}, nil
}
