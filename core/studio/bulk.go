package studio

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
)

const (
	// maxBulk bounds the tasks of one bulk action.
	maxBulk = 100_000
	// bulksListed is how many bulk actions are listed.
	bulksListed = 20
)

// bulkAction is something that can be done to all tasks of a search.
type bulkAction struct {
	verb  string // of the command that asks for it
	form  bool   // its button opens a form
	label func(c *call) string
	// arg reads what it needs to know, once, when it is asked for; it may be nil.
	arg func(ctx context.Context, s *Studio, c *call) (string, error)
	// asks is the question before it begins.
	asks func(c *call, n int, arg string) string
	// did says in a room that it is done with so many tasks.
	did func(l core.Lang, n int, who, arg string) string
	// most bounds the tasks; 0 is maxBulk.
	most int
	// atOnce does it to all that was found in one step, instead of do and did.
	atOnce func(ctx context.Context, s *Studio, c *call, found []core.TaskID, arg string) (core.Change, error)
	// do changes one task, c.task. What it writes besides tasks and versions is left out. A change without tasks changes
	// nothing; an error that the person may read means that it cannot be done to this task.
	do func(ctx context.Context, s *Studio, c *call, arg string) (core.Change, error)
}

// bulkActions are all of them, in the order of their buttons.
func (s *Studio) bulkActions() []bulkAction {
	return []bulkAction{
		{
			verb: "bulk approve", label: func(c *call) string { return c.T("All: approve") },
			asks: func(c *call, n int, _ string) string {
				return c.N(n, "Approve %d task?", "Approve all %d tasks?", n)
			},
			did: func(l core.Lang, n int, who, _ string) string {
				return l.N(n, "%[2]s approved %[1]d task.", "%[2]s approved %[1]d tasks.", n, who)
			},
			do: approveOne,
		},
		{
			verb: "bulk tag", form: true, label: func(c *call) string { return c.T("All: tag") },
			arg: func(_ context.Context, _ *Studio, c *call) (string, error) {
				tags, err := tagNames(c.inv.Arg("tags"))
				return strings.Join(tags, ", "), err
			},
			asks: func(c *call, n int, tags string) string {
				return c.N(n, "Give %[1]d task %[2]s?", "Give all %[1]d tasks %[2]s?", n, theTags(tags))
			},
			did: func(l core.Lang, n int, who, tags string) string {
				return l.N(n, "%[2]s gave %[1]d task %[3]s.", "%[2]s gave %[1]d tasks %[3]s.", n, who, theTags(tags))
			},
			do: func(_ context.Context, _ *Studio, c *call, tags string) (core.Change, error) {
				changed, err := addTags(c.task, strings.Split(tags, ", "))
				return onlyIf(changed, c.task), err
			},
		},
		{
			verb: "bulk move", form: true, label: func(c *call) string { return c.T("All: move") },
			arg: func(_ context.Context, _ *Studio, c *call) (string, error) {
				return target(c.Project, c.inv.Arg("folder"))
			},
			asks: func(c *call, n int, folder string) string {
				if folder == "" {
					return c.N(n, "Take %d task out of its folder?", "Take all %d tasks out of their folders?", n)
				}
				return c.N(n, "Put %[1]d task into %[2]s?", "Put all %[1]d tasks into %[2]s?", n, folder)
			},
			did: func(l core.Lang, n int, who, folder string) string {
				if folder == "" {
					return l.N(n, "%[2]s took %[1]d task out of its folder.", "%[2]s took %[1]d tasks out of their folders.", n, who)
				}
				return l.N(n, "%[2]s put %[1]d task into %[3]s.", "%[2]s put %[1]d tasks into %[3]s.", n, who, folder)
			},
			do: func(_ context.Context, _ *Studio, c *call, folder string) (core.Change, error) {
				if folder != "" && folderAt(c.Project, folder) < 0 {
					return core.Change{}, core.Errorf(core.CodeNotFound, "There is no folder %q.", folder)
				}
				changed := c.task.Folder != folder
				c.task.Folder = folder
				return onlyIf(changed, c.task), nil
			},
		},
		publishAll(),
	}
}

// theTags names tags that are joined with commas.
func theTags(tags string) core.Saying {
	return core.SayN(1+strings.Count(tags, ","), "the tag %[1]s", "the tags %[1]s", tags)
}

