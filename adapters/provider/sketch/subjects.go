package sketch

import (
	"image"
	"image/color"
	"math"

	"golang.org/x/image/draw"
	"golang.org/x/image/vector"
)

// poly fills a polygon, smoothly.
func (c *canvas) poly(col rgb, xy ...float64) {
	if len(xy) < 6 {
		return
	}
	minX, minY, maxX, maxY := xy[0], xy[1], xy[0], xy[1]
	for i := 0; i+1 < len(xy); i += 2 {
		minX, maxX = math.Min(minX, xy[i]), math.Max(maxX, xy[i])
		minY, maxY = math.Min(minY, xy[i+1]), math.Max(maxY, xy[i+1])
	}
	box := image.Rect(int(minX)-1, int(minY)-1, int(maxX)+2, int(maxY)+2)
	box = box.Intersect(c.Bounds())
	if box.Empty() {
		return
	}
	z := vector.NewRasterizer(box.Dx(), box.Dy())
	ox, oy := float64(box.Min.X), float64(box.Min.Y)
	z.MoveTo(float32(xy[0]-ox), float32(xy[1]-oy))
	for i := 2; i+1 < len(xy); i += 2 {
		z.LineTo(float32(xy[i]-ox), float32(xy[i+1]-oy))
	}
	z.ClosePath()
	z.DrawOp = draw.Over
	z.Draw(c.RGBA, box, image.NewUniform(color.RGBA{clamp(col.r), clamp(col.g), clamp(col.b), 255}), image.Point{})
}

// place draws a subject somewhere of its own; later ones are smaller and further away.
func (c *canvas) place(name string, order int) {
	x := c.w * c.d.in(.18, .82)
	if order == 0 {
		x = c.w * [...]float64{.3, .66, .5, .38, .72}[c.d.n(5)]
	}
	s := math.Min(c.w, c.h) * c.d.in(.3, .58) / (1 + .5*float64(order))
	y := math.Min(c.h*.96, c.horizon+c.h*c.d.in(.04, .2)/(1+.4*float64(order)))
	switch name {
	case "lighthouse":
		c.lighthouse(x, y, s*1.1)
	case "boat":
		c.boat(x, c.horizon+c.h*c.d.in(.05, .14), s*.5)
	case "house":
		c.house(x, y, s*.5)
	case "tree":
		c.tree(x, y, s)
	case "castle":
		c.castle(x, y, s*.9)
	case "balloon":
		c.balloon(x, c.h*c.d.in(.2, .42), s*.4)
	case "bird":
		for range 3 + c.d.n(5) {
			c.bird(c.w*c.d.in(.1, .9), c.h*c.d.in(.1, .5), s*c.d.in(.08, .24))
		}
	case "cat":
		c.cat(x, y, s*.55)
	case "person":
		c.person(x, y, s*.6)
	case "rocket":
		c.rocket(x, c.h*c.d.in(.35, .6), s*.8)
	case "bridge":
		c.bridge(c.horizon+c.h*.06, s)
	case "flower":
		for range 9 + c.d.n(9) {
			c.flower(c.w*c.d.in(.02, .98), c.h*c.d.in(.86, 1.05), s*c.d.in(.25, .6))
		}
	}
}

func (c *canvas) lighthouse(x, y, s float64) {
	w := s * .13
	lit := c.p.low.mix(rgb{255, 255, 255}, .55)
	shade := lit.mix(c.p.near, .55)
	// The rock it stands on.
	c.poly(c.p.near, x-s*.42, y+s*.16, x-s*.28, y+s*.02, x-s*.1, y-s*.03, x+s*.12, y-s*.02, x+s*.3, y+s*.05, x+s*.44, y+s*.16)
	top := y - s*.82
	c.beam(x, top-s*.06, s)
	const bands = 6
	for i := range bands {
		t0, t1 := float64(i)/bands, float64(i+1)/bands
		w0, w1 := lerp(w, w*.62, t0), lerp(w, w*.62, t1)
		y0, y1 := lerp(y, top, t0), lerp(y, top, t1)
		a, b := lit, shade
		if i%2 == 1 {
			a, b = c.p.accent, c.p.accent.mix(c.p.near, .5)
		}
		c.poly(a, x-w0, y0, x-w1, y1, x+w1, y1, x+w0, y0)
		c.poly(b, x+w0*.15, y0, x+w1*.15, y1, x+w1, y1, x+w0, y0)
	}
	c.poly(c.p.near, x-w*.85, top, x+w*.85, top, x+w*.85, top-s*.02, x-w*.85, top-s*.02)
	c.poly(c.p.glow, x-w*.42, top-s*.02, x-w*.42, top-s*.1, x+w*.42, top-s*.1, x+w*.42, top-s*.02)
	c.poly(c.p.accent.mix(c.p.near, .3), x-w*.6, top-s*.1, x, top-s*.18, x+w*.6, top-s*.1)
	c.disc(x, top-s*.06, s*.045, rgb{255, 252, 230}, .95)
}

