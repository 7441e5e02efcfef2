package studio

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/command"
)

const (
	// codeFor is how long a code works.
	codeFor = 10 * time.Minute
	// codeTries bounds how many codes one identity may ask for, and may enter, within that time.
	codeTries = 5
)

// pairing is two identities that may be one person. Both sides say yes before anything happens.
type pairing struct {
	Other core.PersonID   `json:"other,omitempty"` // who entered the code
	ID    core.IdentityID `json:"id,omitempty"`
	Name  string          `json:"name,omitempty"`
	Yes   []core.PersonID `json:"yes,omitempty"`
}

// identityLink hands out a code, takes one, or takes a yes.
func (s *Studio) identityLink(ctx context.Context, c *call) (core.Change, error) {
	code := c.inv.Arg("code")
	switch {
	case code == "":
		return s.issueCode(ctx, c)
	case c.inv.Confirm:
		return s.confirmPair(ctx, c, code)
	}
	return s.enterCode(ctx, c, code)
}

func (s *Studio) attempt(ctx context.Context, c *call, what string) error {
	n, err := s.Tickets.Attempt(ctx, what+"/"+string(c.In.Actor.Identity), codeFor)
	if err != nil {
		return err
	}
	if n > codeTries {
		return core.Errorf(core.CodeInvalid, "That was tried too often.").WithNext("Please wait ten minutes.")
	}
	return nil
}

func otherPlatform(p core.PlatformName) core.PlatformName {
	if p == core.Slack {
		return core.Discord
	}
	return core.Slack
}

func (s *Studio) issueCode(ctx context.Context, c *call) (core.Change, error) {
	if err := s.attempt(ctx, c, "code"); err != nil {
		return core.Change{}, err
	}
	data, err := json.Marshal(pairing{})
	if err != nil {
		return core.Change{}, core.Wrap(core.CodeInternal, err)
	}
	code, err := s.Tickets.Issue(ctx, core.Ticket{Kind: core.TicketIdentity, Person: c.Person.ID, Name: c.name(), Identity: c.In.Actor.Identity, Data: data, Expires: s.Clock.Now().Add(codeFor)}, true)
	if err != nil {
		return core.Change{}, err
	}
	there := otherPlatform(c.In.Actor.Identity.Platform()).Title()
	how := c.T("On %s, as yourself, type within ten minutes:", there)
	if c.In.Actor.Identity.Platform() == core.Slack {
		how = c.T("On %s, or in another Slack team, as yourself, type within ten minutes:", there)
	}
	card := core.Card{Title: c.T("Your code: %s", code), Private: true, Body: core.RichText{
		core.Para(core.Text(how)),
		{Kind: core.NodePre, Text: "/atelier identity link " + code},
		core.Para(core.Text(c.T("Then confirm on both sides. Tell nobody the code: whoever enters it asks to be you."))),
	}}
	return c.say(card)
}

// enterCode names each side to the other one and asks both.
func (s *Studio) enterCode(ctx context.Context, c *call, code string) (core.Change, error) {
	if err := s.attempt(ctx, c, "enter"); err != nil {
		return core.Change{}, err
	}
	t, err := s.Tickets.Look(ctx, core.TicketIdentity, code)
	if core.ErrorCode(err) == core.CodeNotFound || err == nil && t.By != "" {
		return core.Change{}, core.Errorf(core.CodeInvalid, "That code is not valid, or no longer.").WithNext("Get a new one with \"identity link\" in the other app.")
	}
	if err != nil {
		return core.Change{}, err
	}
	first, err := s.People.Person(ctx, t.Person)
	if err != nil {
		return core.Change{}, err
	}
	if err := s.mayPair(ctx, first, c.Person); err != nil {
		return core.Change{}, err
	}
	me := pairing{Other: c.Person.ID, ID: c.In.Actor.Identity, Name: c.name()}
	if _, err := s.Tickets.Change(ctx, core.TicketIdentity, code, func(t *core.Ticket) error {
		var p pairing
		if err := json.Unmarshal(t.Data, &p); err != nil {
			return core.Wrap(core.CodeInternal, err)
		}
		if p.Other != "" && p.Other != me.Other {
			return core.Errorf(core.CodeConflict, "Somebody else entered that code already.").WithNext("If that was not you on another account, get a new code and tell nobody.")
		}
		me.Yes = p.Yes
		data, err := json.Marshal(me)
		t.Data = data
		return core.Wrap(core.CodeInternal, err)
	}); err != nil {
		return core.Change{}, err
	}
	history, err := s.histories(ctx, first, c.Person)
	if err != nil {
		return core.Change{}, err
	}
	there := pairCard(first.Lang(s.Translator), code, me.Name, me.ID, history)
	return core.Change{Out: []core.Outgoing{
		c.answer(pairCard(c.Lang, code, t.Name, t.Identity, history)),
		{ID: core.MakeDeliveryID("", "", "pair/"+string(c.In.ID)), Kind: core.OutDirect, To: t.Identity, Card: &there, At: c.In.At},
	}}, nil
}

