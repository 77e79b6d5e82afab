//! Serves Linkface's dialect.

use std::borrow::Cow;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};

use super::wire::{Answer, Failure, Kept, Status, Upload};
use super::{API_ID, API_SECRET, ENDPOINTS, Endpoint, ID, SCALE, SERVED};
use crate::canonical::{
    self, BundleLiveness, Call, ImageLiveness, Media, Op, Outcome, Problem, ProblemKind, Secret,
    Uploaded,
};
use crate::vendors::body::{self, Fields, form};
use crate::vendors::score::Score;
use crate::vendors::{
    Capabilities, Credentials, DialectCx, Inbound, Presented, Sample, SampleBody,
};

#[derive(Debug)]
pub(super) struct LinkfaceDialect;

/// The vendor's folders, so far as no other dialect has paths in them.
const PREFIXES: [&str; 2] = ["/hackness/", "/resources/"];

// === impl LinkfaceDialect ===

impl Inbound for LinkfaceDialect {
    fn capabilities(&self) -> &'static Capabilities {
        &SERVED
    }

    fn recognise(&self, head: &Parts) -> Option<Op> {
        let endpoint = endpoint(head).filter(|_| head.method == Method::POST)?;
        Some(endpoint.op)
    }

    fn claims(&self, head: &Parts) -> bool {
        let path = head.uri.path();
        PREFIXES.iter().any(|prefix| path.starts_with(prefix)) || self.credential(head).is_some()
    }

    fn credential(&self, head: &Parts) -> Option<Presented> {
        let parameters = Parameters {
            body: Fields::default(),
            query: query(head).ok()?,
        };
        parameters.credential()
    }

    fn credential_in_body(&self, request: &Request<Bytes>) -> Option<Presented> {
        let body = body::read(request.headers(), request.body()).ok()?;
        let query = form::read(&query_text(request.uri().query())).ok()?;
        Parameters { body, query }.credential()
    }

    fn parse_request(
        &self,
        _: &DialectCx<'_>,
        op: Op,
        request: Request<Bytes>,
    ) -> Result<Call, Problem> {
        let (head, body) = request.into_parts();
        let endpoint = endpoint(&head)
            .filter(|endpoint| endpoint.op == op)
            .ok_or_else(Problem::unsupported)?;
        let parameters = Parameters {
            body: body::read(&head.headers, &body)?,
            query: query(&head)?,
        };
        let subject = parameters
            .subject(endpoint)?
            .ok_or_else(|| Problem::new(ProblemKind::MediaMissing, endpoint.missing))?;
        match op {
            Op::BundleLiveness => Ok(Call::BundleLiveness(BundleLiveness {
                bundle: subject,
                return_image: false,
                details: false,
            })),
            Op::ImageLiveness => Ok(Call::ImageLiveness(ImageLiveness {
                image: subject,
                details: false,
            })),
            Op::Upload => Ok(Call::Upload(canonical::Upload {
                media: subject,
                for_op: endpoint.subject,
            })),
            Op::VideoLiveness | Op::VideoMatch | Op::FaceMatch | Op::FaceQuality => {
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
        let (subject, liveness) = match (call, outcome) {
            (Call::Upload(asked), Outcome::Uploaded(kept)) => {
                let upload = Upload {
                    request_id: request_id(cx),
                    status: Status::Success,
                    kept: uploaded(asked.for_op, kept),
                };
                return body::respond(StatusCode::OK, "application/json", &upload);
            }
            (Call::BundleLiveness(asked), Outcome::Liveness(found)) => (&asked.bundle, found),
            (Call::ImageLiveness(asked), Outcome::Liveness(found)) => (&asked.image, found),
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
            kept: kept(call.op(), subject, liveness.stored.as_ref()),
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
            image: (status == Status::NoFaceDetected).then(|| match op {
                Some(Op::BundleLiveness) => ENDPOINTS[0].file[0],
                Some(_) | None => "file",
            }),
            status,
            reason: body::told(problem),
            request_id: request_id(cx),
        };
        let mut response = body::respond(code, "application/json", &failure);
        body::advise(&mut response, problem.retry);
        response
    }

    fn sample(&self, op: Op, credentials: &Credentials<'_>) -> Option<Sample> {
        // A bundle is not a picture.
        (op == Op::ImageLiveness).then(|| Sample {
            path: ENDPOINTS[1].path,
            headers: Vec::new(),
            body: SampleBody::Form {
                file: ENDPOINTS[1].file[0],
                fields: vec![
                    (API_ID, credentials.id.to_owned()),
                    (API_SECRET, credentials.secret.to_owned()),
                ],
            },
        })
    }
}

/// What stands in the query and in the body. The body wins.
struct Parameters {
    body: Fields,
    query: Fields,
}

// === impl Parameters ===

impl Parameters {
    /// The text of a parameter that is not empty.
    fn text(&self, name: &'static str) -> Result<Option<Cow<'_, str>>, Problem> {
        for fields in [&self.body, &self.query] {
            if let Some(field) = fields.one(name)?.filter(|field| !field.is_empty()) {
                return field.text().map(Some);
            }
        }
        Ok(None)
    }

    fn credential(&self) -> Option<Presented> {
        let text = |name| self.text(name).ok().flatten();
        Some(Presented::Pair {
            id: text(API_ID)?.into_owned(),
            secret: Secret::new(text(API_SECRET)?.into_owned()),
        })
    }

    /// File before url before id.
    fn subject(&self, endpoint: &Endpoint) -> Result<Option<Media>, Problem> {
        for name in endpoint.file {
            let file = self.body.one(name)?.and_then(|field| field.file());
            if let Some(file) = file.filter(|file| !file.is_empty()) {
                return Ok(Some(Media::Bytes(file.clone())));
            }
        }
        if let Some(url) = self.text(endpoint.url)? {
            return Ok(Some(Media::Url(url.into_owned())));
        }
        let id = match endpoint.id {
            Some(name) => self.text(name)?,
            None => None,
        };
        Ok(id.map(|id| Media::Stored(id.into_owned())))
    }
}

fn endpoint(head: &Parts) -> Option<&'static Endpoint> {
    let path = head.uri.path();
    ENDPOINTS.iter().find(|endpoint| endpoint.path == path)
}

fn query(head: &Parts) -> Result<Fields, Problem> {
    form::read(&query_text(head.uri.query()))
}

fn query_text(query: Option<&str>) -> Bytes {
    Bytes::copy_from_slice(query.unwrap_or_default().as_bytes())
}

/// The id of a subject that is not itself one.
fn kept<'a>(op: Op, subject: &Media, stored: Option<&'a Uploaded>) -> Kept<'a> {
    let id = match subject {
        Media::Bytes(_) | Media::Url(_) => stored.map(|stored| stored.id.as_str()),
        Media::Stored(_) => None,
    };
    if op == Op::BundleLiveness {
        Kept {
            liveness_data_id: id,
            image_id: None,
        }
    } else {
        Kept {
            liveness_data_id: None,
            image_id: id,
        }
    }
}

