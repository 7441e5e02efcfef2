// Package selfhosted makes pictures on a server that the operator runs: stable-diffusion.cpp's own API, the one of
// AUTOMATIC1111's web UI, or one shaped like OpenAI's. It costs nothing, takes no credential, and runs again after a
// crash.
package selfhosted

import (
	"context"
	_ "embed" // the built-in facts
	"fmt"

	"github.com/atelier-bridge/atelier/adapters/provider/internal/base"
	"github.com/atelier-bridge/atelier/adapters/provider/internal/canvas"
	"github.com/atelier-bridge/atelier/core"
)

// Shape is the API that a server speaks.
type Shape string

// Shapes.
const (
	ShapeOpenAI   Shape = "openai"   // POST /v1/images/generations and /edits: LocalAI, sd-server and others
	ShapeA1111    Shape = "a1111"    // /sdapi/v1: AUTOMATIC1111, Forge, sd-server
	ShapeSDServer Shape = "sdserver" // /sdcpp/v1: stable-diffusion.cpp's server; the best one, jobs can be cancelled
)

// Options configure the provider.
type Options = base.Setup

// Provider implements core.Automatic. It is not core.Keyed: there is no account.
type Provider struct {
	*base.Base
	server server
}

var _ core.Automatic = (*Provider)(nil)

// server is what the shapes have in common.
type server interface {
	// run makes a job's pictures; w and h are their size, in the pictures that it works on.
	run(ctx context.Context, j *base.Job, in work, progress core.Progress) (core.Result, error)
}

// work is what a job works on, prepared: the picture, a mask in the canon, and how much of it is drawn anew.
type work struct {
	w, h     int
	picture  *canvas.File
	mask     []byte // gray, white changes; nil for the whole
	strength float64
}

var (
	//go:embed openai.json
	builtinOpenAI []byte
	//go:embed a1111.json
	builtinA1111 []byte
	//go:embed sdserver.json
	builtinSDServer []byte
)

const title = "The self-hosted server"

// New returns the provider for a server of a shape, ShapeSDServer when empty; it does no I/O. The error lists all faults of the facts, the shape and the address.
func New(o Options, shape Shape) (*Provider, error) {
	builtin, suffix := builtinSDServer, ""
	switch shape {
	case ShapeSDServer, "":
	case ShapeA1111:
		builtin = builtinA1111
	case ShapeOpenAI:
		builtin, suffix = builtinOpenAI, "/v1"
	default:
		return nil, fmt.Errorf("shape of the self-hosted server: %q is none of openai, a1111 and sdserver", shape)
	}
	b, err := base.New(base.Options{Setup: o, ID: "selfhosted", Title: title, Builtin: builtin, Suffix: suffix})
	if err != nil {
		return nil, err
	}
	b.Free, b.Masks = true, true
	p := &Provider{Base: b}
	switch shape {
	case ShapeA1111:
		b.Native = map[string]bool{"no": true, "tile": true}
		b.Stops = b.Facts.Sends("interrupt")
		p.server = &a1111{b, make(chan struct{}, 1)}
	case ShapeOpenAI:
		p.server = &openai{b}
	default:
		b.Native = map[string]bool{"no": true}
		b.Stops = true
		p.server = &sdserver{b}
	}
	return p, nil
}

// How much of a picture is drawn anew, from 0 to 1.
const (
	subtle  = .35
	strong  = .7
	redrawn = .55 // by words
	larger  = .25 // for an upscale
	whole   = 1.0 // inside a mask
)

// maxSeed is the end of the seeds that all servers take.
const maxSeed = 1 << 31

// Run makes the pictures. When the context ends, the server is told to stop, where it can.
func (p *Provider) Run(ctx context.Context, _ core.Account, r core.Request, progress core.Progress) (core.Result, error) {
	j, err := p.Start(core.Account{}, false, r)
	if err != nil {
		return core.Result{}, err
	}
	in, err := base.Inputs(ctx, j.Req)
	if err != nil {
		return core.Result{}, err
	}
	w, finish, err := p.prepare(ctx, j, in)
	if err != nil {
		return core.Result{}, err
	}
	progress(core.Step{Percent: 2})
	res, err := p.server.run(ctx, j, w, progress)
	if err != nil {
		return core.Result{}, err
	}
	res.Dropped = j.Dropped
	res.Note = base.Notes(res.Note, base.Finish(res.Images, finish))
	return res, nil
}

// prepare makes the picture, the mask and the size of a job.
func (p *Provider) prepare(ctx context.Context, j *base.Job, in []canvas.File) (w work, finish func(canvas.File) (canvas.File, error), err error) {
	w.w, w.h = j.Size()
	if len(in) == 0 {
		return w, nil, nil
	}
	f := in[0]
	switch j.Req.Op {
	case core.OpZoom, core.OpPan:
		original := f
		l := canvas.Extend(j.Req, f.W, f.H, j.Model.Size, nil)
		if f, err = p.Board.Padded(ctx, original, l); err != nil {
			return w, nil, err
		}
		w.w, w.h, w.strength = l.W, l.H, whole
		if w.mask, err = canvas.GrayPNG(l.Mask()); err != nil {
			return w, nil, err
		}
		w.picture = &f
		return w, func(made canvas.File) (canvas.File, error) {
			return p.Board.PasteBack(context.WithoutCancel(ctx), made, original, l)
		}, nil
	case core.OpEditRegion:
		w.w, w.h = canvas.Bound(j.Model.Size, float64(f.W), float64(f.H))
		w.strength = whole
		m, err := p.Board.RegionMask(ctx, j.Req, w.w, w.h)
		if err != nil {
			return w, nil, err
		}
		if w.mask, err = canvas.GrayPNG(m); err != nil {
			return w, nil, err
		}
	case core.OpUpscale:
		w.w, w.h = canvas.Bound(j.Model.Size, 2*float64(f.W), 2*float64(f.H))
		w.strength = larger
		if j.Req.Strength == "creative" {
			w.strength = subtle
		}
	case core.OpVary:
		w.strength = strong
		if j.Req.Strength == "subtle" {
			w.strength = subtle
		}
	default:
		w.strength = redrawn
	}
	if f, err = p.Board.Resized(ctx, f, w.w, w.h); err != nil {
		return w, nil, err
	}
	w.picture = &f
	return w, nil, nil
}
