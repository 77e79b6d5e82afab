//! Fixtures: `<name>.request.http` or `<name>.response.http`, byte for byte what is on the wire after lines that begin
//! with `#` and name the source; and `<name>.canon.json`, what it means.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use libtest_mimic::Failed;
use livegate::canonical::{
    AttackScore, Call, Extras, FaceDetails, Liveness, Match, Media, NativeScore, Op, Orientation,
    Outcome, Problem, ProblemKind, Quality, Retry, Secret, Selection, Uploaded, Verdict,
};
use livegate::vendors::{DialectSettings, OwnSettings, ScoreAs, Vendor};
use memchr::memmem;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::world::canary;
use crate::generate;

/// What a caller sends.
pub struct RequestFixture {
    pub name: String,
    pub request: Request<Bytes>,
    pub canon: RequestCanon,
    pub settings: DialectSettings,
}

/// What a vendor answers, or we in its place.
pub struct ResponseFixture {
    pub name: String,
    pub response: Response<Bytes>,
    pub canon: ResponseCanon,
    pub settings: DialectSettings,
    /// What was asked.
    pub call: Call,
}

/// What a request means.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestCanon {
    pub op: String,
    #[serde(default)]
    settings: SettingsCanon,
    pub credential: Option<CredentialCanon>,
    pub call: Option<CallCanon>,
    /// The kind of problem that it is instead of a call.
    pub problem: Option<String>,
}

/// What the tenant chose.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SettingsCanon {
    score_as: Option<String>,
    secrets: BTreeMap<String, String>,
    numbers: BTreeMap<String, i64>,
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum CredentialCanon {
    Pair { id: String, secret: String },
    Bearer { bearer: String },
}

/// A call's fields by their names. Media is base64, or `{"url": ...}`, or `{"id": ...}`, and the canary if it is not
/// there; a flag that is not there is off.
#[derive(Default, Deserialize)]
#[serde(transparent)]
pub struct CallCanon(Map<String, Value>);

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum MediaCanon {
    Base64(String),
    Url { url: String },
    Stored { id: String },
}

/// What a response means. An answer has an `outcome`; an error has what an upstream's is read as, what ours is written
/// from, or both.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseCanon {
    /// `image-liveness` if it is not there.
    op: Option<String>,
    #[serde(default)]
    settings: SettingsCanon,
    #[serde(default)]
    call: CallCanon,
    outcome: Option<OutcomeCanon>,
    pub read_as: Option<ProblemCanon>,
    /// Where, beside the verdict, the refusal of an answer stands.
    #[serde(default)]
    pub refused_by: Vec<String>,
    pub written_from: Option<WrittenFrom>,
    /// What we write of the outcome, where the vendor's documents contradict each other.
    pub written: Option<Value>,
}

/// The fields of every kind of answer; each op takes its own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OutcomeCanon {
    verdict: Option<String>,
    attack_score: Option<f64>,
    native: Option<String>,
    reason: Option<String>,
    #[serde(default)]
    too_short: bool,
    #[serde(default)]
    details: DetailsCanon,
    selection: Option<SelectionCanon>,
    similarity: Option<f64>,
    native_similarity: Option<String>,
    #[serde(default)]
    faces: Vec<DetailsCanon>,
    id: Option<String>,
}

/// Pictures in base64.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SelectionCanon {
    #[serde(default)]
    at_seconds: f64,
    frame: Option<String>,
    face: Option<String>,
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
pub fn requests(vendor: &'static Vendor) -> Result<Vec<RequestFixture>, Failed> {
    load(vendor, ".request.http", |name, wire, canon| {
        let canon: RequestCanon = canon;
        let mut words = wire.first_line.split(' ');
        let mut request = Request::new(wire.body);
        *request.method_mut() = words.next().ok_or("no method")?.parse()?;
        *request.uri_mut() = words.next().ok_or("no target")?.parse()?;
        *request.headers_mut() = wire.headers;
        let settings = canon.settings.settings(vendor)?;
        Ok(RequestFixture {
            name,
            request,
            canon,
            settings,
        })
    })
}

/// The responses of a vendor, in the order of their names.
pub fn responses(vendor: &'static Vendor) -> Result<Vec<ResponseFixture>, Failed> {
    load(vendor, ".response.http", |name, wire, canon| {
        let canon: ResponseCanon = canon;
        let mut response = Response::new(wire.body);
        let status = wire.first_line.split(' ').nth(1).ok_or("no status")?;
        *response.status_mut() = status.parse()?;
        *response.headers_mut() = wire.headers;
        let settings = canon.settings.settings(vendor)?;
        let op = canon.op.as_deref().unwrap_or(Op::ImageLiveness.as_str());
        let call = canon.call.call(op)?;
        Ok(ResponseFixture {
            name,
            response,
            canon,
            settings,
            call,
        })
    })
}

/// A fixture's first line, headers and body.
struct Wire {
    first_line: String,
    headers: HeaderMap,
    body: Bytes,
}

fn load<F, C: DeserializeOwned>(
    vendor: &Vendor,
    suffix: &str,
    build: impl Fn(String, Wire, C) -> Result<F, Failed>,
) -> Result<Vec<F>, Failed> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(vendor.id);
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
        let wire = parse(&fs::read(folder.join(format!("{name}{suffix}")))?)?;
        let canon = fs::read(folder.join(format!("{name}.canon.json")))?;
        build(name.clone(), wire, serde_json::from_slice(&canon)?)
    };
    names
        .iter()
        .map(|name| one(name).map_err(|error| in_fixture(name, &error)))
        .collect()
}