func pairCard(l core.Lang, code, name string, id core.IdentityID, history []core.Saying) core.Card {
	card := core.Card{Title: l.T("Is this you?"), Tone: core.ToneWarn}
	card.Body = core.RichText{core.Para(core.Bold(name), core.Text(l.T(" on %s would be one person with you: the same name and picture in both apps, one set of accounts, roles and usage. You can undo it with \"identity unlink\".", id.Platform().Title())))}
	if len(history) > 0 {
		card.Body = append(card.Body, core.Para(core.Text(l.T("What comes together:"))))
		var lines []string
		for _, h := range history {
			lines = append(lines, h.In(l))
		}
		card.Body = append(card.Body, bullets(lines)...)
	}
	card.Buttons = [][]core.Button{{{Label: l.T("Confirm: that is me"), Style: core.StylePrimary, Action: core.Action{Verb: "identity link", Arg: command.ConfirmArg + "," + code}}}}
	card.Footer = l.T("If it is not you, do nothing: the code ends by itself.")
	return card
}

// mayPair refuses pairs that could never be one person, and those that something stands in the way of.
func (s *Studio) mayPair(ctx context.Context, a, b *core.Person) error {
	if a.ID == b.ID {
		return core.Errorf(core.CodeInvalid, "That is you already.").WithNext("Enter the code in the other app, as the other user.")
	}
	for _, x := range a.Identities {
		for _, y := range b.Identities {
			if kind(x) == kind(y) {
				return core.Errorf(core.CodeInvalid, "A person has one user %s, and both of you have one.", kindName(x)).WithNext("Undo the other link first with \"identity unlink\".")
			}
		}
	}
	accounts := map[core.ProviderName]bool{}
	for _, id := range a.IDs() {
		list, err := s.Accounts.Accounts(ctx, id)
		if err != nil {
			return err
		}
		for _, x := range list {
			accounts[x.Provider] = true
		}
	}
	for _, id := range b.IDs() {
		list, err := s.Accounts.Accounts(ctx, id)
		if err != nil {
			return err
		}
		for _, x := range list {
			if accounts[x.Provider] {
				return core.Errorf(core.CodeConflict, "Both sides have an account at %s, and a person has one.", x.Provider.Title()).WithNext("Remove one of them with \"account unlink %s\", then enter the code again.", x.Provider)
			}
		}
	}
	for _, p := range []*core.Person{a, b} {
		list, err := s.jobsOf(ctx, p)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(list, func(j core.Job) bool { return j.State != core.JobHandedOff }) {
			return core.Errorf(core.CodeConflict, "%s has jobs that wait or run.", p.Name).WithNext("Let them finish or cancel them, then enter the code again.")
		}
	}
	return nil
}

// kind names what a person has at most one of: a user of Discord, a user of one Slack team.
func kind(id core.IdentityID) string {
	return kindName(id).String()
}

