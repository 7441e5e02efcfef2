package slacksim

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Together serves several workspaces as the one Slack that they are to apps: calls of the Web API go to the workspace
// that their token belongs to. Everything else goes to the first one; the others are mounted elsewhere on the same host,
// where their BaseURL says.
func Together(servers ...*Server) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at := servers[0]
		if strings.HasPrefix(r.URL.Path, "/api/") {
			token, err := tokenOf(w, r)
			if err != nil {
				http.Error(w, "unreadable", http.StatusBadRequest)
				return
			}
			for _, s := range servers {
				if s.owns(token) {
					at = s
				}
			}
		}
		at.ServeHTTP(w, r)
	})
}

// tokenOf reads a call's token from its header or its form, and leaves the body to be read again.
func tokenOf(w http.ResponseWriter, r *http.Request) (string, error) {
	if t := bearer(r); t != "" || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return t, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return "", err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, err := url.ParseQuery(string(body))
	return form.Get("token"), err
}

func (s *Server) owns(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return token != "" && (token == s.opt.AppToken || s.tokenFault(token) != "invalid_auth")
}