func onlyIf(changed bool, t *core.Task) core.Change {
	if !changed {
		return core.Change{}
	}
	return core.Change{Tasks: []*core.Task{t}}
}

// approveOne approves what is picked of a task, else its newest version that has pictures, under the same rules as the
// command.
func approveOne(ctx context.Context, s *Studio, c *call, _ string) (core.Change, error) {
	if c.task.Status == core.StatusApproved || c.task.Status == core.StatusDelivered {
		return core.Change{}, nil
	}
	no := c.task.Picked.Version
	if no == 0 {
		var err error
		if no, err = s.newestDone(ctx, c.task); err != nil {
			return core.Change{}, err
		}
	}
	if no == 0 {
		return core.Change{}, core.Errorf(core.CodeInvalid, "%s has no pictures to approve.", c.task.ID)
	}
	row, _ := s.Table.Row("approve")
	c.inv = command.Invocation{Row: row, Args: map[string]string{}, Task: c.task.ID, Ref: core.ImageRef{Version: no}, Surface: core.SurfaceSlash, Confirm: true}
	return s.dispatch(ctx, c)
}

func (s *Studio) bulkAction(verb string) (bulkAction, error) {
	for _, b := range s.bulkActions() {
		if b.verb == verb {
			return b, nil
		}
	}
	return bulkAction{}, core.Errorf(core.CodeInternal, "%s is not built.", verb)
}

// bulkQuestion is a bulk action that waits for its confirmation.
type bulkQuestion struct {
	Search searching `json:"search"`
	Action string    `json:"action"`
	Arg    string    `json:"arg,omitempty"`
	Total  int       `json:"total"`
	Hits   string    `json:"hits,omitempty"` // which tasks were found; see digestOf
}

// bulk asks before it acts on everything that a search finds.
func (s *Studio) bulk(ctx context.Context, c *call) (core.Change, error) {
	action, err := s.bulkAction(c.inv.Row.Verb)
	if err != nil {
		return core.Change{}, err
	}
	q := bulkQuestion{Action: action.verb, Search: searching{Project: c.Project.Key, Query: c.inv.Arg("query"), Mentions: c.asking(nil).mentions, Room: c.from()}}
	if token := c.inv.Arg("token"); token != "" {
		if q.Search, err = s.searched(ctx, c, token); err != nil {
			return core.Change{}, err
		}
	}
	if strings.TrimSpace(q.Search.Query) == "" {
		return core.Change{}, core.Errorf(core.CodeInvalid, "Which tasks?").WithNext("Type for example: %s", c.inv.Row.Examples[0])
	}
	if action.arg != nil {
		if q.Arg, err = action.arg(ctx, s, c); err != nil {
			return core.Change{}, err
		}
	}
	found, err := s.bulkFinds(ctx, c, q, maxBulk)
	if err != nil {
		return core.Change{}, err
	}
	if action.most > 0 && found.Total > action.most {
		return core.Change{}, core.Errorf(core.CodeInvalid, "That finds %d tasks, and %d is the most at once.", found.Total, action.most).WithNext("Make the search narrower, such as with before: and after:.")
	}
	return s.bulkAsk(ctx, c, action, q, found)
}

func (s *Studio) bulkFinds(ctx context.Context, c *call, q bulkQuestion, limit int) (core.Found, error) {
	f, err := s.compile(ctx, q.Search.Query, c.asking(q.Search.Mentions))
	if err != nil {
		return core.Found{}, err
	}
	f.Room, f.Top, f.Limit = visible(q.Search.Room, c.from()), q.Search.Top, limit
	found, err := s.Search.Search(ctx, f)
	if err != nil {
		return core.Found{}, err
	}
	switch {
	case found.Total == 0:
		return found, core.Errorf(core.CodeNotFound, "Nothing was found for: %s", q.Search.Query)
	case found.Total > maxBulk:
		return found, core.Errorf(core.CodeInvalid, "That finds %d tasks, and %d is the most at once.", found.Total, maxBulk).WithNext("Make the search narrower, such as with before: and after:.")
	case found.Partial:
		return found, core.Errorf(core.CodeInvalid, "The index is being built, so that something might be missed.").WithNext("Please try again in some minutes.")
	}
	return found, nil
}

