package discord

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/atelier-bridge/atelier/core"
)

const (
	maxFile      = 10 << 20
	maxFiles     = 10
	maxUpload    = 24 << 20 // Discord takes 25 MiB per request, the JSON part included
	maxAlt       = 1024
	cdnHost      = "cdn.discordapp.com"
	mediaHost    = "media.discordapp.net"
	refSeparator = "/"
)

// upload is the files of one message.
type upload struct{ files []outFile }

// outFile is a file whose bytes are at hand.
type outFile struct {
	name string
	mime string
	alt  string
	blob core.BlobKey
	data []byte
}

// encode writes a multipart body. It is built in memory: Discord wants to know the length, and a body is bounded.
func (u *upload) encode(_ context.Context, payload any) ([]byte, string, error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	js, err := json.Marshal(payload)
	if err != nil {
		return nil, "", fmt.Errorf("encode message: %w", err)
	}
	h := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="payload_json"`}, "Content-Type": {"application/json"}}
	part, err := w.CreatePart(h)
	if err == nil {
		_, err = part.Write(js)
	}
	for i, f := range u.files {
		if err != nil {
			break
		}
		h := textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf(`form-data; name="files[%d]"; filename="%s"`, i, f.name)}, "Content-Type": {f.mime}}
		if part, err = w.CreatePart(h); err == nil {
			_, err = part.Write(f.data)
		}
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, "", fmt.Errorf("encode upload: %w", err)
	}
	return b.Bytes(), w.FormDataContentType(), nil
}

// attachmentRef is one entry of a message's attachments list: a new file by its index, or a kept one by its id.
type attachmentRef struct {
	ID          any    `json:"id"`
	Filename    string `json:"filename,omitempty"`
	Description string `json:"description,omitempty"`
}

// load reads files until a message is full. What does not fit is named in notes; it is not an error.
func load(ctx context.Context, d core.Delivery) (out []outFile, notes []string, err error) {
	total := 0
	for _, f := range d.Files {
		if len(out) == maxFiles {
			notes = append(notes, d.T("(%s is left out: a Discord message holds %d files)", f.Name, maxFiles))
			continue
		}
		if f.Size > maxFile {
			notes = append(notes, d.T("(%s is larger than the 10 MB that Discord takes)", f.Name))
			continue
		}
		data, err := readFile(ctx, f)
		if err != nil {
			return nil, nil, fmt.Errorf("open file: %w", err)
		}
		if len(data) > maxFile || total+len(data) > maxUpload {
			notes = append(notes, d.T("(%s is larger than what Discord takes in one message)", f.Name))
			continue
		}
		total += len(data)
		mime := f.MIME
		if mime == "" || strings.ContainsAny(mime, "\r\n") {
			mime = "application/octet-stream"
		}
		out = append(out, outFile{name: cleanFileName(f.Name), mime: mime, alt: clip(f.Alt, maxAlt), blob: f.Blob, data: data})
	}
	unique(out)
	return out, notes, nil
}

func readFile(ctx context.Context, f core.File) ([]byte, error) {
	r, err := f.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, core.Wrap(core.CodeRetry, err)
	}
	return data, nil
}

// unique numbers names that occur twice: an embed finds its picture by name.
func unique(files []outFile) {
	seen := map[string]bool{}
	for i := range files {
		name := files[i].name
		for n := 2; seen[name]; n++ {
			ext := path.Ext(files[i].name)
			name = strings.TrimSuffix(files[i].name, ext) + "-" + strconv.Itoa(n) + ext
		}
		seen[name] = true
		files[i].name = name
	}
}

// cleanFileName keeps to the signs that Discord keeps in file names, so that attachment:// links still match: letters and digits
// of any script, dots, dashes and underscores. Accents are written with their letters, as Discord has them.
func cleanFileName(name string) string {
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	s := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return '_'
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r), strings.ContainsRune(".-_", r):
			return r
		}
		return -1
	}, norm.NFC.String(strings.ToValidUTF8(name, "")))
	s = strings.TrimLeft(s, ".")
	if s == "" {
		s = "file"
	}
	// The end says of what kind it is.
	for len(s) > maxFileName {
		_, n := utf8.DecodeRuneInString(s)
		s = s[n:]
	}
	return s
}

// maxFileName is how many bytes a file's name has at most.
const maxFileName = 100

// fileRef describes a file for the journal. Its id says where it hangs, so that an expired link can be renewed.
func fileRef(channel, message string, a wireAttachment) core.FileRef {
	id := a.ID
	if message != "" {
		id = strings.Join([]string{channel, message, a.ID}, refSeparator)
	}
	f := core.FileRef{ID: id, Name: a.Filename, MIME: a.ContentType, Size: a.Size, Alt: a.Description, URL: a.URL}
	f.Alt, _ = core.MaskCredentials(f.Alt)
	if a.URL == "" {
		f.Skip = "Discord gave no link to it"
	}
	return f
}

// Fetch opens a file of a message. Links of Discord's CDN die after a day: then the message is asked for a new one.
func (a *Adapter) Fetch(ctx context.Context, _ core.RoomID, f core.FileRef) (io.ReadCloser, error) {
	if f.Skip != "" {
		return nil, core.Errorf(core.CodeNotFound, "%s cannot be fetched: %s.", f.Name, f.Skip)
	}
	body, err := a.download(ctx, f.URL)
	if code := core.ErrorCode(err); code != core.CodeGone && code != core.CodeForbidden {
		return body, err
	}
	fresh, err := a.renew(ctx, f)
	if err != nil {
		return nil, err
	}
	return a.download(ctx, fresh)
}

func (a *Adapter) download(ctx context.Context, link string) (io.ReadCloser, error) {
	u, err := url.Parse(link)
	if err != nil || !a.trustedFile(u) {
		return nil, core.Errorf(core.CodeForbidden, "That file does not lie on Discord.")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, core.Errorf(core.CodeInternal, "download request could not be built")
	}
	req.Header.Set("User-Agent", userAgent)
	res, err := a.files.Do(req)
	if err != nil {
		return nil, cut(ctx, err, true, repeatable)
	}
	if res.StatusCode == http.StatusOK {
		return res.Body, nil
	}
	_ = res.Body.Close()
	return nil, refused(&apiError{status: res.StatusCode, what: "file download"}, seconds(res.Header.Get("Retry-After")), false, repeatable)
}

// trustedFile admits Discord's own hosts and the origin that the operator set.
func (a *Adapter) trustedFile(u *url.URL) bool {
	if u.Scheme == a.api.Scheme && u.Host == a.api.Host {
		return true
	}
	return u.Scheme == "https" && (u.Host == cdnHost || u.Host == mediaHost)
}

// renew asks for a fresh link: of the message the file hangs on, else of the link itself.
func (a *Adapter) renew(ctx context.Context, f core.FileRef) (string, error) {
	if p := strings.Split(f.ID, refSeparator); len(p) == 3 && isSnowflake(p[0]) && isSnowflake(p[1]) {
		m, err := a.getMessage(ctx, p[0], p[1])
		if err == nil {
			for _, at := range m.allFiles() {
				if at.ID == p[2] {
					return at.URL, nil
				}
			}
		}
		if err != nil && core.ErrorCode(err) == core.CodeRetry {
			return "", err
		}
	}
	var out struct {
		Refreshed []struct {
			Refreshed string `json:"refreshed"`
		} `json:"refreshed_urls"`
	}
	c := call{method: http.MethodPost, route: "POST attachments/refresh-urls", path: "attachments/refresh-urls", body: map[string]any{"attachment_urls": []string{f.URL}}}
	if err := a.rest.do(ctx, c, &out); err != nil {
		return "", err
	}
	if len(out.Refreshed) == 0 || out.Refreshed[0].Refreshed == "" {
		return "", core.Errorf(core.CodeGone, "%s is no longer on Discord.", f.Name)
	}
	return out.Refreshed[0].Refreshed, nil
}

// attachmentID finds the id in a CDN link: /attachments/CHANNEL/ID/NAME.
func attachmentID(link string) (id, name string) {
	u, err := url.Parse(link)
	if err != nil {
		return "", ""
	}
	p := strings.Split(u.Path, "/")
	for i := range p {
		if (p[i] == "attachments" || p[i] == "ephemeral-attachments") && len(p) >= i+4 && isSnowflake(p[i+2]) {
			return p[i+2], p[i+3]
		}
	}
	return "", ""
}
