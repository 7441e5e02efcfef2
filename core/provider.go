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
	Params     map[string]Fidelity // by parameter name; absent means dropped
	NeedsLink  bool                // an account must be linked first
	Free       bool                // costs nothing, so that it may run again after a crash
	PerAccount int                 // runs at once on one account
	Images     int                 // pictures per generation
	Models     []string
}

// Provider makes images on one person's own account. Constructors do no I/O.
type Provider interface {
	// Name returns the name used in configuration and commands.
	Name() ProviderName
	// Capabilities returns what a model can do; the empty model is the default one.
	Capabilities(model string) ProviderCapabilities
	// Plan says what a request would do without doing it.
	Plan(r Request) Plan
	// Run makes the pictures. It blocks until they are there and calls progress now and then, never concurrently.
	// Errors carry CodeRefused, CodeRetry (nothing was billed), CodeUnknown (may be billed) or CodeInvalid.
	Run(ctx context.Context, a Account, r Request, progress Progress) (Result, error)
}

// Handoff is implemented by providers that forbid automation: they compose what the person runs by hand. Nothing here
// touches the network.
type Handoff interface {
	// Compose returns what to paste and what to know before pasting it.
	Compose(r Request) (Handover, error)
}

// Handover is a hand-off's instruction to the person.
type Handover struct {
	Forms    []HandoverForm
	Warnings []string
	URL      string // where to go
}

// HandoverForm is the text to paste at one place.
type HandoverForm struct {
	Where string // "Discord", "Web"
	Text  string
}

// Progress is told how far a run is, in percent.
type Progress func(percent int)

// Account is what a run needs of a person's account. Key is opened only for the call.
type Account struct {
	Person   PersonID
	Provider ProviderName
	Key      Secret
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
	Cost     string // for people; empty when free
	Dropped  []string
	Approx   []string
	Support  Support
	Blockers []string // why it cannot be done at all, as sentences for people
}

// Result is what a run made.
type Result struct {
	Images    []Picture
	Text      string
	Seed      *int64
	Model     string
	RequestID string
	Dropped   []string
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

// Imaging makes previews, grids and facts of pictures, within limits of bytes, pixels and frames.
type Imaging interface {
	// Import checks and stores a picture with its original bytes, and a preview. CodeInvalid when it is no picture
	// that we can read, CodeTooLarge when over a limit.
	Import(ctx context.Context, r io.Reader, name string) (StoredImage, error)
	// Grid makes one picture of up to four, 2x2, with their numbers.
	Grid(ctx context.Context, images []StoredImage) (StoredImage, error)
}
