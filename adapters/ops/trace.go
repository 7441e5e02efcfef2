package ops

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"

	"github.com/atelier-bridge/atelier/core"
)

// Tracer sends traces by OTLP. It implements core.Tracer.
type Tracer struct {
	provider *trace.TracerProvider
	tracer   api.Tracer
}

var _ core.Tracer = (*Tracer)(nil)

// TracingWanted reports whether the standard variables ask for traces: an OTLP endpoint is named, or the exporter is.
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
func TracingWanted() bool {
	switch strings.ToLower(os.Getenv("OTEL_TRACES_EXPORTER")) {
	case "otlp":
		return !sdkDisabled()
	case "none":
		return false
	}
	return !sdkDisabled() && (os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != "")
}

func sdkDisabled() bool { return strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") }

// NewTracer makes a tracer that is configured by the standard OTEL_ variables; it sends http/protobuf in the background
// and drops what a collector does not take. Close it.
func NewTracer(ctx context.Context, version string) (*Tracer, error) {
	if p := otlpProtocol(); p != "http/protobuf" {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL is %q: only http/protobuf is spoken", p)
	}
	client, err := newOTLP()
	if err != nil {
		return nil, err
	}
	exporter, err := otlptrace.New(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	attrs := []attribute.KeyValue{attribute.String("service.name", "atelier"), attribute.String("service.version", version)}
	res, err := resource.New(ctx, resource.WithAttributes(attrs...), resource.WithFromEnv(), resource.WithTelemetrySDK())
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return newTracer(trace.WithBatcher(exporter), trace.WithResource(res)), nil
}

func newTracer(o ...trace.TracerProviderOption) *Tracer {
	p := trace.NewTracerProvider(o...)
	return &Tracer{provider: p, tracer: p.Tracer("github.com/atelier-bridge/atelier")}
}

func otlpProtocol() string {
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if v := os.Getenv(name); v != "" {
			return v
		}
	}
	return "http/protobuf"
}

// Close sends what is left.
func (t *Tracer) Close(ctx context.Context) error { return t.provider.Shutdown(ctx) }

// Start begins a span. Of an error only its code is recorded: its text may quote what people wrote.
func (t *Tracer) Start(ctx context.Context, step string, attrs ...slog.Attr) (context.Context, func(error)) {
	kv := make([]attribute.KeyValue, 0, len(attrs))
	for _, a := range append(core.LogAttrs(ctx), attrs...) {
		kv = append(kv, attribute.String("atelier."+a.Key, a.Value.String()))
	}
	ctx, span := t.tracer.Start(ctx, step, api.WithAttributes(kv...))
	return ctx, func(err error) {
		if err != nil && !errors.Is(err, context.Canceled) {
			span.SetStatus(codes.Error, string(core.ErrorCode(err)))
		}
		span.End()
	}
}

const traceParent = "traceparent"

// Carry returns the span's traceparent, "" for one that nobody samples.
func (t *Tracer) Carry(ctx context.Context) string {
	if !api.SpanContextFromContext(ctx).IsSampled() {
		return ""
	}
	c := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, c)
	return c[traceParent]
}

// Continue makes a carried span the parent of what follows.
func (t *Tracer) Continue(ctx context.Context, carried string) context.Context {
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{traceParent: carried})
}
