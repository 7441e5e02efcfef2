package studio

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/atelier-bridge/atelier/core"
)

// styled is a prompt with everything that a room, a project, a person and a preset add to it, where it is to be made, and
// the reference pictures that it names. What is nearer to the person wins: what they typed, a preset, the room, the
// project; a person's own words come last behind the others.
func (s *Studio) styled(c *call, text string) (full string, provider string, refs []core.StoredImage, err error) {
	provider = c.inv.Arg("provider")
	var own *core.Style
	if c.Person != nil {
		own = c.Person.Style
	}
	layers := []*core.Style{}
	presets, err := s.presets(c)
	if err != nil {
		return "", "", nil, err
	}
	layers = append(layers, presets...)
	if c.Room != nil && !c.Room.Style.IsZero() && c.Room.Project == c.Project.Key {
		layers = append(layers, c.Room.Style)
	} else if !c.Project.Style.IsZero() {
		layers = append(layers, c.Project.Style)
	}
	if !own.IsZero() {
		layers = append(layers, own)
	}
	full = text
	for _, l := range layers {
		if full, err = s.Prompts.Styled(full, l.Prefix, l.Suffix); err != nil {
			return "", "", nil, err
		}
		// The person's own default stands before a room's: it is their account.
		if provider == "" && l.Provider != "" && c.Person.Provider == "" {
			provider = string(l.Provider)
		}
	}
	refs, err = s.references(c)
	return full, provider, refs, err
}

// presets finds the presets that a command names.
func (s *Studio) presets(c *call) ([]*core.Style, error) {
	var out []*core.Style
	for _, name := range listed(c.inv.Arg("preset")) {
		p, ok := c.Project.Presets[name]
		if !ok {
			e := core.Errorf(core.CodeInvalid, "There is no preset %q.", clip(name, 40))
			if len(c.Project.Presets) == 0 {
				return nil, e.WithNext("Save one with: preset save %s film grain --ar 3:2", clip(name, 20))
			}
			return nil, e.WithNext("There are: %s.", strings.Join(slices.Sorted(maps.Keys(c.Project.Presets)), ", "))
		}
		out = append(out, &p)
	}
	return out, nil
}

// maxRefs bounds the reference pictures of one prompt.
const maxRefs = 5

// references finds the reference pictures that a command names.
func (s *Studio) references(c *call) ([]core.StoredImage, error) {
	var out []core.StoredImage
	for _, name := range listed(c.inv.Arg("ref")) {
		i := slices.IndexFunc(c.Project.References, func(r core.Reference) bool { return r.Name == name })
		if i < 0 {
			var have []string
			for _, r := range c.Project.References {
				have = append(have, r.Name)
			}
			e := core.Errorf(core.CodeInvalid, "There is no reference picture %q.", clip(name, 40))
			if len(have) == 0 {
				return nil, e.WithNext("Save one with: reference save %s v2.3", clip(name, 20))
			}
			return nil, e.WithNext("There are: %s.", strings.Join(have, ", "))
		}
		im := c.Project.References[i].Image
		im.Name = name
		out = append(out, im)
	}
	if len(out) > maxRefs {
		return nil, core.Errorf(core.CodeInvalid, "A prompt takes at most %d reference pictures.", maxRefs)
	}
	return out, nil
}

