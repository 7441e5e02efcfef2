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

// Settings of a project on who decides.
const (
	settingApprovals   = "approvals"    // how many people must approve a version; 1
	settingApproveRole = "approve_role" // which role decides; editor
	settingApproveOwn  = "approve_own"  // whether somebody may approve what they made: yes or no; yes
	settingVotes       = "votes"        // whether a thumbs-up on a card counts as a vote: on or off; off
)

const maxApprovals = 20

// approvalsNeeded is how many people must approve a version in a project.
func approvalsNeeded(p *core.Project) int {
	if n, err := strconv.Atoi(p.Settings[settingApprovals]); err == nil && n > 0 && n <= maxApprovals {
		return n
	}
	return 1
}

// approveRole is which role decides in a project.
func approveRole(p *core.Project) core.Role {
	if r, err := core.ParseRole(p.Settings[settingApproveRole]); err == nil && r != core.RoleNone {
		return r
	}
	return core.RoleEditor
}

// mayDecide keeps to the project's policy.
func (s *Studio) mayDecide(ctx context.Context, c *call, approved bool) error {
	if need := approveRole(c.Project); !c.role.Allows(need) {
		return core.Errorf(core.CodeForbidden, "You are %s in %s, and deciding on versions needs the role %s there.", article(c.role), c.Project.Key, word(need)).WithNext("%s", s.whomToAsk(ctx, c.Project))
	}
	if approved && c.Project.Settings[settingApproveOwn] == "no" && c.Person.Is(c.version.Person) {
		return core.Errorf(core.CodeForbidden, "v%d is your own, and in %s somebody else approves.", c.version.ID.No, c.Project.Key).WithNext("Ask a colleague to look at it.")
	}
	return nil
}

// verdict approves a version or requests changes on it.
func (s *Studio) verdict(ctx context.Context, c *call) (core.Change, error) {
	if err := s.findVersion(ctx, c); err != nil {
		return core.Change{}, err
	}
	v, task := c.version, c.task
	approved := c.inv.Row.Verb == "approve"
	if err := s.mayDecide(ctx, c, approved); err != nil {
		return core.Change{}, err
	}
	if v.State != core.JobDone {
		return core.Change{}, core.Errorf(core.CodeInvalid, "v%d is %s; there is nothing to decide on yet.", v.ID.No, word(v.State))
	}
	newest, err := s.newestDone(ctx, task)
	if err != nil {
		return core.Change{}, err
	}
	// A press may come from a card that shows an older version; a typed version is meant.
	if pressed := c.inv.Surface == core.SurfaceButton || c.inv.Surface == core.SurfaceModal; pressed && newest > v.ID.No && !c.inv.Confirm {
		return c.say(s.olderVersion(c, newest))
	}
	reason := strings.TrimSpace(c.inv.Arg("reason"))
	mine := slices.IndexFunc(v.Verdicts, func(x core.Verdict) bool { return c.Person.Is(x.Person) })
	if mine >= 0 && v.Verdicts[mine].Approved == approved && (reason == "" || reason == v.Verdicts[mine].Reason) {
		if approved {
			return core.Change{}, core.Errorf(core.CodeConflict, "You approved v%d already.", v.ID.No)
		}
		return core.Change{}, core.Errorf(core.CodeConflict, "You requested changes on v%d already.", v.ID.No)
	}
	now := s.Clock.Now().UTC()
	x := core.Verdict{Person: c.Person.ID, Name: c.name(), Approved: approved, Reason: reason, At: now}
	if mine >= 0 {
		v.Verdicts[mine] = x
	} else {
		v.Verdicts = append(v.Verdicts, x)
	}
	if task.Status != core.StatusClosed {
		task.Status = standing(c.Project, v)
	}
	task.UpdatedAt = now
	change := core.Change{Tasks: []*core.Task{task}, Versions: []*core.Version{v}}
	change.Out = notices(task, "verdict-"+core.Digest(12, string(c.In.ID)), c, core.RichText{core.Para(verdictLine(s.shared(c.Project), c, approved, reason)...)})
	show := []int{0}
	if v.ID.No > 1 || task.Latest > 1 {
		show = append(show, v.ID.No)
	}
	change.Out = append(change.Out, cardsIn(task, c, "verdict/"+string(c.In.ID), show...)...)
	said := c.T("You requested changes on v%d of %s.", v.ID.No, task.ID)
	if approved {
		said = c.T("You approved v%d of %s.", v.ID.No, task.ID)
		if have, need := approvals(v), approvalsNeeded(c.Project); have < need {
			said += " " + c.T("%d of %d approvals.", have, need)
		}
	}
	change.Out = append(change.Out, c.answer(text(said)))
	pings, err := s.decidedOn(ctx, c, approved, reason)
	change.Out = append(change.Out, pings...)
	return change, err
}

