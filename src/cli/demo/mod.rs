//! `livegate demo`: the newcomer's minute.
//!
//! Starts a gateway on free ports and a simulator of every vendor, sends a portrait and a simulated photo of it on a
//! screen through every dialect, to the local engine and to every simulator that can take it, and prints the `curl`
//! line that does the same beside each native answer. Everything but the weights lives in a temporary folder that goes
//! away at the end.

mod report;
mod stage;

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::ensure;
use bytes::Bytes;
use http::Response;
use tracing::Level;

use super::{client, models};
use crate::app;
use crate::canonical::{Call, CallId, ImageLiveness, Media, MediaForm, Op, Outcome, Verdict};
use crate::config::{self, Config};
use crate::engine::weights::{self, Mode};
use crate::vendors::{self, Carriage, Credentials, Memo, Turn, UpstreamCx, VENDORS, Vendor};

use stage::{Picture, Stage};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A picture of a face, JPEG or PNG; without it a public-domain portrait.
    image: Option<PathBuf>,
    /// Exit when the answers are there; non-zero if one is wrong.
    #[arg(long)]
    once: bool,
    /// Never fetch weights.
    #[arg(long)]
    offline: bool,
}

/// The folder that `livegate serve` uses too, so that weights are fetched once.
const MODELS: &str = "data/models";

/// One answer.
struct Row {
    dialect: &'static str,
    upstream: &'static str,
    picture: &'static str,
    curl: String,
    response: Response<Bytes>,
    verdict: Option<Verdict>,
    right: bool,
}

/// Runs the demonstration; serves until Ctrl-C unless told not to.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    app::log_to_stderr(Level::WARN);
    let mode = if arguments.offline {
        Mode::Offline
    } else {
        Mode::Online
    };
    weights::fetch(Path::new(MODELS), mode, &models::Reporter::new())?;
    app::runtime(&Config::default())?.block_on(show(arguments))
}

async fn show(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let stage = Stage::set(arguments.image.as_deref()).await?;
    let running = app::start(config::load(&stage.config)?, std::io::sink()).await?;
    let mut rows = Vec::new();
    for dialect in VENDORS {
        for upstream in &stage.upstreams {
            for picture in &stage.pictures {
                rows.extend(ask(dialect, upstream, picture, running.gateway, &stage.secret).await?);
            }
        }
    }
    let text = report::text(&running, &stage, &rows);
    std::io::stdout().write_all(text.as_bytes())?;
    if !arguments.once {
        tokio::signal::ctrl_c().await?;
    }
    running.stop().await?;
    ensure!(
        rows.iter().all(|row| row.right),
        "an answer is not what it should be"
    );
    Ok(ExitCode::SUCCESS)
}

/// Sends one picture in one dialect to one upstream, if the dialect takes pictures and the upstream takes them from it.
async fn ask(
    dialect: &'static Vendor,
    upstream: &'static Vendor,
    picture: &Picture,
    gateway: SocketAddr,
    secret: &str,
) -> anyhow::Result<Option<Row>> {
    let credentials = Credentials {
        id: upstream.id,
        secret,
    };
    let sample = dialect
        .inbound
        .and_then(|inbound| inbound.sample(Op::ImageLiveness, &credentials));
    let Some(sample) = sample.filter(|sample| reaches(dialect, upstream, sample.form())) else {
        return Ok(None);
    };
    let path = picture.path.display().to_string();
    let curl = sample.curl(&format!("http://{gateway}"), &path, &picture.url);
    let request = sample.request(&picture.bytes, &picture.url)?;
    let response = client::send(gateway, request).await?;
    let verdict = read(dialect, &response);
    let right = match picture.expected {
        Some(expected) => verdict == Some(expected),
        None => !response.status().is_server_error(),
    };
    let (dialect, upstream, picture) = (dialect.id, upstream.id, picture.name);
    Ok(Some(Row {
        dialect,
        upstream,
        picture,
        curl,
        response,
        verdict,
        right,
    }))
}

fn reaches(dialect: &Vendor, upstream: &Vendor, form: MediaForm) -> bool {
    vendors::carriage(dialect, upstream, Op::ImageLiveness, form) == Carriage::Carried
}

/// What a client of that vendor reads out of an answer: our own half that calls the vendor, or the plain word.
fn read(vendor: &Vendor, response: &Response<Bytes>) -> Option<Verdict> {
    let Some(outbound) = vendor.outbound else {
        let document: serde_json::Value = serde_json::from_slice(response.body()).ok()?;
        let word = document.get("verdict")?.as_str()?;
        return [Verdict::Live, Verdict::Spoof]
            .into_iter()
            .find(|verdict| verdict.as_str() == word);
    };
    let call = Call::ImageLiveness(ImageLiveness {
        image: Media::Bytes(Bytes::new()),
        details: false,
    });
    let cx = UpstreamCx::new(CallId::from_bytes([0; 16]), "", vendor.scale, 0, &[]);
    match outbound
        .parse_response(&call, Memo::default(), response.clone(), &cx)
        .ok()?
    {
        Turn::Done(Outcome::Liveness(liveness)) => Some(liveness.verdict),
        Turn::Done(Outcome::Match(_) | Outcome::Quality(_) | Outcome::Uploaded(_))
        | Turn::Send { .. } => None,
    }
}
