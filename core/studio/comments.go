package studio

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/relay"
)

// comment writes a comment by command, on a task, a version, a picture, a point or an area of it.
func (s *Studio) comment(ctx context.Context, c *call) (core.Change, error) {
	words := strings.TrimSpace(c.inv.Arg("text"))
	spot, words, err := spotOf(c, words)
	if err != nil {
		return core.Change{}, err
	}
	find := s.findTask
	if c.inv.Ref.Version > 0 || spot != nil {
		find = s.findVersion
	}
	if err := find(ctx, c); err != nil {
		return core.Change{}, err
	}
	if words == "" {
		return core.Change{}, core.Errorf(core.CodeInvalid, "What do you want to say?").WithNext("Type for example: comment v2.3 @0.4,0.6 too dark")
	}
	var parent *core.Comment
	if n := number(c.inv.Arg("reply")); n != 0 {
		found, err := s.commentNo(ctx, c.task, n)
		if err != nil {
			return core.Change{}, err
		}
		parent = found.Comment
	}
	on := c.inv.Ref
	if spot != nil {
		if on, err = s.pinned(c); err != nil {
			return core.Change{}, err
		}
	}
	m := s.newComment(c, core.Plain(words))
	m.On, m.Spot = on, spot
	if parent != nil {
		m.ReplyTo = parent.ID
	}
	for _, f := range c.In.Command.Files {
		m.Files = append(m.Files, core.Attached{Ref: f})
		m.Source = core.MessageRef{Room: c.Room.ID}
	}
	if spot != nil {
		pic := c.version.Images[on.Image-1]
		m.Files = append([]core.Attached{{Ref: core.FileRef{Name: fmt.Sprintf("%s-%d.jpg", c.task.ID, m.No), MIME: "image/jpeg",
			Alt: s.shared(c.Project).T("Where comment %d points to on %s", m.No, on)}, PinOn: pic.Blob}}, m.Files...)
	}
	change := core.Change{Tasks: []*core.Task{c.task}, Comments: []*core.Comment{m}, Out: commentIn(c.task, m, c)}
	change.Out = append(change.Out, s.noted(c, m)...)
	whose := c.task.Owner
	if on.Version > 0 && c.version != nil {
		whose = c.version.Person
	}
	pings, err := s.commentedOn(ctx, c.Person, c.task, m, whose)
	if err != nil {
		return core.Change{}, err
	}
	change.Out = append(append(change.Out, pings...), c.answer(text(c.T("Your comment %d on %s is in its threads.", m.No, c.task.ID))))
	return change, nil
}

// noted brings the cards up to date that list a comment: those of its version.
func (s *Studio) noted(c *call, list ...*core.Comment) []core.Outgoing {
	show := []int{}
	for _, m := range list {
		if m.On.Version > 0 {
			show = append(show, 0)
		}
		if m.On.Version > 0 && c.task.Latest > 1 {
			show = append(show, m.On.Version)
		}
	}
	slices.Sort(show)
	return cardsIn(c.task, c, "noted/"+string(c.In.ID), slices.Compact(show)...)
}

const (
	// commentPage is how many comments one answer lists.
	commentPage = 20
	// maxResolved bounds the comments that one command settles: they are written in one step.
	maxResolved = 200
	// firstPage, scanPage and maxScan bound what is read to find open comments: at first, at once then, and in all.
	firstPage = 30
	scanPage  = 200
	maxScan   = 4000
)

// numbered is a comment with its number.
type numbered struct {
	*core.Comment
	no int
}

func withNo(m *core.Comment, place int) numbered {
	if m.No > 0 {
		return numbered{m, m.No}
	}
	return numbered{m, place + 1} // of the first releases: its place
}

// commentNo finds a comment by its number, which is near its place.
func (s *Studio) commentNo(ctx context.Context, t *core.Task, no int) (numbered, error) {
	for _, from := range []int{max(0, no-scanPage/2), 0} {
		for at := from; at < from+maxScan; at += scanPage {
			list, total, err := s.Comments.Comments(ctx, t.ID, at, scanPage)
			if err != nil {
				return numbered{}, err
			}
			for i, m := range list {
				if n := withNo(m, at+i); n.no == no && !m.Deleted {
					return n, nil
				}
			}
			if at+scanPage >= total || from > 0 {
				break
			}
		}
	}
	return numbered{}, core.Errorf(core.CodeNotFound, "%s has no comment %d.", t.ID, no).WithNext("\"comments\" lists them with their numbers.")
}

