package rdb

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/atelier-bridge/atelier/core"
)

// Keys builds every key that Atelier uses. The part in braces is the partition: Redis Cluster hashes only that, so all
// keys of one partition share a slot and one script may touch them together.
type Keys struct {
	// Prefix starts every key; "atelier" outside tests.
	Prefix string
}

func (k Keys) in(p core.Partition, rest string) string {
	return k.Prefix + ":{" + string(p) + "}:" + rest
}

// Meta holds the store's format and its number of partitions. HASH
func (k Keys) Meta() string { return k.Prefix + ":{meta}:meta" }

// Lease says who holds a name: "holder fence". STRING with PX
func (k Keys) Lease(name string) string { return k.Prefix + ":{" + name + "}:lease" }

// Fence is the newest fencing number given for a name; it only grows. STRING
func (k Keys) Fence(name string) string { return k.Prefix + ":{" + name + "}:fence" }

// Members orders the living processes by when their announcement runs out, in milliseconds. ZSET
func (k Keys) Members() string { return k.Prefix + ":{members}:members" }

// Gaps is the newest gap of each platform. HASH
func (k Keys) Gaps() string { return k.Prefix + ":{gaps}:gaps" }

// Listeners orders the processes that are told of a platform's events by when their note runs out. ZSET
func (k Keys) Listeners(p core.PlatformName) string {
	return k.Prefix + ":{gaps}:listeners:" + string(p)
}

// Bucket is the next free moment of a rate limit, in microseconds, and its learnt rate. HASH with PX
func (k Keys) Bucket(name string) string { return k.Prefix + ":{limit:" + name + "}:bucket" }

// Journal holds a partition's inbounds. STREAM
func (k Keys) Journal(p core.Partition) string { return k.in(p, "in") }

// Outbox holds a partition's outgoings. STREAM
func (k Keys) Outbox(p core.Partition) string { return k.in(p, "out") }

// seenParts is into how many sets the marks of a partition are dealt: Redis keeps up to 512 integers packed, at 8 bytes
// each, which is enough for two million inbounds in two days.
const seenParts = 4096

// Seen holds the marks of stored inbounds as integers: a part of those of one generation. The two generations (0 and 1)
// take turns, and each runs out when its turn comes again. SET with EXAT
func (k Keys) Seen(p core.Partition, generation, part int) string {
	return k.in(p, "seen:"+strconv.Itoa(generation)+":"+strconv.Itoa(part))
}

// SeenMark says in which part of the seen sets an inbound is noted, and as which integer.
func SeenMark(id core.InboundID) (part int, mark int64) {
	sum := sha256.Sum256([]byte(id))
	return int(binary.BigEndian.Uint16(sum[:])) % seenParts, int64(binary.BigEndian.Uint64(sum[2:])) //nolint:gosec // any bits do
}

// Acked notes that the platform took an inbound's acknowledgement. STRING with EX
func (k Keys) Acked(p core.Partition, id core.InboundID) string { return k.in(p, "acked:"+string(id)) }

// Dead holds dead letters. STREAM, bounded
func (k Keys) Dead(p core.Partition) string { return k.in(p, "dead") }

// Feed is the change feed: what changed, for boards. STREAM, bounded
func (k Keys) Feed(p core.Partition) string { return k.in(p, "feed") }

// Sequence is the number of a project's newest task. STRING
func (k Keys) Sequence(p core.Partition, key core.ProjectKey) string {
	return k.in(p, "seq:"+string(key))
}

// Task is a task record: v (revision) and d (JSON). HASH
func (k Keys) Task(p core.Partition, id core.TaskID) string { return k.in(p, "task:"+string(id)) }

// TaskList orders a project's tasks by number. ZSET
func (k Keys) TaskList(p core.Partition, key core.ProjectKey) string {
	return k.in(p, "tasks:"+string(key))
}

// Version is a version record. HASH
func (k Keys) Version(p core.Partition, id core.VersionID) string {
	return k.in(p, "version:"+id.String())
}

