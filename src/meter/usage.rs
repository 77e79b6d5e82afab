//! Usage events on their way into the store.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::store::{Store, UsageEvent};

use super::metrics::Metrics;
use super::queue::Queue;

/// Events that may wait for the store before no new call is started.
pub const USAGE_ROOM: usize = 16_384;

/// Pauses between attempts at a store that fails.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Failures that are borne once the process is to end; about a second in all.
const LAST_ATTEMPTS: u32 = 6;

/// Writes events in batches. While the process lives it tries for as long as it takes; when dropped it gives up in the
/// end, and counts what it could not write.
#[derive(Debug)]
pub(super) struct UsageWriter {
    stopping: Arc<AtomicBool>,
    queue: Queue<UsageEvent>,
}

// === impl UsageWriter ===

impl UsageWriter {
    pub(super) fn start(store: Arc<dyn Store>, metrics: Metrics) -> io::Result<Self> {
        let stopping = Arc::new(AtomicBool::new(false));
        let mut patience = Patience {
            stopping: Arc::clone(&stopping),
            attempts_left: LAST_ATTEMPTS,
        };
        let queue = Queue::start("livegate-usage", move |events: &[UsageEvent]| {
            if !append(&*store, events, &mut patience) {
                metrics
                    .usage_dropped
                    .inc_by(u64::try_from(events.len()).unwrap_or(u64::MAX));
            }
        })?;
        Ok(Self { stopping, queue })
    }

    pub(super) fn write(&self, event: UsageEvent) {
        self.queue.push(event);
    }

    pub(super) fn has_room(&self) -> bool {
        self.queue.waiting() < USAGE_ROOM
    }

    pub(super) fn flush(&self, patience: Duration) -> bool {
        self.queue.flush(patience)
    }
}

impl Drop for UsageWriter {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Release);
    }
}

/// How long to go on trying.
struct Patience {
    stopping: Arc<AtomicBool>,
    /// Shared by all batches, so that a long queue does not hold up the end of the process.
    attempts_left: u32,
}

// === impl Patience ===

impl Patience {
    fn lasts(&mut self) -> bool {
        if !self.stopping.load(Ordering::Acquire) {
            return true;
        }
        match self.attempts_left.checked_sub(1) {
            Some(left) => {
                self.attempts_left = left;
                true
            }
            None => false,
        }
    }
}

/// Whether the events are written. An attempt that failed may have worked; the store knows the ids.
fn append(store: &dyn Store, events: &[UsageEvent], patience: &mut Patience) -> bool {
    let mut pause = FIRST_PAUSE;
    while let Err(error) = store.append_usage(events) {
        let error = &error as &dyn Error;
        if !patience.lasts() {
            tracing::error!(
                error,
                events = events.len(),
                "usage is lost: the store failed until the end"
            );
            return false;
        }
        if pause == FIRST_PAUSE {
            tracing::warn!(
                error,
                events = events.len(),
                "usage waits for the store, which failed"
            );
        }
        thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    true
}
