package discord

import (
	"context"
	"strings"

	"github.com/atelier-bridge/atelier/core"
)

// compose renders a delivery as one or more messages. Files and card stand in the first one, which always stays.
func (a *Adapter) compose(ctx context.Context, d core.Delivery, at spot) ([]part, []string, error) {
	p := newPrinter(a.custom(at.guild))
	text := p.print(d.Text)
	users := p.mentions()
	first := part{}
	if d.Card != nil {
		shown := renderCard(*d.Card, a.custom(at.guild))
		first.embeds, first.components = shown.Embeds, shown.Components
		users = append(users, shown.mentions...)
		if text == "" {
			text = shown.Content
		} else if len(shown.Embeds) == 0 && shown.Content != "" {
			text += "\n\n" + shown.Content
		}
	}
	files, notes, err := a.composeFiles(ctx, d, &first)
	if err != nil {
		return nil, nil, err
	}
	first.files = files
	if d.Author != nil {
		for _, n := range notes {
			text = strings.TrimSpace(text + "\n*" + escape(n, false) + "*")
		}
		if d.ReplyTo != "" && isSnowflake(string(d.ReplyTo)) {
			text = "-# ↩ [" + d.T("in reply to this message") + "](" + a.Link(d.Room, d.Thread, d.ReplyTo) + ")\n" + text
		}
	}
	parts := []part{first}
	for i, s := range split(text, maxContent) {
		if i > 0 {
			parts = append(parts, part{})
		}
		parts[i].content, parts[i].users = s, users
	}
	if p := parts[0]; p.content == "" && len(p.embeds) == 0 && len(p.components) == 0 && len(p.files) == 0 && len(p.keep) == 0 {
		return nil, nil, core.Errorf(core.CodeInvalid, "There is nothing in that message that Discord could show.")
	}
	return parts, notes, nil
}

// composeFiles keeps what is uploaded already and loads the rest. A card shows only files that it names.
func (a *Adapter) composeFiles(ctx context.Context, d core.Delivery, first *part) ([]outFile, []string, error) {
	var missing []core.File
	for _, f := range d.Files {
		if h := d.Handles[f.Blob]; h != "" && d.Op == core.OpEdit && isSnowflake(h) {
			first.keep = append(first.keep, h)
			continue
		}
		missing = append(missing, f)
	}
	d.Files = missing
	return load(ctx, d)
}

// handles notes under which ids uploaded files lie: in the list of attachments, or in the embed that shows them.
func handles(into map[core.BlobKey]string, files []outFile, m *wireMessage) {
	have := m.allFiles()
	for _, f := range files {
		for _, h := range have {
			if h.Filename == f.name && f.blob != "" {
				into[f.blob] = h.ID
			}
		}
	}
}

func (a *Adapter) isForum(ctx context.Context, channel string) bool {
	p, err := a.where(ctx, channel)
	return err == nil && p.isForum()
}

// channelOf is where a message lies: a forum's root messages lie in the threads that they opened.
func (a *Adapter) channelOf(_ context.Context, at spot, message string) string {
	if at.thread == "" {
		if p, ok := a.world.get(at.parent); ok && p.isForum() {
			return message
		}
	}
	return at.channel()
}
