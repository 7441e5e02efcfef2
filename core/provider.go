package core

import (
	"context"
	"io"
)

// Op is an operation of the neutral image model; the verbs of the commands map to it.
type Op string

// Operations.
const (
	OpGenerate   Op = "generate"
	OpReroll     Op = "reroll"
	OpVary       Op = "vary"
	OpUpscale    Op = "upscale"
	OpZoom       Op = "zoom"
	OpPan        Op = "pan"
	OpEditRegion Op = "edit-region"
	OpEditWords  Op = "edit-words"
	OpBlend      Op = "blend"
	OpDescribe   Op = "describe"
	OpImport     Op = "import" // brought back by a person; no provider runs it
	OpRevert     Op = "revert" // an earlier version once more; no provider runs it
)

// Support says how a provider does an operation.
type Support string

// Kinds of support.
const (
	SupportNative   Support = "native"
	SupportEmulated Support = "emulated"
	SupportHandoff  Support = "handoff" // the person does it by hand at the provider
	SupportNone     Support = "none"
)

// Fidelity says what becomes of a parameter at a provider.
type Fidelity string

// Fidelities.
const (
	FidelityExact   Fidelity = "exact"
	FidelityApprox  Fidelity = "approximate"
	FidelityWords   Fidelity = "prompt-only"
	FidelityDropped Fidelity = "dropped"
)

// ProviderCapabilities are a provider's abilities as data.
type ProviderCapabilities struct {
	Ops        map[Op]Support
	How        map[Op]string       // for emulated operations, in a few words: "redrawn from the picture"
	Params     map[string]Fidelity // by parameter name; absent means dropped
	Free       bool                // costs nothing, so that it may run again after a crash
	PerAccount int                 // runs at once on one account
	Images     int                 // pictures per generation
	Models     []string            // the first one is the default
	Activity   string              // a link to where the person sees what their account was billed for
	Stops      bool                // a cancelled run really ends there; otherwise it may still be billed
}

// Provider is a maker of images as everything but the scheduler sees it. Constructors do no I/O.
type Provider interface {
	// Name returns the name used in configuration and commands.
	Name() ProviderName
	// Capabilities returns what a model can do; the empty model is the default one.
	Capabilities(model string) ProviderCapabilities
	// Plan says what a request would do without doing it. It makes no call.
	Plan(r Request) Plan
	// Terms returns what the provider demands of whoever uses it; the zero value when there is nothing to accept.
	Terms() Terms
}

// Automatic is a provider that may be run by a program. A provider whose terms forbid that does not implement it, and so
// can be given neither a request nor a credential.
type Automatic interface {
	Provider
	// Run makes the pictures on the account. It blocks until they are there and calls progress now and then, never
	// concurrently. Of calls that may bill, none is repeated by itself. Errors carry CodeRefused (with the stage and
	// category in the message), CodeRetry (nothing was billed), CodeUnknown (may be billed), CodeForbidden (the
	// credential is not accepted any more) or CodeInvalid. When the context ends, what can be stopped is stopped.
	Run(ctx context.Context, a Account, r Request, progress Progress) (Result, error)
}

// Keyed is an automatic provider that runs on a person's own credential. An empty credential is refused before
// anything is sent, whatever the environment holds.
type Keyed interface {
	Automatic
	// Verify asks what a credential is good for, with a call that costs nothing. CodeForbidden: it is not accepted.
	Verify(ctx context.Context, a Account) (AccountFacts, error)
}

// Authorizer is a provider that hands out a credential itself, by OAuth with PKCE (RFC 7636), so that nobody copies a key.
type Authorizer interface {
	Keyed
	// Authorize returns the page to which the person goes; the provider sends them back to callback with a code.
	// challenge is the S256 form of the verifier.
	Authorize(callback, challenge string) string
	// Exchange trades the code for the credential.
	Exchange(ctx context.Context, code, verifier string) (Secret, error)
}

