//! `[admin]`: the listener that operators use.

use std::net::{Ipv4Addr, SocketAddr};

use serde::Deserialize;

use crate::units::{Listen, SecretSource};

/// `[admin]`. Takes effect at start; a reload does not change it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where operators and probes connect.
    pub listen: Listen,
    /// Opens the admin API. Without one only health and metrics are served.
    pub token: Option<SecretSource>,
}

// === impl Config ===

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: Listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 9090))),
            token: None,
        }
    }
}
