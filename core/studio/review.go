package studio

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
)

// verdict approves a version or requests changes on it.
func (s *Studio) verdict(ctx context.Context, c *call) (core.Change, error) {
	if err := s.findVersion(ctx, c); err != nil {
		return core.Change{}, err
	}
	v, task := c.version, c.task
	approved := c.inv.Row.Verb == "approve"
	if v.State != core.JobDone {
		return core.Change{}, core.Errorf(core.CodeInvalid, "v%d is %s; there is nothing to decide on yet.", v.ID.No, v.State)
	}
	newest, err := s.newestDone(ctx, task)
	if err != nil {
		return core.Change{}, err
	}
	// A press may come from a card that shows an older version; a typed version is meant.
	if pressed := c.inv.Surface == core.SurfaceButton || c.inv.Surface == core.SurfaceModal; pressed && newest > v.ID.No && !c.inv.Confirm {
		return c.say(core.Card{
			Body: core.Plain(fmt.Sprintf("That card shows v%d, but v%d is newer. Do you still mean v%d?", v.ID.No, newest, v.ID.No)), Tone: core.ToneWarn,
			Buttons: [][]core.Button{{
				{Label: fmt.Sprintf("Confirm v%d", v.ID.No), Style: core.StylePrimary, Action: core.Action{Verb: c.inv.Row.Verb, Task: task.ID, Ref: core.ImageRef{Version: v.ID.No}, Arg: command.ConfirmArg}},
				{Label: fmt.Sprintf("Accept v%d instead", newest), Action: core.Action{Verb: c.inv.Row.Verb, Task: task.ID, Ref: core.ImageRef{Version: newest}, Arg: command.ConfirmArg}},
			}},
		})
	}
	reason := strings.TrimSpace(c.inv.Arg("reason"))
	mine := slices.IndexFunc(v.Verdicts, func(x core.Verdict) bool { return c.Person.Is(x.Person) })
	if mine >= 0 && v.Verdicts[mine].Approved == approved && (reason == "" || reason == v.Verdicts[mine].Reason) {
		return core.Change{}, core.Errorf(core.CodeConflict, "You %s v%d already.", verdictWord(approved), v.ID.No)
	}
	now := s.Clock.Now().UTC()
	x := core.Verdict{Person: c.Person.ID, Name: c.name(), Approved: approved, Reason: reason, At: now}
	if mine >= 0 {
		v.Verdicts[mine] = x
	} else {
		v.Verdicts = append(v.Verdicts, x)
	}
	task.Status, task.UpdatedAt = core.StatusChanges, now
	if approved {
		task.Status = core.StatusApproved
	}
	change := core.Change{Tasks: []*core.Task{task}, Versions: []*core.Version{v}}
	mark := "✅ "
	if !approved {
		mark = "✏️ "
	}
	line := []core.Node{core.Text(mark), core.Bold(c.name()), core.Text(fmt.Sprintf(" %s v%d", verdictWord(approved), v.ID.No))}
	if reason != "" {
		line = append(line, core.Text(": "+reason))
	}
	change.Out = notices(task, "verdict-"+core.Digest(12, string(c.In.ID)), c, core.RichText{core.Para(line...)})
	show := []int{0}
	if v.ID.No > 1 || task.Latest > 1 {
		show = append(show, v.ID.No)
	}
	change.Out = append(change.Out, cardsIn(task, c, "verdict/"+string(c.In.ID), show...)...)
	change.Out = append(change.Out, c.answer(text(fmt.Sprintf("You %s v%d of %s.", verdictWord(approved), v.ID.No, task.ID))))
	return change, nil
}

func verdictWord(approved bool) string {
	if approved {
		return "approved"
	}
	return "requested changes on"
}

func (s *Studio) newestDone(ctx context.Context, t *core.Task) (int, error) {
	all, err := s.Tasks.Versions(ctx, t.ID)
	if err != nil {
		return 0, err
	}
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].State == core.JobDone && len(all[i].Images) > 0 {
			return all[i].ID.No, nil
		}
	}
	return 0, nil
}

