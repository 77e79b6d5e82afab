//! Serves our own API.

use bytes::Bytes;
use http::header::WWW_AUTHENTICATE;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};

use super::wire::{Details, LivenessAnswer, LivenessRequest, ProblemDetail};
use super::{CAPABILITIES, LIVENESS_PATH, PREFIX, RAW_TYPES};
use crate::canonical::{
    AttackScore, Call, ImageLiveness, Media, Op, Outcome, Problem, ProblemKind, Verdict,
};
use crate::vendors::body::{self, ContentType, Fields, form, json, multipart};
use crate::vendors::{
    Capabilities, Credentials, DialectCx, Inbound, Presented, Sample, SampleBody,
};

#[derive(Debug)]
pub(super) struct NativeDialect;

// === impl NativeDialect ===

impl Inbound for NativeDialect {
    fn capabilities(&self) -> &'static Capabilities {
        &CAPABILITIES
    }

    fn recognise(&self, head: &Parts) -> Option<Op> {
        (head.method == Method::POST && head.uri.path() == LIVENESS_PATH)
            .then_some(Op::ImageLiveness)
    }

    fn claims(&self, head: &Parts) -> bool {
        head.uri.path().starts_with(PREFIX)
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
        let (image, details) = match ContentType::of(&head.headers)? {
            _ if body.is_empty() => (None, false),
            ContentType::Json => read_json(&body)?,
            ContentType::Multipart { boundary } => {
                read_fields(&multipart::read(&body, &boundary)?)?
            }
            ContentType::Other(media_type) if is_raw(media_type) => {
                let query = head.uri.query().unwrap_or_default();
                let fields = form::read(&Bytes::copy_from_slice(query.as_bytes()))?;
                (Some(body), wants_details(&fields)?)
            }
            ContentType::Form | ContentType::Other(_) => {
                return Err(Problem::new(
                    ProblemKind::InvalidParameter,
                    "send application/json, multipart/form-data, image/jpeg, image/png or application/octet-stream",
                ));
            }
        };
        let image = image.filter(|image| !image.is_empty()).ok_or_else(|| {
            Problem::new(
                ProblemKind::MediaMissing,
                "send the picture as 'image_base64' in JSON, as 'image' in a multipart, or as the body",
            )
        })?;
        Ok(Call::ImageLiveness(ImageLiveness {
            image: Media::Bytes(image),
            details,
        }))
    }

    fn render_response(
        &self,
        cx: &DialectCx<'_>,
        call: &Call,
        outcome: &Outcome,
    ) -> Response<Bytes> {
        let (Call::ImageLiveness(asked), Outcome::Liveness(liveness)) = (call, outcome) else {
            return self.render_problem(cx, Some(call.op()), &Problem::unsupported());
        };
        if liveness.verdict == Verdict::Undecided {
            let reason = liveness.reason.clone();
            let problem = Problem::new(
                ProblemKind::Undecided,
                reason.unwrap_or("no decision could be reached".into()),
            );
            return self.render_problem(cx, Some(call.op()), &problem);
        }
        let details = Details::from(&liveness.details);
        let answer = LivenessAnswer {
            id: cx.id.hex(),
            verdict: liveness.verdict.as_str(),
            attack_score: liveness
                .score
                .and_then(|score| rounded(liveness.verdict, score)),
            details: (asked.details && details != Details::default()).then_some(details),
        };
        body::respond(StatusCode::OK, "application/json", &answer)
    }

    fn render_problem(
        &self,
        cx: &DialectCx<'_>,
        _: Option<Op>,
        problem: &Problem,
    ) -> Response<Bytes> {
        let (code, title) = status(problem.kind);
        let detail = ProblemDetail {
            r#type: format!("urn:livegate:problem:{}", problem.kind),
            title,
            status: code.as_u16(),
            detail: &problem.detail,
            id: cx.id.hex(),
        };
        let mut response = body::respond(code, "application/problem+json", &detail);
        if code == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        body::advise(&mut response, problem.retry);
        response
    }

    fn sample(&self, op: Op, credentials: &Credentials<'_>) -> Option<Sample> {
        (op == Op::ImageLiveness).then(|| Sample {
            path: LIVENESS_PATH,
            headers: vec![(
                "Authorization",
                format!("Bearer {}.{}", credentials.id, credentials.secret),
            )],
            body: SampleBody::Form {
                file: "image",
                fields: vec![("details", "true".to_owned())],
            },
        })
    }
}

