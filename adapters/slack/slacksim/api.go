package slacksim

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// obj is a JSON object on its way out.
type obj = map[string]any

// method is one row of the Web API.
type method struct {
	run    func(*Server, *request) (obj, error)
	scope  string // one of these, separated by "|"; "" needs none
	token  string // "bot" (default), "app", "any" or "none"
	tier   int
	needed string // required arguments, separated by spaces
}

// request is one call with its arguments, however they were sent.
type request struct {
	name string
	args map[string]json.RawMessage
	form map[string]bool // arguments that came as text
	app  bool            // called with the app-level token
}

// apiError is an `ok: false` answer.
type apiError struct {
	code     string
	messages []string
	extra    obj
}

func (e *apiError) Error() string { return "slacksim: " + e.code }

func fail(code string, messages ...string) error { return &apiError{code: code, messages: messages} }

func (q *request) has(k string) bool {
	v, ok := q.args[k]
	return ok && string(v) != "null"
}

// str gives an argument as text.
func (q *request) str(k string) string {
	v := q.args[k]
	if q.form[k] {
		return string(v)
	}
	var s string
	if json.Unmarshal(v, &s) == nil {
		return s
	}
	if t := strings.TrimSpace(string(v)); t != "" && t != "null" {
		return t
	}
	return ""
}

// raw gives an argument as JSON; structured arguments may come as JSON inside a string.
func (q *request) raw(k string) json.RawMessage {
	if !q.has(k) {
		return nil
	}
	if q.form[k] {
		return q.args[k]
	}
	var s string
	if json.Unmarshal(q.args[k], &s) == nil {
		return json.RawMessage(s)
	}
	return q.args[k]
}

func (q *request) flag(k string, def bool) bool {
	switch strings.ToLower(q.str(k)) {
	case "":
		return def
	case "1", "true":
		return true
	}
	return false
}

func (q *request) num(k string, def int) int {
	n, err := strconv.Atoi(q.str(k))
	if err != nil {
		return def
	}
	return n
}

func (q *request) list(k string) []string {
	v := q.str(k)
	if strings.HasPrefix(strings.TrimSpace(v), "[") {
		var out []string
		if json.Unmarshal([]byte(v), &out) == nil {
			return out
		}
	}
	return strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' })
}

func readRequest(w http.ResponseWriter, r *http.Request) (*request, bool, error) {
	q := &request{name: r.PathValue("method"), args: map[string]json.RawMessage{}, form: map[string]bool{}}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	ct := r.Header.Get("Content-Type")
	put := func(values map[string][]string) {
		for k, v := range values {
			if len(v) > 0 {
				q.args[k], q.form[k] = json.RawMessage(v[0]), true
			}
		}
	}
	switch {
	case strings.HasPrefix(ct, "application/json"):
		put(r.URL.Query())
		body := map[string]json.RawMessage{}
		// SDKs send the content type with no body at all.
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil && !errors.Is(err, io.EOF) {
			return q, false, fail("invalid_json")
		}
		maps.Copy(q.args, body)
		for k := range body {
			delete(q.form, k)
		}
		return q, !strings.Contains(strings.ToLower(ct), "charset"), nil
	case strings.HasPrefix(ct, "multipart/form-data"):
		if err := r.ParseMultipartForm(maxBody); err != nil {
			return q, false, fail("invalid_form_data")
		}
	case ct == "" || strings.HasPrefix(ct, "application/x-www-form-urlencoded"):
		if err := r.ParseForm(); err != nil {
			return q, false, fail("invalid_form_data")
		}
	default:
		return q, false, fail("invalid_post_type")
	}
	put(r.Form)
	return q, false, nil
}

func bearer(r *http.Request) string {
	h := r.Header.Get("Authorization")
	if len(h) > 7 && strings.EqualFold(h[:7], "bearer ") {
		return strings.TrimSpace(h[7:])
	}
	return ""
}

func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	q, noCharset, err := readRequest(w, r)
	if err != nil {
		s.answer(w, q, http.StatusOK, nil, err)
		return
	}
	if id, secret, ok := r.BasicAuth(); ok {
		for k, v := range map[string]string{"client_id": id, "client_secret": secret} {
			if plain, err := url.QueryUnescape(v); err == nil {
				q.args[k], q.form[k] = json.RawMessage(plain), true
			}
		}
	}
	m := s.methods[q.name]
	if m == nil {
		s.answer(w, q, http.StatusOK, nil, &apiError{code: "unknown_method", extra: obj{"req_method": q.name}})
		return
	}
	tok := bearer(r)
	if tok == "" {
		tok = q.str("token")
	}
	delete(q.args, "token")

	s.mu.Lock()
	plan := s.faultsFor(q.name, q.str("channel"))
	wait, retry := plan.delay, plan.retryAfter
	s.mu.Unlock()
	if wait > 0 && !s.pauseFor(r, wait) {
		return
	}
	switch {
	case plan.dropBefore:
		s.note(q, 0, "dropped before")
		panic(http.ErrAbortHandler)
	case plan.errorBefore:
		s.note(q, http.StatusInternalServerError, "error_before")
		http.Error(w, "<html>Internal Server Error</html>", http.StatusInternalServerError)
		return
	case retry > 0:
		s.rateLimited(w, q, retry)
		return
	}

	s.mu.Lock()
	var out obj
	err = s.authorise(m, q, tok)
	if err == nil && plan.fails != "" {
		err = fail(plan.fails)
		if plan.fails == "missing_scope" {
			err = s.missingScope(m.scope)
		}
	}
	if err == nil {
		if after := s.limits.check(m, q.name, q.str("channel"), s.opt.Now()); after > 0 {
			s.mu.Unlock()
			s.rateLimited(w, q, after)
			return
		}
		out, err = m.run(s, q)
		if e := s.storeErr(); e != nil {
			s.opt.Log.Error("data file cannot be written", "error", e)
			err = fail("internal_error")
		}
	}
	w.Header().Set("X-OAuth-Scopes", strings.Join(s.scopes(), ","))
	if m.scope != "" {
		w.Header().Set("X-Accepted-OAuth-Scopes", strings.ReplaceAll(m.scope, "|", ","))
	}
	if err == nil && noCharset {
		out["warning"] = "missing_charset"
		meta, _ := out["response_metadata"].(obj)
		if meta == nil {
			meta = obj{}
			out["response_metadata"] = meta
		}
		meta["warnings"] = []string{"missing_charset"}
	}
	s.mu.Unlock()

	switch {
	case plan.dropAfter:
		s.note(q, 0, "dropped after")
		panic(http.ErrAbortHandler)
	case plan.errorAfter > 0:
		s.note(q, plan.errorAfter, "error_after")
		http.Error(w, "<html>Bad Gateway</html>", plan.errorAfter)
		return
	case plan.cut && err == nil:
		s.note(q, http.StatusOK, "undecodable")
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		io.WriteString(w, `{"ok":true,"file`)
		return
	case plan.undecodable && err == nil:
		makeUndecodable(out)
	}
	s.answer(w, q, http.StatusOK, out, err)
}

