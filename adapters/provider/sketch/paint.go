package sketch

import (
	"image"
	"image/color"
	"math"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
)

// canvas is a picture being painted.
type canvas struct {
	*image.RGBA
	w, h    float64
	d       *dice
	p       palette
	horizon float64 // y of the horizon, in pixels
	lx, ly  float64 // the light
	flip    bool
}

// paint draws a scene. A palette given overrules the mood's.
func paint(sc scene, w, h int, seed uint64, pal *palette) *image.RGBA {
	d := &dice{s: hash(seed, sc.seed)}
	c := &canvas{RGBA: image.NewRGBA(image.Rect(0, 0, w, h)), w: float64(w), h: float64(h), d: d}
	c.p = paletteFor(sc.mood, d)
	if pal != nil {
		c.p = *pal
	}
	c.horizon = c.h * d.in(.48, .74)
	c.flip = d.n(2) == 1
	c.lx, c.ly = c.w*d.in(.12, .88), c.horizon-c.h*d.in(.04, .36)
	c.sky(sc)
	c.ground(sc)
	for i, s := range sc.subject {
		c.place(s, i)
	}
	if sc.fog > 0 {
		c.fog(sc.fog)
	}
	if sc.rain || sc.snow {
		c.fall(sc.snow)
	}
	c.finish()
	return c.RGBA
}

func (c *canvas) set(x, y int, v rgb) {
	i := c.PixOffset(x, y)
	c.Pix[i], c.Pix[i+1], c.Pix[i+2], c.Pix[i+3] = clamp(v.r), clamp(v.g), clamp(v.b), 255
}

func (c *canvas) get(x, y int) rgb {
	i := c.PixOffset(x, y)
	return rgb{float64(c.Pix[i]), float64(c.Pix[i+1]), float64(c.Pix[i+2])}
}

func clamp(v float64) uint8 {
	if v <= 0 {
		return 0
	}
	if v >= 255 {
		return 255
	}
	return uint8(v + .5)
}

// sky paints the gradient, the light with its glow, clouds and stars.
func (c *canvas) sky(sc scene) {
	clouds := newField(c.d.next(), 160, 100, 5)
	cover := c.d.in(.35, .75)
	if sc.fog > 0 || sc.rain {
		cover = .8
	}
	radius := math.Min(c.w, c.h) * c.d.in(.025, .075)
	reach := math.Min(c.w, c.h) * c.d.in(.35, .7)
	stretch := c.d.in(1.2, 3)
	for y := range int(c.h) {
		t := math.Min(1, float64(y)/c.horizon)
		base := c.p.top.mix(c.p.mid, smooth(math.Min(1, t*1.6)))
		base = base.mix(c.p.low, smooth(math.Max(0, (t-.45)/.55)))
		for x := range int(c.w) {
			v := base
			u := float64(x) / c.w
			if n := clouds.at(u, math.Min(1, math.Pow(t, stretch/2))); n > .48 {
				k := math.Min(1, (n-.48)*4) * cover * (.35 + .65*t)
				v = v.mix(c.p.light.mix(c.p.mid, .35+.4*(1-t)), k*.7)
			}
			dx, dy := float64(x)-c.lx, float64(y)-c.ly
			if dd := math.Sqrt(dx*dx + dy*dy); dd < reach {
				g := 1 - dd/reach
				v = v.mix(c.p.light, g*g*g*.85)
				if dd < radius {
					v = c.p.light.mix(rgb{255, 255, 255}, .5)
				} else if dd < radius+1.5 {
					v = v.mix(c.p.light, .6)
				}
			}
			c.set(x, y, v)
		}
	}
	if sc.stars {
		for range 260 {
			x, y := c.d.n(int(c.w)-2), c.d.n(int(c.horizon))
			b := c.d.in(.25, 1)
			c.set(x, y, c.get(x, y).mix(rgb{255, 255, 255}, b))
			if b > .93 {
				c.set(x+1, y, c.get(x+1, y).mix(rgb{255, 255, 255}, .5))
				c.set(x, y+1, c.get(x, y+1).mix(rgb{255, 255, 255}, .5))
			}
		}
	}
}

