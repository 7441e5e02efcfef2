// Package studio holds the use cases: making pictures, working on versions, reviewing, projects and roles. Each use
// case reads what it needs and returns one change; nothing here talks to a platform or a provider, but for the runner.
package studio

import (
	"context"
	"log/slog"
	"slices"
	"strings"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
	"github.com/atelier-bridge/atelier/core/prompt"
	"github.com/atelier-bridge/atelier/core/relay"
)

// Studio implements relay.Commands and relay.Cards.
type Studio struct {
	Table    *command.Table
	Prompts  *prompt.Table
	Parts    core.Partitions
	People   core.People
	Projects core.Projects
	Tasks    core.Tasks
	Comments core.Comments
	Marks    core.Marks
	Search   core.Search
	// Organising reads saved searches and bulk actions.
	Organising core.Organising
	Planning   core.Planning
	Moving     core.Moving
	Feeds      core.Feeds
	Refs       core.Refs
	Changes    core.Changes
	Journal    core.Journal
	Jobs       core.Jobs
	Accounts   core.Accounts
	Tickets    core.Tickets
	Merges     core.Merges
	Quotas     core.Quotas
	Usage      core.Usage
	Providers  []core.Provider // in the order in which they are offered
	Default    core.ProviderName
	// Admins are the first admins of the workspace.
	Admins []core.IdentityID
	// PublicURL is how people reach the one-time pages; empty when they cannot.
	PublicURL string
	// Missing says, by platform, what it cannot do; help tells people.
	Missing map[core.PlatformName][]string
	// Namers tell who people are that were mentioned and never wrote; without one they are called by their ids.
	Namers map[core.PlatformName]core.Namer
	// Links builds URLs of threads and messages, by platform; missing ones give no links.
	Links map[core.PlatformName]core.Directory
	// Platforms are what each platform can show and take.
	Platforms map[core.PlatformName]core.Capabilities
	// HandoutLimits bound downloads and exports; the zero value is core.DefaultHandoutLimits.
	HandoutLimits core.HandoutLimits
	// Translator speaks to people in their language, and to rooms in their project's; nil speaks English.
	Translator core.Translator
	Clock      core.Clock
	Log        *slog.Logger
}

var (
	_ relay.Commands = (*Studio)(nil)
	_ relay.Cards    = (*Studio)(nil)
)

// call is one command on its way through a use case.
type call struct {
	relay.Scope
	inv     command.Invocation
	role    core.Role
	task    *core.Task
	version *core.Version
	// confirmed is the digest of the plan that the person said yes to; empty for none.
	confirmed string
	// unsure says that it is handled again and that its person may have been told that it failed.
	unsure bool
}

type verb func(context.Context, *call) (core.Change, error)

func (s *Studio) verbs() map[string]verb {
	return map[string]verb{
		"imagine": s.imagine, "reroll": s.operate, "vary": s.operate, "upscale": s.operate, "zoom": s.operate, "pan": s.operate,
		"edit": s.operate, "blend": s.operate, "describe": s.operate, "attach": s.attach, "cancel": s.cancel, "jobs": s.jobs,
		"comment": s.comment, "comments": s.comments, "resolve": s.resolve, "reopen": s.resolve, "history": s.commentHistory, "approve": s.verdict, "changes": s.verdict, "pick": s.pick,
		"versions": s.versions, "compare": s.compare, "revert": s.revert,
		"home":     s.home,
		"task new": s.taskNew, "task show": s.taskShow, "task list": s.taskList, "task assign": s.taskAssign, "task due": s.taskDue, "task status": s.taskStatus,
		"task rename": s.taskRename, "task brief": s.taskBrief, "task close": s.taskClose, "task reopen": s.taskReopen, "task delete": s.taskDelete, "task restore": s.taskRestore,
		"style show": s.styleShow, "style set": s.styleSet, "style clear": s.styleClear, "preset save": s.presetSave, "preset list": s.presetList, "preset remove": s.presetRemove,
		"reference save": s.referenceSave, "reference list": s.referenceList, "reference remove": s.referenceRemove,
		"checklist add": s.checklistAdd, "checklist tick": s.checklistTick, "checklist remove": s.checklistRemove,
		"project new": s.projectNew, "project list": s.projectList, "project bind": s.projectBind, "project unbind": s.projectUnbind, "project settings": s.projectSettings,
		"account link": s.accountLink, "account list": s.accountList, "account unlink": s.accountUnlink, "settings": s.settings,
		"identity link": s.identityLink, "identity unlink": s.identityUnlink, "usage": s.usage,
		"quota list": s.quotaList, "quota set": s.quotaSet, "quota grant": s.quotaGrant, "quota clear": s.quotaClear,
		"confirm": s.confirm, "check": s.check,
		"search": s.search, "saved new": s.savedNew, "saved list": s.savedList, "saved run": s.savedRun, "saved remove": s.savedRemove,
		"tag add": s.tagAdd, "tag remove": s.tagRemove, "tag list": s.tagList,
		"folder new": s.folderNew, "folder list": s.folderList, "folder move": s.folderMove, "folder put": s.folderPut, "folder remove": s.folderRemove,
		"bulk approve": s.bulk, "bulk tag": s.bulk, "bulk move": s.bulk, "bulk start": s.bulkStart, "bulk list": s.bulkList, "bulk cancel": s.bulkCancel,
		"publish": s.publish, "bulk publish": s.bulk, "download": s.download, "export": s.export,
		"schedule book": s.scheduleBook, "schedule list": s.scheduleList, "schedule cancel": s.scheduleCancel, "schedule feed": s.scheduleFeed, "digest": s.digest, "notify": s.notify,
		"role list": s.roleList, "role grant": s.roleGrant, "role revoke": s.roleGrant, "role map": s.roleMap,
		"help": s.help, "status": s.status,
	}
}

