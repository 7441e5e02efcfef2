package studio

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// A digest looks at no more than this, however large its project is.
const (
	digestReach    = 90 * 24 * time.Hour // how long ago a task must have changed to be looked at
	digestTasks    = 500                 // tasks that are looked at, those that changed last first
	digestVersions = 20                  // of a task, the newest
	digestOpened   = 60                  // tasks whose versions are looked at
	digestLines    = 6                   // that each part lists
	digestPictures = 6
	digestPast     = 31 * 24 * time.Hour // of which span of time it tells at most
	digestAhead    = 7 * 24 * time.Hour  // how far ahead due dates are named
)

// news is what a digest tells, in order of importance.
type news struct {
	made, fresh, open                             int // tasks, versions, comments
	approved, changes, started, review, due, most []newsItem
	wanted                                        []newsItem
	mosaic                                        core.Mosaic
	used                                          core.Amount
	happened                                      bool
}

// shows adds a picture.
func (n *news) shows(im core.Image, label string) {
	n.mosaic.Pictures, n.mosaic.Labels = append(n.mosaic.Pictures, im.Blob), append(n.mosaic.Labels, label)
	if n.mosaic.Alt != "" {
		n.mosaic.Alt += "\n"
	}
	n.mosaic.Alt += im.Alt
}

// newsItem is a task and what is said of it.
type newsItem struct {
	task *core.Task
	what string
}

// digestCard is what a room is told of a span of time; any is false when there is nothing to tell.
func (s *Studio) digestCard(ctx context.Context, p *core.Project, d *core.DigestPlan, since, now time.Time) (card core.Card, any bool, err error) {
	l := s.digestLang(p, d)
	if first := now.Add(-digestPast); since.Before(first) {
		since = first
	}
	w := &teller{s: s, l: l, room: d.Room, now: now}
	n, err := w.gather(ctx, p, since)
	if err != nil || !n.happened && len(n.due) == 0 {
		return card, false, err
	}
	card = core.Card{Title: l.T("%s since %s", p.Key, l.Time(since, now))}
	if len(n.mosaic.Pictures) > 0 {
		n.mosaic.Name = string(p.Key) + "-digest"
		card.Mosaic = &n.mosaic
	}
	var facts []string
	if n.made > 0 {
		facts = append(facts, l.N(n.made, "%d new task", "%d new tasks", n.made))
	}
	if n.fresh > 0 {
		facts = append(facts, l.N(n.fresh, "%d new version", "%d new versions", n.fresh))
	}
	if n.open > 0 {
		facts = append(facts, l.N(n.open, "%d open comment", "%d open comments", n.open))
	}
	if n.used != (core.Amount{}) {
		facts = append(facts, l.T("%s used", amount(n.used)))
	}
	if len(facts) > 0 {
		card.Body = append(card.Body, core.Para(core.Bold(strings.Join(facts, " · "))))
	}
	part := func(title string, list []newsItem) {
		if len(list) == 0 {
			return
		}
		items := core.Node{Kind: core.NodeList}
		for _, x := range list[:min(len(list), digestLines)] {
			items.Children = append(items.Children, core.Node{Kind: core.NodeItem, Children: w.line(ctx, x)})
		}
		card.Body = append(card.Body, core.Para(core.Bold(title)), items)
		if more := len(list) - digestLines; more > 0 {
			card.Body = append(card.Body, core.Para(italic(l.N(more, "and one more", "and %d more", more))))
		}
	}
	part(l.T("Approved"), n.approved)
	part(l.T("Changes requested"), n.changes)
	part(l.T("New"), n.started)
	part(l.T("Waiting for a verdict"), n.review)
	part(l.T("Waiting for changes"), n.wanted)
	part(l.T("Due"), n.due)
	part(l.T("Most open comments"), n.most[:min(len(n.most), 3)])
	return card, true, nil
}

// teller gathers what one room may be told.
type teller struct {
	s    *Studio
	l    core.Lang
	room core.RoomID
	now  time.Time
}

// line names a task, with a link to its thread in the room, and says something of it.
func (w *teller) line(ctx context.Context, x newsItem) []core.Node {
	t := x.task
	name := string(t.ID) + " " + clip(t.Title, 60)
	out := []core.Node{core.Text(name)}
	if dir := w.s.Links[w.room.Platform()]; dir != nil && slices.Contains(t.Rooms, w.room) {
		if th, err := w.s.Refs.TaskThread(ctx, t.ID, w.room); err == nil {
			if url := dir.Link(w.room, th.ID, th.Root); url != "" {
				out = []core.Node{core.Link(url, name)}
			}
		}
	}
	if x.what != "" {
		out = append(out, core.Text(" · "+x.what))
	}
	return out
}

