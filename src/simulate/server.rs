//! A vendor's inbound half on a socket.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::ACCEPT;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::faults::{self, Answer, Fault, Recurring};
use super::script::{Digest, Script, Scripted};
use super::{Account, Config, Seen, answers};
use crate::canonical::{Call, CallId, Media, Op, Outcome, Problem, ProblemKind, Retry};
use crate::exchange::{Connector, download};
use crate::media::{self, Guard};
use crate::vendors::{DialectCx, Inbound, Vendor};

/// Asks for an outcome by name.
const OUTCOME: &str = "x-simulate";
/// Asks for a fault by name.
const FAULT: &str = "x-simulate-fault";

/// How long a body may take.
const BODY_WITHIN: Duration = Duration::from_secs(30);
/// Largest file that is downloaded, bytes.
const MAX_DOWNLOAD: usize = 16 << 20;
/// How long to wait when the machine has no more sockets.
const NO_SOCKETS: Duration = Duration::from_millis(100);
/// The advice of a throttled or full vendor.
const SOON: Retry = Retry::After(Duration::from_secs(1));

/// One vendor, simulated.
pub(super) struct Simulator {
    vendor: &'static Vendor,
    inbound: &'static dyn Inbound,
    account: Account,
    script: Script,
    recurring: Option<Recurring>,
    connector: Connector,
    guard: Guard,
    seen: Arc<Seen>,
}

/// The connection is to be closed without an answer.
#[derive(Debug, Error)]
#[error("dropped on demand")]
struct Dropped;

/// Serves until it is dropped, and every connection with it.
pub(super) async fn serve(listener: TcpListener, simulator: Arc<Simulator>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(Arc::clone(&simulator).converse(stream));
                }
                Err(_) => tokio::time::sleep(NO_SOCKETS).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

// === impl Simulator ===

impl Simulator {
    pub(super) fn new(
        vendor: &'static Vendor,
        inbound: &'static dyn Inbound,
        config: Config,
        seen: Arc<Seen>,
    ) -> Self {
        Self {
            vendor,
            inbound,
            account: config.account.with_defaults_of(vendor),
            script: config.script,
            recurring: config.fault,
            connector: Connector::new(),
            guard: Guard::new(&config.downloads),
            seen,
        }
    }