// Command handles a command, a press or a submitted modal.
func (s *Studio) Command(ctx context.Context, sc relay.Scope) (core.Change, error) {
	if sc.In.Command == nil || sc.Person == nil {
		return core.Change{}, nil
	}
	inv, err := s.Table.Parse(*sc.In.Command)
	if err != nil {
		return core.Change{}, err
	}
	c := &call{Scope: sc, inv: inv}
	c.role = s.roleOf(sc.Person, sc.Project, sc.In.Actor.Roles)
	if err := s.allowed(ctx, c); err != nil {
		return core.Change{}, err
	}
	return s.run(ctx, c)
}

func (s *Studio) run(ctx context.Context, c *call) (core.Change, error) {
	run, ok := s.verbs()[c.inv.Row.Verb]
	if !ok {
		return core.Change{}, core.Errorf(core.CodeInternal, "%s is not built.", c.inv.Row.Verb)
	}
	change, err := run(ctx, c)
	for _, o := range change.Out {
		if o.Kind != core.OutAnswer || o.Card == nil {
			continue
		}
		if o.Card.Private = o.Card.Private || c.inv.Row.Personal; o.Card.Private && o.Card.Verb == "" {
			o.Card.Verb = c.inv.Row.Verb
		}
	}
	return change, err
}

// dispatch runs a call that another one led to, under the same checks.
func (s *Studio) dispatch(ctx context.Context, c *call) (core.Change, error) {
	if err := s.allowed(ctx, c); err != nil {
		return core.Change{}, err
	}
	return s.run(ctx, c)
}

// allowed is the one place where rights are checked, for every surface.
func (s *Studio) allowed(ctx context.Context, c *call) error {
	row := c.inv.Row
	if c.Project == nil && !row.Anywhere {
		return s.unbound(ctx, c)
	}
	need := row.Role
	if row.Anywhere && c.Project == nil {
		need = core.RoleNone
		if row.Role == core.RoleAdmin && !s.workspaceAdmin(c.Person) {
			return core.Errorf(core.CodeForbidden, "Only an admin can do that.").WithNext("%s", s.whomToAsk(ctx, nil))
		}
	}
	if !c.role.Allows(need) {
		return core.Errorf(core.CodeForbidden, "You are %s in %s, and %s needs the role %s.", article(c.role), c.Project.Key, row.Verb, word(need)).
			WithNext("%s", s.whomToAsk(ctx, c.Project))
	}
	if row.Billable && c.Replayed {
		ok, err := s.Journal.WasAcknowledged(ctx, c.Partition, core.InboundID(strings.TrimSuffix(string(c.In.ID), relay.FetchedSuffix)))
		if err != nil {
			return err
		}
		c.unsure = !ok
	}
	return nil
}

// unbound explains a room that is bound to no project: an admin is offered to bind it, others are told whom to ask.
func (s *Studio) unbound(ctx context.Context, c *call) error {
	if c.Room == nil {
		return core.Errorf(core.CodeInvalid, "That works in a room that is bound to a project, not in a direct message.").WithNext("Go to the project's room and try it there.")
	}
	if !s.workspaceAdmin(c.Person) {
		return core.Errorf(core.CodeInvalid, "This room is not bound to a project yet.").WithNext("%s", s.whomToAsk(ctx, nil))
	}
	return core.Errorf(core.CodeInvalid, "This room is not bound to a project yet.").WithNext("Bind it with \"project bind KEY\", or start one here with \"project new KEY\".").Because(offer(s.bindButtons(ctx, c)))
}

