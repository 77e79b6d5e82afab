//! Reading request bodies without copying them, and writing answers.
//!
//! Shared by every vendor: [`ContentType`] tells how a body is written, [`multipart`], [`form`] and [`json`] read it into
//! [`Fields`] ([`read`] chooses among them), [`base64`] undoes the transfer encoding of a picture, [`write`](mod@write)
//! makes the multipart of an upstream. All are pure functions of bytes; every error in reading is a [`Problem`] of the
//! caller's, and no error repeats what the caller sent.
//!
//! Deliberately not here: what a field means. Names, precedence and limits of a dialect belong to its vendor's folder.
//!
//! # Design
//!
//! *Why our own readers?* A body is a picture with a few bytes around it. Finding the picture with `memchr` and keeping a
//! slice of it costs a microsecond; the usual crates copy it, or look at it byte by byte, and some refuse the boundaries
//! that vendors' own samples send.
//!
//! *Strict where two readings are possible.* Doubled fields and parameters, `name*`, folded headers and unclosed bodies
//! are refused, so that nobody behind us can read a request differently from us.

pub mod base64;
mod content_type;
mod fields;
pub mod form;
pub mod json;
pub mod multipart;
pub mod write;

pub use content_type::ContentType;
pub use fields::{Field, Fields};

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde::Serialize;

use crate::canonical::{Problem, ProblemKind, Retry};

/// Reads the fields of a body, however they are written. A body of another type has none.
///
/// # Errors
///
/// Those of [`ContentType::of`], [`multipart::read`], [`form::read`] and [`json::fields`].
pub fn read(headers: &HeaderMap, body: &Bytes) -> Result<Fields, Problem> {
    match ContentType::of(headers)? {
        _ if body.is_empty() => Ok(Fields::default()),
        ContentType::Multipart { boundary } => multipart::read(body, &boundary),
        ContentType::Form => form::read(body),
        ContentType::Json => json::fields(body),
        ContentType::Other(_) => Ok(Fields::default()),
    }
}

/// Writes an answer as JSON of the given media type.
pub fn respond(
    status: StatusCode,
    media_type: &'static str,
    body: &impl Serialize,
) -> Response<Bytes> {
    // Our wire structs always serialise; were one not to, an empty 500 is never mistaken for a verdict.
    let (status, body) = match serde_json::to_vec(body) {
        Ok(body) => (status, body),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, Vec::new()),
    };
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// Adds `Retry-After`, in whole seconds and at least one, where waiting helps.
pub fn advise(response: &mut Response<Bytes>, retry: Retry) {
    match retry {
        Retry::After(wait) => {
            let seconds = wait.saturating_add(Duration::from_millis(999)).as_secs();
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        Retry::Never | Retry::Now => {}
    }
}

/// What a caller of a vendor's dialect may be told of a problem: nothing of what is behind us.
#[must_use]
pub fn told(problem: &Problem) -> &str {
    match problem.kind {
        ProblemKind::UpstreamAccount | ProblemKind::UpstreamFailed | ProblemKind::Internal => {
            "the server failed to process the request"
        }
        ProblemKind::UpstreamTimeout => "the server could not process the request in time",
        ProblemKind::MediaMissing
        | ProblemKind::InvalidParameter
        | ProblemKind::NotUtf8
        | ProblemKind::InvalidBase64
        | ProblemKind::DecryptFailed
        | ProblemKind::MediaTooLarge
        | ProblemKind::PixelsOutOfRange
        | ProblemKind::MediaUnreadable
        | ProblemKind::NoFace
        | ProblemKind::FaceOccluded
        | ProblemKind::Undecided
        | ProblemKind::DownloadTimeout
        | ProblemKind::DownloadFailed
        | ProblemKind::Unauthorized
        | ProblemKind::KeyExpired
        | ProblemKind::NotEntitled
        | ProblemKind::QuotaExhausted
        | ProblemKind::RateLimited
        | ProblemKind::NotFound
        | ProblemKind::Unsupported
        | ProblemKind::MalformedRequest
        | ProblemKind::LengthRequired
        | ProblemKind::BodyTooLarge
        | ProblemKind::BodyTimeout
        | ProblemKind::Overloaded => &problem.detail,
    }
}

/// A parameter, or the way the body is written, is at fault.
fn invalid(detail: &'static str) -> Problem {
    Problem::new(ProblemKind::InvalidParameter, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_advised_in_whole_seconds() {
        for (wait, header) in [(0, "1"), (1, "1"), (1_000, "1"), (1_001, "2")] {
            let mut response = Response::default();
            advise(&mut response, Retry::After(Duration::from_millis(wait)));
            assert_eq!(response.headers()[RETRY_AFTER], header);
        }
        let mut response = Response::default();
        advise(&mut response, Retry::Now);
        assert!(response.headers().is_empty());
    }
}
