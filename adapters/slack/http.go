package slack

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"

	slackgo "github.com/slack-go/slack"

	"github.com/atelier-bridge/atelier/core"
)

// maxRequest bounds a signed request.
const maxRequest = 1 << 20

// Handler serves every app's signed requests at /slack/events, /slack/commands and /slack/interactions, and hands them to
// r before it answers. Without a signing secret every request is refused. Where teams install the app by themselves, it
// serves /slack/install/TOKEN and /slack/oauth too.
func (a *Adapter) Handler(r core.Receiver) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /slack/events", a.signed(r, kindEvents, func(body []byte) ([]byte, error) { return body, nil }))
	mux.Handle("POST /slack/commands", a.signed(r, kindCommands, commandPayload))
	mux.Handle("POST /slack/interactions", a.signed(r, kindActions, interactionPayload))
	if a.oauth != nil {
		a.installRoutes(mux)
	}
	return mux
}

// commandPayload turns the form of a slash command into the flat object that Socket Mode sends.
func commandPayload(body []byte) ([]byte, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	flat := map[string]string{}
	for k := range form {
		flat[k] = form.Get(k)
	}
	return json.Marshal(flat)
}

func interactionPayload(body []byte) ([]byte, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	return []byte(form.Get("payload")), nil
}

func (a *Adapter) signed(r core.Receiver, kind string, payload func([]byte) ([]byte, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxRequest))
		if err != nil {
			var big *http.MaxBytesError
			if errors.As(err, &big) {
				http.Error(w, "too large", http.StatusRequestEntityTooLarge)
				return
			}
			http.Error(w, "unreadable", http.StatusBadRequest)
			return
		}
		p, err := a.verify(req.Header, body)
		if err != nil {
			a.o.Log.WarnContext(req.Context(), "slack signature refused", "path", req.URL.Path, "error", err)
			http.Error(w, "bad signature", http.StatusUnauthorized)
			return
		}
		// Only what may be one is read for it: every event is read once more when it is understood.
		if kind == kindEvents && bytes.Contains(body, []byte(verification)) {
			var env eventEnvelope
			if decode(body, &env) == nil && env.Type == verification {
				answer(w, "text/plain; charset=utf-8", []byte(env.Challenge))
				return
			}
		}
		data, err := payload(body)
		if err != nil {
			data = body
		}
		ack, done, err := a.handle(req.Context(), p, r, kind, data)
		if errors.Is(err, errForeign) {
			a.o.Log.WarnContext(req.Context(), "slack request of another app's team refused", "app", p.Name, "kind", kind, "error", err)
			http.Error(w, "not this app's team", http.StatusUnauthorized)
			return
		}
		if err != nil {
			a.o.Log.WarnContext(req.Context(), "slack request not stored", "kind", kind, "error", err)
			http.Error(w, "not stored", http.StatusServiceUnavailable)
			return
		}
		answer(w, "application/json; charset=utf-8", rawJSON(ack))
		done()
	})
}

// verification is the event with which Slack asks whether an address is ours.
const verification = "url_verification"

// verify checks the signature over the raw body and says whose it is. Every secret is tried, also after one has fitted:
// how long that takes says nothing of which one it was.
func (a *Adapter) verify(h http.Header, body []byte) (*app, error) {
	var found *app
	first := errors.New("slack: no signing secret is set")
	for n, p := range a.apps {
		if p.SigningSecret.IsZero() {
			continue
		}
		v, err := slackgo.NewSecretsVerifier(h, p.SigningSecret.Reveal())
		if err == nil {
			_, err = v.Write(body)
		}
		if err == nil {
			err = v.Ensure()
		}
		switch {
		case err == nil && found == nil:
			found = p
		case err != nil && n == 0:
			first = err
		}
	}
	if found == nil {
		return nil, first
	}
	return found, nil
}

// answer sends the whole response now, so that Slack has it before anything else is done.
func answer(w http.ResponseWriter, contentType string, body []byte) {
	if len(body) > 0 {
		w.Header().Set("Content-Type", contentType)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body)                      // a client that went away sends it again
	_ = http.NewResponseController(w).Flush() // a writer that cannot flush answers when the handler returns
}