// olderVersion asks whether somebody means a version that is not the newest one.
func (s *Studio) olderVersion(c *call, newest int) core.Card {
	v, verb := c.version, c.inv.Row.Verb
	again := func(no int) core.Action {
		return core.Action{Verb: verb, Task: c.task.ID, Ref: core.ImageRef{Version: no}, Arg: command.ConfirmArg}
	}
	return core.Card{
		Body: core.Plain(c.T("That card shows v%d, but v%d is newer. Do you still mean v%d?", v.ID.No, newest, v.ID.No)), Tone: core.ToneWarn,
		Buttons: [][]core.Button{{{Label: c.T("Confirm v%d", v.ID.No), Style: core.StylePrimary, Action: again(v.ID.No)}, {Label: c.T("Accept v%d instead", newest), Action: again(newest)}}},
	}
}

// verdictLine is what a thread reads of a verdict.
func verdictLine(l core.Lang, c *call, approved bool, reason string) []core.Node {
	mark, what := "✏️ ", l.T("requested changes on v%d", c.version.ID.No)
	if approved {
		mark, what = "✅ ", l.T("approved v%d", c.version.ID.No)
	}
	if have, need := approvals(c.version), approvalsNeeded(c.Project); approved && need > 1 {
		what += " " + l.T("(%d of %d approvals)", min(have, need), need)
	}
	if reason != "" {
		what = l.T("%s: %s", what, reason)
	}
	return []core.Node{core.Text(mark), core.Bold(c.name()), core.Text(" " + what)}
}

// approvals counts the people who approve a version.
func approvals(v *core.Version) int {
	n := 0
	for _, x := range v.Verdicts {
		if x.Approved {
			n++
		}
	}
	return n
}

// voices are the names of those who approve a version, or of those who want it changed.
func voices(v *core.Version, approved bool) string {
	var list []core.Named
	for _, x := range v.Verdicts {
		if x.Approved == approved {
			list = append(list, core.Named{ID: x.Person, Name: x.Name})
		}
	}
	return names(list)
}

// standing is the status that the verdicts on a version give its task: somebody's wish for changes stands until they
// approve; else it is approved once enough people do.
func standing(p *core.Project, v *core.Version) core.TaskStatus {
	have := approvals(v)
	switch {
	case have < len(v.Verdicts):
		return core.StatusChanges
	case have >= approvalsNeeded(p):
		return core.StatusApproved
	}
	return core.StatusReview
}

// newestDone returns the newest version that has pictures; 0 when none has.
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
		return core.Change{}, core.Errorf(core.CodeInvalid, "v%d has no pictures yet: it is %s.", c.version.ID.No, word(c.version.State))
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
	l := s.shared(c.Project)
	c.task.Picked, c.task.UpdatedAt = ref, s.Clock.Now().UTC()
	change := core.Change{Tasks: []*core.Task{c.task}}
	body := core.RichText{core.Para(core.Text("👉 "), core.Bold(c.name()), core.Text(" "+l.T("picked %s", ref)))}
	card := core.Card{Body: body, Images: []core.Image{pictureOf(l, c.task, c.version, ref.Image)}}
	outs := notices(c.task, "pick-"+core.Digest(12, string(c.In.ID)), c, nil)
	for i := range outs {
		outs[i].Card = &card
	}
	change.Out = outs
	change.Out = append(change.Out, cardsIn(c.task, c, "pick/"+string(c.In.ID), 0)...)
	change.Out = append(change.Out, c.answer(text(c.T("Picked %s. Upscale, Vary, Zoom and Pan now work on it.", ref))))
	return change, nil
}

// pictureOf shows one picture of a version, 1 first, by its preview.
func pictureOf(l core.Lang, t *core.Task, v *core.Version, no int) core.Image {
	img := v.Images[no-1]
	shown, mime := img.Preview, "image/jpeg"
	if shown == "" {
		shown, mime = img.Blob, img.MIME
	}
	ref := core.ImageRef{Version: v.ID.No, Image: no}
	return core.Image{Blob: shown, Name: fmt.Sprintf("%s-%s.jpg", t.ID, ref), Alt: l.T("Picture %s of %s: %s", ref, t.ID, clip(v.Request.Prompt, 300)), MIME: mime, Width: img.Width, Height: img.Height}
}
