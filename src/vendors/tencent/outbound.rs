//! Calls Tencent Cloud.

use base64_turbo::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, Response};
use serde_json::value::RawValue;

use super::sign::Signed;
use super::wire::{Envelope, ReplyError};
use super::{CAPABILITIES, ID, MAX_ENCODED, SCALE, codes};
use crate::canonical::{
    Call, ImageLiveness, Liveness, Media, NativeScore, Outcome, Problem, ProblemKind, Scale,
    Verdict,
};
use crate::vendors::{Capabilities, Memo, Outbound, Turn, UpstreamCx, reply};

#[derive(Debug)]
pub(super) struct TencentUpstream;

const SERVICE: &str = "iai";
const ACTION: &str = "DetectLiveFaceAccurate";
const VERSION: &str = "2020-03-03";
const JSON: &str = "application/json";

/// Where the action is served, by the vendor's page.
const REGIONS: [&str; 7] = [
    "ap-beijing",
    "ap-chengdu",
    "ap-chongqing",
    "ap-guangzhou",
    "ap-nanjing",
    "ap-shanghai",
    "ap-singapore",
];
const DEFAULT_REGION: &str = "ap-guangzhou";
const INTERNATIONAL: &str = "intl";
const REGION_HEADER: HeaderName = HeaderName::from_static("x-tc-region");

// === impl TencentUpstream ===

impl Outbound for TencentUpstream {
    fn capabilities(&self) -> &'static Capabilities {
        &CAPABILITIES
    }

    fn credentials(&self) -> &'static [&'static str] {
        &["secret_id", "secret_key"]
    }

    /// There is no dialect to relay, and the signature covers the body.
    fn authorise(&self, _: &mut Parts, _: &UpstreamCx<'_>) -> Result<(), Problem> {
        Err(Problem::unsupported())
    }

    fn render_request(&self, call: &Call, cx: &UpstreamCx<'_>) -> Result<Turn, Problem> {
        let Call::ImageLiveness(ImageLiveness { image, .. }) = call else {
            return Err(Problem::unsupported());
        };
        let body = body(image)?;
        let mut request = Request::post(format!("{}/", cx.base_url))
            .header(CONTENT_TYPE, JSON)
            .header(CONTENT_LENGTH, body.len())
            .header(ACCEPT, JSON)
            .header("x-tc-action", ACTION)
            .header("x-tc-version", VERSION)
            .header("x-tc-timestamp", cx.unix_seconds)
            .body(body)
            .map_err(|error| {
                Problem::new(
                    ProblemKind::Internal,
                    "the upstream's address is not usable",
                )
                .source(error)
            })?;
        let host = request.uri().authority().map_or("", |host| host.as_str());
        let signed = Signed {
            service: SERVICE,
            host,
            content_type: JSON,
            body: request.body(),
            unix_seconds: cx.unix_seconds,
        };
        let authorization = signed.authorization(
            cx.secret("secret_id")?.expose(),
            cx.secret("secret_key")?.expose(),
        )?;
        let mut authorization = HeaderValue::from_str(&authorization).map_err(|_| {
            Problem::new(
                ProblemKind::Internal,
                "the gateway's credential cannot be sent in a header",
            )
        })?;
        authorization.set_sensitive(true);
        let region = region(host).map(HeaderValue::from_static);
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, authorization);
        headers.extend(region.map(|region| (REGION_HEADER, region)));
        Ok(Turn::Send {
            request,
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
        let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(&body) else {
            return Err(
                reply::unreadable(head.status, &head.headers).vendor_code(head.status.as_str())
            );
        };
        let answer = envelope.response.unwrap_or_default();
        if let Some(error) = answer.error {
            let code = code(error);
            return Err(
                codes::problem(&code, &head.headers).vendor_code(reply::word(&code, head.status))
            );
        }
        if !head.status.is_success() {
            return Err(
                reply::unreadable(head.status, &head.headers).vendor_code(head.status.as_str())
            );
        }
        let liveness = liveness(answer.score, &cx.scale.unwrap_or(SCALE));
        Ok(Turn::Done(Outcome::Liveness(liveness)))
    }
}

