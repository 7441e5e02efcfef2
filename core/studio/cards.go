package studio

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/relay"
)

// Card renders a task's root card (version 0), a version's own card, or the mark of what is not delivered, as it is now.
func (s *Studio) Card(ctx context.Context, obj core.ObjectID, _ core.RoomID) (relay.Shown, error) {
	kind, taskID, rest := obj.Parts()
	if kind == "undelivered" {
		return s.undeliveredCard(ctx, taskID, core.RoomID(rest))
	}
	no, _ := strconv.Atoi(rest)
	task, err := s.Tasks.Task(ctx, taskID)
	if err != nil {
		return relay.Shown{}, err
	}
	project := s.projectOf(ctx, taskID)
	l := s.shared(project)
	if no > 0 {
		v, err := s.Tasks.Version(ctx, core.VersionID{Task: taskID, No: no})
		if err != nil {
			return relay.Shown{}, err
		}
		notes, err := s.openNotes(ctx, task, no)
		if err != nil {
			return relay.Shown{}, err
		}
		// What is open on it changes with the task.
		return relay.Shown{Card: s.versionCard(l, project, task, v, notes), Rev: v.Rev + task.Rev}, nil
	}
	return s.rootCard(ctx, l, project, task)
}

// langIn is how to speak in a task's threads.
func (s *Studio) langIn(ctx context.Context, id core.TaskID) core.Lang {
	return s.shared(s.projectOf(ctx, id))
}

// projectOf is a task's project; while that cannot be read, one without settings.
func (s *Studio) projectOf(ctx context.Context, id core.TaskID) *core.Project {
	p, err := s.Projects.Project(ctx, id.Project())
	if err != nil {
		return &core.Project{Key: id.Project()}
	}
	return p
}

// undeliveredCard is the small mark in a task's thread that something does not show in another room. It goes away when
// everything does.
func (s *Studio) undeliveredCard(ctx context.Context, task core.TaskID, room core.RoomID) (relay.Shown, error) {
	reasons, rev, err := s.Marks.Undelivered(ctx, task, room)
	if err != nil || len(reasons) == 0 {
		return relay.Shown{Rev: rev, Gone: true}, err
	}
	where := room.Platform().Title()
	if r, err := s.Projects.Room(ctx, room); err == nil && r.Name != "" && !r.Private {
		where += " #" + r.Name
	}
	l := s.langIn(ctx, task)
	what := l.N(len(reasons), "a comment", "%d comments", len(reasons))
	why := map[string]bool{}
	for obj, reason := range reasons {
		if kind, _, _ := obj.Parts(); kind != "comment" {
			what = l.T("this task")
		}
		why[reason] = true
	}
	text := l.T("⚠️ Not delivered to %s: %s. %s", where, what, strings.Join(slices.Sorted(maps.Keys(why)), " "))
	return relay.Shown{Card: core.Card{Body: core.Plain(text), Tone: core.ToneWarn}, Rev: rev}, nil
}

// rootCard shows the newest version that has pictures, and below it what is being made now.
func (s *Studio) rootCard(ctx context.Context, l core.Lang, project *core.Project, task *core.Task) (relay.Shown, error) {
	all, err := s.Tasks.Versions(ctx, task.ID)
	if err != nil {
		return relay.Shown{}, err
	}
	thread := clip(fmt.Sprintf("%s %s", task.ID, task.Title), 90)
	if task.Gone() {
		return relay.Shown{Card: s.goneCard(l, task), Rev: s.rootRev(task, all), Thread: thread}, nil
	}
	if len(all) == 0 {
		return relay.Shown{Card: s.briefCard(l, task), Rev: task.Rev, Thread: thread}, nil
	}
	newest := all[len(all)-1]
	shown := newest
	for _, v := range all {
		if v.State == core.JobDone && (len(v.Images) > 0 || shown.State != core.JobDone) {
			shown = v
		}
	}
	notes, err := s.openNotes(ctx, task, shown.ID.No)
	if err != nil {
		return relay.Shown{}, err
	}
	card := s.versionCard(l, project, task, shown, notes)
	card.Title = fmt.Sprintf("%s · %s", task.ID, task.Title)
	if task.Brief != "" {
		card.Body = append(card.Body, core.Node{Kind: core.NodeQuote, Children: core.TextNodes(task.Brief)})
	}
	if newest != shown && !newest.State.Final() {
		card.Body = append(card.Body, core.Para(italic(fmt.Sprintf("v%d (%s): %s", newest.ID.No, madeBy(l, newest), stateLine(l, newest)))))
	}
	card.Fields = append(s.taskFields(l, task), card.Fields...)
	return relay.Shown{Card: card, Rev: s.rootRev(task, all), Thread: thread}, nil
}

// rootRev grows with everything that a root card shows.
func (s *Studio) rootRev(task *core.Task, all []*core.Version) int64 {
	rev := task.Rev
	for _, v := range all {
		rev += v.Rev
	}
	return rev
}

