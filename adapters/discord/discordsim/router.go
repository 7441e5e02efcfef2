package discordsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxRequest = 25 << 20
	maxFile    = 10 << 20
	maxJSON    = 2 << 20
)

// upload is one files[n] part.
type upload struct {
	Index int
	Name  string
	Data  []byte
}

// fields is a JSON body that still knows which fields were given at all.
type fields map[string]json.RawMessage

func (f fields) has(k string) bool { _, ok := f[k]; return ok }

func (f fields) null(k string) bool { v, ok := f[k]; return ok && string(bytes.TrimSpace(v)) == "null" }

// get decodes one field; false when absent, null or of another type.
func (f fields) get(k string, into any) bool {
	v, ok := f[k]
	return ok && !f.null(k) && json.Unmarshal(v, into) == nil
}

func (f fields) str(k string) string {
	var v string
	f.get(k, &v)
	return v
}

// call is one REST request, its body already read.
type call struct {
	r       *http.Request
	p       map[string]string
	version int
	route   *route
	body    fields
	raw     []byte
	files   []upload
	// bot is set when the app's token came with the call.
	bot bool
}

func (c *call) query(k string) string { return c.r.URL.Query().Get(k) }

type handler func(t *tx, c *call) (int, any, error)

type route struct {
	method string
	segs   []string
	open   bool
	h      handler
}

func (r *route) pattern() string { return "/" + strings.Join(r.segs, "/") }

type router struct{ routes []*route }

// add registers a route; segments that begin with a colon are parameters. Open routes need no app token.
func (rt *router) add(spec string, h handler) { rt.put(spec, h, false) }

func (rt *router) open(spec string, h handler) { rt.put(spec, h, true) }

func (rt *router) put(spec string, h handler, open bool) {
	method, p, _ := strings.Cut(spec, " ")
	rt.routes = append(rt.routes, &route{method: method, segs: strings.Split(strings.Trim(p, "/"), "/"), h: h, open: open})
}

// find picks the route with the most literal segments. A path known under other methods only reports known.
func (rt *router) find(method string, segs []string) (best *route, params map[string]string, known bool) {
	bestScore := -1
	for _, r := range rt.routes {
		if len(r.segs) != len(segs) {
			continue
		}
		score, ok := 0, true
		p := map[string]string{}
		for i, seg := range r.segs {
			switch {
			case strings.HasPrefix(seg, ":"):
				p[seg[1:]] = segs[i]
			case seg == segs[i]:
				score++
			default:
				ok = false
			}
			if !ok {
				break
			}
		}
		if !ok {
			continue
		}
		known = true
		if r.method == method && score > bestScore {
			best, params, bestScore = r, p, score
		}
	}
	return best, params, known
}

// serveREST answers everything under /api.
func (s *Server) serveREST(w http.ResponseWriter, r *http.Request) {
	rest := strings.TrimPrefix(r.URL.EscapedPath(), "/api/")
	version := 6
	if v, after, ok := strings.Cut(rest, "/"); ok && len(v) >= 2 && v[0] == 'v' {
		n, err := strconv.Atoi(v[1:])
		if err == nil {
			version, rest = n, after
		}
	}
	if version < 6 || version > 10 {
		s.answer(w, r, nil, http.StatusBadRequest, obj{"message": "Invalid API version", "code": 50041})
		return
	}
	segs := strings.Split(strings.Trim(rest, "/"), "/")
	for i := range segs {
		if v, err := url.PathUnescape(segs[i]); err == nil {
			segs[i] = v
		}
	}
	path := "/" + strings.Join(segs, "/")
	rt, params, known := s.rest.find(r.Method, segs)
	if rt == nil {
		e := errNotFound()
		if known {
			e = errMethod()
		}
		s.answer(w, r, nil, e.Status, e.body())
		return
	}
	c := &call{r: r, p: params, version: version, route: rt}
	if e := s.authorize(c); e != nil {
		s.answer(w, r, c, e.Status, e.body())
		return
	}
	if retry, scope := s.limits.take(s, c); retry > 0 {
		s.answer429(w, r, c, retry, scope)
		return
	}
	if err := readBody(c, w); err != nil {
		s.answerErr(w, r, c, err)
		return
	}
	f := s.restFault(r.Method, path, params)
	if f != nil && f.before(s, w, r, c) {
		return
	}
	var status int
	var body any
	err := s.update(func(t *tx) error {
		var err error
		status, body, err = rt.h(t, c)
		return err
	})
	if errors.Is(err, errClosed) {
		cut(w)
		return
	}
	if f != nil && err == nil && f.after(s, w, r, c) {
		return
	}
	if err != nil {
		s.answerErr(w, r, c, err)
		return
	}
	s.answer(w, r, c, status, body)
}

