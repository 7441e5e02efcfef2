// Package stability makes pictures with Stability AI's API on a person's own key. Much of what it offers could not be
// confirmed from the sources: that is off until the facts say otherwise.
package stability

import (
	"context"
	_ "embed" // the built-in facts
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/atelier-bridge/atelier/adapters/internal/httpx"
	"github.com/atelier-bridge/atelier/adapters/provider/internal/base"
	"github.com/atelier-bridge/atelier/adapters/provider/internal/canvas"
	"github.com/atelier-bridge/atelier/core"
)

// Options configure the provider; its address is https://api.stability.ai unless they say otherwise.
type Options = base.Setup

// Provider implements core.Keyed and core.Resumer.
type Provider struct{ *base.Base }

var (
	_ core.Keyed   = (*Provider)(nil)
	_ core.Resumer = (*Provider)(nil)
)

//go:embed facts.json
var builtin []byte

const title = "Stability AI"

// New returns the provider; it does no I/O. The error lists all faults of the facts and the address.
func New(o Options) (*Provider, error) {
	b, err := base.New(base.Options{Setup: o, ID: "stability", Title: title, Builtin: builtin, Classify: classify})
	if err != nil {
		return nil, err
	}
	b.Masks = true
	for _, m := range b.Facts.Models {
		if m.Path == "" {
			return nil, fmt.Errorf("facts of stability: model %s has no path", m.ID)
		}
	}
	p := &Provider{b}
	b.Native = map[string]bool{"no": p.Facts.Sends("negative_prompt")}
	return p, nil
}

// on reports whether a parameter is confirmed.
func (p *Provider) on(param string) bool {
	m, _ := p.Facts.Model("")
	return p.Facts.Param(m, param) != core.FidelityDropped
}

// Verify asks for the balance; that costs nothing.
func (p *Provider) Verify(ctx context.Context, a core.Account) (core.AccountFacts, error) {
	if err := p.HasKey(a); err != nil {
		return core.AccountFacts{}, err
	}
	k := auth(a, httpx.Call{Path: p.Facts.Paths["balance"], Accept: "application/json"})
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
	k.Key, k.Header, k.Prefix = a.Key, "Authorization", "Bearer "
	return k
}

// maxSeed is the end of the seeds that the API takes.
const maxSeed = 4294967295

// Run makes the pictures, one a call.
func (p *Provider) Run(ctx context.Context, a core.Account, r core.Request, progress core.Progress) (core.Result, error) {
	j, err := p.Start(a, true, r)
	if err != nil {
		return core.Result{}, err
	}
	path, fill, err := p.form(ctx, j)
	if err != nil {
		return core.Result{}, err
	}
	progress(core.Step{Percent: 5})
	if j.Req.Op == core.OpUpscale && j.Req.Strength == "creative" {
		return p.creative(ctx, a, j, path, fill, progress)
	}
	res, err := base.Several(ctx, j.N, progress, func(ctx context.Context, i int) (core.Result, error) {
		k, err := p.call(a, j, path, fill, i)
		if err != nil {
			return core.Result{}, err
		}
		reply, err := p.HTTP.Do(ctx, k)
		if err != nil {
			return core.Result{}, err
		}
		return p.read(ctx, j, k, reply, i)
	})
	res.Model, res.Dropped = j.Model.ID, j.Dropped
	if err == nil {
		if p.on("seed") {
			s := j.Seed(0, maxSeed)
			res.Seed = &s
		}
		res.Cost = p.Cost(j, res.Cost.Micros, true)
	}
	return res, err
}

// call builds the request for picture i.
func (p *Provider) call(a core.Account, j *base.Job, path string, fill func(*httpx.Form), i int) (httpx.Call, error) {
	f := httpx.NewForm()
	fill(f)
	if p.on("seed") {
		f.Field("seed", strconv.FormatInt(j.Seed(i, maxSeed), 10))
	}
	body, kind, err := f.Body()
	return auth(a, httpx.Call{Method: http.MethodPost, Path: path, ContentType: kind, Accept: "application/json", Body: body, Billable: true, Max: base.MaxAnswer(2)}), err
}

// How much of a picture is drawn anew, from 0 to 1.
const (
	strengthSubtle = ".35"
	strengthStrong = ".7"
)

