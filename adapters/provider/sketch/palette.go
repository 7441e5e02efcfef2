package sketch

import (
	"image"
	"math"
)

// rgb is a colour with channels from 0 to 255.
type rgb struct{ r, g, b float64 }

func hex(v uint32) rgb { return rgb{float64(v >> 16), float64(v >> 8 & 255), float64(v & 255)} }

func (c rgb) mix(d rgb, t float64) rgb {
	return rgb{lerp(c.r, d.r, t), lerp(c.g, d.g, t), lerp(c.b, d.b, t)}
}

func (c rgb) scale(k float64) rgb { return rgb{c.r * k, c.g * k, c.b * k} }

func (c rgb) luma() float64 { return .299*c.r + .587*c.g + .114*c.b }

// palette colours a scene: sky from top to horizon, light, far and near ground, water, and accents.
type palette struct {
	top, mid, low, light, far, near, water, accent, glow rgb
}

func paletteFor(mood string, d *dice) palette {
	sets := map[string][]palette{
		"day": {
			{hex(0x2f6fb0), hex(0x7fb7de), hex(0xe9f1ee), hex(0xfff6d8), hex(0x8fb0b8), hex(0x234a4a), hex(0x3a7fa0), hex(0xd8553b), hex(0xfff2b0)},
			{hex(0x4a86c5), hex(0xa8d0e6), hex(0xfdf3dc), hex(0xffffff), hex(0x9cbcae), hex(0x35583f), hex(0x4f9bb0), hex(0xe07a3f), hex(0xfff0c0)}},
		"dawn": {
			{hex(0x6d7fa8), hex(0xd9b7c0), hex(0xfbe3cf), hex(0xfff1dc), hex(0xa9a6bf), hex(0x4c4a66), hex(0x8c9cb8), hex(0xc9586a), hex(0xffe2b8)},
			{hex(0x5b7c99), hex(0xb9c7cf), hex(0xf3e6d6), hex(0xfff5e4), hex(0x9fb0b8), hex(0x3d5060), hex(0x86a3b3), hex(0xc86b4a), hex(0xffe9c4)}},
		"sunset": {
			{hex(0x2b2a56), hex(0xc2557a), hex(0xffb25e), hex(0xffe6a3), hex(0x7d4a6e), hex(0x24182f), hex(0xa04a62), hex(0xffd27a), hex(0xffdf9a)},
			{hex(0x3b3a78), hex(0xe0745a), hex(0xffcf70), hex(0xfff0c0), hex(0x8a5560), hex(0x2d1c2c), hex(0xb5604e), hex(0xf4f0d0), hex(0xffe3a0)}},
		"night": {
			{hex(0x060a1e), hex(0x14264f), hex(0x3f5f8c), hex(0xe8efff), hex(0x24385e), hex(0x070b18), hex(0x1a3157), hex(0xf2c25b), hex(0xffe7a6)},
			{hex(0x0a0820), hex(0x2a1f56), hex(0x5a4c8c), hex(0xf4ecff), hex(0x332a5c), hex(0x0a0716), hex(0x2a2656), hex(0xf0a35b), hex(0xffd9a0)}},
		"neon": {
			{hex(0x0b0326), hex(0x4a0d67), hex(0xff3c8e), hex(0x5ff5ff), hex(0x3a1270), hex(0x07021a), hex(0x5a1a8a), hex(0x25f4ee), hex(0xff7ae0)},
			{hex(0x020820), hex(0x06305c), hex(0x12d6c8), hex(0xff52b0), hex(0x0a3a66), hex(0x020612), hex(0x0a4a78), hex(0xff4fa3), hex(0x7affea)}},
		"mono": {
			{hex(0xc9c6bf), hex(0xdedbd4), hex(0xf3f0ea), hex(0xfffdf8), hex(0x9b9891), hex(0x1c1b19), hex(0xb1aea7), hex(0x2a2826), hex(0xffffff)},
			{hex(0x2a2a2c), hex(0x5c5c5e), hex(0xb5b5b3), hex(0xf2f2ee), hex(0x6c6c6c), hex(0x0c0c0d), hex(0x4a4a4c), hex(0xe6e6e0), hex(0xffffff)}},
		"snow": {
			{hex(0x7fa3c4), hex(0xc3d7e6), hex(0xf3f7fa), hex(0xffffff), hex(0xb7cbdb), hex(0x4f6f8c), hex(0x86aecb), hex(0xc8483a), hex(0xfff1d0)},
			{hex(0x4a5f86), hex(0xa3b5d3), hex(0xf6e9ec), hex(0xffffff), hex(0xa9b8d2), hex(0x394a6c), hex(0x7f9cc4), hex(0xe0a040), hex(0xffe6b8)}},
		"fire": {
			{hex(0x180608), hex(0x6a1512), hex(0xff7a2a), hex(0xffe08a), hex(0x5a1a18), hex(0x120406), hex(0x8a2a1a), hex(0xffc04a), hex(0xffd27a)},
			{hex(0x240a1c), hex(0x8a1a2c), hex(0xff9a4a), hex(0xfff0b0), hex(0x6a2030), hex(0x180610), hex(0xa03a30), hex(0xffe06a), hex(0xffdc8a)}},
		"spring": {
			{hex(0x5ba3c9), hex(0xb7e0dc), hex(0xf7f5d7), hex(0xfffbe0), hex(0x9cc79a), hex(0x2f6a45), hex(0x5bb0a5), hex(0xe86a92), hex(0xfff3b8)},
			{hex(0x7ab8a8), hex(0xcfe8c8), hex(0xfdf6d0), hex(0xffffff), hex(0xa6cf86), hex(0x3c7336), hex(0x6cc0a0), hex(0xf08a4a), hex(0xfff0a8)}},
	}
	list := sets[mood]
	if len(list) == 0 {
		list = sets["day"]
	}
	p := list[d.n(len(list))]
	// A little of its own for each picture.
	k := d.in(-.06, .06)
	p.top, p.mid, p.low = p.top.scale(1+k), p.mid.scale(1+k/2), p.low.mix(p.light, d.in(0, .15))
	return p
}

