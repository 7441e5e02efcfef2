// Package base is what all providers with an API share: plans from dated facts, words for flags that an API does not
// know, several calls as one run, and pictures taken from answers.
package base

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/adapters/internal/httpx"
	"github.com/atelier-bridge/atelier/adapters/provider/internal/canvas"
	"github.com/atelier-bridge/atelier/adapters/provider/internal/facts"
	"github.com/atelier-bridge/atelier/core"
)

// Setup is what an operator sets of a provider.
type Setup struct {
	// BaseURL replaces the provider's address; its origin is trusted.
	BaseURL string
	// Facts is a JSON merge patch over the built-in facts; nil for none.
	Facts   []byte
	Clock   core.Clock
	Timeout time.Duration // of one call; five minutes when zero
	// Telemetry is told of each call of the API.
	Telemetry core.Telemetry
}

// Options are what a provider says of itself, and its setup.
type Options struct {
	Setup
	ID       core.ProviderName
	Title    string
	Builtin  []byte // facts
	Suffix   string // a path that the operator's address may end in, such as /v1; "" for none
	Classify func(status int, body []byte) *core.Error
}

// New reads the facts and makes the client; it does no I/O.
func New(o Options) (*Base, error) {
	f, err := facts.Load(string(o.ID), o.Builtin, o.Facts)
	if err != nil {
		return nil, err
	}
	if o.BaseURL = strings.TrimRight(o.BaseURL, "/"); o.Suffix != "" {
		o.BaseURL = strings.TrimSuffix(o.BaseURL, o.Suffix)
	}
	if o.BaseURL == "" {
		o.BaseURL = f.BaseURL
	}
	if o.Clock == nil {
		o.Clock = core.SystemClock{}
	}
	h, err := httpx.New(httpx.Options{ID: o.ID, Telemetry: o.Telemetry, Name: o.Title, BaseURL: o.BaseURL, Hosts: f.Hosts, KeyHosts: f.KeyHosts, Timeout: o.Timeout, Clock: o.Clock, Classify: o.Classify})
	if err != nil {
		return nil, err
	}
	return &Base{ID: o.ID, Title: o.Title, Facts: f, HTTP: h, Board: canvas.NewBoard(), Clock: o.Clock}, nil
}

// Base implements core.Provider but for what a provider does with its API.
type Base struct {
	ID    core.ProviderName
	Title string // as people read it
	Facts *facts.Facts
	HTTP  *httpx.Client
	Board *canvas.Board
	Clock core.Clock
	// Free and Stops are core.ProviderCapabilities'.
	Free, Stops bool
	// Native says that a negative prompt, links to a style and the like are sent as such: words for those parameters are
	// left out of the prompt.
	Native map[string]bool
	// Check adds a provider's own blockers; nil for none.
	Check func(j *Job) string
	// Redraws says that an upscale is another drawing at the large size.
	Redraws bool
	// Masks says that a mask can be sent; elsewhere a region is named in words.
	Masks bool
}

// Name returns the provider's name.
func (b *Base) Name() core.ProviderName { return b.ID }

// Terms returns what the provider demands, as dated data.
func (b *Base) Terms() core.Terms { return b.Facts.Terms }

// Capabilities returns what a model can do, as the facts say. A model that is not known has those of the default one.
func (b *Base) Capabilities(model string) core.ProviderCapabilities {
	m, ok := b.Facts.Model(model)
	if !ok {
		m, _ = b.Facts.Model("")
	}
	caps := core.ProviderCapabilities{Ops: map[core.Op]core.Support{}, How: map[core.Op]string{}, Params: map[string]core.Fidelity{}, Free: b.Free, Stops: b.Stops,
		PerAccount: b.Facts.PerAccount, Images: b.Facts.Images, Activity: b.Facts.Activity}
	for _, op := range facts.Ops() {
		o, _ := b.Facts.Op(m, op, "")
		caps.Ops[op] = o.Support
		if o.Support == core.SupportEmulated {
			caps.How[op] = o.How
		}
	}
	caps.Ops[core.OpReroll] = caps.Ops[core.OpGenerate] // the same call once more
	for _, params := range []map[string]facts.Param{b.Facts.Params, m.Params} {
		for name := range params {
			if f := b.Facts.Param(m, name); f != core.FidelityDropped {
				caps.Params[name] = f
			}
		}
	}
	for _, m := range b.Facts.Models {
		caps.Models = append(caps.Models, m.ID)
	}
	return caps
}

