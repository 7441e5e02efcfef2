package sketch

import (
	"fmt"
	"image"
	"math"
	"strings"

	"golang.org/x/image/draw"

	"github.com/atelier-bridge/atelier/core"
)

// nuance is a subtle variation: another crop, warmth and fall of light of the same picture, gently bent.
func nuance(src *image.RGBA, seed uint64) *image.RGBA {
	d := &dice{s: seed}
	w, h := src.Rect.Dx(), src.Rect.Dy()
	z := d.in(1.06, 1.24)
	cw, ch := float64(w)/z, float64(h)/z
	ox, oy := d.in(0, float64(w)-cw), d.in(0, float64(h)-ch)
	mirror := d.n(3) == 0
	bend := newField(d.next(), 24, 24, 2)
	warm, angle, depth := d.in(-16, 16), d.in(0, 2*math.Pi), d.in(.2, .5)
	out := image.NewRGBA(src.Rect)
	for y := range h {
		for x := range w {
			u, v := float64(x)/float64(w), float64(y)/float64(h)
			n := bend.at(u, v) - .5
			sx, sy := ox+u*cw+n*float64(w)*.05, oy+v*ch+n*float64(h)*.03
			if mirror {
				sx = float64(w) - 1 - sx
			}
			p := sample(src, sx, sy)
			k := 1 + depth*((u-.5)*math.Cos(angle)+(v-.5)*math.Sin(angle))
			put(out, x, y, rgb{p.r*k + warm, p.g * k, p.b*k - warm})
		}
	}
	return out
}

// sample reads between pixels, with the edge repeated.
func sample(img *image.RGBA, x, y float64) rgb {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	x, y = math.Max(0, math.Min(float64(w-1), x)), math.Max(0, math.Min(float64(h-1), y))
	x0, y0 := int(x), int(y)
	x1, y1 := min(x0+1, w-1), min(y0+1, h-1)
	tx, ty := x-float64(x0), y-float64(y0)
	at := func(px, py int) rgb {
		i := img.PixOffset(px, py)
		return rgb{float64(img.Pix[i]), float64(img.Pix[i+1]), float64(img.Pix[i+2])}
	}
	return at(x0, y0).mix(at(x1, y0), tx).mix(at(x0, y1).mix(at(x1, y1), tx), ty)
}

func put(img *image.RGBA, x, y int, v rgb) {
	i := img.PixOffset(x, y)
	img.Pix[i], img.Pix[i+1], img.Pix[i+2], img.Pix[i+3] = clamp(v.r), clamp(v.g), clamp(v.b), 255
}

// maxSide bounds an upscaled picture.
const maxSide = 4096

// upscale doubles a picture; creative adds a fine grain of its own.
func upscale(src *image.RGBA, creative bool, seed uint64) *image.RGBA {
	w, h := src.Rect.Dx()*2, src.Rect.Dy()*2
	if k := float64(max(w, h)) / maxSide; k > 1 {
		w, h = int(float64(w)/k), int(float64(h)/k)
	}
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.CatmullRom.Scale(out, out.Rect, src, src.Rect, draw.Src, nil)
	if !creative {
		return out
	}
	g := hash(seed)
	for i := 0; i < len(out.Pix); i += 4 {
		g = g*6364136223846793005 + 1442695040888963407
		n := (float64(g>>40)/(1<<24) - .5) * 14
		for k := range 3 {
			out.Pix[i+k] = clamp(float64(out.Pix[i+k])*1.03 + n)
		}
	}
	return out
}

// extend keeps the picture at scale k, moved by fractions of the canvas, and continues it outwards: mirrored, softened
// and lit a little differently each time.
func extend(src *image.RGBA, k, dx, dy float64, seed uint64) *image.RGBA {
	d := &dice{s: seed}
	w, h := src.Rect.Dx(), src.Rect.Dy()
	soft := image.NewRGBA(image.Rect(0, 0, max(1, w/12), max(1, h/12)))
	draw.ApproxBiLinear.Scale(soft, soft.Rect, src, src.Rect, draw.Src, nil)
	wobble := newField(d.next(), 40, 40, 4)
	out := image.NewRGBA(src.Rect)
	ox, oy := (1-k)/2*float64(w)+dx*float64(w), (1-k)/2*float64(h)+dy*float64(h)
	warm, shade, angle := d.in(-26, 26), d.in(.3, .9), d.in(0, 2*math.Pi)
	feather := .03 * float64(min(w, h))
	for y := range h {
		for x := range w {
			sx, sy := (float64(x)-ox)/k, (float64(y)-oy)/k
			over := math.Max(math.Max(-sx, sx-float64(w-1)), math.Max(-sy, sy-float64(h-1)))
			if over <= -feather {
				put(out, x, y, sample(src, sx, sy))
				continue
			}
			u, v := float64(x)/float64(w), float64(y)/float64(h)
			n := wobble.at(u, v) - .5
			mx, my := fold(sx+n*float64(w)*.22, float64(w)), fold(sy+n*float64(h)*.12, float64(h))
			p := sample(soft, mx/12, my/12).mix(sample(src, mx, my), .45)
			light := 1 + shade*((u-.5)*math.Cos(angle)+(v-.5)*math.Sin(angle))
			p = rgb{p.r*light + warm + n*40, p.g*light + n*40, p.b*light - warm + n*40}
			if over < 0 {
				p = sample(src, sx, sy).mix(p, smooth(1+over/feather))
			}
			put(out, x, y, p)
		}
	}
	return out
}

// fold mirrors a coordinate back into 0..n.
func fold(v, n float64) float64 {
	v = math.Mod(math.Abs(v), 2*n)
	if v > n {
		v = 2*n - v
	}
	return math.Min(v, n-1)
}

