package studio

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/prompt"
)

// order is what a person asks for: one version for each of its requests, all at one provider on one account.
type order struct {
	provider core.Provider
	reqs     []core.Request
	plans    []core.Plan
	plan     core.Plan     // of all together
	holder   core.PersonID // under which of the person's ids the account lies
	parent   core.ImageRef
	at       time.Time // not before; zero is now
}

// maxRuns bounds what one command fans out to.
const maxRuns = 16

// begin adds versions to c.task and everything that starts them: jobs or hand-offs, cards, the private answer. Before
// that it finds the person's own account, asks when it costs more than they want to spend unasked, and holds what it
// takes of quotas.
func (s *Studio) begin(ctx context.Context, c *call, provider core.Provider, req core.Request, parent core.ImageRef) (core.Change, error) {
	if c.unsure && !provider.Capabilities("").Free {
		return core.Change{}, core.Errorf(core.CodeInvalid, "Atelier was restarted while you asked for this, and it might cost you something.").WithNext("Nothing was started; please press again.")
	}
	o := &order{provider: provider, parent: parent}
	if err := s.later(c, o); err != nil {
		return core.Change{}, err
	}
	if err := s.fanOut(o, req); err != nil {
		return core.Change{}, err
	}
	var err error
	if o.holder, err = s.entitled(ctx, c, provider); err != nil {
		return core.Change{}, err
	}
	if err := o.makePlan(); err != nil {
		return core.Change{}, err
	}
	if s.mustAsk(c, o) {
		return s.ask(ctx, c, o)
	}
	reserved, told, err := s.reserve(ctx, c, o)
	if err != nil {
		return core.Change{}, err
	}
	change, err := s.write(c, o, reserved)
	change.Out = append(change.Out, told...)
	return change, err
}

// maxLater is how far ahead a run may be put off.
const maxLater = 31 * 24 * time.Hour

// later reads when a person wants their run to begin.
func (s *Studio) later(c *call, o *order) error {
	words := c.inv.Arg("at")
	if words == "" {
		return nil
	}
	if _, hand := o.provider.(core.Handoff); hand {
		return core.Errorf(core.CodeUnsupp, "%s is run by hand: nobody can run it for you later.", o.provider.Name().Title()).WithNext("Book a session with \"schedule book\" to be reminded.")
	}
	t, err := s.dueIn(c, words)
	if err != nil {
		return err
	}
	if t.Sub(s.Clock.Now()) > maxLater {
		return core.Errorf(core.CodeInvalid, "A run can be put off by at most %d days.", int(maxLater.Hours()/24))
	}
	o.at = t
	return nil
}

// fanOut writes out permutations and repetitions. A hand-off provider does that itself.
func (s *Studio) fanOut(o *order, req core.Request) error {
	o.reqs = []core.Request{req}
	if _, hand := o.provider.(core.Handoff); hand || req.Op != core.OpGenerate {
		return nil
	}
	p, err := s.Prompts.Parse(req.Full)
	if err != nil {
		return err
	}
	if prompt.Runs(p) == 1 {
		return nil
	}
	all, err := prompt.Expand(p, maxRuns)
	if err != nil {
		return err
	}
	o.reqs = nil
	for i, q := range all {
		r := req
		r.Prompt, r.Full, r.Params, r.Seed = q.Words, q.Text(), q.Map(), req.Seed+int64(i)
		if _, given := q.Get("seed"); given {
			r.Seed = req.Seed
		}
		o.reqs = append(o.reqs, r)
	}
	return nil
}

// makePlan plans every request and adds the plans up.
func (o *order) makePlan() error {
	for i, r := range o.reqs {
		p := o.provider.Plan(r)
		if len(p.Blockers) > 0 {
			return core.Errorf(core.CodeInvalid, "%s", p.Blockers[0])
		}
		if p.Support == core.SupportNone {
			return core.Errorf(core.CodeUnsupp, "%s cannot %s.", o.provider.Name(), opName(r.Op)).WithNext("Choose another one with --provider.")
		}
		o.plans = append(o.plans, p)
		if i == 0 {
			o.plan = p
			o.plan.Dropped, o.plan.Approx = slices.Clone(p.Dropped), slices.Clone(p.Approx)
			continue
		}
		o.plan.Calls += p.Calls
		o.plan.Images += p.Images
		o.plan.Cost.Micros += p.Cost.Micros
		o.plan.Cost.Estimated = o.plan.Cost.Estimated || p.Cost.Estimated
		o.plan.Dropped, o.plan.Approx = append(o.plan.Dropped, p.Dropped...), append(o.plan.Approx, p.Approx...)
		o.plan.Cost.Native = "" // units of several runs are not added up in words
	}
	for _, list := range []*[]string{&o.plan.Dropped, &o.plan.Approx} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return nil
}

