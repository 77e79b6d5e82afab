//! HTTP to vendors, and to where callers' files are, over pingora's pooled connector.
//!
//! A new request is built for every call: nothing of the caller's head is copied. Every timeout is set, because
//! pingora's are all unlimited by default; answers are capped, because nobody is trusted with our memory.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::uri::{Authority, Scheme};
use http::{HeaderName, HeaderValue, Method, Request, Response, header};
use pingora_core::connectors::http::Connector as Pool;
use pingora_core::protocols::http::client::HttpSession;
use pingora_core::upstreams::peer::HttpPeer;
use pingora_error::{Error, ErrorType};
use pingora_http::RequestHeader;

use crate::canonical::{Problem, ProblemKind, Retry};
use crate::media::Place;
use crate::tenancy::Upstream;

/// Largest answer taken from a vendor. The largest honest one carries a frame and a face in base64.
const MAX_ANSWER: usize = 8 << 20;
/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(55);

/// One pool of connections to everyone.
pub struct Connector(Pool);

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connector(..)")
    }
}

/// Whom to talk to, and for how long.
struct Peer {
    address: SocketAddr,
    tls: bool,
    /// For the certificate.
    name: String,
    connect_within: Duration,
    within: Duration,
    max_answer: usize,
}

// === impl Connector ===

impl Connector {
    /// An empty pool.
    #[must_use]
    pub fn new() -> Self {
        Self(Pool::new(None))
    }

    /// Sends a request with an absolute http or https URI to a vendor and collects the answer, whatever its status.
    ///
    /// # Errors
    ///
    /// `UpstreamTimeout` or `UpstreamFailed`. [`Retry::Now`] only if not a byte of the request can have arrived.
    pub async fn send(
        &self,
        upstream: &Upstream,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, Problem> {
        let (parts, body) = request.into_parts();
        let authority = parts
            .uri
            .authority()
            .cloned()
            .unwrap_or_else(|| Authority::from_static("invalid"));
        let tls = parts.uri.scheme() == Some(&Scheme::HTTPS);
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut head =
            head(&parts.method, path, authority.as_str()).map_err(|error| failed(&error))?;
        // Host and framing are the transport's.
        let others =
            |name: &&HeaderName| **name != header::HOST && **name != header::CONTENT_LENGTH;
        for name in parts.headers.keys().filter(others) {
            for value in parts.headers.get_all(name) {
                head.append_header(name, value)
                    .map_err(|error| failed(&error))?;
            }
        }
        head.insert_header(header::CONTENT_LENGTH, HeaderValue::from(body.len()))
            .map_err(|error| failed(&error))?;
        let name = authority.host().trim_matches(['[', ']']).to_owned();
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let peer = Peer {
            address: resolve(&name, port, upstream.connect_timeout).await?,
            tls,
            name,
            connect_within: upstream.connect_timeout,
            within: upstream.timeout,
            max_answer: MAX_ANSWER,
        };
        self.exchange(&peer, head, body).await
    }

    /// Gets what is at a place, from an address of it that was judged before.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn get(
        &self,
        place: &Place,
        address: SocketAddr,
        within: Duration,
        max: usize,
    ) -> Result<Response<Bytes>, Problem> {
        let head =
            head(&Method::GET, &place.path, &place.authority).map_err(|error| failed(&error))?;
        let name = place.host.clone();
        let peer = Peer {
            address,
            tls: place.tls,
            name,
            connect_within: within,
            within,
            max_answer: max,
        };
        self.exchange(&peer, head, Bytes::new()).await
    }

    async fn exchange(
        &self,
        peer: &Peer,
        head: Box<RequestHeader>,
        body: Bytes,
    ) -> Result<Response<Bytes>, Problem> {
        let mut http = HttpPeer::new(peer.address, peer.tls, peer.name.clone());
        http.options.connection_timeout = Some(peer.connect_within);
        http.options.total_connection_timeout = Some(peer.connect_within.saturating_mul(2));
        http.options.read_timeout = Some(peer.within);
        http.options.write_timeout = Some(peer.within);
        http.options.idle_timeout = Some(IDLE);
        let connected = self.0.get_http_session(&http).await;
        let (mut session, _reused) = connected.map_err(|error| failed(&error).retry(Retry::Now))?;
        session.set_read_timeout(Some(peer.within));
        session.set_write_timeout(Some(peer.within));
        let answered = converse(&mut session, head, body, peer.max_answer).await;
        let response = answered.map_err(|error| classify(&error))?;
        self.0
            .release_http_session(session, &http, Some(IDLE))
            .await;
        Ok(response)
    }
}

impl Default for Connector {
    fn default() -> Self {
        Self::new()
    }
}

fn head(method: &Method, path: &str, host: &str) -> Result<Box<RequestHeader>, Box<Error>> {
    let mut head = RequestHeader::build(method.clone(), path.as_bytes(), None)?;
    head.insert_header(header::HOST, host)?;
    Ok(Box::new(head))
}

/// Names are looked up for every call; the system's resolver caches as its operator wants.
async fn resolve(name: &str, port: u16, within: Duration) -> Result<SocketAddr, Problem> {
    let mut found = tokio::time::timeout(within, tokio::net::lookup_host((name, port)))
        .await
        .map_err(|_elapsed| timed_out().retry(Retry::Now))?
        .map_err(|error| failed(&error).retry(Retry::Now))?;
    found
        .next()
        .ok_or_else(|| failed(&"the name has no address").retry(Retry::Now))
}

async fn converse(
    session: &mut HttpSession,
    head: Box<RequestHeader>,
    body: Bytes,
    max: usize,
) -> Result<Response<Bytes>, Box<Error>> {
    session.write_request_header(head).await?;
    if !body.is_empty() {
        session.write_request_body(body, true).await?;
    }
    session.finish_request_body().await?;
    session.read_response_header().await?;
    let mut response = Response::new(Bytes::new());
    if let Some(head) = session.response_header() {
        *response.status_mut() = head.status;
        response.headers_mut().clone_from(&head.headers);
    }
    *response.body_mut() = read_answer(session, max).await?;
    Ok(response)
}

/// The usual answer comes in one piece and is not copied.
async fn read_answer(session: &mut HttpSession, max: usize) -> Result<Bytes, Box<Error>> {
    let mut whole = Bytes::new();
    let mut collected = BytesMut::new();
    while let Some(chunk) = session.read_response_body().await? {
        if whole.len() + collected.len() + chunk.len() > max {
            return Error::e_explain(ErrorType::ReadError, "the answer is too large");
        }
        if whole.is_empty() && collected.is_empty() {
            whole = chunk;
        } else {
            collected.extend_from_slice(&std::mem::take(&mut whole));
            collected.extend_from_slice(&chunk);
        }
    }
    Ok(if whole.is_empty() {
        collected.freeze()
    } else {
        whole
    })
}

fn classify(error: &Error) -> Problem {
    let late = matches!(
        error.etype(),
        ErrorType::ReadTimedout | ErrorType::WriteTimedout
    );
    if late { timed_out() } else { failed(error) }
}

fn timed_out() -> Problem {
    Problem::new(ProblemKind::UpstreamTimeout, "the check took too long")
}

fn failed(error: &dyn std::fmt::Display) -> Problem {
    Problem::new(ProblemKind::UpstreamFailed, "the check failed").source(error.to_string())
}
