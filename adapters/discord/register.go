package discord

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
)

// Limits of application commands. https://docs.discord.com/developers/interactions/application-commands
const (
	maxOptions      = 25
	maxCommandChars = 8000
	maxMenus        = 15
	maxName         = 32
	maxDescription  = 100

	optionSubcommand = 1
	optionGroup      = 2
	optionString     = 3
	optionInteger    = 4
	optionBool       = 5
	optionUser       = 6
	optionFile       = 11
)

// appCommand is an application command as it is registered and, with what Discord adds left out, as it is read back.
type appCommand struct {
	Type         int         `json:"type"`
	Name         string      `json:"name"`
	Names        localised   `json:"name_localizations,omitempty"`
	Description  string      `json:"description,omitempty"`
	Descriptions localised   `json:"description_localizations,omitempty"`
	Options      []appOption `json:"options,omitempty"`
	Contexts     []int       `json:"contexts,omitempty"`
	Integrations []int       `json:"integration_types,omitempty"`
}

type appOption struct {
	Type         int         `json:"type"`
	Name         string      `json:"name"`
	Names        localised   `json:"name_localizations,omitempty"`
	Description  string      `json:"description"`
	Descriptions localised   `json:"description_localizations,omitempty"`
	Required     bool        `json:"required,omitempty"`
	Autocomplete bool        `json:"autocomplete,omitempty"`
	Choices      []appChoice `json:"choices,omitempty"`
	Options      []appOption `json:"options,omitempty"`
}

type appChoice struct {
	Name  string    `json:"name"`
	Names localised `json:"name_localizations,omitempty"`
	Value string    `json:"value"`
}

// verbs leads from registered names back to the rows of the table.
type verbs struct {
	paths map[string]command.Row // "atelier imagine", "atelier account link"
	menus map[string]command.Row
}

func (v *verbs) menu(label string) (command.Row, bool) {
	r, ok := v.menus[label]
	return r, ok
}

// find follows the subcommands of an interaction to a row and its options.
func (v *verbs) find(name string, opts []wireOption) (command.Row, []wireOption, bool) {
	path := name
	for len(opts) > 0 && (opts[0].Type == optionSubcommand || opts[0].Type == optionGroup) {
		path += " " + opts[0].Name
		opts = opts[0].Options
	}
	r, ok := v.paths[path]
	return r, opts, ok
}

// path is how a verb is typed, without the slash; empty for one that no command has.
func (v *verbs) path(verb string) string {
	for path, r := range v.paths {
		if r.Verb == verb {
			return path
		}
	}
	return ""
}

// home says which command holds a row of the table, and what that command is called in help.
func home(r command.Row) (name, description string) {
	switch r.Group {
	case command.GroupStyle:
		return "atelier-style", "How pictures look by default, presets and references"
	case command.GroupReview:
		return "atelier-review", "Review versions with your team"
	case command.GroupTasks:
		return "atelier-task", "Look at tasks"
	case command.GroupFind:
		return "atelier-find", "Find tasks, and put them in order"
	case command.GroupOrganise, command.GroupGovern:
		return "atelier-admin", "Projects, rooms and roles"
	}
	return "atelier", "Make pictures together, each on your own account"
}

// spread lays the table out over a few commands and checks Discord's limits.
func spread(t *command.Table, tr core.Translator) (*verbs, []appCommand, error) {
	v := &verbs{paths: map[string]command.Row{}, menus: map[string]command.Row{}}
	var cmds []*appCommand
	at := func(r command.Row) *appCommand {
		name, about := home(r)
		for _, c := range cmds {
			if c.Name == name {
				return c
			}
		}
		c := &appCommand{Type: commandChat, Name: name, Descriptions: texts(tr, about), Description: about, Contexts: []int{0, 1}, Integrations: []int{0}}
		cmds = append(cmds, c)
		return c
	}
	for _, r := range t.Offered() {
		c := at(r)
		first, second := r.Words()
		if second != "" && c.Name == "atelier-"+first {
			first, second = second, ""
		}
		_, word := r.Words()
		leaf := appOption{Type: optionSubcommand, Name: first, Description: r.Help, Descriptions: texts(tr, r.Help), Options: appOptions(r.Options, tr), Names: verbNames(tr, r.Verb, word != "")}
		path := c.Name + " " + first
		if second == "" {
			c.Options = append(c.Options, leaf)
		} else {
			i := slices.IndexFunc(c.Options, func(o appOption) bool { return o.Type == optionGroup && o.Name == first })
			if i < 0 {
				c.Options = append(c.Options, appOption{Type: optionGroup, Name: first, Names: namesIn(tr, command.NameOfGroup, first), Description: aboutGroup(first), Descriptions: texts(tr, aboutGroup(first))})
				i = len(c.Options) - 1
			}
			leaf.Name, path = second, path+" "+second
			c.Options[i].Options = append(c.Options[i].Options, leaf)
		}
		if _, taken := v.paths[path]; taken {
			return nil, nil, fmt.Errorf("two verbs would be /%s", path)
		}
		v.paths[path] = r
	}
	out := make([]appCommand, 0, len(cmds)+maxMenus)
	for _, c := range cmds {
		out = append(out, *c)
	}
	for _, r := range t.Menus() {
		v.menus[r.Menu] = r
		out = append(out, appCommand{Type: commandMessage, Name: r.Menu, Names: texts(tr, r.Menu), Contexts: []int{0, 1}, Integrations: []int{0}})
	}
	return v, out, checkCommands(out)
}

