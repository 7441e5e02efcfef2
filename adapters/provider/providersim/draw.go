package providersim

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"hash/fnv"
	"image"
	"image/color"
	"image/png"
	"math"
	"strconv"
	"strings"
)

// picture draws one picture from words: the same words, seed and number draw the same one.
func (x *exchange) picture(words string, seed, i int, ratio float64) []byte {
	data := draw(words, seed, i, x.s.o.Side, ratio)
	switch {
	case x.fault == Truncated || x.fault == OneTruncated && i == 0:
		return data[:len(data)*2/3]
	case x.fault == Huge:
		return hugeHeader(data)
	}
	return data
}

func (x *exchange) b64(words string, seed, i int, ratio float64) string {
	return base64.StdEncoding.EncodeToString(x.picture(words, seed, i, ratio))
}

func draw(words string, seed, i, side int, ratio float64) []byte {
	if !(ratio > .05 && ratio < 20) {
		ratio = 1
	}
	w, h := max(8, int(float64(side)*math.Sqrt(ratio))), max(8, int(float64(side)/math.Sqrt(ratio)))
	f := fnv.New64a()
	_, _ = f.Write([]byte(words + "\x00" + strconv.Itoa(seed) + "\x00" + strconv.Itoa(i)))
	state := f.Sum64()
	next := func() float64 {
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		return float64(state>>40) / (1 << 24)
	}
	for range 8 {
		next()
	}
	colour := func() [3]float64 { return [3]float64{60 + 180*next(), 60 + 180*next(), 60 + 180*next()} }
	top, low := colour(), colour()
	type disc struct {
		x, y, r float64
		c       [3]float64
	}
	var discs []disc
	for range 5 {
		discs = append(discs, disc{next() * float64(w), next() * float64(h), (.08 + .2*next()) * float64(min(w, h)), colour()})
	}
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for px := range w {
			t := float64(y) / float64(h)
			c := [3]float64{top[0]*(1-t) + low[0]*t, top[1]*(1-t) + low[1]*t, top[2]*(1-t) + low[2]*t}
			for _, d := range discs {
				if dx, dy := float64(px)-d.x, float64(y)-d.y; dx*dx+dy*dy < d.r*d.r {
					c = d.c
				}
			}
			img.SetRGBA(px, y, color.RGBA{uint8(c[0]), uint8(c[1]), uint8(c[2]), 255})
		}
	}
	var buf bytes.Buffer
	_ = png.Encode(&buf, img)
	return buf.Bytes()
}

// hugeHeader claims 60000 by 60000 pixels, which would take 14 GB to decode.
func hugeHeader(data []byte) []byte {
	out := bytes.Clone(data)
	binary.BigEndian.PutUint32(out[16:], 60000)
	binary.BigEndian.PutUint32(out[20:], 60000)
	binary.BigEndian.PutUint32(out[29:], crc32.ChecksumIEEE(out[12:29]))
	return out
}

// ratioOf reads "3:2", "1536x1024", or two numbers.
func ratioOf(s string) float64 {
	for _, sep := range []string{":", "x"} {
		if a, b, ok := strings.Cut(s, sep); ok {
			w, err1 := strconv.ParseFloat(a, 64)
			h, err2 := strconv.ParseFloat(b, 64)
			if err1 == nil && err2 == nil && w > 0 && h > 0 {
				return w / h
			}
		}
	}
	return 1
}

// sizeOf returns the width and height of a picture that was sent; zeros when it is none.
func sizeOf(data []byte) (w, h int) {
	cfg, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return 0, 0
	}
	return cfg.Width, cfg.Height
}
