// Package providersim stands in for the image providers over HTTP, so that everything can be run and tested without an
// account: it behaves as their documentation says, knows whose key is whose, remembers which key paid for which call,
// and has faults to switch on. Pictures are drawn from the words, small and the same each time.
package providersim

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"sync"

	"github.com/atelier-bridge/atelier/core"
)

// Names of the providers, as their paths begin.
const (
	OpenAI     = "openai"
	OpenRouter = "openrouter"
	Gemini     = "gemini"
	Stability  = "stability"
	BFL        = "bfl"
	SelfHosted = "selfhosted"
)

// RefuseWord in a prompt makes every stand-in refuse it.
const RefuseWord = "refuse-me"

// Options configure a Sim.
type Options struct {
	// Side is the side of a square picture in pixels; 64 when zero. Other ratios have about the same area.
	Side int
	// Polls is how often an asynchronous job answers that it is not done yet; 2 when zero.
	Polls int
	// Clock is for dates in answers; the machine's when nil.
	Clock core.Clock
}

// Call is a request that reached a stand-in.
type Call struct {
	Provider string
	Method   string
	Path     string
	Key      string // as sent; empty when none was
	Owner    string // of the key; empty when it is not known
	Step     Step
	Type     string              // media type of the body
	JSON     map[string]any      // a JSON body
	Fields   map[string][]string // a form's fields
	Files    map[string][][]byte // a form's files
	Header   http.Header         // without the credential
	Micros   int64               // what it cost, in millionths of a dollar
	Pictures int
}

// Step tells what a call is for.
type Step string

// Steps.
const (
	StepMake  Step = "make"  // bills
	StepPoll  Step = "poll"  // asks how far it is
	StepFetch Step = "fetch" // fetches a picture
	StepInfo  Step = "info"  // asks about the key
)

// Sim holds the stand-ins.
type Sim struct {
	o       Options
	mu      sync.Mutex
	keys    map[string]map[string]*account
	calls   []*Call
	faults  []*Fault
	jobs    map[string]*job
	order   []string // of jobs
	codes   map[string]grant
	stopped map[string]bool
	arrived chan Call
	closed  chan struct{}
	once    sync.Once
	// released is closed by the next Release.
	released chan struct{}
}

type account struct {
	owner   string
	balance int64
}

// New returns stand-ins that know no key yet.
func New(o Options) *Sim {
	if o.Side == 0 {
		o.Side = 64
	}
	if o.Polls == 0 {
		o.Polls = 2
	}
	if o.Clock == nil {
		o.Clock = core.SystemClock{}
	}
	return &Sim{o: o, keys: map[string]map[string]*account{}, jobs: map[string]*job{}, codes: map[string]grant{}, stopped: map[string]bool{}, arrived: make(chan Call, 256), closed: make(chan struct{}), released: make(chan struct{})}
}

// AddKey makes a key known, with its owner's name and a balance in millionths of a dollar.
func (s *Sim) AddKey(provider, key, owner string, micros int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys[provider] == nil {
		s.keys[provider] = map[string]*account{}
	}
	s.keys[provider][key] = &account{owner, micros}
}

// Revoke makes a key unknown again.
func (s *Sim) Revoke(provider, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.keys[provider], key)
}

// Balance returns what is left on a key.
func (s *Sim) Balance(provider, key string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.keys[provider][key]; a != nil {
		return a.balance
	}
	return 0
}

// maxCalls and maxJobs bound what is remembered: a demonstration may run for days.
const (
	maxCalls = 2000
	maxJobs  = 200
)

// Calls returns what arrived so far, in order, at most the last 2,000.
func (s *Sim) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Call
	for _, c := range s.calls {
		out = append(out, *c)
	}
	return out
}

// Arrived gets every call when it arrives, before it is answered; calls are left out while nobody reads.
func (s *Sim) Arrived() <-chan Call { return s.arrived }

// Close lets go of calls that are held by a fault.
func (s *Sim) Close() { s.once.Do(func() { close(s.closed) }) }

// Handler serves each stand-in below its name: /openai, /openrouter, /gemini, /stability, /bfl, /selfhosted.
func (s *Sim) Handler() http.Handler {
	mux := http.NewServeMux()
	s.openai(mux)
	s.openrouter(mux)
	s.gemini(mux)
	s.stability(mux)
	s.bfl(mux)
	s.selfhosted(mux)
	return mux
}