// digest tells one plan from another: whoever confirmed this one did not confirm another.
func (o *order) digest() string {
	return core.Digest(24, string(o.provider.Name()), string(o.holder), strconv.Itoa(o.plan.Calls), strconv.Itoa(o.plan.Images), strconv.FormatInt(o.plan.Cost.Micros, 10),
		strings.Join(o.plan.Dropped, ","), strings.Join(o.plan.Approx, ","), string(o.plan.Support), o.plan.How)
}

const (
	// askAbove is what a request may cost unasked where neither the person nor the project says: half a dollar.
	askAbove = 500_000
	// planFor is how long a question may wait for its answer.
	planFor = 15 * time.Minute
	// settingAskAbove is the project's setting of the same, in millionths of a dollar.
	settingAskAbove = "ask_above"
)

// asksAbove is what a request in a project may cost unasked.
func asksAbove(p *core.Project) int64 {
	if v, err := strconv.ParseInt(p.Settings[settingAskAbove], 10, 64); err == nil {
		return v
	}
	return askAbove
}

// mustAsk reports whether an order costs more than its person wants to spend unasked, and was not confirmed as it is.
func (s *Studio) mustAsk(c *call, o *order) bool {
	if o.provider.Capabilities("").Free || c.confirmed == o.digest() {
		return false
	}
	limit := asksAbove(c.Project)
	if c.Person.AskAbove != nil {
		limit = *c.Person.AskAbove
	}
	return o.plan.Cost.Micros > limit || c.confirmed != ""
}

// question is a command that waits for its confirmation.
type question struct {
	Command core.Command `json:"command"`
	Digest  string       `json:"digest"`
}

// ask shows what an order would do and offers to confirm exactly that.
func (s *Studio) ask(ctx context.Context, c *call, o *order) (core.Change, error) {
	data, err := json.Marshal(question{Command: *c.In.Command, Digest: o.digest()})
	if err != nil {
		return core.Change{}, core.Wrap(core.CodeInternal, err)
	}
	token, err := s.Tickets.Issue(ctx, core.Ticket{Kind: core.TicketPlan, Person: c.Person.ID, Data: data, Expires: s.Clock.Now().Add(planFor)}, false)
	if err != nil {
		return core.Change{}, err
	}
	card := core.Card{Title: c.T("This costs %s", cost(o.plan.Cost)), Tone: core.ToneWarn, Footer: o.notes(c.Lang, false)}
	if c.confirmed != "" {
		card.Title = c.T("This changed: it costs %s", cost(o.plan.Cost))
	}
	card.Body = core.Plain(c.T("It makes %s in %s with %s, on your own account.", pictures(o.plan.Images), core.SayN(o.plan.Calls, "%d call", "%d calls", o.plan.Calls), o.provider.Name().Title()))
	label := c.T("Confirm: %s", cost(o.plan.Cost))
	if len([]rune(label)) > maxLabel {
		label = c.T("Confirm")
	}
	card.Buttons = [][]core.Button{{{Label: label, Style: core.StylePrimary, Action: core.Action{Verb: "confirm", Arg: token}}}}
	return c.say(card)
}

// maxLabel is how long a button's label may be everywhere; see core.Button.
const maxLabel = 34

// confirm runs a command that waited for its person's yes.
func (s *Studio) confirm(ctx context.Context, c *call) (core.Change, error) {
	t, err := s.use(ctx, c, core.TicketPlan, c.inv.Arg("token"))
	if err != nil {
		return core.Change{}, err
	}
	var q question
	if err := json.Unmarshal(t.Data, &q); err != nil {
		return core.Change{}, core.Wrap(core.CodeInternal, err)
	}
	inv, err := s.Table.Parse(q.Command)
	if err != nil {
		return core.Change{}, err
	}
	next := &call{Scope: c.Scope, inv: inv, role: c.role, confirmed: q.Digest}
	next.In.Command = &q.Command
	return s.dispatch(ctx, next)
}

