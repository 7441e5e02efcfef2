package studio

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/query"
)

const (
	// maxFolders bounds a project's folders.
	maxFolders = 200
	// noFolder takes a task out of its folder, topFolder a folder out of the one it lies in.
	noFolder, topFolder = "none", "top"
)

// folderAt returns the place of a folder among a project's, by its name without case and accents; -1 when there is none.
func folderAt(p *core.Project, name string) int {
	return slices.IndexFunc(p.Folders, func(f core.Folder) bool { return query.Fold(f.Name) == query.Fold(name) })
}

// findFolder returns a project's folder by what somebody typed: its name, or a beginning that only it has.
func findFolder(p *core.Project, typed string) (core.Folder, error) {
	if i := folderAt(p, typed); i >= 0 {
		return p.Folders[i], nil
	}
	var names, begin []string
	for _, f := range p.Folders {
		names = append(names, f.Name)
		if typed != "" && strings.HasPrefix(query.Fold(f.Name), query.Fold(typed)) {
			begin = append(begin, f.Name)
		}
	}
	if len(begin) == 1 {
		return p.Folders[folderAt(p, begin[0])], nil
	}
	if len(begin) > 1 {
		return core.Folder{}, core.Errorf(core.CodeNotFound, "%q may be several folders.", clip(typed, 40)).WithNext("Which one: %s?", strings.Join(begin[:min(len(begin), 5)], ", "))
	}
	e := core.Errorf(core.CodeNotFound, "There is no folder %q.", clip(typed, 40))
	if near := query.Near(typed, names, 3); len(near) > 0 {
		return core.Folder{}, e.WithNext("Did you mean %s?", strings.Join(near, ", "))
	}
	return core.Folder{}, e.WithNext("\"folder list\" shows them all; \"folder new\" makes one.")
}

// inside lists the names of a folder and of everything that lies in it.
func inside(p *core.Project, name string) []string {
	out := []string{name}
	for i := 0; i < len(out); i++ {
		for _, f := range p.Folders {
			if f.Parent != "" && query.Fold(f.Parent) == query.Fold(out[i]) && !slices.Contains(out, f.Name) {
				out = append(out, f.Name)
			}
		}
	}
	return out
}

func (s *Studio) folderNew(ctx context.Context, c *call) (core.Change, error) {
	name, err := plainName(c.inv.Arg("name"))
	if err != nil {
		return core.Change{}, err
	}
	if f := query.Fold(name); f == noFolder || f == topFolder {
		return core.Change{}, core.Errorf(core.CodeInvalid, "%q cannot be a folder's name: it means that there is none.", name)
	}
	_, err = s.Projects.UpdateProject(ctx, c.Project.Key, func(p *core.Project) error {
		f := core.Folder{Name: name}
		if in := c.inv.Arg("in"); in != "" {
			parent, err := findFolder(p, in)
			if err != nil {
				return err
			}
			f.Parent = parent.Name
		}
		if i := folderAt(p, name); i >= 0 {
			if c.Replayed && p.Folders[i] == f {
				return nil // it was made before the crash
			}
			return core.Errorf(core.CodeConflict, "There is a folder %s already.", p.Folders[i].Name)
		}
		if len(p.Folders) >= maxFolders {
			return core.Errorf(core.CodeInvalid, "A project has at most %d folders.", maxFolders)
		}
		p.Folders = append(p.Folders, f)
		return nil
	})
	if err != nil {
		return core.Change{}, err
	}
	return c.say(text(c.T("There is a folder %s now. Put a task into it with: folder put ACME-1 %s", name, name)))
}

func (s *Studio) folderMove(ctx context.Context, c *call) (core.Change, error) {
	var moved, into core.Folder
	_, err := s.Projects.UpdateProject(ctx, c.Project.Key, func(p *core.Project) (err error) {
		if moved, err = findFolder(p, c.inv.Arg("folder")); err != nil {
			return err
		}
		into = core.Folder{}
		if to := c.inv.Arg("into"); query.Fold(to) != topFolder {
			if into, err = findFolder(p, to); err != nil {
				return err
			}
		}
		if into.Name == moved.Name {
			return core.Errorf(core.CodeInvalid, "%s cannot go into itself.", moved.Name)
		}
		if into.Name != "" && slices.Contains(inside(p, moved.Name), into.Name) {
			return core.Errorf(core.CodeInvalid, "%s cannot go into %s, which lies in it.", moved.Name, into.Name)
		}
		p.Folders[folderAt(p, moved.Name)].Parent = into.Name
		return nil
	})
	if err != nil {
		return core.Change{}, err
	}
	if into.Name == "" {
		return c.say(text(c.T("The folder %s lies in no other one now.", moved.Name)))
	}
	return c.say(text(c.T("The folder %s lies in %s now.", moved.Name, into.Name)))
}