// Resumer is a provider that can wait for a run that somebody else began, by the handle that was told as progress.
type Resumer interface {
	// Resume is Run without the billable call. CodeNotFound: the provider does not know the handle any more.
	Resume(ctx context.Context, a Account, r Request, handle string, progress Progress) (Result, error)
}

// Handoff is implemented by providers that forbid automation: they compose what the person runs by hand. Nothing here
// touches the network, and there is no credential.
type Handoff interface {
	Provider
	// Plans lists the provider's own plans by name, the smallest first; the person says which one they have.
	Plans() []HandoffPlan
	// Minutes estimates what a request takes of a plan's fast minutes.
	Minutes(r Request) float64
	// Compose returns what to paste and what to know before pasting it.
	Compose(r Request) (Handover, error)
}

// Handover is a hand-off's instruction to the person.
type Handover struct {
	Forms    []HandoverForm
	Warnings []Saying
	URL      string // where to go
}

// HandoverForm is the text to paste at one place.
type HandoverForm struct {
	Where string // "Discord", "Web"
	Text  string
}

// HandoffPlan is what a person may use at a hand-off provider in a month. Figures are the provider's, as published.
type HandoffPlan struct {
	Name    string  `json:"name"`    // "standard"
	Minutes float64 `json:"minutes"` // fast minutes; 0 when not limited
	Relax   bool    `json:"relax"`   // slow runs beyond them
	AtOnce  int     `json:"atOnce"`  // runs at once
	Stealth bool    `json:"stealth"` // results may be kept from the public gallery
}

// Progress is told of a run's steps.
type Progress func(Step)

// Step is one step of a run.
type Step struct {
	Percent int
	// Handle is what Resume needs to wait for this run again, once the provider has accepted it. It is stored before
	// Progress returns. It holds no credential.
	Handle string
}

// Request is what to make, in the neutral model.
type Request struct {
	V        int               `json:"v"`
	Op       Op                `json:"op"`
	Model    string            `json:"model,omitempty"`
	Prompt   string            `json:"prompt,omitempty"`   // the words, without parameters
	Full     string            `json:"full,omitempty"`     // as typed, with parameters: what cards show
	Params   map[string]string `json:"params,omitempty"`   // by long name, checked: "ar": "3:2"
	N        int               `json:"n,omitempty"`        // pictures wanted; 0 means the provider's own number
	Seed     int64             `json:"seed,omitempty"`     // always set by the studio, so that a run can be told again
	Strength string            `json:"strength,omitempty"` // vary: subtle or strong; upscale: subtle or creative
	Factor   float64           `json:"factor,omitempty"`   // zoom out, upscale
	Dir      string            `json:"dir,omitempty"`      // pan: left, right, up, down
	Area     *Area             `json:"area,omitempty"`     // edit: fractions of the picture
	Mask     *StoredImage      `json:"mask,omitempty"`     // edit: instead of Area, a picture that is white where it may change
	Source   *StoredImage      `json:"source,omitempty"`   // the picture worked on
	Refs     []StoredImage     `json:"refs,omitempty"`     // blend and reference pictures
	Of       ImageRef          `json:"of,omitzero"`        // where Source comes from
	// Open opens a blob of Source or Refs; set by the runner, never stored.
	Open func(ctx context.Context, k BlobKey) (io.ReadCloser, error) `json:"-"`
}

// Area is a rectangle in fractions of a picture, 0 to 1, origin top left.
type Area struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
	W float64 `json:"w"`
	H float64 `json:"h"`
}

// Plan is what a request would do.
type Plan struct {
	Calls    int
	Images   int // pictures that it makes
	Cost     Cost
	Dropped  []string // parameters without effect
	Approx   []string // parameters with another effect than their name says
	Support  Support
	How      string   // for an emulated operation, in a few words
	Blockers []Saying // why it cannot be done at all, as sentences for people
}

