package core

import (
	"context"
	"time"
)

// Change is everything that one handled inbound writes, applied in one atomic step inside one partition: records,
// references, the outbox and the mark that the inbound is handled. Records carry the Rev they were read with (0 for a
// new one); when any of them has moved, nothing is written and the error is CodeConflict: read again and redo it.
type Change struct {
	Partition Partition
	Lease     Lease   // its fence is checked; the zero lease skips the check (tests, tools)
	Handled   EntryID // the journal entry this change settles; empty for none
	Inbound   InboundID

	NewTask  *Task // takes the next number of its project; its ID must be the one that NextTask told
	Tasks    []*Task
	Versions []*Version
	Comments []*Comment
	Threads  []*Thread
	Place    []PlaceWrite
	// Early are handled again once a message is placed, if that is within an hour: reactions to it, and what was said in
	// the thread that hangs on it.
	Early []Inbound
	Tombs []MessageRef // messages known to be deleted before they were known to exist
	Out   []Outgoing
	Dead  *DeadLetter // keep the inbound with its reason

	Saved   *SavedSearches
	Told    []Told
	Watched EntryID // of the change feed: up to there saved searches were looked through
	Bulks   []*Bulk

	Calendar *Calendar
	Bookings []*Booking
	Digests  []*DigestPlan
	Alarms   []Alarm
	Untold   []Untold

	// Took gets the outgoings that were handed out in the same step: those that Journal.Read would have handed out next,
	// which are mostly the change's own. Only whoever reads the partition under this lease may set it, and not beside a
	// Read. It is not called when there are none, nor after an error; what it was not told Read tells.
	Took func([]Entry[Outgoing])
	// AtOnce says whether an outgoing would be sent as soon as it is handed out; then how its comment stands is told with it.
	// It may be nil.
	AtOnce func(Outgoing) bool
}

// PlaceWrite records where an object shows in a room.
type PlaceWrite struct {
	Object ObjectID
	Room   RoomID
	Placement
	// Opens records the thread that was opened with it.
	Opens *Thread
	// Posted says that the parts are new: the last of them is then our newest message in the task's thread there.
	Posted bool
}

// EntryID names an entry of a partition's journal or outbox.
type EntryID string

// Outgoing is a stored effect: what to show where. Content is read when it is sent, so that a queue of progress edits
// is one edit, and a comment edited while it waits is posted in its newest form.
type Outgoing struct {
	V       int          `json:"v"`
	ID      DeliveryID   `json:"id"`
	Kind    OutgoingKind `json:"kind"`
	Room    RoomID       `json:"room,omitempty"`
	Task    TaskID       `json:"task,omitempty"`
	Object  ObjectID     `json:"object,omitempty"`
	Emoji   Emoji        `json:"emoji,omitzero"`
	Remove  bool         `json:"remove,omitempty"`
	Card    *Card        `json:"card,omitempty"`    // for notices and answers
	Text    RichText     `json:"text,omitempty"`    // for notices
	Reply   ReplyHandle  `json:"reply,omitzero"`    // for answers
	To      IdentityID   `json:"to,omitempty"`      // for answers and direct messages
	Thread  ThreadID     `json:"thread,omitempty"`  // for answers by mention
	Job     *Job         `json:"job,omitempty"`     // for jobs: crosses into the person's partition
	Again   bool         `json:"again,omitempty"`   // given up before and tried anew: it is looked up first
	Cancel  bool         `json:"cancel,omitempty"`  // with Job: take it out of the queue, as its State if that is final
	Import  *Import      `json:"import,omitempty"`  // for imports
	Link    *LinkRequest `json:"link,omitempty"`    // for accounts
	Fetch   *Inbound     `json:"fetch,omitempty"`   // whose pictures to fetch
	Untold  *Untold      `json:"untold,omitempty"`  // to be told later: crosses into the person's partition
	Message MessageID    `json:"message,omitempty"` // to remove
	At      time.Time    `json:"at"`
	Trace   string       `json:"trace,omitempty"` // of the inbound that it came of
}

// Platform returns where an outgoing goes; "" for what stays with us.
func (o Outgoing) Platform() PlatformName {
	if o.Room != "" {
		return o.Room.Platform()
	}
	return o.To.Platform()
}

// OutgoingKind says what an outgoing does.
type OutgoingKind string

