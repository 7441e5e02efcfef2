package slacksim

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// maxBody bounds every request body that is not a file.
const maxBody = 4 << 20

// Server is one simulated workspace with one installed app. All methods are safe for concurrent use.
type Server struct {
	opt Options
	mux *http.ServeMux

	methods map[string]*method // fixed at New

	mu       sync.Mutex
	st       *state
	store    *store
	wake     chan struct{} // closed and replaced at each change
	revision int64
	calls    []Call
	callSeq  int64
	faults   []*Fault
	triggers map[string]*trigger
	limits   *limiter
	grants   grants

	hub   *hub
	out   *dispatcher
	ctx   context.Context
	stop  context.CancelFunc
	wg    sync.WaitGroup
	runMu sync.Mutex // orders goroutine starts before the wait of Close
	once  sync.Once
}

// New builds a workspace from the options and replays Options.DataFile if it exists. It does no network I/O.
func New(o Options) (*Server, error) {
	o.fill()
	s := &Server{opt: o, wake: make(chan struct{}), triggers: map[string]*trigger{}, methods: methodTable(), limits: newLimiter(o.Limits),
		grants: grants{codes: map[string]grantCode{}, tokens: map[string]time.Time{}, revoked: map[string]bool{}}}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.st = newState(&s.opt)
	s.hub = newHub(s)
	s.out = newDispatcher(s)
	if o.DataFile != "" {
		st, err := openStore(o.DataFile, s.st)
		if err != nil {
			s.stop()
			return nil, err
		}
		s.store = st
	}
	s.resumeFiles()
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("/api/{method}", s.serveAPI)
	s.mux.HandleFunc("GET /files/avatars/{name}", s.serveAvatar)
	s.mux.HandleFunc("POST /files/upload/v1/{ticket}", s.serveUpload)
	s.mux.HandleFunc("GET /files/pri/{id}/{name}", s.serveFile)
	s.mux.HandleFunc("GET /files/pri/{id}/download/{name}", s.serveFile)
	s.mux.HandleFunc("GET /link/{$}", s.hub.serve)
	s.mux.HandleFunc("GET /link", s.hub.serve)
	s.mux.HandleFunc("POST /hooks/{kind}/{team}/{id}/{secret}", s.serveResponseURL)
	s.mux.HandleFunc("GET /oauth/v2/authorize", s.authorizeForm)
	s.mux.HandleFunc("POST /oauth/v2/authorize", s.authorizeDecision)
	s.controlRoutes()
	return s, nil
}

// ServeHTTP serves the workspace at its root; whoever mounts it elsewhere strips the prefix and says so in BaseURL.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Close ends every connection and pending delivery and closes the data file. It is safe to call twice.
func (s *Server) Close() error {
	var err error
	s.once.Do(func() {
		s.runMu.Lock()
		s.stop()
		s.runMu.Unlock()
		s.hub.closeAll()
		s.wg.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.store != nil {
			err = s.store.close()
		}
	})
	return err
}

// SetBaseURL says where the handler is mounted, for callers who learn it only after New.
func (s *Server) SetBaseURL(u string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opt.BaseURL = strings.TrimRight(u, "/")
}

// SetRequestURLs changes where signed requests go; an empty one moves that traffic to Socket Mode.
func (s *Server) SetRequestURLs(events, commands, interactions string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opt.EventsURL, s.opt.CommandsURL, s.opt.InteractionsURL = events, commands, interactions
}

// SetCommands replaces the registered slash commands.
func (s *Server) SetCommands(cs []Command) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opt.Commands = append([]Command(nil), cs...)
	s.changed()
}

// SetShortcuts replaces the registered message shortcuts.
func (s *Server) SetShortcuts(sc []Shortcut) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opt.Shortcuts = append([]Shortcut(nil), sc...)
	s.changed()
}

// SetLimits switches Slack's own rate limits on or off.
func (s *Server) SetLimits(l Limits) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits = newLimiter(l)
}

// SetScopes changes what the bot token may do; nil grants everything.
func (s *Server) SetScopes(scopes []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opt.Scopes = scopes
}

// APIURL is what an SDK wants as its API root; it ends in a slash.
func (s *Server) APIURL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opt.BaseURL + "/api/"
}

// changed wakes everybody who waits for a new state. The caller holds the lock.
func (s *Server) changed() {
	s.revision++
	s.rouse()
}

// rouse makes the waiters look again. The caller holds the lock.
func (s *Server) rouse() {
	close(s.wake)
	s.wake = make(chan struct{})
}

// errData answers when a change could not be written down: it must not look accepted.
var errData = errors.New("slacksim: data file cannot be written")

// save writes an entity to the data file and wakes the waiters. The caller holds the lock.
func (s *Server) save(kind string, v any) {
	if s.store != nil {
		s.store.append(kind, v)
	}
	s.changed()
}

// storeErr is the first failure to write, if any. The caller holds the lock.
func (s *Server) storeErr() error {
	if s.store == nil {
		return nil
	}
	return s.store.err
}

// later runs f with the lock held after d, unless the server closes first. The caller holds the lock.
func (s *Server) later(d time.Duration, f func()) {
	if d <= 0 {
		f()
		return
	}
	s.goRun(func() {
		if !s.pause(d) {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		f()
	})
}

// pause waits for d and reports whether the server is still open.
func (s *Server) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return s.ctx.Err() == nil
	case <-s.ctx.Done():
		return false
	}
}

// goRun starts a goroutine that Close waits for; after Close it does nothing.
func (s *Server) goRun(f func()) {
	s.runMu.Lock()
	defer s.runMu.Unlock()
	if s.ctx.Err() == nil {
		s.wg.Go(f)
	}
}

// allowedHost guards the control port against pages of other origins and against DNS rebinding.
func (s *Server) allowedHost(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
		return true
	}
	s.mu.Lock()
	base, extra := s.opt.BaseURL, s.opt.AllowedHosts
	s.mu.Unlock()
	if u, err := url.Parse(base); err == nil && u.Hostname() != "" && strings.EqualFold(u.Hostname(), host) {
		return true
	}
	for _, h := range extra {
		if strings.EqualFold(h, host) {
			return true
		}
	}
	return false
}

func (s *Server) guard(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.allowedHost(r.Host) {
			http.Error(w, "foreign Host header", http.StatusForbidden)
			return
		}
		if o := r.Header.Get("Origin"); o != "" {
			u, err := url.Parse(o)
			if err != nil || u.Host == "" || !s.allowedHost(u.Host) {
				http.Error(w, "foreign Origin header", http.StatusForbidden)
				return
			}
		}
		next(w, r)
	}
}