// gather looks at the tasks that changed lately.
func (w *teller) gather(ctx context.Context, p *core.Project, since time.Time) (news, error) {
	var n news
	all, err := w.s.Moving.Touched(ctx, p.Key, w.now.Add(-digestReach), digestTasks)
	if err != nil {
		return n, err
	}
	all = slices.DeleteFunc(all, func(t *core.Task) bool { return t.Gone() || t.Private && !slices.Contains(t.Rooms, w.room) })
	opened := 0
	for _, t := range all {
		if t.UpdatedAt.After(since) {
			n.happened = true
			if t.Latest > 0 && opened < digestOpened {
				opened++
				if err := w.versions(ctx, p, t, since, &n); err != nil {
					return n, err
				}
			}
		}
		if t.CreatedAt.After(since) {
			n.made++
			n.started = append(n.started, newsItem{t, t.OwnerName})
		}
		w.waiting(t, &n)
		if t.Open > 0 && t.Status != core.StatusClosed {
			n.open += t.Open
			n.most = append(n.most, newsItem{t, w.l.N(t.Open, "%d open comment", "%d open comments", t.Open)})
		}
	}
	sort.SliceStable(n.most, func(i, j int) bool { return n.most[i].task.Open > n.most[j].task.Open })
	if err := w.dueSoon(ctx, p, since, &n); err != nil {
		return n, err
	}
	days, err := w.s.Usage.OfProject(ctx, p.Key, since, w.now)
	if err != nil {
		return n, err
	}
	for _, day := range days {
		for _, r := range day.Rows {
			n.used.Pictures, n.used.Micros = n.used.Pictures+r.Amount.Pictures, n.used.Micros+r.Amount.Micros
		}
	}
	return n, nil
}

// versions looks at what was made of a task and decided on.
func (w *teller) versions(ctx context.Context, p *core.Project, t *core.Task, since time.Time, n *news) error {
	from := max(1, t.Latest-digestVersions+1)
	list, err := w.s.Tasks.VersionsFrom(ctx, t.ID, from, t.Latest-from+1)
	if err != nil {
		return err
	}
	seen := false // its newest pictures stand for a task
	for i := len(list) - 1; i >= 0; i-- {
		v := list[i]
		if v.State == core.JobDone && v.DoneAt.After(since) {
			n.fresh++
			if len(v.Images) > 0 && !seen && len(n.mosaic.Pictures) < digestPictures {
				seen = true
				no := 1
				if t.Picked.Version == v.ID.No && t.Picked.Image <= len(v.Images) {
					no = max(1, t.Picked.Image)
				}
				n.shows(pictureOf(w.l, t, v, no), fmt.Sprintf("%s %s", t.ID, core.ImageRef{Version: v.ID.No, Image: no}))
			}
		}
		approved := false
		for _, x := range v.Verdicts {
			if !x.At.After(since) {
				continue
			}
			if x.Approved {
				approved = true
				continue
			}
			what := w.l.T("v%d by %s", v.ID.No, x.Name)
			if x.Reason != "" {
				what = w.l.T("%s: %s", what, clip(x.Reason, 80))
			}
			n.changes = append(n.changes, newsItem{t, what})
		}
		if approved && standing(p, v) == core.StatusApproved {
			n.approved = append(n.approved, newsItem{t, w.l.T("v%d by %s", v.ID.No, voices(v, true))})
		}
	}
	return nil
}

// waiting says for whom a task waits.
func (w *teller) waiting(t *core.Task, n *news) {
	switch t.Status {
	case core.StatusReview:
		n.review = append(n.review, newsItem{t, t.OwnerName})
	case core.StatusChanges:
		who := t.OwnerName
		if len(t.Assigned) > 0 {
			who = names(t.Assigned)
		}
		n.wanted = append(n.wanted, newsItem{t, who})
	}
}

// dueSoon lists what became due since the last digest and what is due within a week.
func (w *teller) dueSoon(ctx context.Context, p *core.Project, since time.Time, n *news) error {
	list, err := w.s.Moving.Due(ctx, p.Key, since, w.now.Add(digestAhead), digestTasks)
	if err != nil {
		return err
	}
	for _, t := range list {
		if ended(t) || t.Private && !slices.Contains(t.Rooms, w.room) {
			continue
		}
		what := w.l.Time(t.Due, w.now)
		if t.Due.Before(w.now) {
			what = "⏰ " + what
		}
		if len(t.Assigned) > 0 {
			what += " · " + names(t.Assigned)
		}
		n.due = append(n.due, newsItem{t, what})
	}
	return nil
}