func (s *Server) pauseFor(r *http.Request, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
	case <-s.ctx.Done():
	}
	return false
}

func (s *Server) rateLimited(w http.ResponseWriter, q *request, after int) {
	w.Header().Set("Retry-After", strconv.Itoa(after))
	s.answer(w, q, http.StatusTooManyRequests, nil, fail("ratelimited"))
}

// authorise checks token, scope and required arguments, in Slack's order.
func (s *Server) authorise(m *method, q *request, tok string) error {
	if m.token == "none" {
		return requireArgs(m, q)
	}
	switch tok {
	case "":
		return fail("not_authed")
	case s.opt.AppToken:
		q.app = true
	default:
		if fault := s.tokenFault(tok); fault != "" {
			return fail(fault)
		}
	}
	if want := m.token; want != "any" && (want == "app") != q.app {
		return fail("not_allowed_token_type")
	}
	if !q.app && m.scope != "" && !s.granted(m.scope) {
		return s.missingScope(m.scope)
	}
	return requireArgs(m, q)
}

func requireArgs(m *method, q *request) error {
	var missing []string
	for _, k := range strings.Fields(m.needed) {
		if q.str(k) == "" {
			missing = append(missing, "[ERROR] missing required field: "+k)
		}
	}
	if missing != nil {
		return fail("invalid_arguments", missing...)
	}
	return nil
}

func (s *Server) missingScope(scope string) error {
	needed, _, _ := strings.Cut(scope, "|")
	return &apiError{code: "missing_scope", extra: obj{"needed": needed, "provided": strings.Join(s.scopes(), ",")}}
}

func (s *Server) granted(scope string) bool {
	have := s.scopes()
	for want := range strings.SplitSeq(scope, "|") {
		if slices.Contains(have, want) {
			return true
		}
	}
	return false
}

// scopes are those of the bot token.
func (s *Server) scopes() []string {
	if s.opt.Scopes != nil {
		return s.opt.Scopes
	}
	return allScopes()
}

func allScopes() []string {
	return []string{"app_mentions:read", "channels:history", "channels:join", "channels:read", "chat:write", "chat:write.customize", "chat:write.public",
		"commands", "emoji:read", "files:read", "files:write", "groups:history", "groups:read", "groups:write", "im:history", "im:read", "im:write", "metadata.message:read",
		"mpim:history", "mpim:read", "mpim:write", "reactions:read", "reactions:write", "team:read", "usergroups:read", "users:read", "users:read.email"}
}

func (s *Server) answer(w http.ResponseWriter, q *request, status int, out obj, err error) {
	code := ""
	if err != nil {
		var e *apiError
		if !errors.As(err, &e) {
			s.opt.Log.Error("method failed", "method", q.name, "error", err)
			e = &apiError{code: "internal_error"}
		}
		code = e.code
		out = obj{"ok": false, "error": e.code}
		maps.Copy(out, e.extra)
		if e.messages != nil {
			errs := make([]string, len(e.messages))
			for i, m := range e.messages {
				errs[i] = strings.TrimPrefix(m, "[ERROR] ")
			}
			out["errors"] = errs
			out["response_metadata"] = obj{"messages": e.messages}
		}
	} else {
		out["ok"] = true
	}
	s.note(q, status, code)
	writeJSON(w, status, out)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-Slack-Req-Id", randomHex(16))
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.Encode(v) // the client went away: nobody is left to tell
}

// page cuts one page out of a list by an opaque cursor.
func page[T any](q *request, items []T, def, top int) ([]T, string, error) {
	limit := q.num("limit", def)
	if limit <= 0 || limit > top {
		limit = top
	}
	start := 0
	if c := q.str("cursor"); c != "" {
		n, err := strconv.Atoi(strings.TrimPrefix(decodeCursor(c), "at:"))
		if err != nil || n < 0 || n > len(items) {
			return nil, "", fail("invalid_cursor")
		}
		start = n
	}
	end := min(start+limit, len(items))
	next := ""
	if end < len(items) {
		next = encodeCursor("at:" + strconv.Itoa(end))
	}
	return items[start:end], next, nil
}
