//! `livegate demo`: the newcomer's minute.
//!
//! Starts a gateway on free ports, sends a portrait and a simulated photo of it on a screen through every dialect, and
//! prints the `curl` line that does the same beside each native answer. Everything but the weights lives in a temporary
//! folder that goes away at the end.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use http::Response;
use tracing::Level;
use uuid::Uuid;

use super::{client, models};
use crate::app::{self, Running};
use crate::canonical::{Call, CallId, ImageLiveness, Media, Op, Outcome, Verdict};
use crate::config;
use crate::engine::decode;
use crate::engine::weights::{self, Mode};
use crate::simulate::recapture::recapture;
use crate::vendors::{Credentials, Memo, Turn, UpstreamCx, VENDORS, Vendor};

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
const KEY: &str = "demo";

const CONFIG: &str = r#"
[server]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[store]
url = "sqlite://{dir}/livegate.db"
master_key = { file = "{dir}/master.key" }
[media]
allow_hosts = ["{host}"]
[engine]
models = "{models}"
[upstreams.local]
vendor = "local"
[plans.demo]
quota = "unlimited"
[tenants.demo]
plan = "demo"
keys = [{ id = "demo", secret = { file = "{dir}/secret" } }]
[[routes]]
to = [{ upstream = "local" }]
"#;

/// A picture, and what every dialect should say of it.
struct Picture {
    name: &'static str,
    path: PathBuf,
    bytes: Bytes,
    /// Where dialects that take a URL are told to find it.
    url: String,
    expected: Option<Verdict>,
}

/// One answer.
struct Row {
    dialect: &'static str,
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
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let host = TcpListener::bind("127.0.0.1:0")?;
    host.set_nonblocking(true)?;
    let address = host.local_addr()?;
    let pictures = pictures(arguments.image.as_deref(), folder.path(), address)?;
    let secret = Uuid::new_v4().simple().to_string();
    fs::write(folder.path().join("secret"), &secret)?;
    let file = folder.path().join("livegate.toml");
    let text = CONFIG
        .replace("{models}", MODELS)
        .replace("{host}", &address.to_string())
        .replace("{dir}", &folder.path().display().to_string());
    fs::write(&file, text)?;
    let loaded = config::load(&file)?;
    app::runtime(&loaded.config)?.block_on(async {
        tokio::spawn(serve_pictures(host, &pictures)?);
        let running = app::start(loaded, std::io::sink()).await?;
        let mut rows = Vec::new();
        for vendor in VENDORS {
            for picture in &pictures {
                rows.extend(ask(vendor, picture, running.gateway, &secret).await?);
            }
        }
        std::io::stdout().write_all(report(&running, &rows).as_bytes())?;
        if !arguments.once {
            tokio::signal::ctrl_c().await?;
        }
        running.stop().await?;
        ensure!(
            rows.iter().all(|row| row.right),
            "an answer is not what it should be"
        );
        Ok(ExitCode::SUCCESS)
    })
}

fn pictures(own: Option<&Path>, folder: &Path, host: SocketAddr) -> anyhow::Result<Vec<Picture>> {
    let source = own.map_or_else(
        || Path::new(MODELS).join(weights::PORTRAIT),
        Path::to_path_buf,
    );
    let original = Bytes::from(
        fs::read(&source).with_context(|| format!("cannot read {}", source.display()))?,
    );
    let decoded =
        decode::decode(&original).with_context(|| format!("cannot decode {}", source.display()))?;
    let recaptured = Bytes::from(recapture(&decoded.into()));
    let path = folder.join("recapture.jpg");
    fs::write(&path, &recaptured)?;
    // Nobody knows what a picture of the caller's own is; they are here to find out.
    let expected = |verdict| own.is_none().then_some(verdict);
    Ok(vec![
        Picture {
            name: "portrait",
            url: format!("http://{host}/portrait"),
            path: source,
            bytes: original,
            expected: expected(Verdict::Live),
        },
        Picture {
            name: "recapture",
            url: format!("http://{host}/recapture"),
            path,
            bytes: recaptured,
            expected: expected(Verdict::Spoof),
        },
    ])
}

/// The pictures on a server of their own, for dialects whose clients send a URL.
fn serve_pictures(
    host: TcpListener,
    pictures: &[Picture],
) -> anyhow::Result<impl Future<Output = std::io::Result<()>> + Send + use<>> {
    let mut router = Router::new();
    for picture in pictures {
        let bytes = picture.bytes.clone();
        let serve = move || std::future::ready(bytes.clone());
        router = router.route(&format!("/{}", picture.name), get(serve));
    }
    let host = tokio::net::TcpListener::from_std(host)?;
    Ok(async move { axum::serve(host, router).await })
}

/// Sends one picture in one dialect, if that dialect takes pictures.
async fn ask(
    vendor: &'static Vendor,
    picture: &Picture,
    gateway: SocketAddr,
    secret: &str,
) -> anyhow::Result<Option<Row>> {
    let Some(inbound) = vendor.inbound else {
        return Ok(None);
    };
    let credentials = Credentials { id: KEY, secret };
    let Some(sample) = inbound.sample(Op::ImageLiveness, &credentials) else {
        return Ok(None);
    };
    let path = picture.path.display().to_string();
    let curl = sample.curl(&format!("http://{gateway}"), &path, &picture.url);
    let request = sample.request(&picture.bytes, &picture.url)?;
    let response = client::send(gateway, request).await?;
    let verdict = read(vendor, &response);
    let right = match picture.expected {
        Some(expected) => verdict == Some(expected),
        None => !response.status().is_server_error(),
    };
    Ok(Some(Row {
        dialect: vendor.id,
        picture: picture.name,
        curl,
        response,
        verdict,
        right,
    }))
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

fn report(running: &Running, rows: &[Row]) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "livegate listens on http://{}, operators on http://{}\n",
        running.gateway, running.admin
    );
    for row in rows {
        let body = String::from_utf8_lossy(row.response.body());
        let _ = writeln!(
            text,
            "{}\n{} {}\n",
            row.curl,
            row.response.status().as_u16(),
            body.trim_end()
        );
    }
    let mut table = vec![
        ["dialect", "picture", "status", "verdict", ""]
            .map(str::to_owned)
            .to_vec(),
    ];
    for row in rows {
        table.push(vec![
            row.dialect.to_owned(),
            row.picture.to_owned(),
            row.response.status().as_u16().to_string(),
            row.verdict.map_or("-", Verdict::as_str).to_owned(),
            if row.right {
                "as expected"
            } else {
                "NOT as expected"
            }
            .to_owned(),
        ]);
    }
    text + &super::table(&table)
}
