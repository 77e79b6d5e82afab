//! What is known of a request on its way, and the record that it ends in.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use pingora_proxy::Session;

use super::budget::Share;
use crate::auth::Caller;
use crate::canonical::{CallId, NativeScore, Outcome, Problem};
use crate::limits::Permit;
use crate::meter::{self, Answered, Asked, CallRecord, Ended, Reached, Timing};
use crate::tenancy::Upstream;
use crate::vendors::Recognised;

/// A request so far; pingora carries it from phase to phase.
#[derive(Debug)]
pub struct Progress {
    /// The call's id.
    pub id: CallId,
    /// When its head had arrived.
    pub started: Instant,
    /// The dialect and op, once the head has been looked at.
    pub recognised: Option<Recognised>,
    /// Who calls, once that is proven.
    pub caller: Option<Caller>,
    /// Until the call is settled.
    pub permit: Option<Permit>,
    /// Until the call is settled: parsed parts are slices of the body.
    pub memory: Option<Share>,
    /// Until the call is settled: what fetched files may take beside the body.
    pub fetched: Option<Share>,
    /// Bytes of body that have arrived.
    pub request_bytes: usize,
    /// Time spent waiting for them.
    pub reading: Duration,
    /// Who was asked.
    pub upstream: Option<Arc<Upstream>>,
    /// Time spent waiting for them.
    pub upstream_time: Duration,
    /// How it ended; `None` if the client was gone before it could.
    pub end: Option<Result<Outcome, Problem>>,
}

// === impl Progress ===

impl Progress {
    /// A request whose head has just arrived.
    #[must_use]
    pub fn new(id: CallId, started: Instant) -> Self {
        Self {
            id,
            started,
            recognised: None,
            caller: None,
            permit: None,
            memory: None,
            fetched: None,
            request_bytes: 0,
            reading: Duration::ZERO,
            upstream: None,
            upstream_time: Duration::ZERO,
            end: None,
        }
    }

    /// The record of a request that spoke a dialect. `units` are what its permit was charged.
    pub fn record(
        &mut self,
        session: &Session,
        recognised: Recognised,
        units: Option<u64>,
        (now, finished): (Timestamp, Instant),
    ) -> CallRecord {
        let total = finished.saturating_duration_since(self.started);
        let end = self.end.take();
        let supports = |op| recognised.inbound.capabilities().support(op);
        CallRecord {
            id: self.id,
            at: now - total,
            caller: self.caller.take().map(|caller| meter::Caller {
                key_id: Arc::clone(&caller.key.id),
                tenant: caller.tenant,
            }),
            asked: Asked {
                dialect: recognised.vendor.id,
                op: recognised.op,
                method: session.req_header().method.clone(),
                path: recognised.op.and_then(supports).map(|support| support.path),
                request_bytes: self.request_bytes as u64,
            },
            answered: Answered {
                status: session
                    .response_written()
                    .map_or(0, |head| head.status.as_u16()),
                ended: match &end {
                    Some(Ok(outcome)) => Ended::from(outcome),
                    Some(Err(problem)) => Ended::from(problem),
                    None => Ended::Aborted,
                },
                response_bytes: session.body_bytes_sent() as u64,
            },
            upstream: self.upstream.take().map(|upstream| Reached {
                name: Arc::clone(&upstream.name),
                vendor_code: end.as_ref().and_then(vendor_code),
                native: end.as_ref().and_then(native_score),
            }),
            timing: Timing {
                total,
                reading: self.reading,
                upstream: self.upstream_time,
            },
            units,
        }
    }
}

fn vendor_code(end: &Result<Outcome, Problem>) -> Option<String> {
    end.as_ref().err()?.vendor_code.clone()
}

fn native_score(end: &Result<Outcome, Problem>) -> Option<NativeScore> {
    match end.as_ref().ok()? {
        Outcome::Liveness(liveness) => liveness.native.clone(),
        Outcome::Match(matched) => matched.native.clone(),
        Outcome::Quality(_) | Outcome::Uploaded(_) => None,
    }
}
