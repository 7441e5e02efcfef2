package studio

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// limits are the quotas that a person's request in a project meets, with what was granted for their periods.
func limits(p *core.Project, person *core.Person, now time.Time) []core.Limit {
	own := slices.ContainsFunc(p.Quotas, func(q core.Quota) bool { return q.Who != "" && person.Is(q.Who) })
	var out []core.Limit
	for _, q := range p.Quotas {
		who := core.PersonID("")
		switch {
		case q.Who == "":
		case person.Is(q.Who), q.Who == core.EachPerson && !own:
			who = person.ID
		default:
			continue
		}
		l := core.Limit{Who: who, Per: q.Per, Pictures: q.Pictures, Micros: q.Micros, Soft: q.Soft}
		for _, g := range p.Extra {
			if g.Period != q.Per.Key(now) || (g.Who == "") != (who == "") || g.Who != "" && !person.Is(g.Who) {
				continue
			}
			if l.Pictures > 0 {
				l.Pictures += g.Pictures
			}
			if l.Micros > 0 {
				l.Micros += g.Micros
			}
		}
		out = append(out, l)
	}
	return out
}

func whose(l core.Limit, project core.ProjectKey) core.Saying {
	if l.Who == "" {
		return core.Say("%s's limit of this %s", project, word(l.Per))
	}
	return core.Say("Your limit of this %s in %s", word(l.Per), project)
}

func overQuota(c *call, o *order, r core.Reserved) *core.Error {
	l := *r.Over
	makes := pictures(o.plan.Images)
	if o.plan.Cost.Micros != 0 {
		makes = core.Say("%s for %s", makes, cost(o.plan.Cost))
	}
	return core.Errorf(core.CodeInvalid, "%s has %s left, and this makes %s.", whose(l, c.Project.Key), limited(l.Pictures > 0, r.Left.Pictures, l.Micros > 0, r.Left.Micros), makes)
}

// limited is a number of pictures, an amount of money, or both.
func limited(hasPictures bool, n int, hasMoney bool, micros int64) core.Saying {
	switch {
	case hasPictures && hasMoney:
		return core.Say("%s and %s", pictures(n), core.Money(micros))
	case hasMoney:
		return core.Say("%s", core.Money(micros))
	case hasPictures:
		return pictures(n)
	}
	return core.Say("")
}

// tellReached tells a person, or for the project's own limits its admins, that 80 or 100 percent are used.
func (s *Studio) tellReached(ctx context.Context, c *call, r core.Reached) []core.Outgoing {
	text := core.Say("%s is used to %d %%.", whose(r.Limit, c.Project.Key), r.Percent)
	if r.Limit.Soft && r.Percent == 100 {
		text = core.Say("%s is used to %d %%. It does not stop anybody, but you should know.", whose(r.Limit, c.Project.Key), r.Percent)
	}
	to := []core.IdentityID{c.In.Actor.Identity}
	if r.Limit.Who == "" {
		for _, id := range s.Admins {
			if !slices.Contains(to, id) {
				to = append(to, id)
			}
		}
	}
	var out []core.Outgoing
	for _, id := range to {
		out = append(out, core.Outgoing{ID: core.MakeDeliveryID("", "", fmt.Sprint("reached/", c.In.ID, "/", id, r.Limit.Who, r.Limit.Per, r.Percent)), Kind: core.OutDirect, To: id,
			Card: &core.Card{Tone: core.ToneWarn, Body: core.Plain(text.In(s.langOf(ctx, core.Actor{Identity: id})))}, At: c.In.At})
	}
	return out
}

// money reads "$20", "20", "0.5" or "0,50 $" dollars.
func money(text string) (int64, error) {
	f, err := fractional(strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(text), "$"), "$")))
	if err != nil || !(f >= 0 && f <= 1_000_000) {
		return 0, core.Errorf(core.CodeInvalid, "%q is no amount of money.", clip(text, 20)).WithNext("Write dollars, such as 20 or 0.50.")
	}
	return int64(f*1_000_000 + 0.5), nil
}

// fractional reads a number with a decimal point or, where it can mean nothing else, a decimal comma: "1,5" is one and a half,
// "1,000" is refused, for some write a thousand so.
func fractional(text string) (float64, error) {
	if whole, part, ok := strings.Cut(text, ","); ok && (len(part) == 1 || len(part) == 2) {
		text = whole + "." + part
	}
	return strconv.ParseFloat(text, 64)
}