// digestOf tells which tasks were found, in whatever order.
func digestOf(found core.Found) string {
	list := numbers(found.Tasks)
	slices.Sort(list)
	return core.Digest(16, fmt.Sprint(list))
}

// bulkAsk shows the number and offers to begin.
func (s *Studio) bulkAsk(ctx context.Context, c *call, action bulkAction, q bulkQuestion, found core.Found) (core.Change, error) {
	q.Total, q.Search.Top, q.Hits = found.Total, found.Top, digestOf(found)
	data, err := json.Marshal(q)
	if err != nil {
		return core.Change{}, core.Wrap(core.CodeInternal, err)
	}
	token, err := s.Tickets.Issue(ctx, core.Ticket{Kind: core.TicketBulk, Person: c.Person.ID, Data: data, Expires: s.Clock.Now().Add(planFor)}, false)
	if err != nil {
		return core.Change{}, err
	}
	return c.say(core.Card{Title: action.asks(c, found.Total, q.Arg), Tone: core.ToneWarn, Body: core.Plain(c.T("All that is found for: %s", q.Search.Query)),
		Buttons: [][]core.Button{{{Label: c.N(found.Total, "Confirm: %d task", "Confirm: %d tasks", found.Total), Style: core.StylePrimary, Action: core.Action{Verb: "bulk start", Arg: token}}}}})
}

// bulkStart begins a bulk action that was confirmed, on exactly as many tasks as the question said.
func (s *Studio) bulkStart(ctx context.Context, c *call) (core.Change, error) {
	t, err := s.use(ctx, c, core.TicketBulk, c.inv.Arg("token"))
	if err != nil {
		return core.Change{}, err
	}
	var q bulkQuestion
	if err := json.Unmarshal(t.Data, &q); err != nil {
		return core.Change{}, core.Wrap(core.CodeInternal, err)
	}
	if q.Search.Project != c.Project.Key {
		return core.Change{}, core.Errorf(core.CodeInvalid, "That was asked in another project.").WithNext("Please begin again.")
	}
	action, err := s.bulkAction(q.Action)
	if err != nil {
		return core.Change{}, err
	}
	found, err := s.bulkFinds(ctx, c, q, maxBulk)
	if err != nil {
		return core.Change{}, err
	}
	if found.Total != q.Total || digestOf(found) != q.Hits {
		return s.bulkAsk(ctx, c, action, q, found) // it finds others now
	}
	if action.atOnce != nil {
		return action.atOnce(ctx, s, c, found.Tasks, q.Arg)
	}
	b := &core.Bulk{ID: core.BulkID(string(c.Project.Key) + "-" + core.Digest(8, string(c.In.ID))), Action: action.verb, Arg: q.Arg, Query: q.Search.Query, Person: c.Person.ID, Name: c.name(),
		Identity: c.In.Actor.Identity, Roles: c.In.Actor.Roles, Room: c.from(), Total: found.Total, State: core.BulkRunning, At: s.Clock.Now().UTC(), Hits: numbers(found.Tasks)}
	said := c.N(b.Total, "It is on its way: %d task. I tell you when it is done; \"bulk list\" says how far it is.", "It is on its way: %d tasks. I tell you when it is done; \"bulk list\" says how far it is.", b.Total)
	return core.Change{Bulks: []*core.Bulk{b}, Out: []core.Outgoing{c.answer(text(said))}}, nil
}

func (s *Studio) bulkList(ctx context.Context, c *call) (core.Change, error) {
	all, err := s.Organising.Bulks(ctx, c.Project.Key, bulksListed)
	if err != nil {
		return core.Change{}, err
	}
	var lines []string
	for _, b := range all {
		if !c.Person.Is(b.Person) && !c.role.Allows(core.RoleAdmin) {
			continue
		}
		line := c.T("%s: %s for %q, %d of %d", b.ID, verbName(c.Lang, command.Row{Verb: b.Action}), b.Query, b.Done, b.Total)
		switch b.State {
		case core.BulkRunning:
			line += " · " + c.T("running")
		case core.BulkShowing:
			line += " · " + c.T("done, cards are brought up to date: %d of %d", b.Shown, b.Total)
		case core.BulkDone:
			line += " · " + c.T("done")
		case core.BulkCancelled:
			line += " · " + c.T("cancelled")
		case core.BulkStopped:
			line += " · " + c.T("stopped: %s may not do that any more", b.Name)
		}
		lines = append(lines, line+" · "+c.Lang.Time(b.At, s.Clock.Now()))
	}
	if len(lines) == 0 {
		return c.say(text(c.T("There are no bulk actions. Try: bulk tag spring lighthouse")))
	}
	return c.say(core.Card{Title: c.T("Bulk actions of %s", c.Project.Key), Body: bullets(lines)})
}

