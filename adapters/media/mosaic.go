package media

import (
	"context"
	"image"
	"image/color"

	"golang.org/x/image/draw"

	"github.com/atelier-bridge/atelier/core"
)

const (
	// mosaicWidth is how wide a mosaic is, in pixels; rows of it are as high as their pictures then become, mosaicRow at most.
	mosaicWidth, mosaicRow = 1080, 540
	// mosaicInRow is how many pictures stand beside each other; of four, two do.
	mosaicInRow = 3
)

// Mosaic draws pictures in rows: those of a row are as high as each other, and a row is as wide as the whole where that does
// not make it too high.
func (m *Imaging) Mosaic(ctx context.Context, c core.Mosaic) (core.StoredImage, error) {
	var pictures []image.Image
	var labels []string
	for i, key := range c.Pictures {
		img, err := m.decode(ctx, key, mosaicWidth/2)
		if core.ErrorCode(err) == core.CodeNotFound {
			continue
		}
		if err != nil {
			return core.StoredImage{}, err
		}
		pictures, labels = append(pictures, img), append(labels, c.Labels[i])
	}
	if len(pictures) == 0 {
		return core.StoredImage{}, core.Errorf(core.CodeNotFound, "The pictures are gone.")
	}
	face, err := boldFace(22)
	if err != nil {
		return core.StoredImage{}, err
	}
	rects := mosaicPlan(pictures)
	last := rects[len(rects)-1]
	dst := image.NewRGBA(image.Rect(0, 0, mosaicWidth, last.Max.Y))
	draw.Draw(dst, dst.Bounds(), image.NewUniform(color.RGBA{18, 18, 20, 255}), image.Point{}, draw.Src)
	for i, r := range rects {
		draw.CatmullRom.Scale(dst, r, pictures[i], pictures[i].Bounds(), draw.Over, nil)
		strip := image.Rect(r.Min.X, r.Min.Y-labelHeight, r.Max.X, r.Min.Y)
		caption(dst.SubImage(strip).(draw.Image), face, labels[i], r.Min.X+12, strip.Min.Y+labelBase)
	}
	return m.keep(ctx, dst)
}

// mosaicPlan says where each picture goes; above each there is room for its label.
func mosaicPlan(pictures []image.Image) []image.Rectangle {
	inRow := mosaicInRow
	if len(pictures) == 4 {
		inRow = 2
	}
	var out []image.Rectangle
	y := 0
	for len(pictures) > 0 {
		row := pictures[:min(inRow, len(pictures))]
		pictures = pictures[len(row):]
		var aspects float64
		for _, p := range row {
			aspects += float64(p.Bounds().Dx()) / float64(p.Bounds().Dy())
		}
		h := min(mosaicRow, int(float64(mosaicWidth-gridGap*(len(row)-1))/aspects))
		x := 0
		for _, p := range row {
			w := max(1, p.Bounds().Dx()*h/p.Bounds().Dy())
			out = append(out, image.Rect(x, y+labelHeight, min(x+w, mosaicWidth), y+labelHeight+h))
			x += w + gridGap
		}
		y += labelHeight + h
	}
	return out
}
