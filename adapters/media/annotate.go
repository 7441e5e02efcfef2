package media

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"io"
	"strconv"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"github.com/atelier-bridge/atelier/core"
)

var _ core.Annotator = (*Imaging)(nil)

const (
	// pinSide is the longer side of the crop around a comment's spot; pinShare how much of the picture's shorter side the
	// surroundings of a point take.
	pinSide  = 480
	pinShare = 0.4
	// compareSide is the height of two pictures side by side; blinkSide the longer side of a blinking one.
	compareSide = 720
	blinkSide   = 640
	// labelHeight is the height of the strip with a label above a picture, labelBase where in it the letters stand.
	labelHeight = 44
	labelBase   = 30
	// blinkDelay is how long each picture of a blinking one shows, in hundredths of a second.
	blinkDelay = 90
)

// Pin draws the surroundings of a spot with its number.
func (m *Imaging) Pin(ctx context.Context, picture core.BlobKey, spot core.Area, no int) (core.StoredImage, error) {
	img, err := m.decode(ctx, picture, decodedSide)
	if err != nil {
		return core.StoredImage{}, err
	}
	b := img.Bounds()
	w, h := float64(b.Dx()), float64(b.Dy())
	cx, cy := (spot.X+spot.W/2)*w, (spot.Y+spot.H/2)*h
	half := min(w, h) * pinShare / 2
	rx, ry := max(half, spot.W*w*0.75), max(half, spot.H*h*0.75)
	crop := image.Rect(int(cx-rx), int(cy-ry), int(cx+rx), int(cy+ry)).Add(b.Min)
	crop = inside(crop, b)
	scale := float64(pinSide) / float64(max(crop.Dx(), crop.Dy()))
	dst := image.NewRGBA(image.Rect(0, 0, max(1, int(float64(crop.Dx())*scale)), max(1, int(float64(crop.Dy())*scale))))
	draw.CatmullRom.Scale(dst, dst.Bounds(), img, crop, draw.Src, nil)
	at := func(x, y float64) image.Point {
		return image.Pt(int((x-float64(crop.Min.X-b.Min.X))*scale), int((y-float64(crop.Min.Y-b.Min.Y))*scale))
	}
	pin := at(cx, cy)
	if spot.W > 0 {
		frame := image.Rectangle{Min: at(spot.X*w, spot.Y*h), Max: at((spot.X+spot.W)*w, (spot.Y+spot.H)*h)}
		outline(dst, frame)
		pin = frame.Min
	}
	if err := disc(dst, pin, strconv.Itoa(no)); err != nil {
		return core.StoredImage{}, err
	}
	return m.keep(ctx, dst)
}

// inside moves and shrinks a rectangle so that it lies in another one.
func inside(r, b image.Rectangle) image.Rectangle {
	if r.Dx() > b.Dx() {
		r.Min.X, r.Max.X = b.Min.X, b.Max.X
	}
	if r.Dy() > b.Dy() {
		r.Min.Y, r.Max.Y = b.Min.Y, b.Max.Y
	}
	r = r.Add(image.Pt(max(0, b.Min.X-r.Min.X), max(0, b.Min.Y-r.Min.Y)))
	r = r.Sub(image.Pt(max(0, r.Max.X-b.Max.X), max(0, r.Max.Y-b.Max.Y)))
	if r.Empty() {
		return b
	}
	return r
}

func pinColour() color.RGBA { return color.RGBA{0xd5, 0x3f, 0x1c, 0xff} }

// outline draws the frame of an area, in the pin's colour between two light lines, so that it shows on any picture.
func outline(dst draw.Image, r image.Rectangle) {
	r = r.Intersect(dst.Bounds())
	for i, col := range []color.Color{color.White, pinColour(), pinColour(), color.White} {
		f := r.Inset(i - 1)
		for _, line := range []image.Rectangle{{f.Min, image.Pt(f.Max.X, f.Min.Y+1)}, {image.Pt(f.Min.X, f.Max.Y-1), f.Max}, {f.Min, image.Pt(f.Min.X+1, f.Max.Y)}, {image.Pt(f.Max.X-1, f.Min.Y), f.Max}} {
			draw.Draw(dst, line, image.NewUniform(col), image.Point{}, draw.Src)
		}
	}
}

// disc draws a numbered disc around a point, moved inside where it would be cut off.
func disc(dst draw.Image, at image.Point, label string) error {
	const radius = 19
	b := dst.Bounds()
	at.X = min(max(at.X, b.Min.X+radius+2), b.Max.X-radius-2)
	at.Y = min(max(at.Y, b.Min.Y+radius+2), b.Max.Y-radius-2)
	for y := at.Y - radius - 2; y <= at.Y+radius+2; y++ {
		for x := at.X - radius - 2; x <= at.X+radius+2; x++ {
			d := (x-at.X)*(x-at.X) + (y-at.Y)*(y-at.Y)
			switch {
			case !(image.Pt(x, y).In(b)) || d > (radius+2)*(radius+2):
			case d > radius*radius:
				dst.Set(x, y, color.White)
			default:
				dst.Set(x, y, pinColour())
			}
		}
	}
	size := 21.0
	if len(label) > 2 {
		size = 15
	}
	face, err := boldFace(size)
	if err != nil {
		return err
	}
	d := font.Drawer{Dst: dst, Src: image.White, Face: face}
	d.Dot.X, d.Dot.Y = fixed.I(at.X)-d.MeasureString(label)/2, fixed.I(at.Y)+fixed.I(int(size*0.36))
	d.DrawString(label)
	return nil
}

