package slacksim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxCalls   = 5000
	maxArgText = 4096
)

// Call is one request to the Web API or a response URL.
type Call struct {
	Seq     int64     `json:"seq"`
	Time    time.Time `json:"time"`
	Method  string    `json:"method"`
	Channel string    `json:"channel,omitempty"`
	// Args hold everything but tokens, cut to a few kilobytes each.
	Args   map[string]string `json:"args,omitempty"`
	Status int               `json:"status"` // 0: the connection was cut
	Error  string            `json:"error,omitempty"`
}

// note writes a call into the log.
func (s *Server) note(q *request, status int, code string) {
	args := map[string]string{}
	for k := range q.args {
		if slices.Contains([]string{"token", "client_secret", "code", "refresh_token"}, k) {
			continue
		}
		v := q.str(k)
		if len(v) > maxArgText {
			v = strings.ToValidUTF8(v[:maxArgText], "") + "…"
		}
		if utf8.ValidString(v) {
			args[k] = v
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.callSeq++
	ch := args["channel"]
	if ch == "" {
		ch = args["channel_id"]
	}
	s.calls = append(s.calls, Call{Seq: s.callSeq, Time: s.opt.Now(), Method: q.name, Channel: ch, Args: args, Status: status, Error: code})
	if len(s.calls) > maxCalls {
		s.calls = slices.Delete(s.calls, 0, len(s.calls)-maxCalls)
	}
	// A call is no change of the workspace: waiters look again, pages need not.
	s.rouse()
}

// Calls returns the latest calls of a method, oldest first; "" means all methods.
func (s *Server) Calls(method string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Call
	for _, c := range s.calls {
		if method == "" || c.Method == method {
			out = append(out, c)
		}
	}
	return out
}

func (s *Server) controlRoutes() {
	for pattern, h := range map[string]http.HandlerFunc{
		"POST /control/act":      s.controlAct,
		"POST /control/upload":   s.controlUpload,
		"GET /control/state":     s.controlState,
		"GET /control/events":    s.controlEvents,
		"GET /control/log":       s.controlLog,
		"GET /control/file/{id}": s.controlFile,
		"GET /control/faults":    func(w http.ResponseWriter, r *http.Request) { writeJSON(w, http.StatusOK, s.Faults()) },
		"POST /control/faults":   s.controlFault,
		"DELETE /control/faults": func(w http.ResponseWriter, r *http.Request) {
			s.ClearFaults()
			writeJSON(w, http.StatusOK, obj{"ok": true})
		},
		"PUT /control/limits":     s.controlLimits,
		"PUT /control/commands":   s.controlCommands,
		"POST /control/verifyurl": s.controlVerify,
	} {
		s.mux.HandleFunc(pattern, s.guard(h))
	}
}

// readJSON reads a body of bounded size; a browser cannot send this content type across origins unasked.
func readJSON(w http.ResponseWriter, r *http.Request, limit int64, v any) bool {
	if ct := r.Header.Get("Content-Type"); !strings.HasPrefix(ct, "application/json") {
		writeJSON(w, http.StatusUnsupportedMediaType, obj{"ok": false, "error": "want application/json"})
		return false
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, limit)).Decode(v); err != nil {
		writeJSON(w, http.StatusBadRequest, obj{"ok": false, "error": err.Error()})
		return false
	}
	return true
}

func (s *Server) controlAct(w http.ResponseWriter, r *http.Request) {
	var a Action
	if readJSON(w, r, s.opt.MaxFileBytes*2, &a) {
		s.actOver(w, r, a)
	}
}

func (s *Server) actOver(w http.ResponseWriter, r *http.Request, a Action) {
	res, err := s.Act(r.Context(), a)
	switch {
	case errors.Is(err, ErrAction):
		writeJSON(w, http.StatusBadRequest, obj{"ok": false, "error": err.Error()})
	case err != nil:
		writeJSON(w, http.StatusInternalServerError, obj{"ok": false, "error": err.Error()})
	default:
		writeJSON(w, http.StatusOK, res)
	}
}

func (s *Server) controlUpload(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, s.opt.MaxFileBytes+1<<20)
	if err := r.ParseMultipartForm(8 << 20); err != nil {
		writeJSON(w, http.StatusBadRequest, obj{"ok": false, "error": err.Error()})
		return
	}
	defer r.MultipartForm.RemoveAll()
	a := Action{As: r.FormValue("as"), Do: "say", Channel: r.FormValue("channel"), ThreadTS: r.FormValue("thread_ts"), Text: r.FormValue("text"), Broadcast: r.FormValue("broadcast") == "true"}
	if v := r.FormValue("view_id"); v != "" {
		a.Do, a.ViewID = "submit", v
	}
	for _, headers := range r.MultipartForm.File {
		for _, h := range headers {
			f, err := h.Open()
			if err != nil {
				writeJSON(w, http.StatusBadRequest, obj{"ok": false, "error": err.Error()})
				return
			}
			data, err := io.ReadAll(f)
			f.Close()
			if err != nil {
				writeJSON(w, http.StatusBadRequest, obj{"ok": false, "error": err.Error()})
				return
			}
			a.Files = append(a.Files, FileUpload{Name: h.Filename, MIME: h.Header.Get("Content-Type"), Data: data})
		}
	}
	s.actOver(w, r, a)
}

