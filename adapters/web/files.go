package web

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

const (
	// filesAtOnce bounds the links that are served at the same time by one process.
	filesAtOnce = 32
	// stalled is how long somebody may take to receive a piece of a file before the connection is given up.
	stalled = time.Minute
	// busyFor is when to try again, in seconds, while as many as are allowed are being served.
	busyFor = "10"
)

// Files serves what links hand out, while it is being made. A link works until it expires, for whoever has it.
type Files struct {
	handouts core.Handouts
	pages    *Accounts
	slots    chan struct{}
	stopped  chan struct{}
	once     sync.Once
	log      *slog.Logger
}

// NewFiles returns the handler's owner. Pages for people are in the language of the browser.
func NewFiles(h core.Handouts, tr core.Translator, log *slog.Logger) *Files {
	return &Files{handouts: h, pages: NewAccounts(nil, tr, log), slots: make(chan struct{}, filesAtOnce), stopped: make(chan struct{}), log: log}
}

// Close ends what is being served: a link can be opened again.
func (f *Files) Close() { f.once.Do(func() { close(f.stopped) }) }

// Handler serves /files/TOKEN.
func (f *Files) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /files/{token}", f.serve)
	return guard(mux)
}

func (f *Files) serve(w http.ResponseWriter, r *http.Request) {
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	default:
		w.Header().Set("Retry-After", busyFor)
		f.fail(w, r, core.Errorf(core.CodeRetry, "Too many people are downloading at this moment.").WithNext("Please try again in some seconds."))
		return
	}
	h, err := f.handouts.Handout(r.Context(), token(r))
	if err != nil {
		f.fail(w, r, err)
		return
	}
	head := w.Header()
	head.Set("Content-Type", h.MIME)
	head.Set("Content-Disposition", disposition(h.Name))
	if h.Size > 0 {
		head.Set("Content-Length", strconv.FormatInt(h.Size, 10))
	}
	if r.Method == http.MethodHead {
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	go func() {
		select {
		case <-f.stopped:
			cancel()
		case <-ctx.Done():
		}
	}()
	out := &patient{ended: ctx.Done(), w: w, c: http.NewResponseController(w)}
	if err := h.Write(ctx, out); err != nil {
		// What was sent looks whole to nobody: the connection breaks before its end.
		f.log.InfoContext(ctx, "download not finished", "file", h.Name, "sent", out.sent, "error", err)
		if out.sent == 0 && ctx.Err() == nil {
			for _, name := range []string{"Content-Disposition", "Content-Length"} {
				head.Del(name)
			}
			f.fail(w, r, err)
			return
		}
		panic(http.ErrAbortHandler)
	}
}

// patient gives whoever receives the same time for each piece.
type patient struct {
	ended <-chan struct{}
	w     io.Writer
	c     *http.ResponseController
	sent  int64
}

// Write sends a piece.
func (p *patient) Write(b []byte) (int, error) {
	select {
	case <-p.ended:
		return 0, context.Canceled
	default:
	}
	if err := p.c.SetWriteDeadline(time.Now().Add(stalled)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	n, err := p.w.Write(b)
	p.sent += int64(n)
	return n, err
}

// disposition says that a file is to be kept, under its name.
func disposition(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == '/' || r == '\\' || r == '"' {
			return '-'
		}
		return r
	}, name)
	if d := mime.FormatMediaType("attachment", map[string]string{"filename": name}); d != "" {
		return d
	}
	return "attachment"
}

// fail says in plain words why there is nothing.
func (f *Files) fail(w http.ResponseWriter, r *http.Request, err error) {
	code := status(err)
	switch core.ErrorCode(err) {
	case core.CodeNotFound:
		code = http.StatusNotFound
	case core.CodeForbidden:
		code = http.StatusForbidden
	case core.CodeRetry:
		code = http.StatusServiceUnavailable
	}
	if code == http.StatusInternalServerError {
		f.log.ErrorContext(r.Context(), "download failed", "error", err)
	}
	l := f.pages.lang(r)
	f.pages.render(w, r, code, view{Title: l.T("Download"), Error: l.Error(err)})
}