// maxBody bounds a request: sixteen pictures of 50 MB would be allowed by some, and nobody sends that here.
const maxBody = 256 << 20

// exchange is a call while it is answered.
type exchange struct {
	*Call
	w     http.ResponseWriter
	r     *http.Request
	s     *Sim
	acct  *account
	fault Kind
}

// route answers one path: it reads the call, remembers it, applies faults, checks the key, then answers.
func (s *Sim) route(mux *http.ServeMux, pattern, provider string, step Step, auth func(*http.Request) string, answer func(*exchange)) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		x := &exchange{Call: &Call{Provider: provider, Method: r.Method, Path: strings.TrimPrefix(r.URL.Path, "/"+provider), Step: step, Header: r.Header.Clone()}, w: w, r: r, s: s}
		if auth != nil {
			x.Key = auth(r)
		}
		for _, h := range []string{"Authorization", "X-Goog-Api-Key", "X-Key"} {
			x.Header.Del(h)
		}
		if !x.read() {
			x.fail(http.StatusBadRequest, "bad_request", "The body cannot be read.")
			return
		}
		s.mu.Lock()
		x.acct = s.keys[provider][x.Key]
		if x.acct != nil {
			x.Owner = x.acct.owner
		}
		x.fault = s.take(provider, step)
		if s.calls = append(s.calls, x.Call); len(s.calls) > maxCalls {
			s.calls = append([]*Call(nil), s.calls[len(s.calls)-maxCalls:]...)
		}
		told := *x.Call
		s.mu.Unlock()
		select {
		case s.arrived <- told:
		default:
		}
		if x.before() {
			return
		}
		if auth != nil && x.acct == nil {
			x.unauthorized()
			return
		}
		answer(x)
	})
}

func (x *exchange) read() bool {
	data, err := io.ReadAll(http.MaxBytesReader(x.w, x.r.Body, maxBody))
	if err != nil {
		return false
	}
	kind, params, _ := mime.ParseMediaType(x.r.Header.Get("Content-Type"))
	x.Type = kind
	switch {
	case len(data) == 0:
	case kind == "application/json":
		return json.Unmarshal(data, &x.JSON) == nil
	case kind == "multipart/form-data":
		form, err := multipart.NewReader(strings.NewReader(string(data)), params["boundary"]).ReadForm(maxBody)
		if err != nil {
			return false
		}
		x.Fields, x.Files = form.Value, map[string][][]byte{}
		for name, list := range form.File {
			for _, h := range list {
				f, err := h.Open()
				if err != nil {
					return false
				}
				b, _ := io.ReadAll(f)
				_ = f.Close()
				x.Files[name] = append(x.Files[name], b)
			}
		}
	}
	return true
}

// pay takes the price of a call from its key's balance; false when there is not enough, which is answered.
func (x *exchange) pay(micros int64, pictures int) bool {
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	if x.acct != nil {
		if x.acct.balance < micros {
			return false
		}
		x.acct.balance -= micros
	}
	x.Micros, x.Pictures = micros, pictures
	return true
}

// Text is a field of a call's body, whatever its shape; empty when there is none.
func (c *Call) Text(name string) string {
	if v, ok := c.JSON[name].(string); ok {
		return v
	}
	if v := c.Fields[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// number is a number of the call's body; def when there is none.
func (x *exchange) number(name string, def int) int {
	if v, ok := x.JSON[name].(float64); ok {
		return int(v)
	}
	if v := x.Fields[name]; len(v) > 0 {
		n := 0
		if json.Unmarshal([]byte(v[0]), &n) == nil {
			return n
		}
	}
	return def
}

func (x *exchange) json(status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(x.w, "internal", http.StatusInternalServerError)
		return
	}
	x.w.Header().Set("Content-Type", "application/json")
	x.w.WriteHeader(status)
	_, _ = x.w.Write(b)
}

type obj = map[string]any

func bearer(r *http.Request) string {
	key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return ""
	}
	return key
}

func header(name string) func(*http.Request) string {
	return func(r *http.Request) string { return r.Header.Get(name) }
}

func token(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

// base is the address under which the caller reached a stand-in, with the prefix under which the handler is mounted.
func (x *exchange) base() string {
	scheme := "http"
	if x.r.TLS != nil || x.r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	asked, _, _ := strings.Cut(x.r.RequestURI, "?")
	return scheme + "://" + x.r.Host + strings.TrimSuffix(asked, x.r.URL.Path) + "/" + x.Provider
}
