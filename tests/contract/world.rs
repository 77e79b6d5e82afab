//! What the laws need around an adapter: contexts, a caller of each dialect, and proptest without its macro.

use std::collections::BTreeMap;
use std::fmt::Debug;

use bytes::Bytes;
use http::{Request, Response};
use libtest_mimic::Failed;
use livegate::canonical::{
    Call, CallId, ImageLiveness, Liveness, Media, Op, Outcome, Problem, Secret, Verdict,
};
use livegate::vendors::{
    DialectCx, DialectSettings, Inbound, Memo, Outbound, ScoreAs, Turn, UpstreamCx, Vendor,
};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::Value;

use crate::generate;

/// The id that stands in the fixtures.
pub const ID: CallId = CallId::from_bytes([
    0x8b, 0xf4, 0x7a, 0xb6, 0xed, 0xa6, 0x44, 0x76, 0x97, 0x3c, 0xc5, 0xf5, 0xb6, 0xeb, 0xf5, 0x7e,
]);

/// Both ways to write a score.
pub const SPELLINGS: [DialectSettings; 2] = [
    DialectSettings {
        score_as: ScoreAs::Number,
        own: BTreeMap::new(),
    },
    DialectSettings {
        score_as: ScoreAs::String,
        own: BTreeMap::new(),
    },
];

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
        }
    }

    pub fn parse(&self, op: Op, request: Request<Bytes>) -> Result<Call, Problem> {
        self.adapter.parse_request(&self.cx(), op, request)
    }

    pub fn answer(&self, call: &Call, liveness: Liveness) -> Response<Bytes> {
        self.adapter
            .render_response(&self.cx(), call, &Outcome::Liveness(liveness))
    }

    pub fn problem(&self, op: Op, problem: &Problem) -> Response<Bytes> {
        self.adapter.render_problem(&self.cx(), Some(op), problem)
    }

    /// The verdict that a caller of this dialect reads. An error is not one.
    pub fn verdict_read(&self, call: &Call, response: Response<Bytes>) -> Result<Verdict, Failed> {
        if let Some(upstream) = Upstream::of(self.vendor) {
            return Ok(upstream.read(call, response)?.verdict);
        }
        // Only our own API has no outbound half, and it says its verdict in so many words.
        match json(&response)?["verdict"].as_str() {
            Some("live") => Ok(Verdict::Live),
            Some("spoof") => Ok(Verdict::Spoof),
            Some(_) | None => Ok(Verdict::Undecided),
        }
    }
}

// === impl Upstream ===

impl Upstream {
    /// `None` if the vendor cannot be called.
    pub fn of(vendor: &'static Vendor) -> Option<Self> {
        let adapter = vendor.outbound?;
        let secrets = adapter.credentials().iter();
        let secrets = secrets
            .map(|name| (*name, Secret::new(format!("{CANARY}-{name}"))))
            .collect();
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

    pub fn read(&self, call: &Call, response: Response<Bytes>) -> Result<Liveness, Problem> {
        let turn = self
            .adapter
            .parse_response(call, Memo::default(), response, &self.cx())?;
        match turn {
            Turn::Done(Outcome::Liveness(liveness)) => Ok(liveness),
            Turn::Done(Outcome::Match(_) | Outcome::Quality(_) | Outcome::Uploaded(_))
            | Turn::Send { .. } => Err(Problem::unsupported()),
        }
    }
}

/// The ops that a dialect serves.
pub fn served(vendor: &Vendor) -> Vec<Op> {
    let support = vendor.inbound.map(|inbound| inbound.capabilities().ops);
    support
        .into_iter()
        .flatten()
        .map(|support| support.op)
        .collect()
}

/// The ops that an upstream can be asked.
pub fn callable(vendor: &Vendor) -> Vec<Op> {
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

/// Some call of that op, always the same.
pub fn sample_call(op: Op) -> Result<Call, Failed> {
    let tree = generate::call(op).new_tree(&mut TestRunner::deterministic())?;
    Ok(tree.current())
}

/// A call of the op that every vendor has. Its picture is the canary.
pub fn picture_call(details: bool) -> Call {
    Call::ImageLiveness(ImageLiveness {
        image: Media::Bytes(Bytes::from_static(CANARY.as_bytes())),
        details,
    })
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
