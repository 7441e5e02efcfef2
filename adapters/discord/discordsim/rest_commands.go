package discordsim

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"time"
)

func (s *Server) commandRoutes(rt *router) {
	for _, base := range []string{"/applications/:app/commands", "/applications/:app/guilds/:guild/commands"} {
		rt.add("GET "+base, s.listCommands)
		rt.add("POST "+base, s.createCommand)
		rt.add("PUT "+base, s.overwriteCommands)
		rt.add("GET "+base+"/:command", s.getCommand)
		rt.add("PATCH "+base+"/:command", s.patchCommand)
		rt.add("DELETE "+base+"/:command", s.deleteCommand)
	}
	rt.add("GET /applications/:app/guilds/:guild/commands/permissions", func(*tx, *call) (int, any, error) { return http.StatusOK, []obj{}, nil })
	rt.add("GET /applications/:app/guilds/:guild/commands/:command/permissions", func(*tx, *call) (int, any, error) {
		return 0, nil, fail(http.StatusNotFound, 10066, "Unknown application command permissions")
	})
	rt.add("PUT /applications/:app/guilds/:guild/commands/:command/permissions", func(*tx, *call) (int, any, error) {
		return 0, nil, fail(http.StatusForbidden, 20001, "Bots cannot use this endpoint")
	})
}

func (s *Server) commandScope(c *call) (string, error) {
	if c.p["app"] != s.o.ApplicationID {
		return "", fail(http.StatusForbidden, 20012, "You are not authorized to perform this action on this application")
	}
	g, in := c.p["guild"]
	if in && s.byGuildID(g) == nil {
		return "", errAccess()
	}
	return g, nil
}

func (s *Server) scoped(guild string) []*command {
	var out []*command
	for _, id := range s.commandOrder {
		if k := s.commands[id]; k != nil && k.GuildID == guild {
			out = append(out, k)
		}
	}
	return out
}

func (s *Server) commandView(k *command, c *call) obj {
	o := obj{}
	for key, v := range k.Body {
		if (key == "name_localizations" || key == "description_localizations") && c.r.Method == http.MethodGet && c.query("with_localizations") != "true" {
			continue
		}
		o[key] = v
	}
	return o
}

func (s *Server) listCommands(_ *tx, c *call) (int, any, error) {
	g, err := s.commandScope(c)
	if err != nil {
		return 0, nil, err
	}
	out := []obj{}
	for _, k := range s.scoped(g) {
		out = append(out, s.commandView(k, c))
	}
	return http.StatusOK, out, nil
}

func (s *Server) oneCommand(c *call) (*command, error) {
	g, err := s.commandScope(c)
	if err != nil {
		return nil, err
	}
	k := s.commands[c.p["command"]]
	if k == nil || k.GuildID != g {
		return nil, errUnknown(10063, "application command")
	}
	return k, nil
}

func (s *Server) getCommand(_ *tx, c *call) (int, any, error) {
	k, err := s.oneCommand(c)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, s.commandView(k, c), nil
}

// mayCreate counts towards the 200 new commands per day.
func (s *Server) mayCreate(n int) error {
	day := s.now().Add(-24 * time.Hour)
	s.created = slices.DeleteFunc(s.created, func(t time.Time) bool { return t.Before(day) })
	if len(s.created)+n > 200 {
		return fail(http.StatusBadRequest, 30034, "Max number of daily application command creates has been reached (200)")
	}
	for range n {
		s.created = append(s.created, s.now())
	}
	return nil
}

func (s *Server) build(guild string, in obj, tree errTree, p []any) *command {
	body := checkCommand(tree, p, in, guild != "")
	name, _ := body["name"].(string)
	typ, _ := num(body["type"])
	return &command{GuildID: guild, Type: typ, Name: name, Body: body}
}

// place stores a command under its id; a new version is counted whenever it changed.
func (t *tx) place(k, old *command) {
	s := t.s
	if old != nil {
		k.ID = old.ID
		k.Body["version"] = old.Body["version"]
	} else {
		k.ID = s.newID()
		s.commandOrder = append(s.commandOrder, k.ID)
	}
	k.Body["id"], k.Body["application_id"] = k.ID, s.o.ApplicationID
	if k.GuildID != "" {
		k.Body["guild_id"] = k.GuildID
	}
	// Stored and replayed bodies must read alike.
	b, _ := json.Marshal(k.Body)
	k.Body = decodeObj(b)
	if old == nil || !reflect.DeepEqual(k.Body, old.Body) {
		k.Body["version"] = s.newID()
	}
	s.commands[k.ID] = k
	t.put(kindCommand, k.ID, k)
}

