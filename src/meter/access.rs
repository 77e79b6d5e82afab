//! The access log: one JSON object per line and call, in ASCII, whatever a field holds.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde::Serialize;
use serde_json::ser::Formatter;

use super::metrics::Metrics;
use super::queue::Queue;
use super::record::{CallRecord, clip};

/// Lines that may wait for a slow reader before they are dropped.
const ROOM: usize = 8192;

/// Where access lines go. Cheap to clone; the last clone writes what is queued when it is dropped.
#[derive(Debug, Clone)]
pub struct AccessSink {
    queue: Arc<Queue<CallRecord>>,
    metrics: Metrics,
}

// === impl AccessSink ===

impl AccessSink {
    /// Writes to `out`, flushing whenever nothing more waits.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn to(out: impl Write + Send + 'static, metrics: Metrics) -> io::Result<Self> {
        let mut out = BufWriter::new(out);
        let dropped = metrics.access_dropped.clone();
        let queue = Queue::start("livegate-access", move |records: &[CallRecord]| {
            let written = records
                .iter()
                .try_for_each(|record| write_line(&mut out, record))
                .and_then(|()| out.flush());
            if written.is_err() {
                // Nobody can be told where the log is broken, but the counter is read elsewhere.
                dropped.inc_by(u64::try_from(records.len()).unwrap_or(u64::MAX));
            }
        })?;
        Ok(Self {
            queue: Arc::new(queue),
            metrics,
        })
    }

    /// Queues a line, or counts it as dropped if too many wait.
    pub(super) fn write(&self, record: CallRecord) {
        if self.queue.waiting() < ROOM {
            self.queue.push(record);
        } else {
            self.metrics.access_dropped.inc();
        }
    }

    pub(super) fn flush(&self, patience: Duration) -> bool {
        self.queue.flush(patience)
    }
}

/// The line. Field names are part of the contract with whoever reads the log.
#[derive(Serialize)]
struct Line<'a> {
    ts: String,
    id: String,
    tenant: &'a str,
    key: &'a str,
    dialect: &'a str,
    op: &'a str,
    method: &'a str,
    path: &'a str,
    status: u16,
    outcome: &'a str,
    problem: Option<&'a str>,
    vendor_code: Option<&'a str>,
    upstream: &'a str,
    native_vendor: Option<&'a str>,
    native_score: Option<&'a str>,
    request_bytes: u64,
    response_bytes: u64,
    ms: f64,
    upstream_ms: Option<f64>,
    units: Option<u64>,
}

// === impl Line ===

impl<'a> From<&'a CallRecord> for Line<'a> {
    fn from(record: &'a CallRecord) -> Self {
        let native = record.native();
        let vendor_code = record
            .upstream
            .as_ref()
            .and_then(|reached| reached.vendor_code.as_deref());
        Self {
            ts: record.at.to_string(),
            id: record.id.hex(),
            tenant: record.tenant(),
            key: record.key(),
            dialect: record.asked.dialect,
            op: record.op(),
            method: method(&record.asked.method),
            path: record.asked.path.unwrap_or("unmatched"),
            status: record.answered.status,
            outcome: record.answered.ended.as_str(),
            problem: record.answered.ended.problem().map(|kind| kind.as_str()),
            vendor_code: vendor_code.map(clip),
            upstream: record.upstream(),
            native_vendor: native.map(|native| native.vendor),
            native_score: native.map(|native| clip(&native.text)),
            request_bytes: record.asked.request_bytes,
            response_bytes: record.answered.response_bytes,
            ms: milliseconds(record.timing.total),
            upstream_ms: record
                .upstream
                .as_ref()
                .map(|_| milliseconds(record.timing.upstream)),
            units: record.units,
        }
    }
}

/// A method of one's own is the caller's text, and may hold anything.
fn method(method: &Method) -> &'static str {
    const STANDARD: [&str; 9] = [
        "GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "CONNECT", "PATCH", "TRACE",
    ];
    STANDARD
        .into_iter()
        .find(|standard| *standard == method.as_str())
        .unwrap_or("other")
}

/// To the microsecond.
fn milliseconds(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}

fn write_line(out: &mut impl Write, record: &CallRecord) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, Ascii);
    Line::from(record).serialize(&mut serializer)?;
    out.write_all(b"\n")
}

/// JSON in printable ASCII. JSON itself lets DEL, C1 controls and U+2028 through, which terminals obey and some readers
/// take for the end of a line.
struct Ascii;

// === impl Ascii ===

impl Formatter for Ascii {
    fn write_string_fragment<W>(&mut self, out: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + Write,
    {
        let plain = |byte: &u8| matches!(byte, b' '..=b'~');
        if fragment.as_bytes().iter().all(plain) {
            return out.write_all(fragment.as_bytes());
        }
        for unit in fragment.encode_utf16() {
            match u8::try_from(unit).ok().filter(plain) {
                Some(byte) => out.write_all(&[byte])?,
                None => write!(out, "\\u{unit:04x}")?,
            }
        }
        Ok(())
    }
}
