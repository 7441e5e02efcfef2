package studio

import (
	"context"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/prompt"
)

// named finds a provider by its name; nil when it is not offered.
func named(all []core.Provider, name core.ProviderName) core.Provider {
	for _, p := range all {
		if p.Name() == name {
			return p
		}
	}
	return nil
}

// provider finds the provider that a person asked for, or their default, or the workspace's.
func (s *Studio) provider(p *core.Person, name string) (core.Provider, error) {
	if name == "" && p != nil {
		name = string(p.Provider)
	}
	if name == "" {
		name = string(s.Default)
	}
	var names []string
	for _, pr := range s.Providers {
		if string(pr.Name()) == strings.ToLower(name) {
			return pr, nil
		}
		names = append(names, string(pr.Name()))
	}
	return nil, core.Errorf(core.CodeInvalid, "There is no provider %q here.", clip(name, 20)).WithNext("There are: %s.", strings.Join(names, ", "))
}

// imagine makes a new task with its first version, or the next version of the task in whose thread it is said.
func (s *Studio) imagine(ctx context.Context, c *call) (core.Change, error) {
	typed := strings.TrimSpace(c.inv.Arg("prompt"))
	pr, err := s.Prompts.Parse(typed)
	if err != nil {
		return core.Change{}, err
	}
	words := pr.Words
	if words == "" {
		return core.Change{}, core.Errorf(core.CodeInvalid, "The prompt has no words.").WithNext("Type for example: imagine a lighthouse in the fog --ar 3:2")
	}
	full, where, refs, err := s.styled(c, typed)
	if err != nil {
		return core.Change{}, err
	}
	if pr, err = s.Prompts.Parse(full); err != nil {
		return core.Change{}, err
	}
	provider, err := s.provider(c.Person, where)
	if err != nil {
		return core.Change{}, err
	}
	req := s.request(core.OpGenerate, pr, full, c)
	req.Refs = refs
	if c.inv.Task == "" && c.Thread == nil {
		return s.newTask(ctx, c, provider, req, words)
	}
	// In a task's thread it is that task's next version.
	if err := s.findTask(ctx, c); err != nil {
		return core.Change{}, err
	}
	return s.begin(ctx, c, provider, req, core.ImageRef{})
}

// newTask makes a task whose first versions a request makes.
func (s *Studio) newTask(ctx context.Context, c *call, provider core.Provider, req core.Request, words string) (core.Change, error) {
	n, err := s.Changes.NextTask(ctx, c.Partition, c.Project.Key)
	if err != nil {
		return core.Change{}, err
	}
	now := s.Clock.Now().UTC()
	rooms, private, err := s.roomsFor(ctx, c)
	if err != nil {
		return core.Change{}, err
	}
	task := &core.Task{
		ID: core.MakeTaskID(c.Project.Key, n), Title: clip(words, 80), Owner: c.Person.ID, OwnerName: c.name(),
		Status: core.StatusOpen, Latest: 0, Private: private, Rooms: rooms, CreatedAt: now, UpdatedAt: now,
	}
	c.task = task
	change, err := s.begin(ctx, c, provider, req, core.ImageRef{})
	if err != nil || len(change.Versions) == 0 {
		return change, err // a question, or the way to an account
	}
	change.NewTask, change.Tasks = task, nil
	return change, nil
}

// roomsFor lists the rooms in which a new task shows. What was made in a private room shows in private rooms only.
func (s *Studio) roomsFor(ctx context.Context, c *call) (rooms []core.RoomID, private bool, err error) {
	private = c.In.Private || c.Room.Private
	rooms = []core.RoomID{c.Room.ID}
	for _, id := range c.Project.Rooms {
		if id == c.Room.ID {
			continue
		}
		r, err := s.Projects.Room(ctx, id)
		switch {
		case core.ErrorCode(err) == core.CodeNotFound:
		case err != nil:
			return nil, false, err
		case r.Project == c.Project.Key && (r.Private || !private):
			rooms = append(rooms, id)
		}
	}
	return rooms, private, nil
}

