package studio

import (
	"context"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

const (
	usageDays    = 30
	maxUsageDays = 366
)

// usage shows what was used: one's own, or for admins a project's or a person's.
func (s *Studio) usage(ctx context.Context, c *call) (core.Change, error) {
	wanted := usageDays
	if v := c.inv.Arg("days"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > maxUsageDays {
			return core.Change{}, core.Errorf(core.CodeInvalid, "--days cannot be %q.", clip(v, 20)).WithNext("Give a number from 1 to %d.", maxUsageDays)
		}
		wanted = n
	}
	to := s.Clock.Now().UTC()
	from := to.AddDate(0, 0, 1-wanted)
	who, of := c.Person, c.inv.Arg("person")
	project := c.inv.Arg("project") == "true"
	switch {
	case of == "" && !project, of == string(c.In.Actor.Identity):
	case c.Project == nil:
		return core.Change{}, core.Errorf(core.CodeInvalid, "This room is bound to no project.").WithNext("Your own usage is shown by: usage")
	case !c.role.Allows(core.RoleAdmin):
		return core.Change{}, core.Errorf(core.CodeForbidden, "Only an admin of %s sees what others use.", c.Project.Key).WithNext("Your own usage is shown by: usage")
	case project && of == "":
		all, err := s.Usage.OfProject(ctx, c.Project.Key, from, to)
		if err != nil {
			return core.Change{}, err
		}
		return s.usageCard(ctx, c, c.T("Usage of %s", c.Project.Key), all, nil)
	default:
		p, err := s.People.ByIdentity(ctx, core.IdentityID(of))
		if err != nil {
			return core.Change{}, core.Errorf(core.CodeNotFound, "I have not met %s yet.", clip(of, 40)).WithNext("Mention them with @.")
		}
		all, err := s.Usage.OfProject(ctx, c.Project.Key, from, to)
		if err != nil {
			return core.Change{}, err
		}
		for i := range all {
			all[i].Rows = slices.DeleteFunc(all[i].Rows, func(r core.UsageRow) bool { return !p.Is(r.Person) })
		}
		return s.usageCard(ctx, c, c.T("Usage of %s in %s", p.Name, c.Project.Key), all, nil)
	}
	var all []core.UsageDay
	for _, id := range who.IDs() {
		list, err := s.Usage.OfPerson(ctx, id, from, to)
		if err != nil {
			return core.Change{}, err
		}
		if all == nil {
			all = list
			continue
		}
		for i := range all {
			all[i].Rows = append(all[i].Rows, list[i].Rows...)
		}
	}
	left, err := s.allowances(ctx, c.Lang, who, to)
	if err != nil {
		return core.Change{}, err
	}
	return s.usageCard(ctx, c, c.T("Your usage"), all, left)
}

// allowances estimates what is left of the plans at providers that are run by hand.
func (s *Studio) allowances(ctx context.Context, l core.Lang, p *core.Person, now time.Time) ([]string, error) {
	var out []string
	for _, pr := range s.Providers {
		h, ok := pr.(core.Handoff)
		if !ok {
			continue
		}
		a, err := account(ctx, s.Accounts, s.People, p, pr.Name())
		if core.ErrorCode(err) == core.CodeNotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(h.Plans(), func(x core.HandoffPlan) bool { return x.Name == a.Plan })
		if i < 0 {
			continue
		}
		plan, used, made := h.Plans()[i], 0.0, 0
		for _, id := range p.IDs() {
			days, err := s.Usage.OfPerson(ctx, id, time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC), now)
			if err != nil {
				return nil, err
			}
			for _, d := range days {
				for _, r := range d.Rows {
					if r.Provider == pr.Name() {
						used, made = used+r.Minutes, made+r.Amount.Pictures
					}
				}
			}
		}
		line := l.T("%s, plan %s, this month: %s in about %.0f of %.0f fast minutes, %d at once", pr.Name().Title(), plan.Name, pictures(made), used, plan.Minutes, plan.AtOnce)
		if plan.Relax {
			line += l.T(", relaxed ones beyond that")
		}
		out = append(out, line+l.T(" (an estimate: what you run elsewhere is not seen)"))
	}
	return out, nil
}

