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
	if no > 0 {
		v, err := s.Tasks.Version(ctx, core.VersionID{Task: taskID, No: no})
		if err != nil {
			return relay.Shown{}, err
		}
		card := s.versionCard(task, v)
		return relay.Shown{Card: card, Rev: v.Rev}, nil
	}
	return s.rootCard(ctx, task)
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
	what := "a comment"
	if len(reasons) > 1 {
		what = plural(len(reasons), "comment")
	}
	why := map[string]bool{}
	for obj, reason := range reasons {
		if kind, _, _ := obj.Parts(); kind != "comment" {
			what = "this task"
		}
		why[reason] = true
	}
	text := fmt.Sprintf("⚠️ Not delivered to %s: %s. %s", where, what, strings.Join(slices.Sorted(maps.Keys(why)), " "))
	return relay.Shown{Card: core.Card{Body: core.Plain(text), Tone: core.ToneWarn}, Rev: rev}, nil
}

// rootCard shows the newest version that has pictures, and below it what is being made now.
func (s *Studio) rootCard(ctx context.Context, task *core.Task) (relay.Shown, error) {
	all, err := s.Tasks.Versions(ctx, task.ID)
	if err != nil {
		return relay.Shown{}, err
	}
	if len(all) == 0 {
		return relay.Shown{}, core.Errorf(core.CodeInternal, "%s has no versions", task.ID)
	}
	newest := all[len(all)-1]
	shown := newest
	rev := task.Rev
	for _, v := range all {
		rev += v.Rev
		if v.State == core.JobDone && (len(v.Images) > 0 || shown.State != core.JobDone) {
			shown = v
		}
	}
	card := s.versionCard(task, shown)
	card.Title = fmt.Sprintf("%s · %s", task.ID, task.Title)
	if newest != shown && !newest.State.Final() {
		card.Body = append(card.Body, core.Para(core.Node{Kind: core.NodeItalic, Children: []core.Node{core.Text(fmt.Sprintf("v%d (%s): %s", newest.ID.No, madeBy(newest), stateLine(newest)))}}))
	}
	status := string(task.Status)
	if task.Picked.Version > 0 {
		status += ", picked " + task.Picked.String()
	}
	card.Fields = append([]core.Field{{Label: "Status", Value: core.Plain(status)}}, card.Fields...)
	return relay.Shown{Card: card, Rev: rev, Thread: clip(fmt.Sprintf("%s %s", task.ID, task.Title), 90)}, nil
}

// versionCard shows one version: its prompt in one run of text, whose account, how it was made, its pictures and what
// can be done with them.
func (s *Studio) versionCard(task *core.Task, v *core.Version) core.Card {
	full := v.Request.Full
	if full == "" {
		full = v.Request.Prompt
	}
	card := core.Card{
		Title: fmt.Sprintf("%s v%d · %s", task.ID, v.ID.No, madeBy(v)),
		Body:  core.RichText{core.Para(core.Text(full))},
		Fields: []core.Field{
			{Label: "Version", Value: core.Plain(fmt.Sprintf("v%d · %s", v.ID.No, madeBy(v)))},
			{Label: "Account", Value: core.Plain(v.PersonName + " · " + string(v.Provider))},
		},
		Footer: s.footer(v),
	}
	if v.Text != "" {
		card.Body = append(card.Body, core.Node{Kind: core.NodeQuote, Children: core.TextNodes(v.Text)})
	}
	for _, x := range v.Verdicts {
		line := fmt.Sprintf("%s v%d", verdictWord(x.Approved), v.ID.No)
		if x.Reason != "" {
			line += ": " + x.Reason
		}
		card.Body = append(card.Body, core.Para(core.Bold(x.Name), core.Text(" "+line)))
	}
	ref := core.ImageRef{Version: v.ID.No}
	act := func(verb string) core.Action { return core.Action{Verb: verb, Task: task.ID, Ref: ref} }
	if v.State != core.JobDone {
		card.Tone = core.ToneBusy
		if v.State.Final() {
			card.Tone = core.ToneBad
		}
		card.Body = append(card.Body, core.Para(core.Node{Kind: core.NodeItalic, Children: []core.Node{core.Text(stateLine(v))}}))
		card.Buttons = [][]core.Button{{{Label: "Cancel", Style: core.StyleDanger, Action: act("cancel")}}}
		if v.State.Final() {
			card.Buttons = [][]core.Button{{{Label: "Reroll", Action: act("reroll")}}}
		}
		if v.State == core.JobUnknown {
			card.Buttons = [][]core.Button{{{Label: "Check", Action: act("check")}, {Label: "Run again", Action: act("reroll")}}}
		}
		return card
	}
	card.Tone = tone(task, v)
	if pic := v.Grid; pic != nil {
		card.Images = append(card.Images, core.Image{Blob: pic.Blob, Name: fmt.Sprintf("%s-v%d.jpg", task.ID, v.ID.No), MIME: pic.MIME, Width: pic.Width, Height: pic.Height,
			Alt: fmt.Sprintf("%s of %s v%d: %s", plural(len(v.Images), "picture"), task.ID, v.ID.No, clip(v.Request.Prompt, 300))})
	}
	if len(v.Images) > 0 {
		card.Buttons = buttons(task, v, act)
	}
	return card
}

