// Package discordsim is a Discord to develop against: REST, gateway, interactions, webhooks and CDN, with the platform's own
// limits, error codes and traps, people who can be made to act, and faults to switch on. It knows no SDK and nothing of Atelier.
package discordsim

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options configure a Server. The zero value of each field has a working default.
type Options struct {
	// BaseURL is the external root where the handler is mounted: REST lies under BaseURL/api/v10, the gateway at
	// BaseURL/gateway (ws), files under BaseURL/cdn and the controls under BaseURL/control.
	BaseURL string
	Guild   Guild
	// More are further servers that the app is in. Everybody who is in the first one is in these too, and a person's
	// roles of all servers stand in one list.
	More     []Guild
	Users    []User
	Channels []Channel

	BotToken, ApplicationID, BotUserID string
	// PrivateKey signs interactions sent over HTTP; one is made when empty.
	PrivateKey ed25519.PrivateKey
	// InteractionsURL, when set, receives interactions as signed POSTs; otherwise they go over the gateway.
	InteractionsURL string
	// DataFile, when set, gets every change before it is answered and is replayed by New.
	DataFile string
	Log      *slog.Logger
	Now      func() time.Time

	// HeartbeatInterval is what HELLO announces; 41.25 s when zero.
	HeartbeatInterval time.Duration
	// AckWindow is how long an interaction may stay unanswered; 3 s when zero.
	AckWindow time.Duration
	// DisallowedIntents are privileged intents that the app may not use: identifying with one is answered by 4014.
	DisallowedIntents int
	// Shards is how many shards the gateway recommends, MaxConcurrency how many may identify at the same time; default 1.
	Shards, MaxConcurrency int
	// StaleSessionLimit makes the gateway tell a budget of new sessions that nobody has used.
	StaleSessionLimit bool
	// Limits switches the platform's rate limits on.
	Limits bool
	// Client sends interactions to InteractionsURL.
	Client *http.Client
}

// Server is the simulated Discord. All methods may be called concurrently.
type Server struct {
	o    Options
	log  *slog.Logger
	base *url.URL
	rest *router
	http http.Handler

	stop context.CancelFunc
	ctx  context.Context
	work sync.WaitGroup

	mu       sync.Mutex
	store    *store
	lastID   uint64
	revision uint64
	changed  chan struct{}
	closed   bool

	guild        Guild
	more         []Guild
	users        map[string]*User
	userOrder    []string
	channels     map[string]*channel
	chanOrder    []string
	messages     map[string]*message
	byChannel    map[string][]string
	webhooks     map[string]*webhook
	commands     map[string]*command
	commandOrder []string
	interactions map[string]*interaction
	byToken      map[string]string
	interOrder   []string
	modals       map[string]*modal
	failures     map[string]string
	nonces       map[string]nonceEntry
	created      []time.Time // command creations of the last day
	tokenReset   bool
	cdnFloor     time.Time // links signed before this moment are dead

	gw     gatewayState
	faults []*activeFault
	calls  callLog
	limits limiter
}

type nonceEntry struct {
	Message string
	At      time.Time
}

const (
	epoch           = 1420070400000
	nonceWindow     = 3 * time.Minute
	tokenLife       = 15 * time.Minute
	maxInteractions = 2000
	maxMessages     = 20000
)

