package core

import "time"

// TaskStatus is where a task stands.
type TaskStatus string

// Statuses.
const (
	StatusOpen      TaskStatus = "open"
	StatusProgress  TaskStatus = "in progress"
	StatusReview    TaskStatus = "in review"
	StatusChanges   TaskStatus = "changes requested"
	StatusApproved  TaskStatus = "approved"
	StatusDelivered TaskStatus = "delivered"
	StatusClosed    TaskStatus = "closed" // outside of the project's own set
)

// Named is a person as a record names them, for lists.
type Named struct {
	ID   PersonID `json:"id"`
	Name string   `json:"name"`
}

// Check is an item of a task's checklist.
type Check struct {
	Text string    `json:"text"`
	Done bool      `json:"done,omitempty"`
	By   string    `json:"by,omitempty"` // who ticked it, by name
	At   time.Time `json:"at,omitzero"`
}

// Task is one thing to make.
type Task struct {
	V         int        `json:"v"`
	Rev       int64      `json:"rev"`
	ID        TaskID     `json:"id"`
	Partition Partition  `json:"partition"`
	Title     string     `json:"title"`
	Owner     PersonID   `json:"owner"`
	OwnerName string     `json:"ownerName"`
	Status    TaskStatus `json:"status"`
	Latest    int        `json:"latest"`             // newest version number
	Picked    ImageRef   `json:"picked,omitzero"`    // by pick
	Private   bool       `json:"private"`            // made in a private room: never shown elsewhere
	Rooms     []RoomID   `json:"rooms"`              // where it shows
	Comments  int        `json:"comments"`           // live ones
	Open      int        `json:"open"`               // of these, not resolved
	Numbered  int        `json:"numbered,omitempty"` // the newest comment's number
	Parent    TaskID     `json:"parent,omitempty"`   // for a task made from another one
	Brief     string     `json:"brief,omitempty"`    // what is wanted, where no picture said it
	Files     []Attached `json:"files,omitempty"`    // of the brief
	Assigned  []Named    `json:"assigned,omitempty"`
	Due       time.Time  `json:"due,omitzero"`
	Checklist []Check    `json:"checklist,omitempty"`
	Tags      []string   `json:"tags,omitempty"`   // in lower case, sorted
	Folder    string     `json:"folder,omitempty"` // a name among the project's folders
	Closed    TaskStatus `json:"closed,omitempty"` // what it was before it was closed
	Deleted   time.Time  `json:"deleted,omitzero"` // it shows in no list and can be restored
	DeletedBy string     `json:"deletedBy,omitempty"`
	CreatedAt time.Time  `json:"createdAt"`
	UpdatedAt time.Time  `json:"updatedAt"`
}

// Count counts a new comment and gives it its number in the task.
func (t *Task) Count(m *Comment) {
	t.Comments++
	t.Open++
	t.Numbered = max(t.Numbered, t.Comments-1) + 1
	m.No = t.Numbered
}

// Gone reports whether somebody deleted the task.
func (t *Task) Gone() bool { return !t.Deleted.IsZero() }

// JobState is where the run of a version stands.
type JobState string

// States. A version carries the state of its job.
const (
	JobQueued    JobState = "queued"
	JobSubmitted JobState = "submitted" // stored before the provider is called
	JobRunning   JobState = "running"
	JobHandedOff JobState = "handed off"
	JobDone      JobState = "done"
	JobRefused   JobState = "refused"
	JobFailed    JobState = "failed"
	JobUnknown   JobState = "unknown" // may have been billed
	JobCancelled JobState = "cancelled"
)

// Final reports whether a job in this state will not move again by itself.
func (s JobState) Final() bool {
	switch s {
	case JobDone, JobRefused, JobFailed, JobUnknown, JobCancelled:
		return true
	}
	return false
}

// Version is one result of a task; immutable once its job is final, but for verdicts.
type Version struct {
	V          int           `json:"v"`
	Rev        int64         `json:"rev"`
	ID         VersionID     `json:"id"`
	Parent     ImageRef      `json:"parent,omitzero"`
	Request    Request       `json:"request"`
	Provider   ProviderName  `json:"provider"`
	Person     PersonID      `json:"person"` // whose account, and who asked
	PersonName string        `json:"personName"`
	Account    PersonID      `json:"account,omitempty"` // under which of the person's ids the account and the job lie, if not Person
	By         IdentityID    `json:"by,omitempty"`      // as which user they asked: failures are told there
	State      JobState      `json:"state"`
	Position   int           `json:"position,omitempty"`
	Progress   int           `json:"progress,omitempty"`
	Message    string        `json:"message,omitempty"`
	Images     []StoredImage `json:"images,omitempty"`
	Grid       *StoredImage  `json:"grid,omitempty"`
	Text       string        `json:"text,omitempty"`
	Seed       *int64        `json:"seed,omitempty"`
	Model      string        `json:"model,omitempty"`
	Dropped    []string      `json:"dropped,omitempty"`
	ExternalID string        `json:"externalId,omitempty"` // Midjourney's job id
	How        string        `json:"how,omitempty"`        // how an emulated operation is done
	Cost       Cost          `json:"cost,omitzero"`        // estimated until it is done
	Note       string        `json:"note,omitempty"`
	Verdicts   []Verdict     `json:"verdicts,omitempty"`
	Votes      []IdentityID  `json:"votes,omitempty"`  // thumbs up on its card, where the project counts them
	Before     TaskStatus    `json:"before,omitempty"` // the task's status when it was asked for
	At         time.Time     `json:"at,omitzero"`      // it was put off until then
	CreatedAt  time.Time     `json:"createdAt"`
	DoneAt     time.Time     `json:"doneAt,omitzero"`
}

// Holder returns the person's id under which the version's job lies.
func (v *Version) Holder() PersonID {
	if v.Account != "" {
		return v.Account
	}
	return v.Person
}

// Verdict is a decision on a version.
type Verdict struct {
	Person   PersonID  `json:"person"`
	Name     string    `json:"name"`
	Approved bool      `json:"approved"`
	Reason   string    `json:"reason,omitempty"`
	At       time.Time `json:"at"`
}