/// The body in one pass into one buffer of the right size.
fn body(image: &Media) -> Result<Bytes, Problem> {
    const AFTER: &str = r#"","FaceModelVersion":"3.0"}"#;
    match image {
        Media::Bytes(image) => {
            const BEFORE: &str = r#"{"Image":""#;
            let encoded = STANDARD.encoded_len(image.len());
            if encoded > MAX_ENCODED {
                return Err(Problem::new(
                    ProblemKind::MediaTooLarge,
                    "the picture is too large for this check",
                ));
            }
            if image.starts_with(b"GIF8") {
                return Err(Problem::new(
                    ProblemKind::MediaUnreadable,
                    "GIF pictures are not accepted by this check",
                ));
            }
            let mut body = String::with_capacity(BEFORE.len() + encoded + AFTER.len());
            body.push_str(BEFORE);
            STANDARD.encode_string(image, &mut body);
            body.push_str(AFTER);
            Ok(body.into())
        }
        Media::Url(url) => {
            let body = serde_json::json!({ "Url": url, "FaceModelVersion": "3.0" });
            Ok(body.to_string().into())
        }
        Media::Stored(_) => Err(Problem::unsupported()),
    }
}

/// The region that the host names; see the module's design.
fn region(host: &str) -> Option<&'static str> {
    let (name, _) = host.split_once(':').unwrap_or((host, ""));
    let named = REGIONS
        .into_iter()
        .find(|region| name.split('.').any(|label| label == *region));
    let international = name.split('.').any(|label| label == INTERNATIONAL);
    named.or((!international).then_some(DEFAULT_REGION))
}