// form returns where a job goes and what its form holds but for the seed.
func (p *Provider) form(ctx context.Context, j *base.Job) (path string, fill func(*httpx.Form), err error) {
	in, err := base.Inputs(ctx, j.Req)
	if err != nil {
		return "", nil, err
	}
	for i := range in {
		if in[i].MIME == "image/gif" {
			if in[i], err = p.Board.PNG(ctx, in[i]); err != nil {
				return "", nil, err
			}
		}
	}
	common := func(f *httpx.Form) {
		f.Field("prompt", j.Words)
		f.Field("output_format", "png")
		if p.Facts.Sends("negative_prompt") {
			f.Field("negative_prompt", j.Req.Params["no"])
		}
		if len(in) > 0 {
			f.File("image", "picture."+in[0].Extension(), in[0].MIME, in[0].Data)
		}
	}
	switch j.Req.Op {
	case core.OpUpscale:
		strength := j.Req.Strength
		if strength != "creative" {
			strength = "subtle"
		}
		return p.Facts.Paths["upscale:"+strength], common, nil
	case core.OpZoom, core.OpPan:
		left, right, up, down := canvas.Margins(j.Req, in[0].W, in[0].H, j.Model.Size.MaxPixels, maxMargin)
		return p.Facts.Paths["outpaint"], func(f *httpx.Form) {
			common(f)
			for name, n := range map[string]int{"left": left, "right": right, "up": up, "down": down} {
				if n > 0 {
					f.Field(name, strconv.Itoa(n))
				}
			}
		}, nil
	case core.OpEditRegion:
		m, err := p.Board.RegionMask(ctx, j.Req, in[0].W, in[0].H)
		if err != nil {
			return "", nil, err
		}
		mask, err := canvas.GrayPNG(m)
		return p.Facts.Paths["inpaint"], func(f *httpx.Form) {
			common(f)
			f.File("mask", "mask.png", "image/png", mask)
		}, err
	case core.OpVary, core.OpEditWords:
		strength := strengthStrong
		if j.Req.Strength == "subtle" {
			strength = strengthSubtle
		}
		return p.Facts.Paths["redraw"], func(f *httpx.Form) {
			common(f)
			f.Field("mode", "image-to-image")
			f.Field("model", p.Facts.Helpers["redraw"])
			f.Field("strength", strength)
		}, nil
	}
	return j.Model.Path, func(f *httpx.Form) {
		common(f)
		if j.Model.Send {
			f.Field("model", j.Model.ID)
		}
		if p.on("ar") {
			f.Field("aspect_ratio", j.RatioName())
		}
	}, nil
}

// maxMargin is how far a picture is extended to one side, in pixels.
const maxMargin = 2000

func (p *Provider) read(ctx context.Context, j *base.Job, k httpx.Call, reply httpx.Reply, i int) (core.Result, error) {
	data, seed, err := p.picture(k, reply)
	if err != nil {
		return core.Result{}, err
	}
	pics, note, err := p.Pictures(ctx, [][]byte{data})
	if err != nil {
		return core.Result{}, p.HTTP.Unreadable(k, err)
	}
	if seed == nil && p.on("seed") {
		s := j.Seed(i, maxSeed)
		seed = &s
	}
	pics[0].Seed = seed
	micros := j.Op.Micros
	if micros == 0 {
		micros = j.Model.Price.Image
	}
	return core.Result{Images: pics, Note: note, RequestID: base.ID(reply.Header.Get("X-Request-Id")), Cost: core.Cost{Micros: micros, Estimated: true}}, nil
}

// creative runs the one asynchronous operation.
func (p *Provider) creative(ctx context.Context, a core.Account, j *base.Job, path string, fill func(*httpx.Form), progress core.Progress) (core.Result, error) {
	k, err := p.call(a, j, path, fill, 0)
	if err != nil {
		return core.Result{}, err
	}
	reply, err := p.HTTP.Do(ctx, k)
	if err != nil {
		return core.Result{}, err
	}
	var in struct {
		ID string `json:"id"`
	}
	if err := p.HTTP.JSON(k, reply, &in); err != nil {
		return core.Result{}, err
	}
	if in.ID == "" || base.ID(in.ID) == "" {
		return core.Result{}, p.HTTP.Unreadable(k, errNoID)
	}
	progress(core.Step{Percent: 10, Handle: in.ID})
	res, err := p.wait(ctx, a, j, in.ID)
	if core.ErrorCode(err) == core.CodeNotFound {
		err = p.Accepted(err) // it was there a moment ago
	}
	return res, err
}

// Resume waits for an asynchronous run that somebody else began.
func (p *Provider) Resume(ctx context.Context, a core.Account, r core.Request, handle string, _ core.Progress) (core.Result, error) {
	if base.ID(handle) == "" || strings.Contains(handle, "..") {
		return core.Result{}, core.Wrap(core.CodeNotFound, errNoID)
	}
	j, err := p.Start(a, true, r)
	if err != nil {
		return core.Result{}, err
	}
	return p.wait(ctx, a, j, handle)
}

func (p *Provider) wait(ctx context.Context, a core.Account, j *base.Job, id string) (core.Result, error) {
	var k httpx.Call
	var reply httpx.Reply
	err := p.Await(ctx, func(ctx context.Context) (bool, error) {
		k = auth(a, httpx.Call{Path: p.Facts.Paths["results"] + "/" + id, Accept: "application/json", Max: base.MaxAnswer(2)})
		var err error
		reply, err = p.HTTP.Do(ctx, k)
		return err == nil && reply.Status != http.StatusAccepted, err
	})
	if err != nil {
		if core.ErrorCode(err) == core.CodeNotFound {
			return core.Result{}, err
		}
		return core.Result{}, p.Accepted(err)
	}
	res, err := p.read(ctx, j, k, reply, 0)
	res.Model, res.Dropped = j.Model.ID, j.Dropped
	if err == nil {
		res.Cost = p.Cost(j, res.Cost.Micros, true)
	}
	return res, p.Accepted(err)
}
