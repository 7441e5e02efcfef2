package core

import (
	"slices"
	"time"
)

// RecordVersion is the format number written into every stored record. A reader that meets a higher one refuses it
// with ErrNewerRecord.
const RecordVersion = 1

// ErrNewerRecord is returned for a record that a newer Atelier wrote.
var ErrNewerRecord = Errorf(CodeInternal, "This was written by a newer version of Atelier.")

// Role is what a person may do in a project.
type Role string

// Roles, from most to least.
const (
	RoleAdmin  Role = "admin"
	RoleEditor Role = "editor"
	RoleViewer Role = "viewer"
	RoleNone   Role = "none"
)

// Allows reports whether a person of role r may do what needs the other role.
func (r Role) Allows(need Role) bool { return r.rank() >= need.rank() }

func (r Role) rank() int {
	switch r {
	case RoleAdmin:
		return 3
	case RoleEditor:
		return 2
	case RoleViewer:
		return 1
	}
	return 0
}

// ParseRole accepts admin, editor, viewer and none.
func ParseRole(s string) (Role, error) {
	switch r := Role(s); r {
	case RoleAdmin, RoleEditor, RoleViewer, RoleNone:
		return r, nil
	}
	return "", Errorf(CodeInvalid, "%q is no role.", s).WithNext("Use admin, editor, viewer or none.")
}

// Person is a human member.
type Person struct {
	V          int          `json:"v"`
	Rev        int64        `json:"rev"`
	ID         PersonID     `json:"id"`
	Name       string       `json:"name"`
	Avatar     string       `json:"avatar,omitempty"`
	Identities []IdentityID `json:"identities"`
	Provider   ProviderName `json:"provider,omitempty"` // their default
	Admin      bool         `json:"admin,omitempty"`    // of the workspace
	// Terms are the versions of providers' terms that the person accepted.
	Terms map[ProviderName]string `json:"terms,omitempty"`
	// TermsBy names the former person who accepted terms, where this one did not: undoing the link takes those back.
	TermsBy map[ProviderName]PersonID `json:"termsBy,omitempty"`
	// AskAbove is what a request may cost without a question, in millionths of a dollar; nil is the project's or the default.
	AskAbove *int64 `json:"askAbove,omitempty"`
	// Former are people who turned out to be this one: what they made and linked is this person's. Merged is the other
	// direction; such a record stays, so that it can be undone.
	Former    []PersonID `json:"former,omitempty"`
	Merged    PersonID   `json:"merged,omitempty"`
	SplitBy   InboundID  `json:"splitBy,omitempty"` // what undid such a link last, and whose it was: handled again, it undoes no other
	SplitFrom PersonID   `json:"splitFrom,omitempty"`
	CreatedAt time.Time  `json:"createdAt"`
}

// Is reports whether an id is this person's, now or formerly.
func (p *Person) Is(id PersonID) bool { return id == p.ID || slices.Contains(p.Former, id) }

// Linked reports whether the person has users of several platforms: then the name and the picture are the person's,
// wherever they write.
func (p *Person) Linked() bool { return len(p.Identities) > 1 && p.Name != "" }

// IDs lists the person's id and the former ones.
func (p *Person) IDs() []PersonID { return append([]PersonID{p.ID}, p.Former...) }

// IdentityOn returns the person's identity on a platform; for Slack in the room's team if there is one.
func (p Person) IdentityOn(room RoomID) (IdentityID, bool) {
	plat := room.Platform()
	team := teamOf(room.Local())
	var other IdentityID
	for _, id := range p.Identities {
		switch {
		case id.Platform() != plat:
		case plat == Discord || teamOf(id.Local()) == team:
			return id, true
		default:
			other = id
		}
	}
	return other, other != "" && plat == Discord
}

func teamOf(local string) string {
	for i := range len(local) {
		if local[i] == '/' {
			return local[:i]
		}
	}
	return local
}

// Project is the unit of membership, settings and storage.
type Project struct {
	V         int               `json:"v"`
	Rev       int64             `json:"rev"`
	Key       ProjectKey        `json:"key"`
	Name      string            `json:"name"`
	Rooms     []RoomID          `json:"rooms"`
	Default   Role              `json:"default"`         // role of whoever sees a bound room
	Grants    map[PersonID]Role `json:"grants"`          // given by name
	Mapped    map[string]Role   `json:"mapped"`          // given by platform group: "discord:@123"
	Settings  map[string]string `json:"settings"`        // by name
	Names     map[string]string `json:"names,omitempty"` // people's names by id, for lists
	Quotas    []Quota           `json:"quotas,omitempty"`
	Extra     []Grant           `json:"extra,omitempty"` // of current periods; older ones are dropped when it is written
	CreatedAt time.Time         `json:"createdAt"`
}