// pick chooses one picture; nothing is made.
func (s *Studio) pick(ctx context.Context, c *call) (core.Change, error) {
	if err := s.findVersion(ctx, c); err != nil {
		return core.Change{}, err
	}
	if c.version.State != core.JobDone {
		return core.Change{}, core.Errorf(core.CodeInvalid, "v%d has no pictures yet: it is %s.", c.version.ID.No, c.version.State)
	}
	ref := core.ImageRef{Version: c.version.ID.No, Image: c.inv.Ref.Image}
	if ref.Image == 0 {
		if len(c.version.Images) != 1 {
			return core.Change{}, core.Errorf(core.CodeInvalid, "Which picture of v%d?", ref.Version).WithNext("Type for example: pick v%d.2", ref.Version)
		}
		ref.Image = 1
	}
	if c.task.Picked == ref {
		return core.Change{}, core.Errorf(core.CodeConflict, "%s is picked already.", ref)
	}
	c.task.Picked, c.task.UpdatedAt = ref, s.Clock.Now().UTC()
	change := core.Change{Tasks: []*core.Task{c.task}}
	img := c.version.Images[ref.Image-1]
	shown := img.Preview
	mime := "image/jpeg"
	if shown == "" {
		shown, mime = img.Blob, img.MIME
	}
	body := core.RichText{core.Para(core.Text("👉 "), core.Bold(c.name()), core.Text(fmt.Sprintf(" picked %s", ref)))}
	card := core.Card{Body: body, Images: []core.Image{{Blob: shown, Name: fmt.Sprintf("%s-%s.jpg", c.task.ID, ref), Alt: fmt.Sprintf("Picture %s of %s: %s", ref, c.task.ID, clip(c.version.Request.Prompt, 300)), MIME: mime, Width: img.Width, Height: img.Height}}}
	outs := notices(c.task, "pick-"+core.Digest(12, string(c.In.ID)), c, nil)
	for i := range outs {
		outs[i].Card = &card
	}
	change.Out = outs
	change.Out = append(change.Out, cardsIn(c.task, c, "pick/"+string(c.In.ID), 0)...)
	change.Out = append(change.Out, c.answer(text(fmt.Sprintf("Picked %s. Upscale, Vary, Zoom and Pan now work on it.", ref))))
	return change, nil
}

// comment writes a comment by command, on a task, a version or a picture.
func (s *Studio) comment(ctx context.Context, c *call) (core.Change, error) {
	find := s.findTask
	if c.inv.Ref.Version > 0 {
		find = s.findVersion
	}
	if err := find(ctx, c); err != nil {
		return core.Change{}, err
	}
	words := strings.TrimSpace(c.inv.Arg("text"))
	id := core.CommentID("c-" + core.Digest(16, string(c.In.ID)))
	m := &core.Comment{ID: id, Task: c.task.ID, On: c.inv.Ref, Author: c.Person.ID, Identity: c.In.Actor.Identity, Name: c.name(), Avatar: c.In.Actor.Avatar,
		Text: core.Plain(words), At: s.Clock.Now().UTC()}
	if m.Avatar == "" {
		m.Avatar = c.Person.Avatar
	}
	c.task.Comments++
	c.task.Open++
	c.task.UpdatedAt = m.At
	obj := core.CommentObject(c.task.ID, id)
	change := core.Change{Tasks: []*core.Task{c.task}, Comments: []*core.Comment{m}}
	for _, room := range c.task.Rooms {
		change.Out = append(change.Out, core.Outgoing{ID: core.MakeDeliveryID(obj, room, "comment/0"), Kind: core.OutComment, Room: room, Task: c.task.ID, Object: obj, At: c.In.At})
	}
	change.Out = append(change.Out, c.answer(text(fmt.Sprintf("Your comment on %s is in its threads.", c.task.ID))))
	return change, nil
}

// maxListed bounds the comments that one answer lists or one resolve settles.
const maxListed = 200

