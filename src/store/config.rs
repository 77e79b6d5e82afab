//! `[store]`: where what survives a restart is kept.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, de};

use crate::units::SecretSource;

/// `[store]`. Takes effect at start; a reload does not change it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Keys made at run time, quota and usage.
    pub url: StoreUrl,
    /// 64 hexadecimal digits. Secrets are digested under it, so whoever loses it loses every key. A file that is
    /// absent is made on first start.
    pub master_key: SecretSource,
}

/// Which store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// `sqlite://PATH`, relative to the working directory; `sqlite:///PATH` is absolute.
    Sqlite(PathBuf),
}

// === impl Config ===

impl Default for Config {
    fn default() -> Self {
        Self {
            url: StoreUrl::Sqlite(PathBuf::from("data/livegate.db")),
            master_key: SecretSource::File("data/master.key".to_owned()),
        }
    }
}

// === impl StoreUrl ===

impl StoreUrl {
    /// The database file.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Sqlite(path) => path,
        }
    }
}

impl<'de> Deserialize<'de> for StoreUrl {
    /// The refusal does not repeat the text: other stores' addresses carry passwords.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .strip_prefix("sqlite://")
            .filter(|path| !path.is_empty())
            .map(|path| Self::Sqlite(PathBuf::from(path)))
            .ok_or_else(|| {
                de::Error::custom(
                    r#"only an embedded store is supported; write "sqlite://" and a path, like "sqlite://data/livegate.db""#,
                )
            })
    }
}
