package discordsim

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// interact starts an interaction: it is what a client does after having checked what it can check by itself.
func (t *tx) interact(a Action) (*interaction, error) {
	s := t.s
	delete(s.failures, a.As)
	if a.Do == "submit" {
		return t.submit(a)
	}
	chID := a.Channel
	if chID == "" {
		if m := s.messages[a.Message]; m != nil {
			chID = m.ChannelID
		}
	}
	ch, err := s.sees(a.As, chID)
	if err != nil {
		return nil, err
	}
	switch a.Do {
	case "press", "select":
		return t.useComponent(a, ch)
	case "menu":
		return t.useMenu(a, ch)
	}
	return t.useCommand(a, ch)
}

func (s *Server) mayUse(k *command, user string, ch *channel) error {
	p := s.permissions(user, ch)
	if ch.isThread() && ch.Archived {
		return cannot("commands do not work in archived threads")
	}
	if p&PermUseCommands == 0 {
		return cannot("no permission to use commands here")
	}
	if need, ok := k.Body["default_member_permissions"].(string); ok {
		n := snow(need)
		if n == 0 && p&PermAdministrator == 0 || p&n != n {
			return cannot("command %q is not for this person", k.Name)
		}
	}
	if list, ok := k.Body["contexts"].([]any); ok && len(list) > 0 && ch.isDM() && !slices.Contains(list, any(float64(1))) {
		return cannot("command %q does not work in direct messages", k.Name)
	}
	return nil
}

// lookup finds a command as a client shows it: the guild's before a global one of the same name.
func (s *Server) lookup(name string, typ int, ch *channel) *command {
	var found *command
	for _, id := range s.commandOrder {
		k := s.commands[id]
		if k.Type == typ && k.Name == name && (k.GuildID == "" || !ch.isDM()) && (found == nil || k.GuildID != "") {
			found = k
		}
	}
	return found
}

func (t *tx) useCommand(a Action, ch *channel) (*interaction, error) {
	s := t.s
	path := strings.Fields(strings.TrimPrefix(a.Command, "/"))
	if len(path) == 0 {
		return nil, cannot("no command named")
	}
	k := s.lookup(path[0], 1, ch)
	if k == nil {
		return nil, cannot("no command %q", path[0])
	}
	if err := s.mayUse(k, a.As, ch); err != nil {
		return nil, err
	}
	specs, _ := objs(k.Body["options"])
	var chain []obj
	for _, p := range path[1:] {
		i := slices.IndexFunc(specs, func(o obj) bool { return o["name"] == p })
		if i < 0 {
			return nil, cannot("no subcommand %q in %q", p, a.Command)
		}
		typ, _ := num(specs[i]["type"])
		if typ > 2 {
			return nil, cannot("%q is an option, no subcommand", p)
		}
		chain = append(chain, obj{"name": p, "type": typ})
		specs, _ = objs(specs[i]["options"])
	}
	if len(specs) > 0 {
		if typ, _ := num(specs[0]["type"]); typ <= 2 {
			return nil, cannot("%q needs a subcommand", a.Command)
		}
	}
	b := &optionBuilder{t: t, a: a, ch: ch, resolved: obj{}, auto: a.Do == "autocomplete"}
	opts, err := b.build(specs)
	if err != nil {
		return nil, err
	}
	for i := len(chain) - 1; i >= 0; i-- {
		chain[i]["options"] = opts
		opts = []obj{chain[i]}
	}
	typ := interCommand
	if b.auto {
		typ = interAutocomplete
	}
	in := s.newInteraction(typ, a.As, ch)
	in.Command = strings.Join(path, " ")
	data := obj{"id": k.ID, "name": k.Name, "type": 1}
	if len(opts) > 0 {
		data["options"] = opts
	}
	if k.GuildID != "" {
		data["guild_id"] = k.GuildID
	}
	if len(b.resolved) > 0 {
		data["resolved"] = b.resolved
	}
	t.send(in, data, nil)
	return in, nil
}

type optionBuilder struct {
	t        *tx
	a        Action
	ch       *channel
	resolved obj
	auto     bool
}