// Comment is a comment record and where it shows: a Sheet. STRING
func (k Keys) Comment(p core.Partition, task core.TaskID, id core.CommentID) string {
	return k.in(p, "comment:"+string(task)+"/"+string(id))
}

// CommentList orders a task's comments by time in milliseconds. ZSET
func (k Keys) CommentList(p core.Partition, task core.TaskID) string {
	return k.in(p, "comments:"+string(task))
}

// Thread maps a platform thread to its record, JSON. STRING
func (k Keys) Thread(p core.Partition, room core.RoomID, id core.ThreadID) string {
	return k.in(p, "thread:"+string(room)+"/"+string(id))
}

// TaskThreads holds a task's threads by room, JSON. HASH
func (k Keys) TaskThreads(p core.Partition, task core.TaskID) string {
	return k.in(p, "threads:"+string(task))
}

// ActiveThreads orders "task|room" by the time of the last message in milliseconds. ZSET
func (k Keys) ActiveThreads(p core.Partition) string { return k.in(p, "active") }

// Ref is where a platform message is mapped to the object it shows: a key that the messages of some minutes or hours of
// a room share, and the field. HASH
func (k Keys) Ref(p core.Partition, room core.RoomID, msg core.MessageID) (key, field string) {
	cut := refCut(string(msg))
	return k.in(p, "ref:"+string(room)+"/"+string(msg[:cut])), string(msg[cut:])
}

// Both platforms number messages by time, Slack in seconds and Discord in milliseconds times 2 to the 22nd. What is cut
// off here are 10,000 seconds and 40 minutes: few enough messages for Redis to keep a key's fields packed, and enough
// for them to share what a key costs.
const (
	refSeconds   = 4
	refSnowflake = 13
)

// refCut says how much of a message's id names the key; any cut would do.
func refCut(msg string) int {
	if dot := strings.IndexByte(msg, '.'); dot >= 0 {
		return max(0, dot-refSeconds)
	}
	return max(0, len(msg)-refSnowflake)
}

// Early is what is known of a message that shows nothing yet: "tomb" when it was deleted, or the inbounds that wait for
// it. STRING with EX
func (k Keys) Early(p core.Partition, room core.RoomID, msg core.MessageID) string {
	return k.in(p, "early:"+string(room)+"/"+string(msg))
}

// Undelivered holds why objects of a task do not show in a room: "room object" to the reason, and "rev". HASH
func (k Keys) Undelivered(p core.Partition, task core.TaskID) string {
	return k.in(p, "undelivered:"+string(task))
}

// Posted holds our newest message in a task's threads, by room. HASH
func (k Keys) Posted(p core.Partition, task core.TaskID) string {
	return k.in(p, "posted:"+string(task))
}

// Placed holds where an object that is no comment shows, by room. HASH
func (k Keys) Placed(p core.Partition, obj core.ObjectID) string {
	return k.in(p, "placed:"+string(obj))
}

// Terms says of the fields that a task is found by, and of the words that several of its records have, how many have each;
// and under "@" the number of changes. HASH
func (k Keys) Terms(p core.Partition, task core.TaskID) string {
	return k.in(p, "terms:"+IndexFormat+":"+string(task))
}

// Words is a project's search index: "chunk term" to the tasks that have the term, see IndexDense. HASH
func (k Keys) Words(p core.Partition, key core.ProjectKey) string {
	return k.in(p, "words:"+IndexFormat+":"+string(key))
}

// Names holds the terms of tags and folders that a project's tasks have or had. SET
func (k Keys) Names(p core.Partition, key core.ProjectKey) string {
	return k.in(p, "names:"+IndexFormat+":"+string(key))
}

// Indexed is the format in which all of a partition is indexed. STRING
func (k Keys) Indexed(p core.Partition) string { return k.in(p, "indexed") }

// Saved is a project's saved searches, one record. HASH
func (k Keys) Saved(p core.Partition, key core.ProjectKey) string {
	return k.in(p, "saved:"+string(key))
}

// SavedProjects holds the projects of a partition that have saved searches. SET
func (k Keys) SavedProjects(p core.Partition) string { return k.in(p, "savers") }

