package slacksim

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// checker collects what is wrong with a set of blocks, in Slack's words.
type checker struct {
	s      *Server
	where  string // message, modal or home
	errs   []string
	blocks map[string]bool
}

func (c *checker) bad(at, format string, args ...any) {
	if len(c.errs) < 50 {
		c.errs = append(c.errs, "[ERROR] "+fmt.Sprintf(format, args...)+" [json-pointer:"+at+"]")
	}
}

func (c *checker) maxLen(at, text string, n int) {
	if utf8.RuneCountInString(text) > n {
		c.bad(at, "must be less than %d characters", n+1)
	}
}

func str(o obj, k string) string { v, _ := o[k].(string); return v }

func (c *checker) optional(o obj, at, key string, n int) {
	if v, ok := o[key]; ok && v != nil {
		t, isText := v.(string)
		if !isText {
			c.bad(at+"/"+key, "must be a string")
			return
		}
		c.maxLen(at+"/"+key, t, n)
	}
}

// text checks a text object; plain says that only plain_text will do.
func (c *checker) text(o obj, at, key string, n int, plain, required bool) {
	v, ok := o[key]
	if !ok || v == nil {
		if required {
			c.bad(at, "missing required field: %s", key)
		}
		return
	}
	t, ok := v.(obj)
	at += "/" + key
	if !ok {
		c.bad(at, "must provide an object")
		return
	}
	switch typ := str(t, "type"); {
	case typ == "plain_text", typ == "mrkdwn" && !plain:
	default:
		c.bad(at+"/type", "unsupported type: %s", typ)
	}
	body, isText := t["text"].(string)
	switch {
	case !isText:
		c.bad(at, "missing required field: text")
	case body == "":
		c.bad(at+"/text", "must be more than 0 characters")
	default:
		c.maxLen(at+"/text", body, n)
	}
	if plain || str(t, "type") == "plain_text" {
		if _, ok := t["emoji"]; !ok {
			t["emoji"] = true // Slack fills it in
		}
	} else if _, ok := t["verbatim"]; !ok {
		t["verbatim"] = false
	}
}

// checkBlocks validates blocks for a message, modal or home tab and gives them back with ids filled in.
func (s *Server) checkBlocks(raw json.RawMessage, where string) (json.RawMessage, error) {
	var list []any
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fail("invalid_blocks_format")
	}
	if len(list) == 0 {
		return nil, nil
	}
	c := &checker{s: s, where: where, blocks: map[string]bool{}}
	top := 100
	if where == "message" {
		top = 50
	}
	if len(list) > top {
		c.bad("/blocks", "no more than %d items allowed", top)
	}
	tables := 0
	for i, v := range list {
		at := fmt.Sprintf("/blocks/%d", i)
		b, ok := v.(obj)
		if !ok {
			c.bad(at, "must provide an object")
			continue
		}
		if str(b, "type") == "table" {
			if tables++; tables > 1 {
				c.bad(at, "only one table allowed")
			}
		}
		c.block(b, at)
	}
	if c.errs != nil {
		return nil, fail("invalid_blocks", c.errs...)
	}
	out, err := json.Marshal(list)
	if err != nil {
		return nil, fail("invalid_blocks_format")
	}
	return out, nil
}

func (c *checker) block(b obj, at string) {
	c.optional(b, at, "block_id", 255)
	id := str(b, "block_id")
	if id == "" {
		id = randomString(5)
		b["block_id"] = id
	} else if c.blocks[id] {
		c.bad(at+"/block_id", "`block_id` already exists")
	}
	c.blocks[id] = true
	typ := str(b, "type")
	if c.where != "message" && slices.Contains([]string{"markdown", "table", "file", "card", "carousel"}, typ) {
		c.bad(at+"/type", "unsupported type: %s", typ)
		return
	}
	switch typ {
	case "section":
		c.section(b, at)
	case "header":
		c.text(b, at, "text", 150, true, true)
	case "divider":
	case "context":
		els := c.elements(b, at, 1, 10)
		for i, e := range els {
			p := fmt.Sprintf("%s/elements/%d", at, i)
			switch t := str(e, "type"); t {
			case "image":
				c.image(e, p)
			case "mrkdwn", "plain_text":
				c.text(obj{itoa(i): e}, at+"/elements", itoa(i), 3000, false, true)
			default:
				c.bad(p+"/type", "unsupported type: %s", t)
			}
		}
	case "actions":
		seen := map[string]bool{}
		for i, e := range c.elements(b, at, 1, 25) {
			p := fmt.Sprintf("%s/elements/%d", at, i)
			c.element(e, p, actionElements())
			if seen[str(e, "action_id")] {
				c.bad(p+"/action_id", "`action_id` already exists")
			}
			seen[str(e, "action_id")] = true
		}
	case "context_actions":
		for i, e := range c.elements(b, at, 1, 5) {
			c.element(e, fmt.Sprintf("%s/elements/%d", at, i), []string{"feedback_buttons", "icon_button"})
		}
	case "input":
		c.input(b, at)
	case "image":
		c.image(b, at)
		c.text(b, at, "title", 2000, true, false)
	case "rich_text":
		if _, ok := b["elements"].([]any); !ok {
			c.bad(at, "missing required field: elements")
		}
	case "markdown":
		if str(b, "text") == "" {
			c.bad(at, "missing required field: text")
		}
		c.maxLen(at+"/text", str(b, "text"), 12000)
	case "table":
		rows, _ := b["rows"].([]any)
		if len(rows) == 0 || len(rows) > 100 {
			c.bad(at+"/rows", "must be between 1 and 100 items")
		}
		for i, r := range rows {
			if cells, ok := r.([]any); !ok || len(cells) == 0 || len(cells) > 20 {
				c.bad(fmt.Sprintf("%s/rows/%d", at, i), "must be between 1 and 20 items")
			}
		}
	case "card":
		c.card(b, at)
	case "carousel":
		for i, e := range c.elements(b, at, 1, 10) {
			c.card(e, fmt.Sprintf("%s/elements/%d", at, i))
		}
	case "video", "file", "call", "container", "alert", "plan", "task_card", "data_table", "data_visualization":
		// Known to Slack; nothing of ours sends them, so their insides go unchecked.
	case "":
		c.bad(at, "missing required field: type")
	default:
		c.bad(at+"/type", "unsupported type: %s", typ)
	}
}

