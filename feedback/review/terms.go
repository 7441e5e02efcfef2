package review

import (
	"slices"

	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/query"
)

// hasDue is the term of a task with a due date.
const hasDue = "has=due"

// taskTerms are the terms by which a task is found for what its own record says.
func taskTerms(t *core.Task) []string {
	out := append([]string{query.All}, query.Words(t.Title+"\n"+t.Brief)...)
	add := func(on bool, terms ...string) {
		if on {
			out = append(out, terms...)
		}
	}
	add(t.Status != "", query.Key("status", string(t.Status)))
	add(t.Owner != "", query.ID("by", string(t.Owner)))
	out = append(out, query.Names("by", t.OwnerName)...)
	for _, a := range t.Assigned {
		out = append(append(out, query.ID("assigned", string(a.ID))), query.Names("assigned", a.Name)...)
	}
	for _, tag := range t.Tags {
		out = append(out, query.Key("tag", tag))
	}
	add(t.Folder != "", query.Key("folder", t.Folder))
	add(t.Open > 0, "is=open")
	add(t.Picked.Version > 0, "is=picked")
	add(len(t.Assigned) > 0, "is=assigned")
	add(t.Comments > 0, "has=comments")
	add(t.Brief != "", "has=brief")
	add(len(t.Files) > 0, "has=files")
	add(!t.Due.IsZero(), hasDue)
	add(len(t.Tags) > 0, "has=tags")
	add(t.Gone(), query.Gone)
	if t.Private {
		out = append(out, query.Private)
		for _, room := range t.Rooms {
			out = append(out, query.ID("room", string(room)))
		}
	}
	return distinct(out)
}

// versionTerms are the terms that a version adds to its task.
func versionTerms(v *core.Version) []string {
	words := v.Request.Prompt
	if words == "" {
		words = v.Request.Full
	}
	out := query.Words(words + "\n" + v.Text)
	for name, value := range v.Request.Params {
		out = append(out, query.Key("--"+name, value))
	}
	out = append(out, query.Key("provider", string(v.Provider)), query.ID("by", string(v.Person)))
	out = append(out, query.Names("by", v.PersonName)...)
	if v.Request.Op != "" {
		out = append(out, query.Key("op", string(v.Request.Op)))
	}
	if v.Model != "" {
		out = append(out, query.Key("model", v.Model))
	}
	if len(v.Images) > 0 {
		out = append(out, "has=pictures")
	}
	for _, x := range v.Verdicts {
		if x.Approved {
			out = append(out, "verdict=approved")
		} else {
			out = append(out, "verdict=changes")
		}
	}
	return distinct(out)
}

// commentTerms are the terms that a comment adds to its task; none when it was deleted.
func commentTerms(m *core.Comment) []string {
	if m.Deleted {
		return nil
	}
	out := append(query.Words(m.Text.String()), query.ID("from", string(m.Author)))
	return distinct(append(out, query.Names("from", m.Name)...))
}

func distinct(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// less returns what is in a and not in b; both are sorted.
func less(a, b []string) []string {
	var out []string
	for _, s := range a {
		if _, ok := slices.BinarySearch(b, s); !ok {
			out = append(out, s)
		}
	}
	return out
}
