package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/atelier-bridge/atelier/adapters/discord/discordsim"
	"github.com/atelier-bridge/atelier/adapters/slack/slacksim"
	"github.com/atelier-bridge/atelier/cmd/atelier/internal/demo"
)

func persona(name string) demo.Persona {
	for _, p := range demo.Personas() {
		if p.Key == name {
			return p
		}
	}
	return demo.Persona{}
}

// plainDeed is what both simulators call the deeds that take nothing but a text or an emoji.
func plainDeed(do string) string {
	return map[string]string{"says": "say", "replies": "say", "edits": "edit", "deletes": "delete", "reacts": "react", "unreacts": "unreact"}[do]
}

type slackPane struct {
	s      *slacksim.Server
	second bool // the second team
}

func (p slackPane) all(name string) []shown {
	sn := p.s.Snapshot(persona(name).SlackIn(p.second))
	var out []shown
	for _, c := range sn.Channels {
		for _, m := range c.Messages {
			where := "room"
			if c.IsIM {
				where = "direct"
			}
			out = append(out, slackShown(m, c.ID, m.TS, where))
			for _, r := range m.Replies {
				out = append(out, slackShown(r, c.ID, m.TS, "thread"))
			}
		}
	}
	for _, m := range sn.Ephemerals {
		out = append(out, slackShown(m, m.Channel, m.ThreadTS, "private"))
	}
	if sn.Home != nil && name != "" {
		var view map[string]any
		if json.Unmarshal(sn.Home.View, &view) == nil {
			s := shown{where: "home", buttons: map[string]string{}, reactions: map[string]int{}}
			var b strings.Builder
			flatten(view["blocks"], &b, &s)
			s.text = b.String()
			out = append(out, s)
		}
	}
	return out
}

func slackShown(m slacksim.MessageView, room, thread, where string) shown {
	s := shown{id: m.TS, room: room, thread: thread, where: where, author: m.AuthorName, buttons: map[string]string{}, reactions: map[string]int{}, edited: m.Edited != nil, raw: m}
	var b strings.Builder
	var blocks any
	if json.Unmarshal(m.Blocks, &blocks) == nil && blocks != nil {
		flatten(blocks, &b, &s)
	} else {
		b.WriteString(m.Text)
	}
	s.text = b.String()
	for _, f := range m.Files {
		s.files++
		if strings.HasPrefix(f.MIME, "image/") {
			s.images++
		}
	}
	for _, r := range m.Reactions {
		s.reactions[r.Name] = len(r.Users)
	}
	return s
}

// flatten collects what a reader of Block Kit sees.
func flatten(v any, b *strings.Builder, s *shown) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			flatten(x, b, s)
		}
	case map[string]any:
		kind, _ := v["type"].(string)
		switch kind {
		case "button":
			if t, ok := v["text"].(map[string]any); ok {
				s.buttons[fmt.Sprint(t["text"])] = fmt.Sprint(v["action_id"])
			}
			return
		case "image":
			s.images++
			return
		case "user":
			fmt.Fprintf(b, "@%v", v["user_id"])
			return
		case "emoji":
			fmt.Fprintf(b, ":%v:", v["name"])
			return
		case "link":
			if _, ok := v["text"]; !ok {
				fmt.Fprint(b, v["url"])
			}
		case "header", "section", "context", "rich_text", "divider", "rich_text_section", "rich_text_quote", "rich_text_preformatted":
			b.WriteByte('\n')
		}
		for _, key := range []string{"text", "fields", "elements"} {
			switch x := v[key].(type) {
			case string:
				b.WriteString(x)
			case nil:
			default:
				flatten(x, b, s)
			}
		}
	}
}