// Kinds of outgoing.
const (
	OutCard    OutgoingKind = "card"    // bring Object's card in Room up to date
	OutComment OutgoingKind = "comment" // bring a comment in Room up to date: post, edit or delete
	OutReact   OutgoingKind = "react"   // bring the app's Emoji on Object in Room up to date
	OutNotice  OutgoingKind = "notice"  // post Text or Card in the task's thread in Room, once
	OutPost    OutgoingKind = "post"    // post Text or Card in Room itself, once; Task is the project's talk
	OutAnswer  OutgoingKind = "answer"  // answer privately through Reply
	OutDirect  OutgoingKind = "direct"  // write To a direct message
	OutJob     OutgoingKind = "job"     // put Job into its person's queue, or cancel it
	OutLink    OutgoingKind = "link"    // test the credential of Link and link it
	OutFetch   OutgoingKind = "fetch"   // fetch the pictures of Fetch's command and have it handled again with them
	OutHold    OutgoingKind = "hold"    // hold Untold back until At
	OutRemove  OutgoingKind = "remove"  // delete somebody's message that holds a key, where the platform lets us
	OutImport  OutgoingKind = "import"  // fetch a picture that a person brought, and tell what was found in it
)

// LinkRequest is a credential that waits, sealed, in a ticket.
type LinkRequest struct {
	Ticket   string       `json:"ticket"`
	Person   PersonID     `json:"person"`
	Provider ProviderName `json:"provider"`
	Identity IdentityID   `json:"identity"`
}

// Import is a picture that a person brings into a task.
type Import struct {
	Task      TaskID      `json:"task"`
	Want      ImageRef    `json:"want,omitzero"`    // the open version the person named
	Prompt    string      `json:"prompt,omitempty"` // what it was made of, as the person says
	Parent    ImageRef    `json:"parent,omitzero"`  // what it was made from, as the person says
	Person    PersonID    `json:"person"`
	Identity  IdentityID  `json:"identity"`
	Room      RoomID      `json:"room"`
	Thread    ThreadID    `json:"thread,omitempty"`
	File      FileRef     `json:"file"`
	Blob      BlobKey     `json:"blob,omitempty"`
	Target    *MenuTarget `json:"target,omitempty"`    // of the Midjourney message, for its job id and prompt
	Reply     ReplyHandle `json:"reply,omitzero"`      // where to tell the person
	Silent    bool        `json:"silent,omitempty"`    // an upload as a comment: say nothing when nothing matches
	Uploaded  MessageID   `json:"uploaded,omitempty"`  // the message that carried it
	Candidate []int       `json:"candidate,omitempty"` // open versions when it was brought
}

// Entry is a stored item with its place in the stream.
type Entry[T any] struct {
	ID       EntryID
	Item     T
	Replayed bool // handed out before, to a holder that did not finish it
	Err      error
	// Shown is what Glances.Shown tells of an outgoing's comment, as it was when the entry was handed out; nil when nobody
	// looked. It is of use only to whoever sends it at once.
	Shown *Shown
}

// DeadLetter is an inbound or outgoing that was given up on.
type DeadLetter struct {
	Entry    EntryID   `json:"-"` // its place among the dead letters of its partition
	ID       string    `json:"id"`
	Kind     string    `json:"kind"` // DeadInbound or DeadDelivery
	Reason   string    `json:"reason"`
	Room     RoomID    `json:"room,omitempty"`
	At       time.Time `json:"at"`
	Payload  string    `json:"payload,omitempty"` // the inbound or outgoing as JSON, without tokens
	Cut      bool      `json:"cut,omitempty"`     // the payload was too large to keep whole: it cannot be tried again
	Attempts int       `json:"attempts,omitempty"`
}

// Kinds of dead letters.
const (
	DeadInbound  = "inbound"
	DeadDelivery = "delivery"
)

// MaxDeadPayload bounds what a dead letter keeps, in bytes.
const MaxDeadPayload = 256 << 10

// Settled is what became of an outgoing; the zero value is an effect that left nothing to remember.
type Settled struct {
	Place *PlaceWrite
	Dead  *DeadLetter // it was given up
	Mark  *Mark
}

// Mark notes that an object of a task could not be shown in a room, or that it shows there after all.
type Mark struct {
	Task   TaskID
	Room   RoomID
	Object ObjectID
	Reason string   // safe for people; empty: it shows after all
	Tell   []RoomID // where people see the mark
	At     time.Time
}

// DeadLetters are the inbounds and outgoings that were given up on, per partition, for the operator.
type DeadLetters interface {
	// Dead returns the newest ones, at most limit.
	Dead(ctx context.Context, p Partition, limit int) ([]DeadLetter, error)
	// Retry puts one back to be handled or delivered again; CodeNotFound when it is not there.
	Retry(ctx context.Context, p Partition, id EntryID) error
	// Drop forgets one; CodeNotFound when it is not there.
	Drop(ctx context.Context, p Partition, id EntryID) error
}

// Posts reads what we posted.
type Posts interface {
	// Newest returns our newest recorded message in a task's thread in a room; empty when there is none.
	Newest(ctx context.Context, task TaskID, room RoomID) (MessageID, error)
}