// briefCard is the root card of a task that has no pictures yet.
func (s *Studio) briefCard(l core.Lang, task *core.Task) core.Card {
	card := core.Card{Title: fmt.Sprintf("%s · %s", task.ID, task.Title), Fields: s.taskFields(l, task)}
	if task.Brief != "" {
		card.Body = core.Plain(task.Brief)
	}
	card.Fields = append(card.Fields, core.Field{Label: l.T("Owner"), Value: core.Plain(task.OwnerName)})
	act := func(verb, arg string) core.Action { return core.Action{Verb: verb, Task: task.ID, Arg: arg} }
	make := act("imagine", "")
	make.Modal = true
	card.Buttons = [][]core.Button{{{Label: l.T("Make pictures"), Style: core.StylePrimary, Action: make}, {Label: l.T("I do it"), Action: act("task assign", "person=me")}, {Label: l.T("Close"), Action: act("task close", "")}}}
	if task.Status == core.StatusClosed {
		card.Buttons = [][]core.Button{{{Label: l.T("Open again"), Action: act("task reopen", "")}}}
	} else {
		card.Footer = l.T("Make pictures for it with \"imagine\" in its thread.")
	}
	return card
}

// goneCard is what is left of a deleted task's card.
func (s *Studio) goneCard(l core.Lang, task *core.Task) core.Card {
	return core.Card{Title: fmt.Sprintf("%s · %s", task.ID, task.Title), Tone: core.ToneWarn, Body: core.RichText{core.Para(italic(l.T("%s deleted this task on %s. What was said about it stays in its threads.", task.DeletedBy, l.Day(task.Deleted, s.Clock.Now()))))},
		Buttons: [][]core.Button{{{Label: l.T("Restore"), Action: core.Action{Verb: "task restore", Task: task.ID}}}}}
}

func italic(s string) core.Node {
	return core.Node{Kind: core.NodeItalic, Children: []core.Node{core.Text(s)}}
}

// versionCard shows one version: its prompt in one run of text, whose account, how it was made, its pictures and what
// can be done with them.
func (s *Studio) versionCard(l core.Lang, p *core.Project, task *core.Task, v *core.Version, notes []numbered) core.Card {
	full := v.Request.Full
	if full == "" {
		full = v.Request.Prompt
	}
	card := core.Card{
		Title: fmt.Sprintf("%s v%d · %s", task.ID, v.ID.No, madeBy(l, v)),
		Body:  core.RichText{core.Para(core.Text(full))},
		Fields: []core.Field{
			{Label: l.T("Version"), Value: core.Plain(fmt.Sprintf("v%d · %s", v.ID.No, madeBy(l, v)))},
		},
		Footer: s.footer(l, v),
	}
	if v.Request.Op != core.OpRevert { // nothing ran for it
		card.Fields = append(card.Fields, core.Field{Label: l.T("Account"), Value: core.Plain(v.PersonName + " · " + string(v.Provider))})
	}
	if v.Text != "" {
		card.Body = append(card.Body, core.Node{Kind: core.NodeQuote, Children: core.TextNodes(v.Text)})
	}
	for _, x := range v.Verdicts {
		line := l.T("requested changes on v%d", v.ID.No)
		if x.Approved {
			line = l.T("approved v%d", v.ID.No)
		}
		line += " (" + l.Day(x.At, s.Clock.Now()) + ")"
		if x.Reason != "" {
			line = l.T("%s: %s", line, x.Reason)
		}
		card.Body = append(card.Body, core.Para(core.Bold(x.Name), core.Text(" "+line)))
	}
	if have, need := approvals(v), approvalsNeeded(p); have > 0 && have < need {
		card.Body = append(card.Body, core.Para(italic(l.T("%d of %d approvals.", have, need))))
	}
	if n := len(v.Votes); n > 0 {
		card.Fields = append(card.Fields, core.Field{Label: l.T("Votes"), Value: core.Plain(fmt.Sprintf("👍 %d", n))})
	}
	if len(notes) > 0 {
		lines := []core.Node{core.Bold(l.T("Open comments"))}
		for _, o := range notes {
			lines = append(lines, core.Node{Kind: core.NodeBreak}, core.Text(commentLine(l, o)))
		}
		card.Body = append(card.Body, core.Para(lines...))
	}
	ref := core.ImageRef{Version: v.ID.No}
	act := func(verb string) core.Action { return core.Action{Verb: verb, Task: task.ID, Ref: ref} }
	if v.State != core.JobDone {
		card.Tone = core.ToneBusy
		if v.State.Final() {
			card.Tone = core.ToneBad
		}
		card.Body = append(card.Body, core.Para(italic(stateLine(l, v))))
		card.Buttons = [][]core.Button{{{Label: l.T("Cancel"), Style: core.StyleDanger, Action: act("cancel")}}}
		if v.State.Final() {
			card.Buttons = [][]core.Button{{{Label: l.T("Reroll"), Action: act("reroll")}}}
		}
		if v.State == core.JobUnknown {
			card.Buttons = [][]core.Button{{{Label: l.T("Check"), Action: act("check")}, {Label: l.T("Run again"), Action: act("reroll")}}}
		}
		return card
	}
	card.Tone = tone(p, task, v)
	if pic := v.Grid; pic != nil {
		card.Images = append(card.Images, core.Image{Blob: pic.Blob, Name: fmt.Sprintf("%s-v%d.jpg", task.ID, v.ID.No), MIME: pic.MIME, Width: pic.Width, Height: pic.Height,
			Alt: l.N(len(v.Images), "One picture of %[2]s v%[3]d: %[4]s", "%[1]d pictures of %[2]s v%[3]d: %[4]s", len(v.Images), task.ID, v.ID.No, clip(v.Request.Prompt, 300))})
	}
	if len(v.Images) > 0 {
		card.Buttons = buttons(l, task, v, act)
	}
	return card
}

