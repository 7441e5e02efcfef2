package studio

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
)

func (s *Studio) projectNew(ctx context.Context, c *call) (core.Change, error) {
	if c.Room == nil {
		return core.Change{}, core.Errorf(core.CodeInvalid, "A project starts in a room.").WithNext("Go to the room and try it there.")
	}
	key, err := core.ParseProjectKey(c.inv.Arg("key"))
	if err != nil {
		return core.Change{}, err
	}
	if c.Project != nil {
		return core.Change{}, core.Errorf(core.CodeConflict, "This room is bound to %s already.", c.Project.Key).WithNext("\"project unbind\" takes it out first.")
	}
	name := strings.TrimSpace(c.inv.Arg("name"))
	p, err := s.Projects.UpdateProject(ctx, key, func(p *core.Project) error {
		if p.Rev > 0 && !slices.Contains(p.Rooms, c.Room.ID) {
			return core.Errorf(core.CodeConflict, "There is a project %s already.", key).WithNext("Bind this room to it with \"project bind %s\".", key)
		}
		p.Name = name
		p.Grants[c.Person.ID], p.Names[string(c.Person.ID)] = core.RoleAdmin, c.name()
		return nil
	})
	if err != nil {
		return core.Change{}, err
	}
	return s.bind(ctx, c, p)
}

func (s *Studio) projectBind(ctx context.Context, c *call) (core.Change, error) {
	if c.Room == nil {
		return core.Change{}, core.Errorf(core.CodeInvalid, "Only a room can be bound.").WithNext("Go to the room and try it there.")
	}
	key, err := core.ParseProjectKey(c.inv.Arg("key"))
	if err != nil {
		return core.Change{}, err
	}
	if c.Project != nil && c.Project.Key == key {
		return core.Change{}, core.Errorf(core.CodeConflict, "This room is bound to %s already.", key)
	}
	if err := s.ownsRoom(ctx, c); err != nil {
		return core.Change{}, err
	}
	p, err := s.Projects.Project(ctx, key)
	if core.ErrorCode(err) == core.CodeNotFound {
		return core.Change{}, core.Errorf(core.CodeNotFound, "There is no project %s.", key).WithNext("Start it here with \"project new %s\".", key)
	}
	if err != nil {
		return core.Change{}, err
	}
	if !s.roleOf(c.Person, p, c.In.Actor.Roles).Allows(core.RoleAdmin) {
		return core.Change{}, core.Errorf(core.CodeForbidden, "Only an admin of %s can bind rooms to it.", key).WithNext("%s", s.whomToAsk(ctx, p))
	}
	if other, mixed := s.mixed(ctx, p, c.In.Private); mixed && !c.inv.Confirm {
		why := c.T("This room is public, and %s is not. What is made in a public room will show in both; what is made in a private room stays in private rooms. Bind it anyway?", other)
		if c.In.Private {
			why = c.T("This room is private, and %s is not. What is made in a public room will show in both; what is made in a private room stays in private rooms. Bind it anyway?", other)
		}
		return c.say(core.Card{Title: c.T("These rooms are not seen by the same people"), Tone: core.ToneWarn,
			Body:    core.Plain(why),
			Buttons: [][]core.Button{{{Label: c.T("Confirm: bind to %s", key), Style: core.StylePrimary, Action: core.Action{Verb: "project bind", Arg: command.ConfirmArg + "," + string(key)}}}}})
	}
	return s.bind(ctx, c, p)
}

// mixed finds a room of another visibility among a project's rooms.
func (s *Studio) mixed(ctx context.Context, p *core.Project, private bool) (name string, mixed bool) {
	for _, id := range p.Rooms {
		if r, err := s.Projects.Room(ctx, id); err == nil && r.Private != private {
			if r.Name != "" {
				return "#" + r.Name, true
			}
			return string(id), true
		}
	}
	return "", false
}

func (s *Studio) bind(ctx context.Context, c *call, p *core.Project) (core.Change, error) {
	if err := Bind(ctx, s.Projects, c.Room.ID, p.Key, core.RoomInfo{Name: c.In.RoomName, Private: c.In.Private}); err != nil {
		return core.Change{}, err
	}
	name := string(p.Key)
	if p.Name != "" {
		name += " (" + p.Name + ")"
	}
	return c.say(text(c.T("This room is bound to %s. Try: imagine a lighthouse in the fog", name)))
}

// Bind binds a room to a project, making the project when it is new; a room's former project keeps its threads. It is
// also what the configuration's rooms are bound with at start.
func Bind(ctx context.Context, store core.Projects, id core.RoomID, key core.ProjectKey, info core.RoomInfo) error {
	former := core.ProjectKey("")
	_, err := store.UpdateRoom(ctx, id, func(r *core.Room) error {
		former = ""
		if r.Project != "" && r.Project != key {
			former = r.Project
			if !slices.Contains(r.Former, former) {
				r.Former = append(r.Former, former)
			}
		}
		r.Project = key
		if info.Name != "" {
			r.Name = info.Name
		}
		r.Private = info.Private
		return nil
	})
	if err != nil {
		return err
	}
	if former != "" {
		if _, err := store.UpdateProject(ctx, former, func(p *core.Project) error {
			p.Rooms = slices.DeleteFunc(p.Rooms, func(r core.RoomID) bool { return r == id })
			return nil
		}); err != nil {
			return err
		}
	}
	_, err = store.UpdateProject(ctx, key, func(p *core.Project) error {
		if !slices.Contains(p.Rooms, id) {
			p.Rooms = append(p.Rooms, id)
		}
		return nil
	})
	return err
}

