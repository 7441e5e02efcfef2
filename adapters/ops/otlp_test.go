package ops

import (
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// TestSpansReachACollector sends spans to a collector that is busy at first.
func TestSpansReachACollector(t *testing.T) {
	var calls atomic.Int32
	var got tracepb.TracesData
	var header http.Header
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		header = r.Header.Clone()
		if r.URL.Path != "/base/v1/traces" {
			t.Errorf("sent to %s", r.URL)
		}
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		data, err := io.ReadAll(z)
		if err == nil {
			err = proto.Unmarshal(data, &got)
		}
		if err != nil {
			t.Error(err)
		}
	}))
	defer srv.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", srv.URL+"/base/")
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20abc, x-team = acme")
	t.Setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
	tr, err := NewTracer(t.Context(), "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	_, end := tr.Start(t.Context(), "deliver")
	end(nil)
	if err := tr.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	if calls.Load() != 2 || len(got.ResourceSpans) != 1 || got.ResourceSpans[0].ScopeSpans[0].Spans[0].Name != "deliver" {
		t.Errorf("%d calls brought %v", calls.Load(), &got)
	}
	if header.Get("Authorization") != "Bearer abc" || header.Get("X-Team") != "acme" || header.Get("Content-Type") != "application/x-protobuf" {
		t.Errorf("headers %v", header)
	}
}

func TestOTLPVariables(t *testing.T) {
	for name, value := range map[string]string{"ENDPOINT": "collector:4318", "TIMEOUT": "soon", "COMPRESSION": "zstd", "HEADERS": "a=%zz", "CERTIFICATE": "/nowhere"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("OTEL_EXPORTER_OTLP_"+name, value)
			if _, err := newOTLP(); err == nil || !strings.Contains(err.Error(), "OTEL_EXPORTER_OTLP_"+name) {
				t.Error(err)
			}
		})
	}
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://collector.example/x")
	if o, err := newOTLP(); err != nil || o.url != "https://collector.example/x" {
		t.Error(o, err)
	}
}