// resolve marks comments as settled.
func (s *Studio) resolve(ctx context.Context, c *call) (core.Change, error) {
	if err := s.findTask(ctx, c); err != nil {
		return core.Change{}, err
	}
	which := c.inv.Arg("comment")
	open, err := s.openComments(ctx, c.task)
	if err != nil {
		return core.Change{}, err
	}
	if len(open) == 0 {
		return core.Change{}, core.Errorf(core.CodeInvalid, "%s has no open comments.", c.task.ID)
	}
	if which == "" && len(open) == 1 {
		which = "1"
	}
	var chosen []numbered
	n, _ := strconv.Atoi(which)
	for _, o := range open {
		if which == "all" || o.no == n {
			chosen = append(chosen, o)
		}
	}
	if len(chosen) == 0 {
		return core.Change{}, core.Errorf(core.CodeInvalid, "Which comment?").WithNext("Type \"resolve 2\" or \"resolve all\"; \"versions\" lists the open ones with their numbers.")
	}
	change := core.Change{Tasks: []*core.Task{c.task}}
	for _, o := range chosen {
		o.Resolved = true
		change.Comments = append(change.Comments, o.Comment)
	}
	c.task.Open = max(0, c.task.Open-len(chosen))
	what := fmt.Sprintf("%d comments", len(chosen))
	if len(chosen) == 1 {
		what = fmt.Sprintf("comment %d (“%s”)", chosen[0].no, clip(chosen[0].Text.String(), 60))
	}
	change.Out = notices(c.task, "resolve-"+core.Digest(12, string(c.In.ID)), c, core.RichText{core.Para(core.Text("☑️ "), core.Bold(c.name()), core.Text(" resolved "+what))})
	change.Out = append(change.Out, c.answer(text("Resolved "+what+".")))
	return change, nil
}

type numbered struct {
	*core.Comment
	no int
}

// openComments lists a task's open comments with their numbers, which count all of its comments.
func (s *Studio) openComments(ctx context.Context, t *core.Task) ([]numbered, error) {
	all, _, err := s.Comments.Comments(ctx, t.ID, 0, maxListed)
	if err != nil {
		return nil, err
	}
	var out []numbered
	no := 0
	for _, m := range all {
		if m.Deleted {
			continue
		}
		no++
		if !m.Resolved {
			out = append(out, numbered{m, no})
		}
	}
	return out, nil
}

// versions shows the tree of versions and the open comments.
func (s *Studio) versions(ctx context.Context, c *call) (core.Change, error) {
	if err := s.findTask(ctx, c); err != nil {
		return core.Change{}, err
	}
	all, err := s.Tasks.Versions(ctx, c.task.ID)
	if err != nil {
		return core.Change{}, err
	}
	children := map[int][]*core.Version{}
	for _, v := range all {
		children[v.Parent.Version] = append(children[v.Parent.Version], v)
	}
	var b strings.Builder
	var walk func(parent, depth int)
	walk = func(parent, depth int) {
		for _, v := range children[parent] {
			if v.ID.No == parent {
				continue
			}
			fmt.Fprintf(&b, "%s%s\n", strings.Repeat("  ", depth), versionLine(v))
			walk(v.ID.No, depth+1)
		}
	}
	walk(0, 0)
	card := core.Card{Title: fmt.Sprintf("%s: %s", c.task.ID, c.task.Title), Body: core.RichText{{Kind: core.NodePre, Text: strings.TrimRight(b.String(), "\n")}}}
	if c.task.Picked.Version > 0 {
		card.Body = append(card.Body, core.Para(core.Text("Picked: "+c.task.Picked.String())))
	}
	open, err := s.openComments(ctx, c.task)
	if err != nil {
		return core.Change{}, err
	}
	var lines []string
	for _, o := range open {
		lines = append(lines, fmt.Sprintf("%d. %s: %s", o.no, o.Name, clip(o.Text.String(), 120)))
	}
	if len(lines) > 0 {
		card.Body = append(card.Body, core.Para(core.Bold("Open comments")), core.Para(core.TextNodes(strings.Join(lines, "\n"))...))
	}
	return c.say(card)
}

func versionLine(v *core.Version) string {
	line := fmt.Sprintf("v%d %s", v.ID.No, madeBy(v))
	line += " · " + v.PersonName + " · " + string(v.Provider)
	if v.State != core.JobDone {
		line += " · " + string(v.State)
	}
	for _, x := range v.Verdicts {
		line += " · " + strings.TrimSuffix(verdictWord(x.Approved), " on") + " by " + x.Name
	}
	return line
}

// madeBy says how a version came about: "vary strong of v1.2".
func madeBy(v *core.Version) string {
	op := string(v.Request.Op)
	switch v.Request.Op {
	case core.OpEditRegion, core.OpEditWords:
		op = "edit"
	}
	if v.Request.Strength != "" {
		op += " " + v.Request.Strength
	}
	if v.Request.Dir != "" {
		op += " " + v.Request.Dir
	}
	if v.Parent.Version > 0 {
		op += " of " + v.Parent.String()
	}
	return op
}
