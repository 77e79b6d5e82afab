//! What the laws need around an adapter: contexts, a caller of each dialect, and proptest without its macro.

use std::collections::BTreeSet;
use std::fmt::Debug;

use bytes::Bytes;
use http::{Request, Response};
use libtest_mimic::Failed;
use livegate::canonical::{
    Call, CallId, Match, Media, MediaForm, Op, Outcome, Problem, Secret, Verdict,
};
use livegate::vendors::{
    self, DialectCx, DialectSettings, Inbound, Memo, Outbound, OwnSettings, Presented, ScoreAs,
    SettingKind, Turn, UpstreamCx, Vendor,
};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::Value;

use super::fixtures;
use crate::generate;

/// The id that stands in the fixtures.
pub const ID: CallId = CallId::from_bytes([
    0x8b, 0xf4, 0x7a, 0xb6, 0xed, 0xa6, 0x44, 0x76, 0x97, 0x3c, 0xc5, 0xf5, 0xb6, 0xeb, 0xf5, 0x7e,
]);

/// Stands in every secret and every picture, and may stand nowhere else.
pub const CANARY: &str = "CANARY";

/// An inbound adapter at work.
pub struct Dialect {
    pub vendor: &'static Vendor,
    pub adapter: &'static dyn Inbound,
    settings: DialectSettings,
}

/// An outbound adapter at work.
pub struct Upstream {
    pub vendor: &'static Vendor,
    pub adapter: &'static dyn Outbound,
    secrets: Vec<(&'static str, Secret)>,
}

/// What an answer decides about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    pub verdict: Option<Verdict>,
    pub same_person: Option<bool>,
}

/// What callers of a dialect can ask in one op, as its fixtures show.
pub struct Words {
    flags: BTreeSet<String>,
    for_ops: Vec<Op>,
}

// === impl Dialect ===

impl Dialect {
    /// `None` if the vendor has no dialect.
    pub fn of(vendor: &'static Vendor, settings: &DialectSettings) -> Option<Self> {
        Some(Self {
            vendor,
            adapter: vendor.inbound?,
            settings: settings.clone(),
        })
    }

    pub fn cx(&self) -> DialectCx<'_> {
        DialectCx {
            id: ID,
            settings: &self.settings,
            accept: None,
        }
    }

    pub fn parse(&self, op: Op, request: Request<Bytes>) -> Result<Call, Problem> {
        self.adapter.parse_request(&self.cx(), op, request)
    }

    pub fn answer(&self, call: &Call, outcome: &Outcome) -> Response<Bytes> {
        self.adapter.render_response(&self.cx(), call, outcome)
    }

    pub fn problem(&self, op: Op, problem: &Problem) -> Response<Bytes> {
        self.adapter.render_problem(&self.cx(), Some(op), problem)
    }

    /// The credential from the head or, where the dialect says that it may stand there, from the body.
    pub fn credential(&self, request: &Request<Bytes>) -> Option<Presented> {
        let (head, _) = request.clone().into_parts();
        let in_head = self.adapter.credential(&head);
        if in_head.is_some() || !self.adapter.capabilities().credential_in_body {
            return in_head;
        }
        self.adapter.credential_in_body(request)
    }

    /// What a caller of this dialect reads of an answer. An error decides nothing, and neither does what is not read.
    pub fn decision_read(
        &self,
        call: &Call,
        response: Response<Bytes>,
    ) -> Result<Decision, Failed> {
        if let Some(upstream) = Upstream::of(self.vendor) {
            return Ok(Decision::of(&upstream.read(call, response)?));
        }
        // Only our own API has no outbound half, and it says its decisions in so many words.
        let body = json(&response)?;
        let verdict = match body["verdict"].as_str() {
            Some("live") => Some(Verdict::Live),
            Some("spoof") => Some(Verdict::Spoof),
            Some(_) | None => None,
        };
        let same_person = body["same_person"].as_bool();
        Ok(Decision {
            verdict,
            same_person,
        })
    }
}

// === impl Decision ===

impl Decision {
    pub fn of(outcome: &Outcome) -> Self {
        match outcome {
            // Of who is not live, dialects say no more.
            Outcome::Liveness(liveness) => Self {
                verdict: Some(liveness.verdict),
                same_person: liveness
                    .matched
                    .as_ref()
                    .filter(|_| liveness.verdict == Verdict::Live)
                    .map(Match::is_same_person),
            },
            Outcome::Match(matched) => Self {
                verdict: None,
                same_person: Some(matched.is_same_person()),
            },
            Outcome::Quality(_) | Outcome::Uploaded(_) => Self {
                verdict: None,
                same_person: None,
            },
        }
    }