    async fn converse(self: Arc<Self>, stream: TcpStream) {
        let service = service_fn(|request| {
            let simulator = Arc::clone(&self);
            async move { simulator.respond(request).await }
        });
        // A caller that goes away, or is sent away on demand, is no news.
        let _closed = http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), service)
            .await;
    }

    async fn respond(&self, request: Request<Incoming>) -> Result<Response<Answer>, Dropped> {
        let number = self.seen.begin();
        let (head, body) = request.into_parts();
        let accept = head.headers.get(ACCEPT).cloned();
        let cx = DialectCx {
            id: CallId::from_bytes(Uuid::new_v4().into_bytes()),
            settings: &self.account.settings,
            accept: accept.as_ref(),
        };
        let op = self.inbound.recognise(&head);
        let (fault, result) = match self.fault(&head, number) {
            Ok(fault) => (fault, self.judge(&cx, op, head, body).await),
            Err(problem) => (None, Err(problem)),
        };
        let outcome = match &result {
            Ok((_, _, scripted)) => scripted.as_str(),
            Err(problem) => problem.kind.as_str(),
        };
        self.seen.end(outcome, fault);
        let answer = match (&fault, &result) {
            (Some(Fault::Throttle), _) => {
                let throttled = simulated(ProblemKind::RateLimited);
                self.inbound.render_problem(&cx, op, &throttled)
            }
            (_, Ok((call, outcome, _))) => self.inbound.render_response(&cx, call, outcome),
            (_, Err(problem)) => self.inbound.render_problem(&cx, op, problem),
        };
        if let Some(Fault::Slow(delay)) = fault {
            tokio::time::sleep(delay).await;
        }
        match fault {
            Some(fault) => fault.spoil(answer).ok_or(Dropped),
            None => Ok(faults::whole(answer)),
        }
    }

    fn fault(&self, head: &Parts, number: u64) -> Result<Option<Fault>, Problem> {
        match asked::<Fault>(head, FAULT)? {
            Some(fault) => Ok(Some(fault)),
            None => Ok(self.recurring.and_then(|recurring| recurring.of(number))),
        }
    }

    /// As strict as the vendor: path, credential, size, request, pictures; then the outcome.
    async fn judge(
        &self,
        cx: &DialectCx<'_>,
        op: Option<Op>,
        head: Parts,
        body: Incoming,
    ) -> Result<(Call, Outcome, Scripted), Problem> {
        let capabilities = self.inbound.capabilities();
        let support = op.and_then(|op| capabilities.support(op));
        // Read before anything is refused: who is cut off while still sending may never read the refusal.
        let body = read(body, support.map_or(0, |support| support.max_body)).await;
        let (Some(op), Some(support)) = (op, support) else {
            let unknown = "there is no such path, or not with this method";
            return Err(Problem::new(ProblemKind::NotFound, unknown));
        };
        let asked = asked::<Scripted>(&head, OUTCOME)?;
        let presented = self.inbound.credential(&head);
        let in_body = presented.is_none() && capabilities.credential_in_body;
        if !in_body {
            self.account.admit(self.vendor, presented.as_ref())?;
        }
        let request = Request::from_parts(head, body?);
        if in_body {
            let presented = self.inbound.credential_in_body(&request);
            self.account.admit(self.vendor, presented.as_ref())?;
        }
        let mut call = self.inbound.parse_request(cx, op, request)?;
        let mut digests = Vec::new();
        for media in call.media_mut() {
            digests.push(self.digest(media).await?);
        }
        if let Some(rules) = &support.image {
            for picture in call.pictures().into_iter().filter_map(Media::bytes) {
                media::check_image(picture, rules)?;
            }
        }
        let subject = digests.first().ok_or_else(Problem::unsupported)?;
        let scripted = asked.unwrap_or_else(|| self.script.outcome(subject));
        let live = match scripted {
            Scripted::Live => true,
            Scripted::Spoof => false,
            Scripted::Problem(kind) => return Err(simulated(kind)),
        };
        let id = self.account.issue(subject);
        let outcome = answers::outcome(&call, live, subject, id);
        Ok((call, outcome, scripted))
    }

    /// What the outcome depends on. A file that is elsewhere is fetched, as the vendor would.
    async fn digest(&self, media: &mut Media) -> Result<Digest, Problem> {
        match media {
            Media::Bytes(bytes) => Ok(Digest::of(bytes)),
            Media::Stored(id) => self.account.redeem(id),
            Media::Url(url) => {
                let file = download::fetch(&self.connector, &self.guard, url, MAX_DOWNLOAD).await?;
                let digest = Digest::of(&file);
                *media = Media::Bytes(file);
                Ok(digest)
            }
        }
    }
}

/// What a header asks for, if it is there.
fn asked<T: std::str::FromStr<Err: std::fmt::Display>>(
    head: &Parts,
    name: &'static str,
) -> Result<Option<T>, Problem> {
    let Some(value) = head.headers.get(name) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    text.parse()
        .map(Some)
        .map_err(|error| Problem::new(ProblemKind::InvalidParameter, format!("{name}: {error}")))
}

fn simulated(kind: ProblemKind) -> Problem {
    let problem = Problem::new(kind, "this problem was simulated");
    if matches!(kind, ProblemKind::RateLimited | ProblemKind::Overloaded) {
        problem.retry(SOON)
    } else {
        problem
    }
}

/// The whole body. What is over `max` is read too, and forgotten.
async fn read(body: Incoming, max: usize) -> Result<Bytes, Problem> {
    let collected = tokio::time::timeout(BODY_WITHIN, collect(body, max)).await;
    let (bytes, length) = collected
        .map_err(|_elapsed| {
            let late = "the body did not arrive in time";
            Problem::new(ProblemKind::BodyTimeout, late)
        })?
        .map_err(|error| {
            let broken = "the body is malformed or breaks off";
            Problem::new(ProblemKind::MalformedRequest, broken).source(error)
        })?;
    if length > max {
        let detail = format!("the body is larger than {max} bytes");
        return Err(Problem::new(ProblemKind::BodyTooLarge, detail));
    }
    Ok(bytes)
}

/// The body as far as it goes into `max`, and its length.
async fn collect(mut body: Incoming, max: usize) -> Result<(Bytes, usize), hyper::Error> {
    let mut bytes = BytesMut::new();
    let mut length = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        length = length.saturating_add(data.len());
        if length <= max {
            bytes.extend_from_slice(&data);
        }
    }
    Ok((bytes.freeze(), length))
}
