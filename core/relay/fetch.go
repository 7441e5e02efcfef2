package relay

import (
	"bytes"
	"context"

	"github.com/atelier-bridge/atelier/core"
)

// FetchedSuffix ends the id of a command that is handled again with its pictures.
const FetchedSuffix = "+files"

// maxFetched bounds the pictures that come with one command.
const maxFetched = 5

// fetchFor fetches the pictures that came with a command and has the command handled again with them: handlers make no
// call to a platform. What cannot be fetched is told by the command itself.
func (d *Deliverer) fetchFor(ctx context.Context, t *try) error {
	in := *t.out.Fetch
	c := *in.Command
	c.Stored = nil
	for _, f := range c.Files[:min(len(c.Files), maxFetched)] {
		im, err := d.fetchPicture(ctx, in.Room, f)
		switch core.ErrorCode(err) {
		case "":
			c.Stored = append(c.Stored, im)
			continue
		case core.CodeRetry, core.CodeUnknown:
			return err
		}
		c.Unfetched = d.reader(ctx, in.Actor).Error(err)
		break
	}
	in.ID, in.Command = in.ID+FetchedSuffix, &c
	return d.Receiver.Receive(ctx, in)
}

func (d *Deliverer) fetchPicture(ctx context.Context, room core.RoomID, f core.FileRef) (core.StoredImage, error) {
	data, err := d.readImport(ctx, core.Import{Room: room, File: f})
	if err != nil {
		return core.StoredImage{}, err
	}
	return d.Imaging.Import(ctx, bytes.NewReader(data), f.Name)
}
