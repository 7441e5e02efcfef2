// Package openrouter makes pictures through OpenRouter on a person's own account. People allow it on OpenRouter's own
// page, by OAuth with PKCE, so that nobody copies a key; a pasted key works too.
package openrouter

import (
	"context"
	_ "embed" // the built-in facts
	"errors"
	"math"
	"net/http"
	"net/url"
	"strings"

	"github.com/atelier-bridge/atelier/adapters/internal/httpx"
	"github.com/atelier-bridge/atelier/adapters/provider/internal/base"
	"github.com/atelier-bridge/atelier/adapters/provider/internal/canvas"
	"github.com/atelier-bridge/atelier/core"
)

// Options configure the provider; its address is https://openrouter.ai unless they say otherwise. People's browsers go to
// its /auth page.
type Options = base.Setup

// Provider implements core.Authorizer.
type Provider struct {
	*base.Base
	page *url.URL
}

var _ core.Authorizer = (*Provider)(nil)

//go:embed facts.json
var builtin []byte

// New returns the provider; it does no I/O. The error lists all faults of the facts and the address.
func New(o Options) (*Provider, error) {
	o.BaseURL = strings.TrimSuffix(strings.TrimRight(o.BaseURL, "/"), "/api/v1")
	b, err := base.New(base.Options{Setup: o, ID: "openrouter", Title: "OpenRouter", Builtin: builtin, Classify: classify})
	if err != nil {
		return nil, err
	}
	b.Redraws = true
	if o.BaseURL == "" {
		o.BaseURL = b.Facts.BaseURL
	}
	u, err := url.Parse(o.BaseURL)
	if err != nil {
		return nil, err
	}
	return &Provider{b, u.JoinPath("auth")}, nil
}

// Authorize returns the page on which the person allows a key. PKCE is optional there and never left out here. The
// callback must be https on port 443 or 3000. https://openrouter.ai/docs/use-cases/oauth-pkce
func (p *Provider) Authorize(callback, challenge string) string {
	u := *p.page
	u.RawQuery = url.Values{"callback_url": {callback}, "code_challenge": {challenge}, "code_challenge_method": {"S256"}}.Encode()
	return u.String()
}

// Exchange trades the code for the key.
func (p *Provider) Exchange(ctx context.Context, code, verifier string) (core.Secret, error) {
	body, err := httpx.Marshal(map[string]string{"code": code, "code_verifier": verifier, "code_challenge_method": "S256"})
	if err != nil {
		return core.Secret{}, err
	}
	k := httpx.Call{Method: http.MethodPost, Path: "/api/v1/auth/keys", ContentType: "application/json", Body: body, Max: 64 << 10}
	reply, err := p.HTTP.Do(ctx, k)
	if s := httpx.Status(err); s >= 400 && s < 500 && s != http.StatusTooManyRequests {
		return core.Secret{}, core.Errorf(core.CodeInvalid, "OpenRouter did not accept the answer of its own page.").WithNext("Begin again with: account link openrouter").Because(httpx.StatusError(s))
	}
	if err != nil {
		return core.Secret{}, err
	}
	var in struct {
		Key string `json:"key"`
	}
	if err := p.HTTP.JSON(k, reply, &in); err != nil {
		return core.Secret{}, err
	}
	if in.Key == "" || len(in.Key) > 1000 {
		return core.Secret{}, p.HTTP.Unreadable(k, errors.New("the answer holds no key"))
	}
	return core.NewSecret(in.Key), nil
}

// Verify asks what the key may spend; that costs nothing.
func (p *Provider) Verify(ctx context.Context, a core.Account) (core.AccountFacts, error) {
	if err := p.HasKey(a); err != nil {
		return core.AccountFacts{}, err
	}
	k := p.auth(a, httpx.Call{Path: "/api/v1/key"})
	reply, err := p.HTTP.Do(ctx, k)
	if err != nil {
		return core.AccountFacts{}, err
	}
	var in struct {
		Data struct {
			Label     string   `json:"label"`
			Limit     *float64 `json:"limit"`
			Remaining *float64 `json:"limit_remaining"`
			Free      *bool    `json:"is_free_tier"`
		} `json:"data"`
	}
	if err := p.HTTP.JSON(k, reply, &in); err != nil {
		return core.AccountFacts{}, err
	}
	var f core.AccountFacts
	// Without a name of its own, the label is the key with its middle left out.
	if l := httpx.Clean(a.Key, in.Data.Label); !strings.HasPrefix(l, "sk-") {
		f.Scope = l
	}
	if in.Data.Free != nil {
		f.Plan = "paid"
		if *in.Data.Free {
			f.Plan = "free tier"
		}
	}
	switch {
	case in.Data.Remaining != nil:
		f.Balance = core.Dollars(micros(*in.Data.Remaining)) + " left of the key's limit"
	case in.Data.Limit == nil:
		f.Balance = "no limit on the key"
	}
	return f, nil
}

