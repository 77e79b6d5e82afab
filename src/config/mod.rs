//! The configuration: every area's own `Config` composed into one document, read, checked as a whole, compiled.
//!
//! The only reader of configuration files and of the environment. [`load`] checks everything and writes nothing, so
//! `livegate check` is [`load`]; starting is [`load`], [`prepare_files`], [`Loaded::compile`], and so is reloading.
//! All mistakes are found in one run, each with its line. Deliberately absent: watching files, and swapping snapshots.

mod errors;
mod parse;
mod secrets;

use std::collections::BTreeMap;
use std::env::VarError;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::auth::MasterKey;
use crate::canonical::Secret;
use crate::tenancy::{CompileError, DigestedSecret, Snapshot};
use crate::{admin, engine, gateway, media, store, tenancy};

pub use errors::{ConfigError, ConfigErrors};
pub use secrets::{PrepareError, prepare_files, secret_from_environment};

use errors::{Complaint, is_within};
use secrets::{Absent, Resolver};

/// What `livegate serve` runs without a file, and the sample that documents every key.
const BUILT_IN: &str = include_str!("../../config/livegate.toml");

/// Reads one environment variable.
pub type Environment = fn(&str) -> Result<String, VarError>;

/// A whole configuration. Every value can be read; [`Loaded`] says that it makes sense too.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(from = "Document")]
pub struct Config {
    /// `[server]`
    pub server: gateway::Config,
    /// `[admin]`
    pub admin: admin::Config,
    /// `[store]`
    pub store: store::Config,
    /// `[media]`
    pub media: media::Config,
    /// `[engine]`
    pub engine: engine::Config,
    /// `[upstreams]`, `[plans]`, `[tenants]` and `[[routes]]`: what a reload replaces.
    pub tenancy: tenancy::Config,
}

/// A [`Config`] as it is written.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Document {
    server: gateway::Config,
    admin: admin::Config,
    store: store::Config,
    media: media::Config,
    engine: engine::Config,
    upstreams: BTreeMap<String, tenancy::config::Upstream>,
    plans: BTreeMap<String, tenancy::config::Plan>,
    tenants: BTreeMap<String, tenancy::config::Tenant>,
    routes: Vec<tenancy::config::Route>,
}

/// A configuration that was checked, with what is needed to say where its mistakes are.
pub struct Loaded {
    /// The values.
    pub config: Config,
    path: Option<PathBuf>,
    name: String,
    text: String,
    environment: Environment,
}

/// Everything that start-up and reload take from a configuration besides its values.
#[derive(Debug)]
pub struct Compiled {
    /// What every request reads.
    pub snapshot: Snapshot,
    /// Digests secrets.
    pub master_key: MasterKey,
    /// Opens the admin API.
    pub admin_token: Option<Secret>,
}

/// Reads and checks a file. Secrets come from the process's environment and from files.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the reader of the environment"
)]
pub fn load(path: &Path) -> Result<Loaded, ConfigErrors> {
    load_with(path, |name| std::env::var(name))
}

/// The same with another environment.
pub fn load_with(path: &Path, environment: Environment) -> Result<Loaded, ConfigErrors> {
    let name = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let loaded = Loaded::from_text(name, text, environment)?;
            Ok(Loaded {
                path: Some(path.to_owned()),
                ..loaded
            })
        }
        Err(error) => Err(ConfigErrors::unreadable(
            name,
            format!(
                "cannot be read: {}; give the path of a readable TOML file",
                error.kind()
            ),
        )),
    }
}

/// The default: local engine, embedded store, loopback, one tenant without limits. It can still be wrong: a secret file
/// that it names may be damaged.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the reader of the environment"
)]
pub fn built_in() -> Result<Loaded, ConfigErrors> {
    let name = "built-in configuration".to_owned();
    Loaded::from_text(name, BUILT_IN.to_owned(), |name| std::env::var(name))
}

// === impl Config ===