func appOptions(opts []command.Option, tr core.Translator) []appOption {
	var out []appOption
	for _, o := range opts {
		w := appOption{Type: optionString, Name: o.Name, Names: namesIn(tr, command.NameOfOption, o.Name), Description: o.Help, Descriptions: texts(tr, o.Help), Required: o.Required}
		switch o.Kind {
		case command.KindInt:
			w.Type = optionInteger
		case command.KindBool:
			w.Type = optionBool
		case command.KindPerson:
			w.Type = optionUser
		case command.KindFile:
			w.Type = optionFile
		case command.KindChoice:
			for _, c := range o.Choices {
				w.Choices = append(w.Choices, appChoice{Name: c, Names: namesIn(tr, command.NameOfChoice, c), Value: c})
			}
		}
		w.Autocomplete = o.Complete && w.Type == optionString && len(w.Choices) == 0
		out = append(out, w)
	}
	return out
}

func checkCommands(cmds []appCommand) error {
	menus := 0
	for _, c := range cmds {
		if c.Type == commandMessage {
			if menus++; menus > maxMenus {
				return fmt.Errorf("more than %d message menu entries", maxMenus)
			}
			if n := utf8.RuneCountInString(c.Name); n < 1 || n > maxName {
				return fmt.Errorf("menu entry %q has %d characters, at most %d", c.Name, n, maxName)
			}
			continue
		}
		chars := longest(c.Name, c.Names) + longest(c.Description, c.Descriptions)
		if err := checkLocalised("/"+c.Name, appOption{Names: c.Names, Descriptions: c.Descriptions}); err != nil {
			return err
		}
		if err := checkOptions("/"+c.Name, c.Options, &chars); err != nil {
			return err
		}
		if chars > maxCommandChars {
			return fmt.Errorf("/%s has %d characters, at most %d", c.Name, chars, maxCommandChars)
		}
	}
	return nil
}

func checkOptions(path string, opts []appOption, chars *int) error {
	if len(opts) > maxOptions {
		return fmt.Errorf("%s has %d options, at most %d", path, len(opts), maxOptions)
	}
	if err := checkSiblings(path, opts); err != nil {
		return err
	}
	for _, o := range opts {
		here := path + " " + o.Name
		if o.Name == "" || len(o.Name) > maxName || o.Name != strings.ToLower(o.Name) || strings.ContainsAny(o.Name, " /:@#") {
			return fmt.Errorf("%s: not a name for an option", here)
		}
		if n := utf8.RuneCountInString(o.Description); n < 1 || n > maxDescription {
			return fmt.Errorf("%s: description has %d characters, wanted 1 to %d", here, n, maxDescription)
		}
		if err := checkLocalised(here, o); err != nil {
			return err
		}
		if len(o.Choices) > maxChoices {
			return fmt.Errorf("%s has %d choices, at most %d", here, len(o.Choices), maxChoices)
		}
		*chars += longest(o.Name, o.Names) + longest(o.Description, o.Descriptions)
		for _, c := range o.Choices {
			*chars += longest(c.Name, c.Names) + utf8.RuneCountInString(c.Value)
		}
		if err := checkOptions(here, o.Options, chars); err != nil {
			return err
		}
	}
	return nil
}

// Registration returns the application commands of a table: /atelier, /atelier-review, /atelier-task, /atelier-find,
// /atelier-style, /atelier-admin and the message menu entries, with their names and descriptions in all languages. It fails when they would break a limit of Discord.
func Registration(t *command.Table, tr core.Translator) ([]json.RawMessage, error) {
	_, cmds, err := spread(t, tr)
	if err != nil {
		return nil, err
	}
	out := make([]json.RawMessage, 0, len(cmds))
	for _, c := range cmds {
		b, err := json.Marshal(c)
		if err != nil {
			return nil, fmt.Errorf("encode /%s: %w", c.Name, err)
		}
		out = append(out, b)
	}
	return out, nil
}

// Register brings the application's global commands up to date. It writes only when they differ: writing replaces them
// all, and Discord counts creations per day.
func (a *Adapter) Register(ctx context.Context) (changed bool, err error) {
	want, same, err := a.compareCommands(ctx)
	if err != nil || same {
		return false, err
	}
	path := "applications/" + a.o.ApplicationID + "/commands"
	if err := a.rest.do(ctx, call{method: http.MethodPut, route: "PUT applications/commands", path: path, body: want}, nil); err != nil {
		return false, err
	}
	return true, nil
}

func (a *Adapter) compareCommands(ctx context.Context) (want []json.RawMessage, same bool, err error) {
	if want, err = Registration(a.o.Table, a.o.Translator); err != nil {
		return nil, false, core.Wrap(core.CodeInternal, err)
	}
	var have []json.RawMessage
	c := call{method: http.MethodGet, route: "GET applications/commands", path: "applications/" + a.o.ApplicationID + "/commands?with_localizations=true"}
	if err := a.rest.do(ctx, c, &have); err != nil {
		return nil, false, err
	}
	return want, bytes.Equal(canonical(want), canonical(have)), nil
}

// canonical keeps what we set of each command, in a fixed order, so that what Discord fills in makes no difference.
func canonical(list []json.RawMessage) []byte {
	cmds := make([]appCommand, 0, len(list))
	for _, raw := range list {
		c := appCommand{Type: commandChat}
		if json.Unmarshal(raw, &c) != nil {
			return nil
		}
		slices.Sort(c.Contexts)
		slices.Sort(c.Integrations)
		cmds = append(cmds, c)
	}
	slices.SortFunc(cmds, func(x, y appCommand) int {
		return strings.Compare(fmt.Sprint(x.Type, x.Name), fmt.Sprint(y.Type, y.Name))
	})
	b, err := json.Marshal(cmds)
	if err != nil {
		return nil
	}
	return b
}
