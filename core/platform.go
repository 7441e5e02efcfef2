package core

import (
	"context"
	"io"
	"time"
)

// Platform is a chat platform as the bridge sees it. One value serves every installation (team or server) that it was
// given; its constructor does no I/O.
type Platform interface {
	// Name returns "slack" or "discord".
	Name() PlatformName
	// Capabilities returns what the platform can show. It never changes.
	Capabilities() Capabilities
	// Run receives until the context ends, handing each event to r before acknowledging it. It reconnects by itself
	// and returns early only with CodeFatal.
	Run(ctx context.Context, r Receiver) error
	// Deliver makes one delivery happen. It is called by one goroutine per thread at a time and may block on rate
	// limits. It is idempotent: a delivery with Attempt > 0 is looked up first. Errors: CodeRetry (nothing happened),
	// CodeUnknown (look before the next try), CodeGone, CodeForbidden, CodeTooLarge, CodeUnsupp, CodeInvalid,
	// CodeFatal. The receipt may be partly filled beside an error: those parts exist.
	Deliver(ctx context.Context, d Delivery) (Receipt, error)
	// Fetch opens a file that an inbound named. The caller closes it and bounds what it reads.
	Fetch(ctx context.Context, room RoomID, f FileRef) (io.ReadCloser, error)
}

// History is what catch-up reads; a platform that keeps messages implements it.
type History interface {
	// Since returns what a thread (or the room, when thread is empty) holds after the cursor, oldest first, at most
	// limit messages; of a room it may be more, where a platform reads only backwards. An empty cursor starts at since. CodeGone when the thread is no longer there.
	Since(ctx context.Context, room RoomID, thread ThreadID, cursor MessageID, since time.Time, limit int) (Page, error)
	// Reactors returns who reacts to a message with an emoji, ourselves left out, at most 1,000.
	Reactors(ctx context.Context, room RoomID, thread ThreadID, msg MessageID, e Emoji) ([]IdentityID, error)
}

// Latest tells cheaply which threads of a room have news; platforms that can do so implement it.
type Latest interface {
	// Latest returns the newest message of threads that began or were active since a time, as far as one or two calls
	// tell; a thread that is not among them may have news.
	Latest(ctx context.Context, room RoomID, since time.Time) (map[ThreadID]MessageID, error)
}

// Page is a part of a history.
type Page struct {
	Messages []Past
	// Next is the cursor of the last message that was read.
	Next MessageID
	// Complete is false when there is more.
	Complete bool
}

// Past is a message as history has it.
type Past struct {
	ID MessageID
	// Inbound is the message as it would have been told, of kind InboundMessage or InboundEdit; nil for what is ours or
	// the platform's own, for commands, which are not carried out late, and for what could not be read.
	Inbound *Inbound
	// Thread hangs on the message; empty when there is none.
	Thread ThreadID
	// Reactions are those of others than ourselves.
	Reactions []Reaction
}

// Reaction is an emoji on a message.
type Reaction struct {
	Emoji Emoji
	Count int // how many react with it, ourselves left out
	// By is who they are, as far as the history tells; fewer than Count means that Reactors must be asked.
	By []IdentityID
}

// Directory answers questions about rooms; both platforms implement it.
type Directory interface {
	// Room returns a room's present name and visibility. CodeNotFound or CodeForbidden when we cannot see it.
	Room(ctx context.Context, id RoomID) (RoomInfo, error)
	// Link returns a URL that opens the thread or message for people who may see it; empty if it cannot be built.
	Link(room RoomID, thread ThreadID, msg MessageID) string
}

// Namer tells who somebody is where an event did not say so; both platforms implement it.
type Namer interface {
	// WhoIs returns the display name and picture behind an identity; CodeRetry when that cannot be asked now.
	WhoIs(ctx context.Context, id IdentityID) (Actor, error)
}

// RoomInfo is a room as its platform describes it.
type RoomInfo struct {
	Name    string
	Private bool
	// Outside says that the app is no member: it can see the room, and nothing that is said there.
	Outside bool
}

// RoomChecker says what the app may not do in a room that it can see, for doctor. It changes nothing there.
type RoomChecker interface {
	// CheckRoom returns what is missing, each in a few words; nothing when all is well.
	CheckRoom(ctx context.Context, id RoomID) (missing []string, err error)
}

