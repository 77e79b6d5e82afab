//! Talking to upstreams: the only caller of outbound adapters.
//!
//! [`Exchange::run`] takes one call to one upstream and back: it drives the adapter's turns, keeps the deadline, and
//! turns every way of failing into a [`Problem`]. Adapters never see a socket; transports never see a call.
//!
//! An upstream on this machine ([`engine`]) is a transport like any other, chosen by the URI's scheme, so that routing,
//! deadlines and records need no special case for it.

mod connector;
pub mod download;
mod engine;

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use tokio::time::{Instant, timeout_at};

pub use connector::Connector;

use crate::canonical::{Call, CallId, Media, MediaForm, Outcome, Problem, ProblemKind, Retry};
use crate::clock::Clock;
use crate::engine::Engine;
use crate::media::Guard;
use crate::tenancy::Upstream;
use crate::vendors::{Turn, UpstreamCx};

/// No vendor needs more than open, upload, start and a bounded number of polls.
const MAX_TURNS: usize = 16;

/// The way to every upstream.
#[derive(Debug)]
pub struct Exchange {
    connector: Connector,
    guard: Guard,
    engine: Engine,
    clock: Clock,
}

/// An outcome, or a problem, and how long the upstream took in either case.
#[derive(Debug)]
pub struct Answer {
    /// What came of it.
    pub result: Result<Outcome, Problem>,
    /// Time spent waiting for the upstream.
    pub upstream: Duration,
}

// === impl Exchange ===

impl Exchange {
    /// An exchange with an empty connection pool.
    #[must_use]
    pub fn new(engine: Engine, guard: Guard, clock: Clock) -> Self {
        Self {
            connector: Connector::new(),
            guard,
            engine,
            clock,
        }
    }

    /// How many files of a call have to be fetched, because the caller named them by URL and the upstream takes only
    /// bytes.
    #[must_use]
    pub fn files_to_fetch(upstream: &Upstream, call: &Call) -> usize {
        let support = upstream
            .vendor
            .outbound
            .and_then(|outbound| outbound.capabilities().support(call.op()));
        if support.is_none_or(|support| support.forms.contains(&MediaForm::Url)) {
            return 0;
        }
        let named = |media: &&&Media| media.form() == MediaForm::Url;
        call.media().iter().filter(named).count()
    }

    /// Fetches every file that the caller named by URL.
    ///
    /// # Errors
    ///
    /// `DownloadTimeout` or `DownloadFailed`, also for a file of more than `max` bytes and for an address that may not
    /// be reached.
    pub async fn fetch_media(&self, call: &mut Call, max: usize) -> Result<(), Problem> {
        for media in call.media_mut() {
            if let Media::Url(url) = media {
                let file = download::fetch(&self.connector, &self.guard, url, max).await?;
                *media = Media::Bytes(file);
            }
        }
        Ok(())
    }

    /// Carries out `call` at `upstream`, within the upstream's timeout for all turns together.
    pub async fn run(&self, upstream: &Upstream, id: CallId, call: &Call) -> Answer {
        let started = self.clock.instant();
        let deadline = Instant::from_std(started) + upstream.timeout;
        let result = timeout_at(deadline, self.converse(upstream, id, call))
            .await
            .unwrap_or_else(|_elapsed| {
                Err(
                    Problem::new(ProblemKind::UpstreamTimeout, "the check took too long")
                        .retry(Retry::Now),
                )
            });
        Answer {
            result,
            upstream: self.clock.instant() - started,
        }
    }

    async fn converse(
        &self,
        upstream: &Upstream,
        id: CallId,
        call: &Call,
    ) -> Result<Outcome, Problem> {
        let outbound = upstream.vendor.outbound.ok_or_else(Problem::unsupported)?;
        let now = self.clock.now().as_second();
        let cx = UpstreamCx::new(
            id,
            &upstream.base_url,
            upstream.scale,
            now,
            &upstream.secrets,
        );
        let mut turn = outbound.render_request(call, &cx)?;
        for _ in 0..MAX_TURNS {
            match turn {
                Turn::Done(outcome) => return Ok(outcome),
                Turn::Send { request, memo } => {
                    let response = self.send(upstream, request).await?;
                    turn = outbound.parse_response(call, memo, response, &cx)?;
                }
            }
        }
        Err(Problem::new(
            ProblemKind::UpstreamFailed,
            "the check did not come to an end",
        ))
    }

    async fn send(
        &self,
        upstream: &Upstream,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, Problem> {
        match request.uri().scheme_str() {
            Some(engine::SCHEME) => engine::send(&self.engine, request).await,
            _ => self.connector.send(upstream, request).await,
        }
    }
}
