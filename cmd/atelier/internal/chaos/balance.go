package main

// A round robin over the living replicas, for Slack's signed HTTP.

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"time"
)

// balance passes Slack's requests on. One that no replica takes is answered as a load balancer without backends does.
func (w *world) balance() http.Handler {
	client := &http.Client{Timeout: 10 * time.Second}
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 4<<20))
		if err != nil {
			http.Error(rw, "unreadable", http.StatusBadRequest)
			return
		}
		at, isNew := place{}, false
		if strings.HasSuffix(r.URL.Path, "/events") {
			at, isNew = w.taps.newMessage(body)
		}
		for skip := 0; ; skip++ {
			addr := w.fleet.serving(skip)
			if addr == "" {
				http.Error(rw, "no replica", http.StatusServiceUnavailable)
				return
			}
			req, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+addr+r.URL.Path, bytes.NewReader(body))
			if err != nil {
				http.Error(rw, "bad request", http.StatusBadRequest)
				return
			}
			req.Header = r.Header.Clone()
			var o opened
			if isNew {
				o = w.taps.handed(w.taps.link(), at)
			}
			res, err := client.Do(req)
			if err != nil {
				if r.Context().Err() != nil {
					return
				}
				if strings.Contains(err.Error(), "connect: ") {
					continue // it is gone: the next one
				}
				http.Error(rw, "replica lost", http.StatusBadGateway)
				return
			}
			answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
			_ = res.Body.Close() // it was read
			if err != nil {
				http.Error(rw, "replica lost", http.StatusBadGateway)
				return
			}
			if isNew && res.StatusCode/100 == 2 {
				w.taps.acked(o)
			}
			rw.Header().Set("Content-Type", res.Header.Get("Content-Type"))
			rw.WriteHeader(res.StatusCode)
			_, _ = rw.Write(answer)
			return
		}
	})
}