// beam is the light of a lamp, fading outwards on both sides.
func (c *canvas) beam(x, y, s float64) {
	tilt := c.d.in(-.16, .16)
	reach := s * 2.4
	for py := max(0, int(y-reach*.5)); py < min(int(c.h), int(y+reach*.5)); py++ {
		for px := max(0, int(x-reach)); px < min(int(c.w), int(x+reach)); px++ {
			dx, dy := float64(px)-x, float64(py)-y
			r := math.Hypot(dx, dy)
			if r > reach || r < 2 {
				continue
			}
			off := math.Abs(dy-dx*tilt) / (8 + math.Abs(dx)*.16)
			if off < 1 {
				k := (1 - off) * math.Pow(1-r/reach, 1.3) * .75
				c.set(px, py, c.get(px, py).mix(c.p.glow, k))
			}
		}
	}
	c.glow(x, y, s*.35)
}

func (c *canvas) glow(x, y, r float64) {
	for py := max(0, int(y-r)); py < min(int(c.h), int(y+r)); py++ {
		for px := max(0, int(x-r)); px < min(int(c.w), int(x+r)); px++ {
			if d := math.Hypot(float64(px)-x, float64(py)-y) / r; d < 1 {
				c.set(px, py, c.get(px, py).mix(c.p.glow, (1-d)*(1-d)*.7))
			}
		}
	}
}

func (c *canvas) boat(x, y, s float64) {
	dir := 1.0
	if c.flip {
		dir = -1
	}
	sail := c.p.light.mix(c.p.low, .2)
	c.poly(c.p.near, x-s*.5*dir, y-s*.08, x+s*.55*dir, y-s*.1, x+s*.34*dir, y+s*.1, x-s*.36*dir, y+s*.1)
	c.poly(c.p.near, x-2, y-s*.08, x-2, y-s*1.02, x+2, y-s*1.02, x+2, y-s*.08)
	c.poly(sail, x+s*.03*dir, y-s*.98, x+s*.5*dir, y-s*.18, x+s*.03*dir, y-s*.16)
	c.poly(c.p.accent, x-s*.03*dir, y-s*.86, x-s*.4*dir, y-s*.18, x-s*.03*dir, y-s*.16)
	for i := range 8 {
		k := float64(i)
		c.poly(c.p.near.mix(c.p.water, .3+k*.08), x-s*.4+k*3, y+s*(.13+k*.035), x+s*.4-k*6, y+s*(.13+k*.035), x+s*.38-k*6, y+s*(.14+k*.035), x-s*.38+k*3, y+s*(.14+k*.035))
	}
}

func (c *canvas) house(x, y, s float64) {
	wall := c.p.low.mix(rgb{255, 255, 255}, .25)
	c.poly(wall, x-s*.5, y, x-s*.5, y-s*.55, x+s*.5, y-s*.55, x+s*.5, y)
	c.poly(wall.mix(c.p.near, .45), x+s*.12, y, x+s*.12, y-s*.55, x+s*.5, y-s*.55, x+s*.5, y)
	c.poly(c.p.accent.mix(c.p.near, .25), x-s*.62, y-s*.52, x-s*.2, y-s, x+s*.24, y-s, x+s*.62, y-s*.52)
	c.poly(c.p.near, x+s*.2, y-s*.9, x+s*.2, y-s*1.15, x+s*.3, y-s*1.15, x+s*.3, y-s*.85)
	for _, wx := range []float64{-.36, -.08, .24} {
		c.poly(c.p.glow, x+s*wx, y-s*.2, x+s*wx, y-s*.4, x+s*(wx+.15), y-s*.4, x+s*(wx+.15), y-s*.2)
	}
	c.glow(x-s*.1, y-s*.3, s*.7)
	for i := range 7 {
		k := float64(i)
		c.disc(x+s*.25+math.Sin(k)*s*.05*k*.4, y-s*1.2-k*s*.12, s*(.04+.018*k), c.p.light, .28-.03*k)
	}
}

