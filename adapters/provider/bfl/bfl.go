// Package bfl makes pictures with the API of Black Forest Labs on a person's own key. Jobs are asynchronous: what was
// accepted is told as a handle before it is waited for, so that a restart loses nothing that was paid for.
package bfl

import (
	"context"
	_ "embed" // the built-in facts
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"github.com/atelier-bridge/atelier/adapters/internal/httpx"
	"github.com/atelier-bridge/atelier/adapters/provider/internal/base"
	"github.com/atelier-bridge/atelier/adapters/provider/internal/canvas"
	"github.com/atelier-bridge/atelier/core"
)

// Options configure the provider; its address is https://api.bfl.ai unless they say otherwise.
type Options = base.Setup

// Provider implements core.Keyed and core.Resumer.
type Provider struct{ *base.Base }

var (
	_ core.Keyed   = (*Provider)(nil)
	_ core.Resumer = (*Provider)(nil)
)

//go:embed facts.json
var builtin []byte

const title = "Black Forest Labs"

// New returns the provider; it does no I/O. The error lists all faults of the facts and the address.
func New(o Options) (*Provider, error) {
	b, err := base.New(base.Options{Setup: o, ID: "bfl", Title: title, Builtin: builtin, Classify: classify})
	if err != nil {
		return nil, err
	}
	b.Masks = true
	for _, m := range b.Facts.Models {
		if m.Path == "" {
			return nil, fmt.Errorf("facts of bfl: model %s has no path", m.ID)
		}
	}
	return &Provider{b}, nil
}

// Verify asks for the credits that are left; that costs nothing.
func (p *Provider) Verify(ctx context.Context, a core.Account) (core.AccountFacts, error) {
	if err := p.HasKey(a); err != nil {
		return core.AccountFacts{}, err
	}
	k := auth(a, httpx.Call{Path: p.Facts.Paths["credits"]})
	reply, err := p.HTTP.Do(ctx, k)
	if err != nil {
		return core.AccountFacts{}, err
	}
	var in struct {
		Credits *float64 `json:"credits"`
	}
	if err := p.HTTP.JSON(k, reply, &in); err != nil {
		return core.AccountFacts{}, err
	}
	var f core.AccountFacts
	if c := in.Credits; c != nil && *c > -1e9 && *c < 1e9 {
		f.Balance = strings.TrimSuffix(fmt.Sprintf("%.2f", *c), ".00") + " credits left"
	}
	return f, nil
}

func auth(a core.Account, k httpx.Call) httpx.Call {
	k.Key, k.Header = a.Key, "X-Key"
	return k
}

// maxSeed is the end of the seeds that the API takes.
const maxSeed = 1 << 31

// Run submits one job for each picture, then waits for all of them.
func (p *Provider) Run(ctx context.Context, a core.Account, r core.Request, progress core.Progress) (core.Result, error) {
	j, err := p.Start(a, true, r)
	if err != nil {
		return core.Result{}, err
	}
	path, body, err := p.body(ctx, j)
	if err != nil {
		return core.Result{}, err
	}
	progress(core.Step{Percent: 2})
	var h handle
	var failed error
	for i := range j.N {
		body["seed"] = j.Seed(i, maxSeed)
		t, err := p.submit(ctx, a, j, path, body)
		if err != nil {
			failed = err
			break
		}
		t.Seed = j.Seed(i, maxSeed)
		h.Jobs = append(h.Jobs, t)
		progress(core.Step{Percent: 2 + 8*(i+1)/j.N, Handle: h.text()})
	}
	if len(h.Jobs) == 0 {
		return core.Result{}, failed
	}
	res, err := p.wait(ctx, a, j, h, progress)
	if core.ErrorCode(err) == core.CodeNotFound {
		err = p.Accepted(err) // it was there a moment ago
	}
	if err == nil && failed != nil {
		res.Note = base.Notes(core.Say("%d of %d pictures were not started: %s", j.N-len(h.Jobs), j.N, failed), res.Note)
	}
	return res, err
}

// body builds what all jobs of a run send.
func (p *Provider) body(ctx context.Context, j *base.Job) (path string, body map[string]any, err error) {
	// Tolerance 2 is what the documentation has as a default, of 0 (strictest) to 5.
	body = map[string]any{"prompt": j.Words, "output_format": "png", "safety_tolerance": 2}
	in, err := base.Inputs(ctx, j.Req)
	if err != nil {
		return "", nil, err
	}
	b64 := base64.StdEncoding.EncodeToString
	switch j.Req.Op {
	case core.OpZoom, core.OpPan:
		l := canvas.Extend(j.Req, in[0].W, in[0].H, j.Model.Size, nil)
		// Sizes and offsets off the grid of 16 are accepted and give a picture of one colour.
		src, err := p.Board.Resized(ctx, in[0], l.Place.Dx(), l.Place.Dy())
		if err != nil {
			return "", nil, err
		}
		body["input_image"], body["width"], body["height"] = b64(src.Data), l.W, l.H
		body["reference_offset_x"], body["reference_offset_y"] = l.Place.Min.X, l.Place.Min.Y
		return p.Facts.Paths["outpaint"], body, nil
	case core.OpEditRegion:
		w, h := canvas.Bound(j.Model.Size, float64(in[0].W), float64(in[0].H))
		src, err := p.Board.Resized(ctx, in[0], w, h)
		if err != nil {
			return "", nil, err
		}
		m, err := p.Board.RegionMask(ctx, j.Req, w, h)
		if err != nil {
			return "", nil, err
		}
		mask, err := canvas.GrayPNG(m)
		if err != nil {
			return "", nil, err
		}
		body["image"], body["mask"] = b64(src.Data), b64(mask)
		return p.Facts.Paths["fill"], body, nil
	}
	w, h := j.Size()
	body["width"], body["height"] = w, h
	for i, f := range in {
		name := "input_image"
		if i > 0 {
			name = fmt.Sprintf("input_image_%d", i+1)
		}
		if f, err = p.Board.Within(ctx, f, j.Model.Size.HDSide); err != nil {
			return "", nil, err
		}
		body[name] = b64(f.Data)
	}
	return j.Model.Path, body, nil
}

