package slacksim

import (
	"crypto/subtle"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// grants is what the workspace gave to an app that it installs by OAuth. The server's lock guards it.
type grants struct {
	codes   map[string]grantCode
	tokens  map[string]time.Time // access tokens, until when they work; zero: for good
	revoked map[string]bool
	refresh string // the one that works, once
}

type grantCode struct {
	redirect string
	until    time.Time
}

const codeLife = 10 * time.Minute

// distributed reports whether the app is one that the workspace installs by itself.
func (s *Server) distributed() bool { return s.opt.ClientID != "" }

// Installed reports whether the workspace has the app now.
func (s *Server) Installed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.installed()
}

func (s *Server) installed() bool { return !s.distributed() || len(s.grants.tokens) > 0 }

// tokenFault is what Slack answers to a bot token; "" when it works.
func (s *Server) tokenFault(tok string) string {
	if !s.distributed() {
		if tok == s.opt.BotToken {
			return ""
		}
		return "invalid_auth"
	}
	until, known := s.grants.tokens[tok]
	switch {
	case s.grants.revoked[tok]:
		return "token_revoked"
	case !known:
		return "invalid_auth"
	case !until.IsZero() && !s.opt.Now().Before(until):
		return "token_expired"
	}
	return ""
}

// grant makes an access token, and a refresh token where tokens have a life.
func (s *Server) grant() obj {
	out := obj{"app_id": s.opt.AppID, "authed_user": obj{"id": s.opt.Users[0].ID}, "token_type": "bot", "bot_user_id": s.opt.BotUserID, "scope": strings.Join(s.scopes(), ","),
		"team": obj{"id": s.opt.Team.ID, "name": s.opt.Team.Name}, "enterprise": nil, "is_enterprise_install": false}
	token, until := "xoxb-"+randomHex(16), time.Time{}
	if life := s.opt.TokenLife; life > 0 {
		token, until = "xoxe."+token, s.opt.Now().Add(life)
		s.grants.refresh = "xoxe-1-" + randomHex(16)
		out["refresh_token"], out["expires_in"] = s.grants.refresh, int64(life/time.Second)
	}
	s.grants.tokens[token] = until
	out["access_token"] = token
	s.changed()
	return out
}

// oauthAccess is oauth.v2.access: a code or a refresh token for an access token.
func (s *Server) oauthAccess(q *request) (obj, error) {
	same := func(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
	switch {
	case !s.distributed() || q.str("client_id") != s.opt.ClientID:
		return nil, fail("invalid_client_id")
	case !same(q.str("client_secret"), s.opt.ClientSecret):
		return nil, fail("bad_client_secret")
	}
	switch q.str("grant_type") {
	case "refresh_token":
		if r := q.str("refresh_token"); r == "" || !same(r, s.grants.refresh) {
			return nil, fail("invalid_refresh_token")
		}
		return s.grant(), nil
	case "", "authorization_code":
	default:
		return nil, fail("invalid_grant_type")
	}
	c, ok := s.grants.codes[q.str("code")]
	delete(s.grants.codes, q.str("code"))
	switch {
	case !ok || !s.opt.Now().Before(c.until):
		return nil, fail("invalid_code")
	case c.redirect != q.str("redirect_uri"):
		return nil, fail("bad_redirect_uri")
	}
	return s.grant(), nil
}

// authRevoke is auth.revoke: the app gives its token back.
func (s *Server) authRevoke(q *request) (obj, error) {
	if q.flag("test", false) {
		return obj{"revoked": false}, nil
	}
	s.revokeAll()
	return obj{"revoked": true}, nil
}

func (s *Server) revokeAll() {
	for t := range s.grants.tokens {
		s.grants.revoked[t] = true
	}
	s.grants.tokens, s.grants.refresh = map[string]time.Time{}, ""
	s.changed()
}

// Uninstall is an admin of the workspace removing the app: its tokens are dead, and it is told so.
func (s *Server) Uninstall() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.distributed() || !s.installed() {
		return
	}
	s.emit("tokens_revoked", "uninstall", obj{"type": "tokens_revoked", "tokens": obj{"oauth": []string{}, "bot": []string{s.opt.BotUserID}}})
	s.emit("app_uninstalled", "uninstall", obj{"type": "app_uninstalled"})
	s.revokeAll()
}

const authorizePage = `<!doctype html>
<title>Install {{.App}}</title>
<h1>{{.App}} is requesting permission to access the {{.Team}} workspace</h1>
<form method="post">
<input type="hidden" name="redirect_uri" value="{{.Redirect}}">
<input type="hidden" name="state" value="{{.State}}">
<button name="decision" value="cancel">Cancel</button>
<button name="decision" value="allow">Allow</button>
</form>
`

func (s *Server) authorizeForm(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	to, err := url.Parse(q.Get("redirect_uri"))
	switch {
	case !s.distributed() || q.Get("client_id") != s.opt.ClientID:
		http.Error(w, "Invalid client_id parameter", http.StatusBadRequest)
	case err != nil || to.Host == "":
		http.Error(w, "redirect_uri did not match any configured URIs", http.StatusBadRequest)
	case q.Get("scope") == "":
		http.Error(w, "Invalid scope: no scopes were requested", http.StatusBadRequest)
	default:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = template.Must(template.New("authorize").Parse(authorizePage)).Execute(w, map[string]string{"App": s.opt.BotName, "Team": s.opt.Team.Name, "Redirect": to.String(), "State": q.Get("state")}) // the client may be gone
	}
}

// authorizeDecision is the person who presses Allow or Cancel.
func (s *Server) authorizeDecision(w http.ResponseWriter, r *http.Request) {
	to, err := url.Parse(r.PostFormValue("redirect_uri"))
	if err != nil || to.Host == "" || !s.distributed() {
		http.Error(w, "bad redirect_uri", http.StatusBadRequest)
		return
	}
	back := url.Values{"state": {r.PostFormValue("state")}}
	if r.PostFormValue("decision") == "allow" {
		code := randomHex(16)
		s.mu.Lock()
		s.grants.codes[code] = grantCode{redirect: to.String(), until: s.opt.Now().Add(codeLife)}
		s.mu.Unlock()
		back.Set("code", code)
	} else {
		back.Set("error", "access_denied")
	}
	to.RawQuery = back.Encode()
	http.Redirect(w, r, to.String(), http.StatusFound)
}