// lastComments collects comments from the newest on that keep wants, at most limit, oldest first. more says that there may
// be others.
func (s *Studio) lastComments(ctx context.Context, t *core.Task, limit, scan int, keep func(*core.Comment) bool) (out []numbered, more bool, err error) {
	// Most often a few of the newest are wanted, and they are found at once: the first page is a small one.
	list, total, err := s.Comments.Comments(ctx, t.ID, -firstPage, firstPage)
	for end, size := total, firstPage; end > 0 && total-end < scan; end, size = end-size, scanPage {
		from := max(0, end-size)
		if end < total {
			list, _, err = s.Comments.Comments(ctx, t.ID, from, end-from)
		}
		if err != nil {
			return nil, false, err
		}
		for i := len(list) - 1; i >= 0; i-- {
			if list[i].Deleted || !keep(list[i]) {
				continue
			}
			if len(out) == limit {
				slices.Reverse(out)
				return out, true, nil
			}
			out = append(out, withNo(list[i], from+i))
		}
		more = from > 0
	}
	slices.Reverse(out)
	return out, more, err
}

func isOpen(m *core.Comment) bool { return !m.Resolved }

// resolve marks comments as settled, and takes that back.
func (s *Studio) resolve(ctx context.Context, c *call) (core.Change, error) {
	if err := s.findTask(ctx, c); err != nil {
		return core.Change{}, err
	}
	settle := c.inv.Row.Verb == "resolve"
	chosen, more, err := s.chosen(ctx, c, settle)
	if err != nil {
		return core.Change{}, err
	}
	t, l := c.task, s.shared(c.Project)
	change := core.Change{Tasks: []*core.Task{t}}
	for _, o := range chosen {
		settleComment(t, o.Comment, settle, c.name())
		change.Comments = append(change.Comments, o.Comment)
	}
	t.UpdatedAt = s.Clock.Now().UTC()
	said, told := c.T("Resolved comment %d (“%s”).", chosen[0].no, clip(chosen[0].Text.String(), 60)), l.T("resolved comment %d (“%s”)", chosen[0].no, clip(chosen[0].Text.String(), 60))
	mark := "☑️"
	switch {
	case !settle:
		mark = "🔄"
		said, told = c.T("Comment %d (“%s”) is open again.", chosen[0].no, clip(chosen[0].Text.String(), 60)), l.T("opened comment %d (“%s”) again", chosen[0].no, clip(chosen[0].Text.String(), 60))
	case len(chosen) > 1:
		said, told = c.N(len(chosen), "Resolved %d comment.", "Resolved %d comments.", len(chosen)), l.N(len(chosen), "resolved %d comment", "resolved %d comments", len(chosen))
	}
	if more {
		said += " " + c.T("There are more; say it again.")
	}
	change.Out = notices(t, "resolve-"+core.Digest(12, string(c.In.ID)), c, core.RichText{core.Para(c.by(mark, told)...)})
	var list []*core.Comment
	for _, o := range chosen {
		list = append(list, o.Comment)
	}
	change.Out = append(change.Out, s.noted(c, list...)...)
	card := text(said)
	if settle && t.Open > 0 && c.inv.Surface == core.SurfaceButton {
		// The button stood in the list of open comments: back to it for the next one.
		card.Buttons = [][]core.Button{{{Label: c.N(t.Open, "%d open comment", "%d open comments", t.Open), Action: core.Action{Verb: "comments", Task: t.ID, Arg: "open=true"}}}}
	}
	change.Out = append(change.Out, c.answer(card))
	return change, nil
}

// chosen are the comments that a resolve or reopen names.
func (s *Studio) chosen(ctx context.Context, c *call, settle bool) (list []numbered, more bool, err error) {
	which := strings.TrimPrefix(c.inv.Arg("comment"), "#")
	t := c.task
	switch {
	case settle && t.Open == 0:
		return nil, false, core.Errorf(core.CodeInvalid, "%s has no open comments.", t.ID)
	case settle && (strings.EqualFold(which, "all") || strings.EqualFold(which, c.T("all"))):
		list, more, err = s.lastComments(ctx, t, maxResolved, maxScan, isOpen)
	case settle && which == "" && t.Open == 1:
		list, _, err = s.lastComments(ctx, t, 1, maxScan, isOpen)
	case number(which) > 0:
		var one numbered
		if one, err = s.commentNo(ctx, t, number(which)); err == nil && one.Resolved == settle {
			if settle {
				return nil, false, core.Errorf(core.CodeConflict, "Comment %d is resolved already.", one.no)
			}
			return nil, false, core.Errorf(core.CodeConflict, "Comment %d is open.", one.no)
		}
		list = []numbered{one}
	}
	if err != nil {
		return nil, false, err
	}
	if len(list) == 0 {
		return nil, false, core.Errorf(core.CodeInvalid, "Which comment?").WithNext("Type \"%s 2\"; \"comments --open\" lists the open ones with their numbers.", c.inv.Row.Verb)
	}
	return list, more, nil
}