// authorize checks the app token. A wrong token is refused even where none is needed, as on the real service.
func (s *Server) authorize(c *call) *apiError {
	auth := c.r.Header.Get("Authorization")
	s.mu.Lock()
	defer s.mu.Unlock()
	if auth == "Bot "+s.o.BotToken && !s.tokenReset {
		c.bot = true
		return nil
	}
	if c.route.open {
		return nil
	}
	return errUnauthorized()
}

func readBody(c *call, w http.ResponseWriter) error {
	c.body = fields{}
	if c.r.Method == http.MethodGet || c.r.Body == nil {
		return nil
	}
	body := http.MaxBytesReader(w, c.r.Body, maxRequest)
	ct, params, _ := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if ct == "multipart/form-data" {
		return readMultipart(c, multipart.NewReader(body, params["boundary"]))
	}
	b, err := io.ReadAll(body)
	if err != nil {
		return bodyErr(err)
	}
	if len(bytes.TrimSpace(b)) == 0 {
		return nil
	}
	if len(b) > maxJSON {
		return errTooLarge()
	}
	if ct != "application/json" {
		return invalid("CONTENT_TYPE_INVALID", `Expected "Content-Type" header to be one of {'application/json'}.`)
	}
	return c.setJSON(b)
}

func (c *call) setJSON(b []byte) error {
	c.raw = b
	if !json.Valid(b) {
		return fail(http.StatusBadRequest, 50109, "The request body contains invalid JSON.")
	}
	if bytes.TrimSpace(b)[0] == '{' {
		_ = json.Unmarshal(b, &c.body)
	}
	return nil
}

func bodyErr(err error) error {
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		return errTooLarge()
	}
	return fmt.Errorf("read request: %w", err)
}

// readMultipart takes payload_json, files[n], and the older plain fields.
func readMultipart(c *call, mr *multipart.Reader) error {
	plain := fields{}
	for {
		part, err := mr.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return bodyErr(err)
		}
		b, err := io.ReadAll(part)
		if err != nil {
			return bodyErr(err)
		}
		name := part.FormName()
		switch {
		case name == "payload_json":
			if err := c.setJSON(b); err != nil {
				return err
			}
		case part.FileName() != "":
			idx := len(c.files)
			if strings.HasPrefix(name, "files[") && strings.HasSuffix(name, "]") {
				if n, err := strconv.Atoi(name[6 : len(name)-1]); err == nil {
					idx = n
				}
			} else if n, err := strconv.Atoi(strings.TrimPrefix(name, "file")); err == nil {
				idx = n
			}
			if len(b) > maxFile {
				return errTooLarge()
			}
			c.files = append(c.files, upload{Index: idx, Name: part.FileName(), Data: b})
			if len(c.files) > 10 {
				return fail(http.StatusBadRequest, 30015, "Maximum number of attachments in a message reached (10)")
			}
		default:
			v, _ := json.Marshal(string(b))
			plain[name] = v
		}
	}
	slices.SortStableFunc(c.files, func(a, b upload) int { return a.Index - b.Index })
	for k, v := range plain {
		if !c.body.has(k) {
			c.body[k] = v
		}
	}
	return nil
}

func (s *Server) answerErr(w http.ResponseWriter, r *http.Request, c *call, err error) {
	var e *apiError
	if !errors.As(err, &e) {
		s.log.Error("simulator failed", "err", err)
		e = fail(http.StatusInternalServerError, 0, "500: Internal Server Error")
	}
	s.answer(w, r, c, e.Status, e.body())
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request, c *call, status int, body any) {
	h := w.Header()
	h.Set("Via", "1.1 google")
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	s.limits.headers(s, c, h)
	s.record(r, c, status)
	if body == nil || status == http.StatusNoContent {
		w.WriteHeader(status)
		return
	}
	h.Set("Content-Type", "application/json")
	b, err := json.Marshal(body)
	if err != nil {
		s.log.Error("simulator could not encode an answer", "err", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.WriteHeader(status)
	_, _ = w.Write(b)
}
