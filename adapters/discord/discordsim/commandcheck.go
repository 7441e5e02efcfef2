package discordsim

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// isCommandName checks the alphabet of ^[-_'\p{L}\p{N}\p{Devanagari}\p{Thai}]{1,32}$; its length is checked beside it.
// As a compiled expression it would hold a megabyte in every process, this simulator in use or not.
func isCommandName(s string) bool {
	for _, r := range s {
		if !strings.ContainsRune("-_'", r) && !unicode.In(r, unicode.L, unicode.N, unicode.Devanagari, unicode.Thai) {
			return false
		}
	}
	return true
}

var locales = strings.Fields("id da de en-GB en-US es-ES es-419 fr hr it lt hu nl no pl pt-BR ro fi sv-SE vi tr cs el bg ru uk hi th zh-CN ja zh-TW ko")

// checkCommand validates one command and completes it with what the platform fills in.
func checkCommand(tree errTree, p []any, in obj, guild bool) obj {
	typ := 1
	if n, ok := num(in["type"]); ok {
		typ = n
	}
	if typ < 1 || typ > 3 {
		tree.choice(at(p, "type"), "1, 2, 3")
	}
	o := obj{"type": typ, "dm_permission": in["dm_permission"] != false, "contexts": in["contexts"], "integration_types": []int{0}, "nsfw": in["nsfw"] == true,
		"default_member_permissions": nil, "name_localizations": nil, "description_localizations": nil, "description": ""}
	switch v := in["default_member_permissions"].(type) {
	case string:
		o["default_member_permissions"] = v
	case float64:
		o["default_member_permissions"] = fmt.Sprint(int64(v))
	}
	if v, ok := in["integration_types"].([]any); ok && len(v) > 0 {
		o["integration_types"] = v
	}
	if guild {
		delete(o, "dm_permission")
		o["contexts"] = nil
	}
	size := named(tree, p, in, o, typ == 1)
	if typ != 1 {
		if d, _ := in["description"].(string); d != "" {
			tree.add(at(p, "description"), "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION", "Context menu commands cannot have description")
		}
		if l, _ := objs(in["options"]); len(l) > 0 {
			tree.add(at(p, "options"), "APPLICATION_COMMAND_CONTEXT_MENU_OPTIONS", "Context menu commands cannot have options")
		}
		return o
	}
	size += described(tree, p, in, o)
	opts, n := checkOptions(tree, at(p, "options"), in["options"], 0)
	if len(opts) > 0 {
		o["options"] = opts
	}
	if size+n > 8000 {
		tree.add(p, "APPLICATION_COMMAND_TOO_LARGE", "Command exceeds maximum size (8000)")
	}
	return o
}

// longest is how a text with translations counts towards the size: with its longest form.
func longest(tree errTree, p []any, def string, loc any, check func([]any, string)) int {
	n := utf8.RuneCountInString(def)
	m, _ := loc.(obj)
	for k, v := range m {
		s, _ := v.(string)
		if !slices.Contains(locales, k) {
			tree.add(at(p, k), "ENUM_TYPE_COERCE", fmt.Sprintf("Value %q is not a valid enum value.", k))
			continue
		}
		if v == nil {
			continue
		}
		check(at(p, k), s)
		n = max(n, utf8.RuneCountInString(s))
	}
	return n
}