// settleComment marks a comment as settled or open, and counts that.
func settleComment(t *core.Task, m *core.Comment, settled bool, by string) {
	if m.Resolved == settled {
		return
	}
	m.Resolved, m.ResolvedBy = settled, ""
	if settled {
		m.ResolvedBy = by
		t.Open = max(0, t.Open-1)
		return
	}
	t.Open++
}

// Ticked settles the comment that somebody ticked with a reaction, or opens it again, if they may.
func (s *Studio) Ticked(_ context.Context, sc relay.Scope, t *core.Task, m *core.Comment, on bool) ([]core.Outgoing, bool) {
	if sc.Person == nil || m.Resolved == on || t.Gone() {
		return nil, false
	}
	need := core.RoleEditor
	if sc.Person.Is(m.Author) {
		need = core.RoleViewer
	}
	if !s.roleOf(sc.Person, sc.Project, sc.In.Actor.Roles).Allows(need) {
		return nil, false
	}
	c := &call{Scope: sc, task: t}
	settleComment(t, m, on, c.name())
	t.UpdatedAt = s.Clock.Now().UTC()
	return s.noted(c, m), true
}

// Voted counts a thumbs-up on a card as a vote, where the project wants that. It is never an approval.
func (s *Studio) Voted(ctx context.Context, sc relay.Scope, card core.ObjectID) (core.Change, error) {
	_, id, rest := card.Parts()
	if sc.Person == nil || sc.Project == nil || sc.Project.Settings[settingVotes] != "on" || sc.In.Emoji.Key() != "👍" || !s.roleOf(sc.Person, sc.Project, sc.In.Actor.Roles).Allows(core.RoleViewer) {
		return core.Change{}, nil
	}
	t, err := s.Tasks.Task(ctx, id)
	if err != nil {
		return core.Change{}, ignoreMissing(err)
	}
	no := number(rest)
	if no == 0 {
		if no, err = s.newestDone(ctx, t); err != nil || no == 0 {
			return core.Change{}, err
		}
	}
	v, err := s.Tasks.Version(ctx, core.VersionID{Task: id, No: no})
	if err != nil {
		return core.Change{}, ignoreMissing(err)
	}
	mine := func(x core.IdentityID) bool {
		return slices.Contains(sc.Person.Identities, x) || x == sc.In.Actor.Identity
	}
	had := slices.ContainsFunc(v.Votes, mine)
	if on := sc.In.Kind == core.InboundReact; on == had || len(v.Votes) >= maxVotes && on {
		return core.Change{}, nil
	}
	if had {
		v.Votes = slices.DeleteFunc(v.Votes, mine)
	} else {
		v.Votes = append(v.Votes, sc.In.Actor.Identity)
	}
	show := []int{0}
	if v.ID.No > 1 || t.Latest > 1 {
		show = append(show, v.ID.No)
	}
	return core.Change{Versions: []*core.Version{v}, Out: cardsIn(t, &call{Scope: sc, task: t}, "vote/"+string(sc.In.ID), show...)}, nil
}

// maxVotes bounds the votes that a version keeps.
const maxVotes = 1000

