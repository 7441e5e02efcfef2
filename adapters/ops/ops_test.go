package ops

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/atelier-bridge/atelier/core"
)

func get(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	body, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(body)
}

func TestEveryMeasureIsShown(t *testing.T) {
	m := NewMetrics()
	tel := core.Telemetry{Meter: m}
	seen := map[core.Metric]bool{}
	for _, i := range core.Metrics() {
		if seen[i.Name] {
			t.Errorf("%s is there twice", i.Name)
		}
		seen[i.Name] = true
		labels := make([]string, len(i.Labels))
		for n := range labels {
			labels[n] = "x"
		}
		switch i.Kind {
		case core.MetricCounter:
			tel.Count(i.Name, labels...)
		case core.MetricGauge:
			tel.Set(i.Name, 2, labels...)
			tel.Add(i.Name, -1, labels...)
		case core.MetricHistogram:
			tel.Observe(i.Name, time.Second, labels...)
		}
		if i.Help == "" || strings.HasSuffix(string(i.Name), "_total") != (i.Kind == core.MetricCounter) {
			t.Errorf("%s: has no help, or a name of another kind", i.Name)
		}
	}
	tel.Count("nothing_of_ours")
	tel.Count(core.MetricAccepts, "too", "few")
	scraped := false
	m.OnScrape = func() { scraped = true }
	code, text := get(t, m.Handler(func(context.Context) error { return nil }), "/metrics")
	if code != http.StatusOK || !scraped {
		t.Fatal(code, scraped)
	}
	for name := range seen {
		if !strings.Contains(text, "# TYPE atelier_"+string(name)+" ") {
			t.Errorf("%s does not show", name)
		}
	}
}

func TestHealth(t *testing.T) {
	var down error
	h := NewMetrics().Handler(func(context.Context) error { return down })
	if code, _ := get(t, h, "/readyz"); code != http.StatusOK {
		t.Errorf("ready: %d", code)
	}
	down = errors.New("secret address refused")
	code, text := get(t, h, "/readyz")
	if code != http.StatusServiceUnavailable || strings.Contains(text, "secret") {
		t.Errorf("not ready: %d %s", code, text)
	}
	if code, _ := get(t, h, "/healthz"); code != http.StatusOK {
		t.Errorf("healthy: %d", code)
	}
}

func TestATraceGoesOnElsewhere(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	tr := newTracer(trace.WithSyncer(spans))
	tel := core.Telemetry{Tracer: tr}
	ctx, done := tel.Start(core.WithLog(t.Context(), slog.String("request", "m-1")), "accept", slog.String("kind", "message"))
	carried := tel.Carry(ctx)
	done(nil)
	there, done := tel.Start(tel.Continue(context.Background(), carried), "handle")
	done(core.Errorf(core.CodeRetry, "Ada wrote something secret."))

	var log bytes.Buffer
	slog.New(LogHandler{slog.NewJSONHandler(&log, nil)}).With("x", 1).InfoContext(core.WithLog(there, slog.String("delivery", "d-1")), "said")
	var line struct {
		Delivery string `json:"delivery"`
		Trace    string `json:"trace_id"`
	}
	if err := json.Unmarshal(log.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	got := spans.GetSpans()
	if len(got) != 2 || got[0].SpanContext.TraceID() != got[1].SpanContext.TraceID() || got[1].Parent.SpanID() != got[0].SpanContext.SpanID() {
		t.Fatalf("%+v", got)
	}
	if line.Trace != got[0].SpanContext.TraceID().String() || line.Delivery != "d-1" {
		t.Errorf("%+v", line)
	}
	if got[1].Status.Description != string(core.CodeRetry) {
		t.Errorf("an error shows as %q", got[1].Status.Description)
	}
	if tel.Carry(context.Background()) != "" {
		t.Error("carries what is not traced")
	}
}

func TestTracingIsOffByDefault(t *testing.T) {
	if TracingWanted() {
		t.Error("on without a word")
	}
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
	if !TracingWanted() {
		t.Error("an endpoint does not switch it on")
	}
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
	if _, err := NewTracer(t.Context(), "test"); err == nil {
		t.Error("grpc is taken")
	}
	t.Setenv("OTEL_TRACES_EXPORTER", "none")
	if TracingWanted() {
		t.Error("none does not switch it off")
	}
}