func (s *Studio) bulkCancel(ctx context.Context, c *call) (core.Change, error) {
	all, err := s.Organising.Bulks(ctx, c.Project.Key, bulksListed)
	if err != nil {
		return core.Change{}, err
	}
	which := c.inv.Arg("bulk")
	i := slices.IndexFunc(all, func(b *core.Bulk) bool {
		mine := c.Person.Is(b.Person) || c.role.Allows(core.RoleAdmin)
		return mine && (which == "" && b.State == core.BulkRunning || which != "" && strings.EqualFold(string(b.ID), which))
	})
	if i < 0 {
		return core.Change{}, core.Errorf(core.CodeNotFound, "There is no such bulk action of yours that runs.").WithNext("\"bulk list\" shows them.")
	}
	b := all[i]
	if b.State != core.BulkRunning {
		return core.Change{}, core.Errorf(core.CodeConflict, "%s has ended: %d of %d tasks.", b.ID, b.Done, b.Total)
	}
	b.State, b.EndedAt = core.BulkCancelled, s.Clock.Now().UTC()
	return core.Change{Bulks: []*core.Bulk{b}, Out: []core.Outgoing{c.answer(text(c.T("%s is cancelled. %d of %d tasks were done; they stay as they are now.", b.ID, b.Done, b.Total)))}}, nil
}

// bulkEnded tells whoever asked, and the room in which they asked, that a bulk action did what it could.
func (s *Studio) bulkEnded(ctx context.Context, b *core.Bulk, p *core.Project, now time.Time) []core.Outgoing {
	action, err := s.bulkAction(b.Action)
	if err != nil {
		return nil
	}
	var lang core.Lang
	if person, err := s.People.Person(ctx, b.Person); err == nil {
		lang = person.Lang(s.Translator)
	}
	said := lang.N(b.Changed, "%[2]s is done: %[1]d of %[3]d tasks was changed.", "%[2]s is done: %[1]d of %[3]d tasks were changed.", b.Changed, verbName(lang, command.Row{Verb: b.Action}), b.Total)
	if left := b.Total - b.Changed; left > 0 {
		said += " " + lang.N(left, "%d was so already, or it could not be done to it.", "%d were so already, or it could not be done to them.", left)
	}
	card := text(said)
	out := []core.Outgoing{{ID: core.MakeDeliveryID("", "", "bulk/"+string(b.ID)), Kind: core.OutDirect, To: b.Identity, Card: &card, At: now}}
	if b.Room != "" && b.Changed > 0 {
		obj := core.NoticeObject("", "bulk-"+string(b.ID))
		line := action.did(s.shared(p), b.Changed, b.Name, b.Arg)
		for _, room := range s.roomsTold(ctx, p, b.Room) {
			out = append(out, core.Outgoing{ID: core.MakeDeliveryID(obj, room, "notice"), Kind: core.OutPost, Room: room, Task: core.TalkTask(p.Key), Object: obj, Text: core.Plain(line), At: now})
		}
	}
	return out
}

// roomsTold are the rooms of a project in which it shows what was done from one of them: that one, and the others where
// neither is private.
func (s *Studio) roomsTold(ctx context.Context, p *core.Project, from core.RoomID) []core.RoomID {
	if r, err := s.Projects.Room(ctx, from); err == nil && r.Project != p.Key {
		return nil // it went to another project meanwhile
	}
	private := func(id core.RoomID) bool {
		r, err := s.Projects.Room(ctx, id)
		return err != nil || r.Private
	}
	out := []core.RoomID{from}
	if private(from) {
		return out
	}
	for _, id := range p.Rooms {
		if id != from && !private(id) {
			out = append(out, id)
		}
	}
	return out
}
