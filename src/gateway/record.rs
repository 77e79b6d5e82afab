//! From a finished request to its record.

use std::time::Instant;

use jiff::Timestamp;
use pingora_proxy::Session;

use super::call::Progress;
use crate::canonical::{NativeScore, Outcome, Problem};
use crate::meter::{Answered, Asked, CallRecord, Caller, Ended, Reached, Timing};
use crate::vendors::Recognised;

/// The record of a request that spoke a dialect. `units` are what its permit was charged.
pub fn of(
    session: &Session,
    progress: &mut Progress,
    recognised: Recognised,
    units: Option<u64>,
    (now, finished): (Timestamp, Instant),
) -> CallRecord {
    let total = finished.saturating_duration_since(progress.started);
    let end = progress.end.take();
    let written = session.response_written();
    CallRecord {
        id: progress.id,
        at: now - total,
        caller: progress.caller.as_ref().map(|caller| Caller {
            tenant: caller.tenant.clone(),
            key_id: caller.key.id.clone(),
        }),
        asked: Asked {
            dialect: recognised.vendor.id,
            op: recognised.op,
            method: session.req_header().method.clone(),
            path: recognised
                .op
                .and_then(|op| recognised.inbound.capabilities().support(op))
                .map(|support| support.path),
            request_bytes: progress.request_bytes as u64,
        },
        answered: Answered {
            status: written.map_or(0, |head| head.status.as_u16()),
            ended: match &end {
                Some(Ok(outcome)) => Ended::from(outcome),
                Some(Err(problem)) => Ended::from(problem),
                None => Ended::Aborted,
            },
            response_bytes: session.body_bytes_sent() as u64,
        },
        upstream: progress.upstream.take().map(|upstream| Reached {
            name: upstream.name.clone(),
            vendor_code: end.as_ref().and_then(vendor_code),
            native: end.as_ref().and_then(native_score),
        }),
        timing: Timing {
            total,
            reading: progress.reading,
            upstream: progress.upstream_time,
        },
        units,
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