// comments lists a task's comments, a page at a time, the last one first.
func (s *Studio) comments(ctx context.Context, c *call) (core.Change, error) {
	if err := s.findTask(ctx, c); err != nil {
		return core.Change{}, err
	}
	t := c.task
	if t.Comments == 0 {
		return c.say(text(c.T("%s has no comments yet.", t.ID)))
	}
	open, on := c.inv.Arg("open") == "true", c.inv.Ref
	card := core.Card{Title: c.T("Comments on %s", t.ID)}
	var list []numbered
	var more bool
	if open || on.Version > 0 {
		var err error
		list, more, err = s.lastComments(ctx, t, commentPage, maxScan, func(m *core.Comment) bool {
			return (!open || !m.Resolved) && (on.Version == 0 || m.On.Version == on.Version && (on.Image == 0 || m.On.Image == on.Image))
		})
		if err != nil {
			return core.Change{}, err
		}
		if more {
			card.Footer = c.T("The newest ones; there are more.")
		}
	} else {
		pages, err := s.commentsPage(ctx, c, &list)
		if err != nil {
			return core.Change{}, err
		}
		page := pages.page
		card.Footer = c.T("Page %d of %d", page, pages.all)
		var row []core.Button
		if page > 1 {
			row = append(row, core.Button{Label: c.T("Earlier"), Action: core.Action{Verb: "comments", Task: t.ID, Arg: fmt.Sprintf("page=%d", page-1)}})
		}
		if page < pages.all {
			row = append(row, core.Button{Label: c.T("Later"), Action: core.Action{Verb: "comments", Task: t.ID, Arg: fmt.Sprintf("page=%d", page+1)}})
		}
		if len(row) > 0 {
			card.Buttons = append(card.Buttons, row)
		}
	}
	var lines []string
	var settle []core.Button
	for _, o := range list {
		lines = append(lines, commentLine(c.Lang, o))
		if len(settle) < 5 && !o.Resolved && c.role.Allows(core.RoleEditor) && open {
			settle = append(settle, core.Button{Label: c.T("Resolve %d", o.no), Action: core.Action{Verb: "resolve", Task: t.ID, Arg: fmt.Sprint(o.no)}})
		}
	}
	if len(lines) == 0 {
		return c.say(text(c.T("No comment is like that.")))
	}
	card.Body = core.Plain(strings.Join(lines, "\n"))
	if len(settle) > 0 {
		card.Buttons = append(card.Buttons, settle)
	}
	return c.say(card)
}

type pages struct{ page, all int }

// commentsPage reads one page of all comments.
func (s *Studio) commentsPage(ctx context.Context, c *call, out *[]numbered) (pages, error) {
	_, total, err := s.Comments.Comments(ctx, c.task.ID, 0, 0)
	if err != nil {
		return pages{}, err
	}
	p := pages{all: max(1, (total+commentPage-1)/commentPage)}
	p.page = p.all
	if n := number(c.inv.Arg("page")); n > 0 {
		p.page = min(n, p.all)
	}
	at := (p.page - 1) * commentPage
	list, _, err := s.Comments.Comments(ctx, c.task.ID, at, commentPage)
	for i, m := range list {
		if !m.Deleted {
			*out = append(*out, withNo(m, at+i))
		}
	}
	return p, err
}

// commentLine is a comment in one line of a list.
func commentLine(l core.Lang, o numbered) string {
	mark := ""
	if o.Resolved {
		mark = "☑️ "
	}
	on := ""
	if o.On.Version > 0 {
		on = " " + l.T("on %s", o.On)
	}
	line := mark + l.T("%s: %s", fmt.Sprintf("%d. %s%s", o.no, o.Name, on), clip(strings.Join(strings.Fields(o.Text.String()), " "), 120))
	files := 0
	for _, f := range o.Files {
		if f.PinOn == "" {
			files++
		}
	}
	if files > 0 {
		line += " " + l.N(files, "(%d file)", "(%d files)", files)
	}
	if len(o.Was) > 0 {
		line += " " + l.T("(edited)")
	}
	return line
}

// commentHistory shows what a comment said before.
func (s *Studio) commentHistory(ctx context.Context, c *call) (core.Change, error) {
	if err := s.findTask(ctx, c); err != nil {
		return core.Change{}, err
	}
	n := number(strings.TrimPrefix(c.inv.Arg("comment"), "#"))
	if n == 0 {
		return core.Change{}, core.Errorf(core.CodeInvalid, "Which comment?").WithNext("Type for example: history 3")
	}
	o, err := s.commentNo(ctx, c.task, n)
	if err != nil {
		return core.Change{}, err
	}
	if len(o.Was) == 0 {
		return c.say(text(c.T("Comment %d was never edited.", n)))
	}
	l, now := c.clock(), s.Clock.Now()
	var lines []string
	for _, w := range o.Was {
		lines = append(lines, l.T("%s: %s", l.Time(w.At, now), clip(w.Text, 300)))
	}
	lines = append(lines, c.T("Now: %s", clip(o.Text.String(), 300)))
	return c.say(core.Card{Title: c.T("Comment %d of %s, by %s", n, c.task.ID, o.Name), Body: bullets(lines)})
}

// openNotes are the newest open comments on a version; cards list them.
func (s *Studio) openNotes(ctx context.Context, t *core.Task, version int) ([]numbered, error) {
	if t.Open == 0 {
		return nil, nil
	}
	list, _, err := s.lastComments(ctx, t, maxNotes, scanPage, func(m *core.Comment) bool { return !m.Resolved && m.On.Version == version })
	return list, err
}

// maxNotes bounds the open comments that a card lists.
const maxNotes = 5
