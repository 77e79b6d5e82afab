//! Serves our own API.

use bytes::Bytes;
use http::header::WWW_AUTHENTICATE;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};

use super::problems::status;
use super::wire::{
    Details, LivenessAnswer, MatchAnswer, MediaAnswer, ProblemDetail, QualityAnswer,
};
use super::{CAPABILITIES, KEPT_FOR, LIVENESS_PATH, PREFIX, RAW_TYPES};
use crate::canonical::{
    AttackScore, Call, FaceMatch, FaceQuality, ImageLiveness, Liveness, Match, Media, Op, Outcome,
    Problem, ProblemKind, Upload, Verdict,
};
use crate::vendors::body::{self, ContentType, Fields, form};
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
        let path = head.uri.path();
        let mut ops = CAPABILITIES.ops.iter();
        let support = ops.find(|support| support.path == path)?;
        (head.method == Method::POST).then_some(support.op)
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
        if CAPABILITIES.support(op).is_none() {
            return Err(Problem::unsupported());
        }
        let (head, body) = request.into_parts();
        let asked = Asked::read(op, &head, body)?;
        match op {
            Op::ImageLiveness => Ok(Call::ImageLiveness(ImageLiveness {
                image: asked.media(&IMAGE)?,
                details: asked.flag("details")?,
            })),
            Op::FaceMatch => Ok(Call::FaceMatch(FaceMatch {
                first: asked.media(&FIRST)?,
                second: asked.media(&SECOND)?,
                auto_rotate: asked.flag("auto_rotate")?,
                check_quality: asked.flag("check_quality")?,
            })),
            Op::FaceQuality => Ok(Call::FaceQuality(FaceQuality {
                image: asked.media(&IMAGE)?,
            })),
            Op::Upload => Ok(Call::Upload(Upload {
                media: asked.media(&MEDIA)?,
                for_op: asked.kept_for()?,
            })),
            Op::BundleLiveness | Op::VideoLiveness | Op::VideoMatch => Err(Problem::unsupported()),
        }
    }

    fn render_response(
        &self,
        cx: &DialectCx<'_>,
        call: &Call,
        outcome: &Outcome,
    ) -> Response<Bytes> {
        let id = cx.id.hex();
        let (code, json) = (StatusCode::OK, "application/json");
        match (call, outcome) {
            (Call::ImageLiveness(asked), Outcome::Liveness(found)) => {
                if found.verdict == Verdict::Undecided {
                    let reason = found.reason.clone();
                    let problem = Problem::new(
                        ProblemKind::Undecided,
                        reason.unwrap_or("no decision could be reached".into()),
                    );
                    return self.render_problem(cx, Some(call.op()), &problem);
                }
                body::respond(code, json, &liveness(id, found, asked.details))
            }
            (Call::FaceMatch(_), Outcome::Match(found)) => {
                let answer = MatchAnswer {
                    id,
                    same_person: found.is_same_person(),
                    similarity: similarity(found),
                };
                body::respond(code, json, &answer)
            }
            (Call::FaceQuality(_), Outcome::Quality(found)) => {
                let faces = found.faces.iter().map(Details::from).collect();
                body::respond(code, json, &QualityAnswer { id, faces })
            }
            (Call::Upload(_), Outcome::Uploaded(kept)) => {
                let media_id = &kept.id;
                body::respond(code, json, &MediaAnswer { id, media_id })
            }
            _ => self.render_problem(cx, Some(call.op()), &Problem::unsupported()),
        }
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

/// The names of one piece of media.
struct Names {
    file: &'static str,
    /// Another name of `file`.
    alias: Option<&'static str>,
    base64: &'static str,
    id: Option<&'static str>,
    missing: &'static str,
}

const IMAGE: Names = Names {
    file: "image",
    alias: Some("file"),
    base64: "image_base64",
    id: Some("image_id"),
    missing: "send the picture as 'image_base64' in JSON, as 'image' in a multipart, as the body, or by its 'image_id'",
};

const FIRST: Names = Names {
    file: "first",
    alias: None,
    base64: "first_base64",
    id: Some("first_id"),
    missing: "send the first photo as 'first_base64' in JSON, as 'first' in a multipart, or by its 'first_id'",
};

const SECOND: Names = Names {
    file: "second",
    alias: None,
    base64: "second_base64",
    id: Some("second_id"),
    missing: "send the second photo as 'second_base64' in JSON, as 'second' in a multipart, or by its 'second_id'",
};

const MEDIA: Names = Names {
    file: "media",
    alias: Some("file"),
    base64: "media_base64",
    id: None,
    missing: "send the file as 'media_base64' in JSON, as 'media' in a multipart, or as the body",
};

/// A request's fields, and its body if that is the file itself.
struct Asked {
    fields: Fields,
    file: Option<Bytes>,
}

// === impl Asked ===

impl Asked {
    fn read(op: Op, head: &Parts, body: Bytes) -> Result<Self, Problem> {
        match ContentType::of(&head.headers)? {
            _ if body.is_empty() => Ok(Self {
                fields: Fields::default(),
                file: None,
            }),
            ContentType::Json | ContentType::Multipart { .. } => Ok(Self {
                fields: body::read(&head.headers, &body)?,
                file: None,
            }),
            // Two photos do not fit.
            ContentType::Other(media_type) if is_raw(media_type) && op != Op::FaceMatch => {
                let query = head.uri.query().unwrap_or_default();
                Ok(Self {
                    fields: form::read(&Bytes::copy_from_slice(query.as_bytes()))?,
                    file: Some(body),
                })
            }
            ContentType::Form | ContentType::Other(_) => Err(Problem::new(
                ProblemKind::InvalidParameter,
                "send application/json or multipart/form-data, or a single file as image/jpeg, image/png or \
                 application/octet-stream",
            )),
        }
    }

    /// The one form in which a piece of media was sent.
    fn media(&self, names: &Names) -> Result<Media, Problem> {
        let mut found = Vec::new();
        if let Some(file) = &self.file {
            found.push(Media::Bytes(file.clone()));
        }
        for name in [Some(names.file), names.alias].into_iter().flatten() {
            let file = self.fields.one(name)?.and_then(|field| field.file());
            found.extend(file.cloned().map(Media::Bytes));
        }
        if let Some(encoded) = self.fields.one(names.base64)? {
            found.push(Media::Bytes(encoded.base64()?));
        }
        let id = match names.id {
            Some(name) => self.fields.one(name)?,
            None => None,
        };
        if let Some(id) = id {
            found.push(Media::Stored(id.text()?.into_owned()));
        }
        let missing = || Problem::new(ProblemKind::MediaMissing, names.missing);
        let media = found.pop().ok_or_else(missing)?;
        if !found.is_empty() {
            return Err(Problem::new(
                ProblemKind::InvalidParameter,
                format!("'{}' is given in more than one way", names.file),
            ));
        }
        let empty = match &media {
            Media::Bytes(file) => file.is_empty(),
            Media::Url(text) | Media::Stored(text) => text.is_empty(),
        };
        if empty { Err(missing()) } else { Ok(media) }
    }

    fn flag(&self, name: &'static str) -> Result<bool, Problem> {
        let Some(field) = self.fields.one(name)? else {
            return Ok(false);
        };
        match field.text()?.as_ref() {
            "true" | "1" => Ok(true),
            "false" | "0" | "" => Ok(false),
            _ => Err(Problem::new(
                ProblemKind::InvalidParameter,
                format!("'{name}' is neither true nor false"),
            )),
        }
    }

    /// Which op the id will be used with.
    fn kept_for(&self) -> Result<Op, Problem> {
        let Some(field) = self.fields.one("for")? else {
            return Ok(Op::ImageLiveness);
        };
        let name = field.text()?;
        let op = KEPT_FOR.into_iter().find(|op| op.as_str() == name);
        op.ok_or_else(|| {
            Problem::new(
                ProblemKind::InvalidParameter,
                "'for' is none of image-liveness, face-match and face-quality",
            )
        })
    }
}

fn is_raw(media_type: &[u8]) -> bool {
    RAW_TYPES
        .iter()
        .any(|raw| media_type.eq_ignore_ascii_case(raw.as_bytes()))
}

fn liveness(id: String, found: &Liveness, details: bool) -> LivenessAnswer {
    let known = Details::from(&found.details);
    LivenessAnswer {
        id,
        verdict: found.verdict.as_str(),
        attack_score: found.score.and_then(|score| rounded(found.verdict, score)),
        details: (details && known != Details::default()).then_some(known),
    }
}

/// Six decimals, still on the verdict's side.
pub(super) fn rounded(verdict: Verdict, score: AttackScore) -> Option<f64> {
    let score = (score.value() * 1e6).round() / 1e6;
    AttackScore::on_side(verdict, score).map(AttackScore::value)
}

/// Six decimals, still on its side.
pub(super) fn similarity(found: &Match) -> f64 {
    let rounded = (found.similarity * 1e6).round() / 1e6;
    if found.is_same_person() {
        rounded.max(0.700_001)
    } else {
        rounded
    }
}
