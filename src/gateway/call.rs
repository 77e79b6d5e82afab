//! One request from head to record.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{Request, Response};
use pingora_proxy::Session;
use uuid::Uuid;

use super::body::{self, Body, Bounds};
use super::budget::{Budget, Share};
use super::{Config, front, record};
use crate::auth::{self, Caller, MasterKey};
use crate::canonical::{Call, CallId, Outcome, Problem, ProblemKind, Retry, Verdict};
use crate::clock::Clock;
use crate::exchange::Exchange;
use crate::limits::{Limits, Permit};
use crate::media;
use crate::meter::Meter;
use crate::route;
use crate::tenancy::{Snapshot, Upstream};
use crate::vendors::{self, DialectCx, DialectSettings, Recognised};

/// The data plane. Cheap to clone: everything is shared.
#[derive(Debug, Clone)]
pub struct Gateway(Arc<Inner>);

/// What the data plane works with.
#[derive(Debug)]
pub struct Parts {
    /// The current configuration; a reload swaps it.
    pub snapshot: Arc<ArcSwap<Snapshot>>,
    /// Under which secrets are digested.
    pub master: MasterKey,
    /// Rate, concurrency, quota.
    pub limits: Arc<Limits>,
    /// Where calls are recorded.
    pub meter: Meter,
    /// The way to upstreams.
    pub exchange: Exchange,
    /// `[server]`
    pub config: Config,
    /// The time.
    pub clock: Clock,
}

#[derive(Debug)]
struct Inner {
    parts: Parts,
    budget: Budget,
    bounds: Bounds,
}

/// Advice when something of ours is behind.
const SOON: Retry = Retry::After(Duration::from_secs(1));

/// What is known of a request so far; pingora carries it from phase to phase.
#[derive(Debug)]
pub struct Progress {
    /// The call's id.
    pub(super) id: CallId,
    pub(super) started: Instant,
    /// The dialect and op, once the head has been read.
    pub(super) recognised: Option<Recognised>,
    pub(super) caller: Option<Caller>,
    pub(super) upstream: Option<Arc<Upstream>>,
    pub(super) upstream_time: Duration,
    pub(super) reading: Duration,
    pub(super) request_bytes: usize,
    /// How it ended; `None` if the client was gone before it could.
    pub(super) end: Option<Result<Outcome, Problem>>,
    permit: Option<Permit>,
    /// Held until the record is written: parsed parts are slices of the body.
    memory: Option<Share>,
}

// === impl Gateway ===

