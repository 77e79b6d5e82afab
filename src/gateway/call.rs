//! One request from head to record.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::header::ACCEPT;
use http::{Request, Response};
use pingora_proxy::Session;
use uuid::Uuid;

use super::body::{self, Body, Bounds};
use super::budget::Budget;
use super::progress::Progress;
use super::strangers::Strangers;
use super::{Config, front};
use crate::auth::{self, Caller, MasterKey};
use crate::canonical::{Call, CallId, Op, Outcome, Problem, ProblemKind, Retry, Verdict};
use crate::clock::Clock;
use crate::exchange::Exchange;
use crate::limits::Limits;
use crate::media;
use crate::meter::Meter;
use crate::route;
use crate::tenancy::Snapshot;
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
    strangers: Strangers,
    bounds: Bounds,
}

/// Advice when something of ours is behind.
const SOON: Retry = Retry::After(Duration::from_secs(1));

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
        let strangers = Strangers::new(bounds.max.saturating_mul(2));
        Self(Arc::new(Inner {
            strangers,
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
        let id = CallId::from_bytes(Uuid::new_v4().into_bytes());
        Progress::new(id, self.0.parts.clock.instant())
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
            accept: session.req_header().headers.get(ACCEPT),
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
        if let Err(problem) = &end {
            log(problem, progress);
        }
        progress.end = Some(end);
        response
    }

    async fn carry_out(
        &self,
        session: &mut Session,
        recognised: Recognised,
        progress: &mut Progress,
    ) -> Result<(Call, Outcome), Problem> {
        let Parts {
            exchange, snapshot, ..
        } = &self.0.parts;
        let snapshot = snapshot.load_full();
        let Recognised {
            vendor, inbound, ..
        } = recognised;
        let op = check_head(session, recognised)?;
        let (caller, early) = self
            .identify(&snapshot, session, (recognised, op), progress)
            .await?;
        self.admit(&caller, op, progress).await?;
        let request = match early {
            Some(request) => request,
            None => {
                self.read_request(session, (recognised, op), progress)
                    .await?
            }
        };
        let accept = session.req_header().headers.get(ACCEPT).cloned();
        let tenant = &caller.tenant;
        let cx = DialectCx {
            id: progress.id,
            settings: &tenant.settings,
            accept: accept.as_ref(),
        };
        let mut call = inbound.parse_request(&cx, op, request)?;
        check_media(recognised, &call)?;
        let point = progress.id.point();
        let query = route::Query {
            tenant,
            dialect: vendor,
            call: &call,
            point,
        };
        let upstream = Arc::clone(progress.upstream.insert(route::plan(&snapshot, &query)?));
        let files = Exchange::files_to_fetch(&upstream, &call);
        if files > 0 {
            let max = self.0.bounds.max;
            let room = self.0.budget.take(files.saturating_mul(max));
            progress.fetched = Some(room.ok_or_else(body::no_room)?);
            exchange.fetch_media(&mut call, max).await?;
            check_media(recognised, &call)?;
        }
        let answer = exchange.run(&upstream, progress.id, &call).await;
        progress.upstream_time = answer.upstream;
        Ok((call, answer.result?))
    }

    /// Who calls, from the head alone wherever it tells. A dialect whose clients put their credential into the form has
    /// its body read first, as a stranger's; then it comes back too.
    async fn identify(
        &self,
        snapshot: &Snapshot,
        session: &mut Session,
        (recognised, op): (Recognised, Op),
        progress: &mut Progress,
    ) -> Result<(Caller, Option<Request<Bytes>>), Problem> {
        let Parts { master, clock, .. } = &self.0.parts;
        let Recognised {
            vendor, inbound, ..
        } = recognised;
        let mut presented = inbound.credential(session.req_header());
        let mut early = None;
        if presented.is_none() && inbound.capabilities().credential_in_body {
            let length = body::declared_length(session).unwrap_or(self.0.bounds.max);
            let address = session
                .client_addr()
                .and_then(|address| address.as_inet())
                .map(|inet| inet.ip());
            let _stranger = self
                .0
                .strangers
                .take(address, length)
                .ok_or_else(body::no_room)?;
            let request = self
                .read_request(session, (recognised, op), progress)
                .await?;
            presented = inbound.credential_in_body(&request);
            early = Some(request);
        }
        let now = clock.now();
        let caller = auth::authenticate(snapshot, master, presented.as_ref(), vendor.id, op, now)?;
        Ok((progress.caller.insert(caller).clone(), early))
    }

    async fn admit(&self, caller: &Caller, op: Op, progress: &mut Progress) -> Result<(), Problem> {
        let Parts { meter, limits, .. } = &self.0.parts;
        if !meter.has_room() {
            let problem =
                Problem::new(ProblemKind::Overloaded, "the gateway cannot keep its books");
            return Err(problem.retry(SOON));
        }
        progress.permit = Some(limits.admit(&caller.tenant, &caller.key.id, op).await?);
        Ok(())
    }

    async fn read_request(
        &self,
        session: &mut Session,
        (recognised, op): (Recognised, Op),
        progress: &mut Progress,
    ) -> Result<Request<Bytes>, Problem> {
        let Inner {
            parts: Parts { clock, .. },
            budget,
            bounds,
            ..
        } = &*self.0;
        let of_dialect = recognised
            .inbound
            .capabilities()
            .support(op)
            .map_or(0, |op| op.max_body);
        let bounds = Bounds {
            max: bounds.max.min(of_dialect),
            ..*bounds
        };
        let started = clock.instant();
        let read = body::read(session, &bounds, budget).await;
        progress.reading = clock.instant() - started;
        let Body { bytes, share } = read?;
        progress.request_bytes = bytes.len();
        progress.memory = Some(share);
        Ok(Request::from_parts(
            session.req_header().as_owned_parts(),
            bytes,
        ))
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
        progress.fetched = None;
        if let Some(recognised) = progress.recognised {
            let now = (clock.now(), clock.instant());
            meter.record(progress.record(session, recognised, units, now));
        }
    }
}

/// What is not the caller's fault is somebody's to mend. Said once, here, with its cause, which no caller sees.
fn log(problem: &Problem, progress: &Progress) {
    if problem.kind.is_callers() {
        return;
    }
    let upstream = progress.upstream.as_ref().map(|upstream| &*upstream.name);
    let (kind, code) = (problem.kind.as_str(), problem.vendor_code.as_deref());
    let cause = problem.source.as_deref().map(tracing::field::display);
    tracing::warn!(id = %progress.id, kind, upstream, code, cause, "a call failed: {}", problem.detail);
}

/// A verdict is charged, also if its caller has gone; a refusal, our failure or an undecided answer is not.
fn is_charged(end: &Result<Outcome, Problem>) -> bool {
    match end {
        Ok(Outcome::Liveness(liveness)) => liveness.verdict != Verdict::Undecided,
        Ok(Outcome::Match(_) | Outcome::Quality(_) | Outcome::Uploaded(_)) => true,
        Err(_) => false,
    }
}

fn check_head(session: &Session, recognised: Recognised) -> Result<Op, Problem> {
    let http1 = session.downstream_session.as_http1();
    let raw = http1
        .map(|http1| http1.get_headers_raw_bytes())
        .unwrap_or_default();
    front::check(session.req_header(), &raw)?;
    let unknown = "there is no such path, or not with this method";
    recognised
        .op
        .ok_or_else(|| Problem::new(ProblemKind::NotFound, unknown))
}

/// The dialect's own limits on pictures, before anything is decoded or sent.
fn check_media(recognised: Recognised, call: &Call) -> Result<(), Problem> {
    // What is kept for later is held to the rules of what it will be used for.
    let op = match call {
        Call::Upload(upload) => upload.for_op,
        Call::ImageLiveness(_)
        | Call::BundleLiveness(_)
        | Call::VideoLiveness(_)
        | Call::VideoMatch(_)
        | Call::FaceMatch(_)
        | Call::FaceQuality(_) => call.op(),
    };
    let support = recognised.inbound.capabilities().support(op);
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