    /// Whether a caller who asked this lets the person pass.
    pub fn grants(self, op: Op) -> bool {
        let live = self.verdict == Some(Verdict::Live);
        let same = self.same_person == Some(true);
        match op {
            Op::ImageLiveness | Op::BundleLiveness | Op::VideoLiveness => live,
            Op::VideoMatch => live && same,
            Op::FaceMatch => same,
            Op::FaceQuality | Op::Upload => false,
        }
    }
}

/// Whether an answer of that op decides about a person.
pub fn decides(op: Op) -> bool {
    match op {
        Op::FaceQuality | Op::Upload => false,
        Op::ImageLiveness
        | Op::BundleLiveness
        | Op::VideoLiveness
        | Op::VideoMatch
        | Op::FaceMatch => true,
    }
}

// === impl Upstream ===

impl Upstream {
    /// `None` if the vendor cannot be called.
    pub fn of(vendor: &'static Vendor) -> Option<Self> {
        let adapter = vendor.outbound?;
        let secrets = adapter.credentials().iter();
        let secrets = secrets.map(|name| (*name, secret(vendor, name))).collect();
        Some(Self {
            vendor,
            adapter,
            secrets,
        })
    }

    pub fn cx(&self) -> UpstreamCx<'_> {
        UpstreamCx::new(
            ID,
            "https://upstream.example",
            self.vendor.scale,
            1_700_000_000,
            &self.secrets,
        )
    }

    pub fn secret(&self, name: &str) -> Option<&str> {
        self.secrets
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, secret)| secret.expose())
    }

    pub fn render(&self, call: &Call) -> Result<Turn, Problem> {
        self.adapter.render_request(call, &self.cx())
    }

    pub fn request(&self, call: &Call) -> Result<Request<Bytes>, Failed> {
        match self.render(call)? {
            Turn::Send { request, .. } => Ok(request),
            Turn::Done(_) => Err("finished without asking".into()),
        }
    }

    pub fn read(&self, call: &Call, response: Response<Bytes>) -> Result<Outcome, Problem> {
        let turn = self
            .adapter
            .parse_response(call, Memo::default(), response, &self.cx())?;
        match turn {
            Turn::Done(outcome) => Ok(outcome),
            Turn::Send { .. } => Err(Problem::unsupported()),
        }
    }

    /// The forms of media that it takes in that op.
    pub fn forms(&self, op: Op) -> &'static [MediaForm] {
        let support = self.adapter.capabilities().support(op);
        support.map_or(&[], |support| support.forms)
    }

    /// The call of that op that asks everything, its media in a form that is taken.
    pub fn everything(&self, op: Op) -> Call {
        let url = || Media::Url(format!("https://{CANARY}.example/"));
        let stored = || Media::Stored(CANARY.to_owned());
        match self.forms(op).first() {
            None | Some(MediaForm::Bytes) => everything_about(op, &canary()),
            Some(MediaForm::Url) => everything_about(op, &url()),
            Some(MediaForm::Stored) => everything_about(op, &stored()),
        }
    }

    /// The flags that change what it is asked in that op.
    pub fn flags(&self, op: Op) -> Result<BTreeSet<&'static str>, Failed> {
        let mut call = self.everything(op);
        let lost = vendors::not_asked(self.adapter, &call, &self.cx())?;
        let flags = call.wishes_mut().into_iter().map(|(name, _)| name);
        Ok(flags.filter(|name| !lost.contains(name)).collect())
    }
}

// === impl Words ===

impl Words {
    pub fn of(vendor: &'static Vendor, op: Op) -> Result<Self, Failed> {
        let mut words = Self {
            flags: BTreeSet::new(),
            for_ops: Vec::new(),
        };
        for fixture in fixtures::requests(vendor)? {
            let Some(canon) = fixture.canon.call else {
                continue;
            };
            let mut call = canon.call(&fixture.canon.op)?;
            if call.op() != op {
                continue;
            }
            for name in generate::FLAGS {
                if generate::flag(&mut call, name).is_some_and(|flag| *flag) {
                    words.flags.insert(name.to_owned());
                }
            }
            if let Call::Upload(upload) = call {
                words.for_ops.push(upload.for_op);
            }
        }
        Ok(words)
    }

    pub fn flags(&self) -> impl Iterator<Item = &str> {
        self.flags.iter().map(String::as_str)
    }

    /// The call, without what cannot be said.
    pub fn say(&self, mut call: Call) -> Call {
        for name in generate::FLAGS {
            if let Some(flag) = generate::flag(&mut call, name) {
                *flag &= self.flags.contains(name);
            }
        }
        if let Call::Upload(upload) = &mut call
            && !self.for_ops.contains(&upload.for_op)
            && let Some(first) = self.for_ops.first()
        {
            upload.for_op = *first;
        }
        call
    }
}

