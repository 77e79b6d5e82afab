//! Reads secrets, and makes those that are ours to make.

use std::collections::BTreeSet;
use std::env::VarError;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use thiserror::Error;
use zeroize::Zeroizing;

use super::{Config, Environment};
use crate::auth::MasterKey;
use crate::canonical::Secret;
use crate::units::SecretSource;

/// A secret file could not be made.
#[derive(Debug, Error)]
#[error("cannot make the secret file {path}; make its folder writable or write the file yourself")]
pub struct PrepareError {
    /// Which.
    pub path: String,
    #[source]
    source: io::Error,
}

/// What an absent file means that [`prepare_files`] makes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Absent {
    /// It is made before it is needed, so a stand-in does for checking.
    WillBeMade,
    IsAMistake,
}

pub(super) struct Resolver<'a> {
    environment: Environment,
    /// Files that are not there yet and need not be.
    awaited: BTreeSet<&'a str>,
}

/// Makes the master key, and the secrets of keys that say `generate`, at random if their files are absent: 256 bits as
/// 64 hexadecimal digits, readable by the owner only. Returns the files made. A file that exists is never touched, also
/// if another process makes it at the same moment.
pub fn prepare_files(config: &Config) -> Result<Vec<PathBuf>, PrepareError> {
    let mut made = Vec::new();
    for path in made_here(config) {
        let is_new = make(Path::new(path)).map_err(|source| PrepareError {
            path: path.to_owned(),
            source,
        })?;
        made.extend(is_new.then(|| PathBuf::from(path)));
    }
    Ok(made)
}

fn made_here(config: &Config) -> BTreeSet<&str> {
    let keys = config
        .tenancy
        .tenants
        .values()
        .flat_map(|tenant| &tenant.keys);
    keys.filter(|key| key.generate)
        .filter_map(|key| key.secret.as_ref())
        .chain([&config.store.master_key])
        .filter_map(|source| match source {
            SecretSource::File(path) => Some(path.as_str()),
            SecretSource::Env(_) => None,
        })
        .collect()
}

/// Says whether it made the file. The file appears with its content or not at all.
fn make(path: &Path) -> io::Result<bool> {
    if path.try_exists()? {
        return Ok(false);
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    let mut bits = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bits).map_err(|error| io::Error::other(error.to_string()))?;
    let mut file = NamedTempFile::new_in(folder)?;
    for byte in *bits {
        write!(file, "{byte:02x}")?;
    }
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(true),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error.error),
    }
}

// === impl Resolver ===

impl<'a> Resolver<'a> {
    /// Has the form of a master key, and opens nothing: what is compiled with it is thrown away.
    const STAND_IN: &'static str =
        "0000000000000000000000000000000000000000000000000000000000000000";

    pub(super) fn new(config: &'a Config, environment: Environment, absent: Absent) -> Self {
        let awaited = match absent {
            Absent::WillBeMade => made_here(config),
            Absent::IsAMistake => BTreeSet::new(),
        };
        Self {
            environment,
            awaited,
        }
    }

    /// The secret, without one trailing line end; or why it cannot be had.
    pub(super) fn secret(&self, source: &SecretSource) -> Result<Secret, String> {
        let (place, text) = match source {
            SecretSource::Env(name) => {
                let text = (self.environment)(name).map_err(|error| match error {
                    VarError::NotPresent => {
                        format!("environment variable {name} is not set; set it to the secret")
                    }
                    VarError::NotUnicode(_) => {
                        format!("environment variable {name} is not UTF-8 text")
                    }
                })?;
                (format!("environment variable {name}"), text)
            }
            SecretSource::File(path) => {
                let text = match fs::read_to_string(path) {
                    Err(error)
                        if error.kind() == io::ErrorKind::NotFound
                            && self.awaited.contains(path.as_str()) =>
                    {
                        Self::STAND_IN.to_owned()
                    }
                    Err(error) => {
                        return Err(format!(
                            "file {path} cannot be read: {}; make it hold the secret",
                            error.kind()
                        ));
                    }
                    Ok(text) => text,
                };
                (format!("file {path}"), text)
            }
        };
        let secret = without_line_end(text);
        if secret.is_empty() {
            return Err(format!("{place} is empty; make it hold the secret"));
        }
        Ok(secret)
    }

    pub(super) fn master_key(&self, source: &SecretSource) -> Result<MasterKey, String> {
        let text = self.secret(source)?;
        MasterKey::from_hex(text.expose()).ok_or_else(|| {
            "the master key is damaged; restore its 64 hexadecimal digits (a new one would end every stored key)"
                .to_owned()
        })
    }
}

/// One secret from the process's environment, for a command that has no configuration; or why it cannot be had.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the reader of the environment"
)]
pub fn secret_from_environment(name: &str) -> Result<Secret, String> {
    let resolver = Resolver {
        environment: |name| std::env::var(name),
        awaited: BTreeSet::new(),
    };
    resolver.secret(&SecretSource::Env(name.to_owned()))
}

fn without_line_end(mut text: String) -> Secret {
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Secret::new(text)
}
