//! Calls Linkface.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, Request, Response, StatusCode, Uri};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::value::RawValue;

use super::wire::{Reply, Status};
use super::{API_ID, API_SECRET, CALLED, ENDPOINTS, ID, SCALE};
use crate::canonical::{
    Call, Liveness, Media, Op, Outcome, Problem, ProblemKind, Retry, Scale, Uploaded,
};
use crate::vendors::body::write::{self, Part};
use crate::vendors::{Capabilities, Memo, Outbound, Turn, UpstreamCx, complaint, score};

#[derive(Debug)]
pub(super) struct LinkfaceUpstream;

const CREDENTIALS: [&str; 2] = [API_ID, API_SECRET];

// === impl LinkfaceUpstream ===

impl Outbound for LinkfaceUpstream {
    fn capabilities(&self) -> &'static Capabilities {
        &CALLED
    }

    fn credentials(&self) -> &'static [&'static str] {
        &CREDENTIALS
    }

    /// Puts ours into the query, in place of the caller's.
    fn authorise(&self, head: &mut Parts, cx: &UpstreamCx<'_>) -> Result<(), Problem> {
        let mut query: Vec<String> = head
            .uri
            .query()
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty() && !is_credential(pair))
            .map(str::to_owned)
            .collect();
        for name in CREDENTIALS {
            let secret = cx.secret(name)?.expose();
            query.push(format!(
                "{name}={}",
                utf8_percent_encode(secret, NON_ALPHANUMERIC)
            ));
        }
        let target = format!("{}?{}", head.uri.path(), query.join("&"));
        let mut uri = head.uri.clone().into_parts();
        uri.path_and_query = Some(PathAndQuery::try_from(target).map_err(unusable)?);
        head.uri = Uri::from_parts(uri).map_err(unusable)?;
        Ok(())
    }

    fn render_request(&self, call: &Call, cx: &UpstreamCx<'_>) -> Result<Turn, Problem> {
        let (subject, for_op) = match call {
            Call::BundleLiveness(call) => (&call.bundle, Op::BundleLiveness),
            Call::ImageLiveness(call) => (&call.image, Op::ImageLiveness),
            Call::Upload(call) => (&call.media, call.for_op),
            Call::VideoLiveness(_)
            | Call::VideoMatch(_)
            | Call::FaceMatch(_)
            | Call::FaceQuality(_) => return Err(Problem::unsupported()),
        };
        let endpoint = ENDPOINTS
            .iter()
            .find(|endpoint| (endpoint.op, endpoint.subject) == (call.op(), for_op))
            .ok_or_else(Problem::unsupported)?;
        let [file, _] = endpoint.file;
        let part = match subject {
            Media::Bytes(bundle) if for_op == Op::BundleLiveness => Part::file(file, bundle),
            Media::Bytes(picture) => Part::picture(file, picture),
            Media::Url(url) => Part::text(endpoint.url, url),
            Media::Stored(id) => Part::text(endpoint.id.ok_or_else(Problem::unsupported)?, id),
        };
        let parts = [
            Part::text(API_ID, cx.secret(API_ID)?.expose()),
            Part::text(API_SECRET, cx.secret(API_SECRET)?.expose()),
            part,
        ];
        let (content_type, body) = write::multipart(cx.id, &parts);
        let request = Request::post(format!("{}{}", cx.base_url, endpoint.path))
            .header(CONTENT_TYPE, content_type)
            .header(CONTENT_LENGTH, body.len())
            .header(ACCEPT, "application/json")
            .body(body)
            .map_err(unusable)?;
        Ok(Turn::Send {
            request,
            memo: Memo::default(),
        })
    }

    fn parse_response(
        &self,
        call: &Call,
        _: Memo,
        response: Response<Bytes>,
        cx: &UpstreamCx<'_>,
    ) -> Result<Turn, Problem> {
        let (head, body) = response.into_parts();
        let Ok(reply) = serde_json::from_slice::<Reply<'_>>(&body) else {
            return Err(
                complaint::unreadable(head.status, &head.headers).vendor_code(head.status.as_str())
            );
        };
        let said = reply.status.map(RawValue::get).unwrap_or_default();
        let status = serde_json::from_str(said).unwrap_or_else(|_| Status::Other(String::new()));
        if let Some(problem) = problem(&status, head.status, &head.headers) {
            return Err(problem.vendor_code(complaint::word(said, head.status)));
        }
        let outcome = match call {
            Call::Upload(_) => {
                let stored = stored(&reply).filter(|_| status == Status::Success);
                Outcome::Uploaded(stored.ok_or_else(complaint::failed)?)
            }
            Call::ImageLiveness(_)
            | Call::BundleLiveness(_)
            | Call::VideoLiveness(_)
            | Call::VideoMatch(_)
            | Call::FaceMatch(_)
            | Call::FaceQuality(_) => {
                Outcome::Liveness(liveness(&reply, &status, &cx.scale.unwrap_or(SCALE)))
            }
        };
        Ok(Turn::Done(outcome))
    }
}

