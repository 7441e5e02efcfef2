package canvas

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"math"

	"github.com/atelier-bridge/atelier/core"
)

// The canon of masks is 8-bit gray, white where the picture is to change.

// Clamp returns an area that lies within the picture; ok is false when nothing of it does.
func Clamp(a *core.Area) (core.Area, bool) {
	if a == nil {
		return core.Area{}, false
	}
	x0, y0 := max(0, a.X), max(0, a.Y)
	x1, y1 := min(1, a.X+a.W), min(1, a.Y+a.H)
	if !(x1 > x0 && y1 > y0) {
		return core.Area{}, false
	}
	return core.Area{X: x0, Y: y0, W: x1 - x0, H: y1 - y0}, true
}

// AreaMask draws an area as a mask of w times h.
func AreaMask(a core.Area, w, h int) *image.Gray {
	m := image.NewGray(image.Rect(0, 0, w, h))
	box := image.Rect(int(math.Floor(a.X*float64(w))), int(math.Floor(a.Y*float64(h))), int(math.Ceil((a.X+a.W)*float64(w))), int(math.Ceil((a.Y+a.H)*float64(h))))
	draw.Draw(m, box.Intersect(m.Rect), image.White, image.Point{}, draw.Src)
	return m
}

// RegionMask draws what a request wants changed as a mask of w times h: its area, or the mask that came with it, which is
// white where the picture may change and as wide as the picture.
func (b *Board) RegionMask(ctx context.Context, r core.Request, w, h int) (*image.Gray, error) {
	if r.Mask == nil {
		area, _ := Clamp(r.Area)
		return AreaMask(area, w, h), nil
	}
	f, err := Read(ctx, r, r.Mask)
	if err != nil {
		return nil, err
	}
	m := image.NewGray(image.Rect(0, 0, w, h))
	err = b.With(ctx, f.Pixels()+2*w*h, func() error {
		img, err := decode(f)
		if err != nil {
			return err
		}
		draw.Draw(m, m.Rect, scaled(img, w, h), image.Point{}, draw.Src)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, v := range m.Pix {
		if v > 127 {
			return m, nil
		}
	}
	return nil, core.Errorf(core.CodeInvalid, "The mask is black all over.").WithNext("Paint white where the picture may change.")
}

// feather is the width in pixels of the soft edge around a picture that is put back: 16 to 32, less on tiny ones.
func feather(place image.Rectangle) int {
	short := min(place.Dx(), place.Dy())
	return max(1, min(max(16, min(32, short/32)), short/4))
}

// depth returns how far inside the place a pixel lies, seen from those of its edges that are not the canvas's own.
func (l Layout) depth(x, y int) int {
	d := math.MaxInt32
	if l.Place.Min.X > 0 {
		d = min(d, x-l.Place.Min.X)
	}
	if l.Place.Min.Y > 0 {
		d = min(d, y-l.Place.Min.Y)
	}
	if l.Place.Max.X < l.W {
		d = min(d, l.Place.Max.X-1-x)
	}
	if l.Place.Max.Y < l.H {
		d = min(d, l.Place.Max.Y-1-y)
	}
	return d
}

// Mask is white where the picture does not lie, and along its edges where it is blended in.
func (l Layout) Mask() *image.Gray {
	m := image.NewGray(image.Rect(0, 0, l.W, l.H))
	f := feather(l.Place)
	for y := range l.H {
		for x := range l.W {
			if !(image.Point{X: x, Y: y}).In(l.Place) || l.depth(x, y) < f {
				m.Pix[y*m.Stride+x] = 255
			}
		}
	}
	return m
}

// GrayPNG encodes a mask as it is: for Stability, Black Forest Labs and self-hosted servers.
func GrayPNG(m *image.Gray) ([]byte, error) {
	f, err := encode(m)
	return f.Data, err
}

// AlphaPNG encodes a mask for OpenAI: transparent where the picture is to change.
// https://platform.openai.com/docs/guides/image-generation
func AlphaPNG(m *image.Gray) ([]byte, error) {
	out := image.NewNRGBA(m.Rect)
	for i, v := range m.Pix {
		out.Pix[4*i+3] = 255 - v
	}
	f, err := encode(out)
	return f.Data, err
}

// Padded puts a picture on a grey canvas.
func (b *Board) Padded(ctx context.Context, f File, l Layout) (File, error) {
	var out File
	err := b.With(ctx, 2*f.Pixels()+2*l.W*l.H, func() error {
		src, err := decode(f)
		if err != nil {
			return err
		}
		c := image.NewNRGBA(image.Rect(0, 0, l.W, l.H))
		draw.Draw(c, c.Rect, image.NewUniform(color.NRGBA{127, 127, 127, 255}), image.Point{}, draw.Src)
		draw.Draw(c, l.Place, scaled(src, l.Place.Dx(), l.Place.Dy()), image.Point{}, draw.Over)
		out, err = encode(c)
		return err
	})
	return out, err
}

// PasteBack puts the original back into a picture that a provider extended, with a soft edge, and marks the result as
// made with a model: encoding anew drops the provider's own mark.
func (b *Board) PasteBack(ctx context.Context, made, original File, l Layout) (File, error) {
	var out File
	err := b.With(ctx, 2*made.Pixels()+2*original.Pixels()+2*l.W*l.H, func() error {
		dst, err := decode(made)
		if err != nil {
			return err
		}
		src, err := decode(original)
		if err != nil {
			return err
		}
		dst, src = scaled(dst, l.W, l.H), scaled(src, l.Place.Dx(), l.Place.Dy())
		f := float64(feather(l.Place))
		for y := range l.Place.Dy() {
			for x := range l.Place.Dx() {
				k := min(1, (float64(l.depth(l.Place.Min.X+x, l.Place.Min.Y+y))+.5)/f)
				k = k * k * (3 - 2*k) * float64(src.Pix[src.PixOffset(x, y)+3]) / 255
				d, s := dst.PixOffset(l.Place.Min.X+x, l.Place.Min.Y+y), src.PixOffset(x, y)
				for i := range 3 {
					dst.Pix[d+i] = uint8(math.Round(float64(dst.Pix[d+i])*(1-k) + float64(src.Pix[s+i])*k))
				}
				dst.Pix[d+3] = max(dst.Pix[d+3], uint8(255*k))
			}
		}
		out, err = encode(dst)
		out.Data = marked(out.Data)
		return err
	})
	return out, err
}

// sourceType marks pictures of which a part was made by a model. https://cv.iptc.org/newscodes/digitalsourcetype/
const sourceType = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"

// marked puts an XMP packet with the source type behind a PNG's header chunk.
func marked(data []byte) []byte {
	const afterIHDR = 8 + 12 + 13
	if len(data) < afterIHDR || !bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")) {
		return data
	}
	packet := `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">` +
		`<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" Iptc4xmpExt:DigitalSourceType="` + sourceType + `"/></rdf:RDF></x:xmpmeta>`
	body := append([]byte("iTXtXML:com.adobe.xmp\x00\x00\x00\x00\x00"), packet...)
	out := append(make([]byte, 0, len(data)+len(body)+8), data[:afterIHDR]...)
	out = binary.BigEndian.AppendUint32(out, uint32(len(body)-4))
	out = append(out, body...)
	out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(body))
	return append(out, data[afterIHDR:]...)
}
