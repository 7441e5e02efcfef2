package ops

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/atelier-bridge/atelier/core"
)

// Metrics keeps the process's measures for Prometheus. It implements core.Meter: exactly the measures of core.Metrics,
// under the prefix atelier_, and those of the Go runtime and the process beside them.
type Metrics struct {
	// OnScrape sets gauges that are cheap to read, before each answer; it must not block. It may be nil.
	OnScrape func()

	registry   *prometheus.Registry
	counters   map[core.Metric]*prometheus.CounterVec
	gauges     map[core.Metric]*prometheus.GaugeVec
	histograms map[core.Metric]*prometheus.HistogramVec
}

var _ core.Meter = (*Metrics)(nil)

// NewMetrics registers every measure.
func NewMetrics() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), counters: map[core.Metric]*prometheus.CounterVec{}, gauges: map[core.Metric]*prometheus.GaugeVec{}, histograms: map[core.Metric]*prometheus.HistogramVec{}}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, i := range core.Metrics() {
		name := "atelier_" + string(i.Name)
		switch i.Kind {
		case core.MetricCounter:
			v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: i.Help}, i.Labels)
			m.counters[i.Name] = v
			m.registry.MustRegister(v)
		case core.MetricGauge:
			v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: i.Help}, i.Labels)
			m.gauges[i.Name] = v
			m.registry.MustRegister(v)
		case core.MetricHistogram:
			v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: i.Help, Buckets: i.Buckets}, i.Labels)
			m.histograms[i.Name] = v
			m.registry.MustRegister(v)
		}
	}
	return m
}

// Add adds to a counter or a gauge; a counter does not shrink.
func (m *Metrics) Add(name core.Metric, n float64, labels ...string) {
	if v := m.counters[name]; v != nil {
		if c, err := v.GetMetricWithLabelValues(labels...); err == nil && n > 0 {
			c.Add(n)
		}
	} else if v := m.gauges[name]; v != nil {
		if g, err := v.GetMetricWithLabelValues(labels...); err == nil {
			g.Add(n)
		}
	}
}

// Set sets a gauge.
func (m *Metrics) Set(name core.Metric, n float64, labels ...string) {
	if v := m.gauges[name]; v != nil {
		if g, err := v.GetMetricWithLabelValues(labels...); err == nil {
			g.Set(n)
		}
	}
}

// Observe counts a value in a histogram.
func (m *Metrics) Observe(name core.Metric, n float64, labels ...string) {
	if v := m.histograms[name]; v != nil {
		if h, err := v.GetMetricWithLabelValues(labels...); err == nil {
			h.Observe(n)
		}
	}
}
