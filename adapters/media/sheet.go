package media

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"io"

	"golang.org/x/image/draw"

	"github.com/atelier-bridge/atelier/core"
)

// A4, landscape, in points; and how a page is divided.
const (
	sheetWidth, sheetHeight = 841.89, 595.28
	sheetMargin             = 34.0
	sheetHead               = 44.0 // above the pictures of the first page
	sheetFoot               = 20.0
	sheetColumns, sheetRows = 4, 2
	sheetGap                = 14.0
	captionHeight           = 64.0
	// thumbSide is the longer side of a picture on a sheet, in pixels: about 200 to the inch.
	thumbSide    = 512
	thumbQuality = 80
)

// Sheets implements core.Sheets.
type Sheets struct {
	imaging *Imaging
	clock   core.Clock
}

var _ core.Sheets = (*Sheets)(nil)

// NewSheets returns a maker of contact sheets that decodes within the budget of an Imaging.
func NewSheets(m *Imaging, c core.Clock) *Sheets { return &Sheets{imaging: m, clock: c} }

// sheet is a page being drawn.
type sheet struct {
	*pdf
	drawn    bytes.Buffer
	pictures []int
}

// Sheet writes a contact sheet.
func (m *Sheets) Sheet(ctx context.Context, w io.Writer, s core.Sheet) error {
	file, err := newPDF(w)
	if err != nil {
		return err
	}
	d := &sheet{pdf: file}
	const each = sheetColumns * sheetRows
	pages := max(1, (s.Count+each-1)/each)
	d.text(s.Title, sheetMargin, sheetHeight-sheetMargin-14, 16, sheetWidth-2*sheetMargin, true)
	d.text(s.Subtitle, sheetMargin, sheetHeight-sheetMargin-30, 9.5, sheetWidth-2*sheetMargin, false)
	n := 0
	for pic, err := range s.Pictures {
		if err != nil {
			return err
		}
		if n > 0 && n%each == 0 {
			d.end(s, pages)
		}
		if err := m.cell(ctx, d, pic, n%each); err != nil {
			return err
		}
		n++
		if d.err != nil {
			return core.Wrap(core.CodeRetry, d.err)
		}
	}
	d.end(s, max(pages, len(d.pages)+1))
	if err := d.close(s.Title, string(s.Locale), m.clock.Now().UTC().Format("D:20060102150405Z")); err != nil {
		return core.Wrap(core.CodeRetry, err)
	}
	return nil
}

// end writes the page that was drawn.
func (d *sheet) end(s core.Sheet, pages int) {
	foot := s.Page(len(d.pages)+1, pages)
	d.text(foot, sheetWidth-sheetMargin-d.fonts[0].width(plainText(foot), 8), sheetMargin-6, 8, sheetWidth/2, false)
	if len(d.pages) > 0 {
		d.text(s.Title, sheetMargin, sheetMargin-6, 8, sheetWidth/2, false)
	}
	d.page(sheetWidth, sheetHeight, d.drawn.Bytes(), d.pictures)
	d.drawn.Reset()
	d.pictures = nil
}

// text writes one line with its baseline at y, cut to a width. It returns the width that it takes.
func (d *sheet) text(s string, x, y, size, width float64, bold bool) float64 {
	n := 0
	if bold {
		n = 1
	}
	line := d.fonts[n].fit(plainText(s), size, width)
	d.line(n, line, x, y, size)
	return d.fonts[n].width(line, size)
}

// line writes a line that fits, in one of the fonts.
func (d *sheet) line(font int, line string, x, y, size float64) {
	fmt.Fprintf(&d.drawn, "BT /F%d %.1f Tf %.2f %.2f Td %s Tj ET\n", font+1, size, x, y, d.fonts[font].shown(line))
}

func (d *sheet) colour(c string) { d.drawn.WriteString(c + " rg\n") }

const (
	ink, grey = "0.13 0.13 0.13", "0.4 0.4 0.4"
	paper     = "0.94 0.94 0.94"
	good      = "0.11 0.42 0.18"
	warn      = "0.62 0.33 0.02"
)

// cell draws one picture with what is said of it.
func (m *Sheets) cell(ctx context.Context, d *sheet, pic core.SheetPicture, at int) error {
	const (
		width  = (sheetWidth - 2*sheetMargin - (sheetColumns-1)*sheetGap) / sheetColumns
		top    = sheetHeight - sheetMargin - sheetHead
		height = (top - sheetMargin - sheetFoot - (sheetRows-1)*sheetGap) / sheetRows
		frame  = height - captionHeight
	)
	x := sheetMargin + float64(at%sheetColumns)*(width+sheetGap)
	y := top - float64(at/sheetColumns)*(height+sheetGap) // of the upper edge
	img, err := m.thumb(ctx, pic.Blob)
	if err != nil {
		return err
	}
	d.colour(paper)
	fmt.Fprintf(&d.drawn, "%.2f %.2f %.2f %.2f re f\n", x, y-frame, width, frame)
	d.colour(ink)
	if img == nil {
		d.colour(grey)
		d.text(pic.Gone, x+8, y-frame/2, 8.5, width-16, false)
		d.colour(ink)
	} else {
		b := img.Bounds()
		scale := min(width/float64(b.Dx()), frame/float64(b.Dy()))
		w, h := float64(b.Dx())*scale, float64(b.Dy())*scale
		var buf bytes.Buffer
		if err := jpeg.Encode(&buf, img, &jpeg.Options{Quality: thumbQuality}); err != nil {
			return core.Wrap(core.CodeInternal, err)
		}
		d.pictures = append(d.pictures, d.jpeg(buf.Bytes(), b.Dx(), b.Dy()))
		fmt.Fprintf(&d.drawn, "q %.2f 0 0 %.2f %.2f %.2f cm /I%d Do Q\n", w, h, x+(width-w)/2, y-frame+(frame-h)/2, len(d.pictures)-1)
	}
	line := y - frame - 12
	taken := d.text(pic.Title, x, line, 9.5, width, true)
	if pic.Mark != "" && width-taken > 30 {
		d.colour(markColour(pic.Tone))
		d.text(pic.Mark, x+taken+6, line, 8, width-taken-6, false)
		d.colour(ink)
	}
	line -= 11
	d.colour(grey)
	d.text(pic.Facts, x, line, 8, width, false)
	d.colour(ink)
	for _, words := range d.fonts[0].wrap(plainText(pic.Text), 8, width, 3) {
		line -= 10
		d.line(0, words, x, line, 8)
	}
	return nil
}

func markColour(t core.Tone) string {
	switch t {
	case core.ToneGood:
		return good
	case core.ToneWarn, core.ToneBad:
		return warn
	}
	return grey
}

// thumb decodes a picture at the size of a sheet, on white where it can be seen through; nil when it is gone or cannot be
// read.
func (m *Sheets) thumb(ctx context.Context, key core.BlobKey) (*image.RGBA, error) {
	if key == "" {
		return nil, nil
	}
	img, err := m.imaging.decode(ctx, key, thumbSide)
	switch core.ErrorCode(err) {
	case "":
	case core.CodeNotFound, core.CodeInvalid, core.CodeTooLarge:
		return nil, nil
	default:
		return nil, err
	}
	b := img.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(out, out.Bounds(), image.White, image.Point{}, draw.Src)
	draw.Draw(out, out.Bounds(), img, b.Min, draw.Over)
	return out, nil
}
