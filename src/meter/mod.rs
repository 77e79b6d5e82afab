//! The books: every finished call becomes metrics, one access line and, if it was admitted, one usage event.
//!
//! May use `canonical`, `tenancy` and `store`. Deliberately absent: anything that could leak. A [`CallRecord`] has no
//! place for a query string, a header, a body or a secret, and where it says who called or what was asked it takes
//! values that we made or configured, so labels are bounded by type.
//!
//! # Design
//!
//! [`Meter::record`] never blocks and never waits: two threads write, and what they cannot keep up with is treated by
//! what it is worth. Access lines are dropped and counted. Usage events are money and are never dropped while the
//! process lives: their queue has no hard end, and the gateway asks [`Meter::has_room`] before it starts a call. So the
//! queue holds at most [`USAGE_ROOM`] events and one for each call in flight.

#![warn(missing_docs)]

mod access;
mod metrics;
mod queue;
mod record;
#[cfg(test)]
mod tests;
mod usage;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::store::Store;

use usage::UsageWriter;

pub use access::AccessSink;
pub use metrics::Metrics;
pub use record::{Answered, Asked, CallRecord, Caller, Ended, Reached, Timing};
pub use usage::USAGE_ROOM;

/// Keeps the books. Cheap to clone; the last clone writes what is queued when it is dropped, which may take seconds if
/// the store is failing.
#[derive(Debug, Clone)]
pub struct Meter {
    metrics: Metrics,
    access: AccessSink,
    usage: Arc<UsageWriter>,
}

// === impl Meter ===

impl Meter {
    /// A meter that writes usage to `store` from a thread of its own.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn new(store: Arc<dyn Store>, access: AccessSink, metrics: Metrics) -> io::Result<Self> {
        Ok(Self {
            usage: Arc::new(UsageWriter::start(store, metrics.clone())?),
            access,
            metrics,
        })
    }

    /// Keeps the record of a finished call. Never blocks.
    pub fn record(&self, record: CallRecord) {
        self.metrics.observe(&record);
        if let Some(event) = record.usage_event() {
            self.usage.write(event);
        }
        self.access.write(record);
    }

    /// Whether another billable call may start. If not, the store has been failing or slow for long, and calls must be
    /// refused as overloaded: nothing is served that could not be billed.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.usage.has_room()
    }

    /// Waits until everything recorded so far is written, at most `patience` for usage and as long for access lines.
    /// Blocks. Returns whether it is.
    #[must_use]
    pub fn flush(&self, patience: Duration) -> bool {
        let usage = self.usage.flush(patience);
        let access = self.access.flush(patience);
        usage && access
    }

    /// The metrics, for `/metrics` and for the gauges that others keep.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }
}