// Job is a request as it will be run.
type Job struct {
	Req     core.Request
	Model   *facts.Model
	Op      facts.Op
	N       int    // pictures wanted
	Words   string // the prompt with the words for flags
	Dropped []string
	Approx  []string
	ratio   float64
}

// HD reports whether a large picture is wanted and can be had.
func (j *Job) HD() bool { _, hd := j.Req.Params["hd"]; return hd && j.Model.HD }

// Draft reports whether a cheap picture is wanted.
func (j *Job) Draft() bool {
	_, draft := j.Req.Params["draft"]
	return draft || slices.Contains([]string{".25", ".5", "0.5"}, j.Req.Params["quality"])
}

// Fine reports whether a picture of high quality is wanted.
func (j *Job) Fine() bool { return slices.Contains([]string{"2", "4"}, j.Req.Params["quality"]) }

// Ratio is width by height of the pictures: as asked for, else as the source has it, else square.
func (j *Job) Ratio() float64 { return j.ratio }

// RatioName is the model's nearest ratio.
func (j *Job) RatioName() string {
	name, _ := canvas.Nearest(j.Model.Ratios, j.ratio)
	return name
}

// Size is the size of the pictures at a model with free sizes; an upscale is as large as the model draws.
func (j *Job) Size() (w, h int) {
	side := j.Model.Size.Side
	if j.HD() || j.Req.Op == core.OpUpscale {
		side = j.Model.Size.HDSide
	}
	w, h, _ = canvas.Size(j.Model.Size, j.ratio, side)
	return w, h
}

// Seed returns the seed of picture i, below limit. With --chaos or --weird they lie apart.
func (j *Job) Seed(i int, limit int64) int64 {
	step := int64(1)
	if j.Req.Params["chaos"] != "" || j.Req.Params["weird"] != "" {
		step = 1_000_003
	}
	s := (j.Req.Seed + int64(i)*step) % limit
	if s < 0 {
		s += limit
	}
	return s
}

// Plan says what a request would do. It makes no call.
func (b *Base) Plan(r core.Request) core.Plan {
	j, plan := b.resolve(r)
	if j != nil && len(plan.Blockers) == 0 && b.Check != nil {
		if why := b.Check(j); why != "" {
			plan.Blockers = append(plan.Blockers, core.Say("%s", why))
		}
	}
	return plan
}

// Start is Plan for a run: it returns the job, or why there is none, and refuses an empty key before anything is sent.
func (b *Base) Start(a core.Account, keyed bool, r core.Request) (*Job, error) {
	if keyed {
		if err := b.HasKey(a); err != nil {
			return nil, err
		}
	}
	plan := b.Plan(r)
	if len(plan.Blockers) > 0 {
		return nil, core.Errorf(core.CodeInvalid, "%s", plan.Blockers[0])
	}
	if plan.Support == core.SupportNone {
		return nil, core.Errorf(core.CodeUnsupp, "%s cannot do that.", b.Title).WithNext("Choose another provider with --provider.")
	}
	j, _ := b.resolve(r)
	return j, nil
}

// HasKey refuses an account without a credential.
func (b *Base) HasKey(a core.Account) error {
	if strings.TrimSpace(a.Key.Reveal()) == "" {
		return core.Errorf(core.CodeForbidden, "No key of yours for %s is linked.", b.Title).WithNext("Link your account with: account link %s", b.ID)
	}
	return nil
}

