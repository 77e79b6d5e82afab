//! Serves AceData's dialect.

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use serde_json::value::RawValue;

use super::wire::{self, Answer, Code, Complaint, Failure};
use super::{CAPABILITIES, ID, MODEL, PATH, SCALE};
use crate::canonical::{Call, ImageLiveness, Liveness, Media, Op, Outcome, Problem, ProblemKind};
use crate::vendors::body::{self, ContentType, json};
use crate::vendors::{
    Capabilities, Credentials, DialectCx, Inbound, Presented, Sample, SampleBody,
};

#[derive(Debug)]
pub(super) struct AceDataDialect;

/// Every endpoint of the vendor's service begins so.
const PREFIX: &str = "/face/";
const LINES: &str = "application/x-ndjson";

// === impl AceDataDialect ===

impl Inbound for AceDataDialect {
    fn capabilities(&self) -> &'static Capabilities {
        &CAPABILITIES
    }

    fn recognise(&self, head: &Parts) -> Option<Op> {
        (head.method == Method::POST && head.uri.path() == PATH).then_some(Op::ImageLiveness)
    }

    fn claims(&self, head: &Parts) -> bool {
        let path = head.uri.path();
        path == PATH || path.starts_with(PREFIX) && head.headers.contains_key(AUTHORIZATION)
    }

    fn credential(&self, head: &Parts) -> Option<Presented> {
        Presented::bearer(head)
    }

    fn credential_in_body(&self, _: &Request<Bytes>) -> Option<Presented> {
        None
    }

    fn parse_request(
        &self,
        _: &DialectCx<'_>,
        op: Op,
        request: Request<Bytes>,
    ) -> Result<Call, Problem> {
        if op != Op::ImageLiveness {
            return Err(Problem::unsupported());
        }
        let (head, body) = request.into_parts();
        match ContentType::of(&head.headers)? {
            _ if body.is_empty() => return Err(missing()),
            ContentType::Json => {}
            ContentType::Multipart { .. } | ContentType::Form | ContentType::Other(_) => {
                return Err(invalid("send application/json"));
            }
        }
        let request: wire::Request<'_> = json::read(&body)?;
        if !request.face_model_version.is_none_or(is_the_model) {
            return Err(invalid("'face_model_version' must be \"3.0\""));
        }
        let url = request
            .image_url
            .filter(|url| !url.0.is_empty())
            .ok_or_else(missing)?;
        Ok(Call::ImageLiveness(ImageLiveness {
            image: Media::Url(url.0.into_owned()),
            details: false,
        }))
    }

    fn render_response(
        &self,
        cx: &DialectCx<'_>,
        call: &Call,
        outcome: &Outcome,
    ) -> Response<Bytes> {
        let (Call::ImageLiveness(_), Outcome::Liveness(liveness)) = (call, outcome) else {
            return self.render_problem(cx, Some(call.op()), &Problem::unsupported());
        };
        let Some(score) = score(liveness) else {
            let reason = liveness.reason.clone();
            let problem = Problem::new(
                ProblemKind::Undecided,
                reason.unwrap_or("no decision could be reached".into()),
            );
            return self.render_problem(cx, Some(call.op()), &problem);
        };
        let answer = Answer {
            score,
            face_model_version: MODEL,
        };
        in_lines_if_asked(
            cx,
            body::respond(StatusCode::OK, "application/json", &answer),
        )
    }

    fn render_problem(
        &self,
        cx: &DialectCx<'_>,
        _: Option<Op>,
        problem: &Problem,
    ) -> Response<Bytes> {
        let (status, code, words) = status(problem.kind);
        let failure = Failure {
            success: false,
            error: Complaint {
                code,
                message: words.unwrap_or(&problem.detail),
            },
            trace_id: cx.id.uuid(),
        };
        let mut response = body::respond(status, "application/json", &failure);
        body::advise(&mut response, problem.retry);
        in_lines_if_asked(cx, response)
    }

    /// This dialect takes no files.
    fn sample(&self, op: Op, credentials: &Credentials<'_>) -> Option<Sample> {
        (op == Op::ImageLiveness).then(|| Sample {
            path: PATH,
            headers: vec![(
                "authorization",
                format!("Bearer {}.{}", credentials.id, credentials.secret),
            )],
            body: SampleBody::Url {
                member: "image_url",
            },
        })
    }
}

fn missing() -> Problem {
    Problem::new(ProblemKind::MediaMissing, "'image_url' is missing")
}

