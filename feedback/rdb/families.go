package rdb

import "strings"

// Type is what a key holds.
type Type byte

// Types of keys.
const (
	String    Type = 's'
	Hash      Type = 'h'
	Set       Type = 'm'
	SortedSet Type = 'z'
	Stream    Type = 'x'
)

// Family says of the keys that one method of Keys builds what they hold and whether a copy of the installation takes
// them along.
type Family struct {
	// Method builds the keys.
	Method string
	// Word stands behind the braces, up to a colon or the end.
	Word string
	Type Type
	// Kept says whether an export holds them, with their time to live.
	Kept bool
	// Names says that the values name other keys, each at the start of a value or of a line of it.
	Names bool
	// Why says what an export is for without them, or what would go wrong without them.
	Why string
}

// Families is the one list of what the store holds; every method of Keys stands in it.
func Families() []Family {
	return []Family{
		{Method: "Meta", Word: "meta", Type: Hash, Why: "stands in the archive's header"},
		{Method: "Lease", Word: "lease", Type: String, Why: "names a process and lasts three seconds"},
		{Method: "Fence", Word: "fence", Type: String, Kept: true, Why: "must never run backwards, even where the new machine's clock is slow"},
		{Method: "Members", Word: "members", Type: SortedSet, Why: "names processes"},
		{Method: "Gaps", Word: "gaps", Type: Hash, Kept: true, Why: "threads note up to which gap they were caught up"},
		{Method: "Listeners", Word: "listeners", Type: SortedSet, Why: "names processes"},
		{Method: "Bucket", Word: "bucket", Type: Hash, Why: "lasts seconds; rates are learnt again"},
		{Method: "Journal", Word: "in", Type: Stream, Kept: true, Why: "what was said and is not handled yet"},
		{Method: "Outbox", Word: "out", Type: Stream, Kept: true, Why: "what is not delivered yet"},
		{Method: "Seen", Word: "seen", Type: Set, Kept: true, Why: "platforms tell again what they told before the move"},
		{Method: "Acked", Word: "acked", Type: String, Kept: true, Why: "decides whether a waiting command that costs something runs"},
		{Method: "Dead", Word: "dead", Type: Stream, Kept: true},
		{Method: "Feed", Word: "feed", Type: Stream, Kept: true},
		{Method: "Sequence", Word: "seq", Type: String, Kept: true},
		{Method: "Task", Word: "task", Type: Hash, Kept: true},
		{Method: "TaskList", Word: "tasks", Type: SortedSet, Kept: true},
		{Method: "Version", Word: "version", Type: Hash, Kept: true},
		{Method: "Comment", Word: "comment", Type: String, Kept: true},
		{Method: "CommentList", Word: "comments", Type: SortedSet, Kept: true},
		{Method: "Thread", Word: "thread", Type: String, Kept: true},
		{Method: "TaskThreads", Word: "threads", Type: Hash, Kept: true},
		{Method: "ActiveThreads", Word: "active", Type: SortedSet, Kept: true},
		{Method: "Ref", Word: "ref", Type: Hash, Kept: true},
		{Method: "Early", Word: "early", Type: String, Kept: true, Why: "inbounds wait in it that stand nowhere else"},
		{Method: "Undelivered", Word: "undelivered", Type: Hash, Kept: true},
		{Method: "Posted", Word: "posted", Type: Hash, Kept: true},
		{Method: "Placed", Word: "placed", Type: Hash, Kept: true},
		{Method: "Terms", Word: "terms", Type: Hash, Why: "made anew from tasks, versions and comments by whoever serves first"},
		{Method: "Words", Word: "words", Type: Hash, Why: "made anew from tasks, versions and comments by whoever serves first"},
		{Method: "Names", Word: "names", Type: Set, Why: "made anew from tasks, versions and comments by whoever serves first"},
		{Method: "Indexed", Word: "indexed", Type: String, Why: "without it the index is made anew"},
		{Method: "Saved", Word: "saved", Type: Hash, Kept: true},
		{Method: "SavedProjects", Word: "savers", Type: Set, Kept: true},
		{Method: "Told", Word: "told", Type: Set, Kept: true, Why: "without it everything found would be told again"},
		{Method: "Watched", Word: "watched", Type: String, Why: "without it every saved search is looked through once"},
		{Method: "Bulk", Word: "bulk", Type: Hash, Kept: true},
		{Method: "BulkHits", Word: "bulkhits", Type: String, Kept: true},
		{Method: "Bulks", Word: "bulks", Type: SortedSet, Kept: true},
		{Method: "BulksActive", Word: "bulking", Type: Set, Kept: true},
		{Method: "Calendar", Word: "calendar", Type: Hash, Kept: true},
		{Method: "Booking", Word: "booking", Type: Hash, Kept: true},
		{Method: "Bookings", Word: "bookings", Type: SortedSet, Kept: true},
		{Method: "Digest", Word: "digest", Type: Hash, Kept: true},
		{Method: "Alarms", Word: "alarms", Type: SortedSet, Kept: true, Why: "without it nobody would be reminded"},
		{Method: "Untold", Word: "untold", Type: Hash, Kept: true},
		{Method: "Touched", Word: "touched", Type: SortedSet, Kept: true},
		{Method: "Due", Word: "due", Type: SortedSet, Kept: true},
		{Method: "CalendarLink", Word: "ics", Type: String, Kept: true, Why: "links that people put into their calendars go on"},
		{Method: "Person", Word: "person", Type: Hash, Kept: true},
		{Method: "Identity", Word: "identity", Type: String, Kept: true},
		{Method: "Project", Word: "project", Type: Hash, Kept: true},
		{Method: "ProjectList", Word: "projects", Type: Set, Kept: true},
		{Method: "Room", Word: "room", Type: Hash, Kept: true},
		{Method: "Job", Word: "job", Type: Hash, Kept: true},
		{Method: "Queue", Word: "queue", Type: SortedSet, Kept: true},
		{Method: "Running", Word: "running", Type: Set, Kept: true, Why: "what ran is looked up again, or told as unknown"},
		{Method: "Accounts", Word: "accounts", Type: SortedSet, Kept: true},
		{Method: "Served", Word: "served", Type: Hash, Kept: true},
		{Method: "Limits", Word: "limits", Type: Hash, Kept: true},
		{Method: "Later", Word: "later", Type: SortedSet, Kept: true},
		{Method: "Held", Word: "held", Type: String, Why: "says that a process runs the job now; without it a new holder looks after it"},
		{Method: "Pace", Word: "pace", Type: Hash, Kept: true},
		{Method: "Counts", Word: "counts", Type: Hash, Kept: true},
		{Method: "AllRunning", Word: "running", Type: Set, Kept: true, Why: "what ran is looked up again, or told as unknown"},
		{Method: "PersonJobs", Word: "jobs", Type: SortedSet, Kept: true},
		{Method: "Account", Word: "account", Type: Hash, Kept: true, Why: "sealed, as it is; the key that opens it is not in the store"},
		{Method: "AccountList", Word: "accountlist", Type: SortedSet, Kept: true},
		{Method: "Fingerprint", Word: "fingerprint", Type: String, Kept: true},
		{Method: "FingerprintKey", Word: "fingerprint-key", Type: String, Kept: true, Why: "sealed, as it is; without it no fingerprint would match"},
		{Method: "Installs", Word: "installs", Type: Hash, Kept: true, Why: "sealed, as it is; without it every team would install the app again"},
		{Method: "Ticket", Word: "ticket", Type: Hash, Why: "lasts minutes and opens a page once: a copy would open it twice"},
		{Method: "Attempts", Word: "attempts", Type: String, Why: "lasts minutes, and the tickets that it guards are left out"},
		{Method: "Spent", Word: "spent", Type: Hash, Kept: true},
		{Method: "Reservation", Word: "reservation", Type: Hash, Kept: true, Names: true},
		{Method: "Holds", Word: "holds", Type: SortedSet, Kept: true, Names: true},
		{Method: "UsageDay", Word: "usage", Type: Hash, Kept: true},
		{Method: "Counted", Word: "counted", Type: String, Kept: true, Why: "a run that is reported again must not count twice"},
	}
}

// FamilyIndex finds families by key.
type FamilyIndex map[string]Family

// NewFamilyIndex indexes Families. Two families with one word hold the same type and are treated alike.
func NewFamilyIndex() FamilyIndex {
	out := FamilyIndex{}
	for _, f := range Families() {
		if _, ok := out[f.Word]; !ok {
			out[f.Word] = f
		}
	}
	return out
}

// Of returns the family of a key without its prefix, such as "{p07}:task:ACME-42", and what stands in its braces.
func (x FamilyIndex) Of(key string) (f Family, tag string, ok bool) {
	rest, ok := strings.CutPrefix(key, "{")
	if !ok {
		return f, "", false
	}
	// A lease's name may hold anything but braces; what follows the first closing one is ours.
	tag, rest, ok = strings.Cut(rest, "}:")
	if !ok {
		return f, "", false
	}
	word, _, _ := strings.Cut(rest, ":")
	f, ok = x[word]
	return f, tag, ok
}