// Told holds the numbers of the tasks that a saved search told of, or that it found when it was made. SET
func (k Keys) Told(p core.Partition, key core.ProjectKey, id string) string {
	return k.in(p, "told:"+string(key)+"/"+id)
}

// Watched is the entry of the change feed up to which saved searches were looked through. STRING
func (k Keys) Watched(p core.Partition) string { return k.in(p, "watched") }

// Bulk is a bulk action's record. HASH
func (k Keys) Bulk(p core.Partition, id string) string { return k.in(p, "bulk:"+id) }

// BulkHits are the numbers of the tasks of a bulk action, four bytes each, the highest first. STRING
func (k Keys) BulkHits(p core.Partition, id string) string { return k.in(p, "bulkhits:"+id) }

// Bulks orders the bulk actions of a project by when they were asked for, in milliseconds. ZSET
func (k Keys) Bulks(p core.Partition, key core.ProjectKey) string {
	return k.in(p, "bulks:"+string(key))
}

// BulksActive holds the bulk actions of a partition that have not ended. SET
func (k Keys) BulksActive(p core.Partition) string { return k.in(p, "bulking") }

// Calendar is what the bookings of a project share, one record. HASH
func (k Keys) Calendar(p core.Partition, key core.ProjectKey) string {
	return k.in(p, "calendar:"+string(key))
}

// Booking is a booking's record. HASH
func (k Keys) Booking(p core.Partition, key core.ProjectKey, no int) string {
	return k.in(p, "booking:"+string(key)+"/"+strconv.Itoa(no))
}

// Bookings orders the numbers of a project's bookings by when they begin, in milliseconds. ZSET
func (k Keys) Bookings(p core.Partition, key core.ProjectKey) string {
	return k.in(p, "bookings:"+string(key))
}

// Digest is when a room's digest comes and what it told, one record. HASH
func (k Keys) Digest(p core.Partition, key core.ProjectKey, room core.RoomID) string {
	return k.in(p, "digest:"+string(key)+"/"+string(room))
}

// Alarms orders what a partition's timekeeper has to do by when, in milliseconds. ZSET
func (k Keys) Alarms(p core.Partition) string { return k.in(p, "alarms") }

// Untold is what a person is told later, by delivery; and when it was told, for a while. HASH
func (k Keys) Untold(p core.Partition, id core.PersonID) string {
	return k.in(p, "untold:"+string(id))
}

// Touched orders the numbers of a project's tasks by when they changed last, in milliseconds. ZSET
func (k Keys) Touched(p core.Partition, key core.ProjectKey) string {
	return k.in(p, "touched:"+string(key))
}

// Due orders the numbers of a project's tasks by when they are due, in milliseconds. ZSET
func (k Keys) Due(p core.Partition, key core.ProjectKey) string { return k.in(p, "due:"+string(key)) }

// CalendarLink says whose calendar a link opens, by the digest of its token: "person project". STRING
func (k Keys) CalendarLink(p core.Partition, digest string) string { return k.in(p, "ics:"+digest) }

// Person is a person record. HASH
func (k Keys) Person(p core.Partition, id core.PersonID) string {
	return k.in(p, "person:"+string(id))
}

// Identity maps an identity to its person. STRING
func (k Keys) Identity(p core.Partition, id core.IdentityID) string {
	return k.in(p, "identity:"+string(id))
}

// Project is a project record. HASH
func (k Keys) Project(p core.Partition, key core.ProjectKey) string {
	return k.in(p, "project:"+string(key))
}

// ProjectList holds the keys of all projects of a partition. SET
func (k Keys) ProjectList(p core.Partition) string { return k.in(p, "projects") }

// Room is a room record. HASH
func (k Keys) Room(p core.Partition, id core.RoomID) string { return k.in(p, "room:"+string(id)) }

// Job is a job: d (JSON), v (revision), s (state), f (fence of its run), h (handle), a (account), o (person), r (place in
// the queue). HASH
func (k Keys) Job(p core.Partition, id core.JobID) string { return k.in(p, "job:"+string(id)) }

// Queue orders the waiting jobs of an account: fast before relax, then by time. ZSET
func (k Keys) Queue(p core.Partition, account string) string { return k.in(p, "queue:"+account) }

