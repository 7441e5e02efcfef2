package bench

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// accepted is a message that a platform took.
type accepted struct {
	text string
	at   time.Time
}

const (
	tapPrefix = "/sim"
	maxTapped = 20_000 // more than any benchmark leaves unread
)

// tap serves a simulated platform and notes when it accepted which message.
type tap struct {
	srv   *httptest.Server
	ready chan struct{}
	inner http.Handler
	got   chan accepted
	// reads tells a post from other calls: the text of the message and the thread that it goes to.
	reads func(r *http.Request, body []byte) (text, thread string)
	// told is called at the moment of acceptance; set while nothing is under way.
	told func()

	mu    sync.Mutex
	posts map[string]posted // the newest by thread
}

// posted is a call that made a message, kept so that the same can be sent again.
type posted struct {
	path, contentType, auth, body string
	word                          string // the first of its text
}

// isPost reports by method and path whether a call makes a message.
func isPost(r *http.Request) bool {
	return r.Method == http.MethodPost && (strings.HasPrefix(r.URL.Path, "/api/v10/webhooks/") || r.URL.Path == "/api/chat.postMessage")
}

// discordPost reads a call of a webhook. A message with files is no JSON; there are none here.
func discordPost(r *http.Request, body []byte) (text, thread string) {
	var said struct {
		Content string `json:"content"`
	}
	_ = json.Unmarshal(body, &said)
	return said.Content, r.URL.Query().Get("thread_id")
}

// slackPost reads chat.postMessage.
func slackPost(_ *http.Request, body []byte) (text, thread string) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return "", ""
	}
	return form.Get("text"), form.Get("thread_ts")
}

func newTap(b *testing.B, reads func(*http.Request, []byte) (string, string)) *tap {
	t := &tap{ready: make(chan struct{}), got: make(chan accepted, maxTapped), reads: reads, posts: map[string]posted{}}
	t.srv = httptest.NewServer(http.StripPrefix(tapPrefix, t))
	b.Cleanup(t.srv.Close)
	return t
}

func (t *tap) open(h http.Handler) {
	t.inner = h
	close(t.ready)
}

// ServeHTTP passes everything on and looks at posts.
func (t *tap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case <-t.ready:
	case <-r.Context().Done():
		return
	}
	if !isPost(r) {
		t.inner.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		http.Error(w, "unreadable", http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	text, thread := t.reads(r, body)
	if thread != "" {
		word, _, _ := strings.Cut(text, " ")
		t.mu.Lock()
		t.posts[thread] = posted{path: r.URL.RequestURI(), contentType: r.Header.Get("Content-Type"), auth: r.Header.Get("Authorization"), body: string(body), word: word}
		t.mu.Unlock()
	}
	t.inner.ServeHTTP(&answer{ResponseWriter: w, t: t, text: text}, r)
}

// last returns the newest post into a thread.
func (t *tap) last(thread string) posted {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.posts[thread]
}

// answer notes the moment at which a post was answered with success.
type answer struct {
	http.ResponseWriter
	t    *tap
	text string
}

// WriteHeader notes a success.
func (a *answer) WriteHeader(status int) {
	if status == http.StatusOK {
		if a.t.told != nil {
			a.t.told()
		}
		a.t.got <- accepted{text: a.text, at: time.Now()}
	}
	a.ResponseWriter.WriteHeader(status)
}

// next returns the next accepted message.
func (t *tap) next(b *testing.B) accepted {
	b.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case a := <-t.got:
		return a
	case <-limit.C:
		b.Fatal("waited in vain for a message")
		return accepted{}
	}
}

// collect waits for n messages that begin with one of the words of a map, and returns when each was accepted; what else
// comes is passed over.
func (t *tap) collect(b *testing.B, words map[string]time.Time) map[string]time.Time {
	b.Helper()
	at := make(map[string]time.Time, len(words))
	for len(at) < len(words) {
		a := t.next(b)
		word, _, _ := strings.Cut(a.text, " ")
		if _, ours := words[word]; !ours {
			continue
		}
		if _, twice := at[word]; twice {
			b.Fatalf("%s came twice", word)
		}
		at[word] = a.at
	}
	return at
}
