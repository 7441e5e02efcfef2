package studio

import (
	"context"
	"slices"
	"strings"

	"github.com/atelier-bridge/atelier/core"
)

// download answers with a link to originals of a task: one picture, a version's or all.
func (s *Studio) download(ctx context.Context, c *call) (core.Change, error) {
	if err := s.findTask(ctx, c); err != nil {
		return core.Change{}, err
	}
	t := c.task
	h := handed{No: t.ID.Number()}
	if c.inv.Arg("what") == "all" {
		if t.Latest == 0 {
			return core.Change{}, s.findVersion(ctx, c) // which says what to do
		}
		return s.handOver(ctx, c, handing{What: c.T("All of %s", t.ID), Name: string(t.ID), Tasks: []handed{h}}, downloadFor)
	}
	if c.inv.Ref.Version == 0 {
		c.inv.Ref = t.Picked
	}
	if c.inv.Ref.Version == 0 {
		no, err := s.newestDone(ctx, t)
		if err != nil {
			return core.Change{}, err
		}
		c.inv.Ref.Version = no
	}
	refs, err := s.shownPictures(ctx, c, c.inv.Ref)
	if err != nil {
		return core.Change{}, err
	}
	h.Only = refs
	name := string(t.ID) + " " + c.inv.Ref.String()
	return s.handOver(ctx, c, handing{What: name, Name: strings.ReplaceAll(name, " ", "-"), Tasks: []handed{h}}, downloadFor)
}

// shownPictures are the pictures that a reference names: one, or all of a version.
func (s *Studio) shownPictures(ctx context.Context, c *call, ref core.ImageRef) ([]core.ImageRef, error) {
	c.inv.Ref = ref
	if err := s.findVersion(ctx, c); err != nil {
		return nil, err
	}
	if _, err := s.image(c); err != nil {
		return nil, err
	}
	if ref.Image > 0 {
		return []core.ImageRef{ref}, nil
	}
	var out []core.ImageRef
	for i := range c.version.Images {
		out = append(out, core.ImageRef{Version: c.version.ID.No, Image: i + 1})
	}
	return out, nil
}

// export answers with a link to an archive: of a task, of what a search finds, or of the whole project.
func (s *Studio) export(ctx context.Context, c *call) (core.Change, error) {
	x := handing{Whole: true}
	query, mentions, room, top, err := s.exported(ctx, c)
	if err != nil {
		return core.Change{}, err
	}
	switch {
	case query != "":
		found, err := s.bulkFinds(ctx, c, bulkQuestion{Search: searching{Project: c.Project.Key, Query: query, Mentions: mentions, Room: room, Top: top}}, s.handoutLimits().Tasks+1)
		if err != nil {
			return core.Change{}, err
		}
		if found.Total > s.handoutLimits().Tasks {
			return core.Change{}, s.tooMuch(load{tasks: found.Total})
		}
		x.What, x.Name = query, string(c.Project.Key)+"-search"
		for _, id := range found.Tasks {
			x.Tasks = append(x.Tasks, handed{No: id.Number()})
		}
	case c.inv.Task != "" || c.Thread != nil && !c.Thread.Task.IsTalk():
		if err := s.findTask(ctx, c); err != nil {
			return core.Change{}, err
		}
		x.What, x.Name, x.Tasks = string(c.task.ID), string(c.task.ID), []handed{{No: c.task.ID.Number()}}
	default:
		x.What, x.Name = string(c.Project.Key), string(c.Project.Key)
		if x.Tasks, err = s.everything(ctx, c); err != nil {
			return core.Change{}, err
		}
		if len(x.Tasks) == 0 {
			return core.Change{}, core.Errorf(core.CodeNotFound, "There is nothing to export in %s yet.", c.Project.Key)
		}
	}
	slices.SortFunc(x.Tasks, func(a, b handed) int { return a.No - b.No })
	return s.handOver(ctx, c, x, exportFor)
}

// exported reads which tasks an export is asked for: a search, of the options or of a search's button; "" for none.
func (s *Studio) exported(ctx context.Context, c *call) (query string, mentions map[string]core.IdentityID, room core.RoomID, top int, err error) {
	mentions, room = c.asking(nil).mentions, c.from()
	if token := c.inv.Arg("token"); token != "" {
		x, err := s.searched(ctx, c, token)
		return x.Query, x.Mentions, x.Room, x.Top, err
	}
	var parts []string
	if name := c.inv.Arg("folder"); name != "" {
		f, err := findFolder(c.Project, name)
		if err != nil {
			return "", nil, "", 0, err
		}
		parts = append(parts, "folder:"+f.Name)
	}
	if name := c.inv.Arg("tag"); name != "" {
		tag, err := plainName(name)
		if err != nil {
			return "", nil, "", 0, err
		}
		parts = append(parts, "tag:"+tag)
	}
	// "--query" may stand before the words, as it does before those of the other options.
	words := strings.TrimSpace(c.inv.Arg("query"))
	if rest, ok := strings.CutPrefix(words, "--query "); ok {
		if words = strings.TrimSpace(rest); len(words) > 1 && strings.HasPrefix(words, `"`) && strings.Count(words, `"`) == 2 && strings.HasSuffix(words, `"`) {
			words = words[1 : len(words)-1]
		}
	}
	if words != "" {
		parts = append(parts, words)
	}
	return strings.Join(parts, " "), mentions, room, 0, nil
}

// everything lists the tasks of a project that are seen from where somebody asks; one more than may be exported at once.
func (s *Studio) everything(ctx context.Context, c *call) ([]handed, error) {
	var out []handed
	for offset := 0; ; offset += reindexPage {
		page, err := s.Tasks.List(ctx, c.Project.Key, offset, reindexPage)
		if err != nil {
			return nil, err
		}
		for _, t := range page {
			if !t.Gone() && (!t.Private || slices.Contains(t.Rooms, c.from())) {
				out = append(out, handed{No: t.ID.Number()})
			}
		}
		if len(page) == 0 || len(out) > s.handoutLimits().Tasks {
			return out, nil
		}
	}
}