func (p slackPane) act(ctx context.Context, name, do string, a actArgs) error {
	rooms := map[string]string{"": demo.SlackRoom, "general": demo.SlackOther, "secret": demo.SlackPrivate}
	if p.second {
		rooms = map[string]string{"": demo.SecondRoom}
	}
	act := slacksim.Action{As: persona(name).SlackIn(p.second), Channel: rooms[a.room], Text: a.text, Emoji: a.emoji}
	if a.on != nil {
		act.Channel, act.TS = a.on.room, a.on.id
		act.ThreadTS = a.on.thread
	}
	if a.task != "" {
		for _, m := range p.all("") {
			if m.where == "room" && strings.Contains(m.text, a.task+" ") {
				act.ThreadTS = m.id
			}
		}
	}
	switch do {
	case "says", "replies", "edits", "deletes", "reacts", "unreacts":
		act.Do = plainDeed(do)
	case "answers":
		act.Do, act.TS = "say", ""
		if act.ThreadTS = a.on.thread; act.ThreadTS == "" {
			act.ThreadTS = a.on.id
		}
	case "command":
		act.Do = "command"
		act.Command, act.Text, _ = strings.Cut(a.text, " ")
	case "presses":
		act.Do, act.ActionID = "press", a.on.buttons[a.button]
	case "opens": // the app's home
		act.Do = "home"
	case "uploads":
		act.Do, act.Files = "say", []slacksim.FileUpload{{Name: a.file, Data: a.data}}
	case "menu":
		act.Do = "shortcut"
		for _, s := range p.s.Snapshot("").Shortcuts {
			if s.Name == a.button {
				act.CallbackID = s.CallbackID
			}
		}
	case "submits":
		act.Do, act.Values = "submit", map[string]map[string]any{}
		view := p.s.Snapshot(act.As).View
		if view == nil {
			return fmt.Errorf("no modal is open")
		}
		var def struct {
			Blocks []struct {
				BlockID string `json:"block_id"`
				Element struct {
					ActionID string `json:"action_id"`
				} `json:"element"`
			} `json:"blocks"`
		}
		if err := json.Unmarshal(view.Def, &def); err != nil {
			return err
		}
		for _, b := range def.Blocks {
			for k, v := range a.fields {
				if b.BlockID == k || b.Element.ActionID == k {
					act.Values[b.BlockID] = map[string]any{b.Element.ActionID: v}
				}
			}
		}
	default:
		return fmt.Errorf("slack has no %q", do)
	}
	if act.Do == "say" && do == "says" {
		act.ThreadTS = ""
	}
	r, err := p.s.Act(ctx, act)
	if err == nil && !r.OK {
		err = fmt.Errorf("slack says %s", r.Error)
	}
	return err
}

func (p slackPane) wait(ctx context.Context, ok func() bool) error {
	return p.s.WaitFor(ctx, func(*slacksim.Snapshot) bool { return ok() })
}

func (p slackPane) fault(data []byte) error {
	if string(data) == "off" {
		p.s.ClearFaults()
		return nil
	}
	f, err := decodeFault[slacksim.Fault](data)
	if err != nil {
		return err
	}
	return p.s.Fault(f)
}

type discordPane struct {
	s      *discordsim.Server
	second bool // the second server
}

func (p discordPane) all(name string) []shown {
	sn := p.s.Snapshot(persona(name).Discord, 0)
	var out []shown
	add := func(c discordsim.ChannelView, where string) {
		if where != "direct" && (c.GuildID == demo.SecondGuild) != p.second {
			return
		}
		for _, m := range c.Messages {
			w, thread := where, c.ID
			if where == "room" {
				thread = m.ThreadID
			}
			if m.Ephemeral != "" {
				w = "private"
			}
			if m.Thinking || m.Type != 0 && m.Type != 19 && m.Type != 20 && m.Type != 23 {
				continue
			}
			out = append(out, discordShown(m, c.ID, thread, w))
		}
	}
	for _, c := range sn.Channels {
		if len(c.Recipients) > 0 {
			add(c, "direct")
			continue
		}
		add(c, "room")
	}
	for _, c := range sn.Threads {
		add(c, "thread")
	}
	return out
}

func discordShown(m discordsim.MessageView, room, thread, where string) shown {
	s := shown{id: m.ID, room: room, thread: thread, where: where, author: m.Author, text: m.Content, buttons: map[string]string{}, reactions: map[string]int{}, edited: m.Edited != nil, raw: m}
	var embeds []map[string]any
	var components []any
	data, _ := json.Marshal(map[string]any{"e": m.Embeds, "c": m.Components})
	_ = json.Unmarshal(data, &struct {
		E *[]map[string]any `json:"e"`
		C *[]any            `json:"c"`
	}{&embeds, &components})
	for _, e := range embeds {
		for _, k := range []string{"title", "description"} {
			if t, ok := e[k].(string); ok {
				s.text += "\n" + t
			}
		}
		if list, ok := e["fields"].([]any); ok {
			for _, f := range list {
				if f, ok := f.(map[string]any); ok {
					s.text += fmt.Sprintf("\n%v %v", f["name"], f["value"])
				}
			}
		}
		if f, ok := e["footer"].(map[string]any); ok {
			s.text += fmt.Sprintf("\n%v", f["text"])
		}
		if e["image"] != nil {
			s.images++
		}
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, x := range v {
				walk(x)
			}
		case map[string]any:
			if l, ok := v["label"].(string); ok {
				s.buttons[l] = fmt.Sprint(v["custom_id"])
			}
			walk(v["components"])
		}
	}
	walk(components)
	for _, a := range m.Attachments {
		s.files++
		if strings.HasPrefix(a.ContentType, "image/") {
			s.images++
		}
	}
	for _, r := range m.Reactions {
		s.reactions[r.Emoji] = len(r.Users)
	}
	return s
}

