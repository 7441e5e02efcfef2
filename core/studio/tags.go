package studio

import (
	"context"
	"slices"
	"strings"
	"unicode"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/query"
)

const (
	// maxTags bounds the tags of one task.
	maxTags = 20
	// maxName is how long the name of a tag, a folder or a saved search may be, in letters.
	maxName = 32
)

// plainName checks a name that people type inside searches and commands: no spaces and no signs that mean something there.
func plainName(s string) (string, error) {
	s = strings.TrimSpace(strings.TrimPrefix(s, "#"))
	odd := strings.IndexFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '_' })
	if s == "" || strings.HasPrefix(s, "-") || odd >= 0 || len([]rune(s)) > maxName {
		return "", core.Errorf(core.CodeInvalid, "“%s” cannot be a name.", clip(s, 40)).WithNext("Names are made of letters, digits, - and _, at most %d, such as spring-sale.", maxName)
	}
	return s, nil
}

// tagNames reads one or more tags.
func tagNames(text string) ([]string, error) {
	var out []string
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || r == ',' }) {
		name, err := plainName(w)
		if err != nil {
			return nil, err
		}
		out = append(out, strings.ToLower(name))
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// addTags gives a task tags and reports whether it had not all of them.
func addTags(t *core.Task, tags []string) (changed bool, err error) {
	all := append(slices.Clone(t.Tags), tags...)
	slices.Sort(all)
	all = slices.Compact(all)
	if len(all) > maxTags {
		return false, core.Errorf(core.CodeInvalid, "%s would have %d tags, and %d is the most.", t.ID, len(all), maxTags).WithNext("Take some away with \"tag remove\".")
	}
	changed = len(all) != len(t.Tags)
	t.Tags = all
	return changed, nil
}

func (s *Studio) tagAdd(ctx context.Context, c *call) (core.Change, error) {
	tags, err := s.tagged(ctx, c)
	if err != nil {
		return core.Change{}, err
	}
	changed, err := addTags(c.task, tags)
	if err != nil {
		return core.Change{}, err
	}
	if !changed {
		return core.Change{}, core.Errorf(core.CodeConflict, "%s has that already.", c.task.ID)
	}
	return s.retagged(c)
}

func (s *Studio) tagRemove(ctx context.Context, c *call) (core.Change, error) {
	tags, err := s.tagged(ctx, c)
	if err != nil {
		return core.Change{}, err
	}
	for _, t := range tags {
		if !slices.Contains(c.task.Tags, t) {
			e := core.Errorf(core.CodeNotFound, "%s has no tag %q.", c.task.ID, t)
			if near := query.Near(t, c.task.Tags, 3); len(near) > 0 {
				return core.Change{}, e.WithNext("Did you mean %s?", strings.Join(near, ", "))
			}
			return core.Change{}, e.WithNext("It has: %s.", orNone(c.task.Tags))
		}
	}
	c.task.Tags = slices.DeleteFunc(slices.Clone(c.task.Tags), func(t string) bool { return slices.Contains(tags, t) })
	return s.retagged(c)
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "-"
	}
	return strings.Join(list, ", ")
}

// tagged finds the task of a call and the tags that it names.
func (s *Studio) tagged(ctx context.Context, c *call) ([]string, error) {
	if err := s.findTask(ctx, c); err != nil {
		return nil, err
	}
	return tagNames(c.inv.Arg("tags"))
}

func (s *Studio) retagged(c *call) (core.Change, error) {
	c.task.UpdatedAt = s.Clock.Now().UTC()
	body := c.T("%s has these tags now: %s.", c.task.ID, strings.Join(c.task.Tags, ", "))
	if len(c.task.Tags) == 0 {
		body = c.T("%s has no tags now.", c.task.ID)
	}
	return core.Change{Tasks: []*core.Task{c.task}, Out: append(cardsIn(c.task, c, "tags/"+string(c.In.ID), 0), c.answer(text(body)))}, nil
}

// from is the room from which somebody looks at tasks; empty where they see none of a private room.
func (c *call) from() core.RoomID {
	if c.Room == nil {
		return ""
	}
	return c.Room.ID
}

func (s *Studio) tagList(ctx context.Context, c *call) (core.Change, error) {
	all, err := s.Search.Values(ctx, c.Project.Key, "tag", c.from())
	if err != nil {
		return core.Change{}, err
	}
	if len(all) == 0 {
		return c.say(text(c.T("No task has a tag yet. Try: tag add ACME-1 poster")))
	}
	slices.SortStableFunc(all, func(a, b core.Counted) int { return b.Tasks - a.Tasks })
	var lines []string
	for _, t := range all[:min(len(all), listedTags)] {
		lines = append(lines, c.N(t.Tasks, "%[2]s: %[1]d task", "%[2]s: %[1]d tasks", t.Tasks, t.Value))
	}
	return c.say(core.Card{Title: c.T("Tags of %s", c.Project.Key), Body: bullets(lines)})
}

// listedTags bounds the tags that one answer lists.
const listedTags = 200
