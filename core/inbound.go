package core

import "time"

// InboundVersion is the format number of stored inbounds.
const InboundVersion = 1

// InboundKind says what happened.
type InboundKind string

// What platforms and jobs tell us.
const (
	InboundMessage    InboundKind = "message"    // somebody wrote; Message
	InboundEdit       InboundKind = "edit"       // somebody changed what they wrote; Message is the new state
	InboundDelete     InboundKind = "delete"     // Message.ID is gone
	InboundReact      InboundKind = "react"      // Emoji was put on Message.ID
	InboundUnreact    InboundKind = "unreact"    // Emoji was taken from Message.ID
	InboundCommand    InboundKind = "command"    // slash command, mention or message menu; Command
	InboundPress      InboundKind = "press"      // a button; Command.Action
	InboundSubmit     InboundKind = "submit"     // a modal; Command.Action and Command.Options
	InboundJob        InboundKind = "job"        // a job moved; Job
	InboundAccount    InboundKind = "account"    // an account was linked or could not be; Account
	InboundImport     InboundKind = "import"     // a picture that a person brought was fetched; Import
	InboundRoom       InboundKind = "room"       // a room was renamed, archived or deleted, or we joined or left it
	InboundCaughtUp   InboundKind = "caughtup"   // a thread's history was read up to Gap
	InboundUnreadable InboundKind = "unreadable" // signed or authenticated, but not understood; Raw
)

// Inbound is one event that came from a platform (or from a job of ours). It is plain data, stored before it is
// acknowledged. The adapter fills it; it masks keys that look like credentials and never puts a token in it, except
// for the short-lived Reply handle.
type Inbound struct {
	V        int           `json:"v"`
	ID       InboundID     `json:"id"`
	Kind     InboundKind   `json:"kind"`
	At       time.Time     `json:"at"`                 // the platform's time of the event
	Room     RoomID        `json:"room,omitempty"`     // empty for direct messages
	RoomName string        `json:"roomName,omitempty"` // where the event carries it
	Private  bool          `json:"private,omitempty"`  // the room is not visible to everybody in its team or server
	Thread   ThreadID      `json:"thread,omitempty"`
	Actor    Actor         `json:"actor,omitzero"`
	Message  *Message      `json:"message,omitempty"`
	Emoji    Emoji         `json:"emoji,omitzero"`
	Command  *Command      `json:"command,omitempty"`
	Job      *JobEvent     `json:"job,omitempty"`
	Import   *Imported     `json:"import,omitempty"`
	Account  *AccountEvent `json:"account,omitempty"`
	Reply    ReplyHandle   `json:"reply,omitzero"`
	CatchUp  bool          `json:"catchUp,omitempty"` // found by reading history, not told live
	// Read is when a history was asked for in which this was found, by our own clock: it shows all that was told before.
	Read time.Time `json:"read,omitzero"`
	// Gap is the platform's newest gap when the event arrived: a thread that was not read since then may lack what was
	// said before. Of InboundCaughtUp, the gap that the reading covers.
	Gap Gap `json:"gap,omitempty"`
	// Whole says of InboundCaughtUp that edits, deletions and reactions were read too.
	Whole  bool   `json:"whole,omitempty"`
	Raw    string `json:"raw,omitempty"`    // for InboundUnreadable: at most 4 KiB of it
	Reason string `json:"reason,omitempty"` // for InboundUnreadable
	Trace  string `json:"trace,omitempty"`  // continues the trace that it began; where there is a tracer
}

// Actor is the identity that did it, with what the event says of their name and roles.
type Actor struct {
	Identity IdentityID `json:"id,omitempty"`
	Name     string     `json:"name,omitempty"`   // display name
	Avatar   string     `json:"avatar,omitempty"` // URL
	Roles    []string   `json:"roles,omitempty"`  // platform groups: "discord:@123", "slack:S01", for role map
	Bot      bool       `json:"bot,omitempty"`    // another app, not a person
	Locale   Locale     `json:"locale,omitempty"` // where the event or the platform says it
	Zone     string     `json:"zone,omitempty"`   // likewise: a name of the time zone database
}