// usageCard shows figures by person, provider and day, with a chart of the pictures per day.
func (s *Studio) usageCard(ctx context.Context, c *call, name string, list []core.UsageDay, left []string) (core.Change, error) {
	chart := &core.Chart{Title: c.T("%s: pictures per day, %s to %s", name, list[0].Day, list[len(list)-1].Day)}
	series := map[core.ProviderName][]float64{}
	type sum struct {
		core.Amount
		minutes   float64
		estimated bool
	}
	people, providers := map[core.PersonID]*sum{}, map[core.ProviderName]*sum{}
	var total sum
	for i, d := range list {
		chart.Labels = append(chart.Labels, d.Day[5:])
		for _, r := range d.Rows {
			if series[r.Provider] == nil {
				series[r.Provider] = make([]float64, len(list))
			}
			series[r.Provider][i] += float64(r.Amount.Pictures)
			if people[r.Person] == nil {
				people[r.Person] = &sum{}
			}
			if providers[r.Provider] == nil {
				providers[r.Provider] = &sum{}
			}
			for _, x := range []*sum{people[r.Person], providers[r.Provider], &total} {
				x.Pictures, x.Micros, x.minutes = x.Pictures+r.Amount.Pictures, x.Micros+r.Amount.Micros, x.minutes+r.Minutes
				x.estimated = x.estimated || r.Estimated
			}
		}
	}
	say := func(name string, x *sum) string {
		line := c.T("%s: %s", name, amount(x.Amount))
		if x.estimated && x.Micros > 0 {
			line += c.T(" (partly estimated)")
		}
		if x.minutes > 0 {
			line += c.N(int(math.Round(x.minutes)), ", about %.0f fast minute", ", about %.0f fast minutes", x.minutes)
		}
		return line
	}
	if total.Amount == (core.Amount{}) && len(left) == 0 {
		return c.say(text(nothingLately(name, len(list)).In(c.Lang)))
	}
	card := core.Card{Title: name, Body: core.RichText{core.Para(core.Bold(say(lately(len(list)).In(c.Lang), &total)))}}
	var lines []string
	for _, p := range s.Providers {
		if x := providers[p.Name()]; x != nil {
			lines = append(lines, say(p.Name().Title(), x))
			chart.Series = append(chart.Series, core.Series{Name: p.Name().Title(), Values: series[p.Name()]})
		}
	}
	card.Body = append(card.Body, bullets(append(lines, left...))...)
	if len(people) > 1 {
		var names []string
		for id, x := range people {
			who := string(id)
			if p, err := s.People.Person(ctx, id); err == nil && p.Name != "" {
				who = p.Name
			}
			names = append(names, say(who, x))
		}
		sort.Strings(names)
		card.Body = append(card.Body, core.Para(core.Bold(c.T("By person"))))
		card.Body = append(card.Body, bullets(names)...)
	}
	chart.Alt = clip(chart.Title+". "+strings.Join(lines, "; "), 900)
	if total.Pictures > 0 {
		card.Chart = chart
	}
	return c.say(card)
}

// check says what can be known of a run whose outcome is unknown.
func (s *Studio) check(ctx context.Context, c *call) (core.Change, error) {
	if err := s.findVersion(ctx, c); err != nil {
		return core.Change{}, err
	}
	v := c.version
	if v.State != core.JobUnknown {
		return core.Change{}, core.Errorf(core.CodeInvalid, "v%d is %s; there is nothing to check.", v.ID.No, word(v.State))
	}
	where := ""
	if p, err := s.provider(nil, string(v.Provider)); err == nil {
		if u := p.Capabilities("").Activity; u != "" {
			where = c.T(" Look at %s whether it was billed.", u)
		}
	}
	return c.say(text(c.T("%s v%d was sent to %s at about %s, and Atelier stopped or lost the connection before it knew more. %s does not tell what became of such a run.%s If you want the pictures, press Run again: that is a new run, and it is billed.",
		v.ID.Task, v.ID.No, v.Provider.Title(), c.T("%[1]s on %[2]s", c.Lang.In(v.CreatedAt).Format("15:04 MST"), dayMonth(c.Lang, c.Lang.In(v.CreatedAt))), v.Provider.Title(), where)))
}

// lately is the time that a number of days ending today makes.
func lately(days int) core.Saying {
	if days == 1 {
		return core.Say("Last day")
	}
	return core.Say("Last %d days", days)
}

func nothingLately(name string, days int) core.Saying {
	if days == 1 {
		return core.Say("%s: nothing in the last day.", name)
	}
	return core.Say("%s: nothing in the last %d days.", name, days)
}