// ground paints what lies below and in front of the horizon, from far to near.
func (c *canvas) ground(sc scene) {
	switch sc.ground {
	case "sea":
		if c.d.n(3) > 0 {
			c.ridge(c.horizon+c.h*.005, c.h*c.d.in(.03, .12), c.d.in(1, 2.5), c.p.far.mix(c.p.low, .35), 4)
		}
		c.sea()
		c.ridge(c.h*c.d.in(.9, 1.02), c.h*c.d.in(.1, .24), c.d.in(.8, 1.8), c.p.near, 4)
	case "city":
		for i := range 4 {
			t := float64(i) / 3
			c.skyline(c.horizon+c.h*.1*t, c.h*lerp(.16, .42, t)*c.d.in(.7, 1.2), c.p.far.mix(c.p.low, .45*(1-t)).mix(c.p.near, t*.8), t)
		}
	case "space":
		for range 2 + c.d.n(2) {
			c.planet(c.w*c.d.in(.1, .9), c.h*c.d.in(.15, .8), math.Min(c.w, c.h)*c.d.in(.05, .22))
		}
		c.ridge(c.h*.96, c.h*.12, 1.6, c.p.near, 5)
	case "wood":
		for i := range 4 {
			t := float64(i) / 3
			c.trees(c.horizon+c.h*(.02+.26*t), c.h*lerp(.1, .4, t), c.p.far.mix(c.p.low, .5*(1-t)).mix(c.p.near, t), int(lerp(60, 14, t)))
		}
	case "sand":
		for i := range 5 {
			t := float64(i) / 4
			c.ridge(c.horizon+c.h*.45*t*t+c.h*.02, c.h*lerp(.05, .2, t), c.d.in(.5, 1.3), c.p.low.mix(c.p.accent, .35).mix(c.p.near, .15+.6*t), 2)
		}
	case "mount":
		for i := range 4 {
			t := float64(i) / 3
			c.ridge(c.horizon+c.h*(.02+.3*t), c.h*lerp(.36, .2, t)*c.d.in(.7, 1.3), c.d.in(1.4, 3), c.p.far.mix(c.p.low, .6*(1-t)).mix(c.p.near, t*.9), 6)
		}
	default:
		for i := range 5 {
			t := float64(i) / 4
			c.ridge(c.horizon+c.h*.42*t*t+c.h*.01, c.h*lerp(.1, .16, t)*c.d.in(.6, 1.4), c.d.in(.7, 2), c.p.far.mix(c.p.low, .5*(1-t)).mix(c.p.near, t*.95), 3)
		}
	}
}

// ridge fills everything below a noisy line, a little lighter along its edge.
func (c *canvas) ridge(base, amp, freq float64, col rgb, octaves int) {
	seed := c.d.next()
	off := c.d.in(0, 50)
	for x := range int(c.w) {
		top := base - amp*ridge1(seed, off+float64(x)/c.w*freq*3, octaves, .5)
		for y := max(0, int(top)); y < int(c.h); y++ {
			k := (float64(y) - top) / c.h
			v := col.mix(c.p.near, math.Min(.55, k*1.6))
			if edge := float64(y) - top; edge < 3 {
				v = v.mix(c.p.light, .18)
			}
			if y == int(top) {
				v = c.get(x, y).mix(v, 1-(top-math.Floor(top)))
			}
			c.set(x, y, v)
		}
	}
}

// sea mirrors the sky in streaks and lays a path of light.
func (c *canvas) sea() {
	streak := newField(c.d.next(), 40, 220, 4)
	for y := int(c.horizon); y < int(c.h); y++ {
		t := (float64(y) - c.horizon) / (c.h - c.horizon)
		mirror := max(0, int(c.horizon-(float64(y)-c.horizon)*.9))
		for x := range int(c.w) {
			n := streak.at(float64(x)/c.w, math.Sqrt(t))
			v := c.get(x, mirror).mix(c.p.water.mix(c.p.near, t*.75), .45+.4*t)
			v = v.mix(c.p.light, math.Max(0, n-.56)*1.1*(1-t*.6))
			width := c.w * (.02 + .1*t)
			if dx := math.Abs(float64(x) - c.lx); dx < width && n > .42 {
				v = v.mix(c.p.light, (1-dx/width)*.7*(1-.5*t))
			}
			c.set(x, y, v)
		}
	}
}

// skyline draws houses with lit windows.
func (c *canvas) skyline(base, amp float64, col rgb, near float64) {
	for x := -10.0; x < c.w; {
		w := c.w * c.d.in(.02, .07) * (1 + near)
		top := base - amp*math.Pow(c.d.f(), 1.4) - c.h*.03
		c.rect(x, top, x+w, c.h, col)
		step := math.Max(6, c.h*.014*(1+near))
		for wy := top + step; wy < base+c.h*.2; wy += step {
			for wx := x + step*.6; wx < x+w-step*.5; wx += step * .9 {
				if c.d.f() < .32 {
					c.rect(wx, wy, wx+step*.35, wy+step*.45, c.p.glow.mix(col, c.d.in(.05, .6)))
				}
			}
		}
		x += w + c.d.in(0, 6)
	}
}

func (c *canvas) rect(x0, y0, x1, y1 float64, col rgb) {
	for y := max(0, int(y0)); y < min(int(c.h), int(y1)); y++ {
		for x := max(0, int(x0)); x < min(int(c.w), int(x1)); x++ {
			c.set(x, y, col)
		}
	}
}

// trees draws a row of firs.
func (c *canvas) trees(base, height float64, col rgb, n int) {
	c.ridge(base+height*.1, height*.15, 2, col, 3)
	for i := range n {
		x := (float64(i)+c.d.in(-.4, .4))/float64(n)*c.w*1.05 - c.w*.02
		th := height * c.d.in(.55, 1.15)
		for k := range 4 {
			f := float64(k) / 4
			wd := th * .2 * (1.1 - f)
			c.poly(col.mix(c.p.near, f*.2), x-wd, base-th*(f*.8)+th*.05, x, base-th*(f*.8+.38), x+wd, base-th*(f*.8)+th*.05)
		}
	}
}

