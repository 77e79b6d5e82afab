//! What is known of a call once it is over.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use jiff::Timestamp;

use crate::canonical::{CallId, NativeScore, Op, Outcome, Problem, ProblemKind, Verdict};
use crate::store::UsageEvent;
use crate::tenancy::Tenant;

/// In labels, lines and usage, where there is nothing to name.
pub(super) const NONE: &str = "-";

/// One finished call, as the gateway saw it.
#[derive(Debug)]
pub struct CallRecord {
    /// Its id.
    pub id: CallId,
    /// When its head had arrived.
    pub at: Timestamp,
    /// Who called; `None` if that was never found out.
    pub caller: Option<Caller>,
    /// What was asked.
    pub asked: Asked,
    /// What was answered.
    pub answered: Answered,
    /// Which upstream gave the answer, or failed last; `None` if none was asked.
    pub upstream: Option<Reached>,
    /// How long it took.
    pub timing: Timing,
    /// Units charged, 0 if the permit was released; `None` if the call was never admitted, which makes no usage.
    pub units: Option<u64>,
}

/// Who called.
#[derive(Debug)]
pub struct Caller {
    /// Whose call.
    pub tenant: Arc<Tenant>,
    /// With which key: the configured id, not the presented text.
    pub key_id: Arc<str>,
}

/// What was asked.
#[derive(Debug)]
pub struct Asked {
    /// The vendor id of the dialect.
    pub dialect: &'static str,
    /// `None` if the path or method was unknown.
    pub op: Option<Op>,
    /// Written only if it is one of the standard ones.
    pub method: Method,
    /// The path as the dialect's capabilities spell it; `None` if it was unknown.
    pub path: Option<&'static str>,
    /// Size of the body as far as it was read.
    pub request_bytes: u64,
}

/// What was answered.
#[derive(Debug)]
pub struct Answered {
    /// HTTP status; 0 if the caller was gone.
    pub status: u16,
    /// How it ended.
    pub ended: Ended,
    /// Size of the body.
    pub response_bytes: u64,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// With a verdict.
    Verdict(Verdict),
    /// With an answer that is not a verdict.
    Answered,
    /// With a problem.
    Problem(ProblemKind),
    /// The caller went away first.
    Aborted,
}

/// The upstream that a call reached.
#[derive(Debug)]
pub struct Reached {
    /// Its name in the configuration.
    pub name: Arc<str>,
    /// Its own code, if it answered with one. Cut off at 64 bytes when written.
    pub vendor_code: Option<String>,
    /// Its own score. Cut off at 64 bytes when written.
    pub native: Option<NativeScore>,
}

/// Where the time went. The rest of `total` is ours.
#[derive(Debug, Clone, Copy, Default)]
pub struct Timing {
    /// From the head of the request to the last byte of the answer.
    pub total: Duration,
    /// Waiting for the caller's body.
    pub reading: Duration,
    /// Waiting for upstreams.
    pub upstream: Duration,
}

// === impl CallRecord ===

impl CallRecord {
    pub(super) fn tenant(&self) -> &str {
        self.caller
            .as_ref()
            .map_or(NONE, |caller| &*caller.tenant.id)
    }

    pub(super) fn key(&self) -> &str {
        self.caller.as_ref().map_or(NONE, |caller| &*caller.key_id)
    }

    pub(super) fn op(&self) -> &'static str {
        self.asked.op.map_or(NONE, Op::as_str)
    }

    pub(super) fn upstream(&self) -> &str {
        self.upstream
            .as_ref()
            .map_or(NONE, |reached| &*reached.name)
    }

    pub(super) fn native(&self) -> Option<&NativeScore> {
        self.upstream.as_ref()?.native.as_ref()
    }

    /// The event to bill, if the call was admitted.
    pub(super) fn usage_event(&self) -> Option<UsageEvent> {
        let units = self.units?;
        let local = match &self.caller {
            Some(caller) => self.at.to_zoned(caller.tenant.time_zone.clone()),
            None => self.at.to_zoned(jiff::tz::TimeZone::UTC),
        };
        Some(UsageEvent {
            id: self.id,
            at: self.at,
            day: local.date(),
            tenant: name(self.caller.as_ref().map(|caller| &caller.tenant.id)),
            key: name(self.caller.as_ref().map(|caller| &caller.key_id)),
            dialect: self.asked.dialect,
            op: self.op(),
            upstream: name(self.upstream.as_ref().map(|reached| &reached.name)),
            outcome: self.answered.ended.as_str(),
            units,
            native_vendor: self.native().map(|native| native.vendor),
            native_score: self.native().map(|native| clip(&native.text).to_owned()),
        })
    }
}

// === impl Ended ===

impl Ended {
    /// The outcome in metrics, lines and usage: a verdict, `answered`, a problem's kind or `aborted`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verdict(verdict) => verdict.as_str(),
            Self::Answered => "answered",
            Self::Problem(kind) => kind.as_str(),
            Self::Aborted => "aborted",
        }
    }

    pub(super) fn problem(self) -> Option<ProblemKind> {
        match self {
            Self::Problem(kind) => Some(kind),
            Self::Verdict(_) | Self::Answered | Self::Aborted => None,
        }
    }
}

impl From<&Outcome> for Ended {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Liveness(liveness) => Self::Verdict(liveness.verdict),
            Outcome::Match(_) | Outcome::Quality(_) | Outcome::Uploaded(_) => Self::Answered,
        }
    }
}

impl From<&Problem> for Ended {
    fn from(problem: &Problem) -> Self {
        Self::Problem(problem.kind)
    }
}

// === impl Timing ===

impl Timing {
    /// What livegate itself took.
    #[must_use]
    pub fn overhead(&self) -> Duration {
        self.total
            .saturating_sub(self.reading)
            .saturating_sub(self.upstream)
    }
}

fn name(name: Option<&Arc<str>>) -> Arc<str> {
    name.map_or_else(|| NONE.into(), Arc::clone)
}

/// An upstream's words, as many as are worth keeping.
pub(super) fn clip(text: &str) -> &str {
    text.get(..text.floor_char_boundary(64)).unwrap_or_default()
}
