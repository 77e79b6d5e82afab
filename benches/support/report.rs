//! From rounds to rows: medians over rounds, so that one disturbed round does not count.

use std::fmt::Write;
use std::time::Duration;

use serde::Serialize;

use super::load::Driven;

/// One measured round of one proxy.
#[derive(Debug)]
pub struct Round {
    /// User and system time of the proxy's process.
    pub cpu: Duration,
    /// What the load saw.
    pub driven: Driven,
}

/// One proxy under one workload. Times in microseconds.
#[derive(Debug, Serialize)]
pub struct Row {
    call: &'static str,
    proxy: &'static str,
    requests: usize,
    cpu_us: f64,
    per_second: f64,
    p50_us: f64,
    p99_us: f64,
    /// CPU time, this proxy's divided by the reference's; absent for the reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio: Option<f64>,
}

// === impl Round ===

impl Round {
    fn cpu_us(&self) -> f64 {
        micros(self.cpu) / self.driven.latencies.len().max(1) as f64
    }

    fn per_second(&self) -> f64 {
        self.driven.latencies.len() as f64 / self.driven.elapsed.as_secs_f64()
    }

    /// The latency, us, that `share` of the requests did not exceed.
    fn percentile_us(&self, share: f64) -> f64 {
        let mut sorted = self.driven.latencies.clone();
        sorted.sort_unstable();
        let index = (sorted.len() as f64 * share) as usize;
        sorted.get(index).copied().map_or(0.0, micros)
    }
}

// === impl Row ===

impl Row {
    /// The medians of some rounds, beside a reference if there is one.
    #[must_use]
    pub fn new(
        call: &'static str,
        proxy: &'static str,
        rounds: &[Round],
        reference: Option<&Self>,
    ) -> Self {
        let median = |figure: &dyn Fn(&Round) -> f64| {
            let mut figures: Vec<f64> = rounds.iter().map(figure).collect();
            figures.sort_unstable_by(f64::total_cmp);
            figures.get(figures.len() / 2).copied().unwrap_or_default()
        };
        let cpu_us = median(&Round::cpu_us);
        Self {
            call,
            proxy,
            requests: rounds
                .iter()
                .map(|round| round.driven.latencies.len())
                .sum(),
            cpu_us,
            per_second: median(&Round::per_second),
            p50_us: median(&|round| round.percentile_us(0.5)),
            p99_us: median(&|round| round.percentile_us(0.99)),
            ratio: reference.map(|reference| cpu_us / reference.cpu_us),
        }
    }
}

/// The rows as a table.
#[must_use]
pub fn markdown(rows: &[Row]) -> String {
    let mut text = String::from(
        "| call | proxy | requests | CPU us/request | requests/s | p50 us | p99 us | CPU, beside bare |\n\
         |---|---|--:|--:|--:|--:|--:|--:|\n",
    );
    for row in rows {
        let Row {
            call,
            proxy,
            requests,
            cpu_us,
            per_second,
            p50_us,
            p99_us,
            ratio,
        } = row;
        let ratio = ratio.map_or_else(|| "1".to_owned(), |ratio| format!("{ratio:.2}"));
        // Writing to a string does not fail.
        let _ok = writeln!(
            text,
            "| {call} | {proxy} | {requests} | {cpu_us:.1} | {per_second:.0} | {p50_us:.0} | {p99_us:.0} | {ratio} |"
        );
    }
    text
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
