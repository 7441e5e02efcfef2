package ops

import (
	"context"
	"log/slog"

	api "go.opentelemetry.io/otel/trace"

	"github.com/atelier-bridge/atelier/core"
)

// LogHandler adds to each line what its context says: the request or delivery that is worked on, and the trace that
// they belong to.
type LogHandler struct{ slog.Handler }

// Handle adds the attributes and passes the record on.
func (h LogHandler) Handle(ctx context.Context, r slog.Record) error {
	r.AddAttrs(core.LogAttrs(ctx)...)
	if sc := api.SpanContextFromContext(ctx); sc.IsValid() {
		r.AddAttrs(slog.String("trace_id", sc.TraceID().String()), slog.String("span_id", sc.SpanID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs keeps adding.
func (h LogHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return LogHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup keeps adding, inside the group.
func (h LogHandler) WithGroup(name string) slog.Handler { return LogHandler{h.Handler.WithGroup(name)} }