// Message is a message as its platform has it.
type Message struct {
	ID       MessageID `json:"id"`
	Text     RichText  `json:"text,omitempty"`
	Files    []FileRef `json:"files,omitempty"`
	Title    string    `json:"title,omitempty"`   // of the forum post that this message begins
	ReplyTo  MessageID `json:"replyTo,omitempty"` // Discord's reply; Slack has none inside a thread
	EditedAt time.Time `json:"editedAt,omitzero"`
	// SaidAt is when the message was written, on edits, where the event has a later time.
	SaidAt time.Time `json:"saidAt,omitzero"`
	// Masked is set when a credential was removed from the text: such a message is not mirrored.
	Masked bool `json:"masked,omitempty"`
	// Author is set on edits and history, where the actor of the event may be somebody else.
	Author Actor `json:"author,omitzero"`
}

// FileRef is a file on a platform, to be fetched with Platform.Fetch.
type FileRef struct {
	ID   string `json:"id"` // the platform's
	Name string `json:"name"`
	MIME string `json:"mime,omitempty"`
	Size int64  `json:"size,omitempty"`
	Alt  string `json:"alt,omitempty"`
	URL  string `json:"url,omitempty"`  // may expire
	Skip string `json:"skip,omitempty"` // why it cannot be fetched (deleted, external), if it cannot
}

// Emoji is a reaction: its short name without colons, its Unicode form where it has one.
type Emoji struct {
	Name    string `json:"name,omitempty"`
	Unicode string `json:"unicode,omitempty"`
}

// Key names the emoji across platforms: the Unicode form without variation selectors, else ":name:".
func (e Emoji) Key() string {
	if e.Unicode == "" {
		return ":" + e.Name + ":"
	}
	out := make([]rune, 0, len(e.Unicode))
	for _, r := range e.Unicode {
		if r != 0xFE0F && r != 0xFE0E {
			out = append(out, r)
		}
	}
	return string(out)
}

// Surface says where a command was given; it decides what help shows and how an answer looks.
type Surface string

// Surfaces.
const (
	SurfaceSlash   Surface = "slash"
	SurfaceMention Surface = "mention"
	SurfaceButton  Surface = "button"
	SurfaceModal   Surface = "modal"
	SurfaceMenu    Surface = "menu" // message context menu or shortcut
	SurfaceDirect  Surface = "direct"
	SurfaceHome    Surface = "home" // Slack's App Home
)

// Command is what a person asked for, not yet parsed: free text (Slack's slash command, a mention), named options
// (Discord's slash command, a modal), or an Action (button, modal).
type Command struct {
	Surface Surface           `json:"surface"`
	Alias   string            `json:"alias,omitempty"`   // "/imagine": the verb is implied
	Text    string            `json:"text,omitempty"`    // free text after the command's or our bot's name
	Verb    string            `json:"verb,omitempty"`    // "task new", where the platform names it
	Options map[string]string `json:"options,omitempty"` // by the table's option names
	Action  Action            `json:"action,omitzero"`
	Files   []FileRef         `json:"files,omitempty"`
	Target  *MenuTarget       `json:"target,omitempty"` // for SurfaceMenu
	// Stored are the pictures among Files, once they were fetched; Unfetched says why one could not be, for the person.
	Stored    []StoredImage `json:"stored,omitempty"`
	Unfetched string        `json:"unfetched,omitempty"`
	// Secret is what was typed into an option that the table calls secret. It is sealed before the inbound is stored, and
	// the option then names the ticket.
	Secret Secret `json:"-"`
	// Mentions maps each mention as it stands in Text to its identity, so that "@ana" can be resolved.
	Mentions map[string]IdentityID `json:"mentions,omitempty"`
}

// SecretOption is the option whose value an adapter puts into Command.Secret instead of among the options.
const SecretOption = "key"

// Option sets an option; a credential in any but the secret one is masked.
func (c *Command) Option(name, value string) {
	if name == SecretOption {
		c.Secret = NewSecret(value)
		return
	}
	if c.Options == nil {
		c.Options = map[string]string{}
	}
	c.Options[name], _ = MaskCredentials(value)
}