func (c *canvas) tree(x, y, s float64) {
	leaf := c.p.near.mix(c.p.accent, .35)
	c.branch(x, y, s*.34, -math.Pi/2, s*.045, 7)
	for range 90 {
		a, r := c.d.in(0, 2*math.Pi), math.Sqrt(c.d.f())*s*.36
		k := c.d.f()
		c.disc(x+math.Cos(a)*r*1.1, y-s*.72+math.Sin(a)*r*.8, s*c.d.in(.02, .055), leaf.mix(c.p.light, k*.45), .8)
	}
}

func (c *canvas) branch(x, y, length, angle, width float64, depth int) {
	if depth == 0 || width < .6 {
		return
	}
	nx, ny := x+math.Cos(angle)*length, y+math.Sin(angle)*length
	px, py := -math.Sin(angle)*width/2, math.Cos(angle)*width/2
	c.poly(c.p.near, x+px, y+py, nx+px*.7, ny+py*.7, nx-px*.7, ny-py*.7, x-px, y-py)
	c.branch(nx, ny, length*c.d.in(.62, .8), angle+c.d.in(.2, .6), width*.66, depth-1)
	c.branch(nx, ny, length*c.d.in(.62, .8), angle-c.d.in(.2, .6), width*.66, depth-1)
}

func (c *canvas) castle(x, y, s float64) {
	stone := c.p.far.mix(c.p.near, .55)
	c.rect(x-s*.4, y-s*.35, x+s*.4, y, stone)
	for i, tx := range []float64{-.42, -.16, .14, .4} {
		hgt := s * []float64{.6, .85, .7, .55}[i]
		c.rect(x+s*(tx-.07), y-hgt, x+s*(tx+.07), y, stone.mix(c.p.light, .08*float64(i)))
		c.poly(c.p.accent.mix(c.p.near, .35), x+s*(tx-.1), y-hgt, x+s*tx, y-hgt-s*.22, x+s*(tx+.1), y-hgt)
		c.rect(x+s*(tx-.018), y-hgt*.75, x+s*(tx+.018), y-hgt*.66, c.p.glow)
	}
	c.poly(c.p.near, x-s*.07, y, x-s*.07, y-s*.14, x, y-s*.2, x+s*.07, y-s*.14, x+s*.07, y)
}

func (c *canvas) balloon(x, y, s float64) {
	for i := 30; i >= 0; i-- {
		t := float64(i) / 30
		col := c.p.accent
		if i%6 < 3 {
			col = c.p.light
		}
		c.oval(x, y, s*.5*t+1, s*.56, col.mix(c.p.near, .35*(1-t)))
	}
	c.poly(c.p.near, x-s*.1, y+s*.74, x+s*.1, y+s*.74, x+s*.08, y+s*.88, x-s*.08, y+s*.88)
	c.poly(c.p.near, x-s*.2, y+s*.5, x-s*.19, y+s*.5, x-s*.085, y+s*.75, x-s*.095, y+s*.75)
	c.poly(c.p.near, x+s*.2, y+s*.5, x+s*.19, y+s*.5, x+s*.085, y+s*.75, x+s*.095, y+s*.75)
}

func (c *canvas) oval(x, y, rx, ry float64, col rgb) {
	var xy []float64
	for i := range 40 {
		a := float64(i) / 40 * 2 * math.Pi
		xy = append(xy, x+math.Cos(a)*rx, y+math.Sin(a)*ry)
	}
	c.poly(col, xy...)
}

func (c *canvas) bird(x, y, s float64) {
	lift := c.d.in(.15, .5)
	col := c.p.near
	if c.p.top.luma() < 90 {
		col = c.p.light
	}
	c.poly(col, x, y, x-s*.5, y-s*lift, x-s, y-s*lift*.4, x-s*.5, y-s*lift*.62)
	c.poly(col, x, y, x+s*.5, y-s*lift, x+s, y-s*lift*.4, x+s*.5, y-s*lift*.62)
}

