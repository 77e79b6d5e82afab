//! What can go wrong between a vendor and its caller, on demand.

use std::io;
use std::num::NonZeroU64;
use std::pin::Pin;
use std::str::FromStr;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use hyper::body::{Body, Frame, SizeHint};
use thiserror::Error;

/// One way to go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The right answer, later.
    Slow(Duration),
    /// The connection is closed before any answer.
    Drop,
    /// The connection is closed in the middle of the answer.
    Cut,
    /// A whole answer whose JSON breaks off.
    Truncate,
    /// A proxy's error page.
    Html,
    /// A success whose body is no text at all.
    Garbage,
    /// The vendor's own "too many calls".
    Throttle,
    /// The right answer with a member that nobody knows.
    UnknownFields,
    /// The right answer, declared to be something else.
    WrongType,
}

/// A fault of every n-th request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recurring {
    /// What goes wrong.
    pub fault: Fault,
    /// 1 = always.
    pub every: NonZeroU64,
}

/// No fault has this name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "there is no such fault; write slow=MILLISECONDS, drop, cut, truncate, html, garbage, throttle, unknown-fields or \
     wrong-type"
)]
pub struct FaultError;

const PAGE: &str = "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center>\
                    </body></html>\r\n";
const GARBAGE: &[u8] = b"\x1f\x8b\x08\x00\x00\xff\xfe\x00live\x00";

// === impl Fault ===

impl Fault {
    const WITHOUT_DELAY: [Self; 8] = [
        Self::Drop,
        Self::Cut,
        Self::Truncate,
        Self::Html,
        Self::Garbage,
        Self::Throttle,
        Self::UnknownFields,
        Self::WrongType,
    ];

    /// The name by which it is asked for.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Slow(_) => "slow",
            Self::Drop => "drop",
            Self::Cut => "cut",
            Self::Truncate => "truncate",
            Self::Html => "html",
            Self::Garbage => "garbage",
            Self::Throttle => "throttle",
            Self::UnknownFields => "unknown-fields",
            Self::WrongType => "wrong-type",
        }
    }

    /// What goes out instead of `answer`; `None` if nothing does. Waiting and throttling are the server's.
    pub(super) fn spoil(self, answer: Response<Bytes>) -> Option<Response<Answer>> {
        let spoilt = match self {
            Self::Drop => return None,
            Self::Cut => return Some(cut(answer)),
            Self::Slow(_) | Self::Throttle => answer,
            Self::Truncate => answer.map(|body| body.slice(..body.len() / 2)),
            Self::Html => with(
                StatusCode::BAD_GATEWAY,
                "text/html",
                Bytes::from_static(PAGE.as_bytes()),
            ),
            Self::Garbage => with(
                StatusCode::OK,
                "application/json",
                Bytes::from_static(GARBAGE),
            ),
            Self::UnknownFields => answer.map(with_unknown_member),
            Self::WrongType => {
                let (parts, body) = answer.into_parts();
                with(parts.status, "application/octet-stream", body)
            }
        };
        Some(whole(spoilt))
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        if let Some(milliseconds) = text.strip_prefix("slow=") {
            let milliseconds = milliseconds.parse().map_err(|_| FaultError)?;
            return Ok(Self::Slow(Duration::from_millis(milliseconds)));
        }
        Self::WITHOUT_DELAY
            .into_iter()
            .find(|fault| fault.as_str() == text)
            .ok_or(FaultError)
    }
}

// === impl Recurring ===

impl Recurring {
    /// The fault of the request of that number; the first is 1.
    pub(super) fn of(self, number: u64) -> Option<Fault> {
        (number % self.every == 0).then_some(self.fault)
    }
}

fn with(status: StatusCode, media_type: &'static str, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let media_type = HeaderValue::from_static(media_type);
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}

/// Spliced in as text, so that every digit stays as it was.
fn with_unknown_member(body: Bytes) -> Bytes {
    match body.strip_prefix(b"{") {
        Some(rest) => {
            let member = br#"{"x_unknown":{"verdict":"live","passed":[true,null,-1e3]},"#;
            [member, rest].concat().into()
        }
        None => body,
    }
}

/// An answer as it is.
pub(super) fn whole(response: Response<Bytes>) -> Response<Answer> {
    response.map(|body| Answer {
        rest: Some(body),
        end: End::Whole,
    })
}

/// Half of an answer whose length was told.
fn cut(response: Response<Bytes>) -> Response<Answer> {
    let length = HeaderValue::from(response.body().len());
    let mut response = response.map(|body| Answer {
        rest: Some(body.slice(..body.len() / 2)),
        end: End::CutAfterFlush,
    });
    response.headers_mut().insert(CONTENT_LENGTH, length);
    response
}

/// The body of an answer.
pub(super) struct Answer {
    rest: Option<Bytes>,
    end: End,
}

#[derive(Clone, Copy)]
enum End {
    Whole,
    /// What was written must be on its way before the connection breaks.
    CutAfterFlush,
    Cut,
}

// === impl Answer ===

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(bytes) = self.rest.take() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match self.end {
            End::Whole => Poll::Ready(None),
            End::CutAfterFlush => {
                self.end = End::Cut;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            End::Cut => Poll::Ready(Some(Err(io::Error::other("cut on demand")))),
        }
    }

    /// Known of a whole answer, so that its length is told.
    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.as_ref().map_or(0, Bytes::len) as u64;
        match self.end {
            End::Whole => SizeHint::with_exact(rest),
            End::CutAfterFlush | End::Cut => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_known_by_its_name() {
        for fault in Fault::WITHOUT_DELAY {
            assert_eq!(fault.as_str().parse(), Ok(fault));
            assert!(FaultError.to_string().contains(fault.as_str()));
        }
        assert_eq!(
            "slow=250".parse(),
            Ok(Fault::Slow(Duration::from_millis(250)))
        );
        for text in ["", "slow", "slow=", "slow=-1", "dropped"] {
            assert_eq!(text.parse::<Fault>(), Err(FaultError), "{text}");
        }
    }

    #[test]
    fn every_nth_request_is_the_nth() {
        let every = |every| Recurring {
            fault: Fault::Drop,
            every: NonZeroU64::new(every).expect("not zero"),
        };
        let hit = |recurring: Recurring| {
            let numbers = 1..=6;
            numbers
                .filter(|number| recurring.of(*number).is_some())
                .collect::<Vec<u64>>()
        };
        assert_eq!(hit(every(3)), [3, 6]);
        assert_eq!(hit(every(1)), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn an_unknown_member_leaves_the_others_as_they_are() {
        let body = with_unknown_member(Bytes::from_static(br#"{"score":0.131190}"#));
        let text = std::str::from_utf8(&body).expect("text");
        assert!(text.ends_with(r#""score":0.131190}"#), "{text}");
        serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    }
}