// use takes a person's ticket for the inbound at hand; what somebody else presses leaves it alone. Handled again, after a conflict or a crash, the same inbound finds it
// still there; any other does not.
func (s *Studio) use(ctx context.Context, c *call, kind core.TicketKind, token string) (core.Ticket, error) {
	return s.Tickets.Change(ctx, kind, token, func(t *core.Ticket) error {
		if !c.Person.Is(t.Person) {
			return core.Errorf(core.CodeForbidden, "That question was somebody else's.")
		}
		if t.By != "" && t.By != c.In.ID {
			return core.Errorf(core.CodeNotFound, "This step was used already.").WithNext("Please begin again.")
		}
		t.By = c.In.ID
		return nil
	})
}

// reserve holds what an order takes of the project's quotas. What was reached with it is told privately.
func (s *Studio) reserve(ctx context.Context, c *call, o *order) (id string, told []core.Outgoing, err error) {
	if o.provider.Capabilities("").Free {
		return "", nil, nil
	}
	r := core.Reservation{ID: string(c.In.ID), Project: c.Project.Key, Person: c.Person.ID, Amount: core.Amount{Pictures: o.plan.Images, Micros: o.plan.Cost.Micros},
		Limits: limits(c.Project, c.Person, s.Clock.Now()), At: s.Clock.Now()}
	got, err := s.Quotas.Reserve(ctx, r)
	if err != nil {
		return "", nil, err
	}
	if got.Over != nil {
		return "", nil, overQuota(c, o, got).WithNext("It begins anew on %s; %s", dayMonth(c.Lang, got.Over.Per.Ends(s.Clock.Now())), lowerFirst(s.whomToAsk(ctx, c.Project).In(c.Lang)))
	}
	for _, x := range got.Reached {
		told = append(told, s.tellReached(ctx, c, x)...)
	}
	return r.ID, told, nil
}

// write makes the change that starts an order.
func (s *Studio) write(c *call, o *order, reservation string) (core.Change, error) {
	now := s.Clock.Now().UTC()
	task := c.task
	task.UpdatedAt = now
	if task.Status == core.StatusClosed {
		return core.Change{}, core.Errorf(core.CodeInvalid, "%s is closed.", task.ID).WithNext("\"task reopen %s\" opens it again.", task.ID)
	}
	change := core.Change{Tasks: []*core.Task{task}}
	show := []int{0}
	if task.Latest == 1 || task.Latest == 0 && len(o.reqs) > 1 {
		show = append(show, 1) // v1 moves from the root card into the thread
	}
	answer := core.Card{}
	var jobs []core.Outgoing
	for i, req := range o.reqs {
		task.Latest++
		v := &core.Version{ID: core.VersionID{Task: task.ID, No: task.Latest}, Parent: o.parent, Request: req, Provider: o.provider.Name(),
			Person: c.Person.ID, PersonName: c.name(), By: c.In.Actor.Identity, State: core.JobQueued, Dropped: o.plans[i].Dropped, How: o.plans[i].How, Cost: o.plans[i].Cost, Before: task.Status, At: o.at, CreatedAt: now}
		_, relax := req.Params["relax"]
		job := core.Job{ID: core.MakeJobID(v.ID), Version: v.ID, Person: o.holder, Provider: o.provider.Name(), Request: req, State: core.JobQueued, Relax: relax, NotBefore: o.at, CreatedAt: now,
			Reservation: reservation, Share: core.Amount{Pictures: o.plans[i].Images, Micros: o.plans[i].Cost.Micros}, Cost: o.plans[i].Cost}
		if o.holder != c.Person.ID {
			v.Account, job.Asker = o.holder, c.Person.ID
		}
		if h, ok := o.provider.(core.Handoff); ok {
			card, err := handover(c.Lang, h, v)
			if err != nil {
				return core.Change{}, err
			}
			v.State, job.State, answer = core.JobHandedOff, core.JobHandedOff, card
		}
		change.Versions = append(change.Versions, v)
		if v.ID.No > 1 {
			show = append(show, v.ID.No)
		}
		jobs = append(jobs, core.Outgoing{ID: core.DeliveryID("d-" + string(job.ID)), Kind: core.OutJob, Job: &job, Task: task.ID, At: c.In.At})
	}
	first := change.Versions[0]
	if first.State == core.JobQueued {
		answer = o.queued(c.Lang, task, change.Versions)
		if !o.at.IsZero() {
			answer.Body = append(answer.Body, core.Para(core.Text(c.T("It begins %s. \"cancel\" stops it before.", c.clock().Time(o.at, now)))))
		}
	}
	change.Out = append(change.Out, c.answer(answer))
	change.Out = append(change.Out, cardsIn(task, c, "new/"+first.ID.String(), show...)...)
	change.Out = append(change.Out, jobs...)
	return change, nil
}

