package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"os"

	"github.com/rogpeppe/go-internal/testscript"
)

// withText puts a tEXt chunk behind a PNG's header.
func withText(png []byte, key, text string) []byte {
	body := append([]byte("tEXt"+key+"\x00"), text...)
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(body)-4))
	chunk = append(chunk, body...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(body))
	const header = 33 // signature and IHDR
	out := append([]byte{}, png[:header]...)
	return append(append(out, chunk...), png[header:]...)
}

// picture FILE [JOB-ID PROMPT] draws a PNG, with Midjourney's metadata if a job id is given.
func cmdPicture(ts *testscript.TestScript, _ bool, args []string) {
	img := image.NewRGBA(image.Rect(0, 0, 96, 64))
	for i := range 96 * 64 {
		img.SetRGBA(i%96, i/96, color.RGBA{uint8(i * len(args[0])), uint8(i / 96 * 4), uint8(i % 96 * 2), 255})
	}
	var buf bytes.Buffer
	ts.Check(png.Encode(&buf, img))
	data := buf.Bytes()
	if len(args) == 3 {
		data = withText(data, "Description", args[2]+" Job ID: "+args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o600))
}

func decodeFault[T any](data []byte) (T, error) {
	var f T
	return f, json.Unmarshal(data, &f)
}
