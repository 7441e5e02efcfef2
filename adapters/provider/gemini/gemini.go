// Package gemini makes pictures with Google's Gemini API on a person's own key. It speaks plain REST: the SDK falls back
// to the server's key when it is given none, and prints its whole configuration in errors.
package gemini

import (
	"context"
	_ "embed" // the built-in facts
	"encoding/base64"
	"net/http"
	"net/url"

	"github.com/atelier-bridge/atelier/adapters/internal/httpx"
	"github.com/atelier-bridge/atelier/adapters/provider/internal/base"
	"github.com/atelier-bridge/atelier/adapters/provider/internal/canvas"
	"github.com/atelier-bridge/atelier/core"
)

// Options configure the provider; its address is https://generativelanguage.googleapis.com unless they say otherwise.
type Options = base.Setup

// Provider implements core.Keyed.
type Provider struct{ *base.Base }

var _ core.Keyed = (*Provider)(nil)

//go:embed facts.json
var builtin []byte

// New returns the provider; it does no I/O. The error lists all faults of the facts and the address.
func New(o Options) (*Provider, error) {
	b, err := base.New(base.Options{Setup: o, ID: "gemini", Title: title, Builtin: builtin, Suffix: "/v1beta", Classify: classify})
	if err != nil {
		return nil, err
	}
	b.Redraws = true
	return &Provider{b}, nil
}

const title = "Gemini"

// Verify lists one model; that costs nothing. Google does not tell the tier of a key.
func (p *Provider) Verify(ctx context.Context, a core.Account) (core.AccountFacts, error) {
	if err := p.HasKey(a); err != nil {
		return core.AccountFacts{}, err
	}
	k := auth(a, httpx.Call{Path: "/v1beta/models", Query: url.Values{"pageSize": {"1"}}})
	reply, err := p.HTTP.Do(ctx, k)
	if err != nil {
		return core.AccountFacts{}, err
	}
	var in struct {
		Models []struct {
			Name string `json:"name"`
		} `json:"models"`
	}
	if err := p.HTTP.JSON(k, reply, &in); err != nil {
		return core.AccountFacts{}, err
	}
	return core.AccountFacts{Scope: "the Gemini API"}, nil
}

func auth(a core.Account, k httpx.Call) httpx.Call {
	k.Key, k.Header = a.Key, "X-Goog-Api-Key"
	return k
}

// maxSeed is the end of the seeds that the API takes.
const maxSeed = 1 << 31

// Run makes the pictures, one a call.
func (p *Provider) Run(ctx context.Context, a core.Account, r core.Request, progress core.Progress) (core.Result, error) {
	j, err := p.Start(a, true, r)
	if err != nil {
		return core.Result{}, err
	}
	in, err := base.Inputs(ctx, j.Req)
	if err != nil {
		return core.Result{}, err
	}
	if j.Req.Op == core.OpDescribe {
		return p.describe(ctx, a, j, in[0])
	}
	ratio := j.RatioName()
	var finish func(canvas.File) (canvas.File, error)
	if j.Req.Op == core.OpZoom || j.Req.Op == core.OpPan {
		original := in[0]
		l := canvas.Extend(j.Req, original.W, original.H, j.Model.Size, j.Model.Ratios)
		if in[0], err = p.Board.Padded(ctx, original, l); err != nil {
			return core.Result{}, err
		}
		ratio, _ = canvas.Nearest(j.Model.Ratios, float64(l.W)/float64(l.H))
		finish = func(f canvas.File) (canvas.File, error) {
			return p.Board.PasteBack(context.WithoutCancel(ctx), f, original, l)
		}
	}
	config := map[string]any{"aspectRatio": ratio}
	if j.Model.HD {
		config["imageSize"] = imageSize(j)
	}
	if in, err = p.sendable(ctx, in); err != nil {
		return core.Result{}, err
	}
	progress(core.Step{Percent: 5})
	res, err := base.Several(ctx, j.N, progress, func(ctx context.Context, i int) (core.Result, error) {
		generation := map[string]any{"responseModalities": []string{"IMAGE"}, "imageConfig": config, "seed": j.Seed(i, maxSeed)}
		k, reply, err := p.call(ctx, a, j.Model.ID, j.Words, in, generation)
		if err != nil {
			return core.Result{}, err
		}
		return p.read(ctx, j, k, reply, finish)
	})
	res.Model, res.Dropped = j.Model.ID, j.Dropped
	return res, err
}