// quotaOf reads who a quota command is about: nobody for the project, "each", or a person.
func (s *Studio) quotaOf(ctx context.Context, c *call) (who core.PersonID, name core.Saying, err error) {
	arg := c.inv.Arg("person")
	switch {
	case c.inv.Arg("each") == "true":
		return core.EachPerson, core.Say("each person"), nil
	case arg == "":
		return "", core.Say("%s", c.Project.Key), nil
	}
	p, err := s.People.ByIdentity(ctx, core.IdentityID(arg))
	if core.ErrorCode(err) == core.CodeNotFound {
		return "", name, core.Errorf(core.CodeNotFound, "I have not met %s yet.", clip(arg, 40)).WithNext("Mention them with @, or give --each for everybody.")
	}
	if err != nil {
		return "", name, err
	}
	return p.ID, core.Say("%s", p.Name), nil
}

// amounts reads the pictures and the money of a quota command.
func amounts(c *call) (pictures int, micros int64, err error) {
	if n := c.inv.Arg("pictures"); n != "" {
		if pictures, err = strconv.Atoi(n); err != nil || pictures < 1 || pictures > 10_000_000 {
			return 0, 0, core.Errorf(core.CodeInvalid, "%q is no number of pictures.", clip(n, 20)).WithNext("Write a whole number, such as 200.")
		}
	}
	if m := c.inv.Arg("money"); m != "" {
		if micros, err = money(m); err != nil {
			return 0, 0, err
		}
	}
	if pictures == 0 && micros == 0 {
		return 0, 0, core.Errorf(core.CodeInvalid, "How much?").WithNext("Name pictures, money or both, such as: quota set 200 --money 20")
	}
	return pictures, micros, nil
}

func (s *Studio) quotaSet(ctx context.Context, c *call) (core.Change, error) {
	who, name, err := s.quotaOf(ctx, c)
	if err != nil {
		return core.Change{}, err
	}
	pictures, micros, err := amounts(c)
	if err != nil {
		return core.Change{}, err
	}
	q := core.Quota{Who: who, Per: core.PeriodMonth, Pictures: pictures, Micros: micros, Soft: c.inv.Arg("soft") == "true"}
	if per := c.inv.Arg("per"); per != "" {
		q.Per = core.Period(per)
	}
	_, err = s.Projects.UpdateProject(ctx, c.Project.Key, func(p *core.Project) error {
		p.Quotas = slices.DeleteFunc(p.Quotas, func(old core.Quota) bool { return old.Who == q.Who && old.Per == q.Per })
		p.Quotas = append(p.Quotas, q)
		if who != "" && who != core.EachPerson {
			p.Names[string(who)] = name.String()
		}
		return nil
	})
	if err != nil {
		return core.Change{}, err
	}
	card := text(c.T("From now on: %s.", quotaLine(q, name)))
	card.Footer = s.unstopped(c)
	return c.say(card)
}

// unstopped says that a limit stops nobody from what costs nothing, where such a provider is offered.
func (s *Studio) unstopped(c *call) string {
	for _, p := range s.Providers {
		if p.Capabilities("").Free {
			return c.T("Runs that cost nothing, such as those of %s, are counted and never stopped.", p.Name().Title())
		}
	}
	return ""
}

func quotaLine(q core.Quota, name core.Saying) core.Saying {
	line := core.Say("%s: %s a %s", name, limited(q.Pictures > 0, q.Pictures, q.Micros > 0, q.Micros), word(q.Per))
	if q.Soft {
		line = core.Say("%s (only told, not stopped)", line)
	}
	return line
}

func (s *Studio) quotaClear(ctx context.Context, c *call) (core.Change, error) {
	who, name, err := s.quotaOf(ctx, c)
	if err != nil {
		return core.Change{}, err
	}
	_, err = s.Projects.UpdateProject(ctx, c.Project.Key, func(p *core.Project) error {
		n := len(p.Quotas)
		p.Quotas = slices.DeleteFunc(p.Quotas, func(q core.Quota) bool { return q.Who == who })
		if len(p.Quotas) == n {
			return core.Errorf(core.CodeNotFound, "There is no limit for %s.", name).WithNext("\"quota list\" shows those there are.")
		}
		return nil
	})
	if err != nil {
		return core.Change{}, err
	}
	return c.say(text(c.T("There is no limit for %s any more.", name)))
}

