// Package openai makes pictures with OpenAI's image API on a person's own key. It speaks plain REST: the SDK reads keys
// and organisations from the environment, and repeats calls that bill.
package openai

import (
	"context"
	_ "embed" // the built-in facts
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/atelier-bridge/atelier/adapters/internal/httpx"
	"github.com/atelier-bridge/atelier/adapters/provider/internal/base"
	"github.com/atelier-bridge/atelier/adapters/provider/internal/canvas"
	"github.com/atelier-bridge/atelier/core"
)

// Options configure the provider; its address is https://api.openai.com unless they say otherwise.
type Options = base.Setup

// Provider implements core.Keyed.
type Provider struct{ *base.Base }

var _ core.Keyed = (*Provider)(nil)

//go:embed facts.json
var builtin []byte

// New returns the provider; it does no I/O. The error lists all faults of the facts and the address.
func New(o Options) (*Provider, error) {
	b, err := base.New(base.Options{Setup: o, ID: "openai", Title: "OpenAI", Builtin: builtin, Suffix: "/v1", Classify: classify})
	if err != nil {
		return nil, err
	}
	b.Redraws, b.Masks = true, true
	return &Provider{b}, nil
}

// Verify lists the models that a key may use; that costs nothing. A key that is limited to making pictures may not list
// them, and is accepted with a remark.
func (p *Provider) Verify(ctx context.Context, a core.Account) (core.AccountFacts, error) {
	if err := p.HasKey(a); err != nil {
		return core.AccountFacts{}, err
	}
	k := p.auth(a, httpx.Call{Path: "/v1/models", Max: 4 << 20})
	r, err := p.HTTP.Do(ctx, k)
	if httpx.Status(err) == http.StatusForbidden && strings.Contains(core.SafeMessage(err), "scope") {
		return core.AccountFacts{Scope: "a limited key; whether it may make pictures shows with the first one"}, nil
	}
	if err != nil {
		return core.AccountFacts{}, err
	}
	var in struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if err := p.HTTP.JSON(k, r, &in); err != nil {
		return core.AccountFacts{}, err
	}
	var known []string
	for _, m := range p.Facts.Models {
		for _, d := range in.Data {
			if d.ID == m.ID {
				known = append(known, m.ID)
			}
		}
	}
	if len(known) == 0 {
		return core.AccountFacts{Scope: "no image model that Atelier offers"}, nil
	}
	slices.Sort(known)
	return core.AccountFacts{Scope: "may use " + strings.Join(slices.Compact(known), ", ")}, nil
}

func (p *Provider) auth(a core.Account, k httpx.Call) httpx.Call {
	k.Key, k.Header, k.Prefix = a.Key, "Authorization", "Bearer "
	return k
}

// Run makes the pictures.
func (p *Provider) Run(ctx context.Context, a core.Account, r core.Request, progress core.Progress) (core.Result, error) {
	j, err := p.Start(a, true, r)
	if err != nil {
		return core.Result{}, err
	}
	if j.Req.Op == core.OpDescribe {
		return p.describe(ctx, a, j)
	}
	k, finish, err := p.call(ctx, a, j)
	if err != nil {
		return core.Result{}, err
	}
	progress(core.Step{Percent: 5})
	calls := (j.N + j.Model.PerCall - 1) / j.Model.PerCall
	res, err := base.Several(ctx, calls, progress, func(ctx context.Context, i int) (core.Result, error) {
		n := min(j.Model.PerCall, j.N-i*j.Model.PerCall)
		k, err := k(n)
		if err != nil {
			return core.Result{}, err
		}
		reply, err := p.HTTP.Do(ctx, k)
		if err != nil {
			return core.Result{}, err
		}
		return p.read(ctx, j, k, reply, n, finish)
	})
	res.Model, res.Dropped = j.Model.ID, j.Dropped
	return res, err
}