// New returns a running simulator; a DataFile that exists is replayed and outweighs the seeds.
func New(o Options) (*Server, error) {
	if o.BaseURL == "" {
		o.BaseURL = "http://127.0.0.1"
	}
	o.BaseURL = strings.TrimRight(o.BaseURL, "/")
	base, err := url.Parse(o.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("base URL: %w", err)
	}
	o = withDefaults(o)
	if len(o.PrivateKey) == 0 {
		if _, o.PrivateKey, err = ed25519.GenerateKey(rand.Reader); err != nil {
			return nil, fmt.Errorf("interaction key: %w", err)
		}
	}
	s := &Server{
		o: o, log: o.Log, base: base,
		changed: make(chan struct{}),
		users:   map[string]*User{}, channels: map[string]*channel{}, messages: map[string]*message{}, byChannel: map[string][]string{},
		webhooks: map[string]*webhook{}, commands: map[string]*command{}, interactions: map[string]*interaction{}, byToken: map[string]string{},
		modals: map[string]*modal{}, failures: map[string]string{}, nonces: map[string]nonceEntry{},
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.limits.init()
	s.gw.init()
	s.seed()
	if s.store, err = openStore(o.DataFile); err != nil {
		return nil, err
	}
	if err := s.store.replay(s.apply); err != nil {
		return nil, errors.Join(err, s.store.close())
	}
	s.index()
	s.rest = s.routes()
	s.http = s.mux()
	return s, nil
}

func withDefaults(o Options) Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.HeartbeatInterval <= 0 {
		o.HeartbeatInterval = 41250 * time.Millisecond
	}
	o.Shards, o.MaxConcurrency = max(o.Shards, 1), max(o.MaxConcurrency, 1)
	if o.AckWindow <= 0 {
		o.AckWindow = 3 * time.Second
	}
	if o.Client == nil {
		o.Client = &http.Client{}
	}
	seed := DemoSeed()
	if o.Guild.ID == "" {
		o.Guild, o.Users, o.Channels = seed.Guild, append(seed.Users, o.Users...), append(seed.Channels, o.Channels...)
	}
	if o.BotToken == "" {
		o.BotToken = seed.BotToken
	}
	if o.BotUserID == "" {
		o.BotUserID = seed.BotUserID
	}
	if o.ApplicationID == "" {
		o.ApplicationID = o.BotUserID
	}
	return o
}

// ServeHTTP serves everything; the caller strips the prefix under which it mounts the simulator.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.http.ServeHTTP(w, r) }

// PublicKey is the application's verify key, in hex.
func (s *Server) PublicKey() string {
	return hex.EncodeToString(s.o.PrivateKey.Public().(ed25519.PublicKey))
}

// Close drops every connection and releases the data file. What was answered before is on disk.
func (s *Server) Close() error {
	s.stop()
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.gw.closeAll()
	close(s.changed)
	s.changed = make(chan struct{})
	err := s.store.close()
	s.mu.Unlock()
	s.work.Wait()
	return err
}

var errClosed = errors.New("simulator is closed")

// tx gathers what one request changes: records for the disk, then events for the gateway.
type tx struct {
	s       *Server
	records []record
	events  []event
	after   []func()
	touched bool
}

// update runs fn alone on the state, stores what it recorded, and only then lets the world see it.
func (s *Server) update(fn func(*tx) error) error {
	s.mu.Lock()
	if s.closed {
		// What could not be stored any more must not be answered.
		s.mu.Unlock()
		return errClosed
	}
	t := &tx{s: s}
	err := fn(t)
	if werr := s.store.append(t.records); werr != nil {
		s.log.Error("simulator could not store a change", "err", werr)
		s.mu.Unlock()
		return fmt.Errorf("store change: %w", werr)
	}
	for _, e := range t.events {
		s.dispatch(e)
	}
	if t.touched || len(t.records) > 0 {
		s.bump()
	}
	s.mu.Unlock()
	for _, f := range t.after {
		f()
	}
	return err
}

// bump moves the revision and wakes everybody who waits for a change.
func (s *Server) bump() {
	s.revision++
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *Server) now() time.Time { return s.o.Now().UTC() }

// newID makes a snowflake above every earlier one.
func (s *Server) newID() string {
	id := uint64(max(s.now().UnixMilli()-epoch, 0)) << 22
	if id <= s.lastID {
		id = s.lastID + 1
	}
	s.lastID = id
	return strconv.FormatUint(id, 10)
}

func (s *Server) sawID(id string) {
	if n, err := strconv.ParseUint(id, 10, 64); err == nil && n > s.lastID {
		s.lastID = n
	}
}

// snow orders ids by age; what is no number counts as zero.
func snow(id string) uint64 {
	n, _ := strconv.ParseUint(id, 10, 64)
	return n
}

func randomToken(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

// dataDir is where attachments lie beside the data file.
func dataDir(file string) string { return file + ".files" }

func ensureDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("attachment folder: %w", err)
	}
	return nil
}
