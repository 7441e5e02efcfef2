package core

import (
	"context"
	"time"
)

// Clause is a condition on a task: it has at least one of some terms, or with Not none of them. Terms are what package
// query makes of words and fields.
type Clause struct {
	Any []string `json:"any"`
	Not bool     `json:"not,omitempty"`
}

// Find is a search as the store answers it. A task is found when every clause holds somewhere in it: in its own words and
// fields, its versions or its comments. Deleted tasks and talk are never found.
type Find struct {
	Project ProjectKey
	All     []Clause
	// After and Before bound when the task was begun: at After or later, and earlier than Before. Zero bounds nothing.
	After, Before time.Time
	// Best puts what is approved or delivered first, then what has a picked picture or an approved version, then the rest;
	// in each of them, and without it, the newest come first.
	Best bool
	// Room is from where somebody looks: a private room's tasks are found there and nowhere else.
	Room RoomID
	// Whole finds private tasks from anywhere: for the lists of what somebody was given to do.
	Whole bool
	// Top is the newest task that counts, by number: pages of one search stay what they were while tasks are added. 0 is
	// the newest there is.
	Top           int
	Offset, Limit int
	// Count is how many hits are counted one by one at least; how many there are beyond is estimated. 0 counts all, which
	// takes the longer the more tasks there are.
	Count int
}

// Found is a page of what was found.
type Found struct {
	Tasks []TaskID
	// Total is how many there are on all pages: exactly, or About, and then there is another page.
	Total int
	About bool
	Top   int // for the search's next page
	// Partial says that the index is being built, so that something may be missing.
	Partial bool
}

// Counted is a value that tasks have, and how many.
type Counted struct {
	Value string
	Tasks int
}

// Search finds tasks by an index that is written with them.
type Search interface {
	// Search returns a page of the tasks that are found.
	Search(ctx context.Context, f Find) (Found, error)
	// Holds returns which of some terms a task has, in any of its parts.
	Holds(ctx context.Context, task TaskID, terms []string) (map[string]bool, error)
	// Values lists the values of a field ("tag" or "folder") that tasks seen from a room have, in order, each as it is
	// stored in the index: in lower case without accents.
	Values(ctx context.Context, key ProjectKey, field string, room RoomID) ([]Counted, error)
}

// Reindexing builds the index anew while it is used.
type Reindexing interface {
	// Indexed reports whether the index of a partition is whole and of the present format.
	Indexed(ctx context.Context, p Partition) (bool, error)
	// Restart empties the index of a project and notes that it is not whole; Reindex of each of its tasks fills it.
	Restart(ctx context.Context, key ProjectKey) error
	// Reindex builds the index of a task anew from its records.
	Reindex(ctx context.Context, id TaskID) error
	// SetIndexed notes that every task of a partition is indexed in the present format.
	SetIndexed(ctx context.Context, p Partition) error
}