func (b *Base) resolve(r core.Request) (*Job, core.Plan) {
	if r.Op == core.OpReroll {
		r.Op = core.OpGenerate
	}
	j := &Job{Req: r}
	m, ok := b.Facts.Model(r.Model)
	switch {
	case ok:
	case midjourney(r.Model):
		m, _ = b.Facts.Model("")
		j.Dropped = append(j.Dropped, "v")
	default:
		var ids []string
		for _, m := range b.Facts.Models {
			ids = append(ids, m.ID)
		}
		return nil, core.Plan{Support: core.SupportNone, Blockers: []core.Saying{core.Say("%s has no model %q here. There are: %s.", b.Title, clip(r.Model, 40), strings.Join(ids, ", "))}}
	}
	j.Model = m
	var confirmed bool
	j.Op, confirmed = b.Facts.Op(m, r.Op, r.Strength)
	plan := core.Plan{Support: j.Op.Support}
	if j.Op.Support == core.SupportNone {
		if whole, _ := b.Facts.Op(m, r.Op, ""); !confirmed && whole.Support != core.SupportNone {
			plan.Blockers = append(plan.Blockers, core.Say("%s does that here only in another strength: leave out --strength %s.", b.Title, r.Strength))
		}
		return nil, plan
	}
	if plan.Support == core.SupportEmulated {
		plan.How = j.Op.How
	}
	j.N = r.N
	if j.N <= 0 {
		j.N = b.Facts.Images
	}
	j.N = min(j.N, maxImages)
	switch r.Op {
	case core.OpUpscale:
		j.N = 1
	case core.OpDescribe:
		j.N = 0
	}
	plan.Images, plan.Calls = j.N, max(1, (j.N+m.PerCall-1)/m.PerCall)
	j.ratio = b.ratio(j)
	b.params(j)
	b.words(j)
	slices.Sort(j.Dropped)
	slices.Sort(j.Approx)
	plan.Dropped, plan.Approx = slices.Compact(j.Dropped), slices.Compact(j.Approx)
	plan.Cost = b.estimate(j, plan.Calls)
	plan.Blockers = append(plan.Blockers, b.blockers(j)...)
	return j, plan
}

// maxImages bounds the pictures of one run, whatever a request says.
const maxImages = 10

// midjourney reports whether a model is named by --v or --niji, which say nothing elsewhere.
func midjourney(model string) bool {
	return strings.HasPrefix(model, "niji") || model != "" && strings.Trim(model, "0123456789.") == ""
}

func (b *Base) blockers(j *Job) (out []core.Saying) {
	r, m := j.Req, j.Model
	need := func(ok bool, why core.Saying) {
		if !ok {
			out = append(out, why)
		}
	}
	switch r.Op {
	case core.OpGenerate:
		need(strings.TrimSpace(r.Prompt) != "" || r.Source != nil, core.Say("The prompt has no words."))
	case core.OpBlend:
		need(len(r.Refs) >= 2, core.Say("Blending takes at least two pictures."))
	default:
		need(r.Source != nil, core.Say("There is no picture to work on."))
	}
	if r.Op == core.OpEditRegion {
		_, ok := canvas.Clamp(r.Area)
		need(ok || r.Mask != nil, core.Say("The area lies outside the picture. Give it as x,y,width,height in fractions from 0 to 1."))
	}
	if r.Mask != nil && !b.Masks {
		need(false, core.Say("%s takes no mask. Name the area with --area x,y,width,height in fractions from 0 to 1.", b.Title))
	}
	if r.Op == core.OpEditRegion || r.Op == core.OpEditWords {
		need(strings.TrimSpace(r.Prompt) != "", core.Say("Say in words what to change."))
	}
	if n := len([]rune(j.Words)); n > m.MaxPrompt {
		need(false, core.Say("The prompt has %d characters with the words for its flags, and %s takes %d. Please shorten it.", n, b.Title, m.MaxPrompt))
	}
	inputs := len(r.Refs)
	if r.Source != nil {
		inputs++
	}
	if r.Op != core.OpDescribe && r.Op != core.OpUpscale && j.Op.Support != core.SupportNative || r.Op == core.OpBlend || len(r.Refs) > 0 {
		need(inputs <= m.MaxRefs, core.Say("%s takes at most %d pictures with a prompt.", b.Title, m.MaxRefs))
	}
	if s := m.Size; len(m.Ratios) == 0 && s.MaxRatio > 0 && max(j.ratio, 1/j.ratio) > s.MaxRatio*1.001 && r.Op != core.OpDescribe {
		if _, _, ok := canvas.Size(s, j.ratio, s.Side); !ok {
			need(false, core.Say("%s draws pictures up to %g:1, and this would be %.1f:1.", b.Title, s.MaxRatio, max(j.ratio, 1/j.ratio)))
		}
	}
	return out
}

