package media

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"strconv"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"github.com/atelier-bridge/atelier/core"
)

var _ core.Charts = (*Imaging)(nil)

const (
	chartWidth, chartHeight             = 960, 480
	chartLeft, chartTop                 = 64, 56
	chartRight, chartBottom             = 24, 88
	chartText                           = 15.0 // points at 72 dpi: pixels
	chartLabels                         = 12   // below the axis: more would overlap
	chartLines                          = 5
	legendBox, legendGap, legendDistant = 14, 8, 24
)

// chartColours can be told apart by people who do not see all colours; after Okabe and Ito,
// https://jfly.uni-koeln.de/color/
func chartColours() []color.RGBA {
	return []color.RGBA{{0x00, 0x72, 0xb2, 0xff}, {0xe6, 0x9f, 0x00, 0xff}, {0x00, 0x9e, 0x73, 0xff}, {0xcc, 0x79, 0xa7, 0xff},
		{0x56, 0xb4, 0xe9, 0xff}, {0xd5, 0x5e, 0x00, 0xff}, {0xf0, 0xe4, 0x42, 0xff}, {0x55, 0x55, 0x55, 0xff}}
}

// canvas is a chart being drawn.
type canvas struct {
	*image.RGBA
	face font.Face
}

func (c canvas) box(r image.Rectangle, col color.Color) {
	draw.Draw(c, r, image.NewUniform(col), image.Point{}, draw.Src)
}

// text writes with its baseline at y; align is 0 for left, 0.5 for centred, 1 for right of x. It returns its width.
func (c canvas) text(s string, x, y int, align float64) int {
	d := font.Drawer{Dst: c, Src: image.NewUniform(color.Gray{0x22}), Face: c.face}
	w := d.MeasureString(s).Ceil()
	d.Dot = fixed.P(x-int(align*float64(w)), y)
	d.DrawString(s)
	return w
}

// Chart draws stacked bars and stores them as a PNG.
func (m *Imaging) Chart(ctx context.Context, c core.Chart) (core.StoredImage, error) {
	f, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return core.StoredImage{}, core.Wrap(core.CodeInternal, err)
	}
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: chartText, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return core.StoredImage{}, core.Wrap(core.CodeInternal, err)
	}
	img := canvas{image.NewRGBA(image.Rect(0, 0, chartWidth, chartHeight)), face}
	img.box(img.Bounds(), color.White)
	img.text(c.Title, chartLeft, 30, 0)
	top, step := scale(c)
	plot := image.Rect(chartLeft, chartTop, chartWidth-chartRight, chartHeight-chartBottom)
	height := func(v float64) int { return int(v / top * float64(plot.Dy())) }
	for v := 0.0; v <= top; v += step {
		y := plot.Max.Y - height(v)
		img.box(image.Rect(plot.Min.X, y, plot.Max.X, y+1), color.Gray{0xdd})
		img.text(strconv.FormatFloat(v, 'f', -1, 64), plot.Min.X-8, y+5, 1)
	}
	img.bars(c, plot, height)
	img.legend(c)
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		return core.StoredImage{}, core.Wrap(core.CodeInternal, err)
	}
	return m.Import(ctx, &buf, "chart.png")
}

// scale returns a round top of the axis and the distance of its lines.
func scale(c core.Chart) (top, step float64) {
	most := 1.0
	for i := range c.Labels {
		sum := 0.0
		for _, s := range c.Series {
			sum += s.Values[i]
		}
		most = max(most, sum)
	}
	step = math.Pow(10, math.Floor(math.Log10(most/chartLines)))
	for _, f := range []float64{1, 2, 5, 10} {
		if s := max(1, step*f); most/s <= chartLines {
			return math.Ceil(most/s) * s, s
		}
	}
	return most, most
}

func (c canvas) bars(ch core.Chart, plot image.Rectangle, height func(float64) int) {
	slot := float64(plot.Dx()) / float64(max(1, len(ch.Labels)))
	every := max(1, (len(ch.Labels)+chartLabels-1)/chartLabels)
	for i, name := range ch.Labels {
		left := plot.Min.X + int(slot*(float64(i)+0.1))
		right := max(left+1, plot.Min.X+int(slot*(float64(i)+0.9)))
		sum := 0.0
		for n, s := range ch.Series {
			low := plot.Max.Y - height(sum)
			sum += s.Values[i]
			c.box(image.Rect(left, plot.Max.Y-height(sum), right, low), chartColours()[n%len(chartColours())])
		}
		if i%every == 0 {
			c.text(name, (left+right)/2, plot.Max.Y+22, 0.5)
		}
	}
}

func (c canvas) legend(ch core.Chart) {
	x, y := chartLeft, chartHeight-24
	for n, s := range ch.Series {
		c.box(image.Rect(x, y-legendBox+2, x+legendBox, y+2), chartColours()[n%len(chartColours())])
		x += legendBox + legendGap
		x += c.text(s.Name, x, y, 0) + legendDistant
	}
}