// planet draws a shaded ball, now and then with a ring.
func (c *canvas) planet(px, py, r float64) {
	bands := newField(c.d.next(), 8, 60, 4)
	col, dark := c.p.accent.mix(c.p.low, c.d.f()), c.p.near
	for y := max(0, int(py-r)); y < min(int(c.h), int(py+r)); y++ {
		for x := max(0, int(px-r)); x < min(int(c.w), int(px+r)); x++ {
			dx, dy := (float64(x)-px)/r, (float64(y)-py)/r
			q := dx*dx + dy*dy
			if q > 1 {
				continue
			}
			z := math.Sqrt(1 - q)
			light := math.Max(.06, (dx*(c.lx-px)+dy*(c.ly-py))/(math.Hypot(c.lx-px, c.ly-py)+1)*.8+z*.5)
			v := col.mix(c.p.light, bands.at((dx+1)/2, (dy+1)/2)-.35).mix(dark, 1-math.Min(1, light))
			c.set(x, y, c.get(x, y).mix(v, math.Min(1, (1-q)*r*.5)))
		}
	}
}

// fog lies in banks, thickest at the horizon, and lets the light through.
func (c *canvas) fog(k float64) {
	banks := newField(c.d.next(), 90, 60, 5)
	veil := c.p.low.mix(rgb{228, 230, 232}, .35)
	if c.p.low.luma() < 130 {
		veil = c.p.low.mix(c.p.mid, .4)
	}
	low := c.d.in(.85, 1.1)
	for y := range int(c.h) {
		dist := math.Abs(float64(y)-c.horizon*low) / c.h
		for x := range int(c.w) {
			n := banks.at(float64(x)/c.w, float64(y)/c.h)
			a := k * math.Max(0, math.Min(.88, (n-.28)*1.9*(1.05-dist*1.9)))
			c.set(x, y, c.get(x, y).mix(veil, a))
		}
	}
}

// fall draws rain or snow.
func (c *canvas) fall(snow bool) {
	slant := c.d.in(-.35, .35)
	for range int(c.w * c.h / 1800) {
		x, y := c.d.in(0, c.w), c.d.in(0, c.h)
		if snow {
			r := c.d.in(.6, 2.6)
			c.disc(x, y, r, rgb{255, 255, 255}, .75)
			continue
		}
		for i := range 14 {
			px, py := int(x+slant*float64(i)), int(y)+i
			if px >= 0 && px < int(c.w) && py < int(c.h) {
				c.set(px, py, c.get(px, py).mix(rgb{225, 232, 240}, .16))
			}
		}
	}
}

func (c *canvas) disc(x, y, r float64, col rgb, a float64) {
	for py := max(0, int(y-r)); py <= min(int(c.h)-1, int(y+r+1)); py++ {
		for px := max(0, int(x-r)); px <= min(int(c.w)-1, int(x+r+1)); px++ {
			d := math.Hypot(float64(px)+.5-x, float64(py)+.5-y)
			if k := math.Min(1, r-d+.5); k > 0 {
				c.set(px, py, c.get(px, py).mix(col, k*a))
			}
		}
	}
}

// finish darkens the corners and adds a paper grain.
func (c *canvas) finish() {
	g := hash(c.d.next())
	for y := range int(c.h) {
		for x := range int(c.w) {
			dx, dy := float64(x)/c.w-.5, float64(y)/c.h-.5
			g = g*6364136223846793005 + 1442695040888963407
			grain := (float64(g>>40)/(1<<24) - .5) * 9
			v := c.get(x, y).scale(1 - (dx*dx+dy*dy)*.42)
			c.set(x, y, rgb{v.r + grain, v.g + grain, v.b + grain})
		}
	}
}

// label marks a picture as the sketcher's.
func label(img *image.RGBA) {
	const words = "sketch - stand-in"
	b := img.Bounds()
	w := len(words) * 7
	at := image.Rect(b.Max.X-w-22, b.Max.Y-28, b.Max.X-8, b.Max.Y-8)
	draw.Draw(img, at, image.NewUniform(color.RGBA{0, 0, 0, 110}), image.Point{}, draw.Over)
	(&font.Drawer{Dst: img, Src: image.NewUniform(color.RGBA{235, 235, 235, 255}), Face: basicfont.Face7x13, Dot: fixed.P(at.Min.X+7, at.Max.Y-6)}).DrawString(words)
}

func toRGBA(img image.Image) *image.RGBA {
	if r, ok := img.(*image.RGBA); ok && r.Rect.Min == (image.Point{}) {
		return r
	}
	b := img.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(out, out.Bounds(), img, b.Min, draw.Src)
	return out
}