func (p discordPane) act(ctx context.Context, name, do string, a actArgs) error {
	rooms := map[string]string{"": demo.DiscordRoom, "general": demo.DiscordOther, "secret": demo.DiscordPrivate}
	if p.second {
		rooms = map[string]string{"": demo.SecondChannel}
	}
	act := discordsim.Action{As: persona(name).Discord, Channel: rooms[a.room], Text: a.text, Emoji: a.emoji}
	if a.on != nil {
		act.Channel, act.Message = a.on.room, a.on.id
	}
	if a.task != "" {
		for _, m := range p.all("") {
			if m.where == "room" && strings.Contains(m.text, a.task+" ") {
				act.Channel = m.thread
			}
		}
	}
	switch do {
	case "says", "replies", "edits", "deletes", "reacts", "unreacts":
		act.Do = plainDeed(do)
	case "answers":
		if a.on.where == "room" {
			if a.on.thread == "" {
				started, err := p.s.Act(ctx, discordsim.Action{As: act.As, Do: "thread", Channel: a.on.room, Message: a.on.id, Text: "talk"})
				if err != nil {
					return err
				}
				a.on.thread = started.Thread
			}
			act.Channel = a.on.thread
		}
		act.Do, act.Message = "say", ""
	case "posts":
		act.Do, act.Channel, act.Fields = "thread", storyForum, map[string]string{"name": a.title}
	case "command", "commandin": // "/atelier imagine prompt=a lighthouse; provider=x"
		path, opts, _ := strings.Cut(strings.TrimPrefix(a.text, "/"), " | ")
		act.Do, act.Command, act.Text, act.Options = "command", path, "", map[string]any{}
		for _, kv := range strings.Split(opts, " | ") {
			k, v, ok := strings.Cut(kv, "=")
			if file, is := strings.CutPrefix(v, "@"); is {
				act.Files = append(act.Files, discordsim.FileUpload{Name: file, Field: k, Data: a.read(file)})
			} else if ok {
				act.Options[k] = v
			}
		}
	case "presses":
		act.Do, act.CustomID = "press", a.on.buttons[a.button]
	case "uploads":
		act.Do, act.Files = "say", []discordsim.FileUpload{{Name: a.file, Data: a.data}}
	case "menu":
		act.Do, act.Command = "menu", a.button
	case "completes": // COMMAND OPTION TYPED OFFERED
		act.Do, act.Command, act.Text, act.Focused, act.Options = "autocomplete", a.title, "", a.button, map[string]any{a.button: a.text}
		return p.offers(ctx, act, a.emoji)
	case "submits":
		act.Do, act.Fields = "submit", a.fields
	case "midjourney":
		raw := map[string]any{"content": a.text, "webhook_id": discordsim.MidjourneyApp, "application_id": discordsim.MidjourneyApp}
		if a.button != "" {
			raw["components"] = []any{map[string]any{"type": 1, "components": []any{map[string]any{"type": 2, "style": 2, "label": "U1", "custom_id": a.button}}}}
		}
		data, err := json.Marshal(raw)
		if err != nil {
			return err
		}
		act.Do, act.As, act.Text, act.Raw, act.Files = "post_as_app", discordsim.MidjourneyApp, "", data, []discordsim.FileUpload{{Name: a.file, Data: a.data}}
	default:
		return fmt.Errorf("discord has no %q", do)
	}
	r, err := p.s.Act(ctx, act)
	if err == nil && r.Failed != "" {
		err = fmt.Errorf("discord says %s", r.Failed)
	}
	return err
}

func (p discordPane) wait(ctx context.Context, ok func() bool) error {
	return p.s.WaitFor(ctx, func(*discordsim.Snapshot) bool { return ok() })
}

func (p discordPane) fault(data []byte) error {
	if string(data) == "off" {
		p.s.ClearFaults()
		return nil
	}
	f, err := decodeFault[discordsim.Fault](data)
	if err != nil {
		return err
	}
	return p.s.Fault(f)
}

// offers fails unless an autocomplete offers a choice with a text.
func (p discordPane) offers(ctx context.Context, act discordsim.Action, want string) error {
	r, err := p.s.Act(ctx, act)
	if err != nil {
		return err
	}
	var got []string
	for _, c := range r.Choices {
		got = append(got, fmt.Sprint(c.Name, "=", c.Value))
	}
	if !strings.Contains(strings.Join(got, " "), want) {
		return fmt.Errorf("offered are %q", got)
	}
	return nil
}
