// Package web serves the pages that people open from a chat: where they enter a key, and where a provider sends them
// back to. A page works once, says whose account it links, and never shows a key.
package web

import (
	"embed"
	"html/template"
	"log/slog"
	"net/http"
	"strings"

	"github.com/atelier-bridge/atelier/core"
)

//go:embed page.html
var files embed.FS

// Accounts serves the pages on which people link their accounts.
type Accounts struct {
	linking core.Linking
	tr      core.Translator
	log     *slog.Logger
	page    *template.Template
}

// NewAccounts returns the pages, in the language of whoever opens them; without a translator they are in English. It panics only on a mistake in the template, which a test would find first.
func NewAccounts(l core.Linking, tr core.Translator, log *slog.Logger) *Accounts {
	return &Accounts{linking: l, tr: tr, log: log, page: template.Must(template.ParseFS(files, "page.html"))}
}

// Handler serves /account/TOKEN and /oauth/PROVIDER/TOKEN.
func (a *Accounts) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /account/{token}", a.show)
	mux.HandleFunc("POST /account/{token}", a.enter)
	mux.HandleFunc("GET /oauth/{provider}/{token}", a.returned)
	mux.HandleFunc("POST /oauth/{provider}/{token}", a.exchange)
	return guard(mux)
}

const (
	maxForm  = 4 << 10
	maxToken = 64
	maxCode  = 512
)

// guard sets what keeps a page with a key to itself: no script, no frame, no cache, no referrer, and no form of another
// site.
func guard(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	return cross.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Robots-Tag", "noindex")
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r)
	}))
}

// view is what the page shows.
type view struct {
	core.Lang
	Tag      string // of the language, for screen readers
	Title    string
	Provider string
	Person   string
	Where    string
	Rules    []string
	Code     string
	Key      bool // ask for a key
	Confirm  bool // ask for a yes
	Done     string
	Error    string
}

// lang is the language of a browser. A page is opened by whoever follows a link; whose it was meant to be may speak another.
func (a *Accounts) lang(r *http.Request) core.Lang {
	return core.Lang{Translator: a.tr, Locale: core.Locale(r.Header.Get("Accept-Language"))}
}

func (a *Accounts) viewOf(r *http.Request, p core.LinkPage) view {
	name, l := p.Provider.Title(), a.lang(r)
	v := view{Lang: l, Title: l.T("Link %s", name), Provider: name, Person: p.Person, Where: p.Identity.Platform().Title()}
	for _, rule := range p.Terms.Rules {
		v.Rules = append(v.Rules, l.T(rule))
	}
	return v
}

func (a *Accounts) render(w http.ResponseWriter, r *http.Request, status int, v view) {
	v.Lang = a.lang(r)
	v.Tag = strings.TrimPrefix(v.T("lang:en"), "lang:")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Vary", "Accept-Language")
	w.WriteHeader(status)
	if err := a.page.Execute(w, v); err != nil {
		a.log.InfoContext(r.Context(), "page not sent", "error", err)
	}
}

// status is the HTTP form of an error's code.
func status(err error) int {
	switch core.ErrorCode(err) {
	case core.CodeNotFound:
		return http.StatusGone
	case core.CodeInvalid, core.CodeForbidden, core.CodeConflict:
		return http.StatusUnprocessableEntity
	case core.CodeRetry, core.CodeUnknown:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

func (a *Accounts) fail(w http.ResponseWriter, r *http.Request, v view, err error) {
	if s := status(err); s == http.StatusInternalServerError {
		a.log.ErrorContext(r.Context(), "account page failed", "error", err)
	}
	if v.Title == "" {
		v.Title = a.lang(r).T("Link an account")
	}
	v.Error = a.lang(r).Error(err)
	a.render(w, r, status(err), v)
}

func token(r *http.Request) string {
	if t := r.PathValue("token"); len(t) <= maxToken {
		return t
	}
	return ""
}

func (a *Accounts) show(w http.ResponseWriter, r *http.Request) {
	p, err := a.linking.Page(r.Context(), token(r))
	if err != nil {
		a.fail(w, r, view{}, err)
		return
	}
	v := a.viewOf(r, p)
	v.Key = true
	a.render(w, r, http.StatusOK, v)
}

func (a *Accounts) enter(w http.ResponseWriter, r *http.Request) {
	p, err := a.linking.Page(r.Context(), token(r))
	if err != nil {
		a.fail(w, r, view{}, err)
		return
	}
	v := a.viewOf(r, p)
	if err := r.ParseForm(); err != nil {
		a.fail(w, r, v, core.Errorf(core.CodeInvalid, "That was too much.").WithNext("Paste only the key.").Because(err))
		return
	}
	rec, err := a.linking.Enter(r.Context(), token(r), core.NewSecret(r.PostForm.Get("key")))
	if err != nil {
		v.Key = core.ErrorCode(err) != core.CodeNotFound
		a.fail(w, r, v, err)
		return
	}
	a.done(w, r, v, rec)
}

func (a *Accounts) done(w http.ResponseWriter, r *http.Request, v view, rec *core.AccountRecord) {
	l := a.lang(r)
	parts := []string{l.T("its key ends in %s", rec.Last4)}
	for _, f := range []string{rec.Facts.Scope, rec.Facts.Plan, rec.Facts.Balance} {
		if f != "" {
			parts = append(parts, l.T(f))
		}
	}
	v.Done = l.T("Linked: %s. You can close this page.", strings.Join(parts, ", "))
	a.render(w, r, http.StatusOK, v)
}

// returned asks for a yes before a code is traded: whoever was lured here sees for whom it would be.
func (a *Accounts) returned(w http.ResponseWriter, r *http.Request) {
	p, err := a.linking.Returned(r.Context(), token(r))
	if err != nil {
		a.fail(w, r, view{}, err)
		return
	}
	v := a.viewOf(r, p)
	code := r.URL.Query().Get("code")
	if code == "" || len(code) > maxCode || string(p.Provider) != r.PathValue("provider") {
		a.fail(w, r, v, core.Errorf(core.CodeInvalid, "%s did not send a code.", v.Provider).WithNext("Ask for another link in the chat."))
		return
	}
	v.Code, v.Confirm = code, true
	a.render(w, r, http.StatusOK, v)
}

func (a *Accounts) exchange(w http.ResponseWriter, r *http.Request) {
	p, err := a.linking.Returned(r.Context(), token(r))
	if err != nil {
		a.fail(w, r, view{}, err)
		return
	}
	v := a.viewOf(r, p)
	if err := r.ParseForm(); err != nil {
		a.fail(w, r, v, core.Errorf(core.CodeInvalid, "That cannot be read.").Because(err))
		return
	}
	rec, err := a.linking.Exchange(r.Context(), token(r), r.PostForm.Get("code"))
	if err != nil {
		a.fail(w, r, v, err)
		return
	}
	a.done(w, r, v, rec)
}