// patch draws a new scene into one area and leaves every other pixel as it was, but for a soft edge inside the area.
func patch(src *image.RGBA, sc scene, a core.Area, seed uint64) *image.RGBA {
	w, h := float64(src.Rect.Dx()), float64(src.Rect.Dy())
	box := image.Rect(int(a.X*w), int(a.Y*h), int((a.X+a.W)*w), int((a.Y+a.H)*h)).Intersect(src.Rect)
	out := image.NewRGBA(src.Rect)
	copy(out.Pix, src.Pix)
	if box.Dx() < 8 || box.Dy() < 8 {
		return out
	}
	in := paint(sc, box.Dx(), box.Dy(), seed, nil)
	feather := float64(min(box.Dx(), box.Dy())) * .14
	for y := range box.Dy() {
		for x := range box.Dx() {
			edge := math.Min(math.Min(float64(x), float64(box.Dx()-1-x)), math.Min(float64(y), float64(box.Dy()-1-y)))
			k := smooth(math.Min(1, edge/feather))
			put(out, box.Min.X+x, box.Min.Y+y, sample(src, float64(box.Min.X+x), float64(box.Min.Y+y)).mix(sample(in, float64(x), float64(y)), k))
		}
	}
	return out
}

// regrade changes a picture in words: the words' scene shines through it and gives its colours.
func regrade(src *image.RGBA, sc scene, seed uint64) *image.RGBA {
	w, h := src.Rect.Dx(), src.Rect.Dy()
	over := paint(sc, w, h, seed, nil)
	pal := paletteFor(sc.mood, &dice{s: seed})
	out := image.NewRGBA(src.Rect)
	for y := range h {
		for x := range w {
			p := sample(src, float64(x), float64(y))
			l := p.luma() / 255
			tinted := pal.near.mix(pal.mid, smooth(math.Min(1, l*1.6))).mix(pal.light, math.Max(0, l-.6)*2)
			put(out, x, y, p.mix(tinted, .5).mix(sample(over, float64(x), float64(y)), .34))
		}
	}
	return out
}

// blend lays pictures over each other with soft, drifting borders.
func blend(srcs []*image.RGBA, w, h int, seed uint64) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	fields := make([]field, len(srcs))
	mirrored := make([]bool, len(srcs))
	d := &dice{s: seed}
	for i := range srcs {
		fields[i] = newField(d.next(), 30, 30, 3)
		mirrored[i] = d.n(2) == 0
	}
	angle := d.in(0, 2*math.Pi)
	for y := range h {
		for x := range w {
			u, v := float64(x)/float64(w), float64(y)/float64(h)
			var sum rgb
			total := 0.0
			for i, s := range srcs {
				lean := 1 + .9*math.Cos(angle+float64(i)/float64(len(srcs))*2*math.Pi)*(u-.5) + .9*math.Sin(angle+float64(i)/float64(len(srcs))*2*math.Pi)*(v-.5)
				k := math.Pow(math.Max(.02, fields[i].at(u, v)*lean), 4)
				su := u
				if mirrored[i] {
					su = 1 - u
				}
				p := sample(s, su*float64(s.Rect.Dx()-1), v*float64(s.Rect.Dy()-1))
				sum.r, sum.g, sum.b, total = sum.r+p.r*k, sum.g+p.g*k, sum.b+p.b*k, total+k
			}
			put(out, x, y, sum.scale(1/total))
		}
	}
	return out
}

// describe says what a picture looks like, in words that draw something like it.
func describe(src *image.RGBA) string {
	p := paletteOf(src)
	light := "soft daylight"
	switch l := p.mid.luma(); {
	case l < 60:
		light = "night, deep shadows"
	case l < 110:
		light = "dusk, low light"
	case l > 190:
		light = "bright, airy light"
	}
	horizon := "a wide sky above a low horizon"
	if p.water.luma() > p.low.luma() {
		horizon = "a bright foreground under a darker sky"
	}
	shape := "square"
	if w, h := src.Rect.Dx(), src.Rect.Dy(); w*10 > h*12 {
		shape = "wide"
	} else if h*10 > w*12 {
		shape = "tall"
	}
	return strings.Join([]string{
		fmt.Sprintf("a %s landscape in %s and %s, %s, %s", shape, colour(p.top), colour(p.water), light, horizon),
		fmt.Sprintf("layers of %s fading into %s, one %s accent, paper grain", colour(p.near), colour(p.low), colour(p.accent)),
	}, "\n")
}

// colour names a colour.
func colour(c rgb) string {
	names := []struct {
		name string
		at   rgb
	}{{"black", hex(0x101014)}, {"charcoal", hex(0x3a3a40)}, {"grey", hex(0x8a8a8a)}, {"white", hex(0xf4f4f0)}, {"navy", hex(0x14264f)}, {"blue", hex(0x3a7fc0)},
		{"pale blue", hex(0xb0d0e4)}, {"teal", hex(0x3a8a8a)}, {"green", hex(0x3c7a40)}, {"olive", hex(0x7a7a40)}, {"gold", hex(0xe8b850)}, {"orange", hex(0xe8803a)},
		{"red", hex(0xc04030)}, {"rose", hex(0xd890a0)}, {"violet", hex(0x6a4a90)}, {"brown", hex(0x5a3a2a)}, {"cream", hex(0xf2e6cc)}}
	best, name := math.Inf(1), ""
	for _, n := range names {
		dr, dg, db := c.r-n.at.r, c.g-n.at.g, c.b-n.at.b
		d := dr*dr + dg*dg + db*db
		if d < best {
			best, name = d, n.name
		}
	}
	return name
}
