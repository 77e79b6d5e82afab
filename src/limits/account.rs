//! Everything that this node remembers of one tenant's limits.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;

use crate::clock::Clock;
use crate::store::{Bucket, Store};

use super::Throttle;
use super::quota::{Shortage, Stock};

/// One tenant's slots, rate and quota stock.
#[derive(Debug)]
pub(super) struct Account {
    tenant: Arc<str>,
    in_flight: AtomicU32,
    throttle: Mutex<Throttle>,
    stock: Mutex<Stock>,
    /// Held by the one who talks to the store. Never held while waiting for a lock above.
    refill: Arc<tokio::sync::Mutex<()>>,
}

// === impl Account ===

impl Account {
    pub(super) fn new(tenant: Arc<str>) -> Self {
        Self {
            stock: Mutex::new(Stock::new(format!("tenant/{tenant}"))),
            tenant,
            in_flight: AtomicU32::new(0),
            throttle: Mutex::default(),
            refill: Arc::default(),
        }
    }

    pub(super) fn tenant(&self) -> &Arc<str> {
        &self.tenant
    }

    /// Counts a call in, unless `limit` are in flight.
    pub(super) fn enter(&self, limit: Option<NonZeroU32>) -> bool {
        let limit = limit.map_or(u32::MAX, NonZeroU32::get);
        self.in_flight
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |calls| {
                (calls < limit).then_some(calls + 1)
            })
            .is_ok()
    }

    pub(super) fn leave(&self) {
        self.in_flight.fetch_sub(1, Ordering::AcqRel);
    }

    pub(super) fn is_busy(&self) -> bool {
        self.in_flight.load(Ordering::Acquire) > 0
    }

    // What the two locks guard is whole between any two statements, so a panic elsewhere does not spoil it.

    pub(super) fn throttle(&self) -> MutexGuard<'_, Throttle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn stock(&self) -> MutexGuard<'_, Stock> {
        self.stock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nobody else talks to the store for this tenant.
    pub(super) async fn refill_turn(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.refill).lock_owned().await
    }

    /// Gives back what the stock no longer needs, then takes a chunk of every quota whose stock is empty. Blocks; the
    /// caller holds the turn.
    pub(super) fn refill(&self, store: &dyn Store, clock: &Clock) -> Result<(), Shortage> {
        let leftovers = self.stock().take_leftovers();
        self.give_back(store, leftovers);
        // Longest period first: if several are used up, that one decides how long to wait.
        let needs = self.stock().needs();
        for need in needs {
            let left = need.limit.saturating_sub(store.used(&need.bucket)?);
            let granted = store.grant(&need.bucket, need.chunk(left), need.limit)?;
            if granted == 0 {
                self.stock().refuse(&need.bucket, clock.now());
                return Err(need.used_up());
            }
            self.stock()
                .receive(&need.bucket, granted, left.saturating_sub(granted));
        }
        Ok(())
    }

    /// Gives the whole stock back. Blocks; the caller holds the turn.
    pub(super) fn empty(&self, store: &dyn Store) {
        let everything = self.stock().take_everything();
        self.give_back(store, everything);
    }

    /// A failure may have taken effect, so those units count as used: better undersold than sold twice.
    fn give_back(&self, store: &dyn Store, leftovers: Vec<(Arc<Bucket>, u64)>) {
        for (bucket, units) in leftovers {
            if let Err(error) = store.give_back(&bucket, units) {
                tracing::warn!(
                    tenant = &*self.tenant,
                    period = bucket.period,
                    units,
                    error = &error as &dyn std::error::Error,
                    "unspent quota could not be given back and counts as used"
                );
            }
        }
    }
}
