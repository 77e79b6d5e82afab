//! The compiled configuration that every request reads.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::canonical::{Op, Scale, Secret};
use crate::vendors::{DialectSettings, OptIn, Vendor};

/// Everything a request needs to know, immutable.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// By key id.
    pub keys: HashMap<String, Arc<Key>>,
    /// By tenant id.
    pub tenants: HashMap<String, Arc<Tenant>>,
    /// By name.
    pub upstreams: HashMap<String, Arc<Upstream>>,
    /// First match wins.
    pub routes: Vec<Route>,
}

/// A customer of this gateway.
#[derive(Debug)]
pub struct Tenant {
    /// The name in logs, metrics and usage.
    pub id: Arc<str>,
    /// Its limits.
    pub plan: Arc<Plan>,
    /// Dialects it may speak; `None` = all.
    pub dialects: Option<Vec<&'static str>>,
    /// In which its days and months begin.
    pub time_zone: TimeZone,
    /// What it agreed to.
    pub allow: Vec<OptIn>,
    /// How its dialects are spelt.
    pub settings: DialectSettings,
}

/// A credential of a tenant.
#[derive(Debug)]
pub struct Key {
    /// The public half.
    pub id: Arc<str>,
    /// Whose it is.
    pub tenant: Arc<Tenant>,
    /// Secrets that are valid now: one, or two during a rotation.
    pub secrets: Vec<DigestedSecret>,
    /// Not valid from this moment on.
    pub expires_at: Option<Timestamp>,
    /// Dialects it may speak; `None` = the tenant's.
    pub dialects: Option<Vec<&'static str>>,
    /// Ops it may ask; `None` = all.
    pub ops: Option<Vec<Op>>,
}

/// HMAC-SHA256 of a secret under the master key. Useless without that key, so it may be stored; still not printed.
#[derive(Clone, Copy)]
pub struct DigestedSecret(pub [u8; 32]);

impl fmt::Debug for DigestedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestedSecret(..)")
    }
}

/// The limits that a tenant bought.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The name in the configuration.
    pub name: Arc<str>,
    /// One call per this much time on average; `None` = no limit.
    pub rate: Option<Rate>,
    /// Calls in flight at once; `None` = no limit.
    pub concurrency: Option<NonZeroU32>,
    /// Calls per calendar period.
    pub quota: Quota,
}

/// A sustained rate and what may exceed it for a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Time between two calls at the sustained rate.
    pub interval: Duration,
    /// Calls that may come at once.
    pub burst: NonZeroU32,
}

/// Units per period; `None` = that period is not limited. One call is one unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quota {
    /// Per calendar day in the tenant's time zone.
    pub day: Option<u64>,
    /// Per calendar month in the tenant's time zone.
    pub month: Option<u64>,
    /// Ever.
    pub total: Option<u64>,
}

/// A configured place to send calls.
#[derive(Debug)]
pub struct Upstream {
    /// The name in the configuration, logs and metrics.
    pub name: Arc<str>,
    /// Who answers there.
    pub vendor: &'static Vendor,
    /// Scheme, host, port and path prefix, no trailing slash. Empty for the local engine.
    pub base_url: String,
    /// What [`Outbound::credentials`](crate::vendors::Outbound::credentials) lists.
    pub secrets: Vec<(&'static str, Secret)>,
    /// From sending the request to the end of the answer.
    pub timeout: Duration,
    /// TCP and TLS.
    pub connect_timeout: Duration,
    /// The vendor's scale, with this upstream's threshold.
    pub scale: Option<Scale>,
}

/// Which upstreams serve which calls.
#[derive(Debug)]
pub struct Route {
    /// `None` = any tenant.
    pub tenant: Option<Arc<str>>,
    /// `None` = any dialect.
    pub dialect: Option<&'static str>,
    /// `None` = any op.
    pub op: Option<Op>,
    /// Where to; never empty.
    pub to: Vec<Target>,
}

/// One upstream of a route.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where to.
    pub upstream: Arc<Upstream>,
    /// Share among the route's targets.
    pub weight: u32,
}