fn invalid(detail: &'static str) -> Problem {
    Problem::new(ProblemKind::InvalidParameter, detail)
}

/// `"3.0"`, `"3"`, `3.0`, `3`.
fn is_the_model(version: &RawValue) -> bool {
    match version.get() {
        r#""3.0""# | r#""3""# => true,
        number => serde_json::from_str(number).is_ok_and(|number: f64| number == 3.0),
    }
}

/// The vendor's own number digit for digit, unless the upstream's threshold made another verdict of it; else a whole
/// number for the verdict. None if there is no verdict.
fn score(liveness: &Liveness) -> Option<Box<RawValue>> {
    let synthesised = SCALE.write(liveness.verdict, liveness.score)?;
    let says_the_verdict = |text: &str| {
        let read = serde_json::from_str(text)
            .ok()
            .and_then(|number| SCALE.read(number));
        read.is_some_and(|(verdict, _)| verdict == liveness.verdict)
    };
    liveness
        .native
        .as_ref()
        .filter(|native| native.vendor == ID)
        .and_then(|native| RawValue::from_string(native.text.clone()).ok())
        .filter(|number| says_the_verdict(number.get()))
        .or_else(|| RawValue::from_string(format!("{synthesised:.0}")).ok())
}

/// Every body is one object already; a caller that asks for lines gets it on a line.
fn in_lines_if_asked(cx: &DialectCx<'_>, mut response: Response<Bytes>) -> Response<Bytes> {
    let asked = cx.accept.is_some_and(|accept| {
        let mut types = accept.as_bytes().split(|byte| matches!(byte, b',' | b';'));
        types.any(|name| name.trim_ascii().eq_ignore_ascii_case(LINES.as_bytes()))
    });
    if asked {
        let mut line = BytesMut::with_capacity(response.body().len() + 1);
        line.put_slice(response.body());
        line.put_u8(b'\n');
        *response.body_mut() = line.freeze();
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(LINES));
    }
    response
}

/// The pages' error tables, the nearest row for what they do not foresee, and the vendor's own words where it has any
/// or where ours would tell what is behind us.
fn status(kind: ProblemKind) -> (StatusCode, Code, Option<&'static str>) {
    match kind {
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
        | ProblemKind::MalformedRequest => (StatusCode::BAD_REQUEST, Code::BadRequest, None),
        ProblemKind::LengthRequired => (StatusCode::LENGTH_REQUIRED, Code::BadRequest, None),
        ProblemKind::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, Code::BadRequest, None),
        ProblemKind::BodyTimeout => (StatusCode::REQUEST_TIMEOUT, Code::BadRequest, None),
        ProblemKind::Unauthorized => (
            StatusCode::UNAUTHORIZED,
            Code::InvalidToken,
            Some("The specified token is invalid or wrong."),
        ),
        ProblemKind::KeyExpired => (StatusCode::UNAUTHORIZED, Code::TokenExpired, None),
        ProblemKind::NotEntitled => (
            StatusCode::BAD_REQUEST,
            Code::TokenMismatched,
            Some("The specified token is not matched with API."),
        ),
        ProblemKind::QuotaExhausted => (StatusCode::FORBIDDEN, Code::UsedUp, None),
        ProblemKind::RateLimited => (
            StatusCode::TOO_MANY_REQUESTS,
            Code::TooManyRequests,
            Some("You have exceeded the rate limit."),
        ),
        ProblemKind::NotFound => (StatusCode::NOT_FOUND, Code::NoApi, None),
        ProblemKind::Unsupported => (
            StatusCode::BAD_REQUEST,
            Code::ApiNotImplemented,
            Some("The API is not implemented."),
        ),
        ProblemKind::DownloadTimeout | ProblemKind::DownloadFailed => (
            StatusCode::INTERNAL_SERVER_ERROR,
            Code::ApiError,
            Some("fetch failed"),
        ),
        ProblemKind::Undecided => (StatusCode::INTERNAL_SERVER_ERROR, Code::ApiError, None),
        ProblemKind::UpstreamTimeout => (
            StatusCode::GATEWAY_TIMEOUT,
            Code::Timeout,
            Some("The request could not be processed in time."),
        ),
        ProblemKind::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, Code::ApiError, None),
        ProblemKind::UpstreamAccount | ProblemKind::UpstreamFailed | ProblemKind::Internal => (
            StatusCode::INTERNAL_SERVER_ERROR,
            Code::ApiError,
            Some("Internal server error."),
        ),
    }
}
