package core

import (
	"context"
	"log/slog"
	"time"
)

// Metric names one measure of Atelier's; Metrics says what it means and which labels it has.
type Metric string

// The measures. Their labels are closed sets of a few words: no id, no name and no text of anybody ever becomes one.
const (
	MetricBuild           Metric = "build_info"
	MetricAccepts         Metric = "accepts_total"
	MetricAcceptTime      Metric = "accept_duration_seconds"
	MetricQueue           Metric = "queue_entries"
	MetricQueueAge        Metric = "queue_oldest_seconds"
	MetricHandleTime      Metric = "handle_duration_seconds"
	MetricRelayLag        Metric = "relay_lag_seconds"
	MetricDeliveries      Metric = "deliveries_total"
	MetricDeliveryTime    Metric = "delivery_duration_seconds"
	MetricRetries         Metric = "retries_total"
	MetricLimitWait       Metric = "rate_limit_wait_seconds"
	MetricLimited         Metric = "rate_limited_total"
	MetricDead            Metric = "dead_letters"
	MetricJobs            Metric = "jobs"
	MetricJobsEnded       Metric = "jobs_total"
	MetricJobTime         Metric = "job_duration_seconds"
	MetricJobWait         Metric = "job_wait_seconds"
	MetricProviderCalls   Metric = "provider_requests_total"
	MetricLeases          Metric = "leases"
	MetricLeaseChanges    Metric = "lease_changes_total"
	MetricLinkUp          Metric = "link_up"
	MetricLinkChanges     Metric = "link_changes_total"
	MetricPlatformUp      Metric = "platform_up"
	MetricCatchUpThreads  Metric = "catchup_threads"
	MetricCatchUpMessages Metric = "catchup_messages_total"
	MetricCatchUpTime     Metric = "catchup_duration_seconds"
	MetricPool            Metric = "redis_pool_connections"
	MetricPoolTimeouts    Metric = "redis_pool_timeouts_total"
	MetricRedisUp         Metric = "redis_up"
)

// MetricKind says how a measure moves.
type MetricKind string

// Kinds of measures.
const (
	MetricCounter   MetricKind = "counter"   // only grows
	MetricGauge     MetricKind = "gauge"     // is what it is now
	MetricHistogram MetricKind = "histogram" // counts values by size
)

// MetricInfo describes a measure. Buckets are the upper bounds of a histogram, in the unit that its name ends in.
type MetricInfo struct {
	Name    Metric
	Kind    MetricKind
	Help    string
	Labels  []string
	Buckets []float64
}

// Metrics lists every measure there is.
func Metrics() []MetricInfo {
	fast := []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5}
	human := []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800}
	counter, gauge, histogram := MetricCounter, MetricGauge, MetricHistogram
	return []MetricInfo{
		{MetricBuild, gauge, "Always 1; its labels say what runs.", []string{"version", "commit"}, nil},
		{MetricAccepts, counter, "Events of the platforms, and steps of our own jobs (platform \"\"), by what came of storing them: accepted, repeated, failed or unreadable.", []string{"platform", "kind", "outcome"}, nil},
		{MetricAcceptTime, histogram, "Time to store an event before it is acknowledged.", []string{"platform"}, fast},
		{MetricQueue, gauge, "What waits in the whole installation: inbound, outbox or jobs. Every replica reports the same.", []string{"queue"}, nil},
		{MetricQueueAge, gauge, "Age of the oldest inbound or outgoing that waits in the whole installation. Every replica reports the same.", []string{"queue"}, nil},
		{MetricHandleTime, histogram, "Time to handle an event, by its kind and the outcome: ok, early, waits, gone or dead.", []string{"kind", "outcome"}, fast},
		{MetricRelayLag, histogram, "Time from an event to its delivery on a platform, waiting included.", []string{"platform"}, human},
		{MetricDeliveries, counter, "Ended deliveries by platform, class of room (room, thread, answer, direct or none) and outcome: sent, skipped or dead.", []string{"platform", "room", "outcome"}, nil},
		{MetricDeliveryTime, histogram, "Time of one call to deliver something to a platform, waiting for its limits included.", []string{"platform"}, human},
		{MetricRetries, counter, "Deliveries that have to be tried again, by reason.", []string{"platform", "reason"}, nil},
		{MetricLimitWait, histogram, "Time that a call waited for a platform's limits.", []string{"platform"}, human},
		{MetricLimited, counter, "Answers of a platform that we were too fast.", []string{"platform"}, nil},
		{MetricDead, gauge, "What could not be handled or delivered and is kept, in the whole installation. Every replica reports the same.", nil, nil},
		{MetricJobs, gauge, "Jobs of the whole installation that are queued, running or handed_off. Every replica reports the same.", []string{"provider", "state"}, nil},
		{MetricJobsEnded, counter, "Jobs that ended here: done, refused, failed, unknown or cancelled.", []string{"provider", "outcome"}, nil},
		{MetricJobTime, histogram, "Time of a run at its provider, whatever came of it.", []string{"provider"}, human},
		{MetricJobWait, histogram, "Time that a job waited for its turn.", []string{"provider"}, human},
		{MetricProviderCalls, counter, "Calls of a provider's API, by the class of the answer's status, or error without one.", []string{"provider", "outcome"}, nil},
		{MetricLeases, gauge, "Leases that this process holds: partition, socket, gateway or singleton.", []string{"kind"}, nil},
		{MetricLeaseChanges, counter, "Leases that were taken, lost or handed_over.", []string{"kind", "change"}, nil},
		{MetricLinkUp, gauge, "Open connections to a platform in this process: gateway or socket.", []string{"platform", "link"}, nil},
		{MetricLinkChanges, counter, "Connections to a platform that came up or went down.", []string{"platform", "change"}, nil},
		{MetricPlatformUp, gauge, "1 while a platform is used, 0 once it refused us, or one of several apps there.", []string{"platform"}, nil},
		{MetricCatchUpThreads, gauge, "Threads of this process's partitions whose history waits to be read.", []string{"platform"}, nil},
		{MetricCatchUpMessages, counter, "Messages of histories that were new, or known already.", []string{"platform", "outcome"}, nil},
		{MetricCatchUpTime, histogram, "Time to read one thread's history.", []string{"platform"}, human},
		{MetricPool, gauge, "Connections to Redis: idle, stale or total.", []string{"state"}, nil},
		{MetricPoolTimeouts, counter, "Commands that found no free connection to Redis in time.", nil, nil},
		{MetricRedisUp, gauge, "1 when Redis answered the last time it was asked.", nil, nil},
	}
}

