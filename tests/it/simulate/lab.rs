//! Simulators in this process, what talks to them, and pictures that mean something to nobody but a script.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use livegate::canonical::{
    BundleLiveness, Call, CallId, FaceMatch, FaceQuality, ImageLiveness, Media, MediaForm, Op,
    Outcome, Problem, ProblemKind, Secret, Upload, Verdict, VideoLiveness, VideoMatch,
};
use livegate::clock::Clock;
use livegate::engine::{self, Engine};
use livegate::exchange::Exchange;
use livegate::media::{self, Guard};
use livegate::simulate::{
    self, Account, Config, Digest, Recurring, Rule, Running, Script, Scripted,
};
use livegate::tenancy::Upstream;
use livegate::vendors::{DialectCx, DialectSettings, Support, Turn, UpstreamCx, Vendor};
use tokio::runtime::Runtime;

use crate::support::{
    files,
    http::{self as wire, Reply},
    pictures,
};

const ID: CallId = CallId::from_bytes([7; 16]);
const PATIENCE: Duration = Duration::from_secs(30);

/// Simulators, files for vendors that download, and an exchange that calls them.
pub struct Lab {
    runtime: Runtime,
    exchange: Exchange,
    pub files: SocketAddr,
}

/// Vendors that can be both simulated and called.
pub fn simulated() -> impl Iterator<Item = &'static Vendor> {
    simulate::vendors().filter(|vendor| vendor.outbound.is_some())
}

/// The ops that a vendor both serves and can be asked.
pub fn callable(vendor: &Vendor) -> Vec<Op> {
    let served = vendor.inbound.expect("a dialect").capabilities();
    let asked = vendor.outbound.expect("can be called").capabilities();
    let both = |op: &Op| served.support(*op).is_some() && asked.support(*op).is_some();
    Op::ALL.into_iter().filter(both).collect()
}

pub fn support(vendor: &Vendor, op: Op) -> &'static Support {
    let served = vendor.inbound.expect("a dialect").capabilities();
    served.support(op).expect("served")
}

/// A picture that no other number has, within the limits of every vendor; to a script also a bundle or a video.
pub fn picture(number: u32) -> Vec<u8> {
    [
        pictures::png_header(640, 480),
        number.to_be_bytes().to_vec(),
    ]
    .concat()
}

pub fn rule(number: u32, outcome: Scripted) -> Rule {
    Rule {
        media_sha256: Digest::of(&picture(number)),
        outcome,
    }
}

/// Whether an answer lets a person pass; `None` if it decides nothing.
pub fn decision(outcome: &Outcome) -> Option<bool> {
    match outcome {
        Outcome::Liveness(found) => match found.verdict {
            Verdict::Live => Some(true),
            Verdict::Spoof => Some(false),
            Verdict::Undecided => panic!("a scripted verdict is decided"),
        },
        Outcome::Match(found) => Some(found.similarity > 0.7),
        Outcome::Quality(_) | Outcome::Uploaded(_) => None,
    }
}

/// What the golden table says that this vendor's outbound half reads of a problem.
pub fn read_back<'a>(table: &'a str, vendor: &str, kind: ProblemKind, op: Op) -> &'a str {
    let section = table
        .split("\n## ")
        .find(|section| section.lines().next() == Some(vendor));
    let mut rows = section.expect("a section of the vendor").lines();
    let fits = |row: &&str| {
        let cell = row.split('|').nth(1).unwrap_or_default().trim();
        let (name, ops) = cell.split_once(" (").unwrap_or((cell, ""));
        let ops = ops.trim_end_matches(')');
        name == kind.as_str() && (ops.is_empty() || ops.split(", ").any(|name| name == op.as_str()))
    };
    let row = rows.find(fits).expect("a row of the kind");
    row.trim_end_matches(" |")
        .rsplit("| ")
        .next()
        .expect("a last cell")
}

/// A call of that op about these pieces of media.
fn call(op: Op, first: Media, second: Media) -> Call {
    let video = |video| VideoLiveness {
        video,
        return_frame: true,
        return_face: true,
        return_status: true,
    };
    match op {
        Op::ImageLiveness => Call::ImageLiveness(ImageLiveness {
            image: first,
            details: true,
        }),
        Op::BundleLiveness => Call::BundleLiveness(BundleLiveness {
            bundle: first,
            return_image: true,
            details: true,
        }),
        Op::VideoLiveness => Call::VideoLiveness(video(first)),
        Op::VideoMatch => Call::VideoMatch(VideoMatch {
            live: video(first),
            reference: second,
            auto_rotate: false,
            check_quality: false,
        }),
        Op::FaceMatch => Call::FaceMatch(FaceMatch {
            first,
            second,
            auto_rotate: false,
            check_quality: false,
        }),
        Op::FaceQuality => Call::FaceQuality(FaceQuality { image: first }),
        Op::Upload => Call::Upload(Upload {
            media: first,
            for_op: Op::ImageLiveness,
        }),
    }
}

fn request_by(account: &Account, vendor: &Vendor, to: SocketAddr, call: &Call) -> Request<Bytes> {
    let secrets = account.clone().with_defaults_of(vendor).secrets_for(vendor);
    let base = format!("http://{to}");
    let now = Clock::system().now().as_second();
    let cx = UpstreamCx::new(ID, &base, vendor.scale, now, &secrets);
    let outbound = vendor.outbound.expect("can be called");
    match outbound.render_request(call, &cx).expect("rendered") {
        Turn::Send { request, .. } => request,
        Turn::Done(outcome) => panic!("finished without asking: {outcome:?}"),
    }
}