fn is_raw(media_type: &[u8]) -> bool {
    RAW_TYPES
        .iter()
        .any(|raw| media_type.eq_ignore_ascii_case(raw.as_bytes()))
}

fn read_json(text: &[u8]) -> Result<(Option<Bytes>, bool), Problem> {
    let request: LivenessRequest<'_> = json::read(text)?;
    let image = request
        .image_base64
        .map(|text| body::base64::decode(text.0.as_bytes()))
        .transpose()?;
    Ok((image, request.details))
}

fn read_fields(fields: &Fields) -> Result<(Option<Bytes>, bool), Problem> {
    let image = match (fields.one("image")?, fields.one("file")?) {
        (Some(_), Some(_)) => {
            return Err(Problem::new(
                ProblemKind::InvalidParameter,
                "'image' and its alias 'file' are both given",
            ));
        }
        (Some(field), None) | (None, Some(field)) => field.file().cloned(),
        (None, None) => None,
    };
    Ok((image, wants_details(fields)?))
}

fn wants_details(fields: &Fields) -> Result<bool, Problem> {
    let Some(field) = fields.one("details")? else {
        return Ok(false);
    };
    match field.text()?.as_ref() {
        "true" | "1" => Ok(true),
        "false" | "0" | "" => Ok(false),
        _ => Err(Problem::new(
            ProblemKind::InvalidParameter,
            "'details' is neither true nor false",
        )),
    }
}

/// Six decimals, still on the verdict's side.
fn rounded(verdict: Verdict, score: AttackScore) -> Option<f64> {
    let score = (score.value() * 1e6).round() / 1e6;
    AttackScore::on_side(verdict, score).map(AttackScore::value)
}

