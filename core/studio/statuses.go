package studio

import (
	"slices"
	"strings"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/query"
)

// settingStatuses is the project's setting of its statuses in order: "open, in progress, retouch:admin, delivered:admin",
// where a role says who may move a task there.
const settingStatuses = "statuses"

// status is a status with the role that may move a task there.
type status struct {
	name core.TaskStatus
	role core.Role
}

// needed are the statuses that Atelier itself moves tasks to: every project has them.
func needed() []core.TaskStatus {
	return []core.TaskStatus{core.StatusOpen, core.StatusReview, core.StatusChanges, core.StatusApproved}
}

// statuses are those of a project, in order.
func (s *Studio) statuses(p *core.Project) []status {
	if list, err := parseStatuses(p.Settings[settingStatuses]); err == nil && len(list) > 0 {
		return list
	}
	var out []status
	for _, n := range []core.TaskStatus{core.StatusOpen, core.StatusProgress, core.StatusReview, core.StatusChanges, core.StatusApproved, core.StatusDelivered} {
		out = append(out, status{n, core.RoleEditor})
	}
	return out
}

const (
	maxStatuses     = 15
	maxStatusLength = 30
)

// parseStatuses reads the project's setting; empty gives none.
func parseStatuses(text string) ([]status, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	var out []status
	for _, part := range strings.Split(text, ",") {
		name, role, given := strings.Cut(part, ":")
		st := status{core.TaskStatus(strings.ToLower(strings.Join(strings.Fields(name), " "))), core.RoleEditor}
		if given {
			r, err := core.ParseRole(strings.TrimSpace(role))
			if err != nil {
				return nil, err
			}
			st.role = r
		}
		switch {
		case st.name == "" || len(st.name) > maxStatusLength || st.name == core.StatusClosed:
			return nil, core.Errorf(core.CodeInvalid, "%q cannot be a status.", clip(name, 40)).WithNext("A status has 1 to %d characters; closed is there always.", maxStatusLength)
		case slices.ContainsFunc(out, func(x status) bool { return x.name == st.name }):
			return nil, core.Errorf(core.CodeInvalid, "The status %q is there twice.", st.name)
		}
		out = append(out, st)
	}
	if len(out) > maxStatuses {
		return nil, core.Errorf(core.CodeInvalid, "A project has at most %d statuses.", maxStatuses)
	}
	for _, n := range needed() {
		if !slices.ContainsFunc(out, func(x status) bool { return x.name == n }) {
			return nil, core.Errorf(core.CodeInvalid, "The status \"%s\" is missing.", word(n)).WithNext("Every project has: open, in review, changes requested, approved.")
		}
	}
	return out, nil
}

// findStatus finds the status that somebody named, in English or in their own language, if only by its beginning.
func (s *Studio) findStatus(c *call, want string) (status, error) {
	all := append(s.statuses(c.Project), status{core.StatusClosed, core.RoleEditor})
	var names []core.TaskStatus
	for _, st := range all {
		names = append(names, st.name)
	}
	if name, ok := nameStatus(c.Lang, names, want); ok {
		return all[slices.Index(names, name)], nil
	}
	return status{}, core.Errorf(core.CodeInvalid, "There is no status %q.", clip(want, 40)).WithNext("There are: %s.", s.statusNames(c))
}

// nameStatus finds the status that is meant among some, by its name in English or in a language, or by a beginning that only
// it has; accents may be left out.
func nameStatus(l core.Lang, all []core.TaskStatus, want string) (core.TaskStatus, bool) {
	plain := func(s string) string { return query.Fold(strings.Join(strings.Fields(s), " ")) }
	want = plain(want)
	var near []core.TaskStatus
	for _, st := range all {
		english, own := plain(string(st)), plain(word(st).In(l))
		if english == want || own == want {
			return st, true
		}
		if strings.HasPrefix(english, want) || strings.HasPrefix(own, want) {
			near = append(near, st)
		}
	}
	if len(near) != 1 {
		return "", false
	}
	return near[0], true
}

// statusNames lists a project's statuses in the person's language.
func (s *Studio) statusNames(c *call) string {
	var out []string
	for _, st := range s.statuses(c.Project) {
		out = append(out, word(st.name).In(c.Lang))
	}
	return strings.Join(out, ", ")
}

// statusChoices offers statuses by the names that cards show the person.
func statusChoices(l core.Lang, all []status) []core.Choice {
	var out []core.Choice
	for _, st := range all {
		out = append(out, core.Choice{Label: word(st.name).In(l), Value: string(st.name)})
	}
	return out
}