// paletteOf takes the colours of a picture, so that strong variations stay in its light.
func paletteOf(src *image.RGBA) *palette {
	b := src.Bounds()
	mean := func(y0, y1 float64) rgb {
		var c rgb
		n := 0.0
		for y := b.Min.Y + int(y0*float64(b.Dy())); y < b.Min.Y+int(y1*float64(b.Dy())); y += 7 {
			for x := b.Min.X; x < b.Max.X; x += 7 {
				p := src.RGBAAt(x, y)
				c.r, c.g, c.b, n = c.r+float64(p.R), c.g+float64(p.G), c.b+float64(p.B), n+1
			}
		}
		return c.scale(1 / math.Max(1, n))
	}
	var bright, vivid rgb
	best, most := -1.0, -1.0
	for y := b.Min.Y; y < b.Max.Y; y += 11 {
		for x := b.Min.X; x < b.Max.X; x += 11 {
			p := src.RGBAAt(x, y)
			c := rgb{float64(p.R), float64(p.G), float64(p.B)}
			if l := c.luma(); l > best {
				best, bright = l, c
			}
			if s := math.Max(c.r, math.Max(c.g, c.b)) - math.Min(c.r, math.Min(c.g, c.b)); s > most {
				most, vivid = s, c
			}
		}
	}
	top, low, ground, foot := mean(0, .12), mean(.35, .5), mean(.6, .78), mean(.88, 1)
	return &palette{top: top, mid: top.mix(low, .5), low: low, light: bright, far: low.mix(ground, .6), near: foot.scale(.7), water: ground, accent: vivid, glow: bright}
}