// Marks reads what could not be shown.
type Marks interface {
	// Undelivered returns why objects of a task do not show in a room, by object, and a number that grows with each
	// change.
	Undelivered(ctx context.Context, task TaskID, room RoomID) (reasons map[ObjectID]string, rev int64, err error)
}

// Changes applies changes and tells the next task number.
type Changes interface {
	// Apply writes a change, all or nothing. CodeConflict: a record moved. CodeGone: the lease was lost.
	Apply(ctx context.Context, c Change) error
	// NextTask returns the number that the project's next task will have.
	NextTask(ctx context.Context, p Partition, key ProjectKey) (int, error)
}

// Tasks reads tasks and versions.
type Tasks interface {
	// Task returns a task; CodeNotFound when there is none.
	Task(ctx context.Context, id TaskID) (*Task, error)
	// List returns a project's tasks, newest first, at most limit, starting after the offset.
	List(ctx context.Context, p ProjectKey, offset, limit int) ([]*Task, error)
	// Some returns those of some tasks of one project that exist, in the order asked for, in one round trip.
	Some(ctx context.Context, p ProjectKey, ids []TaskID) ([]*Task, error)
	// Version returns one version; CodeNotFound when there is none.
	Version(ctx context.Context, id VersionID) (*Version, error)
	// Versions returns a task's newest versions, oldest first, at most 500.
	Versions(ctx context.Context, id TaskID) ([]*Version, error)
	// VersionsFrom returns a page of a task's versions, oldest first, from a number on, at most limit.
	VersionsFrom(ctx context.Context, id TaskID, from, limit int) ([]*Version, error)
}

// Comments reads comments.
type Comments interface {
	// Comment returns one comment; CodeNotFound when there is none.
	Comment(ctx context.Context, task TaskID, id CommentID) (*Comment, error)
	// Comments returns a page in order of time, at most limit, and the number of all. A negative offset counts from the
	// end; a limit of 0 asks for the number only.
	Comments(ctx context.Context, task TaskID, offset, limit int) ([]*Comment, int, error)
}

// Refs reads what is where on the platforms.
type Refs interface {
	// Thread returns the thread with this id in a room; CodeNotFound when it is none of a task. The partition is the
	// one the caller looks in.
	Thread(ctx context.Context, p Partition, room RoomID, id ThreadID) (*Thread, error)
	// TaskThread returns a task's thread in a room; CodeNotFound before it is opened.
	TaskThread(ctx context.Context, task TaskID, room RoomID) (*Thread, error)
	// Object returns what a message shows; tomb is true when it was deleted before it was known. CodeNotFound when
	// it is nothing of ours.
	Object(ctx context.Context, p Partition, room RoomID, msg MessageID) (obj ObjectID, tomb bool, err error)
	// Placed returns where an object shows, by room.
	Placed(ctx context.Context, p Partition, obj ObjectID) (map[RoomID]Placement, error)
	// ActiveThreads returns threads of a partition active since a time, at most limit.
	ActiveThreads(ctx context.Context, p Partition, since time.Time, limit int) ([]*Thread, error)
}

// Glances read in one round trip what handling an inbound or sending an outgoing asks for anyway.
type Glances interface {
	// Spoken returns what is known of a message that somebody wrote in a thread. Who wrote it, the room and its project are
	// read on the way, so that People and Projects know them for a moment.
	Spoken(ctx context.Context, p Partition, in Inbound) (Spoken, error)
	// Shown returns a comment, where it shows, and its task's thread in a room; CodeNotFound when there is no such comment.
	Shown(ctx context.Context, p Partition, obj ObjectID, room RoomID) (Shown, error)
}

// Spoken is a message as the store sees it before it is handled.
type Spoken struct {
	// Thread is where it was said; nil when that is no task's.
	Thread *Thread
	// Object is what the message shows, as Refs.Object tells it: Tomb when it was deleted before, Known when either is set.
	Object      ObjectID
	Tomb, Known bool
	// Task is the thread's, where it could be guessed; nil says nothing.
	Task *Task
}

// Shown is a comment as the store sees it before it is brought to a room.
type Shown struct {
	Comment *Comment
	Placed  map[RoomID]Placement
	Thread  *Thread // of the comment's task in that room; nil before it is opened
}

// Journal is the durable queue of inbounds and outgoings, one pair per partition.
type Journal interface {
	// Append stores an inbound in a partition unless its id is known there; added tells which.
	Append(ctx context.Context, p Partition, in Inbound) (added bool, err error)
	// Acknowledged notes that the platform took the acknowledgement; WasAcknowledged reads the note.
	Acknowledged(ctx context.Context, p Partition, id InboundID) error
	WasAcknowledged(ctx context.Context, p Partition, id InboundID) (bool, error)
	// Read returns the next inbounds and outgoings of a partition in order, blocking up to wait. The first reads of a
	// lease return what earlier holders left unfinished, marked Replayed.
	Read(ctx context.Context, p Partition, l Lease, max int, wait time.Duration) ([]Entry[Inbound], []Entry[Outgoing], error)
	// Settle finishes an outgoing: it records what became of it and removes the entry, in one step. CodeGone when the
	// lease was lost.
	Settle(ctx context.Context, p Partition, l Lease, id EntryID, s Settled) error
}