// ownsRoom refuses to take a room away from a project whose admin the person is not. Inside an old thread the call's
// project is the thread's, which may not be the room's any more.
func (s *Studio) ownsRoom(ctx context.Context, c *call) error {
	if c.Room.Project == "" {
		return nil
	}
	p, err := s.Projects.Project(ctx, c.Room.Project)
	if err != nil {
		return err
	}
	if !s.roleOf(c.Person, p, c.In.Actor.Roles).Allows(core.RoleAdmin) {
		return core.Errorf(core.CodeForbidden, "This room is bound to %s, and only its admins can change that.", p.Key).WithNext("%s", s.whomToAsk(ctx, p))
	}
	return nil
}

func (s *Studio) projectUnbind(ctx context.Context, c *call) (core.Change, error) {
	if c.Room == nil || c.Room.Project != c.Project.Key {
		return core.Change{}, core.Errorf(core.CodeInvalid, "This room is not bound to %s any more.", c.Project.Key).WithNext("Say it in the room itself, not in an old thread.")
	}
	key := c.Project.Key
	_, err := s.Projects.UpdateRoom(ctx, c.Room.ID, func(r *core.Room) error {
		if !slices.Contains(r.Former, key) {
			r.Former = append(r.Former, key)
		}
		r.Project = ""
		return nil
	})
	if err != nil {
		return core.Change{}, err
	}
	if _, err := s.Projects.UpdateProject(ctx, key, func(p *core.Project) error {
		p.Rooms = slices.DeleteFunc(p.Rooms, func(r core.RoomID) bool { return r == c.Room.ID })
		return nil
	}); err != nil {
		return core.Change{}, err
	}
	return c.say(text(c.T("This room is not bound to %s any more. Threads that were opened here go on.", key)))
}

func (s *Studio) projectList(ctx context.Context, c *call) (core.Change, error) {
	keys, err := s.Projects.Projects(ctx)
	if err != nil {
		return core.Change{}, err
	}
	var lines []string
	for _, k := range keys {
		p, err := s.Projects.Project(ctx, k)
		if err != nil {
			return core.Change{}, err
		}
		_, named := granted(p, c.Person)
		here := c.Project != nil && c.Project.Key == k
		if !named && !here && !s.workspaceAdmin(c.Person) {
			continue
		}
		line := string(k)
		if p.Name != "" {
			line = c.T("%s: %s", line, p.Name)
		}
		lines = append(lines, c.N(len(p.Rooms), "%s (%d rooms)", "%s (%d rooms)", line, len(p.Rooms)))
	}
	if len(lines) == 0 {
		return c.say(text(c.T("You are in no project yet.")))
	}
	return c.say(core.Card{Title: c.T("Projects"), Body: bullets(lines)})
}

func (s *Studio) projectSettings(ctx context.Context, c *call) (core.Change, error) {
	p := c.Project
	if r := c.inv.Arg("default_role"); r != "" {
		role, err := core.ParseRole(r)
		if err != nil {
			return core.Change{}, err
		}
		if p, err = s.Projects.UpdateProject(ctx, p.Key, func(p *core.Project) error { p.Default = role; return nil }); err != nil {
			return core.Change{}, err
		}
	}
	if m := c.inv.Arg("mirror"); m != "" {
		var err error
		if p, err = s.Projects.UpdateProject(ctx, p.Key, func(p *core.Project) error {
			p.Mirror(m, c.In.At)
			return nil
		}); err != nil {
			return core.Change{}, err
		}
	}
	if v := c.inv.Arg("ask_above"); v != "" {
		micros, err := money(v)
		if err != nil {
			return core.Change{}, err
		}
		if p, err = s.Projects.UpdateProject(ctx, p.Key, func(p *core.Project) error {
			p.Settings[settingAskAbove] = strconv.FormatInt(micros, 10)
			return nil
		}); err != nil {
			return core.Change{}, err
		}
	}
	chosen, err := s.speech(c)
	if err != nil {
		return core.Change{}, err
	}
	if len(chosen) > 0 {
		if p, err = s.Projects.UpdateProject(ctx, p.Key, func(p *core.Project) error {
			p.Settings = with(p.Settings, chosen)
			return nil
		}); err != nil {
			return core.Change{}, err
		}
	}
	if p, err = s.reviewSettings(ctx, c, p); err == nil {
		p, err = s.calendarSettings(ctx, c, p)
	}
	if err != nil {
		return core.Change{}, err
	}
	mirror := "tasks"
	if p.MirrorsAll() {
		mirror = "all"
	}
	var rooms []string
	for _, id := range p.Rooms {
		name := string(id)
		if r, err := s.Projects.Room(ctx, id); err == nil && r.Name != "" {
			name = c.T("#%s on %s", r.Name, id.Platform().Title())
		}
		rooms = append(rooms, name)
	}
	fields := []core.Field{
		{Label: "default_role", Value: core.Plain(string(p.Default))}, {Label: "mirror", Value: core.Plain(mirror)}, {Label: "ask_above", Value: core.Plain(core.Money(asksAbove(p)).In(c.Lang))}, {Label: c.T("rooms"), Value: core.Plain(strings.Join(rooms, ", "))}}
	return c.say(core.Card{Title: c.T("Settings of %s", p.Key), Fields: append(append(append(fields, s.reviewFields(c, p)...), s.calendarFields(c, p)...), speechFields(c.Lang, p.Settings, s.shared(p))...)})
}