// SettingMirror is the project's setting of what shows in its other rooms: "tasks" or "all".
const SettingMirror = "mirror"

// MirrorsAll reports whether everything said in the project's public rooms shows in its other public rooms.
func (p *Project) MirrorsAll() bool { return p.Settings[SettingMirror] == "all" }

// settingMirrorSince is when the mirroring of all was switched on.
const settingMirrorSince = "mirror_since"

// Mirror sets what shows in the project's other rooms: "tasks" or "all". What was said before it is switched on stays
// where it is.
func (p *Project) Mirror(what string, now time.Time) {
	if p.Settings == nil {
		p.Settings = map[string]string{}
	}
	if what == "all" && !p.MirrorsAll() {
		p.Settings[settingMirrorSince] = now.UTC().Format(time.RFC3339Nano)
	}
	p.Settings[SettingMirror] = what
}

// MirrorsSince returns when the mirroring of all was switched on.
func (p *Project) MirrorsSince() time.Time {
	t, err := time.Parse(time.RFC3339Nano, p.Settings[settingMirrorSince])
	if err != nil {
		return time.Time{}
	}
	return t
}

// Room binds a channel to a project.
type Room struct {
	V       int          `json:"v"`
	Rev     int64        `json:"rev"`
	ID      RoomID       `json:"id"`
	Project ProjectKey   `json:"project,omitempty"` // empty when unbound
	Former  []ProjectKey `json:"former,omitempty"`  // threads opened then stay there
	Name    string       `json:"name,omitempty"`
	Private bool         `json:"private,omitempty"`
}

// TaskStatus is where a task stands.
type TaskStatus string

// Statuses.
const (
	StatusOpen     TaskStatus = "open"
	StatusReview   TaskStatus = "in review"
	StatusChanges  TaskStatus = "changes requested"
	StatusApproved TaskStatus = "approved"
	StatusClosed   TaskStatus = "closed"
)

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
	Latest    int        `json:"latest"`           // newest version number
	Picked    ImageRef   `json:"picked,omitzero"`  // by pick
	Private   bool       `json:"private"`          // made in a private room: never shown elsewhere
	Rooms     []RoomID   `json:"rooms"`            // where it shows
	Comments  int        `json:"comments"`         // live ones
	Open      int        `json:"open"`             // of these, not resolved
	Parent    TaskID     `json:"parent,omitempty"` // for a task made from another one
	CreatedAt time.Time  `json:"createdAt"`
	UpdatedAt time.Time  `json:"updatedAt"`
}

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

// Comment is one message of feedback.
type Comment struct {
	V         int        `json:"v"`
	Rev       int64      `json:"rev"`
	ID        CommentID  `json:"id"`
	Task      TaskID     `json:"task"`
	On        ImageRef   `json:"on,omitzero"`
	Source    MessageRef `json:"source,omitzero"` // the message it came from; empty for a command's comment
	Author    PersonID   `json:"author"`
	Identity  IdentityID `json:"identity"`
	Name      string     `json:"name"`
	Avatar    string     `json:"avatar,omitempty"`
	Text      RichText   `json:"text,omitempty"`
	Files     []Attached `json:"files,omitempty"`
	ReplyTo   CommentID  `json:"replyTo,omitempty"`
	At        time.Time  `json:"at"`
	EditedAt  time.Time  `json:"editedAt,omitzero"`
	EditTold  time.Time  `json:"editTold,omitzero"` // when the platform told of that edit; zero when it was read from history
	Edits     int        `json:"edits,omitempty"`
	Deleted   bool       `json:"deleted,omitempty"`
	Resolved  bool       `json:"resolved,omitempty"`
	Late      bool       `json:"late,omitempty"`  // found by catch-up: shown with its original time
	Found     bool       `json:"found,omitempty"` // by reading history, not told live
	Reactions Reactions  `json:"reactions,omitempty"`
}

// Reactions maps an emoji's key to those who reacted with it.
type Reactions map[string][]Reactor

// Reactor is somebody who reacted, and where.
type Reactor struct {
	Identity IdentityID `json:"id"`
	Room     RoomID     `json:"room"`
	Emoji    Emoji      `json:"emoji"` // as it was called there
	At       time.Time  `json:"at,omitzero"`
	// Off remembers for a while that it was taken back, so that an older event does not bring it again.
	Off bool `json:"off,omitempty"`
}

// offFor is how long a reaction that was taken back is remembered.
const offFor = 24 * time.Hour

