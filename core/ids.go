package core

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Opaque identifiers. Only the package that owns a kind builds or parses it; the formats are a persisted contract.
type (
	// PlatformName names a chat platform: "slack" or "discord".
	PlatformName string
	// PersonID names a human member. It is derived from the person's first identity and never changes.
	PersonID string
	// IdentityID names a user on a platform: "slack:T01/U01" or "discord:123". Built by adapters.
	IdentityID string
	// ProjectKey is a project's short name in capitals, such as "ACME".
	ProjectKey string
	// RoomID names a channel on a platform: "slack:T01/C01" or "discord:G01/C02". Built by adapters.
	RoomID string
	// ThreadID names a thread inside a room, in the platform's own form. Empty means the room itself.
	ThreadID string
	// MessageID names one message inside a room, in the platform's own form.
	MessageID string
	// TaskID names a task: "ACME-42".
	TaskID string
	// CommentID names a comment; derived from its source message, so that the same message is the same comment.
	CommentID string
	// JobID names the run that makes a version; derived from task and version.
	JobID string
	// InboundID is the idempotency key of an inbound: the same event redelivered has the same id.
	InboundID string
	// DeliveryID is derived from (source, target room, part); it is never random.
	DeliveryID string
	// ObjectID names something of ours that is shown as messages: a comment, a card or a notice.
	ObjectID string
	// BlobKey names stored bytes; derived from their content.
	BlobKey string
	// ProviderName names an image provider: "sketch", "midjourney".
	ProviderName string
	// Partition is the unit of order, ownership and atomicity: "p00" to "p15" for projects, "u00" to "u15" for people.
	Partition string
)

// The platforms that Atelier speaks.
const (
	Slack   PlatformName = "slack"
	Discord PlatformName = "discord"
)

// Title returns the platform's name as people write it, such as "Slack".
func (p PlatformName) Title() string {
	if p == "" {
		return ""
	}
	return strings.ToUpper(string(p[:1])) + string(p[1:])
}

// Title returns the provider's name as people write it, such as "OpenAI".
func (p ProviderName) Title() string {
	switch p {
	case "":
		return ""
	case "openai":
		return "OpenAI"
	case "openrouter":
		return "OpenRouter"
	case "stability":
		return "Stability AI"
	case "bfl":
		return "Black Forest Labs"
	case "selfhosted":
		return "Own server"
	}
	return strings.ToUpper(string(p[:1])) + string(p[1:])
}

// Platform returns the platform part of an identity.
func (id IdentityID) Platform() PlatformName { return platformOf(string(id)) }

// Platform returns the platform part of a room.
func (id RoomID) Platform() PlatformName { return platformOf(string(id)) }

// Local returns the room without its platform: "T01/C01". Adapters parse it further.
func (id RoomID) Local() string { return localOf(string(id)) }

// Local returns the identity without its platform: "T01/U01" or "123".
func (id IdentityID) Local() string { return localOf(string(id)) }

func platformOf(s string) PlatformName {
	p, _, _ := strings.Cut(s, ":")
	return PlatformName(p)
}

func localOf(s string) string {
	_, l, _ := strings.Cut(s, ":")
	return l
}

var projectKeyPattern = regexp.MustCompile(`^[A-Z][A-Z0-9]{1,9}$`)

// ParseProjectKey accepts two to ten letters or digits that begin with a letter, in any case.
func ParseProjectKey(s string) (ProjectKey, error) {
	up := strings.ToUpper(strings.TrimSpace(s))
	if !projectKeyPattern.MatchString(up) {
		return "", Errorf(CodeInvalid, "A project key is two to ten letters or digits and begins with a letter, such as ACME.")
	}
	return ProjectKey(up), nil
}

// MakeTaskID builds "ACME-42".
func MakeTaskID(p ProjectKey, n int) TaskID { return TaskID(fmt.Sprintf("%s-%d", p, n)) }

// ParseTaskID accepts "ACME-42" in any case.
func ParseTaskID(s string) (TaskID, error) {
	key, num, ok := strings.Cut(strings.TrimSpace(s), "-")
	n, err := strconv.Atoi(num)
	if !ok || err != nil || n < 1 {
		return "", Errorf(CodeInvalid, "A task is named like ACME-42.")
	}
	p, err := ParseProjectKey(key)
	if err != nil {
		return "", Errorf(CodeInvalid, "A task is named like ACME-42.")
	}
	return MakeTaskID(p, n), nil
}

// Project returns the key before the number.
func (t TaskID) Project() ProjectKey {
	key, _, _ := strings.Cut(string(t), "-")
	return ProjectKey(key)
}

// TalkTask names the talk of a project's rooms, where that is mirrored: what is said outside of threads.
func TalkTask(p ProjectKey) TaskID { return TaskID(string(p) + "-talk") }

// TalkThread names the conversation that hangs on a comment of a project's talk.
func TalkThread(p ProjectKey, root CommentID) TaskID { return TalkTask(p) + ":" + TaskID(root) }

// IsTalk reports whether it names talk of rooms, not a task that people know.
func (t TaskID) IsTalk() bool {
	_, rest, _ := strings.Cut(string(t), "-")
	return rest == "talk" || strings.HasPrefix(rest, "talk:")
}

