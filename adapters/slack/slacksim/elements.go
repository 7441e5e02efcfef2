package slacksim

import (
	"fmt"
	"slices"
	"strings"
)

func actionElements() []string {
	return []string{"button", "overflow", "datepicker", "timepicker", "datetimepicker", "checkboxes", "radio_buttons", "workflow_button",
		"static_select", "external_select", "users_select", "conversations_select", "channels_select",
		"multi_static_select", "multi_external_select", "multi_users_select", "multi_conversations_select", "multi_channels_select"}
}

func inputElements() []string {
	return append([]string{"plain_text_input", "email_text_input", "url_text_input", "number_input", "rich_text_input", "file_input"},
		slices.DeleteFunc(actionElements(), func(t string) bool { return t == "button" || t == "overflow" || t == "workflow_button" })...)
}

// element checks one interactive element.
func (c *checker) element(e obj, at string, allowed []string) {
	typ := str(e, "type")
	if !slices.Contains(allowed, typ) {
		c.bad(at+"/type", "unsupported type: %s", typ)
		return
	}
	c.optional(e, at, "action_id", 255)
	if str(e, "action_id") == "" {
		e["action_id"] = randomString(5)
	}
	if conf, ok := e["confirm"].(obj); ok {
		c.text(conf, at+"/confirm", "title", 100, true, true)
		c.text(conf, at+"/confirm", "text", 300, false, true)
		c.text(conf, at+"/confirm", "confirm", 30, true, true)
		c.text(conf, at+"/confirm", "deny", 30, true, true)
	}
	c.text(e, at, "placeholder", 150, true, false)
	switch typ {
	case "button", "workflow_button":
		c.text(e, at, "text", 75, true, true)
		c.optional(e, at, "value", 2000)
		c.optional(e, at, "url", 3000)
		c.optional(e, at, "accessibility_label", 75)
		if st := str(e, "style"); st != "" && st != "primary" && st != "danger" {
			c.bad(at+"/style", "failed to match all allowed schemas")
		}
	case "overflow":
		c.options(e, at, 1, 5, 75)
	case "checkboxes", "radio_buttons":
		c.options(e, at, 1, 10, 75)
	case "static_select", "multi_static_select":
		if groups, ok := e["option_groups"].([]any); ok {
			if len(groups) > 100 {
				c.bad(at+"/option_groups", "no more than 100 items allowed")
			}
			for i, g := range groups {
				if o, ok := g.(obj); ok {
					p := fmt.Sprintf("%s/option_groups/%d", at, i)
					c.text(o, p, "label", 75, true, true)
					c.options(o, p, 1, 100, 75)
				}
			}
			return
		}
		c.options(e, at, 1, 100, 75)
	case "plain_text_input":
		for _, k := range []string{"min_length", "max_length"} {
			if n, ok := e[k].(float64); ok && (n < 0 || n > 3000) {
				c.bad(at+"/"+k, "must be no more than 3000")
			}
		}
		c.optional(e, at, "initial_value", 3000)
	case "file_input":
		if n, ok := e["max_files"].(float64); ok && (n < 1 || n > 10) {
			c.bad(at+"/max_files", "must be between 1 and 10")
		}
	}
}

func (c *checker) options(e obj, at string, lo, hi, textLen int) {
	list, ok := e["options"].([]any)
	if !ok {
		c.bad(at, "missing required field: options")
		return
	}
	if len(list) < lo {
		c.bad(at+"/options", "no fewer than %d items allowed", lo)
	}
	if len(list) > hi {
		c.bad(at+"/options", "no more than %d items allowed", hi)
	}
	for i, v := range list {
		p := fmt.Sprintf("%s/options/%d", at, i)
		o, ok := v.(obj)
		if !ok {
			c.bad(p, "must provide an object")
			continue
		}
		c.text(o, p, "text", textLen, false, true)
		c.text(o, p, "description", 75, false, false)
		if _, ok := o["value"].(string); !ok {
			c.bad(p, "missing required field: value")
		}
		c.optional(o, p, "value", 150)
	}
}

func (c *checker) input(b obj, at string) {
	c.text(b, at, "label", 2000, true, true)
	c.text(b, at, "hint", 2000, true, false)
	e, ok := b["element"].(obj)
	if !ok {
		c.bad(at, "missing required field: element")
		return
	}
	for k, def := range map[string]bool{"optional": false, "dispatch_action": false} {
		if _, ok := b[k]; !ok {
			b[k] = def
		}
	}
	c.element(e, at+"/element", inputElements())
}

// found is an interactive element with the block it lies in.
type found struct {
	block, el obj
}

// findElement looks through decoded blocks for an action id, in any corner that may hold one.
func findElement(blocks []any, blockID, actionID string) *found {
	var hit *found
	var walk func(v any, block obj)
	walk = func(v any, block obj) {
		switch x := v.(type) {
		case []any:
			for _, e := range x {
				walk(e, block)
			}
		case obj:
			if str(x, "action_id") == actionID && actionID != "" && hit == nil {
				hit = &found{block: block, el: x}
			}
			for k, e := range x {
				if !strings.HasPrefix(k, "initial_") {
					walk(e, block)
				}
			}
		}
	}
	for _, b := range blocks {
		if o, ok := b.(obj); ok && (blockID == "" || str(o, "block_id") == blockID) {
			walk(o, o)
		}
	}
	return hit
}
