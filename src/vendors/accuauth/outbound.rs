//! Calls AccuAuth.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use serde_json::value::RawValue;

use super::wire::{Extra, Reply, Status};
use super::{CAPABILITIES, ID, ID_HEADERS, PATH, SCALE, SECRET_HEADERS};
use crate::canonical::{
    AttackScore, Call, ImageLiveness, Liveness, Media, NativeScore, Outcome, Problem, ProblemKind,
    Retry, Scale, Verdict,
};
use crate::vendors::{Capabilities, Memo, Outbound, Turn, UpstreamCx};

#[derive(Debug)]
pub(super) struct AccuAuthUpstream;

const CREDENTIALS: [&str; 2] = ["api_id", "api_secret"];
/// How long a throttle lasts if the vendor does not say.
const THROTTLE: Duration = Duration::from_secs(1);
/// The longest wait that is taken from the vendor.
const MAX_THROTTLE: Duration = Duration::from_secs(3600);

// === impl AccuAuthUpstream ===

impl Outbound for AccuAuthUpstream {
    fn capabilities(&self) -> &'static Capabilities {
        &CAPABILITIES
    }

    fn credentials(&self) -> &'static [&'static str] {
        &CREDENTIALS
    }

    fn authorise(&self, head: &mut Parts, cx: &UpstreamCx<'_>) -> Result<(), Problem> {
        for ([dashed, underscored], name) in
            [ID_HEADERS, SECRET_HEADERS].into_iter().zip(CREDENTIALS)
        {
            let mut value = HeaderValue::from_str(cx.secret(name)?.expose()).map_err(|_| {
                Problem::new(
                    ProblemKind::Internal,
                    "the gateway's credential cannot be sent in a header",
                )
            })?;
            value.set_sensitive(true);
            head.headers.remove(underscored);
            head.headers.insert(dashed, value);
        }
        Ok(())
    }

    fn render_request(&self, call: &Call, cx: &UpstreamCx<'_>) -> Result<Turn, Problem> {
        let Call::ImageLiveness(ImageLiveness {
            image: Media::Bytes(image),
            details,
        }) = call
        else {
            return Err(Problem::unsupported());
        };
        let (boundary, body) = multipart(image, *details, cx);
        let request = Request::post(format!("{}{PATH}", cx.base_url))
            .header(
                CONTENT_TYPE,
                format!("multipart/form-data; boundary={boundary}"),
            )
            .header(CONTENT_LENGTH, body.len())
            .header(ACCEPT, "application/json")
            .body(body)
            .map_err(|error| {
                Problem::new(
                    ProblemKind::Internal,
                    "the upstream's address is not usable",
                )
                .source(error)
            })?;
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
        let Ok(reply) = serde_json::from_slice::<Reply<'_>>(&body) else {
            return Err(unreadable(head.status).vendor_code(head.status.as_str()));
        };
        let status = reply.status.map(RawValue::get).unwrap_or_default();
        let known = serde_json::from_str(status).unwrap_or_else(|_| Status::Other(String::new()));
        if let Some(problem) = complaint(&known, head.status, &head.headers) {
            return Err(problem.vendor_code(vendor_code(status, head.status)));
        }
        answer(&reply, &known, cx.scale.unwrap_or(SCALE))
            .map(|liveness| Turn::Done(Outcome::Liveness(liveness)))
    }
}

/// The body in one pass into one buffer of the right size. The boundary is the call's id: random, so no picture can
/// hold it.
fn multipart(image: &Bytes, details: bool, cx: &UpstreamCx<'_>) -> (String, Bytes) {
    let boundary = format!("livegate-{}", cx.id);
    // The vendor's own clients name their files by their type.
    let (extension, media_type) = if image.starts_with(b"\x89PNG") {
        ("png", "image/png")
    } else {
        ("jpg", "image/jpeg")
    };
    let before = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"image.{extension}\"\r\n\
         Content-Type: {media_type}\r\n\r\n"
    );
    let after = if details {
        format!(
            "\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"return_extra\"\r\n\r\n1\r\n--{boundary}--\r\n"
        )
    } else {
        format!("\r\n--{boundary}--\r\n")
    };
    let mut body = Vec::with_capacity(before.len() + image.len() + after.len());
    body.extend_from_slice(before.as_bytes());
    body.extend_from_slice(image);
    body.extend_from_slice(after.as_bytes());
    (boundary, Bytes::from(body))
}

/// What the vendor complains about, if it does. An `OK`, or a word that nobody knows, is a complaint only by its HTTP
/// status.
fn complaint(status: &Status, code: StatusCode, headers: &HeaderMap) -> Option<Problem> {
    let problem = match status {
        Status::InvalidArgument => Problem::new(
            ProblemKind::InvalidParameter,
            "the picture or a parameter was refused",
        ),
        Status::DetetionFailed | Status::NoFaceDetected => no_face(),
        Status::Unauthorized | Status::KeyExpired | Status::NoPermission | Status::OutOfQuota => {
            account()
        }
        Status::RateLimitExceeded => account().retry(Retry::After(throttle(headers))),
        Status::RpcTimeout => Problem::new(
            ProblemKind::UpstreamTimeout,
            "the check did not finish in time",
        )
        .retry(Retry::Now),
        Status::DownloadError | Status::NotFound => failed(),
        Status::InternalError => failed().retry(Retry::Now),
        Status::Success | Status::Other(_) if code.is_success() => return None,
        Status::Success | Status::Other(_) => unreadable(code),
    };
    Some(problem)
}