// whomToAsk names those who can help, in a sentence of its own.
func (s *Studio) whomToAsk(ctx context.Context, p *core.Project) core.Saying {
	var names []string
	add := func(id core.PersonID) {
		if person, err := s.People.Person(ctx, id); err == nil && person.Name != "" && len(names) < 3 && !slices.Contains(names, person.Name) {
			names = append(names, person.Name)
		}
	}
	if p != nil {
		for id, r := range p.Grants {
			if r == core.RoleAdmin {
				add(id)
			}
		}
	}
	for _, id := range s.Admins {
		if person, err := s.People.ByIdentity(ctx, id); err == nil {
			add(person.ID)
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		return core.Say("Ask whoever installed Atelier.")
	}
	return core.Say("Ask %s.", either(names))
}

// T is a sentence for the person who calls; N one for a number of things.
func (c *call) T(sentence string, args ...any) string { return c.Lang.T(sentence, args...) }

// N is T for a number of things.
func (c *call) N(n int, one, other string, args ...any) string {
	return c.Lang.N(n, one, other, args...)
}

// shared is how to speak to everybody in a project's rooms.
func (s *Studio) shared(p *core.Project) core.Lang {
	if p == nil {
		return core.Lang{Translator: s.Translator}
	}
	return p.Lang(s.Translator)
}

// answer is the private answer to a call.
func (c *call) answer(card core.Card) core.Outgoing { return relay.Answer(c.In, card) }

// say is a change that only answers.
func (c *call) say(card core.Card) (core.Change, error) {
	return core.Change{Out: []core.Outgoing{c.answer(card)}}, nil
}

func text(s string) core.Card { return core.Card{Body: core.Plain(s)} }

// findTask resolves the task a call is about: named, or the thread's.
func (s *Studio) findTask(ctx context.Context, c *call) error {
	id := c.inv.Task
	if id == "" && c.Thread != nil {
		id = c.Thread.Task
	}
	if id == "" {
		return core.Errorf(core.CodeInvalid, "Which task?").WithNext("Name it, such as %s ACME-1, or say it in the task's thread.", c.inv.Row.Verb)
	}
	none := core.Errorf(core.CodeNotFound, "There is no task %s in this project.", id).WithNext("\"task list\" shows the newest ones.")
	if id.Project() != c.Project.Key {
		return none
	}
	t, err := s.Tasks.Task(ctx, id)
	if core.ErrorCode(err) == core.CodeNotFound {
		return none
	}
	if err != nil {
		return err
	}
	if t.Private && c.Room != nil && !slices.Contains(t.Rooms, c.Room.ID) {
		return none
	}
	c.task = t
	if verb := c.inv.Row.Verb; t.Gone() && verb != "task show" && verb != "task restore" {
		return core.Errorf(core.CodeNotFound, "%s was deleted by %s.", id, t.DeletedBy).WithNext("\"task restore %s\" brings it back.", id)
	}
	return nil
}

// findVersion resolves the version a call is about: named, or the task's newest.
func (s *Studio) findVersion(ctx context.Context, c *call) error {
	if err := s.findTask(ctx, c); err != nil {
		return err
	}
	no := c.inv.Ref.Version
	if no == 0 {
		no = c.task.Latest
	}
	if c.task.Latest == 0 {
		return core.Errorf(core.CodeInvalid, "%s has no versions yet.", c.task.ID).WithNext("Make pictures for it with \"imagine\" in its thread.")
	}
	v, err := s.Tasks.Version(ctx, core.VersionID{Task: c.task.ID, No: no})
	if core.ErrorCode(err) == core.CodeNotFound {
		return core.Errorf(core.CodeNotFound, "%s has no v%d.", c.task.ID, no).WithNext("Its versions are v1 to v%d.", c.task.Latest)
	}
	if err != nil {
		return err
	}
	if n := c.inv.Ref.Image; n > len(v.Images) && v.State == core.JobDone {
		return core.Errorf(core.CodeNotFound, "v%d has no picture %d.", no, n).WithNext("It has %d.", len(v.Images))
	}
	c.version = v
	return nil
}

// cardsIn makes the outgoings that bring cards up to date in all rooms of a task.
func cardsIn(t *core.Task, c *call, what string, versions ...int) []core.Outgoing {
	var out []core.Outgoing
	for _, room := range t.Rooms {
		for _, v := range versions {
			obj := core.CardObject(t.ID, v)
			out = append(out, core.Outgoing{ID: core.MakeDeliveryID(obj, room, what), Kind: core.OutCard, Room: room, Task: t.ID, Object: obj, At: c.In.At})
		}
	}
	return out
}

// notices makes one notice for each room of a task, by an id that makes a repetition the same notice.
func notices(t *core.Task, id string, c *call, body core.RichText) []core.Outgoing {
	var out []core.Outgoing
	obj := core.NoticeObject(t.ID, id)
	for _, room := range t.Rooms {
		out = append(out, core.Outgoing{ID: core.MakeDeliveryID(obj, room, "notice"), Kind: core.OutNotice, Room: room, Task: t.ID, Object: obj, Text: body, At: c.In.At})
	}
	return out
}

func (c *call) name() string {
	if c.In.Actor.Name != "" && !c.Person.Linked() {
		return c.In.Actor.Name
	}
	return c.Person.Name
}