// queued is the private answer to whoever asked. It names other rooms only where the task shows in some: work of a private
// room does not leave it.
func (o *order) queued(l core.Lang, t *core.Task, made []*core.Version) core.Card {
	first, last := made[0], made[len(made)-1]
	what := l.T(": %s v%d with %s.", first.ID.Task, first.ID.No, o.provider.Name())
	if first != last {
		what = l.T(": %s v%d to v%d with %s.", first.ID.Task, first.ID.No, last.ID.No, o.provider.Name())
	}
	switch {
	case len(t.Rooms) < 2:
		what += " " + l.N(len(made), "It shows here.", "They show here.")
	case t.Private:
		what += " " + l.N(len(made), "It shows here and in the project's other private rooms.", "They show here and in the project's other private rooms.")
	default:
		what += " " + l.N(len(made), "It shows here and in the project's other rooms.", "They show here and in the project's other rooms.")
	}
	return core.Card{Body: core.RichText{core.Para(core.Bold(l.T("Queued")), core.Text(what))}, Footer: o.notes(l, true)}
}

// notes says in one line what an order costs, how it is done and which parameters count.
func (o *order) notes(l core.Lang, priced bool) string {
	var notes []string
	if text := cost(o.plan.Cost).In(l); text != "" && priced {
		notes = append(notes, title(text))
	} else if priced && !o.provider.Capabilities("").Free {
		notes = append(notes, l.T("What it costs is not known beforehand"))
	}
	if o.plan.Support == core.SupportEmulated && o.plan.How != "" {
		notes = append(notes, l.T("Emulated: %s", l.T(o.plan.How)))
	}
	if len(o.plan.Dropped) > 0 {
		notes = append(notes, l.T("Without effect: %s", dashed(o.plan.Dropped)))
	}
	if len(o.plan.Approx) > 0 {
		notes = append(notes, l.T("Only approximately: %s", dashed(o.plan.Approx)))
	}
	return strings.Join(notes, " · ")
}

// cost is what something costs, in words; see core.Cost.String.
func cost(c core.Cost) core.Saying {
	money := core.Say("%s", core.Money(c.Micros))
	if c.Estimated {
		money = core.Say("about %s", core.Money(c.Micros))
	}
	switch {
	case c.Native == "" && c.Micros <= 0:
		return core.Say("")
	case c.Native == "":
		return money
	case c.Micros <= 0:
		return inUnits(c.Native)
	}
	return core.Say("%s (%s)", money, inUnits(c.Native))
}

// inUnits is what a provider says with a figure, as its records have it; what is not known here stays as it is.
func inUnits(text string) core.Saying {
	if n, ok := strings.CutSuffix(text, " credits left"); ok {
		return core.Say("%s credits left", figure(n))
	}
	if n, ok := strings.CutSuffix(text, " credits"); ok {
		return core.Say("%s credits", figure(n))
	}
	if n, ok := strings.CutSuffix(text, " left of the key's limit"); ok {
		return core.Say("%s left of the key's limit", figure(n))
	}
	if n, ok := strings.CutSuffix(strings.TrimPrefix(text, "about "), " fast minutes"); ok {
		whole, _, _ := strings.Cut(n, ".")
		// English counts 0.8 and 1.5 minutes alike, other languages by what stands before the point.
		return core.SayN(number(whole), "about %s fast minutes", "about %s fast minutes", core.Figure(n))
	}
	if models, ok := strings.CutPrefix(text, "may use "); ok {
		return core.Say("may use %s", models)
	}
	return core.Say(text)
}

// figure is a number, or an amount of dollars, that a provider's record has in English.
func figure(text string) any {
	if rest, ok := strings.CutPrefix(text, "$"); ok {
		if micros, err := money(rest); err == nil {
			return core.Money(micros)
		}
	}
	return core.Figure(text)
}

// dayMonth is a day of this year or the next, with the month's whole name.
func dayMonth(l core.Lang, t time.Time) string {
	return l.T("%[1]s %[2]s", l.DayOfMonth(t), l.T(t.Format("January")))
}
