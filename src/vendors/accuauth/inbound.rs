//! Serves AccuAuth's dialect.

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};

use super::wire::{Answer, Comparison, Extra, Failure, Status};
use super::{ID, ID_HEADERS, PATH, SCALE, SECRET_HEADERS, SERVED};
use crate::canonical::{
    BundleLiveness, Call, FaceMatch, ImageLiveness, Liveness, Match, Media, Op, Outcome, Problem,
    ProblemKind, Secret,
};
use crate::vendors::body::{self, Fields};
use crate::vendors::score::{self, Score};
use crate::vendors::{
    Capabilities, Credentials, DialectCx, Inbound, Presented, Sample, SampleBody,
};

#[derive(Debug)]
pub(super) struct AccuAuthDialect;

/// The vendor's own words.
const MISSING: &str = "must specify 'file' or 'image_base64' argument";

// === impl AccuAuthDialect ===

impl Inbound for AccuAuthDialect {
    fn capabilities(&self) -> &'static Capabilities {
        &SERVED
    }

    fn recognise(&self, head: &Parts) -> Option<Op> {
        op_at(head.uri.path()).filter(|_| head.method == Method::POST)
    }

    fn claims(&self, head: &Parts) -> bool {
        op_at(head.uri.path()).is_some()
            || ID_HEADERS
                .iter()
                .chain(&SECRET_HEADERS)
                .any(|name| head.headers.contains_key(*name))
    }

    fn credential(&self, head: &Parts) -> Option<Presented> {
        Some(Presented::Pair {
            id: only_value(head, ID_HEADERS)?.to_owned(),
            secret: Secret::new(only_value(head, SECRET_HEADERS)?.to_owned()),
        })
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
        let (head, body) = request.into_parts();
        let fields = body::read(&head.headers, &body)?;
        match op {
            Op::ImageLiveness => Ok(Call::ImageLiveness(ImageLiveness {
                image: picture(&fields, ["file", "image_base64"], MISSING)?,
                details: is_one(&fields, "return_extra")?,
            })),
            Op::BundleLiveness => Ok(Call::BundleLiveness(BundleLiveness {
                bundle: bundle(&fields)?,
                return_image: is_one(&fields, "return_image")?,
                details: is_one(&fields, "return_extra")?,
            })),
            Op::FaceMatch => {
                let first = "must specify 'file_1' or 'image_base64_1' argument";
                let second = "must specify 'file_2' or 'image_base64_2' argument";
                Ok(Call::FaceMatch(FaceMatch {
                    first: picture(&fields, ["file_1", "image_base64_1"], first)?,
                    second: picture(&fields, ["file_2", "image_base64_2"], second)?,
                    auto_rotate: false,
                    check_quality: false,
                }))
            }
            Op::VideoLiveness | Op::VideoMatch | Op::FaceQuality | Op::Upload => {
                Err(Problem::unsupported())
            }
        }
    }

    fn render_response(
        &self,
        cx: &DialectCx<'_>,
        call: &Call,
        outcome: &Outcome,
    ) -> Response<Bytes> {
        let (liveness, details, image_base64) = match (call, outcome) {
            (Call::ImageLiveness(asked), Outcome::Liveness(found)) => (found, asked.details, None),
            (Call::BundleLiveness(asked), Outcome::Liveness(found)) => {
                let face = found.selection.as_ref().and_then(|s| s.face.as_ref());
                let face = face.filter(|_| asked.return_image);
                let encoded = face.map(|face| base64_turbo::STANDARD.encode(face));
                (found, asked.details, encoded)
            }
            (Call::FaceMatch(_), Outcome::Match(found)) => return compared(cx, found),
            _ => return self.render_problem(cx, Some(call.op()), &Problem::unsupported()),
        };
        let Some(score) = Score::of(cx.settings.score_as, ID, &SCALE, liveness) else {
            let reason = liveness.reason.clone();
            let problem = Problem::new(
                ProblemKind::Undecided,
                reason.unwrap_or("no decision could be reached".into()),
            );
            return self.render_problem(cx, Some(call.op()), &problem);
        };
        let answer = Answer {
            request_id: request_id(cx),
            status: Status::Success,
            score,
            image_base64,
            extra: details.then(|| extra(liveness)).flatten(),
        };
        body::respond(StatusCode::OK, "application/json", &answer)
    }

    fn render_problem(
        &self,
        cx: &DialectCx<'_>,
        op: Option<Op>,
        problem: &Problem,
    ) -> Response<Bytes> {
        let (code, status) = status(op, problem.kind);
        let failure = Failure {
            status,
            reason: body::told(problem),
            request_id: request_id(cx),
        };
        let mut response = body::respond(code, "application/json", &failure);
        body::advise(&mut response, problem.retry);
        response
    }

    fn sample(&self, op: Op, credentials: &Credentials<'_>) -> Option<Sample> {
        (op == Op::ImageLiveness).then(|| Sample {
            path: PATH,
            headers: vec![
                ("X-DF-API-ID", credentials.id.to_owned()),
                ("X-DF-API-SECRET", credentials.secret.to_owned()),
            ],
            body: SampleBody::Form {
                file: "file",
                fields: vec![("return_extra", "1".to_owned())],
            },
        })
    }
}

fn op_at(path: &str) -> Option<Op> {
    let support = SERVED.ops.iter().find(|support| support.path == path)?;
    Some(support.op)
}

