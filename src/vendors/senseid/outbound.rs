//! Calls SenseID.

use std::time::Duration;

use base64_turbo::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Request, Response, StatusCode, Uri};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::cipher::Cipher;
use super::wire::{self, Code, Reply};
use super::{CAPABILITIES, ID, IV, KEY, split_credential};
use crate::canonical::{
    AttackScore, Call, Extras, FaceDetails, Liveness, Match, Media, NativeScore, Outcome, Problem,
    ProblemKind, Quality, Retry, Selection, Verdict, VideoLiveness,
};
use crate::vendors::body::base64;
use crate::vendors::{Capabilities, Memo, Outbound, Turn, UpstreamCx};

#[derive(Debug)]
pub(super) struct SenseIdUpstream;

const CREDENTIALS: [&str; 2] = [KEY, IV];
/// The characters of base64 that a form must escape.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'+').add(b'/').add(b'=');
/// The vendor does not say how long a throttle lasts.
const THROTTLE: Duration = Duration::from_secs(1);

// === impl SenseIdUpstream ===

impl Outbound for SenseIdUpstream {
    fn capabilities(&self) -> &'static Capabilities {
        &CAPABILITIES
    }

    fn credentials(&self) -> &'static [&'static str] {
        &CREDENTIALS
    }

    /// There is nothing to add; what a caller presented to us is taken away.
    fn authorise(&self, head: &mut Parts, _: &UpstreamCx<'_>) -> Result<(), Problem> {
        head.headers.remove(AUTHORIZATION);
        let (Some(_), path) = split_credential(head.uri.path()) else {
            return Ok(());
        };
        let target = match head.uri.query() {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        };
        let mut parts = head.uri.clone().into_parts();
        parts.path_and_query = Some(PathAndQuery::try_from(target).map_err(unusable_address)?);
        head.uri = Uri::from_parts(parts).map_err(unusable_address)?;
        Ok(())
    }

    fn render_request(&self, call: &Call, cx: &UpstreamCx<'_>) -> Result<Turn, Problem> {
        let Some(support) = CAPABILITIES.support(call.op()) else {
            return Err(Problem::unsupported());
        };
        let (files, flags) = form(call);
        let files = files
            .into_iter()
            .map(|(name, media)| Some((name, media.bytes()?)))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(Problem::unsupported)?;
        let cipher = Cipher::new(cx.secret(KEY)?, cx.secret(IV)?)?;
        let body = render_form(&cipher, &files, &flags)?;
        let request = Request::post(format!("{}{}", cx.base_url, support.path))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(CONTENT_LENGTH, body.len())
            .header(ACCEPT, "application/json")
            .body(body)
            .map_err(unusable_address)?;
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
        _: &UpstreamCx<'_>,
    ) -> Result<Turn, Problem> {
        let (head, body) = response.into_parts();
        let Ok(reply) = serde_json::from_slice::<Reply<'_>>(&body) else {
            return Err(by_status(head.status).vendor_code(head.status.as_str()));
        };
        let number: Option<u16> = reply.code.and_then(read);
        if number == Some(wire::SUCCESS) && head.status.is_success() {
            return answer(call, &reply).map(Turn::Done);
        }
        let code = number.and_then(Code::of);
        let problem = code.map_or_else(|| by_status(head.status), complaint);
        Err(match number {
            Some(number) => problem.vendor_code(number.to_string()),
            None => problem.vendor_code(head.status.as_str()),
        })
    }
}