impl Gateway {
    /// A data plane with no call in flight.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let budget = Budget::new(parts.config.body_memory.bytes());
        let bounds = Bounds {
            max: parts.config.max_body.bytes(),
            within: parts.config.body_timeout.0,
        };
        Self(Arc::new(Inner {
            parts,
            budget,
            bounds,
        }))
    }

    /// Bytes of bodies in memory now.
    #[must_use]
    pub fn body_bytes(&self) -> usize {
        self.0.budget.used()
    }

    pub(super) fn config(&self) -> &Config {
        &self.0.parts.config
    }

    pub(super) fn begin(&self) -> Progress {
        Progress {
            id: CallId::from_bytes(Uuid::new_v4().into_bytes()),
            started: self.0.parts.clock.instant(),
            recognised: None,
            caller: None,
            upstream: None,
            upstream_time: Duration::ZERO,
            reading: Duration::ZERO,
            request_bytes: 0,
            end: None,
            permit: None,
            memory: None,
        }
    }

    /// The whole way of a call. Whatever goes wrong is said in the dialect of the request.
    pub(super) async fn answer(
        &self,
        session: &mut Session,
        progress: &mut Progress,
    ) -> Response<Bytes> {
        let head = session.req_header();
        if let Some(document) = vendors::document(head) {
            return document;
        }
        let recognised = vendors::recognise(head);
        progress.recognised = Some(recognised);
        let result = self.carry_out(session, recognised, progress).await;
        let defaults = DialectSettings::default();
        let settings = progress
            .caller
            .as_ref()
            .map_or(&defaults, |caller| &caller.tenant.settings);
        let cx = DialectCx {
            id: progress.id,
            settings,
        };
        let (response, end) = match result {
            Ok((call, outcome)) => (
                recognised.inbound.render_response(&cx, &call, &outcome),
                Ok(outcome),
            ),
            Err(problem) => (
                recognised
                    .inbound
                    .render_problem(&cx, recognised.op, &problem),
                Err(problem),
            ),
        };
        progress.end = Some(end);
        response
    }

    async fn carry_out(
        &self,
        session: &mut Session,
        recognised: Recognised,
        progress: &mut Progress,
    ) -> Result<(Call, Outcome), Problem> {
        let parts = &self.0.parts;
        let Recognised {
            vendor,
            inbound,
            op,
        } = recognised;
        let head = session.req_header();
        let raw = session
            .downstream_session
            .as_http1()
            .map(|http1| http1.get_headers_raw_bytes());
        front::check(head, raw.as_deref().unwrap_or_default())?;
        let op = op.ok_or_else(|| {
            Problem::new(
                ProblemKind::NotFound,
                "there is no such path, or not with this method",
            )
        })?;
        let snapshot = parts.snapshot.load_full();
        let presented = inbound.credential(head);
        let now = parts.clock.now();
        let caller = auth::authenticate(
            &snapshot,
            &parts.master,
            presented.as_ref(),
            vendor.id,
            op,
            now,
        )?;
        let caller = progress.caller.insert(caller).clone();
        if !parts.meter.has_room() {
            return Err(
                Problem::new(ProblemKind::Overloaded, "the gateway cannot keep its books")
                    .retry(SOON),
            );
        }
        let permit = parts
            .limits
            .admit(&caller.tenant, &caller.key.id, op)
            .await?;
        progress.permit = Some(permit);
        let body = self.read_body(session, progress).await?;
        let request = Request::from_parts(session.req_header().as_owned_parts(), body);
        let cx = DialectCx {
            id: progress.id,
            settings: &caller.tenant.settings,
        };
        let call = inbound.parse_request(&cx, op, request)?;
        check_media(recognised, &call)?;
        let query = route::Query {
            tenant: &caller.tenant,
            dialect: vendor.id,
            call: &call,
            point: progress.id.point(),
        };
        let upstream = Arc::clone(progress.upstream.insert(route::plan(&snapshot, &query)?));
        let answer = parts.exchange.run(&upstream, progress.id, &call).await;
        progress.upstream_time = answer.upstream;
        Ok((call, answer.result?))
    }

    async fn read_body(
        &self,
        session: &mut Session,
        progress: &mut Progress,
    ) -> Result<Bytes, Problem> {
        let clock = &self.0.parts.clock;
        let started = clock.instant();
        let read = body::read(session, &self.0.bounds, &self.0.budget).await;
        progress.reading = clock.instant() - started;
        let Body { bytes, share } = read?;
        progress.request_bytes = bytes.len();
        progress.memory = Some(share);
        Ok(bytes)
    }

    /// The end of every request, whatever happened: the permit is settled and the call recorded, here and nowhere else.
    pub(super) fn finish(&self, session: &Session, progress: &mut Progress) {
        let Parts { meter, clock, .. } = &self.0.parts;
        let charged = progress.end.as_ref().is_some_and(is_charged);
        let units = progress.permit.take().map(|permit| {
            if charged {
                permit.commit()
            } else {
                permit.release()
            }
            u64::from(charged)
        });
        progress.memory = None;
        if let Some(recognised) = progress.recognised {
            let now = (clock.now(), clock.instant());
            meter.record(record::of(session, progress, recognised, units, now));
        }
    }
}

/// A verdict is charged, also if its caller has gone; a refusal, our failure or an undecided answer is not.
fn is_charged(end: &Result<Outcome, Problem>) -> bool {
    match end {
        Ok(Outcome::Liveness(liveness)) => liveness.verdict != Verdict::Undecided,
        Ok(Outcome::Match(_) | Outcome::Quality(_) | Outcome::Uploaded(_)) => true,
        Err(_) => false,
    }
}

/// The dialect's own limits on pictures, before anything is decoded or sent.
fn check_media(recognised: Recognised, call: &Call) -> Result<(), Problem> {
    let support = recognised.inbound.capabilities().support(call.op());
    let Some(rules) = support.and_then(|support| support.image.as_ref()) else {
        return Ok(());
    };
    for bytes in call
        .pictures()
        .into_iter()
        .filter_map(|media| media.bytes())
    {
        media::check_image(bytes, rules)?;
    }
    Ok(())
}
