//! Serves SenseID's dialect.

use base64_turbo::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::cipher::Cipher;
use super::wire::{self, Code, Failure, Figure, LivenessAnswer, MatchAnswer, QualityAnswer};
use super::{CAPABILITIES, CODED_ERRORS, ID, IV, KEY, split_credential};
use crate::canonical::{
    AttackScore, Call, FaceMatch, FaceQuality, Liveness, Match, Media, Op, Outcome, Problem,
    ProblemKind, Quality, Secret, Verdict, VideoLiveness, VideoMatch,
};
use crate::vendors::body::{self, Fields};
use crate::vendors::{
    Capabilities, Credentials, DialectCx, DialectSettings, Inbound, Presented, Sample,
};

#[derive(Debug)]
pub(super) struct SenseIdDialect;

const JSON: &str = "application/json";

// === impl SenseIdDialect ===

impl Inbound for SenseIdDialect {
    fn capabilities(&self) -> &'static Capabilities {
        &CAPABILITIES
    }

    fn recognise(&self, head: &Parts) -> Option<Op> {
        let (_, path) = split_credential(head.uri.path());
        let mut served = CAPABILITIES.ops.iter();
        let support = served.find(|support| support.path == path)?;
        (head.method == Method::POST).then_some(support.op)
    }

    fn claims(&self, head: &Parts) -> bool {
        let (credential, path) = split_credential(head.uri.path());
        credential.is_some() || path.ends_with("/stateless")
    }

    fn credential(&self, head: &Parts) -> Option<Presented> {
        let token = match split_credential(head.uri.path()) {
            (Some(escaped), _) => percent_decode_str(escaped).decode_utf8().ok()?.into_owned(),
            (None, _) => bearer(&head.headers)?.to_owned(),
        };
        (!token.is_empty()).then(|| Presented::Bearer(Secret::new(token)))
    }

    fn credential_in_body(&self, _: &Request<Bytes>) -> Option<Presented> {
        None
    }

    fn parse_request(
        &self,
        cx: &DialectCx<'_>,
        op: Op,
        request: Request<Bytes>,
    ) -> Result<Call, Problem> {
        if CAPABILITIES.support(op).is_none() {
            return Err(Problem::unsupported());
        }
        let (head, body) = request.into_parts();
        if !head.headers.contains_key(CONTENT_LENGTH) {
            return Err(Problem::new(
                ProblemKind::LengthRequired,
                "send the body with its content-length",
            ));
        }
        let form = EncryptedForm {
            cipher: cipher(cx.settings)?,
            fields: body::read(&head.headers, &body)?,
        };
        match op {
            Op::VideoMatch => Ok(Call::VideoMatch(VideoMatch {
                live: form.video()?,
                reference: form.media(wire::IMAGE)?,
                auto_rotate: form.flag(wire::AUTO_ROTATE)?,
                check_quality: form.flag(wire::CHECK_QUALITY)?,
            })),
            Op::VideoLiveness => form.video().map(Call::VideoLiveness),
            Op::FaceMatch => Ok(Call::FaceMatch(FaceMatch {
                first: form.media(wire::FIRST_IMAGE)?,
                second: form.media(wire::SECOND_IMAGE)?,
                auto_rotate: form.flag(wire::AUTO_ROTATE)?,
                check_quality: form.flag(wire::CHECK_QUALITY)?,
            })),
            Op::FaceQuality => Ok(Call::FaceQuality(FaceQuality {
                image: form.media(wire::IMAGE)?,
            })),
            Op::ImageLiveness | Op::BundleLiveness | Op::Upload => Err(Problem::unsupported()),
        }
    }

    fn render_response(
        &self,
        cx: &DialectCx<'_>,
        call: &Call,
        outcome: &Outcome,
    ) -> Response<Bytes> {
        let rendered = match (call, outcome) {
            (Call::VideoLiveness(asked), Outcome::Liveness(found)) => {
                liveness(cx, asked, found, None)
            }
            (Call::VideoMatch(asked), Outcome::Liveness(found)) => {
                compared(found).and_then(|score| liveness(cx, &asked.live, found, score))
            }
            (Call::FaceMatch(_), Outcome::Match(found)) => Ok(ok(&MatchAnswer {
                code: wire::SUCCESS,
                verification_score: similarity(found),
                request_id: cx.id.hex(),
            })),
            (Call::FaceQuality(_), Outcome::Quality(found)) => Ok(ok(&QualityAnswer {
                code: wire::SUCCESS,
                faces: faces(found),
                request_id: cx.id.hex(),
            })),
            _ => Err(Problem::unsupported()),
        };
        rendered.unwrap_or_else(|problem| self.render_problem(cx, Some(call.op()), &problem))
    }

    fn render_problem(
        &self,
        cx: &DialectCx<'_>,
        op: Option<Op>,
        problem: &Problem,
    ) -> Response<Bytes> {
        let (status, code, message) = match refusal(problem.kind, op) {
            Refusal::Coded(code) => (
                coded_status(code, cx.settings),
                code.number(),
                code.message().unwrap_or(&problem.detail),
            ),
            Refusal::Plain(status, name) => (status, status.as_u16(), name),
        };
        let failure = Failure {
            code,
            message,
            request_id: cx.id.hex(),
        };
        let mut response = body::respond(status, JSON, &failure);
        if status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
        }
        body::advise(&mut response, problem.retry);
        response
    }

    fn sample(&self, _: Op, _: &Credentials<'_>) -> Option<Sample> {
        None
    }
}

