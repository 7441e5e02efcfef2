// Package sketch is the built-in sketcher: it draws pictures from words, so that everything can be tried without an
// account. It is a stand-in and says so on each picture; the same words, parameters and seed draw the same picture.
package sketch

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"math"
	"strings"
	"time"

	"github.com/atelier-bridge/atelier/adapters/media"
	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/prompt"
)

// Options configure the sketcher; all are for tests and demonstrations.
type Options struct {
	// Delay is how long it pretends to work on a request.
	Delay time.Duration
	// Fail makes the words of a prompt fail: by a word such as "refuse-me" to an error. May be nil.
	Fail map[string]error
	// Side is the side of a square picture in pixels; 1024 when zero.
	Side  int
	Clock core.Clock
}

// Provider implements core.Provider.
type Provider struct{ o Options }

var _ core.Provider = (*Provider)(nil)

// New returns the sketcher.
func New(o Options) *Provider {
	if o.Clock == nil {
		o.Clock = core.SystemClock{}
	}
	if o.Side == 0 {
		o.Side = fullSide
	}
	return &Provider{o: o}
}

// Name returns "sketch".
func (*Provider) Name() core.ProviderName { return "sketch" }

// fullSide gives a picture of about a megapixel.
const fullSide = 1024

// perAccount is how many requests of one person are drawn at once.
const perAccount = 2

// Capabilities says that every operation works, that nothing costs anything, and which parameters count.
func (*Provider) Capabilities(string) core.ProviderCapabilities {
	caps := core.ProviderCapabilities{Ops: map[core.Op]core.Support{}, Params: map[string]core.Fidelity{
		"ar": core.FidelityExact, "seed": core.FidelityExact, "chaos": core.FidelityApprox, "stylize": core.FidelityApprox, "no": core.FidelityWords, "tile": core.FidelityDropped,
	}, Free: true, Stops: true, PerAccount: perAccount, Images: 4}
	for _, op := range []core.Op{core.OpGenerate, core.OpReroll, core.OpVary, core.OpUpscale, core.OpZoom, core.OpPan, core.OpEditRegion, core.OpEditWords, core.OpBlend, core.OpDescribe} {
		caps.Ops[op] = core.SupportNative
	}
	return caps
}

// Terms returns nothing: there is nobody to agree with.
func (*Provider) Terms() core.Terms { return core.Terms{} }

// Plan names the parameters that have no effect here.
func (p *Provider) Plan(r core.Request) core.Plan {
	plan := core.Plan{Calls: 1, Images: count(r), Support: core.SupportNative}
	caps := p.Capabilities("")
	for name := range r.Params {
		switch caps.Params[name] {
		case core.FidelityExact, core.FidelityWords:
		case core.FidelityApprox:
			plan.Approx = append(plan.Approx, name)
		default:
			plan.Dropped = append(plan.Dropped, name)
		}
	}
	if r.Op == core.OpGenerate && len(r.Refs) > 0 {
		plan.Dropped = append(plan.Dropped, "ref") // it draws from words
	}
	return plan
}

// Run draws.
func (p *Provider) Run(ctx context.Context, _ core.Account, r core.Request, progress core.Progress) (core.Result, error) {
	for word, err := range p.o.Fail {
		if strings.Contains(r.Prompt, word) {
			return core.Result{}, err
		}
	}
	const steps = 8
	for i := range steps {
		if p.o.Delay > 0 {
			if err := p.o.Clock.Sleep(ctx, p.o.Delay/steps); err != nil {
				return core.Result{}, core.Wrap(core.CodeRetry, err)
			}
		}
		progress(core.Step{Percent: (i + 1) * 90 / steps})
	}
	seed := r.Seed
	out := core.Result{Seed: &seed, Model: "sketch-1"}
	if r.Op == core.OpDescribe {
		src, err := source(ctx, r, r.Source)
		if err != nil {
			return core.Result{}, err
		}
		out.Text, out.Seed = describe(src), nil
		return out, nil
	}
	pics, err := p.draw(ctx, r)
	if err != nil {
		return core.Result{}, err
	}
	for _, img := range pics {
		label(img)
		var buf bytes.Buffer
		if err := jpeg.Encode(&buf, img, &jpeg.Options{Quality: 90}); err != nil {
			return core.Result{}, core.Wrap(core.CodeInternal, err)
		}
		out.Images = append(out.Images, core.Picture{Bytes: buf.Bytes(), MIME: "image/jpeg"})
	}
	return out, nil
}

// count is how many pictures a request makes.
func count(r core.Request) int {
	switch r.Op {
	case core.OpUpscale:
		return 1
	case core.OpDescribe:
		return 0
	}
	return 4
}

// draw makes the pictures of a request.
func (p *Provider) draw(ctx context.Context, r core.Request) ([]*image.RGBA, error) {
	n := count(r)
	one, err := p.painter(ctx, r)
	if err != nil {
		return nil, err
	}
	switch r.Op {
	case core.OpEditRegion, core.OpEditWords, core.OpZoom, core.OpPan:
		// These leave most of the picture alone, so their four cannot be far apart.
		return distinct(ctx, n, 1, one)
	}
	return distinct(ctx, n, minDistance, one)
}