// controlState gives a person's snapshot; reload=1 says that the page was loaded anew.
func (s *Server) controlState(w http.ResponseWriter, r *http.Request) {
	as := r.URL.Query().Get("as")
	if r.URL.Query().Get("reload") == "1" && as != "" {
		s.Reload(as)
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, s.Snapshot(as))
}

// controlEvents is a stream of "change" events that carry the revision; many changes at once make one event.
func (s *Server) controlEvents(w http.ResponseWriter, r *http.Request) {
	rc := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	last := int64(-1)
	beat := time.NewTicker(15 * time.Second)
	defer beat.Stop()
	for {
		s.mu.Lock()
		rev, wake := s.revision, s.wake
		s.mu.Unlock()
		if rev != last {
			last = rev
			if _, err := fmt.Fprintf(w, "event: change\nid: %d\ndata: {\"revision\":%d}\n\n", rev, rev); err != nil || rc.Flush() != nil {
				return
			}
			if !s.pauseFor(r, 40*time.Millisecond) {
				return
			}
			continue
		}
		select {
		case <-wake:
		case <-beat.C:
			if _, err := io.WriteString(w, ": still here\n\n"); err != nil || rc.Flush() != nil {
				return
			}
		case <-r.Context().Done():
			return
		case <-s.ctx.Done():
			return
		}
	}
}

func (s *Server) controlLog(w http.ResponseWriter, r *http.Request) {
	since, _ := strconv.ParseInt(r.URL.Query().Get("since"), 10, 64) // an unreadable number means from the start
	out := []Call{}
	for _, c := range s.Calls(r.URL.Query().Get("method")) {
		if c.Seq > since {
			out = append(out, c)
		}
	}
	writeJSON(w, http.StatusOK, out)
}

func (s *Server) controlFile(w http.ResponseWriter, r *http.Request) {
	f, data, ok := s.FileData(r.PathValue("id"))
	if !ok || data == nil {
		http.NotFound(w, r)
		return
	}
	sendFile(w, r, &f, data, r.URL.Query().Get("download") == "1")
}

func (s *Server) controlFault(w http.ResponseWriter, r *http.Request) {
	var f Fault
	if !readJSON(w, r, 64<<10, &f) {
		return
	}
	if err := s.Fault(f); err != nil {
		writeJSON(w, http.StatusBadRequest, obj{"ok": false, "error": "unknown_fault", "kinds": FaultKinds()})
		return
	}
	writeJSON(w, http.StatusOK, obj{"ok": true})
}

func (s *Server) controlLimits(w http.ResponseWriter, r *http.Request) {
	var l Limits
	if readJSON(w, r, 64<<10, &l) {
		s.SetLimits(l)
		writeJSON(w, http.StatusOK, obj{"ok": true})
	}
}

func (s *Server) controlCommands(w http.ResponseWriter, r *http.Request) {
	var c []Command
	if readJSON(w, r, 64<<10, &c) {
		s.SetCommands(c)
		writeJSON(w, http.StatusOK, obj{"ok": true})
	}
}

func (s *Server) controlVerify(w http.ResponseWriter, r *http.Request) {
	if err := s.VerifyURL(r.Context()); err != nil {
		writeJSON(w, http.StatusOK, obj{"ok": false, "error": err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, obj{"ok": true})
}