// call builds the request of a job for n pictures, and what is done with each picture that comes back.
func (p *Provider) call(ctx context.Context, a core.Account, j *base.Job) (build func(n int) (httpx.Call, error), finish func(canvas.File) (canvas.File, error), err error) {
	w, h := j.Size()
	if len(j.Req.Refs) == 0 && j.Req.Source == nil {
		return func(n int) (httpx.Call, error) {
			body, err := httpx.Marshal(map[string]any{"model": j.Model.ID, "prompt": j.Words, "n": n, "size": size(w, h), "quality": quality(j), "output_format": "png",
				"safety_identifier": a.EndUser()})
			return p.billable(a, "/v1/images/generations", "application/json", body, n), err
		}, nil, nil
	}
	in, err := base.Inputs(ctx, j.Req)
	if err != nil {
		return nil, nil, err
	}
	var mask []byte
	switch j.Req.Op {
	case core.OpZoom, core.OpPan:
		original := in[0]
		l := canvas.Extend(j.Req, original.W, original.H, j.Model.Size, nil)
		if in[0], err = p.Board.Padded(ctx, original, l); err != nil {
			return nil, nil, err
		}
		if mask, err = canvas.AlphaPNG(l.Mask()); err != nil {
			return nil, nil, err
		}
		w, h = l.W, l.H
		finish = func(f canvas.File) (canvas.File, error) {
			return p.Board.PasteBack(context.WithoutCancel(ctx), f, original, l)
		}
	case core.OpEditRegion:
		w, h = canvas.Bound(j.Model.Size, float64(in[0].W), float64(in[0].H))
		// The mask is as large as the picture, so the picture is what the model draws.
		if in[0], err = p.Board.Resized(ctx, in[0], w, h); err != nil {
			return nil, nil, err
		}
		m, err := p.Board.RegionMask(ctx, j.Req, w, h)
		if err != nil {
			return nil, nil, err
		}
		if mask, err = canvas.AlphaPNG(m); err != nil {
			return nil, nil, err
		}
	}
	for i := range in {
		if in[i].MIME == "image/gif" {
			if in[i], err = p.Board.PNG(ctx, in[i]); err != nil {
				return nil, nil, err
			}
		}
	}
	return func(n int) (httpx.Call, error) {
		f := httpx.NewForm()
		f.Field("model", j.Model.ID)
		f.Field("prompt", j.Words)
		f.Field("n", strconv.Itoa(n))
		f.Field("size", size(w, h))
		f.Field("quality", quality(j))
		f.Field("output_format", "png")
		f.Field("safety_identifier", a.EndUser())
		for i, x := range in {
			f.File("image[]", fmt.Sprintf("picture-%d.%s", i+1, x.Extension()), x.MIME, x.Data)
		}
		if mask != nil {
			f.File("mask", "mask.png", "image/png", mask)
		}
		body, kind, err := f.Body()
		return p.billable(a, "/v1/images/edits", kind, body, n), err
	}, finish, nil
}

func (p *Provider) billable(a core.Account, path, kind string, body []byte, n int) httpx.Call {
	return p.auth(a, httpx.Call{Method: http.MethodPost, Path: path, ContentType: kind, Accept: "application/json", Body: body, Billable: true, Max: base.MaxAnswer(n)})
}

func size(w, h int) string { return fmt.Sprintf("%dx%d", w, h) }

// quality names OpenAI's quality; the estimate of the cost counts on medium.
func quality(j *base.Job) string {
	switch {
	case j.Draft():
		return "low"
	case j.Fine():
		return "high"
	}
	return "medium"
}

// read takes pictures and cost out of an answer.
func (p *Provider) read(ctx context.Context, j *base.Job, k httpx.Call, reply httpx.Reply, n int, finish func(canvas.File) (canvas.File, error)) (core.Result, error) {
	var in answer
	if err := p.HTTP.JSON(k, reply, &in); err != nil {
		return core.Result{}, err
	}
	pics, note, err := p.Pictures(ctx, in.pictures())
	if err != nil {
		return core.Result{}, p.HTTP.Unreadable(k, err)
	}
	note = base.Notes(note, base.Finish(pics, finish), base.Short(len(in.Data), n))
	return core.Result{Images: pics, RequestID: requestID(reply), Cost: p.billed(j, in.Usage), Note: note}, nil
}

func requestID(r httpx.Reply) string { return base.ID(r.Header.Get("X-Request-Id")) }

// billed computes the cost from the tokens that OpenAI counted and the prices of the facts.
func (p *Provider) billed(j *base.Job, u *usage) core.Cost {
	if u == nil {
		return core.Cost{}
	}
	text, pictures := u.Details.Text, u.Details.Image
	if text == 0 && pictures == 0 {
		text = u.Input
	}
	pr := j.Model.Price
	const million = 1_000_000
	return core.Cost{Micros: (bounded(text)*pr.TextIn + bounded(pictures)*pr.ImageIn + bounded(u.Output)*pr.Out) / million}
}

// bounded keeps a count within what can be multiplied by a price.
func bounded(n int64) int64 { return min(max(n, 0), 10_000_000) }

// describeSide bounds the picture that is looked at: more pixels cost more and say no more.
const describeSide = 1024

func (p *Provider) describe(ctx context.Context, a core.Account, j *base.Job) (core.Result, error) {
	f, err := canvas.Read(ctx, j.Req, j.Req.Source)
	if err != nil {
		return core.Result{}, err
	}
	if f, err = p.Board.Within(ctx, f, describeSide); err != nil {
		return core.Result{}, err
	}
	body, err := httpx.Marshal(map[string]any{"model": p.Facts.Helpers["describe"], "store": false, "max_output_tokens": 4000, "safety_identifier": a.EndUser(),
		"input": []any{map[string]any{"role": "user", "content": []any{
			map[string]any{"type": "input_text", "text": j.Words},
			map[string]any{"type": "input_image", "image_url": base.DataURL(f)}}}}})
	if err != nil {
		return core.Result{}, err
	}
	k := p.billable(a, "/v1/responses", "application/json", body, 1)
	reply, err := p.HTTP.Do(ctx, k)
	if err != nil {
		return core.Result{}, err
	}
	var in said
	if err := p.HTTP.JSON(k, reply, &in); err != nil {
		return core.Result{}, err
	}
	text, refused := in.text()
	if refused {
		return core.Result{}, p.Refused("input", "")
	}
	if text = base.Texts(text); text == "" {
		return core.Result{}, p.HTTP.Unreadable(k, errNoText)
	}
	return core.Result{Text: text, Model: p.Facts.Helpers["describe"], RequestID: requestID(reply), Cost: p.Cost(j, j.Op.Micros, true), Dropped: j.Dropped}, nil
}
