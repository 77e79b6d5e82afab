//! Fixtures: `<name>.request.http` or `<name>.response.http`, byte for byte what is on the wire after lines that begin
//! with `#` and name the source; and `<name>.canon.json`, what it means.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use libtest_mimic::Failed;
use livegate::canonical::{
    AttackScore, Call, FaceDetails, ImageLiveness, Liveness, Media, Op, Orientation, Problem,
    ProblemKind, Retry, Verdict,
};
use livegate::vendors::ScoreAs;
use memchr::memmem;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// What a caller sends.
pub struct RequestFixture {
    pub name: String,
    pub request: Request<Bytes>,
    pub canon: RequestCanon,
}

/// What a vendor answers, or we in its place.
pub struct ResponseFixture {
    pub name: String,
    pub response: Response<Bytes>,
    pub canon: ResponseCanon,
}

/// What a request means.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestCanon {
    pub op: String,
    pub credential: Option<CredentialCanon>,
    pub call: Option<CallCanon>,
    /// The kind of problem that it is instead of a call.
    pub problem: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum CredentialCanon {
    Pair { id: String, secret: String },
    Bearer { bearer: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallCanon {
    /// Base64.
    image: String,
    details: bool,
}

/// What a response means. An answer has an `outcome`; an error has what an upstream's is read as, what ours is written
/// from, or both.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseCanon {
    score_as: Option<String>,
    #[serde(default)]
    pub details_asked: bool,
    outcome: Option<OutcomeCanon>,
    pub read_as: Option<ProblemCanon>,
    /// Where, beside the verdict, the refusal of an answer stands.
    #[serde(default)]
    pub refused_by: Vec<String>,
    pub written_from: Option<WrittenFrom>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OutcomeCanon {
    verdict: String,
    attack_score: Option<f64>,
    native: Option<String>,
    reason: Option<String>,
    #[serde(default)]
    details: DetailsCanon,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct DetailsCanon {
    face_count: Option<u32>,
    orientation: Option<String>,
    quality: Option<f64>,
    face_quality: Option<f64>,
    blur_or_dark: Option<bool>,
    face_too_small: Option<bool>,
    image_too_small: Option<bool>,
    mask: Option<f64>,
    eyes_open: Option<f64>,
    live_probability: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProblemCanon {
    kind: String,
    retry: RetryCanon,
    vendor_code: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RetryCanon {
    Seconds(u64),
    Word(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenFrom {
    kind: String,
    detail: String,
}

/// The requests of a vendor, in the order of their names.
pub fn requests(vendor: &str) -> Result<Vec<RequestFixture>, Failed> {
    load(
        vendor,
        ".request.http",
        |name, first, headers, body, canon| {
            let mut words = first.split(' ');
            let mut request = Request::new(body);
            *request.method_mut() = words.next().ok_or("no method")?.parse()?;
            *request.uri_mut() = words.next().ok_or("no target")?.parse()?;
            *request.headers_mut() = headers;
            Ok(RequestFixture {
                name,
                request,
                canon,
            })
        },
    )
}

/// The responses of a vendor, in the order of their names.
pub fn responses(vendor: &str) -> Result<Vec<ResponseFixture>, Failed> {
    load(
        vendor,
        ".response.http",
        |name, first, headers, body, canon| {
            let mut response = Response::new(body);
            *response.status_mut() = first.split(' ').nth(1).ok_or("no status")?.parse()?;
            *response.headers_mut() = headers;
            Ok(ResponseFixture {
                name,
                response,
                canon,
            })
        },
    )
}

fn load<F, C: DeserializeOwned>(
    vendor: &str,
    suffix: &str,
    build: impl Fn(String, &str, HeaderMap, Bytes, C) -> Result<F, Failed>,
) -> Result<Vec<F>, Failed> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(vendor);
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let file = entry?.file_name();
        names.extend(
            file.to_str()
                .and_then(|file| file.strip_suffix(suffix))
                .map(str::to_owned),
        );
    }
    names.sort_unstable();
    let one = |name: &String| {
        let (first, headers, body) = parse(&fs::read(folder.join(format!("{name}{suffix}")))?)?;
        let canon = fs::read(folder.join(format!("{name}.canon.json")))?;
        build(
            name.clone(),
            &first,
            headers,
            body,
            serde_json::from_slice(&canon)?,
        )
    };
    names
        .iter()
        .map(|name| one(name).map_err(|error| in_fixture(name, &error)))
        .collect()
}

fn in_fixture(name: &str, error: &Failed) -> Failed {
    format!("fixture {name}: {}", error.message().unwrap_or_default()).into()
}

fn parse(file: &[u8]) -> Result<(String, HeaderMap, Bytes), Failed> {
    let end = memmem::find(file, b"\r\n\r\n").ok_or("no blank line")?;
    let (head, body) = file.split_at(end);
    let body = Bytes::copy_from_slice(body.get(4..).unwrap_or_default());
    let mut lines = std::str::from_utf8(head)?.lines().peekable();
    if !lines.peek().is_some_and(|line| line.starts_with('#')) {
        return Err("the first line does not name the source".into());
    }
    let first = lines
        .find(|line| !line.starts_with('#'))
        .ok_or("no first line")?;
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").ok_or("a header without a colon")?;
        headers.append(
            HeaderName::from_bytes(name.as_bytes())?,
            HeaderValue::from_str(value)?,
        );
    }
    let length = headers
        .get(CONTENT_LENGTH)
        .ok_or("no content-length")?
        .to_str()?;
    if length != body.len().to_string() {
        return Err(format!("content-length {length} for {} bytes", body.len()).into());
    }
    Ok((first.to_owned(), headers, body))
}

// === impl CallCanon ===

impl CallCanon {
    pub fn call(&self, op: &str) -> Result<Call, Failed> {
        if Op::from_name(op) != Some(Op::ImageLiveness) {
            return Err(format!("fixtures of {op} cannot be described yet").into());
        }
        let image = base64_turbo::decode(&self.image).map_err(|_| "the image is not base64")?;
        Ok(Call::ImageLiveness(ImageLiveness {
            image: Media::Bytes(image.into()),
            details: self.details,
        }))
    }
}

// === impl ResponseCanon ===

impl ResponseCanon {
    pub fn score_as(&self) -> ScoreAs {
        match self.score_as.as_deref() {
            Some("string") => ScoreAs::String,
            Some(_) | None => ScoreAs::Number,
        }
    }

    /// The answer; its native score is the vendor's own.
    pub fn liveness(&self, vendor: &'static str) -> Result<Option<Liveness>, Failed> {
        let Some(canon) = &self.outcome else {
            return Ok(None);
        };
        let verdicts = [Verdict::Live, Verdict::Spoof, Verdict::Undecided];
        let verdict = verdicts
            .into_iter()
            .find(|verdict| verdict.as_str() == canon.verdict);
        Ok(Some(Liveness {
            score: canon.attack_score.and_then(AttackScore::new),
            native: canon
                .native
                .clone()
                .map(|text| livegate::canonical::NativeScore { vendor, text }),
            reason: canon.reason.clone().map(Into::into),
            details: canon.details.details()?,
            ..Liveness::new(verdict.ok_or("no such verdict")?)
        }))
    }
}

// === impl DetailsCanon ===

impl DetailsCanon {
    fn details(&self) -> Result<FaceDetails, Failed> {
        Ok(FaceDetails {
            face_count: self.face_count,
            orientation: match self.orientation.as_deref() {
                None => None,
                Some("up") => Some(Orientation::Up),
                Some("left") => Some(Orientation::Left),
                Some("down") => Some(Orientation::Down),
                Some("right") => Some(Orientation::Right),
                Some(other) => return Err(format!("no such orientation: {other}").into()),
            },
            quality: self.quality,
            face_quality: self.face_quality,
            blur_or_dark: self.blur_or_dark,
            face_too_small: self.face_too_small,
            image_too_small: self.image_too_small,
            mask: self.mask,
            eyes_open: self.eyes_open,
            live_probability: self.live_probability,
        })
    }
}

// === impl ProblemCanon ===

impl ProblemCanon {
    /// Fails unless `problem` is this one.
    pub fn check(&self, problem: &Problem) -> Result<(), Failed> {
        let retry = match &self.retry {
            RetryCanon::Seconds(seconds) => Retry::After(Duration::from_secs(*seconds)),
            RetryCanon::Word(word) if word == "now" => Retry::Now,
            RetryCanon::Word(_) => Retry::Never,
        };
        let expected = (kind(&self.kind)?, retry, self.vendor_code.as_deref());
        let found = (problem.kind, problem.retry, problem.vendor_code.as_deref());
        if found == expected {
            Ok(())
        } else {
            Err(format!("read as {found:?}, not {expected:?}").into())
        }
    }
}

// === impl WrittenFrom ===

impl WrittenFrom {
    pub fn problem(&self) -> Result<Problem, Failed> {
        Ok(Problem::new(kind(&self.kind)?, self.detail.clone()))
    }
}

pub fn kind(name: &str) -> Result<ProblemKind, Failed> {
    let kind = ProblemKind::ALL
        .into_iter()
        .find(|kind| kind.as_str() == name);
    kind.ok_or_else(|| format!("no such problem: {name}").into())
}
