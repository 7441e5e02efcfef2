// Package ops is what operators look at: health, readiness and metrics.
package ops

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/atelier-bridge/atelier/core"
)

// Metrics are the process's metrics. Labels are closed sets; no id and no name ever becomes one.
type Metrics struct {
	registry   *prometheus.Registry
	inbounds   *prometheus.CounterVec
	deliveries *prometheus.CounterVec
	age        *prometheus.HistogramVec
}

// NewMetrics makes the metrics; held tells how many partitions this process holds.
func NewMetrics(held func() int) *Metrics {
	m := &Metrics{
		registry:   prometheus.NewRegistry(),
		inbounds:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "atelier_inbounds_total", Help: "Inbounds by platform, kind and whether they were new."}, []string{"platform", "kind", "new"}),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "atelier_deliveries_total", Help: "Settled deliveries by platform, kind and outcome."}, []string{"platform", "kind", "outcome"}),
		age: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "atelier_delivery_age_seconds", Help: "Time from the event to the settled delivery.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}}, []string{"platform", "kind"}),
	}
	m.registry.MustRegister(m.inbounds, m.deliveries, m.age, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "atelier_partitions_held", Help: "Partitions that this process holds."}, func() float64 { return float64(held()) }))
	return m
}

// Inbound counts a stored inbound.
func (m *Metrics) Inbound(in core.Inbound, added bool) {
	fresh := "no"
	if added {
		fresh = "yes"
	}
	platform := in.Room.Platform()
	if platform == "" {
		platform = in.Actor.Identity.Platform()
	}
	m.inbounds.WithLabelValues(string(platform), string(in.Kind), fresh).Inc()
}

// Delivery counts a settled delivery.
func (m *Metrics) Delivery(o core.Outgoing, outcome core.Code, age time.Duration) {
	if outcome == "" {
		outcome = "ok"
	}
	platform := string(o.Room.Platform())
	m.deliveries.WithLabelValues(platform, string(o.Kind), string(outcome)).Inc()
	m.age.WithLabelValues(platform, string(o.Kind)).Observe(age.Seconds())
}

// checkTimeout bounds a readiness check.
const checkTimeout = 2 * time.Second

// Handler serves /healthz, /readyz and /metrics. ready is asked on every /readyz.
func (m *Metrics) Handler(ready func(context.Context) error) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), checkTimeout)
		defer cancel()
		if err := ready(ctx); err != nil {
			http.Error(w, "not ready: the store does not answer", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	return mux
}
