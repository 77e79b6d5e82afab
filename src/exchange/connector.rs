//! HTTP to vendors over pingora's pooled connector.
//!
//! A new request is built for every call: nothing of the caller's head is copied. Every timeout is set, because
//! pingora's are all unlimited by default; answers are capped, because a vendor is not trusted with our memory.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::uri::{Authority, Scheme};
use http::{HeaderName, HeaderValue, Request, Response, header};
use pingora_core::connectors::http::Connector as Pool;
use pingora_core::protocols::http::client::HttpSession;
use pingora_core::upstreams::peer::HttpPeer;
use pingora_error::ErrorType;
use pingora_http::RequestHeader;

use crate::canonical::{Problem, ProblemKind, Retry};
use crate::tenancy::Upstream;

/// Largest answer taken from a vendor. The largest honest one carries a frame and a face in base64.
const MAX_ANSWER: usize = 8 << 20;
/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(55);

/// One pool of connections to all vendors.
pub struct Connector(Pool);

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connector(..)")
    }
}

// === impl Connector ===

impl Connector {
    /// An empty pool.
    #[must_use]
    pub fn new() -> Self {
        Self(Pool::new(None))
    }

    /// Sends a request with an absolute http or https URI and collects the answer, whatever its status.
    ///
    /// # Errors
    ///
    /// `UpstreamTimeout` or `UpstreamFailed`. [`Retry::Now`] only if not a byte of the request can have arrived.
    pub async fn send(
        &self,
        upstream: &Upstream,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, Problem> {
        let (head, body) = into_pingora(request).map_err(|error| failed(&error))?;
        let peer = self.peer(upstream, &head.target).await?;
        let (mut session, _reused) = self
            .0
            .get_http_session(&peer)
            .await
            .map_err(|error| failed(&error).retry(Retry::Now))?;
        session.set_read_timeout(Some(upstream.timeout));
        session.set_write_timeout(Some(upstream.timeout));
        let response = converse(&mut session, head.request, body)
            .await
            .map_err(|error| classify(&error))?;
        self.0
            .release_http_session(session, &peer, Some(IDLE))
            .await;
        Ok(response)
    }

    async fn peer(&self, upstream: &Upstream, target: &Origin) -> Result<HttpPeer, Problem> {
        let address = resolve(target, upstream.connect_timeout).await?;
        let mut peer = HttpPeer::new(address, target.tls, target.host.clone());
        peer.options.connection_timeout = Some(upstream.connect_timeout);
        peer.options.total_connection_timeout = Some(upstream.connect_timeout.saturating_mul(2));
        peer.options.read_timeout = Some(upstream.timeout);
        peer.options.write_timeout = Some(upstream.timeout);
        peer.options.idle_timeout = Some(IDLE);
        Ok(peer)
    }
}

impl Default for Connector {
    fn default() -> Self {
        Self::new()
    }
}

struct Head {
    request: Box<RequestHeader>,
    target: Origin,
}

struct Origin {
    host: String,
    port: u16,
    tls: bool,
}

fn into_pingora(request: Request<Bytes>) -> Result<(Head, Bytes), Box<pingora_error::Error>> {
    let (parts, body) = request.into_parts();
    let uri = parts.uri.into_parts();
    let authority = uri
        .authority
        .unwrap_or_else(|| Authority::from_static("invalid"));
    let tls = uri.scheme == Some(Scheme::HTTPS);
    let target = Origin {
        host: authority.host().trim_matches(['[', ']']).to_owned(),
        port: authority.port_u16().unwrap_or(if tls { 443 } else { 80 }),
        tls,
    };
    let path = uri
        .path_and_query
        .as_ref()
        .map_or("/", |path| path.as_str());
    let mut head =
        RequestHeader::build(parts.method, path.as_bytes(), Some(parts.headers.len() + 2))?;
    head.insert_header(header::HOST, authority.as_str())?;
    head.insert_header(header::CONTENT_LENGTH, HeaderValue::from(body.len()))?;
    // Host and framing are the transport's.
    let others = |name: &&HeaderName| **name != header::HOST && **name != header::CONTENT_LENGTH;
    for name in parts.headers.keys().filter(others) {
        for value in parts.headers.get_all(name) {
            head.append_header(name, value)?;
        }
    }
    Ok((
        Head {
            request: Box::new(head),
            target,
        },
        body,
    ))
}

/// Names are looked up for every call; the system's resolver caches as its operator wants.
async fn resolve(target: &Origin, limit: Duration) -> Result<SocketAddr, Problem> {
    let lookup = tokio::net::lookup_host((target.host.as_str(), target.port));
    let mut found = tokio::time::timeout(limit, lookup)
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
) -> Result<Response<Bytes>, Box<pingora_error::Error>> {
    session.write_request_header(head).await?;
    session.write_request_body(body, true).await?;
    session.finish_request_body().await?;
    session.read_response_header().await?;
    let mut response = Response::new(Bytes::new());
    if let Some(head) = session.response_header() {
        *response.status_mut() = head.status;
        response.headers_mut().clone_from(&head.headers);
    }
    *response.body_mut() = read_answer(session).await?;
    Ok(response)
}

async fn read_answer(session: &mut HttpSession) -> Result<Bytes, Box<pingora_error::Error>> {
    let Some(first) = session.read_response_body().await? else {
        return Ok(Bytes::new());
    };
    let Some(second) = session.read_response_body().await? else {
        return Ok(first);
    };
    let mut body = BytesMut::from(first);
    let mut next = Some(second);
    while let Some(chunk) = next {
        if body.len() + chunk.len() > MAX_ANSWER {
            return pingora_error::Error::e_explain(
                ErrorType::ReadError,
                "the answer is too large",
            );
        }
        body.extend_from_slice(&chunk);
        next = session.read_response_body().await?;
    }
    Ok(body.freeze())
}

fn classify(error: &pingora_error::Error) -> Problem {
    if matches!(
        error.etype(),
        ErrorType::ReadTimedout | ErrorType::WriteTimedout
    ) {
        timed_out()
    } else {
        failed(error)
    }
}

fn timed_out() -> Problem {
    Problem::new(ProblemKind::UpstreamTimeout, "the check took too long")
}

fn failed(error: &dyn std::fmt::Display) -> Problem {
    Problem::new(ProblemKind::UpstreamFailed, "the check failed").source(error.to_string())
}