func (c *canvas) cat(x, y, s float64) {
	col := c.p.near
	c.oval(x, y-s*.32, s*.3, s*.36, col)
	c.oval(x, y-s*.78, s*.2, s*.18, col)
	c.poly(col, x-s*.19, y-s*.84, x-s*.17, y-s*1.1, x-s*.03, y-s*.93)
	c.poly(col, x+s*.19, y-s*.84, x+s*.17, y-s*1.1, x+s*.03, y-s*.93)
	for i := range 26 {
		t := float64(i) / 25
		c.disc(x+s*(.22+.35*math.Sin(t*2.2)), y-s*(.02+.55*t), s*.05*(1-t*.4), col, 1)
	}
	c.disc(x-s*.08, y-s*.8, s*.028, c.p.glow, 1)
	c.disc(x+s*.08, y-s*.8, s*.028, c.p.glow, 1)
}

func (c *canvas) person(x, y, s float64) {
	col := c.p.near
	c.poly(col, x-s*.13, y-s*.66, x+s*.13, y-s*.66, x+s*.24, y-s*.05, x+s*.05, y, x-s*.05, y, x-s*.24, y-s*.05)
	c.poly(c.p.accent, x-s*.14, y-s*.68, x+s*.14, y-s*.68, x+s*.17, y-s*.56, x-s*.3, y-s*.5, x-s*.17, y-s*.58)
	c.disc(x, y-s*.8, s*.11, col.mix(c.p.light, .15), 1)
	for i := range 10 { // a long shadow away from the light
		k := float64(i) / 10
		dir := math.Copysign(1, x-c.lx)
		c.disc(x+dir*s*.9*k, y+s*.03+k*s*.05, s*.07*(1-k*.6), c.p.near, .35*(1-k))
	}
}

func (c *canvas) rocket(x, y, s float64) {
	lit := c.p.light.mix(c.p.low, .3)
	for i := range 20 {
		k := float64(i) / 20
		c.disc(x+math.Sin(k*9)*s*.03, y+s*(.42+.6*k), s*(.09+.12*k), c.p.glow.mix(c.p.accent, k), .5*(1-k))
	}
	c.poly(c.p.accent, x-s*.12, y+s*.1, x-s*.26, y+s*.42, x+s*.26, y+s*.42, x+s*.12, y+s*.1)
	c.poly(lit, x-s*.12, y+s*.38, x-s*.14, y-s*.1, x, y-s*.5, x+s*.14, y-s*.1, x+s*.12, y+s*.38)
	c.poly(lit.mix(c.p.near, .4), x+s*.02, y+s*.38, x+s*.02, y-s*.45, x+s*.14, y-s*.1, x+s*.12, y+s*.38)
	c.disc(x, y-s*.08, s*.06, c.p.water, 1)
}

func (c *canvas) bridge(y, s float64) {
	col := c.p.accent.mix(c.p.near, .4)
	c.rect(0, y, c.w, y+s*.03, col)
	for _, tx := range []float64{.28, .72} {
		x := c.w * tx
		c.rect(x-s*.025, y-s*.5, x+s*.025, y+s*.25, col)
		for i := 1; i < 14; i++ {
			k := float64(i) / 14 * c.w * .26
			for _, dir := range []float64{-1, 1} {
				px := x + dir*k
				sag := y - s*.48*math.Pow(1-k/(c.w*.27), 1.7)
				c.rect(px-1, sag, px+1, y, col)
			}
		}
	}
}

func (c *canvas) flower(x, y, s float64) {
	top := y - s
	bend := c.d.in(-.2, .2) * s
	c.poly(c.p.near, x-1.6, y, x+bend-1, top, x+bend+1, top, x+1.6, y)
	col := c.p.accent.mix(c.p.light, c.d.in(0, .5))
	for i := range 6 {
		a := float64(i)/6*2*math.Pi + c.d.f()
		c.oval(x+bend+math.Cos(a)*s*.09, top+math.Sin(a)*s*.09, s*.085, s*.085, col.mix(c.p.near, .08*float64(i)))
	}
	c.disc(x+bend, top, s*.06, c.p.glow, 1)
}