impl From<Document> for Config {
    fn from(document: Document) -> Self {
        Self {
            server: document.server,
            admin: document.admin,
            store: document.store,
            media: document.media,
            engine: document.engine,
            tenancy: tenancy::Config {
                upstreams: document.upstreams,
                plans: document.plans,
                tenants: document.tenants,
                routes: document.routes,
            },
        }
    }
}

impl Config {
    /// Whether a reload to `other` would change nothing that only a restart can apply.
    #[must_use]
    pub fn same_process(&self, other: &Self) -> bool {
        self.server == other.server
            && self.admin == other.admin
            && self.store == other.store
            && self.media == other.media
            && self.engine == other.engine
    }

    fn compile(&self, resolver: &Resolver<'_>) -> Result<Compiled, Vec<CompileError>> {
        let mut errors = self.validate();
        let mut note = |path: &str, message| {
            let path = path.to_owned();
            errors.push(CompileError { path, message });
        };
        let master_key = resolver
            .master_key(&self.store.master_key)
            .map_err(|message| note("store.master_key", message));
        let admin_token = self
            .admin
            .token
            .as_ref()
            .map(|source| resolver.secret(source))
            .transpose();
        let admin_token = admin_token.map_err(|message| note("admin.token", message));
        let digest = |secret: &Secret| match &master_key {
            Ok(master_key) => master_key.digest(secret.expose()),
            Err(()) => DigestedSecret([0; 32]),
        };
        let snapshot = tenancy::compile(&self.tenancy, &|source| resolver.secret(source), &digest)
            .map_err(|found| errors.extend(found));
        match (master_key, admin_token, snapshot) {
            (Ok(master_key), Ok(admin_token), Ok(snapshot)) if errors.is_empty() => Ok(Compiled {
                snapshot,
                master_key,
                admin_token,
            }),
            _ => Err(errors),
        }
    }

    fn validate(&self) -> Vec<CompileError> {
        let in_section = |section: &str, complaints: Vec<(&'static str, String)>| {
            let errors = complaints.into_iter().map(|(key, message)| CompileError {
                path: format!("{section}.{key}"),
                message,
            });
            errors.collect::<Vec<_>>()
        };
        let mut errors = in_section("server", self.server.validate());
        errors.extend(in_section("engine", self.engine.validate()));
        let address = self.server.listen.0;
        if address == self.admin.listen.0 && address.port() != 0 {
            errors.push(CompileError {
                path: "admin.listen".to_owned(),
                message: "the same address as server.listen; write another port".to_owned(),
            });
        }
        errors
    }
}

// === impl Loaded ===

impl Loaded {
    /// Reads and checks a text; `name` is what its mistakes are reported under.
    pub fn from_text(
        name: String,
        text: String,
        environment: Environment,
    ) -> Result<Self, ConfigErrors> {
        let (config, mut complaints) = parse::read::<Config>(&text);
        let refused: Vec<_> = complaints
            .iter()
            .map(|complaint| complaint.path.clone())
            .collect();
        if let Some(config) = config {
            let resolver = Resolver::new(&config, environment, Absent::WillBeMade);
            let found = config.compile(&resolver).err().unwrap_or_default();
            if found.is_empty() && complaints.is_empty() {
                return Ok(Self {
                    config,
                    path: None,
                    name,
                    text,
                    environment,
                });
            }
            // What was refused above is missing below; that is one mistake, not two.
            let follows = |error: &CompileError| {
                let error = error.path.as_str();
                refused
                    .iter()
                    .any(|path| is_within(path, error) || is_within(error, path))
            };
            let found = found.into_iter().filter(|error| !follows(error));
            complaints.extend(found.map(Complaint::from));
        }
        Err(ConfigErrors::locate(&name, &text, complaints))
    }

    /// The file that it came from, if it came from one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Reads the secrets for good. Call [`prepare_files`] before.
    pub fn compile(&self) -> Result<Compiled, ConfigErrors> {
        let resolver = Resolver::new(&self.config, self.environment, Absent::IsAMistake);
        self.config.compile(&resolver).map_err(|errors| {
            let complaints = errors.into_iter().map(Complaint::from).collect();
            ConfigErrors::locate(&self.name, &self.text, complaints)
        })
    }
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
