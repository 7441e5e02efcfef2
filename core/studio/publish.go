package studio

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/query"
)

const (
	// maxPublished bounds the pictures of one post; both platforms show ten.
	maxPublished = 10
	// maxPublishedTasks bounds the tasks of a search that are published at once.
	maxPublishedTasks = 50
	// allRooms names every public room of a project.
	allRooms = "all"
	// captionLine is how much of a prompt stands below published pictures, in letters.
	captionLine = 300
	// titleLetters is how much of a title stands above them.
	titleLetters = 120
)

// publish posts chosen pictures of a task in rooms of its project, outside of its thread.
func (s *Studio) publish(ctx context.Context, c *call) (core.Change, error) {
	refs, words, err := chosen(c.inv.Arg("images"), c.inv.Arg("text"))
	if err != nil {
		return core.Change{}, err
	}
	if err := s.findTask(ctx, c); err != nil {
		return core.Change{}, err
	}
	rooms, err := s.publishRooms(ctx, c, c.inv.Arg("room"))
	if err != nil {
		return core.Change{}, err
	}
	if err := s.mayShow(ctx, c.task, rooms); err != nil {
		return core.Change{}, err
	}
	if len(refs) == 0 {
		ref := c.task.Picked
		if ref.Version == 0 {
			if ref.Version, err = s.newestDone(ctx, c.task); err != nil {
				return core.Change{}, err
			}
		}
		refs = []core.ImageRef{ref}
	}
	l := s.shared(c.Project)
	card := core.Card{Title: clip(c.task.Title, titleLetters), Footer: l.T("%[1]s, published by %[2]s", c.task.ID, c.name())}
	if words != "" {
		card.Body = append(card.Body, core.Para(core.TextNodes(words)...))
	}
	var lines []string
	for _, ref := range refs {
		pics, err := s.shownPictures(ctx, c, ref)
		if err != nil {
			return core.Change{}, err
		}
		v := c.version
		lines = append(lines, l.T("%s: %s", ref, clip(v.Request.Prompt, captionLine))+" · "+v.PersonName)
		for _, p := range pics {
			im := v.Images[p.Image-1]
			card.Images = append(card.Images, preview(im, fmt.Sprintf("%s-%s", c.task.ID, p), l.T("%s v%d: %s", c.task.ID, v.ID.No, clip(v.Request.Prompt, 300))))
		}
	}
	if n := len(card.Images); n > maxPublished {
		return core.Change{}, core.Errorf(core.CodeInvalid, "That are %d pictures, and %d fit into one post.", n, maxPublished).WithNext("Name single ones, such as publish v2.3 v1.2.")
	}
	card.Body = append(card.Body, bullets(lines)...)
	out := s.posts(ctx, c, rooms, card, []*core.Task{c.task}, 0)
	said := c.N(len(card.Images), "%[1]d picture is posted in %[2]s.", "%[1]d pictures are posted in %[2]s.", len(card.Images), strings.Join(s.roomNames(ctx, rooms), ", "))
	return core.Change{Out: append(out, c.answer(text(said)))}, nil
}

// preview is what is shown of a stored picture.
func preview(im core.StoredImage, name, alt string) core.Image {
	out := core.Image{Blob: im.Blob, MIME: im.MIME, Width: im.Width, Height: im.Height, Name: name + ".jpg", Alt: alt}
	if im.Preview != "" {
		out.Blob, out.MIME = im.Preview, "image/jpeg"
		out.Width, out.Height = 0, 0 // of the preview they are not known
	} else if im.MIME != "image/jpeg" {
		out.Name = name + "." + strings.TrimPrefix(im.MIME, "image/")
	}
	return out
}

// chosen reads which pictures are meant: those of the option, and those with which the text begins.
func chosen(images, words string) (refs []core.ImageRef, rest string, err error) {
	for _, w := range strings.FieldsFunc(images, func(r rune) bool { return r == ',' || r == ' ' }) {
		ref, ok := core.ParseImageRef(w)
		if !ok {
			return nil, "", core.Errorf(core.CodeInvalid, "%q is no version.", clip(w, 40)).WithNext("Versions are written v2, their pictures v2.3.")
		}
		refs = append(refs, ref)
	}
	rest = strings.TrimSpace(words)
	for rest != "" {
		word, after := rest, ""
		if i := strings.IndexAny(rest, " \n\t,"); i >= 0 {
			word, after = rest[:i], rest[i+1:]
		}
		ref, ok := core.ParseImageRef(word)
		if !ok {
			break
		}
		refs, rest = append(refs, ref), strings.TrimLeft(after, " \n\t,")
	}
	var once []core.ImageRef
	for _, r := range refs {
		if !slices.Contains(once, r) {
			once = append(once, r)
		}
	}
	return once, rest, nil
}

// mayShow refuses a private room's task everywhere but in that room.
func (s *Studio) mayShow(ctx context.Context, t *core.Task, rooms []core.RoomID) error {
	for _, r := range rooms {
		if t.Private && !slices.Contains(t.Rooms, r) {
			return core.Errorf(core.CodeForbidden, "%s was made in a private room, so it is not shown in %s.", t.ID, s.roomNames(ctx, []core.RoomID{r})[0]).WithNext("Publish it in its own room, or make it anew in a public one.")
		}
	}
	return nil
}

