package slacksim

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

const (
	hookUses = 5
	hookLife = 30 * time.Minute
)

// hook is a response URL: five answers within half an hour.
type hook struct {
	ID      string `json:"id"`
	Secret  string `json:"secret"`
	User    string `json:"user"`
	Channel string `json:"channel"`
	Source  string `json:"source,omitempty"` // ts of the message that was acted on
	Uses    int    `json:"uses"`
	Expires int64  `json:"expires"`
}

// newHook makes a response URL. The server's lock is held.
func (s *Server) newHook(kind, user, channel, source string) string {
	now := s.opt.Now()
	for id, h := range s.st.hooks {
		if now.Unix() > h.Expires+int64(hookLife.Seconds()) {
			delete(s.st.hooks, id)
		}
	}
	h := &hook{ID: randomString(13), Secret: randomString(24), User: user, Channel: channel, Source: source, Expires: now.Add(hookLife).Unix()}
	s.st.hooks[h.ID] = h
	s.save("hook", h)
	return s.opt.BaseURL + "/hooks/" + kind + "/" + s.opt.Team.ID + "/" + h.ID + "/" + h.Secret
}

func (s *Server) serveResponseURL(w http.ResponseWriter, r *http.Request) {
	r.SetPathValue("method", "response_url")
	q, _, err := readRequest(w, r)
	if err == nil && q.form["payload"] {
		var body map[string]json.RawMessage
		if json.Unmarshal(q.args["payload"], &body) == nil {
			q.args, q.form = body, map[string]bool{}
		}
	}
	if err != nil {
		http.Error(w, "invalid_payload", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	p := s.faultsFor("response_url", "")
	s.mu.Unlock()
	if p.delay > 0 && !s.pauseFor(r, p.delay) {
		return
	}
	switch {
	case p.retryAfter > 0:
		s.rateLimited(w, q, p.retryAfter)
		return
	case p.errorBefore:
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	case p.dropBefore:
		panic(http.ErrAbortHandler)
	}
	s.mu.Lock()
	status, code := s.useHook(r.PathValue("id"), r.PathValue("secret"), q)
	s.mu.Unlock()
	s.note(q, status, code)
	switch {
	case p.dropAfter:
		panic(http.ErrAbortHandler)
	case p.errorAfter > 0:
		http.Error(w, "bad gateway", p.errorAfter)
		return
	}
	if code != "" {
		writeJSON(w, status, obj{"ok": false, "error": code})
		return
	}
	w.Header().Set("Content-Type", "text/html")
	w.Write([]byte("ok"))
}

func (s *Server) useHook(id, secret string, q *request) (int, string) {
	h := s.st.hooks[id]
	switch {
	case h == nil || h.Secret != secret:
		return http.StatusNotFound, "no_service"
	case s.opt.Now().Unix() > h.Expires:
		return http.StatusNotFound, "expired_url"
	case h.Uses >= hookUses:
		return http.StatusNotFound, "used_url"
	}
	if code := s.respond(h, q); code != "" {
		return http.StatusBadRequest, code
	}
	h.Uses++
	s.save("hook", h)
	if s.storeErr() != nil {
		return http.StatusInternalServerError, "internal_error"
	}
	return http.StatusOK, ""
}

// respond does what a response asks for: a note for one person, a message for all, or a change of the message that
// was acted on. An empty result is success.
func (s *Server) respond(h *hook, q *request) string {
	c := s.st.byID[h.Channel]
	if c == nil {
		return "channel_not_found"
	}
	note := s.st.findEphemeral(c.ID, h.Source)
	source := c.byTS[h.Source]
	if q.flag("delete_original", false) {
		switch {
		case note != nil:
			s.st.dropEphemeral(c.ID, note.TS)
			s.save("ephemeral_gone", goneRecord{Channel: c.ID, TS: note.TS})
		case source != nil && source.BotID == s.opt.BotID:
			s.erase(c, source)
		default:
			return "message_not_found"
		}
		return ""
	}
	in, err := s.readContent(q)
	if err != nil {
		if e, ok := err.(*apiError); ok {
			return e.code
		}
		return "invalid_payload"
	}
	if in.nothing() {
		return "no_text"
	}
	if q.flag("replace_original", false) {
		switch {
		case note != nil:
			s.replaceContent(note, in)
			note.Edited = nil
			s.save("ephemeral", note)
			return ""
		case source != nil && source.BotID == s.opt.BotID:
			before := s.render(source, s.metadataFor(source, nil))
			s.replaceContent(source, in)
			s.save("message", source)
			s.emitChanged(c, source, before)
			return ""
		}
	}
	if q.str("response_type") != "in_channel" {
		s.ephemeral(c, h.User, in, q.str("thread_ts"))
		return ""
	}
	m := s.botMessage(c)
	m.Text, m.Metadata = cutRunes(in.shownText(), maxPostText), in.metadata
	if !isEmptyJSON(in.blocks) {
		m.Blocks = in.blocks
	}
	if !isEmptyJSON(in.attachments) {
		m.Attachments = in.attachments
	}
	s.place(c, m, q.str("thread_ts"), false)
	return ""
}

// respondNow handles an answer inside an acknowledgement, JSON or plain text. The server's lock is held.
func (s *Server) respondNow(h *hook, r reply) string {
	q := &request{name: "acknowledgement", args: map[string]json.RawMessage{}, form: map[string]bool{}}
	switch {
	case r.text != "":
		q.args["text"], q.form["text"] = json.RawMessage(r.text), true
	case len(r.payload) == 0 || strings.TrimSpace(string(r.payload)) == "null":
		return ""
	default:
		if json.Unmarshal(r.payload, &q.args) != nil || len(q.args) == 0 {
			return ""
		}
	}
	return s.respond(h, q)
}