func (c *checker) elements(b obj, at string, lo, hi int) []obj {
	list, ok := b["elements"].([]any)
	if !ok {
		c.bad(at, "missing required field: elements")
		return nil
	}
	if len(list) < lo {
		c.bad(at+"/elements", "no fewer than %d items allowed", lo)
	}
	if len(list) > hi {
		c.bad(at+"/elements", "no more than %d items allowed", hi)
	}
	out := make([]obj, 0, len(list))
	for i, v := range list {
		if e, ok := v.(obj); ok {
			out = append(out, e)
		} else {
			c.bad(fmt.Sprintf("%s/elements/%d", at, i), "must provide an object")
		}
	}
	return out
}

func (c *checker) section(b obj, at string) {
	fields, _ := b["fields"].([]any)
	c.text(b, at, "text", 3000, false, len(fields) == 0)
	if len(fields) > 10 {
		c.bad(at+"/fields", "no more than 10 items allowed")
	}
	for i, f := range fields {
		c.text(obj{itoa(i): f}, at+"/fields", itoa(i), 2000, false, true)
	}
	if acc, ok := b["accessory"].(obj); ok {
		if str(acc, "type") == "image" {
			c.image(acc, at+"/accessory")
		} else {
			c.element(acc, at+"/accessory", actionElements())
		}
	}
}

func (c *checker) card(b obj, at string) {
	c.text(b, at, "title", 150, false, false)
	c.text(b, at, "subtitle", 150, false, false)
	c.text(b, at, "body", 200, false, false)
	if img, ok := b["hero_image"].(obj); ok {
		c.image(img, at+"/hero_image")
	}
	if acts, ok := b["actions"].([]any); ok {
		for i, a := range acts {
			if e, ok := a.(obj); ok {
				c.element(e, fmt.Sprintf("%s/actions/%d", at, i), actionElements())
			}
		}
	}
}

var (
	fileID    = regexp.MustCompile(`^F[A-Z0-9]{8,}$`)
	httpURL   = regexp.MustCompile(`^https?://[^\s]+$`)
	imageMIME = regexp.MustCompile(`^image/(png|jpeg|gif)$`)
)

// image checks an image block or element; a slack_file must be processed, and a picture that Slack can show.
func (c *checker) image(b obj, at string) {
	if _, ok := b["alt_text"].(string); !ok {
		c.bad(at, "missing required field: alt_text")
	}
	c.optional(b, at, "alt_text", 2000)
	sf, hasFile := b["slack_file"].(obj)
	link := str(b, "image_url")
	switch {
	case hasFile == (link != ""):
		c.bad(at, "must provide one of image_url and slack_file")
		return
	case !hasFile:
		c.maxLen(at+"/image_url", link, 3000)
		if !httpURL.MatchString(link) {
			c.bad(at+"/image_url", "invalid url")
		}
		b["fallback"] = str(b, "alt_text")
		return
	}
	id, u := str(sf, "id"), str(sf, "url")
	if (id == "") == (u == "") {
		c.bad(at+"/slack_file", "must provide one of id and url")
		return
	}
	if id == "" {
		for _, f := range c.s.st.files {
			if strings.Contains(u, "-"+f.ID+"/") || strings.Contains(u, "/"+f.ID+"/") {
				id = f.ID
			}
		}
	}
	f := c.s.st.files[id]
	if !fileID.MatchString(id) || f == nil || f.Deleted || !f.Ready || !imageMIME.MatchString(f.MIME) || !c.s.seesFile(f) {
		c.bad(at+"/slack_file", "invalid slack file")
		return
	}
	b["fallback"], b["image_width"], b["image_height"], b["image_bytes"] = str(b, "alt_text"), f.Width, f.Height, f.Size
}

func (s *Server) checkAttachments(raw json.RawMessage) (json.RawMessage, error) {
	var list []any
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fail("invalid_attachments")
	}
	if len(list) > 100 {
		return nil, fail("too_many_attachments")
	}
	for i, v := range list {
		a, ok := v.(obj)
		if !ok {
			return nil, fail("invalid_attachments")
		}
		if _, ok := a["id"]; !ok {
			a["id"] = i + 1
		}
		if _, ok := a["fallback"]; !ok {
			a["fallback"] = "[no preview available]"
		}
		blocks, ok := a["blocks"]
		if !ok {
			continue
		}
		b, err := json.Marshal(blocks)
		if err != nil {
			return nil, fail("invalid_attachments")
		}
		checked, err := s.checkBlocks(b, "message")
		if err != nil {
			return nil, err
		}
		a["blocks"] = checked
	}
	out, err := json.Marshal(list)
	if err != nil {
		return nil, fail("invalid_attachments")
	}
	return out, nil
}
