package discordsim

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Call is one REST call that was received. Tokens in it are masked.
type Call struct {
	Seq    uint64    `json:"seq"`
	At     time.Time `json:"at"`
	Method string    `json:"method"`
	// Path is below /api/vN, with query.
	Path    string `json:"path"`
	Version int    `json:"version"`
	Status  int    `json:"status"`
	Body    string `json:"body,omitempty"`
	// Files are the names of uploaded files.
	Files []string `json:"files,omitempty"`
}

const (
	maxCalls    = 2000
	maxCallBody = 16 << 10
)

type callLog struct {
	mu   sync.Mutex
	seq  uint64
	list []Call
}

func (s *Server) record(r *http.Request, c *call, status int) {
	k := Call{At: s.now(), Method: r.Method, Status: status}
	p := strings.TrimPrefix(r.URL.Path, "/api/")
	if v, rest, ok := strings.Cut(p, "/"); ok && strings.HasPrefix(v, "v") {
		k.Version, _ = strconv.Atoi(v[1:])
		p = rest
	}
	segs := strings.Split(p, "/")
	for i, seg := range segs {
		if len(seg) > 40 || c != nil && seg != "" && seg == c.p["token"] {
			segs[i] = "***"
		}
	}
	k.Path = "/" + strings.Join(segs, "/")
	if r.URL.RawQuery != "" {
		k.Path += "?" + r.URL.RawQuery
	}
	if c != nil {
		raw := c.raw
		if len(raw) > maxCallBody {
			raw = raw[:maxCallBody]
		}
		k.Body = strings.ReplaceAll(string(raw), s.o.BotToken, "***")
		for _, f := range c.files {
			k.Files = append(k.Files, f.Name)
		}
	}
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	s.calls.seq++
	k.Seq = s.calls.seq
	if s.calls.list = append(s.calls.list, k); len(s.calls.list) > maxCalls {
		s.calls.list = append([]Call(nil), s.calls.list[len(s.calls.list)-maxCalls:]...)
	}
}

// Calls are the latest REST calls, at most 2000, whose path begins with the prefix.
func (s *Server) Calls(prefix string) []Call {
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	var out []Call
	for _, c := range s.calls.list {
		if strings.HasPrefix(c.Path, prefix) {
			out = append(out, c)
		}
	}
	return out
}

func (s *Server) routes() *router {
	rt := &router{}
	s.guildRoutes(rt)
	s.messageRoutes(rt)
	s.reactionRoutes(rt)
	s.threadRoutes(rt)
	s.webhookRoutes(rt)
	s.interactionRoutes(rt)
	s.commandRoutes(rt)
	return rt
}

func (s *Server) mux() http.Handler {
	control := http.NewServeMux()
	control.HandleFunc("POST /control/act", s.controlAct)
	control.HandleFunc("POST /control/upload", s.controlUpload)
	control.HandleFunc("GET /control/state", s.controlState)
	control.HandleFunc("GET /control/events", s.controlEvents)
	control.HandleFunc("GET /control/log", s.controlLog)
	control.HandleFunc("GET /control/file/{id}/{name}", func(w http.ResponseWriter, r *http.Request) {
		s.serveFile(w, r.PathValue("id"), r.PathValue("name"))
	})
	control.HandleFunc("POST /control/faults", s.controlFault)
	control.HandleFunc("DELETE /control/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.ClearFaults()
		w.WriteHeader(http.StatusNoContent)
	})
	control.HandleFunc("PUT /control/limits", func(w http.ResponseWriter, r *http.Request) {
		s.SetLimits(r.URL.Query().Get("on") != "false")
		w.WriteHeader(http.StatusNoContent)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch p := r.URL.Path; {
		case strings.HasPrefix(p, "/api/"):
			s.serveREST(w, r)
		case p == "/gateway" || p == "/gateway/":
			s.serveGateway(w, r)
		case strings.HasPrefix(p, "/cdn/"):
			s.serveCDN(w, r)
		case strings.HasPrefix(p, "/control/"):
			if !s.trusted(r) {
				http.Error(w, "this control is for local use", http.StatusForbidden)
				return
			}
			control.ServeHTTP(w, r)
		default:
			http.NotFound(w, r)
		}
	})
}

// trusted is the guard against DNS rebinding and pages of other origins: the controls have no password.
func (s *Server) trusted(r *http.Request) bool {
	if !s.localName(r.Host) {
		return false
	}
	if o := r.Header.Get("Origin"); o != "" {
		u, err := url.Parse(o)
		return err == nil && s.localName(u.Host)
	}
	return true
}