/// The fields of a request, and what opens those that are encrypted.
struct EncryptedForm {
    cipher: Cipher,
    fields: Fields,
}

// === impl EncryptedForm ===

impl EncryptedForm {
    fn video(&self) -> Result<VideoLiveness, Problem> {
        Ok(VideoLiveness {
            video: self.media(wire::VIDEO)?,
            return_frame: self.flag(wire::RETURN_IMAGE)?,
            return_face: self.flag(wire::RETURN_FACE_IMAGE)?,
            return_status: self.flag(wire::RETURN_STATUS)?,
        })
    }

    /// A required file.
    fn media(&self, name: &'static str) -> Result<Media, Problem> {
        let file = match self.fields.one(name)? {
            Some(field) if !field.is_empty() => self.cipher.open(field.base64()?)?,
            Some(_) | None => Bytes::new(),
        };
        if file.is_empty() {
            return Err(Problem::new(
                ProblemKind::MediaMissing,
                format!("'{name}' is missing or empty"),
            ));
        }
        Ok(Media::Bytes(file))
    }

    /// A truth value, as clients of several languages write it. Absent or empty means no.
    fn flag(&self, name: &'static str) -> Result<bool, Problem> {
        let Some(field) = self.fields.one(name)? else {
            return Ok(false);
        };
        match field.text()?.to_ascii_lowercase().as_str() {
            "true" | "1" => Ok(true),
            "false" | "0" | "" => Ok(false),
            _ => Err(Problem::new(
                ProblemKind::InvalidParameter,
                format!("'{name}' is neither true nor false"),
            )),
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

fn cipher(settings: &DialectSettings) -> Result<Cipher, Problem> {
    let secret = |name| settings.own.get(ID)?.secrets.get(name);
    match (secret(KEY), secret(IV)) {
        (Some(key), Some(iv)) => Cipher::new(key, iv),
        (Some(_) | None, Some(_) | None) => Err(Problem::new(
            ProblemKind::NotEntitled,
            "no encryption key has been agreed on for this account",
        )),
    }
}

fn ok(answer: &impl serde::Serialize) -> Response<Bytes> {
    body::respond(StatusCode::OK, JSON, answer)
}

/// An answer of 1.4 or 3.1. What only a pass has is left out of the others, whatever is known.
fn liveness(
    cx: &DialectCx<'_>,
    asked: &VideoLiveness,
    found: &Liveness,
    verification_score: Option<Figure>,
) -> Result<Response<Bytes>, Problem> {
    let (passed, status, middle) = match found.verdict {
        Verdict::Live => (true, wire::STATUS_OK, 0.25),
        Verdict::Spoof if found.too_short => (false, wire::STATUS_SHORT_TIME, 0.75),
        Verdict::Spoof => (false, wire::STATUS_HACK, 0.75),
        Verdict::Undecided => {
            let reason = found.reason.clone();
            return Err(Problem::new(
                ProblemKind::Undecided,
                reason.unwrap_or("no decision could be reached".into()),
            ));
        }
    };
    let attack = found.score.map_or(middle, AttackScore::value);
    let selection = found.selection.as_ref().filter(|_| passed);
    let frame = selection.filter(|_| asked.return_frame);
    let timed = frame.filter(|selection| selection.at_seconds > 0.0 || selection.frame.is_some());
    let face = selection.filter(|_| asked.return_face);
    Ok(ok(&LivenessAnswer {
        code: wire::SUCCESS,
        passed,
        liveness_score: Figure::new(ID, found.native.as_ref(), 1.0 - attack),
        liveness_status: asked.return_status.then_some(status),
        verification_score,
        image_timestamp: timed.map(|selection| selection.at_seconds),
        base64_image: frame
            .and_then(|selection| selection.frame.as_ref())
            .map(|frame| STANDARD.encode(frame)),
        base64_face_image: face
            .and_then(|selection| selection.face.as_ref())
            .map(|face| STANDARD.encode(face)),
        request_id: cx.id.hex(),
    }))
}

/// The comparison that belongs to a pass, and to nothing else. A client that reads a pass relies on it.
fn compared(found: &Liveness) -> Result<Option<Figure>, Problem> {
    match (found.verdict, &found.matched) {
        (Verdict::Live, Some(matched)) => Ok(Some(similarity(matched))),
        (Verdict::Live, None) => Err(Problem::new(
            ProblemKind::UpstreamFailed,
            "the faces could not be compared",
        )),
        (Verdict::Spoof | Verdict::Undecided, _) => Ok(None),
    }
}

/// The vendor's own digits, unless they are not what its upstream is configured to mean by them.
fn similarity(found: &Match) -> Figure {
    let native = found.native.as_ref();
    let meant = native.filter(|native| native.text.parse() == Ok(found.similarity));
    Figure::new(ID, meant, found.similarity)
}

/// The vendor's own words. What others compute of a face has none here, so only their number is told.
fn faces(found: &Quality) -> Value {
    let own = found.extras.get(ID).cloned();
    own.unwrap_or_else(|| found.faces.iter().map(|_| serde_json::json!({})).collect())
}

/// How a problem is said.
enum Refusal {
    /// By a code of the vendor's.
    Coded(Code),
    /// By an HTTP status and its name in the manual.
    Plain(StatusCode, &'static str),
}

/// The manual's error tables, and the nearest row for what they do not foresee.
fn refusal(kind: ProblemKind, op: Option<Op>) -> Refusal {
    match kind {
        ProblemKind::MediaMissing
        | ProblemKind::InvalidParameter
        | ProblemKind::NotUtf8
        | ProblemKind::InvalidBase64
        | ProblemKind::DecryptFailed
        | ProblemKind::DownloadTimeout
        | ProblemKind::DownloadFailed
        | ProblemKind::Unsupported
        | ProblemKind::MalformedRequest => Refusal::Coded(Code::InvalidArgument),
        ProblemKind::MediaTooLarge => Refusal::Coded(Code::InvalidContentLength),
        ProblemKind::PixelsOutOfRange => Refusal::Coded(Code::InvalidImageSize),
        ProblemKind::MediaUnreadable => Refusal::Coded(Code::InvalidImageType),
        // 4000 is about a photo.
        ProblemKind::NoFace if op == Some(Op::VideoLiveness) => {
            Refusal::Coded(Code::SilentCheckFailed)
        }
        ProblemKind::NoFace => Refusal::Coded(Code::DetectionFailed),
        ProblemKind::FaceOccluded => Refusal::Coded(Code::FaceOcclusion),
        ProblemKind::Undecided => Refusal::Coded(Code::SilentCheckFailed),
        ProblemKind::Unauthorized => Refusal::Coded(Code::KeyMismatch),
        ProblemKind::KeyExpired => Refusal::Coded(Code::KeyExpired),
        ProblemKind::NotEntitled | ProblemKind::QuotaExhausted => {
            Refusal::Coded(Code::NoPermission)
        }
        ProblemKind::RateLimited => Refusal::Coded(Code::Throttled),
        ProblemKind::NotFound => Refusal::Plain(StatusCode::NOT_FOUND, "NOT_FOUND"),
        ProblemKind::LengthRequired => {
            Refusal::Plain(StatusCode::LENGTH_REQUIRED, "LENGTH_REQUIRED")
        }
        ProblemKind::BodyTooLarge => {
            Refusal::Plain(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE")
        }
        ProblemKind::BodyTimeout => Refusal::Plain(StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT"),
        ProblemKind::Overloaded => {
            Refusal::Plain(StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE")
        }
        ProblemKind::UpstreamAccount
        | ProblemKind::UpstreamTimeout
        | ProblemKind::UpstreamFailed
        | ProblemKind::Internal => {
            Refusal::Plain(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR")
        }
    }
}

/// The manual's own codes have the status that the tenant chose; those that were borrowed have that of their meaning.
fn coded_status(code: Code, settings: &DialectSettings) -> StatusCode {
    match code {
        Code::KeyMismatch | Code::KeyExpired => StatusCode::UNAUTHORIZED,
        Code::NoPermission => StatusCode::FORBIDDEN,
        Code::Throttled => StatusCode::TOO_MANY_REQUESTS,
        Code::InvalidArgument
        | Code::InvalidImageSize
        | Code::InvalidContentLength
        | Code::InvalidImageType
        | Code::CorruptedLivenessData
        | Code::InvalidVideo
        | Code::DetectionFailed
        | Code::FaceOcclusion
        | Code::SilentCheckFailed => {
            let own = settings.own.get(ID);
            match own.and_then(|own| own.numbers.get(CODED_ERRORS)) {
                Some(200) => StatusCode::OK,
                Some(_) | None => StatusCode::BAD_REQUEST,
            }
        }
    }
}