/// Whether a pair of a query is one of the caller's credentials, however its name is escaped.
fn is_credential(pair: &str) -> bool {
    let name = pair.split('=').next().unwrap_or_default();
    let name = percent_decode_str(name).decode_utf8_lossy();
    CREDENTIALS.contains(&name.as_ref())
}

fn unusable(error: impl Into<http::Error>) -> Problem {
    Problem::new(
        ProblemKind::Internal,
        "the upstream's address is not usable",
    )
    .source(error.into())
}

/// What the vendor complains about, if it does. An `OK`, or a word that nobody knows, is a complaint only by its HTTP
/// status.
fn problem(status: &Status, code: StatusCode, headers: &HeaderMap) -> Option<Problem> {
    let problem = match status {
        Status::InvalidArgument => Problem::new(
            ProblemKind::InvalidParameter,
            "the file or a parameter was refused",
        ),
        Status::ImageIdNotExist => Problem::new(
            ProblemKind::InvalidParameter,
            "nothing is kept under this id",
        ),
        Status::EncodingError => Problem::new(ProblemKind::NotUtf8, "a parameter is not UTF-8"),
        Status::DownloadTimeout => Problem::new(
            ProblemKind::DownloadTimeout,
            "the file could not be fetched in time",
        ),
        Status::DownloadError => {
            Problem::new(ProblemKind::DownloadFailed, "the file could not be fetched")
        }
        Status::WrongLivenessData | Status::CorruptImage => complaint::unopened(),
        Status::ImageFileSizeTooBig => {
            Problem::new(ProblemKind::MediaTooLarge, "the picture is too large")
        }
        Status::InvalidImageFormatOrSize => Problem::new(
            ProblemKind::PixelsOutOfRange,
            "the picture's format or number of pixels is not accepted",
        ),
        Status::NoFaceDetected => complaint::no_face(),
        Status::Unauthorized | Status::KeyExpired | Status::NoPermission | Status::OutOfQuota => {
            complaint::account()
        }
        Status::RateLimitExceeded => complaint::throttled(headers),
        Status::NotFound => complaint::failed(),
        Status::InternalError => complaint::failed().retry(Retry::Now),
        Status::Success | Status::Other(_) if code.is_success() => return None,
        Status::Success | Status::Other(_) => complaint::unreadable(code, headers),
    };
    Some(problem)
}

/// A reply that is not a complaint. Without both `OK` and a readable score there is no verdict.
fn liveness(reply: &Reply<'_>, status: &Status, scale: &Scale) -> Liveness {
    let score = reply
        .score
        .or(reply.hack_score)
        .filter(|_| *status == Status::Success);
    let liveness = score::liveness(ID, score, scale);
    Liveness {
        stored: stored(reply),
        ..liveness
    }
}

/// The id of what was kept, whichever of its names it has.
fn stored(reply: &Reply<'_>) -> Option<Uploaded> {
    let names = [reply.liveness_data_id, reply.image_id];
    let texts = names.into_iter().flatten().filter_map(|raw| {
        let text: Cow<'_, str> = serde_json::from_str::<String>(raw.get()).ok()?.into();
        (!text.is_empty()).then_some(text)
    });
    let id = texts.map(Cow::into_owned).next()?;
    Some(Uploaded { id })
}
