package studio

import (
	"context"
	"fmt"
	"strings"

	"github.com/atelier-bridge/atelier/core"
)

// versionPage is how many versions one answer lists.
const versionPage = 40

// versions shows the tree of versions and the open comments.
func (s *Studio) versions(ctx context.Context, c *call) (core.Change, error) {
	if err := s.findTask(ctx, c); err != nil {
		return core.Change{}, err
	}
	t := c.task
	if t.Latest == 0 {
		return c.say(text(c.T("%s has no versions yet. Make pictures for it with \"imagine\" in its thread.", t.ID)))
	}
	p := pages{all: (t.Latest + versionPage - 1) / versionPage}
	p.page = p.all
	if n := number(c.inv.Arg("page")); n > 0 {
		p.page = min(n, p.all)
	}
	list, err := s.Tasks.VersionsFrom(ctx, t.ID, (p.page-1)*versionPage+1, versionPage)
	if err != nil {
		return core.Change{}, err
	}
	card := core.Card{Title: c.T("%s: %s", t.ID, t.Title), Body: core.RichText{{Kind: core.NodePre, Text: versionTree(c.Lang, list)}}}
	if p.all > 1 {
		card.Footer = c.T("Page %d of %d", p.page, p.all)
		var row []core.Button
		if p.page > 1 {
			row = append(row, core.Button{Label: c.T("Earlier"), Action: core.Action{Verb: "versions", Task: t.ID, Arg: fmt.Sprintf("page=%d", p.page-1)}})
		}
		if p.page < p.all {
			row = append(row, core.Button{Label: c.T("Later"), Action: core.Action{Verb: "versions", Task: t.ID, Arg: fmt.Sprintf("page=%d", p.page+1)}})
		}
		card.Buttons = [][]core.Button{row}
	}
	if t.Picked.Version > 0 {
		card.Body = append(card.Body, core.Para(core.Text(c.T("Picked: %s", t.Picked))))
	}
	open, more, err := s.lastComments(ctx, t, commentPage, maxScan, isOpen)
	if err != nil {
		return core.Change{}, err
	}
	var lines []string
	for _, o := range open {
		lines = append(lines, commentLine(c.Lang, o))
	}
	if more {
		lines = append(lines, c.T("The newest ones; there are more."))
	}
	if len(lines) > 0 {
		card.Body = append(card.Body, core.Para(core.Bold(c.T("Open comments"))), core.Para(core.TextNodes(strings.Join(lines, "\n"))...))
	}
	return c.say(card)
}

// versionTree draws who made what of what. Versions whose parent is on another page begin a tree of their own.
func versionTree(l core.Lang, list []*core.Version) string {
	here := map[int]bool{}
	for _, v := range list {
		here[v.ID.No] = true
	}
	children := map[int][]*core.Version{}
	for _, v := range list {
		parent := v.Parent.Version
		if !here[parent] || parent == v.ID.No {
			parent = 0
		}
		children[parent] = append(children[parent], v)
	}
	var b strings.Builder
	var walk func(parent, depth int)
	walk = func(parent, depth int) {
		for _, v := range children[parent] {
			fmt.Fprintf(&b, "%s%s\n", strings.Repeat("  ", min(depth, 12)), versionLine(l, v))
			walk(v.ID.No, depth+1)
		}
	}
	walk(0, 0)
	return strings.TrimRight(b.String(), "\n")
}

func versionLine(l core.Lang, v *core.Version) string {
	line := fmt.Sprintf("v%d %s", v.ID.No, madeBy(l, v))
	line += " · " + v.PersonName + " · " + string(v.Provider)
	if v.State != core.JobDone {
		line += " · " + word(v.State).In(l)
	}
	for _, x := range v.Verdicts {
		if x.Approved {
			line += " · " + l.T("approved by %s", x.Name)
		} else {
			line += " · " + l.T("requested changes by %s", x.Name)
		}
	}
	return line
}

// madeBy says how a version came about: "vary strong of v1.2".
func madeBy(l core.Lang, v *core.Version) string {
	how := word(v.Request.Op).In(l)
	switch v.Request.Op {
	case core.OpEditRegion, core.OpEditWords:
		how = l.T("edit")
	}
	if v.Request.Strength != "" {
		how += " " + manner(v.Request.Strength).In(l)
	}
	if v.Request.Dir != "" {
		how += " " + manner(v.Request.Dir).In(l)
	}
	if v.Parent.Version > 0 {
		return l.T("%s of %s", how, v.Parent)
	}
	return how
}

// revert makes an earlier version the newest one again, as a version of its own: the pictures are the same, and nothing
// is made or paid.
func (s *Studio) revert(ctx context.Context, c *call) (core.Change, error) {
	if err := s.findTask(ctx, c); err != nil {
		return core.Change{}, err
	}
	if c.inv.Ref.Version == 0 {
		return core.Change{}, core.Errorf(core.CodeInvalid, "Back to which version?").WithNext("Type for example: revert v1")
	}
	if err := s.findVersion(ctx, c); err != nil {
		return core.Change{}, err
	}
	old, t := c.version, c.task
	newest, err := s.newestDone(ctx, t)
	switch {
	case err != nil:
		return core.Change{}, err
	case old.State != core.JobDone || len(old.Images) == 0:
		return core.Change{}, core.Errorf(core.CodeInvalid, "v%d has no pictures: it is %s.", old.ID.No, word(old.State))
	case newest == old.ID.No:
		return core.Change{}, core.Errorf(core.CodeConflict, "v%d is the newest version already.", old.ID.No)
	}
	if last, err := s.Tasks.Version(ctx, core.VersionID{Task: t.ID, No: newest}); err != nil {
		return core.Change{}, err
	} else if last.Request.Op == core.OpRevert && last.Parent.Version == old.ID.No {
		return core.Change{}, core.Errorf(core.CodeConflict, "v%d is v%d again already.", newest, old.ID.No)
	}
	now := s.Clock.Now().UTC()
	t.Latest++
	v := *old
	v.Rev, v.ID, v.Parent, v.Verdicts, v.Votes = 0, core.VersionID{Task: t.ID, No: t.Latest}, core.ImageRef{Version: old.ID.No}, nil, nil
	v.Request.Op, v.Request.Strength, v.Request.Dir = core.OpRevert, "", ""
	v.Person, v.PersonName, v.Account, v.By, v.Cost, v.CreatedAt, v.DoneAt = c.Person.ID, c.name(), "", c.In.Actor.Identity, core.Cost{}, now, now
	t.UpdatedAt = now
	if t.Status != core.StatusClosed {
		t.Status = core.StatusReview
	}
	change := core.Change{Tasks: []*core.Task{t}, Versions: []*core.Version{&v}}
	l := s.shared(c.Project)
	change.Out = notices(t, "revert-"+core.Digest(12, string(c.In.ID)), c, core.RichText{core.Para(c.by("⏪", l.T("went back to v%d: it is v%d now", old.ID.No, v.ID.No))...)})
	show := []int{0, v.ID.No}
	if v.ID.No == 2 {
		show = []int{0, 1, 2}
	}
	change.Out = append(change.Out, cardsIn(t, c, "revert/"+v.ID.String(), show...)...)
	change.Out = append(change.Out, c.answer(text(c.T("v%d of %s is v%d again.", v.ID.No, t.ID, old.ID.No))))
	return change, nil
}
