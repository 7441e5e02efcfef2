package media

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// Digital source types of the IPTC, which mark made pictures.
// https://cv.iptc.org/newscodes/digitalsourcetype/
const (
	sourceTrained   = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
	sourceComposite = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic"
)

const xmpHeader = "http://ns.adobe.com/xap/1.0/\x00"

// withXMP puts an XMP packet with the source type behind a JPEG's start marker.
func withXMP(jpg []byte, source string) []byte {
	packet := xmpHeader + `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">` +
		`<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" Iptc4xmpExt:DigitalSourceType="` + source + `"/></rdf:RDF></x:xmpmeta>`
	if len(jpg) < 2 || jpg[0] != 0xFF || jpg[1] != 0xD8 {
		return jpg
	}
	out := make([]byte, 0, len(jpg)+len(packet)+4)
	out = append(out, 0xFF, 0xD8, 0xFF, 0xE1)
	out = binary.BigEndian.AppendUint16(out, uint16(len(packet)+2))
	out = append(out, packet...)
	return append(out, jpg[2:]...)
}

const (
	// maxChunks bounds how many PNG chunks are looked at.
	maxChunks = 200
	// maxTextChunk bounds one text chunk.
	maxTextChunk = 64 << 10
)

// PNGText returns the tEXt and plain iTXt chunks of a PNG by keyword, within bounds; nothing for any other file.
// Midjourney writes its job id and prompt there, where general readers of metadata do not look.
func PNGText(data []byte) map[string]string {
	if !bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")) {
		return nil
	}
	out := map[string]string{}
	data = data[8:]
	for range maxChunks {
		if len(data) < 12 {
			break
		}
		n := binary.BigEndian.Uint32(data)
		if uint64(n)+12 > uint64(len(data)) {
			break
		}
		kind, body := string(data[4:8]), data[8:8+n]
		data = data[12+n:]
		if kind == "IEND" {
			break
		}
		if n > maxTextChunk || kind != "tEXt" && kind != "iTXt" {
			continue
		}
		key, rest, ok := bytes.Cut(body, []byte{0})
		if !ok {
			continue
		}
		if kind == "iTXt" {
			if len(rest) < 2 || rest[0] != 0 { // compressed
				continue
			}
			parts := bytes.SplitN(rest[2:], []byte{0}, 3) // language, translated keyword, text
			if len(parts) != 3 {
				continue
			}
			rest = parts[2]
		}
		out[string(key)] = strings.ToValidUTF8(string(rest), "�")
	}
	return out
}