func (b *optionBuilder) build(specs []obj) ([]obj, error) {
	out := []obj{}
	known := map[string]bool{}
	for _, spec := range specs {
		name, _ := spec["name"].(string)
		known[name] = true
		v, given := b.a.Options[name]
		typ, _ := num(spec["type"])
		if typ == 11 && !given {
			for _, f := range b.a.Files {
				if f.Field == name || f.Field == "" && len(b.a.Files) == 1 {
					v, given = f.Name, true
				}
			}
		}
		if !given {
			if spec["required"] == true && !b.auto {
				return nil, cannot("option %q is required", name)
			}
			continue
		}
		o := obj{"name": name, "type": typ}
		if b.auto {
			// While a person types, values are as they stand, unchecked.
			o["value"] = v
			if name == b.a.Focused {
				if spec["autocomplete"] != true {
					return nil, cannot("option %q has no suggestions", name)
				}
				o["focused"], o["value"] = true, fmt.Sprint(v)
			}
			out = append(out, o)
			continue
		}
		val, err := b.value(spec, typ, name, v)
		if err != nil {
			return nil, err
		}
		o["value"] = val
		out = append(out, o)
	}
	for name := range b.a.Options {
		if !known[name] {
			return nil, cannot("no option %q in %q", name, b.a.Command)
		}
	}
	return out, nil
}

func (b *optionBuilder) value(spec obj, typ int, name string, v any) (any, error) {
	text := fmt.Sprint(v)
	if f, ok := v.(float64); ok {
		text = strconv.FormatFloat(f, 'f', -1, 64)
	}
	var val any = text
	switch typ {
	case 3:
		n := utf8.RuneCountInString(text)
		if lo, ok := num(spec["min_length"]); ok && n < lo {
			return nil, cannot("option %q is too short", name)
		}
		if hi, ok := num(spec["max_length"]); ok && n > hi || n > 6000 {
			return nil, cannot("option %q is too long", name)
		}
	case 4, 10:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || typ == 4 && f != math.Trunc(f) {
			return nil, cannot("option %q is no number", name)
		}
		if lo, ok := spec["min_value"].(float64); ok && f < lo {
			return nil, cannot("option %q is too small", name)
		}
		if hi, ok := spec["max_value"].(float64); ok && f > hi {
			return nil, cannot("option %q is too big", name)
		}
		val = f
	case 5:
		ok, err := strconv.ParseBool(text)
		if err != nil {
			return nil, cannot("option %q is neither true nor false", name)
		}
		val = ok
	case 6, 7, 8, 9:
		id := strings.Trim(text, "<@!&#>")
		if !b.t.resolve(b.resolved, typ, id) {
			return nil, cannot("option %q: nothing has the id %q", name, id)
		}
		val = id
	case 11:
		id, err := b.file(name, text)
		if err != nil {
			return nil, err
		}
		val = id
	}
	if choices, _ := objs(spec["choices"]); len(choices) > 0 {
		for _, c := range choices {
			if c["value"] == val || c["name"] == text {
				return c["value"], nil
			}
		}
		return nil, cannot("option %q does not offer %q", name, text)
	}
	return val, nil
}

func (b *optionBuilder) file(name, text string) (string, error) {
	for _, f := range b.a.Files {
		if f.Field == name || f.Name == text {
			return b.t.resolveFile(b.resolved, f, b.ch)
		}
	}
	return "", cannot("no file for option %q", name)
}

func (t *tx) resolveFile(resolved obj, f FileUpload, ch *channel) (string, error) {
	if len(f.Data) > maxFile {
		return "", cannot("%s is above 10 MiB", f.Name)
	}
	att, err := t.s.keepFile(f.Name, f.Data, ch.ID)
	if err != nil {
		return "", err
	}
	att.Ephemeral = true
	sub(resolved, "attachments")[att.ID] = t.s.attachmentJSON(att)
	return att.ID, nil
}

func sub(o obj, key string) obj {
	m, ok := o[key].(obj)
	if !ok {
		m = obj{}
		o[key] = m
	}
	return m
}

