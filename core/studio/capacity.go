package studio

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// Settings of a project's calendar.
const (
	// settingCapacity is how many sessions take place at once at a provider: "midjourney=3,openai=2". Everybody works on their
	// own account, so that nothing is short unless the team says so.
	settingCapacity = "capacity"
	// settingRemind is how many minutes before a session it is called out; 10.
	settingRemind = "remind"
)

const (
	stdRemind   = 10
	maxRemind   = 24 * 60
	maxCapacity = 1000
)

// capacityOf is how many sessions at once a project has at a provider; 0 for any number.
func capacityOf(p *core.Project, name core.ProviderName) int {
	for _, part := range strings.Split(p.Settings[settingCapacity], ",") {
		if k, v, ok := strings.Cut(part, "="); ok && k == string(name) {
			n, _ := strconv.Atoi(v)
			return n
		}
	}
	return 0
}

// remindOf is how long before a session a project calls it out; 0 for never.
func remindOf(p *core.Project) time.Duration {
	v, ok := p.Settings[settingRemind]
	if n, err := strconv.Atoi(v); ok && err == nil {
		return time.Duration(n) * time.Minute
	}
	return stdRemind * time.Minute
}

// callAt is when a session is called out; zero for never.
func callAt(p *core.Project, b *core.Booking, now time.Time) time.Time {
	before := remindOf(p)
	if before == 0 {
		return time.Time{}
	}
	at := b.Start.Add(-before)
	if at.Before(now) {
		at = b.Start // whoever books it now knows
	}
	return at
}

// calendarSettings changes how a project's calendar works.
func (s *Studio) calendarSettings(ctx context.Context, c *call, p *core.Project) (*core.Project, error) {
	set := map[string]string{}
	if v := c.inv.Arg(settingRemind); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 || n > maxRemind {
			return nil, core.Errorf(core.CodeInvalid, "remind is a number of minutes from 0 to %d.", maxRemind)
		}
		set[settingRemind] = v
	}
	v := strings.ToLower(c.inv.Arg(settingCapacity))
	name, num, ok := strings.Cut(v, "=")
	if v != "" {
		n, err := strconv.Atoi(strings.TrimSpace(num))
		if !ok || err != nil || n < 0 || n > maxCapacity {
			return nil, core.Errorf(core.CodeInvalid, "%q is no capacity.", clip(v, 30)).WithNext("Write a provider and a number, such as midjourney=3; 0 means any number.")
		}
		pr, err := s.provider(nil, strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		name, num = string(pr.Name()), strconv.Itoa(n)
	}
	if len(set) == 0 && v == "" {
		return p, nil
	}
	return s.Projects.UpdateProject(ctx, p.Key, func(p *core.Project) error {
		if v != "" {
			var keep []string
			for _, part := range strings.Split(p.Settings[settingCapacity], ",") {
				if k, _, _ := strings.Cut(part, "="); k != "" && k != name {
					keep = append(keep, part)
				}
			}
			if num != "0" {
				keep = append(keep, name+"="+num)
			}
			set[settingCapacity] = strings.Join(keep, ",")
		}
		p.Settings = with(p.Settings, set)
		return nil
	})
}

// calendarFields shows those settings.
func (s *Studio) calendarFields(c *call, p *core.Project) []core.Field {
	capacity := strings.ReplaceAll(p.Settings[settingCapacity], ",", ", ")
	if capacity == "" {
		capacity = c.T("any number at once")
	}
	return []core.Field{{Label: settingCapacity, Value: core.Plain(capacity)}, {Label: settingRemind, Value: core.Plain(strconv.Itoa(int(remindOf(p).Minutes())))}}
}