func (p *Provider) auth(a core.Account, k httpx.Call) httpx.Call {
	k.Key, k.Header, k.Prefix = a.Key, "Authorization", "Bearer "
	return k
}

// micros reads dollars as millionths; nothing that is no sensible amount.
func micros(dollars float64) int64 {
	if !(dollars > -1e6 && dollars < 1e6) {
		return 0
	}
	return int64(math.Round(dollars * 1e6))
}

// maxSeed is the end of the seeds that all models take.
const maxSeed = 1 << 31

// Run makes the pictures.
func (p *Provider) Run(ctx context.Context, a core.Account, r core.Request, progress core.Progress) (core.Result, error) {
	j, err := p.Start(a, true, r)
	if err != nil {
		return core.Result{}, err
	}
	if j.Req.Op == core.OpDescribe {
		return p.describe(ctx, a, j)
	}
	in, err := base.Inputs(ctx, j.Req)
	if err != nil {
		return core.Result{}, err
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
	body := map[string]any{"model": j.Model.ID, "prompt": j.Words, "aspect_ratio": ratio}
	if j.Model.HD {
		body["resolution"] = "1K"
		if j.HD() || j.Req.Op == core.OpUpscale {
			body["resolution"] = "2K"
		}
	}
	var refs []any
	for _, f := range in {
		refs = append(refs, map[string]any{"type": "image_url", "image_url": map[string]any{"url": base.DataURL(f)}})
	}
	if refs != nil {
		body["input_references"] = refs
	}
	progress(core.Step{Percent: 5})
	seeded := p.Facts.Param(j.Model, "seed") != core.FidelityDropped
	calls := (j.N + j.Model.PerCall - 1) / j.Model.PerCall
	res, err := base.Several(ctx, calls, progress, func(ctx context.Context, i int) (core.Result, error) {
		n := min(j.Model.PerCall, j.N-i*j.Model.PerCall)
		return p.one(ctx, a, j, body, i, n, seeded, finish)
	})
	res.Model, res.Dropped = j.Model.ID, j.Dropped
	if seeded && err == nil {
		s := j.Seed(0, maxSeed)
		res.Seed = &s
	}
	return res, err
}

// one makes one call for n pictures.
func (p *Provider) one(ctx context.Context, a core.Account, j *base.Job, shared map[string]any, i, n int, seeded bool, finish func(canvas.File) (canvas.File, error)) (core.Result, error) {
	body := map[string]any{"n": n}
	for k, v := range shared {
		body[k] = v
	}
	if seeded {
		body["seed"] = j.Seed(i*j.Model.PerCall, maxSeed)
	}
	data, err := httpx.Marshal(body)
	if err != nil {
		return core.Result{}, err
	}
	k := p.auth(a, httpx.Call{Method: http.MethodPost, Path: "/api/v1/images", ContentType: "application/json", Accept: "application/json", Body: data, Billable: true, Max: base.MaxAnswer(n)})
	reply, err := p.HTTP.Do(ctx, k)
	if err != nil {
		return core.Result{}, err
	}
	var in answer
	if err := p.HTTP.JSON(k, reply, &in); err != nil {
		return core.Result{}, err
	}
	if err := in.failed(); err != nil {
		return core.Result{}, err
	}
	pics, note, err := p.Pictures(ctx, in.pictures())
	if err != nil {
		return core.Result{}, p.HTTP.Unreadable(k, err)
	}
	note = base.Notes(note, base.Finish(pics, finish), base.Short(len(in.Data), n))
	return core.Result{Images: pics, Cost: in.cost(), Note: note, RequestID: base.ID(in.ID)}, nil
}

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
	body, err := httpx.Marshal(map[string]any{"model": p.Facts.Helpers["describe"], "max_tokens": 2000, "user": a.EndUser(),
		"messages": []any{map[string]any{"role": "user", "content": []any{
			map[string]any{"type": "text", "text": j.Words},
			map[string]any{"type": "image_url", "image_url": map[string]any{"url": base.DataURL(f)}}}}}})
	if err != nil {
		return core.Result{}, err
	}
	k := p.auth(a, httpx.Call{Method: http.MethodPost, Path: "/api/v1/chat/completions", ContentType: "application/json", Body: body, Billable: true, Max: 4 << 20})
	reply, err := p.HTTP.Do(ctx, k)
	if err != nil {
		return core.Result{}, err
	}
	var in chat
	if err := p.HTTP.JSON(k, reply, &in); err != nil {
		return core.Result{}, err
	}
	if err := in.failed(); err != nil {
		return core.Result{}, err
	}
	text := base.Texts(in.text())
	if text == "" {
		return core.Result{}, p.HTTP.Unreadable(k, errors.New("the answer holds no text"))
	}
	return core.Result{Text: text, Model: httpx.Clean(a.Key, in.Model), RequestID: base.ID(in.ID), Cost: in.cost(), Dropped: j.Dropped}, nil
}
