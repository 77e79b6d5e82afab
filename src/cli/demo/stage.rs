//! What the demonstration plays on: two pictures, a server that has them, simulators, and the configuration of a gateway
//! with one tenant per upstream.

use std::fmt::Write;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::MODELS;
use crate::canonical::Verdict;
use crate::engine::{decode, weights};
use crate::media;
use crate::simulate::recapture::recapture;
use crate::simulate::{self, Account, Digest, Rule, Running, Script, Scripted};
use crate::vendors::{VENDORS, Vendor};

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
[plans.demo]
quota = "unlimited"
"#;

/// A picture, and what every dialect should say of it.
pub struct Picture {
    /// What it is called.
    pub name: &'static str,
    /// Its file.
    pub path: PathBuf,
    /// Its content.
    pub bytes: Bytes,
    /// Where dialects that take a URL are told to find it.
    pub url: String,
    /// `None` for a picture of the caller's own: they are here to find out.
    pub expected: Option<Verdict>,
}

/// All of it. Simulators and the pictures' server stop, and the folder goes, when this is dropped.
pub struct Stage {
    /// The portrait and its recapture.
    pub pictures: Vec<Picture>,
    /// Vendors that calls are sent to; each has a tenant and a key of its name.
    pub upstreams: Vec<&'static Vendor>,
    /// The secret of every key.
    pub secret: String,
    /// The gateway's configuration.
    pub config: PathBuf,
    simulated: Vec<(&'static Vendor, Running)>,
    _host: JoinSet<std::io::Result<()>>,
    _folder: TempDir,
}

// === impl Stage ===

impl Stage {
    /// Sets the stage for a picture of the caller's own, or for the portrait.
    pub async fn set(own: Option<&Path>) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let host = listener.local_addr()?;
        let pictures = pictures(own, folder.path(), host)?;
        let server = serve(listener, &pictures);
        let simulated = simulators(&pictures, host).await?;
        let engine = VENDORS.iter().copied().filter(|vendor| is_engine(vendor));
        let upstreams = engine
            .chain(simulated.iter().map(|(vendor, _)| *vendor))
            .collect();
        let secret = Uuid::new_v4().simple().to_string();
        let mut stage = Self {
            pictures,
            upstreams,
            secret,
            config: folder.path().join("livegate.toml"),
            simulated,
            _host: server,
            _folder: folder,
        };
        let text = stage.write(host)?;
        fs::write(&stage.config, text)?;
        Ok(stage)
    }

    /// The engine's name among the upstreams.
    #[must_use]
    pub fn engine(&self) -> &'static str {
        self.upstreams.first().map_or("", |engine| engine.id)
    }

    /// Who is simulated, and where.
    pub fn simulators(&self) -> impl Iterator<Item = (&'static str, SocketAddr)> {
        self.simulated
            .iter()
            .map(|(vendor, running)| (vendor.name, running.address))
    }

    /// The configuration; secrets go to files beside it.
    fn write(&mut self, host: SocketAddr) -> anyhow::Result<String> {
        let folder = self._folder.path();
        fs::write(folder.join("secret"), &self.secret)?;
        let dir = folder.display().to_string();
        let mut text = CONFIG
            .replace("{models}", MODELS)
            .replace("{host}", &host.to_string())
            .replace("{dir}", &dir);
        for vendor in &self.upstreams {
            let id = vendor.id;
            writeln!(text, "[upstreams.{id}]\nvendor = \"{id}\"")?;
            if let Some((_, running)) = self
                .simulated
                .iter()
                .find(|(simulated, _)| simulated.id == id)
            {
                writeln!(text, "base_url = \"http://{}\"", running.address)?;
                for (name, secret) in account(vendor).secrets_for(vendor) {
                    fs::write(folder.join(format!("{id}.{name}")), secret.expose())?;
                    writeln!(text, "{name} = {{ file = \"{dir}/{id}.{name}\" }}")?;
                }
            }
            writeln!(text, "[tenants.{id}]\nplan = \"demo\"")?;
            writeln!(
                text,
                "keys = [{{ id = \"{id}\", secret = {{ file = \"{dir}/secret\" }} }}]"
            )?;
            writeln!(
                text,
                "[[routes]]\ntenant = \"{id}\"\nto = [{{ upstream = \"{id}\" }}]"
            )?;
        }
        Ok(text)
    }
}

/// The engine is the vendor that is called without credentials.
fn is_engine(vendor: &Vendor) -> bool {
    vendor.inbound.is_none()
        && vendor
            .outbound
            .is_some_and(|outbound| outbound.credentials().is_empty())
}

fn account(vendor: &Vendor) -> Account {
    Account::default().with_defaults_of(vendor)
}

/// A simulator of every vendor, all of which take the portrait for a person and its recapture for a screen.
async fn simulators(
    pictures: &[Picture],
    host: SocketAddr,
) -> anyhow::Result<Vec<(&'static Vendor, Running)>> {
    let outcomes = [Scripted::Live, Scripted::Spoof];
    let rules = pictures.iter().zip(outcomes);
    let rules = rules.map(|(picture, outcome)| Rule {
        media_sha256: Digest::of(&picture.bytes),
        outcome,
    });
    let script = Script {
        default: None,
        rules: rules.collect(),
    };
    let mut running = Vec::new();
    for vendor in simulate::vendors().filter(|vendor| vendor.outbound.is_some()) {
        let config = simulate::Config {
            account: account(vendor),
            script: script.clone(),
            fault: None,
            downloads: media::Config {
                allow_hosts: vec![host.to_string()],
            },
        };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        running.push((vendor, simulate::start(vendor, listener, config)?));
    }
    Ok(running)
}

fn pictures(own: Option<&Path>, folder: &Path, host: SocketAddr) -> anyhow::Result<Vec<Picture>> {
    let source = own.map_or_else(
        || Path::new(MODELS).join(weights::PORTRAIT),
        Path::to_path_buf,
    );
    let original =
        fs::read(&source).with_context(|| format!("cannot read {}", source.display()))?;
    let decoded =
        decode::decode(&original).with_context(|| format!("cannot decode {}", source.display()))?;
    let recaptured = recapture(&decoded.into());
    let path = folder.join("recapture.jpg");
    fs::write(&path, &recaptured)?;
    let picture = |name, path, bytes: Vec<u8>, verdict| Picture {
        name,
        path,
        bytes: bytes.into(),
        url: format!("http://{host}/{name}"),
        expected: own.is_none().then_some(verdict),
    };
    Ok(vec![
        picture("portrait", source, original, Verdict::Live),
        picture("recapture", path, recaptured, Verdict::Spoof),
    ])
}

/// The pictures on a server of their own, for dialects whose clients send a URL.
fn serve(listener: TcpListener, pictures: &[Picture]) -> JoinSet<std::io::Result<()>> {
    let mut router = Router::new();
    for picture in pictures {
        let bytes = picture.bytes.clone();
        let give = move || std::future::ready(bytes.clone());
        router = router.route(&format!("/{}", picture.name), get(give));
    }
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(listener, router).await });
    server
}