/// An answer whose body says nothing that we understand.
fn unreadable(code: StatusCode) -> Problem {
    if matches!(code, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        account()
    } else if code.is_server_error() {
        failed().retry(Retry::Now)
    } else {
        failed()
    }
}

fn account() -> Problem {
    Problem::new(
        ProblemKind::UpstreamAccount,
        "the gateway's own account was refused",
    )
}

fn failed() -> Problem {
    Problem::new(
        ProblemKind::UpstreamFailed,
        "the check could not be carried out",
    )
}

fn no_face() -> Problem {
    Problem::new(ProblemKind::NoFace, "no face was found in the picture")
}

fn throttle(headers: &HeaderMap) -> Duration {
    headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .map_or(THROTTLE, Duration::from_secs)
        .min(MAX_THROTTLE)
}

/// A reply that is not a complaint. Without both `OK` and a readable score there is no verdict.
fn answer(reply: &Reply<'_>, status: &Status, scale: Scale) -> Result<Liveness, Problem> {
    let extra: Option<Extra> = reply
        .extra
        .and_then(|extra| serde_json::from_str(extra.get()).ok());
    if extra
        .as_ref()
        .is_some_and(|extra| extra.has_no_face == Some(true))
    {
        return Err(no_face());
    }
    let score = reply
        .score
        .filter(|_| *status == Status::Success)
        .and_then(|score| number(score, &scale));
    let mut liveness = match score {
        Some((text, verdict, score)) => Liveness {
            score: Some(score),
            native: Some(NativeScore { vendor: ID, text }),
            ..Liveness::new(verdict)
        },
        None => Liveness {
            reason: Some("the check gave no usable score".into()),
            ..Liveness::new(Verdict::Undecided)
        },
    };
    if let Some(extra) = extra {
        liveness.details = extra.to_details();
        if let Ok(own) = serde_json::to_value(&extra) {
            liveness.extras.insert(ID, own);
        }
    }
    Ok(liveness)
}

/// The score's digits and what they mean. It may stand in quotes, but it is a JSON number or nothing.
fn number(raw: &RawValue, scale: &Scale) -> Option<(String, Verdict, AttackScore)> {
    let text = if raw.get().starts_with('"') {
        serde_json::from_str::<Cow<'_, str>>(raw.get()).ok()?
    } else {
        Cow::Borrowed(raw.get())
    };
    let text = text.trim();
    let (verdict, score) = scale.read(serde_json::from_str(text).ok()?)?;
    Some((text.to_owned(), verdict, score))
}

/// The vendor's word for the log, short and free of anything but code characters; else its HTTP status.
fn vendor_code(status: &str, code: StatusCode) -> String {
    let word: String = status
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
        .take(64)
        .collect();
    if word.is_empty() {
        code.as_str().to_owned()
    } else {
        word
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::{CallId, Secret};

    #[test]
    fn the_body_is_written_once_into_a_buffer_of_its_size() {
        let secrets = [];
        let cx = UpstreamCx::new(CallId::from_bytes([7; 16]), "http://h", None, 0, &secrets);
        let (_, body) = multipart(&Bytes::from_static(b"\x89PNG"), true, &cx);
        let body = Vec::from(body);
        assert_eq!(body.capacity(), body.len());
    }

    #[test]
    fn a_credential_that_no_header_can_carry_is_our_fault() {
        let secrets = [
            ("api_id", Secret::new("id".to_owned())),
            ("api_secret", Secret::new("a\r\nx-evil: 1".to_owned())),
        ];
        let cx = UpstreamCx::new(CallId::from_bytes([7; 16]), "http://h", None, 0, &secrets);
        let (mut head, ()) = Request::new(()).into_parts();
        let problem = AccuAuthUpstream
            .authorise(&mut head, &cx)
            .expect_err("refused");
        assert_eq!(problem.kind, ProblemKind::Internal);
    }

    #[test]
    fn a_client_credential_does_not_travel_on() {
        let secrets = [
            ("api_id", Secret::new("ours".to_owned())),
            ("api_secret", Secret::new("ours too".to_owned())),
        ];
        let cx = UpstreamCx::new(CallId::from_bytes([7; 16]), "http://h", None, 0, &secrets);
        let (mut head, ()) = Request::builder()
            .header("X_DF_API_ID", "theirs")
            .header("X_DF_API_SECRET", "theirs")
            .header("X-DF-API-SECRET", "theirs")
            .body(())
            .expect("a request")
            .into_parts();
        AccuAuthUpstream.authorise(&mut head, &cx).unwrap();
        assert!(head.headers.values().all(|value| value != "theirs"));
        assert_eq!(head.headers["x-df-api-id"], "ours");
        assert!(!format!("{head:?}").contains("ours"));
    }
}
