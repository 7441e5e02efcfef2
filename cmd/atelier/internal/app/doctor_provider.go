package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

// tryTimeout bounds one run of an operation that is tried.
const tryTimeout = 5 * time.Minute

// TryProvider tries a provider with a key of the operator's own. Without spend only what costs nothing is called. With
// it, each operation that no source confirms is run once, on a small drawing; each run may be billed. It returns what it
// found, and the override that switches on what worked, for ATELIER_PROVIDER_DATA; nil when nothing did.
func TryProvider(ctx context.Context, name core.ProviderName, key core.Secret, spend bool) ([]core.Finding, []byte, error) {
	cfg, _ := LoadConfig() // the platforms and the store do not matter here
	data, err := facts(cfg, name)
	if err != nil {
		return nil, nil, err
	}
	p, err := automatic(cfg, name, data, core.SystemClock{}, core.Telemetry{})
	if err != nil {
		return nil, nil, fmt.Errorf("provider %s: %w", name, err)
	}
	area := string(name)
	account := core.Account{Person: "p-operator", Provider: name, Key: key}
	var out []core.Finding
	if k, ok := p.(core.Keyed); ok {
		got, err := k.Verify(ctx, account)
		if err != nil {
			return append(out, core.Finding{Area: area, What: "the key was not accepted: " + core.SafeMessage(err), Fix: "make another one at the provider"}), nil, nil
		}
		var said []string
		for _, f := range []string{got.Scope, got.Plan, got.Balance} {
			if f != "" {
				said = append(said, f)
			}
		}
		out = append(out, core.Finding{Area: area, OK: true, What: strings.TrimSuffix("the key works: "+strings.Join(said, ", "), ": ")})
	}
	d, ok := p.(core.Doubtful)
	if !ok {
		return out, nil, nil
	}
	off := d.Unconfirmed()
	if rest := slices.Concat(off.Params, off.Fields); len(rest) > 0 {
		out = append(out, core.Finding{Area: area, Warn: true, What: "not sent, since no source confirms it: " + strings.Join(rest, ", "), Fix: "try it by hand, then set \"unconfirmed\": false in " + area + ".json"})
	}
	if len(off.Ops) == 0 {
		return append(out, core.Finding{Area: area, OK: true, What: "every operation is confirmed"}), nil, nil
	}
	if !spend {
		return append(out, core.Finding{Area: area, Warn: true, What: "off, since no source confirms them: " + strings.Join(off.Ops, ", "), Fix: "try them with --spend; each is run once and may be billed"}), nil, nil
	}
	works := map[string]any{}
	for _, op := range off.Ops {
		f := tryOp(ctx, cfg, name, data, account, op)
		if out = append(out, f); f.OK {
			works[op] = map[string]any{"unconfirmed": false}
		}
	}
	if len(works) == 0 {
		return out, nil, nil
	}
	patch, err := json.MarshalIndent(map[string]any{"ops": works}, "", "  ")
	return out, patch, err
}

// tryOp runs one operation once.
func tryOp(ctx context.Context, cfg Config, name core.ProviderName, data []byte, account core.Account, op string) core.Finding {
	bad := func(what string) core.Finding {
		return core.Finding{Area: string(name), Warn: true, What: op + " does not work: " + what, Fix: "it stays off"}
	}
	data, err := switchedOn(data, op)
	if err != nil {
		return bad(err.Error())
	}
	p, err := automatic(cfg, name, data, core.SystemClock{}, core.Telemetry{})
	if err != nil {
		return bad(err.Error())
	}
	run, ok := p.(core.Automatic)
	if !ok {
		return bad("it is not run by programs")
	}
	req, err := sample(op)
	if err != nil {
		return bad(err.Error())
	}
	if plan := run.Plan(req); len(plan.Blockers) > 0 {
		return bad(plan.Blockers[0].String())
	}
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	res, err := run.Run(ctx, account, req, func(core.Step) {})
	if err != nil {
		return bad(core.SafeMessage(err))
	}
	if len(res.Images) == 0 && res.Text == "" {
		return bad("it made nothing")
	}
	cost := "it did not say what that cost"
	if res.Cost.Micros > 0 {
		cost = "for " + core.Dollars(res.Cost.Micros)
	}
	return core.Finding{Area: string(name), OK: true, What: fmt.Sprintf("%s works: %d picture(s), %s", op, len(res.Images), cost)}
}

// switchedOn adds to an override that an operation is confirmed.
func switchedOn(data []byte, op string) ([]byte, error) {
	patch := map[string]any{}
	if len(data) > 0 {
		if err := json.Unmarshal(data, &patch); err != nil {
			return nil, err
		}
	}
	ops, _ := patch["ops"].(map[string]any)
	if ops == nil {
		ops = map[string]any{}
	}
	one, _ := ops[op].(map[string]any)
	if one == nil {
		one = map[string]any{}
	}
	one["unconfirmed"], ops[op], patch["ops"] = false, one, ops
	return json.Marshal(patch)
}

// sample is a small request of an operation, such as "upscale:creative", on a drawing of a hill and a sun.
func sample(op string) (core.Request, error) {
	const side = 512
	im := image.NewRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			c := color.RGBA{120, 170, 220, 255}
			switch dx, dy := x-380, y-120; {
			case dx*dx+dy*dy < 50*50:
				c = color.RGBA{250, 220, 120, 255}
			case y > 330+(x-256)*(x-256)/900:
				c = color.RGBA{70, 120, 80, 255}
			}
			im.SetRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, im); err != nil {
		return core.Request{}, err
	}
	pic := core.StoredImage{Blob: "sample", MIME: "image/png", Width: side, Height: side, Size: int64(b.Len())}
	name, strength, _ := strings.Cut(op, ":")
	req := core.Request{Op: core.Op(name), Strength: strength, Prompt: "a green hill under a low sun", N: 1, Seed: 1, Factor: 2, Dir: "right",
		Open: func(context.Context, core.BlobKey) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(b.Bytes())), nil
		}}
	switch req.Op {
	case core.OpGenerate:
	case core.OpBlend:
		req.Refs = []core.StoredImage{pic, pic}
	case core.OpEditRegion:
		req.Area = &core.Area{X: 0.25, Y: 0.25, W: 0.5, H: 0.5}
		req.Source = &pic
	default:
		req.Source = &pic
	}
	return req, nil
}