// imageSize names the size: 1K, with --hd 2K, and an upscale at least twice the picture.
func imageSize(j *base.Job) string {
	switch src := j.Req.Source; {
	case j.Req.Op == core.OpUpscale && src != nil && max(src.Width, src.Height) > 1200:
		return "4K"
	case j.HD() || j.Req.Op == core.OpUpscale:
		return "2K"
	}
	return "1K"
}

// sendable turns what the API does not take into PNG. https://ai.google.dev/gemini-api/docs/image-understanding
func (p *Provider) sendable(ctx context.Context, in []canvas.File) ([]canvas.File, error) {
	for i := range in {
		if in[i].MIME == "image/gif" {
			f, err := p.Board.PNG(ctx, in[i])
			if err != nil {
				return nil, err
			}
			in[i] = f
		}
	}
	return in, nil
}

func (p *Provider) call(ctx context.Context, a core.Account, model, words string, in []canvas.File, generation map[string]any) (httpx.Call, httpx.Reply, error) {
	parts := []any{map[string]any{"text": words}}
	for _, f := range in {
		parts = append(parts, map[string]any{"inlineData": map[string]any{"mimeType": f.MIME, "data": base64.StdEncoding.EncodeToString(f.Data)}})
	}
	body, err := httpx.Marshal(map[string]any{"contents": []any{map[string]any{"role": "user", "parts": parts}}, "generationConfig": generation})
	if err != nil {
		return httpx.Call{}, httpx.Reply{}, err
	}
	k := auth(a, httpx.Call{Method: http.MethodPost, Path: "/v1beta/models/" + url.PathEscape(model) + ":generateContent", ContentType: "application/json", Accept: "application/json",
		Body: body, Billable: true, Max: base.MaxAnswer(4)}) // one of 4K is as large as four
	reply, err := p.HTTP.Do(ctx, k)
	return k, reply, err
}

func (p *Provider) read(ctx context.Context, j *base.Job, k httpx.Call, reply httpx.Reply, finish func(canvas.File) (canvas.File, error)) (core.Result, error) {
	var in answer
	if err := p.HTTP.JSON(k, reply, &in); err != nil {
		return core.Result{}, err
	}
	list := in.pictures()
	if len(list) == 0 {
		return core.Result{}, in.without()
	}
	pics, note, err := p.Pictures(ctx, list)
	if err != nil {
		return core.Result{}, p.HTTP.Unreadable(k, err)
	}
	cost := j.Model.Price.Image
	if j.HD() || j.Req.Op == core.OpUpscale {
		cost = j.Model.Price.HD
	}
	return core.Result{Images: pics, RequestID: base.ID(in.ResponseID), Cost: core.Cost{Micros: cost, Estimated: true}, Note: base.Notes(note, base.Finish(pics, finish))}, nil
}

// describeSide bounds the picture that is looked at: more pixels cost more and say no more.
const describeSide = 1024

func (p *Provider) describe(ctx context.Context, a core.Account, j *base.Job, f canvas.File) (core.Result, error) {
	f, err := p.Board.Within(ctx, f, describeSide)
	if err != nil {
		return core.Result{}, err
	}
	model := j.Model.ID
	if m := p.Facts.Helpers["describe"]; m != "" {
		model = m
	}
	k, reply, err := p.call(ctx, a, model, j.Words, []canvas.File{f}, map[string]any{"responseModalities": []string{"TEXT"}})
	if err != nil {
		return core.Result{}, err
	}
	var in answer
	if err := p.HTTP.JSON(k, reply, &in); err != nil {
		return core.Result{}, err
	}
	text := base.Texts(in.text())
	if text == "" {
		return core.Result{}, in.without()
	}
	return core.Result{Text: text, Model: model, RequestID: base.ID(in.ResponseID), Cost: p.Cost(j, j.Op.Micros, true), Dropped: j.Dropped}, nil
}
