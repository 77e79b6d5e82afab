//! One request from head to record.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use pingora_proxy::Session;

use super::{Budget, body, front};
use crate::auth::{self, Caller, MasterKey};
use crate::canonical::{Call, CallId, Op, Outcome, Problem, ProblemKind, Verdict};
use crate::clock::Clock;
use crate::exchange::Exchange;
use crate::limits::{Limits, Permit};
use crate::media;
use crate::meter::{CallRecord, Meter};
use crate::route;
use crate::tenancy::{Snapshot, Upstream};
use crate::vendors::{self, DialectCx, DialectSettings, Recognised};

/// The data plane. Cheap to clone: everything is shared.
#[derive(Debug, Clone)]
pub struct Gateway(Arc<Parts>);

/// What the data plane works with.
#[derive(Debug)]
pub struct Parts {
    /// The current configuration; a reload swaps it.
    pub snapshot: Arc<ArcSwap<Snapshot>>,
    /// Under which secrets are digested.
    pub master: MasterKey,
    /// Rate, concurrency, quota.
    pub limits: Limits,
    /// Where calls are recorded.
    pub meter: Meter,
    /// The way to upstreams.
    pub exchange: Exchange,
    /// Memory for bodies.
    pub budget: Budget,
    /// Largest body, and its time.
    pub body: body::Limits,
    /// The time.
    pub clock: Clock,
}

/// What is known of a request so far; pingora carries it from phase to phase.
#[derive(Debug)]
pub struct Progress {
    /// The call's id.
    pub(super) id: CallId,
    started: Instant,
    dialect: &'static str,
    op: Option<Op>,
    caller: Option<Caller>,
    permit: Option<Permit>,
    upstream: Option<Arc<Upstream>>,
    upstream_time: Duration,
    request_bytes: usize,
    response_bytes: usize,
    method: Method,
    status: StatusCode,
    end: Option<End>,
}

/// How a call ended.
#[derive(Debug)]
enum End {
    Answered(Outcome),
    Refused(Problem),
}