fn in_fixture(name: &str, error: &Failed) -> Failed {
    format!("fixture {name}: {}", error.message().unwrap_or_default()).into()
}

fn parse(file: &[u8]) -> Result<Wire, Failed> {
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
    Ok(Wire {
        first_line: first.to_owned(),
        headers,
        body,
    })
}

// === impl SettingsCanon ===

impl SettingsCanon {
    fn settings(&self, vendor: &Vendor) -> Result<DialectSettings, Failed> {
        let known = |name: &String| {
            let mut names = vendor.settings.iter().map(|setting| setting.name);
            let found = names.find(|known| known == name);
            found.ok_or_else(|| Failed::from(format!("no such setting: {name}")))
        };
        let mut own = OwnSettings::default();
        for (name, secret) in &self.secrets {
            own.secrets
                .insert(known(name)?, Secret::new(secret.clone()));
        }
        for (name, number) in &self.numbers {
            own.numbers.insert(known(name)?, *number);
        }
        Ok(DialectSettings {
            score_as: match self.score_as.as_deref() {
                Some("string") => ScoreAs::String,
                Some(_) | None => ScoreAs::Number,
            },
            own: BTreeMap::from([(vendor.id, own)]),
        })
    }
}

// === impl CallCanon ===

impl CallCanon {
    pub fn call(&self, op: &str) -> Result<Call, Failed> {
        let op = Op::from_name(op).ok_or_else(|| format!("no such op: {op}"))?;
        let mut call = generate::plain(op, canary(), canary(), op);
        for (name, value) in &self.0 {
            if let Some(flag) = generate::flag(&mut call, name) {
                *flag = value.as_bool().ok_or("a flag is not true or false")?;
            } else if let Some(media) = generate::media_slot(&mut call, name) {
                *media = MediaCanon::deserialize(value)?.media()?;
            } else if let (Call::Upload(upload), "for_op") = (&mut call, name.as_str()) {
                let for_op = value.as_str().and_then(Op::from_name);
                upload.for_op = for_op.ok_or("no such op to upload for")?;
            } else {
                return Err(format!("{op} has no {name}").into());
            }
        }
        Ok(call)
    }
}

// === impl MediaCanon ===

impl MediaCanon {
    fn media(self) -> Result<Media, Failed> {
        Ok(match self {
            Self::Base64(text) => Media::Bytes(file(&text)?),
            Self::Url { url } => Media::Url(url),
            Self::Stored { id } => Media::Stored(id),
        })
    }
}

fn file(base64: &str) -> Result<Bytes, Failed> {
    let file = base64_turbo::decode(base64).map_err(|_| "a file is not base64")?;
    Ok(file.into())
}

// === impl ResponseCanon ===

impl ResponseCanon {
    /// The answer; its native numbers are the vendor's own.
    pub fn outcome(&self, op: Op, vendor: &'static str) -> Result<Option<Outcome>, Failed> {
        let outcome = self.outcome.as_ref();
        outcome.map(|canon| canon.outcome(op, vendor)).transpose()
    }

    pub fn is_answer(&self) -> bool {
        self.outcome.is_some()
    }
}

// === impl OutcomeCanon ===

impl OutcomeCanon {
    fn outcome(&self, op: Op, vendor: &'static str) -> Result<Outcome, Failed> {
        let native = |text: &Option<String>| {
            let text = text.clone();
            text.map(|text| NativeScore { vendor, text })
        };
        let matched = self.similarity.map(|similarity| Match {
            similarity,
            native: native(&self.native_similarity),
        });
        let stored = self.id.clone().map(|id| Uploaded { id });
        Ok(match op {
            Op::FaceMatch => Outcome::Match(matched.ok_or("no similarity")?),
            Op::FaceQuality => {
                let faces: Result<_, Failed> =
                    self.faces.iter().map(DetailsCanon::details).collect();
                Outcome::Quality(Quality {
                    faces: faces?,
                    extras: Extras::default(),
                })
            }
            Op::Upload => Outcome::Uploaded(stored.ok_or("no id")?),
            Op::ImageLiveness | Op::BundleLiveness | Op::VideoLiveness | Op::VideoMatch => {
                let verdicts = [Verdict::Live, Verdict::Spoof, Verdict::Undecided];
                let verdict = verdicts
                    .into_iter()
                    .find(|verdict| Some(verdict.as_str()) == self.verdict.as_deref());
                let selection = self.selection.as_ref();
                Outcome::Liveness(Liveness {
                    score: self.attack_score.and_then(AttackScore::new),
                    native: native(&self.native),
                    reason: self.reason.clone().map(Into::into),
                    too_short: self.too_short,
                    details: self.details.details()?,
                    selection: selection.map(SelectionCanon::selection).transpose()?,
                    matched,
                    stored,
                    ..Liveness::new(verdict.ok_or("no such verdict")?)
                })
            }
        })
    }
}

// === impl SelectionCanon ===

impl SelectionCanon {
    fn selection(&self) -> Result<Selection, Failed> {
        Ok(Selection {
            at_seconds: self.at_seconds,
            frame: self.frame.as_deref().map(file).transpose()?,
            face: self.face.as_deref().map(file).transpose()?,
        })
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
