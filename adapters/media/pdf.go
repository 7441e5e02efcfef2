package media

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
)

// pdf writes a PDF file from front to back (ISO 32000-1, 7.5): each object goes out as soon as it is there, and only
// their offsets are kept. Text is in Helvetica, which every reader has, in the letters of WinAnsiEncoding (Annex D.2).
type pdf struct {
	w       io.Writer
	at      int64
	offsets []int64 // of object n at n-1; 0 when it was not written yet
	pages   []int
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

func newPDF(w io.Writer) *pdf {
	p := &pdf{w: w, offsets: make([]int64, pdfReserved)}
	p.raw("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n") // bytes above 127 say that it is no text
	p.object(pdfRegular, "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>")
	p.object(pdfBold, "<</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold/Encoding/WinAnsiEncoding>>")
	return p
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
	var kids strings.Builder
	for _, n := range p.pages {
		fmt.Fprintf(&kids, "%d 0 R ", n)
	}
	p.object(pdfPages, fmt.Sprintf("<</Type/Pages/Count %d/Kids[%s]>>", len(p.pages), kids.String()))
	p.object(pdfInfo, fmt.Sprintf("<</Title%s/Producer(Atelier)/CreationDate(%s)>>", utf16Text(title), made))
	p.object(pdfCatalog, fmt.Sprintf("<</Type/Catalog/Pages %d 0 R/Lang%s/ViewerPreferences<</DisplayDocTitle true>>>>", pdfPages, literal(winAnsi(lang))))
	start := p.at
	p.raw(fmt.Sprintf("xref\n0 %d\n0000000000 65535 f \n", len(p.offsets)+1))
	for _, at := range p.offsets {
		p.raw(fmt.Sprintf("%010d 00000 n \n", at))
	}
	p.raw(fmt.Sprintf("trailer\n<</Size %d/Root %d 0 R/Info %d 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(p.offsets)+1, pdfCatalog, pdfInfo, start))
	return p.err
}

// literal is a string in a content stream or a dictionary.
func literal(s []byte) string {
	var b strings.Builder
	b.WriteByte('(')
	for _, c := range s {
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

// winAnsi is a text in the encoding of the same name: Latin-1 with Windows' signs from 0x80 on. A letter that it does not
// have is a question mark; signs that only join or shape others are left out.
func winAnsi(s string) []byte {
	var out bytes.Buffer
	for _, r := range s {
		switch {
		case r < 0x80, r >= 0xa0 && r <= 0xff:
			out.WriteByte(byte(r))
		case r == 0x200d || r >= 0xfe00 && r <= 0xfe0f || r >= 0x0300 && r <= 0x036f:
		case r == 0x2009 || r == 0x202f:
			out.WriteByte(' ')
		default:
			at := strings.IndexRune(windowsSigns, r)
			if at < 0 {
				out.WriteByte('?')
				continue
			}
			out.WriteByte(byte(0x80 + len([]rune(windowsSigns[:at]))))
		}
	}
	return out.Bytes()
}

// windowsSigns are 0x80 to 0x9f; a dot where there is none, which never comes to be looked up.
const windowsSigns = "€.‚ƒ„…†‡ˆ‰Š‹Œ.Ž..‘’“”•–—˜™š›œ.žŸ"

// helvetica are the widths of 0x20 to 0xff in thousandths of the size, from Adobe's metrics of the font.
var helvetica = [224]uint16{
	278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
	1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
	333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584, 350,
	556, 350, 222, 556, 333, 1000, 556, 556, 333, 1000, 667, 333, 1000, 350, 611, 350, 350, 222, 222, 333, 333, 350, 556, 1000, 333, 1000, 500, 333, 944, 350, 500, 667,
	278, 333, 556, 556, 556, 556, 260, 556, 333, 737, 370, 556, 584, 333, 737, 333, 400, 584, 333, 333, 333, 556, 537, 278, 333, 333, 365, 556, 834, 834, 834, 611,
	667, 667, 667, 667, 667, 667, 1000, 722, 667, 667, 667, 667, 278, 278, 278, 278, 722, 722, 778, 778, 778, 778, 778, 584, 778, 722, 722, 722, 722, 667, 667, 611,
	556, 556, 556, 556, 556, 556, 889, 500, 556, 556, 556, 556, 278, 278, 278, 278, 556, 556, 556, 556, 556, 556, 556, 584, 611, 556, 556, 556, 556, 500, 556, 500,
}

// boldFactor is how much wider than its regular form Helvetica's bold one is, at most, for words.
const boldFactor = 1.1

// widthOf is how wide a text in WinAnsiEncoding is, in points.
func widthOf(text []byte, size float64, bold bool) float64 {
	sum := 0
	for _, c := range text {
		if c >= 0x20 {
			sum += int(helvetica[c-0x20])
		}
	}
	w := float64(sum) * size / 1000
	if bold {
		w *= boldFactor
	}
	return w
}

// fitLine cuts a text so that it fits into a width, with dots at its end.
func fitLine(text []byte, size, width float64, bold bool) []byte {
	if widthOf(text, size, bold) <= width {
		return text
	}
	const dots = "\x85"
	room := width - widthOf([]byte(dots), size, bold)
	n := 0
	for n < len(text) {
		if room -= widthOf(text[n:n+1], size, bold); room < 0 {
			break
		}
		n++
	}
	return append(bytes.Clone(bytes.TrimRight(text[:n], " ")), dots...)
}

// wrap breaks a text into at most so many lines; the last one is cut where more is left.
func wrap(text []byte, size, width float64, lines int) [][]byte {
	var out [][]byte
	words := bytes.Fields(text)
	for len(words) > 0 && len(out) < lines {
		if len(out) == lines-1 {
			return append(out, fitLine(bytes.Join(words, []byte(" ")), size, width, false))
		}
		n := 1
		for n < len(words) && widthOf(bytes.Join(words[:n+1], []byte(" ")), size, false) <= width {
			n++
		}
		out = append(out, fitLine(bytes.Join(words[:n], []byte(" ")), size, width, false))
		words = words[n:]
	}
	return out
}