// quotaGrant adds to the limits of the current periods.
func (s *Studio) quotaGrant(ctx context.Context, c *call) (core.Change, error) {
	who, name, err := s.quotaOf(ctx, c)
	if err != nil {
		return core.Change{}, err
	}
	if who == core.EachPerson {
		return core.Change{}, core.Errorf(core.CodeInvalid, "More is granted to the project or to one person.").WithNext("To change everybody's limit use: quota set 300 --each")
	}
	pictures, micros, err := amounts(c)
	if err != nil {
		return core.Change{}, err
	}
	now := s.Clock.Now()
	_, err = s.Projects.UpdateProject(ctx, c.Project.Key, func(p *core.Project) error {
		current := map[string]bool{}
		for _, per := range core.Periods() {
			current[per.Key(now)] = true
		}
		p.Extra = slices.DeleteFunc(p.Extra, func(g core.Grant) bool { return !current[g.Period] })
		var periods []core.Period
		for _, q := range p.Quotas {
			if (q.Who == "") == (who == "") && (q.Who == who || q.Who == core.EachPerson) && !slices.Contains(periods, q.Per) {
				periods = append(periods, q.Per)
			}
		}
		if len(periods) == 0 {
			return core.Errorf(core.CodeInvalid, "%s has no limit, so there is nothing to add to.", name)
		}
		if slices.ContainsFunc(p.Extra, func(g core.Grant) bool { return g.ID == c.In.ID }) {
			return nil
		}
		for _, per := range periods {
			p.Extra = append(p.Extra, core.Grant{ID: c.In.ID, Who: who, Period: per.Key(now), Pictures: pictures, Micros: micros})
		}
		return nil
	})
	if err != nil {
		return core.Change{}, err
	}
	return c.say(text(c.T("Granted to %s for the current period: %s a period.", name, limited(pictures > 0, pictures, micros > 0, micros))))
}

// quotaList shows the limits and what is used of them; admins see everybody's.
func (s *Studio) quotaList(ctx context.Context, c *call) (core.Change, error) {
	if len(c.Project.Quotas) == 0 {
		return c.say(text(c.T("There are no limits in %s.", c.Project.Key)))
	}
	now := s.Clock.Now()
	var lines []string
	for _, q := range c.Project.Quotas {
		name, who := core.Say("%s", c.Project.Key), q.Who
		switch {
		case q.Who == core.EachPerson:
			name, who = core.Say("each person"), c.Person.ID
		case q.Who != "":
			if !c.Person.Is(q.Who) && !c.role.Allows(core.RoleAdmin) {
				continue
			}
			name = core.Say("%s", c.Project.Names[string(q.Who)])
		}
		used, held, err := s.Quotas.Used(ctx, c.Project.Key, who, q.Per, now)
		if err != nil {
			return core.Change{}, err
		}
		line := c.T("%s; used %s", quotaLine(q, name), amount(used))
		if q.Who == core.EachPerson {
			line = c.T("%s; you used %s", quotaLine(q, name), amount(used))
		}
		if held != (core.Amount{}) {
			line += c.T(", held for running work %s", amount(held))
		}
		lines = append(lines, line)
	}
	for _, g := range c.Project.Extra {
		name := string(c.Project.Key)
		if g.Who != "" {
			name = c.Project.Names[string(g.Who)]
		}
		lines = append(lines, c.T("granted on top to %s in %s: %s", name, g.Period, amount(core.Amount{Pictures: g.Pictures, Micros: g.Micros})))
	}
	return c.say(core.Card{Title: c.T("Limits of %s", c.Project.Key), Body: bullets(lines), Footer: strings.TrimSpace(c.T("Months, weeks and days begin at midnight UTC.") + " " + s.unstopped(c))})
}

func amount(a core.Amount) core.Saying {
	if a.Micros > 0 {
		return core.Say("%s for %s", pictures(a.Pictures), core.Money(a.Micros))
	}
	return pictures(a.Pictures)
}
