//! Upstreams, plans, tenants and routes as they are written. [`compile`](super::compile) finds what is wrong with them
//! and makes the [`Snapshot`](super::Snapshot); what must be written but may be forgotten is therefore optional here.

mod own;

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::{Deserialize, Deserializer};

use crate::units::{HttpUrl, Limit, RateSpec, SecretSource, Span};
use crate::vendors;

pub use own::OwnTable;

/// The sections that a reload replaces.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Config {
    /// `[upstreams.NAME]`
    pub upstreams: BTreeMap<String, Upstream>,
    /// `[plans.NAME]`
    pub plans: BTreeMap<String, Plan>,
    /// `[tenants.NAME]`
    pub tenants: BTreeMap<String, Tenant>,
    /// `[[routes]]`, first match wins.
    pub routes: Vec<Route>,
}

/// `[upstreams.NAME]`: a vendor account, or the engine on this machine.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a table like { vendor = \"NAME\" }"
)]
pub struct Upstream {
    /// Who answers there.
    pub vendor: String,
    /// Where, unless it is this machine.
    pub base_url: Option<HttpUrl>,
    /// Public half of a pair. Secret too, for it is the vendor's account.
    pub api_id: Option<SecretSource>,
    /// Secret half of a pair.
    pub api_secret: Option<SecretSource>,
    /// Public half of a signing pair.
    pub secret_id: Option<SecretSource>,
    /// Half of a signing pair that is never sent.
    pub secret_key: Option<SecretSource>,
    /// One opaque credential.
    pub token: Option<SecretSource>,
    /// Encryption key of an installation.
    pub key: Option<SecretSource>,
    /// Initialisation vector of an installation.
    pub iv: Option<SecretSource>,
    /// From sending the request to the end of the answer.
    pub timeout: Span,
    /// TCP and TLS.
    pub connect_timeout: Span,
    /// Instead of the vendor's recommended threshold, in the vendor's own numbers.
    pub threshold: Option<f64>,
}

/// `[plans.NAME]`: what a tenant may use.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a table like { quota = \"unlimited\" }"
)]
pub struct Plan {
    /// Sustained rate; absent = no limit.
    pub rate: Option<RateSpec>,
    /// Calls that may come at once; absent = one second's worth of `rate`.
    pub burst: Option<NonZeroU32>,
    /// Calls in flight; absent = no limit.
    pub concurrency: Option<NonZeroU32>,
    /// Calls per period. Required.
    pub quota: Option<Quota>,
}

/// `quota = "unlimited"`, or a table with the periods that are limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quota {
    /// No period is limited.
    Unlimited,
    /// An absent period is not limited, but one must be named.
    Periods(Periods),
}

/// `{ day = 10000, month = 200000, total = "unlimited" }`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Periods {
    /// Per calendar day in the tenant's time zone.
    pub day: Option<Limit>,
    /// Per calendar month in the tenant's time zone.
    pub month: Option<Limit>,
    /// Ever.
    pub total: Option<Limit>,
}

/// `[tenants.NAME]`: a customer of this gateway.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields, default)]
pub struct Tenant {
    /// Its limits.
    pub plan: String,
    /// Dialects it may speak; absent = all.
    pub dialects: Option<Vec<String>>,
    /// IANA name of the zone in which its days and months begin.
    pub time_zone: String,
    /// How scores are written in the dialects whose documents disagree.
    #[serde(with = "ScoreAs")]
    pub score_as: vendors::ScoreAs,
    /// What it agrees to although it loses or exposes something.
    pub allow: Vec<vendors::OptIn>,
    /// Its credentials; more can be made at run time.
    pub keys: Vec<Key>,
    /// Its tables named after vendors, by vendor id.
    #[serde(skip)]
    pub own: BTreeMap<&'static str, OwnTable>,
}

/// A credential of a tenant.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a table like { id = \"NAME\", secret = { env = \"NAME\" } }"
)]
pub struct Key {
    /// The public half: 1 to 64 letters, digits, `_` and `-`, unique in the gateway.
    pub id: String,
    /// The secret half. Required.
    pub secret: Option<SecretSource>,
    /// Make the secret at random on first start if its file is absent.
    pub generate: bool,
    /// Not valid from this moment on, RFC 3339.
    pub expires_at: Option<String>,
    /// Dialects it may speak; absent = the tenant's.
    pub dialects: Option<Vec<String>>,
    /// Ops it may ask; absent = all.
    pub ops: Option<Vec<String>>,
}

/// `[[routes]]`: which upstreams serve which calls. `"*"` or absent = any.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a table like { to = [{ upstream = \"NAME\" }] }"
)]
pub struct Route {
    /// Whose calls.
    pub tenant: Option<String>,
    /// In which dialect.
    pub dialect: Option<String>,
    /// Asking what.
    pub op: Option<String>,
    /// Where to.
    pub to: Vec<Target>,
}

/// One upstream of a route.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a table like { upstream = \"NAME\" }"
)]
pub struct Target {
    /// Its name.
    pub upstream: String,
    /// Its share among the route's targets.
    pub weight: u32,
}

/// [`vendors::ScoreAs`] as it is written.
#[derive(Deserialize)]
#[serde(remote = "vendors::ScoreAs", rename_all = "lowercase")]
enum ScoreAs {
    Number,
    String,
}

// === impl Upstream ===

impl Default for Upstream {
    fn default() -> Self {
        Self {
            vendor: String::new(),
            base_url: None,
            api_id: None,
            api_secret: None,
            secret_id: None,
            secret_key: None,
            token: None,
            key: None,
            iv: None,
            timeout: Span::seconds(10),
            connect_timeout: Span::seconds(1),
            threshold: None,
        }
    }
}

impl Upstream {
    /// Every credential by the name that vendors' `credentials()` uses, written or not.
    #[must_use]
    pub fn credentials(&self) -> [(&'static str, Option<&SecretSource>); 7] {
        [
            ("api_id", self.api_id.as_ref()),
            ("api_secret", self.api_secret.as_ref()),
            ("secret_id", self.secret_id.as_ref()),
            ("secret_key", self.secret_key.as_ref()),
            ("token", self.token.as_ref()),
            ("key", self.key.as_ref()),
            ("iv", self.iv.as_ref()),
        ]
    }
}

// === impl Quota ===

impl<'de> Deserialize<'de> for Quota {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(QuotaVisitor)
    }
}

struct QuotaVisitor;

impl<'de> serde::de::Visitor<'de> for QuotaVisitor {
    type Value = Quota;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("{ day = 10000, month = 200000 } or \"unlimited\"")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Quota, E> {
        if text == "unlimited" {
            Ok(Quota::Unlimited)
        } else {
            Err(E::invalid_value(serde::de::Unexpected::Str(text), &self))
        }
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Quota, A::Error> {
        let periods = serde::de::value::MapAccessDeserializer::new(map);
        Periods::deserialize(periods).map(Quota::Periods)
    }
}

// === impl Tenant ===

impl Default for Tenant {
    fn default() -> Self {
        Self {
            plan: String::new(),
            dialects: None,
            time_zone: "UTC".to_owned(),
            score_as: vendors::ScoreAs::default(),
            allow: Vec::new(),
            keys: Vec::new(),
            own: BTreeMap::new(),
        }
    }
}

impl<'de> Deserialize<'de> for Tenant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(own::TenantVisitor)
    }
}

// === impl Target ===

impl Default for Target {
    fn default() -> Self {
        Self {
            upstream: String::new(),
            weight: 1,
        }
    }
}
