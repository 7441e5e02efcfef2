package canvas

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"io"
	"strings"
	"testing"

	"github.com/atelier-bridge/atelier/adapters/media"
	"github.com/atelier-bridge/atelier/adapters/provider/internal/facts"
	"github.com/atelier-bridge/atelier/core"
)

func wide() facts.Size {
	return facts.Size{Side: 1024, HDSide: 2048, Step: 16, MinSide: 64, MaxSide: 3840, MaxShort: 2160, MaxPixels: 2560 * 1440, MaxRatio: 3}
}

func TestSizesStayWithinBounds(t *testing.T) {
	s := wide()
	for _, ar := range []string{"1:1", "3:2", "2:3", "16:9", "3:1", "1:3", "21:9", "7:5", "100:34"} {
		for _, side := range []int{64, 1024, 2048, 9000} {
			w, h, ok := Size(s, Ratio(ar), side)
			if !ok || w%16 != 0 || h%16 != 0 || w*h > s.MaxPixels || max(w, h) > s.MaxSide || min(w, h) > s.MaxShort || min(w, h) < s.MinSide || max(w, h) > 3*min(w, h) {
				t.Errorf("%s at %d is %dx%d %v", ar, side, w, h, ok)
			}
		}
	}
	if _, _, ok := Size(s, Ratio("4:1"), 1024); ok {
		t.Error("4:1 is too wide")
	}
	if w, h, _ := Size(s, 1.5, 1024); w != 1248 || h != 832 {
		t.Errorf("3:2 is %dx%d", w, h)
	}
	if r, same := Nearest([]string{"1:1", "3:2", "16:9"}, Ratio("14:9")); r != "3:2" || same {
		t.Errorf("nearest to 14:9 is %s %v", r, same)
	}
}

func TestLayouts(t *testing.T) {
	for _, c := range []struct {
		r     core.Request
		w, h  int
		place image.Rectangle
	}{
		{core.Request{Op: core.OpZoom, Factor: 2}, 1024, 1024, image.Rect(256, 256, 768, 768)},
		{core.Request{Op: core.OpPan, Dir: "right"}, 768, 512, image.Rect(0, 0, 512, 512)},
		{core.Request{Op: core.OpPan, Dir: "left"}, 768, 512, image.Rect(256, 0, 768, 512)},
		{core.Request{Op: core.OpPan, Dir: "up"}, 512, 768, image.Rect(0, 256, 512, 768)},
		{core.Request{Op: core.OpPan, Dir: "down"}, 512, 768, image.Rect(0, 0, 512, 512)},
	} {
		if l := Extend(c.r, 512, 512, wide(), nil); l.W != c.w || l.H != c.h || l.Place != c.place {
			t.Errorf("%s %s: %+v", c.r.Op, c.r.Dir, l)
		}
	}
	for _, dir := range []string{"left", "right", "up", "down"} {
		for _, size := range [][2]int{{1000, 700}, {333, 777}, {4000, 3000}, {70, 70}} {
			for _, op := range []core.Op{core.OpPan, core.OpZoom} {
				l := Extend(core.Request{Op: op, Dir: dir, Factor: 1.3}, size[0], size[1], wide(), []string{"1:1", "3:2", "2:3", "16:9", "9:16"})
				if !l.Place.In(image.Rect(0, 0, l.W, l.H)) || l.Place.Empty() || l.Place.Min.X%16 != 0 || l.Place.Dx()%16 != 0 || l.W*l.H > wide().MaxPixels {
					t.Errorf("%s %s of %v: %+v", op, dir, size, l)
				}
				white := 0
				for _, v := range l.Mask().Pix {
					if v == 255 {
						white++
					}
				}
				if white == 0 || white == l.W*l.H {
					t.Errorf("%s %s of %v: the mask is all of one colour", op, dir, size)
				}
			}
		}
	}
	if l, r, u, d := Margins(core.Request{Op: core.OpPan, Dir: "up"}, 100, 80, 1e6, 2000); l+r+d != 0 || u != 40 {
		t.Error(l, r, u, d)
	}
	if l, r, u, d := Margins(core.Request{Op: core.OpZoom, Factor: 2}, 1000, 1000, 2_000_000, 2000); (1000+l+r)*(1000+u+d) > 2_000_000 || l != r || l == 0 {
		t.Error(l, r, u, d)
	}
}