/// Every way in which a tenant may set up a dialect.
pub fn settings(vendor: &'static Vendor) -> Vec<DialectSettings> {
    let mut secrets = OwnSettings::default();
    for setting in vendor.settings {
        if let SettingKind::Secret { .. } = setting.kind {
            let secret = secret(vendor, setting.name);
            secrets.secrets.insert(setting.name, secret);
        }
    }
    let mut all_own = vec![secrets];
    for setting in vendor.settings {
        if let SettingKind::Number(numbers) = setting.kind {
            all_own = all_own
                .iter()
                .flat_map(|own| {
                    numbers.iter().map(|number| {
                        let mut own = own.clone();
                        own.numbers.insert(setting.name, *number);
                        own
                    })
                })
                .collect();
        }
    }
    let spellings = [ScoreAs::Number, ScoreAs::String];
    let spell = |score_as| {
        let all_own = all_own.clone().into_iter();
        all_own.map(move |own| DialectSettings {
            score_as,
            own: [(vendor.id, own)].into(),
        })
    };
    spellings.into_iter().flat_map(spell).collect()
}

/// The secret of that name, the same for a vendor's upstream and for a tenant's clients; as long as it has to be.
fn secret(vendor: &Vendor, name: &str) -> Secret {
    let mut secret = format!("{CANARY}-{name}");
    for setting in vendor
        .settings
        .iter()
        .filter(|setting| setting.name == name)
    {
        if let SettingKind::Secret { bytes, .. } = setting.kind {
            secret = secret
                .chars()
                .chain(std::iter::repeat('-'))
                .take(bytes)
                .collect();
        }
    }
    Secret::new(secret)
}

/// The ops that a dialect serves.
pub fn served(vendor: &Vendor) -> BTreeSet<Op> {
    let support = vendor.inbound.map(|inbound| inbound.capabilities().ops);
    support
        .into_iter()
        .flatten()
        .map(|support| support.op)
        .collect()
}

/// The ops that an upstream can be asked.
pub fn callable(vendor: &Vendor) -> BTreeSet<Op> {
    let support = vendor.outbound.map(|outbound| outbound.capabilities().ops);
    support
        .into_iter()
        .flatten()
        .map(|support| support.op)
        .collect()
}

/// The body as a value.
pub fn json(response: &Response<Bytes>) -> Result<Value, Failed> {
    Ok(serde_json::from_slice(response.body())?)
}

/// The call of that op that asks everything. Its media is the canary.
pub fn everything(op: Op) -> Call {
    everything_about(op, &canary())
}

fn everything_about(op: Op, media: &Media) -> Call {
    let mut call = generate::plain(op, media.clone(), media.clone(), Op::ImageLiveness);
    for name in generate::FLAGS {
        if let Some(flag) = generate::flag(&mut call, name) {
            *flag = true;
        }
    }
    call
}

/// The canary as a file.
pub fn canary() -> Media {
    Media::Bytes(Bytes::from_static(CANARY.as_bytes()))
}

/// The fields of an answer that the dialect has words for: those that change what it writes.
pub fn told(dialect: &Dialect, op: Op) -> BTreeSet<&'static str> {
    let call = everything(op);
    let [one, two] = generate::full();
    let written = |facts| {
        dialect
            .answer(&call, &generate::outcome(op, facts))
            .into_body()
    };
    let whole = written(one.clone());
    let changes = |(_, copy): &&generate::Field| {
        let mut other = one.clone();
        copy(&mut other, &two);
        written(other) != whole
    };
    let told = generate::FIELDS.iter().filter(changes);
    told.map(|(name, _)| *name).collect()
}

/// Tries the law on generated values; a failure names the smallest that breaks it.
pub fn for_all<S: Strategy>(
    strategy: &S,
    law: impl Fn(S::Value) -> Result<(), Failed>,
) -> Result<(), Failed>
where
    S::Value: Debug,
{
    let config = Config {
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(strategy, |value| {
            law(value).map_err(|error| {
                TestCaseError::fail(error.message().unwrap_or("no message").to_owned())
            })
        })
        .map_err(|error| error.to_string().into())
}

/// Fails with what differs.
pub fn same<T: PartialEq + Debug>(what: &str, found: &T, expected: &T) -> Result<(), Failed> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{what}\n  found    {found:?}\n  expected {expected:?}").into())
    }
}

/// Fails with `what` unless it holds.
pub fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(what().into()) }
}