// resolve adds what an id means to the resolved data of an interaction. typ counts as for options: 6 user, 7 channel, 8 role, 9 either.
func (t *tx) resolve(resolved obj, typ int, id string) bool {
	s := t.s
	if (typ == 6 || typ == 9) && s.users[id] != nil {
		sub(resolved, "users")[id] = s.userJSON(id)
		if m := s.memberPart(id); m != nil {
			m["permissions"] = strconv.FormatUint(s.permissions(id, nil), 10)
			delete(m, "mute")
			delete(m, "deaf")
			sub(resolved, "members")[id] = m
		}
		return true
	}
	if c := s.channels[id]; c != nil && typ == 7 {
		o := s.channelJSON(c, s.o.BotUserID)
		o["permissions"] = strconv.FormatUint(s.permissions(s.o.BotUserID, c), 10)
		sub(resolved, "channels")[id] = o
		return true
	}
	if r, known := s.role(id); known && typ >= 8 {
		sub(resolved, "roles")[id] = roleJSON(r)
		return true
	}
	return false
}

func (t *tx) useMenu(a Action, ch *channel) (*interaction, error) {
	s := t.s
	k := s.lookup(a.Command, 3, ch)
	if k == nil {
		return nil, cannot("no message command %q", a.Command)
	}
	if err := s.mayUse(k, a.As, ch); err != nil {
		return nil, err
	}
	m := s.messages[a.Message]
	if m == nil || m.ChannelID != ch.ID || m.Ephemeral != "" && m.Ephemeral != a.As {
		return nil, errUnknownMessage()
	}
	in := s.newInteraction(interCommand, a.As, ch)
	in.Command, in.Menu, in.Target = k.Name, true, m.ID
	data := obj{"id": k.ID, "name": k.Name, "type": 3, "target_id": m.ID, "resolved": obj{"messages": obj{m.ID: s.messageJSON(m, s.o.BotUserID)}}}
	if k.GuildID != "" {
		data["guild_id"] = k.GuildID
	}
	t.send(in, data, nil)
	return in, nil
}

func (t *tx) useComponent(a Action, ch *channel) (*interaction, error) {
	s := t.s
	m := s.messages[a.Message]
	if m == nil || m.ChannelID != ch.ID || m.Ephemeral != "" && m.Ephemeral != a.As {
		return nil, errUnknownMessage()
	}
	var found obj
	walk(m.Components, func(c obj) {
		if c["custom_id"] == a.CustomID {
			found = c
		}
	})
	if found == nil {
		return nil, cannot("no component %q on that message", a.CustomID)
	}
	if found["disabled"] == true {
		return nil, cannot("component %q is disabled", a.CustomID)
	}
	if m.ApplicationID != "" && m.ApplicationID != s.o.ApplicationID || m.ApplicationID == "" && m.AuthorID != s.o.BotUserID {
		return nil, cannot("that component belongs to another app")
	}
	typ, _ := num(found["type"])
	data := obj{"custom_id": a.CustomID, "component_type": typ, "id": found["id"]}
	if a.Do == "press" != (typ == compButton) {
		return nil, cannot("component %q is of type %d", a.CustomID, typ)
	}
	if typ != compButton {
		resolved := obj{}
		if err := t.checkValues(found, typ, a.Values, resolved); err != nil {
			return nil, err
		}
		data["values"] = list(a.Values)
		if len(resolved) > 0 {
			data["resolved"] = resolved
		}
	}
	in := s.newInteraction(interComponent, a.As, ch)
	in.MessageID = m.ID
	t.send(in, data, m)
	return in, nil
}

func (t *tx) checkValues(spec obj, typ int, values []string, resolved obj) error {
	lo, _ := num(spec["min_values"])
	hi, ok := num(spec["max_values"])
	if !ok {
		lo, hi = 1, 1
	}
	if spec["required"] == false && len(values) == 0 {
		return nil
	}
	if len(values) < lo || len(values) > hi {
		return cannot("choose between %d and %d values", lo, hi)
	}
	opts, _ := objs(spec["options"])
	for _, v := range values {
		switch typ {
		case compStringSelect, compRadio, compCheckGroup:
			if !slices.ContainsFunc(opts, func(o obj) bool { return o["value"] == v }) {
				return cannot("no choice %q", v)
			}
		default:
			kind := map[int]int{compUserSelect: 6, compRoleSelect: 8, compMentionableSelect: 9, compChannelSelect: 7}[typ]
			if !t.resolve(resolved, kind, v) {
				return cannot("nothing has the id %q", v)
			}
		}
	}
	return nil
}
