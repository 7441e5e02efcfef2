package relay

import (
	"context"
	"errors"
	"slices"

	"github.com/atelier-bridge/atelier/core"
)

// draw makes the pictures that a card asks for, once: a chart, two pictures side by side, some pictures in one.
func (d *Deliverer) draw(ctx context.Context, t *try) error {
	c := t.out.Card
	if c == nil || c.Chart == nil && c.Compare == nil && c.Mosaic == nil {
		return nil
	}
	card := *c
	card.Chart, card.Compare, card.Mosaic, card.Images = nil, nil, nil, slices.Clone(c.Images)
	add := func(im core.StoredImage, name, alt string) {
		card.Images = append(card.Images, core.Image{Blob: im.Blob, Name: name, Alt: alt, MIME: im.MIME, Width: im.Width, Height: im.Height})
	}
	if c.Chart != nil {
		im, err := d.Charts.Chart(ctx, *c.Chart)
		if err != nil {
			return err
		}
		add(im, "chart.png", c.Chart.Alt)
	}
	if c.Compare != nil {
		im, err := d.Annotator.Compare(ctx, *c.Compare)
		if err != nil {
			return err
		}
		name := c.Compare.Name + ".jpg"
		if c.Compare.Blink {
			name = c.Compare.Name + ".gif"
		}
		add(im, name, c.Compare.Alt)
	}
	if c.Mosaic != nil {
		im, err := d.Annotator.Mosaic(ctx, *c.Mosaic)
		switch {
		case err == nil:
			add(im, c.Mosaic.Name+".jpg", c.Mosaic.Alt)
		case passing(err):
			return err
		default: // what is told is worth telling without its pictures
			d.Log.WarnContext(ctx, "pictures not drawn", "card", c.Title, "error", err)
		}
	}
	t.out.Card = &card
	return nil
}

// passing reports whether a picture may be drawn when it is tried again.
func passing(err error) bool {
	code := core.ErrorCode(err)
	return code == core.CodeRetry || code == core.CodeUnknown || errors.Is(err, context.Canceled)
}

// pin draws where a comment points to. A picture that is gone leaves the words.
func (d *Deliverer) pin(ctx context.Context, t *try, m *core.Comment, f *core.Attached) error {
	if m.Spot == nil || d.Annotator == nil {
		f.Fail = d.room(ctx, t.out).T("%s could not be drawn", f.Ref.Name)
		return nil
	}
	im, err := d.Annotator.Pin(ctx, f.PinOn, *m.Spot, m.No)
	switch {
	case err == nil:
		f.Blob, f.Size, f.MIME = im.Blob, im.Size, im.MIME
	case passing(err):
		return core.Wrap(core.CodeRetry, err)
	default:
		d.Log.WarnContext(ctx, "pin not drawn", "comment", m.ID, "error", err)
		f.Fail = d.room(ctx, t.out).T("%s could not be drawn", f.Ref.Name)
	}
	return nil
}

// topicOf names the post that a message begins where a room is a forum.
func topicOf(o core.Outgoing) string {
	if o.Card != nil && o.Card.Title != "" {
		return clipText(o.Card.Title, 80)
	}
	return clipText(o.Text.String(), 80)
}