// MenuTarget is the message a context menu was opened on, with what its author's app wrote.
type MenuTarget struct {
	Message   Message  `json:"message"`
	Author    Actor    `json:"author,omitzero"`
	AuthorApp string   `json:"authorApp,omitempty"` // application id of the bot that wrote it
	Content   string   `json:"content,omitempty"`   // the message's own markup, untouched
	CustomIDs []string `json:"customIds,omitempty"` // of its buttons; Midjourney's carry the job id
}

// ReplyHandle lets a private answer reach the interaction it belongs to. Token is the platform's (a Slack response URL,
// a Discord interaction token): short-lived, stored only with the inbound, and printed nowhere.
type ReplyHandle struct {
	Kind    ReplyKind `json:"kind,omitempty"`
	Token   string    `json:"token,omitempty"`
	Expires time.Time `json:"expires,omitzero"`
	Message MessageID `json:"message,omitempty"` // the message pressed or mentioned
	Trigger string    `json:"trigger,omitempty"` // Slack's trigger id
}

// String keeps the token out of logs.
func (h ReplyHandle) String() string { return "reply:" + string(h.Kind) }

// ReplyKind says which way an answer goes.
type ReplyKind string

// Ways to answer.
const (
	ReplyNone      ReplyKind = ""
	ReplyDeferred  ReplyKind = "deferred"  // fill the private "thinking" answer that the acknowledgement made
	ReplyFollowup  ReplyKind = "followup"  // a new private message beside the shared one that was pressed
	ReplyReplace   ReplyKind = "replace"   // replace the private message that was pressed
	ReplyMention   ReplyKind = "mention"   // no interaction: Slack ephemeral in the thread, Discord a public reply
	ReplyInMessage ReplyKind = "inMessage" // a direct message
	ReplyHome      ReplyKind = "home"      // the person's App Home on Slack, in place of what it shows
)

// JobEvent is a step of a job, told to the task's partition.
type JobEvent struct {
	Job      JobID       `json:"job"`
	Version  VersionID   `json:"version"`
	State    JobState    `json:"state"`
	Position int         `json:"position,omitempty"` // in the queue, 1 first
	Progress int         `json:"progress,omitempty"` // percent
	Outcome  *JobOutcome `json:"outcome,omitempty"`
	Message  string      `json:"message,omitempty"` // for people, when refused, failed or unknown, in the project's language
	Told     string      `json:"told,omitempty"`    // the same in the language of whose account it was, where that is another
}

// JobOutcome is what a finished job made. Bytes lie in the blob store.
type JobOutcome struct {
	Images    []StoredImage `json:"images,omitempty"`
	Grid      *StoredImage  `json:"grid,omitempty"`
	Text      string        `json:"text,omitempty"` // describe's answer
	Seed      *int64        `json:"seed,omitempty"`
	Model     string        `json:"model,omitempty"`
	RequestID string        `json:"requestId,omitempty"`
	Dropped   []string      `json:"dropped,omitempty"` // parameters that had no effect
	Cost      Cost          `json:"cost,omitzero"`
	Note      string        `json:"note,omitempty"` // for people
}

// AccountEvent says that a credential was tested and linked, or why not. It holds nothing of it but its end.
type AccountEvent struct {
	Person   PersonID     `json:"person"`
	Provider ProviderName `json:"provider"`
	Last4    string       `json:"last4,omitempty"`
	Facts    AccountFacts `json:"facts,omitzero"`
	Fail     string       `json:"fail,omitempty"` // for the person
}

// Imported is what was found in a picture that a person brought.
type Imported struct {
	Import     Import       `json:"import"`
	Image      *StoredImage `json:"image,omitempty"`
	ExternalID string       `json:"externalId,omitempty"` // the provider's job id, if the picture or message says it
	Prompt     string       `json:"prompt,omitempty"`     // likewise
	Fail       string       `json:"fail,omitempty"`       // why it could not be taken, for the person
}

// StoredImage is a picture in the blob store: original bytes and a preview.
type StoredImage struct {
	Blob    BlobKey `json:"blob"`
	Preview BlobKey `json:"preview,omitempty"`
	MIME    string  `json:"mime"`
	Width   int     `json:"width"`
	Height  int     `json:"height"`
	Size    int64   `json:"size"`
	SHA256  string  `json:"sha256,omitempty"`
	DHash   string  `json:"dhash,omitempty"`
	Name    string  `json:"name,omitempty"`
}
