package studio

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
	"github.com/atelier-bridge/atelier/core/relay"
)

// Answer answers inside the acknowledgement: the modal that a press opens, or the choices of an autocomplete. Where there is
// no modal but an error, the card has nothing but the language to tell it in.
func (s *Studio) Answer(ctx context.Context, q core.Query) (core.Card, error) {
	switch q.Kind {
	case core.QueryModal:
		l := s.langOf(ctx, q.Actor)
		card, err := s.modal(l, q)
		card.Locale = l.Locale
		return card, err
	case core.QueryAutocomplete:
		return s.complete(ctx, q)
	}
	return core.Card{}, core.Errorf(core.CodeUnsupp, "There is no such question.")
}

// langOf is how to speak to somebody who asked something that is not stored.
func (s *Studio) langOf(ctx context.Context, a core.Actor) core.Lang {
	return relay.LangOf(ctx, s.People, s.Translator, a)
}

// verbName is a verb as it is written in a language.
func verbName(l core.Lang, r command.Row) string {
	if name := command.Localised(l, command.NameOfVerb, r.Verb); name != "" {
		return name
	}
	return r.Verb
}

// modal is a form for a verb that is valid as it stands.
func (s *Studio) modal(l core.Lang, q core.Query) (core.Card, error) {
	row, ok := s.Table.Row(q.Action.Verb)
	if !ok {
		return core.Card{}, core.Errorf(core.CodeInvalid, "This button is from another version of Atelier.").WithNext("Use the buttons on the newest card.")
	}
	act := q.Action
	act.Modal = false
	card := core.Card{Title: title(verbName(l, row)), Submit: l.T("Send"), Action: act}
	if act.Ref.Version > 0 {
		card.Title = clip(fmt.Sprintf("%s %s", title(verbName(l, row)), act.Ref), 24)
	}
	for _, b := range s.bulkActions() {
		if b.verb == row.Verb {
			card.Title = b.label(&call{Scope: relay.Scope{Lang: l}}) // as the button says that was pressed
		}
	}
	for _, o := range row.Options {
		if o.Form {
			card.Inputs = append(card.Inputs, core.Input{ID: o.Name, Label: l.T(o.Help), Kind: core.InputLine, Required: o.Required, Max: 100})
		}
	}
	for _, o := range row.Options {
		if o.Tail && len(card.Inputs) == 0 {
			card.Inputs = append(card.Inputs, core.Input{ID: o.Name, Label: l.T(o.Help), Kind: core.InputText, Required: o.Required, Max: 1000})
		}
	}
	for _, o := range row.Options {
		if o.Name == core.SecretOption {
			card.Inputs = append(card.Inputs, core.Input{ID: o.Name, Label: l.T("Your key"), Kind: core.InputSecret, Required: true, Max: maxKey, Hint: l.T("It is sealed before it is stored. This app sees what you type.")})
		}
	}
	if len(card.Inputs) == 0 {
		return core.Card{}, core.Errorf(core.CodeInternal, "%s has no form", row.Verb)
	}
	return card, nil
}

// maxChoices is what Discord takes; https://docs.discord.com/developers/interactions/application-commands
const maxChoices = 25

// maxOffered is among how many of the newest tasks an autocomplete looks.
const maxOffered = 200