// Result is what a run made.
type Result struct {
	Images    []Picture
	Text      string
	Seed      *int64
	Model     string
	RequestID string // the provider's, for questions to its support
	Dropped   []string
	Cost      Cost   // what the provider says it cost; the zero value when it says nothing
	Note      Saying // for people: "the provider made three of four"
}

// Picture is one made image: the provider's own bytes.
type Picture struct {
	Bytes []byte
	MIME  string
	Seed  *int64
}

// Blobs keeps bytes by key. Keys are derived from content, so putting the same bytes twice is one blob.
type Blobs interface {
	// Put stores bytes and returns their key. It reads at most the store's limit; more is CodeTooLarge.
	Put(ctx context.Context, r io.Reader, mime string) (BlobKey, int64, error)
	// Open returns a reader; CodeNotFound when there is none. The caller closes it.
	Open(ctx context.Context, k BlobKey) (io.ReadCloser, error)
}

// BlobCopies moves whole blob stores: what a copy of the installation needs beyond Blobs.
type BlobCopies interface {
	// EachBlob calls f with every blob's key and size.
	EachBlob(ctx context.Context, f func(k BlobKey, size int64) error) error
	// OpenBlob returns a reader and the MIME type; CodeNotFound when there is none. The caller closes it.
	OpenBlob(ctx context.Context, k BlobKey) (r io.ReadCloser, mime string, err error)
	// RestoreBlob stores bytes under the key that they had. Bytes that the key was not made from are not stored, and are
	// CodeInvalid.
	RestoreBlob(ctx context.Context, k BlobKey, mime string, r io.Reader) error
}

// Charts draws figures.
type Charts interface {
	// Chart draws a chart and stores it as a PNG.
	Chart(ctx context.Context, c Chart) (StoredImage, error)
}

// Imaging makes previews, grids and facts of pictures, within limits of bytes, pixels and frames.
type Imaging interface {
	// Import checks and stores a picture with its original bytes, and a preview. CodeInvalid when it is no picture
	// that we can read, CodeTooLarge when over a limit.
	Import(ctx context.Context, r io.Reader, name string) (StoredImage, error)
	// Grid makes one picture of up to four, 2x2, with their numbers.
	Grid(ctx context.Context, images []StoredImage) (StoredImage, error)
}

// Annotator draws pictures to talk about: of pictures that are stored already.
type Annotator interface {
	// Pin draws the surroundings of a spot with the number of the comment on it. CodeNotFound when the picture is gone.
	Pin(ctx context.Context, picture BlobKey, spot Area, no int) (StoredImage, error)
	// Compare draws two pictures side by side with their labels; with Blink, one after the other as a GIF.
	Compare(ctx context.Context, c Compare) (StoredImage, error)
	// Mosaic draws some pictures in rows, each under its label. Those that are gone are left out; CodeNotFound when none is
	// left.
	Mosaic(ctx context.Context, c Mosaic) (StoredImage, error)
}

// Mosaic is a few pictures, as one.
type Mosaic struct {
	Pictures []BlobKey `json:"pictures"` // at most six
	Labels   []string  `json:"labels"`   // as many
	Name     string    `json:"name"`     // of the file, without its extension
	Alt      string    `json:"alt"`
}

// Compare is two pictures to be shown together.
type Compare struct {
	Pictures [2]BlobKey `json:"pictures"`
	Labels   [2]string  `json:"labels"`
	Blink    bool       `json:"blink,omitempty"`
	Name     string     `json:"name"` // of the file, without its extension
	Alt      string     `json:"alt"`
}

// Unconfirmed is what a provider's sources do not say for sure, and what is off therefore until somebody tried it: the
// names that an override file uses.
type Unconfirmed struct {
	Ops    []string `json:"ops,omitempty"` // such as "vary" or "upscale:creative"
	Params []string `json:"params,omitempty"`
	Fields []string `json:"fields,omitempty"`
}

// Doubtful is a provider that can say what is off.
type Doubtful interface {
	Unconfirmed() Unconfirmed
}