// Put records that somebody reacted, or took it back, unless something newer is known of them. It reports whether that
// changed what shows.
func (r Reactions) Put(x Reactor) (changed, known bool) {
	key := x.Emoji.Key()
	list := r[key]
	i := slices.IndexFunc(list, func(y Reactor) bool { return y.Identity == x.Identity && y.Room == x.Room })
	switch {
	case i < 0:
		r[key] = append(slices.DeleteFunc(list, func(y Reactor) bool { return y.Off && x.At.Sub(y.At) > offFor }), x)
		return !x.Off, false
	case x.At.Before(list[i].At):
		return false, true
	}
	changed = list[i].Off != x.Off
	known = !changed && !x.At.After(list[i].At)
	list[i] = x
	return changed, known
}

// Live returns who reacts with an emoji.
func (r Reactions) Live(key string) []Reactor {
	var out []Reactor
	for _, x := range r[key] {
		if !x.Off {
			out = append(out, x)
		}
	}
	return out
}

// In returns who reacts in a room, by the emoji's key.
func (r Reactions) In(room RoomID) map[string][]Reactor {
	out := map[string][]Reactor{}
	for key := range r {
		for _, x := range r.Live(key) {
			if x.Room == room {
				out[key] = append(out[key], x)
			}
		}
	}
	return out
}

// Attached is a file of a comment: where it came from, and the stored bytes once they were fetched.
type Attached struct {
	Ref  FileRef `json:"ref"`
	Blob BlobKey `json:"blob,omitempty"`
	Size int64   `json:"size,omitempty"`
	MIME string  `json:"mime,omitempty"`
	Fail string  `json:"fail,omitempty"` // why it could not be fetched, for people
}

// MessageRef names a message on a platform.
type MessageRef struct {
	Room   RoomID    `json:"room"`
	Thread ThreadID  `json:"thread,omitempty"`
	ID     MessageID `json:"id"`
}

// IsZero reports whether it names nothing.
func (m MessageRef) IsZero() bool { return m.ID == "" }

// Thread is a task's conversation in one room.
type Thread struct {
	V      int       `json:"v"`
	Room   RoomID    `json:"room"`
	ID     ThreadID  `json:"id"`
	Task   TaskID    `json:"task"`
	Root   MessageID `json:"root"`
	Cursor MessageID `json:"cursor,omitempty"` // newest message seen there
	Active time.Time `json:"active"`
	// Since bounds how far back history is read; zero for threads, which are read whole.
	Since time.Time `json:"since,omitzero"`
	// Caught is the newest gap up to which what was said was read again, Checked the same for edits, deletions and
	// reactions. Cursor has nothing missing before it as far as Caught reaches.
	Caught  Gap `json:"caught,omitempty"`
	Checked Gap `json:"checked,omitempty"`
}

// Placement is where an object shows in a room.
type Placement struct {
	Thread  ThreadID           `json:"thread,omitempty"`
	Parts   []MessageID        `json:"parts"`
	Rev     int64              `json:"rev,omitempty"` // of the content that was delivered last
	Handles map[BlobKey]string `json:"handles,omitempty"`
	Source  bool               `json:"source,omitempty"` // written there by the author, not by us
	Failed  bool               `json:"failed,omitempty"` // given up: people see a mark elsewhere
}

// Job is a run in a person's queue.
type Job struct {
	V         int          `json:"v"`
	Rev       int64        `json:"rev"`
	ID        JobID        `json:"id"`
	Version   VersionID    `json:"version"`
	Person    PersonID     `json:"person"`
	Asker     PersonID     `json:"asker,omitempty"` // who asked, where Person is one of their former ids, under which the account lies
	Provider  ProviderName `json:"provider"`
	Request   Request      `json:"request"`
	State     JobState     `json:"state"`
	Relax     bool         `json:"relax,omitempty"`
	NotBefore time.Time    `json:"notBefore,omitzero"`
	CreatedAt time.Time    `json:"createdAt"`
	Fence     int64        `json:"fence,omitempty"` // of the run that submitted it
	// Handle is what the provider's Resume needs, once it accepted the run.
	Handle string `json:"handle,omitempty"`
	// Reservation is what quotas hold for it, Share this job's part of that, Cost what the plan said.
	Reservation string `json:"reservation,omitempty"`
	Share       Amount `json:"share,omitzero"`
	Cost        Cost   `json:"cost,omitzero"`
	Trace       string `json:"trace,omitempty"` // of the inbound that asked for it
	// Begun is when it was claimed the last time; zero before. Took is how long runs at its provider took lately, as
	// Queue knows it; 0 while nobody knows. Both are kept beside the record.
	Begun time.Time     `json:"-"`
	Took  time.Duration `json:"-"`
}

// AskedBy returns who asked.
func (j Job) AskedBy() PersonID {
	if j.Asker != "" {
		return j.Asker
	}
	return j.Person
}

// AccountKey names the queue a job waits in: one person's account at one provider.
func (j Job) AccountKey() string { return string(j.Person) + "/" + string(j.Provider) }