// request fills the neutral request of a prompt. The seed is chosen here, from the inbound, so that running the same
// inbound twice makes the same pictures.
func (s *Studio) request(op core.Op, pr prompt.Prompt, full string, c *call) core.Request {
	r := core.Request{V: core.RecordVersion, Op: op, Prompt: pr.Words, Full: full, Params: pr.Map(), N: 4}
	if v, ok := pr.Get("seed"); ok {
		r.Seed, _ = strconv.ParseInt(v, 10, 64)
	} else {
		h := fnv.New32a()
		_, _ = h.Write([]byte(c.In.ID))
		r.Seed = int64(h.Sum32())
	}
	if pr.Given {
		r.Model = pr.Version
	}
	return r
}

func dashed(names []string) string {
	return "--" + strings.Join(names, ", --")
}

// opName says in words what a provider is asked for: "X cannot zoom out".
func opName(op core.Op) core.Saying {
	switch op {
	case core.OpEditRegion:
		return core.Say("edit one area of a picture")
	case core.OpEditWords:
		return core.Say("edit a picture in words")
	case core.OpZoom:
		return core.Say("zoom out")
	case core.OpVary:
		return core.Say("make variations")
	}
	return word(op)
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return strings.TrimSpace(string(r[:n-1])) + "…"
	}
	return s
}

// operate makes a version from another one, on the account of whoever asked.
func (s *Studio) operate(ctx context.Context, c *call) (core.Change, error) {
	verb := c.inv.Row.Verb
	if out, err := s.fetch(c); err != nil || out != nil {
		return core.Change{Out: out}, err
	}
	switch {
	case verb == "blend":
		return s.blend(ctx, c)
	case verb == "describe" && len(c.In.Command.Stored) > 0:
		return s.describeUpload(ctx, c)
	}
	if err := s.findVersion(ctx, c); err != nil {
		return core.Change{}, err
	}
	provider, err := s.operator(c)
	if err != nil {
		return core.Change{}, err
	}
	req, parent, err := s.derive(c)
	if err != nil {
		return core.Change{}, err
	}
	if err := s.already(ctx, c, req, parent); err != nil {
		return core.Change{}, err
	}
	return s.begin(ctx, c, provider, req, parent)
}

// operator is the provider for work on a version: the one asked for, else the one that made it.
func (s *Studio) operator(c *call) (core.Provider, error) {
	if name := c.inv.Arg("provider"); name != "" {
		return s.provider(c.Person, name)
	}
	if p, err := s.provider(nil, string(c.version.Provider)); err == nil {
		return p, nil
	}
	return s.provider(c.Person, "")
}

// strengthIn is the strength that a word means, in English or in a person's language; "" for none.
func strengthIn(l core.Lang, word string) string {
	for _, s := range []string{"subtle", "strong"} {
		if strings.EqualFold(word, s) || strings.EqualFold(word, manner(s).In(l)) {
			return s
		}
	}
	return ""
}

// derive builds the request of an operation from the version it starts from.
func (s *Studio) derive(c *call) (core.Request, core.ImageRef, error) {
	verb, v := c.inv.Row.Verb, c.version
	parent := core.ImageRef{Version: v.ID.No, Image: c.inv.Ref.Image}
	full, strength := v.Request.Full, c.inv.Arg("strength")
	switch more := c.inv.Arg("prompt"); {
	case more == "":
	case verb == "vary" && strength == "" && strengthIn(c.Lang, more) != "":
		strength = strengthIn(c.Lang, more) // "vary v2.3 strong" means how far, and is no prompt
	default:
		full = more
	}
	pr, err := s.Prompts.Parse(full)
	if err != nil {
		return core.Request{}, parent, err
	}
	req := s.request(core.Op(verb), pr, full, c)
	req.Model = v.Request.Model
	if verb == "reroll" {
		if v.Request.Op != core.OpGenerate && v.Request.Op != core.OpReroll && v.Request.Source != nil {
			again := v.Request
			again.Seed = req.Seed
			return again, v.Parent, nil
		}
		parent.Image = 0
		return req, parent, nil
	}
	img, err := s.image(c)
	if err != nil {
		return core.Request{}, parent, err
	}
	parent.Image = img
	src := v.Images[img-1]
	req.Source, req.Of = &src, parent
	req.Strength = strength
	switch verb {
	case "vary":
		if req.Strength == "" {
			req.Strength = "strong"
		}
	case "upscale":
		req.N, req.Factor = 1, 2
		if req.Strength == "" {
			req.Strength = "subtle"
		}
	case "zoom":
		req.Factor = 1.5
		if f := c.inv.Arg("factor"); f != "" {
			req.Factor, err = fractional(f)
			if err != nil || req.Factor < 1.1 || req.Factor > 2 {
				return core.Request{}, parent, core.Errorf(core.CodeInvalid, "--factor cannot be %q.", clip(f, 20)).WithNext("Give a number from 1.1 to 2.")
			}
		}
	case "pan":
		req.Dir = c.inv.Arg("direction")
		if req.Dir == "" {
			req.Dir = "right"
		}
	case "edit":
		req.Op = core.OpEditWords
		if a := c.inv.Arg("area"); a != "" {
			req.Op = core.OpEditRegion
			req.Area, err = area(a)
			if err != nil {
				return core.Request{}, parent, err
			}
		} else if len(c.In.Command.Stored) > 0 {
			req.Op, req.Mask = core.OpEditRegion, &c.In.Command.Stored[0]
		}
	case "describe":
		req.N = 0
	}
	return req, parent, nil
}

