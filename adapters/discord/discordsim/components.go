package discordsim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Component types.
const (
	compRow = iota + 1
	compButton
	compStringSelect
	compTextInput
	compUserSelect
	compRoleSelect
	compMentionableSelect
	compChannelSelect
	compSection
	compText
	compThumbnail
	compGallery
	compFile
	compSeparator
	compContainer  = 17
	compLabel      = 18
	compUpload     = 19
	compRadio      = 21
	compCheckGroup = 22
	compCheckbox   = 23
)

// checker walks a component tree, collecting faults and what is counted over the whole message.
type checker struct {
	tree   errTree
	modal  bool
	v2     bool
	ui     bool
	total  int
	text   int
	ids    map[int]bool
	custom map[string]bool
	nextID int
}

func newChecker(tree errTree, v2, modal, ui bool) *checker {
	return &checker{tree: tree, v2: v2, modal: modal, ui: ui, ids: map[int]bool{}, custom: map[string]bool{}}
}

// checkComponents validates a message's components and gives them as the platform stores them.
func checkComponents(tree errTree, b fields, v2, ui bool) []obj {
	if !b.has("components") || b.null("components") {
		return nil
	}
	var in []obj
	if !b.get("components", &in) {
		tree.add([]any{"components"}, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
		return nil
	}
	k := newChecker(tree, v2, false, ui)
	if !v2 && len(in) > 5 {
		tree.badLength([]any{"components"}, 1, 5)
		return nil
	}
	out := k.list([]any{"components"}, in, k.topTypes())
	if v2 && k.total > 40 {
		tree.add([]any{"components"}, "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", "The maximum number of components (40) was exceeded")
	}
	if v2 && k.text > 4000 {
		tree.add([]any{"components"}, "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", "The maximum displayable text size (4000) was exceeded")
	}
	k.number(out)
	return out
}

func (k *checker) topTypes() []int {
	switch {
	case k.modal:
		return []int{compRow, compText, compLabel}
	case k.v2:
		return []int{compRow, compSection, compText, compGallery, compFile, compSeparator, compContainer}
	}
	return []int{compRow}
}

func (k *checker) list(p []any, in []obj, types []int) []obj {
	out := make([]obj, 0, len(in))
	for i, c := range in {
		if o := k.one(at(p, i), c, types); o != nil {
			out = append(out, o)
		}
	}
	return out
}

func num(v any) (int, bool) {
	switch n := v.(type) {
	case float64:
		return int(n), n == float64(int(n))
	case int:
		return n, true
	}
	return 0, false
}

func objs(v any) ([]obj, bool) {
	switch l := v.(type) {
	case []obj:
		return l, true
	case []any:
		out := make([]obj, 0, len(l))
		for _, e := range l {
			o, ok := e.(obj)
			if !ok {
				return nil, false
			}
			out = append(out, o)
		}
		return out, true
	}
	return nil, false
}

func (k *checker) one(p []any, in obj, types []int) obj {
	typ, ok := num(in["type"])
	if !ok {
		k.tree.required(at(p, "type"))
		return nil
	}
	if !slices.Contains(types, typ) {
		names := make([]string, len(types))
		for i, t := range types {
			names[i] = fmt.Sprint(t)
		}
		k.tree.add(at(p, "type"), "UNION_TYPE_CHOICES", fmt.Sprintf("Value of field \"type\" must be one of (%s).", strings.Join(names, ", ")))
		return nil
	}
	k.total++
	o := obj{"type": typ}
	if id, ok := num(in["id"]); ok && id > 0 {
		if k.ids[id] {
			k.tree.add(at(p, "id"), "COMPONENT_DUPLICATED_ID", "Component id cannot be duplicated")
		}
		k.ids[id] = true
		o["id"] = id
	}
	switch typ {
	case compRow:
		k.row(p, in, o)
	case compButton:
		k.button(p, in, o)
	case compStringSelect, compUserSelect, compRoleSelect, compMentionableSelect, compChannelSelect:
		k.choose(p, in, o, typ)
	case compTextInput:
		k.input(p, in, o)
	case compSection:
		k.section(p, in, o)
	case compText:
		k.textDisplay(p, in, o)
	case compThumbnail:
		k.media(p, in, o)
	case compGallery:
		k.gallery(p, in, o)
	case compFile:
		k.file(p, in, o)
	case compSeparator:
		o["spacing"], o["divider"] = 1, true
		if n, ok := num(in["spacing"]); ok {
			o["spacing"] = n
		}
		if d, ok := in["divider"].(bool); ok {
			o["divider"] = d
		}
	case compContainer:
		kids, _ := objs(in["components"])
		if len(kids) == 0 {
			k.tree.required(at(p, "components"))
		}
		o["components"] = k.list(at(p, "components"), kids, []int{compRow, compSection, compText, compGallery, compFile, compSeparator})
		o["accent_color"], o["spoiler"] = nil, in["spoiler"] == true
		if n, ok := num(in["accent_color"]); ok {
			o["accent_color"] = n
		}
	case compLabel:
		k.label(p, in, o)
	default:
		k.field(p, in, o, typ)
	}
	return o
}

func (k *checker) row(p []any, in, o obj) {
	kids, ok := objs(in["components"])
	if !ok || len(kids) < 1 || len(kids) > 5 {
		k.tree.badLength(at(p, "components"), 1, 5)
		return
	}
	if k.modal {
		o["components"] = k.list(at(p, "components"), kids, []int{compTextInput})
		return
	}
	types := []int{compButton}
	first, _ := num(kids[0]["type"])
	if first != compButton {
		types = []int{compButton, compStringSelect, compUserSelect, compRoleSelect, compMentionableSelect, compChannelSelect}
		if len(kids) > 1 {
			k.tree.add(at(p, "components"), "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "The specified component exceeds the maximum width")
			return
		}
	}
	o["components"] = k.list(at(p, "components"), kids, types)
}

func (k *checker) str(p []any, in, o obj, key string, min, max int, required bool) string {
	v, ok := in[key].(string)
	if !ok || v == "" {
		if required {
			k.tree.required(at(p, key))
		}
		return ""
	}
	n := utf8.RuneCountInString(v)
	if n > max {
		if min > 0 {
			k.tree.badLength(at(p, key), min, max)
		} else {
			k.tree.tooLong(at(p, key), max)
		}
	}
	o[key] = v
	return v
}

func (k *checker) customID(p []any, in, o obj) {
	id := k.str(p, in, o, "custom_id", 1, 100, true)
	if id == "" {
		return
	}
	if k.custom[id] {
		k.tree.add(at(p, "custom_id"), "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
	}
	k.custom[id] = true
	if !k.ui && !k.modal {
		k.tree.add(p, "COMPONENT_NOT_INTERACTIVE", "Interactive components need an application-owned webhook")
	}
}

func (k *checker) button(p []any, in, o obj) {
	style, ok := num(in["style"])
	if !ok || style < 1 || style > 6 {
		k.tree.choice(at(p, "style"), "1, 2, 3, 4, 5, 6")
		return
	}
	o["style"] = style
	k.str(p, in, o, "label", 0, 80, false)
	if e, ok := in["emoji"].(obj); ok && e != nil {
		x := obj{"name": e["name"]}
		if e["id"] != nil && e["id"] != "" {
			x["id"] = e["id"]
		}
		o["emoji"] = x
	}
	if in["disabled"] == true {
		o["disabled"] = true
	}
	if style == 6 {
		k.str(p, in, o, "sku_id", 1, 20, true)
		return
	}
	if o["label"] == nil && o["emoji"] == nil {
		k.tree.add(p, "BUTTON_COMPONENT_INVALID_LABEL", "A button must have a label or an emoji")
	}
	if style != 5 {
		if in["url"] != nil && in["url"] != "" {
			k.tree.add(p, "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", "A custom id and url cannot both be specified")
		}
		k.customID(p, in, o)
		return
	}
	if in["custom_id"] != nil && in["custom_id"] != "" {
		k.tree.add(p, "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", "A custom id and url cannot both be specified")
	}
	link := k.str(p, in, o, "url", 1, 512, true)
	if link != "" && !goodURL(link, false) && !strings.HasPrefix(link, "discord://") {
		k.tree.add(at(p, "url"), "BASE_TYPE_INVALID", "Not a well formed URL.")
	}
}

func (k *checker) choose(p []any, in, o obj, typ int) {
	k.customID(p, in, o)
	k.str(p, in, o, "placeholder", 0, 150, false)
	lo, hi := 1, 1
	if n, ok := num(in["min_values"]); ok {
		lo = n
	}
	if n, ok := num(in["max_values"]); ok {
		hi = n
	}
	if lo < 0 || lo > 25 {
		k.tree.add(at(p, "min_values"), "NUMBER_TYPE_MAX", "int value should be less than or equal to 25.")
	}
	if hi < 1 || hi > 25 {
		k.tree.add(at(p, "max_values"), "NUMBER_TYPE_MAX", "int value should be less than or equal to 25.")
	}
	o["min_values"], o["max_values"] = lo, hi
	if in["disabled"] == true {
		o["disabled"] = true
	}
	if k.modal {
		o["required"] = in["required"] != false
	}
	for _, key := range []string{"channel_types", "default_values"} {
		if in[key] != nil {
			o[key] = in[key]
		}
	}
	if typ != compStringSelect {
		return
	}
	opts := k.options(p, in, 1, 25)
	o["options"] = opts
	if hi > len(opts) && len(opts) > 0 {
		k.tree.add(at(p, "max_values"), "NUMBER_TYPE_MAX", fmt.Sprintf("int value should be less than or equal to %d.", len(opts)))
	}
}

func (k *checker) options(p []any, in obj, lo, hi int) []obj {
	opts, ok := objs(in["options"])
	if !ok || len(opts) < lo || len(opts) > hi {
		k.tree.badLength(at(p, "options"), lo, hi)
		return nil
	}
	seen := map[string]bool{}
	out := make([]obj, 0, len(opts))
	for i, x := range opts {
		op := at(p, "options", i)
		v := obj{}
		k.str(op, x, v, "label", 1, 100, true)
		val := k.str(op, x, v, "value", 1, 100, true)
		k.str(op, x, v, "description", 0, 100, false)
		if val != "" && seen[val] {
			k.tree.add(at(op, "value"), "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "The specified option value is already used")
		}
		seen[val] = true
		if x["emoji"] != nil {
			v["emoji"] = x["emoji"]
		}
		if x["default"] == true {
			v["default"] = true
		}
		out = append(out, v)
	}
	return out
}

// number gives every component without an id the next free one, in reading order, as the platform does.
func (k *checker) number(list []obj) {
	for _, c := range list {
		if _, ok := c["id"]; !ok {
			for k.nextID++; k.ids[k.nextID]; k.nextID++ {
			}
			c["id"] = k.nextID
			k.ids[k.nextID] = true
		}
		if kids, ok := c["components"].([]obj); ok {
			k.number(kids)
		}
		for _, one := range []string{"accessory", "component"} {
			if kid, ok := c[one].(obj); ok {
				k.number([]obj{kid})
			}
		}
	}
}

// componentText gathers the text displays: mentions in them ping as content does.
func componentText(list []obj) string {
	var b strings.Builder
	walk(list, func(c obj) {
		if t, _ := num(c["type"]); t == compText {
			s, _ := c["content"].(string)
			b.WriteString(s + "\n")
		}
	})
	return b.String()
}

// walk visits every component of a tree, also of one that came back from disk.
func walk(list []obj, f func(obj)) {
	for _, c := range list {
		f(c)
		if kids, ok := objs(c["components"]); ok {
			walk(kids, f)
		}
		for _, one := range []string{"accessory", "component"} {
			if kid, ok := c[one].(obj); ok {
				walk([]obj{kid}, f)
			}
		}
	}
}

func decodeObj(b json.RawMessage) obj {
	var o obj
	_ = json.Unmarshal(b, &o)
	return o
}
