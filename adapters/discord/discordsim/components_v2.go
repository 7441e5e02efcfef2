package discordsim

import (
	"strings"
	"unicode/utf8"
)

func (k *checker) textDisplay(p []any, in, o obj) {
	v, ok := in["content"].(string)
	if !ok || strings.TrimSpace(v) == "" {
		k.tree.badLength(at(p, "content"), 1, 4000)
		return
	}
	n := utf8.RuneCountInString(v)
	if n > 4000 {
		k.tree.badLength(at(p, "content"), 1, 4000)
	}
	k.text += n
	o["content"] = v
}

func (k *checker) section(p []any, in, o obj) {
	kids, _ := objs(in["components"])
	if len(kids) < 1 || len(kids) > 3 {
		k.tree.badLength(at(p, "components"), 1, 3)
		return
	}
	o["components"] = k.list(at(p, "components"), kids, []int{compText})
	acc, ok := in["accessory"].(obj)
	if !ok {
		k.tree.required(at(p, "accessory"))
		return
	}
	if a := k.one(at(p, "accessory"), acc, []int{compButton, compThumbnail}); a != nil {
		o["accessory"] = a
	}
}

func (k *checker) media(p []any, in, o obj) {
	m, ok := in["media"].(obj)
	link, _ := m["url"].(string)
	if !ok || link == "" {
		k.tree.required(at(p, "media", "url"))
		return
	}
	if !goodURL(link, strings.HasPrefix(link, "attachment://")) {
		k.tree.add(at(p, "media", "url"), "URL_TYPE_INVALID_URL", "Not a well formed URL.")
	}
	o["media"] = obj{"url": link}
	o["description"], o["spoiler"] = nil, in["spoiler"] == true
	k.str(p, in, o, "description", 0, 1024, false)
}

func (k *checker) gallery(p []any, in, o obj) {
	items, _ := objs(in["items"])
	if len(items) < 1 || len(items) > 10 {
		k.tree.badLength(at(p, "items"), 1, 10)
		return
	}
	out := make([]obj, 0, len(items))
	for i, it := range items {
		x := obj{}
		k.media(at(p, "items", i), it, x)
		out = append(out, x)
	}
	o["items"] = out
}

func (k *checker) file(p []any, in, o obj) {
	f, _ := in["file"].(obj)
	link, _ := f["url"].(string)
	if !strings.HasPrefix(link, "attachment://") && f["attachment_id"] == nil {
		k.tree.add(at(p, "file", "url"), "URL_TYPE_INVALID_SCHEME", "Scheme must be one of ('attachment',).")
		return
	}
	o["file"], o["spoiler"], o["name"], o["size"] = obj{"url": link}, in["spoiler"] == true, nil, nil
}

// label checks the modal layout that holds one input under a caption.
func (k *checker) label(p []any, in, o obj) {
	k.str(p, in, o, "label", 1, 45, true)
	k.str(p, in, o, "description", 0, 100, false)
	kid, ok := in["component"].(obj)
	if !ok {
		k.tree.required(at(p, "component"))
		return
	}
	types := []int{compTextInput, compStringSelect, compUserSelect, compRoleSelect, compMentionableSelect, compChannelSelect, compUpload, compRadio, compCheckGroup, compCheckbox}
	if c := k.one(at(p, "component"), kid, types); c != nil {
		delete(c, "label")
		o["component"] = c
	}
}

func (k *checker) input(p []any, in, o obj) {
	k.customID(p, in, o)
	style, ok := num(in["style"])
	if !ok || style < 1 || style > 2 {
		k.tree.choice(at(p, "style"), "1, 2")
	}
	o["style"] = style
	inLabel := len(p) > 0 && p[len(p)-1] == "component"
	k.str(p, in, o, "label", 1, 45, !inLabel)
	k.str(p, in, o, "placeholder", 0, 100, false)
	o["required"] = in["required"] != false
	lo, hi := 0, 4000
	if n, ok := num(in["min_length"]); ok {
		lo = n
		o["min_length"] = n
	}
	if n, ok := num(in["max_length"]); ok && n != 0 {
		hi = n
		o["max_length"] = n
	}
	if lo < 0 || lo > 4000 {
		k.tree.add(at(p, "min_length"), "NUMBER_TYPE_MAX", "int value should be less than or equal to 4000.")
	}
	if hi < 1 || hi > 4000 {
		k.tree.add(at(p, "max_length"), "NUMBER_TYPE_MAX", "int value should be less than or equal to 4000.")
	}
	if v, ok := in["value"].(string); ok && v != "" {
		n := utf8.RuneCountInString(v)
		if n > hi {
			k.tree.tooLong(at(p, "value"), hi)
		}
		if n < lo {
			k.tree.badLength(at(p, "value"), lo, hi)
		}
		o["value"] = v
	}
}

// field checks the inputs that only stand inside a label: upload, radio, checkboxes.
func (k *checker) field(p []any, in, o obj, typ int) {
	k.customID(p, in, o)
	if typ == compCheckbox {
		o["default"] = in["default"] == true
		return
	}
	o["required"] = in["required"] != false
	if typ == compRadio {
		o["options"] = k.options(p, in, 2, 10)
		return
	}
	lo, hi := 1, 1
	if typ == compCheckGroup {
		opts := k.options(p, in, 1, 10)
		o["options"] = opts
		hi = len(opts)
	}
	if n, ok := num(in["min_values"]); ok {
		lo = n
	}
	if n, ok := num(in["max_values"]); ok {
		hi = n
	}
	if lo < 0 || lo > 10 {
		k.tree.add(at(p, "min_values"), "NUMBER_TYPE_MAX", "int value should be less than or equal to 10.")
	}
	if hi < 1 || hi > 10 {
		k.tree.add(at(p, "max_values"), "NUMBER_TYPE_MAX", "int value should be less than or equal to 10.")
	}
	o["min_values"], o["max_values"] = lo, hi
}

// checkModal validates the data of a type 9 answer.
func checkModal(b fields) (custom, title string, list []obj, err error) {
	tree := errTree{}
	k := newChecker(tree, false, true, true)
	holder, raw := obj{}, obj{"custom_id": b.str("custom_id"), "title": b.str("title")}
	root := []any{"data"}
	custom = k.str(root, raw, holder, "custom_id", 1, 100, true)
	title = k.str(root, raw, holder, "title", 0, 45, true)
	var in []obj
	if !b.get("components", &in) || len(in) < 1 || len(in) > 5 {
		tree.badLength([]any{"data", "components"}, 1, 5)
		return "", "", nil, tree.err()
	}
	list = k.list([]any{"data", "components"}, in, k.topTypes())
	k.number(list)
	return custom, title, list, tree.err()
}
