//! Sending an answer.

use std::time::Duration;

use bytes::Bytes;
use http::{Response, header};
use pingora_error::Result;
use pingora_http::ResponseHeader;
use pingora_proxy::Session;

use crate::canonical::CallId;

/// How long an unread request body is read away after the answer, so that its sender gets to see the answer instead of
/// a reset connection (RFC 9112 section 9.6).
const DRAIN: Duration = Duration::from_secs(2);
/// A client that does not take its answer within this time per write is left.
const WRITE: Duration = Duration::from_secs(30);

/// Sends `response` whole, with the call's id.
pub async fn send(session: &mut Session, id: CallId, response: Response<Bytes>) -> Result<()> {
    let (parts, body) = response.into_parts();
    let mut head = ResponseHeader::build(parts.status, Some(parts.headers.len() + 2))?;
    for (name, value) in &parts.headers {
        head.append_header(name, value)?;
    }
    head.insert_header(header::CONTENT_LENGTH, body.len())?;
    head.insert_header("x-livegate-id", id.hex())?;
    let downstream = &mut session.downstream_session;
    downstream.set_write_timeout(Some(WRITE));
    downstream.set_total_drain_timeout(Some(DRAIN));
    downstream.set_close_on_response_before_downstream_finish(false);
    downstream.write_response_header(Box::new(head)).await?;
    downstream.write_response_body(body, true).await
}