// ratio is width by height of what a job makes.
func (b *Base) ratio(j *Job) float64 {
	r := j.Req
	switch {
	case r.Source != nil && r.Source.Width > 0 && r.Source.Height > 0:
		return canvas.Grown(r.Op, r.Dir, r.Source.Width, r.Source.Height)
	case r.Params["ar"] != "" && b.Facts.Param(j.Model, "ar") != core.FidelityDropped:
		return canvas.Ratio(r.Params["ar"])
	}
	return 1
}

// estimate guesses the cost of a job; what the provider says afterwards counts.
func (b *Base) estimate(j *Job, calls int) core.Cost {
	if b.Free {
		return core.Cost{}
	}
	p := j.Model.Price
	per := p.Image
	switch {
	case j.HD() || j.Req.Op == core.OpUpscale && b.Redraws:
		per = max(p.HD, p.Image)
	case j.Draft() && p.Draft > 0:
		per = p.Draft
	case j.Fine() && p.Fine > 0:
		per = p.Fine
	}
	per = int64(float64(per) * j.growth())
	micros := per * int64(j.N)
	if j.Op.Micros > 0 {
		micros = j.Op.Micros * int64(calls)
	} else if j.Req.Op == core.OpDescribe {
		micros = p.Input
	}
	inputs := int64(len(j.Req.Refs))
	if j.Req.Source != nil && j.Req.Op != core.OpDescribe {
		inputs++
	}
	if j.Op.Micros == 0 {
		micros += inputs * p.Input * int64(calls)
	}
	return b.Cost(j, micros, true)
}

// growth is by how much a picture is larger than an ordinary one, at least 1, where the size follows the source.
func (j *Job) growth() float64 {
	src, s := j.Req.Source, j.Model.Size
	if src == nil || len(j.Model.Ratios) > 0 {
		return 1
	}
	var w, h int
	switch j.Req.Op {
	case core.OpZoom, core.OpPan:
		l := canvas.Extend(j.Req, max(src.Width, 1), max(src.Height, 1), s, nil)
		w, h = l.W, l.H
	case core.OpEditRegion:
		w, h = canvas.Bound(s, float64(max(src.Width, 1)), float64(max(src.Height, 1)))
	}
	return max(1, float64(w*h)/float64(s.Side*s.Side))
}

// Cost writes an amount also in the provider's own unit.
func (b *Base) Cost(j *Job, micros int64, estimated bool) core.Cost {
	c := core.Cost{Micros: micros, Estimated: estimated && micros > 0}
	if p := j.Model.Price; p.NativeUnit > 0 && micros > 0 {
		c.Native = strings.TrimSuffix(fmt.Sprintf("%.1f", float64(micros)/float64(p.NativeUnit)), ".0") + " " + p.Native
	}
	return c
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// Unconfirmed lists what is off until somebody tried it.
func (b *Base) Unconfirmed() core.Unconfirmed { return b.Facts.Unconfirmed() }