// === impl Lab ===

impl Lab {
    pub fn new() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        // Never asked: it has no weights.
        let nothing = tempfile::tempdir().expect("a folder");
        let engine = Engine::start(&engine::Config {
            models: nothing.path().to_owned(),
            ..engine::Config::default()
        });
        let inside = runtime.enter();
        let exchange = Exchange::new(engine, Guard::default(), Clock::system());
        drop(inside);
        Self {
            runtime,
            exchange,
            files: files::serve(),
        }
    }

    pub fn simulate(
        &self,
        vendor: &'static Vendor,
        script: Script,
        fault: Option<Recurring>,
    ) -> Running {
        let config = Config {
            script,
            fault,
            downloads: media::Config {
                allow_hosts: vec![self.files.to_string()],
            },
            ..Config::default()
        };
        self.runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            listener.set_nonblocking(true).expect("for tokio");
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            simulate::start(vendor, listener, config).expect("started")
        })
    }

    pub fn upstream(&self, vendor: &'static Vendor, simulator: &Running) -> Upstream {
        Upstream {
            name: "simulated".into(),
            vendor,
            base_url: format!("http://{}", simulator.address),
            secrets: Account::default()
                .with_defaults_of(vendor)
                .secrets_for(vendor),
            timeout: PATIENCE,
            connect_timeout: PATIENCE,
            scale: vendor.scale,
        }
    }

    pub fn ask(&self, upstream: &Upstream, call: &Call) -> Result<Outcome, Problem> {
        let answer = self.runtime.block_on(self.exchange.run(upstream, ID, call));
        answer.result
    }

    /// A call about the picture of that number, in the first form that the vendor takes.
    pub fn call(&self, vendor: &Vendor, op: Op, number: u32) -> Call {
        self.call_about(vendor, op, picture(number))
    }

    pub fn call_about(&self, vendor: &Vendor, op: Op, file: Vec<u8>) -> Call {
        let asked = vendor.outbound.expect("can be called").capabilities();
        let forms = asked.support(op).expect("can be asked").forms;
        let media = |file: Vec<u8>| {
            if forms.contains(&MediaForm::Bytes) {
                Media::Bytes(Bytes::from(file))
            } else {
                Media::Url(files::url(self.files, &file))
            }
        };
        call(op, media(file), media(picture(u32::MAX)))
    }

    /// The id that the vendor gives to a picture for a later call of that op.
    pub fn upload(&self, upstream: &Upstream, for_op: Op, number: u32) -> String {
        let media = Media::Bytes(Bytes::from(picture(number)));
        let upload = Call::Upload(Upload { media, for_op });
        let Outcome::Uploaded(uploaded) = self.ask(upstream, &upload).expect("an answer") else {
            panic!("an upload is answered with an id");
        };
        uploaded.id
    }

    pub fn call_by_id(&self, op: Op, id: String) -> Call {
        call(op, Media::Stored(id), Media::Bytes(Bytes::new()))
    }

    pub fn call_by_url(&self, op: Op, url: String) -> Call {
        call(op, Media::Url(url), Media::Bytes(Bytes::new()))
    }

    /// What the vendor's outbound half sends.
    pub fn request(&self, vendor: &Vendor, simulator: &Running, call: &Call) -> Request<Bytes> {
        self.request_to(vendor, simulator.address, call)
    }

    /// The same to another process.
    pub fn request_to(&self, vendor: &Vendor, address: SocketAddr, call: &Call) -> Request<Bytes> {
        request_by(&Account::default(), vendor, address, call)
    }

    /// The same with another account's secret.
    pub fn request_of_a_stranger(
        &self,
        vendor: &Vendor,
        simulator: &Running,
        call: &Call,
    ) -> Request<Bytes> {
        let stranger = Account {
            secret: Secret::new("sim-secreT".to_owned()),
            ..Account::default()
        };
        request_by(&stranger, vendor, simulator.address, call)
    }

    /// Whether the vendor's own API has a credential, beside what a caller only encrypts with.
    pub fn asks_for_credential(&self, vendor: &Vendor) -> bool {
        let is_setting = |name: &&str| vendor.settings.iter().any(|own| own.name == *name);
        !vendor
            .outbound
            .expect("can be called")
            .credentials()
            .iter()
            .all(is_setting)
    }

    pub fn headers<'a>(&self, request: &'a Request<Bytes>) -> Vec<(&'a str, &'a str)> {
        wire::headers(request.headers())
    }

    pub fn send(
        &self,
        simulator: &Running,
        request: &Request<Bytes>,
        more: &[(&str, &str)],
    ) -> Reply {
        wire::send(simulator.address, request, more)
    }

    /// The status of a problem in the vendor's own shape.
    pub fn status(&self, vendor: &Vendor, op: Op, kind: ProblemKind) -> u16 {
        let settings = DialectSettings::default();
        let cx = DialectCx {
            id: ID,
            settings: &settings,
            accept: None,
        };
        let dialect = vendor.inbound.expect("a dialect");
        let problem = Problem::new(kind, "");
        dialect
            .render_problem(&cx, Some(op), &problem)
            .status()
            .as_u16()
    }
}