// painter returns what draws one picture; try tells apart the attempts at the same one.
func (p *Provider) painter(ctx context.Context, r core.Request) (func(i, try int) *image.RGBA, error) {
	w, h := dimensions(r.Params["ar"], p.o.Side)
	mix := func(i, try int) uint64 { return hash(uint64(r.Seed), uint64(i), uint64(try)*7919) }
	if r.Op == core.OpBlend {
		var srcs []*image.RGBA
		for i := range r.Refs {
			src, err := source(ctx, r, &r.Refs[i])
			if err != nil {
				return nil, err
			}
			srcs = append(srcs, src)
		}
		return func(i, try int) *image.RGBA { return blend(srcs, w, h, mix(i, try)) }, nil
	}
	sc := read(r.Prompt, r.Params["no"])
	if r.Source == nil {
		return func(i, try int) *image.RGBA { return paint(sc, w, h, mix(i, try), nil) }, nil
	}
	src, err := source(ctx, r, r.Source)
	if err != nil {
		return nil, err
	}
	switch r.Op {
	case core.OpVary:
		if r.Strength == "subtle" {
			return func(i, try int) *image.RGBA { return nuance(src, mix(i, try)) }, nil
		}
		pal := paletteOf(src)
		return func(i, try int) *image.RGBA { return paint(sc, src.Rect.Dx(), src.Rect.Dy(), mix(i, try), pal) }, nil
	case core.OpUpscale:
		return func(int, int) *image.RGBA { return upscale(src, r.Strength == "creative", uint64(r.Seed)) }, nil
	case core.OpZoom:
		return func(i, try int) *image.RGBA { return extend(src, 1/max(1.1, r.Factor), 0, 0, mix(i, try)) }, nil
	case core.OpPan:
		dx, dy := direction(r.Dir)
		return func(i, try int) *image.RGBA { return extend(src, 1, dx, dy, mix(i, try)) }, nil
	case core.OpEditRegion:
		area := core.Area{X: .25, Y: .25, W: .5, H: .5}
		switch {
		case r.Area != nil:
			area = *r.Area
		case r.Mask != nil:
			mask, err := source(ctx, r, r.Mask)
			if err != nil {
				return nil, err
			}
			if area, err = white(mask); err != nil {
				return nil, err
			}
		}
		return func(i, try int) *image.RGBA { return patch(src, sc, area, mix(i, try)) }, nil
	case core.OpEditWords:
		return func(i, try int) *image.RGBA { return regrade(src, sc, mix(i, try)) }, nil
	}
	return func(i, try int) *image.RGBA { return paint(sc, w, h, mix(i, try), nil) }, nil
}

// white is the smallest area that holds everything light of a mask.
func white(mask *image.RGBA) (core.Area, error) {
	box := image.Rectangle{}
	b := mask.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if color.GrayModel.Convert(mask.RGBAAt(x, y)).(color.Gray).Y > 127 {
				box = box.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	if box.Empty() {
		return core.Area{}, core.Errorf(core.CodeInvalid, "The mask is black all over.").WithNext("Paint white where the picture may change.")
	}
	w, h := float64(b.Dx()), float64(b.Dy())
	return core.Area{X: float64(box.Min.X-b.Min.X) / w, Y: float64(box.Min.Y-b.Min.Y) / h, W: float64(box.Dx()) / w, H: float64(box.Dy()) / h}, nil
}

func direction(dir string) (dx, dy float64) {
	switch dir {
	case "left":
		return .4, 0
	case "up":
		return 0, .4
	case "down":
		return 0, -.4
	}
	return -.4, 0
}

const (
	// minDistance is by how many bits of their difference hash the pictures of one run differ at least.
	minDistance = 12
	// maxAttempts bounds how often a picture is drawn again to differ; the last one is taken as it is.
	maxAttempts = 12
)

// distinct draws n pictures that do not look alike.
func distinct(ctx context.Context, n, apart int, one func(i, try int) *image.RGBA) ([]*image.RGBA, error) {
	var out []*image.RGBA
	var seen []uint64
	for i := range n {
		for try := range maxAttempts {
			if err := context.Cause(ctx); err != nil {
				return nil, core.Wrap(core.CodeRetry, err)
			}
			img := one(i, try)
			h := media.DHash(img)
			alike := false
			for _, s := range seen {
				alike = alike || media.Distance(h, s) < apart
			}
			if !alike || try == maxAttempts-1 {
				out, seen = append(out, img), append(seen, h)
				break
			}
		}
	}
	return out, nil
}

// dimensions gives about side times side pixels in the wanted ratio, in steps of 16.
func dimensions(ar string, side int) (w, h int) {
	rw, rh, err := prompt.ParseRatio(ar)
	if err != nil {
		return side, side
	}
	k := math.Sqrt(rw / rh)
	step := func(f float64) int { return min(max(int(math.Round(f/16))*16, side/4), 2*side) }
	return step(float64(side) * k), step(float64(side) / k)
}

// maxSource bounds the bytes of a picture that is worked on.
const maxSource = 50 << 20

// source opens the picture that an operation works on.
func source(ctx context.Context, r core.Request, im *core.StoredImage) (*image.RGBA, error) {
	if im == nil || r.Open == nil {
		return nil, core.Errorf(core.CodeInvalid, "There is no picture to work on.")
	}
	rc, err := r.Open(ctx, im.Blob)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	data, err := io.ReadAll(io.LimitReader(rc, maxSource))
	if err != nil {
		return nil, core.Wrap(core.CodeRetry, err)
	}
	if _, _, err := media.Inspect(data); err != nil {
		return nil, err
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, core.Wrap(core.CodeInvalid, fmt.Errorf("decode source: %w", err))
	}
	return toRGBA(img), nil
}