/// The one value of a header that has two spellings. None if it is absent, empty, or contradicts itself.
fn only_value<'a>(head: &'a Parts, names: [&'static str; 2]) -> Option<&'a str> {
    let mut values = names
        .into_iter()
        .flat_map(|name| head.headers.get_all(name));
    let value = values.next()?;
    let text = value.to_str().ok().filter(|text| !text.is_empty())?;
    values.all(|other| other == value).then_some(text)
}

/// A picture as a file or, failing that, in base64.
fn picture(
    fields: &Fields,
    [file, encoded]: [&'static str; 2],
    missing: &'static str,
) -> Result<Media, Problem> {
    let file = fields.one(file)?.and_then(|field| field.file());
    let encoded = fields.one(encoded)?;
    match (file, encoded) {
        (Some(file), _) if !file.is_empty() => Ok(Media::Bytes(file.clone())),
        (_, Some(text)) if !text.is_empty() => Ok(Media::Bytes(text.base64()?)),
        (Some(_) | None, Some(_) | None) => Err(Problem::new(ProblemKind::MediaMissing, missing)),
    }
}

/// An SDK's bundle as a file, else an address of it, else the id that the vendor's web SDK got for one.
fn bundle(fields: &Fields) -> Result<Media, Problem> {
    let file = fields.one("liveness_data_file")?;
    if let Some(file) = file.and_then(|field| field.file())
        && !file.is_empty()
    {
        return Ok(Media::Bytes(file.clone()));
    }
    if let Some(url) = fields
        .one("liveness_data_url")?
        .filter(|url| !url.is_empty())
    {
        return Ok(Media::Url(url.text()?.into_owned()));
    }
    match fields.one("image_id")?.filter(|id| !id.is_empty()) {
        Some(id) => Ok(Media::Stored(id.text()?.into_owned())),
        None => Err(Problem::new(
            ProblemKind::MediaMissing,
            "must specify 'liveness_data_file' or 'image_id' argument",
        )),
    }
}

fn is_one(fields: &Fields, name: &'static str) -> Result<bool, Problem> {
    match fields.one(name)? {
        Some(field) => Ok(field.text()? == "1"),
        None => Ok(false),
    }
}

/// The vendor's own number digit for digit; else ours, rounded towards its side of the threshold.
fn compared(cx: &DialectCx<'_>, found: &Match) -> Response<Bytes> {
    let identical = found.is_same_person();
    let unit = 1e5;
    let score = if identical {
        (found.similarity * unit).ceil() / unit
    } else {
        (found.similarity * unit).floor() / unit
    };
    let own = score::own_digits(ID, found.native.as_ref());
    let comparison = Comparison {
        request_id: request_id(cx),
        status: Status::Success,
        identical,
        score: Score::written(cx.settings.score_as, own, score),
    };
    body::respond(StatusCode::OK, "application/json", &comparison)
}

/// The vendor's own words if it gave them, else what was computed, in its words. None if nothing was.
fn extra(liveness: &Liveness) -> Option<Extra> {
    let extra = liveness
        .extras
        .get(ID)
        .and_then(|own| serde_json::from_value(own.clone()).ok())
        .unwrap_or_else(|| Extra::from_details(&liveness.details))
        .agreeing_with(liveness.verdict);
    (extra != Extra::default()).then_some(extra)
}

fn request_id(cx: &DialectCx<'_>) -> String {
    format!("TID{}", cx.id)
}

/// The page's error table, and the nearest row for what it does not foresee. The page of bundles has none: there, the
/// words that the vendor's SDK knows.
fn status(op: Option<Op>, kind: ProblemKind) -> (StatusCode, Status) {
    let bundle = op == Some(Op::BundleLiveness);
    match kind {
        ProblemKind::MediaUnreadable | ProblemKind::DecryptFailed if bundle => {
            (StatusCode::BAD_REQUEST, Status::WrongLivenessData)
        }
        ProblemKind::NoFace | ProblemKind::FaceOccluded if bundle => {
            (StatusCode::BAD_REQUEST, Status::NoFaceDetected)
        }
        ProblemKind::MediaMissing
        | ProblemKind::InvalidParameter
        | ProblemKind::NotUtf8
        | ProblemKind::InvalidBase64
        | ProblemKind::DecryptFailed
        | ProblemKind::MediaTooLarge
        | ProblemKind::PixelsOutOfRange
        | ProblemKind::MediaUnreadable
        | ProblemKind::Unsupported
        | ProblemKind::MalformedRequest => (StatusCode::BAD_REQUEST, Status::InvalidArgument),
        ProblemKind::NoFace | ProblemKind::FaceOccluded | ProblemKind::Undecided => {
            (StatusCode::BAD_REQUEST, Status::DetetionFailed)
        }
        ProblemKind::DownloadTimeout | ProblemKind::DownloadFailed => {
            (StatusCode::BAD_REQUEST, Status::DownloadError)
        }
        ProblemKind::Unauthorized => (StatusCode::UNAUTHORIZED, Status::Unauthorized),
        ProblemKind::KeyExpired => (StatusCode::UNAUTHORIZED, Status::KeyExpired),
        ProblemKind::NotEntitled => (StatusCode::FORBIDDEN, Status::NoPermission),
        ProblemKind::QuotaExhausted => (StatusCode::FORBIDDEN, Status::OutOfQuota),
        ProblemKind::RateLimited => (StatusCode::FORBIDDEN, Status::RateLimitExceeded),
        ProblemKind::NotFound => (StatusCode::NOT_FOUND, Status::NotFound),
        ProblemKind::LengthRequired => (StatusCode::LENGTH_REQUIRED, Status::InvalidArgument),
        ProblemKind::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, Status::InvalidArgument),
        ProblemKind::BodyTimeout => (StatusCode::REQUEST_TIMEOUT, Status::InvalidArgument),
        ProblemKind::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, Status::InternalError),
        ProblemKind::UpstreamAccount
        | ProblemKind::UpstreamTimeout
        | ProblemKind::UpstreamFailed
        | ProblemKind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, Status::InternalError),
    }
}