// posts makes the post of a card for each room, with links to tasks where they can be opened there.
func (s *Studio) posts(ctx context.Context, c *call, rooms []core.RoomID, card core.Card, tasks []*core.Task, part int) []core.Outgoing {
	var out []core.Outgoing
	talk := core.TalkTask(c.Project.Key)
	l := s.shared(c.Project)
	for _, room := range rooms {
		there := card
		var row []core.Button
		for _, t := range tasks {
			if url := s.linkTo(ctx, t, room.Platform(), room); url != "" {
				row = append(row, core.Button{Label: l.T("Open %s", t.ID), URL: url})
			}
		}
		for few := range slices.Chunk(row, rowOfButtons) {
			there.Buttons = append(there.Buttons, few)
		}
		obj := core.NoticeObject(talk, fmt.Sprintf("publish-%s-%d", core.Digest(16, string(c.In.ID)), part))
		out = append(out, core.Outgoing{ID: core.MakeDeliveryID(obj, room, "post"), Kind: core.OutPost, Room: room, Task: talk, Object: obj, Card: &there, At: c.In.At})
	}
	return out
}

// rowOfButtons is how many buttons stand in one row.
const rowOfButtons = 5

// publishRoom is a room that somebody may publish in.
type publishRoom struct {
	id   core.RoomID
	name string // as it is typed
}

// label is the room with its platform, as it may be typed, too.
func (r publishRoom) label() string { return string(r.id.Platform()) + ":#" + r.name }

// openTo lists the rooms of a project that everybody may know: the public ones, and the one in which somebody is.
func (s *Studio) openTo(ctx context.Context, p *core.Project, here core.RoomID) ([]publishRoom, error) {
	var out []publishRoom
	for _, id := range p.Rooms {
		r, err := s.Projects.Room(ctx, id)
		if core.ErrorCode(err) == core.CodeNotFound || err == nil && r.Private && id != here {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, publishRoom{id, r.Name})
	}
	return out, nil
}

// publishRooms reads in which rooms something is to be posted; this one where nobody says.
func (s *Studio) publishRooms(ctx context.Context, c *call, typed string) ([]core.RoomID, error) {
	open, err := s.openTo(ctx, c.Project, c.from())
	if err != nil {
		return nil, err
	}
	typed = strings.TrimSpace(typed)
	if typed == "" {
		if i := slices.IndexFunc(open, func(r publishRoom) bool { return r.id == c.from() }); i >= 0 {
			return []core.RoomID{open[i].id}, nil
		}
		return nil, core.Errorf(core.CodeInvalid, "In which room?").WithNext("Name one of: %s.", strings.Join(labels(open), ", "))
	}
	if strings.EqualFold(typed, allRooms) {
		return s.publicRooms(ctx, open)
	}
	platform, name := core.PlatformName(""), typed
	if p, rest, ok := strings.Cut(typed, ":"); ok && (strings.EqualFold(p, string(core.Slack)) || strings.EqualFold(p, string(core.Discord))) {
		platform, name = core.PlatformName(strings.ToLower(p)), rest
	}
	token := ""
	if id, ok := strings.CutPrefix(name, "<#"); ok { // as the platforms write a room that was picked from a list
		token, _, _ = strings.Cut(strings.TrimSuffix(id, ">"), "|")
	}
	name = query.Fold(strings.TrimPrefix(strings.TrimSpace(name), "#"))
	var fits, here []publishRoom
	for _, r := range open {
		if platform != "" && r.id.Platform() != platform || token != "" && !strings.HasSuffix(string(r.id), "/"+token) || token == "" && query.Fold(r.name) != name {
			continue
		}
		if fits = append(fits, r); r.id.Platform() == c.In.Actor.Identity.Platform() {
			here = append(here, r)
		}
	}
	if len(here) == 1 {
		fits = here
	}
	switch {
	case len(fits) == 1:
		return []core.RoomID{fits[0].id}, nil
	case len(fits) > 1:
		return nil, core.Errorf(core.CodeInvalid, "%q may be several rooms.", clip(typed, 40)).WithNext("Which one: %s?", strings.Join(labels(fits), ", "))
	}
	e := core.Errorf(core.CodeNotFound, "%s has no room %q that everybody may see.", c.Project.Key, clip(typed, 40))
	var near []publishRoom
	var names []string
	for _, r := range open {
		names = append(names, r.name)
	}
	found := query.Near(name, names, 3)
	for _, r := range open {
		if slices.Contains(found, r.name) {
			near = append(near, r)
		}
	}
	if len(near) > 0 {
		return nil, e.WithNext("Did you mean %s?", strings.Join(labels(near), ", "))
	}
	return nil, e.WithNext("Its rooms are: %s.", strings.Join(labels(open), ", "))
}