func (s *Server) named(guild string, typ int, name string) *command {
	for _, k := range s.scoped(guild) {
		if k.Type == typ && k.Name == name {
			return k
		}
	}
	return nil
}

func checkCounts(list []*command) error {
	count := map[int]int{}
	for _, k := range list {
		count[k.Type]++
	}
	if count[1] > 100 || count[2] > 15 || count[3] > 15 {
		return fail(http.StatusBadRequest, 30032, "Maximum number of application commands reached (100)")
	}
	return nil
}

func (s *Server) createCommand(t *tx, c *call) (int, any, error) {
	g, err := s.commandScope(c)
	if err != nil {
		return 0, nil, err
	}
	tree := errTree{}
	k := s.build(g, decodeObj(c.raw), tree, nil)
	if err := tree.err(); err != nil {
		return 0, nil, err
	}
	old := s.named(g, k.Type, k.Name)
	status := http.StatusOK
	if old == nil {
		if err := checkCounts(append(s.scoped(g), k)); err != nil {
			return 0, nil, err
		}
		if err := s.mayCreate(1); err != nil {
			return 0, nil, err
		}
		status = http.StatusCreated
	}
	t.place(k, old)
	return status, k.Body, nil
}

// overwriteCommands replaces all commands of a scope, of every type; those that keep their name keep their id.
func (s *Server) overwriteCommands(t *tx, c *call) (int, any, error) {
	g, err := s.commandScope(c)
	if err != nil {
		return 0, nil, err
	}
	var in []obj
	if json.Unmarshal(c.raw, &in) != nil {
		return 0, nil, invalid("LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
	}
	tree := errTree{}
	var list []*command
	type key struct {
		typ  int
		name string
	}
	seen := map[key]bool{}
	for i, x := range in {
		k := s.build(g, x, tree, []any{i})
		if seen[key{k.Type, k.Name}] {
			tree.add([]any{i, "name"}, "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
		}
		seen[key{k.Type, k.Name}] = true
		list = append(list, k)
	}
	if err := tree.err(); err != nil {
		return 0, nil, err
	}
	if err := checkCounts(list); err != nil {
		return 0, nil, err
	}
	fresh := 0
	for _, k := range list {
		if s.named(g, k.Type, k.Name) == nil {
			fresh++
		}
	}
	if err := s.mayCreate(fresh); err != nil {
		return 0, nil, err
	}
	out := []obj{}
	for _, old := range s.scoped(g) {
		if !seen[key{old.Type, old.Name}] {
			t.dropCommand(old)
		}
	}
	for _, k := range list {
		t.place(k, s.named(g, k.Type, k.Name))
		out = append(out, k.Body)
	}
	return http.StatusOK, out, nil
}

func (t *tx) dropCommand(k *command) {
	delete(t.s.commands, k.ID)
	t.s.commandOrder = slices.DeleteFunc(t.s.commandOrder, func(id string) bool { return id == k.ID })
	t.del(kindCommand, k.ID)
}

func (s *Server) patchCommand(t *tx, c *call) (int, any, error) {
	k, err := s.oneCommand(c)
	if err != nil {
		return 0, nil, err
	}
	merged := obj{}
	for key, v := range k.Body {
		merged[key] = v
	}
	for key, v := range decodeObj(c.raw) {
		merged[key] = v
	}
	tree := errTree{}
	next := s.build(k.GuildID, merged, tree, nil)
	if err := tree.err(); err != nil {
		return 0, nil, err
	}
	if other := s.named(k.GuildID, next.Type, next.Name); other != nil && other.ID != k.ID {
		return 0, nil, invalid("APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique", "name")
	}
	t.place(next, k)
	return http.StatusOK, next.Body, nil
}

func (s *Server) deleteCommand(t *tx, c *call) (int, any, error) {
	k, err := s.oneCommand(c)
	if err != nil {
		return 0, nil, err
	}
	t.dropCommand(k)
	return http.StatusNoContent, nil, nil
}