func tone(p *core.Project, task *core.Task, v *core.Version) core.Tone {
	if len(v.Verdicts) > 0 {
		switch standing(p, v) {
		case core.StatusApproved:
			return core.ToneGood
		case core.StatusChanges:
			return core.ToneWarn
		}
		return core.ToneNeutral
	}
	if task.Status == core.StatusApproved {
		return core.ToneGood
	}
	return core.ToneNeutral
}

// buttons are U1-U4 (pick: free), V1-V4 (vary subtle), the operations and the verdicts.
func buttons(l core.Lang, task *core.Task, v *core.Version, act func(string) core.Action) [][]core.Button {
	var rows [][]core.Button
	if n := len(v.Images); n > 1 {
		var u, w []core.Button
		for i := 1; i <= min(n, 4); i++ {
			ref := core.ImageRef{Version: v.ID.No, Image: i}
			b := core.Button{Label: fmt.Sprintf("U%d", i), Action: core.Action{Verb: "pick", Task: task.ID, Ref: ref}}
			if task.Picked == ref {
				b.Style = core.StylePrimary
			}
			u = append(u, b)
			w = append(w, core.Button{Label: fmt.Sprintf("V%d", i), Action: core.Action{Verb: "vary", Task: task.ID, Ref: ref, Arg: "subtle"}})
		}
		rows = append(rows, u, w)
	}
	changes := act("changes")
	changes.Modal = true
	return append(rows,
		[]core.Button{{Label: l.T("Reroll"), Action: act("reroll")}, {Label: l.T("Vary"), Action: act("vary")}, {Label: l.T("Upscale"), Action: act("upscale")}, {Label: l.T("Zoom"), Action: act("zoom")}, {Label: l.T("Pan"), Action: act("pan")}},
		[]core.Button{{Label: l.T("Approve"), Style: core.StylePrimary, Action: act("approve")}, {Label: l.T("Request changes"), Style: core.StyleDanger, Action: changes}})
}

func stateLine(l core.Lang, v *core.Version) string {
	switch v.State {
	case core.JobQueued:
		if v.Position > 1 {
			return l.T("queued, place %d", v.Position)
		}
		if v.At.After(v.CreatedAt) {
			return l.T("to begin %s", l.Time(v.At, v.CreatedAt))
		}
		return l.T("queued")
	case core.JobSubmitted:
		return l.T("starting")
	case core.JobRunning:
		return l.T("running, %d %%", v.Progress)
	case core.JobHandedOff:
		return l.T("waiting for %s to run it by hand and bring it back", v.PersonName)
	case core.JobUnknown:
		return l.T("unknown: it may have run and been billed. %s", v.Message)
	}
	if v.Message != "" && v.State == core.JobCancelled {
		return v.Message // "cancelled by Ada"
	}
	if v.Message != "" && v.State != core.JobRefused {
		return l.T("%s: %s", word(v.State), v.Message)
	}
	return word(v.State).In(l)
}

// footer lists the parameters, the seed and what had no effect.
func (s *Studio) footer(l core.Lang, v *core.Version) string {
	var parts []string
	names := make([]string, 0, len(v.Request.Params))
	for n := range v.Request.Params {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		if n == "seed" {
			continue
		}
		if val := v.Request.Params[n]; val == "true" {
			parts = append(parts, "--"+n)
		} else {
			parts = append(parts, "--"+n+" "+val)
		}
	}
	if v.State == core.JobDone && v.Seed != nil {
		parts = append(parts, l.T("seed %d", *v.Seed))
	}
	if v.Model != "" {
		parts = append(parts, v.Model)
	}
	if v.How != "" {
		parts = append(parts, l.T("emulated: %s", core.Say(v.How)))
	}
	if text := cost(v.Cost).In(l); text != "" {
		parts = append(parts, text)
	}
	if v.Note != "" {
		parts = append(parts, v.Note)
	}
	if len(v.Dropped) > 0 {
		dropped := slices.Clone(v.Dropped)
		slices.Sort(dropped)
		parts = append(parts, l.T("without effect: %s", dashed(slices.Compact(dropped))))
	}
	return strings.Join(parts, " · ")
}