// image is the picture that an operation works on: named, picked, or the only or first one.
func (s *Studio) image(c *call) (int, error) {
	v := c.version
	if v.State != core.JobDone || len(v.Images) == 0 {
		return 0, core.Errorf(core.CodeInvalid, "v%d has no pictures yet: it is %s.", v.ID.No, word(v.State)).WithNext("Try again when it is done.")
	}
	switch {
	case c.inv.Ref.Image > 0:
		return c.inv.Ref.Image, nil
	case c.task.Picked.Version == v.ID.No && c.task.Picked.Image > 0 && c.task.Picked.Image <= len(v.Images):
		return c.task.Picked.Image, nil
	}
	return 1, nil
}

// already refuses a second press while the first one's version is still being made.
func (s *Studio) already(ctx context.Context, c *call, req core.Request, parent core.ImageRef) error {
	all, err := s.Tasks.Versions(ctx, c.task.ID)
	if err != nil {
		return err
	}
	for _, v := range all {
		if c.Person.Is(v.Person) && !v.State.Final() && v.Parent == parent && v.Request.Op == req.Op && v.Request.Strength == req.Strength &&
			v.Request.Dir == req.Dir && v.Request.Factor == req.Factor && v.Request.Full == req.Full {
			return core.Errorf(core.CodeConflict, "That is already on its way as v%d.", v.ID.No).WithNext("Wait until it is done, or cancel it.")
		}
	}
	return nil
}

// blend mixes pictures of a task's versions.
func (s *Studio) blend(ctx context.Context, c *call) (core.Change, error) {
	uploads := c.In.Command.Stored
	isNew := c.inv.Arg("images") == "" && c.inv.Task == "" && c.Thread == nil && len(uploads) > 0
	if !isNew {
		if err := s.findTask(ctx, c); err != nil {
			return core.Change{}, err
		}
	}
	var refs []core.ImageRef
	for _, part := range strings.Split(c.inv.Arg("images"), ",") {
		if r, ok := core.ParseImageRef(strings.TrimSpace(part)); ok && !slices.Contains(refs, r) {
			refs = append(refs, r)
		}
	}
	if n := len(refs) + len(uploads); n < 2 || n > 5 {
		return core.Change{}, core.Errorf(core.CodeInvalid, "Blending takes two to five pictures.").WithNext("Type for example: blend v1.2,v2.3, or upload them with the command.")
	}
	var pics []core.StoredImage
	for _, r := range refs {
		c.inv.Ref = r
		if err := s.findVersion(ctx, c); err != nil {
			return core.Change{}, err
		}
		n, err := s.image(c)
		if err != nil {
			return core.Change{}, err
		}
		pics = append(pics, c.version.Images[n-1])
	}
	pics = append(pics, uploads...)
	if c.version == nil {
		return s.fromUploads(ctx, c, core.OpBlend, isNew, pics)
	}
	provider, err := s.operator(c)
	if err != nil {
		return core.Change{}, err
	}
	full := c.inv.Arg("prompt")
	if full == "" {
		full = c.version.Request.Full
	}
	pr, err := s.Prompts.Parse(full)
	if err != nil {
		return core.Change{}, err
	}
	req := s.request(core.OpBlend, pr, full, c)
	req.Refs = pics
	return s.begin(ctx, c, provider, req, refs[0])
}