// Receiver is what a platform hands events to. All methods may be called from several goroutines.
type Receiver interface {
	// Receive stores an inbound. After nil the platform may acknowledge; after an error it must not. The same
	// InboundID a second time is stored once. It takes milliseconds.
	Receive(ctx context.Context, in Inbound) error
	// Acknowledged notes that the platform accepted the acknowledgement of an inbound. Billable commands without this
	// note are not run again after a crash. Errors are only logged: the platform calls it after it has answered.
	Acknowledged(ctx context.Context, id InboundID, room RoomID, actor IdentityID)
	// Answer answers within the acknowledgement and only reads: the modal that a press opens, or the choices of an
	// autocomplete. It must return within a second.
	Answer(ctx context.Context, q Query) (Card, error)
}

// GapReceiver is implemented by receivers that can read what was missed; platforms look for it.
type GapReceiver interface {
	// Gap tells that events of a platform may have been missed up to now: a session that could not be resumed, or no
	// connection for a while. It returns at once; catch-up follows.
	Gap(platform PlatformName)
}

// TellGap tells a receiver of a gap, if it wants to know.
func TellGap(r Receiver, p PlatformName) {
	if g, ok := r.(GapReceiver); ok {
		g.Gap(p)
	}
}

// QueryKind says what a query asks for.
type QueryKind string

// Query kinds.
const (
	QueryModal        QueryKind = "modal"        // the modal that Action opens
	QueryAutocomplete QueryKind = "autocomplete" // choices for Option of Verb, given what was typed
)

// Query is a question that is answered inside the acknowledgement.
type Query struct {
	Kind    QueryKind
	Actor   Actor
	Room    RoomID
	Thread  ThreadID
	Action  Action
	Verb    string
	Option  string
	Text    string      // what was typed so far
	Target  *MenuTarget // for a menu command that opens a modal
	Options map[string]string
}

// Capabilities are a platform's limits and gaps, as data, so that cards and help can say what will happen before it does.
type Capabilities struct {
	MaxText        int   // characters in one message; longer ones become parts
	MaxFile        int64 // bytes per file that we may upload
	MaxFiles       int   // files per message
	ButtonsPerRow  int
	ButtonRows     int
	PrivateMention bool     // a mention can be answered privately
	Underline      bool     // rich text kinds that exist there
	Spoiler        bool     //
	Missing        []string // features that this platform cannot do, as sentences for people
}

// DeliveryOp says what a delivery does.
type DeliveryOp string

// Operations.
const (
	OpPost    DeliveryOp = "post"    // a new message: comment, card or notice
	OpEdit    DeliveryOp = "edit"    // change the message(s) in Target to the new content
	OpDelete  DeliveryOp = "delete"  // remove the messages in Target; already gone is success
	OpReact   DeliveryOp = "react"   // add Emoji as the app on Target's first part; already there is success
	OpUnreact DeliveryOp = "unreact" // remove the app's Emoji; not there is success
	OpAnswer  DeliveryOp = "answer"  // a private answer through Reply
	OpDirect  DeliveryOp = "direct"  // a direct message to Person
)

// Delivery is one effect that must reach a platform, ready to be rendered: names are resolved, mentions carry
// identities of the target platform only, files can be opened.
type Delivery struct {
	// Lang is how to speak where it goes: to everybody in a room, or to who reads it alone. It is asked for only where the
	// platform has to add words of its own; nil speaks English.
	Lang   func() Lang
	ID     DeliveryID
	Op     DeliveryOp
	Room   RoomID
	Thread ThreadID
	Target []MessageID // parts of an earlier post, in order, for OpEdit, OpDelete, OpReact, OpUnreact; parts already posted when OpPost is tried again
	// After is the newest recorded message of ours in this thread, when Attempt > 0 and this holder made all tries. One
	// delivery at a time is under way in a thread: an unrecorded message of ours behind it comes from an earlier try of this
	// one. Empty when none is known, or when earlier holders tried: what they posted lies behind Since.
	After MessageID
	// Find asks OpPost to post nothing, and only to say in the receipt what an earlier try posted. Attempt > 0.
	Find bool
	// Changed says that the content may have changed since an earlier try.
	Changed bool
	Since   time.Time // nobody tried it before; zero at the first try
	// Tried is a moment after which nobody tried this delivery, when Attempt > 0: what was read of its thread later than that
	// shows what became of every try. Zero when none is known.
	Tried   time.Time
	Attempt int     // tries before this one whose outcome is not known to be "nothing happened"
	Author  *Author // nil: as the app itself
	Text    RichText
	Card    *Card
	Files   []File
	ReplyTo MessageID // the message it replies to, in this room
	Emoji   Emoji
	// ThreadName asks OpPost in a room (Thread empty) to open a thread on the message; the receipt names it.
	ThreadName string
	// Topic names the post where a message in a room (Thread empty) must begin one: in a forum.
	Topic string
	// OpenOn asks OpPost to open a thread on this message, unless it has one, and to post there; the receipt names it.
	OpenOn MessageID
	Reply  ReplyHandle
	To     IdentityID // for OpDirect, and the person for OpAnswer with ReplyMention
	// Handles are the platform's own names of uploaded files by blob (Slack file ids), from earlier receipts.
	Handles map[BlobKey]string
}

