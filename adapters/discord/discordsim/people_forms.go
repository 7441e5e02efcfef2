package discordsim

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

func (t *tx) openModal(in *interaction, data fields) error {
	custom, title, comps, err := checkModal(data)
	if err != nil {
		return err
	}
	// The form lives as plain JSON, as it will after a restart.
	b, _ := json.Marshal(comps)
	_ = json.Unmarshal(b, &comps)
	m := &modal{InteractionID: in.ID, UserID: in.UserID, ChannelID: in.ChannelID, MessageID: in.MessageID, CustomID: custom, Title: title, Components: comps, Trigger: t.s.metaOf(in)}
	t.s.modals[in.UserID] = m
	in.modal = m
	t.put(kindModal, in.UserID, m)
	return nil
}

func (t *tx) submit(a Action) (*interaction, error) {
	s := t.s
	m := s.modals[a.As]
	if m == nil {
		return nil, cannot("no form is open")
	}
	ch := s.channels[m.ChannelID]
	if ch == nil {
		return nil, errUnknownChannel()
	}
	resolved := obj{}
	used := map[string]bool{}
	comps, err := t.fillForm(m.Components, a, ch, resolved, used)
	if err != nil {
		return nil, err
	}
	for name := range a.Fields {
		if !used[name] {
			return nil, cannot("the form has no field %q", name)
		}
	}
	in := s.newInteraction(interModal, a.As, ch)
	in.MessageID, in.Trigger = m.MessageID, m.Trigger
	data := obj{"custom_id": m.CustomID, "components": comps}
	if len(resolved) > 0 {
		data["resolved"] = resolved
	}
	t.send(in, data, s.messages[m.MessageID])
	return in, nil
}

// fillForm answers a form's components with what the person filled in.
func (t *tx) fillForm(specs []obj, a Action, ch *channel, resolved obj, used map[string]bool) ([]obj, error) {
	out := []obj{}
	for _, spec := range specs {
		typ, _ := num(spec["type"])
		o := obj{"type": typ, "id": spec["id"]}
		switch typ {
		case compText:
		case compRow:
			kids, _ := objs(spec["components"])
			filled, err := t.fillForm(kids, a, ch, resolved, used)
			if err != nil {
				return nil, err
			}
			o["components"] = filled
		case compLabel:
			kid, _ := spec["component"].(obj)
			filled, err := t.fillForm([]obj{kid}, a, ch, resolved, used)
			if err != nil {
				return nil, err
			}
			o["component"] = filled[0]
		default:
			if err := t.fillField(o, spec, typ, a, ch, resolved); err != nil {
				return nil, err
			}
			used[o["custom_id"].(string)] = true
		}
		out = append(out, o)
	}
	return out, nil
}

func (t *tx) fillField(o, spec obj, typ int, a Action, ch *channel, resolved obj) error {
	id, _ := spec["custom_id"].(string)
	o["custom_id"] = id
	v, given := a.Fields[id]
	required := spec["required"] == true
	switch typ {
	case compTextInput:
		if !given {
			v, _ = spec["value"].(string)
		}
		n := utf8.RuneCountInString(v)
		lo, _ := num(spec["min_length"])
		hi, ok := num(spec["max_length"])
		if !ok {
			hi = 4000
		}
		if n == 0 && required {
			return cannot("field %q is required", id)
		}
		if n > hi || n > 0 && n < lo {
			return cannot("field %q takes %d to %d characters", id, lo, hi)
		}
		o["value"] = v
	case compCheckbox:
		o["value"] = v == "true" || !given && spec["default"] == true
	case compUpload:
		ids := []string{}
		for _, f := range a.Files {
			if f.Field != id && f.Field != "" {
				continue
			}
			att, err := t.resolveFile(resolved, f, ch)
			if err != nil {
				return err
			}
			ids = append(ids, att)
		}
		hi, _ := num(spec["max_values"])
		lo, _ := num(spec["min_values"])
		if required && len(ids) < max(lo, 1) || len(ids) > hi {
			return cannot("field %q takes %d to %d files", id, lo, hi)
		}
		o["values"] = ids
	default:
		vals := a.FieldValues[id]
		if vals == nil && given && v != "" {
			vals = []string{v}
		}
		if vals == nil {
			opts, _ := objs(spec["options"])
			for _, x := range opts {
				if s, ok := x["value"].(string); ok && x["default"] == true {
					vals = append(vals, s)
				}
			}
		}
		if err := t.checkValues(spec, typ, vals, resolved); err != nil {
			return fmt.Errorf("field %q: %w", id, err)
		}
		if typ == compRadio {
			o["value"] = nil
			if len(vals) > 0 {
				o["value"] = vals[0]
			}
			return nil
		}
		o["values"] = list(vals)
	}
	return nil
}
