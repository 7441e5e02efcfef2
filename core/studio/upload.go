package studio

import (
	"context"
	"strings"

	"github.com/atelier-bridge/atelier/core"
)

// fetch has the pictures fetched that came with a command, before it is handled. It returns nothing when that is done, or
// when there are none.
func (s *Studio) fetch(c *call) ([]core.Outgoing, error) {
	cmd := c.In.Command
	if cmd.Unfetched != "" {
		return nil, core.Errorf(core.CodeInvalid, "%s", cmd.Unfetched)
	}
	if len(cmd.Files) == 0 || len(cmd.Stored) > 0 || !takesPictures(c.inv.Row.Verb) {
		return nil, nil
	}
	in := c.In
	return []core.Outgoing{{ID: core.MakeDeliveryID("", c.Room.ID, "fetch/"+string(in.ID)), Kind: core.OutFetch, Room: c.Room.ID, Fetch: &in, At: in.At}}, nil
}

// takesPictures names the verbs that work with what somebody uploads.
func takesPictures(verb string) bool {
	return verb == "blend" || verb == "describe" || verb == "edit" || verb == "reference save"
}

// describeUpload puts a picture that somebody brought into words, in the thread's task or in a new one.
func (s *Studio) describeUpload(ctx context.Context, c *call) (core.Change, error) {
	isNew := c.inv.Task == "" && c.Thread == nil
	if !isNew {
		if err := s.findTask(ctx, c); err != nil {
			return core.Change{}, err
		}
	}
	return s.fromUploads(ctx, c, core.OpDescribe, isNew, c.In.Command.Stored[:1])
}

// fromUploads begins an operation that starts from no version of a task.
func (s *Studio) fromUploads(ctx context.Context, c *call, op core.Op, isNew bool, pics []core.StoredImage) (core.Change, error) {
	full := strings.TrimSpace(c.inv.Arg("prompt"))
	if full == "" {
		full = string(op) + " " + pics[0].Name
	}
	pr, err := s.Prompts.Parse(full)
	if err != nil {
		return core.Change{}, err
	}
	provider, err := s.provider(c.Person, c.inv.Arg("provider"))
	if err != nil {
		return core.Change{}, err
	}
	req := s.request(op, pr, full, c)
	if op == core.OpDescribe {
		req.Source, req.N = &pics[0], 0
	} else {
		req.Refs = pics
	}
	if !isNew {
		return s.begin(ctx, c, provider, req, core.ImageRef{})
	}
	return s.newTask(ctx, c, provider, req, pr.Words)
}