type Files<'a> = Vec<(&'static str, &'a Media)>;
type Flags = Vec<(&'static str, bool)>;

/// The form's fields.
fn form(call: &Call) -> (Files<'_>, Flags) {
    let wanted = |live: &VideoLiveness| {
        [
            (wire::RETURN_IMAGE, live.return_frame),
            (wire::RETURN_FACE_IMAGE, live.return_face),
            (wire::RETURN_STATUS, live.return_status),
        ]
    };
    match call {
        Call::VideoMatch(call) => {
            let mut flags = vec![
                (wire::AUTO_ROTATE, call.auto_rotate),
                (wire::CHECK_QUALITY, call.check_quality),
            ];
            flags.extend(wanted(&call.live));
            let files = vec![
                (wire::VIDEO, &call.live.video),
                (wire::IMAGE, &call.reference),
            ];
            (files, flags)
        }
        Call::VideoLiveness(call) => (vec![(wire::VIDEO, &call.video)], wanted(call).to_vec()),
        Call::FaceMatch(call) => (
            vec![
                (wire::FIRST_IMAGE, &call.first),
                (wire::SECOND_IMAGE, &call.second),
            ],
            vec![
                (wire::AUTO_ROTATE, call.auto_rotate),
                (wire::CHECK_QUALITY, call.check_quality),
            ],
        ),
        Call::FaceQuality(call) => (vec![(wire::IMAGE, &call.image)], Vec::new()),
        Call::ImageLiveness(_) | Call::BundleLiveness(_) | Call::Upload(_) => Default::default(),
    }
}

/// Writes the body into one buffer of its size. A flag that is off is the default, so it is left out.
fn render_form(
    cipher: &Cipher,
    files: &[(&'static str, &Bytes)],
    flags: &[(&'static str, bool)],
) -> Result<Bytes, Problem> {
    let mut fields = Vec::with_capacity(files.len() + flags.len());
    for (name, file) in files {
        fields.push((*name, STANDARD.encode(cipher.seal(file)?)));
    }
    let on = flags.iter().filter(|(_, on)| *on);
    fields.extend(on.map(|(name, _)| (*name, "true".to_owned())));
    let size = |(name, text): &(&str, String)| {
        let escapes = memchr::memchr3_iter(b'+', b'/', b'=', text.as_bytes()).count();
        name.len() + "=&".len() + text.len() + "2B".len() * escapes
    };
    let mut body = String::with_capacity(fields.iter().map(size).sum::<usize>().saturating_sub(1));
    for (name, text) in fields {
        if !body.is_empty() {
            body.push('&');
        }
        body.push_str(name);
        body.push('=');
        body.extend(utf8_percent_encode(&text, ESCAPED));
    }
    Ok(Bytes::from(body))
}

/// A reply that says it is a success. Without a readable verdict it is undecided, without what else the op asks it is a
/// failure.
fn answer(call: &Call, reply: &Reply<'_>) -> Result<Outcome, Problem> {
    match call {
        Call::VideoMatch(_) => {
            let matched = similarity(reply);
            let answered = liveness(reply);
            Ok(Outcome::Liveness(match (answered.verdict, matched) {
                (Verdict::Live, None) => undecided(),
                (Verdict::Live, matched @ Some(_)) => Liveness {
                    matched,
                    ..answered
                },
                (Verdict::Spoof | Verdict::Undecided, _) => answered,
            }))
        }
        Call::VideoLiveness(_) => Ok(Outcome::Liveness(liveness(reply))),
        Call::FaceMatch(_) => similarity(reply).map(Outcome::Match).ok_or_else(failed),
        Call::FaceQuality(_) => quality(reply).map(Outcome::Quality).ok_or_else(failed),
        Call::ImageLiveness(_) | Call::BundleLiveness(_) | Call::Upload(_) => {
            Err(Problem::unsupported())
        }
    }
}

fn liveness(reply: &Reply<'_>) -> Liveness {
    let status: Option<String> = reply.liveness_status.and_then(read);
    let refused = matches!(
        status.as_deref(),
        Some(wire::STATUS_HACK | wire::STATUS_SHORT_TIME)
    );
    let (verdict, attack) = match reply.passed.and_then(read) {
        Some(false) => (Verdict::Spoof, 0.75),
        Some(true) if !refused => (Verdict::Live, 0.25),
        Some(true) | None => return undecided(),
    };
    Liveness {
        score: AttackScore::new(attack),
        native: reply.liveness_score.and_then(native),
        too_short: status.as_deref() == Some(wire::STATUS_SHORT_TIME),
        selection: selection(reply).filter(|_| verdict == Verdict::Live),
        ..Liveness::new(verdict)
    }
}

fn undecided() -> Liveness {
    Liveness {
        reason: Some("the check gave no usable verdict".into()),
        ..Liveness::new(Verdict::Undecided)
    }
}

fn selection(reply: &Reply<'_>) -> Option<Selection> {
    let picture = |raw: Option<&RawValue>| {
        let text: String = read(raw?)?;
        base64::decode(text.as_bytes()).ok()
    };
    let at_seconds: Option<f64> = reply.image_timestamp.and_then(read);
    let frame = picture(reply.base64_image);
    let face = picture(reply.base64_face_image);
    let known = at_seconds.is_some() || frame.is_some() || face.is_some();
    known.then(|| Selection {
        at_seconds: at_seconds.unwrap_or(0.0),
        frame,
        face,
    })
}

fn similarity(reply: &Reply<'_>) -> Option<Match> {
    let raw = reply.verification_score?;
    let similarity: f64 = read(raw)?;
    (0.0..=1.0).contains(&similarity).then(|| Match {
        similarity,
        native: native(raw),
    })
}

/// A grade says nothing of a threshold, so none becomes a canonical detail; the vendor's words are kept for its callers.
fn quality(reply: &Reply<'_>) -> Option<Quality> {
    let faces: Vec<serde_json::Map<String, Value>> = read(reply.faces?)?;
    let mut extras = Extras::default();
    let details = vec![FaceDetails::default(); faces.len()];
    extras.insert(ID, faces.into_iter().map(Value::Object).collect());
    Some(Quality {
        faces: details,
        extras,
    })
}

/// The digits of a JSON number.
fn native(raw: &RawValue) -> Option<NativeScore> {
    read::<serde_json::Number>(raw).map(|_| NativeScore {
        vendor: ID,
        text: raw.get().to_owned(),
    })
}

/// A value of the type that it should have, else nothing.
fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    serde_json::from_str(raw.get()).ok()
}

/// What the vendor complains about.
fn complaint(code: Code) -> Problem {
    match code {
        Code::InvalidArgument => Problem::new(
            ProblemKind::InvalidParameter,
            "a file or a parameter was refused",
        ),
        Code::InvalidImageSize => Problem::new(
            ProblemKind::PixelsOutOfRange,
            "the picture has too few or too many pixels",
        ),
        Code::InvalidContentLength => too_large(),
        Code::InvalidImageType | Code::CorruptedLivenessData | Code::InvalidVideo => Problem::new(
            ProblemKind::MediaUnreadable,
            "a file is damaged or not of a format that is accepted",
        ),
        Code::DetectionFailed => {
            Problem::new(ProblemKind::NoFace, "no face was found in the picture")
        }
        Code::FaceOcclusion => Problem::new(
            ProblemKind::FaceOccluded,
            "something covers the face in the picture",
        ),
        Code::SilentCheckFailed => {
            Problem::new(ProblemKind::Undecided, "no decision could be reached")
        }
        Code::KeyMismatch | Code::KeyExpired | Code::NoPermission => account(),
        Code::Throttled => account().retry(Retry::After(THROTTLE)),
    }
}

/// What a reply without a code that we know means.
fn by_status(status: StatusCode) -> Problem {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => account(),
        StatusCode::TOO_MANY_REQUESTS => account().retry(Retry::After(THROTTLE)),
        StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        status if status.is_server_error() => failed().retry(Retry::Now),
        _ => failed(),
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

fn too_large() -> Problem {
    Problem::new(ProblemKind::MediaTooLarge, "a file is too large")
}

fn unusable_address(error: impl Into<http::Error>) -> Problem {
    Problem::new(
        ProblemKind::Internal,
        "the upstream's address is not usable",
    )
    .source(error.into())
}
