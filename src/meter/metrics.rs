//! Prometheus metrics, each registry its own, so that tests and several gateways in one process do not mix.

use prometheus::{
    HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

use super::record::CallRecord;

/// Seconds. From a local inference to a vendor's slowest video.
const CALL_BUCKETS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0, 30.0,
];

/// Seconds. From a relay to a large body translated on a busy machine.
const OVERHEAD_BUCKETS: [f64; 11] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5,
];

/// Every metric. Cheap to clone; clones count together.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Bytes of request bodies in memory.
    pub inflight_body_bytes: IntGauge,
    /// Calls that wait for the local engine.
    pub engine_waiting: IntGauge,
    /// Usage events lost at the end of a process whose store failed. Anything but 0 is money.
    pub usage_dropped: IntCounter,
    /// Access lines that nobody took in time, or that could not be written.
    pub access_dropped: IntCounter,
    registry: Registry,
    requests: IntCounterVec,
    request_seconds: HistogramVec,
    overhead_seconds: HistogramVec,
    upstream_seconds: HistogramVec,
    quota_remaining: IntGaugeVec,
}

// === impl Metrics ===

impl Metrics {
    /// A fresh set, all zero.
    ///
    /// # Errors
    /// If two metrics have one name.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let histogram = |name: &str, help: &str, buckets: &[f64], labels: &[&str]| {
            let opts = HistogramOpts::new(name, help).buckets(buckets.to_vec());
            HistogramVec::new(opts, labels)
        };
        let metrics = Self {
            inflight_body_bytes: IntGauge::new(
                "livegate_inflight_body_bytes",
                "Bytes of request bodies in memory.",
            )?,
            engine_waiting: IntGauge::new(
                "livegate_engine_waiting",
                "Calls that wait for the local engine.",
            )?,
            usage_dropped: IntCounter::new(
                "livegate_usage_dropped_total",
                "Usage events that could not be written before the process ended.",
            )?,
            access_dropped: IntCounter::new(
                "livegate_access_dropped_total",
                "Access lines that could not be written.",
            )?,
            requests: IntCounterVec::new(
                Opts::new("livegate_requests_total", "Finished calls."),
                &["tenant", "dialect", "op", "upstream", "outcome"],
            )?,
            request_seconds: histogram(
                "livegate_request_seconds",
                "From the head of the request to the end of the answer.",
                &CALL_BUCKETS,
                &["dialect", "op"],
            )?,
            overhead_seconds: histogram(
                "livegate_overhead_seconds",
                "The part of it that is neither the caller's upload nor the upstream.",
                &OVERHEAD_BUCKETS,
                &["dialect", "op"],
            )?,
            upstream_seconds: histogram(
                "livegate_upstream_seconds",
                "The part of it that upstreams took.",
                &CALL_BUCKETS,
                &["upstream", "op"],
            )?,
            quota_remaining: IntGaugeVec::new(
                Opts::new(
                    "livegate_quota_remaining",
                    "Units left, as this node last saw them.",
                ),
                &["tenant", "period"],
            )?,
            registry,
        };
        metrics.register()?;
        Ok(metrics)
    }

    /// Everything in the Prometheus text format 0.0.4.
    #[must_use]
    pub fn render(&self) -> String {
        TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .unwrap_or_else(|error| {
                tracing::error!(%error, "metrics cannot be rendered");
                String::new()
            })
    }

    /// Sets the gauge of one quota; `limits` knows the values.
    pub fn set_quota_remaining(&self, tenant: &str, period: &str, units: u64) {
        let units = i64::try_from(units).unwrap_or(i64::MAX);
        self.quota_remaining
            .with_label_values(&[tenant, period])
            .set(units);
    }

    /// Counts a finished call.
    pub(super) fn observe(&self, record: &CallRecord) {
        let (dialect, op, upstream) = (record.asked.dialect, record.op(), record.upstream());
        let outcome = record.answered.ended.as_str();
        self.requests
            .with_label_values(&[record.tenant(), dialect, op, upstream, outcome])
            .inc();
        self.request_seconds
            .with_label_values(&[dialect, op])
            .observe(record.timing.total.as_secs_f64());
        self.overhead_seconds
            .with_label_values(&[dialect, op])
            .observe(record.timing.overhead().as_secs_f64());
        if record.upstream.is_some() {
            self.upstream_seconds
                .with_label_values(&[upstream, op])
                .observe(record.timing.upstream.as_secs_f64());
        }
    }

    fn register(&self) -> Result<(), prometheus::Error> {
        let registry = &self.registry;
        registry.register(Box::new(self.inflight_body_bytes.clone()))?;
        registry.register(Box::new(self.engine_waiting.clone()))?;
        registry.register(Box::new(self.usage_dropped.clone()))?;
        registry.register(Box::new(self.access_dropped.clone()))?;
        registry.register(Box::new(self.requests.clone()))?;
        registry.register(Box::new(self.request_seconds.clone()))?;
        registry.register(Box::new(self.overhead_seconds.clone()))?;
        registry.register(Box::new(self.upstream_seconds.clone()))?;
        registry.register(Box::new(self.quota_remaining.clone()))?;
        #[cfg(target_os = "linux")]
        registry.register(Box::new(
            prometheus::process_collector::ProcessCollector::for_self(),
        ))?;
        Ok(())
    }
}
