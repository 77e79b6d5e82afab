//! A store for tests: in memory, and failing on demand. It keeps the same contract as the real ones.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard};

use jiff::Timestamp;
use jiff::civil::date;

use super::{Bucket, Store, StoreError, UsageEvent, UsageQuery, UsageRow};
use crate::canonical::CallId;

/// Today's bucket of a tenant.
pub(crate) fn bucket(tenant: &str) -> Bucket {
    Bucket {
        subject: format!("tenant/{tenant}"),
        period: "day/2026-11-20".to_owned(),
    }
}

/// An event that differs from the others in its id only.
pub(crate) fn event(number: u8) -> UsageEvent {
    UsageEvent {
        id: CallId::from_bytes([number; 16]),
        at: Timestamp::UNIX_EPOCH,
        day: date(2026, 11, 20),
        tenant: "acme".into(),
        key: "acme-1".into(),
        dialect: "native",
        op: "image-liveness",
        upstream: "local".into(),
        outcome: "live",
        units: 1,
        native_vendor: None,
        native_score: None,
    }
}

/// A [`Store`] that forgets.
#[derive(Debug, Default)]
pub(crate) struct MemoryStore {
    contents: Mutex<Contents>,
    /// Operations that fail before one works again.
    pub(crate) failures: AtomicU32,
}

#[derive(Debug, Default)]
struct Contents {
    used: HashMap<Bucket, u64>,
    events: BTreeMap<String, UsageEvent>,
}

// === impl MemoryStore ===

impl MemoryStore {
    /// No operation gets through while this is held.
    pub(crate) fn stall(&self) -> impl Sized {
        self.contents.lock().unwrap()
    }

    /// [`Store::used`], which cannot fail.
    pub(crate) fn peek(&self, bucket: &Bucket) -> u64 {
        let contents = self.contents.lock().unwrap();
        contents.used.get(bucket).copied().unwrap_or_default()
    }

    fn open(&self) -> Result<MutexGuard<'_, Contents>, StoreError> {
        let failing = self
            .failures
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            });
        match failing {
            Ok(_) => Err(StoreError::Failed {
                doing: "work",
                source: "told to fail".into(),
            }),
            Err(_) => Ok(self.contents.lock().unwrap()),
        }
    }
}

impl Store for MemoryStore {
    fn grant(&self, bucket: &Bucket, want: u64, limit: u64) -> Result<u64, StoreError> {
        let mut contents = self.open()?;
        let used = contents.used.entry(bucket.clone()).or_default();
        let granted = want.min(limit.saturating_sub(*used));
        *used += granted;
        Ok(granted)
    }

    fn give_back(&self, bucket: &Bucket, units: u64) -> Result<(), StoreError> {
        if let Some(used) = self.open()?.used.get_mut(bucket) {
            *used = used.saturating_sub(units);
        }
        Ok(())
    }

    fn used(&self, bucket: &Bucket) -> Result<u64, StoreError> {
        Ok(self.open()?.used.get(bucket).copied().unwrap_or_default())
    }

    fn append_usage(&self, events: &[UsageEvent]) -> Result<(), StoreError> {
        let mut contents = self.open()?;
        for event in events {
            contents
                .events
                .entry(event.id.hex())
                .or_insert_with(|| event.clone());
        }
        Ok(())
    }

    fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageRow>, StoreError> {
        let contents = self.open()?;
        let mut sums = BTreeMap::new();
        for event in contents.events.values() {
            let wanted = query
                .tenant
                .as_deref()
                .is_none_or(|tenant| tenant == &*event.tenant)
                && query.from.is_none_or(|from| event.day >= from)
                && query.to.is_none_or(|to| event.day <= to);
            if wanted {
                let (calls, units) = sums
                    .entry((
                        event.day,
                        event.tenant.to_string(),
                        event.dialect,
                        event.op,
                        event.upstream.to_string(),
                        event.outcome,
                    ))
                    .or_insert((0, 0));
                *calls += 1;
                *units += event.units;
            }
        }
        let rows = sums.into_iter().map(
            |((day, tenant, dialect, op, upstream, outcome), (calls, units))| UsageRow {
                day,
                tenant,
                dialect: dialect.to_owned(),
                op: op.to_owned(),
                upstream,
                outcome: outcome.to_owned(),
                calls,
                units,
            },
        );
        Ok(rows.collect())
    }

    fn check(&self) -> Result<(), StoreError> {
        self.open().map(drop)
    }
}

#[test]
fn keeps_the_contract() {
    for (name, law) in super::contract::LAWS {
        println!("{name}");
        law(&MemoryStore::default());
    }
}