// TalkRoot returns the comment on which a conversation hangs; "" for the rooms' own talk and for tasks.
func (t TaskID) TalkRoot() CommentID {
	if !t.IsTalk() {
		return ""
	}
	_, root, _ := strings.Cut(string(t), ":")
	return CommentID(root)
}

// Number returns the number after the key, 0 if there is none.
func (t TaskID) Number() int {
	_, num, _ := strings.Cut(string(t), "-")
	n, _ := strconv.Atoi(num)
	return n
}

// Digest returns n hexadecimal digits (at most 64) of the SHA-256 of the parts, each ended by a zero byte so that no
// two lists of parts run together.
func Digest(n int, parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil))[:n]
}

// MakePersonID derives a person's id from the first identity seen.
func MakePersonID(first IdentityID) PersonID { return PersonID("p-" + Digest(12, string(first))) }

// MakeCommentID derives a comment's id from the message it came from.
func MakeCommentID(room RoomID, msg MessageID) CommentID {
	return CommentID("c-" + Digest(16, string(room), string(msg)))
}

// MakeJobID derives the id of the job that makes a version.
func MakeJobID(v VersionID) JobID { return JobID("j-" + v.String()) }

// MakeDeliveryID derives a delivery's id from what it shows, where, and which revision of it.
func MakeDeliveryID(object ObjectID, room RoomID, what string) DeliveryID {
	return DeliveryID("d-" + Digest(18, string(object), string(room), what))
}

// CommentObject names the messages that show a comment.
func CommentObject(task TaskID, id CommentID) ObjectID {
	return ObjectID("comment/" + string(task) + "/" + string(id))
}

// CardObject names the messages that show a task's root card (version 0) or a version's own card.
func CardObject(task TaskID, version int) ObjectID {
	return ObjectID("card/" + string(task) + "/" + strconv.Itoa(version))
}

// NoticeObject names the messages that show a notice, such as a verdict.
func NoticeObject(task TaskID, id string) ObjectID {
	return ObjectID("notice/" + string(task) + "/" + id)
}

// UndeliveredObject names the messages that say what of a task is not delivered to a room.
func UndeliveredObject(task TaskID, room RoomID) ObjectID {
	return ObjectID("undelivered/" + string(task) + "/" + string(room))
}

// Parts splits an object id into its kind ("comment", "card", "notice", "undelivered"), its task and the rest.
func (o ObjectID) Parts() (kind string, task TaskID, rest string) {
	p := strings.SplitN(string(o), "/", 3)
	for len(p) < 3 {
		p = append(p, "")
	}
	return p[0], TaskID(p[1]), p[2]
}

// VersionID names a version of a task.
type VersionID struct {
	Task TaskID `json:"task"`
	No   int    `json:"no"`
}

// String returns "ACME-42/v3".
func (v VersionID) String() string { return fmt.Sprintf("%s/v%d", v.Task, v.No) }

// ImageRef names a version, or one of its images, as people write it: "v3" or "v3.2". Image is 0 for the whole version.
type ImageRef struct {
	Version int `json:"version"`
	Image   int `json:"image,omitempty"`
}

// String returns "v3" or "v3.2".
func (r ImageRef) String() string {
	if r.Image == 0 {
		return fmt.Sprintf("v%d", r.Version)
	}
	return fmt.Sprintf("v%d.%d", r.Version, r.Image)
}

var imageRefPattern = regexp.MustCompile(`^[vV]([1-9][0-9]{0,5})(?:\.([1-9]))?$`)

// ParseImageRef accepts "v3" and "v3.2"; ok is false for anything else.
func ParseImageRef(s string) (r ImageRef, ok bool) {
	m := imageRefPattern.FindStringSubmatch(s)
	if m == nil {
		return ImageRef{}, false
	}
	r.Version, _ = strconv.Atoi(m[1])
	r.Image, _ = strconv.Atoi(m[2])
	return r, true
}

// Partitions says how many partitions there are of each kind. The numbers are fixed when a store is first opened.
type Partitions struct {
	Projects int `json:"projects"`
	People   int `json:"people"`
}

// DefaultPartitions is what a new store gets.
var DefaultPartitions = Partitions{Projects: 16, People: 16}

// OfProject returns the partition that holds a project's tasks, threads, journal and outbox.
func (n Partitions) OfProject(p ProjectKey) Partition { return partitionOf("p", string(p), n.Projects) }

// OfPerson returns the partition that holds a person's record, accounts and jobs.
func (n Partitions) OfPerson(p PersonID) Partition { return partitionOf("u", string(p), n.People) }

// OfKey returns the person-kind partition for anything else: identities, rooms, projects.
func (n Partitions) OfKey(s string) Partition { return partitionOf("u", s, n.People) }

// All lists every partition, projects first.
func (n Partitions) All() []Partition {
	out := make([]Partition, 0, n.Projects+n.People)
	for i := range n.Projects {
		out = append(out, Partition(fmt.Sprintf("p%02d", i)))
	}
	for i := range n.People {
		out = append(out, Partition(fmt.Sprintf("u%02d", i)))
	}
	return out
}

func partitionOf(kind, key string, n int) Partition {
	sum := sha256.Sum256([]byte(key))
	return Partition(fmt.Sprintf("%s%02d", kind, (int(sum[0])<<8|int(sum[1]))%n))
}