func (s *Studio) publicRooms(ctx context.Context, open []publishRoom) ([]core.RoomID, error) {
	var out []core.RoomID
	for _, r := range open {
		room, err := s.Projects.Room(ctx, r.id)
		if err != nil {
			return nil, err
		}
		if !room.Private {
			out = append(out, r.id)
		}
	}
	if len(out) == 0 {
		return nil, core.Errorf(core.CodeInvalid, "This project has no public room.")
	}
	return out, nil
}

func labels(list []publishRoom) []string {
	var out []string
	for _, r := range list {
		if r.name != "" {
			out = append(out, r.label())
		}
	}
	if len(out) == 0 {
		return []string{allRooms}
	}
	return out
}

// roomNames are rooms as people call them.
func (s *Studio) roomNames(ctx context.Context, ids []core.RoomID) []string {
	var out []string
	for _, id := range ids {
		name := id.Platform().Title()
		if r, err := s.Projects.Room(ctx, id); err == nil && r.Name != "" {
			name = "#" + r.Name + " (" + name + ")"
		}
		out = append(out, name)
	}
	return out
}

// completeRooms offers rooms while somebody types.
func (s *Studio) completeRooms(ctx context.Context, q core.Query) (core.Card, error) {
	key, err := s.seenProject(ctx, q)
	if err != nil || key == "" {
		return core.Card{}, err
	}
	p, err := s.Projects.Project(ctx, key)
	if err != nil {
		return core.Card{}, ignoreMissing(err)
	}
	open, err := s.openTo(ctx, p, q.Room)
	if err != nil {
		return core.Card{}, err
	}
	var out []core.Choice
	for _, name := range append(labels(open), allRooms) {
		if !slices.ContainsFunc(out, func(c core.Choice) bool { return c.Value == name }) {
			out = append(out, core.Choice{Label: clip(name, 90), Value: name})
		}
	}
	return core.Card{Choices: matching(out, q.Text)}, nil
}

// publishAll posts what a search finds, ten tasks to a post.
func publishAll() bulkAction {
	return bulkAction{
		verb: "bulk publish", most: maxPublishedTasks, label: func(c *call) string { return c.T("All: publish") },
		arg: func(ctx context.Context, s *Studio, c *call) (string, error) {
			rooms, err := s.publishRooms(ctx, c, c.inv.Arg("room"))
			var ids []string
			for _, r := range rooms {
				ids = append(ids, string(r))
			}
			return strings.Join(ids, " "), err
		},
		asks: func(c *call, n int, _ string) string {
			return c.N(n, "Publish %d task: what is picked of it, or its newest pictures?", "Publish %d tasks: what is picked of each, or its newest pictures?", n)
		},
		atOnce: publishFound,
	}
}

func publishFound(ctx context.Context, s *Studio, c *call, found []core.TaskID, arg string) (core.Change, error) {
	var rooms []core.RoomID
	for _, id := range strings.Fields(arg) {
		rooms = append(rooms, core.RoomID(id))
	}
	// They may have been unbound or made private while the question stood.
	open, err := s.openTo(ctx, c.Project, c.from())
	if err != nil {
		return core.Change{}, err
	}
	for _, r := range rooms {
		if !slices.ContainsFunc(open, func(o publishRoom) bool { return o.id == r }) {
			return core.Change{}, core.Errorf(core.CodeConflict, "%s is no room of %s any more.", s.roomNames(ctx, []core.RoomID{r})[0], c.Project.Key)
		}
	}
	l := s.shared(c.Project)
	var out []core.Outgoing
	posted, part := 0, 0
	for few := range slices.Chunk(found, maxPublished) {
		card := core.Card{Footer: l.T("Published by %s", c.name())}
		var lines []string
		var tasks []*core.Task
		for _, id := range few {
			t, err := s.Tasks.Task(ctx, id)
			if err != nil {
				return core.Change{}, err
			}
			if err := s.mayShow(ctx, t, rooms); err != nil {
				return core.Change{}, err
			}
			c.task = t
			im, ok, err := s.picture(ctx, c, t)
			if err != nil {
				return core.Change{}, err
			}
			if ok {
				card.Images, tasks = append(card.Images, im), append(tasks, t)
				lines = append(lines, l.T("%s: %s", t.ID, clip(t.Title, 100))+" · "+t.OwnerName)
			}
		}
		if len(tasks) == 0 {
			continue
		}
		card.Title = l.N(len(tasks), "%[2]s: %[1]d task", "%[2]s: %[1]d tasks", len(tasks), c.Project.Key)
		card.Body = bullets(lines)
		out = append(out, s.posts(ctx, c, rooms, card, tasks, part)...)
		posted, part = posted+len(tasks), part+1
	}
	if posted == 0 {
		return core.Change{}, core.Errorf(core.CodeNotFound, "None of these tasks has pictures.")
	}
	said := c.N(posted, "%[1]d task is posted in %[2]s.", "%[1]d tasks are posted in %[2]s.", posted, strings.Join(s.roomNames(ctx, rooms), ", "))
	return core.Change{Out: append(out, c.answer(text(said)))}, nil
}