// People reads and changes people, identities, projects and rooms.
type People interface {
	// Person returns a person by id; CodeNotFound when unknown.
	Person(ctx context.Context, id PersonID) (*Person, error)
	// ByIdentity returns the person behind an identity; CodeNotFound when never seen.
	ByIdentity(ctx context.Context, id IdentityID) (*Person, error)
	// Meet returns the person behind an actor and makes one when new; the name and picture are refreshed.
	Meet(ctx context.Context, a Actor) (*Person, error)
	// UpdatePerson changes a person through f, which may run more than once.
	UpdatePerson(ctx context.Context, id PersonID, f func(*Person) error) (*Person, error)
	// Join makes identities one person's; CodeConflict when one has already a person with other work.
	Join(ctx context.Context, ids ...IdentityID) (*Person, error)
}

// Merges makes two people one, and undoes it.
type Merges interface {
	// Merge makes one person's record another person's: from then on its id names the other one too. Nothing is moved.
	// It may be repeated.
	Merge(ctx context.Context, into, from PersonID) (*Person, error)
	// Split undoes Merge.
	Split(ctx context.Context, into, from PersonID) error
}

// Projects reads and changes projects and rooms.
type Projects interface {
	// Project returns a project; CodeNotFound when unknown.
	Project(ctx context.Context, key ProjectKey) (*Project, error)
	// Projects lists all keys in order.
	Projects(ctx context.Context) ([]ProjectKey, error)
	// UpdateProject changes or makes a project through f, which may run more than once and gets Rev 0 for a new one.
	UpdateProject(ctx context.Context, key ProjectKey, f func(*Project) error) (*Project, error)
	// Room returns a room's binding; CodeNotFound when it was never bound.
	Room(ctx context.Context, id RoomID) (*Room, error)
	// UpdateRoom changes or makes a room through f, which may run more than once.
	UpdateRoom(ctx context.Context, id RoomID, f func(*Room) error) (*Room, error)
}

// JobHold is how long a run counts as alive after its holder was heard of last.
const JobHold = 6 * time.Second

// Jobs is the fair queue of runs, as people see it.
type Jobs interface {
	// Submit puts a job into its person's queue; the same id twice is once. It returns the position in the account's
	// queue, 1 first, 0 for a job that does not wait there.
	Submit(ctx context.Context, j Job) (position int, err error)
	// Move changes a job's state and returns the one it had; a final one leaves the queue and stays, but that an unknown
	// one may turn out to be done. CodeNotFound when there is no such job.
	Move(ctx context.Context, id JobID, person PersonID, s JobState) (was JobState, err error)
	// Job returns one job; finished ones are kept for a week.
	Job(ctx context.Context, id JobID, person PersonID) (Job, error)
	// Queue returns a person's waiting, running and handed-off jobs, oldest first, at most a hundred.
	Queue(ctx context.Context, person PersonID) ([]Job, error)
	// Next returns the first waiting jobs of a job's account, at most n, in the order in which they will run.
	Next(ctx context.Context, j Job, n int) ([]Job, error)
}

// JobRuns is the queue as the scheduler sees it. Its six methods are the life of a run.
type JobRuns interface {
	// Claim takes up to most jobs that may run in a partition, fairly between accounts, so many at once for each as
	// their provider and their person allow. They are marked submitted under the lease's fence and held for JobHold.
	Claim(ctx context.Context, p Partition, l Lease, now time.Time, most int, perAccount map[ProviderName]int) ([]Job, error)
	// Hold holds running jobs for JobHold more and returns those that were ended by somebody else.
	Hold(ctx context.Context, p Partition, ids []JobID) (ended []JobID, err error)
	// Note stores by which handle a job's result can be waited for.
	Note(ctx context.Context, j Job, handle string) error
	// Stranded returns jobs that are submitted or running and that nobody holds: left by a former holder, or claimed under
	// this lease with an answer that was lost. held tells that a former holder still holds others.
	Stranded(ctx context.Context, p Partition, l Lease) (list []Job, held bool, err error)
	// Return queues a stranded job again; only for runs that cost nothing.
	Return(ctx context.Context, p Partition, j Job) error
	// Adopt takes over the waiting for a stranded job's result; ok is false when somebody else did or it ended.
	Adopt(ctx context.Context, p Partition, l Lease, j Job) (ok bool, err error)
}