/// HTTP status and title of every kind.
pub(super) fn status(kind: ProblemKind) -> (StatusCode, &'static str) {
    match kind {
        ProblemKind::MediaMissing => (StatusCode::BAD_REQUEST, "The picture is missing"),
        ProblemKind::InvalidParameter => (StatusCode::BAD_REQUEST, "A parameter is not valid"),
        ProblemKind::NotUtf8 => (StatusCode::BAD_REQUEST, "Text is not UTF-8"),
        ProblemKind::InvalidBase64 => (StatusCode::BAD_REQUEST, "Base64 does not decode"),
        ProblemKind::MalformedRequest => (StatusCode::BAD_REQUEST, "The request is malformed"),
        ProblemKind::Unauthorized => (StatusCode::UNAUTHORIZED, "The key is missing or wrong"),
        ProblemKind::KeyExpired => (StatusCode::UNAUTHORIZED, "The key has expired"),
        ProblemKind::NotEntitled => (StatusCode::FORBIDDEN, "The key may not do this"),
        ProblemKind::NotFound => (StatusCode::NOT_FOUND, "There is nothing here"),
        ProblemKind::BodyTimeout => (StatusCode::REQUEST_TIMEOUT, "The body came too slowly"),
        ProblemKind::LengthRequired => (StatusCode::LENGTH_REQUIRED, "The body has no length"),
        ProblemKind::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "The body is too large"),
        ProblemKind::MediaTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "The file is too large"),
        ProblemKind::DecryptFailed => {
            (StatusCode::UNPROCESSABLE_ENTITY, "A field does not decrypt")
        }
        ProblemKind::PixelsOutOfRange => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "The picture has too few or too many pixels",
        ),
        ProblemKind::MediaUnreadable => {
            (StatusCode::UNPROCESSABLE_ENTITY, "The file cannot be read")
        }
        ProblemKind::NoFace => (StatusCode::UNPROCESSABLE_ENTITY, "No face was found"),
        ProblemKind::FaceOccluded => (StatusCode::UNPROCESSABLE_ENTITY, "The face is covered"),
        ProblemKind::Undecided => (StatusCode::UNPROCESSABLE_ENTITY, "No decision was reached"),
        ProblemKind::DownloadTimeout => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "The download took too long",
        ),
        ProblemKind::DownloadFailed => (StatusCode::UNPROCESSABLE_ENTITY, "The download failed"),
        ProblemKind::Unsupported => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "This check is not available",
        ),
        ProblemKind::QuotaExhausted => (StatusCode::TOO_MANY_REQUESTS, "The quota is used up"),
        ProblemKind::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "Too many calls"),
        ProblemKind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "The gateway failed"),
        ProblemKind::UpstreamAccount => (
            StatusCode::BAD_GATEWAY,
            "The upstream refused the gateway's account",
        ),
        ProblemKind::UpstreamFailed => (StatusCode::BAD_GATEWAY, "The upstream failed"),
        ProblemKind::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "There is no room now"),
        ProblemKind::UpstreamTimeout => (
            StatusCode::GATEWAY_TIMEOUT,
            "The upstream did not answer in time",
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::canonical::FaceDetails;
    use crate::canonical::Orientation;
    use crate::vendors::native::{OPENAPI, OPENAPI_PATH};

    fn document() -> Value {
        serde_json::from_str(OPENAPI).expect("the document is JSON")
    }

    fn keys(value: &Value) -> BTreeSet<String> {
        value
            .as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect()
    }

    fn names(values: impl IntoIterator<Item = impl ToString>) -> BTreeSet<String> {
        values.into_iter().map(|value| value.to_string()).collect()
    }

    #[test]
    fn the_document_has_the_paths_and_bodies_that_the_code_has() {
        let document = document();
        assert_eq!(document["openapi"], "3.1.0");
        let mut paths = names(CAPABILITIES.ops.iter().map(|support| support.path));
        paths.insert(OPENAPI_PATH.to_owned());
        assert_eq!(keys(&document["paths"]), paths);
        let mut bodies = names(RAW_TYPES);
        bodies.extend(names(["application/json", "multipart/form-data"]));
        let post = &document["paths"][LIVENESS_PATH]["post"];
        assert_eq!(keys(&post["requestBody"]["content"]), bodies);
    }

    #[test]
    fn the_document_has_the_fields_that_the_code_writes() {
        let schemas = &document()["components"]["schemas"];
        let details = Details::from(&FaceDetails {
            face_count: Some(1),
            orientation: Some(Orientation::Up),
            quality: Some(0.5),
            face_quality: Some(0.5),
            blur_or_dark: Some(false),
            face_too_small: Some(false),
            image_too_small: Some(false),
            mask: Some(0.5),
            eyes_open: Some(0.5),
            live_probability: Some(0.5),
        });
        let answer = serde_json::to_value(LivenessAnswer {
            id: String::new(),
            verdict: "live",
            attack_score: Some(0.0),
            details: Some(details),
        })
        .unwrap();
        assert_eq!(keys(&schemas["Answer"]["properties"]), keys(&answer));
        assert_eq!(
            keys(&schemas["Details"]["properties"]),
            keys(&answer["details"])
        );
        let problem = serde_json::to_value(ProblemDetail {
            r#type: String::new(),
            title: "",
            status: 0,
            detail: "",
            id: String::new(),
        })
        .unwrap();
        assert_eq!(keys(&schemas["Problem"]["properties"]), keys(&problem));
    }

    #[test]
    fn the_document_has_every_problem_and_status() {
        let document = document();
        let kinds = ProblemKind::ALL.map(|kind| format!("urn:livegate:problem:{kind}"));
        let listed = document["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect::<BTreeSet<_>>();
        assert_eq!(listed, names(kinds));
        let mut statuses = names(ProblemKind::ALL.map(|kind| status(kind).0.as_u16()));
        statuses.insert("200".to_owned());
        assert_eq!(
            keys(&document["paths"][LIVENESS_PATH]["post"]["responses"]),
            statuses
        );
    }

    #[test]
    fn rounding_stays_on_the_verdicts_side() {
        for (verdict, value, written) in [
            (Verdict::Live, 0.499_999, 0.499_999),
            (Verdict::Live, 0.012_345_678, 0.012_346),
            (Verdict::Spoof, 0.500_000_1, 0.5),
        ] {
            let score = AttackScore::new(value).expect("in range");
            assert_eq!(rounded(verdict, score), Some(written));
        }
    }
}
