//! `[server]`: the listener that callers use.

use std::net::{Ipv4Addr, SocketAddr};

use serde::Deserialize;

use crate::units::{HttpUrl, Listen, Size, Span};

/// `[server]`. Takes effect at start; a reload does not change it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where callers connect.
    pub listen: Listen,
    /// How callers reach this gateway from outside, for links that it hands out.
    pub public_url: Option<HttpUrl>,
    /// Largest request body; beyond it the answer is 413.
    pub max_body: Size,
    /// All bodies in flight together; beyond it the answer is 503.
    pub body_memory: Size,
    /// Time for the whole body.
    pub body_timeout: Span,
    /// Time for the whole head.
    pub header_timeout: Span,
    /// How long calls in flight may take to finish on shutdown. Zero = none.
    pub shutdown_grace: Span,
    /// Worker threads; 0 = one per core.
    pub threads: usize,
}

// === impl Config ===

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: Listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 8080))),
            public_url: None,
            max_body: Size(16 << 20),
            body_memory: Size(512 << 20),
            body_timeout: Span::seconds(30),
            header_timeout: Span::seconds(10),
            shutdown_grace: Span::seconds(20),
            threads: 0,
        }
    }
}

impl Config {
    /// What is wrong although every value can be read: the key and the complaint.
    #[must_use]
    pub fn validate(&self) -> Vec<(&'static str, String)> {
        let mut complaints = Vec::new();
        if self.max_body.0 == 0 {
            complaints.push((
                "max_body",
                "0 lets no picture in; write one like \"16MiB\"".to_owned(),
            ));
        }
        if self.body_memory < self.max_body {
            complaints.push((
                "body_memory",
                "this holds not even one body of max_body; write a larger size".to_owned(),
            ));
        }
        for (key, span) in [
            ("body_timeout", self.body_timeout),
            ("header_timeout", self.header_timeout),
        ] {
            if span.is_zero() {
                complaints.push((
                    key,
                    "0 leaves no time; write a duration like \"30s\"".to_owned(),
                ));
            }
        }
        complaints
    }
}