func (s *Server) localName(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if host == "localhost" || strings.EqualFold(host, s.base.Hostname()) {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (s *Server) controlDo(w http.ResponseWriter, r *http.Request, a Action) {
	res, err := s.Act(r.Context(), a)
	if err != nil {
		var e *apiError
		switch {
		case errors.As(err, &e):
			reply(w, e.Status, e.body())
		case errors.Is(err, ErrAction):
			reply(w, http.StatusUnprocessableEntity, obj{"message": err.Error(), "code": 0})
		default:
			reply(w, http.StatusInternalServerError, obj{"message": err.Error(), "code": 0})
		}
		return
	}
	reply(w, http.StatusOK, res)
}

func (s *Server) controlAct(w http.ResponseWriter, r *http.Request) {
	var a Action
	// Files travel inside as base64.
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 2*maxRequest)).Decode(&a); err != nil {
		reply(w, http.StatusBadRequest, obj{"message": err.Error()})
		return
	}
	s.controlDo(w, r, a)
}

// controlUpload takes a part "action" with JSON, and files whose part name is the field that they belong to ("file" for none).
func (s *Server) controlUpload(w http.ResponseWriter, r *http.Request) {
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		reply(w, http.StatusBadRequest, obj{"message": err.Error()})
		return
	}
	mr := multipart.NewReader(http.MaxBytesReader(w, r.Body, 4*maxRequest), params["boundary"])
	var a Action
	var files []FileUpload
	for {
		part, err := mr.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		var b []byte
		if err == nil {
			b, err = io.ReadAll(part)
		}
		if err == nil && part.FileName() == "" && part.FormName() == "action" {
			err = json.Unmarshal(b, &a)
		}
		if err != nil {
			reply(w, http.StatusBadRequest, obj{"message": err.Error()})
			return
		}
		if part.FileName() != "" {
			f := FileUpload{Name: part.FileName(), Data: b}
			if n := part.FormName(); n != "file" && !strings.HasPrefix(n, "files[") {
				f.Field = n
			}
			files = append(files, f)
		}
	}
	a.Files = append(a.Files, files...)
	s.controlDo(w, r, a)
}

func (s *Server) controlState(w http.ResponseWriter, r *http.Request) {
	limit := 200
	if n, err := strconv.Atoi(r.URL.Query().Get("limit")); err == nil && n > 0 {
		limit = n
	}
	reply(w, http.StatusOK, s.Snapshot(r.URL.Query().Get("as"), limit))
}

// controlEvents tells of changes; several within a moment come as one.
func (s *Server) controlEvents(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	rc := http.NewResponseController(w)
	var sent uint64
	first := true
	for {
		s.mu.Lock()
		rev, changed := s.revision, s.changed
		s.mu.Unlock()
		if first || rev != sent {
			first, sent = false, rev
			n := strconv.FormatUint(rev, 10)
			if _, err := io.WriteString(w, "id: "+n+"\nevent: change\ndata: {\"revision\":"+n+"}\n\n"); err != nil || rc.Flush() != nil {
				return
			}
		}
		select {
		case <-changed:
		case <-time.After(15 * time.Second):
			if _, err := io.WriteString(w, ": still here\n\n"); err != nil || rc.Flush() != nil {
				return
			}
			continue
		case <-r.Context().Done():
			return
		case <-s.ctx.Done():
			return
		}
		select {
		case <-time.After(25 * time.Millisecond):
		case <-r.Context().Done():
			return
		}
	}
}

func (s *Server) controlLog(w http.ResponseWriter, r *http.Request) {
	since, _ := strconv.ParseUint(r.URL.Query().Get("since"), 10, 64)
	out := []Call{}
	for _, c := range s.Calls("") {
		if c.Seq > since {
			out = append(out, c)
		}
	}
	reply(w, http.StatusOK, out)
}

func (s *Server) controlFault(w http.ResponseWriter, r *http.Request) {
	var f Fault
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&f); err != nil {
		reply(w, http.StatusBadRequest, obj{"message": err.Error()})
		return
	}
	if err := s.Fault(f); err != nil {
		var e *apiError
		if errors.As(err, &e) {
			reply(w, e.Status, e.body())
			return
		}
		reply(w, http.StatusInternalServerError, obj{"message": err.Error()})
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
