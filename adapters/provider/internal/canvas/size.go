package canvas

import (
	"image"
	"math"

	"github.com/atelier-bridge/atelier/adapters/provider/internal/facts"
	"github.com/atelier-bridge/atelier/core"
	"github.com/atelier-bridge/atelier/core/prompt"
)

// Size returns a size of about side times side pixels in a ratio, within a model's bounds. ok is false when the ratio
// is beyond them.
func Size(s facts.Size, ratio float64, side int) (w, h int, ok bool) {
	if !(ratio > 0) || s.MaxRatio > 0 && max(ratio, 1/ratio) > s.MaxRatio*1.0001 {
		return 0, 0, false
	}
	k := math.Sqrt(ratio)
	w, h = Bound(s, float64(side)*k, float64(side)/k)
	return w, h, true
}

// Bound rounds a size to a model's step and scales it into its bounds, in the same ratio as far as the step allows.
func Bound(s facts.Size, w, h float64) (int, int) {
	k := 1.0
	if up := float64(s.MinSide) / min(w, h); up > 1 {
		k = up
	}
	short := s.MaxShort
	if short == 0 {
		short = s.MaxSide
	}
	k = min(k, float64(s.MaxSide)/max(w, h), float64(short)/min(w, h), math.Sqrt(float64(s.MaxPixels)/(w*h)))
	step := float64(max(s.Step, 1))
	near := func(f float64) int { return int(math.Round(f*k/step) * step) }
	lowest := int(math.Ceil(float64(s.MinSide)/step) * step)
	iw, ih := max(near(w), lowest), max(near(h), lowest)
	// Rounding up must not leave the bounds again.
	for iw*ih > s.MaxPixels || max(iw, ih) > s.MaxSide || min(iw, ih) > short {
		switch {
		case iw >= ih && iw > lowest:
			iw -= int(step)
		case ih > lowest:
			ih -= int(step)
		default:
			return iw, ih // the bounds contradict each other
		}
	}
	if s.MaxRatio > 0 {
		for float64(max(iw, ih)) > s.MaxRatio*float64(min(iw, ih)) && max(iw, ih) > lowest {
			if iw > ih {
				iw -= int(step)
			} else {
				ih -= int(step)
			}
		}
	}
	return iw, ih
}

// Ratio reads "3:2"; 1 when it is no ratio.
func Ratio(s string) float64 {
	w, h, err := prompt.ParseRatio(s)
	if err != nil {
		return 1
	}
	return w / h
}

// Nearest returns which of a list of ratios is nearest to one, and whether it is the same.
func Nearest(ratios []string, want float64) (name string, same bool) {
	best := math.Inf(1)
	for _, r := range ratios {
		if d := math.Abs(math.Log(Ratio(r) / want)); d < best {
			best, name = d, r
		}
	}
	return name, best < .01
}

// panBy is by how much of its side a pan widens a picture.
const panBy = .5

// Layout is a canvas and where the picture lies on it.
type Layout struct {
	W, H  int
	Place image.Rectangle
}

// Grown returns the ratio of a picture after a zoom or pan.
func Grown(op core.Op, dir string, w, h int) float64 {
	ratio := float64(w) / float64(max(h, 1))
	if op != core.OpPan {
		return ratio
	}
	if dir == "left" || dir == "right" {
		return ratio * (1 + panBy)
	}
	return ratio / (1 + panBy)
}

// Extend lays a picture of w times h out on the canvas that a zoom or pan asks for, within a model's bounds: a zoom puts
// it into the middle, a pan to the edge away from where it goes. With a list of ratios the canvas takes the nearest
// one, and grows for it. Everything lies on multiples of step: some models fail silently otherwise.
func Extend(r core.Request, w, h int, s facts.Size, ratios []string) Layout {
	fw, fh := float64(w), float64(h)
	switch {
	case r.Op == core.OpPan && (r.Dir == "left" || r.Dir == "right"):
		fw *= 1 + panBy
	case r.Op == core.OpPan:
		fh *= 1 + panBy
	default:
		f := r.Factor
		if !(f > 1) {
			f = 1.5
		}
		fw, fh = fw*f, fh*f
	}
	cw, ch := fw, fh
	if len(ratios) > 0 {
		name, _ := Nearest(ratios, fw/fh)
		if want := Ratio(name); want > cw/ch {
			cw = ch * want
		} else {
			ch = cw / want
		}
	}
	iw, ih := Bound(s, cw, ch)
	k := min(float64(iw)/cw, float64(ih)/ch)
	step := max(s.Step, 1)
	snap := func(f float64, limit int) int { return min(max(int(f)/step*step, min(step, limit)), limit) }
	pw, ph := snap(float64(w)*k, iw), snap(float64(h)*k, ih)
	mid := func(free int) int { return free / 2 / step * step }
	x, y := mid(iw-pw), mid(ih-ph)
	if r.Op == core.OpPan {
		switch r.Dir {
		case "left":
			x = iw - pw
		case "up":
			y = ih - ph
		case "down":
			y = 0
		default:
			x = 0
		}
	}
	return Layout{W: iw, H: ih, Place: image.Rect(x, y, x+pw, y+ph)}
}

// Margins returns how many pixels a zoom or pan adds on each side of a picture of w times h, when the canvas may grow
// freely up to a number of pixels and a margin.
func Margins(r core.Request, w, h, maxPixels, maxMargin int) (left, right, up, down int) {
	if r.Op == core.OpPan {
		n := w
		if r.Dir == "up" || r.Dir == "down" {
			n = h
		}
		n = min(int(float64(n)*panBy), maxMargin)
		switch r.Dir {
		case "left":
			left = n
		case "up":
			up = n
		case "down":
			down = n
		default:
			right = n
		}
	} else {
		f := r.Factor
		if !(f > 1) {
			f = 1.5
		}
		left, up = min(int(float64(w)*(f-1)/2), maxMargin), min(int(float64(h)*(f-1)/2), maxMargin)
		right, down = left, up
	}
	for (w+left+right)*(h+up+down) > maxPixels && left+right+up+down > 0 {
		left, right, up, down = left*9/10, right*9/10, up*9/10, down*9/10
	}
	return left, right, up, down
}
