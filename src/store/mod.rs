//! What survives a restart: the quota ledger and the usage records.
//!
//! [`Store`] is the seam; [`SqliteStore`] is the embedded one. Every store runs the laws of `contract`. May use
//! `canonical` for ids. Deliberately absent: any decision. A store neither knows a plan nor a clock; whoever asks
//! brings the limit and names the period.
//!
//! # Design
//!
//! The trait blocks, because SQLite does and because it is not on the path of nearly all calls: `limits` asks for many
//! units at once and `meter` writes from its own thread. Async callers use `tokio::task::spawn_blocking`.

#![warn(missing_docs)]

mod config;
mod sqlite;

#[cfg(test)]
mod contract;
#[cfg(test)]
pub(crate) mod testing;

use std::error::Error;
use std::fmt::Debug;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::canonical::CallId;

pub use config::{Config, StoreUrl};
pub use sqlite::SqliteStore;

/// A durable ledger of quota and usage, shared by every node that uses the same one.
///
/// Laws, each a function in `contract`:
/// - a method that returned `Ok` has its effect on stable storage: neither `kill -9` nor a power cut undoes it;
/// - over all nodes, `grant`s of a bucket minus what was given back never exceed the limit that was asked with;
/// - a grant is the smaller of what is wanted and what is left, so the last units can be had;
/// - buckets are independent of each other, and every period starts at zero;
/// - a usage event is recorded once however often it is appended, and a batch is recorded whole or not at all;
/// - `Err` may leave the effect done or not done: the caller assumes the worse of the two.
pub trait Store: Debug + Send + Sync {
    /// Takes up to `want` units out of the bucket and returns how many: `min(want, limit - used)`, 0 when it is used up.
    fn grant(&self, bucket: &Bucket, want: u64, limit: u64) -> Result<u64, StoreError>;

    /// Puts back units that were granted and not spent. `used` never falls below 0.
    fn give_back(&self, bucket: &Bucket, units: u64) -> Result<(), StoreError>;

    /// Units granted and not given back.
    fn used(&self, bucket: &Bucket) -> Result<u64, StoreError>;

    /// Records events in one transaction. An id that is there already is left as it is.
    fn append_usage(&self, events: &[UsageEvent]) -> Result<(), StoreError>;

    /// Sums of the recorded events, ordered by day, tenant, dialect, op, upstream and outcome.
    fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageRow>, StoreError>;

    /// Whether it could be written to now, for readiness.
    fn check(&self) -> Result<(), StoreError>;
}

/// Whose units, and of which period.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bucket {
    /// For example `tenant/acme`.
    pub subject: String,
    /// For example `day/2026-11-20`, `month/2026-11`, `total`.
    pub period: String,
}

/// One admitted call, for the invoice. Names are those of the metrics; `-` where there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageEvent {
    /// Unique; what makes appending idempotent.
    pub id: CallId,
    /// When the call arrived.
    pub at: Timestamp,
    /// The day of `at` in the tenant's time zone, as its quota counts days.
    pub day: Date,
    /// Who pays.
    pub tenant: Arc<str>,
    /// With which key.
    pub key: Arc<str>,
    /// In which dialect.
    pub dialect: &'static str,
    /// What was asked.
    pub op: &'static str,
    /// Who answered.
    pub upstream: Arc<str>,
    /// What came of it.
    pub outcome: &'static str,
    /// Units charged; 0 if the call was not.
    pub units: u64,
    /// Whose number `native_score` is.
    pub native_vendor: Option<&'static str>,
    /// The upstream's number as it was written.
    pub native_score: Option<String>,
}

/// Which events to sum. The default is all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsageQuery {
    /// Only of this tenant.
    pub tenant: Option<String>,
    /// From this day on.
    pub from: Option<Date>,
    /// Up to and including this day.
    pub to: Option<Date>,
}

/// Usage of one combination on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// Day in the tenant's time zone.
    pub day: Date,
    /// Who pays.
    pub tenant: String,
    /// In which dialect.
    pub dialect: String,
    /// What was asked.
    pub op: String,
    /// Who answered.
    pub upstream: String,
    /// What came of it.
    pub outcome: String,
    /// Admitted calls.
    pub calls: u64,
    /// Units charged for them.
    pub units: u64,
}

/// Why a store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder for the database file is not there and cannot be made.
    #[error("cannot create the folder of the store {}: check the path and its permissions", path.display())]
    Folder {
        /// The database file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The database file cannot be opened.
    #[error("cannot open the store {}: check that it is a livegate database and may be written", path.display())]
    Open {
        /// The database file.
        path: PathBuf,
        /// Why not.
        source: rusqlite::Error,
    },
    /// A later livegate has written it.
    #[error(
        "the store {} has schema version {found} but this livegate knows {known}: use the later livegate or another store",
        path.display()
    )]
    Newer {
        /// The database file.
        path: PathBuf,
        /// The version in the file.
        found: i64,
        /// The latest version known here.
        known: i64,
    },
    /// An operation failed; it may have taken effect.
    #[error("the store could not {doing}")]
    Failed {
        /// What was asked, as a verb.
        doing: &'static str,
        /// Why not.
        source: Box<dyn Error + Send + Sync>,
    },
}