func (s *Studio) folderRemove(ctx context.Context, c *call) (core.Change, error) {
	counts, err := s.inFolders(ctx, c, true)
	if err != nil {
		return core.Change{}, err
	}
	var gone core.Folder
	_, err = s.Projects.UpdateProject(ctx, c.Project.Key, func(p *core.Project) (err error) {
		gone, err = findFolder(p, c.inv.Arg("folder"))
		if err != nil {
			return err
		}
		if all := inside(p, gone.Name); len(all) > 1 {
			return core.Errorf(core.CodeInvalid, "There are folders in %s: %s.", gone.Name, strings.Join(all[1:], ", ")).WithNext("Move or remove them first.")
		}
		if n := counts[query.Fold(gone.Name)]; n > 0 {
			return core.Errorf(core.CodeInvalid, "There are tasks in %s: %d.", gone.Name, n).WithNext("Move them first, such as with: bulk move %s folder:%s", noFolder, gone.Name)
		}
		i := folderAt(p, gone.Name)
		p.Folders = slices.Delete(p.Folders, i, i+1)
		return nil
	})
	if err != nil {
		return core.Change{}, err
	}
	return c.say(text(c.T("The folder %s is gone.", gone.Name)))
}

// inFolders counts tasks by their folder's name without case; all counts those of private rooms, too.
func (s *Studio) inFolders(ctx context.Context, c *call, all bool) (map[string]int, error) {
	out := map[string]int{}
	rooms := []core.RoomID{c.from()}
	if all {
		rooms = append(rooms, c.Project.Rooms...)
	}
	for _, room := range rooms {
		list, err := s.Search.Values(ctx, c.Project.Key, "folder", room)
		if err != nil {
			return nil, err
		}
		for _, v := range list {
			out[v.Value] = max(out[v.Value], v.Tasks)
		}
	}
	return out, nil
}

func (s *Studio) folderPut(ctx context.Context, c *call) (core.Change, error) {
	if err := s.findTask(ctx, c); err != nil {
		return core.Change{}, err
	}
	name, err := target(c.Project, c.inv.Arg("folder"))
	if err != nil {
		return core.Change{}, err
	}
	if c.task.Folder == name {
		return core.Change{}, core.Errorf(core.CodeConflict, "%s lies there already.", c.task.ID)
	}
	c.task.Folder, c.task.UpdatedAt = name, s.Clock.Now().UTC()
	said := c.T("%s lies in %s now.", c.task.ID, name)
	if name == "" {
		said = c.T("%s lies in no folder now.", c.task.ID)
	}
	return core.Change{Tasks: []*core.Task{c.task}, Out: append(cardsIn(c.task, c, "folder/"+string(c.In.ID), 0), c.answer(text(said)))}, nil
}

// target is the folder that a task is to be put into; empty for none.
func target(p *core.Project, typed string) (string, error) {
	if f := query.Fold(typed); f == noFolder || f == topFolder {
		return "", nil
	}
	f, err := findFolder(p, typed)
	return f.Name, err
}

func (s *Studio) folderList(ctx context.Context, c *call) (core.Change, error) {
	if len(c.Project.Folders) == 0 {
		return c.say(text(c.T("There are no folders yet. Try: folder new spring")))
	}
	counts, err := s.inFolders(ctx, c, false)
	if err != nil {
		return core.Change{}, err
	}
	list := core.Node{Kind: core.NodeList}
	var walk func(parent string, depth int)
	walk = func(parent string, depth int) {
		var here []string
		for _, f := range c.Project.Folders {
			if f.Parent == parent {
				here = append(here, f.Name)
			}
		}
		slices.Sort(here)
		for _, name := range here {
			n := counts[query.Fold(name)]
			list.Children = append(list.Children, core.Node{Kind: core.NodeItem, Indent: depth, Children: []core.Node{core.Text(c.N(n, "%[2]s: %[1]d task", "%[2]s: %[1]d tasks", n, name))}})
			walk(name, depth+1)
		}
	}
	walk("", 0)
	return c.say(core.Card{Title: c.T("Folders of %s", c.Project.Key), Body: core.RichText{list}})
}

// completeNames offers names while somebody types: folders, tags or saved searches.
func (s *Studio) completeNames(ctx context.Context, q core.Query) (core.Card, error) {
	key, err := s.seenProject(ctx, q)
	if err != nil || key == "" {
		return core.Card{}, err
	}
	var names []string
	before := ""
	switch q.Option {
	case "tags", "tag":
		at := strings.LastIndexAny(q.Text, " ,") + 1
		before, q.Text = q.Text[:at], q.Text[at:]
		list, err := s.Search.Values(ctx, key, "tag", q.Room)
		if err != nil {
			return core.Card{}, err
		}
		for _, v := range list {
			names = append(names, v.Value)
		}
	case "saved":
		p, err := s.People.ByIdentity(ctx, q.Actor.Identity)
		if err != nil {
			return core.Card{}, ignoreMissing(err)
		}
		all, err := s.Organising.Saved(ctx, key)
		if err != nil {
			return core.Card{}, err
		}
		for _, x := range seen(all, p) {
			names = append(names, x.Name)
		}
	default:
		p, err := s.Projects.Project(ctx, key)
		if err != nil {
			return core.Card{}, ignoreMissing(err)
		}
		switch q.Option {
		case "status":
			return core.Card{Choices: matching(statusChoices(s.langOf(ctx, q.Actor), s.statuses(p)), q.Text)}, nil
		case "preset":
			names = slices.Sorted(maps.Keys(p.Presets))
		case "ref":
			for _, r := range p.References {
				names = append(names, r.Name)
			}
		default:
			for _, f := range p.Folders {
				names = append(names, f.Name)
			}
			slices.Sort(names)
		}
	}
	var out []core.Choice
	for _, n := range names {
		out = append(out, core.Choice{Label: clip(before+n, 90), Value: before + n})
	}
	typed := q.Text
	return core.Card{Choices: matching(out, before+typed)}, nil
}
