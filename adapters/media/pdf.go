package media

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf16"

	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
)

// pdf writes a PDF file from front to back (ISO 32000-1, 7.5): each object goes out as soon as it is there, and only
// their offsets are kept. Text is in fonts that the file carries; they are written last, when it is known which letters
// were used.
type pdf struct {
	w       io.Writer
	at      int64
	offsets []int64 // of object n at n-1; 0 when it was not written yet
	pages   []int
	fonts   [2]*pdfFont // regular and bold
	err     error
}

const (
	pdfCatalog = 1 + iota
	pdfPages
	pdfRegular
	pdfBold
	pdfInfo
	pdfReserved = pdfInfo
)

func newPDF(w io.Writer) (*pdf, error) {
	p := &pdf{w: w, offsets: make([]int64, pdfReserved)}
	for i, f := range []struct {
		name string
		data []byte
	}{{"GoRegular", goregular.TTF}, {"GoBold", gobold.TTF}} {
		var err error
		if p.fonts[i], err = newPDFFont(f.name, f.data); err != nil {
			return nil, err
		}
	}
	p.raw("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n") // bytes above 127 say that it is no text
	return p, nil
}

func (p *pdf) raw(s string) {
	if p.err == nil {
		var n int
		n, p.err = io.WriteString(p.w, s)
		p.at += int64(n)
	}
}

// next takes the number of a new object.
func (p *pdf) next() int {
	p.offsets = append(p.offsets, 0)
	return len(p.offsets)
}

func (p *pdf) object(n int, body string) {
	p.offsets[n-1] = p.at
	p.raw(fmt.Sprintf("%d 0 obj\n%s\nendobj\n", n, body))
}

// stream writes a new object with bytes and returns its number.
func (p *pdf) stream(dict string, data []byte) int {
	n := p.next()
	p.offsets[n-1] = p.at
	p.raw(fmt.Sprintf("%d 0 obj\n<<%s/Length %d>>\nstream\n", n, dict, len(data)))
	p.raw(string(data))
	p.raw("\nendstream\nendobj\n")
	return n
}

// jpeg writes a picture as it is: a JPEG with three components.
func (p *pdf) jpeg(data []byte, w, h int) int {
	return p.stream(fmt.Sprintf("/Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/DCTDecode", w, h), data)
}

// page writes a page of a size in points, with what is drawn on it and the pictures that it names /I0, /I1 ...
func (p *pdf) page(w, h float64, content []byte, pictures []int) {
	drawn := p.stream("", content)
	var names strings.Builder
	for i, n := range pictures {
		fmt.Fprintf(&names, "/I%d %d 0 R", i, n)
	}
	n := p.next()
	p.pages = append(p.pages, n)
	p.object(n, fmt.Sprintf("<</Type/Page/Parent %d 0 R/MediaBox[0 0 %.2f %.2f]/Contents %d 0 R/Resources<</Font<</F1 %d 0 R/F2 %d 0 R>>/XObject<<%s>>>>>>", pdfPages, w, h, drawn, pdfRegular, pdfBold, names.String()))
}

// close writes what stands at a file's end. made is its time as a PDF writes it.
func (p *pdf) close(title, lang, made string) error {
	p.font(pdfRegular, p.fonts[0])
	p.font(pdfBold, p.fonts[1])
	var kids strings.Builder
	for _, n := range p.pages {
		fmt.Fprintf(&kids, "%d 0 R ", n)
	}
	p.object(pdfPages, fmt.Sprintf("<</Type/Pages/Count %d/Kids[%s]>>", len(p.pages), kids.String()))
	p.object(pdfInfo, fmt.Sprintf("<</Title%s/Producer(Atelier)/CreationDate(%s)>>", utf16Text(title), made))
	p.object(pdfCatalog, fmt.Sprintf("<</Type/Catalog/Pages %d 0 R/Lang%s/ViewerPreferences<</DisplayDocTitle true>>>>", pdfPages, literal(lang)))
	start := p.at
	p.raw(fmt.Sprintf("xref\n0 %d\n0000000000 65535 f \n", len(p.offsets)+1))
	for _, at := range p.offsets {
		p.raw(fmt.Sprintf("%010d 00000 n \n", at))
	}
	p.raw(fmt.Sprintf("trailer\n<</Size %d/Root %d 0 R/Info %d 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(p.offsets)+1, pdfCatalog, pdfInfo, start))
	return p.err
}

// literal is a string of ASCII letters in a dictionary.
func literal(s string) string {
	var b strings.Builder
	b.WriteByte('(')
	for _, c := range []byte(s) {
		switch {
		case c == '(' || c == ')' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ':
			b.WriteByte(' ')
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte(')')
	return b.String()
}

// utf16Text is a text outside of pages, where every letter may stand.
func utf16Text(s string) string {
	var b strings.Builder
	b.WriteString("<FEFF")
	for _, u := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, "%04X", u)
	}
	b.WriteByte('>')
	return b.String()
}