func named(tree errTree, p []any, in, o obj, chat bool) int {
	check := func(p []any, v string) {
		n := utf8.RuneCountInString(v)
		switch {
		case n < 1 || n > 32:
			tree.badLength(p, 1, 32)
		case chat && (!isCommandName(v) || strings.ToLower(v) != v):
			tree.add(p, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
		}
	}
	name, ok := in["name"].(string)
	if !ok {
		tree.required(at(p, "name"))
		return 0
	}
	check(at(p, "name"), name)
	o["name"] = name
	if in["name_localizations"] != nil {
		o["name_localizations"] = in["name_localizations"]
	}
	return longest(tree, at(p, "name_localizations"), name, in["name_localizations"], check)
}

func described(tree errTree, p []any, in, o obj) int {
	check := func(p []any, v string) {
		if n := utf8.RuneCountInString(v); n < 1 || n > 100 {
			tree.badLength(p, 1, 100)
		}
	}
	d, ok := in["description"].(string)
	if !ok {
		tree.required(at(p, "description"))
		return 0
	}
	check(at(p, "description"), d)
	o["description"] = d
	if in["description_localizations"] != nil {
		o["description_localizations"] = in["description_localizations"]
	}
	return longest(tree, at(p, "description_localizations"), d, in["description_localizations"], check)
}

// checkOptions walks subcommands and options; depth 0 is the command itself.
func checkOptions(tree errTree, p []any, v any, depth int) ([]obj, int) {
	if v == nil {
		return nil, 0
	}
	in, ok := objs(v)
	if !ok {
		tree.add(p, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
		return nil, 0
	}
	if len(in) > 25 {
		tree.tooLong(p, 25)
		return nil, 0
	}
	var out []obj
	size, optional, subs := 0, false, 0
	names := map[string]bool{}
	for i, x := range in {
		op := at(p, i)
		typ, _ := num(x["type"])
		if typ < 1 || typ > 11 {
			tree.choice(at(op, "type"), "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11")
			continue
		}
		o := obj{"type": typ}
		size += named(tree, op, x, o, true) + described(tree, op, x, o)
		dropNil(o)
		name, _ := o["name"].(string)
		if names[name] {
			tree.add(at(op, "name"), "APPLICATION_COMMAND_OPTIONS_NAME_DUPLICATE", "Option names must be unique")
		}
		names[name] = true
		if typ <= 2 {
			subs++
			if typ == 2 && depth > 0 || depth > 1 {
				tree.add(at(op, "type"), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Sub-command option type cannot be nested here")
				continue
			}
			next := depth + 1
			if typ == 1 {
				next = 2
			}
			kids, n := checkOptions(tree, at(op, "options"), x["options"], next)
			size += n
			if len(kids) > 0 {
				o["options"] = kids
			}
			out = append(out, o)
			continue
		}
		if depth == 1 {
			tree.add(at(op, "type"), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Sub-command groups can only contain sub-commands")
		}
		if x["required"] == true {
			if optional {
				tree.add(op, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", "Required options must be placed before non-required options")
			}
			o["required"] = true
		} else {
			optional = true
		}
		size += checkPlain(tree, op, x, o, typ)
		out = append(out, o)
	}
	if subs > 0 && subs < len(in) {
		tree.add(p, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Sub-command and sub-command group option types are mutually exclusive to all other types")
	}
	return out, size
}

func dropNil(o obj) {
	for k, v := range o {
		if v == nil {
			delete(o, k)
		}
	}
}

func checkPlain(tree errTree, p []any, in, o obj, typ int) int {
	size := 0
	for _, k := range []string{"min_value", "max_value", "min_length", "max_length", "channel_types", "file_types"} {
		if in[k] != nil {
			o[k] = in[k]
		}
	}
	choices, _ := objs(in["choices"])
	auto := in["autocomplete"] == true
	if auto {
		o["autocomplete"] = true
		if len(choices) > 0 {
			tree.add(at(p, "autocomplete"), "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_CHOICES", "Autocomplete cannot be used together with choices")
		}
		if typ != 3 && typ != 4 && typ != 10 {
			tree.add(at(p, "autocomplete"), "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_TYPE", "Autocomplete is not available for this type")
		}
	}
	if len(choices) > 25 {
		tree.tooLong(at(p, "choices"), 25)
		return size
	}
	var out []obj
	for i, x := range choices {
		cp := at(p, "choices", i)
		name, _ := x["name"].(string)
		if n := utf8.RuneCountInString(name); n < 1 || n > 100 {
			tree.badLength(at(cp, "name"), 1, 100)
		}
		size += utf8.RuneCountInString(name)
		c := obj{"name": name, "value": x["value"]}
		switch v := x["value"].(type) {
		case string:
			if typ != 3 {
				tree.add(at(cp, "value"), "NUMBER_TYPE_COERCE", fmt.Sprintf("Value %q is not int.", v))
			}
			if n := utf8.RuneCountInString(v); n < 1 || n > 100 {
				tree.badLength(at(cp, "value"), 1, 100)
			}
			size += utf8.RuneCountInString(v)
		case float64:
			if typ == 3 {
				tree.add(at(cp, "value"), "STRING_TYPE_CONVERT", "Could not interpret as string.")
			}
		default:
			tree.required(at(cp, "value"))
		}
		if x["name_localizations"] != nil {
			c["name_localizations"] = x["name_localizations"]
		}
		out = append(out, c)
	}
	if len(out) > 0 {
		o["choices"] = out
	}
	return size
}

// Choice is one suggestion of an autocompletion.
type Choice struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
}

func readChoices(in *interaction, data fields) error {
	var list []Choice
	if !data.get("choices", &list) && !data.has("choices") {
		return invalid("BASE_TYPE_REQUIRED", "This field is required", "data", "choices")
	}
	tree := errTree{}
	if len(list) > 25 {
		tree.tooLong([]any{"data", "choices"}, 25)
	}
	for i, c := range list {
		if n := utf8.RuneCountInString(c.Name); n < 1 || n > 100 {
			tree.badLength([]any{"data", "choices", i, "name"}, 1, 100)
		}
		if v, ok := c.Value.(string); ok && utf8.RuneCountInString(v) > 100 {
			tree.tooLong([]any{"data", "choices", i, "value"}, 100)
		}
	}
	in.choices = list
	return tree.err()
}
