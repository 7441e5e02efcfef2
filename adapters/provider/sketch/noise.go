package sketch

import "math"

// hash mixes numbers into one; splitmix64.
func hash(parts ...uint64) uint64 {
	h := uint64(0x9E3779B97F4A7C15)
	for _, p := range parts {
		h ^= p + 0x9E3779B97F4A7C15 + h<<6 + h>>2
		h = (h ^ h>>30) * 0xBF58476D1CE4E5B9
		h = (h ^ h>>27) * 0x94D049BB133111EB
		h ^= h >> 31
	}
	return h
}

// dice is a small deterministic random source.
type dice struct{ s uint64 }

func (d *dice) next() uint64 {
	d.s += 0x9E3779B97F4A7C15
	return hash(d.s)
}

// f returns a number in [0, 1).
func (d *dice) f() float64 { return float64(d.next()>>11) / (1 << 53) }

// in returns a number in [a, b).
func (d *dice) in(a, b float64) float64 { return a + (b-a)*d.f() }

// n returns a number in [0, n).
func (d *dice) n(n int) int { return int(d.next() % uint64(n)) }

func smooth(t float64) float64 { return t * t * (3 - 2*t) }

func lerp(a, b, t float64) float64 { return a + (b-a)*t }

// noise1 is value noise along a line.
func noise1(seed uint64, x float64) float64 {
	i := math.Floor(x)
	at := func(n float64) float64 { return float64(hash(seed, uint64(int64(n)))>>11) / (1 << 53) }
	return lerp(at(i), at(i+1), smooth(x-i))
}

// ridge1 is a mountain line: several octaves of noise, 0 to 1.
func ridge1(seed uint64, x float64, octaves int, rough float64) float64 {
	v, amp, sum := 0.0, 1.0, 0.0
	for o := range octaves {
		v += amp * noise1(seed+uint64(o)*31, x)
		sum += amp
		x *= 2.03
		amp *= rough
	}
	return v / sum
}

// field is two-dimensional fractal noise on a coarse lattice, for clouds and mist.
type field struct {
	w, h int
	v    []float32
}

func newField(seed uint64, w, h, octaves int) field {
	f := field{w: w, h: h, v: make([]float32, w*h)}
	amp, sum, size := float32(1), float32(0), 4
	for o := range octaves {
		for y := range h {
			fy := float64(y) * float64(size) / float64(h)
			y0 := math.Floor(fy)
			ty := float32(smooth(fy - y0))
			for x := range w {
				fx := float64(x) * float64(size) / float64(w)
				x0 := math.Floor(fx)
				tx := float32(smooth(fx - x0))
				at := func(dx, dy float64) float32 {
					return float32(hash(seed, uint64(o), uint64(x0+dx), uint64(y0+dy))>>40) / (1 << 24)
				}
				a := at(0, 0) + (at(1, 0)-at(0, 0))*tx
				b := at(0, 1) + (at(1, 1)-at(0, 1))*tx
				f.v[y*w+x] += amp * (a + (b-a)*ty)
			}
		}
		sum += amp
		amp *= .55
		size *= 2
	}
	for i := range f.v {
		f.v[i] /= sum
	}
	return f
}

// at samples the field between lattice points; u and v are 0 to 1.
func (f field) at(u, v float64) float64 {
	x, y := u*float64(f.w-1), v*float64(f.h-1)
	x0, y0 := int(x), int(y)
	x1, y1 := min(x0+1, f.w-1), min(y0+1, f.h-1)
	tx, ty := x-float64(x0), y-float64(y0)
	a := lerp(float64(f.v[y0*f.w+x0]), float64(f.v[y0*f.w+x1]), tx)
	b := lerp(float64(f.v[y1*f.w+x0]), float64(f.v[y1*f.w+x1]), tx)
	return lerp(a, b, ty)
}