// T is a sentence of the platform's own that goes out with the delivery.
func (d Delivery) T(sentence string, args ...any) string {
	if d.Lang == nil {
		return Lang{}.T(sentence, args...)
	}
	return d.Lang().T(sentence, args...)
}

// Author is who a mirrored comment is shown as.
type Author struct {
	Name   string `json:"name"`
	Avatar string `json:"avatar,omitempty"` // public URL or empty
	From   string `json:"from,omitempty"`   // the platform they wrote on, for "(Slack)"; empty when they are known here
}

// File is a file to be delivered.
type File struct {
	Blob BlobKey
	Name string
	MIME string
	Size int64
	Alt  string
	Open func(ctx context.Context) (io.ReadCloser, error)
}

// Receipt says what a delivery made.
type Receipt struct {
	Parts   []MessageID        // the messages that now show it, in order
	Thread  ThreadID           // with ThreadName
	Handles map[BlobKey]string // uploaded files, to be used again
	Notes   []string           // what could not be shown (a file over the limit), for people
}

type mayPost struct{}

// WithMayPost gives a context a question that adapters ask immediately before each call that makes something new, after
// all waiting for limits: may it still be made? A process that was frozen finds out so that somebody else does its work.
func WithMayPost(ctx context.Context, ask func(context.Context) error) context.Context {
	return context.WithValue(ctx, mayPost{}, ask)
}

// MayPost asks that question; nil when nobody set one. After an error nothing may be made.
func MayPost(ctx context.Context) error {
	if ask, ok := ctx.Value(mayPost{}).(func(context.Context) error); ok {
		return ask(ctx)
	}
	return nil
}

// Limiter paces calls, shared by every replica that uses the same token.
type Limiter interface {
	// Wait blocks until a call that counts in these buckets may start, or the context ends. It takes a place in each, one
	// after the other, so that none in a later bucket is kept while an earlier one is waited for; at once, where all are
	// free.
	Wait(ctx context.Context, buckets ...string) error
	// Limited tells what a platform said: no call in this bucket for this long.
	Limited(ctx context.Context, bucket string, d time.Duration)
	// Learn sets a bucket's rate: at most n calls in each window. Zero n forgets it.
	Learn(ctx context.Context, bucket string, n int, window time.Duration)
}

// Leases hands out exclusive, fenced ownership for a short time.
type Leases interface {
	// Acquire tries once. ok is false when somebody else holds it.
	Acquire(ctx context.Context, name string, ttl time.Duration) (l Lease, ok bool, err error)
	// Renew extends a held lease; CodeConflict when it was lost.
	Renew(ctx context.Context, l Lease, ttl time.Duration) error
	// Release gives it up at once. A lost lease is no error.
	Release(ctx context.Context, l Lease) error
}

// Members tells how many processes share the work.
type Members interface {
	// Join announces this process for ttl and returns its place among the living, from 0, and their number.
	Join(ctx context.Context, ttl time.Duration) (place, all int, err error)
	// Leave takes this process out at once.
	Leave(ctx context.Context) error
}

// Gap numbers the moments up to which a platform's events may have been missed: milliseconds since 1970 when it was
// noticed. Zero means that none is known.
type Gap int64

// Gaps keeps the newest gap of each platform, for all processes.
type Gaps interface {
	// Note records a gap and returns the newest one, which may be another process's.
	Note(ctx context.Context, p PlatformName, g Gap) (Gap, error)
	// Newest returns the newest gap of each platform.
	Newest(ctx context.Context) (map[PlatformName]Gap, error)
	// Listening notes whether this process is told of a platform's events now, for a few seconds, and returns how many
	// other processes are.
	Listening(ctx context.Context, p PlatformName, now bool) (others int, err error)
}

// Lease is a held lease. Fence grows with each holder; stores refuse writes with an old one.
type Lease struct {
	Name   string
	Holder string
	Fence  int64
}

// Echo answers whether a message is one of ours, for adapters that cannot tell by its author.
type Echo interface {
	// Ours reports whether the message in this room is recorded as posted by us.
	Ours(ctx context.Context, room RoomID, thread ThreadID, msg MessageID) (bool, error)
}
