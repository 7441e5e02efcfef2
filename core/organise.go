package core

import (
	"context"
	"strings"
	"time"
)

// Folder is a named place for tasks. Names are told apart without case and accents; a folder may lie in another one.
type Folder struct {
	Name   string `json:"name"`
	Parent string `json:"parent,omitempty"`
}

// SavedSearch is a search that somebody keeps by a name. It is a rule: what it finds is looked up each time.
type SavedSearch struct {
	ID         string                `json:"id"`
	Name       string                `json:"name"`
	Query      string                `json:"query"`
	Mentions   map[string]IdentityID `json:"mentions,omitempty"` // as they stand in the query
	Person     PersonID              `json:"person"`             // whose it is, and who "@me" is
	PersonName string                `json:"personName"`
	Identity   IdentityID            `json:"identity"`         // where its owner is told
	Shared     bool                  `json:"shared,omitempty"` // everybody in the project sees it
	Notify     bool                  `json:"notify,omitempty"` // its owner is told of new hits
	Room       RoomID                `json:"room,omitempty"`   // where it was saved: a private room's tasks are found there only
	At         time.Time             `json:"at"`
}

// SavedSearches are all saved searches of a project, one record.
type SavedSearches struct {
	V       int           `json:"v"`
	Rev     int64         `json:"rev"`
	Project ProjectKey    `json:"project"`
	List    []SavedSearch `json:"list,omitempty"`
}

// Told notes of which tasks a saved search told, or with Drop forgets all of them.
type Told struct {
	Project ProjectKey
	Search  string
	Tasks   []int
	Drop    bool
}

// BulkID names a bulk action: "ACME-" and some letters.
type BulkID string

// Project returns the key before the letters.
func (b BulkID) Project() ProjectKey {
	key, _, _ := strings.Cut(string(b), "-")
	return ProjectKey(key)
}

// BulkState is where a bulk action stands.
type BulkState string

// States. While it shows, every task is done and cards are brought up to date, few at a time.
const (
	BulkRunning   BulkState = "running"
	BulkShowing   BulkState = "showing"
	BulkDone      BulkState = "done"
	BulkCancelled BulkState = "cancelled"
	BulkStopped   BulkState = "stopped" // its person may not do it any more
)

// Bulk is an action on all tasks that a search found at one moment.
type Bulk struct {
	V        int        `json:"v"`
	Rev      int64      `json:"rev"`
	ID       BulkID     `json:"id"`
	Action   string     `json:"action"`
	Arg      string     `json:"arg,omitempty"`
	Query    string     `json:"query"`
	Person   PersonID   `json:"person"`
	Name     string     `json:"name"`
	Identity IdentityID `json:"identity"`
	Roles    []string   `json:"roles,omitempty"` // the person's platform groups when they asked
	Room     RoomID     `json:"room,omitempty"`
	Total    int        `json:"total"`
	Done     int        `json:"done"`    // looked at, in order
	Changed  int        `json:"changed"` // of these, what was not so before
	Shown    int        `json:"shown"`   // whose cards were brought up to date
	State    BulkState  `json:"state"`
	At       time.Time  `json:"at"`
	EndedAt  time.Time  `json:"endedAt,omitzero"`
	// Hits are the numbers of its tasks, written once with a new record; Organising.BulkHits reads them.
	Hits []int `json:"-"`
}

// Active reports whether something is left to do.
func (b *Bulk) Active() bool { return b.State == BulkRunning || b.State == BulkShowing }

// Organising reads saved searches and bulk actions; Change writes them.
type Organising interface {
	// Saved returns a project's saved searches, an empty record when it has none.
	Saved(ctx context.Context, key ProjectKey) (*SavedSearches, error)
	// Bulk returns a bulk action; CodeNotFound when there is none.
	Bulk(ctx context.Context, id BulkID) (*Bulk, error)
	// Bulks returns a project's newest bulk actions, at most limit.
	Bulks(ctx context.Context, key ProjectKey, limit int) ([]*Bulk, error)
	// BulkHits returns n numbers of tasks of a bulk action from one of them on.
	BulkHits(ctx context.Context, id BulkID, from, n int) ([]int, error)
}

// Watching is what the background work of a partition reads.
type Watching interface {
	// Active returns the bulk actions that have not ended and the projects that have saved searches.
	Active(ctx context.Context, p Partition) ([]BulkID, []ProjectKey, error)
	// Waiting returns how many outgoings wait in a partition.
	Waiting(ctx context.Context, p Partition) (int, error)
	// Changed returns which tasks changed since Change.Watched was written last, up to which entry that is, and whether
	// more is to come. lost: some of it is not known any more, or nothing was ever written. At most some hundred tasks.
	Changed(ctx context.Context, p Partition) (tasks []TaskID, upTo EntryID, more, lost bool, err error)
	// Untold returns those of some tasks of which a saved search has not told.
	Untold(ctx context.Context, key ProjectKey, search string, tasks []int) ([]int, error)
}