func plural(n int, noun string) string {
	if n == 1 {
		return "One " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func tone(task *core.Task, v *core.Version) core.Tone {
	if n := len(v.Verdicts); n > 0 && v.Verdicts[n-1].Approved {
		return core.ToneGood
	} else if n > 0 {
		return core.ToneWarn
	}
	if task.Status == core.StatusApproved {
		return core.ToneGood
	}
	return core.ToneNeutral
}

// buttons are U1-U4 (pick: free), V1-V4 (vary subtle), the operations and the verdicts.
func buttons(task *core.Task, v *core.Version, act func(string) core.Action) [][]core.Button {
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
		[]core.Button{{Label: "Reroll", Action: act("reroll")}, {Label: "Vary", Action: act("vary")}, {Label: "Upscale", Action: act("upscale")}, {Label: "Zoom", Action: act("zoom")}, {Label: "Pan", Action: act("pan")}},
		[]core.Button{{Label: "Approve", Style: core.StylePrimary, Action: act("approve")}, {Label: "Request changes", Style: core.StyleDanger, Action: changes}})
}

func stateLine(v *core.Version) string {
	switch v.State {
	case core.JobQueued:
		if v.Position > 1 {
			return fmt.Sprintf("queued, place %d", v.Position)
		}
		return "queued"
	case core.JobSubmitted:
		return "starting"
	case core.JobRunning:
		return fmt.Sprintf("running, %d %%", v.Progress)
	case core.JobHandedOff:
		return "waiting for " + v.PersonName + " to run it by hand and bring it back"
	case core.JobUnknown:
		return "unknown: it may have run and been billed. " + v.Message
	}
	if v.Message != "" && v.State != core.JobRefused {
		return string(v.State) + ": " + v.Message
	}
	return string(v.State)
}

// footer lists the parameters, the seed and what had no effect.
func (s *Studio) footer(v *core.Version) string {
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
		parts = append(parts, fmt.Sprintf("seed %d", *v.Seed))
	}
	if v.Model != "" {
		parts = append(parts, v.Model)
	}
	if v.How != "" {
		parts = append(parts, "emulated: "+v.How)
	}
	if text := v.Cost.String(); text != "" {
		parts = append(parts, text)
	}
	if v.Note != "" {
		parts = append(parts, v.Note)
	}
	if len(v.Dropped) > 0 {
		dropped := slices.Clone(v.Dropped)
		slices.Sort(dropped)
		parts = append(parts, "without effect: "+dashed(slices.Compact(dropped)))
	}
	return strings.Join(parts, " · ")
}