func (s *Studio) complete(ctx context.Context, q core.Query) (core.Card, error) {
	var all []core.Choice
	add := func(label, value string) { all = append(all, core.Choice{Label: label, Value: value}) }
	switch q.Option {
	case "provider":
		for _, p := range s.Providers {
			add(string(p.Name()), string(p.Name()))
		}
	case "key":
		p, err := s.People.ByIdentity(ctx, q.Actor.Identity)
		if err != nil || !s.workspaceAdmin(p) {
			return core.Card{}, ignoreMissing(err)
		}
		keys, err := s.Projects.Projects(ctx)
		if err != nil {
			return core.Card{}, err
		}
		for _, k := range keys {
			add(string(k), string(k))
		}
	case "task":
		project, err := s.seenProject(ctx, q)
		if err != nil || project == "" {
			return core.Card{}, err
		}
		list, err := s.Tasks.List(ctx, project, 0, maxOffered)
		if err != nil {
			return core.Card{}, err
		}
		gone := q.Verb == "task restore"
		for _, t := range list {
			if t.Gone() == gone && (!t.Private || slices.Contains(t.Rooms, q.Room)) {
				add(clip(fmt.Sprintf("%s %s", t.ID, t.Title), 90), string(t.ID))
			}
		}
	case core.SettingLanguage:
		for _, l := range s.languages() {
			add(languageName(core.Lang{Translator: s.Translator, Locale: l}), string(l))
		}
		add(s.langOf(ctx, q.Actor).T("as the app is set"), auto)
	case core.SettingTimezone:
		return core.Card{Choices: zones(q.Text)}, nil
	case "version":
		return s.completeVersion(ctx, q)
	case "room":
		return s.completeRooms(ctx, q)
	case "folder", "in", "into", "tags", "tag", "saved", "status", "preset", "ref":
		return s.completeNames(ctx, q)
	}
	return core.Card{Choices: matching(all, q.Text)}, nil
}

// seenProject returns the project that the query's room is bound to, "" when it is bound to none or the person may not
// look at it.
func (s *Studio) seenProject(ctx context.Context, q core.Query) (core.ProjectKey, error) {
	room, err := s.Projects.Room(ctx, q.Room)
	if err != nil || room.Project == "" {
		return "", ignoreMissing(err)
	}
	project, err := s.Projects.Project(ctx, room.Project)
	if err != nil {
		return "", ignoreMissing(err)
	}
	p, err := s.People.ByIdentity(ctx, q.Actor.Identity)
	if core.ErrorCode(err) == core.CodeNotFound {
		p, err = &core.Person{}, nil
	}
	if err != nil || !s.roleOf(p, project, q.Actor.Roles).Allows(core.RoleViewer) {
		return "", err
	}
	return project.Key, nil
}

func (s *Studio) completeVersion(ctx context.Context, q core.Query) (core.Card, error) {
	project, err := s.seenProject(ctx, q)
	if err != nil || project == "" {
		return core.Card{}, err
	}
	id, typed := core.ParseTaskID(q.Options["task"])
	if typed != nil && q.Thread != "" {
		th, err := s.Refs.Thread(ctx, s.Parts.OfProject(project), q.Room, q.Thread)
		if err == nil && th.Task.IsTalk() {
			th, err = nil, core.Errorf(core.CodeNotFound, "That thread is of no task.")
		}
		if err != nil {
			return core.Card{}, ignoreMissing(err)
		}
		id = th.Task
	}
	if id == "" || id.Project() != project {
		return core.Card{}, nil
	}
	t, err := s.Tasks.Task(ctx, id)
	if err != nil || t.Private && !slices.Contains(t.Rooms, q.Room) {
		return core.Card{}, ignoreMissing(err)
	}
	all, err := s.Tasks.Versions(ctx, id)
	if err != nil {
		return core.Card{}, ignoreMissing(err)
	}
	var out []core.Choice
	for i := len(all) - 1; i >= 0; i-- {
		v := all[i]
		name := fmt.Sprintf("v%d", v.ID.No)
		out = append(out, core.Choice{Label: clip(fmt.Sprintf("%s %s", name, madeBy(s.langOf(ctx, q.Actor), v)), 90), Value: name})
		for n := range v.Images {
			if len(v.Images) > 1 {
				out = append(out, core.Choice{Label: fmt.Sprintf("%s.%d", name, n+1), Value: fmt.Sprintf("%s.%d", name, n+1)})
			}
		}
	}
	return core.Card{Choices: matching(out, q.Text)}, nil
}

func matching(all []core.Choice, typed string) []core.Choice {
	var out []core.Choice
	for _, c := range all {
		if len(out) < maxChoices && (typed == "" || strings.Contains(strings.ToLower(c.Label+" "+c.Value), strings.ToLower(typed))) {
			out = append(out, c)
		}
	}
	return out
}

// ignoreMissing makes "there is none" no error: an autocomplete without matches is empty.
func ignoreMissing(err error) error {
	if core.ErrorCode(err) == core.CodeNotFound {
		return nil
	}
	return err
}
