//! Reading a whole request body within its limits: bytes, memory of all bodies, time.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header;
use pingora_error::ErrorType;
use pingora_proxy::Session;

use super::budget::{Budget, Share};
use crate::canonical::{Problem, ProblemKind, Retry};

/// What a body is held to.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Largest body, bytes.
    pub max: usize,
    /// Time for the whole body.
    pub within: Duration,
}

/// A body and the memory it was allowed.
#[derive(Debug)]
pub struct Body {
    /// The bytes.
    pub bytes: Bytes,
    /// Held until the call is over.
    pub share: Share,
}

/// Reads the body whole.
///
/// # Errors
///
/// `BodyTooLarge` from the declared length or as soon as the limit is passed, `Overloaded` when all bodies together
/// would take too much memory, `BodyTimeout`, and `MalformedRequest` when the body breaks off or its framing is wrong.
pub async fn read(
    session: &mut Session,
    bounds: &Bounds,
    budget: &Budget,
) -> Result<Body, Problem> {
    let declared = declared_length(session);
    if declared.is_some_and(|length| length > bounds.max) {
        return Err(too_large(bounds.max));
    }
    let share = budget.take(declared.unwrap_or(0)).ok_or_else(no_room)?;
    if expects_continue(session) {
        session
            .downstream_session
            .write_continue_response()
            .await
            .map_err(|error| broken(&error))?;
    }
    tokio::time::timeout(bounds.within, collect(session, bounds.max, declared, share))
        .await
        .unwrap_or_else(|_elapsed| {
            Err(Problem::new(
                ProblemKind::BodyTimeout,
                "the body did not arrive in time",
            ))
        })
}

async fn collect(
    session: &mut Session,
    max: usize,
    declared: Option<usize>,
    mut share: Share,
) -> Result<Body, Problem> {
    let mut body = BytesMut::new();
    while let Some(chunk) = session
        .read_request_body()
        .await
        .map_err(|error| broken(&error))?
    {
        let length = body.len() + chunk.len();
        if length > max {
            return Err(too_large(max));
        }
        if !share.grow_to(length) {
            return Err(no_room());
        }
        if body.is_empty() {
            // The usual small body comes in one piece and is not copied.
            if declared == Some(length) {
                return Ok(Body {
                    bytes: chunk,
                    share,
                });
            }
            body.reserve(declared.unwrap_or(length));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Body {
        bytes: body.freeze(),
        share,
    })
}

/// The declared length. pingora has refused malformed and differing ones already.
pub fn declared_length(session: &Session) -> Option<usize> {
    session
        .req_header()
        .headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
}

fn expects_continue(session: &Session) -> bool {
    let expect = session.req_header().headers.get(header::EXPECT);
    expect.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

fn too_large(max: usize) -> Problem {
    Problem::new(
        ProblemKind::BodyTooLarge,
        format!("the body is larger than {max} bytes"),
    )
}

/// All memory for bodies is taken.
pub fn no_room() -> Problem {
    Problem::new(
        ProblemKind::Overloaded,
        "too many bodies are being received",
    )
    .retry(Retry::After(Duration::from_secs(1)))
}

fn broken(error: &pingora_error::Error) -> Problem {
    if matches!(error.etype(), ErrorType::ReadTimedout) {
        return Problem::new(ProblemKind::BodyTimeout, "the body did not arrive in time");
    }
    Problem::new(
        ProblemKind::MalformedRequest,
        "the body is malformed or breaks off",
    )
    .source(error.to_string())
}