fn code(error: &RawValue) -> String {
    serde_json::from_str::<ReplyError<'_>>(error.get())
        .ok()
        .and_then(|error| reply::text(error.code?))
        .unwrap_or_default()
        .into_owned()
}

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

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::canonical::{CallId, Secret};

    const CALL_ID: CallId = CallId::from_bytes([7; 16]);

    fn render(base_url: &str, image: Media) -> Result<Request<Bytes>, Problem> {
        let secrets = [
            ("secret_id", Secret::new("the-id".to_owned())),
            ("secret_key", Secret::new("the-key".to_owned())),
        ];
        let cx = UpstreamCx::new(CALL_ID, base_url, None, 1_700_000_000, &secrets);
        let call = Call::ImageLiveness(ImageLiveness {
            image,
            details: false,
        });
        match TencentUpstream.render_request(&call, &cx)? {
            Turn::Send { request, .. } => Ok(request),
            Turn::Done(_) => Err(Problem::unsupported()),
        }
    }

    fn picture(bytes: &[u8]) -> Media {
        Media::Bytes(Bytes::copy_from_slice(bytes))
    }

    fn kind(result: Result<Request<Bytes>, Problem>) -> ProblemKind {
        result.expect_err("refused").kind
    }

    /// Computed step by step with another implementation of HMAC and SHA-256.
    #[test]
    fn a_request_is_signed_for_its_host_and_time() {
        let request = render(
            "https://iai.ap-beijing.tencentcloudapi.com",
            picture(b"picture"),
        )
        .unwrap();
        assert_eq!(request.uri(), "https://iai.ap-beijing.tencentcloudapi.com/");
        assert_eq!(
            request.body(),
            r#"{"Image":"cGljdHVyZQ==","FaceModelVersion":"3.0"}"#
        );
        let header = |name: &str| request.headers()[name].to_str().expect("text");
        assert_eq!(header("x-tc-action"), "DetectLiveFaceAccurate");
        assert_eq!(header("x-tc-version"), "2020-03-03");
        assert_eq!(header("x-tc-timestamp"), "1700000000");
        assert_eq!(header("x-tc-region"), "ap-beijing");
        assert_eq!(
            header("authorization"),
            "TC3-HMAC-SHA256 Credential=the-id/2023-11-14/iai/tc3_request, \
             SignedHeaders=content-type;host, \
             Signature=ef977dda8a38f8d4cb4e2be9ee708f45b98adda56c9eb113e045a0c1fa381648"
        );
        assert!(!format!("{request:?}").contains("the-id"));
    }

    #[test]
    fn the_region_is_that_of_the_host() {
        for (host, expected) in [
            ("iai.tencentcloudapi.com", Some("ap-guangzhou")),
            ("iai.ap-shanghai.tencentcloudapi.com", Some("ap-shanghai")),
            ("iai.intl.tencentcloudapi.com", None),
            (
                "iai.ap-singapore.intl.tencentcloudapi.com",
                Some("ap-singapore"),
            ),
            ("127.0.0.1:8080", Some("ap-guangzhou")),
        ] {
            assert_eq!(region(host), expected, "{host}");
        }
    }

    #[test]
    fn an_address_goes_as_it_is_and_alone() {
        let url = r#"https://h/a.jpg?b="c\"#;
        let request = render("http://h", Media::Url(url.to_owned())).unwrap();
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        assert_eq!(
            body,
            serde_json::json!({ "Url": url, "FaceModelVersion": "3.0" })
        );
    }

    #[test]
    fn the_body_is_written_once_into_a_buffer_of_its_size() {
        for size in 0..7 {
            let body = Vec::from(body(&picture(&vec![0; size])).unwrap());
            assert_eq!(body.capacity(), body.len(), "{size}");
        }
    }

    #[test]
    fn what_the_vendor_refuses_is_not_sent() {
        let most = MAX_ENCODED / 4 * 3;
        assert!(render("http://h", picture(&vec![0; most])).is_ok());
        let over = picture(&vec![0; most + 1]);
        assert_eq!(kind(render("http://h", over)), ProblemKind::MediaTooLarge);
        for gif in [b"GIF87a...", b"GIF89a..."] {
            let refused = render("http://h", picture(gif));
            assert_eq!(kind(refused), ProblemKind::MediaUnreadable);
        }
    }

    #[test]
    fn no_head_is_authorised_without_its_body() {
        let cx = UpstreamCx::new(CALL_ID, "http://h", None, 0, &[]);
        let (mut head, ()) = Request::new(()).into_parts();
        assert!(TencentUpstream.authorise(&mut head, &cx).is_err());
    }

    #[test]
    fn the_envelope_decides_and_not_the_status() {
        let read = |status: u16, body: &'static str| {
            let response = Response::builder()
                .status(status)
                .body(Bytes::from_static(body.as_bytes()))
                .expect("a response");
            let call = Call::ImageLiveness(ImageLiveness {
                image: Media::Url(String::new()),
                details: false,
            });
            let cx = UpstreamCx::new(CALL_ID, "http://h", None, 0, &[]);
            let turn = TencentUpstream
                .parse_response(&call, Memo::default(), response, &cx)
                .map_err(|problem| problem.kind)?;
            let Turn::Done(Outcome::Liveness(liveness)) = turn else {
                panic!("{turn:?}");
            };
            Ok(liveness.verdict)
        };
        let no_face =
            r#"{"Response":{"Score":99,"Error":{"Code":"InvalidParameterValue.NoFaceInPhoto"}}}"#;
        for status in [200, 400, 500] {
            assert_eq!(read(status, no_face), Err(ProblemKind::NoFace), "{status}");
        }
        for mistyped in [
            r#"{"Response":{"Score":99,"Error":true}}"#,
            r#"{"Response":{"Score":99,"Error":{"Code":7}}}"#,
            r#"{"Response":{"Score":99,"Error":{}}}"#,
        ] {
            assert_eq!(read(200, mistyped), Err(ProblemKind::UpstreamFailed));
        }
        let live = r#"{"Response":{"Score":99}}"#;
        assert_eq!(read(200, live), Ok(Verdict::Live));
        assert_eq!(read(500, live), Err(ProblemKind::UpstreamFailed));
        assert_eq!(read(200, r#"{"Score":99}"#), Ok(Verdict::Undecided));
    }
}
