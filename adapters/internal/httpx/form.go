package httpx

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/textproto"

	"github.com/atelier-bridge/atelier/core"
)

// Form builds a multipart body in memory; what goes in is bounded by whoever read it.
type Form struct {
	buf bytes.Buffer
	w   *multipart.Writer
	err error
}

// NewForm returns an empty form.
func NewForm() *Form {
	f := &Form{}
	f.w = multipart.NewWriter(&f.buf)
	return f
}

// Field adds a text field; an empty value is left out.
func (f *Form) Field(name, value string) {
	if f.err == nil && value != "" {
		f.err = f.w.WriteField(name, value)
	}
}

// File adds a file. Names are ours, never a person's.
func (f *Form) File(field, name, mime string, data []byte) {
	if f.err != nil {
		return
	}
	h := textproto.MIMEHeader{}
	h.Set("Content-Disposition", `form-data; name="`+field+`"; filename="`+name+`"`)
	h.Set("Content-Type", mime)
	part, err := f.w.CreatePart(h)
	if err == nil {
		_, err = part.Write(data)
	}
	f.err = err
}

// Body ends the form and returns it with its content type.
func (f *Form) Body() (body []byte, contentType string, err error) {
	if f.err == nil {
		f.err = f.w.Close()
	}
	if f.err != nil {
		return nil, "", core.Wrap(core.CodeInternal, f.err)
	}
	return f.buf.Bytes(), f.w.FormDataContentType(), nil
}

// Marshal writes a JSON body.
func Marshal(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, core.Wrap(core.CodeInternal, err)
	}
	return b, nil
}