// listed splits names at commas.
func listed(text string) []string {
	var out []string
	for _, n := range strings.Split(strings.ToLower(text), ",") {
		if n = strings.TrimSpace(n); n != "" && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// maxPreset is how many letters the name of a preset or a reference picture may have.
const maxPreset = 30

// isName reads letter by letter: the same as a regular expression holds half a megabyte.
func isName(s string) bool {
	for i, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsNumber(r) && (i == 0 || !strings.ContainsRune("_.-", r)) {
			return false
		}
	}
	return s != "" && utf8.RuneCountInString(s) <= maxPreset
}

// aName checks the name of a preset or a reference picture.
func aName(text string) (string, error) {
	name := strings.ToLower(strings.TrimSpace(text))
	if !isName(name) {
		return "", core.Errorf(core.CodeInvalid, "“%s” cannot be a name.", clip(text, 40)).WithNext("A name has up to 30 letters, digits, dots and dashes, such as noir.")
	}
	return name, nil
}

// newStyle reads a style from a command's options and checks it.
func (s *Studio) newStyle(c *call) (core.Style, error) {
	st := core.Style{Prefix: strings.TrimSpace(c.inv.Arg("prefix")), Suffix: strings.TrimSpace(c.inv.Arg("suffix"))}
	if name := c.inv.Arg("provider"); name != "" {
		p, err := s.provider(nil, name)
		if err != nil {
			return st, err
		}
		st.Provider = p.Name()
	}
	for _, text := range []string{st.Prefix, st.Suffix} {
		if n := len([]rune(text)); n > core.MaxStyle {
			return st, core.Errorf(core.CodeTooLarge, "A style has at most %d characters; this one has %d.", core.MaxStyle, n)
		}
		parsed, err := s.Prompts.Parse(text)
		if err != nil {
			return st, err
		}
		// A request may hold what only its provider knows; what is put into every request must be known.
		for _, set := range parsed.Params {
			name := set.Name
			if _, known := s.Prompts.Param(name); !known {
				return st, core.Errorf(core.CodeInvalid, "I do not know the option --%s, and every prompt would carry it.", clip(name, 30)).WithNext("Type \"help %s\" for the options.", c.inv.Row.Verb)
			}
		}
	}
	if st.IsZero() {
		return st, core.Errorf(core.CodeInvalid, "That says nothing.").WithNext("Type for example: %s", c.inv.Row.Examples[0])
	}
	return st, nil
}

// styleSet sets the style of a room, a project or a person.
func (s *Studio) styleSet(ctx context.Context, c *call) (core.Change, error) {
	st, err := s.newStyle(c)
	if err != nil {
		return core.Change{}, err
	}
	return s.keepStyle(ctx, c, &st)
}

// styleClear takes it away.
func (s *Studio) styleClear(ctx context.Context, c *call) (core.Change, error) {
	return s.keepStyle(ctx, c, nil)
}

func (s *Studio) keepStyle(ctx context.Context, c *call, st *core.Style) (core.Change, error) {
	scope := c.inv.Arg("scope")
	need := map[string]core.Role{"": core.RoleEditor, "room": core.RoleEditor, "project": core.RoleAdmin, "me": core.RoleViewer}[scope]
	if !c.role.Allows(need) {
		return core.Change{}, core.Errorf(core.CodeForbidden, "That needs the role %s here.", word(need)).WithNext("%s", s.whomToAsk(ctx, c.Project))
	}
	var err error
	var said string
	switch scope {
	case "me":
		_, err = s.People.UpdatePerson(ctx, c.Person.ID, func(p *core.Person) error { p.Style = st; return nil })
		said = c.T("Your own style is: %s", styleText(c.Lang, st))
	case "project":
		_, err = s.Projects.UpdateProject(ctx, c.Project.Key, func(p *core.Project) error { p.Style = st; return nil })
		said = c.T("The style of %s is: %s", c.Project.Key, styleText(c.Lang, st))
	default:
		if c.Room == nil || c.Room.Project != c.Project.Key {
			return core.Change{}, core.Errorf(core.CodeInvalid, "Which room?").WithNext("Say it in the room itself, or choose --scope project or --scope me.")
		}
		_, err = s.Projects.UpdateRoom(ctx, c.Room.ID, func(r *core.Room) error { r.Style = st; return nil })
		said = c.T("The style of this room is: %s", styleText(c.Lang, st))
	}
	if err != nil {
		return core.Change{}, err
	}
	return c.say(text(said))
}

// styleText is a style in one line.
func styleText(l core.Lang, st *core.Style) string {
	if st.IsZero() {
		return l.T("none")
	}
	var parts []string
	if st.Prefix != "" {
		parts = append(parts, st.Prefix+" …")
	}
	if st.Suffix != "" {
		parts = append(parts, "… "+st.Suffix)
	}
	if st.Provider != "" {
		parts = append(parts, l.T("made with %s", st.Provider.Title()))
	}
	return strings.Join(parts, " · ")
}

// styleShow says what is added to prompts here.
func (s *Studio) styleShow(_ context.Context, c *call) (core.Change, error) {
	card := core.Card{Title: c.T("Styles"), Footer: c.T("What you type yourself wins; a room's style stands in place of the project's.")}
	if c.Room != nil {
		card.Fields = append(card.Fields, core.Field{Label: c.T("This room"), Value: core.Plain(styleText(c.Lang, c.Room.Style))})
	}
	card.Fields = append(card.Fields, core.Field{Label: string(c.Project.Key), Value: core.Plain(styleText(c.Lang, c.Project.Style))},
		core.Field{Label: c.T("You"), Value: core.Plain(styleText(c.Lang, c.Person.Style))})
	return c.say(card)
}

// presetSave keeps words and parameters under a name.
func (s *Studio) presetSave(ctx context.Context, c *call) (core.Change, error) {
	name, err := aName(c.inv.Arg("name"))
	if err != nil {
		return core.Change{}, err
	}
	st, err := s.newStyle(c)
	if err != nil {
		return core.Change{}, err
	}
	_, err = s.Projects.UpdateProject(ctx, c.Project.Key, func(p *core.Project) error {
		if old, has := p.Presets[name]; has && old != st {
			return core.Errorf(core.CodeConflict, "There is a preset %s already: %s", name, styleText(c.Lang, &old)).WithNext("To replace it, type first: preset remove %s", name)
		} else if !has && len(p.Presets) >= core.MaxPresets {
			return core.Errorf(core.CodeInvalid, "A project has at most %d presets.", core.MaxPresets)
		}
		if p.Presets == nil {
			p.Presets = map[string]core.Style{}
		}
		p.Presets[name] = st
		return nil
	})
	if err != nil {
		return core.Change{}, err
	}
	return c.say(text(c.T("Saved. Use it with: imagine a lighthouse --preset %s", name)))
}

// presetList lists a project's presets.
func (s *Studio) presetList(_ context.Context, c *call) (core.Change, error) {
	var lines []string
	for _, n := range slices.Sorted(maps.Keys(c.Project.Presets)) {
		st := c.Project.Presets[n]
		lines = append(lines, c.T("%s: %s", n, styleText(c.Lang, &st)))
	}
	if len(lines) == 0 {
		return c.say(text(c.T("There are no presets yet. Save one with: preset save noir black and white, film grain --ar 3:2")))
	}
	return c.say(core.Card{Title: c.T("Presets of %s", c.Project.Key), Body: bullets(lines)})
}

// presetRemove forgets a preset.
func (s *Studio) presetRemove(ctx context.Context, c *call) (core.Change, error) {
	if _, err := s.presets(c); err != nil {
		return core.Change{}, err
	}
	name := strings.ToLower(strings.TrimSpace(c.inv.Arg("preset")))
	if _, err := s.Projects.UpdateProject(ctx, c.Project.Key, func(p *core.Project) error { delete(p.Presets, name); return nil }); err != nil {
		return core.Change{}, err
	}
	return c.say(text(c.T("The preset %s is gone.", name)))
}

// referenceSave keeps a picture under a name.
func (s *Studio) referenceSave(ctx context.Context, c *call) (core.Change, error) {
	name, err := aName(c.inv.Arg("name"))
	if err != nil {
		return core.Change{}, err
	}
	if out, err := s.fetch(c); err != nil || out != nil {
		return core.Change{Out: out}, err
	}
	ref := core.Reference{Name: name, By: c.name()}
	if pics := c.In.Command.Stored; len(pics) > 0 {
		ref.Image = pics[0]
	} else {
		if err := s.findVersion(ctx, c); err != nil {
			return core.Change{}, err
		}
		n, err := s.image(c)
		if err != nil {
			return core.Change{}, err
		}
		if c.task.Private {
			return core.Change{}, core.Errorf(core.CodeForbidden, "%s is of a private room: its pictures stay there.", c.task.ID)
		}
		ref.Image = c.version.Images[n-1]
		ref.From = fmt.Sprintf("%s %s", c.task.ID, core.ImageRef{Version: c.version.ID.No, Image: n})
	}
	_, err = s.Projects.UpdateProject(ctx, c.Project.Key, func(p *core.Project) error {
		if i := slices.IndexFunc(p.References, func(r core.Reference) bool { return r.Name == name }); i >= 0 {
			if old := p.References[i]; old.Image.Blob != ref.Image.Blob {
				return core.Errorf(core.CodeConflict, "There is a reference picture %s already, by %s.", name, old.By).WithNext("To replace it, type first: reference remove %s", name)
			}
			return nil
		}
		if len(p.References) >= core.MaxReferences {
			return core.Errorf(core.CodeInvalid, "A project has at most %d reference pictures.", core.MaxReferences)
		}
		p.References = append(p.References, ref)
		return nil
	})
	if err != nil {
		return core.Change{}, err
	}
	return c.say(text(c.T("Saved. Use it with: imagine a lighthouse --ref %s", name)))
}

// maxShown bounds the pictures of one private answer.
const maxShown = 4

// referenceList shows a project's reference pictures.
func (s *Studio) referenceList(_ context.Context, c *call) (core.Change, error) {
	card := core.Card{Title: c.T("Reference pictures of %s", c.Project.Key)}
	var lines []string
	for _, r := range c.Project.References {
		from := r.From
		if from == "" {
			from = r.By
		}
		lines = append(lines, fmt.Sprintf("%s (%s)", r.Name, from))
		if len(card.Images) < maxShown {
			shown := shownOf(&r.Image)
			card.Images = append(card.Images, core.Image{Blob: shown.Blob, Name: r.Name + ".jpg", Alt: c.T("The reference picture %s", r.Name), MIME: shown.MIME, Width: shown.Width, Height: shown.Height})
		}
	}
	if len(lines) == 0 {
		return c.say(text(c.T("There are no reference pictures yet. Save one with: reference save logo v2.3")))
	}
	card.Body = bullets(lines)
	return c.say(card)
}

// referenceRemove forgets a reference picture.
func (s *Studio) referenceRemove(ctx context.Context, c *call) (core.Change, error) {
	if _, err := s.references(c); err != nil {
		return core.Change{}, err
	}
	name := strings.ToLower(strings.TrimSpace(c.inv.Arg("ref")))
	if _, err := s.Projects.UpdateProject(ctx, c.Project.Key, func(p *core.Project) error {
		p.References = slices.DeleteFunc(p.References, func(r core.Reference) bool { return r.Name == name })
		return nil
	}); err != nil {
		return core.Change{}, err
	}
	return c.say(text(c.T("The reference picture %s is gone.", name)))
}