func boldFace(size float64) (font.Face, error) {
	f, err := opentype.Parse(gobold.TTF)
	if err != nil {
		return nil, core.Wrap(core.CodeInternal, err)
	}
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return nil, core.Wrap(core.CodeInternal, err)
	}
	return face, nil
}

// Compare draws two pictures side by side, or one after the other.
func (m *Imaging) Compare(ctx context.Context, c core.Compare) (core.StoredImage, error) {
	var sides [2]image.Image
	for i, key := range c.Pictures {
		img, err := m.decode(ctx, key, decodedSide)
		if err != nil {
			return core.StoredImage{}, err
		}
		sides[i] = img
	}
	face, err := boldFace(22)
	if err != nil {
		return core.StoredImage{}, err
	}
	if c.Blink {
		return m.blink(ctx, sides, c.Labels, face)
	}
	h := min(compareSide, max(sides[0].Bounds().Dy(), sides[1].Bounds().Dy()))
	widths := [2]int{}
	for i, s := range sides {
		widths[i] = max(1, s.Bounds().Dx()*h/s.Bounds().Dy())
	}
	dst := image.NewRGBA(image.Rect(0, 0, widths[0]+gridGap+widths[1], h+labelHeight))
	draw.Draw(dst, dst.Bounds(), image.NewUniform(color.RGBA{18, 18, 20, 255}), image.Point{}, draw.Src)
	x := 0
	for i, s := range sides {
		draw.CatmullRom.Scale(dst, image.Rect(x, labelHeight, x+widths[i], labelHeight+h), s, s.Bounds(), draw.Over, nil)
		caption(dst, face, c.Labels[i], x+12, labelBase)
		x += widths[i] + gridGap
	}
	return m.keep(ctx, dst)
}

// caption writes a label from a point on; y is the line that the letters stand on.
func caption(dst draw.Image, face font.Face, label string, x, y int) {
	d := font.Drawer{Dst: dst, Src: image.White, Face: face}
	d.Dot.X, d.Dot.Y = fixed.I(x), fixed.I(y)
	d.DrawString(label)
}

// blink shows two pictures in turns, each fitted into the size of the first.
func (m *Imaging) blink(ctx context.Context, sides [2]image.Image, labels [2]string, face font.Face) (core.StoredImage, error) {
	size := fit(sides[0], blinkSide).Bounds()
	out := gif.GIF{}
	for i, s := range sides {
		frame := image.NewRGBA(image.Rect(0, 0, size.Dx(), size.Dy()+labelHeight))
		draw.Draw(frame, frame.Bounds(), image.NewUniform(color.RGBA{18, 18, 20, 255}), image.Point{}, draw.Src)
		b := s.Bounds()
		scale := min(float64(size.Dx())/float64(b.Dx()), float64(size.Dy())/float64(b.Dy()))
		w, h := max(1, int(float64(b.Dx())*scale)), max(1, int(float64(b.Dy())*scale))
		x, y := (size.Dx()-w)/2, labelHeight+(size.Dy()-h)/2
		draw.CatmullRom.Scale(frame, image.Rect(x, y, x+w, y+h), s, b, draw.Over, nil)
		caption(frame, face, labels[i], 12, labelBase)
		pal := image.NewPaletted(frame.Bounds(), colourCube())
		draw.FloydSteinberg.Draw(pal, pal.Bounds(), frame, image.Point{})
		out.Image, out.Delay = append(out.Image, pal), append(out.Delay, blinkDelay)
	}
	var buf bytes.Buffer
	if err := gif.EncodeAll(&buf, &out); err != nil {
		return core.StoredImage{}, core.Wrap(core.CodeInternal, err)
	}
	k, err := m.Blobs.put(ctx, buf.Bytes(), "image/gif")
	b := out.Image[0].Bounds()
	return core.StoredImage{Blob: k, MIME: "image/gif", Width: b.Dx(), Height: b.Dy(), Size: int64(buf.Len())}, err
}

// colourCube is a palette of six steps per channel and a row of greys: with dithering enough for a moving preview.
func colourCube() color.Palette {
	var p color.Palette
	for r := range 6 {
		for g := range 6 {
			for b := range 6 {
				p = append(p, color.RGBA{uint8(r * 51), uint8(g * 51), uint8(b * 51), 255})
			}
		}
	}
	for i := 1; i <= 40; i++ {
		v := uint8(i * 255 / 41)
		p = append(p, color.RGBA{v, v, v, 255})
	}
	return p
}

// keep stores a drawn picture as a JPEG.
func (m *Imaging) keep(ctx context.Context, img image.Image) (core.StoredImage, error) {
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, img, &jpeg.Options{Quality: quality}); err != nil {
		return core.StoredImage{}, core.Wrap(core.CodeInternal, err)
	}
	data := withXMP(buf.Bytes(), sourceComposite)
	k, err := m.Blobs.put(ctx, data, "image/jpeg")
	b := img.Bounds()
	return core.StoredImage{Blob: k, MIME: "image/jpeg", Width: b.Dx(), Height: b.Dy(), Size: int64(len(data))}, err
}

// decode reads a stored picture, scaled down to a longer side.
func (m *Imaging) decode(ctx context.Context, key core.BlobKey, side int) (image.Image, error) {
	r, err := m.Blobs.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxPictureBytes+1))
	if err != nil {
		return nil, core.Wrap(core.CodeRetry, err)
	}
	cfg, _, err := Inspect(data)
	if err != nil {
		return nil, err
	}
	release, err := m.take(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer release()
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, notPicture(err)
	}
	return fit(img, side), nil
}

// decodedSide bounds what drawings work with: twice what any of them shows.
const decodedSide = 2048
