package discord

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/atelier-bridge/atelier/core"
)

const (
	// InteractionsPath is where Handler expects Discord's signed callbacks.
	InteractionsPath = "/discord/interactions"
	maxCallback      = 1 << 20
	maxSkew          = 5 * time.Minute
)

// Handler serves Discord's signed interaction callbacks at InteractionsPath. Without a public key it refuses all of
// them.
func (a *Adapter) Handler(r core.Receiver) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+InteractionsPath, func(w http.ResponseWriter, req *http.Request) { a.callback(w, req, r) })
	return mux
}

func (a *Adapter) callback(w http.ResponseWriter, req *http.Request, r core.Receiver) {
	ctx, cancel := context.WithTimeout(req.Context(), ackWithin)
	defer cancel()
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxCallback))
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		return
	}
	if err != nil {
		http.Error(w, "unreadable", http.StatusBadRequest)
		return
	}
	if !a.signed(req.Header, body) {
		http.Error(w, "bad signature", http.StatusUnauthorized)
		return
	}
	var in wireInteraction
	err = json.Unmarshal(body, &in)
	if err == nil && in.Type == interPing {
		_ = answer(w, reply{Type: answerPong}) // Discord asks again
		return
	}
	if err != nil || !isSnowflake(in.ID) || in.Token == "" {
		a.storeUnreadable(ctx, r, body, err)
		http.Error(w, "unreadable", http.StatusBadRequest)
		return
	}
	first, stored := a.react(ctx, r, &in)
	if err := answer(w, first); err != nil {
		a.log.WarnContext(ctx, "interaction not acknowledged", "interaction", in.ID, "type", in.Type, "error", err)
		return
	}
	a.acknowledged(ctx, r, stored)
}

// answer writes the whole answer out, so that nil means that it is on its way.
func answer(w http.ResponseWriter, v reply) error {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if _, err = w.Write(body); err != nil {
		return err
	}
	err = http.NewResponseController(w).Flush()
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}

// signed checks the signature over timestamp and body, and that the timestamp is of now.
func (a *Adapter) signed(h http.Header, body []byte) bool {
	sig, err := hex.DecodeString(h.Get("X-Signature-Ed25519"))
	if err != nil || len(sig) != ed25519.SignatureSize || len(a.key) != ed25519.PublicKeySize {
		return false
	}
	stamp := h.Get("X-Signature-Timestamp")
	unix, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return false
	}
	if off := a.now().Sub(time.Unix(unix, 0)); off > maxSkew || off < -maxSkew {
		return false
	}
	return ed25519.Verify(a.key, append([]byte(stamp), body...), sig)
}
