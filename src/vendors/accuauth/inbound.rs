//! Serves AccuAuth's dialect.

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use serde_json::value::RawValue;

use super::wire::{Answer, Extra, Failure, JsonRequest, Score, Status};
use super::{CAPABILITIES, ID, ID_HEADERS, PATH, SCALE, SECRET_HEADERS};
use crate::canonical::{
    Call, ImageLiveness, Liveness, Media, Op, Outcome, Problem, ProblemKind, Secret,
};
use crate::vendors::body::{self, ContentType, Fields, form, json, multipart};
use crate::vendors::{
    Capabilities, Credentials, DialectCx, Inbound, Presented, Sample, SampleBody, ScoreAs,
};

#[derive(Debug)]
pub(super) struct AccuAuthDialect;

/// The vendor's own words.
const MISSING: &str = "must specify 'file' or 'image_base64' argument";

// === impl AccuAuthDialect ===

impl Inbound for AccuAuthDialect {
    fn capabilities(&self) -> &'static Capabilities {
        &CAPABILITIES
    }

    fn recognise(&self, head: &Parts) -> Option<Op> {
        (head.method == Method::POST && head.uri.path() == PATH).then_some(Op::ImageLiveness)
    }

    fn claims(&self, head: &Parts) -> bool {
        head.uri.path() == PATH
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
        if op != Op::ImageLiveness {
            return Err(Problem::unsupported());
        }
        let (head, body) = request.into_parts();
        let (image, details) = match ContentType::of(&head.headers)? {
            _ if body.is_empty() => (None, false),
            ContentType::Multipart { boundary } => {
                read_fields(&multipart::read(&body, &boundary)?)?
            }
            ContentType::Form => read_fields(&form::read(&body)?)?,
            ContentType::Json => read_json(&body)?,
            // The vendor finds no argument in such a body.
            ContentType::Other(_) => (None, false),
        };
        let image = image.ok_or_else(|| Problem::new(ProblemKind::MediaMissing, MISSING))?;
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
        let Some(score) = score(cx.settings.score_as, liveness) else {
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
            extra: asked.details.then(|| extra(liveness)).flatten(),
        };
        body::respond(StatusCode::OK, "application/json", &answer)
    }

    fn render_problem(
        &self,
        cx: &DialectCx<'_>,
        _: Option<Op>,
        problem: &Problem,
    ) -> Response<Bytes> {
        let (code, status) = status(problem.kind);
        let failure = Failure {
            status,
            reason: reason(problem),
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

/// The one value of a header that has two spellings. None if it is absent, empty, or contradicts itself.
fn only_value<'a>(head: &'a Parts, names: [&'static str; 2]) -> Option<&'a str> {
    let mut values = names
        .into_iter()
        .flat_map(|name| head.headers.get_all(name));
    let value = values.next()?;
    let text = value.to_str().ok().filter(|text| !text.is_empty())?;
    values.all(|other| other == value).then_some(text)
}

/// Picture and `return_extra` of a multipart or a form.
fn read_fields(fields: &Fields) -> Result<(Option<Bytes>, bool), Problem> {
    let file = fields.one("file")?.and_then(|field| field.file());
    let encoded = fields.one("image_base64")?;
    let details = match fields.one("return_extra")? {
        Some(field) => field.text()? == "1",
        None => false,
    };
    let image = match (file, encoded) {
        (Some(file), _) if !file.is_empty() => Some(file.clone()),
        (_, Some(text)) if !text.is_empty() => Some(text.base64()?),
        (Some(_) | None, Some(_) | None) => None,
    };
    Ok((image, details))
}

fn read_json(text: &[u8]) -> Result<(Option<Bytes>, bool), Problem> {
    let request: JsonRequest<'_> = json::read(text)?;
    let image = match request.image_base64 {
        Some(text) if !text.0.is_empty() => Some(body::base64::decode(text.0.as_bytes())?),
        Some(_) | None => None,
    };
    let details = request
        .return_extra
        .is_some_and(|value| matches!(value.get(), "1" | r#""1""#));
    Ok((image, details))
}

/// The vendor's own number digit for digit, unless the upstream's threshold made another verdict of it; else a number
/// for the verdict. None if there is no verdict.
fn score(form: ScoreAs, liveness: &Liveness) -> Option<Score> {
    let synthesised = SCALE.write(liveness.verdict, liveness.score)?;
    let verbatim = liveness
        .native
        .as_ref()
        .filter(|native| native.vendor == ID)
        .map(|native| native.text.as_str())
        .filter(|text| {
            let read = text.parse().ok().and_then(|number| SCALE.read(number));
            read.is_some_and(|(verdict, _)| verdict == liveness.verdict)
        });
    Some(match (form, verbatim) {
        (ScoreAs::String, Some(text)) => Score::Text(text.to_owned()),
        (ScoreAs::String, None) => Score::Text(format!("{synthesised:.5}")),
        (ScoreAs::Number, Some(text)) => match RawValue::from_string(text.to_owned()) {
            Ok(number) => Score::Verbatim(number),
            Err(_) => Score::Number(synthesised),
        },
        (ScoreAs::Number, None) => Score::Number(synthesised),
    })
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

/// What the caller may know: nothing of what is behind us.
fn reason(problem: &Problem) -> &str {
    match problem.kind {
        ProblemKind::UpstreamAccount | ProblemKind::UpstreamFailed | ProblemKind::Internal => {
            "the server failed to process the request"
        }
        ProblemKind::UpstreamTimeout => "the server could not process the request in time",
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
        | ProblemKind::Undecided
        | ProblemKind::DownloadTimeout
        | ProblemKind::DownloadFailed
        | ProblemKind::Unauthorized
        | ProblemKind::KeyExpired
        | ProblemKind::NotEntitled
        | ProblemKind::QuotaExhausted
        | ProblemKind::RateLimited
        | ProblemKind::NotFound
        | ProblemKind::Unsupported
        | ProblemKind::MalformedRequest
        | ProblemKind::LengthRequired
        | ProblemKind::BodyTooLarge
        | ProblemKind::BodyTimeout
        | ProblemKind::Overloaded => &problem.detail,
    }
}

/// The page's error table, and the nearest row for what it does not foresee.
fn status(kind: ProblemKind) -> (StatusCode, Status) {
    match kind {
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