// submit starts one job; this is the call that bills.
func (p *Provider) submit(ctx context.Context, a core.Account, j *base.Job, path string, body map[string]any) (task, error) {
	data, err := httpx.Marshal(body)
	if err != nil {
		return task{}, err
	}
	k := auth(a, httpx.Call{Method: http.MethodPost, Path: path, ContentType: "application/json", Accept: "application/json", Body: data, Billable: true})
	reply, err := p.HTTP.Do(ctx, k)
	if err != nil {
		return task{}, err
	}
	var in accepted
	if err := p.HTTP.JSON(k, reply, &in); err != nil {
		return task{}, err
	}
	if in.PollingURL == "" || !p.HTTP.Allowed(in.PollingURL) {
		return task{}, p.HTTP.Unreadable(k, errNoAddress)
	}
	return task{URL: in.PollingURL, Cost: in.cost(j.Model.Price.NativeUnit)}, nil
}

// Resume waits for a run that somebody else began.
func (p *Provider) Resume(ctx context.Context, a core.Account, r core.Request, handle string, progress core.Progress) (core.Result, error) {
	if err := p.HasKey(a); err != nil {
		return core.Result{}, err
	}
	h, err := readHandle(handle)
	if err != nil {
		return core.Result{}, err
	}
	for _, t := range h.Jobs {
		if !p.HTTP.Allowed(t.URL) {
			return core.Result{}, core.Wrap(core.CodeNotFound, errNoAddress)
		}
	}
	j, err := p.Start(a, true, r)
	if err != nil {
		return core.Result{}, err
	}
	res, err := p.wait(ctx, a, j, h, progress)
	if n := j.N - len(h.Jobs); err == nil && n > 0 {
		res.Note = base.Notes(core.Say("Atelier stopped before it had started %d of %d pictures.", n, j.N), res.Note)
	}
	return res, err
}

// wait waits for all jobs of a run and fetches their pictures at once: their addresses die after ten minutes.
func (p *Provider) wait(ctx context.Context, a core.Account, j *base.Job, h handle, progress core.Progress) (core.Result, error) {
	res, err := base.Several(ctx, len(h.Jobs), progress, func(ctx context.Context, i int) (core.Result, error) {
		return p.one(ctx, a, h.Jobs[i])
	})
	res.Model, res.Dropped = j.Model.ID, j.Dropped
	if err == nil && len(h.Jobs) > 0 {
		res.Seed = &h.Jobs[0].Seed
		if res.Cost.Micros > 0 {
			res.Cost = p.Cost(j, res.Cost.Micros, true)
		}
	}
	return res, err
}

// maxResult bounds a picture that is fetched: four million pixels that do not shrink at all fit twice.
const maxResult = 24 << 20

func (p *Provider) one(ctx context.Context, a core.Account, t task) (core.Result, error) {
	var sample string
	err := p.Await(ctx, func(ctx context.Context) (bool, error) {
		k := auth(a, httpx.Call{URL: t.URL, Accept: "application/json"})
		reply, err := p.HTTP.Do(ctx, k)
		if err != nil {
			return false, err
		}
		var in state
		if err := p.HTTP.JSON(k, reply, &in); err != nil {
			return false, err
		}
		sample = in.Result.Sample
		return in.done()
	})
	if err != nil {
		if core.ErrorCode(err) == core.CodeNotFound {
			return core.Result{}, err // Resume tells it as it is
		}
		return core.Result{}, p.Accepted(err)
	}
	var body []byte
	err = p.Await(ctx, func(ctx context.Context) (bool, error) {
		// The address carries its own permission: the key does not go there.
		reply, err := p.HTTP.Do(ctx, httpx.Call{URL: sample, Accept: "image/*", Max: maxResult})
		body = reply.Body
		return err == nil, err
	})
	if err != nil {
		return core.Result{}, p.Accepted(err)
	}
	pics, _, err := p.Pictures(ctx, [][]byte{body})
	if err != nil {
		return core.Result{}, p.Accepted(core.Wrap(core.CodeInternal, err))
	}
	pics[0].Seed = &t.Seed
	return core.Result{Images: pics, Cost: core.Cost{Micros: t.Cost, Estimated: true}}, nil
}