func flat(t *testing.T, w, h int, c color.Color) File {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.Set(x, y, c)
		}
	}
	f, err := encode(img)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestTheOriginalIsPutBack(t *testing.T) {
	b := NewBoard()
	src := flat(t, 256, 256, color.NRGBA{200, 10, 10, 255})
	l := Extend(core.Request{Op: core.OpZoom, Factor: 2}, 256, 256, wide(), nil)
	padded, err := b.Padded(t.Context(), src, l)
	if err != nil || padded.W != l.W {
		t.Fatal(err, padded.W)
	}
	out, err := b.PasteBack(t.Context(), flat(t, 300, 300, color.NRGBA{10, 10, 200, 255}), src, l)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(out.Data))
	if err != nil {
		t.Fatal(err)
	}
	if r, _, _, _ := img.At(l.W/2, l.H/2).RGBA(); r>>8 != 200 {
		t.Errorf("in the middle red is %d", r>>8)
	}
	if r, _, _, _ := img.At(2, 2).RGBA(); r>>8 != 10 {
		t.Errorf("outside red is %d", r>>8)
	}
	if r, _, _, _ := img.At(l.Place.Min.X+6, l.H/2).RGBA(); r>>8 < 15 || r>>8 > 195 {
		t.Errorf("at the edge red is %d: there is no soft edge", r>>8)
	}
	if !strings.Contains(media.PNGText(out.Data)["XML:com.adobe.xmp"], "compositeWithTrainedAlgorithmicMedia") {
		t.Error("the result is not marked as made")
	}
}

func TestMasks(t *testing.T) {
	m := AreaMask(core.Area{X: .5, Y: .5, W: .5, H: .5}, 10, 10)
	data, err := AlphaPNG(m)
	if err != nil {
		t.Fatal(err)
	}
	img, _ := png.Decode(bytes.NewReader(data))
	if _, _, _, a := img.At(9, 9).RGBA(); a != 0 {
		t.Error("what is to change is not transparent")
	}
	if _, _, _, a := img.At(0, 0).RGBA(); a != 0xffff {
		t.Error("what stays is not opaque")
	}
	if _, ok := Clamp(&core.Area{X: 1.2, Y: 0, W: 1, H: 1}); ok {
		t.Error("an area outside was taken")
	}
	if a, ok := Clamp(&core.Area{X: -.5, Y: 0, W: 1, H: 2}); !ok || a.W != .5 || a.H != 1 {
		t.Error(a, ok)
	}
}

func TestBrokenPictures(t *testing.T) {
	b := NewBoard()
	good := flat(t, 64, 64, color.White)
	if _, err := b.Check(t.Context(), good.Data); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"nothing": nil, "text": []byte("<html>"), "cut off": good.Data[:len(good.Data)-30]} {
		if _, err := b.Check(t.Context(), data); core.ErrorCode(err) != core.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRegionMask(t *testing.T) {
	half := image.NewGray(image.Rect(0, 0, 20, 10))
	for i := range half.Pix {
		if i%20 >= 10 {
			half.Pix[i] = 255
		}
	}
	data := func(m *image.Gray) core.Request {
		var b bytes.Buffer
		if err := png.Encode(&b, m); err != nil {
			t.Fatal(err)
		}
		return core.Request{Mask: &core.StoredImage{Blob: "m"}, Open: func(context.Context, core.BlobKey) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(b.Bytes())), nil
		}}
	}
	b := NewBoard()
	m, err := b.RegionMask(t.Context(), data(half), 40, 20)
	if err != nil || m.GrayAt(2, 10).Y != 0 || m.GrayAt(38, 10).Y != 255 {
		t.Fatal(m.GrayAt(2, 10), m.GrayAt(38, 10), err)
	}
	if _, err := b.RegionMask(t.Context(), data(image.NewGray(image.Rect(0, 0, 4, 4))), 40, 20); core.ErrorCode(err) != core.CodeInvalid {
		t.Fatal("a black mask", err)
	}
}