// Meter keeps measures. Labels are given in the order of the metric's description. It never blocks and never fails.
type Meter interface {
	// Add adds to a counter or a gauge.
	Add(m Metric, n float64, labels ...string)
	// Set sets a gauge.
	Set(m Metric, v float64, labels ...string)
	// Observe counts a value in a histogram.
	Observe(m Metric, v float64, labels ...string)
}

// Tracer follows one event through the processes that work on it.
type Tracer interface {
	// Start begins a step; the returned function ends it with its error. Attributes hold ids of ours and closed words,
	// never content.
	Start(ctx context.Context, step string, attrs ...slog.Attr) (context.Context, func(error))
	// Carry returns what continues the trace in another process, "" where nobody follows it.
	Carry(ctx context.Context) string
	// Continue returns a context in which the carried trace goes on.
	Continue(ctx context.Context, carried string) context.Context
}

// Telemetry is what the parts report to. The zero value drops everything.
type Telemetry struct {
	Meter  Meter
	Tracer Tracer
}

// Count adds one to a counter.
func (t Telemetry) Count(m Metric, labels ...string) { t.Add(m, 1, labels...) }

// Add adds to a counter or a gauge.
func (t Telemetry) Add(m Metric, n float64, labels ...string) {
	if t.Meter != nil {
		t.Meter.Add(m, n, labels...)
	}
}

// Set sets a gauge.
func (t Telemetry) Set(m Metric, v float64, labels ...string) {
	if t.Meter != nil {
		t.Meter.Set(m, v, labels...)
	}
}

// Observe counts a duration in a histogram.
func (t Telemetry) Observe(m Metric, d time.Duration, labels ...string) {
	if t.Meter != nil {
		t.Meter.Observe(m, d.Seconds(), labels...)
	}
}

// Start begins a step of a trace.
func (t Telemetry) Start(ctx context.Context, step string, attrs ...slog.Attr) (context.Context, func(error)) {
	if t.Tracer == nil {
		return ctx, func(error) {}
	}
	return t.Tracer.Start(ctx, step, attrs...)
}

// Carry returns what continues the trace elsewhere.
func (t Telemetry) Carry(ctx context.Context) string {
	if t.Tracer == nil {
		return ""
	}
	return t.Tracer.Carry(ctx)
}

// Continue goes on with a trace that was carried here.
func (t Telemetry) Continue(ctx context.Context, carried string) context.Context {
	if t.Tracer == nil || carried == "" {
		return ctx
	}
	return t.Tracer.Continue(ctx, carried)
}

type logKey struct{}

// WithLog returns a context whose log lines carry these attributes; handlers made for it add them.
func WithLog(ctx context.Context, attrs ...slog.Attr) context.Context {
	have := LogAttrs(ctx)
	return context.WithValue(ctx, logKey{}, append(have[:len(have):len(have)], attrs...))
}

// LogAttrs returns the attributes that WithLog gave a context.
func LogAttrs(ctx context.Context) []slog.Attr {
	attrs, _ := ctx.Value(logKey{}).([]slog.Attr)
	return attrs
}
