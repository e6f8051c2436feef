package main

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/filspos/fils/relay/server"
)

const usageTimeout = time.Second

// meter turns what the relay does into Prometheus metrics.
type meter struct {
	registry      *prometheus.Registry
	notifications *prometheus.CounterVec
	answering     *prometheus.HistogramVec
	writing       prometheus.Histogram
	deliveries    *prometheus.CounterVec
	delay         prometheus.Histogram
	disconnects   *prometheus.CounterVec
}

func newMeter(kept store) *meter {
	m := &meter{
		registry: prometheus.NewRegistry(),
		notifications: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fils_relay_notifications_total", Help: "Notification requests, by what became of them.",
		}, []string{"outcome"}),
		answering: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "fils_relay_notification_duration_seconds", Help: "Time to answer a notification request.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 16),
		}, []string{"outcome"}),
		writing: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "fils_relay_store_write_seconds", Help: "Time for the store to take a notification.",
			Buckets: fine(),
		}),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fils_relay_deliveries_total", Help: "Notifications written to tills, live or replayed from the store.",
		}, []string{"mode"}),
		delay: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "fils_relay_delivery_delay_seconds", Help: "Time from receiving a notification to writing it to its connected till.",
			Buckets: fine(),
		}),
		disconnects: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fils_relay_disconnects_total", Help: "Ended connections of tills, by close code; 0 is a broken one.",
		}, []string{"code"}),
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "fils_relay_build_info", Help: "Always 1."}, []string{"version", "commit"})
	this := thisBuild()
	build.WithLabelValues(this.version, this.commit).Set(1)
	for _, o := range []server.Outcome{server.OutcomeStored, server.OutcomeRepeated, server.OutcomeRefused, server.OutcomeUnavailable} {
		m.notifications.WithLabelValues(string(o)) // there from the start, so that rates are
	}
	m.registry.MustRegister(m.notifications, m.answering, m.writing, m.deliveries, m.delay, m.disconnects, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if u, ok := kept.(sized); ok {
		m.registry.MustRegister(storeUsage{u})
	}
	return m
}

// fine are buckets narrow enough to set one histogram beside another: 0.1 ms to
// 12 s, each 1.5 times the one before.
func fine() []float64 { return prometheus.ExponentialBuckets(0.0001, 1.5, 30) }

// watch adds what the server knows by itself.
func (m *meter) watch(s *server.Server, perTill bool) {
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "fils_relay_tills_connected", Help: "Tills connected to this node.",
		}, func() float64 { return float64(s.Online()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "fils_relay_notifications_in_flight", Help: "Notifications being taken.",
		}, func() float64 { return float64(s.InFlight()) }),
	)
	if perTill {
		m.registry.MustRegister(lastSeen{s})
	}
}

func (m *meter) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

// Notification implements server.Meter.
func (m *meter) Notification(outcome server.Outcome, took time.Duration) {
	m.notifications.WithLabelValues(string(outcome)).Inc()
	m.answering.WithLabelValues(string(outcome)).Observe(took.Seconds())
}

// Written implements server.Meter.
func (m *meter) Written(took time.Duration) { m.writing.Observe(took.Seconds()) }

// Delivered implements server.Meter.
func (m *meter) Delivered(since time.Duration, replayed bool) {
	if replayed {
		m.deliveries.WithLabelValues("replayed").Inc()
		return
	}
	m.deliveries.WithLabelValues("live").Inc()
	m.delay.Observe(since.Seconds())
}

// Disconnected implements server.Meter.
func (m *meter) Disconnected(code int) { m.disconnects.WithLabelValues(strconv.Itoa(code)).Inc() }

// sized is a store that knows its size.
type sized interface {
	Usage(ctx context.Context) (used, limit int64, err error)
}

// storeUsage collects the store's size when asked.
type storeUsage struct{ store sized }

func usageDescs() (used, limit, up *prometheus.Desc) {
	return prometheus.NewDesc("fils_relay_store_bytes", "Bytes of notifications kept.", nil, nil),
		prometheus.NewDesc("fils_relay_store_limit_bytes", "Bytes of notifications that may be kept.", nil, nil),
		prometheus.NewDesc("fils_relay_store_up", "1 while the store answers.", nil, nil)
}

// Describe implements prometheus.Collector.
func (u storeUsage) Describe(out chan<- *prometheus.Desc) {
	used, limit, up := usageDescs()
	out <- used
	out <- limit
	out <- up
}

// Collect implements prometheus.Collector.
func (u storeUsage) Collect(out chan<- prometheus.Metric) {
	used, limit, up := usageDescs()
	ctx, cancel := context.WithTimeout(context.Background(), usageTimeout)
	defer cancel()
	is, most, err := u.store.Usage(ctx)
	if err != nil {
		out <- prometheus.MustNewConstMetric(up, prometheus.GaugeValue, 0)
		return
	}
	out <- prometheus.MustNewConstMetric(up, prometheus.GaugeValue, 1)
	out <- prometheus.MustNewConstMetric(used, prometheus.GaugeValue, float64(is))
	out <- prometheus.MustNewConstMetric(limit, prometheus.GaugeValue, float64(most))
}

// lastSeen collects when tills were connected.
type lastSeen struct{ server *server.Server }

func lastSeenDesc() *prometheus.Desc {
	return prometheus.NewDesc("fils_relay_till_last_seen_timestamp_seconds",
		"When the till was last connected to this node, since its start.", []string{"merchant", "till"}, nil)
}

// Describe implements prometheus.Collector.
func (l lastSeen) Describe(out chan<- *prometheus.Desc) { out <- lastSeenDesc() }

// Collect implements prometheus.Collector.
func (l lastSeen) Collect(out chan<- prometheus.Metric) {
	desc := lastSeenDesc()
	for a, at := range l.server.LastSeen() {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(at.Unix()), a.Merchant, a.Till)
	}
}
