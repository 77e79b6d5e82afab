//! Calls AceData.

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use serde_json::value::RawValue;

use super::wire::{Code, Question, Reply, ReplyError};
use super::{CAPABILITIES, ID, MODEL, PATH, SCALE};
use crate::canonical::{
    Call, ImageLiveness, Liveness, Media, NativeScore, Outcome, Problem, ProblemKind, Retry, Scale,
    Verdict,
};
use crate::vendors::{Capabilities, Memo, Outbound, Turn, UpstreamCx, reply};

#[derive(Debug)]
pub(super) struct AceDataUpstream;

// === impl AceDataUpstream ===

impl Outbound for AceDataUpstream {
    fn capabilities(&self) -> &'static Capabilities {
        &CAPABILITIES
    }

    fn credentials(&self) -> &'static [&'static str] {
        &["token"]
    }

    fn authorise(&self, head: &mut Parts, cx: &UpstreamCx<'_>) -> Result<(), Problem> {
        let token = cx.secret("token")?.expose();
        let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| {
            Problem::new(
                ProblemKind::Internal,
                "the gateway's credential cannot be sent in a header",
            )
        })?;
        value.set_sensitive(true);
        head.headers.insert(AUTHORIZATION, value);
        Ok(())
    }

    fn render_request(&self, call: &Call, cx: &UpstreamCx<'_>) -> Result<Turn, Problem> {
        let Call::ImageLiveness(ImageLiveness {
            image: Media::Url(url),
            ..
        }) = call
        else {
            return Err(Problem::unsupported());
        };
        let question = Question {
            image_url: url,
            face_model_version: MODEL,
        };
        let unusable = |error: Box<dyn std::error::Error + Send + Sync>| {
            Problem::new(ProblemKind::Internal, "the request cannot be written").source(error)
        };
        let body = serde_json::to_vec(&question).map_err(|error| unusable(error.into()))?;
        let request = Request::post(format!("{}{PATH}", cx.base_url))
            .header(CONTENT_TYPE, "application/json")
            .header(CONTENT_LENGTH, body.len())
            .header(ACCEPT, "application/json")
            .body(Bytes::from(body))
            .map_err(|error| unusable(error.into()))?;
        let (mut head, body) = request.into_parts();
        self.authorise(&mut head, cx)?;
        Ok(Turn::Send {
            request: Request::from_parts(head, body),
            memo: Memo::default(),
        })
    }

    fn parse_response(
        &self,
        _: &Call,
        _: Memo,
        response: Response<Bytes>,
        cx: &UpstreamCx<'_>,
    ) -> Result<Turn, Problem> {
        let (head, body) = response.into_parts();
        let Ok(answer) = serde_json::from_slice::<Reply<'_>>(&body) else {
            return Err(
                reply::unreadable(head.status, &head.headers).vendor_code(head.status.as_str())
            );
        };
        if answer.error.is_some() || !head.status.is_success() {
            let code = answer.error.and_then(code).map_or("", RawValue::get);
            return Err(complaint(code, head.status, &head.headers)
                .vendor_code(reply::word(code, head.status)));
        }
        let liveness = liveness(answer.score, &cx.scale.unwrap_or(SCALE));
        Ok(Turn::Done(Outcome::Liveness(liveness)))
    }
}

fn code(error: &RawValue) -> Option<&RawValue> {
    serde_json::from_str::<ReplyError<'_>>(error.get())
        .ok()?
        .code
}

/// What the vendor complains about. A code that nobody knows says no more than its HTTP status.
fn complaint(code: &str, status: StatusCode, headers: &HeaderMap) -> Problem {
    let refused = || {
        Problem::new(
            ProblemKind::InvalidParameter,
            "the picture or a parameter was refused",
        )
    };
    match serde_json::from_str(code) {
        Ok(
            Code::TokenMismatched
            | Code::InvalidToken
            | Code::NoToken
            | Code::TokenExpired
            | Code::Disabled
            | Code::UsedUp
            | Code::Forbidden,
        ) => reply::account(),
        Ok(Code::TooManyRequests) => reply::throttled(headers),
        Ok(Code::BadRequest) => refused(),
        Ok(Code::ApiNotImplemented | Code::NoApi) => reply::failed(),
        Ok(Code::ApiError) => reply::failed().retry(Retry::Now),
        Ok(Code::Timeout) => reply::timed_out(),
        Err(_) if status == StatusCode::BAD_REQUEST => refused(),
        Err(_) => reply::unreadable(status, headers),
    }
}

/// Zero is a score like any other; no score is no verdict.
fn liveness(score: Option<&RawValue>, scale: &Scale) -> Liveness {
    match score.and_then(|score| reply::score(score, scale)) {
        Some((text, verdict, score)) => Liveness {
            score: Some(score),
            native: Some(NativeScore { vendor: ID, text }),
            ..Liveness::new(verdict)
        },
        None => Liveness {
            reason: Some("the check gave no usable score".into()),
            ..Liveness::new(Verdict::Undecided)
        },
    }
}