func kindName(id core.IdentityID) core.Saying {
	if id.Platform() == core.Slack {
		team, _, _ := strings.Cut(id.Local(), "/")
		return core.Say("of Slack team %s", team)
	}
	return core.Say("of %s", id.Platform().Title())
}

// jobsOf lists the jobs of all of a person's ids.
func (s *Studio) jobsOf(ctx context.Context, p *core.Person) ([]core.Job, error) {
	var out []core.Job
	for _, id := range p.IDs() {
		list, err := s.Jobs.Queue(ctx, id)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}

// taskScan bounds how many tasks of a project are looked at for somebody's history.
const taskScan = 500

// histories says what either side brings, in words; nothing when one of them has none.
func (s *Studio) histories(ctx context.Context, a, b *core.Person) ([]core.Saying, error) {
	var out []core.Saying
	for _, p := range []*core.Person{a, b} {
		parts, err := s.history(ctx, p)
		if err != nil {
			return nil, err
		}
		if len(parts) > 0 {
			out = append(out, core.Say("%s on %s: %s", p.Name, p.Identities[0].Platform().Title(), list(parts)))
		}
	}
	return out, nil
}

func (s *Studio) history(ctx context.Context, p *core.Person) (parts []core.Saying, err error) {
	keys, err := s.Projects.Projects(ctx)
	if err != nil {
		return nil, err
	}
	tasks, roles := 0, []core.Saying{}
	for _, k := range keys {
		list, err := s.Tasks.List(ctx, k, 0, taskScan)
		if err != nil {
			return nil, err
		}
		for _, t := range list {
			if p.Is(t.Owner) {
				tasks++
			}
		}
		project, err := s.Projects.Project(ctx, k)
		if err != nil {
			return nil, err
		}
		for id, r := range project.Grants {
			if p.Is(id) {
				roles = append(roles, core.Say("%s in %s", word(r), k))
			}
		}
	}
	if tasks > 0 {
		parts = append(parts, core.SayN(tasks, "%d task", "%d tasks", tasks))
	}
	now := s.Clock.Now()
	made := 0
	for _, id := range p.IDs() {
		list, err := s.Accounts.Accounts(ctx, id)
		if err != nil {
			return nil, err
		}
		for _, a := range list {
			parts = append(parts, core.Say("account at %s", a.Provider.Title()))
		}
		days, err := s.Usage.OfPerson(ctx, id, now.AddDate(-1, 0, 1), now)
		if err != nil {
			return nil, err
		}
		for _, d := range days {
			for _, r := range d.Rows {
				made += r.Amount.Pictures
			}
		}
	}
	slices.SortFunc(roles, func(a, b core.Saying) int { return strings.Compare(a.String(), b.String()) })
	parts = append(parts, roles...)
	if made > 0 {
		parts = append(parts, core.SayN(made, "%d picture made within a year", "%d pictures made within a year", made))
	}
	return parts, nil
}

// confirmPair notes one side's yes, and with both makes them one person.
func (s *Studio) confirmPair(ctx context.Context, c *call, code string) (core.Change, error) {
	var p pairing
	t, err := s.Tickets.Change(ctx, core.TicketIdentity, code, func(t *core.Ticket) error {
		p = pairing{}
		if err := json.Unmarshal(t.Data, &p); err != nil {
			return core.Wrap(core.CodeInternal, err)
		}
		if t.By != "" && t.By != c.In.ID {
			return core.Errorf(core.CodeNotFound, "That is done already.")
		}
		side := t.Person
		switch c.In.Actor.Identity {
		case t.Identity:
		case p.ID:
			side = p.Other
		default:
			return core.Errorf(core.CodeForbidden, "That question was somebody else's.")
		}
		if p.Other == "" {
			return core.Errorf(core.CodeInvalid, "Nobody has entered the code yet.")
		}
		if !slices.Contains(p.Yes, side) {
			p.Yes = append(p.Yes, side)
		}
		if len(p.Yes) == 2 {
			t.By = c.In.ID
		}
		data, err := json.Marshal(p)
		t.Data = data
		return core.Wrap(core.CodeInternal, err)
	})
	if err != nil {
		return core.Change{}, err
	}
	if len(p.Yes) < 2 {
		other := p.ID
		if c.In.Actor.Identity == p.ID {
			other = t.Identity
		}
		return c.say(text(c.T("Good. Now confirm on %s as well.", other.Platform().Title())))
	}
	first, err := s.People.Person(ctx, t.Person)
	if err != nil {
		return core.Change{}, err
	}
	second, err := s.People.Person(ctx, p.Other)
	if err != nil {
		return core.Change{}, err
	}
	if first.ID != second.ID { // else an earlier try got this far
		if !first.Is(second.ID) && !second.Is(first.ID) { // else an earlier try was cut off half-way
			if err := s.mayPair(ctx, first, second); err != nil {
				return core.Change{}, err
			}
		}
		if second.CreatedAt.Before(first.CreatedAt) {
			first, second = second, first
		}
		if first, err = s.Merges.Merge(ctx, first.ID, second.ID); err != nil {
			return core.Change{}, err
		}
	}
	// They are one person: what the other side reads is in the language that is theirs together.
	card := core.Card{Tone: core.ToneGood, Body: core.Plain(c.T("%s on %s and %s on %s are one person now: %s. Either side can undo it with \"identity unlink\".",
		t.Name, t.Identity.Platform().Title(), p.Name, p.ID.Platform().Title(), first.Name))}
	other := t.Identity
	if c.In.Actor.Identity == t.Identity {
		other = p.ID
	}
	return core.Change{Out: []core.Outgoing{c.answer(card),
		{ID: core.MakeDeliveryID("", "", "paired/"+string(c.In.ID)), Kind: core.OutDirect, To: other, Card: &card, At: c.In.At}}}, nil
}

// identityUnlink makes the person two again, as they were before.
func (s *Studio) identityUnlink(ctx context.Context, c *call) (core.Change, error) {
	if len(c.Person.Former) == 0 && c.Person.SplitBy != c.In.ID {
		return core.Change{}, core.Errorf(core.CodeInvalid, "You have only this one user here.").WithNext("\"identity link\" adds the one of the other app.")
	}
	own := core.MakePersonID(c.In.Actor.Identity)
	from := core.PersonID("")
	if n := len(c.Person.Former); n > 0 {
		from = c.Person.Former[n-1]
	}
	switch {
	case c.Person.SplitBy == c.In.ID:
		from = c.Person.SplitFrom // an earlier try got this far
	case slices.Contains(c.Person.Former, own):
		from = own
	}
	list, err := s.jobsOf(ctx, c.Person)
	if err != nil {
		return core.Change{}, err
	}
	if slices.ContainsFunc(list, func(j core.Job) bool { return j.State != core.JobHandedOff }) {
		return core.Change{}, core.Errorf(core.CodeConflict, "You have jobs that wait or run.").WithNext("Let them finish or cancel them first.")
	}
	was := slices.Clone(c.Person.Identities)
	if _, err := s.People.UpdatePerson(ctx, c.Person.ID, func(p *core.Person) error {
		p.SplitBy, p.SplitFrom = c.In.ID, from
		return nil
	}); err != nil {
		return core.Change{}, err
	}
	if err := s.Merges.Split(ctx, c.Person.ID, from); err != nil {
		return core.Change{}, err
	}
	card := core.Card{Body: core.Plain(c.T("Your users on Slack and Discord are two people again. Each keeps the accounts that were linked as that one; what both made stays where it is."))}
	out := []core.Outgoing{c.answer(card)}
	for _, id := range was {
		if id != c.In.Actor.Identity {
			out = append(out, core.Outgoing{ID: core.MakeDeliveryID("", "", "unpaired/"+string(c.In.ID)+"/"+string(id)), Kind: core.OutDirect, To: id, Card: &card, At: c.In.At})
		}
	}
	return core.Change{Out: out}, nil
}