// Running holds the jobs of an account that were claimed. SET
func (k Keys) Running(p core.Partition, account string) string { return k.in(p, "running:"+account) }

// Accounts orders the accounts that have waiting jobs and room by the turn in which they were served last. ZSET
func (k Keys) Accounts(p core.Partition) string { return k.in(p, "accounts") }

// Served is the turn in which accounts were served last, and under the empty name the newest turn. HASH
func (k Keys) Served(p core.Partition) string { return k.in(p, "served") }

// Limits is how many runs at once an account's person allows, where that is less than the provider does. HASH
func (k Keys) Limits(p core.Partition) string { return k.in(p, "limits") }

// Later orders jobs that may not run yet by when they may, in milliseconds. ZSET
func (k Keys) Later(p core.Partition) string { return k.in(p, "later") }

// Held says that somebody runs a job. STRING with PX
func (k Keys) Held(p core.Partition, id core.JobID) string { return k.in(p, "held:"+string(id)) }

// Pace is how long runs at each provider took lately, in milliseconds. HASH
func (k Keys) Pace(p core.Partition) string { return k.in(p, "pace") }

// Counts is how many jobs of each provider are in each state, under "provider/state". HASH
func (k Keys) Counts(p core.Partition) string { return k.in(p, "counts") }

// AllRunning holds every claimed job of a partition. SET
func (k Keys) AllRunning(p core.Partition) string { return k.in(p, "running") }

// PersonJobs holds the jobs of a person that are not final, by creation time. ZSET
func (k Keys) PersonJobs(p core.Partition, id core.PersonID) string {
	return k.in(p, "jobs:"+string(id))
}

// Account is a person's account at a provider. HASH
func (k Keys) Account(p core.Partition, person core.PersonID, provider core.ProviderName) string {
	return k.in(p, "account:"+string(person)+"/"+string(provider))
}

// AccountList holds "person/provider" of every account of a partition, in that order. ZSET, all scores 0
func (k Keys) AccountList(p core.Partition) string { return k.in(p, "accountlist") }

// Fingerprint says whose a credential is: "person/provider". STRING
func (k Keys) Fingerprint(p core.Partition, fp string) string { return k.in(p, "fingerprint:"+fp) }

// FingerprintKey is the sealed key of the fingerprints. STRING
func (k Keys) FingerprintKey() string { return k.Prefix + ":{meta}:fingerprint-key" }

// Installs holds the apps that teams of a platform installed by themselves, one record. HASH
func (k Keys) Installs(p core.PlatformName) string {
	return k.Prefix + ":{installs}:installs:" + string(p)
}

// Ticket is a ticket by its kind and the digest of its token. HASH with PX
func (k Keys) Ticket(p core.Partition, kind core.TicketKind, digest string) string {
	return k.in(p, "ticket:"+string(kind)+":"+digest)
}

// Attempts counts somebody's tries. STRING with PX
func (k Keys) Attempts(p core.Partition, who string) string { return k.in(p, "attempts:"+who) }

// Spent counts what a project ("" for who) or a person in it used in a period: pictures, micros, and the same held;
// "told/..." says which shares of limits were told. HASH with PX
func (k Keys) Spent(p core.Partition, project core.ProjectKey, who core.PersonID, period string) string {
	return k.in(p, "spent:"+string(project)+"/"+string(who)+"/"+period)
}

// Reservation is what a request holds. HASH with PX
func (k Keys) Reservation(p core.Partition, id string) string { return k.in(p, "reservation:"+id) }

// Holds orders reservations by when they run out, in milliseconds. ZSET
func (k Keys) Holds(p core.Partition) string { return k.in(p, "holds") }

// UsageDay counts what a project or a person used on a day, by "person|provider|what". HASH with PX
func (k Keys) UsageDay(p core.Partition, of, day string) string { return k.in(p, "usage:"+of+"/"+day) }

// Counted marks a job as counted. STRING with PX
func (k Keys) Counted(p core.Partition, of string, id core.JobID) string {
	return k.in(p, "counted:"+of+"/"+string(id))
}