/// The sample of a bundle's upload calls the id otherwise than its table: by both names, then.
fn uploaded(for_op: Op, stored: &Uploaded) -> Kept<'_> {
    let id = Some(stored.id.as_str());
    Kept {
        liveness_data_id: id.filter(|_| for_op == Op::BundleLiveness),
        image_id: id,
    }
}

fn request_id(cx: &DialectCx<'_>) -> String {
    format!("TID{}", cx.id)
}

/// The pages' error tables, and the nearest row for what they do not foresee. Pictures have codes of their own.
fn status(op: Option<Op>, kind: ProblemKind) -> (StatusCode, Status) {
    let bundle = matches!(op, Some(Op::BundleLiveness));
    let of_media = |of_picture| {
        let status = if bundle {
            Status::WrongLivenessData
        } else {
            of_picture
        };
        (StatusCode::BAD_REQUEST, status)
    };
    match kind {
        ProblemKind::MediaMissing
        | ProblemKind::InvalidParameter
        | ProblemKind::InvalidBase64
        | ProblemKind::MalformedRequest => (StatusCode::BAD_REQUEST, Status::InvalidArgument),
        ProblemKind::NotUtf8 => (StatusCode::BAD_REQUEST, Status::EncodingError),
        ProblemKind::MediaTooLarge => of_media(Status::ImageFileSizeTooBig),
        ProblemKind::PixelsOutOfRange => of_media(Status::InvalidImageFormatOrSize),
        ProblemKind::MediaUnreadable => of_media(Status::CorruptImage),
        ProblemKind::DecryptFailed | ProblemKind::Undecided | ProblemKind::Unsupported => {
            (StatusCode::BAD_REQUEST, Status::WrongLivenessData)
        }
        ProblemKind::NoFace | ProblemKind::FaceOccluded => {
            (StatusCode::BAD_REQUEST, Status::NoFaceDetected)
        }
        ProblemKind::DownloadTimeout => (StatusCode::BAD_REQUEST, Status::DownloadTimeout),
        ProblemKind::DownloadFailed => (StatusCode::BAD_REQUEST, Status::DownloadError),
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
