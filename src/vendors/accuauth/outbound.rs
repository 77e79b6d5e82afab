//! Calls AccuAuth.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use serde_json::value::RawValue;

use super::wire::{Extra, Reply, Status};
use super::{BUNDLE_PATH, CALLED, ID, ID_HEADERS, MATCH_PATH, PATH, SCALE, SECRET_HEADERS};
use crate::canonical::{
    Call, FaceMatch, Liveness, Match, Media, NativeScore, Outcome, Problem, ProblemKind, Retry,
    Scale, Selection, Verdict,
};
use crate::vendors::body::write::{self, Part};
use crate::vendors::{Capabilities, Memo, Outbound, Turn, UpstreamCx, body, complaint, score};

#[derive(Debug)]
pub(super) struct AccuAuthUpstream;

const CREDENTIALS: [&str; 2] = ["api_id", "api_secret"];
/// The smallest similarity of one person that five decimals can tell.
const JUST_SAME: f64 = 0.700_01;

// === impl AccuAuthUpstream ===

impl Outbound for AccuAuthUpstream {
    fn capabilities(&self) -> &'static Capabilities {
        &CALLED
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
        let (path, parts) = asked(call)?;
        let (content_type, body) = write::multipart(cx.id, &parts);
        let request = Request::post(format!("{}{path}", cx.base_url))
            .header(CONTENT_TYPE, content_type)
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
        call: &Call,
        _: Memo,
        response: Response<Bytes>,
        cx: &UpstreamCx<'_>,
    ) -> Result<Turn, Problem> {
        let (head, body) = response.into_parts();
        let Ok(reply) = serde_json::from_slice::<Reply<'_>>(&body) else {
            return Err(complaint::unreadable(head.status).vendor_code(head.status.as_str()));
        };
        let said = reply.status.map(RawValue::get).unwrap_or_default();
        let status = serde_json::from_str(said).unwrap_or_else(|_| Status::Other(String::new()));
        if let Some(problem) = problem(&status, head.status, &head.headers) {
            return Err(problem.vendor_code(complaint::word(said, head.status)));
        }
        let outcome = if let Call::FaceMatch(_) = call {
            Outcome::Match(comparison(&reply, &status).ok_or_else(complaint::failed)?)
        } else {
            Outcome::Liveness(liveness(&reply, &status, &cx.scale.unwrap_or(SCALE))?)
        };
        Ok(Turn::Done(outcome))
    }
}

/// Where the call goes and what of it.
fn asked(call: &Call) -> Result<(&'static str, Vec<Part<'_>>), Problem> {
    match call {
        Call::ImageLiveness(call) => {
            let image = call.image.bytes().ok_or_else(Problem::unsupported)?;
            let mut parts = vec![Part::picture("file", image)];
            parts.extend(call.details.then(|| Part::text("return_extra", "1")));
            Ok((PATH, parts))
        }
        Call::BundleLiveness(call) => {
            let mut parts = vec![match &call.bundle {
                Media::Bytes(bundle) => Part::file("liveness_data_file", bundle),
                Media::Stored(id) => Part::text("image_id", id),
                Media::Url(_) => return Err(Problem::unsupported()),
            }];
            parts.extend(call.return_image.then(|| Part::text("return_image", "1")));
            parts.extend(call.details.then(|| Part::text("return_extra", "1")));
            Ok((BUNDLE_PATH, parts))
        }
        Call::FaceMatch(FaceMatch {
            first: Media::Bytes(first),
            second: Media::Bytes(second),
            ..
        }) => {
            let parts = vec![
                Part::picture("file_1", first),
                Part::picture("file_2", second),
                // What kind of photos they are, the vendor decides.
                Part::text("compare_mode", "2"),
            ];
            Ok((MATCH_PATH, parts))
        }
        Call::FaceMatch(_)
        | Call::VideoLiveness(_)
        | Call::VideoMatch(_)
        | Call::FaceQuality(_)
        | Call::Upload(_) => Err(Problem::unsupported()),
    }
}

/// What the vendor complains about, if it does. An `OK`, or a word that nobody knows, is a complaint only by its HTTP
/// status.
fn problem(status: &Status, code: StatusCode, headers: &HeaderMap) -> Option<Problem> {
    let problem = match status {
        Status::InvalidArgument => Problem::new(
            ProblemKind::InvalidParameter,
            "the picture or a parameter was refused",
        ),
        Status::DetetionFailed | Status::NoFaceDetected => complaint::no_face(),
        Status::WrongLivenessData => complaint::unopened(),
        Status::Unauthorized | Status::KeyExpired | Status::NoPermission | Status::OutOfQuota => {
            complaint::account()
        }
        Status::RateLimitExceeded => complaint::throttled(headers),
        Status::RpcTimeout => complaint::timed_out(),
        Status::DownloadError | Status::NotFound => complaint::failed(),
        Status::InternalError => complaint::failed().retry(Retry::Now),
        Status::Success | Status::Other(_) if code.is_success() => return None,
        Status::Success | Status::Other(_) => complaint::unreadable(code),
    };
    Some(problem)
}

/// A reply that is not a complaint. Without both `OK` and a readable score there is no verdict.
fn liveness(reply: &Reply<'_>, status: &Status, scale: &Scale) -> Result<Liveness, Problem> {
    let extra: Option<Extra> = reply
        .extra
        .and_then(|extra| serde_json::from_str(extra.get()).ok());
    if extra
        .as_ref()
        .is_some_and(|extra| extra.has_no_face == Some(true))
    {
        return Err(complaint::no_face());
    }
    let read = reply
        .score
        .filter(|_| *status == Status::Success)
        .and_then(|raw| score::read(raw, scale));
    let mut liveness = match read {
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
    liveness.selection = reply.image_base64.and_then(face);
    if let Some(extra) = extra {
        liveness.details = extra.to_details();
        if let Ok(own) = serde_json::to_value(&extra) {
            liveness.extras.insert(ID, own);
        }
    }
    Ok(liveness)
}

/// The face of a bundle. The vendor does not tell when it was seen.
fn face(raw: &RawValue) -> Option<Selection> {
    let text: String = serde_json::from_str(raw.get()).ok()?;
    let face = body::base64::decode(text.as_bytes()).ok()?;
    Some(Selection {
        at_seconds: 0.0,
        frame: None,
        face: Some(face),
    })
}

/// `identical` decides; the score, whose threshold the vendor does not tell, is brought to its side. None without both.
fn comparison(reply: &Reply<'_>, status: &Status) -> Option<Match> {
    let identical = reply.identical.filter(|_| *status == Status::Success)?;
    let (text, score) = score::digits(reply.score?)?;
    if !(0.0..=1.0).contains(&score) {
        return None;
    }
    let similarity = match identical.get() {
        "true" => score.max(JUST_SAME),
        "false" => score.min(Match::SAME_PERSON),
        _ => return None,
    };
    Some(Match {
        similarity,
        native: Some(NativeScore { vendor: ID, text }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::{CallId, Secret};

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
