package studio

import (
	"context"
	"strconv"

	"github.com/atelier-bridge/atelier/core"
)

// reviewSettings changes how a project reviews: its statuses, and who decides.
func (s *Studio) reviewSettings(ctx context.Context, c *call, p *core.Project) (*core.Project, error) {
	set := map[string]string{}
	for _, name := range []string{settingApprovals, settingApproveRole, settingApproveOwn, settingVotes, settingStatuses} {
		if v := c.inv.Arg(name); v != "" {
			set[name] = v
		}
	}
	if v, ok := set[settingApprovals]; ok {
		if n, err := strconv.Atoi(v); err != nil || n < 1 || n > maxApprovals {
			return nil, core.Errorf(core.CodeInvalid, "approvals is a number from 1 to %d.", maxApprovals)
		}
	}
	if v, ok := set[settingStatuses]; ok && v != "default" {
		if _, err := parseStatuses(v); err != nil {
			return nil, err
		}
	} else if ok {
		set[settingStatuses] = ""
	}
	if len(set) == 0 {
		return p, nil
	}
	return s.Projects.UpdateProject(ctx, p.Key, func(p *core.Project) error {
		for name, v := range set {
			p.Settings[name] = v
			if v == "" {
				delete(p.Settings, name)
			}
		}
		return nil
	})
}

// reviewFields shows those settings.
func (s *Studio) reviewFields(c *call, p *core.Project) []core.Field {
	own, votes := "yes", "off"
	if p.Settings[settingApproveOwn] == "no" {
		own = "no"
	}
	if p.Settings[settingVotes] == "on" {
		votes = "on"
	}
	field := func(name, value string) core.Field { return core.Field{Label: name, Value: core.Plain(value)} }
	next := *c
	next.Project = p
	return []core.Field{field(settingApprovals, strconv.Itoa(approvalsNeeded(p))), field(settingApproveRole, string(approveRole(p))), field(settingApproveOwn, own), field(settingVotes, votes),
		field(settingStatuses, s.statusNames(&next))}
}
